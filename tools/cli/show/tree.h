/* tree.h: records as a tree: each below the one that caused it, with when, what, where and who.
 *
 * items: [{by?: seq, how?, record}], by seq; `by` names an earlier item, or one that is not here. Deep ones
 * are not indented further than a terminal can show. */
#ifndef FSM_CLI_TREE_H
#define FSM_CLI_TREE_H

#include "tools/cli/cli.h"

enum { CLI_TREE_DEPTH = 10 }; /* indented up to here */

/* Appends to cli->text. FSM_ENOMEM. */
FSM_MUST_USE fsm_code cli_tree_print(cli_run *cli, const fsm_value *items, fsm_error *err);

/* Records as such items: what caused each is looked for among them. */
FSM_MUST_USE fsm_code cli_tree_items(fsm_arena *arena, const fsm_value *records, fsm_value *out,
                                     fsm_error *err);

#endif
