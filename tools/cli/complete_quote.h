/* complete_quote.h: words as bash hands them to a completion, as they were typed, and words made fit for its
 * line.
 *
 * Nothing is ever expanded: $(…) that was typed is the text "$(…)", and a name that looks like it is quoted,
 * so that neither asking nor what was put on the line can run anything. zsh and fish do both themselves. */
#ifndef FSM_CLI_COMPLETE_QUOTE_H
#define FSM_CLI_COMPLETE_QUOTE_H

#include <stdbool.h>

#include "fsm/arena.h"
#include "fsm/buf.h"

/* What the word means; *open is the quote that was not closed, 0 = none. NULL = no memory. */
const char *cli_unquote(fsm_arena *arena, const char *typed, char *open);
/* Appends text as it may stand behind what was typed, inside of the quote that is open. False, and nothing is
 * appended, when it cannot stand there. */
bool cli_quote(fsm_buf *out, const char *text, char open);

#endif
