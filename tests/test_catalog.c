/* test_catalog.c: machines get numbers and versions, names get numbers, and both stay after a reopening. */
#include "rows_fixture.h"

static const char M2[] = "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{},\"extra\":{}}}";
static const char OTHER[] = "{\"id\":\"other\",\"initial\":\"a\",\"states\":{\"a\":{}}}";

static void deployments_are_numbered_in_their_order(void **state) {
  rig *r = *state;
  const fsm__deployed *m1 = fsm__catalog_find(r->catalog, "m", 0), *other = rig_deploy(r, OTHER, 2),
                      *m2 = rig_deploy(r, M2, 3);
  assert_true(m1->number == 1 && m1->version == 1);
  assert_true(other->number == 2 && other->version == 1);
  assert_true(m2->number == 1 && m2->version == 2);
  assert_ptr_equal(fsm__catalog_find(r->catalog, "m", 0), m2);
  assert_ptr_equal(fsm__catalog_find(r->catalog, "m", 1), m1);
  assert_null(fsm__catalog_find(r->catalog, "m", 3));
  assert_null(fsm__catalog_find(r->catalog, "nothing", 0));
  assert_ptr_equal(fsm__catalog_at(r->catalog, 1, 1), m1);
  assert_ptr_equal(fsm__catalog_at(r->catalog, 1, 0), m2);
  assert_null(fsm__catalog_at(r->catalog, 3, 1));
  assert_ptr_equal(fsm__catalog_newest(r->catalog, 0), m2);
  assert_ptr_equal(fsm__catalog_newest(r->catalog, 1), other);
  assert_null(fsm__catalog_newest(r->catalog, 2));
}

static void a_reopened_catalog_is_the_same(void **state) {
  rig *r = *state;
  const fsm__deployed *m1 = fsm__catalog_find(r->catalog, "m", 1);
  fsm__hash hash = m1->hash;
  unsigned states = fsm_machine_states(m1->machine);
  uint32_t *names = fsm_arena_alloc(&r->arena, states * sizeof *names);
  memcpy(names, m1->names, states * sizeof *names);
  rig_deploy(r, OTHER, 2);
  rig_deploy(r, M2, 3);
  rig_reopen(r, 3);
  m1 = fsm__catalog_find(r->catalog, "m", 1);
  assert_non_null(m1);
  assert_null(m1->definition); /* compiled when it is needed */
  assert_memory_equal(m1->hash.bytes, hash.bytes, FSM_HASH_BYTES);
  assert_true(m1->seq == 1 && m1->time_ns == 1000 && m1->number == 1);
  assert_int_equal(fsm__catalog_need(r->catalog, m1, NULL), FSM_OK);
  assert_int_equal(fsm__catalog_need(r->catalog, m1, NULL), FSM_OK);
  assert_non_null(m1->definition);
  assert_memory_equal(m1->names, names, states * sizeof *names);
  assert_true(fsm__catalog_find(r->catalog, "m", 0)->version == 2);
  const fsm__deployed *fresh = rig_deploy(r, "{\"id\":\"z\",\"initial\":\"a\",\"states\":{\"a\":{}}}", 4);
  assert_true(fresh->number == 3);
}

static void the_source_comes_back_byte_for_byte(void **state) {
  rig *r = *state;
  static const char spaced[] = " {\n\t\"id\" : \"sp\\u0061ced\", \"initial\":\"a\",\"states\":{\"a\":{}}}\n";
  rig_deploy(r, spaced, 2);
  for (int pass = 0; pass < 2; pass++) {
    const char *text = NULL;
    size_t len = 0;
    assert_int_equal(fsm__catalog_source(r->catalog, fsm__catalog_find(r->catalog, "spaced", 1), &r->arena,
                                         &text, &len, NULL),
                     FSM_OK);
    assert_int_equal(len, strlen(spaced));
    assert_memory_equal(text, spaced, len);
    rig_reopen(r, 2);
  }
}

static void a_name_has_one_number_in_all_machines(void **state) {
  rig *r = *state;
  uint32_t a = rig_name(r, "a"), bx = rig_name(r, "b.x");
  assert_true(a != 0 && bx != 0 && a != bx);
  const fsm__deployed *other = rig_deploy(r, OTHER, 2);
  assert_true(rig_name(r, "a") == a);
  assert_true(other->names[1] == a);
  const char *text = NULL;
  assert_int_equal(fsm__name_text(r->store, bx, &r->arena, &text, NULL), FSM_OK);
  assert_string_equal(text, "b.x");
  assert_int_equal(fsm__name_text(r->store, 9999, &r->arena, &text, NULL), FSM_ECORRUPT);
  assert_true(rig_name(r, "never") == 0);
  assert_true(rig_name(r, "m") == 0); /* ids of machines are a space of their own */
}

