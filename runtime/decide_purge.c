/* decide_purge.c: how long an instance that has ended is kept, and when it leaves the store.
 *
 * meta.fsm.keep of its machine says how long; without it an instance is kept for ever. The record of its end
 * says until when: never before its idempotency keys are over, for a repeated command is promised the first
 * answer. An instance of many rows goes in parts, one a turn, so that nothing stalls. Its records stay in the
 * journal. */
#include "runtime/decide.h"

#define FSM_MESSAGES_WAIT_NS ((int64_t)3600 * 1000000000) /* for its messages to be delivered, then again */

unsigned fsm__decision_keep(const fsm__case *at, const fsm__instance *in, fsm_pair *out) {
  int64_t keep_ns = fsm_definition_keep_ns(in->deployed->definition), until;
  if (keep_ns <= 0) return 0;
  if ((in->idem_rows > 0 || at->command->idem != NULL) && keep_ns < FSM_IDEM_TTL_NS)
    keep_ns = FSM_IDEM_TTL_NS;
  if (__builtin_add_overflow(at->time_ns, keep_ns, &until)) return 0;
  *out = (fsm_pair){fsm_string("keep_until"), fsm_int(until)};
  return 1;
}

/* Rows of the instance but its own, counted up to one more than a part has; *waits: messages are among them.
 */
static fsm_code count_rows(const fsm__case *at, uint64_t number, unsigned *count, bool *waits,
                           fsm_error *err) {
  fsm__key prefix = {.len = 0};
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code = FSM_OK;
  fsm__key_u64(&prefix, number);
  *count = 0;
  *waits = false;
  fsm__range_open(&range, at->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while (*count <= FSM_PURGE_ROWS_MAX && (code = fsm__range_next(&range, &row, &found, err)) == FSM_OK &&
         found) {
    const char type = row.key_len > 8 ? ((const char *)row.key)[8] : 's';
    if (type == 's') continue;
    (*count)++;
    *waits |= type == 'm';
  }
  fsm__range_close(&range);
  return *count > FSM_PURGE_ROWS_MAX ? FSM_OK : code;
}

fsm_code fsm__decide_purge(const fsm__case *at, uint64_t number, int64_t due_ns, fsm__decision *out,
                           fsm_error *err) {
  fsm__instance *in = fsm_arena_alloc(at->arena, sizeof *in);
  unsigned rows = 0;
  bool waits = false;
  *out = (fsm__decision){.correlation = at->command->correlation};
  if (in == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an instance");
  fsm_code code = fsm__instance_load(at->store, at->catalog, number, at->arena, in, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  if (code == FSM_OK) code = count_rows(at, number, &rows, &waits, err);
  if (code != FSM_OK || fsm__status_open(in->status)) return code;
  fsm__decision_about(out, in, at->arena);
  out->correlation = in->corr;
  fsm_pair pairs[3] = {{fsm_string("due"), fsm_int(due_ns)}};
  const bool part = waits || rows > FSM_PURGE_ROWS_MAX;
  pairs[1] = (fsm_pair){fsm_string("rows"), fsm_int(waits ? 0 : part ? FSM_PURGE_ROWS_MAX : rows)};
  pairs[2] =
      (fsm_pair){fsm_string("next"), fsm_int(waits ? at->time_ns + FSM_MESSAGES_WAIT_NS : at->time_ns)};
  fsm_record *record = fsm__decision_record(at, out, FSM_RECORD_PURGED);
  if (record == NULL || !fsm__decision_map(at->arena, pairs, part ? 3 : 2, &record->detail))
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for a record");
  record->cause = FSM_CAUSE_ADMIN;
  out->rev = record->rev = in->rev + 1;
  return FSM_OK;
}
