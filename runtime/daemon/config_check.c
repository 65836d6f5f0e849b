/* config_check.c: settings that are right one by one and wrong together, and what follows from them. */
#include <stdio.h>
#include <string.h>

#include "runtime/daemon/config_table.h"
#include "runtime/daemon/cors.h"
#include "runtime/daemon/listen.h"
#include "runtime/web_url.h"

static bool was_given(const fsm__config *config, const char *name) {
  return config->from[fsm__setting_index(fsm__setting_find(name, strlen(name)))] != 0;
}

static fsm_code check_policies(const fsm__config *config, fsm_error *err) {
  const bool have_key = *config->jwt_key || *config->jwt_keys;
  const char *needs_key = "tokens are required but there is no key: give --jwt-key FILE or --jwt-keys FILE";
  if (*config->jwt_key && *config->jwt_keys)
    return fsm__config_wrong(config, "jwt-key", err,
                             "the key belongs into the file of --jwt-keys: give one of them");
  if (config->socket_auth == FSM__AUTH_REQUIRED && !have_key)
    return fsm__config_wrong(config, "socket-auth", err, "%s", needs_key);
  if (config->no_listen || have_key || config->auth == FSM__AUTH_NONE) return FSM_OK;
  return fsm__config_wrong(
      config, "auth", err,
      "without --jwt-key or --jwt-keys nobody can be told apart on TCP: give a key, or --auth none to "
      "take everyone, or --no-listen");
}

static fsm_code check_socket(fsm__config *config, fsm_error *err) {
  const bool own = *config->socket;
  int len = snprintf(config->socket_path, sizeof config->socket_path, "%s%s",
                     own ? config->socket : config->data, own ? "" : FSM__SOCKET_NAME);
  if (len < 0 || (size_t)len >= sizeof config->socket_path)
    return fsm__config_wrong(config, "socket", err, "the path of a unix socket has at most %d bytes",
                             FSM__SOCKET_PATH_MAX);
  if (config->socket_users.count > 0 && !own)
    return fsm__config_wrong(config, "socket-users", err,
                             "nobody else can reach a socket in the data directory: give --socket PATH too");
  return FSM_OK;
}

/* What would never happen is refused here: segments go only behind verified snapshots. */
static fsm_code check_retention(const fsm__config *config, fsm_error *err) {
  const bool some = config->retain_ns > 0 || config->retain_bytes > 0;
  if (some && config->snapshot_every_ns == 0)
    return fsm__config_wrong(config, config->retain_ns > 0 ? "retain" : "retain-bytes", err,
                             "nothing goes without verified snapshots: give --snapshot-every too");
  if (*config->archive_dir && !some)
    return fsm__config_wrong(config, "archive-dir", err,
                             "nothing goes there unless --retain or --retain-bytes is given");
  return FSM_OK;
}

static fsm_code check_node(const fsm__config *config, fsm_error *err) {
  bool legal = true;
  for (const char *c = config->node; *c; c++) legal &= *c > ' ' && *c < 0x7f;
  if (legal) return FSM_OK;
  return fsm__config_wrong(config, "node", err, "the name is 1 to 64 printable ASCII characters, no spaces");
}

/* One server or more, with commas between: each has a scheme and a host. */
static bool are_nats_urls(const char *text) {
  for (;; text++) {
    const size_t scheme = strncmp(text, "nats://", 7) == 0 ? 7 : strncmp(text, "tls://", 6) == 0 ? 6 : 0;
    if (scheme == 0 || strcspn(text + scheme, ":/,") == 0) return false;
    text += strcspn(text, ",");
    if (!*text) return true;
  }
}

fsm_code fsm__config_check_secrets(const fsm__config *config, fsm_error *err) {
  if (strchr(config->nats, '@'))
    return fsm__config_wrong(config, "nats", err,
                             "a URL with a user or password is not taken, others could read it here: give "
                             "--nats-creds FILE");
  for (size_t i = 0; i < config->http_allow.count; i++)
    if (strchr(config->http_allow.at[i], '@'))
      return fsm__config_wrong(config, "http-allow", err, "a URL with a user or password is not taken");
  return FSM_OK;
}

/* Command lines and settings are read by others: /proc, backups, whoever looks over a shoulder. */
static fsm_code check_nats(const fsm__config *config, fsm_error *err) {
  const char *url = config->nats;
  if (*url && !are_nats_urls(url))
    return fsm__config_wrong(config, "nats", err,
                             "it is nats://HOST:PORT or tls://HOST:PORT, several with commas between");
  if (!*url && *config->nats_creds)
    return fsm__config_wrong(config, "nats-creds", err, "it is of no use without --nats");
  if (!*url && *config->nats_ca)
    return fsm__config_wrong(config, "nats-ca", err, "it is of no use without --nats");
  return FSM_OK;
}

