/* stream_check_read.c: the records of files: lines of JSON, or frames (u32 length, little endian ‖ stored
 * bytes). A file that begins with { is lines. A torn end, as a kill leaves it in the open file, is not read:
 * its record comes again.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/manifest.h"
#include "runtime/stream_check_impl.h"
#include "schema/json.h"
#include "schema/record_parse.h"

static uint64_t number_of(const fsm_value *value) {
  char text[24];
  if (value == NULL) return 0;
  if (value->type == FSM_INT) return value->i > 0 ? (uint64_t)value->i : 0;
  if (value->type == FSM_UINT) return value->u;
  if (value->type != FSM_STRING || value->len >= sizeof text) return 0;
  memcpy(text, value->s, value->len);
  text[value->len] = '\0';
  return strtoull(text, NULL, 10);
}

static bool hex_of(const fsm_value *value, void *out, size_t len) {
  return value != NULL && value->type == FSM_STRING && value->len == 2 * len &&
         fsm__unhex(value->s, value->len, out, len);
}

static void take_decoded(fsm_stream_check *check, const fsm_record *record, fsm__seen *seen) {
  if (seen->seq != 0 && seen->seq != record->seq)
    fsm__check_found(check, FSM__SEEN_ALTERED, seen->seq, seen->seq, seen->where,
                     "it holds seq %" PRIu64 " and is called seq %" PRIu64, record->seq, seen->seq);
  seen->seq = record->seq;
  if (record->prev != NULL) memcpy(seen->prev.bytes, record->prev, FSM_HASH_BYTES);
  if (seen->after == 0 || seen->after >= seen->seq) seen->after = seen->seq - 1;
  if (seen->seq == 0)
    fsm__check_found(check, FSM__SEEN_MALFORMED, 0, 0, seen->where, "a record has no seq 0");
  else
    fsm__check_record(check, seen);
}

void fsm__check_bytes(fsm_stream_check *check, const fsm__seen *told, const void *data, size_t len) {
  fsm__seen seen = *told;
  fsm_record record;
  fsm_error err = {.text = ""};
  seen.leaf = fsm__leaf(data, len);
  if (fsm_record_decode(fsm__check_scratch(check), data, len, &record, &err) != FSM_OK) {
    fsm__check_found(check, FSM__SEEN_MALFORMED, told->seq, told->seq, told->where, "no record: %s: %s",
                     err.where, err.text);
    return;
  }
  if (told->has_leaf && memcmp(told->leaf.bytes, seen.leaf.bytes, FSM_HASH_BYTES) != 0)
    fsm__check_found(check, FSM__SEEN_ALTERED, record.seq, record.seq, told->where,
                     "its bytes do not give the leaf that it tells");
  seen.has_leaf = true;
  take_decoded(check, &record, &seen);
}

/* The leaf that was told, and the one of the bytes that the JSON gives. */
static void take_leaf(fsm_stream_check *check, const fsm_value *view, const fsm_buf *bytes, const char *doubt,
                      uint64_t seq, fsm__seen *seen) {
  const fsm__hash made = fsm__leaf(bytes->data, bytes->len);
  const bool told = hex_of(fsm_map_get(view, "leaf"), seen->leaf.bytes, FSM_HASH_BYTES) || seen->has_leaf;
  seen->has_leaf = told || doubt == NULL;
  if (!told) seen->leaf = made;
  if (told && memcmp(made.bytes, seen->leaf.bytes, sizeof made.bytes) == 0) return;
  if (doubt != NULL)
    fsm__check_unproved(check);
  else if (told)
    fsm__check_found(check, FSM__SEEN_ALTERED, seq, seq, seen->where,
                     "its content does not give the leaf that it tells");
}

void fsm__check_line(fsm_stream_check *check, const fsm__seen *told, const char *text, size_t len) {
  fsm_arena *arena = fsm__check_scratch(check);
  fsm_value view;
  fsm_record record;
  fsm_buf bytes = {0};
  fsm_error err = {.text = ""};
  const char *doubt = NULL;
  fsm__seen seen = *told;
  fsm_code code = fsm_json_parse(arena, text, len, FSM_JSON_SORTED, &view, &err);
  if (code == FSM_OK) code = fsm_record_parse(arena, &view, &bytes, &doubt, &err);
  if (code == FSM_OK) code = fsm_record_decode(arena, bytes.data, bytes.len, &record, &err);
  if (code != FSM_OK) {
    fsm__check_found(check, FSM__SEEN_MALFORMED, told->seq, told->seq, told->where,
                     "not a record in the format json: %s: %s", err.where, err.text);
  } else {
    const fsm_value *repair = fsm_map_get(&view, "repair");
    if (hex_of(fsm_map_get(&view, "store"), seen.origin.store, sizeof seen.origin.store)) {
      seen.has_origin = true;
      seen.origin.partition = (uint32_t)number_of(fsm_map_get(&view, "part"));
      seen.origin.epoch = (uint32_t)number_of(fsm_map_get(&view, "epoch"));
    }
    if (fsm_map_get(&view, "after") != NULL) seen.after = number_of(fsm_map_get(&view, "after"));
    seen.repair = seen.repair || (repair != NULL && repair->type == FSM_BOOL && repair->b);
    take_leaf(check, &view, &bytes, doubt, record.seq, &seen);
    take_decoded(check, &record, &seen);
  }
  fsm_buf_free(&bytes);
}

