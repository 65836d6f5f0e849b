/* test_journal.c: writing: batches, limits, rotation, the full disk, the failing disk, the bytes. */
#include <signal.h>
#include <sys/resource.h>

#include "journal_fixture.h"

/* ---- append and commit ---- */

static void a_new_journal_is_empty(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, 0);
  assert_int_equal(fsm__journal_next_seq(f->journal), 1);
  assert_int_equal(fsm__journal_durable_seq(f->journal), 0);
  assert_int_equal(fsm__journal_first_seq(f->journal), 1);
  fsm__hash none = {{0}}, head = fsm__journal_head(f->journal);
  assert_memory_equal(&head, &none, sizeof none);
  assert_false(fsm__journal_unproved(f->journal));
  assert_ok(fsm__journal_commit(f->journal, &f->err));
  assert_ok(fsm__journal_confirm(f->journal, &f->err));
  expect_records(f, 1, 0, 1);
}

static void nothing_is_durable_before_the_commit(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  assert_ok(append(f, 3, 100));
  assert_int_equal(fsm__journal_next_seq(f->journal), 4);
  assert_int_equal(fsm__journal_durable_seq(f->journal), 0);
  expect_records(f, 1, 0, 100);
  assert_ok(fsm__journal_commit(f->journal, &f->err));
  assert_int_equal(fsm__journal_durable_seq(f->journal), 3);
  expect_records(f, 1, 3, 100);
}

static void uncommitted_frames_are_gone_after_a_stop(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 2, 50);
  assert_ok(append(f, 1, 50));
  stop(f);
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, 2);
}

static void the_head_is_the_last_leaf_also_after_a_restart(void **state) {
  fixture *f = *state;
  uint8_t record[70];
  assert_ok(start(f));
  put(f, 3, 70);
  assert_ok(append(f, 2, 70));
  fsm__hash wanted = fsm__leaf(record, record_of(5, 70, record)), head = fsm__journal_head(f->journal);
  assert_memory_equal(&head, &wanted, sizeof head);
  assert_ok(fsm__journal_commit(f->journal, &f->err));
  stop(f);
  assert_ok(start(f));
  head = fsm__journal_head(f->journal);
  assert_memory_equal(&head, &wanted, sizeof head);
  assert_int_equal(fsm__journal_next_seq(f->journal), 6);
}

static void frames_keep_their_borders(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  assert_ok(append(f, 2, 30));
  assert_ok(append(f, 1, 30));
  assert_ok(append(f, 3, 30));
  assert_ok(fsm__journal_commit(f->journal, &f->err));
  fsm__journal_cursor *cursor;
  assert_ok(fsm__journal_cursor_open(f->journal, 1, &cursor, &f->err));
  const bool ends[] = {false, true, true, false, false, true};
  for (size_t i = 0; i < 6; i++) {
    fsm__journal_entry entry;
    bool found;
    assert_ok(fsm__journal_next(cursor, &entry, &found, &f->err));
    assert_true(found);
    assert_int_equal(entry.frame_end, ends[i]);
  }
  fsm__journal_cursor_close(cursor);
}

static void a_record_and_a_frame_are_bounded_at_their_edges(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  assert_ok(append(f, 2, FSM_RECORD_BYTES_MAX)); /* both at their limit */
  assert_ok(fsm__journal_commit(f->journal, &f->err));
  assert_int_equal(append(f, 1, FSM_RECORD_BYTES_MAX + 1), FSM_ETOOLARGE);
  assert_string_equal(f->err.where, "record");
  assert_int_equal(append(f, 8, FSM_FRAME_BYTES_MAX / 8 + 1), FSM_ETOOLARGE);
  assert_string_equal(f->err.where, "frame");
  assert_int_equal(append(f, FSM_FRAME_RECORDS_MAX + 1, 1), FSM_ETOOLARGE);
  assert_int_equal(fsm__journal_next_seq(f->journal), 3);
  assert_ok(append(f, FSM_FRAME_RECORDS_MAX, FSM_FRAME_BYTES_MAX / FSM_FRAME_RECORDS_MAX));
  assert_ok(fsm__journal_commit(f->journal, &f->err));
  expect_records(f, 3, 2 + FSM_FRAME_RECORDS_MAX, FSM_FRAME_BYTES_MAX / FSM_FRAME_RECORDS_MAX);
}

