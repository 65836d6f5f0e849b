/* test_expr_path.c: members by name, in maps of every size and for names of every length. */
#include "tests/expr_case.h"

static void every_name_is_found_in_maps_of_every_size(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (unsigned count = 1; count <= 20; count++) {
    fsm_pair *pairs = fsm_arena_zalloc(&arena, count, sizeof *pairs);
    char name[32] = "", source[64];
    for (unsigned i = 0; i < count; i++) { /* a, ab, abc… : each begins with the one before */
      name[i] = (char)('a' + i);
      pairs[i] = (fsm_pair){fsm_string(fsm_arena_strdup(&arena, name)), fsm_int(i)};
    }
    fsm_value context;
    assert_int_equal(fsm_map(pairs, count, &context, NULL), FSM_OK);
    fsm_scope scope = {.context = &context};
    for (unsigned i = 0; i < count; i++) {
      const fsm_expr *expr;
      fsm_value value;
      snprintf(source, sizeof source, "context.%.*s", (int)i + 1, name);
      assert_int_equal(fsm_expr_compile(&arena, source, strlen(source), &expr, NULL), FSM_OK);
      assert_int_equal(fsm_expr_eval(expr, &scope, &arena, &value, NULL), FSM_OK);
      assert_int_equal(value.i, i);
    }
    snprintf(source, sizeof source, "has(context.%.*sx)", (int)count, name);
    fsm_buf buf = {0};
    assert_string_equal(expr_result(&buf, source, strlen(source), &scope), "false");
    fsm_buf_free(&buf);
  }
  fsm_arena_free(&arena);
}

static void names_that_differ_in_one_byte_differ(void **state) {
  (void)state;
  char a[40], b[40];
  memset(a, 'x', sizeof a);
  for (size_t len = 0; len <= 33; len++) {
    memcpy(b, a, sizeof b);
    assert_true(fsm__same_bytes(a, b, len));
    for (size_t i = 0; i < len; i++) {
      b[i] = 'y';
      assert_false(fsm__same_bytes(a, b, len));
      b[i] = 'x';
    }
    b[len] = 'y';
    assert_true(fsm__same_bytes(a, b, len));
  }
}

static void keys_of_other_types_are_no_names(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_value context = expr_value(&arena, "{1: 'int', true: 'bool', 'k': 'text'}");
  static const expr_case cases[] = {{"context.k", "\"text\""},
                                    {"context.true1", "! 1:1 no such field context.true1"},
                                    {"context[1] + context[true]", "\"intbool\""}};
  EXPR_CHECK(cases, (&(fsm_scope){.context = &context}));
  fsm_arena_free(&arena);
}

static void words_are_compared_at_every_length(void **state) {
  (void)state;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_buf source = {0}, out = {0};
  for (unsigned len = 0; len <= 70; len++) {
    fsm_buf_reset(&source);
    char *word = fsm_arena_zalloc(&arena, 1, len + 1);
    memset(word, 'w', len);
    fsm_value context = fsm_string(word);
    fsm_buf_printf(&source, "context == '%s' && context != 'w%s' && !(context != '%s')", word, word, word);
    assert_string_equal(expr_result(&out, source.data, source.len, &(fsm_scope){.context = &context}),
                        "true");
  }
  fsm_buf_free(&source);
  fsm_buf_free(&out);
  fsm_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_name_is_found_in_maps_of_every_size),
      cmocka_unit_test(names_that_differ_in_one_byte_differ),
      cmocka_unit_test(keys_of_other_types_are_no_names),
      cmocka_unit_test(words_are_compared_at_every_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
