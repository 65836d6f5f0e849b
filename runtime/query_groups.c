/* query_groups.c: instances counted by what they have in common: FSM_QUERY_GROUPS.
 *
 * Each field is an expression over the row, read as `where` is, masks and all. A page looks at GROUP_LOOKS
 * times the rows of a list's page and tells what it counted there; then `next` goes on and whoever asks adds
 * up: count and sum.n, sum.sum are added, of sum.max the greater, of oldest and sum.min the lesser counts.
 * So a request is short and holds no row longer than it takes to look at it. */
#include <stdlib.h>
#include <string.h>

#include "runtime/query_page.h"
#include "runtime/query_walk.h"
#include "schema/json.h"
#include "schema/pack.h"

enum { GROUP_LOOKS = 4, FIELDS_MAX = 4, GROUPS_MAX = 10000, GROUP_NAME_MAX = 256, TEXT_MAX = 512, TABLE = 16384 };

typedef struct group {
  const char *key; /* the values, packed: a list */
  uint32_t key_len, hash;
  uint64_t count, sum_count;
  int64_t oldest_ns; /* since */
  double sum, min, max;
} group;

typedef struct groups {
  const char *names[FIELDS_MAX];
  fsm__condition fields[FIELDS_MAX], sum;
  unsigned field_count;
  bool sums;
  group *at;
  unsigned count;
  uint16_t *table; /* place of a group + 1, by hash */
  fsm_arena *arena;
  fsm_buf key;
} groups;

/* ---- fields ------------------------------------------------------------------------------------------- */

/* a.b → context.?a.?b: what is not there is null. */
static const char *path_text(fsm_arena *arena, const char *path) {
  const char *text = "context";
  for (size_t len; *path != '\0' && text != NULL; path += len + (path[len] == '.')) {
    len = strcspn(path, ".");
    const bool name =
        len > 0 && strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") >= len &&
        (path[0] < '0' || path[0] > '9');
    if (!name || (path[len] == '.' && path[len + 1] == '\0')) return "";
    text = fsm_arena_printf(arena, "%s.?%.*s", text, (int)len, path);
  }
  return text;
}

static fsm_code bad_field(const char *what, const char *field, fsm_error *err) {
  return fsm_fail(
      err, FSM_EARGUMENT, what,
      "\"%.64s\" is nothing to group by: state, machine, version, status, label:NAME, field:PATH (a "
      "path of names in the context: a.b)",
      field);
}

static fsm_code field_text(fsm_arena *arena, const char *field, const char **out, fsm_error *err) {
  static const char *const plain[] = {"machine", "status", "version"};
  fsm_buf quoted = {0};
  *out = NULL;
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (strcmp(field, plain[i]) == 0) *out = plain[i];
  if (strcmp(field, "state") == 0) *out = "state";
  if (strncmp(field, "label:", 6) == 0 && field[6] != '\0' && strlen(field) <= GROUP_NAME_MAX) {
    fsm_json_quote(&quoted, field + 6, strlen(field + 6));
    *out = fsm_buf_ok(&quoted) ? fsm_arena_printf(arena, "labels[?%s]", fsm_buf_text(&quoted)) : "";
    fsm_buf_free(&quoted);
  }
  if (strncmp(field, "field:", 6) == 0 && field[6] != '\0') *out = path_text(arena, field + 6);
  return *out == NULL || **out == '\0' ? bad_field("by", field, err) : FSM_OK;
}

static fsm_code read_expr(fsm_arena *arena, const char *what, const char *field, const char *text,
                          fsm__condition *out, fsm_error *err) {
  fsm_error why = {.text = ""};
  fsm_code code = fsm__condition_read(arena, text, false, out, &why);
  return code == FSM_OK || code == FSM_ENOMEM ? code : bad_field(what, field, err);
}

