/* kept.c: see kept.h. */
#include "runtime/kept.h"

#include "runtime/record_filter.h"

/* ---- what there is ------------------------------------------------------------------------------ */

fsm_code fsm__kept_open(const fsm__reading *at, fsm__kept *out, fsm_error *err) {
  fsm__journal *journal = at->core->journal;
  *out = (fsm__kept){.at = at};
  fsm__journal_pin(journal);
  out->first = out->here = fsm__journal_first_seq(journal);
  return fsm__journal_cursor_open(journal, out->here, &out->cursor, err);
}

void fsm__kept_close(fsm__kept *kept) {
  if (kept->at == NULL) return;
  fsm__archive_close(kept->archive);
  fsm__journal_cursor_close(kept->cursor);
  fsm__journal_unpin(kept->at->core->journal);
  *kept = (fsm__kept){.at = NULL};
}

bool fsm__kept_reaches(const fsm__kept *kept) {
  return kept->archive == NULL && kept->here > 1 && kept->at->core->archive != NULL;
}

/* The journal's first record must name the archive's last one: files of another branch (from before a
 * restore, of a copy) have the same names, and would tell what never happened here. */
static fsm_code joins(const fsm__kept *kept, fsm_error *err) {
  fsm__journal_entry entry;
  fsm_record record;
  fsm_arena arena;
  if (kept->first == kept->here || kept->here > kept->at->core->seq) return FSM_OK; /* nothing to join */
  fsm_arena_init(&arena, 0);
  fsm_code code = fsm__journal_read(kept->cursor, kept->here, &entry, err);
  if (code == FSM_OK) code = fsm_record_decode(&arena, entry.record.data, entry.record.len, &record, err);
  if (code == FSM_OK) code = fsm__archive_joins(kept->archive, kept->here - 1, record.prev, err);
  fsm_arena_free(&arena);
  return code;
}

fsm_code fsm__kept_reach(fsm__kept *kept, fsm_error *err) {
  const fsm__core *core = kept->at->core;
  if (!fsm__kept_reaches(kept)) return FSM_OK;
  fsm_code code = fsm__archive_open(core->archive, &core->origin, &kept->archive, err);
  if (code == FSM_OK) code = fsm__archive_run(kept->archive, kept->here - 1, &kept->first, err);
  return code == FSM_OK ? joins(kept, err) : code;
}

fsm_code fsm__kept_missing(const fsm__kept *kept, const char *where, fsm_error *err) {
  const unsigned long long first = kept->first;
  const char *archive = kept->at->core->archive;
  if (archive == NULL)
    return fsm_fail(err, FSM_ENOTFOUND, where,
                    "archived: records before seq %llu are not kept here; name the directory with the "
                    "segments that were archived, if there is one: --archive-dir DIR",
                    first);
  return fsm_fail(err, FSM_ENOTFOUND, where,
                  "archived: records before seq %llu are neither in the journal nor in the archive %s", first,
                  archive);
}

/* ---- single records ----------------------------------------------------------------------------- */

fsm_code fsm__kept_read(fsm__kept *kept, uint64_t seq, fsm__journal_entry *out, fsm_error *err) {
  if (seq >= kept->here) return fsm__journal_read(kept->cursor, seq, out, err);
  if (seq < kept->first) return fsm__kept_missing(kept, "seq", err);
  return fsm__archive_read(kept->archive, seq, out, err);
}

/* Times grow. */
fsm_code fsm__kept_since(fsm__kept *kept, int64_t ns, uint64_t *seq, fsm_error *err) {
  uint64_t from = kept->first, to = fsm__journal_durable_seq(kept->at->core->journal) + 1;
  while (from < to) {
    const uint64_t middle = from + (to - from) / 2;
    fsm__journal_entry entry;
    fsm_record_brief brief;
    fsm_code code = fsm__query_wanted(kept->at->query, err);
    if (code == FSM_OK) code = fsm__kept_read(kept, middle, &entry, err);
    if (code != FSM_OK) return code;
    if (fsm_record_peek(entry.record.data, entry.record.len, &brief) != FSM_OK)
      return fsm_fail(err, FSM_ECORRUPT, "journal", "the record of seq %llu cannot be read",
                      (unsigned long long)middle);
    if (brief.time_ns < ns)
      from = middle + 1;
    else
      to = middle;
  }
  *seq = from;
  return FSM_OK;
}

/* ---- of one thing ---------------------------------------------------------------------------- */

static fsm_code in_journal(fsm__kept_walk *walk, fsm_error *err) {
  return fsm__journal_find(walk->kept->at->core->journal, &walk->wanted, &walk->finder, err);
}

fsm_code fsm__kept_find(fsm__kept *kept, fsm__find_what what, const char *text, uint64_t after,
                        uint64_t before, fsm__kept_walk *out, fsm_error *err) {
  *out = (fsm__kept_walk){.kept = kept, .what = what};
  out->wanted = (fsm__find){.after = after, .before = before};
  out->wanted.texts[what] = text;
  if (kept->archive == NULL || after + 1 >= kept->here) return in_journal(out, err);
  fsm__archive_seek(kept->archive, after + 1 > kept->first ? after + 1 : kept->first);
  return FSM_OK;
}

fsm_code fsm__kept_next(fsm__kept_walk *walk, fsm__journal_entry *out, bool *found, fsm_error *err) {
  fsm__kept *kept = walk->kept;
  const uint64_t before = walk->wanted.before < kept->here ? walk->wanted.before : kept->here;
  fsm_code code = fsm__query_wanted(kept->at->query, err);
  *found = false;
  if (code == FSM_OK && walk->finder == NULL)
    code =
        fsm__archive_find(kept->archive, walk->what, walk->wanted.texts[walk->what], before, out, found, err);
  if (code != FSM_OK || *found) return code;
  if (walk->finder == NULL) code = in_journal(walk, err);
  return code == FSM_OK ? fsm__finder_next(walk->finder, out, found, err) : code;
}

void fsm__kept_end(fsm__kept_walk *walk) {
  fsm__finder_close(walk->finder);
  walk->finder = NULL;
}
