/* test_deployable.c: what a durable instance cannot carry out is refused with its place, wherever it stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/deployable.h"

#define TEXT(t)                                    \
  (&(const fsm_def_value){.form = FSM_DEF_LITERAL, \
                          .literal = {.type = FSM_STRING, .len = sizeof(t) - 1, .s = (t)}})
#define COMPUTED (&(const fsm_def_value){.form = FSM_DEF_EXPR, .expr = "context.who"})

static fsm_code check(const fsm_def_state *root, fsm_error *err) {
  const fsm_def def = {.root = root};
  *err = (fsm_error){.text = "untouched"};
  return fsm__deployable(&def, err);
}

static void refused(const fsm_def_state *root, const char *where, const char *text) {
  fsm_error err;
  assert_int_equal(check(root, &err), FSM_EUNSUPPORTED);
  assert_string_equal(err.where, where);
  if (strstr(err.text, text) == NULL) fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static void taken(const fsm_def_state *root) {
  fsm_error err;
  assert_int_equal(check(root, &err), FSM_OK);
  assert_string_equal(err.text, "untouched");
}

static void events_go_to_any_address_but_through_no_other_processor(void **state) {
  (void)state;
  fsm_def_action send = {.kind = FSM_ACTION_SEND, .event = "E", .where = "/entry/0"};
  const fsm_def_state root = {.name = "m", .entry = &send, .entry_count = 1};
  const fsm_def_value *const targets[] = {NULL, TEXT("#_internal"), TEXT("#_parent"), TEXT("#_kid"),
                                          COMPUTED};
  for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
    send.target = targets[i];
    taken(&root);
  }
  send.type = TEXT("http://www.w3.org/TR/scxml/#SCXMLEventProcessor");
  taken(&root);
  send.type = TEXT("http");
  refused(&root, "/entry/0", "another processor");
  send.type = COMPUTED;
  refused(&root, "/entry/0", "another processor");
}

static void every_place_of_an_action_is_looked_at(void **state) {
  (void)state;
  const fsm_def_action send = {.kind = FSM_ACTION_SEND, .type = TEXT("http"), .where = "here"};
  const fsm_def_action branch = {.kind = FSM_ACTION_BRANCH, .actions = &send, .action_count = 1};
  const fsm_def_action choice = {.kind = FSM_ACTION_IF, .actions = &branch, .action_count = 1};
  const fsm_def_transition transition = {.actions = &choice, .action_count = 1};
  const fsm_def_invoke invoke = {.src = "svc", .finalize = &send, .finalize_count = 1};
  const fsm_def_state places[] = {{.entry = &send, .entry_count = 1},
                                  {.exit = &choice, .exit_count = 1},
                                  {.initial_actions = &send, .initial_action_count = 1},
                                  {.transitions = &transition, .transition_count = 1},
                                  {.invokes = &invoke, .invoke_count = 1}};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    const fsm_def_state *const inside[] = {&places[i]};
    const fsm_def_state compound = {.name = "c", .children = inside, .child_count = 1};
    const fsm_def_state *const below[] = {&compound};
    const fsm_def_state root = {.name = "m", .children = below, .child_count = 1};
    refused(&root, "here", "another processor");
  }
}

static void services_and_deployed_machines_are_invoked_by_name(void **state) {
  (void)state;
  const fsm_def_state child_root = {.name = "child"};
  const fsm_def child = {.root = &child_root};
  const struct {
    fsm_def_invoke invoke;
    const char *text;
  } cases[] = {{{.machine = &child}, "deploy it and name it"},
               {{.machine = &child, .type = TEXT("scxml")}, "deploy it and name it"},
               {{.content = COMPUTED}, "deploy it and name it"},
               {{.src_expr = COMPUTED}, "plain name"},
               {{.src = "svc", .type = TEXT("basichttp")}, "that of SCXML"},
               {{.src = "svc", .type = COMPUTED}, "that of SCXML"},
               {{.src = "svc", .autoforward = true}, NULL},
               {{.src = "child.scxml", .type = TEXT("scxml")}, NULL},
               {{.src = "child.scxml", .machine = &child, .type = TEXT("scxml")}, NULL},
               {{.src_expr = COMPUTED, .type = TEXT("http://www.w3.org/TR/scxml/")}, NULL},
               {{.src = "svc"}, NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_def_invoke invoke = cases[i].invoke;
    invoke.where = "/states/a/invoke";
    const fsm_def_state root = {.name = "m", .invokes = &invoke, .invoke_count = 1};
    if (cases[i].text == NULL)
      taken(&root);
    else
      refused(&root, "/states/a/invoke", cases[i].text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(events_go_to_any_address_but_through_no_other_processor),
      cmocka_unit_test(every_place_of_an_action_is_looked_at),
      cmocka_unit_test(services_and_deployed_machines_are_invoked_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
