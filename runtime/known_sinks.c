/* known_sinks.c: see known_sinks.h. */
#include "runtime/known_sinks.h"

#include <string.h>

fsm_code fsm__known_sinks_init(fsm__known_sinks *known, fsm_error *err) {
  *known = (fsm__known_sinks){.count = 0};
  return pthread_mutex_init(&known->lock, NULL) == 0 ? FSM_OK
                                                     : fsm_fail(err, FSM_ENOMEM, "", "no memory for a lock");
}

void fsm__known_sinks_free(fsm__known_sinks *known) { pthread_mutex_destroy(&known->lock); }

void fsm__known_sinks_set(fsm__known_sinks *known, const char *const *names, size_t count) {
  FSM_ASSERT(count <= FSM_SINKS_MAX);
  pthread_mutex_lock(&known->lock);
  known->count = count;
  for (size_t i = 0; i < count; i++) {
    const size_t len = strlen(names[i]);
    FSM_ASSERT(len > 0 && len <= FSM_SINK_NAME_MAX);
    memcpy(known->names[i], names[i], len + 1);
  }
  pthread_mutex_unlock(&known->lock);
}

fsm_code fsm__known_sinks_get(fsm__known_sinks *known, fsm_arena *arena, const char *const **names,
                              size_t *count, fsm_error *err) {
  const char **copies = fsm_arena_alloc(arena, FSM_SINKS_MAX * sizeof *copies);
  bool good = copies != NULL;
  pthread_mutex_lock(&known->lock);
  for (size_t i = 0; good && i < known->count; i++) {
    copies[i] = fsm_arena_strdup(arena, known->names[i]);
    good = copies[i] != NULL;
  }
  *count = known->count;
  pthread_mutex_unlock(&known->lock);
  *names = copies;
  return good ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for the names of sinks");
}
