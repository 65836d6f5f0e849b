/* routing_read.c: a route's document, checked and compiled. One table says which members there are and who
 * reads each. */
#include <stdio.h>
#include <string.h>

#include "runtime/routing_impl.h"
#include "runtime/sink_config.h"
#include "schema/closest.h"
#include "schema/json.h"
#include "schema/pointer.h"

typedef struct reading {
  fsm_arena *arena;
  fsm__route *route;
  fsm__pointer at;
  const char *const *sinks; /* that there are; NULL = not looked at */
  size_t sink_count;
  bool filter; /* of records, which gives to nobody */
} reading;

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a route"); }

/* ---- texts -------------------------------------------------------------------------------------- */

static fsm_code pattern(const reading *r, const fsm_value *value, fsm__pattern *out, fsm_error *err) {
  if (!fsm_is(value, FSM_STRING))
    return fsm_fail(err, FSM_EARGUMENT, r->at.text, "this is a %s, a text is expected",
                    fsm_type_name((fsm_type)value->type));
  if (value->len == 0)
    return fsm_fail(err, FSM_EARGUMENT, r->at.text, "an empty text matches nothing; leave it out");
  const char *star = memchr(value->s, '*', value->len);
  if (star != NULL && star != value->s + value->len - 1)
    return fsm_fail(err, FSM_EARGUMENT, r->at.text, "\"%.*s\": a * may stand only at the end",
                    value->len > 64 ? 64 : (int)value->len, value->s);
  out->rest = star != NULL;
  out->len = value->len - (star != NULL);
  out->text = fsm_arena_strndup(r->arena, value->s, out->len);
  return out->text != NULL ? FSM_OK : nomem(err);
}

/* A text, or a list of them. */
static fsm_code patterns(reading *r, const fsm_value *value, fsm__patterns *out, fsm_error *err) {
  const bool list = fsm_is(value, FSM_LIST);
  const size_t count = list ? value->len : 1;
  if (count == 0)
    return fsm_fail(err, FSM_EARGUMENT, r->at.text, "an empty list matches nothing; leave it out");
  if (count > FSM_ROUTE_TEXTS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, r->at.text, "a list is of at most %d texts, this one has %zu",
                    FSM_ROUTE_TEXTS_MAX, count);
  fsm__pattern *items = fsm_arena_zalloc(r->arena, count, sizeof *items);
  if (items == NULL) return nomem(err);
  for (size_t i = 0; i < count; i++) {
    const size_t mark = list ? fsm__pointer_index(&r->at, i) : r->at.len;
    fsm_code code = pattern(r, list ? &value->items[i] : value, &items[i], err);
    if (code != FSM_OK) return code;
    if (list) fsm__pointer_back(&r->at, mark);
  }
  *out = (fsm__patterns){items, count};
  return FSM_OK;
}

static fsm_code machine(reading *r, const fsm_value *value, fsm_error *err) {
  return patterns(r, value, &r->route->machine, err);
}
static fsm_code event(reading *r, const fsm_value *value, fsm_error *err) {
  return patterns(r, value, &r->route->event, err);
}
static fsm_code from(reading *r, const fsm_value *value, fsm_error *err) {
  return patterns(r, value, &r->route->from, err);
}
static fsm_code to(reading *r, const fsm_value *value, fsm_error *err) {
  return patterns(r, value, &r->route->to, err);
}
static fsm_code state(reading *r, const fsm_value *value, fsm_error *err) {
  return patterns(r, value, &r->route->state, err);
}

/* ---- the others --------------------------------------------------------------------------------- */

/* The kinds that a pattern means; 0 = there is none. */
static uint32_t kinds_of(const fsm__pattern *pattern) {
  uint32_t kinds = 0;
  for (unsigned k = 0; k < FSM_RECORD_KIND_COUNT; k++) {
    const char *name = fsm_record_kind_name((fsm_record_kind)k);
    const bool same =
        pattern->rest ? strncmp(name, pattern->text, pattern->len) == 0 : strcmp(name, pattern->text) == 0;
    if (same) kinds |= (uint32_t)1 << k;
  }
  return kinds;
}

static fsm_code kind(reading *r, const fsm_value *value, fsm_error *err) {
  fsm__patterns wanted;
  char meant[96];
  fsm_code code = patterns(r, value, &wanted, err);
  for (size_t i = 0; code == FSM_OK && i < wanted.count; i++) {
    const fsm__pattern *one = &wanted.items[i];
    const uint32_t kinds = kinds_of(one);
    r->route->kinds |= kinds;
    if (kinds != 0) continue;
    fsm__closest closest = {.name = one->text};
    for (unsigned k = 0; k < FSM_RECORD_KIND_COUNT; k++)
      fsm__closest_try(&closest, fsm_record_kind_name((fsm_record_kind)k));
    if (fsm_is(value, FSM_LIST)) (void)fsm__pointer_index(&r->at, i);
    return fsm_fail(err, FSM_EARGUMENT, r->at.text, "there is no kind of record \"%.64s%s\"%s", one->text,
                    one->rest ? "*" : "", fsm__closest_text(&closest, meant, sizeof meant));
  }
  return code;
}

