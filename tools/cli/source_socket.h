/* source_socket.h: the socket of the daemon that has a data directory: may it be trusted, does anybody
 * listen? */
#ifndef FSM_CLI_SOURCE_SOCKET_H
#define FSM_CLI_SOURCE_SOCKET_H

#include "runtime/fsm_runtime.h"

#define CLI_SOCKET_NAME "fsmd.sock"

/* Is there one in dir (its path) that may be trusted? FSM_ENOTFOUND: none, or no directory at all. */
FSM_MUST_USE fsm_code cli_socket_look(const char *dir, const char *path, fsm_error *err);
/* Does somebody listen on it? FSM_ENOTFOUND: nobody, so the files are free to be read. */
FSM_MUST_USE fsm_code cli_socket_knock(const char *path, fsm_error *err);

#endif
