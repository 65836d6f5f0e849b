/* simulation.c: the machine at work, and the list of entries that brought it where it is. */
#include "tools/cli/definition/simulation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cli/definition/simulation_models.h"

/* ---- watching ------------------------------------------------------------------------------------- */

static cli_before *find_before(cli_simulation *sim, const char *session) {
  cli_before *before = sim->before;
  while (before != NULL && strcmp(before->session, session) != 0) before = before->next;
  return before;
}

static cli_before *add_before(cli_simulation *sim, const char *session) {
  size_t len = strlen(session) + 1;
  cli_before *before = calloc(1, sizeof *before + len);
  if (before == NULL) return NULL;
  char *copy = (char *)(before + 1);
  memcpy(copy, session, len);
  *before = (cli_before){.next = sim->before, .session = copy};
  fsm_arena_init(&before->arena, 0);
  return sim->before = before;
}

static void drop_before(cli_simulation *sim, const cli_before *ended) {
  for (cli_before **at = &sim->before; *at != NULL; at = &(*at)->next) {
    if (*at != ended) continue;
    cli_before *gone = *at;
    *at = gone->next;
    fsm_arena_free(&gone->arena);
    free(gone);
    return;
  }
}

static void keep_context(cli_simulation *sim, cli_before *before, const fsm_value *context) {
  fsm_arena next;
  fsm_arena_init(&next, 0);
  fsm_value copy;
  if (fsm_value_copy(&next, context, &copy, NULL) != FSM_OK) {
    fsm_arena_free(&next);
    sim->no_memory = true;
    return;
  }
  fsm_arena_free(&before->arena);
  before->arena = next;
  before->context = copy;
}

/* What a runtime would park the instance for. In SCXML an error event that nothing takes is dropped. */
static void note_fault(cli_simulation *sim, const fsm_session *session, const fsm_step_result *result) {
  bool error =
      result->outcome == FSM_EEXPRESSION && fsm_machine_dialect(fsm_session_machine(session)) == FSM_XSTATE;
  bool bound = result->outcome == FSM_ELOOP || result->outcome == FSM_ETOOLARGE;
  if (sim->fault != FSM_OK || (!error && !bound)) return;
  sim->fault = result->outcome;
  fsm_error text = {0};
  if (result->unhandled != NULL)
    (void)fsm_fail(&text, sim->fault, "", "%s is not handled: %s", result->unhandled,
                   result->unhandled_text == NULL ? "" : result->unhandled_text);
  else
    (void)fsm_fail(&text, sim->fault, "", "%s", fsm_code_text(sim->fault));
  memcpy(sim->fault_text, text.text, sizeof sim->fault_text);
}

static void show_step(cli_simulation *sim, const fsm_session *session, const fsm_event *event,
                      const char *how, const fsm_value *context, const fsm_step_result *result) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_value step = cli_simulation_step(sim, &arena, session, event, how, context, result);
  if (fsm_is(&step, FSM_NULL)) sim->no_memory = true;
  if (sim->cli->json)
    cli_simulation_json(sim, &step);
  else
    cli_simulation_print_step(sim, &step);
  fsm_arena_free(&arena);
}

static void watch(void *arg, const fsm_session *session, const fsm_event *event,
                  const fsm_step_result *result) {
  cli_simulation *sim = arg;
  const char *id = fsm_session_id(session), *how = event != NULL ? "event" : "stop";
  cli_before *before = find_before(sim, id);
  if (before == NULL) how = "start", before = add_before(sim, id);
  if (before == NULL) {
    sim->no_memory = true;
    return;
  }
  sim->steps++;
  note_fault(sim, session, result);
  if (!sim->silent) show_step(sim, session, event, how, &before->context, result);
  if (result->next.config == NULL) return; /* rolled back, and there is nothing before it */
  if (result->next.done || strcmp(how, "stop") == 0)
    drop_before(sim, before);
  else
    keep_context(sim, before, &result->next.context);
}

/* ---- beginning ------------------------------------------------------------------------------------ */

fsm_world cli_simulation_world(const cli_simulation *sim, const fsm_session *session) {
  return (fsm_world){.actor = fsm_is(&sim->actor, FSM_NULL) ? NULL : &sim->actor,
                     .now_ns = fsm_sessions_now(sim->sessions),
                     .session = fsm_session_id(session)};
}

static void end(cli_simulation *sim) {
  fsm_sessions_free(sim->sessions);
  sim->sessions = NULL;
  sim->session = NULL;
  while (sim->before != NULL) drop_before(sim, sim->before);
}

