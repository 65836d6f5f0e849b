/* help.c: help, made from the entries of the commands. */
#include <string.h>

#include "tools/cli/cli.h"
#include "tools/cli/topics.h"

enum { NAME_GAP = 2, OPTION_WIDTH = 26, TOPIC_WIDTH = 14, WIDTH = 80 };

static void add_padded(fsm_buf *out, const char *text, unsigned width) {
  unsigned used = cli_width(text);
  fsm_buf_str(out, text);
  do fsm_buf_char(out, ' ');
  while (++used < width);
}

static const char *gap(const cli_command *command) { return command->group[0] == 0 ? "" : " "; }

void cli_usage(const cli_command *command, fsm_buf *out) {
  fsm_buf line = {0};
  fsm_buf_printf(&line, "usage: fsm-cli %s%s%s%s%s%s", command->group, gap(command), command->name,
                 *command->words == 0 ? "" : " ", command->words,
                 command->options == NULL ? "" : " [OPTION]...");
  cli_wrap(out, fsm_buf_text(&line), WIDTH, sizeof "usage: " - 1);
  fsm_buf_char(out, '\n');
  fsm_buf_free(&line);
}

static bool has_option(const cli_option *options, const char *name) {
  for (; options != NULL && options->name != NULL; options++)
    if (strcmp(options->name, name) == 0) return true;
  return false;
}

/* The first of a name is the one that counts. */
static bool has_before(const cli_option *options, const cli_option *option) {
  for (; options != option; options++)
    if (strcmp(options->name, option->name) == 0) return true;
  return false;
}

static void add_option(const cli_option *option, const char *help, fsm_buf *out) {
  fsm_buf left = {0}, line = {0};
  if (option->letter != 0)
    fsm_buf_printf(&left, "  -%c, --%s", option->letter, option->name);
  else
    fsm_buf_printf(&left, "      --%s", option->name);
  if (option->value != NULL) fsm_buf_printf(&left, " %s", option->value);
  if (option->repeats) fsm_buf_str(&left, "...");
  add_padded(&line, fsm_buf_text(&left), OPTION_WIDTH);
  fsm_buf_str(&line, help);
  cli_wrap(out, fsm_buf_text(&line), WIDTH, OPTION_WIDTH);
  fsm_buf_char(out, '\n');
  fsm_buf_free(&line);
  fsm_buf_free(&left);
}

static void add_options(const cli_option *options, fsm_buf *out) {
  const cli_option *const first = options;
  for (; options != NULL && options->name != NULL; options++)
    if (!has_before(first, options)) add_option(options, options->help, out);
}

/* Those of every command, as this one has them: its own go before, it has its forms, and not all may be run
 * again. */
static void add_global_options(const cli_command *command, fsm_buf *out) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  const unsigned formats = command->formats == 0 ? CLI_FORMATS_PLAIN : command->formats;
  for (const cli_option *option = cli_global_options; option->name != NULL; option++) {
    const bool output = strcmp(option->name, "output") == 0;
    if (has_option(command->options, option->name)) continue;
    if (strcmp(option->name, "watch") == 0 && !command->reads) continue;
    if (output && formats == CLI_HAS(CLI_TABLE)) continue;
    add_option(option, output ? cli_formats_text(&arena, formats) : option->help, out);
  }
  fsm_arena_free(&arena);
}

/* Paragraphs, their lines made anew. */
static void add_text(const char *text, fsm_buf *out) {
  for (const char *end; *text != 0; text = end + strspn(end, "\n")) {
    fsm_buf one = {0};
    if ((end = strstr(text, "\n\n")) == NULL) end = text + strlen(text);
    for (const char *at = text; at < end; at++) fsm_buf_char(&one, *at == '\n' ? ' ' : *at);
    fsm_buf_char(out, '\n');
    cli_wrap(out, fsm_buf_text(&one), WIDTH, 0);
    fsm_buf_char(out, '\n');
    fsm_buf_free(&one);
  }
}

