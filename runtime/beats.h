/* beats.h: heartbeats of attempts that were not worth a record: until when each may be silent.
 *
 * Not each heartbeat is a record (decide_task.c). Those that are none live here until the record's own time
 * is up, and move it then. In memory only: a kill ends an attempt early at worst. One thread. */
#ifndef FSM_RUNTIME_BEATS_H
#define FSM_RUNTIME_BEATS_H

#include "fsm/fsm.h"

typedef struct fsm__beats fsm__beats;

FSM_MUST_USE fsm_code fsm__beats_new(fsm__beats **out, fsm_error *err);
void fsm__beats_free(fsm__beats *beats);

/* The attempt of the task with this token may be silent until then; what was noted before is forgotten. What
 * is over at now_ns goes when room is short. Without memory nothing is noted. */
void fsm__beats_note(fsm__beats *beats, const uint8_t token[16], int64_t silent_ns, int64_t now_ns);
/* Forgets it and says until when; 0 = nothing was noted. */
int64_t fsm__beats_take(fsm__beats *beats, const uint8_t token[16]);
size_t fsm__beats_count(const fsm__beats *beats);

#endif
