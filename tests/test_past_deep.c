/* test_past_deep.c: as-of of an instance with as many records as one answer looks at, and one more; what it
 * costs with a wide context (FSM_PAST_DEEP=N records, FSM_PAST_WIDE=N fields: a figure, for more than that).
 */
#include "children_scene.h"

#include "runtime/past.h"

/* GO goes round and round: some 800 records in one frame. */
static const char DEEP[] =
    "{\"id\":\"deep\",\"initial\":\"a\",\"context\":{\"n\":0%s},\"states\":{"
    "\"a\":{\"on\":{\"ADD\":{\"context\":{\"n\":{\"@expr\":\"context.n + 1\"}}},"
    "\"GO\":{\"target\":\"b\",\"context\":{\"n\":{\"@expr\":\"context.n + 1\"}}}}},"
    "\"b\":{\"always\":[{\"guard\":{\"@expr\":\"context.n %% 400 != "
    "0\"},\"target\":\"c\",\"context\":{\"n\":{\"@expr\":\"context.n + 1\"}}},{\"target\":\"a\"}]},"
    "\"c\":{\"always\":{\"target\":\"b\"}}}}";

static void begin(fixture *f, int fields) {
  static char text[4 << 20], more[3 << 20];
  size_t len = 0;
  for (int i = 0; i < fields; i++)
    len += (size_t)snprintf(more + len, sizeof more - len, ",\"field_%d\":\"value of field %d\"", i, i);
  snprintf(text, sizeof text, DEEP, more);
  deploy(f, text);
  started(f, "deep", "d", NULL);
}

static void sent_n(fixture *f, const char *event, int64_t until) {
  while (seq_now(f) < until) {
    fsm_answer answer = send_event(f, "d", event, NULL);
    assert_code(&answer, FSM_OK);
    fsm_arena_reset(&f->arena);
  }
}

static fsm_code n_at(fixture *f, int64_t seq, int64_t *n, fsm_error *err) {
  char as_of[32];
  fsm_value in;
  snprintf(as_of, sizeof as_of, "@%lld", (long long)seq);
  fsm_arena_reset(&f->arena);
  const fsm_query q = {.kind = FSM_QUERY_INSTANCE, .ref = "d", .as_of = as_of};
  fsm_code code = fsm_query_wait(f->runtime, &q, &f->arena, &in, err);
  if (code == FSM_OK) *n = fsm_map_get(fsm_map_get(&in, "context"), "n")->i;
  return code;
}

static double ms_of(fixture *f, int64_t seq) {
  struct timespec from, to;
  int64_t n = 0;
  fsm_error err;
  clock_gettime(CLOCK_MONOTONIC, &from);
  assert_int_equal(n_at(f, seq, &n, &err), FSM_OK);
  clock_gettime(CLOCK_MONOTONIC, &to);
  return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

static int64_t now_n(fixture *f) {
  const fsm_value in = instance(f, "d");
  return fsm_map_get(fsm_map_get(&in, "context"), "n")->i;
}

/* Seq 1 is the machine: the last record that may lead to an answer has the seq of the limit and one. */
static void as_many_records_as_the_limit_lead_to_an_answer_and_one_more_does_not(void **state) {
  fixture *f = *state;
  const int64_t edge = FSM_PAST_RECORDS_MAX + 1;
  fsm_error err = {.text = ""};
  int64_t n = 0;
  begin(f, 0);
  sent_n(f, "GO", edge - 1000);
  sent_n(f, "ADD", edge);
  const int64_t whole = now_n(f);
  assert_int_equal(seq_now(f), edge);
  assert_int_equal(n_at(f, edge, &n, &err), FSM_OK);
  assert_int_equal(n, whole);
  sent_n(f, "ADD", edge + 1);
  assert_int_equal(n_at(f, edge, &n, &err), FSM_OK); /* what is behind the moment does not count */
  assert_int_equal(n, whole);
  assert_int_equal(n_at(f, edge + 1, &n, &err), FSM_ETOOLARGE);
  assert_non_null(strstr(err.text, "more than 100000 records"));
}

/* A figure that nothing is compared with. */
static void what_it_costs(void **state) {
  fixture *f = *state;
  const char *wide = getenv("FSM_PAST_WIDE"), *deep = getenv("FSM_PAST_DEEP");
  const int fields = wide ? (int)strtol(wide, NULL, 10) : 200,
            most = deep ? (int)strtol(deep, NULL, 10) : 300;
  begin(f, fields);
  sent_n(f, deep && !wide ? "GO" : "ADD", most);
  const int64_t last = seq_now(f);
  for (int part = 1; part <= 4; part++) {
    const double ms = ms_of(f, last * part / 4);
    print_message("%d fields: as of @%lld of %lld: %.1f ms\n", fields, (long long)last * part / 4,
                  (long long)last, ms);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {C(as_many_records_as_the_limit_lead_to_an_answer_and_one_more_does_not),
                                     C(what_it_costs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