static void one(const cli_command *command, fsm_buf *out) {
  fsm_buf title = {0};
  fsm_buf_printf(&title, "fsm-cli %s%s%s: %s", command->group, gap(command), command->name, command->summary);
  cli_wrap(out, fsm_buf_text(&title), WIDTH, 2);
  fsm_buf_str(out, "\n\n");
  fsm_buf_free(&title);
  cli_usage(command, out);
  if (command->more != NULL) add_text(command->more, out);
  if (command->options != NULL && command->options->name != NULL) {
    fsm_buf_str(out, "\noptions:\n");
    add_options(command->options, out);
  }
  fsm_buf_str(out, "\noptions of every command:\n");
  add_global_options(command, out);
  if (command->examples == NULL) return;
  fsm_buf_str(out, "\nexamples:\n");
  for (const char *const *example = command->examples; *example != NULL; example++)
    fsm_buf_printf(out, "  fsm-cli %s\n", *example);
}

/* Commands of a group (NULL: all of them) under a heading (CLI_HEADING_COUNT: any). */
static bool is_of(const cli_command *command, const char *group, cli_heading heading) {
  return (group == NULL || strcmp(command->group, group) == 0) &&
         (heading == CLI_HEADING_COUNT || command->heading == heading);
}

static unsigned longest_name(const char *group, cli_heading heading) {
  size_t longest = 0;
  for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
    const size_t len = strlen((*command)->group) + strlen(gap(*command)) + strlen((*command)->name);
    if (is_of(*command, group, heading) && len > longest) longest = len;
  }
  return (unsigned)longest;
}

/* "  name   what it is"; what does not fit goes on under itself. */
static void add_row(const char *name, const char *text, unsigned width, fsm_buf *out) {
  fsm_buf left = {0}, line = {0};
  fsm_buf_printf(&left, "%*s%s", NAME_GAP, "", name);
  add_padded(&line, fsm_buf_text(&left), width);
  fsm_buf_str(&line, text);
  cli_wrap(out, fsm_buf_text(&line), WIDTH, width);
  fsm_buf_char(out, '\n');
  fsm_buf_free(&left);
  fsm_buf_free(&line);
}

static void list(const char *group, cli_heading heading, fsm_buf *out) {
  const unsigned width = longest_name(group, heading) + 2 * NAME_GAP;
  for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
    if (!is_of(*command, group, heading)) continue;
    fsm_buf name = {0};
    fsm_buf_printf(&name, "%s%s%s", (*command)->group, gap(*command), (*command)->name);
    add_row(fsm_buf_text(&name), (*command)->summary, width, out);
    fsm_buf_free(&name);
  }
}

void cli_help_heading(cli_heading heading, fsm_buf *out) {
  fsm_buf_printf(out, "%s: %s\n", cli_heading_title(heading), cli_heading_about(heading));
  list(NULL, heading, out);
}

static void list_all(fsm_buf *out) {
  for (int heading = 0; heading < CLI_HEADING_COUNT; heading++) {
    fsm_buf_char(out, '\n');
    cli_help_heading((cli_heading)heading, out);
  }
}

static void list_topics(fsm_buf *out) {
  fsm_buf_str(out, "\nfsm-cli help TOPIC:\n");
  for (const cli_topic *topic = cli_topics; topic->name != NULL; topic++)
    add_row(topic->name, topic->summary, TOPIC_WIDTH, out);
}

/* command: its page; group: its commands; neither: everything. */
void cli_help(const cli_command *command, const char *group, fsm_buf *out) {
  if (command != NULL) {
    one(command, out);
    return;
  }
  fsm_buf_str(out, "fsm-cli: durable statecharts from the command line\n\n");
  fsm_buf_printf(out, "usage: fsm-cli %s COMMAND [OPTION]...\n", group == NULL ? "[OPTION]..." : group);
  if (group == NULL) {
    list_all(out);
    list_topics(out);
  } else {
    fsm_buf_str(out, "\ncommands:\n");
    list(group, CLI_HEADING_COUNT, out);
  }
  fsm_buf_str(out, "\noptions of every command:\n");
  add_options(cli_global_options, out);
  fsm_buf_str(out,
              "\nAn instance is named by its id, by a prefix of it that no other has, or as\n"
              "MACHINE/key:KEY. With --data a running daemon is asked; without one the files\n"
              "are read where they lie.\n"
              "\nexit status: 0 ok, 1 failed, 2 usage, 3 not found, 4 refused by the machine,\n"
              "5 not permitted, 6 done in part, 7 verification failed, 8 timeout,\n"
              "9 unreachable, 10 there are matches (--exit-status)\n"
              "\nhelp for one: fsm-cli help COMMAND; the manual page: fsm-cli help man\n");
}
