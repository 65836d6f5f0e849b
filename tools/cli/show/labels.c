/* labels.c: labels found in definitions that were fetched once. */
#include "tools/cli/show/labels.h"

#include <stdlib.h>
#include <string.h>

#include "tools/cli/cli.h"

/* ---- languages -------------------------------------------------------------------------------------- */

bool cli_language_of(const char *locale, char *out, size_t size) {
  const size_t len = strcspn(locale, ".@");
  if (len >= size) return false;
  memcpy(out, locale, len);
  out[len] = 0;
  for (char *c = out; *c != 0; c++)
    if (*c == '_') *c = '-';
  if (strcmp(out, "C") == 0 || strcmp(out, "POSIX") == 0 || strcmp(out, "none") == 0) *out = 0;
  return true;
}

static const char *language(cli_run *cli) {
  static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
  cli_labels *labels = &cli->labels;
  if (labels->known) return labels->language;
  const char *locale = cli_setting(cli, "lang");
  for (size_t i = 0; locale == NULL && i < sizeof names / sizeof *names; i++) {
    locale = getenv(names[i]);
    if (locale != NULL && *locale == 0) locale = NULL;
  }
  labels->known = true;
  if (locale == NULL || !cli_language_of(locale, labels->language, sizeof labels->language))
    labels->language[0] = 0;
  return labels->language;
}

const fsm_value *cli_label_in(const fsm_value *label, const char *wanted) {
  if (label == NULL || fsm_is(label, FSM_STRING)) return label;
  if (!fsm_is(label, FSM_MAP) || label->len == 0) return NULL;
  const fsm_value *found = NULL;
  for (size_t len = strlen(wanted); found == NULL && len > 0;) {
    found = fsm_map_getn(label, wanted, len);
    while (len > 0 && wanted[len - 1] != '-') len--;
    if (len > 0) len--;
  }
  if (found == NULL) found = fsm_map_get(label, "en");
  if (found == NULL) found = &label->pairs[0].value;
  return fsm_is(found, FSM_STRING) ? found : NULL;
}

/* ---- definitions ------------------------------------------------------------------------------------ */

static void fetch(cli_run *cli, const char *machine, uint32_t version, fsm_value *out) {
  cli_labels *labels = &cli->labels;
  const fsm_query query = {.kind = FSM_QUERY_MACHINE, .machine = machine, .version = version};
  const fsm_value kept = cli->source.problem;
  fsm_value document, definition;
  *out = fsm_null();
  if (cli_source_query(&cli->source, &query, &labels->arena, &document, NULL) == FSM_OK) {
    const fsm_value *source = fsm_map_get(&document, "source");
    if (source != NULL && fsm_is(source, FSM_STRING) &&
        fsm_json_parse(&labels->arena, source->s, source->len, FSM_JSON_SORTED, &definition, NULL) == FSM_OK)
      *out = definition;
  }
  cli->source.problem = kept;
}

/* The definition of an item's machine and version; NULL: not known, or nobody wants labels. */
static const fsm_value *definition_of(cli_run *cli, const fsm_value *item) {
  cli_labels *labels = &cli->labels;
  const fsm_value *machine = fsm_map_get(item, "machine");
  int64_t version = 0;
  const bool shown = cli->format == CLI_TABLE || cli->format == CLI_TREE;
  if (!shown || machine == NULL || !fsm_is(machine, FSM_STRING) || *language(cli) == 0) return NULL;
  (void)cli_number(fsm_map_get(item, "version"), &version);
  for (size_t i = 0; i < labels->count; i++)
    if (labels->machines[i].version == (uint32_t)version && fsm_is_text(machine, labels->machines[i].machine))
      return &labels->machines[i].definition;
  if (labels->count == CLI_LABELS_MAX) return NULL;
  if (labels->count == 0) fsm_arena_init(&labels->arena, 0);
  const char *name = fsm_arena_strndup(&labels->arena, machine->s, machine->len);
  if (name == NULL) return NULL;
  const size_t at = labels->count++;
  labels->machines[at].machine = name;
  labels->machines[at].version = (uint32_t)version;
  fetch(cli, name, (uint32_t)version, &labels->machines[at].definition);
  return &labels->machines[at].definition;
}

void cli_labels_free(cli_labels *labels) {
  if (labels->count > 0) fsm_arena_free(&labels->arena);
  *labels = (cli_labels){0};
}

/* ---- what is called how ----------------------------------------------------------------------------- */

