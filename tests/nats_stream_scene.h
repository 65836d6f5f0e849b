/* nats_stream_scene.h: the NATS sink driven by its table of functions, over a journal of its own and a real
 * stream. */
#ifndef FSM_TESTS_NATS_STREAM_SCENE_H
#define FSM_TESTS_NATS_STREAM_SCENE_H

#include <nats/nats.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "filled_journal.h"
#include "nats_server.h"
#include "runtime/sink_nats_impl.h"

static nats_server server;
static filled_journal filled;
static fsm__sink_config config;
static fsm__sink *sink;
static fsm__cursor cursor;
static natsConnection *nc;
static jsCtx *js;
static uint64_t ticket, pruned; /* pruned: what retention let go, as it seems */

/* Answers, by ticket; read under the lock. */
static struct answers {
  pthread_mutex_t lock;
  uint64_t good, bad, last, place;
  fsm_code code;
  char text[256];
} answers = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void on_ack(void *arg, uint64_t t, fsm_code code, uint64_t position, const char *text) {
  struct answers *a = arg;
  pthread_mutex_lock(&a->lock);
  if (code == FSM_OK) {
    a->good++;
    a->place = position;
  } else if (a->bad++ == 0) {
    a->code = code;
    snprintf(a->text, sizeof a->text, "%.255s", text != NULL ? text : "");
  }
  a->last = t;
  pthread_mutex_unlock(&a->lock);
}

static inline uint32_t epoch_of(void *arg, uint64_t seq) {
  (void)arg;
  return fsm__journal_epoch_of(filled.journal, seq);
}

static inline uint64_t epoch_end(void *arg, uint32_t epoch) {
  (void)arg;
  return fsm__journal_epoch_end(filled.journal, epoch);
}

static inline fsm__journal_entry entry_of(uint64_t seq, fsm__journal_cursor **at) {
  fsm__journal_entry entry;
  bool found = false;
  assert_int_equal(fsm__journal_cursor_open(filled.journal, seq, at, NULL), FSM_OK);
  assert_int_equal(fsm__journal_next(*at, &entry, &found, NULL), FSM_OK);
  assert_true(found && entry.seq == seq);
  return entry;
}

static inline fsm_code leaf_of(void *arg, uint64_t seq, fsm__hash *out, fsm_error *err) {
  (void)arg, (void)err;
  fsm__journal_cursor *at;
  fsm__journal_entry entry = entry_of(seq, &at);
  *out = fsm__leaf(entry.record.data, entry.record.len);
  fsm__journal_cursor_close(at);
  return FSM_OK;
}

static inline fsm__sink_view view_of(void) {
  fsm_origin origin = filled.origin;
  origin.epoch = fsm__journal_epoch(filled.journal);
  return (fsm__sink_view){.origin = origin,
                          .first_seq = fsm__journal_first_seq(filled.journal) + pruned,
                          .durable_seq = fsm__journal_durable_seq(filled.journal),
                          .all = true,
                          .epoch_of = epoch_of,
                          .epoch_end = epoch_end,
                          .leaf_of = leaf_of};
}

static inline int up(void **state) {
  (void)state;
  memset(&config, 0, sizeof config);
  memset(&cursor, 0, sizeof cursor);
  ticket = 1;
  pruned = 0;
  sink = NULL;
  if (!nats_server_new(&server) || !filled_journal_new(&filled, 0x11) || !nats_server_start(&server))
    return -1;
  config.name = "nats";
  config.url = server.url;
  config.format.format = "json";
  config.window = 1024;
  config.replicas = 1;
  config.sync_ns = 1000000;
  fsm__sink_env env = {.origin = filled.origin};
  fsm_error err = {0};
  if (fsm__sink_nats_make(&config, &env, &sink, &err) != FSM_OK) return -1;
  sink->ack = on_ack;
  sink->ack_arg = &answers;
  memset(&answers.good, 0, sizeof answers - offsetof(struct answers, good));
  return natsConnection_ConnectTo(&nc, server.url) == NATS_OK &&
                 natsConnection_JetStream(&js, nc, NULL) == NATS_OK
             ? 0
             : -1;
}

