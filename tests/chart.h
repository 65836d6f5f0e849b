/* chart.h: statecharts built by hand, and what a step did as a line of text, for the engine's tests.
 *
 * A test reads as a transcript: events in, lines out. A line names the cause and trigger, the leaves
 * before and after, then all that happened in order:
 *   external GO: a -> b; exit a; enter b; log "x"; timer+ t E 10ms; timer- t; task+ i null; task- i;
 *   emit E null; context {n: 1}
 * A refusal is its outcome's name.
 */
#ifndef TESTS_CHART_H
#define TESTS_CHART_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fsm/fsm.h"

static const fsm_world nobody = {.now_ns = 0}; /* no actor, 1970 */

/* ---- builders: compound literals that live as long as the block they are in -------------------- */

#define COUNT_OF(type, ...) (sizeof((type[]){__VA_ARGS__}) / sizeof(type))
#define TEXTS(...) \
  (const char *const[]) { __VA_ARGS__ }

#define STATE(n, k, ...) (&(const fsm_def_state){.name = (n), .kind = (k), .where = "/" n, __VA_ARGS__})
#define ATOMIC(n, ...) STATE(n, FSM_ATOMIC, __VA_ARGS__)
#define COMPOUND(n, ...) STATE(n, FSM_COMPOUND, __VA_ARGS__)
#define PARALLEL(n, ...) STATE(n, FSM_PARALLEL, __VA_ARGS__)
#define HISTORY(n, ...) STATE(n, FSM_HISTORY, __VA_ARGS__)
#define DEEP(n, ...) STATE(n, FSM_HISTORY, .deep = true, __VA_ARGS__)
#define FINAL(n, ...) STATE(n, FSM_FINAL, __VA_ARGS__)
#define CHILDREN(...)                                      \
  .children = (const fsm_def_state *const[]){__VA_ARGS__}, \
  .child_count = COUNT_OF(const fsm_def_state *, __VA_ARGS__)
#define ON(...)                                             \
  .transitions = (const fsm_def_transition[]){__VA_ARGS__}, \
  .transition_count = COUNT_OF(fsm_def_transition, __VA_ARGS__)
#define INITIAL(...) .initials = TEXTS(__VA_ARGS__), .initial_count = COUNT_OF(const char *, __VA_ARGS__)
#define INITIALLY(...)                                      \
  .initial_actions = (const fsm_def_action[]){__VA_ARGS__}, \
  .initial_action_count = COUNT_OF(fsm_def_action, __VA_ARGS__)
#define ENTRY(...) \
  .entry = (const fsm_def_action[]){__VA_ARGS__}, .entry_count = COUNT_OF(fsm_def_action, __VA_ARGS__)
#define EXIT(...) \
  .exit = (const fsm_def_action[]){__VA_ARGS__}, .exit_count = COUNT_OF(fsm_def_action, __VA_ARGS__)
#define INVOKES(...) \
  .invokes = (const fsm_def_invoke[]){__VA_ARGS__}, .invoke_count = COUNT_OF(fsm_def_invoke, __VA_ARGS__)
#define AFTERS(...) \
  .afters = (const fsm_def_after[]){__VA_ARGS__}, .after_count = COUNT_OF(fsm_def_after, __VA_ARGS__)
#define DO(...) \
  .actions = (const fsm_def_action[]){__VA_ARGS__}, .action_count = COUNT_OF(fsm_def_action, __VA_ARGS__)

/* Several targets: GO_ALL("E", TO("a", "b")). */
#define TO(...) .targets = TEXTS(__VA_ARGS__), .target_count = COUNT_OF(const char *, __VA_ARGS__)
#define GO_ALL(ev, ...) \
  { .events = TEXTS(ev), .event_count = 1, .internal = true, .where = "/on/" ev, __VA_ARGS__ }
/* XState's default: not re-entering. */
#define GO(ev, to, ...)                                                                               \
  {                                                                                                   \
    .events = TEXTS(ev), .event_count = 1, .targets = TEXTS(to), .target_count = 1, .internal = true, \
    .where = "/on/" ev, __VA_ARGS__                                                                   \
  }
#define REENTER(ev, to, ...)                                                                            \
  {                                                                                                     \
    .events = TEXTS(ev), .event_count = 1, .targets = TEXTS(to), .target_count = 1, .where = "/on/" ev, \
    __VA_ARGS__                                                                                         \
  }
#define STAY(ev, ...) \
  { .events = TEXTS(ev), .event_count = 1, .where = "/on/" ev, __VA_ARGS__ }
#define ALWAYS(to, ...) \
  { .targets = TEXTS(to), .target_count = 1, .internal = true, .where = "/always", __VA_ARGS__ }
#define ALWAYS_STAY(...) \
  { .where = "/always", __VA_ARGS__ }