static fsm_code read_fields(const fsm_query *query, groups *all, fsm_error *err) {
  const char *by = query->by;
  if (by == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "by", "by what? by=state, machine, label:NAME, field:PATH");
  if (strlen(by) > TEXT_MAX) return fsm_fail(err, FSM_EARGUMENT, "by", "by has more than %d bytes", TEXT_MAX);
  for (bool last = false; !last;) {
    const size_t len = strcspn(by, ",");
    const char *text = NULL, *field = fsm_arena_strndup(all->arena, by, len);
    if (field == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
    if (all->field_count == FIELDS_MAX)
      return fsm_fail(err, FSM_EARGUMENT, "by", "at most %d fields to group by", FIELDS_MAX);
    for (unsigned i = 0; i < all->field_count; i++)
      if (strcmp(all->names[i], field) == 0)
        return fsm_fail(err, FSM_EARGUMENT, "by", "\"%.64s\" is there twice", field);
    fsm_code code = field_text(all->arena, field, &text, err);
    if (code == FSM_OK) code = read_expr(all->arena, "by", field, text, &all->fields[all->field_count], err);
    if (code != FSM_OK) return code;
    all->names[all->field_count++] = field;
    last = by[len] == '\0';
    by += len + !last;
  }
  all->sums = query->sum != NULL;
  if (!all->sums) return FSM_OK;
  if (strlen(query->sum) > TEXT_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "sum", "sum has more than %d bytes", TEXT_MAX);
  const char *path = path_text(all->arena, query->sum);
  if (path == NULL || *path == '\0' || *query->sum == '\0')
    return fsm_fail(err, FSM_EARGUMENT, "sum", "\"%.64s\" is no path of names in the context: a.b",
                    query->sum);
  return read_expr(all->arena, "sum", query->sum, path, &all->sum, err);
}

/* ---- one row --------------------------------------------------------------------------------------------
 */

/* What is long or has parts is told by its beginning, or as what it is. */
static fsm_value brief(fsm_value value, fsm_arena *scratch) {
  if (fsm_is(&value, FSM_LIST)) { /* states */
    fsm_buf text = {0};
    for (uint32_t i = 0; i < value.len && fsm_is(&value.items[i], FSM_STRING); i++)
      fsm_buf_printf(&text, "%s%.*s", i > 0 ? ", " : "", (int)value.items[i].len, value.items[i].s);
    const char *kept =
        fsm_buf_ok(&text) ? fsm_arena_strndup(scratch, text.data != NULL ? text.data : "", text.len) : NULL;
    value = kept != NULL ? fsm_stringn(kept, text.len) : fsm_null();
    fsm_buf_free(&text);
  }
  if (fsm_is(&value, FSM_STRING) && value.len > GROUP_NAME_MAX) {
    value.len = GROUP_NAME_MAX;
    while (value.len > 0 && ((unsigned char)value.s[value.len] & 0xC0) == 0x80) value.len--;
  }
  if (fsm_is(&value, FSM_BYTES) && value.len > GROUP_NAME_MAX) value.len = GROUP_NAME_MAX;
  if (fsm_is(&value, FSM_MAP)) return fsm_string("{…}");
  return fsm_is(&value, FSM_DOUBLE) && value.d != value.d ? fsm_null() : value;
}

static uint32_t hash_of(const char *data, size_t len) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < len; i++) hash = (hash ^ (unsigned char)data[i]) * 16777619u;
  return hash;
}

