/* scenes.c: see scene.h. A refusal, of whatever code, is fine everywhere; an answer that is not true is not.
 */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inject.h"
#include "runtime/database.h"

static const char COUNTER[] =
    "{\"id\":\"counter\",\"initial\":\"on\",\"context\":{\"n\":0,\"sum\":0},\"states\":{"
    "\"on\":{\"on\":{\"ADD\":{\"context\":{\"n\":{\"@expr\":\"context.n + "
    "1\"},\"sum\":{\"@expr\":\"context.sum + "
    "event.v\"}}},"
    "\"NEVER\":{\"guard\":{\"@expr\":\"context.n < "
    "0\"}},\"WAIT\":\"waiting\",\"WORK\":\"working\",\"RAISE\":\"raising\"}},"
    "\"raising\":{\"invoke\":{\"id\":\"kid\",\"src\":\"machine\",\"input\":{\"machine\":\"counter\"},"
    "\"onError\":\"on\"},"
    "\"on\":{\"ASK\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":\"kid\",\"event\":{\"type\":\"WAIT\"}}"
    "]},"
    "\"LEAVE\":\"on\",\"error.communication\":{}}},"
    "\"waiting\":{\"after\":{\"10\":\"on\"}},"
    "\"working\":{\"invoke\":{\"id\":\"job\",\"src\":\"job\",\"onDone\":\"on\",\"onError\":\"on\"}}}}";

/* Whatever it says is fine. */
static void any(fsm_code code) { (void)code; }

static void sleep_ms(int ms) { nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL); }

static void job(void *arg, const fsm_task *task, fsm_arena *arena, fsm_service_result *out) {
  (void)arg;
  (void)task;
  (void)arena;
  (void)out;
}

/* The clock of what is prepared to be pruned stands days ago: no key is live any more. */
static bool days_ago;

static int64_t now(void *arg) {
  struct timespec t;
  (void)arg;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec - (days_ago ? (int64_t)3 * 86400 * 1000000000 : 0);
}

static fsm_runtime *open_keeping(const char *dir, tally *t, bool keeps, fsm_error *err) {
  static const fsm_service services[] = {{.name = "job", .run = job}};
  fsm_runtime *runtime = NULL;
  const fsm_runtime_options options = {.dir = dir,
                                       .now = now,
                                       .snapshot_records = keeps ? 2 : 0,
                                       .retain_bytes = keeps ? 1 : 0,
                                       .segment_bytes = (size_t)2 << 20,
                                       .map_bytes = (size_t)64 << 20,
                                       .round_bytes = (size_t)16 << 10,
                                       .round_ns = 20000000,
                                       .services = services,
                                       .service_count = 1};
  bool open = fsm_runtime_open(&options, &runtime, NULL, err) == FSM_OK;
  atomic_store(&t->open, open);
  return runtime;
}

static fsm_runtime *open_at(const char *dir, tally *t, fsm_error *err) {
  return open_keeping(dir, t, false, err);
}

/* A close confirms the journal, but it answers nothing. */
static void close_it(fsm_runtime *runtime, tally *t) {
  atomic_store(&t->open, false);
  fsm_runtime_close(runtime);
}

/* ---- commands ----------------------------------------------------------------------------------- */

static bool call(fsm_runtime *runtime, const fsm_command *command) {
  fsm_arena arena;
  fsm_answer answer;
  fsm_arena_init(&arena, 0);
  bool taken = fsm_call(runtime, command, &arena, &answer) == FSM_OK;
  fsm_arena_free(&arena);
  return taken;
}

static bool deploy(fsm_runtime *runtime) {
  fsm_command command = fsm_command_new(FSM_CMD_DEPLOY);
  command.source = COUNTER;
  command.source_len = strlen(COUNTER);
  return call(runtime, &command);
}

static void id_of(unsigned i, char out[16]) { snprintf(out, 16, "c-%u", i); }

static bool start(fsm_runtime *runtime, unsigned i) {
  char id[16];
  fsm_command command = fsm_command_new(FSM_CMD_START);
  id_of(i, id);
  command.machine = "counter";
  command.instance = id;
  return call(runtime, &command);
}

