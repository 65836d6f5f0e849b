/* test_sink_config.c: what a file of sinks may say, and what is said of one that is wrong. */
#include "runtime/sink_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NATS "\"name\":\"n\",\"kind\":\"nats\""
#define FILE_ "\"name\":\"f\",\"kind\":\"file\",\"path\":\"/tmp/f\""
#define HTTP "\"name\":\"h\",\"kind\":\"http\",\"url\":\"https://h.example/x\""
#define OTLP "\"name\":\"o\",\"kind\":\"otlp\",\"url\":\"https://o.example\""
#define ONE(text) "{\"sinks\":[{" text "}]}"

typedef struct world {
  fsm_arena arena;
  fsm__sink_config configs[FSM_SINKS_MAX];
  size_t count;
  fsm_error err;
} world;

static int open_world(void **state) {
  world *w = calloc(1, sizeof *w);
  fsm_arena_init(&w->arena, 0);
  *state = w;
  return 0;
}

static int close_world(void **state) {
  world *w = *state;
  fsm_arena_free(&w->arena);
  free(w);
  return 0;
}

static fsm_code read_sinks(world *w, const char *json) {
  w->err = (fsm_error){0};
  w->count = 99;
  return fsm__sinks_read(&w->arena, json, strlen(json), w->configs, &w->count, &w->err);
}

static const fsm__sink_config *take(world *w, const char *json) {
  if (read_sinks(w, json) != FSM_OK) fail_msg("%s: %s: %s", json, w->err.where, w->err.text);
  return w->configs;
}

static void refuse(world *w, const char *json, fsm_code code, const char *where, const char *text) {
  fsm_code got = read_sinks(w, json);
  if (got != code || strcmp(w->err.where, where) != 0 || strstr(w->err.text, text) == NULL)
    fail_msg("%s:\n got %s \"%s\" \"%s\"\nnot %s \"%s\" \"%s\"", json, fsm_code_name(got), w->err.where,
             w->err.text, fsm_code_name(code), where, text);
  assert_int_equal(w->err.code, code);
  assert_int_equal(w->count, 99); /* nothing was read */
}

/* ---- the document ------------------------------------------------------------------------------------ */

static void a_document_has_a_list_of_sinks_and_nothing_else(void **state) {
  world *w = *state;
  take(w, "{\"sinks\":[]}");
  assert_int_equal(w->count, 0);
  refuse(w, "[]", FSM_EARGUMENT, "", "expected {\"sinks\"");
  refuse(w, "{}", FSM_EARGUMENT, "", "expected {\"sinks\"");
  refuse(w, "{\"sink\":[]}", FSM_EARGUMENT, "/sink", "there is no such field");
  refuse(w, "{\"sinks\":{}}", FSM_EARGUMENT, "/sinks", "expected a list");
  refuse(w, "{\"sinks\":[7]}", FSM_EARGUMENT, "/sinks/0", "expected an object");
  refuse(w, "{\"sinks\":[}", FSM_EMALFORMED, "1:11", "");
  refuse(w, "{\"sinks\":[],\"sinks\":[]}", FSM_EMALFORMED, "1:19", "");
}

static void there_are_at_most_sixteen(void **state) {
  world *w = *state;
  for (unsigned n = FSM_SINKS_MAX; n <= FSM_SINKS_MAX + 1; n++) {
    fsm_buf text = {0};
    fsm_buf_str(&text, "{\"sinks\":[");
    for (unsigned i = 0; i < n; i++)
      fsm_buf_printf(&text, "%s{\"name\":\"f%u\",\"kind\":\"file\",\"path\":\"/f%u\"}", i > 0 ? "," : "", i,
                     i);
    fsm_buf_str(&text, "]}");
    if (n == FSM_SINKS_MAX)
      assert_int_equal((take(w, fsm_buf_text(&text)), w->count), n);
    else
      refuse(w, fsm_buf_text(&text), FSM_ETOOLARGE, "/sinks", "more than 16");
    fsm_buf_free(&text);
  }
}

static void a_document_is_at_most_256_kib(void **state) {
  world *w = *state;
  char *text = malloc(FSM_SINKS_BYTES_MAX + 2);
  memset(text, ' ', FSM_SINKS_BYTES_MAX + 1);
  memcpy(text, "{\"sinks\":[]}", 12);
  text[FSM_SINKS_BYTES_MAX] = '\0';
  take(w, text);
  text[FSM_SINKS_BYTES_MAX] = ' ';
  text[FSM_SINKS_BYTES_MAX + 1] = '\0';
  refuse(w, text, FSM_ETOOLARGE, "", "longer than");
  free(text);
}

/* ---- defaults ---------------------------------------------------------------------------------------- */

