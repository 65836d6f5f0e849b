/* journal_copy.c: the kept segments of a journal, copied while it is written.
 *
 * A sealed segment is a file that never changes. Of the one being written the file is read while batches are
 * added behind, so its copy may have a later batch and not the one before: it is cut after the last batch up
 * to which everything is whole. All that was durable when the copy began is before that. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/database_impl.h"
#include "runtime/journal_impl.h"

enum { WINDOW_BYTES = 256 * 1024 };

/* Zeroes what is behind the last batch that can be reached from the header. */
static fsm_code cut(int fd, const char *path, const fsm__segment_info *segment, fsm_error *err) {
  fsm__window window;
  fsm__walk walk;
  fsm__segment_head head;
  const uint8_t *block = NULL, *data = NULL;
  bool valid = true;
  fsm__window_open(&window, fd, segment->ordinal, segment->bytes, WINDOW_BYTES);
  fsm_code code = fsm__window_view(&window, 0, FSM_JOURNAL_BLOCK, &block, err);
  if (code == FSM_OK) code = fsm__segment_decode(block, segment->ordinal, &head, err);
  if (code == FSM_OK) {
    fsm__walk_start(&walk, &window, &head);
    fsm__batch_head batch;
    while (code == FSM_OK && valid) code = fsm__walk_next(&walk, &batch, &data, &valid, err);
  }
  uint64_t end = code == FSM_OK ? walk.at : 0;
  fsm__window_free(&window);
  if (code != FSM_OK) return code;
  errno = fsm__zero_at(fd, end, segment->bytes);
  if (errno == 0 && fsync(fd) != 0 && errno == 0) errno = EIO;
  return errno == 0 ? FSM_OK : fsm__file_fault(err, path, "the copy of the journal cannot be ended");
}

static fsm_code copy_one(const char *from, const char *to, const fsm__segment_info *segment, fsm_error *err) {
  char name[FSM_SEGMENT_NAME_BYTES];
  fsm__path source, target;
  uint64_t bytes = 0;
  fsm__hash hash;
  fsm__segment_name(segment->ordinal, name);
  fsm_code code = fsm__path_of(&source, err, "%s/%s", from, name);
  if (code == FSM_OK) code = fsm__path_of(&target, err, "%s/%s", to, name);
  if (code == FSM_OK) code = fsm__file_copy(source.text, target.text, &bytes, &hash, err);
  if (code != FSM_OK || segment->sealed) return code;
  int fd = open(target.text, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fsm__file_fault(err, target.text, "the copy of the journal cannot be opened");
  code = cut(fd, target.text, segment, err);
  close(fd);
  return code;
}

static fsm_code copy_floor(const char *from, const char *to, bool *there, fsm_error *err) {
  fsm__path source, target;
  uint64_t bytes = 0;
  fsm__hash hash;
  *there = false;
  fsm_code code = fsm__path_of(&source, err, "%s/" FSM_FLOOR_NAME, from);
  if (code == FSM_OK) code = fsm__path_of(&target, err, "%s/" FSM_FLOOR_NAME, to);
  if (code != FSM_OK || !fsm__path_exists(source.text)) return code;
  *there = true;
  return fsm__file_copy(source.text, target.text, &bytes, &hash, err);
}

static fsm_code copy_all(fsm__journal *journal, const char *from, const char *to, fsm__copied_fn copied,
                         void *arg, fsm_error *err) {
  fsm__segment_info *segments = NULL;
  size_t count = 0;
  bool floor = false;
  fsm_code code = fsm__journal_segments(journal, &segments, &count, err);
  if (code == FSM_OK) code = copy_floor(from, to, &floor, err);
  if (code == FSM_OK && floor) code = copied(arg, FSM_FLOOR_NAME, err);
  for (size_t i = 0; code == FSM_OK && i < count; i++) {
    char name[FSM_SEGMENT_NAME_BYTES];
    fsm__segment_name(segments[i].ordinal, name);
    code = copy_one(from, to, &segments[i], err);
    if (code == FSM_OK) code = copied(arg, name, err);
  }
  free(segments);
  return code == FSM_OK ? fsm__dir_sync(to, err) : code;
}

fsm_code fsm__journal_copy(fsm__journal *journal, const char *from, const char *to, fsm__copied_fn copied,
                           void *arg, fsm_error *err) {
  fsm__journal_pin(journal); /* nothing goes while it is copied, and the floor stays */
  fsm_code code = copy_all(journal, from, to, copied, arg, err);
  fsm__journal_unpin(journal);
  return code;
}
