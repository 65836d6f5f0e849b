/* sink_config_table.c: the fields of a sink's description, a row each, and the reference that is printed from
 * them. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sink_config_impl.h"
#include "schema/json.h"

enum { COLUMNS = 80, INDENT = 6 };
_Static_assert(sizeof(fsm__sink_policy) == sizeof(unsigned), "read as a word's number");
#define AT(member) offsetof(fsm__sink_config, member)
#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define TIB (1024 * 1024 * MIB)

static const char *const kinds[FSM__KIND_COUNT] = {"nats", "file", "http", "otlp"};

/* In the order of kinds. */
static const char *const format_of[] = {"json", "json", "json", "otlp"};
static const char *const batch_of[] = {"256", "1024", "500", "500"};
static const char *const linger_of[] = {"0ms", "200ms", "200ms", "200ms"};
static const char *const backoff_of[] = {"20ms", "100ms", "500ms", "500ms"};
static const char *const backoff_max_of[] = {"2s", "5s", "1m", "1m"};
static const char *const timeout_of[] = {"5s", "30s", "30s", "30s"};

/* clang-format off */
const fsm__field_row fsm__field_rows[] = {
  {"name",    FSM__OF_ALL, FSM__FIELD_TEXT, AT(name), 0, NULL, NULL, 1, FSM_SINK_NAME_MAX, NULL, 0, false, "letters, digits, _ and -; of its cursor, in routes and in everything that is shown; needed"},
  {"kind",    FSM__OF_ALL, FSM__FIELD_WORD, AT(kind), 0, NULL, NULL, 0, 0, "nats file http otlp", 0, false, "where to; needed"},
  {"records", FSM__OF_ALL, FSM__FIELD_CHOICE, AT(routed), 0, "all", NULL, 0, 0, "all routed", 0, false, "all records, or those that a route in force gives it"},
  {"level",   FSM__OF_ALL, FSM__FIELD_COUNT, AT(level), 0, "0", NULL, 0, 255, NULL, 0, false, "records of a lower level are left out"},
  {"where",   FSM__OF_ALL, FSM__FIELD_TEXT, AT(where), 0, NULL, NULL, 1, 4096, NULL, 0, false, "an expression over `record`, as in a route: others are left out"},
  {"format",  FSM__OF_ALL, FSM__FIELD_WORD, AT(format.format), 0, "", format_of, 0, 0, "json seed ecs cloudevents otlp msgpack csv", 0, false, "how a record is written"},
  {"lift",    FSM__OF_ALL, FSM__FIELD_LIST, AT(format.lift), AT(format.lift_count), NULL, NULL, 1, FSM_LIFT_MAX, NULL, FSM_LIFT_PATH_MAX, false, "fields that are raised to the top, such as \"labels.department\" or \"context.amount=amount_eur\""},
  {"columns", FSM__OF_ALL, FSM__FIELD_LIST, AT(format.columns), AT(format.column_count), NULL, NULL, 1, 64, NULL, FSM_LIFT_PATH_MAX, false, "of csv: fields, in their order"},

  {"batch",       FSM__OF_ALL, FSM__FIELD_COUNT, AT(batch), 0, "", batch_of, 1, FSM_SINK_BATCH_MAX, NULL, 0, false, "records that are handed over together, at most"},
  {"batch_bytes", FSM__OF_ALL, FSM__FIELD_SIZE, AT(batch_bytes), 0, "1MiB", NULL, KIB, FSM_SINK_BATCH_BYTES_MAX, NULL, 0, false, "bytes that are handed over together; one record may be larger"},
  {"linger",      FSM__OF_ALL, FSM__FIELD_SPAN, AT(linger_ns), 0, "", linger_of, 0, 10 * SECOND, NULL, 0, false, "how long a batch that is not full waits for more"},
  {"backoff",     FSM__OF_ALL, FSM__FIELD_SPAN, AT(backoff_ns), 0, "", backoff_of, MS, 60 * SECOND, NULL, 0, false, "between two tries at first, then twice as long each time, less up to a half of it; tried for ever"},
  {"backoff_max", FSM__OF_ALL, FSM__FIELD_SPAN, AT(backoff_max_ns), 0, "", backoff_max_of, MS, HOUR, NULL, 0, false, "and at most so long"},
  {"timeout",     FSM__OF_ALL, FSM__FIELD_SPAN, AT(timeout_ns), 0, "", timeout_of, 100 * MS, 600 * SECOND, NULL, 0, false, "of one request, or of silence while records are under way"},
  {"window",      FSM__OF_NATS, FSM__FIELD_COUNT, AT(window), 0, "1024", NULL, 1, FSM_SINK_WINDOW_MAX, NULL, 0, false, "records that are not acknowledged yet, at most"},

  {"budget_bytes", FSM__OF_ALL, FSM__FIELD_SIZE, AT(budget_bytes), 0, "0", NULL, MIB, TIB, NULL, 0, true, "what the journal keeps for it when retention would let go; 0 = no limit"},
  {"budget_age",   FSM__OF_ALL, FSM__FIELD_SPAN, AT(budget_age_ns), 0, "0s", NULL, SECOND, 36500 * DAY, NULL, 0, true, "the same as the age of the oldest record, at least twice linger and timeout; 0s = no limit"},
  {"policy",       FSM__OF_ALL, FSM__FIELD_ENUM, AT(policy), 0, "spill", NULL, 0, 0, "spill hold", 0, false, "over a budget: fed from the archive later, or new instances are refused"},

  {"url",           FSM__OF_NET, FSM__FIELD_TEXT, AT(url), 0, NULL, NULL, 1, 2048, NULL, 0, false, "nats://HOST:PORT or tls://…, several with commas between; without one that of --nats. http:// or https:// with a path: needed by http and otlp (there /v1/logs and /v1/traces are put behind it)"},
  {"ca_file",       FSM__OF_NET, FSM__FIELD_FILE, AT(ca_file), 0, NULL, NULL, 1, 4095, NULL, 0, false, "certificates that are trusted, PEM; default: those of the system"},
  {"cert_file",     FSM__OF_NET, FSM__FIELD_FILE, AT(cert_file), 0, NULL, NULL, 1, 4095, NULL, 0, false, "our own certificate, PEM; with key_file"},
  {"key_file",      FSM__OF_NET, FSM__FIELD_SECRET, AT(key_file), 0, NULL, NULL, 1, 4095, NULL, 0, false, "its key, PEM"},
  {"user",          FSM__OF_NET, FSM__FIELD_TEXT, AT(user), 0, NULL, NULL, 1, 256, NULL, 0, false, "who we are; with password_file"},
  {"password_file", FSM__OF_NET, FSM__FIELD_SECRET, AT(password_file), 0, NULL, NULL, 1, 4095, NULL, 0, false, "the password, one line"},
  {"token_file",    FSM__OF_NET, FSM__FIELD_SECRET, AT(token_file), 0, NULL, NULL, 1, 4095, NULL, 0, false, "a token, one line (http and otlp: Authorization: Bearer)"},
  {"creds_file",    FSM__OF_NATS, FSM__FIELD_SECRET, AT(creds_file), 0, NULL, NULL, 1, 4095, NULL, 0, false, "credentials as nsc writes them"},
  {"nkey_file",     FSM__OF_NATS, FSM__FIELD_SECRET, AT(nkey_file), 0, NULL, NULL, 1, 4095, NULL, 0, false, "the seed of an nkey"},
  {"stream",        FSM__OF_NATS, FSM__FIELD_TEXT, AT(stream), 0, NULL, NULL, 1, 64, NULL, 0, false, "of JetStream, ours alone, made when missing; default FSM_EVT_PARTITION"},
  {"prefix",        FSM__OF_NATS, FSM__FIELD_TEXT, AT(prefix), 0, NULL, NULL, 1, 64, NULL, 0, false, "of all subjects; letters, digits, _ and -, dots between; default fsm"},
  {"replicas",      FSM__OF_NATS, FSM__FIELD_COUNT, AT(replicas), 0, "1", NULL, 1, 5, NULL, 0, false, "of a stream that is made: 1, 3 or 5"},
  {"sync",          FSM__OF_NATS, FSM__FIELD_SPAN, AT(sync_ns), 0, "2m", NULL, MS, HOUR, NULL, 0, false, "sync_interval of the server: what is older than twice that and seen again is settled"},
  {"path",          FSM__OF_FILE, FSM__FIELD_FILE, AT(path), 0, NULL, NULL, 1, 4000, NULL, 0, false, "a directory, made when missing; - is standard output; needed"},
  {"rotate_bytes",  FSM__OF_FILE, FSM__FIELD_SIZE, AT(rotate_bytes), 0, "64MiB", NULL, KIB, 64 * 1024 * MIB, NULL, 0, false, "size of one file"},
  {"rotate",        FSM__OF_FILE, FSM__FIELD_SPAN, AT(rotate_ns), 0, "1h", NULL, SECOND, DAY, NULL, 0, false, "the time that one file spans, from whole hours (and the like) of the clock on"},
  {"mode",          FSM__OF_HTTP, FSM__FIELD_CHOICE, AT(bulk), 0, "webhook", NULL, 0, 0, "webhook bulk", 0, false, "POST of a JSON list, or _bulk of Elasticsearch and OpenSearch"},
  {"index",         FSM__OF_HTTP, FSM__FIELD_TEXT, AT(index), 0, NULL, NULL, 1, 128, NULL, 0, false, "of bulk, default fsm-%Y.%m.%d: %Y %m %d %H of the record's time, UTC"},
  {"headers",       FSM__OF_WEB, FSM__FIELD_LIST, AT(headers), AT(header_count), NULL, NULL, 1, 16, NULL, 1024, false, "\"Name: value\"; none that is a secret"},
  {"header_files",  FSM__OF_WEB, FSM__FIELD_LIST, AT(header_files), AT(header_file_count), NULL, NULL, 1, 8, NULL, 4096, false, "\"Name: FILE\": headers that are secrets, such as X-Api-Key; the value is the one line of the file"},
  {"signals",       FSM__OF_OTLP, FSM__FIELD_FLAGS, AT(spans), AT(logs), "spans logs", NULL, 1, 2, "spans logs", 0, false, "a span for each transition, a log record for each record"},
};
/* clang-format on */
const size_t fsm__field_row_count = sizeof fsm__field_rows / sizeof *fsm__field_rows;

