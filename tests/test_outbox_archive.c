/* test_outbox_archive.c: a sink that retention was faster than, and what a budget does about one. */
#include <dirent.h>
#include <sys/stat.h>

#include "runtime/daemon/archive.h"
#include "tests/outbox_scene.h"

static char archive[80];

static int up(void **state) {
  if (scene_up(state) != 0) return -1;
  snprintf(archive, sizeof archive, "%s/archive", s->filled.dir);
  return mkdir(archive, 0700);
}

static fsm_code keep(void *arg, int dir_fd, const char *name, const fsm__segment_info *segment,
                     fsm_error *err) {
  char path[160];
  (void)dir_fd;
  snprintf(path, sizeof path, "%s/journal/%s", s->filled.dir, name);
  return fsm__archive_copy(arg, path, segment->first_seq, segment->last_seq, err);
}

/* At least two segments that are sealed, and one that is not. */
static void fill(void) {
  enum { LARGE = 100000 };
  char *text = malloc(LARGE + 1);
  memset(text, 'x', LARGE);
  text[LARGE] = '\0';
  assert_true(filled_journal_add(&s->filled, 60, text));
  free(text);
}

static uint64_t prune(uint64_t keep_from) {
  fsm__prune_report report;
  fsm_error err = {0};
  if (fsm__journal_prune(s->filled.journal, keep_from, keep, archive, &report, &err) != FSM_OK)
    fail_msg("%s: %s", err.where, err.text);
  assert_true(report.segments > 0 && report.first_seq > 1);
  return report.first_seq;
}

static uint64_t restarted_from;

static void on_note(void *arg, const char *sink, const char *what, const fsm_value *more,
                    const fsm_value *actor, const char *reason) {
  const fsm_value *from = fsm_map_get(more, "from");
  if (from != NULL) restarted_from = (uint64_t)from->i;
  scene_note(arg, sink, what, more, actor, reason);
}

static fsm__outbox_options told_options(void) {
  fsm__outbox_options options = scene_options();
  options.note = on_note;
  restarted_from = 0;
  return options;
}

/* Its cursor at record 3. */
static void stopped_at_three(void) {
  scene_add(3);
  scene_start();
  WAIT_FOR(scene_status().seq == 3);
  scene_stop();
}

static void what_is_archived_is_read_on_from_there(void **state) {
  (void)state;
  stopped_at_three();
  fill();
  assert_true(prune(60) > 4);
  fsm__outbox_options options = scene_options();
  options.archive = archive;
  scene_start_with(&options);
  WAIT_FOR(scene_status().seq == 63);
  assert_int_equal(s->got_count, 63);
  for (size_t i = 0; i < 63; i++) assert_true(s->got[i].seq == i + 1);
  assert_int_equal(fsm__outbox_resend(s->outbox, 1, 2, NULL, NULL, NULL, NULL), FSM_OK);
  WAIT_FOR(scene_status().repaired == 2);
}

static void damage_the_cursor(void) {
  char path[160];
  snprintf(path, sizeof path, "%s/sinks/scene", s->filled.dir);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs("damaged", file) >= 0 && fclose(file) == 0);
}

static void assert_restarted_from(uint64_t from) {
  assert_int_equal(noted("restarted"), 1);
  assert_true(restarted_from == from);
}

static void one_whose_cursor_is_damaged_begins_with_what_the_archive_has(void **state) {
  (void)state;
  stopped_at_three();
  fill();
  assert_true(prune(60) > 4);
  damage_the_cursor();
  fsm__outbox_options options = told_options();
  options.archive = archive;
  scene_start_with(&options);
  WAIT_FOR(scene_status().seq == 63);
  assert_int_equal(s->got_count, 3 + 63);
  for (size_t i = 0; i < 63; i++) assert_true(s->got[3 + i].seq == i + 1);
  assert_restarted_from(1);
  WAIT_FOR(!scene_status().spilled); /* the journal keeps again what it needs */
}

/* Out of the archive; the seq that follows. */
static uint64_t drop_the_oldest(void) {
  char path[400] = "";
  unsigned long long from = 0, to = 0;
  DIR *dir = opendir(archive);
  assert_non_null(dir);
  for (const struct dirent *entry; path[0] == '\0' && (entry = readdir(dir)) != NULL;)
    if (sscanf(entry->d_name, "%llu-%llu.seg", &from, &to) == 2 && from == 1)
      snprintf(path, sizeof path, "%s/%s", archive, entry->d_name);
  closedir(dir);
  assert_int_equal(unlink(path), 0);
  return to + 1;
}

