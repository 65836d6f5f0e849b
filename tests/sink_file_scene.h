/* sink_file_scene.h: a file sink that is driven as its outbox would, over a journal of its own, and what is
 * in its directory afterwards. */
#ifndef FSM_TESTS_SINK_FILE_SCENE_H
#define FSM_TESTS_SINK_FILE_SCENE_H

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/sink_file_impl.h"
#include "schema/json.h"
#include "tests/filled_journal.h"

enum { SCENE_RECORDS_MAX = 8192, SCENE_HOUR = 3600 };
#define SCENE_START (INT64_C(1700000000) * 1000000000)

typedef struct scene {
  filled_journal f;
  char dir[96];
  fsm__sink_config config;
  fsm__sink *sink;
  fsm__sink_view view;
  fsm__cursor cursor;
  fsm__journal_cursor *reader;
  fsm_error err;
  fsm_code acks[SCENE_RECORDS_MAX]; /* by ticket = seq; FSM_CODE_COUNT = none */
  unsigned acked;
} scene;

static int64_t scene_now = SCENE_START;
static inline int64_t scene_clock(void) { return scene_now; }

static inline void scene_ack(void *arg, uint64_t ticket, fsm_code code, uint64_t position, const char *text) {
  scene *s = arg;
  (void)position, (void)text;
  if (s->acks[ticket] == FSM_CODE_COUNT) s->acked++;
  s->acks[ticket] = code;
}

static inline uint32_t scene_epoch_of(void *arg, uint64_t seq) {
  return fsm__journal_epoch_of(((scene *)arg)->f.journal, seq);
}
static inline uint64_t scene_epoch_end(void *arg, uint32_t epoch) {
  return fsm__journal_epoch_end(((scene *)arg)->f.journal, epoch);
}

static inline fsm_code scene_leaf_of(void *arg, uint64_t seq, fsm__hash *out, fsm_error *err) {
  scene *s = arg;
  fsm__journal_entry entry;
  fsm_code code = fsm__journal_read(s->reader, seq, &entry, err);
  if (code == FSM_OK) *out = fsm__leaf(entry.record.data, entry.record.len);
  return code;
}

static inline fsm__sink *scene_sink(scene *s) {
  fsm__sink *sink = NULL;
  fsm_code code = fsm__sink_file_make(&s->config, &(fsm__sink_env){.origin = s->f.origin}, &sink, &s->err);
  if (code != FSM_OK) fail_msg("make: %s: %s", s->err.where, s->err.text);
  sink->ack = scene_ack;
  sink->ack_arg = s;
  fsm__sink_file_clock(sink, scene_clock);
  return sink;
}

static inline fsm_code scene_prepare(scene *s) {
  fsm__journal *journal = s->f.journal;
  s->view.origin = s->f.origin;
  s->view.origin.epoch = fsm__journal_epoch(journal);
  s->view.first_seq = fsm__journal_first_seq(journal);
  s->view.durable_seq = fsm__journal_durable_seq(journal);
  s->err = (fsm_error){.text = ""};
  return s->sink->prepare(s->sink, &s->view, &s->cursor, &s->err);
}

static inline void scene_ready(scene *s) {
  fsm_code code = scene_prepare(s);
  if (code != FSM_OK) fail_msg("prepare: %s: %s: %s", fsm_code_name(code), s->err.where, s->err.text);
}

static inline void scene_begin(scene *s, unsigned records) {
  static char small[] = "some text of a record";
  memset(s, 0, sizeof *s);
  scene_now = SCENE_START;
  for (unsigned i = 0; i < SCENE_RECORDS_MAX; i++) s->acks[i] = FSM_CODE_COUNT;
  assert_true(filled_journal_new(&s->f, 9));
  assert_true(filled_journal_add(&s->f, records, small));
  snprintf(s->dir, sizeof s->dir, "%s/out", s->f.dir);
  s->config = (fsm__sink_config){.name = "log",
                                 .kind = "file",
                                 .format.format = "json",
                                 .path = s->dir,
                                 .rotate_bytes = 64 << 20,
                                 .timeout_ns = INT64_C(300000000),
                                 .rotate_ns = INT64_C(3600) * 1000000000};
  s->view = (fsm__sink_view){.all = true,
                             .epoch_of = scene_epoch_of,
                             .epoch_end = scene_epoch_end,
                             .leaf_of = scene_leaf_of,
                             .arg = s};
  assert_int_equal(fsm__journal_cursor_open(s->f.journal, 1, &s->reader, &s->err), FSM_OK);
  s->sink = scene_sink(s);
}

static inline void scene_end(scene *s) {
  s->sink->free(s->sink);
  fsm__journal_cursor_close(s->reader);
  filled_journal_free(&s->f);
}

/* As after a crash: another sink on the same directory. */
static inline void scene_again(scene *s) {
  s->sink->free(s->sink);
  s->sink = scene_sink(s);
}

