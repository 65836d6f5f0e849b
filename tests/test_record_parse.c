/* test_record_parse.c: the JSON form of a record gives its stored bytes again, or says why it may not. */
#include "random_record.h"

#include "schema/json.h"
#include "schema/mask.h"
#include "schema/record_parse.h"
#include "tests/arena_scene.h"

/* Through a text, as it comes over a wire. */
static fsm_value shown(const fsm_record *record) {
  static const fsm_origin origin = {.epoch = 3};
  fsm_value view, back;
  fsm_buf text = {0};
  assert_int_equal(fsm_record_view(&arena, record, &origin, &view, NULL), FSM_OK);
  fsm_json_write(&text, &view);
  char *kept = fsm_arena_strndup(&arena, text.data, text.len);
  fsm_error err = {.text = ""};
  if (fsm_json_parse(&arena, kept, text.len, FSM_JSON_SORTED, &back, &err))
    fail_msg("%s: %s", err.where, err.text);
  fsm_buf_free(&text);
  return back;
}

static fsm_buf stored(const fsm_record *record) {
  fsm_buf buf = {0};
  assert_int_equal(fsm_record_encode(&buf, record, NULL), FSM_OK);
  return buf;
}

static fsm_value json(const char *text) {
  fsm_value out;
  assert_int_equal(fsm_json_parse(&arena, text, strlen(text), FSM_JSON_SORTED, &out, NULL), FSM_OK);
  return out;
}

static void golden_records_come_back(void **state) {
  (void)state;
  static char line[16384], kind[32];
  FILE *file = fopen(FSM_SOURCE_DIR "/tests/golden/record-v1.txt", "r");
  unsigned count = 0;
  assert_non_null(file);
  while (fscanf(file, "%31s %16383s", kind, line) == 2) {
    size_t len = strlen(line) / 2;
    uint8_t *bytes = fsm_arena_alloc(&arena, len);
    for (size_t i = 0; i < len; i++) assert_int_equal(sscanf(line + 2 * i, "%2hhx", &bytes[i]), 1);
    fsm_record record;
    assert_int_equal(fsm_record_decode(&arena, bytes, len, &record, NULL), FSM_OK);
    fsm_value view = shown(&record);
    fsm_buf back = {0};
    const char *doubt = NULL;
    fsm_error err = {.text = ""};
    if (fsm_record_parse(&arena, &view, &back, &doubt, &err))
      fail_msg("%s: %s: %s", kind, err.where, err.text);
    if (back.len != len || memcmp(back.data, bytes, len) != 0)
      if (doubt == NULL || strcmp(kind, "every-field") != 0) fail_msg("%s: other bytes (%s)", kind, doubt);
    fsm_buf_free(&back);
    count++;
  }
  fclose(file);
  assert_int_equal(count, FSM_RECORD_KIND_COUNT + 1);
}

/* Other bytes without a doubt would be called an alteration. */
static void random_records_come_back_or_say_why_not(void **state) {
  (void)state;
  chance c = {.state = 7, .arena = &arena};
  unsigned same = 0, doubtful = 0, runs = 4000;
  for (unsigned i = 0; i < runs; i++) {
    fsm_arena_reset(&arena);
    fsm_record record = chance_record(&c);
    fsm_buf bytes = {0}, back = {0};
    if (fsm_record_encode(&bytes, &record, NULL) != FSM_OK) {
      fsm_buf_free(&bytes);
      continue;
    }
    fsm_value view = shown(&record);
    const char *doubt = NULL;
    fsm_error err = {.text = ""};
    fsm_code code = fsm_record_parse(&arena, &view, &back, &doubt, &err);
    bool equal = code == FSM_OK && back.len == bytes.len && memcmp(back.data, bytes.data, bytes.len) == 0;
    if (!equal && code == FSM_OK && doubt == NULL) {
      fsm_buf text = {0};
      fsm_json_write(&text, &view);
      fail_msg("other bytes and no doubt: run %u: %s", i, fsm_buf_text(&text));
    }
    if (code != FSM_OK) fail_msg("run %u: %s: %s", i, err.where, err.text);
    same += equal;
    doubtful += !equal;
    fsm_buf_free(&bytes);
    fsm_buf_free(&back);
  }
  assert_true(same > runs / 40); /* most of them are odd on purpose */
  assert_true(doubtful > 0);
}

