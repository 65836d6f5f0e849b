/* fuzz_zone.h: targets zone and time: TZif files and POSIX rules, and the texts of times and durations. */
#ifndef FSM_TESTS_FUZZ_ZONE_H
#define FSM_TESTS_FUZZ_ZONE_H

#include "fsm/expr_time.h"
#include "fsm/expr_zone.h"
#include "tests/fuzz/mutate.h"

/* ---- zone ---------------------------------------------------------------------------------------- */

static const char *const zone_tokens[] = {"TZif2",
                                          "TZif3",
                                          "\nCET-1CEST,M3.5.0,M10.5.0/3\n",
                                          "EST5EDT4,0/0,J365/25",
                                          "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
                                          ",J1,366",
                                          "/-167",
                                          "/167:59:59",
                                          "M12.5.6",
                                          "-24",
                                          "\n\n",
                                          NULL};

static inline void zone_seed_number(fsm_buf *buf, uint64_t value, unsigned size) {
  while (size--) fsm_buf_char(buf, (char)(value >> (8 * size)));
}

static inline void zone_seed_block(fsm_buf *buf, char version, unsigned times, unsigned width) {
  fsm_buf_str(buf, "TZif");
  fsm_buf_char(buf, version);
  for (unsigned i = 0; i < 15; i++) fsm_buf_char(buf, 0);
  const uint32_t counts[] = {2, 2, 0, times, 2, 8};
  for (size_t i = 0; i < 6; i++) zone_seed_number(buf, counts[i], 4);
  for (unsigned i = 0; i < times; i++) zone_seed_number(buf, i * UINT64_C(15000000), width);
  for (unsigned i = 0; i < times; i++) fsm_buf_char(buf, (char)(i % 2));
  for (unsigned i = 0; i < 2; i++) {
    zone_seed_number(buf, 3600 * (i + 1), 4);
    zone_seed_number(buf, i ? 0x0104 : 0, 2);
  }
  fsm_buf_add(buf, "CET\0CEST\0\0\0", 12);
}

static inline void zone_open(fuzz_run *run) {
  run->tokens = zone_tokens;
  static const char *const rules[] = {"", "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3",
                                      "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "EST5EDT4,0/0,J365/25"};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    fsm_buf buf = {0};
    zone_seed_block(&buf, i ? '2' : 0, 4, 4);
    if (i) zone_seed_block(&buf, '2', 12, 8);
    if (i) fsm_buf_printf(&buf, "\n%s\n", rules[i]);
    fuzz_seed_add(run, buf.data, buf.len);
    fsm_buf_free(&buf);
    fuzz_seed_text(run, rules[i]);
  }
}

static inline void zone_one(fuzz_run *run) {
  fuzz_input_mutated(run);
  fsm__zone zone;
  const char *reason = NULL;
  fsm_code code = fsm__zone_read(&run->arena, run->input, run->input_len, &zone, &reason);
  fuzz_count(run, code);
  if (code) {
    fuzz_expect(run, reason && (code == FSM_EMALFORMED || code == FSM_ETOOLARGE), "a bad zone has a reason");
    zone = (fsm__zone){.ruled = true};
    if (fsm__zone_rule_read((const char *)run->input, run->input_len, &zone.rule)) return;
  }
  for (unsigned i = 0; i < 8; i++) {
    int64_t seconds = (int64_t)(fuzz_next(run) % 400000000000) - 100000000000;
    if (zone.count && fuzz_one_in(run, 2))
      seconds = zone.at[fuzz_below(run, zone.count)] - (int64_t)fuzz_below(run, 2);
    if (seconds < fsm__time_first || seconds > fsm__time_last) continue;
    int32_t offset = fsm__zone_offset(&zone, seconds);
    fuzz_expect(run, offset > -FSM__ZONE_OFFSET_MAX && offset < FSM__ZONE_OFFSET_MAX,
                "an offset is within 26 hours");
    fuzz_expect(run, offset == fsm__zone_offset(&zone, seconds), "an offset is the same twice");
  }
}

/* ---- time ---------------------------------------------------------------------------------------- */

static const char *const time_tokens[] = {"0001-01-01T00:00:00Z",
                                          "9999-12-31T23:59:59.999999999Z",
                                          "T",
                                          "Z",
                                          "+23:59",
                                          "-00:01",
                                          ".123456789",
                                          "9223372036.854775807s",
                                          "-9223372036854775808ns",
                                          "h",
                                          "m",
                                          "s",
                                          "ms",
                                          "us",
                                          "\xc2\xb5s",
                                          "ns",
                                          ".",
                                          "-",
                                          NULL};

static inline void time_open(fuzz_run *run) {
  run->tokens = time_tokens;
  for (size_t i = 0; i < 6; i++) fuzz_seed_text(run, time_tokens[i < 2 ? i : i + 5]);
  fuzz_seed_text(run, "2020-02-29T12:00:00.5+02:00");
  fuzz_seed_text(run, "1h30m1.5s");
  fuzz_seed_text(run, "-0.333333333333h2us");
}

/* What is read is written and read again as the same. */
static inline void time_again(fuzz_run *run, const fsm_value *value) {
  char text[FSM__TIME_TEXT_MAX];
  fsm_value again = fsm_null();
  const char *reason;
  if (value->type == FSM_TIMESTAMP) {
    fsm__timestamp_text(value->i, value->len, text, sizeof text);
    reason = fsm__timestamp_parse(text, strlen(text), &again);
  } else {
    fsm__duration_text(value->i, (int32_t)value->len, text, sizeof text);
    reason = fsm__duration_parse(text, strlen(text), &again);
  }
  fuzz_expect(run, !reason && fsm_value_same(value, &again), "a time reads back from its text");
}

static inline void time_one(fuzz_run *run) {
  fuzz_input_mutated(run);
  const char *text = (const char *)run->input;
  fsm_value time = fsm_null(), span = fsm_null(), sum;
  const char *no_time = fsm__timestamp_parse(text, run->input_len, &time);
  const char *no_span = fsm__duration_parse(text, run->input_len, &span);
  fuzz_count(run, no_time && no_span ? FSM_EMALFORMED : FSM_OK);
  fuzz_expect(run, no_time || no_span, "no text is both");
  if (!no_time) time_again(run, &time);
  if (no_span) return;
  time_again(run, &span);
  fsm__run eval = {.arena = &run->arena};
  time = (fsm_value){
      .type = FSM_TIMESTAMP, .len = 5, .i = (int64_t)(fuzz_next(run) % 300000000000) - 60000000000};
  if (!fsm__apply(&eval, FSM__ADD, &time, &span, &sum)) return;
  fsm_value back, difference;
  fuzz_expect(run, fsm__apply(&eval, FSM__SUB, &sum, &span, &back) && fsm_value_same(&back, &time),
              "what is added can be taken away");
  fuzz_expect(run,
              fsm__apply(&eval, FSM__SUB, &sum, &time, &difference) && fsm_value_same(&difference, &span),
              "the difference is what was added");
}

#endif