const char *fsm__kind_name(unsigned kind) {
  FSM_ASSERT(kind < FSM__KIND_COUNT);
  return kinds[kind];
}

int fsm__kind_of(const char *name) {
  for (unsigned i = 0; i < FSM__KIND_COUNT; i++)
    if (strcmp(kinds[i], name) == 0) return (int)i;
  return -1;
}

const char *fsm__field_fallback(const fsm__field_row *row, unsigned kind) {
  return row->own != NULL ? row->own[kind] : row->fallback;
}

/* ---- sizes ---------------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  uint64_t bytes;
} units[] = {{"TiB", UINT64_C(1) << 40},
             {"GiB", UINT64_C(1) << 30},
             {"MiB", UINT64_C(1) << 20},
             {"KiB", UINT64_C(1) << 10},
             {"", 1}};
enum { UNIT_COUNT = sizeof units / sizeof *units };

bool fsm__size_parse(const char *text, uint64_t *out) {
  uint64_t n = 0;
  const char *at = text;
  for (; *at >= '0' && *at <= '9' && at - text < 15; at++) n = n * 10 + (uint64_t)(*at - '0');
  if (at == text) return false;
  for (size_t i = 0; i < UNIT_COUNT; i++) {
    if (strcmp(at, units[i].name) != 0 || n > UINT64_MAX / units[i].bytes) continue;
    *out = n * units[i].bytes;
    return true;
  }
  return false;
}

static void size_format(uint64_t bytes, char *out, size_t size) {
  size_t i = 0;
  while (units[i].bytes > 1 && (bytes == 0 || bytes % units[i].bytes != 0)) i++;
  snprintf(out, size, "%llu%s", (unsigned long long)(bytes / units[i].bytes), units[i].name);
}

/* ---- what a row takes ----------------------------------------------------------------------------- */

