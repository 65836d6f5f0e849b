/* Who may: which allows apply, what they see, and that a guard is not asked for whoever may not. */
#include "definition_run.h"

/* An instance of a definition at work, with an actor. */
typedef struct work {
  fsm_definition *definition;
  const fsm_machine *machine;
  fsm_snapshot now;
  fsm_step_result last;
  fsm_error err;
} work;

static fsm_world world_of(const char *actor) {
  fsm_value *kept = NULL;
  if (actor != NULL) {
    kept = fsm_arena_alloc(&arena, sizeof *kept);
    *kept = json(actor);
  }
  return (fsm_world){.actor = kept, .now_ns = INT64_C(1700000000000000000)};
}

static fsm_code start_as(work *w, const char *actor, const char *input) {
  const fsm_world world = world_of(actor);
  const fsm_value data = input != NULL ? json(input) : fsm_null();
  fsm_code code = fsm_start(w->machine, &data, &world, &arena, &w->last, &w->err);
  if (code != FSM_OK) fail_msg("%s", w->err.text);
  if (w->last.outcome == FSM_OK) w->now = w->last.next;
  return w->last.outcome;
}

/* ' for ", and ~ for '. */
static fsm_definition *spelt(const char *text) {
  char *copy = fsm_arena_strdup(&arena, text);
  for (char *p = copy; *p; p++) *p = *p == '\'' ? '"' : *p == '~' ? '\'' : *p;
  return load(copy);
}

static work open_quoted(const char *text) {
  work w = {.definition = spelt(text)};
  w.machine = fsm_definition_machine(w.definition);
  return w;
}

static work begin(const char *text) {
  work w = open_quoted(text);
  const fsm_world inside = {.inside = true};
  assert_int_equal(fsm_start(w.machine, NULL, &inside, &arena, &w.last, &w.err), FSM_OK);
  assert_int_equal(w.last.outcome, FSM_OK);
  w.now = w.last.next;
  return w;
}

static void end(work *w) { fsm_definition_free(w->definition); }

static fsm_code step(work *w, const fsm_world *world, const fsm_event *event) {
  fsm_code code = fsm_step(w->machine, &w->now, event, world, &arena, &w->last, &w->err);
  if (code != FSM_OK) fail_msg("%s", w->err.text);
  return w->last.outcome;
}

static fsm_code ask(work *w, const char *actor, const char *event, const char *data) {
  const fsm_world world = world_of(actor);
  const fsm_event sent = {.name = event, .data = data != NULL ? json(data) : fsm_null()};
  return step(w, &world, &sent);
}

/* It is taken there. */
static void goes(work *w, const char *actor, const char *event, const char *state) {
  if (ask(w, actor, event, NULL) != FSM_OK) fail_msg("%s", fsm_code_name(w->last.outcome));
  int number = fsm_state_find(w->machine, state, strlen(state));
  assert_true(number >= 0 && fsm_config_has(w->last.next.config, (unsigned)number));
}

static void may_not(work *w, const char *actor, const char *event) {
  fsm_code code = ask(w, actor, event, NULL);
  if (code != FSM_EPERMISSION) fail_msg("%s", fsm_code_name(code));
  assert_int_equal(w->last.microstep_count, 0);
  assert_ptr_equal(w->last.next.config, w->now.config);
  assert_true(w->last.denied_count > 0);
}

#define CLERK "{\"sub\":\"cy\",\"roles\":[\"clerk\"]}"
#define CHIEF "{\"sub\":\"mo\",\"roles\":[\"chief\"]}"
#define BOTH "{\"sub\":\"bo\",\"roles\":[\"chief\",\"clerk\"]}"
#define MAY(allow) "'meta':{'fsm':{'allow':" allow "}}"
#define IS_CLERK "'~clerk~ in actor.roles'"
#define IS_CHIEF "'~chief~ in actor.roles'"

#define ON_GO(allow)                                                                                     \
  "{'id':'m','initial':'a','context':{'owner':'cy','n':1},'states':{'a':{'on':{'GO':{'target':'b'," MAY( \
      allow) "}}},'b':{}}}"

