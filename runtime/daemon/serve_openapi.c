/* serve_openapi.c: GET /v1/openapi.json: what is served here, as schema/openapi.json has it: the file is part
 * of the program, byte by byte, and tests/test_openapi.py holds the two against each other. */
#include <stdio.h>

#include "runtime/daemon/problem.h"
#include "runtime/daemon/routes.h"
#include "runtime/hash.h"

/* FSM_OPENAPI_FILE is set by CMake, for this file alone. */
__asm__(
    ".pushsection .rodata\n"
    ".global fsm__openapi_begin, fsm__openapi_end\n"
    ".hidden fsm__openapi_begin, fsm__openapi_end\n"
    "fsm__openapi_begin:\n"
    ".incbin \"" FSM_OPENAPI_FILE
    "\"\n"
    "fsm__openapi_end:\n"
    ".popsection\n");
extern const char fsm__openapi_begin[], fsm__openapi_end[];

/* On a thread of the pool: to compress it takes milliseconds, and anyone may ask. */
static void put(void *arg) {
  fsm__request *request = arg;
  const size_t len = (size_t)(fsm__openapi_end - fsm__openapi_begin);
  const fsm__hash hash = fsm__sha256(fsm__openapi_begin, len);
  char hex[2 * FSM_HASH_BYTES + 1];
  fsm__hex(hash.bytes, sizeof hash.bytes, hex);
  snprintf(request->etag, sizeof request->etag, "\"%s\"", hex);
  fsm_buf_reset(&request->out);
  fsm_buf_add(&request->out, fsm__openapi_begin, len);
  request->status = 200;
  request->code = FSM_OK;
  if (!fsm_buf_ok(&request->out)) fsm__problem_make(request, FSM_ENOMEM, 0, NULL, "no memory for the answer");
  fsm__request_finish(request);
}

static void done(void *request) { (void)request; /* it is another's already */ }

bool fsm__serve_openapi(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  fsm_error err = {0};
  if (fsm__loop_work(server->loop, put, done, request, &err) == FSM_OK) return false;
  fsm__problem(request, &err, 0, NULL);
  return true;
}
