/* scxml.h: a machine in SCXML (W3C Recommendation of 1 September 2015) into the fsm_def tree.
 *
 * The data model is expressions (fsm/expr.h): datamodel="cel"; "null"; and "ecmascript" as far as an
 * expression means the same in both languages (===, literals, member access, arithmetic, assignments in
 * <script>); anything else of it is refused by name. Refusals say line:column. External entities and
 * document types are refused. What the Recommendation wants as an error at run time (an illegal
 * location, an expression that cannot be parsed in executable content) becomes an action that raises
 * error.execution when it is run, not a refusal; what concerns the document's shape is a refusal.
 */
#ifndef FSM_SCHEMA_SCXML_H
#define FSM_SCHEMA_SCXML_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Gives the text that a src attribute (of <data>, <script>, <content>, <invoke>) names; it is copied into
 * the arena. A fault's text becomes part of ours. */
typedef fsm_code fsm_scxml_source(void *arg, const char *src, fsm_arena *arena, const char **text,
                                  size_t *len, fsm_error *err);

typedef struct fsm_scxml_options {
  fsm_scxml_source *source; /* NULL = every src is refused */
  void *source_arg;
  bool named; /* a document without a name is refused; else its machine is "scxml" */
} fsm_scxml_options;

/* The tree lives in arena. options may be NULL. */
FSM_API FSM_MUST_USE fsm_code fsm_scxml_read(fsm_arena *arena, const char *text, size_t len,
                                             const fsm_scxml_options *options, const fsm_def **out,
                                             fsm_error *err);

/* The tree as an SCXML document, expressions as CEL. What SCXML cannot say is FSM_EUNSUPPORTED, err->where
 * is the construct's place. */
FSM_API FSM_MUST_USE fsm_code fsm_scxml_write(const fsm_def *def, fsm_buf *out, fsm_error *err);

#ifdef __cplusplus
}
#endif
#endif