static void bounds(const fsm__field_row *row, char *least, char *most, size_t size) {
  if (row->type == FSM__FIELD_SPAN) {
    fsm_duration_format(row->min, least, size);
    fsm_duration_format(row->max, most, size);
  } else if (row->type == FSM__FIELD_SIZE) {
    size_format((uint64_t)row->min, least, size);
    size_format((uint64_t)row->max, most, size);
  } else {
    snprintf(least, size, "%lld", (long long)row->min);
    snprintf(most, size, "%lld", (long long)row->max);
  }
}

void fsm__field_range(const fsm__field_row *row, char *out, size_t size) {
  char least[32], most[32];
  size_t len = 0;
  if (row->words != NULL) {
    for (const char *at = row->words; *at != '\0' && len + 8 < size; at++) {
      bool gap = *at == ' ', last = gap && strchr(at + 1, ' ') == NULL;
      len += (size_t)snprintf(out + len, size - len, gap ? (last ? " or " : ", ") : "%c", *at);
    }
    return;
  }
  bounds(row, least, most, sizeof least);
  snprintf(out, size, "%s%s to %s", row->zero ? "0 or " : "", least, most);
}

static const char *argument(const fsm__field_row *row) {
  switch (row->type) {
    case FSM__FIELD_TEXT: return "TEXT";
    case FSM__FIELD_FILE:
    case FSM__FIELD_SECRET: return "FILE";
    case FSM__FIELD_WORD:
    case FSM__FIELD_CHOICE:
    case FSM__FIELD_ENUM: return "WORD";
    case FSM__FIELD_COUNT: return "N";
    case FSM__FIELD_SIZE: return "BYTES";
    case FSM__FIELD_SPAN: return "DURATION";
    case FSM__FIELD_LIST:
    case FSM__FIELD_FLAGS: return "[TEXT…]";
  }
  return "";
}

