/* test_query_search.c: what a machine marks (x-pii) changes nothing in what a search answers: not what it
 * finds, not where a page ends, not how far it looked. */
#include "runtime_fixture.h"

#include "runtime/search.h"

static const char CASE[] =
    "{\"id\":\"case\",\"initial\":\"open\",\"context\":{\"note\":{\"@expr\":\"input.note\"},\"iban\":{\"@"
    "expr\":"
    "\"input.iban\"}},"
    "\"schemas\":{\"context\":{\"properties\":{\"iban\":{\"type\":\"string\",\"x-pii\":true},\"note\":{"
    "\"type\":"
    "\"string\"}}},"
    "\"input\":{\"properties\":{\"iban\":{\"type\":\"string\",\"x-pii\":true},\"note\":{\"type\":\"string\"}}"
    "}},"
    "\"states\":{\"open\":{\"on\":{\"TOUCH\":{}}}}}";

static void start_one(fixture *f, const char *id, const char *note, const char *iban) {
  char input[256];
  snprintf(input, sizeof input, "{\"note\":\"%s\",\"iban\":\"%s\"}", note, iban);
  fsm_answer answer = start(f, "case", id, NULL, input);
  assert_code(&answer, FSM_OK);
}

typedef struct told {
  char page[2048]; /* what a search says, but for its items */
  int64_t looked;
} told;

static void start_many(fixture *f, const char *name, unsigned count, const char *iban) {
  for (unsigned i = 0; i < count; i++) {
    char id[32];
    snprintf(id, sizeof id, "%s-%u", name, i);
    start_one(f, id, "nothing", iban);
    if (i % 64 == 0) fsm_arena_reset(&f->arena);
  }
}

/* Of a store with `hidden` instances whose masked field is `iban`, one behind them whose note has the needle,
 * and maybe one before them. */
static told search(const char *iban, unsigned hidden, bool first, unsigned limit) {
  told out;
  fixture *f = fixture_new();
  fsm_answer answer = deploy_text(f, CASE, strlen(CASE));
  assert_code(&answer, FSM_OK);
  if (first) start_one(f, "first", "NEEDLE", "none");
  if (hidden > FSM_SEARCH_HITS_MAX) start_many(f, "other", 1000, "none");
  start_many(f, "hidden", hidden, iban);
  start_one(f, "last", "NEEDLE", "none");
  const fsm_query q = {.kind = FSM_QUERY_SEARCH, .text = "needle", .limit = limit};
  const fsm_value found = query(f, q);
  assert_int_equal(fsm_map_get(&found, "items")->len, first && limit > 1 ? 2 : 1);
  out.looked = fsm_map_get(&found, "looked_bytes")->i;
  snprintf(out.page, sizeof out.page, "next %s, reached %s", text_of(f, fsm_map_get(&found, "next")),
           text_of(f, fsm_map_get(&found, "reached")));
  fixture_free(f);
  return out;
}

/* Bytes of records differ by how long a step took. */
static void same_for_both(unsigned hidden, bool first, unsigned limit) {
  const told has = search("NEEDLE", hidden, first, limit), none = search("NOODLE", hidden, first, limit);
  assert_string_equal(has.page, none.page);
  assert_true(has.looked < none.looked + none.looked / 8 && none.looked < has.looked + has.looked / 8);
}

static void the_end_of_a_page_does_not_tell_what_is_masked(void **state) {
  (void)state;
  for (unsigned limit = 1; limit <= 3; limit++) {
    same_for_both(3, false, limit);
    same_for_both(3, true, limit);
  }
}

static void many_masked_ones_are_not_told_either(void **state) {
  (void)state;
  same_for_both(FSM_SEARCH_HITS_MAX + 10, true, 10); /* more than one look through the segment takes up */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_end_of_a_page_does_not_tell_what_is_masked),
      cmocka_unit_test(many_masked_ones_are_not_told_either),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
