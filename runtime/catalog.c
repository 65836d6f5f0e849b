/* catalog.c: deployed machines in memory, their rows, and interned names. See catalog.h.
 *
 * The list of entries is changed by the owner under the lock and read by it without; readers take the lock
 * for both. An entry is compiled under the lock too; its definition is set last, and whoever sees it sees the
 * rest. */
#include "runtime/catalog.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/rows.h"
#include "schema/pack.h"

typedef struct shared {
  pthread_mutex_t lock;
  fsm__deployed **entries; /* in order of deployment; pointers stay valid */
  unsigned count, cap;
  unsigned machines; /* distinct ids = highest machine number */
  fsm__masks *masks;
} shared;

struct fsm__catalog {
  shared *all;
  fsm__store *store;
  uint64_t seq; /* what it finds was deployed by then; FSM_NEWEST: the owner's */
};

static bool is_owner(const fsm__catalog *catalog) { return catalog->seq == FSM_NEWEST; }

static void lock_entries(const fsm__catalog *catalog) {
  if (!is_owner(catalog)) pthread_mutex_lock(&catalog->all->lock);
}

static void unlock_entries(const fsm__catalog *catalog) {
  if (!is_owner(catalog)) pthread_mutex_unlock(&catalog->all->lock);
}

/* ---- names -------------------------------------------------------------------------------------- */

/* *number 0: there is none. A row that cannot be read is not none: the text would get a second number. */
static fsm_code name_lookup(fsm__store *store, char space, const char *text, size_t len, uint32_t *number,
                            fsm_error *err) {
  fsm__key key = {.len = 0};
  const void *value = NULL;
  size_t value_len = 0;
  *number = 0;
  fsm__key_add(&key, &space, 1);
  fsm__key_add(&key, text, len);
  fsm_code code = fsm__store_get(store, FSM_T_NAMES, key.bytes, key.len, &value, &value_len, err);
  if (code != FSM_OK) return code == FSM_ENOTFOUND ? FSM_OK : code;
  if (value_len != 4)
    return fsm_fail(err, FSM_ECORRUPT, "store: names", "the row of \"%.*s\" is not a number", (int)len, text);
  *number = fsm__key_read_u32(value);
  return FSM_OK;
}

static void name_put(fsm__store *store, char space, const char *text, size_t len, uint32_t number) {
  fsm__key forward = {.len = 0}, back = {.len = 0}, be = {.len = 0};
  fsm__key_u32(&be, number);
  fsm__key_add(&forward, &space, 1);
  fsm__key_add(&forward, text, len);
  fsm__store_put(store, FSM_T_NAMES, forward.bytes, forward.len, be.bytes, be.len);
  if (space != 'n') return; /* machine ids are read back from their own rows */
  fsm__key_add(&back, "i", 1);
  fsm__key_u32(&back, number);
  fsm__store_put(store, FSM_T_NAMES, back.bytes, back.len, text, len);
}

/* An interned text is part of a key, which holds any path that a machine may have. */
static bool name_fits(size_t len) { return len <= FSM_STATE_PATH_MAX; }

static fsm_code name_intern(fsm__store *store, const char *text, size_t len, fsm_error *err) {
  uint32_t number = 0;
  uint64_t next = 0;
  fsm_code code = name_lookup(store, 'n', text, len, &number, err);
  if (code != FSM_OK || number != 0) return code;
  code = fsm__counter_next(store, "name", &next, err);
  if (code == FSM_OK) name_put(store, 'n', text, len, (uint32_t)next);
  return code;
}

fsm_code fsm__name_find(fsm__store *store, const char *text, size_t len, uint32_t *number, fsm_error *err) {
  *number = 0;
  return name_fits(len) ? name_lookup(store, 'n', text, len, number, err) : FSM_OK;
}

