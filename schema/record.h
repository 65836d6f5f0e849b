/* record.h: one entry of the audit log (DESIGN 7, schema version 1).
 *
 * Stored as canonical msgpack: a map from small-integer keys (FSM_RECORD_FIELDS, ascending) to the
 * fields that apply. The stored bytes are the hashed bytes; nothing is encoded again to verify. What
 * the rows of an instance need is in its records, so that replay never decides again.
 */
#ifndef FSM_SCHEMA_RECORD_H
#define FSM_SCHEMA_RECORD_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_RECORD_VERSION = 1,
  FSM_RECORD_BYTES_MAX = 256 * 1024,
  FSM_RECORD_DEPTH_MAX = 48, /* nesting of one field: a record is shown inside a list inside a document */
  FSM_FRAME_BYTES_MAX = 512 * 1024,
  FSM_LEAF_BYTES = 32
};

/* clang-format off */
#define FSM_RECORD_KINDS(X) \
  X(FSM_RECORD_CREATED, "created") X(FSM_RECORD_TRANSITION, "transition") X(FSM_RECORD_CONTEXT, "context") \
  X(FSM_RECORD_TASK_STARTED, "task_started") X(FSM_RECORD_TASK_DONE, "task_done")                   \
  X(FSM_RECORD_TASK_FAILED, "task_failed") X(FSM_RECORD_TIMER_FIRED, "timer_fired")                 \
  X(FSM_RECORD_REJECTED, "rejected") X(FSM_RECORD_INCIDENT_OPENED, "incident_opened")               \
  X(FSM_RECORD_INCIDENT_CLOSED, "incident_closed") X(FSM_RECORD_PAUSED, "paused")                   \
  X(FSM_RECORD_RESUMED, "resumed") X(FSM_RECORD_FORCED, "forced") X(FSM_RECORD_MIGRATED, "migrated")\
  X(FSM_RECORD_COMPLETED, "completed") X(FSM_RECORD_CANCELLED, "cancelled") X(FSM_RECORD_NOTE, "note") \
  X(FSM_RECORD_PURGED, "purged") X(FSM_RECORD_DEPLOYED, "deployed") X(FSM_RECORD_RETIRED, "retired") \
  X(FSM_RECORD_ERASED, "erased") X(FSM_RECORD_ADMIN, "admin") X(FSM_RECORD_REPAIRED, "repaired")    \
  X(FSM_RECORD_EPOCH, "epoch") X(FSM_RECORD_ROUTE, "route")

/* key (stored), C member, JSON name */
#define FSM_RECORD_FIELDS(X)                                                                   \
  X(0, v, "v") X(1, seq, "seq") X(2, time_ns, "time") X(3, dur_us, "dur") X(4, kind, "kind")    \
  X(5, outcome, "outcome") X(6, reason, "reason") X(7, mach, "mach") X(8, def, "def")           \
  X(9, defv, "defv") X(10, inst, "inst") X(11, key, "key") X(12, labels, "labels")              \
  X(13, rev, "rev") X(14, i, "i") X(15, n, "n") X(16, iprev, "iprev") X(17, from, "from")       \
  X(18, to, "to") X(19, tr, "tr") X(20, trigger, "trigger") X(21, cause, "cause")               \
  X(22, data, "data") X(23, ctx, "ctx") X(24, ctxh, "ctxh") X(25, hist, "hist")                 \
  X(26, since, "since") X(27, out, "out") X(28, timers, "timers") X(29, tasks, "tasks")         \
  X(30, elapsed_ns, "elapsed") X(31, corr, "corr") X(32, caus, "caus") X(33, parent, "parent")  \
  X(34, idem, "idem") X(35, req, "req") X(36, trace, "trace") X(37, act, "act")                 \
  X(38, node, "node") X(39, tok, "tok") X(40, att, "att") X(41, late_ms, "late")                \
  X(42, level, "level") X(43, pii, "pii") X(44, prev, "prev") X(45, detail, "detail")           \
  X(46, counter, "counter") X(47, clock, "clock") X(48, sends, "sends") X(49, msg, "msg")      \
  X(50, forced, "forced") X(51, tracestate, "tracestate")
