/* catalog.c: deployed machines in memory, their rows, and interned names. See catalog.h.
 *
 * The list of entries is changed by the owner under the lock and read by it without; readers take the lock
 * for both. An entry is compiled under the lock too; its definition is set last, and whoever sees it sees the
 * rest. */
#include "runtime/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/catalog_impl.h"
#include "schema/pack.h"

bool fsm__catalog_is_owner(const fsm__catalog *catalog) { return catalog->seq == FSM_NEWEST; }

static void lock_entries(const fsm__catalog *catalog) {
  if (!fsm__catalog_is_owner(catalog)) pthread_mutex_lock(&catalog->all->lock);
}

static void unlock_entries(const fsm__catalog *catalog) {
  if (!fsm__catalog_is_owner(catalog)) pthread_mutex_unlock(&catalog->all->lock);
}

/* ---- entries ------------------------------------------------------------------------------------ */

/* Takes over the entry on success. */
static fsm_code entry_add(fsm__catalog_shared *all, fsm__deployed *entry, fsm_error *err) {
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

/* ---- what is retired ---------------------------------------------------------------------------- */

fsm__key fsm__catalog_key(const fsm__deployed *entry, bool retired) {
  fsm__key key = {.len = 0};
  fsm__key_u32(&key, entry->number);
  fsm__key_u32(&key, entry->version);
  if (retired) fsm__key_add(&key, "r", 1);
  return key;
}

/* ---- opening ------------------------------------------------------------------------------------ */

/* The order of deployment, which is not the order of the rows. */
static int by_seq(const void *a, const void *b) {
  const fsm__deployed *x = *(fsm__deployed *const *)a, *y = *(fsm__deployed *const *)b;
  return (x->seq > y->seq) - (x->seq < y->seq);
}

/* What does not read is told when the definition is needed; until then it hides everything. */
static fsm_code mask_add(fsm__catalog_shared *all, const fsm__deployed *entry, const char *source, size_t len,
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
  fsm__catalog_shared *all = calloc(1, sizeof *all);
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
    code = row.key_len == 9 ? fsm__catalog_read_retired(catalog, &row, &arena, err)
                            : entry_read(catalog, &row, &arena, err);
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
  FSM_ASSERT(fsm__catalog_is_owner(catalog));
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

void fsm__catalog_forget_dwell(fsm__catalog *catalog) {
  FSM_ASSERT(fsm__catalog_is_owner(catalog));
  for (unsigned i = 0; i < catalog->all->count; i++) {
    const fsm__deployed *entry = catalog->all->entries[i];
    if (fsm__catalog_is_compiled(entry))
      memset(entry->dwell, 0, fsm_machine_states(entry->machine) * sizeof *entry->dwell);
  }
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
  const fsm__key key = fsm__catalog_key(entry, false);
  fsm__store_put_buf(store, FSM_T_MACHINES, key.bytes, key.len, &buf);
}

fsm_code fsm__catalog_add(fsm__catalog *catalog, const char *source, size_t len, fsm_definition *definition,
                          uint64_t seq, int64_t time_ns, fsm_error *err) {
  const fsm_machine *machine = fsm_definition_machine(definition);
  const char *id = fsm_machine_id(machine);
  const fsm__deployed *before = fsm__catalog_find(catalog, id, 0);
  FSM_ASSERT(fsm__catalog_is_owner(catalog));
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
  if (before == NULL) fsm__name_put(catalog->store, 'm', id, strlen(id), entry->number);
  fsm_code code = FSM_OK;
  for (unsigned s = 1; s < fsm_machine_states(machine) && code == FSM_OK; s++) {
    const char *path = fsm_state_path(machine, s);
    code = fsm__name_intern(catalog->store, path, strlen(path), err);
  }
  row_put(catalog->store, entry, source, len);
  entry->definition = definition;
  entry->machine = machine;
  if (code == FSM_OK) code = fsm__catalog_names(catalog->store, entry, err);
  if (code == FSM_OK) code = mask_add(catalog->all, entry, source, len, err);
  if (code == FSM_OK) code = entry_add(catalog->all, entry, err);
  if (code == FSM_OK) return FSM_OK;
  entry->definition = NULL; /* it stays the caller's */
  entry_free(entry);
  return code;
}
