/* simulation_print.c: steps and statuses as people read them: a word that says what, then what.
 *
 * On a terminal a line is cut at its width with …; elsewhere nothing is cut.
 */
#include <string.h>

#include "tools/cli/definition/simulation.h"

enum { INDENT = 2, LABEL = 10, INDENTED = INDENT + LABEL };

typedef struct printer {
  cli_run *cli;
  fsm_arena arena;
} printer;

static const char *text(printer *p, const fsm_value *map, const char *name) {
  return cli_field(&p->arena, map, name);
}

static bool has(const fsm_value *map, const char *name) { return fsm_map_get(map, name) != NULL; }

static const char *json(printer *p, const fsm_value *value) {
  if (value == NULL) return "";
  fsm_buf buf = {0};
  fsm_json_write(&buf, value);
  const char *safe = cli_safe(&p->arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return safe;
}

/* Appends " {…}" when the member is there. */
static void add_json(printer *p, fsm_buf *line, const fsm_value *map, const char *name) {
  const fsm_value *value = fsm_map_get(map, name);
  if (value != NULL) fsm_buf_printf(line, " %s", json(p, value));
}

/* "  label     what"; takes and frees what. */
static void put(printer *p, const char *label, fsm_buf *what) {
  fsm_buf *out = &p->cli->text;
  unsigned columns = p->cli->screen.columns;
  fsm_buf_printf(out, "%*s%-*s", INDENT, "", LABEL, label);
  if (columns == 0)
    fsm_buf_str(out, fsm_buf_text(what));
  else
    cli_clip(out, fsm_buf_text(what), columns > INDENTED ? columns - INDENTED : 1);
  fsm_buf_char(out, '\n');
  fsm_buf_free(what);
}

static void put_text(printer *p, const char *label, const char *what) {
  fsm_buf line = {0};
  fsm_buf_str(&line, what);
  put(p, label, &line);
}

/* The same in as many lines as it takes: nothing of it is lost. */
static void put_whole(printer *p, const char *label, fsm_buf *what) {
  fsm_buf *out = &p->cli->text, lines = {0};
  unsigned columns = p->cli->screen.columns;
  if (columns > 0) columns = columns > 2 * INDENTED ? columns - INDENTED : INDENTED;
  cli_wrap(&lines, fsm_buf_text(what), columns, 0);
  fsm_buf_printf(out, "%*s%-*s", INDENT, "", LABEL, label);
  for (const char *at = fsm_buf_text(&lines); *at != 0; at++) {
    fsm_buf_char(out, *at);
    if (*at == '\n') fsm_buf_printf(out, "%*s", INDENTED, "");
  }
  fsm_buf_char(out, '\n');
  fsm_buf_free(&lines);
  fsm_buf_free(what);
}

static void put_names(printer *p, const char *label, const fsm_value *names) {
  fsm_buf line = {0};
  if (names == NULL || names->len == 0) return;
  fsm_buf_str(&line, cli_text(&p->arena, names));
  put_whole(p, label, &line);
}

/* ---- guards --------------------------------------------------------------------------------------- */

/* " [name: text]" */
static void add_guard(printer *p, fsm_buf *line, const fsm_value *candidate) {
  const char *name = text(p, candidate, "guard_name"), *guard = text(p, candidate, "guard");
  if (*guard != 0) fsm_buf_printf(line, " [%s%s%s]", name, *name == 0 ? "" : ": ", guard);
}

/* Why it is false. */
static void put_reason(printer *p, const fsm_value *candidate) {
  const fsm_value *seen = fsm_map_get(candidate, "seen");
  fsm_buf line = {0};
  const char *fault = text(p, candidate, "fault");
  if (*fault != 0) {
    fsm_buf_printf(&line, "fault: %s", fault);
    put_whole(p, "", &line);
  }
  const char *part = text(p, candidate, "false_part");
  if (*part != 0) {
    fsm_buf_printf(&line, "false: %s", part);
    put_whole(p, "", &line);
  }
  for (uint32_t i = 0; seen != NULL && i < seen->len; i++) {
    fsm_buf saw = {0};
    fsm_buf_printf(&saw, "saw:   %s = %s", cli_text(&p->arena, &seen->pairs[i].key),
                   json(p, &seen->pairs[i].value));
    put(p, "", &saw);
  }
}

/* "EVENT → targets [guard]" */
static void put_event(printer *p, const char *label, const fsm_value *event) {
  fsm_buf line = {0};
  const char *targets = text(p, event, "targets");
  fsm_buf_str(&line, text(p, event, "event"));
  if (*targets != 0) fsm_buf_printf(&line, " → %s", targets);
  add_guard(p, &line, event);
  put_whole(p, label, &line);
}

/* ---- a step --------------------------------------------------------------------------------------- */

static void put_taken(printer *p, const fsm_value *taken) {
  for (uint32_t i = 0; taken != NULL && i < taken->len; i++) {
    const fsm_value *one = &taken->items[i];
    fsm_buf line = {0};
    const char *targets = text(p, one, "targets"), *label = text(p, one, "label");
    fsm_buf_str(&line, text(p, one, "source"));
    if (*targets != 0) fsm_buf_printf(&line, " → %s", targets);
    if (*label != 0) fsm_buf_printf(&line, ": %s", label);
    put(p, i == 0 ? "took" : "", &line);
  }
}

static void put_changes(printer *p, const fsm_value *changes) {
  for (uint32_t i = 0; changes != NULL && i < changes->len; i++) {
    const fsm_value *one = &changes->items[i];
    fsm_buf line = {0};
    fsm_buf_printf(&line, "%s:", text(p, one, "field"));
    if (has(one, "from")) fsm_buf_printf(&line, " %s →", json(p, fsm_map_get(one, "from")));
    fsm_buf_printf(&line, " %s", has(one, "to") ? json(p, fsm_map_get(one, "to")) : "gone");
    put(p, i == 0 ? "context" : "", &line);
  }
}

static void put_effect(printer *p, const fsm_value *effect) {
  static const struct {
    const char *name, *label;
  } labels[] = {{"timer_set", "timer"},  {"timer_cancelled", "cancelled"},
                {"task_opened", "task"}, {"task_cancelled", "cancelled"},
                {"emitted", "emitted"},  {"logged", "logged"},
                {"sent", "sent"},        {"forwarded", "forwarded"}};
  const char *what = text(p, effect, "do"), *id = text(p, effect, "id"), *event = text(p, effect, "event"),
             *label = "";
  for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
    if (strcmp(labels[i].name, what) == 0) label = labels[i].label;
  fsm_buf line = {0};
  const char *src = text(p, effect, "src");
  if (strcmp(what, "task_opened") == 0)
    fsm_buf_printf(&line, *src == 0 || strcmp(src, id) == 0 ? "opened %s" : "opened %s: %s", id, src);
  else if (*event == 0)
    fsm_buf_str(&line, strcmp(what, "logged") == 0 ? text(p, effect, "label") : id);
  else
    fsm_buf_str(&line, event);
  if (strcmp(what, "timer_cancelled") == 0) fsm_buf_str(&line, " (timer)");
  if (strcmp(what, "task_cancelled") == 0) fsm_buf_str(&line, " (task)");
  add_json(p, &line, effect, "data");
  if (has(effect, "delay")) fsm_buf_printf(&line, " in %s", text(p, effect, "delay"));
  if (has(effect, "target")) fsm_buf_printf(&line, " to %s", text(p, effect, "target"));
  /* data alone begins without the space that parts it from a name */
  if (line.len > 0 && line.data[0] == ' ') memmove(line.data, line.data + 1, --line.len);
  put(p, label, &line);
}

static void put_microstep(printer *p, const fsm_value *micro, bool first) {
  const char *cause = text(p, micro, "cause");
  bool always = strcmp(cause, "always") == 0, raised = strcmp(cause, "raised") == 0;
  if (!first || raised) {
    fsm_buf line = {0};
    fsm_buf_printf(&line, "%s%s%s", cause, always ? "" : " ", always ? "" : text(p, micro, "trigger"));
    if (!always) add_json(p, &line, micro, "data");
    put(p, "then", &line);
  }
  put_taken(p, fsm_map_get(micro, "taken"));
  put_names(p, "exited", fsm_map_get(micro, "exited"));
  put_names(p, "entered", fsm_map_get(micro, "entered"));
  put_changes(p, fsm_map_get(micro, "context"));
  const fsm_value *effects = fsm_map_get(micro, "effects");
  for (uint32_t i = 0; effects != NULL && i < effects->len; i++) put_effect(p, &effects->items[i]);
}

static void put_outcome(printer *p, const fsm_value *step) {
  const char *outcome = text(p, step, "outcome");
  const fsm_value *error = fsm_map_get(step, "error"), *candidates = fsm_map_get(step, "candidates");
  if (error != NULL) {
    fsm_buf line = {0};
    fsm_buf_printf(&line, "%s: %s", text(p, error, "event"), text(p, error, "text"));
    put_whole(p, "unhandled", &line);
  } else if (strcmp(outcome, "ok") != 0) {
    put_text(p, "refused", fsm_code_text(fsm_code_of(outcome)));
  }
  for (uint32_t i = 0; candidates != NULL && i < candidates->len; i++) {
    fsm_buf line = {0};
    fsm_buf_str(&line, text(p, &candidates->items[i], "source"));
    add_guard(p, &line, &candidates->items[i]);
    put_whole(p, "guard", &line);
    put_reason(p, &candidates->items[i]);
  }
  if (has(step, "done") && strcmp(outcome, "completed") != 0) {
    fsm_buf line = {0};
    fsm_buf_str(&line, "completed");
    if (has(step, "output")) fsm_buf_str(&line, ", output");
    add_json(p, &line, step, "output");
    put(p, "ended", &line);
  }
}

static void put_heading(printer *p, const fsm_value *step, bool first_session) {
  fsm_buf line = {0};
  const fsm_value *event = fsm_map_get(step, "event");
  fsm_buf_printf(&line, "%s  ", text(p, step, "time"));
  if (event == NULL) {
    fsm_buf_str(&line, text(p, step, "what"));
  } else {
    const char *cause = text(p, event, "cause");
    if (strcmp(cause, "external") != 0) fsm_buf_printf(&line, "%s ", cause);
    fsm_buf_str(&line, text(p, event, "name"));
    add_json(p, &line, event, "data");
  }
  if (!first_session) fsm_buf_printf(&line, "  (%s %s)", text(p, step, "session"), text(p, step, "machine"));
  if (p->cli->screen.columns == 0)
    fsm_buf_str(&p->cli->text, fsm_buf_text(&line));
  else
    cli_clip(&p->cli->text, fsm_buf_text(&line), p->cli->screen.columns);
  fsm_buf_char(&p->cli->text, '\n');
  fsm_buf_free(&line);
}

void cli_simulation_print_step(cli_simulation *sim, const fsm_value *step) {
  printer p = {.cli = sim->cli};
  fsm_arena_init(&p.arena, 0);
  const fsm_value *microsteps = fsm_map_get(step, "microsteps"), *session = fsm_map_get(step, "session");
  bool first =
      sim->session == NULL || (session != NULL && fsm_is_text(session, fsm_session_id(sim->session)));
  put_heading(&p, step, first);
  for (uint32_t i = 0; microsteps != NULL && i < microsteps->len; i++)
    put_microstep(&p, &microsteps->items[i], i == 0);
  put_outcome(&p, step);
  fsm_arena_free(&p.arena);
}

/* ---- now ------------------------------------------------------------------------------------------ */

static void put_timers(printer *p, const fsm_value *session, const fsm_value *now) {
  const fsm_value *timers = fsm_map_get(session, "timers");
  for (uint32_t i = 0; timers != NULL && i < timers->len; i++) {
    const fsm_value *one = &timers->items[i];
    int64_t wait = 0;
    fsm_buf line = {0};
    (void)cli_since(now, fsm_map_get(one, "due"), &wait);
    char in[64];
    fsm_duration_format(wait, in, sizeof in);
    fsm_buf_printf(&line, "in %s, at %s: %s", in, text(p, one, "due"), text(p, one, "event"));
    if (has(one, "target")) fsm_buf_printf(&line, " to %s", text(p, one, "target"));
    put(p, i == 0 ? "timers" : "", &line);
  }
}

static void put_tasks(printer *p, const fsm_value *session) {
  const fsm_value *tasks = fsm_map_get(session, "tasks");
  for (uint32_t i = 0; tasks != NULL && i < tasks->len; i++) {
    const fsm_value *one = &tasks->items[i];
    const char *src = text(p, one, "src"), *child = text(p, one, "child"), *id = text(p, one, "id");
    fsm_buf line = {0};
    fsm_buf_str(&line, id);
    if (*src != 0 && strcmp(src, id) != 0) fsm_buf_printf(&line, " (%s)", src);
    fsm_buf_printf(&line, *child != 0 ? " is session %s" : " waits for: done, fail%s", child);
    put(p, i == 0 ? "tasks" : "", &line);
  }
}

/* Without its data, an event whose guard reads them is neither. */
typedef enum readiness { READY, NOT_READY, DEPENDS, READINESS_COUNT } readiness;

static readiness readiness_of(const fsm_value *event) {
  const fsm_value *enabled = fsm_map_get(event, "enabled");
  if (enabled != NULL && enabled->b) return READY;
  return has(event, "fault") ? DEPENDS : NOT_READY;
}

static void put_events(printer *p, const fsm_value *session) {
  static const char *const labels[READINESS_COUNT] = {"may send", "not now", "depends"};
  const fsm_value *events = fsm_map_get(session, "events");
  for (readiness how = READY; how < READINESS_COUNT; how++) {
    const char *label = labels[how];
    for (uint32_t i = 0; events != NULL && i < events->len; i++) {
      if (readiness_of(&events->items[i]) != how) continue;
      put_event(p, label, &events->items[i]);
      if (how != READY) put_reason(p, &events->items[i]);
      label = "";
    }
  }
}

static void put_session(printer *p, const fsm_value *session, const fsm_value *now, bool first) {
  if (!first) put_text(p, text(p, session, "id"), text(p, session, "machine"));
  put_names(p, "state", fsm_map_get(session, "state"));
  if (has(session, "done")) {
    put_text(p, "ended", has(session, "output") ? json(p, fsm_map_get(session, "output")) : "completed");
    return;
  }
  put_timers(p, session, now);
  put_tasks(p, session);
  put_events(p, session);
  if (!has(session, "timers") && !has(session, "tasks") && !has(session, "events"))
    put_text(p, "dead", "no event, timer or task can move it");
}

static bool asks_who_acts(printer *p, const fsm_value *session) {
  const fsm_value *events = fsm_map_get(session, "events");
  for (uint32_t i = 0; events != NULL && i < events->len; i++)
    if (strstr(text(p, &events->items[i], "fault"), "no such field actor") != NULL) return true;
  return false;
}

void cli_simulation_print_status(cli_simulation *sim, const fsm_value *status) {
  printer p = {.cli = sim->cli};
  fsm_arena_init(&p.arena, 0);
  const fsm_value *sessions = fsm_map_get(status, "sessions"), *now = fsm_map_get(status, "time");
  fsm_buf_printf(&sim->cli->text, "%s  now\n", cli_text(&p.arena, now));
  bool first = sessions != NULL && sessions->len > 0;
  if (has(status, "actor"))
    put_text(&p, "actor", json(&p, fsm_map_get(status, "actor")));
  else if (first && asks_who_acts(&p, &sessions->items[0]))
    put_text(&p, "actor", "nobody; say who: --actor JSON, or actor {\"sub\":\"anna\"}");
  for (uint32_t i = 0; sessions != NULL && i < sessions->len; i++)
    put_session(&p, &sessions->items[i], now, i == 0);
  fsm_buf_char(&sim->cli->text, '\n');
  fsm_arena_free(&p.arena);
}

void cli_simulation_json(cli_simulation *sim, const fsm_value *document) {
  if (!sim->cli->json) return;
  fsm_buf raw = {0};
  fsm_json_write(&raw, document);
  cli_escape_json(&sim->cli->text, fsm_buf_text(&raw), raw.len);
  fsm_buf_char(&sim->cli->text, '\n');
  if (!fsm_buf_ok(&raw)) sim->no_memory = true;
  fsm_buf_free(&raw);
}

/* After a refusal nothing is new: a guard's reason was just shown, and else what may be sent is enough. */
void cli_simulation_show_after(cli_simulation *sim, const cli_entry *entry) {
  bool refused = entry->outcome == FSM_EGUARD || entry->outcome == FSM_EEVENT ||
                 entry->outcome == FSM_ENOTRANSITION || entry->outcome == FSM_ECOMPLETED;
  if (sim->cli->json || !refused) {
    cli_simulation_show(sim);
    return;
  }
  printer p = {.cli = sim->cli};
  fsm_arena_init(&p.arena, 0);
  fsm_value names = cli_simulation_sendable(sim, &p.arena);
  if (entry->outcome != FSM_EGUARD) put_names(&p, "may send", &names);
  fsm_buf_char(&sim->cli->text, '\n');
  fsm_arena_free(&p.arena);
}

void cli_simulation_show(cli_simulation *sim) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_value status = cli_simulation_status(sim, &arena);
  if (fsm_is(&status, FSM_NULL)) sim->no_memory = true;
  if (sim->cli->json)
    cli_simulation_json(sim, &status);
  else
    cli_simulation_print_status(sim, &status);
  fsm_arena_free(&arena);
}
