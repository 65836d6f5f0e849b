/* test_writer_room.c: the writer without room: a full map of the store, a full disk, before and within a
 * turn. */
#include <signal.h>
#include <sys/resource.h>

#include "tests/writer_gate.h"

/* ---- a store without room ----------------------------------------------------------------------- */

static void a_full_map_refuses_commands_answers_reads_and_recovers(void **state) {
  fixture *f = *state;
  fsm_runtime_options options = scene_options(f);
  options.map_bytes = options.map_bytes_max = 512 * 1024;
  options.round_bytes = 64 * 1024;
  scene_reopen(f, &options);
  unsigned taken = 0;
  fsm_answer answer = {.seq = 0};
  for (; taken < 200; taken++) {
    char id[16];
    snprintf(id, sizeof id, "i%u", taken);
    answer = start_counter(f, id);
    if (answer.error.code == FSM_OK) answer = send_blob(f, id, "BIG", 20000);
    if (answer.error.code != FSM_OK) break;
  }
  assert_code(&answer, FSM_EFULL);
  assert_true(taken > 10);
  assert_int_equal(context_n(f, "i0"), 1); /* reads go on */
  answer = send_event(f, "i0", "ADD", NULL);
  assert_code(&answer, FSM_EFULL);
  uint64_t seq = journal_walk(f, NULL, NULL);
  options.map_bytes = 64 << 20;
  scene_reopen(f, &options);
  assert_int_equal(f->opened.last_seq, seq);
  answer = send_event(f, "i0", "ADD", NULL); /* the very first one */
  assert_code(&answer, FSM_OK);
  for (unsigned i = 1; i < taken; i++) {
    char id[16];
    snprintf(id, sizeof id, "i%u", i);
    assert_int_equal(context_n(f, id), 1);
  }
  assert_verified(f);
}

static void a_full_map_grows_by_itself_while_commands_and_reads_go_on(void **state) {
  enum { INSTANCES = 60 };
  fixture *f = *state;
  char id[16];
  fsm_runtime_options options = scene_options(f);
  options.map_bytes = 256 * 1024;
  options.round_bytes = 64 * 1024;
  options.round_ns = 2000000;
  scene_reopen(f, &options);
  for (unsigned i = 0; i < INSTANCES; i++) {
    snprintf(id, sizeof id, "i%u", i);
    fsm_answer answer = start_counter(f, id);
    if (answer.error.code == FSM_OK) answer = send_blob(f, id, "BIG", 20000);
    assert_code(&answer, FSM_OK);
    assert_int_equal(context_n(f, id), 1);
  }
  fsm_value health = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  assert_true(fsm_map_get(&health, "map_bytes")->i >= 1024 * 1024);
  assert_verified(f);
}

/* ---- a disk without room ------------------------------------------------------------------------ */

