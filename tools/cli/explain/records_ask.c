/* records_ask.c: which records the options ask for, and the last or first ones of many, page by page. */
#include <stdlib.h>
#include <string.h>

#include "tools/cli/explain/records.h"
#include "tools/cli/show/times.h"

/* ---- options ------------------------------------------------------------------------------------ */

typedef struct asked {
  cli_run *cli;
  fsm_pair pairs[16];
  uint32_t count;
} asked;

static void put(asked *a, const char *name, fsm_value value) {
  FSM_ASSERT(a->count < sizeof a->pairs / sizeof *a->pairs);
  a->pairs[a->count++] = (fsm_pair){fsm_string(name), value};
}

static void put_text(asked *a, const char *name, const char *option) {
  const char *text = cli_args_get(&a->cli->args, option);
  if (text != NULL) put(a, name, fsm_string(text));
}

static fsm_code put_list(asked *a, const char *name, fsm_error *err) {
  size_t count = 0, n = 0;
  while (cli_args_nth(&a->cli->args, name, count) != NULL) count++;
  if (count == 0) return FSM_OK;
  fsm_value *items = fsm_arena_alloc(&a->cli->arena, count * sizeof *items);
  if (items == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for options");
  for (const char *text; (text = cli_args_nth(&a->cli->args, name, n)) != NULL; n++)
    items[n] = fsm_string(text);
  put(a, name, fsm_list(items, (uint32_t)count));
  return FSM_OK;
}

static fsm_code put_labels(asked *a, fsm_error *err) {
  enum { LABELS_MAX = 16 };
  fsm_value map;
  size_t count = 0;
  fsm_pair *pairs = fsm_arena_alloc(&a->cli->arena, LABELS_MAX * sizeof *pairs);
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for options");
  for (const char *text; (text = cli_args_nth(&a->cli->args, "label", count)) != NULL; count++) {
    const char *equals = strchr(text, '=');
    if (equals == NULL || count == LABELS_MAX)
      return fsm_fail(err, FSM_EARGUMENT, "label", "--label takes NAME=VALUE, up to %d of them, not %s",
                      LABELS_MAX, text);
    pairs[count] = (fsm_pair){fsm_stringn(text, (size_t)(equals - text)), fsm_string(equals + 1)};
  }
  if (count == 0) return FSM_OK;
  if (fsm_map(pairs, count, &map, NULL) != FSM_OK)
    return fsm_fail(err, FSM_EARGUMENT, "label", "a label is named twice");
  put(a, "labels", map);
  return FSM_OK;
}

/* Read here, so that a filter has a moment whatever it is relative to. */
static fsm_code put_time(asked *a, const char *name, fsm_error *err) {
  char text[40];
  int64_t ns = 0;
  if (cli_args_get(&a->cli->args, name) == NULL) return FSM_OK;
  fsm_code code = cli_args_time(&a->cli->args, name, 0, &ns, err);
  if (code != FSM_OK) return code;
  fsm_time_format(ns, text, sizeof text);
  const char *kept = fsm_arena_strdup(&a->cli->arena, text);
  if (kept == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for options");
  put(a, name, fsm_string(kept));
  return FSM_OK;
}

fsm_code cli_records_filter(cli_run *cli, fsm_value *out, bool *any, fsm_error *err) {
  asked a = {.cli = cli};
  int64_t level = 0;
  put_text(&a, "state", "state");
  put_text(&a, "event", "event");
  put_text(&a, "user", "user");
  put_text(&a, "correlation", "corr");
  put_text(&a, "trace", "trace");
  put_text(&a, "refusals", "refusals");
  put_text(&a, "where", "where");
  fsm_code code = put_list(&a, "machine", err);
  if (code == FSM_OK) code = put_list(&a, "kind", err);
  if (code == FSM_OK) code = put_labels(&a, err);
  if (code == FSM_OK) code = put_time(&a, "since", err);
  if (code == FSM_OK) code = put_time(&a, "until", err);
  if (code == FSM_OK) code = cli_args_number(&cli->args, "level", 0, UINT8_MAX, 0, &level, err);
  if (code != FSM_OK) return code;
  if (cli_args_has(&cli->args, "level")) put(&a, "level", fsm_int(level));
  fsm_pair *pairs = fsm_arena_alloc(&cli->arena, (a.count + 2) * sizeof *pairs); /* one more: the instance */
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for options");
  memcpy(pairs, a.pairs, a.count * sizeof *pairs);
  *any = a.count > 0;
  return fsm_map(pairs, a.count, out, err);
}

/* ---- many of them ------------------------------------------------------------------------------- */

typedef struct gathered {
  fsm_value *items; /* most; filled from the end or from the front */
  size_t most, count;
  const char *next;
  fsm_value seq;
  bool archived; /* older ones are not kept */
} gathered;

static fsm_code no_items(fsm_error *err) {
  return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no items; is that a fsmd?");
}

static void take(gathered *g, const fsm_value *items, bool back) {
  for (uint32_t i = 0; i < items->len && g->count < g->most; i++, g->count++) {
    const fsm_value *item = &items->items[back ? items->len - 1 - i : i];
    g->items[back ? g->most - 1 - g->count : g->count] = *item;
  }
}

static fsm_code gather(cli_run *cli, fsm_query query, gathered *g, bool back, fsm_error *err) {
  unsigned page = FSM_PAGE_MAX;
  g->next = back ? "now" : query.after;
  for (bool more = true; more && g->count < g->most;) {
    fsm_value document;
    query.limit = g->most - g->count < page ? (unsigned)(g->most - g->count) : page;
    *(back ? &query.before : &query.after) = g->next;
    fsm_code code = cli_source_query(&cli->source, &query, &cli->arena, &document, err);
    cli_progress_end(cli);
    if (code == FSM_ETOOLARGE && query.limit > 1) {
      page = query.limit / 2;
      continue;
    }
    if (code != FSM_OK) return code;
    const fsm_value *items = fsm_map_get(&document, "items"), *next = fsm_map_get(&document, "next"),
                    *seq = fsm_map_get(&document, "seq");
    if (items == NULL || !fsm_is(items, FSM_LIST)) return no_items(err);
    take(g, items, back);
    g->archived = g->archived || fsm_map_get(&document, "archived") != NULL;
    if (seq != NULL && fsm_is(&g->seq, FSM_NULL)) g->seq = *seq; /* what comes later is not among them */
    more = next != NULL && fsm_is(next, FSM_STRING);
    if (more && g->next != NULL && strcmp(g->next, next->s) == 0)
      return fsm_fail(err, FSM_EUNREACHABLE, "next", "the pages do not go on; is that a fsmd?");
    g->next = more ? next->s : NULL;
    if (more && g->count < g->most) cli_progress(cli, (int64_t)g->count, "records", &document);
  }
  return FSM_OK;
}

static fsm_code collect(cli_run *cli, const fsm_query *query, size_t most, bool back, fsm_value *out,
                        fsm_error *err) {
  gathered g = {.most = most, .seq = fsm_null()};
  FSM_ASSERT(most > 0 && most <= CLI_RECORDS_MAX);
  g.items = fsm_arena_alloc(&cli->arena, most * sizeof *g.items);
  fsm_pair *pairs = fsm_arena_alloc(&cli->arena, 4 * sizeof *pairs);
  if (g.items == NULL || pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for records");
  fsm_code code = gather(cli, *query, &g, back, err);
  if (code != FSM_OK) return code;
  pairs[0] =
      (fsm_pair){fsm_string("items"), fsm_list(g.items + (back ? most - g.count : 0), (uint32_t)g.count)};
  pairs[1] = (fsm_pair){fsm_string("next"), g.next != NULL ? fsm_string(g.next) : fsm_null()};
  pairs[2] = (fsm_pair){fsm_string("seq"), g.seq};
  pairs[3] = (fsm_pair){fsm_string("archived"), fsm_bool(true)};
  return fsm_map(pairs, g.archived ? 4 : 3, out, err);
}

fsm_code cli_records_last(cli_run *cli, const fsm_query *query, size_t most, fsm_value *out, fsm_error *err) {
  return collect(cli, query, most, true, out, err);
}

fsm_code cli_records_first(cli_run *cli, const fsm_query *query, size_t most, fsm_value *out,
                           fsm_error *err) {
  return collect(cli, query, most, false, out, err);
}
