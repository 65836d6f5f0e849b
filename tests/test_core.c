/* test_core.c: what opening finds: the same answers after a kill, and by name what does not belong together.
 */
#include "runtime_scene.h"

#include "runtime/core.h"
#include "runtime/rows.h"

/* ---- documents, for comparing ------------------------------------------------------------------- */

static const char *answers_of(fixture *f, fsm_runtime *runtime, unsigned instances) {
  fsm_buf all = {0};
  fsm_query queries[64] = {{.kind = FSM_QUERY_LIST, .limit = 1000},
                           {.kind = FSM_QUERY_STUCK, .limit = 1000},
                           {.kind = FSM_QUERY_COUNTS},
                           {.kind = FSM_QUERY_MACHINES},
                           {.kind = FSM_QUERY_MACHINE, .machine = "counter"}};
  unsigned n = 5;
  for (unsigned i = 0; i < instances; i++) {
    char *id = fsm_arena_printf(&f->arena, "i%u", i);
    queries[n++] = (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id};
    queries[n++] = (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = id, .limit = 1000};
    queries[n++] = (fsm_query){.kind = FSM_QUERY_EVENTS, .ref = id};
  }
  for (unsigned i = 0; i < n; i++) {
    fsm_value out;
    fsm_error err = {.text = ""};
    if (fsm_query_wait(runtime, &queries[i], &f->arena, &out, &err) != FSM_OK)
      fail_msg("query %u: %s: %s", i, err.where, err.text);
    fsm_json_write(&all, &out);
    fsm_buf_char(&all, '\n');
  }
  const char *text = fsm_arena_strdup(&f->arena, fsm_buf_text(&all));
  fsm_buf_free(&all);
  return text;
}

static fsm_runtime *open_at(fixture *f, const char *dir, bool read_only, fsm_opened *opened) {
  fsm_runtime_options options = scene_options(f);
  fsm_runtime *runtime = NULL;
  fsm_error err = {.text = ""};
  options.dir = dir;
  options.read_only = read_only;
  fsm_code code = fsm_runtime_open(&options, &runtime, opened, &err);
  if (code != FSM_OK) fail_msg("%s: %s: %s", fsm_code_name(code), err.where, err.text);
  return runtime;
}

/* Five instances in different states of life, a refusal and an incident among them. */
static void some_life(fixture *f) {
  for (unsigned i = 0; i < 5; i++) {
    char id[8];
    snprintf(id, sizeof id, "i%u", i);
    fsm_answer answer = start(f, "counter", id, i == 1 ? "K1" : NULL, NULL);
    assert_code(&answer, FSM_OK);
    for (unsigned k = 0; k < i * 7; k++) (void)send_event(f, id, "ADD", NULL);
  }
  fsm_answer answer = send_event(f, "i2", "NEVER", NULL);
  assert_code(&answer, FSM_EEVENT);
  answer = send_event(f, "i3", "GO", NULL);
  assert_code(&answer, FSM_OK);
}

static void after_kill(fixture *f, const fsm_runtime_options *options) {
  char copy[96], second[96];
  snprintf(copy, sizeof copy, "%s-kill", f->dir);
  snprintf(second, sizeof second, "%s-more", f->dir);
  scene_reopen(f, options);
  some_life(f);
  const char *live = answers_of(f, f->runtime, 5); /* and no round runs from here on */
  uint64_t seq = journal_walk(f, NULL, NULL);
  copy_tree(f->dir, copy);
  copy_tree(copy, second);
  fsm_runtime *reader = open_at(f, second, true, NULL);
  assert_string_equal(answers_of(f, reader, 5), live);
  fsm_runtime_close(reader);
  fixture rest = {.now_ns = atomic_load(&f->now_ns)};
  snprintf(rest.dir, sizeof rest.dir, "%.60s", copy);
  fsm_arena_init(&rest.arena, 0);
  fsm_opened opened;
  rest.runtime = open_at(&rest, copy, false, &opened);
  assert_int_equal(opened.last_seq, seq);
  assert_int_equal(opened.replayed, seq - opened.applied_seq);
  assert_string_equal(answers_of(&rest, rest.runtime, 5), live);
  assert_int_equal(journal_walk(&rest, NULL, NULL), seq);
  assert_verified(&rest);
  fsm_answer answer = send_event(&rest, "i4", "ADD", NULL); /* and it goes on */
  assert_code(&answer, FSM_OK);
  assert_int_equal(answer.seq, seq + 1);
  fsm_runtime_close(rest.runtime);
  rest.runtime = open_at(&rest, copy, false, NULL);
  assert_int_equal(context_n(&rest, "i4"), 29);
  assert_verified(&rest);
  fsm_runtime_close(rest.runtime);
  fsm_arena_free(&rest.arena);
  remove_tree(copy);
  remove_tree(second);
}

