/* fuzz_query.h: target query: questions to a runtime, with whatever a page's cursor, a moment, a reference or
 * a filter may be said to be. A question is lines of name=value; what pages gave as their `next` is among the
 * seeds. */
#ifndef FSM_TESTS_FUZZ_QUERY_H
#define FSM_TESTS_FUZZ_QUERY_H

#include "runtime/filter.h"
#include "runtime/fsm_runtime.h"
#include "tests/fuzz/mutate.h"
#include "tests/tree.h"

typedef struct fuzz_queries {
  char dir[32];
  fsm_runtime *runtime;
} fuzz_queries;

static const char query_machine[] =
    "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"n\":0},\"states\":{\"a\":{\"after\":{\"3600000\":\"b\"},"
    "\"invoke\":{\"id\":\"t\",\"src\":\"s\"},\"on\":{\"GO\":\"b\",\"ADD\":{\"context\":{\"n\":{\"@expr\":"
    "\"context.n + 1\"}}}}},\"b\":{\"type\":\"final\"}}}";

static const char *const query_tokens[] = {"kind=",
                                           "after=",
                                           "before=",
                                           "as_of=",
                                           "ref=",
                                           "with=",
                                           "by=",
                                           "sum=",
                                           "since=",
                                           "text=",
                                           "limit=",
                                           "@1",
                                           "@0",
                                           "now",
                                           "@18446744073709551615",
                                           "i-1",
                                           "m/key:K-1",
                                           "0.1",
                                           "state",
                                           "machine,state",
                                           "label:x",
                                           "field:n",
                                           "kind,sla,waits,who,last,parent",
                                           "2026-01-01T00:00:00Z",
                                           "1d",
                                           "18446744073709551616",
                                           "-1",
                                           NULL};

static inline void query_call(fuzz_run *run, fsm_command *command) {
  fuzz_queries *own = run->own;
  fsm_answer answer;
  (void)fsm_call(own->runtime, command, &run->kept, &answer);
  if (answer.error.code != FSM_OK) fail_msg("%s: %s", answer.error.where, answer.error.text);
}

static inline void query_fatal(void *arg, const fsm_error *err) {
  (void)arg;
  fail_msg("fatal: %s: %s", err->where, err->text);
}

static inline void query_live(fuzz_run *run) {
  fsm_command deploy = fsm_command_new(FSM_CMD_DEPLOY);
  deploy.source = query_machine;
  deploy.source_len = sizeof query_machine - 1;
  query_call(run, &deploy);
  for (unsigned i = 0; i < 12; i++) {
    fsm_command start = fsm_command_new(FSM_CMD_START), send = fsm_command_new(FSM_CMD_SEND);
    start.machine = "m";
    start.instance = send.instance = fsm_arena_printf(&run->kept, "i-%u", i);
    start.key = fsm_arena_printf(&run->kept, "K-%u", i);
    query_call(run, &start);
    send.event = i % 3 == 0 ? "GO" : "ADD";
    query_call(run, &send);
  }
}

/* The `next` of a short page of each kind. */
static inline void query_seed(fuzz_run *run, fsm_query_kind kind) {
  fuzz_queries *own = run->own;
  fsm_value page;
  const fsm_query q = {
      .kind = kind, .machine = "m", .ref = "i-1", .text = "i", .by = "state", .limit = 2, .look = 1};
  if (fsm_query_wait(own->runtime, &q, &run->kept, &page, NULL) != FSM_OK) return;
  const fsm_value *next = fsm_map_get(&page, "next");
  if (next != NULL && fsm_is(next, FSM_STRING))
    fuzz_seed_text(run, fsm_arena_printf(&run->kept,
                                         "kind=%d\nmachine=m\nref=i-1\ntext=i\nby=state\nlimit=2\nafter=%.*s",
                                         (int)kind, (int)next->len, next->s));
  else
    fuzz_seed_text(
        run, fsm_arena_printf(&run->kept, "kind=%d\nmachine=m\nref=i-1\ntext=i\nby=state\nlimit=2\nafter=7",
                              (int)kind));
}

