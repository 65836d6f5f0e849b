/* database_check.c: everything that can be proved of a data directory, and what could not be. See database.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/cursors.h"
#include "runtime/database_impl.h"
#include "runtime/journal_idx.h"
#include "runtime/runtime_impl.h"
#include "runtime/verify.h"

static fsm_code check_journal(fsm__journal *journal, fsm__findings *findings, fsm_error *err) {
  fsm__journal_check check = {.records = 0};
  fsm_error fault = {.text = ""};
  fsm__journal_pin(journal);
  fsm_code code = fsm__journal_verify(journal, &check, &fault);
  fsm__journal_unpin(journal);
  if (code == FSM_ENOMEM) return fsm_fail(err, code, "", "no memory to check the journal");
  const char *good = fsm_arena_printf(findings->arena, "%llu records up to seq %llu, %llu segment%s: whole",
                                      (unsigned long long)check.records, (unsigned long long)check.last_seq,
                                      (unsigned long long)check.segments, check.segments == 1 ? "" : "s");
  fsm__finding(findings, "journal", code, &fault, good);
  return FSM_OK;
}

/* One that is missing or damaged costs time and never an answer: it is not counted as damage. */
static fsm_code check_indexes(fsm__journal *journal, fsm__findings *findings, fsm_error *err) {
  fsm__segment_info *segments = NULL;
  size_t count = 0;
  unsigned good = 0, bad = 0;
  char first[FSM_SEGMENT_NAME_BYTES] = "";
  fsm__journal_pin(journal);
  fsm_code code = fsm__journal_segments(journal, &segments, &count, err);
  for (size_t i = 0; code == FSM_OK && i < count; i++) {
    if (!segments[i].sealed || segments[i].last_seq < segments[i].first_seq) continue;
    bool intact = fsm__idx_intact(journal, segments[i].first_seq);
    good += intact;
    if (!intact && bad++ == 0) fsm__index_name(segments[i].ordinal, first);
  }
  fsm__journal_unpin(journal);
  free(segments);
  if (code != FSM_OK) return code;
  const char *text =
      bad == 0
          ? fsm_arena_printf(findings->arena, "%u files: whole", good)
          : fsm_arena_printf(findings->arena,
                             "%u files: whole; %u missing or damaged (%s first): made anew when the daemon "
                             "starts or a search needs them",
                             good, bad, first);
  fsm__finding(findings, "indexes", FSM_OK, NULL, text);
  return FSM_OK;
}

static fsm_code check_rows(fsm__store *store, fsm__journal *journal, const char *snapshots,
                           fsm__findings *findings, fsm_error *err) {
  fsm_error fault = {.text = ""};
  fsm__path base;
  fsm__compared compared = {.rows = 0};
  fsm_code code = FSM_OK;
  for (bool again = true; again;) {
    code = fsm__verify_base(snapshots, journal, fsm__store_applied(store, NULL), &base, &fault);
    if (code != FSM_OK) break;
    const char *from = base.text[0] != '\0' ? base.text : NULL;
    code = fsm__verify_store(store, journal, from, NULL, &compared, &fault);
    again = code != FSM_OK && from != NULL && !fsm__path_exists(from); /* retention let it go meanwhile */
  }
  if (code == FSM_ENOMEM || code == FSM_EBUSY) return fsm_fail(err, code, fault.where, "%s", fault.text);
  const char *good =
      fsm_arena_printf(findings->arena, "%llu rows are what a replay from seq %llu to %llu gives",
                       (unsigned long long)compared.rows, (unsigned long long)compared.base_seq,
                       (unsigned long long)compared.seq);
  fsm__finding(findings, "store", code, &fault, good);
  return FSM_OK;
}

fsm_code fsm__check_snapshots(const char *dir, fsm__findings *findings, fsm_error *err) {
  fsm__snapshot_info *list = NULL, info;
  size_t count = 0, damaged = 0;
  fsm_code code = fsm__snapshot_list(dir, &list, &count, &damaged, err);
  for (size_t i = 0; code == FSM_OK && i < count; i++) {
    fsm__path path;
    fsm_error fault = {.text = ""};
    code = fsm__snapshot_path(dir, list[i].from_seq, &path, err);
    if (code != FSM_OK) break;
    fsm_code found = fsm__snapshot_check(path.text, &info, &fault);
    const char *good = fsm_arena_printf(findings->arena, "seq %llu to %llu, %llu rows, %s",
                                        (unsigned long long)list[i].from_seq,
                                        (unsigned long long)list[i].to_seq, (unsigned long long)list[i].rows,
                                        list[i].verified_ns != 0 ? "verified" : "not verified");
    fsm__finding(findings, "snapshot", found, &fault, good);
  }
  free(list);
  if (code == FSM_OK && damaged > 0) {
    fsm_error fault;
    (void)fsm_fail(&fault, FSM_ECORRUPT, dir, "%zu snapshots have no readable manifest", damaged);
    fsm__finding(findings, "snapshot", FSM_ECORRUPT, &fault, NULL);
  }
  return code;
}