static void whoever_the_expression_holds_for_may_and_nobody_else(void **state) {
  (void)state;
  work w = begin(ON_GO(IS_CHIEF));
  goes(&w, CHIEF, "GO", "b");
  goes(&w, BOTH, "GO", "b");
  may_not(&w, CLERK, "GO");
  may_not(&w, NULL, "GO");
  assert_string_equal(w.last.denied[0].text, "'chief' in actor.roles");
  assert_string_equal(w.last.denied[0].where, "/states/a/on/GO/meta/fsm/allow");
  assert_int_equal(w.last.denied[0].state, 1);
  assert_int_equal(w.last.denied[0].transition, 0);
  end(&w);
}

static void what_cannot_be_read_or_evaluated_does_not_hold(void **state) {
  (void)state;
  static const struct {
    const char *allow, *actor;
    bool may;
  } cases[] = {
      {"true", NULL, true},
      {"false", CHIEF, false},
      {"1 == 1", NULL, true},
      {"actor.sub == ~mo~", CHIEF, true},
      {"actor.sub == ~mo~", NULL, false},
      {"actor.sub == ~mo~", "{}", false},
      {"actor.sub != ~mo~", NULL, false},
      {"actor.sub != ~mo~", "{}", false},
      {"!(actor.sub == ~mo~)", "{}", false},
      {"actor == null", NULL, false},
      {"!has(actor.sub)", NULL, false},
      {"!has(actor.sub)", "{}", true},
      {"!has(actor.sub)", "null", false},
      {"actor.?sub.orValue(~mo~) == ~mo~", NULL, false},
      {"actor.sub == ~x~ || true", NULL, false},
      {"actor.sub == ~x~ || true", "{}", true},
      {"actor.roles.exists(r, r == ~chief~)", CHIEF, true},
      {"actor.roles.exists(r, r == ~chief~)", "{\"roles\":null}", false},
      {"actor.roles.all(r, r != ~clerk~)", "{\"sub\":\"a\"}", false},
      {"~chief~ in actor.roles", "{\"roles\":\"chief\"}", false},
      {"actor.sub == context.owner", CLERK, true},
      {"actor.sub == context.owner", CHIEF, false},
      {"actor.sub == context.nobody", CLERK, false},
      {"context.n / (context.n - 1) > 0", CHIEF, false},
      {"actor.flag", "{\"flag\":true}", true},
      {"actor.flag", "{\"flag\":\"true\"}", false},
      {"actor.flag", "{\"flag\":1}", false},
      {"actor.flag", "{\"flag\":null}", false},
      {"event.name == ~GO~", CHIEF, true},
      {"event.amount < 10", CHIEF, false},
      {"now > timestamp(~2020-01-01T00:00:00Z~)", CHIEF, true},
      {"In(~a~)", CHIEF, true},
      {"In(~b~)", CHIEF, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *text =
        fsm_arena_printf(&arena,
                         "{'id':'m','initial':'a','context':{'owner':'cy','n':1},'states':{'a':{"
                         "'on':{'GO':{'target':'b'," MAY("'%s'") "}}},'b':{}}}",
                         cases[i].allow);
    work w = begin(text);
    fsm_code code = ask(&w, cases[i].actor, "GO", NULL);
    if (code != (cases[i].may ? FSM_OK : FSM_EPERMISSION))
      fail_msg("%s as %s: %s", cases[i].allow, cases[i].actor, fsm_code_name(code));
    end(&w);
  }
}

static void one_of_a_list_is_enough_and_each_is_asked_alone(void **state) {
  (void)state;
  work w = begin(ON_GO("[{'@expr':'actor.sub == context.owner'}," IS_CHIEF ",'context.n == 2']"));
  goes(&w, CLERK, "GO", "b");
  goes(&w, CHIEF, "GO", "b");
  may_not(&w, "{\"sub\":\"x\",\"roles\":[]}", "GO");
  assert_int_equal(w.last.denied_count, 1);
  assert_string_equal(w.last.denied[0].text,
                      "(actor.sub == context.owner) || ('chief' in actor.roles) || (context.n == 2)");
  end(&w);
  w = begin(ON_GO("['actor.sub == ~x~','context.n == 1']"));
  goes(&w, NULL, "GO", "b"); /* the second does not name the actor */
  end(&w);
}

static const char NESTED[] =
    "{'id':'m','initial':'a'," MAY("'has(actor.sub)'") ",'states':{'a':{" MAY(IS_CLERK) ",'initial':'x',"
    "'on':{'UP':'b'},'states':{'x':{" MAY("'actor.sub != ~cy~'") ",'on':{'GO':{'target':'#m.b'," MAY(IS_CHIEF)
    "},'PLAIN':'#m.b'}}}},'b':{}},'on':{'ROOT':'.b'}}";

static void all_from_the_root_to_the_transition_must_hold(void **state) {
  (void)state;
  static const struct {
    const char *actor, *event;
    unsigned denied; /* how many do not hold */
  } cases[] = {
      {BOTH, "GO", 0},   {BOTH, "PLAIN", 0},  {BOTH, "UP", 0},   {BOTH, "ROOT", 0},   {CLERK, "ROOT", 0},
      {CLERK, "UP", 0},  {CLERK, "PLAIN", 1}, /* cy */
      {CLERK, "GO", 2},  {CHIEF, "ROOT", 0},  {CHIEF, "UP", 1},  {CHIEF, "PLAIN", 1}, {CHIEF, "GO", 1},
      {"{}", "ROOT", 1}, {"{}", "GO", 1},     {NULL, "ROOT", 1}, {NULL, "NEVER", 1}, /* the root's goes before
                                                                                        all */
  };
  work w = begin(NESTED);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fsm_code code = ask(&w, cases[i].actor, cases[i].event, NULL);
    if (code != (cases[i].denied > 0 ? FSM_EPERMISSION : FSM_OK) || w.last.denied_count != cases[i].denied)
      fail_msg("case %zu: %s, %u", i, fsm_code_name(code), w.last.denied_count);
  }
  assert_int_equal(ask(&w, BOTH, "NEVER", NULL), FSM_EEVENT);
  end(&w);
}

