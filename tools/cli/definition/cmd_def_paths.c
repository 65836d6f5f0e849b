/* cmd_def_paths.c: fsm-cli def paths: the ways from the start of a machine to its end, and which of them were
 * gone. */
#include <string.h>

#include "tools/cli/definition/coverage.h"

enum { PATHS_DEFAULT = 100 };

static const cli_option options[] = {
    {"limit", 0, "N", "at most so many paths, 1 to 10000; 100", false},
    {"coverage", 0, NULL, "count what recorded instances did (of what is deployed)", false},
    {"exit-status", 0, NULL, "with --coverage: exit 10 when a transition was never taken", false},
    {NULL, 0, NULL, NULL, false}};

typedef struct paths_run {
  cli_run *cli;
  cli_machine_word word;
  fsm_exploration seen;
  fsm_paths paths;
  const fsm_def_transition *const *transitions;
  size_t transition_count;
  cli_coverage coverage; /* transitions NULL = not asked for */
  fsm_error *err;
  bool no_memory;
} paths_run;

static fsm_pair *new_pairs(paths_run *r, size_t count) {
  fsm_pair *pairs = fsm_arena_zalloc(&r->cli->arena, count, sizeof *pairs);
  if (pairs == NULL) r->no_memory = true;
  return pairs;
}

static fsm_value to_map(paths_run *r, fsm_pair *pairs, size_t count) {
  fsm_value out = fsm_null();
  if (!r->no_memory && fsm_map(pairs, count, &out, r->err) != FSM_OK) r->no_memory = true;
  return out;
}

/* The paths of the active leaves. */
static fsm_value leaves_of(paths_run *r, uint32_t node) {
  const fsm_machine *m = r->word.file.machine;
  size_t count = 0;
  fsm_value *items = fsm_arena_zalloc(&r->cli->arena, fsm_machine_states(m), sizeof *items);
  if (items == NULL) r->no_memory = true;
  for (unsigned i = 0; items != NULL && i < fsm_machine_states(m); i++)
    if (fsm_config_has(r->seen.nodes[node].config, i) && fsm_state_is_leaf(m, i))
      items[count++] = fsm_string(fsm_state_path(m, i));
  return fsm_list(items, count);
}

static fsm_value step_of(paths_run *r, uint32_t number) {
  const fsm_explore_move *move = &r->seen.moves[number];
  fsm_pair *pairs = new_pairs(r, 4);
  fsm_value *list = fsm_arena_zalloc(&r->cli->arena, move->count + 1u, sizeof *list);
  if (pairs == NULL || list == NULL) {
    r->no_memory = true;
    return fsm_null();
  }
  for (unsigned i = 0; i < move->count; i++) list[i] = fsm_uint(move->transitions[i]);
  pairs[0] = (fsm_pair){fsm_string("event"),
                        move->event < 0 ? fsm_null() : fsm_string(r->seen.events[move->event].shown)};
  pairs[1] = (fsm_pair){fsm_string("to"), leaves_of(r, move->to)};
  pairs[2] = (fsm_pair){fsm_string("transitions"), fsm_list(list, move->count)};
  pairs[3] = (fsm_pair){fsm_string("guarded"), fsm_bool(!move->certain)};
  return to_map(r, pairs, 4);
}

static fsm_value path_of(paths_run *r, size_t number) {
  const fsm_path *path = &r->paths.paths[number];
  fsm_pair *pairs = new_pairs(r, 2);
  fsm_value *steps = fsm_arena_zalloc(&r->cli->arena, path->count + 1u, sizeof *steps);
  if (pairs == NULL || steps == NULL) {
    r->no_memory = true;
    return fsm_null();
  }
  for (unsigned i = 0; i < path->count; i++) steps[i] = step_of(r, path->moves[i]);
  pairs[0] = (fsm_pair){fsm_string("steps"), fsm_list(steps, path->count)};
  const bool counted = r->coverage.transitions != NULL;
  if (counted) pairs[1] = (fsm_pair){fsm_string("instances"), fsm_uint(r->coverage.paths[number])};
  return to_map(r, pairs, counted ? 2 : 1);
}

