/* test_config.c: the settings of fsmd: each option, each refusal, and that all texts come from the table. */
#include "runtime/daemon/config_table.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
  assert_int_equal(config.auth, FSM__AUTH_REQUIRED);
  assert_int_equal(config.socket_auth, FSM__AUTH_OPTIONAL);
  assert_string_equal(config.socket_path, "d/fsmd.sock");
  assert_int_equal(config.segment_bytes, 64 * 1024 * 1024);
  assert_string_equal(config.nats, "");
  assert_int_equal(config.log_format, FSM__LOG_LOGFMT);
  assert_false(config.no_listen);
}

static void by_default_nothing_is_snapshot_or_removed(void **state) {
  (void)state;
  fsm__config config = taken("--data d --no-listen");
  assert_true(config.snapshot_every_ns == 0 && config.retain_ns == 0 && config.retain_bytes == 0);
  assert_int_equal(config.store_bytes_max, INT64_C(1) << 40);
  assert_int_equal(config.http_concurrency, 8);
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
  assert_int_equal(config.auth, FSM__AUTH_OPTIONAL);
  assert_int_equal(config.socket_auth, FSM__AUTH_REQUIRED);
  config =
      taken("--no-listen --data=d --nats nats://h:1 --node n1 --segment-bytes 2097152 --log-format json");
  assert_true(config.no_listen && config.log_format == FSM__LOG_JSON);
  assert_string_equal(config.nats, "nats://h:1");
  assert_string_equal(config.node, "n1");
  assert_int_equal(config.segment_bytes, 2097152);
  assert_string_equal(taken("--data d --auth none --port-file p").port_file, "p");
  config = taken(
      "--data d --no-listen --snapshot-every 12h --retain 30d --retain-bytes 4294967296 "
      "--archive-dir /a --store-bytes-max 1073741824 --http-concurrency 32");
  assert_int_equal(config.snapshot_every_ns, INT64_C(12) * 3600 * 1000000000);
  assert_int_equal(config.retain_ns, INT64_C(30) * 24 * 3600 * 1000000000);
  assert_int_equal(config.retain_bytes, INT64_C(4294967296));
  assert_string_equal(config.archive_dir, "/a");
  assert_int_equal(config.store_bytes_max, 1073741824);
  assert_int_equal(config.http_concurrency, 32);
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
  assert_int_equal(taken("--data d --no-listen --socket-auth none").socket_auth, FSM__AUTH_NONE);
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
  refused_at("--no-listen", "--data d --no-listen=yes");
  refused_at("--version=on", "--version=on");
}

static void values_out_of_range_are_refused(void **state) {
  (void)state;
  refused_at("--segment-bytes", "--data d --no-listen --segment-bytes 2097151");
  refused_at("--segment-bytes", "--data d --no-listen --segment-bytes 1073741825");
  refused_at("--segment-bytes", "--data d --no-listen --segment-bytes -1");
  refused_at("--segment-bytes", "--data d --no-listen --segment-bytes 64M");
  refused_at("--segment-bytes", "--data d --no-listen --segment-bytes 99999999999999999999999");
  assert_int_equal(taken("--data d --no-listen --segment-bytes 1073741824").segment_bytes, 1073741824);
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
  assert_true(taken("--print-config --auth none").print_config);
}

static void what_would_show_a_password_is_not_even_printed(void **state) {
  (void)state;
  refused_at("--nats", "--print-config --nats nats://u:hush@h:4222");
  refused_at("--http-allow", "--print-config --http-allow https://u:hush@h/");
}

/* Before anything is opened. */
static void where_it_listens_is_judged_with_the_settings(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "0.0.0.0:0",       "[::]:0",          "192.0.2.1:80", "127.0.0.1",
      "127.0.0.1:65536", "host.example:80", "127.1:80",     "[::ffff:127.0.0.1]:80"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char words[96];
    snprintf(words, sizeof words, "--data d --auth none --listen %s", wrong[i]);
    refused_at("--listen", words);
  }
  taken("--data d --auth none --listen localhost:0");
  taken("--data d --auth none --behind-proxy --listen 0.0.0.0:0");
}

/* Is there a line of it, set or not? */
static bool is_printed(const char *text, const char *name) {
  char set[64], unset[64];
  snprintf(set, sizeof set, "\n%s = ", name);
  snprintf(unset, sizeof unset, "\n#%s =\n", name);
  return strstr(text, set) || strstr(text, unset);
}

