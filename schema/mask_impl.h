/* mask_impl.h: between mask.c and mask_record.c. The functions are false without memory. */
#ifndef FSM_SCHEMA_MASK_IMPL_H
#define FSM_SCHEMA_MASK_IMPL_H

#include "schema/mask.h"

typedef struct fsm__masking {
  fsm_arena *arena;
  const fsm_mask *mask; /* not NULL */
} fsm__masking;

/* Data that a machine knows by this name: hidden whole when the name is, else what it holds. Null stays. */
bool fsm__mask_data(const fsm__masking *m, const char *called, const fsm_value *value, fsm_value *out);
/* The very same view, not only equal content. */
bool fsm__mask_same(const fsm_value *a, const fsm_value *b);
void *fsm__mask_copy(fsm_arena *arena, const void *from, size_t size);

#endif
