/* Limits of a machine and of a step that no one construct has for itself, each at its edge and one past it.
 * fsm/README.md lists all limits; those of one construct are tested beside it. */
#include <stdio.h>

#include "chart.h"

static fsm_code compile_def(const fsm_def *def, fsm_error *err) {
  fsm_machine *machine = NULL;
  *err = (fsm_error){0};
  fsm_code code = fsm_machine_compile(def, &machine, err);
  assert_int_equal(code == FSM_OK, machine != NULL);
  fsm_machine_free(machine);
  return code;
}

static fsm_code compile(const fsm_def_state *root, fsm_error *err) {
  return compile_def(&(const fsm_def){.root = root}, err);
}

/* ---- counts -------------------------------------------------------------------------------------- */

/* Parallel regions, all of which are named by each of so many transitions; one names `last` of them. */
static fsm_code with_targets(size_t transitions, size_t last, fsm_error *err) {
  enum { REGIONS = 4 };
  static const char *const paths[REGIONS] = {"a", "b", "c", "d"}, *const event[] = {"E"};
  fsm_def_transition *list = calloc(transitions, sizeof *list);
  for (size_t i = 0; i < transitions; i++)
    list[i] = (fsm_def_transition){.events = event,
                                   .event_count = 1,
                                   .targets = paths,
                                   .target_count = i == 0 ? last : REGIONS,
                                   .where = i + 1 == transitions ? "/last" : "/t"};
  fsm_code code = compile(PARALLEL("m", .transitions = list, .transition_count = transitions,
                                   CHILDREN(ATOMIC("a"), ATOMIC("b"), ATOMIC("c"),
                                            COMPOUND("d", INITIAL("d.x"), CHILDREN(ATOMIC("x"))))),
                          err);
  free(list);
  return code;
}

