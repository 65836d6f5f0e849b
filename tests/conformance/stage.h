/* stage.h: one definition at work: loaded from its text, with the documents that it invokes, in sessions
 * under a clock that stands still.
 *
 * Two runs of one case are compared by their traces: a line per macrostep, with the session, the event, the
 * outcome, the active leaves, the context and what was asked of the world.
 */
#ifndef CONFORMANCE_STAGE_H
#define CONFORMANCE_STAGE_H

#include "tests/conformance/conformance.h"

typedef enum stage_form { STAGE_SCXML, STAGE_JSON } stage_form;

typedef struct stage_source {
  stage_form form;
  const char *text;
  size_t len;
  const char *folder; /* where src is looked for */
} stage_source;

/* One time at which timers fired, in a run whose clock did not jump. */
typedef struct stage_tick {
  int64_t due_ns;
  int64_t newest_fired; /* when the timer among them was set that was set last */
  int64_t newest_left;  /* the same of those still set afterwards; INT64_MIN when nothing matters any more */
} stage_tick;

enum { STAGE_MACHINES_MAX = 256, STAGE_TICKS_MAX = 4096 };

typedef struct stage {
  const stage_source *source;
  bool round_trip;
  fsm_arena arena;
  fsm_machine *machines[STAGE_MACHINES_MAX];
  unsigned machine_count;
  fsm_sessions *sessions;
  fsm_session *root;
  fsm_buf trace;
  stage_tick ticks[STAGE_TICKS_MAX];
  unsigned tick_count;
  fsm_code last; /* outcome of the last event sent */
} stage;

/* Compiles and starts it. A document that is refused: the loader's fault, and root is NULL. stage_close is
 * called in any case. */
FSM_MUST_USE fsm_code stage_open(stage *s, const stage_source *source, bool round_trip, fsm_error *err);
void stage_close(stage *s);

FSM_MUST_USE fsm_code stage_send(stage *s, const char *event, fsm_error *err);

/* Moves the clock to to_ns, one time at which something is due after the other, and notes these times in
 * ticks. */
FSM_MUST_USE fsm_code stage_advance(stage *s, int64_t to_ns, fsm_error *err);
/* How many of the ticks after since_ns, of those noted by `plain` from number `first` on and up to to_ns, can
 * be jumped over at once: every timer that fired in them had been set by since_ns, and none that was set
 * later is left when they are over. Then nothing that follows can tell the difference. */
unsigned stage_can_jump(const stage *plain, unsigned first, int64_t since_ns, int64_t to_ns);

/* The active leaves of the first session, by the last part of their paths, in the order of strcmp, with
 * blanks between them. */
const char *stage_leaves(const stage *s, fsm_arena *arena);
/* Has the first session ended in the final state of this name? */
bool stage_ended_in(const stage *s, const char *name);

/* ---- load.c --------------------------------------------------------------------------------------- */

FSM_MUST_USE fsm_code stage_compile(stage *s, stage_form form, const char *text, size_t len,
                                    const fsm_machine **out, fsm_error *err);
/* For fsm_sessions_options.load: src below the folder, or content. */
fsm_code stage_load(void *arg, const fsm_session *parent, const fsm_effect *open, const fsm_machine **machine,
                    fsm_error *err);

/* ---- round_trip.c --------------------------------------------------------------------------------- */

/* For fsm_sessions_options.between: the snapshot as canonical msgpack, leaves by their paths, and back. */
fsm_code round_trip(void *arg, const fsm_machine *machine, fsm_arena *arena, fsm_snapshot *snapshot,
                    fsm_error *err);

/* ---- trace.c -------------------------------------------------------------------------------------- */

void trace_step(void *arg, const fsm_session *session, const fsm_event *event, const fsm_step_result *result);
/* The first line in which they differ; NULL = they are the same. */
const char *trace_difference(fsm_buf *a, fsm_buf *b, fsm_arena *arena);

#endif
