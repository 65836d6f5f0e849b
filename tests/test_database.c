/* test_database.c: a backup of a directory in use becomes a directory that is proved; a store is made anew; a
 * pruned journal with its snapshots still proves the store; each kind of damage is told, and repaired or not.
 */
#include "snapshot_scene.h"

#include "runtime/database.h"
#include "store_format.h"
#include "wait_for.h"

static const fsm_database_order by_me = {.actor = "me", .reason = "a test"};

static void expect_ok(fsm_code code, const fsm_error *err, const char *what) {
  if (code != FSM_OK) fail_msg("%s: %s: %s: %s", what, fsm_code_name(code), err->where, err->text);
}

static fixture *lived(unsigned commands) {
  fixture *f = restless_new();
  lives all;
  lives_begin(f, &all, commands);
  (void)lives_end(&all);
  return f;
}

static const char *beside(const fixture *f, const char *name) {
  static char path[4][160];
  static unsigned next;
  char *out = path[next++ % 4];
  snprintf(out, 160, "%s-%s", f->dir, name);
  return out;
}

static bool is_true(const fsm_value *document, const char *name) {
  const fsm_value *value = fsm_map_get(document, name);
  return value != NULL && fsm_is(value, FSM_BOOL) && value->b;
}

static int64_t number(const fsm_value *document, const char *name) {
  const fsm_value *value = fsm_map_get(document, name);
  return value != NULL && fsm_is(value, FSM_INT) ? value->i : -1;
}

/* Opens a directory as the fixture's, which must be closed. */
static void open_at(fixture *f, const char *dir) {
  if (dir != f->dir) snprintf(f->dir, sizeof f->dir, "%s", dir);
  fsm_runtime_options options = restless_options(f);
  scene_open(f, &options);
}

/* ---- backup and restore ------------------------------------------------------------------------- */

static void a_backup_taken_while_commands_run_is_restored_and_proved(void **state) {
  (void)state;
  fixture *f = restless_new();
  lives all;
  fsm_value told;
  fsm_error err = {.text = ""};
  char backup[160], restored[160], old[64];
  snprintf(backup, sizeof backup, "%s", beside(f, "backup"));
  snprintf(restored, sizeof restored, "%s", beside(f, "r"));
  snprintf(old, sizeof old, "%s", f->dir);
  lives_begin(f, &all, 500);
  WAIT_FOR(fsm__journal_durable_seq(fsm__runtime_journal(f->runtime)) > 20);
  expect_ok(fsm_runtime_backup(f->runtime, backup, true, &f->arena, &told, &err), &err, "backup");
  assert_true(is_true(&told, "verified"));
  const int64_t last = number(&told, "last");
  assert_true(last > 10);
  (void)lives_end(&all);
  assert_int_equal(fsm_runtime_backup(f->runtime, backup, true, &f->arena, &told, &err), FSM_EEXISTS);
  assert_int_equal(fsm_runtime_backup(f->runtime, "relative", true, &f->arena, &told, &err), FSM_EARGUMENT);
  fixture_close(f);

  expect_ok(fsm_database_restore(backup, restored, &by_me, &f->arena, &told, &err), &err, "restore");
  assert_int_equal(number(&told, "fork"), last);
  assert_int_equal(number(&told, "record"), last + 1);
  assert_int_equal(fsm_database_restore(backup, restored, &by_me, &f->arena, &told, &err), FSM_EEXISTS);
  open_at(f, restored);
  assert_int_equal(f->opened.last_seq, last + 1);
  assert_int_equal(fsm__runtime_origin(f->runtime).epoch, 1);
  (void)journal_walk(f, NULL, NULL);
  lives_begin(f, &all, 50);
  (void)lives_end(&all);
  assert_verified(f);
  fixture_close(f);
  remove_tree(backup);
  remove_tree(restored);
  snprintf(f->dir, sizeof f->dir, "%s", old);
  fixture_free(f);
}

static void a_backup_with_one_wrong_byte_is_not_restored(void **state) {
  (void)state;
  fixture *f = lived(40);
  fsm_value told;
  fsm_error err = {.text = ""};
  char backup[160], path[256];
  snprintf(backup, sizeof backup, "%s", beside(f, "backup"));
  expect_ok(fsm_runtime_backup(f->runtime, backup, false, &f->arena, &told, &err), &err, "backup");
  snprintf(path, sizeof path, "%s/snapshots/%020lld/rows", backup, (long long)number(&told, "snapshot"));
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, 300, SEEK_SET), 0);
  int byte = fgetc(file);
  assert_int_equal(fseek(file, 300, SEEK_SET), 0);
  fputc(byte ^ 1, file);
  fclose(file);
  assert_int_equal(fsm_database_restore(backup, beside(f, "r"), &by_me, &f->arena, &told, &err),
                   FSM_ECORRUPT);
  assert_non_null(strstr(err.where, "rows"));
  remove_tree(backup);
  remove_tree(beside(f, "r"));
  fixture_free(f);
}

