/* What only SCXML has: its actions, its variables, _event and the system variables. */
#include "tests/chart.h"

#define SET(place, t) \
  { .kind = FSM_ACTION_SET, .location = (place), .value = EXPR(t), .where = "/set" }
#define SEND(...) \
  { .kind = FSM_ACTION_SEND, .where = "/send", __VA_ARGS__ }
#define IF(...) \
  { .kind = FSM_ACTION_IF, .where = "/if", DO(__VA_ARGS__) }
#define BRANCH(g, ...) \
  { .kind = FSM_ACTION_BRANCH, .guard = (g), .where = "/branch", DO(__VA_ARGS__) }
#define BLOCK(...) \
  { .kind = FSM_ACTION_BLOCK, .where = "/block", DO(__VA_ARGS__) }
#define FOREACH(array, item_, index_, ...)                                                    \
  {                                                                                           \
    .kind = FSM_ACTION_FOREACH, .value = EXPR(array), .location = (item_), .index = (index_), \
    .where = "/foreach", DO(__VA_ARGS__)                                                      \
  }
#define DATA(...) \
  .data = (const fsm_def_data[]){__VA_ARGS__}, .data_count = COUNT_OF(fsm_def_data, __VA_ARGS__)
#define VAR(n, t) \
  { .id = (n), .value = EXPR(t), .where = "/data/" n }
#define ERRORS STAY("error.execution", DO(LOG_EXPR("[_event.type, _event.sendid, _event.data.message]")))

static const fsm_world here = {.session = "s7"};

static const char *run_scxml(chart *c, const fsm_def *def, const fsm_value *input) {
  chart_open_def(c, def);
  fsm_error err = {0};
  if (fsm_start(c->machine, input, &here, &c->arena, &c->last, &err) != FSM_OK)
    fail_msg("%s: %s", err.where, err.text);
  c->now = c->last.next;
  return chart_text(c);
}
#define START(...) run_scxml(&c, &(const fsm_def){.root = (__VA_ARGS__), .dialect = FSM_SCXML}, NULL)
#define START_LATE(...) \
  run_scxml(&c, &(const fsm_def){.root = (__VA_ARGS__), .dialect = FSM_SCXML, .late_binding = true}, NULL)

static const char *send_here(chart *c, fsm_event event) {
  fsm_error err = {0};
  if (fsm_step(c->machine, &c->now, &event, &here, &c->arena, &c->last, &err) != FSM_OK)
    fail_msg("%s: %s", err.where, err.text);
  c->now = c->last.next;
  return chart_text(c);
}
#define EVENT(...) send_here(&c, (fsm_event){__VA_ARGS__})

/* ---- send ------------------------------------------------------------------------------------------ */

static void a_send_to_oneself_is_a_timer_with_a_made_id(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(ATOMIC("m", ENTRY(SEND(.event = "A"), SEND(.event = "B", .id = "b", .delay = STR("1.5s")),
                              SEND(.event_expr = EXPR("'C' + '1'"), .target = STR("#_scxml_s7"),
                                   .delay = STR(".5s"), .value = INT(3))))),
      "external: -> (root); enter (root); timer+ send.1 A 0ms; timer+ b B 1500ms; timer+ send.2 C1 500ms "
      "3\n");
  assert_true(c.last.microsteps[0].effects[0].id_made);
  assert_false(c.last.microsteps[0].effects[1].id_made);
  chart_close(&c);
}

static void a_send_to_the_internal_queue_is_processed_now(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(ATOMIC("m", ENTRY(SEND(.event = "A", .target = STR("#_internal"), .id = "x"), RAISE("B")),
                   ON(STAY("A", DO(LOG_EXPR("[_event.type, _event.sendid]"))),
                      STAY("B", DO(LOG_EXPR("_event.type")))))),
      "external: -> (root); enter (root)\nraised A: (root) -> (root); log [\"internal\", \"x\"]\nraised B: "
      "(root) -> (root); log \"internal\"\n");
  chart_close(&c);
}

