/* cmd_def_diff.c: fsm-cli def diff: what has changed from one definition to another, and whom it concerns. */
#include <string.h>

#include "schema/diff.h"
#include "tools/cli/definition/machine_word.h"

enum { CHANGE_INDENT = 32 }; /* columns of impact and kind */

static const cli_option options[] = {
    {"exit-status", 0, NULL, "exit 10 when there is a breaking change", false}, {NULL, 0, NULL, NULL, false}};

/* How many open instances stand in the state or below; -1 = it is not known. */
static int64_t standing(const fsm_value *counts, const char *state) {
  const fsm_value *items = counts == NULL ? NULL : fsm_map_get(counts, "items");
  int64_t sum = 0;
  if (items == NULL || items->type != FSM_LIST) return -1;
  for (uint32_t i = 0; i < items->len; i++) {
    const fsm_value *path = fsm_map_get(&items->items[i], "state"),
                    *count = fsm_map_get(&items->items[i], "count");
    const size_t len = strlen(state);
    if (path == NULL || path->type != FSM_STRING || count == NULL || count->type != FSM_INT) continue;
    if (path->len >= len && memcmp(path->s, state, len) == 0 && (path->len == len || path->s[len] == '.'))
      sum += count->i;
  }
  return sum;
}

static fsm_code change_document(cli_run *cli, const fsm_change *change, const fsm_value *counts,
                                fsm_value *out, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_zalloc(&cli->arena, 5, sizeof *pairs);
  size_t count = 0;
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  pairs[count++] = (fsm_pair){fsm_string("impact"), fsm_string(fsm_impact_name(change->impact))};
  pairs[count++] = (fsm_pair){fsm_string("kind"), fsm_string(change->kind)};
  pairs[count++] = (fsm_pair){fsm_string("name"), fsm_string(change->name)};
  pairs[count++] = (fsm_pair){fsm_string("text"), fsm_string(change->text)};
  const int64_t here = change->state == NULL ? -1 : standing(counts, change->state);
  if (here >= 0) pairs[count++] = (fsm_pair){fsm_string("instances"), fsm_int(here)};
  return fsm_map(pairs, count, out, err);
}

static fsm_code document(cli_run *cli, const cli_machine_word sides[2], const fsm_diff_report *report,
                         const fsm_value *counts, fsm_value *out, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_zalloc(&cli->arena, 6, sizeof *pairs);
  fsm_value *items = fsm_arena_zalloc(&cli->arena, report->count + 1, sizeof *items);
  fsm_code code = pairs == NULL || items == NULL ? fsm_fail(err, FSM_ENOMEM, "", "no memory") : FSM_OK;
  for (size_t i = 0; code == FSM_OK && i < report->count; i++)
    code = change_document(cli, &report->changes[i], counts, &items[i], err);
  if (code != FSM_OK) return code;
  pairs[0] = (fsm_pair){fsm_string("from"), fsm_string(sides[0].name)};
  pairs[1] = (fsm_pair){fsm_string("to"), fsm_string(sides[1].name)};
  pairs[2] = (fsm_pair){fsm_string("items"), fsm_list(items, report->count)};
  for (int i = 0; i < FSM_IMPACT_COUNT; i++)
    pairs[3 + i] = (fsm_pair){fsm_string(fsm_impact_name((fsm_impact)i)), fsm_uint(report->by_impact[i])};
  return fsm_map(pairs, 6, out, err);
}

static const char *text_of(cli_run *cli, const fsm_value *item, const char *name) {
  const fsm_value *text = fsm_map_get(item, name);
  return text == NULL || text->type != FSM_STRING ? "" : cli_safe(&cli->arena, text->s);
}

static void print_change(cli_run *cli, const fsm_value *item) {
  const fsm_value *here = fsm_map_get(item, "instances");
  const unsigned columns = cli->screen.columns;
  fsm_buf line = {0};
  fsm_buf_printf(&line, "%-10s  %-18s  %s: %s", text_of(cli, item, "impact"), text_of(cli, item, "kind"),
                 text_of(cli, item, "name"), text_of(cli, item, "text"));
  if (here != NULL) fsm_buf_printf(&line, " (%lld open now)", (long long)here->i);
  cli_wrap(&cli->text, fsm_buf_text(&line), columns, columns >= 2 * CHANGE_INDENT ? CHANGE_INDENT : 2);
  fsm_buf_char(&cli->text, '\n');
  fsm_buf_free(&line);
}

