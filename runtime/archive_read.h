/* archive_read.h: records of segments that retention let go, from the copies that an archive keeps.
 *
 * The archive is a directory of whole segment files named FIRST-LAST.seg, of their seqs in twenty digits, as
 * runtime/daemon/archive.c makes them. Read in order of seq, as a journal is: the file that holds a seq is
 * found by its name, and what it says is believed only when its header, its footer, the checksum of each
 * batch and the chain (each record's prev, also from one file to the next) agree. New files are
 * found when they are asked for. One thread per reader; nothing is written.
 *
 * Faults have the file and the offset in err->where ("FIRST-LAST.seg:OFFSET"):
 *   FSM_ENOTFOUND  no file holds that record: the nearest ones are named
 *   FSM_ECORRUPT   damaged, cut short, of another store or partition, another's name, or two files hold the
 *                  same record
 *   FSM_EVERIFY    the chain is broken there
 *   FSM_EVERSION, FSM_EIO, FSM_EPERMISSION, FSM_ENOMEM
 */
#ifndef FSM_RUNTIME_ARCHIVE_READ_H
#define FSM_RUNTIME_ARCHIVE_READ_H

#include "runtime/journal.h"

typedef struct fsm__archive fsm__archive;

/* Looks at nothing yet: a directory that is missing is the fault of the first read. */
FSM_MUST_USE fsm_code fsm__archive_open(const char *dir, const fsm_origin *origin, fsm__archive **out,
                                        fsm_error *err);
void fsm__archive_close(fsm__archive *archive); /* NULL is fine */

void fsm__archive_seek(fsm__archive *archive, uint64_t seq);
/* As fsm__journal_next. *found false: behind the last record there is, the journal has what follows. */
FSM_MUST_USE fsm_code fsm__archive_next(fsm__archive *archive, fsm__journal_entry *out, bool *found,
                                        fsm_error *err);
/* The record of one seq; next goes on behind it. */
FSM_MUST_USE fsm_code fsm__archive_read(fsm__archive *archive, uint64_t seq, fsm__journal_entry *out,
                                        fsm_error *err);
/* The first seq at or behind this one that a file claims to hold; 0 = none. What lies between is in no file.
 */
FSM_MUST_USE fsm_code fsm__archive_has(fsm__archive *archive, uint64_t seq, uint64_t *next, fsm_error *err);

/* The first seq from which on all up to and with `last` are there; last + 1: that one is not. By the names of
 * the files. */
FSM_MUST_USE fsm_code fsm__archive_run(fsm__archive *archive, uint64_t last, uint64_t *first, fsm_error *err);
/* Is its record `last` the one that a journal goes on from, whose next record has this prev (a hash; NULL:
 * none)? FSM_EVERIFY: it is of another branch, as the archive of a store that was restored or copied may be.
 */
FSM_MUST_USE fsm_code fsm__archive_joins(fsm__archive *archive, uint64_t last, const uint8_t *prev,
                                         fsm_error *err);
/* From where it was seeked to on the next record before `before` that has this instance or correlation
 * (what); batches without that text in them are not looked into. What fsm__archive_run says is there must be:
 * else FSM_ENOTFOUND. */
FSM_MUST_USE fsm_code fsm__archive_find(fsm__archive *archive, fsm__find_what what, const char *text,
                                        uint64_t before, fsm__journal_entry *out, bool *found,
                                        fsm_error *err);

#endif
