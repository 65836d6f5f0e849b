/* test_cli_args.c: the argument parser of fsm-cli, and did-you-mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* the program's files are in no library */
#include "tools/cli/args.c"
#include "tools/cli/nearest.c"

static const cli_option global[] = {{"data", 0, "DIR", "", false},
                                    {"output", 'o', "FORMAT", "", false},
                                    {"help", 'h', NULL, "", false},
                                    {NULL, 0, NULL, NULL, false}};
static const cli_option own[] = {{"data", 0, "JSON", "", false},
                                 {"state", 's', "STATE", "", false},
                                 {"label", 'l', "NAME=VALUE", "", true},
                                 {"limit", 0, "N", "", false},
                                 {"all", 0, NULL, "", false},
                                 {NULL, 0, NULL, NULL, false}};

static cli_args args;
static fsm_error err;

static fsm_code parse(const char *const *argv, bool stop_at_word, int *at) {
  memset(&args, 0, sizeof args);
  memset(&err, 0, sizeof err);
  *at = 0;
  return cli_args_parse(&args, own, global, (char *const *)(uintptr_t)argv, at, stop_at_word, &err);
}

#define PARSE(...)                                                \
  ({                                                              \
    int at_;                                                      \
    parse((const char *const[]){__VA_ARGS__, NULL}, false, &at_); \
  })

static void every_form_of_an_option_is_read(void **state) {
  (void)state;
  assert_int_equal(PARSE("--state", "a", "--limit=5", "-oFORM", "--all"), FSM_OK);
  assert_string_equal(cli_args_get(&args, "state"), "a");
  assert_string_equal(cli_args_get(&args, "limit"), "5");
  assert_string_equal(cli_args_get(&args, "output"), "FORM");
  assert_true(cli_args_has(&args, "all"));
  assert_false(cli_args_has(&args, "help"));
  assert_int_equal(PARSE("-s", "b", "--state-less"), FSM_EARGUMENT);
  assert_int_equal(PARSE("--limit="), FSM_OK);
  assert_string_equal(cli_args_get(&args, "limit"), "");
}

static void words_and_options_mix(void **state) {
  (void)state;
  assert_int_equal(PARSE("ref", "-s", "x", "EVENT", "-", "--", "--all", "-s"), FSM_OK);
  assert_int_equal(args.word_count, 5);
  assert_string_equal(args.words[0], "ref");
  assert_string_equal(args.words[2], "-");
  assert_string_equal(args.words[3], "--all");
  assert_string_equal(args.words[4], "-s");
  assert_false(cli_args_has(&args, "all"));
}

static void a_value_may_look_like_an_option(void **state) {
  (void)state;
  assert_int_equal(PARSE("--data", "-", "--state", "-1"), FSM_OK);
  assert_string_equal(cli_args_get(&args, "data"), "-");
  assert_string_equal(cli_args_get(&args, "state"), "-1");
}

static void it_stops_at_the_first_word_when_asked(void **state) {
  (void)state;
  int at;
  const char *const argv[] = {"--all", "ls", "--bogus", NULL};
  assert_int_equal(parse(argv, true, &at), FSM_OK);
  assert_int_equal(at, 1);
  assert_int_equal(args.word_count, 0);
}

static void an_option_of_the_command_hides_the_global_one(void **state) {
  (void)state;
  int at;
  const char *const argv[] = {"--data", "dir", "send", NULL};
  memset(&args, 0, sizeof args);
  at = 0;
  assert_int_equal(cli_args_parse(&args, NULL, global, (char *const *)(uintptr_t)argv, &at, true, &err),
                   FSM_OK);
  const char *const rest[] = {"--data", "{}", NULL};
  at = 0;
  assert_int_equal(cli_args_parse(&args, own, global, (char *const *)(uintptr_t)rest, &at, false, &err),
                   FSM_OK);
  assert_string_equal(cli_args_from(&args, global, "data"), "dir");
  assert_string_equal(cli_args_from(&args, own, "data"), "{}");
  assert_null(cli_args_from(&args, own, "state"));
}

static void a_repeated_option_keeps_its_order_and_others_may_not_repeat(void **state) {
  (void)state;
  assert_int_equal(PARSE("-l", "a=1", "--label=b=2"), FSM_OK);
  assert_string_equal(cli_args_nth(&args, "label", 0), "a=1");
  assert_string_equal(cli_args_nth(&args, "label", 1), "b=2");
  assert_null(cli_args_nth(&args, "label", 2));
  assert_int_equal(PARSE("-s", "a", "--state", "b"), FSM_EARGUMENT);
  assert_non_null(strstr(err.text, "twice"));
}

