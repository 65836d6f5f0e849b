/* filter_where.c: an expression over an instance's row.
 *
 * Only what the expression names is built: of the row, and of the context, whose other fields are scanned
 * over. What a machine marks as personal is masked before the expression sees it, so that nobody finds out by
 * asking what he may not be shown. */
#include "runtime/filter_where.h"

#include <string.h>

#include "schema/pack_read.h"

#define SECOND INT64_C(1000000000)

/* Members, their shapes; in ascending order, as a map has them. */
/* clang-format off */
#define MEMBERS(X)                                                                          \
  X(AGE, "age", &of_duration) X(CONTEXT, "context", &of_map)                                \
  X(CORRELATION, "correlation", &of_text_or_null) X(CREATED, "created", &of_time)           \
  X(FORCED, "forced", &of_bool) X(ID, "id", &of_text) X(KEY, "key", &of_text_or_null)       \
  X(LABELS, "labels", &of_labels) X(MACHINE, "machine", &of_text) X(NOW, "now", &of_time)   \
  X(REV, "rev", &of_int) X(SINCE, "since", &of_time) X(STATE, "state", &of_texts)           \
  X(STATUS, "status", &of_text) X(UPDATED, "updated", &of_time) X(VERSION, "version", &of_int)
/* clang-format on */

enum {
#define X(symbol, name, shape) OF_##symbol,
  MEMBERS(X)
#undef X
      MEMBER_COUNT
};

static const char *const member_names[MEMBER_COUNT] = {
#define X(symbol, name, shape) name,
    MEMBERS(X)
#undef X
};

static const fsm_shape of_bool = {.kind = FSM_SHAPE_BOOL}, of_int = {.kind = FSM_SHAPE_INT},
                       of_text = {.kind = FSM_SHAPE_STRING}, of_time = {.kind = FSM_SHAPE_TIMESTAMP},
                       of_duration = {.kind = FSM_SHAPE_DURATION}, of_map = {.kind = FSM_SHAPE_MAP},
                       of_text_or_null = {.kind = FSM_SHAPE_STRING, .nullable = true},
                       of_texts = {.kind = FSM_SHAPE_LIST, .item = &of_text},
                       of_labels = {.kind = FSM_SHAPE_MAP, .item = &of_text};

static const fsm_shape *const member_shapes[MEMBER_COUNT] = {
#define X(symbol, name, shape) shape,
    MEMBERS(X)
#undef X
};

/* ---- reading ------------------------------------------------------------------------------------ */

static int member_of(const fsm_value *name) {
  for (int i = 0; i < MEMBER_COUNT; i++)
    if (fsm_is_text(name, member_names[i])) return i;
  return -1;
}

/* Keeps the names of context in order, each once. */
static void add_name(fsm__condition *c, const fsm_value *name) {
  unsigned at = c->count;
  for (unsigned i = 0; i < c->count; i++)
    if (fsm_value_same(&c->names[i], name)) return;
  for (; at > 0 && fsm_value_compare(&c->names[at - 1], name) > 0; at--) c->names[at] = c->names[at - 1];
  c->names[at] = *name;
  c->count++;
}

static void note_reads(fsm__condition *c) {
  fsm_expr_path path;
  unsigned i = 0;
  for (; fsm_expr_reads(c->expr, i, &path); i++) {
    int member = path.count > 0 ? member_of(&path.steps[0]) : -1;
    if (member >= 0) c->members |= 1u << member;
    if (member != OF_CONTEXT) continue;
    if (path.count == 2 && fsm_is(&path.steps[1], FSM_STRING))
      add_name(c, &path.steps[1]);
    else
      c->all = true;
  }
  if (i < FSM_EXPR_READS_MAX) return;
  c->members = (1u << MEMBER_COUNT) - 1; /* there may be more than were kept */
  c->all = true;
}

fsm_code fsm__condition_read(fsm_arena *arena, const char *text, bool guard, fsm__condition *out,
                             fsm_error *err) {
  const fsm_shape all = {
      .kind = FSM_SHAPE_OBJECT, .count = MEMBER_COUNT, .names = member_names, .members = member_shapes};
  const fsm_expr_options options = {.scxml = true, /* a bare name is a member of what is given */
                                    .guard = guard,
                                    .context = &all};
  _Static_assert(FSM_EXPR_READS_MAX <= sizeof out->names / sizeof out->names[0], "each may be of context");
  _Static_assert(MEMBER_COUNT < 32, "a bit each");
  *out = (fsm__condition){.count = 0};
  fsm_code code = fsm_expr_compile_with(arena, text, strlen(text), &options, &out->expr, err);
  if (code == FSM_OK) note_reads(out);
  return code;
}

