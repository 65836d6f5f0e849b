/* serve_records.c: the audit log in pages. What a filter's parameters are as a document is here; what it
 * means is runtime/record_filter.h. */
#include "runtime/daemon/serve_records.h"

#include <stdio.h>
#include <string.h>

#include "runtime/daemon/problem.h"
#include "runtime/daemon/streams.h"

/* ---- parameters → a filter ------------------------------------------------------------------------ */

enum { LISTED_MAX = 64 };

static fsm_code no_memory(fsm_error *err) {
  return fsm_fail(err, FSM_ENOMEM, "query", "no memory for a filter");
}

/* "a,b": no id of a machine and no kind has a comma. */
static fsm_code listed(fsm_arena *arena, const char *text, fsm_value *out, fsm_error *err) {
  size_t count = 1, at = 0;
  for (const char *c = text; *c; c++) count += *c == ',';
  if (count > LISTED_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "query", "a list has at most %d texts", LISTED_MAX);
  fsm_value *items = fsm_arena_alloc(arena, count * sizeof *items);
  if (!items) return no_memory(err);
  for (size_t i = 0; i < count; i++) {
    size_t len = strcspn(text + at, ",");
    items[i] = fsm_stringn(text + at, len);
    at += len + 1;
  }
  *out = fsm_list(items, (uint32_t)count);
  return FSM_OK;
}

static fsm_code level_of(const fsm__target *target, fsm_value *out, fsm_error *err) {
  unsigned level = 0;
  fsm_code code = fsm__target_number(target, "level", 0, UINT8_MAX, &level, err);
  *out = fsm_int(level);
  return code;
}

/* "name=value", one parameter each. */
static fsm_code labels_of(const fsm__target *target, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_alloc(arena, FSM__PARAMS_MAX * sizeof *pairs);
  size_t count = 0;
  if (!pairs) return no_memory(err);
  for (size_t i = 0; i < target->param_count; i++) {
    if (strcmp(target->params[i].name, "label") != 0) continue;
    const char *text = target->params[i].value, *equals = strchr(text, '=');
    if (!equals) return fsm_fail(err, FSM_EARGUMENT, "?label", "a label is asked for as NAME=VALUE");
    pairs[count++] = (fsm_pair){fsm_stringn(text, (size_t)(equals - text)), fsm_string(equals + 1)};
  }
  fsm_code code = fsm_map(pairs, count, out, NULL);
  return code == FSM_OK ? FSM_OK : fsm_fail(err, FSM_EARGUMENT, "?label", "a label is named twice");
}

static fsm_code member(const fsm__target *target, const fsm__param *param, fsm_arena *arena, fsm_value *out,
                       fsm_error *err) {
  if (strcmp(param->name, "kind") == 0 || strcmp(param->name, "machine") == 0)
    return listed(arena, param->value, out, err);
  if (strcmp(param->name, "level") == 0) return level_of(target, out, err);
  if (strcmp(param->name, "label") == 0) return labels_of(target, arena, out, err);
  *out = fsm_string(param->value);
  return FSM_OK;
}

fsm_code fsm__records_filter(const fsm__target *target, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_alloc(arena, FSM__PARAMS_MAX * sizeof *pairs);
  size_t count = 0;
  bool labels = false;
  if (!pairs) return no_memory(err);
  for (size_t i = 0; i < target->param_count; i++) {
    const fsm__param *param = &target->params[i];
    const bool label = strcmp(param->name, "label") == 0;
    if (strcmp(param->name, "after") == 0 || strcmp(param->name, "limit") == 0 ||
        strcmp(param->name, "before") == 0 || strcmp(param->name, "brief") == 0 || (label && labels))
      continue;
    labels |= label;
    pairs[count].key = fsm_string(label ? "labels" : param->name);
    fsm_code code = member(target, param, arena, &pairs[count++].value, err);
    if (code != FSM_OK) return code;
  }
  return fsm_map(pairs, count, out, err);
}

fsm_code fsm__records_fault(fsm_code code, fsm_error *err) {
  if (err->where[0] != '/') return code;
  const size_t len = strcspn(err->where + 1, "/");
  err->where[0] = '?';
  err->where[1 + len] = 0; /* a place in a list, or the label */
  if (strcmp(err->where, "?labels") == 0) err->where[strlen("?label")] = 0;
  return code;
}

/* ---- a page --------------------------------------------------------------------------------------- */

static void on_page(void *arg, const fsm_value *document, const fsm_error *err) {
  fsm__request *request = arg;
  if (err) {
    fsm_error fault = *err;
    (void)fsm__records_fault(fault.code, &fault);
    if (strcmp(fault.where, "after") == 0) snprintf(fault.where, sizeof fault.where, "?after");
    if (strcmp(fault.where, "before") == 0) snprintf(fault.where, sizeof fault.where, "?before");
    fsm__problem(request, &fault, 0, NULL);
  } else {
    fsm__answer_document(request, 200, document);
  }
  fsm__request_finish(request);
}

static bool page(fsm__server *server, fsm__request *request, const fsm__target *target) {
  fsm_query query = {.kind = FSM_QUERY_RECORDS,
                     .after = fsm__target_param(target, "after"),
                     .before = fsm__target_param(target, "before"),
                     .gone = fsm__request_gone,
                     .gone_arg = request};
  fsm_error err = {0};
  if (fsm__target_number(target, "limit", 1, FSM_PAGE_MAX, &query.limit, &err) == FSM_OK &&
      fsm__target_bool(target, "brief", &query.brief, &err) == FSM_OK &&
      fsm__records_filter(target, &request->arena, &query.records, &err) == FSM_OK &&
      fsm_read(server->runtime, &query, on_page, request, &err) == FSM_OK)
    return false;
  fsm__problem(request, &err, 0, NULL);
  return true;
}

bool fsm__serve_records(fsm__server *server, fsm__request *request, const fsm__target *target) {
  return fsm__streams_asked(request) ? fsm__streams_serve(server->streams, request, target)
                                     : page(server, request, target);
}
