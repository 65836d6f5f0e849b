/* test_database_repair.c: what can be trusted of a damaged journal, what the plan says of the rest, what a
 * repair leaves. Random damage: tests/damage.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "snapshot_scene.h"

#include "runtime/database.h"
#include "runtime/journal_impl.h"

static const fsm_database_order plan = {.actor = "me"}, yes = {.actor = "me", .yes = true},
                                accepted = {
                                    .actor = "me", .reason = "no backup", .yes = true, .accept_loss = true};

static int64_t number(const fsm_value *document, const char *name) {
  const fsm_value *value = fsm_map_get(document, name);
  return value != NULL && fsm_is(value, FSM_INT) ? value->i : -1;
}

/* The plan's text; asserts whether it was done. */
static const char *repair(fixture *f, const fsm_database_order *order, bool done, fsm_value *told) {
  fsm_error err = {.text = ""};
  fsm_code code = fsm_database_repair(f->dir, order, &f->arena, told, &err);
  if (code != FSM_OK) fail_msg("repair: %s: %s", err.where, err.text);
  assert_int_equal(fsm_map_get(told, "done")->b, done);
  return fsm_map_get(told, "plan")->s;
}

static fixture *lived(unsigned commands) {
  fixture *f = restless_new();
  lives all;
  lives_begin(f, &all, commands);
  (void)lives_end(&all);
  settle(f);
  return f;
}

static void open_again(fixture *f) {
  fsm_runtime_options options = restless_options(f);
  scene_open(f, &options);
}

/* Closes it; closing writes the refusals that were counted. */
static uint64_t close_at_last(fixture *f) {
  fsm_runtime *runtime = NULL;
  fsm_opened opened;
  fixture_close(f);
  assert_int_equal(
      fsm_runtime_open(&(fsm_runtime_options){.dir = f->dir, .read_only = true}, &runtime, &opened, NULL),
      FSM_OK);
  fsm_runtime_close(runtime);
  return opened.last_seq;
}

/* ---- one segment in memory ----------------------------------------------------------------------- */

typedef struct segment {
  char path[160];
  uint8_t *data;
  size_t len;
  fsm__segment_head head;
} segment;

static segment segment_load(const fixture *f, uint64_t ordinal) {
  segment s = {.len = 0};
  struct stat st;
  snprintf(s.path, sizeof s.path, "%s/journal/0/%020llu.seg", f->dir, (unsigned long long)ordinal);
  int fd = open(s.path, O_RDONLY);
  assert_true(fd >= 0 && fstat(fd, &st) == 0);
  s.len = (size_t)st.st_size;
  s.data = malloc(s.len);
  assert_non_null(s.data);
  assert_int_equal(read(fd, s.data, s.len), (ssize_t)s.len);
  close(fd);
  assert_int_equal(fsm__segment_decode(s.data, ordinal, &s.head, NULL), FSM_OK);
  return s;
}

static void segment_save(segment *s) {
  int fd = open(s->path, O_WRONLY);
  assert_int_equal(pwrite(fd, s->data, s->len, 0), (ssize_t)s->len);
  close(fd);
  free(s->data);
}

/* Where the batch is that holds a seq; 0: the end of the log. */
static size_t batch_of(const segment *s, uint64_t seq, fsm__batch_head *head) {
  size_t at = FSM_JOURNAL_BLOCK;
  while (fsm__batch_decode(s->data + at, s->head.salt, s->len - at, head) &&
         head->kind != FSM__BATCH_FOOTER) {
    if (head->kind == FSM__BATCH_DATA && seq >= head->first_seq && seq < head->first_seq + head->records)
      return at;
    at += (size_t)fsm__blocks(head->length);
  }
  return seq == 0 ? at : 0;
}

/* One letter of a record is another one, and every checksum is right again. */
static void alter(fixture *f, uint64_t ordinal, uint64_t seq) {
  fsm__batch_head head;
  fsm__frames frames;
  fsm__bytes record;
  bool frame_end = false;
  segment s = segment_load(f, ordinal);
  size_t at = batch_of(&s, seq, &head);
  assert_true(at > 0);
  fsm__frames_start(&frames, s.data + at, &head);
  for (uint64_t i = head.first_seq; fsm__frames_next(&frames, &record, &frame_end) && i < seq; i++) continue;
  uint8_t *bytes = s.data + ((const uint8_t *)record.data - s.data);
  uint8_t *letter = memmem(bytes, record.len, "test", 4); /* of whom it is from */
  if (letter == NULL) letter = memmem(bytes, record.len, "flow", 4);
  assert_non_null(letter);
  *letter ^= 1;
  fsm__batch_encode(s.data + at, &head, s.head.salt);
  segment_save(&s);
}

static void assert_whole(fixture *f, const fsm_value *told, uint64_t record) {
  assert_int_equal(number(told, "record"), record);
  open_again(f);
  assert_int_equal(f->opened.last_seq, record);
  assert_verified(f);
}

/* ---- */