/* ---- rebuild ------------------------------------------------------------------------------------ */

static void a_missing_store_is_made_anew(void **state) {
  (void)state;
  fixture *f = lived(100);
  fsm_value told;
  fsm_error err = {.text = ""};
  char store[96];
  assert_int_equal(fsm_database_rebuild(f->dir, &by_me, &f->arena, &told, &err), FSM_ELOCKED);
  fixture_close(f);
  snprintf(store, sizeof store, "%s/store", f->dir);
  remove_tree(store);
  expect_ok(fsm_database_rebuild(f->dir, &by_me, &f->arena, &told, &err), &err, "rebuild");
  open_at(f, f->dir);
  assert_verified(f);
  fixture_free(f);
}

static void a_store_of_an_older_format_is_refused_and_made_anew_by_a_rebuild(void **state) {
  (void)state;
  fixture *f = lived(60);
  fsm_value told;
  fsm_error err = {.text = ""};
  char store[96];
  fsm_runtime *runtime = NULL;
  fixture_close(f);
  snprintf(store, sizeof store, "%s/store", f->dir);
  store_format_write(store, 1);
  const fsm_runtime_options options = restless_options(f);
  assert_int_equal(fsm_runtime_open(&options, &runtime, NULL, &err), FSM_EVERSION);
  assert_null(runtime);
  assert_non_null(strstr(err.text, "fsm-cli db rebuild"));
  expect_ok(fsm_database_rebuild(f->dir, &by_me, &f->arena, &told, &err), &err, "rebuild");
  open_at(f, f->dir);
  assert_verified(f);
  fixture_free(f);
}

/* ---- pruning ------------------------------------------------------------------------------------ */

static void fill(fixture *f, unsigned blobs) {
  fsm_answer answer = deploy_text(f, COUNTER, strlen(COUNTER));
  assert_code(&answer, FSM_OK);
  answer = start_counter(f, "c0");
  assert_code(&answer, FSM_OK);
  client c = {.f = f, .id = 0, .commands = blobs, .blob = 60000};
  client_run(&c);
  for (int i = 0; i < 12000 && atomic_load(&c.answers) < blobs; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  settle(f);
}

static void a_pruned_journal_with_its_snapshot_proves_and_rebuilds_the_store(void **state) {
  (void)state;
  fixture *f = lived(60);
  fsm_value told;
  fsm_error err = {.text = ""};
  fill(f, 120);
  fsm__snapshot_info info = snapshot_made(f, 0, 0);
  fsm__prune_report report;
  fsm__journal *journal = fsm__runtime_journal(f->runtime);
  expect_ok(fsm__journal_prune(journal, info.from_seq + 1, NULL, NULL, &report, &err), &err, "prune");
  assert_true(report.segments >= 2 && fsm__journal_first_seq(journal) > 1);
  lives all;
  lives_begin(f, &all, 60);
  (void)lives_end(&all);
  assert_verified(f);
  assert_int_equal(fsm__snapshot_note_verified(snapshots_of(f), info.from_seq, 5, NULL), FSM_OK);
  fixture_close(f);
  expect_ok(fsm_database_rebuild(f->dir, &by_me, &f->arena, &told, &err), &err, "rebuild");
  assert_int_equal(number(&told, "snapshot"), info.from_seq);
  open_at(f, f->dir);
  assert_verified(f);
  expect_ok(fsm_runtime_check(f->runtime, &f->arena, &told, &err), &err, "check");
  assert_true(is_true(&told, "ok"));
  /* Without the snapshot nothing proves it. */
  fsm__snapshot_remove(snapshots_of(f), info.from_seq);
  expect_ok(fsm_runtime_check(f->runtime, &f->arena, &told, &err), &err, "check");
  assert_false(is_true(&told, "ok"));
  fixture_free(f);
}

/* ---- looking ------------------------------------------------------------------------------------ */

static void stat_counts_what_is_there(void **state) {
  (void)state;
  fixture *f = lived(100);
  fsm_value told;
  fsm_error err = {.text = ""};
  settle(f);
  (void)snapshot_made(f, 0, 0);
  expect_ok(fsm_runtime_stat(f->runtime, &f->arena, &told, &err), &err, "stat");
  const fsm_value *journal = fsm_map_get(&told, "journal"), *store = fsm_map_get(&told, "store");
  assert_int_equal(number(journal, "last"), number(store, "applied"));
  assert_int_equal(number(store, "lag"), 0);
  assert_int_equal(number(fsm_map_get(store, "rows"), "machines"), 1);
  assert_true(number(fsm_map_get(store, "rows"), "ids") > 10);
  assert_int_equal(fsm_map_get(&told, "snapshots")->len, 1);
  assert_true(number(store, "readers") >= 1 && number(store, "readers_behind") >= 0);
  fixture_free(f);
}

/* They are made anew by whoever needs them. */
static void a_damaged_index_file_is_told_and_is_no_damage(void **state) {
  (void)state;
  fixture *f = lived(20);
  fsm_value told;
  fsm_error err = {.text = ""};
  char path[160];
  const char *text = NULL;
  fill(f, 120);
  fixture_close(f);
  snprintf(path, sizeof path, "%s/journal/0/%020d.idx", f->dir, 1);
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, 4096 + 100, SEEK_SET), 0);
  fputs("other bytes than there were", file);
  fclose(file);
  expect_ok(fsm_database_check(f->dir, &f->arena, &told, &err), &err, "check");
  assert_true(is_true(&told, "ok"));
  const fsm_value *findings = fsm_map_get(&told, "findings");
  for (unsigned i = 0; i < findings->len; i++)
    if (strcmp(fsm_map_get(&findings->items[i], "what")->s, "indexes") == 0)
      text = fsm_map_get(&findings->items[i], "text")->s;
  assert_non_null(text);
  assert_non_null(strstr(text, "1 missing or damaged (00000000000000000001.idx"));
  fixture_free(f);
}

