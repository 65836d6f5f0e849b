/* expr_case.h: expressions as transcripts: a source and what comes out, as text.
 *
 * A value reads as CEL would write it (3, 3u, 3.0, "a", b"61", [1], {"a": 1}); a failure reads
 * "! <line:column> <sentence>", one of compiling "!! <code> <line:column> <sentence>".
 */
#ifndef FSM_TESTS_EXPR_CASE_H
#define FSM_TESTS_EXPR_CASE_H

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fsm/buf.h"
#include "fsm/expr.h"
#include "fsm/expr_impl.h"

typedef struct expr_case {
  const char *source, *result;
} expr_case;

static inline void expr_show(fsm_buf *buf, const fsm_value *value) {
  char number[FSM__DOUBLE_TEXT];
  switch ((fsm_type)value->type) {
    case FSM_NULL: fsm_buf_str(buf, "null"); break;
    case FSM_BOOL: fsm_buf_str(buf, value->b ? "true" : "false"); break;
    case FSM_INT: fsm_buf_printf(buf, "%lld", (long long)value->i); break;
    case FSM_UINT: fsm_buf_printf(buf, "%lluu", (unsigned long long)value->u); break;
    case FSM_DOUBLE:
      fsm__double_text(value->d, number);
      fsm_buf_str(buf, number);
      if (!strpbrk(number, ".en")) fsm_buf_str(buf, ".0");
      break;
    case FSM_STRING:
      fsm_buf_char(buf, '"');
      fsm_buf_add(buf, value->s, value->len);
      fsm_buf_char(buf, '"');
      break;
    case FSM_BYTES:
      fsm_buf_str(buf, "b\"");
      for (uint32_t i = 0; i < value->len; i++) fsm_buf_printf(buf, "%02x", (unsigned char)value->s[i]);
      fsm_buf_char(buf, '"');
      break;
    case FSM_LIST:
      for (uint32_t i = 0; i < value->len; i++) {
        fsm_buf_str(buf, i ? ", " : "[");
        expr_show(buf, &value->items[i]);
      }
      fsm_buf_str(buf, value->len ? "]" : "[]");
      break;
    case FSM_MAP:
      for (uint32_t i = 0; i < value->len; i++) {
        fsm_buf_str(buf, i ? ", " : "{");
        expr_show(buf, &value->pairs[i].key);
        fsm_buf_str(buf, ": ");
        expr_show(buf, &value->pairs[i].value);
      }
      fsm_buf_str(buf, value->len ? "}" : "{}");
      break;
    default:
      fsm_buf_printf(buf, "%s(%lld.%09d)", fsm_type_name((fsm_type)value->type), (long long)value->i,
                     (int)value->len);
  }
}

/* Evaluates a source against a scope; the text is in buf until it is reset. */
static inline const char *expr_result_with(fsm_buf *buf, const char *source, size_t len,
                                           const fsm_expr_options *options, const fsm_scope *scope) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_error err = {0};
  const fsm_expr *expr = NULL;
  fsm_value value;
  fsm_code code = fsm_expr_compile_with(&arena, source, len, options, &expr, &err);
  fsm_buf_reset(buf);
  if (code) {
    assert_int_equal(err.code, code);
    fsm_buf_printf(buf, "!! %s %s %s", fsm_code_name(code), err.where, err.text);
  } else if ((code = fsm_expr_eval(expr, scope, &arena, &value, &err))) {
    assert_int_equal(err.code, code);
    fsm_buf_printf(buf, "! %s %s", err.where, err.text);
  } else {
    assert_int_equal(err.code, FSM_OK);
    expr_show(buf, &value);
  }
  fsm_arena_free(&arena);
  return fsm_buf_text(buf);
}

static inline const char *expr_result(fsm_buf *buf, const char *source, size_t len, const fsm_scope *scope) {
  return expr_result_with(buf, source, len, NULL, scope);
}

static inline void expr_check_with(const expr_case *cases, size_t count, const fsm_expr_options *options,
                                   const fsm_scope *scope) {
  fsm_buf buf = {0};
  for (size_t i = 0; i < count; i++) {
    const char *got = expr_result_with(&buf, cases[i].source, strlen(cases[i].source), options, scope);
    if (strcmp(got, cases[i].result) != 0)
      print_error("%s\n  expected: %s\n  got:      %s\n", cases[i].source, cases[i].result, got);
    assert_string_equal(got, cases[i].result);
  }
  fsm_buf_free(&buf);
}

static inline void expr_check(const expr_case *cases, size_t count, const fsm_scope *scope) {
  expr_check_with(cases, count, NULL, scope);
}

/* The value of a source without variables, for making scopes. */
static inline fsm_value expr_value(fsm_arena *arena, const char *source) {
  const fsm_expr *expr = NULL;
  fsm_value value;
  assert_int_equal(fsm_expr_compile(arena, source, strlen(source), &expr, NULL), FSM_OK);
  assert_int_equal(fsm_expr_eval(expr, &(fsm_scope){0}, arena, &value, NULL), FSM_OK);
  return value;
}

#define EXPR_CHECK(cases, scope) expr_check(cases, sizeof(cases) / sizeof *(cases), scope)

#endif
