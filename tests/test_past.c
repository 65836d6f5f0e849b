/* test_past.c: an instance as of an earlier record is what was answered at that moment: hundreds of answers
 * kept during a random life of parents, children, timers, tasks, messages, operators and purges, and asked
 * for again at its end, by seq and by time. */
#include "children_scene.h"

#include "schema/json.h"
#include "tests/admin_machine.h"

enum { COMMANDS = 1500, KEPT = 600, NAMES = 10 };

/* Delayed and immediate messages, history, regions, an event that nobody reaches. */
static const char TALKER[] =
    "{\"id\":\"talker\",\"meta\":{\"fsm\":{\"keep\":\"2h\"}},\"type\":\"parallel\",\"context\":{\"heard\":0},"
    "\"states\":{\"l\":{\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"GO\":\"b\"}},"
    "\"b\":{\"initial\":\"x\",\"on\":{\"BACK\":\"a\",\"GO\":\"h\"},\"states\":{\"x\":{\"on\":{\"WORK\":\"y\"}"
    "},"
    "\"y\":{},\"h\":{\"type\":\"history\"}}},\"h\":{\"on\":{\"BACK\":\"b.h\"}}}},"
    "\"r\":{\"initial\":\"m\",\"on\":{\"HELLO\":{\"context\":{\"heard\":{\"@expr\":\"context.heard + 1\"}}},"
    "\"TELL\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"\'t-0\'\"},\"event\":{\"type\":"
    "\"HELLO\"}},"
    "{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"\'t-1\'\"},\"event\":{\"type\":\"HELLO\"},\"delay\":"
    "5000,\"id\":"
    "\"soon\"}]},"
    "\"STOP\":{\"actions\":[{\"type\":\"@xstate.cancel\",\"id\":\"soon\"}]}},"
    "\"states\":{\"m\":{\"after\":{\"7000\":\"n\"}},\"n\":{\"on\":{\"BACK\":\"m\"}}}}}}";

static const char KIN[] =
    "{\"id\":\"kin\",\"meta\":{\"fsm\":{\"keep\":\"1h\"}},\"initial\":\"idle\",\"context\":{\"heard\":0},"
    "\"states\":{"
    "\"idle\":{\"on\":{\"GO\":\"work\"}},"
    "\"work\":{\"invoke\":{\"id\":\"kid\",\"src\":\"machine\",\"input\":{\"machine\":\"kid\"},"
    "\"onDone\":\"idle\",\"onError\":\"idle\"},"
    "\"on\":{\"BACK\":\"idle\",\"HELLO\":{\"context\":{\"heard\":{\"@expr\":\"context.heard + 1\"}}},"
    "\"TELL\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":\"kid\",\"event\":{\"type\":\"TELL\"}}]}}}}}";
static const char KID[] =
    "{\"id\":\"kid\",\"meta\":{\"fsm\":{\"keep\":\"1h\"}},\"initial\":\"busy\",\"states\":{"
    "\"busy\":{\"after\":{\"60000\":\"end\"},\"on\":{\"WORK\":\"end\",\"TELL\":{\"actions\":[{\"type\":"
    "\"@xstate.sendParent\",\"event\":{\"type\":\"HELLO\"}}]}}},\"end\":{\"type\":\"final\"}}}";

static inline fsm_command by_operator(fixture *f, fsm_command_kind kind, const char *id) {
  fsm_command command = fsm_command_new(kind);
  command.instance = id;
  command.reason = "the customer called";
  command.actor = json(f, "{\"type\":\"user\",\"sub\":\"olga\",\"authn\":\"local\"}");
  return command;
}

typedef struct kept {
  int64_t seq, ns;
  char id[FSM_INSTANCE_ID_MAX + 1];
  char *text; /* NULL: there was none */
} kept;

typedef struct life {
  fixture *f;
  uint64_t random;
  kept kept[KEPT];
  unsigned count, gone, tasks, timers, messages, children, forced;
} life;

static unsigned pick(life *l, unsigned n) {
  l->random ^= l->random << 13;
  l->random ^= l->random >> 7;
  l->random ^= l->random << 17;
  return (unsigned)((l->random * 0x2545F4914F6CDD1DULL >> 33) % n);
}

