/* test_verify.c: what verify finds: a record altered with its checksum made right again, rows changed behind
 * the runtime's back; and that it finds nothing while commands run, and leaves nothing behind. */
#include "runtime_scene.h"

#include "runtime/journal_impl.h"
#include "runtime/rows.h"

static fsm_code verify(fixture *f, fsm_verified *out, fsm_error *err) {
  *err = (fsm_error){.text = ""};
  return fsm_runtime_verify(f->runtime, out, err);
}

static void expect_fault(fixture *f, fsm_code code, const char *where) {
  fsm_verified verified;
  fsm_error err;
  fsm_code got = verify(f, &verified, &err);
  if (got != code || strstr(err.where, where) == NULL)
    fail_msg("%s: %s: %s (expected %s: %s)", fsm_code_name(got), err.where, err.text, fsm_code_name(code),
             where);
}

static void some_life(fixture *f) {
  for (unsigned i = 0; i < 3; i++) {
    char id[8];
    snprintf(id, sizeof id, "i%u", i);
    (void)start_counter(f, id);
    (void)send_event(f, id, "ADD", NULL);
  }
  (void)send_event(f, "i0", "GO", NULL);
}

static void what_was_checked_is_told(void **state) {
  fixture *f = *state;
  fsm_verified verified;
  fsm_error err;
  some_life(f);
  fixture_reopen(f);
  assert_int_equal(verify(f, &verified, &err), FSM_OK);
  uint64_t last = journal_walk(f, NULL, NULL);
  assert_true(verified.records == last && verified.seq == last && verified.segments == 1);
  assert_true(verified.rows > 10);
  fsm_answer answer = send_event(f, "i1", "ADD", NULL);
  assert_code(&answer, FSM_OK);
  fsm_verified later;
  assert_int_equal(verify(f, &later, &err), FSM_OK);
  assert_memory_not_equal(verified.head, later.head, 32);
}

static void a_new_directory_is_verified_too(void **state) {
  (void)state;
  fixture *f = fixture_new();
  fsm_verified verified;
  fsm_error err;
  assert_int_equal(verify(f, &verified, &err), FSM_OK);
  assert_true(verified.records == 0 && verified.rows == 0 && verified.seq == 0);
  fixture_free(f);
}

static void what_is_open_for_reading_is_verified_too(void **state) {
  fixture *f = *state;
  some_life(f);
  fsm_runtime_options options = scene_options(f);
  options.read_only = true;
  scene_reopen(f, &options);
  assert_verified(f);
}

/* ---- the journal -------------------------------------------------------------------------------- */

/* Changes a text in record seq of the first segment and makes the batch's checksum right again. */
static void forge(fixture *f, uint64_t seq, const char *text, char with) {
  char path[160];
  snprintf(path, sizeof path, "%s/journal/0/%020d.seg", f->dir, 1);
  size_t size = 2 * 1024 * 1024;
  uint8_t *data = malloc(size);
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fread(data, 1, size, file), size);
  fsm__segment_head segment;
  fsm__batch_head head;
  assert_int_equal(fsm__segment_decode(data, 1, &segment, NULL), FSM_OK);
  for (size_t at = FSM_JOURNAL_BLOCK; fsm__batch_decode(data + at, segment.salt, size - at, &head);
       at += fsm__blocks(head.length)) {
    if (seq < head.first_seq || seq >= head.first_seq + head.records) continue;
    uint8_t *found = memmem(data + at, head.length, text, strlen(text));
    assert_non_null(found);
    *found = (uint8_t)with;
    fsm__batch_encode(data + at, &head, segment.salt);
    assert_true(fsm__batch_intact(data + at, &head));
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    assert_int_equal(fwrite(data + at, 1, head.length, file), head.length);
    break;
  }
  assert_int_equal(fclose(file), 0);
  free(data);
}

static fsm_answer add_with_actor(fixture *f, const char *id, const char *actor) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = id;
  command.event = "ADD";
  command.actor = json(f, actor);
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  return answer;
}

