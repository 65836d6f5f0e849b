/* fsm_runtime.h: durable instances of machines, for a program to embed; fsmd and fsm-cli use no other.
 *
 * A runtime holds one data directory. It hands commands to its one writer thread, which decides
 * (fsm/step.h), makes the records durable in the journal, applies them to the store and only then
 * answers: a positive answer survives kill -9 and power loss. A refused command changes nothing.
 *
 * Threads. fsm_submit and fsm_read may be called from any thread and copy what they are given. An answer's
 * callback runs on the writer thread or the one that waits for the disk beside it, one at a time, in the
 * order of the commands: it must not block and must not call back into the runtime but to submit and to read.
 * A document's callback runs on a reader thread, several at once when there are several: it may take its
 * time, but holds up the reads behind it. fsm_call waits for the answer; never call it from a callback.
 * fsm_query_wait reads on the thread that calls it. No read makes a command wait.
 *
 * Ownership. What you pass in is borrowed until the call returns; what a callback is given is
 * borrowed until it returns; what fsm_call, fsm_call_batch and fsm_query_wait hand back lives in the arena
 * you gave. Options are copied, and so are the services' names; what `arg` points to stays yours, until
 * close. Data (inputs, event data) are values: build them (fsm/value.h) or read them from JSON
 * (schema/json.h). Start a command from fsm_command_new: in a zeroed one, expect_rev 0 would ask for revision
 * 0.
 *
 * Idempotency. A start, send or admin command with `idem` is taken once: sent again within FSM_IDEM_TTL_NS it
 * gets the first answer (replayed), also when that one is not durable yet: then both wait. Known by it: kind,
 * machine, version, instance, key, labels, event, data, input, states, name, reason, if_absent, and who asks
 * (type, iss and sub of the actor); another command under the key is refused, FSM_EDUPLICATE. Not part of it:
 * expect_rev, correlation, causation, request, trace, and ids made here. A key belongs to the instance (of a
 * creation: to the machine). What was refused, or changed nothing, is not kept and may be sent again.
 * Deployments are known by their content, answers of tasks by their token: they take no key.
 *
 * Correlation. Records carry the command's correlation, made when absent; those of a timer that of its
 * instance, those of a task that of the record which opened it. `caus` is what the command names as its
 * causation; of a timer or task otherwise the id (schema/record.h) of the record that set or opened it.
 *
 * Errors. Faults of a command come in its answer. FSM_EBUSY: nothing was queued, try again after
 * FSM_BUSY_RETRY_NS. After a fault of the disk (FSM_EIO) the process
 * must end: the `fatal` callback is called (default: a line on stderr and _exit(74), or 7 for damage),
 * nothing more is answered. A full disk (FSM_EFULL) refuses commands and keeps answering reads until there is
 * room.
 *
 * To link: `pkg-config --cflags --libs fsm` (libfsm.so; with --static and -l:libfsm.a the archive); only what
 * is FSM_API is exported. examples/embed.c is a whole program.
 *
 * Limits: those of fsm/machine.h, schema/record.h, and below.
 */
