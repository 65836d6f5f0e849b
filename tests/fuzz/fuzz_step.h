/* fuzz_step.h: target step: random small machines under random events. What must hold of every step
 * stands in step_expect; the definition target walks its machines with it too. */
#ifndef FSM_TESTS_FUZZ_STEP_H
#define FSM_TESTS_FUZZ_STEP_H

#include "schema/definition.h"
#include "tests/fuzz/fuzz_expr.h"
#include "tests/fuzz/fuzz_values.h"

/* ---- what must hold ------------------------------------------------------------------------------ */

static inline bool step_same_config(const fsm_machine *m, const uint64_t *a, const uint64_t *b) {
  return memcmp(a, b, fsm_machine_words(m) * sizeof *a) == 0;
}

static inline bool step_same_leaves(const uint16_t *a, unsigned a_count, const uint16_t *b,
                                    unsigned b_count) {
  return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof *a) == 0);
}

/* What can be kept: a map that packs and comes back. */
static inline bool step_context_keeps(fuzz_run *run, const fsm_value *context) {
  fsm_buf buf = {0};
  fsm_value back;
  fsm_code code = fsm_is(context, FSM_MAP) ? fsm_pack(&buf, context, NULL) : FSM_EARGUMENT;
  /* What JSON and CEL can make but the log cannot hold: not finite, or too deep. */
  bool good = code == FSM_OK ? fsm_unpack(&run->arena, buf.data, buf.len, &back, NULL) == FSM_OK &&
                                   fsm_value_same(context, &back)
                             : fsm_is(context, FSM_MAP);
  fsm_buf_free(&buf);
  return good;
}

static inline void step_expect_microstep(fuzz_run *run, const fsm_machine *m, const fsm_microstep *step,
                                         const fsm_microstep *before) {
  if (before)
    fuzz_expect(run, step_same_leaves(before->to, before->to_count, step->from, step->from_count),
                "a microstep begins where the last one ended");
  uint64_t *config = fuzz_take(run, fsm_machine_words(m), sizeof *config);
  fuzz_expect(run, fsm_config_from_leaves(m, step->to, step->to_count, config),
              "a microstep ends in a legal configuration");
  for (unsigned i = 0; i < step->transition_count; i++)
    fuzz_expect(run, step->transitions[i] < fsm_machine_transitions(m), "a transition is one of the machine");
  for (unsigned i = 0; i < step->effect_count; i++) {
    const fsm_effect *e = &step->effects[i];
    bool timer = e->kind == FSM_EFFECT_TIMER_SET || e->kind == FSM_EFFECT_TIMER_CANCEL;
    if (timer) fuzz_expect(run, e->id && strlen(e->id) <= FSM_TIMER_ID_MAX, "a timer has an id that fits");
    if (e->kind == FSM_EFFECT_TIMER_SET)
      fuzz_expect(run, e->delay_ns >= 0 && e->event && *e->event, "a timer has a delay and an event");
    if (e->kind == FSM_EFFECT_TASK_OPEN)
      fuzz_expect(run, e->invoke < fsm_machine_invokes(m) && strcmp(e->id, fsm_invoke_id(m, e->invoke)) == 0,
                  "a task is an invoke of the machine");
  }
  /* Packing each context of a long loop would be all that is done here. */
  if (!before || fuzz_one_in(run, 16))
    fuzz_expect(run, step_context_keeps(run, &step->context), "a context is a map that keeps its value");
}