static fsm_value transition_of(paths_run *r, unsigned number) {
  const fsm_def_transition *t = r->transitions[number];
  const fsm_machine *m = r->word.file.machine;
  fsm_pair *pairs = new_pairs(r, 5);
  if (pairs == NULL) return fsm_null();
  pairs[0] = (fsm_pair){fsm_string("transition"), fsm_uint(number)};
  pairs[1] = (fsm_pair){fsm_string("state"), fsm_string(fsm_state_path(m, fsm_transition_source(m, number)))};
  pairs[2] = (fsm_pair){fsm_string("event"), t->event_count == 0 ? fsm_null() : fsm_string(t->events[0])};
  pairs[3] = (fsm_pair){fsm_string("target"), t->target_count == 0 ? fsm_null() : fsm_string(t->targets[0])};
  pairs[4] = (fsm_pair){fsm_string("taken"), fsm_uint(r->coverage.transitions[number])};
  return to_map(r, pairs, 5);
}

static fsm_value document_of(paths_run *r) {
  fsm_pair *pairs = new_pairs(r, 7);
  fsm_value *items = fsm_arena_zalloc(&r->cli->arena, r->paths.count + 1, sizeof *items);
  fsm_value *list = fsm_arena_zalloc(&r->cli->arena, r->transition_count + 1, sizeof *list);
  size_t count = 0;
  if (pairs == NULL || items == NULL || list == NULL) {
    r->no_memory = true;
    return fsm_null();
  }
  for (size_t i = 0; i < r->paths.count; i++) items[i] = path_of(r, i);
  pairs[count++] = (fsm_pair){fsm_string("machine"), fsm_string(fsm_machine_id(r->word.file.machine))};
  pairs[count++] = (fsm_pair){fsm_string("complete"), fsm_bool(r->paths.complete)};
  pairs[count++] = (fsm_pair){fsm_string("items"), fsm_list(items, r->paths.count)};
  if (r->coverage.transitions != NULL) {
    for (unsigned i = 0; i < r->transition_count; i++) list[i] = transition_of(r, i);
    pairs[count++] = (fsm_pair){fsm_string("transitions"), fsm_list(list, r->transition_count)};
    pairs[count++] = (fsm_pair){fsm_string("records"), fsm_uint(r->coverage.records)};
    pairs[count++] = (fsm_pair){fsm_string("instances"), fsm_uint(r->coverage.instances)};
    pairs[count++] = (fsm_pair){fsm_string("whole"), fsm_bool(r->coverage.whole)};
  }
  return to_map(r, pairs, count);
}

/* ---- the table -------------------------------------------------------------------------------------- */

static const char *text_of(cli_run *cli, const fsm_value *value, const char *otherwise) {
  return value == NULL || value->type != FSM_STRING ? otherwise : cli_safe(&cli->arena, value->s);
}

static void print_path(cli_run *cli, uint32_t number, const fsm_value *path) {
  const fsm_value *steps = fsm_map_get(path, "steps"), *counted = fsm_map_get(path, "instances");
  fsm_buf_printf(&cli->text, "%4u ", number + 1);
  if (counted != NULL) fsm_buf_printf(&cli->text, " %6llu× ", (unsigned long long)counted->u);
  for (uint32_t i = 0; i < steps->len; i++)
    fsm_buf_printf(&cli->text, " %s%s", text_of(cli, fsm_map_get(&steps->items[i], "event"), "(always)"),
                   i + 1 < steps->len ? "," : " →");
  const fsm_value *to = steps->len == 0 ? NULL : fsm_map_get(&steps->items[steps->len - 1], "to");
  for (uint32_t i = 0; to != NULL && i < to->len; i++)
    fsm_buf_printf(&cli->text, "%s %s", i > 0 ? "," : "", text_of(cli, &to->items[i], ""));
  fsm_buf_char(&cli->text, '\n');
}

