/* decide_message.c: a message of one instance reaches another: an event, the start of a child, its answer,
 * its cancellation.
 *
 * The frame that it leads to carries `msg` on its first record: applying it deletes the message, so that it
 * is consumed once, whatever it led to. Where nothing may happen yet (the target is paused or parked) nothing
 * is decided and the message waits. What cannot be taken is a `rejected` record; what finds nobody comes back
 * to its sender as "error.communication" (SCXML 6.2), what cannot start fails its task. */
#include <string.h>

#include "runtime/admit.h"
#include "runtime/sends.h"

/* The message and who sent it. */
typedef struct delivery {
  const fsm__case *at;
  fsm__decision *out;
  uint64_t number;
  const fsm__send *send;
  fsm__instance *sender;
  fsm_value msg; /* as on a record */
} delivery;

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a message"); }

/* An event is consumed also by the incident that it ends in; what children and parents owe each other is
 * tried again when the incident is closed. */
static void begin(const delivery *d) {
  *d->out = (fsm__decision){.correlation = d->at->command->correlation};
  if (d->send->kind == FSM_SEND_EVENT) d->out->consumes = d->msg;
}

/* Faults that no other decision would get round. */
static bool is_ours(fsm_code code) {
  return code == FSM_ENOMEM || code == FSM_EIO || code == FSM_ECORRUPT || code == FSM_EVERSION;
}

static bool waits(const fsm__decision *out) {
  return out->count == 0 && (out->refusal.code == FSM_EPAUSED || out->refusal.code == FSM_EINCIDENT);
}

/* The message goes with the first record. */
static fsm_code consume(const delivery *d) {
  FSM_ASSERT(d->out->count > 0);
  d->out->records[0].msg = d->msg;
  return FSM_OK;
}

/* Consumed, and nothing changed: why is in out->refusal. */
static fsm_code reject(const delivery *d, fsm_error *err) {
  fsm__decision *out = d->out;
  FSM_ASSERT(out->count == 0 && out->refusal.code != FSM_OK);
  fsm_record *record = fsm__decision_record(d->at, out, FSM_RECORD_REJECTED);
  if (record == NULL) return nomem(err);
  const fsm_pair pairs[] = {{fsm_string("kind"), fsm_string(fsm__send_kind_name(d->send->kind))},
                            {fsm_string("text"), fsm_string(out->refusal.text)},
                            {fsm_string("to"), fsm_string(d->send->to)},
                            {fsm_string("where"), fsm_string(out->refusal.where)}};
  record->outcome = FSM_REFUSED;
  record->reason = fsm_code_name(out->refusal.code);
  record->trigger = d->send->event[0] != '\0' ? d->send->event : NULL;
  record->cause = FSM_CAUSE_EXTERNAL;
  record->from = record->to = out->from;
  record->tr = fsm_list(NULL, 0);
  if (!fsm__decision_map(d->at->arena, pairs, 4, &record->detail)) return nomem(err);
  if (fsm_is(&out->detail, FSM_MAP) &&
      fsm_map_merge(d->at->arena, &out->detail, &record->detail, &record->detail) != FSM_OK)
    return nomem(err);
  return consume(d);
}

static fsm_code reject_as(const delivery *d, fsm_code code, const char *text, fsm_error *err) {
  (void)fsm__decision_refuse(d->out, code, "to", "%s", text);
  return reject(d, err);
}

/* *out NULL: what the message is about does not say. */
static fsm_code about(const delivery *d, const char *member, const char **out, fsm_error *err) {
  const fsm_value *value = fsm_is(&d->send->about, FSM_MAP) ? fsm_map_get(&d->send->about, member) : NULL;
  *out = NULL;
  if (value == NULL || !fsm_is(value, FSM_STRING)) return FSM_OK;
  *out = fsm_arena_strndup(d->at->arena, value->s, value->len);
  return *out != NULL ? FSM_OK : nomem(err);
}

/* ---- back to the sender ------------------------------------------------------------------------- */

