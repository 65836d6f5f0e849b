/* cmd_get.c: fsm-cli get: one instance, all that is known. */
#include <string.h>

#include "tools/cli/cli.h"
#include "tools/cli/explain/waiting.h"

enum { LABEL = 14 };

static void print_states(cli_run *cli, const fsm_value *document) {
  const fsm_value *states = fsm_map_get(document, "state"), *since = fsm_map_get(document, "since");
  const fsm_value *now = fsm_map_get(document, "now");
  fsm_arena *arena = &cli->arena;
  if (states == NULL || !fsm_is(states, FSM_LIST)) {
    cli_print_line(cli, "state", cli_text(arena, states));
    return;
  }
  for (uint32_t i = 0; i < states->len; i++) {
    const fsm_value *state = &states->items[i];
    const fsm_value *entered = since == NULL ? NULL : fsm_map_find(since, state);
    int64_t ns;
    const char *label = cli_path_label(cli, arena, document, state), *path = cli_text(arena, state);
    if (label != NULL) label = fsm_arena_printf(arena, "%s (%s)", path, label);
    if (label != NULL) path = label;
    const char *text = path;
    if (entered != NULL && now != NULL && cli_since(entered, now, &ns))
      text =
          fsm_arena_printf(arena, "%s for %s, since %s", path, cli_age(arena, ns), cli_time(arena, entered));
    bool fits = text == NULL || cli->screen.columns == 0 || cli_width(text) <= cli->screen.columns - LABEL;
    cli_print_line(cli, "state", text == NULL || !fits ? path : text);
    if (!fits) cli_print_line(cli, "since", cli_time(arena, entered));
  }
}

/* "name: value" lines under a label. */
static void print_map(cli_run *cli, const char *label, const fsm_value *map) {
  if (map == NULL || !fsm_is(map, FSM_MAP) || map->len == 0) {
    if (map != NULL && !fsm_is(map, FSM_MAP)) cli_print_line(cli, label, cli_text(&cli->arena, map));
    return;
  }
  fsm_buf_printf(&cli->text, "%s:\n", label);
  for (uint32_t i = 0; i < map->len; i++) {
    const fsm_value *value = &map->pairs[i].value;
    fsm_buf json = {0};
    fsm_json_write(&json, value);
    const char *name = cli_text(&cli->arena, &map->pairs[i].key);
    const char *text =
        fsm_is(value, FSM_STRING) ? cli_text(&cli->arena, value) : cli_safe(&cli->arena, fsm_buf_text(&json));
    fsm_buf_printf(&cli->text, "  %s: %s\n", name, text);
    fsm_buf_free(&json);
  }
}

static const char *or_empty(const char *text) { return text == NULL ? "" : text; }

/* "    label:    value". */
static void print_item_line(cli_run *cli, const char *label, const char *value) {
  if (*value != 0) fsm_buf_printf(&cli->text, "    %-9s %s\n", label, value);
}

static void print_task(cli_run *cli, const fsm_value *task, const fsm_value *now) {
  fsm_arena *arena = &cli->arena;
  fsm_buf_printf(&cli->text, "  %s\n", cli_field(arena, task, "id"));
  print_item_line(cli, "service:", cli_field(arena, task, "service"));
  print_item_line(cli, "child:", cli_field(arena, task, "child"));
  if (fsm_map_get(task, "child") != NULL) return; /* an instance: it knows the rest */
  print_item_line(cli, "state:", cli_task_state(arena, task, now));
  print_item_line(cli, "attempts:",
                  or_empty(fsm_arena_printf(arena, "%s of %s begun", cli_field(arena, task, "attempt"),
                                            cli_field(arena, task, "attempts"))));
  print_item_line(cli, "why:", cli_field(arena, task, "why"));
  print_item_line(cli, "error:", cli_field(arena, task, "error"));
  print_item_line(cli, "token:", cli_field(arena, task, "token"));
}

/* An event, or an answer or an end, on its way to another instance. */
static void print_message(cli_run *cli, const fsm_value *message, const fsm_value *now) {
  fsm_arena *arena = &cli->arena;
  const char *event = cli_field(arena, message, "event");
  fsm_buf_printf(&cli->text, "  %s\n", *event != 0 ? event : cli_field(arena, message, "kind"));
  print_item_line(cli, "to:", cli_field(arena, message, "to"));
  print_item_line(cli, "state:", cli_timer_state(arena, message, now));
  print_item_line(cli, "at:", cli_time(arena, fsm_map_get(message, "due")));
}