static fsm_code group_of(groups *all, group **out, fsm_error *err) {
  const uint32_t hash = hash_of(all->key.data, all->key.len);
  uint32_t place = hash % TABLE;
  for (; all->table[place] != 0; place = (place + 1) % TABLE) {
    group *g = &all->at[all->table[place] - 1];
    if (g->hash == hash && g->key_len == all->key.len && memcmp(g->key, all->key.data, g->key_len) == 0)
      return *out = g, FSM_OK;
  }
  if (all->count == GROUPS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "by", "more than %d groups: group by less, or filter", GROUPS_MAX);
  const char *key = fsm_arena_strndup(all->arena, all->key.data, all->key.len);
  if (key == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  all->at[all->count] =
      (group){.key = key, .key_len = (uint32_t)all->key.len, .hash = hash, .oldest_ns = INT64_MAX};
  *out = &all->at[all->count++];
  all->table[place] = (uint16_t)all->count;
  return FSM_OK;
}

static fsm_code value_of(fsm__sieve *s, const fsm__glance *g, const fsm__condition *field, fsm_arena *scratch,
                         fsm_value *out, fsm_error *err) {
  fsm_error why;
  uint64_t work = 0;
  *out = fsm_null();
  fsm_code code =
      fsm__condition_value(field, g, fsm__sieve_machine_of(s, g)->mask, s->now_ns, scratch, &work, out, &why);
  s->looked += work / FSM__LOOK_WORK;
  if (code == FSM_ENOMEM || code == FSM_ECORRUPT) return fsm_fail(err, code, why.where, "%s", why.text);
  if (code != FSM_OK) *out = fsm_null(); /* a path through what has no members */
  return FSM_OK;
}

static void add_number(group *g, const fsm_value *value) {
  const bool whole = fsm_is(value, FSM_INT) || fsm_is(value, FSM_UINT);
  if (!whole && !fsm_is(value, FSM_DOUBLE)) return;
  const double number = fsm_is(value, FSM_DOUBLE) ? value->d
                        : fsm_is(value, FSM_INT)  ? (double)value->i
                                                  : (double)value->u;
  if (number != number) return;
  if (g->sum_count == 0 || number < g->min) g->min = number;
  if (g->sum_count == 0 || number > g->max) g->max = number;
  g->sum += number;
  g->sum_count++;
}

static fsm_code count_row(groups *all, fsm__sieve *s, const fsm__glance *g, fsm_arena *scratch,
                          fsm_error *err) {
  group *to = NULL;
  fsm_value value;
  fsm_code code = FSM_OK;
  fsm_buf_reset(&all->key);
  fsm_pack_list(&all->key, all->field_count);
  for (unsigned i = 0; i < all->field_count && code == FSM_OK; i++) {
    code = value_of(s, g, &all->fields[i], scratch, &value, err);
    if (code != FSM_OK) break;
    value = brief(value, scratch);
    code = fsm_pack(&all->key, &value, err);
  }
  if (code == FSM_OK && !fsm_buf_ok(&all->key))
    code = fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  if (code == FSM_OK) code = group_of(all, &to, err);
  if (code != FSM_OK) return code;
  const int64_t since = fsm__glance_since(g);
  to->count++;
  if (since < to->oldest_ns) to->oldest_ns = since;
  if (!all->sums) return FSM_OK;
  code = value_of(s, g, &all->sum, scratch, &value, err);
  if (code == FSM_OK) add_number(to, &value);
  return code;
}

/* ---- a page -----------------------------------------------------------------------------------------------
 */

static fsm_code walk(groups *all, fsm__page *page, fsm__stroll *stroll, fsm_error *err) {
  fsm__sieve *s = stroll->sieve;
  fsm__glance glance;
  fsm__key place = {.len = 0};
  fsm_arena scratch;
  fsm_code code = FSM_OK;
  fsm_arena_init(&scratch, 0);
  for (bool found = true, passes = false; code == FSM_OK;) {
    fsm_arena_reset(&scratch);
    if (s->looked >= s->look_max && place.len > 0) {
      fsm__page_stop(page, &place);
      break;
    }
    code = fsm__stroll_next(stroll, &scratch, &glance, &place, &found, err);
    if (code == FSM_OK && stroll->ended) break;
    if (code != FSM_OK || !found) continue;
    code = fsm__sieve_test(s, &glance, fsm__sieve_since(s, &glance), &scratch, &passes, err);
    if (code == FSM_OK && passes) code = count_row(all, s, &glance, &scratch, err);
  }
  fsm_arena_free(&scratch);
  return code;
}

static int by_count(const void *a, const void *b) {
  const group *x = a, *y = b;
  if (x->count != y->count) return x->count < y->count ? 1 : -1;
  const int order = memcmp(x->key, y->key, x->key_len < y->key_len ? x->key_len : y->key_len);
  return order != 0 ? order : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static fsm_code put_sum(const group *g, fsm__document *d, fsm_error *err) {
  fsm__document sum = {.arena = d->arena};
  fsm_value view;
  fsm__document_put(&sum, "count", fsm_int((int64_t)g->sum_count));
  if (g->sum_count > 0) {
    fsm__document_put(&sum, "sum", fsm_double(g->sum));
    fsm__document_put(&sum, "min", fsm_double(g->min));
    fsm__document_put(&sum, "max", fsm_double(g->max));
    fsm__document_put(&sum, "mean", fsm_double(g->sum / (double)g->sum_count));
  }
  fsm_code code = fsm__document_map(&sum, &view, err);
  if (code == FSM_OK) fsm__document_put(d, "sum", view);
  return code;
}

static fsm_code view_of(const groups *all, const group *g, fsm_value *out,
                        fsm_error *err) {
  fsm__document d = {.arena = all->arena}, by = {.arena = all->arena};
  fsm_value values, map;
  fsm_code code = fsm_unpack(all->arena, g->key, g->key_len, &values, err);
  for (unsigned i = 0; i < all->field_count && code == FSM_OK; i++)
    fsm__document_put(&by, all->names[i], values.items[i]);
  if (code == FSM_OK) code = fsm__document_map(&by, &map, err);
  if (code == FSM_OK) fsm__document_put(&d, "by", map);
  fsm__document_put(&d, "count", fsm_int((int64_t)g->count));
  fsm__document_time(&d, "oldest", g->oldest_ns);
  if (code == FSM_OK && all->sums) code = put_sum(g, &d, err);
  return code == FSM_OK ? fsm__document_map(&d, out, err) : code;
}

static fsm_code show(groups *all, fsm__page *page, fsm_error *err) {
  fsm_code code = FSM_OK;
  fsm_value view;
  qsort(all->at, all->count, sizeof *all->at, by_count);
  for (unsigned i = 0; i < all->count && code == FSM_OK; i++) {
    code = view_of(all, &all->at[i], &view, err);
    if (code == FSM_OK) fsm__items_add(&page->items, view);
  }
  return code;
}

static fsm_code count_all(groups *all, fsm__page *page, fsm__sieve *sieve, fsm_error *err) {
  fsm__candidates candidates;
  fsm__stroll *stroll = fsm_arena_alloc(all->arena, sizeof *stroll);
  all->at = fsm_arena_alloc(all->arena, GROUPS_MAX * sizeof *all->at);
  all->table = fsm_arena_zalloc(all->arena, TABLE, sizeof *all->table);
  if (stroll == NULL || all->at == NULL || all->table == NULL)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm_code code = fsm__candidates_find(sieve, true, &candidates, err);
  if (code == FSM_OK)
    code = fsm__stroll_open(sieve, candidates.some ? &candidates : NULL, false, false,
                            page->goes_on ? &page->after : NULL, stroll, err);
  if (code != FSM_OK) return code;
  code = walk(all, page, stroll, err);
  fsm__stroll_close(stroll);
  return code == FSM_OK ? show(all, page, err) : code;
}

fsm_code fsm__query_groups(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  groups all = {.arena = at->arena};
  fsm_filter *filter = NULL;
  fsm__sieve sieve;
  fsm__page page;
  fsm_code code = read_fields(at->query, &all, err);
  if (code == FSM_OK) code = fsm__query_filter(at->query, &filter, err);
  if (code == FSM_OK && filter->sort != FSM__BY_CREATED)
    code = fsm_fail(err, FSM_EARGUMENT, "sort", "groups come by their count, the most first");
  if (code == FSM_OK) code = fsm__page_open(at, filter, &page, err);
  if (code == FSM_OK) code = fsm__sieve_open(at, filter, page.now_ns, &sieve, err);
  if (code == FSM_OK && at->query->look == 0) sieve.look_max *= GROUP_LOOKS;
  if (code == FSM_OK) code = count_all(&all, &page, &sieve, err);
  if (code == FSM_OK) code = fsm__page_document(&page, &sieve, out, err);
  fsm_buf_free(&all.key);
  fsm_filter_free(filter);
  return code;
}
