/* format_ecs.c: Elastic Common Schema 8.
 *
 * One type per field name, whatever the machines of a store call their data: a field whose type is ours has
 * the type of its row; data and context are text, always, under fsm.data.* and fsm.context.*; what is a
 * number or a boolean stands a second time under a name that says so (fsm.number.*, fsm.flag.*). So no
 * machine can break the index of another. Objects nest at most FSM_ECS_DEPTH_MAX deep: what is deeper is its
 * JSON as text. Texts end at FSM_ECS_TEXT_MAX bytes.
 */
#include "runtime/format_ecs.h"

#include <stdio.h>
#include <string.h>

#include "runtime/format_text.h"
#include "schema/json.h"
#include "schema/utf8.h"

typedef enum spelling {
  TEXT,      /* what is no text: its JSON */
  TEXTS,     /* a list of texts */
  PLAIN,     /* a number, list of numbers or boolean as it is */
  CONSTANT,  /* the source itself */
  CONSTANTS, /* the same in a list */
  NANOS,     /* of microseconds */
  OUTCOME,
  ACTION, /* the event, else the kind */
  TYPE,
  TRACE_ID,
  SPAN_ID,
  SUMMARY,
  PAYLOAD, /* as text, unless it is a map */
  EACH,    /* a map: a member each, as text */
  CHANGED, /* a map of [new] or [old, new]: the new ones */
  BEFORE,  /* the old ones */
  NUMBERS, /* of data, then of the context: those that are numbers, as doubles */
  FLAGS    /* booleans */
} spelling;

