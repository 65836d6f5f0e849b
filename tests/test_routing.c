/* test_routing.c: a route's document and what of it matches; versions as of any seq. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/routing.h"
#include "schema/json.h"

typedef struct desk {
  fsm_arena arena;
  fsm_record record;
  fsm_error err;
} desk;

static const fsm_origin origin = {.store = "a store of test", .epoch = 1};
static const char *const sinks[] = {"siem", "lake"};

static fsm_value json(desk *d, const char *text) {
  fsm_value value;
  fsm_error err = {.text = ""};
  if (fsm_json_parse(&d->arena, text, strlen(text), FSM_JSON_SORTED, &value, &err) != FSM_OK)
    fail_msg("%s: %s: %s", text, err.where, err.text);
  return value;
}

/* A transition of a loan from review.first to approved. */
static int setup(void **state) {
  static const uint8_t hash[32];
  desk *d = calloc(1, sizeof *d);
  d->record = fsm_record_new(FSM_RECORD_TRANSITION);
  d->record.seq = 100;
  d->record.time_ns = 1700000000123456789;
  d->record.mach = "loan";
  d->record.def = d->record.ctxh = d->record.prev = hash;
  d->record.inst = "l-1";
  d->record.corr = "c";
  d->record.from = json(d, "[\"review.first\"]");
  d->record.to = json(d, "[\"approved\"]");
  d->record.tr = json(d, "[3]");
  d->record.trigger = "APPROVE";
  d->record.cause = FSM_CAUSE_EXTERNAL;
  d->record.level = 2;
  d->record.labels = json(d, "{\"department\":\"claims\",\"region\":\"north\"}");
  d->record.data = json(d, "{\"amount\":1200}");
  d->record.act = json(d, "{\"sub\":\"olga\"}");
  *state = d;
  return 0;
}

static int teardown(void **state) {
  desk *d = *state;
  fsm_arena_free(&d->arena);
  free(d);
  return 0;
}

static fsm_code read_route(desk *d, const char *text, const fsm__route **out) {
  const fsm_value document = json(d, text);
  d->err = (fsm_error){.text = ""};
  return fsm__route_read(&d->arena, &document, sinks, 2, out, &d->err);
}

/* The members besides sinks. */
static const fsm__route *route_of(desk *d, const char *members) {
  const fsm__route *route = NULL;
  char text[4096];
  snprintf(text, sizeof text, "{%s%s\"sinks\":[\"siem\"]}", members, *members ? "," : "");
  if (read_route(d, text, &route) != FSM_OK) fail_msg("%s: %s: %s", text, d->err.where, d->err.text);
  return route;
}

/* part NULL: it matches. */
static void expect(desk *d, const char *members, const char *part) {
  fsm__matched matched;
  assert_int_equal(fsm__route_matches(route_of(d, members), &d->record, &origin, &d->arena, &matched, NULL),
                   FSM_OK);
  if (matched.fault.code != FSM_OK) fail_msg("%s: %s: %s", members, matched.fault.where, matched.fault.text);
  if (matched.matches != (part == NULL) || (part != NULL && strcmp(part, matched.part) != 0))
    fail_msg("%s: %s, expected %s", members, matched.matches ? "matches" : matched.part,
             part ? part : "a match");
}

static void refused(desk *d, const char *text, fsm_code code, const char *where, const char *says) {
  const fsm__route *route = NULL;
  const fsm_code got = read_route(d, text, &route);
  if (got != code || strcmp(d->err.where, where) != 0 || strstr(d->err.text, says) == NULL)
    fail_msg("%s: %s (%s: %s), expected %s (%s: %s)", text, fsm_code_name(got), d->err.where, d->err.text,
             fsm_code_name(code), where, says);
}

/* ---- what matches ------------------------------------------------------------------------------- */

static void what_a_route_does_not_name_matches_everything(void **state) {
  desk *d = *state;
  expect(d, "", NULL);
  d->record = fsm_record_new(FSM_RECORD_EPOCH);
  expect(d, "", NULL);
}

