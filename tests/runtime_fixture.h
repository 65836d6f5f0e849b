/* runtime_fixture.h: a runtime in a scratch directory, with the approval example, a clock that the test
 * sets and a list of the tasks that were offered. */
#ifndef RUNTIME_FIXTURE_H
#define RUNTIME_FIXTURE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/fsm_runtime.h"
#include "runtime/runtime_impl.h"
#include "schema/json.h"
#include "tests/tree.h"

#define SECOND ((int64_t)1000000000)

typedef struct fixture {
  char dir[64];
  fsm_runtime *runtime;
  fsm_opened opened;
  fsm_arena arena;
  _Atomic int64_t now_ns;
  _Atomic int64_t boot_ns; /* the clock of the boot, once there is one */
  uint64_t boot;           /* 0 = there is none: timers go by now_ns alone */
  pthread_mutex_t lock;
  struct {
    uint8_t token[16];
    unsigned attempt;
    char instance[FSM_INSTANCE_ID_MAX + 1], service[64];
  } offered[64];
  unsigned offered_count;
} fixture;

static int64_t fixture_clock(void *arg) { return atomic_load(&((fixture *)arg)->now_ns); }

static int64_t fixture_boot_clock(void *arg) { return atomic_load(&((fixture *)arg)->boot_ns); }

static void fixture_task(void *arg, const fsm_task *task) {
  fixture *f = arg;
  pthread_mutex_lock(&f->lock);
  if (f->offered_count < 64) {
    memcpy(f->offered[f->offered_count].token, task->token, 16);
    f->offered[f->offered_count].attempt = task->attempt;
    snprintf(f->offered[f->offered_count].instance, sizeof f->offered[0].instance, "%s", task->instance);
    snprintf(f->offered[f->offered_count].service, sizeof f->offered[0].service, "%s", task->service);
    f->offered_count++;
  }
  pthread_mutex_unlock(&f->lock);
}

static void fixture_fatal(void *arg, const fsm_error *err) {
  (void)arg;
  fprintf(stderr, "fatal: %s: %s\n", err->where, err->text);
  abort();
}

static inline void fixture_open(fixture *f) {
  fsm_error err = {.text = ""};
  const fsm_runtime_options options = {.dir = f->dir,
                                       .node = "test",
                                       .segment_bytes = 2 * 1024 * 1024,
                                       .map_bytes = 64 << 20,
                                       .now = fixture_clock,
                                       .monotonic = f->boot != 0 ? fixture_boot_clock : NULL,
                                       .boot = f->boot,
                                       .now_arg = f,
                                       .task_ready = fixture_task,
                                       .task_arg = f,
                                       .fatal = fixture_fatal};
  fsm_code code = fsm_runtime_open(&options, &f->runtime, &f->opened, &err);
  if (code != FSM_OK) fail_msg("open: %s: %s: %s", fsm_code_name(code), err.where, err.text);
}

static inline void fixture_close(fixture *f) {
  fsm_runtime_close(f->runtime);
  f->runtime = NULL;
}

static inline void fixture_reopen(fixture *f) {
  fixture_close(f);
  fixture_open(f);
}

static inline char *fixture_file(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail_msg("%s cannot be opened", path);
  char *text = calloc(1, 512 * 1024);
  *len = fread(text, 1, 512 * 1024 - 1, file);
  fclose(file);
  return text;
}

/* A new scratch directory; nothing deployed. */
static inline fixture *fixture_new(void) {
  fixture *f = calloc(1, sizeof *f);
  snprintf(f->dir, sizeof f->dir, "/tmp/fsm-test-XXXXXX");
  assert_non_null(mkdtemp(f->dir));
  atomic_store(&f->now_ns, 1700000000 * SECOND);
  pthread_mutex_init(&f->lock, NULL);
  fsm_arena_init(&f->arena, 0);
  fixture_open(f);
  return f;
}

static inline void fixture_free(fixture *f) {
  if (f->runtime != NULL) fixture_close(f);
  remove_tree(f->dir);
  fsm_arena_free(&f->arena);
  free(f);
}

