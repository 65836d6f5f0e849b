/* test_manual.c: a runtime that its program drives: no thread, nothing but in calls, the same bytes again.
 *
 * Time and random numbers are this program's: clock_gettime and getrandom are taken over. */
#include "runtime_fixture.h"

#include <fcntl.h>
#include <sys/random.h>

#include "runtime/retention.h"

static int64_t mono_ns = SECOND;
static uint64_t noise = 1;

#pragma GCC visibility push(default)

int clock_gettime(clockid_t clock, struct timespec *out) {
  (void)clock;
  *out = (struct timespec){.tv_sec = mono_ns / SECOND, .tv_nsec = mono_ns % SECOND};
  return 0;
}

ssize_t getrandom(void *out, size_t len, unsigned flags) {
  (void)flags;
  for (size_t i = 0; i < len; i++) {
    noise = noise * 6364136223846793005u + 1442695040888963407u;
    ((uint8_t *)out)[i] = (uint8_t)(noise >> 56);
  }
  return (ssize_t)len;
}

#pragma GCC visibility pop

static const char MACHINE[] =
    "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"n\":0},\"states\":{"
    "\"a\":{\"on\":{\"ADD\":{\"context\":{\"n\":{\"@expr\":\"context.n + "
    "1\"}}},\"GO\":\"b\",\"LATE\":\"c\"}},"
    "\"b\":{\"invoke\":{\"id\":\"t\",\"src\":\"double\",\"input\":{\"v\":{\"@expr\":\"context.n\"}},"
    "\"onDone\":"
    "{\"target\":\"c\",\"context\":{\"n\":{\"@expr\":\"event.output\"}}}}},"
    "\"c\":{\"after\":{\"5000\":\"d\"}},\"d\":{\"type\":\"final\"}}}";

static unsigned doubled;

/* A service may call the runtime that runs it. */
static void run_double(void *arg, const fsm_task *task, fsm_arena *arena, fsm_service_result *out) {
  fixture *f = arg;
  fsm_command beat = fsm_command_new(FSM_CMD_TASK_HEARTBEAT);
  fsm_answer answer;
  memcpy(beat.token, task->token, sizeof beat.token);
  beat.attempt = task->attempt;
  (void)fsm_call(f->runtime, &beat, arena, &answer);
  out->output = fsm_int(2 * fsm_map_get(&task->input, "v")->i);
  doubled++;
}

static void open_by_hand(fixture *f, fsm_runtime_options more) {
  fsm_error err = {.text = ""};
  static fsm_service service;
  service = (fsm_service){.name = "double", .run = run_double, .arg = f};
  more.dir = f->dir;
  more.manual = true;
  more.segment_bytes = (size_t)2 << 20;
  more.map_bytes = (size_t)64 << 20;
  more.now = fixture_clock;
  more.monotonic = fixture_boot_clock;
  more.boot = 7;
  more.now_arg = f;
  more.services = &service;
  more.service_count = 1;
  more.fatal = fixture_fatal;
  if (fsm_runtime_open(&more, &f->runtime, &f->opened, &err) != FSM_OK) fail_msg("%s", err.text);
}

static void by_hand(fixture *f) {
  *f = (fixture){.dir = "/tmp/fsm-test-XXXXXX"};
  assert_non_null(mkdtemp(f->dir));
  atomic_store(&f->now_ns, 1700000000 * SECOND);
  atomic_store(&f->boot_ns, 100 * SECOND);
  fsm_arena_init(&f->arena, 0);
  noise = 1;
  mono_ns = SECOND;
  doubled = 0;
}

static void done(fixture *f) {
  if (f->runtime != NULL) fixture_close(f);
  remove_tree(f->dir);
  fsm_arena_free(&f->arena);
}

static void pass(fixture *f, int64_t ns) {
  atomic_fetch_add(&f->now_ns, ns);
  atomic_fetch_add(&f->boot_ns, ns);
  mono_ns += ns;
}

/* Turns until there is nothing to do; how many turns. */
static unsigned settle(fixture *f) {
  fsm_turned t;
  unsigned turns = 0;
  do {
    fsm_runtime_turn(f->runtime, &t);
    turns++;
    assert_true(turns < 100);
  } while (t.wait_ns == 0 || t.commands + t.reads + t.attempts + t.files + t.records > 0);
  return turns;
}

