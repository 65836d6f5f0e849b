/* test_past_kept.c: as-of and history where the journal let go of first records: what the archive has of
 * them, and without one what can be told all the same, against what was answered before. */
#include <dirent.h>
#include <sys/stat.h>

#include "past_life.h"

#include "runtime/daemon/archive.h"
#include "tests/tree.h"

static char archive[96];

static fsm_code to_archive(void *arg, int dir_fd, const char *name, const fsm__segment_info *segment,
                           fsm_error *err) {
  char path[PATH_MAX];
  fixture *f = arg;
  (void)dir_fd;
  snprintf(path, sizeof path, "%s/journal/0/%s", f->dir, name);
  return fsm__archive_copy(archive, path, segment->first_seq, segment->last_seq, err);
}

static int64_t first_kept(fixture *f) {
  return (int64_t)fsm__journal_first_seq(fsm__runtime_journal(f->runtime));
}

/* Lets go of what is before a seq, into the archive. */
static void prune(fixture *f, int64_t before) {
  fsm__prune_report report;
  fsm_error err;
  snprintf(archive, sizeof archive, "%s/archived", f->dir);
  (void)mkdir(archive, 0700);
  if (fsm__journal_prune(fsm__runtime_journal(f->runtime), (uint64_t)before, to_archive, f, &report, &err) !=
      FSM_OK)
    fail_msg("prune: %s: %s", err.where, err.text);
  assert_true(report.segments > 0);
}

static void reopen(fixture *f, bool with_archive) {
  fsm_runtime_options options = scene_options(f);
  options.archive_dir = with_archive ? archive : NULL;
  scene_reopen(f, &options);
}

/* What is answered of each now: differs: must not be. */
typedef struct told {
  unsigned same, none, archived;
} told;

static told ask_all(life *l, bool may_lack) {
  told out = {.same = 0};
  for (unsigned i = 0; i < l->count; i++) {
    const kept *k = &l->kept[i];
    char as_of[48];
    fsm_value in;
    fsm_error err = {.text = ""};
    fsm_arena_reset(&l->f->arena);
    snprintf(as_of, sizeof as_of, "@%lld", (long long)k->seq);
    const fsm_query q = {.kind = FSM_QUERY_INSTANCE, .ref = k->id, .as_of = as_of};
    fsm_code code = fsm_query_wait(l->f->runtime, &q, &l->f->arena, &in, &err);
    if (code == FSM_ENOTFOUND && may_lack && strstr(err.text, "archived") != NULL) {
      out.archived++;
      continue;
    }
    if (code == FSM_EINSTANCE && k->text == NULL) {
      out.none++;
      continue;
    }
    if (code == FSM_EINSTANCE && may_lack) { /* nothing tells that it was ever there */
      out.archived++;
      continue;
    }
    if (code != FSM_OK)
      fail_msg("%s as of %s: %s: %s (%s) first %lld", k->id, as_of, fsm_code_name(code), err.text, err.where,
               (long long)first_kept(l->f));
    const fsm_value value = plain(l->f, &in, false);
    const char *text = text_of(l->f, &value);
    if (k->text == NULL || strcmp(text, k->text) != 0)
      fail_msg("%s as of %s is\n%s\nand was\n%s", k->id, as_of, text, k->text ? k->text : "none");
    out.same++;
  }
  return out;
}

static void what_was_answered_before_pruning_is_answered_after_it(void **state) {
  const char *seed = getenv("FSM_PAST_SEED"); /* other lives */
  life l = {.f = *state, .random = seed ? strtoull(seed, NULL, 10) : 88172645463325252u, .pad = 8};
  live(&l);
  const int64_t last = seq_now(l.f);
  unsigned before = 0, behind = 0;
  prune(l.f, last / 2);
  const int64_t first = first_kept(l.f);
  assert_true(first > 1);
  for (unsigned i = 0; i < l.count; i++) before += l.kept[i].seq < first;
  for (unsigned i = 0; i < l.count; i++) behind += l.kept[i].seq >= first && l.kept[i].text != NULL;
  assert_true(before > 100);
  reopen(l.f, true);
  told all = ask_all(&l, false);
  print_message("with the archive: %u the same, %u none; %u of them before seq %lld\n", all.same, all.none,
                before, (long long)first);
  assert_int_equal(all.same + all.none, l.count);
  reopen(l.f, false);
  told here = ask_all(&l, true);
  print_message("without: %u the same of %u behind it, %u none, %u archived\n", here.same, behind, here.none,
                here.archived);
  assert_int_equal(here.same + here.none + here.archived, l.count);
  assert_true(here.archived >= before / 2 && here.same > behind / 3);
  for (unsigned i = 0; i < l.count; i++) free(l.kept[i].text);
}