static void a_name_that_cannot_be_read_gets_no_second_number(void **state) {
  rig *r = *state;
  fsm_error err = {.text = ""};
  fsm_definition *definition = NULL;
  fsm__store_put(r->store, FSM_T_NAMES, "na", 2, "123", 3); /* of state "a", which OTHER has too */
  assert_int_equal(fsm_definition_load(OTHER, strlen(OTHER), &definition, &err), FSM_OK);
  assert_int_equal(fsm__catalog_add(r->catalog, OTHER, strlen(OTHER), definition, 2, 2000, &err),
                   FSM_ECORRUPT);
  assert_non_null(strstr(err.where, "names"));
  fsm_definition_free(definition);
}

static void a_name_over_any_path_is_not_looked_for(void **state) {
  rig *r = *state;
  char text[FSM_STORE_KEY_MAX + 1];
  uint32_t number = 1;
  memset(text, 'n', sizeof text);
  assert_int_equal(fsm__name_find(r->store, text, sizeof text, &number, NULL), FSM_OK);
  assert_int_equal(number, 0);
  assert_int_equal(fsm__store_fault(r->store, NULL), FSM_OK);
}

static void a_state_path_at_its_limit_is_a_name(void **state) {
  rig *r = *state;
  char name[FSM_STATE_PATH_MAX + 1];
  memset(name, 's', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  const char *source =
      fsm_arena_printf(&r->arena, "{\"id\":\"long\",\"initial\":\"%s\",\"states\":{\"%s\":{}}}", name, name);
  const fsm__deployed *deployed = rig_deploy(r, source, 2);
  const char *text = NULL;
  assert_true(rig_name(r, name) == deployed->names[1]);
  assert_int_equal(fsm__name_text(r->store, deployed->names[1], &r->arena, &text, NULL), FSM_OK);
  assert_string_equal(text, name);
}

static void a_definition_at_its_limit_is_kept_whole(void **state) {
  rig *r = *state;
  char *source = malloc(FSM_DEFINITION_BYTES_MAX + 1);
  memset(source, ' ', FSM_DEFINITION_BYTES_MAX);
  source[FSM_DEFINITION_BYTES_MAX] = '\0';
  memcpy(source, OTHER, strlen(OTHER));
  rig_deploy(r, source, 2);
  rig_reopen(r, 2);
  const fsm__deployed *other = fsm__catalog_find(r->catalog, "other", 1);
  const char *text = NULL;
  size_t len = 0;
  assert_int_equal(fsm__catalog_need(r->catalog, other, NULL), FSM_OK);
  assert_int_equal(fsm__catalog_source(r->catalog, other, &r->arena, &text, &len, NULL), FSM_OK);
  assert_int_equal(len, FSM_DEFINITION_BYTES_MAX);
  assert_memory_equal(text, source, len);
  free(source);
}

static void the_same_deployments_give_the_same_rows(void **state) {
  rig *r = *state, *second = rig_new();
  rig_deploy(second, RIG_MACHINE, 1);
  rig_deploy(r, OTHER, 2);
  rig_deploy(second, OTHER, 2);
  rig_reopen(r, 2); /* one across a reopening, the other not */
  rig_deploy(r, M2, 3);
  rig_deploy(second, M2, 3);
  assert_string_equal(rig_dump(r), rig_dump(second));
  rig_free(second);
}

static fsm_code open_again(rig *r, fsm_error *err) {
  fsm__catalog *again = NULL;
  fsm_code code = fsm__catalog_open(r->store, &again, err);
  if (code == FSM_OK) fsm__catalog_free(again);
  return code;
}

static void a_machine_row_that_cannot_be_read_is_corrupt(void **state) {
  rig *r = *state;
  fsm_error err = {.text = ""};
  assert_int_equal(open_again(r, &err), FSM_OK);
  fsm__store_put(r->store, FSM_T_MACHINES, "\0\0\0\2\0\0\0\1", 8, "\x91\x01", 2);
  assert_int_equal(open_again(r, &err), FSM_ECORRUPT);
  assert_string_equal(err.where, "store: machines");
  fsm__store_put(r->store, FSM_T_MACHINES, "\0\0\0\2\0\0\0\1", 8, "", 0);
  assert_int_equal(open_again(r, &err), FSM_ECORRUPT);
}

static void a_machine_whose_names_are_gone_is_corrupt(void **state) {
  rig *r = *state;
  fsm_error err = {.text = ""};
  fsm__store_delete(r->store, FSM_T_NAMES, "nb.x", 4);
  rig_reopen(r, 1);
  assert_int_equal(fsm__catalog_need(r->catalog, fsm__catalog_find(r->catalog, "m", 0), &err), FSM_ECORRUPT);
  assert_string_equal(err.where, "store: names");
  assert_non_null(strstr(err.text, "b.x"));
  assert_int_equal(fsm__catalog_need(r->catalog, fsm__catalog_find(r->catalog, "m", 0), NULL), FSM_ECORRUPT);
}

/* The first machine's row with a text in its source replaced by one as long; what its catalog then says. */
static fsm_code need_changed(rig *r, const char *before, const char *after, fsm_error *err) {
  static const char key[] = "\0\0\0\1\0\0\0\1";
  const void *value = NULL;
  size_t len = 0;
  assert_int_equal(fsm__store_get(r->store, FSM_T_MACHINES, key, 8, &value, &len, NULL), FSM_OK);
  char *row = fsm_arena_strndup(&r->arena, value, len), *at = memmem(row, len, before, strlen(before));
  assert_non_null(at);
  memcpy(at, after, strlen(after));
  fsm__store_put(r->store, FSM_T_MACHINES, key, 8, row, len);
  rig_reopen(r, 1);
  return fsm__catalog_need(r->catalog, fsm__catalog_find(r->catalog, "m", 0), err);
}

static void a_source_that_is_not_the_one_deployed_is_corrupt(void **state) {
  rig *r = *state;
  fsm_error err = {.text = ""};
  assert_int_equal(need_changed(r, "context.n + 1", "context.n + 2", &err), FSM_ECORRUPT);
  assert_string_equal(err.where, "store: machines");
  assert_non_null(strstr(err.text, "not the one that was deployed"));
  assert_int_equal(need_changed(r, "context.n + 2", "context.n + ]", &err), FSM_ECORRUPT);
  assert_non_null(strstr(err.text, "does not load"));
  assert_int_equal(need_changed(r, "context.n + ]", "context.n + 1", &err), FSM_OK);
}

/* What a replay saw end was counted when it ended; what was never compiled has nothing to forget. */
static void stays_are_forgotten_and_versions_are_told_apart(void **state) {
  rig *r = *state;
  rig_deploy(r, M2, 2);
  rig_reopen(r, 2);
  const fsm__deployed *m1 = fsm__catalog_each(r->catalog, 0), *m2 = fsm__catalog_each(r->catalog, 1);
  fsm_error err = {.text = ""};
  assert_true(m1->version == 1 && m2->version == 2);
  assert_null(fsm__catalog_each(r->catalog, 2));
  assert_false(fsm__catalog_is_compiled(m1));
  assert_int_equal(fsm__catalog_need(r->catalog, m2, &err), FSM_OK);
  assert_true(fsm__catalog_is_compiled(m2) && !fsm__catalog_is_compiled(m1));
  for (unsigned s = 0; s < fsm_machine_states(m2->machine); s++) fsm__dwell_meter_add(&m2->dwell[s], 5);
  fsm__catalog_forget_dwell(r->catalog);
  for (unsigned s = 0; s < fsm_machine_states(m2->machine); s++)
    assert_int_equal(fsm__meter_get(&m2->dwell[s].buckets[0]) + fsm__meter_get(&m2->dwell[s].sum_ns), 0);
  assert_false(fsm__catalog_is_compiled(m1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      R(deployments_are_numbered_in_their_order),
      R(a_reopened_catalog_is_the_same),
      R(the_source_comes_back_byte_for_byte),
      R(a_name_has_one_number_in_all_machines),
      R(a_name_that_cannot_be_read_gets_no_second_number),
      R(a_name_over_any_path_is_not_looked_for),
      R(a_state_path_at_its_limit_is_a_name),
      R(a_definition_at_its_limit_is_kept_whole),
      R(the_same_deployments_give_the_same_rows),
      R(a_machine_row_that_cannot_be_read_is_corrupt),
      R(a_machine_whose_names_are_gone_is_corrupt),
      R(a_source_that_is_not_the_one_deployed_is_corrupt),
      R(stays_are_forgotten_and_versions_are_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
