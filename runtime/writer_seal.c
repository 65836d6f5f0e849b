/* writer_seal.c: what was decided becomes bytes: seq, chain, encoding, journal, rows; and refusals. */
#include <stdlib.h>
#include <string.h>

#include "runtime/apply.h"
#include "runtime/writer.h"

static bool room_for(fsm__writer *w, size_t count) {
  if (count <= w->records_cap) return true;
  fsm__bytes *records = realloc(w->records, count * sizeof *records);
  if (records != NULL) w->records = records;
  fsm__hash *leaves = realloc(w->leaves, count * sizeof *leaves);
  if (leaves != NULL) w->leaves = leaves;
  if (records == NULL || leaves == NULL) return false;
  w->records_cap = count;
  return true;
}

/* Numbers, links and encodes the frame into w->encoded; offsets first, since the buffer may move. */
static fsm_code seal(fsm__writer *w, fsm__decision *decision, fsm_error *err) {
  uint64_t seq = fsm__journal_next_seq(w->core.journal);
  fsm__hash prev = fsm__journal_head(w->core.journal);
  uint64_t iprev = decision->instance != NULL ? decision->instance->last_seq : 0;
  fsm_buf_reset(&w->encoded);
  for (size_t i = 0; i < decision->count; i++) {
    fsm_record *record = &decision->records[i];
    record->seq = seq + i;
    record->i = (uint16_t)i;
    record->n = (uint16_t)decision->count;
    record->iprev = iprev;
    record->prev = prev.bytes;
    size_t start = w->encoded.len;
    fsm_code code = fsm_record_encode(&w->encoded, record, err);
    if (code != FSM_OK) return code;
    if (!fsm_buf_ok(&w->encoded)) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a record");
    w->records[i] = (fsm__bytes){.len = w->encoded.len - start};
    w->leaves[i] = fsm__leaf(w->encoded.data + start, w->encoded.len - start);
    prev = w->leaves[i];
    iprev = record->seq;
  }
  size_t at = 0;
  for (size_t i = 0; i < decision->count; i++) {
    w->records[i].data = w->encoded.data + at;
    at += w->records[i].len;
  }
  if (w->encoded.len + 8 + 4 * decision->count > FSM_FRAME_BYTES_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "the records of one command are over %d bytes",
                    FSM_FRAME_BYTES_MAX);
  return FSM_OK;
}

static fsm_code journal_and_apply(fsm__writer *w, const fsm__case *at, fsm__decision *decision,
                                  fsm_error *err) {
  fsm_code code = fsm__journal_append(w->core.journal, w->records, w->leaves, decision->count, err);
  if (code == FSM_EBUSY) {
    fsm__writer_commit(w); /* the seqs stay as they are: the next batch goes on with them */
    fsm__writer_sync_wait(w);
    code = fsm__journal_ready(w->core.journal, err);
    if (code == FSM_OK)
      code = fsm__journal_append(w->core.journal, w->records, w->leaves, decision->count, err);
  }
  if (code != FSM_OK) return code;
  for (size_t i = 0; i < decision->count; i++) fsm__meters_record(&w->meters, &decision->records[i]);
  w->batch_open = true;
  w->core.seq = decision->records[decision->count - 1].seq;
  w->core.leaf = w->leaves[decision->count - 1];
  fsm__instance *in = decision->instance;
  const bool waited = in != NULL && in->status != FSM_RUNNING && fsm__status_open(in->status);
  code = fsm__apply_frame(w->core.store, w->core.catalog, decision->records, decision->count, in, at->arena,
                          err);
  if (code == FSM_OK && waited && (in->status == FSM_RUNNING || !fsm__status_open(in->status)))
    fsm__writer_wake(w, in->number); /* one that has ended: messages that waited for it are refused now */
  return code;
}

/* Faults under all commands. A damaged row is not one: whoever touches it is refused, the rest goes on. */
static bool is_fatal(fsm_code code) { return code == FSM_EIO || code == FSM_EVERSION || code == FSM_EFULL; }

/* What an operator asked for and cannot be stored is refused. What a retry or a skip led to is the machine's.
 */
static bool may_park(fsm_command_kind kind) {
  return kind < FSM_CMD_ADMIN_FIRST || kind == FSM_CMD_RETRY || kind == FSM_CMD_SKIP;
}

