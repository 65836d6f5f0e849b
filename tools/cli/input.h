/* input.h: what comes in as an argument: JSON, @FILE, - (stdin). */
#ifndef FSM_CLI_INPUT_H
#define FSM_CLI_INPUT_H

#include "fsm/buf.h"
#include "fsm/value.h"

/* A file, or stdin for "-". A file that cannot be read is a wrong use: FSM_EARGUMENT with its path;
 * FSM_ETOOLARGE over max bytes. */
FSM_MUST_USE fsm_code cli_read(const char *path, size_t max, fsm_buf *out, fsm_error *err);
/* JSON from the argument itself, from @FILE or from stdin (-). option names it in faults. */
FSM_MUST_USE fsm_code cli_input(const char *argument, const char *option, fsm_arena *arena, fsm_value *out,
                                fsm_error *err);
/* That of --data behind a command, which is an event's or a task's there; who means the directory is told. */
FSM_MUST_USE fsm_code cli_input_data(const char *argument, const char *command, fsm_arena *arena,
                                     fsm_value *out, fsm_error *err);

#endif
