/* What is dead and what is an orphan, in constructed situations: each is a machine, what is sent to it, and
 * what it comes to. */
#include "decide_fixture.h"

#include "runtime/inbound.h"
#include "runtime/mobility.h"

static int setup_alone(void **state) {
  setup(state);
  return 0;
}

/* As they stand in records. mia may review, ana is whoever. */
static const char *const known[] = {"{\"type\":\"user\",\"sub\":\"ana\",\"roles\":[\"clerk\"]}",
                                    "{\"type\":\"user\",\"sub\":\"mia\",\"roles\":[\"clerk\",\"reviewer\"]}"};
enum { KNOWN = sizeof known / sizeof *known };

typedef struct situation {
  const char *name, *machine; /* its id is t */
  const char *events;         /* sent after the start, with blanks between; NULL = none */
  const char *comes_to;       /* "dead", "orphan", "" */
} situation;

#define ONE(state) "{\"id\":\"t\",\"initial\":\"a\",\"states\":{\"a\":" state ",\"b\":{\"type\":\"final\"}}}"
#define WITH(context, state)                                                         \
  "{\"id\":\"t\",\"context\":" context ",\"initial\":\"a\",\"states\":{\"a\":" state \
  ",\"b\":{\"type\":"                                                                \
  "\"final\"}}}"
#define GUARD(text) "{\"on\":{\"GO\":{\"target\":\"b\",\"guard\":{\"@expr\":\"" text "\"}}}}"
#define ALLOW(text) "{\"on\":{\"GO\":{\"target\":\"b\",\"meta\":{\"fsm\":{\"allow\":\"" text "\"}}}}}"
#define NUMBERS "{\"n\":1,\"open\":false,\"owner\":\"mia\",\"list\":[1,2]}"

