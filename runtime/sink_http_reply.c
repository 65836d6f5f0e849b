/* sink_http_reply.c: what _bulk says of each record. An answer that does not match what was sent, number,
 * order and ids, is believed in nothing. */
#include <string.h>

#include "runtime/sink_http_impl.h"
#include "schema/json.h"

static fsm_code unclear(fsm_error *err, const char *why) {
  return fsm_fail(err, FSM_EMALFORMED, "_bulk", "%s, so it is not known what was taken", why);
}

static const char *text_of(const fsm_value *value) {
  return value != NULL && fsm_is(value, FSM_STRING) ? value->s : "";
}

static int length_of(const fsm_value *value) {
  uint32_t len = value != NULL && fsm_is(value, FSM_STRING) ? value->len : 0;
  return len > 200 ? 200 : (int)len;
}

/* {"create": {"_id": "…", "status": 400, "error": {"type": "…", "reason": "…"}}} */
static fsm_code read_item(fsm_arena *arena, const fsm_value *item, const char *id, fsm__bulk_item *out,
                          fsm_error *err) {
  const fsm_value *done = fsm_map_get(item, "create");
  if (done == NULL || !fsm_is(done, FSM_MAP)) return unclear(err, "an item of the answer is no create");
  const fsm_value *status = fsm_map_get(done, "status"), *its = fsm_map_get(done, "_id");
  if (status == NULL || !fsm_is(status, FSM_INT) || status->i < 100 || status->i > 599)
    return unclear(err, "an item of the answer has no status");
  if (its == NULL || !fsm_is_text(its, id)) return unclear(err, "an item of the answer is of another record");
  out->status = (int)status->i;
  const fsm_value *error = fsm_map_get(done, "error");
  if (error == NULL) return FSM_OK;
  const fsm_value *type = fsm_map_get(error, "type"), *reason = fsm_map_get(error, "reason");
  out->reason = fsm_arena_printf(arena, "%.*s: %.*s", length_of(type), text_of(type), length_of(reason),
                                 text_of(reason));
  return out->reason != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "_bulk", "no memory for an answer");
}

fsm_code fsm__bulk_read(fsm_arena *arena, const char *body, size_t len, const char *const *ids, size_t count,
                        fsm__bulk_item *out, fsm_error *err) {
  FSM_ASSERT(arena != NULL && body != NULL && ids != NULL && out != NULL);
  fsm_value doc;
  fsm_code code = fsm_json_parse(arena, body, len, FSM_JSON_SORTED, &doc, NULL);
  if (code == FSM_ENOMEM) return fsm_fail(err, code, "_bulk", "no memory for an answer");
  if (code != FSM_OK) return unclear(err, "the answer is no JSON");
  const fsm_value *items = fsm_map_get(&doc, "items");
  if (items == NULL || !fsm_is(items, FSM_LIST)) return unclear(err, "the answer has no items");
  if (items->len != count) return unclear(err, "the answer has another number of items");
  for (size_t i = 0; i < count; i++) {
    out[i] = (fsm__bulk_item){0};
    code = read_item(arena, &items->items[i], ids[i], &out[i], err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}