#define LITERAL(...) (&(const fsm_def_value){.form = FSM_DEF_LITERAL, .literal = __VA_ARGS__})
#define STR(t) LITERAL({.type = FSM_STRING, .len = sizeof(t) - 1, .s = (t)})
#define INT(n) LITERAL({.type = FSM_INT, .i = (n)})
#define EXPR(t) (&(const fsm_def_value){.form = FSM_DEF_EXPR, .expr = (t), .where = "/expr"})
/* A map of one field whose value is an expression. */
#define FIELD(k, t)        \
  (&(const fsm_def_value){ \
      .form = FSM_DEF_MAP, \
      .count = 1,          \
      .keys = TEXTS(k),    \
      .items = &(const fsm_def_value){.form = FSM_DEF_EXPR, .expr = (t), .where = "/expr"}})

#define LOG(t) \
  { .kind = FSM_ACTION_LOG, .value = STR(t), .where = "/log" }
#define LOG_EXPR(t) \
  { .kind = FSM_ACTION_LOG, .value = EXPR(t), .where = "/log" }
#define ASSIGN(k, t) \
  { .kind = FSM_ACTION_ASSIGN, .value = FIELD(k, t), .where = "/assign" }
#define RAISE(ev, ...) \
  { .kind = FSM_ACTION_RAISE, .event = (ev), .where = "/raise", __VA_ARGS__ }
#define CANCEL(t) \
  { .kind = FSM_ACTION_CANCEL, .id = (t), .where = "/cancel" }
#define EMIT(ev, ...) \
  { .kind = FSM_ACTION_EMIT, .event = (ev), .where = "/emit", __VA_ARGS__ }

/* ---- a chart under test ------------------------------------------------------------------------ */

typedef struct chart {
  fsm_machine *machine;
  fsm_arena arena;
  fsm_buf text;
  fsm_snapshot now;
  fsm_step_result last;
} chart;

static inline void chart_value(fsm_buf *out, const fsm_value *v) {
  switch ((fsm_type)v->type) {
    case FSM_NULL: fsm_buf_str(out, "null"); break;
    case FSM_BOOL: fsm_buf_str(out, v->b ? "true" : "false"); break;
    case FSM_INT: fsm_buf_printf(out, "%" PRId64, v->i); break;
    case FSM_UINT: fsm_buf_printf(out, "%" PRIu64 "u", v->u); break;
    case FSM_DOUBLE: fsm_buf_printf(out, "%g", v->d); break;
    case FSM_STRING: fsm_buf_printf(out, "\"%.*s\"", (int)v->len, v->s); break;
    case FSM_LIST:
      fsm_buf_char(out, '[');
      for (uint32_t i = 0; i < v->len; i++) {
        if (i > 0) fsm_buf_str(out, ", ");
        chart_value(out, &v->items[i]);
      }
      fsm_buf_char(out, ']');
      break;
    case FSM_MAP:
      fsm_buf_char(out, '{');
      for (uint32_t i = 0; i < v->len; i++) {
        fsm_buf_printf(out, "%s%.*s: ", i > 0 ? ", " : "", (int)v->pairs[i].key.len, v->pairs[i].key.s);
        chart_value(out, &v->pairs[i].value);
      }
      fsm_buf_char(out, '}');
      break;
    default: fsm_buf_str(out, fsm_type_name((fsm_type)v->type));
  }
}

static inline void chart_states(chart *c, const uint16_t *states, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    const char *path = fsm_state_path(c->machine, states[i]);
    fsm_buf_printf(&c->text, " %s", path[0] != '\0' ? path : "(root)");
  }
}

static inline void chart_effect(chart *c, const fsm_effect *e) {
  switch (e->kind) {
    case FSM_EFFECT_TIMER_SET:
      fsm_buf_printf(&c->text, "; timer+ %s %s %gms", e->id, e->event, (double)e->delay_ns / 1e6);
      if (fsm_is(&e->data, FSM_NULL)) break;
      fsm_buf_char(&c->text, ' ');
      chart_value(&c->text, &e->data);
      break;
    case FSM_EFFECT_TIMER_CANCEL: fsm_buf_printf(&c->text, "; timer- %s", e->id); break;
    case FSM_EFFECT_TASK_OPEN:
      if (fsm_invoke_id(c->machine, e->invoke) != NULL)
        assert_string_equal(fsm_invoke_id(c->machine, e->invoke), e->id);
      fsm_buf_printf(&c->text, "; task+ %s ", e->id);
      chart_value(&c->text, &e->data);
      break;
    case FSM_EFFECT_TASK_CANCEL: fsm_buf_printf(&c->text, "; task- %s", e->id); break;
    case FSM_EFFECT_EMIT:
      fsm_buf_printf(&c->text, "; emit %s ", e->event);
      chart_value(&c->text, &e->data);
      break;
    case FSM_EFFECT_LOG:
      fsm_buf_str(&c->text, "; log ");
      chart_value(&c->text, &e->data);
      break;
    case FSM_EFFECT_SEND:
      fsm_buf_printf(&c->text, "; send %s %s to %s %gms", e->id, e->event, e->target,
                     (double)e->delay_ns / 1e6);
      if (fsm_is(&e->data, FSM_NULL)) break;
      fsm_buf_char(&c->text, ' ');
      chart_value(&c->text, &e->data);
      break;
    case FSM_EFFECT_FORWARD: fsm_buf_printf(&c->text, "; forward %s", e->id); break;
  }
}

