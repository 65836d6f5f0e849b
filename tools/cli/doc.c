/* doc.c: the manual page fsm-cli(1) and what completes commands and options in a shell, made from the entries
 * of the commands: `fsm-cli help man|bash|zsh|fish`. */
#include "tools/cli/doc.h"

#include <string.h>

#include "tools/cli/cli.h"

/* ---- fsm-cli(1) ------------------------------------------------------------------------------------- */

static void put_text(fsm_buf *out, const char *text) {
  for (const char *c = text; *c != 0; c++) {
    const bool first = c == text || c[-1] == '\n';
    if (first && (*c == '.' || *c == '\'')) fsm_buf_str(out, "\\&");
    if (first && *c == ' ') continue; /* no line of its own making */
    if (*c == '\n' && c[1] == '\n') {
      fsm_buf_str(out, "\n.PP\n");
      c++;
    } else if (*c == '\\') {
      fsm_buf_str(out, "\\e");
    } else if (*c == '-') {
      fsm_buf_str(out, "\\-");
    } else {
      fsm_buf_char(out, *c);
    }
  }
}

static void put_options(const cli_option *options, fsm_buf *out) {
  for (; options != NULL && options->name != NULL; options++) {
    fsm_buf_str(out, ".TP\n.B ");
    if (options->letter != 0) fsm_buf_printf(out, "\\-%c\\fR, \\fB", options->letter);
    fsm_buf_str(out, "\\-\\-");
    put_text(out, options->name);
    if (options->value != NULL) fsm_buf_printf(out, " \\fI%s\\fR", options->value);
    fsm_buf_char(out, '\n');
    put_text(out, options->help);
    if (options->repeats) fsm_buf_str(out, "; several times");
    fsm_buf_char(out, '\n');
  }
}

static void put_command(const cli_command *command, fsm_buf *out) {
  fsm_buf_str(out, ".SS ");
  put_text(out, command->group);
  if (*command->group != 0) fsm_buf_char(out, ' ');
  put_text(out, command->name);
  if (*command->words != 0) fsm_buf_char(out, ' ');
  put_text(out, command->words);
  fsm_buf_char(out, '\n');
  put_text(out, command->summary);
  fsm_buf_str(out, ".\n");
  if (command->more != NULL) {
    fsm_buf_str(out, ".PP\n");
    put_text(out, command->more);
    fsm_buf_char(out, '\n');
  }
  put_options(command->options, out);
}

static void put_man(fsm_buf *out) {
  fsm_buf_str(
      out,
      ".TH FSM\\-CLI 1 \"\" \"fsmd " FSM_VERSION
      "\"\n.ad l\n.SH NAME\nfsm\\-cli \\- durable statecharts from the command "
      "line\n.SH SYNOPSIS\n.B fsm\\-cli\n[\\fIOPTION\\fR]... \\fICOMMAND\\fR [\\fIOPTION\\fR]...\n.SH "
      "DESCRIPTION\n"
      "An instance is named by its id, by a prefix of it that no other has, or as MACHINE/key:KEY.\nWith "
      "\\-\\-data a running daemon is asked; without one the files are read where they lie.\n.SH COMMANDS\n");
  for (const cli_command *const *command = cli_commands; *command != NULL; command++)
    put_command(*command, out);
  fsm_buf_str(out, ".SH OPTIONS OF EVERY COMMAND\n");
  put_options(cli_global_options, out);
  fsm_buf_str(
      out,
      ".SH EXIT STATUS\n0 ok, 1 failed, 2 usage, 3 not found, 4 refused by the machine, 5 not permitted, 7 "
      "verification failed, 8 timeout, 9 unreachable.\n.SH SEE ALSO\n.BR fsmd (8)\n");
}

/* ---- shells ----------------------------------------------------------------------------------------- */

/* The names that may stand behind the words of `group`, each once. */
static void put_names(const char *group, fsm_buf *out) {
  const char *last = "";
  for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
    const bool inside = strcmp((*command)->group, group) == 0;
    const char *name = inside ? (*command)->name : *group == 0 ? (*command)->group : NULL;
    if (name == NULL || strcmp(name, last) == 0) continue;
    fsm_buf_printf(out, "%s ", name);
    last = name;
  }
}

