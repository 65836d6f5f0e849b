/* graph_mermaid.c: a drawing as a Mermaid state diagram (stateDiagram-v2).
 *
 * Mermaid puts a state into the box in which it is last mentioned, so all arrows but those from [*] stand
 * outside of every box, and [*] comes before the boxes it may reach into. A choice has to be declared
 * before an arrow mentions it. Labels hold no character that Mermaid, its Markdown or its HTML acts on:
 * those are written as entities (#35; is #).
 */
#include <string.h>

#include "schema/json.h"
#include "tools/cli/definition/graph.h"
#include "tools/cli/definition/heat.h"

static void add_label(fsm_buf *out, const char *label) {
  for (const char *at = label; *at != 0; at++) {
    bool at_edge = at == label || at[1] == 0; /* where a space would be dropped */
    if (strchr("\"#;:<>&%$`\\*", *at) != NULL || (*at == ' ' && at_edge))
      fsm_buf_printf(out, "#%d;", *at);
    else
      fsm_buf_char(out, *at);
  }
}

static void add_indent(fsm_buf *out, unsigned depth) { fsm_buf_printf(out, "%*s", (int)(2 * depth), ""); }

static void add_title(const cli_graph_node *node, fsm_buf *out) {
  fsm_buf_str(out, "state \"");
  if (node->state->kind == FSM_HISTORY) fsm_buf_str(out, node->state->deep ? "H#42; " : "H ");
  add_label(out, node->label);
  /* a box has a title and no other lines */
  for (unsigned i = 0; cli_graph_is_box(node) && i < node->line_count; i++) {
    fsm_buf_str(out, i == 0 ? " (" : ", ");
    add_label(out, node->lines[i]);
    if (i + 1 == node->line_count) fsm_buf_char(out, ')');
  }
  fsm_buf_printf(out, "\" as %s", node->id);
}

static void add_leaf(const cli_graph_node *node, unsigned depth, fsm_buf *out) {
  add_indent(out, depth);
  if (node->choice) {
    fsm_buf_printf(out, "state %s <<choice>>\n", node->id);
    return;
  }
  add_title(node, out);
  fsm_buf_char(out, '\n');
  for (unsigned i = 0; i < node->line_count; i++) {
    add_indent(out, depth);
    fsm_buf_printf(out, "%s : ", node->id);
    add_label(out, node->lines[i]);
    fsm_buf_char(out, '\n');
  }
}

static void add_starts(const cli_graph *graph, unsigned box, unsigned depth, fsm_buf *out) {
  const cli_graph_edge *start = &graph->starts[graph->nodes[box].first_start];
  for (unsigned i = 0; i < graph->nodes[box].start_count; i++) {
    add_indent(out, depth);
    fsm_buf_printf(out, "[*] --> %s\n", graph->nodes[start[i].target].id);
  }
}

static void add_inside(const cli_graph *graph, unsigned box, unsigned depth, fsm_buf *out);

static void add_box(const cli_graph *graph, unsigned box, unsigned depth, fsm_buf *out) {
  add_indent(out, depth);
  add_title(&graph->nodes[box], out);
  fsm_buf_str(out, " {\n");
  add_inside(graph, box, depth + 1, out);
  add_indent(out, depth);
  fsm_buf_str(out, "}\n");
}

static void add_ends(const cli_graph *graph, unsigned box, unsigned depth, fsm_buf *out) {
  for (unsigned i = box + 1; i <= graph->nodes[box].last; i = graph->nodes[i].last + 1) {
    if (graph->nodes[i].state->kind != FSM_FINAL) continue;
    add_indent(out, depth);
    fsm_buf_printf(out, "%s --> [*]\n", graph->nodes[i].id);
  }
}

static void add_regions(const cli_graph *graph, unsigned box, unsigned depth, fsm_buf *out) {
  bool first = true;
  for (unsigned i = box + 1; i <= graph->nodes[box].last; i = graph->nodes[i].last + 1) {
    bool region = graph->nodes[i].state->kind != FSM_HISTORY;
    if (region && !first) {
      add_indent(out, depth);
      fsm_buf_str(out, "--\n");
    }
    if (region) first = false;
    if (cli_graph_is_box(&graph->nodes[i]))
      add_box(graph, i, depth, out);
    else
      add_leaf(&graph->nodes[i], depth, out);
  }
}

static void add_inside(const cli_graph *graph, unsigned box, unsigned depth, fsm_buf *out) {
  const cli_graph_node *nodes = graph->nodes;
  if (nodes[box].state->kind == FSM_PARALLEL) {
    add_regions(graph, box, depth, out);
    return;
  }
  for (unsigned i = box + 1; i <= nodes[box].last; i = nodes[i].last + 1)
    if (!cli_graph_is_box(&nodes[i])) add_leaf(&nodes[i], depth, out);
  add_starts(graph, box, depth, out);
  for (unsigned i = box + 1; i <= nodes[box].last; i = nodes[i].last + 1)
    if (cli_graph_is_box(&nodes[i])) add_box(graph, i, depth, out);
  add_ends(graph, box, depth, out);
}

static void add_edge(const cli_graph *graph, const cli_graph_edge *edge, fsm_buf *out) {
  fsm_buf_printf(out, "  %s --> %s", graph->nodes[edge->source].id, graph->nodes[edge->target].id);
  if (*edge->label != 0) {
    fsm_buf_str(out, " : ");
    add_label(out, edge->label);
  }
  fsm_buf_char(out, '\n');
}

/* Classes, the leaves that are of them, and what they mean. A choice has no label and no class. */
static void add_heat(const cli_graph *graph, fsm_buf *out) {
  bool used[CLI_HEAT_COUNT + 1] = {false}, any = false;
  for (unsigned i = 0; i < graph->node_count; i++) {
    const cli_graph_node *node = &graph->nodes[i];
    if (node->heat > 0 && !node->choice) used[node->heat] = any = true;
  }
  if (!any) return;
  fsm_buf_str(out, "  %% " CLI_HEAT_SCALE "\n");
#define X(number, from, fill, text, colour, words) \
  if (used[number])                                \
    fsm_buf_str(                                   \
        out, "  %% heat" #number ": " words "\n  classDef heat" #number " fill:" fill ",color:" text "\n");
  CLI_HEATS(X)
#undef X
  for (unsigned i = 0; i < graph->node_count; i++) {
    const cli_graph_node *node = &graph->nodes[i];
    if (node->heat > 0 && !node->choice) fsm_buf_printf(out, "  class %s heat%u\n", node->id, node->heat);
  }
}

void cli_graph_mermaid(const cli_graph *graph, fsm_buf *out) {
  fsm_buf_str(out, "---\ntitle: ");
  fsm_json_quote(out, graph->name, strlen(graph->name));
  fsm_buf_str(out, "\n---\nstateDiagram-v2\n");
  if (cli_graph_is_box(&graph->nodes[0]) && cli_graph_shows_root(graph))
    add_box(graph, 0, 1, out);
  else if (cli_graph_is_box(&graph->nodes[0]))
    add_inside(graph, 0, 1, out);
  else
    add_leaf(&graph->nodes[0], 1, out);
  for (unsigned i = 0; i < graph->start_count; i++)
    if (graph->nodes[graph->starts[i].source].state->kind == FSM_HISTORY)
      add_edge(graph, &graph->starts[i], out);
  for (unsigned i = 0; i < graph->edge_count; i++) add_edge(graph, &graph->edges[i], out);
  add_heat(graph, out);
}
