/* sink_config_check.c: do the fields of a sink fit together, and the sinks of a file?
 *
 * What is refused here would else be found out late (a secret sent in the clear, a field that has no effect,
 * two sinks that write over each other), or by somebody else.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/sink_config_impl.h"
#include "runtime/web_url.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
enum { HOST_MAX = 256 };

typedef struct checking {
  const fsm__sink_config *c;
  const fsm__pointer *at;
  fsm_error *err;
} checking;

static bool is_kind(const checking *k, unsigned kind) {
  return strcmp(k->c->kind, fsm__kind_name(kind)) == 0;
}

static fsm_code wrong(const checking *k, const char *member, const char *text) {
  return fsm__sink_fault(k->at, member, FSM_EARGUMENT, k->err, "%s", text);
}

static bool begins(const char *text, const char *with) { return strncasecmp(text, with, strlen(with)) == 0; }

static bool only(const char *text, const char *letters) { return strspn(text, letters) == strlen(text); }

/* ---- URLs ----------------------------------------------------------------------------------------- */

/* The host of one URL, without brackets. */
static bool host_of(const char *url, char host[HOST_MAX]) {
  const char *from = strstr(url, "://");
  if (from == NULL) return false;
  from += 3;
  size_t len = *from == '[' ? strcspn(++from, "]") : strcspn(from, ":/?,");
  if (len == 0 || len >= HOST_MAX) return false;
  memcpy(host, from, len);
  host[len] = '\0';
  return true;
}

static bool is_loopback(const char *url) {
  char host[HOST_MAX];
  if (!host_of(url, host)) return false;
  if (strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0) return true;
  return begins(host, "127.") && only(host, DIGITS ".");
}

/* scheme://HOST or scheme://HOST:PORT, nothing behind it. */
static bool is_host_and_port(const char *url) {
  const char *from = strstr(url, "://") + 3;
  const bool six = *from == '[';
  const char *letters = six ? "[" DIGITS "abcdefABCDEF:." : LETTERS DIGITS ".-_";
  const char *at = from + strspn(from, letters);
  if (at == from || (six && *at++ != ']')) return false;
  if (*at == '\0') return true;
  const size_t digits = *at == ':' ? strspn(at + 1, DIGITS) : 0;
  return digits >= 1 && digits <= 5 && at[1 + digits] == '\0';
}

static fsm_code check_nats_part(const checking *k, const char *part) {
  if (!begins(part, "nats://") && !begins(part, "tls://"))
    return wrong(k, "url", "the URL of a NATS server begins with nats:// or tls://");
  if (!is_host_and_port(part))
    return fsm__sink_fault(k->at, "url", FSM_EARGUMENT, k->err,
                           "the host or port of \"%.128s\" cannot be read", part);
  return FSM_OK;
}

/* Servers, with commas between. */
static fsm_code check_nats_url(const checking *k, bool *open, bool *local) {
  char part[2049];
  for (const char *at = k->c->url; at != NULL; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
    snprintf(part, sizeof part, "%.*s", (int)strcspn(at, ","), at);
    fsm_code code = check_nats_part(k, part);
    if (code != FSM_OK) return code;
    *open |= begins(part, "nats://");
    *local &= is_loopback(part);
  }
  return FSM_OK;
}

static fsm_code check_web_url(const checking *k, bool *open, bool *local) {
  fsm_error why = {0};
  if (k->c->url == NULL) return wrong(k, NULL, "the sink has no \"url\"");
  if (fsm__web_url_check(k->c->url, &why) != FSM_OK)
    return fsm__sink_fault(k->at, "url", FSM_EARGUMENT, k->err, "%s", why.text);
  *open = begins(k->c->url, "http://");
  *local = is_loopback(k->c->url);
  return FSM_OK;
}

/* ---- who we are ----------------------------------------------------------------------------------- */

static fsm_code check_pairs(const checking *k) {
  const fsm__sink_config *c = k->c;
  if (c->cert_file != NULL && c->key_file == NULL) return wrong(k, "cert_file", "it needs key_file, too");
  if (c->key_file != NULL && c->cert_file == NULL) return wrong(k, "key_file", "it needs cert_file, too");
  if (c->user != NULL && c->password_file == NULL) return wrong(k, "user", "it needs password_file, too");
  if (c->password_file != NULL && c->user == NULL) return wrong(k, "password_file", "it needs user, too");
  const char *ways[] = {c->user, c->token_file, c->creds_file, c->nkey_file};
  int n = 0;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) n += ways[i] != NULL;
  if (n > 1) return wrong(k, NULL, "only one of user, token_file, creds_file and nkey_file says who we are");
  return FSM_OK;
}

/* What is sent in the clear: an nkey signs, it does not travel. */
static bool sends_secret(const fsm__sink_config *c) {
  return c->user != NULL || c->token_file != NULL || c->header_file_count > 0;
}

static const char *tls_field(const fsm__sink_config *c) {
  return c->ca_file != NULL ? "ca_file" : c->cert_file != NULL ? "cert_file" : NULL;
}

