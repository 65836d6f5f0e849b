/* ecs: limits at their edges, no deeper than it may be, every field mapped by the index template with its
 * type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/format_ecs.h"
#include "runtime/format_impl.h"
#include "tests/export_fixture.h"
#include "tests/random_record.h"

static fsm_arena arena;
static fsm__formatter *ecs;
static int setup(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  ecs = export_formatter("ecs");
  return 0;
}
static int teardown(void **state) {
  (void)state;
  fsm__formatter_free(ecs);
  fsm_arena_free(&arena);
  return 0;
}

static fsm_value parsed(const char *text, size_t len) {
  fsm_value value;
  fsm_error err = {0};
  if (fsm_json_parse(&arena, text, len, FSM_JSON_SORTED, &value, &err))
    fail_msg("%s %s:\n%.*s", err.where, err.text, (int)len, text);
  return value;
}

static fsm_value document(const fsm_record *record) {
  fsm_buf bytes = {0}, out = {0};
  fsm_error err = {0};
  if (fsm_record_encode(&bytes, record, &err)) fail_msg("%s %s", err.where, err.text);
  fsm__exported x = export_of(bytes.data, bytes.len, record->seq);
  if (fsm__format(ecs, &x, &arena, &out, &err)) fail_msg("%s %s", err.where, err.text);
  fsm_value value = parsed(out.data, out.len);
  fsm_buf_free(&bytes);
  fsm_buf_free(&out);
  return value;
}

static fsm_record with_data(const char *json) {
  static const uint8_t hash[32];
  fsm_record r = fsm_record_new(FSM_RECORD_ADMIN);
  r.seq = 7, r.time_ns = 1700000000123456789, r.prev = hash;
  r.data = parsed(json, strlen(json));
  return r;
}

static const fsm_value *at(const fsm_value *value, const char *path) { return fsm__path_value(value, path); }

/* ---- limits ------------------------------------------------------------------------------------ */

static const fsm_value *data_text(const char *unit, size_t count) {
  fsm_buf json = {0};
  fsm_buf_str(&json, "{\"x\":\"");
  for (size_t i = 0; i < count; i++) fsm_buf_str(&json, unit);
  fsm_buf_str(&json, "\"}");
  fsm_record r = with_data(fsm_buf_text(&json));
  fsm_buf_free(&json);
  fsm_value *doc = fsm_arena_alloc(&arena, sizeof *doc);
  *doc = document(&r);
  const fsm_value *x = at(doc, "fsm.data.x");
  assert_non_null(x);
  return x;
}

static void a_text_of_4096_bytes_is_whole_and_one_more_is_cut(void **state) {
  (void)state;
  const fsm_value *x = data_text("a", FSM_ECS_TEXT_MAX);
  assert_int_equal(x->len, FSM_ECS_TEXT_MAX);
  assert_null(memmem(x->s, x->len, "[cut", 4));
  x = data_text("a", FSM_ECS_TEXT_MAX + 1);
  assert_int_equal(x->len, FSM_ECS_TEXT_MAX);
  char all[FSM_ECS_TEXT_MAX + 1], hex[65], mark[128];
  memset(all, 'a', sizeof all);
  fsm__hash hash = fsm__sha256(all, sizeof all);
  fsm__hex(hash.bytes, 32, hex);
  size_t len = (size_t)snprintf(mark, sizeof mark, "…[cut, 4097 bytes, sha256 %s]", hex);
  assert_memory_equal(x->s + x->len - len, mark, len);
}

static void a_cut_is_between_characters(void **state) {
  (void)state;
  static const char *const units[] = {"ä", "€", "😀"};
  for (size_t i = 0; i < 3; i++) { /* what was cut in a character would not have been read as JSON */
    const fsm_value *x = data_text(units[i], FSM_ECS_TEXT_MAX / strlen(units[i]) + 1);
    assert_true(x->len <= FSM_ECS_TEXT_MAX && x->len > FSM_ECS_TEXT_MAX - 4);
    const char *mark = memmem(x->s, x->len, "…[cut", strlen("…[cut"));
    assert_non_null(mark);
    assert_int_equal((size_t)(mark - x->s) % strlen(units[i]), 0);
  }
}