static fsm_code level(reading *r, const fsm_value *value, fsm_error *err) {
  if (!fsm_is(value, FSM_INT) || value->i < 0 || value->i > UINT8_MAX)
    return fsm_fail(err, FSM_EARGUMENT, r->at.text, "a level is an integer from 0 to %d", UINT8_MAX);
  r->route->level = value->i;
  return FSM_OK;
}

static fsm_code labels(reading *r, const fsm_value *value, fsm_error *err) {
  if (!fsm_is(value, FSM_MAP))
    return fsm_fail(err, FSM_EARGUMENT, r->at.text, "labels are an object: {\"name\": \"value\"}");
  if (value->len > FSM_LABELS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, r->at.text, "an instance has at most %d labels", FSM_LABELS_MAX);
  fsm__label *all = fsm_arena_zalloc(r->arena, value->len ? value->len : 1, sizeof *all);
  if (all == NULL) return nomem(err);
  for (uint32_t i = 0; i < value->len; i++) {
    const fsm_value *name = &value->pairs[i].key;
    if (!fsm_is(name, FSM_STRING))
      return fsm_fail(err, FSM_EARGUMENT, r->at.text, "the name of a label is a text");
    const size_t mark = fsm__pointer_key(&r->at, name->s, name->len);
    if (name->len == 0 || name->len > FSM_LABEL_BYTES_MAX)
      return fsm_fail(err, FSM_ETOOLARGE, r->at.text, "a label's name has 1 to %d bytes",
                      FSM_LABEL_BYTES_MAX);
    all[i].name = fsm_arena_strndup(r->arena, name->s, name->len);
    if (all[i].name == NULL) return nomem(err);
    fsm_code code = patterns(r, &value->pairs[i].value, &all[i].values, err);
    if (code != FSM_OK) return code;
    fsm__pointer_back(&r->at, mark);
  }
  r->route->labels = all;
  r->route->label_count = value->len;
  return FSM_OK;
}

static fsm_code where(reading *r, const fsm_value *value, fsm_error *err) {
  fsm_error fault = {.text = ""};
  if (!fsm_is(value, FSM_STRING))
    return fsm_fail(err, FSM_EARGUMENT, r->at.text, "where is an expression: a text");
  fsm_code code = fsm__where_read(r->arena, value->s, value->len, &r->route->where, &fault);
  if (code == FSM_OK || code == FSM_ENOMEM) return code == FSM_OK ? FSM_OK : nomem(err);
  return fsm_fail(err, code, r->at.text, "%s%s%s", fault.where, fault.where[0] ? ": " : "", fault.text);
}

/* ---- sinks -------------------------------------------------------------------------------------- */

static fsm_code unknown_sink(const reading *r, const char *name, fsm_error *err) {
  char known[160] = "", meant[96];
  size_t len = 0;
  fsm__closest closest = {.name = name};
  if (r->sink_count == 0)
    return fsm_fail(err, FSM_EARGUMENT, r->at.text, "unknown sink \"%.64s\": no sink is configured here",
                    name);
  for (size_t i = 0; i < r->sink_count; i++) {
    fsm__closest_try(&closest, r->sinks[i]);
    if (len < sizeof known)
      len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i ? ", " : "", r->sinks[i]);
  }
  return fsm_fail(err, FSM_EARGUMENT, r->at.text, "unknown sink \"%.64s\"%s (there are: %s%s)", name,
                  fsm__closest_text(&closest, meant, sizeof meant), known, len >= sizeof known ? "…" : "");
}

static fsm_code sink(const reading *r, const fsm_value *value, const char **out, fsm_error *err) {
  if (!fsm_is(value, FSM_STRING) || value->len == 0)
    return fsm_fail(err, FSM_EARGUMENT, r->at.text, "the name of a sink is expected");
  if (value->len > FSM_SINK_NAME_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, r->at.text, "the name of a sink has at most %d bytes",
                    FSM_SINK_NAME_MAX);
  *out = fsm_arena_strndup(r->arena, value->s, value->len);
  if (*out == NULL) return nomem(err);
  bool known = r->sinks == NULL;
  for (size_t i = 0; !known && i < r->sink_count; i++) known = strcmp(r->sinks[i], *out) == 0;
  return known ? FSM_OK : unknown_sink(r, *out, err);
}