/* Without the clock and without what is not on record: that nobody takes a task. */
static fsm_value plain(fixture *f, const fsm_value *value, bool in_tasks) {
  if (fsm_is(value, FSM_LIST)) {
    fsm_value *items = fsm_arena_alloc(&f->arena, (value->len + 1) * sizeof *items);
    for (unsigned i = 0; i < value->len; i++) items[i] = plain(f, &value->items[i], in_tasks);
    return fsm_list(items, value->len);
  }
  if (!fsm_is(value, FSM_MAP)) return *value;
  fsm_pair *pairs = fsm_arena_alloc(&f->arena, (value->len + 1) * sizeof *pairs);
  unsigned n = 0;
  for (unsigned i = 0; i < value->len; i++) {
    const fsm_pair *pair = &value->pairs[i];
    if (!in_tasks && (fsm_is_text(&pair->key, "now") || fsm_is_text(&pair->key, "as_of"))) continue;
    pairs[n] = (fsm_pair){pair->key, plain(f, &pair->value, in_tasks || fsm_is_text(&pair->key, "tasks"))};
    if (in_tasks && fsm_is_text(&pair->key, "status") && fsm_is_text(&pair->value, "nobody"))
      pairs[n].value = fsm_string("waiting");
    n++;
  }
  return (fsm_value){.type = FSM_MAP, .len = n, .pairs = pairs};
}

static const char *ask(fixture *f, const char *id, const char *as_of, fsm_error *err) {
  fsm_value out;
  const fsm_query q = {.kind = FSM_QUERY_INSTANCE, .ref = id, .as_of = as_of};
  fsm_code code = fsm_query_wait(f->runtime, &q, &f->arena, &out, err);
  if (code == FSM_EINSTANCE) return NULL;
  if (code != FSM_OK) fail_msg("%s as of %s: %s: %s", id, as_of, fsm_code_name(code), err->text);
  fsm_value value = plain(f, &out, false);
  return text_of(f, &value);
}

static void keep(life *l, const char *id) {
  fixture *f = l->f;
  fsm_error err;
  kept *k = &l->kept[l->count];
  k->seq = seq_now(f);
  const char *text = ask(f, id, NULL, &err);
  if (seq_now(f) != k->seq) return; /* something came between */
  k->ns = atomic_load(&f->now_ns);
  snprintf(k->id, sizeof k->id, "%s", id);
  k->text = text ? strdup(text) : NULL;
  l->count++;
  if (text == NULL) {
    l->gone++;
    return;
  }
  l->tasks += strstr(text, "\"token\"") != NULL;
  l->timers += strstr(text, "\"timers\":[{") != NULL;
  l->messages += strstr(text, "\"messages\"") != NULL;
  l->children += strstr(text, "\"parent\":{\"instance\"") != NULL;
  l->forced += strstr(text, "\"forced\"") != NULL;
}

static const char *const events[] = {"GO",   "WORK", "BACK", "TELL", "ADD",  "TICK", "LONG",
                                     "LOOP", "BAD",  "STOP", "GO",   "TELL", "BACK", "END"};
static const char *const machines[] = {"adm", "kin", "talker"};
static const char *const prefixes[] = {"a", "k", "t"};

static void operate(life *l, const char *id) {
  static const fsm_command_kind kinds[] = {FSM_CMD_PAUSE, FSM_CMD_RESUME, FSM_CMD_RESUME,
                                           FSM_CMD_NOTE,  FSM_CMD_RETRY,  FSM_CMD_SKIP,
                                           FSM_CMD_FORCE, FSM_CMD_SET,    FSM_CMD_CANCEL};
  fsm_command command = by_operator(l->f, kinds[pick(l, sizeof kinds / sizeof *kinds)], id);
  if (command.kind == FSM_CMD_FORCE)
    command.states = json(l->f, pick(l, 2) ? "[\"idle\"]" : "[\"par.l.a\",\"par.r.d\"]");
  if (command.kind == FSM_CMD_SET) command.data = json(l->f, "{\"n\":3}");
  (void)sent(l->f, &command);
}