fsm_code fsm__name_text(fsm__store *store, uint32_t number, fsm_arena *arena, const char **text,
                        fsm_error *err) {
  fsm__key key = {.len = 0};
  const void *value = NULL;
  size_t len = 0;
  fsm__key_add(&key, "i", 1);
  fsm__key_u32(&key, number);
  fsm_code code = fsm__store_get(store, FSM_T_NAMES, key.bytes, key.len, &value, &len, err);
  if (code == FSM_ENOTFOUND)
    return fsm_fail(err, FSM_ECORRUPT, "store: names", "the state of number %u has no name", number);
  if (code != FSM_OK) return code;
  *text = fsm_arena_strndup(arena, value, len);
  return *text != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a name");
}

/* ---- entries ------------------------------------------------------------------------------------ */

/* Takes over the entry on success. */
static fsm_code entry_add(shared *all, fsm__deployed *entry, fsm_error *err) {
  fsm_code code = FSM_OK;
  pthread_mutex_lock(&all->lock);
  if (all->count == all->cap) {
    unsigned cap = all->cap ? all->cap * 2 : 16;
    fsm__deployed **grown = realloc(all->entries, cap * sizeof *grown);
    if (grown == NULL) code = fsm_fail(err, FSM_ENOMEM, "", "no memory for the catalog");
    if (grown != NULL) all->entries = grown;
    if (grown != NULL) all->cap = cap;
  }
  if (code == FSM_OK) all->entries[all->count++] = entry;
  if (code == FSM_OK && entry->number > all->machines) all->machines = entry->number;
  pthread_mutex_unlock(&all->lock);
  return code;
}

static void entry_free(fsm__deployed *entry) {
  if (entry == NULL) return;
  fsm_definition_free(entry->definition);
  free(entry->names);
  free(entry->dwell);
  free(entry);
}

static fsm_code names_of(fsm__store *store, fsm__deployed *entry, fsm_error *err) {
  unsigned states = fsm_machine_states(entry->machine);
  entry->names = calloc(states, sizeof *entry->names);
  entry->dwell = calloc(states, sizeof *entry->dwell);
  if (entry->names == NULL || entry->dwell == NULL)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for the catalog");
  for (unsigned s = 1; s < states; s++) {
    const char *path = fsm_state_path(entry->machine, s);
    fsm_code code = name_lookup(store, 'n', path, strlen(path), &entry->names[s], err);
    if (code != FSM_OK) return code;
    if (entry->names[s] == 0)
      return fsm_fail(err, FSM_ECORRUPT, "store: names", "state \"%s\" of machine %s has no number", path,
                      entry->id);
  }
  return FSM_OK;
}

/* ---- what is retired ---------------------------------------------------------------------------- */

static fsm__key key_of(const fsm__deployed *entry, bool retired) {
  fsm__key key = {.len = 0};
  fsm__key_u32(&key, entry->number);
  fsm__key_u32(&key, entry->version);
  if (retired) fsm__key_add(&key, "r", 1);
  return key;
}

/* The row stands right behind that of its version. */
static fsm_code retired_read(fsm__catalog *catalog, const fsm__row *row, fsm_arena *arena, fsm_error *err) {
  const fsm_value *at = NULL;
  fsm__deployed *entry = catalog->all->count > 0 ? catalog->all->entries[catalog->all->count - 1] : NULL;
  const fsm__key key = entry != NULL ? key_of(entry, true) : (fsm__key){.len = 0};
  if (row->key_len != key.len || memcmp(row->key, key.bytes, key.len) != 0)
    return fsm_fail(err, FSM_ECORRUPT, "store: machines", "a row cannot be read");
  fsm_code code = fsm__row_unpack(arena, row->value, row->value_len, "utss", "retirement", &at, err);
  if (code == FSM_OK) entry->retired_seq = at[0].u;
  return code;
}

void fsm__catalog_retire(fsm__catalog *catalog, const fsm__deployed *deployed, const fsm__retired *retired) {
  fsm__deployed *entry = (fsm__deployed *)deployed; /* ours: the const is for the callers */
  fsm_buf buf = {0};
  FSM_ASSERT(is_owner(catalog) && retired->seq != 0);
  fsm_pack_list(&buf, 4);
  fsm_pack_uint(&buf, retired->seq);
  fsm_pack_int(&buf, retired->time_ns);
  fsm_pack_text(&buf, retired->who, strlen(retired->who));
  fsm_pack_text(&buf, retired->reason, strlen(retired->reason));
  const fsm__key key = key_of(entry, true);
  fsm__store_put_buf(catalog->store, FSM_T_MACHINES, key.bytes, key.len, &buf);
  __atomic_store_n(&entry->retired_seq, retired->seq, __ATOMIC_RELEASE);
}

