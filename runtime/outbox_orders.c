/* outbox_orders.c: what operators tell an outbox to do. */
#include "runtime/outbox.h"

static fsm_code not_yet(fsm_error *err) {
  return fsm_fail(err, FSM_EUNSUPPORTED, "outbox", "orders to a sink are not taken yet");
}

fsm_code fsm__outbox_retry(fsm__outbox *outbox, uint64_t seq, const fsm_value *actor, const char *reason,
                           uint64_t *count, fsm_error *err) {
  (void)outbox, (void)seq, (void)actor, (void)reason, (void)count;
  return not_yet(err);
}

fsm_code fsm__outbox_resend(fsm__outbox *outbox, uint64_t from, uint64_t to, const fsm_value *actor,
                            const char *reason, uint64_t *count, fsm_error *err) {
  (void)outbox, (void)from, (void)to, (void)actor, (void)reason, (void)count;
  return not_yet(err);
}

fsm_code fsm__outbox_park(fsm__outbox *outbox, uint64_t seq, const fsm_value *actor, const char *reason,
                          fsm_error *err) {
  (void)outbox, (void)seq, (void)actor, (void)reason;
  return not_yet(err);
}

fsm_code fsm__outbox_drop(fsm__outbox *outbox, uint64_t seq, const fsm_value *actor, const char *reason,
                          fsm_error *err) {
  (void)outbox, (void)seq, (void)actor, (void)reason;
  return not_yet(err);
}

fsm_code fsm__outbox_clear(fsm__outbox *outbox, const fsm_value *actor, const char *reason, fsm_error *err) {
  (void)outbox, (void)actor, (void)reason;
  return not_yet(err);
}

fsm_code fsm__outbox_parked(fsm__outbox *outbox, fsm__parked **out, size_t *count, fsm_error *err) {
  (void)outbox, (void)out, (void)count;
  return not_yet(err);
}