static void targets_of_transitions_and_initial_states_are_counted_together(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(FSM_TRANSITIONS_MAX * 4, FSM_TARGETS_MAX);
  assert_int_equal(with_targets(FSM_TRANSITIONS_MAX, 3, &err), FSM_OK); /* and the initial state of d */
  assert_int_equal(with_targets(FSM_TRANSITIONS_MAX, 4, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "the machine has more than 262140 targets");
  assert_string_equal(err.where, "/d");
}

static fsm_code with_events(size_t count, fsm_error *err) {
  const char **events = calloc(count, sizeof *events);
  for (size_t i = 0; i < count; i++) events[i] = "E";
  const fsm_def_transition t = {.events = events, .event_count = count, .where = "/t"};
  fsm_code code = compile(ATOMIC("m", .transitions = &t, .transition_count = 1), err);
  free(events);
  return code;
}

static void a_transition_names_as_many_events_as_there_may_be_transitions(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_events(FSM_TRANSITIONS_MAX, &err), FSM_OK);
  assert_int_equal(with_events(FSM_TRANSITIONS_MAX + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "the transition names more than 65535 events");
}

static fsm_code with_data(size_t count, fsm_error *err) {
  fsm_def_data *data = calloc(count, sizeof *data);
  char(*ids)[8] = calloc(count, sizeof *ids);
  for (size_t i = 0; i < count; i++) {
    snprintf(ids[i], sizeof ids[i], "v%u", (unsigned)i % 100000);
    data[i].id = ids[i];
  }
  fsm_code code = compile_def(
      &(const fsm_def){.root = ATOMIC("m", .data = data, .data_count = count), .dialect = FSM_SCXML}, err);
  free(data);
  free(ids);
  return code;
}

static void ten_thousand_variables_and_no_more(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_data(FSM_DATA_MAX, &err), FSM_OK);
  assert_int_equal(with_data(FSM_DATA_MAX + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "the machine has more than 10000 variables");
}

/* ---- nesting ------------------------------------------------------------------------------------- */

/* An action with so many others around it. */
static fsm_code with_content(unsigned depth, fsm_error *err) {
  fsm_def_action chain[FSM_CONTENT_DEPTH_MAX + 3] = {{0}};
  static const fsm_def_value list = {.form = FSM_DEF_LITERAL, .literal = {.type = FSM_LIST}};
  for (unsigned i = 0; i < depth; i++)
    chain[i] = (fsm_def_action){.kind = FSM_ACTION_FOREACH,
                                .value = &list,
                                .location = "x",
                                .actions = &chain[i + 1],
                                .action_count = 1,
                                .where = "/each"};
  chain[depth] = (fsm_def_action){.kind = FSM_ACTION_LOG, .where = "/log"};
  static const fsm_def_data x = {.id = "x"};
  return compile_def(
      &(const fsm_def){.root = ATOMIC("m", .entry = chain, .entry_count = 1, .data = &x, .data_count = 1),
                       .dialect = FSM_SCXML},
      err);
}

static void actions_nest_sixty_four_deep_and_no_more(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_content(FSM_CONTENT_DEPTH_MAX, &err), FSM_OK);
  assert_int_equal(with_content(FSM_CONTENT_DEPTH_MAX + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "actions are nested deeper than 64");
  assert_string_equal(err.where, "/each");
}

/* A machine with so many in one another below it. */
static fsm_code with_machines(unsigned depth, fsm_error *err) {
  fsm_def defs[FSM_MACHINES_NESTED_MAX + 2] = {{0}};
  fsm_def_state roots[FSM_MACHINES_NESTED_MAX + 2];
  fsm_def_invoke invokes[FSM_MACHINES_NESTED_MAX + 2];
  for (unsigned i = 0; i <= depth; i++) {
    invokes[i] = (fsm_def_invoke){.id = "i", .machine = &defs[i + 1], .where = "/invoke"};
    roots[i] = (fsm_def_state){.name = "m", .invokes = &invokes[i], .invoke_count = i < depth};
    defs[i].root = &roots[i];
  }
  return compile_def(defs, err);
}

static void machines_nest_eight_deep_and_no_more(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_machines(FSM_MACHINES_NESTED_MAX, &err), FSM_OK);
  assert_int_equal(with_machines(FSM_MACHINES_NESTED_MAX + 1, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "machines are nested deeper than 8");
  assert_string_equal(err.where, "/invoke");
}

/* ---- memory -------------------------------------------------------------------------------------- */

enum { MEGABYTE = 1024 * 1024 };

/* A machine that keeps a text of so many bytes, and one inside of it that keeps another. */
static fsm_code with_bytes(size_t outer, size_t inner, fsm_error *err) {
  static char text[FSM_MACHINE_BYTES_MAX + 1];
  memset(text, 'x', FSM_MACHINE_BYTES_MAX);
  const fsm_def child = {.root = ATOMIC("m", .description = text + FSM_MACHINE_BYTES_MAX - inner)};
  fsm_def_invoke invoke = {.id = "i", .machine = &child, .where = "/invoke"};
  fsm_code code = compile(ATOMIC("m", .description = text + FSM_MACHINE_BYTES_MAX - outer, .invokes = &invoke,
                                 .invoke_count = inner > 0),
                          err);
  return code;
}

/* The most that is accepted: an empty machine has about 2 KB, and takes the rest for the text. */
static void a_machine_takes_so_much_memory_and_no_more(void **state) {
  (void)state;
  fsm_error err;
  size_t good = FSM_MACHINE_BYTES_MAX - 8 * 1024, bad = FSM_MACHINE_BYTES_MAX;
  while (bad - good > 1) {
    size_t middle = good + (bad - good) / 2;
    if (with_bytes(middle, 0, &err) == FSM_OK)
      good = middle;
    else
      bad = middle;
  }
  assert_int_equal(with_bytes(good, 0, &err), FSM_OK);
  assert_int_equal(with_bytes(good + 1, 0, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "the machine takes more than 41943040 bytes");
}

static void a_machine_and_those_inside_of_it_are_measured_together(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(with_bytes(20 * MEGABYTE, 19 * MEGABYTE, &err), FSM_OK);
  assert_int_equal(with_bytes(20 * MEGABYTE, 20 * MEGABYTE, &err), FSM_ETOOLARGE);
  assert_string_equal(err.text, "the machine takes more than 41943040 bytes");
}

/* What 65,535 transitions read is compiled once where it is the same. */
static void equal_expressions_are_one(void **state) {
  (void)state;
  enum { COUNT = 20000, LONG = 3000 };
  static char text[LONG + 1];
  memset(text, ' ', LONG);
  memcpy(text, "context.n == 1", 14);
  static const char *const event[] = {"E"};
  fsm_def_transition *list = calloc(COUNT, sizeof *list);
  for (size_t i = 0; i < COUNT; i++)
    list[i] = (fsm_def_transition){.events = event, .event_count = 1, .guard = text};
  fsm_error err;
  assert_int_equal(compile(ATOMIC("m", .transitions = list, .transition_count = COUNT), &err), FSM_OK);
  free(list);
}

/* A guard has to be a bool, and an event's shape is part of what is checked: neither is taken over. */
static void equal_texts_are_checked_for_each_use(void **state) {
  (void)state;
  fsm_error err;
  assert_int_equal(compile(ATOMIC("m", ENTRY(LOG_EXPR("1 + 1")), ON(STAY("E", .guard = "1 + 1"))), &err),
                   FSM_EEXPRESSION);
  assert_string_equal(err.where, "/on/E");
  assert_int_equal(compile(ATOMIC("m", ENTRY(LOG_EXPR("1 + 1"), LOG_EXPR("1 + 1"))), &err), FSM_OK);
}

/* A loop of SCXML that makes so many texts of 64 KB. */
static fsm_code texts_made(unsigned rounds) {
  enum { KB64 = 64 * 1024 };
  static char big[KB64];
  memset(big, 'x', KB64 - 2);
  fsm_value *rows = calloc(rounds, sizeof *rows);
  const fsm_def_value list = {.form = FSM_DEF_LITERAL, .literal = fsm_list(rows, rounds)},
                      text = {.form = FSM_DEF_LITERAL, .literal = fsm_stringn(big, KB64 - 2)};
  const fsm_def_action make = {.kind = FSM_ACTION_SET, .location = "made", .value = EXPR("big + 'y'")};
  const fsm_def_action each = {
      .kind = FSM_ACTION_FOREACH, .value = &list, .location = "x", .actions = &make, .action_count = 1};
  const fsm_def_data data[] = {{.id = "x"}, {.id = "made"}, {.id = "big", .value = &text}};
  const fsm_def_transition go = STAY("GO", .actions = &each, .action_count = 1);
  chart c;
  chart_open_scxml(&c, ATOMIC("m", .data = data, .data_count = 3, .transitions = &go, .transition_count = 1));
  chart_start(&c);
  chart_send(&c, "GO");
  fsm_code code = c.last.outcome;
  chart_close(&c);
  free(rows);
  return code;
}

/* A text counts for the memory it takes and for the work of making it; each turn for less than 256 bytes
 * more, which are the 8 texts between the two. */
static void a_step_takes_so_much_and_no_more(void **state) {
  (void)state;
  const unsigned most = FSM_STEP_BYTES_MAX / (2 * 64 * 1024);
  assert_int_equal(texts_made(most - 8), FSM_OK);
  assert_int_equal(texts_made(most), FSM_ETOOLARGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(targets_of_transitions_and_initial_states_are_counted_together),
      cmocka_unit_test(a_transition_names_as_many_events_as_there_may_be_transitions),
      cmocka_unit_test(ten_thousand_variables_and_no_more),
      cmocka_unit_test(actions_nest_sixty_four_deep_and_no_more),
      cmocka_unit_test(machines_nest_eight_deep_and_no_more),
      cmocka_unit_test(a_machine_takes_so_much_memory_and_no_more),
      cmocka_unit_test(a_machine_and_those_inside_of_it_are_measured_together),
      cmocka_unit_test(equal_expressions_are_one),
      cmocka_unit_test(equal_texts_are_checked_for_each_use),
      cmocka_unit_test(a_step_takes_so_much_and_no_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