static void each_member_is_asked(void **state) {
  desk *d = *state;
  static const char *const rows[][3] = {
      {"\"machine\":\"loan\"", "\"machine\":\"loans\"", "machine"},
      {"\"kind\":\"transition\"", "\"kind\":\"completed\"", "kind"},
      {"\"event\":\"APPROVE\"", "\"event\":\"approve\"", "event"},
      {"\"from\":\"review.first\"", "\"from\":\"review.second\"", "from"},
      {"\"to\":\"approved\"", "\"to\":\"review.first\"", "to"},
      {"\"level\":2", "\"level\":3", "level"},
      {"\"labels\":{\"department\":\"claims\"}", "\"labels\":{\"department\":\"sales\"}", "labels"},
      {"\"where\":\"record.data.amount > 1000\"", "\"where\":\"record.data.amount > 2000\"", "where"},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    expect(d, rows[i][0], NULL);
    expect(d, rows[i][1], rows[i][2]);
  }
}

static void a_list_is_any_of_it_and_all_members_must_match(void **state) {
  desk *d = *state;
  expect(d, "\"machine\":[\"claim\",\"loan\"],\"kind\":[\"completed\",\"transition\"]", NULL);
  expect(d, "\"machine\":[\"claim\",\"order\"],\"kind\":[\"completed\",\"transition\"]", "machine");
  expect(d, "\"machine\":[\"claim\",\"loan\"],\"kind\":[\"completed\",\"created\"]", "kind");
  expect(d, "\"labels\":{\"department\":[\"sales\",\"claims\"],\"region\":\"n*\"}", NULL);
  expect(d, "\"labels\":{\"department\":\"claims\",\"region\":\"south\"}", "labels");
  expect(d, "\"labels\":{\"colour\":\"*\"}", "labels"); /* it has no such label */
  expect(d, "\"labels\":{}", NULL);
}

static void a_star_at_the_end_is_the_rest(void **state) {
  desk *d = *state;
  expect(d, "\"machine\":\"lo*\",\"event\":\"APP*\",\"kind\":\"tran*\",\"to\":\"app*\"", NULL);
  expect(d, "\"machine\":\"loan*\"", NULL);
  expect(d, "\"machine\":\"loans*\"", "machine");
  expect(d, "\"machine\":\"*\",\"event\":\"*\",\"kind\":\"*\",\"from\":\"*\"", NULL);
  d->record = fsm_record_new(FSM_RECORD_EPOCH); /* what is not there is not even `*` */
  expect(d, "\"machine\":\"*\"", "machine");
  expect(d, "\"event\":\"*\"", "event");
  expect(d, "\"to\":\"*\"", "to");
}

static void a_state_above_a_leaf_matches_and_a_longer_name_does_not(void **state) {
  desk *d = *state;
  d->record.to = json(d, "[\"work.left.a\",\"work.right.b\"]");
  expect(d, "\"from\":\"review\"", NULL);
  expect(d, "\"to\":\"work\"", NULL);
  expect(d, "\"to\":\"work.right\"", NULL);
  expect(d, "\"to\":\"work.right.b\"", NULL);
  expect(d, "\"to\":\"work.r*\"", NULL);
  expect(d, "\"to\":\"wor\"", "to");
  expect(d, "\"to\":\"right\"", "to");
  expect(d, "\"to\":\"work.right.b.c\"", "to");
}

static void a_level_is_at_least(void **state) {
  desk *d = *state;
  for (int level = 0; level <= 255; level += 5) {
    char text[32];
    snprintf(text, sizeof text, "\"level\":%d", level);
    for (int of = 0; of <= 255; of += 5) {
      d->record.level = (uint8_t)of;
      expect(d, text, of >= level ? NULL : "level");
    }
  }
}

/* ---- where -------------------------------------------------------------------------------------- */

static void a_where_reads_the_record_with_its_times_as_timestamps(void **state) {
  desk *d = *state;
  expect(d, "\"where\":\"record.time > timestamp('2023-11-14T22:13:20Z')\"", NULL);
  expect(d, "\"where\":\"record.time == timestamp('2023-11-14T22:13:20.123456789Z')\"", NULL);
  expect(d, "\"where\":\"record.time.getHours() == 22 && record.kind == 'transition'\"", NULL);
  expect(d, "\"where\":\"record.id.endsWith('.0.1.100') && record.seq == 100 && record.epoch == 1\"", NULL);
  expect(d, "\"where\":\"'approved' in record.to && record.act.sub != 'batch'\"", NULL);
  d->record.timers = json(d, "[{\"id\":\"t\",\"due\":1700000060123456789,\"event\":\"E\"}]");
  expect(d, "\"where\":\"record.timers.exists(t, t.due - record.time == duration('60s'))\"", NULL);
}

