/* routing.c: all versions of all routes in memory, each in force from behind the record that set it until
 * the next version of its name. See routing.h.
 *
 * Versions are only ever added, and live as long as all of it: a sink may be given records of last year.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/routing_impl.h"

typedef struct version {
  uint64_t seq;
  const fsm__route *route; /* NULL: removed, or a document that cannot be read any more */
} version;

typedef struct named {
  char name[FSM_ROUTE_NAME_MAX + 1];
  version *versions; /* seqs ascending */
  size_t count, cap;
} named;

struct fsm__routing {
  pthread_rwlock_t lock;
  fsm_arena arena; /* of the routes */
  named *names;
  size_t count, cap;
};

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for routes"); }

fsm_code fsm__routing_new(fsm__routing **out, fsm_error *err) {
  fsm__routing *routing = calloc(1, sizeof *routing);
  if (routing == NULL || pthread_rwlock_init(&routing->lock, NULL) != 0) {
    free(routing);
    return nomem(err);
  }
  fsm_arena_init(&routing->arena, 0);
  *out = routing;
  return FSM_OK;
}

void fsm__routing_free(fsm__routing *routing) {
  if (routing == NULL) return;
  for (size_t i = 0; i < routing->count; i++) free(routing->names[i].versions);
  free(routing->names);
  fsm_arena_free(&routing->arena);
  pthread_rwlock_destroy(&routing->lock);
  free(routing);
}

/* ---- adding: under the lock, for writing --------------------------------------------------------- */

/* Room for one more; false without memory. */
static bool grow(void **items, size_t count, size_t *cap, size_t size) {
  if (count < *cap) return true;
  const size_t more = *cap ? *cap * 2 : 8;
  void *grown = realloc(*items, more * size);
  if (grown == NULL) return false;
  *items = grown;
  *cap = more;
  return true;
}

/* NULL without memory. */
static named *name_of(fsm__routing *routing, const char *name) {
  for (size_t i = 0; i < routing->count; i++)
    if (strcmp(routing->names[i].name, name) == 0) return &routing->names[i];
  void *items = routing->names;
  const bool room = grow(&items, routing->count, &routing->cap, sizeof *routing->names);
  routing->names = items;
  if (!room) return NULL;
  named *entry = &routing->names[routing->count++];
  *entry = (named){.count = 0};
  memcpy(entry->name, name, strlen(name) + 1);
  return entry;
}

/* Where the version of this seq is, or belongs. */
static size_t place_of(const named *entry, uint64_t seq) {
  size_t at = entry->count;
  while (at > 0 && entry->versions[at - 1].seq >= seq) at--;
  return at;
}

static fsm_code add(fsm__routing *routing, const char *name, uint64_t seq, const fsm_value *document,
                    fsm_error *err) {
  fsm_error fault = {.text = ""};
  named *entry = name_of(routing, name);
  if (entry == NULL) return nomem(err);
  const size_t at = place_of(entry, seq);
  if (at < entry->count && entry->versions[at].seq == seq) return FSM_OK;
  void *items = entry->versions;
  const bool room = grow(&items, entry->count, &entry->cap, sizeof *entry->versions);
  entry->versions = items;
  if (!room) return nomem(err);
  version made = {.seq = seq};
  if (!fsm_is(document, FSM_NULL) &&
      fsm__route_read(&routing->arena, document, NULL, 0, &made.route, &fault) == FSM_ENOMEM)
    return nomem(err);
  memmove(&entry->versions[at + 1], &entry->versions[at], (entry->count - at) * sizeof made);
  entry->versions[at] = made;
  entry->count++;
  return FSM_OK;
}

fsm_code fsm__routing_add(fsm__routing *routing, const char *name, uint64_t seq, const fsm_value *document,
                          fsm_error *err) {
  FSM_ASSERT(routing != NULL && strlen(name) <= FSM_ROUTE_NAME_MAX && seq > 0);
  pthread_rwlock_wrlock(&routing->lock);
  fsm_code code = add(routing, name, seq, document, err);
  pthread_rwlock_unlock(&routing->lock);
  return code;
}

fsm_code fsm__routing_note(fsm__routing *routing, const fsm_record *record, fsm_error *err) {
  if (record->kind != FSM_RECORD_ROUTE) return FSM_OK;
  const fsm_value *name = fsm_map_get(&record->detail, "name"),
                  *document = fsm_map_get(&record->detail, "route");
  char text[FSM_ROUTE_NAME_MAX + 1];
  const fsm_value removed = fsm_null();
  if (name == NULL || !fsm_is(name, FSM_STRING) || name->len > FSM_ROUTE_NAME_MAX)
    return fsm_fail(err, FSM_ECORRUPT, "", "a route record names no route that can be");
  memcpy(text, name->s, name->len);
  text[name->len] = '\0';
  return fsm__routing_add(routing, text, record->seq, document ? document : &removed, err);
}

/* ---- asking: under the lock, for reading --------------------------------------------------------- */

static const fsm__route *in_force(const named *entry, uint64_t seq) {
  const size_t at = place_of(entry, seq); /* one of the record's own seq does not count yet */
  return at > 0 ? entry->versions[at - 1].route : NULL;
}

static bool gives_to(const fsm__route *route, const char *sink) {
  for (size_t i = 0; i < route->sink_count; i++)
    if (strcmp(route->sinks[i], sink) == 0) return true;
  return false;
}

fsm_code fsm__routing_gives(fsm__routing *routing, const char *sink, const fsm_record *record,
                            const fsm_origin *origin, fsm_arena *scratch, bool *gives, uint64_t *faults,
                            fsm_error *err) {
  fsm__viewed viewed = {.record = record, .origin = origin, .scratch = scratch};
  fsm_code code = FSM_OK;
  *gives = false;
  pthread_rwlock_rdlock(&routing->lock);
  for (size_t i = 0; i < routing->count && !*gives && code == FSM_OK; i++) {
    const fsm__route *route = in_force(&routing->names[i], record->seq);
    fsm__matched matched;
    if (route == NULL || !gives_to(route, sink)) continue;
    code = fsm__route_asks(route, &viewed, &matched, err);
    if (code != FSM_OK) break;
    *gives = matched.matches;
    if (faults != NULL && matched.fault.code != FSM_OK) ++*faults;
  }
  pthread_rwlock_unlock(&routing->lock);
  return code;
}
