/* Compiling: numbering, what a machine tells, every refusal with its place, every limit at its edge. */
#include "chart.h"

#include <stdio.h>

static fsm_code compile_with(const fsm_def_state *root, const fsm_def_value *context, fsm_error *err) {
  fsm_def def = {.root = root, .context = context};
  fsm_machine *machine = NULL;
  *err = (fsm_error){0};
  fsm_code code = fsm_machine_compile(&def, &machine, err);
  assert_int_equal(code == FSM_OK, machine != NULL);
  fsm_machine_free(machine);
  return code;
}

static fsm_code compile(const fsm_def_state *root, fsm_error *err) { return compile_with(root, NULL, err); }

static void assert_refused(const fsm_def_state *root, fsm_code code, const char *where, const char *text) {
  fsm_error err;
  assert_int_equal(compile(root, &err), code);
  assert_int_equal(err.code, code);
  assert_string_equal(err.text, text);
  assert_string_equal(err.where, where);
}

/* ---- numbering --------------------------------------------------------------------------------- */

static void states_and_transitions_are_numbered_in_document_order(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", ON(STAY("R")),
                          CHILDREN(COMPOUND("a", ON(STAY("A1"), ALWAYS("b", .guard = "false")),
                                            CHILDREN(ATOMIC("x", ON(STAY("X"))), FINAL("y"))),
                                   ATOMIC("b", ON(STAY("B"))))));
  const fsm_machine *m = c.machine;
  static const char *const paths[] = {"", "a", "a.x", "a.y", "b"};
  static const unsigned parents[] = {0, 0, 1, 1, 0}, sources[] = {0, 1, 1, 2, 4};
  assert_string_equal(fsm_machine_id(m), "m");
  assert_int_equal(fsm_machine_states(m), 5);
  assert_int_equal(fsm_machine_words(m), 1);
  assert_int_equal(fsm_machine_transitions(m), 5);
  for (unsigned i = 0; i < 5; i++) {
    assert_string_equal(fsm_state_path(m, i), paths[i]);
    assert_int_equal(fsm_state_parent(m, i), parents[i]);
    assert_int_equal(fsm_state_find(m, paths[i], strlen(paths[i])), i);
    assert_int_equal(fsm_transition_source(m, i), sources[i]);
    assert_int_equal(fsm_state_is_leaf(m, i), i >= 2);
  }
  assert_int_equal(fsm_state_kind(m, 0), FSM_COMPOUND);
  assert_int_equal(fsm_state_kind(m, 3), FSM_FINAL);
  assert_int_equal(fsm_state_find(m, "a.z", 3), -1);
  assert_int_equal(fsm_state_find(m, "a.xx", 3), 2); /* the length counts, not the NUL */
  assert_int_equal(fsm_state_find(m, "a.", 2), -1);
  chart_close(&c);
}

static void a_machine_keeps_what_the_definition_says_of_it(void **state) {
  (void)state;
  chart c;
  fsm_pair pair = {fsm_string("level"), fsm_int(3)};
  fsm_value meta = {.type = FSM_MAP, .len = 1, .pairs = &pair};
  chart_open(&c, COMPOUND("m", .meta = meta, .description = "all",
                          CHILDREN(ATOMIC("a", .tags = TEXTS("open", "slow"), .tag_count = 2,
                                          INVOKES({.id = "i", .src = "s", .meta = meta}),
                                          ON(STAY("E", .meta = meta))))));
  pair.value = fsm_int(4); /* the tree is gone as far as the machine is concerned */
  const fsm_machine *m = c.machine;
  assert_int_equal(fsm_map_get(fsm_state_meta(m, 0), "level")->i, 3);
  assert_true(fsm_is(fsm_state_meta(m, 1), FSM_NULL));
  assert_string_equal(fsm_state_description(m, 0), "all");
  assert_null(fsm_state_description(m, 1));
  assert_true(fsm_state_has_tag(m, 1, "slow"));
  assert_false(fsm_state_has_tag(m, 1, "slo"));
  assert_false(fsm_state_has_tag(m, 0, "open"));
  assert_int_equal(fsm_map_get(fsm_transition_meta(m, 0), "level")->i, 3);
  assert_int_equal(fsm_machine_invokes(m), 1);
  assert_string_equal(fsm_invoke_id(m, 0), "i");
  assert_string_equal(fsm_invoke_src(m, 0), "s");
  assert_int_equal(fsm_map_get(fsm_invoke_meta(m, 0), "level")->i, 3);
  chart_close(&c);
}

