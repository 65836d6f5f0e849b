/* Writing definitions: each construct in the other notation, refusals with their places, and machines that
 * behave as they did after they went there and back. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fsm/session.h"
#include "schema/definition.h"
#include "schema/json.h"
#include "schema/scxml.h"

#define CORPUS FSM_SOURCE_DIR "/../shared/corpus/scion-xstate-json"

static fsm_arena arena;
static fsm_error err;
static int setup(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  return 0;
}
static int teardown(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  return 0;
}

/* ---- reading and writing ----------------------------------------------------------------------- */

static const fsm_def *def_of(const char *text) {
  const fsm_def *def = NULL;
  err = (fsm_error){0};
  fsm_code code = *text == '<' ? fsm_scxml_read(&arena, text, strlen(text), NULL, &def, &err)
                               : fsm_definition_read(&arena, text, strlen(text), &def, &err);
  if (code) fail_msg("%s: %s in %s", err.where, err.text, text);
  return def;
}

/* In the other notation; NULL when it is refused, err says why. */
static const char *converted(const char *text) {
  fsm_buf buf = {0};
  const fsm_def *def = def_of(text);
  err = (fsm_error){0};
  fsm_code code = *text == '<' ? fsm_definition_write(def, &buf, &err) : fsm_scxml_write(def, &buf, &err);
  assert_int_equal(code, err.code);
  const char *out = code ? NULL : fsm_arena_strdup(&arena, fsm_buf_text(&buf));
  if (code) assert_int_equal(buf.len, 0);
  fsm_buf_free(&buf);
  return out;
}

/* The document without the lines around what is meant. */
static void expect_inside(const char *text, const char *inside) {
  const char *out = converted(text);
  if (!out) fail_msg("%s: %s", err.where, err.text);
  if (!strstr(out, inside)) fail_msg("%s\nis not in\n%s", inside, out);
}

#define JSON(rest) "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"n\":0,\"l\":[1]}," rest "}"
#define SCXML(attributes, rest) \
  "<scxml xmlns='http://www.w3.org/2005/07/scxml' " attributes ">" rest "</scxml>"

