/* machine_content.c: from a loader's values and actions to what a step executes.
 *
 * A tree of values becomes a template: parts without an expression are folded into one literal, keys
 * are sorted and checked here, once. Limits on event names, timer ids and literal delays are checked
 * here too, so that a step only meets the faults that data can cause.
 */
#include <inttypes.h>
#include <string.h>

#include "fsm/machine_impl.h"

static fsm_code no_memory(const char *where, fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, fsm__place(where), "the machine does not fit into memory");
}

bool fsm__keep(fsm_arena *arena, const char *text, const char **out) {
  *out = text != NULL ? fsm_arena_strdup(arena, text) : NULL;
  return text == NULL || *out != NULL;
}

fsm_code fsm__expr_compile(fsm_arena *arena, const char *text, const char *where, const fsm_expr **out,
                           fsm_error *err) {
  FSM_ASSERT(text != NULL);
  fsm_error fault = {0};
  fsm_code code = fsm_expr_compile(arena, text, strlen(text), out, &fault);
  if (code == FSM_OK) return FSM_OK;
  return fsm_fail(err, code, fsm__place(where), "\"%.120s\": %s: %s", text, fault.where, fault.text);
}

/* ---- how big is a value ------------------------------------------------------------------------ */

enum { SCALAR_BYTES = 9, HEAD_BYTES = 5, TIME_BYTES = 15 };

/* What is left of the budget; -1 when it is used up. */
static int64_t spend(const fsm_value *value, int64_t left, unsigned depth) {
  switch ((fsm_type)value->type) {
    case FSM_NULL:
    case FSM_BOOL: left -= 1; break;
    case FSM_INT:
    case FSM_UINT:
    case FSM_DOUBLE: left -= SCALAR_BYTES; break;
    case FSM_STRING:
    case FSM_BYTES: left -= HEAD_BYTES + (int64_t)value->len; break;
    case FSM_TIMESTAMP:
    case FSM_DURATION: left -= TIME_BYTES; break;
    case FSM_LIST:
      if (depth == 0) return -1;
      left -= HEAD_BYTES;
      for (uint32_t i = 0; i < value->len && left >= 0; i++) left = spend(&value->items[i], left, depth - 1);
      break;
    case FSM_MAP:
      if (depth == 0) return -1;
      left -= HEAD_BYTES;
      for (uint32_t i = 0; i < value->len && left >= 0; i++) {
        left = spend(&value->pairs[i].key, left, depth - 1);
        if (left >= 0) left = spend(&value->pairs[i].value, left, depth - 1);
      }
      break;
    case FSM_TYPE_COUNT: return -1;
  }
  return left >= 0 ? left : -1;
}

bool fsm__value_fits(const fsm_value *value, size_t bytes) {
  return spend(value, (int64_t)bytes, FSM_VALUE_DEPTH_MAX) >= 0;
}

/* ---- templates --------------------------------------------------------------------------------- */

static fsm_code fill(fsm_arena *arena, const fsm_def_value *def, unsigned depth, fsm__template *out,
                     fsm_error *err);

/* def's keys in order, each with its index in def as the value. */
static fsm_code sort_keys(fsm_arena *arena, const fsm_def_value *def, fsm_pair **out, fsm_error *err) {
  fsm_pair *order = fsm_arena_zalloc(arena, def->count, sizeof *order);
  if (order == NULL) return no_memory(def->where, err);
  for (size_t i = 0; i < def->count; i++) {
    const char *key;
    if (!fsm__keep(arena, def->keys[i], &key)) return no_memory(def->where, err);
    order[i] = (fsm_pair){fsm_string(key), fsm_uint(i)};
  }
  fsm_value sorted;
  fsm_error twice = {0};
  fsm_code code = fsm_map(order, def->count, &sorted, &twice);
  if (code == FSM_EARGUMENT)
    return fsm_fail(err, FSM_EDEFINITION, fsm__place(def->where), "the key \"%s\" is there twice",
                    twice.where);
  if (code != FSM_OK) return fsm_fail(err, code, fsm__place(def->where), "%s", twice.text);
  *out = order;
  return FSM_OK;
}

/* Turns a map or list of literals into one literal. `order` is NULL for a list. */
static fsm_code fold(fsm_arena *arena, fsm__template *t, fsm_pair *order) {
  for (uint32_t i = 0; i < t->count; i++)
    if (t->items[i].form != FSM_DEF_LITERAL) return FSM_OK;
  if (order != NULL) {
    for (uint32_t i = 0; i < t->count; i++) order[i].value = t->items[i].literal;
    t->literal = (fsm_value){.type = FSM_MAP, .len = t->count, .pairs = order};
  } else {
    fsm_value *items = fsm_arena_zalloc(arena, t->count, sizeof *items);
    if (items == NULL) return FSM_ENOMEM;
    for (uint32_t i = 0; i < t->count; i++) items[i] = t->items[i].literal;
    t->literal = fsm_list(items, t->count);
  }
  t->form = FSM_DEF_LITERAL;
  return FSM_OK;
}

