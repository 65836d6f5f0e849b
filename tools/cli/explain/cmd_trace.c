/* cmd_trace.c: fsm-cli trace: all that has a correlation, or a trace, of whatever instances, as a tree. */
#include <string.h>

#include "tools/cli/explain/records.h"
#include "tools/cli/show/tree.h"

enum { TRACE_DIGITS = 32, USUAL = 1000 };

static bool is_trace(const char *word) {
  return strlen(word) == TRACE_DIGITS && strspn(word, "0123456789abcdef") == TRACE_DIGITS;
}

static fsm_code ask(cli_run *cli, const char *member, size_t most, fsm_value *out, fsm_error *err) {
  const fsm_pair pair = {fsm_string(member), fsm_string(cli->args.words[0])};
  const fsm_query query = {.kind = FSM_QUERY_RECORDS, .records = {.type = FSM_MAP, .len = 1, .pairs = &pair}};
  return cli_records_first(cli, &query, most, out, err);
}

static bool is_empty(const fsm_value *document) { return fsm_map_get(document, "items")->len == 0; }

/* The instances in the order in which they came. */
static fsm_code instances_of(cli_run *cli, const fsm_value *records, fsm_value *out, fsm_error *err) {
  fsm_value *ids = fsm_arena_alloc(&cli->arena, (records->len + 1) * sizeof *ids);
  uint32_t count = 0;
  if (ids == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a trace");
  for (uint32_t i = 0; i < records->len; i++) {
    const fsm_value *inst = fsm_map_get(&records->items[i], "inst");
    bool known = inst == NULL;
    for (uint32_t j = count; j-- > 0 && !known;) known = fsm_value_same(&ids[j], inst);
    if (!known) ids[count++] = *inst;
  }
  *out = fsm_list(ids, count);
  return FSM_OK;
}

/* {correlation | trace, instances, items, next, seq} */
static fsm_code make(cli_run *cli, const char *member, const fsm_value *document, fsm_value *out,
                     fsm_error *err) {
  const fsm_value *records = fsm_map_get(document, "items");
  fsm_pair *pairs = fsm_arena_alloc(&cli->arena, 5 * sizeof *pairs);
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a trace");
  pairs[0] = (fsm_pair){fsm_string(member), fsm_string(cli->args.words[0])};
  pairs[1].key = fsm_string("instances");
  pairs[2].key = fsm_string("items");
  pairs[3] = (fsm_pair){fsm_string("next"), *fsm_map_get(document, "next")};
  pairs[4] = (fsm_pair){fsm_string("seq"), *fsm_map_get(document, "seq")};
  fsm_code code = instances_of(cli, records, &pairs[1].value, err);
  if (code == FSM_OK) code = cli_tree_items(&cli->arena, records, &pairs[2].value, err);
  return code == FSM_OK ? fsm_map(pairs, 5, out, err) : code;
}

static void print(cli_run *cli, const fsm_value *document) {
  const fsm_value *items = fsm_map_get(document, "items"), *instances = fsm_map_get(document, "instances");
  fsm_error err;
  cli_print_line(cli, "correlation", cli_field(&cli->arena, document, "correlation"));
  cli_print_line(cli, "trace", cli_field(&cli->arena, document, "trace"));
  cli_print_states(cli, "instances", cli_text(&cli->arena, instances));
  if (cli_tree_print(cli, items, &err) != FSM_OK) cli->text.failed = true;
  cli_footer(cli, items->len, "records", document,
             fsm_is(fsm_map_get(document, "next"), FSM_NULL) ? NULL : "--limit N");
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value records, document;
  int64_t most = 0;
  const char *member = "correlation", *word = cli->args.words[0];
  fsm_code code = cli_args_number(&cli->args, "limit", 1, CLI_RECORDS_MAX, USUAL, &most, err);
  if (code == FSM_OK) code = cli_connect(cli, false, err);
  if (code == FSM_OK) code = ask(cli, member, (size_t)most, &records, err);
  if (code == FSM_OK && is_empty(&records) && is_trace(word))
    code = ask(cli, member = "trace", (size_t)most, &records, err);
  if (code == FSM_OK && is_empty(&records))
    return fsm_fail(err, FSM_ENOTFOUND, "",
                    "no record has the correlation%s \"%s\"; see: fsm-cli log REF --full",
                    is_trace(word) ? " or trace" : "", cli_safe(&cli->arena, word));
  if (code == FSM_OK) code = make(cli, member, &records, &document, err);
  return code == FSM_OK ? cli_show(cli, &document, print, err) : code;
}

static const cli_option options[] = {{"limit", 0, "N", "the first N records, up to 10000; 1000", false},
                                     {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"trace case-7", "trace 4bf92f3577b34da6a3ce929d0e0e4736",
                                       "trace case-7 -o json", NULL};

extern const cli_command cli_trace;
const cli_command cli_trace = {.group = "",
                               .heading = CLI_EXPLAIN,
                               .name = "trace",
                               .words = "CORRELATION|TRACE",
                               .summary = "all instances and events of a correlation or a trace, as a tree",
                               .options = options,
                               .examples = examples,
                               .words_min = 1,
                               .words_max = 1,
                               .formats = CLI_FORMATS_PLAIN | CLI_HAS(CLI_TREE),
                               .reads = true,
                               .run = run};