static fsm_code check_nats_api(fsm__config *config, fsm_error *err) {
  static const char known[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  const bool who = *config->jwt_key || *config->jwt_keys || config->nats_auth == FSM__AUTH_NONE;
  config->serves_nats = config->nats_api != FSM__NATS_OFF && *config->nats && who;
  if (config->nats_api == FSM__NATS_ON && !*config->nats)
    return fsm__config_wrong(config, "nats-api", err, "it is of no use without --nats");
  if (config->nats_api == FSM__NATS_ON && !who)
    return fsm__config_wrong(
        config, "nats-api", err,
        "nobody can be told apart: give --jwt-key or --jwt-keys, or --nats-auth none to take "
        "everyone whom the NATS server lets in");
  if (config->nats_queue && !config->serves_nats)
    return fsm__config_wrong(config, "nats-queue", err,
                             "it needs --nats, keys of tokens or --nats-auth none, and not --nats-api off");
  if (config->nats_queue_stream[strspn(config->nats_queue_stream, known)])
    return fsm__config_wrong(config, "nats-queue-stream", err,
                             "the name of a stream is 1 to 32 letters, digits, _ and -");
  return FSM_OK;
}

static fsm_code check_urls(const fsm__config *config, fsm_error *err) {
  fsm_error inner;
  for (size_t i = 0; i < config->http_allow.count; i++)
    if (fsm__web_url_check(config->http_allow.at[i], &inner) != FSM_OK)
      return fsm__config_wrong(config, "http-allow", err, "%s", inner.text);
  return FSM_OK;
}

static fsm_code check_tls(const fsm__config *config, fsm_error *err) {
  const bool cert = *config->tls_cert, key = *config->tls_key;
  if (cert != key)
    return fsm__config_wrong(config, cert ? "tls-cert" : "tls-key", err, "it needs --tls-%s FILE too",
                             cert ? "key" : "cert");
  if (config->no_listen && (cert || config->behind_proxy))
    return fsm__config_wrong(config, cert ? "tls-cert" : "behind-proxy", err,
                             "there is no TCP with --no-listen");
  if (cert && config->behind_proxy)
    return fsm__config_wrong(config, "behind-proxy", err,
                             "either the proxy does TLS or --tls-cert: not both");
  return FSM_OK;
}

/* Here, and not when it listens: a store is opened before that, and another daemon shut out of it. */
static fsm_code check_listen(const fsm__config *config, fsm_error *err) {
  fsm_error why = {0};
  if (config->no_listen) return FSM_OK;
  if (fsm__listen_check(config->listen, *config->tls_cert || config->behind_proxy, &why) == FSM_OK)
    return FSM_OK;
  return fsm__config_wrong(config, "listen", err, "%s", why.text);
}

/* An origin as browsers spell it, for it is compared byte by byte. */
static fsm_code check_origins(const fsm__config *config, fsm_error *err) {
  for (size_t i = 0; i < config->cors_origin.count; i++)
    if (!fsm__cors_is_origin(config->cors_origin.at[i]))
      return fsm__config_wrong(config, "cors-origin", err,
                               "\"%s\" is not http:// or https://, a host in lower case and perhaps a port",
                               config->cors_origin.at[i]);
  return FSM_OK;
}

fsm_code fsm__config_check(fsm__config *config, fsm_error *err) {
  if (!*config->data)
    return fsm__config_wrong(config, "data", err, "the data directory is needed: --data DIR");
  if (config->no_listen && was_given(config, "port-file"))
    return fsm__config_wrong(config, "port-file", err, "there is no port with --no-listen");
  fsm_code code = fsm__config_check_secrets(config, err);
  if (code == FSM_OK) code = check_policies(config, err);
  if (code == FSM_OK) code = check_socket(config, err);
  if (code == FSM_OK) code = check_retention(config, err);
  if (code == FSM_OK) code = check_nats(config, err);
  if (code == FSM_OK) code = check_nats_api(config, err);
  if (code == FSM_OK) code = check_urls(config, err);
  if (code == FSM_OK) code = check_tls(config, err);
  if (code == FSM_OK) code = check_listen(config, err);
  if (code == FSM_OK) code = check_origins(config, err);
  return code == FSM_OK ? check_node(config, err) : code;
}
