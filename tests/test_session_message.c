/* Messages: one block that owns all it points at; the queue and its bound. */
#include "fsm/session_impl.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct box {
  fsm_sessions *all;
  fsm_error err;
} box;

static box box_open(void) {
  box b = {0};
  assert_int_equal(fsm_sessions_new(&(fsm_sessions_options){0}, &b.all, &b.err), FSM_OK);
  return b;
}

static fsm__message *put(box *b, uint64_t from, uint64_t to, const char *id) {
  fsm__message draft = {.kind = FSM__MESSAGE_EVENT, .from = from, .to = to, .id = id, .event = {.name = "E"}},
               *m;
  assert_int_equal(fsm__message_new(b->all, &draft, &m, &b->err), FSM_OK);
  fsm__message_put(b->all, m);
  return m;
}

static void a_message_owns_all_that_it_points_at(void **state) {
  (void)state;
  box b = box_open();
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_value items[] = {fsm_int(1), fsm_string("two"), fsm_bytes("\x03\x00", 2), fsm_double(4.5), fsm_null()};
  fsm_pair pairs[] = {{fsm_string("a"), fsm_list(items, 5)},
                      {fsm_string("b"), fsm_map_empty()},
                      {fsm_int(3), fsm_bool(true)}};
  fsm_value data, kept;
  assert_int_equal(fsm_map(pairs, 3, &data, NULL), FSM_OK);
  assert_int_equal(fsm_value_copy(&arena, &data, &kept, NULL), FSM_OK);
  char texts[9][8];
  for (unsigned i = 0; i < 9; i++) snprintf(texts[i], sizeof texts[i], "text %u", i);
  fsm__message draft = {.kind = FSM__MESSAGE_EVENT,
                        .id = texts[0],
                        .target = texts[1],
                        .processor = texts[2],
                        .event = {.name = texts[3],
                                  .data = data,
                                  .type = texts[4],
                                  .sendid = texts[5],
                                  .origin = texts[6],
                                  .origintype = texts[7],
                                  .invokeid = texts[8]}},
               *m;
  assert_int_equal(fsm__message_new(b.all, &draft, &m, &b.err), FSM_OK);
  memset(texts, 'x', sizeof texts);
  memset(items, 0, sizeof items);
  memset(pairs, 0, sizeof pairs);
  const char *const now[] = {m->id,           m->target,           m->processor,
                             m->event.name,   m->event.type,       m->event.sendid,
                             m->event.origin, m->event.origintype, m->event.invokeid};
  for (unsigned i = 0; i < 9; i++) {
    char expected[8];
    snprintf(expected, sizeof expected, "text %u", i);
    assert_string_equal(now[i], expected);
  }
  assert_true(fsm_value_same(&m->event.data, &kept));
  fsm__message_free(b.all, m);
  fsm_arena_free(&arena);
  fsm_sessions_free(b.all);
}

static void data_nested_to_the_limit_goes_and_one_deeper_does_not(void **state) {
  (void)state;
  box b = box_open();
  static fsm_value levels[FSM_VALUE_DEPTH_MAX + 2];
  levels[0] = fsm_int(1);
  for (unsigned i = 1; i < FSM_VALUE_DEPTH_MAX + 2; i++) levels[i] = fsm_list(&levels[i - 1], 1);
  fsm__message draft = {.kind = FSM__MESSAGE_EVENT,
                        .event = {.name = "E", .data = levels[FSM_VALUE_DEPTH_MAX]}},
               *m;
  assert_int_equal(fsm__message_new(b.all, &draft, &m, &b.err), FSM_OK);
  fsm__message_free(b.all, m);
  draft.event.data = levels[FSM_VALUE_DEPTH_MAX + 1];
  assert_int_equal(fsm__message_new(b.all, &draft, &m, &b.err), FSM_ETOOLARGE);
  assert_string_equal(b.err.where, "E");
  fsm_sessions_free(b.all);
}

static void the_queue_holds_what_is_stated_and_not_one_more(void **state) {
  (void)state;
  box b = box_open();
  for (unsigned i = 0; i < FSM_SESSION_QUEUE_MAX; i++) put(&b, 1, i, NULL);
  fsm__message draft = {.kind = FSM__MESSAGE_EVENT, .event = {.name = "E"}}, *m;
  assert_int_equal(fsm__message_new(b.all, &draft, &m, &b.err), FSM_ETOOLARGE);
  m = fsm__message_take(b.all);
  assert_int_equal(m->to, 0);
  fsm__message_free(b.all, m);
  put(&b, 1, FSM_SESSION_QUEUE_MAX, NULL);
  for (unsigned i = 1; i <= FSM_SESSION_QUEUE_MAX; i++) {
    m = fsm__message_take(b.all);
    if (m->to != i) fail_msg("%u came as number %u", (unsigned)m->to, i);
    fsm__message_free(b.all, m);
  }
  assert_null(fsm__message_take(b.all));
  fsm_sessions_free(b.all);
}

static void only_what_one_sent_to_oneself_can_be_called_back(void **state) {
  (void)state;
  box b = box_open();
  put(&b, 1, 1, "x");
  put(&b, 1, 2, "x");
  put(&b, 2, 2, "x");
  put(&b, 1, 1, NULL);
  put(&b, 1, 1, "x");
  fsm__message_cancel(b.all, 1, "x");
  put(&b, 3, 3, "y"); /* the end of the queue is still its end */
  static const uint64_t left[][2] = {{1, 2}, {2, 2}, {1, 1}, {3, 3}};
  for (unsigned i = 0; i < 4; i++) {
    fsm__message *m = fsm__message_take(b.all);
    assert_int_equal(m->from, left[i][0]);
    assert_int_equal(m->to, left[i][1]);
    fsm__message_free(b.all, m);
  }
  assert_null(fsm__message_take(b.all));
  fsm_sessions_free(b.all);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_message_owns_all_that_it_points_at),
      cmocka_unit_test(data_nested_to_the_limit_goes_and_one_deeper_does_not),
      cmocka_unit_test(the_queue_holds_what_is_stated_and_not_one_more),
      cmocka_unit_test(only_what_one_sent_to_oneself_can_be_called_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
