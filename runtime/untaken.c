/* untaken.c: see untaken.h. Few names: a list is enough. */
#include "runtime/untaken.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct fsm__untaken {
  pthread_mutex_t lock;
  char *names[FSM_UNTAKEN_MAX];
  unsigned count;
};

fsm_code fsm__untaken_new(fsm__untaken **out, fsm_error *err) {
  fsm__untaken *u = calloc(1, sizeof *u);
  if (u == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a runtime");
  pthread_mutex_init(&u->lock, NULL);
  *out = u;
  return FSM_OK;
}

void fsm__untaken_free(fsm__untaken *u) {
  if (u == NULL) return;
  for (unsigned i = 0; i < u->count; i++) free(u->names[i]);
  pthread_mutex_destroy(&u->lock);
  free(u);
}

static unsigned find(const fsm__untaken *u, const char *service) {
  unsigned i = 0;
  while (i < u->count && strcmp(u->names[i], service) != 0) i++;
  return i;
}

void fsm__untaken_say(fsm__untaken *u, const char *service, bool taken) {
  pthread_mutex_lock(&u->lock);
  unsigned at = find(u, service);
  if (taken && at < u->count) {
    free(u->names[at]);
    u->names[at] = u->names[--u->count];
  } else if (!taken && at == u->count && u->count < FSM_UNTAKEN_MAX) {
    char *name = strdup(service);
    if (name != NULL) u->names[u->count++] = name;
  }
  pthread_mutex_unlock(&u->lock);
}

bool fsm__untaken_is(fsm__untaken *u, const char *service) {
  pthread_mutex_lock(&u->lock);
  bool is = find(u, service) < u->count;
  pthread_mutex_unlock(&u->lock);
  return is;
}