void fsm__writer_settle(fsm__writer *w, const fsm__case *at, fsm__decision *decision,
                        const fsm_error *fault) {
  const fsm_error why = *fault;
  fsm_error err;
  if (is_fatal(why.code)) fsm__writer_fatal(w, &why);
  const bool rejected = decision->count > 0 && decision->records[0].kind == FSM_RECORD_REJECTED;
  const fsm_value idem = decision->count > 0 ? decision->records[0].idem : fsm_null();
  decision->refusal = why;
  decision->count = 0;
  const bool made = decision->created || (decision->instance != NULL && decision->instance->last_seq == 0);
  decision->created = false;
  bool park = may_park(at->command->kind) && why.code != FSM_ENOMEM && why.code != FSM_ECORRUPT &&
              !rejected && decision->instance != NULL && decision->instance->last_seq != 0;
  if (made) { /* it would have been: there is no such instance */
    decision->instance = NULL;
    decision->instance_id = decision->status = NULL;
    decision->from = decision->to = fsm_null();
    decision->rev = 0;
  }
  if (!park) return;
  if (fsm__decide_incident(at, decision, why.code, decision->refusal.text, &err) != FSM_OK)
    decision->count = 0;
  if (decision->count == 0) return;
  decision->records[0].idem = idem;
  decision->records[0].msg = decision->consumes;
}

/* Nothing of it was journalled: the instance is what it was. */
static void take_back(fsm__decision *decision, const fsm_error *why) {
  const fsm__instance *in = decision->instance;
  decision->refusal = *why;
  decision->count = 0;
  decision->created = false;
  decision->to = decision->from;
  decision->rev = in != NULL ? in->rev : 0;
  decision->status = in != NULL ? fsm__status_name(in->status) : NULL;
}

fsm_code fsm__writer_seal(fsm__writer *w, const fsm__case *at, fsm__decision *decision, fsm_error *err) {
  if (!room_for(w, decision->count)) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a frame");
  fsm_code code = seal(w, decision, err);
  if (code == FSM_OK || code == FSM_ENOMEM) return code;
  fsm_error why = *err;
  fsm__writer_settle(w, at, decision, &why);
  return decision->count > 0 ? seal(w, decision, err) : FSM_OK;
}

void fsm__writer_take(fsm__writer *w, const fsm__case *at, fsm__decision *decision) {
  fsm_error err;
  fsm_code code = fsm__writer_seal(w, at, decision, &err);
  bool sealed = code == FSM_OK && decision->count > 0;
  if (sealed) code = journal_and_apply(w, at, decision, &err);
  if (sealed && code == FSM_EFULL) { /* the batch before was the last that fitted */
    w->full = true;
    w->full_reason = err;
  }
  if ((sealed && code == FSM_EFULL) || (!sealed && code == FSM_ENOMEM)) { /* nothing of it is journalled */
    take_back(decision, &err);
    return;
  }
  if (code != FSM_OK) fsm__writer_fatal(w, &err);
}

/* ---- refusals ----------------------------------------------------------------------------------- */

static const char *actor_of(fsm_arena *arena, const fsm_command *command) {
  const fsm_value *sub = fsm_map_get(&command->actor, "sub");
  const char *text =
      sub != NULL && fsm_is(sub, FSM_STRING) ? fsm_arena_strndup(arena, sub->s, sub->len) : NULL;
  return text != NULL ? text : "";
}

static bool is_admin(fsm_command_kind kind) {
  return kind >= FSM_CMD_ADMIN_FIRST && kind <= FSM_CMD_ADMIN_LAST;
}

static fsm_value detail_with_text(fsm_arena *arena, const fsm__decision *decision) {
  fsm_pair *pairs = fsm_arena_alloc(arena, 2 * sizeof *pairs);
  fsm_value patch, out;
  if (pairs == NULL) return decision->detail;
  pairs[0] = (fsm_pair){fsm_string("text"), fsm_string(decision->refusal.text)};
  pairs[1] = (fsm_pair){fsm_string("where"), fsm_string(decision->refusal.where)};
  if (fsm_map(pairs, 2, &patch, NULL) != FSM_OK) return decision->detail;
  fsm_value base = fsm_is(&decision->detail, FSM_MAP) ? decision->detail : fsm_map_empty();
  return fsm_map_merge(arena, &base, &patch, &out) == FSM_OK ? out : decision->detail;
}

/* A start that is refused makes no instance, but its machine is known. */
static void about_machine(const fsm__writer *w, const fsm__decision *decision, fsm_record *record) {
  const fsm__deployed *deployed = fsm__catalog_find(w->core.catalog, decision->machine, decision->version);
  if (deployed == NULL) return;
  record->mach = deployed->id;
  record->def = deployed->hash.bytes;
  record->defv = deployed->version;
  if (deployed->definition != NULL) record->level = fsm_definition_level(deployed->definition);
}

