/* The stored record: golden bytes, round trips, what is refused, the JSON form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/json.h"
#include "schema/pack.h"
#include "schema/payload.h"
#include "schema/record.h"

static fsm_arena arena;
static int setup(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  return 0;
}
static int teardown(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  return 0;
}

/* ---- one record of each shape ------------------------------------------------------------------ */

static const uint8_t hash[32] = {0xab, 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                 16,   17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 0xef};
static const uint8_t token[16] = {0xfe, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static fsm_value json(const char *text) {
  fsm_value out = {0};
  fsm_error err = {0};
  if (fsm_json_parse(&arena, text, strlen(text), FSM_JSON_SORTED, &out, &err))
    fail_msg("%s %s", err.where, err.text);
  return out;
}

static fsm_record of_store(fsm_record_kind kind) {
  fsm_record r = fsm_record_new(kind);
  r.seq = 7;
  r.time_ns = 1700000000123456789;
  r.prev = hash;
  return r;
}

static fsm_record of_instance(fsm_record_kind kind) {
  fsm_record r = of_store(kind);
  r.mach = "document-approval";
  r.def = hash;
  r.defv = 3;
  r.inst = "doc-1";
  r.rev = 2;
  r.iprev = 5;
  r.corr = "c-42";
  return r;
}

static fsm_record of_change(fsm_record_kind kind) {
  fsm_record r = of_instance(kind);
  r.to = json("[\"review.legal\"]");
  r.cause = FSM_CAUSE_EXTERNAL;
  r.ctxh = hash;
  if (kind == FSM_RECORD_CREATED) return r;
  r.from = json("[\"draft\"]");
  r.tr = json("[0,3]");
  r.trigger = "SUBMIT";
  return r;
}

static fsm_value bytes_list(const void *a, size_t a_len, const void *b, size_t b_len, int64_t last) {
  fsm_value *items = fsm_arena_zalloc(&arena, 3, sizeof *items);
  items[0] = fsm_bytes(a, a_len);
  items[1] = fsm_bytes(b, b_len);
  items[2] = fsm_int(last);
  return fsm_list(items, 3);
}

/* Every field there is. */
static fsm_record whole(void) {
  fsm_record r = of_change(FSM_RECORD_TRANSITION);
  r.dur_us = 150;
  r.outcome = FSM_TAKEN;
  r.reason = "guard_false";
  r.key = "INV-7";
  r.labels = json("{\"team\":\"north\"}");
  r.i = 1;
  r.n = 2;
  r.data = json("{\"comment\":\"ok\",\"amount\":12.5}");
  r.ctx = json("{\"retries\":[0,1]}");
  r.hist = json("{\"review.hist\":[\"review.legal\"]}");
  r.since = json("[\"review\",\"review.legal\"]");
  r.out = json("\"done\"");
  r.timers = json(
      "[{\"id\":\"t1\",\"due\":1700000060000000000,\"event\":\"xstate.after.60000.review\"},{\"cancel\":"
      "\"t0\"}]");
  r.tasks = json(
      "[{\"id\":\"0.review\",\"service\":\"submitForReview\",\"attempts\":1,\"next\":1700000000123456789,"
      "\"deadline_ns\":1700000030123456789}]");
  r.elapsed_ns = 90000000000;
  r.caus = "c-41";
  r.parent = "p-1";
  r.idem = bytes_list(token, 16, hash, 16, 1700086400000000000);
  r.req = "req-1";
  r.trace = bytes_list(hash, 16, token, 8, 1);
  r.act = json(
      "{\"type\":\"user\",\"sub\":\"ann\",\"sid\":\"s-1\",\"roles\":[\"clerk\"],\"authn\":\"verified\"}");
  r.node = "fsmd/0.1";
  r.tok = token;
  r.att = 1;
  r.late_ms = 0;
  r.level = 2;
  r.pii = json("{\"email\":\"x\"}");
  r.detail = json("{\"text\":\"why\",\"retry_at\":1700000001000000000}");
  r.counter = 9;
  r.clock = true;
  return r;
}

static fsm_record example(fsm_record_kind kind) {
  fsm_record r;
  switch (kind) {
    case FSM_RECORD_CREATED:
    case FSM_RECORD_TRANSITION:
    case FSM_RECORD_CONTEXT: return of_change(kind);
    case FSM_RECORD_TASK_STARTED:
    case FSM_RECORD_TASK_DONE:
    case FSM_RECORD_TASK_FAILED:
      r = of_instance(kind);
      r.tok = token;
      return r;
    case FSM_RECORD_REJECTED:
      r = of_store(kind);
      r.outcome = FSM_REFUSED;
      r.reason = "unknown_machine";
      r.detail = json("{\"text\":\"no such machine is deployed\"}");
      return r;
    case FSM_RECORD_INCIDENT_OPENED:
      r = of_instance(kind);
      r.outcome = FSM_FAILED;
      r.reason = "loop_limit";
      return r;
    case FSM_RECORD_DEPLOYED:
    case FSM_RECORD_RETIRED:
      r = of_store(kind);
      r.mach = "document-approval";
      r.def = hash;
      r.defv = 1;
      r.detail = json("{\"source\":\"{}\"}");
      return r;
    case FSM_RECORD_ERASED:
    case FSM_RECORD_ADMIN:
    case FSM_RECORD_REPAIRED:
    case FSM_RECORD_EPOCH:
    case FSM_RECORD_ROUTE: return of_store(kind);
    default: return of_instance(kind);
  }
}

static void encode(fsm_buf *buf, const fsm_record *r) {
  fsm_error err = {0};
  if (fsm_record_encode(buf, r, &err)) fail_msg("%s: %s", err.where, err.text);
}

static fsm_record decode(const void *data, size_t len) {
  fsm_record out;
  fsm_error err = {0};
  if (fsm_record_decode(&arena, data, len, &out, &err)) fail_msg("%s: %s", err.where, err.text);
  return out;
}

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

/* ---- refusals ---------------------------------------------------------------------------------- */

static void is_corrupt(const void *data, size_t len, fsm_code code, const char *where, const char *says) {
  char *copy = malloc(len ? len : 1);
  assert_non_null(copy);
  if (len) memcpy(copy, data, len);
  fsm_record out = {.v = 99};
  fsm_error err = {0};
  assert_int_equal(fsm_record_decode(&arena, copy, len, &out, &err), code);
  free(copy);
  assert_string_equal(err.where, where);
  if (!strstr(err.text, says)) fail_msg("\"%s\" does not say \"%s\"", err.text, says);
  assert_int_equal(out.v, 99);
}

/* The epoch record without one of its fields, or with one more: seven bytes tell which. */
static void begin(fsm_buf *buf, uint32_t fields) {
  fsm_buf_reset(buf);
  fsm_pack_map(buf, fields);
}
static void number(fsm_buf *buf, unsigned key, uint64_t u) {
  fsm_pack_uint(buf, key);
  fsm_pack_uint(buf, u);
}
static void head(fsm_buf *buf, unsigned more) {
  begin(buf, 9 + more);
  number(buf, 0, 1);
  number(buf, 1, 7);
  number(buf, 2, 5);
  number(buf, 4, FSM_RECORD_EPOCH);
  number(buf, 5, FSM_TAKEN);
}
static void tail(fsm_buf *buf) {
  number(buf, 14, 0);
  number(buf, 15, 1);
  number(buf, 42, 0);
  fsm_pack_uint(buf, 44);
  fsm_pack_bytes(buf, hash, 32);
}

static void damage_is_named_by_its_field(void **state) {
  (void)state;
  fsm_buf buf = {0};
  head(&buf, 0);
  tail(&buf);
  decode(buf.data, buf.len);
  is_corrupt(buf.data, buf.len - 1, FSM_ECORRUPT, "prev", "end inside");
  fsm_buf_char(&buf, 0);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "", "behind");
  is_corrupt("\x90", 1, FSM_ECORRUPT, "", "no record");
  is_corrupt("\x80", 1, FSM_ECORRUPT, "", "no record");
  is_corrupt("\x82\x00\x02\x01\x01", 5, FSM_EVERSION, "v", "version 2");
  head(&buf, 1);
  number(&buf, 3, 5);
  tail(&buf);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "dur", "order");
  head(&buf, 1);
  tail(&buf);
  number(&buf, 52, 1);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "", "not known");
  head(&buf, 1);
  number(&buf, 9, 0);
  tail(&buf);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "defv", "absence means");
  head(&buf, 1);
  number(&buf, 7, 5);
  tail(&buf);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "mach", "wrong type");
  head(&buf, 1);
  fsm_pack_uint(&buf, 7);
  fsm_pack_text(&buf, "a\0b", 3);
  tail(&buf);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "mach", "NUL");
  head(&buf, 1);
  fsm_pack_uint(&buf, 8);
  fsm_pack_bytes(&buf, hash, 31);
  tail(&buf);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "def", "wrong length");
  head(&buf, 1);
  number(&buf, 9, (uint64_t)1 << 32);
  tail(&buf);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "defv", "out of range");
  begin(&buf, 5);
  number(&buf, 0, 1);
  number(&buf, 2, 5);
  number(&buf, 4, FSM_RECORD_EPOCH);
  number(&buf, 14, 0);
  number(&buf, 15, 1);
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "seq", "missing");
  fsm_buf_free(&buf);
}

