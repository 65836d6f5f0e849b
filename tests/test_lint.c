/* Every finding: a definition that has it, and one that nearly has it and is right. */
#include "schema/lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/definition.h"

/* ---- a definition, linted ------------------------------------------------------------------------- */

typedef struct linted {
  fsm_arena arena;
  fsm_machine *machine;
  fsm_lint_report report;
} linted;

static void lint_with(linted *out, const char *text, const char *const *roles, size_t role_count) {
  const fsm_def *def;
  fsm_error err = {0};
  *out = (linted){0};
  fsm_arena_init(&out->arena, 0);
  if (fsm_definition_read(&out->arena, text, strlen(text), &def, &err) != FSM_OK ||
      fsm_machine_compile(def, &out->machine, &err) != FSM_OK)
    fail_msg("%s: %s in %s", err.where, err.text, text);
  const fsm_lint_source source = {.text = text,
                                  .len = strlen(text),
                                  .def = def,
                                  .machine = out->machine,
                                  .roles = roles,
                                  .role_count = role_count};
  assert_int_equal(fsm_lint(&out->arena, &source, &out->report, &err), FSM_OK);
}

static void free_linted(linted *one) {
  fsm_machine_free(one->machine);
  fsm_arena_free(&one->arena);
}

/* The place of the first finding of the rule; NULL = there is none. */
static const fsm_lint_finding *find(const linted *one, const char *id) {
  for (size_t i = 0; i < one->report.count; i++)
    if (strcmp(one->report.findings[i].rule->id, id) == 0) return &one->report.findings[i];
  return NULL;
}

/* One that must be there. */
static const fsm_lint_finding *found(const linted *one, const char *id) {
  static const fsm_lint_finding none;
  const fsm_lint_finding *f = find(one, id);
  assert_non_null(f);
  return f != NULL ? f : &none;
}

/* ---- one row a finding ------------------------------------------------------------------------------ */

/* Braces of definitions: ' stands for ". */
#define M(states) "{'id': 'm', 'initial': 'a', 'states': {" states "}}"
#define END ", 'z': {'type': 'final'}"
#define WITH(more, states) "{'id': 'm', 'initial': 'a', " more ", 'states': {" states "}}"

typedef struct row {
  const char *id, *where; /* the place of the finding */
  const char *bad, *good;
} row;

