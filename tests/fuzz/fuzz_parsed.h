/* fuzz_parsed.h: target parsed: the JSON form of a record back to bytes. What is taken are bytes of a record,
 * whose own JSON form gives them again or says why it may not. Seeds are the golden records as JSON. */
#ifndef FSM_TESTS_FUZZ_PARSED_H
#define FSM_TESTS_FUZZ_PARSED_H

#include "tests/fuzz/fuzz_definition.h"
#include "tests/fuzz/fuzz_record.h"

static inline void parsed_open(fuzz_run *run) {
  record_open(run);
  const fsm_origin origin = {.store = "a store of tests", .partition = 3, .epoch = 7};
  for (size_t i = 0; i < run->seed_count; i++) {
    fsm_record record;
    fsm_value view;
    fsm_buf text = {0};
    fsm_error err;
    if (fsm_record_decode(&run->kept, run->seeds[i].data, run->seeds[i].len, &record, &err) ||
        fsm_record_view(&run->kept, &record, &origin, &view, &err))
      fail_msg("%s", err.text);
    fsm_json_write(&text, &view);
    run->seeds[i].data = (const uint8_t *)fsm_arena_strndup(&run->kept, text.data, text.len);
    run->seeds[i].len = text.len;
    fsm_buf_free(&text);
  }
}

static inline void parsed_one(fuzz_run *run) {
  fsm_value document;
  fsm_record record;
  fsm_buf bytes = {0};
  const char *doubt = NULL;
  document_input(run, 3);
  fsm_error err = fuzz_error();
  fsm_buf_str(&bytes, "before");
  fsm_code code =
      fsm_json_parse(&run->arena, (const char *)run->input, run->input_len, FSM_JSON_SORTED, &document, &err);
  if (code == FSM_OK) code = fsm_record_parse(&run->arena, &document, &bytes, &doubt, &err);
  fuzz_count(run, code);
  if (fuzz_expect_error(run, code, &err) && code != FSM_OK)
    fuzz_expect(run, bytes.len == 6, "what is refused adds no bytes");
  if (code == FSM_OK) {
    code = fsm_record_decode(&run->arena, bytes.data + 6, bytes.len - 6, &record, &err);
    if (fuzz_expect(run, code == FSM_OK, "what is taken is a record"))
      record_expect_back(run, &record, bytes.data + 6, bytes.len - 6);
  }
  fsm_buf_free(&bytes);
}

#endif
