/* machine_sources.c: from an event's name to the states that have a transition for it.
 *
 * Built in two passes over all descriptors: count the states per name, then list them. States come in
 * ascending order, because transitions are numbered in the order of their states. Invariant: the table is
 * at most half full, so that a search ends, and no search for a name of the machine takes more than
 * PROBES_MAX places.
 */
#include "fsm/machine_sources.h"

#include <stdlib.h>
#include <string.h>

#include "fsm/bytes.h"

/* More states than this are kept as a bitset: together these never take more than a few hundred KB, for a
 * machine has at most FSM_TRANSITIONS_MAX transitions. */
enum { LIST_MAX = 64 };

/* How far a search may go, and how many hashes are tried for a table in which none goes further. */
enum { PROBES_MAX = 64, SEEDS_MAX = 16 };

/* ---- the table ----------------------------------------------------------------------------------- */

/* Eight bytes a turn; names are short and come from the definition or are at most FSM_EVENT_NAME_MAX long. */
static inline uint32_t hash_of(const char *name, size_t len, uint32_t seed) {
  uint64_t hash = (len + seed + 1) * UINT64_C(0x9e3779b97f4a7c15), word;
  for (; len >= 8; len -= 8, name += 8) {
    memcpy(&word, name, 8);
    hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 32;
  }
  word = 0;
  for (size_t i = 0; i < len; i++) word |= (uint64_t)(unsigned char)name[i] << (8 * i);
  hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
  return (uint32_t)(hash >> 32);
}

static inline const fsm__named *find(const struct fsm__source_index *index, const char *name, size_t len) {
  for (uint32_t at = hash_of(name, len, index->seed) & index->mask;; at = (at + 1) & index->mask) {
    const fsm__named *named = &index->table[at];
    if (named->name == NULL) return NULL;
    if (named->len == len && fsm__same_bytes(named->name, name, len)) return named;
  }
}

/* ---- building ------------------------------------------------------------------------------------ */

typedef struct builder {
  fsm_machine *m;
  struct fsm__source_index *index;
  fsm__named *table;
  bool listing; /* the second pass: counts become lists */
} builder;

static fsm__named *place_of(builder *b, const fsm__descriptor *d) {
  fsm__named *named = (fsm__named *)find(b->index, d->text, d->len);
  FSM_ASSERT(named != NULL);
  return named;
}

static fsm__sources *sources_for(builder *b, fsm__descriptor *d) {
  if (d->rule == FSM__ANY) return &b->index->any;
  fsm__named *named = place_of(b, d);
  d->name = (uint32_t)(named - b->table);
  return d->rule == FSM__EXACT ? &named->exact : &named->prefix;
}

static void note(builder *b, fsm__sources *s, unsigned state) {
  if (!b->listing)
    s->count++;
  else if (s->set != NULL)
    fsm__bit_set((uint64_t *)s->set, state);
  else if (s->count == 0 || s->states[s->count - 1] != state)
    ((uint16_t *)s->states)[s->count++] = (uint16_t)state;
}

static void pass(builder *b) {
  for (unsigned i = 0; i < b->m->transition_count; i++) {
    const fsm__transition *t = &b->m->transitions[i];
    if (t->event_count == 0) note(b, &b->index->eventless, t->source);
    for (uint32_t e = 0; e < t->event_count; e++) {
      note(b, sources_for(b, (fsm__descriptor *)&t->events[e]), t->source);
      b->index->has_prefix |= t->events[e].rule == FSM__PREFIX;
    }
  }
}

/* Room for as many as were counted, which is at least as many as there are states. */
static bool make_room(builder *b, fsm__sources *s) {
  if (s->count == 0) return true;
  if (s->count > LIST_MAX)
    s->set = fsm_arena_zalloc(&b->m->arena, b->m->words, sizeof *s->set);
  else
    s->states = fsm_arena_alloc(&b->m->arena, s->count * sizeof *s->states);
  s->count = 0;
  return s->set != NULL || s->states != NULL;
}

static bool make_rooms(builder *b) {
  bool good = make_room(b, &b->index->any) && make_room(b, &b->index->eventless);
  for (uint32_t i = 0; i <= b->index->mask && good; i++)
    good = make_room(b, &b->table[i].exact) && make_room(b, &b->table[i].prefix);
  return good;
}

static size_t count_descriptors(const fsm_machine *m) {
  size_t count = 0;
  for (unsigned i = 0; i < m->transition_count; i++) count += m->transitions[i].event_count;
  return count;
}

/* So that it is at most half full. */
static uint32_t table_size(size_t names) {
  uint32_t size = 4;
  while (size / 2 < names) size *= 2;
  return size;
}

static int by_name(const void *a, const void *b) {
  const fsm__descriptor *x = *(const fsm__descriptor *const *)a, *y = *(const fsm__descriptor *const *)b;
  if (x->len != y->len) return x->len < y->len ? -1 : 1;
  return memcmp(x->text, y->text, x->len);
}

/* Most of what may be many thousand descriptors name the same events: one of each is kept, in front. */
static size_t distinct(const fsm_machine *m, const fsm__descriptor **names) {
  size_t count = 0, kept = 0;
  for (unsigned i = 0; i < m->transition_count; i++)
    for (uint32_t e = 0; e < m->transitions[i].event_count; e++)
      if (m->transitions[i].events[e].rule != FSM__ANY) names[count++] = &m->transitions[i].events[e];
  if (count > 0) qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++)
    if (kept == 0 || by_name(&names[kept - 1], &names[i]) != 0) names[kept++] = names[i];
  return kept;
}