/* clang-format on */

typedef enum fsm_record_kind {
#define X(symbol, name) symbol,
  FSM_RECORD_KINDS(X)
#undef X
      FSM_RECORD_KIND_COUNT
} fsm_record_kind;

/* taken: something changed. refused: nothing did, reason says why. failed: a task or step failed. */
typedef enum fsm_outcome { FSM_TAKEN, FSM_REFUSED, FSM_FAILED, FSM_OUTCOME_COUNT } fsm_outcome;

/* Strings are NUL-terminated, borrowed; NULL = the field is absent. Values of type FSM_NULL are absent
 * except where noted. Times are nanoseconds UTC since 1970. */
typedef struct fsm_record {
  uint8_t v;
  uint64_t seq;
  int64_t time_ns;
  uint32_t dur_us; /* 0 = absent */
  fsm_record_kind kind;
  fsm_outcome outcome;
  const char *reason; /* fsm_code_name of a refusal, incident or failure */
  const char *mach;
  const uint8_t *def; /* 32 bytes, content hash of the definition */
  uint32_t defv;      /* its version under mach, from 1; 0 = absent */
  const char *inst, *key;
  fsm_value labels;   /* map text → text */
  uint64_t rev;       /* of the instance after the command */
  uint16_t i, n;      /* record i (from 0) of n in its frame */
  uint64_t iprev;     /* seq of the instance's previous change, 0 = none */
  fsm_value from, to; /* lists of leaf paths, null = absent */
  fsm_value tr;       /* list of transition numbers */
  const char *trigger;
  int cause; /* fsm_cause; -1 = absent */
  fsm_value data;
  fsm_value ctx;       /* delta: map field → [new] (added) or [old, new] */
  const uint8_t *ctxh; /* 32 bytes, SHA-256 of the canonical msgpack of the stored context after */
  fsm_value hist;      /* recorded history, map history path → list of paths */
  fsm_value since;     /* list of state paths entered here (re-entry too); their time is time_ns */
  fsm_value out;       /* output of a completed instance */
  fsm_value timers;    /* list of {id, due, event, data?, overdue?, boot?, mono?} (set; due = int ns
                          UTC; mono = due on the clock of that boot, bin8) or {cancel: id} */
  fsm_value tasks;     /* list of {id, service, input?, tok, deadline_ns?, attempts, next, …} (opened) or
                          {cancel: id} */
  int64_t elapsed_ns;  /* -1 = absent: time spent in the (first) leaf left */
  const char *corr, *caus, *parent;
  fsm_value idem; /* list [key hash bin16, fingerprint bin16, expiry ns int] */
  const char *req;
  const char *tracestate; /* W3C, as it came */
  fsm_value trace; /* list [trace id bin16, span id bin8, flags int] */
  fsm_value act;   /* map: type, sub, sid, iss, roles, authn */
  const char *node;
  const uint8_t *tok; /* 16 bytes */
  uint16_t att;       /* 0 = absent */
  int64_t late_ms;    /* -1 = absent */
  uint8_t level;
  fsm_value pii;
  const uint8_t *prev; /* 32 bytes, leaf hash of record seq-1; zeros for the first */
  fsm_value detail;    /* of a refusal or incident: text, guard, seen…; deployed: source (JSON text);
                          task_failed: error, retry_at when another attempt follows */
  uint32_t counter;    /* the instance's id counter after (snapshot.counter); 0 = absent, unchanged */
  bool clock;          /* the wall clock had gone back: time_ns was held */
  fsm_value sends; /* messages to other instances, to be delivered: list of {id, to: instance or "#address",
                      kind: event | done | error | cancel | start, event?, data?, tok?, due?,
                      about?: {invokeid, sendid, origin, type}} or {cancel: id}. Ids sort as they were sent */
  fsm_value msg;   /* {from: instance, id, due}: the message that this frame consumed, on its first record */
  bool forced;     /* the configuration was set by an operator, here or before */
} fsm_record;

