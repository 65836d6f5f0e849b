/* heat.h: a machine's drawing with figures on it: who stands where, how often states were visited, how long
 * they are stayed in, and where the time goes.
 *
 * *Heat* is the part of all time that instances spent in a leaf, those that stand there included; final
 * states and those that are left at once have none. Classes, by that part: CLI_HEATS. */
#ifndef FSM_CLI_HEAT_H
#define FSM_CLI_HEAT_H

#include "tools/cli/cli.h"
#include "tools/cli/definition/graph.h"

/* X(class from 1, from which part on in %, fill, text, colour of a terminal of 256, words) */
#define CLI_HEATS(X)                                \
  X(1, 0, "#fff5eb", "#000000", 244, "under 1 %")   \
  X(2, 1, "#fdd0a2", "#000000", 136, "1 to 5 %")    \
  X(3, 5, "#fd8d3c", "#000000", 172, "5 to 20 %")   \
  X(4, 20, "#d94801", "#ffffff", 166, "20 to 50 %") \
  X(5, 50, "#8c2d04", "#ffffff", 160, "50 % and more")
enum { CLI_HEAT_COUNT = 5 };
#define CLI_HEAT_SCALE "colour: part of the time that instances spend in a state"

typedef struct cli_heat_leaf {
  bool leaf; /* of others there is nothing */
  int64_t now, visits, left;
  double time;                /* ns, of all stays and of those that stand there */
  double part;                /* of all time, 0 … 1 */
  const fsm_value *p50, *p95; /* NULL = nobody has left */
} cli_heat_leaf;

/* Of each node of the graph, from the figures of its machine: *out in arena; and the graph's nodes get a line
 * and their class. */
FSM_MUST_USE fsm_code cli_heat_of(fsm_arena *arena, cli_graph *graph, const fsm_value *figures,
                                  cli_heat_leaf **out, fsm_error *err);
/* The tree with columns and bars. */
void cli_heat_tree(cli_run *cli, const cli_graph *graph, const cli_heat_leaf *heat);

#endif