static void put_kinds(const fsm__field_row *row, fsm_buf *out) {
  if (row->kinds == FSM__OF_ALL) return;
  const char *gap = "; of ";
  for (unsigned i = 0; i < FSM__KIND_COUNT; i++) {
    if ((row->kinds & 1u << i) == 0) continue;
    fsm_buf_printf(out, "%s%s", gap, kinds[i]);
    gap = ", ";
  }
}

static void put_fallback(const fsm__field_row *row, fsm_buf *out) {
  if (row->fallback == NULL) return;
  fsm_buf_str(out, "; default ");
  if (row->own == NULL) {
    fsm_buf_str(out, row->fallback);
    return;
  }
  for (unsigned i = 0; i < FSM__KIND_COUNT; i++)
    fsm_buf_printf(out, "%s%s %s", i > 0 ? ", " : "", kinds[i], row->own[i]);
}

/* "(range; of kinds; default)" */
static void put_terms(const fsm__field_row *row, fsm_buf *out) {
  char range[128];
  fsm_buf_str(out, " (");
  if (row->words != NULL || (row->type != FSM__FIELD_TEXT && row->type != FSM__FIELD_FILE &&
                             row->type != FSM__FIELD_SECRET && row->type != FSM__FIELD_LIST)) {
    fsm__field_range(row, range, sizeof range);
    fsm_buf_str(out, range);
  } else {
    fsm_buf_printf(out, "at most %lld%s", (long long)row->max, row->type == FSM__FIELD_LIST ? "" : " bytes");
  }
  put_kinds(row, out);
  put_fallback(row, out);
  fsm_buf_char(out, ')');
}

static size_t columns_of(const char *word, size_t len) {
  size_t n = 0;
  for (size_t i = 0; i < len; i++) n += ((unsigned char)word[i] & 0xc0) != 0x80;
  return n;
}

static void put_wrapped(const char *text, fsm_buf *out) {
  size_t column = 0;
  for (const char *word = text; *word != '\0';) {
    size_t len = strcspn(word, " "), wide = columns_of(word, len);
    bool fits = column > 0 && column + 1 + wide <= COLUMNS;
    if (fits)
      fsm_buf_char(out, ' ');
    else
      fsm_buf_printf(out, "%s%*s", column > 0 ? "\n" : "", INDENT, "");
    fsm_buf_add(out, word, len);
    column = (fits ? column + 1 : INDENT) + wide;
    word += len + (word[len] == ' ');
  }
  fsm_buf_char(out, '\n');
}

void fsm__sinks_help(fsm_buf *out) {
  fsm_buf text = {0};
  fsm_buf_str(out,
              "{\"sinks\": [{\"name\": \"siem\", \"kind\": \"http\", \"url\": \"https://…\", …}]}\n\n"
              "schema/sinks.schema.json is its JSON Schema, for editors. Each sink has:\n\n");
  for (size_t i = 0; i < fsm__field_row_count; i++) {
    const fsm__field_row *row = &fsm__field_rows[i];
    fsm_buf_reset(&text);
    fsm_buf_str(&text, row->help);
    put_terms(row, &text);
    fsm_buf_printf(out, "  %s %s\n", row->name, argument(row));
    put_wrapped(fsm_buf_text(&text), out);
  }
  if (!fsm_buf_ok(&text)) out->failed = true;
  fsm_buf_free(&text);
}
