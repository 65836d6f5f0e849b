/* database.c: what the commands of the group db share. */
#include "tools/cli/database.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cli/table.h"

fsm_code cli_db_dir(const cli_run *cli, const char **out, fsm_error *err) {
  *out = cli_args_from(&cli->args, cli_global_options, "data");
  if (*out == NULL) *out = getenv("FSM_DATA");
  if (*out != NULL && **out != '\0') return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "", "say which files: --data DIR (or $FSM_DATA)");
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

fsm_code cli_db_findings(cli_run *cli, const fsm_value *document, fsm_error *err) {
  static const cli_column columns[] = {{.title = "WHAT"},
                                       {.title = "STATE"},
                                       {.title = "WHERE", .min = 12, .shrink = 1, .if_any = true},
                                       {.title = "FINDING", .min = 20, .shrink = 2}};
  const fsm_value *findings = fsm_map_get(document, "findings");
  cli_table table;
  unsigned damaged = 0;
  cli_table_begin(&table, &cli->arena, columns, sizeof columns / sizeof *columns);
  for (unsigned i = 0; findings != NULL && i < findings->len; i++) {
    const fsm_value *one = &findings->items[i];
    const char *cells[] = {cli_field(&cli->arena, one, "what"), cli_field(&cli->arena, one, "state"),
                           cli_field(&cli->arena, one, "where"), cli_field(&cli->arena, one, "text")};
    damaged += strcmp(cells[1], "ok") != 0;
    cli_table_row(&table, cells);
  }
  fsm_code code =
      cli->json ? cli_print_json(cli, document, err) : cli_table_print(&table, &cli->screen, &cli->text, err);
  if (code == FSM_OK && !cli->json) code = cli_flush(cli, err);
  if (code != FSM_OK || damaged == 0) return code;
  return fsm_fail(err, FSM_ECORRUPT, "", "%u of %u findings are damage; see: fsm-cli db repair", damaged,
                  (unsigned)findings->len);
}

void cli_db_lines(cli_run *cli, const char *prefix, const fsm_value *document) {
  for (unsigned i = 0; i < document->len; i++) {
    const fsm_pair *pair = &document->pairs[i];
    const char *name = fsm_arena_printf(&cli->arena, "%s%s%.*s", prefix, *prefix ? "." : "",
                                        (int)pair->key.len, pair->key.s);
    const char *own = fsm_arena_strndup(&cli->arena, pair->key.s, pair->key.len);
    if (name == NULL || own == NULL) return;
    if (fsm_is(&pair->value, FSM_MAP))
      cli_db_lines(cli, name, &pair->value);
    else if (fsm_is(&pair->value, FSM_LIST))
      for (unsigned n = 0; n < pair->value.len && fsm_is(&pair->value.items[n], FSM_MAP); n++)
        cli_db_lines(cli, fsm_arena_printf(&cli->arena, "%s[%u]", name, n), &pair->value.items[n]);
    else
      cli_print_line(cli, name, cli_field(&cli->arena, document, own));
  }
}