static fsm_code begin(cli_simulation *sim, fsm_error *err) {
  sim->actor = sim->first_actor;
  sim->steps = 0;
  sim->fault = FSM_OK;
  fsm_sessions_options options = {.now_ns = sim->begin_ns,
                                  .actor = fsm_is(&sim->actor, FSM_NULL) ? NULL : &sim->actor,
                                  .watch = watch,
                                  .watch_arg = sim,
                                  .load = cli_simulation_load,
                                  .load_arg = sim,
                                  .steps_max = CLI_SIMULATION_STEPS_MAX};
  fsm_code code = fsm_sessions_new(&options, &sim->sessions, err);
  if (code == FSM_OK)
    code = fsm_sessions_start(sim->sessions, sim->file.machine, &sim->input, &sim->session, err);
  return code;
}

static fsm_code read_options(cli_simulation *sim, fsm_error *err) {
  const cli_args *args = &sim->cli->args;
  const char *input = cli_args_get(args, "input"), *actor = cli_args_get(args, "actor"),
             *now = cli_args_get(args, "now");
  fsm_code code = FSM_OK;
  sim->begin_ns = INT64_C(946684800) * 1000000000; /* 2000-01-01 */
  if (input != NULL) code = cli_input(input, "input", &sim->kept, &sim->input, err);
  if (code == FSM_OK && actor != NULL) code = cli_input(actor, "actor", &sim->kept, &sim->first_actor, err);
  if (code == FSM_OK && actor != NULL && !fsm_is(&sim->first_actor, FSM_MAP))
    code = fsm_fail(err, FSM_EARGUMENT, "actor", "--actor takes an object: {\"sub\":\"anna\"}");
  if (code != FSM_OK || now == NULL) return code;
  const fsm_value text = fsm_string(now);
  if (cli_time_ns(&text, &sim->begin_ns)) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "now", "--now takes a time in UTC, 2026-03-01T09:00:00Z, not %s", now);
}

fsm_code cli_simulation_open(cli_run *cli, cli_simulation *out, fsm_error *err) {
  *out = (cli_simulation){.cli = cli};
  fsm_arena_init(&out->kept, 0);
  fsm_code code = read_options(out, err);
  if (code == FSM_OK) code = cli_simulation_load_files(out, err);
  if (code == FSM_OK && out->file.definition != NULL) {
    fsm_error fault = {0};
    code = fsm_definition_check_input(out->file.definition, &out->input, &fault);
    if (code != FSM_OK)
      code = fsm_fail(err, code, "input", "%s%s%s; give it with --input JSON", fault.where,
                      fault.where[0] == 0 ? "" : ": ", fault.text);
  }
  if (code == FSM_OK) code = begin(out, err);
  if (code == FSM_OK && out->no_memory) code = fsm_fail(err, FSM_ENOMEM, "", "no memory");
  return code;
}

void cli_simulation_close(cli_simulation *sim) {
  end(sim);
  cli_simulation_free_files(sim);
  free(sim->entries);
  fsm_arena_free(&sim->kept);
}

/* ---- sessions ------------------------------------------------------------------------------------- */

/* Parents first, each followed by its children: as many as *n are passed over. */
static const fsm_session *walk(const fsm_session *session, unsigned *n) {
  if (*n == 0) return session;
  (*n)--;
  fsm_session_task task;
  for (unsigned i = 0; fsm_session_task_at(session, i, &task); i++) {
    if (task.child == NULL) continue;
    const fsm_session *found = walk(task.child, n);
    if (found != NULL) return found;
  }
  return NULL;
}

const fsm_session *cli_simulation_session(const cli_simulation *sim, unsigned n) {
  return sim->session == NULL ? NULL : walk(sim->session, &n);
}

static fsm_code find_session(const cli_simulation *sim, const char *id, fsm_session **out, fsm_error *err) {
  *out = sim->session;
  if (id == NULL) return FSM_OK;
  const fsm_session *session;
  for (unsigned n = 0; (session = cli_simulation_session(sim, n)) != NULL; n++) {
    if (strcmp(fsm_session_id(session), id) != 0) continue;
    *out = (fsm_session *)session;
    return FSM_OK;
  }
  return fsm_fail(err, FSM_ENOTFOUND, id, "there is no such session now");
}

static bool has_task(const fsm_session *session, const char *id) {
  fsm_session_task task;
  for (unsigned i = 0; fsm_session_task_at(session, i, &task); i++)
    if (strcmp(task.id, id) == 0 && task.child == NULL) return true;
  return false;
}

/* "; these do: 0.review (reviewer)", or "". */
enum { TASKS_SHOWN = 200 /* bytes */ };

