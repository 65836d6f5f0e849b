/* test_snapshot.c: a snapshot that is copied while commands, timers and refusals go on gives, with the
 * journal, exactly the rows of the live store; one damaged byte anywhere in it is found and named. */
#include "snapshot_scene.h"

#include "runtime/chunk.h"
#include "runtime/manifest.h"
#include "runtime/snapshot_impl.h"

static unsigned commands_of_run(void) {
  const char *wanted = getenv("FSM_SNAPSHOT_COMMANDS");
  return wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : 100000; /* until it is stopped */
}

static void a_snapshot_taken_under_load_gives_the_rows_of_the_live_store(void **state) {
  (void)state;
  fixture *f = restless_new();
  lives all;
  enum { MOST = 40 };
  fsm__snapshot_info made[MOST];
  unsigned count = 0, fuzzy = 0;
  lives_begin(f, &all, commands_of_run());
  for (; count < MOST && fuzzy < 4; count++) {
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    made[count] = snapshot_made(f, 512, 90);
    fuzzy += made[count].to_seq > made[count].from_seq + 20;
  }
  atomic_store(&all.stop, true);
  assert_true(lives_end(&all) > 50);
  settle(f);
  for (unsigned i = 0; i < count; i++) expect_equal(f, made[i].from_seq);
  if (fuzzy < 4) fail_msg("only %u of %u snapshots had records under them", fuzzy, count);
  assert_verified(f);
  fixture_free(f);
}

typedef struct creating {
  fixture *f;
  unsigned made, late;
} creating;

static void one_more_creation(void *arg) {
  creating *c = arg;
  char id[24];
  fsm_command command = fsm_command_new(FSM_CMD_START);
  snprintf(id, sizeof id, "n%u", c->made++);
  command.machine = "flow";
  command.instance = command.idem = id;
  fsm_answer answer = sent(c->f, &command);
  assert_code(&answer, FSM_OK);
}

static fsm__snapshot_info copied_under(creating *c, void (*between)(void *arg, fsm__table table)) {
  fsm__snapshot_info info;
  const fsm__snapshot_options options = {.store = fsm__runtime_store(c->f->runtime),
                                         .origin = fsm__runtime_origin(c->f->runtime),
                                         .dir = snapshots_of(c->f),
                                         .chunk_bytes = 2048,
                                         .between = between,
                                         .between_arg = c};
  assert_int_equal(fsm__snapshot_make(&options, &info, NULL), FSM_OK);
  return info;
}

static void creation_while_starts_are_copied(void *arg, fsm__table table) {
  creating *c = arg;
  if (table != FSM_T_STARTS) return;
  if (c->late++ == 0) atomic_fetch_add(&c->f->now_ns, 40 * 3600 * SECOND);
  one_more_creation(c);
  settle(c->f);
}

/* Each chunk sees another creation, which drops entries of creations of yesterday. */
static void entries_of_creations_that_are_dropped_under_the_copier_are_gone(void **state) {
  (void)state;
  fixture *f = restless_new();
  creating c = {.f = f};
  while (c.made < 400) one_more_creation(&c);
  settle(f);
  const fsm__snapshot_info info = copied_under(&c, creation_while_starts_are_copied);
  assert_true(info.to_seq > info.from_seq + 5);
  expect_equal(f, info.from_seq);
  fixture_free(f);
}

/* Lives and is purged between two chunks, and its id is used again. */
static void a_short_life(void *arg, fsm__table table) {
  creating *c = arg;
  if (table != FSM_T_INSTANCES || c->late++ > 0) return;
  fsm_answer answer = start(c->f, "flow", "again", "KEY", NULL);
  assert_code(&answer, FSM_OK);
  static const char *const events[] = {"NEXT", "NEXT", "GO"};
  for (unsigned i = 0; i < 3; i++) {
    answer = send_event(c->f, "again", events[i], NULL);
    assert_code(&answer, FSM_OK);
  }
  atomic_fetch_add(&c->f->now_ns, 2 * 3600 * SECOND);
  answer.error.code = FSM_EEXISTS;
  for (int i = 0; i < 12000 && answer.error.code == FSM_EEXISTS; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    answer = start(c->f, "flow", "again", "KEY", NULL);
  }
  assert_code(&answer, FSM_OK);
  settle(c->f);
}

