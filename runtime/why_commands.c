/* why_commands.c: what would move an instance, as commands of fsm-cli: the usual ones first.
 *
 * argv is what stands behind `fsm-cli`, so that whoever asked can put in front of it how the store is
 * reached. needs says what has to be filled in or had before it is taken: "reason" (the text behind
 * --reason), "data", "role" (it is not known that who asks may). */
#include <string.h>

#include "runtime/sends.h"
#include "runtime/why.h"
#include "schema/json.h"

enum { ARGS_MAX = 12 };

typedef struct command {
  const char *args[ARGS_MAX];
  unsigned count, words; /* words: the verb and what stands before options */
} command;

static void add_arg(command *c, const char *text) {
  if (c->count < ARGS_MAX) c->args[c->count++] = text;
}

static void add_option(command *c, const char *name) {
  c->words = c->count;
  add_arg(c, name);
}

/* What could not be made is no argument, and the whole answer is not given. */
static void add_made(command *c, const char *text, fsm__items *items) {
  items->failed = items->failed || text == NULL;
  if (text != NULL) add_arg(c, text);
}

static command begin(const fsm__why *why, const char *verb) {
  command c = {.count = 0};
  add_arg(&c, verb);
  add_arg(&c, why->in.id);
  return c;
}

/* An id, an event or a name may begin with "-", and would be taken for an option. */
static void put_args(const command *c, fsm__items *argv) {
  const unsigned words = c->words > 0 ? c->words : c->count;
  bool dashed = false;
  for (unsigned i = 1; i < words; i++) dashed = dashed || c->args[i][0] == '-';
  fsm__items_add(argv, fsm_string(c->args[0]));
  for (unsigned i = 1; i < words && !dashed; i++) fsm__items_add(argv, fsm_string(c->args[i]));
  for (unsigned i = words; i < c->count; i++) fsm__items_add(argv, fsm_string(c->args[i]));
  if (dashed) fsm__items_add(argv, fsm_string("--"));
  for (unsigned i = 1; i < words && dashed; i++) fsm__items_add(argv, fsm_string(c->args[i]));
}

/* needs: a text, "" = nothing. */
static void add(const fsm__why *why, fsm__items *items, const command *c, const char *text,
                const char *needs) {
  fsm__items argv = {.arena = why->arena};
  fsm__document one = {.arena = why->arena};
  fsm_value view;
  put_args(c, &argv);
  fsm__document_text(&one, "do", c->args[0]);
  fsm__why_put_items(&one, "argv", &argv);
  fsm__document_text(&one, "text", text);
  if (*needs != '\0') fsm__document_text(&one, "needs", needs);
  if (fsm__document_map(&one, &view, NULL) != FSM_OK)
    items->failed = true;
  else
    fsm__items_add(items, view);
}

/* A repair: with its reason to be written. */
static void repair(const fsm__why *why, fsm__items *items, command *c, const char *text) {
  add_option(c, "--reason");
  add_arg(c, "…"); /* to be written by who runs it */
  add(why, items, c, text, "reason");
}

static const char *json_of(const fsm__why *why, const fsm_value *value) {
  fsm_buf buf = {0};
  fsm_json_write(&buf, value);
  const char *text = fsm_arena_strndup(why->arena, fsm_buf_text(&buf), buf.len);
  fsm_buf_free(&buf);
  return text;
}

/* ---- events -------------------------------------------------------------------------------------- */

static bool told_before(const fsm__why *why, unsigned index) {
  for (unsigned i = 0; i < index; i++) {
    const fsm_candidate *before = &why->events[i].candidate;
    if (strcmp(why->events[i].event, why->events[index].event) == 0 && (before->enabled || before->depends))
      return true;
  }
  return false;
}

static void add_event(const fsm__why *why, fsm__items *items, unsigned index) {
  const fsm_enabled_event *event = &why->events[index];
  const fsm_candidate *candidate = &event->candidate;
  const bool known = fsm_is(&why->at->query->actor, FSM_MAP);
  const bool may = candidate->allow_count == 0 || (known && candidate->permitted == FSM_VERDICT_YES);
  const fsm_value data = fsm__why_sample(why, event->event);
  const char *who = fsm__why_who_text(why, index);
  const uint16_t *targets = NULL;
  const char *to = fsm_transition_targets(why->in.deployed->machine, candidate->transition, &targets) > 0
                       ? fsm_state_path(why->in.deployed->machine, targets[0])
                       : "";
  if (strcmp(event->event, "*") == 0 || strstr(event->event, ".*") != NULL) return;
  command c = begin(why, "send");
  add_arg(&c, event->event);
  if (!fsm_is(&data, FSM_NULL)) {
    add_option(&c, "--data");
    add_made(&c, json_of(why, &data), items);
  }
  const bool fill = candidate->depends || !fsm_is(&data, FSM_NULL);
  const char *needs = !may && fill ? "role, data" : !may ? "role" : fill ? "data" : "";
  add(why, items, &c,
      fsm__why_printf(why, "%s%s%s%s", *to != 0 ? "to " : "it stays", to, may || *who == 0 ? "" : ", as ",
                      may ? "" : who),
      needs);
}

