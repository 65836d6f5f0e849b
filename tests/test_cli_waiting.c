/* test_cli_waiting.c: what an instance waits for, and what a guard saw, in words. */
#include <locale.h>

/* the program's files are in no library */
#include "tools/cli/explain/seen.c"
#include "tools/cli/explain/waiting.c"
#include "tools/cli/show/screen.c"
#include "tools/cli/show/text.c"
#include "tools/cli/show/width.c"

#include "tests/arena_scene.h"

#define NOW "\"now\": \"2026-11-22T10:00:00.5Z\""

static fsm_value parse(const char *json) {
  fsm_value value;
  fsm_error err;
  assert_int_equal(fsm_json_parse(&arena, json, strlen(json), FSM_JSON_SORTED, &value, &err), FSM_OK);
  return value;
}

static const char *waiting(const char *json, unsigned columns) {
  fsm_buf out = {0};
  fsm_value instance = parse(json);
  const cli_screen screen = {.tty = columns > 0, .columns = columns};
  cli_waiting(&out, &arena, &instance, &screen);
  const char *text = fsm_arena_strdup(&arena, fsm_buf_text(&out));
  fsm_buf_free(&out);
  assert_non_null(text);
  return text;
}

static void a_task_says_who_has_to_do_what(void **state) {
  (void)state;
  static const struct {
    const char *task, *text;
  } cases[] = {
      {"\"attempt\": 0, \"attempts\": 3, \"status\": \"waiting\", \"due\": \"2026-11-22T09:58:56Z\"",
       "no worker has taken it for 1m4s"},
      {"\"attempt\": 1, \"attempts\": 3, \"status\": \"waiting\", \"due\": \"2026-11-22T09:59:57Z\"",
       "no worker has taken attempt 2 of 3 for 3s"},
      {"\"attempt\": 1, \"attempts\": 3, \"status\": \"waiting\", \"due\": \"2026-11-22T10:00:05Z\"",
       "attempt 2 of 3 is offered in 4s"},
      {"\"attempt\": 1, \"attempts\": 1, \"status\": \"started\", \"deadline\": \"2026-11-22T10:00:30.5Z\"",
       "attempt 1 of 1 runs until 2026-11-22T10:00:30Z (30s left)"},
      {"\"attempt\": 2, \"attempts\": 2, \"status\": \"started\", \"deadline\": \"2026-11-22T09:00:00Z\"",
       "attempt 2 of 2 ran out of time at 2026-11-22T09:00:00Z"},
      {"\"attempt\": 0, \"attempts\": 3, \"status\": \"nobody\", \"due\": \"2026-11-22T09:58:56Z\"",
       "nobody serves it, for 1m4s"},
      {"\"attempt\": 0, \"attempts\": 1", "no worker has taken it"},
      {"\"attempt\": 0, \"attempts\": 1, \"due\": 7", "no worker has taken it"},
      {"\"attempt\": 1, \"attempts\": 1, \"deadline\": \"soon\"", "attempt 1 of 1 runs"},
  };
  fsm_value now = parse("\"2026-11-22T10:00:00.5Z\"");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_value task = parse(fsm_arena_printf(&arena, "{%s}", cases[i].task));
    assert_string_equal(cli_task_state(&arena, &task, &now), cases[i].text);
  }
}

static void a_timer_says_when(void **state) {
  (void)state;
  fsm_value now = parse("\"2026-11-22T10:00:00Z\"");
  fsm_value due = parse("{\"due\": \"2026-11-22T13:00:00Z\"}"),
            late = parse("{\"due\": \"2026-11-22T09:59:55Z\"}");
  fsm_value none = parse("{}");
  assert_string_equal(cli_timer_state(&arena, &due, &now), "due in 3h");
  assert_string_equal(cli_timer_state(&arena, &late, &now), "overdue by 5s");
  assert_string_equal(cli_timer_state(&arena, &none, &now), "");
  assert_string_equal(cli_timer_state(&arena, &due, NULL), "");
}

