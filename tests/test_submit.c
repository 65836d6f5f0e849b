/* test_submit.c: batches of commands: whole or not at all, in order, each with its own answer; and first
 * answers that are given again before they are durable. */
#include "runtime_scene.h"

static fsm_command add_to(const char *id) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = id;
  command.event = "ADD";
  return command;
}

static uint64_t batches(fixture *f) {
  fsm__journal_stats stats;
  fsm__journal_stats_get(fsm__runtime_journal(f->runtime), &stats);
  return stats.batches;
}

static void call_batch(fixture *f, const fsm_command *commands, size_t count, fsm_answer *answers) {
  fsm_error err = {.text = ""};
  fsm_code code = fsm_call_batch(f->runtime, commands, count, &f->arena, answers, &err);
  if (code != FSM_OK) fail_msg("%s: %s: %s", fsm_code_name(code), err.where, err.text);
}

/* ---- batches ------------------------------------------------------------------------------------ */

static void a_batch_keeps_its_order_and_each_command_has_its_own_answer(void **state) {
  fixture *f = *state;
  fsm_command commands[6] = {
      fsm_command_new(FSM_CMD_START), add_to("i"), add_to("i"), add_to("i"), add_to("i"), add_to("nobody")};
  fsm_answer answers[6];
  commands[0].machine = "counter";
  commands[0].instance = "i";
  commands[3].event = "NEVER";
  uint64_t before = batches(f);
  call_batch(f, commands, 6, answers);
  static const fsm_code codes[] = {FSM_OK, FSM_OK, FSM_OK, FSM_EEVENT, FSM_OK, FSM_EINSTANCE};
  static const uint64_t revs[] = {1, 2, 3, 3, 4, 0};
  for (int i = 0; i < 6; i++) {
    assert_code(&answers[i], codes[i]);
    assert_int_equal(answers[i].rev, revs[i]);
  }
  assert_string_equal(answers[4].instance, "i");
  assert_true(answers[4].seq > answers[2].seq);
  assert_int_equal(context_n(f, "i"), 3);
  assert_int_equal(batches(f), before + 1); /* one turn, one fdatasync */
}

