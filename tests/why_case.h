/* why_case.h: a situation for FSM_QUERY_WHY: a chart, what was done, and what the document has to say.
 *
 * Steps are a line each: `VERB words`; verbs below. Expectations are lines `path op text`: path goes by
 * members and [index], [*] = any item; op `=` the JSON of it is text, `~` holds text, `!` is not there. A
 * text value is compared without its quotes. */
#ifndef WHY_CASE_H
#define WHY_CASE_H

#include "runtime_scene.h"

typedef struct why_case {
  const char *name, *chart, *steps, *expect;
} why_case;

/* ---- steps --------------------------------------------------------------------------------------- */

static inline fsm_value why_actor(fixture *f, const char *who) {
  if (strcmp(who, "-") == 0) return fsm_null();
  char text[160];
  const char *role = strchr(who, '/');
  const int len = role ? (int)(role - who) : (int)strlen(who);
  snprintf(text, sizeof text, "{\"sub\":\"%.*s\",\"roles\":[%s%s%s]}", len, who, role ? "\"" : "",
           role ? role + 1 : "", role ? "\"" : "");
  return json(f, text);
}

static inline void why_admin(fixture *f, fsm_command_kind kind, const char *name, const char *data) {
  fsm_command command = fsm_command_new(kind);
  command.instance = "i";
  command.reason = "because";
  command.actor = why_actor(f, "ola");
  if (kind == FSM_CMD_FORCE && name != NULL) {
    fsm_value *state = fsm_arena_alloc(&f->arena, sizeof *state);
    *state = fsm_string(name);
    command.states = fsm_list(state, 1);
  } else if (name != NULL && *name != 0) {
    command.name = name;
  }
  if (data != NULL && *data != 0) command.data = json(f, data);
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
}

static inline void why_event(fixture *f, const char *id, const char *words) {
  char who[64], event[64];
  int at = 0;
  assert_int_equal(sscanf(words, "%63s %63s %n", who, event, &at), 2);
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = id;
  command.event = event;
  command.actor = why_actor(f, who);
  if (words[at] != 0) command.data = json(f, words + at);
  (void)sent(f, &command); /* refusals are what some are about */
}

static inline void why_task(fixture *f, const char *words) {
  char how[32];
  int at = 0;
  assert_int_equal(sscanf(words, "%31s %n", how, &at), 1);
  await_offers(f, 1);
  pthread_mutex_lock(&f->lock);
  const unsigned last = f->offered_count - 1, attempt = f->offered[last].attempt;
  uint8_t token[16];
  memcpy(token, f->offered[last].token, 16);
  pthread_mutex_unlock(&f->lock);
  const fsm_command_kind kind = strcmp(how, "start") == 0  ? FSM_CMD_TASK_STARTED
                                : strcmp(how, "done") == 0 ? FSM_CMD_TASK_COMPLETE
                                                           : FSM_CMD_TASK_FAIL;
  fsm_answer answer = task(f, kind, token, attempt, strcmp(how, "final") == 0, words[at] ? words + at : NULL);
  assert_code(&answer, FSM_OK);
}

static inline void why_start(fixture *f, const char *id, const char *words) {
  fsm_command command = fsm_command_new(FSM_CMD_START);
  char who[64] = "-";
  int at = 0;
  (void)sscanf(words, "%63s %n", who, &at);
  command.machine = "m";
  command.instance = id;
  command.actor = why_actor(f, who);
  if (words[at] != 0) command.data = json(f, words + at);
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
}

static inline void why_flood(fixture *f, const char *words) {
  for (unsigned i = 0; i < 101; i++) why_event(f, "i", words);
  atomic_fetch_add(&f->now_ns, 11 * SECOND);
  for (unsigned i = 0;; i++) {
    if (i < 3) why_event(f, "i", "eve STRANGE"); /* the writer looks at its clock */
    const fsm_value why = query(f, (fsm_query){.kind = FSM_QUERY_WHY, .ref = "i"});
    if (fsm_map_get(&why, "summed") != NULL) return;
    assert_true(i < 3000);
    usleep(10000);
  }
}