static void help_and_print_name_every_setting(void **state) {
  (void)state;
  fsm_buf help = {0}, settings = {0};
  fsm__config config = taken("--data d --auth none");
  fsm__config_help(&help);
  fsm__config_print(&settings, &config);
  for (size_t i = 0; i < fsm__setting_count(); i++) {
    const fsm__setting *row = fsm__setting_at(i);
    char word[64];
    snprintf(word, sizeof word, "  --%s", row->name);
    assert_non_null(strstr(fsm_buf_text(&help), word));
    const bool is_setting = row->kind != FSM__ACTION && !row->option_only;
    assert_int_equal(is_printed(fsm_buf_text(&settings), row->name), is_setting);
  }
  assert_non_null(strstr(fsm_buf_text(&settings), "\nauth = none\n"));
  assert_non_null(strstr(fsm_buf_text(&settings), "\nsegment-bytes = 67108864\n"));
  fsm_buf_free(&help);
  fsm_buf_free(&settings);
}

static void every_row_is_whole(void **state) {
  (void)state;
  assert_true(fsm__setting_count() > 20);
  for (size_t i = 0; i < fsm__setting_count(); i++) {
    const fsm__setting *row = fsm__setting_at(i);
    const bool alone = row->kind == FSM__FLAG || row->kind == FSM__ACTION;
    assert_ptr_equal(fsm__setting_find(row->name, strlen(row->name)), row);
    assert_int_equal(row->argument == NULL, alone);
    assert_true(row->help && *row->help && (row->fallback == NULL || *row->fallback));
    assert_int_equal(row->choices != NULL, row->kind == FSM__CHOICE);
    if (row->kind == FSM__NUMBER || row->kind == FSM__SIZE || row->kind == FSM__DURATION)
      assert_true(row->min <= row->max && row->max > 0);
    if (row->kind == FSM__CHOICE || row->kind == FSM__FLAG) assert_non_null(row->fallback);
  }
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
  assert_null(strstr(fsm_buf_text(&help), "(on or off"));
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
  printed("--print-config", "\n#socket =\n");
  printed("--data d --no-listen", "\nno-listen = on\n");
  printed("--data d --auth none", "\nno-listen = off\n");
}

/* ---- the file ------------------------------------------------------------------------------------- */

static char path[64];

static void write_bytes(const char *text, size_t len) {
  snprintf(path, sizeof path, "/tmp/test_config.XXXXXX");
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, len), (ssize_t)len);
  close(fd);
}

/* The settings that a file and further words make; free them. */
static fsm_code parse_file(const char *text, size_t len, const char *words, fsm__config *out,
                           fsm_error *err) {
  char line[1024];
  write_bytes(text, len);
  snprintf(line, sizeof line, "--config %s%s%s", path, *words ? " " : "", words);
  fsm_code code = parse(line, out, err);
  unlink(path);
  return code;
}

static fsm__config from_file(const char *text, const char *words) {
  fsm__config config;
  fsm_error err = {0};
  fsm_code code = parse_file(text, strlen(text), words, &config, &err);
  if (code != FSM_OK) print_error("%s: %s\n", err.where, err.text);
  assert_int_equal(code, FSM_OK);
  return config;
}

static void refused_bytes(const char *text, size_t len, const char *words, unsigned line, const char *why) {
  fsm__config config;
  fsm_error err = {0};
  char where[96];
  assert_int_equal(parse_file(text, len, words, &config, &err), FSM_EARGUMENT);
  snprintf(where, sizeof where, "%s:%u", path, line);
  assert_string_equal(err.where, where);
  assert_string_equal(err.text, why);
  fsm__config_free(&config);
}

static void refused_line(const char *text, unsigned line, const char *why) {
  refused_bytes(text, strlen(text), "", line, why);
}

static void a_file_says_what_options_say(void **state) {
  (void)state;
  fsm__config config = from_file(
      "# a comment = 1\n\n  data\t=  d x  \r\nno-listen = on\nhttp-allow = http://a\nretain = 2d\n"
      "http-allow=https://b/c=d\nsnapshot-every = 90m\nsegment-bytes = 2MiB\nlog-format = json",
      "");
  assert_string_equal(config.data, "d x");
  assert_string_equal(config.socket_path, "d x/fsmd.sock");
  assert_true(config.no_listen && config.log_format == FSM__LOG_JSON);
  assert_int_equal(config.http_allow.count, 2);
  assert_string_equal(config.http_allow.at[1], "https://b/c=d");
  assert_int_equal(config.snapshot_every_ns, INT64_C(5400) * 1000000000);
  assert_int_equal(config.segment_bytes, 2097152);
  fsm__config_free(&config);
}

static void an_option_wins_over_the_file(void **state) {
  (void)state;
  fsm__config config =
      from_file("data = d\nno-listen = on\nnode = a\nhttp-allow = http://a\nhttp-allow = http://b\n",
                "--node b --no-listen=off --auth none --http-allow http://c");
  assert_string_equal(config.node, "b");
  assert_false(config.no_listen);
  assert_int_equal(config.http_allow.count, 1);
  assert_string_equal(config.http_allow.at[0], "http://c");
  assert_string_equal(config.data, "d");
  fsm__config_free(&config);
}