static void freeing_nothing_is_allowed(void **state) {
  (void)state;
  fsm_machine_free(NULL);
}

/* ---- descriptors ------------------------------------------------------------------------------- */

static void assert_knows(const char *descriptor, const char *event, bool expected) {
  chart c;
  const fsm_def_transition t = {.events = &descriptor, .event_count = 1};
  chart_open(&c, ATOMIC("m", .transitions = &t, .transition_count = 1));
  if (fsm_machine_knows_event(c.machine, event) != expected) fail_msg("%s and %s", descriptor, event);
  chart_close(&c);
}

static void a_name_takes_that_event_only(void **state) {
  (void)state;
  assert_knows("a", "a", true);
  assert_knows("a", "a.b", false);
  assert_knows("a", "ab", false);
  assert_knows("a.b", "a", false);
}

static void a_wildcard_takes_whole_tokens(void **state) {
  (void)state;
  assert_knows("a.*", "a", true);
  assert_knows("a.*", "a.b", true);
  assert_knows("a.*", "a.b.c", true);
  assert_knows("a.*", "ab", false);
  assert_knows("a.*", "b", false);
  assert_knows("a.b.*", "a.b", true);
  assert_knows("a.b.*", "a.c", false);
  assert_knows("*", "anything.at.all", true);
}

static void one_transition_may_name_several_events(void **state) {
  (void)state;
  chart c;
  chart_open(&c, ATOMIC("m", ON({.events = TEXTS("A", "B.*"), .event_count = 2})));
  chart_start(&c);
  assert_string_equal(chart_send(&c, "A"), "external A: (root) -> (root)\n");
  assert_string_equal(chart_send(&c, "B.x"), "external B.x: (root) -> (root)\n");
  assert_string_equal(chart_send(&c, "C"), "unknown_event\n");
  chart_close(&c);
}

static void a_misplaced_star_is_refused(void **state) {
  (void)state;
  static const char *const wrong[] = {"a*", "*a", "a.*.b", ".*", "**", "*.*", "a.b*"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const fsm_def_transition t = {.events = &wrong[i], .event_count = 1, .where = "/t"};
    fsm_error err;
    assert_int_equal(compile(ATOMIC("m", .transitions = &t, .transition_count = 1), &err), FSM_EDEFINITION);
    assert_string_equal(err.where, "/t");
  }
  fsm_error err;
  assert_int_equal(compile(ATOMIC("m", ENTRY(RAISE("a.*"))), &err), FSM_EDEFINITION);
  assert_string_equal(err.text, "an event cannot be named \"a.*\"");
}

/* ---- refusals ---------------------------------------------------------------------------------- */

static void a_parallel_or_history_state_has_the_shape_of_its_kind(void **state) {
  (void)state;
  assert_refused(COMPOUND("m", CHILDREN(PARALLEL("p", CHILDREN(HISTORY("h"))))), FSM_EDEFINITION, "/p",
                 "the parallel state \"p\" has only histories");
  assert_refused(COMPOUND("m", CHILDREN(HISTORY("h"))), FSM_EDEFINITION, "/m",
                 "the compound state \"m\" has no children");
  assert_refused(HISTORY("m"), FSM_EDEFINITION, "/m", "the root cannot be a history");
  assert_refused(COMPOUND("m", CHILDREN(ATOMIC("a"), HISTORY("h", ON(STAY("E"))))), FSM_EDEFINITION, "/h",
                 "the history \"h\" has children, transitions, actions or invokes");
  assert_refused(
      COMPOUND("m", CHILDREN(COMPOUND("c", CHILDREN(ATOMIC("a"), HISTORY("h", INITIAL("b")))), ATOMIC("b"))),
      FSM_EDEFINITION, "/h", "the default state \"b\" is not inside \"c\"");
  assert_refused(COMPOUND("m", CHILDREN(ATOMIC("a"), HISTORY("h", INITIAL("g")), HISTORY("g"))),
                 FSM_EDEFINITION, "/h", "the default of the history \"h\" is a history, \"g\"");
  assert_refused(COMPOUND("m", INITIAL("h"), CHILDREN(ATOMIC("a"), HISTORY("h"))), FSM_EDEFINITION, "/h",
                 "the default of the history \"h\" is a history, \"h\"");
}

