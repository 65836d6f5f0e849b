/* fuzz_reply.h: target reply: an answer of HTTP/1.1 says the same however its bytes come. */
#ifndef FSM_TESTS_FUZZ_REPLY_H
#define FSM_TESTS_FUZZ_REPLY_H

#include "runtime/web_reply.h"
#include "tests/fuzz/mutate.h"

enum { REPLY_BODY_MAX = 64 };

static const char *const reply_tokens[] = {"HTTP/1.1 200 OK\r\n",
                                           "HTTP/1.1 100 Continue\r\n\r\n",
                                           "HTTP/1.0 204\r\n",
                                           "Content-Length: 5\r\n",
                                           "Content-Length: 18446744073709551616\r\n",
                                           "Transfer-Encoding: chunked\r\n",
                                           "Content-Encoding: gzip\r\n",
                                           "Connection: close\r\n",
                                           "\r\n",
                                           "\n",
                                           "\r\n\r\n",
                                           "5\r\nhello\r\n",
                                           "0\r\n\r\n",
                                           "ffffffffffffffff\r\n",
                                           ";x=y",
                                           ":",
                                           " ",
                                           NULL};

static inline void reply_open(fuzz_run *run) {
  run->tokens = reply_tokens;
  fuzz_seed_text(run, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello");
  fuzz_seed_text(
      run,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n3\r\nyou\r\n0\r\nX: y\r\n\r\n");
  fuzz_seed_text(
      run, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 409 Conflict\r\nETag: \"7\"\r\nContent-Length: 0\r\n\r\n");
  fuzz_seed_text(run, "HTTP/1.0 200 OK\n\nas much as comes");
}

typedef struct reply_told {
  fsm__reply reply;
  fsm__exchange ex;
  fsm_web_reply out;
  bool whole;
} reply_told;

/* step 0: all at once. */
static inline void reply_tell(fuzz_run *run, size_t step, reply_told *told) {
  static const fsm_web_request request = {.method = "GET", .path = "/"};
  const char *data = (const char *)run->input;
  told->out = (fsm_web_reply){0};
  told->ex = (fsm__exchange){
      .request = &request, .arena = &run->arena, .reply = &told->out, .body_max = REPLY_BODY_MAX};
  told->whole = true;
  fsm__reply_begin(&told->reply, &told->ex);
  for (size_t at = 0; told->whole && at < run->input_len && told->reply.part != FSM__REPLY_DONE;) {
    const size_t left = run->input_len - at, len = step == 0 || left < step ? left : step;
    told->whole = fsm__reply_take(&told->reply, data + at, len);
    at += len;
  }
  told->whole = told->whole && fsm__reply_end(&told->reply);
}

static inline bool reply_same(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static inline void reply_one(fuzz_run *run) {
  static reply_told all, some;
  fuzz_input_mutated(run);
  reply_tell(run, 0, &all);
  reply_tell(run, 1 + fuzz_below(run, 7), &some);
  fuzz_count(run, all.whole ? FSM_OK : FSM_EMALFORMED);
  fuzz_expect(run, all.whole == some.whole, "an answer is one however it comes");
  fuzz_expect(run, all.whole || all.reply.wrong || all.ex.too_large, "what is none has a reason");
  fuzz_expect(run, all.ex.body.len <= REPLY_BODY_MAX, "a body is bounded");
  if (all.whole && some.whole)
    fuzz_expect(
        run,
        all.out.status == some.out.status && all.out.status >= 200 && all.out.status <= 999 &&
            all.ex.body.len == some.ex.body.len &&
            (all.ex.body.len == 0 || memcmp(all.ex.body.data, some.ex.body.data, all.ex.body.len) == 0) &&
            reply_same(all.out.etag, some.out.etag) && reply_same(all.out.type, some.out.type),
        "and says the same");
  fsm_buf_free(&all.ex.body);
  fsm_buf_free(&some.ex.body);
}

#endif
