/* test_message.c: a record as a message: what consumers route by, and what they read. */
#include "runtime/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "filled_journal.h"
#include "schema/json.h"

static fsm_arena arena;
static const fsm_origin origin = {.store = {0xab, 1, 2, 3}, .partition = 4, .epoch = 5};

static fsm__formatter *json, *stored;
static fsm_buf payload;

static int up(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  fsm__format_options of_json = {.format = "json"}, of_stored = {.format = "msgpack"};
  return fsm__formatter_new(&of_json, &json, NULL) == FSM_OK &&
                 fsm__formatter_new(&of_stored, &stored, NULL) == FSM_OK
             ? 0
             : -1;
}

static int down(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  fsm_buf_free(&payload);
  fsm__formatter_free(json);
  fsm__formatter_free(stored);
  return 0;
}

static fsm__exported exported(const fsm_record *record) {
  fsm_buf buf = {0};
  fsm_error err = {0};
  assert_int_equal(fsm_record_encode(&buf, record, &err), FSM_OK);
  fsm__exported e = {.origin = origin,
                     .data = fsm_arena_strndup(&arena, buf.data, buf.len),
                     .len = buf.len,
                     .seq = record->seq,
                     .after = record->seq - 1,
                     .leaf = fsm__leaf(buf.data, buf.len)};
  fsm_buf_free(&buf);
  return e;
}

static fsm_code give(const fsm__exported *e, size_t payload_max, fsm__message *out, fsm_error *err) {
  fsm__message_options options = {.prefix = "fsm",
                                  .formatter = json,
                                  .stored = stored,
                                  .payload_max = payload_max,
                                  .repair = 77,
                                  .tail = 5};
  return fsm__message_of(&options, e, &arena, &payload, out, err);
}

