/* suite_real.c: definitions that people use: every .scxml and every JSON in the shape of XState below the
 * folder. (A .json is one when it has `states` at its top; other notations there are not ours: skipped.)
 *
 * One that loads is simulated: a few hundred turns, each a random event that may be sent now, or the clock
 * moved on, or the answer of an open task; random, but by the name of the file, so always the same. It
 * passes when nothing breaks and the configuration is legal after each turn. One that does not load passes
 * when the refusal is a message with a place. With --jump the clock goes past what is due by chance. With
 * --round-trip it is simulated twice and the traces are compared. A JSON that was refused is one more case,
 * by its outline (outline.h).
 */
#include <stdio.h>
#include <string.h>

#include "outline.h"
#include "schema/json.h"
#include "stage.h"

enum { TURNS = 400 };

/* ---- chance ---------------------------------------------------------------------------------------------
 */

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t chance(uint64_t *seed) {
  uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static uint64_t seed_of(const char *name) {
  uint64_t seed = 1469598103934665603u;
  for (; *name; name++) seed = (seed ^ (unsigned char)*name) * 1099511628211u;
  return seed;
}

/* ---- turns ----------------------------------------------------------------------------------------------
 */

/* A descriptor as a name that it takes: "a.*" is a.x, "*" any. */
static const char *name_for(fsm_arena *arena, const char *descriptor) {
  if (strcmp(descriptor, "*") == 0) return "anything";
  size_t len = strlen(descriptor);
  if (len < 2 || strcmp(descriptor + len - 2, ".*") != 0) return descriptor;
  return fsm_arena_printf(arena, "%.*s.x", (int)(len - 2), descriptor);
}

static fsm_code random_event(stage *s, uint64_t *seed, fsm_error *err) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  const fsm_enabled_event *events;
  unsigned count;
  fsm_world world = {.now_ns = fsm_sessions_now(s->sessions), .session = fsm_session_id(s->root)};
  fsm_code code = fsm_enabled(fsm_session_machine(s->root), fsm_session_snapshot(s->root), &world, &arena,
                              &events, &count, err);
  if (code == FSM_OK && count > 0)
    code = stage_send(s, name_for(&arena, events[chance(seed) % count].event), err);
  fsm_arena_free(&arena);
  return code;
}

static fsm_code random_answer(stage *s, uint64_t *seed, fsm_error *err) {
  fsm_session_task task;
  unsigned count = 0;
  while (fsm_session_task_at(s->root, count, &task)) count++;
  if (count == 0) return FSM_OK;
  fsm_session_task_at(s->root, (unsigned)(chance(seed) % count), &task);
  if (task.child) return FSM_OK;
  fsm_value data = fsm_map_empty();
  return fsm_session_answer(s->root, task.id, chance(seed) % 4 == 0, &data, err);
}

/* To the next time at which something is due; with --jump as far behind it as chance will have it. */
static fsm_code random_time(conformance *run, stage *s, uint64_t *seed, fsm_error *err) {
  int64_t due;
  if (!fsm_sessions_next_due(s->sessions, &due)) return FSM_OK;
  if (!run->jump) return fsm_sessions_advance(s->sessions, due, err);
  int64_t further = (int64_t)(chance(seed) % UINT64_C(3600000000000));
  if (due > INT64_MAX - further) return FSM_OK;
  run->jumps++;
  return fsm_sessions_jump(s->sessions, due + further, err);
}

static fsm_code turn(conformance *run, stage *s, uint64_t *seed, fsm_error *err) {
  switch (chance(seed) % 4) {
    case 0: return random_time(run, s, seed, err);
    case 1: return random_answer(s, seed, err);
    default: return random_event(s, seed, err);
  }
}

/* NULL = it went well. */
static const char *simulate(conformance *run, stage *s, const char *name) {
  uint64_t seed = seed_of(name);
  fsm_error err = {0};
  for (unsigned i = 0; i < TURNS && !fsm_session_snapshot(s->root)->done; i++) {
    if (turn(run, s, &seed, &err) != FSM_OK)
      return fsm_arena_printf(&s->arena, "turn %u: %s: %s: %s", i, fsm_code_name(err.code), err.where,
                              err.text);
    if (!fsm_config_legal(fsm_session_machine(s->root), fsm_session_snapshot(s->root)->config))
      return fsm_arena_printf(&s->arena, "turn %u: the configuration is not legal", i);
  }
  return NULL;
}