/* ---- repair ------------------------------------------------------------------------------------- */

static void write_at(const char *path, long at, const char *bytes, size_t len) {
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, at, SEEK_SET), 0);
  assert_int_equal(fwrite(bytes, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static void a_damaged_store_is_told_and_made_anew(void **state) {
  (void)state;
  fixture *f = lived(100);
  fsm_value told;
  fsm_error err = {.text = ""};
  char path[160], zeros[4096] = {0};
  settle(f);
  fixture_close(f);
  snprintf(path, sizeof path, "%s/store/data.mdb", f->dir);
  for (long page = 3; page < 12; page++) write_at(path, page * 4096 + 100, zeros, 3900);
  expect_ok(fsm_database_repair(f->dir, &by_me, &f->arena, &told, &err), &err, "repair");
  assert_false(is_true(&told, "ok") || is_true(&told, "done"));
  const fsm_database_order yes = {.actor = "me", .yes = true};
  expect_ok(fsm_database_repair(f->dir, &yes, &f->arena, &told, &err), &err, "repair");
  assert_true(is_true(&told, "done"));
  open_at(f, f->dir);
  assert_verified(f);
  fixture_free(f);
}

static void go_on_to(fixture *f, uint64_t seq) {
  for (int i = 0; fsm__journal_durable_seq(fsm__runtime_journal(f->runtime)) < seq; i++) {
    char id[24];
    snprintf(id, sizeof id, "on-%d", i);
    fsm_answer answer = start(f, "flow", id, NULL, NULL);
    assert_code(&answer, FSM_OK);
  }
}

static void damage_below_what_was_acknowledged_is_cut_only_when_the_loss_is_accepted(void **state) {
  (void)state;
  fixture *f = lived(200);
  fsm_value told;
  fsm_error err = {.text = ""};
  char path[160];
  settle(f);
  const fsm__snapshot_info after = snapshot_made(f, 0, 0); /* of rows that will be lost */
  assert_int_equal(fsm__snapshot_note_verified(snapshots_of(f), after.from_seq, 5, NULL), FSM_OK);
  const uint64_t last = fsm__journal_durable_seq(fsm__runtime_journal(f->runtime));
  fixture_close(f);
  snprintf(path, sizeof path, "%s/journal/0/%020d.seg", f->dir, 1);
  static const char noise[700] = "the disk wrote something else here";
  write_at(path, 40000, noise, sizeof noise);
  const fsm_database_order yes = {.actor = "me", .yes = true}, accepted = {.actor = "me",
                                                                           .reason = "the disk is dying",
                                                                           .yes = true,
                                                                           .accept_loss = true};
  expect_ok(fsm_database_check(f->dir, &f->arena, &told, &err), &err, "check");
  assert_false(is_true(&told, "ok"));
  expect_ok(fsm_database_repair(f->dir, &yes, &f->arena, &told, &err), &err, "repair");
  assert_false(is_true(&told, "done"));
  assert_non_null(strstr(fsm_map_get(&told, "plan")->s, "accept-loss"));
  expect_ok(fsm_database_repair(f->dir, &accepted, &f->arena, &told, &err), &err, "repair");
  assert_true(is_true(&told, "done"));
  open_at(f, f->dir);
  assert_true(f->opened.last_seq < last && f->opened.last_seq > 5);
  assert_int_equal(number(&told, "record"), f->opened.last_seq);
  assert_int_equal(fsm__runtime_origin(f->runtime).epoch, 1);
  (void)journal_walk(f, NULL, NULL);
  assert_verified(f);
  /* What is written now has the seqs of what was lost: the old snapshot is of neither. */
  go_on_to(f, after.to_seq + 20);
  fixture_close(f);
  expect_ok(fsm_database_rebuild(f->dir, &by_me, &f->arena, &told, &err), &err, "rebuild");
  assert_int_equal(number(&told, "snapshot"), 0);
  open_at(f, f->dir);
  assert_verified(f);
  fixture_free(f);
}

static void a_snapshot_of_another_past_is_no_base(void **state) {
  (void)state;
  fixture *f = lived(100);
  fsm_value told;
  fsm_error err = {.text = ""};
  char backup[160], old[64];
  snprintf(backup, sizeof backup, "%s", beside(f, "backup"));
  snprintf(old, sizeof old, "%s", f->dir);
  expect_ok(fsm_runtime_backup(f->runtime, backup, false, &f->arena, &told, &err), &err, "backup");
  lives all;
  lives_begin(f, &all, 60);
  (void)lives_end(&all);
  settle(f);
  const fsm__snapshot_info info = snapshot_made(f, 0, 0);
  assert_int_equal(fsm__snapshot_note_verified(snapshots_of(f), info.from_seq, 5, NULL), FSM_OK);
  fixture_close(f);
  expect_ok(fsm_database_restore(backup, beside(f, "r"), &by_me, &f->arena, &told, &err), &err, "restore");
  strncat(f->dir, "-r", 3);
  open_at(f, f->dir);
  go_on_to(f, info.to_seq + 20);
  fixture_close(f);
  char from[192], to[192]; /* somebody puts it there */
  snprintf(from, sizeof from, "%s/" FSM_SNAPSHOT_DIR "/%020llu", old, (unsigned long long)info.from_seq);
  snprintf(to, sizeof to, "%s/" FSM_SNAPSHOT_DIR "/%020llu", f->dir, (unsigned long long)info.from_seq);
  copy_tree(from, to);
  expect_ok(fsm_database_rebuild(f->dir, &by_me, &f->arena, &told, &err), &err, "rebuild");
  assert_true(number(&told, "snapshot") < (int64_t)info.from_seq);
  open_at(f, f->dir);
  assert_verified(f);
  fsm__store *empty = NULL;
  fsm__catalog *catalog = NULL;
  fsm__core position = {.seq = 0};
  const fsm_origin origin = fsm__runtime_origin(f->runtime);
  expect_ok(fsm__store_open(&(fsm__store_options){.dir = beside(f, "e"), .new_store_id = origin.store},
                            &empty, &err),
            &err, "store");
  assert_int_equal(fsm__snapshot_load(to, fsm__runtime_journal(f->runtime), empty, &catalog, &position, &err),
                   FSM_EVERIFY);
  fsm__catalog_free(catalog);
  fsm__store_close(empty);
  remove_tree(beside(f, "e"));
  remove_tree(backup);
  remove_tree(old);
  fixture_free(f);
}

static void a_whole_directory_is_left_alone(void **state) {
  (void)state;
  fixture *f = lived(30);
  fsm_value told;
  fsm_error err = {.text = ""};
  fixture_close(f);
  const fsm_database_order yes = {.actor = "me", .yes = true};
  expect_ok(fsm_database_repair(f->dir, &yes, &f->arena, &told, &err), &err, "repair");
  assert_true(is_true(&told, "ok") && !is_true(&told, "done"));
  assert_null(fsm_map_get(&told, "record"));
  open_at(f, f->dir);
  assert_verified(f);
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_backup_taken_while_commands_run_is_restored_and_proved),
      cmocka_unit_test(a_backup_with_one_wrong_byte_is_not_restored),
      cmocka_unit_test(a_missing_store_is_made_anew),
      cmocka_unit_test(a_store_of_an_older_format_is_refused_and_made_anew_by_a_rebuild),
      cmocka_unit_test(a_pruned_journal_with_its_snapshot_proves_and_rebuilds_the_store),
      cmocka_unit_test(stat_counts_what_is_there),
      cmocka_unit_test(a_damaged_index_file_is_told_and_is_no_damage),
      cmocka_unit_test(a_damaged_store_is_told_and_made_anew),
      cmocka_unit_test(damage_below_what_was_acknowledged_is_cut_only_when_the_loss_is_accepted),
      cmocka_unit_test(a_snapshot_of_another_past_is_no_base),
      cmocka_unit_test(a_whole_directory_is_left_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
