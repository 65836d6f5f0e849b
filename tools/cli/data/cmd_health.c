/* cmd_health.c: fsm-cli health: does it work, how far is it, and does what it publishes arrive? */
#include <string.h>

#include "tools/cli/cli.h"

/* The order in which people ask; whatever else is there follows by name. */
static const char *const first_names[] = {"name",    "status",       "connected",  "seq",
                                          "applied", "lag",          "last_error", "incidents",
                                          "refused", "late_answers", "duplicates"};
enum { FIRST_COUNT = sizeof first_names / sizeof first_names[0] };

static bool is_first(const fsm_value *key) {
  for (size_t i = 0; i < FIRST_COUNT; i++)
    if (fsm_is_text(key, first_names[i])) return true;
  return false;
}

static void print_member(cli_run *cli, const char *label, const fsm_value *value) {
  cli_print_states(cli, cli_member_name(&cli->arena, label), cli_member(&cli->arena, label, value));
}

/* All members but the sinks; a sink's own name is the label of its first line. */
static void print_members(cli_run *cli, const fsm_value *map, bool of_sink) {
  for (size_t i = 0; i < FIRST_COUNT; i++)
    print_member(cli, of_sink && i == 0 ? "sink" : first_names[i], fsm_map_get(map, first_names[i]));
  for (uint32_t i = 0; i < map->len; i++) {
    const fsm_pair *pair = &map->pairs[i];
    if (!is_first(&pair->key) && !fsm_is_text(&pair->key, "sinks"))
      print_member(cli, cli_text(&cli->arena, &pair->key), &pair->value);
  }
}

static void print(cli_run *cli, const fsm_value *document) {
  const fsm_value *sinks = fsm_map_get(document, "sinks");
  if (cli->source.web == NULL) fsm_buf_str(&cli->text, "daemon:       none runs; this is of its files\n");
  print_members(cli, document, false);
  if (sinks == NULL || !fsm_is(sinks, FSM_LIST)) return;
  if (sinks->len == 0) fsm_buf_str(&cli->text, "sinks:        none: nothing is published\n");
  for (uint32_t i = 0; i < sinks->len; i++) {
    fsm_buf_char(&cli->text, '\n');
    if (fsm_is(&sinks->items[i], FSM_MAP)) print_members(cli, &sinks->items[i], true);
  }
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  fsm_query query = {.kind = FSM_QUERY_HEALTH};
  fsm_code code = cli_connect(cli, false, err);
  if (code == FSM_OK) code = cli_source_query(&cli->source, &query, &cli->arena, &document, err);
  if (code != FSM_OK) return code;
  const fsm_value *status = fsm_map_get(&document, "status");
  if (status == NULL || !fsm_is(status, FSM_STRING))
    return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no status; is that a fsmd?");
  if (cli->json) {
    code = cli_print_json(cli, &document, err);
  } else {
    print(cli, &document);
    code = cli_flush(cli, err);
  }
  /* the answer itself says what is wrong: no sentence */
  return code == FSM_OK && !fsm_is_text(status, "ok") ? FSM_EIO : code;
}

static const char *const examples[] = {"health", "--data /var/lib/fsmd health -o json", NULL};

extern const cli_command cli_health;
const cli_command cli_health = {
    .group = "",
    .heading = CLI_OTHER,
    .name = "health",
    .words = "",
    .summary = "is it well, how far is it, does what it publishes arrive",
    .more =
        "The exit status is 1 when it is not well. seq is the last record, applied the\n"
        "last one in the store, lag the records that a sink has not yet taken. Without a\n"
        "daemon its files are looked at: well means that they can be read.",
    .examples = examples,
    .reads = true,
    .run = run};
