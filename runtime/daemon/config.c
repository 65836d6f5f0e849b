/* config.c: the table of options and what is done by it. */
#include "runtime/daemon/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/journal.h"
#include "runtime/service.h"
#include "runtime/web_url.h"
#include "schema/json.h"

enum { TEXT_MAX = 4095, COLUMNS = 80, INDENT = 6 };
#define SEGMENT_MAX (UINT64_C(1) << 30)
#define STORE_MIN (UINT64_C(16) << 20)
#define STORE_MAX (UINT64_C(1) << 40)
#define MINUTE_NS (INT64_C(60) * 1000000000)
#define DAY_NS (INT64_C(24) * 60 * MINUTE_NS)
#define SOCKET_NAME "/fsmd.sock" /* in the data directory */

/* LIST: a text, several times; ACTION: a flag instead of serving */
typedef enum option_kind { TEXT, LIST, FLAG, ACTION } option_kind;

typedef struct option_row {
  const char *name, *argument;
  option_kind kind;
  size_t offset;
  const char *fallback, *range, *help;
} option_row;

#define AT(member) offsetof(fsm__config, member)

/* clang-format off */
static const option_row options[] = {
  {"data",          "DIR",       TEXT, AT(data),          "",               "a directory, made when missing", "where everything is kept; needed"},
  {"listen",        "ADDR:PORT", TEXT, AT(listen),        "127.0.0.1:8480", "a loopback address; port 0 = any free one", "TCP address of the HTTP interface"},
  {"no-listen",     NULL,        FLAG, AT(no_listen),     "",               NULL, "no TCP, the unix socket alone"},
  {"socket",        "PATH",      TEXT, AT(socket),        "",               "at most 107 bytes; default DIR/fsmd.sock", "unix socket of the HTTP interface"},
  {"jwt-key",       "FILE",      TEXT, AT(jwt_key),       "",               "32 to 4096 bytes, nobody else may read it", "key of bearer tokens (HS256)"},
  {"auth",          "POLICY",    TEXT, AT(auth),          "required",       "required, optional or none", "tokens on TCP; without a key only none starts"},
  {"socket-auth",   "POLICY",    TEXT, AT(socket_auth),   "optional",       "required, optional or none", "tokens on the unix socket; without one the user of the socket acts"},
  {"nats",          "URL",       TEXT, AT(nats),          "",               "nats://HOST:PORT; default: no workers, and no sink nats", "NATS server for records and workers"},
  {"sinks",         "FILE",      TEXT, AT(sinks),         "",               "JSON, see --print-sinks; read again at SIGHUP; default: none but that of --nats", "where else records go: files, HTTP, OpenTelemetry, other NATS servers"},
  {"http-allow",    "URL",       LIST, AT(http_allow),    "",               "http:// or https://, a host and perhaps a path; up to 64 times; default: none", "the service http may call what is at or below it"},
  {"node",          "NAME",      TEXT, AT(node),          "fsmd/" FSM_VERSION, "1 to 64 printable characters", "who writes, in every record"},
  {"segment-bytes", "N",         TEXT, AT(segment_bytes), "67108864",       "2097152 to 1073741824", "size of new journal segments"},
  {"snapshot-every","DURATION",  TEXT, AT(snapshot_every),"",               "1m to 365d; default: none", "a verified snapshot of the store in DIR/snapshots whenever the newest is older; the newest two stay"},
  {"retain",        "DURATION",  TEXT, AT(retain),        "",               "1h to 36500d; needs --snapshot-every; default: for ever", "sealed segments of the journal go when their last record is older than that"},
  {"retain-bytes",  "N",         TEXT, AT(retain_bytes),  "",               "at least 2097152; needs --snapshot-every; default: any", "and the oldest when all of them are larger than that; never what snapshots, sinks or idempotency keys (24 h) need"},
  {"archive-dir",   "DIR",       TEXT, AT(archive_dir),   "",               "a directory, made when missing; needs --retain or --retain-bytes", "a segment is copied there, durably, before it goes; while that fails it stays"},
  {"store-bytes-max", "N",       TEXT, AT(store_bytes_max), "1099511627776", "16777216 to 1099511627776", "the store does not grow over it: then commands are refused as full"},
  {"http-concurrency", "N",      TEXT, AT(http_concurrency), "8",           "1 to 256", "requests of the service http at once"},
  {"log-format",    "FORMAT",    TEXT, AT(log_format),    "logfmt",         "logfmt or json", "lines on stderr"},
  {"port-file",     "FILE",      TEXT, AT(port_file),     "",               "a path", "written with the TCP port once it listens"},
  {"print-sinks",   NULL,        ACTION, AT(print_sinks), "",               NULL, "print what a file of sinks may say and exit"},
  {"print-config",  NULL,        ACTION, AT(print),       "",               NULL, "print the settings and exit"},
  {"version",       NULL,        ACTION, AT(version),     "",               NULL, "print versions and exit"},
  {"help",          NULL,        ACTION, AT(help),        "",               NULL, "print this and exit"},
};
/* clang-format on */
enum { OPTION_COUNT = sizeof options / sizeof *options };
_Static_assert(OPTION_COUNT < 32, "one bit each");

