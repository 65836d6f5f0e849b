/* sink_config_impl.h: what the files of sink_config share: a row per field of a sink's description.
 *
 * The row is all that is known of a field: which kinds take it, how it is spelt, its default, its range, its
 * words. Reading, comparing and the reference walk the rows; rules between fields are in sink_config_check.c.
 */
#ifndef FSM_RUNTIME_SINK_CONFIG_IMPL_H
#define FSM_RUNTIME_SINK_CONFIG_IMPL_H

#include "runtime/sink_config.h"
#include "schema/pointer.h"

enum { FSM__KIND_NATS, FSM__KIND_FILE, FSM__KIND_HTTP, FSM__KIND_OTLP, FSM__KIND_COUNT };
enum {
  FSM__OF_NATS = 1u << FSM__KIND_NATS,
  FSM__OF_FILE = 1u << FSM__KIND_FILE,
  FSM__OF_HTTP = 1u << FSM__KIND_HTTP,
  FSM__OF_OTLP = 1u << FSM__KIND_OTLP,
  FSM__OF_NET = FSM__OF_NATS | FSM__OF_HTTP | FSM__OF_OTLP,
  FSM__OF_WEB = FSM__OF_HTTP | FSM__OF_OTLP,
  FSM__OF_ALL = FSM__OF_NET | FSM__OF_FILE
};

typedef enum fsm__field_type {
  FSM__FIELD_TEXT,   /* const char *; min and max in bytes */
  FSM__FIELD_FILE,   /* the same, a path */
  FSM__FIELD_SECRET, /* the same, of a file that nobody else may read */
  FSM__FIELD_WORD,   /* const char *, one of words */
  FSM__FIELD_CHOICE, /* bool: the second of two words */
  FSM__FIELD_ENUM,   /* unsigned: the number of the word */
  FSM__FIELD_FLAGS,  /* a list of the two words: bool each, at `at` and `count_at` */
  FSM__FIELD_COUNT,  /* unsigned */
  FSM__FIELD_SIZE,   /* uint64_t: bytes as a number or as "64MiB" */
  FSM__FIELD_SPAN,   /* int64_t ns: "1.5s" is "1s500ms" */
  FSM__FIELD_LIST /* const char *const * and size_t: texts; min and max in texts, each of 1 … item_max bytes
                   */
} fsm__field_type;

typedef struct fsm__field_row {
  const char *name;
  unsigned kinds; /* bits of FSM__OF_ */
  fsm__field_type type;
  size_t at, count_at;    /* in the configuration; count_at: of a list */
  const char *fallback;   /* as it would be written; NULL = none; "" = see fallbacks */
  const char *const *own; /* FSM__KIND_COUNT defaults, where they differ */
  int64_t min, max;
  const char *words; /* "spill hold" */
  size_t item_max;   /* bytes of a text of a list */
  bool zero;         /* 0 is taken besides min … max: none */
  const char *help;
} fsm__field_row;

extern const fsm__field_row fsm__field_rows[];
extern const size_t fsm__field_row_count;

const char *fsm__kind_name(unsigned kind);
/* -1 = there is none. */
int fsm__kind_of(const char *name);
const char *fsm__field_fallback(const fsm__field_row *row, unsigned kind);
/* "1s to 1h", "1 to 4096": what a row takes, for messages and the reference. */
void fsm__field_range(const fsm__field_row *row, char *out, size_t size);
/* "64MiB" → 67108864; false: it is no size. */
bool fsm__size_parse(const char *text, uint64_t *out);

/* A fault at a member of the sink that `at` points to; member NULL: at the sink itself. */
fsm_code fsm__sink_fault(const fsm__pointer *at, const char *member, fsm_code code, fsm_error *err,
                         const char *format, ...) FSM_PRINTF(5, 6);
/* Do the fields fit together? */
fsm_code fsm__sink_check(const fsm__sink_config *config, const fsm__pointer *at, fsm_error *err);
/* Can what it says in where, lift and columns be made? */
fsm_code fsm__sink_compile(const fsm__sink_config *config, const fsm__pointer *at, fsm_error *err);
/* Does it get on with those before it? */
fsm_code fsm__sink_check_others(const fsm__sink_config *configs, size_t count, const fsm__pointer *at,
                                fsm_error *err);

/* ---- sink_config_field.c ---- */
typedef struct fsm__sink_reading {
  fsm_arena *arena;
  fsm__sink_config *config;
  const fsm_value *sink;  /* the map that is read */
  const fsm__pointer *at; /* of it */
  fsm_error *err;
} fsm__sink_reading;
fsm_code fsm__field_read(fsm__sink_reading *r, const fsm__field_row *row, const fsm_value *value);
/* The default, read as if it had been written. */
fsm_code fsm__field_fill(fsm__sink_reading *r, const fsm__field_row *row, unsigned kind);

#endif
