/* publish_sinks.c: the set of sinks: read, made, kept over a change of the set, stopped.
 *
 * Invariant: of one name there is never more than one outbox, because the cursor is its alone: one that takes
 * the place of another is made when that one has stopped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/budget.h"
#include "runtime/clock.h"
#include "runtime/publish_impl.h"
#include "runtime/publish_kinds.h"
#include "runtime/runtime_impl.h"
#include "runtime/sink_config_impl.h"

/* ---- reading ----------------------------------------------------------------------------------------- */

/* That of options.url: a sink named `nats` with the defaults. */
static fsm_code read_own(fsm_publisher *p, fsm__sink_list *list, fsm_error *err) {
  static const char json[] = "{\"sinks\":[{\"name\":\"nats\",\"kind\":\"nats\"}]}";
  fsm_code code = fsm__sinks_read(&list->arena, json, sizeof json - 1, list->configs, &list->count, err);
  if (code != FSM_OK) return code;
  list->configs[0].stream = p->stream;
  return FSM_OK;
}

static bool has_nats(const fsm__sink_list *list) {
  for (size_t i = 0; i < list->count; i++)
    if (strcmp(list->configs[i].name, "nats") == 0) return true;
  return false;
}

/* What the file leaves to the publisher: where NATS is, and how its subjects begin. */
static fsm_code fill_in(fsm_publisher *p, fsm__sink_config *config, const fsm__pointer *at, fsm_error *err) {
  if (strcmp(config->kind, "nats") != 0) return FSM_OK;
  if (config->url == NULL && p->url == NULL)
    return fsm__sink_fault(at, NULL, FSM_EARGUMENT, err,
                           "the sink has no \"url\", and there is no NATS server to take it from (--nats)");
  if (config->url == NULL) config->url = p->url;
  if (config->prefix == NULL) config->prefix = p->prefix;
  return FSM_OK;
}

static void place_of(size_t index, fsm__pointer *at) {
  fsm__pointer_set(at, "/sinks");
  fsm__pointer_index(at, index);
}

/* The sink of the url last, unless the file has one of its name. */
static fsm_code complete(fsm_publisher *p, fsm__sink_list *list, fsm_error *err) {
  fsm__pointer at;
  const size_t own = p->url != NULL && !has_nats(list) ? 1 : 0;
  fsm__sink_list mine = {.count = 0};
  fsm_code code = FSM_OK;
  if (list->count + own > FSM_SINKS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "/sinks", "with that of --nats there are more than %d sinks",
                    FSM_SINKS_MAX);
  if (own > 0) {
    mine.arena = list->arena;
    code = read_own(p, &mine, err);
    list->arena = mine.arena;
  }
  fsm__sink_config pair[2] = {mine.configs[0]};
  if (code == FSM_OK && own > 0) code = fill_in(p, &pair[0], &(fsm__pointer){.len = 0}, err);
  for (size_t i = 0; i < list->count && code == FSM_OK; i++) {
    place_of(i, &at);
    code = fill_in(p, &list->configs[i], &at, err);
    pair[1] = list->configs[i];
    if (code == FSM_OK && own > 0) code = fsm__sink_check_others(pair, 2, &at, err);
  }
  if (code == FSM_OK && own > 0) list->configs[list->count++] = pair[0];
  return code;
}

static fsm_code check_budget(fsm_publisher *p, fsm__sink_list *list, size_t index, fsm_error *err) {
  const fsm__sink_config *config = &list->configs[index];
  fsm__pointer at;
  fsm_error why;
  fsm_code code = fsm__budget_check(config, p->archive, &why);
  if (code == FSM_OK) return FSM_OK;
  place_of(index, &at);
  return fsm__sink_fault(&at, config->budget_bytes > 0 ? "budget_bytes" : "budget_age", code, err, "%s",
                         why.text);
}

