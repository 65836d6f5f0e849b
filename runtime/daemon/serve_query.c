/* serve_query.c: requests that only read. The document is written to JSON on the writer's thread. */
#include <string.h>

#include "runtime/daemon/problem.h"
#include "runtime/daemon/serve_query.h"
#include "runtime/filter.h"
#include "schema/json.h"

static void put_etag(fsm__request *request, const fsm_value *document) {
  const fsm_value *rev = fsm_map_get(document, "rev");
  if (rev && fsm_is(rev, FSM_INT) && rev->i >= 0) fsm__answer_etag(request, (uint64_t)rev->i);
  if (rev && fsm_is(rev, FSM_UINT)) fsm__answer_etag(request, rev->u);
}

void fsm__serve_document(void *arg, const fsm_value *document, const fsm_error *err) {
  fsm__request *request = arg;
  if (err)
    fsm__problem(request, err, 0, NULL);
  else
    fsm__answer_document(request, 200, document);
  fsm__request_finish(request);
}

static void on_instance(void *arg, const fsm_value *document, const fsm_error *err) {
  if (!err) put_etag(arg, document);
  fsm__serve_document(arg, document, err);
}

bool fsm__serve_ask(fsm__server *server, fsm__request *request, const fsm_query *query, fsm_document_fn fn) {
  fsm_error err = {0};
  fsm_query asked = *query;
  asked.gone = fsm__request_gone;
  asked.gone_arg = request;
  if (fsm_read(server->runtime, &asked, fn, request, &err) == FSM_OK) return false;
  fsm__problem(request, &err, 0, NULL);
  return true;
}

/* ---- parameters ----------------------------------------------------------------------------------- */

/* NULL when absent; an empty one is more likely a mistake than a wish. */
static fsm_code read_text(const fsm__target *target, const char *name, const char **out, fsm_error *err) {
  *out = fsm__target_param(target, name);
  char where[32] = "?";
  strncat(where, name, sizeof where - 2);
  return *out && !**out ? fsm_fail(err, FSM_EARGUMENT, where, "%s is empty", name) : FSM_OK;
}

static fsm_code read_every(const char *every, fsm_query *query, fsm_error *err) {
  fsm_error why = {0};
  fsm_code code = every ? fsm_duration_parse(every, &query->every_ns, &why) : FSM_OK;
  if (code != FSM_OK) return fsm_fail(err, code, "?every", "%s", why.text);
  if (every && query->every_ns == 0)
    return fsm_fail(err, FSM_EARGUMENT, "?every", "an interval is longer than nothing: 1m, 1h");
  return FSM_OK;
}

static fsm_code read_query(const fsm__target *target, fsm_query *query, fsm_error *err) {
  const char *age;
  fsm_code code;
  if ((code = read_text(target, "machine", &query->machine, err)) != FSM_OK ||
      (code = read_text(target, "state", &query->state, err)) != FSM_OK ||
      (code = read_text(target, "status", &query->status, err)) != FSM_OK ||
      (code = read_text(target, "key", &query->key, err)) != FSM_OK ||
      (code = read_text(target, "service", &query->service, err)) != FSM_OK ||
      (code = read_text(target, "after", &query->after, err)) != FSM_OK ||
      (code = read_text(target, "since", &query->since, err)) != FSM_OK ||
      (code = read_text(target, "until", &query->until, err)) != FSM_OK ||
      (code = read_text(target, "before", &query->before, err)) != FSM_OK ||
      (code = read_text(target, "as_of", &query->as_of, err)) != FSM_OK ||
      (code = read_text(target, "for", &age, err)) != FSM_OK ||
      (code = fsm__target_number(target, "limit", 1, FSM_PAGE_MAX, &query->limit, err)) != FSM_OK ||
      (code = fsm__target_bool(target, "brief", &query->brief, err)) != FSM_OK ||
      (code = fsm__target_number(target, "version", 1, UINT32_MAX, &query->version, err)) != FSM_OK)
    return code;
  fsm_error why = {0};
  if (age && (code = fsm_duration_parse(age, &query->for_ns, &why)) != FSM_OK)
    return fsm_fail(err, code, "?for", "%s", why.text);
  return FSM_OK;
}

