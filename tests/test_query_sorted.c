/* test_query_sorted.c: a list in an order that no index has, through many views, while instances change: the
 * page is that of one view, at the seq that it says. */
#include "runtime_scene.h"

#include "runtime/filter.h"
#include "runtime/query_sorted.h"

enum { INSTANCES = 1300, LIMIT = 5, LOOK = 50 };

static const char MACHINE[] =
    "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"GO\":\"b\"}},\"b\":{\"on\":{\"GO\":\"a\"}}}"
    "}";

/* What is done while a query walks: by gone, which it asks at each row. */
typedef struct scene {
  fixture *f;
  fsm_query query;
  const char *sort;
  unsigned asked, first, every, most, done; /* of its rows; a change at `first`, and each `every` rows */
  unsigned burst;                           /* instances that a change is of */
  unsigned from;                            /* the next to be changed */
  struct {
    uint64_t seq;
    char ids[LIMIT * 16];
  } seen[512];
  unsigned seen_count;
} scene;

static fsm_code ask(scene *s, fsm_query q, fsm_arena *arena, char ids[LIMIT * 16], uint64_t *seq,
                    fsm_error *err) {
  fsm_value page;
  fsm_code code = fsm_query_wait(s->f->runtime, &q, arena, &page, err);
  if (code != FSM_OK) return code;
  const fsm_value *items = fsm_map_get(&page, "items");
  ids[0] = '\0';
  for (unsigned i = 0; i < items->len; i++) {
    const fsm_value *id = fsm_map_get(&items->items[i], "id");
    strncat(strncat(ids, id->s, id->len), " ", 2);
  }
  *seq = (uint64_t)fsm_map_get(&page, "seq")->i;
  return FSM_OK;
}

/* As it is now, through one view. */
static void remember(scene *s) {
  fsm_arena arena;
  fsm_error err;
  fsm_query q = s->query;
  q.look = 0;
  q.gone = NULL;
  fsm_arena_init(&arena, 0);
  assert_true(s->seen_count < sizeof s->seen / sizeof *s->seen);
  assert_int_equal(ask(s, q, &arena, s->seen[s->seen_count].ids, &s->seen[s->seen_count].seq, &err), FSM_OK);
  s->seen_count++;
  fsm_arena_free(&arena);
}

enum { AT_ONCE = 200 };

/* count instances from the one with that number on: made, or moved. */
static void do_all(fixture *f, fsm_command_kind kind, unsigned from, unsigned count) {
  fsm_command commands[AT_ONCE];
  fsm_answer answers[AT_ONCE];
  char ids[AT_ONCE][16];
  fsm_error err;
  for (unsigned done = 0; done < count;) {
    unsigned n = 0;
    for (; n < AT_ONCE && done < count; n++, done++) {
      snprintf(ids[n], sizeof ids[n], "i-%04u", (from + done) % INSTANCES);
      commands[n] = fsm_command_new(kind);
      commands[n].instance = ids[n];
      if (kind == FSM_CMD_SEND) commands[n].event = "GO";
      if (kind == FSM_CMD_START) commands[n].machine = "m";
      if (kind == FSM_CMD_START && done % 2 == 0) commands[n].key = ids[n];
    }
    atomic_fetch_add(&f->now_ns, SECOND);
    assert_int_equal(fsm_call_batch(f->runtime, commands, n, &f->arena, answers, &err), FSM_OK);
    for (unsigned i = 0; i < n; i++) assert_code(&answers[i], FSM_OK);
    fsm_arena_reset(&f->arena);
  }
}

static void change(scene *s) {
  do_all(s->f, FSM_CMD_SEND, s->from, s->burst);
  s->from += s->burst;
  if (s->done++ % 3 == 1) { /* and one that is new */
    char id[16];
    snprintf(id, sizeof id, "a-%04u", s->from);
    fsm_answer answer = start(s->f, "m", id, id, NULL);
    assert_code(&answer, FSM_OK);
  }
  remember(s);
}

