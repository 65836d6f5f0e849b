/* bus.h: a connection to NATS that is made in the background, kept for ever, and never waited for.
 * bus*.c are the one wrapper of nats.c.
 *
 * Subscriptions, inboxes and observers are declared before start; from then on they hold for every
 * connection. A request is a message with a reply subject of ours: sending never waits for the
 * answer, which comes to the inbox's function with the request's id, or never. So JetStream's
 * acknowledgements and the answers of workers are one mechanism, and its only window is the caller's
 * (js_PublishMsgAsync of the library blocks at its own limit and cannot expect an empty stream).
 *
 * Threads. Functions given to a bus run on threads of the library: they take what they need and
 * return. Everything else may be called from any thread but those. After fsm__bus_stop no function runs.
 */
#ifndef FSM_RUNTIME_BUS_H
#define FSM_RUNTIME_BUS_H

#include "fsm/fsm.h"

enum {
  FSM_BUS_SUBSCRIPTIONS_MAX = 8, /* inboxes included */
  FSM_BUS_OBSERVERS_MAX = 4,
  FSM_BUS_SERVERS_MAX = 16,   /* those that servers tell of included */
  FSM_BUS_SUBJECT_MAX = 3072, /* the server's own limit for a protocol line is 4096 */
  FSM_BUS_HEADER_MAX = 4096,  /* of a header's value; the rest is cut */
  FSM_BUS_CONNECT_MS = 2000,  /* of one attempt to connect, and at most between two attempts … */
  FSM_BUS_REFUSED_MS = 10000, /* … and when it was not let in, at most this */
  FSM_BUS_PING_MS = 3000,     /* two pings that nobody answers: the connection is given up */
  FSM_BUS_STREAM_MS = 2000    /* of a question about a stream */
};

typedef struct fsm__bus fsm__bus;

typedef struct fsm__bus_header {
  const char *name, *value; /* a NULL value leaves the header out; control characters become blanks */
} fsm__bus_header;

typedef struct fsm__bus_message {
  const char *subject, *reply; /* reply NULL = no answer is wanted */
  const char *data;
  size_t len;
  bool no_responders; /* as an answer: nobody listens there */
  void *native;       /* the library's */
} fsm__bus_message;

/* NULL when the message has no such header. */
const char *fsm__bus_message_header(const fsm__bus_message *message, const char *name);
typedef void (*fsm__bus_header_fn)(void *arg, const char *name, const char *value);
/* Each value of each header, those of one name in their order; false = they cannot be read. */
bool fsm__bus_message_headers(const fsm__bus_message *message, fsm__bus_header_fn fn, void *arg);

typedef void (*fsm__bus_message_fn)(void *arg, const fsm__bus_message *message);
typedef void (*fsm__bus_reply_fn)(void *arg, uint64_t id, const fsm__bus_message *message);
typedef void (*fsm__bus_changed_fn)(void *arg);

/* How to get in; NULL = without. Files are read at each connection, so that what is in them may change. */
typedef struct fsm__bus_options {
  const char *url;       /* one or more, parted by commas: nats:// or tls://, host, port */
  const char *name;      /* as the server shows it */
  const char *ca_file;   /* who signs servers; NULL = whom the system trusts */
  const char *cert_file; /* ours, with key_file */
  const char *key_file;
  const char *user, *password_file;
  const char *token_file, *creds_file, *nkey_file; /* a token; what nsc writes; a seed */
} fsm__bus_options;

/* FSM_EARGUMENT, FSM_ENOTFOUND, FSM_EPERMISSION name the option in err->where: what cannot be a url, a file
 * that is not there, a secret that others may read, two ways in at once. With tls:// anywhere, or a ca_file
 * or cert_file, every connection is TLS, and always verified: chain, time and name. */
