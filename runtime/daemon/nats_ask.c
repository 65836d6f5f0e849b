/* nats_ask.c: messages into requests, by a table. Members that name what it is about go into the path, the
 * others stay the body or become the query, so that whatever is wrong with them HTTP's own code says. */
#include "runtime/daemon/nats_ask.h"

#include <string.h>

#include "runtime/daemon/http.h"
#include "schema/json.h"

enum { REST_BODY, REST_QUERY, REST_NONE };

typedef struct row {
  fsm__ask ask;
  const char *word; /* of the member `chosen` names; NULL: there is no choice */
  const char *method, *path;
  const char *of; /* the member that stands for *; "instance": that, or machine and key */
  int rest;       /* what becomes of the other members */
  bool queued;    /* has an idempotency key */
} row;

/* clang-format off */
static const row rows[] = {
  {FSM__ASK_START, "start",        "POST", "/v1/instances", NULL, REST_BODY, true},
  {FSM__ASK_SEND,  "send",         "POST", "/v1/instances/*/events", "instance", REST_BODY, true},
  {FSM__ASK_SEND,  "batch",        "POST", "/v1/events", NULL, REST_BODY, false},
  {FSM__ASK_GET,   "instance",     "GET",  "/v1/instances/*", "instance", REST_QUERY, false},
  {FSM__ASK_GET,   "events",       "GET",  "/v1/instances/*/events", "instance", REST_QUERY, false},
  {FSM__ASK_GET,   "why",          "GET",  "/v1/instances/*/why", "instance", REST_QUERY, false},
  {FSM__ASK_GET,   "history",      "GET",  "/v1/instances/*/history", "instance", REST_QUERY, false},
  {FSM__ASK_GET,   "cause",        "GET",  "/v1/records/*/cause", "record", REST_QUERY, false},
  {FSM__ASK_GET,   "machine",      "GET",  "/v1/machines/*", "machine", REST_QUERY, false},
  {FSM__ASK_GET,   "task",         "GET",  "/v1/tasks/*", "task", REST_QUERY, false},
  {FSM__ASK_GET,   "route",        "GET",  "/v1/routes/*", "route", REST_QUERY, false},
  {FSM__ASK_LIST,  "instances",    "GET",  "/v1/instances", NULL, REST_QUERY, false},
  {FSM__ASK_LIST,  "stuck",        "GET",  "/v1/stuck", NULL, REST_QUERY, false},
  {FSM__ASK_LIST,  "search",       "GET",  "/v1/search", NULL, REST_QUERY, false},
  {FSM__ASK_LIST,  "groups",       "GET",  "/v1/groups", NULL, REST_QUERY, false},
  {FSM__ASK_LIST,  "actors",       "GET",  "/v1/actors", NULL, REST_QUERY, false},
  {FSM__ASK_LIST,  "tasks",        "GET",  "/v1/tasks", NULL, REST_QUERY, false},
  {FSM__ASK_LIST,  "timers",       "GET",  "/v1/timers", NULL, REST_QUERY, false},
  {FSM__ASK_LIST,  "machines",     "GET",  "/v1/machines", NULL, REST_QUERY, false},
  {FSM__ASK_LIST,  "versions",     "GET",  "/v1/machines/*/versions", "machine", REST_QUERY, false},
  {FSM__ASK_LIST,  "records",      "GET",  "/v1/records", NULL, REST_QUERY, false},
  {FSM__ASK_LIST,  "counts",       "GET",  "/v1/counts", NULL, REST_QUERY, false},
  {FSM__ASK_LIST,  "stats",        "GET",  "/v1/stats", NULL, REST_QUERY, false},
  {FSM__ASK_LIST,  "funnel",       "GET",  "/v1/machines/*/funnel", "machine", REST_QUERY, false},
  {FSM__ASK_LIST,  "routes",       "GET",  "/v1/routes", NULL, REST_QUERY, false},
  {FSM__ASK_LIST,  "sinks",        "GET",  "/v1/sinks", NULL, REST_QUERY, false},
  {FSM__ASK_LIST,  "parked",       "GET",  "/v1/sinks/*/parked", "sink", REST_QUERY, false},
  {FSM__ASK_ADMIN, "batch",        "POST", "/v1/commands", NULL, REST_BODY, false},
  {FSM__ASK_ADMIN, "pause",        "POST", "/v1/instances/*/pause", "instance", REST_BODY, true},
  {FSM__ASK_ADMIN, "resume",       "POST", "/v1/instances/*/resume", "instance", REST_BODY, true},
  {FSM__ASK_ADMIN, "cancel",       "POST", "/v1/instances/*/cancel", "instance", REST_BODY, true},
  {FSM__ASK_ADMIN, "force",        "POST", "/v1/instances/*/force", "instance", REST_BODY, true},
  {FSM__ASK_ADMIN, "set",          "POST", "/v1/instances/*/set", "instance", REST_BODY, true},
  {FSM__ASK_ADMIN, "note",         "POST", "/v1/instances/*/note", "instance", REST_BODY, true},
  {FSM__ASK_ADMIN, "retry",        "POST", "/v1/instances/*/retry", "instance", REST_BODY, true},
  {FSM__ASK_ADMIN, "skip",         "POST", "/v1/instances/*/skip", "instance", REST_BODY, true},
  {FSM__ASK_ADMIN, "retire",       "POST", "/v1/machines/*/retire", "machine", REST_BODY, false},
  {FSM__ASK_ADMIN, "route_set",    "PUT",  "/v1/routes/*", "name", REST_BODY, false},
  {FSM__ASK_ADMIN, "route_remove", "DELETE", "/v1/routes/*", "name", REST_QUERY, false},
  {FSM__ASK_ADMIN, "sink_order",   "POST", "/v1/sinks/*/orders", "sink", REST_BODY, false},
  {FSM__ASK_ADMIN, "verify",       "POST", "/v1/verify", NULL, REST_NONE, false},
  {FSM__ASK_ADMIN, "db_check",     "POST", "/v1/db/check", NULL, REST_NONE, false},
  {FSM__ASK_ADMIN, "db_backup",    "POST", "/v1/db/backup", NULL, REST_BODY, false},
};
/* clang-format on */
enum { ROW_COUNT = sizeof rows / sizeof *rows };