static size_t threads(void) {
  size_t count = 0;
  DIR *dir = opendir("/proc/self/task");
  for (struct dirent *e; (e = readdir(dir)) != NULL;) count += e->d_name[0] != '.';
  closedir(dir);
  return count;
}

/* ---- claims ------------------------------------------------------------------------------------- */

static void no_thread_is_started(void **state) {
  (void)state;
  fixture f;
  by_hand(&f);
  const size_t before = threads(); /* a sanitizer may have one of its own */
  open_by_hand(&f, (fsm_runtime_options){.snapshot_records = 1});
  assert_code(&(fsm_answer){.error = deploy_text(&f, MACHINE, sizeof MACHINE - 1).error}, FSM_OK);
  (void)settle(&f);
  assert_int_equal(threads(), before);
  done(&f);
}

static void count_answer(void *arg, const fsm_answer *answer) {
  assert_int_equal(answer->error.code, FSM_OK);
  ++*(unsigned *)arg;
}

static void count_document(void *arg, const fsm_value *document, const fsm_error *err) {
  (void)document;
  assert_null(err);
  ++*(unsigned *)arg;
}

static void submit_and_read_only_queue(void **state) {
  (void)state;
  fixture f;
  unsigned answers = 0, documents = 0;
  fsm_turned t;
  by_hand(&f);
  open_by_hand(&f, (fsm_runtime_options){.manual = true});
  (void)deploy_text(&f, MACHINE, sizeof MACHINE - 1);
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "m";
  command.instance = "i";
  assert_int_equal(fsm_submit(f.runtime, &command, count_answer, &answers, NULL), FSM_OK);
  assert_int_equal(
      fsm_read(f.runtime, &(fsm_query){.kind = FSM_QUERY_HEALTH}, count_document, &documents, NULL), FSM_OK);
  assert_int_equal(answers + documents, 0);
  fsm_runtime_turn(f.runtime, &t);
  assert_int_equal(answers, 1);
  assert_int_equal(documents, 1);
  assert_int_equal(t.commands, 1);
  assert_int_equal(t.reads, 1);
  assert_int_equal(t.records, 1);
  done(&f);
}

static void what_is_queued_is_answered_by_close(void **state) {
  (void)state;
  fixture f;
  unsigned answers = 0, documents = 0;
  by_hand(&f);
  open_by_hand(&f, (fsm_runtime_options){.manual = true});
  (void)deploy_text(&f, MACHINE, sizeof MACHINE - 1);
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "m";
  command.instance = "i";
  assert_int_equal(fsm_submit(f.runtime, &command, count_answer, &answers, NULL), FSM_OK);
  assert_int_equal(
      fsm_read(f.runtime, &(fsm_query){.kind = FSM_QUERY_HEALTH}, count_document, &documents, NULL), FSM_OK);
  fixture_close(&f);
  assert_int_equal(answers, 1);
  assert_int_equal(documents, 1);
  open_by_hand(&f, (fsm_runtime_options){.manual = true});
  assert_state(&f, "i", "a");
  assert_int_equal(f.opened.replayed, 0); /* close ran a last round */
  done(&f);
}

