/* route_document.c: see route_document.h. */
#include "tools/cli/data/route_document.h"

#include <stdlib.h>
#include <string.h>

#include "tools/cli/input.h"

enum { MEMBERS_MAX = 9 };

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a route"); }

static size_t given(const cli_run *cli, const char *option) {
  size_t count = 0;
  while (cli_args_nth(&cli->args, option, count) != NULL) count++;
  return count;
}

/* One value is a text, several are a list; of sinks always a list. */
static fsm_code texts(cli_run *cli, const char *option, bool list, fsm_value *out, fsm_error *err) {
  const size_t count = given(cli, option);
  fsm_value *items = fsm_arena_alloc(&cli->arena, count * sizeof *items);
  if (items == NULL) return nomem(err);
  for (size_t i = 0; i < count; i++) items[i] = fsm_string(cli_args_nth(&cli->args, option, i));
  *out = count == 1 && !list ? items[0] : fsm_list(items, count);
  return FSM_OK;
}

static fsm_code labels(cli_run *cli, fsm_value *out, fsm_error *err) {
  const size_t count = given(cli, "label");
  fsm_pair *pairs = fsm_arena_alloc(&cli->arena, count * sizeof *pairs);
  if (pairs == NULL) return nomem(err);
  for (size_t i = 0; i < count; i++) {
    const char *text = cli_args_nth(&cli->args, "label", i), *is = strchr(text, '=');
    if (is == NULL || is == text || is[1] == 0)
      return fsm_fail(err, FSM_EARGUMENT, "label", "--label takes NAME=VALUE, not %.64s", text);
    pairs[i] = (fsm_pair){fsm_stringn(text, (size_t)(is - text)), fsm_string(is + 1)};
  }
  if (fsm_map(pairs, count, out, err) == FSM_OK) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "label",
                  "--label names a label twice; several values of one: use a file");
}

static fsm_code of_options(cli_run *cli, fsm_value *out, fsm_error *err) {
  static const struct {
    const char *option, *member;
  } lists[] = {{"machine", "machine"}, {"kind", "kind"},   {"from", "from"},
               {"to", "to"},           {"event", "event"}, {"sink", "sinks"}};
  fsm_pair *pairs = fsm_arena_alloc(&cli->arena, MEMBERS_MAX * sizeof *pairs);
  size_t count = 0;
  int64_t level = -1;
  fsm_code code = cli_args_number(&cli->args, "level", 0, UINT8_MAX, -1, &level, err);
  if (pairs == NULL) return nomem(err);
  for (size_t i = 0; i < sizeof lists / sizeof *lists && code == FSM_OK; i++) {
    if (given(cli, lists[i].option) == 0) continue;
    pairs[count].key = fsm_string(lists[i].member);
    code = texts(cli, lists[i].option, strcmp(lists[i].member, "sinks") == 0, &pairs[count++].value, err);
  }
  if (code == FSM_OK && given(cli, "label") > 0) {
    pairs[count].key = fsm_string("labels");
    code = labels(cli, &pairs[count++].value, err);
  }
  if (code != FSM_OK) return code;
  const char *where = cli_args_get(&cli->args, "where");
  if (level >= 0) pairs[count++] = (fsm_pair){fsm_string("level"), fsm_int(level)};
  if (where != NULL) pairs[count++] = (fsm_pair){fsm_string("where"), fsm_string(where)};
  return fsm_map(pairs, count, out, err);
}

static fsm_code of_file(cli_run *cli, const char *file, fsm_value *out, fsm_error *err) {
  static const char *const options[] = {"machine", "kind",  "from",  "to",  "event",
                                        "level",   "label", "where", "sink"};
  fsm_buf text = {0};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    if (cli_args_has(&cli->args, options[i]))
      return fsm_fail(err, FSM_EARGUMENT, options[i], "the file says it all; --%s has no place beside it",
                      options[i]);
  fsm_code code = cli_read(file, FSM_JSON_BYTES_MAX, &text, err);
  char *kept = code == FSM_OK ? fsm_arena_strndup(&cli->arena, text.len ? text.data : "", text.len) : NULL;
  if (code == FSM_OK && kept == NULL) code = nomem(err);
  if (code == FSM_OK) code = fsm_json_parse(&cli->arena, kept, text.len, FSM_JSON_SORTED, out, err);
  fsm_buf_free(&text);
  return code;
}

fsm_code cli_route_document(cli_run *cli, const char *file, fsm_value *out, fsm_error *err) {
  return file != NULL ? of_file(cli, file, out, err) : of_options(cli, out, err);
}

fsm_code cli_route_path(cli_run *cli, const char *name, const char *param, const char *value,
                        const char **out, fsm_error *err) {
  fsm_buf path = {0};
  fsm_buf_str(&path, "/v1/routes/");
  fsm_web_escape(&path, name, strlen(name));
  if (value != NULL) {
    fsm_buf_printf(&path, "?%s=", param);
    fsm_web_escape(&path, value, strlen(value));
  }
  *out = fsm_buf_ok(&path) ? fsm_arena_strdup(&cli->arena, fsm_buf_text(&path)) : NULL;
  fsm_buf_free(&path);
  return *out != NULL ? FSM_OK : nomem(err);
}

fsm_code cli_route_changed(cli_run *cli, const char *name, const fsm_value *answer, fsm_error *err) {
  if (cli->json) return cli_print_json(cli, answer, err);
  const fsm_value *seq = fsm_map_get(answer, "seq");
  const bool same = seq == NULL || !fsm_is(seq, FSM_INT) || seq->i == 0; /* no record */
  cli_print_line(cli, "route", name); /* of words only, or it would have been refused */
  cli_print_line(cli, "version", cli_field(&cli->arena, answer, "rev"));
  if (same)
    cli_print_line(cli, "unchanged", "it stands like that already");
  else
    cli_print_line(cli, "seq", cli_field(&cli->arena, answer, "seq"));
  return cli_flush(cli, err);
}
