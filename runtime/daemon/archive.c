/* archive.c: a segment is copied under another name, then renamed: what has its name is whole. See archive.h.
 */
#include "runtime/daemon/archive.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "runtime/files.h"

#define COPYING "/copying" /* one at a time: retention has one thread */

static fsm_code same(const char *path, const char *copy, fsm_error *err) {
  uint64_t bytes, copied;
  fsm__hash hash, of_copy;
  fsm_code code = fsm__file_hash(path, &bytes, &hash, err);
  if (code == FSM_OK) code = fsm__file_hash(copy, &copied, &of_copy, err);
  if (code != FSM_OK) return code;
  if (bytes == copied && memcmp(&hash, &of_copy, sizeof hash) == 0) return FSM_OK;
  return fsm_fail(err, FSM_EEXISTS, copy, "another segment with these seqs is archived there; move it away");
}

fsm_code fsm__archive_copy(void *arg, const char *path, uint64_t first_seq, uint64_t last_seq,
                           fsm_error *err) {
  fsm__path to, part;
  uint64_t bytes;
  fsm__hash hash;
  fsm_code code =
      fsm__path_of(&to, err, "%s/%020" PRIu64 "-%020" PRIu64 ".seg", (const char *)arg, first_seq, last_seq);
  if (code == FSM_OK) code = fsm__path_of(&part, err, "%s" COPYING, (const char *)arg);
  if (code != FSM_OK) return code;
  if (fsm__path_exists(to.text)) return same(path, to.text, err);
  unlink(part.text); /* of a copy that was interrupted */
  code = fsm__file_copy(path, part.text, &bytes, &hash, err);
  return code == FSM_OK ? fsm__file_move(part.text, to.text, err) : code;
}
