/* problem.c: faults as application/problem+json. */
#include "runtime/daemon/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "schema/json.h"

static void put(fsm_buf *out, const char *name, const char *text) {
  fsm_buf_printf(out, ",\"%s\":", name);
  fsm_json_quote(out, text, strlen(text));
}

void fsm__problem_text(fsm_buf *out, const fsm_error *err, int status, const fsm_value *refusal,
                       const fsm_value *records, const char *correlation) {
  const char *name = fsm_code_name(err->code);
  fsm_buf_printf(out, "{\"type\":\"urn:fsmd:error:%s\"", name);
  put(out, "title", fsm_code_text(err->code));
  fsm_buf_printf(out, ",\"status\":%d", status);
  put(out, "detail", err->text);
  put(out, "code", name);
  if (*err->where) put(out, "where", err->where);
  if (refusal && !fsm_is(refusal, FSM_NULL)) {
    fsm_buf_str(out, ",\"refusal\":");
    fsm_json_write(out, refusal);
  }
  if (records && fsm_is(records, FSM_LIST)) {
    fsm_buf_str(out, ",\"dry_run\":true,\"records\":");
    fsm_json_write(out, records);
  }
  put(out, "correlation", correlation);
  fsm_buf_char(out, '}');
}

static void make(fsm__request *request, const fsm_error *err, int status, const fsm_value *refusal,
                 const fsm_value *records) {
  FSM_ASSERT(request && err && err->code != FSM_OK);
  request->status = status ? status : fsm_code_http(err->code);
  request->code = err->code;
  request->fault = *err;
  request->location[0] = request->etag[0] = 0;
  fsm_buf_reset(&request->out);
  fsm__problem_text(&request->out, err, request->status, refusal, records, request->correlation);
}

void fsm__problem(fsm__request *request, const fsm_error *err, int status, const fsm_value *refusal) {
  make(request, err, status, refusal, NULL);
}

void fsm__problem_dry(fsm__request *request, const fsm_error *err, const fsm_value *refusal,
                      const fsm_value *records) {
  make(request, err, 0, refusal, records);
}

void fsm__problem_make(fsm__request *request, fsm_code code, int status, const char *where,
                       const char *format, ...) {
  char text[FSM_TEXT_MAX];
  va_list args;
  va_start(args, format);
  int len = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  fsm_error err;
  fsm_fail(&err, code, where, "%s", len < 0 ? "" : text);
  fsm__problem(request, &err, status, NULL);
}
