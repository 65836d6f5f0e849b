/* sends.c: effects that concern other instances, as the `sends` of a record. See sends.h.
 *
 * Ids are the record's seq and a place in it, so that they sort as they were sent: what one instance sends
 * another at one time arrives in order. */
#include <string.h>

#include "runtime/sends.h"

/* What a record is going to send. */
typedef struct sending {
  const fsm__case *at;
  fsm__decision *out;
  uint64_t seq;
  fsm_value *items;
  unsigned count, cap;
} sending;

typedef struct draft {
  fsm__send_kind kind;
  const char *to, *event; /* event NULL = none */
  const fsm_value *data;  /* NULL = none */
  const uint8_t *token;   /* NULL = none */
  int64_t due_ns;         /* -1 = at once */
  fsm_value about;
} draft;

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a message"); }

static sending sending_of(const fsm__case *at, fsm__decision *out, uint64_t seq, const fsm_record *record) {
  const bool has = fsm_is(&record->sends, FSM_LIST);
  return (sending){.at = at,
                   .out = out,
                   .seq = seq,
                   .items = has ? (fsm_value *)(uintptr_t)record->sends.items : NULL,
                   .count = has ? record->sends.len : 0,
                   .cap = has ? record->sends.len : 0};
}

static fsm_code add(sending *s, const fsm_pair *pairs, size_t count, fsm_error *err) {
  if (s->count == s->cap) {
    const unsigned cap = s->cap ? 2 * s->cap : 4;
    fsm_value *grown = fsm_arena_alloc(s->at->arena, cap * sizeof *grown);
    if (grown == NULL) return nomem(err);
    if (s->count > 0) memcpy(grown, s->items, s->count * sizeof *grown);
    s->items = grown;
    s->cap = cap;
  }
  if (!fsm__decision_map(s->at->arena, pairs, count, &s->items[s->count])) return nomem(err);
  s->count++;
  return FSM_OK;
}

/* An event whose address may name an instance: in SCXML "#_x" is only ever a child. */
static bool is_listed(const sending *s, const draft *d) {
  if (d->kind != FSM_SEND_EVENT || fsm__send_addressee(d->to) == NULL) return false;
  return d->to[0] != '#' || strncmp(d->to, "#_scxml_", 8) == 0 ||
         fsm_machine_dialect(s->out->instance->deployed->machine) == FSM_XSTATE;
}

static fsm_code post(sending *s, const draft *d, fsm_error *err) {
  fsm_arena *arena = s->at->arena;
  const char *id = fsm__send_id(arena, s->seq, s->count);
  uint8_t *token = d->token ? fsm_arena_alloc(arena, 16) : NULL;
  if (id == NULL || (d->token != NULL && token == NULL)) return nomem(err);
  fsm_pair pairs[9];
  unsigned n = 0;
  pairs[n++] = (fsm_pair){fsm_string("id"), fsm_string(id)};
  pairs[n++] = (fsm_pair){fsm_string("to"), fsm_string(d->to)};
  pairs[n++] = (fsm_pair){fsm_string("kind"), fsm_string(fsm__send_kind_name(d->kind))};
  if (d->event != NULL) pairs[n++] = (fsm_pair){fsm_string("event"), fsm_string(d->event)};
  if (d->data != NULL && !fsm_is(d->data, FSM_NULL)) pairs[n++] = (fsm_pair){fsm_string("data"), *d->data};
  if (token != NULL) {
    memcpy(token, d->token, 16);
    pairs[n++] = (fsm_pair){fsm_string("tok"), fsm_bytes(token, 16)};
  }
  if (d->due_ns >= 0) pairs[n++] = (fsm_pair){fsm_string("due"), fsm_int(d->due_ns)};
  if (is_listed(s, d)) pairs[n++] = (fsm_pair){fsm_string("listed"), fsm_bool(true)};
  if (fsm_is(&d->about, FSM_MAP)) pairs[n++] = (fsm_pair){fsm_string("about"), d->about};
  return add(s, pairs, n, err);
}

/* {invokeid}: of the task that a word between parent and child is about. */
static fsm_code about_task(fsm_arena *arena, const char *invokeid, fsm_value *out, fsm_error *err) {
  const fsm_pair pair = {fsm_string("invokeid"), fsm_string(invokeid)};
  return fsm__decision_map(arena, &pair, 1, out) ? FSM_OK : nomem(err);
}

