/* test_record.c: the stored record: golden bytes, round trips, what filters peek at. */
#include "tests/record_scene.h"

/* ---- golden bytes ------------------------------------------------------------------------------ */

/* A line per shape: its name and its bytes in hex. FSM_GOLDEN=write makes the file anew, for a new record
 * version only. */
#define GOLDEN FSM_SOURCE_DIR "/tests/golden/record-v1.txt"

static void golden_line(fsm_buf *out, const char *name, const fsm_record *r) {
  fsm_buf buf = {0};
  encode(&buf, r);
  fsm_buf_printf(out, "%s ", name);
  for (size_t i = 0; i < buf.len; i++) fsm_buf_printf(out, "%02x", (unsigned char)buf.data[i]);
  fsm_buf_char(out, '\n');
  fsm_buf_free(&buf);
}

static void stored_bytes_are_the_golden_bytes(void **state) {
  (void)state;
  fsm_buf now = {0};
  for (int kind = 0; kind < FSM_RECORD_KIND_COUNT; kind++) {
    fsm_record r = example((fsm_record_kind)kind);
    golden_line(&now, fsm_record_kind_name((fsm_record_kind)kind), &r);
  }
  fsm_record r = whole();
  golden_line(&now, "every-field", &r);
  const char *write = getenv("FSM_GOLDEN");
  FILE *file = fopen(GOLDEN, write ? "w" : "r");
  assert_non_null(file);
  if (write) {
    fwrite(now.data, 1, now.len, file);
  } else {
    char *stored = calloc(1, now.len + 2);
    assert_non_null(stored);
    size_t len = fread(stored, 1, now.len + 1, file);
    assert_string_equal(stored, fsm_buf_text(&now));
    assert_int_equal(len, now.len);
    free(stored);
  }
  fclose(file);
  fsm_buf_free(&now);
}

/* ---- round trips ------------------------------------------------------------------------------- */

static void what_is_decoded_encodes_to_the_same_bytes(void **state) {
  (void)state;
  for (int kind = 0; kind <= FSM_RECORD_KIND_COUNT; kind++) {
    fsm_record r = kind == FSM_RECORD_KIND_COUNT ? whole() : example((fsm_record_kind)kind);
    fsm_buf buf = {0}, again = {0};
    encode(&buf, &r);
    fsm_record back = decode(buf.data, buf.len);
    encode(&again, &back);
    assert_int_equal(buf.len, again.len);
    assert_memory_equal(buf.data, again.data, buf.len);
    fsm_buf_free(&buf);
    fsm_buf_free(&again);
  }
}

static void every_field_survives(void **state) {
  (void)state;
  fsm_record r = whole();
  fsm_buf buf = {0};
  encode(&buf, &r);
  fsm_record b = decode(buf.data, buf.len);
  assert_int_equal(b.v, 1);
  assert_true(b.seq == 7 && b.time_ns == 1700000000123456789 && b.dur_us == 150);
  assert_int_equal(b.kind, FSM_RECORD_TRANSITION);
  assert_string_equal(b.reason, "guard_false");
  assert_string_equal(b.mach, "document-approval");
  assert_memory_equal(b.def, hash, 32);
  assert_string_equal(b.inst, "doc-1");
  assert_string_equal(b.key, "INV-7");
  assert_true(b.defv == 3 && b.rev == 2 && b.i == 1 && b.n == 2 && b.iprev == 5);
  assert_true(fsm_value_same(&b.from, &r.from) && fsm_value_same(&b.to, &r.to) &&
              fsm_value_same(&b.tr, &r.tr));
  assert_string_equal(b.trigger, "SUBMIT");
  assert_int_equal(b.cause, FSM_CAUSE_EXTERNAL);
  assert_true(fsm_value_same(&b.data, &r.data) && fsm_value_same(&b.ctx, &r.ctx));
  assert_memory_equal(b.ctxh, hash, 32);
  assert_true(fsm_value_same(&b.timers, &r.timers) && fsm_value_same(&b.tasks, &r.tasks));
  assert_true(b.elapsed_ns == 90000000000 && b.late_ms == 0 && b.att == 1 && b.level == 2);
  assert_true(fsm_value_same(&b.idem, &r.idem) && fsm_value_same(&b.trace, &r.trace));
  assert_memory_equal(b.tok, token, 16);
  assert_true(b.counter == 9 && b.clock);
  fsm_buf_free(&buf);
}

