/* cmd_log.c: fsm-cli log: what happened, who did it, and what was refused: of an instance, or of what options
 * ask for. The newest is last; without --all the last ones. */
#include <stdlib.h>
#include <string.h>

#include "tools/cli/explain/follow.h"
#include "tools/cli/explain/records.h"

enum { LAST_OF_ONE = 1000, LAST_OF_MANY = 100 };

typedef struct logged {
  cli_run *cli;
  cli_pages pages;
  cli_export *export; /* --format */
  bool all, follow;
  int64_t last; /* so many */
} logged;

/* ---- which records -------------------------------------------------------------------------------- */

static fsm_code instance_id(cli_run *cli, const char **id, fsm_error *err) {
  fsm_value document;
  const fsm_query query = {.kind = FSM_QUERY_INSTANCE, .ref = cli->ref};
  fsm_code code = cli_source_query(&cli->source, &query, &cli->arena, &document, err);
  const fsm_value *whole = code == FSM_OK ? fsm_map_get(&document, "id") : NULL;
  *id = whole != NULL && fsm_is(whole, FSM_STRING) ? whole->s : cli->ref;
  return code;
}

/* Records whose instance is that; its row is not needed. */
static fsm_code by_instance(fsm_query *query, const char *id, fsm_arena *arena, fsm_error *err) {
  const uint32_t count = query->records.len;
  fsm_pair *pairs = fsm_arena_alloc(arena, (count + 1) * sizeof *pairs);
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for options");
  if (count > 0) memcpy(pairs, query->records.pairs, count * sizeof *pairs);
  pairs[count] = (fsm_pair){fsm_string("instance"), fsm_string(id)};
  query->kind = FSM_QUERY_RECORDS;
  query->ref = NULL;
  return fsm_map(pairs, count + 1, &query->records, err);
}

/* One instance without a filter is its history. */
static fsm_code choose(logged *l, bool filtered, fsm_error *err) {
  fsm_query *query = &l->pages.query;
  const char *id = NULL;
  query->kind = l->cli->ref == NULL || filtered ? FSM_QUERY_RECORDS : FSM_QUERY_HISTORY;
  query->ref = filtered ? NULL : l->cli->ref;
  if (l->cli->ref == NULL || !filtered) return FSM_OK;
  fsm_code code = instance_id(l->cli, &id, err);
  return code == FSM_OK ? by_instance(query, id, &l->cli->arena, err) : code;
}

/* A place in the filter is that of its option, whoever says it. */
static fsm_code of_option(fsm_code code, fsm_error *err) {
  if (code == FSM_OK || (err->where[0] != '/' && err->where[0] != '?')) return code;
  char name[FSM_WHERE_MAX] = "";
  const size_t len = strcspn(err->where + 1, "/");
  memcpy(name, err->where + 1, len);
  const bool corr = strcmp(name, "correlation") == 0, labels = strcmp(name, "labels") == 0;
  fsm_error why = *err;
  return fsm_fail(err, code, corr ? "corr" : labels ? "label" : name, "%s", why.text);
}

/* The first answer. An instance that left the store is known by its whole id alone: its records are asked
 * for. */
static fsm_code ask(logged *l, fsm_value *document, fsm_error *err) {
  cli_run *cli = l->cli;
  fsm_query *query = &l->pages.query;
  fsm_error why = {.text = ""};
  const size_t most = l->all ? 1 : (size_t)l->last;
  fsm_code code = cli_records_last(cli, query, most, document, &why);
  if (code == FSM_EINSTANCE && query->kind == FSM_QUERY_HISTORY && strstr(cli->ref, "/key:") == NULL) {
    const fsm_value problem = cli->source.problem;
    code = by_instance(query, cli->ref, &cli->arena, err);
    if (code == FSM_OK) code = cli_records_last(cli, query, most, document, err);
    if (code != FSM_OK || fsm_map_get(document, "items")->len > 0) return code;
    cli->source.problem = problem;
    code = FSM_EINSTANCE;
  }
  return code == FSM_OK ? code : of_option(fsm_fail(err, code, why.where, "%s", why.text), err);
}

/* ---- following ------------------------------------------------------------------------------------ */

/* An instance is followed by its id: a history has no stream. */
static fsm_code follow(logged *l, const fsm_value *document, fsm_error *err) {
  const fsm_value *seq = fsm_map_get(document, "seq");
  const char *id = NULL;
  int64_t after = 0;
  fsm_code code = FSM_OK;
  if (seq == NULL || !cli_number(seq, &after))
    return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no seq; is that a fsmd?");
  if (l->pages.query.kind == FSM_QUERY_HISTORY) {
    code = instance_id(l->cli, &id, err);
    if (code == FSM_OK) code = by_instance(&l->pages.query, id, &l->cli->arena, err);
  }
  return code == FSM_OK ? cli_follow(l->cli, &l->pages, document, (uint64_t)after, err) : code;
}

