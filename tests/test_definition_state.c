/* States: parallel ones, history, initial states with actions, choice; each by where the machine then is. */
#include "tests/definition_run.h"

static void all_regions_are_entered_and_joined(void **state) {
  (void)state;
  fsm_definition *d = load_quoted(
      "{'id':'m','initial':'p','states':{'p':{'type':'parallel','onDone':'end','states':{"
      "'r':{'initial':'x','states':{'x':{'on':{'GO':'y','R':'y'}},'y':{'type':'final'}}},"
      "'q':{'type':'parallel','states':{'s':{'initial':'x','states':{'x':{'on':{'GO':'y'}},'y':{'type':'"
      "final'}}},"
      "'t':{'type':'final'}}}}},'end':{'type':'final'}}}");
  run r = start(d, "null");
  are_in(&r, "p.r.x p.q.s.x p.q.t");
  send(&r, "R");
  are_in(&r, "p.r.y p.q.s.x p.q.t");
  send(&r, "GO");
  are_in(&r, "end");
  fsm_definition_free(d);
}

static void a_root_may_be_parallel(void **state) {
  (void)state;
  fsm_definition *d = load_quoted(
      "{'id':'m','type':'parallel','output':{'ok':true},'states':{"
      "'r':{'initial':'x','states':{'x':{'on':{'GO':'y'}},'y':{'type':'final'}}},"
      "'q':{'initial':'x','states':{'x':{'on':{'GO':'y'}},'y':{'type':'final'}}}}}");
  run r = start(d, "null");
  are_in(&r, "r.x q.x");
  send(&r, "GO");
  assert_true(r.now.done);
  fsm_definition_free(d);
}

static void several_targets_lie_in_several_regions(void **state) {
  (void)state;
  fsm_definition *d = load_quoted(
      "{'id':'m','initial':'s','states':{'s':{'on':{'GO':{'target':['p.r.y','#far']}}},"
      "'p':{'type':'parallel','states':{'r':{'initial':'x','states':{'x':{},'y':{}}},"
      "'q':{'initial':'x','states':{'x':{},'y':{'id':'far'}}},'t':{'initial':'x','states':{'x':{},'y':{}}}}}}"
      "}");
  run r = start(d, "null");
  send(&r, "GO");
  are_in(&r, "p.r.y p.q.y p.t.x");
  fsm_definition_free(d);
}

#define REMEMBERING                                                                                         \
  "{'id':'m','initial':'a','states':{'a':{'initial':'x','on':{'OUT':'b'},'states':{"                        \
  "'x':{'on':{'NEXT':'y'}},'y':{'initial':'u','states':{'u':{'on':{'NEXT':'v'}},'v':{}}},"                  \
  "'plain':{'type':'history'},'named':{'type':'history','target':'y'},'deep':{'history':'deep','target':'#" \
  "m.a.y.v'},"                                                                                              \
  "'list':{'history':true,'target':['y.v']}}},"                                                             \
  "'b':{'on':{'PLAIN':'a.plain','NAMED':'a.named','DEEP':'a.deep','LIST':'a.list','A':'a'}}}}"

static void history_remembers_or_takes_its_default(void **state) {
  (void)state;
  fsm_definition *d = load_quoted(REMEMBERING);
  static const char *const visited[][2] = {{"PLAIN", "a.y.u"}, {"DEEP", "a.y.v"}, {"LIST", "a.y.u"}};
  for (size_t i = 0; i < sizeof visited / sizeof *visited; i++) {
    run r = start(d, "null");
    send(&r, "NEXT");
    send(&r, "NEXT");
    is_in(&r, "a.y.v");
    send(&r, "OUT");
    send(&r, visited[i][0]);
    is_in(&r, visited[i][1]);
  }
  fsm_definition_free(d);
}

