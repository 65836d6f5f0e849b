/* fuzz_filter.h: target filter: fields of a filter, a line each, as parameters and as members of a body; and
 * the same text as a page's cursor. */
#ifndef FSM_TESTS_FUZZ_FILTER_H
#define FSM_TESTS_FUZZ_FILTER_H

#include "runtime/filter_impl.h"
#include "runtime/query_page.h"
#include "tests/fuzz/mutate.h"

static const char *const filter_tokens[] = {"machine=",
                                            "version=",
                                            "state=",
                                            "status=",
                                            "kind=",
                                            "dead,orphan",
                                            "silent",
                                            "user=",
                                            "key=",
                                            "label=",
                                            "correlation=",
                                            "trace=",
                                            "for=",
                                            "since=",
                                            "until=",
                                            "where=",
                                            "sort=",
                                            "updated_since=",
                                            "open,failed",
                                            "forced",
                                            "10m..2h",
                                            "..",
                                            "-updated",
                                            "today",
                                            "2026-03-01",
                                            "context.",
                                            "labels['a']",
                                            "In('a')",
                                            "*",
                                            "?",
                                            "\\",
                                            "\n",
                                            "4294967295",
                                            "0af7651916cd43dd8448eb211c80319c",
                                            "2026-03-01T12:00:00Z",
                                            NULL};

static inline void filter_open(fuzz_run *run) {
  run->tokens = filter_tokens;
  fuzz_seed_text(run, "machine=loan\nversion=2\nstate=review.legal\nstatus=open,failed\nstatus=forced");
  fuzz_seed_text(run, "key=INV-\\*-?*\nlabel=dept=claims\nlabel=city=Bern\nuser=ana\ncorrelation=c-1");
  fuzz_seed_text(run,
                 "for=10m..2h\nsince=2026-03-01T12:00:00Z\nuntil=today\nupdated_since=2h\nsort=-updated");
  fuzz_seed_text(run,
                 "where=context.amount > 10 && labels['a'] == 'b' && In('x')\ntrace="
                 "0af7651916cd43dd8448eb211c80319c");
  fuzz_seed_text(run, "kind=sla,silent\nkind=any\nfor=2d\nsort=-sla");
  fsm__key place = {.len = 0};
  fsm__key_u64(&place, 7);
  fuzz_seed_text(run, fsm__cursor_text(&run->kept, 1, 1700000000000000000, &place));
}

static inline void filter_cursor(fuzz_run *run, const char *text) {
  uint64_t mark;
  int64_t now_ns;
  fsm__key place;
  if (!fsm__cursor_read(text, &mark, &now_ns, &place)) return;
  const char *again = fsm__cursor_text(&run->arena, mark, now_ns, &place);
  fuzz_expect(run, again != NULL && strcmp(again, text) == 0, "a cursor has one spelling");
}

/* What stands, set again as it is told, is the same. */
static inline void filter_again(fuzz_run *run, const fsm_filter *filter) {
  fsm_filter *other = NULL;
  const char *name, *value;
  bool same = fsm_filter_new(&other, NULL) == FSM_OK;
  for (size_t i = 0; same && fsm_filter_at(filter, i, &name, &value); i++)
    same = fsm_filter_set(other, name, value, NULL) == FSM_OK;
  const char *first = fsm_filter_text(filter, &run->arena);
  const char *second = same ? fsm_filter_text(other, &run->arena) : NULL;
  fuzz_expect(run, second != NULL && strcmp(first, second) == 0, "a filter is what it says");
  fsm_filter_free(other);
}

static inline void filter_one(fuzz_run *run) {
  const fuzz_seed *seed = fuzz_any_seed(run);
  fuzz_text t = fuzz_text_of(run, seed->data, seed->len);
  fuzz_change(run, &t);
  if (t.len == FUZZ_BYTES_MAX) t.len--;
  for (size_t i = 0; i < t.len; i++) t.data[i] = t.data[i] ? t.data[i] : '0';
  t.data[t.len] = '\0';
  fuzz_input(run, t.data, t.len + 1);
  /* A given text has no NUL behind it. */
  const char *whole = fsm_arena_strndup(&run->arena, (const char *)run->input, run->input_len);
  filter_cursor(run, whole);
  char *text = fsm_arena_strdup(&run->arena, whole);
  fsm_filter *filter = NULL;
  fsm_error err = fuzz_error();
  fsm_code code = fsm_filter_new(&filter, &err);
  for (char *line = text, *end; code == FSM_OK && line != NULL; line = end) {
    end = strchr(line, '\n');
    if (end != NULL) *end++ = 0;
    char *equals = strchr(line, '=');
    if (equals != NULL) *equals = 0;
    size_t before = filter->count;
    code = fsm_filter_set(filter, line, equals != NULL ? equals + 1 : "", &err);
    fuzz_expect(run, filter->count == before + (code == FSM_OK), "a field is set or not");
  }
  fuzz_count(run, code);
  if (fuzz_expect_error(run, code, &err)) filter_again(run, filter);
  if (filter->key != NULL) (void)fsm__glob_matches(filter->key, whole, strlen(whole));
  fsm_filter_free(filter);
}

#endif
