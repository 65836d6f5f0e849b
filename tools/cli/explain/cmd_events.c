/* cmd_events.c: fsm-cli events: what may be sent to an instance now, with which fields, why not, and what
 * it waits for when nobody can move it. */
#include <string.h>

#include "tools/cli/cli.h"
#include "tools/cli/explain/seen.h"
#include "tools/cli/explain/waiting.h"
#include "tools/cli/show/table.h"

static const cli_column columns[] = {{.title = "EVENT", .min = 8, .shrink = 2},
                                     {.title = "NOW"},
                                     {.title = "TO", .min = 10, .shrink = 2, .if_any = true},
                                     {.title = "FIELDS", .min = 10, .shrink = 2, .if_any = true},
                                     {.title = "WHO MAY", .min = 12, .shrink = 2, .if_any = true},
                                     {.title = "GUARD", .min = 12, .shrink = 2, .if_any = true},
                                     {.title = "SAW", .min = 10, .shrink = 1, .if_any = true}};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0], NOTE_INDENT = 9 };

static bool is_required(const fsm_value *schema, const fsm_value *name) {
  const fsm_value *required = fsm_map_get(schema, "required");
  if (required == NULL || !fsm_is(required, FSM_LIST)) return false;
  for (uint32_t i = 0; i < required->len; i++)
    if (fsm_value_same(&required->items[i], name)) return true;
  return false;
}

static void add_fields(fsm_buf *buf, fsm_arena *arena, const fsm_value *schema, bool required) {
  const fsm_value *properties = fsm_map_get(schema, "properties");
  for (uint32_t i = 0; i < properties->len; i++) {
    const fsm_pair *pair = &properties->pairs[i];
    if (is_required(schema, &pair->key) != required) continue;
    const char *type = cli_field(arena, &pair->value, "type");
    fsm_buf_printf(buf, "%s%s%s%s%s", buf->len == 0 ? "" : ", ", cli_text(arena, &pair->key),
                   required ? "" : "?", *type == 0 ? "" : " ", type);
  }
}

