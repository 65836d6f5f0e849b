/* main.c: fsmd: settings, then store, then listeners, then the loop; and back in the reverse order.
 *
 * Exit codes are those of fsm_code_exit: 2 a wrong setting, 9 the data is held by another process, 7
 * damage, found at start or while it runs; 74 when the disk failed under a running daemon. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "runtime/daemon/archive.h"
#include "runtime/daemon/clock.h"
#include "runtime/daemon/config.h"
#include "runtime/daemon/listen.h"
#include "runtime/daemon/routes.h"
#include "runtime/files.h"
#include "runtime/hash.h"
#include "runtime/retention.h"
#include "runtime/sink_config.h"
#include "runtime/store.h"
#include "runtime/version.h"
#include "schema/record.h"

enum { STOP_MS = 5000, READER_WAIT_MS = 5000, READER_LOOK_MS = 50, RETENTION_LOOK_MS = 1000 };

typedef struct fsmd {
  fsm__config config;
  fsm__log log;
  fsm__server server;
  fsm__http *http;
  fsm__timer *sink_clock, *retention_clock;
  fsm_opened opened;
  char address[FSM__ADDRESS_MAX];
  bool stopping, serves_socket;
  fsm_code retention_fault; /* the last that was told */
  bool reloading, reload_again;
  fsm_code reload_code;
  fsm_error reload_fault;
} fsmd;

static void print(fsm_buf *text) {
  fputs(fsm_buf_text(text), stdout);
  fsm_buf_free(text);
}

static void print_version(void) {
  char own[96];
  fsm_buf text = {0};
  snprintf(own, sizeof own, ", libuv %s, libmicrohttpd %s", fsm__loop_version(), fsm__http_version());
  fsm_version_add(&text, "fsmd", own);
  print(&text);
}

/* ---- starting ------------------------------------------------------------------------------------- */

static fsm_code open_auth(fsmd *d, fsm_error *err) {
  fsm_token_key *key = NULL;
  if (*d->config.jwt_key) {
    fsm_code code = fsm_token_key_load(d->config.jwt_key, &key, err);
    if (code != FSM_OK) return code;
  }
  fsm_code code = fsm__auth_new(key, &d->server.auth, err);
  if (code != FSM_OK) fsm_token_key_free(key);
  return code;
}

static bool is_damage(fsm_code code) {
  return code == FSM_ECORRUPT || code == FSM_EVERIFY || code == FSM_EVERSION;
}

/* The writer's thread, and the last that it does: after this nothing is answered. Whoever supervises us reads
 * the exit code: starting again may help after 74, never after damage. */
static void on_fatal(void *arg, const fsm_error *err) {
  bool disk = err->code == FSM_EIO || err->code == FSM_EFULL;
  fsm__log_error(arg,
                 is_damage(err->code)
                     ? "stored data is damaged; stopping at once, as no answer can be trusted"
                 : disk ? "the disk failed; stopping at once, as what is on it is not known"
                        : "this cannot be worked round; stopping at once",
                 err);
  _exit(disk ? FSM_EXIT_FATAL : fsm_code_exit(err->code));
}

/* fsm-cli reads stopped files under a shared lock. A daemon that is started just then, by a supervisor
 * perhaps, waits for it a little. */
static fsm_code open_data(fsmd *d, const fsm_runtime_options *options, fsm_error *err) {
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
}

/* A symbolic link is fine: that is how configuration is mounted. */
static fsm_code read_sinks(const char *path, fsm_buf *out, fsm_error *err) {
  char part[4096];
  size_t got = 0;
  FILE *file = fopen(path, "re");
  if (!file) return fsm_fail(err, FSM_EARGUMENT, path, "the file of sinks cannot be opened: %m");
  while (out->len <= FSM_SINKS_BYTES_MAX && (got = fread(part, 1, sizeof part, file)) > 0)
    fsm_buf_add(out, part, got);
  bool whole = !ferror(file);
  fclose(file);
  if (!whole) return fsm_fail(err, FSM_EARGUMENT, path, "the file of sinks cannot be read");
  return fsm_buf_ok(out) ? FSM_OK : fsm_fail(err, FSM_ENOMEM, path, "no memory for the file of sinks");
}

/* A wrong setting, whatever its code: with the file and the place in it. */
static fsm_code in_file(const char *path, fsm_code code, fsm_error *err) {
  if (code == FSM_OK || code == FSM_ENOMEM || *path == 0) return code;
  const fsm_error why = *err;
  return fsm_fail(err, FSM_EARGUMENT, path, "%s%s%.400s", why.where, *why.where ? ": " : "", why.text);
}

static fsm_code open_publisher(fsmd *d, fsm_error *err) {
  const fsm__config *config = &d->config;
  fsm_publisher_options publishing = {.url = *config->nats ? config->nats : NULL,
                                      .archive = *config->archive_dir ? config->archive_dir : NULL};
  fsm_buf text = {0};
  fsm_code code = FSM_OK;
  if (!*config->nats && !*config->sinks) return FSM_OK;
  if (*config->sinks) {
    code = read_sinks(config->sinks, &text, err);
    publishing.sinks = fsm_buf_text(&text);
    publishing.sinks_len = text.len;
  }
  if (code == FSM_OK)
    code = in_file(config->sinks, fsm_publisher_new(&publishing, &d->server.publisher, err), err);
  fsm_buf_free(&text);
  return code;
}