static void what_is_not_said_has_the_default_of_the_kind(void **state) {
  world *w = *state;
  const fsm__sink_config *c = take(w, ONE(NATS));
  assert_string_equal(c->name, "n");
  assert_string_equal(c->kind, "nats");
  assert_string_equal(c->format.format, "json");
  assert_false(c->routed || c->bulk || c->spans || c->logs);
  assert_int_equal(c->level, 0);
  assert_int_equal(c->batch, 256);
  assert_int_equal(c->batch_bytes, 1 << 20);
  assert_int_equal(c->window, 1024);
  assert_int_equal(c->linger_ns, 0);
  assert_int_equal(c->backoff_ns, 20 * 1000000);
  assert_int_equal(c->backoff_max_ns, INT64_C(2000000000));
  assert_int_equal(c->timeout_ns, INT64_C(5000000000));
  assert_int_equal(c->replicas, 1);
  assert_int_equal(c->sync_ns, INT64_C(120000000000));
  assert_int_equal(c->policy, FSM__SPILL);
  assert_true(c->budget_bytes == 0 && c->budget_age_ns == 0 && c->url == NULL && c->where == NULL);
  c = take(w, ONE(FILE_));
  assert_int_equal(c->batch, 1024);
  assert_int_equal(c->window, 1024); /* what is gathered must fit into it */
  assert_int_equal(c->rotate_bytes, 64 << 20);
  assert_int_equal(c->rotate_ns, INT64_C(3600000000000));
  c = take(w, ONE(HTTP));
  assert_int_equal(c->batch, 500);
  assert_int_equal(c->window, 500);
  assert_int_equal(c->timeout_ns, INT64_C(30000000000));
  c = take(w, ONE(OTLP));
  assert_string_equal(c->format.format, "otlp");
  assert_true(c->spans && c->logs);
}

static void all_that_is_said_is_read(void **state) {
  world *w = *state;
  const fsm__sink_config *c = take(
      w, ONE("\"name\":\"siem\",\"kind\":\"http\",\"url\":\"https://h:9200/\",\"records\":\"routed\","
             "\"level\":2,\"where\":\"record.level > 1\",\"format\":\"ecs\",\"lift\":[\"labels.department\","
             "\"context.amount=amount_eur\"],\"batch_bytes\":\"4MiB\",\"mode\":\"bulk\",\"index\":"
             "\"fsm-%Y.%m.%d\",\"headers\":[\"X-A: b\",\"X-C: d\"],\"policy\":\"hold\",\"budget_age\":\"2d\","
             "\"linger\":\"1s\""));
  assert_true(c->routed && c->bulk);
  assert_int_equal(c->level, 2);
  assert_string_equal(c->where, "record.level > 1");
  assert_string_equal(c->format.format, "ecs");
  assert_int_equal(c->format.lift_count, 2);
  assert_string_equal(c->format.lift[1], "context.amount=amount_eur");
  assert_int_equal(c->batch_bytes, 4 << 20);
  assert_string_equal(c->index, "fsm-%Y.%m.%d");
  assert_int_equal(c->header_count, 2);
  assert_string_equal(c->headers[0], "X-A: b");
  assert_int_equal(c->policy, FSM__HOLD);
  assert_int_equal(c->budget_age_ns, INT64_C(172800) * 1000000000);
  assert_int_equal(c->linger_ns, 1000000000);
  c = take(w, ONE(OTLP ",\"signals\":[\"logs\"]"));
  assert_true(c->logs && !c->spans);
}

/* ---- ranges ------------------------------------------------------------------------------------------ */

typedef struct edge {
  const char *sink, *field, *good[2], *bad[2];
} edge;

static const edge edges[] = {
    {NATS, "level", {"0", "255"}, {"-1", "256"}},
    {NATS, "batch", {"1", "4096"}, {"0", "4097"}},
    {NATS, "batch_bytes", {"1024", "\"8MiB\""}, {"1023", "8388609"}},
    {NATS, "linger", {"\"0s\"", "\"10s\""}, {"\"-1s\"", "\"10001ms\""}},
    {NATS ",\"backoff_max\":\"1h\"", "backoff", {"\"1ms\"", "\"60s\""}, {"\"0s\"", "\"60001ms\""}},
    {NATS ",\"backoff\":\"1ms\"", "backoff_max", {"\"1ms\"", "\"1h\""}, {"\"0s\"", "\"1h1ms\""}},
    {NATS, "timeout", {"\"100ms\"", "\"10m\""}, {"\"99ms\"", "\"10m1ms\""}},
    {NATS, "window", {"1", "16384"}, {"0", "16385"}},
    {NATS, "budget_bytes", {"0", "\"1TiB\""}, {"1048575", "1099511627777"}},
    {NATS, "budget_bytes", {"\"1MiB\"", "1048576"}, {"1", "\"1048577MiB\""}},
    {NATS, "budget_age", {"\"0s\"", "\"36500d\""}, {"\"999ms\"", "\"36500d1ms\""}},
    {NATS, "budget_age", {"\"10s\"", "\"1h\""}, {"3600", "\"x\""}},
    {NATS, "replicas", {"1", "5"}, {"0", "6"}},
    {NATS, "replicas", {"3", "3"}, {"2", "4"}},
    {NATS, "sync", {"\"1ms\"", "\"1h\""}, {"\"0s\"", "\"1h1ms\""}},
    {FILE_, "rotate_bytes", {"1024", "\"64GiB\""}, {"1023", "68719476737"}},
    {FILE_, "rotate", {"\"1s\"", "\"1d\""}, {"\"999ms\"", "\"1d1ms\""}},
};

