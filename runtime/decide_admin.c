/* decide_admin.c: commands of an operator, each with who and why. */
#include "runtime/decide.h"

fsm_code fsm__decide_admin(const fsm__case *at, fsm__decision *out, fsm_error *err) {
  (void)err;
  return fsm__decision_refuse(out, FSM_EUNSUPPORTED, "kind", "command %d is not carried out yet",
                              (int)at->command->kind);
}