static void print_timer(cli_run *cli, const fsm_value *timer, const fsm_value *now) {
  fsm_arena *arena = &cli->arena;
  const char *id = cli_field(arena, timer, "id"), *event = cli_field(arena, timer, "event");
  fsm_buf_printf(&cli->text, "  %s\n", id);
  if (strcmp(id, event) != 0) print_item_line(cli, "sends:", event);
  print_item_line(cli, "state:", cli_timer_state(arena, timer, now));
  print_item_line(cli, "at:", cli_time(arena, fsm_map_get(timer, "due")));
}

static void print_list(cli_run *cli, const char *label, const fsm_value *document,
                       void (*print)(cli_run *cli, const fsm_value *item, const fsm_value *now)) {
  const fsm_value *list = fsm_map_get(document, label), *now = fsm_map_get(document, "now");
  if (list == NULL || !fsm_is(list, FSM_LIST) || list->len == 0) return;
  fsm_buf_printf(&cli->text, "%s:\n", label);
  for (uint32_t i = 0; i < list->len; i++) print(cli, &list->items[i], now);
}

static void print(cli_run *cli, const fsm_value *document) {
  fsm_arena *arena = &cli->arena;
  const char *version = cli_field(arena, document, "version");
  const char *machine = fsm_arena_printf(arena, "%s%s%s", cli_field(arena, document, "machine"),
                                         *version == 0 ? "" : "@", version);
  const fsm_value *output = fsm_map_get(document, "output"), *labels = fsm_map_get(document, "labels");
  cli_print_line(cli, "id", cli_field(arena, document, "id"));
  cli_print_line(cli, "key", cli_field(arena, document, "key"));
  cli_print_line(cli, "machine", machine == NULL ? "" : machine);
  const fsm_value *forced = fsm_map_get(document, "forced"), *parent = fsm_map_get(document, "parent");
  const fsm_value *as_of = fsm_map_get(document, "as_of");
  if (as_of != NULL && fsm_is(as_of, FSM_MAP))
    cli_print_line(cli, "as of",
                   or_empty(fsm_arena_printf(arena, "seq %s, %s", cli_field(arena, as_of, "seq"),
                                             cli_time(arena, fsm_map_get(as_of, "time")))));
  cli_print_line(cli, "status", cli_field(arena, document, "status"));
  print_states(cli, document);
  cli_print_line(cli, "rev", cli_field(arena, document, "rev"));
  cli_print_line(cli, "seq", cli_field(arena, document, "seq"));
  cli_print_line(cli, "created", cli_time(arena, fsm_map_get(document, "created")));
  cli_print_line(cli, "updated", cli_time(arena, fsm_map_get(document, "updated")));
  cli_print_line(cli, "correlation", cli_field(arena, document, "correlation"));
  if (parent != NULL && fsm_is(parent, FSM_MAP)) {
    const char *task = cli_field(arena, parent, "task");
    cli_print_line(cli, "child of",
                   or_empty(fsm_arena_printf(arena, "%s%s%s%s", cli_field(arena, parent, "instance"),
                                             *task != 0 ? " (task " : "", task, *task != 0 ? ")" : "")));
  }
  if (forced != NULL && fsm_is(forced, FSM_BOOL) && forced->b)
    cli_print_line(cli, "forced", "yes: an operator has put it where it stood; see: fsm-cli log");
  print_map(cli, "incident", fsm_map_get(document, "incident"));
  print_map(cli, "cancelled", fsm_map_get(document, "cancelled"));
  print_map(cli, "labels", labels);
  print_map(cli, "context", fsm_map_get(document, "context"));
  print_list(cli, "tasks", document, print_task);
  print_list(cli, "timers", document, print_timer);
  print_list(cli, "messages", document, print_message);
  print_map(cli, "history", fsm_map_get(document, "history"));
  if (output != NULL && !fsm_is(output, FSM_NULL)) print_map(cli, "output", output);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  const fsm_query query = {.kind = FSM_QUERY_INSTANCE, .as_of = cli_args_get(&cli->args, "as-of")};
  fsm_code code = cli_about_query(cli, query, &document, err);
  return code == FSM_OK ? cli_show(cli, &document, print, err) : code;
}

static const cli_option options[] = {
    {"as-of", 0, "TIME|@SEQ", "as it was then: a time, how long ago, or behind a record", false},
    {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"get doc-17", "get document-approval/key:INV-7 -o json",
                                       "get doc-17 --as-of 2h", "get doc-17 --as-of @8812", NULL};

extern const cli_command cli_get;
const cli_command cli_get = {.group = "",
                             .heading = CLI_EXPLAIN,
                             .name = "get",
                             .words = "REF",
                             .summary = "one instance: state, context, tasks, timers",
                             .options = options,
                             .examples = examples,
                             .words_min = 1,
                             .words_max = 1,
                             .formats = CLI_FORMATS_SHOW,
                             .reads = true,
                             .run = run};
