/* moves.c: commands that would move an instance, as they are to be typed. See moves.h. */
#include "tools/cli/explain/moves.h"

#include <string.h>

void cli_indented(cli_run *cli, unsigned indent, const char *text) {
  if (text == NULL) return;
  for (unsigned i = 0; i < indent; i++) fsm_buf_char(&cli->text, ' ');
  fsm_buf wrapped = {0};
  const unsigned columns = cli->screen.columns;
  cli_wrap(&wrapped, text, columns > indent + 20 ? columns - indent : 0, 2);
  for (const char *at = fsm_buf_text(&wrapped); *at != '\0'; at++) {
    fsm_buf_char(&cli->text, *at);
    for (unsigned i = 0; *at == '\n' && i < indent; i++) fsm_buf_char(&cli->text, ' ');
  }
  fsm_buf_char(&cli->text, '\n');
  fsm_buf_free(&wrapped);
}

static const fsm_value *list_of(const fsm_value *map, const char *name) {
  const fsm_value *list = fsm_map_get(map, name);
  return list != NULL && fsm_is(list, FSM_LIST) ? list : NULL;
}

/* For a shell: quoted where it would not be taken as it is. */
static void add_word(fsm_buf *out, const char *text, size_t len) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-";
  bool quote = len == 0;
  for (size_t i = 0; i < len; i++) quote = quote || text[i] == '\0' || strchr(plain, text[i]) == NULL;
  fsm_buf_char(out, ' ');
  if (quote) fsm_buf_char(out, '\'');
  for (size_t i = 0; i < len; i++)
    if (text[i] == '\'')
      fsm_buf_str(out, "'\\''");
    else
      fsm_buf_char(out, text[i]);
  if (quote) fsm_buf_char(out, '\'');
}

/* What this command was given to find the store. */
static void add_place(const cli_run *cli, fsm_buf *out) {
  static const char *const names[] = {"profile", "data", "socket", "url", "ca-file", "token-file"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *value = cli_args_from(&cli->args, cli_global_options, names[i]);
    if (value == NULL) continue;
    fsm_buf_printf(out, " --%s", names[i]);
    add_word(out, value, strlen(value));
  }
}

static void add_call(const cli_run *cli, fsm_buf *out, const fsm_value *argv) {
  fsm_buf_str(out, " fsm-cli");
  add_place(cli, out);
  for (uint32_t i = 0; argv != NULL && i < argv->len; i++)
    if (fsm_is(&argv->items[i], FSM_STRING)) add_word(out, argv->items[i].s, argv->items[i].len);
}

void cli_move_print(cli_run *cli, const fsm_value *command) {
  fsm_arena *arena = &cli->arena;
  const fsm_value *argv = list_of(command, "argv"), *then = list_of(command, "then");
  const char *needs = cli_field(arena, command, "needs"), *text = cli_field(arena, command, "text");
  fsm_buf words = {0};
  fsm_buf_str(&words, " ");
  add_call(cli, &words, argv);
  if (then != NULL) fsm_buf_str(&words, " &&");
  if (then != NULL) add_call(cli, &words, then);
  cli_escape(&cli->text, fsm_buf_text(&words), words.len);
  fsm_buf_char(&cli->text, '\n');
  fsm_buf_free(&words);
  if (strcmp(needs, "reason") == 0) needs = "";
  cli_indented(cli, 6, *needs != 0 ? fsm_arena_printf(arena, "%s; it needs: %s", text, needs) : text);
}