static void add_events(const fsm__why *why, fsm__items *items) {
  for (unsigned i = 0; i < why->event_count; i++) {
    const fsm_candidate *candidate = &why->events[i].candidate;
    if ((candidate->enabled || candidate->depends) && !told_before(why, i)) add_event(why, items, i);
  }
}

/* ---- repairs ------------------------------------------------------------------------------------- */

static void add_tasks(const fsm__why *why, fsm__items *items) {
  for (unsigned i = 0; i < why->task_count; i++) {
    const fsm__task *task = &why->tasks[i];
    if (fsm__why_is_child(task)) {
      command c = {.count = 0};
      add_arg(&c, "why");
      add_made(&c, fsm__child_id(why->arena, why->in.id, task->id, task->seq), items);
      add(why, items, &c, "why the child that it waits for does not move", "");
    } else {
      command again = begin(why, "retry");
      add_arg(&again, task->id);
      repair(why, items, &again,
             task->attempts == 1
                 ? fsm__why_printf(why, "the task %s anew", task->id)
                 : fsm__why_printf(why, "the task %s anew, with all %u attempts", task->id, task->attempts));
    }
    command skip = begin(why, "skip");
    add_arg(&skip, task->id);
    repair(why, items, &skip, fsm__why_printf(why, "the task %s is done, without output", task->id));
  }
}

static void add_timers(const fsm__why *why, fsm__items *items) {
  for (unsigned i = 0; i < why->timer_count && i < 3; i++) {
    command c = begin(why, "skip");
    add_arg(&c, why->timers[i].id);
    repair(why, items, &c, fsm__why_printf(why, "the timer %s fires now", why->timers[i].id));
  }
}

static void add_incident(const fsm__why *why, fsm__items *items) {
  command again = begin(why, "retry"), skip = begin(why, "skip");
  if (fsm_is(&why->in.incident, FSM_MAP) && fsm_map_get(&why->in.incident, "tried") != NULL)
    repair(why, items, &again, "what failed is tried again, now");
  repair(why, items, &skip, "the incident is closed, and what failed is not tried again");
}

/* Where it could be put by hand: the siblings of its first leaf, the ends last. */
static void add_force(const fsm__why *why, fsm__items *items) {
  const fsm_machine *machine = why->in.deployed->machine;
  const unsigned states = fsm_machine_states(machine);
  unsigned leaf = 0, leaves = 0, shown = 0;
  for (unsigned s = states; s-- > 0;)
    if (fsm_config_has(why->snapshot.config, s) && fsm_state_is_leaf(machine, s)) leaf = s, leaves++;
  if (leaves != 1) return; /* of regions it takes a state each: for who knows the chart */
  for (unsigned s = 1; s < states && shown < 3; s++) {
    const bool here = fsm_config_has(why->snapshot.config, s);
    if (here || !fsm_state_is_leaf(machine, s)) continue;
    if (fsm_state_parent(machine, s) != fsm_state_parent(machine, leaf)) continue;
    command c = begin(why, "force");
    add_arg(&c, fsm_state_path(machine, s));
    repair(why, items, &c,
           fsm__why_printf(why, "it stands in %s; no action runs", fsm_state_path(machine, s)));
    shown++;
  }
}

static void add_end(const fsm__why *why, fsm__items *items) {
  command c = begin(why, "cancel");
  repair(why, items, &c, "it ends, without output");
}

fsm_value fsm__why_commands(const fsm__why *why) {
  fsm__items items = {.arena = why->arena};
  if (!fsm__status_open(why->in.status)) return fsm_list(NULL, 0);
  if (why->in.status == FSM_PAUSED) {
    command c = begin(why, "resume");
    repair(why, &items, &c, "it runs again");
  } else if (why->in.status == FSM_INCIDENT) {
    add_incident(why, &items);
  } else {
    add_events(why, &items);
    add_tasks(why, &items);
    add_timers(why, &items);
  }
  const unsigned gentle = items.count;
  if (gentle == 0 || why->never || why->orphan || why->in.status == FSM_INCIDENT) add_force(why, &items);
  add_end(why, &items);
  return items.failed ? fsm_list(NULL, 0) : fsm_list(items.items, items.count);
}
