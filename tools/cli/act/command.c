/* command.c: commands that change an instance. */
#include "tools/cli/act/command.h"

#include <string.h>

#include "tools/cli/act/do.h"

fsm_code cli_header_option(const cli_run *cli, const char *name, size_t max, const char **out,
                           fsm_error *err) {
  *out = cli_args_get(&cli->args, name);
  if (*out == NULL) return FSM_OK;
  size_t len = strlen(*out);
  bool legal = len > 0 && len <= max;
  for (size_t i = 0; legal && i < len; i++) legal = (*out)[i] >= 0x20 && (*out)[i] < 0x7f;
  /* a header loses spaces at its ends: it would be another key */
  if (legal) legal = (*out)[0] != ' ' && (*out)[len - 1] != ' ';
  if (legal) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, name,
                  "--%s takes 1 to %zu printable ASCII characters without a space at either end", name, max);
}

void cli_body_value(cli_body *body, const char *name, fsm_value value) {
  FSM_ASSERT(body->count < CLI_MEMBERS_MAX);
  body->pairs[body->count++] = (fsm_pair){fsm_string(name), value};
}

void cli_body_text(cli_body *body, const char *name, const char *text) {
  if (text != NULL) cli_body_value(body, name, fsm_string(text));
}

fsm_code cli_command_do(cli_run *cli, const char *path, cli_body *body, const char *if_match,
                        fsm_error *err) {
  fsm_value document, answer = fsm_null();
  const char *idem = NULL, *corr = NULL;
  fsm_code code = cli_header_option(cli, "idem", FSM_IDEM_MAX, &idem, err);
  if (code == FSM_OK) code = cli_header_option(cli, "corr", FSM_CORRELATION_MAX, &corr, err);
  if (code == FSM_OK) code = fsm_map(body->pairs, body->count, &document, err);
  if (code != FSM_OK) return code;
  const fsm_web_header headers[] = {
      {"Idempotency-Key", idem}, {"X-Correlation-ID", corr}, {"If-Match", if_match}};
  fsm_buf json = {0};
  fsm_json_write(&json, &document);
  cli_post post = {.path = path,
                   .headers = headers,
                   .header_count = sizeof headers / sizeof headers[0],
                   .body = fsm_buf_text(&json),
                   .body_len = json.len};
  code = fsm_buf_ok(&json) ? cli_source_post(&cli->source, &post, &cli->arena, &answer, err)
                           : fsm_fail(err, FSM_ENOMEM, "", "no memory for the command");
  fsm_buf_free(&json);
  if (code != FSM_OK) return code;
  return cli_show(cli, &answer, cli_answer_print, err);
}
