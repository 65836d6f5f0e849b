/* test_publish_trouble.c: a publisher that is stopped while people give orders, and what it says of servers.
 */
#include "runtime/publish.h"

#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "runtime/cursors.h"
#include "runtime/parked.h"
#include "runtime/publish_notes.h"
#include "runtime/runtime_impl.h"

static char dir[64];
static fsm_publisher *publisher;
static fsm_runtime *runtime;

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
  (void)st, (void)flag, (void)ftw;
  return remove(path);
}

static int up(void **state) {
  (void)state;
  publisher = NULL;
  runtime = NULL;
  snprintf(dir, sizeof dir, "/tmp/fsm-trouble-XXXXXX");
  return mkdtemp(dir) != NULL ? 0 : -1;
}

static int down(void **state) {
  (void)state;
  if (publisher != NULL) fsm_publisher_stop(publisher);
  fsm_runtime_close(runtime);
  fsm_publisher_free(publisher);
  nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  return 0;
}

static void open_all(const char *url, const char *sinks) {
  fsm_error err = {0};
  fsm_opened opened;
  fsm_publisher_options publishing = {.url = url, .sinks = sinks, .sinks_len = sinks ? strlen(sinks) : 0};
  if (fsm_publisher_new(&publishing, &publisher, &err) != FSM_OK) fail_msg("%s %s", err.where, err.text);
  fsm_runtime_options options = {.dir = dir,
                                 .segment_bytes = 2 * 1024 * 1024,
                                 .map_bytes = (size_t)1 << 30,
                                 .durable = fsm_publisher_durable,
                                 .durable_arg = publisher};
  if (fsm_runtime_open(&options, &runtime, &opened, &err) != FSM_OK) fail_msg("%s %s", err.where, err.text);
  if (fsm_publisher_start(publisher, runtime, &err) != FSM_OK) fail_msg("%s %s", err.where, err.text);
}

/* ---- orders and the end ---- */

static atomic_uint given, closed;
static atomic_bool over;

static void *give_orders(void *arg) {
  (void)arg;
  fsm_pair sub = {fsm_string("sub"), fsm_string("ann")};
  fsm_value actor;
  if (fsm_map(&sub, 1, &actor, NULL) != FSM_OK) return NULL;
  const fsm_sink_order order = {.sink = "f", .what = FSM_SINK_RETRY, .actor = &actor, .reason = "to see"};
  while (!atomic_load(&over)) {
    fsm_code code = fsm_publisher_order(publisher, &order, NULL, NULL);
    atomic_fetch_add(code == FSM_OK ? &given : &closed, 1);
    if (code != FSM_OK && code != FSM_ECLOSED) break;
  }
  return NULL;
}

static void orders_that_come_while_it_stops_find_it_stopped(void **state) {
  (void)state;
  char sinks[256];
  snprintf(sinks, sizeof sinks, "{\"sinks\":[{\"name\":\"f\",\"kind\":\"file\",\"path\":\"%s/out\"}]}", dir);
  pthread_t threads[4];
  atomic_store(&over, false);
  atomic_store(&given, 0), atomic_store(&closed, 0);
  open_all(NULL, sinks);
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, give_orders, NULL), 0);
  while (atomic_load(&given) < 20) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  fsm_publisher_stop(publisher);
  unsigned before = atomic_load(&closed);
  while (atomic_load(&closed) < before + 20) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  atomic_store(&over, true);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

/* ---- orders on record ---- */

static unsigned notes_of(const char *what) {
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  bool found = true;
  unsigned count = 0;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  assert_int_equal(fsm__journal_cursor_open(fsm__runtime_journal(runtime), 1, &cursor, NULL), FSM_OK);
  while (fsm__journal_next(cursor, &entry, &found, NULL) == FSM_OK && found) {
    fsm_record record;
    assert_int_equal(fsm_record_decode(&arena, entry.record.data, entry.record.len, &record, NULL), FSM_OK);
    const fsm_value *its = fsm_map_get(&record.detail, "what");
    count += its != NULL && fsm_is_text(its, what);
  }
  fsm__journal_cursor_close(cursor);
  fsm_arena_free(&arena);
  return count;
}