static void what_applies_is_told_from_the_root_to_the_transition(void **state) {
  (void)state;
  work w = begin(NESTED);
  fsm_allow allows[FSM_ALLOWS_MAX];
  const int x = fsm_state_find(w.machine, "a.x", 3);
  for (unsigned t = 0; t < fsm_machine_transitions(w.machine); t++) {
    if (fsm_transition_source(w.machine, t) != (unsigned)x) continue;
    const unsigned count = fsm_transition_allows(w.machine, t, allows);
    assert_int_equal(allows[0].state, 0);
    assert_string_equal(allows[0].text, "has(actor.sub)");
    assert_string_equal(allows[1].where, "/states/a/meta/fsm/allow");
    assert_string_equal(allows[2].text, "actor.sub != 'cy'");
    assert_true(count == 3 || (count == 4 && allows[3].transition == (int)t));
    assert_int_equal(allows[2].transition, -1);
  }
  end(&w);
}

static void a_child_states_allow_is_not_asked_for_what_its_parent_takes(void **state) {
  (void)state;
  work w = begin("{'id':'m','initial':'a','states':{'a':{'initial':'x','on':{'GO':'b'},'states':{'x':{" MAY(
      "'false'") ",'on':{'STAY':{}}}}},'b':{}}}");
  goes(&w, NULL, "GO", "b");
  may_not(&w, BOTH, "STAY");
  end(&w);
}

static void the_next_candidate_is_asked_when_one_is_not_permitted(void **state) {
  (void)state;
  work w = begin("{'id':'m','initial':'a','states':{'a':{'on':{'GO':[{'target':'b'," MAY(
      IS_CHIEF) "},{'target':'c'," MAY(IS_CLERK) "}]}},'b':{},'c':{},'d':{}},'on':{'GO':{'target':'.d'," MAY(
      "'actor.sub == ~ann~'") "}}}");
  goes(&w, CHIEF, "GO", "b");
  goes(&w, CLERK, "GO", "c");
  goes(&w, BOTH, "GO", "b");
  goes(&w, "{\"sub\":\"ann\"}", "GO", "d"); /* further out */
  may_not(&w, "{\"sub\":\"eve\",\"roles\":[]}", "GO");
  assert_int_equal(w.last.denied_count, 3);
  assert_int_equal(w.last.candidate_count, 3);
  end(&w);
}

