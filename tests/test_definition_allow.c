/* meta.fsm.allow: read, refused with its place, kept by both notations, part of what a definition is. */
#include "definition_run.h"

#include "schema/scxml.h"

#define MAY(allow) "'meta':{'fsm':{'allow':" allow "}}"
#define ON_GO(allow) \
  "{'id':'m','initial':'a','states':{'a':{'on':{'GO':{'target':'b'," MAY(allow) "}}},'b':{}}}"

static const char *spelt(const char *text) {
  char *copy = fsm_arena_strdup(&arena, text);
  for (char *p = copy; *p; p++) *p = *p == '\'' ? '"' : *p == '~' ? '\'' : *p;
  return copy;
}

static const fsm_def *read_def(const char *text) {
  const fsm_def *def = NULL;
  fsm_error err = {0};
  fsm_code code = *text == '<' ? fsm_scxml_read(&arena, text, strlen(text), NULL, &def, &err)
                               : fsm_definition_read(&arena, text, strlen(text), &def, &err);
  if (code) fail_msg("%s: %s: %s", err.where, err.text, text);
  return def;
}

/* Of the first transition of the machine. */
static const char *allow_of(const fsm_definition *d) {
  fsm_allow allows[FSM_ALLOWS_MAX];
  const unsigned count = fsm_transition_allows(fsm_definition_machine(d), 0, allows);
  return count > 0 ? allows[count - 1].text : NULL;
}

static void a_text_an_expression_and_a_list_are_read(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {ON_GO("'actor.sub == ~a~'"), "actor.sub == 'a'"},
      {ON_GO("{'@expr':'actor.sub == ~a~'}"), "actor.sub == 'a'"},
      {ON_GO("{'@expr':'actor.x','@lang':'cel'}"), "actor.x"},
      {ON_GO("['actor.x']"), "actor.x"},
      {ON_GO("['actor.x',{'@expr':'actor.y'}]"), "(actor.x) || (actor.y)"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fsm_definition *d = load(spelt(cases[i][0]));
    assert_string_equal(allow_of(d), cases[i][1]);
    fsm_definition_free(d);
  }
}

static void so_many_expressions_and_no_more(void **state) {
  (void)state;
  fsm_buf buf = {0};
  for (unsigned count = FSM_ALLOW_MAX; count <= FSM_ALLOW_MAX + 1; count++) {
    fsm_buf_reset(&buf);
    for (unsigned i = 0; i < count; i++) fsm_buf_printf(&buf, "%s\"actor.x%u\"", i ? "," : "", i);
    const char *text = fsm_arena_printf(
        &arena,
        "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{\"meta\":{\"fsm\":{\"allow\":[%s]}},"
        "\"on\":{\"GO\":{}}}}}",
        fsm_buf_text(&buf));
    fsm_definition *d = NULL;
    fsm_error err = {0};
    fsm_code code = fsm_definition_load(text, strlen(text), &d, &err);
    assert_int_equal(code, count <= FSM_ALLOW_MAX ? FSM_OK : FSM_ETOOLARGE);
    if (code) assert_string_equal(err.where, "/states/a/meta/fsm/allow");
    fsm_definition_free(d);
  }
  fsm_buf_free(&buf);
}

/* The engine says so by itself, too. */
static void a_tree_made_by_hand_is_held_to_the_same_limits(void **state) {
  (void)state;
  const char *texts[FSM_ALLOW_MAX + 1];
  for (size_t i = 0; i <= FSM_ALLOW_MAX; i++) texts[i] = "true";
  const fsm_def_state root = {
      .name = "m", .kind = FSM_ATOMIC, .allow = {texts, NULL, FSM_ALLOW_MAX + 1, "/x"}};
  const fsm_def def = {.root = &root};
  fsm_machine *machine = NULL;
  fsm_error err = {0};
  assert_int_equal(fsm_machine_compile(&def, &machine, &err), FSM_ETOOLARGE);
  assert_string_equal(err.where, "/x");
}

static void faults_have_their_place(void **state) {
  (void)state;
  is_refused("{'id':'m','meta':{'fsm':{'allow':['true','actor.']}}}", FSM_EEXPRESSION, "/meta/fsm/allow/1",
             "1:7: expected a name, found the end");
  is_refused("{'id':'m','invoke':{'src':'s','meta':{'fsm':{'allow':{'@expr':'1 +'}}}}}", FSM_EEXPRESSION,
             "/invoke/meta/fsm/allow/@expr", "1:4: expected an expression, found the end");
  is_refused(
      "{'id':'m','initial':'a','states':{'a':{'invoke':{'src':'s','onDone':{'target':'a','meta':{'fsm':{"
      "'allow':'true'}}}}}}}",
      FSM_EDEFINITION, "/states/a/invoke/onDone/meta/fsm/allow",
      "\"allow\" is never asked here: nobody sends what takes this transition");
  is_refused(
      "{'id':'m','initial':'a','states':{'a':{'type':'choice','choice':[{'target':'b','meta':{'fsm':{"
      "'allow':'true'}}}]},'b':{}}}",
      FSM_EDEFINITION, "/states/a/choice/0/meta/fsm/allow",
      "\"allow\" is never asked here: nobody sends what takes this transition");
}

