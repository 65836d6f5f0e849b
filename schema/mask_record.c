/* mask_record.c: a record without what its machine marks.
 *
 * A record is our own structure with data of the machine in it. The names are looked for in the data alone: a
 * machine that marks "id" still shows the ids of its timers. The texts of the engine's faults show the values
 * that they are about; of a machine that marks anything they are shown up to there.
 */
#include <string.h>

#include "schema/mask_impl.h"

/* ---- texts -------------------------------------------------------------------------------------- */

/* Where the sentence of a fault (expr_fault.c) begins to show values. */
static size_t shown_len(const char *text, size_t len) {
  static const char *const marks[] = {", got ", ", it is looked for in ", ", at ["};
  size_t best = len;
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    const char *at = len > 0 ? memmem(text, best, marks[i], strlen(marks[i])) : NULL;
    if (at != NULL) best = (size_t)(at - text);
  }
  return best;
}

static bool mask_text(const fsm__masking *m, const fsm_value *text, fsm_value *out) {
  const size_t shown = shown_len(text->s, text->len);
  *out = *text;
  if (shown == text->len) return true;
  const char *cut = fsm_arena_printf(m->arena, "%.*s, %s", (int)shown, text->s, FSM_MASKED);
  if (cut != NULL) *out = fsm_string(cut);
  return cut != NULL;
}

const char *fsm_mask_text(fsm_arena *arena, const fsm_mask *mask, const char *text) {
  FSM_ASSERT(arena != NULL && text != NULL);
  const fsm__masking m = {.arena = arena, .mask = mask};
  const fsm_value whole = fsm_string(text);
  fsm_value out;
  if (mask == NULL) return text;
  if (!mask_text(&m, &whole, &out)) return NULL;
  return fsm__mask_same(&out, &whole) ? text : out.s;
}

/* ---- structures of ours with data in them --------------------------------------------------------- */

static bool is_one_of(const fsm_value *key, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (fsm_is_text(key, names[i])) return true;
  return false;
}

/* What holds data, under the names that schemas know it by. */
static bool is_data(const fsm_value *key) {
  static const char *const names[] = {"data", "input", "output", "context", "seen"};
  return is_one_of(key, names, sizeof names / sizeof *names);
}

static bool is_ours(const fsm_value *key) {
  static const char *const names[] = {"candidates", "tried", "open", "emit", "about", "incident"};
  return is_one_of(key, names, sizeof names / sizeof *names);
}

static bool is_text(const fsm_value *key) {
  static const char *const names[] = {"text", "fault", "error", "message", "excerpt"};
  return is_one_of(key, names, sizeof names / sizeof *names);
}

static bool mask_ours(const fsm__masking *m, const fsm_value *value, fsm_value *out);

static bool each(const fsm__masking *m, const fsm_value *list, fsm_value *out,
                 bool (*fn)(const fsm__masking *m, const fsm_value *value, fsm_value *out)) {
  *out = *list;
  if (list->type != FSM_LIST) return fn(m, list, out);
  fsm_value *items = fsm__mask_copy(m->arena, list->items, list->len * sizeof *items);
  bool changed = false;
  if (items == NULL && list->len > 0) return false;
  for (uint32_t i = 0; i < list->len; i++) {
    if (!fn(m, &list->items[i], &items[i])) return false;
    changed = changed || !fsm__mask_same(&items[i], &list->items[i]);
  }
  if (changed) *out = fsm_list(items, list->len);
  return true;
}

/* What was logged has no name to go by. */
static bool mask_log(const fsm__masking *m, const fsm_value *value, fsm_value *out) {
  *out = *value;
  if (value->type == FSM_LIST) return each(m, value, out, mask_log);
  if (value->type == FSM_STRING || value->type == FSM_BYTES || value->type == FSM_INT ||
      value->type == FSM_UINT || value->type == FSM_DOUBLE)
    *out = fsm_string(FSM_MASKED);
  return value->type == FSM_MAP ? fsm__mask_data(m, "", value, out) : true;
}

/* Of an error, which is the service's but for a message of ours. */
static bool mask_message(const fsm__masking *m, fsm_value *error) {
  const fsm_value *message = fsm_map_get(error, "message");
  fsm_value shown;
  if (message == NULL || message->type != FSM_STRING) return true;
  if (!mask_text(m, message, &shown)) return false;
  if (fsm__mask_same(&shown, message)) return true;
  fsm_pair pair = {fsm_string("message"), shown};
  const fsm_value patch = {.type = FSM_MAP, .len = 1, .pairs = &pair};
  return fsm_map_merge(m->arena, error, &patch, error) == FSM_OK;
}

static bool mask_member(const fsm__masking *m, const fsm_pair *pair, fsm_value *out) {
  const fsm_value *key = &pair->key, *value = &pair->value;
  *out = *value;
  if (key->type != FSM_STRING) return true;
  if (is_data(key)) {
    char called[8]; /* of the longest of these */
    memcpy(called, key->s, key->len);
    called[key->len] = '\0';
    return fsm__mask_data(m, called, value, out);
  }
  if (is_ours(key)) return each(m, value, out, mask_ours);
  if (fsm_is_text(key, "log")) return each(m, value, out, mask_log);
  if (value->type == FSM_STRING) return is_text(key) ? mask_text(m, value, out) : true;
  return fsm__mask_data(m, "", value, out) && (!fsm_is_text(key, "error") || mask_message(m, out));
}

