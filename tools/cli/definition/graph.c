/* graph.c: the tree of a definition as numbered boxes and arrows.
 *
 * Two walks in document order: the first numbers the states and makes their ids, the second resolves
 * targets by binary search over the paths.
 */
#include "tools/cli/definition/graph.h"

#include <stdlib.h>
#include <string.h>

#include "tools/cli/show/text.h"

typedef struct builder {
  fsm_arena *arena;
  cli_graph *graph;
  const cli_graph_node **by_path; /* sorted */
  bool no_memory;
} builder;

static void *zalloc(builder *b, size_t count, size_t size) {
  void *room = fsm_arena_zalloc(b->arena, count + 1, size);
  if (room == NULL) b->no_memory = true;
  return room;
}

static const char *kept(builder *b, const char *text) {
  if (text != NULL) return text;
  b->no_memory = true;
  return "";
}

/* ---- states ------------------------------------------------------------------------------------- */

/* "review.legal_1" → "s_review__legal_5f1": one to one, and never a keyword. */
static const char *id_of(builder *b, const char *path) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  fsm_buf id = {0};
  fsm_buf_str(&id, "s_");
  for (; *path != 0; path++) {
    if (*path == '.')
      fsm_buf_str(&id, "__");
    else if (strchr(plain, *path) != NULL)
      fsm_buf_char(&id, *path);
    else
      fsm_buf_printf(&id, "_%02x", (unsigned char)*path);
  }
  const char *copy = kept(b, fsm_arena_strdup(b->arena, fsm_buf_text(&id)));
  fsm_buf_free(&id);
  return copy;
}

static const char *path_of(builder *b, const fsm_def_state *state, const cli_graph_node *parent) {
  if (state->path != NULL) return state->path;
  if (parent == NULL) return "";
  const bool below_root = parent->parent == (unsigned)(parent - b->graph->nodes);
  if (below_root) return state->name;
  return kept(b, fsm_arena_printf(b->arena, "%s.%s", parent->path, state->name));
}

static bool is_choice(const fsm_def_state *state) {
  bool left_at_once = false;
  for (size_t i = 0; i < state->transition_count; i++) {
    const fsm_def_transition *t = &state->transitions[i];
    if (t->event_count > 0) return false;
    left_at_once = left_at_once || (t->guard == NULL && t->target_count > 0);
  }
  return left_at_once && state->kind == FSM_ATOMIC && state->entry_count + state->invoke_count == 0;
}

static size_t count_states(const fsm_def_state *state) {
  size_t count = 1;
  for (size_t i = 0; i < state->child_count; i++) count += count_states(state->children[i]);
  return count;
}

static void number(builder *b, const fsm_def_state *state, const cli_graph_node *parent) {
  cli_graph *graph = b->graph;
  unsigned own = graph->node_count++;
  cli_graph_node *node = &graph->nodes[own];
  *node = (cli_graph_node){.state = state, .path = path_of(b, state, parent)};
  node->parent = parent == NULL ? own : (unsigned)(parent - graph->nodes);
  node->id = parent == NULL ? "m_" : id_of(b, node->path);
  node->label = kept(b, cli_safe(b->arena, state->name));
  node->choice = is_choice(state);
  node->lines = zalloc(b, state->invoke_count + state->transition_count, sizeof *node->lines);
  for (size_t i = 0; i < state->child_count; i++) number(b, state->children[i], node);
  node->last = graph->node_count - 1;
}

static int by_path(const void *a, const void *b) {
  const cli_graph_node *const *one = a, *const *other = b;
  return strcmp((*one)->path, (*other)->path);
}

static void sort_paths(builder *b) {
  unsigned count = b->graph->node_count;
  b->by_path = zalloc(b, count, sizeof *b->by_path);
  if (b->no_memory) return;
  for (unsigned i = 0; i < count; i++) b->by_path[i] = &b->graph->nodes[i];
  qsort(b->by_path, count, sizeof *b->by_path, by_path);
}

static const cli_graph_node *find(const builder *b, const char *path) {
  const cli_graph_node wanted = {.path = path}, *key = &wanted;
  const cli_graph_node **found = bsearch(&key, b->by_path, b->graph->node_count, sizeof *b->by_path, by_path);
  return found == NULL ? NULL : *found;
}

/* ---- arrows ------------------------------------------------------------------------------------- */

static bool is_inside(const cli_graph *graph, unsigned number, unsigned box) {
  return number >= box && number <= graph->nodes[box].last;
}

