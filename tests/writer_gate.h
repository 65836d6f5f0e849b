/* writer_gate.h: a writer that is held while commands come in, answers that are counted, events that are
 * large. */
#ifndef FSM_TESTS_WRITER_GATE_H
#define FSM_TESTS_WRITER_GATE_H

#include "runtime_scene.h"

/* An answer that holds the writer until it is let go. */
typedef struct gate {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool reached, open;
} gate;

static inline void gate_answer(void *arg, const fsm_answer *answer) {
  gate *g = arg;
  (void)answer;
  pthread_mutex_lock(&g->lock);
  g->reached = true;
  pthread_cond_broadcast(&g->changed);
  while (!g->open) pthread_cond_wait(&g->changed, &g->lock);
  pthread_mutex_unlock(&g->lock);
}

static inline void gate_shut(fixture *f, gate *g) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i";
  command.event = "ADD";
  *g = (gate){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  assert_int_equal(fsm_submit(f->runtime, &command, gate_answer, g, NULL), FSM_OK);
  pthread_mutex_lock(&g->lock);
  while (!g->reached) pthread_cond_wait(&g->changed, &g->lock);
  pthread_mutex_unlock(&g->lock);
}

static inline void gate_open(gate *g) {
  pthread_mutex_lock(&g->lock);
  g->open = true;
  pthread_cond_broadcast(&g->changed);
  pthread_mutex_unlock(&g->lock);
}

typedef struct tally {
  _Atomic unsigned codes[FSM_CODE_COUNT], all;
} tally;

static inline void tally_answer(void *arg, const fsm_answer *answer) {
  tally *t = arg;
  atomic_fetch_add(&t->codes[answer->error.code], 1);
  atomic_fetch_add(&t->all, 1);
}

static inline void tally_await(tally *t, unsigned count) {
  while (atomic_load(&t->all) < count) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static inline fsm_answer send_blob(fixture *f, const char *id, const char *event, size_t len) {
  char *blob = fsm_arena_alloc(&f->arena, len + 1);
  memset(blob, 'b', len);
  blob[len] = '\0';
  fsm_pair pairs[1] = {{fsm_string("blob"), fsm_string(blob)}};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = id;
  command.event = event;
  command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pairs};
  return sent(f, &command);
}

#endif
