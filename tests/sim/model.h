/* model.h: what the instances must be, by what was recorded and by the model's own idea of the machines. */
#ifndef FSM_TEST_SIM_MODEL_H
#define FSM_TEST_SIM_MODEL_H

#include "schema/record.h"
#include "sim.h"

enum { ACTORS_MAX = 512, SENDS_MAX = 2048 };

typedef enum status { RUNNING, PAUSED, INCIDENT, COMPLETED, CANCELLED } status;

typedef struct alarm_clock {
  bool set;
  char id[40];
  int64_t due_ns, mono_ns;
  uint64_t boot, set_seq;
} alarm_clock;

typedef struct job {
  bool open, started;
  char id[8];
  uint8_t token[16];
  unsigned attempt; /* the last that began or ended */
  unsigned attempts;
  int64_t begun_ns;
} job;

typedef struct actor {
  char id[ID_SIZE], machine[16], key[16], state[16];
  status status;
  int64_t n, s;
  uint32_t version;
  uint64_t rev, last_seq, made_seq;
  alarm_clock alarm;
  job job;
  uint64_t woken_seq; /* the record that made it run again */
  unsigned records;   /* refusals included */
} actor;

typedef struct letter {
  char from[ID_SIZE], id[32], to[ID_SIZE];
  bool gone;
} letter;

struct model {
  world *w;
  actor actors[ACTORS_MAX];
  unsigned actor_count;
  letter letters[SENDS_MAX];
  unsigned letter_count;
  struct {
    unsigned version; /* 0 = none yet */
    int64_t level;    /* of its document; -1 = it is removed */
  } routes[ROUTES_MAX];
  struct {
    int64_t form; /* what it was deployed from */
    bool live;
  } versions[VERSIONS_MAX]; /* of counter, from 1 */
  unsigned newest;
  bool any_live[SEQS_MAX];     /* a version of counter, behind that record */
  uint64_t begun_by[SEQS_MAX]; /* the task whose attempt began with that record; 0 = none did */
  uint64_t seq;
  int64_t time_ns;
  uint8_t leaf[32];
  int64_t taken_ns[SAIDS_MAX]; /* the recorded time of */
  uint64_t taken[SAIDS_MAX];   /* by number of what was said: seq of the first record, 0 = none */
};

actor *model_find(model *m, const char *id);
const char *status_text(status s);

/* model_steps.c: what an event does. NULL = it is not taken; else the state after it. */
const char *model_step(actor *a, const char *event, int64_t v);
bool model_takes(const actor *a, const char *event, int64_t v);
/* How long after its state was entered a timer is due; 0 = the state has none. */
int64_t model_delay(const actor *a);
/* The invoke of the state, and how many attempts it has; NULL = none. */
const char *model_invoke(const actor *a, unsigned *attempts);

/* model_time.c: timers and tasks. */
void model_timers(model *m, actor *a, const fsm_record *r, bool entered);
void model_fired(model *m, actor *a, const fsm_record *r);
void model_tasks(model *m, actor *a, const fsm_record *r);
void model_task(model *m, actor *a, const fsm_record *r);
/* model_version.c: deployments, retirements, of which version an instance is. */
void model_versions(model *m, const fsm_record *r, const said *by);
void model_made(model *m, actor *a, const fsm_record *r, const said *by);
/* Could it be refused as retired? */
bool model_may_be_retired(const model *m, unsigned number);
uint64_t model_task_mark(const uint8_t *token);

/* At rest: what should have happened by now. */
void model_rest(const model *m);

#endif
