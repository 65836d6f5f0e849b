/* search_match.c: where a record has the text, as it may be shown. */
#include <stdio.h>
#include <string.h>

#include "runtime/search.h"
#include "schema/mask.h"

enum {
  AROUND = 40,
  NAME_MAX = 200,
  DEEP = 16
}; /* bytes shown before and behind a match; of a field's name */

static bool begins_character(char c) { return ((uint8_t)c & 0xC0) != 0x80; }

/* The end of what comes before a match, and the beginning of what comes behind it, in whole characters. */
static const char *before_of(fsm_arena *arena, const char *text, size_t len) {
  size_t from = len > AROUND ? len - AROUND : 0;
  while (from < len && !begins_character(text[from])) from++;
  return fsm_arena_printf(arena, "%s%.*s", from > 0 ? "…" : "", (int)(len - from), text + from);
}

static const char *behind_of(fsm_arena *arena, const char *text, size_t len) {
  size_t to = len > AROUND ? AROUND : len;
  while (to > 0 && to < len && !begins_character(text[to])) to--;
  return fsm_arena_printf(arena, "%.*s%s", (int)to, text, to < len ? "…" : "");
}

void fsm__search_match_text(const fsm__search *search, const char *field, const fsm_value *text,
                            fsm__items *out) {
  if (text->type != FSM_STRING || out->count == FSM_SEARCH_MATCHES_MAX) return;
  if (fsm_is_text(text, FSM_MASKED)) return;
  const uint8_t *found = fsm__needle_find(&search->needle, text->s, text->len);
  if (found == NULL) return;
  fsm_arena *arena = out->arena;
  const size_t at = (size_t)((const char *)found - text->s), behind = at + search->needle.len;
  fsm__document d = {.arena = arena};
  fsm_value match;
  fsm__document_text(&d, "field", fsm_arena_strdup(arena, field));
  fsm__document_text(&d, "before", before_of(arena, text->s, at));
  fsm__document_text(&d, "match", fsm_arena_strndup(arena, text->s + at, search->needle.len));
  fsm__document_text(&d, "after", behind_of(arena, text->s + behind, text->len - behind));
  if (d.count != 4 || fsm__document_map(&d, &match, NULL) != FSM_OK)
    out->failed = true;
  else
    fsm__items_add(out, match);
}

static void text_in(const fsm__search *search, const char *field, const char *text, fsm__items *out) {
  if (text == NULL) return;
  const fsm_value value = fsm_string(text);
  fsm__search_match_text(search, field, &value, out);
}

/* All texts in a value; name has room for NAME_MAX and is that of the value. */
static void walk(const fsm__search *search, char *name, unsigned deep, const fsm_value *value,
                 fsm__items *out) {
  const size_t len = strlen(name);
  fsm__search_match_text(search, name, value, out);
  for (uint32_t i = 0; deep < DEEP && value->type == FSM_LIST && i < value->len; i++)
    walk(search, name, deep + 1, &value->items[i], out);
  for (uint32_t i = 0; deep < DEEP && value->type == FSM_MAP && i < value->len; i++) {
    const fsm_value *key = &value->pairs[i].key;
    if (key->type != FSM_STRING) continue;
    snprintf(name + len, NAME_MAX - len, ".%.*s", (int)key->len, key->s);
    walk(search, name, deep + 1, &value->pairs[i].value, out);
    name[len] = '\0';
  }
}

static void in_value(const fsm__search *search, const char *field, const fsm_value *value, fsm__items *out) {
  char name[NAME_MAX];
  snprintf(name, sizeof name, "%s", field);
  walk(search, name, 0, value, out);
}

/* Field → [new] or [old, new]. */
static void in_context(const fsm__search *search, const fsm_value *delta, fsm__items *out) {
  for (uint32_t i = 0; delta->type == FSM_MAP && i < delta->len; i++) {
    const fsm_pair *pair = &delta->pairs[i];
    char name[NAME_MAX];
    if (pair->key.type != FSM_STRING || pair->value.type != FSM_LIST || pair->value.len == 0) continue;
    snprintf(name, sizeof name, "context.%.*s", (int)pair->key.len, pair->key.s);
    walk(search, name, 0, &pair->value.items[pair->value.len - 1], out);
  }
}

static void in_actor(const fsm__search *search, const fsm_value *actor, fsm__items *out) {
  static const char *const left_out[] = {"type", "iss", "sid", "authn", "roles"};
  for (uint32_t i = 0; actor->type == FSM_MAP && i < actor->len; i++) {
    const fsm_pair *pair = &actor->pairs[i];
    bool searched = pair->key.type == FSM_STRING;
    char name[NAME_MAX];
    for (unsigned k = 0; k < sizeof left_out / sizeof left_out[0]; k++)
      searched = searched && !fsm_is_text(&pair->key, left_out[k]);
    if (!searched) continue;
    if (fsm_is_text(&pair->key, "sub"))
      snprintf(name, sizeof name, "by");
    else
      snprintf(name, sizeof name, "by.%.*s", (int)pair->key.len, pair->key.s);
    walk(search, name, 0, &pair->value, out);
  }
}

static void in_detail(const fsm__search *search, const fsm_value *detail, fsm__items *out) {
  static const char *const names[] = {"reason", "text", "error"};
  for (unsigned i = 0; detail->type == FSM_MAP && i < sizeof names / sizeof names[0]; i++) {
    const fsm_value *value = fsm_map_get(detail, names[i]);
    if (value != NULL) in_value(search, names[i], value, out);
  }
}

void fsm__search_matches(const fsm__search *search, const fsm_record *record, fsm__items *out) {
  text_in(search, "id", record->inst, out);
  text_in(search, "key", record->key, out);
  in_value(search, "label", &record->labels, out);
  text_in(search, "correlation", record->corr, out);
  in_actor(search, &record->act, out);
  in_context(search, &record->ctx, out);
  in_value(search, "data", &record->data, out);
  in_value(search, "output", &record->out, out);
  in_detail(search, &record->detail, out);
}
