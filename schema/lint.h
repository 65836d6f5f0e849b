/* lint.h: what is probably wrong with a definition that can be loaded: findings, each with a stable id, a
 * place, a reason and a way to mend it.
 *
 * Where a finding says "never", it is so for every instance: what a machine can get to is found by
 * fsm/explore.h (each guard may hold or not), what guards can be by fsm/expr_prove.h and the schemas. What
 * cannot be told is not told. A machine with more configurations than FSM_EXPLORE_CONFIGS_MAX gets one note
 * (L020) instead of the findings that need them.
 *
 * A finding is left out where the definition says so, with a reason: `"meta": {"lint": {"ignore": {"L005":
 * "…"}}}` of a state, a transition or an invoke, for it and all that is in it; of the root for the whole. An
 * id may be written with its name. An unknown id, a reason that is missing or an entry that leaves out
 * nothing is a finding itself (L022).
 *
 * Everything lives in the arena, or is borrowed from the source. */
#ifndef FSM_SCHEMA_LINT_H
#define FSM_SCHEMA_LINT_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FSM_LINT_FINDINGS_MAX = 1000 }; /* of one definition; more are counted and not told */

typedef enum fsm_lint_severity {
  FSM_LINT_NOTE,    /* worth a look */
  FSM_LINT_WARNING, /* very likely a mistake */
  FSM_LINT_ERROR,   /* it will fail when it is run */
  FSM_LINT_SEVERITY_COUNT
} fsm_lint_severity;
FSM_API const char *fsm_lint_severity_name(fsm_lint_severity severity); /* "note", "warning", "error" */
FSM_API bool fsm_lint_severity_of(const char *name, fsm_lint_severity *out);

typedef struct fsm_lint_rule {
  const char *id;   /* "L001" */
  const char *name; /* "unreachable-state" */
  fsm_lint_severity severity;
  const char *meaning; /* what it says, and when it is said */
  const char *fix;
} fsm_lint_rule;
/* All of them, in the order of their ids. */
FSM_API const fsm_lint_rule *fsm_lint_rules(size_t *count);
/* "L001", "L001-unreachable-state" or "unreachable-state"; NULL = there is none. */
FSM_API const fsm_lint_rule *fsm_lint_rule_of(const char *text, size_t len);

typedef struct fsm_lint_finding {
  const fsm_lint_rule *rule;
  const char *where;     /* JSON pointer, or line:column of SCXML */
  unsigned line, column; /* of the text; 0 = not known */
  const char *text;      /* one sentence without a full stop */
  const char *fix;
  const char *ignored; /* the definition's reason to leave it out; NULL = it counts */
} fsm_lint_finding;

typedef struct fsm_lint_source {
  const char *text; /* JSON or SCXML, one that can be loaded */
  size_t len;
  const fsm_def *def;         /* read from it, … */
  const fsm_machine *machine; /* … compiled */
  const char *const *roles;   /* that there are, besides those of schemas.actor; NULL = not known */
  size_t role_count;
} fsm_lint_source;

typedef struct fsm_lint_report {
  const fsm_lint_finding *findings; /* by place */
  size_t count, left_out;           /* left_out: past FSM_LINT_FINDINGS_MAX */
  size_t by_severity[FSM_LINT_SEVERITY_COUNT], ignored;
  bool explored; /* all configurations were seen */
} fsm_lint_report;

FSM_API FSM_MUST_USE fsm_code fsm_lint(fsm_arena *arena, const fsm_lint_source *source, fsm_lint_report *out,
                                       fsm_error *err);

/* The line and column (1-based, columns in code points) of the value that a JSON pointer names in a text that
 * is JSON; of the nearest thing around it when it is not there. */
FSM_API void fsm_json_place(const char *text, size_t len, const char *pointer, unsigned *line,
                            unsigned *column);

#ifdef __cplusplus
}
#endif
#endif