static fsm_code bounce(const delivery *d, const char *text, fsm_error *err) {
  const fsm__case *at = d->at;
  fsm__decision *out = d->out;
  begin(d);
  if (!fsm__status_open(d->sender->status)) return reject_as(d, FSM_EINSTANCE, text, err);
  fsm__decision_about(out, d->sender, at->arena);
  if (d->sender->status != FSM_RUNNING)
    return fsm__decision_refuse(out, FSM_EPAUSED, "", "its sender is %s",
                                fsm__status_name(d->sender->status));
  fsm_event event = {.name = "error.communication", .cause = FSM_CAUSE_TASK, .type = "platform"};
  const fsm_pair pair = {fsm_string("message"), fsm_string(text)};
  fsm_step_result step;
  if (!fsm__decision_map(at->arena, &pair, 1, &event.data)) return nomem(err);
  fsm_code code = about(d, "sendid", &event.sendid, err);
  if (code == FSM_OK) code = fsm__decision_run(at, out, &event, &step, err);
  if (code != FSM_OK) return code;
  if (out->refusal.code == FSM_OK && (step.outcome == FSM_OK || step.outcome == FSM_EEXPRESSION))
    code = fsm__decision_step(at, out, &step, err);
  if (code != FSM_OK) return code;
  return out->count > 0 ? consume(d) : reject_as(d, FSM_EINSTANCE, text, err);
}

/* ---- answers of children ------------------------------------------------------------------------ */

/* A step that an answer leads to and that is rolled back parks the parent; the answer waits, and is given
 * again when the incident is closed. */
static fsm_code answered(const delivery *d, fsm_error *err) {
  const fsm__decision *out = d->out;
  if (waits(out) || (out->refusal.code != FSM_OK && out->count > 0)) return FSM_OK;
  if (out->refusal.code != FSM_OK) return reject(d, err);
  return out->count > 0 ? consume(d) : reject_as(d, FSM_ETASK, "nothing waits for the answer", err);
}

static fsm_code answer(const delivery *d, bool failed, const fsm_value *data, fsm_error *err) {
  fsm_command command = *d->at->command;
  fsm__case at = *d->at;
  command.kind = failed ? FSM_CMD_TASK_FAIL : FSM_CMD_TASK_COMPLETE;
  command.event = NULL;
  command.data = *data;
  command.final = true;
  memcpy(command.token, d->send->token, sizeof command.token);
  at.command = &command;
  begin(d);
  return fsm__decide_task(&at, d->out, err);
}

static fsm_code fail_task(const delivery *d, const fsm_error *why, fsm_error *err) {
  fsm_value error;
  const char *text = fsm_arena_strdup(d->at->arena, why->text);
  const char *where = fsm_arena_strdup(d->at->arena, why->where);
  if (text == NULL || where == NULL) return nomem(err);
  const fsm_pair pairs[] = {{fsm_string("code"), fsm_string(fsm_code_name(why->code))},
                            {fsm_string("message"), fsm_string(text)},
                            {fsm_string("where"), fsm_string(where)}};
  if (!fsm__decision_map(d->at->arena, pairs, 3, &error)) return nomem(err);
  fsm_code code = answer(d, true, &error, err);
  return code == FSM_OK ? answered(d, err) : code;
}

/* An output that no event can hold fails the task, so that the parent does not wait for ever. */
static fsm_code done(const delivery *d, fsm_error *err) {
  fsm_code code = answer(d, d->send->kind == FSM_SEND_ERROR, &d->send->data, err);
  const fsm_code refused = d->out->refusal.code;
  if (code != FSM_OK || d->out->count > 0 || (refused != FSM_ETOOLARGE && refused != FSM_EARGUMENT))
    return code == FSM_OK ? answered(d, err) : code;
  const fsm_error why = d->out->refusal;
  return fail_task(d, &why, err);
}

/* ---- the start of a child ----------------------------------------------------------------------- */