#ifndef FSM_RUNTIME_H
#define FSM_RUNTIME_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_INSTANCE_ID_MAX = 128, /* [A-Za-z0-9._:-] */
  FSM_KEY_MAX = 128,         /* business key: printable UTF-8 */
  FSM_IDEM_MAX = 128,        /* idempotency key: printable ASCII */
  FSM_CORRELATION_MAX = 128, /* printable ASCII */
  FSM_TRACESTATE_MAX = 512,  /* bytes: what W3C Trace Context asks to be carried at least */
  FSM_DATA_DEPTH_MAX = 32, /* nesting of data and actor; a context may nest deeper, to FSM_RECORD_DEPTH_MAX */
  FSM_LABELS_MAX = 16,
  FSM_LABEL_BYTES_MAX = 64, /* of a label's name and of its value */
  FSM_PAGE_MAX = 1000,      /* items of one list answer */
  FSM_PAGE_DEFAULT = 100,
  FSM_RECORDS_LOOK_MAX = 20000,            /* records that one page of them looks at */
  FSM_RECORDS_BYTES_MAX = 4 * 1024 * 1024, /* stored bytes of those that one page has */
  FSM_IDEM_QUOTA = 1000, /* idempotency keys kept of one instance (each 24 to 30 h); over it FSM_EQUOTA */
  FSM_IDEM_STARTS_MAX = 10000000, /* the same of all creations together */
  FSM_REASON_MAX = 1024,          /* bytes of the reason of an admin command: UTF-8 */
  FSM_BATCH_MAX = 4096,           /* commands of one fsm_submit_batch */
  FSM_SERVICES_MAX = 256,         /* registered services */
  FSM_SERVICE_NAME_MAX = 128,
  FSM_PEOPLE_CONFIGURED_MAX = 2048, /* entries of fsm_runtime_set_people, … */
  FSM_PEOPLE_BYTES_MAX = 1 << 20,   /* … and bytes of its text */
  FSM_ACTOR_NAME_MAX = 256,         /* bytes of a sub, type, iss or role in it */
  FSM_MESSAGES_MAX = 1000,       /* events of one instance on their way to others; one more is an incident */
  FSM_INSTANCES_NESTED_MAX = 16, /* child instances in one another; one more is the error of its task */
  FSM_EXIT_FATAL = 74            /* EX_IOERR */
};
#define FSM_IDEM_TTL_NS ((int64_t)24 * 3600 * 1000000000)
/* After FSM_EBUSY: a full queue has been worked off by then, on most disks. */
#define FSM_BUSY_RETRY_NS ((int64_t)100 * 1000000)
#define FSM_RETRY_AFTER_MAX_NS ((int64_t)3600 * 1000000000)

typedef struct fsm_runtime fsm_runtime;

/* ---- opening ------------------------------------------------------------------------------------ */

/* An open invocation that is due, for whoever runs services (runtime/workers.h: NATS workers). */
typedef struct fsm_task {
  uint8_t token[16];                       /* stable: the same task has the same token for ever */
  const char *service;                     /* the invoke's src */
  const char *instance, *machine, *invoke; /* invoke: its id in the machine */
  fsm_value input;
  unsigned attempt, attempts; /* attempt: number of the one that would start now, from 1 */
  int64_t timeout_ns;         /* of an attempt */
  int64_t deadline_ns;        /* wall clock: when this attempt is over; 0 before it has begun */
  const char *correlation;
  fsm_value trace; /* as in the record, or null */
} fsm_task;

/* What a service says at the end of an attempt. Start from a zeroed one: completed with null. */
typedef struct fsm_service_result {
  fsm_value
      output; /* in the arena that the service was given; of a failure: a map with more about it, or null */
  fsm_error error; /* a code other than FSM_OK: the attempt failed; the machine reads it as event.error.code,
                      .message and .where */
  bool final;      /* of a failure: no further attempt */
  int64_t
      retry_ns; /* of a failure: no further attempt before so long from now; up to FSM_RETRY_AFTER_MAX_NS */
  bool later;   /* the token is with somebody who will answer by an FSM_CMD_TASK_*, also when this program
                   has been started again meanwhile */
} fsm_service_result;

/* Runs one attempt, on a thread of the service pool, never on the writer: it may block, and it may call the
 * runtime (a heartbeat of a long one: FSM_CMD_TASK_HEARTBEAT with task->token and attempt). What task points
 * to is borrowed until it returns.
 *
 * At least once: that the attempt begins is durable before it is called; when the process ends meanwhile, the
 * attempt counts as failed at the next opening and another follows under the policy of the invoke, with the
 * same token. What it does outside should carry the token. An answer after the deadline is ignored and
 * counted; output that no event can hold (FSM_DATA_DEPTH_MAX, FSM_EVENT_BYTES_MAX) fails the attempt. */
typedef void (*fsm_service_fn)(void *arg, const fsm_task *task, fsm_arena *arena, fsm_service_result *out);

/* A service of this program: an invoke whose src is `name` runs here. */
typedef struct fsm_service {
  const char *name;
  fsm_service_fn run;
  void *arg;
  unsigned concurrency; /* attempts at once; 0 = as many as the pool has threads */
} fsm_service;

