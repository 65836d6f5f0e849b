/* do_show.c: what a command was answered, in words. */
#include "tools/cli/act/do.h"

#include <string.h>

void cli_answer_print(cli_run *cli, const fsm_value *answer) {
  fsm_arena *arena = &cli->arena;
  const fsm_value *replayed = fsm_map_get(answer, "replayed"), *records = fsm_map_get(answer, "records");
  const fsm_value *from = fsm_map_get(answer, "from"), *to = fsm_map_get(answer, "to");
  cli_print_line(cli, "instance", cli_field(arena, answer, "instance"));
  cli_print_states(cli, "state", cli_change(arena, from, to));
  cli_print_states(cli, "still in", cli_unmoved(arena, from, to));
  cli_print_line(cli, "status", cli_field(arena, answer, "status"));
  cli_print_line(cli, "rev", cli_field(arena, answer, "rev"));
  cli_print_line(cli, "seq", cli_field(arena, answer, "seq"));
  cli_print_line(cli, "correlation", cli_field(arena, answer, "correlation"));
  if (replayed != NULL && fsm_is(replayed, FSM_BOOL) && replayed->b)
    cli_print_line(cli, "replayed", "yes: the first answer of this key");
  if (records != NULL) cli_dry_print(cli, records);
}

/* What is the same for every record, or only of this very run. */
static bool is_told(const fsm_value *name) {
  static const char *const left_out[] = {"v",    "store", "part", "epoch", "id",    "seq", "prev", "iprev",
                                         "time", "node",  "i",    "n",     "dur",   "def", "ctxh", "level",
                                         "kind", "inst",  "mach", "defv",  "clock", "key", "corr"};
  for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
    if (fsm_is_text(name, left_out[i])) return false;
  return true;
}

static void print_record(cli_run *cli, const fsm_value *record) {
  fsm_arena *arena = &cli->arena;
  fsm_buf_printf(&cli->text, "  %s\n", cli_field(arena, record, "kind"));
  for (uint32_t i = 0; i < record->len; i++) {
    const fsm_pair *pair = &record->pairs[i];
    const fsm_value *value = &pair->value;
    if (!is_told(&pair->key) || fsm_is(value, FSM_NULL)) continue;
    if ((fsm_is(value, FSM_LIST) || fsm_is(value, FSM_MAP)) && value->len == 0) continue;
    fsm_buf line = {0};
    fsm_buf_printf(&line, "    %.*s: %s", (int)pair->key.len, pair->key.s, cli_text(arena, value));
    cli_wrap(&cli->text, fsm_buf_text(&line), cli->screen.columns, 6);
    fsm_buf_char(&cli->text, '\n');
    fsm_buf_free(&line);
  }
}

void cli_dry_print(cli_run *cli, const fsm_value *records) {
  if (!fsm_is(records, FSM_LIST)) return;
  if (records->len == 0)
    fsm_buf_str(&cli->text, "dry run:      nothing would be written\n");
  else
    fsm_buf_printf(&cli->text, "dry run:      nothing was done; %s would be written\n",
                   records->len == 1 ? "this record" : "these records");
  for (uint32_t i = 0; i < records->len; i++)
    if (fsm_is(&records->items[i], FSM_MAP)) print_record(cli, &records->items[i]);
}
