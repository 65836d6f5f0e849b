/* test_sink_nats.c: a journal into a real JetStream stream, through everything that happens to both. */
#include "runtime/sink_nats.h"

#include <nats/nats.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "filled_journal.h"
#include "nats_server.h"
#include "runtime/message.h"
#include "runtime/outbox.h"
#include "tests/tree.h"

#define WAIT_WHY status().last_error
#include "tests/wait_for.h"

static nats_server server;
static filled_journal filled;
static fsm__bus *bus;
static fsm__sink *sink;
static fsm__outbox *outbox;

static int up(void **state) {
  (void)state;
  bus = NULL;
  sink = NULL;
  outbox = NULL;
  return nats_server_new(&server) && filled_journal_new(&filled, 0x11) ? 0 : -1;
}

/* As fsm_publisher_stop does it. */
static void stop(void) {
  if (outbox != NULL) fsm__outbox_stop(outbox);
  if (bus != NULL) fsm__bus_stop(bus);
  fsm__outbox_free(outbox);
  if (sink != NULL) sink->free(sink);
  fsm__bus_free(bus);
  bus = NULL;
  sink = NULL;
  outbox = NULL;
}

static int down(void **state) {
  (void)state;
  stop();
  filled_journal_free(&filled);
  nats_server_free(&server);
  return 0;
}

static void on_changed(void *arg) {
  (void)arg;
  fsm__outbox_wake(outbox);
}

/* On the bus of all, as without a url of its own. */
static fsm_code make(const char *stream, fsm_error *err) {
  static fsm__sink_config config; /* lives as long as the sink */
  config = (fsm__sink_config){
      .name = "nats", .kind = "nats", .stream = stream, .window = 1024, .format = {.format = "json"}};
  const fsm__sink_env env = {.bus = bus, .wake = on_changed};
  return fsm__sink_nats_make(&config, &env, &sink, err);
}