static void history_that_remembers_nothing_takes_its_default(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"PLAIN", "a.x"}, {"NAMED", "a.y.u"}, {"DEEP", "a.y.v"}, {"LIST", "a.y.v"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fsm_definition *d = load_quoted(
        "{'id':'m','initial':'b','states':{'a':{'initial':'x','states':{"
        "'x':{},'y':{'initial':'u','states':{'u':{},'v':{}}},"
        "'plain':{'type':'history'},'named':{'type':'history','target':'y'},"
        "'deep':{'history':'deep','target':'#m.a.y.v'},'list':{'history':true,'target':['y.v']}}},"
        "'b':{'on':{'PLAIN':'a.plain','NAMED':'a.named','DEEP':'a.deep','LIST':'a.list'}}}}");
    run r = start(d, "null");
    send(&r, cases[i][0]);
    is_in(&r, cases[i][1]);
    fsm_definition_free(d);
  }
}

/* SCXML 3.6: after the entry of the parent, before that of the child. */
static void the_actions_of_an_initial_state_come_between_entries(void **state) {
  (void)state;
  fsm_definition *d = load_quoted(
      "{'id':'m','initial':{'target':'a','context':{'log':{'@expr':'context.log + [1]'}},'actions':'two'},"
      "'context':{'log':[]},'entry':'zero','actions':{"
      "'zero':{'type':'@xstate.assign','context':{'log':{'@expr':'context.log + [0]'}}},"
      "'two':{'type':'@xstate.assign','context':{'log':{'@expr':'context.log + [2]'}}},"
      "'three':{'type':'@xstate.assign','context':{'log':{'@expr':'context.log + [3]'}}}},"
      "'states':{'a':{'entry':'three'}}}");
  run r = start(d, "null");
  context_is(&r, "{\"log\":[0,1,2,3]}");
  fsm_definition_free(d);
}

