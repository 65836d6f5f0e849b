/* SCXML: what each element becomes in the tree, documents that name others, and a directory of bad ones
 * with what is said about each. */
#include <dirent.h>

#include "schema/definition.h"
#include "schema/scxml.h"
#include "tests/arena_scene.h"

#define BAD FSM_SOURCE_DIR "/tests/cases/bad-scxml"

/* Documents that a src may name. */
static fsm_code give(void *arg, const char *src, fsm_arena *into, const char **text, size_t *len,
                     fsm_error *err) {
  (void)arg, (void)into;
  static const char *const files[][2] = {
      {"x.js", "x = 7;"},
      {"x.json", "{\"a\": [1, 2]}"},
      {"child.scxml", "<scxml xmlns='http://www.w3.org/2005/07/scxml' name='child'><final id='f'/></scxml>"},
      {"again.scxml",
       "<scxml xmlns='http://www.w3.org/2005/07/scxml' name='again'><state id='s'>"
       "<invoke src='again.scxml'/></state></scxml>"},
      {"bad.scxml", "<scxml xmlns='http://www.w3.org/2005/07/scxml'><stat/></scxml>"},
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    if (strcmp(files[i][0], src) != 0) continue;
    *text = files[i][1];
    *len = strlen(*text);
    return FSM_OK;
  }
  return fsm_fail(err, FSM_ENOTFOUND, "", "there is no such file");
}

static const fsm_scxml_options options = {.source = give};

static const fsm_def *def_of(const char *text) {
  const fsm_def *def = NULL;
  fsm_error err = {0};
  fsm_code code = fsm_scxml_read(&arena, text, strlen(text), &options, &def, &err);
  if (code) fail_msg("%s: %s", err.where, err.text);
  return def;
}

static const fsm_def *def_in(const char *attributes, const char *body) {
  return def_of(fsm_arena_printf(&arena, "<scxml xmlns='http://www.w3.org/2005/07/scxml' %s>%s</scxml>",
                                 attributes, body));
}

/* The first entry action of the first state. */
static const fsm_def_action *action_in(const char *attributes, const char *action) {
  const fsm_def *def =
      def_in(attributes, fsm_arena_printf(&arena, "<state id='s'><onentry>%s</onentry></state>", action));
  const fsm_def_state *s = def->root->children[0];
  assert_int_equal(s->entry_count, 1);
  return s->entry;
}
static const fsm_def_action *action_of(const char *action) { return action_in("", action); }

/* The guard of a state's transition with this condition. */
static const char *guard_in(const char *attributes, const char *condition) {
  const fsm_def *def = def_in(
      attributes,
      fsm_arena_printf(&arena, "<state id='s'><transition event='e' cond=\"%s\"/></state>", condition));
  return def->root->children[0]->transitions[0].guard;
}

/* ---- states ------------------------------------------------------------------------------------ */

static void states_keep_their_order_kinds_and_ids(void **state) {
  (void)state;
  const fsm_def *def = def_in("name='m' initial='p' binding='late'",
                              "<state id='a.b'><history id='h' type='deep'><transition target='c'>"
                              "<log expr='1'/></transition></history><state id='c'/><final/></state>"
                              "<parallel id='p'><state/><state id='q'/></parallel>");
  const fsm_def_state *root = def->root, *a = root->children[0], *p = root->children[1];
  assert_int_equal(def->dialect, FSM_SCXML);
  assert_true(def->late_binding);
  assert_string_equal(root->name, "m");
  assert_string_equal(root->initials[0], "p");
  assert_string_equal(a->path, "a.b");
  assert_int_equal(a->kind, FSM_COMPOUND);
  assert_int_equal(a->children[0]->kind, FSM_HISTORY);
  assert_true(a->children[0]->deep);
  assert_string_equal(a->children[0]->initials[0], "c");
  assert_int_equal(a->children[0]->initial_action_count, 1);
  assert_string_equal(a->initials[0], "c"); /* the history before it is no state to begin in */
  assert_int_equal(a->children[2]->kind, FSM_FINAL);
  assert_string_equal(a->children[2]->path, "_s4");
  assert_int_equal(p->kind, FSM_PARALLEL);
  assert_string_equal(p->children[0]->path, "_s6");
  assert_int_equal(p->children[1]->kind, FSM_ATOMIC);
}

