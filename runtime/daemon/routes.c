/* routes.c: the table of what is served, and what every request goes through before its row:
 * ids, target, method, parameters, who acts, body. The first fault is the answer. */
#include "runtime/daemon/routes.h"

#include <string.h>
#include <sys/resource.h>

#include "runtime/daemon/access.h"
#include "runtime/daemon/body.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/problem.h"
#include "runtime/daemon/serve_command.h"
#include "runtime/filter.h"

typedef bool (*row_fn)(fsm__server *server, fsm__request *request, const fsm__target *target);

typedef struct route {
  const char *method, *path; /* a segment "*" stands for any that is not empty */
  const char *params;        /* names, each with a space before and behind; FILTER: its fields */
  enum { ACTOR, EVERYONE, DEPLOYER, ADMIN } who; /* EVERYONE: tokens are not looked at; others: access.h */
  enum { NO_BODY, JSON, DEFINITION } body;       /* what is needed; a definition is JSON or SCXML */
  row_fn serve;
} route;

/* clang-format off */
static const route routes[] = {
  {"POST", "v1/machines",            "", DEPLOYER, DEFINITION, fsm__serve_deploy},
  {"GET",  "v1/machines",            " limit after ", ACTOR, NO_BODY, fsm__serve_machines},
  {"GET",  "v1/machines/*",          " version ", ACTOR, NO_BODY, fsm__serve_machine},
  {"GET",  "v1/machines/*/versions", " limit after ", ACTOR, NO_BODY, fsm__serve_versions},
  {"POST", "v1/machines/*/retire",   "", ADMIN, JSON, fsm__serve_retire},
  {"POST", "v1/instances",           " dry_run ", ACTOR, JSON, fsm__serve_start},
  {"GET",  "v1/instances",           " FILTER with limit after ", ACTOR, NO_BODY, fsm__serve_list},
  {"GET",  "v1/instances/*",         " as_of ", ACTOR, NO_BODY, fsm__serve_instance},
  {"POST", "v1/instances/*/events",  " dry_run ", ACTOR, JSON, fsm__serve_send},
  {"GET",  "v1/instances/*/events",  "", ACTOR, NO_BODY, fsm__serve_events},
  {"GET",  "v1/instances/*/why",     "", ACTOR, NO_BODY, fsm__serve_why},
  {"GET",  "v1/instances/*/history", " after before limit brief ", ACTOR, NO_BODY, fsm__serve_history},
  {"GET",  "v1/records",             " after before limit brief machine kind instance state event user correlation trace refusals level label since until where ", ACTOR, NO_BODY, fsm__serve_records},
  {"GET",  "v1/records/*/cause",     " down ", ACTOR, NO_BODY, fsm__serve_cause},
  {"POST", "v1/instances/*/pause",   " dry_run ", ADMIN, JSON, fsm__serve_admin},
  {"POST", "v1/instances/*/resume",  " dry_run ", ADMIN, JSON, fsm__serve_admin},
  {"POST", "v1/instances/*/cancel",  " dry_run ", ADMIN, JSON, fsm__serve_admin},
  {"POST", "v1/instances/*/force",   " dry_run ", ADMIN, JSON, fsm__serve_admin},
  {"POST", "v1/instances/*/set",     " dry_run ", ADMIN, JSON, fsm__serve_admin},
  {"POST", "v1/instances/*/note",    " dry_run ", ADMIN, JSON, fsm__serve_admin},
  {"POST", "v1/instances/*/retry",   " dry_run ", ADMIN, JSON, fsm__serve_admin},
  {"POST", "v1/instances/*/skip",    " dry_run ", ADMIN, JSON, fsm__serve_admin},
  {"POST", "v1/events",              " dry_run ", ACTOR, JSON, fsm__serve_batch},
  {"POST", "v1/commands",            " dry_run ", ADMIN, JSON, fsm__serve_batch},
  {"GET",  "v1/tasks",               " service machine instance state limit after ", ACTOR, NO_BODY, fsm__serve_tasks},
  {"POST", "v1/tasks/claim",         "", ACTOR, JSON, fsm__serve_claim},
  {"GET",  "v1/tasks/*",             "", ACTOR, NO_BODY, fsm__serve_task},
  {"POST", "v1/tasks/*/complete",    " dry_run ", ACTOR, JSON, fsm__serve_task_complete},
  {"POST", "v1/tasks/*/fail",        " dry_run ", ACTOR, JSON, fsm__serve_task_fail},
  {"POST", "v1/tasks/*/heartbeat",   "", ACTOR, JSON, fsm__serve_task_heartbeat},
  {"GET",  "v1/timers",              " machine instance late after limit ", ACTOR, NO_BODY, fsm__serve_timers},
  {"GET",  "v1/search",              " q machine since until limit after ", ACTOR, NO_BODY, fsm__serve_search},
  {"GET",  "v1/stuck",               " FILTER with limit after ", ACTOR, NO_BODY, fsm__serve_stuck},
  {"GET",  "v1/groups",              " FILTER by sum after ", ACTOR, NO_BODY, fsm__serve_groups},
  {"GET",  "v1/actors",              " limit after ", ADMIN, NO_BODY, fsm__serve_actors},
  {"GET",  "v1/counts",              " machine ", ACTOR, NO_BODY, fsm__serve_counts},
  {"GET",  "v1/stats",               " machine since until every after version state status kind user key label correlation trace for created_since created_until updated_since updated_until where ", ACTOR, NO_BODY, fsm__serve_stats},
  {"GET",  "v1/machines/*/funnel",   " since until after version state status kind user key label correlation trace for created_since created_until updated_since updated_until where ", ACTOR, NO_BODY, fsm__serve_funnel},
  {"GET",  "v1/routes",              "", ACTOR, NO_BODY, fsm__serve_routes},
  {"POST", "v1/routes/test",         "", ACTOR, JSON, fsm__serve_route_test},
  {"GET",  "v1/routes/*",            " after limit ", ACTOR, NO_BODY, fsm__serve_route},
  {"PUT",  "v1/routes/*",            "", ADMIN, JSON, fsm__serve_route_set},
  {"DELETE", "v1/routes/*",          " reason ", ADMIN, NO_BODY, fsm__serve_route_remove},
  {"POST", "v1/verify",              "", ADMIN, NO_BODY, fsm__serve_verify},
  {"GET",  "v1/db/stat",             "", ACTOR, NO_BODY, fsm__serve_db_stat},
  {"POST", "v1/db/check",            "", ADMIN, NO_BODY, fsm__serve_db_check},
  {"POST", "v1/db/backup",           "", ADMIN, JSON, fsm__serve_db_backup},
  {"GET",  "v1/sinks",               "", ACTOR, NO_BODY, fsm__serve_sinks},
  {"GET",  "v1/sinks/*/parked",      "", ACTOR, NO_BODY, fsm__serve_sink_parked},
  {"POST", "v1/sinks/*/orders",      "", ADMIN, JSON, fsm__serve_sink_order},
  {"GET",  "v1/openapi.json",        "", EVERYONE, NO_BODY, fsm__serve_openapi},
  {"GET",  "metrics",                "", EVERYONE, NO_BODY, fsm__serve_metrics},
  {"GET",  "healthz",                "", EVERYONE, NO_BODY, fsm__serve_health},
  {"GET",  "readyz",                 "", EVERYONE, NO_BODY, fsm__serve_ready},
};
/* clang-format on */
enum { ROUTE_COUNT = sizeof routes / sizeof *routes, READING_NICE = 5 };