static fsm_code open_runtime(fsmd *d, fsm_error *err) {
  const fsm__config *config = &d->config;
  fsm_code code = open_publisher(d, err);
  if (code != FSM_OK) return code;
  fsm_publisher *publisher = d->server.publisher;
  fsm_runtime_options options = {0};
  set_options(config, &options);
  options.task_ready = *config->nats ? fsm_publisher_task : NULL;
  options.task_arg = publisher;
  options.durable = publisher ? fsm_publisher_durable : NULL;
  options.durable_arg = publisher;
  options.fatal = on_fatal;
  options.fatal_arg = &d->log;
  if (*config->archive_dir) code = fsm__dir_make(config->archive_dir, err);
  if (code == FSM_OK) code = open_data(d, &options, err);
  return code == FSM_OK && publisher ? fsm_publisher_start(publisher, d->server.runtime, err) : code;
}

static fsm_code open_listeners(fsmd *d, fsm_error *err) {
  const fsm__config *config = &d->config;
  int fd = -1;
  unsigned port = 0;
  fsm_code code = fsm__listen_unix(config->socket_path, &fd, err);
  if (code != FSM_OK) return code;
  d->serves_socket = true;
  code = fsm__http_listen(d->http, fd, true, config->socket_auth, err);
  if (code != FSM_OK || config->no_listen) return code;
  code = fsm__listen_tcp(config->listen, &fd, &port, d->address, err);
  if (code == FSM_OK) code = fsm__http_listen(d->http, fd, false, config->auth, err);
  return code == FSM_OK && *config->port_file ? fsm__port_file_write(config->port_file, port, err) : code;
}

static void stop_loop(void *arg) { fsm__loop_stop(((fsmd *)arg)->server.loop); }

static void on_stop_signal(void *arg) {
  fsmd *d = arg;
  if (d->stopping) return;
  d->stopping = true;
  fsm__log_line(&d->log, "info", "stopping");
  fsm__http_drain(d->http, stop_loop, d);
  fsm__loop_deadline(d->server.loop, STOP_MS, stop_loop, d);
}

/* Trouble with what is not in the path of any command would else be silent. */
static void look_at_sink(void *arg) {
  fsmd *d = arg;
  if (d->stopping) return;
  fsm_sink_status *sinks = NULL;
  size_t count = 0;
  if (fsm_publisher_sinks(d->server.publisher, &sinks, &count, NULL) != FSM_OK) return;
  fsm__sink_watches_look(&d->server.watches, sinks, count, fsm__steady_ms(), &d->log);
  free(sinks);
}

/* ---- another file of sinks: SIGHUP ---------------------------------------------------------------- */

static void reload(void *arg) {
  fsmd *d = arg;
  fsm_buf text = {0};
  d->reload_fault = (fsm_error){0};
  fsm_code code = read_sinks(d->config.sinks, &text, &d->reload_fault);
  if (code == FSM_OK)
    code = in_file(d->config.sinks,
                   fsm_publisher_reload(d->server.publisher, fsm_buf_text(&text), text.len, &d->reload_fault),
                   &d->reload_fault);
  d->reload_code = code;
  fsm_buf_free(&text);
}

static void on_reload_signal(void *arg);

static void on_reloaded(void *arg) {
  fsmd *d = arg;
  d->reloading = false;
  if (d->reload_code == FSM_OK)
    fsm__log_line(&d->log, "info", "the file of sinks was read again");
  else
    fsm__log_error(&d->log, "the file of sinks is wrong; nothing changes", &d->reload_fault);
  if (!d->reload_again) return;
  d->reload_again = false;
  on_reload_signal(d);
}

/* Sinks that stop take their second: not on the loop. */
static void on_reload_signal(void *arg) {
  fsmd *d = arg;
  fsm_error err = {0};
  if (d->stopping) return;
  if (!*d->config.sinks) {
    fsm__log_line(&d->log, "warn", "SIGHUP reads the file of --sinks again, and there is none");
    return;
  }
  if (d->reloading) {
    d->reload_again = true;
    return;
  }
  d->reloading = fsm__loop_work(d->server.loop, reload, on_reloaded, d, &err) == FSM_OK;
  if (!d->reloading) fsm__log_error(&d->log, "the file of sinks cannot be read again", &err);
}

/* It goes on by itself when it can; until then the disk fills. */
static void look_at_retention(void *arg) {
  fsmd *d = arg;
  fsm__retained told;
  fsm__runtime_retained(d->server.runtime, &told);
  if (told.fault.code == d->retention_fault) return;
  d->retention_fault = told.fault.code;
  if (told.fault.code != FSM_OK)
    fsm__log_error(&d->log, "snapshots and retention are held up; they are tried again", &told.fault);
  else
    fsm__log_line(&d->log, "info", "snapshots and retention go on");
}