fsm_code fsm__catalog_retired(const fsm__catalog *catalog, const fsm__deployed *deployed, fsm_arena *arena,
                              fsm__retired *out, fsm_error *err) {
  const fsm__key key = key_of(deployed, true);
  const void *value = NULL;
  size_t len = 0;
  const fsm_value *at = NULL;
  fsm_code code = fsm__store_get(catalog->store, FSM_T_MACHINES, key.bytes, key.len, &value, &len, err);
  if (code == FSM_ENOTFOUND)
    return fsm_fail(err, FSM_ECORRUPT, "store: machines", "machine %s version %u was retired without a row",
                    deployed->id, deployed->version);
  if (code == FSM_OK) code = fsm__row_unpack(arena, value, len, "utss", "retirement", &at, err);
  if (code != FSM_OK) return code;
  *out = (fsm__retired){.seq = at[0].u,
                        .time_ns = at[1].i,
                        .who = fsm_arena_strndup(arena, at[2].s, at[2].len),
                        .reason = fsm_arena_strndup(arena, at[3].s, at[3].len)};
  return out->who && out->reason ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a retirement");
}

bool fsm__catalog_is_live(const fsm__catalog *catalog, const fsm__deployed *deployed) {
  const uint64_t seq = __atomic_load_n(&deployed->retired_seq, __ATOMIC_ACQUIRE);
  return seq == 0 || seq > catalog->seq;
}

/* ---- opening ------------------------------------------------------------------------------------ */

/* The order of deployment, which is not the order of the rows. */
static int by_seq(const void *a, const void *b) {
  const fsm__deployed *x = *(fsm__deployed *const *)a, *y = *(fsm__deployed *const *)b;
  return (x->seq > y->seq) - (x->seq < y->seq);
}

/* What does not read is told when the definition is needed; until then it hides everything. */
static fsm_code mask_add(shared *all, const fsm__deployed *entry, const char *source, size_t len,
                         fsm_error *err) {
  fsm_error fault = {.text = ""};
  fsm_code code = fsm__masks_add(all->masks, entry->hash.bytes, source, len, &fault);
  return code == FSM_ENOMEM ? fsm_fail(err, code, fault.where, "%s", fault.text) : FSM_OK;
}

fsm__masks *fsm__catalog_masks(const fsm__catalog *catalog) { return catalog->all->masks; }

const fsm_mask *fsm__catalog_mask(const fsm__catalog *catalog, const uint8_t def[FSM_HASH_BYTES]) {
  const fsm_mask *mask = NULL;
  return fsm__masks_find(catalog->all->masks, def, &mask, NULL) == FSM_OK ? mask : fsm_mask_everything();
}