/* Rows of one object stand together. */
static const struct {
  const char *target, *type, *source;
  spelling spelling;
} rows[] = {
    {"@timestamp", "date", "time", TEXT},
    {"message", "text", "", SUMMARY},
    {"ecs.version", "keyword", "8.11.0", CONSTANT},
    {"event.id", "keyword", "id", TEXT},
    {"event.sequence", "long", "seq", PLAIN},
    {"event.action", "keyword", "", ACTION},
    {"event.outcome", "keyword", "outcome", OUTCOME},
    {"event.reason", "keyword", "reason", TEXT},
    {"event.kind", "keyword", "event", CONSTANT},
    {"event.category", "keyword", "process", CONSTANTS},
    {"event.type", "keyword", "", TYPE},
    {"event.duration", "long", "dur", NANOS},
    {"event.dataset", "keyword", "fsm.record", CONSTANT},
    {"event.module", "keyword", "fsm", CONSTANT},
    {"trace.id", "keyword", "trace", TRACE_ID},
    {"span.id", "keyword", "trace", SPAN_ID},
    {"user.id", "keyword", "act.sub", TEXT},
    {"user.roles", "keyword", "act.roles", TEXTS},
    {"labels.*", "keyword", "labels", EACH},
    {"service.name", "keyword", "fsmd", CONSTANT},
    {"service.type", "keyword", "fsm", CONSTANT},
    {"service.id", "keyword", "store", TEXT},
    {"service.version", "keyword", "node", TEXT},
    {"fsm.v", "long", "v", PLAIN},
    {"fsm.partition", "long", "part", PLAIN},
    {"fsm.epoch", "long", "epoch", PLAIN},
    {"fsm.after", "long", "after", PLAIN},
    {"fsm.repair", "boolean", "repair", PLAIN},
    {"fsm.leaf", "keyword", "leaf", TEXT},
    {"fsm.prev", "keyword", "prev", TEXT},
    {"fsm.kind", "keyword", "kind", TEXT},
    {"fsm.machine", "keyword", "mach", TEXT},
    {"fsm.machine_hash", "keyword", "def", TEXT},
    {"fsm.machine_version", "long", "defv", PLAIN},
    {"fsm.instance", "keyword", "inst", TEXT},
    {"fsm.key", "keyword", "key", TEXT},
    {"fsm.rev", "long", "rev", PLAIN},
    {"fsm.i", "long", "i", PLAIN},
    {"fsm.n", "long", "n", PLAIN},
    {"fsm.iprev", "long", "iprev", PLAIN},
    {"fsm.from", "keyword", "from", TEXTS},
    {"fsm.to", "keyword", "to", TEXTS},
    {"fsm.since", "keyword", "since", TEXTS},
    {"fsm.transitions", "long", "tr", PLAIN},
    {"fsm.event", "keyword", "trigger", TEXT},
    {"fsm.cause", "keyword", "cause", TEXT},
    {"fsm.correlation", "keyword", "corr", TEXT},
    {"fsm.causation", "keyword", "caus", TEXT},
    {"fsm.parent", "keyword", "parent", TEXT},
    {"fsm.request", "keyword", "req", TEXT},
    {"fsm.session", "keyword", "act.sid", TEXT},
    {"fsm.actor", "keyword", "act", TEXT},
    {"fsm.idempotency", "keyword", "idem", TEXT},
    {"fsm.token", "keyword", "tok", TEXT},
    {"fsm.attempt", "long", "att", PLAIN},
    {"fsm.elapsed_ns", "long", "elapsed", PLAIN},
    {"fsm.late_ms", "long", "late", PLAIN},
    {"fsm.level", "long", "level", PLAIN},
    {"fsm.counter", "long", "counter", PLAIN},
    {"fsm.clock_held", "boolean", "clock", PLAIN},
    {"fsm.forced", "boolean", "forced", PLAIN},
    {"fsm.tracestate", "keyword", "tracestate", TEXT},
    {"fsm.context_hash", "keyword", "ctxh", TEXT},
    {"fsm.history", "keyword", "hist", TEXT},
    {"fsm.output", "keyword", "out", TEXT},
    {"fsm.timers", "keyword", "timers", TEXT},
    {"fsm.tasks", "keyword", "tasks", TEXT},
    {"fsm.sends", "keyword", "sends", TEXT},
    {"fsm.message", "keyword", "msg", TEXT},
    {"fsm.detail", "keyword", "detail", TEXT},
    {"fsm.pii", "keyword", "pii", TEXT},
    {"fsm.payload", "keyword", "data", PAYLOAD}, /* of data that is no map */
    {"fsm.data.*", "keyword", "data", EACH},
    {"fsm.context.*", "keyword", "ctx", CHANGED},
    {"fsm.before.*", "keyword", "ctx", BEFORE},
    {"fsm.number.*", "double", "", NUMBERS},
    {"fsm.flag.*", "boolean", "", FLAGS},
};
enum { ROWS = sizeof rows / sizeof *rows };

int fsm__ecs_field_at(size_t index, fsm__ecs_field *out) {
  if (index >= ROWS) return 0;
  *out = (fsm__ecs_field){rows[index].target, rows[index].type};
  return 1;
}

const char *fsm__refuses_ecs(const char *name) {
  size_t len = strlen(name);
  for (size_t i = 0; i < ROWS; i++) {
    char after = strncmp(rows[i].target, name, len) == 0 ? rows[i].target[len] : 'x';
    if (after == 0 || after == '.') return "ecs has a field of this name";
  }
  return fsm__refuses_any(name);
}

/* ---- texts ------------------------------------------------------------------------------------- */

/* Cut at a character, with what it was: the whole stays at most FSM_ECS_TEXT_MAX bytes. */
static void put_cut(fsm_buf *out, const char *text, size_t len) {
  if (len <= FSM_ECS_TEXT_MAX) {
    fsm_json_quote(out, text, len);
    return;
  }
  char mark[128], hex[2 * FSM_HASH_BYTES + 1], cut[FSM_ECS_TEXT_MAX];
  fsm__hash hash = fsm__sha256(text, len);
  fsm__hex(hash.bytes, sizeof hash.bytes, hex);
  size_t mark_len = (size_t)snprintf(mark, sizeof mark, "…[cut, %zu bytes, sha256 %s]", len, hex);
  size_t keep = FSM_ECS_TEXT_MAX - mark_len;
  while (keep > 0 && ((unsigned char)text[keep] & 0xC0) == 0x80) keep--;
  memcpy(cut, text, keep);
  memcpy(cut + keep, mark, mark_len);
  fsm_json_quote(out, cut, keep + mark_len);
}

