/* After the first turns a step takes no memory from the system: its arena's block is used again. The
 * program's calls of malloc, calloc and realloc are counted (linked with --wrap). */
#include "tests/chart.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);

static unsigned taken;

void *__wrap_malloc(size_t size) {
  taken++;
  return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
  taken++;
  return __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size) {
  taken++;
  return __real_realloc(at, size);
}

/* A turn: two arenas, of which one holds the snapshot while the other takes the next steps. */
static unsigned memory_of_turns(const fsm_machine *m, const char *const *events, unsigned count,
                                unsigned turns) {
  fsm_arena arenas[2];
  fsm_step_result result;
  fsm_error err;
  for (unsigned i = 0; i < 2; i++) fsm_arena_init(&arenas[i], 0);
  assert_int_equal(fsm_start(m, NULL, &nobody, &arenas[0], &result, &err), FSM_OK);
  unsigned in = 0;
  for (unsigned turn = 0; turn < turns; turn++, in = !in) {
    if (turn == turns / 2) taken = 0;
    for (unsigned i = 0; i < count; i++) {
      const fsm_event event = {.name = events[i]};
      const fsm_snapshot now = result.next;
      assert_int_equal(fsm_step(m, &now, &event, &nobody, &arenas[in], &result, &err), FSM_OK);
      assert_int_equal(result.outcome, FSM_OK);
    }
    fsm_arena_reset(&arenas[!in]);
    uint64_t *config = fsm_arena_alloc(&arenas[!in], fsm_machine_words(m) * sizeof *config);
    assert_non_null(config);
    memcpy(config, result.next.config, fsm_machine_words(m) * sizeof *config);
    result.next.config = config;
    assert_int_equal(fsm_value_copy(&arenas[!in], &result.next.context, &result.next.context, &err), FSM_OK);
    assert_int_equal(fsm_value_copy(&arenas[!in], &result.next.history, &result.next.history, &err), FSM_OK);
  }
  const unsigned after = taken;
  for (unsigned i = 0; i < 2; i++) fsm_arena_free(&arenas[i]);
  return after;
}

static void a_warm_step_takes_no_memory_from_the_system(void **state) {
  (void)state;
  static const char *const events[] = {"GO", "BACK"};
  chart c;
  chart_open_with(&c,
                  COMPOUND("m", CHILDREN(ATOMIC("a", ON(GO("GO", "b", .guard = "context.n >= 0",
                                                           DO(ASSIGN("n", "context.n + 1"), RAISE("R"))))),
                                         ATOMIC("b", ENTRY(LOG_EXPR("event.name")), ON(GO("BACK", "a"))))),
                  FIELD("n", "0"));
  assert_true(memory_of_turns(c.machine, events, 2, 1) > 0); /* the first turn does: the count counts */
  assert_int_equal(memory_of_turns(c.machine, events, 2, 400), 0);
  chart_close(&c);
}

static void so_does_one_of_a_parallel_machine_with_history(void **state) {
  (void)state;
  static const char *const events[] = {"GO", "OUT", "IN", "BACK"};
  chart c;
  chart_open_with(
      &c,
      COMPOUND("m", CHILDREN(PARALLEL("p", ON(GO("OUT", "q")),
                                      CHILDREN(COMPOUND("r", CHILDREN(ATOMIC("a", ON(GO("GO", "p.r.b"))),
                                                                      ATOMIC("b", ON(GO("BACK", "p.r.a"))))),
                                               COMPOUND("s", CHILDREN(ATOMIC("x"))), DEEP("h"))),
                             ATOMIC("q", ON(GO("IN", "p.h"))))),
      NULL);
  assert_int_equal(memory_of_turns(c.machine, events, 4, 400), 0);
  chart_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_warm_step_takes_no_memory_from_the_system),
                                     cmocka_unit_test(so_does_one_of_a_parallel_machine_with_history)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
