/* top.h: what `top` shows: two samples of /metrics, and the frame that is made of them. A sample is one short
 * request; the daemon's own walk behind it is the one that a monitor asks for, too. */
#ifndef FSM_CLI_TOP_H
#define FSM_CLI_TOP_H

#include "tools/cli/find/metrics.h"
#include "tools/cli/show/screen.h"

typedef enum top_sort { TOP_BY_COUNT, TOP_BY_OLDEST, TOP_BY_NAME, TOP_SORT_COUNT } top_sort;

typedef struct top_sample {
  fsm_arena arena;
  cli_metrics metrics;
  int64_t at_ns; /* on the monotonic clock */
  bool known;
} top_sample;

typedef struct top_view {
  top_sort sort;
  size_t first; /* rows that are scrolled away */
  bool paused;
  const char *fault; /* escaped; why there is no newer sample; NULL = there is */
} top_view;

/* The whole frame: lines of at most screen.columns, screen.rows of them (0: as many as there are). before may
 * be unknown: then there are no rates. */
void top_frame(const top_sample *now, const top_sample *before, const top_view *view,
               const cli_screen *screen, fsm_buf *out);

#endif