static void start(void) {
  fsm_error err = {0};
  assert_int_equal(fsm__bus_new(server.url, "test", &bus, &err), FSM_OK);
  assert_int_equal(make(NULL, &err), FSM_OK);
  fsm__outbox_options options = {
      .dir = filled.dir, .journal = filled.journal, .origin = filled.origin, .sink = sink};
  assert_int_equal(fsm__outbox_start(&options, &outbox, &err), FSM_OK);
  assert_int_equal(fsm__bus_start(bus, &err), FSM_OK);
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

/* ---- the stream, seen by somebody else ---- */

typedef struct seen {
  natsConnection *nc;
  jsCtx *js;
} seen;

static seen look(void) {
  seen s = {NULL, NULL};
  assert_int_equal(natsConnection_ConnectTo(&s.nc, server.url), NATS_OK);
  assert_int_equal(natsConnection_JetStream(&s.js, s.nc, NULL), NATS_OK);
  return s;
}

static void unlook(seen *s) {
  jsCtx_Destroy(s->js);
  natsConnection_Destroy(s->nc);
}

static jsStreamState state_of(seen *s) {
  jsStreamInfo *info = NULL;
  assert_int_equal(js_GetStreamInfo(&info, s->js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  jsStreamState state = info->State;
  state.Subjects = NULL;
  jsStreamInfo_Destroy(info);
  return state;
}

static uint64_t seq_at(seen *s, uint64_t at) {
  natsMsg *msg = NULL;
  const char *id = NULL, *seq_text = NULL;
  fsm_origin origin;
  uint64_t seq = 0;
  assert_int_equal(js_GetMsg(&msg, s->js, "FSM_EVT_0", at, NULL, NULL), NATS_OK);
  assert_int_equal(natsMsgHeader_Get(msg, "Nats-Msg-Id", &id), NATS_OK);
  assert_int_equal(natsMsgHeader_Get(msg, "Fsm-Seq", &seq_text), NATS_OK);
  assert_true(fsm__message_id_read(id, &origin, &seq)); /* of a repair too */
  assert_memory_equal(origin.store, filled.origin.store, 16);
  assert_true(strtoull(seq_text, NULL, 10) == seq);
  natsMsg_Destroy(msg);
  return seq;
}

/* The stream holds exactly 1..count, in order, each once. */
static void assert_exact(uint64_t count) {
  seen s = look();
  jsStreamState state = state_of(&s);
  assert_true(state.Msgs == count);
  for (uint64_t i = 0; i < count; i++) assert_true(seq_at(&s, state.FirstSeq + i) == i + 1);
  unlook(&s);
}

/* Once deduplicated by seq, the stream holds 1..count, in order. */
static void assert_all_in_order(uint64_t count) {
  seen s = look();
  jsStreamState state = state_of(&s);
  uint64_t last = 0;
  for (uint64_t i = state.FirstSeq; i <= state.LastSeq; i++) {
    uint64_t seq = seq_at(&s, i);
    assert_true(seq <= last + 1);
    if (seq == last + 1) last = seq;
  }
  assert_true(last == count);
  unlook(&s);
}

static const char *in(const char *dir, const char *name) {
  static char path[4][160];
  static unsigned turn;
  char *text = path[turn++ % 4];
  snprintf(text, sizeof path[0], "%s/%s", dir, name);
  return text;
}

/* ---- tests ---- */

static void a_backlog_drains_in_order_and_each_once(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  add(2000);
  start();
  WAIT_FOR(status().seq == 2000);
  uint64_t before = status().retries; /* each look before the connection came is one */
  add(50);
  WAIT_FOR(status().seq == 2050);
  assert_exact(2050);
  assert_true(status().retries == before);
}

static void a_server_that_is_absent_at_start_gets_everything_when_it_comes(void **state) {
  (void)state;
  add(100);
  start();
  WAIT_FOR(status().last_error[0] != '\0');
  add(100);
  assert_true(status().seq == 0);
  assert_true(nats_server_start(&server));
  WAIT_FOR(status().seq == 200);
  assert_exact(200);
  assert_string_equal(status().last_error, "");
}

static void a_server_that_is_killed_again_and_again_loses_and_doubles_nothing(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  start();
  uint64_t total = 0;
  for (int round = 0; round < 4; round++) {
    add(600);
    total += 600;
    WAIT_FOR(status().seq > total - 600); /* in the middle */
    nats_server_kill(&server);
    add(100);
    total += 100;
    assert_true(nats_server_start(&server));
  }
  WAIT_FOR(status().seq == total);
  assert_exact(total);
}

static void a_stream_that_was_deleted_is_made_and_filled_again(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  add(300);
  start();
  WAIT_FOR(status().seq == 300);
  seen s = look();
  assert_int_equal(js_DeleteStream(s.js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  unlook(&s);
  add(1);
  WAIT_FOR(status().published >= 601);
  WAIT_FOR(status().seq == 301);
  assert_exact(301);
}

static void a_stream_that_was_purged_gets_again_what_it_had(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  add(30);
  start();
  WAIT_FOR(status().seq == 30);
  seen s = look();
  assert_int_equal(js_PurgeStream(s.js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  stop();
  start();
  add(5);
  WAIT_FOR(status().seq == 35 && status().repaired == 30);
  assert_true(state_of(&s).Msgs == 35);
  bool there[36] = {false};
  for (uint64_t at = 31; at <= 65; at++) there[seq_at(&s, at)] = true;
  for (int seq = 1; seq <= 35; seq++) assert_true(there[seq]);
  unlook(&s);
}

/* They come as repairs, because their ids are known, and in order: no ordinary message follows the hole. */
static void what_was_erased_at_the_end_is_given_again_once_however_often_it_reconnects(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  add(10);
  start();
  WAIT_FOR(status().seq == 10);
  stop();
  assert_int_equal(unlink(in(filled.dir, "sinks/nats")), 0);
  seen s = look();
  for (uint64_t at = 8; at <= 10; at++)
    assert_int_equal(js_DeleteMsg(s.js, "FSM_EVT_0", at, NULL, NULL), NATS_OK);
  for (int life = 0; life < 4; life++) {
    start();
    WAIT_FOR(status().seq == 10 && status().connected);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    stop();
  }
  jsStreamState after = state_of(&s);
  for (uint64_t at = 11; at <= 13; at++) assert_true(seq_at(&s, at) == at - 3);
  assert_int_equal(after.LastSeq, 13);
  start();
  add(1);
  WAIT_FOR(status().seq == 11);
  assert_true(seq_at(&s, 14) == 11);
  unlook(&s);
}

static void a_tail_that_the_server_lost_is_sent_again(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  add(200);
  start();
  WAIT_FOR(status().seq == 200);
  nats_server_kill(&server);
  copy_tree(in(server.dir, "jetstream"), in(filled.dir, "then"));
  assert_true(nats_server_start(&server));
  add(300);
  WAIT_FOR(status().seq == 500);
  nats_server_kill(&server);
  assert_int_equal(rename(in(server.dir, "jetstream"), in(filled.dir, "lost")), 0);
  assert_int_equal(rename(in(filled.dir, "then"), in(server.dir, "jetstream")), 0);
  assert_true(nats_server_start(&server));
  /* What was taken and whose acknowledgement the kill swallowed is found there, not counted as published:
   * only the stream itself tells when all is there. */
  seen s = look();
  WAIT_FOR(state_of(&s).Msgs == 500);
  unlook(&s);
  WAIT_FOR(status().seq == 500 && status().last_error[0] == '\0');
  assert_true(status().published >= 500);
  assert_exact(500);
}

static void a_stale_cursor_goes_forward_over_what_is_there(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  add(100);
  start();
  WAIT_FOR(status().seq == 100);
  stop();
  copy_file(in(filled.dir, "sinks/nats"), in(filled.dir, "stale"));
  add(400);
  start();
  WAIT_FOR(status().seq == 500);
  stop();
  assert_int_equal(rename(in(filled.dir, "stale"), in(filled.dir, "sinks/nats")), 0);
  start();
  WAIT_FOR(status().seq == 500);
  assert_true(status().published == 0);
  add(1);
  WAIT_FOR(status().seq == 501);
  assert_exact(501);
}

static void a_lost_cursor_goes_forward_over_a_stream_that_has_all(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  add(100);
  start();
  WAIT_FOR(status().seq == 100);
  stop();
  assert_int_equal(unlink(in(filled.dir, "sinks/nats")), 0);
  start();
  WAIT_FOR(status().seq == 100);
  assert_true(status().published == 0);
  add(1);
  WAIT_FOR(status().seq == 101);
  assert_exact(101);
}

static void what_counting_does_not_prove_is_sent_again_and_known_by_its_id(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  add(60);
  start();
  WAIT_FOR(status().seq == 60);
  stop();
  assert_int_equal(unlink(in(filled.dir, "sinks/nats")), 0);
  seen s = look();
  assert_int_equal(js_DeleteMsg(s.js, "FSM_EVT_0", 7, NULL, NULL), NATS_OK); /* the count no longer fits */
  add(10);
  start();
  WAIT_FOR(status().seq == 70);
  assert_true(status().published == 70);
  jsStreamState after = state_of(&s);
  assert_true(after.LastSeq == 71 && after.Msgs == 70); /* the id of 7 is known, too, and it is not there */
  assert_true(seq_at(&s, 61) == 7);
  assert_true(seq_at(&s, 71) == 70);
  unlook(&s);
}

static void a_stream_of_another_store_is_left_alone(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  add(10);
  start();
  WAIT_FOR(status().seq == 10);
  stop();
  filled_journal_free(&filled);
  assert_true(filled_journal_new(&filled, 0x22));
  add(20);
  start();
  WAIT_FOR(status().halted);
  assert_non_null(strstr(status().last_error, "another store"));
  seen s = look();
  assert_true(state_of(&s).Msgs == 10);
  unlook(&s);
}

static void a_stream_ahead_of_the_journal_or_with_another_past_is_left_alone(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  add(10);
  start();
  WAIT_FOR(status().seq == 10);
  stop();
  filled_journal_free(&filled);
  assert_true(filled_journal_new(&filled, 0x11)); /* the same store, grown another way */
  add(5);
  start();
  WAIT_FOR(status().halted);
  assert_non_null(strstr(status().last_error, "the journal ends at 5"));
  assert_true(filled_journal_add(&filled, 7, "another text"));
  WAIT_FOR(strstr(status().last_error, "another record 10") != NULL);
  seen s = look();
  assert_true(state_of(&s).Msgs == 10);
  unlook(&s);
}

/* A journal put back from a backup: it shares records 1 to 6 with what was published, then it forks. */
static void a_dead_branch_in_the_stream_is_followed_by_the_living_one(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  add(6);
  fsm__journal_close(filled.journal);
  char kept[96], path[96];
  snprintf(kept, sizeof kept, "%s.kept", filled.dir);
  snprintf(path, sizeof path, "%s/journal", filled.dir);
  copy_tree(path, kept);
  assert_int_equal(filled_journal_open(&filled), FSM_OK);
  add(4);
  start();
  WAIT_FOR(status().seq == 10);
  stop();
  fsm__journal_close(filled.journal);
  assert_int_equal(nftw(path, filled_journal_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
  assert_int_equal(rename(kept, path), 0);
  assert_int_equal(filled_journal_open(&filled), FSM_OK);
  assert_int_equal(fsm__journal_new_epoch(filled.journal, NULL), FSM_OK);
  add(3);
  start();
  WAIT_FOR(status().seq == 9);
  stop();
  seen s = look();
  assert_true(state_of(&s).Msgs == 13);
  for (uint64_t at = 1; at <= 13; at++) assert_int_equal(seq_at(&s, at), at > 10 ? at - 4 : at);
  unlook(&s);
}

static void a_message_of_a_stranger_in_the_stream_is_an_alarm(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  add(3);
  start();
  WAIT_FOR(status().seq == 3);
  seen s = look();
  assert_int_equal(js_Publish(NULL, s.js, "fsm.evt.x.y.z", "?", 1, NULL, NULL), NATS_OK);
  add(1);
  WAIT_FOR(status().halted);
  assert_non_null(strstr(status().last_error, "not a record of ours"));
  assert_true(status().seq == 3);
  assert_int_equal(js_DeleteStream(s.js, "FSM_EVT_0", NULL, NULL), NATS_OK);
  unlook(&s);
  WAIT_FOR(status().seq == 4); /* mended by people, found by itself */
  assert_false(status().halted);
  assert_exact(4);
}

static void a_record_whose_json_is_too_large_goes_as_its_stored_bytes(void **state) {
  (void)state;
  enum { LARGE = 250000 };
  assert_true(nats_server_start(&server));
  char *text = malloc(LARGE + 1);
  memset(text, '\x01', LARGE); /* six bytes each in JSON */
  text[LARGE] = '\0';
  add(1);
  assert_true(filled_journal_add(&filled, 1, text));
  free(text);
  start();
  WAIT_FOR(status().seq == 2);
  seen s = look();
  natsMsg *msg = NULL;
  const char *type = NULL;
  assert_int_equal(js_GetMsg(&msg, s.js, "FSM_EVT_0", 2, NULL, NULL), NATS_OK);
  assert_int_equal(natsMsgHeader_Get(msg, "Content-Type", &type), NATS_OK);
  assert_string_equal(type, "application/msgpack");
  fsm_arena arena;
  fsm_record record;
  fsm_arena_init(&arena, 0);
  assert_int_equal(
      fsm_record_decode(&arena, natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), &record, NULL),
      FSM_OK);
  assert_true(record.seq == 2 && record.data.len == LARGE);
  fsm_arena_free(&arena);
  natsMsg_Destroy(msg);
  unlook(&s);
}

static void messages_that_come_late_from_an_earlier_life_do_no_harm(void **state) {
  (void)state;
  assert_true(nats_server_start(&server));
  start();
  uint64_t total = 0;
  for (int round = 0; round < 10; round++) {
    add(300);
    total += 300;
    kill(server.pid, SIGSTOP); /* the connection stays, answers do not */
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    kill(server.pid, SIGCONT);
  }
  WAIT_FOR(status().seq == total);
  assert_all_in_order(total);
}

static void a_name_that_no_stream_can_have_is_refused(void **state) {
  (void)state;
  fsm_error err = {0};
  assert_int_equal(fsm__bus_new(server.url, "test", &bus, &err), FSM_OK);
  assert_int_equal(make("a.b", &err), FSM_EARGUMENT);
  assert_int_equal(make("", &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "stream");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest alone[] = {TEST(a_name_that_no_stream_can_have_is_refused)};
  const struct CMUnitTest with_server[] = {
      TEST(a_backlog_drains_in_order_and_each_once),
      TEST(a_server_that_is_absent_at_start_gets_everything_when_it_comes),
      TEST(a_server_that_is_killed_again_and_again_loses_and_doubles_nothing),
      TEST(a_stream_that_was_deleted_is_made_and_filled_again),
      TEST(a_stream_that_was_purged_gets_again_what_it_had),
      TEST(what_was_erased_at_the_end_is_given_again_once_however_often_it_reconnects),
      TEST(a_tail_that_the_server_lost_is_sent_again),
      TEST(a_stale_cursor_goes_forward_over_what_is_there),
      TEST(a_lost_cursor_goes_forward_over_a_stream_that_has_all),
      TEST(what_counting_does_not_prove_is_sent_again_and_known_by_its_id),
      TEST(a_stream_of_another_store_is_left_alone),
      TEST(a_stream_ahead_of_the_journal_or_with_another_past_is_left_alone),
      TEST(a_dead_branch_in_the_stream_is_followed_by_the_living_one),
      TEST(a_message_of_a_stranger_in_the_stream_is_an_alarm),
      TEST(a_record_whose_json_is_too_large_goes_as_its_stored_bytes),
      TEST(messages_that_come_late_from_an_earlier_life_do_no_harm),
  };
  int failed = cmocka_run_group_tests(alone, NULL, NULL);
  if (nats_server_there()) failed += cmocka_run_group_tests(with_server, NULL, NULL);
  return failed;
}