static void add_edge(builder *b, cli_graph_edge *edges, unsigned *count, const cli_graph_node *source,
                     const char *path, const char *label) {
  const cli_graph_node *target = find(b, path);
  FSM_ASSERT(target != NULL); /* the definition compiles */
  edges[(*count)++] =
      (cli_graph_edge){(unsigned)(source - b->graph->nodes), (unsigned)(target - b->graph->nodes), label};
}

static void add_arrow(builder *b, const cli_graph_node *source, const char *path, const char *label) {
  cli_graph *graph = b->graph;
  add_edge(b, graph->edges, &graph->edge_count, source, path, label);
  const cli_graph_edge *edge = &graph->edges[graph->edge_count - 1];
  if (is_inside(graph, edge->target, edge->source)) graph->nodes[edge->source].inward = true;
  if (is_inside(graph, edge->source, edge->target)) graph->nodes[edge->target].inward = true;
}

static void add_transitions(builder *b, cli_graph_node *node) {
  const fsm_def_state *state = node->state;
  for (size_t i = 0; i < state->invoke_count; i++)
    node->lines[node->line_count++] = kept(b, cli_graph_invoke(b->arena, &state->invokes[i]));
  for (size_t i = 0; i < state->transition_count; i++) {
    const fsm_def_transition *t = &state->transitions[i];
    const char *label = kept(b, cli_graph_transition(b->arena, b->graph, node, t));
    if (t->target_count == 0) node->lines[node->line_count++] = label;
    for (size_t k = 0; k < t->target_count; k++) add_arrow(b, node, t->targets[k], label);
  }
}

/* A compound state that names no initial begins with its first child; a history has none to begin with. */
static void add_first(builder *b, const cli_graph_node *node) {
  unsigned own = (unsigned)(node - b->graph->nodes), first = own + 1;
  while (first < node->last && b->graph->nodes[first].state->kind == FSM_HISTORY) first++;
  b->graph->starts[b->graph->start_count++] = (cli_graph_edge){own, first, ""};
}

static void add_starts(builder *b, cli_graph_node *node) {
  const fsm_def_state *state = node->state;
  node->first_start = b->graph->start_count;
  for (size_t i = 0; i < state->initial_count; i++)
    add_edge(b, b->graph->starts, &b->graph->start_count, node, state->initials[i], "");
  if (state->initial_count == 0 && state->kind == FSM_COMPOUND && state->child_count > 0) add_first(b, node);
  node->start_count = b->graph->start_count - node->first_start;
}

static void make_room(builder *b) {
  size_t edges = 0, starts = 0;
  for (unsigned i = 0; i < b->graph->node_count; i++) {
    const fsm_def_state *state = b->graph->nodes[i].state;
    starts += state->initial_count + 1;
    for (size_t k = 0; k < state->transition_count; k++) edges += state->transitions[k].target_count;
  }
  b->graph->edges = zalloc(b, edges, sizeof *b->graph->edges);
  b->graph->starts = zalloc(b, starts, sizeof *b->graph->starts);
}

fsm_code cli_graph_build(fsm_arena *arena, const fsm_def *def, cli_graph *out, fsm_error *err) {
  FSM_ASSERT(arena != NULL && def != NULL && def->root != NULL && out != NULL);
  *out = (cli_graph){0};
  builder b = {.arena = arena, .graph = out};
  out->dialect = def->dialect;
  out->name = cli_safe(arena, def->root->name);
  out->nodes = zalloc(&b, count_states(def->root), sizeof *out->nodes);
  if (!b.no_memory) number(&b, def->root, NULL);
  if (!b.no_memory) sort_paths(&b);
  if (!b.no_memory) make_room(&b);
  for (unsigned i = 0; i < out->node_count && !b.no_memory; i++) {
    add_transitions(&b, &out->nodes[i]);
    add_starts(&b, &out->nodes[i]);
  }
  return b.no_memory ? fsm_fail(err, FSM_ENOMEM, "", "no memory for the drawing") : FSM_OK;
}

bool cli_graph_shows_root(const cli_graph *graph) {
  const cli_graph_node *root = &graph->nodes[0];
  if (root->state->kind != FSM_COMPOUND || root->line_count > 0) return true;
  for (unsigned i = 0; i < graph->edge_count; i++)
    if (graph->edges[i].source == 0 || graph->edges[i].target == 0) return true;
  return false;
}
