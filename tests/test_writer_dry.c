/* test_writer_dry.c: a dry run tells what then is written, and leaves nothing behind. */
#include <ctype.h>

#include "admin_scene.h"
#include "runtime/journal.h"
#include "runtime/runtime_impl.h"

static void reopen(fixture *f, bool read_only, bool still) {
  const fsm_runtime_options options = {.dir = f->dir,
                                       .node = "test",
                                       .read_only = read_only,
                                       .still = still,
                                       .now = fixture_clock,
                                       .now_arg = f,
                                       .fatal = fixture_fatal};
  fsm_error err = {.text = ""};
  fixture_close(f);
  if (fsm_runtime_open(&options, &f->runtime, NULL, &err) != FSM_OK) fail_msg("open: %s", err.text);
}

/* Times and durations as T, hashes of records with them, and no word of a clock that is behind: in nothing
 * else do two runs of one command at one place differ. */
static const char *without_times(fixture *f, const char *text) {
  fsm_buf out = {0};
  for (const char *at = text; *at != '\0'; at++) {
    size_t n = 0;
    if (strncmp(at, "\"20", 3) == 0 && strlen(at) > 12 && at[5] == '-' && at[8] == '-' && at[11] == 'T') {
      n = strcspn(at + 1, "\"") + 2;
    } else if (strncmp(at, "\"dur\":", 6) == 0 || strncmp(at, "\"elapsed\":", 10) == 0) {
      n = strcspn(at, ":") + 1;
      n += strspn(at + n, "0123456789");
    } else if (strncmp(at, "\"prev\":", 7) == 0) {
      n = 7 + 66;
    } else if (strncmp(at, "\"clock\":true,", 13) == 0) {
      at += 12;
      continue;
    } else if (isdigit((unsigned char)*at) && strspn(at, "0123456789") > 16) {
      n = strspn(at, "0123456789");
    }
    if (n > 0) {
      fsm_buf_char(&out, 'T');
      at += n - 1;
    } else {
      fsm_buf_char(&out, *at);
    }
  }
  const char *kept = fsm_arena_strdup(&f->arena, fsm_buf_text(&out));
  fsm_buf_free(&out);
  return kept;
}

static uint64_t last_seq(fixture *f) { return fsm__journal_durable_seq(fsm__runtime_journal(f->runtime)); }

static const char *written_since(fixture *f, uint64_t seq) {
  char after[24];
  snprintf(after, sizeof after, "%llu", (unsigned long long)seq);
  fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .after = after, .limit = 1000});
  return without_times(f, text_of(f, fsm_map_get(&page, "items")));
}

/* The answer but for its seq: a dry run has none. */
static const char *answer_text(fixture *f, fsm_answer answer) {
  fsm_value document;
  answer.seq = 0;
  answer.records = fsm_null();
  assert_int_equal(fsm_answer_view(&f->arena, &answer, &document), FSM_OK);
  return fsm_arena_printf(&f->arena, "%s %s %s %s", text_of(f, &document), fsm_code_name(answer.error.code),
                          answer.error.text, text_of(f, &answer.detail));
}

static const char *health_text(fixture *f) {
  fsm_value document = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  fsm_buf text = {0};
  for (uint32_t i = 0; i < document.len; i++)
    if (!fsm_is_text(&document.pairs[i].key, "turn_ns") && !fsm_is_text(&document.pairs[i].key, "free_bytes"))
      fsm_buf_printf(&text, "%s ", text_of(f, &document.pairs[i].value));
  const char *kept = fsm_arena_strdup(&f->arena, fsm_buf_text(&text));
  fsm_buf_free(&text);
  return kept;
}

/* First dry, twice, then in earnest: the same answer and the same records, and nothing before. */
static fsm_answer twice(fixture *f, fsm_command command, fsm_code wanted) {
  command.correlation = "c";
  command.dry_run = true;
  const uint64_t before = last_seq(f);
  const char *health = health_text(f);
  fsm_answer dry = sent(f, &command);
  assert_code(&dry, wanted);
  assert_int_equal(dry.seq, 0);
  assert_true(fsm_is(&dry.records, FSM_LIST));
  fsm_answer again = sent(f, &command);
  const char *told = without_times(f, text_of(f, &dry.records));
  assert_string_equal(told, without_times(f, text_of(f, &again.records)));
  assert_int_equal(last_seq(f), before);
  assert_string_equal(health_text(f), health);
  command.dry_run = false;
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, wanted);
  assert_true(fsm_is(&answer.records, FSM_NULL));
  assert_string_equal(answer_text(f, dry), answer_text(f, answer));
  assert_string_equal(told, written_since(f, before));
  return answer;
}

static fsm_command sending(fixture *f, const char *id, const char *event) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = id;
  command.event = event;
  command.actor = json(f, "{\"type\":\"user\",\"sub\":\"ana\",\"authn\":\"local\"}");
  return command;
}