static bool path_matches(const char *path, const fsm__target *target) {
  for (size_t i = 0; i < target->segment_count; i++) {
    size_t len = strcspn(path, "/");
    const char *segment = target->segments[i];
    bool any = len == 1 && *path == '*';
    if (any ? !*segment : strlen(segment) != len || memcmp(segment, path, len) != 0) return false;
    path += len;
    bool last = i + 1 == target->segment_count;
    if (last || *path == 0) return last && *path == 0;
    path++;
  }
  return false;
}

/* The row of the target and method, *allow NULL; without one *allow has the methods that there are, NULL
 * when none. */
static const route *find(fsm__request *request, const fsm__target *target, const char **allow) {
  const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
  *allow = NULL;
  if (target->segment_count > FSM__SEGMENTS_MAX) return NULL;
  for (size_t i = 0; i < ROUTE_COUNT; i++) {
    const route *row = &routes[i];
    if (!path_matches(row->path, target)) continue;
    if (strcmp(row->method, method) == 0) return *allow = NULL, row;
    const char *known = strcmp(row->method, "GET") == 0 ? "GET, HEAD" : row->method;
    *allow = *allow ? fsm_arena_printf(&request->arena, "%s, %s", *allow, known) : known;
  }
  return NULL;
}

static bool takes_param(const route *row, const char *word, const char *name) {
  static const char of_filter[] = " FILTER ";
  if (!word || !*name || strchr(name, ' ')) return false;
  if (strstr(row->params, of_filter) && fsm_filter_has(name)) return true;
  return strcmp(word, of_filter) != 0 && strstr(row->params, word);
}

