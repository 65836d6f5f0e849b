/* sink_nats.h: records into one JetStream stream, exclusive to this partition.
 *
 * The stream. One that is missing is made: file storage, limits retention without limits, discard new, ids
 * known for ten minutes, as many replicas as configured. Deleting and purging stay allowed, because denying
 * them cannot be taken back and somebody may have to erase something: what is deleted is seen by reconcile
 * and given again. One that is there is checked whenever we connect, and every minute; unsafe is refused,
 * with the field and what to do (sink_nats_safe.c). A limit of bytes or messages with discard new is safe: it
 * is back-pressure.
 *
 *   the stream …                                  we …
 *   lost its last messages                         go back to its last ordinary one
 *   holds nothing at places that held something    give those records again, as repairs behind the others
 *   knows the id of a record that it lost          give it again as a repair, under another id
 *   was made anew, or its server's store wiped     give everything again
 *   has what we did not know to be there           go on behind it, when that is proved; else send again
 *   is ahead of us, or has another at our seq      stop: a new epoch (db restore, db repair) goes on
 *   ends in a stranger's message                   stop, until outbox clear says to go on behind it
 *
 * Acked is not durable: pending → acked → settled, the last when a record that was acked longer ago than
 * twice the server's sync interval is seen again.
 *
 * It is made by fsm__sink_nats_make (sink_config.h), before the bus of all starts, which is stopped before
 * the sink is freed. Without a name of its own the stream is "FSM_EVT_<partition>".
 */
#ifndef FSM_RUNTIME_SINK_NATS_H
#define FSM_RUNTIME_SINK_NATS_H

#include "runtime/bus.h"
#include "runtime/sink_config.h"

#define FSM_NATS_DUPLICATES_NS (INT64_C(600) * 1000000000) /* how long the stream knows an id again */
enum {
  FSM_STREAM_NAME_MAX = 64,
  FSM_NATS_ASK_RECORDS = 64,       /* one answer is asked for so many records, at most … */
  FSM_NATS_ASK_BYTES = 256 * 1024, /* … or so many bytes of payload, */
  FSM_NATS_DENSE_RECORDS = 256,    /* but for each of so many after a look at the stream or a duplicate */
  FSM_NATS_RUNS_MAX = 64           /* of lost places that one look goes into; with more all is given again */
};

#endif
