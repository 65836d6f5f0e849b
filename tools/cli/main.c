/* main.c: fsm-cli: finds the command, reads its options, runs it, says what went wrong. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/version.h"
#include "tools/cli/cli.h"
#include "tools/cli/complete.h"
#include "tools/cli/doc.h"
#include "tools/cli/nearest.h"
#include "tools/cli/topics.h"
#include "tools/cli/versions.h"

enum { NAMES_MAX = 128 };

/* ---- which command ---------------------------------------------------------------------------------- */

/* Names of the commands of a group; for "" the groups too. */
static size_t names_of(const char *group, const char **names) {
  size_t count = 0;
  for (const cli_command *const *command = cli_commands; *command != NULL && count + 1 < NAMES_MAX;
       command++) {
    if (strcmp((*command)->group, group) == 0) names[count++] = (*command)->name;
    if (*group == 0 && (*command)->group[0] != 0) names[count++] = (*command)->group;
  }
  return count;
}

/* What other tools call it. */
static const char *known_as(const char *word) {
  static const struct {
    const char *word, *here;
  } words[] = {{"list", "ls"},
               {"ps", "ls"},
               {"find", "ls or search"},
               {"grep", "search"},
               {"show", "get or why"},
               {"status", "get or health"},
               {"describe", "get or why"},
               {"inspect", "get or why"},
               {"explain", "why"},
               {"history", "log"},
               {"logs", "log"},
               {"tail", "log -f"},
               {"kill", "cancel"},
               {"abort", "cancel"},
               {"delete", "cancel"},
               {"terminate", "cancel"},
               {"stop", "pause"},
               {"suspend", "pause"},
               {"continue", "resume"},
               {"move", "force"},
               {"signal", "send"},
               {"create", "start"},
               {"new", "start"},
               {"count", "stats"},
               {"deploy", "def deploy"},
               {"validate", "def lint"},
               {"machines", "def ls"},
               {"comment", "note"}};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcmp(words[i].word, word) == 0) return words[i].here;
  return NULL;
}

static fsm_code no_such(const char *group, const char *word, fsm_error *err) {
  const char *names[NAMES_MAX], *gap = *group == 0 ? "" : " ";
  for (const cli_command *const *command = cli_commands; *group == 0 && *command != NULL; command++)
    if (strcmp((*command)->name, word) == 0)
      return fsm_fail(err, FSM_EARGUMENT, "", "there is no command %s; did you mean %s %s?", word,
                      (*command)->group, word);
  const char *near = *group == 0 ? known_as(word) : NULL;
  if (near == NULL) near = cli_nearest(word, names, names_of(group, names));
  if (near == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "", "there is no command %s%s%s; see: fsm-cli %s%s--help", group, gap,
                    word, group, gap);
  return fsm_fail(err, FSM_EARGUMENT, "", "there is no command %s%s%s; did you mean %s%s%s?", group, gap,
                  word, group, gap, near);
}

/* One word of the command line that is not an option, NULL behind the last. */
static fsm_code next_word(cli_run *cli, char *const *argv, int *at, const char **word, fsm_error *err) {
  fsm_code code = cli_args_parse(&cli->args, NULL, cli_global_options, argv, at, true, err);
  *word = code == FSM_OK ? argv[*at] : NULL;
  if (*word != NULL) (*at)++;
  return code;
}

static fsm_code choose(cli_run *cli, char *const *argv, int *at, const char **group, bool *help,
                       fsm_error *err) {
  const char *word = NULL;
  fsm_code code = next_word(cli, argv, at, &word, err);
  if (code == FSM_OK && word != NULL && strcmp(word, "help") == 0) {
    *help = true;
    code = next_word(cli, argv, at, &word, err);
  }
  if (code != FSM_OK || word == NULL) return code;
  *group = cli_find_group(word);
  if (*group == NULL) {
    cli->command = cli_find("", word);
    return cli->command != NULL ? FSM_OK : no_such("", word, err);
  }
  code = next_word(cli, argv, at, &word, err);
  if (code != FSM_OK || word == NULL) return code;
  cli->command = cli_find(*group, word);
  return cli->command != NULL ? FSM_OK : no_such(*group, word, err);
}

