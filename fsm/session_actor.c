/* session_actor.c: who acts from now on. */
#include "fsm/session_impl.h"

fsm_code fsm_sessions_set_actor(fsm_sessions *all, const fsm_value *actor, fsm_error *err) {
  FSM_ASSERT(all);
  if (all->busy) return fsm_fail(err, FSM_EARGUMENT, "", "a callback of the sessions must not change them");
  fsm_arena next;
  fsm_arena_init(&next, 0);
  fsm_value *copy = NULL;
  if (actor) {
    copy = fsm_arena_alloc(&next, sizeof *copy);
    fsm_code code = copy ? fsm_value_copy(&next, actor, copy, err)
                         : fsm_fail(err, FSM_ENOMEM, "", "no memory for the actor");
    if (code != FSM_OK) {
      fsm_arena_free(&next);
      return code;
    }
  }
  fsm_arena_free(&all->own);
  all->own = next;
  all->options.actor = copy;
  return FSM_OK;
}
