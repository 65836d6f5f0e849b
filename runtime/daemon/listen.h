/* listen.h: listening sockets on this machine alone: loopback TCP and a unix socket. */
#ifndef FSM_DAEMON_LISTEN_H
#define FSM_DAEMON_LISTEN_H

#include "fsm/fsm.h"

enum { FSM__ADDRESS_MAX = 64 };

/* What fsm__listen_tcp says of the text alone, before anything is opened. */
FSM_MUST_USE fsm_code fsm__listen_check(const char *text, bool anywhere, fsm_error *err);
/* "127.0.0.1:8480", "[::1]:8480", "localhost:0": bound, listening, not blocking. *port is the one it has and
 * address its text. FSM_EARGUMENT: not ADDR:PORT, not loopback, or taken. */
FSM_MUST_USE fsm_code fsm__listen_tcp(const char *text, bool anywhere, int *fd, unsigned *port,
                                      char address[FSM__ADDRESS_MAX], fsm_error *err);
/* A socket of mode 0600; when others may connect, 0666: then who it is says the kernel. One that nobody
 * serves is replaced; one that is served, or what is no socket, is FSM_EARGUMENT. */
FSM_MUST_USE fsm_code fsm__listen_unix(const char *path, bool others, int *fd, fsm_error *err);

/* The port as text, by a temporary file and rename, so that who waits for it reads it whole. */
FSM_MUST_USE fsm_code fsm__port_file_write(const char *path, unsigned port, fsm_error *err);

#endif