/* ---- history --------------------------------------------------------------------------------------- */

/* All pages of a history as one list of seqs and kinds, from the front or from the end. */
static const char *history(fixture *f, const char *id, bool back, unsigned limit, bool *archived_) {
  fsm_query q = {.kind = FSM_QUERY_HISTORY, .ref = id, .limit = limit, .before = back ? "now" : NULL};
  const char *all = "";
  *archived_ = false;
  for (bool more = true; more;) {
    const fsm_value document = query(f, q);
    const fsm_value *items = fsm_map_get(&document, "items"), *next = fsm_map_get(&document, "next");
    const char *page = "";
    for (uint32_t i = 0; i < items->len; i++)
      page = fsm_arena_printf(&f->arena, "%s %s:%s", page, member(f, &items->items[i], "seq"),
                              member(f, &items->items[i], "leaf"));
    all = back ? fsm_arena_printf(&f->arena, "%s%s", page, all)
               : fsm_arena_printf(&f->arena, "%s%s", all, page);
    if (fsm_map_get(&document, "archived") != NULL) *archived_ = true;
    more = fsm_is(next, FSM_STRING);
    if (more) *(back ? &q.before : &q.after) = next->s;
  }
  return all;
}

static void a_history_goes_on_in_the_archive_and_says_where_it_ends(void **state) {
  life l = {.f = *state, .random = 88172645463325252u, .pad = 8};
  bool archived_ = false;
  unsigned cut = 0;
  live(&l);
  const int64_t last = seq_now(l.f);
  const char *const ids[] = {"t-0", "t-1", "k-0", "k-1", "k-2", "a-0", "a-1", "a-2", "a-3"};
  enum { COUNT = sizeof ids / sizeof *ids };
  char *whole[COUNT] = {NULL};
  for (unsigned i = 0; i < COUNT; i++) {
    fsm_error err;
    fsm_arena_reset(&l.f->arena);
    if (ask(l.f, ids[i], NULL, &err) != NULL) whole[i] = strdup(history(l.f, ids[i], false, 0, &archived_));
    assert_false(archived_);
  }
  assert_non_null(whole[0]);
  prune(l.f, last / 2);
  reopen(l.f, true);
  for (unsigned i = 0; i < COUNT; i++)
    for (unsigned limit = 7; whole[i] != NULL && limit < 1000; limit += 600)
      for (int back = 0; back < 2; back++) {
        fsm_arena_reset(&l.f->arena);
        assert_string_equal(history(l.f, ids[i], back, limit, &archived_), whole[i]);
        assert_false(archived_);
      }
  reopen(l.f, false);
  for (unsigned i = 0; i < COUNT; i++)
    for (int back = 0; whole[i] != NULL && back < 2; back++) {
      fsm_arena_reset(&l.f->arena);
      const char *here = history(l.f, ids[i], back, 7, &archived_);
      const size_t lacks = strlen(whole[i]) - strlen(here);
      assert_string_equal(whole[i] + lacks, here); /* its end */
      assert_int_equal(archived_, lacks > 0);
      cut += archived_;
    }
  assert_true(cut >= 4);
  for (unsigned i = 0; i < COUNT; i++) free(whole[i]);
  for (unsigned i = 0; i < l.count; i++) free(l.kept[i].text);
}

/* ---- an archive that lacks something ---------------------------------------------------------------- */

static const char *fault(fixture *f, const char *id, const char *as_of, fsm_code expected) {
  fsm_value out;
  fsm_error err = {.text = ""};
  const fsm_query q = {.kind = FSM_QUERY_INSTANCE, .ref = id, .as_of = as_of};
  fsm_code code = fsm_query_wait(f->runtime, &q, &f->arena, &out, &err);
  if (code != expected) fail_msg("%s: %s: %s", as_of, fsm_code_name(code), err.text);
  return fsm_arena_printf(&f->arena, "%s: %s", err.where, err.text);
}

