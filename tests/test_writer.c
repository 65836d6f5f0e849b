/* test_writer.c: the writer under clocks, loads and lacks: time, batches, rotation, a full store, a full
 * disk, refusals that are too large to write, and what is offered again. */
#include <signal.h>
#include <sys/resource.h>

#include "runtime_scene.h"

/* ---- time --------------------------------------------------------------------------------------- */

typedef struct clocks {
  unsigned held, records;
  int64_t last_ns;
} clocks;

static void note_clock(void *arg, const fsm_record *record) {
  clocks *c = arg;
  c->records++;
  c->held += record->clock;
  if (c->records > 1) assert_true(record->time_ns > c->last_ns);
  c->last_ns = record->time_ns;
}

static void a_clock_that_goes_back_is_held_and_flagged(void **state) {
  fixture *f = *state;
  fsm_answer answer = start_counter(f, "i");
  assert_code(&answer, FSM_OK);
  for (int i = 0; i < 3; i++) (void)send_event(f, "i", "ADD", NULL);
  clocks before = {0}, behind = {0}, after = {0};
  (void)journal_walk(f, note_clock, &before);
  assert_int_equal(before.held, 0);
  int64_t highest = before.last_ns;
  atomic_fetch_sub(&f->now_ns, 3600 * SECOND);
  for (int i = 0; i < 3; i++) (void)send_event(f, "i", "ADD", NULL);
  fixture_reopen(f); /* the time of the journal counts, not that of the process */
  for (int i = 0; i < 2; i++) (void)send_event(f, "i", "ADD", NULL);
  (void)journal_walk(f, note_clock, &behind);
  assert_int_equal(behind.held, 5);
  assert_true(behind.last_ns > highest && behind.last_ns < highest + SECOND);
  atomic_fetch_add(&f->now_ns, 7200 * SECOND);
  (void)send_event(f, "i", "ADD", NULL);
  (void)journal_walk(f, note_clock, &after);
  assert_int_equal(after.held, 5);
  assert_true(after.last_ns >= atomic_load(&f->now_ns));
  assert_verified(f);
}

/* ---- load --------------------------------------------------------------------------------------- */

static uint64_t rotations(fixture *f) {
  fsm__journal_stats stats;
  fsm__journal_stats_get(fsm__runtime_journal(f->runtime), &stats);
  return stats.rotations;
}

static void commands_larger_together_than_a_batch_are_split_and_all_answered(void **state) {
  fixture *f = *state;
  client clients[4];
  fsm_runtime_options options = scene_options(f);
  options.round_bytes = 4 * 1024 * 1024;
  scene_reopen(f, &options);
  clients_start(f, clients, 4, 60, 60 * 1024); /* 14 MiB in turns of up to 240 */
  clients_join(f, clients, 4);
  assert_true(rotations(f) >= 7);
  assert_int_equal(journal_walk(f, NULL, NULL), 1 + 4 * 61);
  assert_verified(f);
  fixture_reopen(f);
  assert_int_equal(context_n(f, "c3"), 60);
  assert_verified(f);
}

static void segments_turn_over_under_load(void **state) {
  fixture *f = *state;
  client clients[3];
  fsm_runtime_options options = scene_options(f);
  options.queue_max = 64; /* so that clients are pushed back, too */
  options.round_ns = 2000000;
  scene_reopen(f, &options);
  clients_start(f, clients, 3, 2500, 700);
  clients_join(f, clients, 3);
  assert_true(rotations(f) >= 2);
  assert_int_equal(journal_walk(f, NULL, NULL), 1 + 3 * 2501);
  assert_verified(f);
}

/* ---- the queue, from outside -------------------------------------------------------------------- */

/* An answer that holds the writer until it is let go. */
typedef struct gate {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool reached, open;
} gate;

