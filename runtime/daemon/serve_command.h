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

#endif
