/* What can be told of conditions before anything is evaluated; and, of all pairs of a list of conditions,
 * that evaluating them never shows the contrary. */
#include "fsm/expr_prove.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fsm/buf.h"

static const fsm_value levels[] = {{.type = FSM_STRING, .len = 3, .s = "low"},
                                   {.type = FSM_STRING, .len = 4, .s = "high"}};

static bool schema(void *arg, const char *path, size_t len, fsm_known *out) {
  (void)arg;
  *out = (fsm_known){.kind = FSM_SHAPE_INT};
  if (len == 9 && memcmp(path, "context.n", 9) == 0) return true;
  *out = (fsm_known){.kind = FSM_SHAPE_STRING, .choices = levels, .choice_count = 2};
  if (len == 9 && memcmp(path, "context.s", 9) == 0) return true;
  *out = (fsm_known){.kind = FSM_SHAPE_BOOL};
  if (len == 9 && memcmp(path, "context.b", 9) == 0) return true;
  *out = (fsm_known){.kind = FSM_SHAPE_NUMBER, .has_low = true, .low = 0};
  return len == 9 && memcmp(path, "context.p", 9) == 0;
}

static fsm_proof prove(const char *a, bool a_holds, const char *b, bool b_holds) {
  fsm_arena arena;
  fsm_error err;
  fsm_claim claims[2] = {{NULL, a_holds}, {NULL, b_holds}};
  fsm_arena_init(&arena, 0);
  assert_int_equal(fsm_expr_compile(&arena, a, strlen(a), &claims[0].expr, &err), FSM_OK);
  if (b != NULL) assert_int_equal(fsm_expr_compile(&arena, b, strlen(b), &claims[1].expr, &err), FSM_OK);
  const fsm_proof proof = fsm_expr_prove(claims, b != NULL ? 2 : 1, schema, NULL);
  fsm_arena_free(&arena);
  return proof;
}
#define NEVER(text) assert_int_equal(prove(text, true, NULL, false), FSM_PROOF_NEVER)
#define SOME(text) assert_int_equal(prove(text, true, NULL, false), FSM_PROOF_SOME)
#define OPEN(text) assert_int_equal(prove(text, true, NULL, false), FSM_PROOF_OPEN)
#define ALWAYS(text) assert_int_equal(prove(text, false, NULL, false), FSM_PROOF_NEVER)

static void ranges_that_are_empty_contradict(void **arg) {
  (void)arg;
  NEVER("context.x > 5 && context.x < 3");
  SOME("context.x > 3 && context.x < 5");
  NEVER("context.x > 5 && !(context.x > 5)");
  NEVER("5 < context.x && context.x <= 5");
  SOME("5 <= context.x && context.x <= 5");
  NEVER("5 <= context.x && context.x <= 5 && context.x != 5.0");
  NEVER("context.n > 5 && context.n < 6"); /* whole numbers */
  SOME("context.x > 5 && context.x < 6");
  NEVER("context.p < 0"); /* the schema's minimum */
  SOME("context.p <= 0");
}

static void equalities_and_choices_contradict(void **arg) {
  (void)arg;
  NEVER("context.x == 1 && context.x == 2");
  SOME("context.x == 1 && context.x == 1.0");
  NEVER("context.x == 'a' && context.x > 3");
  NEVER("context.x in ['a', 'b'] && context.x == 'c'");
  SOME("context.x in ['a', 'b'] && context.x != 'a'");
  NEVER("context.x in ['a', 'b'] && context.x != 'a' && context.x != 'b'");
  NEVER("context.s == 'middle'"); /* not in its enum */
  NEVER("context.s != 'low' && context.s != 'high'");
  SOME("context.s != 'low'");
  NEVER("context.x == null && context.x > 3");
  SOME("context.x == null");
  NEVER("context.n == null");
  SOME("context.n != null");
}

static void bools_contradict(void **arg) {
  (void)arg;
  NEVER("context.b && !context.b");
  SOME("context.b || !context.b");
  NEVER("context.b == false && context.b");
  NEVER("context.b != true && context.b != false");
  NEVER("false");
  NEVER("context.x > 3 && false");
  SOME("true");
}

static void what_is_always_true_is_never_false(void **arg) {
  (void)arg;
  ALWAYS("true");
  ALWAYS("context.x > 5 || context.x <= 5");
  ALWAYS("context.b || !context.b");
  ALWAYS("context.p >= 0");
  ALWAYS("context.s in ['low', 'high', 'other']");
  assert_int_equal(prove("context.x > 5 || context.x < 5", false, NULL, false), FSM_PROOF_SOME);
}

static void what_is_not_understood_stays_open_but_equal_texts_are_equal(void **arg) {
  (void)arg;
  OPEN("size(context.list) > 2 && size(context.list) < 1");
  NEVER("size(context.list) > 2 && !(size(context.list) > 2)");
  OPEN("has(context.x) && context.a > context.b");
  NEVER("has(context.x) && !has(context.x) && context.y > 1");
  NEVER("context.c > 1 ? context.c < 0 : context.c > 2");
  SOME("context.c > 1 ? context.c < 3 : context.c > 2");
}

