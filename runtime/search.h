/* search.h: between the files of FSM_QUERY_SEARCH: which instances have a text in what they are called, in
 * their labels, people or data.
 *
 * There is no index of words. The journal's segments of the time that is asked for are read backwards, each
 * forwards and as raw bytes (needle.h): msgpack has a text's UTF-8 in one piece. Where the bytes have the
 * needle, the fields that are searched are found in the record, and only when one of them has it the record
 * is decoded, masked, and asked again; so what is marked (x-pii) is never found, and where a page ends and
 * how much it looked at does not hang on it (only the time that takes does, by microseconds a record).
 * Besides, whatever their age: the instances of the store whose id begins with the text, and those whose
 * business key is the text.
 *
 * Searched in a record: id, key, labels, correlation, who (its texts but type, issuer and session), event
 * data, what changed in the context (the new value), output, reasons, notes and texts of faults. Not: names
 * of machines, states and events, numbers, hashes, what guards saw, inputs of tasks, data of timers.
 *
 * An instance comes once, by its newest record that matches. A page ends at its limit, or when so many bytes
 * were looked at: then it may be short or empty and has a `next`. */
#ifndef FSM_RUNTIME_SEARCH_H
#define FSM_RUNTIME_SEARCH_H

#include "runtime/needle.h"
#include "runtime/query.h"

enum {
  FSM_SEARCH_BYTES_MAX = 256 * 1024 * 1024, /* of the journal that a page looks at, or one segment */
  FSM_SEARCH_HITS_MAX = 4096,               /* records of a segment that a page takes up */
  FSM_SEARCH_MATCHES_MAX = 8,               /* places of an instance that are told */
  FSM_SEARCH_NAMED_MAX = 16                 /* instances that are found by id or key alone */
};
#define FSM_SEARCH_SINCE_NS ((int64_t)3 * 24 * 3600 * 1000000000) /* when nothing is said */

typedef struct fsm__search {
  const fsm__reading *at;
  fsm__needle needle;
  fsm__journal_cursor *cursor, *single; /* of blocks; of single records */
  fsm_arena scratch;
  uint64_t top;     /* nothing above it is looked at: the last record when the first page was asked for */
  uint64_t given;   /* what is above it was looked at by the pages before */
  uint64_t low;     /* nothing below it */
  uint64_t looked;  /* bytes; of a segment once, however many looks its hits need */
  uint64_t segment; /* that was looked through last: its first seq */
} fsm__search;

/* The newest records below `below` of one segment whose searched fields have it: their seqs, ascending. */
typedef struct fsm__search_hits {
  uint64_t first; /* of what was looked through */
  size_t count;
  bool cut; /* there are more, which are older */
  uint64_t seqs[FSM_SEARCH_HITS_MAX];
} fsm__search_hits;
/* *there false: the journal does not keep it any more. */
FSM_MUST_USE fsm_code fsm__search_segment(fsm__search *search, uint64_t below, fsm__search_hits *out,
                                          bool *there, fsm_error *err);
/* Have the searched fields of a record it, unmasked? In a few bytes. */
FSM_MUST_USE fsm_code fsm__search_may(const fsm__search *search, const fsm__bytes *record, bool *may);

/* Where a masked record has it, in at->arena: maps {field, before, match, after}. */
void fsm__search_matches(const fsm__search *search, const fsm_record *record, fsm__items *out);
void fsm__search_match_text(const fsm__search *search, const char *field, const fsm_value *text,
                            fsm__items *out);

/* The instances of the store that it names, by number. */
typedef struct fsm__search_named {
  unsigned count;
  uint64_t numbers[FSM_SEARCH_NAMED_MAX];
} fsm__search_named;
FSM_MUST_USE fsm_code fsm__search_names(const fsm__search *search, fsm__search_named *out, fsm_error *err);

#endif
