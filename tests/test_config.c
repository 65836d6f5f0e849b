/* test_config.c: the settings of fsmd: each option, each refusal, and that all texts come from the table. */
#include "runtime/daemon/config.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS_MAX = 24 };

/* Parses words that are split at single spaces. */
static fsm_code parse(const char *words, fsm__config *out, fsm_error *err) {
  static char text[8192];
  static char *argv[WORDS_MAX + 1];
  int argc = 0;
  assert_true(strlen(words) < sizeof text);
  memcpy(text, words, strlen(words) + 1);
  argv[argc++] = (char *)(void *)"fsmd";
  for (char *word = text; word && *word;) {
    char *space = strchr(word, ' ');
    if (space) *space++ = 0;
    assert_true(argc < WORDS_MAX);
    argv[argc++] = word;
    word = space;
  }
  argv[argc] = NULL;
  return fsm__config_parse(argc, argv, out, err);
}

static void refused_at(const char *where, const char *words) {
  fsm__config config;
  fsm_error err = {0};
  assert_int_equal(parse(words, &config, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, where);
  assert_true(*err.text);
}

static fsm__config taken(const char *words) {
  fsm__config config;
  fsm_error err = {0};
  fsm_code code = parse(words, &config, &err);
  if (code != FSM_OK) print_error("%s: %s: %s\n", words, err.where, err.text);
  assert_int_equal(code, FSM_OK);
  return config;
}

static void defaults_are_loopback_with_tokens_and_an_open_socket(void **state) {
  (void)state;
  fsm__config config = taken("--data d --jwt-key k");
  assert_string_equal(config.listen, "127.0.0.1:8480");
  assert_int_equal(config.tcp_policy, FSM__AUTH_REQUIRED);
  assert_int_equal(config.socket_policy, FSM__AUTH_OPTIONAL);
  assert_string_equal(config.socket_path, "d/fsmd.sock");
  assert_int_equal(config.segment, 64 * 1024 * 1024);
  assert_string_equal(config.nats, "");
  assert_false(config.log_json);
  assert_false(config.no_listen);
}

static void by_default_nothing_is_snapshot_or_removed(void **state) {
  (void)state;
  fsm__config config = taken("--data d --no-listen");
  assert_true(config.snapshot_ns == 0 && config.retain_ns == 0 && config.retain_size == 0);
  assert_int_equal(config.store_max, INT64_C(1) << 40);
  assert_int_equal(config.http_threads, 8);
}

static void what_retention_could_never_do_is_refused(void **state) {
  (void)state;
  refused_at("--retain", "--data d --no-listen --retain 30d");
  refused_at("--retain-bytes", "--data d --no-listen --retain-bytes 4194304");
  refused_at("--archive-dir", "--data d --no-listen --archive-dir /a --snapshot-every 1d");
  taken("--data d --no-listen --retain 1h --snapshot-every 1m");
  refused_at("--retain", "--data d --no-listen --retain 59m --snapshot-every 1m");
  taken("--data d --no-listen --retain 36500d --snapshot-every 365d");
  refused_at("--retain", "--data d --no-listen --retain 36501d --snapshot-every 1d");
  refused_at("--snapshot-every", "--data d --no-listen --snapshot-every 59s");
  refused_at("--snapshot-every", "--data d --no-listen --snapshot-every 366d");
  refused_at("--snapshot-every", "--data d --no-listen --snapshot-every daily");
  taken("--data d --no-listen --retain-bytes 2097152 --snapshot-every 1d");
  refused_at("--retain-bytes", "--data d --no-listen --retain-bytes 2097151 --snapshot-every 1d");
}

static void every_option_reaches_its_setting(void **state) {
  (void)state;
  fsm__config config =
      taken("--data d --listen [::1]:0 --socket /s --jwt-key=k --auth optional --socket-auth required");
  assert_string_equal(config.listen, "[::1]:0");
  assert_string_equal(config.socket_path, "/s");
  assert_string_equal(config.jwt_key, "k");
  assert_int_equal(config.tcp_policy, FSM__AUTH_OPTIONAL);
  assert_int_equal(config.socket_policy, FSM__AUTH_REQUIRED);
  config =
      taken("--no-listen --data=d --nats nats://h:1 --node n1 --segment-bytes 2097152 --log-format json");
  assert_true(config.no_listen && config.log_json);
  assert_string_equal(config.nats, "nats://h:1");
  assert_string_equal(config.node, "n1");
  assert_int_equal(config.segment, 2097152);
  assert_string_equal(taken("--data d --auth none --port-file p").port_file, "p");
  config = taken(
      "--data d --no-listen --snapshot-every 12h --retain 30d --retain-bytes 4294967296 "
      "--archive-dir /a --store-bytes-max 1073741824 --http-concurrency 32");
  assert_int_equal(config.snapshot_ns, INT64_C(12) * 3600 * 1000000000);
  assert_int_equal(config.retain_ns, INT64_C(30) * 24 * 3600 * 1000000000);
  assert_int_equal(config.retain_size, INT64_C(4294967296));
  assert_string_equal(config.archive_dir, "/a");
  assert_int_equal(config.store_max, 1073741824);
  assert_int_equal(config.http_threads, 32);
  config = taken("--data d --no-listen --http-allow https://a.example/x --http-allow=http://b:81");
  assert_int_equal(config.http_allow.count, 2);
  assert_string_equal(config.http_allow.at[0], "https://a.example/x");
  assert_string_equal(config.http_allow.at[1], "http://b:81");
}

static void tcp_without_a_key_starts_only_when_that_is_said(void **state) {
  (void)state;
  refused_at("--auth", "--data d");
  refused_at("--auth", "--data d --auth required");
  refused_at("--auth", "--data d --auth optional");
  taken("--data d --auth none");
  taken("--data d --no-listen");
}

static void a_policy_needs_its_key_and_its_name(void **state) {
  (void)state;
  refused_at("--socket-auth", "--data d --no-listen --socket-auth required");
  refused_at("--socket-auth", "--data d --jwt-key k --socket-auth maybe");
  refused_at("--auth", "--data d --jwt-key k --auth Required");
  assert_int_equal(taken("--data d --no-listen --socket-auth none").socket_policy, FSM__AUTH_NONE);
}

static void wrong_words_are_named(void **state) {
  (void)state;
  refused_at("--data", "");
  refused_at("--data", "--data");
  refused_at("--data=", "--data=");
  refused_at("--bogus", "--data d --bogus");
  refused_at("--dat", "--dat d");
  refused_at("extra", "--data d extra");
  refused_at("-h", "-h");
  refused_at("--", "--");
  refused_at("--data", "--data a --data b");
  refused_at("--no-listen=yes", "--data d --no-listen=yes");
}

static void values_out_of_range_are_refused(void **state) {
  (void)state;
  refused_at("--segment-bytes", "--data d --no-listen --segment-bytes 2097151");
  refused_at("--segment-bytes", "--data d --no-listen --segment-bytes 1073741825");
  refused_at("--segment-bytes", "--data d --no-listen --segment-bytes -1");
  refused_at("--segment-bytes", "--data d --no-listen --segment-bytes 64M");
  refused_at("--segment-bytes", "--data d --no-listen --segment-bytes 99999999999999999999999");
  assert_int_equal(taken("--data d --no-listen --segment-bytes 1073741824").segment, 1073741824);
  taken("--data d --no-listen --store-bytes-max 16777216 --http-concurrency 256");
  refused_at("--store-bytes-max", "--data d --no-listen --store-bytes-max 16777215");
  refused_at("--store-bytes-max", "--data d --no-listen --store-bytes-max 1099511627777");
  refused_at("--http-concurrency", "--data d --no-listen --http-concurrency 0");
  refused_at("--http-concurrency", "--data d --no-listen --http-concurrency 257");
  refused_at("--log-format", "--data d --no-listen --log-format xml");
  refused_at("--nats", "--data d --no-listen --nats http://h");
  refused_at("--port-file", "--data d --no-listen --port-file p");
  refused_at("--http-allow", "--data d --no-listen --http-allow a.example");
  refused_at("--http-allow", "--data d --no-listen --http-allow http://a --http-allow http://b/../c");
  refused_at("--node",
             "--data d --no-listen --node 0123456789012345678901234567890123456789012345678901234567890123x");
  refused_at("--node", "--data d --no-listen --node a\tb");
  refused_at("--node", "--data d --no-listen --node \xc3\xa4");
}

static void a_socket_path_fits_the_system(void **state) {
  (void)state;
  char words[256] = "--no-listen --data d --socket /";
  size_t len = strlen(words);
  memset(words + len, 'x', FSM__SOCKET_PATH_MAX - 1);
  words[len + FSM__SOCKET_PATH_MAX - 1] = 0;
  taken(words);
  words[len + FSM__SOCKET_PATH_MAX - 1] = 'x';
  words[len + FSM__SOCKET_PATH_MAX] = 0;
  refused_at("--socket", words);
}

static void help_version_and_print_need_nothing_else(void **state) {
  (void)state;
  assert_true(taken("--help").help);
  assert_true(taken("--version").version);
  assert_true(taken("--print-config --auth none").print);
}

enum { SETTINGS = 19 };
static const char *const names[] = {"data", "listen", "no-listen", "socket", "jwt-key", "auth", "nats",
                                    "node", "port-file", "log-format", "segment-bytes", "socket-auth",
                                    "http-allow", "snapshot-every", "retain", "retain-bytes", "archive-dir",
                                    "store-bytes-max", "http-concurrency",
                                    /* no settings */
                                    "print-config", "version", "help"};

static void help_and_print_name_every_option(void **state) {
  (void)state;
  fsm_buf help = {0}, settings = {0};
  fsm__config config = taken("--data d --auth none");
  fsm__config_help(&help);
  fsm__config_print(&settings, &config);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char word[32] = "--", line[32] = "\n";
    strncat(word, names[i], 24);
    strncat(strncat(line, names[i], 24), " = ", 4);
    assert_non_null(strstr(fsm_buf_text(&help), word));
    bool printed = strstr(fsm_buf_text(&settings), line) ||
                   strncmp(fsm_buf_text(&settings), line + 1, strlen(line) - 1) == 0;
    assert_int_equal(printed, i < SETTINGS);
  }
  assert_non_null(strstr(fsm_buf_text(&settings), "auth = none\n"));
  assert_non_null(strstr(fsm_buf_text(&settings), "segment-bytes = 67108864\n"));
  fsm_buf_free(&help);
  fsm_buf_free(&settings);
}

