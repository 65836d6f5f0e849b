/* expr.c: the public face of expressions: compile, evaluate, show.
 *
 * A compiled expression is one tree in the arena it was compiled into and is never written to again, so
 * any number of threads may evaluate it, each with its own scope and arena.
 */
#include "fsm/expr.h"

#include "fsm/expr_impl.h"

/* A NUL would end the text early wherever it is shown or kept. */
static fsm_code check_text(const fsm__source *source) {
  for (size_t at = 0; at < source->len;) {
    if (!source->text[at])
      return fsm__expr_fail(source, FSM_EEXPRESSION, at, "found the control character 0x00");
    size_t width = fsm__utf8_sequence(source->text + at, source->len - at);
    if (!width) return fsm__expr_fail(source, FSM_EEXPRESSION, at, "the text is not valid UTF-8");
    at += width;
  }
  return FSM_OK;
}

/* In SCXML a clash is an error of the moment that raises an event, as long as no shapes are given. */
static bool is_checked(const fsm_expr_options *options) {
  if (!options || options->unchecked) return false;
  return !options->scxml || options->context || options->event;
}

fsm_code fsm_expr_compile(fsm_arena *arena, const char *text, size_t len, const fsm_expr **out,
                          fsm_error *err) {
  return fsm_expr_compile_with(arena, text, len, NULL, out, err);
}

fsm_code fsm_expr_compile_with(fsm_arena *arena, const char *text, size_t len,
                               const fsm_expr_options *options, const fsm_expr **out, fsm_error *err) {
  FSM_ASSERT(arena && out && (text || !len));
  if (len > FSM_EXPR_TEXT_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "1:1", "the expression is longer than %d bytes", FSM_EXPR_TEXT_MAX);
  fsm_expr *expr = fsm_arena_zalloc(arena, 1, sizeof *expr);
  char *copy = fsm_arena_strndup(arena, text, len);
  if (!expr || !copy) return fsm_fail(err, FSM_ENOMEM, "1:1", "no memory for the expression");
  expr->text = copy;
  expr->scxml = options && options->scxml;
  fsm__source source = {.text = copy, .len = (uint16_t)len, .arena = arena, .err = err, .options = options};
  fsm_code code = check_text(&source);
  if (!code) code = fsm__parse(&source, expr);
  if (!code && is_checked(options)) code = fsm__check(&source, expr);
  if (code) return code;
  fsm__fold_constants(arena, expr->root);
  *out = expr;
  return FSM_OK;
}

fsm_code fsm_expr_eval(const fsm_expr *expr, const fsm_scope *scope, fsm_arena *arena, fsm_value *out,
                       fsm_error *err) {
  FSM_ASSERT(expr && scope && arena && out);
  FSM_UNSET fsm__run run;
  run.scope = scope;
  run.arena = arena;
  const bool less = scope->work_max > 0 && scope->work_max < FSM_EXPR_WORK_MAX;
  const uint64_t begun = less ? FSM_EXPR_WORK_MAX - scope->work_max : 0;
  run.work = begun;
  run.frame = NULL;
  fsm_value slot;
  const fsm_value *value = fsm__eval(&run, expr->root, &slot);
  if (scope->work) *scope->work += run.work - begun;
  if (value && expr->beyond)
    value = fsm__expose(&run, value, &slot) ? &slot : fsm__fault_of(&run, expr->root);
  if (!value) return fsm__fault_report(&run, expr, err);
  *out = *value;
  return FSM_OK;
}

const char *fsm_expr_text(const fsm_expr *expr) {
  FSM_ASSERT(expr);
  return expr->text;
}

bool fsm_expr_names_actor(const fsm_expr *expr) {
  FSM_ASSERT(expr);
  return expr->actor;
}
