/* runtime_scene.h: runtimes opened in other ways than the fixture's, copies of their directories as a kill
 * would leave them, and the whole journal checked record by record. */
#ifndef RUNTIME_SCENE_H
#define RUNTIME_SCENE_H

#include "runtime_fixture.h"

#include "runtime/hash.h"
#include "schema/record.h"

/* Counts, and a little time: state a, event ADD adds one; BIG stores its data; GO ends. */
static const char COUNTER[] =
    "{\"id\":\"counter\",\"initial\":\"a\",\"context\":{\"n\":0,\"big\":null},\"states\":{\"a\":{\"on\":{"
    "\"ADD\":{\"context\":{\"n\":{\"@expr\":\"context.n + 1\"}}},"
    "\"BIG\":{\"context\":{\"big\":{\"@expr\":\"event.blob\"},\"n\":{\"@expr\":\"context.n + 1\"}}},"
    "\"TEST\":{\"guard\":{\"@expr\":\"context.big == event.blob && context.n < 0\"}},"
    "\"GO\":\"end\"}},\"end\":{\"type\":\"final\"}}}";

static inline fsm_runtime_options scene_options(fixture *f) {
  return (fsm_runtime_options){.dir = f->dir,
                               .node = "test",
                               .segment_bytes = 2 * 1024 * 1024,
                               .map_bytes = 64 << 20,
                               .now = fixture_clock,
                               .now_arg = f,
                               .task_ready = fixture_task,
                               .task_arg = f,
                               .fatal = fixture_fatal};
}

static inline void scene_open(fixture *f, const fsm_runtime_options *options) {
  fsm_error err = {.text = ""};
  fsm_code code = fsm_runtime_open(options, &f->runtime, &f->opened, &err);
  if (code != FSM_OK) fail_msg("open: %s: %s: %s", fsm_code_name(code), err.where, err.text);
}

/* A fixture that is open with these options instead of the usual ones. */
static inline void scene_reopen(fixture *f, const fsm_runtime_options *options) {
  fixture_close(f);
  scene_open(f, options);
}

static inline fsm_answer start_counter(fixture *f, const char *id) {
  return start(f, "counter", id, NULL, NULL);
}

static inline int64_t context_n(fixture *f, const char *id) {
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id});
  return fsm_map_get(fsm_map_get(&instance, "context"), "n")->i;
}

/* ---- the journal, record by record -------------------------------------------------------------- */

typedef void (*record_fn)(void *arg, const fsm_record *record);

/* Every durable record: seqs without a gap, links to the one before, times that grow. Gives each to fn. */
static inline uint64_t journal_walk(fixture *f, record_fn fn, void *arg) {
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  fsm__hash leaf = {{0}};
  fsm_arena arena;
  bool found = false;
  uint64_t seq = 0;
  int64_t time_ns = INT64_MIN;
  fsm_arena_init(&arena, 0);
  assert_int_equal(fsm__journal_cursor_open(fsm__runtime_journal(f->runtime), 1, &cursor, NULL), FSM_OK);
  while (fsm__journal_next(cursor, &entry, &found, NULL) == FSM_OK && found) {
    fsm_record record;
    assert_int_equal(entry.seq, ++seq);
    assert_int_equal(fsm_record_decode(&arena, entry.record.data, entry.record.len, &record, NULL), FSM_OK);
    assert_int_equal(record.seq, seq);
    assert_memory_equal(record.prev, leaf.bytes, FSM_HASH_BYTES);
    if (record.time_ns < time_ns) fail_msg("the time of seq %llu goes back", (unsigned long long)seq);
    assert_true(entry.frame_end == (record.i + 1 == record.n));
    time_ns = record.time_ns;
    leaf = fsm__leaf(entry.record.data, entry.record.len);
    if (fn != NULL) fn(arg, &record);
    fsm_arena_reset(&arena);
  }
  fsm__journal_cursor_close(cursor);
  fsm_arena_free(&arena);
  return seq;
}

/* ---- many clients ------------------------------------------------------------------------------- */

typedef struct client {
  pthread_t thread;
  fixture *f;
  unsigned id, commands;
  size_t blob;    /* bytes of data in each command */
  unsigned taken; /* answered with FSM_OK, in order */
  unsigned busy;  /* pushed back by the queue, tried again */
  _Atomic unsigned answers, wrong;
  uint64_t last_seq;
} client;

static inline void client_answer(void *arg, const fsm_answer *answer) {
  client *c = arg;
  if (answer->error.code != FSM_OK || answer->seq <= c->last_seq) atomic_fetch_add(&c->wrong, 1);
  c->last_seq = answer->seq;
  atomic_fetch_add(&c->answers, 1);
}

/* Submits without waiting in between; instance c<id>. */
static inline void *client_run(void *arg) {
  client *c = arg;
  char id[16], *blob = malloc(c->blob + 1);
  memset(blob, 'b', c->blob);
  snprintf(id, sizeof id, "c%u", c->id);
  fsm_pair pairs[1] = {{fsm_string("blob"), fsm_stringn(blob, c->blob)}};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = id;
  command.event = c->blob > 0 ? "BIG" : "ADD";
  if (c->blob > 0) command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pairs};
  for (unsigned i = 0; i < c->commands;) {
    fsm_error err;
    fsm_code code = fsm_submit(c->f->runtime, &command, client_answer, c, &err);
    if (code == FSM_OK) {
      i++;
    } else if (code == FSM_EBUSY) {
      c->busy++;
      nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    } else {
      atomic_fetch_add(&c->wrong, 1);
      break;
    }
  }
  while (atomic_load(&c->answers) < c->commands && atomic_load(&c->wrong) == 0)
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
  free(blob);
  return NULL;
}

static inline void clients_start(fixture *f, client *clients, unsigned count, unsigned commands,
                                 size_t blob) {
  for (unsigned i = 0; i < count; i++) {
    char id[16];
    snprintf(id, sizeof id, "c%u", i);
    fsm_answer answer = start_counter(f, id);
    assert_code(&answer, FSM_OK);
    clients[i] = (client){.f = f, .id = i, .commands = commands, .blob = blob};
  }
  for (unsigned i = 0; i < count; i++)
    assert_int_equal(pthread_create(&clients[i].thread, NULL, client_run, &clients[i]), 0);
}

static inline void clients_join(fixture *f, client *clients, unsigned count) {
  for (unsigned i = 0; i < count; i++) pthread_join(clients[i].thread, NULL);
  for (unsigned i = 0; i < count; i++) {
    char id[16];
    snprintf(id, sizeof id, "c%u", i);
    assert_int_equal(atomic_load(&clients[i].wrong), 0);
    assert_int_equal(atomic_load(&clients[i].answers), clients[i].commands);
    assert_int_equal(context_n(f, id), clients[i].commands);
  }
}

static inline int scene_setup(void **state) {
  fixture *f = fixture_new();
  fsm_answer answer = deploy_text(f, COUNTER, strlen(COUNTER));
  assert_code(&answer, FSM_OK);
  *state = f;
  return 0;
}

static inline int scene_teardown(void **state) {
  fixture_free(*state);
  return 0;
}

#define S(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

#endif