static void times_at_the_ends_of_what_can_be_said_do_not_overflow(void **state) {
  (void)state;
  fsm_value first = parse("\"1677-09-21T00:12:43.145224192Z\""), last = parse("\"2262-04-11T23:47:16Z\"");
  fsm_value task = parse("{\"due\": \"1677-09-21T00:12:43.145224192Z\", \"attempts\": 1}");
  assert_string_equal(cli_task_state(&arena, &task, &last), "no worker has taken it");
  (void)cli_timer_state(&arena, &task, &first);
  fsm_value zero = parse("\"1970-01-01T00:00:00Z\"");
  (void)cli_task_state(&arena, &task, &zero);
}

static void a_task_says_why_nobody_serves_it_or_what_went_wrong(void **state) {
  (void)state;
  assert_string_equal(
      waiting("{\"status\": \"running\", " NOW ", \"tasks\": [{\"id\": \"call\", \"service\": "
              "\"http\", \"attempt\": 0, \"attempts\": 1, \"status\": \"nobody\", \"why\": \"it is off\", "
              "\"due\": \"2026-11-22T09:58:56Z\"}, {\"id\": \"pay\", \"service\": \"bank\", \"attempt\": 1, "
              "\"attempts\": 3, \"status\": \"waiting\", \"error\": \"no line\", \"due\": "
              "\"2026-11-22T10:00:05Z\"}]}",
              0),
      "it waits for the task call (service http): nobody serves it, for 1m4s: it is off\n"
      "it waits for the task pay (service bank): attempt 2 of 3 is offered in 4s; the last attempt "
      "failed: no line\n");
}

static void an_instance_says_why_it_does_not_move(void **state) {
  (void)state;
  assert_string_equal(
      waiting("{\"status\": \"running\", " NOW ", \"tasks\": [{\"id\": \"review\", \"service\": \"submit\", "
              "\"attempt\": 0, \"attempts\": 1, \"due\": \"2026-11-22T09:58:56Z\"}], \"timers\": [{\"id\": "
              "\"t\", \"event\": \"LATE\", \"due\": \"2026-11-22T13:00:01Z\"}]}",
              0),
      "it waits for the task review (service submit): no worker has taken it for 1m4s\n"
      "it waits for the timer LATE: due in 3h (2026-11-22T13:00:01Z)\n");
  assert_string_equal(waiting("{\"status\": \"running\", " NOW ", \"tasks\": [{\"id\": \"kid\", \"service\": "
                              "\"machine\", \"child\": \"p.kid.7\"}]}",
                              0),
                      "it waits for the child instance p.kid.7 (task kid)\n");
  assert_string_equal(waiting("{\"status\": \"running\", " NOW ", \"tasks\": [], \"timers\": []}", 0),
                      "it waits for no task and no timer\n");
  assert_string_equal(waiting("{\"status\": \"completed\", " NOW "}", 0), "it has ended: completed\n");
  assert_string_equal(waiting("{\"status\": \"paused\", " NOW "}", 0),
                      "it is paused: its tasks and timers wait too\n");
  assert_string_equal(waiting("{\"status\": \"incident\", " NOW
                              ", \"incident\": {\"reason\": \"loop_limit\", \"text\": \"it loops\"}}",
                              0),
                      "it is parked as an incident: it loops (loop_limit)\n");
  assert_string_equal(waiting("{}", 0), "");
}

static void what_it_says_fits_the_terminal_and_is_escaped(void **state) {
  (void)state;
  assert_string_equal(waiting("{\"status\": \"running\", " NOW
                              ", \"tasks\": [{\"id\": \"a\\u001b[2J\", \"service\": \"submit\", "
                              "\"attempt\": 0, \"attempts\": 1, \"due\": \"2026-11-22T09:58:56Z\"}]}",
                              40),
                      "it waits for the task a\\x1b[2J (service\n"
                      "  submit): no worker has taken it for\n"
                      "  1m4s\n");
}

/* ---- what a guard saw -------------------------------------------------------------------------------- */

static fsm_value values(unsigned count, unsigned bytes) {
  fsm_buf json = {0};
  for (unsigned i = 0; i < count; i++) {
    fsm_buf_printf(&json, "%s\"context.v%03u\": \"", i == 0 ? "{" : ", ", i);
    for (unsigned b = 0; b < bytes; b++) fsm_buf_char(&json, 'x');
    fsm_buf_char(&json, '"');
  }
  fsm_buf_char(&json, '}');
  fsm_value value = parse(fsm_buf_text(&json));
  fsm_buf_free(&json);
  return value;
}

