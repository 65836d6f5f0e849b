/* session_task.c: what a session has invoked: its children, and the tasks that wait for an answer.
 *
 * A task stays open until its answer is looked at, not until its child has ended: so what the child sent
 * before it ended still comes, and what it sent before it was cancelled does not.
 */
#include <stdlib.h>
#include <string.h>

#include "fsm/session_impl.h"

fsm__task *fsm__task_numbered(const fsm_session *session, uint64_t number) {
  fsm__task *task = session->tasks;
  while (task && task->number != number) task = task->next;
  return task;
}

fsm__task *fsm__task_named(const fsm_session *session, const char *id) {
  fsm__task *task = session->tasks;
  while (task && strcmp(task->id, id) != 0) task = task->next;
  return task;
}

static fsm__task *task_add(fsm_session *session, const char *id, unsigned invoke) {
  size_t len = strlen(id) + 1;
  fsm__task *task = malloc(sizeof *task + len);
  if (!task) return NULL;
  char *text = (char *)(task + 1);
  memcpy(text, id, len);
  *task = (fsm__task){.number = ++session->all->made, .invoke = invoke, .id = text};
  fsm__task **at = &session->tasks;
  while (*at) at = &(*at)->next;
  return *at = task;
}

void fsm__task_forget(fsm_session *session, fsm__task *task) {
  fsm__task **at = &session->tasks;
  while (*at != task) at = &(*at)->next;
  *at = task->next;
  free(task);
}

/* The machine that is to work on it; *machine NULL = nobody here does. */
static fsm_code machine_of(fsm_session *session, const fsm_effect *open, const fsm_machine **machine,
                           fsm_error *err) {
  const fsm_sessions_options *options = &session->all->options;
  *machine = fsm_invoke_machine(session->machine, open->invoke);
  if (*machine || !options->load) return FSM_OK;
  session->all->busy = true;
  fsm_code code = options->load(options->load_arg, session, open, machine, err);
  session->all->busy = false;
  return code;
}

/* The start of a child goes through the queue like all else, so that children may have children. */
static fsm_code child_add(fsm_session *session, fsm__task *task, const fsm_machine *machine,
                          const fsm_value *input, fsm_error *err) {
  fsm_session *child;
  fsm_code code = fsm__session_add(session->all, machine, session, task, &child, err);
  if (code != FSM_OK) return code;
  task->child = child->number;
  fsm__message draft = {.kind = FSM__MESSAGE_START,
                        .to = child->number,
                        .from = session->number,
                        .event = {.data = *input}},
               *start;
  code = fsm__message_new(session->all, &draft, &start, err);
  if (code == FSM_OK) fsm__message_put(session->all, start);
  return code;
}

fsm_code fsm__task_open(fsm_session *session, const fsm_effect *effect, fsm_error *err) {
  FSM_ASSERT(session && effect && effect->id);
  fsm__task *task = task_add(session, effect->id, effect->invoke);
  if (!task) return fsm_fail(err, FSM_ENOMEM, effect->id, "no memory for the task");
  fsm_error fault = {0};
  const fsm_machine *machine = NULL;
  fsm_code code = machine_of(session, effect, &machine, &fault);
  if (code == FSM_ENOMEM) return fsm_fail(err, code, effect->id, "%s", fault.text);
  if (code != FSM_OK) return fsm__task_answer(session, task, NULL, fault.text, err);
  return machine ? child_add(session, task, machine, &effect->data, err) : FSM_OK;
}

/* Its exit actions are run before anything else happens. */
static void child_stop(fsm_session *child) {
  if (child->phase == FSM__SESSION_WAITS) {
    fsm__session_remove(child);
  } else if (child->phase == FSM__SESSION_RUNS) {
    child->phase = FSM__SESSION_STOPS;
    child->all->stopping++;
  }
}

void fsm__task_cancel(fsm_session *session, const char *id) {
  fsm__task *task = fsm__task_named(session, id);
  if (!task) return;
  fsm_session *child = task->child ? fsm__session_numbered(session->all, task->child) : NULL;
  fsm__task_forget(session, task);
  if (child) child_stop(child);
}

void fsm__task_cancel_all(fsm_session *session) {
  while (session->tasks) fsm__task_cancel(session, session->tasks->id);
}

/* {"message": text}, as the data of error.execution. */
static fsm_value fault_data(fsm_pair *pair, const char *text) {
  *pair = (fsm_pair){fsm_string("message"), fsm_string(text)};
  return (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pair};
}

static const char *answer_name(const fsm_session *session, const char *id, bool failed, fsm_arena *arena) {
  if (fsm_machine_dialect(session->machine) == FSM_XSTATE)
    return fsm_arena_printf(arena, failed ? "xstate.error.actor.%s" : "xstate.done.actor.%s", id);
  return failed ? "error.communication" : fsm_arena_printf(arena, "done.invoke.%s", id);
}

fsm_code fsm__task_answer(fsm_session *session, const fsm__task *task, const fsm_value *data,
                          const char *fault, fsm_error *err) {
  FSM_ASSERT(session && task);
  fsm_pair pair;
  const char *name = answer_name(session, task->id, fault != NULL, &session->all->scratch);
  if (!name) return fsm_fail(err, FSM_ENOMEM, task->id, "no memory for the answer");
  fsm__message draft = {.kind = FSM__MESSAGE_EVENT,
                        .to = session->number,
                        .from = task->child,
                        .task = task->number,
                        .ends_task = true,
                        .event = {.name = name,
                                  .data = data ? *data : fsm_null(),
                                  .cause = FSM_CAUSE_TASK,
                                  .type = fault ? "platform" : NULL,
                                  .invokeid = task->id}},
               *answer;
  if (fault && !data) draft.event.data = fault_data(&pair, fault);
  fsm_code code = fsm__message_new(session->all, &draft, &answer, err);
  if (code == FSM_OK) fsm__message_put(session->all, answer);
  return code;
}

bool fsm_session_task_at(const fsm_session *session, unsigned n, fsm_session_task *out) {
  FSM_ASSERT(session && out);
  const fsm__task *task = session->tasks;
  while (task && n-- > 0) task = task->next;
  if (!task) return false;
  *out = (fsm_session_task){.id = task->id, .invoke = task->invoke};
  if (task->child) out->child = fsm__session_numbered(session->all, task->child);
  return true;
}