/* clang-format off */
static const situation situations[] = {
  /* structure */
  {"an event leads on", ONE("{\"on\":{\"GO\":\"b\"}}"), NULL, ""},
  {"nothing is there", ONE("{}"), NULL, "dead"},
  {"it ended", ONE("{\"on\":{\"GO\":\"b\"}}"), "GO", ""},
  {"an event around it leads on",
   "{\"id\":\"t\",\"initial\":\"a\",\"on\":{\"GO\":\".b\"},\"states\":{\"a\":{},\"b\":{\"type\":\"final\"}}}", NULL, ""},
  {"a wildcard takes anything", ONE("{\"on\":{\"*\":\"b\"}}"), NULL, ""},
  {"a prefix takes what is below it", ONE("{\"on\":{\"pay.*\":\"b\"}}"), NULL, ""},
  {"an event that does nothing", ONE("{\"on\":{\"GO\":{}}}"), NULL, "dead"},
  {"what does nothing keeps the same event from what is around it",
   "{\"id\":\"t\",\"initial\":\"a\",\"on\":{\"GO\":\".b\"},\"states\":{\"a\":{\"on\":{\"GO\":{}}},\"b\":{\"type\":\"final\"}}}", NULL, "dead"},
  {"but no other event",
   "{\"id\":\"t\",\"initial\":\"a\",\"on\":{\"GO\":\".b\",\"NO\":\".b\"},\"states\":{\"a\":{\"on\":{\"GO\":{}}},\"b\":{\"type\":\"final\"}}}", NULL, ""},
  {"a wildcard that does nothing keeps all of them",
   "{\"id\":\"t\",\"initial\":\"a\",\"on\":{\"GO\":\".b\"},\"states\":{\"a\":{\"on\":{\"*\":{}}},\"b\":{\"type\":\"final\"}}}", NULL, "dead"},
  {"an exact name before a wildcard that does nothing",
   "{\"id\":\"t\",\"initial\":\"a\",\"on\":{\"GO\":\".b\"},\"states\":{\"a\":{\"on\":{\"GO\":{\"target\":\"b\"},\"*\":{}}},\"b\":{\"type\":\"final\"}}}", NULL, ""},
  {"data that an event may change", WITH(NUMBERS, "{\"on\":{\"ADD\":{\"context\":{\"n\":{\"@expr\":\"context.n + 1\"}}}}}"), NULL, ""},
  {"only events of the engine", ONE("{\"on\":{\"error.execution\":\"b\"}}"), NULL, "dead"},
  {"a state that ended inside without a way out",
   "{\"id\":\"t\",\"initial\":\"a\",\"states\":{\"a\":{\"initial\":\"x\",\"states\":{\"x\":{\"on\":{\"GO\":\"y\"}},\"y\":{\"type\":\"final\"}}},\"b\":{\"type\":\"final\"}}}",
   "GO", "dead"},
  {"and with one, which was taken",
   "{\"id\":\"t\",\"initial\":\"a\",\"states\":{\"a\":{\"initial\":\"x\",\"onDone\":\"c\",\"states\":{\"x\":{\"on\":{\"GO\":\"y\"}},\"y\":{\"type\":\"final\"}}},\"c\":{\"on\":{\"GO\":\"b\"}},\"b\":{\"type\":\"final\"}}}",
   "GO", ""},
  /* guards */
  {"a guard over the context that is false", WITH(NUMBERS, GUARD("context.n > 5")), NULL, "dead"},
  {"one that is true", WITH(NUMBERS, GUARD("context.n > 0")), NULL, ""},
  {"one that reads the event", WITH(NUMBERS, GUARD("event.data.n > 5")), NULL, ""},
  {"one that reads the actor", WITH(NUMBERS, GUARD("actor.sub == 'x'")), NULL, ""},
  {"one that reads now", WITH(NUMBERS, GUARD("now > timestamp('2999-01-01T00:00:00Z')")), NULL, ""},
  {"a false part of the context before the event", WITH(NUMBERS, GUARD("context.open && event.data.n > 5")), NULL, "dead"},
  {"a false part behind it", WITH(NUMBERS, GUARD("event.data.n > 5 && context.open")), NULL, "dead"},
  {"either the context or the event", WITH(NUMBERS, GUARD("context.open || event.data.n > 5")), NULL, ""},
  {"not the event", WITH(NUMBERS, GUARD("!(event.data.n > 5)")), NULL, ""},
  {"not what is true", WITH(NUMBERS, GUARD("!(context.n == 1)")), NULL, "dead"},
  {"a choice by the context", WITH(NUMBERS, GUARD("context.open ? event.data.n > 5 : false")), NULL, "dead"},
  {"a choice by the event", WITH(NUMBERS, GUARD("event.data.n > 5 ? context.open : context.n == 2")), NULL, "dead"},
  {"a macro over the context", WITH(NUMBERS, GUARD("context.list.exists(i, i > 2)")), NULL, "dead"},
  {"a macro that reads the event", WITH(NUMBERS, GUARD("context.list.exists(i, i == event.data.n)")), NULL, ""},
  {"a guard that always fails", WITH(NUMBERS, GUARD("context.missing > 1")), NULL, "dead"},
  {"and somebody takes its error",
   WITH(NUMBERS, "{\"on\":{\"GO\":{\"target\":\"b\",\"guard\":{\"@expr\":\"context.missing > 1\"}},\"error.execution\":\"b\"}}"), NULL, ""},
  {"a true guard that does nothing before what would",
   WITH(NUMBERS, "{\"on\":{\"GO\":[{\"guard\":{\"@expr\":\"context.n == 1\"}},{\"target\":\"b\"}]}}"), NULL, "dead"},
  {"a guard over the event that does nothing before what would",
   WITH(NUMBERS, "{\"on\":{\"GO\":[{\"guard\":{\"@expr\":\"event.data.n == 1\"}},{\"target\":\"b\"}]}}"), NULL, ""},
  /* always */
  {"an eventless one that is false", WITH(NUMBERS, "{\"always\":{\"target\":\"b\",\"guard\":{\"@expr\":\"context.open\"}}}"), NULL, "dead"},
  {"an eventless one that waits for a time",
   WITH(NUMBERS, "{\"always\":{\"target\":\"b\",\"guard\":{\"@expr\":\"now > timestamp('2999-01-01T00:00:00Z')\"}}}"), NULL, ""},
  /* regions, history */
  {"one region waits, one has ended",
   "{\"id\":\"t\",\"type\":\"parallel\",\"states\":{\"l\":{\"initial\":\"x\",\"states\":{\"x\":{\"type\":\"final\"}}},"
   "\"r\":{\"initial\":\"y\",\"states\":{\"y\":{\"on\":{\"GO\":\"z\"}},\"z\":{\"type\":\"final\"}}}}}", NULL, ""},
  {"no region waits for anything",
   "{\"id\":\"t\",\"type\":\"parallel\",\"states\":{\"l\":{\"initial\":\"x\",\"states\":{\"x\":{}}},"
   "\"r\":{\"initial\":\"y\",\"states\":{\"y\":{\"on\":{\"GO\":\"z\"}},\"z\":{}}}}}", "GO", "dead"},
  {"a guard asks for the other region",
   "{\"id\":\"t\",\"type\":\"parallel\",\"states\":{\"l\":{\"initial\":\"x\",\"states\":{\"x\":{}}},"
   "\"r\":{\"initial\":\"y\",\"states\":{\"y\":{\"on\":{\"GO\":{\"target\":\"z\",\"guard\":{\"@expr\":\"In('l.v')\"}}}},\"z\":{}}}}}", NULL, "dead"},
  {"a region that takes an event and does nothing keeps it from what is around",
   "{\"id\":\"t\",\"initial\":\"p\",\"states\":{\"p\":{\"type\":\"parallel\",\"on\":{\"GO\":\"b\"},\"states\":{\"l\":{\"on\":{\"GO\":{}}},\"r\":{}}},\"b\":{\"type\":\"final\"}}}", NULL, "dead"},
  {"a way back into a history",
   "{\"id\":\"t\",\"initial\":\"h\",\"states\":{\"h\":{\"initial\":\"x\",\"on\":{\"OUT\":\"w\"},\"states\":{\"x\":{},\"back\":{\"type\":\"history\"}}},\"w\":{\"on\":{\"IN\":\"h.back\"}}}}", "OUT", ""},
  /* what is pending */
  {"a timer leads on", ONE("{\"after\":{\"60000\":\"b\"}}"), NULL, ""},
  {"a timer whose guard is false",
   WITH(NUMBERS, "{\"after\":{\"60000\":{\"target\":\"b\",\"guard\":{\"@expr\":\"context.open\"}}}}"), NULL, "dead"},
  {"a timer whose guard will fail, which parks it",
   WITH(NUMBERS, "{\"after\":{\"60000\":{\"target\":\"b\",\"guard\":{\"@expr\":\"context.missing\"}}}}"), NULL, ""},
  {"a delayed event that nothing takes",
   ONE("{\"entry\":{\"type\":\"@xstate.raise\",\"event\":{\"type\":\"LATER\"},\"delay\":60000}}"), NULL, "dead"},
  {"a delayed event that something takes",
   ONE("{\"entry\":{\"type\":\"@xstate.raise\",\"event\":{\"type\":\"error.later\"},\"delay\":60000},\"on\":{\"error.later\":\"b\"}}"), NULL, ""},
  {"a task that somebody works on", ONE("{\"invoke\":{\"id\":\"j\",\"src\":\"svc\",\"onDone\":\"b\"}}"), NULL, ""},
  {"a task that nothing takes but its failure, which parks it", ONE("{\"invoke\":{\"id\":\"j\",\"src\":\"svc\"}}"), NULL, ""},
  {"a child", ONE("{\"invoke\":{\"id\":\"c\",\"src\":\"machine\",\"input\":{\"machine\":\"loop\"},\"onDone\":\"b\"}}"), NULL, ""},
  /* who may */
  {"only a role that nobody has", ONE(ALLOW("'chief' in actor.roles")), NULL, "orphan"},
  {"a role that somebody has", ONE(ALLOW("'reviewer' in actor.roles")), NULL, ""},
  {"only who is not known", ONE(ALLOW("actor.sub == 'zoe'")), NULL, "orphan"},
  {"who the context names", WITH(NUMBERS, ALLOW("actor.sub == context.owner")), NULL, ""},
  {"who the context names and is not known", WITH("{\"owner\":\"zoe\"}", ALLOW("actor.sub == context.owner")), NULL, "orphan"},
  {"it depends on what is sent", ONE(ALLOW("event.data.code == 'x'")), NULL, ""},
  {"a chief when it is sent", ONE(ALLOW("event.data.code == 'x' && 'chief' in actor.roles")), NULL, "orphan"},
  {"it depends on when", ONE(ALLOW("now > timestamp('2999-01-01T00:00:00Z')")), NULL, ""},
  {"one of two is enough", ONE("{\"on\":{\"GO\":{\"target\":\"b\",\"meta\":{\"fsm\":{\"allow\":[\"'chief' in actor.roles\",\"'clerk' in actor.roles\"]}}}}}"), NULL, ""},
  {"of the state and of the transition, and nobody has both",
   ONE("{\"meta\":{\"fsm\":{\"allow\":\"actor.sub == 'ana'\"}},\"on\":{\"GO\":{\"target\":\"b\",\"meta\":{\"fsm\":{\"allow\":\"'reviewer' in actor.roles\"}}}}}"), NULL, "orphan"},
  {"another event that anybody may send",
   ONE("{\"on\":{\"NO\":\"b\",\"GO\":{\"target\":\"b\",\"meta\":{\"fsm\":{\"allow\":\"'chief' in actor.roles\"}}}}}"), NULL, ""},
  {"nobody, but a timer",
   ONE("{\"after\":{\"60000\":\"b\"},\"on\":{\"GO\":{\"target\":\"b\",\"meta\":{\"fsm\":{\"allow\":\"'chief' in actor.roles\"}}}}}"), NULL, ""},
  {"nobody, and a guard that is false anyway",
   WITH(NUMBERS, "{\"on\":{\"GO\":{\"target\":\"b\",\"guard\":{\"@expr\":\"context.open\"},\"meta\":{\"fsm\":{\"allow\":\"'chief' in actor.roles\"}}}}}"), NULL, "dead"},
  {"who may not is passed over, and what comes behind leads on",
   ONE("{\"on\":{\"GO\":[{\"meta\":{\"fsm\":{\"allow\":\"'chief' in actor.roles\"}}},{\"target\":\"b\"}]}}"), NULL, ""},
};
/* clang-format on */

