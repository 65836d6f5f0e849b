/* rows.h: what the rows of the store are: their keys and their bytes (DESIGN 6).
 *
 *   machines   machine no BE4 ‖ version BE4        → [id, hash, seq, time, source]
 *              machine no BE4 ‖ version BE4 ‖ 'r'  → [seq, time, who, reason]   (it is retired)
 *   names      'n' ‖ text → BE4;  'm' ‖ machine id → BE4;  'i' ‖ BE4 → text    (interned strings)
 *   instances  number BE8 ‖ 's'                    → the instance
 *              number BE8 ‖ 't' ‖ timer id ‖ 0 ‖ order BE8 → the timer
 *              number BE8 ‖ 'k' ‖ invoke id        → the task
 *              number BE8 ‖ 'i' ‖ span BE4 ‖ key hash 16 → the idempotency entry of a send
 *              number BE8 ‖ 'r' ‖ seq BE8          → "" (a refusal, for its history)
 *              number BE8 ‖ 'm' ‖ message id       → a message to another instance, to be delivered
 *   ids        instance id                         → number BE8
 *   keys       machine no BE4 ‖ business key       → number BE8     (open instances only)
 *              machine no BE4 ‖ 0 ‖ business key   → number BE8     (the last one that ended)
 *   by_state   machine no BE4 ‖ name BE4 ‖ since BE8 ‖ number BE8 → ""     (every active state but the root)
 *   due        time BE8 ‖ order BE8 ‖ number BE8 ‖ 't'|'k'|'m'|'p' ‖ id → ""   (timer, task, message, purge)
 *   starts     span BE4 ‖ machine no BE4 ‖ key hash 16 → [fingerprint, expiry, seq]
 *   routes     name ‖ 0 ‖ BE4 of ~version          → [seq, time, document or null, who, reason]
 *                                                    (newest first)
 *   addressed  instance id ‖ 0 ‖ sender's number BE8 ‖ message id → ""   (an event on its way to that instance,
 *                                                    as far as its address told when it was sent)
 *   counters   name                                → BE8; "starts" → rows BE8 ‖ key of the last one dropped
 *
 * Idempotency entries lie by the span of FSM_IDEM_SPAN_NS in which they were made, so that those past their
 * time are found in front, and a search asks every span whose entries may live.
 *
 * The order of a timer is that of its setting, over all instances: the seq of the record that set it, and its
 * place in that record. So one id may be set twice, and timers that are due together fire in the order they
 * were set in. The same of a message. Of other kinds it is 0.
 *
 * All rows of an instance share its number as prefix, so that one command dirties one leaf. A record changes
 * rows of its own instance only, but for one case: the record that consumes a message of another instance
 * (its field `msg`) deletes that message's row, its due row and that of its address. None is an error when it
 * is gone. A message is in `addressed` when its record says `listed`, as records have done since 2026-11-23: what was
 * sent before is not found by whom it is for, and replaying it gives no such row either.
 */
#ifndef FSM_RUNTIME_ROWS_H
#define FSM_RUNTIME_ROWS_H

#include "runtime/catalog.h"
#include "runtime/store.h"

enum { FSM_PURGE_ROWS_MAX = 128 }; /* of an instance that leaves the store, in one record */

/* X(symbol, name): the status of an instance. */
#define FSM_STATUSES(X)     \
  X(FSM_RUNNING, "running") \
  X(FSM_PAUSED, "paused")   \
  X(FSM_INCIDENT, "incident") X(FSM_COMPLETED, "completed") X(FSM_CANCELLED, "cancelled")

typedef enum fsm__status {
#define X(symbol, name) symbol,
  FSM_STATUSES(X)
#undef X
      FSM_STATUS_COUNT
} fsm__status;

const char *fsm__status_name(fsm__status status);
static inline bool fsm__status_open(fsm__status status) { return status <= FSM_INCIDENT; }

/* An active state and when it was entered. */
typedef struct fsm__since {
  uint16_t state;
  int64_t ns;
} fsm__since;

