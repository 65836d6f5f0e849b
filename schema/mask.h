/* mask.h: what a machine marks as personal (x-pii in its schemas) is masked wherever a record or an instance
 * is shown, exported or logged. The journal keeps it: it is what the proof is about.
 *
 * The rule is by name: a field name that any schema of the machine (context, input, events, of any depth)
 * marks
 * `"x-pii": true` is masked in every map of this machine's data, wherever it stands: context, event data,
 * output, labels, inputs of tasks, data of timers and messages, values that guards have seen ("context.iban"
 * is masked as iban is). Too much rather than too little. The value becomes the string FSM_MASKED, whatever
 * its type.
 */
#ifndef FSM_SCHEMA_MASK_H
#define FSM_SCHEMA_MASK_H

#include "fsm/fsm.h"
#include "schema/record.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FSM_MASKED "[masked]"

/* Immutable; lives in the arena it was made in. */
typedef struct fsm_mask fsm_mask;

/* *out NULL: the definition (the canonical JSON that is stored) marks nothing. */
FSM_API FSM_MUST_USE fsm_code fsm_mask_of(fsm_arena *arena, const char *definition, size_t len,
                                          const fsm_mask **out, fsm_error *err);
/* Is the field of this name masked? The last part of a dotted name counts, too. mask NULL: never. */
FSM_API bool fsm_mask_hides(const fsm_mask *mask, const char *name, size_t len);
/* The value with what is hidden replaced, at any depth; the same value when nothing was. */
FSM_API FSM_MUST_USE fsm_code fsm_mask_value(fsm_arena *arena, const fsm_mask *mask, const fsm_value *value,
                                             fsm_value *out, fsm_error *err);
/* The record with all of its data masked, shallow; *any tells whether something was. */
FSM_API FSM_MUST_USE fsm_code fsm_mask_record(fsm_arena *arena, const fsm_mask *mask,
                                              const fsm_record *record, fsm_record *out, bool *any,
                                              fsm_error *err);

#ifdef __cplusplus
}
#endif
#endif
