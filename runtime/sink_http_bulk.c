/* sink_http_bulk.c: _bulk of Elasticsearch and OpenSearch.
 *
 * Each record is a `create` under its own id (store.part.epoch.seq) in the index of its recorded time. So it
 * may be sent as often as needed: what is there already answers 409, which is as good as 201, and nothing is
 * ever overwritten. Data streams take creates, too.
 *
 * Of each item: 2xx and 409 taken · 429 and 5xx tried again, those alone, a few times here and then from the
 * cursor · 400 and 413 poison, with Elasticsearch's reason · anything else (an index that is closed, or may
 * not be made) stands still. A document that is tried again may arrive behind later ones of its instance:
 * order is in its seq, not in its arrival.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sink_http_impl.h"
#include "schema/json.h"

enum { TRIES = 4, ID_SIZE = 80 };

static const char FILTER[] =
    "filter_path=errors,items.*._id,items.*.status,items.*.error.type,items.*.error.reason";

typedef struct bulk {
  const char *index;               /* pattern */
  char *path, *root;               /* of _bulk, of the server's greeting */
  char server[96];                 /* what answers there; "" = not asked yet */
  size_t open[FSM_SINK_BATCH_MAX]; /* items of this part that are not settled */
  char (*ids)[ID_SIZE];
  const char **id_list;
  fsm__bulk_item *answers;
} bulk;

static void end(fsm__sink_web *s) {
  bulk *b = s->more;
  if (b == NULL) return;
  free(b->path);
  free(b->root);
  free(b->ids);
  free(b->id_list);
  free(b->answers);
  free(b);
}

/* ---- greeting ---- */

static void name_server(bulk *b, const fsm_value *doc) {
  const fsm_value *version = fsm_map_get(doc, "version");
  const fsm_value *number = version != NULL ? fsm_map_get(version, "number") : NULL;
  const fsm_value *kind = version != NULL ? fsm_map_get(version, "distribution") : NULL;
  if (number == NULL || !fsm_is(number, FSM_STRING)) return;
  bool open = kind != NULL && fsm_is_text(kind, "opensearch");
  snprintf(b->server, sizeof b->server, "%s %.*s", open ? "OpenSearch" : "Elasticsearch",
           number->len > 40 ? 40 : (int)number->len, number->s);
}

/* Once, while it is not known who answers: a page of some proxy would otherwise refuse records. */
static fsm_code greet(fsm__sink_web *s, fsm_error *err) {
  bulk *b = s->more;
  fsm_web_reply reply = {0};
  fsm_value doc;
  fsm_error why = {0};
  if (b->server[0] != '\0') return FSM_OK;
  fsm__web_post question = {.path = b->root};
  fsm__web_verdict verdict = fsm__sink_web_send(s, &question, &reply, &why);
  if (verdict == FSM__WEB_STAND && reply.status == 403) { /* may write, may not ask */
    snprintf(b->server, sizeof b->server, "not known");
    return FSM_OK;
  }
  if (verdict != FSM__WEB_TAKEN) {
    *err = why;
    return why.code;
  }
  if (fsm_json_parse(&s->answer, reply.body, reply.body_len, FSM_JSON_SORTED, &doc, NULL) == FSM_OK)
    name_server(b, &doc);
  if (b->server[0] == '\0')
    return fsm_fail(err, FSM_EEXPECT, s->server,
                    "what answers there is neither Elasticsearch nor OpenSearch");
  return FSM_OK;
}

/* ---- a part ---- */

/* The open items as action and document, a line each. */
static fsm_code make_body(fsm__sink_web *s, size_t count, fsm_error *err) {
  bulk *b = s->more;
  char index[FSM_INDEX_MAX + 1];
  fsm_buf_reset(&s->body);
  for (size_t k = 0; k < count; k++) {
    const fsm__web_item *item = &s->items[b->open[k]];
    fsm_record_id(&item->origin, item->seq, b->ids[k], ID_SIZE);
    b->id_list[k] = b->ids[k];
    fsm__index_of(b->index, item->time_ns, index);
    fsm_buf_printf(&s->body, "{\"create\":{\"_index\":\"%s\",\"_id\":\"%s\"}}\n", index, b->ids[k]);
    fsm_buf_add(&s->body, s->text.data + item->at, item->len);
    fsm_buf_char(&s->body, '\n');
  }
  return fsm_buf_ok(&s->body) ? FSM_OK : fsm_fail(err, FSM_ENOMEM, s->sink.name, "no memory for a batch");
}