static void a_send_to_others_is_an_effect(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(ATOMIC("m", ENTRY(SEND(.event = "A", .target = STR("#_parent"), .value = STR("d")),
                              SEND(.event = "B", .target = EXPR("'#_scxml_' + 'x'"),
                                   .type = STR("http://www.w3.org/TR/scxml/#SCXMLEventProcessor"),
                                   .delay = STR("200ms"))))),
      "external: -> (root); enter (root); send send.1 A to #_parent 0ms \"d\"; send send.2 B to #_scxml_x "
      "200ms\n");
  chart_close(&c);
}

static void a_send_that_cannot_be_sent_tells_its_id(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(ATOMIC("m", DATA(VAR("v", "null")),
                   ENTRY(BLOCK(SEND(.event = "A", .id = "x", .type = STR("27"))),
                         BLOCK(SEND(.event = "A", .type = STR("27"))),
                         BLOCK(SEND(.event = "A", .id = "y", .target = STR("baz"))),
                         BLOCK(SEND(.event = "A", .location = "v", .value = EXPR("none"))),
                         BLOCK(SEND(.event = "A", .id = "z", .target = STR("#_internal"), .delay = INT(1))),
                         BLOCK(SEND(.event_expr = INT(1))), BLOCK(SEND(.event_expr = EXPR("'a*'"))),
                         BLOCK(SEND(.event = "A", .delay = EXPR("'soon'")))),
                   ON(ERRORS))),
      "external: -> (root); enter (root); context {v: \"send.2\"}\nraised error.execution: (root) -> (root); "
      "log [\"platform\", \"x\", \"/send: there is no event processor \"27\"\"]\nraised error.execution: "
      "(root) -> (root); log [\"platform\", null, \"/send: there is no event processor \"27\"\"]\nraised "
      "error.execution: (root) -> (root); log [\"platform\", \"y\", \"/send: \"baz\" is no target of a "
      "send\"]\nraised error.execution: (root) -> (root); log [\"platform\", \"send.2\", \"/send: no such "
      "field none\"]\nraised error.execution: (root) -> (root); log [\"platform\", \"z\", \"/send: the "
      "internal queue knows no delay\"]\nraised error.execution: (root) -> (root); log [\"platform\", null, "
      "\"/send: the name of an event is a text, not int\"]\nraised error.execution: (root) -> (root); log "
      "[\"platform\", null, \"/send: an event cannot be named \"a*\"\"]\nraised error.execution: (root) -> "
      "(root); log [\"platform\", null, \"/send: a delay as text is like \"1.5s\" or \"200ms\", not "
      "\"soon\"\"]\n");
  chart_close(&c);
}

static void an_id_is_put_where_the_author_wants_it(void **state) {
  (void)state;
  chart c;
  assert_string_equal(START(ATOMIC("m", DATA(VAR("v", "{'a': [0]}")),
                                   ENTRY(SEND(.event = "A", .location = "v.a[0]"),
                                         {.kind = FSM_ACTION_CANCEL, .id_expr = EXPR("v.a[0]")}))),
                      "external: -> (root); enter (root); timer+ send.1 A 0ms; timer- send.1; context {v: "
                      "{a: [\"send.1\"]}}\n");
  assert_false(c.last.microsteps[0].effects[0].id_made);
  chart_close(&c);
}

/* ---- places ---------------------------------------------------------------------------------------- */

static void a_place_may_lie_deep(void **state) {
  (void)state;
  chart c;
  assert_string_equal(START(ATOMIC("m", DATA(VAR("v", "{'a': [{'b': 1}, 2]}"), VAR("i", "0")),
                                   ENTRY(SET("v.a[i].b", "5"), SET("v.a[1]", "v.a[0].b + 1"),
                                         SET("v['c']", "[]"), SET("i", "i + 1")))),
                      "external: -> (root); enter (root); context {i: 1, v: {a: [{b: 5}, 6], c: []}}\n");
  chart_close(&c);
}

#define MESSAGES STAY("error.execution", DO(LOG_EXPR("_event.data.message")))

