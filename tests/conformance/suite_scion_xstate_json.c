/* suite_scion_xstate_json.c: one JSON file per case: {machine, test, xstate_5_32_5}.
 *
 * The machine is in the JSON dialect and `test` its script. `xstate_5_32_5` is what the real XState did:
 * "ok", or "diff step N expected A got B": then B is what is expected after event N, being the dialect's own
 * reading, and what follows is not compared, because nobody has said what XState did there.
 */
#include <stdio.h>
#include <string.h>

#include "play.h"
#include "schema/json.h"

/* "diff step 1 expected b got fail" */
static fsm_code own_reading(fsm_arena *arena, const fsm_value *verdict, scenario *script, fsm_error *err) {
  if (!verdict || verdict->type != FSM_STRING || fsm_is_text(verdict, "ok")) return FSM_OK;
  const char *text = fsm_arena_strndup(arena, verdict->s, verdict->len);
  const char *got = text ? strstr(text, " got ") : NULL;
  unsigned step;
  if (!got || sscanf(text, "diff step %u expected", &step) != 1 || step < 1 || step > script->count)
    return fsm_fail(err, FSM_EMALFORMED, "xstate_5_32_5", "what XState did is not understood: %s", text);
  script_step *steps = fsm_arena_zalloc(arena, step, sizeof *steps);
  if (!steps) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  memcpy(steps, script->steps, step * sizeof *steps);
  steps[step - 1].expected = got + strlen(" got ");
  script->steps = steps;
  script->count = step;
  return FSM_OK;
}

static fsm_code read(fsm_arena *arena, const char *path, stage_source *source, scenario *script,
                     fsm_error *err) {
  const char *text;
  size_t len;
  fsm_value document, data;
  fsm_code code = corpus_read(arena, path, &text, &len, err);
  /* The machine in the order it was written in, which has meaning; the script in any. */
  if (code == FSM_OK) code = fsm_json_parse(arena, text, len, FSM_JSON_AS_WRITTEN, &document, err);
  if (code == FSM_OK) code = fsm_value_copy(arena, &document, &data, err);
  if (code != FSM_OK) return code;
  const fsm_value *machine = fsm_doc_get(&document, "machine"), *test = fsm_map_get(&data, "test");
  if (!machine || !test) return fsm_fail(err, FSM_EMALFORMED, path, "it lacks machine or test");
  fsm_buf json = {0};
  fsm_json_write(&json, machine);
  source->len = json.len;
  source->text = fsm_arena_strndup(arena, fsm_buf_text(&json), json.len);
  fsm_buf_free(&json);
  code = script_xstate(arena, test, script, err);
  return code == FSM_OK ? own_reading(arena, fsm_map_get(&data, "xstate_5_32_5"), script, err) : code;
}

void suite_scion_xstate_json(conformance *run) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_error err = {0};
  const char *const *paths;
  unsigned count = 0;
  if (corpus_list(run, &arena, ".json", &paths, &count, &err) != FSM_OK)
    report_fail(run, "(the folder)", "%s: %s", err.where, err.text);
  for (unsigned i = 0; i < count; i++) {
    const char *name = fsm_arena_strndup(&arena, paths[i], strlen(paths[i]) - strlen(".json"));
    if (!report_wanted(run, name)) continue;
    stage_source source = {.form = STAGE_JSON,
                           .folder = fsm_arena_printf(&arena, "%s/%s", run->corpus, run->suite)};
    scenario script = {0};
    if (read(&arena, corpus_path(run, &arena, paths[i]), &source, &script, &err) != FSM_OK)
      report_fail(run, name, "%s: %s", err.where, err.text);
    else
      play_script(run, name, &source, &script);
  }
  fsm_arena_free(&arena);
}
