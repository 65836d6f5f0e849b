/* expr_shapes.h: a context whose shape is known, for the tests of the checker. */
#ifndef FSM_TESTS_EXPR_SHAPES_H
#define FSM_TESTS_EXPR_SHAPES_H

#include "tests/expr_case.h"

static const fsm_shape shape_int = {.kind = FSM_SHAPE_INT};
static const fsm_shape shape_number = {.kind = FSM_SHAPE_NUMBER};
static const fsm_shape shape_string = {.kind = FSM_SHAPE_STRING};
static const fsm_shape shape_maybe = {.kind = FSM_SHAPE_STRING, .nullable = true};
static const fsm_shape shape_maybe_int = {.kind = FSM_SHAPE_INT, .nullable = true};
static const fsm_shape shape_bool = {.kind = FSM_SHAPE_BOOL};
static const fsm_shape shape_time = {.kind = FSM_SHAPE_TIMESTAMP};
static const fsm_shape shape_any = {.kind = FSM_SHAPE_ANY};
static const fsm_shape shape_texts = {.kind = FSM_SHAPE_LIST, .item = &shape_string};
static const fsm_shape shape_counts = {.kind = FSM_SHAPE_MAP, .item = &shape_int};
static const char *const shape_item_names[] = {"sku", "count"};
static const fsm_shape *const shape_item_members[] = {&shape_string, &shape_int};
static const fsm_shape shape_item = {
    .kind = FSM_SHAPE_OBJECT, .count = 2, .names = shape_item_names, .members = shape_item_members};
static const fsm_shape shape_items = {.kind = FSM_SHAPE_LIST, .item = &shape_item};
static const fsm_shape shape_open = {.kind = FSM_SHAPE_OBJECT,
                                     .open = true,
                                     .count = 2,
                                     .names = shape_item_names,
                                     .members = shape_item_members};
static const char *const shape_names[] = {"amount", "ratio",  "title", "note", "rest",  "ok",  "due",
                                          "free",   "labels", "count", "item", "items", "open"};
static const fsm_shape *const shape_members[] = {
    &shape_int, &shape_number, &shape_string, &shape_maybe, &shape_maybe_int, &shape_bool, &shape_time,
    &shape_any, &shape_texts,  &shape_counts, &shape_item,  &shape_items,     &shape_open};
static const fsm_shape shape_context = {
    .kind = FSM_SHAPE_OBJECT, .count = 13, .names = shape_names, .members = shape_members};
static const char *const shape_event_names[] = {"name", "data"};
static const fsm_shape *const shape_event_members[] = {&shape_string, &shape_item};
static const fsm_shape shape_event = {
    .kind = FSM_SHAPE_OBJECT, .count = 2, .names = shape_event_names, .members = shape_event_members};

static const fsm_expr_options shape_options = {.context = &shape_context, .event = &shape_event};

/* "ok", or the fault of compiling. */
static inline void check_shapes(const expr_case *cases, size_t count, const fsm_expr_options *options) {
  for (size_t i = 0; i < count; i++) {
    fsm_arena arena;
    fsm_arena_init(&arena, 0);
    fsm_error err = {0};
    const fsm_expr *expr;
    const char *source = cases[i].source;
    fsm_code code = fsm_expr_compile_with(&arena, source, strlen(source), options, &expr, &err);
    assert_true(code == FSM_OK || code == FSM_EEXPRESSION);
    const char *got = code ? fsm_arena_printf(&arena, "%s %s", err.where, err.text) : "ok";
    if (strcmp(got, cases[i].result) != 0)
      print_error("%s\n  expected: %s\n  got:      %s\n", source, cases[i].result, got);
    assert_string_equal(got, cases[i].result);
    fsm_arena_free(&arena);
  }
}

#define CHECK_SHAPES(cases) check_shapes(cases, sizeof(cases) / sizeof *(cases), &shape_options)

#endif
