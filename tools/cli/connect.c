/* connect.c: the place that was named becomes a source that answers. */
#include <stdlib.h>
#include <string.h>

#include "runtime/token.h"
#include "tools/cli/cli.h"
#include "tools/cli/input.h"

#define TIMEOUT_DEFAULT_NS (INT64_C(30) * 1000000000)

static const char *env(const char *name) {
  const char *value = getenv(name);
  return value != NULL && *value != 0 ? value : NULL;
}

static fsm_code read_token(cli_run *cli, const char **token, fsm_error *err) {
  const char *option = cli_args_from(&cli->args, cli_global_options, "token-file");
  const char *file = option != NULL ? option : cli_profile_get(&cli->profile, "token-file");
  *token = env("FSM_TOKEN");
  if (file == NULL || (*token != NULL && option == NULL && !cli->profile.asked)) return FSM_OK;
  fsm_buf text = {0};
  fsm_code code = cli_read(file, FSM_TOKEN_BYTES_MAX, &text, err);
  while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL) text.len--;
  if (code == FSM_OK && text.len == 0)
    code = fsm_fail(err, FSM_EARGUMENT, file, "there is no token in this file");
  if (code == FSM_OK) *token = fsm_arena_strndup(&cli->arena, text.data, text.len);
  if (code == FSM_OK && *token == NULL) code = fsm_fail(err, FSM_ENOMEM, file, "no memory");
  fsm_buf_free(&text);
  return code;
}

/* An authority goes with https. One of the environment or of a profile is there for whom it concerns. */
static fsm_code find_ca(const cli_run *cli, cli_place *place, fsm_error *err) {
  const bool tls = place->url != NULL && strncmp(place->url, "https://", 8) == 0;
  place->ca_file = cli_args_from(&cli->args, cli_global_options, "ca-file");
  if (place->ca_file != NULL && !tls)
    return fsm_fail(err, FSM_EARGUMENT, "", "--ca-file goes with --url https://HOST:PORT");
  if (place->ca_file == NULL && tls) place->ca_file = cli_profile_get(&cli->profile, "ca-file");
  if (place->ca_file == NULL && tls) place->ca_file = env("FSM_CA_FILE");
  return FSM_OK;
}

/* What is for stopped files; one of a profile is for when its daemon has stopped. */
static fsm_code check_files_only(const cli_run *cli, const char *name, const char *value, fsm_error *err) {
  if (cli->source.runtime != NULL || cli_args_from(&cli->args, cli_global_options, name) == NULL)
    return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, name,
                  "--%s is for the files of a stopped daemon; a running one has its own: fsmd --%s %s", name,
                  name, value);
}

static fsm_code read_people(cli_run *cli, fsm_error *err) {
  const char *file = cli_setting(cli, "people");
  if (file == NULL || cli->source.runtime == NULL) return FSM_OK;
  fsm_buf text = {0};
  fsm_error why = {.text = ""};
  fsm_code code = cli_read(file, FSM_PEOPLE_BYTES_MAX, &text, err);
  if (code == FSM_OK) {
    code = fsm_runtime_set_people(cli->source.runtime, fsm_buf_text(&text), text.len, &why);
    if (code != FSM_OK)
      (void)fsm_fail(err, code, file, "%s%s%s", why.where, *why.where != 0 ? ": " : "", why.text);
  }
  fsm_buf_free(&text);
  return code;
}

fsm_code cli_connect(cli_run *cli, bool writes, fsm_error *err) {
  cli_place place = {.timeout_ns = TIMEOUT_DEFAULT_NS};
  if (cli->source.web != NULL || cli->source.runtime != NULL) return FSM_OK; /* a second question */
  fsm_code code = cli_place_find(cli, &place, err);
  if (code == FSM_OK) code = find_ca(cli, &place, err);
  const char *timeout = cli_setting(cli, "timeout");
  if (code == FSM_OK && timeout != NULL) code = fsm_duration_parse(timeout, &place.timeout_ns, err);
  if (code == FSM_OK && place.timeout_ns <= 0)
    code = fsm_fail(err, FSM_EARGUMENT, "timeout", "--timeout is more than 0s");
  place.timeout_said = timeout != NULL;
  if (cli->hasty_ns > 0) place.timeout_ns = cli->hasty_ns;
  if (code == FSM_OK) code = read_token(cli, &place.token, err);
  if (code != FSM_OK) return code;
  place.offline = cli_args_has(&cli->args, "offline");
  for (const cli_option *o = cli->command->options; o != NULL && o->name != NULL; o++)
    place.may_offline = place.may_offline || strcmp(o->name, "offline") == 0;
  place.archive = cli_setting(cli, "archive-dir");
  cli->place = place;
  cli->connecting = true;
  code = cli_source_open(&place, writes, &cli->source, err);
  if (code == FSM_OK) code = check_files_only(cli, "people", "FILE", err);
  if (code == FSM_OK) code = check_files_only(cli, "archive-dir", "DIR", err);
  return code == FSM_OK ? read_people(cli, err) : code;
}