static bool mask_ours(const fsm__masking *m, const fsm_value *value, fsm_value *out) {
  *out = *value;
  if (value->type != FSM_MAP || value->len == 0) return true;
  fsm_pair *pairs = fsm__mask_copy(m->arena, value->pairs, value->len * sizeof *pairs);
  bool changed = false;
  if (pairs == NULL) return false;
  for (uint32_t i = 0; i < value->len; i++) {
    if (!mask_member(m, &value->pairs[i], &pairs[i].value)) return false;
    changed = changed || !fsm__mask_same(&pairs[i].value, &value->pairs[i].value);
  }
  if (changed) *out = (fsm_value){.type = FSM_MAP, .len = value->len, .pairs = pairs};
  return true;
}

fsm_code fsm_mask_detail(fsm_arena *arena, const fsm_mask *mask, const fsm_value *detail, fsm_value *out,
                         fsm_error *err) {
  FSM_ASSERT(arena != NULL && detail != NULL && out != NULL);
  const fsm__masking m = {.arena = arena, .mask = mask};
  if (mask != NULL && !mask_ours(&m, detail, out)) return fsm_fail(err, FSM_ENOMEM, "", "no memory to mask");
  if (mask == NULL) *out = *detail;
  return FSM_OK;
}

/* ---- the fields --------------------------------------------------------------------------------- */

/* A field's values stay a list of one or two. */
static bool mask_change(const fsm__masking *m, const fsm_value *list, fsm_value *out) {
  fsm_value *items = fsm__mask_copy(m->arena, list->items, list->len * sizeof *items);
  if (items == NULL) return list->len == 0;
  for (uint32_t i = 0; i < list->len; i++) items[i] = fsm_string(FSM_MASKED);
  *out = fsm_list(items, list->len);
  return true;
}

/* A map that stays one: its members are masked by their names, or all of them when `called` is hidden. */
static bool mask_members(const fsm__masking *m, const char *called, bool lists, const fsm_value *value,
                         fsm_value *out) {
  *out = *value;
  if (value->type != FSM_MAP || value->len == 0) return true;
  const bool whole = fsm_mask_hides(m->mask, called, strlen(called));
  fsm_pair *pairs = fsm__mask_copy(m->arena, value->pairs, value->len * sizeof *pairs);
  bool changed = false;
  if (pairs == NULL) return false;
  for (uint32_t i = 0; i < value->len; i++) {
    const fsm_value *key = &value->pairs[i].key, *from = &value->pairs[i].value;
    bool hidden = whole || (key->type == FSM_STRING && fsm_mask_hides(m->mask, key->s, key->len)),
         good = true;
    if (hidden && lists && from->type == FSM_LIST)
      good = mask_change(m, from, &pairs[i].value);
    else if (hidden)
      pairs[i].value = fsm_string(FSM_MASKED);
    else
      good = fsm__mask_data(m, "", from, &pairs[i].value);
    if (!good) return false;
    changed = changed || !fsm__mask_same(&pairs[i].value, from);
  }
  if (changed) *out = (fsm_value){.type = FSM_MAP, .len = value->len, .pairs = pairs};
  return true;
}

static bool mask_fields(const fsm__masking *m, fsm_record *r) {
  return mask_members(m, "labels", false, &r->labels, &r->labels) &&
         fsm__mask_data(m, "data", &r->data, &r->data) &&
         mask_members(m, "context", true, &r->ctx, &r->ctx) &&
         fsm__mask_data(m, "output", &r->out, &r->out) && each(m, &r->timers, &r->timers, mask_ours) &&
         each(m, &r->tasks, &r->tasks, mask_ours) && each(m, &r->sends, &r->sends, mask_ours) &&
         mask_members(m, "act", false, &r->act, &r->act) && mask_ours(m, &r->detail, &r->detail);
}

static bool same_data(const fsm_record *a, const fsm_record *b) {
  return fsm__mask_same(&a->labels, &b->labels) && fsm__mask_same(&a->data, &b->data) &&
         fsm__mask_same(&a->ctx, &b->ctx) && fsm__mask_same(&a->out, &b->out) &&
         fsm__mask_same(&a->timers, &b->timers) && fsm__mask_same(&a->tasks, &b->tasks) &&
         fsm__mask_same(&a->sends, &b->sends) && fsm__mask_same(&a->act, &b->act) &&
         fsm__mask_same(&a->detail, &b->detail);
}

fsm_code fsm_mask_record(fsm_arena *arena, const fsm_mask *mask, const fsm_record *record, fsm_record *out,
                         bool *any, fsm_error *err) {
  FSM_ASSERT(arena != NULL && record != NULL && out != NULL && any != NULL);
  const bool source = record->kind == FSM_RECORD_DEPLOYED || record->kind == FSM_RECORD_RETIRED;
  fsm_record masked = *record;
  *any = false;
  if (mask != NULL && !source) {
    const fsm__masking m = {.arena = arena, .mask = mask};
    if (!mask_fields(&m, &masked)) return fsm_fail(err, FSM_ENOMEM, "", "no memory to mask a record");
    *any = !same_data(record, &masked);
  }
  *out = masked;
  return FSM_OK;
}
