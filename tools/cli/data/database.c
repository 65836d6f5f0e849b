/* database.c: what the commands of the group db share. */
#include "tools/cli/data/database.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "tools/cli/show/screen.h"
#include "tools/cli/show/text.h"

fsm_code cli_db_dir(const cli_run *cli, const char **out, fsm_error *err) {
  cli_place place = {0};
  fsm_code code = cli_place_find(cli, &place, err);
  *out = place.data;
  if (code != FSM_OK || *out != NULL) return code;
  return fsm_fail(err, FSM_EARGUMENT, "", "say which files: --data DIR (or $FSM_DB)");
}

fsm_code cli_db_absolute(cli_run *cli, const char *path, const char **out, fsm_error *err) {
  char here[4096];
  *out = path;
  if (path[0] == '/') return FSM_OK;
  if (getcwd(here, sizeof here) == NULL)
    return fsm_fail(err, FSM_EIO, path, "the current directory cannot be told: name an absolute path");
  *out = fsm_arena_printf(&cli->arena, "%s/%s", here, path);
  return *out != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a path");
}

fsm_database_order cli_db_order(cli_run *cli) {
  const struct passwd *user = getpwuid(getuid());
  const char *name = user != NULL ? fsm_arena_strdup(&cli->arena, user->pw_name)
                                  : fsm_arena_printf(&cli->arena, "uid %u", (unsigned)getuid());
  return (fsm_database_order){.actor = name, .reason = cli_args_get(&cli->args, "reason")};
}

/* "store     damaged  PLACE: what is wrong with it", wrapped: what is damage must be read whole. */
static void add_finding(cli_run *cli, const fsm_value *finding) {
  enum { WHAT = 10, STATE = 9 };
  fsm_arena *arena = &cli->arena;
  const char *where = cli_field(arena, finding, "where");
  const char *line = fsm_arena_printf(arena, "%-*s%-*s%s%s%s", WHAT, cli_field(arena, finding, "what"), STATE,
                                      cli_field(arena, finding, "state"), where, *where != 0 ? ": " : "",
                                      cli_field(arena, finding, "text"));
  cli_wrap(&cli->text, line == NULL ? "" : line, cli->screen.columns, WHAT + STATE);
  fsm_buf_char(&cli->text, '\n');
}

fsm_code cli_db_findings(cli_run *cli, const fsm_value *document, fsm_error *err) {
  const fsm_value *findings = fsm_map_get(document, "findings");
  unsigned damaged = 0, count = findings != NULL && fsm_is(findings, FSM_LIST) ? findings->len : 0;
  for (unsigned i = 0; i < count; i++) {
    damaged += strcmp(cli_field(&cli->arena, &findings->items[i], "state"), "ok") != 0;
    if (!cli->json) add_finding(cli, &findings->items[i]);
  }
  fsm_code code = cli->json ? cli_print_json(cli, document, err) : cli_flush(cli, err);
  if (code != FSM_OK || damaged == 0) return code;
  return fsm_fail(err, FSM_ECORRUPT, "", "%u of %u: damaged; see: fsm-cli db repair", damaged, count);
}

/* "name value, name value" of a map in a list: what is one thing stands in one line. */
static void add_member_line(cli_run *cli, unsigned indent, unsigned step, const fsm_value *map) {
  fsm_arena *arena = &cli->arena;
  const unsigned columns = cli->screen.columns;
  fsm_buf line = {0};
  for (unsigned i = 0; i < map->len; i++) {
    const char *name = fsm_arena_strndup(arena, map->pairs[i].key.s, map->pairs[i].key.len);
    if (name != NULL)
      fsm_buf_printf(&line, "%s%s %s", i > 0 ? ", " : "", cli_member_name(arena, name),
                     cli_member(arena, name, &map->pairs[i].value));
  }
  fsm_buf_printf(&cli->text, "%*s", (int)indent, "");
  cli_wrap(&cli->text, fsm_buf_text(&line), columns > indent ? columns - indent : 0, indent + step);
  fsm_buf_char(&cli->text, '\n');
  fsm_buf_free(&line);
}

/* What the names of these members are padded to, with their colon and a blank. */
static unsigned label_width(const fsm_value *document) {
  enum { LABEL_MAX = 40 };
  unsigned width = 14;
  for (unsigned i = 0; i < document->len; i++) {
    const fsm_pair *pair = &document->pairs[i];
    if (!fsm_is(&pair->value, FSM_MAP) && !fsm_is(&pair->value, FSM_LIST) && pair->key.len + 2 > width &&
        pair->key.len < LABEL_MAX)
      width = pair->key.len + 2;
  }
  return width;
}

static void add_lines(cli_run *cli, unsigned indent, const fsm_value *document) {
  enum { STEP = 2 };
  const unsigned label = label_width(document);
  fsm_arena *arena = &cli->arena;
  for (unsigned i = 0; i < document->len; i++) {
    const fsm_pair *pair = &document->pairs[i];
    const char *own = fsm_arena_strndup(arena, pair->key.s, pair->key.len);
    const char *name = own == NULL ? NULL : fsm_arena_printf(arena, "%s:", cli_member_name(arena, own));
    if (name == NULL) return;
    const bool map = fsm_is(&pair->value, FSM_MAP), list = fsm_is(&pair->value, FSM_LIST);
    if (map || (list && pair->value.len > 0)) fsm_buf_printf(&cli->text, "%*s%s\n", (int)indent, "", name);
    if (map)
      add_lines(cli, indent + STEP, &pair->value);
    else if (!list)
      fsm_buf_printf(&cli->text, "%*s%-*s%s\n", (int)indent, "", (int)label, name,
                     cli_member(arena, own, &pair->value));
    for (unsigned n = 0; list && n < pair->value.len && fsm_is(&pair->value.items[n], FSM_MAP); n++)
      add_member_line(cli, indent + STEP, STEP, &pair->value.items[n]);
  }
}

void cli_db_lines(cli_run *cli, const fsm_value *document) { add_lines(cli, 0, document); }