static void it_is_checked_against_the_schemas_of_its_event_context_and_actor(void **state) {
  (void)state;
  static const char frame[] =
      "{'id':'m','initial':'a','context':{'owner':'x'},'schemas':{'context':{'type':'object','properties':{'"
      "owner':{"
      "'type':'string'}},'required':['owner'],'additionalProperties':false},'actor':{'type':'object','"
      "properties':{"
      "'level':{'type':'integer'}}},'events':{'GO':{'type':'object','properties':{'n':{'type':'integer'}},'"
      "required':["
      "'n']}}},'states':{'a':{'on':{'GO':{'meta':{'fsm':{'allow':'%s'}}}}}}}";
  static const struct {
    const char *allow;
    bool good;
  } cases[] = {{"context.owner == ~x~", true}, {"context.owner == 1", false},
               {"event.n > 1", true},          {"event.n == ~1~", false},
               {"actor.level > 1", true},      {"actor.level.x", false},
               {"event.m > 1", true},          {"context.owner.size()", false},
               {"actor.level", false},         {"size(context.owner) > 1", true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *text = spelt(fsm_arena_printf(&arena, frame, cases[i].allow));
    fsm_definition *d = NULL;
    fsm_error err = {0};
    fsm_code code = fsm_definition_load(text, strlen(text), &d, &err);
    if (code != (cases[i].good ? FSM_OK : FSM_EEXPRESSION)) fail_msg("%s: %s", cases[i].allow, err.text);
    if (code) assert_string_equal(err.where, "/states/a/on/GO/meta/fsm/allow");
    fsm_definition_free(d);
  }
}

static void it_is_part_of_what_a_definition_is(void **state) {
  (void)state;
  size_t a_len = 0, b_len = 0;
  fsm_definition *a = load(spelt(ON_GO("'actor.x'"))), *b = load(spelt(ON_GO("'actor.y'")));
  const void *a_bytes = fsm_definition_canonical(a, &a_len), *b_bytes = fsm_definition_canonical(b, &b_len);
  assert_true(a_len == b_len && memcmp(a_bytes, b_bytes, a_len) != 0);
  fsm_definition_free(a);
  fsm_definition_free(b);
}

static const char *written(const fsm_def *def, bool scxml) {
  fsm_buf buf = {0};
  fsm_error err = {0};
  fsm_code code = scxml ? fsm_scxml_write(def, &buf, &err) : fsm_definition_write(def, &buf, &err);
  if (code) fail_msg("%s: %s", err.where, err.text);
  const char *text = fsm_arena_strdup(&arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text;
}

static void both_notations_keep_it(void **state) {
  (void)state;
  const char *json_text = spelt(
      "{'id':'m','initial':'a'," MAY("'has(actor.sub)'") ",'context':{'owner':'x'},'states':{'a':{" MAY(
          "'actor.ok'") ",'on':{'GO':{'target':'b'," MAY("['actor.sub == context.owner','event.n == 1']") "}}},'b':{}}}");
  fsm_allow expected[FSM_ALLOWS_MAX], found[FSM_ALLOWS_MAX];
  fsm_definition *first = load(json_text);
  assert_int_equal(fsm_transition_allows(fsm_definition_machine(first), 0, expected), 3);
  const char *as_json = written(read_def(json_text), false), *as_scxml = written(read_def(json_text), true);
  const char *back = written(read_def(as_scxml), false);
  const char *const texts[] = {as_json, as_scxml, back};
  for (size_t i = 0; i < 3; i++) {
    fsm_definition *d = load(texts[i]);
    assert_int_equal(fsm_transition_allows(fsm_definition_machine(d), 0, found), 3);
    for (unsigned a = 0; a < 3; a++) assert_string_equal(found[a].text, expected[a].text);
    fsm_definition_free(d);
  }
  fsm_definition_free(first);
}

static void an_allow_that_names_states_is_not_translated(void **state) {
  (void)state;
  static const struct {
    const char *allow;
    bool good;
  } cases[] = {{"In(~a~)", false},
               {"actor.x && In (~a~)", false},
               {"context.In == 1", true},
               {"actor.sub == ~In~", true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const fsm_def *def =
        read_def(spelt(fsm_arena_printf(&arena,
                                        "{'id':'m','initial':'a','states':{'a':{'on':{'GO':{'target':'b','"
                                        "meta':{'fsm':{'allow':'%s'}}}}},'b':{}}}",
                                        cases[i].allow)));
    fsm_buf buf = {0};
    fsm_error err = {0};
    fsm_code code = fsm_scxml_write(def, &buf, &err);
    assert_int_equal(code, cases[i].good ? FSM_OK : FSM_EUNSUPPORTED);
    if (code) assert_string_equal(err.where, "/states/a/on/GO/meta/fsm/allow");
    fsm_buf_reset(&buf);
    assert_int_equal(fsm_definition_write(def, &buf, &err), FSM_OK);
    fsm_buf_free(&buf);
  }
}

static void in_scxml_faults_have_line_and_column(void **state) {
  (void)state;
  static const char text[] =
      "<scxml xmlns='http://www.w3.org/2005/07/scxml' xmlns:f='urn:fsmd' name='m' version='1.0'>\n"
      "<state id='a' f:meta='{\"fsm\": {\"allow\": \"actor.\"}}'/></scxml>";
  fsm_definition *d = NULL;
  fsm_error err = {0};
  assert_int_equal(fsm_definition_load(text, strlen(text), &d, &err), FSM_EEXPRESSION);
  assert_string_equal(err.where, "2:23");
  assert_string_equal(err.text, "in \"meta\", /fsm/allow: 1:7: expected a name, found the end");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(a_text_an_expression_and_a_list_are_read),
      T(so_many_expressions_and_no_more),
      T(a_tree_made_by_hand_is_held_to_the_same_limits),
      T(faults_have_their_place),
      T(it_is_checked_against_the_schemas_of_its_event_context_and_actor),
      T(it_is_part_of_what_a_definition_is),
      T(both_notations_keep_it),
      T(an_allow_that_names_states_is_not_translated),
      T(in_scxml_faults_have_line_and_column),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
