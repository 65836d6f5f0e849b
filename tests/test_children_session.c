/* test_children_session.c: the same definitions in memory (fsm/session.h) and durable, the same events, and
 * after each the same states and contexts, of the first instance and all its children. */
#include "children_scene.h"

#include "schema/definition.h"

enum { MACHINES = 4, STEPS = 8 };

/* A step is an event of the first instance, "name/name:EVENT" of a child by the ids of the invokes that lead
 * to it, or "+N": N seconds pass. The first machine is started. */
typedef struct story {
  const char *machines[MACHINES];
  const char *steps[STEPS];
} story;

typedef struct memory {
  fsm_definition *definitions[MACHINES];
  fsm_sessions *sessions;
  fsm_session *first;
} memory;

static fsm_code load_child(void *arg, const fsm_session *parent, const fsm_effect *open,
                           const fsm_machine **machine, fsm_error *err) {
  memory *m = arg;
  const char *src = open->src ? open->src : fsm_invoke_src(fsm_session_machine(parent), open->invoke);
  const fsm_value *named = fsm_map_get(&open->data, "machine");
  for (unsigned i = 0; i < MACHINES && m->definitions[i] != NULL; i++) {
    const fsm_machine *one = fsm_definition_machine(m->definitions[i]);
    const char *id = fsm_machine_id(one);
    if (named != NULL ? fsm_is_text(named, id) : src != NULL && strcmp(src, id) == 0) *machine = one;
  }
  return *machine != NULL ? FSM_OK : fsm_fail(err, FSM_EMACHINE, "", "no machine of this name is deployed");
}

static void memory_start(memory *m, const story *s) {
  fsm_error err = {.text = ""};
  *m = (memory){.sessions = NULL};
  for (unsigned i = 0; i < MACHINES && s->machines[i] != NULL; i++)
    if (fsm_definition_load(s->machines[i], strlen(s->machines[i]), &m->definitions[i], &err) != FSM_OK)
      fail_msg("%s: %s", err.where, err.text);
  const fsm_sessions_options options = {.load = load_child, .load_arg = m};
  assert_int_equal(fsm_sessions_new(&options, &m->sessions, &err), FSM_OK);
  if (fsm_sessions_start(m->sessions, fsm_definition_machine(m->definitions[0]), NULL, &m->first, &err) !=
      FSM_OK)
    fail_msg("%s: %s", err.where, err.text);
}

static void memory_end(memory *m) {
  fsm_sessions_free(m->sessions);
  for (unsigned i = 0; i < MACHINES; i++) fsm_definition_free(m->definitions[i]);
}

/* ---- what there is ------------------------------------------------------------------------------ */

static void add_value(fsm_buf *buf, const fsm_value *value) {
  fsm_buf_char(buf, ' ');
  fsm_json_write(buf, value);
}

static void see_session(const fsm_session *session, const char *name, fsm_buf *buf) {
  const fsm_snapshot *snapshot = fsm_session_snapshot(session);
  const fsm_machine *machine = fsm_session_machine(session);
  fsm_value leaves[64];
  unsigned count = 0;
  for (unsigned i = 0; i < fsm_machine_states(machine); i++)
    if (fsm_config_has(snapshot->config, i) && fsm_state_is_leaf(machine, i))
      leaves[count++] = fsm_string(fsm_state_path(machine, i));
  const fsm_value list = fsm_list(leaves, count);
  fsm_buf_printf(buf, "%s %s", name, snapshot->done ? "completed" : "running");
  add_value(buf, &list);
  add_value(buf, &snapshot->context);
  fsm_buf_char(buf, '\n');
  fsm_session_task task;
  for (unsigned i = 0; fsm_session_task_at(session, i, &task); i++)
    if (task.child != NULL) see_session(task.child, task.id, buf);
}

