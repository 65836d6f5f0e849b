/* test_sink_file_kill.c: a writer that is killed at any point, again and again, and a reader that tails its
 * files as a log shipper does: by inode, whole lines only. It sees each record at least once, in order, and
 * none torn; what it has read of a file is never taken back. FSM_KILLS: how often; FSM_SEED.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/sink_file_scene.h"

enum { RECORDS = 4000, KILLS = 40, FILES_MAX = 4096, OPEN_MAX = 512 };

typedef struct shared {
  _Atomic uint64_t saved; /* the cursor, lazily */
  _Atomic bool done;
  char fault[256];
} shared;

static scene *s;
static shared *both;
static struct {
  uint8_t *data;
  size_t len;
  fsm__hash leaf;
} records[RECORDS + 1];

/* ---- the writer: a process ----------------------------------------------------------------------- */

static int64_t real_clock(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint32_t one_epoch(void *arg, uint64_t seq) { return (void)arg, (void)seq, 1; }
static uint64_t the_end(void *arg, uint32_t epoch) { return (void)arg, (void)epoch, RECORDS; }
static fsm_code known_leaf(void *arg, uint64_t seq, fsm__hash *out, fsm_error *err) {
  (void)arg, (void)err;
  *out = records[seq].leaf;
  return FSM_OK;
}

static void no_ack(void *arg, uint64_t ticket, fsm_code code, uint64_t position, const char *text) {
  (void)arg, (void)ticket, (void)code, (void)position, (void)text;
}

static fsm_code write_some(fsm__sink *sink, uint64_t from, uint64_t to, fsm_error *err) {
  for (uint64_t seq = from; seq <= to; seq++) {
    const fsm__sink_record record = {.ticket = seq,
                                     .out = {.origin = s->f.origin,
                                             .data = records[seq].data,
                                             .len = records[seq].len,
                                             .seq = seq,
                                             .after = seq - 1,
                                             .leaf = records[seq].leaf}};
    fsm_code code = sink->publish(sink, &record, err);
    if (code != FSM_OK) return code;
  }
  return sink->flush(sink, err);
}

static void writer(unsigned seed) {
  fsm_error err = {.text = ""};
  fsm__sink *sink = NULL;
  const fsm__sink_view view = {.origin = s->f.origin,
                               .first_seq = 1,
                               .durable_seq = RECORDS,
                               .all = true,
                               .epoch_of = one_epoch,
                               .epoch_end = the_end,
                               .leaf_of = known_leaf};
  fsm__cursor cursor = {.seq = atomic_load(&both->saved)};
  cursor.sent_seq = cursor.seq;
  fsm_code code = fsm__sink_file_make(&s->config, &(fsm__sink_env){.node = NULL}, &sink, &err);
  if (code == FSM_OK) {
    fsm__sink_file_clock(sink, real_clock);
    sink->ack = no_ack;
    code = sink->prepare(sink, &view, &cursor, &err);
  }
  while (code == FSM_OK && cursor.seq < RECORDS) {
    const unsigned most = s->config.rotate_bytes > 100000 ? 700 : 20;
    uint64_t to = cursor.seq + 1 + (unsigned)rand_r(&seed) % most;
    if (to > RECORDS) to = RECORDS;
    code = write_some(sink, cursor.seq + 1, to, &err);
    cursor.seq = cursor.sent_seq = to;
    if (code == FSM_OK && rand_r(&seed) % 8 == 0) atomic_store(&both->saved, to);
  }
  if (code != FSM_OK) snprintf(both->fault, sizeof both->fault, "%.60s: %.180s", err.where, err.text);
  atomic_store(&both->done, true);
  _exit(0);
}

/* ---- the reader ---------------------------------------------------------------------------------- */

static struct {
  ino_t inode;
  off_t at;
} known[FILES_MAX];
static unsigned known_count;
static uint64_t seen, lines; /* all up to it were seen, each at least once */

static unsigned state_of(ino_t inode) {
  for (unsigned i = 0; i < known_count; i++)
    if (known[i].inode == inode) return i;
  assert_true(known_count < FILES_MAX);
  known[known_count].inode = inode;
  known[known_count].at = 0;
  return known_count++;
}

static void line_came(const char *line, size_t len) {
  const uint64_t n = scene_seq_of(line, len);
  if (n == 0) fail_msg("torn: %.*s", (int)len, line);
  if (n > seen + 1) fail_msg("%llu after %llu", (unsigned long long)n, (unsigned long long)seen);
  if (n == seen + 1) seen = n;
  lines++;
}

/* A piece; false: there was no whole line more. */
static bool read_piece(int fd, const char *name) {
  static char data[1 << 20];
  struct stat st;
  assert_int_equal(fstat(fd, &st), 0);
  const unsigned i = state_of(st.st_ino);
  if (st.st_size < known[i].at) fail_msg("%s was cut below what was read of it", name);
  const ssize_t got = pread(fd, data, sizeof data, known[i].at);
  const char *end = got > 0 ? memrchr(data, '\n', (size_t)got) : NULL;
  for (const char *at = data; end != NULL && at <= end;) {
    const char *newline = memchr(at, '\n', (size_t)(end - at) + 1);
    line_came(at, (size_t)(newline - at));
    at = newline + 1;
  }
  if (end != NULL) known[i].at += end + 1 - data;
  return end != NULL;
}

static void read_on(int fd, const char *name) {
  while (read_piece(fd, name)) continue;
}

/* All files there are, opened; then, if nothing was renamed meanwhile, read on in their order. */
static void read_all(void) {
  static int fds[OPEN_MAX];
  const scene_files files = scene_list(s);
  unsigned count = 0;
  for (; count < files.count && count < OPEN_MAX; count++) {
    fds[count] = open(scene_path(s, files.names[count]), O_RDONLY | O_CLOEXEC);
    if (fds[count] < 0) break;
  }
  const scene_files again = scene_list(s);
  bool same = count == files.count && again.count == files.count;
  for (unsigned i = 0; same && i < count; i++) same = strcmp(files.names[i], again.names[i]) == 0;
  for (unsigned i = 0; i < count; i++) {
    if (same) read_on(fds[i], files.names[i]);
    close(fds[i]);
  }
}

/* ---- both ---------------------------------------------------------------------------------------- */

static void load_records(void) {
  fsm__journal_entry entry;
  for (uint64_t seq = 1; seq <= RECORDS; seq++) {
    assert_int_equal(fsm__journal_read(s->reader, seq, &entry, &s->err), FSM_OK);
    records[seq].data = malloc(entry.record.len);
    memcpy(records[seq].data, entry.record.data, entry.record.len);
    records[seq].len = entry.record.len;
    records[seq].leaf = fsm__leaf(entry.record.data, entry.record.len);
  }
}

static void round_of(unsigned *seed, bool kills) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) writer((unsigned)rand_r(seed) + 1);
  const int64_t until = real_clock() + (int64_t)(rand_r(seed) % 6000) * 1000 + 500000;
  while (kills ? real_clock() < until : waitpid(pid, NULL, WNOHANG) == 0) read_all();
  if (kills) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
  }
  read_all();
  if (both->fault[0] != '\0') fail_msg("%s", both->fault);
}

