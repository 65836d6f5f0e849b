/* family.c: see family.h. */
#include "tools/cli/find/family.h"

#include <stdlib.h>
#include <string.h>

enum { NOBODY = -1 };

typedef struct member {
  const fsm_value *item;
  const char *id, *parent;   /* parent "" = it has none */
  int32_t first, last, next; /* children, in the order of the list; the next child of its parent */
} member;

typedef struct family {
  cli_run *cli;
  member *at;
  const member **by_id;
  fsm_value *items; /* in the order of the tree */
  size_t count, room, placed;
  fsm_value document; /* of the last page */
  bool more, failed;
} family;

/* ---- asking ----------------------------------------------------------------------------------------- */

static bool keep(family *f, const fsm_value *item) {
  fsm_arena *arena = &f->cli->arena;
  const fsm_value *parent = fsm_map_get(item, "parent");
  if (f->count == f->room) {
    const size_t room = f->room == 0 ? 256 : 2 * f->room;
    member *more = fsm_arena_alloc(arena, room * sizeof *more);
    if (more == NULL) return false;
    if (f->count > 0) memcpy(more, f->at, f->count * sizeof *more);
    f->at = more;
    f->room = room;
  }
  f->at[f->count++] = (member){.item = item,
                               .id = cli_field(arena, item, "id"),
                               .parent = parent != NULL ? cli_field(arena, parent, "instance") : "",
                               .first = NOBODY,
                               .last = NOBODY,
                               .next = NOBODY};
  return true;
}

static fsm_code take(family *f, const fsm_value *document, size_t max, fsm_error *err) {
  const fsm_value *items = fsm_map_get(document, "items");
  if (items == NULL || !fsm_is(items, FSM_LIST))
    return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer has no items; is that a fsmd?");
  if (f->count + items->len > max)
    return fsm_fail(err, FSM_ETOOLARGE, "output",
                    "a tree has at most %d instances: ask for fewer, with a filter", CLI_FAMILY_MAX);
  for (uint32_t i = 0; i < items->len; i++)
    if (!keep(f, &items->items[i])) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the tree");
  return FSM_OK;
}

static fsm_code ask(family *f, const cli_pages *pages, fsm_error *err) {
  const size_t max = pages->max > 0 && pages->max < CLI_FAMILY_MAX ? (size_t)pages->max : CLI_FAMILY_MAX;
  fsm_query query = pages->query;
  fsm_arena *arena = &f->cli->arena;
  do {
    const size_t left = pages->max > 0 ? max - f->count : FSM_PAGE_MAX;
    query.limit = (unsigned)(left < FSM_PAGE_MAX ? left : FSM_PAGE_MAX);
    fsm_code code = cli_source_query(&f->cli->source, &query, arena, &f->document, err);
    if (code == FSM_OK) code = take(f, &f->document, max, err);
    if (code != FSM_OK) return code;
    const fsm_value *next = fsm_map_get(&f->document, "next");
    f->more = next != NULL && !fsm_is(next, FSM_NULL);
    if (f->more) query.after = cli_text(arena, next);
  } while (f->more && (pages->max == 0 || f->count < max));
  return FSM_OK;
}

/* ---- the tree --------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b) {
  return strcmp((*(const member *const *)a)->id, (*(const member *const *)b)->id);
}

static member *find(const family *f, const char *id) {
  const member wanted = {.id = id}, *key = &wanted;
  const member *const *found = bsearch(&key, f->by_id, f->count, sizeof *f->by_id, by_id);
  return found != NULL ? &f->at[*found - f->at] : NULL;
}

static void adopt(family *f) {
  for (size_t i = 0; i < f->count; i++) {
    member *parent = *f->at[i].parent != 0 ? find(f, f->at[i].parent) : NULL;
    if (parent == NULL || parent == &f->at[i]) continue;
    if (parent->first == NOBODY)
      parent->first = (int32_t)i;
    else
      f->at[parent->last].next = (int32_t)i;
    parent->last = (int32_t)i;
  }
}

static void place(family *f, const member *m, const char *before, const char *branch) {
  fsm_arena *arena = &f->cli->arena;
  const bool astray = *branch == 0 && *m->parent != 0;
  const char *id = astray ? fsm_arena_printf(arena, "%s (of %s)", m->id, m->parent)
                          : fsm_arena_printf(arena, "%s%s%s", before, branch, m->id);
  const fsm_pair pair = {fsm_string("id"), fsm_string(id != NULL ? id : "")};
  const fsm_value patch = {.type = FSM_MAP, .len = 1, .pairs = (fsm_pair *)&pair};
  f->failed |= id == NULL || fsm_map_merge(arena, m->item, &patch, &f->items[f->placed++]) != FSM_OK;
}

/* Instances are nested FSM_INSTANCES_NESTED_MAX deep at most; what a list says else is cut. */
static void place_all(family *f, const member *m, unsigned depth, const char *before, const char *branch) {
  if (f->placed == f->count) return;
  place(f, m, before, branch);
  if (depth > FSM_INSTANCES_NESTED_MAX) return;
  const char *below = fsm_arena_printf(&f->cli->arena, "%s%s", before,
                                       *branch == 0        ? ""
                                       : m->next == NOBODY ? "   "
                                                           : "│  ");
  f->failed |= below == NULL;
  if (below == NULL) return;
  for (int32_t i = m->first; i != NOBODY; i = f->at[i].next)
    place_all(f, &f->at[i], depth + 1, below, f->at[i].next == NOBODY ? "└─ " : "├─ ");
}

static fsm_code grow(family *f, fsm_error *err) {
  fsm_arena *arena = &f->cli->arena;
  f->by_id = fsm_arena_alloc(arena, (f->count + 1) * sizeof *f->by_id);
  f->items = fsm_arena_alloc(arena, (f->count + 1) * sizeof *f->items);
  if (f->by_id == NULL || f->items == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the tree");
  for (size_t i = 0; i < f->count; i++) f->by_id[i] = &f->at[i];
  qsort(f->by_id, f->count, sizeof *f->by_id, by_id);
  adopt(f);
  for (size_t i = 0; i < f->count; i++)
    if (*f->at[i].parent == 0 || find(f, f->at[i].parent) == NULL) place_all(f, &f->at[i], 0, "", "");
  return f->failed ? fsm_fail(err, FSM_ENOMEM, "", "no memory for the tree") : FSM_OK;
}

fsm_code cli_family_print(cli_run *cli, const cli_pages *pages, fsm_error *err) {
  family f = {.cli = cli};
  cli_pages asked = *pages;
  const char *with = pages->query.with;
  if (with == NULL || strstr(with, "parent") == NULL)
    asked.query.with = with == NULL ? "parent" : fsm_arena_printf(&cli->arena, "%s,parent", with);
  if (asked.query.with == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the tree");
  fsm_code code = ask(&f, &asked, err);
  if (code == FSM_OK) code = grow(&f, err);
  if (code != FSM_OK) return code;
  const fsm_pair pair = {fsm_string("items"), fsm_list(f.items, (uint32_t)f.placed)};
  const fsm_value patch = {.type = FSM_MAP, .len = 1, .pairs = (fsm_pair *)&pair};
  fsm_value document;
  if (fsm_map_merge(&cli->arena, &f.document, &patch, &document) != FSM_OK)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for the tree");
  cli->format = CLI_TABLE; /* from here on it is one, with its footer */
  return cli_items_print(cli, &asked, &document, err);
}
