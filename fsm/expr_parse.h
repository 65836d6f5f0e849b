/* expr_parse.h: what the files of the parser share: the cursor over the tokens and the making of nodes
 * (expr_node.c), the grammar (expr_parse.c), names (expr_name.c), calls and macros (expr_parse_call.c).
 *
 * The first fault stays in parser.code; from then on every function returns NULL or false and does
 * nothing, so that the grammar reads in straight lines.
 */
#ifndef FSM_EXPR_PARSE_H
#define FSM_EXPR_PARSE_H

#include "fsm/expr_impl.h"

/* The variables of a macro whose body is being read; those of the macros around it are further up. */
typedef struct fsm__bound fsm__bound;
struct fsm__bound {
  fsm_value names[2];
  unsigned count;
  const fsm__bound *up;
};

typedef struct fsm__parser {
  fsm__source *source;
  fsm_expr *expr;
  fsm__token token; /* the next one */
  fsm_code code;
  unsigned depth, nodes;
  uint16_t last_end; /* of the token before */
  const fsm__bound *bound;
  fsm__node *open; /* the path that a bare name of SCXML has begun and that may go on */
} fsm__parser;

/* ---- tokens -------------------------------------------------------------------------------------- */

void fsm__advance(fsm__parser *p);
bool fsm__at(const fsm__parser *p, fsm__token_kind kind);
bool fsm__accept(fsm__parser *p, fsm__token_kind kind);
bool fsm__expect(fsm__parser *p, fsm__token_kind kind);
/* Is the token behind the next one of this kind? */
bool fsm__followed_by(const fsm__parser *p, fsm__token_kind kind);
/* "expected WHAT, found …" at the next token. */
void fsm__expected(fsm__parser *p, const char *what);
/* Always NULL. */
fsm__node *fsm__parse_fail(fsm__parser *p, size_t at, const char *format, ...) FSM_PRINTF(3, 4);

/* ---- nodes --------------------------------------------------------------------------------------- */

fsm__node *fsm__new_node(fsm__parser *p, fsm__node_kind kind, size_t begin);
fsm__node *fsm__new_literal(fsm__parser *p, size_t begin, fsm_value value);
/* Appends a child; *last is the one before it. */
bool fsm__append(fsm__parser *p, fsm__node *parent, fsm__node **last, fsm__node *kid);
/* A node whose children are complete: its source ends here, and it is one higher than they are. */
fsm__node *fsm__finish(fsm__parser *p, fsm__node *node);
/* Every construct that recurses is entered and left through these two. */
bool fsm__enter(fsm__parser *p);
void fsm__leave(fsm__parser *p);

/* ---- grammar ------------------------------------------------------------------------------------- */

fsm__node *fsm__parse_expr(fsm__parser *p);
/* A path is complete, or a variable stays alone. */
fsm__node *fsm__close_path(fsm__parser *p, fsm__node *node, bool is_path);
/* A name, a call or a literal that reads like a name; `absolute` after a dot: not a macro's variable. */
fsm__node *fsm__parse_name(fsm__parser *p, bool absolute);
/* The '(' is taken. receiver is NULL for name(…). */
fsm__node *fsm__parse_call(fsm__parser *p, const fsm__token *name, fsm__node *receiver);

#endif
