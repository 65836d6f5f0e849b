/* sink_web_open.c: see sink_web_open.h. What the fields of a sink may hold was checked
 * when they were read (sink_config_check.c).
 */
#include "runtime/sink_web_open.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "runtime/web_header.h"
#include "runtime/web_secret.h"
#include "runtime/web_url.h"

/* The server and what is behind it: "https://h:1" and "/a". */
static fsm_code split(fsm__sink_web *s, fsm_error *err) {
  const char *url = s->config->url;
  if (url == NULL) return fsm_fail(err, FSM_EARGUMENT, "url", "a sink of this kind needs a url");
  fsm_code code = fsm__web_url_check(url, err);
  if (code != FSM_OK) return code;
  const char *host = strstr(url, "://") + 3;
  size_t len = (size_t)(host - url) + strcspn(host, "/");
  s->server = fsm_arena_strndup(&s->texts, url, len);
  s->path = url[len] == '/' ? url + len : "/";
  return s->server != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "url", "no memory for a sink");
}

/* What a sink itself says of a part. */
static bool is_ours(const char *name) {
  return strcasecmp(name, "Idempotency-Key") == 0 || strncasecmp(name, "Fsm-", 4) == 0;
}

static fsm_code read_headers(fsm__sink_web *s, fsm_error *err) {
  const fsm__sink_config *config = s->config;
  size_t most = FSM_WEB_HEADERS_MAX - FSM_WEB_OWN_HEADERS - FSM_WEB_SECRETS_MAX;
  if (config->header_count > most)
    return fsm_fail(err, FSM_ETOOLARGE, "headers", "there are over %zu headers", most);
  for (size_t i = 0; i < config->header_count; i++) {
    char place[32];
    snprintf(place, sizeof place, "headers[%zu]", i);
    fsm_code code = fsm__web_header_read(&s->texts, place, config->headers[i], &s->headers[i], err);
    if (code != FSM_OK) return code;
    if (is_ours(s->headers[i].name))
      return fsm_fail(err, FSM_EARGUMENT, place, "the sink sets %s itself", s->headers[i].name);
  }
  s->header_count = config->header_count;
  return FSM_OK;
}

static fsm_code read_header_files(fsm__sink_web *s, fsm_error *err) {
  const fsm__sink_config *config = s->config;
  FSM_ASSERT(config->header_file_count <= FSM_WEB_SECRETS_MAX);
  for (size_t i = 0; i < config->header_file_count; i++) {
    fsm_web_header *header = &s->secret_headers[i];
    fsm_code code = fsm__web_header_read(&s->texts, "header_files", config->header_files[i], header, err);
    if (code != FSM_OK) return code;
    if (is_ours(header->name))
      return fsm_fail(err, FSM_EARGUMENT, "header_files", "the sink sets %s itself", header->name);
  }
  return FSM_OK;
}

/* Those that are open stay; one that is missing is waited for, as a token is. */
static fsm_code open_secrets(fsm__sink_web *s, fsm_error *err) {
  for (; s->secret_count < s->config->header_file_count; s->secret_count++) {
    const char *path = s->secret_headers[s->secret_count].value;
    fsm_code code = fsm__secret_open("header_files", path, &s->secrets[s->secret_count], err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

fsm_code fsm__sink_web_read(fsm__sink_web *s, fsm_error *err) {
  fsm_code code = split(s, err);
  if (code == FSM_OK) code = read_headers(s, err);
  if (code == FSM_OK) code = read_header_files(s, err);
  return code == FSM_OK ? fsm__formatter_new(&s->config->format, &s->formatter, err) : code;
}

fsm_code fsm__sink_web_connect(fsm__sink_web *s, fsm_error *err) {
  const fsm__sink_config *config = s->config;
  fsm_web *web = NULL;
  fsm_web_options options = {.url = s->server,
                             .token_file = config->token_file,
                             .user = config->user,
                             .password_file = config->password_file,
                             .ca_file = config->ca_file,
                             .cert_file = config->cert_file,
                             .key_file = config->key_file,
                             .agent = "fsmd/" FSM_VERSION,
                             .timeout_ns = config->timeout_ns,
                             .connect_timeout_ns = config->timeout_ns,
                             .body_max = FSM_WEB_ANSWER_MAX};
  fsm_code code = open_secrets(s, err);
  if (code == FSM_OK) code = fsm_web_open(&options, &web, err);
  if (code != FSM_OK) return code;
  atomic_store(&s->web, web);
  if (atomic_load(&s->interrupted)) fsm_web_interrupt(web); /* it looked for one before there was one */
  return FSM_OK;
}
