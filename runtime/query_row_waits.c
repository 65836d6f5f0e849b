/* query_row_waits.c: what an instance waits for: its tasks, timers and messages, then the events that
 * something in its states takes. */
#include <string.h>

#include "runtime/query_row_impl.h"

static void add_wait(fsm__items *items, const char *what, const char *name, int64_t due_ns) {
  fsm__document map = {.arena = items->arena};
  fsm_value view;
  if (items->count >= FSM__ROW_WAITS_MAX) return;
  fsm__document_text(&map, "what", what);
  fsm__document_text(&map, "name", name);
  if (due_ns != 0) fsm__document_time(&map, "due", due_ns);
  if (fsm__document_map(&map, &view, NULL) == FSM_OK)
    fsm__items_add(items, view);
  else
    items->failed = true;
}

static bool has_wait(const fsm__items *items, const char *name) {
  for (unsigned i = 0; i < items->count; i++) {
    const fsm_value *other = fsm_map_get(&items->items[i], "name");
    if (other != NULL && fsm_is_text(other, name)) return true;
  }
  return false;
}

/* Names that begin so are made by the engine (fsm/prospect.h). */
static bool is_sent(const char *event) {
  return strncmp(event, "xstate.", 7) != 0 && strncmp(event, "done.", 5) != 0 &&
         strncmp(event, "error.", 6) != 0;
}

static void add_events(const fsm__instance *in, const fsm__mobility *m, fsm__items *items) {
  const fsm_machine *machine = in->deployed->machine;
  for (unsigned i = 0; i < m->prospects.count; i++) {
    const char *event;
    for (unsigned e = 0; (event = fsm_transition_event(machine, m->prospects.transitions[i], e)) != NULL; e++)
      if (is_sent(event) && !has_wait(items, event)) add_wait(items, "event", event, 0);
  }
}

static fsm_code add_pending(const fsm__reading *at, const fsm__instance *in, char type, fsm__items *items,
                            fsm_error *err) {
  const fsm__key prefix = fsm__key_instance(in->number, type, NULL, 0);
  fsm__range range;
  fsm__row row;
  fsm__timer timer;
  fsm__task task;
  fsm__send send;
  bool found = false;
  fsm_code code = FSM_OK;
  fsm__range_open(&range, at->core->store, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  while (items->count < FSM__ROW_WAITS_MAX && (code = fsm__range_next(&range, &row, &found, err)) == FSM_OK &&
         found) {
    if (type == 't' && (code = fsm__timer_read(&row, at->arena, &timer, err)) == FSM_OK)
      add_wait(items, "timer", timer.event, timer.due_ns);
    if (type == 'k' && (code = fsm__task_read(&row, at->arena, &task, err)) == FSM_OK)
      add_wait(items, strcmp(task.service, "machine") == 0 ? "child" : "task",
               strcmp(task.service, "machine") == 0 ? task.id : task.service, 0);
    if (type == 'm' && (code = fsm__send_read(&row, at->arena, &send, err)) == FSM_OK)
      add_wait(items, "message", send.event[0] != '\0' ? send.event : fsm__send_kind_name(send.kind),
               send.due_ns);
    if (code != FSM_OK) break;
  }
  fsm__range_close(&range);
  return code;
}

fsm_code fsm__row_waits(const fsm__reading *at, const fsm__instance *in, const fsm__mobility *m,
                        fsm__document *d, fsm_error *err) {
  static const char types[] = {'k', 't', 'm'};
  fsm__items items = {.arena = at->arena};
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < sizeof types && code == FSM_OK; i++)
    code = add_pending(at, in, types[i], &items, err);
  if (code != FSM_OK) return code;
  add_events(in, m, &items);
  fsm__row_list(d, "waits", &items);
  return FSM_OK;
}
