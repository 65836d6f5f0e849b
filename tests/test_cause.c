/* test_cause.c: what led to a record, and what it led to, against the links told by the whole log; where the
 * walk ends; pages from the end of a log. */
#include "children_scene.h"

static const char KIN[] =
    "{\"id\":\"kin\",\"initial\":\"idle\",\"context\":{\"heard\":0},\"states\":{"
    "\"idle\":{\"on\":{\"GO\":\"work\",\"ADD\":{\"context\":{\"heard\":{\"@expr\":\"context.heard + 1\"}}}}},"
    "\"work\":{\"invoke\":{\"id\":\"kid\",\"src\":\"machine\",\"input\":{\"machine\":\"kid\"},\"onDone\":"
    "\"idle\"},"
    "\"after\":{\"1000\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":\"kid\",\"event\":{\"type\":"
    "\"END\"}}]}}}}}";
static const char KID[] =
    "{\"id\":\"kid\",\"initial\":\"busy\",\"states\":{\"busy\":{\"on\":{\"END\":\"end\"}},"
    "\"end\":{\"type\":\"final\"}}}";

static fsm_value cause(fixture *f, const char *ref, bool down) {
  return query(f, (fsm_query){.kind = FSM_QUERY_CAUSE, .ref = ref, .down = down});
}

static int64_t seq_of(const fsm_value *item) { return fsm_map_get(fsm_map_get(item, "record"), "seq")->i; }

static const char *number(fixture *f, int64_t seq) {
  return fsm_arena_printf(&f->arena, "%lld", (long long)seq);
}

/* Two lives beside each other, so that what is not related lies in between. */
static void lives(fixture *f) {
  deploy(f, KIN);
  deploy(f, KID);
  started(f, "kin", "a", NULL);
  started(f, "kin", "b", NULL);
  for (int i = 0; i < 3; i++) {
    sends(f, "a", "GO");
    sends(f, "b", i == 1 ? "GO" : "ADD");
    passes(f, 2);
  }
}

/* by[seq] of all records, as the upward walk tells it one step at a time. */
static uint64_t links(fixture *f, int64_t by[256]) {
  const uint64_t last = (uint64_t)seq_now(f);
  assert_true(last < 256);
  for (uint64_t seq = 1; seq <= last; seq++) {
    const fsm_value document = cause(f, number(f, (int64_t)seq), false);
    const fsm_value *items = fsm_map_get(&document, "items"), *own = &items->items[items->len - 1];
    assert_int_equal(seq_of(own), seq);
    const fsm_value *link = fsm_map_get(own, "by");
    by[seq] = link != NULL ? link->i : 0;
    assert_true(by[seq] < (int64_t)seq);
    assert_int_equal(items->len > 1, by[seq] > 0);
    if (by[seq] > 0) assert_int_equal(seq_of(&items->items[items->len - 2]), by[seq]);
    assert_null(fsm_map_get(&document, "stopped"));
  }
  return last;
}

static void what_a_record_led_to_is_what_goes_back_to_it(void **state) {
  fixture *f = *state;
  int64_t by[256] = {0};
  unsigned children = 0;
  lives(f);
  const uint64_t last = links(f, by);
  for (uint64_t from = 1; from <= last; from++) {
    const fsm_value document = cause(f, number(f, (int64_t)from), true);
    const fsm_value *items = fsm_map_get(&document, "items");
    bool reached[256] = {false};
    uint32_t at = 0;
    reached[from] = true;
    for (uint64_t seq = from; seq <= last; seq++) {
      reached[seq] = reached[seq] || (by[seq] > 0 && reached[by[seq]]);
      if (!reached[seq]) continue;
      if (at >= items->len)
        fail_msg("from %llu: %llu is missing, %s", (unsigned long long)from, (unsigned long long)seq,
                 text_of(f, &document));
      assert_int_equal(seq_of(&items->items[at++]), seq);
    }
    assert_int_equal(at, items->len);
    children += items->len > 6;
  }
  assert_true(children >= 3); /* GO leads to the child, its end, and back */
}

static void an_id_and_a_seq_name_the_same_record(void **state) {
  fixture *f = *state;
  lives(f);
  fsm_value one = cause(f, "@5", false);
  const fsm_value *items = fsm_map_get(&one, "items");
  const fsm_value *id = fsm_map_get(fsm_map_get(&items->items[items->len - 1], "record"), "id");
  fsm_value other = cause(f, id->s, false);
  assert_string_equal(text_of(f, &one), text_of(f, &other));
}

static fsm_code refused(fixture *f, const char *ref) {
  fsm_value out;
  fsm_error err;
  return fsm_query_wait(f->runtime, &(fsm_query){.kind = FSM_QUERY_CAUSE, .ref = ref}, &f->arena, &out, &err);
}