static fsm_code settle_item(fsm__sink_web *s, size_t item, const fsm__bulk_item *answer, bool *again,
                            fsm_error *err) {
  fsm__web_verdict verdict = answer->status == 409 ? FSM__WEB_TAKEN : fsm__web_verdict_of(answer->status);
  const char *reason = answer->reason != NULL ? answer->reason : "no reason given";
  char text[FSM_TEXT_MAX];
  snprintf(text, sizeof text, "%d, %s", answer->status, reason);
  *again = false;
  switch (verdict) {
    case FSM__WEB_TAKEN: fsm__sink_web_took(s, item); return FSM_OK;
    case FSM__WEB_CONTENT: return fsm__sink_web_refused(s, item, FSM_EDATA, text, err);
    case FSM__WEB_TOO_MUCH: return fsm__sink_web_refused(s, item, FSM_ETOOLARGE, text, err);
    case FSM__WEB_AGAIN: *again = true; return fsm_fail(err, FSM_EUNREACHABLE, s->server, "%s", text);
    case FSM__WEB_STAND: break;
  }
  return fsm_fail(err, FSM_EPERMISSION, s->server, "record %llu: %s",
                  (unsigned long long)s->items[item].seq, text);
}

/* Goes by the answer; *left: how many are to be tried again, with the last one's reason in err. */
static fsm_code settle(fsm__sink_web *s, size_t count, const fsm_web_reply *reply, size_t *left,
                       fsm_error *err) {
  bulk *b = s->more;
  fsm_error why = {0};
  *left = 0;
  fsm_code code =
      fsm__bulk_read(&s->answer, reply->body, reply->body_len, b->id_list, count, b->answers, &why);
  if (code == FSM_EMALFORMED) {
    return fsm_fail(err, FSM_EUNREACHABLE, s->server, "%s", why.text);
  }
  for (size_t k = 0; code == FSM_OK && k < count; k++) {
    bool again;
    code = settle_item(s, b->open[k], &b->answers[k], &again, &why);
    if (again) b->open[(*left)++] = b->open[k], code = FSM_OK;
  }
  if (code != FSM_OK || *left > 0) *err = why;
  return code;
}

static fsm_code post(fsm__sink_web *s, size_t from, size_t to, fsm_error *err) {
  bulk *b = s->more;
  size_t left = to - from;
  for (size_t k = 0; k < left; k++) b->open[k] = from + k;
  int64_t wait_ns = s->config->backoff_ns;
  for (unsigned tries = 0; left > 0; tries++) {
    if (tries == TRIES) return err->code; /* of the last answer: from the cursor again */
    if (tries > 0 && !fsm__sink_web_wait(s, wait_ns))
      return fsm_fail(err, FSM_ECLOSED, s->server, "interrupted");
    if (tries > 0)
      wait_ns = wait_ns * 2 < s->config->backoff_max_ns ? wait_ns * 2 : s->config->backoff_max_ns;
    fsm_web_reply reply;
    fsm_error why = {0};
    fsm_code code = make_body(s, left, err);
    if (code != FSM_OK) return code;
    fsm__web_post request = {
        .path = b->path, .type = "application/x-ndjson", .body = s->body.data, .len = s->body.len};
    fsm__web_verdict verdict = fsm__sink_web_send(s, &request, &reply, &why);
    if (verdict == FSM__WEB_CONTENT || verdict == FSM__WEB_TOO_MUCH) {
      if (tries > 0)
        verdict = FSM__WEB_AGAIN, why.code = FSM_EUNREACHABLE; /* what is left has gaps */
      else
        return fsm__sink_web_divide(s, from, to, verdict, &why, post, err);
    }
    if (verdict != FSM__WEB_TAKEN) {
      *err = why;
      return why.code;
    }
    code = settle(s, left, &reply, &left, err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

/* ---- making it ---- */

/* "/prefix/" → "/prefix/_bulk" and "/prefix/". */
static bool make_paths(bulk *b, const char *path) {
  size_t len = strlen(path);
  while (len > 0 && path[len - 1] == '/') len--;
  if (asprintf(&b->path, "%.*s/_bulk?%s", (int)len, path, FILTER) < 0) b->path = NULL;
  if (asprintf(&b->root, "%.*s/", (int)len, path) < 0) b->root = NULL;
  return b->path != NULL && b->root != NULL;
}

fsm_code fsm__sink_bulk(fsm__sink_web *s, fsm_error *err) {
  bulk *b = s->more = calloc(1, sizeof *b);
  s->end = end;
  s->post = post;
  s->greet = greet;
  if (b == NULL) return fsm_fail(err, FSM_ENOMEM, s->sink.name, "no memory for a sink");
  b->index = s->config->index != NULL ? s->config->index : "fsm-%Y.%m.%d";
  b->ids = calloc(s->config->batch, sizeof *b->ids);
  b->id_list = calloc(s->config->batch, sizeof *b->id_list);
  b->answers = calloc(s->config->batch, sizeof *b->answers);
  if (!make_paths(b, s->path) || b->ids == NULL || b->id_list == NULL || b->answers == NULL)
    return fsm_fail(err, FSM_ENOMEM, s->sink.name, "no memory for a sink");
  return FSM_OK;
}
