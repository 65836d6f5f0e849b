/* source.h: where answers come from: a running daemon (its socket or URL), or the files of a stopped
 * one, opened read-only in this process. Both give the same documents. */
#ifndef FSM_CLI_SOURCE_H
#define FSM_CLI_SOURCE_H

#include "runtime/fsm_runtime.h"
#include "runtime/web.h"

typedef struct cli_place {
  const char *data, *socket, *url; /* the first of url, socket, data that is set counts */
  const char *token;
  const char *ca_file; /* who signs an https:// url; NULL = whom the system trusts */
  const char *archive; /* directory of archived segments, for stopped files; NULL = none */
  int64_t timeout_ns;  /* of one request */
  bool timeout_said;   /* it is who asks that wants no longer to be waited */
  bool offline;        /* the files are opened for writing, under the daemon's lock */
  bool may_offline;    /* the command has --offline, for the sentence of what to do */
} cli_place;

/* So many pages of a daemon may bring nothing and say that there is more. Each real one has looked at 20,000
 * records, or at some thousand rows or more; whoever looks through more than that for nothing has to say
 * less. */
enum { CLI_EMPTY_PAGES_MAX = 50000 };

typedef struct cli_source {
  fsm_web *web;         /* a daemon, … */
  bool hurried;         /* timeout_said */
  fsm_runtime *runtime; /* … or the files */
  fsm_arena arena;      /* of problem */
  fsm_value problem;    /* the daemon's last problem document, null when there was none */
  unsigned empty_pages; /* one behind the other, each with more behind it */
} cli_source;

/* writes: only a daemon will do. The socket in a data directory is used only when the directory, the socket
 * and who listens on it are this user's or root's and nobody else may write there: FSM_EPERMISSION.
 * FSM_EARGUMENT no place given, or not a data directory · FSM_EUNREACHABLE · FSM_ELOCKED. */
FSM_MUST_USE fsm_code cli_source_open(const cli_place *place, bool writes, cli_source *out, fsm_error *err);
void cli_source_close(cli_source *source);

/* The document of a query. A fault of the daemon has its code, place and sentence in *err. */
FSM_MUST_USE fsm_code cli_source_query(cli_source *source, const fsm_query *query, fsm_arena *arena,
                                       fsm_value *out, fsm_error *err);

/* Who this user is, as a daemon of theirs would know them by its socket. */
FSM_MUST_USE fsm_code cli_source_actor(fsm_arena *arena, fsm_value *out, fsm_error *err);
/* A document through JSON and back, so that both ways give the same types. */
FSM_MUST_USE fsm_code cli_source_same(const fsm_value *document, fsm_arena *arena, fsm_value *out,
                                      fsm_error *err);

typedef struct cli_post {
  const char *path;   /* percent-encoded */
  const char *method; /* NULL = POST */
  const fsm_web_header *headers;
  size_t header_count;
  const char *body;
  size_t body_len;
} cli_post;

/* Daemon only. */
FSM_MUST_USE fsm_code cli_source_post(cli_source *source, const cli_post *post, fsm_arena *arena,
                                      fsm_value *out, fsm_error *err);

/* A problem document (RFC 9457) as a fault, never FSM_OK; otherwise: when its code is none of ours. */
fsm_code cli_problem_fault(const fsm_value *problem, fsm_code otherwise, fsm_error *err);

/* What is asked from here on may take as long as it takes, but where --timeout says how long. Daemon only. */
void cli_source_patient(cli_source *source);
/* A document of the daemon that is no query. Daemon only. */
FSM_MUST_USE fsm_code cli_source_get(cli_source *source, const char *path, fsm_arena *arena, fsm_value *out,
                                     fsm_error *err);

/* Server-sent events of a daemon: each member of `part` as it comes, until the daemon ends it or the listener
 * has enough. after: Last-Event-ID, NULL = the path says. FSM_OK: it was ended, and can be asked for again.
 */
FSM_MUST_USE fsm_code cli_source_listen(cli_source *source, const char *path, const char *after,
                                        const fsm_web_listener *listener, fsm_arena *arena, fsm_error *err);
/* An answer that is none as a fault, its problem document (RFC 9457) kept; never FSM_OK. */
fsm_code cli_source_fault(cli_source *source, int status, const char *body, size_t len, fsm_error *err);

/* {records, segments, rows, seq, head}. */
FSM_MUST_USE fsm_code cli_source_verify(cli_source *source, fsm_arena *arena, fsm_value *out, fsm_error *err);

/* What is no JSON, of a daemon: the body as it came, in arena. */
FSM_MUST_USE fsm_code cli_source_text(cli_source *source, const char *path, fsm_arena *arena,
                                      const char **out, fsm_error *err);

#endif