static void what_is_no_record_is_told(void **state) {
  fixture *f = *state;
  lives(f);
  assert_int_equal(refused(f, number(f, seq_now(f))), FSM_OK);
  assert_int_equal(refused(f, number(f, seq_now(f) + 1)), FSM_ENOTFOUND);
  assert_int_equal(refused(f, "0"), FSM_ENOTFOUND);
  assert_int_equal(refused(f, "no"), FSM_ENOTFOUND);
  assert_int_equal(refused(f, "00000000000000000000000000000000.0.0.3"), FSM_ENOTFOUND);
}

/* Each event names the one before as its cause: as long a chain as one likes. */
static void a_chain_ends_at_what_one_answer_has(void **state) {
  enum { UP_MAX = 1000, DOWN_MAX = 1000 };
  fixture *f = *state;
  char id[80] = "mail-7";
  int64_t first = 0;
  deploy(f, KIN);
  started(f, "kin", "a", NULL);
  fsm_value in = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "a"});
  const fsm_value *record = &fsm_map_get(&in, "items")->items[0];
  const char *own = fsm_map_get(record, "id")->s;
  char prefix[48];
  snprintf(prefix, sizeof prefix, "%.*s", (int)(strrchr(own, '.') - own), own);
  for (int i = 0; i < UP_MAX + 1; i++) {
    fsm_command command = fsm_command_new(FSM_CMD_SEND);
    command.instance = "a";
    command.event = "ADD";
    command.causation = id;
    command.correlation = "one";
    fsm_answer answer = sent(f, &command);
    assert_code(&answer, FSM_OK);
    if (first == 0) first = (int64_t)answer.seq;
    snprintf(id, sizeof id, "%s.%llu", prefix, (unsigned long long)answer.seq);
    fsm_arena_reset(&f->arena);
  }
  fsm_value whole = cause(f, number(f, first + UP_MAX - 1), false);
  assert_int_equal(fsm_map_get(&whole, "items")->len, UP_MAX);
  assert_string_equal(member(f, &whole, "outside"), "mail-7");
  assert_null(fsm_map_get(&whole, "stopped"));
  fsm_value cut = cause(f, number(f, first + UP_MAX), false);
  assert_int_equal(fsm_map_get(&cut, "items")->len, UP_MAX);
  assert_non_null(strstr(member(f, &cut, "stopped"), "more causes"));
  whole = cause(f, number(f, first + 1), true);
  assert_int_equal(fsm_map_get(&whole, "items")->len, DOWN_MAX);
  assert_null(fsm_map_get(&whole, "stopped"));
  cut = cause(f, number(f, first), true);
  assert_int_equal(fsm_map_get(&cut, "items")->len, DOWN_MAX);
  assert_non_null(strstr(member(f, &cut, "stopped"), "more than one answer has"));
}

/* ---- hostile widths ------------------------------------------------------------------------------- */

/* What begins the ids of this store's records. */
static const char *prefix_of(fixture *f, const char *instance_id) {
  const fsm_value in = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = instance_id});
  const char *own = fsm_map_get(&fsm_map_get(&in, "items")->items[0], "id")->s;
  return fsm_arena_strndup(&f->arena, own, (size_t)(strrchr(own, '.') - own));
}

/* Instances that one record led to, all of one correlation: with that they are what is followed. */
static void as_many_correlations_and_instances_as_the_limit_are_followed(void **state) {
  enum { KEYS_MAX = 256 };
  fixture *f = *state;
  deploy(f, KIN);
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "kin";
  command.correlation = "one";
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  const char *first = fsm_arena_printf(&f->arena, "%lld", (long long)answer.seq);
  command.causation = fsm_arena_printf(&f->arena, "%s.%s", prefix_of(f, answer.instance), first);
  for (int i = 0; i < KEYS_MAX - 2; i++) { /* itself, and the correlation */
    answer = sent(f, &command);
    assert_code(&answer, FSM_OK);
  }
  fsm_value whole = cause(f, first, true);
  assert_int_equal(fsm_map_get(&whole, "items")->len, KEYS_MAX - 1);
  assert_null(fsm_map_get(&whole, "stopped"));
  answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  fsm_value cut = cause(f, first, true);
  assert_int_equal(fsm_map_get(&cut, "items")->len,
                   KEYS_MAX); /* by the correlation it is found all the same */
  assert_non_null(strstr(member(f, &cut, "stopped"), "more correlations and instances"));
}