static fsm_code entry_read(fsm__catalog *catalog, const fsm__row *row, fsm_arena *arena, fsm_error *err) {
  fsm_value list;
  fsm_code code = fsm_unpack(arena, row->value, row->value_len, &list, err);
  if (code == FSM_ENOMEM) return code;
  if (code != FSM_OK || row->key_len != 8 || !fsm_is(&list, FSM_LIST) || list.len != 5 ||
      !fsm_is(&list.items[0], FSM_STRING) || list.items[0].len > FSM_MACHINE_ID_MAX ||
      !fsm_is(&list.items[1], FSM_BYTES) || list.items[1].len != FSM_HASH_BYTES ||
      !fsm_is(&list.items[2], FSM_INT) || !fsm_is(&list.items[3], FSM_INT) ||
      !fsm_is(&list.items[4], FSM_STRING))
    return fsm_fail(err, FSM_ECORRUPT, "store: machines", "a row cannot be read");
  fsm__deployed *entry = calloc(1, sizeof *entry);
  if (entry == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the catalog");
  memcpy(entry->id, list.items[0].s, list.items[0].len);
  memcpy(entry->hash.bytes, list.items[1].s, FSM_HASH_BYTES);
  entry->number = fsm__key_read_u32(row->key);
  entry->version = fsm__key_read_u32((const uint8_t *)row->key + 4);
  entry->seq = (uint64_t)list.items[2].i;
  entry->time_ns = list.items[3].i;
  code = mask_add(catalog->all, entry, list.items[4].s, list.items[4].len, err);
  if (code == FSM_OK) code = entry_add(catalog->all, entry, err);
  if (code != FSM_OK) entry_free(entry);
  return code;
}

fsm_code fsm__catalog_open(fsm__store *store, fsm__catalog **out, fsm_error *err) {
  fsm__catalog *catalog = calloc(1, sizeof *catalog);
  shared *all = calloc(1, sizeof *all);
  if (catalog == NULL || all == NULL || pthread_mutex_init(&all->lock, NULL) != 0) {
    free(catalog);
    free(all);
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for the catalog");
  }
  *catalog = (fsm__catalog){.all = all, .store = store, .seq = FSM_NEWEST};
  fsm_code code = fsm__masks_new(&all->masks, err);
  if (code != FSM_OK) {
    fsm__catalog_free(catalog);
    return code;
  }
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm__range_open(&range, store, FSM_T_MACHINES, NULL, 0);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    code =
        row.key_len == 9 ? retired_read(catalog, &row, &arena, err) : entry_read(catalog, &row, &arena, err);
    if (code != FSM_OK) break;
    fsm_arena_reset(&arena);
  }
  fsm__range_close(&range);
  fsm_arena_free(&arena);
  if (code != FSM_OK) {
    fsm__catalog_free(catalog);
    return code;
  }
  if (all->count > 1) qsort(all->entries, all->count, sizeof(fsm__deployed *), by_seq);
  *out = catalog;
  return FSM_OK;
}

void fsm__catalog_free(fsm__catalog *catalog) {
  if (catalog == NULL) return;
  FSM_ASSERT(is_owner(catalog));
  for (unsigned i = 0; i < catalog->all->count; i++) entry_free(catalog->all->entries[i]);
  pthread_mutex_destroy(&catalog->all->lock);
  free(catalog->all->entries);
  fsm__masks_free(catalog->all->masks);
  free(catalog->all);
  free(catalog);
}

fsm__catalog *fsm__catalog_view(fsm__catalog *catalog, fsm__store *view, uint64_t seq, fsm_arena *arena) {
  fsm__catalog *reader = fsm_arena_alloc(arena, sizeof *reader);
  FSM_ASSERT(seq != FSM_NEWEST);
  if (reader != NULL) *reader = (fsm__catalog){.all = catalog->all, .store = view, .seq = seq};
  return reader;
}

/* ---- looking up --------------------------------------------------------------------------------- */

/* By id, or by number when id is NULL; version 0 = the newest. */
static const fsm__deployed *entry_find(const fsm__catalog *catalog, const char *id, uint32_t number,
                                       uint32_t version) {
  const fsm__deployed *found = NULL;
  lock_entries(catalog);
  for (unsigned i = catalog->all->count; i-- > 0 && found == NULL;) {
    const fsm__deployed *entry = catalog->all->entries[i];
    bool same = id != NULL ? strcmp(entry->id, id) == 0 : entry->number == number;
    if (same && entry->seq <= catalog->seq && (version == 0 || entry->version == version)) found = entry;
  }
  unlock_entries(catalog);
  return found;
}

const fsm__deployed *fsm__catalog_find(const fsm__catalog *catalog, const char *id, uint32_t version) {
  return entry_find(catalog, id, 0, version);
}

const fsm__deployed *fsm__catalog_at(const fsm__catalog *catalog, uint32_t number, uint32_t version) {
  return entry_find(catalog, NULL, number, version);
}

const fsm__deployed *fsm__catalog_live(const fsm__catalog *catalog, const char *id) {
  const fsm__deployed *found = NULL;
  lock_entries(catalog);
  for (unsigned i = catalog->all->count; i-- > 0 && found == NULL;) {
    const fsm__deployed *entry = catalog->all->entries[i];
    if (strcmp(entry->id, id) == 0 && entry->seq <= catalog->seq && fsm__catalog_is_live(catalog, entry))
      found = entry;
  }
  unlock_entries(catalog);
  return found;
}

