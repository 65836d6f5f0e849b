/* versions.c: see versions.h. */
#include "tools/cli/versions.h"

#include <string.h>

#include "tools/cli/cli.h"

/* What of a request the daemon says that it does not have; NULL: it is another fault. Requests are made here,
 * so no word of whoever typed the command is meant. */
static const char *unknown_there(const fsm_error *err) {
  static const struct {
    fsm_code code;
    const char *where, *text; /* where: the whole place, or how it begins when there is a text */
  } rows[] = {{FSM_ENOTFOUND, "path", NULL},
              {FSM_EMETHOD, "method", NULL},
              {FSM_EARGUMENT, "?", "there is no such parameter here"},
              {FSM_EMALFORMED, "/", "there is no such member"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (err->code != rows[i].code) continue;
    if (rows[i].text == NULL ? strcmp(err->where, rows[i].where) == 0
                             : err->where[0] == rows[i].where[0] && strcmp(err->text, rows[i].text) == 0)
      return rows[i].text == NULL ? "this request" : err->where;
  }
  return NULL;
}

/* What the daemon says of itself to everyone; NULL: nothing. */
static const char *version_there(cli_run *cli) {
  const char *text;
  fsm_value health;
  fsm_error ignored;
  if (cli_source_text(&cli->source, "/healthz", &cli->arena, &text, &ignored) != FSM_OK ||
      fsm_json_parse(&cli->arena, text, strlen(text), FSM_JSON_SORTED, &health, &ignored) != FSM_OK ||
      !fsm_is(&health, FSM_MAP))
    return NULL;
  const fsm_value *version = fsm_map_get(&health, "version");
  return version != NULL && fsm_is(version, FSM_STRING) ? version->s : NULL;
}

/* An empty word may have made a path that nobody serves. */
static bool has_empty_word(const cli_run *cli) {
  for (size_t i = 0; i < cli->args.word_count; i++)
    if (cli->args.words[i][0] == 0) return true;
  return false;
}

fsm_code cli_versions(cli_run *cli, fsm_code code, fsm_error *err) {
  if (code != err->code || cli->source.web == NULL) return code;
  fsm_error told = *err; /* in the daemon's words: a command may have told it in those of its options */
  if (fsm_is(&cli->source.problem, FSM_MAP)) (void)cli_problem_fault(&cli->source.problem, code, &told);
  const char *what = unknown_there(&told);
  if (what == NULL) return code;
  if (has_empty_word(cli)) return fsm_fail(err, FSM_EARGUMENT, "", "an empty word names nothing");
  char place[FSM_WHERE_MAX];
  memcpy(place, what, strlen(what) + 1);
  const char *there = version_there(cli);
  cli->source.problem = fsm_null();
  if (there == NULL)
    return fsm_fail(
        err, FSM_EUNSUPPORTED, "",
        "the other side does not know %.60s and does not say what it is; this is fsm-cli " FSM_VERSION
        "; is that a fsmd?",
        place);
  if (strcmp(there, FSM_VERSION) == 0)
    return fsm_fail(err, FSM_EUNSUPPORTED, "",
                    "the daemon does not know %.60s: it is fsmd " FSM_VERSION
                    " as this fsm-cli is, but of another "
                    "build; if it was installed anew, restart it",
                    place);
  return fsm_fail(err, FSM_EUNSUPPORTED, "",
                  "the daemon does not know %.60s: it is fsmd %.40s, this is fsm-cli " FSM_VERSION
                  "; use the fsm-cli of its version, or upgrade the daemon",
                  place, there);
}