/* A thousand links of what a record may hold would be a quarter of a gigabyte. */
static void an_answer_has_no_more_bytes_than_a_page_of_records(void **state) {
  enum { LINKS = 50, BYTES = 60 * 1024, FIT = FSM_RECORDS_BYTES_MAX / (3 * BYTES) };
  static char text[BYTES + 1];
  fixture *f = *state;
  deploy(f, COUNTER);
  started(f, "counter", "a", NULL);
  const char *prefix = strdup(prefix_of(f, "a"));
  const fsm_pair pair = {fsm_string("blob"), fsm_stringn(text, BYTES)};
  char id[96] = "mail";
  int64_t first = 0, last = 0;
  memset(text, 'b', BYTES);
  for (int i = 0; i < LINKS; i++) {
    fsm_command command = fsm_command_new(FSM_CMD_SEND);
    command.instance = "a";
    command.event = "BIG";
    command.causation = id;
    command.correlation = "one";
    command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &pair};
    text[0] = (char)('A' + i); /* so that the context changes, too */
    fsm_answer answer = sent(f, &command);
    assert_code(&answer, FSM_OK);
    last = (int64_t)answer.seq;
    if (first == 0) first = last;
    snprintf(id, sizeof id, "%s.%lld", prefix, (long long)last);
    fsm_arena_reset(&f->arena);
  }
  for (int down = 0; down < 2; down++) {
    fsm_arena_reset(&f->arena);
    const fsm_value cut = cause(f, number(f, down ? first : last), down);
    const uint32_t len = fsm_map_get(&cut, "items")->len;
    assert_in_range(len, FIT / 2, FIT + 1);
    assert_non_null(strstr(member(f, &cut, "stopped"), "one answer has"));
  }
  free((char *)(uintptr_t)prefix);
}

/* ---- pages from the end --------------------------------------------------------------------------- */

/* All seqs, gathered backwards in pages of n. */
static unsigned backwards(fixture *f, fsm_query q, unsigned n, int64_t seqs[256]) {
  unsigned count = 0;
  q.before = "now";
  q.limit = n;
  for (bool more = true; more;) {
    fsm_value page = query(f, q);
    const fsm_value *items = fsm_map_get(&page, "items"), *next = fsm_map_get(&page, "next");
    for (unsigned i = 0; i < items->len; i++)
      seqs[count + i] = fsm_map_get(&items->items[items->len - 1 - i], "seq")->i;
    count += items->len;
    more = fsm_is(next, FSM_STRING);
    if (more) q.before = next->s;
  }
  return count;
}

static void pages_from_the_end_are_those_from_the_front_turned_round(void **state) {
  fixture *f = *state;
  const fsm_pair pairs[] = {{fsm_string("instance"), fsm_string("a")}};
  const fsm_pair kinds[] = {{fsm_string("kind"), fsm_string("transition")}};
  const fsm_query queries[] = {
      {.kind = FSM_QUERY_RECORDS},
      {.kind = FSM_QUERY_HISTORY, .ref = "a"},
      {.kind = FSM_QUERY_RECORDS, .records = {.type = FSM_MAP, .len = 1, .pairs = pairs}},
      {.kind = FSM_QUERY_RECORDS, .records = {.type = FSM_MAP, .len = 1, .pairs = kinds}}};
  lives(f);
  (void)send_event(f, "a", "NEVER", NULL); /* a refusal among them */
  for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
    fsm_query q = queries[i];
    q.limit = FSM_PAGE_MAX;
    fsm_value page = query(f, q);
    const fsm_value *items = fsm_map_get(&page, "items");
    assert_true(items->len > 3);
    for (unsigned n = 1; n < items->len + 2; n += 3) {
      int64_t seqs[256];
      assert_int_equal(backwards(f, q, n, seqs), items->len);
      for (unsigned k = 0; k < items->len; k++)
        assert_int_equal(seqs[k], fsm_map_get(&items->items[items->len - 1 - k], "seq")->i);
    }
  }
}

static void a_page_has_one_end(void **state) {
  fixture *f = *state;
  fsm_value out;
  fsm_error err;
  lives(f);
  fsm_query q = {.kind = FSM_QUERY_RECORDS, .after = "1", .before = "now"};
  assert_int_equal(fsm_query_wait(f->runtime, &q, &f->arena, &out, &err), FSM_EARGUMENT);
  q = (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "a", .before = "x"};
  assert_int_equal(fsm_query_wait(f->runtime, &q, &f->arena, &out, &err), FSM_EARGUMENT);
  q = (fsm_query){.kind = FSM_QUERY_RECORDS, .before = "1"};
  assert_int_equal(fsm_query_wait(f->runtime, &q, &f->arena, &out, &err), FSM_OK);
  assert_int_equal(fsm_map_get(&out, "items")->len, 0);
  assert_true(fsm_is(fsm_map_get(&out, "next"), FSM_NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {C(what_a_record_led_to_is_what_goes_back_to_it),
                                     C(an_id_and_a_seq_name_the_same_record),
                                     C(what_is_no_record_is_told),
                                     C(a_chain_ends_at_what_one_answer_has),
                                     C(as_many_correlations_and_instances_as_the_limit_are_followed),
                                     C(an_answer_has_no_more_bytes_than_a_page_of_records),
                                     C(pages_from_the_end_are_those_from_the_front_turned_round),
                                     C(a_page_has_one_end)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
