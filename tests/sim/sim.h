/* sim.h: a runtime whose clocks, random numbers and disk are this program's, what was asked of it, and a
 * model that says what must have come of it.
 *
 *   world   clocks, disk, opening, closing, the power going        play    what one step does, by chance
 *   model   records → what they must mean; what they may not say   look    documents against the model
 *
 * One seed is one history: the same calls, the same bytes. The model reads what the runtime recorded and
 * judges each record by what was asked and by its own idea of the machines (charts.h); it calls nothing of
 * the engine. */
#ifndef FSM_TEST_SIM_H
#define FSM_TEST_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/fsm_runtime.h"

#define SECOND ((int64_t)1000000000)
#define MS ((int64_t)1000000)

enum {
  ID_SIZE = 48,
  SAIDS_MAX = 4096,
  SEQS_MAX = 8192,
  OFFERS_MAX = 512,
  LIVES_MAX = 256,
  ROUTES_MAX = 3,
  VERSIONS_MAX = 512,
  BULK_MAX = 64000,
  DIR_SIZE = 96
};

/* Events are sent by the boss or by a clerk: by their value. */
#define IS_BOSS(v) ((v) % 2 != 0)

/* A command, and what was answered. */
typedef struct said {
  fsm_command_kind kind;
  char machine[16], instance[ID_SIZE], key[16], event[16], idem[16], name[16];
  int64_t v;
  bool if_absent;
  unsigned bulk; /* bytes of payload that nobody reads: segments fill */
  int64_t expect_rev;
  uint8_t token[16];
  unsigned attempt;
  uint32_t version;             /* of a new instance, of what is retired; 0 = not said */
  bool claim, had;              /* had: the answer has the task */
  unsigned group;               /* the first that was said under its key: its own number without one */
  size_t asked_op, answered_op; /* of the disk, at that time; asked: and one more; 0 = an era ago */
  bool answered, gone, vague;   /* gone: the power went before it. vague: it went before its answer */
  bool roomless;                /* it was said when there was no room */
  fsm_code code;
  bool replayed, created;
  uint64_t seq, rev;
  char made[ID_SIZE], to[32], text[96];
} said;

/* When a record became durable, by the clocks of the world. */
typedef struct stamp {
  int64_t wall_ns, boot_ns;
  uint64_t boot;
  uint64_t hash; /* of its bytes, once they were seen */
} stamp;

/* From one opening to the next. */
typedef struct life {
  uint64_t after_seq; /* the last record before it */
  int64_t wall_ns, wall_most_ns, boot_ns;
  uint64_t boot;
} life;

typedef struct mark {
  size_t op;
  uint64_t seq; /* durable from this operation on */
} mark;

typedef struct offer {
  uint8_t token[16];
  unsigned attempt;
} offer;

typedef struct world {
  uint64_t seed, play;
  bool tell;
  bool early; /* plays as it did before versions, claims and roles: for the seeds that were kept from then */
  char dir[DIR_SIZE], base[DIR_SIZE];
  fsm_runtime *runtime;
  bool based;         /* the disk began this era with what is in base */
  bool short_of_room; /* there was none, and there was no time since to find out that there is */
  bool full;          /* no room on the disk */
  unsigned step, lives, crashes;
  int64_t wall_ns, mono_ns, boot_ns, wall_most_ns;
  uint64_t boot;
  life of[LIVES_MAX];
  unsigned life_count;
  size_t map_bytes, round_bytes;
  uint64_t snapshot_records;
  unsigned bulk_most;
  said *saids;
  unsigned said_count;
  stamp *stamps; /* by seq */
  uint64_t durable, told_seq;
  mark *marks;
  size_t mark_count;
  offer offers[OFFERS_MAX];
  unsigned offer_count;
} world;

/* Ends the program: seed, step and what is wrong. */
_Noreturn void wrong(const world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void told(const world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- world.c ---- */

uint64_t chance(uint64_t *state);
unsigned below(world *w, unsigned count); /* by chance, less than count */
world *world_new(uint64_t seed, const char *dir, bool tell);
void world_free(world *w);
void world_open(world *w);
void world_close(world *w);
/* The power goes (or the process ends) at some operation since the last time; opens what is left. */
void world_crash(world *w);
void world_pass(world *w, int64_t ns);
void world_set_wall(world *w, int64_t by_ns);
void world_reboot(world *w); /* closed */
void world_full(world *w, bool full);
/* Turns until there is nothing to do now. */
void world_settle(world *w);

/* ---- play.c ---- */

void play_begin(world *w); /* deploys */
void play_step(world *w);
/* Says it: queued, not answered. */
said *play_say(world *w, const said *what);
void play_restore(world *w); /* room, and all that runs may run */

/* ---- model.c, look.c ---- */

typedef struct model model;
/* Reads all records and judges them. */
model *model_of(world *w);
void model_free(model *m);
/* Documents against the model, at rest. */
void look(world *w);
void look_now(world *w); /* in the midst of it */
void look_verify(world *w);

#endif
