/* fsm.h: the engine. Statecharts and expressions as pure functions; libc only.
 *
 *   code      what can go wrong          arena   memory given back at once   buf   bytes that grow
 *   value     what contexts are made of  expr    CEL: compiled, evaluated
 *   machine   a definition, compiled     step    snapshot + event → microsteps, effects, next snapshot
 *   session   machines at work in memory
 */
#ifndef FSM_FSM_H
#define FSM_FSM_H

#include "fsm/arena.h"
#include "fsm/buf.h"
#include "fsm/code.h"
#include "fsm/expr.h"
#include "fsm/expr_parts.h"
#include "fsm/expr_remedy.h"
#include "fsm/machine.h"
#include "fsm/prospect.h"
#include "fsm/session.h"
#include "fsm/step.h"
#include "fsm/value.h"

#endif