enum { FSM_TASK_ERROR_MAX = 256 }; /* bytes of a task's last error that its row keeps */

/* An instance as its row holds it. Lives in the arena it was loaded into. */
typedef struct fsm__instance {
  uint64_t number;
  const fsm__deployed *deployed; /* machine and version it is pinned to */
  const char *id, *key, *corr;   /* key NULL = none */
  fsm_value labels;
  fsm__status status;
  fsm__since *active; /* in document order, ancestors included, root first */
  unsigned active_count;
  fsm_value context;
  fsm_value history; /* as in fsm_snapshot; null when there is none */
  fsm__hash context_hash;
  uint64_t rev, last_seq, created_seq;
  int64_t created_ns, updated_ns;
  uint32_t counter;
  uint32_t idem_rows;  /* idempotency entries it has */
  fsm_value output;    /* null until completed */
  fsm_value incident;  /* {reason, text, seq, tried?}, null when there is none; tried: decide_incident.c */
  fsm_value cancelled; /* {reason, seq}, null unless it is */
  bool forced;         /* an operator set its configuration once: for ever */
  bool has_parent;
  uint8_t
      parent[16]; /* token of the parent's task that it answers; its first 8 bytes are the parent's number */
} fsm__instance;

typedef struct fsm__timer {
  const char *id, *event;
  int64_t due_ns;
  fsm_value data;
  uint64_t seq;   /* of the record that set it */
  uint16_t place; /* among the timers of that record */
  int64_t delay_ns;
  fsm_overdue overdue; /* what becomes of it when it was due before it could fire */
  uint64_t boot;       /* in which it was set; 0 = the wall clock alone counts */
  int64_t boot_due_ns; /* on the clock of that boot */
} fsm__timer;

#define FSM_TIMER_SEQ_MAX ((uint64_t)INT64_MAX >> 16) /* of a record that sets timers */
static inline uint64_t fsm__timer_order(const fsm__timer *timer) { return timer->seq << 16 | timer->place; }

typedef struct fsm__task {
  const char *id, *service, *corr;
  fsm_value input;
  fsm_value trace; /* of the record that opened it, or null */
  uint8_t token[16];
  unsigned attempts, attempt; /* allowed, begun */
  int64_t timeout_ns;
  int64_t heartbeat_ns; /* an attempt that is silent for so long is lost; 0 = it may be silent */
  int64_t next_ns;  /* when to offer it, or, once an attempt has begun, when that is out of time or lost */
  int64_t begun_ns; /* of the attempt that runs; its deadline is timeout_ns later */
  bool started;
  bool later;        /* of the attempt that runs: a service of ours has left the answer to somebody else */
  const char *error; /* why the last attempt failed, cut to FSM_TASK_ERROR_MAX; "" = none has */
  uint64_t seq;      /* of the record that opened it */
} fsm__task;

/* X(symbol, name): what a message to another instance is for. */
#define FSM_SEND_KINDS(X)    \
  X(FSM_SEND_EVENT, "event") \
  X(FSM_SEND_DONE, "done")   \
  X(FSM_SEND_ERROR, "error") X(FSM_SEND_CANCEL, "cancel") X(FSM_SEND_START, "start")

typedef enum fsm__send_kind {
#define X(symbol, name) symbol,
  FSM_SEND_KINDS(X)
#undef X
      FSM_SEND_KIND_COUNT
} fsm__send_kind;

const char *fsm__send_kind_name(fsm__send_kind kind);

/* A message on its way to another instance (record field `sends`). Ids sort as they were sent. */
typedef struct fsm__send {
  const char *id; /* fsm__send_id */
  const char *to; /* an instance; "#…" is an address that is looked up when it is due */
  fsm__send_kind kind;
  const char *event; /* "" = none */
  fsm_value data;
  bool has_token; /* belongs to this task, the sender's or that of its parent: nothing to tell once it is gone
                   */
  uint8_t token[16];
  int64_t due_ns;
  uint64_t seq;   /* of the record that sent it */
  uint16_t place; /* in that record */
  const char *corr;
  fsm_value trace;
  fsm_value about; /* map or null: invokeid, sendid, origin, type (SCXML 5.10.1) */
} fsm__send;