static void each_number_is_taken_at_its_edges_and_refused_one_past(void **state) {
  world *w = *state;
  for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
    const edge *e = &edges[i];
    for (int n = 0; n < 2; n++) {
      char json[512], where[64];
      snprintf(json, sizeof json, "{\"sinks\":[{%s,\"%s\":%s}]}", e->sink, e->field, e->good[n]);
      take(w, json);
      snprintf(json, sizeof json, "{\"sinks\":[{%s,\"%s\":%s}]}", e->sink, e->field, e->bad[n]);
      snprintf(where, sizeof where, "/sinks/0/%s", e->field);
      refuse(w, json, FSM_EARGUMENT, where, "expected ");
    }
  }
}

static void numbers_and_spans_are_no_other_things(void **state) {
  world *w = *state;
  const char *const numbers[] = {"1.0", "\"1\"", "true", "null", "[1]", "{}", "1e30"};
  char json[256];
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    snprintf(json, sizeof json, ONE(NATS ",\"batch\":%s"), numbers[i]);
    refuse(w, json, FSM_EARGUMENT, "/sinks/0/batch", "expected a whole number from 1 to 4096");
  }
  refuse(w, ONE(NATS ",\"linger\":5"), FSM_EARGUMENT, "/sinks/0/linger",
         "expected a duration, such as \"500ms\" or \"1h\", from 0s to 10s");
  const char *const sizes[] = {"\"\"",           "\"MiB\"", "\"1 MiB\"", "\"1mib\"",
                               "\"-1\"",         "\"1MB\"", "1.5",       "\"99999999999999999999TiB\"",
                               "\"16777216TiB\""};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    snprintf(json, sizeof json, ONE(NATS ",\"batch_bytes\":%s"), sizes[i]);
    refuse(w, json, FSM_EARGUMENT, "/sinks/0/batch_bytes",
           "expected a number of bytes, such as 65536 or \"64MiB\", from 1KiB to 8MiB");
  }
}

/* A text of n letters as JSON. */
static const char *letters(char *out, size_t n) {
  memset(out, 'x', n);
  out[n] = '\0';
  return out;
}

static void each_text_is_taken_at_its_length_and_refused_one_past(void **state) {
  world *w = *state;
  static const struct {
    const char *sink, *field, *before, *after;
    size_t max;
  } rows[] = {
      {"\"kind\":\"nats\"", "name", "", "", 31},
      {NATS, "where", "record.id == '", "'", 4096},
      {"\"name\":\"h\",\"kind\":\"http\"", "url", "https://h/", "", 2048},
      {HTTP, "ca_file", "", "", 4095},
      {HTTP ",\"key_file\":\"/none\"", "cert_file", "", "", 4095},
      {HTTP ",\"cert_file\":\"/none\"", "key_file", "", "", 4095},
      {HTTP ",\"password_file\":\"/none\"", "user", "", "", 256},
      {HTTP ",\"user\":\"u\"", "password_file", "", "", 4095},
      {HTTP, "token_file", "", "", 4095},
      {NATS ",\"url\":\"nats://h\"", "creds_file", "", "", 4095},
      {NATS ",\"url\":\"nats://h\"", "nkey_file", "", "", 4095},
      {NATS, "stream", "", "", 64},
      {NATS, "prefix", "", "", 64},
      {"\"name\":\"f\",\"kind\":\"file\"", "path", "/", "", 4000},
      {HTTP ",\"mode\":\"bulk\"", "index", "", "%Y", 128},
      {HTTP, "headers", "[\"X: ", "\"]", 1024},
      {HTTP, "header_files", "[\"X: ", "\"]", 4096},
      {NATS, "lift", "[\"labels.f\",\"data.", "=y\"]", 256},
  };
  char more[5000], json[6000], where[64];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bool list = rows[i].before[0] == '[';
    const char *open = list ? strrchr(rows[i].before, '"') + 1 : rows[i].before;
    size_t taken = strlen(open) + (list ? strcspn(rows[i].after, "\"") : strlen(rows[i].after));
    for (size_t past = 0; past < 2; past++) {
      const char *quote = list ? "" : "\"";
      letters(more, rows[i].max - taken + past);
      for (char *at = more; strcmp(rows[i].field, "index") == 0 && *at != '\0'; at++) *at = 'a';
      snprintf(json, sizeof json, "{\"sinks\":[{%s,\"%s\":%s%s%s%s%s}]}", rows[i].sink, rows[i].field, quote,
               rows[i].before, more, rows[i].after, quote);
      snprintf(where, sizeof where, "/sinks/0/%s%s", rows[i].field,
               !list                                ? ""
               : strcmp(rows[i].field, "lift") == 0 ? "/1"
                                                    : "/0");
      if (past == 0)
        take(w, json);
      else
        refuse(w, json, FSM_ETOOLARGE, where, "longer than");
    }
  }
}