static inline fsm_code scene_publish(scene *s, uint64_t seq) {
  fsm__journal_entry entry;
  assert_int_equal(fsm__journal_read(s->reader, seq, &entry, &s->err), FSM_OK);
  fsm__sink_record record = {.ticket = seq,
                             .out = {.origin = s->f.origin,
                                     .data = entry.record.data,
                                     .len = entry.record.len,
                                     .seq = seq,
                                     .after = seq - 1,
                                     .leaf = fsm__leaf(entry.record.data, entry.record.len)}};
  record.out.origin.epoch = entry.epoch;
  return s->sink->publish(s->sink, &record, &s->err);
}

/* from … to in one batch; the cursor follows when all went well. */
static inline fsm_code scene_give(scene *s, uint64_t from, uint64_t to) {
  fsm_code code = FSM_OK;
  for (uint64_t seq = from; seq <= to && code == FSM_OK; seq++) code = scene_publish(s, seq);
  if (code == FSM_OK) code = s->sink->flush(s->sink, &s->err);
  if (code != FSM_OK) return code;
  for (uint64_t seq = from; seq <= to; seq++) assert_int_equal(s->acks[seq], FSM_OK);
  if (to > s->cursor.seq) s->cursor.seq = s->cursor.sent_seq = to;
  return FSM_OK;
}

static inline void scene_gives(scene *s, uint64_t from, uint64_t to) {
  fsm_code code = scene_give(s, from, to);
  if (code != FSM_OK) fail_msg("%s: %s: %s", fsm_code_name(code), s->err.where, s->err.text);
}

/* ---- what is there ------------------------------------------------------------------------------- */

static inline int scene_by_name(const void *a, const void *b) { return strcmp(a, b); }

typedef struct scene_files {
  char names[256][128]; /* closed ones by name, then the open one */
  unsigned count;
} scene_files;

static inline bool scene_is_open_name(const char *name) { return strstr(name, "-current.") != NULL; }

static inline scene_files scene_list(const scene *s) {
  scene_files out = {.count = 0};
  DIR *dir = opendir(s->dir);
  bool open = false;
  char current[128] = "";
  for (const struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
    if (strncmp(e->d_name, "log-", 4) != 0) continue;
    if (scene_is_open_name(e->d_name)) {
      open = true;
      snprintf(current, sizeof current, "%.100s", e->d_name);
    } else {
      snprintf(out.names[out.count++], sizeof out.names[0], "%.100s", e->d_name);
    }
  }
  if (dir != NULL) closedir(dir);
  qsort(out.names, out.count, sizeof out.names[0], scene_by_name);
  if (open) memcpy(out.names[out.count++], current, sizeof current);
  return out;
}

static inline const char *scene_path(const scene *s, const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", s->dir, name);
  return path;
}

static inline char *scene_text(const scene *s, const char *name, size_t *len) {
  struct stat st;
  int fd = open(scene_path(s, name), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail_msg("%s is not there", name);
  fstat(fd, &st);
  char *text = calloc(1, (size_t)st.st_size + 1);
  assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
  close(fd);
  *len = (size_t)st.st_size;
  return text;
}

/* The seq of a line; 0 = it is no whole record. */
static inline uint64_t scene_seq_of(const char *line, size_t len) {
  fsm_arena arena;
  fsm_value doc;
  fsm_arena_init(&arena, 0);
  uint64_t seq = 0;
  if (fsm_json_parse(&arena, line, len, FSM_JSON_SORTED, &doc, NULL) == FSM_OK && fsm_is(&doc, FSM_MAP)) {
    const fsm_value *found = fsm_map_get(&doc, "seq");
    if (found != NULL && fsm_is(found, FSM_INT)) seq = (uint64_t)found->i;
  }
  fsm_arena_free(&arena);
  return seq;
}

/* Every line is whole and its seq is given to fn, in order of the files. */
static inline unsigned scene_seqs(const scene *s, uint64_t *out, unsigned max) {
  const scene_files files = scene_list(s);
  unsigned count = 0;
  for (unsigned i = 0; i < files.count; i++) {
    size_t len;
    char *text = scene_text(s, files.names[i], &len), *at = text;
    while (at < text + len) {
      char *newline = memchr(at, '\n', (size_t)(text + len - at));
      if (newline == NULL) fail_msg("%s: a torn line", files.names[i]);
      const uint64_t seq = scene_seq_of(at, (size_t)(newline - at));
      if (seq == 0) fail_msg("%s: no record: %.*s", files.names[i], (int)(newline - at), at);
      if (count < max) out[count] = seq;
      count++;
      at = newline + 1;
    }
    free(text);
  }
  return count;
}

/* Exactly 1 … to, in order. */
static inline void scene_holds(const scene *s, uint64_t to) {
  static uint64_t seqs[SCENE_RECORDS_MAX];
  const unsigned count = scene_seqs(s, seqs, SCENE_RECORDS_MAX);
  for (unsigned i = 0; i < count; i++)
    if (seqs[i] != i + 1) fail_msg("record %u is %llu", i + 1, (unsigned long long)seqs[i]);
  assert_int_equal(count, to);
}

#endif
