/* parked.c: the list as one small file, replaced as a whole.
 *
 * Layout, little endian: magic "FSMPRK01" ‖ u32 count ‖ entries, seq ascending ‖ u32 CRC-32C of all before.
 * An entry: u64 seq ‖ u32 epoch ‖ i64 time ‖ u32 tries ‖ u8 length ‖ name of the code ‖ u8 length ‖ text.
 */
#include "runtime/parked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/crc32c.h"
#include "runtime/files.h"

enum {
  MAGIC_LEN = 8,
  CODE_NAME_MAX = 32,
  ENTRY_MAX = 8 + 4 + 8 + 4 + 1 + CODE_NAME_MAX + 1 + FSM_PARKED_TEXT_MAX,
  FILE_MAX = MAGIC_LEN + 4 + FSM_PARKED_MAX * ENTRY_MAX + 4
};
static const char magic[MAGIC_LEN + 1] = "FSMPRK01";
_Static_assert(FSM_PARKED_TEXT_MAX <= 256, "its length is one byte");

/* ---- bytes ---- */

static void put(fsm_buf *out, uint64_t value, unsigned bytes) {
  uint8_t le[8];
  for (unsigned i = 0; i < bytes; i++) le[i] = (uint8_t)(value >> (8 * i));
  fsm_buf_add(out, le, bytes);
}

static void put_text(fsm_buf *out, const char *text, size_t max) {
  size_t len = strnlen(text, max - 1);
  put(out, len, 1);
  fsm_buf_add(out, text, len);
}

static void encode(const fsm__parked *list, size_t count, fsm_buf *out) {
  fsm_buf_add(out, magic, MAGIC_LEN);
  put(out, count, 4);
  for (size_t i = 0; i < count; i++) {
    FSM_ASSERT(i == 0 || list[i].seq > list[i - 1].seq);
    put(out, list[i].seq, 8);
    put(out, list[i].epoch, 4);
    put(out, (uint64_t)list[i].time_ns, 8);
    put(out, list[i].tries, 4);
    put_text(out, fsm_code_name(list[i].code), CODE_NAME_MAX);
    put_text(out, list[i].text, FSM_PARKED_TEXT_MAX);
  }
  put(out, fsm__crc32c(0, out->data, out->len), 4);
}

typedef struct reader {
  const uint8_t *at, *end;
  bool bad;
} reader;

static uint64_t take(reader *r, unsigned bytes) {
  uint64_t value = 0;
  if ((size_t)(r->end - r->at) < bytes) r->bad = true;
  for (unsigned i = 0; i < bytes && !r->bad; i++) value |= (uint64_t)*r->at++ << (8 * i);
  return value;
}

static void take_text(reader *r, char *out, size_t max) {
  size_t len = take(r, 1);
  if (len >= max || (size_t)(r->end - r->at) < len || memchr(r->at, '\0', len) != NULL) r->bad = true;
  if (r->bad) return;
  memcpy(out, r->at, len);
  out[len] = '\0';
  r->at += len;
}

static void take_one(reader *r, fsm__parked *p) {
  char name[CODE_NAME_MAX] = "";
  p->seq = take(r, 8);
  p->epoch = (uint32_t)take(r, 4);
  p->time_ns = (int64_t)take(r, 8);
  p->tries = (unsigned)take(r, 4);
  take_text(r, name, sizeof name);
  take_text(r, p->text, sizeof p->text);
  p->code = fsm_code_of(name);
  if (p->code == FSM_OK || p->code == FSM_CODE_COUNT) r->bad = true;
}

/* list: room for FSM_PARKED_MAX. */
static bool decode(const uint8_t *data, size_t len, fsm__parked *list, size_t *count) {
  if (len < MAGIC_LEN + 4 + 4 || memcmp(data, magic, MAGIC_LEN) != 0) return false;
  reader tail = {.at = data + len - 4, .end = data + len};
  if (take(&tail, 4) != fsm__crc32c(0, data, len - 4)) return false;
  reader r = {.at = data + MAGIC_LEN, .end = data + len - 4};
  size_t n = take(&r, 4);
  if (n == 0 || n > FSM_PARKED_MAX) return false;
  for (size_t i = 0; i < n && !r.bad; i++) {
    take_one(&r, &list[i]);
    if (i > 0 && list[i].seq <= list[i - 1].seq) r.bad = true;
  }
  *count = n;
  return !r.bad && r.at == r.end;
}

/* ---- the file ---- */

fsm_code fsm__parked_load(const char *dir, const char *sink, fsm__parked **out, size_t *count,
                          fsm_error *err) {
  FSM_ASSERT(dir != NULL && sink != NULL && out != NULL && count != NULL);
  fsm__path path;
  fsm_buf data = {0};
  size_t found = 0;
  fsm_code code = fsm__path_of(&path, err, "%s/sinks/%s.parked", dir, sink);
  if (code != FSM_OK) return code;
  fsm__parked *list = calloc(FSM_PARKED_MAX, sizeof *list);
  if (list == NULL) return fsm_fail(err, FSM_ENOMEM, path.text, "no memory for the parked records");
  if (fsm__path_exists(path.text)) {
    code = fsm__file_read(path.text, FILE_MAX, &data, err);
    if (code == FSM_ETOOLARGE ||
        (code == FSM_OK && !decode((const uint8_t *)data.data, data.len, list, &found)))
      code = fsm_fail(err, FSM_ECORRUPT, path.text, "the file of the sink's parked records is damaged");
  }
  fsm_buf_free(&data);
  if (code != FSM_OK) {
    free(list);
    return code;
  }
  *out = list;
  *count = found;
  return FSM_OK;
}

static fsm_code remove_file(const char *dir, const char *name, fsm_error *err) {
  fsm__path path;
  fsm_code code = fsm__path_of(&path, err, "%s/%s", dir, name);
  if (code != FSM_OK || !fsm__path_exists(path.text)) return code;
  if (unlink(path.text) != 0) return fsm__file_fault(err, path.text, "unlink");
  return fsm__dir_sync(dir, err);
}

fsm_code fsm__parked_save(const char *dir, const char *sink, const fsm__parked *list, size_t count,
                          fsm_error *err) {
  FSM_ASSERT(dir != NULL && sink != NULL && (list != NULL || count == 0) && count <= FSM_PARKED_MAX);
  fsm__path sinks;
  char name[64];
  fsm_buf data = {0};
  snprintf(name, sizeof name, "%.40s.parked", sink);
  fsm_code code = fsm__path_of(&sinks, err, "%s/sinks", dir);
  if (code != FSM_OK) return code;
  if (count == 0) return remove_file(sinks.text, name, err);
  encode(list, count, &data);
  code = fsm_buf_ok(&data) ? fsm__dir_make(sinks.text, err)
                           : fsm_fail(err, FSM_ENOMEM, sinks.text, "no memory for the parked records");
  if (code == FSM_OK) code = fsm__file_write(sinks.text, name, data.data, data.len, err);
  fsm_buf_free(&data);
  return code;
}