static void a_list_is_taken_at_its_length_and_refused_one_past(void **state) {
  world *w = *state;
  static const struct {
    const char *sink, *field, *item;
    unsigned max;
  } rows[] = {{NATS, "lift", "labels.f", FSM_LIFT_MAX},
              {FILE_ ",\"format\":\"csv\"", "columns", "labels.f", 64},
              {HTTP, "headers", "X: v", 16},
              {HTTP, "header_files", "X: v", 8}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    for (unsigned n = rows[i].max; n <= rows[i].max + 1; n++) {
      fsm_buf json = {0};
      char where[64];
      fsm_buf_printf(&json, "{\"sinks\":[{%s,\"%s\":[", rows[i].sink, rows[i].field);
      for (unsigned k = 0; k < n; k++) {
        fsm_buf_printf(&json, "%s\"%s%s%u\"", k > 0 ? "," : "", rows[i].item, i >= 2 ? " " : "", k);
      }
      fsm_buf_str(&json, "]}]}");
      snprintf(where, sizeof where, "/sinks/0/%s", rows[i].field);
      if (n == rows[i].max)
        take(w, fsm_buf_text(&json));
      else
        refuse(w, fsm_buf_text(&json), FSM_ETOOLARGE, where, "more than");
      fsm_buf_free(&json);
    }
  }
}

/* ---- what is wrong, and what is said of it ------------------------------------------------------------- */

typedef struct fault {
  const char *sink;
  fsm_code code;
  const char *where, *text;
} fault;

