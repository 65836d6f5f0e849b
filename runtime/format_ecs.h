/* format_ecs.h: the fields that the ecs format can write, as its table has them: the index template in
 * schema/elasticsearch maps each, and a test holds the two against each other. */
#ifndef FSM_RUNTIME_FORMAT_ECS_H
#define FSM_RUNTIME_FORMAT_ECS_H

#include <stddef.h>

typedef struct fsm__ecs_field {
  const char *name; /* "event.id"; "fsm.data.*": any name below it */
  const char *type; /* of Elasticsearch: keyword, text, long, double, boolean, date */
} fsm__ecs_field;

/* The field at an index, in the order that they are written in; false past the end. */
int fsm__ecs_field_at(size_t index, fsm__ecs_field *out);

#endif