/* The guard would fault, and raise an error event, if it were asked. */
#define GUARDED \
  "{'id':'m','initial':'a','context':{'secret':7,'zero':0},'states':{'a':{'on':{'GO':{'target':'b','guard':" \
  "{" \
  "'@expr':'context.secret > 9'}," MAY(IS_CHIEF) "},'FAULT':{'target':'b','guard':{'@expr':'1 / "            \
  "context.zero > 0'}," MAY(IS_CHIEF) "},'MIX':[{'target':'b'," MAY(IS_CHIEF) "},{'target':'b','guard':{"   \
  "'@expr':'context.secret > 9'}}],'error.execution':'c'}},'b':{},'c':{}}}"

static void the_guard_is_not_asked_for_whoever_may_not(void **state) {
  (void)state;
  work w = begin(GUARDED);
  may_not(&w, CLERK, "GO");
  assert_int_equal(w.last.candidate_count, 1);
  assert_string_equal(w.last.candidates[0].guard, "context.secret > 9");
  assert_int_equal(w.last.candidates[0].seen.len, 0);
  assert_int_equal(w.last.candidates[0].permitted, FSM_VERDICT_NO);
  assert_false(w.last.candidates[0].enabled);
  may_not(&w, CLERK, "FAULT");
  assert_null(w.last.candidates[0].fault);
  assert_int_equal(ask(&w, CHIEF, "GO", NULL), FSM_EGUARD);
  assert_int_equal(fsm_map_get(&w.last.candidates[0].seen, "context.secret")->i, 7);
  assert_int_equal(w.last.denied_count, 0);
  assert_int_equal(ask(&w, CHIEF, "FAULT", NULL), FSM_OK); /* raised, and taken */
  end(&w);
}

static void not_permitted_is_the_answer_when_one_candidate_failed_by_its_allow(void **state) {
  (void)state;
  work w = begin(GUARDED);
  may_not(&w, CLERK, "MIX");
  assert_int_equal(w.last.candidate_count, 2);
  assert_int_equal(w.last.denied_count, 1);
  assert_int_equal(w.last.candidates[1].permitted, FSM_VERDICT_YES);
  assert_int_equal(fsm_map_get(&w.last.candidates[1].seen, "context.secret")->i, 7);
  end(&w);
}

static void an_event_that_is_not_permitted_moves_nothing_that_reads_it(void **state) {
  (void)state;
  static const char text[] = "{'id':'m','initial':'a','states':{'a':{'on':{'GO':{'target':'b'," MAY(
      IS_CHIEF) "}},'always':{'target':'c','guard':{'@expr':'event.name == ~GO~'}}},'b':{},'c':{}}}";
  work w = begin(text);
  goes(&w, CHIEF, "GO", "b");
  may_not(&w, CLERK, "GO");
  end(&w);
}

static void regions_are_asked_apart(void **state) {
  (void)state;
  work w = begin("{'id':'m','type':'parallel','states':{'p':{" MAY(
      IS_CHIEF) ",'initial':'p1','states':{'p1':{'on':{'GO':'p2'}},'p2':{}}},'q':{" MAY(
      IS_CLERK) ",'initial':'q1','states':{'q1':{'on':{'GO':'q2','Q':'q2'}},'q2':{}}}}}");
  goes(&w, CHIEF, "GO", "p.p2");
  assert_int_equal(w.last.microsteps[0].transition_count, 1);
  goes(&w, CLERK, "GO", "q.q2");
  assert_int_equal(w.last.microsteps[0].transition_count, 1);
  goes(&w, BOTH, "GO", "p.p2");
  assert_int_equal(w.last.microsteps[0].transition_count, 2);
  may_not(&w, "{\"roles\":[]}", "GO");
  assert_int_equal(w.last.denied_count, 2);
  may_not(&w, CHIEF, "Q"); /* the other region is nothing to it */
  end(&w);
}

