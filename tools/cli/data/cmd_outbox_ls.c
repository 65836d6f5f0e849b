/* cmd_outbox_ls.c: fsm-cli outbox ls: the sinks and how they are; of one: all about it, and what it has
 * parked. */
#include <string.h>

#include "tools/cli/data/outbox.h"
#include "tools/cli/show/table.h"

static fsm_code sinks(cli_run *cli, const fsm_value *document, fsm_error *err) {
  static const cli_column columns[] = {{.title = "SINK", .min = 12, .keep_both = true},
                                       {.title = "KIND", .goes_first = true, .if_any = true},
                                       {.title = "FORMAT", .goes_first = true, .if_any = true},
                                       {.title = "STATE"},
                                       {.title = "LAG", .right = true},
                                       {.title = "PARKED", .right = true},
                                       {.title = "LAST ERROR", .min = 20, .shrink = 1, .if_any = true}};
  static const char *const names[] = {"name", "kind", "format", "status", "lag", "parked", "last_error"};
  enum { COUNT = sizeof columns / sizeof *columns };
  const fsm_value *items = fsm_map_get(document, "items");
  cli_table rows;
  cli_table_begin(&rows, &cli->arena, columns, COUNT);
  for (uint32_t i = 0; items != NULL && fsm_is(items, FSM_LIST) && i < items->len; i++) {
    const char *cells[COUNT];
    for (size_t k = 0; k < COUNT; k++) cells[k] = cli_field(&cli->arena, &items->items[i], names[k]);
    cli_table_row(&rows, cells);
  }
  fsm_code code = cli_table_print(&rows, &cli->screen, &cli->text, err);
  return code == FSM_OK ? cli_flush(cli, err) : code;
}

static fsm_code parked(cli_run *cli, const fsm_value *document, fsm_error *err) {
  static const cli_column columns[] = {{.title = "RECORD", .right = true},
                                       {.title = "SINCE"},
                                       {.title = "TRIES", .right = true},
                                       {.title = "CODE", .goes_first = true},
                                       {.title = "WHY", .min = 20, .shrink = 1}};
  static const char *const names[] = {"seq", "time", "tries", "code", "text"};
  enum { COUNT = sizeof columns / sizeof *columns };
  const fsm_value *items = fsm_map_get(document, "items");
  cli_table rows;
  if (items == NULL || !fsm_is(items, FSM_LIST) || items->len == 0) return cli_flush(cli, err);
  fsm_buf_char(&cli->text, '\n');
  cli_table_begin(&rows, &cli->arena, columns, COUNT);
  for (uint32_t i = 0; i < items->len; i++) {
    const char *cells[COUNT];
    for (size_t k = 0; k < COUNT; k++)
      cells[k] = cli_member(&cli->arena, names[k], fsm_map_get(&items->items[i], names[k]));
    cli_table_row(&rows, cells);
  }
  fsm_code code = cli_table_print(&rows, &cli->screen, &cli->text, err);
  return code == FSM_OK ? cli_flush(cli, err) : code;
}

/* What a table has no room for, the last error whole. */
static fsm_code about(cli_run *cli, const char *name, fsm_error *err) {
  static const struct {
    const char *label, *member;
  } lines[] = {{"sink", "name"},
               {"kind", "kind"},
               {"format", "format"},
               {"records", "records"},
               {"state", "status"},
               {"lag", "lag"},
               {"oldest", "lag_ms"},
               {"seq", "seq"},
               {"settled", "settled_seq"},
               {"published", "published"},
               {"left out", "skipped"},
               {"repaired", "repaired"},
               {"retries", "retries"},
               {"parked", "parked"},
               {"budget %", "budget_percent"},
               {"spilled", "spilled"},
               {"last ok", "last_ok"},
               {"failing since", "failing_since"},
               {"last error", "last_error"}};
  fsm_value document;
  fsm_code code = cli_outbox_sinks(cli, &document, err);
  const fsm_value *items = code == FSM_OK ? fsm_map_get(&document, "items") : NULL;
  for (uint32_t i = 0; items != NULL && fsm_is(items, FSM_LIST) && i < items->len; i++) {
    const fsm_value *sink = &items->items[i];
    if (strcmp(cli_field(&cli->arena, sink, "name"), name) != 0) continue;
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++)
      cli_print_states(cli, lines[k].label,
                       cli_member(&cli->arena, lines[k].member, fsm_map_get(sink, lines[k].member)));
  }
  return code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  const bool one = cli->args.word_count > 0;
  fsm_code code = one ? cli_outbox_parked(cli, cli->args.words[0], &document, err)
                      : cli_outbox_sinks(cli, &document, err);
  if (code != FSM_OK) return code;
  if (cli->json) return cli_print_json(cli, &document, err);
  if (!one) return sinks(cli, &document, err);
  code = about(cli, cli->args.words[0], err);
  return code == FSM_OK ? parked(cli, &document, err) : code;
}

static const cli_option options[] = {{NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"outbox ls", "outbox ls siem", NULL};

extern const cli_command cli_outbox_ls;
const cli_command cli_outbox_ls = {.group = "outbox",
                                   .heading = CLI_PUBLISHING,
                                   .name = "ls",
                                   .words = "[SINK]",
                                   .summary = "the sinks; of one: all about it, and what it has parked",
                                   .more =
                                       "An error that was cut is whole in outbox ls SINK, a reason in -o "
                                       "json. Without a daemon its files tell how far\n"
                                       "each sink came, and what it has parked.",
                                   .options = options,
                                   .examples = examples,
                                   .words_min = 0,
                                   .words_max = 1,
                                   .reads = true,
                                   .run = run};
