/* deed_http.c: a deed as a request of the HTTP interface. */
#include "schema/json.h"
#include "tools/cli/act/deed.h"
#include "tools/cli/route.h"

#include <string.h>

fsm_code cli_deed_path(const cli_deed *deed, const char *who, fsm_buf *path) {
  if (cli_deed_of_task(deed)) {
    fsm_buf_str(path, "/v1/tasks/");
    fsm_web_escape(path, who, strlen(who));
  } else {
    cli_route_instance(path, who, "");
  }
  fsm_buf_printf(path, "/%s%s", deed->kind == FSM_CMD_SEND ? "events" : deed->verb,
                 deed->dry_run ? "?dry_run=true" : "");
  return fsm_buf_ok(path) ? FSM_OK : FSM_ENOMEM;
}

fsm_code cli_deed_body(const cli_deed *deed, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  enum { MEMBERS = 7 };
  fsm_pair *pairs = fsm_arena_alloc(arena, MEMBERS * sizeof *pairs);
  size_t n = 0;
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the command");
  const char *data = deed->kind == FSM_CMD_TASK_COMPLETE ? "output"
                     : deed->kind == FSM_CMD_TASK_FAIL   ? "error"
                                                         : "data";
  if (deed->event != NULL) pairs[n++] = (fsm_pair){fsm_string("event"), fsm_string(deed->event)};
  if (deed->name != NULL) pairs[n++] = (fsm_pair){fsm_string("name"), fsm_string(deed->name)};
  if (deed->reason != NULL) pairs[n++] = (fsm_pair){fsm_string("reason"), fsm_string(deed->reason)};
  if (!fsm_is(&deed->data, FSM_NULL)) pairs[n++] = (fsm_pair){fsm_string(data), deed->data};
  if (!fsm_is(&deed->states, FSM_NULL)) pairs[n++] = (fsm_pair){fsm_string("states"), deed->states};
  if (deed->final) pairs[n++] = (fsm_pair){fsm_string("final"), fsm_bool(true)};
  if (deed->attempt > 0) pairs[n++] = (fsm_pair){fsm_string("attempt"), fsm_int(deed->attempt)};
  return fsm_map(pairs, n, out, err);
}

static fsm_code post(cli_source *source, const cli_deed *deed, fsm_buf *path, fsm_buf *json, fsm_arena *arena,
                     fsm_value *answer, fsm_error *err) {
  const char *match = NULL;
  if (deed->expect_rev >= 0) {
    match = fsm_arena_printf(arena, "\"%lld\"", (long long)deed->expect_rev);
    if (match == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the command");
  }
  const fsm_web_header headers[] = {
      {"Idempotency-Key", deed->idem}, {"X-Correlation-ID", deed->corr}, {"If-Match", match}};
  const cli_post request = {.path = fsm_buf_text(path),
                            .headers = headers,
                            .header_count = sizeof headers / sizeof headers[0],
                            .body = fsm_buf_text(json),
                            .body_len = json->len};
  return cli_source_post(source, &request, arena, answer, err);
}

fsm_code cli_deed_post(cli_source *source, const cli_deed *deed, const char *who, fsm_arena *arena,
                       fsm_value *answer, fsm_error *err) {
  fsm_buf path = {0}, json = {0};
  fsm_value body;
  fsm_code code = cli_deed_body(deed, arena, &body, err);
  if (code == FSM_OK) fsm_json_write(&json, &body);
  if (code == FSM_OK && (cli_deed_path(deed, who, &path) != FSM_OK || !fsm_buf_ok(&json)))
    code = fsm_fail(err, FSM_ENOMEM, "", "no memory for the command");
  if (code == FSM_OK) code = post(source, deed, &path, &json, arena, answer, err);
  fsm_buf_free(&path);
  fsm_buf_free(&json);
  return code;
}
