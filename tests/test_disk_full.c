/* test_disk_full.c: a data directory on a disk of its own that load, or a ballast, fills: at every level of
 * it what is refused says so, reads and repairs go on, nothing answered is lost, and room is enough to go on
 * without a restart. Exit 77 where no disk of our own may be mounted. */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "runtime_scene.h"

#include "runtime/database.h"
#include "runtime/retention.h"
#include "scratch_disk.h"

enum { MIB = 1024 * 1024, DISK = 24 * MIB, INSTANCES = 8, MOST = 600 };

static char disk[64];

/* What was answered, of each instance; in memory that a killed child shares with us. */
typedef struct ledger {
  _Atomic unsigned taken[INSTANCES];
  _Atomic bool full;
} ledger;

static fsm_runtime_options small_options(fixture *f) {
  fsm_runtime_options options = scene_options(f);
  options.round_bytes = 256 * 1024;
  options.round_ns = 2000000;
  return options;
}

static void note_fatal(void *arg, const fsm_error *err) {
  (void)arg;
  fprintf(stderr, "fatal: %s: %s\n", err->where, err->text);
  abort();
}

/* ---- load --------------------------------------------------------------------------------------- */

static const char *name_of(unsigned i) {
  static const char *const names[INSTANCES] = {"i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7"};
  return names[i];
}

static fsm_answer send_big(fixture *f, unsigned i, size_t len) {
  char *blob = malloc(len + 1);
  memset(blob, 'b', len);
  fsm_pair pairs[1] = {{fsm_string("blob"), fsm_stringn(blob, len)}};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  command.instance = name_of(i);
  command.event = "BIG";
  command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pairs};
  fsm_answer answer = sent(f, &command);
  free(blob);
  return answer;
}

static void begin(fixture *f) {
  fsm_answer answer = deploy_text(f, COUNTER, strlen(COUNTER));
  assert_code(&answer, FSM_OK);
  for (unsigned i = 0; i < INSTANCES; i++) {
    answer = start_counter(f, name_of(i));
    assert_code(&answer, FSM_OK);
  }
}

/* Until it is refused, or there is enough of it. */
static fsm_answer load(fixture *f, ledger *l) {
  fsm_answer answer = {.seq = 0};
  for (unsigned n = 0; n < MOST; n++) {
    unsigned i = n % INSTANCES;
    answer = send_big(f, i, 1000 + (size_t)(n * 7919u) % 50000);
    if (answer.error.code == FSM_EBUSY) { /* behind: what it waits for may be room */
      nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
      continue;
    }
    if (answer.error.code != FSM_OK) break;
    atomic_fetch_add(&l->taken[i], 1);
    if (n % 64 == 0) fsm_arena_reset(&f->arena);
  }
  return answer;
}

static void expect_taken(fixture *f, const ledger *l, unsigned more) {
  for (unsigned i = 0; i < INSTANCES; i++) {
    int64_t n = context_n(f, name_of(i)), taken = atomic_load(&l->taken[i]);
    if (n < taken || n > taken + more)
      fail_msg("%s has counted %lld, answered were %lld", name_of(i), (long long)n, (long long)taken);
  }
}

static fsm_answer note_on(fixture *f, unsigned i) {
  fsm_pair who[2] = {{fsm_string("sub"), fsm_string("ann")}, {fsm_string("type"), fsm_string("user")}};
  fsm_command command = fsm_command_new(FSM_CMD_NOTE);
  command.instance = name_of(i);
  command.reason = "the disk is full";
  command.actor = (fsm_value){.type = FSM_MAP, .len = 2, .pairs = who};
  return sent(f, &command);
}

/* That a sink cannot write either goes on record. */
static fsm_answer sink_note(fixture *f) {
  fsm_command command = fsm_command_new(FSM_CMD_SINK_NOTE);
  command.name = "files";
  command.event = "failed";
  return sent(f, &command);
}

static void expect_full(const fsm_answer *answer) {
  assert_code(answer, FSM_EFULL);
  if (strstr(answer->error.text, "No space left") == NULL) fail_msg("it says: %s", answer->error.text);
}