static bool gone(void *arg) {
  scene *s = arg;
  s->asked++;
  if (s->asked >= s->first && (s->asked - s->first) % s->every == 0 && s->done < s->most) change(s);
  return false;
}

static scene *scene_new(const char *sort) {
  fsm_error err;
  fsm_filter *filter = NULL;
  scene *s = calloc(1, sizeof *s);
  s->f = fixture_new();
  fsm_answer answer = deploy_text(s->f, MACHINE, strlen(MACHINE));
  assert_code(&answer, FSM_OK);
  do_all(s->f, FSM_CMD_START, 0, INSTANCES);
  assert_int_equal(fsm_filter_new(&filter, &err), FSM_OK);
  assert_int_equal(fsm_filter_set(filter, "sort", sort, &err), FSM_OK);
  s->sort = sort;
  s->query = (fsm_query){
      .kind = FSM_QUERY_LIST, .filter = filter, .limit = LIMIT, .look = LOOK, .gone = gone, .gone_arg = s};
  s->every = 1;
  return s;
}

static void scene_free(scene *s) {
  fsm_filter_free((fsm_filter *)s->query.filter);
  fixture_free(s->f);
  free(s);
}

/* The answer is that of a moment that was seen. */
static void compare(scene *s) {
  char ids[LIMIT * 16];
  uint64_t seq = 0;
  unsigned i = 0;
  fsm_error err;
  s->seen_count = s->asked = s->done = 0;
  remember(s);
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  if (ask(s, s->query, &arena, ids, &seq, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  fsm_arena_free(&arena);
  while (i < s->seen_count && s->seen[i].seq != seq) i++;
  assert_true(i < s->seen_count);
  assert_string_equal(ids, s->seen[i].ids);
  assert_true(s->done == s->most);
}

static void what_changes_while_the_walk_goes_on_is_told_as_it_is(void **state) {
  (void)state;
  static const char *const sorts[] = {"updated", "-updated", "age", "-age", "state", "-key", "-id", "sla"};
  scene *s = scene_new("updated");
  for (unsigned i = 0; i < sizeof sorts / sizeof *sorts; i++) {
    fsm_error err;
    fsm_filter *filter = NULL;
    fsm_filter_free((fsm_filter *)s->query.filter);
    assert_int_equal(fsm_filter_new(&filter, &err), FSM_OK);
    assert_int_equal(fsm_filter_set(filter, "sort", sorts[i], &err), FSM_OK);
    s->query.filter = filter;
    s->first = 7, s->every = 90, s->most = 10, s->burst = 4;
    compare(s);
  }
  scene_free(s);
}

/* All that are kept change, so those that had no room are needed: the walk is made again. */
static void more_changes_than_are_kept_begin_the_walk_anew(void **state) {
  (void)state;
  scene *s = scene_new("updated");
  s->first = INSTANCES - 150, s->most = 1, s->burst = LIMIT + 1 + FSM__SORTED_SPARE;
  compare(s);
  assert_true(s->asked > 2 * INSTANCES); /* twice */
  scene_free(s);
}

static void an_order_that_does_not_stand_still_is_busy(void **state) {
  (void)state;
  scene *s = scene_new("updated");
  char ids[LIMIT * 16];
  uint64_t seq = 0;
  fsm_error err;
  fsm_arena arena;
  s->first = INSTANCES - 150, s->every = INSTANCES, s->most = 100;
  s->burst = INSTANCES;
  fsm_arena_init(&arena, 0);
  assert_int_equal(ask(s, s->query, &arena, ids, &seq, &err), FSM_EBUSY);
  assert_string_equal(err.where, "sort");
  assert_int_equal(s->done, FSM__SORTED_TRIES);
  fsm_arena_free(&arena);
  scene_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_changes_while_the_walk_goes_on_is_told_as_it_is),
                                     cmocka_unit_test(more_changes_than_are_kept_begin_the_walk_anew),
                                     cmocka_unit_test(an_order_that_does_not_stand_still_is_busy)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
