/* test_apply_message.c: messages of records, as rows of their sender until another's record consumes them. */
#include "apply_fixture.h"

static const char ID[] = "00000000000000000003.00000";

static fsm_record sending(rig *r, const char *list) {
  fsm_record record = rec(r, FSM_RECORD_TRANSITION, 3);
  record.sends = rig_json(r, list);
  return record;
}

#define SENT(more) \
  "[{\"id\":\"00000000000000000003.00000\",\"to\":\"i2\",\"kind\":\"event\",\"event\":\"E\"" more "}]"

static unsigned messages(rig *r) {
  fsm__key prefix = fsm__key_instance(1, 'm', NULL, 0);
  const unsigned rows = rig_count(r, FSM_T_INSTANCES, prefix.bytes, prefix.len);
  assert_int_equal(rig_count(r, FSM_T_DUE, NULL, 0), rows);
  return rows;
}

static void a_message_is_due_at_once_or_when_it_says(void **state) {
  rig *r = *state;
  fsm__send send;
  apply(r, created(r, 2));
  apply(r, sending(r, SENT(",\"data\":7")));
  assert_int_equal(messages(r), 1);
  assert_int_equal(fsm__send_load(r->store, 1, ID, &r->arena, &send, NULL), FSM_OK);
  assert_string_equal(send.to, "i2");
  assert_string_equal(send.event, "E");
  assert_string_equal(send.corr, "corr");
  assert_int_equal(send.kind, FSM_SEND_EVENT);
  assert_int_equal(send.data.i, 7);
  assert_int_equal(send.seq, 3);
  assert_int_equal(send.due_ns, 3 * SECOND);
  assert_false(send.has_token);
  apply(r, sending(r, SENT(",\"due\":90000000000")));
  assert_int_equal(fsm__send_load(r->store, 1, ID, &r->arena, &send, NULL), FSM_OK);
  assert_int_equal(send.due_ns, 90 * SECOND);
}

static void it_is_gone_when_it_is_taken_back(void **state) {
  rig *r = *state;
  apply(r, created(r, 2));
  apply(r, sending(r, SENT(",\"due\":90000000000")));
  fsm_record back = rec(r, FSM_RECORD_TRANSITION, 4);
  back.sends = rig_json(r, "[{\"cancel\":\"00000000000000000003.00000\"}]");
  apply(r, back);
  assert_int_equal(messages(r), 0);
}

static void a_record_of_another_consumes_it_and_leaves_its_sender_as_it_is(void **state) {
  rig *r = *state;
  apply(r, created(r, 2));
  apply(r, sending(r, SENT("")));
  fsm_record taken = created(r, 4);
  taken.inst = "i2";
  taken.key = NULL;
  taken.msg = rig_json(r, "{\"from\":\"i1\",\"id\":\"00000000000000000003.00000\",\"due\":3000000000}");
  apply(r, taken);
  assert_int_equal(messages(r), 0);
  fsm__instance in = loaded(r);
  assert_int_equal(in.rev, 3);
  assert_int_equal(in.last_seq, 3);
}

static unsigned found_by(rig *r, const char *id) { return rig_count(r, FSM_T_ADDRESSED, id, strlen(id) + 1); }

/* However it goes: consumed, taken back, or with the end of its sender. */
static void an_event_that_is_listed_is_found_by_whom_it_is_for_until_it_is_gone(void **state) {
  rig *r = *state;
  static const char *const tos[] = {"i2", "#_i2", "#_scxml_i2"};
  apply(r, created(r, 2));
  for (size_t i = 0; i < 3; i++) {
    apply(r, sending(r, fsm_arena_printf(
                            &r->arena,
                            "[{\"id\":\"00000000000000000003.00000\",\"to\":\"%s\",\"kind\":\"event\","
                            "\"event\":\"E\",\"listed\":true}]",
                            tos[i])));
    assert_int_equal(found_by(r, "i2"), 1);
    assert_int_equal(found_by(r, "i"), 0);
    fsm_record taken = rec(r, FSM_RECORD_REJECTED, 4);
    taken.inst = NULL;
    taken.msg = rig_json(r, fsm_arena_printf(&r->arena,
                                             "{\"from\":\"i1\",\"id\":\"00000000000000000003.00000\",\"due\":"
                                             "3000000000,\"to\":\"%s\"}",
                                             tos[i]));
    apply(r, taken);
    assert_int_equal(rig_count(r, FSM_T_ADDRESSED, NULL, 0), 0);
  }
  apply(r, sending(r, SENT(",\"listed\":true,\"due\":90000000000")));
  assert_int_equal(found_by(r, "i2"), 1);
  fsm_record back = rec(r, FSM_RECORD_TRANSITION, 4);
  back.sends = rig_json(r, "[{\"cancel\":\"00000000000000000003.00000\"}]");
  apply(r, back);
  assert_int_equal(rig_count(r, FSM_T_ADDRESSED, NULL, 0), 0);
  apply(r, sending(r, SENT(",\"listed\":true,\"due\":90000000000")));
  apply(r, rec(r, FSM_RECORD_COMPLETED, 4));
  assert_int_equal(rig_count(r, FSM_T_ADDRESSED, NULL, 0), 0);
}