static fsm__people people_of(desk *d) {
  fsm__person *at = fsm_arena_zalloc(&d->rig->arena, KNOWN, sizeof *at);
  for (unsigned i = 0; i < KNOWN; i++) at[i].actor = rig_json(d->rig, known[i]);
  return (fsm__people){.count = KNOWN, .at = at};
}

static fsm__instance instance_of(desk *d, const char *id) {
  fsm__instance in;
  uint64_t number = 0;
  assert_int_equal(fsm__instance_number(d->rig->store, id, &number, NULL), FSM_OK);
  assert_int_equal(fsm__instance_load(d->rig->store, d->rig->catalog, number, &d->rig->arena, &in, NULL),
                   FSM_OK);
  return in;
}

static void come_there(desk *d, const char *machine, const char *events) {
  rig_deploy(d->rig, machine, ++d->seq);
  (void)started(d, "t", "i");
  for (const char *at = events; at != NULL && *at != '\0';) {
    const size_t len = strcspn(at, " ");
    (void)sent(d, "i", fsm_arena_strndup(&d->rig->arena, at, len));
    at += len + (at[len] == ' ');
  }
}

static fsm__mobility mobility_of(desk *d, const fsm__instance *in) {
  fsm__mobility mobility;
  fsm_error err = {.text = ""};
  if (fsm__mobility_of(d->rig->store, in, &d->rig->arena, &mobility, &err) != FSM_OK)
    fail_msg("%s: %s", err.where, err.text);
  return mobility;
}