static void nobody_is_asked_for_what_no_person_sends(void **state) {
  (void)state;
  static const char text[] =
      "{'id':'m','initial':'a'," MAY("'false'") ",'states':{'a':{" MAY("'false'") ",'entry':[],'on':{'GO':'b',"
      "'error.x':'b'},'after':{'10':'b'},'invoke':{'id':'i','src':'s','onDone':'b','onError':'b'," MAY(
          "'false'") "}},'b':{'always':'c'},'c':{'entry':{'type':'@xstate.raise','event':{'type':'R'}},'on':{"
      "'R':'d'}},'d':{}}}";
  static const fsm_event events[] = {
      {.name = "xstate.after.10.a", .cause = FSM_CAUSE_TIMER},
      {.name = "xstate.done.actor.i", .cause = FSM_CAUSE_TASK},
      {.name = "xstate.error.actor.i", .cause = FSM_CAUSE_TASK},
  };
  work w = begin(text);
  const fsm_world world = {.now_ns = 1}, inside = {.inside = true};
  for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
    assert_int_equal(step(&w, &world, &events[i]), FSM_OK);
    assert_true(fsm_config_has(w.last.next.config, (unsigned)fsm_state_find(w.machine, "d", 1)));
  }
  const fsm_event sent = {.name = "GO"};
  assert_int_equal(step(&w, &world, &sent), FSM_EPERMISSION);
  assert_int_equal(step(&w, &inside, &sent), FSM_OK);
  end(&w);
}

/* What follows from an event that is permitted is not asked again. */
static void what_a_permitted_event_leads_to_is_the_machines_own(void **state) {
  (void)state;
  work w = begin("{'id':'m','initial':'a','states':{'a':{'on':{'GO':'b'}},'b':{" MAY(
      "'false'") ",'always':'c'},'c':{" MAY("'false'") ",'entry':{'type':'@xstate.raise','event':{'type':'R'}},"
                                                       "'on':{'R':'d'}},'d':{}}}");
  goes(&w, NULL, "GO", "d");
  end(&w);
}

static void nobody_can_claim_what_is_the_engines(void **state) {
  (void)state;
  work w = begin(ON_GO(IS_CHIEF));
  assert_int_equal(ask(&w, CHIEF, "xstate.done.actor.i", NULL), FSM_EEVENT);
  end(&w);
}

static void the_root_says_who_may_start_and_sees_input_and_context(void **state) {
  (void)state;
  work w = open_quoted("{'id':'m','initial':'a','context':{'owner':{'@expr':'input.owner'}}," MAY(
      "'actor.sub == context.owner && event.data.owner == input.owner && event.name == "
      "~xstate.init~'") ",'states':{'a':{}}}");
  assert_int_equal(start_as(&w, CLERK, "{\"owner\":\"cy\"}"), FSM_OK);
  assert_int_equal(start_as(&w, CHIEF, "{\"owner\":\"cy\"}"), FSM_EPERMISSION);
  assert_null(w.last.next.config);
  assert_int_equal(w.last.microstep_count, 0);
  assert_int_equal(w.last.denied_count, 1);
  assert_string_equal(w.last.denied[0].where, "/meta/fsm/allow");
  assert_int_equal(start_as(&w, NULL, "{\"owner\":\"cy\"}"), FSM_EPERMISSION);
  end(&w);
}

static void a_states_allow_is_no_matter_of_the_start(void **state) {
  (void)state;
  work w = open_quoted("{'id':'m','initial':'a','states':{'a':{" MAY("'false'") "}}}");
  assert_int_equal(start_as(&w, NULL, NULL), FSM_OK);
  end(&w);
}

static void event_data_can_decide_who_may(void **state) {
  (void)state;
  work w = begin(ON_GO("'event.amount < 100 || ~chief~ in actor.roles'"));
  assert_int_equal(ask(&w, CLERK, "GO", "{\"amount\":99}"), FSM_OK);
  assert_int_equal(ask(&w, CLERK, "GO", "{\"amount\":100}"), FSM_EPERMISSION);
  assert_int_equal(ask(&w, CHIEF, "GO", "{\"amount\":100}"), FSM_OK);
  assert_int_equal(ask(&w, CHIEF, "GO", "{}"), FSM_OK);
  assert_int_equal(ask(&w, CLERK, "GO", "{}"), FSM_EPERMISSION);
  end(&w);
}