static const fault faults[] = {
    {"\"kind\":\"nats\"", FSM_EARGUMENT, "", "the sink has no \"name\""},
    {"\"name\":\"x\"", FSM_EARGUMENT, "", "the sink has no \"kind\""},
    {"\"name\":\"x\",\"kind\":\"kafka\"", FSM_EARGUMENT, "/kind",
     "there is no \"kafka\" here; expected nats, file, http or otlp"},
    {"\"name\":\"x\",\"kind\":7", FSM_EARGUMENT, "/kind", "expected a text"},
    {"\"name\":\"\",\"kind\":\"nats\"", FSM_EARGUMENT, "/name", "the text is empty"},
    {"\"name\":\"a/b\",\"kind\":\"nats\"", FSM_EARGUMENT, "/name", "letters, digits, _ and -"},
    {"\"name\":\"a.b\",\"kind\":\"nats\"", FSM_EARGUMENT, "/name", "letters, digits, _ and -"},
    {"\"name\":7,\"kind\":\"nats\"", FSM_EARGUMENT, "/name", "expected a text"},
    {NATS ",\"formt\":\"json\"", FSM_EARGUMENT, "/formt", "did you mean \"format\"?"},
    {NATS ",\"zzz\":1", FSM_EARGUMENT, "/zzz", "there is no such field"},
    {NATS ",\"path\":\"/x\"", FSM_EARGUMENT, "/path",
     "a sink of kind nats has no such field; it is of: file"},
    {FILE_ ",\"url\":\"nats://x\"", FSM_EARGUMENT, "/url",
     "of kind file has no such field; it is of: nats, http, otlp"},
    {NATS ",\"records\":\"some\"", FSM_EARGUMENT, "/records",
     "there is no \"some\" here; expected all or routed"},
    {NATS ",\"format\":\"xml\"", FSM_EARGUMENT, "/format",
     "expected json, seed, ecs, cloudevents, otlp, msgpack or csv"},
    {NATS ",\"policy\":\"drop\"", FSM_EARGUMENT, "/policy", "expected spill or hold"},
    {NATS ",\"policy\":\"hold\"", FSM_EARGUMENT, "/policy",
     "without budget_bytes or budget_age nothing is ever held"},
    {NATS ",\"linger\":\"2s\",\"budget_age\":\"13s\"", FSM_EARGUMENT, "/budget_age",
     "shorter than twice linger and timeout"},
    {NATS ",\"where\":\"a\\nb\"", FSM_EARGUMENT, "/where", "control character"},
    {NATS ",\"where\":\"\"", FSM_EARGUMENT, "/where", "empty"},
    {NATS ",\"lift\":\"a\"", FSM_EARGUMENT, "/lift", "expected a list of texts"},
    {NATS ",\"lift\":[]", FSM_EARGUMENT, "/lift", "the list is empty"},
    {NATS ",\"lift\":[\"a\",7]", FSM_EARGUMENT, "/lift/1", "expected a text"},
    {NATS ",\"where\":\"record.levle > 1\"", FSM_EEXPRESSION, "/where", "1:"},
    {NATS ",\"where\":\"record.level > 'x'\"", FSM_EEXPRESSION, "/where", "1:"},
    {NATS ",\"where\":\"record.level >\"", FSM_EEXPRESSION, "/where", "1:"},
    {NATS ",\"lift\":[\"labels.f\",\"nonsense\"]", FSM_EARGUMENT, "/lift/1", "no such field"},
    {NATS ",\"lift\":[\"labels.f\",\"data.f\"]", FSM_EARGUMENT, "/lift/1", "two fields are lifted"},
    {FILE_ ",\"format\":\"csv\",\"columns\":[\"seq\",\"sqe\"]", FSM_EARGUMENT, "/columns/1", "no such field"},
    {NATS ",\"lift\":[\"a\"],\"format\":\"msgpack\"", FSM_EARGUMENT, "/lift", "as they are"},
    {NATS ",\"columns\":[\"a\"]", FSM_EARGUMENT, "/columns", "of the format csv alone"},
    {NATS ",\"backoff\":\"3s\"", FSM_EARGUMENT, "/backoff", "longer than backoff_max"},
    {NATS ",\"stream\":\"a.b\"", FSM_EARGUMENT, "/stream", "letters, digits, _ and -"},
    {NATS ",\"prefix\":\"a..b\"", FSM_EARGUMENT, "/prefix", "with dots between"},
    {NATS ",\"prefix\":\".a\"", FSM_EARGUMENT, "/prefix", "with dots between"},
    {NATS ",\"prefix\":\"a.\"", FSM_EARGUMENT, "/prefix", "with dots between"},
    {NATS ",\"prefix\":\"a*\"", FSM_EARGUMENT, "/prefix", "with dots between"},
    {NATS ",\"url\":\"http://x\"", FSM_EARGUMENT, "/url", "begins with nats:// or tls://"},
    {NATS ",\"url\":\"nats://\"", FSM_EARGUMENT, "/url", "cannot be read"},
    {NATS ",\"url\":\"nats://a:b\"", FSM_EARGUMENT, "/url", "cannot be read"},
    {NATS ",\"url\":\"nats://a:123456\"", FSM_EARGUMENT, "/url", "cannot be read"},
    {NATS ",\"url\":\"nats://a,b\"", FSM_EARGUMENT, "/url", "begins with nats:// or tls://"},
    {NATS ",\"url\":\"nats://[::1\"", FSM_EARGUMENT, "/url", "cannot be read"},
    {NATS ",\"url\":\"nats://u:p@h\"", FSM_EARGUMENT, "/url", "is not said in the URL"},
    {NATS ",\"user\":\"u\",\"password_file\":\"/none\"", FSM_EARGUMENT, "/user", "it needs a url"},
    {NATS ",\"creds_file\":\"/none\"", FSM_EARGUMENT, "/creds_file", "it needs a url"},
    {NATS ",\"nkey_file\":\"/none\"", FSM_EARGUMENT, "/nkey_file", "it needs a url"},
    {NATS ",\"token_file\":\"/none\"", FSM_EARGUMENT, "/token_file", "it needs a url"},
    {NATS ",\"ca_file\":\"/none\"", FSM_EARGUMENT, "/ca_file", "it needs a url"},
    {NATS ",\"url\":\"nats://far\",\"token_file\":\"/none\"", FSM_EPERMISSION, "/url",
     "unencrypted: write tls://"},
    {NATS ",\"url\":\"nats://localhost,nats://far\",\"token_file\":\"/none\"", FSM_EPERMISSION, "/url",
     "unencrypted"},
    {NATS ",\"url\":\"tls://h\",\"token_file\":\"/a\",\"nkey_file\":\"/b\"", FSM_EARGUMENT, "",
     "only one of user"},
    {"\"name\":\"f\",\"kind\":\"file\"", FSM_EARGUMENT, "", "the sink has no \"path\""},
    {"\"name\":\"f\",\"kind\":\"file\",\"path\":\"-\",\"format\":\"msgpack\"", FSM_EARGUMENT, "/format",
     "give a directory"},
    {"\"name\":\"h\",\"kind\":\"http\"", FSM_EARGUMENT, "", "the sink has no \"url\""},
    {"\"name\":\"h\",\"kind\":\"http\",\"url\":\"ftp://x\"", FSM_EARGUMENT, "/url", "http:// or https://"},
    {"\"name\":\"h\",\"kind\":\"http\",\"url\":\"https://u:p@x/\"", FSM_EARGUMENT, "/url",
     "is not said in the URL"},
    {"\"name\":\"h\",\"kind\":\"http\",\"url\":\"https://x/?k=1\"", FSM_EARGUMENT, "/url", "without \"?\""},
    {"\"name\":\"h\",\"kind\":\"http\",\"url\":\"http://far/\",\"token_file\":\"/none\"", FSM_EPERMISSION,
     "/url", "unencrypted: write https://"},
    {"\"name\":\"h\",\"kind\":\"http\",\"url\":\"http://127.0.0.1.far/\",\"token_file\":\"/none\"",
     FSM_EPERMISSION, "/url", "unencrypted"},
    {"\"name\":\"h\",\"kind\":\"http\",\"url\":\"http://far/\",\"user\":\"u\",\"password_file\":\"/none\"",
     FSM_EPERMISSION, "/url", "unencrypted"},
    {"\"name\":\"h\",\"kind\":\"http\",\"url\":\"http://far/\",\"ca_file\":\"/none\"", FSM_EARGUMENT,
     "/ca_file", "no effect on http://"},
    {HTTP ",\"cert_file\":\"/none\"", FSM_EARGUMENT, "/cert_file", "it needs key_file"},
    {HTTP ",\"key_file\":\"/none\"", FSM_EARGUMENT, "/key_file", "it needs cert_file"},
    {HTTP ",\"user\":\"u\"", FSM_EARGUMENT, "/user", "it needs password_file"},
    {HTTP ",\"password_file\":\"/none\"", FSM_EARGUMENT, "/password_file", "it needs user"},
    {HTTP ",\"index\":\"x\"", FSM_EARGUMENT, "/index", "\"mode\": \"bulk\" alone"},
    {HTTP ",\"mode\":\"bulk\",\"index\":\"X\"", FSM_EARGUMENT, "/index", "lower-case"},
    {HTTP ",\"mode\":\"bulk\",\"index\":\"_x\"", FSM_EARGUMENT, "/index", "begins with a letter or digit"},
    {HTTP ",\"mode\":\"bulk\",\"index\":\"x-%y\"", FSM_EARGUMENT, "/index", "%Y, %m, %d and %H"},
    {HTTP ",\"mode\":\"bulk\",\"index\":\"x-%\"", FSM_EARGUMENT, "/index", "%Y, %m, %d and %H"},
    {HTTP ",\"mode\":\"bulk\",\"index\":\"x-Y\"", FSM_EARGUMENT, "/index", "no other % or capital"},
    {HTTP ",\"mode\":\"bulk\",\"format\":\"csv\"", FSM_EARGUMENT, "/format", "_bulk takes JSON"},
    {HTTP ",\"headers\":[\"x\"]", FSM_EARGUMENT, "/headers", "expected \"Name: value\""},
    {HTTP ",\"headers\":[\": x\"]", FSM_EARGUMENT, "/headers", "expected \"Name: value\""},
    {HTTP ",\"headers\":[\"A b: x\"]", FSM_EARGUMENT, "/headers", "expected \"Name: value\""},
    {HTTP ",\"headers\":[\"authorization: x\"]", FSM_EARGUMENT, "/headers", "secrets are in files"},
    {HTTP ",\"headers\":[\"Content-Length: 1\"]", FSM_EARGUMENT, "/headers",
     "Content-Length is not given here"},
    {HTTP ",\"headers\":[\"A: x\\r\\nB: y\"]", FSM_EARGUMENT, "/headers/0", "control character"},
    {HTTP ",\"header_files\":[\"x\"]", FSM_EARGUMENT, "/header_files", "expected \"Name: value\""},
    {HTTP ",\"header_files\":[\"X-Key: \"]", FSM_EARGUMENT, "/header_files", "expected \"Name: FILE\""},
    {HTTP ",\"header_files\":[\"Cookie: /none\"]", FSM_EARGUMENT, "/header_files", "is not given here"},
    {"\"name\":\"h\",\"kind\":\"http\",\"url\":\"http://far/\",\"header_files\":[\"X-Key: /none\"]",
     FSM_EPERMISSION, "/url", "unencrypted"},
    {OTLP ",\"format\":\"json\"", FSM_EARGUMENT, "/format", "takes the format otlp alone"},
    {OTLP ",\"signals\":[]", FSM_EARGUMENT, "/signals", "the list is empty"},
    {OTLP ",\"signals\":[\"metrics\"]", FSM_EARGUMENT, "/signals", "expected spans or logs"},
    {OTLP ",\"signals\":[\"logs\",\"logs\"]", FSM_EARGUMENT, "/signals", "twice"},
    {OTLP ",\"signals\":[7]", FSM_EARGUMENT, "/signals", "expected a list of texts"},
};

