/* past_impl.h: between the files of past. */
#ifndef FSM_RUNTIME_PAST_IMPL_H
#define FSM_RUNTIME_PAST_IMPL_H

#include "runtime/past.h"

/* Which record wrote each field of a context: values would need as much memory as the records have. */
typedef struct fsm__past_field {
  const char *name;
  uint64_t seq;
  uint32_t len;
} fsm__past_field;

typedef struct fsm__past_fields {
  fsm_arena arena;     /* of the names */
  fsm__past_field *at; /* by name */
  unsigned count, cap;
} fsm__past_fields;

/* The frames of an instance in order, as they are applied. Its context is left out and made at the end
 * (past_context.c), so that a frame costs the same however wide that is; so are refusals and keys. */
typedef struct fsm__past_replay {
  fsm__past *past;
  fsm__kept *kept;
  const char *id;
  uint64_t number;     /* that it gets, each time that it is made */
  fsm_record *records; /* of the frame that is read */
  size_t count, cap;
  unsigned looked;
  uint64_t first_seq;          /* of the first record that is kept; 0 = there is none */
  uint64_t last_seq;           /* that was applied, of this life; 0 = none */
  bool headless;               /* that is not its first */
  fsm_record_brief made, gone; /* the record that made it, behind the moment; that let it go; seq 0 = none */
  fsm__past_fields fields;
  uint8_t context_hash[FSM_HASH_BYTES]; /* that the last record names */
  fsm_arena scratch;
} fsm__past_replay;

fsm_code fsm__past_nomem(fsm_error *err);
/* One more record is looked at: FSM_ETOOLARGE over the limit. */
FSM_MUST_USE fsm_code fsm__past_look(unsigned *looked, const char *id, fsm_error *err);
FSM_MUST_USE fsm_code fsm__past_decode(fsm_arena *arena, const fsm__journal_entry *entry, fsm_record *out,
                                       fsm_error *err);

/* past_replay.c: past, kept, id and number are set; end it, also after a fault. */
FSM_MUST_USE fsm_code fsm__past_replay_run(fsm__past_replay *replay, fsm_error *err);
void fsm__past_replay_end(fsm__past_replay *replay);

/* past_context.c */
void fsm__past_fields_clear(fsm__past_fields *fields);
/* What a record changed was written by it. */
FSM_MUST_USE fsm_code fsm__past_fields_note(fsm__past_fields *fields, const fsm_record *record,
                                            fsm_error *err);
/* The context that they are, in the reading's arena; its hash must be the one that was named. */
FSM_MUST_USE fsm_code fsm__past_context(const fsm__past_replay *replay, fsm_value *out, fsm_error *err);

/* Of one whose first records are not kept, from its context of now and the records from `first` on: behind
 * that of `seq`. FSM_ECORRUPT: it has not that hash. */
FSM_MUST_USE fsm_code fsm__past_context_before(fsm__kept *kept, const char *id, uint64_t first, uint64_t seq,
                                               const uint8_t hash[FSM_HASH_BYTES], const fsm_value *now,
                                               fsm_value *out, fsm_error *err);

/* past.c: rows in memory, none yet, instead of those that it has. */
FSM_MUST_USE fsm_code fsm__past_renew(const fsm__reading *at, fsm__past *past, fsm_error *err);

/* past_undo.c: at past->seq, of one whose first record that is kept is `first`; now: its row. FSM_ENOTFOUND,
 * err untouched: it can be told from *told_from on. */
FSM_MUST_USE fsm_code fsm__past_undo(fsm__kept *kept, const char *id, uint64_t number, uint64_t first,
                                     const fsm__instance *now, fsm__past *past, uint64_t *told_from,
                                     fsm_error *err);

/* past_others.c: the task of its parent; messages that others have consumed. */
FSM_MUST_USE fsm_code fsm__past_add_parent(fsm__past *past, fsm__kept *kept, fsm_error *err);
/* The last record behind the moment that consumed a message which the instance had sent before seq `first`,
 * and of which no record that is kept tells; 0 = none in FSM_PAST_BYTES_MAX of the journal. */
FSM_MUST_USE fsm_code fsm__past_consumed(fsm__kept *kept, const char *id, uint64_t first, uint64_t moment,
                                         uint64_t *last, fsm_error *err);
FSM_MUST_USE fsm_code fsm__past_consume(const fsm__past *past, fsm__kept *kept, fsm_error *err);

#endif