static void each_construct_of_json_is_written_in_scxml(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {JSON("\"states\":{\"a\":{}}"),
       "<scxml xmlns=\"http://www.w3.org/2005/07/scxml\" version=\"1.0\" "
       "datamodel=\"cel\" name=\"m\" initial=\"a\">"},
      {JSON("\"states\":{\"a\":{}}"), "<data id=\"n\" expr=\"0\"/>"},
      {JSON("\"states\":{\"a\":{\"initial\":\"b\",\"states\":{\"b\":{},\"c\":{\"type\":\"final\"}}}}"),
       "<state id=\"a\" initial=\"a.b\">\n    <state id=\"a.b\"/>\n    <final id=\"a.c\"/>"},
      {JSON("\"states\":{\"a\":{\"on\":{\"E\":{\"target\":\"b\",\"guard\":{\"@expr\":\"context.n < 1 && "
            "event.x == 1\"}}}},\"b\":{}}"),
       "<transition event=\"E\" cond=\"n &lt; 1 &amp;&amp; _event.data.x == 1\" target=\"b\"/>"},
      {JSON("\"states\":{\"a\":{\"on\":{\"E\":\"b\",\"E.x\":\"b\",\"F.*\":\"b\",\"*\":\"b\"}},\"b\":{}}"),
       "<transition event=\"E\" cond=\"_event.name == 'E'\" target=\"b\"/>"},
      {JSON("\"states\":{\"a\":{\"entry\":{\"type\":\"@xstate.assign\",\"context\":{\"n\":{\"@expr\":"
            "\"context.n + "
            "1\"}}}}}"),
       "<assign location=\"n\" expr=\"n + 1\"/>"},
      {JSON("\"states\":{\"a\":{\"entry\":{\"type\":\"@xstate.assign\",\"context\":{\"new\":\"x\"}}}}"),
       "<script>new = \"x\"</script>"},
      {JSON("\"states\":{\"a\":{\"entry\":[{\"type\":\"@xstate.raise\",\"event\":{\"type\":\"E\"}},"
            "{\"type\":\"@xstate.raise\",\"event\":{\"type\":\"E\",\"p\":1}},"
            "{\"type\":\"@xstate.raise\",\"event\":{\"type\":\"E\"},\"delay\":1500,\"id\":\"i\"},"
            "{\"type\":\"@xstate.cancel\",\"id\":\"i\"},{\"type\":\"@xstate.log\",\"args\":[1]}]}}"),
       "<raise event=\"E\"/>\n      <send event=\"E\" target=\"#_internal\">\n        <param name=\"p\" "
       "expr=\"1\"/>\n      </send>\n      <send event=\"E\" id=\"i\" delay=\"1500ms\"/>\n      <cancel "
       "sendid=\"i\"/>\n      <log expr=\"[1]\"/>"},
      {JSON("\"states\":{\"a\":{\"after\":{\"2000\":\"b\"}},\"b\":{}}"),
       "<send event=\"after.2000.a\" id=\"after.2000.a\" delay=\"2s\"/>\n    </onentry>\n    <onexit>\n      "
       "<cancel sendid=\"after.2000.a\"/>\n    </onexit>\n    <transition event=\"after.2000.a\" "
       "target=\"b\"/>"},
      {JSON("\"states\":{\"a\":{\"invoke\":{\"id\":\"i\",\"src\":\"svc\",\"input\":{\"p\":{\"@expr\":"
            "\"context.n\"}},"
            "\"onDone\":\"b\"}},\"b\":{}}"),
       "<invoke id=\"i\" src=\"svc\">\n      <param name=\"p\" expr=\"n\"/>\n    </invoke>\n    <transition "
       "event=\"done.invoke.i\" target=\"b\"/>"},
      {JSON("\"states\":{\"a\":{\"initial\":\"b\",\"onDone\":\"z\",\"states\":{\"b\":{\"type\":\"final\","
            "\"output\":"
            "{\"p\":{\"@expr\":\"context.n\"}}}}},\"z\":{}}"),
       "<donedata>\n        <param name=\"p\" expr=\"n\"/>\n      </donedata>"},
      {JSON("\"states\":{\"a\":{\"type\":\"parallel\",\"states\":{\"h\":{\"type\":\"history\",\"history\":"
            "\"deep\"},"
            "\"r\":{}}}}"),
       "<history id=\"a.h\" type=\"deep\">\n      <transition target=\"a\"/>"},
      {JSON("\"states\":{\"a\":{\"tags\":[\"t\"],\"description\":\"d & e\",\"meta\":{\"k\":1},\"on\":{\"E\":"
            "{\"reenter\":true,\"target\":\"a\"}}}}"),
       "<state id=\"a\" fsm:description=\"d &amp; e\" fsm:tags=\"[&quot;t&quot;]\" "
       "fsm:meta=\"{&quot;k&quot;:1}\">\n    <transition event=\"E\" target=\"a\"/>"},
      {JSON("\"states\":{\"a\":{\"initial\":\"b\",\"on\":{\"E\":\".b\"},\"states\":{\"b\":{\"on\":{\"F\":{"
            "\"target\":"
            "\"b\"}},\"always\":{\"guard\":{\"@expr\":\"In('a.b') && false\"},\"target\":\"#m\"}}}}}"),
       "<transition event=\"E\" type=\"internal\" target=\"a.b\"/>"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) expect_inside(rows[i][0], rows[i][1]);
}