/* Without a restart. */
static void expect_recovers(fixture *f, ledger *l) {
  fsm_answer answer = {.seq = 0};
  for (int i = 0; i < 30000; i++) {
    answer = send_big(f, 0, 100);
    if (answer.error.code != FSM_EFULL && answer.error.code != FSM_EBUSY) break;
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  }
  assert_code(&answer, FSM_OK);
  atomic_fetch_add(&l->taken[0], 1);
}

/* ---- the disk ----------------------------------------------------------------------------------- */

static fixture *disk_new(size_t bytes) {
  fixture *f = calloc(1, sizeof *f); /* a thread may outlive a test that failed */
  if (!disk_mount(disk, bytes)) fail_msg("no disk: %s", strerror(errno));
  snprintf(f->dir, sizeof f->dir, "%.50s/data", disk);
  atomic_store(&f->now_ns, 1700000000 * SECOND);
  pthread_mutex_init(&f->lock, NULL);
  fsm_arena_init(&f->arena, 0);
  return f;
}

static void disk_free_all(fixture *f) {
  if (f->runtime != NULL) fixture_close(f);
  fsm_arena_free(&f->arena);
  free(f);
  disk_unmount(disk);
}

static int leave_no_disk(void **state) {
  (void)state;
  disk_unmount(disk);
  return 0;
}

/* Steps through a segment's size: at some levels there is a spare and no room for the store, at others a
 * little for the store and no spare, at the lowest nothing. */
static const size_t levels[] = {0,          DISK_PAGE,      16 * 1024,      64 * 1024, 300 * 1024,
                                900 * 1024, MIB + MIB / 2u, 2 * MIB + 4096, 3u * MIB,  5u * MIB,
                                6u * MIB,   MIB * 13u / 2u, 7u * MIB,       8u * MIB};
enum { LEVELS = sizeof levels / sizeof *levels };

static void what_fills_it_is_refused_and_room_is_enough_to_go_on(void **state) {
  unsigned without_segment = 0, without_store = 0;
  (void)state;
  for (unsigned level = 0; level < LEVELS; level++) {
    ledger l = {.full = false};
    fixture *f = disk_new(DISK);
    const fsm_runtime_options options = small_options(f);
    scene_open(f, &options);
    begin(f);
    disk_leave(disk, levels[level]);
    fsm_answer answer = load(f, &l);
    expect_full(&answer);
    without_segment += strstr(answer.error.text, "segment") != NULL;
    without_store += strstr(answer.error.text, "for the store") != NULL;
    expect_taken(f, &l, 0); /* reads go on */
    answer = note_on(f, 1);
    assert_code(&answer, FSM_OK);
    answer = sink_note(f);
    assert_code(&answer, FSM_OK);
    assert_verified(f);
    disk_drop_ballast(disk);
    expect_recovers(f, &l);
    expect_taken(f, &l, 0);
    assert_verified(f);
    scene_reopen(f, &options);
    expect_taken(f, &l, 0);
    assert_verified(f);
    disk_free_all(f);
  }
  assert_true(without_segment > 0 && without_store > 0);
}

/* ---- opening ------------------------------------------------------------------------------------ */

static void a_store_that_finds_no_room_to_be_made_is_made_later(void **state) {
  (void)state;
  bool opened = false;
  unsigned refused = 0;
  for (size_t pages = 0; !opened; pages += pages < 24 ? 1 : 61) {
    fixture *f = disk_new(12 * MIB);
    const fsm_runtime_options options = small_options(f);
    fsm_error err = {.text = ""};
    disk_leave(disk, pages * DISK_PAGE);
    fsm_code code = fsm_runtime_open(&options, &f->runtime, &f->opened, &err);
    if (code != FSM_OK && code != FSM_EFULL) fail_msg("%zu pages: %s: %s", pages, err.where, err.text);
    if (code != FSM_OK && strstr(err.text, "No space left") == NULL) fail_msg("it says: %s", err.text);
    if (code == FSM_OK) { /* and nothing can be promised yet, or all is well */
      fsm_answer answer = deploy_text(f, COUNTER, strlen(COUNTER));
      opened = answer.error.code == FSM_OK;
      if (!opened) expect_full(&answer);
      fixture_close(f);
    }
    refused += !opened;
    disk_drop_ballast(disk);
    scene_open(f, &options);
    fsm_answer answer = deploy_text(f, COUNTER, strlen(COUNTER));
    assert_code(&answer, FSM_OK);
    assert_verified(f);
    disk_free_all(f);
  }
  assert_true(refused > 5);
}