static fsm_code check_params(fsm__request *request, const route *row, const fsm__target *target,
                             fsm_error *err) {
  for (size_t i = 0; i < target->param_count; i++) {
    const char *name = target->params[i].name;
    const char *word = fsm_arena_printf(&request->arena, " %s ", name);
    if (!takes_param(row, word, name))
      return fsm_fail(err, FSM_EARGUMENT, fsm_arena_printf(&request->arena, "?%s", name),
                      "there is no such parameter here");
  }
  return FSM_OK;
}

void fsm__note_refusal(fsm__server *server, const fsm__request *request, fsm_code code, fsm_buf *text) {
  fsm_command command = fsm_command_new(FSM_CMD_REFUSED);
  command.code = code;
  command.data = fsm_string(fsm_buf_text(text));
  command.correlation = request->correlation;
  command.request = request->headers[FSM__REQUEST_ID];
  command.actor = request->actor;
  /* A full queue counts no refusals; the client has its answer all the same. */
  if (fsm_buf_ok(text) && fsm_submit(server->runtime, &command, NULL, NULL, NULL) != FSM_OK) return;
}

/* The record says what was wrong with the token; who sent it is told no more than that it is not taken. */
static bool refuse_token(fsm__server *server, fsm__request *request, const fsm_error *err) {
  if (err->code != FSM_ETOKEN) {
    fsm__problem(request, err, 0, NULL);
    return true;
  }
  const bool none = request->headers[FSM__AUTHORIZATION] == NULL;
  fsm_buf text = {0};
  fsm__auth_excerpt(request->headers[FSM__AUTHORIZATION], err, &text);
  fsm__note_refusal(server, request, FSM_ETOKEN, &text);
  FSM__LOG(server->log, "debug", "a token is refused", fsm__text("detail", fsm_buf_text(&text)),
           fsm__text("correlation", request->correlation));
  fsm_buf_free(&text);
  request->challenge = true;
  fsm__problem_make(request, FSM_ETOKEN, 0, "Authorization", "%s",
                    none ? "a bearer token is required here" : "the token is not accepted");
  return true;
}

static bool may(fsm__server *server, fsm__request *request, const route *row) {
  switch (row->who) {
    case ADMIN: return fsm__access_admin(server, request);
    case DEPLOYER: return fsm__access_deploy(server, request);
    case ACTOR:
    case EVERYONE: break;
  }
  return true;
}

/* True when the body may go to the row; else the answer is made. */
static bool body_is_fit(fsm__server *server, fsm__request *request, const route *row) {
  if (request->unfit.code != FSM_OK)
    (void)fsm__serve_refuse(server, request, &request->unfit);
  else if (request->body_too_large)
    fsm__problem_make(request, FSM_ETOOLARGE, 0, "body", "the body is longer than %d bytes", FSM__BODY_MAX);
  else if (request->body_refused)
    fsm__problem_make(request, FSM_EBUSY, 0, "body", "all bodies together are too large; try again");
  else if (request->body.len > 0 && request->headers[FSM__CONTENT_ENCODING])
    fsm__problem_make(request, FSM_EMALFORMED, 415, "Content-Encoding",
                      "the body is taken as it is, not compressed");
  else if (row->method[0] != 'P' && request->body.len > 0) /* neither POST nor PUT */
    fsm__problem_make(request, FSM_EMALFORMED, 0, "body", "no body is taken here");
  else if ((row->body != NO_BODY || request->body.len > 0) && row->method[0] == 'P' &&
           !fsm__headers_are_json(request) && !(row->body == DEFINITION && fsm__headers_are_xml(request)))
    fsm__problem_make(request, FSM_EMALFORMED, 415, "Content-Type",
                      "the body is not declared as application/json%s",
                      row->body == DEFINITION ? " or application/scxml+xml" : "");
  else
    return true;
  return false;
}