static unsigned depth_of(const fsm_value *value) {
  unsigned most = 0;
  if (value->type != FSM_MAP) return 0;
  for (uint32_t i = 0; i < value->len; i++) {
    unsigned depth = depth_of(&value->pairs[i].value) + 1;
    if (value->pairs[i].value.type == FSM_MAP && depth > most) most = depth;
  }
  return most;
}

static void what_is_nested_deeper_becomes_text(void **state) {
  (void)state;
  fsm_record r =
      with_data("{\"flat\":1,\"deep\":{\"a\":{\"b\":1}},\"list\":[1,{\"c\":2}],\"dot.ted\":\"x\"}");
  fsm_value doc = document(&r);
  assert_int_equal(depth_of(&doc), FSM_ECS_DEPTH_MAX);
  assert_true(fsm_is_text(at(&doc, "fsm.data.deep"), "{\"a\":{\"b\":1}}"));
  assert_true(fsm_is_text(at(&doc, "fsm.data.list"), "[1,{\"c\":2}]"));
  assert_true(fsm_is_text(at(&doc, "fsm.data.flat"), "1"));
  assert_true(fsm_is_text(at(&doc, "fsm.data.dot_ted"), "x"));
  assert_true(at(&doc, "fsm.number.flat")->d == 1.0);
  assert_int_equal(at(&doc, "fsm.number.flat")->type, FSM_DOUBLE);
}

static void a_number_is_a_double_of_its_size(void **state) {
  (void)state;
  fsm_record r = with_data("{}");
  fsm_pair pairs[] = {{fsm_string("big"), fsm_uint(UINT64_MAX)}, {fsm_string("low"), fsm_int(-3)}};
  fsm_error err;
  assert_int_equal(fsm_map(pairs, 2, &r.data, &err), FSM_OK);
  fsm_value doc = document(&r);
  assert_true(at(&doc, "fsm.number.big")->d == 18446744073709551616.0);
  assert_true(at(&doc, "fsm.number.low")->d == -3.0);
  assert_true(fsm_is_text(at(&doc, "fsm.data.big"), "18446744073709551615"));
}

/* ---- the template ------------------------------------------------------------------------------ */

static fsm_value template_mappings(void) {
  static char text[1 << 16];
  FILE *file = fopen(FSM_SOURCE_DIR "/schema/elasticsearch/index-template.json", "r");
  assert_non_null(file);
  size_t len = fread(text, 1, sizeof text, file);
  fclose(file);
  fsm_value all = parsed(text, len);
  return *at(&all, "template.mappings");
}

/* The mapping of a path, by its properties or the template for names below; NULL: none. */
static const fsm_value *mapping_of(const fsm_value *mappings, const char *path) {
  const fsm_value *here = mappings;
  for (const char *part = path; *part && here != NULL;) {
    size_t len = strcspn(part, ".");
    const fsm_value *properties = fsm_map_get(here, "properties");
    const fsm_value *next = properties ? fsm_map_getn(properties, part, len) : NULL;
    if (next == NULL && fsm_map_get(here, "dynamic")->type != FSM_BOOL) return NULL;
    if (next == NULL) break;
    here = next;
    part += len + (part[len] == '.');
    if (*part == 0) return here;
  }
  const fsm_value *templates = fsm_map_get(mappings, "dynamic_templates");
  for (uint32_t i = 0; i < templates->len; i++) {
    const fsm_value *rule = &templates->items[i].pairs[0].value, *match = fsm_map_get(rule, "path_match");
    if (match != NULL && strncmp(match->s, path, match->len - 1) == 0) return fsm_map_get(rule, "mapping");
  }
  return NULL;
}