typedef struct fsm__idem {
  uint8_t fingerprint[16];
  int64_t expiry_ns;
  uint64_t seq; /* of the first record of its frame */
} fsm__idem;

/* Of the entries of creations: how many there are, and behind which key the next one to drop is looked for.
 */
typedef struct fsm__starts {
  uint64_t rows;
  uint8_t dropped[24]; /* zeros: none yet */
} fsm__starts;

/* A version of a route, each kept. */
typedef struct fsm__route_row {
  const char *name;
  uint32_t version; /* from 1, of its name */
  uint64_t seq;     /* of the record that set it; in force behind it */
  int64_t time_ns;
  fsm_value document;       /* null = removed */
  const char *who, *reason; /* who: the actor's sub, else type */
} fsm__route_row;

#define FSM_IDEM_SPAN_NS ((int64_t)6 * 3600 * 1000000000)

/* A key being built: big-endian parts in memcmp order. */
typedef struct fsm__key {
  uint8_t bytes[FSM_STORE_KEY_MAX];
  size_t len;
} fsm__key;

void fsm__key_u32(fsm__key *key, uint32_t u);
void fsm__key_u64(fsm__key *key, uint64_t u);
void fsm__key_add(fsm__key *key, const void *data, size_t len);
uint32_t fsm__key_read_u32(const void *at);
uint64_t fsm__key_read_u64(const void *at);
/* number ‖ type (‖ id). */
fsm__key fsm__key_instance(uint64_t number, char type, const void *id, size_t len);
/* Of anything but a timer: before the timers of that very nanosecond. */
fsm__key fsm__key_due(int64_t ns, uint64_t number, char type, const char *id);
fsm__key fsm__key_due_timer(uint64_t number, const fsm__timer *timer);
fsm__key fsm__key_due_send(uint64_t number, const fsm__send *send);
/* The instance that an address names by itself ("x", "#_x", "#_scxml_x"); NULL = none, or by who sends it. */
const char *fsm__send_addressee(const char *to);
fsm__key fsm__key_addressed(const char *id, uint64_t number, const char *message);
fsm__key fsm__key_timer(uint64_t number, const fsm__timer *timer);
fsm__key fsm__key_by_state(uint32_t machine, uint32_t name, int64_t since_ns, uint64_t number);
fsm__key fsm__key_business(uint32_t machine, const char *key);
/* Of the last instance that ended with this key: a repeated command finds its first answer there. */
fsm__key fsm__key_ended(uint32_t machine, const char *key);
fsm__key fsm__key_start(int64_t now_ns, uint32_t machine, const uint8_t hash[16]);
fsm__key fsm__key_idem(uint64_t number, int64_t now_ns, const uint8_t hash[16]);
uint32_t fsm__idem_span(int64_t now_ns); /* of what is made at that time */
/* The first span of which an entry may still live. */
uint32_t fsm__idem_span_oldest(int64_t now_ns);

/* Point reads: FSM_ENOTFOUND when absent (err untouched), FSM_ECORRUPT when unreadable. */
FSM_MUST_USE fsm_code fsm__instance_number(fsm__store *store, const char *id, uint64_t *number,
                                           fsm_error *err);
FSM_MUST_USE fsm_code fsm__instance_by_key(fsm__store *store, uint32_t machine, const char *key,
                                           uint64_t *number, fsm_error *err);
FSM_MUST_USE fsm_code fsm__instance_load(fsm__store *store, fsm__catalog *catalog, uint64_t number,
                                         fsm_arena *arena, fsm__instance *out, fsm_error *err);
/* The one that was set first under this id; of those set at `order` or later. */
/* The id in an instance's row, in arena: all that can be told of it without its machine. */
FSM_MUST_USE fsm_code fsm__instance_row_id(const fsm__row *row, fsm_arena *arena, const char **id,
                                           size_t *len, fsm_error *err);
