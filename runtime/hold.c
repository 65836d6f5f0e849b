/* hold.c: see hold.h. */
#include "runtime/hold.h"

#include <stdio.h>

#include "runtime/decide.h"

void fsm__holding_init(fsm__holding *holding) { pthread_mutex_init(&holding->lock, NULL); }

void fsm__holding_free(fsm__holding *holding) { pthread_mutex_destroy(&holding->lock); }

void fsm__holding_set(fsm__holding *holding, fsm__hold level, const char *text) {
  pthread_mutex_lock(&holding->lock);
  snprintf(holding->text, sizeof holding->text, "%s", text != NULL ? text : "");
  atomic_store(&holding->level, (int)level);
  pthread_mutex_unlock(&holding->lock);
}

fsm__hold fsm__holding_get(fsm__holding *holding, char text[FSM_TEXT_MAX]) {
  if (atomic_load(&holding->level) == FSM__HOLD_NONE) return FSM__HOLD_NONE;
  pthread_mutex_lock(&holding->lock);
  const fsm__hold level = (fsm__hold)atomic_load(&holding->level);
  if (level != FSM__HOLD_NONE) snprintf(text, FSM_TEXT_MAX, "%s", holding->text);
  pthread_mutex_unlock(&holding->lock);
  return level;
}

bool fsm__hold_lets(fsm_command_kind kind) {
  return fsm__command_repairs(kind) || kind == FSM_CMD_ROUTE_SET || kind == FSM_CMD_ROUTE_REMOVE;
}