static void a_full_batch_says_busy_and_goes_on_after_the_commit(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  size_t room = FSM_BATCH_BYTES_MAX - FSM__BATCH_HEAD, frame = 200 * 1024 + 12;
  for (size_t i = 0; i < room / frame; i++) assert_ok(append(f, 1, 200 * 1024));
  size_t rest = room % frame - 12;
  uint64_t next = fsm__journal_next_seq(f->journal);
  assert_int_equal(append(f, 1, rest + 1), FSM_EBUSY);
  assert_int_equal(fsm__journal_next_seq(f->journal), next);
  assert_ok(append(f, 1, rest)); /* to the last byte */
  assert_int_equal(append(f, 1, 1), FSM_EBUSY);
  assert_ok(fsm__journal_commit(f->journal, &f->err));
  assert_ok(append(f, 1, 1));
  assert_ok(fsm__journal_commit(f->journal, &f->err));
  crash(f);
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, next + 1);
}

static void the_counters_count(void **state) {
  fixture *f = *state;
  fsm__journal_stats stats;
  assert_ok(start(f));
  assert_ok(append(f, 2, 30));
  assert_ok(append(f, 1, 600));
  assert_ok(fsm__journal_commit(f->journal, &f->err));
  assert_ok(fsm__journal_confirm(f->journal, &f->err));
  fsm__journal_stats_get(f->journal, &stats);
  assert_int_equal(stats.batches, 2);
  assert_int_equal(stats.frames, 2);
  assert_int_equal(stats.records, 3);
  assert_int_equal(stats.bytes, 3 * BLOCK);
  assert_int_equal(stats.rotations, 0);
}

static void what_is_behind_a_batch_in_its_last_block_is_zero(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 1, 300); /* its bytes are still in the buffer when the next batch is filled */
  put(f, 1, 50);
  stop(f);
  uint8_t block[BLOCK], zeroes[BLOCK] = {0};
  read_bytes(f, 1, 2 * BLOCK, block, BLOCK);
  assert_memory_equal(block + FSM__BATCH_HEAD + 12 + 50, zeroes, BLOCK - FSM__BATCH_HEAD - 12 - 50);
  read_bytes(f, 1, 3 * BLOCK, block, BLOCK); /* the confirm */
  assert_memory_equal(block + FSM__BATCH_HEAD, zeroes, BLOCK - FSM__BATCH_HEAD);
}

/* ---- proof ---- */

static void a_batch_is_proved_by_the_next_or_by_a_confirm(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 1, 10);
  assert_true(fsm__journal_unproved(f->journal));
  put(f, 1, 10);
  assert_true(fsm__journal_unproved(f->journal));
  assert_ok(fsm__journal_confirm(f->journal, &f->err));
  assert_false(fsm__journal_unproved(f->journal));
  uint64_t at = f->journal->at;
  assert_ok(fsm__journal_confirm(f->journal, &f->err));
  assert_int_equal(f->journal->at, at); /* one is enough */
  crash(f);
  assert_ok(start(f));
  assert_int_equal(f->found.proved_seq, 2);
  assert_int_equal(f->found.rewritten, 0);
  assert_false(fsm__journal_unproved(f->journal));
}

static void a_stop_confirms(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 3, 10);
  stop(f);
  assert_ok(start(f));
  assert_int_equal(f->found.proved_seq, 3);
  assert_int_equal(f->found.rewritten, 0);
}

/* Commits until the next batch would start at this offset. */
static void fill_to(fixture *f, uint64_t at) {
  put(f, 1, 100);
  const size_t most = 200 * 1024, step = fsm__blocks(FSM__BATCH_HEAD + 12 + most);
  while (at - f->journal->at > step) put(f, 1, most);
  while (f->journal->at < at) put(f, 1, BLOCK - FSM__BATCH_HEAD - 12); /* a block to its last byte */
  assert_int_equal(f->journal->at, at);
}

