/* catalog_load.c: the definition of a deployed machine, loaded from its row when it is first needed, under
 * the lock; it must be the very one that was deployed. See catalog.h. */
#include <stdlib.h>
#include <string.h>

#include "runtime/catalog_impl.h"
#include "schema/pack.h"

/* ---- entries ------------------------------------------------------------------------------------ */

fsm_code fsm__catalog_names(fsm__store *store, fsm__deployed *entry, fsm_error *err) {
  unsigned states = fsm_machine_states(entry->machine);
  entry->names = calloc(states, sizeof *entry->names);
  entry->dwell = calloc(states, sizeof *entry->dwell);
  if (entry->names == NULL || entry->dwell == NULL)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for the catalog");
  for (unsigned s = 1; s < states; s++) {
    const char *path = fsm_state_path(entry->machine, s);
    fsm_code code = fsm__name_lookup(store, 'n', path, strlen(path), &entry->names[s], err);
    if (code != FSM_OK) return code;
    if (entry->names[s] == 0)
      return fsm_fail(err, FSM_ECORRUPT, "store: names", "state \"%s\" of machine %s has no number", path,
                      entry->id);
  }
  return FSM_OK;
}

/* ---- looking up --------------------------------------------------------------------------------- */

bool fsm__catalog_is_compiled(const fsm__deployed *deployed) {
  return __atomic_load_n(&deployed->definition, __ATOMIC_ACQUIRE) != NULL;
}

static fsm_code row_source(fsm__catalog *catalog, const fsm__deployed *entry, fsm_arena *arena,
                           fsm_value *source, fsm_error *err) {
  const fsm__key key = fsm__catalog_key(entry, false);
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
  code = fsm__catalog_names(catalog->store, entry, err);
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