static bool event(fsm_runtime *runtime, unsigned i, const char *name) {
  char id[16];
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  id_of(i, id);
  command.instance = id;
  command.event = name;
  return call(runtime, &command);
}

/* The next ADD of counter i, under a key; said again under the same until it is taken or refused for good. */
static bool add(fsm_runtime *runtime, tally *t, unsigned i, size_t payload) {
  char id[16], idem[32], *text = calloc(1, payload + 1);
  unsigned n = atomic_load(&t->answered[i]) + 1;
  if (text == NULL) return false;
  memset(text, 'x', payload);
  fsm_pair pairs[] = {{fsm_string("p"), fsm_stringn(text, payload)}, {fsm_string("v"), fsm_int(n)}};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  id_of(i, id);
  snprintf(idem, sizeof idem, "add-%u-%u", i, n);
  command.instance = id;
  command.event = "ADD";
  command.idem = idem;
  command.data = (fsm_value){.type = FSM_MAP, .len = 2, .pairs = pairs};
  if (n > atomic_load(&t->asked[i])) atomic_store(&t->asked[i], n);
  bool taken = call(runtime, &command);
  if (taken) {
    atomic_store(&t->answered[i], n);
    atomic_store(&t->last_answer_ns, inject_now_ns());
  }
  free(text);
  return taken;
}

/* ---- prepared directories ----------------------------------------------------------------------- */

static void must(bool good, const char *what) {
  if (good) return;
  printf("fault: %s failed without a fault\n", what);
  fflush(stdout);
  _Exit(3);
}

static fsm_runtime *must_open(const char *dir, tally *t) {
  fsm_error err = {.text = ""};
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) printf("fault: %s: %s\n", err.where, err.text);
  must(runtime != NULL, "opening");
  return runtime;
}

static void with_counters(const char *dir, tally *t) {
  fsm_runtime *runtime = must_open(dir, t);
  must(deploy(runtime), "deploying");
  for (unsigned i = 0; i < COUNTERS; i++) must(start(runtime, i), "starting");
  for (unsigned i = 0; i < COUNTERS; i++) must(add(runtime, t, i, 10), "adding");
  close_it(runtime, t);
}

/* Nearly a segment full. */
static void with_much(const char *dir, tally *t) {
  with_counters(dir, t);
  fsm_runtime *runtime = must_open(dir, t);
  for (unsigned n = 0; n < 36; n++) must(add(runtime, t, 0, 50 * 1024), "adding");
  close_it(runtime, t);
}

/* ---- scenes ------------------------------------------------------------------------------------- */

static void make_new(const char *dir, tally *t) {
  fsm_error err;
  close_it(open_at(dir, t, &err), t);
}

static void deploying(const char *dir, tally *t) {
  fsm_error err;
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) return;
  if (deploy(runtime)) (void)start(runtime, 0);
  close_it(runtime, t);
}

static void adding(const char *dir, tally *t) {
  fsm_error err;
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) return;
  for (unsigned n = 0; n < 6; n++)
    for (unsigned i = 0; i < COUNTERS; i++) (void)add(runtime, t, i, 100);
  close_it(runtime, t);
}

static void refusing(const char *dir, tally *t) {
  fsm_error err;
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) return;
  for (unsigned i = 0; i < COUNTERS; i++) {
    (void)event(runtime, i, "NEVER");
    (void)event(runtime, i, "UNKNOWN");
    (void)add(runtime, t, i, 1);
  }
  close_it(runtime, t);
}

static void waiting(const char *dir, tally *t) {
  fsm_error err;
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) return;
  (void)event(runtime, 0, "WAIT");
  (void)event(runtime, 1, "WAIT");
  sleep_ms(60);
  (void)add(runtime, t, 2, 1);
  close_it(runtime, t);
}

static void working(const char *dir, tally *t) {
  fsm_error err;
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) return;
  (void)event(runtime, 0, "WORK");
  (void)event(runtime, 1, "WORK");
  sleep_ms(60);
  (void)add(runtime, t, 2, 1);
  close_it(runtime, t);
}

