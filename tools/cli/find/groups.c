/* groups.c: ls --group-by. A large store is told in parts, each of as many instances as a request looks at:
 * what has the same values is added up here, as runtime/query_groups.c says. */
#include "tools/cli/find/groups.h"

#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = 10000, FIELDS_MAX = 4, NUMBERS = 6 };

typedef struct group {
  fsm_value by;
  const char *oldest;
  int64_t oldest_ns, count, n;
  double sum, min, max;
} group;

typedef struct groups {
  fsm_arena *arena;
  group *at;
  unsigned count;
} groups;

static double number_of(const fsm_value *map, const char *name) {
  const fsm_value *value = fsm_map_get(map, name);
  if (value == NULL) return 0;
  return fsm_is(value, FSM_DOUBLE) ? value->d : fsm_is(value, FSM_INT) ? (double)value->i : 0;
}

static fsm_code group_of(groups *all, const fsm_value *by, group **out, fsm_error *err) {
  for (unsigned i = 0; i < all->count; i++)
    if (fsm_value_same(&all->at[i].by, by)) return *out = &all->at[i], FSM_OK;
  if (all->count == GROUPS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "group-by", "more than %d groups: group by less, or filter",
                    GROUPS_MAX);
  *out = &all->at[all->count++];
  **out = (group){.oldest = ""};
  return fsm_value_copy(all->arena, by, &(*out)->by, err);
}

static fsm_code add(groups *all, const fsm_value *item, fsm_error *err) {
  const fsm_value *by = fsm_map_get(item, "by"), *sum = fsm_map_get(item, "sum");
  const fsm_value *oldest = fsm_map_get(item, "oldest");
  int64_t count = 0, n = 0, oldest_ns = 0;
  group *to = NULL;
  if (by == NULL || !fsm_is(by, FSM_MAP) || !cli_number(fsm_map_get(item, "count"), &count))
    return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no groups; is that a fsmd?");
  fsm_code code = group_of(all, by, &to, err);
  if (code != FSM_OK) return code;
  to->count += count;
  /* As numbers: as texts 00.5Z would come before 00Z. */
  if (oldest != NULL && cli_time_ns(oldest, &oldest_ns) && (*to->oldest == 0 || oldest_ns < to->oldest_ns)) {
    const char *text = fsm_arena_strndup(all->arena, oldest->s, oldest->len);
    if (text == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for groups");
    to->oldest = text;
    to->oldest_ns = oldest_ns;
  }
  if (sum == NULL || !fsm_is(sum, FSM_MAP) || !cli_number(fsm_map_get(sum, "count"), &n) || n == 0)
    return FSM_OK;
  const double min = number_of(sum, "min"), max = number_of(sum, "max");
  if (to->n == 0 || min < to->min) to->min = min;
  if (to->n == 0 || max > to->max) to->max = max;
  to->sum += number_of(sum, "sum");
  to->n += n;
  return FSM_OK;
}

/* ---- one document ---------------------------------------------------------------------------------------
 */

static int by_count(const void *a, const void *b) {
  const group *x = a, *y = b;
  if (x->count != y->count) return x->count < y->count ? 1 : -1;
  return fsm_value_compare(&x->by, &y->by);
}

static fsm_code view_of(const groups *all, const group *g, bool sums, fsm_value *out, fsm_error *err) {
  fsm_pair numbers[] = {{fsm_string("count"), fsm_int(g->n)},
                        {fsm_string("max"), fsm_double(g->max)},
                        {fsm_string("mean"), fsm_double(g->n > 0 ? g->sum / (double)g->n : 0)},
                        {fsm_string("min"), fsm_double(g->min)},
                        {fsm_string("sum"), fsm_double(g->sum)}};
  fsm_value sum = {.type = FSM_MAP, .len = 5, .pairs = numbers};
  if (g->n == 0) sum = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &numbers[0]};
  fsm_pair pairs[] = {{fsm_string("by"), g->by},
                      {fsm_string("count"), fsm_int(g->count)},
                      {fsm_string("oldest"), fsm_string(g->oldest)},
                      {fsm_string("sum"), sum}};
  const fsm_value view = {.type = FSM_MAP, .len = sums ? 4 : 3, .pairs = pairs};
  return fsm_value_copy(all->arena, &view, out, err);
}