fsm_code fsm__sink_list_read(fsm_publisher *p, const char *json, size_t len, fsm__sink_list **out,
                             fsm_error *err) {
  fsm__sink_list *list = calloc(1, sizeof *list);
  if (list == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the sinks");
  fsm_arena_init(&list->arena, 0);
  fsm_code code =
      json != NULL ? fsm__sinks_read(&list->arena, json, len, list->configs, &list->count, err) : FSM_OK;
  if (code == FSM_OK) code = complete(p, list, err);
  for (size_t i = 0; i < list->count && code == FSM_OK; i++) code = check_budget(p, list, i, err);
  if (code == FSM_OK)
    *out = list;
  else
    fsm__sink_list_free(list);
  return code;
}

void fsm__sink_list_free(fsm__sink_list *list) {
  if (list == NULL) return;
  FSM_ASSERT(list->users == 0);
  fsm_arena_free(&list->arena);
  free(list);
}

/* ---- one sink ---------------------------------------------------------------------------------------- */

/* The strictest of all sinks is what holds. Under `lock`. */
static void hold_most(fsm_publisher *p) {
  const fsm__slot *most = NULL;
  for (size_t i = 0; i < p->count; i++)
    if (p->slots[i]->hold != FSM__HOLD_NONE && (most == NULL || p->slots[i]->hold > most->hold))
      most = p->slots[i];
  fsm__runtime_hold(p->runtime, most != NULL ? most->hold : FSM__HOLD_NONE,
                    most != NULL ? most->hold_text : "");
}

static void on_hold(void *arg, const char *sink, fsm__hold level, const char *text) {
  fsm__slot *slot = arg;
  (void)sink;
  pthread_mutex_lock(&slot->publisher->lock);
  slot->hold = level;
  snprintf(slot->hold_text, sizeof slot->hold_text, "%s", text != NULL ? text : "");
  hold_most(slot->publisher);
  pthread_mutex_unlock(&slot->publisher->lock);
}

static void on_note(void *arg, const char *sink, const char *what, const fsm_value *more,
                    const fsm_value *actor, const char *reason) {
  fsm__notes_take(((fsm__slot *)arg)->publisher->notes, sink, what, more, actor, reason);
}

static fsm_code make_outbox(fsm_publisher *p, fsm__slot *slot, fsm__sink *sink, fsm__outbox **out,
                            fsm_error *err) {
  const fsm__outbox_options options = {.dir = fsm__runtime_dir(p->runtime),
                                       .journal = fsm__runtime_journal(p->runtime),
                                       .archive = p->archive,
                                       .origin = fsm__runtime_origin(p->runtime),
                                       .sink = sink,
                                       .config = slot->config,
                                       .routing = p->routing,
                                       .masks = fsm__runtime_masks(p->runtime),
                                       .note = on_note,
                                       .hold = on_hold,
                                       .note_arg = slot};
  return fsm__outbox_start(&options, out, err);
}

/* One that cannot be made says why, and is tried again. */
static void make(fsm_publisher *p, fsm__slot *slot) {
  fsm_error why = {0};
  fsm__outbox *outbox = NULL;
  const fsm__sink_env env = {.origin = fsm__runtime_origin(p->runtime),
                             .node = fsm__runtime_node(p->runtime),
                             .masks = fsm__runtime_masks(p->runtime),
                             .wake = fsm__publisher_wake,
                             .wake_arg = p};
  fsm_code code = fsm__sink_make(slot->config, &env, &slot->sink, &why);
  if (code == FSM_OK) code = make_outbox(p, slot, slot->sink, &outbox, &why);
  if (code != FSM_OK && slot->sink != NULL) {
    slot->sink->free(slot->sink);
    slot->sink = NULL;
  }
  pthread_mutex_lock(&p->lock);
  slot->outbox = outbox;
  slot->why = why;
  slot->why.code = code;
  if (code == FSM_OK)
    slot->failing_since_ns = 0;
  else if (slot->failing_since_ns == 0)
    slot->failing_since_ns = fsm__wall_ns();
  pthread_mutex_unlock(&p->lock);
}

typedef struct leaving {
  fsm__slot *slot;
  fsm__outbox *outbox; /* NULL: it had none */
  fsm__outbox_status last;
  pthread_t thread;
  bool started;
} leaving;

static void *unmake(void *arg) {
  leaving *it = arg;
  fsm__outbox_stop(it->outbox);
  fsm__outbox_status_get(it->outbox, &it->last);
  it->last.connected = false;
  return NULL;
}

/* From here on nobody finds it any more; waits for those who have it. */
static void detach(fsm_publisher *p, leaving *it) {
  pthread_mutex_lock(&p->lock);
  it->outbox = it->slot->outbox;
  if (it->outbox != NULL) fsm__outbox_status_get(it->outbox, &it->slot->last);
  it->slot->last.connected = false;
  it->slot->outbox = NULL;
  while (it->slot->users > 0) pthread_cond_wait(&p->idle, &p->lock);
  pthread_mutex_unlock(&p->lock);
}

static void end(fsm_publisher *p, leaving *it) {
  if (it->started) pthread_join(it->thread, NULL);
  it->slot->sink->free(it->slot->sink); /* from here on nobody acknowledges */
  it->slot->sink = NULL;
  pthread_mutex_lock(&p->lock);
  it->slot->last = it->last;
  it->slot->hold = FSM__HOLD_NONE;
  hold_most(p);
  pthread_mutex_unlock(&p->lock);
  fsm__outbox_free(it->outbox);
}

/* The outboxes of these slots at the same time: each may take its second. */
static void stop_slots(fsm_publisher *p, fsm__slot *const *slots, size_t count) {
  leaving all[FSM_SINKS_MAX] = {0};
  for (size_t i = 0; i < count; i++) {
    all[i].slot = slots[i];
    detach(p, &all[i]);
    if (all[i].outbox == NULL) continue;
    all[i].started = count > 1 && pthread_create(&all[i].thread, NULL, unmake, &all[i]) == 0;
    if (!all[i].started) unmake(&all[i]);
  }
  for (size_t i = 0; i < count; i++)
    if (all[i].outbox != NULL) end(p, &all[i]);
}

static void free_slot(fsm__slot *slot) {
  FSM_ASSERT(slot->outbox == NULL && slot->users == 0 && slot->list->users > 0);
  if (--slot->list->users == 0) fsm__sink_list_free(slot->list);
  free(slot);
}

/* ---- the set ----------------------------------------------------------------------------------------- */

static fsm__slot *same_as(fsm_publisher *p, const fsm__sink_config *config) {
  for (size_t i = 0; i < p->count; i++)
    if (fsm__sink_config_equal(p->slots[i]->config, config)) return p->slots[i];
  return NULL;
}

/* The set that is to be: slots that stay, and new ones that are not made yet. */
static fsm_code lay_out(fsm_publisher *p, fsm__sink_list *list, fsm__slot *next[FSM_SINKS_MAX],
                        fsm_error *err) {
  for (size_t i = 0; i < p->count; i++) p->slots[i]->kept = false;
  for (size_t i = 0; i < list->count; i++) {
    next[i] = same_as(p, &list->configs[i]);
    if (next[i] == NULL) continue;
    next[i]->kept = true;
  }
  for (size_t i = 0; i < list->count; i++) {
    if (next[i] != NULL) continue;
    next[i] = calloc(1, sizeof *next[i]);
    if (next[i] == NULL) {
      while (i-- > 0)
        if (!next[i]->kept) free_slot(next[i]);
      return fsm_fail(err, FSM_ENOMEM, "", "no memory for the sinks");
    }
    next[i]->config = &list->configs[i];
    next[i]->list = list;
    next[i]->publisher = p;
    list->users++;
  }
  return FSM_OK;
}

static void tell_names(fsm_publisher *p) {
  const char *names[FSM_SINKS_MAX];
  for (size_t i = 0; i < p->count; i++) names[i] = p->slots[i]->config->name;
  fsm__runtime_know_sinks(p->runtime, names, p->count);
}

static void show(fsm_publisher *p, fsm__slot *const *slots, size_t count) {
  pthread_mutex_lock(&p->lock);
  if (count > 0) memcpy(p->slots, slots, count * sizeof *slots);
  p->count = count;
  pthread_mutex_unlock(&p->lock);
}

fsm_code fsm__slots_set(fsm_publisher *p, fsm__sink_list *list, fsm_error *err) {
  fsm__slot *next[FSM_SINKS_MAX] = {0}, *gone[FSM_SINKS_MAX] = {0}, *stay[FSM_SINKS_MAX];
  size_t gone_count = 0, stay_count = 0, count = list->count;
  list->users++; /* ours, until all is laid out */
  /* A route may have been set where no outbox that is here came by. */
  fsm_code code = fsm__routing_load(p->routing, p->runtime, err);
  if (code == FSM_OK) code = lay_out(p, list, next, err);
  if (--list->users == 0) fsm__sink_list_free(list);
  if (code != FSM_OK) return code;
  for (size_t i = 0; i < p->count; i++) {
    fsm__slot *slot = p->slots[i];
    if (slot->kept)
      stay[stay_count++] = slot;
    else
      gone[gone_count++] = slot;
  }
  show(p, stay, stay_count);
  stop_slots(p, gone, gone_count);
  for (size_t i = 0; i < gone_count; i++) free_slot(gone[i]);
  show(p, next, count);
  for (size_t i = 0; i < count; i++)
    if (!next[i]->kept) make(p, next[i]);
  fsm__slots_find_strays(p);
  tell_names(p);
  return FSM_OK;
}

void fsm__slots_mend(fsm_publisher *p) {
  const int64_t now = fsm__wall_ns(), every = FSM_PUBLISH_REMAKE_MS * INT64_C(1000000);
  for (size_t i = 0; i < p->count; i++) {
    fsm__slot *slot = p->slots[i];
    if (slot->outbox != NULL || (now >= slot->tried_ns && now - slot->tried_ns < every)) continue;
    slot->tried_ns = now;
    make(p, slot);
  }
}

void fsm__slots_stop(fsm_publisher *p) { stop_slots(p, p->slots, p->count); }

void fsm__slots_free(fsm_publisher *p) {
  for (size_t i = 0; i < p->count; i++) free_slot(p->slots[i]);
  p->count = 0;
}

void fsm__slots_wake(fsm_publisher *p) {
  pthread_mutex_lock(&p->lock);
  for (size_t i = 0; i < p->count; i++)
    if (p->slots[i]->outbox != NULL) fsm__outbox_wake(p->slots[i]->outbox);
  pthread_mutex_unlock(&p->lock);
}

/* One whose file is damaged is not among them: it holds the journal all the same, and retention says so. */
void fsm__slots_find_strays(fsm_publisher *p) {
  fsm__cursor found[FSM_CURSORS_MAX];
  size_t count = 0, kept = 0;
  fsm_code code = fsm__cursors_load(fsm__runtime_dir(p->runtime), found, &count, NULL);
  if (code != FSM_OK && code != FSM_ECORRUPT) count = 0;
  pthread_mutex_lock(&p->lock);
  for (size_t i = 0; i < count; i++) {
    bool configured = false;
    for (size_t k = 0; k < p->count; k++) configured |= strcmp(p->slots[k]->config->name, found[i].sink) == 0;
    if (!configured) p->strays[kept++] = found[i];
  }
  p->stray_count = kept;
  pthread_mutex_unlock(&p->lock);
}