static void answer_task(life *l) {
  uint8_t token[16];
  pthread_mutex_lock(&l->f->lock);
  const unsigned count = l->f->offered_count, i = count ? pick(l, count) : 0;
  memcpy(token, l->f->offered[i].token, sizeof token);
  if (count > 40) l->f->offered_count = 0;
  pthread_mutex_unlock(&l->f->lock);
  if (count == 0) return;
  const unsigned what = pick(l, 3);
  fsm_command command = fsm_command_new(what == 0   ? FSM_CMD_TASK_STARTED
                                        : what == 1 ? FSM_CMD_TASK_COMPLETE
                                                    : FSM_CMD_TASK_FAIL);
  memcpy(command.token, token, sizeof token);
  command.attempt = 1;
  if (what == 2) command.data = json(l->f, "{\"message\":\"no\"}");
  (void)sent(l->f, &command);
}

static void step(life *l, char id[FSM_INSTANCE_ID_MAX + 1]) {
  const unsigned of = pick(l, 3);
  snprintf(id, FSM_INSTANCE_ID_MAX + 1, "%s-%u", prefixes[of], pick(l, of == 2 ? 2 : NAMES));
  fsm_error err;
  fsm_arena_reset(&l->f->arena);
  if (pick(l, 6) == 0) (void)start(l->f, machines[of], id, NULL, NULL);
  const unsigned what = pick(l, 20);
  if (what < 3) {
    operate(l, id);
  } else if (what < 5) {
    answer_task(l);
  } else {
    const char *text = of == 1 && pick(l, 3) ? ask(l->f, id, NULL, &err) : NULL;
    const char *child = text ? strstr(text, "\"child\":\"") : NULL; /* to the child instead */
    if (child != NULL)
      snprintf(id, FSM_INSTANCE_ID_MAX + 1, "%.*s", (int)strcspn(child + 9, "\""), child + 9);
    (void)send_event(l->f, id, events[pick(l, of == 1 ? 4 : sizeof events / sizeof *events)], NULL);
  }
  atomic_fetch_add(&l->f->now_ns, (int64_t)pick(l, 4) * SECOND + (pick(l, 60) == 0 ? 3600 * SECOND : 0));
}

static void live(life *l) {
  deploy(l->f, ADMIN_MACHINE);
  deploy(l->f, TALKER);
  deploy(l->f, KIN);
  deploy(l->f, KID);
  for (unsigned i = 0; i < COMMANDS && l->count < KEPT; i++) {
    char id[FSM_INSTANCE_ID_MAX + 1];
    step(l, id);
    if (pick(l, 2)) until_quiet(l->f);
    if (pick(l, 5) < 3) keep(l, id);
  }
}

static void compare(life *l, const kept *k, const char *as_of) {
  fsm_error err = {.text = ""};
  fsm_arena_reset(&l->f->arena);
  const char *text = ask(l->f, k->id, as_of, &err);
  if ((text == NULL) != (k->text == NULL) || (text != NULL && strcmp(text, k->text) != 0))
    fail_msg("%s as of %s is\n%s\nand was\n%s", k->id, as_of, text ? text : err.text,
             k->text ? k->text : "none");
}

/* -1: it was not there. */
static int64_t seq_of(life *l, const kept *k, const char *as_of) {
  fsm_value in;
  const fsm_query q = {.kind = FSM_QUERY_INSTANCE, .ref = k->id, .as_of = as_of};
  if (fsm_query_wait(l->f->runtime, &q, &l->f->arena, &in, NULL) != FSM_OK) return -1;
  return fsm_map_get(fsm_map_get(&in, "as_of"), "seq")->i;
}

static void what_was_answered_then_is_answered_again(void **state) {
  life l = {.f = *state, .random = 88172645463325252u};
  unsigned by_time = 0;
  live(&l);
  passes(l.f, 3600);
  print_message("%u answers: %u none, %u with timers, %u tasks, %u messages, %u parents, %u forced\n",
                l.count, l.gone, l.timers, l.tasks, l.messages, l.children, l.forced);
  assert_true(l.count > 300 && l.gone > 20 && l.timers > 20 && l.tasks > 10 && l.messages > 5 &&
              l.children > 4 && l.forced > 10);
  for (unsigned i = 0; i < l.count; i++) {
    char as_of[48];
    snprintf(as_of, sizeof as_of, "@%lld", (long long)l.kept[i].seq);
    if (l.kept[i].seq > 0) compare(&l, &l.kept[i], as_of);
    char when[40];
    fsm_time_format(l.kept[i].ns + SECOND / 2, when, sizeof when);
    if (l.kept[i].text == NULL || seq_of(&l, &l.kept[i], when) != l.kept[i].seq) continue; /* more happened */
    by_time++;
    compare(&l, &l.kept[i], when);
  }
  assert_true(by_time > 50);
  fixture_reopen(l.f); /* from the files alone */
  for (unsigned i = 0; i < l.count; i += 7) {
    char as_of[48];
    snprintf(as_of, sizeof as_of, "@%lld", (long long)l.kept[i].seq);
    compare(&l, &l.kept[i], as_of);
  }
  assert_verified(l.f);
  for (unsigned i = 0; i < l.count; i++) free(l.kept[i].text);
}