static void check_cursors(const char *dir, fsm__findings *findings) {
  fsm__cursor cursors[FSM_CURSORS_MAX];
  size_t count = 0;
  fsm_error fault = {.text = ""};
  fsm_code code = fsm__cursors_load(dir, cursors, &count, &fault);
  fsm__finding(findings, "cursors", code, &fault, fsm_arena_printf(findings->arena, "%zu sinks", count));
}

static fsm_code check_all(fsm_runtime *runtime, fsm__findings *findings, fsm_error *err) {
  fsm__path snapshots;
  const char *dir = fsm__runtime_dir(runtime);
  fsm_code code = fsm__path_of(&snapshots, err, "%s/" FSM_SNAPSHOT_DIR, dir);
  if (code == FSM_OK) code = check_journal(fsm__runtime_journal(runtime), findings, err);
  if (code == FSM_OK) code = check_indexes(fsm__runtime_journal(runtime), findings, err);
  if (code == FSM_OK)
    code =
        check_rows(fsm__runtime_store(runtime), fsm__runtime_journal(runtime), snapshots.text, findings, err);
  if (code == FSM_OK) code = fsm__check_snapshots(snapshots.text, findings, err);
  if (code == FSM_OK) check_cursors(dir, findings);
  return code;
}

fsm_code fsm_runtime_check(fsm_runtime *runtime, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm__findings *findings = fsm_arena_zalloc(arena, 1, sizeof *findings);
  if (findings == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory to check");
  findings->arena = arena;
  fsm__runtime_want_round(runtime);
  fsm_code code = check_all(runtime, findings, err);
  return code == FSM_OK ? fsm__findings_end(findings, out, err) : code;
}

/* Damage that keeps it from opening: each part on its own, as far as it can be. */
static fsm_code check_closed(const char *dir, const fsm_error *why, fsm__findings *findings, fsm_error *err) {
  fsm__path snapshots, journal_dir;
  fsm__journal *journal = NULL;
  fsm_error fault = {.text = ""};
  fsm__finding(findings, "opening", why->code, why, NULL);
  fsm__stopped stopped = {.lock_fd = -1};
  fsm_code code = fsm__path_of(&snapshots, err, "%s/" FSM_SNAPSHOT_DIR, dir);
  if (code == FSM_OK) code = fsm__path_of(&journal_dir, err, "%s/journal/0", dir);
  if (code != FSM_OK) return code;
  stopped.journal = journal_dir;
  stopped.snapshots = snapshots;
  fsm_code opened = fsm__stopped_journal(&stopped, true, 0, &journal, NULL, &fault);
  if (opened == FSM_OK)
    code = check_journal(journal, findings, err);
  else
    fsm__finding(findings, "journal", opened, &fault, NULL);
  fsm__journal_close(journal);
  if (code == FSM_OK) code = fsm__check_snapshots(snapshots.text, findings, err);
  if (code == FSM_OK) check_cursors(dir, findings);
  return code;
}

static bool is_damage(fsm_code code) { return code == FSM_ECORRUPT || code == FSM_EVERIFY; }

fsm_code fsm_database_check(const char *dir, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_runtime *runtime = NULL;
  fsm_error why;
  const fsm_runtime_options options = {.dir = dir, .read_only = true, .must_exist = true};
  fsm_code code = fsm_runtime_open(&options, &runtime, NULL, &why);
  if (code == FSM_OK) {
    code = fsm_runtime_check(runtime, arena, out, err);
    fsm_runtime_close(runtime);
    return code;
  }
  if (!is_damage(code)) return fsm_fail(err, why.code, why.where, "%s", why.text);
  fsm__findings *findings = fsm_arena_zalloc(arena, 1, sizeof *findings);
  if (findings == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory to check");
  findings->arena = arena;
  code = check_closed(dir, &why, findings, err);
  return code == FSM_OK ? fsm__findings_end(findings, out, err) : code;
}
