/* doc.c: the manual page fsm-cli(1), made from the entries of the commands, and what a shell needs to
 * complete them: `fsm-cli help man|bash|zsh|fish`. */
#include "tools/cli/doc.h"

#include <string.h>

#include "runtime/version.h"
#include "tools/cli/cli.h"
#include "tools/cli/topics.h"

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

static void put_lines(fsm_buf *out, const char *text) {
  for (; *text != 0; text++)
    fsm_buf_str(out, *text == '-' ? "\\-" : *text == '\\' ? "\\e" : (char[]){*text, 0});
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
  if (command->examples == NULL) return;
  fsm_buf_str(out, ".PP\nExamples:\n.PP\n.nf\n");
  for (const char *const *example = command->examples; *example != NULL; example++) {
    fsm_buf_str(out, "fsm\\-cli ");
    put_text(out, *example);
    fsm_buf_char(out, '\n');
  }
  fsm_buf_str(out, ".fi\n");
}

static void put_commands(fsm_buf *out) {
  for (int heading = 0; heading < CLI_HEADING_COUNT; heading++) {
    fsm_buf_printf(out, ".SH \"%s\"\n", cli_heading_title((cli_heading)heading));
    put_text(out, cli_heading_about((cli_heading)heading));
    fsm_buf_str(out, ".\n");
    for (const cli_command *const *command = cli_commands; *command != NULL; command++)
      if ((*command)->heading == (cli_heading)heading) put_command(*command, out);
  }
}

/* Their lines are as they shall stand. */
static void put_topics(fsm_buf *out) {
  fsm_buf_str(out, ".SH TOPICS\n");
  for (const cli_topic *topic = cli_topics; topic->name != NULL; topic++) {
    fsm_buf_str(out, ".SS ");
    put_text(out, topic->summary);
    fsm_buf_str(out, "\n.nf\n");
    put_lines(out, topic->text);
    fsm_buf_str(out, ".fi\n");
  }
}

static void put_man(fsm_buf *out) {
  fsm_buf_str(
      out,
      ".TH FSM\\-CLI 1 \"" FSM_PAGES_DATE "\" \"fsmd " FSM_VERSION
      "\"\n.ad l\n.SH NAME\nfsm\\-cli \\- durable statecharts from the command "
      "line\n.SH SYNOPSIS\n.B fsm\\-cli\n[\\fIOPTION\\fR]... \\fICOMMAND\\fR [\\fIOPTION\\fR]...\n.SH "
      "DESCRIPTION\n"
      "An instance is named by its id, by a prefix of it that no other has, or as MACHINE/key:KEY.\nWith "
      "\\-\\-data a running daemon is asked; without one the files are read where they lie.\n");
  put_commands(out);
  put_topics(out);
  fsm_buf_str(out, ".SH OPTIONS OF EVERY COMMAND\n");
  put_options(cli_global_options, out);
  fsm_buf_str(
      out,
      ".SH EXIT STATUS\n0 ok, 1 failed, 2 usage, 3 not found, 4 refused by the machine, 5 not permitted, 6 "
      "done in part, 7 verification failed, 8 timeout, 9 unreachable, 10 there are matches "
      "(\\-\\-exit\\-status).\n.SH SEE ALSO\n.BR fsmd (8)\n");
}

/* ---- shells ----------------------------------------------------------------------------------------- */

/* The shells ask fsm-cli itself what may stand next (complete.h): whatever it learns, they know. */
static void put_bash(fsm_buf *out) {
  fsm_buf_str(out,
              "# bash completion of fsm-cli\n"
              "_fsm_cli() {\n"
              "  local word=${COMP_WORDS[COMP_CWORD]}\n"
              "  mapfile -t COMPREPLY < <(\"${COMP_WORDS[0]/#\\~/$HOME}\" __complete-bash "
              "\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
              "  if [[ ${COMPREPLY[0]-} == :files ]]; then\n"
              "    [[ $word == [=:] ]] && word=\n"
              "    compopt -o filenames 2>/dev/null\n"
              "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
              "  fi\n"
              "}\n"
              "complete -F _fsm_cli fsm-cli\n");
}

static void put_zsh(fsm_buf *out) {
  fsm_buf_str(
      out,
      "#compdef fsm-cli\n"
      "_fsm_cli() {\n"
      "  local -a found\n"
      "  found=(${(f)\"$(\"${(Q)words[1]/#\\~/$HOME}\" __complete \"${(@Q)words[2,CURRENT-1]}\" "
      "\"${(Q)PREFIX}\" 2>/dev/null)\"})\n"
      "  if [[ ${found[1]} == :files ]]; then\n"
      "    compset -P '*='\n"
      "    _files\n"
      "  else\n"
      "    compadd -a found\n"
      "  fi\n"
      "}\n"
      "if [[ ${funcstack[1]-} == _fsm[-_]cli ]]; then _fsm_cli \"$@\"; else compdef _fsm_cli fsm-cli; fi\n");
}

static void put_fish(fsm_buf *out) {
  fsm_buf_str(
      out,
      "# fish completion of fsm-cli\n"
      "function __fsm_cli\n"
      "  set -l typed (commandline -ct)\n"
      "  set -l last (string unescape -- $typed; or string unescape -- $typed\\'; or string unescape -- "
      "$typed\\\")\n"
      "  set -l words (commandline -opc) \"$last\"\n"
      "  set -l found ($words[1] __complete $words[2..-1] 2>/dev/null)\n"
      "  if test \"$found[1]\" = :files\n"
      "    set -l option (string match -r -- '^--[^=]*=' $last)\n"
      "    printf '%s\\n' \"$option\"(__fish_complete_path (string replace -- \"$option\" '' $last))\n"
      "  else\n"
      "    printf '%s\\n' $found\n"
      "  end\n"
      "end\n"
      "complete -c fsm-cli -f -a '(__fsm_cli)'\n");
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