static void a_state_has_the_shape_of_its_kind(void **state) {
  (void)state;
  assert_refused(COMPOUND("m"), FSM_EDEFINITION, "/m", "the compound state \"m\" has no children");
  assert_refused(ATOMIC("m", CHILDREN(ATOMIC("a"))), FSM_EDEFINITION, "/m",
                 "the atomic state \"m\" has children");
  assert_refused(FINAL("m"), FSM_EDEFINITION, "/m", "the root cannot be a final state");
  assert_refused(COMPOUND("m", CHILDREN(FINAL("f", ON(STAY("E"))))), FSM_EDEFINITION, "/f",
                 "the final state \"f\" has children, transitions or invokes");
  assert_refused(COMPOUND("m", CHILDREN(ATOMIC("a", .output = INT(1)))), FSM_EDEFINITION, "/a",
                 "only a final state or the root has an output, not \"a\"");
  assert_refused(STATE("m", (fsm_kind)9), FSM_EARGUMENT, "/m", "the state \"m\" has an unknown kind");
}

static void names_that_lead_nowhere_are_refused(void **state) {
  (void)state;
  assert_refused(COMPOUND("m", CHILDREN(ATOMIC("a", ON(GO("E", "b"))))), FSM_EDEFINITION, "/on/E",
                 "there is no state \"b\"");
  assert_refused(COMPOUND("m", INITIAL("b"), CHILDREN(ATOMIC("a"))), FSM_EDEFINITION, "/m",
                 "there is no state \"b\"");
  assert_refused(COMPOUND("m", CHILDREN(COMPOUND("a", INITIAL("b"), CHILDREN(ATOMIC("x"))), ATOMIC("b"))),
                 FSM_EDEFINITION, "/a", "the initial state \"b\" is not inside \"a\"");
  assert_refused(COMPOUND("m", CHILDREN(ATOMIC("a", INITIAL("a")))), FSM_EDEFINITION, "/a",
                 "only a compound state has an initial state, not \"a\"");
}

static void what_must_be_unique_is_refused_twice(void **state) {
  (void)state;
  assert_refused(COMPOUND("m", CHILDREN(ATOMIC("a"), ATOMIC("a"))), FSM_EDEFINITION, "/a",
                 "there are two states \"a\"");
  fsm_error err;
  assert_int_equal(
      compile(COMPOUND("m", CHILDREN(COMPOUND("a", CHILDREN(ATOMIC("b"))), ATOMIC("a.b"))), &err),
      FSM_EDEFINITION);
  assert_string_equal(err.text, "there are two states \"a.b\"");
  assert_refused(ATOMIC("m", INVOKES({.id = "i", .src = "s"}, {.id = "i", .src = "t", .where = "/i"})),
                 FSM_EDEFINITION, "/i", "there are two invokes \"i\"");
  const fsm_def_value twice = {
      .form = FSM_DEF_MAP,
      .count = 2,
      .keys = TEXTS("k", "k"),
      .items = (const fsm_def_value[]){{.form = FSM_DEF_LITERAL}, {.form = FSM_DEF_LITERAL}},
      .where = "/v"};
  assert_refused(ATOMIC("m", ENTRY({.kind = FSM_ACTION_LOG, .value = &twice})), FSM_EDEFINITION, "/v",
                 "the key \"k\" is there twice");
}

static void targets_that_cannot_be_active_together_are_refused(void **state) {
  (void)state;
  const fsm_def_transition t = {
      .events = TEXTS("E"), .event_count = 1, .targets = TEXTS("a", "b"), .target_count = 2, .where = "/t"};
  assert_refused(COMPOUND("m", .transitions = &t, .transition_count = 1, CHILDREN(ATOMIC("a"), ATOMIC("b"))),
                 FSM_EDEFINITION, "/t", "the targets \"a\" and \"b\" cannot be active together");
}

