/* test_nats_trouble.c: a journal through its outbox into JetStream, while the network and the server do what
 * they do. After each trouble the stream, read by somebody else, is the journal: each record is there under
 * its leaf, and the ordinary ones, once deduplicated, are in order. */
#include <nats/nats.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "filled_journal.h"
#include "nats_cluster.h"
#include "proxy.h"
#include "runtime/outbox.h"
#include "runtime/sink_nats.h"

#define WAIT_WHY status().last_error
#include "tests/wait_for.h"

static nats_server server;
static uint64_t erased; /* by the test, before it was missed; 0 = none */
static filled_journal filled;
static proxy *between;
static char url[64];
static fsm__sink_config config;
static fsm__sink *sink;
static fsm__outbox *outbox;
static _Atomic(fsm__outbox *) woken; /* the same, for the threads of the bus */

static unsigned long count_of(const char *name, unsigned long otherwise) {
  const char *text = getenv(name);
  return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

static void on_changed(void *arg) {
  (void)arg;
  fsm__outbox *o = atomic_load(&woken);
  if (o != NULL) fsm__outbox_wake(o);
}

static int up(void **state) {
  (void)state;
  outbox = NULL;
  sink = NULL;
  erased = 0;
  if (!nats_server_new(&server) || !filled_journal_new(&filled, 0x11)) return -1;
  between = proxy_start(server.port);
  if (between == NULL) return -1;
  snprintf(url, sizeof url, "nats://127.0.0.1:%d", between->port);
  config = (fsm__sink_config){.name = "nats",
                              .kind = "nats",
                              .url = url,
                              .format = {.format = "json"},
                              .batch = 64,
                              .batch_bytes = 1024 * 1024,
                              .backoff_ns = 20000000,
                              .backoff_max_ns = 500000000,
                              .timeout_ns = 1000000000,
                              .window = 512,
                              .replicas = 1,
                              .sync_ns = 1000000};
  return 0;
}

static void start(void) {
  fsm_error err = {0};
  fsm__sink_env env = {.origin = filled.origin, .wake = on_changed};
  if (fsm__sink_nats_make(&config, &env, &sink, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  fsm__outbox_options options = {.dir = filled.dir,
                                 .journal = filled.journal,
                                 .origin = filled.origin,
                                 .sink = sink,
                                 .config = &config,
                                 .reconcile_ns = 300000000};
  assert_int_equal(fsm__outbox_start(&options, &outbox, &err), FSM_OK);
  atomic_store(&woken, outbox);
}

static void stop(void) {
  if (outbox != NULL) fsm__outbox_stop(outbox);
  if (sink != NULL) sink->free(sink);
  atomic_store(&woken, NULL);
  fsm__outbox_free(outbox);
  outbox = NULL;
  sink = NULL;
}

static int down(void **state) {
  (void)state;
  stop();
  proxy_free(between);
  filled_journal_free(&filled);
  nats_server_free(&server);
  return 0;
}

static void add(unsigned count) {
  assert_true(filled_journal_add(&filled, count, "text"));
  if (outbox != NULL) fsm__outbox_wake(outbox);
}

static fsm__outbox_status status(void) {
  fsm__outbox_status s;
  fsm__outbox_status_get(outbox, &s);
  return s;
}

static void nap_ms(long ms) {
  nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- the stream, seen by somebody else, past the proxy ---- */

static void leaf_at(uint64_t seq, char hex[65]) {
  fsm__journal_cursor *at;
  fsm__journal_entry entry;
  bool found = false;
  assert_int_equal(fsm__journal_cursor_open(filled.journal, seq, &at, NULL), FSM_OK);
  assert_int_equal(fsm__journal_next(at, &entry, &found, NULL), FSM_OK);
  fsm__hash leaf = fsm__leaf(entry.record.data, entry.record.len);
  fsm__hex(leaf.bytes, sizeof leaf.bytes, hex);
  fsm__journal_cursor_close(at);
}

static const char *header(natsMsg *msg, const char *name) {
  const char *value = NULL;
  return natsMsgHeader_Get(msg, name, &value) == NATS_OK ? value : NULL;
}

/* How many of 1..count are there; what is wrong with any of them fails at once. */
static uint64_t look_through(const char *at_url, uint64_t count) {
  natsConnection *nc = NULL;
  jsCtx *js = NULL;
  jsStreamInfo *info = NULL;
  uint64_t distinct = 0, last = 0;
  bool *seen = calloc(count + 1, sizeof *seen);
  assert_int_equal(natsConnection_ConnectTo(&nc, at_url), NATS_OK);
  assert_int_equal(natsConnection_JetStream(&js, nc, NULL), NATS_OK);
  bool there = js_GetStreamInfo(&info, js, "FSM_EVT_0", NULL, NULL) == NATS_OK;
  uint64_t first = there ? info->State.FirstSeq : 1, end = there ? info->State.LastSeq : 0;
  jsStreamInfo_Destroy(info);
  for (uint64_t at = first; at <= end; at++) {
    natsMsg *msg = NULL;
    if (js_GetMsg(&msg, js, "FSM_EVT_0", at, NULL, NULL) != NATS_OK) continue;
    char hex[65];
    uint64_t seq = strtoull(header(msg, "Fsm-Seq"), NULL, 10);
    assert_true(seq >= 1 && seq <= count);
    leaf_at(seq, hex);
    assert_string_equal(header(msg, "Fsm-Leaf"), hex);
    if (header(msg, "Fsm-Repair") == NULL) {
      if (last + 1 == erased && seq == erased + 1) last = erased;
      assert_true(seq <= last + 1);
      if (seq == last + 1) last = seq;
    }
    distinct += !seen[seq];
    seen[seq] = true;
    natsMsg_Destroy(msg);
  }
  free(seen);
  jsCtx_Destroy(js);
  natsConnection_Destroy(nc);
  return distinct;
}

static void assert_stream_is_journal(void) {
  uint64_t count = fsm__journal_durable_seq(filled.journal);
  WAIT_FOR(status().seq == count);
  for (int i = 0; i < 600; i++) { /* repairs may be on their way */
    if (look_through(server.url, count) == count) return;
    nap_ms(100);
  }
  fail_msg("%d of %d are there", (int)look_through(server.url, count), (int)count);
}

static void delete_stream(void) {
  natsConnection *nc = NULL;
  jsCtx *js = NULL;
  assert_int_equal(natsConnection_ConnectTo(&nc, server.url), NATS_OK);
  assert_int_equal(natsConnection_JetStream(&js, nc, NULL), NATS_OK);
  natsStatus gone = js_DeleteStream(js, "FSM_EVT_0", NULL, NULL);
  assert_true(gone == NATS_OK || gone == NATS_NOT_FOUND); /* not made anew yet */
  jsCtx_Destroy(js);
  natsConnection_Destroy(nc);
}

static void begin(unsigned count) {
  assert_true(nats_server_start(&server));
  add(count);
  start();
  WAIT_FOR(status().seq == count);
}

/* ---- the network ---- */

static void a_connection_that_falls_silent_is_given_up_and_made_again(void **state) {
  (void)state;
  begin(300);
  atomic_store(&between->hole, true);
  nap_ms(20);
  add(300);
  assert_stream_is_journal();
}

static void half_a_connection_is_none(void **state) {
  (void)state;
  begin(300);
  atomic_store(&between->half, true);
  nap_ms(20);
  add(300); /* they arrive, and nobody says so */
  assert_stream_is_journal();
}

static void connections_that_are_reset_under_load_lose_nothing(void **state) {
  (void)state;
  begin(10);
  for (int i = 0; i < 15; i++) {
    add(200);
    nap_ms(1 + i * 3);
    atomic_store(&between->reset, true);
  }
  assert_stream_is_journal();
}

static void a_line_of_1_kb_a_second_is_slow_and_no_more(void **state) {
  (void)state;
  begin(10);
  atomic_store(&between->up_rate, 1024);
  add(30);
  nap_ms(4000);
  assert_true(status().seq < 40);
  atomic_store(&between->up_rate, 0);
  assert_stream_is_journal();
}

/* Thirty seconds in the large: FSM_NATS_DELAY_MS=30000, with a second of patience or with a minute. */
static void acks_that_come_after_our_patience_are_no_loss(void **state) {
  (void)state;
  begin(10);
  atomic_store(&between->down_ms, (int)count_of("FSM_NATS_DELAY_MS", 1500));
  add(200);
  nap_ms((long)count_of("FSM_NATS_DELAY_MS", 1500) * 2);
  atomic_store(&between->down_ms, 0);
  assert_stream_is_journal();
}

/* ---- the server ---- */

static void a_server_whose_store_was_wiped_gets_everything_again(void **state) {
  (void)state;
  char jetstream[96];
  begin(500);
  nats_server_kill(&server);
  snprintf(jetstream, sizeof jetstream, "%s/jetstream", server.dir);
  nftw(jetstream, nats_server_remove_one, 16, FTW_DEPTH | FTW_PHYS);
  add(10);
  assert_true(nats_server_start(&server));
  assert_stream_is_journal();
}

static void a_stream_that_is_deleted_under_load_is_filled_again(void **state) {
  (void)state;
  begin(500);
  for (int i = 0; i < 3; i++) {
    add(400);
    nap_ms(5);
    delete_stream();
  }
  assert_stream_is_journal();
}

static void a_server_killed_at_random_under_load_has_all_in_the_end(void **state) {
  (void)state;
  unsigned long cycles = count_of("FSM_NATS_KILLS", 5), seed = count_of("FSM_NATS_SEED", 7);
  begin(10);
  for (unsigned long i = 0; i < cycles; i++) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    add(200 + (unsigned)(seed >> 33) % 400);
    nap_ms((long)(seed >> 40) % 40);
    nats_server_kill(&server);
    add(50);
    assert_true(nats_server_start(&server));
  }
  assert_stream_is_journal();
}

static void behind_the_window_of_ids_there_may_be_duplicates_and_no_more(void **state) {
  (void)state;
  natsConnection *nc = NULL;
  jsCtx *js = NULL;
  jsStreamConfig c;
  const char *subjects[] = {"fsm.evt.>"};
  assert_true(nats_server_start(&server));
  assert_int_equal(natsConnection_ConnectTo(&nc, server.url), NATS_OK);
  assert_int_equal(natsConnection_JetStream(&js, nc, NULL), NATS_OK);
  jsStreamConfig_Init(&c);
  c.Name = "FSM_EVT_0", c.Subjects = subjects, c.SubjectsLen = 1, c.Discard = js_DiscardNew;
  c.Duplicates = 100000000; /* 0.1 s */
  assert_int_equal(js_AddStream(NULL, js, &c, NULL, NULL), NATS_OK);
  begin(0);
  add(300);
  WAIT_FOR(status().seq == 300);
  stop();
  erased = 7; /* without a cursor nothing is proved */
  assert_int_equal(js_DeleteMsg(js, "FSM_EVT_0", erased, NULL, NULL), NATS_OK);
  char path[96];
  snprintf(path, sizeof path, "%s/sinks/nats", filled.dir);
  assert_int_equal(unlink(path), 0);
  nap_ms(400);
  start();
  add(100);
  assert_stream_is_journal();
  jsCtx_Destroy(js);
  natsConnection_Destroy(nc);
}

/* ---- three servers ---- */

/* The server that leads the stream; -1 = nobody says so. */
static int leader_of(const nats_cluster *c) {
  natsConnection *nc = NULL;
  jsCtx *js = NULL;
  jsStreamInfo *info = NULL;
  int leader = -1;
  if (natsConnection_ConnectTo(&nc, c->urls) == NATS_OK &&
      natsConnection_JetStream(&js, nc, NULL) == NATS_OK &&
      js_GetStreamInfo(&info, js, "FSM_EVT_0", NULL, NULL) == NATS_OK && info->Cluster != NULL &&
      info->Cluster->Leader != NULL && info->Cluster->Leader[0] == 's') {
    leader = info->Cluster->Leader[1] - '0';
  }
  jsStreamInfo_Destroy(info);
  jsCtx_Destroy(js);
  natsConnection_Destroy(nc);
  return leader;
}

static void a_cluster_whose_leader_is_killed_goes_on_and_loses_nothing(void **state) {
  (void)state;
  nats_cluster cluster;
  assert_true(nats_cluster_start(&cluster));
  config.url = cluster.urls;
  config.replicas = 3;
  config.timeout_ns = INT64_C(3000000000);
  add(200);
  start();
  WAIT_FOR(status().seq == 200);
  for (int round = 0; round < 2; round++) {
    int leader = -1;
    add(300);
    for (int i = 0; i < 600 && leader < 0; i++) leader = leader_of(&cluster);
    assert_in_range(leader, 0, NATS_CLUSTER - 1);
    nats_server_kill(&cluster.servers[leader]);
    add(300);
    WAIT_FOR(status().seq == fsm__journal_durable_seq(filled.journal));
    assert_true(nats_cluster_start_one(&cluster, leader));
  }
  snprintf(server.url, sizeof server.url, "%s", cluster.servers[0].url); /* who looks asks any of them */
  assert_stream_is_journal();
  stop();
  nats_cluster_free(&cluster);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest tests[] = {
      TEST(a_connection_that_falls_silent_is_given_up_and_made_again),
      TEST(half_a_connection_is_none),
      TEST(connections_that_are_reset_under_load_lose_nothing),
      TEST(a_line_of_1_kb_a_second_is_slow_and_no_more),
      TEST(acks_that_come_after_our_patience_are_no_loss),
      TEST(a_server_whose_store_was_wiped_gets_everything_again),
      TEST(a_stream_that_is_deleted_under_load_is_filled_again),
      TEST(a_server_killed_at_random_under_load_has_all_in_the_end),
      TEST(a_cluster_whose_leader_is_killed_goes_on_and_loses_nothing),
      TEST(behind_the_window_of_ids_there_may_be_duplicates_and_no_more),
  };
  return nats_server_there() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