/* Children are started, told something, and cancelled. */
static void raising(const char *dir, tally *t) {
  fsm_error err;
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) return;
  (void)event(runtime, 0, "RAISE");
  (void)event(runtime, 1, "RAISE");
  sleep_ms(15);
  (void)event(runtime, 0, "ASK");
  (void)event(runtime, 1, "LEAVE");
  (void)event(runtime, 0, "LEAVE");
  sleep_ms(15);
  (void)add(runtime, t, 2, 1);
  close_it(runtime, t);
}

static void rotating(const char *dir, tally *t) {
  fsm_error err;
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) return;
  for (unsigned n = 0; n < 10; n++) (void)add(runtime, t, 1, 50 * 1024);
  close_it(runtime, t);
}

/* Rounds come while it works, and between. */
static void rounding(const char *dir, tally *t) {
  fsm_error err;
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) return;
  for (unsigned n = 0; n < 4; n++) {
    for (unsigned i = 0; i < COUNTERS; i++) (void)add(runtime, t, i, 8 * 1024);
    sleep_ms(30);
  }
  close_it(runtime, t);
}

static void reading(const char *dir, tally *t) {
  static const fsm_query queries[] = {
      {.kind = FSM_QUERY_LIST},
      {.kind = FSM_QUERY_STUCK},
      {.kind = FSM_QUERY_COUNTS},
      {.kind = FSM_QUERY_MACHINES},
      {.kind = FSM_QUERY_HEALTH},
      {.kind = FSM_QUERY_INSTANCE, .ref = "c-1"},
      {.kind = FSM_QUERY_EVENTS, .ref = "c-1"},
      {.kind = FSM_QUERY_WHY, .ref = "c-1"},
      {.kind = FSM_QUERY_HISTORY, .ref = "c-1"},
  };
  fsm_error err;
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) return;
  for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
    fsm_arena arena;
    fsm_value out;
    fsm_arena_init(&arena, 0);
    any(fsm_query_wait(runtime, &queries[i], &arena, &out, &err));
    fsm_arena_free(&arena);
  }
  close_it(runtime, t);
}

/* ---- versions, claims, figures ------------------------------------------------------------------- */

static const char OTHER[] =
    "{\"id\":\"other\",\"initial\":\"a\",\"states\":{\"a\":{\"invoke\":{\"id\":\"t\",\"src\":\"w\","
    "\"onDone\":\"b\"}},\"b\":{\"on\":{\"GO\":{\"target\":\"a\",\"meta\":{\"fsm\":{\"allow\":\"actor.sub == "
    "'boss'\"}}}}}}}";

static bool start_other(fsm_runtime *runtime) {
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "other";
  command.key = "k";
  command.if_absent = true;
  return call(runtime, &command);
}

static bool retire_other(fsm_runtime *runtime) {
  fsm_pair who = {fsm_string("sub"), fsm_string("op")};
  fsm_command command = fsm_command_new(FSM_CMD_RETIRE);
  command.machine = "other";
  command.reason = "by chance";
  command.actor = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &who};
  return call(runtime, &command);
}

static void with_others(const char *dir, tally *t) {
  with_counters(dir, t);
  fsm_runtime *runtime = must_open(dir, t);
  fsm_command command = fsm_command_new(FSM_CMD_DEPLOY);
  command.source = OTHER;
  command.source_len = strlen(OTHER);
  must(call(runtime, &command), "deploying");
  must(start_other(runtime), "starting");
  close_it(runtime, t);
}