static const char **text_at(fsm__config *config, const option_row *row) {
  return (const char **)(void *)((char *)config + row->offset);
}
static fsm__config_list *list_at(fsm__config *config, const option_row *row) {
  return (fsm__config_list *)(void *)((char *)config + row->offset);
}
static bool *flag_at(fsm__config *config, const option_row *row) {
  return (bool *)(void *)((char *)config + row->offset);
}

static fsm_code wrong(fsm_error *err, const char *option, const char *why) {
  return fsm_fail(err, FSM_EARGUMENT, option, "%s", why);
}

static int option_named(const char *name, size_t len) {
  for (int i = 0; i < OPTION_COUNT; i++)
    if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0) return i;
  return -1;
}

/* One option and, when it stands apart, its argument; *at moves over both. */
static fsm_code read_option(fsm__config *config, int argc, char *const argv[], int *at, uint32_t *seen,
                            fsm_error *err) {
  const char *word = argv[(*at)++];
  if (strncmp(word, "--", 2) != 0) return wrong(err, word, "only options are taken; see --help");
  const char *equals = strchr(word, '=');
  int i = option_named(word + 2, equals ? (size_t)(equals - word) - 2 : strlen(word + 2));
  if (i < 0) return wrong(err, word, "there is no such option; see --help");
  if (*seen & UINT32_C(1) << i && options[i].kind != LIST)
    return wrong(err, word, "the option is given twice");
  *seen |= UINT32_C(1) << i;
  if (options[i].kind == FLAG || options[i].kind == ACTION) {
    if (equals) return wrong(err, word, "the option takes no argument");
    *flag_at(config, &options[i]) = true;
    return FSM_OK;
  }
  if (!equals && *at >= argc) return wrong(err, word, "the option needs an argument");
  const char *text = equals ? equals + 1 : argv[(*at)++];
  if (!*text || strlen(text) > TEXT_MAX) return wrong(err, word, "the argument is empty or too long");
  if (options[i].kind == TEXT) {
    *text_at(config, &options[i]) = text;
    return FSM_OK;
  }
  fsm__config_list *list = list_at(config, &options[i]);
  if (list->count == FSM__CONFIG_LIST_MAX) return wrong(err, word, "the option is given too often");
  list->at[list->count++] = text;
  return FSM_OK;
}

/* ---- what the settings mean ----------------------------------------------------------------------- */

static fsm_code read_policy(const char *option, const char *text, bool have_key, fsm__policy *out,
                            fsm_error *err) {
  if (strcmp(text, "none") == 0)
    *out = FSM__AUTH_NONE;
  else if (strcmp(text, "optional") == 0)
    *out = FSM__AUTH_OPTIONAL;
  else if (strcmp(text, "required") == 0)
    *out = FSM__AUTH_REQUIRED;
  else
    return wrong(err, option, "the policy is required, optional or none");
  if (*out == FSM__AUTH_REQUIRED && !have_key)
    return wrong(err, option, "tokens are required but there is no key: give --jwt-key FILE");
  return FSM_OK;
}

