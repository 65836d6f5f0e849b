/* args.c: the argument parser. One word is looked at once, from left to right. */
#include "tools/cli/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cli/nearest.h"

static const cli_option *find_name(const cli_option *table, const char *name, size_t len) {
  for (; table != NULL && table->name != NULL; table++)
    if (strlen(table->name) == len && memcmp(table->name, name, len) == 0) return table;
  return NULL;
}

static const cli_option *find_letter(const cli_option *table, char letter) {
  for (; table != NULL && table->name != NULL; table++)
    if (table->letter == letter) return table;
  return NULL;
}

static size_t collect(const cli_option *table, const char **names, size_t count, size_t max) {
  for (; table != NULL && table->name != NULL && count < max; table++) names[count++] = table->name;
  return count;
}

static fsm_code unknown(const char *word, const char *name, const cli_option *own, const cli_option *global,
                        fsm_error *err) {
  const char *names[CLI_OPTIONS_MAX];
  size_t count = collect(own, names, 0, CLI_OPTIONS_MAX);
  count = collect(global, names, count, CLI_OPTIONS_MAX);
  const char *near = name == NULL ? NULL : cli_nearest(name, names, count);
  if (near == NULL) return fsm_fail(err, FSM_EARGUMENT, word, "there is no such option");
  return fsm_fail(err, FSM_EARGUMENT, word, "there is no such option; did you mean --%s?", near);
}

static const char *value_of(const cli_args *args, const cli_option *option) {
  for (size_t i = 0; i < args->option_count; i++)
    if (args->options[i].option == option) return args->options[i].value;
  return NULL;
}

static fsm_code keep(cli_args *args, const cli_option *option, const char *value, fsm_error *err) {
  if (!option->repeats && value_of(args, option) != NULL)
    return fsm_fail(err, FSM_EARGUMENT, option->name, "--%s is given twice", option->name);
  if (args->option_count == CLI_OPTIONS_MAX)
    return fsm_fail(err, FSM_EARGUMENT, option->name, "more than %d options", CLI_OPTIONS_MAX);
  args->options[args->option_count].option = option;
  args->options[args->option_count++].value = value;
  return FSM_OK;
}

/* 5s, 500ms, 2m: not what an id in hexadecimal digits begins with. */
static bool is_span(const char *word) {
  if (word == NULL) return false;
  const size_t len = strspn(word, "0123456789");
  return len > 0 &&
         (strcmp(word + len, "s") == 0 || strcmp(word + len, "ms") == 0 || strcmp(word + len, "m") == 0);
}

/* Takes the value of an option: attached (`=VALUE`, `-nVALUE`) or the next word. */
static fsm_code take(cli_args *args, const cli_option *option, const char *attached, char *const *argv,
                     int *at, fsm_error *err) {
  if (option->value == NULL) {
    if (attached != NULL)
      return fsm_fail(err, FSM_EARGUMENT, option->name, "--%s takes no value", option->name);
    return keep(args, option, "", err);
  }
  if (option->value[0] == '[' && attached == NULL && !is_span(argv[*at])) return keep(args, option, "", err);
  if (attached == NULL) attached = argv[*at];
  if (attached == NULL)
    return fsm_fail(err, FSM_EARGUMENT, option->name, "--%s needs a value: %s", option->name, option->value);
  if (attached == argv[*at]) (*at)++;
  return keep(args, option, attached, err);
}

static fsm_code parse_long(cli_args *args, const cli_option *own, const cli_option *global, char *const *argv,
                           int *at, fsm_error *err) {
  const char *word = argv[(*at)++], *name = word + 2, *equals = strchr(name, '=');
  size_t len = equals == NULL ? strlen(name) : (size_t)(equals - name);
  const cli_option *option = find_name(own, name, len);
  if (option == NULL) option = find_name(global, name, len);
  if (option != NULL) return take(args, option, equals == NULL ? NULL : equals + 1, argv, at, err);
  char bare[64];
  bool fits = len < sizeof bare;
  if (fits) memcpy(bare, name, len), bare[len] = 0;
  return unknown(word, fits ? bare : NULL, own, global, err);
}

static fsm_code parse_short(cli_args *args, const cli_option *own, const cli_option *global,
                            char *const *argv, int *at, fsm_error *err) {
  const char *word = argv[(*at)++];
  const cli_option *option = find_letter(own, word[1]);
  if (option == NULL) option = find_letter(global, word[1]);
  if (option == NULL) return unknown(word, word[2] == 0 ? NULL : word + 1, own, global, err);
  return take(args, option, word[2] == 0 ? NULL : word + 2, argv, at, err);
}

static fsm_code keep_word(cli_args *args, const char *word, fsm_error *err) {
  if (args->word_count == CLI_WORDS_MAX)
    return fsm_fail(err, FSM_EARGUMENT, word, "more than %d words", CLI_WORDS_MAX);
  args->words[args->word_count++] = word;
  return FSM_OK;
}

fsm_code cli_args_parse(cli_args *args, const cli_option *own, const cli_option *global, char *const *argv,
                        int *at, bool stop_at_word, fsm_error *err) {
  FSM_ASSERT(args != NULL && argv != NULL && at != NULL);
  bool only_words = false;
  fsm_code code = FSM_OK;
  while (code == FSM_OK && argv[*at] != NULL) {
    const char *word = argv[*at];
    if (only_words || word[0] != '-' || word[1] == 0) {
      if (stop_at_word) return FSM_OK;
      (*at)++;
      code = keep_word(args, word, err);
    } else if (strcmp(word, "--") == 0) {
      (*at)++;
      only_words = true;
    } else if (word[1] == '-') {
      code = parse_long(args, own, global, argv, at, err);
    } else {
      code = parse_short(args, own, global, argv, at, err);
    }
  }
  return code;
}

const char *cli_args_nth(const cli_args *args, const char *name, size_t index) {
  for (size_t i = 0; i < args->option_count; i++)
    if (strcmp(args->options[i].option->name, name) == 0 && index-- == 0) return args->options[i].value;
  return NULL;
}

const char *cli_args_from(const cli_args *args, const cli_option *table, const char *name) {
  const cli_option *option = find_name(table, name, strlen(name));
  return option == NULL ? NULL : value_of(args, option);
}

const char *cli_args_get(const cli_args *args, const char *name) { return cli_args_nth(args, name, 0); }

bool cli_args_has(const cli_args *args, const char *name) { return cli_args_get(args, name) != NULL; }

fsm_code cli_args_number(const cli_args *args, const char *name, int64_t min, int64_t max, int64_t if_absent,
                         int64_t *out, fsm_error *err) {
  const char *text = cli_args_get(args, name);
  if (text == NULL) {
    *out = if_absent;
    return FSM_OK;
  }
  char *end = NULL;
  errno = 0;
  long long number = strtoll(text, &end, 10);
  bool plain = (*text >= '0' && *text <= '9') || *text == '-';
  if (!plain || *end != 0 || errno != 0 || number < min || number > max)
    return fsm_fail(err, FSM_EARGUMENT, name, "--%s takes a whole number from %lld to %lld, not \"%s\"", name,
                    (long long)min, (long long)max, text);
  *out = number;
  return FSM_OK;
}
