/* reload.c: SIGHUP: the file of settings, keys of tokens and the files of sinks and of people are read again,
 * on a thread of the pool, as sinks that stop take their second.
 *
 * A wrong file is a log line with its place, and nothing changes. Of the settings the log level is taken;
 * what else has changed there is told: it waits for the next start. */
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/daemon/config_table.h"
#include "runtime/daemon/daemon.h"

static fsm_code read_settings(fsm__daemon *d) {
  return fsm__config_parse(d->argc, d->argv, &d->reloading.config, &d->reloading.settings);
}

static fsm_code read_sinks(fsm__daemon *d) {
  fsm_error *err = &d->reloading.sinks;
  fsm_buf text = {0};
  fsm_code code = fsm__daemon_read_sinks(d->config.sinks, &text, err);
  if (code == FSM_OK)
    code = fsm__daemon_in_file(
        d->config.sinks, fsm_publisher_reload(d->server.publisher, fsm_buf_text(&text), text.len, err), err);
  fsm_buf_free(&text);
  return code;
}

static void reload(void *arg) {
  fsm__daemon *d = arg;
  d->reloading.settings = d->reloading.sinks = d->reloading.people = (fsm_error){0};
  d->reloading.settings.code = read_settings(d);
  fsm__auth_read(&d->config, &d->reloading.keys);
  d->reloading.tls_fault = (fsm_error){0};
  if (*d->config.tls_cert)
    d->reloading.tls_fault.code =
        fsm__tls_load(d->config.tls_cert, d->config.tls_key, &d->reloading.tls, &d->reloading.tls_fault);
  if (*d->config.sinks) d->reloading.sinks.code = read_sinks(d);
  d->reloading.people.code = fsm__daemon_read_people(&d->config, d->server.runtime, &d->reloading.people);
}

static void text_of(const fsm__config *config, const fsm__setting *row, fsm_buf *out) {
  for (size_t i = 0; fsm__setting_get(config, row, i, out); i++) fsm_buf_char(out, '\n');
}

static bool is_same(const fsm__config *a, const fsm__config *b, const fsm__setting *row) {
  fsm_buf one = {0}, other = {0};
  text_of(a, row, &one);
  text_of(b, row, &other);
  const bool same = strcmp(fsm_buf_text(&one), fsm_buf_text(&other)) == 0;
  fsm_buf_free(&one);
  fsm_buf_free(&other);
  return same;
}

static void take_settings(fsm__daemon *d) {
  const fsm__config *now = &d->reloading.config;
  for (size_t i = 0; i < fsm__setting_count(); i++) {
    const fsm__setting *row = fsm__setting_at(i);
    if (row->offset == offsetof(fsm__config, log_level) || is_same(&d->config, now, row)) continue;
    FSM__LOG(&d->log, "warn", "a setting has changed; it is taken at the next start",
             fsm__text("setting", row->name));
  }
  if (d->config.log_level == now->log_level) return;
  d->config.log_level = now->log_level;
  fsm__log_set_level(&d->log, now->log_level);
}

static void tell(const fsm__daemon *d) {
  const fsm__reloading *r = &d->reloading;
  if (r->settings.code != FSM_OK)
    fsm__log_error(&d->log, "the settings are wrong; nothing changes", &r->settings);
  else if (*d->config.config)
    fsm__log_line(&d->log, "info", "the file of settings was read again");
  if (r->sinks.code != FSM_OK)
    fsm__log_error(&d->log, "the file of sinks is wrong; nothing changes", &r->sinks);
  else if (*d->config.sinks)
    fsm__log_line(&d->log, "info", "the file of sinks was read again");
  if (r->people.code != FSM_OK)
    fsm__log_error(&d->log, "the file of people is wrong; nothing changes", &r->people);
  else if (*d->config.people)
    fsm__log_line(&d->log, "info", "the file of people was read again");
  if (!*d->config.config && !*d->config.sinks && !*d->config.people && !*d->config.tls_cert &&
      !fsm__auth_has_files(&d->config))
    fsm__log_line(&d->log, "warn",
                  "SIGHUP reads the files of --config, of keys, of TLS, of --people and of --sinks again, "
                  "and there is none");
}

/* Connections that there are go on with what they were shown. */
static void take_tls(fsm__daemon *d) {
  fsm_error *fault = &d->reloading.tls_fault;
  if (!*d->config.tls_cert) return;
  if (fault->code == FSM_OK) fault->code = fsm__http_renew_tls(d->http, &d->reloading.tls, fault);
  fsm__tls_free(&d->reloading.tls);
  if (fault->code != FSM_OK)
    fsm__log_error(&d->log, "the certificate or its key is wrong; nothing changes", fault);
  else
    fsm__log_line(&d->log, "info", "certificate and key were read again");
}

static void on_reloaded(void *arg) {
  fsm__daemon *d = arg;
  d->reloading.running = false;
  if (d->reloading.settings.code == FSM_OK) take_settings(d);
  fsm__config_free(&d->reloading.config);
  take_tls(d);
  fsm__auth_take(d->server.auth, &d->reloading.keys, fsm__wall_ns(), &d->log);
  tell(d);
  fsm__notify_send(&d->notify, "READY=1");
  if (!d->reloading.again) return;
  d->reloading.again = false;
  fsm__daemon_on_reload_signal(d);
}

void fsm__daemon_on_reload_signal(void *arg) {
  fsm__daemon *d = arg;
  fsm_error err = {0};
  if (d->stopping) return;
  if (d->reloading.running) {
    d->reloading.again = true;
    return;
  }
  fsm__notify_reloading(&d->notify);
  d->reloading.running = fsm__loop_work(d->server.loop, reload, on_reloaded, d, &err) == FSM_OK;
  if (d->reloading.running) return;
  fsm__log_error(&d->log, "the files cannot be read again", &err);
  fsm__notify_send(&d->notify, "READY=1");
}
