/* test_definition_bounds.c: which definitions are read at all: canonical bytes, a directory of bad ones with
 * what is said about each, limits at their edges. */
#include <dirent.h>

#include "tests/definition_run.h"

#define EXAMPLE FSM_SOURCE_DIR "/examples/document-approval.json"

#define GOOD FSM_SOURCE_DIR "/tests/cases/good-definitions"
#define BAD FSM_SOURCE_DIR "/tests/cases/bad-definitions"

/* ---- canonical bytes --------------------------------------------------------------------------- */

static bool same_canonical(const char *a_text, const char *b_text) {
  fsm_definition *a = load(a_text), *b = load(b_text);
  size_t a_len, b_len;
  const void *a_bytes = fsm_definition_canonical(a, &a_len), *b_bytes = fsm_definition_canonical(b, &b_len);
  bool same = a_len == b_len && memcmp(a_bytes, b_bytes, a_len) == 0;
  fsm_definition_free(a);
  fsm_definition_free(b);
  return same;
}

static void the_canonical_bytes_keep_order_and_nothing_of_the_spelling(void **state) {
  (void)state;
  const char *text =
      "{\"id\":\"m\",\"context\":{\"x\":100.0},\"initial\":\"a\",\"states\":{\"a\":{},\"b\":{}}}";
  assert_true(same_canonical(text,
                             "{ \"id\" : \"\\u006d\",\n \"context\":{\"x\":1e2}, "
                             "\"initial\":\"a\",\"states\":{\"a\":{},\"b\":{}}}\n"));
  assert_false(same_canonical(
      text, "{\"id\":\"m\",\"context\":{\"x\":100.0},\"initial\":\"a\",\"states\":{\"b\":{},\"a\":{}}}"));
  assert_false(same_canonical(
      text, "{\"id\":\"m\",\"context\":{\"x\":100},\"initial\":\"a\",\"states\":{\"a\":{},\"b\":{}}}"));
}

/* ---- bad ones ---------------------------------------------------------------------------------- */

static int is_json(const struct dirent *entry) {
  const char *dot = strrchr(entry->d_name, '.');
  return dot && strcmp(dot, ".json") == 0;
}

/* expected.txt has a line "name: code: where: text" for each file, in the order of their names. */
static void each_bad_definition_is_refused_with_its_place(void **state) {
  (void)state;
  struct dirent **names;
  int count = scandir(BAD, &names, is_json, alphasort);
  assert_in_range(count, 120, 1000);
  fsm_buf said = {0};
  for (int i = 0; i < count; i++) {
    size_t len;
    fsm_arena_reset(&arena);
    const char *path = fsm_arena_printf(&arena, "%s/%s", BAD, names[i]->d_name);
    const char *text = read_file(path, &len);
    fsm_definition *d = NULL;
    fsm_error err = {0};
    fsm_code code = fsm_definition_load(text, len, &d, &err);
    assert_null(d);
    assert_int_equal(code, err.code);
    fsm_buf_printf(&said, "%.*s: %s: %s: %s\n", (int)(strlen(names[i]->d_name) - 5), names[i]->d_name,
                   fsm_code_name(code), err.where, err.text);
    free(names[i]);
  }
  free(names);
  size_t len;
  assert_string_equal(fsm_buf_text(&said), read_file(BAD "/expected.txt", &len));
  fsm_buf_free(&said);
}

static void the_size_limit_holds_at_its_edge(void **state) {
  (void)state;
  const char *text = "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{}}}";
  char *padded = malloc(FSM_DEFINITION_BYTES_MAX + 1);
  assert_non_null(padded);
  memset(padded, ' ', FSM_DEFINITION_BYTES_MAX + 1);
  memcpy(padded, text, strlen(text));
  fsm_definition *d = NULL;
  assert_int_equal(fsm_definition_load(padded, FSM_DEFINITION_BYTES_MAX, &d, NULL), FSM_OK);
  fsm_definition_free(d);
  assert_int_equal(fsm_definition_load(padded, FSM_DEFINITION_BYTES_MAX + 1, &d, NULL), FSM_ETOOLARGE);
  free(padded);
}

