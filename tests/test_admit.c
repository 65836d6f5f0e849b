/* test_admit.c: every limit of a command at its edge and one past it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/admit.h"
#include "schema/definition.h"

typedef struct desk {
  fsm_arena arena;
  fsm_command out;
  bool made_id;
  fsm_error err;
} desk;

static int setup(void **state) {
  *state = calloc(1, sizeof(desk));
  return *state != NULL ? 0 : -1;
}

static int teardown(void **state) {
  desk *d = *state;
  fsm_arena_free(&d->arena);
  free(d);
  return 0;
}

static fsm_code admit(desk *d, const fsm_command *command) {
  d->err = (fsm_error){.text = ""};
  return fsm__admit(command, 1700000000000000000, &d->arena, &d->out, &d->made_id, &d->err);
}

static void assert_refused(desk *d, const fsm_command *command, fsm_code code, const char *where) {
  fsm_code got = admit(d, command);
  if (got != code) fail_msg("%s: %s (%s: %s)", where, fsm_code_name(got), d->err.where, d->err.text);
  assert_string_equal(d->err.where, where);
}

static void assert_admitted(desk *d, const fsm_command *command) {
  fsm_code got = admit(d, command);
  if (got != FSM_OK) fail_msg("%s (%s: %s)", fsm_code_name(got), d->err.where, d->err.text);
}

static fsm_command a_start(void) {
  fsm_command command = fsm_command_new(FSM_CMD_START);
  command.machine = "m";
  return command;
}

static fsm_command a_send(void) {
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = "i";
  command.event = "E";
  return command;
}

/* len times c, in the arena. */
static char *text_of(desk *d, size_t len, char c) {
  char *text = fsm_arena_alloc(&d->arena, len + 1);
  memset(text, c, len);
  text[len] = '\0';
  return text;
}

/* ---- texts -------------------------------------------------------------------------------------- */

static const struct {
  size_t offset, max;
  const char *where;
  const char *bad; /* a byte outside its set */
} texts[] = {
    {offsetof(fsm_command, machine), FSM_MACHINE_ID_MAX, "machine", "a.b"},
    {offsetof(fsm_command, instance), FSM_INSTANCE_ID_MAX, "id", "a/b"},
    {offsetof(fsm_command, key), FSM_KEY_MAX, "key", "a\x1f"},
    {offsetof(fsm_command, event), FSM_EVENT_NAME_MAX, "event", "a\n"},
    {offsetof(fsm_command, idem), FSM_IDEM_MAX, "idem", "a\xc3\xa4"},
    {offsetof(fsm_command, correlation), FSM_CORRELATION_MAX, "correlation", "a\x7f"},
    {offsetof(fsm_command, causation), FSM_CORRELATION_MAX, "causation", "a\t"},
    {offsetof(fsm_command, request), FSM_CORRELATION_MAX, "request", "\xff"},
};

static void set_text(fsm_command *command, size_t i, const char *text) {
  memcpy((char *)command + texts[i].offset, &text, sizeof text);
}

static void texts_are_taken_up_to_their_limit_and_refused_past_it(void **state) {
  desk *d = *state;
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    fsm_command command = a_start();
    set_text(&command, i, text_of(d, texts[i].max, 'x'));
    assert_admitted(d, &command);
    set_text(&command, i, text_of(d, texts[i].max + 1, 'x'));
    assert_refused(d, &command, FSM_ETOOLARGE, texts[i].where);
    set_text(&command, i, "");
    assert_refused(d, &command, FSM_EARGUMENT, texts[i].where);
    set_text(&command, i, texts[i].bad);
    assert_refused(d, &command, FSM_EARGUMENT, texts[i].where);
  }
}

static void printable_texts_are_utf8(void **state) {
  desk *d = *state;
  fsm_command command = a_start();
  command.key = "K\xc3\xa4 1";
  assert_admitted(d, &command);
  command.key = "K\xc3";
  assert_refused(d, &command, FSM_EARGUMENT, "key");
  command.key = "\xed\xa0\x80"; /* a surrogate */
  assert_refused(d, &command, FSM_EARGUMENT, "key");
}

