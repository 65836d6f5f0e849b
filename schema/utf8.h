/* utf8.h: UTF-8 as RFC 3629 has it: shortest forms only, no surrogates, nothing above U+10FFFF. */
#ifndef FSM_SCHEMA_UTF8_H
#define FSM_SCHEMA_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the sequence at text (1..4); 0 when it is not valid or is cut off by len. */
size_t fsm__utf8_next(const char *text, size_t len);
bool fsm__utf8_valid(const char *text, size_t len);
/* In place: what is not valid becomes `?`; a last sequence that was cut off goes. */
void fsm__utf8_mend(char *text);
/* Code points of valid text. */
size_t fsm__utf8_count(const char *text, size_t len);

#endif
