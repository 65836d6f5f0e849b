/* start_data.c: publisher and runtime opened as the settings say. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "runtime/daemon/archive.h"
#include "runtime/daemon/config_table.h"
#include "runtime/daemon/daemon.h"
#include "runtime/daemon/streams.h"
#include "runtime/files.h"
#include "runtime/sink_config.h"
#include "runtime/store.h"

enum { READER_WAIT_MS = 5000, READER_LOOK_MS = 50 };

bool fsm__daemon_is_damage(fsm_code code) {
  return code == FSM_ECORRUPT || code == FSM_EVERIFY || code == FSM_EVERSION;
}

/* The writer's thread, and the last that it does: after this nothing is answered. Whoever supervises us reads
 * the exit code: starting again may help after 74, never after damage. */
static void on_fatal(void *arg, const fsm_error *err) {
  bool disk = err->code == FSM_EIO || err->code == FSM_EFULL;
  fsm__log_error(arg,
                 fsm__daemon_is_damage(err->code)
                     ? "stored data is damaged; stopping at once, as no answer can be trusted"
                 : disk ? "the disk failed; stopping at once, as what is on it is not known"
                        : "this cannot be worked round; stopping at once",
                 err);
  _exit(disk ? FSM_EXIT_FATAL : fsm_code_exit(err->code));
}

/* fsm-cli reads stopped files under a shared lock. A daemon that is started just then, by a supervisor
 * perhaps, waits for it a little. */
static fsm_code open_data(fsm__daemon *d, const fsm_runtime_options *options, fsm_error *err) {
  const struct timespec pause = {.tv_nsec = READER_LOOK_MS * 1000000};
  for (int waited_ms = 0;; waited_ms += READER_LOOK_MS) {
    fsm_code code = fsm_runtime_open(options, &d->server.runtime, &d->opened, err);
    if (code != FSM_ELOCKED || strcmp(err->text, FSM_STORE_READ_ELSEWHERE) != 0) return code;
    if (waited_ms >= READER_WAIT_MS)
      return fsm_fail(err, FSM_ELOCKED, options->dir, "fsm-cli reads the files; end it or wait");
    if (waited_ms == 0)
      FSM__LOG(&d->log, "info", "waiting for fsm-cli, which reads the files",
               fsm__text("data", options->dir));
    nanosleep(&pause, NULL);
  }
}

static void set_options(const fsm__config *config, fsm_runtime_options *options) {
  options->dir = config->data;
  options->node = config->node;
  options->segment_bytes = config->segment_bytes;
  if (config->store_bytes_max < FSM_STORE_MAP_DEFAULT) options->map_bytes = config->store_bytes_max;
  options->map_bytes_max = config->store_bytes_max;
  options->http_allow = config->http_allow.at;
  options->http_allow_count = config->http_allow.count;
  options->http_concurrency = (unsigned)config->http_concurrency;
  options->service_threads = (unsigned)config->http_concurrency; /* for http: there is no other here */
  options->snapshot_ns = config->snapshot_every_ns;
  options->retain_ns = config->retain_ns;
  options->retain_bytes = config->retain_bytes;
  if (!*config->archive_dir) return;
  options->archive = fsm__archive_copy;
  options->archive_arg = (void *)(uintptr_t)config->archive_dir;
  options->archive_dir = config->archive_dir;
}

/* A symbolic link is fine: that is how configuration is mounted. */
static fsm_code read_file(const char *path, const char *what, size_t most, fsm_buf *out, fsm_error *err) {
  char part[4096];
  size_t got = 0;
  FILE *file = fopen(path, "re");
  if (!file) return fsm_fail(err, FSM_EARGUMENT, path, "the file of %s cannot be opened: %m", what);
  while (out->len <= most && (got = fread(part, 1, sizeof part, file)) > 0) fsm_buf_add(out, part, got);
  bool whole = !ferror(file);
  fclose(file);
  if (!whole) return fsm_fail(err, FSM_EARGUMENT, path, "the file of %s cannot be read", what);
  return fsm_buf_ok(out) ? FSM_OK : fsm_fail(err, FSM_ENOMEM, path, "no memory for the file of %s", what);
}

fsm_code fsm__daemon_read_sinks(const char *path, fsm_buf *out, fsm_error *err) {
  return read_file(path, "sinks", FSM_SINKS_BYTES_MAX, out, err);
}