/* false = some search would go too far. */
static bool fill(builder *b, const fsm__descriptor *const *names, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t at = hash_of(names[i]->text, names[i]->len, b->index->seed) & b->index->mask;
    unsigned probes = 1;
    for (; b->table[at].name != NULL; at = (at + 1) & b->index->mask)
      if (++probes > PROBES_MAX) return false;
    b->table[at].name = names[i]->text;
    b->table[at].len = names[i]->len;
  }
  return true;
}

/* Whoever writes a definition knows the hash and may choose names that fall together, so several are tried.
 */
static fsm_code make_table(builder *b, const fsm__descriptor *const *names, size_t count, fsm_error *err) {
  const uint32_t size = table_size(count);
  b->index = fsm_arena_zalloc(&b->m->arena, 1, sizeof *b->index);
  b->table = fsm_arena_alloc(&b->m->arena, size * sizeof *b->table);
  if (b->index == NULL || b->table == NULL)
    return fsm_fail(err, FSM_ENOMEM, "", "the machine does not fit into memory");
  b->index->table = b->table;
  b->index->mask = size - 1;
  for (; b->index->seed < SEEDS_MAX; b->index->seed++) {
    memset(b->table, 0, size * sizeof *b->table);
    if (fill(b, names, count)) return FSM_OK;
  }
  return fsm_fail(err, FSM_ETOOLARGE, "", "the %zu event names of the machine are too much alike", count);
}

static fsm_code build(builder *b, const fsm__descriptor **names, fsm_error *err) {
  fsm_code code = make_table(b, names, distinct(b->m, names), err);
  if (code != FSM_OK) return code;
  pass(b);
  b->listing = true;
  if (!make_rooms(b)) return fsm_fail(err, FSM_ENOMEM, "", "the machine does not fit into memory");
  pass(b);
  b->m->index = b->index;
  return FSM_OK;
}

fsm_code fsm__sources_index(fsm_machine *m, fsm_error *err) {
  builder b = {.m = m};
  const size_t descriptors = count_descriptors(m);
  FSM_ASSERT(descriptors <= FSM_MACHINE_BYTES_MAX / sizeof(fsm__descriptor)); /* they are in its arena */
  const fsm__descriptor **names = malloc((descriptors + 1) * sizeof *names);
  if (names == NULL) return fsm_fail(err, FSM_ENOMEM, "", "the machine does not fit into memory");
  fsm_code code = build(&b, names, err);
  free(names);
  return code;
}

/* ---- asking -------------------------------------------------------------------------------------- */

/* Adds the active ones of s to hits, which are empty before the first. */
static void add(const fsm_machine *m, const uint64_t *config, const fsm__sources *s, uint64_t *hits,
                bool *any) {
  uint64_t found = 0;
  if (s->set == NULL) {
    for (uint32_t i = 0; i < s->count; i++) {
      if (!fsm__bit_has(config, s->states[i])) continue;
      if (!*any) fsm__bits_clear(hits, m->words);
      *any = true;
      fsm__bit_set(hits, s->states[i]);
    }
    return;
  }
  if (!*any) fsm__bits_clear(hits, m->words);
  for (unsigned i = 0; i < m->words; i++) {
    uint64_t both = s->set[i] & config[i];
    found |= both;
    hits[i] |= both;
  }
  *any |= found != 0;
}

/* The end of the token-wise prefix behind `end`: "a.b.c" has a, a.b and a.b.c. */
static size_t next_token(const char *name, size_t len, size_t end) {
  const char *dot = end < len ? memchr(name + end + 1, '.', len - end - 1) : NULL;
  return dot != NULL ? (size_t)(dot - name) : len;
}

bool fsm__sources_of(const fsm_machine *m, const uint64_t *config, const char *name, size_t len,
                     uint64_t *hits, uint32_t *number) {
  const struct fsm__source_index *index = m->index;
  bool any = false;
  const fsm__named *named = find(index, name, len);
  *number = named != NULL ? (uint32_t)(named - index->table) : FSM__NO_NAME;
  if (named != NULL) add(m, config, &named->exact, hits, &any);
  if (index->any.count > 0 || index->any.set != NULL) add(m, config, &index->any, hits, &any);
  if (!index->has_prefix) return any;
  for (size_t end = 0; end < len;) {
    end = next_token(name, len, end);
    named = find(index, name, end);
    if (named != NULL) add(m, config, &named->prefix, hits, &any);
  }
  return any;
}

bool fsm__sources_eventless(const fsm_machine *m, const uint64_t *config, uint64_t *hits) {
  bool any = false;
  add(m, config, &m->index->eventless, hits, &any);
  return any;
}

static bool is_there(const fsm__sources *s) { return s->count > 0 || s->set != NULL; }

bool fsm__sources_know(const fsm_machine *m, const char *name, size_t len) {
  const struct fsm__source_index *index = m->index;
  const fsm__named *named = find(index, name, len);
  if (is_there(&index->any) || (named != NULL && is_there(&named->exact))) return true;
  for (size_t end = 0; index->has_prefix && end < len;) {
    end = next_token(name, len, end);
    named = find(index, name, end);
    if (named != NULL && is_there(&named->prefix)) return true;
  }
  return false;
}
