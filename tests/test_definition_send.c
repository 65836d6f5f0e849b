/* Actions that send: what is asked of the world, and a talk with a session of one's own. */
#include "fsm/session.h"
#include "tests/definition_run.h"

/* The effect of the one action that entering "a" runs. */
static const fsm_effect *effect_of_action(const char *action, fsm_definition **keep, run *r,
                                          fsm_effect_kind kind) {
  *keep = load_quoted(fsm_arena_printf(&arena,
                                       "{'id':'m','initial':'a','context':{'who':'child'},'delays':{'soon':5}"
                                       ",'states':{'a':{'invoke':{'src':'s',"
                                       "'id':'child'},'entry':%s}}}",
                                       action));
  *r = start(*keep, "{\"name\":\"X\"}");
  const fsm_effect *found = effect_of(r, kind);
  assert_non_null(found);
  if (found == NULL) abort();
  return found;
}

static void a_target_is_a_session(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"{'type':'@xstate.sendTo','to':'child','event':{'type':'X','n':1}}", "#_child"},
      {"{'type':'@xstate.sendTo','target':'#_parent','event':{'type':'X','n':1}}", "#_parent"},
      {"{'type':'@xstate.sendTo','to':{'@expr':'context.who'},'event':{'type':{'@expr':'event.data.name'},'n'"
       ":1}}",
       "#_child"},
      {"{'type':'@xstate.sendParent','event':{'type':'X','n':1}}", "#_parent"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fsm_definition *d;
    run r;
    const fsm_effect *effect = effect_of_action(cases[i][0], &d, &r, FSM_EFFECT_SEND);
    fsm_value data = json("{\"n\":1}");
    assert_string_equal(effect->target, cases[i][1]);
    assert_string_equal(effect->event, "X");
    assert_true(fsm_value_same(&effect->data, &data));
    fsm_definition_free(d);
  }
}

/* To oneself it is a timer, also without a delay: the next external event. */
static void what_is_sent_to_oneself_is_a_timer(void **state) {
  (void)state;
  fsm_definition *d;
  run r;
  const fsm_effect *effect =
      effect_of_action("{'type':'@xstate.sendTo','to':'self','event':{'type':'X'},'delay':'soon','id':'t'}",
                       &d, &r, FSM_EFFECT_TIMER_SET);
  assert_string_equal(effect->id, "t");
  assert_string_equal(effect->event, "X");
  assert_true(effect->delay_ns == 5000000);
  fsm_definition_free(d);
  effect = effect_of_action("{'type':'@xstate.sendTo','to':'self','event':{'type':'X'}}", &d, &r,
                            FSM_EFFECT_TIMER_SET);
  assert_true(effect->delay_ns == 0);
  fsm_definition_free(d);
}

/* ---- parent and child -------------------------------------------------------------------------- */

static fsm_code give_child(void *arg, const fsm_session *parent, const fsm_effect *open,
                           const fsm_machine **machine, fsm_error *err) {
  (void)parent, (void)open, (void)err;
  *machine = fsm_definition_machine(arg);
  return FSM_OK;
}

static void a_parent_and_its_child_talk(void **state) {
  (void)state;
  fsm_definition *parent = load_quoted(
      "{'id':'parent','initial':'a','context':{'heard':0},'states':{'a':{'invoke':{'src':'child','id':'kid',"
      "'onDone':{'target':'b','context':{'heard':{'@expr':'context.heard + event.output'}}}},"
      "'on':{'ASK':{'actions':{'type':'@xstate.sendTo','to':'kid','event':{'type':'QUESTION','n':20}}},"
      "'ANSWER':{'context':{'heard':{'@expr':'event.data.n'}}}}},'b':{}}}");
  fsm_definition *child = load_quoted(
      "{'id':'child','initial':'a','context':{'n':0},'states':{'a':{'on':{'QUESTION':{'target':'b','context':"
      "{'n':"
      "{'@expr':'event.data.n'}},'actions':{'type':'@xstate.sendParent','event':{'type':'ANSWER','n':{'@expr'"
      ":"
      "'context.n + 1'}}}}}},'b':{'type':'final'}},'output':{'@expr':'context.n'}}");
  fsm_sessions *sessions = NULL;
  fsm_session *session = NULL;
  fsm_error err = {0};
  assert_int_equal(
      fsm_sessions_new(&(fsm_sessions_options){.load = give_child, .load_arg = child}, &sessions, &err),
      FSM_OK);
  assert_int_equal(fsm_sessions_start(sessions, fsm_definition_machine(parent), NULL, &session, &err),
                   FSM_OK);
  fsm_code outcome;
  fsm_event ask = {.name = "ASK", .cause = FSM_CAUSE_EXTERNAL};
  assert_int_equal(fsm_session_send(session, &ask, &outcome, &err), FSM_OK);
  assert_int_equal(outcome, FSM_OK);
  const fsm_snapshot *now = fsm_session_snapshot(session);
  assert_true(fsm_config_has(now->config, (unsigned)fsm_state_find(fsm_definition_machine(parent), "b", 1)));
  const fsm_value *heard = fsm_map_get(&now->context, "heard");
  assert_true(heard && heard->type == FSM_INT && heard->i == 41);
  fsm_sessions_free(sessions);
  fsm_definition_free(parent);
  fsm_definition_free(child);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_target_is_a_session),
      cmocka_unit_test(what_is_sent_to_oneself_is_a_timer),
      cmocka_unit_test(a_parent_and_its_child_talk),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
