/* drive_differential.c: our side of the test against XState (tests/differential): cases in, transcripts out,
 * a line of JSON each.
 *
 *   {"id", "machine": a definition, "steps": [{"send": {"type", …data}} | {"advance": ms} |
 *                                              {"answer": invoke id, "failed"?, "data"}]}
 *   {"id", "transcript": [after the start and after each step:
 *       {"state": [leaves], "context", "status": active | done | error | loop, "output"?, "taken"?,
 *        "log": […], "emit": […], "tasks": {invoke id: input}}]}  or  {"id", "refused": why}
 *
 * A transcript ends at a status that is not active. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsm/session.h"
#include "schema/definition.h"
#include "schema/json.h"

enum { MACROSTEPS_MAX = 300 }; /* in one call: timers that set each other without an end */

typedef struct player {
  fsm_arena arena; /* of the case */
  fsm_sessions *sessions;
  fsm_session *session;
  fsm_buf out, logs, emits; /* the texts of what happened since the last entry */
  fsm_value tasks;          /* id → input, of all that were ever opened: the last one counts */
  const char *status;       /* NULL = active */
  const char *sent;         /* the event that was just sent, NULL = none */
  bool taken;               /* by a transition */
  bool first_entry;
} player;

/* ---- what happens -------------------------------------------------------------------------------- */

static void add_comma(fsm_buf *buf) {
  if (buf->len > 0) fsm_buf_char(buf, ',');
}

static void see_emit(player *p, const fsm_effect *effect) {
  fsm_pair type[] = {{fsm_string("type"), fsm_string(effect->event)}};
  fsm_value event = {.type = FSM_MAP, .len = 1, .pairs = type}, whole = event;
  if (fsm_is(&effect->data, FSM_MAP) && fsm_map_merge(&p->arena, &effect->data, &event, &whole) != FSM_OK)
    abort();
  add_comma(&p->emits);
  fsm_json_write(&p->emits, &whole);
}

static void see_open(player *p, const fsm_effect *effect) {
  fsm_pair *pair = fsm_arena_alloc(&p->arena, sizeof *pair);
  fsm_value input;
  if (pair == NULL || fsm_value_copy(&p->arena, &effect->data, &input, NULL) != FSM_OK) abort();
  *pair = (fsm_pair){fsm_string(fsm_arena_strdup(&p->arena, effect->id)), input};
  const fsm_value patch = {.type = FSM_MAP, .len = 1, .pairs = pair}, before = p->tasks;
  if (fsm_map_merge(&p->arena, &before, &patch, &p->tasks) != FSM_OK) abort();
}

static void see_effect(player *p, const fsm_effect *effect) {
  if (effect->kind == FSM_EFFECT_EMIT) see_emit(p, effect);
  if (effect->kind == FSM_EFFECT_TASK_OPEN) see_open(p, effect);
  if (effect->kind != FSM_EFFECT_LOG) return;
  add_comma(&p->logs);
  fsm_json_write(&p->logs, &effect->data);
}

static void see(void *arg, const fsm_session *session, const fsm_event *event,
                const fsm_step_result *result) {
  player *p = arg;
  (void)session;
  if (p->sent != NULL && event != NULL && event->cause == FSM_CAUSE_EXTERNAL && result->microstep_count > 0)
    p->taken = strcmp(result->microsteps[0].trigger, p->sent) == 0;
  if (p->status != NULL) return; /* what follows in the same call is no longer compared */
  if (result->outcome == FSM_ELOOP || result->outcome == FSM_ETOOLARGE) p->status = "loop";
  if (result->unhandled != NULL) p->status = "error";
  for (unsigned m = 0; m < result->microstep_count; m++)
    for (unsigned e = 0; e < result->microsteps[m].effect_count; e++)
      see_effect(p, &result->microsteps[m].effects[e]);
}

/* ---- entries -------------------------------------------------------------------------------------- */

static void write_state(player *p) {
  const fsm_machine *machine = fsm_session_machine(p->session);
  const fsm_snapshot *now = fsm_session_snapshot(p->session);
  bool more = false;
  fsm_buf_str(&p->out, "\"state\":[");
  for (unsigned s = 0; s < fsm_machine_states(machine); s++) {
    if (!fsm_config_has(now->config, s) || !fsm_state_is_leaf(machine, s)) continue;
    if (more) fsm_buf_char(&p->out, ',');
    const char *path = fsm_state_path(machine, s);
    fsm_json_quote(&p->out, path, strlen(path));
    more = true;
  }
  fsm_buf_str(&p->out, "],\"context\":");
  fsm_json_write(&p->out, &now->context);
  if (now->done) {
    fsm_buf_str(&p->out, ",\"output\":");
    fsm_json_write(&p->out, &now->output);
  }
}

static void write_tasks(player *p) {
  fsm_session_task task;
  fsm_buf_str(&p->out, ",\"tasks\":{");
  for (unsigned n = 0; fsm_session_task_at(p->session, n, &task); n++) {
    if (n > 0) fsm_buf_char(&p->out, ',');
    fsm_json_quote(&p->out, task.id, strlen(task.id));
    fsm_buf_char(&p->out, ':');
    fsm_json_write(&p->out, fsm_map_get(&p->tasks, task.id));
  }
  fsm_buf_char(&p->out, '}');
}

