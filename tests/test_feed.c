/* test_feed.c: many who follow the log: what each gets is what pages of records have, in order, once, however
 * slow it is, wherever it begins, while commands run and others come and go. */
#include <semaphore.h>

#include "runtime/feed_impl.h"
#include "runtime_scene.h"

typedef struct desk {
  fixture *f;
  fsm__feed *feed;
  sem_t ready;
  _Atomic bool stop;
  unsigned rounds; /* of tests that can be longer: FSM_TEST_ROUNDS */
} desk;

typedef struct tail {
  fsm__follower *follower;
  fsm_buf got;
  const char *filter;
  uint64_t after;
  bool deaf; /* takes nothing */
} tail;

static void on_ready(void *arg) { sem_post(&((desk *)arg)->ready); }

static fsm_answer add_as(fixture *f, const char *id, const char *user, const char *correlation) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  char text[100];
  snprintf(text, sizeof text, "{\"type\":\"user\",\"sub\":\"%s\"}", user);
  command.instance = id;
  command.event = "ADD";
  command.correlation = correlation;
  command.actor = json(f, text);
  return sent(f, &command);
}

static void add(desk *d, unsigned count) {
  static const char *const ids[] = {"one", "two", "three"}, *const users[] = {"ann", "bob"};
  for (unsigned i = 0; i < count; i++) {
    fsm_answer answer = add_as(d->f, ids[i % 3], users[i % 2], i % 5 ? "case-1" : "case-2");
    assert_code(&answer, FSM_OK);
  }
}

static desk *desk_new(unsigned ring, unsigned followers_max) {
  desk *d = calloc(1, sizeof *d);
  const char *rounds = getenv("FSM_TEST_ROUNDS");
  d->rounds = rounds != NULL ? (unsigned)strtoul(rounds, NULL, 10) : 1;
  sem_init(&d->ready, 0, 0);
  d->f = fixture_new();
  const fsm__feed_options options = {
      .followers_max = followers_max, .ring = ring, .ready = on_ready, .arg = d};
  assert_int_equal(fsm__feed_new(&options, &d->feed, NULL), FSM_OK);
  fsm_runtime_options runtime = scene_options(d->f);
  runtime.durable = fsm__feed_durable;
  runtime.durable_arg = d->feed;
  scene_reopen(d->f, &runtime);
  assert_int_equal(fsm__feed_start(d->feed, d->f->runtime, NULL), FSM_OK);
  fsm_answer answer = deploy_text(d->f, COUNTER, strlen(COUNTER));
  assert_code(&answer, FSM_OK);
  static const char *const ids[] = {"one", "two", "three"};
  for (unsigned i = 0; i < 3; i++) {
    answer = start_counter(d->f, ids[i]);
    assert_code(&answer, FSM_OK);
  }
  return d;
}

static void desk_free(desk *d) {
  fsm__feed_stop(d->feed);
  fixture_close(d->f);
  fsm__feed_free(d->feed);
  fixture_free(d->f);
  sem_destroy(&d->ready);
  free(d);
}

static uint64_t last_seq(desk *d) { return fsm__journal_durable_seq(fsm__runtime_journal(d->f->runtime)); }

static tail *follow(desk *d, const char *filter, uint64_t after) {
  tail *t = calloc(1, sizeof *t);
  fsm_error err = {.text = ""};
  const fsm_value document = filter != NULL ? json(d->f, filter) : fsm_null();
  t->filter = filter;
  t->after = after == FSM_FEED_NOW ? last_seq(d) : after;
  if (fsm__feed_follow(d->feed, &document, after, t, &t->follower, &err) != FSM_OK)
    fail_msg("follow: %s: %s", err.where, err.text);
  return t;
}

static void leave(tail *t) {
  fsm__follower_leave(t->follower);
  fsm_buf_free(&t->got);
  free(t);
}

static void take(tail *t) {
  char part[700]; /* texts come in parts */
  size_t got;
  while ((got = fsm__follower_take(t->follower, part, sizeof part)) > 0) fsm_buf_add(&t->got, part, got);
}

/* Takes what there is of all, until quiet for `ms`. */
static void pump(desk *d, int64_t ms) {
  for (;;) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (sem_timedwait(&d->ready, &until) != 0) return;
    for (tail *t; (t = fsm__feed_ready(d->feed)) != NULL;)
      if (!t->deaf) take(t);
  }
}