static const char *comes_to(desk *d) {
  const fsm__instance in = instance_of(d, "i");
  const fsm__people people = people_of(d);
  if (!fsm__status_open(in.status)) return "";
  const fsm__mobility mobility = mobility_of(d, &in);
  bool orphan = false;
  assert_int_equal(fsm__is_orphan(&in, &mobility, &people, &d->rig->arena, &orphan, NULL), FSM_OK);
  const bool dead = fsm__is_dead(&in, &mobility);
  assert_false(dead && orphan);
  return dead ? "dead" : orphan ? "orphan" : "";
}

static void each_situation_comes_to_what_it_is(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof situations / sizeof *situations; i++) {
    void *own = NULL;
    setup_alone(&own);
    come_there(own, situations[i].machine, situations[i].events);
    const char *got = comes_to(own);
    if (strcmp(got, situations[i].comes_to) != 0)
      fail_msg("%s: \"%s\", not \"%s\"", situations[i].name, got, situations[i].comes_to);
    teardown(&own);
  }
}

/* What is never dead has an event that moves it; what is dead refuses all that it knows. */
static void what_is_free_is_never_dead(void **state) {
  (void)state;
  unsigned free_ones = 0;
  for (size_t i = 0; i < sizeof situations / sizeof *situations; i++) {
    void *own = NULL;
    setup_alone(&own);
    desk *d = own;
    come_there(d, situations[i].machine, situations[i].events);
    const fsm__instance in = instance_of(d, "i");
    const fsm_machine *machine = in.deployed->machine;
    uint8_t *marks = fsm_arena_zalloc(&d->rig->arena, fsm_machine_states(machine), 1);
    fsm_foresee_free(machine, marks);
    for (unsigned a = 0; a < in.active_count && fsm__status_open(in.status); a++)
      if (marks[in.active[a].state]) {
        free_ones++;
        if (situations[i].comes_to[0] != '\0') fail_msg("%s", situations[i].name);
      }
    teardown(&own);
  }
  assert_true(free_ones >= 4);
}