typedef struct fsm_runtime_options {
  const char *dir;  /* data directory, made (0700) when missing */
  const char *node; /* who writes, in every record; NULL = "fsm/<version>" */
  /* No thread is started: all that would be done on one is done in the calls of this program, which one
   * thread at a time makes: fsm_runtime_turn, fsm_call, fsm_call_batch, fsm_runtime_verify and close (see
   * fsm_runtime_turn). fsm_submit and fsm_read only queue, from any thread. */
  bool manual;
  bool read_only;          /* recover in memory, write nothing, take the lock shared; queries only */
  bool must_exist;         /* FSM_ENOTFOUND instead of making a new store */
  bool still; /* only commands are done: no timer fires, no task begins or is out of time, no message is
                 delivered; what is due waits for the next opening without it */
  size_t segment_bytes;    /* 0 = 64 MiB */
  size_t map_bytes;        /* of the LMDB map to begin with; 0 = 16 GiB, sparse; grows when it is full */
  size_t map_bytes_max;    /* over which it does not grow; 0 = 1 TiB */
  size_t queue_max;        /* commands waiting; over it FSM_EBUSY; 0 = 16384 */
  unsigned reader_threads; /* for fsm_read: so many for what is brief, so many for walks; 0 = 2, at most 64 */
  size_t round_bytes;      /* rows in memory that start a round; 0 = 64 MiB. Up to 5 times that is held */
  int64_t round_ns;        /* age that starts a round; 0 = 2 s */
  int64_t (*now)(void *arg); /* wall clock, ns UTC since 1970; NULL = the system's (tests set it) */
  /* Running time, ns, that goes on while the machine sleeps, and which boot it belongs to (not 0). NULL = the
   * system's CLOCK_BOOTTIME; where only `now` is set there is none, and timers go by `now` alone. */
  int64_t (*monotonic)(void *arg);
  uint64_t boot;
  void *now_arg; /* of both clocks */
  /* Services of this program; built in besides: `machine`, and `http` when it is allowed something. */
  const fsm_service *services;
  size_t service_count;
  unsigned service_threads; /* 0 = 4 */
  int64_t service_close_ns; /* fsm_runtime_close waits so long for callbacks that run; 0 = 10 s. One that runs
                               on must not use the runtime, and its arg must live until it returns */
  /* The built-in service `http` (runtime/http_request.h: its input and output) may call what is at or below
   * these URLs; none: it is off. A service of the program that is named `http` takes its place. */
  const char *const *http_allow;
  size_t http_allow_count;
  unsigned http_concurrency; /* requests at once; 0 = 8 */
  /* A task is due whose service is none of ours. Writer thread, after its records are durable. Answer by
   * FSM_CMD_TASK_*. NULL: such tasks wait. */
  void (*task_ready)(void *arg, const fsm_task *task);
  void *task_arg;
  /* durable_seq moved; one of the runtime's threads, in order. */
  void (*durable)(void *arg, uint64_t seq);
  void *durable_arg;
  void (*fatal)(void *arg, const fsm_error *err); /* does not return to work: see Errors */
  void *fatal_arg;
  /* Snapshots of the store (<dir>/snapshots), each verified; 0 = none by this rule. The newest two stay. */
  int64_t snapshot_ns;       /* a new one when the newest is older */
  uint64_t snapshot_records; /* a new one when as many records came since */
  /* Sealed segments of the journal go when either says so; 0 = keep for ever. Never what the newest two
   * verified snapshots, a sink or idempotency need, so without snapshots nothing goes. */
  int64_t retain_ns;     /* since the last record in it */
  uint64_t retain_bytes; /* of all segments */
  /* Called with a segment before it goes, on a thread of the runtime; it may be called again for the same
   * one. Not FSM_OK: it stays, asked again later. NULL: it just goes. */
  fsm_code (*archive)(void *arg, const char *path, uint64_t first_seq, uint64_t last_seq, fsm_error *err);
  void *archive_arg;
  /* Where those copies are, FIRST-LAST.seg (runtime/archive_read.h): as-of and history read there what the
   * journal let go of. NULL: they end where the journal begins. */
  const char *archive_dir;
} fsm_runtime_options;

/* What opening found; for the start-up line. */
typedef struct fsm_opened {
  uint8_t store_id[16];
  uint64_t last_seq, applied_seq, replayed; /* replayed: records of the tail put into the overlay */
  uint64_t cut_bytes, rewritten;            /* torn tail, batches written again */
} fsm_opened;