static void a_faulty_expression_is_named_with_its_place_and_source(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(compile(ATOMIC("m", ON(STAY("E", .guard = "1 +"))), &err), FSM_EEXPRESSION);
  assert_string_equal(err.where, "/on/E");
  assert_non_null(strstr(err.text, "\"1 +\": 1:"));
  assert_int_equal(compile(ATOMIC("m", ENTRY({.kind = FSM_ACTION_LOG, .value = FIELD("k", ")")})), &err),
                   FSM_EEXPRESSION);
  assert_string_equal(err.where, "/expr");
}

static void an_action_has_the_parts_of_its_kind(void **state) {
  (void)state;
  assert_refused(ATOMIC("m", ENTRY({.kind = FSM_ACTION_ASSIGN, .where = "/x"})), FSM_EDEFINITION, "/x",
                 "assign needs a map of context fields");
  assert_refused(ATOMIC("m", ENTRY({.kind = FSM_ACTION_ASSIGN, .value = INT(1), .where = "/x"})),
                 FSM_EDEFINITION, "/x", "assign needs a map of context fields");
  assert_refused(ATOMIC("m", ENTRY({.kind = FSM_ACTION_RAISE, .where = "/x"})), FSM_EDEFINITION, "/x",
                 "an event name is empty");
  assert_refused(ATOMIC("m", EXIT({.kind = FSM_ACTION_EMIT, .event = "", .where = "/x"})), FSM_EDEFINITION,
                 "/x", "an event name is empty");
  assert_refused(ATOMIC("m", ENTRY({.kind = FSM_ACTION_CANCEL, .where = "/x"})), FSM_EDEFINITION, "/x",
                 "cancel needs the id of a timer");
  assert_refused(ATOMIC("m", ENTRY({.kind = FSM_ACTION_CANCEL, .id = "", .where = "/x"})), FSM_EDEFINITION,
                 "/x", "the timer id is empty");
  assert_refused(ATOMIC("m", ENTRY({.kind = (fsm_action_kind)99, .where = "/x"})), FSM_EARGUMENT, "/x",
                 "the action has an unknown kind");
  assert_refused(ATOMIC("m", ENTRY(RAISE("E", .delay = INT(-1)))), FSM_EDEFINITION, "/raise",
                 "a delay is 0 to 3155760000000 milliseconds");
  assert_refused(ATOMIC("m", AFTERS({.event = "xstate.after.1.m", .where = "/x"})), FSM_EDEFINITION, "/x",
                 "a delayed transition needs a delay");
  assert_refused(ATOMIC("m", INVOKES({.id = "i", .where = "/x"})), FSM_EDEFINITION, "/x",
                 "an invoke needs one src, content or machine");
}

static void the_context_is_a_map(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(compile_with(ATOMIC("m"), INT(1), &err), FSM_EDEFINITION);
  assert_string_equal(err.text, "the context is not a map");
  assert_int_equal(compile_with(ATOMIC("m"), EXPR("{'a': 1}"), &err), FSM_OK);
}

/* ---- limits at their edge ---------------------------------------------------------------------- */

/* `size` bytes of x. */
static const char *name_of(size_t size) {
  static char text[1024];
  assert_true(size < sizeof text);
  memset(text, 'x', size);
  text[size] = '\0';
  return text;
}

static fsm_code with_states(unsigned total, fsm_error *err) {
  unsigned count = total - 1;
  fsm_def_state *children = calloc(count, sizeof *children);
  const fsm_def_state **list = calloc(count, sizeof(fsm_def_state *));
  char(*names)[8] = calloc(count, sizeof *names);
  for (unsigned i = 0; i < count; i++) {
    snprintf(names[i], sizeof names[i], "s%u", i % 100000);
    children[i] = (fsm_def_state){.name = names[i], .where = names[i]};
    list[i] = &children[i];
  }
  fsm_def_state root = {.name = "m", .kind = FSM_COMPOUND, .children = list, .child_count = count};
  fsm_code code = compile(&root, err);
  free(children);
  free(list);
  free(names);
  return code;
}

static void ten_thousand_states_and_no_more(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_states(FSM_STATES_MAX, &err), FSM_OK);
  assert_int_equal(with_states(FSM_STATES_MAX + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "the machine has more than 10000 states");
  assert_string_equal(err.where, "s9999");
}