static const row rows[] = {
    {"L001", "/states/b", M("'a': {'on': {'GO': 'z'}}, 'b': {'on': {'GO': 'z'}}" END),
     M("'a': {'on': {'GO': 'z', 'BACK': 'b'}}, 'b': {'on': {'GO': 'z'}}" END)},
    {"L001", "/states/a/states/d", /* nothing raises what leads there but a state that is not reached */
     M("'a': {'onDone': 'b', 'initial': 'c', 'on': {'GO': 'z'}, 'states': {'c': {}, 'd': {'type': "
       "'final'}}}, "
       "'b': {}" END),
     M("'a': {'onDone': 'b', 'initial': 'c', 'on': {'GO': 'z'}, 'states': {'c': {'on': {'X': 'd'}}, 'd': "
       "{'type': "
       "'final'}}}, 'b': {}" END)},
    {"L002", "/states/a/on/GO/1", M("'a': {'on': {'GO': [{'target': 'z'}, {'target': 'b'}]}}, 'b': {}" END),
     M("'a': {'on': {'GO': [{'target': 'z', 'guard': {'@expr': 'context.x > 1'}}, {'target': 'b'}]}}, 'b': "
       "{}" END)},
    {"L002", "/on/GO", /* a child takes it first, everywhere */
     "{'id': 'm', 'initial': 'a', 'on': {'GO': '.z'}, 'states': {'a': {'on': {'GO': 'b'}}, 'b': {'on': "
     "{'GO': 'z'}} " END "}}",
     "{'id': 'm', 'initial': 'a', 'on': {'GO': '.z'}, 'states': {'a': {'on': {'GO': 'b'}}, 'b': {'on': "
     "{'GONE': 'z'}} " END "}}"},
    {"L002", "/states/a/on/GO", M("'a': {'always': 'z', 'on': {'GO': 'z'}}" END),
     M("'a': {'always': {'target': 'z', 'guard': {'@expr': 'context.x > 1'}}, 'on': {'GO': 'z'}}" END)},
    {"L003", "/states/b", M("'a': {'on': {'GO': 'b', 'END': 'z'}}, 'b': {}" END),
     M("'a': {'on': {'GO': 'b', 'END': 'z'}}, 'b': {'after': {'PT1H': 'z'}}" END)},
    {"L004", "/states/b",
     M("'a': {'on': {'GO': 'b', 'END': 'z'}}, 'b': {'on': {'X': 'c'}}, 'c': {'on': {'X': 'b'}}" END),
     M("'a': {'on': {'GO': 'b', 'END': 'z'}}, 'b': {'on': {'X': 'c'}}, 'c': {'on': {'X': 'b', 'Y': "
       "'z'}}" END)},
    {"L005", "/states/a", M("'a': {'on': {'GO': 'z'}}" END),
     M("'a': {'on': {'GO': 'z'}, 'after': {'P2D': 'z'}}" END)},
    {"L005", "/states/a", M("'a': {'on': {'GO': 'z'}, 'meta': {'fsm': {}}}" END),
     M("'a': {'on': {'GO': 'z'}, 'meta': {'fsm': {'sla': '2d'}}}" END)},
    {"L005", "/states/a",
     M("'a': {'entry': {'type': '@xstate.raise', 'event': {'type': 'LATE'}, 'delay': 'PT1H'}, 'on': "
       "{'GO': 'z'}}, 'b': {'on': {'LATE': 'z'}}" END),
     M("'a': {'entry': {'type': '@xstate.raise', 'event': {'type': 'LATE'}, 'delay': 'PT1H'}, 'on': {'GO': "
       "'z', 'LATE': "
       "'z'}}" END)},
    {"L006", "/states/a/on/GO/guard",
     M("'a': {'on': {'GO': {'target': 'z', 'guard': {'@expr': 'context.x > 5 && context.x < 3'}}}}" END),
     M("'a': {'on': {'GO': {'target': 'z', 'guard': {'@expr': 'context.x > 3 && context.x < 5'}}}}" END)},
    {"L006", "/states/a/on/GO/guard", /* what the schema lists */
     WITH("'schemas': {'events': {'GO': {'type': 'object', 'properties': {'n': {'type': 'integer', "
          "'minimum': 1}}}}}",
          "'a': {'on': {'GO': {'target': 'z', 'guard': {'@expr': 'event.n < 1'}}}}" END),
     WITH("'schemas': {'events': {'GO': {'type': 'object', 'properties': {'n': {'type': 'integer', "
          "'minimum': 1}}}}}",
          "'a': {'on': {'GO': {'target': 'z', 'guard': {'@expr': 'event.n <= 1'}}}}" END)},
    {"L006", "/states/a/on/GO/1/guard", /* the same again */
     M("'a': {'on': {'GO': [{'target': 'z', 'guard': {'@expr': 'context.x'}}, {'target': 'a', 'guard': "
       "{'@expr': "
       "'context.x'}}]}}" END),
     M("'a': {'on': {'GO': [{'target': 'z', 'guard': {'@expr': 'context.x'}}, {'target': 'a', 'guard': "
       "{'@expr': "
       "'context.y'}}]}}" END)},
    {"L007", "/states/a/on/GO/guard",
     M("'a': {'on': {'GO': {'target': 'z', 'guard': {'@expr': 'context.x > 5 || context.x <= 5'}}}}" END),
     M("'a': {'on': {'GO': {'target': 'z', 'guard': {'@expr': 'context.x > 5 || context.x < 5'}}}}" END)},
    {"L008", "/states/a/on/GO/1/guard",
     M("'a': {'on': {'GO': [{'target': 'z', 'guard': {'@expr': 'context.x < 10'}}, {'target': 'b', 'guard': "
       "{'@expr': "
       "'context.x > 5'}}]}}, 'b': {'on': {'GO': 'z'}}" END),
     M("'a': {'on': {'GO': [{'target': 'z', 'guard': {'@expr': 'context.x < 10'}}, {'target': 'b', 'guard': "
       "{'@expr': "
       "'context.x >= 10'}}]}}, 'b': {'on': {'GO': 'z'}}" END)},
    {"L009", "/states/a/entry",
     M("'a': {'entry': {'type': '@xstate.raise', 'event': {'type': 'X'}}, 'on': {'GO': 'z'}}" END),
     M("'a': {'entry': {'type': '@xstate.raise', 'event': {'type': 'X'}}, 'on': {'GO': 'z', 'X': {}}}" END)},
    {"L010", "/states/a/on/STOP",
     WITH("'schemas': {'events': {'GO': {}}}", "'a': {'on': {'GO': 'z', 'STOP': 'z'}}" END),
     WITH("'schemas': {'events': {'GO': {}, 'STOP': {}}}", "'a': {'on': {'GO': 'z', 'STOP': 'z'}}" END)},
    {"L011", "/states/a",
     WITH("'description': 'D'", "'a': {'on': {'GO': 'z'}}, 'z': {'type': 'final', 'description': 'D'}"),
     WITH("'description': 'D'",
          "'a': {'description': 'D', 'on': {'GO': 'z'}}, 'z': {'type': 'final', 'description': 'D'}")},
    {"L011", "/schemas/events/GO",
     WITH("'description': 'D', 'schemas': {'events': {'GO': {}}}",
          "'a': {'description': 'D', 'on': {'GO': 'z'}}, 'z': {'type': 'final', 'description': 'D'}"),
     WITH("'description': 'D', 'schemas': {'events': {'GO': {'title': 'Go'}}}",
          "'a': {'description': 'D', 'on': {'GO': 'z'}}, 'z': {'type': 'final', 'description': 'D'}")},
    {"L012", "/states/a/states/r/states/s/on/GO",
     M("'a': {'type': 'parallel', 'states': {'q': {'initial': 's', 'states': {'s': {'on': {'GO': '#m.z'}}}}, "
       "'r': "
       "{'initial': 's', 'states': {'s': {'on': {'GO': '#m.b'}}}}}}, 'b': {'on': {'GO': 'z'}}" END),
     M("'a': {'type': 'parallel', 'states': {'q': {'initial': 's', 'states': {'s': {'on': {'GO': '#m.z'}}}}, "
       "'r': "
       "{'initial': 's', 'states': {'s': {'on': {'GONE': '#m.b'}}}}}}, 'b': {'on': {'GO': 'z'}}" END)},
    {"L013", "/states/a/always", M("'a': {'always': 'b'}, 'b': {'always': 'a'}" END),
     M("'a': {'always': 'b'}, 'b': {'always': {'target': 'a', 'guard': {'@expr': 'context.x < 3'}}, 'on': "
       "{'GO': 'z'}}" END)},
    {"L014", "/states/a/on/GO/meta/fsm/allow",
     WITH("'schemas': {'actor': {'type': 'object', 'properties': {'roles': {'type': 'array', 'items': "
          "{'type': 'string', "
          "'enum': ['boss', 'clerk']}}}}}",
          "'a': {'on': {'GO': {'target': 'z', 'meta': {'fsm': {'allow': \\\"'bos' in "
          "actor.roles\\\"}}}}}" END),
     WITH("'schemas': {'actor': {'type': 'object', 'properties': {'roles': {'type': 'array', 'items': "
          "{'type': 'string', "
          "'enum': ['boss', 'clerk']}}}}}",
          "'a': {'on': {'GO': {'target': 'z', 'meta': {'fsm': {'allow': \\\"'boss' in "
          "actor.roles\\\"}}}}}" END)},
    {"L015", "/states/a/on/GO/meta/fsm/allow",
     M("'a': {'on': {'GO': {'target': 'z', 'meta': {'fsm': {'allow': 'actor.level > 3 && actor.level < "
       "2'}}}}}" END),
     M("'a': {'on': {'GO': {'target': 'z', 'meta': {'fsm': {'allow': 'actor.level > 1 && actor.level < "
       "3'}}}}}" END)},
    {"L016", "/states/a/after/0", M("'a': {'after': {'0': 'z'}}" END), M("'a': {'after': {'10': 'z'}}" END)},
    {"L017", "/states/a/invoke", M("'a': {'invoke': {'id': 'i', 'src': 's', 'onDone': 'z'}}" END),
     M("'a': {'invoke': {'id': 'i', 'src': 's', 'onDone': 'z', 'onError': 'z'}}" END)},
    {"L018", "/guards/big",
     WITH("'guards': {'big': {'@expr': 'context.x > 1'}}", "'a': {'on': {'GO': 'z'}}" END),
     WITH("'guards': {'big': {'@expr': 'context.x > 1'}}",
          "'a': {'on': {'GO': {'target': 'z', 'guard': 'big'}}}" END)},
    {"L018", "/delays/long", WITH("'delays': {'long': 1000}", "'a': {'after': {'P1D': 'z'}}" END),
     WITH("'delays': {'long': 1000}", "'a': {'after': {'long': 'z'}}" END)},
    {"L019", "/states/a/on/GO/context/shown",
     WITH("'schemas': {'events': {'GO': {'type': 'object', 'properties': {'iban': {'type': 'string', "
          "'x-pii': true}}}}}",
          "'a': {'on': {'GO': {'target': 'z', 'context': {'shown': {'@expr': 'event.iban'}}}}}" END),
     WITH("'schemas': {'events': {'GO': {'type': 'object', 'properties': {'iban': {'type': 'string', "
          "'x-pii': true}}}}}",
          "'a': {'on': {'GO': {'target': 'z', 'context': {'iban': {'@expr': 'event.iban'}}}}}" END)},
    {"L021", "/states/a",
     M("'a': {'initial': 'b', 'states': {'b': {'on': {'GO': 'c', 'END': '#m.z'}}, 'c': {'type': "
       "'final'}}}" END),
     M("'a': {'onDone': 'z', 'initial': 'b', 'states': {'b': {'on': {'GO': 'c', 'END': '#m.z'}}, 'c': "
       "{'type': "
       "'final'}}}" END)},
    {"L022", "/states/a",
     M("'a': {'meta': {'lint': {'ignore': {'L099': 'because'}}}, 'on': {'GO': 'z'}}" END),
     M("'a': {'meta': {'lint': {'ignore': {'L005': 'because'}}}, 'on': {'GO': 'z'}}" END)},
    {"L022", "/states/a", M("'a': {'meta': {'lint': {'ignore': {'L005': ' '}}}, 'on': {'GO': 'z'}}" END),
     M("'a': {'meta': {'lint': {'ignore': {'wait-without-deadline': 'why'}}}, 'on': {'GO': 'z'}}" END)},
    {"L022", "/states/a",
     M("'a': {'meta': {'lint': {'ignore': {'L017': 'because'}}}, 'on': {'GO': 'z'}}" END),
     M("'a': {'meta': {'lint': {'ignore': {'L005-wait-without-deadline': 'why'}}}, 'on': {'GO': 'z'}}" END)},
};

