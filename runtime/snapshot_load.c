/* snapshot_load.c: a snapshot into an empty store, made exact by the journal from A to B. See snapshot.h. */
#include <string.h>

#include "runtime/rows.h"
#include "runtime/snapshot_impl.h"

enum { ROUND_BYTES = 16 * 1024 * 1024, INSTANCE_KEY = 9 };

typedef struct loading {
  fsm__store *store;
  fsm__ahead *ahead;
  fsm__snapshot_info info;
  uint64_t instances; /* the highest number at A */
  fsm_arena arena;
  fsm_buf closing; /* rows of `counters` at B */
} loading;

/* An instance that was there at A has its id from the start; a later one gets it from its frame. */
static fsm_code note_id(loading *l, const fsm__row *row, fsm_error *err) {
  if (row->key_len != INSTANCE_KEY || ((const uint8_t *)row->key)[8] != 's') return FSM_OK;
  if (fsm__key_read_u64(row->key) > l->instances) return FSM_OK;
  const char *id = NULL;
  size_t len = 0;
  fsm_arena_reset(&l->arena);
  fsm_code code = fsm__instance_row_id(row, &l->arena, &id, &len, err);
  if (code == FSM_OK) fsm__store_put(l->store, FSM_T_IDS, id, len, row->key, 8);
  return code;
}

/* ---- whose it is -------------------------------------------------------------------------------- */

/* The leaf of a record: from itself or, of the last that is not kept, from the link of the first that is. */
static bool leaf_at(fsm__journal *journal, uint64_t seq, uint64_t first, fsm__hash *out) {
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  fsm_record record;
  fsm_arena arena;
  bool found = false;
  fsm_arena_init(&arena, 0);
  const uint64_t at = seq < first ? first : seq;
  fsm_code code = fsm__journal_cursor_open(journal, at, &cursor, NULL);
  if (code == FSM_OK) code = fsm__journal_next(cursor, &entry, &found, NULL);
  if (code == FSM_OK && found && at == seq) *out = fsm__leaf(entry.record.data, entry.record.len);
  if (code == FSM_OK && found && at != seq)
    code = fsm_record_decode(&arena, entry.record.data, entry.record.len, &record, NULL);
  if (code == FSM_OK && found && at != seq) memcpy(out->bytes, record.prev, sizeof out->bytes);
  fsm__journal_cursor_close(cursor);
  fsm_arena_free(&arena);
  return code == FSM_OK && found;
}

bool fsm__snapshot_fits(const fsm__snapshot_info *info, fsm__journal *journal) {
  const uint64_t first = fsm__journal_first_seq(journal), last = fsm__journal_durable_seq(journal);
  fsm__hash leaf;
  if (info->from_seq + 1 < first || info->to_seq > last) return false;
  if (info->to_seq == 0) return true;
  return leaf_at(journal, info->to_seq, first, &leaf) && memcmp(&leaf, &info->to_leaf, sizeof leaf) == 0;
}

/* ---- what is put right at B ---------------------------------------------------------------------- */

static fsm_code drop_counters(fsm__store *store, fsm_error *err) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, store, FSM_T_COUNTERS, NULL, 0);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    fsm__key key = {.len = 0};
    fsm__key_add(&key, row.key, row.key_len);
    fsm__store_delete(store, FSM_T_COUNTERS, key.bytes, key.len);
  }
  fsm__range_close(&range);
  return code;
}

static fsm_code put_right(loading *l, fsm_error *err) {
  const uint8_t *at = (const uint8_t *)l->closing.data, *end = at + l->closing.len;
  fsm__row row;
  uint64_t made = 0, copied = 0;
  fsm_code code = fsm__counter_read(l->store, "instance", &made, err);
  if (code == FSM_OK) code = drop_counters(l->store, err);
  while (at < end && fsm__chunk_row(&at, end, &row))
    fsm__store_put(l->store, FSM_T_COUNTERS, row.key, row.key_len, row.value, row.value_len);
  if (code == FSM_OK) code = fsm__counter_read(l->store, "instance", &copied, err);
  if (code == FSM_OK && copied != made)
    code =
        fsm_fail(err, FSM_EVERIFY, "journal", "it makes another number of instances than the snapshot has");
  return code;
}

/* ---- rows --------------------------------------------------------------------------------------- */