static void print(cli_run *cli, const fsm_value *whole) {
  const fsm_value *items = fsm_map_get(whole, "items");
  if (items->len == 0) fsm_buf_str(&cli->text, "nothing has changed\n");
  for (uint32_t i = 0; i < items->len; i++) {
    print_change(cli, &items->items[i]);
  }
  fsm_buf_printf(&cli->text, "%s → %s:", text_of(cli, whole, "from"), text_of(cli, whole, "to"));
  for (int i = 0; i < FSM_IMPACT_COUNT; i++) {
    const char *name = fsm_impact_name((fsm_impact)i);
    fsm_buf_printf(&cli->text, "%s %llu %s", i > 0 ? "," : "",
                   (unsigned long long)fsm_map_get(whole, name)->u, name);
  }
  fsm_buf_char(&cli->text, '\n');
}

/* Only what is asked for already: files alone need no daemon. */
static fsm_code ask_counts(cli_run *cli, const cli_machine_word sides[2], fsm_value *counts, fsm_error *err) {
  *counts = fsm_null();
  if (!sides[0].deployed && !sides[1].deployed) return FSM_OK;
  const cli_machine_word *side = sides[0].deployed ? &sides[0] : &sides[1];
  const fsm_query query = {.kind = FSM_QUERY_COUNTS, .machine = fsm_machine_id(side->file.machine)};
  return cli_source_query(&cli->source, &query, &cli->arena, counts, err);
}

static fsm_code compare(cli_run *cli, const cli_machine_word sides[2], bool *broken, fsm_error *err) {
  fsm_diff_side both[2];
  fsm_diff_report report;
  fsm_value counts, whole;
  for (int i = 0; i < 2; i++)
    both[i] =
        (fsm_diff_side){sides[i].text.data, sides[i].text.len, sides[i].file.def, sides[i].file.machine};
  fsm_code code = fsm_diff(&cli->arena, &both[0], &both[1], &report, err);
  if (code == FSM_OK) code = ask_counts(cli, sides, &counts, err);
  if (code == FSM_OK) code = document(cli, sides, &report, &counts, &whole, err);
  if (code != FSM_OK) return code;
  *broken = report.by_impact[FSM_IMPACT_BREAKING] > 0;
  return cli_show(cli, &whole, print, err);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_machine_word sides[2];
  bool broken = false;
  fsm_code code = cli_machine_word_open(cli, cli->args.words[0], &sides[0], err);
  if (code != FSM_OK) return code;
  code = cli_machine_word_open(cli, cli->args.words[1], &sides[1], err);
  if (code == FSM_OK) {
    code = compare(cli, sides, &broken, err);
    cli_machine_word_close(&sides[1]);
  }
  cli_machine_word_close(&sides[0]);
  if (code != FSM_OK || !broken || !cli_args_has(&cli->args, "exit-status")) return code;
  return FSM_EMATCHES;
}

static const char *const examples[] = {"def diff loan@2 loan@3", "def diff loan new-loan.json --exit-status",
                                       NULL};

extern const cli_command cli_def_diff;
const cli_command cli_def_diff = {
    .group = "def",
    .heading = CLI_DEFINITIONS,
    .name = "diff",
    .words = "FROM TO",
    .summary = "what has changed, and what breaks whom",
    .more =
        "FROM and TO are files, or what is deployed: MACHINE or MACHINE@VERSION; then a\n"
        "state that is gone is told with the open instances in it. breaking: an event, a\n"
        "field, a state is gone, something is required, of another type, of another\n"
        "level, or allowed to others. --exit-status exits 10 for such.",
    .options = options,
    .examples = examples,
    .words_min = 2,
    .words_max = 2,
    .reads = true,
    .run = run};