static void a_where_that_fails_on_a_record_does_not_match_and_says_why(void **state) {
  desk *d = *state;
  fsm__matched matched;
  d->record.act = fsm_null();
  const fsm__route *route = route_of(d, "\"where\":\"record.act.sub != 'batch'\"");
  assert_int_equal(fsm__route_matches(route, &d->record, &origin, &d->arena, &matched, NULL), FSM_OK);
  assert_false(matched.matches);
  assert_string_equal(matched.part, "where");
  assert_int_equal(matched.fault.code, FSM_EEXPRESSION);
  assert_string_equal(matched.fault.where, "1:1");
  expect(d, "\"where\":\"record.?act.?sub.orValue('') != 'batch'\"", NULL);
  expect(d, "\"where\":\"has(record.act) && record.act.sub != 'batch'\"", "where");
}

static void a_where_is_not_asked_when_another_part_does_not_match(void **state) {
  desk *d = *state;
  fsm__matched matched;
  const fsm__route *route = route_of(d, "\"level\":9,\"where\":\"record.data.nothing > 1\"");
  const size_t before = fsm_arena_used(&d->arena);
  assert_int_equal(fsm__route_matches(route, &d->record, &origin, &d->arena, &matched, NULL), FSM_OK);
  assert_string_equal(matched.part, "level");
  assert_int_equal(matched.fault.code, FSM_OK);
  assert_int_equal(fsm_arena_used(&d->arena), before); /* no view of the record was made */
}

static void a_where_is_checked_against_the_shape_of_a_record(void **state) {
  desk *d = *state;
  refused(d, "{\"where\":\"record.levle > 1\",\"sinks\":[\"siem\"]}", FSM_EEXPRESSION, "/where",
          "1:1: record.levle: there is no member levle, did you mean level?");
  refused(d, "{\"where\":\"true &&\\n record.level > 'x'\",\"sinks\":[\"siem\"]}", FSM_EEXPRESSION, "/where",
          "2:");
  refused(d, "{\"where\":\"record.level\",\"sinks\":[\"siem\"]}", FSM_EEXPRESSION, "/where", "true or false");
  refused(d, "{\"where\":\"record.time > '2026'\",\"sinks\":[\"siem\"]}", FSM_EEXPRESSION, "/where", "1:");
  refused(d, "{\"where\":\"context.x\",\"sinks\":[\"siem\"]}", FSM_EEXPRESSION, "/where",
          "there is no member context");
  refused(d, "{\"where\":\"record.level >\",\"sinks\":[\"siem\"]}", FSM_EEXPRESSION, "/where", "1:15");
}

static void every_field_of_a_record_can_be_read(void **state) {
  desk *d = *state;
#define X(key, member, name)                                                    \
  {                                                                             \
    const fsm__where *where = NULL;                                             \
    const char *text = "has(record." name ")";                                  \
    fsm_error err = {.text = ""};                                               \
    if (fsm__where_read(&d->arena, text, strlen(text), &where, &err) != FSM_OK) \
      fail_msg("%s: %s: %s", text, err.where, err.text);                        \
  }
  FSM_RECORD_FIELDS(X)
#undef X
}

static void a_where_stands_alone_for_a_sinks_own_filter(void **state) {
  desk *d = *state;
  const fsm__where *where = NULL;
  bool matches = false;
  const char text[] = "record.data.amount > 1000";
  assert_int_equal(fsm__where_read(&d->arena, text, strlen(text), &where, NULL), FSM_OK);
  assert_int_equal(fsm__where_matches(where, &d->record, &origin, &d->arena, &matches, &d->err), FSM_OK);
  assert_true(matches);
  d->record.data = json(d, "{}");
  assert_int_equal(fsm__where_matches(where, &d->record, &origin, &d->arena, &matches, &d->err),
                   FSM_EEXPRESSION);
  assert_false(matches);
}

/* ---- what is refused ---------------------------------------------------------------------------- */