static inline int down(void **state) {
  (void)state;
  if (sink != NULL) sink->free(sink);
  jsCtx_Destroy(js);
  natsConnection_Destroy(nc);
  filled_journal_free(&filled);
  nats_server_free(&server);
  return 0;
}

static inline fsm_code prepare(fsm_error *err) {
  fsm__sink_view view = view_of();
  fsm_code code = FSM_EUNREACHABLE;
  for (int i = 0; i < 12000 && code == FSM_EUNREACHABLE; i++) { /* until it is connected */
    code = sink->prepare(sink, &view, &cursor, err);
    if (code == FSM_EUNREACHABLE) nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  return code;
}

static inline void give(uint64_t seq, bool repair) {
  fsm__journal_cursor *at;
  fsm_error err = {0};
  fsm__journal_entry entry = entry_of(seq, &at);
  fsm__sink_record record = {.ticket = ticket++,
                             .out = {.origin = filled.origin,
                                     .data = entry.record.data,
                                     .len = entry.record.len,
                                     .seq = seq,
                                     .after = seq - 1,
                                     .repair = repair,
                                     .leaf = fsm__leaf(entry.record.data, entry.record.len)}};
  record.out.origin.epoch = entry.epoch;
  fsm_code code = sink->publish(sink, &record, &err);
  fsm__journal_cursor_close(at);
  if (code == FSM_EBUSY) on_ack(&answers, record.ticket, code, 0, err.text); /* one before it was refused */
  if (code != FSM_OK && code != FSM_EBUSY) fail_msg("record %d: %s", (int)seq, err.text);
}

/* All answers to what was given; true = all were good. */
static inline bool await(void) {
  assert_int_equal(sink->flush(sink, NULL), FSM_OK);
  for (int i = 0; i < 12000; i++) {
    pthread_mutex_lock(&answers.lock);
    bool done = answers.last + 1 >= ticket, good = answers.bad == 0;
    pthread_mutex_unlock(&answers.lock);
    if (done) return good;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  fail_msg("no answer");
  return false;
}

/* Records up to `to`, from the cursor on. */
static inline void publish_to(uint64_t to) {
  fsm_error err = {0};
  if (prepare(&err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  for (uint64_t seq = cursor.seq + 1; seq <= to; seq++) give(seq, false);
  assert_true(await());
  cursor.seq = cursor.sent_seq = to;
  cursor.stream_seq = answers.place;
  cursor.epoch = filled.origin.epoch;
  assert_int_equal(leaf_of(NULL, to, &cursor.leaf, NULL), FSM_OK);
}

static inline void repair(uint64_t from, uint64_t to) {
  for (uint64_t seq = from; seq <= to; seq++) give(seq, true);
  assert_true(await());
}

static inline fsm__sink_lost reconcile(void) {
  fsm__sink_view view = view_of();
  fsm__sink_lost lost;
  fsm_error err = {0};
  fsm_code code = sink->reconcile(sink, &view, &cursor, &lost, &err);
  if (code != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  return lost;
}

static inline void assert_stream_has(uint64_t count) {
  jsStreamInfo *info = NULL;
  assert_int_equal(js_GetStreamInfo(&info, js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  bool *seen = calloc(count + 1, 1);
  uint64_t last = 0, first = info->State.FirstSeq, end = info->State.LastSeq, distinct = 0;
  jsStreamInfo_Destroy(info);
  for (uint64_t at = first; at <= end; at++) {
    natsMsg *msg = NULL;
    const char *text = NULL, *again = NULL;
    if (js_GetMsg(&msg, js, "FSM_EVT_0", at, NULL, NULL) != NATS_OK) continue;
    assert_int_equal(natsMsgHeader_Get(msg, "Fsm-Seq", &text), NATS_OK);
    uint64_t seq = strtoull(text, NULL, 10);
    assert_true(seq >= 1 && seq <= count);
    distinct += !seen[seq];
    seen[seq] = true;
    if (natsMsgHeader_Get(msg, "Fsm-Repair", &again) != NATS_OK) {
      assert_true(seq > last);
      last = seq;
    }
    natsMsg_Destroy(msg);
  }
  free(seen);
  assert_int_equal(distinct, count);
}

static inline void erase(uint64_t place) {
  assert_int_equal(js_DeleteMsg(js, "FSM_EVT_0", place, NULL, NULL), NATS_OK);
}

#endif
