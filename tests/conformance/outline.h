/* outline.h: the structure of a definition whose program is not here. */
#ifndef CONFORMANCE_OUTLINE_H
#define CONFORMANCE_OUTLINE_H

#include "fsm/fsm.h"

/* A JSON definition that can be simulated without the functions of its program, made from a document read in
 * the order it was written in. In arena; NULL = no memory. */
const char *outline_of(const fsm_value *document, fsm_arena *arena, size_t *len);

#endif
