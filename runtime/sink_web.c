/* sink_web.c: see sink_web.h. What is gathered is forgotten with each prepare and each fault: the outbox
 * gives it again. */
#include "runtime/sink_web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "runtime/clock.h"
#include "runtime/sink_web_open.h"
#include "runtime/web_secret.h"
#include "schema/json.h"

enum { WAIT_SLICE_NS = 20 * 1000 * 1000, EXCERPT_MAX = 160 };

/* ---- what an answer means ---- */

fsm__web_verdict fsm__web_verdict_of(int status) {
  if (status >= 200 && status < 300) return FSM__WEB_TAKEN;
  if (status >= 500) return FSM__WEB_AGAIN;
  switch (status) {
    case 408:
    case 409:
    case 425:
    case 429: return FSM__WEB_AGAIN;
    case 400:
    case 415:
    case 422: return FSM__WEB_CONTENT;
    case 413: return FSM__WEB_TOO_MUCH;
    default: return FSM__WEB_STAND;
  }
}

/* The beginning of a body, for people. */
static void excerpt(const fsm_web_reply *reply, char out[EXCERPT_MAX + 1]) {
  size_t len = 0;
  for (size_t i = 0; i < reply->body_len && len < EXCERPT_MAX; i++) {
    unsigned char c = (unsigned char)reply->body[i];
    if (c >= 0x21 && c < 0x7f)
      out[len++] = (char)c;
    else if (len > 0 && out[len - 1] != ' ')
      out[len++] = ' ';
  }
  while (len > 0 && out[len - 1] == ' ') len--;
  out[len] = '\0';
}

static fsm_code stand_fault(const fsm__sink_web *s, int status, const char *said, fsm_error *err) {
  const char *where = s->server;
  if (status == 401)
    return fsm_fail(err, FSM_EPERMISSION, where,
                    "401: it does not accept who we are; check user, password_file and token_file (read "
                    "again with each try): %s",
                    said);
  if (status == 403)
    return fsm_fail(err, FSM_EPERMISSION, where, "403: who we are may not do this there: %s", said);
  if (status == 404 || status == 405 || status == 410)
    return fsm_fail(err, FSM_ENOTFOUND, where, "%d: nothing takes a POST there; check the url: %s", status,
                    said);
  if (status >= 300 && status < 400)
    return fsm_fail(err, FSM_EARGUMENT, where,
                    "%d: it sends us elsewhere; redirects are not followed, the url must be the right one",
                    status);
  return fsm_fail(err, FSM_EEXPECT, where, "%d is no answer to a POST of records: %s", status, said);
}

static void heed(fsm__sink_web *s, const char *retry_after) {
  char *end = NULL;
  if (retry_after == NULL) return;
  int64_t seconds = strtol(retry_after, &end, 10);
  if (end == retry_after || *end != '\0') {
    int64_t date = fsm_web_date(retry_after);
    seconds = date < 0 ? 0 : date - fsm__wall_ns() / 1000000000;
  }
  if (seconds <= 0) return;
  int64_t max_s = FSM_WEB_WAIT_MAX_NS / 1000000000;
  s->not_before_ns = fsm__monotonic_ns() + (seconds < max_s ? seconds : max_s) * 1000000000;
}

static fsm__web_verdict judge(fsm__sink_web *s, const fsm_web_reply *reply, fsm_error *err) {
  fsm__web_verdict verdict = fsm__web_verdict_of(reply->status);
  char said[EXCERPT_MAX + 1];
  excerpt(reply, said);
  switch (verdict) {
    case FSM__WEB_TAKEN: break;
    case FSM__WEB_AGAIN:
      heed(s, reply->retry_after);
      (void)fsm_fail(err, FSM_EUNREACHABLE, s->server, "%d, to be tried again: %s", reply->status, said);
      break;
    case FSM__WEB_CONTENT: (void)fsm_fail(err, FSM_EDATA, s->server, "%d: %s", reply->status, said); break;
    case FSM__WEB_TOO_MUCH:
      (void)fsm_fail(err, FSM_ETOOLARGE, s->server, "%d, over what it takes: %s", reply->status, said);
      break;
    case FSM__WEB_STAND: (void)stand_fault(s, reply->status, said, err); break;
  }
  return verdict;
}

