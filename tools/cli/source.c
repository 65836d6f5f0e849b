/* source.c: a daemon or the files of a stopped one, opened, and asked. */
#include "tools/cli/source.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "runtime/hash.h"
#include "schema/json.h"
#include "tools/cli/route.h"
#include "tools/cli/source_socket.h"

/* ---- opening -------------------------------------------------------------------------------------- */

static fsm_code open_web(const cli_place *place, const char *socket, const char *url, cli_source *source,
                         fsm_error *err) {
  fsm_web_options options = {.socket = socket,
                             .url = url,
                             .own_server = place->url == NULL && place->socket == NULL,
                             .token = place->token,
                             .ca_file = place->ca_file,
                             .agent = "fsm-cli/" FSM_VERSION,
                             .timeout_ns = place->timeout_ns,
                             .body_max = FSM_JSON_BYTES_MAX};
  source->hurried = place->timeout_said;
  return fsm_web_open(&options, &source->web, err);
}

static fsm_code open_files(const cli_place *place, cli_source *source, fsm_error *err) {
  fsm_runtime_options options = {
      .dir = place->data, .read_only = true, .must_exist = true, .archive_dir = place->archive};
  return fsm_runtime_open(&options, &source->runtime, NULL, err);
}

/* The lock is the daemon's own: while one has it, nothing is written here. Still: only what is asked for is
 * done, and what is due waits for the daemon. */
static fsm_code open_offline(const char *dir, cli_source *source, fsm_error *err) {
  const fsm_runtime_options options = {
      .dir = dir, .node = "fsm-cli/" FSM_VERSION, .must_exist = true, .still = true};
  fsm_error why = {.text = ""};
  fsm_code code = fsm_runtime_open(&options, &source->runtime, NULL, &why);
  if (code == FSM_OK) return FSM_OK;
  if (code != FSM_ELOCKED) return fsm_fail(err, code, why.where, "%s", why.text);
  return fsm_fail(err, code, why.where, "%s; without --offline that daemon is asked", why.text);
}