/* The row's own parameters are all there can be (routes.c), so one reader serves all rows. */
bool fsm__serve_read(fsm__server *server, fsm__request *request, const fsm__target *target, fsm_query query,
                     fsm_document_fn fn) {
  fsm_error err = {0};
  const char *machine = query.machine;
  if (read_query(target, &query, &err) != FSM_OK) {
    fsm__problem(request, &err, 0, NULL);
    return true;
  }
  if (machine) query.machine = machine;
  return fsm__serve_ask(server, request, &query, fn);
}

/* ---- the rows ------------------------------------------------------------------------------------- */

/* What routes.c lets through is of the filter, or of the page. */
static fsm_code read_filter(const fsm__target *target, fsm_filter *filter, fsm_error *err) {
  for (size_t i = 0; i < target->param_count; i++) {
    const fsm__param *param = &target->params[i];
    char where[FSM_WHERE_MAX] = "?";
    fsm_error why = {0};
    if (!fsm_filter_has(param->name)) continue;
    strncat(where, param->name, sizeof where - 2);
    fsm_code code = fsm_filter_set(filter, param->name, param->value, &why);
    if (code != FSM_OK) return fsm_fail(err, code, where, "%s", why.text);
  }
  return FSM_OK;
}

static bool ask_filtered(fsm__server *server, fsm__request *request, const fsm__target *target,
                         fsm_query_kind kind) {
  fsm_query query = {.kind = kind, .gone = fsm__request_gone, .gone_arg = request};
  fsm_filter *filter = NULL;
  fsm_error err = {0};
  fsm_code code = fsm_filter_new(&filter, &err);
  if (code == FSM_OK) code = read_filter(target, filter, &err);
  if (code == FSM_OK) code = read_text(target, "after", &query.after, &err);
  if (code == FSM_OK) code = read_text(target, "with", &query.with, &err);
  if (code == FSM_OK) code = read_text(target, "by", &query.by, &err);
  if (code == FSM_OK) code = read_text(target, "sum", &query.sum, &err);
  if (code == FSM_OK) code = fsm__target_number(target, "limit", 1, FSM_PAGE_MAX, &query.limit, &err);
  query.filter = filter;
  if (code == FSM_OK) code = fsm_read(server->runtime, &query, fsm__serve_document, request, &err);
  if (code != FSM_OK) fsm__problem(request, &err, 0, NULL);
  fsm_filter_free(filter); /* the read has its own hold */
  return code != FSM_OK;
}

bool fsm__serve_list(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return ask_filtered(server, request, target, FSM_QUERY_LIST);
}

bool fsm__serve_instance(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return fsm__serve_read(server, request, target,
                         (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = target->segments[2]}, on_instance);
}

bool fsm__serve_events(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return fsm__serve_read(
      server, request, target,
      (fsm_query){.kind = FSM_QUERY_EVENTS, .ref = target->segments[2], .actor = request->actor},
      fsm__serve_document);
}

bool fsm__serve_why(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return fsm__serve_read(
      server, request, target,
      (fsm_query){.kind = FSM_QUERY_WHY, .ref = target->segments[2], .actor = request->actor},
      fsm__serve_document);
}

bool fsm__serve_history(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return fsm__serve_read(server, request, target,
                         (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = target->segments[2]},
                         fsm__serve_document);
}

bool fsm__serve_cause(fsm__server *server, fsm__request *request, const fsm__target *target) {
  const char *down = fsm__target_param(target, "down");
  fsm_error err = {0};
  if (down && strcmp(down, "true") != 0 && strcmp(down, "false") != 0) {
    (void)fsm_fail(&err, FSM_EARGUMENT, "?down", "down is true or false");
    fsm__problem(request, &err, 0, NULL);
    return true;
  }
  return fsm__serve_read(
      server, request, target,
      (fsm_query){
          .kind = FSM_QUERY_CAUSE, .ref = target->segments[2], .down = down && strcmp(down, "true") == 0},
      fsm__serve_document);
}

