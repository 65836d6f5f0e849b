/* cmd_outbox_lag.c: fsm-cli outbox lag: how far the sinks are behind: records, time, rate, retries. */
#include "tools/cli/data/outbox.h"
#include "tools/cli/show/table.h"

static fsm_code table(cli_run *cli, const fsm_value *document, fsm_error *err) {
  static const cli_column columns[] = {{.title = "SINK", .min = 12, .keep_both = true},
                                       {.title = "STATE"},
                                       {.title = "LAG", .right = true},
                                       {.title = "OLDEST", .right = true, .if_any = true},
                                       {.title = "RATE", .right = true, .if_any = true},
                                       {.title = "RETRIES", .right = true, .if_any = true},
                                       {.title = "SETTLED", .right = true},
                                       {.title = "BUDGET %", .right = true, .if_any = true}};
  static const char *const names[] = {"name", "status",  "lag",         "lag_ms",
                                      "rate", "retries", "settled_seq", "budget_percent"};
  enum { COUNT = sizeof columns / sizeof *columns };
  const fsm_value *items = fsm_map_get(document, "items");
  cli_table rows;
  cli_table_begin(&rows, &cli->arena, columns, COUNT);
  for (uint32_t i = 0; items != NULL && fsm_is(items, FSM_LIST) && i < items->len; i++) {
    const char *cells[COUNT];
    for (size_t k = 0; k < COUNT; k++)
      cells[k] = cli_member(&cli->arena, names[k], fsm_map_get(&items->items[i], names[k]));
    cli_table_row(&rows, cells);
  }
  fsm_code code = cli_table_print(&rows, &cli->screen, &cli->text, err);
  return code == FSM_OK ? cli_flush(cli, err) : code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  fsm_code code = cli_outbox_sinks(cli, &document, err);
  if (code != FSM_OK) return code;
  return cli->json ? cli_print_json(cli, &document, err) : table(cli, &document, err);
}

static const cli_option options[] = {{NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"outbox lag", NULL};

extern const cli_command cli_outbox_lag;
const cli_command cli_outbox_lag = {
    .group = "outbox",
    .heading = CLI_PUBLISHING,
    .name = "lag",
    .words = "",
    .summary = "how far the sinks are behind: records, time, rate, retries",
    .more =
        "LAG is in records, OLDEST since when the first of them waits, RATE records a second,\n"
        "RETRIES since the start; SETTLED is the record up to which nothing is taken back.",
    .options = options,
    .examples = examples,
    .words_min = 0,
    .words_max = 0,
    .reads = true,
    .run = run};