static void what_a_command_cannot_do_without_is_named(void **state) {
  desk *d = *state;
  fsm_command command = fsm_command_new(FSM_CMD_DEPLOY);
  assert_refused(d, &command, FSM_EARGUMENT, "source");
  command = fsm_command_new(FSM_CMD_START);
  assert_refused(d, &command, FSM_EARGUMENT, "machine");
  command = fsm_command_new(FSM_CMD_SEND);
  assert_refused(d, &command, FSM_EARGUMENT, "event");
  command.event = "E";
  assert_refused(d, &command, FSM_EARGUMENT, "instance");
  command.machine = "m";
  assert_refused(d, &command, FSM_EARGUMENT, "instance");
  command.key = "K";
  assert_admitted(d, &command);
  command.instance = "i";
  assert_refused(d, &command, FSM_EARGUMENT, "instance"); /* not both */
  command = fsm_command_new(FSM_CMD_TASK_COMPLETE);
  assert_admitted(d, &command);
}

static void what_may_make_an_instance_has_a_key_for_it(void **state) {
  desk *d = *state;
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.event = "E";
  command.instance = "i";
  command.if_absent = true;
  assert_refused(d, &command, FSM_EARGUMENT, "machine");
  command.machine = "m";
  assert_refused(d, &command, FSM_EARGUMENT, "key");
  command.key = "K";
  command.input = fsm_int(1);
  assert_admitted(d, &command); /* with the id of the one that may be made */
  command.instance = NULL;
  fsm_command admitted;
  bool made_id = false;
  assert_int_equal(fsm__admit(&command, 0, &d->arena, &admitted, &made_id, NULL), FSM_OK);
  assert_true(made_id && admitted.instance != NULL);
  command.if_absent = false;
  assert_refused(d, &command, FSM_EARGUMENT, "if_absent"); /* input for nothing */
  command = fsm_command_new(FSM_CMD_START);
  command.machine = "m";
  command.if_absent = true;
  assert_refused(d, &command, FSM_EARGUMENT, "key");
  command.key = "K";
  assert_admitted(d, &command);
  command.input = fsm_int(1);
  assert_refused(d, &command, FSM_EARGUMENT, "input");
  command = fsm_command_new(FSM_CMD_TASK_COMPLETE);
  command.if_absent = true;
  assert_refused(d, &command, FSM_EARGUMENT, "if_absent");
}

static void what_is_known_otherwise_takes_no_key(void **state) {
  desk *d = *state;
  static const fsm_command_kind kinds[] = {FSM_CMD_DEPLOY, FSM_CMD_TASK_STARTED, FSM_CMD_TASK_COMPLETE,
                                           FSM_CMD_TASK_FAIL, FSM_CMD_REFUSED};
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    fsm_command command = fsm_command_new(kinds[i]);
    command.source = "{}";
    command.source_len = 2;
    assert_admitted(d, &command);
    command.idem = "once";
    assert_refused(d, &command, FSM_EARGUMENT, "idem");
  }
}

/* ---- values ------------------------------------------------------------------------------------- */

static fsm_value labels_of(desk *d, unsigned count, size_t name_len, size_t value_len) {
  fsm_pair *pairs = fsm_arena_alloc(&d->arena, count * sizeof *pairs);
  fsm_value map;
  for (unsigned i = 0; i < count; i++) {
    char *name = text_of(d, name_len, 'n');
    if (name_len > 0) name[0] = (char)('a' + i);
    pairs[i] = (fsm_pair){fsm_stringn(name, name_len), fsm_stringn(text_of(d, value_len, 'v'), value_len)};
  }
  assert_int_equal(fsm_map(pairs, count, &map, NULL), FSM_OK);
  return map;
}

