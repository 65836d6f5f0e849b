/* Instances that have ended leave the store after their machine's keep, in parts that are bounded. */
#include "admin_scene.h"

#include "runtime/store.h"

/* Rows of each table; closes the runtime, so that all is in the store, and opens it again. */
static void count_rows(fixture *f, unsigned counts[FSM_TABLE_COUNT]) {
  fsm__store *store = NULL;
  fsm_error err = {.text = ""};
  char dir[96];
  fixture_close(f);
  snprintf(dir, sizeof dir, "%s/store", f->dir);
  const fsm__store_options options = {.dir = dir, .map_bytes = (size_t)64 << 20};
  if (fsm__store_open(&options, &store, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  for (unsigned t = 0; t < FSM_TABLE_COUNT; t++) {
    fsm__range range;
    fsm__row row;
    bool found = false;
    fsm__range_open(&range, store, (fsm__table)t, NULL, 0);
    for (counts[t] = 0; fsm__range_next(&range, &row, &found, NULL) == FSM_OK && found;) counts[t]++;
    fsm__range_close(&range);
  }
  fsm__store_close(store);
  fixture_open(f);
}

static fsm_code gone(fixture *f, const char *id) {
  fsm_value out;
  fsm_error err = {.text = ""};
  const fsm_query q = {.kind = FSM_QUERY_INSTANCE, .ref = id};
  return fsm_query_wait(f->runtime, &q, &f->arena, &out, &err);
}

static const char *why_not(fixture *f, fsm_query_kind kind, const char *id) {
  fsm_value out;
  fsm_error err = {.text = ""};
  const fsm_query q = {.kind = kind, .ref = id};
  assert_int_equal(fsm_query_wait(f->runtime, &q, &f->arena, &out, &err), FSM_EINSTANCE);
  return fsm_arena_strdup(&f->arena, err.text);
}

static void await_gone(fixture *f, const char *id) {
  for (int i = 0; i < 12000 && gone(f, id) == FSM_OK; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  assert_int_equal(gone(f, id), FSM_EINSTANCE);
}

/* The records of the kind, of all that is in the journal. */
static unsigned records_of(fixture *f, const char *id, const char *kind) {
  fsm__journal_cursor *cursor = NULL;
  fsm_error err;
  unsigned count = 0;
  assert_int_equal(fsm__journal_cursor_open(fsm__runtime_journal(f->runtime), 1, &cursor, &err), FSM_OK);
  for (bool found = true;;) {
    fsm__journal_entry entry;
    fsm_record record;
    if (fsm__journal_next(cursor, &entry, &found, &err) != FSM_OK || !found) break;
    assert_int_equal(fsm_record_decode(&f->arena, entry.record.data, entry.record.len, &record, &err),
                     FSM_OK);
    count += record.inst != NULL && strcmp(record.inst, id) == 0 &&
             strcmp(fsm_record_kind_name(record.kind), kind) == 0;
  }
  fsm__journal_cursor_close(cursor);
  return count;
}

static void an_instance_is_kept_so_long_and_its_records_for_ever(void **state) {
  fixture *f = *state;
  fsm_answer answer = start(f, "adm", "i1", "K1", NULL);
  assert_code(&answer, FSM_OK);
  (void)send_event(f, "i1", "NOTHING", NULL); /* a refusal has a row */
  answer = send_event(f, "i1", "END", NULL);
  assert_code(&answer, FSM_OK);
  fsm_value record = last_record(f, "i1");
  assert_string_equal(text_of(f, fsm_map_get(&record, "kind")), "\"completed\"");
  assert_non_null(fsm_map_get(fsm_map_get(&record, "detail"), "keep_until"));
  pass(f, 3590);
  (void)start(f, "adm", NULL, NULL, NULL);
  (void)start(f, "adm", NULL, NULL, NULL);
  assert_int_equal(gone(f, "i1"), FSM_OK); /* not yet */
  pass(f, 20);
  await_gone(f, "i1");
  assert_int_equal(records_of(f, "i1", "purged"), 1);
  assert_int_equal(records_of(f, "i1", "created"), 1); /* its records stay */
  const char *text = why_not(f, FSM_QUERY_HISTORY, "i1");
  if (strstr(text, "instance \"i1\" left the store at 2023-11-14T23:1") == NULL) fail_msg("%s", text);
  assert_string_equal(why_not(f, FSM_QUERY_INSTANCE, "i9"), "no instance \"i9\" exists");
  fsm_value records = query(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .ref = "i1"});
  assert_int_equal(fsm_map_get(&records, "items")->len,
                   5); /* created, rejected, transition, completed, purged */
  fsm_answer again = start(f, "adm", "i1", "K1", NULL);
  assert_code(&again, FSM_OK); /* and its id is free */
}

static void no_row_of_it_is_left(void **state) {
  fixture *f = *state;
  unsigned before[FSM_TABLE_COUNT], during[FSM_TABLE_COUNT], after[FSM_TABLE_COUNT];
  begun(f, "first", NULL); /* names and counters are made by it */
  (void)start(f, "adm", "second", "K0", NULL);
  count_rows(f, before);
  fsm_answer answer = start(f, "adm", "i1", "K1", NULL);
  (void)send_event(f, "i1", "NOTHING", NULL); /* a refusal has a row */
  answer = admin(f, FSM_CMD_NOTE, "i1");
  assert_code(&answer, FSM_OK);
  answer = send_event(f, "i1", "END", NULL);
  assert_code(&answer, FSM_OK);
  (void)start(f, "adm", "i2", "K1", NULL);
  answer = admin(f, FSM_CMD_CANCEL, "i2");
  assert_code(&answer, FSM_OK);
  count_rows(f, during);
  assert_true(during[FSM_T_INSTANCES] == before[FSM_T_INSTANCES] + 3 && during[FSM_T_DUE] == 2);
  pass(f, 3700);
  await_gone(f, "i1");
  await_gone(f, "i2");
  count_rows(f, after);
  for (unsigned t = 0; t < FSM_TABLE_COUNT; t++) assert_int_equal(after[t], before[t]);
}

static void without_a_keep_it_stays(void **state) {
  fixture *f = *state;
  static const char machine[] =
      "{\"id\":\"kept\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"END\":\"z\"}},\"z\":{\"type\":"
      "\"final\"}}}";
  fsm_answer answer = deploy_text(f, machine, sizeof machine - 1);
  assert_code(&answer, FSM_OK);
  (void)start(f, "kept", "k1", NULL, NULL);
  answer = send_event(f, "k1", "END", NULL);
  assert_code(&answer, FSM_OK);
  pass(f, (int64_t)3600 * 24 * 365 * 50);
  (void)start(f, "adm", NULL, NULL, NULL);
  (void)start(f, "adm", NULL, NULL, NULL);
  assert_int_equal(gone(f, "k1"), FSM_OK);
}

static void its_keys_live_as_long_as_was_promised(void **state) {
  fixture *f = *state;
  begun(f, "i1", NULL);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i1";
  command.event = "END";
  command.idem = "end-1";
  fsm_answer first = sent(f, &command), again;
  assert_code(&first, FSM_OK);
  pass(f, 23 * 3600);
  (void)start(f, "adm", NULL, NULL, NULL);
  again = sent(f, &command);
  assert_true(again.replayed && again.seq == first.seq);
  pass(f, 2 * 3600);
  await_gone(f, "i1");
}

static void many_rows_go_in_parts_also_over_a_restart(void **state) {
  fixture *f = *state;
  enum { KEYS = 300 };
  begun(f, "i1", NULL);
  for (int i = 0; i < KEYS; i++) {
    char key[16];
    fsm_command command = fsm_command_new(FSM_CMD_SEND);
    snprintf(key, sizeof key, "k%d", i);
    command.instance = "i1";
    command.event = i < KEYS - 1 ? "ADD" : "END";
    command.idem = key;
    fsm_answer answer = sent(f, &command);
    assert_code(&answer, FSM_OK);
  }
  fixture_close(f);
  pass(f, 25 * 3600);
  fixture_open(f);
  for (int i = 0; i < 60000 && records_of(f, "i1", "purged") < 1; i++)
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  fixture_reopen(f);
  await_gone(f, "i1");
  assert_int_equal(records_of(f, "i1", "purged"), 3); /* 128, 128, the rest */
}

static void what_it_still_has_to_say_is_waited_for(void **state) {
  fixture *f = *state;
  static const char machine[] =
      "{\"id\":\"tells\",\"meta\":{\"fsm\":{\"keep\":\"1h\"}},\"initial\":\"a\",\"states\":{\"a\":{\"on\":{"
      "\"END\":{"
      "\"target\":\"z\",\"actions\":{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"'ear'\"},\"event\":{"
      "\"type\":\"GO\"}}}"
      "}},"
      "\"z\":{\"type\":\"final\"}}}";
  fsm_answer answer = deploy_text(f, machine, sizeof machine - 1);
  assert_code(&answer, FSM_OK);
  begun(f, "ear", NULL);
  (void)admin(f, FSM_CMD_PAUSE, "ear");
  (void)start(f, "tells", "t1", NULL, NULL);
  answer = send_event(f, "t1", "END", NULL);
  assert_code(&answer, FSM_OK);
  pass(f, 3700);
  for (int i = 0; i < 30000 && records_of(f, "t1", "purged") == 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  assert_int_equal(records_of(f, "t1", "purged"), 1); /* later */
  assert_int_equal(gone(f, "t1"), FSM_OK);
  (void)admin(f, FSM_CMD_RESUME, "ear");
  await_field(f, "ear", "state", "[\"wait\"]");
  pass(f, 3700);
  await_gone(f, "t1");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      S(an_instance_is_kept_so_long_and_its_records_for_ever),
      S(no_row_of_it_is_left),
      S(without_a_keep_it_stays),
      S(its_keys_live_as_long_as_was_promised),
      S(what_it_still_has_to_say_is_waited_for),
      S(many_rows_go_in_parts_also_over_a_restart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