/* ---- moments ------------------------------------------------------------------------------------ */

static const char *refused(fixture *f, const char *id, const char *as_of, fsm_code expected) {
  fsm_value out;
  fsm_error err = {.text = ""};
  const fsm_query q = {.kind = FSM_QUERY_INSTANCE, .ref = id, .as_of = as_of};
  fsm_code code = fsm_query_wait(f->runtime, &q, &f->arena, &out, &err);
  if (code != expected) fail_msg("%s: %s, expected %s", as_of, fsm_code_name(code), fsm_code_name(expected));
  return fsm_arena_strdup(&f->arena, err.text);
}

static void a_moment_is_a_seq_a_time_or_how_long_ago(void **state) {
  fixture *f = *state;
  deploy(f, ADMIN_MACHINE); /* seq 1 */
  started(f, "adm", "a", NULL);
  passes(f, 60);
  sends(f, "a", "ADD");
  passes(f, 1);
  fsm_value in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "a", .as_of = "@2"});
  assert_string_equal(member(f, fsm_map_get(&in, "context"), "n"), "0");
  assert_string_equal(member(f, fsm_map_get(&in, "as_of"), "seq"), "2");
  in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "a", .as_of = "30s"});
  assert_string_equal(member(f, fsm_map_get(&in, "context"), "n"), "0");
  in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "a", .as_of = "2023-11-14T22:14:00Z"});
  assert_string_equal(member(f, fsm_map_get(&in, "context"), "n"), "0");
  in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "a", .as_of = "0s"});
  assert_string_equal(member(f, fsm_map_get(&in, "context"), "n"), "1");
}

static void a_moment_that_cannot_be_told_says_why(void **state) {
  fixture *f = *state;
  deploy(f, ADMIN_MACHINE);
  started(f, "adm", "a", NULL);
  sends(f, "a", "ADD");
  assert_string_equal(refused(f, "a", "@4", FSM_ENOTFOUND),
                      "there is no record 4 yet: the last one is seq 3");
  (void)refused(f, "a", "@3", FSM_OK);
  assert_non_null(
      strstr(refused(f, "a", "@1", FSM_EINSTANCE), "was not there at seq 1: it was made at 2023-"));
  assert_non_null(strstr(refused(f, "a", "@1", FSM_EINSTANCE), "(seq 2)"));
  assert_non_null(strstr(refused(f, "a", "10d", FSM_EINSTANCE), "(seq 2)"));
  (void)refused(f, "a", "@0", FSM_EARGUMENT);
  (void)refused(f, "a", "@x", FSM_EARGUMENT);
  (void)refused(f, "a", "yonder", FSM_EARGUMENT);
  assert_non_null(strstr(refused(f, "a", "2099-01-01T00:00:00Z", FSM_ENOTFOUND), "still to come"));
  (void)refused(f, "b", "@3", FSM_EINSTANCE);
}

/* A parked step is one frame of several records. */
static void a_seq_inside_of_a_frame_stands_for_its_end(void **state) {
  fixture *f = *state;
  deploy(f, ADMIN_MACHINE);
  started(f, "adm", "a", NULL);
  sends(f, "a", "TICK");
  passes(f, 5); /* the timer's record and what follows it */
  const int64_t last = seq_now(f);
  fsm_value in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "a", .as_of = "@4"});
  const fsm_value *seq = fsm_map_get(fsm_map_get(&in, "as_of"), "seq");
  assert_true(seq->i >= 4 && seq->i <= last);
  assert_int_equal(fsm_map_get(&in, "seq")->i, seq->i);
}