static void see_instance(fixture *f, const char *id, const char *name, fsm_buf *buf) {
  fsm_value in = instance(f, id);
  fsm_buf_printf(buf, "%s %s", name, member(f, &in, "status"));
  add_value(buf, fsm_map_get(&in, "state"));
  add_value(buf, fsm_map_get(&in, "context"));
  fsm_buf_char(buf, '\n');
  const fsm_value *tasks = fsm_map_get(&in, "tasks");
  for (unsigned i = 0; i < tasks->len; i++)
    see_instance(f, member(f, &tasks->items[i], "child"), member(f, &tasks->items[i], "id"), buf);
}

/* ---- what happens ------------------------------------------------------------------------------- */

static fsm_session *session_at(fsm_session *from, const char *path, size_t len) {
  for (const char *end = path + len; path < end;) {
    const size_t part = strcspn(path, "/:");
    fsm_session_task task;
    fsm_session *next = NULL;
    for (unsigned i = 0; fsm_session_task_at(from, i, &task); i++)
      if (strlen(task.id) == part && strncmp(task.id, path, part) == 0)
        next = (fsm_session *)(uintptr_t)task.child;
    if (next == NULL) fail_msg("no session %s", path);
    from = next;
    path += part + 1;
  }
  return from;
}

static const char *instance_at(fixture *f, const char *id, const char *path, size_t len) {
  for (const char *end = path + len; path < end;) {
    const size_t part = strcspn(path, "/:");
    const char *name = fsm_arena_strndup(&f->arena, path, part);
    id = child_of(f, id, name);
    if (id == NULL) fail_msg("no child %s", name);
    path += part + 1;
  }
  return id;
}

static void take_step(fixture *f, memory *m, const char *step) {
  fsm_error err = {.text = ""};
  if (step[0] == '+') {
    const int64_t seconds = strtol(step + 1, NULL, 10);
    assert_int_equal(
        fsm_sessions_advance(m->sessions, fsm_sessions_now(m->sessions) + seconds * SECOND, &err), FSM_OK);
    passes(f, seconds);
    return;
  }
  const char *colon = strrchr(step, ':');
  const size_t len = colon ? (size_t)(colon - step) : 0;
  const fsm_event event = {.name = colon ? colon + 1 : step};
  const char *id = instance_at(f, "first", step, len);
  if (fsm_session_send(session_at(m->first, step, len), &event, NULL, &err) != FSM_OK)
    fail_msg("%s: %s", step, err.text);
  (void)send_event(f, id, event.name, NULL); /* whether it is taken shows */
  until_quiet(f);
}

static void compare(fixture *f, const memory *m, const char *after) {
  fsm_buf ours = {0}, theirs = {0};
  see_instance(f, "first", "first", &ours);
  see_session(m->first, "first", &theirs);
  if (strcmp(fsm_buf_text(&ours), fsm_buf_text(&theirs)) != 0)
    fail_msg("after %s\ndurable:\n%sin memory:\n%s", after, fsm_buf_text(&ours), fsm_buf_text(&theirs));
  fsm_buf_free(&ours);
  fsm_buf_free(&theirs);
}

static void tell(fixture *f, const story *s) {
  memory m;
  memory_start(&m, s);
  for (unsigned i = MACHINES; i-- > 0;)
    if (s->machines[i] != NULL) deploy(f, s->machines[i]);
  started(f, fsm_machine_id(fsm_definition_machine(m.definitions[0])), "first", NULL);
  compare(f, &m, "the start");
  for (unsigned i = 0; i < STEPS && s->steps[i] != NULL; i++) {
    take_step(f, &m, s->steps[i]);
    compare(f, &m, s->steps[i]);
  }
  memory_end(&m);
}

/* ---- the stories -------------------------------------------------------------------------------- */

#define INVOKE(id, machine, more) \
  "\"invoke\":{\"id\":\"" id "\",\"src\":\"machine\",\"input\":{\"machine\":\"" machine "\"}" more "}"
