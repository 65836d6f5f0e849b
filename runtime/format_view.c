/* format_view.c: a record decoded and masked for the formats that need it whole, and what stands at a path of
 * it. */
#include <string.h>

#include "runtime/format_impl.h"
#include "schema/json.h"
#include "schema/record_fields.h"

static fsm_code no_memory(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "", "no memory to show a record");
}

fsm_code fsm__exported_record(const fsm__exported *exported, fsm_arena *scratch, fsm_record *out,
                              bool *masked, fsm_error *err) {
  fsm_record record;
  fsm_code code = FSM_OK;
  if (exported->record != NULL)
    record = *exported->record;
  else
    code = fsm_record_decode(scratch, exported->data, exported->len, &record, err);
  bool any = false;
  fsm_record shown = record;
  if (code == FSM_OK && exported->mask != NULL)
    code = fsm_mask_record(scratch, exported->mask, &record, &shown, &any, err);
  if (code != FSM_OK) return code;
  if (masked != NULL) *masked = any;
  *out = shown;
  return FSM_OK;
}

static fsm_value hex_of(fsm_arena *scratch, const fsm__hash *hash) {
  char *text = fsm_arena_alloc(scratch, 2 * sizeof hash->bytes + 1);
  if (text == NULL) return fsm_null();
  fsm__hex(hash->bytes, sizeof hash->bytes, text);
  return fsm_stringn(text, 2 * sizeof hash->bytes);
}

fsm_code fsm__exported_view(const fsm__exported *exported, fsm_arena *scratch, fsm_value *out,
                            fsm_error *err) {
  enum { MORE = 3 };
  fsm_record record;
  fsm_value view;
  fsm_code code = fsm__exported_record(exported, scratch, &record, NULL, err);
  if (code == FSM_OK) code = fsm_record_view(scratch, &record, &exported->origin, &view, err);
  if (code != FSM_OK) return code;
  if (exported->bare) return *out = view, FSM_OK;
  fsm_pair *pairs = fsm_arena_alloc(scratch, (view.len + MORE) * sizeof *pairs);
  fsm_value leaf = hex_of(scratch, &exported->leaf);
  if (pairs == NULL || leaf.type == FSM_NULL) return no_memory(err);
  memcpy(pairs, view.pairs, view.len * sizeof *pairs);
  size_t count = view.len;
  pairs[count++] = (fsm_pair){fsm_string("leaf"), leaf};
  if (exported->after != record.seq - 1)
    pairs[count++] =
        (fsm_pair){fsm_string("after"), exported->after <= INT64_MAX ? fsm_int((int64_t)exported->after)
                                                                     : fsm_uint(exported->after)};
  if (exported->repair) pairs[count++] = (fsm_pair){fsm_string("repair"), fsm_bool(true)};
  return fsm_map(pairs, count, out, err);
}

/* ---- paths ------------------------------------------------------------------------------------- */

static const char *const more[] = {"id", "store", "part", "epoch", "leaf", "after", "repair", "context"};

const char *fsm__path_fault(const char *path) {
  size_t first = strcspn(path, ".");
  if (*path == 0 || *path == '.' || path[strlen(path) - 1] == '.' || strstr(path, "..") != NULL)
    return "a path is names with dots between them, such as labels.department";
  for (unsigned i = 0; i < sizeof more / sizeof *more; i++)
    if (strlen(more[i]) == first && memcmp(path, more[i], first) == 0)
      return i + 1 < sizeof more / sizeof *more || path[first] == '.'
                 ? NULL
                 : "context needs a field: context.amount";
  for (unsigned key = 0; key < FSM__FIELD_COUNT; key++)
    if (strlen(fsm__field_names[key]) == first && memcmp(path, fsm__field_names[key], first) == 0)
      return NULL;
  return "a record has no such field";
}

/* The rest of a path below a value; names may have dots in them, so the whole rest is tried first. */
static const fsm_value *below(const fsm_value *at, const char *path) {
  while (at != NULL && *path != 0) {
    if (at->type != FSM_MAP) return NULL;
    const fsm_value *whole = fsm_map_get(at, path);
    if (whole != NULL) return whole;
    size_t len = strcspn(path, ".");
    at = fsm_map_getn(at, path, len);
    path += len + (path[len] == '.');
  }
  return at;
}

/* ctx is field → [new] or [old, new], or what masks it. */
static const fsm_value *changed(const fsm_value *view, const char *path) {
  const fsm_value *ctx = fsm_map_get(view, "ctx");
  size_t len = strcspn(path, ".");
  const fsm_value *change = ctx != NULL ? fsm_map_getn(ctx, path, len) : NULL;
  if (change == NULL) return NULL;
  if (change->type == FSM_LIST && change->len > 0) change = &change->items[change->len - 1];
  return below(change, path + len + (path[len] == '.'));
}

const fsm_value *fsm__path_value(const fsm_value *view, const char *path) {
  return strncmp(path, "context.", 8) == 0 ? changed(view, path + 8) : below(view, path);
}

fsm_code fsm__append_lifted(const fsm__formatter *formatter, const fsm__exported *exported,
                            fsm_arena *scratch, fsm_buf *out, fsm_error *err) {
  fsm_value view;
  fsm_code code = fsm__exported_view(exported, scratch, &view, err);
  for (size_t i = 0; i < formatter->lift_count && code == FSM_OK; i++) {
    const fsm_value *value = fsm__path_value(&view, formatter->lift[i].path);
    if (value == NULL) continue;
    fsm_buf_char(out, ',');
    fsm_json_quote(out, formatter->lift[i].name, strlen(formatter->lift[i].name));
    fsm_buf_char(out, ':');
    fsm_json_write(out, value);
  }
  return code;
}