static void a_torn_tail_is_cut_and_put_on_record(void **state) {
  (void)state;
  fixture *f = lived(60);
  fsm_value told;
  fsm__batch_head head;
  const uint64_t ordinal = fsm__runtime_journal(f->runtime)->ordinal;
  const uint64_t last = close_at_last(f);
  segment s = segment_load(f, ordinal);
  memset(s.data + batch_of(&s, 0, &head), 0x5a, 1500);
  segment_save(&s);
  assert_non_null(strstr(repair(f, &plan, false, &told), "torn tail"));
  (void)repair(f, &yes, true, &told);
  assert_whole(f, &told, last + 1);
  fixture_free(f);
}

static void an_altered_record_and_what_is_behind_it_are_not_trusted(void **state) {
  (void)state;
  fixture *f = lived(100);
  fsm_value told;
  fsm__batch_head head;
  const uint64_t last = close_at_last(f), seq = last / 2;
  alter(f, 1, seq);
  segment s = segment_load(f, 1);
  assert_true(batch_of(&s, seq, &head) > 0);
  free(s.data);
  const char *text = repair(f, &yes, false, &told);
  assert_non_null(strstr(text, "restore a backup"));
  assert_int_equal(number(&told, "trusted"), head.first_seq - 1);
  assert_int_equal(number(&told, "known"), last);
  (void)repair(f, &accepted, true, &told);
  assert_whole(f, &told, head.first_seq);
  fixture_free(f);
}

/* Nothing in the journal contradicts it; the store has its hash. */
static void the_last_record_altered_is_known_by_the_store(void **state) {
  (void)state;
  fixture *f = lived(60);
  fsm_value told;
  const uint64_t last = close_at_last(f);
  alter(f, 1, last);
  assert_non_null(strstr(repair(f, &yes, false, &told), "cannot be trusted"));
  assert_true(number(&told, "trusted") < (int64_t)last);
  (void)repair(f, &accepted, true, &told);
  assert_whole(f, &told, (uint64_t)number(&told, "record"));
  fixture_free(f);
}

/* ---- several segments ---------------------------------------------------------------------------- */

static fixture *long_lived(void) {
  fixture *f = lived(40);
  fsm_answer answer = deploy_text(f, COUNTER, strlen(COUNTER));
  assert_code(&answer, FSM_OK);
  answer = start_counter(f, "c0");
  assert_code(&answer, FSM_OK);
  client c = {.f = f, .id = 0, .commands = 120, .blob = 60000};
  client_run(&c);
  for (int i = 0; i < 12000 && atomic_load(&c.answers) < 120; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  settle(f);
  assert_true(fsm__runtime_journal(f->runtime)->ordinal >= 3);
  return f;
}

static void what_is_behind_a_missing_segment_is_not_trusted(void **state) {
  (void)state;
  fixture *f = long_lived();
  fsm_value told;
  char path[160];
  const uint64_t last = close_at_last(f);
  segment s = segment_load(f, 2);
  const uint64_t trusted = s.head.first_seq - 1;
  free(s.data);
  snprintf(path, sizeof path, "%s/journal/0/%020d.seg", f->dir, 2);
  assert_int_equal(unlink(path), 0);
  (void)repair(f, &yes, false, &told);
  assert_int_equal(number(&told, "trusted"), trusted);
  assert_int_equal(number(&told, "known"), last);
  (void)repair(f, &accepted, true, &told);
  assert_whole(f, &told, trusted + 1);
  fixture_free(f);
}

static void damage_older_than_a_snapshot_costs_history_and_no_state(void **state) {
  (void)state;
  fixture *f = long_lived();
  fsm_value told, was, is;
  fsm_error err = {.text = ""};
  const fsm_query query = {.kind = FSM_QUERY_INSTANCE, .ref = "c0"};
  fsm__snapshot_info info = snapshot_made(f, 0, 0);
  assert_int_equal(fsm__snapshot_note_verified(snapshots_of(f), info.from_seq, 5, NULL), FSM_OK);
  assert_int_equal(fsm_query_wait(f->runtime, &query, &f->arena, &was, &err), FSM_OK);
  const uint64_t last = close_at_last(f);
  alter(f, 1, 20);
  const char *text = repair(f, &yes, false, &told);
  assert_non_null(strstr(text, "no state"));
  (void)repair(f, &accepted, true, &told);
  assert_whole(f, &told, last + 1);
  assert_int_equal(fsm__runtime_origin(f->runtime).epoch, 0); /* the chain goes on */
  assert_true(fsm__journal_first_seq(fsm__runtime_journal(f->runtime)) > 20);
  assert_int_equal(fsm_query_wait(f->runtime, &query, &f->arena, &is, &err), FSM_OK);
  assert_int_equal(number(&was, "rev"), number(&is, "rev"));
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_torn_tail_is_cut_and_put_on_record),
      cmocka_unit_test(an_altered_record_and_what_is_behind_it_are_not_trusted),
      cmocka_unit_test(the_last_record_altered_is_known_by_the_store),
      cmocka_unit_test(what_is_behind_a_missing_segment_is_not_trusted),
      cmocka_unit_test(damage_older_than_a_snapshot_costs_history_and_no_state),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