/* opened and err may be NULL; *out is NULL after a failure. */
FSM_API FSM_MUST_USE fsm_code fsm_runtime_open(const fsm_runtime_options *options, fsm_runtime **out,
                                               fsm_opened *opened, fsm_error *err);
/* Stops taking commands (FSM_ECLOSED), waits for services that run (options.service_close_ns), answers what
 * was taken, runs a last round, confirms the journal. */
FSM_API void fsm_runtime_close(fsm_runtime *runtime);

/* Who may act, whether or not a record names them: [{"sub": "ana", "roles": ["approver"], "type"?, "iss"?}, …].
 * It counts for who can act and for what nobody can (orphan), and permits nothing. It takes the place of what
 * was set before; json NULL: nobody. Any thread, at any time; held in memory. FSM_EMALFORMED, FSM_EARGUMENT,
 * FSM_ETOOLARGE: where is line:column or a JSON pointer, and what was set before stays. */
FSM_API FSM_MUST_USE fsm_code fsm_runtime_set_people(fsm_runtime *runtime, const char *json, size_t len,
                                                     fsm_error *err);

enum { FSM_TURN_WAIT_MAX_NS = 1000000000 };

/* What a turn did. All zero but wait_ns: there was nothing to do. */
typedef struct fsm_turned {
  size_t commands; /* decided; answered when they were not first refused by their admission */
  size_t reads;    /* of fsm_read, answered */
  size_t attempts; /* of services, run to their end */
  size_t files;    /* index files, snapshots and segments that were seen to */
  uint64_t records;
  int64_t
      wait_ns; /* nothing is due for so long (0 = turn again); at most FSM_TURN_WAIT_MAX_NS: clocks jump */
} fsm_turned;

/* options.manual: does once what is to do: what is due, commands that wait (with one sync, then their
 * answers), a round of the store, attempts of services (each to its end: the turn takes as long as its
 * callback), reads, index files, snapshots. Callbacks run in it: an answer's must not turn or call, a
 * service's may. Same directory, calls, clocks and random numbers: the same bytes in the journal. out may be
 * NULL. */
FSM_API void fsm_runtime_turn(fsm_runtime *runtime, fsm_turned *out);

/* ---- commands ----------------------------------------------------------------------------------- */

typedef enum fsm_command_kind {
  FSM_CMD_DEPLOY, /* source; the same content as the newest version changes nothing */
  FSM_CMD_START, /* machine, version? (absent: the newest that is not retired), instance?, key?, labels?, data
                    = input, if_absent? */
  FSM_CMD_SEND,  /* instance | machine + key, event, data, if_absent? */
  FSM_CMD_TASK_STARTED,     /* token, attempt: a worker accepted it; claim: see there */
  FSM_CMD_TASK_UNDELIVERED, /* token: nobody took it; offered again later, no attempt used */
  FSM_CMD_TASK_HEARTBEAT,   /* token: a sign of life, under meta.fsm.heartbeat; never past the attempt's
                               deadline */
  FSM_CMD_TASK_COMPLETE,    /* token, data = output; refused (FSM_EDATA) against schemas.events of
                               xstate.done.actor.INVOKE, and may be answered again */
  FSM_CMD_TASK_FAIL, /* token, data = error, final, retry_ns. All answers: attempt, when known; one of an
                        attempt that is over is refused (FSM_ETASK), changes nothing and is counted */
  FSM_CMD_REFUSED,   /* a transport refused something before it was a command: code, data = excerpt text;
                        aggregated into one record per reason and interval */
  /* Admin commands, of an instance (instance | machine + key); each needs actor and reason, takes idem and
   * expect_rev like a send, and is one record (with those of the step that it causes); runtime/README.md says
   * when each applies. Where it does not: FSM_ERUNNING, FSM_EPAUSED, FSM_EINCIDENT, FSM_ECOMPLETED. */
  FSM_CMD_PAUSE,  /* running → paused: events are refused, timers and tasks wait and become overdue */
  FSM_CMD_RESUME, /* paused → running */
  FSM_CMD_CANCEL, /* open → cancelled: timers and tasks cancelled, child instances too */
  FSM_CMD_FORCE,  /* states: leaf paths of a legal configuration; timers and tasks of left states are
                     cancelled, those of entered states opened, no action runs; forced for ever */
  FSM_CMD_SET,    /* data = context patch, checked against schemas.context and the fields' types */
  FSM_CMD_NOTE,   /* only the record; any status */
  FSM_CMD_RETRY,  /* name = a task's invoke id: attempts anew, at once. No name: the incident is closed and
                     what opened it is tried again (the event, the timer, the task) */
  FSM_CMD_SKIP, /* name = a task: completed with data as its output; a timer: fires now. No name: the incident
                   is closed, the instance goes on where it stands */
  /* Of the store, not of an instance; each taken one is one record. */
  FSM_CMD_ROUTE_SET,    /* name, data = the route's document (runtime/routing.h); the same as stands changes
                           nothing. actor and reason are needed, expect_rev is of the route's version */
  FSM_CMD_ROUTE_REMOVE, /* name; actor and reason */
  FSM_CMD_RETIRE,    /* machine, version (0 = all that are live): no new instances of it, FSM_ERETIRED; those
                        that there are go on. actor and reason. What is retired already changes nothing;
                        deployed again, also with the same content, it is a new version, which is live */
  FSM_CMD_SINK_NOTE, /* what befell a sink, or was done to it: name = the sink (up to 31 bytes
                        [A-Za-z0-9._-]), event = what (failed, recovered, parked, dropped, resent, spilled,
                        unspilled, cleared, held, released, restarted…: up to 31 bytes [A-Za-z0-9_-]), data =
                        a map of more, up to 4 KB as JSON; actor and reason when a person did it. An
                        `admin` record without an instance: detail {command: "sink", sink, what, reason?,
                        …data} */
  /* The runtime's own, from one part to the other; FSM_EARGUMENT from outside. */
  FSM_CMD_PURGE /* instance */
} fsm_command_kind;
#define FSM_CMD_ADMIN_FIRST FSM_CMD_PAUSE
#define FSM_CMD_ADMIN_LAST FSM_CMD_SKIP