FSM_MUST_USE fsm_code fsm__timer_load(fsm__store *store, uint64_t number, const char *id, fsm_arena *arena,
                                      fsm__timer *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__timer_load_from(fsm__store *store, uint64_t number, const char *id, uint64_t order,
                                           fsm_arena *arena, fsm__timer *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__task_load(fsm__store *store, uint64_t number, const char *id, fsm_arena *arena,
                                     fsm__task *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__send_load(fsm__store *store, uint64_t number, const char *id, fsm_arena *arena,
                                     fsm__send *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__idem_load(fsm__store *store, fsm__table table, const fsm__key *key,
                                     fsm_arena *arena, fsm__idem *out, fsm_error *err);
/* Decoders for range reads; id is what stands behind the type byte of the key. */
FSM_MUST_USE fsm_code fsm__timer_read(const fsm__row *row, fsm_arena *arena, fsm__timer *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__task_read(const fsm__row *row, fsm_arena *arena, fsm__task *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__send_read(const fsm__row *row, fsm_arena *arena, fsm__send *out, fsm_error *err);

/* Of routes. A range over FSM_T_ROUTES gives names in order, of each its versions from the newest; skip goes
 * on behind all of a name. */
fsm__key fsm__key_route(const char *name, uint32_t version);
FSM_MUST_USE fsm_code fsm__route_row_read(const fsm__row *row, fsm_arena *arena, fsm__route_row *out,
                                          fsm_error *err);
FSM_MUST_USE fsm_code fsm__route_row_newest(fsm__store *store, const char *name, fsm_arena *arena,
                                            fsm__route_row *out, fsm_error *err); /* FSM_ENOTFOUND */
void fsm__route_row_skip(fsm__range *range, const char *name);
void fsm__route_row_put(fsm__store *store, const fsm__route_row *route);

/* The id of what record `seq` sends at a place in its list; NULL without memory. And back. */
const char *fsm__send_id(fsm_arena *arena, uint64_t seq, unsigned place);
uint64_t fsm__send_seq(const char *id);
uint16_t fsm__send_place(const char *id);

/* Writes; faults are sticky in the store. The index rows (due, by_state, ids, keys) are the caller's. */
void fsm__instance_put(fsm__store *store, const fsm__instance *instance);
void fsm__timer_put(fsm__store *store, uint64_t number, const fsm__timer *timer);
void fsm__task_put(fsm__store *store, uint64_t number, const fsm__task *task);
void fsm__send_put(fsm__store *store, uint64_t number, const fsm__send *send);
void fsm__idem_put(fsm__store *store, fsm__table table, const fsm__key *key, const fsm__idem *idem);

/* Between the files of rows: a value that was packed into a record before. */
void fsm__row_pack(fsm_buf *buf, const fsm_value *value);
/* Copies a row's value into arena and unpacks it as a list whose items have the given types, a letter
 * each: t time, n 32-bit unsigned, u unsigned, s text without NUL, b 16 bytes, o bool, v any. */
FSM_MUST_USE fsm_code fsm__row_unpack(fsm_arena *arena, const void *value, size_t len, const char *types,
                                      const char *what, const fsm_value **items, fsm_error *err);

/* What a counter gave last, 0 = nothing yet; and the next, which is written. One that cannot be read is
 * never taken for a new one: its numbers would be given twice. */
FSM_MUST_USE fsm_code fsm__counter_read(fsm__store *store, const char *name, uint64_t *last, fsm_error *err);
FSM_MUST_USE fsm_code fsm__counter_next(fsm__store *store, const char *name, uint64_t *next, fsm_error *err);
/* Sets what it gave last. "incidents": how many instances are one. */
void fsm__counter_put(fsm__store *store, const char *name, uint64_t value);
FSM_MUST_USE fsm_code fsm__starts_load(fsm__store *store, fsm__starts *out, fsm_error *err);
void fsm__starts_put(fsm__store *store, const fsm__starts *starts);

#endif