static void what_it_tells_is_what_is_then_written(void **state) {
  fixture *f = *state;
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "adm";
  command.instance = "i";
  command.key = "k";
  (void)twice(f, command, FSM_OK);
  (void)twice(f, sending(f, "i", "GO"), FSM_OK); /* sets a timer */
  (void)twice(f, by_operator(f, FSM_CMD_NOTE, "i"), FSM_OK);
  command = by_operator(f, FSM_CMD_SKIP, "i");
  command.name = "xstate.after.10000.wait";
  (void)twice(f, command, FSM_OK);
  (void)twice(f, by_operator(f, FSM_CMD_PAUSE, "i"), FSM_OK);
  (void)twice(f, by_operator(f, FSM_CMD_RESUME, "i"), FSM_OK);
  command = by_operator(f, FSM_CMD_SET, "i");
  command.data = json(f, "{\"n\":7}");
  (void)twice(f, command, FSM_OK);
  command = by_operator(f, FSM_CMD_FORCE, "i");
  command.states = json(f, "[\"idle\"]");
  (void)twice(f, command, FSM_OK);
  (void)twice(f, sending(f, "i", "BAD"), FSM_OK); /* opens an incident */
  (void)twice(f, by_operator(f, FSM_CMD_SKIP, "i"), FSM_OK);
  (void)twice(f, by_operator(f, FSM_CMD_CANCEL, "i"), FSM_OK);
  assert_verified(f);
}

static void tasks_are_answered_and_opened_anew_as_told(void **state) {
  fixture *f = *state;
  begun(f, "one", "WORK");
  fsm_command command = by_operator(f, FSM_CMD_RETRY, "one");
  command.name = "job";
  (void)twice(f, command, FSM_OK);
  const fsm_value page = query(f, (fsm_query){.kind = FSM_QUERY_TASKS, .ref = "one"});
  const fsm_value *hex = fsm_map_get(&fsm_map_get(&page, "items")->items[0], "token");
  command = fsm_command_new(FSM_CMD_TASK_FAIL);
  for (unsigned i = 0; i < 16; i++) assert_int_equal(sscanf(hex->s + 2 * i, "%2hhx", &command.token[i]), 1);
  command.data = json(f, "\"no\"");
  command.final = true;
  (void)twice(f, command, FSM_OK);
  (void)twice(f, by_operator(f, FSM_CMD_RETRY, "one"), FSM_OK); /* of the incident */
  assert_verified(f);
}

static void a_refusal_is_told_with_its_record(void **state) {
  fixture *f = *state;
  begun(f, "i", NULL);
  (void)twice(f, sending(f, "i", "BACK"), FSM_ENOTRANSITION);
  (void)twice(f, sending(f, "i", "NONE"), FSM_EEVENT);
  (void)twice(f, by_operator(f, FSM_CMD_RESUME, "i"), FSM_ERUNNING);
  fsm_command command = by_operator(f, FSM_CMD_FORCE, "i");
  command.states = json(f, "[\"nowhere\"]");
  (void)twice(f, command, FSM_EARGUMENT);
  command = sending(f, "i", "GO");
  command.expect_rev = 9;
  (void)twice(f, command, FSM_ESTALE);
  (void)twice(f, sending(f, "i", "LOOP"), FSM_ELOOP); /* parks it */
  assert_verified(f);
}

/* Refusals of one actor over the rate are summed: dry ones take no place in that. */
static void many_are_no_refusal_at_all(void **state) {
  fixture *f = *state;
  begun(f, "i", NULL);
  fsm_command command = sending(f, "i", "BACK");
  command.dry_run = true;
  for (int i = 0; i < 500; i++) {
    fsm_answer dry = sent(f, &command);
    assert_code(&dry, FSM_ENOTRANSITION);
    assert_int_equal(dry.records.len, 1);
  }
  fsm_value health = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  assert_int_equal(fsm_map_get(&health, "refused")->i, 0);
  const uint64_t before = last_seq(f);
  command.dry_run = false;
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_ENOTRANSITION);
  assert_int_equal(last_seq(f), before + 1); /* a record of its own: it is the first */
}

static void no_key_is_kept_and_one_that_is_known_gives_the_first_answer(void **state) {
  fixture *f = *state;
  begun(f, "i", NULL);
  fsm_command command = sending(f, "i", "ADD");
  command.idem = "once";
  command.dry_run = true;
  fsm_answer dry = sent(f, &command);
  assert_code(&dry, FSM_OK);
  assert_false(dry.replayed);
  fsm_command other = sending(f, "i", "GO");
  other.idem = "once";
  fsm_answer answer = sent(f, &other);
  assert_code(&answer, FSM_OK);
  assert_false(answer.replayed);
  other.dry_run = true;
  dry = sent(f, &other);
  assert_true(dry.replayed);
  assert_int_equal(dry.records.len, 0);
  dry = sent(f, &command);
  assert_code(&dry, FSM_EDUPLICATE);
}

