/* cmd_heat.c: fsm-cli heat: the drawing of a machine with figures on it. */
#include <string.h>

#include "tools/cli/definition/heat.h"
#include "tools/cli/definition/machine_file.h"
#include "tools/cli/find/figures.h"
#include "tools/cli/show/output.h"

typedef enum format { TERMINAL, MERMAID, DOT, SVG, FORMAT_COUNT } format;

static fsm_code read_format(cli_run *cli, format *out, fsm_error *err) {
  static const char *const names[FORMAT_COUNT] = {"terminal", "mermaid", "dot", "svg"};
  const char *name = cli_args_get(&cli->args, "format");
  *out = TERMINAL;
  for (int i = 0; name != NULL && i < FORMAT_COUNT; i++) {
    if (strcmp(names[i], name) != 0) continue;
    *out = (format)i;
    return FSM_OK;
  }
  if (name == NULL) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "format", "--format takes terminal, mermaid, dot or svg, not %.64s",
                  name);
}

/* The newest version, as it was deployed. */
static fsm_code load(cli_run *cli, const char *machine, cli_machine_file *out, fsm_error *err) {
  const fsm_query query = {.kind = FSM_QUERY_MACHINE, .machine = machine};
  fsm_value document;
  fsm_buf text = {0};
  fsm_code code = cli_source_query(&cli->source, &query, &cli->arena, &document, err);
  if (code != FSM_OK) return code;
  const fsm_value *source = fsm_map_get(&document, "source");
  if (source != NULL && fsm_is(source, FSM_STRING))
    fsm_buf_add(&text, source->s, source->len);
  else if (source != NULL)
    fsm_json_write(&text, source);
  code = fsm_buf_ok(&text) ? cli_machine_text_load(machine, fsm_buf_text(&text), text.len, out, err)
                           : fsm_fail(err, FSM_ENOMEM, "", "no memory for the drawing");
  fsm_buf_free(&text);
  return code;
}

/* On a terminal states are called as in any table; a drawing is the same bytes whoever reads it. */
static void put_labels(cli_run *cli, cli_graph *graph) {
  for (unsigned i = 1; i < graph->node_count; i++) {
    cli_graph_node *node = &graph->nodes[i];
    const char *label = cli_newest_label(cli, &cli->arena, cli->args.words[0], node->path);
    if (label != NULL) node->label = label;
  }
}

static fsm_code draw(cli_run *cli, const fsm_def *def, const fsm_value *figures, format how, fsm_error *err) {
  cli_graph graph;
  cli_heat_leaf *heat = NULL;
  fsm_code code = cli_graph_build(&cli->arena, def, &graph, err);
  if (code == FSM_OK) code = cli_heat_of(&cli->arena, &graph, figures, &heat, err);
  if (code != FSM_OK) return code;
  if (how == TERMINAL) {
    put_labels(cli, &graph);
    cli_page(cli);
    cli_figures_head(cli, "", figures);
    fsm_buf_char(&cli->text, '\n');
    cli_heat_tree(cli, &graph, heat);
    cli_footer(cli, cli_count_of(figures, "records"), "records", figures, NULL);
  }
  if (how == MERMAID) cli_graph_mermaid(&graph, &cli->text);
  if (how == DOT) cli_graph_dot(&graph, &cli->text);
  if (how == SVG) code = cli_graph_svg(cli, &graph, err);
  return code == FSM_OK ? cli_flush(cli, err) : code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  format how;
  fsm_value figures;
  cli_machine_file file;
  const char *machine = cli->args.words[0];
  fsm_code code = read_format(cli, &how, err);
  if (code == FSM_OK) code = cli_figures(cli, FSM_QUERY_STATS, machine, "30d", &figures, err);
  if (code != FSM_OK) return code;
  if (cli->json) return cli_print_json(cli, &figures, err);
  code = load(cli, machine, &file, err);
  if (code != FSM_OK) return code;
  code = draw(cli, file.def, &figures, how, err);
  cli_machine_file_free(&file);
  return code;
}

static const cli_option options[] = {
    {"since", 0, "TIME", "what happened then or later: RFC 3339, today, 3d (ago), all; 30d", false},
    {"until", 0, "TIME", "what happened before", false},
    CLI_FIGURES_FILTER,
    {"format", 0, "FORMAT", "terminal, mermaid, dot or svg; terminal", false},
    {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"heat document-approval",
                                       "heat document-approval --since 7d --format svg > heat.svg", NULL};

extern const cli_command cli_heat;
const cli_command cli_heat = {
    .group = "",
    .heading = CLI_FIND,
    .name = "heat",
    .words = "MACHINE",
    .summary = "the drawing of a machine with who is where and how long it takes",
    .more =
        "NOW: who stands there. VISITS: how often it was entered in that time. P50 and P95: of\n"
        "stays that ended in it. TIME, and the colour: the part of all time that instances\n"
        "spend in a state, those that stand there included; final states have none. It is the\n"
        "newest version that is drawn; -o json has the figures (see stats). svg needs Graphviz,\n"
        "which may take 60s (--timeout).",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .reads = true,
    .run = run};
