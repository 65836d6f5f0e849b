/* nats_ask.h: what a message of the NATS API asks for, as the request of HTTP that is the same.
 *
 * start: the body of POST /v1/instances. deploy: that of POST /v1/machines.
 *
 * send: {instance | machine + key, ...} and the body of POST /v1/instances/{ref}/events; or {events: [...]},
 * the body of POST /v1/events.
 *
 * get: {instance | machine + key, view?: events | why | history, after?, limit?}, {machine, version?}, {task},
 * {route}.
 *
 * list: {what?: instances (default) stuck search tasks machines versions records counts routes sinks parked, ...}
 * with the parameters of the query as members: texts, numbers, true or false; a list is one that is there
 * several times; label also {NAME: VALUE}.
 *
 * admin: {commands: [...]}, the body of POST /v1/commands; or {command: pause ... skip | retire | route_set | route_remove | sink_order | verify | db_check |
 * db_backup, what it is done to, ...} with the members of HTTP's body. */
#ifndef FSM_DAEMON_NATS_ASK_H
#define FSM_DAEMON_NATS_ASK_H

#include "runtime/daemon/request.h"

/* clang-format off */
#define FSM__NATS_VERBS(X)      \
  X(FSM__ASK_START, "start")   \
  X(FSM__ASK_SEND, "send")     \
  X(FSM__ASK_GET, "get")       \
  X(FSM__ASK_LIST, "list")     \
  X(FSM__ASK_ADMIN, "admin")   \
  X(FSM__ASK_DEPLOY, "deploy")
/* clang-format on */

typedef enum fsm__ask {
#define X(symbol, name) symbol,
  FSM__NATS_VERBS(X)
#undef X
      FSM__ASK_UNKNOWN,
  FSM__ASK_COUNT
} fsm__ask;

const char *fsm__ask_name(fsm__ask ask);
fsm__ask fsm__ask_find(const char *name);
/* Those that change nothing. */
bool fsm__ask_is_read(fsm__ask ask);

/* The request of HTTP that is the same, for fsm__asked_put. A fault is in unfit, and the request then one
 * that is for the same people. In the arena, or part of the table. */
typedef struct fsm__asked {
  const char *method, *target;
  bool bodyless, was_read; /* nothing of the body is left; it is `document` */
  fsm_value document;
  fsm_error unfit;
} fsm__asked;
/* Any thread. body NULL: it was too large. queued: only what has an idempotency key. */
void fsm__ask_read(fsm__ask ask, bool queued, fsm_arena *arena, const fsm_buf *body, fsm__asked *out);
void fsm__asked_put(const fsm__asked *asked, fsm__request *request);

enum { FSM__LANES = 256, FSM__LANE_WORDS = FSM__LANES / 64 };
/* Which instances a command is about: two that name one in the same way, by id or by machine and key, share a
 * lane. None at all: a start without id and key, and what cannot be read. */
typedef struct fsm__lanes {
  uint64_t bits[FSM__LANE_WORDS];
} fsm__lanes;
void fsm__ask_lanes(const char *data, size_t len, fsm__lanes *out);

#endif