static void absent_fields_stay_absent(void **state) {
  (void)state;
  fsm_record r = example(FSM_RECORD_EPOCH);
  fsm_buf buf = {0};
  encode(&buf, &r);
  fsm_record b = decode(buf.data, buf.len);
  assert_null(b.mach);
  assert_null(b.tok);
  assert_int_equal(b.cause, -1);
  assert_true(b.elapsed_ns == -1 && b.late_ms == -1 && b.att == 0 && !b.clock);
  assert_int_equal(b.data.type, FSM_NULL);
  fsm_buf_free(&buf);
}

static void the_terms_are_those_of_the_whole_record(void **state) {
  (void)state;
  for (int kind = 0; kind <= FSM_RECORD_KIND_COUNT; kind++) {
    fsm_record r = kind < FSM_RECORD_KIND_COUNT ? example((fsm_record_kind)kind) : whole();
    fsm_buf buf = {0};
    fsm_record_terms terms;
    encode(&buf, &r);
    assert_int_equal(fsm_record_terms_read(buf.data, buf.len, &terms), FSM_OK);
    const fsm_value *sub = r.act.type == FSM_MAP ? fsm_map_get(&r.act, "sub") : NULL;
    assert_true((terms.user.at != NULL) == (sub != NULL));
    if (sub) assert_true(fsm_is_text(sub, fsm_arena_strndup(&arena, terms.user.at, terms.user.len)));
    assert_true((terms.inst.at != NULL) == (r.inst != NULL) && (terms.corr.at != NULL) == (r.corr != NULL));
    assert_true((terms.trace.at != NULL) == (r.trace.type == FSM_LIST));
    if (terms.trace.at)
      assert_true(terms.trace.len == 16 && memcmp(terms.trace.at, r.trace.items[0].s, 16) == 0);
    if (r.inst)
      assert_true(terms.inst.len == strlen(r.inst) && memcmp(terms.inst.at, r.inst, terms.inst.len) == 0);
    if (r.corr)
      assert_true(terms.corr.len == strlen(r.corr) && memcmp(terms.corr.at, r.corr, terms.corr.len) == 0);
    for (size_t len = 0; len < buf.len; len++) (void)!fsm_record_terms_read(buf.data, len, &terms);
    assert_int_equal(fsm_record_terms_read(buf.data, buf.len / 8, &terms), FSM_ECORRUPT);
    fsm_buf_free(&buf);
  }
  fsm_record_terms terms;
  assert_int_equal(fsm_record_terms_read("", 0, &terms), FSM_ECORRUPT);
  assert_int_equal(fsm_record_terms_read("\x01", 1, &terms), FSM_ECORRUPT);
}

static void peek_finds_what_filters_need(void **state) {
  (void)state;
  fsm_record r = whole();
  fsm_buf buf = {0};
  encode(&buf, &r);
  fsm_record_brief brief;
  assert_int_equal(fsm_record_peek(buf.data, buf.len, &brief), FSM_OK);
  assert_true(brief.seq == 7 && brief.kind == FSM_RECORD_TRANSITION && brief.time_ns == r.time_ns);
  assert_int_equal(brief.mach_len, strlen(r.mach));
  assert_memory_equal(brief.mach, r.mach, brief.mach_len);
  assert_int_equal(brief.inst_len, 5);
  assert_memory_equal(brief.inst, "doc-1", 5);
  assert_memory_equal(brief.def, r.def, 32);
  fsm_buf_reset(&buf);
  r = example(FSM_RECORD_EPOCH);
  encode(&buf, &r);
  assert_int_equal(fsm_record_peek(buf.data, buf.len, &brief), FSM_OK);
  assert_null(brief.inst);
  assert_null(brief.def);
  assert_int_equal(fsm_record_peek(buf.data, 3, &brief), FSM_ECORRUPT);
  assert_int_equal(fsm_record_peek("", 0, &brief), FSM_ECORRUPT);
  fsm_buf_free(&buf);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stored_bytes_are_the_golden_bytes),
      cmocka_unit_test(what_is_decoded_encodes_to_the_same_bytes),
      cmocka_unit_test(every_field_survives),
      cmocka_unit_test(absent_fields_stay_absent),
      cmocka_unit_test(peek_finds_what_filters_need),
      cmocka_unit_test(the_terms_are_those_of_the_whole_record),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