static void one_bad_command_refuses_the_whole_batch_by_its_place(void **state) {
  fixture *f = *state;
  (void)start_counter(f, "i");
  fsm_command commands[3] = {add_to("i"), add_to("i"), add_to("i")};
  fsm_answer answers[3];
  fsm_error err = {.text = ""};
  commands[1].event = NULL;
  assert_int_equal(fsm_call_batch(f->runtime, commands, 3, &f->arena, answers, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "commands[1].event");
  assert_int_equal(fsm_submit_batch(f->runtime, commands, 3, NULL, NULL, NULL, &err), FSM_EARGUMENT);
  commands[1].event = "ADD";
  commands[2].idem = "\n";
  assert_int_equal(fsm_submit_batch(f->runtime, commands, 3, NULL, NULL, NULL, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "commands[2].idem");
  assert_int_equal(context_n(f, "i"), 0);
}

static void a_batch_has_its_limit_and_may_be_empty(void **state) {
  fixture *f = *state;
  (void)start_counter(f, "i");
  fsm_command *commands = calloc(FSM_BATCH_MAX + 1, sizeof *commands);
  fsm_answer *answers = calloc(FSM_BATCH_MAX + 1, sizeof *answers);
  fsm_error err = {.text = ""};
  for (int i = 0; i <= FSM_BATCH_MAX; i++) commands[i] = add_to("i");
  call_batch(f, commands, FSM_BATCH_MAX, answers);
  assert_int_equal(answers[FSM_BATCH_MAX - 1].rev, 1 + FSM_BATCH_MAX);
  assert_int_equal(fsm_call_batch(f->runtime, commands, FSM_BATCH_MAX + 1, &f->arena, answers, &err),
                   FSM_ETOOLARGE);
  assert_string_equal(err.where, "commands");
  assert_int_equal(fsm_submit_batch(f->runtime, commands, FSM_BATCH_MAX + 1, NULL, NULL, NULL, &err),
                   FSM_ETOOLARGE);
  call_batch(f, NULL, 0, NULL);
  assert_int_equal(context_n(f, "i"), FSM_BATCH_MAX);
  free(commands);
  free(answers);
}

/* ---- the queue's edge --------------------------------------------------------------------------- */

/* An answer that holds the writer until it is let go. */
typedef struct gate {
  _Atomic bool reached, open;
} gate;

static void gate_answer(void *arg, const fsm_answer *answer) {
  gate *g = arg;
  (void)answer;
  atomic_store(&g->reached, true);
  while (!atomic_load(&g->open)) nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

static void gate_shut(fixture *f, gate *g) {
  fsm_command command = add_to("i");
  assert_int_equal(fsm_submit(f->runtime, &command, gate_answer, g, NULL), FSM_OK);
  while (!atomic_load(&g->reached)) nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

static void count_answer(void *arg, const fsm_answer *answer) {
  if (answer->error.code == FSM_OK) atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

static void a_batch_at_the_edge_of_the_queue_is_queued_whole_or_not_at_all(void **state) {
  fixture *f = *state;
  fsm_runtime_options options = scene_options(f);
  options.queue_max = 10;
  scene_reopen(f, &options);
  (void)start_counter(f, "i");
  fsm_command commands[11];
  _Atomic unsigned all = 0, each[11] = {0};
  void *args[11];
  gate g = {.reached = false};
  fsm_error err = {.text = ""};
  for (int i = 0; i < 11; i++) {
    commands[i] = add_to("i");
    args[i] = (void *)&each[i];
  }
  gate_shut(f, &g);
  assert_int_equal(fsm_submit_batch(f->runtime, commands, 11, count_answer, NULL, (void *)&all, &err),
                   FSM_ETOOLARGE); /* it would never fit */
  assert_int_equal(fsm_submit_batch(f->runtime, commands, 4, count_answer, NULL, (void *)&all, &err), FSM_OK);
  assert_int_equal(fsm_submit_batch(f->runtime, commands, 7, count_answer, args, NULL, &err), FSM_EBUSY);
  assert_non_null(strstr(err.text, "4 of at most 10 "));
  assert_non_null(strstr(err.text, "again in 100 ms"));
  assert_int_equal(fsm_submit_batch(f->runtime, commands, 6, count_answer, args, NULL, &err), FSM_OK);
  assert_int_equal(fsm_submit(f->runtime, commands, NULL, NULL, &err), FSM_EBUSY);
  atomic_store(&g.open, true);
  fixture_close(f);
  fixture_open(f);
  assert_int_equal(atomic_load(&all), 4);
  for (int i = 0; i < 11; i++) assert_int_equal(atomic_load(&each[i]), i < 6);
  assert_int_equal(context_n(f, "i"), 1 + 4 + 6);
}

/* ---- first answers that are not durable yet ----------------------------------------------------- */

static void a_repeated_command_in_the_same_batch_gets_the_first_answer(void **state) {
  fixture *f = *state;
  (void)start_counter(f, "i");
  fsm_command commands[4] = {add_to("i"), add_to("i"), add_to("i"), add_to("i")};
  fsm_answer answers[4];
  for (int i = 0; i < 3; i++) commands[i].idem = "once";
  commands[2].event = "GO";
  uint64_t before = batches(f);
  call_batch(f, commands, 4, answers);
  assert_int_equal(batches(f), before + 1);
  assert_code(&answers[0], FSM_OK);
  assert_false(answers[0].replayed);
  assert_code(&answers[1], FSM_OK);
  assert_true(answers[1].replayed);
  assert_true(answers[1].seq == answers[0].seq && answers[1].rev == answers[0].rev);
  assert_string_equal(answers[1].correlation, answers[0].correlation);
  assert_true(fsm_value_same(&answers[1].to, &answers[0].to));
  assert_code(&answers[2], FSM_EDUPLICATE);
  assert_int_equal(answers[3].rev, answers[0].rev + 1);
  assert_int_equal(context_n(f, "i"), 2);
  assert_verified(f);
}

static void a_repeated_start_in_the_same_batch_makes_one_instance(void **state) {
  fixture *f = *state;
  fsm_command commands[3];
  fsm_answer answers[3];
  for (int i = 0; i < 3; i++) {
    commands[i] = fsm_command_new(FSM_CMD_START);
    commands[i].machine = "counter";
    commands[i].idem = "once";
  }
  call_batch(f, commands, 3, answers);
  for (int i = 0; i < 3; i++) {
    assert_code(&answers[i], FSM_OK);
    assert_int_equal(answers[i].replayed, i > 0);
    assert_true(answers[i].created);
    assert_string_equal(answers[i].instance, answers[0].instance);
    assert_int_equal(answers[i].seq, answers[0].seq);
  }
  fsm_value counts = query(f, (fsm_query){.kind = FSM_QUERY_LIST, .machine = "counter"});
  assert_int_equal(fsm_map_get(&counts, "items")->len, 1);
}

static void sends_that_may_make_an_instance_make_one_in_a_batch(void **state) {
  fixture *f = *state;
  fsm_command commands[3];
  fsm_answer answers[3];
  for (int i = 0; i < 3; i++) {
    commands[i] = fsm_command_new(FSM_CMD_SEND);
    commands[i].machine = "counter";
    commands[i].key = "K1";
    commands[i].event = "ADD";
    commands[i].if_absent = true;
  }
  call_batch(f, commands, 3, answers);
  for (int i = 0; i < 3; i++) {
    assert_code(&answers[i], FSM_OK);
    assert_int_equal(answers[i].created, i == 0);
    assert_int_equal(answers[i].rev, i + 1);
    assert_string_equal(answers[i].instance, answers[0].instance);
  }
  assert_int_equal(context_n(f, answers[0].instance), 3);
  commands[0].key = "K2";
  commands[0].idem = "once";
  fsm_answer first = sent(f, commands), again = sent(f, commands);
  assert_true(again.replayed && again.created && again.seq == first.seq && again.rev == 1);
  assert_string_equal(again.instance, first.instance);
  assert_true(fsm_value_same(&again.to, &first.to) && fsm_value_same(&again.from, &first.from));
  assert_verified(f);
}

/* The journal keeps what is younger than a key's time; were it lost, the command would not be taken again. */
static void a_first_answer_that_is_archived_is_refused_and_nothing_is_done_twice(void **state) {
  fixture *f = *state;
  (void)start_counter(f, "i");
  fsm_command command = add_to("i");
  fsm__prune_report report;
  client clients[1];
  command.idem = "once";
  fsm_answer first = sent(f, &command);
  assert_code(&first, FSM_OK);
  clients_start(f, clients, 1, 80, 60 * 1024); /* two segments */
  clients_join(f, clients, 1);
  assert_int_equal(
      fsm__journal_prune(fsm__runtime_journal(f->runtime), first.seq + 1, NULL, NULL, &report, NULL), FSM_OK);
  fsm_answer again = sent(f, &command);
  assert_true(again.replayed); /* what is kept can be shown */
  assert_int_equal(
      fsm__journal_prune(fsm__runtime_journal(f->runtime), first.seq + 60, NULL, NULL, &report, NULL),
      FSM_OK);
  assert_true(report.segments > 0);
  again = sent(f, &command);
  assert_code(&again, FSM_EDUPLICATE);
  assert_non_null(strstr(again.error.text, "archived"));
  assert_int_equal(again.seq, first.seq);
  assert_int_equal(context_n(f, "i"), 1);
}

static void what_is_open_for_reading_takes_no_commands(void **state) {
  fixture *f = *state;
  fsm_runtime_options options = scene_options(f);
  fsm_command command = add_to("i");
  fsm_answer answer;
  fsm_error err = {.text = ""};
  options.read_only = true;
  scene_reopen(f, &options);
  assert_int_equal(fsm_submit(f->runtime, &command, NULL, NULL, &err), FSM_EARGUMENT);
  assert_int_equal(fsm_call_batch(f->runtime, &command, 1, &f->arena, &answer, &err), FSM_EARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      S(a_batch_keeps_its_order_and_each_command_has_its_own_answer),
      S(one_bad_command_refuses_the_whole_batch_by_its_place),
      S(a_batch_has_its_limit_and_may_be_empty),
      S(a_batch_at_the_edge_of_the_queue_is_queued_whole_or_not_at_all),
      S(a_repeated_command_in_the_same_batch_gets_the_first_answer),
      S(a_repeated_start_in_the_same_batch_makes_one_instance),
      S(sends_that_may_make_an_instance_make_one_in_a_batch),
      S(a_first_answer_that_is_archived_is_refused_and_nothing_is_done_twice),
      S(what_is_open_for_reading_takes_no_commands),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
