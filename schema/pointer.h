/* pointer.h: a JSON pointer (RFC 6901) that grows and shrinks as a document is walked. What does not
 * fit is left out at the end; the walk goes on. */
#ifndef FSM_SCHEMA_POINTER_H
#define FSM_SCHEMA_POINTER_H

#include <stddef.h>

#include "fsm/code.h"

typedef struct fsm__pointer {
  char text[FSM_WHERE_MAX]; /* NUL-terminated; "" is the whole document */
  size_t len;
} fsm__pointer;

/* Starts at the pointer `from`. */
void fsm__pointer_set(fsm__pointer *pointer, const char *from);
/* One step down; returns what fsm__pointer_back needs to undo it. */
size_t fsm__pointer_key(fsm__pointer *pointer, const char *key, size_t len);
size_t fsm__pointer_index(fsm__pointer *pointer, size_t index);
void fsm__pointer_back(fsm__pointer *pointer, size_t mark);

#endif