/* ---- what it sees ------------------------------------------------------------------------------- */

static fsm_value time_value(int64_t ns) {
  int64_t seconds = ns / SECOND, nanos = ns % SECOND;
  if (nanos < 0) seconds--, nanos += SECOND;
  return (fsm_value){.type = FSM_TIMESTAMP, .len = (uint32_t)nanos, .i = seconds};
}

static fsm_value text_value(fsm__span span) {
  return span.at != NULL ? fsm_stringn(span.at, span.len) : fsm_null();
}

static fsm_code bad_row(const fsm__glance *glance, fsm_error *err) {
  return fsm_fail(err, FSM_ECORRUPT, "store: instances", "row of instance number %llu cannot be read",
                  (unsigned long long)glance->number);
}

static fsm_code unpacked(const fsm__glance *glance, fsm__span span, fsm_arena *scratch, fsm_value *out,
                         fsm_error *err) {
  fsm__reader in = fsm__reader_of(span.at, span.len);
  fsm_code code = fsm__read_value(&in, scratch, out, err);
  if (code == FSM_OK && fsm_is(out, FSM_NULL)) *out = fsm_map_empty(); /* no labels */
  return code == FSM_ENOMEM || code == FSM_OK ? code : bad_row(glance, err);
}

/* Of the map those members that are named: both are in ascending order. */
static fsm_code some_of_context(const fsm__condition *c, const fsm__glance *glance, fsm_arena *scratch,
                                fsm_value *out, fsm_error *err) {
  fsm__reader in = fsm__reader_of(glance->context.at, glance->context.len);
  fsm_value token, key;
  fsm_pair *pairs = fsm_arena_alloc(scratch, (c->count + 1) * sizeof *pairs);
  unsigned found = 0, at = 0;
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  if (fsm__read_token(&in, &token) != NULL || !fsm_is(&token, FSM_MAP)) return bad_row(glance, err);
  for (uint32_t left = token.len; left > 0 && at < c->count; left--) {
    fsm_code code = FSM_OK;
    if (fsm__read_token(&in, &key) != NULL || !fsm_is(&key, FSM_STRING)) return bad_row(glance, err);
    while (at < c->count && fsm_value_compare(&c->names[at], &key) < 0) at++;
    if (at < c->count && fsm_value_same(&c->names[at], &key)) {
      pairs[found].key = key;
      code = fsm__read_value(&in, scratch, &pairs[found++].value, err);
    } else if (!fsm__read_skip(&in)) {
      code = FSM_ECORRUPT;
    }
    if (code != FSM_OK) return code == FSM_ENOMEM ? code : bad_row(glance, err);
  }
  *out = (fsm_value){.type = FSM_MAP, .len = found, .pairs = pairs};
  return FSM_OK;
}

