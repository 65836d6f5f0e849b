/* follow.h: records as they are written, each once, in order.
 *
 * Of a daemon they are its stream of events, with the filter applied there; when the connection is lost it
 * is made again behind the last record that was printed, for as long as it takes. Files that nobody has open
 * are looked at twice a second by their times, and read when somebody has written, or asked of the daemon
 * that has them then: between two reads no lock is held, so a daemon can be started. Ends with a signal, or
 * when the reader of stdout has gone. */
#ifndef FSM_CLI_FOLLOW_H
#define FSM_CLI_FOLLOW_H

#include "tools/cli/show/pages.h"

/* The query is FSM_QUERY_RECORDS; after: the seq behind which it begins. first: what is printed before. */
FSM_MUST_USE fsm_code cli_follow(cli_run *cli, const cli_pages *pages, const fsm_value *first, uint64_t after,
                                 fsm_error *err);

#endif