/* ---- events ------------------------------------------------------------------------------------- */

/* Messages that the instance has on their way, counted no further than max. */
static fsm_code waiting(const fsm__case *at, uint64_t number, unsigned max, unsigned *count, fsm_error *err) {
  fsm__key prefix = fsm__key_instance(number, 'm', NULL, 0);
  fsm__range range;
  fsm__row row;
  bool found = true;
  fsm_code code = FSM_OK;
  *count = 0;
  fsm__range_open(&range, at->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while (*count < max && (code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) ++*count;
  fsm__range_close(&range);
  return code;
}

static fsm_code check_room(sending *s, fsm_error *err) {
  fsm__decision *out = s->out;
  unsigned count = 0;
  fsm_code code = waiting(s->at, out->instance->number, FSM_MESSAGES_MAX, &count, err);
  if (code != FSM_OK) return code;
  if (count + ++out->sent <= FSM_MESSAGES_MAX) return FSM_OK;
  return fsm_fail(err, FSM_ETOOLARGE, "", "more than %d messages of the instance are on their way",
                  FSM_MESSAGES_MAX);
}

static fsm_code send_event(sending *s, const fsm_effect *effect, fsm_error *err) {
  const fsm__case *at = s->at;
  fsm__address to = {.id = NULL};
  fsm_code code = check_room(s, err);
  if (code == FSM_OK && effect->delay_ns <= 0)
    code = fsm__address_of(at->store, at->catalog, s->out->instance, effect->target, at->arena, &to, err);
  if (code != FSM_OK) return code;
  draft d = {.event = effect->event, .data = &effect->data, .to = to.id, .due_ns = -1};
  if (to.id == NULL)
    d.to = effect->target[0] == '#' ? effect->target : fsm_arena_printf(at->arena, "#_%s", effect->target);
  if (d.to == NULL) return nomem(err);
  if (effect->delay_ns > 0 && __builtin_add_overflow(at->time_ns, effect->delay_ns, &d.due_ns))
    d.due_ns = INT64_MAX;
  if (to.has_token) d.token = to.token;
  fsm_pair about[2];
  unsigned n = 0;
  if (to.invokeid != NULL) about[n++] = (fsm_pair){fsm_string("invokeid"), fsm_string(to.invokeid)};
  if (!effect->id_made) about[n++] = (fsm_pair){fsm_string("sendid"), fsm_string(effect->id)};
  if (n > 0 && !fsm__decision_map(at->arena, about, n, &d.about)) return nomem(err);
  return post(s, &d, err);
}

static fsm_value text_or_null(const char *text) { return text != NULL ? fsm_string(text) : fsm_null(); }

/* 6.4: an exact copy of the event of this macrostep. */
static fsm_code forward(sending *s, const fsm_effect *effect, fsm_error *err) {
  const fsm__case *at = s->at;
  const fsm_event *event = &s->out->stepped;
  const char *target = fsm_arena_printf(at->arena, "#_%s", effect->id);
  fsm__address to;
  if (target == NULL) return nomem(err);
  if (event->name == NULL) return FSM_OK; /* a start: nothing to overhear */
  fsm_code code = fsm__address_of(at->store, at->catalog, s->out->instance, target, at->arena, &to, err);
  if (code != FSM_OK || to.id == NULL || !to.has_token) return code;
  code = check_room(s, err);
  if (code != FSM_OK) return code;
  const fsm_pair about[] = {{fsm_string("invokeid"), text_or_null(event->invokeid)},
                            {fsm_string("origin"), text_or_null(event->origin)},
                            {fsm_string("sendid"), text_or_null(event->sendid)},
                            {fsm_string("type"), text_or_null(event->type)}};
  draft d = {.event = event->name, .data = &event->data, .to = to.id, .token = to.token, .due_ns = -1};
  if (!fsm__decision_map(at->arena, about, 4, &d.about)) return nomem(err);
  return post(s, &d, err);
}

/* ---- taking back -------------------------------------------------------------------------------- */

static bool is_sendid(const char *to, const fsm_value *about, const char *id) {
  const fsm_value *sendid = to[0] == '#' && fsm_is(about, FSM_MAP) ? fsm_map_get(about, "sendid") : NULL;
  return sendid != NULL && fsm_is_text(sendid, id);
}

static fsm_code take_back(sending *s, fsm_value id, fsm_error *err) {
  return add(s, &(const fsm_pair){fsm_string("cancel"), id}, 1, err);
}

/* What this very frame has sent under the id. */
static fsm_code take_back_new(sending *s, const fsm_value *items, unsigned count, const char *sendid,
                              fsm_error *err) {
  fsm_code code = FSM_OK;
  for (unsigned i = 0; i < count && code == FSM_OK; i++) {
    const fsm_value *to = fsm_map_get(&items[i], "to"), *about = fsm_map_get(&items[i], "about");
    if (to != NULL && about != NULL && is_sendid(to->s, about, sendid))
      code = take_back(s, *fsm_map_get(&items[i], "id"), err);
  }
  return code;
}

/* 6.3: delayed events that were sent under the id and still wait. Ids of the engine's own timers are none. */
static fsm_code cancel_sent(sending *s, const char *sendid, fsm_error *err) {
  const fsm__case *at = s->at;
  if (strncmp(sendid, "xstate.", 7) == 0) return FSM_OK;
  fsm__key prefix = fsm__key_instance(s->out->instance->number, 'm', NULL, 0);
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, at->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    fsm__send send;
    code = fsm__send_read(&row, at->arena, &send, err);
    if (code == FSM_OK && is_sendid(send.to, &send.about, sendid))
      code = take_back(s, fsm_string(send.id), err);
    if (code != FSM_OK) break;
  }
  fsm__range_close(&range);
  for (size_t i = 0; code == FSM_OK && i + 1 < s->out->count; i++) {
    const fsm_value *sends = &s->out->records[i].sends;
    if (fsm_is(sends, FSM_LIST)) code = take_back_new(s, sends->items, sends->len, sendid, err);
  }
  return code == FSM_OK ? take_back_new(s, s->items, s->count, sendid, err) : code;
}

/* ---- children ----------------------------------------------------------------------------------- */

static const char *text_of(fsm_arena *arena, const fsm_value *map, const char *name) {
  const fsm_value *value = fsm_map_get(map, name);
  return value != NULL && fsm_is(value, FSM_STRING) ? fsm_arena_strndup(arena, value->s, value->len) : NULL;
}

static fsm_code start_child(sending *s, const fsm_value *entry, const char *id, fsm_error *err) {
  const char *child = text_of(s->at->arena, entry, "child");
  const fsm_value *token = fsm_map_get(entry, "tok");
  FSM_ASSERT(child != NULL && token != NULL && token->len == 16);
  draft d = {.kind = FSM_SEND_START, .to = child, .token = (const uint8_t *)token->s, .due_ns = -1};
  fsm_code code = about_task(s->at->arena, id, &d.about, err);
  return code == FSM_OK ? post(s, &d, err) : code;
}

/* A child that was opened in this frame is not told: its start finds that its task is gone. */
static fsm_code cancel_child(sending *s, const char *id, fsm_error *err) {
  const fsm__case *at = s->at;
  const fsm__instance *in = s->out->instance;
  fsm__task task;
  fsm__address to;
  fsm_code code = fsm__task_load(at->store, in->number, id, at->arena, &task, err);
  if (code == FSM_ENOTFOUND || (code == FSM_OK && strcmp(task.service, FSM_SERVICE_MACHINE) != 0))
    return FSM_OK;
  const char *target = fsm_arena_printf(at->arena, "#_%s", id);
  if (code == FSM_OK && target == NULL) return nomem(err);
  if (code == FSM_OK) code = fsm__address_of(at->store, at->catalog, in, target, at->arena, &to, err);
  if (code != FSM_OK || to.id == NULL) return code;
  draft d = {.kind = FSM_SEND_CANCEL, .to = to.id, .token = task.token, .due_ns = -1};
  code = about_task(at->arena, id, &d.about, err);
  return code == FSM_OK ? post(s, &d, err) : code;
}

/* What the record's tasks ask for where they are children. One that is opened in the place of another ends
 * it. */
static fsm_code children(sending *s, const fsm_value *tasks, fsm_error *err) {
  fsm_arena *arena = s->at->arena;
  fsm_code code = FSM_OK;
  for (unsigned i = 0; fsm_is(tasks, FSM_LIST) && i < tasks->len && code == FSM_OK; i++) {
    const fsm_value *entry = &tasks->items[i];
    const bool cancel = fsm_map_get(entry, "cancel") != NULL;
    const char *id = text_of(arena, entry, cancel ? "cancel" : "id");
    if (id == NULL) return nomem(err);
    code = cancel_child(s, id, err);
    if (code == FSM_OK && !cancel && fsm_map_get(entry, "child") != NULL)
      code = start_child(s, entry, id, err);
  }
  return code;
}

static fsm_code effect_of(sending *s, const fsm_effect *effect, fsm_error *err) {
  switch (effect->kind) {
    case FSM_EFFECT_SEND: return send_event(s, effect, err);
    case FSM_EFFECT_FORWARD: return forward(s, effect, err);
    case FSM_EFFECT_TIMER_CANCEL: return cancel_sent(s, effect->id, err);
    default: return FSM_OK;
  }
}

static void put(const sending *s, fsm_record *record) {
  if (s->count > 0) record->sends = fsm_list(s->items, s->count);
}

fsm_code fsm__sends_of(const fsm__case *at, fsm__decision *out, uint64_t seq, const fsm_microstep *step,
                       fsm_record *record, fsm_error *err) {
  sending s = sending_of(at, out, seq, record);
  fsm_code code = FSM_OK;
  for (unsigned i = 0; i < step->effect_count && code == FSM_OK; i++)
    code = effect_of(&s, &step->effects[i], err);
  if (code == FSM_OK) code = children(&s, &record->tasks, err);
  put(&s, record);
  return code;
}

fsm_code fsm__sends_of_tasks(const fsm__case *at, fsm__decision *out, fsm_record *record, fsm_error *err) {
  sending s = sending_of(at, out, at->next_seq + (uint64_t)(record - out->records), record);
  fsm_code code = children(&s, &record->tasks, err);
  put(&s, record);
  return code;
}

fsm_code fsm__send_cancel(const fsm__case *at, fsm__decision *out, fsm_record *record, const char *invoke,
                          fsm_error *err) {
  sending s = sending_of(at, out, at->next_seq + (uint64_t)(record - out->records), record);
  fsm_code code = cancel_child(&s, invoke, err);
  put(&s, record);
  return code;
}

fsm_code fsm__send_cancel_all(const fsm__case *at, fsm__decision *out, fsm_record *record, fsm_error *err) {
  sending s = sending_of(at, out, at->next_seq + (uint64_t)(record - out->records), record);
  fsm__key prefix = fsm__key_instance(out->instance->number, 'k', NULL, 0);
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm_code code;
  fsm__range_open(&range, at->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while ((code = fsm__range_next(&range, &row, &found, err)) == FSM_OK && found) {
    fsm__task task;
    code = fsm__task_read(&row, at->arena, &task, err);
    if (code == FSM_OK) code = cancel_child(&s, task.id, err);
    if (code != FSM_OK) break;
  }
  fsm__range_close(&range);
  put(&s, record);
  return code;
}

fsm_code fsm__send_ended(const fsm__case *at, fsm__decision *out, fsm_record *record, const char *fault,
                         const fsm_value *output, fsm_error *err) {
  const fsm__instance *in = out->instance;
  fsm__address to;
  if (!in->has_parent) return FSM_OK;
  fsm_code code = fsm__address_of(at->store, at->catalog, in, "#_parent", at->arena, &to, err);
  if (code != FSM_OK || to.id == NULL || to.invokeid == NULL) return code;
  fsm_value error = fsm_null();
  const fsm_pair pairs[] = {{fsm_string("instance"), fsm_string(in->id)},
                            {fsm_string("message"), fsm_string(fault ? fault : "")}};
  if (fault != NULL && !fsm__decision_map(at->arena, pairs, 2, &error)) return nomem(err);
  draft d = {.kind = fault ? FSM_SEND_ERROR : FSM_SEND_DONE,
             .to = to.id,
             .token = to.token,
             .data = fault ? &error : output,
             .due_ns = -1};
  code = about_task(at->arena, to.invokeid, &d.about, err);
  sending s = sending_of(at, out, at->next_seq + (uint64_t)(record - out->records), record);
  if (code == FSM_OK) code = post(&s, &d, err);
  put(&s, record);
  return code;
}
