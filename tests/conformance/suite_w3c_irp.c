/* suite_w3c_irp.c: the W3C SCXML implementation report plan: test<N>.scxml, and tests.csv.
 *
 * A case is a row of tests.csv, its column `test` the document without ".scxml"; it passes when the session
 * ends in the state `pass`. A row whose column `manual` is True is judged by its log, by people: skipped. The
 * other documents are those that the cases invoke. Without tests.csv every document that has a state `pass`
 * is a case.
 */
#include <string.h>

#include "play.h"

static void one(conformance *run, fsm_arena *arena, const char *name, const char *file) {
  fsm_error err = {0};
  stage_source source = {.form = STAGE_SCXML,
                         .folder = fsm_arena_printf(arena, "%s/%s", run->corpus, run->suite)};
  if (corpus_read(arena, corpus_path(run, arena, file), &source.text, &source.len, &err) != FSM_OK)
    report_fail(run, name, "%s: %s", err.where, err.text);
  else
    play_until(run, name, &source, "pass");
}

static void rows(conformance *run, fsm_arena *arena, const csv *table) {
  for (unsigned row = 1; row < table->rows; row++) {
    const char *name = table->cells[(size_t)row * table->columns];
    if (!name || !*name || !report_wanted(run, name)) continue;
    const char *manual = csv_find(table, "test", name, "manual");
    if (manual && strcmp(manual, "True") == 0)
      report_skip(run, name, "it is judged by its log");
    else
      one(run, arena, name, fsm_arena_printf(arena, "%s.scxml", name));
  }
}

static void documents(conformance *run, fsm_arena *arena) {
  fsm_error err = {0};
  const char *const *paths;
  unsigned count;
  if (corpus_list(run, arena, ".scxml", &paths, &count, &err) != FSM_OK) return;
  for (unsigned i = 0; i < count; i++) {
    const char *name = fsm_arena_strndup(arena, paths[i], strlen(paths[i]) - strlen(".scxml")), *text;
    size_t len;
    if (!report_wanted(run, name)) continue;
    if (corpus_read(arena, corpus_path(run, arena, paths[i]), &text, &len, &err) == FSM_OK &&
        strstr(text, "id=\"pass\""))
      one(run, arena, name, paths[i]);
  }
}

void suite_w3c_irp(conformance *run) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_error err = {0};
  const char *text;
  size_t len;
  csv table;
  if (corpus_read(&arena, corpus_path(run, &arena, "tests.csv"), &text, &len, &err) != FSM_OK)
    documents(run, &arena);
  else if (csv_parse(&arena, text, &table, &err) != FSM_OK)
    report_fail(run, "tests.csv", "%s", err.text);
  else
    rows(run, &arena, &table);
  fsm_arena_free(&arena);
}