static void made_ids_keep_clear_of_written_ones(void **state) {
  (void)state;
  const fsm_def *def = def_in("", "<state/><state id='_s1'/>");
  assert_string_equal(def->root->children[0]->path, "_s_1");
}

static void several_entry_blocks_stay_apart(void **state) {
  (void)state;
  const fsm_def *def =
      def_in("",
             "<state id='s'><onentry><raise event='a'/><raise event='b'/></onentry>"
             "<onexit><raise event='x'/></onexit><onentry><raise event='c'/></onentry></state>");
  const fsm_def_state *s = def->root->children[0];
  assert_int_equal(s->entry_count, 2);
  assert_int_equal(s->entry[0].kind, FSM_ACTION_BLOCK);
  assert_int_equal(s->entry[0].action_count, 2);
  assert_string_equal(s->entry[1].actions[0].event, "c");
  assert_int_equal(s->exit[0].kind, FSM_ACTION_RAISE);
}

static void a_default_that_is_its_own_parent_is_none(void **state) {
  (void)state;
  const fsm_def *def =
      def_in("", "<parallel id='p'><history id='h'><transition target='p'/></history><state/></parallel>");
  assert_int_equal(def->root->children[0]->children[0]->initial_count, 0);
}

/* ---- transitions ------------------------------------------------------------------------------- */

static void descriptors_take_what_begins_with_their_tokens(void **state) {
  (void)state;
  const fsm_def *def = def_in("", "<state><transition event='a b.c. d.* * .*'/></state>");
  const fsm_def_transition *t = def->root->children[0]->transitions;
  static const char *const expected[] = {"a.*", "b.c.*", "d.*", "*", "*"};
  assert_int_equal(t->event_count, 5);
  for (size_t i = 0; i < 5; i++) assert_string_equal(t->events[i], expected[i]);
}

static void only_a_compound_source_of_its_targets_is_left_alone(void **state) {
  (void)state;
  const fsm_def *def = def_in("",
                              "<state id='a'><transition event='e' type='internal' target='b'/>"
                              "<transition event='e' type='internal' target='z'/>"
                              "<transition event='e' target='b'/>"
                              "<transition event='e' type='internal' target='a'/><state id='b'/></state>"
                              "<parallel id='p'><transition event='e' type='internal' target='q'/>"
                              "<state id='q'/></parallel><state id='z'/>");
  const fsm_def_transition *t = def->root->children[0]->transitions;
  assert_true(t[0].internal);
  assert_false(t[1].internal);
  assert_false(t[2].internal);
  assert_false(t[3].internal);
  assert_false(def->root->children[1]->transitions[0].internal);
}

static void several_targets_lie_in_different_regions(void **state) {
  (void)state;
  const fsm_def *def = def_in("",
                              "<state><transition event='e' target='b c'/></state>"
                              "<parallel><state><state id='b'/></state><state id='c'/></parallel>");
  const fsm_def_transition *t = def->root->children[0]->transitions;
  assert_int_equal(t->target_count, 2);
  assert_string_equal(t->targets[1], "c");
}

/* ---- values ------------------------------------------------------------------------------------ */

static const fsm_value *inline_of(const char *text) {
  const fsm_def *def =
      def_in("", fsm_arena_printf(&arena, "<datamodel><data id='x'>%s</data></datamodel><state/>", text));
  assert_int_equal(def->root->data[0].value->form, FSM_DEF_LITERAL);
  return &def->root->data[0].value->literal;
}

static void what_is_written_inside_is_json_or_xml_or_text(void **state) {
  (void)state;
  assert_int_equal(inline_of("\n [1, 2, 3]")->len, 3);
  assert_int_equal(inline_of("123")->i, 123);
  assert_true(fsm_is_text(inline_of("\n this is  a \n string "), "this is a string"));
  assert_true(fsm_is_text(inline_of("<![CDATA[a < b]]>"), "a < b"));
  assert_true(fsm_is_text(inline_of("\n<books xmlns=''><book title='a&amp;b'>t</book></books> "),
                          "<books><book title=\"a&amp;b\">t</book></books>"));
  assert_true(fsm_is_text(inline_of("<final id='f'/>"),
                          "<final xmlns=\"http://www.w3.org/2005/07/scxml\" id=\"f\"/>"));
  const fsm_def *def = def_in("",
                              "<datamodel><data id='x'> </data><data id='y' src='x.json'/>"
                              "<data id='z' src='none'/></datamodel><state/>");
  assert_null(def->root->data[0].value);
  assert_int_equal(def->root->data[1].value->literal.type, FSM_MAP);
  assert_int_equal(def->root->data[2].value->form, FSM_DEF_EXPR); /* which cannot be evaluated */
}

