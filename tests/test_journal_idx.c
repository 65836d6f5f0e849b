/* Index files: made again when they are missing, torn, stale or damaged, and never a wrong answer. */
#include "runtime/crc32c.h"
#include "tests/terms_journal.h"

static const char *index_of(const fixture *f, uint64_t ordinal) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%020llu.idx", f->dir, (unsigned long long)ordinal);
  return path;
}

static uint8_t *load(const fixture *f, uint64_t ordinal, size_t *len) {
  struct stat st;
  int fd = open(index_of(f, ordinal), O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0 && fstat(fd, &st) == 0);
  *len = (size_t)st.st_size;
  uint8_t *data = malloc(*len);
  assert_int_equal(read(fd, data, *len), st.st_size);
  close(fd);
  return data;
}

static void store(const fixture *f, uint64_t ordinal, const uint8_t *data, size_t len) {
  int fd = open(index_of(f, ordinal), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, data, len), len);
  close(fd);
}

/* One sealed segment, its index written. */
static void sealed(fixture *f) {
  assert_ok(start(f));
  put_terms(f, 2200, 100, 1000);
  await_index(f, 1);
}

static void expect_answers(fixture *f) {
  fsm__find all[] = {
      {.texts = {"doc-7"}}, {.texts = {NULL, "corr-3", "user-1"}}, {.texts = {NULL, NULL, "user-2"}}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) assert_true(expect_found(f, &all[i]) > 0);
  assert_int_equal(expect_found(f, &(fsm__find){.texts = {"nobody"}}), 0);
}

/* Opened again the thread makes it anew; reading only, whoever searches has one in memory. */
static void expect_made_again(fixture *f, const uint8_t *whole, size_t len) {
  assert_ok(start_read_only(f, 0));
  expect_answers(f);
  crash(f);
  assert_ok(start(f));
  expect_answers(f);
  size_t again_len = 0;
  uint8_t *again = NULL;
  for (int i = 0; i < 60000; i++) {
    again = load(f, 1, &again_len);
    if (again_len == len && memcmp(again, whole, len) == 0) break;
    free(again);
    again = NULL;
    usleep(1000);
  }
  assert_non_null(again);
  free(again);
  crash(f);
}

static void it_is_made_again_when_it_is_missing_torn_or_stale(void **state) {
  fixture *f = *state;
  sealed(f);
  crash(f);
  size_t len;
  uint8_t *whole = load(f, 1, &len), *harmed = malloc(len + 1);
  assert_int_equal(len % FSM__IDX_BLOCK, 0);
  for (int what = 0; what < 8; what++) {
    size_t harmed_len = len;
    memcpy(harmed, whole, len);
    if (what == 0) harmed_len = 0;
    if (what == 1) harmed_len = len - 1;
    if (what == 2) harmed_len = len - FSM__IDX_BLOCK;
    if (what == 3) harmed_len = 100;
    if (what == 4) harmed[len] = 0, harmed_len = len + 1;
    if (what == 5) memset(harmed, 0, FSM__IDX_BLOCK);
    if (what == 6) harmed[64] ^= 1; /* the leaf of another segment, well sealed */
    if (what == 7) harmed[8] = 2;   /* another format */
    if (what >= 6) fsm__idx_block_seal(harmed, 0, fsm__get64(whole + 96));
    store(f, 1, harmed, harmed_len);
    expect_made_again(f, whole, len);
  }
  assert_int_equal(unlink(index_of(f, 1)), 0);
  assert_ok(start(f));
  await_index(f, 1);
  expect_answers(f);
  free(harmed);
  free(whole);
}