static void a_field_that_the_kind_requires_is_missed(void **state) {
  (void)state;
  fsm_buf buf = {0};
  head(&buf, 0);
  tail(&buf);
  buf.data[8] = FSM_RECORD_DEPLOYED;
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "mach", "missing");
  buf.data[8] = FSM_RECORD_KIND_COUNT;
  is_corrupt(buf.data, buf.len, FSM_ECORRUPT, "kind", "out of range");
  fsm_buf_free(&buf);
}

/* One flipped bit: refused, or another record that is just as whole. */
static void no_flipped_bit_breaks_the_form(void **state) {
  (void)state;
  fsm_record r = whole();
  fsm_buf buf = {0};
  encode(&buf, &r);
  for (size_t bit = 0; bit < buf.len * 8; bit++) {
    fsm_arena scratch;
    fsm_arena_init(&scratch, 0);
    buf.data[bit / 8] ^= (char)(1 << bit % 8);
    fsm_record back;
    if (fsm_record_decode(&scratch, buf.data, buf.len, &back, NULL) == FSM_OK) {
      fsm_buf again = {0};
      encode(&again, &back);
      assert_int_equal(again.len, buf.len);
      assert_memory_equal(again.data, buf.data, buf.len);
      fsm_buf_free(&again);
    }
    fsm_record_brief brief;
    (void)!fsm_record_peek(buf.data, buf.len, &brief);
    buf.data[bit / 8] ^= (char)(1 << bit % 8);
    fsm_arena_free(&scratch);
  }
  fsm_buf_free(&buf);
}

