/* fuzz_match.h: target match: changed and generated patterns on changed texts. */
#ifndef FSM_TESTS_FUZZ_MATCH_H
#define FSM_TESTS_FUZZ_MATCH_H

#include "fsm/match.h"
#include "tests/fuzz/mutate.h"

static const char *const match_tokens[] = {
    "(",           ")",     "(?:",       "(?i)",      "(?ms-i:",
    "(?P<n>",      "(?U)",  "(?=",       "[",         "]",
    "[^",          "-",     "[:alpha:]", "[:^word:]", "\\d",
    "\\W",         "\\s",   "\\pL",      "\\p{Lu}",   "\\P{^Nd}",
    "\\x{10FFFF}", "\\101", "\\1",       "\\Q",       "\\E",
    "\\b",         "\\B",   "\\A",       "\\z",       "^",
    "$",           "|",     "*",         "+?",        "??",
    "{2}",         "{0,3}", "{1000}",    "{2,}",      "{,5}",
    "a",           "b",     ".",         "\xc3\xa9",  "\xf0\x9f\x98\x80",
    "\xff",        "(a*)*", "(a|a)*",    "[a-z]",     "\\",
    NULL};

static inline void match_open(fuzz_run *run) {
  run->tokens = match_tokens;
  static const char *const seeds[] = {"(a*)*b",
                                      "^[\\w.+-]+@[\\w-]+\\.[a-z]{2,8}$",
                                      "(?i)gr(a|e)y|\\bfoo\\b",
                                      "[[:^alpha:]\\d\\p{Lu}\xc3\xa0-\xc3\xbf]{2,5}?",
                                      "((a{0,9}){0,9}){0,9}b",
                                      "(?P<y>\\d{4})-(?<m>\\d\\d)(?m:^a$)",
                                      "\\Q.*\\E+\\x41\\x{1F600}\\101[^]\\n]"};
  for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) fuzz_seed_text(run, seeds[i]);
}

static inline void match_make(fuzz_run *run) {
  fsm_buf buf = {0};
  for (size_t i = 1 + fuzz_below(run, 12); i--;) fsm_buf_str(&buf, fuzz_any_token(run));
  fuzz_input(run, buf.data, buf.len);
  fsm_buf_free(&buf);
}

static inline void match_texts(fuzz_run *run, const fsm__match *match) {
  char text[65];
  size_t len = fuzz_below(run, sizeof text);
  for (size_t i = 0; i < len; i++) text[i] = "aab\n_1A \xc3\xa9\xff"[fuzz_below(run, 11)];
  char *exact = malloc(len + 1);
  FSM_ASSERT(exact != NULL);
  memcpy(exact, text, len);
  uint64_t steps = UINT64_MAX, again = 0;
  bool found = false, second = false;
  fsm_code code = fsm__match_run(match, exact, len, &run->arena, &steps, &found);
  fuzz_expect(run, code == FSM_OK, "a match that may take any number of steps ends");
  uint64_t items = fsm__match_size(match) * (uint64_t)FSM__MATCH_PATTERN_MAX;
  fuzz_expect(run, steps <= (len + 1) * (2 * fsm__match_size(match) + items), "a match is linear");
  again = steps;
  code = fsm__match_run(match, exact, len, &run->arena, &again, &second);
  fuzz_expect(run, code == FSM_OK && again == steps && second == found, "a match is the same twice");
  again = steps - 1;
  code = fsm__match_run(match, exact, len, &run->arena, &again, &second);
  fuzz_expect(run, code == FSM_ETOOLARGE, "a match needs the steps that it takes");
  free(exact);
}

static inline void match_one(fuzz_run *run) {
  if (fuzz_one_in(run, 2))
    match_make(run);
  else
    fuzz_input_mutated(run);
  const fsm__match *match = NULL;
  fsm_error err = fuzz_error();
  fsm_code code = fsm__match_compile(&run->arena, (const char *)run->input, run->input_len, &match, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err)) return;
  fuzz_expect(run,
              code == FSM_OK || code == FSM_EEXPRESSION || code == FSM_EUNSUPPORTED || code == FSM_ETOOLARGE,
              "a bad pattern has a code of its own");
  if (code) return;
  fuzz_expect(run, fsm__match_size(match) <= FSM__MATCH_SIZE_MAX, "a program is bounded");
  for (unsigned i = 0; i < 3; i++) match_texts(run, match);
}

#endif