static void an_operator_has_to_come_for_what_is_parked(void **state) {
  desk *d = *state;
  come_there(d, ONE("{\"on\":{\"GO\":{\"context\":{\"x\":{\"@expr\":\"context.missing + 1\"}}}}}"), NULL);
  fsm_command command = send_of("i", "GO");
  (void)take(d, &command);
  const fsm__instance in = instance_of(d, "i");
  assert_int_equal(in.status, FSM_INCIDENT);
  const fsm__mobility mobility = mobility_of(d, &in);
  assert_false(fsm__is_dead(&in, &mobility));
}

static void who_may_is_told_by_name(void **state) {
  desk *d = *state;
  come_there(d, ONE(ALLOW("'clerk' in actor.roles")), NULL);
  const fsm__instance in = instance_of(d, "i");
  const fsm__mobility mobility = mobility_of(d, &in);
  const fsm__people people = people_of(d);
  unsigned who[1], count = 0, total = 0;
  assert_int_equal(mobility.prospects.count, 1);
  assert_int_equal(fsm__who_may(&in, &mobility.snapshot, mobility.prospects.transitions[0], &people,
                                &d->rig->arena, 1, who, &count, &total, NULL),
                   FSM_OK);
  assert_int_equal(count, 1);
  assert_int_equal(who[0], 0);
  assert_int_equal(total, 2);
}

