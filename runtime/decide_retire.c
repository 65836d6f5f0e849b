/* decide_retire.c: RETIRE: no new instances of a machine, or of one version of it, are made from behind this
 * record on. What runs goes on: it is pinned to its version. */
#include "runtime/decide.h"

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a retirement"); }

/* The versions that are retired by this: the one that is named, or all; without those that are already. */
static bool to_retire(const fsm__case *at, const fsm__deployed *last, fsm_value *out) {
  const fsm_command *command = at->command;
  fsm_value *items = fsm_arena_alloc(at->arena, last->version * sizeof *items);
  unsigned count = 0;
  if (items == NULL) return false;
  for (uint32_t v = command->version != 0 ? command->version : 1; v <= last->version; v++) {
    const fsm__deployed *d = fsm__catalog_find(at->catalog, last->id, v);
    if (d != NULL && fsm__catalog_is_live(at->catalog, d)) items[count++] = fsm_int(v);
  }
  *out = fsm_list(items, count);
  return true;
}

static fsm_code record_of(const fsm__case *at, const fsm__deployed *deployed, const fsm_value *versions,
                          fsm__decision *out, fsm_error *err) {
  const fsm_pair pairs[] = {{fsm_string("reason"), fsm_string(at->command->reason)},
                            {fsm_string("versions"), *versions}};
  fsm_record *record = fsm__decision_record(at, out, FSM_RECORD_RETIRED);
  if (record == NULL || !fsm__decision_map(at->arena, pairs, 2, &record->detail)) return nomem(err);
  record->cause = FSM_CAUSE_ADMIN;
  record->mach = deployed->id;
  record->def = deployed->hash.bytes;
  record->defv = deployed->version;
  return FSM_OK;
}

fsm_code fsm__decide_retire(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  const fsm_command *command = at->command;
  const fsm__deployed *deployed = fsm__catalog_find(at->catalog, command->machine, command->version);
  fsm_value versions;
  if (deployed == NULL && fsm__catalog_find(at->catalog, command->machine, 0) != NULL)
    return fsm__decision_refuse(out, FSM_EMACHINE, "version", "machine \"%s\" has no version %u",
                                command->machine, command->version);
  if (deployed == NULL)
    return fsm__decision_refuse(out, FSM_EMACHINE, "machine", "no machine \"%s\" is deployed",
                                command->machine);
  out->machine = deployed->id;
  out->version = deployed->version;
  if (!to_retire(at, deployed, &versions)) return nomem(err);
  return versions.len > 0 ? record_of(at, deployed, &versions, out, err) : FSM_OK;
}
