/* writer_message.c: messages between instances that are due, each a command of the runtime's own.
 *
 * One whose target is paused or parked is held in a list in memory until that runs again; after a restart the
 * scan of the due table starts from the front and finds them all. */
#include <stdlib.h>
#include <string.h>

#include "runtime/sends.h"
#include "runtime/writer_due.h"

/* ---- held --------------------------------------------------------------------------------------- */

static void hold(fsm__writer *w, const fsm__due *due, uint64_t target) {
  if (w->held_count == w->held_cap) {
    const size_t cap = w->held_cap ? w->held_cap * 2 : 16;
    fsm__held *grown = realloc(w->held, cap * sizeof *grown);
    if (grown == NULL) return fsm__due_look_again(w);
    w->held = grown;
    w->held_cap = cap;
  }
  char *id = strdup(due->id);
  if (id == NULL) return fsm__due_look_again(w);
  w->held[w->held_count++] = (fsm__held){
      .target = target, .sender = due->number, .order = due->order, .due_ns = due->due_ns, .id = id};
}

void fsm__due_hold(fsm__writer *w, const fsm__key *key, uint64_t target) {
  fsm__due due;
  if (!fsm__due_read(w, key->bytes, key->len, &w->internal, &due)) return fsm__due_look_again(w);
  hold(w, &due, target);
}

bool fsm__due_held(const fsm__writer *w, uint64_t target, size_t *at, fsm__key *due) {
  while (*at < w->held_count && w->held[*at].target != target) ++*at;
  if (*at == w->held_count) return false;
  const fsm__held *held = &w->held[(*at)++];
  const fsm__send send = {
      .due_ns = held->due_ns, .seq = held->order >> 16, .place = (uint16_t)held->order, .id = held->id};
  *due = fsm__key_due_send(held->sender, &send);
  return true;
}

void fsm__due_let_go(fsm__writer *w, size_t at) {
  FSM_ASSERT(at < w->held_count);
  free(w->held[at].id);
  w->held[at] = w->held[--w->held_count];
}

void fsm__due_let_all_go(fsm__writer *w) {
  for (size_t i = 0; i < w->held_count; i++) free(w->held[i].id);
  w->held_count = 0;
}

/* One of its sender is held for an instance that is about to look at it: this one comes behind it. */
static bool is_behind(fsm__writer *w, const fsm__due *due) {
  for (size_t i = 0; i < w->held_count && w->woken_count > 0; i++) {
    if (w->held[i].sender != due->number) continue;
    for (size_t k = 0; k < w->woken_count; k++) {
      if (w->woken[k].number != w->held[i].target) continue;
      hold(w, due, w->held[i].target);
      return true;
    }
  }
  return false;
}

/* ---- delivered ---------------------------------------------------------------------------------- */

/* Nothing of it is on record: its target, which the decision was about, is paused, parked or was just parked.
 */
static bool waits(const fsm__decision *decision) {
  const fsm_code code = decision->refusal.code;
  if (decision->instance == NULL) return false;
  if (decision->count == 0) return code == FSM_EPAUSED || code == FSM_EINCIDENT;
  return !fsm_is(&decision->records[0].msg, FSM_MAP);
}

/* What it led to was decided and could not be stored. */
static bool is_lost(const fsm__decision *decision) {
  const fsm_code code = decision->refusal.code;
  return decision->count == 0 && code != FSM_OK && code != FSM_ENOMEM && code != FSM_EFULL &&
         code != FSM_ECORRUPT && code != FSM_EPAUSED && code != FSM_EINCIDENT;
}

static void deliver(fsm__writer *w, const fsm__due *due, const fsm__send *send, const char *cause) {
  fsm_error err;
  fsm_command command = fsm__by_time;
  command.causation = cause;
  command.correlation = send->corr;
  command.trace = send->trace;
  command.event = send->event[0] != '\0' ? send->event : NULL;
  fsm__case at = fsm__writer_case(w, &w->internal, &command, 0);
  fsm__decision *decision = fsm_arena_zalloc(&w->internal, 1, sizeof *decision);
  if (decision == NULL) return fsm__due_look_again(w);
  fsm_code code = fsm__decide_message(&at, due->number, send, decision, &err);
  fsm__due_take(w, &at, decision, code, &err);
  if (is_lost(decision)) {
    const fsm_error why = decision->refusal;
    at = fsm__writer_case(w, &w->internal, &command, 0);
    code = fsm__decide_message_failed(&at, due->number, send, &why, decision, &err);
    fsm__due_take(w, &at, decision, code, &err);
  }
  if (waits(decision)) hold(w, due, decision->instance->number);
  if (decision->count > 0 && decision->records[0].kind == FSM_RECORD_REJECTED) w->core.refused++;
}

void fsm__due_message(fsm__writer *w, const fsm__due *due) {
  fsm_error err;
  fsm__send send;
  if (is_behind(w, due)) return;
  fsm_code code = fsm__send_load(w->core.store, due->number, due->id, &w->internal, &send, &err);
  if (code == FSM_EIO) fsm__writer_fatal(w, &err);
  char *cause = fsm_arena_alloc(&w->internal, FSM_CORRELATION_MAX);
  if (code == FSM_ENOMEM || cause == NULL) return fsm__due_look_again(w);
  if (code != FSM_OK) return; /* consumed or taken back meanwhile, or damaged: then it is left */
  fsm_record_id(&w->core.origin, send.seq, cause, FSM_CORRELATION_MAX);
  deliver(w, due, &send, cause);
}
