/* task_copy.c: see task_copy.h. */
#include "runtime/task_copy.h"

static bool copy_text(fsm_arena *arena, const char *from, const char **to) {
  *to = from != NULL ? fsm_arena_strdup(arena, from) : NULL;
  return from == NULL || *to != NULL;
}

fsm_task *fsm__task_copy(fsm_arena *arena, const fsm_task *from) {
  FSM_ASSERT(arena != NULL && from != NULL);
  fsm_task *to = fsm_arena_zalloc(arena, 1, sizeof *to);
  if (to == NULL) return NULL;
  *to = *from;
  bool ok = copy_text(arena, from->service, &to->service) &&
            copy_text(arena, from->instance, &to->instance) &&
            copy_text(arena, from->machine, &to->machine) && copy_text(arena, from->invoke, &to->invoke) &&
            copy_text(arena, from->correlation, &to->correlation) &&
            fsm_value_copy(arena, &from->input, &to->input, NULL) == FSM_OK &&
            fsm_value_copy(arena, &from->trace, &to->trace, NULL) == FSM_OK;
  return ok ? to : NULL;
}
