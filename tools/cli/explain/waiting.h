/* waiting.h: what an instance waits for when nobody has to send it anything: tasks and timers, in words. */
#ifndef FSM_CLI_WAITING_H
#define FSM_CLI_WAITING_H

#include "fsm/value.h"
#include "tools/cli/show/screen.h"

/* All take members of the document of one instance (runtime/README.md), at its `now`. Texts are escaped
 * and live in the arena. */

/* "no worker has taken it for 1m4s", "attempt 2 of 3 begins in 4s", "attempt 1 of 1 runs until … (in 25s)".
 */
const char *cli_task_state(fsm_arena *arena, const fsm_value *task, const fsm_value *now);
/* "due in 2h59m", "overdue by 5s". */
const char *cli_timer_state(fsm_arena *arena, const fsm_value *timer, const fsm_value *now);

/* Appends why an instance that takes no event now does not move: a sentence for each task and timer, the
 * incident, its end, or that nothing is left that could move it. Wrapped to the screen. */
void cli_waiting(fsm_buf *out, fsm_arena *arena, const fsm_value *instance, const cli_screen *screen);

#endif
