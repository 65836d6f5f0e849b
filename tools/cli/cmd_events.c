/* cmd_events.c: fsm-cli events: what may be sent to an instance now, with which fields, and why not. */
#include <string.h>

#include "tools/cli/cli.h"
#include "tools/cli/table.h"

static const cli_column columns[] = {{.title = "EVENT", .min = 8, .shrink = 2},
                                     {.title = "NOW"},
                                     {.title = "TO", .min = 10, .shrink = 2, .if_any = true},
                                     {.title = "FIELDS", .min = 10, .shrink = 2, .if_any = true},
                                     {.title = "GUARD", .min = 12, .shrink = 2, .if_any = true},
                                     {.title = "SAW", .min = 10, .shrink = 1, .if_any = true}};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

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

/* "context.retries = 3". */
static const char *saw(fsm_arena *arena, const fsm_value *event) {
  const fsm_value *seen = fsm_map_get(event, "seen");
  const char *fault = cli_field(arena, event, "fault");
  if (*fault != 0) return fault;
  if (seen == NULL || !fsm_is(seen, FSM_MAP)) return "";
  fsm_buf buf = {0};
  for (uint32_t i = 0; i < seen->len; i++) {
    fsm_buf_printf(&buf, "%s%s = ", i == 0 ? "" : ", ", cli_text(arena, &seen->pairs[i].key));
    fsm_json_write(&buf, &seen->pairs[i].value);
  }
  const char *text = cli_safe(arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text;
}

static void add_event(cli_table *table, fsm_arena *arena, const fsm_value *event) {
  const fsm_value *enabled = fsm_map_get(event, "enabled");
  bool now = enabled != NULL && fsm_is(enabled, FSM_BOOL) && enabled->b;
  const char *cells[COLUMN_COUNT] = {
      cli_field(arena, event, "event"),  now ? "yes" : "no",
      cli_field(arena, event, "target"), fields(arena, fsm_map_get(event, "schema")),
      cli_field(arena, event, "guard"),  saw(arena, event)};
  cli_table_row(table, cells);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  fsm_code code = cli_about(cli, FSM_QUERY_EVENTS, &document, err);
  if (code != FSM_OK) return code;
  if (cli->json) return cli_print_json(cli, &document, err);
  fsm_arena *arena = &cli->arena;
  const fsm_value *events = fsm_map_get(&document, "events");
  cli_print_line(cli, "instance", cli_field(arena, &document, "instance"));
  cli_print_line(cli, "state", cli_field(arena, &document, "state"));
  cli_print_line(cli, "status", cli_field(arena, &document, "status"));
  if (events == NULL || !fsm_is(events, FSM_LIST) || events->len == 0) {
    fsm_buf_str(&cli->text, "nothing can be sent to it now\n");
    return cli_flush(cli, err);
  }
  cli_table table;
  cli_table_begin(&table, arena, columns, COLUMN_COUNT);
  for (uint32_t i = 0; i < events->len; i++) add_event(&table, arena, &events->items[i]);
  fsm_buf_char(&cli->text, '\n');
  code = cli_table_print(&table, &cli->screen, &cli->text, err);
  return code == FSM_OK ? cli_flush(cli, err) : code;
}

static const char *const examples[] = {"events doc-17", "events document-approval/key:INV-7 -o json", NULL};

extern const cli_command cli_events;
const cli_command cli_events = {.group = "",
                                .name = "events",
                                .words = "REF",
                                .summary = "what may be sent to an instance now, and why not",
                                .examples = examples,
                                .words_min = 1,
                                .words_max = 1,
                                .run = run};