static void log_start(const fsmd *d) {
  char store[33];
  fsm__hex(d->opened.store_id, sizeof d->opened.store_id, store);
  const fsm__config *config = &d->config;
  FSM__LOG(&d->log, "info", "started", fsm__text("version", FSM_VERSION), fsm__text("data", config->data),
           fsm__text("store", store), fsm__number("seq", d->opened.last_seq),
           fsm__number("applied", d->opened.applied_seq), fsm__number("replayed", d->opened.replayed),
           fsm__number("cut_bytes", d->opened.cut_bytes), fsm__number("rewritten", d->opened.rewritten),
           fsm__text("listen", config->no_listen ? "off" : d->address),
           fsm__text("auth", config->no_listen ? "off" : fsm__policy_name(config->auth)),
           fsm__text("socket", config->socket_path),
           fsm__text("socket_auth", fsm__policy_name(config->socket_auth)),
           fsm__text("nats", *config->nats ? config->nats : "off"),
           fsm__text("sinks", *config->sinks ? config->sinks : "off"));
}

static fsm_code open_clocks(fsmd *d, fsm_error *err) {
  fsm_code code = fsm__timer_new(d->server.loop, look_at_sink, d, &d->sink_clock, err);
  if (code == FSM_OK) code = fsm__timer_new(d->server.loop, look_at_retention, d, &d->retention_clock, err);
  return code;
}

static void start_clocks(const fsmd *d) {
  if (d->server.publisher) fsm__timer_start(d->sink_clock, FSM__SINK_LOOK_MS, FSM__SINK_LOOK_MS);
  if (d->config.snapshot_every_ns > 0)
    fsm__timer_start(d->retention_clock, RETENTION_LOOK_MS, RETENTION_LOOK_MS);
}

static fsm_code start(fsmd *d, fsm_error *err) {
  fsm_code code = open_auth(d, err);
  if (code == FSM_OK) code = fsm__loop_new(&d->server.loop, err);
  if (code == FSM_OK) code = open_runtime(d, err);
  if (code == FSM_OK)
    code = fsm__http_new(d->server.loop, &d->log, fsm__routes_serve, &d->server, &d->http, err);
  if (code == FSM_OK) code = fsm__loop_on_stop_signal(d->server.loop, on_stop_signal, d, err);
  if (code == FSM_OK) code = fsm__loop_on_reload_signal(d->server.loop, on_reload_signal, d, err);
  if (code == FSM_OK) code = open_clocks(d, err);
  if (code == FSM_OK) code = open_listeners(d, err);
  return code;
}

/* ---- stopping: the reverse, for however much was started ------------------------------------------ */

static void stop(fsmd *d) {
  if (d->http) fsm__http_stop(d->http);
  if (d->serves_socket) unlink(d->config.socket_path);
  /* What is asked of sinks, and a new set of them, end first. */
  while (d->server.asking > 0 || d->reloading) fsm__loop_turn(d->server.loop);
  if (d->server.publisher && d->server.runtime) fsm_publisher_stop(d->server.publisher);
  /* A verification reads the runtime: it ends first. */
  while (d->server.verifying) fsm__loop_turn(d->server.loop);
  if (d->server.runtime) fsm_runtime_close(d->server.runtime);
  fsm__http_free(d->http);
  fsm__timer_free(d->sink_clock);
  fsm__timer_free(d->retention_clock);
  fsm__loop_free(d->server.loop);
  fsm_publisher_free(d->server.publisher);
  fsm__auth_free(d->server.auth);
}

/* One file for each connection, as far as the system lets us. */
static void raise_file_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char *argv[]) {
  fsmd d = {.log = {.fd = STDERR_FILENO}};
  fsm_error err = {0};
  fsm_buf text = {0};
  signal(SIGPIPE, SIG_IGN);
  if (fsm__config_parse(argc, argv, &d.config, &err) != FSM_OK) {
    fprintf(stderr, "fsmd: %s: %s\n", err.where, err.text);
    fsm__config_free(&d.config);
    return fsm_code_exit(FSM_EARGUMENT);
  }
  if (d.config.help) return fsm__config_help(&text), print(&text), 0;
  if (d.config.version) return print_version(), 0;
  if (d.config.print_sinks) return fsm__sinks_help(&text), print(&text), 0;
  if (d.config.print_config) {
    fsm__config_print(&text, &d.config);
    fsm__config_free(&d.config);
    return print(&text), 0;
  }
  d.log.json = d.config.log_format == FSM__LOG_JSON;
  raise_file_limit();
  d.server.log = &d.log;
  fsm_code code = start(&d, &err);
  if (code == FSM_OK) {
    log_start(&d);
    start_clocks(&d);
    fsm__loop_run(d.server.loop);
  } else {
    fsm__log_error(
        &d.log,
        is_damage(code) && code != FSM_EVERSION ? "cannot start: stored data is damaged" : "cannot start",
        &err);
  }
  stop(&d);
  if (code == FSM_OK) fsm__log_line(&d.log, "info", "stopped");
  fsm__config_free(&d.config);
  return fsm_code_exit(code);
}
