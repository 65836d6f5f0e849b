/* machine_value.c: values of a definition: templates, sizes, delays.
 *
 * A tree of values becomes a template: parts without an expression are folded into one literal, keys
 * are sorted and checked here, once, so that a step only meets the faults that data can cause.
 */
#include <inttypes.h>
#include <string.h>

#include "fsm/machine_impl.h"

static fsm_code no_memory(const fsm__content *c, const char *where) {
  return fsm_fail(c->err, FSM_ENOMEM, fsm__place(where), "the machine does not fit into memory");
}

bool fsm__keep(fsm_arena *arena, const char *text, const char **out) {
  *out = text != NULL ? fsm_arena_strdup(arena, text) : NULL;
  return text == NULL || *out != NULL;
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

int64_t fsm__value_size(const fsm_value *value, int64_t most) {
  int64_t left = spend(value, most, FSM_VALUE_DEPTH_MAX);
  return left < 0 ? -1 : most - left;
}

bool fsm__value_fits(const fsm_value *value, size_t bytes) {
  return spend(value, (int64_t)bytes, FSM_VALUE_DEPTH_MAX) >= 0;
}

/* ---- templates --------------------------------------------------------------------------------- */

static fsm_code fill(const fsm__content *c, const fsm_def_value *def, unsigned depth, fsm__template *out);

/* def's keys in order, each with its index in def as the value. */
static fsm_code sort_keys(const fsm__content *c, const fsm_def_value *def, fsm_pair **out) {
  fsm_pair *order = fsm_arena_zalloc(c->arena, def->count, sizeof *order);
  if (order == NULL) return no_memory(c, def->where);
  for (size_t i = 0; i < def->count; i++) {
    const char *key;
    if (!fsm__keep(c->arena, def->keys[i], &key)) return no_memory(c, def->where);
    order[i] = (fsm_pair){fsm_string(key), fsm_uint(i)};
  }
  fsm_value sorted;
  fsm_error twice = {0};
  fsm_code code = fsm_map(order, def->count, &sorted, &twice);
  if (code == FSM_EARGUMENT)
    return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(def->where), "the key \"%s\" is there twice",
                    twice.where);
  if (code != FSM_OK) return fsm_fail(c->err, code, fsm__place(def->where), "%s", twice.text);
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

static fsm_code fill_map(const fsm__content *c, const fsm_def_value *def, unsigned depth,
                         fsm__template *out) {
  fsm_pair *order = NULL;
  fsm_code code = sort_keys(c, def, &order);
  if (code != FSM_OK) return code;
  fsm_value *keys = fsm_arena_zalloc(c->arena, def->count, sizeof *keys);
  fsm__template *items = fsm_arena_zalloc(c->arena, def->count, sizeof *items);
  if (keys == NULL || items == NULL) return no_memory(c, def->where);

  *out = (fsm__template){.form = FSM_DEF_MAP, .count = (uint32_t)def->count, .keys = keys, .items = items};
  for (size_t i = 0; i < def->count; i++) {
    keys[i] = order[i].key;
    code = fill(c, &def->items[order[i].value.u], depth - 1, &items[i]);
    if (code != FSM_OK) return code;
  }
  return fold(c->arena, out, order) == FSM_OK ? FSM_OK : no_memory(c, def->where);
}

static fsm_code fill_list(const fsm__content *c, const fsm_def_value *def, unsigned depth,
                          fsm__template *out) {
  fsm__template *items = fsm_arena_zalloc(c->arena, def->count, sizeof *items);
  if (items == NULL) return no_memory(c, def->where);
  *out = (fsm__template){.form = FSM_DEF_LIST, .count = (uint32_t)def->count, .items = items};
  for (size_t i = 0; i < def->count; i++) {
    fsm_code code = fill(c, &def->items[i], depth - 1, &items[i]);
    if (code != FSM_OK) return code;
  }
  return fold(c->arena, out, NULL) == FSM_OK ? FSM_OK : no_memory(c, def->where);
}

static fsm_code fill(const fsm__content *c, const fsm_def_value *def, unsigned depth, fsm__template *out) {
  if (depth == 0)
    return fsm_fail(c->err, FSM_ETOOLARGE, fsm__place(def->where), "the value is nested deeper than %d",
                    FSM_VALUE_DEPTH_MAX);
  *out = (fsm__template){.form = (uint8_t)def->form};
  switch (def->form) {
    case FSM_DEF_LITERAL: {
      fsm_error fault = {0};
      fsm_code code = fsm_value_copy(c->arena, &def->literal, &out->literal, &fault);
      return code == FSM_OK ? FSM_OK : fsm_fail(c->err, code, fsm__place(def->where), "%s", fault.text);
    }
    case FSM_DEF_EXPR: return fsm__expr_compile(c, def->expr, def->where, &out->expr);
    case FSM_DEF_MAP: return fill_map(c, def, depth, out);
    case FSM_DEF_LIST: return fill_list(c, def, depth, out);
  }
  return fsm_fail(c->err, FSM_EARGUMENT, fsm__place(def->where), "the value has an unknown form");
}

fsm_code fsm__template_compile(const fsm__content *c, const fsm_def_value *def, const fsm__template **out) {
  *out = NULL;
  if (def == NULL) return FSM_OK;
  fsm__template *t = fsm_arena_zalloc(c->arena, 1, sizeof *t);
  if (t == NULL) return no_memory(c, def->where);
  *out = t;
  return fill(c, def, FSM_VALUE_DEPTH_MAX + 1, t);
}

/* ---- delays ------------------------------------------------------------------------------------ */

static fsm_code delay_range(fsm_error *err) {
  return fsm_fail(err, FSM_EEXPRESSION, "", "a delay is 0 to %" PRId64 " milliseconds", FSM_DELAY_MS_MAX);
}

/* "1.5s", ".5s", "200ms" (SCXML 6.2.1, CSS2). No more than 15 digits, so that nothing overflows. */
static fsm_code delay_text(const fsm_value *value, int64_t *out, fsm_error *err) {
  int64_t number = 0, unit = 0;
  unsigned digits = 0, decimals = 0, i = 0;
  bool point = false;
  for (; i < value->len && digits <= 15; i++) {
    char x = value->s[i];
    if (x == '.' && !point) {
      point = true;
    } else if (x >= '0' && x <= '9') {
      number = number * 10 + (x - '0');
      digits++;
      decimals += point;
    } else {
      break;
    }
  }
  const uint32_t left = value->len - i;
  if (left == 1 && value->s[i] == 's') unit = 1000000000;
  if (left == 2 && memcmp(value->s + i, "ms", 2) == 0) unit = 1000000;
  if (digits == 0 || digits > 15 || unit == 0 || (point && decimals == 0))
    return fsm_fail(err, FSM_EEXPRESSION, "", "a delay as text is like \"1.5s\" or \"200ms\", not \"%.*s\"",
                    (int)(value->len > 60 ? 60 : value->len), value->s);
  for (; decimals > 0 && unit % 10 == 0; decimals--) unit /= 10;
  for (; decimals > 0; decimals--) number /= 10; /* less than a nanosecond */
  if (number > FSM_DELAY_MS_MAX * 1000000 / unit) return delay_range(err);
  *out = number * unit;
  return FSM_OK;
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
    case FSM_STRING: return delay_text(value, out, err);
    default:
      return fsm_fail(err, FSM_EEXPRESSION, "", "a delay is a number of milliseconds or a duration, not %s",
                      fsm_type_name((fsm_type)value->type));
  }
}

fsm_code fsm__delay_compile(const fsm__content *c, const fsm_def_value *def, const char *where,
                            const fsm__template **out) {
  fsm_code code = fsm__template_compile(c, def, out);
  if (code != FSM_OK || *out == NULL || (*out)->form != FSM_DEF_LITERAL) return code;
  int64_t ns;
  fsm_error fault = {0};
  code = fsm__delay_ns(&(*out)->literal, &ns, &fault);
  if (code == FSM_OK) return FSM_OK;
  return fsm_fail(c->err, FSM_EDEFINITION, fsm__place(def->where != NULL ? def->where : where), "%s",
                  fault.text);
}