static void gate_answer(void *arg, const fsm_answer *answer) {
  gate *g = arg;
  (void)answer;
  pthread_mutex_lock(&g->lock);
  g->reached = true;
  pthread_cond_broadcast(&g->changed);
  while (!g->open) pthread_cond_wait(&g->changed, &g->lock);
  pthread_mutex_unlock(&g->lock);
}

static void gate_shut(fixture *f, gate *g) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i";
  command.event = "ADD";
  *g = (gate){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  assert_int_equal(fsm_submit(f->runtime, &command, gate_answer, g, NULL), FSM_OK);
  pthread_mutex_lock(&g->lock);
  while (!g->reached) pthread_cond_wait(&g->changed, &g->lock);
  pthread_mutex_unlock(&g->lock);
}

static void gate_open(gate *g) {
  pthread_mutex_lock(&g->lock);
  g->open = true;
  pthread_cond_broadcast(&g->changed);
  pthread_mutex_unlock(&g->lock);
}

typedef struct tally {
  _Atomic unsigned codes[FSM_CODE_COUNT], all;
} tally;

static void tally_answer(void *arg, const fsm_answer *answer) {
  tally *t = arg;
  atomic_fetch_add(&t->codes[answer->error.code], 1);
  atomic_fetch_add(&t->all, 1);
}

static void tally_await(tally *t, unsigned count) {
  while (atomic_load(&t->all) < count) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void a_full_queue_pushes_back_and_loses_nothing(void **state) {
  fixture *f = *state;
  fsm_runtime_options options = scene_options(f);
  options.queue_max = 10;
  scene_reopen(f, &options);
  (void)start_counter(f, "i");
  gate g;
  tally t = {.all = 0};
  fsm_error err = {.text = ""};
  gate_shut(f, &g);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i";
  command.event = "ADD";
  for (int i = 0; i < 10; i++)
    assert_int_equal(fsm_submit(f->runtime, &command, tally_answer, &t, &err), FSM_OK);
  assert_int_equal(fsm_submit(f->runtime, &command, tally_answer, &t, &err), FSM_EBUSY);
  assert_non_null(strstr(err.text, "10"));
  gate_open(&g);
  tally_await(&t, 10);
  assert_int_equal(atomic_load(&t.codes[FSM_OK]), 10);
  assert_int_equal(context_n(f, "i"), 11);
}

static void closing_answers_what_was_taken(void **state) {
  fixture *f = *state;
  (void)start_counter(f, "i");
  gate g;
  tally t = {.all = 0};
  gate_shut(f, &g);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i";
  command.event = "ADD";
  for (int i = 0; i < 2000; i++)
    assert_int_equal(fsm_submit(f->runtime, &command, tally_answer, &t, NULL), FSM_OK);
  gate_open(&g);
  fixture_close(f);
  assert_int_equal(atomic_load(&t.codes[FSM_OK]), 2000);
  fixture_open(f);
  assert_int_equal(context_n(f, "i"), 2001);
}

typedef struct durability {
  _Atomic uint64_t seq;
  _Atomic unsigned backwards;
} durability;

static void note_durable(void *arg, uint64_t seq) {
  durability *d = arg;
  if (seq < atomic_load(&d->seq)) atomic_fetch_add(&d->backwards, 1);
  atomic_store(&d->seq, seq);
}

static void nothing_is_answered_before_it_is_told_durable(void **state) {
  fixture *f = *state;
  durability d = {.seq = 0};
  fsm_runtime_options options = scene_options(f);
  options.durable = note_durable;
  options.durable_arg = &d;
  scene_reopen(f, &options);
  (void)start_counter(f, "i");
  for (int i = 0; i < 50; i++) {
    fsm_answer answer = send_event(f, "i", "ADD", NULL);
    assert_true(answer.seq <= atomic_load(&d.seq));
  }
  assert_int_equal(atomic_load(&d.backwards), 0);
  fixture_close(f);
  fixture_open(f);
}

/* ---- a store without room ----------------------------------------------------------------------- */

static fsm_answer send_blob(fixture *f, const char *id, const char *event, size_t len) {
  char *blob = fsm_arena_alloc(&f->arena, len + 1);
  memset(blob, 'b', len);
  blob[len] = '\0';
  fsm_pair pairs[1] = {{fsm_string("blob"), fsm_string(blob)}};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = id;
  command.event = event;
  command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pairs};
  return sent(f, &command);
}