static inline void step_expect(fuzz_run *run, const fsm_machine *m, const fsm_snapshot *before,
                               const fsm_step_result *r) {
  fuzz_expect(run, r->microstep_count <= FSM_MICROSTEPS_MAX, "the microsteps are bounded");
  for (unsigned i = 0; i < r->microstep_count; i++)
    step_expect_microstep(run, m, &r->microsteps[i], i ? &r->microsteps[i - 1] : NULL);
  fuzz_expect(run, (r->unhandled == NULL) == (r->unhandled_text == NULL), "an unhandled error has a cause");
  bool rolled_back = r->outcome == FSM_ELOOP || r->outcome == FSM_ETOOLARGE;
  bool refused = r->outcome == FSM_EGUARD || r->outcome == FSM_ENOTRANSITION || r->outcome == FSM_EEVENT ||
                 r->outcome == FSM_ECOMPLETED;
  fuzz_expect(run, refused || rolled_back || r->outcome == FSM_OK || r->outcome == FSM_EEXPRESSION,
              "the outcome is one of those named");
  if (!r->next.config) {
    fuzz_expect(run, !before && rolled_back, "only a start that is rolled back has no configuration");
    return;
  }
  fuzz_expect(run, fsm_config_legal(m, r->next.config), "the configuration after a step is legal");
  fuzz_expect(run, step_context_keeps(run, &r->next.context),
              "the context after a step is a map that keeps its value");
  if (before) {
    fuzz_expect(run, r->next.counter >= before->counter, "the counter only grows");
    if (refused || rolled_back)
      fuzz_expect(run,
                  step_same_config(m, before->config, r->next.config) && r->next.counter == before->counter &&
                      fsm_value_same(&before->context, &r->next.context) && r->microstep_count == 0,
                  "a refusal changes nothing");
    if (r->outcome == FSM_EGUARD) fuzz_expect(run, r->candidate_count > 0, "a guard that refused is named");
  }
  if (r->microstep_count > 0) {
    const fsm_microstep *last = &r->microsteps[r->microstep_count - 1];
    uint64_t *config = fuzz_take(run, fsm_machine_words(m), sizeof *config);
    fuzz_expect(run,
                fsm_config_from_leaves(m, last->to, last->to_count, config) &&
                    step_same_config(m, config, r->next.config),
                "the last microstep ends in the configuration after");
    fuzz_expect(run, fsm_value_same(&last->context, &r->next.context),
                "the last microstep has the context after");
  }
}

static inline void step_expect_enabled(fuzz_run *run, const fsm_machine *m, const fsm_snapshot *now) {
  const fsm_enabled_event *events = NULL;
  unsigned count = 0;
  fsm_error err = fuzz_error();
  fsm_code code = fsm_enabled(m, now, &(fsm_world){0}, &run->arena, &events, &count, &err);
  if (!fuzz_expect_error(run, code, &err)) return;
  for (unsigned i = 0; i < count; i++)
    fuzz_expect(run,
                events[i].event && events[i].candidate.transition < fsm_machine_transitions(m) &&
                    fsm_config_has(now->config, events[i].candidate.source),
                "what may be sent is a transition of an active state");
}

/* ---- a walk -------------------------------------------------------------------------------------- */

/* An event that the last steps asked for, or any. */
static inline fsm_event step_event(fuzz_run *run, const fsm_machine *m, const fsm_step_result *last) {
  static const char *const names[] = {"E0",
                                      "E1",
                                      "E2",
                                      "E3",
                                      "E4",
                                      "GO",
                                      "ADD",
                                      "NEXT",
                                      "SUBMIT",
                                      "APPROVE",
                                      "REJECT",
                                      "RETRY",
                                      "nobody",
                                      "",
                                      "xstate.init",
                                      "a.b.c",
                                      "error.execution",
                                      "*"};
  fsm_event event = {.name = names[fuzz_below(run, sizeof names / sizeof *names)],
                     .cause = FSM_CAUSE_EXTERNAL};
  event.data = fuzz_one_in(run, 3)
                   ? expr_tree(run, "{\"reason\":\"x\",\"n\":1,\"name\":2,\"type\":3,\"data\":4}")
                   : fsm_null();
  if (fuzz_one_in(run, 3)) return event;
  for (unsigned i = 0; i < last->microstep_count; i++) {
    for (unsigned e = 0; e < last->microsteps[i].effect_count; e++) {
      const fsm_effect *effect = &last->microsteps[i].effects[e];
      if (!fuzz_one_in(run, 2)) continue;
      if (effect->kind == FSM_EFFECT_TIMER_SET)
        return (fsm_event){.name = effect->event, .data = effect->data, .cause = FSM_CAUSE_TIMER};
      if (effect->kind == FSM_EFFECT_TASK_OPEN)
        return (fsm_event){.name = fsm_arena_printf(&run->arena, "xstate.%s.actor.%s",
                                                    fuzz_one_in(run, 2) ? "done" : "error",
                                                    fsm_invoke_id(m, effect->invoke)),
                           .data = event.data,
                           .cause = FSM_CAUSE_TASK};
    }
  }
  return event;
}