static fsm__message message_of(const fsm_record *record, size_t payload_max) {
  fsm__exported e = exported(record);
  fsm__message out;
  fsm_error err = {0};
  if (give(&e, payload_max, &out, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  return out;
}

static fsm_record record_of(uint64_t seq, const char *text) {
  fsm_pair *act = fsm_arena_zalloc(&arena, 2, sizeof *act);
  fsm_value *values = fsm_arena_zalloc(&arena, 6, sizeof *values);
  static const fsm__hash prev = {{9}};
  return filled_journal_record(seq, text, &prev, act, values, values + 3);
}

static const char *header(const fsm__message *m, const char *name) {
  const char *value = NULL;
  for (size_t i = 0; i < m->header_count; i++) {
    if (strcmp(m->headers[i].name, name) != 0) continue;
    assert_null(value); /* once */
    value = m->headers[i].value;
  }
  return value;
}

static void a_record_of_an_instance_has_all_its_headers(void **state) {
  (void)state;
  fsm_record r = record_of(7, "x");
  fsm__message m = message_of(&r, 0);
  assert_string_equal(m.subject, "fsm.evt.document%2Eapproval.transition.SUBMIT");
  assert_string_equal(m.id, "ab010203000000000000000000000000.4.5.7");
  assert_string_equal(header(&m, "Nats-Msg-Id"), m.id);
  assert_string_equal(header(&m, "Fsm-Seq"), "7");
  assert_string_equal(header(&m, "Fsm-After"), "6");
  assert_int_equal(strlen(header(&m, "Fsm-Prev")), 64);
  assert_int_equal(strncmp(header(&m, "Fsm-Prev"), "0900", 4), 0);
  assert_string_equal(header(&m, "Fsm-Instance"), "doc-1");
  assert_string_equal(header(&m, "Fsm-Correlation-Id"), "corr-1");
  assert_string_equal(header(&m, "Fsm-User"), "alice");
  assert_string_equal(header(&m, "Fsm-Session"), "session-1");
  assert_string_equal(header(&m, "Fsm-Event"), "SUBMIT");
  assert_string_equal(header(&m, "Fsm-From"), "draft");
  assert_string_equal(header(&m, "Fsm-To"), "review.legal,review.tax");
  const char *trace = header(&m, "traceparent"); /* its own span, below that of who asked */
  assert_int_equal(strlen(trace), 55);
  assert_ptr_equal(strstr(trace, "00-abcd0000000000000000000000000000-"), trace);
  assert_null(strstr(trace, "1200000000000000"));
  assert_non_null(strstr(trace, "-01"));
  assert_string_equal(header(&m, "ce-specversion"), "1.0");
  assert_string_equal(header(&m, "ce-id"), m.id);
  assert_string_equal(header(&m, "ce-type"), "fsm.transition.v1");
  assert_string_equal(header(&m, "ce-source"), "/fsm/ab010203000000000000000000000000/4");
  assert_string_equal(header(&m, "ce-subject"), "doc-1");
  assert_string_equal(header(&m, "ce-time"), "2023-11-14T22:13:20.130456789Z");
  assert_string_equal(header(&m, "Content-Type"), "application/json");
  assert_int_equal(strlen(header(&m, "Fsm-Leaf")), 64);
}

static void a_record_of_the_store_leaves_out_what_it_has_not(void **state) {
  (void)state;
  fsm_record r = record_of(10, "x");
  fsm__message m = message_of(&r, 0);
  assert_string_equal(m.subject, "fsm.evt.-.admin.-");
  static const char *const absent[] = {"Fsm-Instance", "Fsm-User",    "Fsm-Event", "Fsm-From",
                                       "Fsm-To",       "traceparent", "ce-subject"};
  for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) assert_null(header(&m, absent[i]));
  assert_string_equal(header(&m, "ce-type"), "fsm.admin.v1");
}

static void the_payload_is_the_json_form_with_its_origin(void **state) {
  (void)state;
  fsm_record r = record_of(7, "hello");
  fsm__message m = message_of(&r, 0);
  fsm_value doc;
  assert_int_equal(fsm_json_parse(&arena, m.data, m.len, FSM_JSON_SORTED, &doc, NULL), FSM_OK);
  assert_true(fsm_is_text(fsm_map_get(&doc, "id"), m.id));
  assert_true(fsm_is_text(fsm_map_get(&doc, "kind"), "transition"));
  assert_true(fsm_is_text(fsm_map_get(&doc, "data"), "hello"));
  assert_int_equal(fsm_map_get(&doc, "seq")->i, 7);
}

static void json_over_the_limit_gives_way_to_the_stored_bytes(void **state) {
  (void)state;
  fsm_record r = record_of(7, "hello");
  fsm__exported e = exported(&r);
  size_t least = 1; /* the smallest limit that JSON fits */
  for (;; least++) {
    fsm__message m;
    if (give(&e, least, &m, NULL) == FSM_OK && strcmp(header(&m, "Content-Type"), "application/json") == 0)
      break;
  }
  fsm__message bytes = message_of(&r, least - 1);
  assert_string_equal(header(&bytes, "Content-Type"), "application/msgpack");
  fsm_record back;
  assert_int_equal(fsm_record_decode(&arena, bytes.data, bytes.len, &back, NULL), FSM_OK);
  assert_true(back.seq == 7);
}

static void what_is_masked_is_in_no_header_and_no_payload(void **state) {
  (void)state;
  static const char marks[] =
      "{\"schemas\":{\"context\":{\"properties\":{\"iban\":{\"x-pii\":true}}},"
      "\"actor\":{\"properties\":{\"sub\":{\"x-pii\":true}}}}}";
  fsm_record r = record_of(7, "hello");
  fsm_pair pair = {fsm_string("iban"), fsm_string("SECRET")};
  r.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &pair};
  fsm__exported e = exported(&r);
  assert_int_equal(fsm_mask_of(&arena, marks, strlen(marks), &e.mask, NULL), FSM_OK);
  fsm__message m;
  fsm_error err = {0};
  assert_int_equal(give(&e, 0, &m, &err), FSM_OK);
  assert_string_equal(header(&m, "Fsm-User"), FSM_MASKED);
  assert_null(memmem(m.data, m.len, "SECRET", 6));
  assert_null(memmem(m.data, m.len, "alice", 5));
  assert_int_equal(give(&e, 1, &m, &err), FSM_ETOOLARGE);
  assert_non_null(strstr(err.text, "x-pii"));
}