/* ---- running ---------------------------------------------------------------------------------------- */

static fsm_code check_format(cli_run *cli, fsm_error *err) {
  const char *name = cli_args_from(&cli->args, cli_global_options, "output");
  const char *wish = cli_profile_get(&cli->profile, "output");
  const unsigned formats = cli->command->formats == 0 ? CLI_FORMATS_PLAIN : cli->command->formats;
  cli->quiet = cli_setting_on(cli, "quiet");
  cli->raw = cli_setting_on(cli, "raw");
  if (name == NULL && wish != NULL && cli_format_of(wish) == CLI_FORMAT_COUNT)
    return fsm_fail(err, FSM_EARGUMENT, cli->profile.path, "output: there is no form %s", wish);
  /* what a profile likes best is not every command's */
  if (name == NULL && wish != NULL && (formats & CLI_HAS(cli_format_of(wish))) != 0) name = wish;
  if (name == NULL) return FSM_OK;
  cli->format = cli_format_of(name);
  if (cli->format == CLI_FORMAT_COUNT || (formats & CLI_HAS(cli->format)) == 0) {
    const char *known = cli->format == CLI_FORMAT_COUNT ? "" : " here";
    cli->format = CLI_TABLE;
    return fsm_fail(err, FSM_EARGUMENT, "output", "-o takes %s%s, not %s",
                    cli_formats_text(&cli->arena, formats), known, name);
  }
  cli->json = cli->format == CLI_JSON || cli->format == CLI_JSONL;
  return FSM_OK;
}

static fsm_code check_words(const cli_run *cli, fsm_error *err) {
  const cli_command *command = cli->command;
  if (cli->args.word_count < command->words_min)
    return fsm_fail(err, FSM_EARGUMENT, "", "%s%s%s needs %s", command->group,
                    *command->group == 0 ? "" : " ", command->name, command->words);
  if (cli->args.word_count <= command->words_max) return FSM_OK;
  const char *word = cli->args.words[command->words_max];
  for (const cli_option *option = command->options; *word == '{' && option != NULL && option->name != NULL;
       option++)
    if (option->value != NULL && strcmp(option->value, "JSON") == 0)
      return fsm_fail(err, FSM_EARGUMENT, word, "JSON is given with --%s", option->name);
  return fsm_fail(err, FSM_EARGUMENT, word, "this word is one too many");
}

/* An option of other commands that this one has another word for. */
static fsm_code said_here(const cli_command *command, fsm_code code, fsm_error *err) {
  if (code == FSM_OK || command == NULL || command->not_here == NULL) return code;
  const size_t len = strlen(command->not_here);
  if (strncmp(err->where, command->not_here, len) != 0 || (err->where[len] != 0 && err->where[len] != '='))
    return code;
  return fsm_fail(err, code, command->not_here, "%s%s%s has no such option; %s", command->group,
                  *command->group == 0 ? "" : " ", command->name, command->instead);
}

