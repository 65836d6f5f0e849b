/* test_children_snapshot.c: a snapshot copied while instances talk, and children come and go, gives with the
 * journal exactly the rows of the live store. */
#include "snapshot_scene.h"

#include "children_scene.h"

enum { PAIRS = 8, FAMILIES = 2, SNAPSHOTS = 3 };

static const char PING[] =
    "{\"id\":\"ping\",\"initial\":\"a\",\"context\":{\"n\":0,\"with\":\"\"},\"states\":{\"a\":{\"on\":{"
    "\"WITH\":{\"context\":{\"with\":{\"@expr\":\"event.with\"}}},"
    "\"BALL\":{\"context\":{\"n\":{\"@expr\":\"context.n + 1\"}},\"actions\":[{\"type\":\"@xstate.sendTo\","
    "\"to\":{\"@expr\":\"context.with\"},\"event\":{\"type\":\"BALL\"}}]}}}}}";
/* Starts a child again and again: one ends by itself, the other is cancelled. */
static const char FAMILY[] =
    "{\"id\":\"family\",\"initial\":\"a\",\"states\":{\"a\":{\"invoke\":[{\"id\":\"quick\",\"src\":"
    "\"machine\",\"input\":"
    "{\"machine\":\"quick\"},\"onDone\":\"b\"},{\"id\":\"slow\",\"src\":\"machine\",\"input\":{\"machine\":"
    "\"slow\"}}]},"
    "\"b\":{\"invoke\":{\"id\":\"again\",\"src\":\"machine\",\"input\":{\"machine\":\"quick\"},\"onDone\":"
    "\"a\"}}}}";
static const char QUICK[] = "{\"id\":\"quick\",\"initial\":\"z\",\"states\":{\"z\":{\"type\":\"final\"}}}";
static const char SLOW[] = "{\"id\":\"slow\",\"initial\":\"a\",\"states\":{\"a\":{}}}";

static const char *named(fixture *f, const char *kind, unsigned i) {
  return fsm_arena_printf(&f->arena, "%s%u", kind, i);
}

static void begin_talk(fixture *f) {
  const char *const machines[] = {PING, FAMILY, QUICK, SLOW};
  for (unsigned i = 0; i < 4; i++) deploy(f, machines[i]);
  for (unsigned i = 0; i < 2 * PAIRS; i++) (void)start(f, "ping", named(f, "p", i), NULL, NULL);
  for (unsigned i = 0; i < 2 * PAIRS; i++)
    (void)send_event(f, named(f, "p", i), "WITH", fsm_arena_printf(&f->arena, "{\"with\":\"p%u\"}", i ^ 1));
  for (unsigned i = 0; i < PAIRS; i++) (void)send_event(f, named(f, "p", 2 * i), "BALL", NULL);
  for (unsigned i = 0; i < FAMILIES; i++) (void)start(f, "family", named(f, "f", i), NULL, NULL);
}

static void end_talk(fixture *f) {
  fsm_command command = fsm_command_new(FSM_CMD_CANCEL);
  command.reason = "enough";
  command.actor = json(f, "{\"sub\":\"op\"}");
  for (unsigned i = 0; i < 2 * PAIRS + FAMILIES; i++) {
    command.instance = i < 2 * PAIRS ? named(f, "p", i) : named(f, "f", i - 2 * PAIRS);
    fsm_answer answer = sent(f, &command);
    assert_code(&answer, FSM_OK);
  }
  until_quiet(f);
}

typedef struct talk {
  fixture *f;
  unsigned left;
} talk;

