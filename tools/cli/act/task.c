/* task.c: see task.h. */
#include "tools/cli/act/task.h"

#include <string.h>

#include "tools/cli/explain/waiting.h"
#include "tools/cli/show/pages.h"

/* ---- one ---------------------------------------------------------------------------------------------- */

static bool is_token(const char *word) {
  return strlen(word) == 32 && strspn(word, "0123456789abcdefABCDEF") == 32;
}

static fsm_code of_instance(cli_run *cli, const char *name, fsm_value *task, fsm_error *err) {
  fsm_value page;
  const fsm_query query = {.kind = FSM_QUERY_TASKS, .ref = cli->ref, .limit = FSM_PAGE_MAX};
  fsm_code code = cli_source_query(&cli->source, &query, &cli->arena, &page, err);
  if (code != FSM_OK) return code;
  const fsm_value *items = fsm_map_get(&page, "items");
  fsm_buf known = {0};
  for (uint32_t i = 0; items != NULL && fsm_is(items, FSM_LIST) && i < items->len; i++) {
    const char *id = cli_field(&cli->arena, &items->items[i], "invoke");
    if (strcmp(id, name) == 0) {
      *task = items->items[i];
      fsm_buf_free(&known);
      return FSM_OK;
    }
    fsm_buf_printf(&known, "%s%s", known.len > 0 ? ", " : "", id);
  }
  code = known.len > 0 ? fsm_fail(err, FSM_ETASK, name, "the instance has no such open task; it has %.300s",
                                  fsm_buf_text(&known))
                       : fsm_fail(err, FSM_ETASK, name, "the instance has no open task");
  fsm_buf_free(&known);
  return code;
}

fsm_code cli_task_find(cli_run *cli, fsm_value *task, fsm_error *err) {
  const char *const *words = cli->args.words;
  if (cli->args.word_count == 1 && !is_token(words[0]))
    return fsm_fail(err, FSM_EARGUMENT, words[0],
                    "a task is its token (32 hex digits; task ls), or REF TASK");
  if (cli->args.word_count == 1) {
    const fsm_query query = {.kind = FSM_QUERY_TASK, .ref = words[0]};
    return cli_source_query(&cli->source, &query, &cli->arena, task, err);
  }
  fsm_code code = cli_ref(cli, words[0], err);
  if (code == FSM_OK) code = cli_ref_check(cli, err);
  return code == FSM_OK ? of_instance(cli, words[1], task, err) : code;
}

fsm_code cli_task_attempt(cli_run *cli, cli_deed *deed, fsm_error *err) {
  return cli_args_number(&cli->args, "attempt", 1, UINT16_MAX, 0, &deed->attempt, err);
}

fsm_code cli_task_do(cli_run *cli, cli_deed *deed, fsm_error *err) {
  fsm_value task;
  fsm_code code = cli_connect(cli, !deed->dry_run, err);
  if (code == FSM_OK) code = cli_task_find(cli, &task, err);
  if (code != FSM_OK) return code;
  return cli_do_one(cli, deed, cli_field(&cli->arena, &task, "token"), err);
}

void cli_task_print(cli_run *cli, const fsm_value *task) {
  static const char *const members[] = {"token",   "invoke",   "service", "instance",   "key",
                                        "machine", "state",    "attempt", "attempts",   "begun",
                                        "due",     "deadline", "error",   "correlation"};
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
    cli_print_line(cli, members[i], cli_field(&cli->arena, task, members[i]));
  if (fsm_map_get(task, "forced") != NULL)
    cli_print_line(cli, "forced", "yes: an operator has put its instance there");
  const fsm_value *input = fsm_map_get(task, "input");
  if (input != NULL && !fsm_is(input, FSM_NULL)) cli_print_line(cli, "input", cli_text(&cli->arena, input));
}

/* ---- many --------------------------------------------------------------------------------------------- */

static const cli_column columns[] = {
    {.title = "INSTANCE", .min = 16, .keep_both = true, .cut_last = true, .name = "instance"},
    {.title = "TASK", .min = 8, .shrink = 2, .name = "invoke"},
    {.title = "SERVICE", .min = 8, .shrink = 3, .may_go = true, .name = "service"},
    {.title = "STATE", .min = 20, .cut_last = true, .name = "state"},
    {.title = "ATTEMPT", .right = true},
    {.title = "WHEN"},
    {.title = "MACHINE", .if_any = true, .goes_first = true, .name = "machine"},
    {.title = "KEY", .min = 8, .shrink = 4, .may_go = true, .if_any = true, .keep_both = true, .name = "key"},
    {.title = "ERROR", .min = 10, .shrink = 5, .if_any = true, .name = "error"},
    {.title = "FORCED", .if_any = true, .name = "forced"},
    {.title = "TOKEN", .wide = true, .name = "token"}};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

static const char *when_of(fsm_arena *arena, const fsm_value *task, const fsm_value *now) {
  int64_t ns;
  const fsm_value *due = fsm_map_get(task, "due"), *deadline = fsm_map_get(task, "deadline");
  if (deadline != NULL && cli_since(now, deadline, &ns))
    return fsm_arena_printf(arena, "until in %s", cli_age(arena, ns));
  if (due == NULL || !cli_since(due, now, &ns)) return "";
  if (ns > 0) return fsm_arena_printf(arena, "for %s", cli_age(arena, ns));
  return cli_since(now, due, &ns) && ns >= INT64_C(1000000000)
             ? fsm_arena_printf(arena, "in %s", cli_age(arena, ns))
             : "now";
}

static void add_item(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                     const fsm_value *item) {
  (void)cli;
  const char *attempt = fsm_arena_printf(arena, "%s of %s", cli_field(arena, item, "attempt"),
                                         cli_field(arena, item, "attempts"));
  const char *cells[COLUMN_COUNT] = {cli_field(arena, item, "instance"),
                                     cli_field(arena, item, "invoke"),
                                     cli_field(arena, item, "service"),
                                     cli_field(arena, item, "state"),
                                     attempt,
                                     when_of(arena, item, fsm_map_get(document, "now")),
                                     cli_field(arena, item, "machine"),
                                     cli_field(arena, item, "key"),
                                     cli_field(arena, item, "error"),
                                     fsm_map_get(item, "forced") != NULL ? "forced" : "",
                                     cli_field(arena, item, "token")};
  cli_table_row(table, cells);
}

static const cli_pages as_list = {
    .columns = columns, .column_count = COLUMN_COUNT, .noun = "tasks", .id = "token", .item = add_item};

fsm_code cli_task_items(cli_run *cli, const fsm_value *document, fsm_error *err) {
  return cli_items_print(cli, &as_list, document, err);
}

fsm_code cli_task_list(cli_run *cli, const fsm_query *query, fsm_error *err) {
  cli_pages pages = as_list;
  pages.query = *query;
  return cli_pages_run(cli, &pages, err);
}
