/* match.h: regular expressions in the syntax of RE2, matched in linear time.
 *
 * Pattern → tree (match_parse.c, match_class.c) → program (match_build.c) → a set of places in the program
 * that moves over the text one character at a time (match_run.c). There is no backtracking: for each
 * character a match takes at most two steps per instruction, whatever the pattern, and one more for each item
 * of a class that a character above 127 is looked up in.
 * A match is a yes or a no, somewhere in the text, so groups and greediness are read and do not matter.
 *
 * Of RE2's syntax all is taken but: \C (one byte), script names (\p{Greek}; the general categories such as L,
 * Lu, Nd, P, Sc, Z are there, Unicode 14), and counts above 1,000. Backreferences and lookaround, which RE2
 * does not have, are refused by name. Case folding is that of Unicode (simple).
 *
 * Private to fsm/.
 */
#ifndef FSM_MATCH_H
#define FSM_MATCH_H

#include "fsm/arena.h"

enum {
  FSM__MATCH_PATTERN_MAX = 4096, /* bytes of a pattern */
  FSM__MATCH_DEPTH_MAX = 64,     /* nesting of groups */
  FSM__MATCH_COUNT_MAX = 1000,   /* of {n,m} */
  FSM__MATCH_SIZE_MAX = 8192,    /* instructions of a program */
  FSM__MATCH_BUILD_MAX = 65536   /* parts of the tree that building a program looks at, copies counted */
};

typedef struct fsm__match fsm__match; /* a program; immutable, lives in the arena it was compiled into */

/* Valid UTF-8 or not: what is not is refused. FSM_EEXPRESSION for no pattern of RE2, FSM_EUNSUPPORTED for
 * what is left out here, FSM_ETOOLARGE past a bound, FSM_ENOMEM; err->where is empty, err->text says what and
 * at which character. */
fsm_code fsm__match_compile(fsm_arena *arena, const char *pattern, size_t len, const fsm__match **out,
                            fsm_error *err);
/* What compiling it cost, and how many instructions it has. */
size_t fsm__match_cost(const fsm__match *match);
size_t fsm__match_size(const fsm__match *match);

/* Does the pattern match somewhere in text? *steps is how many steps it may take and, afterwards, how many it
 * has taken. FSM_ETOOLARGE when they do not suffice, FSM_ENOMEM. scratch is only used for large programs. */
fsm_code fsm__match_run(const fsm__match *match, const char *text, size_t len, fsm_arena *scratch,
                        uint64_t *steps, bool *found);

#endif