/* ---- kill -9 ------------------------------------------------------------------------------------ */

static void child_loads(size_t level, ledger *l) {
  fixture *f = calloc(1, sizeof *f);
  snprintf(f->dir, sizeof f->dir, "%.50s/data", disk);
  atomic_store(&f->now_ns, 1700000000 * SECOND);
  pthread_mutex_init(&f->lock, NULL);
  fsm_arena_init(&f->arena, 0);
  fsm_runtime_options options = small_options(f);
  options.fatal = note_fatal;
  scene_open(f, &options);
  begin(f);
  disk_leave(disk, level);
  do {
    fsm_answer answer = load(f, l);
    if (answer.error.code == FSM_EFULL) atomic_store(&l->full, true);
  } while (true);
}

static void after_a_kill_on_a_full_disk_nothing_is_missing(void **state) {
  (void)state;
  for (unsigned level = 0; level < LEVELS; level++) {
    fsm_error err = {.text = ""};
    ledger *l = mmap(NULL, sizeof *l, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(l != MAP_FAILED);
    fixture *f = disk_new(DISK);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) child_loads(levels[level], l);
    for (int i = 0; i < 20000 && !atomic_load(&l->full) && waitpid(pid, NULL, WNOHANG) == 0; i++)
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_true(atomic_load(&l->full));
    nanosleep(&(struct timespec){.tv_nsec = 3000000 * (long)level}, NULL);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    const fsm_runtime_options options = small_options(f);
    fsm_code code = fsm_runtime_open(&options, &f->runtime, &f->opened, &err);
    if (code != FSM_OK) fail_msg("level %u: %s: %s", level, err.where, err.text);
    expect_taken(f, l, 1); /* one may be durable and not yet answered */
    assert_verified(f);
    for (unsigned i = 0; i < INSTANCES; i++) atomic_store(&l->taken[i], (unsigned)context_n(f, name_of(i)));
    disk_drop_ballast(disk);
    expect_recovers(f, l);
    expect_taken(f, l, 0);
    assert_verified(f);
    disk_free_all(f);
    munmap(l, sizeof *l);
  }
}

/* ---- snapshots, index files --------------------------------------------------------------------- */

static fsm__retained told_by(fixture *f) {
  fsm__retained out;
  fsm__retention_get(fsm__runtime_retention(f->runtime), &out);
  return out;
}

static void a_snapshot_without_room_says_so_and_is_made_when_there_is(void **state) {
  (void)state;
  ledger l = {.full = false};
  fixture *f = disk_new(DISK);
  fsm_runtime_options options = small_options(f);
  options.snapshot_records = 3;
  scene_open(f, &options);
  begin(f);
  disk_leave(disk, 64 * 1024);
  fsm_answer answer = load(f, &l);
  expect_full(&answer);
  uint64_t made = told_by(f).snapshots;
  fsm__retained told = {.snapshots = 0};
  for (int i = 0; i < 30000 && told.fault.code != FSM_EFULL; i++) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    told = told_by(f);
  }
  assert_int_equal(told.fault.code, FSM_EFULL);
  assert_non_null(strstr(told.fault.text, "No space left"));
  expect_taken(f, &l, 0);
  disk_drop_ballast(disk);
  expect_recovers(f, &l);
  for (int i = 0; i < 30000; i++) {
    told = told_by(f);
    if (told.snapshots > made && told.fault.code == FSM_OK) break;
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  }
  assert_true(told.snapshots > made);
  assert_int_equal(told.fault.code, FSM_OK);
  assert_verified(f);
  disk_free_all(f);
}

static size_t records_of(fixture *f, unsigned i) {
  fsm_value found =
      query(f, (fsm_query){.kind = FSM_QUERY_RECORDS, .ref = name_of(i), .limit = FSM_PAGE_MAX});
  return fsm_map_get(&found, "items")->len;
}

static bool has_index(const fixture *f, unsigned ordinal) {
  char path[128];
  snprintf(path, sizeof path, "%s/journal/0/%020u.idx", f->dir, ordinal);
  return access(path, F_OK) == 0;
}

