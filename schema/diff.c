/* diff.c: the run, and the list of changes. */
#include "schema/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/definition.h"
#include "schema/diff_impl.h"
#include "schema/json.h"
#include "schema/scxml_definition.h"

static const char *const impacts[] = {"breaking", "compatible", "internal"};
_Static_assert(sizeof impacts / sizeof *impacts == FSM_IMPACT_COUNT, "each has a name");

const char *fsm_impact_name(fsm_impact impact) {
  FSM_ASSERT((unsigned)impact < FSM_IMPACT_COUNT);
  return impacts[impact];
}

const char *fsm__diff_text(fsm__differ *d, const char *format, ...) {
  char text[FSM_TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  const char *kept = fsm_arena_strdup(d->arena, text);
  if (kept == NULL) d->no_memory = true;
  return kept == NULL ? "" : kept;
}

void fsm__change(fsm__differ *d, fsm_impact impact, const char *kind, const char *name, const char *format,
                 ...) {
  char text[FSM_TEXT_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (d->count < FSM_DIFF_CHANGES_MAX)
    d->changes[d->count] = (fsm_change){.impact = impact,
                                        .kind = kind,
                                        .name = name,
                                        .text = fsm__diff_text(d, "%s", text),
                                        .state = strcmp(kind, "state-removed") == 0 ? name : NULL};
  d->count++;
}

static int by_impact(const void *left, const void *right) {
  const fsm_change *a = left, *b = right;
  if (a->impact != b->impact) return a->impact < b->impact ? -1 : 1;
  const int kind = strcmp(a->kind, b->kind);
  return kind != 0 ? kind : strcmp(a->name, b->name);
}

static fsm_code parse(fsm__differ *d, int side, fsm_error *err) {
  const fsm_diff_side *one = side == 0 ? d->a : d->b;
  if (fsm__is_scxml(one->text, one->len)) return FSM_OK;
  return fsm_json_parse_deep(d->arena, one->text, one->len, FSM_JSON_AS_WRITTEN, FSM_DEFINITION_DEPTH_MAX,
                             &d->documents[side], err);
}

static void compare_machines(fsm__differ *d) {
  const char *before = fsm_machine_id(d->a->machine), *after = fsm_machine_id(d->b->machine);
  if (strcmp(before, after) != 0)
    fsm__change(d, FSM_IMPACT_BREAKING, "machine-renamed", after,
                "it was \"%.64s\": for a daemon another machine", before);
  if (d->a->def->dialect != d->b->def->dialect)
    fsm__change(d, FSM_IMPACT_BREAKING, "dialect-changed", after,
                "the names of the events that the engine makes are others");
}

/* "Nothing has changed" is not said of what is not the same. */
static void tell_rest(fsm__differ *d) {
  const bool same = d->documents[0].type == FSM_MAP && d->documents[1].type == FSM_MAP
                        ? fsm_value_same(&d->documents[0], &d->documents[1])
                        : d->a->len == d->b->len && memcmp(d->a->text, d->b->text, d->a->len) == 0;
  if (d->count == 0 && !same)
    fsm__change(d, FSM_IMPACT_INTERNAL, "other", fsm_machine_id(d->b->machine),
                "what actions, inputs, outputs or notes do or say is another");
}

fsm_code fsm_diff(fsm_arena *arena, const fsm_diff_side *before, const fsm_diff_side *after,
                  fsm_diff_report *out, fsm_error *err) {
  FSM_ASSERT(arena != NULL && before != NULL && after != NULL && out != NULL);
  fsm__differ d = {.arena = arena, .a = before, .b = after};
  d.changes = fsm_arena_alloc(arena, FSM_DIFF_CHANGES_MAX * sizeof *d.changes);
  if (d.changes == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory to compare");
  fsm_code code = parse(&d, 0, err);
  if (code == FSM_OK) code = parse(&d, 1, err);
  if (code != FSM_OK) return code;
  compare_machines(&d);
  fsm__diff_states(&d);
  fsm__diff_events(&d);
  fsm__diff_schemas(&d);
  tell_rest(&d);
  if (d.no_memory) return fsm_fail(err, FSM_ENOMEM, "", "no memory to compare");
  if (d.count > FSM_DIFF_CHANGES_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "%zu changes are over the limit of %d", d.count,
                    FSM_DIFF_CHANGES_MAX);
  if (d.count > 1) qsort(d.changes, d.count, sizeof *d.changes, by_impact);
  *out = (fsm_diff_report){.changes = d.changes, .count = d.count};
  for (size_t i = 0; i < d.count; i++) out->by_impact[d.changes[i].impact]++;
  return FSM_OK;
}
