/* format.h: a record as others read it. One file and one projection table per format: which field of the
 * record goes where, under which name, in which spelling (DESIGN 7, "Exports").
 *
 *   json         the record's JSON form (record_view.h) and its leaf; one line
 *   seed         {level, time, context{correlationId, userId, sessionId}, fsm{…}, msg}
 *   ecs          Elastic Common Schema 8: nested at most 2 deep, what is deeper is text, long strings cut
 *   cloudevents  CloudEvents 1.0, structured mode; binary mode is its attributes as headers and json as data
 *   otlp         one OTLP LogRecord in the JSON mapping of protobuf (spans: sink_otlp.c)
 *   msgpack      the stored bytes: what the leaf is the hash of
 *   csv          one line, RFC 4180; formulas and control characters made harmless (schema/safe_text.h)
 *
 * What x-pii marks is masked in all of them (schema/mask.h); stored bytes cannot be, so msgpack of a record
 * that has something to mask is FSM_EDATA.
 *
 * A formatter is immutable and may be used by several threads.
 */
#ifndef FSM_RUNTIME_FORMAT_H
#define FSM_RUNTIME_FORMAT_H

#include "runtime/hash.h"
#include "schema/mask.h"
#include "schema/record.h"

enum {
  FSM_LIFT_MAX = 32,       /* fields lifted by one formatter */
  FSM_LIFT_PATH_MAX = 256, /* bytes of "context.customer.name" */
  FSM_ECS_DEPTH_MAX = 2,   /* DESIGN 7 */
  FSM_ECS_TEXT_MAX = 4096, /* bytes; longer ones end in "…[cut, N bytes, sha256 <hex>]", mark included */
  FSM_ATTRIBUTES_MAX = 16
};

/* A record on its way out. */
typedef struct fsm__exported {
  fsm_origin origin; /* its epoch is the record's own */
  const void *data;  /* the stored bytes */
  size_t len;
  uint64_t seq;
  uint64_t after; /* seq of the record that this reader was given before: seq - 1 unless some were left out;
                     0 = this is the first */
  bool bare;      /* without leaf and after: as reads show it */
  bool repair;    /* given again, behind newer ones, because the other side had lost it */
  fsm__hash leaf;
  const fsm_record
      *record;          /* decoded, when somebody needed it already; NULL = the format decodes if it must */
  const fsm_mask *mask; /* of its machine; NULL = nothing to mask */
} fsm__exported;

typedef struct fsm__formatter fsm__formatter;

typedef struct fsm__format_options {
  const char *format;      /* a name from above */
  const char *const *lift; /* paths raised to the top: "labels.department", "data.amount", "context.amount"
                              (its new value, where this record changes it), "act.iss" …; the last part is the
                              new name, or what stands behind "=": "context.amount=amount_eur" */
  size_t lift_count;
  const char *const *columns; /* csv: paths; NULL = those of the table */
  size_t column_count;
} fsm__format_options;

/* FSM_EARGUMENT names the option: "format", "lift[2]". */
FSM_MUST_USE fsm_code fsm__formatter_new(const fsm__format_options *options, fsm__formatter **out,
                                         fsm_error *err);
void fsm__formatter_free(fsm__formatter *formatter); /* NULL is fine */

const char *fsm__formatter_name(const fsm__formatter *formatter);
const char *fsm__formatter_type(const fsm__formatter *formatter); /* Content-Type of one */
/* Is it text of one line? Then append writes no newline: whoever puts lines together does. */
bool fsm__formatter_is_line(const fsm__formatter *formatter);
/* The first line of csv; NULL otherwise. */
const char *fsm__formatter_head(const fsm__formatter *formatter);

/* Appends the record. scratch is reset by whoever owns it. After a fault *out is as before. FSM_ECORRUPT: the
 * bytes are no record. */
FSM_MUST_USE fsm_code fsm__format(const fsm__formatter *formatter, const fsm__exported *record,
                                  fsm_arena *scratch, fsm_buf *out, fsm_error *err);

/* The names of all formats, in the order of the table; NULL ends them. */
const char *const *fsm__format_names(void);

/* CloudEvents 1.0 attributes of a record, values in scratch: id, source, type, time, subject, … for
 * "ce-<name>" headers. */
typedef struct fsm__attribute {
  const char *name, *value;
} fsm__attribute;
FSM_MUST_USE fsm_code fsm__cloudevents_attributes(const fsm__exported *record, fsm_arena *scratch,
                                                  fsm__attribute out[FSM_ATTRIBUTES_MAX], size_t *count,
                                                  fsm_error *err);

#endif