static const char *const names[] = {
#define X(symbol, name) name,
    FSM__NATS_VERBS(X)
#undef X
        "unknown",
};

const char *fsm__ask_name(fsm__ask ask) {
  FSM_ASSERT((unsigned)ask < FSM__ASK_COUNT);
  return names[ask];
}

fsm__ask fsm__ask_find(const char *name) {
  for (unsigned i = 0; i < FSM__ASK_UNKNOWN; i++)
    if (strcmp(names[i], name) == 0) return (fsm__ask)i;
  return FSM__ASK_UNKNOWN;
}

bool fsm__ask_is_read(fsm__ask ask) { return ask == FSM__ASK_GET || ask == FSM__ASK_LIST; }

static const row *named(fsm__ask ask, const fsm_value *word) {
  for (size_t i = 0; i < ROW_COUNT; i++)
    if (rows[i].ask == ask && fsm_is_text(word, rows[i].word)) return &rows[i];
  return NULL;
}

/* ---- which row ------------------------------------------------------------------------------------ */

static const row *choice(fsm__ask ask, const fsm_value *doc, const char *member, const char *otherwise,
                         const char *known, fsm_error *err) {
  const fsm_value *given = fsm_map_get(doc, member),
                  fallback = otherwise ? fsm_string(otherwise) : fsm_null();
  const row *found = named(ask, given ? given : &fallback);
  char where[32] = "/";
  strncat(where, member, sizeof where - 2);
  if (!found) (void)fsm_fail(err, FSM_EMALFORMED, where, "expected one of %s", known);
  return found;
}

