/* web_url.c: see web_url.h. */
#include "runtime/web_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runtime/web.h"

typedef struct parts {
  bool tls;
  const char *host, *path;   /* path: with its query, "/" or longer, or "" */
  size_t host_len, path_len; /* path_len: up to the query */
  unsigned port;
} parts;

static bool letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* What RFC 3986 lets stand in a path or query, '%' for what is encoded. */
static bool url_letter(char c) {
  return letter_or_digit(c) || (c != '\0' && strchr("-._~!$&'()*+,;=:@%/?", c));
}

static const char *read_host(const char *at, parts *out) {
  const char *set = "-.";
  out->host = at;
  if (*at == '[') {
    for (at++; letter_or_digit(*at) || *at == ':' || *at == '.'; at++) continue;
    if (*at != ']') return NULL;
    at++;
  } else {
    while (letter_or_digit(*at) || (*at != '\0' && strchr(set, *at) != NULL)) at++;
  }
  out->host_len = (size_t)(at - out->host);
  return out->host_len > 0 ? at : NULL;
}

static const char *read_port(const char *at, parts *out) {
  out->port = out->tls ? 443 : 80;
  if (*at != ':') return at;
  unsigned long port = 0;
  const char *from = ++at;
  for (; *at >= '0' && *at <= '9' && at - from < 6; at++) port = port * 10 + (unsigned long)(*at - '0');
  out->port = (unsigned)port;
  return at > from && port >= 1 && port <= 65535 ? at : NULL;
}

/* One segment of a path: is it "." or "..", in whatever spelling? */
static bool dots(const char *from, size_t len) {
  size_t count = 0;
  while (len > 0) {
    bool encoded = len >= 3 && from[0] == '%' && from[1] == '2' && (from[2] == 'e' || from[2] == 'E');
    if (!encoded && from[0] != '.') return false;
    from += encoded ? 3 : 1;
    len -= encoded ? 3 : 1;
    count++;
  }
  return count == 1 || count == 2;
}

static const char *read_path(const char *at, parts *out) {
  out->path = at;
  out->path_len = strcspn(at, "?");
  if (*at != '\0' && *at != '/' && *at != '?') return NULL;
  for (size_t from = 0; from < out->path_len;) {
    size_t len = strcspn(at + from + 1, "/?");
    if (dots(at + from + 1, len)) return NULL;
    from += 1 + len;
  }
  for (; *at != '\0'; at++)
    if (!url_letter(*at)) return NULL;
  return at;
}

static fsm_code read_url(const char *url, parts *out, fsm_error *err) {
  *out = (parts){.tls = strncasecmp(url, "https://", 8) == 0};
  if (strlen(url) > FSM_WEB_URL_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "url", "a URL is over %d bytes", FSM_WEB_URL_MAX);
  if (!out->tls && strncasecmp(url, "http://", 7) != 0)
    return fsm_fail(err, FSM_EARGUMENT, "url", "a URL begins with http:// or https://");
  const char *at = read_host(url + (out->tls ? 8 : 7), out);
  if (at != NULL) at = read_port(at, out);
  if (at == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "url", "the host or port of \"%.128s\" cannot be read", url);
  if (read_path(at, out) == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "url",
                    "the path of \"%.128s\" has \"..\" in it, a \"#\", or what must be percent-encoded", url);
  return FSM_OK;
}

static bool covers(const parts *allowed, const parts *url) {
  if (allowed->tls != url->tls || allowed->port != url->port || allowed->host_len != url->host_len ||
      strncasecmp(allowed->host, url->host, url->host_len) != 0)
    return false;
  size_t len = allowed->path_len;
  if (len <= 1) return true;
  if (url->path_len < len || memcmp(allowed->path, url->path, len) != 0) return false;
  return url->path_len == len || allowed->path[len - 1] == '/' || url->path[len] == '/';
}

fsm_code fsm__web_url_check(const char *url, fsm_error *err) {
  parts read;
  fsm_code code = read_url(url, &read, err);
  if (code != FSM_OK) return code;
  if (read.path[read.path_len] == '?')
    return fsm_fail(err, FSM_EARGUMENT, "url", "what is allowed is a host and a path, without \"?\"");
  return FSM_OK;
}

fsm_code fsm__web_url_allowed(const char *const *allowed, size_t count, const char *url, fsm_error *err) {
  parts asked, given;
  fsm_code code = read_url(url, &asked, err);
  if (code != FSM_OK) return code;
  for (size_t i = 0; i < count; i++)
    if (read_url(allowed[i], &given, NULL) == FSM_OK && covers(&given, &asked)) return FSM_OK;
  return fsm_fail(err, FSM_EPERMISSION, "url",
                  "no URL that this program may call (http_allow) covers \"%.128s\"", url);
}