static void file_limit(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The first segment is small and there; a second one, larger, cannot be made. Only that meets the limit. */
static void leave_no_room_for_another_segment(fixture *f) {
  fsm_runtime_options options = scene_options(f);
  (void)signal(SIGXFSZ, SIG_IGN);
  options.segment_bytes = 16 * 1024 * 1024;
  fixture_close(f);
  file_limit(8 * 1024 * 1024);
  scene_open(f, &options);
}

static void a_full_disk_refuses_commands_and_recovers_without_a_restart(void **state) {
  fixture *f = *state;
  (void)start_counter(f, "i");
  leave_no_room_for_another_segment(f);
  unsigned taken = 0;
  fsm_answer answer = {.seq = 0};
  for (; taken < 100; taken++) {
    answer = send_blob(f, "i", "BIG", 60000);
    if (answer.error.code != FSM_OK) break;
  }
  assert_code(&answer, FSM_EFULL);
  assert_true(taken > 5);
  assert_int_equal(context_n(f, "i"), taken);
  file_limit(RLIM_INFINITY);
  answer = send_blob(f, "i", "BIG", 60000);
  assert_code(&answer, FSM_OK);
  assert_int_equal(context_n(f, "i"), taken + 1);
  assert_verified(f);
}

typedef struct refused {
  tally all;
  _Atomic unsigned wrong;
} refused;

/* Nothing of what was decided shows in the answer when nothing of it was journalled. */
static void refused_answer(void *arg, const fsm_answer *answer) {
  refused *r = arg;
  if (answer->error.code == FSM_EFULL &&
      (answer->created || answer->seq != 0 || answer->rev > 0 || answer->status != NULL ||
       (fsm_is(&answer->to, FSM_LIST) && answer->to.len > 0)))
    atomic_fetch_add(&r->wrong, 1);
  tally_answer(&r->all, answer);
}

static void a_start_that_the_disk_has_no_room_for_has_made_nothing(void **state) {
  enum { COMMANDS = 96 }; /* a turn takes half: more than a segment */
  fixture *f = *state;
  (void)start_counter(f, "i");
  leave_no_room_for_another_segment(f);
  gate g;
  refused r = {.wrong = 0};
  gate_shut(f, &g);
  char *blob = calloc(1, 60001), id[16];
  memset(blob, 'b', 60000);
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "counter";
  command.instance = id;
  command.data = fsm_stringn(blob, 60000);
  for (int i = 0; i < COMMANDS; i++) { /* 2.8 MB a turn */
    snprintf(id, sizeof id, "s%d", i);
    assert_int_equal(fsm_submit(f->runtime, &command, refused_answer, &r, NULL), FSM_OK);
  }
  gate_open(&g);
  tally_await(&r.all, COMMANDS);
  free(blob);
  unsigned taken = atomic_load(&r.all.codes[FSM_OK]);
  assert_int_equal(taken + atomic_load(&r.all.codes[FSM_EFULL]), COMMANDS);
  assert_true(taken > 0 && taken < COMMANDS);
  assert_int_equal(atomic_load(&r.wrong), 0);
  file_limit(RLIM_INFINITY);
  snprintf(id, sizeof id, "s%u", taken);
  fsm_answer answer = start_counter(f, id);
  assert_code(&answer, FSM_OK);
  assert_verified(f);
}

static void a_disk_that_fills_up_within_a_turn_refuses_the_rest_of_it(void **state) {
  enum { COMMANDS = 96 }; /* a turn takes half: more than a segment */
  fixture *f = *state;
  (void)start_counter(f, "i");
  leave_no_room_for_another_segment(f);
  gate g;
  tally t = {.all = 0};
  gate_shut(f, &g);
  char *blob = calloc(1, 60001);
  memset(blob, 'b', 60000);
  fsm_pair pairs[1] = {{fsm_string("blob"), fsm_string(blob)}};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i";
  command.event = "BIG";
  command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pairs};
  for (int i = 0; i < COMMANDS; i++) /* 2.8 MB a turn */
    assert_int_equal(fsm_submit(f->runtime, &command, tally_answer, &t, NULL), FSM_OK);
  gate_open(&g);
  tally_await(&t, COMMANDS);
  free(blob);
  unsigned taken = atomic_load(&t.codes[FSM_OK]);
  assert_int_equal(taken + atomic_load(&t.codes[FSM_EFULL]), COMMANDS);
  assert_true(taken > 0 && taken < COMMANDS);
  assert_int_equal(context_n(f, "i"), 1 + taken);
  file_limit(RLIM_INFINITY);
  fsm_answer answer = send_event(f, "i", "ADD", NULL);
  assert_code(&answer, FSM_OK);
  assert_verified(f);
}

static const char TIMED[] =
    "{\"id\":\"timed\",\"initial\":\"waiting\",\"states\":{\"waiting\":{\"after\":{\"60000\":\"late\"}},"
    "\"late\":{}}}";