static void every_field_of_the_table_is_mapped_with_its_type(void **state) {
  (void)state;
  const fsm_value mappings = template_mappings();
  fsm__ecs_field field;
  size_t count = 0;
  for (; fsm__ecs_field_at(count, &field); count++) {
    const fsm_value *mapping = mapping_of(&mappings, field.name);
    if (mapping == NULL) fail_msg("%s is not in the index template", field.name);
    if (!fsm_is_text(fsm_map_get(mapping, "type"), field.type))
      fail_msg("%s is not of type %s", field.name, field.type);
  }
  assert_true(count > 60);
  assert_true(fsm_is_text(at(&mappings, "properties.fsm.dynamic"), "strict"));
  assert_false(fsm_map_get(&mappings, "date_detection")->b);
}

static void expect_type(const fsm_value *mappings, const char *path, const fsm_value *value) {
  if (value->type == FSM_LIST) {
    for (uint32_t i = 0; i < value->len; i++) expect_type(mappings, path, &value->items[i]);
    return;
  }
  const fsm_value *mapping = mapping_of(mappings, path);
  if (mapping == NULL) fail_msg("%s is written and not mapped", path);
  const fsm_value *type = fsm_map_get(mapping, "type");
  bool text = value->type == FSM_STRING;
  bool good = fsm_is_text(type, "long")      ? value->type == FSM_INT || text /* digits, above 2^53 */
              : fsm_is_text(type, "double")  ? value->type == FSM_DOUBLE
              : fsm_is_text(type, "boolean") ? value->type == FSM_BOOL
                                             : text;
  if (!good)
    fail_msg("%s is mapped as %.*s and written as %s", path, (int)type->len, type->s,
             fsm_type_name((fsm_type)value->type));
  if (text) assert_true(value->len <= FSM_ECS_TEXT_MAX);
}

static void expect_mapped(const fsm_value *mappings, const char *above, const fsm_value *map) {
  for (uint32_t i = 0; i < map->len; i++) {
    const fsm_value *key = &map->pairs[i].key, *value = &map->pairs[i].value;
    char path[600];
    assert_true(strlen(above) + key->len + 2 <= sizeof path);
    (void)snprintf(path, sizeof path, "%s%s%.*s", above, *above ? "." : "", (int)key->len, key->s);
    if (value->type == FSM_MAP)
      expect_mapped(mappings, path, value);
    else
      expect_type(mappings, path, value);
  }
}

static void whatever_a_record_holds_is_mapped_with_its_type(void **state) {
  (void)state;
  fsm_arena kept;
  fsm_arena_init(&kept, 0);
  chance c = {23, &kept};
  unsigned count = 0;
  for (unsigned i = 0; i < 1500; i++) {
    fsm_arena_reset(&arena);
    fsm_arena_reset(&kept);
    const fsm_value mappings = template_mappings();
    fsm_record r = chance_record(&c);
    fsm_buf bytes = {0};
    fsm_error err;
    bool good = fsm_record_encode(&bytes, &r, &err) == FSM_OK;
    fsm_buf_free(&bytes);
    if (!good) continue;
    fsm_value doc = document(&r);
    assert_true(depth_of(&doc) <= FSM_ECS_DEPTH_MAX);
    expect_mapped(&mappings, "", &doc);
    count++;
  }
  fsm_arena_free(&kept);
  assert_true(count > 1300);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_text_of_4096_bytes_is_whole_and_one_more_is_cut, setup, teardown),
      cmocka_unit_test_setup_teardown(a_cut_is_between_characters, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_nested_deeper_becomes_text, setup, teardown),
      cmocka_unit_test_setup_teardown(a_number_is_a_double_of_its_size, setup, teardown),
      cmocka_unit_test_setup_teardown(every_field_of_the_table_is_mapped_with_its_type, setup, teardown),
      cmocka_unit_test_setup_teardown(whatever_a_record_holds_is_mapped_with_its_type, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
