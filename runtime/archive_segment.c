/* archive_segment.c: one archived segment: opened, and believed only when it is ours, whole, what its name
 * says and, where reading goes on from the one before, chained to that. */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/archive_read_impl.h"
#include "runtime/files.h"

enum { READ_AHEAD = 1024 * 1024 };

void fsm__archive_leave(fsm__archive *a) {
  if (a->open) close(a->window.fd);
  a->open = false;
  a->batch_head.records = 0;
}

static fsm_code open_file(fsm__archive *a, fsm__archive_held file, fsm_error *err) {
  fsm__path path;
  struct stat st;
  fsm__archive_leave(a);
  a->file = file;
  fsm_code code =
      fsm__path_of(&path, err, "%s/%020" PRIu64 "-%020" PRIu64 ".seg", a->dir, file.first, file.last);
  if (code != FSM_OK) return code;
  const int fd = open(path.text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return fsm__file_fault(err, fsm__archive_spot_of(file, 0).text, "the archived segment cannot be opened");
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    close(fd);
    return fsm__archive_corrupt(a, 0, "the segment is no regular file", err);
  }
  fsm__window_open(&a->window, fd, 0, (uint64_t)st.st_size, READ_AHEAD);
  a->open = true;
  return FSM_OK;
}

/* Ours, whole, and what its name says? */
static fsm_code check_file(fsm__archive *a, fsm_error *err) {
  const uint8_t *block = NULL;
  fsm__batch_head batch;
  bool intact = false;
  fsm_error fault;
  fsm_code code = fsm__window_view(&a->window, 0, FSM_JOURNAL_BLOCK, &block, &fault);
  if (code == FSM_OK) {
    a->window.ordinal = fsm__segment_ordinal(block);
    code = fsm__segment_decode(block, a->window.ordinal, &a->head, &fault);
  }
  if (code != FSM_OK) return fsm__archive_renamed(a, &fault, err);
  const fsm_origin *origin = &a->head.origin;
  if (memcmp(origin->store, a->origin.store, sizeof origin->store) != 0)
    return fsm__archive_corrupt(a, 0, "the segment belongs to another store", err);
  if (origin->partition != a->origin.partition)
    return fsm__archive_corrupt(a, 0, "the segment belongs to another partition", err);
  if (a->head.bytes != a->window.bytes)
    return fsm__archive_corrupt(a, a->window.bytes, "the segment has not as many bytes as its header says",
                                err);
  code = fsm__footer_read(&a->window, &a->head, &batch, &a->footer, &intact, &fault);
  if (code != FSM_OK) return fsm__archive_renamed(a, &fault, err);
  if (!intact)
    return fsm__archive_corrupt(a, fsm__log_end(a->head.bytes), "the segment's footer is missing or damaged",
                                err);
  if (a->head.first_seq != a->file.first || a->footer.last_seq != a->file.last)
    return fsm__archive_corrupt(a, 0, "the segment has other records than its name says", err);
  return FSM_OK;
}

/* The file of a seq, at its first batch. *there false: none has it. */
fsm_code fsm__archive_enter(fsm__archive *a, uint64_t seq, bool *there, fsm_error *err) {
  fsm__archive_held file;
  fsm_code code = fsm__archive_locate(a, seq, &file, there, err);
  if (code != FSM_OK || !*there) return code;
  const bool next = a->open && a->file.last + 1 == file.first; /* batches may have been passed over */
  const bool on = next || (a->chained && a->frames_seq == file.first);
  const fsm__hash leaf = next ? a->footer.leaf : a->leaf;
  const uint32_t epoch = next ? a->head.origin.epoch : a->epoch;
  code = open_file(a, file, err);
  if (code == FSM_OK) code = check_file(a, err);
  if (code == FSM_OK && on && memcmp(&a->head.prev, &leaf, sizeof leaf) != 0)
    code = fsm_fail(err, FSM_EVERIFY, fsm__archive_spot_of(file, 0).text,
                    "the archive %s: the segment does not chain to the one before it", a->dir);
  if (code == FSM_OK && on && a->head.origin.epoch < epoch)
    code = fsm__archive_corrupt(a, 0, "the segment is of an earlier epoch than the one before it", err);
  if (code != FSM_OK) {
    fsm__archive_leave(a);
    return code;
  }
  a->leaf = a->head.prev;
  a->frames_seq = a->head.first_seq;
  a->epoch = a->head.origin.epoch;
  a->chained = true;
  fsm__walk_start(&a->walk, &a->window, &a->head);
  return FSM_OK;
}
