/* complete.c: where on the command line the cursor is, and which words are known without asking. */
#include "tools/cli/complete.h"

#include <string.h>

#include "tools/cli/cli.h"
#include "tools/cli/complete_ask.h"
#include "tools/cli/complete_quote.h"
#include "tools/cli/topics.h"

enum { WORDS_MAX = 256, TAKES_MAX = 64 };

typedef struct cursor {
  const char *words[WORDS_MAX]; /* put together; the last is the one being typed */
  size_t count;
  size_t cut;  /* bytes of the last one that the shell has cut off */
  bool quotes; /* words are as they were typed, and candidates as they may stand there */
  char open;   /* the quote around the end of the last one */
  const char *group;
  const cli_command *command;
  const cli_option *option; /* whose value is typed */
  size_t position;          /* words of the command before the cursor */
  bool only_words;
} cursor;

/* ---- the words -------------------------------------------------------------------------------------- */

static bool is_cut(const char *word) { return *word != 0 && word[strspn(word, ":=")] == 0; }

/* `--state`, `=`, `x` are one word, as are `door/key`, `:`, `7`. */
static void put_together(cursor *at, fsm_arena *arena, char *const *words) {
  bool open = false; /* the word before ends in a cut */
  for (; *words != NULL && at->count < WORDS_MAX; words++) {
    const bool cut = is_cut(*words);
    const bool joins = at->count > 0 && (cut || open);
    const char *before = joins ? at->words[at->count - 1] : "";
    const char *whole = fsm_arena_printf(arena, "%s%s", before, *words);
    if (whole == NULL) return;
    at->words[joins ? at->count - 1 : at->count++] = whole;
    at->cut = cut ? strlen(whole) : strlen(before);
    open = cut;
  }
}

static const cli_option *option_named(const cli_option *table, const char *word) {
  const bool name = word[1] == '-';
  const size_t len = strcspn(word + 2, "=");
  for (; table != NULL && table->name != NULL; table++) {
    if (name && strlen(table->name) == len && strncmp(table->name, word + 2, len) == 0) return table;
    if (!name && table->letter != 0 && table->letter == word[1]) return table;
  }
  return NULL;
}

static const cli_option *find_option(const cursor *at, const char *word) {
  const cli_option *own = at->command == NULL ? NULL : option_named(at->command->options, word);
  return own != NULL ? own : option_named(cli_global_options, word);
}

static void take_word(cursor *at, const char *word) {
  if (at->command != NULL)
    at->position++;
  else if (at->group != NULL)
    at->command = cli_find(at->group, word);
  else if (strcmp(word, "help") != 0 && (at->group = cli_find_group(word)) == NULL)
    at->command = cli_find("", word);
}

static bool takes_next(const cli_option *option, const char *word) {
  const bool attached = word[1] == '-' ? strchr(word, '=') != NULL : word[2] != 0;
  return option != NULL && option->value != NULL && option->value[0] != '[' && !attached;
}

/* All but the last word. */
static void walk(cursor *at) {
  for (size_t i = 0; i + 1 < at->count; i++) {
    const char *word = at->words[i];
    const bool is_option = !at->only_words && word[0] == '-' && word[1] != 0;
    const cli_option *option = is_option ? find_option(at, word) : NULL;
    if (!is_option)
      take_word(at, word);
    else if (strcmp(word, "--") == 0)
      at->only_words = true;
    else if (takes_next(option, word) && ++i + 1 == at->count)
      at->option = option;
  }
}

/* Takes the quotes off; a word is never cut inside of them. */
static bool unquote(cursor *at, fsm_arena *arena) {
  const char *last = at->words[at->count - 1],
             *cut = cli_unquote(arena, fsm_arena_strndup(arena, last, at->cut), &at->open);
  if (cut == NULL) return false;
  at->cut = strlen(cut);
  for (size_t i = 0; i < at->count; i++)
    if ((at->words[i] = cli_unquote(arena, at->words[i], &at->open)) == NULL) return false;
  return true;
}

/* ---- what may stand there --------------------------------------------------------------------------- */

/* One with a control character would break the line, and a terminal: it is for who can type it. */
static bool shows(const char *text) {
  fsm_buf safe = {0};
  cli_escape(&safe, text, strlen(text));
  const bool same = safe.len == strlen(text) && memcmp(safe.data, text, safe.len) == 0;
  fsm_buf_free(&safe);
  return same;
}

static void offer(cli_run *cli, const cursor *at, const char *before, const char *candidate, size_t len) {
  const char *typed = at->words[at->count - 1],
             *whole = fsm_arena_printf(&cli->arena, "%s%.*s", before, (int)len, candidate);
  if (whole == NULL || strncmp(whole, typed, strlen(typed)) != 0 || !shows(whole)) return;
  whole += at->cut < strlen(whole) ? at->cut : strlen(whole);
  if (!at->quotes)
    fsm_buf_str(&cli->text, whole);
  else if (!cli_quote(&cli->text, whole, at->open))
    return;
  fsm_buf_char(&cli->text, '\n');
}

/* "mermaid, dot or svg; mermaid": the words before the semicolon. */
static void offer_listed(cli_run *cli, const cursor *at, const char *before, const char *help) {
  const char *end = help + strcspn(help, ";");
  while (help < end) {
    const size_t len = strcspn(help, ", ;");
    if (len > 0 && strncmp(help, "or ", 3) != 0) offer(cli, at, before, help, len);
    help += len + strspn(help + len, ", ");
    if (len == 0) help++;
  }
}