static fsm_code document_of(groups *all, const fsm_value *last, bool sums, fsm_value *out, fsm_error *err) {
  fsm_value *items = fsm_arena_alloc(all->arena, (all->count + 1) * sizeof *items);
  fsm_pair *pairs = fsm_arena_alloc(all->arena, 4 * sizeof *pairs);
  const fsm_value *now = fsm_map_get(last, "now"), *seq = fsm_map_get(last, "seq");
  if (items == NULL || pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the groups");
  qsort(all->at, all->count, sizeof *all->at, by_count);
  for (unsigned i = 0; i < all->count; i++) {
    fsm_code code = view_of(all, &all->at[i], sums, &items[i], err);
    if (code != FSM_OK) return code;
  }
  pairs[0] = (fsm_pair){fsm_string("items"), fsm_list(items, all->count)};
  pairs[1] = (fsm_pair){fsm_string("next"), fsm_null()};
  pairs[2] = (fsm_pair){fsm_string("now"), now != NULL ? *now : fsm_null()};
  pairs[3] = (fsm_pair){fsm_string("seq"), seq != NULL ? *seq : fsm_null()};
  *out = (fsm_value){.type = FSM_MAP, .len = 4, .pairs = pairs};
  return FSM_OK;
}

static fsm_code ask_all(cli_run *cli, const fsm_query *query, groups *all, fsm_value *out, fsm_error *err) {
  fsm_query asked = *query;
  for (;;) {
    fsm_value document;
    fsm_code code = cli_source_query(&cli->source, &asked, &cli->arena, &document, err);
    const fsm_value *items = code == FSM_OK ? fsm_map_get(&document, "items") : NULL;
    for (uint32_t i = 0; items != NULL && fsm_is(items, FSM_LIST) && i < items->len && code == FSM_OK; i++)
      code = add(all, &items->items[i], err);
    if (code != FSM_OK) return code;
    const fsm_value *next = fsm_map_get(&document, "next");
    if (next == NULL || !fsm_is(next, FSM_STRING))
      return document_of(all, &document, query->sum != NULL, out, err);
    asked.after = fsm_arena_strndup(&cli->arena, next->s, next->len);
    if (asked.after == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the groups");
  }
}

/* A field may be named as expressions name it. */
static const char *path_of(const char *sum) {
  static const char context[] = "context.";
  const bool named = sum != NULL && strncmp(sum, context, sizeof context - 1) == 0;
  return named ? sum + sizeof context - 1 : sum;
}

/* stats --sum has no choice of them. */
static const char *fields_of(const cli_run *cli) {
  const char *given = cli_args_get(&cli->args, "group-by");
  return given != NULL ? given : "machine,state";
}

/* ---- the table --------------------------------------------------------------------------------------------
 */

/* A fraction without what adding up and dividing left behind its digits: 41803.88, not 41803.880000000005. */
static const char *number_cell(fsm_arena *arena, const fsm_value *sum, const char *name) {
  if (sum == NULL || !fsm_is(sum, FSM_MAP)) return "";
  const fsm_value *number = fsm_map_get(sum, name);
  if (number == NULL || !fsm_is(number, FSM_DOUBLE)) return cli_field(arena, sum, name);
  const char *text = fsm_arena_printf(arena, "%.*g", strcmp(name, "mean") == 0 ? 8 : 12, number->d);
  return text != NULL ? text : "";
}

static void add_item(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                     const fsm_value *item) {
  const char *cells[FIELDS_MAX + NUMBERS];
  const fsm_value *by = fsm_map_get(item, "by"), *sum = fsm_map_get(item, "sum");
  const char *text = fields_of(cli);
  unsigned count = 0;
  int64_t age = 0;
  for (bool last = false; !last && count < FIELDS_MAX;) { /* in the order in which they were given */
    const size_t len = strcspn(text, ",");
    const char *name = fsm_arena_strndup(arena, text, len);
    cells[count++] = name != NULL ? cli_field(arena, by, name) : "";
    last = text[len] == 0;
    text += len + !last;
  }
  cells[count++] = cli_field(arena, item, "count");
  cells[count++] =
      cli_since(fsm_map_get(item, "oldest"), fsm_map_get(document, "now"), &age) ? cli_age(arena, age) : "";
  cells[count++] = number_cell(arena, sum, "sum");
  cells[count++] = number_cell(arena, sum, "min");
  cells[count++] = number_cell(arena, sum, "mean");
  cells[count++] = number_cell(arena, sum, "max");
  cli_table_row(table, cells);
}

static unsigned columns_of(cli_run *cli, cli_column out[FIELDS_MAX + NUMBERS]) {
  static const cli_column numbers[NUMBERS] = {
      {.title = "COUNT", .name = "count", .right = true},
      {.title = "OLDEST", .name = "oldest", .right = true},
      {.title = "SUM", .name = "sum.sum", .right = true, .if_any = true},
      {.title = "MIN", .name = "sum.min", .right = true, .if_any = true},
      {.title = "MEAN", .name = "sum.mean", .right = true, .if_any = true},
      {.title = "MAX", .name = "sum.max", .right = true, .if_any = true}};
  const char *text = fields_of(cli);
  unsigned count = 0;
  for (bool last = false; !last && count < FIELDS_MAX;) {
    const size_t len = strcspn(text, ",");
    char *title = fsm_arena_strndup(&cli->arena, text, len);
    for (char *t = title; t != NULL && *t != 0; t++)
      if (*t >= 'a' && *t <= 'z') *t = (char)(*t - 'a' + 'A');
    out[count] = (cli_column){.title = title != NULL ? title : "", .min = 10, .shrink = 1};
    out[count++].name = fsm_arena_strndup(&cli->arena, text, len);
    last = text[len] == 0;
    text += len + !last;
  }
  for (unsigned i = 0; i < NUMBERS; i++) out[count++] = numbers[i];
  return count;
}

fsm_code cli_groups_print(cli_run *cli, const cli_pages *pages, fsm_error *err) {
  cli_column columns[FIELDS_MAX + NUMBERS];
  groups all = {.arena = &cli->arena};
  cli_pages shown = *pages;
  fsm_value document;
  shown.query.kind = FSM_QUERY_GROUPS;
  shown.query.by = fields_of(cli);
  shown.query.sum = path_of(cli_args_get(&cli->args, "sum"));
  shown.query.with = NULL;
  all.at = fsm_arena_alloc(&cli->arena, GROUPS_MAX * sizeof *all.at);
  if (all.at == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the groups");
  fsm_code code = ask_all(cli, &shown.query, &all, &document, err);
  if (code != FSM_OK) return code;
  shown.columns = columns;
  shown.column_count = columns_of(cli, columns);
  shown.item = add_item;
  shown.noun = "groups";
  shown.max = 0;
  return cli_items_print(cli, &shown, &document, err);
}
