/* query_filter.c: the filter of a query: the one that it has, or its loose fields (machine, state, key …) as
 * one. So there is one grammar, and one place that tests rows. */
#include <stdio.h>
#include <string.h>

#include "runtime/filter_sieve.h"

static bool has_loose(const fsm_query *q) {
  return q->machine != NULL || q->version != 0 || q->state != NULL || q->status != NULL || q->key != NULL ||
         q->for_ns != 0;
}

static fsm_code set(fsm_filter *filter, const char *name, const char *value, fsm_error *err) {
  return value != NULL ? fsm_filter_set(filter, name, value, err) : FSM_OK;
}

/* An exact key is a pattern without patterns. */
static fsm_code set_key(fsm_filter *filter, const char *key, fsm_error *err) {
  char text[FSM_FILTER_VALUE_MAX + 1];
  size_t len = 0;
  for (; key != NULL && *key != 0 && len < sizeof text - 2; key++) {
    if (strchr("*?\\", *key) != NULL) text[len++] = '\\';
    text[len++] = *key;
  }
  text[len] = 0;
  return key != NULL ? fsm_filter_set(filter, "key", text, err) : FSM_OK;
}

static fsm_code set_loose(fsm_filter *filter, const fsm_query *q, fsm_error *err) {
  char version[16];
  snprintf(version, sizeof version, "%u", q->version);
  fsm_code code = set(filter, "machine", q->machine, err);
  if (code == FSM_OK) code = set(filter, "version", q->version != 0 ? version : NULL, err);
  if (code == FSM_OK) code = set(filter, "state", q->state, err);
  if (code == FSM_OK) code = set(filter, "status", q->status, err);
  if (code == FSM_OK) code = set_key(filter, q->key, err);
  filter->for_least_ns = q->for_ns;
  return code;
}

fsm_code fsm__query_filter(const fsm_query *query, fsm_filter **out, fsm_error *err) {
  *out = NULL;
  if (query->filter != NULL && has_loose(query))
    return fsm_fail(err, FSM_EARGUMENT, "filter", "a query has a filter or single fields, not both");
  if (query->filter != NULL) {
    *out = fsm__filter_hold(query->filter);
    return FSM_OK;
  }
  fsm_code code = fsm_filter_new(out, err);
  return code == FSM_OK ? set_loose(*out, query, err) : code;
}
