/* format_msgpack.c: the stored bytes as they are: what the leaf is the hash of. They cannot be masked without
 * another hash, so a record that has something to mask is refused. */
#include "runtime/format_impl.h"

fsm_code fsm__append_msgpack(const fsm__formatter *formatter, const fsm__exported *record, fsm_arena *scratch,
                             fsm_buf *out, fsm_error *err) {
  (void)formatter;
  bool masked = false;
  if (record->mask != NULL) {
    fsm_record shown;
    fsm_code code = fsm__exported_record(record, scratch, &shown, &masked, err);
    if (code != FSM_OK) return code;
  }
  if (masked)
    return fsm_fail(
        err, FSM_EDATA, "msgpack",
        "record %llu has fields that its machine marks as personal: its stored bytes are not given "
        "away",
        (unsigned long long)record->seq);
  fsm_buf_add(out, record->data, record->len);
  return fsm_buf_ok(out) ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory to copy a record");
}

const char *fsm__refuses_msgpack(const char *name) {
  (void)name;
  return "stored bytes have no place for it";
}