static void a_confirm_fits_even_a_full_segment(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  fill_to(f, fsm__data_end(SEGMENT));
  assert_ok(fsm__journal_confirm(f->journal, &f->err));
  assert_int_equal(f->journal->at, fsm__log_end(SEGMENT));
  assert_int_equal(f->journal->segment_count, 1);
  uint64_t last = fsm__journal_durable_seq(f->journal);
  crash(f);
  assert_ok(start(f));
  assert_int_equal(f->found.proved_seq, last);
  put(f, 1, 100);
  assert_int_equal(f->journal->segment_count, 2);
  crash(f);
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, last + 1);
}

/* ---- rotation ---- */

static void rotation_keeps_every_record(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 60, 200 * 1024);
  fsm__journal_stats stats;
  fsm__journal_stats_get(f->journal, &stats);
  assert_true(stats.rotations >= 5);
  assert_int_equal(stats.rotations, f->journal->segment_count - 1);
  expect_records(f, 1, 60, 200 * 1024);
  crash(f);
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, 60);
  expect_records(f, 1, 60, 200 * 1024);
  put(f, 20, 200 * 1024);
  expect_records(f, 1, 80, 200 * 1024);
}

static void rotation_proves_what_was_before(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 12, 200 * 1024);
  assert_int_equal(f->journal->segment_count, 2);
  uint64_t first = f->journal->segments[1].first_seq;
  crash(f);
  zero(f, 2, BLOCK, SEGMENT);
  assert_ok(start(f));
  assert_int_equal(f->found.proved_seq, first - 1);
  assert_int_equal(f->found.last_seq, first - 1);
}

static void the_next_segment_may_have_another_size(void **state) {
  fixture *f = *state;
  fsm__journal_options options = options_of(f);
  assert_ok(start(f));
  put(f, 8, 200 * 1024);
  stop(f);
  options.segment_bytes = SEGMENT + BLOCK;
  assert_ok(start_with(f, &options));
  put(f, 12, 200 * 1024);
  struct stat st;
  assert_int_equal(stat(path_of(f, 1), &st), 0);
  assert_int_equal(st.st_size, SEGMENT);
  assert_int_equal(stat(path_of(f, 2), &st), 0);
  assert_int_equal(st.st_size, SEGMENT + BLOCK);
  stop(f);
  assert_ok(start(f));
  expect_records(f, 1, 20, 200 * 1024);
}

static void a_segment_size_out_of_bounds_is_refused(void **state) {
  fixture *f = *state;
  const size_t sizes[] = {FSM_SEGMENT_BYTES_MIN - BLOCK, FSM_SEGMENT_BYTES_MIN + 1,
                          (size_t)FSM_SEGMENT_BYTES_MAX + BLOCK};
  for (size_t i = 0; i < 3; i++) {
    fsm__journal_options options = options_of(f);
    options.segment_bytes = sizes[i];
    assert_int_equal(start_with(f, &options), FSM_EARGUMENT);
    assert_string_equal(f->err.where, "segment_bytes");
  }
}

/* ---- files ---- */

static mode_t mode_of(const char *path) {
  struct stat st;
  assert_int_equal(lstat(path, &st), 0);
  return st.st_mode & 07777;
}

static void files_are_private(void **state) {
  fixture *f = *state;
  char dir[80];
  mode_t before = umask(0);
  snprintf(dir, sizeof dir, "%s/0", f->dir);
  fsm__journal_options options = options_of(f);
  options.dir = dir;
  assert_ok(start_with(f, &options));
  put(f, 1, 10);
  umask(before);
  assert_int_equal(mode_of(dir), 0700);
  char path[128];
  snprintf(path, sizeof path, "%s/00000000000000000001.seg", dir);
  assert_int_equal(mode_of(path), 0600);
  crash(f);
  remove_files(dir);
  rmdir(dir);
}

static void a_missing_directory_is_not_made_to_read(void **state) {
  fixture *f = *state;
  fsm__journal_options options = options_of(f);
  char dir[80];
  snprintf(dir, sizeof dir, "%s/none", f->dir);
  options.dir = dir;
  options.read_only = true;
  assert_int_equal(start_with(f, &options), FSM_ENOTFOUND);
  assert_false(exists(f, "none"));
}