/* The lines of what is printed; the widest in columns. */
static unsigned lines_of(const char *text, unsigned *widest) {
  unsigned lines = 0;
  *widest = 0;
  for (; *text != 0; lines++) {
    size_t len = strcspn(text, "\n");
    const char *line = fsm_arena_strndup(&arena, text, len);
    assert_non_null(line);
    if (cli_width(line) > *widest) *widest = cli_width(line);
    assert_int_equal(text[len], '\n');
    text += len + 1;
  }
  return lines;
}

static void what_a_guard_saw_is_ten_lines_at_most_of_one_line_each(void **state) {
  (void)state;
  static const struct {
    unsigned count, bytes, columns, lines, widest;
  } cases[] = {{1, 5, 0, 1, 9 + 22},    {10, 5, 0, 10, 9 + 22}, {11, 5, 0, 10, 9 + 22},
               {300, 5, 0, 10, 9 + 22}, {1, 3000, 0, 1, 200},   {1, 3000, 80, 1, 80},
               {12, 3000, 80, 10, 80},  {2, 3000, 20, 2, 20},   {1, 63, 80, 1, 9 + 71},
               {1, 62, 80, 1, 80}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_buf out = {0};
    fsm_value seen = values(cases[i].count, cases[i].bytes);
    const cli_screen screen = {.tty = cases[i].columns > 0, .columns = cases[i].columns};
    unsigned widest, lines;
    cli_seen(&out, &arena, &seen, &screen);
    lines = lines_of(fsm_buf_text(&out), &widest);
    assert_int_equal(lines, cases[i].lines);
    if (cases[i].count <= 10) assert_int_equal(widest, cases[i].widest);
    assert_true(widest <= (cases[i].columns > 0 ? cases[i].columns : CLI_SEEN_COLUMNS));
    bool cut = cases[i].count > 10;
    assert_int_equal(strstr(fsm_buf_text(&out), " more: -o json\n") != NULL, cut);
    fsm_buf_free(&out);
  }
}

static void the_last_line_counts_what_is_not_shown(void **state) {
  (void)state;
  fsm_buf out = {0};
  const cli_screen screen = {0};
  fsm_value seen = values(11, 1);
  cli_seen(&out, &arena, &seen, &screen);
  assert_non_null(strstr(fsm_buf_text(&out), "v008 = \"x\"\n  saw:   … and 2 more: -o json\n"));
  assert_null(strstr(fsm_buf_text(&out), "v009"));
  const char *text = cli_seen_text(&arena, &seen);
  assert_non_null(strstr(text, "context.v008 = \"x\", … and 2 more: -o json"));
  fsm_buf_free(&out);
}

static void nothing_seen_is_nothing_said(void **state) {
  (void)state;
  fsm_buf out = {0};
  const cli_screen screen = {0};
  fsm_value list = parse("[1]"), empty = parse("{}");
  cli_seen(&out, &arena, NULL, &screen);
  cli_seen(&out, &arena, &list, &screen);
  cli_seen(&out, &arena, &empty, &screen);
  assert_int_equal(out.len, 0);
  assert_string_equal(cli_seen_text(&arena, NULL), "");
  fsm_buf_free(&out);
}

int main(void) {
  if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) return 77;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_task_says_who_has_to_do_what, setup, teardown),
      cmocka_unit_test_setup_teardown(a_timer_says_when, setup, teardown),
      cmocka_unit_test_setup_teardown(times_at_the_ends_of_what_can_be_said_do_not_overflow, setup, teardown),
      cmocka_unit_test_setup_teardown(a_task_says_why_nobody_serves_it_or_what_went_wrong, setup, teardown),
      cmocka_unit_test_setup_teardown(an_instance_says_why_it_does_not_move, setup, teardown),
      cmocka_unit_test_setup_teardown(what_it_says_fits_the_terminal_and_is_escaped, setup, teardown),
      cmocka_unit_test_setup_teardown(what_a_guard_saw_is_ten_lines_at_most_of_one_line_each, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(the_last_line_counts_what_is_not_shown, setup, teardown),
      cmocka_unit_test_setup_teardown(nothing_seen_is_nothing_said, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
