/* test_spill.c: a sink that is away for longer than its budget lasts loses nothing: the journal lets go of
 * what it had, and when it is back it gets all of it from the archive, and the rest from the journal again.
 */
#include "snapshot_scene.h"

#include <sys/stat.h>

#include "runtime/archive_read.h"
#include "runtime/cursors.h"
#include "runtime/daemon/archive.h"
#include "runtime/outbox.h"
#include "runtime/retention.h"
#include "tests/sink_file_scene.h"

enum { DAY_H = 25, MIB = 1024 * 1024 };

typedef struct notes {
  _Atomic unsigned budget, spilled, unspilled, dropped;
} notes;

static void on_note(void *arg, const char *sink, const char *what, const fsm_value *more,
                    const fsm_value *actor, const char *reason) {
  notes *n = arg;
  (void)sink, (void)more, (void)actor, (void)reason;
  if (strcmp(what, "budget") == 0) atomic_fetch_add(&n->budget, 1);
  if (strcmp(what, "spilled") == 0) atomic_fetch_add(&n->spilled, 1);
  if (strcmp(what, "unspilled") == 0) atomic_fetch_add(&n->unspilled, 1);
  if (strcmp(what, "dropped") == 0) atomic_fetch_add(&n->dropped, 1);
}

static void pause_ms(long ms) {
  nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void blobs(fixture *f, unsigned count) {
  client c = {.f = f, .id = 0, .commands = count, .blob = 60000};
  client_run(&c);
  for (int i = 0; i < 12000 && atomic_load(&c.answers) < count; i++) pause_ms(5);
  settle(f);
}

static void await_snapshots(fixture *f, uint64_t count) {
  fsm__retained told = {.snapshots = 0};
  for (int i = 0; i < 6000 && told.snapshots < count; i++, pause_ms(10))
    fsm__retention_get(fsm__runtime_retention(f->runtime), &told);
  if (told.fault.code != FSM_OK) fail_msg("%s: %s", told.fault.where, told.fault.text);
  assert_true(told.snapshots >= count);
}

/* Each line's leaf as the records themselves give it: those of the archive, then those of the journal. */
static void same_as_the_journal(fixture *f, const scene *s, const char *archive_dir, uint64_t last) {
  fsm__archive *archive;
  fsm__journal_cursor *cursor;
  fsm__journal_entry entry;
  fsm_error err = {.text = ""};
  const fsm_origin origin = fsm__runtime_origin(f->runtime);
  fsm__journal *journal = fsm__runtime_journal(f->runtime);
  const scene_files files = scene_list(s);
  uint64_t seq = 0;
  assert_int_equal(fsm__archive_open(archive_dir, &origin, &archive, &err), FSM_OK);
  assert_int_equal(fsm__journal_cursor_open(journal, 1, &cursor, &err), FSM_OK);
  for (unsigned i = 0; i < files.count; i++) {
    size_t len;
    char *text = scene_text(s, files.names[i], &len);
    for (char *at = text, *newline; (newline = strchr(at, '\n')) != NULL; at = newline + 1) {
      char hex[2 * FSM_HASH_BYTES + 1];
      assert_int_equal(scene_seq_of(at, (size_t)(newline - at)), ++seq);
      const bool here = seq >= fsm__journal_first_seq(journal);
      const fsm_code code =
          here ? fsm__journal_read(cursor, seq, &entry, &err) : fsm__archive_read(archive, seq, &entry, &err);
      if (code != FSM_OK) fail_msg("%s: %s", err.where, err.text);
      const fsm__hash leaf = fsm__leaf(entry.record.data, entry.record.len);
      fsm__hex(leaf.bytes, sizeof leaf.bytes, hex);
      *newline = '\0';
      assert_non_null(strstr(at, hex));
    }
    free(text);
  }
  assert_int_equal(seq, last);
  fsm__archive_close(archive);
  fsm__journal_cursor_close(cursor);
}

static fsm__sink_config files_with_a_budget(const char *path) {
  return (fsm__sink_config){.name = "log",
                            .kind = "file",
                            .format.format = "json",
                            .path = path,
                            .batch = 64,
                            .batch_bytes = MIB,
                            .backoff_ns = 10000000,
                            .backoff_max_ns = 50000000,
                            .timeout_ns = 1000000000,
                            .window = 256,
                            .rotate_bytes = MIB,
                            .budget_bytes = 4 * MIB,
                            .policy = FSM__SPILL};
}

static void a_sink_over_its_budget_is_fed_from_the_archive_and_comes_back(void **state) {
  (void)state;
  fixture *f = restless_new();
  scene s = {.f = {.dir = ""}};
  char archive[96], away[80];
  fsm_error err = {.text = ""};
  notes seen = {.budget = 0};
  fsm__outbox_status status = {.seq = 0};
  snprintf(away, sizeof away, "%s/mnt", f->dir);
  snprintf(s.dir, sizeof s.dir, "%s/out", away); /* cannot be made as long as mnt is not there */
  snprintf(archive, sizeof archive, "%s/archive", f->dir);
  assert_int_equal(mkdir(archive, 0700), 0);
  fsm_answer answer = deploy_text(f, COUNTER, strlen(COUNTER));
  assert_code(&answer, FSM_OK);
  answer = start_counter(f, "c0");
  assert_code(&answer, FSM_OK);
  fsm_runtime_options options = restless_options(f);
  options.snapshot_records = 40;
  options.retain_bytes = 3 * MIB;
  options.archive = fsm__archive_copy;
  options.archive_arg = archive;
  scene_reopen(f, &options);

  const fsm__sink_config config = files_with_a_budget(s.dir);
  const fsm_origin origin = fsm__runtime_origin(f->runtime);
  fsm__journal *journal = fsm__runtime_journal(f->runtime);
  fsm__outbox *outbox = NULL;
  assert_int_equal(fsm__sink_file_make(&config, &(fsm__sink_env){.origin = origin}, &s.sink, &err), FSM_OK);
  const fsm__outbox_options feed = {.dir = f->dir,
                                    .journal = journal,
                                    .archive = archive,
                                    .origin = origin,
                                    .sink = s.sink,
                                    .config = &config,
                                    .note = on_note,
                                    .note_arg = &seen};
  fsm_code code = fsm__outbox_start(&feed, &outbox, &err);
  if (code != FSM_OK) fail_msg("%s: %s", err.where, err.text);

  blobs(f, 100); /* 6 MB: over the budget, and nothing may go for idempotency's sake */
  await_snapshots(f, 1);
  for (int i = 0; i < 6000 && atomic_load(&seen.spilled) == 0; i++) pause_ms(10);
  assert_int_equal(atomic_load(&seen.spilled), 1);
  assert_int_equal(atomic_load(&seen.budget), 1);
  atomic_fetch_add(&f->now_ns, DAY_H * 3600 * SECOND);
  blobs(f, 60);
  await_snapshots(f, 2);
  blobs(f, 60);
  await_snapshots(f, 3);
  for (int i = 0; i < 6000 && fsm__journal_first_seq(journal) == 1; i++) pause_ms(10);
  assert_true(fsm__journal_first_seq(journal) > 1); /* the sink holds it no more */

  assert_int_equal(mkdir(away, 0700), 0); /* it is back */
  fsm__outbox_wake(outbox);
  for (int i = 0; i < 6000; i++, pause_ms(10)) {
    fsm__outbox_status_get(outbox, &status);
    if (status.seq == fsm__journal_durable_seq(journal) && !status.spilled) break;
  }
  if (status.spilled || status.seq != fsm__journal_durable_seq(journal))
    fail_msg("%llu of %llu, spilled %d: %s", (unsigned long long)status.seq,
             (unsigned long long)fsm__journal_durable_seq(journal), status.spilled, status.last_error);
  assert_int_equal(atomic_load(&seen.unspilled), 1);
  assert_int_equal(atomic_load(&seen.dropped), 0);
  fsm__outbox_free(outbox);
  s.sink->free(s.sink);
  same_as_the_journal(f, &s, archive, fsm__journal_durable_seq(journal));
  assert_verified(f);
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sink_over_its_budget_is_fed_from_the_archive_and_comes_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
