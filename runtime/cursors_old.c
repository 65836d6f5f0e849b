/* cursors_old.c: the file that held all cursors.
 *
 * Layout, little endian: magic "FSMCUR01" ‖ u32 count ‖ entries ‖ u32 CRC-32C of all before. An entry:
 * name (32 bytes, NUL-padded) ‖ u32 epoch ‖ u64 seq ‖ leaf (32) ‖ i64 stream created ‖ u64 stream seq.
 */
#include "runtime/cursors_old.h"

#include <string.h>
#include <unistd.h>

#include "runtime/crc32c.h"
#include "runtime/cursors_format.h"
#include "runtime/files.h"

enum {
  MAGIC_LEN = 8,
  ENTRY_LEN = FSM__CURSOR_NAME + 4 + 8 + FSM_HASH_BYTES + 8 + 8,
  FILE_MAX = MAGIC_LEN + 4 + FSM_CURSORS_MAX * ENTRY_LEN + 4
};
static const char magic[MAGIC_LEN + 1] = "FSMCUR01";

/* What was acknowledged was taken for settled, and every record was sent. */
static bool take_one(const uint8_t **at, fsm__cursor *c) {
  memset(c, 0, sizeof *c);
  if (!fsm__cursor_take_name(at, c->sink)) return false;
  c->epoch = (uint32_t)fsm__cursor_take(at, 4);
  c->seq = c->sent_seq = c->settled_seq = fsm__cursor_take(at, 8);
  memcpy(c->leaf.bytes, *at, FSM_HASH_BYTES);
  *at += FSM_HASH_BYTES;
  c->stream_created_ns = (int64_t)fsm__cursor_take(at, 8);
  c->stream_seq = c->settled_stream_seq = fsm__cursor_take(at, 8);
  return true;
}

static bool decode(const uint8_t *data, size_t len, fsm__cursor *cursors, size_t *count) {
  if (len < MAGIC_LEN + 4 + 4 || memcmp(data, magic, MAGIC_LEN) != 0) return false;
  const uint8_t *at = data + MAGIC_LEN, *crc = data + len - 4;
  size_t n = fsm__cursor_take(&at, 4);
  if (n > FSM_CURSORS_MAX || len != MAGIC_LEN + 4 + n * ENTRY_LEN + 4) return false;
  if (fsm__cursor_take(&crc, 4) != fsm__crc32c(0, data, len - 4)) return false;
  for (size_t i = 0; i < n; i++)
    if (!take_one(&at, &cursors[i])) return false;
  *count = n;
  return true;
}

fsm_code fsm__cursors_old_load(const char *dir, fsm__cursor cursors[FSM_CURSORS_MAX], size_t *count,
                               fsm_error *err) {
  fsm__path path;
  fsm_buf data = {0};
  fsm_error fault;
  *count = 0;
  fsm_code code = fsm__path_of(&path, err, "%s/cursors", dir);
  if (code != FSM_OK) return code;
  code = fsm__file_read(path.text, FILE_MAX, &data, &fault);
  if (code == FSM_ENOTFOUND) {
    code = FSM_OK;
  } else if (code == FSM_ETOOLARGE ||
             (code == FSM_OK && !decode((const uint8_t *)data.data, data.len, cursors, count))) {
    code = fsm_fail(err, FSM_ECORRUPT, path.text, "the file of the sinks' cursors is damaged");
  } else if (code != FSM_OK) {
    code = fsm_fail(err, code, fault.where, "%s", fault.text);
  }
  fsm_buf_free(&data);
  return code;
}

static bool has_own(const char *dir, const char *sink) {
  fsm__path path;
  return fsm__path_of(&path, NULL, "%s/sinks/%s", dir, sink) == FSM_OK && fsm__path_exists(path.text);
}

/* But for `sink`, which may be NULL. */
static bool all_have_own(const char *dir, const char *sink) {
  fsm__cursor old[FSM_CURSORS_MAX];
  size_t count = 0;
  if (fsm__cursors_old_load(dir, old, &count, NULL) != FSM_OK) return false;
  for (size_t i = 0; i < count; i++) {
    bool left_out = sink != NULL && strcmp(old[i].sink, sink) == 0;
    if (!left_out && !has_own(dir, old[i].sink)) return false;
  }
  return true;
}

void fsm__cursors_old_let_go(const char *dir) {
  fsm__path path;
  if (fsm__path_of(&path, NULL, "%s/cursors", dir) != FSM_OK || !fsm__path_exists(path.text)) return;
  if (all_have_own(dir, NULL)) (void)unlink(path.text);
}

fsm_code fsm__cursors_old_forget(const char *dir, const char *sink, fsm_error *err) {
  fsm__cursor old[FSM_CURSORS_MAX];
  fsm__path path;
  size_t count = 0;
  bool named = false;
  fsm_code code = fsm__cursors_old_load(dir, old, &count, err);
  if (code == FSM_OK) code = fsm__path_of(&path, err, "%s/cursors", dir);
  if (code != FSM_OK) return code;
  for (size_t i = 0; i < count; i++) named = named || strcmp(old[i].sink, sink) == 0;
  if (!named) return FSM_OK;
  if (!all_have_own(dir, sink))
    return fsm_fail(err, FSM_EBUSY, path.text,
                    "the file of all cursors is still needed by another sink: start that one first");
  if (unlink(path.text) != 0) return fsm__file_fault(err, path.text, "it cannot be removed");
  return fsm__dir_sync(dir, err);
}