static void a_wrong_line_is_named_with_its_setting(void **state) {
  (void)state;
  refused_line("data = d\nretian = 1d\n", 2,
               "retian: there is no such setting (see --print-config); did you mean \"retain\"?");
  refused_line("whatever = 1\n", 1, "whatever: there is no such setting (see --print-config)");
  refused_line("data\n", 1, "a line is name = value, or a comment with #");
  refused_line("[section]\n", 1, "a line is name = value, or a comment with #");
  refused_line("= x\n", 1, ": there is no such setting (see --print-config)");
  refused_line("data = a\n\n# x\ndata = a\n", 4, "data: it is given twice, first in line 1");
  refused_line("data =\n", 1,
               "data: the value is empty; to have the default, leave the line out or put # before it");
  refused_line("data = \"d\"\n", 1, "data: a value stands without quotes");
  refused_line("data = 'd'\n", 1, "data: a value stands without quotes");
  refused_line("data = d # here\n", 1, "data: a comment needs a line of its own");
  refused_line("data = a\x1b[2J\n", 1, "data: the value has a control character");
  refused_line("data = a\xff\n", 1, "data: the value is not valid UTF-8");
  refused_line("\xffz = a\n", 1, "?: there is no such setting (see --print-config)");
  refused_line("no-listen = yes\n", 1, "no-listen: it is on or off");
  refused_line("auth = maybe\n", 1, "auth: it is required, optional or none");
  refused_line("retain = 59m\n", 1,
               "retain: it is a duration from 1h to 36500d, with its unit (ms, s, m, h, d)");
  refused_line(
      "segment-bytes = 64M\n", 1,
      "segment-bytes: it is a whole number from 2097152 to 1073741824, or one with KiB, MiB, GiB or TiB");
  refused_line("http-concurrency = 8KiB\n", 1, "http-concurrency: it is a whole number from 1 to 256");
  refused_line("help = on\n", 1, "help: it is an option only, not for a file");
  refused_line("config = x\n", 1, "config: it is an option only, not for a file");
  refused_line("--data = x\n", 1,
               "--data: there is no such setting (see --print-config); did you mean \"data\"?");
  refused_bytes("data = a\0b\n", 11, "", 1, "the line has a NUL byte");
}

