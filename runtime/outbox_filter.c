/* outbox_filter.c: what a sink gets at all, and what of it may be seen. A record is decoded only when its
 * level, a `where` or a route asks for it; then the format has it for nothing. */
#include <stdio.h>
#include <string.h>

#include "runtime/outbox_impl.h"

fsm_code fsm__filter_new(fsm__outbox *o, fsm_error *err) {
  const fsm__sink_config *config = o->config;
  fsm_error fault;
  o->filtered = config->routed || config->level > 0 || config->where != NULL;
  if (config->where == NULL) return FSM_OK;
  fsm_code code = fsm__where_read(&o->kept, config->where, strlen(config->where), &o->where, &fault);
  if (code == FSM_OK) return FSM_OK;
  return fsm_fail(err, code, o->sink->name, "where, %.60s: %s", fault.where, fault.text);
}

void fsm__filter_free(fsm__outbox *o) {
  fsm_arena_free(&o->arena);
  fsm_arena_free(&o->kept);
}

/* Whose masks are not known is shown to nobody. */
static void find_mask(fsm__outbox *o, const uint8_t *def, fsm__wanted *out) {
  fsm_error fault;
  if (o->masks == NULL || def == NULL) return;
  out->code = fsm__masks_find(o->masks, def, &out->mask, &fault);
  if (out->code == FSM_OK) return;
  snprintf(out->text, sizeof out->text, "what of it is personal is not known: %.110s", fault.text);
}

static fsm_code where_matches(fsm__outbox *o, const fsm_record *record, const fsm_origin *origin, bool *is,
                              uint64_t *faults, fsm_error *err) {
  fsm_error fault;
  if (o->where == NULL) return FSM_OK;
  fsm_code code = fsm__where_matches(o->where, record, origin, &o->arena, is, &fault);
  if (code == FSM_OK) return FSM_OK;
  if (code == FSM_ENOMEM) return fsm_fail(err, code, fault.where, "%s", fault.text);
  ++*faults;
  *is = false;
  return FSM_OK;
}

/* In the order of what it costs. */
static fsm_code look(fsm__outbox *o, const fsm_record *record, const fsm_origin *origin, bool *is,
                     fsm_error *err) {
  uint64_t faults = 0;
  fsm_code code = FSM_OK;
  *is = record->level >= o->config->level;
  if (*is && o->config->routed && o->routing == NULL) *is = false;
  if (*is && o->config->routed)
    code = fsm__routing_gives(o->routing, o->sink->name, record, origin, &o->arena, is, &faults, err);
  if (code == FSM_OK && *is) code = where_matches(o, record, origin, is, &faults, err);
  if (faults == 0) return code;
  pthread_mutex_lock(&o->lock);
  o->status.where_faults += faults;
  pthread_mutex_unlock(&o->lock);
  return code;
}

/* Of one that comes anyway only the mask is asked for; false: there is more to it. */
static bool glance(fsm__outbox *o, const fsm__journal_entry *entry, fsm__wanted *out) {
  fsm_record_brief brief;
  if (fsm_record_peek(entry->record.data, entry->record.len, &brief) != FSM_OK) return false;
  if (brief.kind == FSM_RECORD_ROUTE) return false;
  find_mask(o, brief.def, out);
  return true;
}

fsm_code fsm__outbox_wants(fsm__outbox *o, const fsm__journal_entry *entry, fsm__wanted *out,
                           fsm_error *err) {
  *out = (fsm__wanted){.is = true};
  if (!o->filtered && (o->masks == NULL || glance(o, entry, out))) return FSM_OK;
  fsm_arena_reset(&o->arena);
  fsm_record *record = fsm_arena_alloc(&o->arena, sizeof *record);
  if (record == NULL) return fsm_fail(err, FSM_ENOMEM, o->sink->name, "no memory for a record");
  fsm_code code = fsm_record_decode(&o->arena, entry->record.data, entry->record.len, record, err);
  if (code != FSM_OK) return code;
  fsm_origin origin = o->origin;
  origin.epoch = entry->epoch;
  out->record = record;
  /* Each outbox tells of the routes that it comes by, so that none is ahead of what its records need. */
  if (o->routing != NULL) code = fsm__routing_note(o->routing, record, err);
  if (code != FSM_OK) return code;
  if (o->filtered) code = look(o, record, &origin, &out->is, err);
  if (code == FSM_OK && out->is) find_mask(o, record->def, out);
  return code;
}
