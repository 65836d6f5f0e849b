/* text.h: parts of documents as people read them. Every text returned is escaped for a terminal and
 * lives in the arena; "" stands for absent, null and out of memory alike. */
#ifndef FSM_CLI_TEXT_H
#define FSM_CLI_TEXT_H

#include "fsm/value.h"

/* A string as it is; lists joined by ", "; maps as JSON. */
const char *cli_text(fsm_arena *arena, const fsm_value *value);
/* The same of document.name. */
const char *cli_field(fsm_arena *arena, const fsm_value *document, const char *name);
/* An RFC 3339 time without the fraction of its second. */
const char *cli_time(fsm_arena *arena, const fsm_value *value);
/* "12m5s". */
const char *cli_age(fsm_arena *arena, int64_t ns);
/* "16.0 GiB"; below 1 KiB "512 B". */
const char *cli_bytes(fsm_arena *arena, int64_t bytes);
/* A member whose name may end in _bytes, _ns or _ms: its value in the unit that fits (times lose their
 * fraction; yes, no), its name without that end. */
const char *cli_member(fsm_arena *arena, const char *name, const fsm_value *value);
const char *cli_member_name(fsm_arena *arena, const char *name);
/* Escaped. */
const char *cli_safe(fsm_arena *arena, const char *text);

/* A number, also one that JSON carries as a string because it is above 2^53. */
bool cli_number(const fsm_value *value, int64_t *out);
/* An RFC 3339 time in UTC, as nanoseconds since 1970. */
bool cli_time_ns(const fsm_value *value, int64_t *out);
/* Nanoseconds from one time to another, at least 0; false when one of them is no time. */
bool cli_since(const fsm_value *from, const fsm_value *to, int64_t *out);

#endif