static void a_full_map_refuses_commands_answers_reads_and_recovers(void **state) {
  fixture *f = *state;
  fsm_runtime_options options = scene_options(f);
  options.map_bytes = options.map_bytes_max = 512 * 1024;
  options.round_bytes = 64 * 1024;
  scene_reopen(f, &options);
  unsigned taken = 0;
  fsm_answer answer = {.seq = 0};
  for (; taken < 200; taken++) {
    char id[16];
    snprintf(id, sizeof id, "i%u", taken);
    answer = start_counter(f, id);
    if (answer.error.code == FSM_OK) answer = send_blob(f, id, "BIG", 20000);
    if (answer.error.code != FSM_OK) break;
  }
  assert_code(&answer, FSM_EFULL);
  assert_true(taken > 10);
  assert_int_equal(context_n(f, "i0"), 1); /* reads go on */
  answer = send_event(f, "i0", "ADD", NULL);
  assert_code(&answer, FSM_EFULL);
  uint64_t seq = journal_walk(f, NULL, NULL);
  options.map_bytes = 64 << 20;
  scene_reopen(f, &options);
  assert_int_equal(f->opened.last_seq, seq);
  answer = send_event(f, "i0", "ADD", NULL); /* the very first one */
  assert_code(&answer, FSM_OK);
  for (unsigned i = 1; i < taken; i++) {
    char id[16];
    snprintf(id, sizeof id, "i%u", i);
    assert_int_equal(context_n(f, id), 1);
  }
  assert_verified(f);
}

static void a_full_map_grows_by_itself_while_commands_and_reads_go_on(void **state) {
  enum { INSTANCES = 60 };
  fixture *f = *state;
  char id[16];
  fsm_runtime_options options = scene_options(f);
  options.map_bytes = 256 * 1024;
  options.round_bytes = 64 * 1024;
  options.round_ns = 2000000;
  scene_reopen(f, &options);
  for (unsigned i = 0; i < INSTANCES; i++) {
    snprintf(id, sizeof id, "i%u", i);
    fsm_answer answer = start_counter(f, id);
    if (answer.error.code == FSM_OK) answer = send_blob(f, id, "BIG", 20000);
    assert_code(&answer, FSM_OK);
    assert_int_equal(context_n(f, id), 1);
  }
  fsm_value health = query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  assert_true(fsm_map_get(&health, "map_bytes")->i >= 1024 * 1024);
  assert_verified(f);
}

/* ---- a disk without room ------------------------------------------------------------------------ */

