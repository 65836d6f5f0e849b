/* shape.h: what a JSON Schema tells the expression checker: an fsm_shape (fsm/expr.h).
 *
 * Only what is certain becomes a shape: a schema without a "type" (and without an enum or const that
 * implies one) is anything, and so is one that allows several types other than null. */
#ifndef FSM_SCHEMA_SHAPE_H
#define FSM_SCHEMA_SHAPE_H

#include "fsm/fsm.h"

/* schema is one that fsm_payload_schema_check took. *out is NULL for anything. FSM_ENOMEM is the only fault.
 */
fsm_code fsm__shape_of_schema(fsm_arena *arena, const fsm_value *schema, const fsm_shape **out);

#endif