static const char *any_of_connection(const fsm__sink_config *c) {
  const char *tls = tls_field(c);
  return tls != NULL             ? tls
         : c->user != NULL       ? "user"
         : c->token_file != NULL ? "token_file"
         : c->creds_file != NULL ? "creds_file"
         : c->nkey_file != NULL  ? "nkey_file"
                                 : NULL;
}

static fsm_code check_secret(const checking *k, const char *member, const char *path) {
  struct stat st;
  if (path == NULL || stat(path, &st) != 0) return FSM_OK; /* the sink says so, and tries again */
  if (!S_ISREG(st.st_mode)) return wrong(k, member, "it is not a regular file");
  if (st.st_uid != geteuid() && st.st_uid != 0)
    return fsm__sink_fault(k->at, member, FSM_EPERMISSION, k->err,
                           "the file belongs to user %u: it must be this user's or root's",
                           (unsigned)st.st_uid);
  if ((st.st_mode & 077) != 0)
    return fsm__sink_fault(k->at, member, FSM_EPERMISSION, k->err,
                           "the file has mode %04o: others may read or change it; set 0600",
                           (unsigned)(st.st_mode & 07777));
  return FSM_OK;
}

static fsm_code check_secrets(const checking *k) {
  for (size_t i = 0; i < fsm__field_row_count; i++) {
    const fsm__field_row *row = &fsm__field_rows[i];
    if (row->type != FSM__FIELD_SECRET) continue;
    const char *path = *(const char *const *)(const void *)((const char *)k->c + row->at);
    fsm_code code = check_secret(k, row->name, path);
    if (code != FSM_OK) return code;
  }
  for (size_t i = 0; i < k->c->header_file_count; i++) {
    const char *path = strchr(k->c->header_files[i], ':') + 1;
    fsm_code code = check_secret(k, "header_files", path + strspn(path, " "));
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

static fsm_code check_connection(const checking *k) {
  const fsm__sink_config *c = k->c;
  const bool nats = is_kind(k, FSM__KIND_NATS);
  bool open = false, local = true;
  if (is_kind(k, FSM__KIND_FILE)) return FSM_OK;
  if (c->url != NULL && strchr(c->url, '@') != NULL)
    return wrong(k, "url", "who we are is not said in the URL: give user and password_file, or token_file");
  fsm_code code = FSM_OK;
  if (!nats) {
    code = check_web_url(k, &open, &local);
  } else if (c->url != NULL) {
    code = check_nats_url(k, &open, &local);
  } else if (any_of_connection(c) != NULL) {
    return wrong(k, any_of_connection(c), "it needs a url: without one the connection of --nats is used");
  }
  if (code == FSM_OK) code = check_pairs(k);
  if (code != FSM_OK) return code;
  if (!nats && open && tls_field(c) != NULL)
    return wrong(k, tls_field(c), "it has no effect on http://: write https://");
  const bool secured = nats && tls_field(c) != NULL; /* then nats:// is spoken over TLS, too */
  if (open && !local && !secured && sends_secret(c))
    return fsm__sink_fault(k->at, "url", FSM_EPERMISSION, k->err,
                           "a secret would go over the network unencrypted: write %s",
                           nats ? "tls://" : "https://");
  return check_secrets(k);
}

/* ---- what is sent --------------------------------------------------------------------------------- */

static bool is_format(const checking *k, const char *name) { return strcmp(k->c->format.format, name) == 0; }

static fsm_code check_format(const checking *k) {
  const fsm__format_options *f = &k->c->format;
  if (is_kind(k, FSM__KIND_OTLP) && !is_format(k, "otlp"))
    return wrong(k, "format", "a sink of kind otlp takes the format otlp alone");
  if (is_kind(k, FSM__KIND_FILE) && is_format(k, "msgpack") && strcmp(k->c->path, "-") == 0)
    return wrong(k, "format", "stored bytes are no lines of standard output: give a directory");
  if (k->c->bulk && (is_format(k, "msgpack") || is_format(k, "csv")))
    return wrong(k, "format", "_bulk takes JSON: json, seed, ecs, cloudevents or otlp");
  if (f->column_count > 0 && !is_format(k, "csv"))
    return wrong(k, "columns", "they are of the format csv alone");
  if (f->lift_count > 0 && is_format(k, "msgpack"))
    return wrong(k, "lift", "stored bytes are given as they are");
  return FSM_OK;
}

static fsm_code check_index(const checking *k) {
  const char *index = k->c->index;
  if (index == NULL) return FSM_OK;
  if (!k->c->bulk) return wrong(k, "index", "it is of \"mode\": \"bulk\" alone");
  if (!only(index, "abcdefghijklmnopqrstuvwxyz" DIGITS "._-%YmdH") || strchr("._-", index[0]) != NULL)
    return wrong(k, "index",
                 "a name has lower-case letters, digits, . _ and -, and begins with a letter or digit");
  for (const char *at = index; *at != '\0'; at++) {
    bool upper = *at == 'Y' || *at == 'H';
    if (*at == '%' ? (at[1] == '\0' || strchr("YmdH", at[1]) == NULL)
                   : (upper && (at == index || at[-1] != '%')))
      return wrong(k, "index", "in an index name stand %Y, %m, %d and %H, and no other % or capital letter");
  }
  return FSM_OK;
}

static fsm_code check_header(const checking *k, const char *member, const char *text) {
  static const char *const ours[] = {
      "Authorization",    "Proxy-Authorization", "Cookie", "Content-Type", "Content-Length",
      "Content-Encoding", "Transfer-Encoding",   "Host",   "Connection",   "Expect"};
  size_t len = strcspn(text, ":");
  if (text[len] == '\0' || len == 0 || strspn(text, LETTERS DIGITS "-_") < len)
    return fsm__sink_fault(k->at, member, FSM_EARGUMENT, k->err, "expected \"Name: value\", not \"%.64s\"",
                           text);
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
    if (strlen(ours[i]) == len && strncasecmp(ours[i], text, len) == 0)
      return fsm__sink_fault(k->at, member, FSM_EARGUMENT, k->err, "%s is not given here%s", ours[i],
                             i < 3 ? ": secrets are in files (user and password_file, token_file)" : "");
  return FSM_OK;
}

static fsm_code check_headers(const checking *k) {
  for (size_t i = 0; i < k->c->header_count; i++) {
    fsm_code code = check_header(k, "headers", k->c->headers[i]);
    if (code != FSM_OK) return code;
  }
  for (size_t i = 0; i < k->c->header_file_count; i++) {
    const char *text = k->c->header_files[i];
    fsm_code code = check_header(k, "header_files", text);
    if (code != FSM_OK) return code;
    if (strspn(strchr(text, ':') + 1, " ") == strlen(strchr(text, ':') + 1))
      return wrong(k, "header_files", "expected \"Name: FILE\"");
  }
  return FSM_OK;
}

static fsm_code check_nats(const checking *k) {
  const fsm__sink_config *c = k->c;
  if (!is_kind(k, FSM__KIND_NATS)) return FSM_OK;
  if (c->replicas % 2 == 0) return wrong(k, "replicas", "expected 1, 3 or 5");
  if (c->stream != NULL && !only(c->stream, LETTERS DIGITS "_-"))
    return wrong(k, "stream", "the name of a stream has letters, digits, _ and -");
  const char *p = c->prefix;
  if (p == NULL) return FSM_OK;
  if (!only(p, LETTERS DIGITS "_-.") || p[0] == '.' || p[strlen(p) - 1] == '.' || strstr(p, "..") != NULL)
    return wrong(k, "prefix", "a prefix has letters, digits, _ and -, with dots between");
  return FSM_OK;
}

static fsm_code check_times(const checking *k) {
  const fsm__sink_config *c = k->c;
  if (c->backoff_ns > c->backoff_max_ns) return wrong(k, "backoff", "it is longer than backoff_max");
  if (c->policy == FSM__HOLD && c->budget_bytes == 0 && c->budget_age_ns == 0)
    return wrong(k, "policy", "without budget_bytes or budget_age nothing is ever held");
  if (c->budget_age_ns > 0 &&
      c->budget_age_ns < 2 * (c->linger_ns + c->timeout_ns)) /* each note of it another */
    return wrong(k, "budget_age",
                 "it is shorter than twice linger and timeout, which a healthy sink may take");
  return FSM_OK;
}

fsm_code fsm__sink_check(const fsm__sink_config *config, const fsm__pointer *at, fsm_error *err) {
  checking k = {.c = config, .at = at, .err = err};
  if (is_kind(&k, FSM__KIND_FILE) && config->path == NULL) return wrong(&k, NULL, "the sink has no \"path\"");
  fsm_code code = check_times(&k);
  if (code == FSM_OK) code = check_format(&k);
  if (code == FSM_OK) code = check_index(&k);
  if (code == FSM_OK) code = check_headers(&k);
  if (code == FSM_OK) code = check_nats(&k);
  return code == FSM_OK ? check_connection(&k) : code;
}

/* ---- several -------------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b) { return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0; }

fsm_code fsm__sink_check_others(const fsm__sink_config *configs, size_t count, const fsm__pointer *at,
                                fsm_error *err) {
  const fsm__sink_config *last = &configs[count - 1];
  checking k = {.c = last, .at = at, .err = err};
  for (size_t i = 0; i + 1 < count; i++) {
    const fsm__sink_config *other = &configs[i];
    /* Names are files, and on some file systems those are the same whatever their case is. */
    if (strcasecmp(other->name, last->name) == 0)
      return wrong(&k, "name", "there are two sinks of this name");
    if (strcmp(other->kind, last->kind) != 0) continue;
    if (is_kind(&k, FSM__KIND_FILE) && same(other->path, last->path))
      return fsm__sink_fault(at, "path", FSM_EARGUMENT, err, "the sink %s writes there", other->name);
    if (is_kind(&k, FSM__KIND_NATS) && same(other->url, last->url) && same(other->stream, last->stream))
      return fsm__sink_fault(at, "stream", FSM_EARGUMENT, err, "the sink %s publishes into the same stream",
                             other->name);
  }
  return FSM_OK;
}
