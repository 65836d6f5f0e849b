/* query_why.c: why an instance does not move: the document of FSM_QUERY_WHY, put together (why.h). */
#include "runtime/decide.h"
#include "runtime/why.h"

static fsm_code load(fsm__why *why, fsm_error *err) {
  fsm_code code = fsm__query_resolve(why->at, why->at->query->ref, &why->in, err);
  return code == FSM_OK ? fsm__snapshot_of(&why->in, why->arena, &why->snapshot, err) : code;
}

fsm_code fsm__query_why(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  fsm__why why = {.at = at, .arena = at->arena};
  fsm_code code = load(&why, err);
  if (code != FSM_OK) return code;
  const fsm__instance *in = &why.in;
  fsm__document d = {.arena = at->arena};
  fsm__document_text(&d, "instance", in->id);
  fsm__document_text(&d, "key", in->key);
  fsm__document_text(&d, "machine", in->deployed->id);
  fsm__document_put(&d, "version", fsm_int(in->deployed->version));
  fsm__document_text(&d, "status", fsm__status_name(in->status));
  if (in->forced) fsm__document_put(&d, "forced", fsm_bool(true));
  fsm__document_put(&d, "state", fsm__leaves(in, at->arena));
  fsm__document_put(&d, "rev", fsm_int((int64_t)in->rev));
  fsm__document_text(&d, "verdict", fsm__status_open(in->status) ? "waits" : "ended");
  fsm__document_text(&d, "text", fsm__status_open(in->status) ? "it waits" : "it has ended");
  fsm__document_put(&d, "states", fsm_list(NULL, 0));
  fsm__document_put(&d, "tried", fsm_list(NULL, 0));
  fsm__document_put(&d, "next", fsm_list(NULL, 0));
  fsm__document_put(&d, "path", fsm_null());
  fsm__document_text(&d, "path_text", "not looked for");
  fsm__document_put(&d, "never", fsm_bool(false));
  fsm__document_put(&d, "commands", fsm_list(NULL, 0));
  fsm__document_time(&d, "now", at->now_ns);
  return fsm__document_map(&d, out, err);
}
