/* definition_zone.c: the zones that a definition's expressions name: the system's, each read once and kept
 * in the loader's arena, because the tree outlives the loader.
 */
#include <string.h>

#include "schema/definition_load.h"
#include "schema/zone.h"

typedef struct zone zone;
struct zone {
  const char *name;
  const void *data;
  size_t len;
  zone *next;
};

typedef struct zones {
  fsm_arena *arena;
  zone *first;
} zones;

static bool keep(zones *all, const char *name, const void *data, size_t len, const zone **out) {
  zone *one = fsm_arena_zalloc(all->arena, 1, sizeof *one);
  void *copy = one ? fsm_arena_alloc(all->arena, len) : NULL;
  char *own_name = copy ? fsm_arena_strdup(all->arena, name) : NULL;
  if (!own_name) return false;
  memcpy(copy, data, len);
  *one = (zone){own_name, copy, len, all->first};
  all->first = one;
  *out = one;
  return true;
}

static bool read_new(zones *all, const char *name, const zone **out) {
  fsm_zones system = {0};
  const void *data;
  size_t len;
  bool found = fsm_zones_read(&system, name, &data, &len) && keep(all, name, data, len, out);
  fsm_zones_free(&system);
  return found;
}

static bool read_zone(void *arg, const char *name, const void **data, size_t *len) {
  zones *all = arg;
  const zone *one = all->first;
  while (one && strcmp(one->name, name) != 0) one = one->next;
  if (!one && !read_new(all, name, &one)) return false;
  *data = one->data;
  *len = one->len;
  return true;
}

fsm_code fsm__use_zones(fsm__loader *l) {
  zones *all = fsm_arena_zalloc(l->arena, 1, sizeof *all);
  if (!all) return fsm__out_of_memory(l);
  all->arena = l->arena;
  l->options.zones = read_zone;
  l->options.zones_arg = all;
  return FSM_OK;
}
