/* Limits of a definition as a text, in both notations, each at its edge and one past it. Those of any JSON
 * and any XML are tested beside their readers. */
#include "definition_run.h"

#include "schema/definition_load.h"
#include "schema/scxml.h"
#include "schema/scxml_load.h"

#define SCXML "<scxml xmlns='http://www.w3.org/2005/07/scxml' name='m' datamodel='cel'>"

/* Loads and frees the text. */
static fsm_code code_of(fsm_buf *text, fsm_error *err) {
  fsm_definition *d = NULL;
  *err = (fsm_error){0};
  assert_true(fsm_buf_ok(text));
  fsm_code code = fsm_definition_load(text->data, text->len, &d, err);
  fsm_definition_free(d);
  fsm_buf_free(text);
  return code;
}

/* The text with single quotes for double ones. */
static fsm_code json_code(fsm_buf *text, fsm_error *err) {
  for (size_t i = 0; i < text->len; i++)
    if (text->data[i] == '\'') text->data[i] = '"';
  return code_of(text, err);
}

static void repeat(fsm_buf *text, size_t times, const char *what) {
  for (size_t i = 0; i < times; i++) fsm_buf_str(text, what);
}

/* ---- states -------------------------------------------------------------------------------------- */

static fsm_code json_states(unsigned below, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_str(&text, "{'id':'m','initial':'s0','states':{");
  for (unsigned i = 0; i < below; i++) fsm_buf_printf(&text, "%s's%u':{}", i ? "," : "", i);
  fsm_buf_str(&text, "}}");
  return json_code(&text, err);
}

static fsm_code scxml_states(unsigned below, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_str(&text, SCXML);
  repeat(&text, below, "<state/>");
  fsm_buf_str(&text, "</scxml>");
  return code_of(&text, err);
}