static const row *row_of_get(const fsm_value *doc, fsm_error *err) {
  const fsm_value task = fsm_string("task"), route = fsm_string("route"), machine = fsm_string("machine"),
                  cause = fsm_string("cause");
  if (fsm_map_get(doc, "task")) return named(FSM__ASK_GET, &task);
  if (fsm_map_get(doc, "record")) return named(FSM__ASK_GET, &cause);
  if (fsm_map_get(doc, "route")) return named(FSM__ASK_GET, &route);
  if (fsm_map_get(doc, "instance") || fsm_map_get(doc, "key")) {
    const row *found = choice(FSM__ASK_GET, doc, "view", "instance", "events, why, history", err);
    if (!found || (found->of && strcmp(found->of, "instance") == 0)) return found;
    (void)fsm_fail(err, FSM_EMALFORMED, "/view", "expected one of events, why, history");
    return NULL;
  }
  if (fsm_map_get(doc, "machine")) return named(FSM__ASK_GET, &machine);
  (void)fsm_fail(err, FSM_EMALFORMED, "",
                 "what to get is not said: instance, machine and key, machine, task, record, or route");
  return NULL;
}

static const row *row_of(fsm__ask ask, const fsm_value *doc, fsm_error *err) {
  const fsm_value start = fsm_string("start"), send = fsm_string("send"), batch = fsm_string("batch");
  switch (ask) {
    case FSM__ASK_START: return named(ask, &start);
    case FSM__ASK_SEND: return named(ask, fsm_map_get(doc, "events") ? &batch : &send);
    case FSM__ASK_GET: return row_of_get(doc, err);
    case FSM__ASK_LIST:
      return choice(ask, doc, "what", "instances",
                    "instances, stuck, search, groups, actors, tasks, timers, machines, versions, records, "
                    "counts, stats, funnel, "
                    "routes, sinks, parked",
                    err);
    case FSM__ASK_ADMIN:
      if (fsm_map_get(doc, "commands")) return named(ask, &batch);
      return choice(ask, doc, "command", NULL,
                    "pause, resume, cancel, force, set, note, retry, skip, retire, route_set, route_remove, "
                    "sink_order, verify, db_check, db_backup",
                    err);
    case FSM__ASK_DEPLOY:
    case FSM__ASK_UNKNOWN:
    case FSM__ASK_COUNT: break;
  }
  return NULL;
}

/* ---- the target ----------------------------------------------------------------------------------- */

static void escape(fsm_buf *out, const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    const unsigned char c = (unsigned char)text[i];
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain)
      fsm_buf_char(out, (char)c);
    else
      fsm_buf_printf(out, "%%%02X", c);
  }
}

static fsm_code put_text(fsm_buf *out, const fsm_value *doc, const char *member, fsm_error *err) {
  const fsm_value *value = fsm_map_get(doc, member);
  char where[32] = "/";
  strncat(where, member, sizeof where - 2);
  if (!value) return fsm_fail(err, FSM_EMALFORMED, where, "the member is missing");
  if (!fsm_is(value, FSM_STRING) || value->len == 0)
    return fsm_fail(err, FSM_EMALFORMED, where, "expected a string that is not empty");
  escape(out, value->s, value->len);
  return FSM_OK;
}

static fsm_code put_instance(fsm_buf *out, const fsm_value *doc, fsm_error *err) {
  const fsm_value *machine = fsm_map_get(doc, "machine");
  const bool keyed = machine || fsm_map_get(doc, "key");
  if (fsm_map_get(doc, "instance")) {
    if (keyed) return fsm_fail(err, FSM_EMALFORMED, "/instance", "it stands beside machine or key: give one");
    return put_text(out, doc, "instance", err);
  }
  if (!keyed)
    return fsm_fail(err, FSM_EMALFORMED, "", "the instance is not said: instance, or machine and key");
  /* An id of a machine has no slash: one here would move the border between machine and key. */
  if (machine && fsm_is(machine, FSM_STRING) && machine->len > 0 && memchr(machine->s, '/', machine->len))
    return fsm_fail(err, FSM_EMALFORMED, "/machine", "expected the id of a machine");
  fsm_code code = put_text(out, doc, "machine", err);
  if (code != FSM_OK) return code;
  fsm_buf_str(out, "%2Fkey%3A");
  return put_text(out, doc, "key", err);
}

