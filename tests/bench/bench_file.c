/* bench_file.c: the backlog of a journal into NDJSON files, through the outbox. Raw: the same bytes, written
 * and synced as many at a time. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"
#include "runtime/outbox.h"

enum { INSTANCES = 10000, IN_FLIGHT = 256, FILL_SECONDS = 8, BATCH = 4096, WAIT_S = 300 };

static uint64_t bytes_in(const char *path) {
  DIR *dir = opendir(path);
  uint64_t bytes = 0;
  struct stat st;
  if (dir == NULL) return 0;
  for (const struct dirent *e; (e = readdir(dir)) != NULL;)
    if (fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode)) bytes += (uint64_t)st.st_size;
  closedir(dir);
  return bytes;
}

/* Records per second. */
static double raw_append(const char *dir, uint64_t bytes, uint64_t records) {
  char path[600];
  const size_t batch = (size_t)(bytes / (records / BATCH + 1)) + 1;
  char *data = malloc(batch);
  snprintf(path, sizeof path, "%s/raw-lines", dir);
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || data == NULL) give_up("%s cannot be made", path);
  memset(data, 'x', batch);
  const double begin = now_s();
  for (uint64_t done = 0; done < bytes; done += batch)
    if (write(fd, data, batch) != (ssize_t)batch || fdatasync(fd) != 0) give_up("%s cannot be written", path);
  const double end = now_s();
  close(fd);
  unlink(path);
  free(data);
  return (double)records / (end - begin);
}

static double drain(ring *r, const char *dir, const fsm__sink_config *config, uint64_t durable) {
  fsm_runtime *runtime = ring_runtime(r);
  const fsm_origin origin = fsm__runtime_origin(runtime);
  fsm__sink *sink = NULL;
  fsm__outbox *outbox = NULL;
  fsm__outbox_status status = {.seq = 0};
  fsm_error err = {.text = ""};
  fsm_code code = fsm__sink_file_make(config, &(fsm__sink_env){.origin = origin}, &sink, &err);
  const fsm__outbox_options options = {
      .dir = dir, .journal = fsm__runtime_journal(runtime), .origin = origin, .sink = sink, .config = config};
  const double begin = now_s();
  if (code == FSM_OK) code = fsm__outbox_start(&options, &outbox, &err);
  if (code != FSM_OK) give_up("%s: %s", err.where, err.text);
  while (status.seq < durable) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    fsm__outbox_status_get(outbox, &status);
    if (now_s() - begin > WAIT_S) give_up("the backlog does not drain: %s", status.last_error);
  }
  const double end = now_s();
  fsm__outbox_stop(outbox);
  fsm__outbox_free(outbox);
  sink->free(sink);
  return end - begin;
}

sample publish_file(const char *dir, double seconds) {
  char out[600];
  (void)seconds;
  snprintf(out, sizeof out, "%s/lines", dir);
  ring *r = ring_new(dir, INSTANCES);
  (void)ring_run(r, IN_FLIGHT, SPREAD_EVEN, FILL_SECONDS);
  const uint64_t durable = fsm__journal_durable_seq(fsm__runtime_journal(ring_runtime(r)));
  const fsm__sink_config config = {.name = "lines",
                                   .kind = "file",
                                   .format.format = "json",
                                   .path = out,
                                   .batch = BATCH,
                                   .batch_bytes = FSM_SINK_BATCH_BYTES_MAX,
                                   .window = 2 * BATCH,
                                   .linger_ns = 1000000,
                                   .timeout_ns = INT64_C(30) * 1000000000,
                                   .backoff_ns = 100000000,
                                   .backoff_max_ns = INT64_C(1000000000),
                                   .rotate_bytes = 64 << 20,
                                   .rotate_ns = INT64_C(3600) * 1000000000};
  sample s = {.value = (double)durable / drain(r, dir, &config, durable)};
  const uint64_t bytes = bytes_in(out);
  fprintf(stderr, "publish_file: %llu records, %llu bytes\n", (unsigned long long)durable,
          (unsigned long long)bytes);
  s.raw = raw_append(dir, bytes, durable);
  ring_free(r);
  return s;
}