static fsm_code load_block(loading *l, const fsm__snapshot_block *block, fsm_error *err) {
  const uint8_t *at = block->rows;
  fsm__row row;
  fsm_code code = FSM_OK;
  if (block->closing) {
    fsm_buf_add(&l->closing, block->rows, (size_t)(block->end - block->rows));
    return fsm_buf_ok(&l->closing) ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a snapshot");
  }
  if (!block->continued && fsm__snapshot_copies(block->table) == FSM__COPIED_IN_CHUNKS)
    code = fsm__ahead_add(l->ahead, (unsigned)block->table, block->from, block->from_len, block->seq, err);
  while (code == FSM_OK && fsm__chunk_row(&at, block->end, &row)) {
    fsm__store_put(l->store, block->table, row.key, row.key_len, row.value, row.value_len);
    if (block->table == FSM_T_INSTANCES) code = note_id(l, &row, err);
    if (code == FSM_OK && fsm__store_pending_bytes(l->store) > ROUND_BYTES)
      code = fsm__store_round(l->store, l->info.from_seq, &l->info.from_leaf, err);
  }
  return code == FSM_OK ? fsm__store_fault(l->store, err) : code;
}

static fsm_code load_rows(loading *l, const char *path, fsm_error *err) {
  fsm__path rows;
  fsm__snapshot_file *file = NULL;
  fsm__snapshot_block block;
  fsm_code code = fsm__path_of(&rows, err, "%s/" FSM_SNAPSHOT_ROWS, path);
  if (code == FSM_OK) code = fsm__snapshot_file_open(rows.text, &file, &l->info, err);
  for (bool found = true; code == FSM_OK && found;) {
    code = fsm__snapshot_file_next(file, &block, &found, &l->info, err);
    if (code == FSM_OK && found) code = load_block(l, &block, err);
    if (code == FSM_OK && found && block.table == FSM_T_COUNTERS && !block.closing)
      code = fsm__counter_read(l->store, "instance", &l->instances, err);
  }
  fsm__snapshot_file_close(file);
  return code == FSM_OK ? fsm__store_round(l->store, l->info.from_seq, &l->info.from_leaf, err) : code;
}

static fsm_code replay(loading *l, fsm__journal *journal, fsm__catalog *catalog, fsm__core *position,
                       fsm_error *err) {
  position->seq = l->info.from_seq;
  position->leaf = l->info.from_leaf;
  fsm_code code = FSM_OK;
  if (l->info.to_seq > l->info.from_seq) {
    fsm__store_ahead(l->store, l->ahead);
    code = fsm__replay(journal, l->store, catalog, l->info.from_seq + 1, l->info.to_seq, ROUND_BYTES,
                       position, err);
    fsm__store_ahead(l->store, NULL);
  }
  if (code != FSM_OK) return code;
  if (position->seq != l->info.to_seq)
    return fsm_fail(err, FSM_EVERIFY, "journal", "it ends at seq %llu, the snapshot needs it up to %llu",
                    (unsigned long long)position->seq, (unsigned long long)l->info.to_seq);
  if (!fsm__snapshot_fits(&l->info, journal))
    return fsm_fail(err, FSM_EVERIFY, "journal", "record %llu is not the one that the snapshot was made at",
                    (unsigned long long)position->seq);
  code = put_right(l, err);
  if (code != FSM_OK) return code;
  return fsm__store_round(l->store, position->seq, &position->leaf, err);
}

fsm_code fsm__snapshot_load(const char *path, fsm__journal *journal, fsm__store *store,
                            fsm__catalog **catalog, fsm__core *position, fsm_error *err) {
  FSM_ASSERT(fsm__store_applied(store, NULL) == 0 && *catalog == NULL);
  loading l = {.store = store};
  uint8_t id[16];
  fsm_arena_init(&l.arena, 0);
  fsm_code code = fsm__ahead_new(&l.ahead, err);
  if (code == FSM_OK) code = load_rows(&l, path, err);
  fsm__store_id(store, id);
  if (code == FSM_OK && memcmp(id, l.info.origin.store, sizeof id) != 0)
    code = fsm_fail(err, FSM_EARGUMENT, path, "the snapshot is of another store");
  if (code == FSM_OK) code = fsm__catalog_open(store, catalog, err);
  if (code == FSM_OK) code = replay(&l, journal, *catalog, position, err);
  fsm__ahead_free(l.ahead);
  fsm_buf_free(&l.closing);
  fsm_arena_free(&l.arena);
  return code;
}
