/* play.h: one case, played plain and then in the mode that was asked for.
 *
 * Plain decides whether the case passes. With --round-trip or --jump it is played a second time: it must
 * pass again, and its trace must be the one of the plain run, macrostep by macrostep: same events in the same
 * sessions in the same order, same outcome, leaves, context and effects. (So nothing is compared
 * that depends on the time itself: a case that reads `now` into its context is none for --jump.)
 */
#ifndef CONFORMANCE_PLAY_H
#define CONFORMANCE_PLAY_H

#include "stage.h"

typedef struct script_step {
  int64_t after_ns; /* the clock moves so far before the event */
  const char *event;
  const char *expected; /* leaves, as stage_leaves gives them; NULL = anything */
} script_step;

typedef struct scenario {
  const char *initial;
  const script_step *steps;
  unsigned count;
} scenario;

/* After the start and after each event the active leaves are the script's. */
void play_script(conformance *run, const char *name, const stage_source *source, const scenario *script);
/* The session ends in the state of this name when the clock is moved on until nothing is pending. */
void play_until(conformance *run, const char *name, const stage_source *source, const char *state);

/* ---- script.c: scripts in the two forms of the corpus ---------------------------------------------- */

/* {"initialConfiguration": […], "events": [{"event": {"name"}, "after"?, "nextConfiguration": […]}]} */
FSM_MUST_USE fsm_code script_scion(fsm_arena *arena, const fsm_value *document, scenario *out,
                                   fsm_error *err);
/* {"initialConfiguration": […], "events": [{"type", "after", "next": […]}]} */
FSM_MUST_USE fsm_code script_xstate(fsm_arena *arena, const fsm_value *document, scenario *out,
                                    fsm_error *err);

/* ---- csv.c: tests.csv ------------------------------------------------------------------------------ */

typedef struct csv {
  const char **cells; /* rows × columns, the first row are the titles */
  unsigned rows, columns;
} csv;

FSM_MUST_USE fsm_code csv_parse(fsm_arena *arena, const char *text, csv *out, fsm_error *err);
/* The cell of the row whose column `key` is value; NULL = no such row or column. */
const char *csv_find(const csv *table, const char *key, const char *value, const char *column);

#endif