/* A wrong setting, whatever its code was. */
fsm_code fsm__daemon_in_file(const char *path, fsm_code code, fsm_error *err) {
  if (code == FSM_OK || code == FSM_ENOMEM || *path == 0) return code;
  const fsm_error why = *err;
  return fsm_fail(err, FSM_EARGUMENT, path, "%s%s%.400s", why.where, *why.where ? ": " : "", why.text);
}

fsm_code fsm__daemon_read_people(const fsm__config *config, fsm_runtime *runtime, fsm_error *err) {
  fsm_buf text = {0};
  if (!*config->people) return FSM_OK;
  fsm_code code = read_file(config->people, "people", FSM_PEOPLE_BYTES_MAX, &text, err);
  if (code == FSM_OK)
    code = fsm__daemon_in_file(config->people,
                               fsm_runtime_set_people(runtime, fsm_buf_text(&text), text.len, err), err);
  fsm_buf_free(&text);
  return code;
}

/* The publisher names its own options, or places in the file of sinks. */
static fsm_code publisher_fault(const fsm__config *config, fsm_code code, fsm_error *err) {
  static const char *const settings[][2] = {
      {"url", "nats"}, {"creds_file", "nats-creds"}, {"ca_file", "nats-ca"}};
  if (code == FSM_OK || code == FSM_ENOMEM) return code;
  const fsm_error why = *err;
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (strcmp(why.where, settings[i][0]) == 0)
      return fsm__config_wrong(config, settings[i][1], err, "%s", why.text);
  return fsm__daemon_in_file(config->sinks, code, err);
}

static fsm_code open_publisher(fsm__daemon *d, fsm_error *err) {
  const fsm__config *config = &d->config;
  fsm_publisher_options publishing = {.url = *config->nats ? config->nats : NULL,
                                      .archive = *config->archive_dir ? config->archive_dir : NULL};
  if (*config->nats_creds) publishing.creds_file = config->nats_creds;
  if (*config->nats_ca) publishing.ca_file = config->nats_ca;
  fsm_buf text = {0};
  fsm_code code = FSM_OK;
  if (!*config->nats && !*config->sinks) return FSM_OK;
  if (*config->sinks) {
    code = fsm__daemon_read_sinks(config->sinks, &text, err);
    publishing.sinks = fsm_buf_text(&text);
    publishing.sinks_len = text.len;
  }
  if (code == FSM_OK)
    code = publisher_fault(config, fsm_publisher_new(&publishing, &d->server.publisher, err), err);
  fsm_buf_free(&text);
  return code;
}

static fsm_code make_archive(const fsm__config *config, fsm_error *err) {
  struct stat st;
  fsm_error why = {0};
  if (fsm__dir_make(config->archive_dir, &why) != FSM_OK)
    return fsm__config_wrong(config, "archive-dir", err, "%s", why.text);
  if (stat(config->archive_dir, &st) == 0 && S_ISDIR(st.st_mode)) return FSM_OK;
  return fsm__config_wrong(config, "archive-dir", err, "%s is not a directory", config->archive_dir);
}

/* A thread of the runtime, which waits for this: each only notes it. */
static void on_durable(void *arg, uint64_t seq) {
  const fsm__server *server = arg;
  if (server->publisher) fsm_publisher_durable(server->publisher, seq);
  fsm__streams_durable(server->streams, seq);
}

fsm_code fsm__daemon_open_runtime(fsm__daemon *d, fsm_error *err) {
  const fsm__config *config = &d->config;
  fsm_code code = open_publisher(d, err);
  if (code != FSM_OK) return code;
  fsm_publisher *publisher = d->server.publisher;
  fsm_runtime_options options = {0};
  set_options(config, &options);
  options.task_ready = *config->nats ? fsm_publisher_task : NULL;
  options.task_arg = publisher;
  options.durable = on_durable;
  options.durable_arg = &d->server;
  options.fatal = on_fatal;
  options.fatal_arg = &d->log;
  if (*config->archive_dir) code = make_archive(config, err);
  if (code == FSM_OK)
    code = fsm__streams_new(&d->server, (unsigned)config->streams_max, &d->server.streams, err);
  if (code == FSM_OK) code = open_data(d, &options, err);
  if (code == FSM_OK) code = fsm__daemon_read_people(config, d->server.runtime, err);
  if (code == FSM_OK) code = fsm__streams_start(d->server.streams, err);
  return code == FSM_OK && publisher ? fsm_publisher_start(publisher, d->server.runtime, err) : code;
}