/* ---- a definition -----------------------------------------------------------------------------------------
 */

static void refused(conformance *run, const char *name, const stage_source *source, const fsm_error *err) {
  /* The empty JSON pointer is the whole document. */
  bool placed = *err->where || source->form == STAGE_JSON;
  if (err->code == FSM_ENOMEM || !*err->text || !placed) {
    report_fail(run, name, "refused without a place or a reason: %s: %s: %s", fsm_code_name(err->code),
                err->where, err->text);
    return;
  }
  report_pass(run, name);
  if (run->verbose)
    fprintf(stderr, "%s: refused: %s: %s: %s\n", name, fsm_code_name(err->code), err->where, err->text);
}

/* Was it simulated? */
static bool one(conformance *run, const char *name, const stage_source *source) {
  static stage plain, again;
  fsm_error err = {0};
  const char *difference = NULL;
  if (stage_open(&plain, source, false, &err) != FSM_OK) {
    refused(run, name, source, &err);
    stage_close(&plain);
    return false;
  }
  difference = simulate(run, &plain, name);
  bool twice = !difference && run->round_trip;
  if (twice) {
    if (stage_open(&again, source, true, &err) != FSM_OK)
      difference = "the second time it did not start";
    else
      difference = simulate(run, &again, name);
    if (!difference) difference = trace_difference(&plain.trace, &again.trace, &again.arena);
  }
  if (difference)
    report_fail(run, name, "%s", difference);
  else
    report_pass(run, name);
  if (twice) stage_close(&again);
  stage_close(&plain);
  return true;
}

/* What is refused may still have a structure to simulate. */
static void structure(conformance *run, fsm_arena *arena, const char *path, const fsm_value *document,
                      const stage_source *source) {
  stage_source outline = {.form = STAGE_JSON, .folder = source->folder};
  outline.text = outline_of(document, arena, &outline.len);
  const char *name = fsm_arena_printf(arena, "%s (outline)", path);
  if (!outline.text || !name)
    report_fail(run, path, "no memory for its outline");
  else
    one(run, name, &outline);
}

static bool ends_with(const char *text, const char *suffix) {
  size_t a = strlen(text), b = strlen(suffix);
  return a >= b && strcmp(text + a - b, suffix) == 0;
}

static void file(conformance *run, fsm_arena *arena, const char *path) {
  fsm_error err = {0};
  const char *full = corpus_path(run, arena, path);
  stage_source source = {.form = ends_with(path, ".scxml") ? STAGE_SCXML : STAGE_JSON};
  source.folder = fsm_arena_strndup(arena, full, (size_t)(strrchr(full, '/') - full));
  if (corpus_read(arena, full, &source.text, &source.len, &err) != FSM_OK) {
    report_fail(run, path, "%s", err.text);
    return;
  }
  fsm_value document;
  bool ours = source.form == STAGE_SCXML || (fsm_json_parse(arena, source.text, source.len,
                                                            FSM_JSON_AS_WRITTEN, &document, &err) == FSM_OK &&
                                             document.type == FSM_MAP && fsm_doc_get(&document, "states") &&
                                             fsm_doc_get(&document, "states")->type == FSM_MAP);
  if (ours) {
    if (!one(run, path, &source) && source.form == STAGE_JSON)
      structure(run, arena, path, &document, &source);
  } else {
    report_skip(run, path, "it is neither SCXML nor in the shape of XState");
  }
}

void suite_real(conformance *run) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_error err = {0};
  static const char *const suffixes[] = {".scxml", ".json"};
  for (unsigned k = 0; k < 2; k++) {
    const char *const *paths;
    unsigned count = 0;
    if (corpus_list(run, &arena, suffixes[k], &paths, &count, &err) != FSM_OK)
      report_fail(run, "(the folder)", "%s: %s", err.where, err.text);
    for (unsigned i = 0; i < count; i++)
      if (report_wanted(run, paths[i])) file(run, &arena, paths[i]);
  }
  fsm_arena_free(&arena);
}
