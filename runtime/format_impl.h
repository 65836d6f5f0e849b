/* format_impl.h: what the formats share: the row of a format, the options as they were read, the record as
 * a format may show it. */
#ifndef FSM_RUNTIME_FORMAT_IMPL_H
#define FSM_RUNTIME_FORMAT_IMPL_H

#include "runtime/format.h"

/* A field of the record under another name: a lifted one, or a column of csv. */
typedef struct fsm__picked {
  const char *path, *name;
} fsm__picked;

typedef fsm_code (*fsm__append_fn)(const fsm__formatter *formatter, const fsm__exported *record,
                                   fsm_arena *scratch, fsm_buf *out, fsm_error *err);

typedef struct fsm__format_row {
  const char *name, *type;
  bool line;
  fsm__append_fn append;
  /* NULL, or why this name cannot be given to a lifted field: it is the format's own, or no name there. */
  const char *(*refuses)(const char *name);
} fsm__format_row;

enum { FSM__JSON_MEMBERS_MAX = 64 };

struct fsm__formatter {
  uint8_t order[FSM__JSON_MEMBERS_MAX]; /* of the members of the JSON form */
  const fsm__format_row *row;
  fsm__picked lift[FSM_LIFT_MAX];
  size_t lift_count;
  fsm__picked *columns; /* csv */
  size_t column_count;
  const char *head;
  fsm_arena arena; /* of its texts */
};

/* The formats: one file each. */
#define FSM__APPEND(name)                                                                   \
  fsm_code fsm__append_##name(const fsm__formatter *formatter, const fsm__exported *record, \
                              fsm_arena *scratch, fsm_buf *out, fsm_error *err)
FSM__APPEND(json);
FSM__APPEND(msgpack);
FSM__APPEND(seed);
FSM__APPEND(ecs);
FSM__APPEND(cloudevents);
FSM__APPEND(otlp);
FSM__APPEND(csv);

const char *fsm__refuses_json(const char *name);
const char *fsm__refuses_msgpack(const char *name);
const char *fsm__refuses_seed(const char *name);
const char *fsm__refuses_ecs(const char *name);
const char *fsm__refuses_cloudevents(const char *name);
const char *fsm__refuses_otlp(const char *name);
const char *fsm__refuses_any(const char *name);

/* csv: its columns when none are named, and its first line; false without memory. */
const char *const *fsm__csv_columns(size_t *count);
bool fsm__csv_head(const fsm__formatter *formatter, fsm_buf *out);

/* The record decoded, with what is to be masked masked; *masked (may be NULL) tells whether something was. */
FSM_MUST_USE fsm_code fsm__exported_record(const fsm__exported *exported, fsm_arena *scratch, fsm_record *out,
                                           bool *masked, fsm_error *err);

/* Its JSON form as a value, masked, with leaf, after and repair. */
FSM_MUST_USE fsm_code fsm__exported_view(const fsm__exported *exported, fsm_arena *scratch, fsm_value *out,
                                         fsm_error *err);

/* Appends the JSON form without what is lifted. */
FSM_MUST_USE fsm_code fsm__append_json_form(const fsm__formatter *formatter, const fsm__exported *record,
                                            fsm_arena *scratch, fsm_buf *out, fsm_error *err);
void fsm__json_order(uint8_t order[FSM__JSON_MEMBERS_MAX]);

/* What stands at a path of the record's JSON form; "context.x" is the new value of x, where the record
 * changes it. NULL: nothing does. */
const fsm_value *fsm__path_value(const fsm_value *view, const char *path);
/* NULL, or why no record has anything at this path. */
const char *fsm__path_fault(const char *path);

/* Appends `,"name":value` for each lifted field that the record has. */
FSM_MUST_USE fsm_code fsm__append_lifted(const fsm__formatter *formatter, const fsm__exported *exported,
                                         fsm_arena *scratch, fsm_buf *out, fsm_error *err);

#endif