static void the_longest_names_fit_a_subject_and_longer_ones_are_left_out(void **state) {
  (void)state;
  char machine[FSM_MACHINE_ID_MAX + 2], event[FSM_EVENT_NAME_MAX + FSM_STATE_PATH_MAX + 2];
  memset(machine, '.', sizeof machine);
  memset(event, '.', sizeof event);
  machine[FSM_MACHINE_ID_MAX] = event[FSM_EVENT_NAME_MAX + FSM_STATE_PATH_MAX] = '\0';
  fsm_record r = record_of(7, "x");
  r.mach = machine;
  r.trigger = event;
  fsm__message m = message_of(&r, 0);
  assert_true(strlen(m.subject) < FSM_BUS_SUBJECT_MAX);
  assert_true(strlen(m.subject) > 3 * (FSM_MACHINE_ID_MAX + FSM_EVENT_NAME_MAX + FSM_STATE_PATH_MAX));
  event[FSM_EVENT_NAME_MAX + FSM_STATE_PATH_MAX] = '.';
  event[FSM_EVENT_NAME_MAX + FSM_STATE_PATH_MAX + 1] = '\0';
  m = message_of(&r, 0);
  assert_string_equal(m.subject + strlen(m.subject) - 2, ".-");
}

static void what_fits_neither_as_json_nor_as_stored_is_refused_with_its_sizes(void **state) {
  (void)state;
  fsm_record r = record_of(7, "hello");
  fsm__exported e = exported(&r);
  fsm__message m;
  fsm_error err = {0};
  assert_int_equal(give(&e, 700, &m, &err), FSM_ETOOLARGE);
  assert_non_null(strstr(err.text, "record 7 takes "));
  assert_non_null(strstr(err.text, "at most 700"));
}

static void a_repair_says_so_and_has_an_id_of_its_own(void **state) {
  (void)state;
  fsm_record r = record_of(7, "hello");
  fsm__exported e = exported(&r);
  fsm__message m;
  fsm_origin o;
  uint64_t seq = 0;
  e.repair = true;
  assert_int_equal(give(&e, 0, &m, NULL), FSM_OK);
  assert_string_equal(m.id, "ab010203000000000000000000000000.4.5.7.r77");
  assert_true(fsm__message_id_read(m.id, &o, &seq));
  assert_true(seq == 7);
  assert_string_equal(header(&m, "Fsm-Repair"), "1");
  assert_string_equal(header(&m, "Fsm-Tail"), "5");
  e.repair = false;
  assert_int_equal(give(&e, 0, &m, NULL), FSM_OK);
  assert_null(header(&m, "Fsm-Repair"));
  assert_null(header(&m, "Fsm-Tail"));
}

/* Written by the message itself, because it is quicker; the table of CloudEvents says what they are. */
static void what_it_says_to_cloud_events_is_what_their_format_says(void **state) {
  (void)state;
  for (unsigned i = 0; i < 4; i++) {
    fsm_record r = record_of(7, "hello");
    fsm__exported e = exported(&r);
    fsm__message m;
    fsm__attribute attributes[FSM_ATTRIBUTES_MAX];
    size_t count = 0, same = 0;
    if (i == 2) r.kind = FSM_RECORD_ADMIN, r.inst = NULL, e = exported(&r);
    e.repair = i % 2 == 1;
    assert_int_equal(give(&e, 0, &m, NULL), FSM_OK);
    assert_int_equal(fsm__cloudevents_attributes(&e, &arena, attributes, &count, NULL), FSM_OK);
    for (size_t k = 0; k < m.header_count; k++) {
      if (strncmp(m.headers[k].name, "ce-", 3) != 0) continue;
      for (size_t n = 0; n < count; n++) {
        if (strcmp(attributes[n].name, m.headers[k].name + 3) != 0) continue;
        assert_string_equal(m.headers[k].value, attributes[n].value);
        same++;
      }
    }
    assert_int_equal(same, i == 2 ? 5 : 6);
  }
}