FSM_MUST_USE fsm_code fsm__bus_open(const fsm__bus_options *options, fsm__bus **out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__bus_new(const char *url, const char *name, fsm__bus **out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__bus_subscribe(fsm__bus *bus, const char *subject, const char *queue,
                                         fsm__bus_message_fn fn, void *arg, fsm_error *err);
/* *inbox is for fsm__bus_request. */
FSM_MUST_USE fsm_code fsm__bus_inbox(fsm__bus *bus, fsm__bus_reply_fn fn, void *arg, unsigned *inbox,
                                     fsm_error *err);
/* The same for answers that have a subject of their own, as deliveries of JetStream do: fn has them whole,
 * and all others whose subject ends with the request's id. */
FSM_MUST_USE fsm_code fsm__bus_box(fsm__bus *bus, fsm__bus_message_fn fn, void *arg, unsigned *inbox,
                                   fsm_error *err);
/* fn is called when the connection is made, lost or made again. */
FSM_MUST_USE fsm_code fsm__bus_observe(fsm__bus *bus, fsm__bus_changed_fn fn, void *arg, fsm_error *err);
/* Returns at once; the server may be absent. */
FSM_MUST_USE fsm_code fsm__bus_start(fsm__bus *bus, fsm_error *err);
/* Closes the connection; what is buffered is sent first when that takes no more than a second. */
void fsm__bus_stop(fsm__bus *bus);
void fsm__bus_free(fsm__bus *bus); /* stops first; NULL is fine */

bool fsm__bus_connected(fsm__bus *bus);
/* Grows with each connection made or lost: an answer to a request of an earlier life may never come. */
uint64_t fsm__bus_life(fsm__bus *bus);
void fsm__bus_last_error(fsm__bus *bus, char *out, size_t size); /* "" = none */
/* Why there is no connection: FSM_EUNREACHABLE with the server that was tried last and what it said,
 * FSM_EVERIFY when TLS does not verify, FSM_EPERMISSION when it does not let us in. FSM_OK: there is one. */
FSM_MUST_USE fsm_code fsm__bus_state(fsm__bus *bus, fsm_error *err);
/* How often the server forbade a subject (a new life each), and what it said last. */
uint64_t fsm__bus_denials(fsm__bus *bus, char *out, size_t size);
/* The largest message that the server takes, headers included; 0 = not known. */
size_t fsm__bus_payload_max(fsm__bus *bus);

/* FSM_EUNREACHABLE: not connected, nothing was sent. FSM_ETOOLARGE: the server would refuse the size. */
FSM_MUST_USE fsm_code fsm__bus_publish(fsm__bus *bus, const char *subject, const fsm__bus_header *headers,
                                       size_t count, const void *data, size_t len, fsm_error *err);
FSM_MUST_USE fsm_code fsm__bus_request(fsm__bus *bus, unsigned inbox, uint64_t id, const char *subject,
                                       const fsm__bus_header *headers, size_t count, const void *data,
                                       size_t len, fsm_error *err);

/* ---- streams (bus_stream.c): these wait for the server's answer, FSM_BUS_STREAM_MS at most ---- */

/* What the server says of a stream, as far as anybody here asks. */
typedef struct fsm__bus_stream {
  int64_t created_ns;
  uint64_t first_seq, last_seq, messages, deleted; /* deleted: between first and last */
  bool made;                                       /* by this call */
  /* its configuration */
  bool file, limits_retention, discard_new, no_ack, sealed, mirror, sources, republish, template_owned;
  int64_t max_age_ns, max_messages, max_bytes, max_per_subject, max_message_size; /* ≤ 0 = no limit */
  int64_t duplicates_ns, replicas;
  char subjects[512]; /* parted by blanks; cut */
  size_t subject_count;
} fsm__bus_stream;

typedef struct fsm__bus_stream_config { /* of one that is made */
  const char *name, *subject; /* subject NULL: it is only looked at; FSM_ENOTFOUND when there is none */
  unsigned replicas;          /* 0 = 1 */
  int64_t duplicates_ns;
} fsm__bus_stream_config;

/* The stream's state; a missing stream is made: file storage, kept until its limits (of which it has none)
 * and then refusing new messages rather than dropping old ones. Faults say what the server says, and what to
 * do: FSM_EUNREACHABLE, FSM_ETIMEOUT: try again; FSM_EUNSUPPORTED: no JetStream; FSM_EQUOTA: no room for it;
 * FSM_EEXISTS: another stream has the subject; FSM_EPERMISSION. */
FSM_MUST_USE fsm_code fsm__bus_stream_open(fsm__bus *bus, const fsm__bus_stream_config *config,
                                           fsm__bus_stream *out, fsm_error *err);
/* Gives fn the stored message. FSM_ENOTFOUND: it is not (any more) there. */
FSM_MUST_USE fsm_code fsm__bus_stream_read(fsm__bus *bus, const char *stream, uint64_t seq,
                                           fsm__bus_message_fn fn, void *arg, fsm_error *err);
/* Gives fn the stored messages from *seq on, each with its sequence, until there are no more; *seq is then
 * behind the last one, and on a fault behind the last one that was given: to be called again from there. */
FSM_MUST_USE fsm_code fsm__bus_stream_each(fsm__bus *bus, const char *stream, uint64_t *seq,
                                           fsm__bus_reply_fn fn, void *arg, fsm_error *err);
/* The sequences between first and last that hold nothing, ascending, malloced; at most max of them. */
FSM_MUST_USE fsm_code fsm__bus_stream_deleted(fsm__bus *bus, const char *stream, size_t max, uint64_t **out,
                                              size_t *count, fsm_error *err);
/* ---- work queues (bus_queue.c): what is taken out is gone; waits as those of streams do ---- */

typedef struct fsm__bus_queue {
  const char *stream,
      *subject;         /* made when missing: file storage, a message stays until it is acknowledged */
  const char *consumer; /* durable */
  unsigned window;      /* messages that may be out, not acknowledged */
  int64_t ack_wait_ns;  /* one that is not acknowledged by then comes again */
} fsm__bus_queue;

/* The stream, and its consumer made anew: it begins with the oldest message that is there, so that whatever
 * was out when the connection (or we) ended comes again, in its order. *made: the stream was, by this call.
 * FSM_EEXISTS: there is such a stream and it is no work queue of that subject; others as of
 * fsm__bus_stream_open. */
FSM_MUST_USE fsm_code fsm__bus_queue_open(fsm__bus *bus, const fsm__bus_queue *queue, bool *made,
                                          fsm_error *err);

/* Of JetStream's error code, as in an answer to a message: what kind of fault it is. FSM_ETOOLARGE: the
 * record; FSM_EQUOTA: the stream or the server is full; FSM_EBUSY: another sequence was expected;
 * FSM_EUNREACHABLE … */
fsm_code fsm__bus_stream_code(unsigned js_code);
const char *fsm__bus_stream_advice(unsigned js_code); /* what to do; "" = nothing of the kind */

/* One token of a subject: bytes outside [A-Za-z0-9_-] as %XX; "-" for NULL and "". */
void fsm__bus_token(fsm_buf *out, const char *text);

/* The version of nats.c, for --version. */
const char *fsm__bus_library(void);

#endif