static void what_is_no_place_is_a_fault_of_the_block(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(ATOMIC("m",
                   ENTRY(BLOCK(SET("w", "1"), LOG("never")), BLOCK(SET("_sessionid", "1")),
                         BLOCK(SET("_event", "1")), BLOCK(SET("1", "1")), BLOCK(SET("v[", "1"))),
                   ON(MESSAGES))),
      "external: -> (root); enter (root)\nraised error.execution: (root) -> (root); log \"/set: cannot write "
      "\"w\": it is not declared\"\nraised error.execution: (root) -> (root); log \"/set: cannot write "
      "\"_sessionid\": it is a system variable\"\nraised error.execution: (root) -> (root); log \"/set: "
      "cannot write \"_event\": it is a system variable\"\nraised error.execution: (root) -> (root); log "
      "\"/set: cannot write \"1\": it is no place\"\nraised error.execution: (root) -> (root); log \"/set: "
      "cannot write \"v[\": it is no place\"\n");
  chart_close(&c);
}

static void a_part_of_a_place_must_be_there(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(ATOMIC("m", DATA(VAR("v", "{'a': [1]}")),
                   ENTRY(BLOCK(SET("v.x.y", "1")), BLOCK(SET("v.a[1]", "1")), BLOCK(SET("v.a.b", "1")),
                         BLOCK(SET("v.a[-1]", "1")), BLOCK(SET("v.a[none]", "1"))),
                   ON(MESSAGES))),
      "external: -> (root); enter (root)\nraised error.execution: (root) -> (root); log \"/set: cannot write "
      "\"v.x.y\": a part of it is not there\"\nraised error.execution: (root) -> (root); log \"/set: cannot "
      "write \"v.a[1]\": the index is not in the list\"\nraised error.execution: (root) -> (root); log "
      "\"/set: cannot write \"v.a.b\": the index is not in the list\"\nraised error.execution: (root) -> "
      "(root); log \"/set: cannot write \"v.a[-1]\": the index is not in the list\"\nraised error.execution: "
      "(root) -> (root); log \"/set: no such field none\"\n");
  chart_close(&c);
}

static void a_context_that_grows_in_a_loop_is_bounded(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(ATOMIC("m",
                   DATA(VAR("l", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]"), VAR("s", "'0123456789'")),
                   ENTRY(FOREACH("l", "i", NULL, SET("s", "s + s"))))),
      "too_large\n");
  chart_close(&c);
}

/* ---- if, foreach, blocks --------------------------------------------------------------------------- */

static void the_first_branch_that_holds_is_run(void **state) {
  (void)state;
  chart c;
  assert_string_equal(START(ATOMIC("m", DATA(VAR("n", "2")),
                                   ENTRY(IF(BRANCH("n == 1", LOG("one")), BRANCH("n == 2", LOG("two")),
                                            BRANCH("n == 2", LOG("again")), BRANCH(NULL, LOG("else"))),
                                         IF(BRANCH("n == 1", LOG("one")), BRANCH(NULL, LOG("else"))),
                                         IF(BRANCH("n == 1", LOG("one")))))),
                      "external: -> (root); enter (root); log \"two\"; log \"else\"\n");
  chart_close(&c);
}

static void a_condition_that_cannot_be_evaluated_is_false_and_told(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(ATOMIC("m", ENTRY(IF(BRANCH("none == 1", LOG("one")), BRANCH(NULL, LOG("else"))), LOG("on")),
                   ON(ERRORS))),
      "external: -> (root); enter (root); log \"else\"; log \"on\"\nraised error.execution: (root) -> "
      "(root); log [\"platform\", null, \"/branch: no such field none\"]\n");
  chart_close(&c);
}

static void foreach_goes_over_a_copy_and_declares_its_variables(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(ATOMIC("m", DATA(VAR("l", "[7, 8, 9]"), VAR("sum", "0")),
                   ENTRY(FOREACH("l", "x", "i", SET("sum", "sum + x * i"), SET("l", "l + [x]")),
                         FOREACH("[]", "y", "j", LOG("never"))))),
      "external: -> (root); enter (root); context {i: 2, j: null, l: [7, 8, 9, 7, 8, 9], sum: 26, x: 9, y: "
      "null}\n");
  chart_close(&c);
}

