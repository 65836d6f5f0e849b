/* What has changed from one definition to another: one row a kind, with what is no change of that kind. */
#include "schema/diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/definition.h"

static const char base[] =
    "{'id':'m','schemas':{'context':{'type':'object','properties':{'n':{'type':'integer'}}},'events':{'GO':{'"
    "type':"
    "'object','required':['a'],'properties':{'a':{'type':'string','enum':['x','y']},'b':{'type':'integer'}}},"
    "'STOP':"
    "{}}},'context':{'n':0},'initial':'s','states':{'s':{'on':{'GO':{'target':'t','guard':{'@expr':'context."
    "n > 1'}},"
    "'STOP':'z'},'after':{'1000':'z'}},'t':{'invoke':{'id':'i','src':'pay','onDone':'z','onError':'z'},'on':{"
    "'STOP':"
    "'z'}},'z':{'type':'final'}}}";

/* ' becomes ", and `from`, which is there once, `to`. */
static char *spell(const char *from, const char *to) {
  fsm_buf buf = {0};
  const char *at = from == NULL ? NULL : strstr(base, from);
  if (from != NULL && at == NULL) fail_msg("%s is not there", from);
  const size_t head = at == NULL ? strlen(base) : (size_t)(at - base);
  fsm_buf_add(&buf, base, head);
  if (at != NULL) {
    fsm_buf_str(&buf, to);
    fsm_buf_str(&buf, at + strlen(from));
  }
  char *text = strdup(fsm_buf_text(&buf));
  assert_non_null(text);
  fsm_buf_free(&buf);
  for (char *c = text; *c != 0; c++)
    if (*c == '\'') *c = '"';
  return text;
}

typedef struct side {
  char *text;
  fsm_machine *machine;
  fsm_diff_side diff;
} side;

static void load(fsm_arena *arena, char *text, side *out) {
  fsm_error err = {0};
  const fsm_def *def;
  out->text = text;
  if (fsm_definition_read(arena, text, strlen(text), &def, &err) != FSM_OK ||
      fsm_machine_compile(def, &out->machine, &err) != FSM_OK)
    fail_msg("%s: %s in %s", err.where, err.text, text);
  out->diff = (fsm_diff_side){text, strlen(text), def, out->machine};
}

typedef struct row {
  const char *from, *to, *kind, *name;
  fsm_impact impact;
} row;

static const row rows[] = {
    {"'id':'m'", "'id':'n'", "machine-renamed", "n", FSM_IMPACT_BREAKING},
    {"'z':{'type':'final'}", "'z':{'type':'final'},'u':{}", "state-added", "u", FSM_IMPACT_COMPATIBLE},
    {"'context':{'n':0}", "'context':{'n':1}", "other", "m", FSM_IMPACT_INTERNAL},
    {"'z':{'type':'final'}", "'z':{}", "state-kind", "z", FSM_IMPACT_BREAKING},
    {"'z':{'type':'final'}", "'z':{'type':'final','description':'D'}", "label-changed", "z",
     FSM_IMPACT_INTERNAL},
    {"'target':'t'", "'target':'z'", "transition-target", "s/GO", FSM_IMPACT_COMPATIBLE},
    {"n > 1", "n > 2", "transition-guard", "s/GO", FSM_IMPACT_COMPATIBLE},
    {"'guard':{", "'meta':{'fsm':{'allow':'has(actor.sub)'}},'guard':{", "allow-changed", "s/GO",
     FSM_IMPACT_BREAKING},
    {"'guard':{", "'meta':{'fsm':{'level':3}},'guard':{", "level-changed", "s/GO", FSM_IMPACT_BREAKING},
    {"'on':{'STOP':'z'}}", "'on':{'HALT':'z'}}", "transition-removed", "t/STOP", FSM_IMPACT_BREAKING},
    {"'on':{'STOP':'z'}}", "'on':{'HALT':'z'}}", "event-added", "HALT", FSM_IMPACT_COMPATIBLE},
    {"'1000'", "'2000'", "timer-changed", "s", FSM_IMPACT_COMPATIBLE},
    {"'src':'pay'", "'src':'bill'", "task-service", "i", FSM_IMPACT_BREAKING},
    {"'id':'i'", "'id':'j'", "task-removed", "i", FSM_IMPACT_BREAKING},
    {"'id':'i'", "'id':'j'", "task-added", "j", FSM_IMPACT_COMPATIBLE},
    {"'src':'pay'", "'src':'pay','meta':{'fsm':{'attempts':3}}", "task-policy", "i", FSM_IMPACT_INTERNAL},
    {"'t':{", "'t':{'meta':{'fsm':{'sla':'2d'}},", "sla-changed", "t", FSM_IMPACT_COMPATIBLE},
    {"'n':{'type':'integer'}", "'n':{'type':'number'}", "field-type", "context.n", FSM_IMPACT_BREAKING},
    {"'b':{'type':'integer'}", "'c':{'type':'integer'}", "field-removed", "events.GO.b", FSM_IMPACT_BREAKING},
    {"'b':{'type':'integer'}", "'c':{'type':'integer'}", "field-added", "events.GO.c", FSM_IMPACT_COMPATIBLE},
    {"'required':['a']", "'required':['a','b']", "field-required", "events.GO.b", FSM_IMPACT_BREAKING},
    {"'required':['a'],", "", "field-optional", "events.GO.a", FSM_IMPACT_COMPATIBLE},
    {"['x','y']", "['x']", "field-choices", "events.GO.a", FSM_IMPACT_BREAKING},
    {"['x','y']", "['x','y','z']", "field-choices", "events.GO.a", FSM_IMPACT_COMPATIBLE},
    {"'b':{", "'b':{'minimum':3,", "field-limit", "events.GO.b", FSM_IMPACT_BREAKING},
    {"'b':{", "'b':{'x-pii':true,", "field-masked", "events.GO.b", FSM_IMPACT_BREAKING},
    {"'b':{", "'b':{'title':'B',", "label-changed", "events.GO.b", FSM_IMPACT_INTERNAL},
    {"'required':['a']", "'additionalProperties':false,'required':['a']", "field-others", "events.GO",
     FSM_IMPACT_BREAKING},
};