static void what_the_archive_lacks_is_told_and_never_guessed(void **state) {
  fixture *f = *state;
  char path[512], moved[640], as_of[32];
  deploy(f, COUNTER);
  started(f, "counter", "old", NULL);
  for (int i = 0; i < 120; i++) {
    blob(f, "old");
    if (i == 60) started(f, "counter", "late", NULL);
  }
  const int64_t last = seq_now(f);
  prune(f, last - 10);
  const int64_t first = first_kept(f);
  reopen(f, true);
  snprintf(as_of, sizeof as_of, "@%lld", (long long)first - 1);
  (void)fault(f, "old", as_of, FSM_OK);
  (void)fault(f, "old", "@3", FSM_OK);
  /* its first segment is gone: it may be told of what is whole in the rest */
  snprintf(path, sizeof path, "%s/gone", f->dir);
  (void)mkdir(path, 0700);
  DIR *dir = opendir(archive);
  const struct dirent *one;
  while ((one = readdir(dir)) != NULL)
    if (strncmp(one->d_name, "00000000000000000001-", 21) == 0) {
      snprintf(path, sizeof path, "%s/%s", archive, one->d_name);
      snprintf(moved, sizeof moved, "%s/gone/%s", f->dir, one->d_name);
    }
  closedir(dir);
  assert_int_equal(rename(path, moved), 0);
  (void)fault(f, "old", as_of, FSM_OK); /* backwards from now */
  assert_non_null(strstr(fault(f, "old", "@3", FSM_ENOTFOUND), "neither in the journal nor in the archive"));
  (void)fault(f, "late", as_of, FSM_OK); /* made in what is there */
  /* damaged: named, not passed over */
  assert_int_equal(rename(moved, path), 0);
  FILE *file = fopen(path, "r+");
  assert_non_null(file);
  assert_int_equal(fseek(file, 700, SEEK_SET), 0);
  assert_int_equal(fputc('!', file), '!');
  assert_int_equal(fclose(file), 0);
  assert_non_null(strstr(fault(f, "old", as_of, FSM_ECORRUPT), "00000000000000000001-"));
  snprintf(moved, sizeof moved, "%s-away", archive);
  assert_int_equal(rename(archive, moved), 0);
  assert_non_null(strstr(fault(f, "old", as_of, FSM_ENOTFOUND), archive));
  assert_int_equal(rename(moved, archive), 0);
}

/* A hundred more records of 60 KiB, the most of them pruned; the first that is kept. */
static int64_t goes_on(fixture *f) {
  for (int i = 0; i < 100; i++) blob(f, "old");
  prune(f, seq_now(f) - 10);
  return first_kept(f);
}

/* A copy went its own way: the same store, the same seqs, files of the same names. */
static void an_archive_of_another_branch_is_refused(void **state) {
  fixture *f = *state;
  char copy[96], other[96], as_of[32];
  snprintf(copy, sizeof copy, "%s-copy", f->dir);
  snprintf(other, sizeof other, "%s-other", f->dir);
  deploy(f, COUNTER);
  started(f, "counter", "old", NULL);
  blob(f, "old");
  fixture_close(f);
  copy_tree(f->dir, copy);
  fixture_open(f);
  const int64_t first = goes_on(f);
  fixture_close(f);
  assert_int_equal(rename(archive, other), 0);
  remove_tree(f->dir);
  assert_int_equal(rename(copy, f->dir), 0);
  atomic_fetch_add(&f->now_ns, 3600 * SECOND);
  fixture_open(f);
  assert_int_equal(goes_on(f), first);
  reopen(f, true);
  snprintf(as_of, sizeof as_of, "@%lld", (long long)first - 1);
  (void)fault(f, "old", as_of, FSM_OK);
  snprintf(archive, sizeof archive, "%s", other);
  reopen(f, true);
  assert_non_null(strstr(fault(f, "old", as_of, FSM_EVERIFY), "another branch"));
  assert_non_null(strstr(fault(f, "old", "@2", FSM_EVERIFY), "another branch"));
  remove_tree(other);
}

/* Without the snapshots that retention makes first there is nothing to verify the rest by. */
static int unverified_teardown(void **state) {
  fixture_free(*state);
  return 0;
}

#define U(name) cmocka_unit_test_setup_teardown(name, children_setup, unverified_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {U(what_was_answered_before_pruning_is_answered_after_it),
                                     U(a_history_goes_on_in_the_archive_and_says_where_it_ends),
                                     U(what_the_archive_lacks_is_told_and_never_guessed),
                                     U(an_archive_of_another_branch_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
