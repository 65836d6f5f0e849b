/* sink_config.h: the sinks of a runtime, as a file describes them, and the table of their kinds.
 *
 *   {"sinks": [{"name": "siem", "kind": "http", "url": "https://…", "format": "ecs", …}]}
 *
 * One table in sink_config.c says for each field its kinds, type, default and range; the same table prints
 * the reference (`fsmd --print-sinks`) and checks what comes in. Secrets are never in it: fields that end
 * with _file name a file that nobody else may read. A fault's err->where is a JSON pointer.
 */
#ifndef FSM_RUNTIME_SINK_CONFIG_H
#define FSM_RUNTIME_SINK_CONFIG_H

#include "runtime/bus.h"
#include "runtime/masks.h"
#include "runtime/sink.h"

enum {
  FSM_SINKS_MAX = 16,
  FSM_SINKS_BYTES_MAX = 256 * 1024, /* of the document */
  FSM_SINK_BATCH_MAX = 4096,        /* records */
  FSM_SINK_BATCH_BYTES_MAX = 8 * 1024 * 1024,
  FSM_SINK_WINDOW_MAX = 16384
};

typedef enum fsm__sink_policy { FSM__SPILL, FSM__HOLD } fsm__sink_policy;

typedef struct fsm__sink_config {
  const char *name, *kind;
  /* what it gets */
  bool routed;       /* "records": "routed"; else "all" */
  unsigned level;    /* records of a lower level are left out; 0 = none */
  const char *where; /* as in a route, over all that it would get; NULL = no more conditions */
  /* how */
  fsm__format_options format; /* default json; of otlp: otlp */
  unsigned batch;             /* records; 1 … FSM_SINK_BATCH_MAX */
  size_t batch_bytes;
  int64_t linger_ns;                  /* how long a batch that is not full waits for more */
  int64_t backoff_ns, backoff_max_ns; /* between tries: doubled, less up to a half of it, for ever */
  int64_t timeout_ns;                 /* of one request, or of silence while records are in flight */
  unsigned window;                    /* records in flight (nats) */
  /* what the journal keeps for it */
  uint64_t budget_bytes; /* 0 = no limit */
  int64_t budget_age_ns; /* 0 = no limit */
  fsm__sink_policy policy;
  /* of kinds */
  const char *url;                               /* nats, http, otlp */
  const char *ca_file, *cert_file, *key_file;    /* TLS: nats, http, otlp */
  const char *user, *password_file, *token_file; /* nats, http (basic, bearer), otlp */
  const char *creds_file, *nkey_file;            /* nats: what nsc writes; a seed */
  const char *stream, *prefix;                   /* nats */
  unsigned replicas;                             /* nats: of a stream that is made; 1, 3, 5 */
  int64_t sync_ns;                               /* nats: the server's sync_interval: settled is twice that */
  const char *path;                              /* file: a directory; "-" = stdout */
  uint64_t rotate_bytes;                         /* file */
  int64_t rotate_ns;                             /* file: on the clock's whole hours and the like */
  bool bulk;                                     /* http: "mode": "bulk" (Elasticsearch), else "webhook" */
  const char *index;                             /* http bulk: "fsm-%Y.%m.%d" of the record's time, UTC */
  const char *const *headers;                    /* http, otlp: "Name: value" */
  size_t header_count;
  const char *const *header_files; /* http, otlp: "Name: path", the value is the one line of that file */
  size_t header_file_count;
  bool spans, logs; /* otlp: "signals" */
} fsm__sink_config;

/* Reads the whole document; what it points to lives in arena. FSM_EARGUMENT, FSM_ETOOLARGE, FSM_EMALFORMED;
 * FSM_EPERMISSION: a secret that others could read. Files are looked at, not opened: one that is missing is
 * the sink's to tell, for as long as it is. */
FSM_MUST_USE fsm_code fsm__sinks_read(fsm_arena *arena, const char *json, size_t len,
                                      fsm__sink_config configs[FSM_SINKS_MAX], size_t *count, fsm_error *err);
/* Is it the same configuration? Another one needs the sink made anew. */
bool fsm__sink_config_equal(const fsm__sink_config *a, const fsm__sink_config *b);
/* The reference, a line and a half per field. */
void fsm__sinks_help(fsm_buf *out);

/* What a sink may use; lives as long as it. */
typedef struct fsm__sink_env {
  fsm_origin origin;
  const char *node;
  fsm__masks *masks;
  fsm__bus *bus; /* nats without a url of its own: the publisher's, not started yet; NULL = there is none */
  void (*wake)(void *wake_arg); /* the sink's life has changed */
  void *wake_arg;
} fsm__sink_env;

/* The kinds: one file each. config lives as long as the sink. */
#define FSM_SINK_KINDS(X)        \
  X("nats", fsm__sink_nats_make) \
  X("file", fsm__sink_file_make) \
  X("http", fsm__sink_http_make) \
  X("otlp", fsm__sink_otlp_make)

typedef fsm_code (*fsm__sink_make_fn)(const fsm__sink_config *config, const fsm__sink_env *env,
                                      fsm__sink **out, fsm_error *err);
#define X(name, make) \
  fsm_code make(const fsm__sink_config *config, const fsm__sink_env *env, fsm__sink **out, fsm_error *err);
FSM_SINK_KINDS(X)
#undef X

#endif
