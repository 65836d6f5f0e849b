/* session_deliver.c: what a macrostep asks of the world: the SCXML Event I/O Processor (Appendix D.1,
 * 6.2, 6.4) between sessions.
 *
 * An address is looked up when the event is due: "#_parent", "#_<invoke id>", "#_scxml_<session id>";
 * in the XState dialect an invoke id alone is one, too. An event shows where it came from, so that it
 * can be answered; one from an invoked session carries its invoke id, and only while that is open.
 */
#include <string.h>

#include "fsm/session_impl.h"

#define PROCESSOR "http://www.w3.org/TR/scxml/#SCXMLEventProcessor"

/* Names by which the processor of D.1 is known; the Recommendation uses the first two. */
static bool is_our_processor(const char *type) {
  return !type || strcmp(type, PROCESSOR) == 0 || strcmp(type, "scxml") == 0 ||
         strcmp(type, "http://www.w3.org/TR/scxml/") == 0;
}

/* ---- finding the addressee ------------------------------------------------------------------------ */

typedef struct address {
  fsm_session *session; /* NULL = nobody here */
  bool task;            /* an open task of the sender that no session works on: it is for the watcher */
} address;

static address task_address(const fsm_session *from, const char *id) {
  const fsm__task *task = fsm__task_named(from, id);
  if (!task) return (address){NULL, false};
  if (!task->child) return (address){NULL, true};
  return (address){fsm__session_numbered(from->all, task->child), false};
}

static address address_of(const fsm_session *from, const char *target) {
  static const char scxml[] = "#_scxml_";
  if (strcmp(target, "#_parent") == 0)
    return (address){from->parent ? fsm__session_numbered(from->all, from->parent) : NULL, false};
  if (strncmp(target, scxml, sizeof scxml - 1) == 0)
    return (address){fsm__session_named(from->all, target + sizeof scxml - 1), false};
  if (strncmp(target, "#_", 2) == 0) return task_address(from, target + 2);
  if (fsm_machine_dialect(from->machine) == FSM_XSTATE) return task_address(from, target);
  return (address){NULL, false};
}

static bool listens(const fsm_session *session) {
  return session && (session->phase == FSM__SESSION_WAITS || session->phase == FSM__SESSION_RUNS);
}

bool fsm__session_reaches(const void *session, const char *target) {
  FSM_ASSERT(session && target);
  address to = address_of(session, target);
  return to.task || listens(to.session);
}

/* ---- sending ---------------------------------------------------------------------------------------- */

/* 6.2: with the id that the sender gave. */
fsm_code fsm__session_bounce(fsm_session *from, const fsm__message *m, const char *text, fsm_error *err) {
  FSM_ASSERT(from && m && text);
  fsm_pair pair = {fsm_string("message"), fsm_string(text)};
  fsm__message draft = {.kind = FSM__MESSAGE_EVENT,
                        .to = from->number,
                        .from = from->number,
                        .event = {.name = "error.communication",
                                  .data = {.type = FSM_MAP, .len = 1, .pairs = &pair},
                                  .cause = FSM_CAUSE_TASK,
                                  .type = "platform",
                                  .sendid = m->event.sendid}},
               *news;
  fsm_code code = fsm__message_new(from->all, &draft, &news, err);
  if (code == FSM_OK) fsm__message_put(from->all, news);
  return code;
}

static fsm_code undelivered(fsm_session *from, const fsm__message *m, fsm_error *err) {
  bool ours = is_our_processor(m->processor);
  const char *text = fsm_arena_printf(&from->all->scratch, "there is no %s %s",
                                      ours ? "session" : "event processor", ours ? m->target : m->processor);
  return text ? fsm__session_bounce(from, m, text, err)
              : fsm_fail(err, FSM_ENOMEM, m->event.name, "no memory for the news of it");
}