static fsm_record plain(void) {
  static const uint8_t hash[32] = {1};
  fsm_record r = fsm_record_new(FSM_RECORD_NOTE);
  r.seq = 7;
  r.time_ns = 1700000000123456789;
  r.prev = r.def = r.ctxh = hash;
  r.mach = "m";
  r.inst = "i-1";
  r.rev = 2;
  r.corr = "2026";
  r.trigger = "";
  return r;
}

static void what_may_have_been_something_else_is_a_doubt(void **state) {
  (void)state;
  static const struct {
    const char *data;
    bool doubt;
  } cases[] = {{"{\"a\":\"plain\",\"b\":[1,2.5,true,null]}", false},
               {"{\"a\":\"[masked]\"}", true},
               {"{\"a\":\"x, [masked]\"}", true},
               {"{\"a\":\"cafe\"}", true},
               {"{\"a\":\"CAFE\"}", false},
               {"{\"a\":\"2026-01-01T00:00:00Z\"}", true},
               {"{\"a\":\"1.5s\"}", true},
               {"{\"a\":\"9007199254740993x\"}", false},
               {"{\"a\":\"-9007199254740993\"}", true},
               {"{\"1\":2}", true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fsm_record r = plain();
    r.data = json(cases[i].data);
    fsm_value view = shown(&r);
    fsm_buf back = {0}, bytes = stored(&r);
    const char *doubt = NULL;
    assert_int_equal(fsm_record_parse(&arena, &view, &back, &doubt, NULL), FSM_OK);
    if ((doubt != NULL) != cases[i].doubt) fail_msg("%s: %s", cases[i].data, doubt ? doubt : "no doubt");
    assert_int_equal(back.len, bytes.len);
    assert_memory_equal(back.data, bytes.data, bytes.len);
    fsm_buf_free(&back);
    fsm_buf_free(&bytes);
  }
}

/* The same bytes, and no doubt. */
static void proved(const fsm_record *r) {
  fsm_value view = shown(r);
  fsm_buf back = {0}, bytes = stored(r);
  const char *doubt = NULL;
  assert_int_equal(fsm_record_parse(&arena, &view, &back, &doubt, NULL), FSM_OK);
  if (doubt != NULL) fail_msg("%s", doubt);
  assert_int_equal(back.len, bytes.len);
  assert_memory_equal(back.data, bytes.data, bytes.len);
  fsm_buf_free(&back);
  fsm_buf_free(&bytes);
}

static fsm_value map_of(const fsm_pair *pairs, size_t count) {
  fsm_value out;
  fsm_pair *kept = fsm_arena_zalloc(&arena, count, sizeof *kept);
  memcpy(kept, pairs, count * sizeof *kept);
  assert_int_equal(fsm_map(kept, count, &out, NULL), FSM_OK);
  return out;
}

static void times_and_tokens_in_tasks_and_timers_are_proved(void **state) {
  (void)state;
  const fsm_pair task[] = {{fsm_string("heartbeat_by"), fsm_int(1700000000000000001)},
                           {fsm_string("id"), fsm_string("review")},
                           {fsm_string("next"), fsm_int(1700000000123456789)},
                           {fsm_string("tok"), fsm_bytes("0123456789abcdef", 16)}},
                 timer[] = {{fsm_string("due"), fsm_int(1700000000000000000)},
                            {fsm_string("id"), fsm_string("late")}};
  const fsm_value tasks[] = {map_of(task, 4)}, timers[] = {map_of(timer, 2)};
  fsm_record r = plain();
  r.tasks = fsm_list(tasks, 1);
  proved(&r);
  r.tasks = fsm_null();
  r.timers = fsm_list(timers, 1);
  proved(&r);
}

static void messages_have_their_times_as_timers_have_and_are_proved(void **state) {
  (void)state;
  const fsm_pair send[] = {{fsm_string("due"), fsm_int(1700000000000000001)},
                           {fsm_string("event"), fsm_string("HELLO")},
                           {fsm_string("to"), fsm_string("b")},
                           {fsm_string("tok"), fsm_bytes("0123456789abcdef", 16)}},
                 msg[] = {{fsm_string("due"), fsm_int(1700000009000000000)},
                          {fsm_string("from"), fsm_string("a")},
                          {fsm_string("id"), fsm_string("m-1")}};
  const fsm_value sends[] = {map_of(send, 4)};
  fsm_record r = plain();
  r.sends = fsm_list(sends, 1);
  r.msg = map_of(msg, 3);
  proved(&r);
  const fsm_value view = shown(&r);
  const fsm_value *sent = &fsm_map_get(&view, "sends")->items[0];
  assert_true(fsm_is_text(fsm_map_get(sent, "due"), "2023-11-14T22:13:20.000000001Z"));
  assert_true(fsm_is_text(fsm_map_get(sent, "tok"), "30313233343536373839616263646566"));
  assert_true(fsm_is_text(fsm_map_get(fsm_map_get(&view, "msg"), "due"), "2023-11-14T22:13:29Z"));
}

static void the_times_of_summed_refusals_are_shown_as_times_and_proved(void **state) {
  (void)state;
  const fsm_pair detail[] = {{fsm_string("count"), fsm_int(7)},
                             {fsm_string("excerpt"), fsm_string("so it was")},
                             {fsm_string("first"), fsm_int(1700000000000000001)},
                             {fsm_string("last"), fsm_int(1700000009000000000)}};
  fsm_record r = plain();
  r.detail = map_of(detail, 4);
  proved(&r);
  const fsm_value view = shown(&r);
  const fsm_value *there = fsm_map_get(&view, "detail");
  assert_true(fsm_is_text(fsm_map_get(there, "first"), "2023-11-14T22:13:20.000000001Z"));
  assert_true(fsm_is_text(fsm_map_get(there, "last"), "2023-11-14T22:13:29Z"));
}

static void a_trace_is_proved_and_one_that_w3c_has_no_place_for_is_doubted(void **state) {
  (void)state;
  fsm_value three[] = {fsm_bytes("0123456789abcdef", 16), fsm_bytes("01234567", 8), fsm_int(255)};
  fsm_record r = plain();
  r.trace = fsm_list(three, 3);
  proved(&r);
  three[2] = fsm_int(256);
  fsm_value view = shown(&r);
  fsm_buf back = {0};
  const char *doubt = NULL;
  assert_int_equal(fsm_record_parse(&arena, &view, &back, &doubt, NULL), FSM_OK);
  assert_non_null(doubt);
  fsm_buf_free(&back);
}

static void what_is_no_record_is_refused_with_its_field(void **state) {
  (void)state;
  static const struct {
    const char *text, *where;
  } cases[] = {
      {"[]", ""},
      {"{}", ""},
      {"{\"v\":1,\"seq\":\"x\"}", "seq"},
      {"{\"v\":1,\"seq\":1,\"time\":\"yesterday\"}", "time"},
      {"{\"v\":1,\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\",\"kind\":\"odd\"}", "kind"},
      {"{\"v\":1,\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\",\"kind\":\"note\",\"outcome\":\"taken\",\"i\":0,"
       "\"n\":1,\"level\":1,\"prev\":\"ab\"}",
       "prev"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fsm_value view = json(cases[i].text);
    fsm_buf back = {0};
    fsm_error err = {.text = ""};
    const char *doubt = NULL;
    assert_int_equal(fsm_record_parse(&arena, &view, &back, &doubt, &err), FSM_EDATA);
    assert_string_equal(err.where, cases[i].where);
    assert_int_equal(back.len, 0);
    fsm_buf_free(&back);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(golden_records_come_back),
      cmocka_unit_test(random_records_come_back_or_say_why_not),
      cmocka_unit_test(what_may_have_been_something_else_is_a_doubt),
      cmocka_unit_test(times_and_tokens_in_tasks_and_timers_are_proved),
      cmocka_unit_test(messages_have_their_times_as_timers_have_and_are_proved),
      cmocka_unit_test(the_times_of_summed_refusals_are_shown_as_times_and_proved),
      cmocka_unit_test(a_trace_is_proved_and_one_that_w3c_has_no_place_for_is_doubted),
      cmocka_unit_test(what_is_no_record_is_refused_with_its_field),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