/* Read again with each request: a new one is used at once. */
static fsm_code add_secrets(fsm__sink_web *s, fsm_web_header *headers, fsm_error *err) {
  for (size_t i = 0; i < s->secret_count; i++) {
    headers[i].name = s->secret_headers[i].name;
    fsm_code code = fsm__secret_read(s->secrets[i], &headers[i].value, err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

fsm__web_verdict fsm__sink_web_send(fsm__sink_web *s, const fsm__web_post *post, fsm_web_reply *reply,
                                    fsm_error *err) {
  fsm_web_header headers[FSM_WEB_HEADERS_MAX];
  size_t count = s->header_count;
  FSM_ASSERT(post->header_count <= FSM_WEB_OWN_HEADERS &&
             count + post->header_count + s->secret_count <= FSM_WEB_HEADERS_MAX);
  memcpy(headers, s->headers, count * sizeof *headers);
  if (post->header_count > 0) memcpy(headers + count, post->headers, post->header_count * sizeof *headers);
  count += post->header_count;
  if (add_secrets(s, headers + count, err) != FSM_OK) return FSM__WEB_STAND;
  count += s->secret_count;
  fsm_web_request request = {.method = post->body != NULL ? "POST" : "GET",
                             .path = post->path,
                             .headers = headers,
                             .header_count = count,
                             .body = post->body,
                             .body_len = post->len,
                             .type = post->type};
  fsm_error fault = {0};
  fsm_arena_reset(&s->answer);
  fsm_code code = fsm_web_do(atomic_load(&s->web), &request, &s->answer, reply, &fault);
  if (code == FSM_OK) return judge(s, reply, err);
  *err = fault;
  if (code == FSM_EPERMISSION || code == FSM_EARGUMENT) return FSM__WEB_STAND;
  if (code == FSM_ETOOLARGE) err->code = FSM_EUNREACHABLE; /* of the answer: what it did is not known */
  return FSM__WEB_AGAIN;
}

/* ---- who is to blame ---- */

void fsm__sink_web_took(fsm__sink_web *s, size_t item) {
  FSM_ASSERT(item < s->count && !s->items[item].settled);
  s->items[item].settled = true;
  s->row = 0;
  s->sink.ack(s->sink.ack_arg, s->items[item].ticket, FSM_OK, 0, NULL);
}

fsm_code fsm__sink_web_refused(fsm__sink_web *s, size_t item, fsm_code code, const char *text,
                               fsm_error *err) {
  FSM_ASSERT(item < s->count && !s->items[item].settled);
  FSM_ASSERT(code == FSM_EDATA || code == FSM_ETOOLARGE);
  if (s->row == FSM_WEB_ROW_MAX) {
    s->row = 0;
    return fsm_fail(err, FSM_EEXPECT, s->server,
                    "%d records in a row were refused for what they are, so it may not be them; the next: %s",
                    FSM_WEB_ROW_MAX, text);
  }
  s->row++;
  s->items[item].settled = true;
  s->sink.ack(s->sink.ack_arg, s->items[item].ticket, code, 0, text);
  return FSM_OK;
}

static size_t bytes_of(const fsm__sink_web *s, size_t from, size_t to) {
  size_t bytes = 0;
  for (size_t i = from; i < to; i++) bytes += s->items[i].len + s->items[i].span_len;
  return bytes;
}

/* At least one record, at most a batch, as many bytes as a part may have. */
static size_t part_end(const fsm__sink_web *s, size_t from, size_t end) {
  size_t to = from, bytes = 0;
  while (to < end && to - from < s->part_count) {
    bytes += s->items[to].len + s->items[to].span_len;
    if (to > from && bytes > s->part_max) break;
    to++;
  }
  return to;
}

fsm_code fsm__sink_web_divide(fsm__sink_web *s, size_t from, size_t to, fsm__web_verdict verdict,
                              const fsm_error *why,
                              fsm_code (*post)(fsm__sink_web *, size_t, size_t, fsm_error *),
                              fsm_error *err) {
  FSM_ASSERT(from < to && (verdict == FSM__WEB_CONTENT || verdict == FSM__WEB_TOO_MUCH));
  if (to - from == 1)
    return fsm__sink_web_refused(s, from, verdict == FSM__WEB_CONTENT ? FSM_EDATA : FSM_ETOOLARGE, why->text,
                                 err);
  if (verdict == FSM__WEB_TOO_MUCH) {
    size_t half = bytes_of(s, from, to) / 2;
    if (half < s->part_max) s->part_max = half < FSM_WEB_PART_MIN ? FSM_WEB_PART_MIN : half;
  }
  fsm_code code = FSM_OK;
  for (size_t at = from, end; code == FSM_OK && at < to; at = end) {
    end = part_end(s, at, to);
    if (at == from && end > from + (to - from) / 2) end = from + (to - from) / 2;
    code = post(s, at, end, err);
  }
  return code;
}

void fsm__sink_web_muddled(fsm__sink_web *s, size_t from, size_t to, const char *text) {
  FSM_ASSERT(from < to && to <= s->count);
  s->row = 0;
  if (s->part_count > 1) s->part_count = (to - from < s->part_count ? to - from : s->part_count) / 2;
  if (s->part_count == 0) s->part_count = 1;
  for (size_t i = from; i < to; i++) {
    if (s->items[i].settled) continue;
    s->items[i].settled = true;
    s->sink.ack(s->sink.ack_arg, s->items[i].ticket, FSM_EDATA, 0, text);
  }
}

bool fsm__sink_web_wait(fsm__sink_web *s, int64_t ns) {
  for (int64_t left = ns; left > 0 && !atomic_load(&s->interrupted); left -= WAIT_SLICE_NS) {
    struct timespec t = {.tv_nsec = left < WAIT_SLICE_NS ? left : WAIT_SLICE_NS};
    nanosleep(&t, NULL);
  }
  return !atomic_load(&s->interrupted);
}

/* ---- the table of functions ---- */

static void forget(fsm__sink_web *s) {
  s->count = 0;
  fsm_buf_reset(&s->text);
}

static fsm_code prepare(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor, fsm_error *err) {
  fsm__sink_web *s = (fsm__sink_web *)sink;
  (void)cursor; /* the other side does not say what it has: the cursor is what it acknowledged */
  forget(s);
  s->view = *view;
  int64_t wait = s->not_before_ns - fsm__monotonic_ns();
  if (wait > 0) {
    char text[32];
    fsm_duration_format(wait, text, sizeof text);
    return fsm_fail(err, FSM_EUNREACHABLE, s->server, "it asks to wait %s more (Retry-After)", text);
  }
  fsm_code code = atomic_load(&s->web) == NULL ? fsm__sink_web_connect(s, err) : FSM_OK;
  return code == FSM_OK && s->greet != NULL ? s->greet(s, err) : code;
}

static fsm_code flush(fsm__sink *sink, fsm_error *err) {
  fsm__sink_web *s = (fsm__sink_web *)sink;
  fsm_code code = FSM_OK;
  fsm_error fault = {0};
  for (size_t from = 0, to; code == FSM_OK && from < s->count; from = to) {
    to = part_end(s, from, s->count);
    const size_t before = s->part_count;
    code = s->post(s, from, to, &fault);
    if (code == FSM_OK && s->part_count == before && before < s->config->batch) s->part_count++;
  }
  forget(s);
  if (code == FSM_OK) return FSM_OK;
  FSM_ASSERT(fault.code == code);
  if (err != NULL) *err = fault;
  return code;
}

static bool make_room(fsm__sink_web *s) {
  if (s->count < s->room) return true;
  size_t room = s->room == 0 ? 64 : 2 * s->room;
  fsm__web_item *items = realloc(s->items, room * sizeof *items);
  if (items == NULL) return false;
  s->items = items;
  s->room = room;
  return true;
}

static fsm_code publish(fsm__sink *sink, const fsm__sink_record *record, fsm_error *err) {
  fsm__sink_web *s = (fsm__sink_web *)sink;
  if (!make_room(s)) return fsm_fail(err, FSM_ENOMEM, s->sink.name, "no memory for a batch");
  fsm__web_item item = {
      .ticket = record->ticket, .seq = record->out.seq, .origin = record->out.origin, .at = s->text.len};
  fsm_record_brief brief;
  fsm_error fault = {0};
  fsm_arena_reset(&s->scratch);
  fsm_code code = fsm_record_peek(record->out.data, record->out.len, &brief);
  if (code == FSM_OK) {
    item.time_ns = brief.time_ns;
    code = s->gather(s, &record->out, &item, &fault);
  } else {
    (void)fsm_fail(&fault, code, s->sink.name, "these bytes are no record");
  }
  if (code == FSM_ENOMEM) {
    if (err != NULL) *err = fault;
    return code;
  }
  if (code != FSM_OK) { /* what cannot be written down now never can */
    s->sink.ack(s->sink.ack_arg, record->ticket, FSM_EDATA, 0, fault.text);
    return FSM_OK;
  }
  s->items[s->count++] = item;
  bool full = s->count >= s->config->batch || s->text.len >= s->config->batch_bytes;
  return full ? flush(sink, err) : FSM_OK;
}

static void interrupt(fsm__sink *sink) {
  fsm__sink_web *s = (fsm__sink_web *)sink;
  atomic_store(&s->interrupted, true);
  fsm_web *web = atomic_load(&s->web);
  if (web != NULL) fsm_web_interrupt(web);
}

static void end(fsm__sink *sink) { fsm__sink_web_close((fsm__sink_web *)sink); }

fsm_code fsm__sink_web_open(fsm__sink_web *s, const fsm__sink_config *config, const fsm__sink_env *env,
                            fsm_error *err) {
  FSM_ASSERT(s != NULL && config != NULL && env != NULL);
  FSM_ASSERT(config->batch >= 1 && config->batch <= FSM_SINK_BATCH_MAX);
  s->sink = (fsm__sink){.name = config->name,
                        .prepare = prepare,
                        .publish = publish,
                        .flush = flush,
                        .interrupt = interrupt,
                        .free = end};
  s->config = config;
  s->env = *env;
  s->part_max = config->batch_bytes;
  s->part_count = config->batch;
  fsm_arena_init(&s->texts, 0);
  fsm_arena_init(&s->scratch, 0);
  fsm_arena_init(&s->answer, 0);
  return fsm__sink_web_read(s, err);
}

void fsm__sink_web_close(fsm__sink_web *s) {
  if (s == NULL) return;
  if (s->end != NULL) s->end(s);
  fsm_web_close(atomic_load(&s->web));
  for (size_t i = 0; i < s->secret_count; i++) fsm__secret_free(s->secrets[i]);
  fsm__formatter_free(s->formatter);
  fsm_arena_free(&s->texts);
  fsm_arena_free(&s->scratch);
  fsm_arena_free(&s->answer);
  fsm_buf_free(&s->text);
  fsm_buf_free(&s->body);
  free(s->items);
  free(s);
}
