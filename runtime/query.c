/* query.c: the entry to reads, references to instances, and documents under construction. */
#include "runtime/query.h"

#include <string.h>
#include <sys/statvfs.h>

#include "runtime/clock.h"
#include "runtime/queue.h"
#include "runtime/survey.h"
#include "schema/json.h"

/* ---- documents ---------------------------------------------------------------------------------- */

/* Room for one more of `size` bytes each in a growing array; false without memory. */
static bool grow(fsm_arena *arena, void **at, unsigned count, unsigned *cap, size_t size) {
  if (count < *cap) return true;
  unsigned bigger = *cap ? *cap * 2 : 16;
  void *grown = fsm_arena_alloc(arena, bigger * size);
  if (grown == NULL) return false;
  if (count > 0) memcpy(grown, *at, count * size);
  *at = grown;
  *cap = bigger;
  return true;
}

void fsm__document_put(fsm__document *d, const char *name, fsm_value value) {
  void *pairs = d->pairs;
  if (!grow(d->arena, &pairs, d->count, &d->cap, sizeof *d->pairs)) {
    d->failed = true;
    return;
  }
  d->pairs = pairs;
  d->pairs[d->count++] = (fsm_pair){fsm_string(name), value};
}

void fsm__document_text(fsm__document *d, const char *name, const char *text) {
  if (text != NULL) fsm__document_put(d, name, fsm_string(text));
}

void fsm__document_time(fsm__document *d, const char *name, int64_t ns) {
  char text[40];
  fsm_time_format(ns, text, sizeof text);
  const char *kept = fsm_arena_strdup(d->arena, text);
  if (kept == NULL)
    d->failed = true;
  else
    fsm__document_text(d, name, kept);
}

