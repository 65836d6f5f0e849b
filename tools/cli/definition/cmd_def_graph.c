/* cmd_def_graph.c: fsm-cli def graph: a machine as a drawing. Needs no daemon. */
#include <string.h>

#include "tools/cli/cli.h"
#include "tools/cli/definition/graph.h"
#include "tools/cli/definition/machine_file.h"

static const cli_option options[] = {{"output", 'o', "FORMAT", "mermaid, dot or svg; mermaid", false},
                                     {NULL, 0, NULL, NULL, false}};

typedef enum format { MERMAID, DOT, SVG, FORMAT_COUNT } format;

static fsm_code read_format(cli_run *cli, format *out, fsm_error *err) {
  static const char *const names[FORMAT_COUNT] = {"mermaid", "dot", "svg"};
  const char *name = cli_args_from(&cli->args, options, "output");
  *out = MERMAID;
  for (int i = 0; name != NULL && i < FORMAT_COUNT; i++) {
    if (strcmp(names[i], name) != 0) continue;
    *out = (format)i;
    return FSM_OK;
  }
  if (name == NULL) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "output", "def graph -o takes mermaid, dot or svg, not %s", name);
}

static fsm_code draw(cli_run *cli, const fsm_def *def, format how, fsm_error *err) {
  cli_graph graph;
  fsm_code code = cli_graph_build(&cli->arena, def, &graph, err);
  if (code != FSM_OK) return code;
  if (how == MERMAID) cli_graph_mermaid(&graph, &cli->text);
  if (how == DOT) cli_graph_dot(&graph, &cli->text);
  if (how == SVG) code = cli_graph_svg(cli, &graph, err);
  return code == FSM_OK ? cli_flush(cli, err) : code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  format how;
  cli_machine_file file;
  fsm_code code = read_format(cli, &how, err);
  if (code == FSM_OK) code = cli_machine_file_load(cli->args.words[0], &file, err);
  if (code != FSM_OK) return code;
  code = draw(cli, file.def, how, err);
  cli_machine_file_free(&file);
  return code;
}

static const char *const examples[] = {"def graph examples/document-approval.json",
                                       "def graph -o svg examples/document-approval.json > approval.svg",
                                       NULL};

extern const cli_command cli_def_graph;
const cli_command cli_def_graph = {
    .group = "def",
    .heading = CLI_DEFINITIONS,
    .name = "graph",
    .words = "MACHINE",
    .summary = "draw a definition",
    .more =
        "MACHINE is a file, JSON or SCXML; - is stdin. Mermaid text is shown as a picture\n"
        "by Git hosts and Markdown viewers; dot is Graphviz' language; svg needs Graphviz,\n"
        "which is stopped after 60s (--timeout): of hundreds of states it may not end.\n"
        "Arrows say EVENT [guard]; inside a state stand what it invokes and what it takes\n"
        "without leaving.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .run = run};