static inline fsm_value json(fixture *f, const char *text) {
  fsm_value value;
  fsm_error err = {.text = ""};
  if (fsm_json_parse(&f->arena, text, strlen(text), FSM_JSON_SORTED, &value, &err) != FSM_OK)
    fail_msg("json: %s: %s", err.where, err.text);
  return value;
}

static inline fsm_answer deploy_text(fixture *f, const char *text, size_t len) {
  fsm_command command = fsm_command_new(FSM_CMD_DEPLOY);
  fsm_answer answer;
  command.source = text;
  command.source_len = len;
  (void)fsm_call(f->runtime, &command, &f->arena, &answer);
  return answer;
}

static inline void deploy_approval(fixture *f) {
  size_t len = 0;
  char *text = fixture_file(FSM_SOURCE_DIR "/examples/document-approval.json", &len);
  fsm_answer answer = deploy_text(f, text, len);
  if (answer.error.code != FSM_OK) fail_msg("deploy: %s: %s", answer.error.where, answer.error.text);
  free(text);
}

static inline fsm_answer start(fixture *f, const char *machine, const char *id, const char *key,
                               const char *input) {
  fsm_command command = fsm_command_new(FSM_CMD_START);
  fsm_answer answer;
  command.machine = machine;
  command.instance = id;
  command.key = key;
  if (input != NULL) command.data = json(f, input);
  (void)fsm_call(f->runtime, &command, &f->arena, &answer);
  return answer;
}

static inline fsm_answer sent(fixture *f, fsm_command *command) {
  fsm_answer answer;
  (void)fsm_call(f->runtime, command, &f->arena, &answer);
  return answer;
}

static inline fsm_answer send_event(fixture *f, const char *id, const char *event, const char *data) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = id;
  command.event = event;
  if (data != NULL) command.data = json(f, data);
  return sent(f, &command);
}

static inline fsm_value query(fixture *f, fsm_query q) {
  fsm_value out = fsm_null();
  fsm_error err = {.text = ""};
  fsm_code code = fsm_query_wait(f->runtime, &q, &f->arena, &out, &err);
  if (code != FSM_OK) fail_msg("query: %s: %s: %s", fsm_code_name(code), err.where, err.text);
  return out;
}

/* The document as JSON text, for comparing and for looking at. */
static inline const char *text_of(fixture *f, const fsm_value *value) {
  fsm_buf buf = {0};
  fsm_json_write(&buf, value);
  const char *text = fsm_arena_strdup(&f->arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text;
}

static inline void assert_code(const fsm_answer *answer, fsm_code expected) {
  if (answer->error.code != expected)
    fail_msg("%s (%s: %s), expected %s", fsm_code_name(answer->error.code), answer->error.where,
             answer->error.text, fsm_code_name(expected));
}

static inline void assert_state(fixture *f, const char *id, const char *state) {
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id});
  const char *text = text_of(f, fsm_map_get(&instance, "state"));
  char wanted[128];
  snprintf(wanted, sizeof wanted, "[\"%s\"]", state);
  assert_string_equal(text, wanted);
}

/* Waits (really, bounded) until n tasks have been offered. */
static inline void await_offers(fixture *f, unsigned n) {
  for (int i = 0; i < 12000; i++) {
    pthread_mutex_lock(&f->lock);
    unsigned count = f->offered_count;
    pthread_mutex_unlock(&f->lock);
    if (count >= n) return;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  fail_msg("only %u of %u tasks were offered", f->offered_count, n);
}

static inline fsm_answer task(fixture *f, fsm_command_kind kind, const uint8_t token[16], unsigned attempt,
                              bool final, const char *data) {
  fsm_command command = fsm_command_new(kind);
  memcpy(command.token, token, 16);
  command.attempt = attempt;
  command.final = final;
  if (data != NULL) command.data = json(f, data);
  return sent(f, &command);
}

static inline void assert_verified(fixture *f) {
  fsm_verified verified;
  fsm_error err = {.text = ""};
  fsm_code code = fsm_runtime_verify(f->runtime, &verified, &err);
  if (code != FSM_OK) fail_msg("verify: %s: %s: %s", fsm_code_name(code), err.where, err.text);
}

#endif