/* What pages of records have behind `after`, up to `to`, as events; in the arena. */
static const char *expected(desk *d, const tail *t, uint64_t to) {
  fsm_buf buf = {0};
  char after[24];
  snprintf(after, sizeof after, "%llu", (unsigned long long)t->after);
  for (;;) {
    fsm_value page = query(d->f, (fsm_query){.kind = FSM_QUERY_RECORDS,
                                             .records = t->filter ? json(d->f, t->filter) : fsm_null(),
                                             .after = after,
                                             .limit = FSM_PAGE_MAX});
    const fsm_value *items = fsm_map_get(&page, "items"), *next = fsm_map_get(&page, "next");
    for (unsigned i = 0; i < items->len; i++) {
      const fsm_value *record = &items->items[i], *kind = fsm_map_get(record, "kind");
      const long long seq = fsm_map_get(record, "seq")->i;
      if ((uint64_t)seq > to) continue;
      fsm_buf_printf(&buf, "id: %lld\nevent: %.*s\ndata: ", seq, (int)kind->len, kind->s);
      fsm_json_write(&buf, record);
      fsm_buf_str(&buf, "\n\n");
    }
    if (!fsm_is(next, FSM_STRING)) break;
    snprintf(after, sizeof after, "%.*s", (int)next->len, next->s);
  }
  const char *text = fsm_arena_strdup(&d->f->arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text;
}

/* It gets exactly what it should, and never stands still for long. */
static void has_all(desk *d, tail *t) {
  const char *wanted = expected(d, t, UINT64_MAX);
  t->deaf = false;
  take(t);
  const size_t len = strlen(wanted);
  size_t before = 0;
  for (unsigned still = 0; still < 3000 && t->got.len < len; still++) {
    if (t->got.len > before) still = 0;
    before = t->got.len;
    pump(d, 10);
  }
  take(t);
  fsm_error why = {.text = ""};
  if (fsm__follower_ended(t->follower, &why) != FSM_OK) fail_msg("ended: %s: %s", why.where, why.text);
  if (t->got.len != len || strcmp(fsm_buf_text(&t->got), wanted) != 0)
    fail_msg("%s after %llu: %zu bytes, not %zu: %.300s", t->filter ? t->filter : "all",
             (unsigned long long)t->after, t->got.len, len, fsm_buf_text(&t->got));
}

static const char *const filters[] = {
    NULL,
    "{\"instance\":\"two\"}",
    "{\"instance\":\"two\",\"user\":\"bob\"}",
    "{\"correlation\":\"case-2\"}",
    "{\"user\":\"ann\",\"where\":\"record.inst == 'one'\"}",
    "{\"machine\":\"counter\",\"event\":\"ADD\"}",
    "{\"machine\":[\"counter\",\"other\"],\"kind\":[\"transition\",\"context\"]}",
    "{\"kind\":\"created\"}",
    "{\"where\":\"record.ctx.n[1] % 7 == 0\"}",
    "{\"machine\":\"count*\",\"state\":\"a\"}",
    "{\"instance\":\"nobody\"}",
};
enum { FILTERS = sizeof filters / sizeof *filters };

/* ---- tests -------------------------------------------------------------------------------------- */

static void followers_get_what_pages_have(void **state) {
  (void)state;
  desk *d = desk_new(0, 0);
  tail *tails[2 * FILTERS];
  add(d, 60);
  for (unsigned i = 0; i < FILTERS; i++) {
    tails[2 * i] = follow(d, filters[i], 0);
    tails[2 * i + 1] = follow(d, filters[i], FSM_FEED_NOW);
  }
  add(d, 60);
  for (unsigned i = 0; i < 2 * FILTERS; i++) has_all(d, tails[i]);
  fsm__feed_stats stats;
  fsm__feed_stats_get(d->feed, &stats);
  assert_int_equal(stats.followers, 2 * FILTERS);
  assert_int_equal(stats.texts, last_seq(d)); /* each record is written once, for all of them */
  for (unsigned i = 0; i < 2 * FILTERS; i++) leave(tails[i]);
  desk_free(d);
}

static void at_the_edges_of_the_ring_nothing_is_lost_nor_told_twice(void **state) {
  (void)state;
  enum { RING = 8 };
  desk *d = desk_new(RING, 0);
  add(d, 50);
  tail *first = follow(d, NULL, FSM_FEED_NOW); /* somebody is live, so the ring goes on */
  add(d, 20);
  has_all(d, first);
  for (uint64_t back = 0; back <= 2 * RING; back++) {
    tail *t = follow(d, back % 2 ? filters[4] : NULL, last_seq(d) - back);
    has_all(d, t);
    add(d, 1);
    has_all(d, t);
    leave(t);
  }
  tail *all = follow(d, NULL, 0);
  has_all(d, all);
  leave(all);
  leave(first);
  pump(d, 20);
  add(d, 3 * RING); /* told to nobody */
  tail *late = follow(d, NULL, last_seq(d) - 2);
  add(d, 1);
  has_all(d, late);
  leave(late);
  desk_free(d);
}

static void who_takes_nothing_is_not_buffered_for_and_loses_nothing(void **state) {
  (void)state;
  desk *d = desk_new(16, 0);
  tail *slow = follow(d, NULL, FSM_FEED_NOW), *named = follow(d, filters[1], FSM_FEED_NOW),
       *quick = follow(d, NULL, FSM_FEED_NOW);
  slow->deaf = named->deaf = true;
  for (unsigned i = 0; i < 10; i++) {
    add(d, 60);
    has_all(d, quick);
    pthread_mutex_lock(&slow->follower->lock);
    assert_true(slow->follower->count <= FSM_FEED_QUEUE && slow->follower->bytes <= FSM_FEED_QUEUE_BYTES);
    pthread_mutex_unlock(&slow->follower->lock);
  }
  has_all(d, slow);
  has_all(d, named);
  leave(slow);
  leave(named);
  leave(quick);
  desk_free(d);
}

static bool is_parked(tail *t, unsigned ms) {
  bool parked = false;
  for (unsigned i = 0; i <= ms && !parked; i++) {
    pthread_mutex_lock(&t->follower->lock);
    parked = t->follower->parked;
    pthread_mutex_unlock(&t->follower->lock);
    if (!parked) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  return parked;
}

/* Nobody is asked whether it is ready: what waits is bounded, and the rest is read again from the journal. */
static void a_full_queue_is_parked_until_half_is_taken(void **state) {
  (void)state;
  desk *d = desk_new(16, 0);
  tail *t = follow(d, NULL, FSM_FEED_NOW);
  add(d, 600);
  assert_true(is_parked(t, 2500));
  pthread_mutex_lock(&t->follower->lock);
  assert_true(t->follower->parked && !t->follower->live);
  assert_in_range(t->follower->bytes, FSM_FEED_QUEUE_BYTES / 2, FSM_FEED_QUEUE_BYTES);
  pthread_mutex_unlock(&t->follower->lock);
  assert_int_equal(fsm__follower_seq(t->follower), 0); /* something waits */
  has_all(d, t);
  for (unsigned i = 0; i < 500 && fsm__follower_seq(t->follower) != last_seq(d); i++) pump(d, 10);
  assert_int_equal(fsm__follower_seq(t->follower), last_seq(d));
  leave(t);
  tail *gone = follow(d, NULL, 0); /* and one leaves while it is parked */
  add(d, 1);
  pump(d, 0);
  leave(gone);
  desk_free(d);
}

static void the_place_of_one_that_gets_nothing_moves_on(void **state) {
  (void)state;
  desk *d = desk_new(0, 0);
  tail *t = follow(d, "{\"instance\":\"nobody\"}", 0);
  add(d, 10);
  for (unsigned i = 0; i < 500 && fsm__follower_seq(t->follower) != last_seq(d); i++) pump(d, 10);
  assert_int_equal(fsm__follower_seq(t->follower), last_seq(d));
  leave(t);
  desk_free(d);
}

static void what_cannot_be_followed_is_refused(void **state) {
  (void)state;
  desk *d = desk_new(0, 2);
  fsm_error err = {.text = ""};
  fsm__follower *f = NULL;
  fsm_value all = fsm_null(), wrong = json(d->f, "{\"wher\":\"1\"}");
  assert_int_equal(fsm__feed_follow(d->feed, &wrong, 0, d, &f, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "/wher");
  assert_int_equal(fsm__feed_follow(d->feed, &all, last_seq(d) + 1, d, &f, &err), FSM_EARGUMENT);
  assert_non_null(strstr(err.text, "not written yet"));
  tail *one = follow(d, NULL, last_seq(d)), *two = follow(d, NULL, 0);
  assert_int_equal(fsm__feed_follow(d->feed, &all, 0, d, &f, &err), FSM_EBUSY);
  assert_non_null(strstr(err.text, "2 follow already"));
  leave(one);
  one = follow(d, NULL, 0);
  has_all(d, one);
  fsm__feed_stop(d->feed);
  leave(one);
  leave(two);
  assert_int_equal(fsm__feed_follow(d->feed, &all, 0, d, &f, &err), FSM_ECLOSED);
  desk_free(d);
}

static void since_begins_at_a_time(void **state) {
  (void)state;
  desk *d = desk_new(8, 0);
  add(d, 40);
  fsm_value page = query(d->f, (fsm_query){.kind = FSM_QUERY_RECORDS, .after = "29", .limit = 1});
  const fsm_value *time = fsm_map_get(&fsm_map_get(&page, "items")->items[0], "time");
  char filter[120];
  snprintf(filter, sizeof filter, "{\"since\":\"%.*s\"}", (int)time->len, time->s);
  tail *t = follow(d, filter, FSM_FEED_NOW);
  t->after = 0;
  has_all(d, t);
  assert_memory_equal(t->got.data, "id: 30\n", 7);
  leave(t);
  desk_free(d);
}

static void add_big(desk *d, unsigned count) {
  char *blob = malloc(60001);
  memset(blob, 'b', 60000), blob[60000] = '\0';
  for (unsigned i = 0; i < count; i++) {
    fsm_command command = fsm_command_new(FSM_CMD_SEND);
    fsm_pair pair = {fsm_string("blob"), fsm_string(blob)};
    command.instance = "three";
    command.event = "BIG";
    assert_int_equal(fsm_map(&pair, 1, &command.data, NULL), FSM_OK);
    fsm_answer answer = sent(d->f, &command);
    assert_code(&answer, FSM_OK);
  }
  free(blob);
}

/* Few texts wait, and yet the next one has no room: nobody tries it over and over. */
static void who_has_no_room_for_a_large_text_is_parked_too(void **state) {
  (void)state;
  for (unsigned ring = 4; ring <= 64; ring *= 16) { /* by the catcher, by the teller */
    desk *d = desk_new(ring, 0);
    const uint64_t begin = last_seq(d);
    add(d, 20);
    if (ring == 4) add_big(d, 5);
    tail *t = follow(d, NULL, begin);
    if (ring != 4) add_big(d, 5);
    assert_true(is_parked(t, 5000));
    has_all(d, t);
    leave(t);
    desk_free(d);
  }
}

/* Over two rotations, so that the front can go. */
static void fill_segments(desk *d) { add_big(d, 80); }

static void who_falls_behind_what_is_kept_is_told_so(void **state) {
  (void)state;
  desk *d = desk_new(4, 0);
  fsm__journal *journal = fsm__runtime_journal(d->f->runtime);
  fsm__prune_report report;
  fsm__follower *refused = NULL;
  fsm_error err = {.text = ""};
  fsm_value all = fsm_null();
  tail *slow = follow(d, NULL, 0), *named = follow(d, filters[1], 0);
  add(d, 600); /* both are parked, for nobody takes */
  nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
  fill_segments(d);
  assert_int_equal(fsm__journal_prune(journal, last_seq(d), NULL, NULL, &report, NULL), FSM_OK);
  assert_true(report.first_seq > 600);
  assert_int_equal(fsm__feed_follow(d->feed, &all, 5, d, &refused, &err), FSM_ENOTFOUND);
  assert_non_null(strstr(err.text, "archived: records before seq"));
  for (unsigned i = 0; i < 500 && fsm__follower_ended(slow->follower, &err) == FSM_OK; i++) pump(d, 10);
  take(slow); /* what waited for it is its own */
  assert_int_equal(fsm__follower_ended(slow->follower, &err), FSM_ENOTFOUND);
  assert_non_null(strstr(err.text, "archived: records before seq"));
  assert_memory_equal(slow->got.data, "id: 1\n", 6);
  tail *kept = follow(d, NULL, report.first_seq - 1);
  has_all(d, kept);
  leave(kept);
  leave(slow);
  leave(named);
  desk_free(d);
}

static void what_is_masked_is_neither_shown_nor_asked_for(void **state) {
  (void)state;
  static const char machine[] =
      "{\"id\":\"secretive\",\"initial\":\"a\",\"schemas\":{\"events\":{\"PAY\":{\"type\":\"object\","
      "\"properties\":{"
      "\"iban\":{\"type\":\"string\",\"x-pii\":true}}}}},\"states\":{\"a\":{\"on\":{\"PAY\":\"b\"}},\"b\":{}}"
      "}";
  desk *d = desk_new(0, 0);
  tail *all = follow(d, NULL, 0), *asking = follow(d, "{\"where\":\"record.data.iban == 'DE8937'\"}", 0);
  fsm_answer answer = deploy_text(d->f, machine, strlen(machine));
  assert_code(&answer, FSM_OK);
  answer = start(d->f, "secretive", "s", NULL, NULL);
  assert_code(&answer, FSM_OK);
  answer = send_event(d->f, "s", "PAY", "{\"iban\":\"DE8937\"}");
  assert_code(&answer, FSM_OK);
  has_all(d, all);
  has_all(d, asking);
  assert_null(strstr(fsm_buf_text(&all->got), "DE8937"));
  assert_non_null(strstr(fsm_buf_text(&all->got), "[masked]"));
  assert_int_equal(asking->got.len, 0);
  leave(all);
  leave(asking);
  desk_free(d);
}

/* ---- while commands run ------------------------------------------------------------------------- */

typedef struct worker {
  desk *d;
  unsigned number, count;
} worker;

static void *work(void *arg) {
  worker *w = arg;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  static const char *const ids[] = {"one", "two", "three"};
  for (unsigned i = 0; i < w->count && !atomic_load(&w->d->stop); i++) {
    fsm_command command = fsm_command_new(FSM_CMD_SEND);
    fsm_answer answer;
    fsm_pair act[] = {{fsm_string("sub"), fsm_string(i % 2 ? "ann" : "bob")},
                      {fsm_string("type"), fsm_string("user")}};
    fsm_arena_reset(&arena);
    command.instance = ids[(w->number + i) % 3];
    command.event = "ADD";
    command.correlation = i % 5 ? "case-1" : "case-2";
    command.actor = (fsm_value){.type = FSM_MAP, .len = 2, .pairs = act};
    FSM_ASSERT(fsm_call(w->d->f->runtime, &command, &arena, &answer) == FSM_OK);
  }
  fsm_arena_free(&arena);
  return NULL;
}

static void in_order_while_commands_run_and_others_come_and_go(void **state) {
  (void)state;
  enum { WORKERS = 4, TAILS = 24 };
  desk *d = desk_new(32, 0);
  pthread_t threads[WORKERS];
  worker workers[WORKERS];
  tail *tails[TAILS];
  unsigned random = 1;
  for (unsigned i = 0; i < WORKERS; i++) {
    workers[i] = (worker){d, i, 300 * d->rounds};
    assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
  }
  for (unsigned i = 0; i < TAILS; i++) {
    random = random * 1664525 + 1013904223;
    const uint64_t last = last_seq(d);
    tails[i] = follow(d, filters[i % FILTERS], i % 3 ? last - (random >> 8) % (last + 1) : last);
    pump(d, 1);
  }
  for (unsigned i = 0; i < 60 * d->rounds; i++) { /* closed while they are told something */
    random = random * 1664525 + 1013904223;
    tail *t = follow(d, filters[i % FILTERS], (random >> 8) % (last_seq(d) + 1));
    if (i % 4) pump(d, i % 3);
    if (i % 2) take(t);
    leave(t);
  }
  for (unsigned i = 0; i < WORKERS; i++) pthread_join(threads[i], NULL);
  for (unsigned i = 0; i < TAILS; i++) {
    has_all(d, tails[i]);
    leave(tails[i]);
  }
  desk_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(followers_get_what_pages_have),
      cmocka_unit_test(at_the_edges_of_the_ring_nothing_is_lost_nor_told_twice),
      cmocka_unit_test(who_takes_nothing_is_not_buffered_for_and_loses_nothing),
      cmocka_unit_test(a_full_queue_is_parked_until_half_is_taken),
      cmocka_unit_test(who_has_no_room_for_a_large_text_is_parked_too),
      cmocka_unit_test(the_place_of_one_that_gets_nothing_moves_on),
      cmocka_unit_test(what_cannot_be_followed_is_refused),
      cmocka_unit_test(since_begins_at_a_time),
      cmocka_unit_test(who_falls_behind_what_is_kept_is_told_so),
      cmocka_unit_test(what_is_masked_is_neither_shown_nor_asked_for),
      cmocka_unit_test(in_order_while_commands_run_and_others_come_and_go),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