static inline void step_once(fuzz_run *run, const fsm_machine *m, fsm_snapshot *now, fsm_step_result *last) {
  fsm_event event = step_event(run, m, last);
  fsm_value actor = fsm_null();
  fsm_error err = fuzz_error();
  fsm_step_result again;
  size_t bytes = fsm_machine_words(m) * sizeof(uint64_t);
  uint64_t *kept = fuzz_take(run, 1, bytes);
  memcpy(kept, now->config, bytes);
  int64_t now_ns = (int64_t)fuzz_edge(run);
  fuzz_expect(run, fsm_config_legal(m, now->config), "the configuration before a step is legal");
  fsm_code code =
      fsm_step(m, now, &event, &(fsm_world){.actor = &actor, .now_ns = now_ns}, &run->arena, last, &err);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code != FSM_OK) {
    fuzz_expect(run, code == FSM_EARGUMENT && event.name[0] == '\0',
                "a step with a name is never a fault of the call");
    return;
  }

  fuzz_expect(run, memcmp(kept, now->config, bytes) == 0, "a step leaves its snapshot alone");
  step_expect(run, m, now, last);
  code = fsm_step(m, now, &event, &(fsm_world){.actor = &actor, .now_ns = now_ns}, &run->arena, &again, &err);
  fuzz_expect(run,
              code == FSM_OK && again.outcome == last->outcome &&
                  again.microstep_count == last->microstep_count &&
                  again.next.counter == last->next.counter &&
                  step_same_config(m, again.next.config, last->next.config) &&
                  fsm_value_same(&again.next.context, &last->next.context),
              "the same step twice is the same");
  *now = last->next;
}

static inline void step_walk(fuzz_run *run, const fsm_machine *m, unsigned events) {
  fsm_value input = expr_tree(run,
                              "{\"id\":\"d-1\",\"n\":3,\"title\":\"Desk\",\"amount\":120.5,\"department\":"
                              "\"it\",\"submitter\":\"ann\"}");
  fsm_step_result result;
  fsm_error err = fuzz_error();
  fsm_code code = fsm_start(m, &input, &(fsm_world){0}, &run->arena, &result, &err);
  if (!fuzz_expect_error(run, code, &err) || code != FSM_OK) {
    fuzz_expect(run, code == FSM_EEXPRESSION || code == FSM_ETOOLARGE,
                "a start that fails is the context's fault");
    return;
  }
  step_expect(run, m, NULL, &result);
  if (!result.next.config) return;
  fsm_snapshot now = result.next;
  for (unsigned i = 0; i < events && !run->failure[0]; i++) {
    step_once(run, m, &now, &result);
    if (!run->failure[0]) step_expect_enabled(run, m, &now);
  }
}

/* ---- random machines ----------------------------------------------------------------------------- */

enum { STEP_STATES = 12 };

