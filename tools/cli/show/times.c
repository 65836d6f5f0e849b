/* times.c: times and places in the log as people type them. */
#include "tools/cli/show/times.h"

#include <errno.h>
#include <stdlib.h>

#include "runtime/clock.h"
#include "runtime/filter.h"

fsm_code cli_when_parse(const char *name, const char *text, cli_when *out, fsm_error *err) {
  *out = (cli_when){.is_seq = text[0] == '@'};
  if (!out->is_seq) return fsm_time_parse(name, text, fsm__wall_ns(), &out->ns, err);
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
  return text == NULL ? FSM_OK : fsm_time_parse(name, text, fsm__wall_ns(), out, err);
}