static void what_a_machine_marks_is_masked_then_too(void **state) {
  fixture *f = *state;
  deploy(f,
         "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"iban\":\"DE99\"},\"schemas\":{\"context\":{\"type\":"
         "\"object\",\"properties\":{\"iban\":{\"type\":\"string\",\"x-pii\":true}}}},\"states\":{\"a\":{"
         "\"on\":{"
         "\"GO\":{\"context\":{\"iban\":{\"@expr\":\"'DE77'\"}}}}}}}");
  started(f, "m", "x", NULL);
  sends(f, "x", "GO");
  fsm_value in = query(f, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = "x", .as_of = "@2"});
  assert_null(strstr(text_of(f, &in), "DE"));
  assert_non_null(strstr(text_of(f, &in), "iban"));
}

/* ---- what retention let go ---------------------------------------------------------------------- */

static void blob(fixture *f, const char *id) {
  static char text[60 * 1024];
  memset(text, 'b', sizeof text - 1);
  const fsm_pair pair = {fsm_string("blob"), fsm_string(text)};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = id;
  command.event = "BIG";
  command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &pair};
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  fsm_arena_reset(&f->arena);
}

static void what_is_archived_is_told_from_where_it_can_be(void **state) {
  fixture *f = *state;
  fsm__prune_report report;
  char as_of[32];
  deploy(f, COUNTER);
  started(f, "counter", "quiet", NULL);
  started(f, "counter", "busy", NULL);
  started(f, "counter", "slow", NULL);
  for (int i = 0; i < 50; i++) blob(f, "busy");
  const int64_t middle = seq_now(f);
  started(f, "counter", "late", NULL);
  sends(f, "slow", "ADD");
  const int64_t slow = seq_now(f);
  blob(f, "busy");
  const int64_t last = seq_now(f);
  fsm_code code =
      fsm__journal_prune(fsm__runtime_journal(f->runtime), (uint64_t)middle - 1, NULL, NULL, &report, NULL);
  assert_int_equal(code, FSM_OK);
  assert_true(report.first_seq > 3);
  snprintf(as_of, sizeof as_of, "@%llu", (unsigned long long)report.first_seq - 1);
  assert_non_null(strstr(refused(f, "late", as_of, FSM_ENOTFOUND), "archived: records before seq"));
  assert_non_null(strstr(refused(f, "late", "30d", FSM_ENOTFOUND), "archived: records before seq"));
  snprintf(as_of, sizeof as_of, "@%lld", (long long)middle);
  char from[48];
  snprintf(from, sizeof from, "from seq %lld on only", (long long)last);
  assert_non_null(strstr(refused(f, "busy", as_of, FSM_ENOTFOUND), from));
  snprintf(from, sizeof from, "from seq %lld on only", (long long)slow);
  assert_non_null(strstr(refused(f, "slow", as_of, FSM_ENOTFOUND), from)); /* none of its records is before */
  (void)refused(f, "quiet", as_of, FSM_OK);                                /* it has not changed since */
  (void)refused(f, "late", as_of, FSM_EINSTANCE);
  snprintf(as_of, sizeof as_of, "@%lld", (long long)last);
  (void)refused(f, "busy", as_of, FSM_OK);
  (void)refused(f, "late", as_of, FSM_OK);
}

/* Without the snapshots that retention makes first there is nothing to verify the rest by. */
static int unverified_teardown(void **state) {
  fixture_free(*state);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_was_answered_then_is_answered_again, children_setup,
                                      children_teardown),
      cmocka_unit_test_setup_teardown(a_moment_is_a_seq_a_time_or_how_long_ago, children_setup,
                                      children_teardown),
      cmocka_unit_test_setup_teardown(a_moment_that_cannot_be_told_says_why, children_setup,
                                      children_teardown),
      cmocka_unit_test_setup_teardown(a_seq_inside_of_a_frame_stands_for_its_end, children_setup,
                                      children_teardown),
      cmocka_unit_test_setup_teardown(what_is_archived_is_told_from_where_it_can_be, children_setup,
                                      unverified_teardown),
      cmocka_unit_test_setup_teardown(what_a_machine_marks_is_masked_then_too, children_setup,
                                      children_teardown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
