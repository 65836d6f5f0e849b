/* seeded.h: a store of many instances of five machines, whose lives one seed decides.
 *
 * Each instance follows a plan (plans.c): steps with delays, and what it comes to. The clock is the program's
 * and runs through some weeks, so ages are spread; the runtime is driven by hand, so the same arguments give
 * the same journal, byte for byte. What was made stands in the manifest (manifest.c), by the plans alone:
 * nothing in it was read from the store. */
#ifndef TESTS_SEEDED_H
#define TESTS_SEEDED_H

#include <stdio.h>

#include "runtime/fsm_runtime.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define DAY (24 * 60 * MINUTE)

typedef enum role { CLERK, APPROVER, DIRECTOR, AGENT, OPERATOR, CUSTOMER, HANDLER, NOBODY } role;

typedef enum verb {
  SENDS,   /* word = event */
  REFUSED, /* the same, and it must be refused */
  PAUSES,
  RESUMES,
  CANCELS,
  FORCES, /* word = states, with commas */
  SETS,   /* word = the patch, JSON */
  NOTES,
  RETRIES,
  LATER /* nothing is sent: time or a service has moved it */
} verb;

typedef struct step {
  verb verb;
  const char *word;
  role who;
  unsigned after_min, spread_min; /* since the step before: so many minutes, and up to so many more */
  const char *states;             /* its leaves afterwards, with commas; NULL = as before */
  const char *status;             /* NULL = as before */
} step;

typedef struct plan {
  const char *name, *machine;
  unsigned weight;    /* so many of a thousand */
  bool whole;         /* always to its end; others may be under way when time is over */
  const char *kind;   /* what it comes to: orphan, dead, failed, silent, forced, paused… or "" */
  const char *states; /* of a new one */
  const step *steps;
  unsigned count;
} plan;

enum { PLAN_WEIGHTS = 1000 };
extern const plan seeded_plans[];
extern const unsigned seeded_plan_count;
int64_t plan_longest_ns(const plan *p);

typedef struct person {
  const char *sub, *json;
  role role;
} person;
const person *person_of(role of, uint64_t draw);

typedef struct seeded_instance {
  int64_t due_ns;                           /* of its next step */
  int64_t created_ns, updated_ns, since_ns; /* since: of the leaf that it has been in longest */
  const char *states, *status, *event, *by; /* event, by: of its last change */
  uint8_t plan, step;
  bool forced, begun;
} seeded_instance;

typedef struct seeded {
  const char *dir, *manifest;
  unsigned count;
  size_t segment_bytes;
  uint64_t seed;
  int64_t from_ns, until_ns, now_ns;
  seeded_instance *all;
  uint32_t *heap;
  unsigned waiting;
  fsm_runtime *runtime;
  fsm_arena arena;
  uint64_t commands, refused, records;
} seeded;

/* A number that depends on the seed, the instance and what it is for. */
uint64_t draw_of(const seeded *s, unsigned instance, unsigned purpose);
uint64_t draw_next(uint64_t *state);
_Noreturn void seeded_give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How an instance is called: in the arena. */
const char *seeded_id(const seeded *s, unsigned instance, fsm_arena *arena);
const char *seeded_key(const seeded *s, unsigned instance, fsm_arena *arena); /* NULL: none */
const char *seeded_correlation(const seeded *s, unsigned instance, fsm_arena *arena);
const char *seeded_labels(const seeded *s, unsigned instance, fsm_arena *arena); /* JSON */
const char *seeded_input(const seeded *s, unsigned instance, fsm_arena *arena);  /* JSON */
const char *seeded_text(const seeded *s, unsigned instance, unsigned nth, fsm_arena *arena);
const char *seeded_handler(const seeded *s, unsigned instance);

void seeded_open(seeded *s);
void seeded_play(seeded *s); /* all lives, up to until_ns */
void seeded_close(seeded *s);
void seeded_tell(const seeded *s); /* manifest, and the summary on stdout */

#endif