static void each_construct_of_scxml_is_written_in_json(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {SCXML("name='m'", "<datamodel><data id='n' expr='1'/></datamodel><state id='a'/>"),
       "{\n  \"id\": \"m\",\n  \"@exprLang\": \"cel\",\n  \"context\": {\n    \"n\": {\n      \"@expr\": "
       "\"1\"\n    }\n  },\n  \"initial\": \"a\","},
      {SCXML("",
             "<state id='a'><transition event='e f.*' cond=\"n == 1 &amp;&amp; In('b.c')\" "
             "target='b.c'/></state>"
             "<state id='b'><state id='b.c'/></state>"),
       "\"e\": [\n          {\n            \"target\": \"#scxml.b.c\",\n            \"guard\": {\n           "
       "   "
       "\"@expr\": \"context.n == 1 && In('b.c')\""},
      {SCXML("", "<state id='a'><transition event='error' target='b'/></state><state id='b'/>"),
       "\"error.*\": ["},
      {SCXML("", "<state id='a'><transition event='e' target='a'/></state>"), "\"reenter\": true"},
      {SCXML(
           "",
           "<state id='a'><onentry><assign location='n' expr='n + 1'/><assign location='o.f' expr='n'/>"
           "<send event='e' delay='1s' id='i'><param name='p' expr='n'/></send><raise event='r'/>"
           "<send event='x' target='#_parent'/><send event='y' target='#_internal'/><log expr='n' label='l'/>"
           "</onentry></state>"),
       "\"@expr\": \"merge(context.o, {'f': context.n})\""},
      {SCXML("", "<state id='a'><onentry><send event='e'/></onentry></state>"),
       "\"type\": \"@xstate.sendTo\",\n          \"to\": \"self\","},
      {SCXML("",
             "<state id='a'><transition event='done.state.a done.invoke.i done.invoke' target='z'/>"
             "<final id='f'/></state><state id='z'/>"),
       "\"xstate.done.state.a\": ["},
      {SCXML("", "<state id='a'><transition event='done.invoke' target='z'/></state><state id='z'/>"),
       "\"xstate.done.actor.*\": ["},
      {SCXML("", "<state id='a'><transition cond='true' target='z'/></state><state id='z'/>"),
       "\"always\": ["},
      {SCXML("",
             "<state id='a'><history id='h' type='deep'><transition target='c'/></history><state "
             "id='c'/></state>"),
       "\"history\": \"deep\",\n          \"target\": [\n            \"#scxml.a.c\""},
      {SCXML("", "<state id='a'><invoke id='i' src='svc'><param name='p' expr='1'/></invoke></state>"),
       "\"src\": \"svc\",\n          \"input\": {\n            \"p\": {"},
      {SCXML("",
             "<state id='a'><initial><transition target='b'><log expr='1'/></transition></initial>"
             "<state id='b'/></state>"),
       "\"initial\": {\n        \"target\": \"b\",\n        \"actions\": ["},
      {SCXML("", "<final id='a'><donedata><content expr='n'/></donedata></final>"),
       "\"output\": {\n        \"@expr\": \"context.n\""},
      {SCXML("", "<state id='1'/><parallel id='x.y'><state id='x.y.z'/></parallel>"), "\"_1\": {}"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    expect_inside(rows[i][0], rows[i][1]);
    def_of(converted(rows[i][0])); /* and it is one that loads */
  }
}

/* ---- refusals ---------------------------------------------------------------------------------- */

