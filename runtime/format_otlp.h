/* format_otlp.h: what log records and spans of OTLP share: the attributes of a record, values, identities, in
 * the JSON mapping of protobuf (64-bit numbers are strings, trace and span ids are hex). */
#ifndef FSM_RUNTIME_FORMAT_OTLP_H
#define FSM_RUNTIME_FORMAT_OTLP_H

#include "runtime/format.h"

/* Appends a list of KeyValue, brackets included: the table's rows that the record has, then the lifted
 * fields. record: decoded and masked (fsm__otlp_record); formatter: NULL = nothing is lifted. */
FSM_MUST_USE fsm_code fsm__otlp_attributes(const fsm__formatter *formatter, const fsm__exported *exported,
                                           const fsm_record *record, fsm_arena *scratch, fsm_buf *out,
                                           fsm_error *err);
/* Appends one KeyValue, with a comma before it unless it is the first of a list. */
void fsm__otlp_pair(fsm_buf *out, const char *name, const fsm_value *value);
/* Appends an AnyValue: {"stringValue":"…"}, … */
void fsm__otlp_value(fsm_buf *out, const fsm_value *value);
/* Appends the attributes of the resource, brackets included: service.name, service.instance.id (store and
 * partition), service.version and host-free identity of `node`, when not NULL. */
void fsm__otlp_resource(fsm_buf *out, const fsm_origin *origin, const char *node);

/* The record decoded, with what is to be masked masked. */
FSM_MUST_USE fsm_code fsm__otlp_record(const fsm__exported *exported, fsm_arena *scratch, fsm_record *out,
                                       fsm_error *err);
/* The record's line for people, as a JSON string. */
void fsm__otlp_body(fsm_buf *out, const fsm_record *record);
/* Trace id (32 hex digits), span id (16) of the caller, and flags; false: the record has none that is valid
 * (W3C: not all zeros). */
bool fsm__otlp_trace(const fsm_record *record, char trace[33], char span[17], unsigned *flags);

#endif
