/* catalog.h: the deployed machines and the interned names, in memory beside their rows.
 *
 * A machine id has a number, given at its first deployment; a version is one definition under it. A
 * definition is compiled when it is first needed. Everything is derived from `deployed` records, in
 * their order, so that a replay gives the same numbers.
 *
 * Threads as with the store: the owner's handle (fsm__catalog_open) deploys and finds all; a reader's handle
 * (fsm__catalog_view) stands on a view of the store and finds what was deployed up to its seq. Entries are
 * shared, never move and live as long as the catalog; after fsm__catalog_need has answered FSM_OK an entry's
 * definition, machine and names never change.
 */
#ifndef FSM_RUNTIME_CATALOG_H
#define FSM_RUNTIME_CATALOG_H

#include "runtime/masks.h"
#include "runtime/meters.h"
#include "runtime/store.h"
#include "schema/definition.h"

/* One version of a machine. Lives as long as the catalog. */
typedef struct fsm__deployed {
  char id[FSM_MACHINE_ID_MAX + 1];
  uint32_t number, version;
  fsm__hash hash;
  uint64_t seq;
  int64_t time_ns;
  fsm_definition *definition; /* NULL until needed: fsm__catalog_need */
  const fsm_machine *machine; /* of definition */
  uint32_t *names;            /* interned number of each state's path */
  uint64_t retired_seq;       /* 0 = it is live; ask fsm__catalog_is_live */
  fsm__dwell_meter *dwell;    /* of each state; grows as instances leave it */
} fsm__deployed;

/* A version of which no new instances are made: its row, beside that of the version. */
typedef struct fsm__retired {
  uint64_t seq;
  int64_t time_ns;
  const char *who, *reason;
} fsm__retired;

typedef struct fsm__catalog fsm__catalog;

FSM_MUST_USE fsm_code fsm__catalog_open(fsm__store *store, fsm__catalog **out, fsm_error *err);
void fsm__catalog_free(fsm__catalog *catalog);
/* A reader's handle, in arena: what was deployed up to seq, read through the view. NULL without memory. */
fsm__catalog *fsm__catalog_view(fsm__catalog *catalog, fsm__store *view, uint64_t seq, fsm_arena *arena);

/* version 0 = newest. NULL when there is none. Not yet compiled: see need. */
const fsm__deployed *fsm__catalog_find(const fsm__catalog *catalog, const char *id, uint32_t version);
const fsm__deployed *fsm__catalog_at(const fsm__catalog *catalog, uint32_t number, uint32_t version);
/* Of which a start may make an instance; fsm__catalog_live: the newest such version, NULL = there is none. */
bool fsm__catalog_is_live(const fsm__catalog *catalog, const fsm__deployed *deployed);
const fsm__deployed *fsm__catalog_live(const fsm__catalog *catalog, const char *id);
/* The newest version of the machine with this index (0, 1, …, in order of first deployment); NULL past the
 * end. */
const fsm__deployed *fsm__catalog_newest(const fsm__catalog *catalog, unsigned index);
/* The version with this index, in order of deployment; NULL past the end. */
const fsm__deployed *fsm__catalog_each(const fsm__catalog *catalog, unsigned index);
/* Has fsm__catalog_need answered FSM_OK once? Any thread. */
bool fsm__catalog_is_compiled(const fsm__deployed *deployed);
/* The owner's, before others read: stays that a replay saw end were counted when they ended. */
void fsm__catalog_forget_dwell(fsm__catalog *catalog);
/* Of all versions that were ever deployed; lives as long as the catalog. One whose definition cannot be read
 * is not among them. Any thread. */
fsm__masks *fsm__catalog_masks(const fsm__catalog *catalog);
/* Of one of them; what cannot be told hides everything. */
const fsm_mask *fsm__catalog_mask(const fsm__catalog *catalog, const uint8_t def[FSM_HASH_BYTES]);
/* Compiles the definition if it is not yet. */
FSM_MUST_USE fsm_code fsm__catalog_need(fsm__catalog *catalog, const fsm__deployed *deployed, fsm_error *err);
/* The source as it was deployed, in arena. */
FSM_MUST_USE fsm_code fsm__catalog_source(fsm__catalog *catalog, const fsm__deployed *deployed,
                                          fsm_arena *arena, const char **text, size_t *len, fsm_error *err);

/* Applies a deployment: rows, numbers, names. Takes over definition on success. */
FSM_MUST_USE fsm_code fsm__catalog_add(fsm__catalog *catalog, const char *source, size_t len,
                                       fsm_definition *definition, uint64_t seq, int64_t time_ns,
                                       fsm_error *err);

/* Applies a retirement: the row, and the owner's and all later views' entry. */
void fsm__catalog_retire(fsm__catalog *catalog, const fsm__deployed *deployed, const fsm__retired *retired);
/* Of one that is not live in this handle's view. */
FSM_MUST_USE fsm_code fsm__catalog_retired(const fsm__catalog *catalog, const fsm__deployed *deployed,
                                           fsm_arena *arena, fsm__retired *out, fsm_error *err);

/* The number of an interned text; 0 = never seen. */
FSM_MUST_USE fsm_code fsm__name_find(fsm__store *store, const char *text, size_t len, uint32_t *number,
                                     fsm_error *err);
/* The text of a number that a row has, in arena. */
FSM_MUST_USE fsm_code fsm__name_text(fsm__store *store, uint32_t number, fsm_arena *arena, const char **text,
                                     fsm_error *err);

#endif