/* Sends EVENT to an instance, or to one that it calls so, in an hour. */
static const char SENDER[] =
    "{\"id\":\"s\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{"
    "\"TELL\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"'i'\"},\"id\":\"late\",\"delay\":\"3600s\",\"event\":{"
    "\"type\":\"GO\"}}]},"
    "\"TELL_NOW\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"'i'\"},\"event\":{\"type\":\"GO\"}}]},"
    "\"TELL_OTHER\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"'ij'\"},\"delay\":\"3600s\",\"event\":{\"type\":"
    "\"GO\"}}]},"
    "\"TELL_STRANGE\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":{\"@expr\":\"'i'\"},\"delay\":\"3600s\",\"event\":{\"type\":"
    "\"STRANGE\"}}]},"
    "\"BACK\":{\"actions\":[{\"type\":\"@xstate.cancel\",\"id\":\"late\"}]}}}}}";

static void come_both(desk *d, const char *machine, const char *events) {
  come_there(d, machine, NULL);
  rig_deploy(d->rig, SENDER, ++d->seq);
  (void)started(d, "s", "o");
  for (const char *at = events; *at != '\0'; at += strcspn(at, " "), at += *at == ' ')
    (void)sent(d, "o", fsm_arena_strndup(&d->rig->arena, at, strcspn(at, " ")));
}

static void what_is_on_its_way_from_another_is_pending(void **state) {
  (void)state;
  static const struct {
    const char *machine, *events, *comes_to;
    unsigned inbound;
  } cases[] = {
      {ONE(ALLOW("'chief' in actor.roles")), "", "orphan", 0},
      {ONE(ALLOW("'chief' in actor.roles")), "TELL", "", 1},
      {ONE(ALLOW("'chief' in actor.roles")), "TELL_NOW", "", 1},
      {ONE(ALLOW("'chief' in actor.roles")), "TELL TELL_STRANGE", "", 2},
      {ONE(ALLOW("'chief' in actor.roles")), "TELL BACK", "orphan", 0},
      {ONE(ALLOW("'chief' in actor.roles")), "TELL_OTHER", "orphan", 0},
      {ONE("{}"), "TELL", "dead", 1}, /* it comes, and moves nothing */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    void *own = NULL;
    setup_alone(&own);
    desk *d = own;
    come_both(d, cases[i].machine, cases[i].events);
    const fsm__instance in = instance_of(d, "i");
    const fsm__mobility mobility = mobility_of(d, &in);
    if (strcmp(comes_to(d), cases[i].comes_to) != 0) fail_msg("%s: %s", cases[i].events, comes_to(d));
    assert_int_equal(mobility.pending.inbound, cases[i].inbound);
    assert_int_equal(fsm__pending_any(&mobility.pending), cases[i].inbound > 0);
    teardown(&own);
  }
}

static void so_many_messages_are_looked_at_and_one_more_is_as_they_are(void **state) {
  desk *d = *state;
  come_both(d, ONE("{}"), "");
  for (unsigned i = 0; i <= FSM_INBOUND_MAX; i++) {
    const fsm__inbound *list;
    unsigned count = 0;
    bool more = false;
    if (i > 0) (void)sent(d, "o", "TELL");
    if (i + 1 < FSM_INBOUND_MAX) continue;
    assert_int_equal(fsm__inbound_of(d->rig->store, "i", &d->rig->arena, &list, &count, &more, NULL), FSM_OK);
    assert_int_equal(count, i);
    assert_false(more);
    assert_string_equal(list[0].from, "o");
    assert_string_equal(list[0].event, "GO");
    assert_string_equal(comes_to(d), "dead");
  }
  (void)sent(d, "o", "TELL");
  const fsm__instance in = instance_of(d, "i");
  assert_int_equal(mobility_of(d, &in).pending.inbound, FSM_INBOUND_MAX);
  assert_string_equal(comes_to(d), ""); /* it is not known what the last one is */
}

static void the_earliest_sla_counts(void **state) {
  desk *d = *state;
  come_there(d,
             "{\"id\":\"t\",\"meta\":{\"fsm\":{\"sla\":\"1h\"}},\"initial\":\"a\",\"states\":{\"a\":{\"on\":{"
             "\"GO\":\"b\"},\"meta\":{\"fsm\":{\"sla\":\"2h\"}}},\"b\":{\"meta\":{\"fsm\":{\"sla\":\"10m\"}},"
             "\"on\":{\"OUT\":\"c\"}},\"c\":{\"type\":\"final\"}}}",
             NULL);
  fsm__instance in = instance_of(d, "i");
  fsm__sla sla = fsm__sla_of(in.deployed, in.status, in.active, in.active_count, in.created_ns);
  assert_int_equal(sla.due_ns, in.created_ns + 3600 * SECOND);
  assert_int_equal(sla.state, 0);
  d->now_ns += 60 * SECOND;
  (void)sent(d, "i", "GO");
  in = instance_of(d, "i");
  sla = fsm__sla_of(in.deployed, in.status, in.active, in.active_count, in.created_ns);
  assert_int_equal(sla.due_ns, in.updated_ns + 600 * SECOND);
  assert_string_equal(fsm_state_path(in.deployed->machine, sla.state), "b");
  (void)sent(d, "i", "OUT");
  in = instance_of(d, "i");
  sla = fsm__sla_of(in.deployed, in.status, in.active, in.active_count, in.created_ns);
  assert_int_equal(sla.due_ns, INT64_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_situation_comes_to_what_it_is),
      cmocka_unit_test(what_is_free_is_never_dead),
      cmocka_unit_test_setup_teardown(an_operator_has_to_come_for_what_is_parked, setup_alone, teardown),
      cmocka_unit_test_setup_teardown(who_may_is_told_by_name, setup_alone, teardown),
      cmocka_unit_test(what_is_on_its_way_from_another_is_pending),
      cmocka_unit_test_setup_teardown(so_many_messages_are_looked_at_and_one_more_is_as_they_are, setup_alone,
                                      teardown),
      cmocka_unit_test_setup_teardown(the_earliest_sla_counts, setup_alone, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
