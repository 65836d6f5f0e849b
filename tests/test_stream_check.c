/* test_stream_check.c: what is wrong with a stream is found and told with its place; what is only odd is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/format.h"
#include "runtime/stream_check.h"

enum { COUNT = 100 };

typedef struct stream {
  fsm_arena arena;
  char *lines[COUNT + 1]; /* by seq, without newline */
  fsm_buf bytes[COUNT + 1];
  fsm__hash leaves[COUNT + 1];
  char path[64];
  FILE *file;
  fsm_value report;
  fsm_error err;
} stream;

static const uint8_t def[32] = {1};

static fsm_record record_of(stream *s, uint64_t seq, const char *word) {
  fsm_record r = fsm_record_new(FSM_RECORD_NOTE);
  fsm_pair *pair = fsm_arena_zalloc(&s->arena, 1, sizeof *pair);
  r.seq = seq;
  r.time_ns = INT64_C(1700000000000000000) + (int64_t)seq;
  r.prev = s->leaves[seq - 1].bytes;
  r.def = r.ctxh = def;
  r.mach = "m";
  r.inst = seq % 2 == 0 ? "even" : "odd";
  r.rev = seq;
  r.corr = "c";
  *pair = (fsm_pair){fsm_string("word"), fsm_string(word)};
  r.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pair};
  return r;
}

static const char *line_of(stream *s, uint64_t seq, const char *word, uint32_t epoch, uint64_t after,
                           bool repair, const fsm_mask *mask) {
  fsm__formatter *json = NULL;
  fsm_buf stored = {0}, out = {0};
  const fsm_record r = record_of(s, seq, word);
  fsm_arena scratch;
  fsm_arena_init(&scratch, 0);
  assert_int_equal(fsm_record_encode(&stored, &r, NULL), FSM_OK);
  fsm__exported e = {.origin = {.store = "one store", .epoch = epoch},
                     .data = stored.data,
                     .len = stored.len,
                     .seq = seq,
                     .after = after,
                     .repair = repair,
                     .leaf = fsm__leaf(stored.data, stored.len),
                     .mask = mask};
  assert_int_equal(fsm__formatter_new(&(fsm__format_options){.format = "json"}, &json, NULL), FSM_OK);
  assert_int_equal(fsm__format(json, &e, &scratch, &out, NULL), FSM_OK);
  const char *kept = fsm_arena_strndup(&s->arena, out.data, out.len);
  if (s->bytes[seq].len == 0) {
    s->leaves[seq] = e.leaf;
    s->bytes[seq] = stored;
    stored = (fsm_buf){0};
  }
  fsm__formatter_free(json);
  fsm_arena_free(&scratch);
  fsm_buf_free(&stored);
  fsm_buf_free(&out);
  return kept;
}

static int setup(void **state) {
  stream *s = calloc(1, sizeof *s);
  fsm_arena_init(&s->arena, 0);
  for (uint64_t seq = 1; seq <= COUNT; seq++)
    s->lines[seq] = (char *)line_of(s, seq, "plain", 0, seq - 1, false, NULL);
  snprintf(s->path, sizeof s->path, "/tmp/fsm-stream-XXXXXX");
  const int fd = mkstemp(s->path);
  assert_true(fd >= 0);
  s->file = fdopen(fd, "w");
  *state = s;
  return 0;
}

static int teardown(void **state) {
  stream *s = *state;
  if (s->file != NULL) fclose(s->file);
  unlink(s->path);
  for (unsigned i = 1; i <= COUNT; i++) fsm_buf_free(&s->bytes[i]);
  fsm_arena_free(&s->arena);
  free(s);
  return 0;
}

static void put(stream *s, const char *line) { fprintf(s->file, "%s\n", line); }

static void put_range(stream *s, unsigned from, unsigned to) {
  for (unsigned i = from; i <= to; i++) put(s, s->lines[i]);
}

static fsm_code checked(stream *s) {
  fsm_stream_check *check = NULL;
  fclose(s->file);
  s->file = NULL;
  assert_int_equal(fsm_stream_check_new(&check, &s->err), FSM_OK);
  assert_int_equal(fsm_stream_check_path(check, s->path, &s->err), FSM_OK);
  fsm_code code = fsm_stream_check_end(check, &s->arena, &s->report, &s->err);
  fsm_stream_check_free(check);
  return code;
}

