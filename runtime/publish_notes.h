/* publish_notes.h: what belongs on record about sinks, on its way to the runtime: FSM_CMD_SINK_NOTE commands.
 *
 * Whoever tells of something never waits: when the runtime takes no more commands just now, the note is kept
 * and tried again, in order. FSM_NOTES_MAX are kept; those above are counted, and the next note that is taken
 * says how many there were ("untold").
 */
#ifndef FSM_RUNTIME_PUBLISH_NOTES_H
#define FSM_RUNTIME_PUBLISH_NOTES_H

#include "runtime/fsm_runtime.h"

enum { FSM_NOTES_MAX = 256 };

typedef struct fsm__notes fsm__notes;

FSM_MUST_USE fsm_code fsm__notes_new(fsm__notes **out, fsm_error *err);
/* From here on notes go to this runtime; NULL: nowhere, they are kept. */
void fsm__notes_open(fsm__notes *notes, fsm_runtime *runtime);
/* fsm__outbox_note_fn; arg is the notes. Any thread. */
void fsm__notes_take(void *notes, const char *sink, const char *what, const fsm_value *more,
                     const fsm_value *actor, const char *reason);
/* Tries those that wait; how many wait still. */
size_t fsm__notes_send(fsm__notes *notes);
void fsm__notes_free(fsm__notes *notes); /* NULL is fine */

#endif
