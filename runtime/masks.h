/* masks.h: the masks of all deployed machines, found by the content hash that a record carries (`def`). Any
 * thread. */
#ifndef FSM_RUNTIME_MASKS_H
#define FSM_RUNTIME_MASKS_H

#include "runtime/hash.h"
#include "schema/mask.h"

typedef struct fsm__masks fsm__masks;

FSM_MUST_USE fsm_code fsm__masks_new(fsm__masks **out, fsm_error *err);
void fsm__masks_free(fsm__masks *masks);
/* Of a deployed definition (its canonical JSON); again is fine. Masks live until free. */
FSM_MUST_USE fsm_code fsm__masks_add(fsm__masks *masks, const uint8_t def[32], const char *definition,
                                     size_t len, fsm_error *err);
/* NULL: nothing to mask. A definition that was never added is FSM_ENOTFOUND: show nothing of such a record.
 */
FSM_MUST_USE fsm_code fsm__masks_find(fsm__masks *masks, const uint8_t def[32], const fsm_mask **out,
                                      fsm_error *err);

#endif
