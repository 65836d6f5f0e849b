/* main.c: fsmd: what the words ask for; and else settings, start, loop, stop.
 *
 * Exit codes are those of fsm_code_exit: 2 a wrong setting, 9 the data is held by another process, 7
 * damage, found at start or while it runs; 74 when the disk failed under a running daemon. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/daemon/daemon.h"
#include "runtime/sink_config.h"
#include "runtime/version.h"

static void add_version(fsm_buf *out) {
  char own[96];
  snprintf(own, sizeof own, ", libuv %s, libmicrohttpd %s", fsm__loop_version(), fsm__http_version());
  fsm_version_add(out, "fsmd", own);
}

/* What is to be printed instead of serving; false = nothing is. */
static bool add_printed(const fsm__config *config, fsm_buf *out) {
  if (config->help)
    fsm__config_help(out);
  else if (config->version)
    add_version(out);
  else if (config->print_sinks)
    fsm__sinks_help(out);
  else if (config->print_doc != FSM__DOC_NONE)
    fsm__config_doc(out, config->print_doc);
  else if (config->print_config)
    fsm__config_print(out, config);
  else
    return false;
  return true;
}

static int print(fsm_buf *text) {
  const bool well = fsm_buf_ok(text) && fputs(fsm_buf_text(text), stdout) >= 0 && fflush(stdout) == 0;
  fsm_buf_free(text);
  return well ? 0 : fsm_code_exit(FSM_EIO);
}

static fsm_code start(fsm__daemon *d, fsm_error *err) {
  fsm_code code = fsm__notify_open(getenv("NOTIFY_SOCKET"), getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"),
                                   &d->notify, err);
  return code == FSM_OK ? fsm__daemon_start(d, err) : code;
}

static int serve(fsm__daemon *d) {
  fsm_error err = {0};
  d->log.json = d->config.log_format == FSM__LOG_JSON;
  fsm__log_set_level(&d->log, d->config.log_level);
  d->server.log = &d->log;
  /* Keys, tokens and what people wrote are in this memory: no core holds it, no process of our user reads it.
   */
  if (prctl(PR_SET_DUMPABLE, 0) != 0) fsm__log_line(&d->log, "warn", "cores cannot be switched off");
  fsm__limits_no_cores();
  umask(022); /* whatever it was: each file that is made says itself who may read it */
  const fsm_code code = start(d, &err);
  if (code == FSM_OK) {
    fsm__daemon_tell(d);
    fsm__loop_run(d->server.loop);
  } else {
    const bool damage = fsm__daemon_is_damage(code) && code != FSM_EVERSION;
    fsm__log_error(&d->log, damage ? "cannot start: stored data is damaged" : "cannot start", &err);
    fsm__notify_send(&d->notify, "STATUS=cannot start: %s: %s", err.where, err.text);
  }
  fsm__daemon_stop(d);
  if (code == FSM_OK) fsm__log_line(&d->log, "info", "stopped");
  return fsm_code_exit(code);
}

int main(int argc, char *argv[]) {
  fsm__daemon d = {.argc = argc, .argv = argv, .log = {.fd = STDERR_FILENO}, .notify = {.fd = -1}};
  fsm_error err = {0};
  fsm_buf text = {0};
  signal(SIGPIPE, SIG_IGN);
  int exit_code = 0;
  if (fsm__config_parse(argc, argv, &d.config, &err) != FSM_OK) {
    fsm__config_fault(&text, &err);
    fputs(fsm_buf_text(&text), stderr);
    fsm_buf_free(&text);
    exit_code = fsm_code_exit(FSM_EARGUMENT);
  } else {
    exit_code = add_printed(&d.config, &text) ? print(&text) : serve(&d);
  }
  fsm__config_free(&d.config);
  return exit_code;
}
