/* start.c: everything opened in its order, listeners last: who can connect is served. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/daemon/auth_open.h"
#include "runtime/daemon/config_table.h"
#include "runtime/daemon/daemon.h"
#include "runtime/daemon/nats_api.h"
#include "runtime/hash.h"

/* What was found wrong when it was used has the place of its setting, too. */
static fsm_code of_setting(const fsm__daemon *d, const char *name, fsm_code code, fsm_error *err) {
  if (code != FSM_EARGUMENT) return code;
  const fsm_error why = *err;
  return fsm__config_wrong(&d->config, name, err, "%s", why.text);
}

static fsm_code load_tls(const fsm__daemon *d, fsm__tls *tls, fsm_error *err) {
  const fsm__config *config = &d->config;
  const fsm_code code = fsm__tls_load(config->tls_cert, config->tls_key, tls, err);
  const bool of_key = code != FSM_OK && strcmp(err->where, config->tls_key) == 0;
  return of_setting(d, of_key ? "tls-key" : "tls-cert", code, err);
}

static fsm_code listen_tcp(fsm__daemon *d, unsigned *port, fsm_error *err) {
  const fsm__config *config = &d->config;
  const bool secure = *config->tls_cert, guarded = secure || config->behind_proxy;
  int fd = -1;
  fsm__tls tls = {0};
  fsm_code code = secure ? load_tls(d, &tls, err) : FSM_OK;
  if (code == FSM_OK)
    code = of_setting(d, "listen", fsm__listen_tcp(config->listen, guarded, &fd, port, d->address, err), err);
  const fsm__listening how = {.policy = config->auth, .any_host = guarded, .tls = secure ? &tls : NULL};
  if (code == FSM_OK) code = of_setting(d, "tls-cert", fsm__http_listen(d->http, fd, &how, err), err);
  fsm__tls_free(&tls);
  return code;
}

static unsigned tcp_places(const fsm__config *config) {
  if (config->no_listen) return 0;
  return config->connections_max > 0 ? (unsigned)config->connections_max : FSM__CONNECTIONS_MAX;
}

/* Where there are fewer places than wanted the unix socket has at most a quarter. */
static void set_http(fsm__daemon *d) {
  const fsm__config *config = &d->config;
  const unsigned all = d->limits.connections, tcp = tcp_places(config), quarter = all / 4;
  unsigned local = all - (all > tcp ? tcp : all);
  if (tcp > 0 && local < FSM__SOCKET_CONNECTIONS_MAX) local = local > quarter ? local : quarter;
  fsm__http_set_limits(d->http, &(fsm__http_limits){.header_ms = config->header_timeout_ns / 1000000,
                                                    .body_ms = config->body_timeout_ns / 1000000,
                                                    .idle_ms = config->idle_timeout_ns / 1000000,
                                                    .connections = all - local,
                                                    .socket_connections = local});
  fsm__http_set_cors(d->http,
                     &(fsm__cors){.origins = config->cors_origin.at, .count = config->cors_origin.count});
}

static fsm_code open_listeners(fsm__daemon *d, fsm_error *err) {
  const fsm__config *config = &d->config;
  int fd = -1;
  unsigned port = 0;
  set_http(d);
  fsm_code code = of_setting(
      d, "socket", fsm__listen_unix(config->socket_path, config->socket_users.count > 0, &fd, err), err);
  if (code != FSM_OK) return code;
  d->serves_socket = true;
  code = fsm__http_listen(d->http, fd, &(fsm__listening){.policy = config->socket_auth, .local = true}, err);
  if (code != FSM_OK || config->no_listen) return code;
  code = listen_tcp(d, &port, err);
  if (code != FSM_OK || !*config->port_file) return code;
  return of_setting(d, "port-file", fsm__port_file_write(config->port_file, port, err), err);
}

/* The requests of a turn wake the writer and the readers once. */
static void hold(void *runtime) { fsm_runtime_hold(runtime); }
static void go(void *runtime) { fsm_runtime_go(runtime); }