fsm_code fsm__document_map(fsm__document *d, fsm_value *out, fsm_error *err) {
  if (d->failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  return fsm_map(d->pairs, d->count, out, err);
}

void fsm__items_add(fsm__items *list, fsm_value value) {
  void *items = list->items;
  if (!grow(list->arena, &items, list->count, &list->cap, sizeof *list->items)) {
    list->failed = true;
    return;
  }
  list->items = items;
  list->items[list->count++] = value;
}

/* ---- masks -------------------------------------------------------------------------------------- */

const fsm_mask *fsm__query_mask(const fsm__reading *at, const fsm__instance *in) {
  return fsm__catalog_mask(at->core->catalog, in->deployed->hash.bytes);
}

const char *fsm__query_text(const fsm__reading *at, const fsm__instance *in, const char *text) {
  const char *shown = text != NULL ? fsm_mask_text(at->arena, fsm__query_mask(at, in), text) : NULL;
  return text == NULL || shown != NULL ? shown : FSM_MASKED; /* without memory */
}

/* ---- references --------------------------------------------------------------------------------- */

bool fsm__state_matches(const char *path, const char *wanted) {
  size_t len = strlen(wanted);
  return strncmp(path, wanted, len) == 0 && (path[len] == '\0' || path[len] == '.');
}

static fsm_code load(const fsm__reading *at, uint64_t number, fsm__instance *out, fsm_error *err) {
  fsm_code code = fsm__instance_load(at->core->store, at->core->catalog, number, at->arena, out, err);
  return code == FSM_ENOTFOUND ? fsm_fail(err, FSM_ECORRUPT, "store: instances",
                                          "instance number %llu has no row", (unsigned long long)number)
                               : code;
}

static fsm_code by_key(const fsm__reading *at, const char *ref, const char *slash, fsm__instance *out,
                       fsm_error *err) {
  const char *machine = fsm_arena_strndup(at->arena, ref, (size_t)(slash - ref)),
             *key = slash + strlen("/key:");
  if (machine == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a query");
  const fsm__deployed *deployed = fsm__catalog_find(at->core->catalog, machine, 0);
  if (deployed == NULL)
    return fsm_fail(err, FSM_EMACHINE, "machine", "no machine \"%s\" is deployed", machine);
  uint64_t number = 0;
  fsm_code code = strlen(key) > FSM_KEY_MAX
                      ? FSM_ENOTFOUND
                      : fsm__instance_by_key(at->core->store, deployed->number, key, &number, err);
  if (code == FSM_ENOTFOUND)
    return fsm_fail(err, FSM_EINSTANCE, "key", "no open instance of %s has the key \"%s\"", machine, key);
  return code == FSM_OK ? load(at, number, out, err) : code;
}

static fsm_code by_prefix(const fsm__reading *at, const char *ref, fsm__instance *out, fsm_error *err) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  uint64_t number = 0;
  unsigned matches = 0;
  char first[FSM_INSTANCE_ID_MAX + 1] = "", second[FSM_INSTANCE_ID_MAX + 1] = "";
  fsm_code code = FSM_OK;
  fsm__range_open(&range, at->core->store, FSM_T_IDS, ref, strlen(ref));
  while (matches < 3 && (code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    if (matches++ == 2) break;
    char *name = matches == 1 ? first : second;
    size_t len = row.key_len <= FSM_INSTANCE_ID_MAX ? row.key_len : FSM_INSTANCE_ID_MAX;
    memcpy(name, row.key, len);
    name[len] = '\0';
    if (matches == 1 && row.value_len == 8) number = fsm__key_read_u64(row.value);
    if (matches == 1 && len == strlen(ref)) break; /* the id itself */
  }
  fsm__range_close(&range);
  if (code != FSM_OK) return code;
  if (matches == 0) return fsm__query_unknown(at, ref, err);
  if (matches > 1)
    return fsm_fail(err, FSM_EAMBIGUOUS, "instance", "\"%s\" begins more than one id: %.64s, %.64s%s", ref,
                    first, second, matches > 2 ? ", …" : "");
  return load(at, number, out, err);
}

fsm_code fsm__query_resolve(const fsm__reading *at, const char *ref, fsm__instance *out, fsm_error *err) {
  if (ref == NULL || *ref == '\0') return fsm_fail(err, FSM_EARGUMENT, "instance", "no instance is named");
  const char *slash = strstr(ref, "/key:");
  if (slash != NULL) return by_key(at, ref, slash, out, err);
  if (strlen(ref) > FSM_INSTANCE_ID_MAX)
    return fsm_fail(err, FSM_EINSTANCE, "instance", "no id is longer than %d bytes", FSM_INSTANCE_ID_MAX);
  return by_prefix(at, ref, out, err);
}

/* ---- who asks ----------------------------------------------------------------------------------- */

fsm_code fsm__query_wanted(const fsm_query *query, fsm_error *err) {
  if (query->gone == NULL || !query->gone(query->gone_arg)) return FSM_OK;
  return fsm_fail(err, FSM_ECLOSED, "", "who asked has gone: the read was ended before its answer was whole");
}

/* ---- the entry ---------------------------------------------------------------------------------- */

/* Whether commands are taken, and how much room there is for what they make. */
static void put_room(const fsm__core *core, fsm__document *d) {
  struct statvfs fs;
  const int refusing = core->refusing;
  if (refusing != FSM_OK) fsm__document_text(d, "refusing", fsm_code_name((fsm_code)refusing));
  if (core->turned_ns != 0) {
    const int64_t since_ns = fsm__monotonic_ns() - core->turned_ns;
    fsm__document_put(d, "turn_ns", fsm_int(since_ns > 0 ? since_ns : 0));
  }
  if (statvfs(core->dir, &fs) == 0)
    fsm__document_put(d, "free_bytes", fsm_int((int64_t)fs.f_bavail * (int64_t)fs.f_frsize));
}

static fsm_code health(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  const fsm__core *core = at->core;
  fsm__document d = {.arena = at->arena};
  fsm__store_status store;
  uint64_t incidents = 0;
  fsm_code code = fsm__counter_read(core->store, "incidents", &incidents, err);
  if (code != FSM_OK) return code;
  char *id = fsm_arena_alloc(at->arena, 33);
  if (id == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
  fsm__hex(core->origin.store, 16, id);
  fsm__store_status_get(core->store, &store);
  fsm__document_text(&d, "status", "ok");
  fsm__document_text(&d, "store", id);
  fsm__document_put(&d, "seq", fsm_int((int64_t)core->seq));
  fsm__document_put(&d, "applied", fsm_int((int64_t)store.applied));
  fsm__document_put(&d, "lag", fsm_int(core->seq > store.applied ? (int64_t)(core->seq - store.applied) : 0));
  fsm__document_put(&d, "pending_bytes", fsm_int((int64_t)(store.filling_bytes + store.applying_bytes)));
  fsm__document_put(&d, "map_bytes", fsm_int((int64_t)store.map_bytes));
  put_room(core, &d);
  fsm__document_put(&d, "views", fsm_int(store.views - 1)); /* not this very one */
  fsm__document_put(&d, "oldest_view_ns", fsm_int(store.views > 1 ? store.oldest_view_ns : 0));
  fsm__document_put(&d, "incidents", fsm_int((int64_t)incidents));
  fsm__document_put(&d, "refused", fsm_int((int64_t)core->refused));
  fsm__document_put(&d, "late_answers", fsm_int((int64_t)core->late_answers));
  fsm__document_put(&d, "duplicates", fsm_int((int64_t)core->duplicates));
  fsm__document_time(&d, "now", at->now_ns);
  return fsm__document_map(&d, out, err);
}

static fsm_code dispatch(const fsm__reading *at, fsm_value *out, fsm_error *err) {
  switch (at->query->kind) {
    case FSM_QUERY_INSTANCE: return fsm__query_instance(at, out, err);
    case FSM_QUERY_EVENTS: return fsm__query_events(at, out, err);
    case FSM_QUERY_WHY: return fsm__query_why(at, out, err);
    case FSM_QUERY_RECORDS: return fsm__query_records(at, out, err);
    case FSM_QUERY_HISTORY: return fsm__query_history(at, out, err);
    case FSM_QUERY_CAUSE: return fsm__query_cause(at, out, err);
    case FSM_QUERY_SEARCH: return fsm__query_search(at, out, err);
    case FSM_QUERY_LIST: return fsm__query_list(at, out, err);
    case FSM_QUERY_STUCK: return fsm__query_stuck(at, out, err);
    case FSM_QUERY_GROUPS: return fsm__query_groups(at, out, err);
    case FSM_QUERY_ACTORS: return fsm__query_actors(at, out, err);
    case FSM_QUERY_COUNTS: return fsm__query_counts(at, out, err);
    case FSM_QUERY_MACHINES: return fsm__query_machines(at, out, err);
    case FSM_QUERY_MACHINE: return fsm__query_machine(at, out, err);
    case FSM_QUERY_VERSIONS: return fsm__query_versions(at, out, err);
    case FSM_QUERY_TASKS: return fsm__query_tasks(at, out, err);
    case FSM_QUERY_TASK: return fsm__query_task(at, out, err);
    case FSM_QUERY_TIMERS: return fsm__query_timers(at, out, err);
    case FSM_QUERY_ROUTES: return fsm__query_routes(at, out, err);
    case FSM_QUERY_ROUTE_TEST: return fsm__query_route_test(at, out, err);
    case FSM_QUERY_STATS: return fsm__query_stats(at, out, err);
    case FSM_QUERY_FUNNEL: return fsm__query_funnel(at, out, err);
    case FSM_QUERY_HEALTH: return health(at, out, err);
    case FSM_QUERY_GAUGES: return fsm__query_gauges(at, out, err);
    default: return fsm_fail(err, FSM_EARGUMENT, "kind", "there is no query %d", (int)at->query->kind);
  }
}

fsm_code fsm__query_renew(const fsm__reading *at, fsm_error *err) {
  fsm__core *core = at->core;
  uint64_t seq = 0;
  FSM_ASSERT(at->rows != NULL);
  fsm__store_view_close(core->store); /* first: who holds one must not wait for another */
  core->store = NULL;
  fsm_code code = fsm__store_view(at->rows, &core->store, &seq, err);
  if (code != FSM_OK) return code;
  core->seq = seq;
  core->catalog = fsm__catalog_view(core->catalog, core->store, seq, at->arena);
  return core->catalog != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a query");
}

fsm_code fsm__query_run(fsm__core *core, const fsm_query *query, int64_t now_ns, fsm_arena *arena,
                        fsm_value *out, fsm_error *err) {
  fsm__store *view = NULL;
  uint64_t seq = 0;
  fsm_code code = fsm__store_view(core->store, &view, &seq, err);
  if (code != FSM_OK) return code;
  fsm__core pinned = {.dir = core->dir,
                      .node = core->node,
                      .archive = core->archive,
                      .origin = core->origin,
                      .store = view,
                      .catalog = fsm__catalog_view(core->catalog, view, seq, arena),
                      .journal = core->journal,
                      .seq = seq,
                      .services = core->services,
                      .untaken = core->untaken,
                      .surveys = core->surveys,
                      .known = core->known,
                      .delivers = core->delivers,
                      .given_ns = core->given_ns,
                      .turned_ns = core->turned_ns,
                      .refusing = core->refusing,
                      .refused = core->refused,
                      .late_answers = core->late_answers,
                      .duplicates = core->duplicates};
  const fsm__reading at = {
      .core = &pinned, .rows = core->store, .query = query, .now_ns = now_ns, .arena = arena};
  code = pinned.catalog != NULL ? dispatch(&at, out, err)
                                : fsm_fail(err, FSM_ENOMEM, "", "no memory for a query");
  fsm__store_view_close(pinned.store); /* or another one: fsm__query_renew */
  return code;
}