static void what_cannot_be_stored_leaves_the_buffer(void **state) {
  (void)state;
  fsm_buf buf = {0};
  fsm_buf_str(&buf, "kept");
  fsm_record r = whole();
  fsm_error err = {0};
  r.corr = "\xff";
  assert_int_equal(fsm_record_encode(&buf, &r, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "corr");
  assert_int_equal(buf.len, 4);
  r = whole();
  r.data = fsm_double(__builtin_inf());
  assert_int_equal(fsm_record_encode(&buf, &r, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "data");
  assert_int_equal(buf.len, 4);
  fsm_buf_free(&buf);
}

static void the_size_limit_holds_at_its_edge(void **state) {
  (void)state;
  fsm_buf buf = {0};
  fsm_record r = whole();
  r.data = fsm_null();
  encode(&buf, &r);
  size_t len = FSM_RECORD_BYTES_MAX - buf.len - 6; /* key 22 and the head of a long string */
  char *text = malloc(len + 1);
  assert_non_null(text);
  memset(text, 'x', len + 1);
  fsm_buf_reset(&buf);
  r.data = fsm_stringn(text, len);
  encode(&buf, &r);
  assert_int_equal(buf.len, FSM_RECORD_BYTES_MAX);
  decode(buf.data, buf.len);
  fsm_buf_reset(&buf);
  r.data.len++;
  assert_int_equal(fsm_record_encode(&buf, &r, NULL), FSM_ETOOLARGE);
  assert_int_equal(buf.len, 0);
  free(text);
  fsm_buf_free(&buf);
}

static void a_field_nests_as_deep_as_it_may(void **state) {
  (void)state;
  fsm_value chain[FSM_RECORD_DEPTH_MAX + 2] = {{0}};
  for (unsigned depth = FSM_RECORD_DEPTH_MAX; depth <= FSM_RECORD_DEPTH_MAX + 1; depth++) {
    for (unsigned i = 0; i < depth; i++) chain[i] = fsm_list(&chain[i + 1], 1);
    chain[depth] = fsm_null();
    fsm_buf buf = {0};
    fsm_error err = {0};
    fsm_record r = whole();
    r.data = chain[0];
    fsm_code code = fsm_record_encode(&buf, &r, &err);
    assert_int_equal(code, depth == FSM_RECORD_DEPTH_MAX ? FSM_OK : FSM_ETOOLARGE);
    if (code) assert_string_equal(err.where, "data");
    if (!code) { /* one list more around the chain, behind the encoder's back */
      uint8_t deeper[8192], lists[FSM_RECORD_DEPTH_MAX];
      memset(lists, 0x91, sizeof lists);
      const char *at = memmem(buf.data, buf.len, lists, sizeof lists);
      assert_true(at != NULL && buf.len < sizeof deeper);
      size_t before = (size_t)(at - (const char *)buf.data);
      memcpy(deeper, buf.data, before);
      deeper[before] = 0x91;
      memcpy(deeper + before + 1, at, buf.len - before);
      decode(buf.data, buf.len);
      is_corrupt(deeper, buf.len + 1, FSM_ECORRUPT, "data", "too deep");
    }
    fsm_buf_free(&buf);
  }
}

/* ---- the JSON form ----------------------------------------------------------------------------- */

static const fsm_origin origin = {{0x0a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 0, 3};

static void the_json_form_shows_names_times_and_hex(void **state) {
  (void)state;
  fsm_record r = whole();
  fsm_value view;
  assert_int_equal(fsm_record_view(&arena, &r, &origin, &view, NULL), FSM_OK);
  fsm_buf buf = {0};
  fsm_json_write(&buf, &view);
  const char *expected =
      "{\"act\":{\"authn\":\"verified\",\"roles\":[\"clerk\"],\"sid\":\"s-1\",\"sub\":\"ann\",\"type\":"
      "\"user\"},"
      "\"att\":1,\"caus\":\"c-41\",\"cause\":\"external\",\"clock\":true,\"corr\":\"c-42\",\"counter\":9,"
      "\"ctx\":{\"retries\":[0,1]},\"ctxh\":"
      "\"ab0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eef\","
      "\"data\":{\"amount\":12.5,\"comment\":\"ok\"},"
      "\"def\":\"ab0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eef\",\"defv\":3,"
      "\"detail\":{\"retry_at\":\"2023-11-14T22:13:21Z\",\"text\":\"why\"},\"dur\":150,\"elapsed\":"
      "90000000000,"
      "\"epoch\":3,\"from\":[\"draft\"],\"hist\":{\"review.hist\":[\"review.legal\"]},\"i\":1,"
      "\"id\":\"0a0102030405060708090a0b0c0d0e0f.0.3.7\","
      "\"idem\":{\"expires\":\"2023-11-15T22:13:20Z\",\"fingerprint\":\"ab0102030405060708090a0b0c0d0e0f\","
      "\"key\":\"fe0102030405060708090a0b0c0d0e0f\"},\"inst\":\"doc-1\",\"iprev\":5,\"key\":\"INV-7\","
      "\"kind\":\"transition\",\"labels\":{\"team\":\"north\"},\"late\":0,\"level\":2,\"mach\":\"document-"
      "approval\","
      "\"n\":2,\"node\":\"fsmd/0.1\",\"out\":\"done\",\"outcome\":\"taken\",\"parent\":\"p-1\",\"part\":0,"
      "\"pii\":{\"email\":\"x\"},\"prev\":"
      "\"ab0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eef\","
      "\"reason\":\"guard_false\",\"req\":\"req-1\",\"rev\":2,\"seq\":7,\"since\":[\"review\",\"review."
      "legal\"],"
      "\"store\":\"0a0102030405060708090a0b0c0d0e0f\","
      "\"tasks\":[{\"attempts\":1,\"deadline\":\"2023-11-14T22:13:50.123456789Z\",\"id\":\"0.review\","
      "\"next\":\"2023-11-14T22:13:20.123456789Z\",\"service\":\"submitForReview\"}],"
      "\"time\":\"2023-11-14T22:13:20.123456789Z\","
      "\"timers\":[{\"due\":\"2023-11-14T22:14:20Z\",\"event\":\"xstate.after.60000.review\",\"id\":\"t1\"},"
      "{\"cancel\":\"t0\"}],\"to\":[\"review.legal\"],\"tok\":\"fe0102030405060708090a0b0c0d0e0f\",\"tr\":[0,"
      "3],"
      "\"trace\":\"00-ab0102030405060708090a0b0c0d0e0f-fe01020304050607-01\",\"trigger\":\"SUBMIT\",\"v\":1}";
  assert_string_equal(fsm_buf_text(&buf), expected);
  fsm_buf_free(&buf);
}

static void a_creation_comes_from_null(void **state) {
  (void)state;
  fsm_record r = example(FSM_RECORD_CREATED);
  fsm_value view;
  assert_int_equal(fsm_record_view(&arena, &r, NULL, &view, NULL), FSM_OK);
  assert_non_null(fsm_map_get(&view, "from"));
  assert_int_equal(fsm_map_get(&view, "from")->type, FSM_NULL);
  assert_null(fsm_map_get(&view, "id"));
}

static fsm_value read_schema(void) {
  FILE *file = fopen(FSM_SOURCE_DIR "/schema/record.schema.json", "r");
  assert_non_null(file);
  char *text = fsm_arena_alloc(&arena, 65536);
  size_t len = fread(text, 1, 65536, file);
  fclose(file);
  fsm_value out;
  fsm_error err = {0};
  if (fsm_json_parse(&arena, text, len, FSM_JSON_AS_WRITTEN, &out, &err))
    fail_msg("%s %s", err.where, err.text);
  return out;
}

static void the_json_schema_names_every_field(void **state) {
  (void)state;
  fsm_value schema = read_schema();
  const fsm_value *properties = fsm_doc_get(&schema, "properties");
  assert_non_null(properties);
#define X(key, member, name) \
  if (!fsm_doc_get(properties, name)) fail_msg("the schema misses \"%s\"", name);
  FSM_RECORD_FIELDS(X)
#undef X
  unsigned fields = 0;
#define X(key, member, name) fields++;
  FSM_RECORD_FIELDS(X)
#undef X
  assert_int_equal(properties->len, fields + 7); /* id, store, part, epoch; leaf, after, repair */
}

static void the_json_schema_takes_every_shape(void **state) {
  (void)state;
  fsm_value schema = read_schema();
  assert_int_equal(fsm_payload_schema_check(&schema, "", NULL), FSM_OK);
  for (int kind = 0; kind <= FSM_RECORD_KIND_COUNT; kind++) {
    fsm_record r = kind == FSM_RECORD_KIND_COUNT ? whole() : example((fsm_record_kind)kind);
    fsm_value view;
    fsm_error err = {0};
    assert_int_equal(fsm_record_view(&arena, &r, &origin, &view, NULL), FSM_OK);
    if (fsm_payload_check(&schema, &view, &err))
      fail_msg("%s: %s: %s", fsm_record_kind_name(r.kind), err.where, err.text);
  }
}

static void kinds_are_found_by_name(void **state) {
  (void)state;
  for (int kind = 0; kind < FSM_RECORD_KIND_COUNT; kind++)
    assert_int_equal(fsm_record_kind_of(fsm_record_kind_name((fsm_record_kind)kind)), kind);
  assert_int_equal(fsm_record_kind_of("none"), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stored_bytes_are_the_golden_bytes),
      cmocka_unit_test(what_is_decoded_encodes_to_the_same_bytes),
      cmocka_unit_test(every_field_survives),
      cmocka_unit_test(absent_fields_stay_absent),
      cmocka_unit_test(peek_finds_what_filters_need),
      cmocka_unit_test(the_terms_are_those_of_the_whole_record),
      cmocka_unit_test(damage_is_named_by_its_field),
      cmocka_unit_test(a_field_that_the_kind_requires_is_missed),
      cmocka_unit_test(no_flipped_bit_breaks_the_form),
      cmocka_unit_test(what_cannot_be_stored_leaves_the_buffer),
      cmocka_unit_test(the_size_limit_holds_at_its_edge),
      cmocka_unit_test(a_field_nests_as_deep_as_it_may),
      cmocka_unit_test(the_json_form_shows_names_times_and_hex),
      cmocka_unit_test(a_creation_comes_from_null),
      cmocka_unit_test(the_json_schema_names_every_field),
      cmocka_unit_test(the_json_schema_takes_every_shape),
      cmocka_unit_test(kinds_are_found_by_name),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