/* ---- the command ---------------------------------------------------------------------------------- */

static fsm_code check(logged *l, fsm_error *err) {
  cli_run *cli = l->cli;
  const char *format = cli_args_get(&cli->args, "format");
  l->all = cli_args_has(&cli->args, "all");
  l->follow = cli_args_has(&cli->args, "follow");
  if (l->all && (l->follow || cli_args_has(&cli->args, "limit")))
    return fsm_fail(err, FSM_EARGUMENT, "all", "--all and %s exclude each other",
                    l->follow ? "--follow" : "--limit");
  if (l->follow && cli->format != CLI_TABLE && cli->format != CLI_WIDE && cli->format != CLI_JSONL)
    return fsm_fail(err, FSM_EARGUMENT, "follow", "--follow has no end: it takes -o table, wide or jsonl");
  if (l->follow && cli_args_has(&cli->args, "until"))
    return fsm_fail(err, FSM_EARGUMENT, "follow", "--follow has no end: leave --until out");
  if (l->follow && format != NULL && strcmp(format, "xes") == 0)
    return fsm_fail(err, FSM_EARGUMENT, "follow", "--follow has no end, and xes is one document: take json");
  if (format != NULL && (cli->format != CLI_TABLE || cli_args_has(&cli->args, "full")))
    return fsm_fail(err, FSM_EARGUMENT, "format", "--format is a form of its own: without -o and --full");
  const int64_t usual = cli->ref != NULL ? LAST_OF_ONE : LAST_OF_MANY;
  fsm_code code = cli_args_number(&cli->args, "limit", 1, CLI_RECORDS_MAX, usual, &l->last, err);
  if (code == FSM_OK && format != NULL) code = cli_export_new(format, &l->export, err);
  if (code == FSM_OK && format != NULL) cli_export_show(cli, l->export, &l->pages);
  return code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  logged l = {.cli = cli};
  fsm_value document;
  bool filtered = false;
  fsm_code code = cli->args.word_count > 0 ? cli_ref(cli, cli->args.words[0], err) : FSM_OK;
  cli_records_show(&l.pages, cli_args_has(&cli->args, "full"));
  l.pages.query.brief = l.pages.columns != NULL && !cli_args_has(&cli->args, "format") &&
                        cli->format != CLI_JSON && cli->format != CLI_JSONL;
  l.pages.tip = "--limit N or --all";
  if (code == FSM_OK) code = cli_records_filter(cli, &l.pages.query.records, &filtered, err);
  if (code == FSM_OK) code = check(&l, err);
  if (code == FSM_OK) code = cli_connect(cli, false, err);
  if (code == FSM_OK && cli->ref != NULL) code = cli_ref_check(cli, err);
  if (code == FSM_OK) code = choose(&l, filtered, err);
  if (code == FSM_OK) code = ask(&l, &document, err);
  if (code == FSM_OK)
    code = l.follow ? follow(&l, &document, err)
           : l.all  ? cli_pages_print(cli, &l.pages, err)
                    : cli_items_print(cli, &l.pages, &document, err);
  if (code == FSM_OK && l.export != NULL) code = cli_export_end(cli, l.export, err);
  cli_export_free(l.export);
  return code;
}

static const cli_option options[] = {
    CLI_RECORDS_FILTER,
    {"limit", 0, "N", "the last N, up to 10000; 1000 of an instance, else 100", false},
    {"all", 0, NULL, "all of them, from the first on", false},
    {"follow", 'f', NULL, "and those to come as they are written, until it is ended", false},
    {"full", 0, NULL, "every field of every record", false},
    {"format", 0, "FORMAT", "json, seed, ecs, otlp, cloudevents, csv, or xes for process mining", false},
    {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"log doc-17",
                                       "log document-approval/key:INV-7 --full",
                                       "log -u ana --corr case-7",
                                       "log -m document-approval --refusals only --since 1d",
                                       "log doc-17 -f",
                                       "log -m document-approval --all --format xes",
                                       NULL};

extern const cli_command cli_log;
const cli_command cli_log = {
    .group = "",
    .heading = CLI_EXPLAIN,
    .name = "log",
    .words = "[REF]",
    .summary = "what happened, by whom, and what was refused",
    .more = "Of an instance, of what options ask for, or of all; the newest is last.",
    .options = options,
    .examples = examples,
    .words_max = 1,
    .formats = CLI_FORMATS_LIST,
    .reads = true,
    .run = run};
