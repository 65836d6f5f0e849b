/* publish_order.c: the sinks one by one: how they are, what an operator does to them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/admit.h"
#include "runtime/parked.h"
#include "runtime/publish_impl.h"
#include "runtime/runtime_impl.h"
#include "schema/json.h"

/* ---- how they are ------------------------------------------------------------------------------------ */

static void set_figures(const fsm__outbox_status *s, fsm_sink_status *out) {
  out->connected = s->connected;
  out->halted = s->halted;
  out->spilled = s->spilled;
  out->seq = s->seq;
  out->sent_seq = s->sent_seq;
  out->settled_seq = s->settled_seq;
  out->durable_seq = s->durable_seq;
  out->lag = s->lag;
  out->lag_ns = s->lag_ns;
  out->published = s->published;
  out->skipped = s->skipped;
  out->repaired = s->repaired;
  out->retries = s->retries;
  out->parked = s->parked;
  out->where_faults = s->where_faults;
  out->rate = s->rate;
  out->budget_percent = s->budget_percent;
  out->failing_since_ns = s->failing_since_ns;
  out->last_ok_ns = s->last_ok_ns;
  snprintf(out->last_error, sizeof out->last_error, "%s", s->last_error);
}

static void set_lag(const fsm_publisher *p, fsm_sink_status *out) {
  out->durable_seq = fsm__journal_durable_seq(fsm__runtime_journal(p->runtime));
  out->lag = out->durable_seq > out->seq ? out->durable_seq - out->seq : 0;
}

void fsm__slot_status(const fsm_publisher *p, const fsm__slot *slot, fsm_sink_status *out) {
  const fsm__sink_config *c = slot->config;
  fsm__outbox_status now = slot->last;
  *out = (fsm_sink_status){.configured = true, .routed = c->routed};
  if (slot->outbox != NULL) fsm__outbox_status_get(slot->outbox, &now);
  set_figures(&now, out);
  snprintf(out->name, sizeof out->name, "%s", c->name);
  snprintf(out->kind, sizeof out->kind, "%s", c->kind);
  snprintf(out->format, sizeof out->format, "%s", c->format.format);
  if (slot->outbox != NULL || slot->why.code == FSM_OK) return;
  out->halted = true;
  out->failing_since_ns = slot->failing_since_ns;
  snprintf(out->last_error, sizeof out->last_error, "%.60s%s%.190s", slot->why.where,
           slot->why.where[0] != '\0' ? ": " : "", slot->why.text);
  if (p->running) set_lag(p, out);
}

static void stray_status(const fsm_publisher *p, const fsm__cursor *cursor, fsm_sink_status *out) {
  *out = (fsm_sink_status){.seq = cursor->seq,
                           .sent_seq = cursor->sent_seq,
                           .settled_seq = cursor->settled_seq,
                           .spilled = cursor->spilled};
  snprintf(out->name, sizeof out->name, "%s", cursor->sink);
  if (p->running) set_lag(p, out);
}