static void write_entry(player *p) {
  if (!p->first_entry) fsm_buf_char(&p->out, ',');
  p->first_entry = false;
  if (p->status != NULL) {
    fsm_buf_printf(&p->out, "{\"status\":\"%s\"}", p->status);
    return;
  }
  bool done = fsm_session_snapshot(p->session)->done;
  fsm_buf_printf(&p->out, "{\"status\":\"%s\",", done ? "done" : "active");
  if (done) p->status = "done";
  write_state(p);
  write_tasks(p);
  if (p->sent != NULL) fsm_buf_printf(&p->out, ",\"taken\":%s", p->taken ? "true" : "false");
  fsm_buf_printf(&p->out, ",\"log\":[%s],\"emit\":[%s]}", p->logs.len ? fsm_buf_text(&p->logs) : "",
                 p->emits.len ? fsm_buf_text(&p->emits) : "");
  fsm_buf_reset(&p->logs);
  fsm_buf_reset(&p->emits);
}

/* ---- steps ----------------------------------------------------------------------------------------- */

static const char *text_of(player *p, const fsm_value *value) {
  return fsm_arena_strndup(&p->arena, value->s, value->len);
}

/* The members but `type`. */
static fsm_value data_of(player *p, const fsm_value *event) {
  fsm_pair *pairs = fsm_arena_alloc(&p->arena, (event->len + 1) * sizeof *pairs);
  unsigned count = 0;
  if (pairs == NULL) abort();
  for (unsigned i = 0; i < event->len; i++)
    if (!fsm_is_text(&event->pairs[i].key, "type")) pairs[count++] = event->pairs[i];
  return count > 0 ? (fsm_value){.type = FSM_MAP, .len = count, .pairs = pairs} : fsm_null();
}

static fsm_code send(player *p, const fsm_value *event, fsm_error *err) {
  p->taken = false;
  const fsm_event sent = {.name = p->sent = text_of(p, fsm_map_get(event, "type")),
                          .data = data_of(p, event),
                          .cause = FSM_CAUSE_EXTERNAL};
  return fsm_session_send(p->session, &sent, NULL, err);
}

static fsm_code answer(player *p, const fsm_value *step, fsm_error *err) {
  const fsm_value *failed = fsm_map_get(step, "failed"), *data = fsm_map_get(step, "data");
  const char *id = text_of(p, fsm_map_get(step, "answer"));
  fsm_code code =
      fsm_session_answer(p->session, id, failed != NULL && fsm_is(failed, FSM_BOOL) && failed->b, data, err);
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

static fsm_code take(player *p, const fsm_value *step, fsm_error *err) {
  p->sent = NULL;
  const fsm_value *event = fsm_map_get(step, "send"), *advance = fsm_map_get(step, "advance");
  if (event != NULL) return send(p, event, err);
  if (advance != NULL)
    return fsm_sessions_advance(p->sessions, fsm_sessions_now(p->sessions) + advance->i * 1000000, err);
  return answer(p, step, err);
}

static fsm_code play(player *p, const fsm_machine *machine, const fsm_value *steps, fsm_error *err) {
  const fsm_sessions_options options = {.watch = see, .watch_arg = p, .steps_max = MACROSTEPS_MAX};
  fsm_code code = fsm_sessions_new(&options, &p->sessions, err);
  if (code == FSM_OK) code = fsm_sessions_start(p->sessions, machine, NULL, &p->session, err);
  if (code == FSM_ELOOP) p->status = "loop";
  if (code != FSM_OK && p->status == NULL) return code;
  write_entry(p);
  for (unsigned i = 0; i < steps->len && p->status == NULL; i++) {
    code = take(p, &steps->items[i], err);
    if (code == FSM_ELOOP) p->status = "loop";
    if (code != FSM_OK && p->status == NULL) return code;
    write_entry(p);
  }
  return FSM_OK;
}

/* ---- cases ----------------------------------------------------------------------------------------- */

static fsm_code run_machine(player *p, const fsm_value *machine, const fsm_value *steps, fsm_error *err) {
  fsm_definition *definition = NULL;
  fsm_buf text = {0};
  fsm_json_write(&text, machine);
  fsm_code code = fsm_definition_load(fsm_buf_text(&text), text.len, &definition, err);
  if (code == FSM_OK) code = play(p, fsm_definition_machine(definition), steps, err);
  if (p->sessions != NULL) fsm_sessions_free(p->sessions);
  fsm_definition_free(definition);
  fsm_buf_free(&text);
  return code;
}

static void run_case(const char *line, size_t len) {
  player p = {.tasks = fsm_map_empty(), .first_entry = true};
  fsm_value whole, steps;
  fsm_error err = {.text = ""};
  fsm_arena_init(&p.arena, 0);
  fsm_code code = fsm_json_parse_deep(&p.arena, line, len, FSM_JSON_AS_WRITTEN, 1000, &whole, &err);
  const fsm_value *id = code == FSM_OK ? fsm_doc_get(&whole, "id") : NULL;
  if (code == FSM_OK) code = fsm_value_copy(&p.arena, fsm_doc_get(&whole, "steps"), &steps, &err);
  if (code == FSM_OK) code = run_machine(&p, fsm_doc_get(&whole, "machine"), &steps, &err);
  printf("{\"id\":%lld,", id != NULL ? (long long)id->i : -1);
  if (code == FSM_OK) {
    printf("\"transcript\":[%s]}\n", fsm_buf_text(&p.out));
  } else {
    fsm_buf_reset(&p.logs);
    fsm_json_quote(&p.logs, err.text, strlen(err.text));
    printf("\"refused\":\"%s %s\",\"text\":%s}\n", fsm_code_name(code), err.where, fsm_buf_text(&p.logs));
  }
  fsm_buf_free(&p.out);
  fsm_buf_free(&p.logs);
  fsm_buf_free(&p.emits);
  fsm_arena_free(&p.arena);
}

int main(void) {
  char *line = NULL;
  size_t cap = 0;
  ssize_t len;
  while ((len = getline(&line, &cap, stdin)) > 0) {
    run_case(line, (size_t)len);
    fflush(stdout);
  }
  free(line);
  return 0;
}
