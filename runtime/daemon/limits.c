/* limits.c: see limits.h. */
#include "runtime/daemon/limits.h"

#include <inttypes.h>
#include <sys/resource.h>

unsigned fsm__limits_connections(uint64_t files, unsigned most) {
  const uint64_t room = files > FSM__FILES_RESERVED ? files - FSM__FILES_RESERVED : 0;
  return room < most ? (unsigned)room : most;
}

void fsm__limits_no_cores(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
  limit.rlim_cur = 0;
  setrlimit(RLIMIT_CORE, &limit);
}

fsm_code fsm__limits_raise(unsigned most, fsm__limits *out, fsm_error *err) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return fsm_fail(err, FSM_EIO, "RLIMIT_NOFILE", "the limit of open files cannot be read: %m");
  const rlim_t soft = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = soft; /* as some sandboxes have it */
  out->files = (uint64_t)limit.rlim_cur;
  out->connections = fsm__limits_connections(out->files, most);
  if (out->connections >= FSM__CONNECTIONS_MIN) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "RLIMIT_NOFILE",
                  "%" PRIu64
                  " open files are allowed, at least %d are needed: raise LimitNOFILE of the unit, "
                  "or ulimit -n",
                  out->files, FSM__FILES_RESERVED + FSM__CONNECTIONS_MIN);
}
