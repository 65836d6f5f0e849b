/* test_decide_memory.c: a decision for which there is not enough memory is none: never another one. Each is
 * made again and again, each time without another one of its allocations (of all of them where arenas are
 * marked for the sanitizer, else of their blocks). */
#include "decide_fixture.h"

static const char TALK[] =
    "{\"id\":\"talk\",\"initial\":\"a\",\"context\":{\"heard\":\"\"},\"states\":{\"a\":{\"on\":{"
    "\"TELL\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"'hearer'\"},\"id\":\"s1\","
    "\"event\":{\"type\":\"SAY\",\"text\":\"hello\"}}]},"
    "\"SAY\":{\"context\":{\"heard\":{\"@expr\":\"context.heard + event.text\"}}}}}}}";

typedef fsm_code (*decide_fn)(desk *d, const fsm__case *at, const void *arg, fsm__decision *out,
                              fsm_error *err);

/* ---- one allocation fails ------------------------------------------------------------------------- */

static struct {
  const fsm_arena *arena;
  unsigned left;
  bool failed;
} fault;

void *__real_fsm_arena_more(fsm_arena *arena, size_t size);
void *__wrap_fsm_arena_more(fsm_arena *arena, size_t size);
char *__real_fsm_arena_strdup(fsm_arena *arena, const char *text);
char *__wrap_fsm_arena_strdup(fsm_arena *arena, const char *text);
char *__real_fsm_arena_strndup(fsm_arena *arena, const char *text, size_t len);
char *__wrap_fsm_arena_strndup(fsm_arena *arena, const char *text, size_t len);

static bool fails(const fsm_arena *arena) {
  if (arena != fault.arena || fault.failed) return false;
  fault.failed = fault.left-- == 0;
  return fault.failed;
}

void *__wrap_fsm_arena_more(fsm_arena *arena, size_t size) {
  return fails(arena) ? NULL : __real_fsm_arena_more(arena, size);
}

char *__wrap_fsm_arena_strdup(fsm_arena *arena, const char *text) {
  return fails(arena) ? NULL : __real_fsm_arena_strdup(arena, text);
}

char *__wrap_fsm_arena_strndup(fsm_arena *arena, const char *text, size_t len) {
  return fails(arena) ? NULL : __real_fsm_arena_strndup(arena, text, len);
}