static void what_the_other_notation_has_no_like_of_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *where, *said;
  } rows[] = {
      {JSON("\"output\":1,\"states\":{\"a\":{}}"), "/output", "in SCXML a machine has no output of its own"},
      {JSON("\"entry\":{\"type\":\"@xstate.log\",\"args\":[1]},\"states\":{\"a\":{}}"), "/entry",
       "in SCXML the root has no entry actions"},
      {JSON("\"states\":{\"a\":{\"entry\":{\"type\":\"@xstate.emit\",\"event\":{\"type\":\"E\"}}}}"),
       "/states/a/entry", "SCXML has no like of the action \"@xstate.emit\""},
      {JSON("\"states\":{\"a\":{\"always\":{\"guard\":{\"@expr\":\"actor.sub == 'x'\"}}}}"),
       "/states/a/always/guard", "actor has no like in SCXML (1:1 of actor.sub == 'x')"},
      {JSON("\"states\":{\"a\":{\"entry\":{\"type\":\"@xstate.assign\",\"context\":{\"n\":{\"@expr\":"
            "\"context.n + "
            "1\"},\"l\":{\"@expr\":\"[context.n]\"}}}}}"),
       "/states/a/entry",
       "\"l\" is computed from \"n\" as it was before this assignment, and in SCXML one is assigned after "
       "the "
       "other"},
      {JSON("\"states\":{\"a b\":{},\"a\":{}}"), "/states/a b", "\"a b\" is no id of a state in SCXML"},
      {JSON("\"states\":{\"a\":{\"invoke\":{\"id\":\"i\",\"src\":\"s\",\"onError\":\"a\"}}}"),
       "/states/a/invoke/onError", "the event \"xstate.error.actor.i\" has no like in SCXML"},
      {JSON("\"states\":{\"a\":{\"initial\":\"b\",\"on\":{\"E\":\"a\"},\"states\":{\"b\":{}}}}"),
       "/states/a/on/E", "SCXML cannot begin \"a\" anew without leaving it"},
      {SCXML("", "<state id='a'><onentry><if cond='true'/></onentry></state>"), "1:72",
       "<if> has no like in JSON"},
      {SCXML("", "<state id='a'><onentry><foreach array='l' item='i'/></onentry></state>"), "1:72",
       "<foreach> has no like in JSON"},
      {SCXML("",
             "<state id='a'><onentry><raise event='e'/></onentry><onentry><raise "
             "event='f'/></onentry></state>"),
       "1:63", "several <onentry> or <onexit> of one state have no like in JSON"},
      {SCXML("", "<state id='a'><invoke><content><scxml><state/></scxml></content></invoke></state>"), "1:63",
       "a machine inside an invocation has no like in JSON"},
      {SCXML("", "<state id='a'><transition cond='_sessionid == x'/></state>"), "1:81",
       "_sessionid has no like in JSON (1:1 of _sessionid == x)"},
      {SCXML("initial='c'", "<state id='a'><state id='c'/></state>"), "1:1",
       "in JSON a state begins with one of its own: \"scxml\" does not"},
      {SCXML("", "<state id='a'><transition event='*'/><transition event='e'/></state>"), "1:86",
       "the transition on \"*\" is tried before that on \"e\", and in JSON behind it"},
      {SCXML("",
             "<parallel id='p'><state id='a'><transition event='e' target='b'/></state><state "
             "id='b'/></parallel>"),
       "1:80",
       "the transition goes from one region of \"p\" to another or into itself, which the notations read "
       "differently"},
      {SCXML("",
             "<parallel id='p'><transition event='e' target='z'/><state id='a'><transition event='e.f'/>"
             "</state><state id='b'/></parallel><state id='z'/>"),
       "1:66",
       "in SCXML the transition is taken beside one of \"p.a\" on the same event, in JSON only without it"},
      {JSON("\"on\":{\"E\":{\"actions\":{\"type\":\"@xstate.log\",\"args\":[1]}}},\"states\":{\"a\":{"
            "\"type\":\"parallel\","
            "\"states\":{\"b\":{\"on\":{\"E\":{\"target\":\"#m.c\"}}},\"d\":{}}},\"c\":{}}"),
       "/on/E",
       "in SCXML the transition is taken beside one of \"a.b\" on the same event, in JSON only without it"},
      {JSON("\"states\":{\"a\":{\"on\":{\"it's\":\"b\",\"it's.so\":\"a\"}},\"b\":{}}"), "/states/a/on/it's",
       "a condition cannot ask for an event called \"it's\""},
      {SCXML("", "<datamodel><data id='a'>[{\"@expr\": \"1\"}]</data></datamodel><state/>"), "1:60",
       "data with a member \"@expr\" or \"@code\" would be code in JSON"},
      {SCXML("", "<datamodel><data id='a' expr='1'/><data id='b' expr='a'/></datamodel><state/>"), "1:102",
       "\"b\" is computed from other variables or the event, which JSON's context cannot be"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (converted(rows[i].text)) fail_msg("%s is taken", rows[i].text);
    assert_int_equal(err.code, FSM_EUNSUPPORTED);
    assert_string_equal(err.text, rows[i].said);
    assert_string_equal(err.where, rows[i].where);
  }
}

