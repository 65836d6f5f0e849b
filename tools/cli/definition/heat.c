/* heat.c: figures onto the states of a drawing; the tree of a terminal. */
#include "tools/cli/definition/heat.h"

#include <string.h>

#include "tools/cli/find/figures.h"
#include "tools/cli/show/output.h"

static const struct {
  double from;
  int colour;
  const char *words;
} classes[] = {{0, 0, ""},
#define X(number, from, fill, text, colour, words) {from, colour, words},
               CLI_HEATS(X)
#undef X
};

static unsigned class_of(double part) {
  unsigned found = 1;
  while (found < CLI_HEAT_COUNT && part * 100 >= classes[found + 1].from) found++;
  return found;
}

/* ---- figures ----------------------------------------------------------------------------------------- */

static const fsm_value *row_of(const fsm_value *figures, const char *path) {
  const fsm_value *states = fsm_map_get(figures, "states");
  for (uint32_t i = 0; states != NULL && i < states->len; i++) {
    const fsm_value *state = fsm_map_get(&states->items[i], "state");
    if (state != NULL && fsm_is_text(state, path)) return &states->items[i];
  }
  return NULL;
}

static double time_of(const fsm_value *row, const char *count, const char *mean) {
  return cli_real(cli_member_at(row, count)) * cli_real(cli_member_at(row, mean));
}

static bool is_leaf(const cli_graph_node *node) {
  return !cli_graph_is_box(node) && node->state->kind != FSM_HISTORY;
}

static void read_leaf(const cli_graph_node *node, const fsm_value *figures, cli_heat_leaf *out) {
  const fsm_value *row = is_leaf(node) ? row_of(figures, node->path) : NULL;
  *out = (cli_heat_leaf){.leaf = is_leaf(node)};
  if (row == NULL) return;
  out->now = cli_count_of(row, "standing.count");
  out->visits = cli_count_of(row, "entered");
  out->left = cli_count_of(row, "stays.count");
  out->p50 = cli_member_at(row, "stays.p50_ns");
  out->p95 = cli_member_at(row, "stays.p95_ns");
  if (node->state->kind == FSM_FINAL) return;
  out->time =
      time_of(row, "stays.count", "stays.mean_ns") + time_of(row, "standing.count", "standing.mean_ns");
}

/* "12 now, 734 visits, p95 3d12h" as one more line of its node. */
static bool add_line(fsm_arena *arena, cli_graph_node *node, const cli_heat_leaf *leaf) {
  const char **lines = fsm_arena_alloc(arena, (node->line_count + 1u) * sizeof *lines);
  const char *p95 = leaf->p95 != NULL ? cli_span(arena, leaf->p95) : NULL;
  const char *line =
      fsm_arena_printf(arena, "%lld now, %lld visit%s%s%s", (long long)leaf->now, (long long)leaf->visits,
                       leaf->visits == 1 ? "" : "s", p95 != NULL ? ", p95 " : "", p95 != NULL ? p95 : "");
  if (lines == NULL || line == NULL) return false;
  if (node->line_count > 0) memcpy(lines, node->lines, node->line_count * sizeof *lines);
  lines[node->line_count++] = line;
  node->lines = lines;
  return true;
}