static void delays_become_milliseconds(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t ms;
  } rows[] = {{"2s", 2000},  {"1.5s", 1500},  {".5s", 500},     {"10ms", 10},  {"0s", 0},
              {"1m", 60000}, {"2h", 7200000}, {"1d", 86400000}, {"0.0001s", 1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const fsm_def_action *send =
        action_of(fsm_arena_printf(&arena, "<send event='e' delay='%s'/>", rows[i].text));
    assert_int_equal(send->delay->literal.i, rows[i].ms);
  }
}

/* ---- executable content ------------------------------------------------------------------------ */

static void a_send_keeps_all_its_parts(void **state) {
  (void)state;
  const fsm_def_action *send = action_of(
      "<send eventexpr=\"'e'\" target='#_parent' typeexpr='t' idlocation='i' "
      "delayexpr=\"'1s'\" namelist='x y'><param name='p' expr='1'/>"
      "<param name='x' location='z'/></send>");
  assert_int_equal(send->kind, FSM_ACTION_SEND);
  assert_null(send->event);
  assert_string_equal(send->event_expr->expr, "'e'");
  assert_true(fsm_is_text(&send->target->literal, "#_parent"));
  assert_string_equal(send->type->expr, "t");
  assert_string_equal(send->location, "i");
  assert_string_equal(send->delay->expr, "'1s'");
  assert_int_equal(send->value->count, 3);
  assert_string_equal(send->value->keys[0], "x");
  assert_string_equal(send->value->items[0].expr, "z"); /* the later of two of one name */
  assert_string_equal(send->value->keys[2], "p");
}

static void an_if_is_its_branches(void **state) {
  (void)state;
  const fsm_def_action *a = action_of(
      "<if cond='x'><raise event='a'/><elseif cond='y'/><else/>"
      "<raise event='b'/><raise event='c'/></if>");
  assert_int_equal(a->kind, FSM_ACTION_IF);
  assert_int_equal(a->action_count, 3);
  assert_string_equal(a->actions[0].guard, "x");
  assert_int_equal(a->actions[0].action_count, 1);
  assert_string_equal(a->actions[1].guard, "y");
  assert_int_equal(a->actions[1].action_count, 0);
  assert_null(a->actions[2].guard);
  assert_int_equal(a->actions[2].action_count, 2);
}

static void what_is_wrong_only_when_it_is_run_fails_then(void **state) {
  (void)state;
  static const char *const actions[] = {
      "<log expr='1 +'/>",
      "<assign location='1' expr='2'/>",
      "<assign location='_sessionid' expr='2'/>",
      "<foreach array='[1]' item=\"'continue'\"/>",
      "<foreach array='[1]' item='a' index='a.b'/>",
      "<send event='e' namelist='&quot;foo'/>",
      "<if cond='('><raise event='e'/></if>",
      "<script>x = (</script>",
      "<assign location='x' expr=''/>",
  };
  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
    const fsm_def_action *a = action_of(actions[i]);
    assert_int_equal(a->kind, FSM_ACTION_FAIL);
    assert_int_equal(a->value->literal.type, FSM_STRING);
  }
  const fsm_def_action *inner = action_of("<if cond='true'><log expr='1 +'/><raise event='e'/></if>");
  assert_int_equal(inner->kind, FSM_ACTION_IF);
  assert_int_equal(inner->actions[0].actions[0].kind, FSM_ACTION_FAIL);
  assert_int_equal(inner->actions[0].actions[1].kind, FSM_ACTION_RAISE);
}

/* ---- scripts ----------------------------------------------------------------------------------- */