static void labels_keep_their_limits(void **state) {
  desk *d = *state;
  fsm_command command = a_start();
  command.labels = labels_of(d, FSM_LABELS_MAX, FSM_LABEL_BYTES_MAX, FSM_LABEL_BYTES_MAX);
  assert_admitted(d, &command);
  assert_int_equal(d->out.labels.len, FSM_LABELS_MAX);
  command.labels = labels_of(d, 1, 1, 0);
  assert_admitted(d, &command);
  command.labels = labels_of(d, FSM_LABELS_MAX + 1, 1, 1);
  assert_refused(d, &command, FSM_ETOOLARGE, "labels");
  command.labels = labels_of(d, 1, FSM_LABEL_BYTES_MAX + 1, 1);
  assert_refused(d, &command, FSM_ETOOLARGE, "labels");
  command.labels = labels_of(d, 1, 1, FSM_LABEL_BYTES_MAX + 1);
  assert_refused(d, &command, FSM_ETOOLARGE, "labels");
  command.labels = labels_of(d, 1, 0, 1);
  assert_refused(d, &command, FSM_ETOOLARGE, "labels");
  command.labels = fsm_string("team");
  assert_refused(d, &command, FSM_EARGUMENT, "labels");
  fsm_pair number[1] = {{fsm_string("n"), fsm_int(1)}};
  command.labels = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = number};
  assert_refused(d, &command, FSM_EARGUMENT, "labels");
  fsm_pair broken[1] = {{fsm_string("n"), fsm_string("\xff")}};
  command.labels = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = broken};
  assert_refused(d, &command, FSM_EARGUMENT, "labels");
}

/* A string whose packed form has exactly bytes bytes (over 65,535 + 5 not). */
static fsm_value packed_string(desk *d, size_t bytes) {
  size_t head = bytes - 3 > 65535 ? 5 : 3;
  return fsm_stringn(text_of(d, bytes - head, 'x'), bytes - head);
}

static void data_is_taken_up_to_its_limit_and_refused_past_it(void **state) {
  desk *d = *state;
  fsm_command command = a_send();
  command.data = packed_string(d, FSM_EVENT_BYTES_MAX);
  assert_admitted(d, &command);
  command.data = packed_string(d, FSM_EVENT_BYTES_MAX + 5);
  assert_refused(d, &command, FSM_ETOOLARGE, "data");
  command.data = fsm_double(NAN);
  assert_refused(d, &command, FSM_EARGUMENT, "data");
  command.data = fsm_string("\xff");
  assert_refused(d, &command, FSM_EARGUMENT, "data");
}

static fsm_value nested(desk *d, unsigned depth) {
  fsm_value value = fsm_int(1);
  for (unsigned i = 0; i < depth; i++) {
    fsm_value *item = fsm_arena_alloc(&d->arena, sizeof *item);
    *item = value;
    value = fsm_list(item, 1);
  }
  return value;
}

static void data_nests_to_its_limit(void **state) {
  desk *d = *state;
  fsm_command command = a_send();
  command.data = nested(d, FSM_DATA_DEPTH_MAX);
  assert_admitted(d, &command);
  command.data = nested(d, FSM_DATA_DEPTH_MAX + 1);
  assert_refused(d, &command, FSM_ETOOLARGE, "data");
}

static void an_actor_is_a_map_and_bounded(void **state) {
  desk *d = *state;
  fsm_command command = a_send();
  fsm_pair sub[1] = {{fsm_string("sub"), packed_string(d, 8 * 1024 - 5)}};
  command.actor = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = sub};
  assert_admitted(d, &command);
  sub[0].value = packed_string(d, 8 * 1024 - 4);
  assert_refused(d, &command, FSM_ETOOLARGE, "actor");
  command.actor = fsm_string("ana");
  assert_refused(d, &command, FSM_EARGUMENT, "actor");
}

