/* nearest.h: did you mean …? */
#ifndef FSM_CLI_NEAREST_H
#define FSM_CLI_NEAREST_H

#include <stddef.h>

/* The name that word most likely was meant to be, NULL when none is near. */
const char *cli_nearest(const char *word, const char *const *names, size_t count);

#endif
