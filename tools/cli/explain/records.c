/* records.c: records of the log as rows of a table, or each with all of its fields. */
#include "tools/cli/explain/records.h"

#include <string.h>

static const cli_column columns[] = {
    {.title = "TIME", .name = "time"},
    {.title = "SEQ", .name = "seq", .right = true, .may_go = true},
    {.title = "KIND", .name = "kind"},
    {.title = "FROM → TO",
     .name = "to",
     .min = 12,
     .shrink = 2,
     .keep_end = true}, /* `from` is the `to` above */
    {.title = "TRIGGER", .name = "trigger", .min = 7, .shrink = 2, .if_any = true, .keep_end = true},
    {.title = "USER",
     .name = "act.sub",
     .min = 5,
     .shrink = 1,
     .if_any = true}, /* who did it is what a log is asked for */
    {.title = "CORRELATION", .name = "corr", .if_any = true, .goes_first = true},
    {.title = "REASON", .name = "reason", .min = 14, .shrink = 1, .if_any = true}};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0], SHORT_ID = 13, NARROW = 110, LEAVES_WIDTH = 18 };

/* The head of a long id is its time; the tail tells ids of one moment apart. */
static const char *short_id(fsm_arena *arena, const char *id, bool full) {
  size_t len = strlen(id);
  if (full || len <= SHORT_ID) return id;
  const char *text = fsm_arena_printf(arena, "…%s", id + len - (SHORT_ID - 1));
  return text == NULL ? id : text;
}

const char *cli_record_user(fsm_arena *arena, const fsm_value *record) {
  const fsm_value *actor = fsm_map_get(record, "act");
  if (actor == NULL || !fsm_is(actor, FSM_MAP)) return "";
  const char *sub = cli_field(arena, actor, "sub");
  return *sub != 0 ? sub : cli_field(arena, actor, "type");
}

/* On a terminal the year and the zone are known: "11-22 09:06:54". */
static const char *short_time(fsm_arena *arena, const char *time, bool full) {
  size_t len = strlen(time);
  if (full || len < strlen("2026-11-22T09:06:54")) return time;
  const char *text = fsm_arena_printf(arena, "%.5s %.8s", time + 5, time + 11);
  return text == NULL ? time : text;
}

/* What the engine sends itself begins with "xstate."; what kind of event it was ("done", "error", "after")
 * is enough where there is little room. */
static const char *short_trigger(fsm_arena *arena, const char *trigger, bool full, bool narrow) {
  static const char own[] = "xstate.";
  if (full || strncmp(trigger, own, sizeof own - 1) != 0) return trigger;
  trigger += sizeof own - 1;
  const char *word = narrow ? fsm_arena_strndup(arena, trigger, strcspn(trigger, ".")) : trigger;
  return word == NULL ? trigger : word;
}

/* The last two names of a path: with its region a leaf is still known. */
static const char *short_path(const char *path) {
  const char *dot = strrchr(path, '.');
  while (dot != NULL && dot > path && dot[-1] != '.') dot--;
  return dot == NULL ? path : dot;
}

/* The state around all of them, "" when there is none. */
static const char *around(fsm_arena *arena, const fsm_value *list) {
  const char *first = cli_text(arena, &list->items[0]);
  size_t len = strlen(first);
  for (uint32_t i = 0; i < list->len; i++) {
    const char *path = cli_text(arena, &list->items[i]);
    size_t same = 0;
    while (same < len && path[same] == first[same]) same++;
    while (same > 0 && (first[same] != '.' || path[same] != '.')) same--;
    len = same;
  }
  const char *text = fsm_arena_strndup(arena, first, len);
  return text == NULL ? "" : text;
}

/* Leaves by their last names, or how many there are in which state. */
static const char *short_leaves(fsm_arena *arena, const fsm_value *list) {
  fsm_value *items = fsm_arena_zalloc(arena, list->len + 1u, sizeof *items);
  for (uint32_t i = 0; items != NULL && i < list->len; i++)
    items[i] = fsm_string(short_path(cli_text(arena, &list->items[i])));
  fsm_value shorter = fsm_list(items, items == NULL ? 0 : list->len);
  const char *names = cli_text(arena, &shorter), *above = list->len < 2 ? "" : around(arena, list);
  if (cli_width(names) <= LEAVES_WIDTH || *above == 0) return names;
  const char *text = fsm_arena_printf(arena, "%s (%u)", above, (unsigned)list->len);
  return text == NULL ? names : text;
}

