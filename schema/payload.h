/* payload.h: the part of JSON Schema (draft 2020-12) that payload checks use: type, properties,
 * required, additionalProperties (boolean or schema), items, enum, const, minimum, maximum,
 * exclusiveMinimum, exclusiveMaximum, minLength, maxLength, minItems, maxItems; title, description, default,
 * examples, $schema, $id, format and x-* are kept as notes. Any other keyword is refused at load by name. */
#ifndef FSM_SCHEMA_PAYLOAD_H
#define FSM_SCHEMA_PAYLOAD_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Is schema (a document with kept order or data) one that fsm_payload_check understands? where is the
 * JSON pointer of the schema itself, to be prefixed. FSM_EDEFINITION, FSM_EUNSUPPORTED. */
FSM_API FSM_MUST_USE fsm_code fsm_payload_schema_check(const fsm_value *schema, const char *where,
                                                       fsm_error *err);
/* FSM_EDATA: err->where is the JSON pointer into value ("" = the whole), text says what was expected. */
FSM_API FSM_MUST_USE fsm_code fsm_payload_check(const fsm_value *schema, const fsm_value *value,
                                                fsm_error *err);

#ifdef __cplusplus
}
#endif
#endif