static void each_mistake_has_its_place_and_its_words(void **state) {
  world *w = *state;
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    char json[512], where[128];
    snprintf(json, sizeof json, "{\"sinks\":[{%s}]}", faults[i].sink);
    snprintf(where, sizeof where, "/sinks/0%s", faults[i].where);
    refuse(w, json, faults[i].code, where, faults[i].text);
  }
}

static void a_secret_may_travel_where_nobody_else_hears_it(void **state) {
  world *w = *state;
  take(w, ONE("\"name\":\"h\",\"kind\":\"http\",\"url\":\"http://127.0.0.1:9/\",\"token_file\":\"/none\""));
  take(w, ONE("\"name\":\"h\",\"kind\":\"http\",\"url\":\"http://[::1]:9/\",\"token_file\":\"/none\""));
  take(w, ONE("\"name\":\"h\",\"kind\":\"http\",\"url\":\"http://localhost/\",\"token_file\":\"/none\""));
  take(w, ONE("\"name\":\"h\",\"kind\":\"http\",\"url\":\"https://far/\",\"token_file\":\"/none\""));
  take(w, ONE(NATS ",\"url\":\"tls://far:4222\",\"token_file\":\"/none\""));
  take(w, ONE(NATS ",\"url\":\"nats://[::1]:4222\",\"token_file\":\"/none\""));
  /* With certificates nats:// is spoken over TLS; an nkey signs and does not travel. */
  take(w, ONE(NATS ",\"url\":\"nats://far\",\"token_file\":\"/none\",\"ca_file\":\"/none\""));
  take(w, ONE(NATS ",\"url\":\"nats://a,tls://b:4222,nats://c\",\"nkey_file\":\"/none\""));
}

