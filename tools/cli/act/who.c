/* who.c: see who.h. */
#include "tools/cli/act/who.h"

#include <stdlib.h>
#include <string.h>

#include "tools/cli/find/list.h"
#include "tools/cli/input.h"

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for so many"); }

/* ---- what was said -------------------------------------------------------------------------------- */

bool cli_who_filtered(const cli_run *cli) {
  static const char *const statuses[] = {"open", "done", "failed", "paused", "forced"};
  for (unsigned field = 0; field < FSM_FILTER_FIELD_COUNT; field++) {
    const char *flag = fsm_filter_flag((fsm_filter_field)field);
    if (strcmp(flag, "corr") != 0 && cli_args_has(&cli->args, flag)) return true;
  }
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
    if (cli_args_has(&cli->args, statuses[i])) return true;
  return false;
}

fsm_code cli_who_read(cli_run *cli, const char *const *words, size_t count, cli_who *out, fsm_error *err) {
  *out = (cli_who){.words = words, .word_count = count, .filtered = cli_who_filtered(cli)};
  out->crowd = out->filtered || count > 1 || (count == 1 && strcmp(words[0], "-") == 0);
  if (out->filtered && count > 0)
    return fsm_fail(err, FSM_EARGUMENT, words[0], "either instances are named, or a FILTER says which");
  if (!out->filtered && count == 0)
    return fsm_fail(err, FSM_EARGUMENT, "",
                    "which? REF, several of them, - (stdin), or a FILTER as of ls: --open -m MACHINE");
  for (size_t i = 0; i < count && count > 1; i++)
    if (strcmp(words[i], "-") == 0) return fsm_fail(err, FSM_EARGUMENT, "-", "- (stdin) stands alone");
  return FSM_OK;
}

/* ---- collecting ----------------------------------------------------------------------------------- */

static fsm_code add(cli_who *who, const cli_one *one, fsm_error *err) {
  if (who->count == CLI_WHO_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "",
                    "more than %d instances in one run; narrow the FILTER, or --limit", CLI_WHO_MAX);
  if (who->count == who->room) {
    const size_t room = who->room > 0 ? 2 * who->room : 64;
    cli_one *grown = realloc(who->ones, room * sizeof *grown);
    if (grown == NULL) return nomem(err);
    who->ones = grown;
    who->room = room;
  }
  who->ones[who->count++] = *one;
  return FSM_OK;
}

static const char *kept(cli_run *cli, const fsm_value *document, const char *name) {
  const fsm_value *value = fsm_map_get(document, name);
  if (value == NULL) return "";
  if (fsm_is(value, FSM_STRING)) return fsm_arena_strndup(&cli->arena, value->s, value->len);
  fsm_arena scratch;
  fsm_arena_init(&scratch, 0);
  const char *text = fsm_arena_strdup(&cli->arena, cli_text(&scratch, value));
  fsm_arena_free(&scratch);
  return text;
}

/* The same for what many have alike: a text that was kept lately is kept once. */
static const char *shared(cli_run *cli, cli_who *who, const fsm_value *document, const char *name) {
  fsm_arena scratch;
  uint32_t hash = 2166136261u; /* FNV-1a */
  const fsm_value *value = fsm_map_get(document, name);
  if (value == NULL) return "";
  fsm_arena_init(&scratch, 0);
  const char *text = cli_text(&scratch, value);
  for (const char *c = text; *c != 0; c++) hash = (hash ^ (unsigned char)*c) * 16777619u;
  const char **place = &who->lately[hash % CLI_WHO_SHARED];
  if (*place == NULL || strcmp(*place, text) != 0) *place = fsm_arena_strdup(&cli->arena, text);
  fsm_arena_free(&scratch);
  return *place;
}

/* A row of a list, or the document of an instance. */
static fsm_code add_document(cli_run *cli, cli_who *who, const fsm_value *document, fsm_error *err) {
  const cli_one one = {.id = kept(cli, document, "id"),
                       .machine = shared(cli, who, document, "machine"),
                       .state = shared(cli, who, document, "state"),
                       .status = shared(cli, who, document, "status")};
  if (one.id == NULL || one.machine == NULL || one.state == NULL || one.status == NULL) return nomem(err);
  if (*one.id == 0) return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no id; is that a fsmd?");
  return add(who, &one, err);
}

/* A REF that is not there is kept with its fault; what the daemon cannot answer at all ends it. */
static fsm_code add_ref(cli_run *cli, cli_who *who, const char *ref, fsm_error *err) {
  fsm_arena scratch;
  fsm_value document;
  fsm_error fault = {.text = ""};
  const fsm_query query = {.kind = FSM_QUERY_INSTANCE, .ref = ref};
  fsm_arena_init(&scratch, 0);
  fsm_code code = cli_source_query(&cli->source, &query, &scratch, &document, &fault);
  if (code == FSM_OK) {
    code = add_document(cli, who, &document, err);
  } else if (fsm_code_exit(code) == 3) {
    fsm_error *keep = fsm_arena_alloc(&cli->arena, sizeof *keep);
    const cli_one one = {.id = fsm_arena_strdup(&cli->arena, ref), .fault = keep};
    if (keep != NULL) *keep = fault;
    code = keep != NULL && one.id != NULL ? add(who, &one, err) : nomem(err);
  } else {
    code = fsm_fail(err, code, fault.where, "%s", fault.text);
  }
  fsm_arena_free(&scratch);
  return code;
}