static void a_foreach_over_nothing_that_is_a_list_is_a_fault(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(ATOMIC(
          "m", DATA(VAR("n", "7"), VAR("l", "[1]")),
          ENTRY(BLOCK(FOREACH("n", "x", NULL, LOG("never"))), BLOCK(FOREACH("l", "1", NULL, LOG("never"))),
                BLOCK(FOREACH("l", "_x", NULL, LOG("never"))), BLOCK(FOREACH("l", "x", "a.b", LOG("never")))),
          ON(ERRORS))),
      "external: -> (root); enter (root)\nraised error.execution: (root) -> (root); log [\"platform\", null, "
      "\"/foreach: foreach needs a list, not int\"]\nraised error.execution: (root) -> (root); log "
      "[\"platform\", null, \"/foreach: \"1\" cannot be a variable of foreach\"]\nraised error.execution: "
      "(root) -> (root); log [\"platform\", null, \"/foreach: \"_x\" cannot be a variable of "
      "foreach\"]\nraised error.execution: (root) -> (root); log [\"platform\", null, \"/foreach: \"a.b\" "
      "cannot be a variable of foreach\"]\n");
  chart_close(&c);
}

static void loops_inside_loops_have_an_end(void **state) {
  (void)state;
  chart c;
#define DOUBLED SET("l", "l + l"), SET("l", "l + l"), SET("l", "l + l")
#define NESTED FOREACH("l", "i", NULL, FOREACH("l", "j", NULL, FOREACH("l", "k", NULL)))
#define LOOPS(...)                                                                                           \
  START(ATOMIC("m", DATA(VAR("l", "[1, 2, 3, 4, 5, 6, 7, 8]"), VAR("i", "0"), VAR("j", "0"), VAR("k", "0")), \
               ENTRY(__VA_ARGS__, NESTED)))
  LOOPS(DOUBLED);
  assert_int_equal(c.last.outcome, FSM_OK);
  chart_close(&c);
  LOOPS(DOUBLED, DOUBLED, DOUBLED); /* 4096 items */
  assert_int_equal(c.last.outcome, FSM_ETOOLARGE);
  assert_int_equal(c.last.microstep_count, 0);
  chart_close(&c);
}

static void an_error_inside_ends_the_whole_block_and_no_other(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(
          ATOMIC("m",
                 ENTRY(BLOCK(FOREACH("[1, 2]", "x", NULL, LOG_EXPR("x"), IF(BRANCH(NULL, LOG_EXPR("none")))),
                             LOG("never")),
                       BLOCK(LOG("next"))),
                 ON(ERRORS))),
      "external: -> (root); enter (root); log 1; log \"next\"; context {x: 1}\nraised error.execution: "
      "(root) -> (root); log [\"platform\", null, \"/log: no such field none\"]\n");
  chart_close(&c);
}

static void a_fail_is_an_error_with_its_reason(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(ATOMIC(
          "m",
          ENTRY({.kind = FSM_ACTION_FAIL, .value = STR("no <script> here"), .where = "3:1"}, LOG("never")),
          ON(ERRORS))),
      "external: -> (root); enter (root)\nraised error.execution: (root) -> (root); log [\"platform\", null, "
      "\"3:1: no <script> here\"]\n");
  chart_close(&c);
}

/* ---- variables ------------------------------------------------------------------------------------- */

static void early_binding_sets_all_in_document_order(void **state) {
  (void)state;
  chart c;
  assert_string_equal(START(COMPOUND("m", DATA(VAR("a", "1"), VAR("b", "a + 1"), VAR("c", "z")),
                                     CHILDREN(ATOMIC("s", ENTRY(LOG_EXPR("[a, b, c, z]"))),
                                              ATOMIC("t", DATA(VAR("z", "b + 1")))))),
                      "external: -> s; enter (root) s; log [1, 2, null, 3]\n");
  chart_close(&c);
}

