/* Guards: and, or, not and stateIn in each of their spellings, by what the machine then does, and names. */
#include "tests/definition_run.h"

/* Is GO taken from state "a" with this guard? */
static bool holds(const char *guard, const char *context) {
  fsm_definition *d = load_quoted(fsm_arena_printf(
      &arena,
      "{'id':'m','initial':'a','context':%s,'guards':{'one':{'@expr':'context.n == 1'},"
      "'two':{'when':{'@expr':'context.n == 2'}},'either':{'when':{'type':'or','guards':['one','two']}}},"
      "'states':{'a':{'id':'A','initial':'x','states':{'x':{'on':{'GO':{'target':'y','guard':%s}}},'y':{}}},"
      "'b':{'id':'far'}}}",
      context, guard));
  run r = start(d, "null");
  fsm_code code = send_data(&r, "GO", "null", FSM_CAUSE_EXTERNAL);
  assert_true(code == FSM_OK || code == FSM_EGUARD);
  fsm_definition_free(d);
  return code == FSM_OK;
}

static void combinators_combine(void **state) {
  (void)state;
  static const struct {
    const char *guard;
    bool one, two, three; /* for n = 1, 2, 3 */
  } cases[] = {
      {"'one'", true, false, false},
      {"{'type':'two'}", false, true, false},
      {"'either'", true, true, false},
      {"{'type':'@xstate.not','guard':'one'}", false, true, true},
      {"{'type':'xstate.not','params':{'guard':{'type':'either'}}}", false, false, true},
      {"{'type':'not','params':{'guards':['two']}}", true, false, true},
      {"{'type':'@xstate.and','guards':['either',{'type':'not','guard':'two'}]}", true, false, false},
      {"{'type':'xstate.or','params':{'guards':['one',{'@expr':'context.n == 3'}]}}", true, false, true},
      {"{'type':'and','guards':[]}", true, true, true},
      {"{'type':'or','guards':[]}", false, false, false},
      {"{'type':'and','guards':[{'@expr':'true // yes'},'one']}", true, false, false},
      {"{'type':'or','guards':[{'@expr':'false && false'},{'type':'and','guards':['one','one']}]}", true,
       false, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(holds(cases[i].guard, "{'n':1}"), cases[i].one);
    assert_int_equal(holds(cases[i].guard, "{'n':2}"), cases[i].two);
    assert_int_equal(holds(cases[i].guard, "{'n':3}"), cases[i].three);
  }
}

static void state_in_asks_the_configuration(void **state) {
  (void)state;
  static const struct {
    const char *guard;
    bool holds;
  } cases[] = {
      {"{'type':'@xstate.stateIn','stateId':'A'}", true},
      {"{'type':'@xstate.stateIn','stateId':'#A'}", true},
      {"{'type':'xstate.stateIn','params':{'stateId':'far'}}", false},
      {"{'type':'stateIn','stateValue':'#m'}", true},
      {"{'type':'stateIn','stateValue':'#m.a.y'}", false},
      {"{'type':'stateIn','stateValue':'a.x'}", true},
      {"{'type':'stateIn','params':{'stateValue':'a.y'}}", false},
      {"{'type':'stateIn','stateValue':{'a':'x'}}", true},
      {"{'type':'stateIn','stateValue':{'a':{}}}", true},
      {"{'type':'stateIn','stateValue':{'a':{'y':{}}}}", false},
      {"{'type':'stateIn','stateValue':{}}", true},
      {"{'type':'stateIn','stateValue':{'a':'x','b':{}}}", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(holds(cases[i].guard, "{}"), cases[i].holds);
}

/* What was refused is told by the name that the author gave it. */
static void a_named_guard_is_refused_by_its_name(void **state) {
  (void)state;
  fsm_definition *d = load_quoted(
      "{'id':'m','initial':'a','guards':{'g':{'@expr':'false'}},'states':{'a':{'on':{'GO':{'guard':'g'},"
      "'NOT':{'guard':{'type':'not','guard':{'@expr':'true'}}}}}}}");
  run r = start(d, "null");
  assert_int_equal(send_data(&r, "GO", "null", FSM_CAUSE_EXTERNAL), FSM_EGUARD);
  assert_string_equal(r.last.candidates[0].guard_name, "g");
  assert_int_equal(send_data(&r, "NOT", "null", FSM_CAUSE_EXTERNAL), FSM_EGUARD);
  assert_null(r.last.candidates[0].guard_name);
  fsm_definition_free(d);
}

/* An operand that cannot be evaluated does not make `not` true. */
static void a_fault_below_not_is_no_consent(void **state) {
  (void)state;
  assert_false(holds("{'type':'not','guard':{'@expr':'context.missing.more'}}", "{'n':1}"));
}

/* 8 names in one another may be; 9 may not. */
static void names_may_stand_eight_deep(void **state) {
  (void)state;
  for (int deep = 8; deep <= 9; deep++) {
    fsm_buf text = {0};
    fsm_buf_str(&text, "{\"id\":\"m\",\"initial\":\"a\",\"guards\":{");
    for (int i = 1; i < deep; i++) fsm_buf_printf(&text, "\"g%d\":{\"when\":\"g%d\"},", i, i + 1);
    fsm_buf_printf(&text,
                   "\"g%d\":{\"@expr\":\"true\"}},\"states\":{\"a\":{\"on\":{\"GO\":{\"guard\":\"g1\"}}}}}",
                   deep);
    fsm_definition *d = NULL;
    fsm_code code = fsm_definition_load(text.data, text.len, &d, NULL);
    assert_int_equal(code, deep == 8 ? FSM_OK : FSM_EDEFINITION);
    fsm_definition_free(d);
    fsm_buf_free(&text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(combinators_combine),
      cmocka_unit_test(state_in_asks_the_configuration),
      cmocka_unit_test(a_named_guard_is_refused_by_its_name),
      cmocka_unit_test(a_fault_below_not_is_no_consent),
      cmocka_unit_test(names_may_stand_eight_deep),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
