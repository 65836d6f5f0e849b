/* why_commands.c: what would move an instance, as commands of fsm-cli: the usual ones first.
 *
 * argv is what stands behind `fsm-cli`, so that whoever asked can put in front of it how the store is
 * reached. needs says what has to be filled in or had before it is taken: "reason" (the text behind
 * --reason), "data", "role" (it is not known that who asks may). then: what is sent once that is done. */
#include <string.h>

#include "runtime/sends.h"
#include "runtime/why_command.h"

/* A repair: with its reason to be written. */
static void repair(const fsm__why *why, fsm__items *items, fsm__why_command *c, const char *text) {
  fsm__why_option(c, "--reason");
  fsm__why_arg(c, "…"); /* to be written by who runs it */
  fsm__why_add(why, items, c, NULL, text, "reason");
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
  bool role, data;
  if (!fsm__why_is_name(why->events[index].event)) return;
  const fsm__why_command c = fsm__why_send(why, items, index, &role, &data);
  fsm__why_add(why, items, &c, NULL, fsm__why_leads(why, index, role),
               role && data ? "role, data"
               : role       ? "role"
               : data       ? "data"
                            : "");
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
      fsm__why_command c = {.count = 0};
      fsm__why_arg(&c, "why");
      fsm__why_made(&c, fsm__child_id(why->arena, why->in.id, task->id, task->seq), items);
      fsm__why_add(why, items, &c, NULL, "why the child that it waits for does not move", "");
    } else {
      fsm__why_command again = fsm__why_command_of(why, "retry");
      fsm__why_arg(&again, task->id);
      repair(why, items, &again,
             task->attempts == 1
                 ? fsm__why_printf(why, "the task %s anew", task->id)
                 : fsm__why_printf(why, "the task %s anew, with all %u attempts", task->id, task->attempts));
    }
    fsm__why_command skip = fsm__why_command_of(why, "skip");
    fsm__why_arg(&skip, task->id);
    repair(why, items, &skip, fsm__why_printf(why, "the task %s is done, without output", task->id));
  }
}

static void add_timers(const fsm__why *why, fsm__items *items) {
  for (unsigned i = 0; i < why->timer_count && i < 3; i++) {
    fsm__why_command c = fsm__why_command_of(why, "skip");
    fsm__why_arg(&c, why->timers[i].id);
    repair(why, items, &c, fsm__why_printf(why, "the timer %s fires now", why->timers[i].id));
  }
}

static void add_incident(const fsm__why *why, fsm__items *items) {
  fsm__why_command again = fsm__why_command_of(why, "retry"), skip = fsm__why_command_of(why, "skip");
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
    fsm__why_command c = fsm__why_command_of(why, "force");
    fsm__why_arg(&c, fsm_state_path(machine, s));
    repair(why, items, &c,
           fsm__why_printf(why, "it stands in %s; no action runs", fsm_state_path(machine, s)));
    shown++;
  }
}

static void add_end(const fsm__why *why, fsm__items *items) {
  fsm__why_command c = fsm__why_command_of(why, "cancel");
  repair(why, items, &c, "it ends, without output");
}

fsm_value fsm__why_commands(const fsm__why *why) {
  fsm__items items = {.arena = why->arena};
  if (!fsm__status_open(why->in.status)) return fsm_list(NULL, 0);
  if (why->in.status == FSM_PAUSED) {
    fsm__why_command c = fsm__why_command_of(why, "resume");
    repair(why, &items, &c, "it runs again");
  } else if (why->in.status == FSM_INCIDENT) {
    add_incident(why, &items);
  } else {
    add_events(why, &items);
    add_tasks(why, &items);
    add_timers(why, &items);
  }
  const unsigned gentle = items.count;
  if (why->in.status == FSM_RUNNING) fsm__why_add_sets(why, &items);
  if (gentle == 0 || why->never || why->orphan || why->in.status == FSM_INCIDENT) add_force(why, &items);
  add_end(why, &items);
  return items.failed ? fsm_list(NULL, 0) : fsm_list(items.items, items.count);
}
