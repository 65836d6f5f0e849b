/* Simple paths of small machines, against all of them written down; the limits. */
#include "fsm/paths.h"

#include "tests/chart.h"

static void find(fsm_arena *arena, const fsm_def *def, size_t most, fsm_paths *paths, fsm_buf *text) {
  fsm_exploration seen;
  fsm_machine *machine;
  fsm_arena_init(arena, 0);
  assert_int_equal(fsm_machine_compile(def, &machine, NULL), FSM_OK);
  assert_int_equal(fsm_explore(arena, def, machine, NULL, &seen, NULL), FSM_OK);
  assert_int_equal(fsm_paths_find(arena, machine, &seen, most, paths, NULL), FSM_OK);
  fsm_machine_free(machine);
  for (size_t i = 0; i < paths->count; i++)
    for (unsigned j = 0; j < paths->paths[i].count; j++) {
      const fsm_explore_move *move = &seen.moves[paths->paths[i].moves[j]];
      fsm_buf_printf(text, "%s%s", move->event < 0 ? "-" : seen.events[move->event].shown,
                     j + 1 < paths->paths[i].count ? " " : ";");
    }
}

static fsm_def_transition go(const char *const *event, const char *const *target) {
  return (fsm_def_transition){
      .events = event, .event_count = event != NULL, .targets = target, .target_count = 1, .where = "/"};
}

static void circles_are_gone_around_and_guards_go_both_ways(void **arg) {
  (void)arg;
  fsm_def_transition from_a[] = {go(TEXTS("B"), TEXTS("b")), go(TEXTS("Z"), TEXTS("z"))};
  fsm_def_transition from_b[] = {go(NULL, TEXTS("z")), go(TEXTS("A"), TEXTS("a")),
                                 go(TEXTS("C"), TEXTS("c"))};
  fsm_def_transition from_c[] = {go(TEXTS("B"), TEXTS("b")), go(TEXTS("Z"), TEXTS("z"))};
  from_b[0].guard = "context.x";
  const fsm_def_state a = {
      .name = "a", .kind = FSM_ATOMIC, .transitions = from_a, .transition_count = 2, .where = "/a"};
  const fsm_def_state b = {
      .name = "b", .kind = FSM_ATOMIC, .transitions = from_b, .transition_count = 3, .where = "/b"};
  const fsm_def_state c = {
      .name = "c", .kind = FSM_ATOMIC, .transitions = from_c, .transition_count = 2, .where = "/c"};
  const fsm_def_state dead = {.name = "dead", .kind = FSM_ATOMIC, .where = "/dead"};
  const fsm_def_state z = {.name = "z", .kind = FSM_FINAL, .where = "/z"};
  const fsm_def_state *children[] = {&a, &b, &c, &dead, &z};
  const fsm_def_state root = {
      .name = "m", .kind = FSM_COMPOUND, .children = children, .child_count = 5, .where = ""};
  const fsm_def def = {.root = &root};
  fsm_arena arena;
  fsm_paths paths;
  fsm_buf text = {0};
  find(&arena, &def, FSM_PATHS_MAX, &paths, &text);
  assert_true(paths.complete);
  assert_string_equal(fsm_buf_text(&text), "B -;B C Z;Z;");
  fsm_arena_free(&arena);
  fsm_buf_reset(&text);
  find(&arena, &def, 3, &paths, &text); /* at the limit, and one past it */
  assert_true(paths.complete && paths.count == 3);
  fsm_arena_free(&arena);
  find(&arena, &def, 2, &paths, &text);
  assert_true(!paths.complete && paths.count == 2);
  fsm_arena_free(&arena);
  fsm_buf_free(&text);
}

/* n states, each of which leads to each other and to the end: the sum of (n-1)!/(n-1-k)! over k. */
static void all_simple_paths_of_a_full_graph_are_found(void **arg) {
  (void)arg;
  enum { N = 7 };
  char names[N][4];
  const char *targets[N + 1], *events[] = {"E"};
  fsm_def_transition transitions[N][N];
  fsm_def_state states[N + 1];
  const fsm_def_state *children[N + 1];
  const char *own[N + 1];
  for (int i = 0; i <= N; i++) {
    if (i < N) {
      names[i][0] = 's';
      names[i][1] = (char)('0' + i);
      names[i][2] = 0;
    }
    targets[i] = i < N ? names[i] : "z";
    own[i] = targets[i];
  }
  for (int i = 0; i <= N; i++) {
    states[i] = (fsm_def_state){.name = own[i], .kind = i < N ? FSM_ATOMIC : FSM_FINAL, .where = own[i]};
    children[i] = &states[i];
    if (i == N) break;
    int count = 0;
    for (int j = 0; j <= N; j++) {
      if (j == i) continue;
      transitions[i][count] = go(events, &targets[j]);
      transitions[i][count++].guard = "context.x";
    }
    states[i].transitions = transitions[i];
    states[i].transition_count = N;
  }
  const fsm_def_state root = {
      .name = "m", .kind = FSM_COMPOUND, .children = children, .child_count = N + 1, .where = ""};
  const fsm_def def = {.root = &root};
  size_t wanted = 0, ways = 1;
  for (int k = 0; k < N; k++) {
    wanted += ways;
    ways *= (size_t)(N - 1 - k);
  }
  fsm_arena arena;
  fsm_paths paths;
  fsm_buf text = {0};
  find(&arena, &def, FSM_PATHS_MAX, &paths, &text);
  assert_true(paths.complete);
  assert_int_equal(paths.count, wanted);
  fsm_arena_free(&arena);
  fsm_buf_free(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(circles_are_gone_around_and_guards_go_both_ways),
                                     cmocka_unit_test(all_simple_paths_of_a_full_graph_are_found)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