static void a_timer_that_comes_due_on_a_full_disk_fires_when_there_is_room(void **state) {
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, TIMED, strlen(TIMED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "timed", "t", NULL, NULL);
  (void)start_counter(f, "i");
  leave_no_room_for_another_segment(f);
  do {
    answer = send_blob(f, "i", "BIG", 60000);
  } while (answer.error.code == FSM_OK);
  assert_code(&answer, FSM_EFULL);
  atomic_fetch_add(&f->now_ns, 61 * SECOND);
  for (int i = 0; i < 20; i++) assert_state(f, "t", "waiting"); /* some turns */
  file_limit(RLIM_INFINITY);
  for (int i = 0; i < 12000; i++) {
    fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "t"});
    if (strstr(text_of(f, fsm_map_get(&instance, "state")), "late") != NULL) break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  assert_state(f, "t", "late");
  assert_verified(f);
}

/* All come due in one turn, and what they write does not fit in what is left of the segment. */
static void timers_that_fill_the_disk_within_a_turn_fire_when_there_is_room(void **state) {
  enum { TIMERS = 40 };
  static const char HEAVY[] =
      "{\"id\":\"heavy\",\"initial\":\"waiting\",\"context\":{\"big\":null,\"copy\":null},\"states\":{"
      "\"waiting\":{\"on\":{\"BIG\":{\"context\":{\"big\":{\"@expr\":\"event.blob\"}}}},\"after\":{\"60000\":"
      "{"
      "\"target\":\"late\",\"context\":{\"copy\":{\"@expr\":\"[context.big, context.big, context.big, "
      "context.big, context.big, context.big, context.big, "
      "context.big]\"}}}}},\"late\":{}}}";
  fixture *f = *state;
  char id[16];
  fsm_answer answer = deploy_text(f, HEAVY, strlen(HEAVY));
  assert_code(&answer, FSM_OK);
  for (int i = 0; i < TIMERS; i++) {
    snprintf(id, sizeof id, "h%d", i);
    (void)start(f, "heavy", id, NULL, NULL);
    answer = send_blob(f, id, "BIG", 7000);
    assert_code(&answer, FSM_OK);
  }
  leave_no_room_for_another_segment(f);
  atomic_fetch_add(&f->now_ns, 61 * SECOND);
  uint64_t before = journal_walk(f, NULL, NULL), after = before;
  for (int i = 0; i < 12000 && after == before; i++) { /* some fire */
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    after = journal_walk(f, NULL, NULL);
  }
  assert_true(after > before);
  answer = send_blob(f, "h0", "BIG", 10);
  assert_code(&answer, FSM_EFULL);
  assert_true(journal_walk(f, NULL, NULL) < before + 2 * TIMERS);
  file_limit(RLIM_INFINITY);
  for (int i = 0; i < 12000 && journal_walk(f, NULL, NULL) < before + 2 * TIMERS; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  for (int i = 0; i < TIMERS; i++) {
    snprintf(id, sizeof id, "h%d", i);
    assert_state(f, id, "late");
  }
  assert_verified(f);
}

/* ---- what is offered again ---------------------------------------------------------------------- */

static int disk_teardown(void **state) {
  file_limit(RLIM_INFINITY);
  return scene_teardown(state);
}

#define D(name) cmocka_unit_test_setup_teardown(name, scene_setup, disk_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      S(a_full_map_refuses_commands_answers_reads_and_recovers),
      S(a_full_map_grows_by_itself_while_commands_and_reads_go_on),
      D(a_full_disk_refuses_commands_and_recovers_without_a_restart),
      D(a_disk_that_fills_up_within_a_turn_refuses_the_rest_of_it),
      D(a_start_that_the_disk_has_no_room_for_has_made_nothing),
      D(a_timer_that_comes_due_on_a_full_disk_fires_when_there_is_room),
      D(timers_that_fill_the_disk_within_a_turn_fire_when_there_is_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