static void two_sinks_do_not_share_a_name_a_directory_or_a_stream(void **state) {
  world *w = *state;
  refuse(w, "{\"sinks\":[{" NATS "},{" NATS "}]}", FSM_EARGUMENT, "/sinks/1/name", "two sinks of this name");
  refuse(w, "{\"sinks\":[{" NATS "},{\"name\":\"N\",\"kind\":\"file\",\"path\":\"/x\"}]}", FSM_EARGUMENT,
         "/sinks/1/name", "two sinks of this name");
  refuse(w, "{\"sinks\":[{" FILE_ "},{\"name\":\"g\",\"kind\":\"file\",\"path\":\"/tmp/f\"}]}", FSM_EARGUMENT,
         "/sinks/1/path", "the sink f writes there");
  refuse(w, "{\"sinks\":[{" NATS "},{\"name\":\"m\",\"kind\":\"nats\"}]}", FSM_EARGUMENT, "/sinks/1/stream",
         "the sink n publishes into the same stream");
  take(w, "{\"sinks\":[{" NATS "},{\"name\":\"m\",\"kind\":\"nats\",\"stream\":\"OTHER\"},{" FILE_ "}]}");
  assert_int_equal(w->count, 3);
}

static void a_secret_that_others_may_read_is_refused(void **state) {
  world *w = *state;
  char path[] = "/tmp/fsm-secret-XXXXXX", json[256];
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  const char *const fields[] = {"token_file", "key_file", "password_file", "header_files"};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    char where[64];
    snprintf(where, sizeof where, "/sinks/0/%s", fields[i]);
    snprintf(json, sizeof json, ONE(HTTP "%s,\"%s\":%s%s\"%s"),
             i == 1   ? ",\"cert_file\":\"/c\""
             : i == 2 ? ",\"user\":\"u\""
                      : "",
             fields[i], i == 3 ? "[\"X-Key: " : "\"", path, i == 3 ? "]" : "");
    assert_int_equal(fchmod(fd, 0640), 0);
    refuse(w, json, FSM_EPERMISSION, where, "mode 0640: others may read or change it; set 0600");
    assert_int_equal(fchmod(fd, 0600), 0);
    take(w, json);
  }
  close(fd);
  unlink(path);
  refuse(w, ONE(HTTP ",\"token_file\":\"/tmp\""), FSM_EARGUMENT, "/sinks/0/token_file", "not a regular file");
}