static void an_order_that_cannot_be_told_is_not_carried_out(void **state) {
  (void)state;
  char sinks[256];
  fsm_error err = {0};
  fsm_pair sub = {fsm_string("sub"), fsm_string("ann")};
  fsm_value actor;
  assert_int_equal(fsm_map(&sub, 1, &actor, NULL), FSM_OK);
  snprintf(sinks, sizeof sinks, "{\"sinks\":[{\"name\":\"f\",\"kind\":\"file\",\"path\":\"%s/out\"}]}", dir);
  open_all(NULL, sinks);
  fsm_sink_order order = {.sink = "f", .what = FSM_SINK_CLEAR, .actor = &actor, .reason = "one\ntwo"};
  assert_int_equal(fsm_publisher_order(publisher, &order, NULL, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "reason");
  order.reason = "\xff";
  assert_int_equal(fsm_publisher_order(publisher, &order, NULL, &err), FSM_EARGUMENT);
  order.reason = "seen to it";
  assert_int_equal(fsm_publisher_order(publisher, &order, NULL, &err), FSM_OK);
}

/* No wait: what is given up is on record when the order is answered. */
static void what_is_given_up_is_on_record_first(void **state) {
  (void)state;
  char sinks[256];
  fsm_error err = {0};
  fsm_pair sub = {fsm_string("sub"), fsm_string("ann")};
  fsm_value actor;
  assert_int_equal(fsm_map(&sub, 1, &actor, NULL), FSM_OK);
  snprintf(sinks, sizeof sinks, "%s/sinks", dir);
  assert_int_equal(mkdir(sinks, 0700), 0);
  fsm__parked parked = {.seq = 3, .epoch = 1, .tries = 1, .code = FSM_EDATA, .text = "of another type"};
  fsm__cursor stray = {.sink = "old", .epoch = 1};
  assert_int_equal(fsm__parked_save(dir, "f", &parked, 1, NULL), FSM_OK);
  assert_int_equal(fsm__cursor_save(dir, &stray, true, NULL), FSM_OK);
  snprintf(sinks, sizeof sinks, "{\"sinks\":[{\"name\":\"f\",\"kind\":\"file\",\"path\":\"%s/out\"}]}", dir);
  open_all(NULL, sinks);
  fsm_sink_order order = {.sink = "f", .what = FSM_SINK_DROP, .actor = &actor, .reason = "of no use"};
  order.from = 4;
  assert_int_equal(fsm_publisher_order(publisher, &order, NULL, &err), FSM_ENOTFOUND);
  assert_int_equal(notes_of("dropped"), 0);
  order.from = 3;
  assert_int_equal(fsm_publisher_order(publisher, &order, NULL, &err), FSM_OK);
  assert_int_equal(notes_of("dropped"), 1);
  order = (fsm_sink_order){.sink = "old", .what = FSM_SINK_FORGET, .actor = &actor, .reason = "gone"};
  assert_int_equal(fsm_publisher_order(publisher, &order, NULL, &err), FSM_OK);
  assert_int_equal(notes_of("forgotten"), 1);
}

static uint64_t untold_of(const char *sink) {
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  bool found = true;
  uint64_t untold = 0;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  assert_int_equal(fsm__journal_cursor_open(fsm__runtime_journal(runtime), 1, &cursor, NULL), FSM_OK);
  while (fsm__journal_next(cursor, &entry, &found, NULL) == FSM_OK && found) {
    fsm_record record;
    assert_int_equal(fsm_record_decode(&arena, entry.record.data, entry.record.len, &record, NULL), FSM_OK);
    const fsm_value *its = fsm_map_get(&record.detail, "sink"), *n = fsm_map_get(&record.detail, "untold");
    if (its != NULL && n != NULL && fsm_is_text(its, sink)) untold = (uint64_t)n->i;
  }
  fsm__journal_cursor_close(cursor);
  fsm_arena_free(&arena);
  return untold;
}

/* As on a disk that has no room for it. */
static void a_note_that_could_not_be_written_is_counted_in_the_next(void **state) {
  (void)state;
  fsm__notes *notes = NULL;
  char sinks[256];
  snprintf(sinks, sizeof sinks, "{\"sinks\":[{\"name\":\"f\",\"kind\":\"file\",\"path\":\"%s/out\"}]}", dir);
  open_all(NULL, sinks);
  assert_int_equal(fsm__notes_new(&notes, NULL), FSM_OK);
  fsm__notes_open(notes, runtime);
  fsm_pair bad = {fsm_string("text"), fsm_string("\xff")};
  fsm_pair good = {fsm_string("lag"), fsm_int(1)};
  fsm_value more, fine;
  assert_int_equal(fsm_map(&bad, 1, &more, NULL), FSM_OK);
  assert_int_equal(fsm_map(&good, 1, &fine, NULL), FSM_OK);
  fsm__notes_take(notes, "gone", "failed", &more, NULL, NULL);
  for (int i = 0; i < 12000 && untold_of("next") == 0; i++) {
    fsm__notes_take(notes, "next", "failed", &fine, NULL, NULL);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    if (i > 100) break;
  }
  assert_int_equal(untold_of("next"), 1);
  assert_int_equal(untold_of("gone"), 0);
  fsm_publisher_stop(publisher);
  fsm_runtime_close(runtime);
  runtime = NULL;
  fsm__notes_free(notes);
}

/* ---- routes ---- */

static fsm_sink_status status_of(const char *name) {
  fsm_sink_status *list = NULL, out = {.seq = 0};
  size_t count = 0;
  assert_int_equal(fsm_publisher_sinks(publisher, &list, &count, NULL), FSM_OK);
  for (size_t i = 0; i < count; i++)
    if (strcmp(list[i].name, name) == 0) out = list[i];
  free(list);
  return out;
}

static void call(const fsm_command *command) {
  fsm_answer answer;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  if (fsm_call(runtime, command, &arena, &answer) != FSM_OK)
    fail_msg("%s: %s", answer.error.where, answer.error.text);
  fsm_arena_free(&arena);
}

static void a_route_that_the_sink_did_not_come_by_is_in_force_all_the_same(void **state) {
  (void)state;
  static const char away[] =
      "{\"sinks\":[{\"name\":\"b\",\"kind\":\"nats\",\"url\":\"nats://127.0.0.1:1\","
      "\"records\":\"routed\"}]}";
  char sinks[256];
  fsm_error err = {0};
  fsm_pair sub = {fsm_string("sub"), fsm_string("ann")};
  fsm_value actor, item = fsm_string("b");
  fsm_pair to = {fsm_string("sinks"), fsm_list(&item, 1)};
  assert_int_equal(fsm_map(&sub, 1, &actor, NULL), FSM_OK);
  open_all(NULL, away);
  for (int i = 0; i < 2; i++) {
    fsm_command c = fsm_command_new(FSM_CMD_ROUTE_SET);
    c.name = i == 0 ? "all" : "more";
    assert_int_equal(fsm_map(&to, 1, &c.data, NULL), FSM_OK);
    c.actor = actor;
    c.reason = "wanted";
    call(&c);
  }
  fsm_sink_order order = {.sink = "b", .what = FSM_SINK_DROP, .actor = &actor, .reason = "nowhere"};
  order.from = 1, order.to = 2;
  if (fsm_publisher_order(publisher, &order, NULL, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  snprintf(sinks, sizeof sinks, "%s/out", dir);
  assert_int_equal(mkdir(sinks, 0700), 0);
  snprintf(sinks, sizeof sinks,
           "{\"sinks\":[{\"name\":\"b\",\"kind\":\"file\",\"path\":\"%s/out\",\"records\":\"routed\"}]}",
           dir);
  assert_int_equal(fsm_publisher_reload(publisher, sinks, strlen(sinks), &err), FSM_OK);
  for (int i = 0; i < 12000 && status_of("b").lag > 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  fsm_sink_status b = status_of("b");
  if (b.seq < 3 || b.published == 0 || b.skipped != 0)
    fail_msg("at %d, %d given, %d left out: %s", (int)b.seq, (int)b.published, (int)b.skipped, b.last_error);
}

/* ---- secrets ---- */

static void who_we_are_is_not_in_what_is_told_of_a_server(void **state) {
  (void)state;
  fsm_publisher_status s = {.last_error = ""};
  open_all("nats://ann:geheim@127.0.0.1:1", NULL);
  for (int i = 0; i < 12000 && strstr(s.last_error, "127.0.0.1") == NULL; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    fsm_publisher_status_get(publisher, &s);
  }
  assert_non_null(strstr(s.last_error, "127.0.0.1:1"));
  assert_null(strstr(s.last_error, "geheim"));
  assert_null(strstr(s.last_error, "ann"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest tests[] = {
      TEST(orders_that_come_while_it_stops_find_it_stopped),
      TEST(an_order_that_cannot_be_told_is_not_carried_out),
      TEST(what_is_given_up_is_on_record_first),
      TEST(a_note_that_could_not_be_written_is_counted_in_the_next),
      TEST(a_route_that_the_sink_did_not_come_by_is_in_force_all_the_same),
      TEST(who_we_are_is_not_in_what_is_told_of_a_server),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
