/* past_others.c: what other instances have of one as it was: the task of its parent, and which of its
 * messages they had consumed. See past.h. */
#include <string.h>

#include "runtime/apply.h"
#include "runtime/past_impl.h"

/* Messages that others have consumed since: their frames say so. Theirs is the correlation of the message. */
static fsm_code consume(const fsm__past *past, fsm__kept *kept, const fsm__send *send, unsigned *looked,
                        fsm_error *err) {
  fsm__kept_walk walk;
  fsm_arena scratch;
  fsm_arena_init(&scratch, 0);
  fsm_code code =
      fsm__kept_find(kept, FSM__FIND_CORRELATION, send->corr, send->seq, past->seq + 1, &walk, err);
  for (bool found = true; code == FSM_OK && found;) {
    fsm__journal_entry entry;
    fsm_record record;
    code = fsm__kept_next(&walk, &entry, &found, err);
    if (code != FSM_OK || !found) break;
    code = fsm__past_look(looked, past->in.id, err);
    if (code == FSM_OK) code = fsm__past_decode(&scratch, &entry, &record, err);
    if (code == FSM_OK) code = fsm__apply_consumed(past->store, &record, &scratch, err);
    fsm_arena_reset(&scratch);
  }
  fsm__kept_end(&walk);
  fsm_arena_free(&scratch);
  return code;
}

/* The correlations of messages that seem to wait, each looked through once from its first message on. */
fsm_code fsm__past_consume(const fsm__past *past, fsm__kept *kept, fsm_error *err) {
  const fsm__key prefix = fsm__key_instance(past->in.number, 'm', NULL, 0);
  fsm_arena *arena = kept->at->arena;
  fsm__items done = {.arena = arena};
  fsm__range range;
  fsm__row row;
  unsigned looked = 0;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, past->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    fsm__send send;
    bool known = false;
    code = fsm__send_read(&row, arena, &send, err);
    if (code != FSM_OK) break;
    for (unsigned i = 0; i < done.count; i++) known = known || fsm_is_text(&done.items[i], send.corr);
    if (known || send.corr[0] == '\0') continue;
    code = consume(past, kept, &send, &looked, err);
    if (code != FSM_OK) break;
    fsm__items_add(&done, fsm_string(send.corr));
  }
  fsm__range_close(&range);
  return code == FSM_OK && done.failed ? fsm__past_nomem(err) : code;
}

/* Does this record consume a message that the instance had sent before `first`? */
static fsm_code takes(fsm__kept *kept, const char *id, uint64_t first, uint64_t seq, bool *yes,
                      fsm_error *err) {
  fsm__journal_entry entry;
  fsm_record record;
  fsm_arena scratch;
  fsm_arena_init(&scratch, 0);
  fsm_code code = fsm__kept_read(kept, seq, &entry, err);
  if (code == FSM_OK) code = fsm__past_decode(&scratch, &entry, &record, err);
  const fsm_value *own =
      code == FSM_OK && fsm_is(&record.msg, FSM_MAP) ? fsm_map_get(&record.msg, "id") : NULL;
  const char *text =
      own != NULL && fsm_is(own, FSM_STRING) ? fsm_arena_strndup(&scratch, own->s, own->len) : NULL;
  *yes = text != NULL && fsm_is_text(fsm_map_get(&record.msg, "from"), id) && fsm__send_seq(text) < first;
  fsm_arena_free(&scratch);
  return code;
}

fsm_code fsm__past_consumed(fsm__kept *kept, const char *id, uint64_t first, uint64_t moment, uint64_t *last,
                            fsm_error *err) {
  const size_t len = strlen(id);
  uint64_t bytes = 0, next = moment + 1 > kept->here ? moment + 1 : kept->here;
  *last = 0;
  for (bool found = true; bytes <= FSM_PAST_BYTES_MAX;) {
    fsm__journal_block block;
    fsm_code code = fsm__query_wanted(kept->at->query, err);
    fsm__journal_cursor_seek(kept->cursor, next);
    if (code == FSM_OK) code = fsm__journal_next_block(kept->cursor, &block, &found, err);
    if (code != FSM_OK || !found) return code;
    const uint64_t end = block.first_seq + block.records;
    bytes += block.len;
    const bool named = memmem(block.batch, block.len, id, len) != NULL;
    for (; named && next < end && code == FSM_OK; next++) {
      bool yes = false;
      code = takes(kept, id, first, next, &yes, err);
      if (yes) *last = next;
    }
    if (code != FSM_OK) return code;
    next = end;
  }
  return FSM_OK;
}

/* A record by its seq; *there false: it is not kept. */
static fsm_code read(fsm__kept *kept, uint64_t seq, fsm_record *out, bool *there, fsm_error *err) {
  fsm__journal_entry entry;
  *there = seq >= kept->first;
  if (!*there) return FSM_OK;
  fsm_code code = fsm__kept_read(kept, seq, &entry, err);
  return code == FSM_OK ? fsm__past_decode(kept->at->arena, &entry, out, err) : code;
}

/* Who had that number: its row of now, or the record that the child names. NULL: neither is there any more.
 */
static fsm_code parent_id(const fsm__past *past, fsm__kept *kept, uint64_t number, const char **id,
                          fsm_error *err) {
  const fsm__reading *at = kept->at;
  fsm__instance parent;
  fsm_record record;
  bool there = false;
  *id = NULL;
  fsm_code code = fsm__instance_load(at->core->store, at->core->catalog, number, at->arena, &parent, err);
  if (code == FSM_OK) *id = parent.id;
  if (code != FSM_ENOTFOUND) return code;
  code = read(kept, past->in.created_seq, &record, &there, err);
  const char *dot = code == FSM_OK && there && record.parent != NULL ? strrchr(record.parent, '.') : NULL;
  uint64_t seq = 0;
  if (dot == NULL || !fsm__query_seq(dot + 1, &seq) || seq >= past->in.created_seq) return code;
  code = read(kept, seq, &record, &there, err);
  if (code == FSM_OK && there) *id = record.inst;
  return code;
}

/* Its rows beside those of the instance, under the number that the child knows it by. */
fsm_code fsm__past_add_parent(fsm__past *past, fsm__kept *kept, fsm_error *err) {
  const uint64_t number = fsm__key_read_u64(past->in.parent), seq = past->seq;
  fsm__past_replay r = {.kept = kept, .past = past, .number = number};
  fsm_code code = parent_id(past, kept, number, &r.id, err);
  if (code != FSM_OK || r.id == NULL) return code;
  code = fsm__past_replay_run(&r, err);
  if (code == FSM_OK && r.headless && fsm__kept_reaches(kept)) {
    fsm__past_replay_end(&r);
    r = (fsm__past_replay){.kept = kept, .past = past, .id = r.id, .number = number};
    code = fsm__kept_reach(kept, err);
    if (code == FSM_OK) code = fsm__past_replay_run(&r, err);
  }
  const bool headless = r.headless;
  fsm__past_replay_end(&r);
  past->seq = seq; /* a child is never of its parent's frame */
  if (code == FSM_OK && headless)
    return fsm_fail(err, FSM_ENOTFOUND, "as_of",
                    "archived: the first records of its parent \"%s\" are not kept here", r.id);
  return code;
}