static void ten_thousand_states_in_either_notation(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(json_states(FSM_STATES_MAX - 1, &err), FSM_OK);
  assert_int_equal(json_states(FSM_STATES_MAX, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "10001 states are over the limit of 10000");
  assert_int_equal(scxml_states(FSM_STATES_MAX - 1, &err), FSM_OK);
  assert_int_equal(scxml_states(FSM_STATES_MAX, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "there are more than 10000 states");
}

static fsm_code scxml_depth(unsigned below, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_str(&text, SCXML);
  repeat(&text, below, "<state>");
  repeat(&text, below, "</state>");
  fsm_buf_str(&text, "</scxml>");
  return code_of(&text, err);
}

static void states_of_scxml_nest_sixty_four_deep(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(scxml_depth(FSM_DEPTH_MAX, &err), FSM_OK);
  assert_int_equal(scxml_depth(FSM_DEPTH_MAX + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "states are nested deeper than 64");
}

static fsm_code with_path(bool scxml, size_t len, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_str(&text, scxml ? SCXML "<state id='" : "{'id':'m','initial':'a','states':{'a':{},'");
  repeat(&text, len, "x");
  fsm_buf_str(&text, scxml ? "'/></scxml>" : "':{}}}");
  return scxml ? code_of(&text, err) : json_code(&text, err);
}

static void a_path_has_its_bound_in_either_notation(void **state) {
  (void)state;
  fsm_error err;
  for (int scxml = 0; scxml < 2; scxml++) {
    assert_int_equal(with_path(scxml, FSM_STATE_PATH_MAX, &err), FSM_OK);
    assert_int_equal(with_path(scxml, FSM_STATE_PATH_MAX + 1, &err), FSM_ETOOLARGE);
  }
}

/* ---- transitions --------------------------------------------------------------------------------- */

/* The smallest that JSON has: {} in a list. */
static fsm_code json_transitions(size_t count, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_str(&text, "{'id':'m','on':{'E':[{}");
  repeat(&text, count - 1, ",{}");
  fsm_buf_str(&text, "]}}");
  return json_code(&text, err);
}

static void sixty_five_thousand_transitions_in_json(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(json_transitions(FSM_TRANSITIONS_MAX, &err), FSM_OK);
  assert_int_equal(json_transitions(FSM_TRANSITIONS_MAX + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "the machine has more than 65535 transitions");
}

static fsm_code scxml_targets(unsigned count, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_str(&text, SCXML "<state id='s'><transition event='E' target='");
  for (unsigned i = 0; i < count; i++) fsm_buf_printf(&text, "t%u ", i);
  fsm_buf_str(&text, "'/></state><parallel>");
  for (unsigned i = 0; i < count; i++) fsm_buf_printf(&text, "<state id='t%u'/>", i);
  fsm_buf_str(&text, "</parallel></scxml>");
  return code_of(&text, err);
}

static void a_transition_of_scxml_has_256_targets(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(scxml_targets(256, &err), FSM_OK);
  assert_int_equal(scxml_targets(257, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "\"target\" names more than 256 states");
}

/* ---- named things -------------------------------------------------------------------------------- */

/* `guards` g1 to g<depth>, each of which is the next; a transition uses the first. */
static fsm_code named_depth(unsigned depth, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_str(&text, "{'id':'m','on':{'E':{'guard':'g1'}},'guards':{");
  for (unsigned i = 1; i < depth; i++) fsm_buf_printf(&text, "'g%u':'g%u',", i, i + 1);
  fsm_buf_printf(&text, "'g%u':{'@expr':'true'}}}", depth);
  return json_code(&text, err);
}

static void named_things_name_one_another_eight_deep(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(named_depth(FSM__EXPANSION_MAX, &err), FSM_OK);
  assert_int_equal(named_depth(FSM__EXPANSION_MAX + 1, &err), FSM_EDEFINITION);
  assert_string_equal(err.text, "named guards and actions name one another more than 8 deep");
}

/* Uses of one guard whose text is 4,000 bytes and a number's digits. */
static fsm_code with_expanded(unsigned uses, fsm_error *err) {
  enum { LONG = 3996 };
  fsm_buf text = {0};
  fsm_buf_str(&text, "{'id':'m','guards':{'g':{'@expr':'1 < params.x");
  repeat(&text, LONG - 4 - 1, " ");
  fsm_buf_str(&text, "'}},'on':{'E':[");
  for (unsigned i = 0; i < uses; i++)
    fsm_buf_printf(&text, "%s{'guard':{'type':'g','params':{'x':%u}}}", i ? "," : "", 10 + i % 90);
  fsm_buf_str(&text, "]}}");
  return json_code(&text, err);
}

static void texts_with_params_in_them_are_bounded_together(void **state) {
  (void)state;
  fsm_error err;
  const unsigned most = FSM__EXPANDED_MAX / 3999; /* "1 < (10)" and the blanks */
  assert_int_equal(with_expanded(most, &err), FSM_OK);
  assert_int_equal(with_expanded(most + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text,
                      "expressions that read `params` take more than 1048576 bytes, all uses together");
}

/* One action of so many fields, used again and again: a few bytes of text each time. */
static fsm_code with_uses(unsigned fields, unsigned uses, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_str(&text, "{'id':'m','actions':{'a':{'type':'@xstate.assign','context':{");
  for (unsigned i = 0; i < fields; i++) fsm_buf_printf(&text, "%s'f%u':{'@expr':'%u+1'}", i ? "," : "", i, i);
  fsm_buf_str(&text, "}}},'on':{'E':[");
  for (unsigned i = 0; i < uses; i++) fsm_buf_printf(&text, "%s{'actions':'a'}", i ? "," : "");
  fsm_buf_str(&text, "]}}");
  return json_code(&text, err);
}

static void what_named_things_make_is_bounded(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_uses(1000, 40, &err), FSM_OK);
  assert_int_equal(with_uses(1000, 5000, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "the definition takes more than 25165824 bytes, named things put in");
}

static fsm_code with_actions(unsigned count, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_str(&text, "{'id':'m','actions':{'a':{'type':'@xstate.raise','event':{'type':'E'}}},'entry':['a'");
  repeat(&text, count - 1, ",'a'");
  fsm_buf_str(&text, "]}");
  return json_code(&text, err);
}

static void a_thousand_and_twenty_four_actions_in_one_place(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_actions(1024, &err), FSM_OK);
  assert_int_equal(with_actions(1025, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "more than 1024 actions in one place");
  assert_string_equal(err.where, "/entry/1024");
}

/* ---- content of SCXML ---------------------------------------------------------------------------- */

static fsm_code with_machines(unsigned count, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_str(&text, SCXML "<state>");
  repeat(&text, count - 1, "<invoke><content>" SCXML "<state/></scxml></content></invoke>");
  fsm_buf_str(&text, "</state></scxml>");
  return code_of(&text, err);
}

static void a_document_has_256_machines(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_machines(FSM__SCXML_MACHINES_MAX, &err), FSM_OK);
  assert_int_equal(with_machines(FSM__SCXML_MACHINES_MAX + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "there are more than 256 machines in one");
}

static fsm_code with_params(unsigned count, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_str(&text, SCXML "<state><onentry><send event='E'>");
  for (unsigned i = 0; i < count; i++) fsm_buf_printf(&text, "<param name='p%u' expr='1'/>", i);
  fsm_buf_str(&text, "</send></onentry></state></scxml>");
  return code_of(&text, err);
}

static void an_event_of_scxml_has_a_thousand_parameters(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_params(1000, &err), FSM_OK);
  assert_int_equal(with_params(1001, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "<send> has more than 1000 parameters");
}

/* An assignment inside of so many ifs is a statement more. */
static fsm_code with_script(unsigned ifs, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_str(&text, SCXML "<datamodel><data id='x' expr='0'/></datamodel><state><onentry><script>");
  repeat(&text, ifs, "if (x == 0) ");
  fsm_buf_str(&text, "x = 1</script></onentry></state></scxml>");
  return code_of(&text, err);
}

static void statements_of_a_script_nest_thirty_two_deep(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_script(31, &err), FSM_OK);
  assert_int_equal(with_script(32, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "a script has statements more than 32 deep");
}

/* An expression of ECMAScript with so many brackets around it. */
static fsm_code with_brackets(unsigned depth, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_str(&text,
              "<scxml xmlns='http://www.w3.org/2005/07/scxml' name='m' datamodel='ecmascript'>"
              "<state><transition event='E' cond='");
  repeat(&text, depth, "(");
  fsm_buf_str(&text, "true");
  repeat(&text, depth, ")");
  fsm_buf_str(&text, "'/></state></scxml>");
  return code_of(&text, err);
}

static void brackets_of_ecmascript_nest_as_deep_as_expressions(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_brackets(FSM_EXPR_DEPTH_MAX - 1, &err), FSM_OK);
  assert_int_equal(with_brackets(FSM_EXPR_DEPTH_MAX + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "an expression has brackets more than 64 deep");
}

/* ---- policies ------------------------------------------------------------------------------------ */

static fsm_code with_attempts(unsigned attempts, fsm_error *err) {
  fsm_buf text = {0};
  fsm_buf_printf(&text, "{'id':'m','invoke':{'src':'s','meta':{'fsm':{'attempts':%u}}}}", attempts);
  return json_code(&text, err);
}

static void a_task_has_a_hundred_attempts(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_attempts(100, &err), FSM_OK);
  assert_int_equal(with_attempts(101, &err), FSM_EDEFINITION);
  assert_int_equal(with_attempts(0, &err), FSM_EDEFINITION);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ten_thousand_states_in_either_notation),
      cmocka_unit_test(states_of_scxml_nest_sixty_four_deep),
      cmocka_unit_test(a_path_has_its_bound_in_either_notation),
      cmocka_unit_test(sixty_five_thousand_transitions_in_json),
      cmocka_unit_test(a_transition_of_scxml_has_256_targets),
      cmocka_unit_test(named_things_name_one_another_eight_deep),
      cmocka_unit_test(texts_with_params_in_them_are_bounded_together),
      cmocka_unit_test(what_named_things_make_is_bounded),
      cmocka_unit_test(a_thousand_and_twenty_four_actions_in_one_place),
      cmocka_unit_test(a_document_has_256_machines),
      cmocka_unit_test(an_event_of_scxml_has_a_thousand_parameters),
      cmocka_unit_test(statements_of_a_script_nest_thirty_two_deep),
      cmocka_unit_test(brackets_of_ecmascript_nest_as_deep_as_expressions),
      cmocka_unit_test(a_task_has_a_hundred_attempts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