static fsm_code with_transitions(size_t count, fsm_error *err) {
  fsm_def_transition *list = calloc(count, sizeof *list);
  static const char *const event[] = {"E"};
  for (size_t i = 0; i < count; i++) list[i] = (fsm_def_transition){.events = event, .event_count = 1};
  fsm_code code = compile(ATOMIC("m", .transitions = list, .transition_count = count), err);
  free(list);
  return code;
}

static void sixty_five_thousand_transitions_and_no_more(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_transitions(FSM_TRANSITIONS_MAX, &err), FSM_OK);
  assert_int_equal(with_transitions(FSM_TRANSITIONS_MAX + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "the machine has more than 65535 transitions");
  assert_string_equal(err.where, "/m");
}

static fsm_code with_actions(size_t count, fsm_error *err) {
  fsm_def_action *list = calloc(count, sizeof *list);
  for (size_t i = 0; i < count; i++) list[i] = (fsm_def_action){.kind = FSM_ACTION_LOG};
  /* Over two blocks: the bound is the machine's. */
  fsm_code code =
      compile(ATOMIC("m", .entry = list, .entry_count = count - 1, .exit = list, .exit_count = 1), err);
  free(list);
  return code;
}

static void sixty_five_thousand_actions_and_no_more(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_actions(FSM_ACTIONS_MAX, &err), FSM_OK);
  assert_int_equal(with_actions(FSM_ACTIONS_MAX + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "the machine has more than 65535 actions");
}

static fsm_code with_invokes(size_t count, fsm_error *err) {
  fsm_def_invoke *list = calloc(count, sizeof *list);
  char(*ids)[8] = calloc(count, sizeof *ids);
  for (size_t i = 0; i < count; i++) {
    snprintf(ids[i], sizeof ids[i], "i%u", (unsigned)i % 100000);
    list[i] = (fsm_def_invoke){.id = ids[i], .src = "s"};
  }
  fsm_code code = compile(ATOMIC("m", .invokes = list, .invoke_count = count), err);
  free(list);
  free(ids);
  return code;
}

static void ten_thousand_invokes_and_no_more(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_invokes(FSM_INVOKES_MAX, &err), FSM_OK);
  assert_int_equal(with_invokes(FSM_INVOKES_MAX + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "the machine has more than 10000 invokes");
}

/* A root with `depth` generations below it. */
static fsm_code with_depth(unsigned depth, fsm_error *err) {
  fsm_def_state chain[FSM_DEPTH_MAX + 3];
  const fsm_def_state *only[FSM_DEPTH_MAX + 3];
  for (unsigned i = 0; i <= depth; i++) {
    only[i] = &chain[i + 1];
    chain[i] = (fsm_def_state){.name = "s",
                               .where = "/deep",
                               .kind = i < depth ? FSM_COMPOUND : FSM_ATOMIC,
                               .children = &only[i],
                               .child_count = i < depth};
  }
  return compile(chain, err);
}

static void sixty_four_levels_and_no_more(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_depth(FSM_DEPTH_MAX, &err), FSM_OK);
  assert_int_equal(with_depth(FSM_DEPTH_MAX + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "states are nested deeper than 64");
  assert_string_equal(err.where, "/deep");
}

static void a_path_has_its_bound(void **state) {
  (void)state;
  fsm_error err;
  for (unsigned extra = 0; extra < 2; extra++) {
    const fsm_def_state child = {.name = name_of(FSM_STATE_PATH_MAX - 2 + extra), .where = "/long"};
    fsm_code code = compile(COMPOUND("m", CHILDREN(COMPOUND("a", CHILDREN(&child)))), &err);
    assert_int_equal(code, extra ? FSM_ETOOLARGE : FSM_OK);
  }
  assert_string_equal(err.where, "/long");
  assert_string_equal(err.text, "a state's path is longer than 400 bytes");
}

static void a_machines_id_has_its_bound_and_its_letters(void **state) {
  (void)state;
  fsm_error err;
  fsm_def_state root = {.name = name_of(FSM_MACHINE_ID_MAX), .where = "/id"};
  assert_int_equal(compile(&root, &err), FSM_OK);
  root.name = name_of(FSM_MACHINE_ID_MAX + 1);
  assert_int_equal(compile(&root, &err), FSM_ETOOLARGE);
  root.name = "Az09_-";
  assert_int_equal(compile(&root, &err), FSM_OK);
  static const char *const wrong[] = {"", "a b", "a.b", "\xc3\xa9"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    root.name = wrong[i];
    assert_int_equal(compile(&root, &err), FSM_EDEFINITION);
    assert_string_equal(err.where, "/id");
  }
}

