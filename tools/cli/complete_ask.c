/* complete_ask.c: ids, machines, states, events, routes, sinks, profiles: what there is, asked in haste. */
#include "tools/cli/complete_ask.h"

#include <string.h>

#include "tools/cli/cli.h"
#include "tools/cli/complete.h"

#define PATIENCE_NS (INT64_C(1) * 1000000000)

/* As main reads them: options before the command's name are those of every command. */
static void read_args(cli_run *cli, char *const *argv, int count) {
  const size_t names = cli->command == NULL ? 0 : *cli->command->group != 0 ? 2 : 1;
  const cli_option *own = cli->command == NULL ? NULL : cli->command->options;
  int at = 0;
  for (size_t i = 0; i < names && at < count; i++, at++)
    if (cli_args_parse(&cli->args, NULL, cli_global_options, argv, &at, true, NULL) != FSM_OK) return;
  while (at < count) {
    const int before = at;
    if (cli_args_parse(&cli->args, own, cli_global_options, argv, &at, false, NULL) == FSM_OK) return;
    if (at == before) at++;
  }
}

void cli_complete_read(cli_run *cli, const char *const *words, size_t count) {
  char **argv = fsm_arena_zalloc(&cli->arena, count + 1, sizeof *argv);
  for (size_t i = 0; argv != NULL && i < count; i++) argv[i] = fsm_arena_strdup(&cli->arena, words[i]);
  if (argv != NULL) read_args(cli, argv, (int)count);
  if (cli_profile_load(cli, NULL) != FSM_OK) cli->profile = (cli_profile){0};
}

/* As it is, not as it is shown; NULL = it has none, or one that is no word. */
static const char *text_of(cli_run *cli, const fsm_value *item, const char *name) {
  const fsm_value *text = fsm_map_get(item, name);
  if (text == NULL || !fsm_is(text, FSM_STRING) || text->len == 0 || memchr(text->s, 0, text->len) != NULL)
    return NULL;
  return fsm_arena_strndup(&cli->arena, text->s, text->len);
}

/* The texts of a member of each item, those that begin as typed. */
static const char *const *members(cli_run *cli, const fsm_value *document, const char *name,
                                  const char *typed) {
  const fsm_value *events = fsm_map_get(document, "events");
  const fsm_value *items = events != NULL ? events : fsm_map_get(document, "items");
  const char **found = fsm_arena_zalloc(&cli->arena, CLI_CANDIDATES_MAX + 1, sizeof *found);
  size_t count = 0;
  if (items == NULL || !fsm_is(items, FSM_LIST) || found == NULL) return NULL;
  for (uint32_t i = 0; i < items->len && count < CLI_CANDIDATES_MAX; i++) {
    const char *text = text_of(cli, &items->items[i], name);
    if (text != NULL && strncmp(text, typed, strlen(typed)) == 0) found[count++] = text;
  }
  return found;
}

/* An id that nobody listed, when it is the only one that begins so. */
static const char *const *the_one(cli_run *cli, const char *typed) {
  const fsm_query query = {.kind = FSM_QUERY_INSTANCE, .ref = typed};
  const char **found = fsm_arena_zalloc(&cli->arena, 2, sizeof *found);
  fsm_value document;
  if (found == NULL || *typed == 0 ||
      cli_source_query(&cli->source, &query, &cli->arena, &document, NULL) != FSM_OK)
    return NULL;
  found[0] = text_of(cli, &document, "id");
  return found;
}

static const char *const *ids(cli_run *cli, const char *typed) {
  const fsm_query query = {.kind = FSM_QUERY_LIST, .limit = CLI_CANDIDATES_MAX};
  fsm_value document;
  if (cli_source_query(&cli->source, &query, &cli->arena, &document, NULL) != FSM_OK) return NULL;
  const char *const *found = members(cli, &document, "id", typed);
  return found != NULL && *found != NULL ? found : the_one(cli, typed);
}

static const char *const *asked_of(cli_run *cli, const fsm_query *query, const char *name,
                                   const char *typed) {
  fsm_value document;
  if (cli_source_query(&cli->source, query, &cli->arena, &document, NULL) != FSM_OK) return NULL;
  return members(cli, &document, name, typed);
}

static const char *const *sinks(cli_run *cli, const char *typed) {
  fsm_value document;
  if (cli_source_get(&cli->source, "/v1/sinks", &cli->arena, &document, NULL) != FSM_OK) return NULL;
  return members(cli, &document, "name", typed);
}

static bool is(const cli_asked *asked, const char *takes) { return strcmp(asked->takes, takes) == 0; }

const char *const *cli_complete_ask(cli_run *cli, const cli_asked *asked) {
  static const char *const known[] = {"REF", "MACHINE", "STATE", "EVENT", "SINK", "NAME", "INSTANCE"};
  bool asks = false;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) asks |= is(asked, known[i]);
  if (asked->profile) return cli_profile_names(&cli->arena);
  cli->hasty_ns = PATIENCE_NS;
  if (!asks || cli_connect(cli, true, NULL) != FSM_OK || cli->source.web == NULL) return NULL; /* no files */
  if (is(asked, "REF") || is(asked, "INSTANCE")) return ids(cli, asked->typed);
  if (is(asked, "SINK")) return sinks(cli, asked->typed);
  fsm_query query = {.kind = FSM_QUERY_MACHINES, .limit = FSM_PAGE_MAX};
  if (is(asked, "MACHINE")) return asked_of(cli, &query, "id", asked->typed);
  query = (fsm_query){.kind = FSM_QUERY_COUNTS, .machine = cli_args_get(&cli->args, "machine")};
  if (is(asked, "STATE")) return asked_of(cli, &query, "state", asked->typed);
  query = (fsm_query){.kind = FSM_QUERY_EVENTS, .ref = cli->args.word_count > 0 ? cli->args.words[0] : NULL};
  if (is(asked, "EVENT")) return query.ref == NULL ? NULL : asked_of(cli, &query, "event", asked->typed);
  query = (fsm_query){.kind = FSM_QUERY_ROUTES};
  return strcmp(asked->group, "route") == 0 ? asked_of(cli, &query, "name", asked->typed) : NULL;
}