static fsm_code read_policies(fsm__config *config, fsm_error *err) {
  bool have_key = *config->jwt_key;
  fsm_code code = read_policy("--socket-auth", config->socket_auth, have_key, &config->socket_policy, err);
  if (code != FSM_OK || config->no_listen) return code;
  if (!have_key && strcmp(config->auth, "none") != 0)
    return wrong(err, "--auth",
                 "without --jwt-key nobody can be told apart on TCP: give a key, or --auth none to take "
                 "everyone, or --no-listen");
  return read_policy("--auth", config->auth, have_key, &config->tcp_policy, err);
}

static fsm_code read_socket(fsm__config *config, fsm_error *err) {
  int len = *config->socket
                ? snprintf(config->socket_path, sizeof config->socket_path, "%s", config->socket)
                : snprintf(config->socket_path, sizeof config->socket_path, "%s" SOCKET_NAME, config->data);
  if (len < 0 || (size_t)len >= sizeof config->socket_path)
    return fsm_fail(err, FSM_EARGUMENT, "--socket", "the path of a unix socket has at most %d bytes",
                    FSM__SOCKET_PATH_MAX);
  return FSM_OK;
}

static fsm_code read_number(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out,
                            fsm_error *err) {
  char *end = NULL;
  errno = 0;
  unsigned long long n = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
  if (!end || *end || errno || n < min || n > max)
    return fsm_fail(err, FSM_EARGUMENT, option, "it is a whole number from %" PRIu64 " to %" PRIu64, min,
                    max);
  *out = n;
  return FSM_OK;
}

static fsm_code read_numbers(fsm__config *config, fsm_error *err) {
  fsm_code code = read_number("--segment-bytes", config->segment_bytes, FSM_SEGMENT_BYTES_MIN, SEGMENT_MAX,
                              &config->segment, err);
  if (code == FSM_OK)
    code = read_number("--store-bytes-max", config->store_bytes_max, STORE_MIN, STORE_MAX, &config->store_max,
                       err);
  if (code == FSM_OK)
    code = read_number("--http-concurrency", config->http_concurrency, 1, FSM_SERVICE_THREADS_MAX,
                       &config->http_threads, err);
  return code;
}

/* "" leaves *ns as it is: 0, none. */
static fsm_code read_span(const char *option, const char *text, int64_t min, int64_t max, int64_t *ns,
                          fsm_error *err) {
  char least[32], most[32];
  if (!*text) return FSM_OK;
  if (fsm_duration_parse(text, ns, NULL) == FSM_OK && *ns >= min && *ns <= max) return FSM_OK;
  fsm_duration_format(min, least, sizeof least);
  fsm_duration_format(max, most, sizeof most);
  return fsm_fail(err, FSM_EARGUMENT, option, "it is a duration from %s to %s, such as 12h or 2d", least,
                  most);
}

/* What would never happen is refused here: segments go only behind verified snapshots. */
static fsm_code read_retention(fsm__config *config, fsm_error *err) {
  const bool some = *config->retain || *config->retain_bytes;
  fsm_code code = read_span("--snapshot-every", config->snapshot_every, MINUTE_NS, 365 * DAY_NS,
                            &config->snapshot_ns, err);
  if (code == FSM_OK)
    code = read_span("--retain", config->retain, 60 * MINUTE_NS, 36500 * DAY_NS, &config->retain_ns, err);
  if (code == FSM_OK && *config->retain_bytes)
    code = read_number("--retain-bytes", config->retain_bytes, FSM_SEGMENT_BYTES_MIN, INT64_MAX,
                       &config->retain_size, err);
  if (code != FSM_OK) return code;
  if (some && !*config->snapshot_every)
    return wrong(err, *config->retain ? "--retain" : "--retain-bytes",
                 "nothing goes without verified snapshots: give --snapshot-every too");
  if (*config->archive_dir && !some)
    return wrong(err, "--archive-dir", "nothing goes there unless --retain or --retain-bytes is given");
  return FSM_OK;
}

static fsm_code read_node(const fsm__config *config, fsm_error *err) {
  size_t len = strlen(config->node);
  bool legal = len <= 64;
  for (size_t i = 0; i < len; i++) legal &= config->node[i] > ' ' && config->node[i] < 0x7f;
  return legal ? FSM_OK : wrong(err, "--node", "the name is 1 to 64 printable ASCII characters, no spaces");
}

static fsm_code check_urls(const fsm__config_list *urls, fsm_error *err) {
  fsm_error inner;
  for (size_t i = 0; i < urls->count; i++)
    if (fsm__web_url_check(urls->at[i], &inner) != FSM_OK) return wrong(err, "--http-allow", inner.text);
  return FSM_OK;
}