static void put_text(fsm_buf *out, const fsm_value *value) {
  if (value->type == FSM_STRING) {
    put_cut(out, value->s, value->len);
    return;
  }
  fsm_buf text = {0};
  if (value->type == FSM_LIST || value->type == FSM_MAP)
    fsm_json_write(&text, value); /* lists of texts, too: one form for what is no scalar */
  else
    fsm__plain_text(&text, value);
  if (!fsm_buf_ok(&text)) out->failed = true;
  put_cut(out, text.len ? text.data : "", text.len);
  fsm_buf_free(&text);
}

static void put_texts(fsm_buf *out, const fsm_value *list) {
  if (list->type != FSM_LIST) {
    put_text(out, list);
    return;
  }
  fsm_buf_char(out, '[');
  for (uint32_t i = 0; i < list->len; i++) {
    if (i) fsm_buf_char(out, ',');
    put_text(out, &list->items[i]);
  }
  fsm_buf_char(out, ']');
}

/* ---- objects ----------------------------------------------------------------------------------- */

typedef struct writer {
  fsm_buf *out;
  const char *open[FSM_ECS_DEPTH_MAX]; /* names of the objects that are open, outer first */
  size_t open_len[FSM_ECS_DEPTH_MAX];
  unsigned depth;
  bool first;
  const fsm_record *record;
  const fsm_value *view;
} writer;

static void close_to(writer *w, unsigned depth) {
  for (; w->depth > depth; w->depth--) {
    fsm_buf_char(w->out, '}');
    w->first = false;
  }
}

/* Opens and closes objects until the last part of target can follow; "" is the part for any names. */
static void put_place(writer *w, const char *target) {
  unsigned at = 0;
  const char *part = target;
  for (const char *dot; (dot = strchr(part, '.')) != NULL; part = dot + 1, at++) {
    size_t len = (size_t)(dot - part);
    if (at < w->depth && w->open_len[at] == len && memcmp(w->open[at], part, len) == 0) continue;
    FSM_ASSERT(at < FSM_ECS_DEPTH_MAX);
    close_to(w, at);
    if (!w->first) fsm_buf_char(w->out, ',');
    fsm_buf_printf(w->out, "\"%.*s\":{", (int)len, part);
    w->open[at] = part;
    w->open_len[at] = len;
    w->depth = at + 1;
    w->first = true;
  }
  close_to(w, at);
  if (!w->first) fsm_buf_char(w->out, ',');
  w->first = false;
}

static void put_name(writer *w, const char *target) {
  put_place(w, target);
  const char *dot = strrchr(target, '.');
  fsm_buf_printf(w->out, "\"%s\":", dot != NULL ? dot + 1 : target);
}

/* ---- members of any name ----------------------------------------------------------------------- */

/* A name without dots, which would nest; false: such a name is there already, or it is no text. */
static bool flat_name(const fsm_value *map, uint32_t index, char *out, size_t size) {
  const fsm_value *key = &map->pairs[index].key;
  if (key->type != FSM_STRING || key->len == 0 || key->len >= size || memchr(key->s, 0, key->len))
    return false;
  bool dots = false;
  for (uint32_t i = 0; i < key->len; i++) {
    bool dot = key->s[i] == '.';
    out[i] = dot ? '_' : key->s[i];
    dots = dots || dot;
  }
  out[key->len] = 0;
  if (!dots) return true;
  if (fsm_map_getn(map, out, key->len) != NULL) return false;
  for (uint32_t k = 0; k < index; k++) { /* a.b and then a_b of a.b or a_.b … */
    const fsm_value *before = &map->pairs[k].key;
    bool same = before->type == FSM_STRING && before->len == key->len;
    for (uint32_t i = 0; same && i < key->len; i++)
      same = (before->s[i] == '.' ? '_' : before->s[i]) == out[i];
    if (same) return false;
  }
  return true;
}