static void a_contradiction_is_told_where_it_was_written(void **state) {
  (void)state;
  refused_line("data = d\nno-listen = on\nretain = 1d\n", 3,
               "retain: nothing goes without verified snapshots: give --snapshot-every too");
  const char *text = "data = d\nauth = optional\n";
  refused_bytes(text, strlen(text), "--segment-bytes 2MiB", 2,
                "auth: without --jwt-key or --jwt-keys nobody can be told apart on TCP: give a key, or "
                "--auth none to take "
                "everyone, or --no-listen");
  fsm__config config;
  fsm_error err = {0};
  assert_int_equal(parse_file(text, strlen(text), "--auth required", &config, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "--auth");
  fsm__config_free(&config);
}

static void refused_file(const char *name, const char *why) {
  char words[256];
  fsm__config config;
  fsm_error err = {0};
  snprintf(words, sizeof words, "--config %s", name);
  assert_int_equal(parse(words, &config, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, name);
  assert_string_equal(err.text, why);
  fsm__config_free(&config);
}

static void a_file_that_cannot_be_trusted_or_read_is_refused(void **state) {
  (void)state;
  refused_file("/nonexistent/f", "the file of settings cannot be opened: No such file or directory");
  refused_file("/tmp", "the file of settings is not a regular file");
  refused_file("/dev/null", "the file of settings is not a regular file");
  write_bytes("data = d\n", 9);
  assert_int_equal(chmod(path, 0646), 0);
  refused_file(path, "the file of settings may be changed by everyone: take that right away (chmod o-w)");
  assert_int_equal(chmod(path, 0600), 0);
  assert_int_equal(truncate(path, FSM__CONFIG_FILE_MAX + 1), 0);
  refused_file(path, "the file of settings is larger than 256 KiB");
  unlink(path);
  char *comment = malloc(FSM__CONFIG_FILE_MAX);
  assert_non_null(comment);
  memset(comment, '#', FSM__CONFIG_FILE_MAX);
  fsm__config config;
  fsm_error err = {0};
  assert_int_equal(parse_file(comment, FSM__CONFIG_FILE_MAX, "--data d --no-listen", &config, &err), FSM_OK);
  fsm__config_free(&config);
  free(comment);
}

static void a_value_has_its_limit(void **state) {
  (void)state;
  static char line[FSM__CONFIG_VALUE_MAX + 64];
  int len = snprintf(line, sizeof line, "data = d\nno-listen = on\nsinks = ");
  memset(line + len, 'x', FSM__CONFIG_VALUE_MAX);
  fsm__config config = from_file(line, "");
  assert_int_equal(strlen(config.sinks), FSM__CONFIG_VALUE_MAX);
  fsm__config_free(&config);
  line[len + FSM__CONFIG_VALUE_MAX] = 'x';
  refused_line(line, 3, "sinks: the value has more than 4095 bytes");
}

static void a_list_has_its_limit(void **state) {
  (void)state;
  fsm_buf text = {0};
  fsm_buf_str(&text, "data = d\nno-listen = on\n");
  for (int i = 0; i < FSM__CONFIG_LIST_MAX; i++) fsm_buf_str(&text, "http-allow = http://a\n");
  fsm__config config = from_file(fsm_buf_text(&text), "");
  assert_int_equal(config.http_allow.count, FSM__CONFIG_LIST_MAX);
  fsm__config_free(&config);
  fsm_buf_str(&text, "http-allow = http://a\n");
  refused_line(fsm_buf_text(&text), 3 + FSM__CONFIG_LIST_MAX, "http-allow: it is given more than 64 times");
  fsm_buf_free(&text);
}

static void a_long_path_keeps_its_line(void **state) {
  (void)state;
  char folder[] = "/tmp/test_config.XXXXXX", deep[512], words[600];
  assert_non_null(mkdtemp(folder));
  int len = snprintf(deep, sizeof deep, "%s/", folder);
  memset(deep + len, 'y', 200);
  deep[len + 200] = 0;
  FILE *file = fopen(deep, "w");
  assert_non_null(file);
  fputs("data = d\nauth = x\n", file);
  fclose(file);
  fsm__config config;
  fsm_error err = {0};
  snprintf(words, sizeof words, "--config %s", deep);
  assert_int_equal(parse(words, &config, &err), FSM_EARGUMENT);
  assert_true(strncmp(err.where, "...y", 4) == 0 && strcmp(err.where + strlen(err.where) - 3, "y:2") == 0);
  fsm__config_free(&config);
  unlink(deep);
  rmdir(folder);
}

static void what_is_printed_can_be_used_as_a_file(void **state) {
  (void)state;
  fsm_buf first = {0}, second = {0};
  fsm__config config = taken(
      "--data d --auth none --http-allow http://a --http-allow http://b --snapshot-every 90m --retain 26h "
      "--retain-bytes 3GiB --node n --log-format json");
  fsm__config_print(&first, &config);
  config = from_file(fsm_buf_text(&first), "");
  fsm__config_print(&second, &config);
  assert_string_equal(fsm_buf_text(&first), fsm_buf_text(&second));
  assert_non_null(strstr(fsm_buf_text(&first), "\nretain = 26h\n"));
  assert_non_null(strstr(fsm_buf_text(&first), "\nretain-bytes = 3221225472\n"));
  assert_non_null(strstr(fsm_buf_text(&first), "\nhttp-allow = http://a\nhttp-allow = http://b\n"));
  fsm__config_free(&config);
  fsm_buf_free(&first);
  fsm_buf_free(&second);
}

static void a_misspelt_option_is_told_the_next_one(void **state) {
  (void)state;
  fsm__config config;
  fsm_error err = {0};
  assert_int_equal(parse("--data d --lisen x", &config, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "--lisen");
  assert_string_equal(err.text, "there is no such option (see --help); did you mean \"listen\"?");
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
      cmocka_unit_test(what_would_show_a_password_is_not_even_printed),
      cmocka_unit_test(where_it_listens_is_judged_with_the_settings),
      cmocka_unit_test(help_and_print_name_every_setting),
      cmocka_unit_test(every_row_is_whole),
      cmocka_unit_test(help_fits_eighty_columns_and_gives_flags_no_range),
      cmocka_unit_test(what_is_printed_is_what_would_be_in_force),
      cmocka_unit_test(a_file_says_what_options_say),
      cmocka_unit_test(an_option_wins_over_the_file),
      cmocka_unit_test(a_wrong_line_is_named_with_its_setting),
      cmocka_unit_test(a_contradiction_is_told_where_it_was_written),
      cmocka_unit_test(a_file_that_cannot_be_trusted_or_read_is_refused),
      cmocka_unit_test(a_value_has_its_limit),
      cmocka_unit_test(a_list_has_its_limit),
      cmocka_unit_test(a_long_path_keeps_its_line),
      cmocka_unit_test(what_is_printed_can_be_used_as_a_file),
      cmocka_unit_test(a_misspelt_option_is_told_the_next_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