static void a_record_altered_with_its_checksum_made_right_is_found_at_its_successor(void **state) {
  fixture *f = *state;
  some_life(f);
  fsm_answer answer = add_with_actor(f, "i1", "{\"sub\":\"mallory\"}");
  uint64_t seq = answer.seq;
  (void)add_with_actor(f, "i1", "{\"sub\":\"bob\"}");
  forge(f, seq, "mallory", 'h');
  char where[32];
  snprintf(where, sizeof where, "seq %llu", (unsigned long long)seq + 1);
  expect_fault(f, FSM_EVERIFY, where);
  fixture_reopen(f); /* opening does not look that far back, verify does */
  expect_fault(f, FSM_EVERIFY, where);
}

static void a_flipped_bit_is_corruption_at_its_place(void **state) {
  fixture *f = *state;
  some_life(f);
  (void)add_with_actor(f, "i1", "{\"sub\":\"mallory\"}");
  (void)add_with_actor(f, "i1", "{\"sub\":\"bob\"}");
  char path[160];
  snprintf(path, sizeof path, "%s/journal/0/%020d.seg", f->dir, 1);
  FILE *file = fopen(path, "r+b");
  assert_int_equal(fseek(file, FSM_JOURNAL_BLOCK + 200, SEEK_SET), 0);
  int byte = fgetc(file);
  assert_int_equal(fseek(file, FSM_JOURNAL_BLOCK + 200, SEEK_SET), 0);
  assert_int_not_equal(fputc(byte ^ 4, file), EOF);
  assert_int_equal(fclose(file), 0);
  expect_fault(f, FSM_ECORRUPT, "00000000000000000001.seg:512");
}

static void the_last_record_altered_is_found_too(void **state) {
  fixture *f = *state;
  some_life(f);
  fsm_answer answer = add_with_actor(f, "i1", "{\"sub\":\"mallory\"}");
  fixture_reopen(f);
  forge(f, answer.seq, "mallory", 'h');
  expect_fault(f, FSM_EVERIFY, "journal");
}

/* ---- the store ---------------------------------------------------------------------------------- */

typedef void (*tamper_fn)(fsm__store *store);

/* Opens the store without its runtime, changes it, and commits that under the same position. */
static void tamper(fixture *f, tamper_fn fn) {
  char path[96];
  fsm__store *store = NULL;
  fsm__hash leaf;
  fsm_error err = {.text = ""};
  fixture_close(f);
  snprintf(path, sizeof path, "%s/store", f->dir);
  if (fsm__store_open(&(fsm__store_options){.dir = path, .map_bytes = 64 << 20}, &store, &err) != FSM_OK)
    fail_msg("%s: %s", err.where, err.text);
  uint64_t seq = fsm__store_applied(store, &leaf);
  fn(store);
  if (fsm__store_round(store, seq, &leaf, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  fsm__store_close(store);
  fixture_open(f);
}

/* The value of instance 2 in place of that of instance 1. */
static void swap_instances(fsm__store *store) {
  fsm__key one = fsm__key_instance(1, 's', NULL, 0), two = fsm__key_instance(2, 's', NULL, 0);
  const void *value = NULL;
  size_t len = 0;
  assert_int_equal(fsm__store_get(store, FSM_T_INSTANCES, two.bytes, two.len, &value, &len, NULL), FSM_OK);
  char *copy = malloc(len);
  memcpy(copy, value, len);
  fsm__store_put(store, FSM_T_INSTANCES, one.bytes, one.len, copy, len);
  free(copy);
}

static void add_by_state(fsm__store *store) {
  fsm__key key = fsm__key_by_state(1, 1, 5, 1);
  fsm__store_put(store, FSM_T_BY_STATE, key.bytes, key.len, "", 0);
}

static void delete_first(fsm__store *store, fsm__table table) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm__range_open(&range, store, table, NULL, 0);
  assert_int_equal(fsm__range_next(&range, &row, &found, NULL), FSM_OK);
  assert_true(found);
  fsm__key key = {.len = 0};
  fsm__key_add(&key, row.key, row.key_len);
  fsm__range_close(&range);
  fsm__store_delete(store, table, key.bytes, key.len);
}

static void drop_by_state(fsm__store *store) { delete_first(store, FSM_T_BY_STATE); }
static void drop_id(fsm__store *store) { delete_first(store, FSM_T_IDS); }
static void drop_counters(fsm__store *store) { delete_first(store, FSM_T_COUNTERS); }
static void add_last(fsm__store *store) { fsm__store_put(store, FSM_T_COUNTERS, "zzz", 3, "12345678", 8); }
static void add_due(fsm__store *store) {
  fsm__key key = fsm__key_due(INT64_MAX, 1, 'k', "planted");
  fsm__store_put(store, FSM_T_DUE, key.bytes, key.len, "", 0);
}

static void rows_changed_behind_the_runtimes_back_are_found_and_their_table_named(void **state) {
  fixture *f = *state;
  static const struct {
    tamper_fn fn;
    const char *where;
  } cases[] = {{swap_instances, "instances: 000000000000000173"},
               {add_by_state, "by_state"},
               {drop_by_state, "by_state"},
               {drop_id, "ids"},
               {drop_counters, "counters"},
               {add_last, "counters: 7a7a7a"},
               {add_due, "due"}};
  char copy[96];
  some_life(f);
  fixture_close(f);
  snprintf(copy, sizeof copy, "%s-good", f->dir);
  copy_tree(f->dir, copy);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fixture_open(f);
    assert_verified(f);
    tamper(f, cases[i].fn);
    expect_fault(f, FSM_EVERIFY, cases[i].where);
    fixture_close(f);
    remove_tree(f->dir);
    copy_tree(copy, f->dir);
  }
  fixture_open(f);
  remove_tree(copy);
}