enum { FIELD_NAME_MAX = 256 };

static bool is_number(const fsm_value *value) {
  return value->type == FSM_INT || value->type == FSM_UINT || value->type == FSM_DOUBLE;
}

/* The value that a row shows of a member; NULL: it shows nothing of it. */
static const fsm_value *shown_of(spelling how, const fsm_value *value, bool changes) {
  if (changes && value->type == FSM_LIST && value->len > 0) {
    if (how == BEFORE && value->len < 2) return NULL;
    value = how == BEFORE ? &value->items[0] : &value->items[value->len - 1];
  } else if (how == BEFORE) {
    return NULL;
  }
  bool shown = how == NUMBERS ? is_number(value)
               : how == FLAGS ? value->type == FSM_BOOL
                              : value->type != FSM_NULL;
  return shown ? value : NULL;
}

/* Always as a double, or an index would take the first one for a long. */
static void put_double(fsm_buf *out, const fsm_value *value) {
  const double d = value->type == FSM_INT    ? (double)value->i
                   : value->type == FSM_UINT ? (double)value->u
                                             : value->d;
  const fsm_value as_double = fsm_double(d);
  fsm_json_write(out, &as_double);
}

static bool has_name(const fsm_value *map, const char *name) {
  char other[FIELD_NAME_MAX];
  for (uint32_t i = 0; map != NULL && map->type == FSM_MAP && i < map->len; i++)
    if (flat_name(map, i, other, sizeof other) && strcmp(other, name) == 0) return true;
  return false;
}

/* But for names that `before` has shown. */
static void put_each(writer *w, unsigned row, const fsm_value *map, bool changes, const fsm_value *before) {
  char name[FIELD_NAME_MAX];
  const spelling how = rows[row].spelling;
  for (uint32_t i = 0; map != NULL && map->type == FSM_MAP && i < map->len; i++) {
    const fsm_value *value = shown_of(how, &map->pairs[i].value, changes);
    if (value == NULL || !flat_name(map, i, name, sizeof name) || has_name(before, name)) continue;
    put_place(w, rows[row].target);
    fsm_json_quote(w->out, name, strlen(name));
    fsm_buf_char(w->out, ':');
    if (how == NUMBERS)
      put_double(w->out, value);
    else if (how == FLAGS)
      fsm_json_write(w->out, value);
    else
      put_text(w->out, value);
  }
}

/* Numbers and booleans of the context's changes and of the data: the context has the say. */
static void put_typed(writer *w, unsigned row) {
  const fsm_value *ctx = fsm_map_get(w->view, "ctx"), *data = fsm_map_get(w->view, "data");
  put_each(w, row, ctx, true, NULL);
  put_each(w, row, data, false, ctx);
}

/* ---- rows -------------------------------------------------------------------------------------- */

static const char *type_of(fsm_record_kind kind) {
  switch (kind) {
    case FSM_RECORD_CREATED: return "start";
    case FSM_RECORD_COMPLETED:
    case FSM_RECORD_CANCELLED: return "end";
    case FSM_RECORD_INCIDENT_OPENED: return "error";
    case FSM_RECORD_TRANSITION:
    case FSM_RECORD_CONTEXT:
    case FSM_RECORD_FORCED:
    case FSM_RECORD_MIGRATED: return "change";
    default: return "info";
  }
}

static void put_constant(writer *w, unsigned row, bool list, const char *text) {
  put_name(w, rows[row].target);
  fsm_buf_printf(w->out, list ? "[\"%s\"]" : "\"%s\"", text);
}