static void file_limit(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The first segment is small and there; a second one, larger, cannot be made. Only that meets the limit. */
static void leave_no_room_for_another_segment(fixture *f) {
  fsm_runtime_options options = scene_options(f);
  (void)signal(SIGXFSZ, SIG_IGN);
  options.segment_bytes = 16 * 1024 * 1024;
  fixture_close(f);
  file_limit(8 * 1024 * 1024);
  scene_open(f, &options);
}

static void a_full_disk_refuses_commands_and_recovers_without_a_restart(void **state) {
  fixture *f = *state;
  (void)start_counter(f, "i");
  leave_no_room_for_another_segment(f);
  unsigned taken = 0;
  fsm_answer answer = {.seq = 0};
  for (; taken < 100; taken++) {
    answer = send_blob(f, "i", "BIG", 60000);
    if (answer.error.code != FSM_OK) break;
  }
  assert_code(&answer, FSM_EFULL);
  assert_true(taken > 5);
  assert_int_equal(context_n(f, "i"), taken);
  file_limit(RLIM_INFINITY);
  answer = send_blob(f, "i", "BIG", 60000);
  assert_code(&answer, FSM_OK);
  assert_int_equal(context_n(f, "i"), taken + 1);
  assert_verified(f);
}

typedef struct refused {
  tally all;
  _Atomic unsigned wrong;
} refused;

/* Nothing of what was decided shows in the answer when nothing of it was journalled. */
static void refused_answer(void *arg, const fsm_answer *answer) {
  refused *r = arg;
  if (answer->error.code == FSM_EFULL &&
      (answer->created || answer->seq != 0 || answer->rev > 0 || answer->status != NULL ||
       (fsm_is(&answer->to, FSM_LIST) && answer->to.len > 0)))
    atomic_fetch_add(&r->wrong, 1);
  tally_answer(&r->all, answer);
}

static void a_start_that_the_disk_has_no_room_for_has_made_nothing(void **state) {
  enum { COMMANDS = 96 }; /* a turn takes half: more than a segment */
  fixture *f = *state;
  (void)start_counter(f, "i");
  leave_no_room_for_another_segment(f);
  gate g;
  refused r = {.wrong = 0};
  gate_shut(f, &g);
  char *blob = calloc(1, 60001), id[16];
  memset(blob, 'b', 60000);
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "counter";
  command.instance = id;
  command.data = fsm_stringn(blob, 60000);
  for (int i = 0; i < COMMANDS; i++) { /* 2.8 MB a turn */
    snprintf(id, sizeof id, "s%d", i);
    assert_int_equal(fsm_submit(f->runtime, &command, refused_answer, &r, NULL), FSM_OK);
  }
  gate_open(&g);
  tally_await(&r.all, COMMANDS);
  free(blob);
  unsigned taken = atomic_load(&r.all.codes[FSM_OK]);
  assert_int_equal(taken + atomic_load(&r.all.codes[FSM_EFULL]), COMMANDS);
  assert_true(taken > 0 && taken < COMMANDS);
  assert_int_equal(atomic_load(&r.wrong), 0);
  file_limit(RLIM_INFINITY);
  snprintf(id, sizeof id, "s%u", taken);
  fsm_answer answer = start_counter(f, id);
  assert_code(&answer, FSM_OK);
  assert_verified(f);
}

static void a_disk_that_fills_up_within_a_turn_refuses_the_rest_of_it(void **state) {
  enum { COMMANDS = 96 }; /* a turn takes half: more than a segment */
  fixture *f = *state;
  (void)start_counter(f, "i");
  leave_no_room_for_another_segment(f);
  gate g;
  tally t = {.all = 0};
  gate_shut(f, &g);
  char *blob = calloc(1, 60001);
  memset(blob, 'b', 60000);
  fsm_pair pairs[1] = {{fsm_string("blob"), fsm_string(blob)}};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i";
  command.event = "BIG";
  command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pairs};
  for (int i = 0; i < COMMANDS; i++) /* 2.8 MB a turn */
    assert_int_equal(fsm_submit(f->runtime, &command, tally_answer, &t, NULL), FSM_OK);
  gate_open(&g);
  tally_await(&t, COMMANDS);
  free(blob);
  unsigned taken = atomic_load(&t.codes[FSM_OK]);
  assert_int_equal(taken + atomic_load(&t.codes[FSM_EFULL]), COMMANDS);
  assert_true(taken > 0 && taken < COMMANDS);
  assert_int_equal(context_n(f, "i"), 1 + taken);
  file_limit(RLIM_INFINITY);
  fsm_answer answer = send_event(f, "i", "ADD", NULL);
  assert_code(&answer, FSM_OK);
  assert_verified(f);
}

static const char TIMED[] =
    "{\"id\":\"timed\",\"initial\":\"waiting\",\"states\":{\"waiting\":{\"after\":{\"60000\":\"late\"}},"
    "\"late\":{}}}";

