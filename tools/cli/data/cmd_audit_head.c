/* cmd_audit_head.c: fsm-cli audit head: how far the log is, and a leaf of it to be put down elsewhere.
 *
 * The leaf is that of the last record but one, which the last one carries: whoever wrote down seq and leaf
 * finds out later whether the log before it was altered (the record behind that seq has it as `prev`). */
#include "tools/cli/cli.h"

static fsm_code document_of(cli_run *cli, const fsm_value *record, fsm_value *out, fsm_error *err) {
  int64_t seq = 0;
  fsm_pair *pairs = fsm_arena_alloc(&cli->arena, 6 * sizeof *pairs);
  const fsm_value *id = fsm_map_get(record, "id"), *prev = fsm_map_get(record, "prev"),
                  *time = fsm_map_get(record, "time"), *epoch = fsm_map_get(record, "epoch");
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the head");
  if (!cli_number(fsm_map_get(record, "seq"), &seq) || id == NULL || prev == NULL || time == NULL ||
      epoch == NULL)
    return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no record; is that a fsmd?");
  pairs[0] = (fsm_pair){fsm_string("epoch"), *epoch};
  pairs[1] = (fsm_pair){fsm_string("id"), *id};
  pairs[2] = (fsm_pair){fsm_string("leaf"), *prev};
  pairs[3] = (fsm_pair){fsm_string("leaf_seq"), fsm_int(seq - 1)};
  pairs[4] = (fsm_pair){fsm_string("seq"), fsm_int(seq)};
  pairs[5] = (fsm_pair){fsm_string("time"), *time};
  return fsm_map(pairs, 6, out, err);
}

static void print(cli_run *cli, const fsm_value *document) {
  static const char *const names[] = {"id", "seq", "time", "epoch", "leaf_seq", "leaf"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    cli_print_line(cli, names[i], cli_field(&cli->arena, document, names[i]));
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  const fsm_query query = {.kind = FSM_QUERY_RECORDS, .before = "now", .limit = 1};
  fsm_value page, document;
  fsm_code code = cli_connect(cli, false, err);
  if (code == FSM_OK) code = cli_source_query(&cli->source, &query, &cli->arena, &page, err);
  if (code != FSM_OK) return code;
  const fsm_value *items = fsm_map_get(&page, "items");
  if (items == NULL || !fsm_is(items, FSM_LIST) || items->len == 0)
    return fsm_fail(err, FSM_ENOTFOUND, "", "the log is empty: nothing was deployed yet");
  code = document_of(cli, &items->items[0], &document, err);
  return code == FSM_OK ? cli_show(cli, &document, print, err) : code;
}

static const char *const examples[] = {"audit head", "audit head -o json", NULL};

extern const cli_command cli_audit_head;
const cli_command cli_audit_head = {
    .group = "audit",
    .heading = CLI_DATA,
    .name = "head",
    .words = "",
    .summary = "the last record, and a leaf of the hash chain to put down",
    .more = "`leaf` is that of record `leaf_seq`; the record behind it carries it as `prev`.",
    .examples = examples,
    .formats = CLI_FORMATS_SHOW,
    .reads = true,
    .run = run};