/* ---- comparing, the reference ------------------------------------------------------------------------- */

static void the_same_words_are_the_same_sink_and_each_other_word_another(void **state) {
  world *w = *state;
  static const struct {
    const char *sink, *more;
  } rows[] = {
      {NATS, "\"records\":\"routed\""},
      {NATS, "\"level\":1"},
      {NATS, "\"where\":\"true\""},
      {NATS, "\"format\":\"ecs\""},
      {NATS, "\"lift\":[\"labels.f\"]"},
      {NATS, "\"batch\":255"},
      {NATS, "\"batch_bytes\":1024"},
      {NATS, "\"linger\":\"1ms\""},
      {NATS, "\"backoff\":\"1ms\""},
      {NATS, "\"backoff_max\":\"3s\""},
      {NATS, "\"timeout\":\"1s\""},
      {NATS, "\"window\":1"},
      {NATS, "\"budget_bytes\":\"1GiB\""},
      {NATS, "\"budget_age\":\"1h\""},
      {NATS ",\"budget_age\":\"1h\"", "\"policy\":\"hold\""},
      {NATS, "\"url\":\"nats://h\""},
      {NATS, "\"stream\":\"S\""},
      {NATS, "\"prefix\":\"p\""},
      {NATS, "\"replicas\":3"},
      {NATS, "\"sync\":\"1s\""},
      {FILE_, "\"rotate_bytes\":1024"},
      {FILE_, "\"rotate\":\"1m\""},
      {FILE_ ",\"format\":\"csv\"", "\"columns\":[\"seq\"]"},
      {FILE_, "\"format\":\"msgpack\""},
      {HTTP, "\"mode\":\"bulk\""},
      {HTTP, "\"headers\":[\"A: b\"]"},
      {HTTP, "\"ca_file\":\"/a\""},
      {HTTP, "\"token_file\":\"/none\""},
      {OTLP, "\"signals\":[\"logs\"]"},
      {OTLP, "\"signals\":[\"spans\"]"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char plain[256], more[256];
    snprintf(plain, sizeof plain, "{\"sinks\":[{%s}]}", rows[i].sink);
    snprintf(more, sizeof more, "{\"sinks\":[{%s,%s}]}", rows[i].sink, rows[i].more);
    fsm__sink_config first = *take(w, plain), again = *take(w, plain), other = *take(w, more);
    fsm__sink_config other_again = *take(w, more);
    assert_true(fsm__sink_config_equal(&first, &again));
    assert_true(fsm__sink_config_equal(&other, &other_again));
    if (fsm__sink_config_equal(&first, &other)) fail_msg("%s is not another", more);
    if (fsm__sink_config_equal(&other, &first)) fail_msg("%s is not another", more);
  }
}

static void the_reference_fits_eighty_columns_and_has_every_field(void **state) {
  world *w = *state;
  fsm_buf text = {0};
  fsm__sinks_help(&text);
  const char *const fields[] = {"name", "records", "columns", "window", "creds_file", "rotate", "signals"};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    char line[32];
    snprintf(line, sizeof line, "\n  %s ", fields[i]);
    if (strstr(fsm_buf_text(&text), line) == NULL) fail_msg("%s is not there", fields[i]);
  }
  for (const char *at = fsm_buf_text(&text); *at != '\0';) {
    size_t wide = 0, len = strcspn(at, "\n");
    for (size_t i = 0; i < len; i++) wide += ((unsigned char)at[i] & 0xc0) != 0x80;
    if (wide > 80) fail_msg("%zu columns: %.*s", wide, (int)len, at);
    at += len + (at[len] == '\n');
  }
  fsm_buf_free(&text);
  (void)w;
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
      T(a_document_has_a_list_of_sinks_and_nothing_else),
      T(there_are_at_most_sixteen),
      T(a_document_is_at_most_256_kib),
      T(what_is_not_said_has_the_default_of_the_kind),
      T(all_that_is_said_is_read),
      T(each_number_is_taken_at_its_edges_and_refused_one_past),
      T(numbers_and_spans_are_no_other_things),
      T(each_text_is_taken_at_its_length_and_refused_one_past),
      T(a_list_is_taken_at_its_length_and_refused_one_past),
      T(each_mistake_has_its_place_and_its_words),
      T(a_secret_may_travel_where_nobody_else_hears_it),
      T(two_sinks_do_not_share_a_name_a_directory_or_a_stream),
      T(a_secret_that_others_may_read_is_refused),
      T(the_same_words_are_the_same_sink_and_each_other_word_another),
      T(the_reference_fits_eighty_columns_and_has_every_field),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
