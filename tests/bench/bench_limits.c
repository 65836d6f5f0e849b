/* bench_limits.c: definitions as large as they may be: loaded, started and stepped once, in a process of its
 * own. limit_<case>_ms is how long that took, beside the second it may take; limit_<case>_mb is the largest
 * resident set of that process, beside the 64 MB it may have. The definition as the loader gets it (a tree or
 * a text) is counted in both.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "schema/definition.h"

enum { BOUND_MS = 1000, BOUND_MB = 64, EVENTS = 3 };

/* ---- a machine that is loaded -------------------------------------------------------------------- */

static fsm_machine *compile(const fsm_def *def) {
  fsm_machine *machine;
  fsm_error err = {0};
  if (fsm_machine_compile(def, &machine, &err) != FSM_OK) give_up("%s: %s", err.where, err.text);
  return machine;
}

/* Starts it and sends the events, all of which must be taken. */
static void run(const fsm_machine *m, const char *const events[EVENTS]) {
  const fsm_world world = {.now_ns = 1};
  fsm_step_result result;
  fsm_error err = {0};
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  if (fsm_start(m, NULL, &world, &arena, &result, &err) != FSM_OK || result.outcome != FSM_OK)
    give_up("start: %s", err.text);
  for (unsigned i = 0; i < EVENTS; i++) {
    const fsm_snapshot now = result.next;
    const fsm_event event = {.name = events[i], .data = fsm_null()};
    if (fsm_step(m, &now, &event, &world, &arena, &result, &err) != FSM_OK || result.outcome != FSM_OK)
      give_up("%s is not taken: %s %s", events[i], fsm_code_name(result.outcome), err.text);
  }
  fsm_arena_free(&arena);
}

/* ---- trees --------------------------------------------------------------------------------------- */

typedef struct tree {
  fsm_arena arena;
  fsm_def_state *states; /* the root is the first */
  unsigned count;
} tree;

static void *room(tree *t, size_t count, size_t size) {
  void *at = fsm_arena_zalloc(&t->arena, count, size);
  if (at == NULL) give_up("no memory");
  return at;
}

static void tree_init(tree *t) {
  fsm_arena_init(&t->arena, 0);
  t->count = 0;
  t->states = room(t, FSM_STATES_MAX, sizeof *t->states);
}

/* A state with room for so many children, who are added by growing child_count. */
static fsm_def_state *state(tree *t, fsm_def_state *above, fsm_kind kind, unsigned children) {
  fsm_def_state *s = &t->states[t->count];
  *s = (fsm_def_state){.name = fsm_arena_printf(&t->arena, "s%u", t->count), .kind = kind};
  s->path = t->count > 0 ? s->name : NULL;
  s->where = fsm_arena_printf(&t->arena, "/states/s%u", t->count++);
  s->children = room(t, children, sizeof(fsm_def_state *));
  if (above != NULL) ((const fsm_def_state **)above->children)[above->child_count++] = s;
  return s;
}

static const char *const *texts(tree *t, const char *one) {
  const char **list = room(t, 1, sizeof *list);
  *list = one;
  return list;
}

/* Guarded transitions for all states but histories until the machine has as many as it may have. Each of a
 * state's own has an event of its own; the first takes ALL. No two guards are the same. */
static void add_transitions(tree *t) {
  static const char *const all[] = {"ALL"};
  unsigned left = FSM_TRANSITIONS_MAX - 2, takers = 0; /* the root's are two */
  for (unsigned i = 1; i < t->count; i++) takers += t->states[i].kind != FSM_HISTORY;
  const unsigned each = left / takers + 1;
  for (unsigned i = 1; i < t->count && left > 0; i++) {
    fsm_def_state *s = &t->states[i];
    if (s->kind == FSM_HISTORY) continue;
    const unsigned count = left < each ? left : each;
    fsm_def_transition *list = room(t, count, sizeof *list);
    for (unsigned k = 0; k < count; k++)
      list[k] = (fsm_def_transition){
          .events = k == 0 ? all : texts(t, fsm_arena_printf(&t->arena, "E%u", k)),
          .event_count = 1,
          .guard = fsm_arena_printf(&t->arena, "context.n < %u", FSM_TRANSITIONS_MAX + left - k),
          .where = fsm_arena_printf(&t->arena, "/states/s%u/on/E%u/%u", i, k, 0u)};
    s->transitions = list;
    s->transition_count = count;
    left -= count;
  }
}