static void a_variable_that_cannot_be_set_is_there_as_null(void **state) {
  (void)state;
  chart c;
  assert_string_equal(START(ATOMIC("m", DATA(VAR("a", "none.x")), ENTRY(LOG_EXPR("a == null")), ON(ERRORS))),
                      "external: -> (root); enter (root); log true\nraised error.execution: (root) -> "
                      "(root); log [\"platform\", null, \"/data/a: no such field none\"]\n");
  chart_close(&c);
}

static void late_binding_sets_on_first_entry_only(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START_LATE(COMPOUND("m", DATA(VAR("a", "1")),
                          CHILDREN(ATOMIC("s", ON(REENTER("E", "t"))),
                                   ATOMIC("t", DATA(VAR("z", "a + 1")), ENTRY(LOG_EXPR("z"), SET("z", "9")),
                                          ON(REENTER("B", "s")))))),
      "external: -> s; enter (root) s; context {a: 1, z: null}; history {#bound: [\"\"]}\n");
  assert_string_equal(
      EVENT(.name = "E"),
      "external E: s -> t; exit s; enter t; log 2; context {a: 1, z: 9}; history {#bound: [\"\", \"t\"]}\n");
  EVENT(.name = "B");
  assert_string_equal(EVENT(.name = "E"), "external E: s -> t; exit s; enter t; log 9\n");
  fsm_snapshot before = c.now;
  const fsm_value none = {.type = FSM_STRING, .len = 4, .s = "none"};
  const fsm_pair pair = {fsm_string("#bound"), fsm_list(&none, 1)};
  before.history = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &pair};
  fsm_error err = {0};
  assert_int_equal(
      fsm_step(c.machine, &before, &(const fsm_event){.name = "B"}, &here, &c.arena, &c.last, &err),
      FSM_EARGUMENT);
  chart_close(&c);
}

static void the_input_of_a_start_goes_before_the_roots_values(void **state) {
  (void)state;
  chart c;
  fsm_pair pairs[] = {{fsm_string("a"), fsm_int(5)}, {fsm_string("other"), fsm_int(6)}};
  const fsm_value input = {.type = FSM_MAP, .len = 2, .pairs = pairs};
  assert_string_equal(run_scxml(&c,
                                &(const fsm_def){.root = ATOMIC("m", DATA(VAR("a", "1"), VAR("b", "a + 1")),
                                                                ENTRY(LOG_EXPR("[a, b]"))),
                                                 .dialect = FSM_SCXML},
                                &input),
                      "external: -> (root); enter (root); log [5, 6]\n");
  chart_close(&c);
}

/* ---- _event and the session ------------------------------------------------------------------------ */

static void an_event_has_always_its_seven_fields(void **state) {
  (void)state;
  chart c;
  START(ATOMIC("m", ENTRY(LOG_EXPR("_event == null")), ON(STAY("*", DO(LOG_EXPR("_event"))))));
  assert_string_equal(chart_text(&c), "external: -> (root); enter (root); log true\n");
  assert_string_equal(EVENT(.name = "E"),
                      "external E: (root) -> (root); log {data: null, invokeid: null, name: \"E\", origin: "
                      "null, origintype: null, sendid: null, type: \"external\"}\n");
  assert_string_equal(EVENT(.name = "E", .sendid = "s", .origin = "#_scxml_x", .origintype = "t",
                            .invokeid = "i", .data = fsm_int(1)),
                      "external E: (root) -> (root); log {data: 1, invokeid: \"i\", name: \"E\", origin: "
                      "\"#_scxml_x\", origintype: \"t\", sendid: \"s\", type: \"external\"}\n");
  assert_string_equal(
      EVENT(.name = "done.invoke.i", .cause = FSM_CAUSE_TASK, .invokeid = "i"),
      "task done.invoke.i: (root) -> (root); log {data: null, invokeid: \"i\", name: \"done.invoke.i\", "
      "origin: null, origintype: null, sendid: null, type: \"platform\"}\n");
  assert_string_equal(
      EVENT(.name = "error.communication", .cause = FSM_CAUSE_TASK, .type = "platform"),
      "task error.communication: (root) -> (root); log {data: null, invokeid: null, name: "
      "\"error.communication\", origin: null, origintype: null, sendid: null, type: \"platform\"}\n");
  chart_close(&c);
}

