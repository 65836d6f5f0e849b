/* times.c: times and places in the log as people type them. */
#include "tools/cli/show/times.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "runtime/filter.h"

static int64_t now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

fsm_code cli_when_parse(const char *name, const char *text, cli_when *out, fsm_error *err) {
  *out = (cli_when){.is_seq = text[0] == '@'};
  if (!out->is_seq) return fsm_time_parse(name, text, now_ns(), &out->ns, err);
  char *end = NULL;
  errno = 0;
  out->seq = strtoull(text + 1, &end, 10);
  if (text[1] >= '0' && text[1] <= '9' && *end == 0 && errno == 0) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, name, "\"%.64s\" is no record: @8812 is the one with seq 8812", text);
}

fsm_code cli_args_time(const cli_args *args, const char *name, int64_t if_absent, int64_t *out,
                       fsm_error *err) {
  const char *text = cli_args_get(args, name);
  *out = if_absent;
  return text == NULL ? FSM_OK : fsm_time_parse(name, text, now_ns(), out, err);
}
