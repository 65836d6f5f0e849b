/* trace.c: a run as text, a line per macrostep. */
#include <string.h>

#include "schema/json.h"
#include "stage.h"

static void leaves(fsm_buf *out, const fsm_machine *m, const uint64_t *config) {
  fsm_buf_str(out, " [");
  const char *gap = "";
  for (unsigned i = 0; config && i < fsm_machine_states(m); i++) {
    if (!fsm_config_has(config, i) || !fsm_state_is_leaf(m, i)) continue;
    fsm_buf_str(out, gap);
    fsm_buf_str(out, fsm_state_path(m, i));
    gap = " ";
  }
  fsm_buf_char(out, ']');
}

static const char *const effect_names[] = {"timer+", "timer-", "task+", "task-",
                                           "emit",   "log",    "send",  "forward"};

static void effect(fsm_buf *out, const fsm_effect *e) {
  fsm_buf_printf(out, "; %s", effect_names[e->kind]);
  if (e->id) fsm_buf_printf(out, " #%s", e->id);
  if (e->event) fsm_buf_printf(out, " %s", e->event);
  if (e->target) fsm_buf_printf(out, " to %s", e->target);
  if (e->delay_ns) fsm_buf_printf(out, " in %lldms", (long long)(e->delay_ns / 1000000));
  if (e->data.type == FSM_NULL) return;
  fsm_buf_char(out, ' ');
  fsm_json_write(out, &e->data);
}

void trace_step(void *arg, const fsm_session *session, const fsm_event *event,
                const fsm_step_result *result) {
  stage *s = arg;
  fsm_buf *out = &s->trace;
  const fsm_snapshot *now = fsm_session_snapshot(session);
  fsm_buf_printf(out, "%s %s: %s", fsm_session_id(session), event ? event->name : "(start or stop)",
                 fsm_code_name(result->outcome));
  leaves(out, fsm_session_machine(session), now->config);
  fsm_buf_str(out, now->done ? " done " : " ");
  fsm_json_write(out, &now->context);
  for (unsigned i = 0; i < result->microstep_count; i++)
    for (unsigned k = 0; k < result->microsteps[i].effect_count; k++)
      effect(out, &result->microsteps[i].effects[k]);
  if (result->unhandled)
    fsm_buf_printf(out, "; unhandled %s: %s", result->unhandled,
                   result->unhandled_text ? result->unhandled_text : "");
  fsm_buf_char(out, '\n');
}

static size_t line_length(const char *text) { return strcspn(text, "\n"); }

const char *trace_difference(fsm_buf *a, fsm_buf *b, fsm_arena *arena) {
  const char *x = fsm_buf_text(a), *y = fsm_buf_text(b);
  for (unsigned line = 1; *x || *y; line++) {
    size_t n = line_length(x), k = line_length(y);
    if (n != k || memcmp(x, y, n) != 0)
      return fsm_arena_printf(arena, "macrostep %u: plain: %.*s; now: %.*s", line, (int)n, x, (int)k, y);
    x += n + (x[n] != 0);
    y += k + (y[k] != 0);
  }
  return NULL;
}