static void the_system_variables_tell_the_session(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(ATOMIC("m", ENTRY(LOG_EXPR("[_name, _sessionid, _ioprocessors['scxml'].location]"),
                              LOG_EXPR("_ioprocessors")))),
      "external: -> (root); enter (root); log [\"m\", \"s7\", \"#_scxml_s7\"]; log "
      "{http://www.w3.org/TR/scxml/#SCXMLEventProcessor: {location: \"#_scxml_s7\"}, scxml: {location: "
      "\"#_scxml_s7\"}}\n");
  chart_close(&c);
}

static void scxml_loops_on_an_eventless_transition_that_changes_nothing(void **state) {
  (void)state;
  chart c;
  assert_string_equal(START(ATOMIC("m", ON(ALWAYS_STAY(DO(LOG("x")))))), "loop_limit\n");
  chart_close(&c);
}

static void xstate_asks_an_eventless_transition_once_when_it_changes_nothing(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON(ALWAYS_STAY(DO(LOG("x"))), STAY("E", DO(RAISE("F"))))));
  assert_string_equal(chart_start(&c),
                      "external: -> (root); enter (root)\nalways: (root) -> (root); log \"x\"\n");
  assert_string_equal(chart_send(&c, "E"),
                      "external E: (root) -> (root)\nalways: (root) -> (root); log \"x\"\nalways: (root) -> "
                      "(root); log \"x\"\n");
  chart_close(&c);
}

/* ---- invoke ---------------------------------------------------------------------------------------- */

static const fsm_def child = {.root = &(const fsm_def_state){.name = "child", .kind = FSM_ATOMIC},
                              .dialect = FSM_SCXML};

static void invokes_are_made_at_the_end_for_states_still_active(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(COMPOUND(
          "m", DATA(VAR("v", "1")),
          CHILDREN(ATOMIC("a", INVOKES({.id = "gone", .src = "x"}), ON(ALWAYS("b"))),
                   ATOMIC("b", ENTRY(SET("v", "2")),
                          INVOKES({.id = "i", .src = "x", .input = EXPR("v")},
                                  {.id = "j", .src_expr = EXPR("'y' + string(v)"), .type = STR("t")}),
                          ON(ALWAYS_STAY(.guard = "v == 2", DO(SET("v", "3")))))))),
      "external: -> a; enter (root) a\nalways: a -> b; exit a; enter b; context {v: 2}\nalways: b -> b; "
      "task+ i 3; task+ j null; context {v: 3}\n");
  const fsm_microstep *last = &c.last.microsteps[c.last.microstep_count - 1];
  assert_int_equal(last->effect_count, 2);
  assert_string_equal(last->effects[1].src, "y3");
  assert_string_equal(last->effects[1].type, "t");
  chart_close(&c);
}

static void a_made_id_is_kept_until_its_state_is_left(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(COMPOUND("m", DATA(VAR("v", "null")),
                     CHILDREN(ATOMIC("a", INVOKES({.machine = &child, .location = "v"}), ON(GO("E", "b"))),
                              ATOMIC("b", ON(GO("B", "a")))))),
      "external: -> a; enter (root) a; task+ a.1 null; context {v: \"a.1\"}; history {#invoked: {a.1: 0}}\n");
  assert_non_null(fsm_invoke_machine(c.machine, 0));
  assert_null(fsm_invoke_id(c.machine, 0));
  assert_string_equal(EVENT(.name = "E"), "external E: a -> b; exit a; enter b; task- a.1; history null\n");
  assert_string_equal(EVENT(.name = "B"),
                      "external B: b -> a; exit b; enter a; task+ a.2 null; context {v: \"a.2\"}; history "
                      "{#invoked: {a.2: 0}}\n");
  fsm_error err = {0};
  fsm_snapshot before = c.now;
  const fsm_pair entry = {fsm_string("a.9"), fsm_int(1)};
  const fsm_pair pair = {fsm_string("#invoked"), {.type = FSM_MAP, .len = 1, .pairs = &entry}};
  before.history = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &pair};
  assert_int_equal(
      fsm_step(c.machine, &before, &(const fsm_event){.name = "E"}, &here, &c.arena, &c.last, &err),
      FSM_EARGUMENT);
  chart_close(&c);
}

