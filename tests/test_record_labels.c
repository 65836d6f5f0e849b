/* test_record_labels.c: labels of the instance that a record is of, whatever the view is that they are looked
 * up in. */
#include "runtime/record_labels.h"

#include "children_scene.h"

#include "runtime/record_filter.h"
#include "runtime/runtime_impl.h"

static const char SHORT[] =
    "{\"id\":\"short\",\"meta\":{\"fsm\":{\"keep\":\"1h\"}},\"initial\":\"on\",\"states\":{\"on\":{"
    "\"on\":{\"GO\":\"on\",\"END\":\"end\"}},\"end\":{\"type\":\"final\"}}}";

static void lives(fixture *f, const char *labels) {
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "short";
  command.instance = "a";
  command.labels = json(f, labels);
  fsm_answer answer = sent(f, &command);
  assert_code(&answer, FSM_OK);
  sends(f, "a", "GO");
}

static bool has(fixture *f, const fsm__label_source *source, const char *labels, int64_t seq) {
  fsm__record_filter filter;
  fsm_error err = {.text = ""};
  bool matches = false;
  unsigned looked = 0;
  const fsm_value document = json(f, fsm_arena_printf(&f->arena, "{\"labels\":%s}", labels));
  fsm_code code = fsm__record_filter_read(&f->arena, &document, &filter, &err);
  if (code == FSM_OK)
    code = fsm__labels_ask(source, filter.book, filter.labels, filter.label_count, "a", 1, (uint64_t)seq,
                           &f->arena, &matches, &looked, &err);
  if (code != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  return matches;
}

/* A record is durable a moment before it is visible: who hears it then may see the instance that had its id
 * before. */
static void a_view_from_before_the_record_does_not_speak_for_it(void **state) {
  fixture *f = *state;
  fsm__label_source source = {
      .view = true, .catalog = fsm__runtime_catalog(f->runtime), .journal = fsm__runtime_journal(f->runtime)};
  fsm_error err;
  deploy(f, SHORT);
  lives(f, "{\"dept\":\"one\"}");
  const int64_t first = seq_now(f);
  assert_int_equal(fsm__store_view(fsm__runtime_store(f->runtime), &source.store, &source.seq, &err), FSM_OK);
  sends(f, "a", "END");
  passes(f, 2 * 86400);
  lives(f, "{\"dept\":\"two\"}");
  const int64_t second = seq_now(f);
  assert_true(has(f, &source, "{\"dept\":\"one\"}", first));
  assert_false(has(f, &source, "{\"dept\":\"two\"}", first));
  assert_true(has(f, &source, "{\"dept\":\"two\"}", second));
  assert_false(has(f, &source, "{\"dept\":\"one\"}", second));
  fsm__store_view_close(source.store);
}

int main(void) {
  const struct CMUnitTest tests[] = {C(a_view_from_before_the_record_does_not_speak_for_it)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
