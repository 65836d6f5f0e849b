/* repair.h: a damaged directory is repaired, and what the repair says is held against what is there. */
#ifndef FSM_TEST_DAMAGE_REPAIR_H
#define FSM_TEST_DAMAGE_REPAIR_H

#include "runtime/database.h"

enum { REPAIRED = 0, REPAIRED_WITH_LOSS = 11, NOT_REPAIRED = 12, WRONG = 20 };

typedef fsm_code open_fn(const char *dir, fsm_runtime **out, fsm_error *err);

/* last: the seq of the last record before the damage. */
int repair_damage(const char *dir, uint64_t last, open_fn *open_at, bool loud);

#endif
