/* filter.c: the table of fields, and a filter as the texts that it was set to. */
#include <stdlib.h>
#include <string.h>

#include "fsm/buf.h"
#include "runtime/filter_impl.h"
#include "schema/closest.h"
#include "schema/json.h"

static const struct {
  const char *name, *flag;
  bool repeats;
} table[FSM_FILTER_FIELD_COUNT] = {
#define X(symbol, name, letter, flag, argument, help, repeats) {name, flag, repeats},
    FSM_FILTER_FIELDS(X)
#undef X
};

static fsm_filter_field field_of(const char *name) {
  unsigned i = 0;
  while (i < FSM_FILTER_FIELD_COUNT && strcmp(table[i].name, name) != 0) i++;
  return (fsm_filter_field)i;
}

bool fsm_filter_has(const char *name) { return field_of(name) < FSM_FILTER_FIELD_COUNT; }

bool fsm_filter_repeats(const char *name) {
  fsm_filter_field field = field_of(name);
  return field < FSM_FILTER_FIELD_COUNT && table[field].repeats;
}

const char *fsm_filter_name(fsm_filter_field field) {
  FSM_ASSERT(field < FSM_FILTER_FIELD_COUNT);
  return table[field].name;
}

const char *fsm_filter_flag(fsm_filter_field field) {
  FSM_ASSERT(field < FSM_FILTER_FIELD_COUNT);
  return table[field].flag;
}

/* ---- life --------------------------------------------------------------------------------------- */