bool fsm__serve_search(fsm__server *server, fsm__request *request, const fsm__target *target) {
  fsm_query query = {.kind = FSM_QUERY_SEARCH};
  fsm_error err = {0};
  if (read_text(target, "q", &query.text, &err) != FSM_OK ||
      read_text(target, "since", &query.since, &err) != FSM_OK ||
      read_text(target, "until", &query.until, &err) != FSM_OK) {
    fsm__problem(request, &err, 0, NULL);
    return true;
  }
  return fsm__serve_read(server, request, target, query, fsm__serve_document);
}

bool fsm__serve_stuck(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return ask_filtered(server, request, target, FSM_QUERY_STUCK);
}

bool fsm__serve_groups(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return ask_filtered(server, request, target, FSM_QUERY_GROUPS);
}

bool fsm__serve_actors(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return fsm__serve_read(server, request, target, (fsm_query){.kind = FSM_QUERY_ACTORS}, fsm__serve_document);
}

bool fsm__serve_counts(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return fsm__serve_read(server, request, target, (fsm_query){.kind = FSM_QUERY_COUNTS}, fsm__serve_document);
}

/* Of figures, since and until are the time that they are of; those of an instance's creation have names of
 * their own, and machine is whose records count. *any: something was asked of instances. */
static fsm_code read_figures_filter(const fsm__target *target, fsm_filter *filter, bool *any,
                                    fsm_error *err) {
  static const char *const range[] = {"machine", "since", "until"}, created[] = "created_";
  for (size_t i = 0; i < target->param_count; i++) {
    const fsm__param *param = &target->params[i];
    const bool of_creation = strncmp(param->name, created, sizeof created - 1) == 0;
    const char *name = param->name + (of_creation ? sizeof created - 1 : 0);
    bool mine = fsm_filter_has(name);
    for (size_t k = 0; k < sizeof range / sizeof *range && !of_creation; k++)
      mine = mine && strcmp(name, range[k]) != 0;
    if (!mine) continue;
    char where[FSM_WHERE_MAX] = "?";
    fsm_error why = {0};
    strncat(where, param->name, sizeof where - 2);
    fsm_code code = fsm_filter_set(filter, name, param->value, &why);
    if (code != FSM_OK) return fsm_fail(err, code, where, "%s", why.text);
    *any = true;
  }
  return FSM_OK;
}

static bool ask_figures(fsm__server *server, fsm__request *request, const fsm__target *target,
                        fsm_query query) {
  const char *every = NULL;
  fsm_filter *filter = NULL;
  fsm_error err = {0};
  bool any = false;
  fsm_code code = fsm_filter_new(&filter, &err);
  if (code == FSM_OK) code = read_figures_filter(target, filter, &any, &err);
  if (code == FSM_OK && query.machine == NULL) code = read_text(target, "machine", &query.machine, &err);
  if (code == FSM_OK) code = read_text(target, "since", &query.since, &err);
  if (code == FSM_OK) code = read_text(target, "until", &query.until, &err);
  if (code == FSM_OK) code = read_text(target, "after", &query.after, &err);
  if (code == FSM_OK) code = read_text(target, "every", &every, &err);
  if (code == FSM_OK) code = read_every(every, &query, &err);
  query.filter = any ? filter : NULL;
  const bool answered = code != FSM_OK || fsm__serve_ask(server, request, &query, fsm__serve_document);
  if (code != FSM_OK) fsm__problem(request, &err, 0, NULL);
  fsm_filter_free(filter); /* the read has its own hold */
  return answered;
}

bool fsm__serve_stats(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return ask_figures(server, request, target, (fsm_query){.kind = FSM_QUERY_STATS});
}

bool fsm__serve_funnel(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return ask_figures(server, request, target,
                     (fsm_query){.kind = FSM_QUERY_FUNNEL, .machine = target->segments[2]});
}
