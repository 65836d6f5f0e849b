/* zone.h: the system's time zones, as a source of zones for expressions (fsm/expr.h).
 *
 * Every name is looked up as <directory>/<name> and read anew; what an expression takes from it stays with
 * the expression.
 */
#ifndef FSM_SCHEMA_ZONE_H
#define FSM_SCHEMA_ZONE_H

#include "fsm/expr.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_ZONE_FILE_MAX = 64 * 1024, /* bytes of a zone's file; a larger one is no zone */
  FSM_ZONE_NAME_MAX = 64         /* bytes of a name */
};

typedef struct fsm_zones {
  const char *directory; /* NULL = /usr/share/zoneinfo */
  void *data;            /* of the last zone that was read */
} fsm_zones;

/* A fsm_zone_source; arg is a fsm_zones. The bytes live until the next call or fsm_zones_free. False for a
 * name that is no relative path of letters, digits, '_', '+' and '-' between single slashes, for
 * "localtime" and "posixrules", and for what is not a regular file of 1 to FSM_ZONE_FILE_MAX bytes. Not thread-safe on one fsm_zones. */
FSM_API bool fsm_zones_read(void *arg, const char *name, const void **data, size_t *len);
FSM_API void fsm_zones_free(fsm_zones *zones);

#ifdef __cplusplus
}
#endif
#endif