static void what_neither_has_any_more_is_told_by_where_it_begins(void **state) {
  (void)state;
  stopped_at_three();
  fill();
  uint64_t first = prune(60), second = drop_the_oldest();
  damage_the_cursor();
  fsm__outbox_options options = told_options();
  options.archive = archive;
  scene_start_with(&options);
  WAIT_FOR(scene_status().seq == 63);
  assert_true(s->got[3].seq == second && second < first);
  assert_restarted_from(second);
}

static void without_an_archive_a_damaged_cursor_begins_with_the_journal(void **state) {
  (void)state;
  stopped_at_three();
  fill();
  uint64_t first = prune(60);
  damage_the_cursor();
  fsm__outbox_options options = told_options();
  scene_start_with(&options);
  WAIT_FOR(scene_status().seq == 63);
  assert_true(s->got[3].seq == first);
  assert_restarted_from(first);
}

static void without_an_archive_it_stands_still_and_names_the_record(void **state) {
  (void)state;
  stopped_at_three();
  fill();
  (void)prune(60);
  scene_start();
  WAIT_FOR(scene_status().halted);
  assert_non_null(strstr(scene_status().last_error, "record 4 is no longer in the journal"));
  assert_int_equal(s->got_count, 3);
  fsm_error err = {0};
  assert_int_equal(fsm__outbox_resend(s->outbox, 1, 3, NULL, NULL, NULL, &err), FSM_ENOTFOUND);
}

/* Whatever the other side says later, it is not asked for again. */
static void what_is_nowhere_is_given_up_by_an_order_and_not_asked_for_again(void **state) {
  (void)state;
  char command[96];
  fsm_error err = {0};
  stopped_at_three();
  fill();
  uint64_t first = prune(60);
  scene_start();
  WAIT_FOR(scene_status().halted);
  snprintf(command, sizeof command, "fsm-cli outbox drop scene --from 4 --to %llu --reason WHY",
           (unsigned long long)first - 1);
  assert_non_null(strstr(scene_status().last_error, command));
  assert_int_equal(fsm__outbox_may_drop_range(s->outbox, 5, 6, &err), FSM_EARGUMENT);
  assert_non_null(strstr(err.text, "at record 4"));
  assert_int_equal(fsm__outbox_may_drop_range(s->outbox, 4, 64, &err), FSM_EARGUMENT);
  assert_int_equal(fsm__outbox_drop_range_told(s->outbox, 4, 3, &err), FSM_EARGUMENT);
  assert_int_equal(fsm__outbox_may_drop_range(s->outbox, 4, 63, &err), FSM_OK);
  assert_true(scene_status().seq == 3);
  LOCKED(s->back_to = 3); /* the other side has no more */
  assert_int_equal(fsm__outbox_drop_range_told(s->outbox, 4, first - 1, &err), FSM_OK);
  WAIT_FOR(scene_status().seq == 63);
  assert_true(!scene_status().halted && s->got_count == 3 + 63 - (first - 1));
  assert_true(s->got[3].seq == first && s->got[3].after == first - 1);
  scene_stop();

  s->back_to = 3; /* a lost tail: what follows the gap again, and no stop */
  scene_start();
  WAIT_FOR(scene_status().seq == 63 && scene_got(false) == 3 + 2 * (63 - (first - 1)));
  assert_true(!scene_status().halted);
  scene_stop();

  s->back_to = 2; /* and one more that is nowhere: the range grows to the front */
  scene_start();
  WAIT_FOR(scene_status().halted);
  assert_int_equal(fsm__outbox_drop_range_told(s->outbox, 3, 3, &err), FSM_OK);
  WAIT_FOR(scene_status().seq == 63);
  assert_true(!scene_status().halted);
}

static void what_comes_back_into_the_archive_is_read_on_by_itself(void **state) {
  (void)state;
  char away[128];
  stopped_at_three();
  fill();
  (void)prune(60);
  snprintf(away, sizeof away, "%s.away", archive);
  assert_int_equal(rename(archive, away), 0);
  assert_int_equal(mkdir(archive, 0700), 0);
  fsm__outbox_options options = scene_options();
  options.archive = archive;
  scene_start_with(&options);
  WAIT_FOR(scene_status().halted);
  assert_non_null(strstr(scene_status().last_error, "and the archive has it not"));
  assert_int_equal(rmdir(archive), 0);
  assert_int_equal(rename(away, archive), 0);
  WAIT_FOR(scene_status().seq == 63);
  assert_true(!scene_status().halted && s->got_count == 63);
}

