/* database_impl.h: what the files of the database share.
 *
 *   stat, check    looking                    backup, restore   copies
 *   rebuild        the store anew             damage, repair    what can be trusted; the rest is cut or made
 *   note           a record about all of it   report            members of documents, findings
 */
#ifndef FSM_RUNTIME_DATABASE_IMPL_H
#define FSM_RUNTIME_DATABASE_IMPL_H

#include "runtime/database.h"
#include "runtime/files.h"
#include "runtime/journal.h"
#include "runtime/query.h"
#include "runtime/snapshot.h"

/* ---- members of documents (query.h) that are copied or made ---- */

void fsm__report_text(fsm__document *document, const char *name, const char *text); /* NULL adds nothing */
void fsm__report_u64(fsm__document *document, const char *name, uint64_t number);
void fsm__report_bool(fsm__document *document, const char *name, bool value);
void fsm__report_hash(fsm__document *document, const char *name, const fsm__hash *hash); /* hex */
void fsm__report_time(fsm__document *document, const char *name, int64_t ns);            /* 0 adds nothing */

/* ---- a stopped directory ---- */

/* The store's lock (or none, when there is no store), and where things are. */
typedef struct fsm__stopped {
  fsm__path dir, store, journal, snapshots;
  int lock_fd;
} fsm__stopped;
FSM_MUST_USE fsm_code fsm__stopped_open(fsm__stopped *stopped, const char *dir, fsm_error *err);
void fsm__stopped_close(fsm__stopped *stopped);
/* Store id and partition: what most segments and snapshots say. */
FSM_MUST_USE fsm_code fsm__stopped_origin(const fsm__stopped *stopped, fsm_origin *out, fsm_error *err);
FSM_MUST_USE fsm_code fsm__stopped_journal(const fsm__stopped *stopped, bool read_only, uint64_t floor_seq,
                                           fsm__journal **out, fsm__recovery *found, fsm_error *err);

/* A store at path, which must not be there, of a snapshot (NULL = from nothing) and all of the journal. */
FSM_MUST_USE fsm_code fsm__store_build(const char *path, const uint8_t store_id[16], const char *snapshot,
                                       fsm__journal *journal, uint64_t *seq, fsm_error *err);
/* The snapshot to build from: the newest verified one that the journal goes on from; NULL in *out (text "")
 * when it is the whole journal; FSM_ECORRUPT when there is neither. */
FSM_MUST_USE fsm_code fsm__stopped_base(const fsm__stopped *stopped, fsm__journal *journal, fsm__path *out,
                                        fsm_error *err);
/* Builds the store in place of the one there is, which is moved aside and, at the end, removed. */
FSM_MUST_USE fsm_code fsm__stopped_rebuild(fsm__stopped *stopped, fsm__journal *journal, uint64_t *seq,
                                           uint64_t *base_seq, fsm_error *err);

/* One record about the whole, appended and committed. */
FSM_MUST_USE fsm_code fsm__database_note(fsm__journal *journal, fsm_record_kind kind,
                                         const fsm_database_order *order, const fsm_value *detail,
                                         uint64_t *seq, fsm_error *err);

/* Copies what is kept of a journal: whole segments, and of the one being written all batches that are whole.
 * to: an empty directory. Each file that was made is told. */
typedef fsm_code (*fsm__copied_fn)(void *arg, const char *name, fsm_error *err);
FSM_MUST_USE fsm_code fsm__journal_copy(fsm__journal *journal, const char *from, const char *to,
                                        fsm__copied_fn copied, void *arg, fsm_error *err);

/* Adds {what, state, text, where?} to a list of findings; code FSM_OK = ok. */
enum { FSM__FINDINGS_MAX = 256 };
typedef struct fsm__findings {
  fsm_arena *arena;
  fsm_value items[FSM__FINDINGS_MAX];
  unsigned count, damaged;
} fsm__findings;
void fsm__finding(fsm__findings *findings, const char *what, fsm_code code, const fsm_error *fault,
                  const char *good);
FSM_MUST_USE fsm_code fsm__findings_end(fsm__findings *findings, fsm_value *out, fsm_error *err);
/* Of the snapshots of a directory. */
FSM_MUST_USE fsm_code fsm__check_snapshots(const char *dir, fsm__findings *findings, fsm_error *err);

#endif