static void a_script_is_its_assignments(void **state) {
  (void)state;
  const fsm_def *def = def_in("datamodel='ecmascript'",
                              "<script>x = 1; y += x\n z.a['b'] = {k: 2}; var n\n i++</script><state/>");
  const fsm_def_action *a = def->root->entry;
  assert_int_equal(def->root->entry_count, 5);
  assert_int_equal(a[0].kind, FSM_ACTION_ASSIGN);
  assert_string_equal(a[0].value->keys[0], "x");
  assert_string_equal(a[1].value->items[0].expr, "y + (x)");
  assert_int_equal(a[2].kind, FSM_ACTION_SET);
  assert_string_equal(a[2].location, "z.a['b']");
  assert_string_equal(a[2].value->expr, "{'k': 2}");
  assert_string_equal(a[3].value->items[0].expr, "null");
  assert_string_equal(a[4].value->items[0].expr, "i + 1");
}

static void a_script_may_branch(void **state) {
  (void)state;
  const fsm_def_action *a =
      action_in("datamodel='ecmascript'",
                "<script>if (x !== 0) {\n y = 1\n z = 2 } else if (y) z = 3; else {}</script>");
  assert_int_equal(a->kind, FSM_ACTION_IF);
  assert_int_equal(a->action_count, 2);
  assert_string_equal(a->actions[0].guard, "x != 0");
  assert_int_equal(a->actions[0].action_count, 2);
  assert_int_equal(a->actions[1].actions[0].kind, FSM_ACTION_IF);
}

static void a_script_may_lie_elsewhere(void **state) {
  (void)state;
  const fsm_def_action *a = action_of("<script src='x.js'/>");
  assert_string_equal(a->value->items[0].expr, "7");
}

/* ---- the data models --------------------------------------------------------------------------- */

static void ecmascript_is_respelled(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"x === 1 &amp;&amp; y !== '2'", "x == 1 && y != '2'"},
      {"true === x &lt; y", "true == ( x < y)"},
      {"a != b in c &amp;&amp; d == e", "a != ( b in c )&& d == e"},
      {"a == b &lt; c == d &gt; e ? f &lt; g : h", "a == ( b < c )== ( d > e )? f < g : h"},
      {"[a == (b &lt; c), d == e &lt; f].length == {'a': g == h}",
       "[a == (b < c), d == ( e < f)].size() == {'a': g == h}"},
      {"a &lt; b == c", "a < b == c"},
      {"x == undefined", "x == null"},
      {"typeof x.y !== 'undefined'", "x.y != null"},
      {"{a: 1, 'b': [2], 3: {c: 4}} == x", "{'a': 1, 'b': [2], '3': {'c': 4}} == x"},
      {"x / 2 == 1", "x * 1.0 / 2 == 1"},
      {"x.length == 1 /* one */", "x.size() == 1"},
      {"x.a[0].startsWith('y') ? In('s') : !z", "x.a[0].startsWith('y') ? In('s') : !z"},
      {"x == 1 | y != 2", "x == 1 || y != 2"},
      {"x == '\\ud83d\\ude00\\/'", "x == '\\U0001f600/'"},
      {"x == 1.", "x == 1.0"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_string_equal(guard_in("datamodel='ecmascript'", rows[i][0]), rows[i][1]);
}

static void cel_is_taken_as_it_is_written(void **state) {
  (void)state;
  assert_string_equal(guard_in("datamodel='cel'", "{a: 1 / 2} == x"), "{a: 1 / 2} == x");
  assert_string_equal(guard_in("", "x / 2 == 1"), "x / 2 == 1");
  assert_string_equal(guard_in("", "x === 1"), "x == 1"); /* no data model named: either */
  assert_string_equal(guard_in("", "y == {a: 1, b: {c: 2}}"), "y == {'a': 1, 'b': {'c': 2}}");
  assert_string_equal(guard_in("", "y == {'a': x ? z : 1}"), "y == {'a': x ? z : 1}");
  assert_string_equal(guard_in("datamodel='cel'", "y == {a: 1}"), "y == {a: 1}");
}

static void the_null_data_model_asks_for_states(void **state) {
  (void)state;
  assert_string_equal(guard_in("datamodel='null'", " In('s') "), " In('s') ");
}

