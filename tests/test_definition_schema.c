/* Schemas: what an expression that clashes with them is told, at its place, and what they leave alone. */
#include "tests/definition_run.h"

#define SCHEMAS                                                                                              \
  "'schemas':{'context':{'type':'object','properties':{'n':{'type':'integer'},'s':{'type':['string','null']" \
  "}},"                                                                                                      \
  "'additionalProperties':false},"                                                                           \
  "'input':{'type':'object','properties':{'who':{'type':'string'}},'required':['who'],"                      \
  "'additionalProperties':false},"                                                                           \
  "'actor':{'type':'object','properties':{'sub':{'type':'string'}},'additionalProperties':false},"           \
  "'events':{'GO':{'type':'object','properties':{'x':{'type':'string'},'type':{'type':'integer'}},"          \
  "'additionalProperties':false},'OPEN':{'type':'object'}}}"

/* The definition with this guard of GO, this one of OTHER, and this context. */
static const char *with(const char *go, const char *other, const char *context) {
  return fsm_arena_printf(&arena,
                          "{'id':'m','initial':'a'," SCHEMAS
                          ",'context':%s,'guards':{'more':{'@expr':"
                          "'context.n > params.than'}},'states':{'a':{'on':{'GO':{'guard':{'@expr':'%s'}},"
                          "'OPEN':{'guard':{'@expr':'event.any == 1'}},'OTHER':{'guard':{'@expr':'%s'}}}}}}",
                          context, go, other);
}

static void what_clashes_is_refused_at_its_place(void **state) {
  (void)state;
  const char *guard = "/states/a/on/GO/guard/@expr", *context = "{'n':1}";
  is_refused(with("event.x > 5", "true", context), FSM_EEXPRESSION, guard,
             "1:1: event.x > 5: > does not take string and int");
  is_refused(with("event.data.y == 1", "true", context), FSM_EEXPRESSION, guard,
             "1:1: event.data.y: there is no member y");
  is_refused(with("true && context.m == 1", "true", context), FSM_EEXPRESSION, guard,
             "1:9: context.m: there is no member m");
  is_refused(with("actor.role == 1", "true", context), FSM_EEXPRESSION, guard,
             "1:1: actor.role: there is no member role");
  is_refused(with("context.n", "true", context), FSM_EEXPRESSION, guard,
             "1:1: context.n: a guard is true or false, and this is of the type int");
  is_refused(with("true", "true", "{'n':1,'s':{'@expr':'input.whom'}}"), FSM_EEXPRESSION, "/context/s/@expr",
             "1:1: input.whom: there is no member whom, did you mean who?");
}

/* The engine's own names of an event are not those of its data, and other events are other events. */
static void what_is_not_known_is_left_alone(void **state) {
  (void)state;
  static const char *const fine[] = {"event.type == \\\"GO\\\"", "event.name == event.type",
                                     "event.data.type == 1", "actor.sub == event.x", "context.s == null"};
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
    fsm_definition *d = load_quoted(with(fine[i], "event.y.z > 1", "{'n':1,'s':{'@expr':'input.who'}}"));
    fsm_definition_free(d);
  }
}

/* They hold for what is named, and params may be of any type. */
static void named_guards_are_checked_where_they_are_used(void **state) {
  (void)state;
  static const char *const form =
      "{'id':'m','initial':'a'," SCHEMAS
      ",'context':{'n':1},'guards':{'more':{'@expr':'context.n > params.than'}},"
      "'states':{'a':{'on':{'GO':{'guard':{'type':'more','params':{'than':%s}}},'OPEN':{}}}}}";
  fsm_definition_free(load_quoted(fsm_arena_printf(&arena, form, "{'@expr':'context.n + 1'}")));
  fsm_definition *d = NULL;
  fsm_error err = {0};
  char *text = fsm_arena_printf(&arena, form, "'five'");
  for (char *p = text; *p; p++)
    if (*p == '\'') *p = '"';
  assert_int_equal(fsm_definition_load(text, strlen(text), &d, &err), FSM_EEXPRESSION);
  assert_string_equal(err.where, "/guards/more/@expr");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_clashes_is_refused_at_its_place),
      cmocka_unit_test(what_is_not_known_is_left_alone),
      cmocka_unit_test(named_guards_are_checked_where_they_are_used),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