static inline const char *step_expr(fuzz_run *run, bool guard) {
  static const char *const guards[] = {"context.n < 3",
                                       "context.n >= 2",
                                       "true",
                                       "false",
                                       "In('s1')",
                                       "event.reason == 'x'",
                                       "context.none.x == 1",
                                       "size(context.l) < 4",
                                       "context.n % 2 == 0"};
  static const char *const values[] = {"context.n + 1",
                                       "0",
                                       "event.data",
                                       "input",
                                       "context.l + [context.n]",
                                       "[context.l, context.l]",
                                       "1 / 0",
                                       "context",
                                       "now",
                                       "'x' + string(context.n)",
                                       "1.0 / 0.0",
                                       "b'ab'",
                                       "event"};
  return guard ? guards[fuzz_below(run, sizeof guards / sizeof *guards)]
               : values[fuzz_below(run, sizeof values / sizeof *values)];
}

static inline void step_make_target(fuzz_run *run, fsm_buf *b) {
  if (fuzz_one_in(run, 8))
    fsm_buf_str(b, "\"target\":\"#h\",");
  else
    fsm_buf_printf(b, "\"target\":\"#s%zu\",", fuzz_below(run, STEP_STATES));
  if (fuzz_one_in(run, 4)) fsm_buf_str(b, "\"reenter\":true,");
}

static inline void step_make_action(fuzz_run *run, fsm_buf *b) {
  switch (fuzz_below(run, 7)) {
    case 0:
    case 1:
      fsm_buf_printf(b, "{\"type\":\"@xstate.assign\",\"context\":{\"%s\":{\"@expr\":\"%s\"}}}",
                     fuzz_one_in(run, 2) ? "n" : "l", step_expr(run, false));
      return;
    case 2:
      fsm_buf_printf(b, "{\"type\":\"@xstate.raise\",\"event\":{\"type\":\"E%zu\"}}", fuzz_below(run, 5));
      return;
    case 3:
      fsm_buf_printf(b, "{\"type\":\"@xstate.raise\",\"event\":{\"type\":\"E%zu\"},\"delay\":%zu%s}",
                     fuzz_below(run, 5), fuzz_below(run, 1000), fuzz_one_in(run, 2) ? ",\"id\":\"t\"" : "");
      return;
    case 4: fsm_buf_str(b, "{\"type\":\"@xstate.cancel\",\"id\":\"t\"}"); return;
    case 5: fsm_buf_str(b, "{\"type\":\"@xstate.emit\",\"event\":{\"type\":\"OUT\"}}"); return;
    default:
      fsm_buf_printf(b, "{\"type\":\"@xstate.log\",\"args\":[{\"@expr\":\"%s\"}]}", step_expr(run, false));
  }
}

static inline void step_make_actions(fuzz_run *run, fsm_buf *b, const char *name) {
  fsm_buf_printf(b, "\"%s\":[", name);
  for (size_t i = 1 + fuzz_below(run, 3); i--;) {
    step_make_action(run, b);
    if (i) fsm_buf_char(b, ',');
  }
  fsm_buf_char(b, ']');
}

/* {target? guard? actions} */
static inline void step_make_transition(fuzz_run *run, fsm_buf *b, bool guarded) {
  fsm_buf_char(b, '{');
  if (!fuzz_one_in(run, 4)) step_make_target(run, b);
  if (guarded || fuzz_one_in(run, 3))
    fsm_buf_printf(b, "\"guard\":{\"@expr\":\"%s\"},", step_expr(run, true));
  step_make_actions(run, b, "actions");
  fsm_buf_char(b, '}');
}

static inline void step_make_on(fuzz_run *run, fsm_buf *b) {
  static const char *const names[] = {"E0", "E1", "E2", "E3", "E4", "*", "a.*", "error.execution"};
  fsm_buf_str(b, ",\"on\":{");
  size_t first = fuzz_below(run, 6);
  for (size_t i = 0; i <= first; i++) {
    fsm_buf_printf(b, "%s\"%s\":", i ? "," : "", names[(first + i) % 8]);
    step_make_transition(run, b, false);
  }
  fsm_buf_char(b, '}');
}