static uint64_t total(stream *s, const char *name) {
  const fsm_value *value = fsm_map_get(&s->report, name);
  return value != NULL ? value->u : 0;
}

/* One finding only, of this kind, at this seq and line. */
static void found(stream *s, const char *what, uint64_t seq, unsigned line) {
  char place[96];
  assert_int_equal(checked(s), FSM_EVERIFY);
  const fsm_value *findings = fsm_map_get(&s->report, "findings");
  assert_int_equal(findings->len, 1);
  const fsm_value *one = &findings->items[0];
  snprintf(place, sizeof place, "%s:%u", s->path, line);
  if (!fsm_is_text(fsm_map_get(one, "what"), what)) fail_msg("%s", s->err.text);
  if (seq != 0) assert_int_equal(fsm_map_get(one, "seq")->u, seq);
  assert_true(fsm_is_text(fsm_map_get(one, "where"), place));
  assert_string_equal(s->err.where, place);
}

static void a_whole_stream_is_whole(void **state) {
  stream *s = *state;
  put_range(s, 1, COUNT);
  assert_int_equal(checked(s), FSM_OK);
  assert_int_equal(total(s, "records"), COUNT);
  assert_int_equal(total(s, "last"), COUNT);
  assert_int_equal(total(s, "unproved"), 0);
}

static void stored_bytes_are_read_as_frames(void **state) {
  stream *s = *state;
  for (unsigned i = 1; i <= COUNT; i++) {
    const uint32_t len = (uint32_t)s->bytes[i].len;
    const uint8_t head[4] = {(uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16), (uint8_t)(len >> 24)};
    if (i == 50) continue;
    fwrite(head, 1, 4, s->file);
    fwrite(s->bytes[i].data, 1, len, s->file);
  }
  assert_int_equal(checked(s), FSM_EVERIFY);
  assert_int_equal(total(s, "records"), COUNT - 1);
  assert_int_equal(fsm_map_get(&fsm_map_get(&s->report, "findings")->items[0], "seq")->u, 50);
}

static void a_gap_is_a_loss(void **state) {
  stream *s = *state;
  put_range(s, 1, 40);
  put_range(s, 44, COUNT);
  found(s, "loss", 41, 41);
  assert_int_equal(fsm_map_get(&fsm_map_get(&s->report, "findings")->items[0], "to")->u, 43);
}

static void a_filtered_stream_has_no_gap_where_after_says_so(void **state) {
  stream *s = *state;
  put_range(s, 1, 40);
  put(s, line_of(s, 50, "plain", 0, 40, false, NULL));
  put(s, line_of(s, 60, "plain", 0, 50, false, NULL));
  assert_int_equal(checked(s), FSM_OK);
  assert_int_equal(total(s, "left_out"), 18);
}

static void a_filtered_stream_that_lost_what_after_names_has_a_loss(void **state) {
  stream *s = *state;
  put_range(s, 1, 40);
  put(s, line_of(s, 60, "plain", 0, 50, false, NULL));
  found(s, "loss", 41, 41);
}

static void a_record_that_the_next_one_does_not_know_of_is_told(void **state) {
  stream *s = *state;
  put_range(s, 1, 40);
  put(s, line_of(s, 60, "plain", 0, 39, false, NULL));
  found(s, "order", 60, 41);
}

/* The leaf of a later epoch's record is not held against what the dead branch had behind it. */
static void a_new_branch_that_leaves_out_some_is_not_linked_to_the_dead_one(void **state) {
  stream *s = *state;
  put_range(s, 1, 60);
  for (unsigned i = 51; i <= 60; i++) fsm_buf_free(&s->bytes[i]), s->bytes[i] = (fsm_buf){0};
  put(s, line_of(s, 51, "new", 1, 50, false, NULL));
  (void)line_of(s, 52, "new", 1, 51, false, NULL);
  put(s, line_of(s, 53, "new", 1, 51, false, NULL));
  assert_int_equal(checked(s), FSM_OK);
  assert_int_equal(total(s, "dead"), 10);
  assert_int_equal(total(s, "left_out"), 1);
}