static void an_instance_that_came_and_went_under_the_copier_leaves_nothing(void **state) {
  (void)state;
  fixture *f = restless_new();
  creating c = {.f = f};
  while (c.made < 60) one_more_creation(&c);
  settle(f);
  const fsm__snapshot_info info = copied_under(&c, a_short_life);
  expect_equal(f, info.from_seq);
  fixture_free(f);
}

/* A version of each of forty routes. */
static void one_more_version(creating *c) {
  static const char *const siem = "siem";
  fsm__runtime_know_sinks(c->f->runtime, &siem, 1);
  for (unsigned i = 0; i < 40; i++) {
    char name[16], document[64];
    snprintf(name, sizeof name, "r%u", i);
    snprintf(document, sizeof document, "{\"level\":%u,\"sinks\":[\"siem\"]}", c->made);
    fsm_command command = fsm_command_new(FSM_CMD_ROUTE_SET);
    command.name = name;
    command.reason = "why";
    command.actor = json(c->f, "{\"sub\":\"olga\"}");
    command.data = json(c->f, document);
    fsm_answer answer = sent(c->f, &command);
    assert_code(&answer, FSM_OK);
  }
  c->made++;
  settle(c->f);
}

static void versions_while_routes_are_copied(void *arg, fsm__table table) {
  creating *c = arg;
  if (table == FSM_T_ROUTES && c->late++ < 3) one_more_version(c);
}

static void routes_that_are_set_under_the_copier_are_there_once(void **state) {
  (void)state;
  fixture *f = restless_new();
  creating c = {.f = f};
  for (unsigned i = 0; i < 5; i++) one_more_version(&c);
  const fsm__snapshot_info info = copied_under(&c, versions_while_routes_are_copied);
  assert_true(c.late >= 3 && info.to_seq >= info.from_seq + 40);
  expect_equal(f, info.from_seq);
  assert_verified(f);
  fixture_free(f);
}

static void verifying_goes_on_while_commands_run(void **state) {
  (void)state;
  fixture *f = restless_new();
  lives all;
  lives_begin(f, &all, 400);
  for (unsigned i = 0; i < 3; i++) assert_verified(f);
  (void)lives_end(&all);
  assert_verified(f);
  fixture_free(f);
}

/* ---- the file ----------------------------------------------------------------------------------- */

typedef struct copy {
  fixture *f;
  char dir[160], rows[192];
  char *data;
  size_t len;
} copy;

static copy small_snapshot(void) {
  copy c = {.f = restless_new()};
  lives all;
  lives_begin(c.f, &all, 60);
  (void)lives_end(&all);
  settle(c.f);
  fsm__snapshot_info info = snapshot_made(c.f, 1024, 0);
  fsm__path path;
  assert_int_equal(fsm__snapshot_path(snapshots_of(c.f), info.from_seq, &path, NULL), FSM_OK);
  snprintf(c.dir, sizeof c.dir, "%.150s", path.text);
  snprintf(c.rows, sizeof c.rows, "%s/rows", c.dir);
  c.data = fixture_file(c.rows, &c.len);
  return c;
}