static void a_timer_that_comes_due_on_a_full_disk_fires_when_there_is_room(void **state) {
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, TIMED, strlen(TIMED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "timed", "t", NULL, NULL);
  (void)start_counter(f, "i");
  leave_no_room_for_another_segment(f);
  do {
    answer = send_blob(f, "i", "BIG", 60000);
  } while (answer.error.code == FSM_OK);
  assert_code(&answer, FSM_EFULL);
  atomic_fetch_add(&f->now_ns, 61 * SECOND);
  for (int i = 0; i < 20; i++) assert_state(f, "t", "waiting"); /* some turns */
  file_limit(RLIM_INFINITY);
  for (int i = 0; i < 1000; i++) {
    fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "t"});
    if (strstr(text_of(f, fsm_map_get(&instance, "state")), "late") != NULL) break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  assert_state(f, "t", "late");
  assert_verified(f);
}

/* All come due in one turn, and what they write does not fit in what is left of the segment. */
static void timers_that_fill_the_disk_within_a_turn_fire_when_there_is_room(void **state) {
  enum { TIMERS = 40 };
  static const char HEAVY[] =
      "{\"id\":\"heavy\",\"initial\":\"waiting\",\"context\":{\"big\":null,\"copy\":null},\"states\":{"
      "\"waiting\":{\"on\":{\"BIG\":{\"context\":{\"big\":{\"@expr\":\"event.blob\"}}}},\"after\":{\"60000\":"
      "{"
      "\"target\":\"late\",\"context\":{\"copy\":{\"@expr\":\"[context.big, context.big, context.big, "
      "context.big, context.big, context.big, context.big, "
      "context.big]\"}}}}},\"late\":{}}}";
  fixture *f = *state;
  char id[16];
  fsm_answer answer = deploy_text(f, HEAVY, strlen(HEAVY));
  assert_code(&answer, FSM_OK);
  for (int i = 0; i < TIMERS; i++) {
    snprintf(id, sizeof id, "h%d", i);
    (void)start(f, "heavy", id, NULL, NULL);
    answer = send_blob(f, id, "BIG", 7000);
    assert_code(&answer, FSM_OK);
  }
  leave_no_room_for_another_segment(f);
  atomic_fetch_add(&f->now_ns, 61 * SECOND);
  uint64_t before = journal_walk(f, NULL, NULL), after = before;
  for (int i = 0; i < 1000 && after == before; i++) { /* some fire */
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    after = journal_walk(f, NULL, NULL);
  }
  assert_true(after > before);
  answer = send_blob(f, "h0", "BIG", 10);
  assert_code(&answer, FSM_EFULL);
  assert_true(journal_walk(f, NULL, NULL) < before + 2 * TIMERS);
  file_limit(RLIM_INFINITY);
  for (int i = 0; i < 2000 && journal_walk(f, NULL, NULL) < before + 2 * TIMERS; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  for (int i = 0; i < TIMERS; i++) {
    snprintf(id, sizeof id, "h%d", i);
    assert_state(f, id, "late");
  }
  assert_verified(f);
}

/* ---- refusals that are hard to write ------------------------------------------------------------ */

static void assert_refused_without_a_trace_in(fixture *f, const fsm_answer *answer, int64_t rev) {
  assert_code(answer, FSM_EGUARD);
  fsm_value instance = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "i"});
  assert_true(fsm_is_text(fsm_map_get(&instance, "status"), "running"));
  assert_int_equal(fsm_map_get(&instance, "rev")->i, rev);
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "i"});
  const fsm_value *items = fsm_map_get(&history, "items"), *last = &items->items[items->len - 1];
  assert_true(fsm_is_text(fsm_map_get(last, "kind"), "rejected"));
  assert_true(fsm_is_text(fsm_map_get(last, "reason"), "guard_false"));
  assert_verified(f);
}

