/* fuzz_values.h: targets json and pack: text and bytes into values and back. */
#ifndef FSM_TESTS_FUZZ_VALUES_H
#define FSM_TESTS_FUZZ_VALUES_H

#include "schema/json.h"
#include "schema/pack.h"
#include "tests/fuzz/mutate.h"

/* ---- json ---------------------------------------------------------------------------------------- */

static const char *const json_tokens[] = {"{",
                                          "}",
                                          "[",
                                          "]",
                                          ",",
                                          ":",
                                          "\"",
                                          "\\",
                                          "null",
                                          "true",
                                          "false",
                                          "-0",
                                          "-0.0",
                                          "1e308",
                                          "1e309",
                                          "1E-400",
                                          "9007199254740993",
                                          "9223372036854775807",
                                          "9223372036854775808",
                                          "-9223372036854775808",
                                          "-9223372036854775809",
                                          "18446744073709551616",
                                          "0.1",
                                          "1.",
                                          ".5",
                                          "01",
                                          "\\u0000",
                                          "\\u0041",
                                          "\\ud83d\\ude00",
                                          "\\ud800",
                                          "\xc3\xa4",
                                          "\xed\xa0\x80",
                                          "\xf0\x9f\x98\x80",
                                          "\xc0\x80",
                                          "\xff",
                                          "\x7f",
                                          "\n",
                                          "\t",
                                          " ",
                                          "{\"a\":1,\"a\":2}",
                                          "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
                                          "{\"a\":",
                                          "\"a\"",
                                          NULL};

static inline void json_open(fuzz_run *run) {
  run->tokens = json_tokens;
  fuzz_seed_text(
      run, "{\"a\":[1,2.5,-3e2,true,false,null],\"b\":{\"c\":\"d\\n\\u00e4\\ud83d\\ude00\"},\"\":\"\"}");
  fuzz_seed_text(run,
                 "[9007199254740992,9007199254740993,-9223372036854775808,18446744073709551615,0.1,1e23]");
  fuzz_seed_text(run, " [ { } , [ ] , \"\" , 0 , -0 , 0.0 , 5e-324 ] ");
  fuzz_seed_text(run, "\"\xc3\xa4\xf0\x9f\x98\x80\\\\\\/\\b\\f\\u007f\"");
  fuzz_seed_text(
      run,
      "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
      "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
  fuzz_seed_file(run, FSM_SOURCE_DIR "/examples/document-approval.json");
}

/* What writing and reading makes of a value that was read: integers above 2^53 come back as strings. */
static inline fsm_value json_again(fuzz_run *run, const fsm_value *v) {
  fsm_value out = *v;
  const int64_t exact = (int64_t)1 << 53;
  if (v->type == FSM_INT && (v->i > exact || v->i < -exact)) {
    char *text = fuzz_take(run, 24, 1);
    snprintf(text, 24, "%" PRId64, v->i);
    return fsm_string(text);
  }
  if (v->type == FSM_LIST) {
    fsm_value *items = fuzz_take(run, v->len, sizeof *items);
    for (uint32_t i = 0; i < v->len; i++) items[i] = json_again(run, &v->items[i]);
    out.items = items;
  } else if (v->type == FSM_MAP) {
    fsm_pair *pairs = fuzz_take(run, v->len, sizeof *pairs);
    for (uint32_t i = 0; i < v->len; i++)
      pairs[i] = (fsm_pair){v->pairs[i].key, json_again(run, &v->pairs[i].value)};
    out.pairs = pairs;
  }
  return out;
}

static inline bool json_place(const char *where) {
  unsigned line, column;
  int end = 0;
  return sscanf(where, "%u:%u%n", &line, &column, &end) == 2 && where[end] == '\0' && line && column;
}

static inline void json_round(fuzz_run *run, const fsm_value *value, fsm_json_order order, bool pretty) {
  fsm_buf text = {0};
  fsm_value back, expected = json_again(run, value);
  if (pretty)
    fsm_json_write_pretty(&text, value);
  else
    fsm_json_write(&text, value);
  fsm_error err = fuzz_error();
  fsm_code code = fsm_json_parse(&run->arena, text.data, text.len, order, &back, &err);
  if (fuzz_expect(run, code == FSM_OK, "what was written can be read"))
    fuzz_expect(run, fsm_value_same(&back, &expected), "what was written reads as the same value");
  fsm_buf_free(&text);
}

static inline void json_one(fuzz_run *run) {
  fuzz_input_mutated(run);
  fsm_json_order order = fuzz_one_in(run, 2) ? FSM_JSON_SORTED : FSM_JSON_AS_WRITTEN;
  fsm_value value = fsm_string(fuzz_untouched);
  fsm_error err = fuzz_error();
  fsm_code code = fsm_json_parse(&run->arena, (const char *)run->input, run->input_len, order, &value, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code != FSM_OK) {
    fuzz_expect(run, code == FSM_EMALFORMED || code == FSM_ETOOLARGE, "bad JSON is malformed or too large");
    fuzz_expect(run, json_place(err.where), "bad JSON has a line and a column");
    fuzz_expect(run, fsm_is_text(&value, fuzz_untouched), "bad JSON leaves the value alone");
    return;
  }
  fuzz_expect(run, fsm_value_depth(&value) <= FSM_JSON_DEPTH_MAX, "the depth is bounded");
  json_round(run, &value, order, false);
  json_round(run, &value, order, true);
}

/* ---- pack ---------------------------------------------------------------------------------------- */

static inline void pack_seed(fuzz_run *run, const fsm_value *value) {
  fsm_buf buf = {0};
  if (fsm_pack(&buf, value, NULL) != FSM_OK) fail_msg("a seed cannot be packed");
  fuzz_seed_add(run, buf.data, buf.len);
  fsm_buf_free(&buf);
}

static inline void pack_open(fuzz_run *run) {
  json_open(run);
  size_t texts = run->seed_count;
  for (size_t i = 0; i < texts; i++) {
    fsm_value value;
    if (fsm_json_parse(&run->kept, (const char *)run->seeds[i].data, run->seeds[i].len, FSM_JSON_SORTED,
                       &value, NULL) == FSM_OK)
      pack_seed(run, &value);
  }
  memmove(run->seeds, run->seeds + texts, (run->seed_count -= texts) * sizeof *run->seeds);
  static const char long_text[70000];
  const fsm_value odd[] = {
      fsm_uint(UINT64_MAX),
      fsm_bytes("\0\1\2", 3),
      fsm_bytes(long_text, 300),
      fsm_stringn(long_text, 31),
      fsm_stringn(long_text, 32),
      fsm_stringn(long_text, 256),
      {.type = FSM_TIMESTAMP, .i = 5},
      {.type = FSM_TIMESTAMP, .i = 5, .len = 7},
      {.type = FSM_TIMESTAMP, .i = -5, .len = 7},
      {.type = FSM_DURATION, .i = -5, .len = (uint32_t)-7},
  };
  pack_seed(run, &(fsm_value){.type = FSM_LIST, .len = sizeof odd / sizeof *odd, .items = odd});
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) pack_seed(run, &odd[i]);
  fsm_value many[40];
  for (size_t i = 0; i < 40; i++) many[i] = fsm_int((int64_t)(i * i * i * 31) - 700);
  pack_seed(run, &(fsm_value){.type = FSM_LIST, .len = 40, .items = many});
}

