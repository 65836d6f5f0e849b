/* sink_file_tail.c: what is in a file already.
 *
 * Text is read from its end, in windows that grow until they begin at or before the record in question;
 * frames are hopped over from the front. A format tells which record a line is by a row of the table; a line
 * that does not tell has seq 0, and the cursor alone says how far the sink has come.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/message.h"
#include "runtime/sink_file_impl.h"
#include "schema/json.h"

enum { WINDOW = 256 * 1024, GROW = 4, LINE_MAX_BYTES = 4 * 1024 * 1024 };

/* Where a document says which record it is: id ("store.part.epoch.seq"), and the leaf; paths of keys. */
typedef struct teller {
  const char *format;
  const char *id[3], *leaf[3]; /* NULL ends; leaf {NULL} = it has none */
} teller;

static const teller tellers[] = {
    {"json", {"id"}, {"leaf"}},
    {"cloudevents", {"id"}, {"data", "leaf"}},
    {"ecs", {"event", "id"}, {"fsm", "leaf"}},
};

static bool is_frames(const char *format) { return strcmp(format, "msgpack") == 0; }

/* ---- a line -------------------------------------------------------------------------------------- */

static const fsm_value *at_path(const fsm_value *doc, const char *const path[3]) {
  if (path[0] == NULL) return NULL;
  for (unsigned i = 0; i < 3 && path[i] != NULL && doc != NULL; i++)
    doc = fsm_is(doc, FSM_MAP) ? fsm_map_get(doc, path[i]) : NULL;
  return doc != NULL && fsm_is(doc, FSM_STRING) ? doc : NULL;
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_read(const fsm_value *text, fsm__hash *out) {
  if (text == NULL || text->len != 2 * sizeof out->bytes) return false;
  for (size_t i = 0; i < sizeof out->bytes; i++) {
    const int high = digit_of(text->s[2 * i]), low = digit_of(text->s[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out->bytes[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}

static void line_read(const teller *by, fsm_arena *arena, const char *text, size_t len, fsm__line *out) {
  fsm_value doc;
  char id[96];
  *out = (fsm__line){.seq = 0};
  fsm_arena_reset(arena);
  if (by == NULL || fsm_json_parse(arena, text, len, FSM_JSON_SORTED, &doc, NULL) != FSM_OK) return;
  const fsm_value *found = at_path(&doc, by->id);
  if (found == NULL || found->len >= sizeof id) return;
  memcpy(id, found->s, found->len);
  id[found->len] = '\0';
  out->has_origin = fsm__message_id_read(id, &out->origin, &out->seq);
  if (!out->has_origin) out->seq = 0;
  out->has_leaf = out->seq > 0 && hex_read(at_path(&doc, by->leaf), &out->leaf);
}

static void frame_read(const void *data, size_t len, fsm__line *out) {
  fsm_record_brief brief;
  *out = (fsm__line){.seq = 0};
  if (fsm_record_peek(data, len, &brief) != FSM_OK) return;
  out->seq = brief.seq;
  out->leaf = fsm__leaf(data, len);
  out->has_leaf = true;
}

/* ---- reading ------------------------------------------------------------------------------------- */

static fsm_code size_of(int fd, const char *path, uint64_t *out, fsm_error *err) {
  struct stat st;
  if (fstat(fd, &st) != 0) return fsm__file_fault(err, path, "the file cannot be looked at");
  *out = (uint64_t)st.st_size;
  return FSM_OK;
}

static fsm_code read_at(int fd, const char *path, uint64_t at, char *out, size_t want, size_t *got,
                        fsm_error *err) {
  for (*got = 0; *got < want;) {
    const ssize_t n = pread(fd, out + *got, want - *got, (off_t)(at + *got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fsm__file_fault(err, path, "the file cannot be read");
    if (n == 0) break;
    *got += (size_t)n;
  }
  return FSM_OK;
}

static uint32_t length_of(const char *at) {
  uint32_t out = 0;
  for (unsigned i = 0; i < FSM__FRAME_LENGTH; i++) out |= (uint32_t)(uint8_t)at[i] << (8 * i);
  return out;
}

/* Through the whole frames of the file; *end is behind the last. fn may be NULL. */
static fsm_code each_frame(int fd, const char *path, fsm__line_fn fn, void *arg, uint64_t *end,
                           fsm_error *err) {
  char *data = malloc(FSM__FRAME_LENGTH + FSM_RECORD_BYTES_MAX);
  if (data == NULL) return fsm_fail(err, FSM_ENOMEM, path, "no memory to read the file");
  fsm_code code = FSM_OK;
  for (*end = 0; code == FSM_OK;) {
    size_t got = 0;
    code = read_at(fd, path, *end, data, FSM__FRAME_LENGTH + FSM_RECORD_BYTES_MAX, &got, err);
    if (code != FSM_OK || got < FSM__FRAME_LENGTH) break;
    size_t at = 0;
    while (got - at >= FSM__FRAME_LENGTH) {
      const uint32_t len = length_of(data + at);
      if (len == 0 || len > FSM_RECORD_BYTES_MAX || len > got - at - FSM__FRAME_LENGTH) break;
      fsm__line line;
      frame_read(data + at + FSM__FRAME_LENGTH, len, &line);
      if (fn != NULL) fn(arg, &line);
      at += FSM__FRAME_LENGTH + len;
    }
    if (at == 0) break;
    *end += at;
  }
  free(data);
  return code;
}

static fsm_code text_end(int fd, const char *path, uint64_t size, uint64_t *end, fsm_error *err) {
  char data[16 * 1024];
  fsm_code code = FSM_OK;
  *end = 0;
  for (uint64_t to = size; to > 0 && *end == 0 && code == FSM_OK;) {
    const size_t want = to < sizeof data ? (size_t)to : sizeof data;
    size_t got = 0;
    code = read_at(fd, path, to - want, data, want, &got, err);
    if (code != FSM_OK) break;
    const char *newline = memrchr(data, '\n', got);
    if (newline != NULL) *end = to - want + (uint64_t)(newline - data) + 1;
    to -= want;
  }
  return code;
}

fsm_code fsm__tail_end(int fd, const char *path, const char *format, uint64_t *end, fsm_error *err) {
  uint64_t size = 0;
  fsm_code code = size_of(fd, path, &size, err);
  if (code != FSM_OK) return code;
  return is_frames(format) ? each_frame(fd, path, NULL, NULL, end, err) : text_end(fd, path, size, end, err);
}

/* ---- lines --------------------------------------------------------------------------------------- */

static const teller *teller_of(const char *format) {
  for (size_t i = 0; i < sizeof tellers / sizeof *tellers; i++)
    if (strcmp(tellers[i].format, format) == 0) return &tellers[i];
  return NULL;
}

static void first_of(void *arg, const fsm__line *line) {
  fsm__line *out = arg;
  if (out->seq == 0) *out = *line;
}

fsm_code fsm__tail_first(int fd, const char *path, const char *format, fsm__line *out, fsm_error *err) {
  const teller *by = teller_of(format);
  uint64_t end;
  size_t got = 0;
  *out = (fsm__line){.seq = 0};
  if (is_frames(format)) return each_frame(fd, path, first_of, out, &end, err);
  if (by == NULL) return FSM_OK;
  char *data = malloc(LINE_MAX_BYTES);
  if (data == NULL) return fsm_fail(err, FSM_ENOMEM, path, "no memory to read the file");
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_code code = read_at(fd, path, 0, data, LINE_MAX_BYTES, &got, err);
  const char *newline = code == FSM_OK ? memchr(data, '\n', got) : NULL;
  if (newline != NULL) line_read(by, &arena, data, (size_t)(newline - data), out);
  fsm_arena_free(&arena);
  free(data);
  return code;
}

/* Where in the window whole lines begin; it does not begin with one unless it begins the file. */
static const char *first_line(const char *data, size_t len, bool whole) {
  if (whole) return data;
  const char *newline = memchr(data, '\n', len);
  return newline != NULL ? newline + 1 : data + len;
}

static void each_line(const teller *by, fsm_arena *arena, const char *from, const char *end, fsm__line_fn fn,
                      void *arg) {
  while (from < end) {
    const char *newline = memchr(from, '\n', (size_t)(end - from));
    if (newline == NULL) return;
    fsm__line line;
    line_read(by, arena, from, (size_t)(newline - from), &line);
    fn(arg, &line);
    from = newline + 1;
  }
}

/* Does the window begin with a record at or before seq? */
static bool reaches(const teller *by, fsm_arena *arena, const char *from, const char *end, uint64_t seq) {
  const char *newline = from < end ? memchr(from, '\n', (size_t)(end - from)) : NULL;
  fsm__line line;
  if (newline == NULL) return false;
  line_read(by, arena, from, (size_t)(newline - from), &line);
  return line.seq > 0 && line.seq <= seq;
}

static fsm_code scan_text(int fd, const char *path, const teller *by, uint64_t size, uint64_t seq,
                          fsm__line_fn fn, void *arg, fsm_error *err) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_code code = FSM_OK;
  for (size_t window = WINDOW; code == FSM_OK; window *= GROW) {
    const bool last = window >= size || window >= FSM__TAIL_MAX;
    const size_t want = window < size ? window : (size_t)size;
    size_t got = 0;
    char *data = malloc(want + 1);
    if (data == NULL) code = fsm_fail(err, FSM_ENOMEM, path, "no memory to read the file");
    if (code == FSM_OK) code = read_at(fd, path, size - want, data, want, &got, err);
    const char *from = code == FSM_OK ? first_line(data, got, want == size) : NULL;
    const bool enough = code == FSM_OK && (last || reaches(by, &arena, from, data + got, seq));
    if (enough) each_line(by, &arena, from, data + got, fn, arg);
    free(data);
    if (enough) break;
  }
  fsm_arena_free(&arena);
  return code;
}

fsm_code fsm__tail_scan(int fd, const char *path, const char *format, uint64_t seq, fsm__line_fn fn,
                        void *arg, fsm_error *err) {
  const teller *by = teller_of(format);
  uint64_t size = 0, end;
  fsm_code code = size_of(fd, path, &size, err);
  if (code != FSM_OK || size == 0) return code;
  if (is_frames(format)) return each_frame(fd, path, fn, arg, &end, err);
  return by != NULL ? scan_text(fd, path, by, size, seq, fn, arg, err) : FSM_OK;
}
