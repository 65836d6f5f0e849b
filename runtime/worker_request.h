/* worker_request.h: what a worker asks, read into a command; what it is told, as JSON. */
#ifndef FSM_RUNTIME_WORKER_REQUEST_H
#define FSM_RUNTIME_WORKER_REQUEST_H

#include "runtime/fsm_runtime.h"

/* {token, attempt?, output} | {token, attempt?, error?, final?, retry_after?} | {token, attempt?}. With the
 * attempt that the task came with, a failure that is said twice counts once. kind: FSM_CMD_TASK_COMPLETE,
 * _FAIL or _HEARTBEAT. FSM_EMALFORMED and FSM_ETOOLARGE name the place. */
FSM_MUST_USE fsm_code fsm__worker_request_read(fsm_arena *arena, fsm_command_kind kind, const char *data,
                                               size_t len, fsm_command *out, fsm_error *err);
/* The same from a document, into a new command of one of these kinds. token: it is a member; else it comes
 * with something else (HTTP: the path). */
FSM_MUST_USE fsm_code fsm__worker_request_members(fsm_arena *arena, const fsm_value *doc, bool token,
                                                  fsm_command *out, fsm_error *err);
/* 32 hex digits. */
bool fsm__worker_token_read(const char *text, uint8_t out[16]);
/* The command that records a request that was none: its code and the start of its bytes, escaped. */
fsm_command fsm__worker_request_refused(fsm_arena *arena, fsm_code code, const char *data, size_t len);
/* Appends the answer's document, or {"error": …}. */
void fsm__worker_reply_write(fsm_buf *out, fsm_arena *arena, const fsm_answer *answer);
void fsm__worker_error_write(fsm_buf *out, const fsm_error *error);

#endif
