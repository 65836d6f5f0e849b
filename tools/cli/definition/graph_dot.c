/* graph_dot.c: a drawing in the DOT language of Graphviz.
 *
 * A state with others in it is a cluster. An arrow cannot end at a cluster, so each has a point in it
 * where arrows end that are then cut at the cluster's border (compound, lhead, ltail); those to what is
 * inside of it are not, and their point is seen.
 */
#include <string.h>

#include "tools/cli/definition/graph.h"
#include "tools/cli/definition/heat.h"

/* In a quoted string of DOT: backslashes are escapes, & begins an HTML entity. */
static void add_label(fsm_buf *out, const char *label) {
  for (; *label != 0; label++) {
    if (*label == '"' || *label == '\\')
      fsm_buf_printf(out, "\\%c", *label);
    else if (*label == '&')
      fsm_buf_str(out, "&amp;");
    else
      fsm_buf_char(out, *label);
  }
}

static void add_indent(fsm_buf *out, unsigned depth) { fsm_buf_printf(out, "%*s", (int)(2 * depth), ""); }

static void add_text(const cli_graph_node *node, fsm_buf *out) {
  fsm_buf_str(out, "label=\"");
  add_label(out, node->label);
  for (unsigned i = 0; i < node->line_count; i++) {
    fsm_buf_str(out, "\\n");
    add_label(out, node->lines[i]);
  }
  fsm_buf_char(out, '"');
}

static bool is_region(const cli_graph *graph, unsigned number) {
  const cli_graph_node *node = &graph->nodes[number];
  return node->parent != number && graph->nodes[node->parent].state->kind == FSM_PARALLEL &&
         node->state->kind != FSM_HISTORY;
}

/* fill: what a warm state looks like. */
static void add_heat(unsigned heat, fsm_buf *out) {
  switch (heat) {
#define X(number, from, fill, text, colour, words)                                                  \
  case number:                                                                                      \
    fsm_buf_str(out, ", style=\"rounded,filled\", fillcolor=\"" fill "\", fontcolor=\"" text "\""); \
    break;
    CLI_HEATS(X)
#undef X
    default: break;
  }
}

/* What the colours mean, below a drawing that has any. */
static void add_scale(const cli_graph *graph, fsm_buf *out) {
  bool any = false;
  for (unsigned i = 0; i < graph->node_count; i++) any = any || graph->nodes[i].heat > 0;
  if (!any) return;
  fsm_buf_str(out, "  subgraph cluster_scale_ {\n    label=\"" CLI_HEAT_SCALE "\"; fontsize=11;\n");
#define X(number, from, fill, text, colour, words)         \
  fsm_buf_str(out, "    scale_" #number " [label=\"" words \
                   "\", shape=plaintext, style=filled, "   \
                   "fontsize=11, fillcolor=\"" fill "\", fontcolor=\"" text "\"];\n");
  CLI_HEATS(X)
#undef X
  fsm_buf_str(out, "  }\n");
}

static void add_leaf(const cli_graph *graph, unsigned number, unsigned depth, fsm_buf *out) {
  const cli_graph_node *node = &graph->nodes[number];
  add_indent(out, depth);
  fsm_buf_printf(out, "%s [", node->id);
  if (node->state->kind == FSM_HISTORY) {
    fsm_buf_printf(out, "shape=circle, label=\"%s\", tooltip=\"", node->state->deep ? "H*" : "H");
    add_label(out, node->label);
    fsm_buf_char(out, '"');
  } else {
    add_text(node, out);
    if (node->choice)
      fsm_buf_str(out, ", shape=diamond");
    else if (node->state->kind == FSM_FINAL)
      fsm_buf_str(out, ", peripheries=2");
    else if (is_region(graph, number) && node->heat == 0)
      fsm_buf_str(out, ", style=\"rounded,dashed\"");
    add_heat(node->heat, out);
  }
  fsm_buf_str(out, "];\n");
}

