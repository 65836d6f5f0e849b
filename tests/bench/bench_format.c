/* bench_format.c: records per second into their JSON form, from stored bytes of the size that a transition of
 * an approval process has. Raw: the same text copied.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "runtime/format.h"
#include "schema/json.h"

enum { RECORDS = 64, ROUND = 1024 };

typedef struct stored {
  fsm_buf bytes, text;
} stored;

static const uint8_t hash[32] = {0xab, 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                 16,   17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 0xef};

static fsm_value parsed(fsm_arena *arena, const char *text) {
  fsm_value out;
  fsm_error err;
  if (fsm_json_parse(arena, text, strlen(text), FSM_JSON_SORTED, &out, &err)) give_up("%s", err.text);
  return out;
}

static fsm_record transition(fsm_arena *arena, uint64_t seq) {
  fsm_record r = fsm_record_new(FSM_RECORD_TRANSITION);
  r.seq = seq, r.rev = 7 + seq % 5, r.iprev = seq - 13, r.defv = 3, r.dur_us = 184;
  r.time_ns = 1795368000123456789 + (int64_t)seq * 1000003;
  r.prev = r.def = r.ctxh = hash;
  r.mach = "document-approval";
  r.inst = fsm_arena_printf(arena, "0192f3a4-5b6c-7d8e-9f00-%012llu", (unsigned long long)seq);
  r.key = fsm_arena_printf(arena, "INV-2026-%llu", (unsigned long long)seq);
  r.corr = "0192f3a4-1111-7d8e-9f00-112233445566";
  r.labels = parsed(arena, "{\"department\":\"claims\",\"region\":\"north\"}");
  r.from = parsed(arena, "[\"review.legal\"]"), r.to = parsed(arena, "[\"approved\"]");
  r.tr = parsed(arena, "[4]"), r.since = r.to;
  r.trigger = "APPROVE", r.cause = FSM_CAUSE_EXTERNAL;
  r.data = parsed(arena, "{\"amount\":1234.5,\"comment\":\"looks fine to me\",\"urgent\":true}");
  r.ctx = parsed(arena, "{\"approvals\":[1,2],\"amount\":[1200.25,1234.5]}");
  r.act = parsed(arena,
                 "{\"authn\":\"verified\",\"iss\":\"https://id.example.org\",\"roles\":[\"manager\"],\"sid\":"
                 "\"s-778899\",\"sub\":\"u-4711\",\"type\":\"user\"}");
  r.node = "fsmd-1/0.1.0", r.elapsed_ns = 86400123456789, r.level = 2;
  return r;
}

static size_t fill(stored *all, const fsm__formatter *formatter) {
  fsm_arena arena;
  fsm_error err;
  size_t bytes = 0;
  fsm_arena_init(&arena, 0);
  for (unsigned i = 0; i < RECORDS; i++) {
    fsm_record r = transition(&arena, 1000000 + i);
    if (fsm_record_encode(&all[i].bytes, &r, &err)) give_up("%s", err.text);
    fsm__exported x = {.data = all[i].bytes.data, .len = all[i].bytes.len, .seq = r.seq, .after = r.seq - 1};
    if (fsm__format(formatter, &x, &arena, &all[i].text, &err)) give_up("%s", err.text);
    bytes += all[i].bytes.len;
  }
  fsm_arena_free(&arena);
  return bytes / RECORDS;
}

static double formatted(const stored *all, const fsm__formatter *formatter, double seconds) {
  fsm_arena arena;
  fsm_buf out = {0};
  fsm_error err;
  fsm_arena_init(&arena, 0);
  double begin = now_s(), count = 0;
  while (now_s() - begin < seconds) {
    fsm_buf_reset(&out);
    for (unsigned i = 0; i < ROUND; i++) {
      const fsm_buf *bytes = &all[i % RECORDS].bytes;
      fsm__exported x = {.data = bytes->data, .len = bytes->len, .seq = 1000000 + i % RECORDS};
      x.after = x.seq - 1;
      if (fsm__format(formatter, &x, &arena, &out, &err)) give_up("%s", err.text);
      fsm_buf_char(&out, '\n');
      fsm_arena_reset(&arena);
    }
    count += ROUND;
  }
  double rate = count / (now_s() - begin);
  fsm_buf_free(&out);
  fsm_arena_free(&arena);
  return rate;
}

static double copied(const stored *all, double seconds) {
  fsm_buf out = {0};
  double begin = now_s(), count = 0;
  while (now_s() - begin < seconds) {
    fsm_buf_reset(&out);
    for (unsigned i = 0; i < ROUND; i++) {
      fsm_buf_add(&out, all[i % RECORDS].text.data, all[i % RECORDS].text.len);
      fsm_buf_char(&out, '\n');
    }
    count += ROUND;
  }
  double rate = count / (now_s() - begin);
  fsm_buf_free(&out);
  return rate;
}

static sample of_format(const char *name, double seconds) {
  fsm__formatter *formatter = NULL;
  fsm_error err;
  if (fsm__formatter_new(&(fsm__format_options){.format = name}, &formatter, &err)) give_up("%s", err.text);
  stored all[RECORDS] = {{{0}, {0}}};
  size_t bytes = fill(all, formatter);
  if (bytes < 500 || bytes > 700) give_up("a record has %zu bytes, not about 600", bytes);
  sample s = {.value = formatted(all, formatter, seconds / 2), .raw = copied(all, seconds / 2)};
  for (unsigned i = 0; i < RECORDS; i++) {
    fsm_buf_free(&all[i].bytes);
    fsm_buf_free(&all[i].text);
  }
  fsm__formatter_free(formatter);
  return s;
}

sample format_json(const char *dir, double seconds) {
  (void)dir;
  return of_format("json", seconds);
}
