/* body.h: the members of a JSON request body, by a table. */
#ifndef FSM_DAEMON_BODY_H
#define FSM_DAEMON_BODY_H

#include "runtime/daemon/request.h"

typedef enum fsm__body_kind {
  FSM__BODY_TEXT,     /* const char *: a string that is not empty and holds no NUL */
  FSM__BODY_VERSION,  /* uint32_t from 1 */
  FSM__BODY_REVISION, /* int64_t from 0 */
  FSM__BODY_BOOL,     /* bool */
  FSM__BODY_LIST,     /* fsm_value */
  FSM__BODY_MAP,      /* fsm_value */
  FSM__BODY_ANY       /* fsm_value */
} fsm__body_kind;

typedef struct fsm__body_member {
  const char *name;
  fsm__body_kind kind;
  bool needed;
  void *out; /* untouched when the member is absent or null */
} fsm__body_member;

/* The body as one JSON object with no other members. FSM_EMALFORMED: where is line:column or a JSON pointer.
 */
FSM_MUST_USE fsm_code fsm__body_read(fsm__request *request, const fsm__body_member *members, size_t count,
                                     fsm_error *err);
/* Its two steps: the JSON, and the members of an object that stands at `place` (a JSON pointer) in it. */
FSM_MUST_USE fsm_code fsm__body_parse(fsm__request *request, fsm_value *out, fsm_error *err);
/* JSON of more bytes takes so long to read that it is read elsewhere, by fsm__body_read_ahead: a megabyte of
 * noughts is half a million values. Any thread that holds the request; fsm__body_parse then has it at once.
 */
enum { FSM__BODY_QUICK = 32 * 1024 };
void fsm__body_read_ahead(fsm__request *request);
/* Bytes of memory that the body may become as values, twice: as it is read, and in the queue of commands. */
size_t fsm__body_weight(const fsm_buf *body);
FSM_MUST_USE fsm_code fsm__body_members(fsm_arena *arena, const fsm_value *value, const char *place,
                                        const fsm__body_member *members, size_t count, fsm_error *err);
/* What a record may say of a body: why it was refused, its SHA-256, the first bytes escaped. */
void fsm__body_excerpt(const fsm_buf *body, const fsm_error *why, fsm_buf *out);

#endif