/* The root goes to a state by "name". */
static void add_jumps(tree *t, const char *const names[2], const char *const paths[2]) {
  fsm_def_transition *list = room(t, 2, sizeof *list);
  for (unsigned i = 0; i < 2; i++)
    list[i] = (fsm_def_transition){.events = texts(t, names[i]),
                                   .event_count = 1,
                                   .targets = texts(t, paths[i]),
                                   .target_count = 1,
                                   .where = "/on"};
  t->states[0].transitions = list;
  t->states[0].transition_count = 2;
}

static void compile_and_run(tree *t, const char *const events[EVENTS]) {
  static const fsm_pair n = {{.type = FSM_STRING, .len = 1, .s = "n"}, {.type = FSM_INT, .i = 1}};
  static const fsm_def_value context = {
      .form = FSM_DEF_LITERAL, .literal = {.type = FSM_MAP, .len = 1, .pairs = &n}, .where = "/context"};
  const fsm_def def = {.root = t->states, .context = &context};
  fsm_machine *m = compile(&def);
  run(m, events);
  fsm_machine_free(m);
  fsm_arena_free(&t->arena);
}

static void flat(void) {
  tree t;
  tree_init(&t);
  fsm_def_state *root = state(&t, NULL, FSM_COMPOUND, FSM_STATES_MAX);
  while (t.count < FSM_STATES_MAX) state(&t, root, FSM_ATOMIC, 0);
  add_transitions(&t);
  add_jumps(&t, (const char *const[]){"AWAY", "BACK"}, (const char *const[]){"s9999", "s1"});
  compile_and_run(&t, (const char *const[]){"ALL", "AWAY", "BACK"});
}

/* Chains of states in one another, as deep as they may be, with a history on each level. */
static void nested(void) {
  tree t;
  tree_init(&t);
  enum { CHAINS = (FSM_STATES_MAX - 1) / (2 * FSM_DEPTH_MAX - 1) };
  fsm_def_state *root = state(&t, NULL, FSM_COMPOUND, CHAINS);
  for (unsigned i = 0; i < CHAINS; i++) {
    fsm_def_state *s = state(&t, root, FSM_COMPOUND, 2);
    for (unsigned depth = 2; depth <= FSM_DEPTH_MAX; depth++) {
      fsm_def_state *above = s;
      s = state(&t, above, depth < FSM_DEPTH_MAX ? FSM_COMPOUND : FSM_ATOMIC, 2);
      state(&t, above, FSM_HISTORY, 0)->deep = true;
    }
  }
  const char *second = t.states[1 + (2 * FSM_DEPTH_MAX - 1)].name;
  const char *memory = t.states[1].children[1]->name;
  add_transitions(&t);
  add_jumps(&t, (const char *const[]){"AWAY", "BACK"}, (const char *const[]){second, memory});
  compile_and_run(&t, (const char *const[]){"ALL", "AWAY", "BACK"});
}

/* Regions without states in them, all of which take ALL; and a state beside them, from which a deep history
 * leads back into all. */
static void regions(void) {
  tree t;
  tree_init(&t);
  fsm_def_state *root = state(&t, NULL, FSM_COMPOUND, 2);
  fsm_def_state *all = state(&t, root, FSM_PARALLEL, 9001);
  state(&t, all, FSM_HISTORY, 0)->deep = true;
  for (unsigned i = 0; i < 9000; i++) state(&t, all, FSM_ATOMIC, 0);
  fsm_def_state *beside = state(&t, root, FSM_ATOMIC, 0);
  add_transitions(&t);
  add_jumps(&t, (const char *const[]){"AWAY", "BACK"}, (const char *const[]){beside->name, "s2"});
  compile_and_run(&t, (const char *const[]){"ALL", "AWAY", "BACK"});
}

/* ---- texts --------------------------------------------------------------------------------------- */

