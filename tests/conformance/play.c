/* play.c: a case from its start to its verdict. */
#include "play.h"

#include <stdio.h>
#include <string.h>

enum { TICKS_MAX = 1000 };
#define HOUR_NS INT64_C(3600000000000)

/* A run under way. plain is the run before this one, NULL when this is it. */
typedef struct play {
  conformance *run;
  stage *stage;
  const stage *plain;
  unsigned tick; /* of plain: the next one */
} play;

/* ---- the clock ------------------------------------------------------------------------------------------
 */

static int64_t latest_due(const fsm_session *session) {
  int64_t latest = INT64_MIN;
  fsm_session_timer timer;
  for (unsigned i = 0; fsm_session_timer_at(session, i, &timer); i++)
    if (timer.due_ns > latest) latest = timer.due_ns;
  return latest;
}

/* How far the clock can be moved at once by to_ns: past two times at least at which something is due; 0 =
 * it cannot. Nothing matters behind the end of the session, so a last jump goes past all that is set. */
static int64_t jump_by(play *p, int64_t to_ns) {
  const stage *plain = p->plain;
  unsigned can = stage_can_jump(plain, p->tick, fsm_sessions_now(p->stage->sessions), to_ns);
  if (can == 0) return 0;
  int64_t by = plain->ticks[p->tick + can - 1].due_ns, due;
  bool over = p->tick + can == plain->tick_count && fsm_session_snapshot(plain->root)->done;
  if (over && latest_due(p->stage->root) > by) by = latest_due(p->stage->root);
  return fsm_sessions_next_due(p->stage->sessions, &due) && due < by && by <= to_ns ? by : 0;
}

/* The next time to move the clock to on the way to to_ns: the last of those that can be jumped over at once,
 * otherwise the next at which something is due. */
static fsm_code next_time(play *p, int64_t due_ns, int64_t to_ns, fsm_error *err) {
  stage *s = p->stage;
  int64_t by = p->plain && p->run->jump ? jump_by(p, to_ns) : 0;
  int64_t to = by ? by : due_ns;
  while (p->plain && p->tick < p->plain->tick_count && p->plain->ticks[p->tick].due_ns <= to) p->tick++;
  if (!by) return stage_advance(s, to, err);
  p->run->jumps++;
  return fsm_sessions_jump(s->sessions, to, err);
}

static fsm_code clock_to(play *p, int64_t to_ns, fsm_error *err) {
  int64_t due;
  while (fsm_sessions_next_due(p->stage->sessions, &due) && due <= to_ns) {
    fsm_code code = next_time(p, due, to_ns, err);
    if (code != FSM_OK) return code;
  }
  return stage_advance(p->stage, to_ns, err);
}

/* ---- one run: NULL = as expected, otherwise the first difference ------------------------------------------
 */

static const char *fault_text(stage *s, const char *when, const fsm_error *err) {
  return fsm_arena_printf(&s->arena, "%s: %s: %s%s%s", when, fsm_code_name(err->code), err->where,
                          *err->where ? ": " : "", err->text);
}

static const char *compare(stage *s, const char *when, const char *expected) {
  const char *got = stage_leaves(s, &s->arena);
  if (!expected || strcmp(expected, got) == 0) return NULL;
  return fsm_arena_printf(&s->arena, "%s: expected [%s], got [%s]", when, expected, got);
}

static const char *run_script(play *p, const scenario *script) {
  stage *s = p->stage;
  fsm_error err = {0};
  const char *difference = compare(s, "after the start", script->initial);
  for (unsigned i = 0; !difference && i < script->count; i++) {
    const script_step *step = &script->steps[i];
    fsm_code code = FSM_OK;
    if (step->after_ns) code = clock_to(p, fsm_sessions_now(s->sessions) + step->after_ns, &err);
    if (code == FSM_OK) code = stage_send(s, step->event, &err);
    const char *when = fsm_arena_printf(&s->arena, "after event %u, %s", i + 1, step->event);
    difference = code == FSM_OK ? compare(s, when, step->expected) : fault_text(s, when, &err);
  }
  return difference;
}

static const char *run_until(play *p, const char *state) {
  stage *s = p->stage;
  fsm_error err = {0};
  int64_t due;
  for (unsigned i = 0; i < TICKS_MAX && !fsm_session_snapshot(s->root)->done; i++) {
    if (!fsm_sessions_next_due(s->sessions, &due) || due > HOUR_NS) break;
    if (next_time(p, due, HOUR_NS, &err) != FSM_OK) return fault_text(s, "while time passed", &err);
  }
  if (stage_ended_in(s, state)) return NULL;
  return fsm_arena_printf(&s->arena, "expected to end in %s, is in [%s]%s", state, stage_leaves(s, &s->arena),
                          fsm_session_snapshot(s->root)->done ? "" : " and has not ended");
}

/* ---- a case
 * ------------------------------------------------------------------------------------------------ */

static const char *one(conformance *run, stage *s, const stage *plain, const stage_source *source,
                       const scenario *script, const char *state) {
  fsm_error err = {0};
  if (stage_open(s, source, plain && run->round_trip, &err) != FSM_OK)
    return fault_text(s, "the start", &err);
  play p = {.run = run, .stage = s, .plain = plain};
  return script ? run_script(&p, script) : run_until(&p, state);
}

static void both(conformance *run, const char *name, const stage_source *source, const scenario *script,
                 const char *state) {
  static stage plain, again; /* large, and one case is played at a time */
  const char *difference = one(run, &plain, NULL, source, script, state);
  bool twice = !difference && (run->round_trip || run->jump);
  if (twice) {
    difference = one(run, &again, &plain, source, script, state);
    if (!difference) difference = trace_difference(&plain.trace, &again.trace, &again.arena);
  }
  if (difference)
    report_fail(run, name, "%s%s", twice ? "the second time: " : "", difference);
  else
    report_pass(run, name);
  if (difference && run->verbose) fputs(fsm_buf_text(twice ? &again.trace : &plain.trace), stderr);
  if (twice) stage_close(&again);
  stage_close(&plain);
}

void play_script(conformance *run, const char *name, const stage_source *source, const scenario *script) {
  both(run, name, source, script, NULL);
}

void play_until(conformance *run, const char *name, const stage_source *source, const char *state) {
  both(run, name, source, NULL, state);
}