/* Unset strings are NULL, unset values FSM_NULL; expect_rev -1. Start from fsm_command_new. */
typedef struct fsm_command {
  fsm_command_kind kind;
  const char *source; /* definition text */
  size_t source_len;
  const char *machine;
  uint32_t version; /* 0 = newest; of a new instance: the newest that is live */
  const char *instance, *key;
  fsm_value labels;
  const char *event;
  fsm_value data;
  /* START with a key: an open instance that has it is the answer (created false, no record), instead of
   * FSM_EEXISTS. SEND by machine + key: when no open instance has the key, one is made (version, instance,
   * labels as of a start; input) and takes the event, in one frame with one revision, 1; or neither happens:
   * when the event is refused, the instance is not made. An absent instance is at revision 0. */
  bool if_absent;
  fsm_value input;
  fsm_value states;   /* FORCE: list of leaf paths */
  const char *name;   /* RETRY, SKIP: of a task or timer */
  const char *reason; /* admin commands */
  const char *idem;
  int64_t expect_rev;
  const char *correlation, *causation, *request; /* correlation is made when absent */
  fsm_value trace;                               /* list [trace id bytes16, span id bytes8, flags], or null */
  const char *tracestate;                        /* W3C, printable ASCII; NULL = none */
  fsm_value actor; /* map: type, sub, sid, iss, roles, authn = "verified" | "local" | "none" */
  uint8_t token[16];
  unsigned attempt;
  bool final;
  int64_t retry_ns; /* TASK_FAIL: no further attempt before so long from now; at most FSM_RETRY_AFTER_MAX_NS
                       counts */
  bool claim; /* TASK_STARTED: only if the attempt is to be had; the answer's `task` is null when it is not:
                 it has begun, is over, waits, or its instance does, or task_ready was told of it and nothing
                 came back yet */
  bool later; /* TASK_HEARTBEAT: the answer will come from outside of this program, also after a restart */
  bool dry_run; /* DEPLOY, START, SEND, admin commands, TASK_COMPLETE, TASK_FAIL: decided as ever, and nothing
                   of it is done: no record, no row, no key is kept, nothing is counted. The answer has
                   `records`. Read-only data takes it too, from fsm_call, one thread at a time */
  fsm_code code; /* FSM_CMD_REFUSED */
} fsm_command;