/* It goes into the query, beside members that stay the body. */
static bool is_dry_run(const row *of, const fsm_value *name) {
  const bool takes = of->queued || strcmp(of->word, "batch") == 0;
  return takes && of->rest == REST_BODY && fsm_is_text(name, "dry_run");
}

static bool is_taken_out(const row *of, const fsm_value *name) {
  static const char *const chosen[FSM__ASK_COUNT] = {
      [FSM__ASK_GET] = "view", [FSM__ASK_LIST] = "what", [FSM__ASK_ADMIN] = "command"};
  if (chosen[of->ask] && fsm_is_text(name, chosen[of->ask])) return true;
  if (is_dry_run(of, name)) return true;
  if (!of->of) return false;
  if (fsm_is_text(name, of->of)) return true;
  return strcmp(of->of, "instance") == 0 && (fsm_is_text(name, "machine") || fsm_is_text(name, "key"));
}

static void begin_param(fsm_buf *out, bool *any, const fsm_value *name) {
  fsm_buf_char(out, *any ? '&' : '?');
  *any = true;
  escape(out, name->s, name->len);
  fsm_buf_char(out, '=');
}

static bool put_param(fsm_buf *out, bool *any, const fsm_value *name, const fsm_value *value) {
  if (fsm_is(value, FSM_NULL)) return true;
  if (fsm_is(value, FSM_LIST)) {
    for (uint32_t i = 0; i < value->len; i++)
      if (fsm_is(&value->items[i], FSM_LIST) || !put_param(out, any, name, &value->items[i])) return false;
    return true;
  }
  if (fsm_is(value, FSM_MAP)) {
    for (uint32_t i = 0; i < value->len; i++) {
      const fsm_pair *pair = &value->pairs[i];
      if (!fsm_is_text(name, "label") || !fsm_is(&pair->value, FSM_STRING)) return false;
      begin_param(out, any, name);
      escape(out, pair->key.s, pair->key.len);
      fsm_buf_str(out, "%3D");
      escape(out, pair->value.s, pair->value.len);
    }
    return true;
  }
  begin_param(out, any, name);
  if (fsm_is(value, FSM_STRING))
    escape(out, value->s, value->len);
  else
    fsm_json_write(out, value); /* a number, true, false */
  return true;
}

static fsm_code put_query(fsm_buf *out, const row *of, const fsm_value *doc, fsm_error *err) {
  bool any = false;
  for (uint32_t i = 0; i < doc->len; i++) {
    const fsm_pair *pair = &doc->pairs[i];
    char where[64];
    if (of->rest == REST_BODY ? !is_dry_run(of, &pair->key) : is_taken_out(of, &pair->key)) continue;
    if (put_param(out, &any, &pair->key, &pair->value)) continue;
    size_t len = pair->key.len < sizeof where - 2 ? pair->key.len : sizeof where - 2;
    where[0] = '?';
    memcpy(where + 1, pair->key.s, len);
    where[len + 1] = 0;
    return fsm_fail(err, FSM_EMALFORMED, where, "expected a text, a number, or a list of them");
  }
  return FSM_OK;
}