/* ---- invocations ------------------------------------------------------------------------------- */

static const fsm_def_invoke *invoke_of(const char *text) {
  const fsm_def *def = def_in("", fsm_arena_printf(&arena, "<state id='s'>%s</state>", text));
  return def->root->children[0]->invokes;
}

static void an_invoke_may_hold_a_machine(void **state) {
  (void)state;
  const fsm_def_invoke *i = invoke_of(
      "<invoke type='scxml' id='i' autoforward='true'><content><scxml name='inner'>"
      "<final id='f'/></scxml></content><param name='p' expr='1'/></invoke>");
  assert_string_equal(i->machine->root->name, "inner");
  assert_int_equal(i->machine->dialect, FSM_SCXML);
  assert_true(i->autoforward);
  assert_string_equal(i->input->keys[0], "p");
  const fsm_def_invoke *value = invoke_of("<invoke><content expr='x'/></invoke>");
  assert_null(value->machine);
  assert_string_equal(value->content->expr, "x");
}

static void a_source_is_read_when_it_can_be(void **state) {
  (void)state;
  const fsm_def_invoke *i = invoke_of("<invoke src='child.scxml'/>");
  assert_string_equal(i->src, "child.scxml");
  assert_string_equal(i->machine->root->name, "child");
  assert_null(invoke_of("<invoke src='nowhere.scxml'/>")->machine);
  assert_null(invoke_of("<invoke type='service' src='child.scxml'/>")->machine);
  /* One that invokes itself is read once, and found again at run time. */
  i = invoke_of("<invoke src='again.scxml'/>");
  assert_null(i->machine->root->children[0]->invokes[0].machine);
  const fsm_def *def = NULL;
  fsm_error err = {0};
  const char *text =
      "<scxml xmlns='http://www.w3.org/2005/07/scxml'><state><invoke src='bad.scxml'/></state></scxml>";
  assert_int_equal(fsm_scxml_read(&arena, text, strlen(text), &options, &def, &err), FSM_EDEFINITION);
  assert_string_equal(err.text, "in \"bad.scxml\": <stat> is no element of SCXML; did you mean \"state\"?");
}

static void an_empty_finalize_copies_what_was_given(void **state) {
  (void)state;
  const fsm_def_invoke *i = invoke_of("<invoke src='x' namelist='a'><finalize/></invoke>");
  assert_int_equal(i->finalize_count, 1);
  assert_string_equal(i->finalize->actions[0].guard, "has(_event.data.a)");
  assert_string_equal(i->finalize->actions[0].actions[0].location, "a");
  i = invoke_of(
      "<invoke src='x'><param name='p' location='b'/><param name='q' expr='1'/><finalize> "
      "</finalize></invoke>");
  assert_int_equal(i->finalize_count, 1);
  assert_string_equal(i->finalize->actions[0].actions[0].location, "b");
  assert_string_equal(i->finalize->actions[0].actions[0].value->expr, "_event.data.p");
  i = invoke_of("<invoke src='x'><finalize><assign location='a' expr='1'/></finalize></invoke>");
  assert_int_equal(i->finalize->kind, FSM_ACTION_SET);
}

static void illegal_parameters_are_an_error_when_the_invoke_is_made(void **state) {
  (void)state;
  const fsm_def_invoke *i = invoke_of("<invoke src='x' namelist='&quot;foo'/>");
  assert_int_equal(i->input->form, FSM_DEF_EXPR);
  fsm_arena scratch;
  const fsm_expr *expr;
  fsm_value value;
  fsm_error err = {0};
  fsm_arena_init(&scratch, 0);
  assert_int_equal(fsm_expr_compile(&scratch, i->input->expr, strlen(i->input->expr), &expr, NULL), FSM_OK);
  assert_int_equal(fsm_expr_eval(expr, &(fsm_scope){0}, &scratch, &value, &err), FSM_EEXPRESSION);
  assert_non_null(strstr(err.text, "cannot be read"));
  fsm_arena_free(&scratch);
}

/* ---- what is left alone ------------------------------------------------------------------------ */