static void a_new_sink_begins_with_what_the_journal_has(void **state) {
  (void)state;
  fill();
  uint64_t first = prune(60);
  scene_start();
  WAIT_FOR(scene_status().seq == 60);
  assert_true(s->got[0].seq == first);
}

static void a_parked_one_that_is_gone_says_so(void **state) {
  (void)state;
  s->poison_from = s->poison_to = 2;
  stopped_at_three();
  fill();
  scene_start();
  WAIT_FOR(scene_status().seq == 63);
  (void)prune(60);
  assert_int_equal(fsm__outbox_retry(s->outbox, 0, NULL, NULL, NULL, NULL), FSM_OK);
  fsm_code code = FSM_OK;
  for (int i = 0; i < 12000 && code != FSM_ENOTFOUND; i++) {
    fsm__parked *list;
    size_t count;
    assert_int_equal(fsm__outbox_parked(s->outbox, &list, &count, NULL), FSM_OK);
    assert_int_equal(count, 1);
    code = list[0].code;
    if (code == FSM_ENOTFOUND) assert_non_null(strstr(list[0].text, "record 2 is no longer in the journal"));
    free(list);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  assert_int_equal(code, FSM_ENOTFOUND);
  assert_true(scene_status().parked == 1 && scene_status().seq == 63 && !scene_status().halted);
  assert_int_equal(fsm__outbox_drop(s->outbox, 2, NULL, NULL, NULL), FSM_OK);
}

static void over_its_budget_it_is_fed_from_the_archive_until_it_is_back(void **state) {
  (void)state;
  s->config.budget_bytes = FSM_SEGMENT_BYTES_MIN;
  s->config.policy = FSM__SPILL;
  stopped_at_three();
  fill();
  s->away = true;
  fsm__outbox_options options = scene_options();
  options.archive = archive;
  scene_start_with(&options);
  WAIT_FOR(scene_status().spilled);
  assert_true(scene_cursor().spilled && scene_status().budget_percent >= 100);
  assert_int_equal(noted("spilled"), 1);
  assert_int_equal(noted("budget"), 1);
  (void)prune(60);
  LOCKED(s->away = false);
  WAIT_FOR(scene_status().seq == 63);
  WAIT_FOR(!scene_status().spilled);
  assert_int_equal(noted("unspilled"), 1);
  assert_false(scene_cursor().spilled);
  assert_int_equal(s->got_count, 63);
}

static fsm__hold held;
static char held_text[FSM_TEXT_MAX];

static void on_hold(void *arg, const char *sink, fsm__hold level, const char *text) {
  (void)arg, (void)sink;
  scene_lock();
  held = level;
  snprintf(held_text, sizeof held_text, "%s", text);
  scene_unlock();
}

static fsm__hold held_now(void) {
  fsm__hold now;
  LOCKED(now = held);
  return now;
}

static void with_policy_hold_commands_are_held_up_until_it_is_back(void **state) {
  (void)state;
  s->config.budget_bytes = FSM_SEGMENT_BYTES_MIN;
  s->config.policy = FSM__HOLD;
  fill();
  s->away = true;
  fsm__outbox_options options = scene_options();
  options.hold = on_hold;
  scene_start_with(&options);
  WAIT_FOR(held_now() == FSM__HOLD_ALL);
  assert_true(held_text[0] != '\0' && noted("held") == 1);
  LOCKED(s->away = false);
  WAIT_FOR(held_now() == FSM__HOLD_NONE);
  assert_int_equal(noted("released"), 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, scene_down)
  const struct CMUnitTest tests[] = {
      TEST(what_is_archived_is_read_on_from_there),
      TEST(one_whose_cursor_is_damaged_begins_with_what_the_archive_has),
      TEST(what_neither_has_any_more_is_told_by_where_it_begins),
      TEST(without_an_archive_a_damaged_cursor_begins_with_the_journal),
      TEST(without_an_archive_it_stands_still_and_names_the_record),
      TEST(what_is_nowhere_is_given_up_by_an_order_and_not_asked_for_again),
      TEST(what_comes_back_into_the_archive_is_read_on_by_itself),
      TEST(a_new_sink_begins_with_what_the_journal_has),
      TEST(a_parked_one_that_is_gone_says_so),
      TEST(over_its_budget_it_is_fed_from_the_archive_until_it_is_back),
      TEST(with_policy_hold_commands_are_held_up_until_it_is_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