static fsm_code with_event(const char *name, fsm_error *err) {
  const fsm_def_transition t = {.events = &name, .event_count = 1, .where = "/t"};
  return compile(ATOMIC("m", .transitions = &t, .transition_count = 1), err);
}

static void an_event_name_has_its_bound(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_event(name_of(FSM_EVENT_NAME_MAX), &err), FSM_OK);
  assert_int_equal(with_event(name_of(FSM_EVENT_NAME_MAX + 1), &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "an event name is longer than 128 bytes");
  assert_int_equal(with_event("", &err), FSM_EDEFINITION);

  char made[FSM_EVENT_NAME_MAX + FSM_STATE_PATH_MAX + 2] = "xstate.done.state.";
  memset(made + strlen(made), 'x', sizeof made - 1 - strlen(made));
  made[sizeof made - 1] = '\0';
  assert_int_equal(with_event(made, &err), FSM_ETOOLARGE);
  made[sizeof made - 2] = '\0';
  assert_int_equal(with_event(made, &err), FSM_OK);
}

static void a_timers_id_has_its_bound(void **state) {
  (void)state;
  fsm_error err;
  for (unsigned extra = 0; extra < 2; extra++) {
    const char *id = name_of(FSM_TIMER_ID_MAX + extra);
    fsm_code expected = extra ? FSM_ETOOLARGE : FSM_OK;
    assert_int_equal(compile(ATOMIC("m", ENTRY(CANCEL(id))), &err), expected);
    assert_int_equal(compile(ATOMIC("m", ENTRY(RAISE("E", .id = id, .delay = INT(1)))), &err), expected);
    assert_int_equal(compile(ATOMIC("m", INVOKES({.id = id, .src = "s"})), &err), expected);
    char after[FSM_TIMER_ID_MAX + 2];
    memset(after, 'x', sizeof after);
    memcpy(after, "xstate.", 7);
    after[FSM_TIMER_ID_MAX + extra] = '\0';
    assert_int_equal(compile(ATOMIC("m", AFTERS({.event = after, .delay = INT(1)})), &err), expected);
  }
}

static void a_value_has_its_depth(void **state) {
  (void)state;
  fsm_error err;
  fsm_def_value chain[FSM_VALUE_DEPTH_MAX + 2];
  for (unsigned depth = FSM_VALUE_DEPTH_MAX; depth <= FSM_VALUE_DEPTH_MAX + 1; depth++) {
    for (unsigned i = 0; i <= depth; i++)
      chain[i] = (fsm_def_value){.form = i < depth ? FSM_DEF_LIST : FSM_DEF_LITERAL,
                                 .count = i < depth,
                                 .items = &chain[i + 1],
                                 .where = "/v"};
    fsm_code code = compile(ATOMIC("m", ENTRY({.kind = FSM_ACTION_LOG, .value = chain})), &err);
    assert_int_equal(code, depth > FSM_VALUE_DEPTH_MAX ? FSM_ETOOLARGE : FSM_OK);
  }
  assert_string_equal(err.where, "/v");
}

/* ---- configurations ---------------------------------------------------------------------------- */

