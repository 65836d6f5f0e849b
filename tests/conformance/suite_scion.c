/* suite_scion.c: documents with a script beside them: <name>.scxml and <name>.json. The suites scion and gap.
 *
 * Where the folder has a tests.csv, its column `oracle_rec` is the verdict of an interpreter of the
 * Recommendation. A case that it does not call ok is played by the script's member `legacySemantics`, which
 * is then the reading of the Recommendation; without such a member it needs ECMAScript and is out of scope.
 */
#include <string.h>

#include "play.h"
#include "schema/json.h"

typedef struct scion_case {
  const char *name, *folder, *document, *script;
} scion_case;

/* The script that counts; NULL = out of scope. */
static const fsm_value *script_that_counts(const fsm_value *document, const char *oracle) {
  if (!oracle || strcmp(oracle, "ok") == 0) return document;
  return fsm_map_get(document, "legacySemantics");
}

static void one(conformance *run, fsm_arena *arena, const scion_case *c, const char *oracle) {
  fsm_error err = {0};
  const char *json;
  size_t len;
  fsm_value document;
  scenario script = {0};
  stage_source source = {.form = STAGE_SCXML, .folder = c->folder};
  fsm_code code = corpus_read(arena, c->script, &json, &len, &err);
  if (code == FSM_OK) code = fsm_json_parse(arena, json, len, FSM_JSON_SORTED, &document, &err);
  const fsm_value *counts = code == FSM_OK ? script_that_counts(&document, oracle) : NULL;
  if (code == FSM_OK && !counts) {
    report_skip(run, c->name, "out of scope: %s", oracle);
    return;
  }
  if (code == FSM_OK) code = script_scion(arena, counts, &script, &err);
  if (code == FSM_OK) code = corpus_read(arena, c->document, &source.text, &source.len, &err);
  if (code != FSM_OK)
    report_fail(run, c->name, "%s: %s", err.where, err.text);
  else
    play_script(run, c->name, &source, &script);
}

static void all(conformance *run, fsm_arena *arena, const csv *table) {
  fsm_error err = {0};
  const char *const *paths;
  unsigned count;
  if (corpus_list(run, arena, ".scxml", &paths, &count, &err) != FSM_OK) {
    report_fail(run, "(the folder)", "%s: %s", err.where, err.text);
    return;
  }
  for (unsigned i = 0; i < count; i++) {
    char *name = fsm_arena_strndup(arena, paths[i], strlen(paths[i]) - strlen(".scxml"));
    if (!report_wanted(run, name)) continue;
    scion_case c = {.name = name, .document = corpus_path(run, arena, paths[i])};
    c.script = corpus_path(run, arena, fsm_arena_printf(arena, "%s.json", name));
    c.folder = fsm_arena_strndup(arena, c.document, (size_t)(strrchr(c.document, '/') - c.document));
    one(run, arena, &c, csv_find(table, "test", name, "oracle_rec"));
  }
}

void suite_scion(conformance *run) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_error err = {0};
  const char *text;
  size_t len;
  csv table = {0};
  if (corpus_read(&arena, corpus_path(run, &arena, "tests.csv"), &text, &len, &err) == FSM_OK &&
      csv_parse(&arena, text, &table, &err) != FSM_OK)
    report_fail(run, "tests.csv", "%s", err.text);
  else
    all(run, &arena, &table);
  fsm_arena_free(&arena);
}

void suite_gap(conformance *run) { suite_scion(run); }