/* ' becomes ", but within \" … \" it stays. */
static char *spell(const char *text) {
  char *out = malloc(strlen(text) + 1), *to = out;
  bool inside = false;
  assert_non_null(out);
  for (const char *from = text; *from != 0; from++) {
    if (from[0] == '\\' && from[1] == '"') {
      inside = !inside;
      from++;
      *to++ = '"';
    } else
      *to++ = *from == '\'' && !inside ? '"' : *from;
  }
  *to = 0;
  return out;
}

static void each_finding_is_told_where_it_is_and_not_where_it_nearly_is(void **arg) {
  (void)arg;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    linted one;
    char *text = spell(rows[i].bad);
    lint_with(&one, text, NULL, 0);
    const fsm_lint_finding *f = find(&one, rows[i].id);
    if (f == NULL) {
      fail_msg("row %zu: no %s in %s", i, rows[i].id, text);
      continue;
    }
    if (strcmp(f->where, rows[i].where) != 0) fail_msg("row %zu: %s is told at %s", i, rows[i].id, f->where);
    assert_true(f->line == 1 && f->column > 1 && f->text[0] != 0 && f->fix[0] != 0);
    free_linted(&one);
    free(text);
    text = spell(rows[i].good);
    lint_with(&one, text, NULL, 0);
    f = find(&one, rows[i].id);
    if (f != NULL) fail_msg("row %zu: %s at %s: %s", i, rows[i].id, f->where, f->text);
    free_linted(&one);
    free(text);
  }
}

