/* consume_once.c: effects exactly once, from the files of a file sink (format json).
 *
 *   consume_once STATE FILE...
 *
 * The effect here is a sum and a count per machine event; the position is the seq of the last record that is
 * in it. Both are in the one file STATE, which is written beside itself, synced and renamed: so after a kill
 * at any point they are both as before the record or both as after it. What comes again (a repeat, a repair)
 * is known by its seq; a gap is known by `after`, and stops the program: exit 7, and STATE is that of the
 * last record before it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schema/json.h"

enum { BATCH = 16 }; /* records that share a rename */

typedef struct state {
  uint64_t seq;   /* the last record in it; 0 = none */
  uint64_t count; /* the effects */
  int64_t sum;
} state;

static bool load(const char *path, state *out) {
  FILE *file = fopen(path, "r");
  *out = (state){.seq = 0};
  if (file == NULL) return errno == ENOENT;
  int got = fscanf(file, "%" SCNu64 " %" SCNu64 " %" SCNd64, &out->seq, &out->count, &out->sum);
  fclose(file);
  return got == 3;
}

static bool save(const char *path, const state *s) {
  char beside[4096], text[96];
  const int len =
      snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64 " %" PRId64 "\n", s->seq, s->count, s->sum);
  if ((size_t)snprintf(beside, sizeof beside, "%s.new", path) >= sizeof beside) return false;
  const int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool good = fd >= 0 && write(fd, text, (size_t)len) == len && fsync(fd) == 0;
  if (fd >= 0) good = close(fd) == 0 && good;
  return good && rename(beside, path) == 0;
}

static uint64_t number(const fsm_value *record, const char *name, uint64_t otherwise) {
  const fsm_value *value = fsm_map_get(record, name);
  if (value == NULL) return otherwise;
  if (value->type == FSM_INT && value->i >= 0) return (uint64_t)value->i;
  char digits[24]; /* above 2^53 a number is a text */
  if (value->type != FSM_STRING || value->len >= sizeof digits) return otherwise;
  memcpy(digits, value->s, value->len);
  digits[value->len] = '\0';
  return strtoull(digits, NULL, 10);
}

/* What the record does to us. */
static void effect(state *s, const fsm_value *record) {
  const fsm_value *data = fsm_map_get(record, "data"), *by = data != NULL ? fsm_map_get(data, "by") : NULL;
  s->count++;
  if (by != NULL && by->type == FSM_INT) s->sum += by->i;
}

/* 0, or how to exit. */
static int take(state *s, const fsm_value *record, const char *where) {
  const uint64_t seq = number(record, "seq", 0), after = number(record, "after", seq - 1);
  if (seq == 0) return fprintf(stderr, "%s: no record\n", where), 1;
  if (seq <= s->seq) return 0; /* it is in the state already */
  if (s->seq != 0 && after > s->seq) {
    fprintf(stderr, "%s: records %" PRIu64 " to %" PRIu64 " are missing\n", where, s->seq + 1, after);
    return 7;
  }
  effect(s, record);
  s->seq = seq;
  return 0;
}

static int consume(const char *path, const char *state_path, state *s) {
  FILE *file = fopen(path, "r");
  char *line = NULL;
  size_t cap = 0;
  unsigned number_of = 0, waiting = 0;
  int result = file != NULL ? 0 : 1;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  if (file == NULL) perror(path);
  for (ssize_t len; result == 0 && (len = getline(&line, &cap, file)) > 0 && line[len - 1] == '\n';) {
    char where[256];
    fsm_value record;
    fsm_error err = {.text = ""};
    snprintf(where, sizeof where, "%.200s:%u", path, ++number_of);
    fsm_arena_reset(&arena);
    if (fsm_json_parse(&arena, line, (size_t)len - 1, FSM_JSON_SORTED, &record, &err) != FSM_OK) {
      fprintf(stderr, "%s: %s\n", where, err.text);
      result = 1;
      break;
    }
    const uint64_t before = s->seq;
    result = take(s, &record, where);
    if (s->seq != before && ++waiting == BATCH) {
      waiting = 0;
      if (!save(state_path, s)) result = 1;
    }
  }
  if (!save(state_path, s)) result = result != 0 ? result : 1;
  if (file != NULL) fclose(file);
  free(line);
  fsm_arena_free(&arena);
  return result;
}

int main(int argc, char **argv) {
  state s;
  if (argc < 3) return fprintf(stderr, "usage: consume_once STATE FILE...\n"), 2;
  if (!load(argv[1], &s)) return fprintf(stderr, "%s: it cannot be read\n", argv[1]), 1;
  int result = 0;
  for (int i = 2; i < argc && result == 0; i++) result = consume(argv[i], argv[1], &s);
  return result;
}