/* Above it: its parent, that one's parent, …: at most one more than may be nested. */
static fsm_code depth_of(const delivery *d, unsigned *depth, fsm_error *err) {
  fsm__instance in = *d->sender;
  fsm_code code = FSM_OK;
  for (*depth = 1; in.has_parent && *depth <= FSM_INSTANCES_NESTED_MAX; ++*depth) {
    const uint64_t number = fsm__key_read_u64(in.parent);
    code = fsm__instance_load(d->at->store, d->at->catalog, number, d->at->arena, &in, err);
    if (code != FSM_OK) break;
  }
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

static fsm_code text_member(fsm_arena *arena, const fsm_value *input, const char *name, const char **out,
                            fsm_error *err) {
  const fsm_value *value = fsm_map_get(input, name);
  if (value == NULL || fsm_is(value, FSM_NULL)) return FSM_OK;
  if (!fsm_is(value, FSM_STRING) || (value->len > 0 && memchr(value->s, 0, value->len) != NULL))
    return fsm_fail(err, FSM_EARGUMENT, name, "the input's \"%s\" is not a text", name);
  *out = fsm_arena_strndup(arena, value->s, value->len);
  return *out != NULL ? FSM_OK : nomem(err);
}

/* The task's input: {machine, version?, key?, labels?, input?}. */
static fsm_code start_of(const delivery *d, const fsm_value *input, fsm_command *out, fsm_error *err) {
  fsm_arena *arena = d->at->arena;
  fsm_command draft = *d->at->command;
  bool made_id = false;
  if (!fsm_is(input, FSM_MAP))
    return fsm_fail(err, FSM_EARGUMENT, "input", "the input of a machine must be {machine, input?, …}");
  const fsm_value *version = fsm_map_get(input, "version"), *labels = fsm_map_get(input, "labels"),
                  *inner = fsm_map_get(input, "input");
  draft.kind = FSM_CMD_START;
  draft.instance = d->send->to;
  draft.event = NULL;
  draft.data = inner ? *inner : fsm_null();
  draft.labels = labels ? *labels : fsm_null();
  if (version != NULL && (!fsm_is(version, FSM_INT) || version->i < 0 || version->i > UINT32_MAX))
    return fsm_fail(err, FSM_EARGUMENT, "version", "the input's \"version\" is not a version");
  draft.version = version ? (uint32_t)version->i : 0;
  fsm_code code = text_member(arena, input, "machine", &draft.machine, err);
  if (code == FSM_OK) code = text_member(arena, input, "key", &draft.key, err);
  return code == FSM_OK ? fsm__admit(&draft, d->at->time_ns, arena, out, &made_id, err) : code;
}

/* *why says what is wrong with it when its code is not FSM_OK: then its task fails. */
static fsm_code make_child(const delivery *d, const fsm__task *task, fsm_error *why, fsm_error *err) {
  fsm_command command;
  fsm__case at = *d->at;
  unsigned depth = 0;
  fsm_code code = depth_of(d, &depth, err);
  if (code != FSM_OK) return code;
  if (depth > FSM_INSTANCES_NESTED_MAX)
    code = fsm_fail(why, FSM_ETOOLARGE, "", "instances are started more than %d deep in one another",
                    FSM_INSTANCES_NESTED_MAX);
  if (code == FSM_OK) code = start_of(d, &task->input, &command, why);
  if (code != FSM_OK) return is_ours(code) ? fsm_fail(err, code, why->where, "%s", why->text) : FSM_OK;
  at.command = &command;
  at.parent = d->send->token;
  at.made_id = true;
  code = fsm__decide_start(&at, d->out, why);
  if (is_ours(code)) return fsm_fail(err, code, why->where, "%s", why->text);
  if (code == FSM_OK && d->out->refusal.code != FSM_OK) *why = d->out->refusal;
  return FSM_OK;
}

static fsm_code start(const delivery *d, fsm_error *err) {
  fsm__task task;
  uint64_t number = 0;
  fsm_error why = {.code = FSM_OK};
  fsm_code code = fsm__task_with_token(d->at->store, d->send->token, d->at->arena, &number, &task, err);
  if (code == FSM_ENOTFOUND)
    return reject_as(d, FSM_ETASK, "what invoked it was left before it started", err);
  if (code == FSM_OK) code = make_child(d, &task, &why, err);
  if (code != FSM_OK) return code;
  if (why.code != FSM_OK) return fail_task(d, &why, err);
  uint8_t *token = fsm_arena_alloc(d->at->arena, 16);
  if (token == NULL) return nomem(err);
  memcpy(token, d->send->token, 16);
  d->out->records[0].tok = token;
  d->out->records[0].parent = d->at->command->causation;
  return consume(d);
}

static fsm_code cancel(const delivery *d, fsm_error *err) {
  fsm__instance *in = fsm_arena_alloc(d->at->arena, sizeof *in);
  uint64_t number = 0;
  if (in == NULL) return nomem(err);
  fsm_code code = fsm__instance_number(d->at->store, d->send->to, &number, err);
  if (code == FSM_ENOTFOUND) return reject_as(d, FSM_EINSTANCE, "the child was never started", err);
  if (code == FSM_OK) code = fsm__instance_load(d->at->store, d->at->catalog, number, d->at->arena, in, err);
  if (code != FSM_OK) return code;
  fsm__decision_about(d->out, in, d->at->arena);
  if (!in->has_parent || memcmp(in->parent, d->send->token, sizeof in->parent) != 0)
    return reject_as(d, FSM_ETASK, "the instance is another's child", err);
  if (!fsm__status_open(in->status)) return reject_as(d, FSM_ECOMPLETED, "the child has ended before", err);
  code = fsm__decide_cancel(d->at, d->out, FSM_CAUSE_TASK, "its parent left the state that invoked it", err);
  return code == FSM_OK ? consume(d) : code;
}

/* ---- events ------------------------------------------------------------------------------------- */

/* An event between parent and child is heard while the task is open. What a child sent before it completed is
 * heard also afterwards, but not in the place of another child under its name (W3C test 236). */
static fsm_code is_heard(const delivery *d, const uint8_t token[16], const char *invokeid, bool *heard,
                         fsm_error *err) {
  fsm__task task;
  uint64_t number = 0;
  fsm_code code = fsm__task_with_token(d->at->store, token, d->at->arena, &number, &task, err);
  *heard = code == FSM_OK;
  if (code != FSM_ENOTFOUND) return code;
  if (number == d->number || d->sender->status != FSM_COMPLETED || invokeid == NULL) return FSM_OK;
  code = fsm__task_load(d->at->store, number, invokeid, d->at->arena, &task, err);
  *heard = code == FSM_ENOTFOUND;
  return code == FSM_ENOTFOUND ? FSM_OK : code;
}

static fsm_code event_of(const delivery *d, const char *invokeid, bool up, fsm_event *out, fsm_error *err) {
  const fsm_value *origin = fsm_is(&d->send->about, FSM_MAP) ? fsm_map_get(&d->send->about, "origin") : NULL;
  *out = (fsm_event){.name = d->send->event,
                     .data = d->send->data,
                     .cause = FSM_CAUSE_EXTERNAL,
                     .invokeid = up || origin != NULL ? invokeid : NULL};
  fsm_code code = about(d, "type", &out->type, err);
  if (code == FSM_OK) code = about(d, "sendid", &out->sendid, err);
  if (code == FSM_OK && origin != NULL) code = about(d, "origin", &out->origin, err);
  if (code != FSM_OK) return code;
  if (origin == NULL) out->origin = fsm_arena_printf(d->at->arena, "#_scxml_%s", d->sender->id);
  if (origin == NULL && out->origin == NULL) return nomem(err);
  out->origintype = out->origin != NULL ? FSM_EVENT_PROCESSOR : NULL;
  return FSM_OK;
}

static fsm_code step_target(const delivery *d, const char *target, const fsm_event *event, bool late,
                            fsm_error *err) {
  fsm_command command = *d->at->command;
  fsm__case at = *d->at;
  fsm__decision *out = d->out;
  command.kind = FSM_CMD_SEND;
  command.instance = target;
  command.event = event->name;
  command.data = event->data;
  at.command = &command;
  at.event = event;
  fsm_code code = fsm__decide_send(&at, out, err);
  if (code != FSM_OK || waits(out)) return code;
  if (out->count > 0) return consume(d);
  const fsm_code why = out->refusal.code;
  if (why == FSM_ETOOLARGE || why == FSM_EARGUMENT ||
      (late && (why == FSM_EINSTANCE || why == FSM_ECOMPLETED))) {
    const char *text = fsm_arena_strdup(d->at->arena, out->refusal.text);
    return text != NULL ? bounce(d, text, err) : nomem(err);
  }
  if (why == FSM_OK) return reject_as(d, FSM_ENOTRANSITION, "the event changes nothing", err);
  return reject(d, err);
}

static fsm_code event(const delivery *d, fsm_error *err) {
  const fsm__send *send = d->send;
  const bool late = send->to[0] == '#'; /* its address is looked up now */
  fsm__address to = {.id = send->to, .has_token = send->has_token};
  memcpy(to.token, send->token, sizeof to.token);
  fsm_code code = about(d, "invokeid", &to.invokeid, err);
  if (code == FSM_OK && late)
    code = fsm__address_of(d->at->store, d->at->catalog, d->sender, send->to, d->at->arena, &to, err);
  if (code != FSM_OK) return code;
  if (to.id == NULL) {
    const char *text = fsm_arena_printf(d->at->arena, "there is no instance %s", send->to);
    return text ? bounce(d, text, err) : nomem(err);
  }
  bool heard = true;
  if (to.has_token) code = is_heard(d, to.token, to.invokeid, &heard, err);
  if (code != FSM_OK) return code;
  if (!heard) return reject_as(d, FSM_ETASK, "what it belongs to is over", err);
  fsm_event event;
  const bool up = to.has_token && fsm__key_read_u64(to.token) != d->number;
  code = event_of(d, to.invokeid, up, &event, err);
  return code == FSM_OK ? step_target(d, to.id, &event, late, err) : code;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

static fsm_code delivery_of(const fsm__case *at, uint64_t number, const fsm__send *send, fsm__decision *out,
                            delivery *d, fsm_error *err) {
  *d = (delivery){.at = at, .out = out, .number = number, .send = send};
  d->sender = fsm_arena_alloc(at->arena, sizeof *d->sender);
  begin(d);
  if (d->sender == NULL) return nomem(err);
  fsm_code code = fsm__instance_load(at->store, at->catalog, number, at->arena, d->sender, err);
  if (code != FSM_OK) return code;
  const fsm_pair pairs[] = {{fsm_string("from"), fsm_string(d->sender->id)},
                            {fsm_string("id"), fsm_string(send->id)},
                            {fsm_string("due"), fsm_int(send->due_ns)},
                            {fsm_string("to"), fsm_string(send->to)}};
  const bool listed = send->kind == FSM_SEND_EVENT && fsm__send_addressee(send->to) != NULL;
  if (!fsm__decision_map(at->arena, pairs, listed ? 4 : 3, &d->msg)) return nomem(err);
  begin(d);
  return FSM_OK;
}

fsm_code fsm__decide_message(const fsm__case *at, uint64_t number, const fsm__send *send, fsm__decision *out,
                             fsm_error *err) {
  delivery d;
  fsm__case inside = *at;
  inside.inside = true; /* an instance sends it, and no person */
  fsm_code code = delivery_of(&inside, number, send, out, &d, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  if (code != FSM_OK) return code;
  switch (send->kind) {
    case FSM_SEND_EVENT: return event(&d, err);
    case FSM_SEND_DONE:
    case FSM_SEND_ERROR: return done(&d, err);
    case FSM_SEND_CANCEL: return cancel(&d, err);
    case FSM_SEND_START: return start(&d, err);
    default: return FSM_OK;
  }
}

fsm_code fsm__decide_message_failed(const fsm__case *at, uint64_t number, const fsm__send *send,
                                    const fsm_error *why, fsm__decision *out, fsm_error *err) {
  const fsm_error fault = *why; /* it may stand in *out */
  delivery d;
  fsm__case inside = *at;
  inside.inside = true;
  fsm_code code = delivery_of(&inside, number, send, out, &d, err);
  if (code == FSM_ENOTFOUND) return FSM_OK;
  if (code != FSM_OK) return code;
  if (send->kind == FSM_SEND_START) return fail_task(&d, &fault, err);
  out->refusal = fault;
  return reject(&d, err);
}