static void put_back(const copy *c, const char *data, size_t len) {
  FILE *file = fopen(c->rows, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

static void expect_damage(const copy *c, size_t at) {
  fsm__snapshot_info info;
  fsm_error err = {.text = ""};
  fsm_code code = fsm__snapshot_check(c->dir, &info, &err);
  if (code != FSM_ECORRUPT) fail_msg("byte %zu: %s: %s", at, fsm_code_name(code), err.text);
  if (strstr(err.where, "rows:") == NULL) fail_msg("byte %zu: at %s", at, err.where);
}

static void one_wrong_byte_is_found_wherever_it_is(void **state) {
  (void)state;
  copy c = small_snapshot();
  fsm__snapshot_info info;
  assert_int_equal(fsm__snapshot_check(c.dir, &info, NULL), FSM_OK);
  assert_true(info.rows > 50 && info.blocks > 8 && info.bytes == c.len);
  /* Each block's head and payload, the header and the footer: a step that meets all of them. */
  for (size_t at = 0; at < c.len; at += at < 200 || at + 200 > c.len ? 1 : 37) {
    c.data[at] ^= 0x20;
    put_back(&c, c.data, c.len);
    expect_damage(&c, at);
    c.data[at] ^= 0x20;
  }
  put_back(&c, c.data, c.len);
  assert_int_equal(fsm__snapshot_check(c.dir, &info, NULL), FSM_OK);
  free(c.data);
  fixture_free(c.f);
}

static void a_short_or_longer_file_and_a_missing_block_are_found(void **state) {
  (void)state;
  copy c = small_snapshot();
  for (size_t len = 0; len < c.len; len += 1 + c.len / 60) {
    put_back(&c, c.data, len);
    expect_damage(&c, len);
  }
  char *longer = malloc(c.len + 1);
  memcpy(longer, c.data, c.len);
  longer[c.len] = 0;
  put_back(&c, longer, c.len + 1);
  expect_damage(&c, c.len);
  free(longer);
  fsm__block_head head;
  assert_int_equal(fsm__block_decode((uint8_t *)c.data + FSM__SNAPSHOT_HEAD, &head), FSM__PART_BLOCK);
  size_t block = FSM__BLOCK_HEAD + head.length;
  char *without = malloc(c.len - block);
  memcpy(without, c.data, FSM__SNAPSHOT_HEAD);
  memcpy(without + FSM__SNAPSHOT_HEAD, c.data + FSM__SNAPSHOT_HEAD + block,
         c.len - FSM__SNAPSHOT_HEAD - block);
  put_back(&c, without, c.len - block);
  expect_damage(&c, 0);
  free(without);
  free(c.data);
  fixture_free(c.f);
}

static void the_manifest_is_checked_and_remembers_that_it_was_verified(void **state) {
  (void)state;
  copy c = small_snapshot();
  fsm__snapshot_info info, *list = NULL;
  size_t count = 0, damaged = 0;
  assert_int_equal(fsm__snapshot_describe(c.dir, &info, NULL), FSM_OK);
  assert_true(info.verified_ns == 0);
  assert_int_equal(fsm__snapshot_note_verified(snapshots_of(c.f), info.from_seq, 77, NULL), FSM_OK);
  assert_int_equal(fsm__snapshot_list(snapshots_of(c.f), &list, &count, &damaged, NULL), FSM_OK);
  assert_true(count == 1 && damaged == 0 && list[0].verified_ns == 77 && list[0].rows == info.rows);
  free(list);
  char path[192];
  snprintf(path, sizeof path, "%s/manifest", c.dir);
  size_t len = 0;
  char *text = fixture_file(path, &len), *verified = strstr(text, "verified 77");
  assert_non_null(verified);
  verified[9] = '8';
  FILE *file = fopen(path, "wb");
  assert_int_equal(fwrite(text, 1, len, file), len);
  fclose(file);
  free(text);
  const uint64_t seq = info.from_seq;
  assert_int_equal(fsm__snapshot_describe(c.dir, &info, NULL), FSM_ECORRUPT);
  assert_int_equal(fsm__snapshot_list(snapshots_of(c.f), &list, &count, &damaged, NULL), FSM_OK);
  assert_true(count == 0 && damaged == 1);
  free(list);
  fsm__snapshot_remove(snapshots_of(c.f), seq);
  assert_false(fsm__path_exists(c.dir));
  free(c.data);
  fixture_free(c.f);
}

static void a_snapshot_of_another_store_is_not_loaded(void **state) {
  (void)state;
  copy c = small_snapshot();
  fixture *other = restless_new();
  fsm__compared compared;
  fsm_error err = {.text = ""};
  assert_int_equal(fsm__verify_store(fsm__runtime_store(other->runtime), fsm__runtime_journal(other->runtime),
                                     c.dir, NULL, &compared, &err),
                   FSM_EARGUMENT);
  assert_non_null(strstr(err.text, "another store"));
  free(c.data);
  fixture_free(other);
  fixture_free(c.f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_snapshot_taken_under_load_gives_the_rows_of_the_live_store),
      cmocka_unit_test(entries_of_creations_that_are_dropped_under_the_copier_are_gone),
      cmocka_unit_test(an_instance_that_came_and_went_under_the_copier_leaves_nothing),
      cmocka_unit_test(routes_that_are_set_under_the_copier_are_there_once),
      cmocka_unit_test(verifying_goes_on_while_commands_run),
      cmocka_unit_test(one_wrong_byte_is_found_wherever_it_is),
      cmocka_unit_test(a_short_or_longer_file_and_a_missing_block_are_found),
      cmocka_unit_test(the_manifest_is_checked_and_remembers_that_it_was_verified),
      cmocka_unit_test(a_snapshot_of_another_store_is_not_loaded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