fsm_code fsm_publisher_sinks(fsm_publisher *p, fsm_sink_status **out, size_t *count, fsm_error *err) {
  FSM_ASSERT(p != NULL && out != NULL && count != NULL);
  fsm_sink_status *list = calloc(FSM_PUBLISH_SINKS_MAX, sizeof *list);
  if (list == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the sinks");
  size_t n = 0;
  pthread_mutex_lock(&p->lock);
  for (size_t i = 0; i < p->count; i++) fsm__slot_status(p, p->slots[i], &list[n++]);
  for (size_t i = 0; i < p->stray_count; i++) stray_status(p, &p->strays[i], &list[n++]);
  pthread_mutex_unlock(&p->lock);
  *out = list;
  *count = n;
  return FSM_OK;
}

void fsm_publisher_status_get(fsm_publisher *p, fsm_publisher_status *out) {
  FSM_ASSERT(p != NULL && out != NULL);
  fsm_sink_status s = {.connected = false};
  pthread_mutex_lock(&p->lock);
  for (size_t i = p->count; i-- > 0;)
    if (i == 0 || strcmp(p->slots[i]->config->name, "nats") == 0) {
      fsm__slot_status(p, p->slots[i], &s);
      break;
    }
  pthread_mutex_unlock(&p->lock);
  *out = (fsm_publisher_status){.connected = s.connected,
                                .halted = s.halted,
                                .published_seq = s.seq,
                                .durable_seq = s.durable_seq,
                                .published = s.published,
                                .retries = s.retries};
  snprintf(out->last_error, sizeof out->last_error, "%s", s.last_error);
}

/* ---- orders ------------------------------------------------------------------------------------------ */

/* The slot with one user more, NULL: there is none. *outbox: stays until it is given back; NULL: it has none.
 * *stray: a sink that was configured once. */
static fsm__slot *take(fsm_publisher *p, const char *name, fsm__outbox **outbox, bool *stray) {
  fsm__slot *found = NULL;
  *stray = false;
  *outbox = NULL;
  pthread_mutex_lock(&p->lock);
  for (size_t i = 0; i < p->count && found == NULL; i++)
    if (strcmp(p->slots[i]->config->name, name) == 0) found = p->slots[i];
  for (size_t i = 0; i < p->stray_count; i++) *stray |= strcmp(p->strays[i].sink, name) == 0;
  if (found != NULL) found->users++, *outbox = found->outbox;
  pthread_mutex_unlock(&p->lock);
  return found;
}

static void give_back(fsm_publisher *p, fsm__slot *slot) {
  pthread_mutex_lock(&p->lock);
  if (--slot->users == 0) pthread_cond_broadcast(&p->idle);
  pthread_mutex_unlock(&p->lock);
}

static fsm_code not_there(const char *name, fsm_error *err) {
  return fsm_fail(err, FSM_ENOTFOUND, "sink", "there is no sink \"%.64s\"", name);
}

static fsm_code not_made(fsm_publisher *p, const fsm__slot *slot, fsm_error *err) {
  fsm_error why;
  pthread_mutex_lock(&p->lock);
  why = slot->why;
  pthread_mutex_unlock(&p->lock);
  if (why.code == FSM_OK) return fsm_fail(err, FSM_ECLOSED, "sink", "the sink is stopped");
  return fsm_fail(err, FSM_EUNREACHABLE, "sink", "the sink could not be made yet: %s%s%.300s", why.where,
                  why.where[0] != '\0' ? ": " : "", why.text);
}

/* ---- on record ---- */

static fsm_command note_of(const fsm_sink_order *order, const char *what, const fsm_value *more) {
  fsm_command c = fsm_command_new(FSM_CMD_SINK_NOTE);
  c.name = order->sink;
  c.event = what;
  c.data = more != NULL ? *more : fsm_null();
  c.actor = *order->actor;
  c.reason = order->reason;
  return c;
}

/* Could its record be written? An order that cannot be told is not carried out. */
static fsm_code check_note(const fsm_sink_order *order, fsm_error *err) {
  const fsm_command c = note_of(order, "order", NULL);
  fsm_command admitted;
  fsm_arena arena;
  bool made_id = false;
  fsm_arena_init(&arena, 0);
  fsm_code code = fsm__admit(&c, 0, &arena, &admitted, &made_id, err);
  fsm_arena_free(&arena);
  return code;
}

/* Durably, before what it tells of is done: what is given up is gone, and this is all that is left. */
static fsm_code put_on_record(fsm_publisher *p, const fsm_sink_order *order, const char *what,
                              const fsm_value *more, fsm_error *err) {
  const fsm_command c = note_of(order, what, more);
  fsm_answer answer;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_code code = fsm_call(p->runtime, &c, &arena, &answer);
  if (code != FSM_OK)
    code = fsm_fail(err, code, answer.error.where, "it cannot be put on record, and was not done: %.300s",
                    answer.error.text);
  fsm_arena_free(&arena);
  return code;
}

static fsm_code drop(fsm_publisher *p, fsm__outbox *o, const fsm_sink_order *order, fsm_error *err) {
  fsm__parked it;
  fsm_value more;
  fsm_code code = fsm__outbox_may_drop(o, order->from, &it, err);
  if (code != FSM_OK) return code;
  fsm_pair pairs[] = {{fsm_string("code"), fsm_string(fsm_code_name(it.code))},
                      {fsm_string("seq"), fsm_uint(it.seq)},
                      {fsm_string("text"), fsm_string(it.text)}};
  code = fsm_map(pairs, sizeof pairs / sizeof *pairs, &more, err);
  if (code == FSM_OK) code = put_on_record(p, order, "dropped", &more, err);
  return code == FSM_OK ? fsm__outbox_drop_told(o, order->from, err) : code;
}

static fsm_code drop_range(fsm_publisher *p, fsm__outbox *o, const fsm_sink_order *order, uint64_t *count,
                           fsm_error *err) {
  fsm_value more;
  fsm_code code = fsm__outbox_may_drop_range(o, order->from, order->to, err);
  if (code != FSM_OK) return code;
  *count = order->to - order->from + 1;
  fsm_pair pairs[] = {{fsm_string("count"), fsm_uint(*count)},
                      {fsm_string("from"), fsm_uint(order->from)},
                      {fsm_string("to"), fsm_uint(order->to)}};
  code = fsm_map(pairs, sizeof pairs / sizeof *pairs, &more, err);
  if (code == FSM_OK)
    code = fsm__routing_load(p->routing, p->runtime, err); /* there may be routes among them */
  if (code == FSM_OK) code = put_on_record(p, order, "dropped", &more, err);
  return code == FSM_OK ? fsm__outbox_drop_range_told(o, order->from, order->to, err) : code;
}

static fsm_code carry_out(fsm_publisher *p, fsm__outbox *o, const fsm_sink_order *order, uint64_t *count,
                          fsm_error *err) {
  const fsm_value *actor = order->actor;
  const char *reason = order->reason;
  *count = 1;
  switch (order->what) {
    case FSM_SINK_RETRY: return fsm__outbox_retry(o, order->from, actor, reason, count, err);
    case FSM_SINK_RESEND: return fsm__outbox_resend(o, order->from, order->to, actor, reason, count, err);
    case FSM_SINK_PARK: return fsm__outbox_park(o, order->from, actor, reason, err);
    case FSM_SINK_DROP: return order->to == 0 ? drop(p, o, order, err) : drop_range(p, o, order, count, err);
    case FSM_SINK_CLEAR: *count = 0; return fsm__outbox_clear(o, actor, reason, err);
    case FSM_SINK_FORGET: break;
  }
  return fsm_fail(err, FSM_EARGUMENT, "sink",
                  "the sink is configured: take it out of the file of sinks, then it can be forgotten");
}

/* What holds the journal for it goes; that it went is on record. */
static fsm_code forget(fsm_publisher *p, const fsm_sink_order *order, fsm_error *err) {
  const char *dir = fsm__runtime_dir(p->runtime);
  uint64_t seq = 0;
  pthread_mutex_lock(&p->changing);
  for (size_t i = 0; i < p->stray_count; i++)
    if (strcmp(p->strays[i].sink, order->sink) == 0) seq = p->strays[i].seq;
  fsm_pair pair = {fsm_string("seq"), fsm_uint(seq)};
  fsm_value more;
  fsm_code code = fsm_map(&pair, 1, &more, err);
  if (code == FSM_OK) code = put_on_record(p, order, "forgotten", &more, err);
  if (code == FSM_OK) code = fsm__parked_save(dir, order->sink, NULL, 0, err);
  if (code == FSM_OK) code = fsm__cursor_remove(dir, order->sink, err);
  fsm__slots_find_strays(p);
  pthread_mutex_unlock(&p->changing);
  return code;
}

static fsm_code check_order(const fsm_sink_order *order, fsm_error *err) {
  if (order->actor == NULL || !fsm_is(order->actor, FSM_MAP))
    return fsm_fail(err, FSM_EARGUMENT, "actor", "who orders it is missing");
  if (order->reason == NULL || order->reason[0] == '\0')
    return fsm_fail(err, FSM_EARGUMENT, "reason", "the reason is missing");
  if (strlen(order->reason) > FSM_REASON_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "reason", "the reason is over %d bytes", FSM_REASON_MAX);
  const bool range = order->what == FSM_SINK_RESEND || (order->what == FSM_SINK_DROP && order->to != 0);
  if (range && (order->from == 0 || order->to < order->from))
    return fsm_fail(err, FSM_EARGUMENT, "from", "a range begins at 1 or later, and ends at or behind that");
  if ((order->what == FSM_SINK_PARK || order->what == FSM_SINK_DROP) && order->from == 0)
    return fsm_fail(err, FSM_EARGUMENT, "from", "which record is missing");
  return check_note(order, err);
}

fsm_code fsm_publisher_order(fsm_publisher *p, const fsm_sink_order *order, uint64_t *count, fsm_error *err) {
  FSM_ASSERT(p != NULL && order != NULL && order->sink != NULL);
  uint64_t ignored = 0;
  bool stray = false;
  fsm_code code = check_order(order, err);
  if (code != FSM_OK) return code;
  if (count == NULL) count = &ignored;
  fsm__outbox *outbox = NULL;
  fsm__slot *slot = take(p, order->sink, &outbox, &stray);
  if (slot == NULL) {
    if (!stray) return not_there(order->sink, err);
    if (order->what == FSM_SINK_FORGET) return *count = 0, forget(p, order, err);
    return fsm_fail(err, FSM_ENOTFOUND, "sink",
                    "the sink \"%.64s\" is not configured any more; it can be forgotten", order->sink);
  }
  code = outbox != NULL || order->what == FSM_SINK_FORGET ? carry_out(p, outbox, order, count, err)
                                                          : not_made(p, slot, err);
  give_back(p, slot);
  return code;
}

/* ---- what was parked --------------------------------------------------------------------------------- */

fsm_code fsm__parked_view(fsm_arena *arena, const char *sink, const fsm__parked *list, size_t count,
                          fsm_value *out, fsm_error *err) {
  enum { MEMBERS = 6 };
  fsm_value *items = fsm_arena_zalloc(arena, count + 1, sizeof *items);
  fsm_code code = items != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for the answer");
  for (size_t i = 0; i < count && code == FSM_OK; i++) {
    fsm_pair *pairs = fsm_arena_alloc(arena, MEMBERS * sizeof *pairs);
    char *time = fsm_arena_alloc(arena, 40);
    const char *text = fsm_arena_strdup(arena, list[i].text);
    if (pairs == NULL || time == NULL || text == NULL)
      return fsm_fail(err, FSM_ENOMEM, "", "no memory for the answer");
    fsm_time_format(list[i].time_ns, time, 40);
    pairs[0] = (fsm_pair){fsm_string("seq"), fsm_uint(list[i].seq)};
    pairs[1] = (fsm_pair){fsm_string("epoch"), fsm_uint(list[i].epoch)};
    pairs[2] = (fsm_pair){fsm_string("time"), fsm_string(time)};
    pairs[3] = (fsm_pair){fsm_string("tries"), fsm_uint(list[i].tries)};
    pairs[4] = (fsm_pair){fsm_string("code"), fsm_string(fsm_code_name(list[i].code))};
    pairs[5] = (fsm_pair){fsm_string("text"), fsm_string(text)};
    code = fsm_map(pairs, MEMBERS, &items[i], err);
  }
  fsm_pair *whole = code == FSM_OK ? fsm_arena_alloc(arena, 3 * sizeof *whole) : NULL;
  const char *name = fsm_arena_strdup(arena, sink);
  if (code != FSM_OK) return code;
  if (whole == NULL || name == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the answer");
  whole[0] = (fsm_pair){fsm_string("sink"), fsm_string(name)};
  whole[1] = (fsm_pair){fsm_string("items"), fsm_list(items, count)};
  whole[2] = (fsm_pair){fsm_string("next"), fsm_null()};
  return fsm_map(whole, 3, out, err);
}

fsm_code fsm_publisher_parked(fsm_publisher *p, const char *sink, fsm_arena *arena, fsm_value *out,
                              fsm_error *err) {
  FSM_ASSERT(p != NULL && sink != NULL && arena != NULL && out != NULL);
  fsm__parked *list = NULL;
  size_t count = 0;
  bool stray = false;
  fsm__outbox *outbox = NULL;
  fsm__slot *slot = take(p, sink, &outbox, &stray);
  if (slot == NULL && !stray) return not_there(sink, err);
  fsm_code code = outbox != NULL ? fsm__outbox_parked(outbox, &list, &count, err)
                                 : fsm__parked_load(fsm__runtime_dir(p->runtime), sink, &list, &count, err);
  if (slot != NULL) give_back(p, slot);
  if (code == FSM_OK) code = fsm__parked_view(arena, sink, list, count, out, err);
  free(list);
  return code;
}
