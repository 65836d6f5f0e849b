/* doc.h: what is made of the entries of all commands for others to read. */
#ifndef FSM_CLI_DOC_H
#define FSM_CLI_DOC_H

#include "fsm/fsm.h"

/* man, bash, zsh or fish; false = there is no such thing. */
bool cli_doc(const char *what, fsm_buf *out);

#endif
