/* journal_verify.c: the journal checked from its first byte, trusting nothing in memory but how far it
 * is durable.
 *
 * A checksum finds an accident, the chain finds an intent: each record carries the leaf of the one
 * before, so a record altered together with its checksum is found at its successor, at the footer, or
 * (the very last one) by whoever compares the head with what he was given before.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/journal_impl.h"

enum { READ_AHEAD = 256 * 1024 };

typedef struct verification {
  fsm__journal *journal;
  uint64_t durable;
  fsm__chain chain;
  fsm__window window;
  fsm_arena arena;
  uint64_t records;
} verification;

static fsm_code fail_at_seq(uint64_t seq, const char *what, fsm_error *err) {
  char where[32];
  snprintf(where, sizeof where, "seq %" PRIu64, seq);
  return fsm_fail(err, FSM_EVERIFY, where, "%s", what);
}

static fsm_code verify_record(verification *v, const fsm__bytes *bytes, fsm_error *err) {
  fsm_record record;
  fsm_error fault = {0};
  fsm_arena_reset(&v->arena);
  if (fsm_record_decode(&v->arena, bytes->data, bytes->len, &record, &fault)) {
    char text[FSM_TEXT_MAX];
    snprintf(text, sizeof text, "the record cannot be read: %.60s: %.400s", fault.where, fault.text);
    return fail_at_seq(v->chain.next_seq, text, err);
  }
  if (record.seq != v->chain.next_seq)
    return fail_at_seq(v->chain.next_seq, "the record has another seq", err);
  if (!record.prev || memcmp(record.prev, v->chain.leaf.bytes, FSM_HASH_BYTES) != 0)
    return fail_at_seq(v->chain.next_seq,
                       "its prev is not the hash of the record before it: one of the two was altered", err);
  v->chain.leaf = fsm__leaf(bytes->data, bytes->len);
  v->chain.next_seq++;
  v->records++;
  return FSM_OK;
}

static fsm_code verify_batch(verification *v, const uint8_t *data, const fsm__batch_head *head,
                             fsm_error *err) {
  if (head->kind != FSM__BATCH_DATA) return FSM_OK;
  fsm__frames frames;
  fsm__bytes record;
  bool frame_end;
  fsm_code code = FSM_OK;
  fsm__frames_start(&frames, data, head);
  while (!code && fsm__frames_next(&frames, &record, &frame_end)) code = verify_record(v, &record, err);
  return code;
}

/* Up to offset used; of the active segment (used 0) up to the durable seq. */
static fsm_code verify_log(verification *v, const fsm__segment_head *segment, uint64_t used, fsm_error *err) {
  fsm__walk walk;
  fsm__walk_start(&walk, &v->window, segment);
  while (used ? walk.at < used : walk.next_seq <= v->durable) {
    fsm__batch_head head;
    const uint8_t *data = NULL;
    bool valid;
    uint64_t at = walk.at;
    fsm_code code = fsm__walk_next(&walk, &head, &data, &valid, err);
    if (!code && !valid)
      code = fsm_fail(err, FSM_ECORRUPT, fsm__place_of(segment->ordinal, at).text,
                      "the batch at seq %" PRIu64 " is damaged", walk.next_seq);
    if (!code) code = verify_batch(v, data, &head, err);
    if (code) return code;
  }
  v->chain.number = walk.number;
  return FSM_OK;
}

static fsm_code verify_sealed(verification *v, const fsm__segment_head *segment, fsm_error *err) {
  fsm__batch_head batch;
  fsm__footer footer;
  bool intact;
  fsm_code code = fsm__footer_read(&v->window, segment, &batch, &footer, &intact, err);
  fsm__place place = fsm__place_of(segment->ordinal, fsm__log_end(segment->bytes));
  if (!code && !intact)
    code = fsm_fail(err, FSM_ECORRUPT, place.text, "the footer of a sealed segment is missing or damaged");
  if (!code) code = verify_log(v, segment, footer.used, err);
  if (code) return code;
  if (batch.number <= v->chain.number || footer.last_seq + 1 != v->chain.next_seq)
    return fsm_fail(err, FSM_ECORRUPT, place.text, "the footer contradicts its segment");
  if (memcmp(&footer.leaf, &v->chain.leaf, sizeof footer.leaf) != 0)
    return fail_at_seq(footer.last_seq, "its hash is not the one in the footer: the record was altered", err);
  v->chain.number = batch.number;
  return FSM_OK;
}

static fsm_code verify_segment(verification *v, const fsm__segment *segment, fsm_error *err) {
  int fd;
  fsm_code code = fsm__segment_open(v->journal->dir_fd, segment->ordinal, O_RDONLY, &fd, err);
  if (code) return code;
  fsm__segment_head head;
  fsm__window_open(&v->window, fd, segment->ordinal, 0, READ_AHEAD);
  code = fsm__segment_check(&v->window, &v->journal->origin, &v->chain, &head, err);
  if (!code) code = segment->used ? verify_sealed(v, &head, err) : verify_log(v, &head, 0, err);
  close(fd);
  v->chain.epoch = head.origin.epoch;
  return code;
}

/* A copy, for the writer may be adding to it. */
static fsm_code copy_segments(verification *v, fsm__segment **out, size_t *count, fsm_error *err) {
  fsm__journal *journal = v->journal;
  pthread_mutex_lock(&journal->lock);
  *count = journal->segment_count;
  *out = malloc((*count + 1) * sizeof **out);
  if (*out && *count) memcpy(*out, journal->segments, *count * sizeof **out);
  v->chain = fsm__floor_chain(&journal->floor);
  pthread_mutex_unlock(&journal->lock);
  return *out ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "journal", "no memory to verify");
}

fsm_code fsm__journal_verify(fsm__journal *journal, fsm__journal_check *out, fsm_error *err) {
  FSM_ASSERT(journal && out);
  verification v = {.journal = journal};
  fsm__journal_pin(journal);
  v.durable = fsm__journal_durable_seq(journal); /* before the copy, which then holds all of it */
  fsm__segment *segments;
  size_t count;
  fsm_code code = copy_segments(&v, &segments, &count, err);
  if (code) {
    fsm__journal_unpin(journal);
    return code;
  }
  fsm_arena_init(&v.arena, 0);
  size_t checked = 0;
  for (; !code && checked < count; checked++) code = verify_segment(&v, &segments[checked], err);
  if (!code) *out = (fsm__journal_check){v.records, checked, v.chain.next_seq - 1, v.chain.leaf};
  fsm_arena_free(&v.arena);
  fsm__window_free(&v.window);
  free(segments);
  fsm__journal_unpin(journal);
  return code;
}
