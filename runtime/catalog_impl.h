/* catalog_impl.h: the catalog behind its handles, for the files of catalog*.c. See catalog.c. */
#ifndef FSM_RUNTIME_CATALOG_IMPL_H
#define FSM_RUNTIME_CATALOG_IMPL_H

#include <pthread.h>

#include "runtime/catalog.h"
#include "runtime/rows.h"

typedef struct fsm__catalog_shared {
  pthread_mutex_t lock;
  fsm__deployed **entries; /* in order of deployment; pointers stay valid */
  unsigned count, cap;
  unsigned machines; /* distinct ids = highest machine number */
  fsm__masks *masks;
} fsm__catalog_shared;

struct fsm__catalog {
  fsm__catalog_shared *all;
  fsm__store *store;
  uint64_t seq; /* what it finds was deployed by then; FSM_NEWEST: the owner's */
};

bool fsm__catalog_is_owner(const fsm__catalog *catalog);
/* *number 0: there is none. A row that cannot be read is not none: the text would get a second number. */
fsm_code fsm__name_lookup(fsm__store *store, char space, const char *text, size_t len, uint32_t *number,
                          fsm_error *err);
void fsm__name_put(fsm__store *store, char space, const char *text, size_t len, uint32_t number);
fsm_code fsm__name_intern(fsm__store *store, const char *text, size_t len, fsm_error *err);
fsm_code fsm__catalog_names(fsm__store *store, fsm__deployed *entry, fsm_error *err);
fsm__key fsm__catalog_key(const fsm__deployed *entry, bool retired);
/* The row stands right behind that of its version. */
fsm_code fsm__catalog_read_retired(fsm__catalog *catalog, const fsm__row *row, fsm_arena *arena,
                                   fsm_error *err);

#endif