#define INC(field) "\"context\":{\"" field "\":{\"@expr\":\"context." field " + 1\"}}"
#define TELL(to, event) "{\"type\":\"@xstate.sendTo\",\"to\":\"" to "\",\"event\":{\"type\":\"" event "\"}}"
#define UP(event) "{\"type\":\"@xstate.sendParent\",\"event\":{\"type\":\"" event "\"}}"

static const char MIDDLE[] =
    "{\"id\":\"middle\",\"initial\":\"a\",\"context\":{\"n\":0,\"up\":0},\"states\":{\"a\":{"
    INVOKE("low", "low", ",\"onDone\":\"b\"") ",\"on\":{\"DOWN\":{" INC("n") ",\"actions\":[" TELL("low", "GO") "]},"
    "\"PONG\":{" INC("up") ",\"actions\":[" UP("PONG") "]},\"LEAVE\":\"b\"}},"
    "\"b\":{\"on\":{\"PONG\":{" INC("up") "},\"BACK\":\"a\",\"END\":\"c\"}},\"c\":{\"type\":\"final\"}},\"output\":{\"n\":{\"@expr\":\"context.n\"}}}";
static const char LOW[] =
    "{\"id\":\"low\",\"initial\":\"a\",\"context\":{\"n\":0},\"states\":{\"a\":{\"exit\":[" UP("PONG") "],\"on\":{\"GO\":"
    "{" INC("n") ",\"actions\":[" UP("PONG") "," UP("PONG") "]},\"END\":\"z\"}},\"z\":{\"type\":\"final\"}}}";
static const char TOP[] =
    "{\"id\":\"top\",\"initial\":\"a\",\"context\":{\"pongs\":0,\"got\":null},\"states\":{\"a\":{"
    INVOKE("mid", "middle", ",\"onDone\":{\"target\":\"b\",\"context\":{\"got\":{\"@expr\":\"event.output.n\"}}}")
    ",\"on\":{\"PONG\":{" INC("pongs") "},\"DOWN\":{\"actions\":[" TELL("mid", "DOWN") "," TELL("mid", "DOWN") "]},"
    "\"STOP\":\"b\"}},\"b\":{\"on\":{\"AGAIN\":\"a\"}}}}";

static void three_levels_talk_and_end(void **state) {
  tell(*state, &(const story){{TOP, MIDDLE, LOW},
                              {"DOWN", "mid/low:GO", "mid/low:END", "mid:BACK", "mid:LEAVE", "mid:END"}});
}

static void three_levels_are_cancelled_and_started_again(void **state) {
  tell(*state,
       &(const story){{TOP, MIDDLE, LOW}, {"DOWN", "STOP", "AGAIN", "mid:LEAVE", "STOP", "AGAIN", "DOWN"}});
}

static void a_child_that_cannot_start_is_an_error(void **state) {
  static const char machine[] = "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{" INVOKE(
      "kid", "nowhere", ",\"onError\":\"b\"") "},\"b\":{}}}";
  tell(*state, &(const story){{machine}, {NULL}});
}

static void a_child_may_end_at_once(void **state) {
  static const char machine[] =
      "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"n\":0},\"states\":{\"a\":{"
      INVOKE("kid", "quick", ",\"onDone\":{\"target\":\"b\"," INC("n") "}") ",\"on\":{\"HI\":{" INC("n") "}}},"
      "\"b\":{\"on\":{\"AGAIN\":\"a\"}}}}";
  static const char quick[] =
      "{\"id\":\"quick\",\"initial\":\"z\",\"states\":{\"z\":{\"type\":\"final\",\"entry\":[" UP("HI") "," UP(
          "HI") "]}}}";
  tell(*state, &(const story){{machine, quick}, {"AGAIN", "AGAIN"}});
}