static void a_reader_sees_each_record_whole_and_in_order_whenever_the_writer_dies(void **state) {
  (void)state;
  const char *kills_text = getenv("FSM_KILLS"), *seed_text = getenv("FSM_SEED");
  const unsigned kills = kills_text != NULL ? (unsigned)strtoul(kills_text, NULL, 10) : KILLS;
  unsigned seed = seed_text != NULL ? (unsigned)strtoul(seed_text, NULL, 10) : (unsigned)time(NULL),
           killed = 0;
  print_message("FSM_SEED=%u\n", seed);
  s = calloc(1, sizeof *s);
  scene_begin(s, RECORDS);
  s->config.rotate_bytes = 60000;
  s->config.rotate_ns = 1000000000;
  load_records();
  both = mmap(NULL, sizeof *both, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(both, MAP_FAILED);
  for (; killed < kills && !atomic_load(&both->done); killed++) {
    s->config.rotate_bytes = killed % 10 == 9 ? 2000000 : 60000; /* large batches begin to be written early */
    round_of(&seed, true);
  }
  if (!atomic_load(&both->done)) round_of(&seed, false);
  print_message("%u kills, %llu lines of %d records in %u files\n", killed, (unsigned long long)lines,
                RECORDS, scene_list(s).count);
  assert_int_equal(seen, RECORDS);
  munmap(both, sizeof *both);
  for (unsigned i = 1; i <= RECORDS; i++) free(records[i].data);
  scene_end(s);
  free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_reader_sees_each_record_whole_and_in_order_whenever_the_writer_dies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