const fsm__deployed *fsm__catalog_newest(const fsm__catalog *catalog, unsigned index) {
  return fsm__catalog_at(catalog, index + 1, 0);
}

const fsm__deployed *fsm__catalog_each(const fsm__catalog *catalog, unsigned index) {
  lock_entries(catalog);
  const fsm__deployed *entry = index < catalog->all->count ? catalog->all->entries[index] : NULL;
  unlock_entries(catalog);
  return entry != NULL && entry->seq <= catalog->seq ? entry : NULL; /* they are in order of seq */
}

bool fsm__catalog_is_compiled(const fsm__deployed *deployed) {
  return __atomic_load_n(&deployed->definition, __ATOMIC_ACQUIRE) != NULL;
}

void fsm__catalog_forget_dwell(fsm__catalog *catalog) {
  FSM_ASSERT(is_owner(catalog));
  for (unsigned i = 0; i < catalog->all->count; i++) {
    const fsm__deployed *entry = catalog->all->entries[i];
    if (fsm__catalog_is_compiled(entry))
      memset(entry->dwell, 0, fsm_machine_states(entry->machine) * sizeof *entry->dwell);
  }
}

static fsm_code row_source(fsm__catalog *catalog, const fsm__deployed *entry, fsm_arena *arena,
                           fsm_value *source, fsm_error *err) {
  const fsm__key key = key_of(entry, false);
  const void *value = NULL;
  size_t len = 0;
  fsm_code code = fsm__store_get(catalog->store, FSM_T_MACHINES, key.bytes, key.len, &value, &len, err);
  if (code == FSM_ENOTFOUND)
    return fsm_fail(err, FSM_ECORRUPT, "store: machines", "machine %s version %u has no row", entry->id,
                    entry->version);
  if (code != FSM_OK) return code;
  char *bytes = fsm_arena_strndup(arena, value, len);
  fsm_value list;
  if (bytes == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a definition");
  code = fsm_unpack(arena, bytes, len, &list, err);
  if (code == FSM_OK) *source = list.items[4]; /* entry_read has checked the shape, or add wrote it */
  return code;
}

fsm_code fsm__catalog_source(fsm__catalog *catalog, const fsm__deployed *deployed, fsm_arena *arena,
                             const char **text, size_t *len, fsm_error *err) {
  fsm_value source;
  fsm_code code = row_source(catalog, deployed, arena, &source, err);
  if (code != FSM_OK) return code;
  *text = source.s;
  *len = source.len;
  return FSM_OK;
}

/* A source that was deployed once: what does not load, or is another than its hash says, was damaged. */
static fsm_code load_again(const fsm__deployed *entry, const char *text, size_t len, fsm_definition **out,
                           fsm_error *err) {
  fsm_error fault = {.text = ""};
  fsm_definition *definition = NULL;
  fsm_code code = fsm_definition_load(text, len, &definition, &fault);
  if (code == FSM_ENOMEM) return fsm_fail(err, code, "", "no memory for a definition");
  if (code != FSM_OK)
    return fsm_fail(err, FSM_ECORRUPT, "store: machines", "machine %s version %u does not load: %s: %s",
                    entry->id, entry->version, fault.where, fault.text);
  size_t canonical_len = 0;
  const void *canonical = fsm_definition_canonical(definition, &canonical_len);
  fsm__hash hash = fsm__sha256(canonical, canonical_len);
  if (memcmp(hash.bytes, entry->hash.bytes, sizeof hash.bytes) != 0 ||
      strcmp(fsm_machine_id(fsm_definition_machine(definition)), entry->id) != 0) {
    fsm_definition_free(definition);
    return fsm_fail(err, FSM_ECORRUPT, "store: machines",
                    "machine %s version %u is not the one that was deployed", entry->id, entry->version);
  }
  *out = definition;
  return FSM_OK;
}

/* The states' names from the rows of the handle that asks. Under the lock. */
static fsm_code compile(fsm__catalog *catalog, fsm__deployed *entry, fsm_error *err) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  const char *text = NULL;
  size_t len = 0;
  fsm_definition *definition = NULL;
  fsm_code code = fsm__catalog_source(catalog, entry, &arena, &text, &len, err);
  if (code == FSM_OK) code = load_again(entry, text, len, &definition, err);
  fsm_arena_free(&arena);
  if (code != FSM_OK) return code;
  entry->machine = fsm_definition_machine(definition);
  code = names_of(catalog->store, entry, err);
  if (code == FSM_OK) {
    __atomic_store_n(&entry->definition, definition, __ATOMIC_RELEASE);
    return FSM_OK;
  }
  fsm_definition_free(definition); /* or the next call would find it there */
  free(entry->names);
  free(entry->dwell);
  entry->names = NULL;
  entry->dwell = NULL;
  entry->machine = NULL;
  return code;
}