fsm_code fsm__session_post(fsm_session *from, fsm__message *m, fsm_error *err) {
  FSM_ASSERT(from && m && m->from == from->number);
  fsm_code code = FSM_OK;
  if (m->sent) {
    address to = is_our_processor(m->processor) ? address_of(from, m->target) : (address){NULL, false};
    if (!listens(to.session)) {
      if (!to.task) code = undelivered(from, m, err);
      fsm__message_free(from->all, m);
      return code;
    }
    m->to = to.session->number;
  }
  bool upwards = from->parent && m->to == from->parent;
  m->task = upwards ? from->task : 0;
  if (!upwards) m->event.invokeid = NULL;
  fsm__message_put(from->all, m);
  return FSM_OK;
}

static int64_t later(int64_t now_ns, int64_t delay_ns) {
  int64_t due;
  return __builtin_add_overflow(now_ns, delay_ns, &due) ? INT64_MAX : due;
}

static fsm_code send(fsm_session *from, const fsm_effect *e, fsm_error *err) {
  char origin[sizeof from->id + 8] = "#_scxml_";
  memcpy(origin + 8, from->id, sizeof from->id);
  bool sent = e->kind == FSM_EFFECT_SEND;
  bool scxml = sent || fsm_machine_dialect(from->machine) == FSM_SCXML;
  fsm__message draft = {.kind = FSM__MESSAGE_EVENT,
                        .to = from->number,
                        .from = from->number,
                        .id_made = e->id_made,
                        .sent = sent,
                        .set_ns = from->all->now_ns,
                        .due_ns = later(from->all->now_ns, e->delay_ns),
                        .id = e->id,
                        .target = e->target,
                        .processor = e->type,
                        .event = {.name = e->event,
                                  .data = e->data,
                                  .cause = sent ? FSM_CAUSE_EXTERNAL : FSM_CAUSE_TIMER,
                                  .sendid = e->id_made ? NULL : e->id,
                                  .origin = scxml ? origin : NULL,
                                  .origintype = scxml ? PROCESSOR : NULL,
                                  .invokeid = from->invoke_id}},
               *message;
  fsm_code code = fsm__message_new(from->all, &draft, &message, err);
  if (code != FSM_OK) return code;
  if (e->delay_ns <= 0) return fsm__session_post(from, message, err);
  fsm__timer_set(from, message);
  return FSM_OK;
}

/* 6.4: an exact copy of the event to the child. */
static fsm_code forward(fsm_session *from, const fsm_effect *e, const fsm_event *event, fsm_error *err) {
  fsm_session *child = task_address(from, e->id).session;
  if (!event || !listens(child)) return FSM_OK;
  fsm__message draft = {.kind = FSM__MESSAGE_EVENT,
                        .to = child->number,
                        .from = from->number,
                        .event = *event},
               *copy;
  draft.event.cause = FSM_CAUSE_EXTERNAL;
  fsm_code code = fsm__message_new(from->all, &draft, &copy, err);
  if (code == FSM_OK) fsm__message_put(from->all, copy);
  return code;
}

static fsm_code carry_out(fsm_session *s, const fsm_event *event, const fsm_effect *e, fsm_error *err) {
  switch (e->kind) {
    case FSM_EFFECT_TIMER_SET:
    case FSM_EFFECT_SEND: return send(s, e, err);
    case FSM_EFFECT_TIMER_CANCEL:
      fsm__timer_cancel(s, e->id);
      fsm__message_cancel(s->all, s->number, e->id);
      return FSM_OK;
    case FSM_EFFECT_TASK_OPEN: return fsm__task_open(s, e, err);
    case FSM_EFFECT_TASK_CANCEL: fsm__task_cancel(s, e->id); return FSM_OK;
    case FSM_EFFECT_FORWARD: return forward(s, e, event, err);
    case FSM_EFFECT_EMIT:
    case FSM_EFFECT_LOG: return FSM_OK; /* for the watcher */
  }
  return FSM_OK;
}

fsm_code fsm__session_carry_out(fsm_session *session, const fsm_event *event, const fsm_step_result *result,
                                fsm_error *err) {
  FSM_ASSERT(session && result);
  fsm_code code = FSM_OK;
  for (unsigned i = 0; i < result->microstep_count; i++) {
    const fsm_microstep *micro = &result->microsteps[i];
    for (unsigned k = 0; code == FSM_OK && k < micro->effect_count; k++)
      code = carry_out(session, event, &micro->effects[k], err);
  }
  return code;
}
