/* database_rebuild.c: a store from a snapshot and the journal, put in the place of the one there is.
 *
 * The new one is built beside it and renamed only when it is whole and durable; the old one is moved aside
 * first, and removed last, so at every moment the directory has a whole store or says that it has none. */
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/database_impl.h"

enum { ROUND_BYTES = 32 * 1024 * 1024 };

fsm_code fsm__store_build(const char *path, const uint8_t store_id[16], const char *snapshot,
                          fsm__journal *journal, uint64_t *seq, fsm_error *err) {
  fsm__store *store = NULL;
  fsm__catalog *catalog = NULL;
  fsm__core position = {.seq = 0};
  fsm_code code = fsm__store_open(&(fsm__store_options){.dir = path, .new_store_id = store_id}, &store, err);
  if (code != FSM_OK) return code;
  if (snapshot != NULL)
    code = fsm__snapshot_load(snapshot, journal, store, &catalog, &position, err);
  else
    code = fsm__catalog_open(store, &catalog, err);
  if (code == FSM_OK)
    code = fsm__replay(journal, store, catalog, position.seq + 1, 0, ROUND_BYTES, &position, err);
  if (code == FSM_OK) code = fsm__store_round(store, position.seq, &position.leaf, err);
  fsm__catalog_free(catalog);
  fsm__store_close(store);
  *seq = position.seq;
  return code;
}

fsm_code fsm__stopped_base(const fsm__stopped *stopped, fsm__journal *journal, fsm__path *out,
                           fsm_error *err) {
  fsm__snapshot_info *list = NULL, *base = NULL, again;
  size_t count = 0;
  out->text[0] = '\0';
  fsm_code code = fsm__snapshot_list(stopped->snapshots.text, &list, &count, NULL, err);
  for (size_t i = count; code == FSM_OK && base == NULL && i-- > 0;) { /* the newest that is whole */
    if (list[i].verified_ns == 0 || !fsm__snapshot_fits(&list[i], journal)) continue;
    code = fsm__snapshot_path(stopped->snapshots.text, list[i].from_seq, out, err);
    if (code == FSM_OK && fsm__snapshot_check(out->text, &again, NULL) == FSM_OK) base = &list[i];
  }
  free(list);
  if (code != FSM_OK || base != NULL) return code;
  out->text[0] = '\0';
  if (fsm__journal_first_seq(journal) <= 1) return FSM_OK;
  return fsm_fail(err, FSM_ECORRUPT, stopped->snapshots.text,
                  "the journal is kept from seq %llu on and no verified snapshot fits it: restore a backup",
                  (unsigned long long)fsm__journal_first_seq(journal));
}

static fsm_code replace(const fsm__stopped *stopped, const fsm__path *fresh, fsm_error *err) {
  fsm__path old;
  fsm_code code = fsm__path_of(&old, err, "%s/store.old-%lld", stopped->dir.text,
                               (long long)(fsm__wall_ns() / 1000000000));
  bool there = fsm__path_exists(stopped->store.text);
  if (code == FSM_OK && there) code = fsm__file_move(stopped->store.text, old.text, err);
  if (code == FSM_OK) code = fsm__file_move(fresh->text, stopped->store.text, err);
  if (code == FSM_OK && there) fsm__tree_remove(old.text);
  return code;
}

fsm_code fsm__stopped_rebuild(fsm__stopped *stopped, fsm__journal *journal, uint64_t *seq, uint64_t *base_seq,
                              fsm_error *err) {
  fsm__path fresh, base;
  fsm_origin origin;
  fsm__snapshot_info info = {.from_seq = 0};
  fsm_code code = fsm__path_of(&fresh, err, "%s/store.new", stopped->dir.text);
  if (code == FSM_OK) code = fsm__stopped_origin(stopped, &origin, err);
  if (code == FSM_OK) code = fsm__stopped_base(stopped, journal, &base, err);
  if (code == FSM_OK && base.text[0] != '\0') code = fsm__snapshot_describe(base.text, &info, err);
  if (code != FSM_OK) return code;
  fsm__tree_remove(fresh.text);
  code =
      fsm__store_build(fresh.text, origin.store, base.text[0] != '\0' ? base.text : NULL, journal, seq, err);
  if (code == FSM_OK) code = replace(stopped, &fresh, err);
  *base_seq = info.from_seq;
  return code;
}

static fsm_code note(fsm__journal *journal, const fsm_database_order *order, uint64_t *noted,
                     fsm_error *err) {
  fsm_arena arena;
  fsm_value detail;
  fsm_arena_init(&arena, 0);
  fsm__document document = {.arena = &arena};
  fsm__report_text(&document, "command", "rebuild");
  fsm_code code = fsm__document_map(&document, &detail, err);
  if (code == FSM_OK) code = fsm__database_note(journal, FSM_RECORD_ADMIN, order, &detail, noted, err);
  fsm_arena_free(&arena);
  return code;
}

fsm_code fsm_database_rebuild(const char *dir, const fsm_database_order *order, fsm_arena *arena,
                              fsm_value *out, fsm_error *err) {
  fsm__stopped stopped;
  fsm__journal *journal = NULL;
  uint64_t seq = 0, base_seq = 0, noted = 0;
  fsm_code code = fsm__stopped_open(&stopped, dir, err);
  if (code == FSM_OK) code = fsm__stopped_journal(&stopped, false, 0, &journal, NULL, err);
  /* Told first: once the new store is in place its lock is nobody's. */
  if (code == FSM_OK) code = note(journal, order, &noted, err);
  if (code == FSM_OK) code = fsm__stopped_rebuild(&stopped, journal, &seq, &base_seq, err);
  fsm__journal_close(journal);
  fsm__stopped_close(&stopped);
  if (code != FSM_OK) return code;
  fsm__document document = {.arena = arena};
  fsm__report_text(&document, "dir", dir);
  fsm__report_u64(&document, "snapshot", base_seq);
  fsm__report_u64(&document, "applied", seq);
  fsm__report_u64(&document, "record", noted);
  return fsm__document_map(&document, out, err);
}
