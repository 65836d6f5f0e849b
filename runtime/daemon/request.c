/* request.c: names of the headers that are looked at, and answers as documents. */
#include "runtime/daemon/request.h"

#include <stdio.h>

#include "runtime/daemon/problem.h"
#include "schema/json.h"

const char *fsm__header_name(fsm__header header) {
  static const char *const names[] = {
#define X(symbol, name) name,
      FSM__HEADERS(X)
#undef X
  };
  FSM_ASSERT((unsigned)header < FSM__HEADER_COUNT);
  return names[header];
}

bool fsm__request_gone(void *request) { return atomic_load(&((fsm__request *)request)->gone); }

void fsm__request_finish(fsm__request *request) { request->finish(request); }

void fsm__answer_document(fsm__request *request, int status, const fsm_value *document) {
  request->status = status;
  request->code = FSM_OK;
  fsm_buf_reset(&request->out);
  fsm_json_write(&request->out, document);
  if (!fsm_buf_ok(&request->out)) fsm__problem_make(request, FSM_ENOMEM, 0, NULL, "no memory for the answer");
}

void fsm__answer_etag(fsm__request *request, uint64_t rev) {
  snprintf(request->etag, sizeof request->etag, "\"%llu\"", (unsigned long long)rev);
}
