/* past.h: an instance as it was behind an earlier record: its frames up to there, applied (apply.h) to a
 * store in memory that has nothing else in it.
 *
 * So what it shows is by construction what the rows showed then. What is of others is made the same way: the
 * task of a parent, the messages that others have consumed (found by their correlation). A frame is whole or
 * not there: a seq in the middle of one stands for its end. Its context is no part of that: it is made of the
 * records that wrote its fields last, so that a wide one costs no more, and its hash must be the one on
 * record.
 *
 * Where retention let go of the instance's first records they are read in the archive (kept.h). Without one
 * its row of now tells what it was before the first record that is kept, and from there it goes on
 * (past_undo.c): as far as no record since took away what is on record nowhere; else the fault names the seq
 * from which on it can be told. Not to be told at all is what was never on record: that nobody takes a task.
 */
#ifndef FSM_RUNTIME_PAST_H
#define FSM_RUNTIME_PAST_H

#include "runtime/kept.h"

enum {
  FSM_PAST_RECORDS_MAX = 100 * 1000
}; /* that lead to that moment: of the instance, of its parent, and of
      the correlations of its messages, each */

/* Of the journal, behind that moment: where it is looked for who consumed a message of which no record tells
 * any more. One that waited for longer is not told. */
#define FSM_PAST_BYTES_MAX ((uint64_t)256 * 1024 * 1024)

typedef struct fsm__past {
  fsm__core core; /* with rows as they were */
  fsm__reading at;
  fsm__store *store; /* NULL: the rows are those of now */
  uint64_t seq;      /* the frame's end */
  fsm__instance in;  /* in the reading's arena, until it is closed */
} fsm__past;

/* id: whole. FSM_EINSTANCE: not there then, and when it was. FSM_ENOTFOUND: records that it needs are not
 * kept, and from which seq on it can be told. FSM_ETOOLARGE. Close it after a fault, too. */
FSM_MUST_USE fsm_code fsm__past_open(const fsm__reading *at, const char *id, uint64_t seq, fsm__past *out,
                                     fsm_error *err);
void fsm__past_close(fsm__past *past);

/* "@SEQ", a time, or how long ago → the last seq that counts, and the time that it stands for (of @SEQ: that
 * of the record). FSM_EARGUMENT, FSM_ENOTFOUND: above the last record, to come, or archived. */
FSM_MUST_USE fsm_code fsm__past_moment(const fsm__reading *at, const char *text, uint64_t *seq, int64_t *ns,
                                       fsm_error *err);

#endif
