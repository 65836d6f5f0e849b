/* step_event.c: what expressions see of the event and of the session.
 *
 * XState: `event` is {name, type, data}, a map as data also at the top. SCXML 5.10: `_event` has always the
 * same seven fields, blank ones null, and is not there before the first event.
 */
#include <string.h>

#include "fsm/step_impl.h"

bool fsm__is_error_event(const char *name) {
  return fsm__has_prefix(name, "error.") || fsm__has_prefix(name, "xstate.error.");
}

/* XState's second name for the data of events that the engine or a task makes; NULL = none. */
static const char *data_alias(const char *name) {
  if (fsm__has_prefix(name, "xstate.done.")) return "output";
  return fsm__is_error_event(name) ? "error" : NULL;
}

static void see_xstate(fsm__run *run, const fsm_event *event) {
  const fsm_value *data = &event->data;
  const char *alias = data_alias(event->name);
  fsm_pair *pairs = fsm_arena_alloc(run->arena, 4 * sizeof *pairs);
  if (pairs == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  fsm_value text = fsm_stringn(event->name, run->event_len);
  pairs[0] = (fsm_pair){fsm_stringn("data", 4), *data};
  pairs[1] = (fsm_pair){fsm_stringn("name", 4), text};
  pairs[2] = (fsm_pair){fsm_stringn("type", 4), text};
  if (alias != NULL) {
    pairs[3] = (fsm_pair){fsm_string(alias), *data};
    if (fsm_map(pairs, 4, &run->event_map, NULL) != FSM_OK) fsm__fault(run, FSM_ENOMEM);
    return;
  }
  fsm_value own = {.type = FSM_MAP, .len = 3, .pairs = pairs};
  run->event_map = own;
  if (!fsm_is(data, FSM_MAP) || data->len == 0) return;
  if (fsm_map_merge(run->arena, data, &own, &run->event_map) != FSM_OK) fsm__fault(run, FSM_ENOMEM);
}

static fsm_value text_or_null(const char *text) { return text != NULL ? fsm_string(text) : fsm_null(); }

/* The keys are in their order. */
static void see_scxml(fsm__run *run, const fsm_event *event) {
  fsm_pair *pairs = fsm_arena_alloc(run->arena, 7 * sizeof *pairs);
  if (pairs == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  const char *type = event->type;
  if (type == NULL) type = event->cause == FSM_CAUSE_TASK ? "platform" : "external";
  pairs[0] = (fsm_pair){fsm_string("data"), event->data};
  pairs[1] = (fsm_pair){fsm_string("invokeid"), text_or_null(event->invokeid)};
  pairs[2] = (fsm_pair){fsm_string("name"), fsm_stringn(event->name, run->event_len)};
  pairs[3] = (fsm_pair){fsm_string("origin"), text_or_null(event->origin)};
  pairs[4] = (fsm_pair){fsm_string("origintype"), text_or_null(event->origintype)};
  pairs[5] = (fsm_pair){fsm_string("sendid"), text_or_null(event->sendid)};
  pairs[6] = (fsm_pair){fsm_string("type"), fsm_string(type)};
  run->event_map = (fsm_value){.type = FSM_MAP, .len = 7, .pairs = pairs};
}

static const fsm_value *make_event(void *arg) {
  fsm__run *run = arg;
  if (run->machine->dialect == FSM_XSTATE)
    see_xstate(run, &run->seen);
  else
    see_scxml(run, &run->seen);
  run->scope.event = &run->event_map;
  return run->scope.event;
}

void fsm__run_see(fsm__run *run, const fsm_event *event) {
  run->event_name = event->name;
  run->event_len = strlen(event->name);
  run->seen = *event;
  run->scope.event = NULL;
  run->scope.event_of = make_event;
  run->scope.event_arg = run;
}

static const fsm_value *make_json_event(void *arg) {
  fsm__run *run = arg;
  see_xstate(run, &run->seen);
  run->scope.event = &run->event_map;
  return run->scope.event;
}

void fsm__run_see_json(fsm__run *run, fsm__sight *saved) {
  *saved = (fsm__sight){run->scope.event, run->scope.event_of, run->event_map};
  run->scope.event = NULL;
  run->scope.event_of = make_json_event;
  run->scope.event_arg = run;
}

void fsm__run_see_again(fsm__run *run, const fsm__sight *saved) {
  run->scope.event = saved->event;
  run->scope.event_of = saved->event_of;
  run->event_map = saved->map;
}

void fsm__run_system(fsm__run *run) {
  const char *location = fsm_arena_printf(run->arena, "#_scxml_%s", run->session);
  fsm_pair *pairs = fsm_arena_alloc(run->arena, 6 * sizeof *pairs);
  if (location == NULL || pairs == NULL) {
    fsm__fault(run, FSM_ENOMEM);
    return;
  }
  pairs[0] = (fsm_pair){fsm_string("location"), fsm_string(location)};
  const fsm_value processor = {.type = FSM_MAP, .len = 1, .pairs = &pairs[0]};
  pairs[1] = (fsm_pair){fsm_string(FSM__PROCESSOR), processor};
  pairs[2] = (fsm_pair){fsm_string("scxml"), processor};
  pairs[3] = (fsm_pair){fsm_string("_ioprocessors"), {.type = FSM_MAP, .len = 2, .pairs = &pairs[1]}};
  pairs[4] = (fsm_pair){fsm_string("_name"), fsm_string(run->machine->id)};
  pairs[5] = (fsm_pair){fsm_string("_sessionid"), fsm_string(run->session)};
  run->system = (fsm_value){.type = FSM_MAP, .len = 3, .pairs = &pairs[3]};
  run->scope.system = &run->system;
}