static inline void why_step(fixture *f, const char *line) {
  char verb[32];
  int at = 0;
  assert_int_equal(sscanf(line, "%31s %n", verb, &at), 1);
  const char *words = fsm_arena_strdup(&f->arena, line + at);
  if (strcmp(verb, "start") == 0)
    why_start(f, "i", words);
  else if (strcmp(verb, "other") == 0)
    why_start(f, "o", words);
  else if (strcmp(verb, "osend") == 0)
    why_event(f, "o", words);
  else if (strcmp(verb, "send") == 0)
    why_event(f, "i", words);
  else if (strcmp(verb, "task") == 0)
    why_task(f, words);
  else if (strcmp(verb, "flood") ==
           0) /* one more than has records of their own, and until the sum is written */
    why_flood(f, words);
  else if (strcmp(verb, "pause") == 0)
    why_admin(f, FSM_CMD_PAUSE, NULL, NULL);
  else if (strcmp(verb, "cancel") == 0)
    why_admin(f, FSM_CMD_CANCEL, NULL, NULL);
  else if (strcmp(verb, "force") == 0)
    why_admin(f, FSM_CMD_FORCE, words, NULL);
  else if (strcmp(verb, "set") == 0)
    why_admin(f, FSM_CMD_SET, NULL, words);
  else if (strcmp(verb, "advance") == 0)
    atomic_fetch_add(&f->now_ns, strtoll(words, NULL, 10) * SECOND);
  else
    fail_msg("there is no step \"%s\"", verb);
}

static inline void why_lines(fixture *f, const char *text, void (*each)(fixture *f, const char *line)) {
  while (*text != 0) {
    const char *end = strchr(text, '\n');
    const size_t len = end != NULL ? (size_t)(end - text) : strlen(text);
    if (len > 0) each(f, fsm_arena_strndup(&f->arena, text, len));
    text += len + (end != NULL);
  }
}

/* ---- expectations -------------------------------------------------------------------------------- */

static inline const char *why_text(fixture *f, const fsm_value *value) {
  return fsm_is(value, FSM_STRING) ? fsm_arena_strndup(&f->arena, value->s, value->len) : text_of(f, value);
}

static inline bool why_holds(fixture *f, const fsm_value *value, const char *path, char op,
                             const char *want) {
  if (*path == '.') path++;
  if (*path == 0) {
    const char *text = why_text(f, value);
    return op == '=' ? strcmp(text, want) == 0 : strstr(text, want) != NULL;
  }
  if (*path == '[') {
    const bool any = path[1] == '*';
    const char *rest = strchr(path, ']') + 1;
    const unsigned from = any ? 0 : (unsigned)strtoul(path + 1, NULL, 10);
    if (!fsm_is(value, FSM_LIST)) return false;
    for (uint32_t i = from; i < value->len && (any || i == from); i++)
      if (why_holds(f, &value->items[i], rest, op, want)) return true;
    return false;
  }
  const size_t len = strcspn(path, ".[");
  const fsm_value *member =
      fsm_is(value, FSM_MAP) ? fsm_map_get(value, fsm_arena_strndup(&f->arena, path, len)) : NULL;
  return member != NULL && why_holds(f, member, path + len, op, want);
}

/* For who has a child. */
static const char WHY_KID[] =
    "{\"id\":\"kid\",\"initial\":\"w\",\"states\":{\"w\":{\"on\":{\"UP\":\"x\"}},"
    "\"x\":{\"type\":\"final\"}}}";

static const why_case *why_now;
static fsm_value why_document;
static unsigned why_failures;

static inline void why_expect(fixture *f, const char *line) {
  char path[200], op[4];
  int at = 0;
  if (sscanf(line, "%199s %3s %n", path, op, &at) < 2)
    fail_msg("%s: no expectation: %s", why_now->name, line);
  const bool holds = why_holds(f, &why_document, path, *op == '!' ? '~' : *op, line + at);
  if (holds == (*op != '!')) return;
  print_error("%s: not so: %s\n  %s\n", why_now->name, line, text_of(f, &why_document));
  why_failures++;
}

static inline void why_run(const why_case *c) {
  fixture *f = fixture_new();
  why_now = c;
  fsm_answer answer = deploy_text(f, c->chart, strlen(c->chart));
  if (answer.error.code != FSM_OK)
    fail_msg("%s: deploy: %s: %s", c->name, answer.error.where, answer.error.text);
  answer = deploy_text(f, WHY_KID, strlen(WHY_KID));
  assert_code(&answer, FSM_OK);
  why_lines(f, c->steps, why_step);
  why_document = query(f, (fsm_query){.kind = FSM_QUERY_WHY, .ref = "i"});
  if (getenv("WHY_SHOW") != NULL) printf("%s: %s\n", c->name, text_of(f, fsm_map_get(&why_document, "text")));
  why_lines(f, c->expect, why_expect);
  fixture_free(f);
}

#endif
