/* query_machine.c: the deployed machines and their versions. */
#include <string.h>

#include "runtime/query.h"

/* {time, by, reason, seq} of one that is retired. */
static fsm_code put_retired(const fsm__reading *at, const fsm__deployed *deployed, fsm__document *d,
                            fsm_error *err) {
  fsm__retired retired;
  fsm_value view;
  fsm__document more = {.arena = at->arena};
  if (fsm__catalog_is_live(at->core->catalog, deployed)) return FSM_OK;
  fsm_code code = fsm__catalog_retired(at->core->catalog, deployed, at->arena, &retired, err);
  if (code != FSM_OK) return code;
  fsm__document_time(&more, "time", retired.time_ns);
  if (retired.who[0] != '\0') fsm__document_text(&more, "by", retired.who);
  fsm__document_text(&more, "reason", retired.reason);
  fsm__document_put(&more, "seq", fsm_int((int64_t)retired.seq));
  code = fsm__document_map(&more, &view, err);
  if (code == FSM_OK) fsm__document_put(d, "retired", view);
  return code;
}

static fsm_code put_version(const fsm__reading *at, const fsm__deployed *deployed, fsm__document *d,
                            fsm_error *err) {
  char *hex = fsm_arena_alloc(at->arena, 2 * FSM_HASH_BYTES + 1);
  if (hex == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__hex(deployed->hash.bytes, FSM_HASH_BYTES, hex);
  fsm__document_put(d, "version", fsm_int(deployed->version));
  fsm__document_text(d, "hash", hex);
  fsm__document_put(d, "seq", fsm_int((int64_t)deployed->seq));
  fsm__document_time(d, "deployed", deployed->time_ns);
  return put_retired(at, deployed, d, err);
}

static fsm_code machine_document(const fsm__reading *at, const fsm__deployed *deployed, fsm__document *d,
                                 fsm_error *err) {
  fsm_code code = fsm__catalog_need(at->core->catalog, deployed, err);
  if (code == FSM_OK) code = put_version(at, deployed, d, err);
  if (code != FSM_OK) return code;
  const fsm__deployed *live = fsm__catalog_live(at->core->catalog, deployed->id);
  fsm__document_text(d, "id", deployed->id);
  if (live != NULL) fsm__document_put(d, "live", fsm_int(live->version));
  fsm__document_text(d, "description", fsm_definition_description(deployed->definition));
  fsm__document_put(d, "states", fsm_int(fsm_machine_states(deployed->machine) - 1));
  return FSM_OK;
}

/* {items, next, seq}; next: what `after` is to be, 0 = this is the last page. */
static fsm_code page(const fsm__reading *at, const fsm__items *items, uint32_t next, fsm_value *out,
                     fsm_error *err) {
  fsm__document d = {.arena = at->arena};
  if (items->failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  const char *text = next != 0 ? fsm_arena_printf(at->arena, "%u", next) : NULL;
  if (next != 0 && text == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__document_put(&d, "items", fsm_list(items->items, items->count));
  fsm__document_put(&d, "next", text != NULL ? fsm_string(text) : fsm_null());
  fsm__document_put(&d, "seq", fsm_int((int64_t)at->core->seq));
  return fsm__document_map(&d, out, err);
}

/* *after stays as it is without one. */
static fsm_code read_after(const fsm__reading *at, uint32_t *after, fsm_error *err) {
  uint64_t number = 0;
  if (at->query->after == NULL) return FSM_OK;
  if (!fsm__query_seq(at->query->after, &number) || number == 0 || number > UINT32_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is not a page's next", at->query->after);
  *after = (uint32_t)number;
  return FSM_OK;
}

fsm_code fsm__query_machines(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__items items = {.arena = at->arena};
  const fsm__deployed *deployed = NULL;
  uint32_t first = 0, next = 0; /* after is the number of the last one */
  fsm_code read = read_after(at, &first, err);
  if (read != FSM_OK) return read;
  for (unsigned i = first; (deployed = fsm__catalog_newest(at->core->catalog, i)) != NULL; i++) {
    fsm__document d = {.arena = at->arena};
    if (items.count == at->query->limit) {
      next = i;
      break;
    }
    fsm_value view;
    fsm_code code = machine_document(at, deployed, &d, err);
    if (code == FSM_OK) code = fsm__document_map(&d, &view, err);
    if (code != FSM_OK) return code;
    fsm__items_add(&items, view);
  }
  return page(at, &items, next, out, err);
}

static fsm_code named(const fsm__reading *at, const fsm__deployed **deployed, fsm_error *err) {
  const fsm_query *q = at->query;
  if (q->machine == NULL) return fsm_fail(err, FSM_EARGUMENT, "machine", "no machine is named");
  *deployed = fsm__catalog_find(at->core->catalog, q->machine, q->version);
  if (*deployed != NULL) return FSM_OK;
  if (q->version != 0)
    return fsm_fail(err, FSM_EMACHINE, "version", "no version %u of machine \"%s\" is deployed", q->version,
                    q->machine);
  return fsm_fail(err, FSM_EMACHINE, "machine", "no machine \"%s\" is deployed", q->machine);
}

/* Who deployed it, as long as the journal has the record; what it cannot say now is not worth a fault. */
static const char *deployed_by(const fsm__reading *at, const fsm__deployed *deployed) {
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  fsm_record record;
  bool found = false;
  const char *who = NULL;
  if (fsm__journal_cursor_open(at->core->journal, deployed->seq, &cursor, NULL) != FSM_OK) return NULL;
  if (fsm__journal_next(cursor, &entry, &found, NULL) != FSM_OK) found = false;
  char *bytes = found ? fsm_arena_strndup(at->arena, entry.record.data, entry.record.len) : NULL;
  if (bytes != NULL && fsm_record_decode(at->arena, bytes, entry.record.len, &record, NULL) == FSM_OK) {
    const fsm_value *sub = fsm_map_get(&record.act, "sub");
    if (sub == NULL) sub = fsm_map_get(&record.act, "type");
    if (sub != NULL && fsm_is(sub, FSM_STRING)) who = fsm_arena_strndup(at->arena, sub->s, sub->len);
  }
  fsm__journal_cursor_close(cursor);
  return who;
}

static fsm_code version_view(const fsm__reading *at, const fsm__deployed *deployed, fsm_value *out,
                             fsm_error *err) {
  fsm__document d = {.arena = at->arena};
  fsm_code code = put_version(at, deployed, &d, err);
  if (code != FSM_OK) return code;
  fsm__document_text(&d, "by", deployed_by(at, deployed));
  return fsm__document_map(&d, out, err);
}

fsm_code fsm__query_versions(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__items items = {.arena = at->arena};
  const fsm__deployed *newest = NULL;
  uint32_t after = 0, next = 0; /* after is the last version of the page before */
  fsm_code code = named(at, &newest, err);
  if (code == FSM_OK) code = read_after(at, &after, err);
  if (code != FSM_OK) return code;
  for (uint32_t v = after != 0 && after <= newest->version ? after - 1 : newest->version; v >= 1; v--) {
    const fsm__deployed *deployed = fsm__catalog_find(at->core->catalog, newest->id, v);
    fsm_value view;
    if (items.count == at->query->limit) {
      next = v + 1;
      break;
    }
    if (deployed != NULL) code = version_view(at, deployed, &view, err);
    if (code != FSM_OK) return code;
    if (deployed != NULL) fsm__items_add(&items, view);
  }
  return page(at, &items, next, out, err);
}

fsm_code fsm__query_machine(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  const fsm__deployed *deployed = NULL;
  fsm_code known = named(at, &deployed, err);
  if (known != FSM_OK) return known;
  fsm__document d = {.arena = at->arena};
  const char *source = NULL;
  size_t len = 0;
  fsm_code code = machine_document(at, deployed, &d, err);
  if (code == FSM_OK) code = fsm__catalog_source(at->core->catalog, deployed, at->arena, &source, &len, err);
  if (code != FSM_OK) return code;
  fsm__document_put(&d, "source", fsm_stringn(source, len));
  return fsm__document_map(&d, out, err);
}
