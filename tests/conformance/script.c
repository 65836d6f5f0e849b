/* script.c: the scripts of the corpus. */
#include <stdlib.h>
#include <string.h>

#include "play.h"

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A list of names as stage_leaves would give them. */
static fsm_code leaves_of(fsm_arena *arena, const fsm_value *list, const char **out, fsm_error *err) {
  if (!list || list->type != FSM_LIST)
    return fsm_fail(err, FSM_EMALFORMED, "", "a script lacks a configuration");
  const char **names = fsm_arena_zalloc(arena, list->len + 1, sizeof *names);
  if (!names) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  for (uint32_t i = 0; i < list->len; i++) {
    if (list->items[i].type != FSM_STRING)
      return fsm_fail(err, FSM_EMALFORMED, "", "a state's name is no text");
    names[i] = fsm_arena_strndup(arena, list->items[i].s, list->items[i].len);
    if (!names[i]) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  }
  qsort(names, list->len, sizeof *names, by_text);
  const char *text = "";
  for (uint32_t i = 0; text && i < list->len; i++)
    text = fsm_arena_printf(arena, "%s%s%s", text, i ? " " : "", names[i]);
  *out = text;
  return text ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory");
}

static fsm_code step_of(fsm_arena *arena, const fsm_value *item, const fsm_value *name, const char *next,
                        script_step *out, fsm_error *err) {
  if (!name || name->type != FSM_STRING) return fsm_fail(err, FSM_EMALFORMED, "", "an event lacks its name");
  const fsm_value *after = fsm_map_get(item, "after");
  if (after && after->type == FSM_INT) out->after_ns = after->i * INT64_C(1000000);
  out->event = fsm_arena_strndup(arena, name->s, name->len);
  return leaves_of(arena, fsm_map_get(item, next), &out->expected, err);
}

static fsm_code read(fsm_arena *arena, const fsm_value *document, bool scion, scenario *out, fsm_error *err) {
  const fsm_value *events = fsm_map_get(document, "events");
  if (!events || events->type != FSM_LIST)
    return fsm_fail(err, FSM_EMALFORMED, "", "a script lacks its events");
  script_step *steps = fsm_arena_zalloc(arena, events->len + 1, sizeof *steps);
  if (!steps) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  fsm_code code = leaves_of(arena, fsm_map_get(document, "initialConfiguration"), &out->initial, err);
  for (uint32_t i = 0; code == FSM_OK && i < events->len; i++) {
    const fsm_value *item = &events->items[i];
    const fsm_value *name =
        scion ? fsm_map_get(fsm_map_get(item, "event"), "name") : fsm_map_get(item, "type");
    code = step_of(arena, item, name, scion ? "nextConfiguration" : "next", &steps[i], err);
  }
  out->steps = steps;
  out->count = events->len;
  return code;
}

fsm_code script_scion(fsm_arena *arena, const fsm_value *document, scenario *out, fsm_error *err) {
  return read(arena, document, true, out, err);
}

fsm_code script_xstate(fsm_arena *arena, const fsm_value *document, scenario *out, fsm_error *err) {
  return read(arena, document, false, out, err);
}