static void every_rule_has_a_row(void **arg) {
  (void)arg;
  size_t count;
  const fsm_lint_rule *rules = fsm_lint_rules(&count);
  for (size_t i = 0; i < count; i++) {
    char id[32];
    bool tested = strcmp(rules[i].id, "L020") == 0; /* below */
    snprintf(id, sizeof id, "L%03zu", i + 1);
    assert_string_equal(rules[i].id, id);
    for (size_t j = 0; j < sizeof rows / sizeof *rows; j++) tested |= strcmp(rows[j].id, rules[i].id) == 0;
    if (!tested) fail_msg("%s has no row", rules[i].id);
    assert_ptr_equal(fsm_lint_rule_of(rules[i].name, strlen(rules[i].name)), &rules[i]);
  }
  assert_null(fsm_lint_rule_of("L001-dead-end", 13));
}

/* Each region of so many states: 8 regions of 3 are 6,561. */
static void a_machine_with_too_many_configurations_gets_one_note(void **arg) {
  (void)arg;
  for (int regions = 7; regions <= 8; regions++) {
    fsm_buf buf = {0};
    fsm_buf_str(&buf,
                "{\"id\":\"m\",\"initial\":\"p\",\"states\":{\"p\":{\"type\":\"parallel\",\"states\":{");
    for (int i = 0; i < regions; i++)
      fsm_buf_printf(
          &buf,
          "%s\"r%d\":{\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"A%d\":\"b\"}},\"b\":{\"on\":{\"B%d\":"
          "\"c\"}},\"c\":{\"on\":{\"C%d\":\"a\"}}}}",
          i > 0 ? "," : "", i, i, i, i);
    fsm_buf_str(&buf, "}},\"q\":{}}}");
    linted one;
    lint_with(&one, fsm_buf_text(&buf), NULL, 0);
    assert_int_equal(one.report.explored, regions == 7);
    assert_int_equal(find(&one, "L020") != NULL, regions == 8);
    assert_int_equal(find(&one, "L001") != NULL, regions == 7);
    free_linted(&one);
    fsm_buf_free(&buf);
  }
}