static void a_trace_is_an_id_a_span_and_flags(void **state) {
  desk *d = *state;
  fsm_command command = a_send();
  fsm_value parts[4] = {fsm_bytes("0123456789abcdef", 16), fsm_bytes("01234567", 8), fsm_int(1), fsm_int(1)};
  command.trace = fsm_list(parts, 3);
  assert_admitted(d, &command);
  command.trace = fsm_list(parts, 4);
  assert_refused(d, &command, FSM_EARGUMENT, "trace");
  command.trace = fsm_list(parts, 2);
  assert_refused(d, &command, FSM_EARGUMENT, "trace");
  command.trace = fsm_string("00-0-0-01");
  assert_refused(d, &command, FSM_EARGUMENT, "trace");
  command.trace = fsm_list(parts, 3);
  parts[0] = fsm_bytes("0123456789abcdef", 15);
  assert_refused(d, &command, FSM_EARGUMENT, "trace");
  parts[0] = fsm_stringn("0123456789abcdef", 16);
  assert_refused(d, &command, FSM_EARGUMENT, "trace");
}

static void a_definition_is_taken_up_to_its_limit_and_refused_past_it(void **state) {
  desk *d = *state;
  fsm_command command = fsm_command_new(FSM_CMD_DEPLOY);
  command.source = text_of(d, FSM_DEFINITION_BYTES_MAX + 1, ' ');
  command.source_len = FSM_DEFINITION_BYTES_MAX;
  assert_admitted(d, &command);
  assert_ptr_not_equal(d->out.source, command.source);
  command.source_len = FSM_DEFINITION_BYTES_MAX + 1;
  assert_refused(d, &command, FSM_ETOOLARGE, "source");
}

/* ---- what is copied, what is made --------------------------------------------------------------- */

static void what_is_admitted_is_a_copy(void **state) {
  desk *d = *state;
  char id[] = "inst", payload[] = "payload";
  fsm_value item = fsm_string(payload);
  fsm_command command = a_send();
  command.instance = id;
  command.data = fsm_list(&item, 1);
  assert_admitted(d, &command);
  memset(id, '?', sizeof id);
  memset(payload, '?', sizeof payload);
  item = fsm_null();
  assert_string_equal(d->out.instance, "inst");
  assert_true(fsm_is_text(&d->out.data.items[0], "payload"));
}

static void ids_are_made_when_they_are_absent(void **state) {
  desk *d = *state;
  fsm_command command = a_start();
  assert_admitted(d, &command);
  assert_true(d->made_id);
  assert_int_equal(strlen(d->out.instance), 36);
  assert_int_equal(strlen(d->out.correlation), 36);
  assert_string_not_equal(d->out.instance, d->out.correlation);
  command.instance = "mine";
  command.correlation = "ours";
  assert_admitted(d, &command);
  assert_false(d->made_id);
  assert_string_equal(d->out.instance, "mine");
  assert_string_equal(d->out.correlation, "ours");
}

static void a_page_is_bounded_and_has_a_default(void **state) {
  desk *d = *state;
  fsm_query query = {.kind = FSM_QUERY_LIST, .state = "a"}, out;
  assert_int_equal(fsm__admit_query(&query, &d->arena, &out, &d->err), FSM_OK);
  assert_int_equal(out.limit, FSM_PAGE_DEFAULT);
  assert_ptr_not_equal(out.state, query.state);
  assert_string_equal(out.state, "a");
  query.limit = FSM_PAGE_MAX;
  assert_int_equal(fsm__admit_query(&query, &d->arena, &out, &d->err), FSM_OK);
  query.limit = FSM_PAGE_MAX + 1;
  assert_int_equal(fsm__admit_query(&query, &d->arena, &out, &d->err), FSM_EARGUMENT);
  assert_string_equal(d->err.where, "limit");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(texts_are_taken_up_to_their_limit_and_refused_past_it),
      T(printable_texts_are_utf8),
      T(what_a_command_cannot_do_without_is_named),
      T(what_may_make_an_instance_has_a_key_for_it),
      T(what_is_known_otherwise_takes_no_key),
      T(labels_keep_their_limits),
      T(data_is_taken_up_to_its_limit_and_refused_past_it),
      T(data_nests_to_its_limit),
      T(an_actor_is_a_map_and_bounded),
      T(a_trace_is_an_id_a_span_and_flags),
      T(a_definition_is_taken_up_to_its_limit_and_refused_past_it),
      T(what_is_admitted_is_a_copy),
      T(ids_are_made_when_they_are_absent),
      T(a_page_is_bounded_and_has_a_default),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