static fsm_code put_target(fsm_buf *out, const row *of, const fsm_value *doc, fsm_error *err) {
  const char *star = strchr(of->path, '*');
  fsm_code code = FSM_OK;
  fsm_buf_add(out, of->path, star ? (size_t)(star - of->path) : strlen(of->path));
  if (star)
    code = strcmp(of->of, "instance") == 0 ? put_instance(out, doc, err) : put_text(out, doc, of->of, err);
  if (star) fsm_buf_str(out, star + 1);
  if (code == FSM_OK && of->rest != REST_NONE) code = put_query(out, of, doc, err);
  if (code == FSM_OK && out->len > FSM__TARGET_MAX)
    code = fsm_fail(err, FSM_ETOOLARGE, "",
                    "what the message names is longer than %d bytes as a path and query", FSM__TARGET_MAX);
  return code;
}

/* ---- the request ---------------------------------------------------------------------------------- */

typedef struct reading {
  fsm_arena *arena;
  const fsm_buf *body;
  fsm__asked *out;
} reading;

static fsm_code keep_rest(reading *r, const row *of, const fsm_value *doc, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_alloc(r->arena, (doc->len + 1) * sizeof *pairs);
  uint32_t count = 0;
  if (!pairs) return fsm_fail(err, FSM_ENOMEM, NULL, "no memory for the request");
  for (uint32_t i = 0; i < doc->len; i++)
    if (!is_taken_out(of, &doc->pairs[i].key)) pairs[count++] = doc->pairs[i];
  if (of->rest == REST_NONE && count > 0)
    return fsm_fail(err, FSM_EMALFORMED, "", "no other members are taken here");
  r->out->document = (fsm_value){.type = FSM_MAP, .len = count, .pairs = pairs}; /* still sorted */
  return FSM_OK;
}

static fsm_code read_document(fsm__ask ask, const reading *r, fsm_value *doc, fsm_error *err) {
  if (r->body->len == 0 && ask == FSM__ASK_LIST) return *doc = fsm_map_empty(), FSM_OK;
  const char *text = r->body->data ? r->body->data : "";
  fsm_error why = {0};
  fsm_code code = fsm_json_parse(r->arena, text, r->body->len, FSM_JSON_SORTED, doc, &why);
  if (code != FSM_OK)
    return fsm_fail(err, code == FSM_ENOMEM ? FSM_ENOMEM : FSM_EMALFORMED, why.where, "%s", why.text);
  return fsm_is(doc, FSM_MAP) ? FSM_OK : fsm_fail(err, FSM_EMALFORMED, "", "expected a JSON object");
}

static fsm_code read_target(reading *r, const row *of, const fsm_value *doc, fsm_error *err) {
  fsm_buf target = {0};
  fsm_code code = put_target(&target, of, doc, err);
  const char *text = code == FSM_OK ? fsm_arena_strndup(r->arena, fsm_buf_text(&target), target.len) : NULL;
  if (code == FSM_OK && (!fsm_buf_ok(&target) || !text))
    code = fsm_fail(err, FSM_ENOMEM, NULL, "no memory for the request");
  fsm_buf_free(&target);
  if (code != FSM_OK) return code;
  r->out->method = of->method;
  r->out->target = text;
  return FSM_OK;
}

static fsm_code read_into(fsm__ask ask, bool queued, reading *r, fsm_error *err) {
  fsm_value doc;
  fsm_code code = read_document(ask, r, &doc, err);
  const row *of = code == FSM_OK ? row_of(ask, &doc, err) : NULL;
  if (!of) return err->code;
  if (queued && !of->queued)
    return fsm_fail(err, FSM_EMALFORMED, "",
                    "the queue takes what is done once: start, send of one event, and what operators do to "
                    "one instance");
  r->out->bodyless = of->rest != REST_BODY;
  r->out->was_read = of->rest == REST_BODY;
  if (of->rest != REST_QUERY) code = keep_rest(r, of, &doc, err);
  return code == FSM_OK ? read_target(r, of, &doc, err) : code;
}

