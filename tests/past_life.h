/* past_life.h: a random life of parents, children, timers, tasks, messages, operators and purges, and what
 * was answered of its instances while it went on. */
#ifndef PAST_LIFE_H
#define PAST_LIFE_H

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
  unsigned pad; /* a large record of another instance each so many steps; 0 = none */
  kept kept[KEPT];
  unsigned count, gone, tasks, timers, messages, children, forced;
} life;

static inline unsigned pick(life *l, unsigned n) {
  l->random ^= l->random << 13;
  l->random ^= l->random >> 7;
  l->random ^= l->random << 17;
  return (unsigned)((l->random * 0x2545F4914F6CDD1DULL >> 33) % n);
}

/* Without the clock and without what is not on record: that nobody takes a task. */
static inline fsm_value plain(fixture *f, const fsm_value *value, bool in_tasks) {
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

static inline void keep(life *l, const char *id) {
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

static inline void operate(life *l, const char *id) {
  static const fsm_command_kind kinds[] = {FSM_CMD_PAUSE, FSM_CMD_RESUME, FSM_CMD_RESUME,
                                           FSM_CMD_NOTE,  FSM_CMD_RETRY,  FSM_CMD_SKIP,
                                           FSM_CMD_FORCE, FSM_CMD_SET,    FSM_CMD_CANCEL};
  fsm_command command = by_operator(l->f, kinds[pick(l, sizeof kinds / sizeof *kinds)], id);
  if (command.kind == FSM_CMD_FORCE)
    command.states = json(l->f, pick(l, 2) ? "[\"idle\"]" : "[\"par.l.a\",\"par.r.d\"]");
  if (command.kind == FSM_CMD_SET) command.data = json(l->f, "{\"n\":3}");
  (void)sent(l->f, &command);
}

static inline void answer_task(life *l) {
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

static inline void step(life *l, char id[FSM_INSTANCE_ID_MAX + 1]) {
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

static inline void blob(fixture *f, const char *id) {
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

static inline void live(life *l) {
  deploy(l->f, ADMIN_MACHINE);
  deploy(l->f, TALKER);
  deploy(l->f, KIN);
  deploy(l->f, KID);
  if (l->pad > 0) deploy(l->f, COUNTER);
  if (l->pad > 0) started(l->f, "counter", "pad", NULL);
  for (unsigned i = 0; i < COMMANDS && l->count < KEPT; i++) {
    char id[FSM_INSTANCE_ID_MAX + 1];
    if (l->pad > 0 && i % l->pad == 0) blob(l->f, "pad");
    step(l, id);
    if (pick(l, 2)) until_quiet(l->f);
    if (pick(l, 5) < 3) keep(l, id);
  }
}

static inline void compare(life *l, const kept *k, const char *as_of) {
  fsm_error err = {.text = ""};
  fsm_arena_reset(&l->f->arena);
  const char *text = ask(l->f, k->id, as_of, &err);
  if ((text == NULL) != (k->text == NULL) || (text != NULL && strcmp(text, k->text) != 0))
    fail_msg("%s as of %s is\n%s\nand was\n%s", k->id, as_of, text ? text : err.text,
             k->text ? k->text : "none");
}

/* -1: it was not there. */
static inline int64_t seq_of(life *l, const kept *k, const char *as_of) {
  fsm_value in;
  const fsm_query q = {.kind = FSM_QUERY_INSTANCE, .ref = k->id, .as_of = as_of};
  if (fsm_query_wait(l->f->runtime, &q, &l->f->arena, &in, NULL) != FSM_OK) return -1;
  return fsm_map_get(fsm_map_get(&in, "as_of"), "seq")->i;
}

#endif
