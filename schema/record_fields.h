/* record_fields.h: the fields of a record as a table: stored key, name, form, when it is there. One row
 * drives encoding, decoding and the JSON view. The order of FSM_RECORD_KINDS, of fsm_outcome and of
 * fsm_cause is stored as numbers: append, never reorder.
 */
#ifndef FSM_SCHEMA_RECORD_FIELDS_H
#define FSM_SCHEMA_RECORD_FIELDS_H

#include "schema/record.h"

enum {
#define X(key, member, name) FSM__KEY_##member = key,
  FSM_RECORD_FIELDS(X)
#undef X
      FSM__FIELD_COUNT
};
_Static_assert(FSM__FIELD_COUNT <= 64, "the fields that are there are a 64-bit set");

typedef enum fsm__form {
  FSM__U8,
  FSM__U16,
  FSM__U32,
  FSM__U64,
  FSM__I64,
  FSM__FLAG,
  FSM__KIND,
  FSM__OUTCOME,
  FSM__CAUSE,
  FSM__TEXT,
  FSM__HASH,  /* 32 bytes */
  FSM__TOKEN, /* 16 bytes */
  FSM__ANY,
  FSM__MAP,
  FSM__LIST,
  FSM__TEXTS, /* list of strings */
  FSM__INTS   /* list of integers */
} fsm__form;

typedef enum fsm__presence {
  FSM__ALWAYS,
  FSM__SET,       /* not 0, NULL or FSM_NULL */
  FSM__NOT_MINUS, /* not -1 */
  FSM__OF_INST    /* in every record of an instance */
} fsm__presence;

typedef struct fsm__field {
  size_t offset; /* in fsm_record */
  fsm__form form;
  fsm__presence presence;
} fsm__field;

extern const char *const fsm__field_names[FSM__FIELD_COUNT];
extern const fsm__field fsm__fields[FSM__FIELD_COUNT];

/* Is the field there, by its value in the record? */
bool fsm__field_present(const fsm_record *record, unsigned key);
/* The bits of the fields that a record of this kind must have. */
uint64_t fsm__record_required(fsm_record_kind kind);

/* The JSON form with its times as timestamps: what an expression reads. */
FSM_MUST_USE fsm_code fsm__record_typed(fsm_arena *arena, const fsm_record *record, const fsm_origin *origin,
                                        fsm_value *out, fsm_error *err);

static inline const void *fsm__field_at(const fsm_record *record, unsigned key) {
  return (const char *)record + fsm__fields[key].offset;
}

#endif
