/* closest.h: what was probably meant by a name that there is not. Asked with every name that there is. */
#ifndef FSM_SCHEMA_CLOSEST_H
#define FSM_SCHEMA_CLOSEST_H

#include <stddef.h>

/* The candidate nearest to a misspelt name. */
typedef struct fsm__closest {
  const char *name, *best; /* best NULL = none is near */
  unsigned distance;
} fsm__closest;
void fsm__closest_try(fsm__closest *closest, const char *candidate);
/* "; did you mean \"x\"?" or "", in text. */
const char *fsm__closest_text(const fsm__closest *closest, char *text, size_t size);

#endif