static void a_turn_runs_tasks_timers_rounds_snapshots_and_index_files(void **state) {
  (void)state;
  fixture f;
  fsm_verified verified;
  fsm_error err = {.text = ""};
  fsm_turned t;
  by_hand(&f);
  open_by_hand(&f, (fsm_runtime_options){.snapshot_records = 1});
  (void)deploy_text(&f, MACHINE, sizeof MACHINE - 1);
  fsm_answer a = start(&f, "m", "i", NULL, NULL);
  assert_code(&a, FSM_OK);
  for (unsigned i = 0; i < 3; i++) (void)send_event(&f, "i", "ADD", NULL);
  (void)send_event(&f, "i", "GO", NULL);
  (void)settle(&f);
  assert_state(&f, "i", "c");
  assert_int_equal(doubled, 1);
  pass(&f, 5 * SECOND - 1);
  (void)settle(&f);
  assert_state(&f, "i", "c");
  fsm_runtime_turn(f.runtime, &t);
  assert_in_range(t.wait_ns, 0, FSM_TURN_WAIT_MAX_NS);
  pass(&f, SECOND);
  (void)settle(&f);
  assert_state(&f, "i", "d");
  fsm__retained kept;
  fsm__retention_get(fsm__runtime_retention(f.runtime), &kept);
  assert_true(kept.snapshots > 0);
  assert_int_equal(kept.fault.code, FSM_OK);
  if (fsm_runtime_verify(f.runtime, &verified, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  assert_int_equal(verified.seq, verified.records);
  done(&f);
}

/* The task is on its way to its service when the operator's command comes. */
static void an_attempt_that_has_not_begun_does_not_begin_after_a_pause(void **state) {
  (void)state;
  fixture f;
  fsm_pair who = {fsm_string("sub"), fsm_string("op")};
  by_hand(&f);
  open_by_hand(&f, (fsm_runtime_options){.manual = true});
  (void)deploy_text(&f, MACHINE, sizeof MACHINE - 1);
  (void)start(&f, "m", "i", NULL, NULL);
  (void)send_event(&f, "i", "GO", NULL);
  fsm_command command = fsm_command_new(FSM_CMD_PAUSE);
  command.instance = "i";
  command.actor = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &who};
  command.reason = "not now";
  assert_int_equal(fsm_submit(f.runtime, &command, NULL, NULL, NULL), FSM_OK);
  (void)settle(&f);
  pass(&f, 60 * SECOND);
  (void)settle(&f);
  assert_int_equal(doubled, 0);
  command.kind = FSM_CMD_RESUME;
  (void)sent(&f, &command);
  (void)settle(&f);
  assert_int_equal(doubled, 1);
  assert_state(&f, "i", "c");
  done(&f);
}

/* Over several segments: the spare is made and index files are too. */
static void fill(fixture *f) {
  static char text[40000];
  memset(text, 'x', sizeof text - 1);
  fsm_pair pair = {fsm_string("p"), fsm_stringn(text, sizeof text - 1)};
  (void)deploy_text(f, MACHINE, sizeof MACHINE - 1);
  (void)start(f, "m", NULL, NULL, NULL); /* an id that is made */
  (void)start(f, "m", "i", NULL, NULL);
  for (unsigned i = 0; i < 120; i++) {
    fsm_command command = fsm_command_new(FSM_CMD_SEND);
    command.instance = "i";
    command.event = i < 119 ? "ADD" : "GO";
    command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &pair};
    fsm_answer a = sent(f, &command);
    assert_code(&a, FSM_OK);
    pass(f, 1000000);
    fsm_runtime_turn(f->runtime, NULL);
  }
  (void)settle(f);
}

static char *segment(const fixture *f, const char *name, size_t *len) {
  char path[256];
  snprintf(path, sizeof path, "%s/journal/0/%s", f->dir, name);
  int fd = open(path, O_RDONLY);
  if (fd < 0) fail_msg("no %s", path);
  char *bytes = calloc(1, (size_t)2 << 20);
  *len = (size_t)read(fd, bytes, (size_t)2 << 20);
  close(fd);
  return bytes;
}

static void the_same_calls_clocks_and_random_numbers_give_the_same_journal(void **state) {
  (void)state;
  static const char *const names[] = {"00000000000000000001.seg", "00000000000000000002.seg",
                                      "00000000000000000003.seg", "00000000000000000001.idx",
                                      "00000000000000000002.idx"};
  fixture a, b;
  by_hand(&a);
  open_by_hand(&a, (fsm_runtime_options){.manual = true});
  fill(&a);
  fixture_close(&a);
  by_hand(&b);
  open_by_hand(&b, (fsm_runtime_options){.manual = true});
  fill(&b);
  fixture_close(&b);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    size_t ours, theirs;
    char *one = segment(&a, names[i], &ours), *two = segment(&b, names[i], &theirs);
    assert_int_equal(ours, theirs);
    assert_memory_equal(one, two, ours);
    free(one);
    free(two);
  }
  done(&a);
  done(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_thread_is_started),
      cmocka_unit_test(submit_and_read_only_queue),
      cmocka_unit_test(what_is_queued_is_answered_by_close),
      cmocka_unit_test(a_turn_runs_tasks_timers_rounds_snapshots_and_index_files),
      cmocka_unit_test(an_attempt_that_has_not_begun_does_not_begin_after_a_pause),
      cmocka_unit_test(the_same_calls_clocks_and_random_numbers_give_the_same_journal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