fsm_code fsm__catalog_need(fsm__catalog *catalog, const fsm__deployed *deployed, fsm_error *err) {
  fsm__deployed *entry = (fsm__deployed *)deployed; /* ours: the const is for the callers */
  if (fsm__catalog_is_compiled(entry)) return FSM_OK;
  pthread_mutex_lock(&catalog->all->lock);
  fsm_code code = entry->definition != NULL ? FSM_OK : compile(catalog, entry, err);
  pthread_mutex_unlock(&catalog->all->lock);
  return code;
}

/* ---- deploying ---------------------------------------------------------------------------------- */

static void row_put(fsm__store *store, const fsm__deployed *entry, const char *source, size_t len) {
  fsm_buf buf = {0};
  fsm_pack_list(&buf, 5);
  fsm_pack_text(&buf, entry->id, strlen(entry->id));
  fsm_pack_bytes(&buf, entry->hash.bytes, FSM_HASH_BYTES);
  fsm_pack_uint(&buf, entry->seq);
  fsm_pack_int(&buf, entry->time_ns);
  fsm_pack_text(&buf, source, len);
  const fsm__key key = key_of(entry, false);
  fsm__store_put_buf(store, FSM_T_MACHINES, key.bytes, key.len, &buf);
}

fsm_code fsm__catalog_add(fsm__catalog *catalog, const char *source, size_t len, fsm_definition *definition,
                          uint64_t seq, int64_t time_ns, fsm_error *err) {
  const fsm_machine *machine = fsm_definition_machine(definition);
  const char *id = fsm_machine_id(machine);
  const fsm__deployed *before = fsm__catalog_find(catalog, id, 0);
  FSM_ASSERT(is_owner(catalog));
  fsm__deployed *entry = calloc(1, sizeof *entry);
  if (entry == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the catalog");
  size_t canonical_len = 0;
  const void *canonical = fsm_definition_canonical(definition, &canonical_len);
  FSM_ASSERT(strlen(id) <= FSM_MACHINE_ID_MAX);
  memcpy(entry->id, id, strlen(id));
  entry->hash = fsm__sha256(canonical, canonical_len);
  entry->seq = seq;
  entry->time_ns = time_ns;
  entry->version = before ? before->version + 1 : 1;
  entry->number = before ? before->number : catalog->all->machines + 1;
  if (before == NULL) name_put(catalog->store, 'm', id, strlen(id), entry->number);
  fsm_code code = FSM_OK;
  for (unsigned s = 1; s < fsm_machine_states(machine) && code == FSM_OK; s++) {
    const char *path = fsm_state_path(machine, s);
    code = name_intern(catalog->store, path, strlen(path), err);
  }
  row_put(catalog->store, entry, source, len);
  entry->definition = definition;
  entry->machine = machine;
  if (code == FSM_OK) code = names_of(catalog->store, entry, err);
  if (code == FSM_OK) code = mask_add(catalog->all, entry, source, len, err);
  if (code == FSM_OK) code = entry_add(catalog->all, entry, err);
  if (code == FSM_OK) return FSM_OK;
  entry->definition = NULL; /* it stays the caller's */
  entry_free(entry);
  return code;
}