static void offer_flags(cli_run *cli, const cursor *at) {
  const cli_option *tables[] = {at->command == NULL ? NULL : at->command->options, cli_global_options};
  for (size_t t = 0; t < 2; t++)
    for (const cli_option *option = tables[t]; option != NULL && option->name != NULL; option++) {
      if (t == 1 && tables[0] != NULL &&
          option_named(tables[0], fsm_arena_printf(&cli->arena, "--%s", option->name)) != NULL)
        continue;
      offer(cli, at, "--", option->name, strlen(option->name));
    }
}

static void offer_names(cli_run *cli, const cursor *at) {
  const char *last = "", *group = at->group == NULL ? "" : at->group;
  for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
    const bool inside = strcmp((*command)->group, group) == 0;
    const char *name = inside ? (*command)->name : *group == 0 ? (*command)->group : NULL;
    if (name == NULL || strcmp(name, last) == 0) continue;
    offer(cli, at, "", name, strlen(name));
    last = name;
  }
  if (*group == 0) offer(cli, at, "", "help", strlen("help"));
  const bool topics = *group == 0 && at->count > 1 && strcmp(at->words[at->count - 2], "help") == 0;
  for (const cli_topic *topic = cli_topics; topics && topic->name != NULL; topic++)
    offer(cli, at, "", topic->name, strlen(topic->name));
}

/* What a word is called in the usage line, without what is around it: "[FILE]..." is FILE. */
static bool word_called(const cli_command *command, size_t position, char *out, size_t size) {
  const char *word = command->words;
  for (;; position--) {
    word += strspn(word, " [");
    const size_t len = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), whole = strcspn(word, " ");
    const bool again = strstr(word, "...") != NULL &&
                       strcspn(word + whole, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == strlen(word + whole);
    if (*word == 0 || *word == '-') return false;
    if (position == 0 || again) {
      if (len == 0 || len >= size) return false;
      memcpy(out, word, len);
      out[len] = 0;
      return true;
    }
    word += whole;
  }
}

static bool is_file(const char *takes) {
  static const char *const names[] = {"FILE", "DIR", "PATH", "SCRIPT", "BACKUP"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(takes, names[i]) == 0) return true;
  return false;
}

/* Lists that are the same everywhere. */
static const char *fixed(const char *takes, const cli_option *option) {
  static const struct {
    const char *takes, *list;
  } lists[] = {{"STATUS", "running paused incident completed cancelled open done failed forced"},
               {"FIELD", "created updated age id key -created -updated -age -id -key"},
               {"DUR", "10m 1h 1d"},
               {"TIME", "today yesterday 1h 1d 3d"},
               {"SHELL", "bash zsh fish"}};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    if (strcmp(takes, lists[i].takes) == 0) return lists[i].list;
  return option != NULL && strcmp(takes, "FORMAT") == 0 ? option->help : NULL;
}

static bool is_global(const cli_option *option) {
  for (const cli_option *one = cli_global_options; one->name != NULL; one++)
    if (one == option) return true;
  return false;
}

static void offer_value(cli_run *cli, const cursor *at, const char *before, const char *takes) {
  const bool global = is_global(at->option);
  const unsigned formats =
      at->command == NULL || at->command->formats == 0 ? CLI_FORMATS_PLAIN : at->command->formats;
  const char *list = fixed(takes, at->option);
  if (global && strcmp(takes, "FORMAT") == 0) list = cli_formats_text(&cli->arena, formats);
  if (list != NULL) {
    offer_listed(cli, at, before, list);
  } else if (is_file(takes)) {
    fsm_buf_str(&cli->text, ":files\n");
  } else {
    const cli_asked asked = {.takes = takes,
                             .group = at->command == NULL ? "" : at->command->group,
                             .typed = at->words[at->count - 1] + strlen(before),
                             .profile = global && strcmp(takes, "NAME") == 0};
    const char *const *found = cli_complete_ask(cli, &asked);
    /* a word that begins with - would be an option, but for the value of one and behind -- */
    const bool any = at->option != NULL || at->only_words;
    for (; found != NULL && *found != NULL; found++)
      if (any || **found != '-') offer(cli, at, before, *found, strlen(*found));
  }
}

void cli_complete(cli_run *cli, char *const *words, bool quotes) {
  cursor at = {.quotes = quotes};
  char takes[TAKES_MAX] = "";
  put_together(&at, &cli->arena, words);
  if (at.count == 0 || (quotes && !unquote(&at, &cli->arena))) return;
  walk(&at);
  cli->command = at.command;
  cli_complete_read(cli, at.words, at.count - 1);
  const char *typed = at.words[at.count - 1], *before = "";
  if (at.option == NULL && !at.only_words && strncmp(typed, "--", 2) == 0 && strchr(typed, '=') != NULL) {
    at.option = find_option(&at, typed);
    before = fsm_arena_strndup(&cli->arena, typed, strcspn(typed, "=") + 1);
    if (at.option == NULL || at.option->value == NULL || before == NULL) return;
  }
  if (at.option != NULL)
    offer_value(cli, &at, before, at.option->value[0] == '[' ? "DUR" : at.option->value);
  else if (typed[0] == '-' && !at.only_words)
    offer_flags(cli, &at);
  else if (at.command == NULL)
    offer_names(cli, &at);
  else if (word_called(at.command, at.position, takes, sizeof takes))
    offer_value(cli, &at, "", takes);
}