/* Segments that were sealed while there was room, their index files gone, and no room to make them again. */
static void an_index_file_without_room_changes_no_search(void **state) {
  (void)state;
  ledger l = {.full = false};
  fixture *f = disk_new(DISK);
  const fsm_runtime_options options = small_options(f);
  scene_open(f, &options);
  begin(f);
  disk_leave(disk, 7 * MIB);
  fsm_answer answer = load(f, &l);
  expect_full(&answer);
  fixture_close(f);
  char path[128];
  assert_true(has_index(f, 1));
  snprintf(path, sizeof path, "%s/journal/0/%020u.idx", f->dir, 1);
  assert_int_equal(unlink(path), 0);
  disk_leave(disk, 0);
  scene_open(f, &options);
  for (unsigned i = 0; i < INSTANCES; i++) assert_true(records_of(f, i) >= 1 + atomic_load(&l.taken[i]));
  assert_false(has_index(f, 1));
  disk_drop_ballast(disk);
  for (unsigned i = 0; i < INSTANCES; i++) assert_true(records_of(f, i) >= 1 + atomic_load(&l.taken[i]));
  assert_true(has_index(f, 1)); /* who searched has made it */
  disk_free_all(f);
}

/* ---- other lacks -------------------------------------------------------------------------------- */

static void a_backup_without_room_is_refused_and_harms_nothing(void **state) {
  (void)state;
  ledger l = {.full = false};
  fsm_value report;
  fsm_error err = {.text = ""};
  char target[80];
  fixture *f = disk_new(DISK);
  const fsm_runtime_options options = small_options(f);
  scene_open(f, &options);
  begin(f);
  disk_leave(disk, 3 * MIB);
  fsm_answer answer = load(f, &l);
  expect_full(&answer);
  snprintf(target, sizeof target, "%s/backup", disk);
  fsm_code code = fsm_runtime_backup(f->runtime, target, false, &f->arena, &report, &err);
  assert_int_equal(code, FSM_EFULL);
  assert_non_null(strstr(err.text, "No space left"));
  disk_drop_ballast(disk);
  expect_recovers(f, &l);
  expect_taken(f, &l, 0);
  assert_verified(f);
  disk_free_all(f);
}

static void files_limit(rlim_t count) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = count ? count : limit.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Files that the program has open may be the reason that we get none: that is no fault of the disk. */
static void without_file_descriptors_work_is_refused_until_there_are_some(void **state) {
  (void)state;
  ledger l = {.full = false};
  fixture *f = disk_new(DISK);
  const fsm_runtime_options options = small_options(f);
  scene_open(f, &options);
  begin(f);
  files_limit(3);
  fsm_answer answer = load(f, &l);
  assert_code(&answer, FSM_EFULL);
  assert_non_null(strstr(answer.error.text, "Too many open files"));
  expect_taken(f, &l, 0);
  answer = note_on(f, 1);
  assert_code(&answer, FSM_OK);
  files_limit(0);
  expect_recovers(f, &l);
  expect_taken(f, &l, 0);
  assert_verified(f);
  disk_free_all(f);
}

#define T(name) cmocka_unit_test_teardown(name, leave_no_disk)

int main(void) {
  if (!disk_space_of_our_own()) {
    printf("skipped: no mount namespace: %s\n", strerror(errno));
    return 77;
  }
  snprintf(disk, sizeof disk, "/tmp/fsm-disk-XXXXXX");
  if (mkdtemp(disk) == NULL || !disk_mount(disk, MIB)) {
    printf("skipped: no tmpfs can be mounted: %s\n", strerror(errno));
    return 77;
  }
  disk_unmount(disk);
  const struct CMUnitTest tests[] = {T(what_fills_it_is_refused_and_room_is_enough_to_go_on),
                                     T(a_store_that_finds_no_room_to_be_made_is_made_later),
                                     T(after_a_kill_on_a_full_disk_nothing_is_missing),
                                     T(a_snapshot_without_room_says_so_and_is_made_when_there_is),
                                     T(an_index_file_without_room_changes_no_search),
                                     T(a_backup_without_room_is_refused_and_harms_nothing),
                                     T(without_file_descriptors_work_is_refused_until_there_are_some)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  rmdir(disk);
  return failed;
}