static void a_link_is_not_followed(void **state) {
  fixture *f = *state;
  char target[80], link[80];
  snprintf(target, sizeof target, "%s/elsewhere", f->dir);
  snprintf(link, sizeof link, "%s/spare", f->dir);
  int fd = open(target, O_WRONLY | O_CREAT, 0600);
  assert_int_equal(write(fd, "keep", 4), 4);
  close(fd);
  assert_int_equal(symlink(target, link), 0);
  assert_ok(start(f));
  put(f, 1, 10);
  struct stat st;
  assert_int_equal(stat(target, &st), 0);
  assert_int_equal(st.st_size, 4);
  crash(f);
  assert_int_equal(rename(path_of(f, 1), target), 0);
  assert_int_equal(symlink(target, path_of(f, 1)), 0);
  expect_corrupt(f, start(f), 1, 0);
}

/* ---- the full disk ---- */

static void limit_file_size(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_costs_the_batch_in_hand_and_nothing_else(void **state) {
  fixture *f = *state;
  signal(SIGXFSZ, SIG_IGN);
  assert_ok(start(f));
  put(f, 9, 200 * 1024);
  stop(f);
  fsm__journal_options options = options_of(f);
  options.segment_bytes = 2 * SEGMENT; /* so that the limit hits only the spare */
  limit_file_size(SEGMENT + BLOCK);
  assert_ok(start_with(f, &options));
  fsm__hash head = fsm__journal_head(f->journal);
  uint64_t at = f->journal->at;
  for (int attempt = 0; attempt < 2; attempt++) {
    assert_ok(append(f, 2, 200 * 1024));
    assert_int_equal(fsm__journal_commit(f->journal, &f->err), FSM_EFULL);
    assert_int_equal(fsm__journal_next_seq(f->journal), 10);
    fsm__hash now = fsm__journal_head(f->journal);
    assert_memory_equal(&now, &head, sizeof head);
    assert_int_equal(f->journal->at, at);
    assert_false(exists(f, "spare")); /* the room is given back */
    expect_records(f, 1, 9, 200 * 1024);
  }
  put(f, 1, 100); /* what fits the segment goes on */
  limit_file_size(RLIM_INFINITY);
  assert_ok(append(f, 2, 200 * 1024));
  assert_ok(fsm__journal_commit(f->journal, &f->err));
  assert_int_equal(fsm__journal_durable_seq(f->journal), 12);
  assert_int_equal(f->journal->segment_count, 2);
  stop(f);
  assert_ok(start(f));
  assert_int_equal(f->found.last_seq, 12);
}

/* A batch of FSM_BATCH_BYTES_MAX. */
static void append_largest(fixture *f) {
  size_t room = FSM_BATCH_BYTES_MAX - FSM__BATCH_HEAD, most = 200 * 1024;
  for (; room > most + 24; room -= most + 12) assert_ok(append(f, 1, most));
  assert_ok(append(f, 1, room - 12));
}

static void after_ready_a_largest_batch_never_finds_the_disk_full(void **state) {
  fixture *f = *state;
  signal(SIGXFSZ, SIG_IGN);
  for (uint64_t more = 0; more < 2; more++) {
    assert_ok(start(f));
    fill_to(f, fsm__data_end(SEGMENT) - FSM_BATCH_BYTES_MAX + more * BLOCK);
    crash(f); /* no confirm behind it */
    fsm__journal_options options = options_of(f);
    options.segment_bytes = 2 * SEGMENT;
    limit_file_size(SEGMENT + BLOCK);
    assert_ok(start_with(f, &options));
    assert_int_equal(fsm__journal_ready(f->journal, &f->err), more ? FSM_EFULL : FSM_OK);
    append_largest(f);
    assert_int_equal(fsm__journal_commit(f->journal, &f->err), more ? FSM_EFULL : FSM_OK);
    limit_file_size(RLIM_INFINITY);
    assert_ok(fsm__journal_ready(f->journal, &f->err)); /* now there is a spare */
    crash(f);
    remove_files(f->dir);
  }
}

/* What is kept is room behind a largest batch, of the last segment only. */
static void what_is_kept_is_asked_for_as_soon_as_it_would_be_touched(void **state) {
  enum { KEEP = 8 * BLOCK };
  fixture *f = *state;
  signal(SIGXFSZ, SIG_IGN);
  for (uint64_t more = 0; more < 2; more++) {
    assert_ok(start(f));
    fill_to(f, fsm__data_end(SEGMENT) - FSM_BATCH_BYTES_MAX - KEEP + more * BLOCK);
    crash(f);
    fsm__journal_options options = options_of(f);
    options.segment_bytes = 2 * SEGMENT;
    limit_file_size(SEGMENT + BLOCK);
    assert_ok(start_with(f, &options));
    assert_int_equal(fsm__journal_ready_keeping(f->journal, KEEP, &f->err), more ? FSM_EFULL : FSM_OK);
    assert_int_equal(fsm__journal_ready_keeping(f->journal, KEEP + 1, &f->err), FSM_EFULL);
    assert_ok(fsm__journal_ready(f->journal, &f->err)); /* without it there is room */
    limit_file_size(RLIM_INFINITY);
    assert_ok(fsm__journal_ready_keeping(f->journal, UINT64_MAX, &f->err)); /* a spare is room for all */
    crash(f);
    remove_files(f->dir);
  }
}

/* ---- the failing disk ---- */

static void expect_dead(fixture *f, const char *what) {
  assert_ok(append(f, 1, 100));
  assert_int_equal(fsm__journal_commit(f->journal, &f->err), FSM_EIO);
  assert_non_null(strstr(f->err.text, what));
  assert_int_equal(fsm__journal_durable_seq(f->journal), 2);
  assert_int_equal(append(f, 1, 100), FSM_EIO);
  assert_int_equal(fsm__journal_commit(f->journal, &f->err), FSM_EIO);
  assert_int_equal(fsm__journal_confirm(f->journal, &f->err), FSM_EIO);
  expect_records(f, 1, 2, 100); /* reads go on */
}

static void put_under(fixture *f, const char *device) {
  int fd = open(device, O_RDWR | O_CLOEXEC);
  assert_true(fd >= 0);
  assert_true(dup2(fd, f->journal->fd) >= 0);
  close(fd);
}

static void a_failing_write_is_the_end_even_for_lack_of_room(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 2, 100);
  put_under(f, "/dev/full");
  expect_dead(f, "pwrite");
  assert_string_equal(fsm__place_of(1, f->journal->at).text, "00000000000000000001.seg:1536");
}

