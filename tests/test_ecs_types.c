/* A field name has one type in all machines: a clash is found when a machine is deployed, and named. */
#include "tests/runtime_fixture.h"

#define MACHINE(id, schemas) \
  "{\"id\":\"" id "\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"GO\":{}}}}" schemas "}"
#define CONTEXT(properties) ",\"schemas\":{\"context\":{\"type\":\"object\",\"properties\":{" properties "}}}"
#define EVENT(properties) \
  ",\"schemas\":{\"events\":{\"GO\":{\"type\":\"object\",\"properties\":{" properties "}}}}"

static fsm_answer deploy(fixture *f, const char *text) { return deploy_text(f, text, strlen(text)); }

static void taken(fixture *f, const char *text) {
  fsm_answer answer = deploy(f, text);
  assert_code(&answer, FSM_OK);
}

static void a_clash_with_a_deployed_machine_is_refused_with_both_names(void **state) {
  (void)state;
  fixture *f = fixture_new();
  taken(f, MACHINE("loan", CONTEXT("\"amount\":{\"type\":\"number\"}")));
  fsm_answer answer = deploy(f, MACHINE("claim", EVENT("\"amount\":{\"type\":\"string\"}")));
  assert_code(&answer, FSM_EDEFINITION);
  assert_string_equal(answer.error.where, "/schemas/events/GO/properties");
  assert_non_null(
      strstr(answer.error.text, "\"amount\" is a keyword in machine claim and a double in machine loan"));
  fixture_reopen(f); /* what is deployed is known again */
  answer = deploy(f, MACHINE("claim", CONTEXT("\"amount\":{\"type\":\"boolean\"}")));
  assert_code(&answer, FSM_EDEFINITION);
  fixture_free(f);
}

static void fields_of_one_type_or_without_one_are_taken(void **state) {
  (void)state;
  fixture *f = fixture_new();
  taken(
      f,
      MACHINE(
          "loan",
          CONTEXT("\"amount\":{\"type\":\"number\"},\"at\":{\"type\":\"string\",\"format\":\"date-time\"}")));
  taken(f, MACHINE("integer", CONTEXT("\"amount\":{\"type\":\"integer\"}")));
  taken(f, MACHINE("untyped", CONTEXT("\"amount\":{\"title\":\"Amount\"}")));
  taken(f,
        MACHINE(
            "object",
            CONTEXT("\"amount\":{\"type\":\"object\"},\"deep\":{\"type\":\"object\",\"properties\":{\"at\":{"
                    "\"type\":\"boolean\"}}}")));
  taken(f, MACHINE("none", ""));
  fixture_free(f);
}

static void the_newest_version_counts_and_a_machine_agrees_with_itself(void **state) {
  (void)state;
  fixture *f = fixture_new();
  fsm_answer answer =
      deploy(f, MACHINE("self",
                        ",\"schemas\":{\"context\":{\"properties\":{\"n\":{\"type\":\"number\"}}},"
                        "\"events\":{\"GO\":{\"properties\":{\"n\":{\"type\":\"string\"}}}}}"));
  assert_code(&answer, FSM_EDEFINITION);
  taken(f, MACHINE("loan", CONTEXT("\"amount\":{\"type\":\"number\"}")));
  answer = deploy(f, MACHINE("loan", CONTEXT("\"amount\":{\"type\":\"string\"}")));
  assert_code(&answer, FSM_EDEFINITION);
  taken(f, MACHINE("loan", "")); /* given up: the name is free again */
  taken(f, MACHINE("claim", CONTEXT("\"amount\":{\"type\":\"string\"}")));
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_clash_with_a_deployed_machine_is_refused_with_both_names),
      cmocka_unit_test(fields_of_one_type_or_without_one_are_taken),
      cmocka_unit_test(the_newest_version_counts_and_a_machine_agrees_with_itself),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
