/* routing_where.c: an expression over a record. The shape that it is checked against is made from the table
 * of the record's fields, so that a field that comes to the record comes to expressions. */
#include <string.h>

#include "fsm/expr.h"
#include "runtime/routing_impl.h"
#include "schema/record_fields.h"

struct fsm__where {
  const fsm_expr *expr;
};

/* ---- the shape ---------------------------------------------------------------------------------- */

enum { OF_ORIGIN = 4 };

static const fsm_shape of_bool = {.kind = FSM_SHAPE_BOOL}, of_int = {.kind = FSM_SHAPE_INT},
                       of_text = {.kind = FSM_SHAPE_STRING}, of_time = {.kind = FSM_SHAPE_TIMESTAMP},
                       of_map = {.kind = FSM_SHAPE_MAP}, of_list = {.kind = FSM_SHAPE_LIST},
                       of_texts = {.kind = FSM_SHAPE_LIST, .item = &of_text},
                       of_leaves = {.kind = FSM_SHAPE_LIST, .item = &of_text, .nullable = true},
                       of_ints = {.kind = FSM_SHAPE_LIST, .item = &of_int},
                       of_labels = {.kind = FSM_SHAPE_MAP, .item = &of_text};

static const fsm_shape *shape_of(unsigned key) {
  switch (key) {
    case FSM__KEY_time_ns: return &of_time;
    case FSM__KEY_labels: return &of_labels;
    case FSM__KEY_from: return &of_leaves;
    case FSM__KEY_idem: return &of_map;   /* a list in the record, a map when shown */
    case FSM__KEY_trace: return &of_text; /* the same, a text */
    default: break;
  }
  switch (fsm__fields[key].form) {
    case FSM__U8:
    case FSM__U16:
    case FSM__U32:
    case FSM__U64:
    case FSM__I64: return &of_int;
    case FSM__FLAG: return &of_bool;
    case FSM__KIND:
    case FSM__OUTCOME:
    case FSM__CAUSE:
    case FSM__TEXT:
    case FSM__HASH:
    case FSM__TOKEN: return &of_text;
    case FSM__MAP: return &of_map;
    case FSM__LIST: return &of_list;
    case FSM__TEXTS: return &of_texts;
    case FSM__INTS: return &of_ints;
    case FSM__ANY: break;
  }
  return NULL;
}

fsm_code fsm__where_read(fsm_arena *arena, const char *text, size_t len, const fsm__where **out,
                         fsm_error *err) {
  static const char *const of_origin[OF_ORIGIN] = {"id", "store", "part", "epoch"};
  static const char *const variable[] = {"record"};
  const char *names[FSM__FIELD_COUNT + OF_ORIGIN];
  const fsm_shape *members[FSM__FIELD_COUNT + OF_ORIGIN];
  for (unsigned key = 0; key < FSM__FIELD_COUNT; key++) {
    names[key] = fsm__field_names[key];
    members[key] = shape_of(key);
  }
  for (unsigned i = 0; i < OF_ORIGIN; i++) {
    names[FSM__FIELD_COUNT + i] = of_origin[i];
    members[FSM__FIELD_COUNT + i] = i < 2 ? &of_text : &of_int;
  }
  const fsm_shape record = {
      .kind = FSM_SHAPE_OBJECT, .count = FSM__FIELD_COUNT + OF_ORIGIN, .names = names, .members = members};
  const fsm_shape *const variables[] = {&record};
  const fsm_shape all = {.kind = FSM_SHAPE_OBJECT, .count = 1, .names = variable, .members = variables};
  const fsm_expr_options options = {.scxml = true, /* a bare name is a member of what is given */
                                    .guard = true,
                                    .context = &all};
  fsm__where *where = fsm_arena_zalloc(arena, 1, sizeof *where);
  if (where == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a route");
  fsm_code code = fsm_expr_compile_with(arena, text, len, &options, &where->expr, err);
  if (code == FSM_OK) *out = where;
  return code;
}

/* ---- a record ----------------------------------------------------------------------------------- */

static fsm_code make(fsm__viewed *viewed, fsm_error *err) {
  fsm_pair *pair = fsm_arena_alloc(viewed->scratch, sizeof *pair);
  if (pair == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a record");
  pair->key = fsm_string("record");
  fsm_code code = fsm__record_typed(viewed->scratch, viewed->record, viewed->origin, &pair->value, err);
  if (code == FSM_OK) code = fsm_map(pair, 1, &viewed->context, err);
  viewed->made = code == FSM_OK;
  return code;
}

fsm_code fsm__where_asks(const fsm__where *where, fsm__viewed *viewed, bool *matches, fsm_error *err) {
  fsm_value result;
  *matches = false;
  fsm_code code = viewed->made ? FSM_OK : make(viewed, err);
  if (code != FSM_OK) return code;
  const fsm_scope scope = {.context = &viewed->context,
                           .now_ns = viewed->record->time_ns,
                           .work = &viewed->work,
                           .work_max = viewed->work_max};
  code = fsm_expr_eval(where->expr, &scope, viewed->scratch, &result, err);
  if (code != FSM_OK) return code;
  if (!fsm_is(&result, FSM_BOOL))
    return fsm_fail(err, FSM_EEXPRESSION, "1:1", "it is no bool but a value of the type %s",
                    fsm_type_name((fsm_type)result.type));
  *matches = result.b;
  return FSM_OK;
}

fsm_code fsm__where_matches(const fsm__where *where, const fsm_record *record, const fsm_origin *origin,
                            fsm_arena *scratch, bool *matches, fsm_error *err) {
  fsm__viewed viewed = {.record = record, .origin = origin, .scratch = scratch};
  return fsm__where_asks(where, &viewed, matches, err);
}
