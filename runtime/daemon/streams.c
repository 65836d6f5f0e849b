/* streams.c: one stream from its request to its end; all of them on the loop's thread. */
#include "runtime/daemon/streams.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/daemon/http.h"
#include "runtime/daemon/problem.h"
#include "runtime/daemon/serve_records.h"
#include "runtime/feed.h"

enum { LOOK_MS = 100 };

typedef struct stream {
  fsm__streams *all;
  fsm__request *request;
  fsm__follower *follower;
  fsm_buf note; /* what is said between the records; sent first, when not in the middle of one */
  size_t noted;
  bool ends; /* after the note */
  int64_t sent_ms, checked_ms;
  struct stream *next, **back;
} stream;

struct fsm__streams {
  fsm__server *server;
  fsm__feed *feed;
  fsm__post post; /* to the loop: some are ready */
  fsm__timer *clock;
  fsm_arena scratch;
  stream *first;
};

/* ---- what is sent ------------------------------------------------------------------------------- */

static void end_with(stream *s, const fsm_error *why) {
  fsm_buf_str(&s->note, "event: end\ndata: ");
  fsm__problem_text(&s->note, why, fsm_code_http(why->code), NULL, NULL, s->request->correlation);
  fsm_buf_str(&s->note, "\n\n");
  s->ends = true;
}

static size_t take_note(stream *s, char *out, size_t max) {
  const size_t left = s->note.len - s->noted, some = left < max ? left : max;
  if (some == 0) return 0;
  memcpy(out, s->note.data + s->noted, some);
  s->noted += some;
  if (s->noted < s->note.len) return some;
  s->noted = 0;
  fsm_buf_reset(&s->note);
  return some;
}

static long pull(void *arg, char *out, size_t max) {
  stream *s = arg;
  fsm_error why;
  if (!fsm_buf_ok(&s->note)) return -1;
  size_t got = take_note(s, out, max);
  if (got == 0 && s->ends) return -1;
  if (got == 0) {
    const bool ended = fsm__follower_ended(s->follower, &why) != FSM_OK;
    got = fsm__follower_take(s->follower, out, max);
    if (got == 0 && ended) {
      end_with(s, &why);
      got = take_note(s, out, max);
    }
  }
  if (got > 0) s->sent_ms = fsm__monotonic_ms();
  return (long)got;
}

static void closed(void *arg) {
  stream *s = arg;
  *s->back = s->next;
  if (s->next) s->next->back = s->back;
  fsm__follower_leave(s->follower);
  fsm_buf_free(&s->note);
  free(s);
}

/* ---- from time to time ---------------------------------------------------------------------------- */

/* Nothing waits, so it is between two records. */
static void beat(stream *s) {
  const uint64_t seq = fsm__follower_seq(s->follower);
  if (seq == 0 || s->note.len > 0) return;
  fsm_buf_printf(&s->note, ":\nid: %llu\n\n", (unsigned long long)seq);
  fsm__http_flow_ready(s->request);
}

/* Asked anew rather than remembered: keys may have changed, too. */
static bool may_go_on(stream *s, fsm_error *why) {
  const fsm__request *request = s->request;
  fsm_value actor = fsm_null();
  fsm_arena_reset(&s->all->scratch);
  if (fsm__auth_identify(s->all->server->auth, request->policy, request->headers[FSM__AUTHORIZATION],
                         &request->peer, fsm__wall_ns(), &s->all->scratch, &actor, why) != FSM_OK)
    return why->code == FSM_ENOMEM;
  const fsm_value *then = fsm_map_get(&request->actor, "authn"), *now = fsm_map_get(&actor, "authn");
  if (!then || !now || !fsm_is_text(then, "verified") || fsm_is_text(now, "verified")) return true;
  (void)fsm_fail(why, FSM_ETOKEN, "Authorization", "the token is not good any more");
  return false;
}

static void look_at(stream *s, int64_t now_ms) {
  fsm_error why;
  if (s->ends) return;
  if (s->request->headers[FSM__AUTHORIZATION] && now_ms - s->checked_ms >= FSM__STREAM_TOKEN_MS) {
    s->checked_ms = now_ms;
    if (!may_go_on(s, &why)) {
      if (fsm__follower_between(s->follower)) end_with(s, &why);
      s->ends = true;
      fsm__http_flow_ready(s->request);
      return;
    }
  }
  if (now_ms - s->sent_ms >= FSM__STREAM_BEAT_S * 1000) beat(s);
}

static void look(void *arg) {
  fsm__streams *all = arg;
  const int64_t now_ms = fsm__monotonic_ms();
  for (stream *s = all->first, *next; s; s = next) {
    next = s->next;
    look_at(s, now_ms);
  }
}

static void on_ready(void *arg) {
  fsm__streams *all = arg;
  for (stream *s; (s = fsm__feed_ready(all->feed)) != NULL;) fsm__http_flow_ready(s->request);
}

/* A thread of the feed. */
static void ready(void *arg) {
  fsm__streams *all = arg;
  fsm__loop_post(all->server->loop, &all->post);
}

/* ---- the request ---------------------------------------------------------------------------------- */

bool fsm__streams_asked(const fsm__request *request) {
  static const char type[] = "text/event-stream";
  const char *accept = request->headers[FSM__ACCEPT];
  for (; accept && *accept; accept += strcspn(accept, ","), accept += *accept == ',') {
    accept += strspn(accept, " \t");
    if (strncasecmp(accept, type, sizeof type - 1) != 0) continue;
    const char *rest = accept + sizeof type - 1;
    const size_t len = strcspn(rest, ",");
    if (len > 0 && !strchr("; \t", *rest)) continue;
    const char *q = memmem(rest, len, "q=0", 3);
    if (!q || (q[3] == '.' && strspn(q + 4, "0") < strspn(q + 4, "0123456789"))) return true;
  }
  return false;
}