static const fsm_enabled_event *look(work *w, const char *actor, unsigned *count) {
  const fsm_enabled_event *events = NULL;
  const fsm_world world = world_of(actor);
  assert_int_equal(fsm_enabled(w->machine, &w->now, &world, &arena, &events, count, &w->err), FSM_OK);
  return events;
}

static void what_may_be_sent_says_by_whom_and_knows_who_asks(void **state) {
  (void)state;
  static const struct {
    const char *allow, *actor;
    fsm_verdict verdict;
  } cases[] = {
      {"~chief~ in actor.roles", NULL, FSM_VERDICT_DEPENDS},
      {"~chief~ in actor.roles", CHIEF, FSM_VERDICT_YES},
      {"~chief~ in actor.roles", CLERK, FSM_VERDICT_NO},
      {"~chief~ in actor.roles", "{}", FSM_VERDICT_NO},
      {"context.n == 1", NULL, FSM_VERDICT_YES},
      {"context.n == 2", NULL, FSM_VERDICT_NO},
      {"event.amount < 100", CHIEF, FSM_VERDICT_DEPENDS},
      {"event.amount < 100 || ~chief~ in actor.roles", CHIEF, FSM_VERDICT_YES},
      {"event.amount < 100 || ~chief~ in actor.roles", CLERK, FSM_VERDICT_DEPENDS},
      {"event.name == ~GO~", CLERK, FSM_VERDICT_YES},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    work w =
        begin(fsm_arena_printf(&arena,
                               "{'id':'m','initial':'a','context':{'owner':'cy','n':1},'states':{'a':{'on':"
                               "{'GO':{'target':'b'," MAY("'%s'") "}}},'b':{}}}",
                               cases[i].allow));
    unsigned count = 0;
    const fsm_enabled_event *events = look(&w, cases[i].actor, &count);
    assert_int_equal(count, 1);
    if (events[0].candidate.permitted != cases[i].verdict)
      fail_msg("case %zu: %d", i, (int)events[0].candidate.permitted);
    assert_int_equal(events[0].candidate.allow_count, 1);
    assert_true(events[0].candidate.enabled); /* the guard is another matter */
    end(&w);
  }
}

static void a_guard_that_reads_the_actor_is_decided_when_the_actor_is_known(void **state) {
  (void)state;
  work w = begin(
      "{'id':'m','initial':'a','states':{'a':{'on':{'GO':{'target':'b','guard':{'@expr':"
      "'actor.sub == ~cy~'}},'PAY':{'target':'b','guard':{'@expr':'event.amount > 1'}}}},'b':{}}}");
  unsigned count = 0;
  const fsm_enabled_event *events = look(&w, NULL, &count);
  assert_true(count == 2 && events[0].candidate.depends && events[1].candidate.depends);
  events = look(&w, CLERK, &count);
  assert_true(events[0].candidate.enabled && !events[0].candidate.depends && events[1].candidate.depends);
  events = look(&w, "{}", &count);
  assert_true(!events[0].candidate.enabled && !events[0].candidate.depends);
  end(&w);
}

static void an_invoke_says_who_may_answer_its_task(void **state) {
  (void)state;
  work w = begin("{'id':'m','initial':'a'," MAY(
      "'false'") ",'context':{'owner':'cy'},'states':{'a':{'invoke':[{"
                 "'id':'i','src':'s'," MAY("'actor.sub != context.owner && (event.name == ~task.claim~ || "
                                           "event.data.ok)'") "},{'id':'j','src':'s'}]}}}");
  static const struct {
    const char *actor, *event, *data;
    bool may;
  } cases[] = {{CHIEF, "task.claim", "null", true},
               {CLERK, "task.claim", "null", false},
               {NULL, "task.claim", "null", false},
               {CHIEF, "task.complete", "{\"ok\":true}", true},
               {CHIEF, "task.complete", "{\"ok\":false}", false},
               {CHIEF, "task.complete", "null", false}};
  fsm_allow allow;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const fsm_world world = world_of(cases[i].actor);
    const fsm_event event = {.name = cases[i].event, .data = json(cases[i].data)};
    bool may = !cases[i].may;
    assert_int_equal(fsm_invoke_permits(w.machine, &w.now, 0, &event, &world, &arena, &may, &allow, &w.err),
                     FSM_OK);
    if (may != cases[i].may) fail_msg("case %zu", i);
    assert_int_equal(allow.holds, may ? FSM_VERDICT_YES : FSM_VERDICT_NO);
  }
  assert_true(fsm_invoke_allow(w.machine, 0, &allow) && allow.state == 1 && allow.transition == -1);
  assert_false(fsm_invoke_allow(w.machine, 1, &allow));
  end(&w);
}