static void other_namespaces_are_left_alone_outside_of_executable_content(void **state) {
  (void)state;
  const fsm_def *def =
      def_in("xmlns:x='urn:x' x:a='1'", "<x:note>text</x:note><state id='s' x:b='2'><x:note/></state>");
  assert_int_equal(def->root->child_count, 1);
  def_in("xmlns:q='http://www.qt.io/2015/02/scxml-ext'",
         "<state><transition event='e'><q:editorinfo a='1'/></transition></state>");
}

static void a_definition_to_be_kept_needs_a_name(void **state) {
  (void)state;
  const char *text = "\n <scxml xmlns='http://www.w3.org/2005/07/scxml'><state id='a'/></scxml>";
  fsm_definition *d = NULL;
  fsm_error err = {0};
  assert_int_equal(fsm_definition_load(text, strlen(text), &d, &err), FSM_EDEFINITION);
  assert_string_equal(err.where, "2:2");
  assert_string_equal(err.text, "<scxml> has no \"name\": what is the machine called?");
}

static void a_definition_may_be_in_scxml(void **state) {
  (void)state;
  const char *text =
      "\xef\xbb\xbf \n<scxml xmlns='http://www.w3.org/2005/07/scxml' name='m'><state id='a'/></scxml>";
  fsm_definition *d = NULL;
  fsm_error err = {0};
  assert_int_equal(fsm_definition_load(text + 3, strlen(text) - 3, &d, &err), FSM_OK);
  assert_string_equal(fsm_machine_id(fsm_definition_machine(d)), "m");
  assert_null(fsm_definition_description(d));
  assert_int_equal(fsm_definition_check_input(d, NULL, NULL), FSM_OK);
  size_t len;
  const uint8_t *canonical = fsm_definition_canonical(d, &len);
  assert_int_equal(canonical[0], 0xd9); /* a string of msgpack, as long as one byte says */
  assert_int_equal(canonical[1], strlen(text) - 3);
  assert_memory_equal(canonical + 2, text + 3, len - 2);
  fsm_definition_free(d);
  const fsm_def *def = NULL;
  assert_int_equal(fsm_definition_read(&arena, "<scxml/>", 8, &def, &err), FSM_EDEFINITION);
  assert_string_equal(err.where, "1:1");
}

static void expressions_may_name_time_zones(void **state) {
  (void)state;
  const char *guard = guard_in("", "x.getHours('Europe/Berlin') == 1");
  assert_string_equal(guard, "x.getHours('Europe/Berlin') == 1");
}

/* ---- limits and bad input ---------------------------------------------------------------------- */

static fsm_code code_of(const char *text, size_t len) {
  const fsm_def *def = NULL;
  fsm_error err = {0};
  fsm_code code = fsm_scxml_read(&arena, text, len, NULL, &def, &err);
  assert_int_equal(code, err.code);
  return code;
}