static void an_unknown_option_names_the_near_one(void **state) {
  (void)state;
  assert_int_equal(PARSE("--sate", "x"), FSM_EARGUMENT);
  assert_string_equal(err.where, "--sate");
  assert_non_null(strstr(err.text, "--state"));
  assert_int_equal(PARSE("--outptu=json"), FSM_EARGUMENT);
  assert_non_null(strstr(err.text, "--output"));
  assert_int_equal(PARSE("--zzzzzz"), FSM_EARGUMENT);
  assert_null(strstr(err.text, "mean"));
  assert_int_equal(PARSE("-z"), FSM_EARGUMENT);
}

static void a_missing_or_unwanted_value_is_refused(void **state) {
  (void)state;
  assert_int_equal(PARSE("--state"), FSM_EARGUMENT);
  assert_non_null(strstr(err.text, "STATE"));
  assert_int_equal(PARSE("-s"), FSM_EARGUMENT);
  assert_int_equal(PARSE("--all=yes"), FSM_EARGUMENT);
}

static void the_limits_hold_at_their_edge(void **state) {
  (void)state;
  static const char *argv[CLI_WORDS_MAX + 2];
  int at;
  for (size_t i = 0; i < CLI_WORDS_MAX; i++) argv[i] = "w";
  argv[CLI_WORDS_MAX] = NULL;
  assert_int_equal(parse(argv, false, &at), FSM_OK);
  assert_int_equal(args.word_count, CLI_WORDS_MAX);
  argv[CLI_WORDS_MAX] = "w";
  assert_int_equal(parse(argv, false, &at), FSM_EARGUMENT);
  for (size_t i = 0; i < CLI_OPTIONS_MAX; i++) argv[i] = "-lx";
  argv[CLI_OPTIONS_MAX] = NULL;
  assert_int_equal(parse(argv, false, &at), FSM_OK);
  argv[CLI_OPTIONS_MAX] = "-lx";
  argv[CLI_OPTIONS_MAX + 1] = NULL;
  assert_int_equal(parse(argv, false, &at), FSM_EARGUMENT);
}

static void a_number_is_whole_and_in_its_range(void **state) {
  (void)state;
  int64_t n = 0;
  assert_int_equal(PARSE("--limit", "10"), FSM_OK);
  assert_int_equal(cli_args_number(&args, "limit", 1, 10, 0, &n, &err), FSM_OK);
  assert_int_equal(n, 10);
  assert_int_equal(cli_args_number(&args, "limit", 1, 9, 0, &n, &err), FSM_EARGUMENT);
  assert_int_equal(cli_args_number(&args, "state", 1, 9, 7, &n, &err), FSM_OK);
  assert_int_equal(n, 7);
  static const char *const bad[] = {"", "1x", " 1", "+1", "0x1", "99999999999999999999", "-1", "1.5"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(PARSE("--limit", bad[i]), FSM_OK);
    assert_int_equal(cli_args_number(&args, "limit", 1, INT64_MAX, 0, &n, &err), FSM_EARGUMENT);
  }
}

static void the_nearest_name_is_found_or_none(void **state) {
  (void)state;
  static const char *const names[] = {"start",  "send", "ls",  "stuck",  "stats",
                                      "events", "log",  "get", "verify", "version"};
  static const struct {
    const char *word, *name;
  } cases[] = {{"sned", "send"},    {"strat", "start"}, {"stuk", "stuck"},  {"verfiy", "verify"},
               {"evnts", "events"}, {"l", "ls"},        {"veri", "verify"}, {"frobnicate", NULL},
               {"", NULL},          {"xyz", NULL},      {"reason", NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *near = cli_nearest(cases[i].word, names, sizeof names / sizeof names[0]);
    if (cases[i].name == NULL)
      assert_null(near);
    else
      assert_string_equal(near, cases[i].name);
  }
  char lengthy[200];
  memset(lengthy, 'a', sizeof lengthy - 1);
  lengthy[sizeof lengthy - 1] = 0;
  assert_null(cli_nearest(lengthy, names, 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_form_of_an_option_is_read),
      cmocka_unit_test(words_and_options_mix),
      cmocka_unit_test(a_value_may_look_like_an_option),
      cmocka_unit_test(it_stops_at_the_first_word_when_asked),
      cmocka_unit_test(an_option_of_the_command_hides_the_global_one),
      cmocka_unit_test(a_repeated_option_keeps_its_order_and_others_may_not_repeat),
      cmocka_unit_test(an_unknown_option_names_the_near_one),
      cmocka_unit_test(a_missing_or_unwanted_value_is_refused),
      cmocka_unit_test(the_limits_hold_at_their_edge),
      cmocka_unit_test(a_number_is_whole_and_in_its_range),
      cmocka_unit_test(the_nearest_name_is_found_or_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