static void an_invoke_whose_arguments_fail_is_not_made(void **state) {
  (void)state;
  chart c;
  assert_string_equal(
      START(
          COMPOUND("m", CHILDREN(ATOMIC("a",
                                        INVOKES({.id = "i", .src_expr = EXPR("none"), .where = "/i"},
                                                {.id = "j", .src = "x", .input = EXPR("1/0"), .where = "/j"},
                                                {.id = "k", .src = "x"}),
                                        ON(GO("error.execution", "b"))),
                                 ATOMIC("b", ON(ERRORS))))),
      "external: -> a; enter (root) a; task+ k null\nraised error.execution: a -> b; exit a; enter b; task- "
      "i; task- j; task- k\nraised error.execution: b -> b; log [\"platform\", null, \"/j: 1/0: division by "
      "zero, got int 1 and int 0\"]\n");
  chart_close(&c);
}

static void a_task_that_has_answered_is_not_cancelled(void **state) {
  (void)state;
  chart c;
  START(COMPOUND("m", CHILDREN(ATOMIC("a", INVOKES({.id = "i", .src = "x"}, {.id = "j", .src = "x"}),
                                      ON(GO("done.invoke.i", "b"))),
                               ATOMIC("b"))));
  assert_string_equal(EVENT(.name = "done.invoke.i", .cause = FSM_CAUSE_TASK, .invokeid = "i"),
                      "task done.invoke.i: a -> b; exit a; enter b; task- j\n");
  chart_close(&c);
}

static void finalize_runs_before_the_event_is_looked_at(void **state) {
  (void)state;
  chart c;
  START(COMPOUND("m", DATA(VAR("v", "0")),
                 CHILDREN(ATOMIC("a",
                                 INVOKES({.id = "i",
                                          .src = "x",
                                          .finalize = (const fsm_def_action[]){SET("v", "_event.data")},
                                          .finalize_count = 1}),
                                 ON(GO("E", "b", .guard = "v == 7"))),
                          ATOMIC("b"))));
  assert_string_equal(EVENT(.name = "E", .data = fsm_int(7)), "guard_false\n");
  assert_string_equal(EVENT(.name = "X", .invokeid = "i", .data = fsm_int(6)),
                      "external X: a -> a; context {v: 6}\n");
  assert_string_equal(EVENT(.name = "E", .invokeid = "i", .data = fsm_int(7)),
                      "external E: a -> a; context {v: 7}\nexternal E: a -> b; exit a; enter b; task- i\n");
  chart_close(&c);
}

static void autoforward_copies_each_external_event(void **state) {
  (void)state;
  chart c;
  START(COMPOUND(
      "m", CHILDREN(ATOMIC("a", INVOKES({.id = "i", .src = "x", .autoforward = true}), ON(GO("E", "b"))),
                    ATOMIC("b"))));
  assert_true(fsm_invoke_autoforward(c.machine, 0));
  assert_string_equal(EVENT(.name = "X"), "external X: a -> a; forward i\n");
  assert_string_equal(EVENT(.name = "E"),
                      "external E: a -> a; forward i\nexternal E: a -> b; exit a; enter b; task- i\n");
  assert_string_equal(EVENT(.name = "X"), "unknown_event\n");
  chart_close(&c);
}

