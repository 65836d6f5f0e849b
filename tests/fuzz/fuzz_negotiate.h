/* fuzz_negotiate.h: target negotiate: the lists and names of headers that answers depend on: what is
 * accepted, what is there already, which host, which origin. Each has a property that holds whatever the text
 * is. */
#ifndef FSM_TESTS_FUZZ_NEGOTIATE_H
#define FSM_TESTS_FUZZ_NEGOTIATE_H

#include <ctype.h>
#include <strings.h>

#include "runtime/daemon/cors.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/negotiate.h"
#include "tests/fuzz/fuzz.h"

static const char *const negotiate_tokens[] = {
    "gzip",      "x-gzip", "*",     "br",       "identity", ";q=0", ";q=0.001", ";q=1.000",
    ", ",        ",",      "\t",    "q=",       "\"7\"",    "W/",   "\"",       "localhost",
    "127.0.0.1", "[::1]",  ":8480", "https://", "http://",  ".",    NULL};

static inline void negotiate_open(fuzz_run *run) {
  run->tokens = negotiate_tokens;
  fuzz_seed_text(run, "gzip, deflate;q=0.5, br;q=1.0, *;q=0");
  fuzz_seed_text(run, "\tx-gzip ; q=0.001 ,identity");
  fuzz_seed_text(run, "\"1\", W/\"7\" , \"a,b\"");
  fuzz_seed_text(run, "*");
  fuzz_seed_text(run, "localhost:8480");
  fuzz_seed_text(run, "[::1]:8480");
  fuzz_seed_text(run, "127.0.0.1");
  fuzz_seed_text(run, "https://app.example:8443");
  fuzz_seed_text(run, "http://[fe80::1]");
}

/* More items in the list take nothing away from it. */
static inline void negotiate_expect_lists(fuzz_run *run, const char *text) {
  const bool gzip = fsm__accepts_gzip(text), among = fsm__etag_is_among(text, "\"7\"");
  fuzz_expect(run, !gzip || strcasestr(text, "gzip") || strchr(text, '*'), "gzip is for who names it");
  fuzz_expect(run, gzip == fsm__accepts_gzip(fsm_arena_printf(&run->arena, "br, %s", text)) || !*text,
              "what stands before takes nothing away");
  fuzz_expect(run, !gzip || fsm__accepts_gzip(fsm_arena_printf(&run->arena, "%s, br", text)),
              "nor what stands behind");
  fuzz_expect(run, !among || strstr(text, "\"7\"") || strchr(text, '*'), "a revision is found where it is");
  fuzz_expect(run,
              !among || strchr(text, '*') ||
                  fsm__etag_is_among(fsm_arena_printf(&run->arena, "\"x\",%s", text), "\"7\""),
              "and behind another");
}

static inline void negotiate_expect_names(fuzz_run *run, const char *text) {
  fsm__request request = {.method = "GET"};
  request.headers[FSM__HOST] = text;
  if (fsm__headers_host_is_loopback(&request))
    fuzz_expect(run,
                strncasecmp(text, "localhost", 9) == 0 || strncmp(text, "127.", 4) == 0 ||
                    strncmp(text, "[::1]", 5) == 0,
                "a loopback host is spelt as one");
  if (!fsm__cors_is_origin(text)) return;
  fuzz_expect(run, strncmp(text, "http", 4) == 0 && strlen(text) <= FSM__ORIGIN_MAX, "an origin is bounded");
  for (const char *c = text; *c; c++)
    fuzz_expect(run, *c > ' ' && *c <= '~' && !isupper((unsigned char)*c) && *c != '*' && *c != '@',
                "an origin is plain");
}

static inline void negotiate_one(fuzz_run *run) {
  const fuzz_seed *seed = fuzz_any_seed(run);
  fuzz_text t = fuzz_text_of(run, seed->data, seed->len);
  fuzz_change(run, &t);
  if (t.len == FUZZ_BYTES_MAX) t.len--;
  for (size_t i = 0; i < t.len; i++) t.data[i] = t.data[i] ? t.data[i] : '0'; /* a header holds no NUL */
  t.data[t.len] = '\0';
  fuzz_input(run, t.data, t.len + 1);
  const char *text = (const char *)run->input;
  fuzz_count(run, FSM_OK);
  negotiate_expect_lists(run, text);
  negotiate_expect_names(run, text);
}

#endif