FSM_API fsm_command fsm_command_new(fsm_command_kind kind);

typedef struct fsm_answer {
  fsm_error error; /* code FSM_OK: taken */
  bool replayed;   /* the first answer of this idempotency key, again */
  bool created;    /* DEPLOY: a new version; START, SEND: a new instance */
  uint64_t seq;    /* of the command's first record; 0 when none was written */
  uint64_t rev;
  const char *instance, *machine, *status; /* NULL when they do not apply */
  uint32_t version;
  const char *hash;        /* DEPLOY: content hash, hex */
  fsm_value from, to;      /* leaf paths before and after the whole command */
  const char *correlation; /* the one in the record */
  fsm_value task;          /* of a claim that was taken: the task as it runs, whole (runtime/task_view.h) */
  fsm_value detail;        /* of a refusal: guard, seen, candidates…; null when none */
  fsm_value records;       /* of a dry run: a list of the records that would be written, as a history shows
                              them, with the seq that they would have now; else null */
} fsm_answer;

typedef void (*fsm_answer_fn)(void *arg, const fsm_answer *answer);

/* Queues a copy. FSM_EBUSY, FSM_ECLOSED, FSM_EARGUMENT, FSM_ETOOLARGE: not queued, answer_fn is not called.
 * answer_fn NULL: not wanted. */
FSM_API FSM_MUST_USE fsm_code fsm_submit(fsm_runtime *runtime, const fsm_command *command,
                                         fsm_answer_fn answer_fn, void *arg, fsm_error *err);
/* Queues copies of all or of none, in order; every command gets its own answer, args[i] (or arg when args is
 * NULL) with it. One that is not admitted refuses all: err->where is "commands[i].FIELD". More than
 * FSM_BATCH_MAX or options.queue_max: FSM_ETOOLARGE, "commands"; no room for all of them now: FSM_EBUSY. None
 * at all is fine. The commands of a batch are single commands: one that is refused takes nothing from the
 * others. */
FSM_API FSM_MUST_USE fsm_code fsm_submit_batch(fsm_runtime *runtime, const fsm_command *commands,
                                               size_t count, fsm_answer_fn answer_fn, void *const *args,
                                               void *arg, fsm_error *err);
/* Submits a batch and waits for all of it: answers[i] of commands[i]. FSM_OK when it was queued; each answer
 * has its own code. Else answers is untouched. Never from a callback. */
FSM_API FSM_MUST_USE fsm_code fsm_call_batch(fsm_runtime *runtime, const fsm_command *commands, size_t count,
                                             fsm_arena *arena, fsm_answer *answers, fsm_error *err);
/* Submits and waits; what the answer points to lives in arena. The return is answer->error.code. */
FSM_API fsm_code fsm_call(fsm_runtime *runtime, const fsm_command *command, fsm_arena *arena,
                          fsm_answer *answer);
/* One wake-up for many: what this thread submits and reads from here on is queued at once, but nobody is
 * woken for it until it says go. One thread at a time holds; it waits for nothing meanwhile. */
FSM_API void fsm_runtime_hold(fsm_runtime *runtime);
FSM_API void fsm_runtime_go(fsm_runtime *runtime);
/* The answer as a document: seq, rev, instance, machine, version, status, from, to, correlation, replayed,
 * created; of a dry run no seq, but dry_run and records. */
FSM_API FSM_MUST_USE fsm_code fsm_answer_view(fsm_arena *arena, const fsm_answer *answer, fsm_value *out);

/* ---- reads -------------------------------------------------------------------------------------- */

/* Every answer is a document (a map), the same for HTTP and the command line; runtime/README.md shows
 * each. Exact at the `seq` it names: nothing newer, nothing older. */