/* State s and, below it, some of those that follow; returns the first number not used. */
static inline size_t step_make_state(fuzz_run *run, fsm_buf *b, size_t s, size_t end, unsigned depth) {
  size_t next = s + 1;
  bool compound = depth < 3 && next < end && fuzz_one_in(run, 2);
  fsm_buf_printf(b, "\"s%zu\":{\"id\":\"s%zu\"", s, s);
  if (!compound && s > 0 && fuzz_one_in(run, 5)) {
    fsm_buf_str(b, ",\"type\":\"final\"}");
    return next;
  }
  if (fuzz_one_in(run, 2)) step_make_on(run, b);
  if (fuzz_one_in(run, 6)) {
    fsm_buf_str(b, ",\"always\":");
    step_make_transition(run, b, true);
  }
  if (fuzz_one_in(run, 3)) fsm_buf_char(b, ','), step_make_actions(run, b, "entry");
  if (fuzz_one_in(run, 3)) fsm_buf_char(b, ','), step_make_actions(run, b, "exit");
  if (fuzz_one_in(run, 4)) {
    fsm_buf_printf(b, ",\"after\":{\"%zu\":", fuzz_below(run, 5000));
    step_make_transition(run, b, false);
    fsm_buf_char(b, '}');
  }
  if (fuzz_one_in(run, 4)) {
    fsm_buf_str(b, ",\"invoke\":{\"src\":\"svc\",\"input\":{\"@expr\":\"context\"},\"onDone\":");
    step_make_transition(run, b, false);
    fsm_buf_char(b, '}');
  }
  if (compound) {
    if (fuzz_one_in(run, 3))
      fsm_buf_str(b, ",\"type\":\"parallel\",\"states\":{");
    else
      fsm_buf_printf(b, ",\"initial\":\"s%zu\",\"states\":{", next);
    size_t last = next + 1 + fuzz_below(run, end - next);
    for (bool first = true; next < last; first = false) {
      if (!first) fsm_buf_char(b, ',');
      next = step_make_state(run, b, next, last, depth + 1);
    }
    if (fuzz_one_in(run, 3))
      fsm_buf_printf(b, ",\"h\":{\"type\":\"history\"%s}",
                     fuzz_one_in(run, 2) ? ",\"history\":\"deep\"" : "");
    fsm_buf_char(b, '}');
    if (fuzz_one_in(run, 2)) {
      fsm_buf_str(b, ",\"onDone\":");
      step_make_transition(run, b, false);
    }
  }
  fsm_buf_char(b, '}');
  return next;
}

static inline void step_open(fuzz_run *run) { run->tokens = expr_tokens; }

static inline void step_one(fuzz_run *run) {
  fsm_buf b = {0};
  fsm_buf_str(&b, "{\"id\":\"m\",\"initial\":\"s0\",\"context\":{\"n\":0,\"l\":[]},\"states\":{");
  for (size_t s = 0; s < STEP_STATES;) {
    if (s) fsm_buf_char(&b, ',');
    s = step_make_state(run, &b, s, STEP_STATES, 0);
  }
  fsm_buf_printf(&b, ",\"h\":{\"id\":\"h\",\"type\":\"history\"%s}",
                 fuzz_one_in(run, 2) ? ",\"history\":\"deep\"" : "");
  fsm_buf_str(&b, "}}");
  fuzz_input(run, fsm_buf_text(&b), b.len);
  fsm_buf_free(&b);
  fsm_definition *definition = NULL;
  fsm_error err = fuzz_error();
  fsm_code code = fsm_definition_load((const char *)run->input, run->input_len, &definition, &err);
  if (code != FSM_OK) fuzz_say("fuzz: %s: %s\n", err.where, err.text);
  if (!fuzz_expect(run, code == FSM_OK, "a machine that was made well loads")) return;
  fuzz_count(run, FSM_OK);
  step_walk(run, fsm_definition_machine(definition), 12);
  fsm_definition_free(definition);
}

#endif
