/* fuzz_record.h: target record: stored bytes into a record, its brief and its JSON form. Seeds are the
 * golden records of every kind. */
#ifndef FSM_TESTS_FUZZ_RECORD_H
#define FSM_TESTS_FUZZ_RECORD_H

#include "schema/record.h"
#include "schema/record_parse.h"
#include "tests/fuzz/fuzz_values.h"

static const char *const record_tokens[] = {
    "i-1",   "m",        "a",      "b",       "b.x",   "b.y", "done",     "id",          "due",
    "event", "data",     "cancel", "service", "input", "tok", "deadline", "deadline_ns", "attempts",
    "next",  "retry_at", "text",   "source",  "error", "job", "GO",       "n",           NULL};

static inline int record_nibble(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* Lines of "name hex". */
static inline void record_seeds(fuzz_run *run) {
  FILE *file = fopen(FSM_SOURCE_DIR "/tests/golden/record-v1.txt", "r");
  if (!file) fail_msg("the golden records are missing");
  static char line[16384];
  static uint8_t bytes[8192];
  while (fgets(line, sizeof line, file)) {
    const char *at = strchr(line, ' ');
    size_t len = 0;
    for (at = at ? at + 1 : ""; at[0] > ' ' && at[1] > ' '; at += 2)
      bytes[len++] = (uint8_t)(record_nibble(at[0]) << 4 | record_nibble(at[1]));
    if (len) fuzz_seed_add(run, bytes, len);
  }
  fclose(file);
}

static inline void record_open(fuzz_run *run) {
  run->tokens = record_tokens;
  record_seeds(run);
}

static inline void record_expect_brief(fuzz_run *run, const fsm_record *record) {
  fsm_record_brief brief;
  fsm_code code = fsm_record_peek(run->input, run->input_len, &brief);
  if (!fuzz_expect(run, code == FSM_OK, "what decodes can be peeked at")) return;
  fuzz_expect(run, brief.seq == record->seq && brief.kind == record->kind,
              "the brief has the record's seq and kind");
  fuzz_expect(
      run, (brief.mach != NULL) == (record->mach != NULL) && (brief.inst != NULL) == (record->inst != NULL),
      "the brief has what the record has");
  if (record->mach && brief.mach)
    fuzz_expect(run,
                brief.mach_len == strlen(record->mach) && !memcmp(brief.mach, record->mach, brief.mach_len),
                "the brief has the record's machine");
  if (record->inst && brief.inst)
    fuzz_expect(run,
                brief.inst_len == strlen(record->inst) && !memcmp(brief.inst, record->inst, brief.inst_len),
                "the brief has the record's instance");
}

static inline void record_expect_view(fuzz_run *run, const fsm_record *record) {
  static const fsm_origin origin = {.store = "a store of tests", .partition = 3, .epoch = 7};
  fsm_value view, back;
  fsm_error err = fuzz_error();
  fsm_code code = fsm_record_view(&run->arena, record, fuzz_one_in(run, 2) ? &origin : NULL, &view, &err);
  if (!fuzz_expect_error(run, code, &err) || !fuzz_expect(run, code == FSM_OK, "what decodes can be shown"))
    return;
  fuzz_expect(run, fsm_map_get(&view, "seq") && fsm_map_get(&view, "kind") && fsm_map_get(&view, "time"),
              "the view has the fields that every record has");
  fsm_buf text = {0};
  fsm_json_write(&text, &view);
  code = fsm_json_parse(&run->arena, text.data, text.len, FSM_JSON_SORTED, &back, &err);
  /* Keys of other types can have the same text; NUL and a depth over JSON's cannot be read back. */
  fuzz_expect(run,
              code == FSM_OK || memmem(text.data, text.len, "\\u0000", 6) || strstr(err.text, "duplicate") ||
                  code == FSM_ETOOLARGE,
              "the view is JSON");
  fsm_buf_free(&text);
}

/* The JSON form gives the stored bytes again, or says why it may not. */
static inline void record_expect_back(fuzz_run *run, const fsm_record *record, const void *data, size_t len) {
  const fsm_origin origin = {.store = "a store of tests", .partition = 3, .epoch = 7};
  fsm_value view, read;
  fsm_error err;
  fsm_buf text = {0}, back = {0};
  const char *doubt = NULL;
  fsm_code code = fsm_record_view(&run->arena, record, &origin, &view, &err);
  if (code == FSM_OK) fsm_json_write(&text, &view);
  if (code == FSM_OK) code = fsm_json_parse(&run->arena, text.data, text.len, FSM_JSON_SORTED, &read, &err);
  if (code == FSM_OK) code = fsm_record_parse(&run->arena, &read, &back, &doubt, &err);
  if (code == FSM_OK && doubt == NULL)
    fuzz_expect(run, back.len == len && memcmp(back.data, data, len) == 0,
                "the JSON form gives the same bytes, or there is a doubt");
  fsm_buf_free(&text);
  fsm_buf_free(&back);
}

static inline void record_one(fuzz_run *run) {
  bool from_tree = fuzz_one_in(run, 2) && pack_input_from_tree(run);
  if (run->failure[0]) return;
  if (!from_tree) fuzz_input_mutated(run);
  fsm_record record = {.seq = 77, .reason = fuzz_untouched};
  fsm_error err = fuzz_error();
  fsm_code code = fsm_record_decode(&run->arena, run->input, run->input_len, &record, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code != FSM_OK) {
    fsm_record_brief brief;
    fuzz_expect(run, code == FSM_ECORRUPT || code == FSM_EVERSION,
                "a bad record is corrupt or of another version");
    fuzz_expect(run, record.seq == 77 && record.reason == fuzz_untouched,
                "a bad record leaves the record alone");
    (void)!fsm_record_peek(run->input, run->input_len, &brief);
    return;
  }
  fsm_buf buf = {0};
  code = fsm_record_encode(&buf, &record, &err);
  if (fuzz_expect(run, code == FSM_OK, "what was decoded can be encoded"))
    fuzz_expect(run, buf.len == run->input_len && memcmp(buf.data, run->input, buf.len) == 0,
                "what was decoded encodes to the same bytes");
  fsm_buf_free(&buf);
  record_expect_brief(run, &record);
  record_expect_view(run, &record);
  record_expect_back(run, &record, run->input, run->input_len);
}

#endif