fsm_code cli_heat_of(fsm_arena *arena, cli_graph *graph, const fsm_value *figures, cli_heat_leaf **out,
                     fsm_error *err) {
  cli_heat_leaf *heat = fsm_arena_zalloc(arena, graph->node_count, sizeof *heat);
  double all = 0;
  if (heat == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the drawing");
  for (unsigned i = 0; i < graph->node_count; i++) {
    read_leaf(&graph->nodes[i], figures, &heat[i]);
    all += heat[i].time;
  }
  for (unsigned i = 0; i < graph->node_count; i++) {
    cli_graph_node *node = &graph->nodes[i];
    if (!heat[i].leaf) continue;
    heat[i].part = all > 0 ? heat[i].time / all : 0;
    if (node->state->kind != FSM_FINAL) node->heat = class_of(heat[i].part);
    if (!add_line(arena, node, &heat[i])) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the drawing");
  }
  *out = heat;
  return FSM_OK;
}

/* ---- the tree ---------------------------------------------------------------------------------------- */

enum { INDENT = 2, NUMBERS = 44, BAR = 12, NAME_MIN = 16 };

static unsigned depth_of(const cli_graph *graph, unsigned number) {
  unsigned depth = 0;
  for (; graph->nodes[number].parent != 0 && number != 0; number = graph->nodes[number].parent) depth++;
  return depth;
}

static bool is_shown(const cli_graph *graph, unsigned number) {
  const cli_graph_node *node = &graph->nodes[number];
  return node->state->kind != FSM_HISTORY && (number > 0 || !cli_graph_is_box(node));
}

static unsigned name_width(const cli_run *cli, const cli_graph *graph) {
  unsigned width = NAME_MIN;
  for (unsigned i = 0; i < graph->node_count; i++) {
    const unsigned own = INDENT * depth_of(graph, i) + cli_width(graph->nodes[i].label);
    if (is_shown(graph, i) && own > width) width = own;
  }
  const unsigned columns = cli->screen.tty ? cli->screen.columns : 0;
  const unsigned room = columns > NUMBERS + NAME_MIN ? columns - NUMBERS : NAME_MIN;
  return columns > 0 && width > room ? room : width;
}

static void add_name(cli_run *cli, const cli_graph *graph, unsigned number, unsigned width) {
  const unsigned indent = INDENT * depth_of(graph, number);
  const unsigned room = width > indent + 1 ? width - indent : 1;
  const char *label = graph->nodes[number].label;
  const unsigned took = cli_width(label) < room ? cli_width(label) : room;
  fsm_buf_printf(&cli->text, "%*s", (int)indent, "");
  cli_clip(&cli->text, label, room);
  fsm_buf_printf(&cli->text, "%*s", width > indent + took ? (int)(width - indent - took) : 0, "");
}

static void add_leaf(cli_run *cli, const cli_graph_node *node, const cli_heat_leaf *leaf, double most) {
  fsm_arena *arena = &cli->arena;
  const bool colour = cli->screen.colour && node->heat > 0;
  fsm_buf_printf(&cli->text, "%8lld%8lld%9s%9s", (long long)leaf->now, (long long)leaf->visits,
                 leaf->p50 != NULL ? cli_span(arena, leaf->p50) : "",
                 leaf->p95 != NULL ? cli_span(arena, leaf->p95) : "");
  if (node->heat == 0) return;
  fsm_buf_printf(&cli->text, "%6.1f %%", 100 * leaf->part);
  if (colour) fsm_buf_printf(&cli->text, "\x1b[38;5;%dm", classes[node->heat].colour);
  const char *bar = cli_bar(cli, arena, leaf->part, most, BAR);
  if (cli->screen.columns >= 80 && *bar != 0) fsm_buf_printf(&cli->text, "  %s", bar);
  if (colour) fsm_buf_str(&cli->text, "\x1b[0m");
}

static void add_scale(cli_run *cli) {
  fsm_buf_str(&cli->text, "\nTIME: part of the time that instances spend in a state");
  if (cli->screen.colour) {
    fsm_buf_str(&cli->text, "\n ");
    for (unsigned i = 1; i <= CLI_HEAT_COUNT; i++)
      fsm_buf_printf(&cli->text, " \x1b[38;5;%dm%s\x1b[0m%s", classes[i].colour, classes[i].words,
                     i < CLI_HEAT_COUNT ? " ·" : "");
  }
  fsm_buf_char(&cli->text, '\n');
}

void cli_heat_tree(cli_run *cli, const cli_graph *graph, const cli_heat_leaf *heat) {
  const unsigned width = name_width(cli, graph);
  double most = 0;
  for (unsigned i = 0; i < graph->node_count; i++)
    if (heat[i].part > most) most = heat[i].part;
  fsm_buf_printf(&cli->text, "%s%-*s%8s%8s%9s%9s%8s%s\n", cli->screen.colour ? "\x1b[1m" : "", (int)width,
                 "STATE", "NOW", "VISITS", "P50", "P95", "TIME", cli->screen.colour ? "\x1b[0m" : "");
  for (unsigned i = 0; i < graph->node_count; i++) {
    if (!is_shown(graph, i)) continue;
    add_name(cli, graph, i, width);
    if (heat[i].leaf) add_leaf(cli, &graph->nodes[i], &heat[i], most);
    while (cli->text.len > 0 && cli->text.data[cli->text.len - 1] == ' ') cli->text.len--;
    fsm_buf_char(&cli->text, '\n');
  }
  add_scale(cli);
}