static void what_is_left_out_is_counted_with_its_reason(void **arg) {
  (void)arg;
  linted one;
  char *text = spell(WITH("'meta': {'lint': {'ignore': {'L005': 'people take their time'}}}",
                          "'a': {'on': {'GO': 'z'}}" END));
  lint_with(&one, text, NULL, 0);
  assert_string_equal(found(&one, "L005")->ignored, "people take their time");
  assert_int_equal(one.report.ignored, 1);
  assert_null(find(&one, "L022"));
  free_linted(&one);
  free(text);
}

static void roles_may_be_given(void **arg) {
  (void)arg;
  static const char *const roles[] = {"boss", "clerk"};
  linted one;
  char *text =
      spell(M("'a': {'on': {'GO': {'target': 'z', 'meta': {'fsm': {'allow': \\\"actor.roles.exists(r, r in "
              "['boss', 'clark'])\\\"}}}}}" END));
  lint_with(&one, text, NULL, 0);
  assert_null(find(&one, "L014"));
  free_linted(&one);
  lint_with(&one, text, roles, 2);
  assert_string_equal(found(&one, "L014")->text, "there is no role \"clark\"; did you mean \"clerk\"?");
  free_linted(&one);
  free(text);
}

static void scxml_is_told_by_line(void **arg) {
  (void)arg;
  linted one;
  lint_with(&one,
            "<scxml xmlns=\"http://www.w3.org/2005/07/scxml\" version=\"1.0\" name=\"m\">\n"
            " <state id=\"a\"><transition event=\"go\" target=\"z\"/></state>\n <state id=\"b\"/>\n"
            " <final id=\"z\"/></scxml>",
            NULL, 0);
  assert_int_equal(found(&one, "L001")->line, 3);
  assert_int_equal(found(&one, "L005")->line, 2);
  free_linted(&one);
}

static void places_are_lines_and_columns(void **arg) {
  (void)arg;
  static const char text[] =
      "{\n  \"a/b\": [1, {\"\\\"~\": \"x]\", \"é\": 2, \"k\": {}}],\n\t\"c\": [[], true]\n}";
  static const struct {
    const char *pointer;
    unsigned line, column;
  } places[] = {
      {"", 1, 1},      {"/a~1b", 2, 3}, {"/a~1b/0", 2, 11}, {"/a~1b/1/k", 2, 36}, {"/a~1b/1/\"~0", 2, 15},
      {"/c/1", 3, 12}, {"/c/0", 3, 8},  {"/c/2", 3, 7},     {"/none", 1, 1},      {"/c/1/x", 3, 12}};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    unsigned line, column;
    fsm_json_place(text, strlen(text), places[i].pointer, &line, &column);
    if (line != places[i].line || column != places[i].column)
      fail_msg("%s is at %u:%u", places[i].pointer, line, column);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_finding_is_told_where_it_is_and_not_where_it_nearly_is),
      cmocka_unit_test(every_rule_has_a_row),
      cmocka_unit_test(a_machine_with_too_many_configurations_gets_one_note),
      cmocka_unit_test(what_is_left_out_is_counted_with_its_reason),
      cmocka_unit_test(roles_may_be_given),
      cmocka_unit_test(scxml_is_told_by_line),
      cmocka_unit_test(places_are_lines_and_columns),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