static void what_is_only_read_may_be_larger(void **state) {
  (void)state;
  const char *text = "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{}}}";
  char *padded = malloc(FSM_DEFINITION_READ_BYTES_MAX + 1);
  fsm_arena read;
  const fsm_def *def = NULL;
  assert_non_null(padded);
  fsm_arena_init(&read, 0);
  memset(padded, ' ', FSM_DEFINITION_READ_BYTES_MAX + 1);
  memcpy(padded, text, strlen(text));
  assert_int_equal(fsm_definition_read(&read, padded, FSM_DEFINITION_READ_BYTES_MAX, &def, NULL), FSM_OK);
  assert_int_equal(fsm_definition_read(&read, padded, FSM_DEFINITION_READ_BYTES_MAX + 1, &def, NULL),
                   FSM_ETOOLARGE);
  fsm_arena_free(&read);
  free(padded);
}

/* States in one another, the last with a value in it that nests as deep as it may. */
static void write_nested(fsm_buf *out, int states, int value) {
  fsm_buf_str(out, "{\"id\":\"m\"");
  for (int i = 0; i < states; i++) fsm_buf_str(out, ",\"initial\":\"s\",\"states\":{\"s\":{\"tags\":\"t\"");
  fsm_buf_str(out, ",\"on\":{\"GO\":[{\"actions\":[{\"type\":\"@xstate.log\",\"args\":");
  for (int i = 0; i < value; i++) fsm_buf_str(out, "[");
  for (int i = 0; i < value; i++) fsm_buf_str(out, "]");
  fsm_buf_str(out, "}]}]}");
  for (int i = 0; i < states; i++) fsm_buf_str(out, "}}");
  fsm_buf_str(out, "}");
}

static void states_nest_as_deep_as_the_engine_allows(void **state) {
  (void)state;
  static const struct {
    int states, value;
    fsm_code code;
  } cases[] = {{FSM_DEPTH_MAX, FSM_VALUE_DEPTH_MAX, FSM_OK},
               {FSM_DEPTH_MAX + 1, 1, FSM_ETOOLARGE},
               {1, FSM_VALUE_DEPTH_MAX + 1, FSM_ETOOLARGE}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fsm_buf text = {0};
    write_nested(&text, cases[i].states, cases[i].value);
    fsm_definition *d = NULL;
    assert_int_equal(fsm_definition_load(text.data, text.len, &d, NULL), cases[i].code);
    fsm_definition_free(d);
    fsm_buf_free(&text);
  }
}

/* The text as a whole, one level before its limit and one past it. */
static void the_nesting_of_the_text_is_bounded(void **state) {
  (void)state;
  for (int deep = FSM_DEFINITION_DEPTH_MAX; deep <= FSM_DEFINITION_DEPTH_MAX + 1; deep++) {
    fsm_buf text = {0};
    fsm_buf_str(&text, "{\"id\":\"m\",\"types\":");
    for (int i = 1; i < deep; i++) fsm_buf_str(&text, "{\"x\":");
    fsm_buf_str(&text, "1");
    for (int i = 1; i < deep; i++) fsm_buf_str(&text, "}");
    fsm_buf_str(&text, "}");
    fsm_definition *d = NULL;
    fsm_error err = {0};
    fsm_code code = fsm_definition_load(text.data, text.len, &d, &err);
    assert_int_equal(code, deep == FSM_DEFINITION_DEPTH_MAX ? FSM_OK : FSM_ETOOLARGE);
    if (code) assert_string_equal(err.text, "the nesting is over the limit of 256");
    fsm_definition_free(d);
    fsm_buf_free(&text);
  }
}

