/* sink_http_webhook.c: a batch as one POST to the URL that is configured.
 *
 *   batch 1            the record, in the type of its format
 *   cloudevents        application/cloudevents-batch+json: an array
 *   csv                text/csv with its head
 *   other lines        application/x-ndjson
 *   no lines           one behind the other, in the type of the format (msgpack says where each ends)
 *
 * Idempotency-Key is the id of the first record, and of the last when there are several: the same records
 * tried again have the same key. Fsm-Seq-First and Fsm-Seq-Last say the same in numbers.
 */
#include <stdio.h>
#include <string.h>

#include "runtime/sink_http_impl.h"

static void add_body(fsm__sink_web *s, size_t from, size_t to, const char *before, const char *between,
                     const char *behind) {
  fsm_buf_reset(&s->body);
  fsm_buf_str(&s->body, before);
  for (size_t i = from; i < to; i++) {
    if (i > from) fsm_buf_str(&s->body, between);
    fsm_buf_add(&s->body, s->text.data + s->items[i].at, s->items[i].len);
  }
  fsm_buf_str(&s->body, behind);
}

/* Puts the body together; its type. */
static const char *make_body(fsm__sink_web *s, size_t from, size_t to) {
  const fsm__formatter *f = s->formatter;
  const char *type = fsm__formatter_type(f), *head = fsm__formatter_head(f);
  if (head != NULL) { /* RFC 4180 ends lines so */
    char first[4096];
    int len = snprintf(first, sizeof first, "%s\r\n", head);
    FSM_ASSERT(len > 0 && (size_t)len < sizeof first);
    add_body(s, from, to, first, "\r\n", "\r\n");
    return type;
  }
  if (s->config->batch == 1 || !fsm__formatter_is_line(f)) {
    add_body(s, from, to, "", "", "");
    return type;
  }
  if (strcmp(fsm__formatter_name(f), "cloudevents") == 0) {
    add_body(s, from, to, "[", ",", "]");
    return "application/cloudevents-batch+json";
  }
  add_body(s, from, to, "", "\n", "\n");
  return "application/x-ndjson";
}

static fsm_code post(fsm__sink_web *s, size_t from, size_t to, fsm_error *err) {
  const fsm__web_item *first = &s->items[from], *last = &s->items[to - 1];
  char id[80], key[176], seq_first[24], seq_last[24];
  fsm_record_id(&first->origin, first->seq, id, sizeof id);
  int len = snprintf(key, sizeof key, "%s", id);
  if (last != first) {
    fsm_record_id(&last->origin, last->seq, id, sizeof id);
    snprintf(key + len, sizeof key - (size_t)len, "..%s", id);
  }
  snprintf(seq_first, sizeof seq_first, "%llu", (unsigned long long)first->seq);
  snprintf(seq_last, sizeof seq_last, "%llu", (unsigned long long)last->seq);
  const fsm_web_header headers[] = {
      {"Idempotency-Key", key}, {"Fsm-Seq-First", seq_first}, {"Fsm-Seq-Last", seq_last}};
  fsm__web_post request = {
      .path = s->path, .headers = headers, .header_count = 3, .type = make_body(s, from, to)};
  if (!fsm_buf_ok(&s->body)) return fsm_fail(err, FSM_ENOMEM, s->sink.name, "no memory for a batch");
  request.body = s->body.data;
  request.len = s->body.len;
  fsm_web_reply reply;
  fsm_error why = {0};
  fsm__web_verdict verdict = fsm__sink_web_send(s, &request, &reply, &why);
  if (verdict == FSM__WEB_TAKEN) {
    for (size_t i = from; i < to; i++) fsm__sink_web_took(s, i);
    return FSM_OK;
  }
  if (verdict == FSM__WEB_CONTENT || verdict == FSM__WEB_TOO_MUCH)
    return fsm__sink_web_divide(s, from, to, verdict, &why, post, err);
  *err = why;
  return why.code;
}

fsm_code fsm__sink_webhook(fsm__sink_web *s, fsm_error *err) {
  const char *head = fsm__formatter_head(s->formatter);
  s->post = post;
  if (head != NULL && strlen(head) > 4000)
    return fsm_fail(err, FSM_ETOOLARGE, "columns", "the names of all columns are over 4000 bytes");
  return FSM_OK;
}