/* "00-<trace id>-<span id>-01" */
static void put_trace(writer *w, unsigned row, size_t from, int len, const fsm_value *value) {
  if (value->type != FSM_STRING || value->len != 55) return;
  put_name(w, rows[row].target);
  fsm_buf_printf(w->out, "\"%.*s\"", len, value->s + from);
}

static void put_action(writer *w, unsigned row) {
  const char *event = w->record->trigger;
  const char *action = event != NULL && *event != 0 ? event : fsm_record_kind_name(w->record->kind);
  put_name(w, rows[row].target);
  put_cut(w->out, action, strlen(action));
}

static void put_summary(writer *w, unsigned row) {
  fsm_buf text = {0};
  fsm__summary(&text, w->record);
  if (!fsm_buf_ok(&text)) w->out->failed = true;
  put_name(w, rows[row].target);
  put_cut(w->out, text.len ? text.data : "", text.len);
  fsm_buf_free(&text);
}

static void put_value(writer *w, unsigned row, const fsm_value *value) {
  put_name(w, rows[row].target);
  switch (rows[row].spelling) {
    case TEXTS: put_texts(w->out, value); return;
    case PLAIN: fsm_json_write(w->out, value); return;
    case NANOS: fsm_buf_printf(w->out, "%lld", (long long)value->i * 1000); return;
    default: put_text(w->out, value); return;
  }
}

static void put_made(writer *w, unsigned row) {
  switch (rows[row].spelling) {
    case SUMMARY: put_summary(w, row); return;
    case ACTION: put_action(w, row); return;
    case TYPE: put_constant(w, row, true, type_of(w->record->kind)); return;
    case OUTCOME:
      put_constant(w, row, false, w->record->outcome == FSM_TAKEN ? "success" : "failure");
      return;
    default: put_typed(w, row); return;
  }
}

static void put_row(writer *w, unsigned row) {
  const spelling how = rows[row].spelling;
  const char *source = rows[row].source;
  if (how == CONSTANT || how == CONSTANTS) {
    put_constant(w, row, how == CONSTANTS, source);
    return;
  }
  if (how == SUMMARY || how == ACTION || how == TYPE || how == OUTCOME || how == NUMBERS || how == FLAGS) {
    put_made(w, row);
    return;
  }
  const fsm_value *value = fsm__path_value(w->view, source);
  if (value == NULL || value->type == FSM_NULL) return;
  if (how == EACH || how == CHANGED || how == BEFORE)
    put_each(w, row, value, how != EACH, NULL);
  else if (how == TRACE_ID || how == SPAN_ID)
    put_trace(w, row, how == TRACE_ID ? 3 : 36, how == TRACE_ID ? 32 : 16, value);
  else if (how != PAYLOAD || value->type != FSM_MAP)
    put_value(w, row, value);
}

static void put_lifted(const fsm__formatter *formatter, writer *w) {
  for (size_t i = 0; i < formatter->lift_count; i++) {
    const fsm_value *value = fsm__path_value(w->view, formatter->lift[i].path);
    if (value == NULL || value->type == FSM_NULL) continue;
    put_name(w, formatter->lift[i].name);
    put_text(w->out, value);
  }
}

fsm_code fsm__append_ecs(const fsm__formatter *formatter, const fsm__exported *exported, fsm_arena *scratch,
                         fsm_buf *out, fsm_error *err) {
  fsm_record record;
  fsm_value view;
  fsm__exported shown = *exported;
  fsm_code code = fsm__exported_record(exported, scratch, &record, NULL, err);
  shown.record = &record;
  shown.mask = NULL; /* masked it is */
  if (code == FSM_OK) code = fsm__exported_view(&shown, scratch, &view, err);
  if (code != FSM_OK) return code;
  writer w = {.out = out, .first = true, .record = &record, .view = &view};
  fsm_buf_char(out, '{');
  for (unsigned row = 0; row < ROWS; row++) put_row(&w, row);
  put_lifted(formatter, &w);
  close_to(&w, 0);
  fsm_buf_char(out, '}');
  return FSM_OK;
}