/* The guard sees 240 KB, and the event's data is recorded too. */
static void a_refusal_that_saw_something_large_changes_nothing(void **state) {
  static const char WIDE[] =
      "{\"id\":\"wide\",\"initial\":\"a\",\"context\":{\"a\":null,\"b\":null,\"c\":null,\"d\":null},"
      "\"states\":{\"a\":{\"on\":{\"A\":{\"context\":{\"a\":{\"@expr\":\"event.blob\"}}},"
      "\"B\":{\"context\":{\"b\":{\"@expr\":\"event.blob\"}}},"
      "\"C\":{\"context\":{\"c\":{\"@expr\":\"event.blob\"}}},"
      "\"TEST\":{\"guard\":{\"@expr\":\"context.a == event.blob && context.b == event.blob && "
      "context.c == event.blob && context.d == 1\"}}}}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, WIDE, strlen(WIDE));
  assert_code(&answer, FSM_OK);
  (void)start(f, "wide", "i", NULL, NULL);
  static const char *const events[] = {"A", "B", "C"};
  for (int i = 0; i < 3; i++) {
    answer = send_blob(f, "i", events[i], 60000);
    assert_code(&answer, FSM_OK);
  }
  answer = send_blob(f, "i", "TEST", 60000); /* four seen, each told by its beginning, and one as data */
  assert_refused_without_a_trace_in(f, &answer, 4);
}

/* Each candidate is told with its guard: together more than a record holds, so the record leaves them out. */
static void a_refusal_by_very_many_guards_has_a_short_record(void **state) {
  enum { GUARDS = 4000 };
  fixture *f = *state;
  fsm_buf text = {0};
  fsm_buf_str(&text,
              "{\"id\":\"many\",\"initial\":\"a\",\"context\":{\"n\":0},\"guards\":{\"g\":{\"@expr\":"
              "\"context.n == 1 && context.n != 22222222 && context.n != 33333333\"}},"
              "\"states\":{\"a\":{\"on\":{\"TEST\":[");
  for (int i = 0; i < GUARDS; i++) fsm_buf_str(&text, i > 0 ? ",{\"guard\":\"g\"}" : "{\"guard\":\"g\"}");
  fsm_buf_str(&text, "]}}}}");
  fsm_answer answer = deploy_text(f, text.data, text.len);
  fsm_buf_free(&text);
  assert_code(&answer, FSM_OK);
  (void)start(f, "many", "i", NULL, NULL);
  answer = send_event(f, "i", "TEST", "{\"said\":1}");
  assert_int_equal(fsm_map_get(&answer.detail, "candidates")->len, GUARDS); /* the caller is told all */
  assert_refused_without_a_trace_in(f, &answer, 1);
  fsm_value history = query(f, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = "i"});
  const fsm_value *items = fsm_map_get(&history, "items"), *last = &items->items[items->len - 1];
  const fsm_value *detail = fsm_map_get(last, "detail");
  assert_non_null(strstr(text_of(f, fsm_map_get(detail, "text")), "the guard is false"));
  assert_null(fsm_map_get(detail, "candidates"));
  assert_null(fsm_map_get(last, "data"));
}

static void a_refusal_that_saw_something_deep_changes_nothing(void **state) {
  fixture *f = *state;
  (void)start_counter(f, "i");
  fsm_value deep = fsm_int(1);
  for (int i = 0; i < FSM_DATA_DEPTH_MAX - 1; i++) {
    fsm_value *item = fsm_arena_alloc(&f->arena, sizeof *item);
    *item = deep;
    deep = fsm_list(item, 1);
  }
  fsm_pair pairs[1] = {{fsm_string("blob"), deep}};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i";
  command.event = "TEST";
  command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pairs};
  fsm_answer answer = sent(f, &command);
  assert_refused_without_a_trace_in(f, &answer, 1);
}

