/* ecs_types.h: the types that the schemas of a machine give its fields, as an index of logs knows them: one
 * type per field name across all machines, whatever context or event it stands in.
 *
 * A schema's `type` of string is keyword (date with `format: date-time`), of integer and number double, of
 * boolean boolean. What has no type, several, or is an object or a list is shown as text and clashes with
 * nothing. A name that one machine uses with two types is a clash, too.
 */
#ifndef FSM_RUNTIME_ECS_TYPES_H
#define FSM_RUNTIME_ECS_TYPES_H

#include "fsm/fsm.h"

typedef struct fsm__ecs_types fsm__ecs_types;

/* Of a definition as it was deployed, in JSON or SCXML (which has no schemas); lives in arena, texts too.
 * FSM_EDEFINITION: the machine clashes with itself. */
FSM_MUST_USE fsm_code fsm__ecs_types_of(fsm_arena *arena, const char *machine, const char *source, size_t len,
                                        const fsm__ecs_types **out, fsm_error *err);
bool fsm__ecs_types_none(const fsm__ecs_types *types);
/* FSM_EDEFINITION names the field and both machines. */
FSM_MUST_USE fsm_code fsm__ecs_types_agree(const fsm__ecs_types *now, const fsm__ecs_types *deployed,
                                           fsm_error *err);

#endif
