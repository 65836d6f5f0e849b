/* manifest.c: see manifest.h. */
#include "runtime/manifest.h"

#include <stdlib.h>
#include <string.h>

#define SEAL "sha256 "
enum { SEAL_LEN = sizeof SEAL - 1 + 2 * FSM_HASH_BYTES + 1 };

void fsm__manifest_hex(fsm_buf *buf, const char *name, const void *data, size_t len) {
  static const char digits[] = "0123456789abcdef";
  fsm_buf_printf(buf, "%s ", name);
  for (size_t i = 0; i < len; i++) {
    fsm_buf_char(buf, digits[((const uint8_t *)data)[i] >> 4]);
    fsm_buf_char(buf, digits[((const uint8_t *)data)[i] & 15]);
  }
  fsm_buf_char(buf, '\n');
}

void fsm__manifest_u64(fsm_buf *buf, const char *name, uint64_t number) {
  fsm_buf_printf(buf, "%s %llu\n", name, (unsigned long long)number);
}

fsm_code fsm__manifest_save(const char *dir, fsm_buf *buf, fsm_error *err) {
  fsm__hash hash = fsm__sha256(buf->data, buf->len);
  fsm__manifest_hex(buf, "sha256", hash.bytes, sizeof hash.bytes);
  if (!fsm_buf_ok(buf)) return fsm_fail(err, FSM_ENOMEM, dir, "no memory for a manifest");
  return fsm__file_write(dir, FSM_MANIFEST_NAME, buf->data, buf->len, err);
}

fsm_code fsm__manifest_load(const char *dir, fsm_buf *out, fsm_error *err) {
  fsm__path path;
  fsm_code code = fsm__path_of(&path, err, "%s/" FSM_MANIFEST_NAME, dir);
  if (code == FSM_OK) code = fsm__file_read(path.text, FSM_MANIFEST_BYTES_MAX, out, err);
  if (code != FSM_OK) return code;
  char hex[2 * FSM_HASH_BYTES + 1];
  size_t len = out->len < SEAL_LEN ? 0 : out->len - SEAL_LEN;
  fsm__hash hash = fsm__sha256(out->data, len);
  fsm__hex(hash.bytes, sizeof hash.bytes, hex);
  bool whole = out->len > SEAL_LEN && memchr(out->data, 0, out->len) == NULL &&
               memcmp(out->data + len, SEAL, sizeof SEAL - 1) == 0 &&
               memcmp(out->data + len + sizeof SEAL - 1, hex, 2 * FSM_HASH_BYTES) == 0 &&
               out->data[out->len - 1] == '\n';
  if (!whole)
    return fsm_fail(err, FSM_ECORRUPT, path.text, "the manifest is damaged: its hash does not match");
  out->len = len;
  (void)fsm_buf_text(out);
  return fsm_buf_ok(out) ? FSM_OK : fsm_fail(err, FSM_ENOMEM, dir, "no memory for a manifest");
}

bool fsm__manifest_next(const char **at, const char *name, const char **value, size_t *len) {
  size_t name_len = strlen(name);
  for (const char *line = *at; *line != '\0';) {
    const char *end = strchr(line, '\n');
    if (end == NULL) return false;
    if ((size_t)(end - line) > name_len && memcmp(line, name, name_len) == 0 && line[name_len] == ' ') {
      *value = line + name_len + 1;
      *len = (size_t)(end - *value);
      *at = end + 1;
      return true;
    }
    line = end + 1;
  }
  return false;
}

bool fsm__manifest_get_u64(const char *text, const char *name, uint64_t *out) {
  const char *value;
  size_t len;
  if (!fsm__manifest_next(&text, name, &value, &len) || len == 0 || len > 20) return false;
  uint64_t number = 0;
  for (size_t i = 0; i < len; i++) {
    unsigned digit = (unsigned)(value[i] - '0');
    if (digit > 9 || number > (UINT64_MAX - digit) / 10) return false;
    number = number * 10 + digit;
  }
  *out = number;
  return true;
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool fsm__unhex(const char *hex, size_t hex_len, void *out, size_t len) {
  if (hex_len != 2 * len) return false;
  for (size_t i = 0; i < len; i++) {
    int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    ((uint8_t *)out)[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

bool fsm__manifest_get_hex(const char *text, const char *name, void *out, size_t len) {
  const char *value;
  size_t value_len;
  return fsm__manifest_next(&text, name, &value, &value_len) && fsm__unhex(value, value_len, out, len);
}