static void what_cannot_be_a_route_is_refused_by_place(void **state) {
  desk *d = *state;
  static const struct {
    const char *text, *where, *says;
  } rows[] = {
      {"[]", "", "a route is an object"},
      {"{}", "/sinks", "names the sinks"},
      {"{\"sinks\":[]}", "/sinks", "at least one sink"},
      {"{\"sinks\":[1]}", "/sinks/0", "the name of a sink"},
      {"{\"sinks\":\"sien\"}", "/sinks",
       "unknown sink \"sien\"; did you mean \"siem\"? (there are: siem, lake)"},
      {"{\"sinks\":[\"siem\",\"x\"]}", "/sinks/1", "unknown sink \"x\" (there are"},
      {"{\"sinks\":[\"siem\",\"siem\"]}", "/sinks/1", "named twice"},
      {"{\"machin\":\"loan\",\"sinks\":[\"siem\"]}", "/machin",
       "a route has no member \"machin\"; did you mean \"machine\"?"},
      {"{\"machine\":1,\"sinks\":[\"siem\"]}", "/machine", "a text is expected"},
      {"{\"machine\":\"\",\"sinks\":[\"siem\"]}", "/machine", "an empty text"},
      {"{\"machine\":[],\"sinks\":[\"siem\"]}", "/machine", "an empty list"},
      {"{\"machine\":[\"a\",2],\"sinks\":[\"siem\"]}", "/machine/1", "a text is expected"},
      {"{\"machine\":\"a*b\",\"sinks\":[\"siem\"]}", "/machine", "only at the end"},
      {"{\"kind\":\"transtion\",\"sinks\":[\"siem\"]}", "/kind",
       "there is no kind of record \"transtion\"; did you mean \"transition\"?"},
      {"{\"kind\":[\"created\",\"xyz*\"],\"sinks\":[\"siem\"]}", "/kind/1",
       "there is no kind of record \"xyz*\""},
      {"{\"level\":256,\"sinks\":[\"siem\"]}", "/level", "0 to 255"},
      {"{\"level\":-1,\"sinks\":[\"siem\"]}", "/level", "0 to 255"},
      {"{\"level\":1.0,\"sinks\":[\"siem\"]}", "/level", "0 to 255"},
      {"{\"labels\":[],\"sinks\":[\"siem\"]}", "/labels", "an object"},
      {"{\"labels\":{\"a/b\":1},\"sinks\":[\"siem\"]}", "/labels/a~1b", "a text is expected"},
      {"{\"where\":1,\"sinks\":[\"siem\"]}", "/where", "an expression"},
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    refused(d, rows[i].text, FSM_EARGUMENT, rows[i].where, rows[i].says);
}

static void without_any_sink_the_refusal_says_so(void **state) {
  desk *d = *state;
  const fsm_value document = json(d, "{\"sinks\":[\"siem\"]}");
  const fsm__route *route = NULL;
  assert_int_equal(fsm__route_read(&d->arena, &document, sinks, 0, &route, &d->err), FSM_EARGUMENT);
  assert_string_equal(d->err.text, "unknown sink \"siem\": no sink is configured here");
  assert_int_equal(fsm__route_read(&d->arena, &document, NULL, 0, &route, &d->err), FSM_OK);
}

static const char *texts_of(desk *d, unsigned count) {
  fsm_buf text = {0};
  fsm_buf_str(&text, "{\"machine\":[");
  for (unsigned i = 0; i < count; i++) fsm_buf_printf(&text, "%s\"m%u\"", i ? "," : "", i);
  fsm_buf_str(&text, "],\"sinks\":[\"siem\"]}");
  const char *kept = fsm_arena_strdup(&d->arena, fsm_buf_text(&text));
  fsm_buf_free(&text);
  return kept;
}

static const char *bytes_of(desk *d, size_t bytes) {
  const char *frame = "{\"machine\":\"\",\"sinks\":[\"siem\"]}";
  const size_t fill = bytes - strlen(frame);
  char *x = fsm_arena_alloc(&d->arena, fill + 1);
  memset(x, 'x', fill);
  x[fill] = '\0';
  return fsm_arena_printf(&d->arena, "{\"machine\":\"%s\",\"sinks\":[\"siem\"]}", x);
}

static void the_limits_hold_at_their_edge_and_one_past_it(void **state) {
  desk *d = *state;
  const fsm__route *route = NULL;
  assert_int_equal(read_route(d, texts_of(d, FSM_ROUTE_TEXTS_MAX), &route), FSM_OK);
  refused(d, texts_of(d, FSM_ROUTE_TEXTS_MAX + 1), FSM_ETOOLARGE, "/machine", "at most 64 texts");
  assert_int_equal(read_route(d, bytes_of(d, FSM_ROUTE_BYTES_MAX), &route), FSM_OK);
  refused(d, bytes_of(d, FSM_ROUTE_BYTES_MAX + 1), FSM_ETOOLARGE, "", "over 16384 bytes");
  char label[FSM_LABEL_BYTES_MAX + 2], text[256];
  memset(label, 'l', sizeof label);
  label[sizeof label - 1] = '\0';
  snprintf(text, sizeof text, "{\"labels\":{\"%s\":\"x\"},\"sinks\":[\"siem\"]}", label);
  refused(d, text, FSM_ETOOLARGE, fsm_arena_printf(&d->arena, "/labels/%s", label), "1 to 64 bytes");
  label[sizeof label - 2] = '\0';
  snprintf(text, sizeof text, "{\"labels\":{\"%s\":\"x\"},\"sinks\":[\"siem\"]}", label);
  assert_int_equal(read_route(d, text, &route), FSM_OK);
}

/* ---- versions ----------------------------------------------------------------------------------- */

static bool gives(desk *d, fsm__routing *routing, const char *sink, uint64_t seq) {
  bool answer = false;
  d->record.seq = seq;
  assert_int_equal(fsm__routing_gives(routing, sink, &d->record, &origin, &d->arena, &answer, NULL, NULL),
                   FSM_OK);
  return answer;
}

static void add(desk *d, fsm__routing *routing, const char *name, uint64_t seq, const char *text) {
  const fsm_value document = text ? json(d, text) : fsm_null();
  assert_int_equal(fsm__routing_add(routing, name, seq, &document, NULL), FSM_OK);
}

static void the_version_that_stood_when_a_record_was_written_is_in_force(void **state) {
  desk *d = *state;
  fsm__routing *routing = NULL;
  assert_int_equal(fsm__routing_new(&routing, NULL), FSM_OK);
  add(d, routing, "r", 20, "{\"sinks\":[\"lake\"]}"); /* not in their order */
  add(d, routing, "r", 10, "{\"sinks\":[\"siem\"]}");
  add(d, routing, "r", 30, NULL);
  add(d, routing, "r", 40, "{\"sinks\":[\"siem\",\"lake\"]}");
  for (uint64_t seq = 1; seq < 50; seq++) {
    assert_int_equal(gives(d, routing, "siem", seq), (seq > 10 && seq <= 20) || seq > 40);
    assert_int_equal(gives(d, routing, "lake", seq), (seq > 20 && seq <= 30) || seq > 40);
    assert_false(gives(d, routing, "other", seq));
  }
  add(d, routing, "r", 40, "{\"sinks\":[\"other\"]}"); /* it is there already */
  assert_false(gives(d, routing, "other", 50));
  fsm__routing_free(routing);
}

static void any_of_the_routes_gives_it(void **state) {
  desk *d = *state;
  fsm__routing *routing = NULL;
  assert_int_equal(fsm__routing_new(&routing, NULL), FSM_OK);
  add(d, routing, "a", 1, "{\"machine\":\"claim\",\"sinks\":[\"siem\"]}");
  assert_false(gives(d, routing, "siem", 100));
  add(d, routing, "b", 2, "{\"machine\":\"loan\",\"sinks\":[\"siem\"]}");
  assert_true(gives(d, routing, "siem", 100));
  assert_false(gives(d, routing, "lake", 100));
  fsm__routing_free(routing);
}

static void faults_of_a_where_are_counted_and_an_unreadable_version_matches_nothing(void **state) {
  desk *d = *state;
  fsm__routing *routing = NULL;
  bool answer = true;
  uint64_t faults = 0;
  assert_int_equal(fsm__routing_new(&routing, NULL), FSM_OK);
  add(d, routing, "a", 1, "{\"where\":\"record.data.nothing > 1\",\"sinks\":[\"siem\"]}");
  add(d, routing, "b", 2,
      "{\"where\":\"record.nothing\",\"sinks\":[\"siem\"]}"); /* of another version of us */
  for (unsigned i = 1; i <= 3; i++) {
    assert_int_equal(
        fsm__routing_gives(routing, "siem", &d->record, &origin, &d->arena, &answer, &faults, NULL), FSM_OK);
    assert_false(answer);
    assert_int_equal(faults, i);
  }
  assert_int_equal(
      fsm__routing_gives(routing, "lake", &d->record, &origin, &d->arena, &answer, &faults, NULL), FSM_OK);
  assert_int_equal(faults, 3); /* it was not asked */
  fsm__routing_free(routing);
}

static void route_records_are_noted_as_they_come_by(void **state) {
  desk *d = *state;
  fsm__routing *routing = NULL;
  assert_int_equal(fsm__routing_new(&routing, NULL), FSM_OK);
  fsm_record route = fsm_record_new(FSM_RECORD_ROUTE);
  route.seq = 7;
  route.detail = json(d, "{\"name\":\"r\",\"version\":1,\"route\":{\"sinks\":[\"siem\"]}}");
  assert_int_equal(fsm__routing_note(routing, &route, NULL), FSM_OK);
  assert_int_equal(fsm__routing_note(routing, &d->record, NULL), FSM_OK);
  assert_true(gives(d, routing, "siem", 8));
  route.seq = 9;
  route.detail = json(d, "{\"name\":\"r\",\"version\":2,\"removed\":true}");
  assert_int_equal(fsm__routing_note(routing, &route, NULL), FSM_OK);
  assert_true(gives(d, routing, "siem", 9));
  assert_false(gives(d, routing, "siem", 10));
  fsm__routing_free(routing);
}

typedef struct asker {
  fsm__routing *routing;
  const fsm_record *record;
  unsigned given;
} asker;

static void *ask(void *arg) {
  asker *a = arg;
  fsm_arena scratch;
  fsm_arena_init(&scratch, 0);
  for (unsigned i = 0; i < 2000; i++) {
    bool answer = false;
    if (fsm__routing_gives(a->routing, "siem", a->record, &origin, &scratch, &answer, NULL, NULL) != FSM_OK)
      break;
    a->given += answer;
    fsm_arena_reset(&scratch);
  }
  fsm_arena_free(&scratch);
  return NULL;
}

static void sinks_ask_while_versions_come_in(void **state) {
  desk *d = *state;
  fsm__routing *routing = NULL;
  pthread_t threads[3];
  asker askers[3];
  assert_int_equal(fsm__routing_new(&routing, NULL), FSM_OK);
  add(d, routing, "first", 1, "{\"sinks\":[\"siem\"]}");
  for (unsigned i = 0; i < 3; i++) {
    askers[i] = (asker){.routing = routing, .record = &d->record};
    assert_int_equal(pthread_create(&threads[i], NULL, ask, &askers[i]), 0);
  }
  for (unsigned i = 0; i < 300; i++) {
    char name[16];
    snprintf(name, sizeof name, "r%u", i % 40);
    add(d, routing, name, 200 + i, "{\"where\":\"record.level > 1\",\"sinks\":[\"siem\"]}");
  }
  for (unsigned i = 0; i < 3; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(askers[i].given, 2000);
  }
  fsm__routing_free(routing);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(what_a_route_does_not_name_matches_everything),
      T(each_member_is_asked),
      T(a_list_is_any_of_it_and_all_members_must_match),
      T(a_star_at_the_end_is_the_rest),
      T(a_state_above_a_leaf_matches_and_a_longer_name_does_not),
      T(a_level_is_at_least),
      T(a_where_reads_the_record_with_its_times_as_timestamps),
      T(a_where_that_fails_on_a_record_does_not_match_and_says_why),
      T(a_where_is_not_asked_when_another_part_does_not_match),
      T(a_where_is_checked_against_the_shape_of_a_record),
      T(every_field_of_a_record_can_be_read),
      T(a_where_stands_alone_for_a_sinks_own_filter),
      T(what_cannot_be_a_route_is_refused_by_place),
      T(without_any_sink_the_refusal_says_so),
      T(the_limits_hold_at_their_edge_and_one_past_it),
      T(the_version_that_stood_when_a_record_was_written_is_in_force),
      T(any_of_the_routes_gives_it),
      T(faults_of_a_where_are_counted_and_an_unreadable_version_matches_nothing),
      T(route_records_are_noted_as_they_come_by),
      T(sinks_ask_while_versions_come_in),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
