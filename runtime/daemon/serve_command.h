/* serve_command.h: between the files of rows: requests that become commands, and their answers. */
#ifndef FSM_DAEMON_SERVE_COMMAND_H
#define FSM_DAEMON_SERVE_COMMAND_H

#include "runtime/daemon/routes.h"

/* Hands the command on: false; its answer becomes the request's. True: the problem is made. */
bool fsm__serve_submit(fsm__server *server, fsm__request *request, const fsm_command *command);
/* ?dry_run=true */
FSM_MUST_USE fsm_code fsm__serve_dry_run(const fsm__target *target, fsm_command *command, fsm_error *err);
/* A request that is no command: the problem is made, and a body that cannot be read is counted. Always true.
 */
bool fsm__serve_refuse(fsm__server *server, fsm__request *request, const fsm_error *err);
/* An instance by its id, or by MACHINE/key:KEY. */
FSM_MUST_USE fsm_code fsm__serve_address(fsm__request *request, const char *ref, fsm_command *command,
                                         fsm_error *err);
/* serve_admin.c: a command of operators that stands at `place` in the list of a body: {command: "pause", …}.
 */
FSM_MUST_USE fsm_code fsm__serve_admin_item(fsm_arena *arena, const fsm_value *value, const char *place,
                                            fsm_command *command, fsm_error *err);

#endif