/* In SCXML the expressions name things as JSON does, and stand in its `meta`. */
static void scxml_has_them_in_its_meta(void **state) {
  (void)state;
  work w = {.definition =
                load("<scxml xmlns=\"http://www.w3.org/2005/07/scxml\" xmlns:f=\"urn:fsmd\" name=\"m\" "
                     "version=\"1.0\" datamodel=\"cel\"><datamodel><data id=\"owner\" expr=\"'cy'\"/>"
                     "</datamodel><state id=\"a\"><transition event=\"GO\" target=\"b\" "
                     "cond=\"_event.data.n == 1\" f:meta='{\"fsm\":{\"allow\":\"actor.sub == "
                     "context.owner &amp;&amp; event.n == event.data.n\"}}'/></state><state "
                     "id=\"b\"/></scxml>")};
  w.machine = fsm_definition_machine(w.definition);
  assert_int_equal(start_as(&w, NULL, NULL), FSM_OK);
  assert_int_equal(ask(&w, CLERK, "GO", "{\"n\":1}"), FSM_OK);
  assert_int_equal(ask(&w, CLERK, "GO", "{\"n\":2}"), FSM_EGUARD);
  assert_int_equal(ask(&w, CHIEF, "GO", "{\"n\":1}"), FSM_EPERMISSION);
  assert_string_equal(w.last.denied[0].where, "1:241");
  end(&w);
}

static void an_allow_that_would_take_for_ever_does_not_hold_and_parks_nothing(void **state) {
  (void)state;
  work w = begin(ON_GO("'event.data.l.all(a, event.data.l.all(b, event.data.l.all(c, true)))'"));
  fsm_buf buf = {0};
  fsm_buf_str(&buf, "{\"l\":[1");
  for (int i = 0; i < 300; i++) fsm_buf_str(&buf, ",1");
  fsm_buf_str(&buf, "]}");
  assert_int_equal(ask(&w, CHIEF, "GO", fsm_buf_text(&buf)), FSM_EPERMISSION);
  assert_int_equal(ask(&w, CHIEF, "GO", "{\"l\":[1,2]}"), FSM_OK);
  fsm_buf_free(&buf);
  end(&w);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(whoever_the_expression_holds_for_may_and_nobody_else),
      T(what_cannot_be_read_or_evaluated_does_not_hold),
      T(one_of_a_list_is_enough_and_each_is_asked_alone),
      T(all_from_the_root_to_the_transition_must_hold),
      T(what_applies_is_told_from_the_root_to_the_transition),
      T(a_child_states_allow_is_not_asked_for_what_its_parent_takes),
      T(the_next_candidate_is_asked_when_one_is_not_permitted),
      T(the_guard_is_not_asked_for_whoever_may_not),
      T(not_permitted_is_the_answer_when_one_candidate_failed_by_its_allow),
      T(an_event_that_is_not_permitted_moves_nothing_that_reads_it),
      T(regions_are_asked_apart),
      T(nobody_is_asked_for_what_no_person_sends),
      T(what_a_permitted_event_leads_to_is_the_machines_own),
      T(nobody_can_claim_what_is_the_engines),
      T(the_root_says_who_may_start_and_sees_input_and_context),
      T(a_states_allow_is_no_matter_of_the_start),
      T(event_data_can_decide_who_may),
      T(what_may_be_sent_says_by_whom_and_knows_who_asks),
      T(a_guard_that_reads_the_actor_is_decided_when_the_actor_is_known),
      T(an_invoke_says_who_may_answer_its_task),
      T(scxml_has_them_in_its_meta),
      T(an_allow_that_would_take_for_ever_does_not_hold_and_parks_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
