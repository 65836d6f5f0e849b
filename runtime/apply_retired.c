/* apply_retired.c: versions of a machine are retired: a row each. */
#include <string.h>

#include "runtime/apply_impl.h"

static const char *text_of(const fsm_value *map, const char *name, fsm_arena *arena) {
  const fsm_value *value = fsm_map_get(map, name);
  if (value == NULL || !fsm_is(value, FSM_STRING) || memchr(value->s, 0, value->len) != NULL) return "";
  return fsm_arena_strndup(arena, value->s, value->len);
}

static fsm_code retire(fsm__catalog *catalog, const fsm_record *record, const fsm_value *version,
                       const fsm__retired *as, fsm_error *err) {
  if (!fsm_is(version, FSM_INT) || version->i < 1 || version->i > UINT32_MAX)
    return fsm__apply_bad(record, "has a version that cannot be", record->mach, err);
  const fsm__deployed *deployed = fsm__catalog_find(catalog, record->mach, (uint32_t)version->i);
  if (deployed == NULL)
    return fsm__apply_bad(record, "is of a version that is not deployed", record->mach, err);
  if (!fsm__catalog_is_live(catalog, deployed))
    return fsm__apply_bad(record, "is of a version that was retired before", record->mach, err);
  fsm__catalog_retire(catalog, deployed, as);
  return FSM_OK;
}

fsm_code fsm__apply_retired(fsm__catalog *catalog, const fsm_record *record, fsm_arena *arena,
                            fsm_error *err) {
  const fsm_value *versions = fsm_map_get(&record->detail, "versions");
  fsm__retired as = {.seq = record->seq,
                     .time_ns = record->time_ns,
                     .who = text_of(&record->act, "sub", arena),
                     .reason = text_of(&record->detail, "reason", arena)};
  if (as.who != NULL && as.who[0] == '\0') as.who = text_of(&record->act, "type", arena);
  if (as.who == NULL || as.reason == NULL) return fsm__apply_nomem(err);
  if (record->mach == NULL || versions == NULL || !fsm_is(versions, FSM_LIST) || versions->len == 0)
    return fsm__apply_bad(record, "names no version", record->mach, err);
  if (record->time_ns < 0) return fsm__apply_bad(record, "is of a time before 1970", NULL, err);
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < versions->len && code == FSM_OK; i++)
    code = retire(catalog, record, &versions->items[i], &as, err);
  return code;
}
