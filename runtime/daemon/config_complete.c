/* config_complete.c: what completes the options of fsmd in bash, zsh and fish, made from the table. */
#include <string.h>

#include "runtime/daemon/config_table.h"

static void put_choices(fsm_buf *out, const fsm__setting *row) {
  const char *word = NULL;
  size_t len = 0;
  for (unsigned i = 0; (len = fsm__setting_choice(row, i, &word)) > 0; i++) {
    if (i > 0) fsm_buf_char(out, ' ');
    fsm_buf_add(out, word, len);
  }
}

/* Without what a shell would obey between quotes. */
static void put_help(fsm_buf *out, const char *help) {
  for (const char *c = help; *c && !(c[0] == ';' && c[1] == ' '); c++)
    if (!strchr("'\"\\`$[]:", *c)) fsm_buf_char(out, *c);
}

static void put_bash(fsm_buf *out) {
  fsm_buf_str(out,
              "# bash completion of fsmd\n_fsmd() {\n  local word=${COMP_WORDS[COMP_CWORD]} "
              "before=${COMP_WORDS[COMP_CWORD-1]}\n"
              "  [[ $word == = ]] && word=\n"
              "  [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD-2]}\n"
              "  COMPREPLY=()\n  case $before in\n");
  for (size_t i = 0; i < fsm__setting_count(); i++) {
    const fsm__setting *row = fsm__setting_at(i);
    if (!row->argument) continue;
    fsm_buf_printf(out, "    --%s) ", row->name);
    if (row->choices) {
      fsm_buf_str(out, "COMPREPLY=($(compgen -W '");
      put_choices(out, row);
      fsm_buf_str(out, "' -- \"$word\")); return ;;\n");
    } else {
      fsm_buf_str(out, row->kind == FSM__PATH
                           ? "mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return ;;\n"
                           : "return ;;\n");
    }
  }
  fsm_buf_str(out, "  esac\n  COMPREPLY=($(compgen -W '");
  for (size_t i = 0; i < fsm__setting_count(); i++)
    fsm_buf_printf(out, "%s--%s", i > 0 ? " " : "", fsm__setting_at(i)->name);
  fsm_buf_str(out, "' -- \"$word\"))\n}\ncomplete -o filenames -F _fsmd fsmd\n");
}

static void put_zsh(fsm_buf *out) {
  fsm_buf_str(out, "#compdef fsmd\n_arguments \\\n");
  for (size_t i = 0; i < fsm__setting_count(); i++) {
    const fsm__setting *row = fsm__setting_at(i);
    fsm_buf_printf(out, "  '%s--%s%s[", row->kind == FSM__LIST ? "*" : "", row->name,
                   row->argument ? "=" : "");
    put_help(out, row->help);
    fsm_buf_char(out, ']');
    if (row->argument) fsm_buf_printf(out, ":%s:", row->kind == FSM__LIST ? "value" : row->name);
    if (row->choices) {
      fsm_buf_char(out, '(');
      put_choices(out, row);
      fsm_buf_char(out, ')');
    } else if (row->kind == FSM__PATH) {
      fsm_buf_str(out, "_files");
    }
    fsm_buf_str(out, i + 1 < fsm__setting_count() ? "' \\\n" : "'\n");
  }
}

static void put_fish(fsm_buf *out) {
  fsm_buf_str(out, "# fish completion of fsmd\ncomplete -c fsmd -f\n");
  for (size_t i = 0; i < fsm__setting_count(); i++) {
    const fsm__setting *row = fsm__setting_at(i);
    fsm_buf_printf(out, "complete -c fsmd -l %s", row->name);
    if (row->argument) fsm_buf_str(out, row->kind == FSM__PATH ? " -r -F" : " -x");
    if (row->choices) {
      fsm_buf_str(out, " -a '");
      put_choices(out, row);
      fsm_buf_char(out, '\'');
    }
    fsm_buf_str(out, " -d '");
    put_help(out, row->help);
    fsm_buf_str(out, "'\n");
  }
}

void fsm__config_complete(fsm_buf *out, fsm__doc shell) {
  if (shell == FSM__DOC_BASH)
    put_bash(out);
  else if (shell == FSM__DOC_ZSH)
    put_zsh(out);
  else if (shell == FSM__DOC_FISH)
    put_fish(out);
}