static fsm_code dispatch(cli_run *cli, char *const *argv, fsm_error *err) {
  const bool only_parse = argv[1] != NULL && strcmp(argv[1], "__parse") == 0; /* what tests ask of examples */
  int at = only_parse ? 2 : 1;
  bool help = false;
  const char *group = NULL;
  if (argv[1] != NULL && strncmp(argv[1], "__complete", 10) == 0) {
    cli_complete(cli, argv + 2, strcmp(argv[1], "__complete-bash") == 0);
    return cli_flush(cli, err);
  }
  if (argv[1] != NULL && strcmp(argv[1], "help") == 0 && argv[2] != NULL &&
      (cli_doc(argv[2], &cli->text) || cli_help_topic(argv[2], &cli->text)))
    return cli_flush(cli, err);
  fsm_code code = choose(cli, argv, &at, &group, &help, err);
  if (code != FSM_OK) return code;
  const cli_option *own = cli->command == NULL ? NULL : cli->command->options;
  code = cli_args_parse(&cli->args, own, cli_global_options, argv, &at, false, err);
  if (code != FSM_OK) return said_here(cli->command, code, err);
  cli->screen = cli_screen_of(STDOUT_FILENO, cli_args_has(&cli->args, "no-color"));
  if (cli_args_from(&cli->args, cli_global_options, "version") != NULL) { /* def retire has its own */
    fsm_version_add(&cli->text, "fsm-cli", "");
    return cli_flush(cli, err);
  }
  if (help || cli_args_has(&cli->args, "help")) {
    cli_help(cli->command, group, &cli->text);
    return cli_flush(cli, err);
  }
  if (cli->command == NULL) {
    fsm_buf text = {0};
    cli_help(NULL, group, &text);
    fputs(fsm_buf_text(&text), stderr);
    fsm_buf_free(&text);
    return fsm_fail(err, FSM_EARGUMENT, "", "which command?");
  }
  code = cli_profile_load(cli, err);
  cli->connecting = code != FSM_OK;
  if (code == FSM_OK) code = check_format(cli, err);
  if (code == FSM_OK) code = check_words(cli, err);
  if (code == FSM_OK) cli->screen = cli_screen_of(STDOUT_FILENO, cli_setting_on(cli, "no-color"));
  const char *every = cli_args_from(&cli->args, cli_global_options, "watch");
  if (code != FSM_OK || only_parse) return code;
  return every != NULL ? cli_watch(cli, every, err) : cli->command->run(cli, err);
}

/* A UTF-8 character type whatever the user's locale is: what is printed is UTF-8. */
static void use_utf8(void) {
  if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) (void)setlocale(LC_CTYPE, "en_US.UTF-8");
}

/* As every filter whose reader went away: the shell sees 141 and nobody reads a message. The signal is
 * ignored until here because the connection to the daemon must not end the program. */
static void die_of_pipe(void) {
  signal(SIGPIPE, SIG_DFL);
  (void)raise(SIGPIPE);
}

/* The pager's end, the line below a table, what went wrong: in this order. */
static fsm_code conclude(cli_run *cli, fsm_code code, fsm_error *err) {
  fsm_error why = {0};
  const fsm_code ended = cli_outlet_end(cli, &why);
  if (code == FSM_OK && ended != FSM_OK) code = ended, *err = why;
  if (cli->left) return FSM_OK;
  if (!cli->hung_up) cli_footer_print(cli);
  if (code == FSM_OK || err->text[0] == 0) return code;
  code = cli_versions(cli, code, err);
  if (cli->command != NULL && cli->command->fault != NULL)
    cli->exit = cli->command->fault(cli, err);
  else
    cli_fault(cli, err);
  return code;
}

int main(int argc, char **argv) {
  if (argc < 1) return fsm_code_exit(FSM_EARGUMENT);
  use_utf8();
  signal(SIGPIPE, SIG_IGN);
  cli_run cli = {.argv = argv};
  fsm_error err = {0};
  fsm_arena_init(&cli.arena, 0);
  cli.began_ns = fsm__monotonic_ns();
  fsm_code code = conclude(&cli, dispatch(&cli, argv, &err), &err);
  cli_source_close(&cli.source);
  cli_labels_free(&cli.labels);
  fsm_arena_free(&cli.arena);
  fsm_buf_free(&cli.text);
  fsm_buf_free(&cli.footer);
  if (cli.hung_up && !cli.left) die_of_pipe();
  return cli.exit != 0 ? cli.exit : fsm_code_exit(code);
}