/* An attempt is had once, whoever failed to hear of it. */
static void claim(fsm_runtime *runtime) {
  fsm_arena arena;
  fsm_value out;
  fsm_error err;
  fsm_answer answer;
  fsm_arena_init(&arena, 0);
  const fsm_query open = {.kind = FSM_QUERY_TASKS, .service = "w"};
  fsm_command command = fsm_command_new(FSM_CMD_TASK_STARTED);
  command.claim = true;
  if (fsm_query_wait(runtime, &open, &arena, &out, &err) == FSM_OK && fsm_map_get(&out, "items")->len > 0) {
    const fsm_value *token = fsm_map_get(&fsm_map_get(&out, "items")->items[0], "token");
    for (unsigned i = 0; i < 16; i++) {
      const char hex[3] = {token->s[2 * i], token->s[2 * i + 1], 0};
      command.token[i] = (uint8_t)strtoul(hex, NULL, 16);
    }
    const bool had = fsm_call(runtime, &command, &arena, &answer) == FSM_OK && fsm_is(&answer.task, FSM_MAP);
    const bool again =
        fsm_call(runtime, &command, &arena, &answer) == FSM_OK && fsm_is(&answer.task, FSM_MAP);
    must(!had || !again, "claiming (one attempt is had twice)");
  }
  fsm_arena_free(&arena);
}

static void retiring(const char *dir, tally *t) {
  fsm_error err;
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) return;
  claim(runtime);
  const bool retired = retire_other(runtime);
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "other";
  must(!call(runtime, &command) || !retired, "retiring (a new instance of what is retired)");
  static const fsm_query queries[] = {{.kind = FSM_QUERY_VERSIONS, .machine = "other"},
                                      {.kind = FSM_QUERY_GAUGES},
                                      {.kind = FSM_QUERY_TASKS}};
  for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
    fsm_arena arena;
    fsm_value out;
    fsm_arena_init(&arena, 0);
    any(fsm_query_wait(runtime, &queries[i], &arena, &out, &err));
    fsm_arena_free(&arena);
  }
  command = fsm_command_new(FSM_CMD_DEPLOY);
  command.source = OTHER;
  command.source_len = strlen(OTHER);
  (void)call(runtime, &command);
  (void)add(runtime, t, 0, 1);
  close_it(runtime, t);
}

static void verifying(const char *dir, tally *t) {
  fsm_error err;
  fsm_verified verified;
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) return;
  (void)add(runtime, t, 0, 1);
  fsm_code code = fsm_runtime_verify(runtime, &verified, &err);
  must(code != FSM_EVERIFY, "verifying (a fault is not a proof of damage)");
  close_it(runtime, t);
}

static int64_t whole(const fsm_value *map, const char *key);

static void backing_up(const char *dir, tally *t) {
  char to[600];
  fsm_error err;
  fsm_arena arena;
  fsm_value told;
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) return;
  (void)add(runtime, t, 0, 100);
  fsm_arena_init(&arena, 0);
  snprintf(to, sizeof to, "%s/backup", dir);
  any(fsm_runtime_backup(runtime, to, true, &arena, &told, &err));
  (void)add(runtime, t, 1, 100);
  fsm_arena_free(&arena);
  close_it(runtime, t);
}

static void with_a_past(const char *dir, tally *t) {
  days_ago = true;
  with_much(dir, t);
  fsm_runtime *runtime = must_open(dir, t);
  for (unsigned n = 0; n < 10; n++) must(add(runtime, t, 1, 50 * 1024), "adding");
  close_it(runtime, t);
  days_ago = false;
}

static int64_t kept(fsm_runtime *runtime, const char *what) {
  fsm_arena arena;
  fsm_value told;
  fsm_error err;
  fsm_arena_init(&arena, 0);
  fsm_code code = fsm_runtime_stat(runtime, &arena, &told, &err);
  int64_t count = code == FSM_OK ? whole(fsm_map_get(&told, "retention"), what) : -1;
  fsm_arena_free(&arena);
  return count;
}

/* Two snapshots, and a segment goes; a fault ends the waiting. */
static void pruning(const char *dir, tally *t) {
  fsm_error err;
  fsm_runtime *runtime = open_keeping(dir, t, true, &err);
  if (runtime == NULL) return;
  for (unsigned i = 0; i < 60 && kept(runtime, "segments_removed") == 0; i++) {
    if (i % 10 == 0 && i < 40) (void)(add(runtime, t, 2, 10) && add(runtime, t, 3, 10));
    sleep_ms(20);
  }
  close_it(runtime, t);
}

