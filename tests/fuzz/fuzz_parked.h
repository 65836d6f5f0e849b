/* fuzz_parked.h: target parked: the file of what a sink set aside. */
#ifndef FSM_TESTS_FUZZ_PARKED_H
#define FSM_TESTS_FUZZ_PARKED_H

#include "runtime/parked.h"
#include "tests/fuzz/fuzz_disk.h"

static inline void parked_open(fuzz_run *run) {
  cursors_place *at = fsm_arena_zalloc(&run->kept, 1, sizeof *at);
  snprintf(at->dir, sizeof at->dir, "/tmp/fsm-fuzz-XXXXXX");
  if (!mkdtemp(at->dir)) fail_msg("no directory");
  snprintf(at->path, sizeof at->path, "%s/sinks/nats.parked", at->dir);
  run->own = at;
  fsm__parked list[3] = {
      {.seq = 7, .epoch = 1, .time_ns = 5, .tries = 1, .code = FSM_EDATA, .text = "of another type"},
      {.seq = 8, .epoch = 1, .time_ns = -1, .tries = 900, .code = FSM_ETOOLARGE},
      {.seq = UINT64_MAX, .epoch = UINT32_MAX, .time_ns = INT64_MAX, .code = FSM_ENOTFOUND}};
  memset(list[2].text, 'x', FSM_PARKED_TEXT_MAX - 1);
  for (size_t count = 1; count <= 3; count++) {
    if (fsm__parked_save(at->dir, "nats", list, count, NULL) != FSM_OK) fail_msg("cannot save a list");
    fuzz_seed_file(run, at->path);
  }
}

static inline void parked_close(fuzz_run *run) {
  const cursors_place *at = run->own;
  char sinks[96];
  snprintf(sinks, sizeof sinks, "%s/sinks", at->dir);
  unlink(at->path);
  rmdir(sinks);
  rmdir(at->dir);
}

static inline void parked_one(fuzz_run *run) {
  const cursors_place *at = run->own;
  fuzz_input_mutated(run);
  if (!fuzz_one_in(run, 8)) cursors_seal(run->input, run->input_len);
  cursors_write(at->path, run->input, run->input_len);
  fsm__parked *list = NULL;
  size_t count = 0;
  fsm_error err = fuzz_error();
  fsm_code code = fsm__parked_load(at->dir, "nats", &list, &count, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code != FSM_OK) {
    fuzz_expect(run, code == FSM_ECORRUPT && list == NULL, "a damaged list is corrupt and gives none");
    return;
  }
  static uint8_t back[8192];
  if (fsm__parked_save(at->dir, "nats", list, count, NULL) != FSM_OK) fail_msg("cannot save a list");
  free(list);
  int fd = open(at->path, O_RDONLY | O_CLOEXEC);
  ssize_t len = fd < 0 ? -1 : read(fd, back, sizeof back);
  if (fd >= 0) close(fd);
  fuzz_expect(run, len == (ssize_t)run->input_len && memcmp(back, run->input, run->input_len) == 0,
              "a list that loads is saved as the same bytes");
}

#endif