static fsm_code check(fsm__config *config, fsm_error *err) {
  if (!*config->data) return wrong(err, "--data", "the data directory is needed: --data DIR");
  config->log_json = strcmp(config->log_format, "json") == 0;
  if (!config->log_json && strcmp(config->log_format, "logfmt") != 0)
    return wrong(err, "--log-format", "the format is logfmt or json");
  if (*config->nats && strncmp(config->nats, "nats://", 7) != 0)
    return wrong(err, "--nats", "the URL starts with nats://");
  if (config->no_listen && *config->port_file)
    return wrong(err, "--port-file", "there is no port with --no-listen");
  fsm_code code = read_policies(config, err);
  if (code == FSM_OK) code = read_socket(config, err);
  if (code == FSM_OK) code = read_numbers(config, err);
  if (code == FSM_OK) code = read_retention(config, err);
  if (code == FSM_OK) code = check_urls(&config->http_allow, err);
  return code == FSM_OK ? read_node(config, err) : code;
}

fsm_code fsm__config_parse(int argc, char *const argv[], fsm__config *out, fsm_error *err) {
  *out = (fsm__config){0};
  for (int i = 0; i < OPTION_COUNT; i++)
    if (options[i].kind == TEXT) *text_at(out, &options[i]) = options[i].fallback;
  uint32_t seen = 0;
  int at = 1;
  while (at < argc) {
    fsm_code code = read_option(out, argc, argv, &at, &seen, err);
    if (code != FSM_OK) return code;
  }
  return out->help || out->version || out->print || out->print_sinks ? FSM_OK : check(out, err);
}

/* What the option is, its range and default; ASCII, so that bytes are columns. */
static void put_wrapped(fsm_buf *out, const option_row *row) {
  char text[512];
  int len = row->range == NULL ? snprintf(text, sizeof text, "%s", row->help)
                               : snprintf(text, sizeof text, "%s (%s%s%s)", row->help, row->range,
                                          *row->fallback ? "; default " : "", row->fallback);
  FSM_ASSERT(len > 0 && (size_t)len < sizeof text);
  size_t column = 0;
  for (const char *word = text; *word;) {
    size_t size = strcspn(word, " ");
    bool fits = column > 0 && column + 1 + size <= COLUMNS;
    if (fits)
      fsm_buf_char(out, ' ');
    else
      fsm_buf_printf(out, "%s%*s", column > 0 ? "\n" : "", INDENT, "");
    fsm_buf_add(out, word, size);
    column = (fits ? column + 1 : INDENT) + size;
    word += size + (word[size] == ' ');
  }
  fsm_buf_char(out, '\n');
}

void fsm__config_help(fsm_buf *out) {
  fsm_buf_str(out,
              "usage: fsmd --data DIR [OPTION…]\n\nKeeps statechart instances durable and serves them over "
              "HTTP on loopback and\na unix socket.\n\n");
  for (int i = 0; i < OPTION_COUNT; i++) {
    const option_row *row = &options[i];
    fsm_buf_printf(out, "  --%s%s%s\n", row->name, row->argument ? " " : "",
                   row->argument ? row->argument : "");
    put_wrapped(out, row);
  }
}

void fsm__config_print(fsm_buf *out, const fsm__config *config) {
  fsm__config copy = *config;
  for (int i = 0; i < OPTION_COUNT; i++) {
    const option_row *row = &options[i];
    if (row->kind == ACTION) continue;
    fsm_buf_printf(out, "%s = ", row->name);
    if (row->kind == FLAG)
      fsm_buf_str(out, *flag_at(&copy, row) ? "on" : "off");
    else if (row->kind == LIST)
      for (size_t n = 0; n < list_at(&copy, row)->count; n++)
        fsm_buf_printf(out, "%s%s", n > 0 ? " " : "", list_at(&copy, row)->at[n]);
    else if (row->offset == AT(socket) && !*config->socket && *config->data)
      fsm_buf_printf(out, "%s" SOCKET_NAME, config->data);
    else
      fsm_buf_str(out, *text_at(&copy, row));
    fsm_buf_char(out, '\n');
  }
}