static fsm_code no_memory(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter"); }

fsm_code fsm_filter_new(fsm_filter **out, fsm_error *err) {
  FSM_ASSERT(out != NULL);
  fsm_filter *filter = calloc(1, sizeof *filter);
  *out = filter;
  if (filter == NULL) return no_memory(err);
  atomic_init(&filter->holds, 1);
  fsm_arena_init(&filter->arena, 0);
  filter->for_less_ns = INT64_MAX;
  return FSM_OK;
}

fsm_filter *fsm__filter_hold(const fsm_filter *filter) {
  fsm_filter *held = (fsm_filter *)filter; /* who holds it is no part of what it says */
  if (held != NULL) atomic_fetch_add(&held->holds, 1);
  return held;
}

void fsm_filter_free(fsm_filter *filter) {
  if (filter == NULL || atomic_fetch_sub(&filter->holds, 1) > 1) return;
  fsm_arena_free(&filter->arena);
  free(filter);
}

/* ---- setting ------------------------------------------------------------------------------------ */

static fsm_code no_such_field(const char *name, fsm_error *err) {
  char text[128];
  fsm__closest closest = {.name = name};
  for (unsigned i = 0; i < FSM_FILTER_FIELD_COUNT; i++) fsm__closest_try(&closest, table[i].name);
  return fsm_fail(err, FSM_EARGUMENT, name, "there is no filter \"%.64s\"%s", name,
                  fsm__closest_text(&closest, text, sizeof text));
}

static fsm_code check(const fsm_filter *filter, fsm_filter_field field, const char *value, fsm_error *err) {
  const char *name = table[field].name;
  size_t len = strlen(value), max = field == FSM_FILTER_WHERE ? FSM_EXPR_TEXT_MAX : FSM_FILTER_VALUE_MAX;
  if (len == 0) return fsm_fail(err, FSM_EARGUMENT, name, "%s is empty", name);
  if (len > max) return fsm_fail(err, FSM_EARGUMENT, name, "%s has %zu bytes, more than %zu", name, len, max);
  for (size_t i = 0; i < filter->count && !table[field].repeats; i++)
    if (filter->entries[i].field == field)
      return fsm_fail(err, FSM_EARGUMENT, name, "%s is there twice", name);
  if (filter->count == FSM_FILTER_ENTRIES_MAX)
    return fsm_fail(err, FSM_EARGUMENT, name, "more than %d filters", FSM_FILTER_ENTRIES_MAX);
  return FSM_OK;
}

/* In the order of the table, behind those of the same field. */
static void keep(fsm_filter *filter, fsm_filter_field field, const char *value) {
  size_t at = filter->count++;
  for (; at > 0 && filter->entries[at - 1].field > field; at--) filter->entries[at] = filter->entries[at - 1];
  filter->entries[at] = (fsm__filter_entry){field, value};
}

fsm_code fsm_filter_set(fsm_filter *filter, const char *name, const char *value, fsm_error *err) {
  FSM_ASSERT(filter != NULL && name != NULL && value != NULL);
  fsm_filter_field field = field_of(name);
  if (field == FSM_FILTER_FIELD_COUNT) return no_such_field(name, err);
  fsm_code code = check(filter, field, value, err);
  if (code != FSM_OK) return code;
  const char *kept = fsm_arena_strdup(&filter->arena, value);
  if (kept == NULL) return no_memory(err);
  code = fsm__filter_read_field(filter, field, kept, err);
  if (code == FSM_OK) keep(filter, field, kept);
  return code;
}

/* ---- members of a body -------------------------------------------------------------------------- */

static fsm_code set_value(fsm_filter *filter, const char *name, const fsm_value *value, fsm_error *err) {
  if (fsm_is(value, FSM_INT) && strcmp(name, "version") == 0) {
    const char *text = fsm_arena_printf(&filter->arena, "%lld", (long long)value->i);
    return text != NULL ? fsm_filter_set(filter, name, text, err) : no_memory(err);
  }
  if (!fsm_is(value, FSM_STRING))
    return fsm_fail(err, FSM_EARGUMENT, name, "%s is a text, not a value of the type %s", name,
                    fsm_type_name((fsm_type)value->type));
  if (memchr(value->s, 0, value->len) != NULL)
    return fsm_fail(err, FSM_EARGUMENT, name, "%s has a NUL in it", name);
  const char *text = fsm_arena_strndup(&filter->arena, value->s, value->len);
  return text != NULL ? fsm_filter_set(filter, name, text, err) : no_memory(err);
}

/* {"label": {"dept": "claims"}} */
static fsm_code set_label(fsm_filter *filter, const fsm_pair *label, fsm_error *err) {
  if (!fsm_is(&label->key, FSM_STRING) || !fsm_is(&label->value, FSM_STRING))
    return fsm_fail(err, FSM_EARGUMENT, "label", "label is a map of texts");
  const char *text = fsm_arena_printf(&filter->arena, "%.*s=%.*s", (int)label->key.len, label->key.s,
                                      (int)label->value.len, label->value.s);
  if (text == NULL) return no_memory(err);
  const fsm_value value = fsm_stringn(text, (size_t)label->key.len + 1 + label->value.len);
  return set_value(filter, "label", &value, err);
}

static fsm_code set_member(fsm_filter *filter, const char *name, const fsm_value *value, fsm_error *err) {
  fsm_code code = FSM_OK;
  bool many = fsm_filter_repeats(name);
  if (many && fsm_is(value, FSM_LIST)) {
    for (uint32_t i = 0; i < value->len && code == FSM_OK; i++)
      code = set_value(filter, name, &value->items[i], err);
    return code;
  }
  if (many && fsm_is(value, FSM_MAP) && strcmp(name, "label") == 0) {
    for (uint32_t i = 0; i < value->len && code == FSM_OK; i++)
      code = set_label(filter, &value->pairs[i], err);
    return code;
  }
  return set_value(filter, name, value, err);
}

fsm_code fsm_filter_read(fsm_filter *filter, const fsm_value *members, fsm_error *err) {
  FSM_ASSERT(filter != NULL && members != NULL);
  if (!fsm_is(members, FSM_MAP))
    return fsm_fail(err, FSM_EARGUMENT, "filter", "a filter is a map of its fields");
  for (uint32_t i = 0; i < members->len; i++) {
    const fsm_pair *pair = &members->pairs[i];
    if (!fsm_is(&pair->key, FSM_STRING) || memchr(pair->key.s, 0, pair->key.len) != NULL)
      return fsm_fail(err, FSM_EARGUMENT, "filter", "the name of a filter is a text");
    const char *name = fsm_arena_strndup(&filter->arena, pair->key.s, pair->key.len);
    if (name == NULL) return no_memory(err);
    if (!fsm_filter_has(name)) return no_such_field(name, err);
    fsm_code code = set_member(filter, name, &pair->value, err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

/* ---- and back ----------------------------------------------------------------------------------- */

bool fsm_filter_at(const fsm_filter *filter, size_t index, const char **name, const char **value) {
  if (index >= filter->count) return false;
  *name = table[filter->entries[index].field].name;
  *value = filter->entries[index].value;
  return true;
}

const char *fsm_filter_text(const fsm_filter *filter, fsm_arena *arena) {
  fsm_buf buf = {0};
  for (size_t i = 0; i < filter->count; i++) {
    const char *value = filter->entries[i].value;
    fsm_buf_printf(&buf, "%s%s=", i > 0 ? " " : "", table[filter->entries[i].field].name);
    if (strpbrk(value, " \t\n\r\"'\\") != NULL)
      fsm_json_quote(&buf, value, strlen(value));
    else
      fsm_buf_str(&buf, value);
  }
  const char *text = fsm_buf_ok(&buf) ? fsm_arena_strdup(arena, fsm_buf_text(&buf)) : NULL;
  fsm_buf_free(&buf);
  return text;
}