static void print_coverage(cli_run *cli, const fsm_value *document) {
  const fsm_value *list = fsm_map_get(document, "transitions");
  uint32_t taken = 0;
  for (uint32_t i = 0; i < list->len; i++) taken += fsm_map_get(&list->items[i], "taken")->u > 0;
  fsm_buf_printf(&cli->text, "%u of %u transitions were taken, in %llu records of %llu instances\n", taken,
                 list->len, (unsigned long long)fsm_map_get(document, "records")->u,
                 (unsigned long long)fsm_map_get(document, "instances")->u);
  for (uint32_t i = 0; i < list->len; i++) {
    const fsm_value *t = &list->items[i];
    if (fsm_map_get(t, "taken")->u == 0)
      fsm_buf_printf(&cli->text, "  never: %s of %s → %s\n",
                     text_of(cli, fsm_map_get(t, "event"), "(always)"),
                     text_of(cli, fsm_map_get(t, "state"), "the machine"),
                     text_of(cli, fsm_map_get(t, "target"), "(stays)"));
  }
}

static void print(cli_run *cli, const fsm_value *document) {
  const fsm_value *items = fsm_map_get(document, "items");
  for (uint32_t i = 0; i < items->len; i++) print_path(cli, i, &items->items[i]);
  fsm_buf_printf(&cli->text, "%u path%s from the start to the end%s\n", items->len,
                 items->len == 1 ? "" : "s",
                 fsm_map_get(document, "complete")->b ? "" : ", and more: --limit");
  if (fsm_map_get(document, "transitions") != NULL) print_coverage(cli, document);
}

/* ---- the command ------------------------------------------------------------------------------------ */

static bool any_missing(const paths_run *r) {
  for (unsigned i = 0; r->coverage.transitions != NULL && i < r->transition_count; i++)
    if (r->coverage.transitions[i] == 0) return true;
  return false;
}

static fsm_code show(paths_run *r, int64_t limit) {
  cli_run *cli = r->cli;
  fsm_code code = fsm_explore(&cli->arena, r->word.file.def, r->word.file.machine, NULL, &r->seen, r->err);
  if (code == FSM_OK && !r->seen.complete)
    code = fsm_fail(r->err, FSM_ETOOLARGE, r->word.name, "the machine has more than %d configurations",
                    FSM_EXPLORE_CONFIGS_MAX);
  if (code == FSM_OK)
    code = fsm_paths_find(&cli->arena, r->word.file.machine, &r->seen, (size_t)limit, &r->paths, r->err);
  r->transitions = fsm_def_transitions(&cli->arena, r->word.file.def, &r->transition_count);
  if (code == FSM_OK && cli_args_has(&cli->args, "coverage"))
    code = cli_coverage_read(cli, &r->word, &r->seen, &r->paths, &r->coverage, r->err);
  if (code != FSM_OK) return code;
  const fsm_value document = r->transitions == NULL ? fsm_null() : document_of(r);
  if (r->no_memory || r->transitions == NULL)
    return fsm_fail(r->err, FSM_ENOMEM, "", "no memory for the paths");
  code = cli_show(cli, &document, print, r->err);
  return code == FSM_OK && any_missing(r) && cli_args_has(&cli->args, "exit-status") ? FSM_EMATCHES : code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  paths_run r = {.cli = cli, .err = err};
  int64_t limit;
  fsm_code code = cli_args_number(&cli->args, "limit", 1, FSM_PATHS_MAX, PATHS_DEFAULT, &limit, err);
  if (code == FSM_OK) code = cli_machine_word_open(cli, cli->args.words[0], &r.word, err);
  if (code != FSM_OK) return code;
  if (cli_args_has(&cli->args, "coverage") && !r.word.deployed)
    code = fsm_fail(err, FSM_EARGUMENT, "coverage",
                    "a file has no records: name what is deployed, as %s@VERSION",
                    fsm_machine_id(r.word.file.machine));
  if (code == FSM_OK) code = show(&r, limit);
  cli_machine_word_close(&r.word);
  return code;
}

static const char *const examples[] = {"def paths examples/document-approval.json",
                                       "def paths document-approval@1 --coverage --exit-status", NULL};

extern const cli_command cli_def_paths;
const cli_command cli_def_paths = {
    .group = "def",
    .heading = CLI_DEFINITIONS,
    .name = "paths",
    .words = "FILE|MACHINE[@VERSION]",
    .summary = "all ways from the start to the end, and which were gone",
    .more =
        "Every path through the machine in which no configuration comes twice, with the\n"
        "events along; what guards decide is taken both ways. --coverage reads all\n"
        "records of that version: how often each transition was taken, how many\n"
        "instances took each path and nothing else; what was never taken is listed.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .reads = true,
    .run = run};