static void a_legal_configuration_is_one_path_from_the_root(void **state) {
  (void)state;
  chart c;
  chart_open(&c, COMPOUND("m", CHILDREN(COMPOUND("a", CHILDREN(ATOMIC("x"), ATOMIC("y"))), ATOMIC("b"))));
  static const struct {
    uint64_t config;
    bool legal;
  } cases[] = {
      {0x07, true} /* root a x */,
      {0x0b, true} /* root a y */,
      {0x11, true} /* root b */,
      {0x00, false},
      {0x01, false} /* no leaf */,
      {0x03, false} /* a without a child */,
      {0x0f, false} /* x and y */,
      {0x17, false} /* x and b */,
      {0x05, false} /* x without a */,
      {0x06, false} /* no root */,
      {0x27, false} /* a bit past the states */,
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(fsm_config_legal(c.machine, &cases[i].config), cases[i].legal);
  chart_close(&c);
}

static void leaves_make_a_configuration_when_it_is_legal(void **state) {
  (void)state;
  chart c;
  uint64_t config = 0;
  chart_open(&c, COMPOUND("m", CHILDREN(COMPOUND("a", CHILDREN(ATOMIC("x"), ATOMIC("y"))), ATOMIC("b"))));
  assert_true(fsm_config_from_leaves(c.machine, (const uint16_t[]){3}, 1, &config));
  assert_int_equal(config, 0x0b);
  assert_false(fsm_config_from_leaves(c.machine, (const uint16_t[]){3, 4}, 2, &config));
  assert_false(fsm_config_from_leaves(c.machine, (const uint16_t[]){1}, 1, &config)); /* no leaf */
  assert_false(fsm_config_from_leaves(c.machine, (const uint16_t[]){5}, 1, &config)); /* no state */
  assert_false(fsm_config_from_leaves(c.machine, NULL, 0, &config));
  chart_close(&c);
}

static void a_configuration_of_many_words_works_at_word_edges(void **state) {
  (void)state;
  enum { WIDE = 130 };
  static fsm_def_state children[WIDE];
  static const fsm_def_state *list[WIDE];
  static char names[WIDE][8];
  const fsm_def_transition jump[] = {GO("LAST", "s129"), GO("EDGE", "s62"), GO("NEXT", "s63")};
  for (unsigned i = 0; i < WIDE; i++) {
    snprintf(names[i], sizeof names[i], "s%u", i);
    children[i] = (fsm_def_state){.name = names[i]};
    list[i] = &children[i];
  }
  chart c;
  chart_open(
      &c, COMPOUND("m", .children = list, .child_count = WIDE, .transitions = jump, .transition_count = 3));
  assert_int_equal(fsm_machine_words(c.machine), 3);
  chart_start(&c);
  assert_string_equal(chart_send(&c, "LAST"), "external LAST: s0 -> s129; exit s0; enter s129\n");
  assert_string_equal(chart_send(&c, "EDGE"), "external EDGE: s129 -> s62; exit s129; enter s62\n");
  assert_string_equal(chart_send(&c, "NEXT"), "external NEXT: s62 -> s63; exit s62; enter s63\n");
  assert_true(fsm_config_has(c.now.config, 64));
  chart_close(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(states_and_transitions_are_numbered_in_document_order),
      cmocka_unit_test(a_machine_keeps_what_the_definition_says_of_it),
      cmocka_unit_test(freeing_nothing_is_allowed),
      cmocka_unit_test(a_name_takes_that_event_only),
      cmocka_unit_test(a_wildcard_takes_whole_tokens),
      cmocka_unit_test(one_transition_may_name_several_events),
      cmocka_unit_test(a_misplaced_star_is_refused),
      cmocka_unit_test(a_parallel_or_history_state_has_the_shape_of_its_kind),
      cmocka_unit_test(a_state_has_the_shape_of_its_kind),
      cmocka_unit_test(names_that_lead_nowhere_are_refused),
      cmocka_unit_test(what_must_be_unique_is_refused_twice),
      cmocka_unit_test(targets_that_cannot_be_active_together_are_refused),
      cmocka_unit_test(a_faulty_expression_is_named_with_its_place_and_source),
      cmocka_unit_test(an_action_has_the_parts_of_its_kind),
      cmocka_unit_test(the_context_is_a_map),
      cmocka_unit_test(ten_thousand_states_and_no_more),
      cmocka_unit_test(sixty_five_thousand_transitions_and_no_more),
      cmocka_unit_test(sixty_five_thousand_actions_and_no_more),
      cmocka_unit_test(ten_thousand_invokes_and_no_more),
      cmocka_unit_test(sixty_four_levels_and_no_more),
      cmocka_unit_test(a_path_has_its_bound),
      cmocka_unit_test(a_machines_id_has_its_bound_and_its_letters),
      cmocka_unit_test(an_event_name_has_its_bound),
      cmocka_unit_test(a_timers_id_has_its_bound),
      cmocka_unit_test(a_value_has_its_depth),
      cmocka_unit_test(a_legal_configuration_is_one_path_from_the_root),
      cmocka_unit_test(leaves_make_a_configuration_when_it_is_legal),
      cmocka_unit_test(a_configuration_of_many_words_works_at_word_edges),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