static void after_a_kill_everything_answered_is_there_from_the_journal_alone(void **state) {
  fixture *f = *state;
  fsm_runtime_options options = scene_options(f);
  options.round_ns = 3600 * SECOND;
  after_kill(f, &options);
}

static void after_a_kill_everything_answered_is_there_with_rounds_in_between(void **state) {
  fixture *f = *state;
  fsm_runtime_options options = scene_options(f);
  options.round_ns = 3600 * SECOND;
  options.round_bytes = 3000;
  after_kill(f, &options);
}

/* ---- what does not belong together -------------------------------------------------------------- */

static void expect_refused(fixture *f, bool read_only, fsm_code code, const char *const *named) {
  fsm_runtime_options options = scene_options(f);
  fsm_runtime *runtime = NULL;
  fsm_error err = {.text = ""};
  options.read_only = read_only;
  fsm_code got = fsm_runtime_open(&options, &runtime, NULL, &err);
  if (got != code) fail_msg("%s: %s: %s", fsm_code_name(got), err.where, err.text);
  for (; *named != NULL; named++)
    if (strstr(err.text, *named) == NULL && strstr(err.where, *named) == NULL)
      fail_msg("\"%s\" is not in %s: %s", *named, err.where, err.text);
}

static void first_segment(const fixture *f, char *out, size_t size) {
  snprintf(out, size, "%s/journal/0/%020d.seg", f->dir, 1);
}

static void a_store_ahead_of_its_journal_is_refused(void **state) {
  fixture *f = *state;
  char path[160];
  some_life(f);
  char seq[32];
  snprintf(seq, sizeof seq, "seq %llu", (unsigned long long)journal_walk(f, NULL, NULL));
  fixture_close(f);
  first_segment(f, path, sizeof path);
  assert_int_equal(unlink(path), 0);
  expect_refused(f, false, FSM_ECORRUPT, (const char *const[]){"journal is missing", seq, NULL});
  expect_refused(f, true, FSM_ECORRUPT, (const char *const[]){"journal is missing", seq, NULL});
}

/* The same commands at another time: as many records, none the same. */
static void a_journal_of_another_life_is_refused_with_both_hashes(void **state) {
  fixture *f = *state;
  char copy[96], path[160], other[200];
  snprintf(copy, sizeof copy, "%s-early", f->dir);
  fixture_close(f);
  copy_tree(f->dir, copy);
  fixture_open(f);
  fsm_answer answer = start_counter(f, "i1");
  uint64_t seq = answer.seq;
  fixture_close(f);
  fixture twin = {.now_ns = atomic_load(&f->now_ns) + SECOND};
  snprintf(twin.dir, sizeof twin.dir, "%.60s", copy);
  fsm_arena_init(&twin.arena, 0);
  fixture_open(&twin);
  answer = start_counter(&twin, "i1");
  assert_int_equal(answer.seq, seq);
  fixture_close(&twin);
  fsm_arena_free(&twin.arena);
  first_segment(f, path, sizeof path);
  first_segment(&twin, other, sizeof other);
  copy_file(other, path);
  char named[32];
  snprintf(named, sizeof named, "record %llu", (unsigned long long)seq);
  expect_refused(f, false, FSM_ECORRUPT,
                 (const char *const[]){named, "in the journal", "in the store", f->dir, NULL});
  remove_tree(copy);
}

static void a_journal_of_another_store_is_refused(void **state) {
  fixture *f = *state, *g = fixture_new();
  char path[160], other[160];
  fsm_answer answer = deploy_text(g, COUNTER, strlen(COUNTER));
  assert_code(&answer, FSM_OK);
  fixture_close(f);
  fixture_close(g);
  first_segment(f, path, sizeof path);
  first_segment(g, other, sizeof other);
  copy_file(other, path);
  expect_refused(f, false, FSM_ECORRUPT, (const char *const[]){".seg", NULL});
  fixture_free(g);
}

/* ---- the directory ------------------------------------------------------------------------------ */

static fsm_code open_dir(const fsm_runtime_options *options, fsm_error *err) {
  fsm_runtime *runtime = NULL;
  *err = (fsm_error){.text = ""};
  fsm_code code = fsm_runtime_open(options, &runtime, NULL, err);
  if (code == FSM_OK) fsm_runtime_close(runtime);
  return code;
}