static void a_failing_fdatasync_is_the_end(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 2, 100);
  put_under(f, "/dev/null");
  expect_dead(f, "fdatasync");
}

static void a_failing_footer_is_the_end(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  put(f, 9, 200 * 1024);
  put_under(f, "/dev/null");
  assert_ok(append(f, 2, 200 * 1024));
  assert_int_equal(fsm__journal_commit(f->journal, &f->err), FSM_EIO);
  assert_int_equal(fsm__journal_commit(f->journal, &f->err), FSM_EIO);
  assert_int_equal(fsm__journal_durable_seq(f->journal), 9);
  assert_false(exists(f, "00000000000000000002.seg"));
}

/* ---- the bytes of format 1 ---- */

static void expect_hex(const uint8_t *data, size_t len, const char *hex) {
  char *text = malloc(2 * len + 1);
  fsm__hex(data, len, text);
  assert_string_equal(text, hex);
  free(text);
}

static void the_segment_header_has_its_bytes(void **state) {
  (void)state;
  uint8_t block[BLOCK];
  fsm__segment_head head = {.origin = {"0123456789abcdef", 1, 2},
                            .ordinal = 3,
                            .bytes = SEGMENT,
                            .first_seq = 5,
                            .first_batch = 6,
                            .prev = {{0xaa, 0xbb}},
                            .salt = 0x1122334455667788},
                    back;
  fsm__segment_encode(&head, block);
  expect_hex(block, 112,
             "46534d4c4f470d0a"
             "01000000"
             "01000000"
             "30313233343536373839616263646566"
             "02000000"
             "00000000"
             "0300000000000000"
             "0000200000000000"
             "0500000000000000"
             "0600000000000000"
             "aabb000000000000000000000000000000000000000000000000000000000000"
             "8877665544332211");
  expect_hex(block + 508, 4, "f2cf3b11");
  fsm_error err;
  assert_ok(fsm__segment_decode(block, 3, &back, &err));
  assert_memory_equal(&back, &head, sizeof head);
  for (size_t bit = 0; bit < 8 * BLOCK; bit++) {
    block[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_not_equal(fsm__segment_decode(block, 3, &back, &err), FSM_OK);
    block[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}

static void a_batch_has_its_bytes(void **state) {
  (void)state;
  uint8_t batch[FSM__BATCH_HEAD + 21];
  const fsm__bytes records[] = {{"ab", 2}, {"cde", 3}};
  assert_int_equal(fsm__frame_put(batch + FSM__BATCH_HEAD, records, 2, 21), 21);
  fsm__batch_head head = {9, 8, 100, sizeof batch, 1, 2, FSM__BATCH_DATA}, back;
  fsm__batch_encode(batch, &head, 0);
  expect_hex(batch, sizeof batch,
             "46534d4241544348"
             "0900000000000000"
             "0800000000000000"
             "6400000000000000"
             "55000000"
             "01000000"
             "02000000"
             "01000000"
             "000000000000000000000000"
             "9ef82526"
             "15000000"
             "02000000"
             "02000000"
             "6162"
             "03000000"
             "636465");
  for (size_t bit = 0; bit < 8 * sizeof batch; bit++) {
    assert_true(fsm__batch_decode(batch, 0, sizeof batch, &back) && fsm__batch_intact(batch, &back));
    batch[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_false(fsm__batch_decode(batch, 0, sizeof batch, &back) && fsm__batch_intact(batch, &back));
    batch[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  assert_false(fsm__batch_decode(batch, 1, sizeof batch, &back)); /* another salt */
  assert_false(fsm__batch_decode(batch, 0, sizeof batch - 1, &back));
}

/* With a checksum that is right, lengths still may lie. */
static void malformed_frames_are_not_intact(void **state) {
  (void)state;
  const struct {
    size_t at;
    uint8_t byte;
  } lies[] = {{0, 20}, {0, 22}, {0, 7}, {4, 1},   {4, 3},  {4, 0},
              {8, 1},  {8, 3},  {8, 0}, {8, 255}, {14, 2}, {14, 4}};
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
    uint8_t batch[FSM__BATCH_HEAD + 21];
    const fsm__bytes records[] = {{"ab", 2}, {"cde", 3}};
    fsm__frame_put(batch + FSM__BATCH_HEAD, records, 2, 21);
    batch[FSM__BATCH_HEAD + lies[i].at] = lies[i].byte;
    fsm__batch_head head = {9, 8, 100, sizeof batch, 1, 2, FSM__BATCH_DATA}, back;
    fsm__batch_encode(batch, &head, 0);
    assert_true(fsm__batch_decode(batch, 0, sizeof batch, &back));
    assert_false(fsm__batch_intact(batch, &back));
  }
}

int main(void) {
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      ROW(a_new_journal_is_empty),
      ROW(nothing_is_durable_before_the_commit),
      ROW(uncommitted_frames_are_gone_after_a_stop),
      ROW(the_head_is_the_last_leaf_also_after_a_restart),
      ROW(frames_keep_their_borders),
      ROW(a_record_and_a_frame_are_bounded_at_their_edges),
      ROW(a_full_batch_says_busy_and_goes_on_after_the_commit),
      ROW(the_counters_count),
      ROW(what_is_behind_a_batch_in_its_last_block_is_zero),
      ROW(a_batch_is_proved_by_the_next_or_by_a_confirm),
      ROW(a_stop_confirms),
      ROW(a_confirm_fits_even_a_full_segment),
      ROW(rotation_keeps_every_record),
      ROW(rotation_proves_what_was_before),
      ROW(the_next_segment_may_have_another_size),
      ROW(a_segment_size_out_of_bounds_is_refused),
      ROW(files_are_private),
      ROW(a_missing_directory_is_not_made_to_read),
      ROW(a_link_is_not_followed),
      ROW(a_full_disk_costs_the_batch_in_hand_and_nothing_else),
      ROW(after_ready_a_largest_batch_never_finds_the_disk_full),
      ROW(what_is_kept_is_asked_for_as_soon_as_it_would_be_touched),
      ROW(a_failing_write_is_the_end_even_for_lack_of_room),
      ROW(a_failing_fdatasync_is_the_end),
      ROW(a_failing_footer_is_the_end),
      ROW(the_segment_header_has_its_bytes),
      ROW(a_batch_has_its_bytes),
      ROW(malformed_frames_are_not_intact),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
