/* scxml_definition.h: SCXML where a definition is expected. */
#ifndef FSM_SCHEMA_SCXML_DEFINITION_H
#define FSM_SCHEMA_SCXML_DEFINITION_H

#include "schema/scxml.h"

/* Does the text begin as XML does: with <, after white space and a byte order mark? JSON never does. */
bool fsm__is_scxml(const char *text, size_t len);

#endif