static void what_may_be_sent_is_told_by_the_name_of_the_event(void **state) {
  (void)state;
  chart c;
  START(COMPOUND("m", CHILDREN(ATOMIC("a", ON(STAY("go.*", .guard = "_event.name == 'go'"), STAY("*"),
                                              STAY("done.state.x.*"), STAY("error.*"))))));
  const fsm_enabled_event *events = NULL;
  unsigned count = 0;
  assert_int_equal(fsm_enabled(c.machine, &c.now, &here, &c.arena, &events, &count, NULL), FSM_OK);
  assert_int_equal(count, 2);
  assert_string_equal(events[0].event, "go");
  assert_true(events[0].candidate.enabled);
  assert_string_equal(events[1].event, "*");
  chart_close(&c);
}

static void a_stop_runs_all_exits_and_cancels_all(void **state) {
  (void)state;
  chart c;
  START(COMPOUND("m", EXIT(LOG("-m"), RAISE("E")),
                 CHILDREN(ATOMIC("a", EXIT(LOG("-a")), INVOKES({.id = "i", .src = "x"}), ON(STAY("E"))))));
  fsm_error err = {0};
  assert_int_equal(fsm_stop(c.machine, &c.now, &here, &c.arena, &c.last, &err), FSM_OK);
  assert_string_equal(chart_text(&c), "admin: a -> a; log \"-a\"; task- i; log \"-m\"\ndone null\n");
  c.now = c.last.next;
  assert_int_equal(fsm_stop(c.machine, &c.now, &here, &c.arena, &c.last, &err), FSM_OK);
  assert_int_equal(c.last.outcome, FSM_ECOMPLETED);
  chart_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_send_to_oneself_is_a_timer_with_a_made_id),
      cmocka_unit_test(a_send_to_the_internal_queue_is_processed_now),
      cmocka_unit_test(a_send_to_others_is_an_effect),
      cmocka_unit_test(a_send_that_cannot_be_sent_tells_its_id),
      cmocka_unit_test(an_id_is_put_where_the_author_wants_it),
      cmocka_unit_test(a_place_may_lie_deep),
      cmocka_unit_test(what_is_no_place_is_a_fault_of_the_block),
      cmocka_unit_test(a_part_of_a_place_must_be_there),
      cmocka_unit_test(a_context_that_grows_in_a_loop_is_bounded),
      cmocka_unit_test(the_first_branch_that_holds_is_run),
      cmocka_unit_test(a_condition_that_cannot_be_evaluated_is_false_and_told),
      cmocka_unit_test(foreach_goes_over_a_copy_and_declares_its_variables),
      cmocka_unit_test(a_foreach_over_nothing_that_is_a_list_is_a_fault),
      cmocka_unit_test(loops_inside_loops_have_an_end),
      cmocka_unit_test(an_error_inside_ends_the_whole_block_and_no_other),
      cmocka_unit_test(a_fail_is_an_error_with_its_reason),
      cmocka_unit_test(early_binding_sets_all_in_document_order),
      cmocka_unit_test(a_variable_that_cannot_be_set_is_there_as_null),
      cmocka_unit_test(late_binding_sets_on_first_entry_only),
      cmocka_unit_test(the_input_of_a_start_goes_before_the_roots_values),
      cmocka_unit_test(an_event_has_always_its_seven_fields),
      cmocka_unit_test(the_system_variables_tell_the_session),
      cmocka_unit_test(scxml_loops_on_an_eventless_transition_that_changes_nothing),
      cmocka_unit_test(xstate_asks_an_eventless_transition_once_when_it_changes_nothing),
      cmocka_unit_test(invokes_are_made_at_the_end_for_states_still_active),
      cmocka_unit_test(a_made_id_is_kept_until_its_state_is_left),
      cmocka_unit_test(an_invoke_whose_arguments_fail_is_not_made),
      cmocka_unit_test(a_task_that_has_answered_is_not_cancelled),
      cmocka_unit_test(finalize_runs_before_the_event_is_looked_at),
      cmocka_unit_test(autoforward_copies_each_external_event),
      cmocka_unit_test(what_may_be_sent_is_told_by_the_name_of_the_event),
      cmocka_unit_test(a_stop_runs_all_exits_and_cancels_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