/* An empty record: every optional field absent (cause -1, elapsed -1, late -1). */
FSM_API fsm_record fsm_record_new(fsm_record_kind kind);
FSM_API const char *fsm_record_kind_name(fsm_record_kind kind);
FSM_API int fsm_record_kind_of(const char *name); /* -1 = none */
FSM_API const char *fsm_outcome_name(fsm_outcome outcome);

/* Appends the stored form. Asserts the required fields of its kind (a table in record.c);
 * FSM_ETOOLARGE over FSM_RECORD_BYTES_MAX, with buf as it was. */
FSM_API FSM_MUST_USE fsm_code fsm_record_encode(fsm_buf *buf, const fsm_record *record, fsm_error *err);
/* Reads stored bytes; unknown version → FSM_EVERSION, anything not canonical or missing → FSM_ECORRUPT
 * with the field's name in err->where. Fields point into data and arena. */
FSM_API FSM_MUST_USE fsm_code fsm_record_decode(fsm_arena *arena, const void *data, size_t len,
                                                fsm_record *out, fsm_error *err);
/* Only what filters need, without decoding the rest: NULL/0 where absent. Same faults. */
typedef struct fsm_record_brief {
  uint64_t seq;
  int64_t time_ns;
  fsm_record_kind kind;
  const uint8_t *def;      /* 32 bytes */
  const char *mach, *inst; /* not NUL-terminated: see the lengths */
  size_t mach_len, inst_len;
} fsm_record_brief;
FSM_API FSM_MUST_USE fsm_code fsm_record_peek(const void *data, size_t len, fsm_record_brief *out);

/* The texts that a record is looked up by; at NULL where absent, not NUL-terminated, inside data. Takes no
 * memory and scans only as far as the last of them. FSM_ECORRUPT: no record. */
typedef struct fsm_record_text {
  const char *at;
  size_t len;
} fsm_record_text;
typedef struct fsm_record_terms {
  fsm_record_text inst, corr, user, trace; /* user: `sub` of the actor; trace: its id, 16 bytes */
} fsm_record_terms;
FSM_API FSM_MUST_USE fsm_code fsm_record_terms_read(const void *data, size_t len, fsm_record_terms *out);

/* The stored bytes of those of its fields whose bit (1 << stored key) is set, in order, without building
 * anything; *count of them, at most max. FSM_ECORRUPT: no record. */
FSM_API FSM_MUST_USE fsm_code fsm_record_spans(const void *data, size_t len, uint64_t fields,
                                               fsm_record_text *out, size_t max, size_t *count);

/* Where the record lives: from the segment header; added to everything that is published or shown. */
typedef struct fsm_origin {
  uint8_t store[16];
  uint32_t partition, epoch;
} fsm_origin;
/* "store.part.epoch.seq", store as 32 hex digits: event id and Nats-Msg-Id. size ≥ 80. */
FSM_API void fsm_record_id(const fsm_origin *origin, uint64_t seq, char *out, size_t size);

/* The JSON form as a value (names of FSM_RECORD_FIELDS, times RFC 3339, hashes hex) with id, store,
 * part, epoch added when origin is not NULL. */
FSM_API FSM_MUST_USE fsm_code fsm_record_view(fsm_arena *arena, const fsm_record *record,
                                              const fsm_origin *origin, fsm_value *out, fsm_error *err);
/* Of that what a line about it shows: seq, time, kind, outcome, reason, inst, from, to, trigger, cause, corr,
 * forced, of act sub and type, of detail reason. */
FSM_API FSM_MUST_USE fsm_code fsm_record_view_brief(fsm_arena *arena, const fsm_record *record,
                                                    fsm_value *out, fsm_error *err);

#ifdef __cplusplus
}
#endif
#endif
