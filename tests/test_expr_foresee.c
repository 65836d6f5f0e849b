/* test_expr_foresee.c: what a condition may come to, against what it does come to, of conditions at random:
 * the set has it, and the truths of why say the same as the set does. */
#include "fsm/expr_parts.h"
#include "tests/expr_case.h"

enum { CONDITIONS = 20000, TEXT_MAX = 2000, EVENTS = 27 };

static uint64_t seed = 1;

static unsigned any(unsigned below) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(seed >> 33) % below;
}

static void write_condition(fsm_buf *out, unsigned depth) {
  static const char *const atoms[] = {
      "context.yes", "context.no", "context.gone", "1 / context.zero > 0",
      "event.a",     "event.b",    "event.c",      "context.yes == context.no"};
  const unsigned kind = depth == 0 ? 0 : any(6);
  if (kind < 2) {
    fsm_buf_str(out, atoms[any(sizeof atoms / sizeof *atoms)]);
    return;
  }
  fsm_buf_str(out, kind == 2 ? "!(" : "(");
  write_condition(out, depth - 1);
  if (kind == 3) fsm_buf_str(out, " && ");
  if (kind == 4) fsm_buf_str(out, " || ");
  if (kind == 5) fsm_buf_str(out, " ? ");
  if (kind > 2) write_condition(out, depth - 1);
  if (kind == 5) fsm_buf_str(out, " : ");
  if (kind == 5) write_condition(out, depth - 1);
  fsm_buf_str(out, ")");
}

/* Each member true, false, or not there. */
static fsm_value event_of(fsm_arena *arena, unsigned number) {
  static const char *const names[] = {"a", "b", "c"};
  fsm_pair *pairs = fsm_arena_alloc(arena, 3 * sizeof *pairs);
  uint32_t count = 0;
  for (unsigned i = 0; i < 3; i++, number /= 3)
    if (number % 3 < 2) pairs[count++] = (fsm_pair){fsm_string(names[i]), fsm_bool(number % 3 == 1)};
  return (fsm_value){.type = FSM_MAP, .len = count, .pairs = pairs};
}

static unsigned comes_to(const fsm_expr *expr, const fsm_value *context, const fsm_value *event,
                         fsm_arena *arena) {
  const fsm_scope scope = {.context = context, .event = event};
  fsm_value value;
  fsm_error err;
  if (fsm_expr_eval(expr, &scope, arena, &value, &err) != FSM_OK || !fsm_is(&value, FSM_BOOL))
    return FSM_MAYBE_FAULT;
  return value.b ? FSM_MAYBE_YES : FSM_MAYBE_NO;
}

static void check(const char *text, const fsm_value *context, fsm_arena *arena) {
  static const fsm_unknown unknown = {.event = true};
  const fsm_scope scope = {.context = context};
  const fsm_expr *expr;
  unsigned all = 0, spoken = 0; /* of spoken all members are there */
  assert_int_equal(fsm_expr_compile(arena, text, strlen(text), &expr, NULL), FSM_OK);
  for (unsigned i = 0; i < EVENTS; i++) {
    const fsm_value event = event_of(arena, i);
    const unsigned one = comes_to(expr, context, &event, arena);
    all |= one;
    if (event.len == 3) spoken |= one;
  }
  const unsigned set = fsm_expr_foresee(expr, &scope, &unknown, arena);
  const fsm_truth truth = fsm_expr_truth(expr, &scope, &unknown, arena);
  if ((all & ~set) != 0) fail_msg("%s: comes to %u, foreseen %u", text, all, set);
  if (truth == FSM_TRUTH_TRUE && spoken != FSM_MAYBE_YES) fail_msg("%s: true, but may be %u", text, spoken);
  if (truth == FSM_TRUTH_FALSE && spoken != FSM_MAYBE_NO) fail_msg("%s: false, but may be %u", text, spoken);
  if (truth == FSM_TRUTH_FAULT && (all & FSM_MAYBE_YES) != 0) fail_msg("%s: a fault, but may be true", text);
  if ((set & FSM_MAYBE_YES) == 0 && (truth == FSM_TRUTH_TRUE || truth == FSM_TRUTH_DEPENDS))
    fail_msg("%s: foreseen never to be true, but the truth is %d", text, truth);
}

static void conditions_come_to_what_was_foreseen(void **state) {
  (void)state;
  fsm_arena keep, arena;
  fsm_arena_init(&keep, 0);
  fsm_arena_init(&arena, 0);
  const fsm_value context = expr_value(&keep, "{'yes': true, 'no': false, 'zero': 0}");
  for (unsigned i = 0; i < CONDITIONS; i++) {
    fsm_buf text = {0};
    write_condition(&text, 1 + any(4));
    check(fsm_buf_text(&text), &context, &arena);
    fsm_buf_free(&text);
    fsm_arena_reset(&arena);
  }
  fsm_arena_free(&arena);
  fsm_arena_free(&keep);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(conditions_come_to_what_was_foreseen)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