/* The talk goes on between two chunks, and the store with it; not for ever: it makes more chunks. */
static void go_on(void *arg, fsm__table table) {
  talk *t = arg;
  fixture *f = t->f;
  (void)table;
  if (t->left == 0) return;
  t->left--;
  const uint64_t from = fsm__store_applied(fsm__runtime_store(f->runtime), NULL);
  for (int i = 0; i < 60000 && fsm__store_applied(fsm__runtime_store(f->runtime), NULL) < from + 10; i++) {
    fsm__runtime_want_round(f->runtime);
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
}

static fsm__snapshot_info snapshot_among_talk(fixture *f) {
  fsm__snapshot_info info;
  fsm_error err = {.text = ""};
  talk t = {.f = f, .left = 12};
  const fsm__snapshot_options options = {.store = fsm__runtime_store(f->runtime),
                                         .origin = fsm__runtime_origin(f->runtime),
                                         .dir = snapshots_of(f),
                                         .now_ns = 1,
                                         .chunk_bytes = 2048,
                                         .between = go_on,
                                         .between_arg = &t};
  if (fsm__snapshot_make(&options, &info, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  return info;
}

static void a_snapshot_taken_while_instances_talk_gives_the_rows_of_the_live_store(void **state) {
  (void)state;
  fixture *f = restless_new();
  fsm__snapshot_info made[SNAPSHOTS];
  unsigned fuzzy = 0;
  begin_talk(f);
  for (unsigned i = 0; i < SNAPSHOTS; i++) {
    made[i] = snapshot_among_talk(f);
    fuzzy += made[i].to_seq > made[i].from_seq + 20;
  }
  end_talk(f);
  settle(f);
  for (unsigned i = 0; i < SNAPSHOTS; i++) expect_equal(f, made[i].from_seq);
  if (fuzzy < SNAPSHOTS) fail_msg("only %u of %d snapshots had records under them", fuzzy, SNAPSHOTS);
  assert_verified(f);
  fixture_free(f);
}

/* ---- an instance that goes in parts while it is copied ------------------------------------------- */

static const char TELLER[] =
    "{\"id\":\"teller\",\"meta\":{\"fsm\":{\"keep\":\"1h\"}},\"initial\":\"a\",\"states\":{\"a\":{\"on\":{"
    "\"TELL\":{\"target\":\"end\",\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"'h'\"},"
    "\"event\":{\"type\":\"BALL\"}}]}}},\"end\":{\"type\":\"final\"}}}";

typedef struct hour {
  fixture *f;
  bool over;
} hour;

static void an_hour_passes(void *arg, fsm__table table) {
  hour *h = arg;
  (void)table;
  if (h->over) return;
  h->over = true;
  passes(h->f, 2 * 3600);
  settle(h->f);
}

/* Its message waits, so its purge is begun and put off: it is still there, and so is its id. */
static void an_instance_whose_purge_is_put_off_meanwhile_keeps_its_id(void **state) {
  (void)state;
  fixture *f = restless_new();
  fsm__snapshot_info info;
  fsm_error err = {.text = ""};
  hour h = {.f = f};
  fsm_command pause = fsm_command_new(FSM_CMD_PAUSE);
  deploy(f, PING);
  deploy(f, TELLER);
  started(f, "ping", "h", NULL);
  started(f, "teller", "old", NULL);
  for (unsigned i = 0; i < 50; i++) (void)start(f, "ping", named(f, "other", i), NULL, NULL);
  pause.instance = "h";
  pause.reason = "a test";
  pause.actor = json(f, "{\"sub\":\"op\"}");
  fsm_answer answer = sent(f, &pause);
  assert_code(&answer, FSM_OK);
  sends(f, "old", "TELL");
  settle(f);
  const fsm__snapshot_options options = {.store = fsm__runtime_store(f->runtime),
                                         .origin = fsm__runtime_origin(f->runtime),
                                         .dir = snapshots_of(f),
                                         .now_ns = 1,
                                         .chunk_bytes = 1,
                                         .between = an_hour_passes,
                                         .between_arg = &h};
  if (fsm__snapshot_make(&options, &info, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  assert_true(info.to_seq > info.from_seq);
  expect_equal(f, info.from_seq);
  fixture_free(f);
}

/* What is on the disk after a record, as a kill would leave it. */
typedef struct deaths {
  char dir[32];
  const char *from;
  unsigned count;
  bool off;
} deaths;

static void die_here(void *arg, uint64_t seq) {
  deaths *d = arg;
  char to[128];
  (void)seq;
  if (d->off) return;
  snprintf(to, sizeof to, "%s/%u", d->dir, d->count++);
  copy_tree(d->from, to);
}

/* The same end from every place where the process may have died. */
static void every_frame_may_be_the_last_before_a_kill(void **state) {
  (void)state;
  fixture *f = fixture_new();
  deaths d = {.dir = "/tmp/fsm-deaths-XXXXXX", .from = f->dir, .off = true};
  assert_non_null(mkdtemp(d.dir));
  fsm_runtime_options options = scene_options(f);
  options.durable = die_here;
  options.durable_arg = &d;
  scene_reopen(f, &options);
  deploy(f,
         "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"n\":0},\"states\":{\"a\":{\"invoke\":{\"id\":\"k\","
         "\"src\":"
         "\"machine\",\"input\":{\"machine\":\"c\"},\"onDone\":\"b\"},\"on\":{\"HI\":{\"context\":{\"n\":{\"@"
         "expr\":"
         "\"context.n + "
         "1\"}}}}},\"b\":{\"invoke\":{\"id\":\"s\",\"src\":\"machine\",\"input\":{\"machine\":\"slow\"}},"
         "\"after\":{\"1\":\"e\"}},\"e\":{\"type\":\"final\"}}}");
  deploy(f,
         "{\"id\":\"c\",\"initial\":\"a\",\"states\":{\"a\":{\"entry\":[{\"type\":\"@xstate.sendParent\","
         "\"event\":{"
         "\"type\":\"HI\"}},{\"type\":\"@xstate.sendParent\",\"event\":{\"type\":\"HI\"}}],\"after\":{\"1\":"
         "\"z\"}},"
         "\"z\":{\"type\":\"final\"}}}");
  deploy(f, SLOW);
  d.off = false;
  fsm_answer answer = start(f, "m", "p", NULL, NULL);
  assert_code(&answer, FSM_OK);
  for (unsigned k = 0; k < 3; k++) passes(f, k == 0 ? 0 : 1);
  d.off = true;
  const int64_t last = seq_now(f);
  is_now(f, "p", "completed [\"e\"] {\"n\":2}");
  fixture_close(f);
  assert_true(d.count >= 8);
  for (unsigned i = 0; i < d.count; i++) {
    fixture copy = *f;
    assert_true(snprintf(copy.dir, sizeof copy.dir, "%s/%u", d.dir, i) < (int)sizeof copy.dir);
    fixture_open(&copy);
    for (unsigned k = 0; k < 3; k++) passes(&copy, k == 0 ? 0 : 1);
    is_now(&copy, "p", "completed [\"e\"] {\"n\":2}");
    assert_int_equal(seq_now(&copy), last);
    assert_verified(&copy);
    fixture_close(&copy);
    f->arena = copy.arena;
  }
  remove_tree(d.dir);
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_snapshot_taken_while_instances_talk_gives_the_rows_of_the_live_store),
      cmocka_unit_test(an_instance_whose_purge_is_put_off_meanwhile_keeps_its_id),
      cmocka_unit_test(every_frame_may_be_the_last_before_a_kill),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