static const char *open_tasks(cli_simulation *sim) {
  fsm_buf text = {0};
  fsm_session_task task;
  const fsm_session *session;
  for (unsigned n = 0; (session = cli_simulation_session(sim, n)) != NULL; n++)
    for (unsigned i = 0; fsm_session_task_at(session, i, &task); i++) {
      const char *service = fsm_invoke_src(fsm_session_machine(session), task.invoke);
      if (task.child != NULL || text.len > TASKS_SHOWN) continue;
      fsm_buf_printf(&text, "%s%s", text.len == 0 ? "; these do: " : ", ", task.id);
      if (service != NULL) fsm_buf_printf(&text, " (%s)", service);
    }
  const char *copy = fsm_arena_strdup(&sim->kept, fsm_buf_text(&text));
  fsm_buf_free(&text);
  return copy == NULL ? "" : copy;
}

/* Without a session's name, the first session that has the task. */
static fsm_code answer(cli_simulation *sim, const cli_entry *entry, fsm_error *err) {
  fsm_session *session = NULL;
  fsm_code code = find_session(sim, entry->session, &session, err);
  if (code != FSM_OK) return code;
  const fsm_session *one;
  for (unsigned n = 0; entry->session == NULL && (one = cli_simulation_session(sim, n)) != NULL; n++) {
    if (!has_task(one, entry->name)) continue;
    session = (fsm_session *)one;
    break;
  }
  if (!has_task(session, entry->name))
    return fsm_fail(err, FSM_ENOTFOUND, entry->name, "no such task waits for an answer now%s",
                    open_tasks(sim));
  return fsm_session_answer(session, entry->name, entry->kind == CLI_ENTRY_FAIL, &entry->data, err);
}

/* ---- doing ---------------------------------------------------------------------------------------- */

/* Like the daemon: data against the schemas first. */
static fsm_code refuse_data(const cli_simulation *sim, const fsm_session *session, const cli_entry *entry,
                            fsm_error *err) {
  if (session != sim->session || sim->file.definition == NULL) return FSM_OK;
  fsm_error fault = {0};
  fsm_code code = fsm_definition_check_event(sim->file.definition, entry->name, &entry->data, &fault);
  if (code == FSM_OK) return code;
  return fsm_fail(err, code, "", "the data of %s does not match its schema: %s%s%s", entry->name, fault.where,
                  fault.where[0] == 0 ? "" : ": ", fault.text);
}

static fsm_code send(cli_simulation *sim, cli_entry *entry, fsm_error *refusal, fsm_error *err) {
  fsm_session *session;
  fsm_code code = find_session(sim, entry->session, &session, err);
  if (code != FSM_OK) return code;
  entry->outcome = refuse_data(sim, session, entry, refusal);
  if (entry->outcome != FSM_OK) return FSM_OK;
  fsm_event event = {.name = entry->name, .data = entry->data, .cause = FSM_CAUSE_EXTERNAL};
  code = fsm_session_send(session, &event, &entry->outcome, err);
  if (entry->outcome == FSM_EEXPRESSION)
    entry->outcome = FSM_OK; /* it was taken; the watcher saw the fault */
  if (code != FSM_OK || entry->outcome == FSM_OK) return code;
  (void)fsm_fail(refusal, entry->outcome, "", "%s is not taken: %s%s", entry->name,
                 fsm_code_text(entry->outcome), cli_simulation_hint(sim, entry->name, &sim->kept));
  return FSM_OK;
}

static fsm_code later(const cli_simulation *sim, const cli_entry *entry, int64_t *now_ns, fsm_error *err) {
  if (!__builtin_add_overflow(fsm_sessions_now(sim->sessions), entry->ns, now_ns)) return FSM_OK;
  return fsm_fail(err, FSM_ETOOLARGE, "", "the clock ends in 2262");
}

static fsm_code set_actor(cli_simulation *sim, const cli_entry *entry, fsm_error *err) {
  fsm_code code =
      fsm_sessions_set_actor(sim->sessions, fsm_is(&entry->data, FSM_NULL) ? NULL : &entry->data, err);
  if (code == FSM_OK) sim->actor = entry->data;
  return code;
}