static void add_inside(const cli_graph *graph, unsigned box, unsigned depth, fsm_buf *out);

static void add_box(const cli_graph *graph, unsigned box, unsigned depth, fsm_buf *out) {
  const cli_graph_node *node = &graph->nodes[box];
  add_indent(out, depth);
  fsm_buf_printf(out, "subgraph cluster_%s {\n", node->id);
  add_indent(out, depth + 1);
  add_text(node, out);
  fsm_buf_printf(out, "; style=\"%s\";\n", is_region(graph, box) ? "rounded,dashed" : "rounded");
  add_indent(out, depth + 1);
  fsm_buf_printf(out, "%s [shape=point, %s];\n", node->id,
                 node->inward ? "width=0.08, color=gray" : "style=invis");
  add_inside(graph, box, depth + 1, out);
  add_indent(out, depth);
  fsm_buf_str(out, "}\n");
}

static void add_inside(const cli_graph *graph, unsigned box, unsigned depth, fsm_buf *out) {
  const cli_graph_node *nodes = graph->nodes;
  if (nodes[box].start_count > 0) {
    add_indent(out, depth);
    fsm_buf_printf(out, "start_%s [shape=point, width=0.15];\n", nodes[box].id);
  }
  for (unsigned i = box + 1; i <= nodes[box].last; i = nodes[i].last + 1) {
    if (cli_graph_is_box(&nodes[i]))
      add_box(graph, i, depth, out);
    else
      add_leaf(graph, i, depth, out);
  }
}

static bool is_inside(const cli_graph *graph, unsigned number, unsigned box) {
  return number >= box && number <= graph->nodes[box].last;
}

/* from: the id of the tail, which is node source itself or its start. */
static void add_edge(const cli_graph *graph, const cli_graph_edge *edge, bool start, fsm_buf *out) {
  const cli_graph_node *source = &graph->nodes[edge->source], *target = &graph->nodes[edge->target];
  fsm_buf_printf(out, "  %s%s -> %s [", start ? "start_" : "", source->id, target->id);
  if (*edge->label != 0) {
    fsm_buf_str(out, "label=\"");
    add_label(out, edge->label);
    fsm_buf_char(out, '"');
  }
  const char *gap = *edge->label != 0 ? ", " : "";
  if (cli_graph_is_box(target) && !is_inside(graph, edge->source, edge->target)) {
    fsm_buf_printf(out, "%slhead=cluster_%s", gap, target->id);
    gap = ", ";
  }
  if (!start && cli_graph_is_box(source) && !is_inside(graph, edge->target, edge->source))
    fsm_buf_printf(out, "%sltail=cluster_%s", gap, source->id);
  fsm_buf_str(out, "];\n");
}

void cli_graph_dot(const cli_graph *graph, fsm_buf *out) {
  bool root = cli_graph_shows_root(graph), box = cli_graph_is_box(&graph->nodes[0]);
  fsm_buf_str(out, "digraph {\n  ");
  if (!root) {
    fsm_buf_str(out, "label=\"");
    add_label(out, graph->name);
    fsm_buf_str(out, "\"; labelloc=t; ");
  }
  fsm_buf_str(out,
              "compound=true; fontname=\"sans-serif\";\n"
              "  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
              "  edge [fontname=\"sans-serif\", fontsize=11];\n");
  if (!box)
    add_leaf(graph, 0, 1, out);
  else if (root)
    add_box(graph, 0, 1, out);
  else
    add_inside(graph, 0, 1, out);
  for (unsigned i = 0; i < graph->start_count; i++)
    add_edge(graph, &graph->starts[i], graph->nodes[graph->starts[i].source].state->kind != FSM_HISTORY, out);
  for (unsigned i = 0; i < graph->edge_count; i++) add_edge(graph, &graph->edges[i], false, out);
  add_scale(graph, out);
  fsm_buf_str(out, "}\n");
}
