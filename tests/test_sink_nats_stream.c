/* test_sink_nats_stream.c: the NATS sink driven by its table of functions: what it makes, refuses, proves and
 * mends of a stream. */
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

static void on_ack(void *arg, uint64_t t, fsm_code code, uint64_t position, const char *text) {
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

/* ---- our side ---- */

static uint32_t epoch_of(void *arg, uint64_t seq) {
  (void)arg;
  return fsm__journal_epoch_of(filled.journal, seq);
}
static uint64_t epoch_end(void *arg, uint32_t epoch) {
  (void)arg;
  return fsm__journal_epoch_end(filled.journal, epoch);
}

static fsm__journal_entry entry_of(uint64_t seq, fsm__journal_cursor **at) {
  fsm__journal_entry entry;
  bool found = false;
  assert_int_equal(fsm__journal_cursor_open(filled.journal, seq, at, NULL), FSM_OK);
  assert_int_equal(fsm__journal_next(*at, &entry, &found, NULL), FSM_OK);
  assert_true(found && entry.seq == seq);
  return entry;
}

static fsm_code leaf_of(void *arg, uint64_t seq, fsm__hash *out, fsm_error *err) {
  (void)arg, (void)err;
  fsm__journal_cursor *at;
  fsm__journal_entry entry = entry_of(seq, &at);
  *out = fsm__leaf(entry.record.data, entry.record.len);
  fsm__journal_cursor_close(at);
  return FSM_OK;
}

static fsm__sink_view view_of(void) {
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

/* ---- driving ---- */

static int up(void **state) {
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

static int down(void **state) {
  (void)state;
  if (sink != NULL) sink->free(sink);
  jsCtx_Destroy(js);
  natsConnection_Destroy(nc);
  filled_journal_free(&filled);
  nats_server_free(&server);
  return 0;
}

static fsm_code prepare(fsm_error *err) {
  fsm__sink_view view = view_of();
  fsm_code code = FSM_EUNREACHABLE;
  for (int i = 0; i < 2000 && code == FSM_EUNREACHABLE; i++) { /* until it is connected */
    code = sink->prepare(sink, &view, &cursor, err);
    if (code == FSM_EUNREACHABLE) nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  return code;
}

static void give(uint64_t seq, bool repair) {
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
static bool await(void) {
  assert_int_equal(sink->flush(sink, NULL), FSM_OK);
  for (int i = 0; i < 4000; i++) {
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
static void publish_to(uint64_t to) {
  fsm_error err = {0};
  if (prepare(&err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  for (uint64_t seq = cursor.seq + 1; seq <= to; seq++) give(seq, false);
  assert_true(await());
  cursor.seq = cursor.sent_seq = to;
  cursor.stream_seq = answers.place;
  cursor.epoch = filled.origin.epoch;
  assert_int_equal(leaf_of(NULL, to, &cursor.leaf, NULL), FSM_OK);
}

/* The same as an outbox does it: after a refusal from the cursor on again. */
static void publish_on(uint64_t to) {
  for (int i = 0; i < 20 && cursor.seq < to; i++) {
    assert_int_equal(prepare(NULL), FSM_OK);
    uint64_t good = answers.good;
    answers.bad = 0;
    for (uint64_t seq = cursor.seq + 1; seq <= to; seq++) give(seq, false);
    (void)await();
    cursor.seq += answers.good - good;
    cursor.sent_seq = cursor.seq;
    cursor.stream_seq = answers.place;
    assert_int_equal(leaf_of(NULL, cursor.seq, &cursor.leaf, NULL), FSM_OK);
  }
  assert_int_equal(cursor.seq, to);
}

static void repair(uint64_t from, uint64_t to) {
  for (uint64_t seq = from; seq <= to; seq++) give(seq, true);
  assert_true(await());
}

static fsm__sink_lost reconcile(void) {
  fsm__sink_view view = view_of();
  fsm__sink_lost lost;
  fsm_error err = {0};
  fsm_code code = sink->reconcile(sink, &view, &cursor, &lost, &err);
  if (code != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  return lost;
}

#define assert_lost(lost_, from_, to_)  \
  do {                                  \
    fsm__sink_lost l_ = (lost_);        \
    assert_int_equal(l_.from, (from_)); \
    assert_int_equal(l_.to, (to_));     \
  } while (0)

/* ---- the stream, by itself: each seq at least once, the ordinary ones in order ---- */

static void assert_stream_has(uint64_t count) {
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

static void erase(uint64_t place) {
  assert_int_equal(js_DeleteMsg(js, "FSM_EVT_0", place, NULL, NULL), NATS_OK);
}

/* ---- tests ---- */

static void one_that_is_missing_is_made_as_it_must_be(void **state) {
  (void)state;
  jsStreamInfo *info = NULL;
  assert_int_equal(prepare(NULL), FSM_OK);
  assert_int_equal(js_GetStreamInfo(&info, js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  const jsStreamConfig *c = info->Config;
  assert_true(c->Storage == js_FileStorage && c->Retention == js_LimitsPolicy && c->Discard == js_DiscardNew);
  assert_true(c->Duplicates == FSM_NATS_DUPLICATES_NS && c->Replicas == 1 && c->MaxAge == 0);
  assert_true(c->MaxMsgs <= 0 && c->MaxBytes <= 0 && c->MaxMsgsPerSubject <= 0 && c->MaxMsgSize <= 0);
  assert_true(!c->DenyDelete && !c->DenyPurge && !c->NoAck && !c->Sealed);
  jsStreamInfo_Destroy(info);
}

static jsStreamConfig good_stream(const char *subjects[1]) {
  jsStreamConfig c;
  jsStreamConfig_Init(&c);
  c.Name = "FSM_EVT_0";
  c.Subjects = subjects;
  c.SubjectsLen = 1;
  c.Discard = js_DiscardNew;
  c.Duplicates = FSM_NATS_DUPLICATES_NS;
  return c;
}

static void unsafe_ones_are_refused_with_the_field(void **state) {
  (void)state;
  enum { CASES = 9 };
  const char *ours[] = {"fsm.evt.>"}, *wider[] = {"fsm.>"}, *two[] = {"fsm.evt.>", "other.>"};
  jsRePublish republish = {.Source = ">", .Destination = "copy.>"};
  static const char *const fields[CASES] = {"storage",      "retention", "no_ack",
                                            "max_age",      "discard",   "max_msgs_per_subject",
                                            "max_msg_size", "subjects",  "republish"};
  for (int i = 0; i <= CASES; i++) {
    jsStreamConfig c = good_stream(i == 7 ? wider : ours);
    fsm_error err = {0};
    if (i == 0) c.Storage = js_MemoryStorage;
    if (i == 1) c.Retention = js_WorkQueuePolicy;
    if (i == 2) c.NoAck = true;
    if (i == 3) c.MaxAge = INT64_C(3600000000000);
    if (i == 4) c.Discard = js_DiscardOld, c.MaxMsgs = 10;
    if (i == 5) c.MaxMsgsPerSubject = 10;
    if (i == 6) c.MaxMsgSize = 100000;
    if (i == 8) c.RePublish = &republish;
    if (i == 9) c.Subjects = two, c.SubjectsLen = 2;
    assert_int_equal(js_AddStream(NULL, js, &c, NULL, NULL), NATS_OK);
    assert_int_equal(prepare(&err), FSM_EDEFINITION);
    assert_string_equal(err.where, "FSM_EVT_0");
    if (strstr(err.text, i < CASES ? fields[i] : "subjects") == NULL) fail_msg("case %d: %s", i, err.text);
    assert_int_equal(js_DeleteStream(js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  }
}

static void one_that_refuses_when_it_is_full_is_safe_and_says_that_it_is_full(void **state) {
  (void)state;
  const char *ours[] = {"fsm.evt.>"};
  jsStreamConfig c = good_stream(ours);
  c.MaxMsgs = 100;
  assert_int_equal(js_AddStream(NULL, js, &c, NULL, NULL), NATS_OK);
  assert_true(filled_journal_add(&filled, 150, "text"));
  assert_int_equal(prepare(NULL), FSM_OK);
  for (uint64_t seq = 1; seq <= 150; seq++) give(seq, false);
  assert_false(await());
  assert_int_equal(answers.code, FSM_EQUOTA);
  assert_non_null(strstr(answers.text, "maximum messages exceeded"));
  assert_non_null(strstr(answers.text, "raise its max_bytes or max_msgs"));
  c.MaxMsgs = 1000; /* raised */
  assert_int_equal(js_UpdateStream(NULL, js, &c, NULL, NULL), NATS_OK);
  answers.bad = 0;
  publish_to(150);
  assert_stream_has(150);
}

static void what_was_erased_in_the_middle_is_told_and_given_again_once(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 300, "text"));
  publish_to(300);
  assert_lost(reconcile(), 0, 0);
  erase(100), erase(101), erase(102);
  assert_lost(reconcile(), 100, 102);
  repair(100, 102);
  assert_lost(reconcile(), 0, 0);
  erase(5);
  assert_lost(reconcile(), 5, 5); /* and not those that were mended */
  repair(5, 5);
  assert_lost(reconcile(), 0, 0);
  assert_true(filled_journal_add(&filled, 100, "text"));
  publish_to(400); /* behind the repairs */
  assert_stream_has(400);
}

static void a_repair_that_is_erased_is_given_again_too(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 50, "text"));
  publish_to(50);
  erase(20), erase(21), erase(22);
  assert_lost(reconcile(), 20, 22);
  repair(20, 22);
  erase(52); /* the repair of 21 */
  assert_lost(reconcile(), 21, 21);
  repair(21, 21);
  assert_stream_has(50);
}

static void a_purge_moves_the_beginning_and_is_mended(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 60, "text"));
  publish_to(60);
  jsOptions options;
  jsOptions_Init(&options);
  options.Stream.Purge.Sequence = 31;
  assert_int_equal(js_PurgeStream(js, "FSM_EVT_0", &options, NULL), NATS_OK);
  assert_lost(reconcile(), 1, 30);
  repair(1, 30);
  assert_lost(reconcile(), 0, 0);
  assert_stream_has(60);
}

static void a_repair_at_the_end_hides_no_record_from_who_lost_its_cursor(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 40, "text"));
  publish_to(40);
  fsm__cursor stale = cursor;
  stale.seq = stale.sent_seq = 30, stale.stream_seq = 30;
  repair(3, 5);
  cursor = stale;
  assert_int_equal(prepare(NULL), FSM_OK);
  assert_int_equal(cursor.seq, 40); /* the last ordinary message says so */
  assert_int_equal(cursor.stream_seq, 40);
}

static void a_lost_cursor_goes_forward_and_what_is_missing_is_mended(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 60, "text"));
  publish_to(60);
  erase(1), erase(2);
  memset(&cursor, 0, sizeof cursor);
  assert_int_equal(prepare(NULL), FSM_OK);
  assert_int_equal(cursor.seq, 60);
  assert_lost(reconcile(), 1, 2);
  repair(1, 2);
  assert_stream_has(60);
}

static void acked_is_settled_when_it_is_seen_again_after_two_syncs(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 20, "text"));
  publish_to(20);
  (void)reconcile();
  assert_int_equal(cursor.settled_seq, 0);
  nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  (void)reconcile();
  assert_int_equal(cursor.settled_seq, 20);
  assert_int_equal(cursor.settled_stream_seq, 20);
}

static void a_stream_that_was_deleted_is_noticed_between_two_records(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 20, "text"));
  publish_to(20);
  assert_int_equal(js_DeleteStream(js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  fsm__sink_view view = view_of();
  fsm__sink_lost lost;
  fsm_error err = {0};
  assert_int_equal(sink->reconcile(sink, &view, &cursor, &lost, &err), FSM_EUNREACHABLE);
  assert_non_null(strstr(err.text, "made anew"));
  publish_to(20);
  assert_stream_has(20);
}

static void duplicates_are_acknowledged_where_they_were(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 1000, "text"));
  publish_to(600);
  erase(7); /* without a cursor nothing is proved */
  memset(&cursor, 0, sizeof cursor);
  assert_int_equal(prepare(NULL), FSM_OK);
  assert_int_equal(cursor.seq, 0);
  for (uint64_t seq = 1; seq <= 600; seq++) give(seq, false);
  assert_true(await()); /* each has its answer, none is swallowed */
  assert_int_equal(answers.place, 600);
  assert_int_equal(answers.good, 1200);
}

/* The cursor as it was saved: behind what the stream had when it was purged, or lost one message. */
static void what_is_known_by_its_id_and_is_gone_is_given_again(void **state) {
  (void)state;
  for (int purge = 0; purge <= 1; purge++) {
    assert_true(filled_journal_add(&filled, 60, "text"));
    uint64_t end = purge ? 120 : 60;
    publish_on(end);
    (void)reconcile();
    cursor.seq = cursor.sent_seq = cursor.stream_seq = end - 20;
    assert_int_equal(leaf_of(NULL, cursor.seq, &cursor.leaf, NULL), FSM_OK);
    if (purge) assert_int_equal(js_PurgeStream(js, "FSM_EVT_0", NULL, NULL), NATS_OK);
    if (!purge) erase(50);
    assert_int_equal(prepare(NULL), FSM_OK);
    fsm__sink_lost lost = reconcile();
    if (lost.from > 0) repair(lost.from, lost.to);
    publish_on(end);
    assert_stream_has(end);
  }
}

/* A server that forgot a deletion, and then lost a message: as many as the cursor says, and not the same. */
static void as_many_empty_places_as_before_are_not_the_same_ones(void **state) {
  (void)state;
  assert_true(filled_journal_add(&filled, 20, "text"));
  publish_to(20);
  erase(7);
  cursor.stream_gone = 1;
  assert_lost(reconcile(), 7, 7);
}

static void many_holes_are_mended_once(void **state) {
  (void)state;
  enum { COUNT = 4 * FSM_NATS_RUNS_MAX };
  assert_true(filled_journal_add(&filled, COUNT, "text"));
  publish_to(COUNT);
  for (uint64_t place = 1; place <= COUNT; place += 2) erase(place);
  fsm__cursor saved = cursor; /* what is missing is on it only when all was given again */
  assert_lost(reconcile(), 1, COUNT);
  repair(1, COUNT);
  cursor.stream_gone = saved.stream_gone;
  assert_lost(reconcile(), 0, 0);
  assert_stream_has(COUNT);
}

/* What the server has stored, as it was left by a kill; to has nothing of it. */
static void copy_stored(const char *from, const char *to) {
  char source[80];
  int status = -1;
  snprintf(source, sizeof source, "%s/jetstream", from);
  pid_t pid = fork();
  if (pid == 0) {
    execlp("cp", "cp", "-a", source, to, (char *)NULL);
    _exit(127);
  }
  assert_true(waitpid(pid, &status, 0) == pid && status == 0);
}

static void remove_stored(const char *dir) {
  char path[80];
  snprintf(path, sizeof path, "%s/jetstream", dir);
  assert_int_equal(nftw(path, nats_server_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* The server forgets what it acknowledged last: repairs of a purge, of which nothing else would tell. */
static void repairs_that_go_with_the_tail_are_given_again(void **state) {
  (void)state;
  char backup[64] = "/tmp/fsm-nats-backup-XXXXXX";
  assert_non_null(mkdtemp(backup));
  assert_true(filled_journal_add(&filled, 60, "text"));
  publish_to(60);
  jsOptions options;
  jsOptions_Init(&options);
  options.Stream.Purge.Sequence = 31;
  assert_int_equal(js_PurgeStream(js, "FSM_EVT_0", &options, NULL), NATS_OK);
  assert_lost(reconcile(), 1, 30);
  nats_server_kill(&server);
  copy_stored(server.dir, backup);
  assert_true(nats_server_start(&server));
  assert_int_equal(prepare(NULL), FSM_OK);
  repair(1, 30);
  assert_lost(reconcile(), 0, 0);
  nats_server_kill(&server);
  remove_stored(server.dir);
  copy_stored(backup, server.dir);
  assert_true(nats_server_start(&server));
  assert_int_equal(prepare(NULL), FSM_OK);
  assert_lost(reconcile(), 1, 30);
  repair(1, 30);
  assert_stream_has(60);
  remove_stored(backup);
  assert_int_equal(rmdir(backup), 0);
}

static void a_stranger_at_the_end_stops_it_until_somebody_clears_it(void **state) {
  (void)state;
  fsm_error err = {0};
  assert_true(filled_journal_add(&filled, 10, "text"));
  publish_to(5);
  assert_int_equal(js_Publish(NULL, js, "fsm.evt.x.y.z", "?", 1, NULL, NULL), NATS_OK);
  assert_int_equal(prepare(&err), FSM_EVERIFY);
  assert_non_null(strstr(err.text, "outbox clear"));
  sink->clear(sink);
  publish_to(10);
  assert_int_equal(prepare(&err), FSM_OK);
  assert_int_equal(js_Publish(NULL, js, "fsm.evt.x.y.z", "?", 1, NULL, NULL), NATS_OK);
  assert_int_equal(prepare(&err), FSM_EVERIFY); /* cleared was that one, not the next */
}

static void answers_are_read_and_nothing_else_is_one(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t seq;
    bool ours, duplicate, error;
    unsigned js_code;
  } cases[] = {
      {"{\"stream\":\"S\", \"seq\":7}", 7, true, false, false, 0},
      {"{\"stream\":\"S\",\"seq\":7,\"duplicate\": true}", 7, true, true, false, 0},
      {"{\"stream\":\"S\",\"domain\":\"d\",\"seq\":18446744073709551615}", 0, true, false, false, 0},
      {"{\"stream\":\"T\",\"seq\":7}", 7, false, false, false, 0},
      {"{\"error\":{\"code\":400,\"err_code\":10071,\"description\":\"wrong last sequence: "
       "5\"},\"stream\":\"S\","
       "\"seq\":0}",
       0, false, false, true, 10071},
      {"", 0, false, false, false, 0},
      {"{", 0, false, false, false, 0},
      {"{\"stream\":\"S\",\"seq\"", 0, false, false, false, 0},
      {"+OK", 0, false, false, false, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm__nats_answer a;
    fsm__nats_answer_read(cases[i].text, strlen(cases[i].text), "S", &a);
    assert_true(a.seq == cases[i].seq && a.ours == cases[i].ours && a.duplicate == cases[i].duplicate);
    assert_true(a.error == cases[i].error && a.js_code == cases[i].js_code);
  }
}

static void a_stream_made_anew_moves_nobody_forward_whom_the_archive_feeds(void **state) {
  (void)state;
  fsm_error err = {0};
  assert_true(filled_journal_add(&filled, 30, "x"));
  publish_to(10);
  assert_int_equal(js_DeleteStream(js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  cursor.spilled = true;
  pruned = 20; /* 11 to 20 are in the archive alone, and were never sent */
  assert_int_equal(prepare(&err), FSM_OK);
  assert_int_equal(cursor.seq, 10);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest alone[] = {cmocka_unit_test(answers_are_read_and_nothing_else_is_one)};
  const struct CMUnitTest with_server[] = {
      TEST(one_that_is_missing_is_made_as_it_must_be),
      TEST(unsafe_ones_are_refused_with_the_field),
      TEST(one_that_refuses_when_it_is_full_is_safe_and_says_that_it_is_full),
      TEST(what_was_erased_in_the_middle_is_told_and_given_again_once),
      TEST(a_repair_that_is_erased_is_given_again_too),
      TEST(a_purge_moves_the_beginning_and_is_mended),
      TEST(a_repair_at_the_end_hides_no_record_from_who_lost_its_cursor),
      TEST(a_lost_cursor_goes_forward_and_what_is_missing_is_mended),
      TEST(acked_is_settled_when_it_is_seen_again_after_two_syncs),
      TEST(a_stream_that_was_deleted_is_noticed_between_two_records),
      TEST(a_stream_made_anew_moves_nobody_forward_whom_the_archive_feeds),
      TEST(duplicates_are_acknowledged_where_they_were),
      TEST(what_is_known_by_its_id_and_is_gone_is_given_again),
      TEST(as_many_empty_places_as_before_are_not_the_same_ones),
      TEST(many_holes_are_mended_once),
      TEST(repairs_that_go_with_the_tail_are_given_again),
      TEST(a_stranger_at_the_end_stops_it_until_somebody_clears_it),
  };
  int failed = cmocka_run_group_tests(alone, NULL, NULL);
  if (nats_server_there()) failed += cmocka_run_group_tests(with_server, NULL, NULL);
  return failed;
}