static fsm_code leaves_of(const fsm__glance *glance, fsm_arena *scratch, fsm_value *out, fsm_error *err) {
  const fsm_machine *machine = glance->deployed->machine;
  fsm_value *items = fsm_arena_alloc(scratch, (glance->active_count + 1) * sizeof *items);
  unsigned count = 0;
  if (items == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  for (unsigned i = 0; i < glance->active_count; i++)
    if (fsm_state_is_leaf(machine, glance->active[i].state))
      items[count++] = fsm_string(fsm_state_path(machine, glance->active[i].state));
  *out = fsm_list(items, count);
  return FSM_OK;
}

typedef struct asked {
  const fsm__condition *condition;
  const fsm__glance *glance;
  const fsm_mask *mask;
  int64_t now_ns;
  fsm_arena *scratch;
} asked;

static fsm_code masked(const asked *a, fsm_value *value, fsm_error *err) {
  return a->mask == NULL ? FSM_OK : fsm_mask_value(a->scratch, a->mask, value, value, err);
}

static fsm_code context_of(const asked *a, fsm_value *out, fsm_error *err) {
  fsm_code code = a->condition->all ? unpacked(a->glance, a->glance->context, a->scratch, out, err)
                                    : some_of_context(a->condition, a->glance, a->scratch, out, err);
  return code == FSM_OK ? masked(a, out, err) : code;
}

static fsm_code labels_of(const asked *a, fsm_value *out, fsm_error *err) {
  fsm_code code = unpacked(a->glance, a->glance->labels, a->scratch, out, err);
  return code == FSM_OK ? masked(a, out, err) : code;
}

static fsm_code member_value(const asked *a, int member, fsm_value *out, fsm_error *err) {
  const fsm__glance *g = a->glance;
  int64_t since;
  switch (member) {
    case OF_CONTEXT: return context_of(a, out, err);
    case OF_LABELS: return labels_of(a, out, err);
    case OF_STATE: return leaves_of(g, a->scratch, out, err);
    case OF_AGE:
      since = fsm__glance_since(g);
      since = a->now_ns > since ? a->now_ns - since : 0;
      *out = (fsm_value){.type = FSM_DURATION, .len = (uint32_t)(since % SECOND), .i = since / SECOND};
      break;
    case OF_CORRELATION: *out = text_value(g->corr); break;
    case OF_CREATED: *out = time_value(g->created_ns); break;
    case OF_FORCED: *out = fsm_bool(g->forced); break;
    case OF_ID: *out = text_value(g->id); break;
    case OF_KEY: *out = text_value(g->key); break;
    case OF_MACHINE: *out = fsm_string(g->deployed->id); break;
    case OF_NOW: *out = time_value(a->now_ns); break;
    case OF_REV: *out = fsm_int((int64_t)g->rev); break;
    case OF_SINCE: *out = time_value(fsm__glance_since(g)); break;
    case OF_STATUS: *out = fsm_string(fsm__status_name(g->status)); break;
    case OF_UPDATED: *out = time_value(g->updated_ns); break;
    case OF_VERSION: *out = fsm_int(g->deployed->version); break;
    default: *out = fsm_null();
  }
  return FSM_OK;
}

/* In('path'): it stands in it or below. */
static bool stands_in(const void *arg, const char *state, size_t len) {
  const fsm__glance *glance = arg;
  int found = fsm_state_find(glance->deployed->machine, state, len);
  for (unsigned i = 0; i < glance->active_count && glance->status != FSM_CANCELLED; i++)
    if (found > 0 && glance->active[i].state == found) return true;
  return false;
}

fsm_code fsm__condition_value(const fsm__condition *condition, const fsm__glance *glance,
                              const fsm_mask *mask, int64_t now_ns, fsm_arena *scratch, uint64_t *work,
                              fsm_value *out, fsm_error *err) {
  const asked a = {condition, glance, mask, now_ns, scratch};
  fsm_pair *pairs = fsm_arena_alloc(scratch, MEMBER_COUNT * sizeof *pairs);
  fsm_value names = {.type = FSM_MAP, .pairs = pairs};
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  for (int i = 0; i < MEMBER_COUNT; i++) {
    if (!(condition->members >> i & 1)) continue;
    fsm_code code = member_value(&a, i, &pairs[names.len].value, err);
    if (code != FSM_OK) return code;
    pairs[names.len++].key = fsm_string(member_names[i]);
  }
  const fsm_scope scope = {
      .context = &names, .now_ns = now_ns, .work = work, .in = stands_in, .in_arg = glance};
  return fsm_expr_eval(condition->expr, &scope, scratch, out, err);
}

fsm_code fsm__condition_asks(const fsm__condition *condition, const fsm__glance *glance, const fsm_mask *mask,
                             int64_t now_ns, fsm_arena *scratch, uint64_t *work, bool *holds,
                             fsm_error *err) {
  fsm_value result = fsm_null();
  *holds = false;
  fsm_code code = fsm__condition_value(condition, glance, mask, now_ns, scratch, work, &result, err);
  if (code != FSM_OK) return code;
  if (!fsm_is(&result, FSM_BOOL))
    return fsm_fail(err, FSM_EEXPRESSION, "1:1", "it is no bool but a value of the type %s",
                    fsm_type_name((fsm_type)result.type));
  *holds = result.b;
  return FSM_OK;
}