/* A value of any shape, packed: canonical wherever packing takes it. */
static inline bool pack_input_from_tree(fuzz_run *run) {
  const fuzz_seed *seed = fuzz_any_seed(run), *other = fuzz_any_seed(run);
  fsm_value tree, donor, sorted;
  fsm_buf buf = {0};
  if (fsm_unpack(&run->arena, seed->data, seed->len, &tree, NULL) != FSM_OK ||
      fsm_unpack(&run->arena, other->data, other->len, &donor, NULL) != FSM_OK)
    return fuzz_expect(run, false, "a seed can be unpacked");
  tree = fuzz_change_tree(run, &tree, &donor, true);
  if (fsm_value_copy(&run->arena, &tree, &sorted, NULL) != FSM_OK) return false;
  fsm_buf_str(&buf, "before");
  fsm_error err = fuzz_error();
  fsm_code code = fsm_pack(&buf, &sorted, &err);
  bool good =
      fuzz_expect_error(run, code, &err) &&
      fuzz_expect(run, memcmp(buf.data, "before", 6) == 0, "packing appends") &&
      fuzz_expect(run, code == FSM_OK || buf.len == 6, "what cannot be packed leaves the buffer as it was");
  if (good && code == FSM_OK) fuzz_input(run, buf.data + 6, buf.len - 6);
  fsm_buf_free(&buf);
  return good && code == FSM_OK;
}

static inline void pack_one(fuzz_run *run) {
  bool canonical = fuzz_one_in(run, 3) && pack_input_from_tree(run);
  if (run->failure[0]) return;
  if (!canonical) fuzz_input_mutated(run);
  fsm_value value = fsm_string(fuzz_untouched);
  fsm_error err = fuzz_error();
  fsm_code code = fsm_unpack(&run->arena, run->input, run->input_len, &value, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code != FSM_OK) {
    fuzz_expect(run, !canonical, "what was packed can be unpacked");
    fuzz_expect(run, code == FSM_EMALFORMED || code == FSM_ETOOLARGE, "bad bytes are malformed or too large");
    fuzz_expect(run, strncmp(err.where, "byte ", 5) == 0, "bad bytes have their place");
    return;
  }
  fsm_buf buf = {0}, json = {0};
  code = fsm_pack(&buf, &value, &err);
  if (fuzz_expect(run, code == FSM_OK, "what was unpacked can be packed"))
    fuzz_expect(run, buf.len == run->input_len && memcmp(buf.data, run->input, buf.len) == 0,
                "what was unpacked packs to the same bytes");
  fsm_json_write(&json, &value);
  fuzz_expect(run, fsm_buf_ok(&json) && json.len > 0, "what was unpacked can be shown");
  fsm_buf_free(&buf);
  fsm_buf_free(&json);
}

#endif