static void only_who_may_make_a_directory_makes_one(void **state) {
  fixture *f = *state;
  char path[160];
  fsm_error err;
  struct stat st;
  fsm_runtime_options options = scene_options(f);
  snprintf(path, sizeof path, "%s/new", f->dir);
  options.dir = path;
  options.must_exist = true;
  assert_int_equal(open_dir(&options, &err), FSM_ENOTFOUND);
  assert_string_equal(err.where, path);
  options.must_exist = false;
  options.read_only = true;
  assert_int_equal(open_dir(&options, &err), FSM_ENOTFOUND);
  assert_int_not_equal(stat(path, &st), 0);
  options.read_only = false;
  assert_int_equal(open_dir(&options, &err), FSM_OK);
  assert_int_equal(stat(path, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0700);
  options.must_exist = true;
  assert_int_equal(open_dir(&options, &err), FSM_OK);
  options.dir = FSM_SOURCE_DIR "/LICENSE";
  assert_int_equal(open_dir(&options, &err), FSM_EARGUMENT);
}

static void an_empty_directory_is_no_store_for_who_must_find_one(void **state) {
  fixture *f = *state;
  char path[160];
  fsm_error err;
  fsm_runtime_options options = scene_options(f);
  snprintf(path, sizeof path, "%s/empty", f->dir);
  assert_int_equal(mkdir(path, 0700), 0);
  options.dir = path;
  options.must_exist = true;
  assert_int_equal(open_dir(&options, &err), FSM_ENOTFOUND);
  options.read_only = true;
  assert_int_equal(open_dir(&options, &err), FSM_ENOTFOUND);
}

static void a_directory_has_one_writer(void **state) {
  fixture *f = *state;
  fsm_error err;
  fsm_runtime_options options = scene_options(f);
  assert_int_equal(open_dir(&options, &err), FSM_ELOCKED);
  options.read_only = true;
  assert_int_equal(open_dir(&options, &err), FSM_ELOCKED);
}

/* ---- replay ------------------------------------------------------------------------------------- */

static void a_replay_stops_where_it_is_told_and_goes_on_from_there(void **state) {
  fixture *f = *state;
  char store_dir[160];
  some_life(f);
  uint64_t last = journal_walk(f, NULL, NULL);
  fsm__journal *journal = fsm__runtime_journal(f->runtime);
  for (unsigned way = 0; way < 2; way++) {
    fsm__store *store = NULL;
    fsm__catalog *catalog = NULL;
    fsm__core position = {.seq = 0};
    fsm_error err = {.text = ""};
    snprintf(store_dir, sizeof store_dir, "%s/scratch-%u", f->dir, way);
    assert_int_equal(
        fsm__store_open(
            &(fsm__store_options){
                .dir = store_dir, .scratch = true, .new_store_id = (const uint8_t *)"a store of tests"},
            &store, &err),
        FSM_OK);
    assert_int_equal(fsm__catalog_open(store, &catalog, &err), FSM_OK);
    size_t round = way == 0 ? 0 : 1; /* rounds after each frame, or none */
    assert_int_equal(fsm__replay(journal, store, catalog, 1, 20, round, &position, &err), FSM_OK);
    assert_int_equal(position.seq, 20);
    assert_int_equal(fsm__store_applied(store, NULL), way == 0 ? 0 : 20);
    assert_int_equal(fsm__replay(journal, store, catalog, 21, 0, round, &position, &err), FSM_OK);
    assert_int_equal(position.seq, last);
    uint64_t instances = 0;
    assert_int_equal(fsm__counter_read(store, "instance", &instances, &err), FSM_OK);
    assert_int_equal(instances, 5);
    fsm__catalog_free(catalog);
    fsm__store_close(store);
  }
}

static void what_opening_found_is_told(void **state) {
  fixture *f = *state;
  some_life(f);
  uint64_t last = journal_walk(f, NULL, NULL);
  fixture_reopen(f);
  assert_int_equal(f->opened.last_seq, last);
  assert_int_equal(f->opened.applied_seq, last); /* closing runs a last round */
  assert_int_equal(f->opened.replayed, 0);
  fsm_origin origin = fsm__runtime_origin(f->runtime);
  assert_memory_equal(f->opened.store_id, origin.store, 16);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      S(after_a_kill_everything_answered_is_there_from_the_journal_alone),
      S(after_a_kill_everything_answered_is_there_with_rounds_in_between),
      S(a_store_ahead_of_its_journal_is_refused),
      S(a_journal_of_another_life_is_refused_with_both_hashes),
      S(a_journal_of_another_store_is_refused),
      S(only_who_may_make_a_directory_makes_one),
      S(an_empty_directory_is_no_store_for_who_must_find_one),
      S(a_directory_has_one_writer),
      S(a_replay_stops_where_it_is_told_and_goes_on_from_there),
      S(what_opening_found_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