static void a_repeat_is_harmless_and_another_record_under_its_id_is_not(void **state) {
  stream *s = *state;
  put_range(s, 1, 60);
  put_range(s, 30, 40);
  put(s, line_of(s, 41, "other", 0, 40, false, NULL));
  found(s, "conflict", 41, 72);
  assert_int_equal(total(s, "repeats"), 11);
}

static void a_repair_may_come_late_and_nothing_else(void **state) {
  stream *s = *state;
  put_range(s, 1, 40);
  put_range(s, 44, 80);
  put(s, line_of(s, 42, "plain", 0, 41, true, NULL));
  put(s, line_of(s, 41, "plain", 0, 40, true, NULL));
  put(s, s->lines[43]);
  found(s, "order", 43, 80);
  assert_int_equal(total(s, "repaired"), 2);
}

static void altered_content_does_not_give_its_leaf(void **state) {
  stream *s = *state;
  put_range(s, 1, 20);
  char *line = s->lines[21], *at = strstr(line, "\"word\":\"plain\"");
  memcpy(at, "\"word\":\"pLain\"", 14);
  put_range(s, 21, COUNT);
  found(s, "alteration", 21, 21);
}

static void a_record_made_anew_breaks_the_chain(void **state) {
  stream *s = *state;
  put_range(s, 1, 20);
  put(s, line_of(s, 21, "other", 0, 20, false, NULL));
  put_range(s, 22, COUNT);
  found(s, "chain", 22, 22);
}

static void what_is_masked_is_not_proved_and_no_finding(void **state) {
  stream *s = *state;
  static const char marks[] = "{\"schemas\":{\"context\":{\"properties\":{\"word\":{\"x-pii\":true}}}}}";
  const fsm_mask *mask = NULL;
  assert_int_equal(fsm_mask_of(&s->arena, marks, strlen(marks), &mask, NULL), FSM_OK);
  put_range(s, 1, 20);
  put(s, line_of(s, 21, "plain", 0, 20, false, mask));
  put_range(s, 22, COUNT);
  assert_int_equal(checked(s), FSM_OK);
  assert_int_equal(total(s, "unproved"), 1);
}

static void a_dead_branch_behind_a_fork_is_told_and_no_finding(void **state) {
  stream *s = *state;
  put_range(s, 1, 60);
  for (unsigned i = 51; i <= 60; i++) fsm_buf_free(&s->bytes[i]), s->bytes[i] = (fsm_buf){0};
  for (unsigned i = 51; i <= 60; i++) put(s, line_of(s, i, "new", 1, i - 1, false, NULL));
  put(s, s->lines[58]);
  assert_int_equal(checked(s), FSM_OK);
  assert_int_equal(total(s, "dead"), 11);
  assert_int_equal(total(s, "last"), 60);
}

static void a_line_that_is_no_record_is_told_and_a_torn_end_is_not(void **state) {
  stream *s = *state;
  put_range(s, 1, 20);
  put(s, "{\"seq\":1}");
  put_range(s, 21, 30);
  fprintf(s->file, "{\"seq\":3");
  found(s, "malformed", 0, 21);
  assert_int_equal(total(s, "last"), 30);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(a_whole_stream_is_whole),
      T(stored_bytes_are_read_as_frames),
      T(a_gap_is_a_loss),
      T(a_filtered_stream_has_no_gap_where_after_says_so),
      T(a_filtered_stream_that_lost_what_after_names_has_a_loss),
      T(a_record_that_the_next_one_does_not_know_of_is_told),
      T(a_new_branch_that_leaves_out_some_is_not_linked_to_the_dead_one),
      T(a_repeat_is_harmless_and_another_record_under_its_id_is_not),
      T(a_repair_may_come_late_and_nothing_else),
      T(altered_content_does_not_give_its_leaf),
      T(a_record_made_anew_breaks_the_chain),
      T(what_is_masked_is_not_proved_and_no_finding),
      T(a_dead_branch_behind_a_fork_is_told_and_no_finding),
      T(a_line_that_is_no_record_is_told_and_a_torn_end_is_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