/* The connection is its own: records and workers wait for nobody who asks. */
static fsm_code open_nats(fsm__daemon *d, fsm_error *err) {
  const fsm__config *config = &d->config;
  if (!config->serves_nats) return FSM_OK;
  fsm__nats_options options = {.bus = {.url = config->nats, .name = "fsmd api"},
                               .prefix = "fsm",
                               .policy = config->nats_auth,
                               .stream = config->nats_queue ? config->nats_queue_stream : NULL};
  if (*config->nats_creds) options.bus.creds_file = config->nats_creds;
  if (*config->nats_ca) options.bus.ca_file = config->nats_ca;
  fsm_code code = fsm__nats_api_new(&d->server, &options, &d->server.nats, err);
  return code == FSM_OK ? fsm__nats_api_start(d->server.nats, err) : code;
}

fsm_code fsm__daemon_start(fsm__daemon *d, fsm_error *err) {
  const unsigned most = FSM__SOCKET_CONNECTIONS_MAX + tcp_places(&d->config);
  fsm_code code = fsm__limits_raise(most, &d->limits, err);
  if (code == FSM_OK) code = fsm__auth_open(&d->config, &d->server.auth, err);
  if (code == FSM_OK) code = fsm__loop_new(&d->server.loop, err);
  if (code == FSM_OK) code = fsm__daemon_open_runtime(d, err);
  if (code == FSM_OK)
    code = fsm__http_new(d->server.loop, &d->log, fsm__routes_serve, &d->server, &d->http, err);
  if (code == FSM_OK) fsm__http_around(d->http, hold, go, d->server.runtime);
  if (code == FSM_OK) code = fsm__loop_on_stop_signal(d->server.loop, fsm__daemon_on_stop_signal, d, err);
  if (code == FSM_OK) code = fsm__loop_on_reload_signal(d->server.loop, fsm__daemon_on_reload_signal, d, err);
  if (code == FSM_OK) code = fsm__daemon_open_clocks(d, err);
  if (code == FSM_OK) code = open_listeners(d, err);
  if (code == FSM_OK) code = open_nats(d, err);
  if (code == FSM_OK) fsm__daemon_start_clocks(d);
  return code;
}

/* ---- told ----------------------------------------------------------------------------------------- */

static const char *nats_api_text(const fsm__config *config) {
  if (config->serves_nats) return fsm__policy_name(config->nats_auth);
  const bool wanted = config->nats_api == FSM__NATS_AUTO && *config->nats;
  return wanted ? "off: there is no key of tokens, and --nats-auth is not none" : "off";
}

void fsm__daemon_tell(fsm__daemon *d) {
  char store[33];
  fsm_buf keys = {0};
  fsm__auth_key_names(d->server.auth, &keys);
  const fsm__config *config = &d->config;
  fsm__hex(d->opened.store_id, sizeof d->opened.store_id, store);
  FSM__LOG(&d->log, "info", "started", fsm__text("version", FSM_VERSION), fsm__text("data", config->data),
           fsm__text("store", store), fsm__number("seq", d->opened.last_seq),
           fsm__number("applied", d->opened.applied_seq), fsm__number("replayed", d->opened.replayed),
           fsm__number("cut_bytes", d->opened.cut_bytes), fsm__number("rewritten", d->opened.rewritten),
           fsm__text("listen", config->no_listen ? "off" : d->address),
           fsm__text("auth", config->no_listen ? "off" : fsm__policy_name(config->auth)),
           fsm__text("tls", *config->tls_cert      ? "on"
                            : config->behind_proxy ? "proxy"
                                                   : "off"),
           fsm__text("keys", fsm_buf_text(&keys)), fsm__text("socket", config->socket_path),
           fsm__text("socket_auth", fsm__policy_name(config->socket_auth)),
           fsm__text("nats", *config->nats ? config->nats : "off"),
           fsm__text("nats_api", nats_api_text(config)),
           fsm__text("nats_queue", config->nats_queue ? config->nats_queue_stream : "off"),
           fsm__text("sinks", *config->sinks ? config->sinks : "off"),
           fsm__text("config", *config->config ? config->config : "none"),
           fsm__number("connections", d->limits.connections), fsm__number("files", d->limits.files));
  fsm_buf_free(&keys);
  fsm__notify_send(&d->notify, "READY=1\nSTATUS=serving %s%s%s, from record %llu",
                   config->no_listen ? "" : d->address, config->no_listen ? "" : " and ", config->socket_path,
                   (unsigned long long)d->opened.last_seq);
}