typedef enum fsm_query_kind {
  FSM_QUERY_INSTANCE, /* ref, as_of → the instance */
  FSM_QUERY_EVENTS,   /* ref → what may be sent now, with which fields, and why not */
  FSM_QUERY_WHY,      /* ref → why it does not move, and what would move it (runtime/why.h) */
  FSM_QUERY_HISTORY,  /* ref, after or before, limit → {items: records, next} oldest first, refusals included */
  FSM_QUERY_RECORDS,  /* correlation, user, ref, records, after (a seq, or "now") or before, limit → {items:
                         records, next, seq}; a page may end early: next says where to go on */
  FSM_QUERY_SEARCH,   /* text, machine, since (3d), until, after, limit → {items: [instances with their
                         newest record that has the text: {…, seq, time, matches: [{field, before, match,
                         after}]}], next, seq, since, reached, looked_bytes, now} (runtime/search.h). A page
                         may be short or empty and have a next: enough was looked at */
  FSM_QUERY_LIST,     /* filter → {items, next, seq, faults?, fault?, now}. A page may be short or empty and
                         have a next: enough was looked at */
  FSM_QUERY_STUCK,    /* the same: open instances by time in state, longest first, ended states left out */
  FSM_QUERY_GROUPS,   /* filter, by, sum?, after → {items: [{by: {field: value}, count, oldest, sum?}], next, seq,
                         faults?, fault?, now}: of as many rows as a page looks at. While next is not null it is a
                         part: groups of the same values are added up (runtime/query_groups.c) */
  FSM_QUERY_ACTORS,   /* after, limit → {items: [{type?, sub, iss?, roles?, configured?, last?, seq?}], next,
                         cut?, seq, now}: who acts, as their last records and fsm_runtime_set_people say
                         (runtime/people.h); seen last in front, those whom no record names behind them */
  FSM_QUERY_COUNTS,   /* machine? → {items: [{machine, state, count}]} */
  FSM_QUERY_MACHINES, /* after, limit → {items: [{id, version, hash, seq, deployed, description, states,
                         live?, retired?}], next}: newest versions; live: the version of which a start makes
                         one; retired: {time, by, reason, seq} */
  FSM_QUERY_MACHINE,  /* machine, version → the same and {source} */
  FSM_QUERY_VERSIONS, /* machine, after, limit → {items: [{version, hash, seq, deployed, by?, retired?}],
                         next}, newest first; by: as long as the journal has its record */
  FSM_QUERY_ROUTES,   /* → {items: [{name, version, seq, set, by?, reason?, route | removed, error?}], next,
                         seq}: those in force; ref = name, after, limit → all versions of it, the newest first
                       */
  FSM_QUERY_TASKS, /* service, machine, ref = an instance, state = open | running | waiting, after, limit →
                      {items, next, seq, now}: open tasks (runtime/task_view.h), those that may begin first
                      and have waited longest in front */
  FSM_QUERY_TASK,  /* ref = token, 32 hex digits → the task */
  FSM_QUERY_TIMERS, /* machine, ref = an instance, late, after, limit → {items: [{id, event, instance, key?,
                       machine, version, status, forced?, due, left_ns | overdue_ns, late, set}], next, seq, now}: timers
                       by when they are due; late: only those that are due already */
  FSM_QUERY_HEALTH, /* → {status, store, seq, applied, lag, pending_bytes, map_bytes, refusing?: the code with
                      which commands are refused now, turn_ns: since the writer's last turn began, free_bytes:
                      on the disk, views, oldest_view_ns, refused, late_answers, duplicates, now} */
  FSM_QUERY_GAUGES, /* → {states: [{machine, state, final, count, ages, age_s, left, left_s}], states_cut,
                       timers, timers_late, tasks_waiting, tasks_running, tasks_late, messages, messages_late,
                       incidents}: a walk over all; ages and left are counts by the buckets of
                       runtime/meters.h: of those that stand there now, of stays ended since the start */
  FSM_QUERY_STATS,  /* machine, since, until, every_ns, after → {machines, states, events, refusals, intervals?,
                       next, looked, of, seq, …}: what happened, from a walk of the journal. A walk takes many
                       calls: each answers {next, looked, of} within about 100 ms, and the last one, whose next
                       is null, has the figures. No more than a few walks at once: FSM_EBUSY */
  FSM_QUERY_FUNNEL, /* machine, since, until, after → the same, {created, states: [{state, reached, …}]}: of
                       the instances created then, what became of them */
  FSM_QUERY_CAUSE, /* ref = a seq or the id of a record, down → what led to it, or what it led to
                      (runtime/query_cause.c) */
  FSM_QUERY_ROUTE_TEST /* route, after, limit → {items: [{seq, kind, machine?, instance?, event?, matches,
                          part?, fault?}], looked, matched, next, seq}: what a route that need not be set
                          would give of the records behind `after`, or of the last `limit`; part: the first
                          that does not match */
} fsm_query_kind;

