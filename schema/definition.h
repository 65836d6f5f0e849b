/* definition.h: a machine definition in JSON (DESIGN 8), or in SCXML (scxml.h), into a compiled machine.
 *
 * The shape is XState's machine config with expressions as {"@expr": "…"}. What cannot be loaded is
 * refused with a JSON pointer (RFC 6901) in err->where. A definition is known by its content hash:
 * SHA-256 of the canonical msgpack of the document (of SCXML: of its text), members in the order written,
 * because that order has meaning (states are numbered by it, properties are displayed in it). White space,
 * escapes and the spelling of a number (1e2, 100.0) do not matter; 100 and 100.0 are different numbers.
 */
#ifndef FSM_SCHEMA_DEFINITION_H
#define FSM_SCHEMA_DEFINITION_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_DEFINITION_BYTES_MAX = 200 * 1024,           /* fits a record, source and all */
  FSM_DEFINITION_READ_BYTES_MAX = 2 * 1024 * 1024, /* of JSON for fsm_definition_read, which keeps nothing */
  FSM_DEFINITION_DEPTH_MAX = 256 /* of the JSON text: 64 states in one another, and what is in them */
};

typedef struct fsm_definition fsm_definition;

FSM_API FSM_MUST_USE fsm_code fsm_definition_load(const char *text, size_t len, fsm_definition **out,
                                                  fsm_error *err);
FSM_API void fsm_definition_free(fsm_definition *definition);

/* Only the tree, in arena, which is to be compiled by the caller. The text may be as large as any JSON. */
FSM_API FSM_MUST_USE fsm_code fsm_definition_read(fsm_arena *arena, const char *text, size_t len,
                                                  const fsm_def **out, fsm_error *err);
/* The tree as a JSON definition (members in order, two spaces of indent). What JSON cannot say is
 * FSM_EUNSUPPORTED, err->where is the construct's place. */
FSM_API FSM_MUST_USE fsm_code fsm_definition_write(const fsm_def *def, fsm_buf *out, fsm_error *err);

FSM_API const fsm_machine *fsm_definition_machine(const fsm_definition *definition);
/* The bytes whose SHA-256 is the content hash. */
FSM_API const void *fsm_definition_canonical(const fsm_definition *definition, size_t *len);
FSM_API const char *fsm_definition_description(const fsm_definition *definition); /* or NULL */

/* Checks an event's data against schemas.events.<name>, a start's input against schemas.input, and
 * a context against schemas.context, where given: FSM_EDATA with a JSON pointer into the data. Without a
 * schema any data is good. NULL and null count as the empty object. */
FSM_API FSM_MUST_USE fsm_code fsm_definition_check_event(const fsm_definition *definition, const char *event,
                                                         const fsm_value *data, fsm_error *err);
FSM_API FSM_MUST_USE fsm_code fsm_definition_check_input(const fsm_definition *definition,
                                                         const fsm_value *input, fsm_error *err);
FSM_API FSM_MUST_USE fsm_code fsm_definition_check_context(const fsm_definition *definition,
                                                           const fsm_value *context, fsm_error *err);
/* Does schemas.context say what this field is? */
FSM_API bool fsm_definition_context_names(const fsm_definition *definition, const char *field, size_t len);
/* What it says of it, as written; NULL when nothing. */
FSM_API const fsm_value *fsm_definition_context_schema(const fsm_definition *definition, const char *field,
                                                       size_t len);
/* How long an instance is kept in the store after its end, meta.fsm.keep; 0 = for ever. */
FSM_API int64_t fsm_definition_keep_ns(const fsm_definition *definition);
/* How long an instance should be in each state at most (meta.fsm.sla), by number; 0 = it has none. That of the
 * root (0) counts from the instance's start, all others from when the state was entered. NULL: no state has. */
FSM_API const int64_t *fsm_definition_slas(const fsm_definition *definition);
/* The audit level of the machine's records (meta.fsm.level of the root, else FSM_LEVEL_DEFAULT), and of the
 * record of a transition, which may have its own. */
enum { FSM_LEVEL_DEFAULT = 1 };
FSM_API uint8_t fsm_definition_level(const fsm_definition *definition);
FSM_API uint8_t fsm_definition_transition_level(const fsm_definition *definition, unsigned transition);
/* The schema of an event's data as written (for "with which fields"), NULL when none. */
FSM_API const fsm_value *fsm_definition_event_schema(const fsm_definition *definition, const char *event);

/* Invoke policy from meta.fsm of the invoke, with defaults. */
typedef struct fsm_task_policy {
  unsigned attempts;      /* default 1, at most 100 */
  int64_t timeout_ns;     /* per attempt; default 60 s */
  int64_t heartbeat_ns;   /* an attempt that is silent for so long is lost; default 0: it may be silent */
  int64_t backoff_ns;     /* before the second attempt, doubled each time; default 1 s */
  int64_t backoff_max_ns; /* default 1 h */
} fsm_task_policy;
FSM_API void fsm_definition_task_policy(const fsm_definition *definition, unsigned invoke,
                                        fsm_task_policy *out);

/* What becomes of a timer that was due before it could fire (the runtime was not open, or the instance did
 * not run): meta.fsm.overdue of its state, else of the root, else fire. */
typedef enum fsm_overdue {
  FSM_OVERDUE_FIRE,    /* late */
  FSM_OVERDUE_SKIP,    /* never */
  FSM_OVERDUE_RESTART, /* after all of its delay, counted anew */
  FSM_OVERDUE_COUNT
} fsm_overdue;
FSM_API fsm_overdue fsm_definition_overdue(const fsm_definition *definition, unsigned state);
FSM_API const char *fsm_overdue_name(fsm_overdue overdue); /* "fire", "skip", "restart" */
FSM_API bool fsm_overdue_of(const char *name, fsm_overdue *out);

#ifdef __cplusplus
}
#endif
#endif