/* ---- files -------------------------------------------------------------------------------------- */

static fsm_code read_lines(fsm_stream_check *check, FILE *file, const char *path, fsm_error *err) {
  char *line = NULL, where[160];
  size_t cap = 0;
  uint64_t number = 0;
  fsm_code code = FSM_OK;
  for (ssize_t len; code == FSM_OK && (len = getline(&line, &cap, file)) > 0;) {
    snprintf(where, sizeof where, "%.120s:%" PRIu64, path, ++number);
    if (line[len - 1] != '\n') break; /* torn */
    if (len > FSM_CHECK_LINE_MAX)
      code = fsm_fail(err, FSM_ETOOLARGE, where, "a line is over %d bytes", FSM_CHECK_LINE_MAX);
    else if (len > 1)
      fsm__check_line(check, &(fsm__seen){.where = where}, line, (size_t)len - 1);
    fsm_arena_reset(fsm__check_scratch(check));
  }
  free(line);
  return code;
}

static fsm_code read_frames(fsm_stream_check *check, FILE *file, const char *path, fsm_error *err) {
  uint8_t *data = malloc(FSM_RECORD_BYTES_MAX), head[4];
  char where[160];
  uint64_t at = 0;
  fsm_code code = data != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a record");
  while (code == FSM_OK && fread(head, 1, sizeof head, file) == sizeof head) {
    const uint32_t len =
        (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 24;
    snprintf(where, sizeof where, "%.120s:byte %" PRIu64, path, at);
    if (len == 0 || len > FSM_RECORD_BYTES_MAX) {
      fsm__check_found(check, FSM__SEEN_MALFORMED, 0, 0, where, "no frame of a record begins here");
      break;
    }
    if (fread(data, 1, len, file) != len) break; /* torn */
    fsm__check_bytes(check, &(fsm__seen){.where = where}, data, len);
    fsm_arena_reset(fsm__check_scratch(check));
    at += sizeof head + len;
  }
  free(data);
  return code;
}

static fsm_code read_file(fsm_stream_check *check, FILE *file, const char *path, fsm_error *err) {
  const int first = getc(file);
  if (first == EOF) return ferror(file) ? fsm_fail(err, FSM_EIO, path, "it cannot be read") : FSM_OK;
  ungetc(first, file);
  fsm_code code = first == '{' ? read_lines(check, file, path, err) : read_frames(check, file, path, err);
  return code == FSM_OK && ferror(file) ? fsm_fail(err, FSM_EIO, path, "it cannot be read") : code;
}

/* The open file's name has no time in it: it is the newest. */
static bool is_open(const char *name) { return strstr(name, "-current.") != NULL; }

static int by_age(const struct dirent **a, const struct dirent **b) {
  const bool x = is_open((*a)->d_name), y = is_open((*b)->d_name);
  return x != y ? x - y : strcmp((*a)->d_name, (*b)->d_name);
}

static int is_ours(const struct dirent *entry) {
  const char *dot = strrchr(entry->d_name, '.');
  return entry->d_name[0] != '.' && strncmp(entry->d_name, "aside-", 6) != 0 && dot != NULL &&
         (strcmp(dot, ".ndjson") == 0 || strcmp(dot, ".msgpack") == 0);
}

static fsm_code read_dir(fsm_stream_check *check, const char *path, fsm_error *err) {
  struct dirent **names = NULL;
  const int count = scandir(path, &names, is_ours, by_age);
  fsm_code code = count < 0 ? fsm_fail(err, FSM_EIO, path, "%s", strerror(errno)) : FSM_OK;
  for (int i = 0; i < count; i++) {
    char *inner = NULL;
    if (code == FSM_OK && asprintf(&inner, "%s/%s", path, names[i]->d_name) < 0)
      code = fsm_fail(err, FSM_ENOMEM, "", "no memory for a path");
    if (code == FSM_OK) code = fsm_stream_check_path(check, inner, err);
    free(inner);
    free(names[i]);
  }
  free(names);
  return code;
}

fsm_code fsm_stream_check_path(fsm_stream_check *check, const char *path, fsm_error *err) {
  FSM_ASSERT(check != NULL && path != NULL);
  struct stat st;
  if (strcmp(path, "-") == 0) return read_file(check, stdin, "-", err);
  if (stat(path, &st) != 0) return fsm_fail(err, FSM_ENOTFOUND, path, "%s", strerror(errno));
  if (S_ISDIR(st.st_mode)) return read_dir(check, path, err);
  FILE *file = fopen(path, "rb");
  if (file == NULL) return fsm_fail(err, FSM_EIO, path, "%s", strerror(errno));
  fsm_code code = read_file(check, file, path, err);
  fclose(file);
  return code;
}
