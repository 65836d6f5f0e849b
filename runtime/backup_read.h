/* backup_read.h: a backup, read where it lies: it has a journal and a snapshot but no store, so one is made
 * in TMPDIR for as long as it is open. Nothing is written into the backup.
 *
 * It takes the time of a restore each time it is opened: who has many questions restores it
 * (fsm_database_restore). */
#ifndef FSM_RUNTIME_BACKUP_READ_H
#define FSM_RUNTIME_BACKUP_READ_H

#include "runtime/core.h"

/* Is there the manifest of a backup, and no store? */
bool fsm__backup_here(const char *dir);
/* Its store; nobody writes to it any more, and its files are gone with it, also when the program is killed.
 * FSM_ECORRUPT, FSM_EVERSION: the manifest; FSM_EIO: no room in TMPDIR. */
FSM_MUST_USE fsm_code fsm__backup_store(const char *dir, fsm__store **out, fsm_error *err);

#endif