static const char *nested(unsigned machines) {
  fsm_buf buf = {0};
  fsm_buf_str(&buf, "<scxml xmlns='http://www.w3.org/2005/07/scxml'>");
  for (unsigned i = 1; i < machines; i++) fsm_buf_str(&buf, "<state><invoke><content><scxml>");
  fsm_buf_str(&buf, "<state/>");
  for (unsigned i = 1; i < machines; i++) fsm_buf_str(&buf, "</scxml></content></invoke></state>");
  fsm_buf_str(&buf, "</scxml>");
  const char *text = fsm_arena_strdup(&arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text;
}

static void limits_hold_at_their_edges(void **state) {
  (void)state;
  const char *document = "<scxml xmlns='http://www.w3.org/2005/07/scxml'><state/></scxml>";
  char *padded = malloc(FSM_DEFINITION_BYTES_MAX + 1);
  assert_non_null(padded);
  memset(padded, '\n', FSM_DEFINITION_BYTES_MAX + 1);
  memcpy(padded, document, strlen(document));
  assert_int_equal(code_of(padded, FSM_DEFINITION_BYTES_MAX), FSM_OK);
  assert_int_equal(code_of(padded, FSM_DEFINITION_BYTES_MAX + 1), FSM_ETOOLARGE);
  free(padded);
  assert_int_equal(code_of(nested(8), strlen(nested(8))), FSM_OK);
  assert_int_equal(code_of(nested(9), strlen(nested(9))), FSM_ETOOLARGE);
}

static int is_scxml(const struct dirent *entry) {
  const char *dot = strrchr(entry->d_name, '.');
  return dot && strcmp(dot, ".scxml") == 0;
}

/* expected.txt has a line "name: code: where: text" for each file, in the order of their names. */
static void each_bad_document_is_refused_with_its_place(void **state) {
  (void)state;
  struct dirent **names;
  int count = scandir(BAD, &names, is_scxml, alphasort);
  assert_in_range(count, 90, 1000);
  fsm_buf said = {0};
  for (int i = 0; i < count; i++) {
    size_t len;
    fsm_arena_reset(&arena);
    const char *text = read_file(fsm_arena_printf(&arena, "%s/%s", BAD, names[i]->d_name), &len);
    const fsm_def *def = NULL;
    fsm_machine *machine = NULL;
    fsm_error err = {0};
    fsm_code code = fsm_scxml_read(&arena, text, len, &options, &def, &err);
    if (!code) code = fsm_machine_compile(def, &machine, &err);
    assert_null(machine);
    assert_int_equal(code, err.code);
    fsm_buf_printf(&said, "%.*s: %s: %s: %s\n", (int)(strlen(names[i]->d_name) - 6), names[i]->d_name,
                   fsm_code_name(code), err.where, err.text);
    free(names[i]);
  }
  free(names);
  size_t len;
  assert_string_equal(fsm_buf_text(&said), read_file(BAD "/expected.txt", &len));
  fsm_buf_free(&said);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(states_keep_their_order_kinds_and_ids, setup, teardown),
      cmocka_unit_test_setup_teardown(made_ids_keep_clear_of_written_ones, setup, teardown),
      cmocka_unit_test_setup_teardown(several_entry_blocks_stay_apart, setup, teardown),
      cmocka_unit_test_setup_teardown(a_default_that_is_its_own_parent_is_none, setup, teardown),
      cmocka_unit_test_setup_teardown(descriptors_take_what_begins_with_their_tokens, setup, teardown),
      cmocka_unit_test_setup_teardown(only_a_compound_source_of_its_targets_is_left_alone, setup, teardown),
      cmocka_unit_test_setup_teardown(several_targets_lie_in_different_regions, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_written_inside_is_json_or_xml_or_text, setup, teardown),
      cmocka_unit_test_setup_teardown(delays_become_milliseconds, setup, teardown),
      cmocka_unit_test_setup_teardown(a_send_keeps_all_its_parts, setup, teardown),
      cmocka_unit_test_setup_teardown(an_if_is_its_branches, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_wrong_only_when_it_is_run_fails_then, setup, teardown),
      cmocka_unit_test_setup_teardown(a_script_is_its_assignments, setup, teardown),
      cmocka_unit_test_setup_teardown(a_script_may_branch, setup, teardown),
      cmocka_unit_test_setup_teardown(a_script_may_lie_elsewhere, setup, teardown),
      cmocka_unit_test_setup_teardown(ecmascript_is_respelled, setup, teardown),
      cmocka_unit_test_setup_teardown(cel_is_taken_as_it_is_written, setup, teardown),
      cmocka_unit_test_setup_teardown(the_null_data_model_asks_for_states, setup, teardown),
      cmocka_unit_test_setup_teardown(an_invoke_may_hold_a_machine, setup, teardown),
      cmocka_unit_test_setup_teardown(a_source_is_read_when_it_can_be, setup, teardown),
      cmocka_unit_test_setup_teardown(an_empty_finalize_copies_what_was_given, setup, teardown),
      cmocka_unit_test_setup_teardown(illegal_parameters_are_an_error_when_the_invoke_is_made, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(other_namespaces_are_left_alone_outside_of_executable_content, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_definition_to_be_kept_needs_a_name, setup, teardown),
      cmocka_unit_test_setup_teardown(a_definition_may_be_in_scxml, setup, teardown),
      cmocka_unit_test_setup_teardown(expressions_may_name_time_zones, setup, teardown),
      cmocka_unit_test_setup_teardown(limits_hold_at_their_edges, setup, teardown),
      cmocka_unit_test_setup_teardown(each_bad_document_is_refused_with_its_place, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
