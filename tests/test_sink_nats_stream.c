/* test_sink_nats_stream.c: what the NATS sink makes and refuses of a stream, and what it reads of answers. */
#include "tests/nats_stream_scene.h"

/* ---- driving ---- */

/* The same as an outbox does it: after a refusal from the cursor on again. */
static void publish_on(uint64_t to) {
  for (int i = 0; i < 20 && cursor.seq < to; i++) {
    assert_int_equal(prepare(NULL), FSM_OK);
    uint64_t good = answers.good;
    answers.bad = 0;
    for (uint64_t seq = cursor.seq + 1; seq <= to; seq++) give(seq, false);
    (void)await();
    cursor.seq += answers.good - good;
    cursor.sent_seq = cursor.seq;
    cursor.stream_seq = answers.place;
    assert_int_equal(leaf_of(NULL, cursor.seq, &cursor.leaf, NULL), FSM_OK);
  }
  assert_int_equal(cursor.seq, to);
}

/* ---- tests ---- */

static void one_that_is_missing_is_made_as_it_must_be(void **state) {
  (void)state;
  jsStreamInfo *info = NULL;
  assert_int_equal(prepare(NULL), FSM_OK);
  assert_int_equal(js_GetStreamInfo(&info, js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  const jsStreamConfig *c = info->Config;
  assert_true(c->Storage == js_FileStorage && c->Retention == js_LimitsPolicy && c->Discard == js_DiscardNew);
  assert_true(c->Duplicates == FSM_NATS_DUPLICATES_NS && c->Replicas == 1 && c->MaxAge == 0);
  assert_true(c->MaxMsgs <= 0 && c->MaxBytes <= 0 && c->MaxMsgsPerSubject <= 0 && c->MaxMsgSize <= 0);
  assert_true(!c->DenyDelete && !c->DenyPurge && !c->NoAck && !c->Sealed);
  jsStreamInfo_Destroy(info);
}

static jsStreamConfig good_stream(const char *subjects[1]) {
  jsStreamConfig c;
  jsStreamConfig_Init(&c);
  c.Name = "FSM_EVT_0";
  c.Subjects = subjects;
  c.SubjectsLen = 1;
  c.Discard = js_DiscardNew;
  c.Duplicates = FSM_NATS_DUPLICATES_NS;
  return c;
}

static void unsafe_ones_are_refused_with_the_field(void **state) {
  (void)state;
  enum { CASES = 9 };
  const char *ours[] = {"fsm.evt.>"}, *wider[] = {"fsm.>"}, *two[] = {"fsm.evt.>", "other.>"};
  jsRePublish republish = {.Source = ">", .Destination = "copy.>"};
  static const char *const fields[CASES] = {"storage",      "retention", "no_ack",
                                            "max_age",      "discard",   "max_msgs_per_subject",
                                            "max_msg_size", "subjects",  "republish"};
  for (int i = 0; i <= CASES; i++) {
    jsStreamConfig c = good_stream(i == 7 ? wider : ours);
    fsm_error err = {0};
    if (i == 0) c.Storage = js_MemoryStorage;
    if (i == 1) c.Retention = js_WorkQueuePolicy;
    if (i == 2) c.NoAck = true;
    if (i == 3) c.MaxAge = INT64_C(3600000000000);
    if (i == 4) c.Discard = js_DiscardOld, c.MaxMsgs = 10;
    if (i == 5) c.MaxMsgsPerSubject = 10;
    if (i == 6) c.MaxMsgSize = 100000;
    if (i == 8) c.RePublish = &republish;
    if (i == 9) c.Subjects = two, c.SubjectsLen = 2;
    assert_int_equal(js_AddStream(NULL, js, &c, NULL, NULL), NATS_OK);
    assert_int_equal(prepare(&err), FSM_EDEFINITION);
    assert_string_equal(err.where, "FSM_EVT_0");
    if (strstr(err.text, i < CASES ? fields[i] : "subjects") == NULL) fail_msg("case %d: %s", i, err.text);
    assert_int_equal(js_DeleteStream(js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  }
}

static void one_that_refuses_when_it_is_full_is_safe_and_says_that_it_is_full(void **state) {
  (void)state;
  const char *ours[] = {"fsm.evt.>"};
  jsStreamConfig c = good_stream(ours);
  c.MaxMsgs = 100;
  assert_int_equal(js_AddStream(NULL, js, &c, NULL, NULL), NATS_OK);
  assert_true(filled_journal_add(&filled, 150, "text"));
  assert_int_equal(prepare(NULL), FSM_OK);
  for (uint64_t seq = 1; seq <= 150; seq++) give(seq, false);
  assert_false(await());
  assert_int_equal(answers.code, FSM_EQUOTA);
  assert_non_null(strstr(answers.text, "maximum messages exceeded"));
  assert_non_null(strstr(answers.text, "raise its max_bytes or max_msgs"));
  c.MaxMsgs = 1000; /* raised */
  assert_int_equal(js_UpdateStream(NULL, js, &c, NULL, NULL), NATS_OK);
  answers.bad = 0;
  publish_to(150);
  assert_stream_has(150);
}

static void a_stream_that_was_deleted_is_noticed_between_two_records(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 20, "text"));
  publish_to(20);
  assert_int_equal(js_DeleteStream(js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  fsm__sink_view view = view_of();
  fsm__sink_lost lost;
  fsm_error err = {0};
  assert_int_equal(sink->reconcile(sink, &view, &cursor, &lost, &err), FSM_EUNREACHABLE);
  assert_non_null(strstr(err.text, "made anew"));
  publish_to(20);
  assert_stream_has(20);
}

static void duplicates_are_acknowledged_where_they_were(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 1000, "text"));
  publish_to(600);
  erase(7); /* without a cursor nothing is proved */
  memset(&cursor, 0, sizeof cursor);
  assert_int_equal(prepare(NULL), FSM_OK);
  assert_int_equal(cursor.seq, 0);
  for (uint64_t seq = 1; seq <= 600; seq++) give(seq, false);
  assert_true(await()); /* each has its answer, none is swallowed */
  assert_int_equal(answers.place, 600);
  assert_int_equal(answers.good, 1200);
}

/* The cursor as it was saved: behind what the stream had when it was purged, or lost one message. */
static void what_is_known_by_its_id_and_is_gone_is_given_again(void **state) {
  (void)state;
  for (int purge = 0; purge <= 1; purge++) {
    assert_true(filled_journal_add(&filled, 60, "text"));
    uint64_t end = purge ? 120 : 60;
    publish_on(end);
    (void)reconcile();
    cursor.seq = cursor.sent_seq = cursor.stream_seq = end - 20;
    assert_int_equal(leaf_of(NULL, cursor.seq, &cursor.leaf, NULL), FSM_OK);
    if (purge) assert_int_equal(js_PurgeStream(js, "FSM_EVT_0", NULL, NULL), NATS_OK);
    if (!purge) erase(50);
    assert_int_equal(prepare(NULL), FSM_OK);
    fsm__sink_lost lost = reconcile();
    if (lost.from > 0) repair(lost.from, lost.to);
    publish_on(end);
    assert_stream_has(end);
  }
}

static void a_stranger_at_the_end_stops_it_until_somebody_clears_it(void **state) {
  (void)state;
  fsm_error err = {0};
  assert_true(filled_journal_add(&filled, 10, "text"));
  publish_to(5);
  assert_int_equal(js_Publish(NULL, js, "fsm.evt.x.y.z", "?", 1, NULL, NULL), NATS_OK);
  assert_int_equal(prepare(&err), FSM_EVERIFY);
  assert_non_null(strstr(err.text, "outbox clear"));
  sink->clear(sink);
  publish_to(10);
  assert_int_equal(prepare(&err), FSM_OK);
  assert_int_equal(js_Publish(NULL, js, "fsm.evt.x.y.z", "?", 1, NULL, NULL), NATS_OK);
  assert_int_equal(prepare(&err), FSM_EVERIFY); /* cleared was that one, not the next */
}

static void answers_are_read_and_nothing_else_is_one(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t seq;
    bool ours, duplicate, error;
    unsigned js_code;
  } cases[] = {
      {"{\"stream\":\"S\", \"seq\":7}", 7, true, false, false, 0},
      {"{\"stream\":\"S\",\"seq\":7,\"duplicate\": true}", 7, true, true, false, 0},
      {"{\"stream\":\"S\",\"domain\":\"d\",\"seq\":18446744073709551615}", 0, true, false, false, 0},
      {"{\"stream\":\"T\",\"seq\":7}", 7, false, false, false, 0},
      {"{\"error\":{\"code\":400,\"err_code\":10071,\"description\":\"wrong last sequence: "
       "5\"},\"stream\":\"S\","
       "\"seq\":0}",
       0, false, false, true, 10071},
      {"", 0, false, false, false, 0},
      {"{", 0, false, false, false, 0},
      {"{\"stream\":\"S\",\"seq\"", 0, false, false, false, 0},
      {"+OK", 0, false, false, false, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm__nats_answer a;
    fsm__nats_answer_read(cases[i].text, strlen(cases[i].text), "S", &a);
    assert_true(a.seq == cases[i].seq && a.ours == cases[i].ours && a.duplicate == cases[i].duplicate);
    assert_true(a.error == cases[i].error && a.js_code == cases[i].js_code);
  }
}

static void a_stream_made_anew_moves_nobody_forward_whom_the_archive_feeds(void **state) {
  (void)state;
  fsm_error err = {0};
  assert_true(filled_journal_add(&filled, 30, "x"));
  publish_to(10);
  assert_int_equal(js_DeleteStream(js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  cursor.spilled = true;
  pruned = 20; /* 11 to 20 are in the archive alone, and were never sent */
  assert_int_equal(prepare(&err), FSM_OK);
  assert_int_equal(cursor.seq, 10);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest alone[] = {cmocka_unit_test(answers_are_read_and_nothing_else_is_one)};
  const struct CMUnitTest with_server[] = {
      TEST(one_that_is_missing_is_made_as_it_must_be),
      TEST(unsafe_ones_are_refused_with_the_field),
      TEST(one_that_refuses_when_it_is_full_is_safe_and_says_that_it_is_full),
      TEST(a_stream_that_was_deleted_is_noticed_between_two_records),
      TEST(a_stream_made_anew_moves_nobody_forward_whom_the_archive_feeds),
      TEST(a_stranger_at_the_end_stops_it_until_somebody_clears_it),
      TEST(duplicates_are_acknowledged_where_they_were),
      TEST(what_is_known_by_its_id_and_is_gone_is_given_again),
  };
  int failed = cmocka_run_group_tests(alone, NULL, NULL);
  if (nats_server_there()) failed += cmocka_run_group_tests(with_server, NULL, NULL);
  return failed;
}
