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

static void events_to_others_are_refused_and_to_itself_are_not(void **state) {
  (void)state;
  fsm_def_action send = {.kind = FSM_ACTION_SEND, .event = "E", .where = "/entry/0"};
  const fsm_def_state root = {.name = "m", .entry = &send, .entry_count = 1};
  taken(&root);
  send.target = TEXT("#_internal");
  taken(&root);
  send.target = TEXT("#_parent");
  refused(&root, "/entry/0", "events to other instances");
  send.target = TEXT("#_internally");
  refused(&root, "/entry/0", "events to other instances");
  send.target = COMPUTED;
  refused(&root, "/entry/0", "events to other instances");
  send.target = NULL;
  send.type = TEXT("http");
  refused(&root, "/entry/0", "events to other instances");
}

static void every_place_of_an_action_is_looked_at(void **state) {
  (void)state;
  const fsm_def_action send = {.kind = FSM_ACTION_SEND, .target = TEXT("#_parent"), .where = "here"};
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
    refused(&root, "here", "events to other instances");
  }
}

static void only_services_by_name_are_invoked(void **state) {
  (void)state;
  const fsm_def_state child_root = {.name = "child"};
  const fsm_def child = {.root = &child_root};
  const struct {
    fsm_def_invoke invoke;
    const char *text;
  } cases[] = {{{.machine = &child}, "machines inside"},
               {{.content = COMPUTED}, "machines inside"},
               {{.src_expr = COMPUTED}, "plain name"},
               {{.src = "svc", .type = TEXT("scxml")}, "plain name"},
               {{.src = "svc", .autoforward = true}, "autoforward"},
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
      cmocka_unit_test(events_to_others_are_refused_and_to_itself_are_not),
      cmocka_unit_test(every_place_of_an_action_is_looked_at),
      cmocka_unit_test(only_services_by_name_are_invoked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