static void a_choice_is_taken_at_once(void **state) {
  (void)state;
  fsm_definition *d = load_quoted(
      "{'id':'m','initial':'a','context':{'n':0},'states':{'a':{'on':{'GO':{'target':'route','context':{'n':{"
      "'@expr':"
      "'event.data.n'}}}}},'route':{'type':'choice','choice':["
      "{'when':{'@expr':'context.n > 10'},'target':'big','context':{'n':-1}},"
      "{'when':{'@expr':'context.n > "
      "5'},'target':'medium'},{'target':'small'}]},'big':{},'medium':{},'small':{}}}");
  static const char *const cases[][3] = {{"{\"n\":11}", "big", "{\"n\":-1}"},
                                         {"{\"n\":6}", "medium", "{\"n\":6}"},
                                         {"{\"n\":1}", "small", "{\"n\":1}"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    run r = start(d, "null");
    assert_int_equal(send_data(&r, "GO", cases[i][0], FSM_CAUSE_EXTERNAL), FSM_OK);
    is_in(&r, cases[i][1]);
    context_is(&r, cases[i][2]);
  }
  fsm_definition_free(d);
}

/* As in XState: {} takes an event and does nothing, [] takes none, and wildcards are asked last. */
static void nothing_in_a_list_is_no_transition_and_nothing_in_an_object_is_one(void **state) {
  (void)state;
  fsm_definition *d = load_quoted(
      "{'id':'m','initial':'a','states':{'a':{'initial':'x','on':{'UP':'b'},"
      "'states':{'x':{'on':{'*':'y','GO':[],'STOP':{},'NOT':{'guard':{'@expr':'false'},'target':'z'}}},'y':{}"
      ",'z':{}}},"
      "'b':{}},'on':{'STOP':'.b'}}");
  static const char *const cases[][2] = {{"GO", "a.y"}, {"STOP", "a.x"}, {"NOT", "a.y"}, {"UP", "a.y"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    run r = start(d, "null");
    send(&r, cases[i][0]);
    is_in(&r, cases[i][1]);
  }
  fsm_definition_free(d);
}

static void a_state_has_a_time_limit(void **state) {
  (void)state;
  fsm_definition *d = load_quoted(
      "{'id':'m','initial':'a','states':{'a':{'timeout':'PT1M','onTimeout':{'target':'late'},'on':{'GO':'b'}}"
      ","
      "'b':{},'late':{}}}");
  run r = start(d, "null");
  const fsm_effect *timer = effect_of(&r, FSM_EFFECT_TIMER_SET);
  assert_non_null(timer);
  if (timer == NULL) abort();
  assert_string_equal(timer->event, "xstate.timeout.a");
  assert_true(timer->delay_ns == 60000000000LL);
  run other = r;
  assert_int_equal(send_data(&r, "xstate.timeout.a", "null", FSM_CAUSE_TIMER), FSM_OK);
  is_in(&r, "late");
  send(&other, "GO");
  assert_non_null(effect_of(&other, FSM_EFFECT_TIMER_CANCEL));
  fsm_definition_free(d);
}

/* ---- the example -------------------------------------------------------------------------------- */

static fsm_definition *load_example(void) {
  FILE *file = fopen(FSM_SOURCE_DIR "/examples/purchase-order.json", "r");
  assert_non_null(file);
  char *text = fsm_arena_zalloc(&arena, 1, 1 << 16);
  size_t len = file ? fread(text, 1, (1 << 16) - 1, file) : 0;
  if (file) fclose(file);
  assert_true(len > 0);
  return load(text);
}

static fsm_code send_as(run *r, const char *event, const char *data, const char *actor) {
  fsm_value who = json(actor);
  fsm_event e = {.name = event, .data = json(data), .cause = FSM_CAUSE_EXTERNAL};
  fsm_error err = {0};
  assert_int_equal(fsm_step(r->machine, &r->now, &e, &(fsm_world){.actor = &who}, &arena, &r->last, &err),
                   FSM_OK);
  r->now = r->last.next;
  return r->last.outcome;
}

#define FINANCE "{\"sub\":\"fay\",\"roles\":[\"finance\"]}"
#define DEPARTMENT "{\"sub\":\"dan\",\"roles\":[\"department\"]}"
#define BUYER "{\"sub\":\"ben\",\"roles\":[\"finance\",\"department\"]}"

static void a_purchase_order_is_approved_by_everybody_but_its_buyer(void **state) {
  (void)state;
  fsm_definition *d = load_example();
  run r = start(d, "{\"order\":\"o\",\"amount\":900.0,\"buyer\":\"ben\"}");
  are_in(&r, "approvals.finance.open approvals.department.open approvals.director.done");
  assert_int_equal(send_as(&r, "APPROVE", "{}", BUYER), FSM_EGUARD);
  assert_int_equal(send_as(&r, "APPROVE", "{}", FINANCE), FSM_OK);
  assert_int_equal(send_as(&r, "PAUSE", "{}", BUYER), FSM_OK);
  are_in(&r, "paused");
  assert_int_equal(send_as(&r, "RESUME", "{}", BUYER), FSM_OK);
  are_in(&r, "approvals.finance.done approvals.department.open approvals.director.done");
  assert_int_equal(send_as(&r, "APPROVE", "{}", DEPARTMENT), FSM_OK);
  are_in(&r, "approved");
  assert_true(r.now.done);
  fsm_definition_free(d);
}

static void a_small_purchase_order_needs_nobody(void **state) {
  (void)state;
  fsm_definition *d = load_example();
  run r = start(d, "{\"order\":\"o\",\"amount\":500.0,\"buyer\":\"ben\"}");
  are_in(&r, "approved");
  fsm_value output = json("{\"decision\":\"approved\"}");
  assert_true(fsm_value_same(&r.now.output, &output));
  fsm_definition_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_regions_are_entered_and_joined),
      cmocka_unit_test(a_root_may_be_parallel),
      cmocka_unit_test(several_targets_lie_in_several_regions),
      cmocka_unit_test(history_remembers_or_takes_its_default),
      cmocka_unit_test(history_that_remembers_nothing_takes_its_default),
      cmocka_unit_test(the_actions_of_an_initial_state_come_between_entries),
      cmocka_unit_test(a_choice_is_taken_at_once),
      cmocka_unit_test(nothing_in_a_list_is_no_transition_and_nothing_in_an_object_is_one),
      cmocka_unit_test(a_state_has_a_time_limit),
      cmocka_unit_test(a_purchase_order_is_approved_by_everybody_but_its_buyer),
      cmocka_unit_test(a_small_purchase_order_needs_nobody),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