/* ---- there and back ---------------------------------------------------------------------------- */

typedef struct run {
  fsm_machine *machine;
  fsm_sessions *sessions;
  fsm_session *session;
} run;

static run start(const char *text) {
  run r = {0};
  const fsm_sessions_options options = {0};
  fsm_error fault = {0};
  if (fsm_machine_compile(def_of(text), &r.machine, &fault))
    fail_msg("%s: %s in %s", fault.where, fault.text, text);
  assert_int_equal(fsm_sessions_new(&options, &r.sessions, &fault), FSM_OK);
  if (fsm_sessions_start(r.sessions, r.machine, NULL, &r.session, &fault)) fail_msg("%s", fault.text);
  return r;
}

static void finish(run *r) {
  fsm_sessions_free(r->sessions);
  fsm_machine_free(r->machine);
}

/* The active states, sorted by their number, and the context. */
static const char *seen(const run *r) {
  const fsm_snapshot *s = fsm_session_snapshot(r->session);
  fsm_buf buf = {0};
  for (unsigned i = 1; i < fsm_machine_states(r->machine); i++)
    if (s->config[i / 64] >> (i % 64) & 1) fsm_buf_printf(&buf, "%s ", fsm_state_path(r->machine, i));
  fsm_json_write(&buf, &s->context);
  const char *text = fsm_arena_strdup(&arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text;
}

static void send(run *r, const char *event, int64_t after_ms) {
  fsm_error fault = {0};
  fsm_code outcome;
  int64_t now = fsm_sessions_now(r->sessions) + after_ms * 1000000;
  if (after_ms) assert_int_equal(fsm_sessions_advance(r->sessions, now, &fault), FSM_OK);
  const fsm_event e = {.name = event};
  fsm_code code = fsm_session_send(r->session, &e, &outcome, &fault);
  assert_true(code == FSM_OK || code == FSM_ECOMPLETED);
}

/* The same states and the same context after each event, as JSON, as SCXML, and as JSON again. */
static void expect_alike(const char *json, const char *const *events, const int64_t *after_ms, size_t count) {
  const char *scxml = converted(json), *back = scxml ? converted(scxml) : NULL;
  if (!back) fail_msg("%s: %s", err.where, err.text);
  run a = start(json), b = start(scxml), c = start(back);
  for (size_t i = 0; i <= count; i++) {
    assert_string_equal(seen(&a), seen(&b));
    assert_string_equal(seen(&a), seen(&c));
    if (i == count) break;
    int64_t wait = after_ms ? after_ms[i] : 0;
    send(&a, events[i], wait);
    send(&b, events[i], wait);
    send(&c, events[i], wait);
  }
  finish(&a);
  finish(&b);
  finish(&c);
}

static void a_machine_that_went_there_and_back_behaves_as_before(void **state) {
  (void)state;
  static const char *const events[] = {"GO", "ADD", "ADD", "BACK", "GO", "TICK", "X", "NEXT", "SELF", "ADD"};
  static const int64_t after_ms[] = {0, 10, 10, 5000, 10, 61000, 0, 0, 0, 0};
  expect_alike(
      "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"n\":0,\"log\":[]},\"states\":{\"a\":{\"after\":{"
      "\"4000\":"
      "{\"target\":\"a\",\"reenter\":true,\"context\":{\"n\":100}}},\"on\":{\"GO\":\"b\",\"ADD\":{"
      "\"context\":{\"n\":"
      "{\"@expr\":\"context.n + "
      "1\"}}},\"SELF\":{\"target\":\"a\",\"reenter\":true}}},\"b\":{\"type\":\"parallel\","
      "\"on\":{\"BACK\":\"a\"},\"onDone\":\"c\",\"states\":{\"x\":{\"initial\":\"x1\",\"states\":{\"x1\":{"
      "\"after\":"
      "{\"60000\":\"x2\"}},\"x2\":{\"type\":\"final\"}}},\"y\":{\"initial\":\"y1\",\"states\":{\"h\":{"
      "\"type\":"
      "\"history\"},\"y1\":{\"on\":{\"X\":\"y2\",\"TICK\":{\"actions\":{\"type\":\"@xstate.raise\",\"event\":"
      "{\"type\":"
      "\"X\",\"by\":3}}}}},\"y2\":{\"type\":\"final\"}}}}},\"c\":{\"entry\":{\"type\":\"@xstate.assign\","
      "\"context\":"
      "{\"log\":{\"@expr\":\"context.log + [context.n]\"}}},\"on\":{\"*\":\"a\"}}}}",
      events, after_ms, 10);
}

/* ---- the public cases, where they lie beside the project ---------------------------------------- */

static const char *read_file(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  if (!file) fail_msg("cannot open %s", path);
  char *text = fsm_arena_alloc(&arena, 1 << 18);
  assert_non_null(text);
  *len = fread(text, 1, (1 << 18) - 1, file);
  text[*len] = '\0';
  fclose(file);
  return text;
}

/* The machine of a case with an id of its own, as text. */
static const char *machine_text(const fsm_value *machine) {
  fsm_buf buf = {0};
  fsm_json_write(&buf, machine);
  bool named = fsm_doc_get(machine, "id") != NULL;
  const char *text = fsm_arena_printf(&arena, named ? "%s%s" : "{\"id\":\"%s\",%s", named ? "" : "m",
                                      fsm_buf_text(&buf) + (named ? 0 : 1));
  fsm_buf_free(&buf);
  return text;
}

static bool run_case(const char *path) {
  size_t len;
  fsm_value document;
  const char *text = read_file(path, &len);
  assert_int_equal(fsm_json_parse(&arena, text, len, FSM_JSON_AS_WRITTEN, &document, NULL), FSM_OK);
  const fsm_value *machine = fsm_doc_get(&document, "machine"), *test = fsm_doc_get(&document, "test");
  const fsm_value *list = test ? fsm_doc_get(test, "events") : NULL;
  if (!machine || !list) return false;
  const char *json = machine_text(machine);
  if (!converted(json)) {
    assert_int_equal(err.code, FSM_EUNSUPPORTED);
    return false;
  }
  const char **events = fsm_arena_zalloc(&arena, list->len + 1u, sizeof *events);
  int64_t *after_ms = fsm_arena_zalloc(&arena, list->len + 1u, sizeof *after_ms);
  for (uint32_t i = 0; i < list->len; i++) {
    const fsm_value *after = fsm_doc_get(&list->items[i], "after");
    events[i] = fsm_doc_get(&list->items[i], "type")->s;
    after_ms[i] = after && after->type == FSM_INT ? after->i : 0;
  }
  expect_alike(json, events, after_ms, list->len);
  return true;
}

static void the_public_machines_behave_as_before(void **state) {
  (void)state;
  DIR *dir = opendir(CORPUS);
  if (!dir) {
    print_message("skipped: there is no %s\n", CORPUS);
    skip();
  }
  unsigned taken = 0, refused = 0;
  const struct dirent *entry;
  while ((entry = readdir(dir))) {
    if (!strstr(entry->d_name, "__")) continue;
    fsm_arena_reset(&arena);
    if (run_case(fsm_arena_printf(&arena, "%s/%s", CORPUS, entry->d_name)))
      taken++;
    else
      refused++;
  }
  closedir(dir);
  print_message("%u behave alike, %u are refused\n", taken, refused);
  assert_true(taken > 50 && refused < 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(each_construct_of_json_is_written_in_scxml, setup, teardown),
      cmocka_unit_test_setup_teardown(each_construct_of_scxml_is_written_in_json, setup, teardown),
      cmocka_unit_test_setup_teardown(what_the_other_notation_has_no_like_of_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_machine_that_went_there_and_back_behaves_as_before, setup, teardown),
      cmocka_unit_test_setup_teardown(the_public_machines_behave_as_before, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