static inline void chart_history(chart *c, const fsm_microstep *m) {
  fsm_buf_str(&c->text, "; history ");
  chart_value(&c->text, &m->history);
}

static inline void chart_microstep(chart *c, const fsm_microstep *m) {
  fsm_buf_printf(&c->text, "%s%s%s:", fsm_cause_name(m->cause), m->trigger[0] != '\0' ? " " : "", m->trigger);
  chart_states(c, m->from, m->from_count);
  fsm_buf_str(&c->text, " ->");
  chart_states(c, m->to, m->to_count);
  if (m->exited_count > 0) fsm_buf_str(&c->text, "; exit");
  chart_states(c, m->exited, m->exited_count);
  if (m->entered_count > 0) fsm_buf_str(&c->text, "; enter");
  chart_states(c, m->entered, m->entered_count);
  for (unsigned i = 0; i < m->effect_count; i++) chart_effect(c, &m->effects[i]);
  if (m->context_changed) {
    fsm_buf_str(&c->text, "; context ");
    chart_value(&c->text, &m->context);
  }
  if (m->history_changed) chart_history(c, m);
  fsm_buf_char(&c->text, '\n');
}

/* What the last step did; "" for a step without a microstep. Valid until the next call. */
static inline const char *chart_text(chart *c) {
  const fsm_step_result *r = &c->last;
  fsm_buf_reset(&c->text);
  for (unsigned i = 0; i < r->microstep_count; i++) chart_microstep(c, &r->microsteps[i]);
  if (r->outcome != FSM_OK) fsm_buf_printf(&c->text, "%s\n", fsm_code_name(r->outcome));
  if (r->unhandled != NULL) fsm_buf_printf(&c->text, "unhandled %s: %s\n", r->unhandled, r->unhandled_text);
  if (r->next.done && r->microstep_count > 0) {
    fsm_buf_str(&c->text, "done ");
    chart_value(&c->text, &r->next.output);
    fsm_buf_char(&c->text, '\n');
  }
  return fsm_buf_text(&c->text);
}

static inline void chart_open_with(chart *c, const fsm_def_state *root, const fsm_def_value *context) {
  fsm_error err = {0};
  *c = (chart){0};
  fsm_arena_init(&c->arena, 0);
  fsm_def def = {.root = root, .context = context};
  if (fsm_machine_compile(&def, &c->machine, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
}

static inline void chart_open(chart *c, const fsm_def_state *root) { chart_open_with(c, root, NULL); }

static inline void chart_open_def(chart *c, const fsm_def *def) {
  fsm_error err = {0};
  *c = (chart){0};
  fsm_arena_init(&c->arena, 0);
  if (fsm_machine_compile(def, &c->machine, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
}

/* The same chart as SCXML reads it. */
static inline void chart_open_scxml(chart *c, const fsm_def_state *root) {
  chart_open_def(c, &(const fsm_def){.root = root, .dialect = FSM_SCXML});
}

static inline void chart_close(chart *c) {
  fsm_machine_free(c->machine);
  fsm_arena_free(&c->arena);
  fsm_buf_free(&c->text);
}

static inline const char *chart_start_with(chart *c, const fsm_value *input) {
  fsm_error err = {0};
  if (fsm_start(c->machine, input, &nobody, &c->arena, &c->last, &err) != FSM_OK)
    fail_msg("%s: %s", err.where, err.text);
  c->now = c->last.next;
  return chart_text(c);
}

static inline const char *chart_start(chart *c) { return chart_start_with(c, NULL); }

static inline const char *chart_send_event(chart *c, fsm_event event) {
  fsm_error err = {0};
  if (fsm_step(c->machine, &c->now, &event, &nobody, &c->arena, &c->last, &err) != FSM_OK)
    fail_msg("%s: %s", err.where, err.text);
  c->now = c->last.next;
  return chart_text(c);
}

static inline const char *chart_send(chart *c, const char *name) {
  return chart_send_event(c, (fsm_event){.name = name});
}

#endif