/* Between commands of one batch it sees those before it, and those behind it do not see it. */
static void in_a_batch_it_stands_where_it_is(void **state) {
  fixture *f = *state;
  begun(f, "c", NULL);
  fsm_command commands[3];
  fsm_answer answers[3];
  fsm_error err = {.text = ""};
  for (int i = 0; i < 3; i++) commands[i] = sending(f, "c", "ADD");
  commands[1].dry_run = true;
  assert_int_equal(fsm_call_batch(f->runtime, commands, 3, &f->arena, answers, &err), FSM_OK);
  assert_int_equal(answers[0].rev, 2);
  assert_int_equal(answers[1].rev, 3);
  assert_int_equal(answers[2].rev, 3);
  assert_field(f, "c", "rev", "3");
  assert_verified(f);
}

static void data_that_is_open_for_reading_takes_it_too(void **state) {
  fixture *f = *state;
  begun(f, "i", NULL);
  const uint64_t before = last_seq(f);
  reopen(f, true, false);
  fsm_command command = by_operator(f, FSM_CMD_CANCEL, "i");
  command.correlation = "c";
  fsm_answer dry;
  assert_int_equal(fsm_call(f->runtime, &command, &f->arena, &dry), FSM_EARGUMENT);
  command.dry_run = true;
  assert_int_equal(fsm_call(f->runtime, &command, &f->arena, &dry), FSM_OK);
  const char *told = without_times(f, text_of(f, &dry.records));
  fixture_reopen(f);
  assert_int_equal(last_seq(f), before);
  command.dry_run = false;
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  assert_string_equal(told, written_since(f, before));
}

static void what_has_none_says_so(void **state) {
  fixture *f = *state;
  static const fsm_command_kind kinds[] = {FSM_CMD_TASK_STARTED, FSM_CMD_TASK_UNDELIVERED,
                                           FSM_CMD_TASK_HEARTBEAT, FSM_CMD_REFUSED, FSM_CMD_SINK_NOTE};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    fsm_command command = fsm_command_new(kinds[i]);
    command.dry_run = true;
    fsm_answer answer;
    assert_int_equal(fsm_call(f->runtime, &command, &f->arena, &answer), FSM_EARGUMENT);
    assert_string_equal(answer.error.where, "dry_run");
  }
}

static void what_is_masked_elsewhere_is_masked_here(void **state) {
  fixture *f = *state;
  static const char pii[] =
      "{\"id\":\"pii\",\"initial\":\"a\",\"context\":{\"iban\":\"DE0200\"},\"schemas\":{"
      "\"context\":{\"type\":\"object\",\"properties\":{\"iban\":{\"type\":\"string\","
      "\"x-pii\":true}}}},\"states\":{\"a\":{}}}";
  fsm_answer answer = deploy_text(f, pii, sizeof pii - 1);
  assert_code(&answer, FSM_OK);
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "pii";
  command.instance = "p";
  answer = twice(f, command, FSM_OK);
  command = by_operator(f, FSM_CMD_SET, "p");
  command.data = json(f, "{\"iban\":\"DE0711\"}");
  command.dry_run = true;
  fsm_answer dry = sent(f, &command);
  assert_code(&dry, FSM_OK);
  assert_non_null(strstr(text_of(f, &dry.records), "iban"));
  assert_null(strstr(text_of(f, &dry.records), "DE0"));
}

/* options.still: what is due waits. */
static void a_still_one_does_only_what_it_is_told(void **state) {
  fixture *f = *state;
  begun(f, "i", "GO");
  begun(f, "j", NULL);
  reopen(f, false, true);
  pass(f, 60);
  for (int i = 0; i < 3; i++) {
    fsm_answer answer = send_event(f, "j", "ADD", NULL);
    assert_code(&answer, FSM_OK);
  }
  assert_field(f, "i", "state", "[\"wait\"]");
  fixture_reopen(f);
  await_field(f, "i", "state", "[\"late\"]");
  assert_verified(f);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
  const struct CMUnitTest tests[] = {
      T(what_it_tells_is_what_is_then_written),
      T(tasks_are_answered_and_opened_anew_as_told),
      T(a_refusal_is_told_with_its_record),
      T(many_are_no_refusal_at_all),
      T(no_key_is_kept_and_one_that_is_known_gives_the_first_answer),
      T(in_a_batch_it_stands_where_it_is),
      T(data_that_is_open_for_reading_takes_it_too),
      T(what_has_none_says_so),
      T(what_is_masked_elsewhere_is_masked_here),
      T(a_still_one_does_only_what_it_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