void fsm__ask_read(fsm__ask ask, bool queued, fsm_arena *arena, const fsm_buf *body, fsm__asked *out) {
  /* Until it is known, and when it never is: what the same people may ask. */
  static const struct {
    const char *method, *target;
  } like[FSM__ASK_COUNT] = {
      [FSM__ASK_START] = {"POST", "/v1/instances"}, [FSM__ASK_SEND] = {"POST", "/v1/instances/-/events"},
      [FSM__ASK_GET] = {"GET", "/v1/instances/-"},  [FSM__ASK_LIST] = {"GET", "/v1/instances"},
      [FSM__ASK_ADMIN] = {"POST", "/v1/verify"},    [FSM__ASK_DEPLOY] = {"POST", "/v1/machines"},
  };
  FSM_ASSERT(ask < FSM__ASK_UNKNOWN);
  fsm_error err = {0};
  reading r = {.arena = arena, .body = body, .out = out};
  const fsm__asked plain = {.method = like[ask].method, .target = like[ask].target};
  *out = plain;
  if (!body || (ask == FSM__ASK_DEPLOY && !queued)) return;
  if (ask == FSM__ASK_DEPLOY)
    (void)fsm_fail(&err, FSM_EMALFORMED, "", "the queue takes no definitions");
  else if (read_into(ask, queued, &r, &err) == FSM_OK)
    return;
  *out = plain;
  out->unfit = err;
}

void fsm__asked_put(const fsm__asked *asked, fsm__request *request) {
  request->method = asked->method;
  request->target = asked->target;
  request->was_read = asked->was_read;
  request->document = asked->document;
  request->unfit = asked->unfit;
  if (asked->bodyless) fsm_buf_reset(&request->body);
}

/* ---- lanes ---------------------------------------------------------------------------------------- */

static bool is_word(const fsm_value *value) { return value && fsm_is(value, FSM_STRING) && value->len > 0; }

static void add_lane(fsm__lanes *out, const char *kind, const fsm_value *first, const fsm_value *second) {
  uint32_t hash = 2166136261u; /* FNV-1a */
  const fsm_value parts[] = {fsm_string(kind), *first, second ? *second : fsm_string("")};
  for (int p = 0; p < 3; p++) {
    for (uint32_t i = 0; i < parts[p].len; i++) hash = (hash ^ (unsigned char)parts[p].s[i]) * 16777619u;
    hash *= 16777619u;
  }
  const unsigned lane = (hash >> 16) % FSM__LANES;
  out->bits[lane / 64] |= UINT64_C(1) << lane % 64;
}

void fsm__ask_lanes(const char *data, size_t len, fsm__lanes *out) {
  static const char mark[] = "/key:";
  fsm_arena arena;
  fsm_value doc;
  *out = (fsm__lanes){0};
  fsm_arena_init(&arena, 0);
  if (fsm_json_parse(&arena, data, len, FSM_JSON_SORTED, &doc, NULL) == FSM_OK && fsm_is(&doc, FSM_MAP)) {
    const fsm_value *machine = fsm_map_get(&doc, "machine"), *key = fsm_map_get(&doc, "key"),
                    *id = fsm_map_get(&doc, "id"), *instance = fsm_map_get(&doc, "instance");
    if (is_word(machine) && is_word(key)) add_lane(out, "key", machine, key);
    if (is_word(id)) add_lane(out, "id", id, NULL);
    const char *at = is_word(instance) ? memmem(instance->s, instance->len, mark, sizeof mark - 1) : NULL;
    if (at) { /* the other way to say machine and key */
      const fsm_value before = fsm_stringn(instance->s, (size_t)(at - instance->s)),
                      behind = fsm_stringn(at + sizeof mark - 1,
                                           instance->len - (size_t)(at - instance->s) - (sizeof mark - 1));
      add_lane(out, "key", &before, &behind);
    } else if (is_word(instance)) {
      add_lane(out, "id", instance, NULL);
    }
  }
  fsm_arena_free(&arena);
}