static void put_flags(const cli_option *options, fsm_buf *out) {
  for (; options != NULL && options->name != NULL; options++) fsm_buf_printf(out, "--%s ", options->name);
}

static void put_groups(fsm_buf *out) {
  const char *last = NULL;
  for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
    if (last != NULL && strcmp((*command)->group, last) == 0) continue;
    last = (*command)->group;
    fsm_buf_printf(out, "    '%s') names='", last);
    put_names(last, out);
    fsm_buf_str(out, "' ;;\n");
  }
}

/* `$words` are those that are no options: what is completed is a name, else a flag or a file. */
static void put_case(fsm_buf *out) {
  fsm_buf_str(out, "  case \"${words[*]}\" in\n");
  put_groups(out);
  for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
    const char *group = (*command)->group, *gap = *group != 0 ? " " : "", *name = (*command)->name;
    fsm_buf_printf(out, "    '%s%s%s' | '%s%s%s '*) flags='", group, gap, name, group, gap, name);
    put_flags((*command)->options, out);
    fsm_buf_str(out, "' ;;\n");
  }
  fsm_buf_str(out, "  esac\n");
}

static void put_bash(fsm_buf *out) {
  fsm_buf_str(out,
              "# bash completion of fsm-cli\n_fsm_cli() {\n  local word=${COMP_WORDS[COMP_CWORD]} words=() "
              "names= flags= i\n"
              "  for ((i = 1; i < COMP_CWORD; i++)); do\n    [[ ${COMP_WORDS[i]} == -* ]] || "
              "words+=(\"${COMP_WORDS[i]}\")\n"
              "  done\n");
  put_case(out);
  fsm_buf_str(out, "  if [[ $word == -* ]]; then\n    COMPREPLY=($(compgen -W \"$flags ");
  put_flags(cli_global_options, out);
  fsm_buf_str(out,
              "\" -- \"$word\"))\n  elif [[ -n $names ]]; then\n    COMPREPLY=($(compgen -W \"$names\" -- "
              "\"$word\"))\n"
              "  else\n    COMPREPLY=($(compgen -f -- \"$word\"))\n  fi\n}\ncomplete -o filenames -F "
              "_fsm_cli fsm-cli\n");
}

static void put_zsh(fsm_buf *out) {
  fsm_buf_str(out, "#compdef fsm-cli\nautoload -U +X bashcompinit && bashcompinit\n");
  put_bash(out);
}

static void put_fish(fsm_buf *out) {
  fsm_buf_str(out, "# fish completion of fsm-cli\ncomplete -c fsm-cli -n __fish_use_subcommand -f -a '");
  put_names("", out);
  fsm_buf_str(out, "'\n");
  for (const cli_option *option = cli_global_options; option->name != NULL; option++)
    fsm_buf_printf(out, "complete -c fsm-cli -l %s%s\n", option->name, option->value != NULL ? " -r" : "");
  for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
    const char *group = (*command)->group, *name = (*command)->name;
    const char *seen = *group != 0 ? group : name;
    if (*group != 0)
      fsm_buf_printf(out, "complete -c fsm-cli -n '__fish_seen_subcommand_from %s' -f -a %s\n", group, name);
    for (const cli_option *option = (*command)->options; option != NULL && option->name != NULL; option++)
      fsm_buf_printf(out, "complete -c fsm-cli -n '__fish_seen_subcommand_from %s' -l %s%s\n", seen,
                     option->name, option->value != NULL ? " -r" : "");
  }
}

bool cli_doc(const char *what, fsm_buf *out) {
  static const struct {
    const char *name;
    void (*put)(fsm_buf *out);
  } docs[] = {{"man", put_man}, {"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};
  for (size_t i = 0; i < sizeof docs / sizeof docs[0]; i++)
    if (strcmp(docs[i].name, what) == 0) {
      docs[i].put(out);
      return true;
    }
  return false;
}