static fsm_code place_of(const char *text, const char *where, uint64_t *out, fsm_error *err) {
  *out = 0;
  bool good = *text != 0;
  for (const char *c = text; good && *c; c++)
    good = *c >= '0' && *c <= '9' && !__builtin_mul_overflow(*out, 10u, out) &&
           !__builtin_add_overflow(*out, (uint64_t)(*c - '0'), out);
  if (good && *out < FSM_FEED_NOW) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, where, "\"%.64s\" is not a seq", text);
}

static fsm_code begin_at(const fsm__request *request, const fsm__target *target, uint64_t *out,
                         fsm_error *err) {
  static const char *const ends[] = {"limit", "until", "before"}, *const where[] = {"?limit", "?until",
                                                                                    "?before"};
  if (fsm__target_param(target, "brief"))
    return fsm_fail(err, FSM_EARGUMENT, "?brief", "a stream has whole records; ask for JSON");
  const char *last = request->headers[FSM__LAST_EVENT_ID], *after = fsm__target_param(target, "after");
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (fsm__target_param(target, ends[i]))
      return fsm_fail(err, FSM_EARGUMENT, where[i], "a stream has no end; ask for JSON");
  *out = FSM_FEED_NOW;
  if (last && *last) return place_of(last, "Last-Event-ID", out, err);
  return after && strcmp(after, "now") != 0 ? place_of(after, "?after", out, err) : FSM_OK;
}

static void enter(fsm__streams *all, stream *s) {
  s->next = all->first;
  s->back = &all->first;
  if (s->next) s->next->back = &s->next;
  all->first = s;
}

/* NULL: *err says why. */
static stream *open_stream(fsm__streams *all, fsm__request *request, const fsm__target *target,
                           fsm_error *err) {
  fsm_value filter = fsm_null();
  uint64_t after = 0;
  fsm_code code = begin_at(request, target, &after, err);
  if (code == FSM_OK)
    code = fsm__records_fault(fsm__records_filter(target, &request->arena, &filter, err), err);
  if (code != FSM_OK) return NULL;
  stream *s = calloc(1, sizeof *s);
  if (!s) {
    fsm_fail(err, FSM_ENOMEM, "records", "no memory for a stream");
    return NULL;
  }
  *s = (stream){.all = all, .request = request, .sent_ms = fsm__monotonic_ms()};
  s->checked_ms = s->sent_ms;
  code = fsm__feed_follow(all->feed, &filter, after, s, &s->follower, err);
  if (code != FSM_OK) {
    (void)fsm__records_fault(code, err);
    free(s);
    return NULL;
  }
  return s;
}

bool fsm__streams_serve(fsm__streams *all, fsm__request *request, const fsm__target *target) {
  fsm_error err = {0};
  if (strcmp(request->method, "GET") != 0) {
    request->allow = "GET";
    fsm__problem_make(request, FSM_EMETHOD, 0, "method", "a stream is read with GET");
    return true;
  }
  stream *s = open_stream(all, request, target, &err);
  if (!s) {
    fsm__problem(request, &err, 0, NULL);
    return true;
  }
  fsm_buf_printf(&s->note, "retry: %d\nid: %llu\n\n", FSM__STREAM_RETRY_MS,
                 (unsigned long long)fsm__follower_began(s->follower));
  enter(all, s);
  request->type = "text/event-stream";
  fsm__http_flow(request, &(fsm__flow){.pull = pull, .closed = closed, .arg = s});
  return false;
}

/* ---- life --------------------------------------------------------------------------------------- */

fsm_code fsm__streams_new(fsm__server *server, unsigned max, fsm__streams **out, fsm_error *err) {
  fsm__streams *all = calloc(1, sizeof *all);
  if (!all) return fsm_fail(err, FSM_ENOMEM, "records", "no memory for streams");
  all->server = server;
  all->post = (fsm__post){.fn = on_ready, .arg = all};
  fsm_arena_init(&all->scratch, 0);
  const fsm__feed_options options = {.followers_max = max, .ready = ready, .arg = all};
  fsm_code code = fsm__feed_new(&options, &all->feed, err);
  if (code == FSM_OK) code = fsm__timer_new(server->loop, look, all, &all->clock, err);
  if (code == FSM_OK)
    *out = all;
  else
    fsm__streams_free(all);
  return code;
}

fsm_code fsm__streams_start(fsm__streams *all, fsm_error *err) {
  fsm_code code = fsm__feed_start(all->feed, all->server->runtime, err);
  if (code == FSM_OK) fsm__timer_start(all->clock, LOOK_MS, LOOK_MS);
  return code;
}

void fsm__streams_stop(fsm__streams *all) {
  fsm__timer_stop(all->clock);
  fsm__feed_stop(all->feed);
}

void fsm__streams_free(fsm__streams *all) {
  if (!all) return;
  FSM_ASSERT(!all->first);
  fsm__timer_free(all->clock);
  fsm__feed_free(all->feed);
  fsm_arena_free(&all->scratch);
  free(all);
}

void fsm__streams_durable(void *streams, uint64_t seq) {
  fsm__feed_durable(((fsm__streams *)streams)->feed, seq);
}