/* As many states as fit into the text, each with guarded transitions. */
static void json_text(fsm_buf *text, size_t most) {
  fsm_buf_str(text, "{\"id\":\"m\",\"initial\":\"s0\",\"context\":{\"n\":0},\"states\":{");
  for (unsigned s = 0; s < FSM_STATES_MAX - 1 && text->len + 1000 < most; s++) {
    fsm_buf_printf(text, "%s\"s%u\":{\"on\":{\"ALL\":\"s0\"", s > 0 ? "," : "", s);
    for (unsigned k = 0; k < 5; k++)
      fsm_buf_printf(text, ",\"E%u\":{\"target\":\"s%u\",\"guard\":{\"@expr\":\"context.n<%u\"}}", k, s / 2,
                     s + 1);
    fsm_buf_str(text, "}}");
  }
  fsm_buf_str(text, "}}");
  while (text->len < most) fsm_buf_char(text, ' ');
  if (!fsm_buf_ok(text)) give_up("no memory");
}

/* As the daemon loads it. */
static void load_and_run(fsm_buf *text, const char *const events[EVENTS]) {
  fsm_definition *definition;
  fsm_error err = {0};
  if (fsm_definition_load(text->data, text->len, &definition, &err) != FSM_OK)
    give_up("%s: %s", err.where, err.text);
  run(fsm_definition_machine(definition), events);
  fsm_definition_free(definition);
  fsm_buf_free(text);
}

static void json(void) {
  fsm_buf text = {0};
  json_text(&text, FSM_DEFINITION_BYTES_MAX);
  load_and_run(&text, (const char *const[]){"ALL", "E1", "ALL"});
}

/* As many transitions as a machine may have, in three bytes each. */
static void json_transitions(void) {
  fsm_buf text = {0};
  fsm_buf_str(&text, "{\"id\":\"m\",\"on\":{\"E\":[{}");
  for (unsigned i = 1; i < FSM_TRANSITIONS_MAX; i++) fsm_buf_str(&text, ",{}");
  fsm_buf_str(&text, "]}}");
  if (!fsm_buf_ok(&text)) give_up("no memory");
  load_and_run(&text, (const char *const[]){"E", "E", "E"});
}

static void scxml_text(fsm_buf *text, size_t most) {
  fsm_buf_str(text,
              "<scxml xmlns=\"http://www.w3.org/2005/07/scxml\" version=\"1.0\" datamodel=\"cel\" "
              "name=\"m\"><datamodel><data id=\"n\" expr=\"0\"/></datamodel>");
  for (unsigned s = 0; s < FSM_STATES_MAX - 1 && text->len + 1000 < most; s++) {
    fsm_buf_printf(text, "<state id=\"s%u\"><transition event=\"ALL\" target=\"s0\"/>", s);
    for (unsigned k = 0; k < 5; k++)
      fsm_buf_printf(text, "<transition event=\"E%u\" target=\"s%u\" cond=\"n &lt; %u\"/>", k, s / 2, s + 1);
    fsm_buf_str(text, "</state>");
  }
  fsm_buf_str(text, "</scxml>");
  while (text->len < most) fsm_buf_char(text, ' ');
  if (!fsm_buf_ok(text)) give_up("no memory");
}

static void scxml(void) {
  fsm_buf text = {0};
  scxml_text(&text, FSM_DEFINITION_BYTES_MAX);
  load_and_run(&text, (const char *const[]){"ALL", "E1", "ALL"});
}

/* ---- figures ------------------------------------------------------------------------------------- */

/* In a process of its own: its largest resident set, in MB, and its time, in ms. */
static void measure(void (*load)(void), double *ms, double *mb) {
  double begin = now_s();
  pid_t child = fork();
  if (child < 0) give_up("fork fails");
  if (child == 0) {
    load();
    _exit(0);
  }
  int status;
  struct rusage usage;
  if (wait4(child, &status, 0, &usage) != child || status != 0) give_up("a limit is not reached");
  *ms = 1e3 * (now_s() - begin);
  *mb = (double)usage.ru_maxrss / 1024;
}

#define X(name)                                         \
  sample limit_##name##_ms(const char *dir, double s) { \
    double ms, mb;                                      \
    (void)dir, (void)s, measure(name, &ms, &mb);        \
    return (sample){ms, BOUND_MS};                      \
  }                                                     \
  sample limit_##name##_mb(const char *dir, double s) { \
    double ms, mb;                                      \
    (void)dir, (void)s, measure(name, &ms, &mb);        \
    return (sample){mb, BOUND_MB};                      \
  }
LIMIT_CASES(X)
#undef X