/* "reason string, note? string": the properties of a JSON Schema, the required ones first. */
static const char *fields(fsm_arena *arena, const fsm_value *schema) {
  const fsm_value *properties = schema == NULL ? NULL : fsm_map_get(schema, "properties");
  if (properties == NULL || !fsm_is(properties, FSM_MAP)) return "";
  fsm_buf buf = {0};
  add_fields(&buf, arena, schema, true);
  add_fields(&buf, arena, schema, false);
  const char *text = fsm_arena_strdup(arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text == NULL ? "" : text;
}

static bool says(const fsm_value *event, const char *name, bool what) {
  const fsm_value *value = fsm_map_get(event, name);
  return value != NULL && fsm_is(value, FSM_BOOL) && value->b == what;
}

/* One that would read otherwise between "and"s stands in parentheses. */
static void add_expression(fsm_buf *buf, const char *text) {
  const bool loose = strstr(text, "||") != NULL || strchr(text, '?') != NULL;
  fsm_buf_printf(buf, loose ? "%s(%s)" : "%s%s", buf->len > 0 ? " and " : "", text);
}

/* Who may: the expressions, all of which must hold; for who may not, those that do not. */
static const char *who_may(fsm_arena *arena, const fsm_value *event) {
  const fsm_value *allow = fsm_map_get(event, "allow");
  const bool refused = says(event, "permitted", false);
  fsm_buf buf = {0};
  if (allow == NULL || !fsm_is(allow, FSM_LIST)) return "";
  for (uint32_t i = 0; i < allow->len; i++)
    if (!refused || !says(&allow->items[i], "holds", true))
      add_expression(&buf, cli_field(arena, &allow->items[i], "expression"));
  const char *who = refused ? "not you, for want of: " : says(event, "permitted", true) ? "you: " : "";
  const char *people = cli_field(arena, event, "people");
  const char *seen = *people != 0 ? fsm_arena_printf(arena, " (%s known)", people) : " (nobody known)";
  const bool told = fsm_map_get(event, "people") != NULL && seen != NULL;
  const char *text = fsm_arena_printf(arena, "%s%s%s", who, fsm_buf_text(&buf), told ? seen : "");
  fsm_buf_free(&buf);
  return text == NULL ? "" : text;
}

/* What moves into lines below its row when the terminal has no room for it beside. */
typedef enum layout { ALL_BESIDE, GUARD_BELOW, FIELDS_BELOW, LAYOUT_COUNT } layout;

static void note_line(fsm_buf *out, const cli_screen *screen, const char *label, const char *text) {
  fsm_buf line = {0};
  if (*text == 0) return;
  fsm_buf_printf(&line, "%s%s", label, text);
  cli_wrap(out, fsm_buf_text(&line), screen->columns, NOTE_INDENT);
  fsm_buf_char(out, '\n');
  fsm_buf_free(&line);
}

static void add_note(cli_run *cli, cli_table *table, const fsm_value *event, layout how) {
  fsm_arena *arena = &cli->arena;
  fsm_buf note = {0};
  const char *name = cli_field(arena, event, "guard_name"), *guard = cli_field(arena, event, "guard");
  const char *text = *name == 0 ? guard : fsm_arena_printf(arena, "%s: %s", name, guard);
  if (how == FIELDS_BELOW)
    note_line(&note, &cli->screen, "  takes: ", fields(arena, fsm_map_get(event, "schema")));
  note_line(&note, &cli->screen, "  who may: ", who_may(arena, event));
  note_line(&note, &cli->screen, "  guard: ", text == NULL ? guard : text);
  cli_seen(&note, arena, fsm_map_get(event, "seen"), &cli->screen);
  const char *missing = cli_field(arena, event, "missing");
  if (strncmp(missing, guard, strlen(guard)) != 0) note_line(&note, &cli->screen, "  missing: ", missing);
  note_line(&note, &cli->screen, "  fault: ", cli_field(arena, event, "fault"));
  if (note.len > 0) cli_table_note(table, fsm_buf_text(&note));
  fsm_buf_free(&note);
}

static bool is_enabled(const fsm_value *event) {
  const fsm_value *enabled = fsm_map_get(event, "enabled");
  return enabled != NULL && fsm_is(enabled, FSM_BOOL) && enabled->b;
}

/* A guard that reads what is sent cannot be told before: neither yes nor no. */
static const char *readiness(const fsm_value *event) {
  if (says(event, "permitted", false)) return "no";
  if (says(event, "unasked", true)) return "unasked"; /* it costs too much */
  if (says(event, "depends", true)) return "depends";
  return is_enabled(event) ? "yes" : "no";
}

static void add_event(cli_run *cli, cli_table *table, const fsm_value *event, layout how) {
  fsm_arena *arena = &cli->arena;
  const char *fault = cli_field(arena, event, "fault");
  const char *saw = *fault != 0 ? fault : cli_seen_text(arena, fsm_map_get(event, "seen"));
  const char *cells[COLUMN_COUNT] = {cli_field(arena, event, "event"),
                                     readiness(event),
                                     cli_field(arena, event, "target"),
                                     how == FIELDS_BELOW ? "" : fields(arena, fsm_map_get(event, "schema")),
                                     how == ALL_BESIDE ? who_may(arena, event) : "",
                                     how == ALL_BESIDE ? cli_field(arena, event, "guard") : "",
                                     how == ALL_BESIDE ? saw : ""};
  cli_table_row(table, cells);
  if (how != ALL_BESIDE) add_note(cli, table, event, how);
}

static fsm_code print_events(cli_run *cli, const fsm_value *events, fsm_error *err) {
  cli_table table;
  for (layout how = ALL_BESIDE; how < LAYOUT_COUNT; how++) {
    cli_table_begin(&table, &cli->arena, columns, COLUMN_COUNT);
    for (uint32_t i = 0; i < events->len; i++) add_event(cli, &table, &events->items[i], how);
    if (cli->screen.columns == 0 || cli_table_wide(&table) <= cli->screen.columns) break;
  }
  fsm_buf_char(&cli->text, '\n');
  return cli_table_print(&table, &cli->screen, &cli->text, err);
}

/* When nobody can move it, what will? */
static fsm_code print_waiting(cli_run *cli, const fsm_value *document, fsm_error *err) {
  const fsm_value *id = fsm_map_get(document, "instance");
  fsm_value instance;
  fsm_query query = {.kind = FSM_QUERY_INSTANCE};
  if (id == NULL || !fsm_is(id, FSM_STRING))
    return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer names no instance; is that a fsmd?");
  query.ref = fsm_arena_strndup(&cli->arena, id->s, id->len);
  if (query.ref == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  fsm_code code = cli_source_query(&cli->source, &query, &cli->arena, &instance, err);
  if (code == FSM_OK) cli_waiting(&cli->text, &cli->arena, &instance, &cli->screen);
  return code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  fsm_code code = cli_about(cli, FSM_QUERY_EVENTS, &document, err);
  if (code != FSM_OK) return code;
  if (cli->json) return cli_print_json(cli, &document, err);
  fsm_arena *arena = &cli->arena;
  const fsm_value *events = fsm_map_get(&document, "events");
  uint32_t count = events == NULL || !fsm_is(events, FSM_LIST) ? 0 : events->len;
  bool movable = false;
  for (uint32_t i = 0; i < count; i++) movable = movable || is_enabled(&events->items[i]);
  cli_print_line(cli, "instance", cli_field(arena, &document, "instance"));
  cli_print_states(cli, "state", cli_state_text(cli, arena, &document));
  cli_print_line(cli, "status", cli_field(arena, &document, "status"));
  if (fsm_map_get(&document, "forced") != NULL) cli_print_line(cli, "forced", "yes");
  if (count == 0) fsm_buf_str(&cli->text, "nothing can be sent to it now\n");
  if (!movable) code = print_waiting(cli, &document, err);
  if (code == FSM_OK && count > 0) code = print_events(cli, events, err);
  return code == FSM_OK ? cli_flush(cli, err) : code;
}

static const char *const examples[] = {"events doc-17", "events document-approval/key:INV-7 -o json", NULL};

extern const cli_command cli_events;
const cli_command cli_events = {.group = "",
                                .heading = CLI_EXPLAIN,
                                .name = "events",
                                .words = "REF",
                                .summary = "what may be sent to an instance now, and why not",
                                .examples = examples,
                                .words_min = 1,
                                .words_max = 1,
                                .reads = true,
                                .run = run};
