/* snapshot_scene.h: a data directory with a life: instances that start, move, end and start anew under the
 * same key, timers, tasks and idempotency rows, from several clients at once, with rounds all the time. */
#ifndef SNAPSHOT_SCENE_H
#define SNAPSHOT_SCENE_H

#include "runtime_scene.h"

#include "runtime/snapshot.h"
#include "runtime/verify.h"

static const char FLOW[] =
    "{\"id\":\"flow\",\"meta\":{\"fsm\":{\"keep\":\"1h\"}},\"initial\":\"a\",\"context\":{\"n\":0},"
    "\"states\":{"
    "\"a\":{\"after\":{\"1500\":\"b\"},\"on\":{\"NEXT\":\"b\",\"ADD\":{\"context\":{\"n\":{\"@expr\":"
    "\"context.n + "
    "1\"}}}}},"
    "\"b\":{\"invoke\":{\"id\":\"work\",\"src\":\"worker\",\"onDone\":\"c\"},\"on\":{\"NEXT\":\"c\"}},"
    "\"c\":{\"after\":{\"700\":\"a\"},\"on\":{\"NEXT\":\"a\",\"GO\":\"end\"}},"
    "\"end\":{\"type\":\"final\"}}}";

enum { LIVES = 4, LIFE_INSTANCES = 40 };

typedef struct life {
  fixture *f;
  unsigned id, commands;
  _Atomic bool *stop;
  unsigned taken, lives; /* commands taken; how often an instance was started anew */
} life;

static inline void life_start(life *l, fsm_arena *arena, unsigned slot) {
  char id[48], key[24], idem[64];
  fsm_command command = fsm_command_new(FSM_CMD_START);
  fsm_answer answer;
  if (slot % 3 == 0) /* an id that is used again once its instance was purged */
    snprintf(id, sizeof id, "w%u-%u", l->id, slot);
  else
    snprintf(id, sizeof id, "w%u-%u-%u", l->id, slot, l->lives);
  snprintf(key, sizeof key, "K%u-%u", l->id, slot);
  snprintf(idem, sizeof idem, "start-%s-%u", id, l->lives++);
  command.machine = "flow";
  command.instance = id;
  command.key = key;
  command.idem = idem;
  if (fsm_call(l->f->runtime, &command, arena, &answer) == FSM_OK) l->taken++;
}

static inline void *life_run(void *arg) {
  static const char *const events[] = {"ADD", "NEXT", "ADD", "NEXT", "NOTHING", "NEXT", "GO"};
  life *l = arg;
  unsigned random = 12345 + l->id;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (unsigned i = 0; i < l->commands && !(l->stop != NULL && atomic_load(l->stop)); i++) {
    char key[24], idem[48];
    random = random * 1103515245u + 12345u;
    unsigned slot = random >> 16 & 0xffff;
    snprintf(key, sizeof key, "K%u-%u", l->id, slot % LIFE_INSTANCES);
    snprintf(idem, sizeof idem, "send-%u-%u", l->id, i);
    fsm_command command = fsm_command_new(FSM_CMD_SEND);
    fsm_answer answer;
    command.machine = "flow";
    command.key = key;
    command.event = events[slot / LIFE_INSTANCES % 7];
    if (i % 3 == 0) command.idem = idem;
    fsm_code code = fsm_call(l->f->runtime, &command, &arena, &answer);
    if (code == FSM_OK) l->taken++;
    if (code == FSM_EINSTANCE || code == FSM_ECOMPLETED || code == FSM_ENOTFOUND)
      life_start(l, &arena, slot % LIFE_INSTANCES);
    fsm_arena_reset(&arena);
    /* Timers fall due, and now and then hours go by: entries of creations are dropped. */
    if (l->id == 0) atomic_fetch_add(&l->f->now_ns, i % 10 == 9 ? 1000 * SECOND : SECOND / 50);
  }
  fsm_arena_free(&arena);
  return NULL;
}

typedef struct lives {
  life each[LIVES];
  pthread_t threads[LIVES];
  _Atomic bool stop;
} lives;

static inline void lives_begin(fixture *f, lives *all, unsigned commands) {
  atomic_store(&all->stop, false);
  for (unsigned i = 0; i < LIVES; i++) {
    all->each[i] = (life){.f = f, .id = i, .commands = commands, .stop = &all->stop, .lives = 0};
    assert_int_equal(pthread_create(&all->threads[i], NULL, life_run, &all->each[i]), 0);
  }
}

static inline unsigned lives_end(lives *all) {
  unsigned taken = 0;
  for (unsigned i = 0; i < LIVES; i++) {
    pthread_join(all->threads[i], NULL);
    taken += all->each[i].taken;
  }
  return taken;
}

static inline fsm_runtime_options restless_options(fixture *f) {
  fsm_runtime_options options = scene_options(f);
  options.round_bytes = 16 * 1024; /* rounds all the time: applied moves under the copier */
  options.round_ns = 1000000;
  return options;
}

static inline fixture *restless_new(void) {
  fixture *f = fixture_new();
  fsm_runtime_options options = restless_options(f);
  scene_reopen(f, &options);
  fsm_answer answer = deploy_text(f, FLOW, strlen(FLOW));
  if (answer.error.code != FSM_OK) fail_msg("deploy: %s: %s", answer.error.where, answer.error.text);
  return f;
}

static inline const char *snapshots_of(const fixture *f) {
  static char path[128];
  snprintf(path, sizeof path, "%s/snapshots", f->dir);
  return path;
}

static inline fsm__snapshot_info snapshot_made(fixture *f, size_t chunk_bytes, unsigned rest_percent) {
  fsm__snapshot_info info;
  fsm_error err = {.text = ""};
  const fsm__snapshot_options options = {.store = fsm__runtime_store(f->runtime),
                                         .origin = fsm__runtime_origin(f->runtime),
                                         .dir = snapshots_of(f),
                                         .now_ns = 1,
                                         .chunk_bytes = chunk_bytes,
                                         .rest_percent = rest_percent};
  fsm_code code = fsm__snapshot_make(&options, &info, &err);
  if (code != FSM_OK) fail_msg("snapshot: %s: %s: %s", fsm_code_name(code), err.where, err.text);
  return info;
}

static inline void settle(fixture *f) {
  for (int i = 0; i < 30000; i++) {
    fsm__runtime_want_round(f->runtime);
    if (fsm__store_applied(fsm__runtime_store(f->runtime), NULL) ==
        fsm__journal_durable_seq(fsm__runtime_journal(f->runtime)))
      return;
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  }
  fail_msg("the store does not reach the journal");
}

/* The snapshot and the journal behind it give the rows of the live store. */
static inline void expect_equal(fixture *f, uint64_t from_seq) {
  fsm__path path;
  fsm__compared compared;
  fsm_error err = {.text = ""};
  assert_int_equal(fsm__snapshot_path(snapshots_of(f), from_seq, &path, &err), FSM_OK);
  fsm_code code = fsm__verify_store(fsm__runtime_store(f->runtime), fsm__runtime_journal(f->runtime),
                                    path.text, NULL, &compared, &err);
  if (code != FSM_OK) fail_msg("%s: %s: %s", fsm_code_name(code), err.where, err.text);
  assert_true(compared.rows > 100); /* not empty beside empty */
}

#endif