static fsm_code open_data(const cli_place *place, bool writes, cli_source *source, fsm_error *err) {
  const char *path = fsm_arena_printf(&source->arena, "%s/" CLI_SOCKET_NAME, place->data);
  if (path == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a path");
  if (place->offline) return open_offline(place->data, source, err);
  fsm_code code = cli_socket_look(place->data, path, err);
  if (code == FSM_OK) code = cli_socket_knock(path, err);
  if (code == FSM_OK) return open_web(place, path, NULL, source, err);
  if (code != FSM_ENOTFOUND) return code;
  if (writes)
    return fsm_fail(err, FSM_EUNREACHABLE, place->data,
                    "no daemon runs there, and this command needs one; start one: fsmd --data %s%s",
                    place->data, place->may_offline ? ", or change its files as they lie: --offline" : "");
  return open_files(place, source, err);
}

fsm_code cli_source_open(const cli_place *place, bool writes, cli_source *out, fsm_error *err) {
  FSM_ASSERT(place != NULL && out != NULL);
  *out = (cli_source){0};
  fsm_arena_init(&out->arena, 0);
  if (place->offline && (place->url != NULL || place->socket != NULL))
    return fsm_fail(err, FSM_EARGUMENT, "offline", "--offline is of files: --data DIR");
  if (place->url != NULL) return open_web(place, NULL, place->url, out, err);
  if (place->socket != NULL) {
    fsm_code code = cli_socket_knock(place->socket, err); /* nobody there: the request says so */
    return code == FSM_OK || code == FSM_ENOTFOUND ? open_web(place, place->socket, NULL, out, err) : code;
  }
  if (place->data != NULL) return open_data(place, writes, out, err);
  return fsm_fail(err, FSM_EARGUMENT, "", "say where: --data DIR (or $FSM_DB), --socket PATH or --url URL");
}

void cli_source_close(cli_source *source) {
  fsm_web_close(source->web);
  if (source->runtime != NULL) fsm_runtime_close(source->runtime);
  fsm_arena_free(&source->arena);
  *source = (cli_source){0};
}

void cli_source_patient(cli_source *source) {
  if (!source->hurried) fsm_web_timeout(source->web, 0);
}

/* ---- answers of a daemon --------------------------------------------------------------------------- */

static fsm_code code_of_status(int status) {
  switch (status) {
    case 400: return FSM_EMALFORMED;
    case 401: return FSM_ETOKEN;
    case 403: return FSM_EPERMISSION;
    case 404: return FSM_ENOTFOUND;
    case 405: return FSM_EMETHOD;
    case 408:
    case 504: return FSM_ETIMEOUT;
    case 412: return FSM_ESTALE;
    case 413: return FSM_ETOOLARGE;
    case 429: return FSM_EQUOTA;
    case 503: return FSM_EBUSY;
    case 507: return FSM_EFULL;
    default: return FSM_EIO;
  }
}

static void copy_text(char *out, size_t size, const fsm_value *value) {
  if (value == NULL || !fsm_is(value, FSM_STRING)) return;
  size_t len = value->len < size - 1 ? value->len : size - 1;
  memcpy(out, value->s, len);
  out[len] = 0;
}

fsm_code cli_problem_fault(const fsm_value *problem, fsm_code otherwise, fsm_error *err) {
  char name[64] = "", where[FSM_WHERE_MAX] = "", text[FSM_TEXT_MAX] = "";
  copy_text(name, sizeof name, fsm_map_get(problem, "code"));
  copy_text(where, sizeof where, fsm_map_get(problem, "where"));
  copy_text(text, sizeof text, fsm_map_get(problem, "detail"));
  fsm_code code = fsm_code_of(name);
  if (code == FSM_OK || code >= FSM_CODE_COUNT) code = otherwise;
  return fsm_fail(err, code, where, "%s", *text != 0 ? text : fsm_code_text(code));
}

fsm_code cli_source_fault(cli_source *source, int status, const char *body, size_t len, fsm_error *err) {
  fsm_value problem = fsm_null();
  fsm_error ignored;
  fsm_code code = code_of_status(status);
  if (fsm_json_parse(&source->arena, body, len, FSM_JSON_SORTED, &problem, &ignored) != FSM_OK ||
      !fsm_is(&problem, FSM_MAP))
    return fsm_fail(err, code, "", "the other side answered with status %d and no explanation", status);
  source->problem = problem;
  return cli_problem_fault(&problem, code, err);
}

static fsm_code fault_of(cli_source *source, const fsm_web_reply *reply, fsm_error *err) {
  return cli_source_fault(source, reply->status, reply->body, reply->body_len, err);
}

static fsm_code exchange(cli_source *source, const fsm_web_request *request, fsm_arena *arena, fsm_value *out,
                         fsm_error *err) {
  fsm_web_reply reply;
  source->problem = fsm_null();
  fsm_code code = fsm_web_do(source->web, request, arena, &reply, err);
  if (code != FSM_OK) return code;
  if (reply.status < 200 || reply.status > 299) return fault_of(source, &reply, err);
  fsm_error fault;
  code = fsm_json_parse(arena, reply.body, reply.body_len, FSM_JSON_SORTED, out, &fault);
  if (code == FSM_ETOOLARGE) return fsm_fail(err, code, fault.where, "%s", fault.text);
  if (code != FSM_OK)
    return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer is not JSON; is that a fsmd? (%s)", fault.text);
  if (!fsm_is(out, FSM_MAP)) /* each of them is: who shows one may rely on it */
    return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer is not a document; is that a fsmd?");
  return FSM_OK;
}

/* A page whose `next` is where it began would be followed for ever. A walk of figures goes on under one
 * cursor; records may say where to ask again later. */
static fsm_code goes_on(cli_source *source, const fsm_query *query, const fsm_value *document,
                        fsm_error *err) {
  const fsm_value *next = fsm_map_get(document, "next"), *items = fsm_map_get(document, "items");
  const bool records = query->kind == FSM_QUERY_RECORDS || query->kind == FSM_QUERY_HISTORY,
             walk = query->kind == FSM_QUERY_STATS || query->kind == FSM_QUERY_FUNNEL,
             empty = items == NULL || !fsm_is(items, FSM_LIST) || items->len == 0,
             more = next != NULL && !fsm_is(next, FSM_NULL);
  source->empty_pages = more && empty && !walk ? source->empty_pages + 1 : 0;
  if (source->empty_pages > CLI_EMPTY_PAGES_MAX)
    return fsm_fail(
        err, FSM_EUNREACHABLE, "next",
        "%d pages brought nothing and each said that there is more: is that a fsmd? If it is, ask for "
        "less (a FILTER, --since)",
        CLI_EMPTY_PAGES_MAX);
  if (query->after == NULL || next == NULL || !fsm_is_text(next, query->after) || (records && empty) || walk)
    return FSM_OK;
  return fsm_fail(err, FSM_EUNREACHABLE, "next", "the pages do not go on; is that a fsmd?");
}

static fsm_code ask_web(cli_source *source, const fsm_query *query, fsm_arena *arena, fsm_value *out,
                        fsm_error *err) {
  fsm_buf path = {0};
  cli_route(&path, query);
  fsm_web_request request = {.method = "GET", .path = fsm_buf_text(&path)};
  fsm_code code = fsm_buf_ok(&path) ? exchange(source, &request, arena, out, err)
                                    : fsm_fail(err, FSM_ENOMEM, "", "no memory for a path");
  fsm_buf_free(&path);
  return code == FSM_OK ? goes_on(source, query, out, err) : code;
}

/* ---- answers from the files ------------------------------------------------------------------------ */

fsm_code cli_source_same(const fsm_value *document, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_buf json = {0};
  fsm_json_write(&json, document);
  fsm_code code = fsm_buf_ok(&json) ? fsm_json_parse(arena, json.data, json.len, FSM_JSON_SORTED, out, err)
                                    : fsm_fail(err, FSM_ENOMEM, "", "no memory for the answer");
  fsm_buf_free(&json);
  return code;
}

fsm_code cli_source_actor(fsm_arena *arena, fsm_value *out, fsm_error *err) {
  const struct passwd *user = getpwuid(geteuid());
  const char *name = user != NULL ? fsm_arena_strdup(arena, user->pw_name)
                                  : fsm_arena_printf(arena, "uid:%u", (unsigned)geteuid());
  fsm_pair *pairs = fsm_arena_alloc(arena, 4 * sizeof *pairs);
  if (name == NULL || pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  pairs[0] = (fsm_pair){fsm_string("admin"), fsm_bool(true)};
  pairs[1] = (fsm_pair){fsm_string("authn"), fsm_string("local")};
  pairs[2] = (fsm_pair){fsm_string("sub"), fsm_string(name)};
  pairs[3] = (fsm_pair){fsm_string("type"), fsm_string("local")};
  return fsm_map(pairs, 4, out, err);
}

fsm_code cli_source_query(cli_source *source, const fsm_query *query, fsm_arena *arena, fsm_value *out,
                          fsm_error *err) {
  FSM_ASSERT(source->web != NULL || source->runtime != NULL);
  if (source->web != NULL) return ask_web(source, query, arena, out, err);
  fsm_value document;
  fsm_query asked = *query;
  fsm_code code = query->kind == FSM_QUERY_EVENTS ? cli_source_actor(arena, &asked.actor, err) : FSM_OK;
  if (code == FSM_OK) code = fsm_query_wait(source->runtime, &asked, arena, &document, err);
  return code == FSM_OK ? cli_source_same(&document, arena, out, err) : code;
}

fsm_code cli_source_post(cli_source *source, const cli_post *post, fsm_arena *arena, fsm_value *out,
                         fsm_error *err) {
  FSM_ASSERT(source->web != NULL);
  fsm_web_request request = {.method = post->method != NULL ? post->method : "POST",
                             .path = post->path,
                             .headers = post->headers,
                             .header_count = post->header_count,
                             .body = post->body,
                             .body_len = post->body_len};
  return exchange(source, &request, arena, out, err);
}

fsm_code cli_source_listen(cli_source *source, const char *path, const char *after,
                           const fsm_web_listener *listener, fsm_arena *arena, fsm_error *err) {
  FSM_ASSERT(source->web != NULL);
  const fsm_web_header header = {"Last-Event-ID", after};
  const fsm_web_request request = {
      .method = "GET", .path = path, .headers = &header, .header_count = 1, .accept = "text/event-stream"};
  fsm_web_reply reply;
  source->problem = fsm_null();
  fsm_code code = fsm_web_listen(source->web, &request, listener, arena, &reply, err);
  return code == FSM_OK && reply.status > 299 ? fault_of(source, &reply, err) : code;
}

static fsm_code verify_files(cli_source *source, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_verified verified;
  fsm_code code = fsm_runtime_verify(source->runtime, &verified, err);
  if (code != FSM_OK) return code;
  char head[2 * FSM_HASH_BYTES + 1];
  fsm__hex(verified.head, sizeof verified.head, head);
  const fsm_pair pairs[] = {{fsm_string("records"), fsm_uint(verified.records)},
                            {fsm_string("segments"), fsm_uint(verified.segments)},
                            {fsm_string("rows"), fsm_uint(verified.rows)},
                            {fsm_string("seq"), fsm_uint(verified.seq)},
                            {fsm_string("head"), fsm_string(head)}};
  fsm_value document = {.type = FSM_MAP, .len = sizeof pairs / sizeof pairs[0], .pairs = pairs};
  return cli_source_same(&document, arena, out, err);
}

fsm_code cli_source_get(cli_source *source, const char *path, fsm_arena *arena, fsm_value *out,
                        fsm_error *err) {
  FSM_ASSERT(source->web != NULL);
  fsm_web_request request = {.method = "GET", .path = path};
  return exchange(source, &request, arena, out, err);
}

fsm_code cli_source_verify(cli_source *source, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  if (source->runtime != NULL) return verify_files(source, arena, out, err);
  cli_source_patient(source); /* it reads the whole journal */
  cli_post post = {.path = "/v1/verify"};
  return cli_source_post(source, &post, arena, out, err);
}

fsm_code cli_source_text(cli_source *source, const char *path, fsm_arena *arena, const char **out,
                         fsm_error *err) {
  FSM_ASSERT(source->web != NULL);
  const fsm_web_request request = {.method = "GET", .path = path};
  fsm_web_reply reply;
  source->problem = fsm_null();
  fsm_code code = fsm_web_do(source->web, &request, arena, &reply, err);
  if (code != FSM_OK) return code;
  if (reply.status < 200 || reply.status > 299) return fault_of(source, &reply, err);
  *out = reply.body;
  return FSM_OK;
}
