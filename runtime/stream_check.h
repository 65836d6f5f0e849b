/* stream_check.h: did a consumer see everything, once, in order and unaltered? Reads what a sink wrote (files
 * of NDJSON in the format json, frames of stored bytes) and tells loss, two records under one id, order,
 * alteration, breaks of the chain, and what of an older epoch lies behind a fork (told, no fault).
 *
 * A record is proved by its leaf: from stored bytes always, from JSON when it says it all
 * (schema/record_parse.h); else it counts as not proved by itself, and its told leaf is held against the next
 * record's `prev`.
 *
 * Memory is fixed, however long the stream: a record that comes again, or late, is compared with the one
 * before when it is among the last FSM_CHECK_WINDOW seqs (else it counts as `uncompared`), and FSM_CHECK_GAPS
 * gaps at once may wait to be filled by repairs; more are lost at once.
 */
#ifndef FSM_RUNTIME_STREAM_CHECK_H
#define FSM_RUNTIME_STREAM_CHECK_H

#include "runtime/fsm_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_CHECK_WINDOW = 65536, /* seqs whose leaves are remembered */
  FSM_CHECK_GAPS = 4096,    /* gaps that wait for repairs */
  FSM_CHECK_FINDINGS = 32,  /* told one by one; the rest is counted */
  FSM_CHECK_LINE_MAX = 4 * 1024 * 1024
};

typedef struct fsm_stream_check fsm_stream_check;

FSM_API FSM_MUST_USE fsm_code fsm_stream_check_new(fsm_stream_check **out, fsm_error *err);
FSM_API void fsm_stream_check_free(fsm_stream_check *check); /* NULL is fine */
/* Every record is held against the journal of this runtime too, which outlives the check. */
FSM_API void fsm_stream_check_against(fsm_stream_check *check, fsm_runtime *runtime);
/* A file, a directory of a file sink (its files in the order of their names, the open one last), or "-". A
 * fault is one of reading; what is wrong with the stream is a finding. */
FSM_API FSM_MUST_USE fsm_code fsm_stream_check_path(fsm_stream_check *check, const char *path,
                                                    fsm_error *err);
/* How to get in, as a sink is told (sink_config.h); NULL = without. */
typedef struct fsm_stream_access {
  const char *url, *ca_file, *cert_file, *key_file, *user, *password_file, *token_file, *creds_file,
      *nkey_file;
} fsm_stream_access;
/* All of a JetStream stream. FSM_EUNREACHABLE: not connected within 10 s; FSM_EVERIFY, FSM_EPERMISSION: TLS
 * does not verify, the server does not let us in; FSM_ENOTFOUND: no such stream or file; FSM_EARGUMENT. */
FSM_API FSM_MUST_USE fsm_code fsm_stream_check_stream(fsm_stream_check *check,
                                                      const fsm_stream_access *access, const char *stream,
                                                      fsm_error *err);
/* {ok, records, first, last, repeats, repaired, left_out, dead, unproved, uncompared, behind?, findings:
 * [{what, seq?, to?, where, text}], counts: {loss, …}}. FSM_EVERIFY when there are findings: err names the
 * first. */
FSM_API FSM_MUST_USE fsm_code fsm_stream_check_end(fsm_stream_check *check, fsm_arena *arena,
                                                   fsm_value *report, fsm_error *err);

#ifdef __cplusplus
}
#endif
#endif