/* Where the line above ended is where this one begins: a narrow terminal is told only where it went, and in
 * a machine that is in several places the last names of the leaves. */
const char *cli_record_change(fsm_arena *arena, const fsm_value *record, bool narrow) {
  const fsm_value *from = fsm_map_get(record, "from"), *to = fsm_map_get(record, "to");
  if (!narrow || to == NULL || !fsm_is(to, FSM_LIST)) return cli_change(arena, from, to);
  bool begins = from == NULL || !fsm_is(from, FSM_LIST) || from->len == 0;
  if (!begins && fsm_value_same(from, to)) return to->len > 1 ? "unchanged" : cli_text(arena, to);
  fsm_value entered = cli_entered(arena, from, to);
  const char *text =
      fsm_arena_printf(arena, "%s%s", begins ? "" : "→ ",
                       to->len > 1 ? short_leaves(arena, &entered) : cli_text(arena, &entered));
  return text == NULL ? "" : text;
}

/* Why it was refused, or what the operator said; and that its states are what an operator has set, for ever.
 */
const char *cli_record_reason(fsm_arena *arena, const fsm_value *record) {
  const char *reason = cli_field(arena, record, "reason");
  const fsm_value *detail = fsm_map_get(record, "detail"), *cause = fsm_map_get(record, "cause"),
                  *forced = fsm_map_get(record, "forced");
  const bool operated = cause != NULL && fsm_is_text(cause, "admin");
  if (*reason == 0 && operated && detail != NULL && fsm_is(detail, FSM_MAP))
    reason = cli_field(arena, detail, "reason");
  if (forced == NULL || !fsm_is(forced, FSM_BOOL) || !forced->b) return reason;
  const char *both = *reason != 0 ? fsm_arena_printf(arena, "%s (forced)", reason) : "(forced)";
  return both == NULL ? reason : both;
}

static void add_item(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                     const fsm_value *record) {
  (void)document;
  bool full = !cli->screen.tty, narrow = cli->screen.tty && cli->screen.columns < NARROW;
  const char *cells[COLUMN_COUNT] = {short_time(arena, cli_time(arena, fsm_map_get(record, "time")), full),
                                     cli_field(arena, record, "seq"),
                                     cli_field(arena, record, "kind"),
                                     cli_record_change(arena, record, narrow),
                                     short_trigger(arena, cli_field(arena, record, "trigger"), full, narrow),
                                     cli_record_user(arena, record),
                                     narrow ? "" : short_id(arena, cli_field(arena, record, "corr"), full),
                                     cli_record_reason(arena, record)};
  cli_table_row(table, cells);
}

/* The order in which people ask; what is not named here follows by name. */
static const char *const first_fields[] = {"seq", "time",    "kind",  "outcome", "reason", "from",
                                           "to",  "trigger", "cause", "data",    "ctx"};

static bool is_first(const fsm_value *key) {
  for (size_t i = 0; i < sizeof first_fields / sizeof first_fields[0]; i++)
    if (fsm_is_text(key, first_fields[i])) return true;
  return false;
}

static void print_field(cli_run *cli, fsm_arena *arena, const fsm_value *key, const fsm_value *value) {
  fsm_buf json = {0};
  if (!fsm_is(value, FSM_STRING)) fsm_json_write(&json, value);
  cli_print_line(cli, cli_text(arena, key),
                 fsm_is(value, FSM_STRING) ? cli_text(arena, value) : cli_safe(arena, fsm_buf_text(&json)));
  fsm_buf_free(&json);
}

static void print_full(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                       const fsm_value *record) {
  (void)table, (void)document;
  if (!fsm_is(record, FSM_MAP)) return;
  for (size_t i = 0; i < sizeof first_fields / sizeof first_fields[0]; i++) {
    fsm_value key = fsm_string(first_fields[i]);
    const fsm_value *value = fsm_map_find(record, &key);
    if (value != NULL) print_field(cli, arena, &key, value);
  }
  for (uint32_t i = 0; i < record->len; i++)
    if (!is_first(&record->pairs[i].key))
      print_field(cli, arena, &record->pairs[i].key, &record->pairs[i].value);
  fsm_buf_char(&cli->text, '\n');
}

void cli_records_show(cli_pages *pages, bool full) {
  pages->columns = full ? NULL : columns;
  pages->column_count = COLUMN_COUNT;
  pages->noun = "records";
  pages->id = "seq";
  pages->item = full ? print_full : add_item;
}
