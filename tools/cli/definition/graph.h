/* graph.h: a machine as a drawing: its states as boxes in boxes, its transitions as labelled arrows.
 *
 * cli_graph_build reads the tree once; the writers turn what it gives into a notation. All of it is
 * deterministic: the same definition gives the same bytes. Whatever a definition may legally name
 * (quotes, keywords, any character) comes out as a valid drawing: ids are made of letters, digits and
 * _ alone, and labels are escaped for terminals first and for the notation then.
 */
#ifndef FSM_CLI_GRAPH_H
#define FSM_CLI_GRAPH_H

#include "fsm/buf.h"
#include "fsm/machine.h"
#include "tools/cli/settings.h"

enum { CLI_GRAPH_LABEL_MAX = 40 }; /* columns of a guard, an expression or a service */

typedef struct cli_graph_node {
  const fsm_def_state *state;
  const char *path;   /* by which targets name it */
  const char *id;     /* safe in any notation, unique */
  const char *label;  /* escaped for a terminal, as all labels here */
  const char **lines; /* invocations, and events that it takes without leaving */
  unsigned line_count;
  unsigned parent, last; /* numbers: the root's parent is itself; the descendants are up to last */
  bool choice;           /* a state that is left as soon as it is entered */
  bool inward;           /* a box with an arrow between it and what is in it */
  unsigned heat;         /* a class of heat.h; 0 = none */
  unsigned first_start, start_count; /* its arrows among the graph's starts */
} cli_graph_node;

typedef struct cli_graph_edge {
  unsigned source, target;
  const char *label;
} cli_graph_edge;

typedef struct cli_graph {
  const char *name; /* of the machine, escaped */
  fsm_dialect dialect;
  cli_graph_node *nodes; /* in document order, the root first */
  unsigned node_count;
  cli_graph_edge *edges; /* an edge for each target of a transition, in document order */
  unsigned edge_count;
  cli_graph_edge *starts; /* from a compound state to its initials, from a history to its default */
  unsigned start_count;
} cli_graph;

/* def is one that compiles. All of *out lives in arena or def. */
FSM_MUST_USE fsm_code cli_graph_build(fsm_arena *arena, const fsm_def *def, cli_graph *out, fsm_error *err);
/* graph_label.c: what is written on a transition, and on the arrow for one without anything: "". */
const char *cli_graph_transition(fsm_arena *arena, const cli_graph *graph, const cli_graph_node *source,
                                 const fsm_def_transition *transition);
/* An event descriptor as the dialect writes it: that "go" takes go.now too goes without saying in SCXML. */
const char *cli_graph_event(fsm_arena *arena, fsm_dialect dialect, const char *descriptor);
/* "invoke submitForReview". */
const char *cli_graph_invoke(fsm_arena *arena, const fsm_def_invoke *invoke);

static inline bool cli_graph_is_box(const cli_graph_node *node) { return node->state->child_count > 0; }
/* Is the root drawn? Only when it has more to show than what is in it. */
bool cli_graph_shows_root(const cli_graph *graph);

void cli_graph_mermaid(const cli_graph *graph, fsm_buf *out);
void cli_graph_dot(const cli_graph *graph, fsm_buf *out);
#define CLI_SVG_NS ((int64_t)60 * 1000000000)  /* how long Graphviz may take, but where --timeout says */
enum { CLI_SVG_BYTES_MAX = 64 * 1024 * 1024 }; /* of what it gives */
/* The drawing by Graphviz, into cli->text. FSM_ENOTFOUND: it is not installed · FSM_ETIMEOUT, FSM_ETOOLARGE:
 * it was stopped. */
FSM_MUST_USE fsm_code cli_graph_svg(cli_run *cli, const cli_graph *graph, fsm_error *err);

#endif
