/* record_parse.h: the JSON form of a record back to its stored bytes, so that whoever has only the JSON can
 * make the leaf again and hold it against the one that was told.
 *
 * The JSON form does not say everything: bytes are shown as hex, times and durations as text, numbers above
 * 2^53 as texts, keys that are no text as text, and what is masked is gone. Here a text is taken for a text;
 * where it may have been something else *doubt says so. So bytes whose leaf is the told one prove the record;
 * bytes with another leaf prove that it was altered only if there is no doubt.
 */
#ifndef FSM_SCHEMA_RECORD_PARSE_H
#define FSM_SCHEMA_RECORD_PARSE_H

#include "schema/record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Appends the bytes; members that a record does not have are left alone. *doubt NULL: the JSON form says it
 * all. FSM_EDATA: it is no record, err->where names the field; *bytes is as it was. */
FSM_API FSM_MUST_USE fsm_code fsm_record_parse(fsm_arena *arena, const fsm_value *view, fsm_buf *bytes,
                                               const char **doubt, fsm_error *err);

#ifdef __cplusplus
}
#endif
#endif