static void delayed_events_reach_who_is_there_when_they_are_due(void **state) {
  static const char machine[] =
      "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"lost\":0,\"late\":0},\"states\":{\"a\":{" INVOKE("kid", "kid", "")
      ",\"on\":{\"SOON\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":\"kid\",\"delay\":\"5s\",\"id\":\"x\",\"event\":"
      "{\"type\":\"TICK\"}}]},\"UNDO\":{\"actions\":[{\"type\":\"@xstate.cancel\",\"id\":\"x\"}]},\"LEAVE\":\"b\"}},\"b\":{}},"
      "\"on\":{\"error.communication\":{" INC("lost") "},\"LATE\":{" INC("late") "}}}";
  static const char kid[] =
      "{\"id\":\"kid\",\"initial\":\"a\",\"context\":{\"n\":0},\"states\":{\"a\":{\"on\":{\"TICK\":{" INC("n") ",\"actions\":["
      "{\"type\":\"@xstate.sendParent\",\"delay\":\"3s\",\"event\":{\"type\":\"LATE\"}}]}}}}}";
  tell(*state, &(const story){{machine, kid}, {"SOON", "+6", "+4", "SOON", "UNDO", "SOON", "LEAVE", "+9"}});
}

static void what_is_sent_to_a_child_that_has_ended_is_an_error(void **state) {
  static const char machine[] =
      "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"lost\":0},\"states\":{\"a\":{" INVOKE("kid", "kid", "") ",\"on\":{"
      "\"GO\":{\"actions\":[" TELL("kid", "GO") "]},\"error.communication\":{" INC("lost") "}}}}}";
  static const char kid[] =
      "{\"id\":\"kid\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"GO\":\"z\"}},\"z\":{\"type\":\"final\"}"
      "}}";
  tell(*state, &(const story){{machine, kid}, {"GO", "GO"}});
}

/* ---- SCXML -------------------------------------------------------------------------------------- */

#define SCXML(name, rest)                                                                              \
  "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' name='" name "' datamodel='cel'>" rest \
  "</scxml>"

static const char FORWARDS[] =
    SCXML("forwards",
          "<datamodel><data id='n' expr='0'/><data id='from' expr='null'/></datamodel><state id='a'>"
          "<invoke id='kid' type='http://www.w3.org/TR/scxml/' src='echo' autoforward='true'>"
          "<finalize><assign location='n' expr='n + 1'/></finalize></invoke>"
          "<transition event='back'><assign location='from' expr='_event.invokeid'/></transition>"
          "<transition event='done.invoke.kid' target='b'/><transition event='leave' target='b'/></state>"
          "<state id='b'><transition event='again' target='a'/></state>");
static const char ECHO[] = SCXML("echo",
                                 "<datamodel><data id='heard' expr='0'/></datamodel><state id='e'>"
                                 "<transition event='hey'><assign location='heard' expr='heard + 1'/>"
                                 "<send target='#_parent' event='back'/></transition>"
                                 "<transition event='bye' target='z'/></state><final id='z'><onentry>"
                                 "<send target='#_parent' event='back'/></onentry></final>");

static void scxml_forwards_finalizes_and_knows_who_sent(void **state) {
  tell(*state, &(const story){{FORWARDS, ECHO}, {"hey", "kid:hey", "leave", "again", "hey", "bye", "hey"}});
}

static const char LOST[] =
    SCXML("lost",
          "<datamodel><data id='n' expr='0'/></datamodel><state id='a'>"
          "<onentry><send target='#_kid' event='x'/></onentry>"
          "<invoke id='kid' type='scxml' srcexpr=\"'no' + 'where'\"/>"
          "<transition event='error.communication'><assign location='n' expr='n + 1'/></transition></state>");

static void scxml_hears_that_nobody_is_there(void **state) { tell(*state, &(const story){{LOST}, {"hey"}}); }

int main(void) {
  const struct CMUnitTest tests[] = {
      C(three_levels_talk_and_end),
      C(three_levels_are_cancelled_and_started_again),
      C(a_child_that_cannot_start_is_an_error),
      C(a_child_may_end_at_once),
      C(delayed_events_reach_who_is_there_when_they_are_due),
      C(what_is_sent_to_a_child_that_has_ended_is_an_error),
      C(scxml_forwards_finalizes_and_knows_who_sent),
      C(scxml_hears_that_nobody_is_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
