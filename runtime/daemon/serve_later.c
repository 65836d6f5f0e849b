/* serve_later.c: rows whose functions are still to come. */
#include "runtime/daemon/problem.h"
#include "runtime/daemon/routes.h"

#define LATER(name)                                                                                  \
  bool name(fsm__server *server, fsm__request *request, const fsm__target *target) {                 \
    (void)server, (void)target;                                                                      \
    fsm__problem_make(request, FSM_EUNSUPPORTED, 501, "path", "this version does not serve it yet"); \
    return true;                                                                                     \
  }
LATER(fsm__serve_ready)