static void untouched(fsm__store *store) { (void)store; }

static void opening_the_store_alone_changes_nothing(void **state) {
  fixture *f = *state;
  some_life(f);
  tamper(f, untouched);
  assert_verified(f);
}

/* ---- while commands run ------------------------------------------------------------------------- */

static void it_runs_while_commands_run(void **state) {
  fixture *f = *state;
  fsm_runtime_options options = scene_options(f);
  options.round_bytes = 64 * 1024;
  options.round_ns = 5000000;
  scene_reopen(f, &options);
  client clients[2];
  unsigned verified = 0;
  uint64_t last = 0;
  clients_start(f, clients, 2, 4000, 0);
  do {
    fsm_verified out;
    fsm_error err;
    fsm_code code = verify(f, &out, &err);
    if (code != FSM_OK) fail_msg("%s: %s: %s", fsm_code_name(code), err.where, err.text);
    assert_true(out.seq >= last);
    last = out.seq;
    verified++;
  } while (atomic_load(&clients[0].answers) < 4000 || atomic_load(&clients[1].answers) < 4000);
  clients_join(f, clients, 2);
  assert_true(verified > 0);
  assert_int_equal(journal_walk(f, NULL, NULL), 1 + 2 * 4001);
  assert_verified(f);
}

/* ---- what it leaves ----------------------------------------------------------------------------- */

static unsigned entries_of(const char *path) {
  DIR *dir = opendir(path);
  unsigned count = 0;
  assert_non_null(dir);
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) count += entry->d_name[0] != '.';
  closedir(dir);
  return count;
}

static void the_scratch_directory_is_gone_afterwards(void **state) {
  fixture *f = *state;
  char path[96];
  snprintf(path, sizeof path, "%s-tmp", f->dir);
  assert_int_equal(mkdir(path, 0700), 0);
  assert_int_equal(setenv("TMPDIR", path, 1), 0);
  some_life(f);
  assert_verified(f);
  assert_int_equal(entries_of(path), 0);
  tamper(f, add_due);
  expect_fault(f, FSM_EVERIFY, "due");
  assert_int_equal(entries_of(path), 0);
  assert_int_equal(rmdir(path), 0);
  fsm_verified out;
  fsm_error err;
  assert_int_equal(verify(f, &out, &err), FSM_EIO); /* no place to replay into */
  assert_non_null(strstr(err.text, "TMPDIR"));
  assert_int_equal(unsetenv("TMPDIR"), 0);
}

int main(void) {
  (void)unsetenv("TMPDIR");
  const struct CMUnitTest tests[] = {
      S(what_was_checked_is_told),
      S(a_new_directory_is_verified_too),
      S(what_is_open_for_reading_is_verified_too),
      S(a_record_altered_with_its_checksum_made_right_is_found_at_its_successor),
      S(a_flipped_bit_is_corruption_at_its_place),
      S(the_last_record_altered_is_found_too),
      S(rows_changed_behind_the_runtimes_back_are_found_and_their_table_named),
      S(opening_the_store_alone_changes_nothing),
      S(it_runs_while_commands_run),
      S(the_scratch_directory_is_gone_afterwards),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