static void reopening(const char *dir, tally *t) {
  for (unsigned i = 0; i < 3; i++) {
    fsm_error err;
    fsm_runtime *runtime = open_at(dir, t, &err);
    if (runtime == NULL) continue;
    (void)add(runtime, t, i, 1000);
    close_it(runtime, t);
  }
}

static void looking_only(const char *dir, tally *t) {
  (void)t;
  fsm_error err;
  fsm_runtime *runtime = NULL;
  const fsm_runtime_options options = {.dir = dir, .read_only = true};
  if (fsm_runtime_open(&options, &runtime, NULL, &err) != FSM_OK) return;
  fsm_arena arena;
  fsm_value out;
  fsm_arena_init(&arena, 0);
  any(fsm_query_wait(runtime, &(fsm_query){.kind = FSM_QUERY_LIST}, &arena, &out, &err));
  fsm_arena_free(&arena);
  fsm_runtime_close(runtime);
}

const scene scenes[] = {
    {"make_new", NULL, make_new},
    {"deploying", NULL, deploying},
    {"adding", with_counters, adding},
    {"refusing", with_counters, refusing},
    {"waiting", with_counters, waiting},
    {"working", with_counters, working},
    {"raising", with_counters, raising},
    {"rotating", with_much, rotating},
    {"rounding", with_counters, rounding},
    {"reading", with_counters, reading},
    {"retiring", with_others, retiring},
    {"verifying", with_counters, verifying},
    {"backing_up", with_counters, backing_up},
    {"pruning", with_a_past, pruning},
    {"reopening", with_counters, reopening},
    {"looking_only", with_counters, looking_only},
};
const unsigned scene_count = sizeof scenes / sizeof scenes[0];

/* ---- afterwards --------------------------------------------------------------------------------- */

static int64_t whole(const fsm_value *map, const char *key) {
  const fsm_value *value = map ? fsm_map_get(map, key) : NULL;
  return value != NULL && fsm_is(value, FSM_INT) ? value->i : -1;
}

static bool counter_is_right(fsm_runtime *runtime, const tally *t, unsigned i, fsm_arena *arena,
                             unsigned *n_out) {
  char id[16];
  fsm_error err = {.text = ""};
  fsm_value at = fsm_null();
  unsigned least = atomic_load(&t->answered[i]), most = atomic_load(&t->asked[i]);
  id_of(i, id);
  *n_out = 0;
  fsm_code code =
      fsm_query_wait(runtime, &(fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id}, arena, &at, &err);
  if (code == FSM_EINSTANCE && least == 0) return true;
  const fsm_value *context = fsm_map_get(&at, "context");
  int64_t n = whole(context, "n"), sum = whole(context, "sum");
  if (code == FSM_OK && n >= (int64_t)least && n <= (int64_t)most && sum == n * (n + 1) / 2) {
    *n_out = (unsigned)n;
    return true;
  }
  printf("fault: %s: answered up to %u, asked up to %u, has n %lld, sum %lld %s\n", id, least, most,
         (long long)n, (long long)sum, err.text);
  return false;
}

bool scene_check(const char *dir, tally *t) {
  fsm_error err = {.text = ""};
  fsm_arena arena;
  fsm_verified verified;
  fsm_runtime *runtime = open_at(dir, t, &err);
  if (runtime == NULL) {
    printf("fault: it does not open afterwards: %s: %s\n", err.where, err.text);
    return false;
  }
  fsm_arena_init(&arena, 0);
  bool good = true;
  for (unsigned i = 0; i < COUNTERS && good; i++) {
    unsigned n = 0;
    good = counter_is_right(runtime, t, i, &arena, &n);
  }
  if (good && fsm_runtime_verify(runtime, &verified, &err) != FSM_OK) {
    printf("fault: it does not verify afterwards: %s: %s\n", err.where, err.text);
    good = false;
  }
  fsm_arena_free(&arena);
  close_it(runtime, t);
  return good;
}