static fsm_code perform(cli_simulation *sim, cli_entry *entry, fsm_error *refusal, fsm_error *err) {
  int64_t now_ns;
  fsm_code code;
  entry->outcome = FSM_OK;
  sim->fault = FSM_OK;
  switch (entry->kind) {
    case CLI_ENTRY_EVENT: code = send(sim, entry, refusal, err); break;
    case CLI_ENTRY_DONE:
    case CLI_ENTRY_FAIL: code = answer(sim, entry, err); break;
    case CLI_ENTRY_ACTOR: code = set_actor(sim, entry, err); break;
    case CLI_ENTRY_AFTER:
      code = later(sim, entry, &now_ns, err);
      if (code == FSM_OK) code = fsm_sessions_advance(sim->sessions, now_ns, err);
      break;
    case CLI_ENTRY_JUMP:
      code = later(sim, entry, &now_ns, err);
      if (code == FSM_OK) code = fsm_sessions_jump(sim->sessions, now_ns, err);
      break;
    default: return fsm_fail(err, FSM_EARGUMENT, "", "this does nothing");
  }
  if (code != FSM_OK || sim->fault == FSM_OK) return code;
  entry->outcome = sim->fault;
  return code;
}

static fsm_code remember(cli_simulation *sim, const cli_entry *entry, fsm_error *err) {
  if (sim->entry_count == CLI_ENTRIES_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "a simulation has at most %d entries", CLI_ENTRIES_MAX);
  if (sim->entry_count == sim->entry_room) {
    size_t room = sim->entry_room == 0 ? 64 : 2 * sim->entry_room;
    cli_entry *more = realloc(sim->entries, room * sizeof *more);
    if (more == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
    sim->entries = more;
    sim->entry_room = room;
  }
  sim->entries[sim->entry_count++] = *entry;
  return FSM_OK;
}

fsm_code cli_simulation_do(cli_simulation *sim, cli_entry *entry, fsm_error *refusal, fsm_error *err) {
  FSM_ASSERT(sim != NULL && entry != NULL && refusal != NULL && entry->kind != CLI_ENTRY_EXPECT);
  fsm_code code = remember(sim, entry, err);
  if (code != FSM_OK) return code;
  code = perform(sim, entry, refusal, err);
  if (code == FSM_OK && sim->fault != FSM_OK && refusal->code == FSM_OK)
    (void)fsm_fail(refusal, sim->fault, "", "%s", sim->fault_text);
  if (code == FSM_OK && sim->no_memory) code = fsm_fail(err, FSM_ENOMEM, "", "no memory to show the step");
  if (code == FSM_OK)
    sim->entries[sim->entry_count - 1].outcome = entry->outcome;
  else
    sim->entry_count--;
  return code;
}

fsm_code cli_simulation_back(cli_simulation *sim, fsm_error *err) {
  if (sim->entry_count == 0) return fsm_fail(err, FSM_EARGUMENT, "", "there is nothing to undo");
  sim->entry_count--;
  end(sim);
  sim->silent = true;
  fsm_code code = begin(sim, err);
  for (size_t i = 0; i < sim->entry_count && code == FSM_OK; i++) {
    fsm_error refusal = {0};
    code = perform(sim, &sim->entries[i], &refusal, err);
  }
  sim->silent = false;
  return code;
}

/* ---- saving --------------------------------------------------------------------------------------- */

static void add_expectation(fsm_buf *out, const char *member, fsm_value value) {
  fsm_pair pair = {fsm_string(member), value};
  cli_entry entry = {.kind = CLI_ENTRY_EXPECT, .data = {.type = FSM_MAP, .len = 1, .pairs = &pair}};
  cli_entry_write(out, &entry);
}

fsm_code cli_simulation_save(const cli_simulation *sim, const char *path, fsm_error *err) {
  fsm_buf out = {0};
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (size_t i = 0; i < sim->entry_count; i++) {
    cli_entry_write(&out, &sim->entries[i]);
    if (sim->entries[i].outcome != FSM_OK)
      add_expectation(&out, "refused", fsm_string(fsm_code_name(sim->entries[i].outcome)));
  }
  add_expectation(&out, "state", cli_simulation_leaves(sim->session, &arena));
  fsm_arena_free(&arena);
  fsm_code code = fsm_buf_ok(&out) ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory");
  int fd = code != FSM_OK ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (code == FSM_OK && fd < 0)
    code = fsm_fail(err, FSM_EARGUMENT, path,
                    errno == EEXIST ? "is there already; give another name" : "cannot be written: %s",
                    strerror(errno));
  for (size_t at = 0; code == FSM_OK && at < out.len;) {
    ssize_t put = write(fd, out.data + at, out.len - at);
    if (put < 0 && errno != EINTR)
      code = fsm_fail(err, FSM_EIO, path, "cannot be written: %s", strerror(errno));
    if (put > 0) at += (size_t)put;
  }
  if (fd >= 0 && close(fd) != 0 && code == FSM_OK)
    code = fsm_fail(err, FSM_EIO, path, "cannot be written: %s", strerror(errno));
  fsm_buf_free(&out);
  return code;
}
