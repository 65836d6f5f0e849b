/* counting.h: a chart whose context is {n: 0}, and that counts. */
#ifndef TESTS_COUNTING_H
#define TESTS_COUNTING_H

#include "chart.h"

static const fsm_pair zero_pair[] = {{{.type = FSM_STRING, .len = 1, .s = "n"}, {.type = FSM_INT, .i = 0}}};
static const fsm_def_value zero = {.form = FSM_DEF_LITERAL,
                                   .literal = {.type = FSM_MAP, .len = 1, .pairs = zero_pair}};

/* GO counts once; then it counts by itself while the guard holds. */
static inline void open_counting(chart *c, const char *guard) {
  chart_open_with(c,
                  ATOMIC("m", ON(STAY("GO", DO(ASSIGN("n", "context.n + 1"))),
                                 ALWAYS_STAY(.guard = guard, DO(ASSIGN("n", "context.n + 1"))))),
                  &zero);
}

#endif
