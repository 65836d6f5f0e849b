/* mask.h: what a machine marks as personal (x-pii in its schemas) is masked wherever a record or an instance
 * is shown, exported or logged. The journal keeps it: it is what the proof is about.
 *
 * The rule is by name: a field name that any schema of the machine (context, input, actor, events, of any
 * depth) marks `"x-pii": true` is masked in every map of this machine's data, wherever it stands: context,
 * event data, output, labels, inputs of tasks, data of timers and messages, values that guards have seen
 * ("context.iban" is masked as iban is, and so is "context.iban.country"), the actor. Too much rather than
 * too little. The value becomes the string FSM_MASKED, whatever its type; of a context change both values do.
 *
 * A mark on items or additionalProperties counts for the name above them, one on a whole schema for the data
 * that it is about. Texts of faults are shown up to the values in them, and what was logged without a name is
 * masked, of a machine that marks anything. What a rule by names cannot see is shown: a value that a machine
 * copies into a field of another name, or that a service or a person writes into a text; ids, business keys
 * and correlations.
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
/* Hides every name: for a record whose machine cannot be asked. */
FSM_API const fsm_mask *fsm_mask_everything(void);
/* Is the field of this name masked? Each part of a path counts, too. mask NULL: never. */
FSM_API bool fsm_mask_hides(const fsm_mask *mask, const char *name, size_t len);
/* The value with what is hidden replaced, at any depth; the same value when nothing was. */
FSM_API FSM_MUST_USE fsm_code fsm_mask_value(fsm_arena *arena, const fsm_mask *mask, const fsm_value *value,
                                             fsm_value *out, fsm_error *err);
/* A record's detail, an incident, or the detail of an answer. */
FSM_API FSM_MUST_USE fsm_code fsm_mask_detail(fsm_arena *arena, const fsm_mask *mask, const fsm_value *detail,
                                              fsm_value *out, fsm_error *err);
/* The text of a fault; NULL without memory. */
FSM_API const char *fsm_mask_text(fsm_arena *arena, const fsm_mask *mask, const char *text);
/* The record with all of its data masked, shallow; *any tells whether something was. */
FSM_API FSM_MUST_USE fsm_code fsm_mask_record(fsm_arena *arena, const fsm_mask *mask,
                                              const fsm_record *record, fsm_record *out, bool *any,
                                              fsm_error *err);

#ifdef __cplusplus
}
#endif
#endif