static fsm_code fill_map(fsm_arena *arena, const fsm_def_value *def, unsigned depth, fsm__template *out,
                         fsm_error *err) {
  fsm_pair *order = NULL;
  fsm_code code = sort_keys(arena, def, &order, err);
  if (code != FSM_OK) return code;
  fsm_value *keys = fsm_arena_zalloc(arena, def->count, sizeof *keys);
  fsm__template *items = fsm_arena_zalloc(arena, def->count, sizeof *items);
  if (keys == NULL || items == NULL) return no_memory(def->where, err);

  *out = (fsm__template){.form = FSM_DEF_MAP, .count = (uint32_t)def->count, .keys = keys, .items = items};
  for (size_t i = 0; i < def->count; i++) {
    keys[i] = order[i].key;
    code = fill(arena, &def->items[order[i].value.u], depth - 1, &items[i], err);
    if (code != FSM_OK) return code;
  }
  return fold(arena, out, order) == FSM_OK ? FSM_OK : no_memory(def->where, err);
}

static fsm_code fill_list(fsm_arena *arena, const fsm_def_value *def, unsigned depth, fsm__template *out,
                          fsm_error *err) {
  fsm__template *items = fsm_arena_zalloc(arena, def->count, sizeof *items);
  if (items == NULL) return no_memory(def->where, err);
  *out = (fsm__template){.form = FSM_DEF_LIST, .count = (uint32_t)def->count, .items = items};
  for (size_t i = 0; i < def->count; i++) {
    fsm_code code = fill(arena, &def->items[i], depth - 1, &items[i], err);
    if (code != FSM_OK) return code;
  }
  return fold(arena, out, NULL) == FSM_OK ? FSM_OK : no_memory(def->where, err);
}

static fsm_code fill(fsm_arena *arena, const fsm_def_value *def, unsigned depth, fsm__template *out,
                     fsm_error *err) {
  if (depth == 0)
    return fsm_fail(err, FSM_ETOOLARGE, fsm__place(def->where), "the value is nested deeper than %d",
                    FSM_VALUE_DEPTH_MAX);
  *out = (fsm__template){.form = (uint8_t)def->form};
  switch (def->form) {
    case FSM_DEF_LITERAL: {
      fsm_error fault = {0};
      fsm_code code = fsm_value_copy(arena, &def->literal, &out->literal, &fault);
      return code == FSM_OK ? FSM_OK : fsm_fail(err, code, fsm__place(def->where), "%s", fault.text);
    }
    case FSM_DEF_EXPR: return fsm__expr_compile(arena, def->expr, def->where, &out->expr, err);
    case FSM_DEF_MAP: return fill_map(arena, def, depth, out, err);
    case FSM_DEF_LIST: return fill_list(arena, def, depth, out, err);
  }
  return fsm_fail(err, FSM_EARGUMENT, fsm__place(def->where), "the value has an unknown form");
}

fsm_code fsm__template_compile(fsm_arena *arena, const fsm_def_value *def, const fsm__template **out,
                               fsm_error *err) {
  *out = NULL;
  if (def == NULL) return FSM_OK;
  fsm__template *t = fsm_arena_zalloc(arena, 1, sizeof *t);
  if (t == NULL) return no_memory(def->where, err);
  *out = t;
  return fill(arena, def, FSM_VALUE_DEPTH_MAX + 1, t, err);
}

/* ---- delays ------------------------------------------------------------------------------------ */

static fsm_code delay_range(fsm_error *err) {
  return fsm_fail(err, FSM_EEXPRESSION, "", "a delay is 0 to %" PRId64 " milliseconds", FSM_DELAY_MS_MAX);
}

fsm_code fsm__delay_ns(const fsm_value *value, int64_t *out, fsm_error *err) {
  const int64_t most = FSM_DELAY_MS_MAX;
  switch ((fsm_type)value->type) {
    case FSM_INT:
      if (value->i < 0 || value->i > most) return delay_range(err);
      *out = value->i * 1000000;
      return FSM_OK;
    case FSM_UINT:
      if (value->u > (uint64_t)most) return delay_range(err);
      *out = (int64_t)value->u * 1000000;
      return FSM_OK;
    case FSM_DOUBLE:
      if (!(value->d >= 0 && value->d <= (double)most)) return delay_range(err);
      *out = (int64_t)(value->d * 1e6);
      return FSM_OK;
    case FSM_DURATION:
      if (value->i < 0 || value->i > most / 1000 || (int32_t)value->len < 0) return delay_range(err);
      *out = value->i * 1000000000 + (int32_t)value->len;
      return *out <= most * 1000000 ? FSM_OK : delay_range(err);
    default:
      return fsm_fail(err, FSM_EEXPRESSION, "", "a delay is a number of milliseconds or a duration, not %s",
                      fsm_type_name((fsm_type)value->type));
  }
}