static inline void query_open(fuzz_run *run) {
  fuzz_queries *own = calloc(1, sizeof *own);
  FSM_ASSERT(own != NULL);
  fsm_error err;
  run->tokens = query_tokens;
  run->own = own;
  memcpy(own->dir, "/tmp/fsm-fuzz-XXXXXX", 21);
  if (mkdtemp(own->dir) == NULL) fail_msg("no scratch directory");
  const fsm_runtime_options options = {.dir = own->dir,
                                       .node = "fuzz",
                                       .segment_bytes = 2 * 1024 * 1024,
                                       .map_bytes = 64 << 20,
                                       .fatal = query_fatal};
  if (fsm_runtime_open(&options, &own->runtime, NULL, &err) != FSM_OK)
    fail_msg("%s: %s", err.where, err.text);
  query_live(run);
  for (int kind = 0; kind <= FSM_QUERY_ROUTE_TEST; kind++) query_seed(run, (fsm_query_kind)kind);
  fuzz_seed_text(run, fsm_arena_printf(&run->kept, "kind=%d\nref=m/key:K-1\nas_of=@3", FSM_QUERY_INSTANCE));
  fuzz_seed_text(run, fsm_arena_printf(&run->kept, "kind=%d\nref=i-2\nas_of=2026-01-01T00:00:00.5Z",
                                       FSM_QUERY_INSTANCE));
  fuzz_seed_text(run, fsm_arena_printf(&run->kept, "kind=%d\nbefore=now\nlimit=5\nuser=a\ncorrelation=b",
                                       FSM_QUERY_RECORDS));
  fuzz_seed_text(run,
                 fsm_arena_printf(&run->kept, "kind=%d\nby=state,label:x,field:n\nsum=n", FSM_QUERY_GROUPS));
  fuzz_seed_text(run, fsm_arena_printf(&run->kept,
                                       "kind=%d\nwith=kind,sla,waits,who,last\nlimit=3\nfilter.sort=-"
                                       "updated\nfilter.state=a\nfilter.where=context.n > 0",
                                       FSM_QUERY_LIST));
  fuzz_seed_text(run, fsm_arena_printf(&run->kept, "kind=%d\nref=3\ndown=1", FSM_QUERY_CAUSE));
}

static inline void query_close(fuzz_run *run) {
  fuzz_queries *own = run->own;
  fsm_runtime_close(own->runtime);
  remove_tree(own->dir);
  free(own);
}

/* A member of the question; false: it is one of the filter's that the filter does not take. */
static inline bool query_line(const char *name, const char *value, fsm_query *q, fsm_filter *filter) {
  const struct {
    const char *name, **to;
  } texts[] = {{"ref", &q->ref},
               {"machine", &q->machine},
               {"state", &q->state},
               {"status", &q->status},
               {"key", &q->key},
               {"service", &q->service},
               {"user", &q->user},
               {"text", &q->text},
               {"since", &q->since},
               {"until", &q->until},
               {"with", &q->with},
               {"by", &q->by},
               {"sum", &q->sum},
               {"after", &q->after},
               {"before", &q->before},
               {"as_of", &q->as_of},
               {"correlation", &q->correlation}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (strcmp(texts[i].name, name) == 0) *texts[i].to = value;
  if (strcmp(name, "kind") == 0)
    q->kind = (fsm_query_kind)(strtoul(value, NULL, 10) % (FSM_QUERY_ROUTE_TEST + 1));
  if (strcmp(name, "limit") == 0) q->limit = (unsigned)(strtoul(value, NULL, 10) % (FSM_PAGE_MAX + 1));
  if (strcmp(name, "down") == 0) q->down = true;
  if (strncmp(name, "filter.", 7) != 0) return true;
  q->filter = filter;
  return fsm_filter_set(filter, name + 7, value, NULL) == FSM_OK;
}

static inline bool query_answers(fsm_code code) {
  static const fsm_code mistakes[] = {FSM_EARGUMENT, FSM_EMALFORMED, FSM_EINSTANCE, FSM_EMACHINE,
                                      FSM_ENOTFOUND, FSM_EAMBIGUOUS, FSM_ETOOLARGE, FSM_ETASK,
                                      FSM_EBUSY,     FSM_EQUOTA};
  for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
    if (code == mistakes[i]) return true;
  return code == FSM_OK;
}

static inline void query_one(fuzz_run *run) {
  fuzz_queries *own = run->own;
  const fuzz_seed *seed = fuzz_any_seed(run);
  fuzz_text t = fuzz_text_of(run, seed->data, seed->len);
  if (!fuzz_one_in(run, 8)) fuzz_change(run, &t);
  for (size_t i = 0; i < t.len; i++) t.data[i] = t.data[i] ? t.data[i] : '0';
  fuzz_input(run, t.data, t.len);
  char *line = fsm_arena_strndup(&run->arena, (const char *)run->input, run->input_len);
  fsm_query q = {.kind = FSM_QUERY_LIST};
  fsm_filter *filter = NULL;
  if (fsm_filter_new(&filter, NULL) != FSM_OK) return;
  bool good = true;
  for (char *end; line != NULL; line = end) {
    if ((end = strchr(line, '\n')) != NULL) *end++ = 0;
    char *equals = strchr(line, '=');
    if (equals != NULL) *equals = 0;
    good = query_line(line, equals != NULL ? equals + 1 : "", &q, filter) && good;
  }
  fsm_value document;
  fsm_error err = fuzz_error();
  const bool one = q.kind == FSM_QUERY_ROUTE_TEST || q.kind == FSM_QUERY_EVENTS; /* no map of theirs here */
  fsm_code code = good ? fsm_query_wait(own->runtime, &q, &run->arena, &document, &err) : FSM_EARGUMENT;
  fuzz_count(run, code);
  if (good && fuzz_expect_error(run, code, &err) && !one) {
    if (!query_answers(code)) fuzz_say("fuzz: %s: %s: %s\n", fsm_code_name(code), err.where, err.text);
    fuzz_expect(run, query_answers(code), "a question is answered, or what is wrong with it is said");
    fuzz_expect(run, code != FSM_OK || fsm_is(&document, FSM_MAP), "an answer is a document");
  }
  fsm_filter_free(filter);
}

#endif