/* The tree alone, for who compiles it: it needs nothing of the text any more. */
static void the_tree_can_be_read_alone(void **state) {
  (void)state;
  char text[] =
      "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"GO\":{\"guard\":{\"@expr\":\"true\"},"
      "\"target\":\"b\"}}},\"b\":{}}}";
  const fsm_def *def = NULL;
  fsm_error err = {0};
  assert_int_equal(fsm_definition_read(&arena, text, strlen(text), &def, &err), FSM_OK);
  memset(text, 'x', sizeof text - 1);
  assert_int_equal(def->dialect, FSM_XSTATE);
  fsm_machine *machine = NULL;
  assert_int_equal(fsm_machine_compile(def, &machine, &err), FSM_OK);
  assert_int_equal(fsm_machine_states(machine), 3);
  fsm_machine_free(machine);
  assert_int_equal(fsm_definition_read(&arena, "[]", 2, &def, &err), FSM_EDEFINITION);
}

static void each_good_definition_loads(void **state) {
  (void)state;
  struct dirent **names;
  int count = scandir(GOOD, &names, is_json, alphasort);
  assert_in_range(count, 20, 1000);
  for (int i = 0; i < count; i++) {
    size_t len;
    fsm_arena_reset(&arena);
    const char *text = read_file(fsm_arena_printf(&arena, "%s/%s", GOOD, names[i]->d_name), &len);
    fsm_definition_free(load(text));
    free(names[i]);
  }
  free(names);
}

static void actions_that_multiply_are_stopped(void **state) {
  (void)state;
  fsm_buf text = {0};
  fsm_buf_str(&text, "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{\"entry\":\"x0\"}},\"actions\":{");
  for (int i = 0; i < 6; i++)
    fsm_buf_printf(&text, "\"x%d\":[\"x%d\",\"x%d\",\"x%d\",\"x%d\",\"x%d\"],", i, i + 1, i + 1, i + 1, i + 1,
                   i + 1);
  fsm_buf_str(&text, "\"x6\":{\"type\":\"@xstate.log\",\"args\":[1]}}}");
  fsm_definition *d = NULL;
  fsm_error err = {0};
  assert_int_equal(fsm_definition_load(text.data, text.len, &d, &err), FSM_ETOOLARGE);
  fsm_buf_free(&text);
}

/* Damaged definitions load or are refused with a text; the sanitizers watch. */
static void no_damage_to_the_example_goes_unnoticed(void **state) {
  (void)state;
  size_t len;
  const char *text = read_file(EXAMPLE, &len);
  static const char alphabet[] = "{}[]\",:0a.#-\\ \x80@";
  unsigned seed = 1, refused = 0;
  for (int round = 0; round < 1500; round++) {
    char *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, text, len);
    for (int i = 0; i <= round % 3; i++)
      copy[(size_t)rand_r(&seed) % len] = alphabet[(size_t)rand_r(&seed) % (sizeof alphabet - 1)];
    fsm_definition *d = NULL;
    fsm_error err = {0};
    fsm_code code = fsm_definition_load(copy, round % 5 ? len : (size_t)rand_r(&seed) % len, &d, &err);
    assert_true((code == FSM_OK) == (d != NULL));
    assert_true(code == FSM_OK || err.text[0]);
    refused += code != FSM_OK;
    fsm_definition_free(d);
    free(copy);
  }
  assert_in_range(refused, 500, 1499);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_canonical_bytes_keep_order_and_nothing_of_the_spelling),
      cmocka_unit_test(each_bad_definition_is_refused_with_its_place),
      cmocka_unit_test(each_good_definition_loads),
      cmocka_unit_test(the_size_limit_holds_at_its_edge),
      cmocka_unit_test(what_is_only_read_may_be_larger),
      cmocka_unit_test(states_nest_as_deep_as_the_engine_allows),
      cmocka_unit_test(the_nesting_of_the_text_is_bounded),
      cmocka_unit_test(the_tree_can_be_read_alone),
      cmocka_unit_test(actions_that_multiply_are_stopped),
      cmocka_unit_test(no_damage_to_the_example_goes_unnoticed),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
