/* expr_remedy_impl.h: between the two files of expr_remedy.h: the search, and the values that it tries. */
#ifndef FSM_EXPR_REMEDY_IMPL_H
#define FSM_EXPR_REMEDY_IMPL_H

#include "fsm/expr_foresee.h"
#include "fsm/expr_remedy.h"

enum { FSM__REMEDY_FIELDS_MAX = 8, FSM__REMEDY_HELD_MAX = 64, FSM__REMEDY_VALUES_MAX = 64 };

/* What has to be so, whatever is set next. */
typedef struct fsm__held {
  const fsm__node *node;
  bool wanted;
} fsm__held;

typedef struct fsm__remedy {
  fsm__foresight f;
  fsm_scope scope; /* with the context below */
  const fsm_expr *expr;
  const fsm_unknown *unknown;
  const fsm_remedy_rules *rules;
  fsm_arena *arena;
  fsm_value context;                         /* with what was set so far */
  fsm_value changed[FSM__REMEDY_FIELDS_MAX]; /* names of its fields */
  unsigned changed_count;
  fsm__held held[FSM__REMEDY_HELD_MAX];
  unsigned held_count, tries;
  uint64_t work;
  bool no_memory;
} fsm__remedy;

typedef struct fsm__remedy_values {
  fsm_value at[FSM__REMEDY_VALUES_MAX];
  unsigned count;
} fsm__remedy_values;

/* A member of the context that can be set: `context.a.b`, `context.list[0]`; not what is hidden. */
bool fsm__remedy_is_field(const fsm__remedy *r, const fsm__node *node);
/* The field that a part of a condition is about, by its place; NULL behind the last. */
const fsm__node *fsm__remedy_field(const fsm__remedy *r, const fsm__node *part, unsigned place);
/* What it might be set to so that the part, or another about the same field, is decided. */
void fsm__remedy_values_of(fsm__remedy *r, const fsm__node *part, const fsm__node *field,
                           fsm__remedy_values *out);
static inline const fsm_value *fsm__remedy_key(const fsm__node *step) {
  return step->kind == FSM__FIELD ? &step->value : &step->kids->value;
}

#endif