static void what_cannot_be_stored_parks_the_instance_and_keeps_the_key(void **state) {
  static const char INFINITE[] =
      "{\"id\":\"infinite\",\"initial\":\"a\",\"context\":{\"x\":1},\"states\":{\"a\":{\"on\":{\"GO\":{"
      "\"context\":{\"x\":{\"@expr\":\"1.0 / 0.0\"}}}}}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, INFINITE, strlen(INFINITE));
  assert_code(&answer, FSM_OK);
  (void)start(f, "infinite", "i", NULL, NULL);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i";
  command.event = "GO";
  command.idem = "once";
  fsm_answer first = sent(f, &command);
  assert_true(first.error.code != FSM_OK && first.seq != 0);
  answer = sent(f, &command);
  assert_true(answer.replayed);
  assert_int_equal(answer.error.code, first.error.code);
  assert_int_equal(answer.seq, first.seq);
  command.idem = NULL;
  answer = sent(f, &command);
  assert_code(&answer, FSM_EINCIDENT);
  assert_verified(f);
}

/* ---- what is offered again ---------------------------------------------------------------------- */

static void a_back_off_is_kept_whatever_is_offered_again(void **state) {
  static const char RETRIED[] =
      "{\"id\":\"retried\",\"initial\":\"work\",\"states\":{\"work\":{\"invoke\":{\"id\":\"job\",\"src\":"
      "\"svc\",\"meta\":{\"fsm\":{\"attempts\":2,\"backoff\":\"1h\"}},\"onDone\":\"ok\",\"onError\":\"ok\"}},"
      "\"ok\":{\"type\":\"final\"}}}";
  fixture *f = *state;
  fsm_answer answer = deploy_text(f, RETRIED, strlen(RETRIED));
  assert_code(&answer, FSM_OK);
  (void)start(f, "retried", "r", NULL, NULL);
  await_offers(f, 1);
  uint8_t token[16];
  memcpy(token, f->offered[0].token, 16);
  (void)task(f, FSM_CMD_TASK_STARTED, token, 1, false, NULL);
  answer = task(f, FSM_CMD_TASK_FAIL, token, 1, false, "{\"message\":\"later\"}");
  assert_code(&answer, FSM_OK);
  (void)task(f, FSM_CMD_TASK_UNDELIVERED, token, 0, false, NULL); /* would be offered in half a second */
  nanosleep(&(struct timespec){.tv_nsec = 800000000}, NULL);
  (void)query(f, (fsm_query){.kind = FSM_QUERY_HEALTH});
  assert_int_equal(f->offered_count, 1);
  atomic_fetch_add(&f->now_ns, 3601 * SECOND);
  await_offers(f, 2);
  assert_int_equal(f->offered[1].attempt, 2);
}

static int disk_teardown(void **state) {
  file_limit(RLIM_INFINITY);
  return scene_teardown(state);
}

#define D(name) cmocka_unit_test_setup_teardown(name, scene_setup, disk_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      S(a_clock_that_goes_back_is_held_and_flagged),
      S(commands_larger_together_than_a_batch_are_split_and_all_answered),
      S(segments_turn_over_under_load),
      S(a_full_queue_pushes_back_and_loses_nothing),
      S(closing_answers_what_was_taken),
      S(nothing_is_answered_before_it_is_told_durable),
      S(a_full_map_refuses_commands_answers_reads_and_recovers),
      S(a_full_map_grows_by_itself_while_commands_and_reads_go_on),
      D(a_full_disk_refuses_commands_and_recovers_without_a_restart),
      D(a_disk_that_fills_up_within_a_turn_refuses_the_rest_of_it),
      D(a_start_that_the_disk_has_no_room_for_has_made_nothing),
      D(a_timer_that_comes_due_on_a_full_disk_fires_when_there_is_room),
      D(timers_that_fill_the_disk_within_a_turn_fire_when_there_is_room),
      S(a_refusal_that_saw_something_large_changes_nothing),
      S(a_refusal_by_very_many_guards_has_a_short_record),
      S(a_refusal_that_saw_something_deep_changes_nothing),
      S(what_cannot_be_stored_parks_the_instance_and_keeps_the_key),
      S(a_back_off_is_kept_whatever_is_offered_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
