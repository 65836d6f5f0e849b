/* database_report.c: members of documents that are copied or made, and lists of findings. */
#include <string.h>

#include "runtime/database_impl.h"

void fsm__report_text(fsm__document *document, const char *name, const char *text) {
  if (text == NULL) return;
  const char *copy = fsm_arena_strdup(document->arena, text);
  if (copy == NULL)
    document->failed = true;
  else
    fsm__document_text(document, name, copy);
}

void fsm__report_u64(fsm__document *document, const char *name, uint64_t number) {
  fsm__document_put(document, name, number <= INT64_MAX ? fsm_int((int64_t)number) : fsm_uint(number));
}

void fsm__report_bool(fsm__document *document, const char *name, bool value) {
  fsm__document_put(document, name, fsm_bool(value));
}

void fsm__report_hash(fsm__document *document, const char *name, const fsm__hash *hash) {
  char hex[2 * FSM_HASH_BYTES + 1];
  fsm__hex(hash->bytes, sizeof hash->bytes, hex);
  fsm__report_text(document, name, hex);
}

void fsm__report_time(fsm__document *document, const char *name, int64_t ns) {
  if (ns > 0) fsm__document_time(document, name, ns);
}

void fsm__finding(fsm__findings *findings, const char *what, fsm_code code, const fsm_error *fault,
                  const char *good) {
  if (code != FSM_OK) findings->damaged++;
  if (findings->count == FSM__FINDINGS_MAX) return;
  fsm__document one = {.arena = findings->arena};
  fsm__report_text(&one, "what", what);
  fsm__report_text(&one, "state", code == FSM_OK ? "ok" : "damaged");
  if (code != FSM_OK) {
    fsm__report_text(&one, "code", fsm_code_name(code));
    fsm__report_text(&one, "where", fault->where);
  }
  fsm__report_text(&one, "text", code == FSM_OK ? good : fault->text);
  if (fsm__document_map(&one, &findings->items[findings->count], NULL) == FSM_OK) findings->count++;
}

fsm_code fsm__findings_end(fsm__findings *findings, fsm_value *out, fsm_error *err) {
  fsm__document all = {.arena = findings->arena};
  fsm_value *items = fsm_arena_alloc(findings->arena, (findings->count + 1) * sizeof *items);
  if (items == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  memcpy(items, findings->items, findings->count * sizeof *items);
  fsm__report_bool(&all, "ok", findings->damaged == 0);
  fsm__report_u64(&all, "damaged", findings->damaged);
  fsm__document_put(&all, "findings", fsm_list(items, findings->count));
  return fsm__document_map(&all, out, err);
}