static bool no_row(fsm__request *request) {
  if (request->allow)
    fsm__problem_make(request, FSM_EMETHOD, 0, "method", "here the methods are %s", request->allow);
  else
    fsm__problem_make(request, FSM_ENOTFOUND, 0, "path", "nothing is served under this path%s",
                      strstr(request->target, "/key:") ? "; by its key an instance is MACHINE%2Fkey:KEY"
                                                       : ": GET /v1/openapi.json lists what is");
  return true;
}

/* Where no token is needed, a browser on this machine could be made to speak for its user: a page whose
 * name was pointed at 127.0.0.1 is of the same origin as the daemon, but it says its own name. */
static fsm_code check_host(const fsm__request *request, fsm_error *err) {
  if (request->peer.local || request->policy == FSM__AUTH_REQUIRED || request->any_host ||
      fsm__headers_host_is_loopback(request))
    return FSM_OK;
  return fsm_fail(err, FSM_EPERMISSION, "Host",
                  "where tokens are not required only loopback names are served");
}

/* ---- large bodies --------------------------------------------------------------------------------- */

static void read_body(void *arg) {
  (void)setpriority(PRIO_PROCESS, 0, READING_NICE); /* of this thread of the pool */
  fsm__body_read_ahead(arg);
}

static void on_body_read(void *arg) {
  fsm__request *request = arg;
  fsm__server *server = request->server;
  const route *row = request->row;
  server->reading--;
  if (row->serve(server, request, request->asked)) fsm__request_finish(request);
}

/* What takes long to read is not read on the loop's thread: others are served meanwhile. */
static bool serve_row(fsm__server *server, fsm__request *request, const route *row,
                      const fsm__target *target) {
  if (request->body.len <= FSM__BODY_QUICK || row->body != JSON || request->was_read)
    return row->serve(server, request, target);
  request->row = row;
  request->asked = target;
  fsm_error err = {0};
  if (fsm__loop_work(server->loop, read_body, on_body_read, request, &err) == FSM_OK)
    return server->reading++, false;
  fsm__problem(request, &err, 0, NULL);
  return true;
}

bool fsm__routes_serve(void *arg, fsm__request *request) {
  fsm__server *server = arg;
  fsm_error err = {0};
  fsm__target *target = fsm_arena_alloc(&request->arena, sizeof *target);
  request->server = server;
  if (!fsm__access_peer(server, request)) return true;
  if (!target) {
    fsm_fail(&err, FSM_ENOMEM, NULL, "no memory for the request");
    goto refused;
  }
  if (fsm__headers_check_ids(request, &err) != FSM_OK || check_host(request, &err) != FSM_OK ||
      fsm__target_parse(&request->arena, request->target, target, &err) != FSM_OK)
    goto refused;
  const route *row = find(request, target, &request->allow);
  if (!row) return no_row(request);
  if (row->who != EVERYONE &&
      fsm__auth_identify(server->auth, request->policy, request->headers[FSM__AUTHORIZATION], &request->peer,
                         request->received_ns, &request->arena, &request->actor, &err) != FSM_OK)
    return refuse_token(server, request, &err);
  if (!may(server, request, row)) return true;
  if (check_params(request, row, target, &err) != FSM_OK) goto refused;
  return !body_is_fit(server, request, row) || serve_row(server, request, row, target);
refused:
  fsm__problem(request, &err, 0, NULL);
  return true;
}