/* Refused for want of memory, a fault of it, or the very bytes. */
static void sweep(desk *d, const fsm_command *command, decide_fn fn, const void *arg) {
  fsm__case at = case_of(d, command);
  fsm__decision whole;
  fsm_error err = {.text = ""};
  if (fn(d, &at, arg, &whole, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  assert_true(whole.count > 0);
  const char *expected = bytes_of(d, &whole);
  unsigned none = 0;
  bool failed = true;
  for (unsigned n = 0; failed; n += 1 + n / 64) {
    fsm_arena arena;
    fsm__decision decision = {.count = 0};
    fsm_arena_init(&arena, 0);
    at.arena = &arena;
    fault.arena = &arena;
    fault.left = n;
    fault.failed = false;
    fsm_code code = fn(d, &at, arg, &decision, &err);
    failed = fault.failed;
    fault.arena = NULL;
    if (code != FSM_OK && code != FSM_ENOMEM)
      fail_msg("allocation %u: %s: %s", n, fsm_code_name(code), err.text);
    if (code == FSM_OK && decision.refusal.code != FSM_ENOMEM &&
        strcmp(bytes_of(d, &decision), expected) != 0)
      fail_msg("without allocation %u another decision: %s", n, bytes_of(d, &decision));
    none += code != FSM_OK;
    fsm_arena_free(&arena);
  }
  assert_true(none > 0);
}

static fsm_code by_command(desk *d, const fsm__case *at, const void *arg, fsm__decision *out,
                           fsm_error *err) {
  (void)d;
  (void)arg;
  return fsm__decide(at, out, err);
}

static void a_start_and_an_event(void **state) {
  desk *d = *state;
  fsm_command command = start_of("m", "i1");
  command.key = "a key";
  command.idem = "once";
  sweep(d, &command, by_command, NULL);
  take(d, &command);
  command = send_of("i1", "GO");
  command.idem = "go";
  sweep(d, &command, by_command, NULL);
}

/* What was refused for its data, or its guard, tells the same. */
static void an_incident(void **state) {
  desk *d = *state;
  started(d, "loop", "i1");
  const fsm_command command = send_of("i1", "GO");
  sweep(d, &command, by_command, NULL);
}

static fsm_command answer_of(desk *d, fsm_command_kind kind, const char *task) {
  fsm__task row;
  fsm_command command = fsm_command_new(kind);
  assert_int_equal(fsm__task_load(d->rig->store, 1, task, &d->rig->arena, &row, NULL), FSM_OK);
  memcpy(command.token, row.token, 16);
  command.attempt = 1;
  command.correlation = "corr";
  command.data = rig_json(d->rig, "{\"message\":\"no\",\"n\":1}");
  return command;
}

static void answers_of_workers(void **state) {
  static const fsm_command_kind kinds[] = {FSM_CMD_TASK_STARTED, FSM_CMD_TASK_COMPLETE, FSM_CMD_TASK_FAIL};
  desk *d = *state;
  started(d, "retried", "i1");
  for (unsigned i = 0; i < 3; i++) {
    const fsm_command command = answer_of(d, kinds[i], "job");
    sweep(d, &command, by_command, NULL);
  }
}

static void what_an_operator_does(void **state) {
  static const fsm_command_kind kinds[] = {FSM_CMD_PAUSE, FSM_CMD_CANCEL, FSM_CMD_NOTE, FSM_CMD_RETRY,
                                           FSM_CMD_SKIP};
  desk *d = *state;
  started(d, "retried", "i1");
  for (unsigned i = 0; i < 5; i++) {
    fsm_command command = fsm_command_new(kinds[i]);
    command.instance = "i1";
    command.correlation = "corr";
    command.reason = "a test";
    command.actor = rig_json(d->rig, "{\"sub\":\"op\"}");
    command.name = kinds[i] == FSM_CMD_RETRY || kinds[i] == FSM_CMD_SKIP ? "job" : NULL;
    sweep(d, &command, by_command, NULL);
  }
}

static void the_retry_of_an_incident(void **state) {
  desk *d = *state;
  started(d, "loop", "i1");
  fsm_command command = send_of("i1", "GO");
  fsm__decision parked = decide(d, &command);
  apply(d, &parked);
  command = fsm_command_new(FSM_CMD_RETRY);
  command.instance = "i1";
  command.correlation = "corr";
  command.reason = "a test";
  command.actor = rig_json(d->rig, "{\"sub\":\"op\"}");
  sweep(d, &command, by_command, NULL);
}

static fsm_code by_message(desk *d, const fsm__case *at, const void *arg, fsm__decision *out,
                           fsm_error *err) {
  (void)d;
  return fsm__decide_message(at, 1, arg, out, err);
}

static void a_message(void **state) {
  desk *d = *state;
  fsm__send send;
  rig_deploy(d->rig, TALK, ++d->seq);
  started(d, "talk", "teller");
  started(d, "talk", "hearer");
  const fsm__decision told = sent(d, "teller", "TELL");
  const char *id = fsm_map_get(&told.records[0].sends.items[0], "id")->s;
  assert_int_equal(fsm__send_load(d->rig->store, 1, id, &d->rig->arena, &send, NULL), FSM_OK);
  const fsm_command command = {
      .kind = FSM_CMD_SEND, .expect_rev = -1, .correlation = "corr", .causation = "c"};
  sweep(d, &command, by_message, &send);
}

static fsm_code by_timer(desk *d, const fsm__case *at, const void *arg, fsm__decision *out, fsm_error *err) {
  (void)d;
  return fsm__decide_timer(at, 1, arg, out, err);
}

static void a_timer(void **state) {
  desk *d = *state;
  fsm__timer timer;
  started(d, "m", "i1");
  const fsm__decision went = sent(d, "i1", "GO");
  const char *id = fsm_map_get(&went.records[0].timers.items[0], "id")->s;
  assert_int_equal(fsm__timer_load(d->rig->store, 1, id, &d->rig->arena, &timer, NULL), FSM_OK);
  d->now_ns = timer.due_ns + SECOND;
  const fsm_command command = {.kind = FSM_CMD_SEND, .expect_rev = -1, .causation = "c"};
  sweep(d, &command, by_timer, &timer);
}

int main(void) {
  const struct CMUnitTest tests[] = {T(a_start_and_an_event),
                                     T(an_incident),
                                     T(answers_of_workers),
                                     T(what_an_operator_does),
                                     T(the_retry_of_an_incident),
                                     T(a_message),
                                     T(a_timer)};
  return cmocka_run_group_tests_name("decide_memory", tests, NULL, NULL);
}
