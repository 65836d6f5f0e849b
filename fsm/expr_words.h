/* expr_words.h: the literal texts that an expression compares a path with: 'a' == path, path in ['a'], 'a' in
 * path, path.exists(x, x == 'a'). */
#ifndef FSM_EXPR_WORDS_H
#define FSM_EXPR_WORDS_H

#include "fsm/expr.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef void fsm_expr_word(void *arg, const char *word, size_t len);

/* Calls with each word that stands against the path as it is written in the expression, in source order; one
 * word may come more than once. */
FSM_API void fsm_expr_words(const fsm_expr *expr, const char *path, fsm_expr_word *found, void *arg);

#ifdef __cplusplus
}
#endif
#endif