static void a_flipped_bit_anywhere_never_gives_a_wrong_answer(void **state) {
  fixture *f = *state;
  sealed(f);
  crash(f);
  size_t len;
  uint8_t *whole = load(f, 1, &len), *harmed = malloc(len);
  for (size_t at = 3; at < len; at += len / 40) {
    memcpy(harmed, whole, len);
    harmed[at] ^= (uint8_t)(1u << at % 8);
    store(f, 1, harmed, len);
    assert_ok(start_read_only(f, 0));
    expect_answers(f);
    crash(f);
  }
  /* While it is open, too: the thread looks at the header alone. */
  store(f, 1, whole, len);
  assert_ok(start(f));
  memcpy(harmed, whole, len);
  for (size_t at = FSM__IDX_BLOCK; at < len; at += 700) harmed[at] ^= 0x10;
  store(f, 1, harmed, len);
  expect_answers(f);
  size_t now_len;
  uint8_t *now = load(f, 1, &now_len);
  assert_true(now_len == len && memcmp(now, whole, len) == 0); /* and it is put right */
  free(now);
  free(harmed);
  free(whole);
}

/* Two texts with one hash: the record says which it is. */
static void entries_that_lie_give_no_wrong_record(void **state) {
  fixture *f = *state;
  sealed(f);
  crash(f);
  size_t len;
  uint8_t *whole = load(f, 1, &len);
  uint64_t salt = fsm__get64(whole + 96);
  uint32_t block = fsm__get32(whole + 120 + 8 * FSM__IDX_ENTRIES);
  uint8_t *first = whole + (size_t)block * FSM__IDX_BLOCK;
  uint64_t one = fsm__get64(first) >> 32; /* all of the first block under its first hash */
  uint64_t numbers[FSM__IDX_ITEMS];
  for (unsigned i = 0; i < FSM__IDX_ITEMS; i++) numbers[i] = i * 3;
  for (unsigned i = 0; i < FSM__IDX_ITEMS; i++) fsm__put64(first + 8 * i, one << 32 | numbers[i]);
  fsm__idx_block_seal(first, block, salt);
  store(f, 1, whole, len);
  assert_ok(start_read_only(f, 0));
  for (unsigned i = 0; i < INSTANCES; i++) {
    char text[32];
    fsm__finder *finder;
    fsm__journal_entry entry;
    bool found = true;
    snprintf(text, sizeof text, "doc-%u", i);
    assert_ok(fsm__journal_find(f->journal, &(fsm__find){.texts = {text}}, &finder, &f->err));
    while (found) {
      assert_ok(fsm__finder_next(finder, &entry, &found, &f->err));
      if (found) assert_true(is_wanted(entry.seq, &(fsm__find){.texts = {text}}));
    }
    fsm__finder_close(finder);
  }
  free(whole);
}

static void a_damaged_segment_gives_no_index_but_its_place(void **state) {
  fixture *f = *state;
  sealed(f);
  crash(f);
  assert_int_equal(unlink(index_of(f, 1)), 0);
  fsm__batch_head head;
  uint64_t at = batch_at(f, 1, 5, &head);
  flip(f, 1, at + 200, 3);
  assert_ok(start_above(f, 2200));
  fsm__finder *finder;
  fsm__journal_entry entry;
  bool found;
  assert_ok(fsm__journal_find(f->journal, &(fsm__find){.texts = {"doc-7"}}, &finder, &f->err));
  assert_int_equal(fsm__finder_next(finder, &entry, &found, &f->err), FSM_ECORRUPT);
  assert_string_equal(f->err.where, fsm__place_of(1, at).text);
  fsm__finder_close(finder);
  assert_false(exists(f, "00000000000000000001.idx"));
}

/* ---- filters ------------------------------------------------------------------------------------ */

