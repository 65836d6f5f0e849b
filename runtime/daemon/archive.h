/* archive.h: where segments of the journal go before retention removes them: --archive-dir. */
#ifndef FSM_DAEMON_ARCHIVE_H
#define FSM_DAEMON_ARCHIVE_H

#include "fsm/code.h"

/* fsm_runtime_options.archive; arg is the directory. The copy is called FIRST-LAST.seg, of its seqs in twenty
 * digits. Durable when it returns FSM_OK; one that is there already with the same bytes is fine, with others
 * FSM_EEXISTS: nothing is replaced. */
FSM_MUST_USE fsm_code fsm__archive_copy(void *arg, const char *path, uint64_t first_seq, uint64_t last_seq,
                                        fsm_error *err);

#endif