static void help_fits_eighty_columns_and_gives_flags_no_range(void **state) {
  (void)state;
  fsm_buf help = {0};
  fsm__config_help(&help);
  size_t columns = 0;
  for (const char *c = fsm_buf_text(&help); *c; c++) {
    if (*c != '\n')
      columns += ((unsigned char)*c & 0xc0) != 0x80; /* characters, not bytes */
    else
      columns = 0;
    assert_true(columns <= 80);
  }
  assert_null(strstr(fsm_buf_text(&help), "on or off"));
  assert_non_null(strstr(fsm_buf_text(&help), "  --help\n      print this and exit\n"));
  assert_non_null(strstr(fsm_buf_text(&help), "required, optional or none;\n      default required)\n"));
  fsm_buf_free(&help);
}

static void printed(const char *words, const char *line) {
  fsm_buf settings = {0};
  fsm__config config = taken(words);
  fsm__config_print(&settings, &config);
  if (!strstr(fsm_buf_text(&settings), line)) fail_msg("no %s in %s", line, fsm_buf_text(&settings));
  fsm_buf_free(&settings);
}

static void what_is_printed_is_what_would_be_in_force(void **state) {
  (void)state;
  printed("--print-config --data d", "\nsocket = d/fsmd.sock\n");
  printed("--print-config --data d --socket /s", "\nsocket = /s\n");
  printed("--print-config", "\nsocket = \n");
  printed("--data d --no-listen", "\nno-listen = on\n");
  printed("--data d --auth none", "\nno-listen = off\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults_are_loopback_with_tokens_and_an_open_socket),
      cmocka_unit_test(by_default_nothing_is_snapshot_or_removed),
      cmocka_unit_test(every_option_reaches_its_setting),
      cmocka_unit_test(what_retention_could_never_do_is_refused),
      cmocka_unit_test(tcp_without_a_key_starts_only_when_that_is_said),
      cmocka_unit_test(a_policy_needs_its_key_and_its_name),
      cmocka_unit_test(wrong_words_are_named),
      cmocka_unit_test(values_out_of_range_are_refused),
      cmocka_unit_test(a_socket_path_fits_the_system),
      cmocka_unit_test(help_version_and_print_need_nothing_else),
      cmocka_unit_test(help_and_print_name_every_option),
      cmocka_unit_test(help_fits_eighty_columns_and_gives_flags_no_range),
      cmocka_unit_test(what_is_printed_is_what_would_be_in_force),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