fsm_code fsm__delay_compile(fsm_arena *arena, const fsm_def_value *def, const char *where,
                            const fsm__template **out, fsm_error *err) {
  fsm_code code = fsm__template_compile(arena, def, out, err);
  if (code != FSM_OK || *out == NULL || (*out)->form != FSM_DEF_LITERAL) return code;
  int64_t ns;
  fsm_error fault = {0};
  code = fsm__delay_ns(&(*out)->literal, &ns, &fault);
  if (code == FSM_OK) return FSM_OK;
  return fsm_fail(err, FSM_EDEFINITION, fsm__place(def->where != NULL ? def->where : where), "%s",
                  fault.text);
}

/* ---- actions ----------------------------------------------------------------------------------- */

static fsm_code check_id(const fsm_def_action *def, fsm_error *err) {
  if (def->id == NULL) return FSM_OK;
  if (def->id[0] == '\0')
    return fsm_fail(err, FSM_EDEFINITION, fsm__place(def->where), "the timer id is empty");
  if (strlen(def->id) > FSM_TIMER_ID_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, fsm__place(def->where), "the timer id is longer than %d bytes",
                    FSM_TIMER_ID_MAX);
  return FSM_OK;
}

static fsm_code check_action(const fsm_def_action *def, fsm_error *err) {
  const char *where = fsm__place(def->where);
  switch (def->kind) {
    case FSM_ACTION_ASSIGN:
      if (def->value == NULL || def->value->form == FSM_DEF_LIST ||
          (def->value->form == FSM_DEF_LITERAL && def->value->literal.type != FSM_MAP))
        return fsm_fail(err, FSM_EDEFINITION, where, "assign needs a map of context fields");
      return FSM_OK;
    case FSM_ACTION_RAISE: {
      fsm_code code = check_id(def, err);
      return code == FSM_OK ? fsm__event_name_check(def->event, where, err) : code;
    }
    case FSM_ACTION_CANCEL:
      if (def->id == NULL) return fsm_fail(err, FSM_EDEFINITION, where, "cancel needs the id of a timer");
      return check_id(def, err);
    case FSM_ACTION_LOG: return FSM_OK;
    case FSM_ACTION_EMIT: return fsm__event_name_check(def->event, where, err);
    case FSM_ACTION_SEND:
    case FSM_ACTION_SET:
    case FSM_ACTION_IF:
    case FSM_ACTION_BRANCH:
    case FSM_ACTION_FOREACH:
    case FSM_ACTION_FAIL:
    case FSM_ACTION_BLOCK: return fsm_fail(err, FSM_EUNSUPPORTED, where, "the action is not supported yet");
  }
  return fsm_fail(err, FSM_EARGUMENT, where, "the action has an unknown kind");
}

static fsm_code compile_action(fsm_arena *arena, const fsm_def_action *def, fsm__action *out,
                               fsm_error *err) {
  fsm_code code = check_action(def, err);
  if (code != FSM_OK) return code;
  out->kind = def->kind;
  if (!fsm__keep(arena, def->event, &out->event) || !fsm__keep(arena, def->id, &out->id) ||
      !fsm__keep(arena, fsm__place(def->where), &out->where))
    return no_memory(def->where, err);
  code = fsm__template_compile(arena, def->value, &out->value, err);
  if (code != FSM_OK) return code;
  return fsm__delay_compile(arena, def->delay, def->where, &out->delay, err);
}

fsm_code fsm__block_compile(fsm_arena *arena, const fsm_def_action *defs, size_t count, fsm__block *out,
                            fsm_error *err) {
  *out = (fsm__block){0};
  if (count == 0) return FSM_OK;
  fsm__action *actions = fsm_arena_zalloc(arena, count, sizeof *actions);
  if (actions == NULL) return no_memory(defs[0].where, err);
  for (size_t i = 0; i < count; i++) {
    fsm_code code = compile_action(arena, &defs[i], &actions[i], err);
    if (code != FSM_OK) return code;
  }
  *out = (fsm__block){actions, count};
  return FSM_OK;
}
