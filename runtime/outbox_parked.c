/* outbox_parked.c: records that are parked. The list that stands is the file's: a draft takes its place
 * only when it is on the disk, and the cursor passes a parked record only after that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/outbox_impl.h"
#include "schema/utf8.h"

/* ---- drafts ---- */

fsm_code fsm__draft_new(const fsm__outbox *o, fsm__draft *out, fsm_error *err) {
  out->list = malloc(FSM_PARKED_MAX * sizeof *out->list);
  out->count = o->parked_count;
  if (out->list == NULL) return fsm_fail(err, FSM_ENOMEM, o->sink->name, "no memory for the parked records");
  memcpy(out->list, o->parked, out->count * sizeof *out->list);
  return FSM_OK;
}

void fsm__draft_free(fsm__draft *draft) { free(draft->list); }

/* Where it is, or belongs. */
static size_t place_of(const fsm__parked *list, size_t count, uint64_t seq) {
  size_t from = 0, to = count;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (list[middle].seq < seq)
      from = middle + 1;
    else
      to = middle;
  }
  return from;
}

const fsm__parked *fsm__parked_find(const fsm__outbox *o, uint64_t seq) {
  size_t i = place_of(o->parked, o->parked_count, seq);
  return i < o->parked_count && o->parked[i].seq == seq ? &o->parked[i] : NULL;
}

bool fsm__outbox_is_parked(const fsm__outbox *o, const fsm__journal_entry *entry) {
  const fsm__parked *p = fsm__parked_find(o, entry->seq);
  return p != NULL && p->epoch == entry->epoch;
}

fsm_code fsm__draft_add(fsm__draft *draft, const char *sink, uint64_t seq, uint32_t epoch, fsm_code code,
                        const char *text, fsm_error *err) {
  size_t i = place_of(draft->list, draft->count, seq);
  fsm__parked *p = &draft->list[i];
  bool again = i < draft->count && p->seq == seq;
  if (!again && draft->count == FSM_PARKED_MAX)
    return fsm_fail(
        err, FSM_EQUOTA, sink,
        "record %llu is refused (%.120s), and %d are parked already: mend what refuses them, then "
        "retry or drop those",
        (unsigned long long)seq, text, FSM_PARKED_MAX);
  if (!again) memmove(p + 1, p, (draft->count++ - i) * sizeof *p);
  if (!again || p->epoch != epoch) *p = (fsm__parked){.seq = seq, .epoch = epoch, .time_ns = fsm__wall_ns()};
  p->tries++;
  p->code = code;
  (void)snprintf(p->text, sizeof p->text, "%.255s", text);
  fsm__utf8_mend(p->text);
  return FSM_OK;
}

bool fsm__draft_remove(fsm__draft *draft, uint64_t seq) {
  size_t i = place_of(draft->list, draft->count, seq);
  if (i == draft->count || draft->list[i].seq != seq) return false;
  memmove(&draft->list[i], &draft->list[i + 1], (--draft->count - i) * sizeof *draft->list);
  return true;
}

fsm_code fsm__draft_keep(fsm__outbox *o, fsm__draft *draft, fsm_error *err) {
  fsm_code code = fsm__parked_save(o->dir, o->sink->name, draft->list, draft->count, err);
  if (code != FSM_OK) return code;
  pthread_mutex_lock(&o->lock);
  fsm__parked *before = o->parked;
  o->parked = draft->list;
  o->parked_count = o->status.parked = draft->count;
  pthread_mutex_unlock(&o->lock);
  free(before);
  draft->list = NULL;
  return FSM_OK;
}

/* ---- what comes out of the window ---- */

/* A record of what befell this very sink, or of what another one parked: to tell of its being parked would
 * make another, without end, also between two sinks that take nothing. */
static bool is_echo(fsm__outbox *o, uint64_t seq) {
  fsm__journal_entry entry;
  fsm_record_brief brief;
  fsm_record record;
  fsm_arena arena;
  if (fsm__outbox_read(o, seq, &entry, NULL) != FSM_OK) return false;
  if (fsm_record_peek(entry.record.data, entry.record.len, &brief) != FSM_OK) return false;
  if (brief.kind != FSM_RECORD_ADMIN) return false;
  fsm_arena_init(&arena, 0);
  bool is = fsm_record_decode(&arena, entry.record.data, entry.record.len, &record, NULL) == FSM_OK;
  if (is) {
    const fsm_value *command = fsm_map_get(&record.detail, "command");
    const fsm_value *sink = fsm_map_get(&record.detail, "sink");
    const fsm_value *what = fsm_map_get(&record.detail, "what");
    is = command != NULL && sink != NULL && what != NULL && fsm_is_text(command, "sink") &&
         (fsm_is_text(sink, o->sink->name) || fsm_is_text(what, "parked"));
  }
  fsm_arena_free(&arena);
  return is;
}

static void tell(fsm__outbox *o, const fsm__flight *f) {
  fsm__note note = {.count = 0};
  if (is_echo(o, f->seq)) return;
  fsm__note_u64(&note, "seq", f->seq);
  fsm__note_text(&note, "code", fsm_code_name(f->code));
  fsm__note_text(&note, "text", f->text != NULL ? f->text : fsm_code_text(f->code));
  fsm__outbox_tell(o, "parked", &note, NULL, NULL);
}

static bool is_taken(const fsm__flight *f) { return (atomic_load(&f->mark) & 3) == FSM__TAKEN; }

fsm_code fsm__outbox_park_run(fsm__outbox *o, uint64_t *end, fsm_error *err) {
  fsm__draft draft;
  fsm_code full = FSM_OK;
  uint64_t first = *end; /* of what changes the list */
  bool changed = false;
  fsm_code code = fsm__draft_new(o, &draft, err);
  if (code != FSM_OK) {
    *end = o->oldest;
    return code;
  }
  for (uint64_t ticket = o->oldest; ticket < *end; ticket++) {
    const fsm__flight *f = &o->flights[ticket & o->mask];
    if (is_taken(f)) {
      if (f->repair) changed = fsm__draft_remove(&draft, f->seq) || changed;
      continue;
    }
    if (ticket < first) first = ticket;
    const char *text = f->text != NULL ? f->text : fsm_code_text(f->code);
    full = fsm__draft_add(&draft, o->sink->name, f->seq, f->epoch, f->code, text, err);
    if (full != FSM_OK) *end = ticket;
    changed = changed || full == FSM_OK;
  }
  if (changed) code = fsm__draft_keep(o, &draft, err);
  if (code != FSM_OK && first < *end) *end = first; /* what is not on the disk is not passed */
  for (uint64_t ticket = first; code == FSM_OK && ticket < *end; ticket++)
    if (!is_taken(&o->flights[ticket & o->mask])) tell(o, &o->flights[ticket & o->mask]);
  fsm__draft_free(&draft);
  return code != FSM_OK ? code : full;
}