static void each_change_is_told_by_its_kind(void **arg) {
  (void)arg;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fsm_arena arena;
    side before, after;
    fsm_diff_report report;
    fsm_error err = {0};
    bool found = false;
    fsm_arena_init(&arena, 0);
    load(&arena, spell(NULL, NULL), &before);
    load(&arena, spell(rows[i].from, rows[i].to), &after);
    assert_int_equal(fsm_diff(&arena, &before.diff, &before.diff, &report, &err), FSM_OK);
    assert_int_equal(report.count, 0);
    assert_int_equal(fsm_diff(&arena, &before.diff, &after.diff, &report, &err), FSM_OK);
    for (size_t j = 0; j < report.count; j++) {
      const fsm_change *c = &report.changes[j];
      assert_true(j == 0 || report.changes[j - 1].impact <= c->impact);
      found |= strcmp(c->kind, rows[i].kind) == 0 && strcmp(c->name, rows[i].name) == 0 &&
               c->impact == rows[i].impact;
    }
    if (!found) fail_msg("row %zu: no %s of %s (%zu changes)", i, rows[i].kind, rows[i].name, report.count);
    fsm_machine_free(before.machine);
    fsm_machine_free(after.machine);
    free(before.text);
    free(after.text);
    fsm_arena_free(&arena);
  }
}

static void a_state_and_an_event_that_are_gone_break(void **arg) {
  (void)arg;
  fsm_arena arena;
  side before, after;
  fsm_diff_report report;
  fsm_error err = {0};
  fsm_arena_init(&arena, 0);
  load(&arena, spell("'z':{'type':'final'}", "'z':{'type':'final'},'u':{'on':{'BACK':'s'}}"), &before);
  load(&arena, spell(NULL, NULL), &after);
  assert_int_equal(fsm_diff(&arena, &before.diff, &after.diff, &report, &err), FSM_OK);
  assert_int_equal(report.by_impact[FSM_IMPACT_BREAKING], 2);
  assert_string_equal(report.changes[0].kind, "event-removed");
  assert_string_equal(report.changes[0].name, "BACK");
  assert_string_equal(report.changes[1].state, "u");
  fsm_machine_free(before.machine);
  fsm_machine_free(after.machine);
  free(before.text);
  free(after.text);
  fsm_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_change_is_told_by_its_kind),
                                     cmocka_unit_test(a_state_and_an_event_that_are_gone_break)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
