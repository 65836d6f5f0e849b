/* xes.h: records as an event log for process mining: XES 1.0 (IEEE 1849), a trace per instance, an event per
 * record.
 *
 * concept:name is what happened (the event, else the kind of the record), time:timestamp when, org:resource
 * who, lifecycle:transition what it is in the standard life cycle; what XES has no word for is fsm:kind,
 * fsm:seq, fsm:from, fsm:to, fsm:outcome and fsm:reason. Records of no instance are left out. What XML cannot
 * hold is U+FFFD.
 */
#ifndef FSM_CLI_XES_H
#define FSM_CLI_XES_H

#include "fsm/arena.h"
#include "fsm/buf.h"
#include "fsm/value.h"

typedef struct cli_xes cli_xes; /* as much memory as what it writes */

cli_xes *cli_xes_new(void); /* NULL without memory */
void cli_xes_free(cli_xes *xes);
/* False without memory. */
bool cli_xes_add(cli_xes *xes, fsm_arena *arena, const fsm_value *record);
void cli_xes_write(cli_xes *xes, fsm_buf *out);

#endif