static void the_filter_is_wrong_in_less_than_one_of_a_hundred(void **state) {
  (void)state;
  enum {
    KEYS = 50000,
    ASKED = 200000,
    BLOCKS = (KEYS * FSM__IDX_BLOOM_PER_KEY + FSM__IDX_BLOOM_BITS - 1) / FSM__IDX_BLOOM_BITS
  };
  fsm__idx *idx = calloc(1, sizeof *idx);
  uint8_t *image = calloc(BLOCKS + 1, FSM__IDX_BLOCK);
  idx->fd = -1;
  idx->image = image;
  idx->head.blocks = BLOCKS + 1;
  idx->head.sections[FSM__IDX_FILTERS].block = 1;
  idx->head.sections[FSM__IDX_FILTERS].items = BLOCKS;
  char text[32];
  for (unsigned i = 0; i < KEYS; i++) {
    snprintf(text, sizeof text, "0197-%08x", i);
    fsm__idx_probe probe = fsm__idx_probe_of(fsm__idx_hash(77, text, strlen(text)), BLOCKS);
    for (unsigned k = 0; k < FSM__IDX_BLOOM_PROBES; k++) {
      uint32_t bit = fsm__idx_probe_bit(&probe, k);
      image[(size_t)(probe.block + 1) * FSM__IDX_BLOCK + bit / 8] |= (uint8_t)(1u << bit % 8);
    }
  }
  unsigned wrong = 0;
  bool may;
  for (unsigned i = 0; i < KEYS + ASKED; i++) {
    snprintf(text, sizeof text, "0197-%08x", i);
    assert_true(fsm__idx_may_have(idx, FSM__FIND_INSTANCE, fsm__idx_hash(77, text, strlen(text)), &may));
    if (i < KEYS)
      assert_true(may);
    else
      wrong += may;
  }
  print_message("false positives: %.3f %%\n", 100.0 * wrong / ASKED);
  assert_true(wrong < ASKED / 100);
  assert_true(wrong > 0); /* it is a filter, and it was asked */
  fsm__idx_close(idx);
  free(idx);
}

/* ---- edges -------------------------------------------------------------------------------------- */

static void segments_with_no_record_one_record_and_the_largest_are_indexed(void **state) {
  fixture *f = *state;
  assert_ok(start(f));
  assert_ok(fsm__journal_new_epoch(f->journal, &f->err)); /* 1: an active one without records */
  assert_ok(fsm__journal_new_epoch(f->journal, &f->err)); /* so 1 is sealed without any */
  put_terms(f, 1, 1, 0);
  assert_ok(fsm__journal_new_epoch(f->journal, &f->err)); /* 2: one */
  put_terms(f, 7, 1, FSM_RECORD_BYTES_MAX - 300);
  assert_ok(fsm__journal_new_epoch(f->journal, &f->err)); /* 3: the largest */
  put_terms(f, 3, 1, 0);
  for (uint64_t ordinal = 1; ordinal <= 3; ordinal++) await_index(f, ordinal);
  for (int again = 0; again < 2; again++) {
    for (uint64_t seq = 1; seq <= 11; seq++) {
      char text[32];
      const char *inst = term_of(seq, FSM__FIND_INSTANCE, text);
      if (inst) assert_true(expect_found(f, &(fsm__find){.texts = {inst}, .descending = again}) > 0);
    }
    assert_int_equal(expect_found(f, &(fsm__find){.descending = again}), 11);
    crash(f);
    assert_ok(start_read_only(f, 0));
  }
}

static void a_segment_full_of_small_records_is_indexed(void **state) {
  fixture *f = *state;
  fsm__journal_options options = options_of(f);
  options.segment_bytes = 32 * 1024 * 1024;
  assert_ok(start_with(f, &options));
  put_terms(f, 70000, 2000, 0);
  assert_ok(fsm__journal_new_epoch(f->journal, &f->err));
  put_terms(f, 10, 10, 0);
  await_index(f, 1);
  assert_true(expect_found(f, &(fsm__find){.texts = {"doc-7"}, .after = 60000}) > 10);
  assert_true(expect_found(f, &(fsm__find){.texts = {"doc-7", "corr-3", "user-1"}, .descending = true}) > 0);
  struct stat st;
  assert_int_equal(stat(index_of(f, 1), &st), 0);
  print_message("index of 70000 records: %lld bytes\n", (long long)st.st_size);
}

int main(void) {
#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      ROW(it_is_made_again_when_it_is_missing_torn_or_stale),
      ROW(a_flipped_bit_anywhere_never_gives_a_wrong_answer),
      ROW(entries_that_lie_give_no_wrong_record),
      ROW(a_damaged_segment_gives_no_index_but_its_place),
      cmocka_unit_test(the_filter_is_wrong_in_less_than_one_of_a_hundred),
      ROW(segments_with_no_record_one_record_and_the_largest_are_indexed),
      ROW(a_segment_full_of_small_records_is_indexed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