static fsm_code from_stdin(cli_run *cli, cli_who *who, fsm_error *err) {
  fsm_buf text = {0};
  fsm_code code = cli_read("-", CLI_WHO_STDIN_MAX, &text, err);
  const char *at = fsm_buf_text(&text);
  while (code == FSM_OK && *at != 0) {
    at += strspn(at, " \t\r\n");
    const size_t len = strcspn(at, " \t\r\n");
    char *ref = len > 0 ? fsm_arena_strndup(&cli->arena, at, len) : NULL;
    if (len > 0) code = ref != NULL ? add_ref(cli, who, ref, err) : nomem(err);
    at += strcspn(at, "\n");
  }
  fsm_buf_free(&text);
  return code;
}

static fsm_code from_words(cli_run *cli, cli_who *who, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < who->word_count && code == FSM_OK; i++) {
    cli->cut = NULL;
    code = cli_ref(cli, who->words[i], err);
    if (code == FSM_OK) code = cli_ref_check(cli, err);
    if (code == FSM_OK) code = add_ref(cli, who, cli->ref, err);
  }
  cli->cut = NULL;
  cli->ref = who->count == 1 ? who->ones[0].id : NULL;
  return code;
}

/* ---- a FILTER ------------------------------------------------------------------------------------- */

static fsm_code one_page(cli_run *cli, cli_who *who, fsm_query *query, fsm_arena *page, fsm_buf *next,
                         size_t limit, bool *more, fsm_error *err) {
  fsm_value document;
  fsm_code code = cli_source_query(&cli->source, query, page, &document, err);
  const fsm_value *items = code == FSM_OK ? fsm_map_get(&document, "items") : NULL;
  if (code == FSM_OK && (items == NULL || !fsm_is(items, FSM_LIST)))
    code = fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no items; is that a fsmd?");
  for (uint32_t i = 0; code == FSM_OK && i < items->len && who->count < limit; i++)
    code = add_document(cli, who, &items->items[i], err);
  if (code != FSM_OK) return code;
  cli_progress(cli, (int64_t)who->count, "instances", &document);
  const fsm_value *goes_on = fsm_map_get(&document, "next");
  *more = goes_on != NULL && fsm_is(goes_on, FSM_STRING) && who->count < limit;
  fsm_buf_reset(next);
  if (*more) fsm_buf_add(next, goes_on->s, goes_on->len);
  query->after = fsm_buf_text(next);
  return fsm_buf_ok(next) ? FSM_OK : nomem(err);
}

static fsm_code from_filter(cli_run *cli, cli_who *who, fsm_error *err) {
  int64_t limit = 0;
  fsm_filter *filter = NULL;
  fsm_arena page;
  fsm_buf next = {0};
  bool more = true;
  fsm_code code = cli_args_number(&cli->args, "limit", 1, CLI_WHO_MAX, CLI_WHO_MAX + 1, &limit, err);
  if (code == FSM_OK) code = cli_list_filter(cli, "corr", &filter, err);
  fsm_query query = {.kind = FSM_QUERY_LIST, .filter = filter, .limit = FSM_PAGE_MAX};
  fsm_arena_init(&page, 0);
  while (code == FSM_OK && more) {
    code = one_page(cli, who, &query, &page, &next, (size_t)limit, &more, err);
    fsm_arena_reset(&page);
  }
  cli_progress_end(cli);
  fsm_arena_free(&page);
  fsm_buf_free(&next);
  fsm_filter_free(filter);
  return code;
}

/* ---- each once ------------------------------------------------------------------------------------ */

typedef struct place {
  const char *id;
  size_t at;
} place;

static int by_id(const void *a, const void *b) {
  const place *x = a, *y = b;
  const int order = strcmp(x->id, y->id);
  return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static fsm_code drop_repeated(cli_who *who, fsm_error *err) {
  if (who->count < 2) return FSM_OK;
  place *places = malloc(who->count * sizeof *places);
  if (places == NULL) return nomem(err);
  for (size_t i = 0; i < who->count; i++) places[i] = (place){who->ones[i].id, i};
  qsort(places, who->count, sizeof *places, by_id);
  for (size_t i = 1; i < who->count; i++)
    if (strcmp(places[i].id, places[i - 1].id) == 0) who->ones[places[i].at].id = NULL;
  free(places);
  size_t n = 0;
  for (size_t i = 0; i < who->count; i++)
    if (who->ones[i].id != NULL) who->ones[n++] = who->ones[i];
  who->count = n;
  return FSM_OK;
}

void cli_who_free(cli_who *who) {
  free(who->ones);
  who->ones = NULL;
}

fsm_code cli_who_find(cli_run *cli, cli_who *who, fsm_error *err) {
  fsm_code code;
  if (who->filtered)
    code = from_filter(cli, who, err);
  else if (strcmp(who->words[0], "-") == 0)
    code = from_stdin(cli, who, err);
  else
    code = from_words(cli, who, err);
  if (code == FSM_OK) code = drop_repeated(who, err);
  if (code != FSM_OK || who->crowd) return code;
  const fsm_error *fault = who->ones[0].fault;
  return fault == NULL ? FSM_OK : fsm_fail(err, fault->code, fault->where, "%s", fault->text);
}