/* Replaying what was written before there was such a table gives no row that its store does not have. */
static void what_is_not_listed_gives_no_row(void **state) {
  rig *r = *state;
  apply(r, created(r, 2));
  apply(r, sending(r, SENT("")));
  assert_int_equal(messages(r), 1);
  assert_int_equal(rig_count(r, FSM_T_ADDRESSED, NULL, 0), 0);
}

static void so_does_a_refusal_also_of_nobody(void **state) {
  rig *r = *state;
  apply(r, created(r, 2));
  apply(r, sending(r, SENT("")));
  fsm_record refused = rec(r, FSM_RECORD_REJECTED, 4);
  refused.inst = NULL;
  refused.msg = rig_json(r, "{\"from\":\"i1\",\"id\":\"00000000000000000003.00000\",\"due\":3000000000}");
  apply(r, refused);
  assert_int_equal(messages(r), 0);
}

static void the_end_of_its_sender_drops_what_is_not_due_yet(void **state) {
  rig *r = *state;
  apply(r, created(r, 2));
  apply(r, sending(r,
                   "[{\"id\":\"00000000000000000003.00000\",\"to\":\"i2\",\"kind\":\"done\"},"
                   "{\"id\":\"00000000000000000003.00001\",\"to\":\"#_x\",\"kind\":\"event\",\"event\":\"E\","
                   "\"due\":90000000000}]"));
  assert_int_equal(messages(r), 2);
  apply(r, rec(r, FSM_RECORD_COMPLETED, 4));
  assert_int_equal(messages(r), 1);
  fsm__send send;
  assert_int_equal(fsm__send_load(r->store, 1, ID, &r->arena, &send, NULL), FSM_OK);
  assert_int_equal(send.kind, FSM_SEND_DONE);
}

static void what_cannot_be_a_message_is_corrupt(void **state) {
  rig *r = *state;
  static const char *const sends[] = {
      "[{\"to\":\"i2\",\"kind\":\"event\"}]",
      "[{\"id\":\"00000000000000000003.00000\",\"kind\":\"event\"}]",
      "[{\"id\":\"00000000000000000002.00000\",\"to\":\"i2\",\"kind\":\"event\"}]",
      "[{\"id\":\"00000000000000000003.00000\",\"to\":\"i2\",\"kind\":\"wish\"}]",
      "[{\"id\":\"00000000000000000003.00000\",\"to\":\"i2\",\"kind\":\"event\",\"tok\":\"text\"}]",
      "[{\"id\":\"00000000000000000003.00000\",\"to\":\"i2\",\"kind\":\"event\",\"due\":-1}]",
      "[1]"};
  static const char *const msgs[] = {"{\"id\":\"00000000000000000003.00000\",\"due\":1}",
                                     "{\"from\":\"i1\",\"due\":1}",
                                     "{\"from\":\"i1\",\"id\":\"00000000000000000003.00000\"}",
                                     "{\"from\":\"i1\",\"id\":\"00000000000000000003.00000\",\"due\":-1}"};
  fsm_error err;
  apply(r, created(r, 2));
  for (size_t i = 0; i < sizeof sends / sizeof sends[0]; i++) {
    fsm_record record = sending(r, sends[i]);
    assert_int_equal(apply_frame(r, &record, 1, &err), FSM_ECORRUPT);
    assert_string_equal(err.where, "seq 3");
  }
  for (size_t i = 0; i < sizeof msgs / sizeof msgs[0]; i++) {
    fsm_record record = rec(r, FSM_RECORD_TRANSITION, 3);
    record.msg = rig_json(r, msgs[i]);
    assert_int_equal(apply_frame(r, &record, 1, &err), FSM_ECORRUPT);
    assert_string_equal(err.where, "seq 3");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      R(a_message_is_due_at_once_or_when_it_says),
      R(it_is_gone_when_it_is_taken_back),
      R(a_record_of_another_consumes_it_and_leaves_its_sender_as_it_is),
      R(an_event_that_is_listed_is_found_by_whom_it_is_for_until_it_is_gone),
      R(what_is_not_listed_gives_no_row),
      R(so_does_a_refusal_also_of_nobody),
      R(the_end_of_its_sender_drops_what_is_not_due_yet),
      R(what_cannot_be_a_message_is_corrupt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