bool fsm__writer_refusal_draft(fsm__writer *w, const fsm__case *at, fsm__decision *decision, bool brief) {
  const fsm_error answer = decision->refusal;
  fsm_record *record = fsm__decision_record(at, decision, FSM_RECORD_REJECTED);
  if (record == NULL) return false;
  if (brief) decision->detail = fsm_null();
  record->outcome = FSM_REFUSED;
  record->reason = fsm_code_name(answer.code);
  record->trigger = at->command->event;
  record->cause = is_admin(at->command->kind) ? FSM_CAUSE_ADMIN : FSM_CAUSE_EXTERNAL;
  if (!brief) record->data = at->command->data;
  if (decision->instance != NULL) {
    record->from = record->to = decision->from;
    record->tr = fsm_list(NULL, 0);
  } else {
    about_machine(w, decision, record);
  }
  record->detail = detail_with_text(at->arena, decision);
  return true;
}

/* A record of its own. */
static bool own_record(fsm__writer *w, const fsm__case *at, fsm__decision *decision, bool brief) {
  const fsm_error answer = decision->refusal;
  const fsm_value detail = decision->detail;
  if (!fsm__writer_refusal_draft(w, at, decision, brief)) return false;
  fsm__writer_take(w, at, decision);
  decision->refusal = answer;
  decision->detail = detail;
  return decision->count > 0;
}

/* Refusals of known instances, not of task answers, are worth a record of their own; and whoever was not
 * permitted what is known, but for a claim, which asks for any task and passes over those. */
bool fsm__writer_refusal_is_worth(const fsm_command *command, const fsm__decision *decision) {
  if (decision->refusal.code == FSM_EPERMISSION) return decision->machine != NULL && !command->claim;
  return decision->instance != NULL && (command->kind == FSM_CMD_SEND || is_admin(command->kind));
}

void fsm__writer_refusal(fsm__writer *w, const fsm__case *at, fsm__decision *decision) {
  const fsm_command *command = at->command;
  const char *actor = actor_of(at->arena, command);
  w->core.refused++;
  const bool admin = is_admin(command->kind);
  if (decision->refusal.code == FSM_ETASK && !admin) {
    fsm__writer_late(w, command->token);
    return;
  }
  if (fsm__writer_refusal_is_worth(command, decision) &&
      fsm__refusals_own(w->refusals, actor, decision->machine, at->time_ns) &&
      (own_record(w, at, decision, false) || (!w->full && own_record(w, at, decision, true))))
    return;
  fsm__writer_mask(w, at->arena, decision); /* a sum has no machine's name on it that would mask it later */
  bool raw = command->kind == FSM_CMD_REFUSED && fsm_is(&command->data, FSM_STRING);
  const char *excerpt = raw ? fsm_arena_strndup(at->arena, command->data.s, command->data.len) : NULL;
  fsm__refusals_count(w->refusals, decision->refusal.code, decision->machine ? decision->machine : "", actor,
                      excerpt ? excerpt : decision->refusal.text, at->time_ns);
}

/* False when there was no room or no memory for it. */
static bool write_sum(fsm__writer *w, const fsm__refusal_sum *sum) {
  static const fsm_command none = {.kind = FSM_CMD_REFUSED, .expect_rev = -1};
  fsm__case at = fsm__writer_case(w, &w->internal, &none, 0);
  fsm__decision decision = {.count = 0};
  fsm_record *record = fsm__decision_record(&at, &decision, FSM_RECORD_REJECTED);
  fsm_pair *pairs = fsm_arena_alloc(&w->internal, 4 * sizeof *pairs),
           *actor = fsm_arena_alloc(&w->internal, sizeof *actor);
  if (record == NULL || pairs == NULL || actor == NULL) return false;
  pairs[0] = (fsm_pair){fsm_string("count"), fsm_int((int64_t)sum->count)};
  pairs[1] = (fsm_pair){fsm_string("first"), fsm_int(sum->first_ns)};
  pairs[2] = (fsm_pair){fsm_string("last"), fsm_int(sum->last_ns)};
  pairs[3] = (fsm_pair){fsm_string("excerpt"), fsm_string(sum->excerpt)};
  *actor = (fsm_pair){fsm_string("sub"), fsm_string(sum->actor)};
  record->outcome = FSM_REFUSED;
  record->reason = sum->mixed ? "other" : fsm_code_name(sum->reason);
  record->mach = sum->machine[0] != '\0' ? sum->machine : NULL;
  if (sum->actor[0] != '\0' && fsm_map(actor, 1, &record->act, NULL) != FSM_OK) return false;
  if (fsm_map(pairs, 4, &record->detail, NULL) != FSM_OK) return false;
  fsm__writer_take(w, &at, &decision);
  return decision.count > 0;
}

void fsm__writer_flush_refusals(fsm__writer *w, bool all) {
  fsm__refusal_sum sum;
  while (!w->full && fsm__refusals_take(w->refusals, w->core.last_time_ns, all, &sum)) {
    if (write_sum(w, &sum)) continue;
    fsm__refusals_return(w->refusals, &sum);
    break;
  }
}
