/* start.c: everything opened in its order, listeners last: who can connect is served. */
#include <stdlib.h>
#include <unistd.h>

#include "runtime/daemon/config_table.h"
#include "runtime/daemon/daemon.h"
#include "runtime/hash.h"

static fsm_code open_auth(fsm__daemon *d, fsm_error *err) {
  fsm_token_key *key = NULL;
  if (*d->config.jwt_key) {
    fsm_code code = fsm_token_key_load(d->config.jwt_key, &key, err);
    if (code != FSM_OK) return code;
  }
  fsm_code code = fsm__auth_new(key, &d->server.auth, err);
  if (code != FSM_OK) fsm_token_key_free(key);
  return code;
}

/* What was found wrong when it was used has the place of its setting, too. */
static fsm_code of_setting(const fsm__daemon *d, const char *name, fsm_code code, fsm_error *err) {
  if (code != FSM_EARGUMENT) return code;
  const fsm_error why = *err;
  return fsm__config_wrong(&d->config, name, err, "%s", why.text);
}

static fsm_code open_listeners(fsm__daemon *d, fsm_error *err) {
  const fsm__config *config = &d->config;
  int fd = -1;
  unsigned port = 0;
  fsm_code code = of_setting(d, "socket", fsm__listen_unix(config->socket_path, &fd, err), err);
  if (code != FSM_OK) return code;
  d->serves_socket = true;
  code = fsm__http_listen(d->http, fd, true, config->socket_auth, err);
  if (code != FSM_OK || config->no_listen) return code;
  code = of_setting(d, "listen", fsm__listen_tcp(config->listen, &fd, &port, d->address, err), err);
  if (code == FSM_OK) code = fsm__http_listen(d->http, fd, false, config->auth, err);
  if (code != FSM_OK || !*config->port_file) return code;
  return of_setting(d, "port-file", fsm__port_file_write(config->port_file, port, err), err);
}

fsm_code fsm__daemon_start(fsm__daemon *d, fsm_error *err) {
  const unsigned most = FSM__CONNECTIONS_MAX * (d->config.no_listen ? 1 : 2);
  fsm_code code = fsm__limits_raise(most, &d->limits, err);
  if (code == FSM_OK) code = open_auth(d, err);
  if (code == FSM_OK) code = fsm__loop_new(&d->server.loop, err);
  if (code == FSM_OK) code = fsm__daemon_open_runtime(d, err);
  if (code == FSM_OK)
    code = fsm__http_new(d->server.loop, &d->log, fsm__routes_serve, &d->server, &d->http, err);
  if (code == FSM_OK) code = fsm__loop_on_stop_signal(d->server.loop, fsm__daemon_on_stop_signal, d, err);
  if (code == FSM_OK) code = fsm__loop_on_reload_signal(d->server.loop, fsm__daemon_on_reload_signal, d, err);
  if (code == FSM_OK) code = fsm__daemon_open_clocks(d, err);
  if (code == FSM_OK) code = open_listeners(d, err);
  if (code == FSM_OK) fsm__daemon_start_clocks(d);
  return code;
}

/* ---- told ----------------------------------------------------------------------------------------- */

void fsm__daemon_tell(fsm__daemon *d) {
  char store[33];
  const fsm__config *config = &d->config;
  fsm__hex(d->opened.store_id, sizeof d->opened.store_id, store);
  FSM__LOG(&d->log, "info", "started", fsm__text("version", FSM_VERSION), fsm__text("data", config->data),
           fsm__text("store", store), fsm__number("seq", d->opened.last_seq),
           fsm__number("applied", d->opened.applied_seq), fsm__number("replayed", d->opened.replayed),
           fsm__number("cut_bytes", d->opened.cut_bytes), fsm__number("rewritten", d->opened.rewritten),
           fsm__text("listen", config->no_listen ? "off" : d->address),
           fsm__text("auth", config->no_listen ? "off" : fsm__policy_name(config->auth)),
           fsm__text("socket", config->socket_path),
           fsm__text("socket_auth", fsm__policy_name(config->socket_auth)),
           fsm__text("nats", *config->nats ? config->nats : "off"),
           fsm__text("sinks", *config->sinks ? config->sinks : "off"),
           fsm__text("config", *config->config ? config->config : "none"),
           fsm__number("connections", d->limits.connections), fsm__number("files", d->limits.files));
  fsm__notify_send(&d->notify, "READY=1\nSTATUS=serving %s%s%s, from record %llu",
                   config->no_listen ? "" : d->address, config->no_listen ? "" : " and ", config->socket_path,
                   (unsigned long long)d->opened.last_seq);
}