static fsm_code sinks(reading *r, const fsm_value *value, fsm_error *err) {
  const bool list = fsm_is(value, FSM_LIST);
  const size_t count = list ? value->len : 1;
  if (count == 0) return fsm_fail(err, FSM_EARGUMENT, r->at.text, "a route gives to at least one sink");
  if (count > FSM_SINKS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, r->at.text, "a route gives to at most %d sinks", FSM_SINKS_MAX);
  const char **names = fsm_arena_zalloc(r->arena, count, sizeof *names);
  if (names == NULL) return nomem(err);
  for (size_t i = 0; i < count; i++) {
    const size_t mark = list ? fsm__pointer_index(&r->at, i) : r->at.len;
    fsm_code code = sink(r, list ? &value->items[i] : value, &names[i], err);
    for (size_t k = 0; code == FSM_OK && k < i; k++)
      if (strcmp(names[k], names[i]) == 0)
        code = fsm_fail(err, FSM_EARGUMENT, r->at.text, "the sink \"%s\" is named twice", names[i]);
    if (code != FSM_OK) return code;
    if (list) fsm__pointer_back(&r->at, mark);
  }
  r->route->sinks = names;
  r->route->sink_count = count;
  return FSM_OK;
}

/* ---- the document ------------------------------------------------------------------------------- */

typedef fsm_code member_fn(reading *r, const fsm_value *value, fsm_error *err);

/* Some are of routes alone, one of filters. */
static const struct {
  const char *name;
  member_fn *read;
  bool route, filter;
} members[] = {{"machine", machine, true, true}, {"kind", kind, true, true},
               {"event", event, true, true},     {"from", from, true, false},
               {"to", to, true, false},          {"state", state, false, true},
               {"level", level, true, true},     {"labels", labels, true, true},
               {"where", where, true, true},     {"sinks", sinks, true, false}};
enum { MEMBERS = sizeof members / sizeof *members };

static bool has_member(const reading *r, unsigned m) {
  return r->filter ? members[m].filter : members[m].route;
}

static fsm_code unknown_member(const reading *r, const char *name, fsm_error *err) {
  char meant[96];
  fsm__closest closest = {.name = name};
  for (unsigned m = 0; m < MEMBERS; m++)
    if (has_member(r, m)) fsm__closest_try(&closest, members[m].name);
  return fsm_fail(err, FSM_EARGUMENT, r->at.text, "a %s has no member \"%.64s\"%s",
                  r->filter ? "filter" : "route", name, fsm__closest_text(&closest, meant, sizeof meant));
}

static fsm_code read_member(reading *r, const fsm_pair *pair, fsm_error *err) {
  const char *name = fsm_arena_strndup(r->arena, pair->key.s, pair->key.len);
  if (name == NULL) return nomem(err);
  const size_t mark = fsm__pointer_key(&r->at, pair->key.s, pair->key.len);
  unsigned m = 0;
  while (m < MEMBERS && (!has_member(r, m) || strcmp(members[m].name, name) != 0)) m++;
  fsm_code code = m < MEMBERS ? members[m].read(r, &pair->value, err) : unknown_member(r, name, err);
  fsm__pointer_back(&r->at, mark);
  return code;
}

static fsm_code within(const fsm_value *document, fsm_error *err) {
  fsm_buf text = {0};
  fsm_json_write(&text, document);
  const bool good = fsm_buf_ok(&text);
  const size_t len = text.len;
  fsm_buf_free(&text);
  if (!good) return nomem(err);
  return len <= FSM_ROUTE_BYTES_MAX
             ? FSM_OK
             : fsm_fail(err, FSM_ETOOLARGE, "", "a route is over %d bytes as JSON", FSM_ROUTE_BYTES_MAX);
}

static fsm_code read_all(reading *r, const fsm_value *document, fsm_error *err) {
  if (r->route == NULL) return nomem(err);
  fsm__pointer_set(&r->at, "");
  if (!fsm_is(document, FSM_MAP)) return fsm_fail(err, FSM_EARGUMENT, "", "a route is an object");
  fsm_code code = within(document, err);
  for (uint32_t i = 0; code == FSM_OK && i < document->len; i++) {
    if (!fsm_is(&document->pairs[i].key, FSM_STRING))
      return fsm_fail(err, FSM_EARGUMENT, "", "a route's members have names");
    code = read_member(r, &document->pairs[i], err);
  }
  return code;
}

fsm_code fsm__route_read(fsm_arena *arena, const fsm_value *document, const char *const *known_sinks,
                         size_t sink_count, const fsm__route **out, fsm_error *err) {
  FSM_ASSERT(arena != NULL && document != NULL && out != NULL);
  reading r = {.arena = arena,
               .route = fsm_arena_zalloc(arena, 1, sizeof *r.route),
               .sinks = known_sinks,
               .sink_count = sink_count};
  fsm_code code = read_all(&r, document, err);
  if (code == FSM_OK && r.route->sink_count == 0)
    code = fsm_fail(err, FSM_EARGUMENT, "/sinks", "a route names the sinks that it gives to");
  if (code == FSM_OK) *out = r.route;
  return code;
}

fsm_code fsm__route_read_filter(fsm_arena *arena, const fsm_value *document, const fsm__route **out,
                                fsm_error *err) {
  FSM_ASSERT(arena != NULL && document != NULL && out != NULL);
  reading r = {.arena = arena, .route = fsm_arena_zalloc(arena, 1, sizeof *r.route), .filter = true};
  fsm_code code = read_all(&r, document, err);
  if (code == FSM_OK) *out = r.route;
  return code;
}
