/* publish_kinds.c: the kinds of sinks that this build has, a row each. */
#include "runtime/publish_kinds.h"

#include <string.h>

static const struct {
  const char *name;
  fsm__sink_make_fn make;
} rows[] = {
#define X(name, make) {name, make},
    FSM_SINK_KINDS(X)
#undef X
};

fsm_code fsm__sink_make(const fsm__sink_config *config, const fsm__sink_env *env, fsm__sink **out,
                        fsm_error *err) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].name, config->kind) == 0) return rows[i].make(config, env, out, err);
  return fsm_fail(err, FSM_EUNSUPPORTED, "kind", "this program has no sinks of kind %s", config->kind);
}