typedef struct fsm_filter fsm_filter; /* runtime/filter.h */

typedef struct fsm_query {
  fsm_query_kind kind;
  const char *ref; /* instance id, unique prefix of one, or MACHINE/key:KEY */
  const char *machine;
  uint32_t version;
  const char *state;              /* path or path prefix at a dot; NULL = any */
  const char *status;             /* running … cancelled; "open"; NULL = any */
  const char *key;                /* exact business key */
  const char *service;            /* TASKS */
  bool late;                      /* TIMERS: only those that are due already */
  const char *correlation, *user; /* RECORDS: exact; user = the actor's sub */
  const char *text;               /* SEARCH: what is looked for */
  const char *since, *until;      /* STATS, FUNNEL, SEARCH: times as of a filter; NULL = no bound (SEARCH: since 3d) */
  int64_t every_ns;               /* STATS: intervals so long; 0 = none */
  int64_t for_ns;                 /* at least this long in the state */
  const char *with;               /* LIST, STUCK: kind,sla,waits,who,last: members of rows besides */
  const char *by, *sum;           /* GROUPS: fields with commas: state, machine, version, status, label:NAME,
                                     field:PATH (of the context); a PATH of numbers */
  const fsm_filter *filter;       /* LIST, STUCK, GROUPS: instead of machine … key and for_ns. NULL = those.
                                     STATS, FUNNEL: of the instances that pass (runtime/survey_selection.h) */
  unsigned look;     /* LIST, STUCK: a page looks at so many rows; 0 or more than it may: as many as it may;
                        STATS, FUNNEL: a call at so many records */
  fsm_value route;   /* ROUTE_TEST: its document */
  bool whole;        /* ROUTE_TEST: its `where` sees what machines mark (x-pii), as that of a route in force;
                        only for who may read the journal itself. Else it sees what is shown: masked */
  fsm_value records; /* RECORDS: which, a map (runtime/record_filter.h); null = all */
  fsm_value actor;   /* EVENTS, WHY: who asks, a map; null = it is not known whether they may */
  const char *after; /* `next` of the page before; NULL = from the start */
  unsigned limit;    /* 0 = FSM_PAGE_DEFAULT */
  const char *before; /* HISTORY, RECORDS: a seq, or "now": the last `limit` ones before it, oldest first, and
                         `next` is the `before` of the page that comes before this one */
  bool brief;        /* HISTORY, RECORDS: of each record what a line shows (fsm_record_view_brief) */
  bool down;         /* CAUSE: what it led to */
  const char *as_of; /* INSTANCE: "@SEQ", a time (RFC 3339), or how long ago; NULL = now (runtime/past.h) */
  /* Does nobody wait for the answer any more? Asked on the reader's thread, before a walk begins and now and
   * then while it goes on: true ends it (FSM_ECLOSED). NULL: somebody always does. */
  bool (*gone)(void *arg);
  void *gone_arg; /* until the answer */
} fsm_query;

typedef void (*fsm_document_fn)(void *arg, const fsm_value *document,
                                const fsm_error *err); /* err NULL = ok */

FSM_API FSM_MUST_USE fsm_code fsm_read(fsm_runtime *runtime, const fsm_query *query, fsm_document_fn fn,
                                       void *arg, fsm_error *err);
FSM_API FSM_MUST_USE fsm_code fsm_query_wait(fsm_runtime *runtime, const fsm_query *query, fsm_arena *arena,
                                             fsm_value *out, fsm_error *err);

/* ---- proof -------------------------------------------------------------------------------------- */

typedef struct fsm_verified {
  uint64_t records, segments, rows; /* checked */
  uint64_t seq;                     /* at which the store was compared */
  uint8_t head[32];                 /* leaf of the last record */
} fsm_verified;

/* The hash chain from the first byte on, then the store against a replay of the journal, row for row.
 * Any thread but the writer's, also while commands run. FSM_EVERIFY and FSM_ECORRUPT name the place. */
FSM_API FSM_MUST_USE fsm_code fsm_runtime_verify(fsm_runtime *runtime, fsm_verified *out, fsm_error *err);

#ifdef __cplusplus
}
#endif
#endif