static void bytes_that_are_no_record_are_a_fault(void **state) {
  (void)state;
  fsm__message m;
  fsm_error err = {0};
  fsm__exported e = {.origin = origin, .data = "\x80", .len = 1, .seq = 1};
  assert_int_equal(give(&e, 0, &m, &err), FSM_ECORRUPT);
}

static void a_traceparent_needs_the_right_shape(void **state) {
  (void)state;
  fsm_value items[3] = {fsm_bytes("0123456789abcdef", 16), fsm_bytes("01234567", 8), fsm_int(0x101)};
  fsm_value good = fsm_list(items, 3), shorter = fsm_list(items, 2), null = fsm_null();
  assert_string_equal(fsm__traceparent(&arena, &good),
                      "00-30313233343536373839616263646566-3031323334353637-01");
  assert_null(fsm__traceparent(&arena, &shorter));
  assert_null(fsm__traceparent(&arena, &null));
  items[0].len = 15;
  assert_null(fsm__traceparent(&arena, &good));
}

static void an_id_is_read_back_and_anything_else_is_not_one(void **state) {
  (void)state;
  fsm_origin o;
  uint64_t seq;
  char id[FSM_MESSAGE_ID_MAX];
  fsm_record_id(&origin, UINT64_MAX, id, sizeof id);
  assert_true(fsm__message_id_read(id, &o, &seq));
  assert_true(seq == UINT64_MAX && o.partition == 4 && o.epoch == 5);
  assert_memory_equal(o.store, origin.store, 16);
  static const char *const bad[] = {
      "",
      "x",
      "ab010203000000000000000000000000",
      "ab010203000000000000000000000000.4.5",
      "ab010203000000000000000000000000.4.5.",
      "ab010203000000000000000000000000.4.5.7x",
      "ab010203000000000000000000000000.4.5.18446744073709551616",
      "ab010203000000000000000000000000.4294967296.5.7",
      "AB010203000000000000000000000000.4.5.7",
      "ab010203000000000000000000000000.4.5.-7",
      "ab010203000000000000000000000000.4.5.07",
      "ab010203000000000000000000000000.00.5.7",
      "ab010203000000000000000000000000.4.5.7.77",
      "ab010203000000000000000000000000.4.5.7.r",
      "ab010203000000000000000000000000.4.5.7.r7.",
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_false(fsm__message_id_read(bad[i], &o, &seq));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest tests[] = {
      TEST(a_record_of_an_instance_has_all_its_headers),
      TEST(a_record_of_the_store_leaves_out_what_it_has_not),
      TEST(the_payload_is_the_json_form_with_its_origin),
      TEST(json_over_the_limit_gives_way_to_the_stored_bytes),
      TEST(what_is_masked_is_in_no_header_and_no_payload),
      TEST(the_longest_names_fit_a_subject_and_longer_ones_are_left_out),
      TEST(what_fits_neither_as_json_nor_as_stored_is_refused_with_its_sizes),
      TEST(a_repair_says_so_and_has_an_id_of_its_own),
      TEST(what_it_says_to_cloud_events_is_what_their_format_says),
      TEST(bytes_that_are_no_record_are_a_fault),
      TEST(a_traceparent_needs_the_right_shape),
      TEST(an_id_is_read_back_and_anything_else_is_not_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