static fsm_proof prove_repeated(const char *first, const char *more, int count) {
  fsm_buf buf = {0};
  fsm_buf_str(&buf, first);
  for (int i = 0; i < count; i++) fsm_buf_str(&buf, more);
  const fsm_proof proof = prove(fsm_buf_text(&buf), true, NULL, false);
  fsm_buf_free(&buf);
  return proof;
}

static void too_much_stays_open(void **arg) {
  (void)arg;
  assert_int_equal(prove_repeated("true", " && context.x > 1", FSM_PROVE_PARTS_MAX), FSM_PROOF_SOME);
  assert_int_equal(prove_repeated("true", " && context.x > 1", FSM_PROVE_PARTS_MAX + 1), FSM_PROOF_OPEN);
  /* 3^40 ways, all in vain */
  assert_int_equal(
      prove_repeated("context.x < 0", " && (context.x > 1 || context.x > 2 || context.x > 3)", 40),
      FSM_PROOF_OPEN);
}

/* ---- against evaluation ------------------------------------------------------------------------------ */

static const char *const conditions[] = {"context.x > 1",
                                         "context.x >= 1",
                                         "context.x < 1",
                                         "context.x <= 2",
                                         "context.x == 1",
                                         "context.x != 1",
                                         "context.x == null",
                                         "context.x != null",
                                         "context.x in [0, 2]",
                                         "!(context.x in [1])",
                                         "context.x == 'a'",
                                         "context.x > 0 && context.x < 2",
                                         "context.x",
                                         "!context.x",
                                         "context.x == true",
                                         "context.x < 1 || context.x > 1",
                                         "!(context.x > 1)",
                                         "!(context.x != null)",
                                         "context.x in ['a', null]",
                                         "context.x > 1 ? context.x < 3 : true"};

static bool evaluates(const fsm_expr *expr, const fsm_value *x, bool wanted) {
  fsm_arena arena;
  fsm_error err;
  fsm_pair pair = {fsm_string("x"), *x};
  fsm_value context = {.type = FSM_MAP, .len = 1, .pairs = &pair}, out;
  const fsm_scope scope = {.context = &context};
  fsm_arena_init(&arena, 0);
  const bool good = fsm_expr_eval(expr, &scope, &arena, &out, &err) == FSM_OK && out.type == FSM_BOOL;
  const bool holds = good && out.b == wanted;
  fsm_arena_free(&arena);
  return holds;
}

static void proofs_agree_with_evaluation(void **arg) {
  (void)arg;
  const size_t count = sizeof conditions / sizeof *conditions;
  const fsm_value values[] = {fsm_null(),      fsm_bool(true),  fsm_bool(false), fsm_int(-1), fsm_int(0),
                              fsm_int(1),      fsm_double(1.5), fsm_int(2),      fsm_int(3),  fsm_double(0.5),
                              fsm_string("a"), fsm_string("b"), fsm_double(2.5)};
  unsigned never = 0;
  for (size_t i = 0; i < 4 * count * count; i++) {
    fsm_arena arena;
    fsm_error err;
    fsm_claim claims[2] = {{NULL, i & 1}, {NULL, i & 2}};
    const char *texts[2] = {conditions[i / 4 % count], conditions[i / 4 / count]};
    fsm_arena_init(&arena, 0);
    for (int j = 0; j < 2; j++)
      assert_int_equal(fsm_expr_compile(&arena, texts[j], strlen(texts[j]), &claims[j].expr, &err), FSM_OK);
    bool both = false;
    for (size_t j = 0; j < sizeof values / sizeof *values; j++)
      both |= evaluates(claims[0].expr, &values[j], claims[0].holds) &&
              evaluates(claims[1].expr, &values[j], claims[1].holds);
    const fsm_proof proof = fsm_expr_prove(claims, 2, NULL, NULL);
    if (proof == FSM_PROOF_OPEN) fail_msg("%s, %s: open", texts[0], texts[1]);
    if (both != (proof == FSM_PROOF_SOME))
      fail_msg("%s %s, %s %s: %s", claims[0].holds ? "" : "not", texts[0], claims[1].holds ? "" : "not",
               texts[1], both ? "both hold for a value" : "no value was found");
    never += proof == FSM_PROOF_NEVER;
    fsm_arena_free(&arena);
  }
  assert_true(never > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ranges_that_are_empty_contradict),
      cmocka_unit_test(equalities_and_choices_contradict),
      cmocka_unit_test(bools_contradict),
      cmocka_unit_test(what_is_always_true_is_never_false),
      cmocka_unit_test(what_is_not_understood_stays_open_but_equal_texts_are_equal),
      cmocka_unit_test(too_much_stays_open),
      cmocka_unit_test(proofs_agree_with_evaluation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
