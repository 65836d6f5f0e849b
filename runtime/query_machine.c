/* query_machine.c: the deployed machines. */
#include "runtime/query.h"

static fsm_code machine_document(const fsm__reading *at, const fsm__deployed *deployed, fsm__document *d,
                                 fsm_error *err) {
  fsm_code code = fsm__catalog_need(at->core->catalog, deployed, err);
  char *hex = fsm_arena_alloc(at->arena, 2 * FSM_HASH_BYTES + 1);
  if (code == FSM_OK && hex == NULL) code = fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  if (code != FSM_OK) return code;
  fsm__hex(deployed->hash.bytes, FSM_HASH_BYTES, hex);
  fsm__document_text(d, "id", deployed->id);
  fsm__document_put(d, "version", fsm_int(deployed->version));
  fsm__document_text(d, "hash", hex);
  fsm__document_put(d, "seq", fsm_int((int64_t)deployed->seq));
  fsm__document_time(d, "deployed", deployed->time_ns);
  fsm__document_text(d, "description", fsm_definition_description(deployed->definition));
  fsm__document_put(d, "states", fsm_int(fsm_machine_states(deployed->machine) - 1));
  return FSM_OK;
}

fsm_code fsm__query_machines(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__items items = {.arena = at->arena};
  const fsm__deployed *deployed = NULL;
  for (unsigned i = 0; (deployed = fsm__catalog_newest(at->core->catalog, i)) != NULL; i++) {
    fsm__document d = {.arena = at->arena};
    fsm_value view;
    fsm_code code = machine_document(at, deployed, &d, err);
    if (code == FSM_OK) code = fsm__document_map(&d, &view, err);
    if (code != FSM_OK) return code;
    fsm__items_add(&items, view);
  }
  if (items.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__document d = {.arena = at->arena};
  fsm__document_put(&d, "items", fsm_list(items.items, items.count));
  return fsm__document_map(&d, out, err);
}

fsm_code fsm__query_machine(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  const fsm_query *q = at->query;
  if (q->machine == NULL) return fsm_fail(err, FSM_EARGUMENT, "machine", "no machine is named");
  const fsm__deployed *deployed = fsm__catalog_find(at->core->catalog, q->machine, q->version);
  if (deployed == NULL && q->version != 0)
    return fsm_fail(err, FSM_EMACHINE, "version", "no version %u of machine \"%s\" is deployed", q->version,
                    q->machine);
  if (deployed == NULL)
    return fsm_fail(err, FSM_EMACHINE, "machine", "no machine \"%s\" is deployed", q->machine);
  fsm__document d = {.arena = at->arena};
  const char *source = NULL;
  size_t len = 0;
  fsm_code code = machine_document(at, deployed, &d, err);
  if (code == FSM_OK) code = fsm__catalog_source(at->core->catalog, deployed, at->arena, &source, &len, err);
  if (code != FSM_OK) return code;
  fsm__document_put(&d, "source", fsm_stringn(source, len));
  return fsm__document_map(&d, out, err);
}