static const char *label_of(cli_run *cli, fsm_arena *arena, const fsm_value *of) {
  const fsm_value *text = cli_label_in(cli_member_at(of, "meta.label"), language(cli));
  return text == NULL || text->len == 0 ? NULL : cli_text(arena, text);
}

const char *cli_machine_label(cli_run *cli, fsm_arena *arena, const fsm_value *item) {
  const fsm_value *definition = definition_of(cli, item);
  return definition == NULL ? NULL : label_of(cli, arena, definition);
}

const char *cli_event_label(cli_run *cli, fsm_arena *arena, const fsm_value *item, const char *event) {
  const fsm_value *definition = definition_of(cli, item);
  const fsm_value *events = definition == NULL ? NULL : cli_member_at(definition, "schemas.events");
  const fsm_value *schema = events == NULL ? NULL : fsm_map_get(events, event);
  if (schema == NULL) return NULL;
  const fsm_value *text = cli_label_in(fsm_map_get(schema, "x-title"), language(cli));
  if (text == NULL) text = fsm_map_get(schema, "title");
  return text == NULL || !fsm_is(text, FSM_STRING) || text->len == 0 ? NULL : cli_text(arena, text);
}

/* The state at a path of names with dots. */
static const fsm_value *state_at(const fsm_value *definition, const fsm_value *path) {
  const fsm_value *state = definition;
  const char *at = path->s, *end = path->s + path->len;
  while (state != NULL && at < end) {
    const char *dot = memchr(at, '.', (size_t)(end - at));
    const size_t len = (size_t)((dot == NULL ? end : dot) - at);
    state = fsm_map_get(state, "states");
    if (state != NULL) state = fsm_map_getn(state, at, len);
    at += len + 1;
  }
  return state;
}

const char *cli_path_label(cli_run *cli, fsm_arena *arena, const fsm_value *item, const fsm_value *path) {
  const fsm_value *definition = definition_of(cli, item);
  const bool known = definition != NULL && fsm_is(definition, FSM_MAP) && fsm_is(path, FSM_STRING);
  const fsm_value *state = known ? state_at(definition, path) : NULL;
  return state == NULL ? NULL : label_of(cli, arena, state);
}

const char *cli_newest_label(cli_run *cli, fsm_arena *arena, const char *machine, const char *path) {
  const fsm_pair pair = {fsm_string("machine"), fsm_string(machine)};
  const fsm_value item = {.type = FSM_MAP, .len = 1, .pairs = &pair}, text = fsm_string(path);
  return cli_path_label(cli, arena, &item, &text);
}

fsm_value cli_path_labels(cli_run *cli, fsm_arena *arena, const fsm_value *item, const fsm_value *paths) {
  const fsm_value *definition = fsm_is(paths, FSM_LIST) ? definition_of(cli, item) : NULL;
  if (definition == NULL || !fsm_is(definition, FSM_MAP)) return *paths;
  fsm_value *items = fsm_arena_alloc(arena, (paths->len + 1u) * sizeof *items);
  if (items == NULL) return *paths;
  for (uint32_t i = 0; i < paths->len; i++) {
    const fsm_value *path = &paths->items[i];
    const fsm_value *state = fsm_is(path, FSM_STRING) ? state_at(definition, path) : NULL;
    const fsm_value *text =
        state == NULL ? NULL : cli_label_in(cli_member_at(state, "meta.label"), language(cli));
    items[i] = text == NULL || text->len == 0 ? *path : *text;
  }
  return fsm_list(items, paths->len);
}

static const char *leaf_text(cli_run *cli, fsm_arena *arena, const fsm_value *definition,
                             const fsm_value *path) {
  const fsm_value *state = fsm_is(path, FSM_STRING) ? state_at(definition, path) : NULL;
  const char *label = state == NULL ? NULL : label_of(cli, arena, state);
  return label != NULL ? label : cli_text(arena, path);
}

const char *cli_state_text(cli_run *cli, fsm_arena *arena, const fsm_value *item) {
  const fsm_value *state = fsm_map_get(item, "state");
  const fsm_value *definition = state == NULL ? NULL : definition_of(cli, item);
  if (definition == NULL || !fsm_is(definition, FSM_MAP)) return cli_text(arena, state);
  if (!fsm_is(state, FSM_LIST)) return leaf_text(cli, arena, definition, state);
  const char *text = "";
  for (uint32_t i = 0; i < state->len && text != NULL; i++)
    text = fsm_arena_printf(arena, "%s%s%s", text, i == 0 ? "" : ", ",
                            leaf_text(cli, arena, definition, &state->items[i]));
  return text == NULL ? "" : text;
}
