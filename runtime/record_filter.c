/* record_filter.c: a filter's document read, and a record through it, the cheapest first. */
#include "runtime/record_filter.h"

#include <string.h>

#include "fsm/expr_time_text.h"
#include "runtime/manifest.h"

/* ---- the document ------------------------------------------------------------------------------- */

static fsm_code text_of(fsm_arena *arena, const char *where, const fsm_value *value, size_t max,
                        const char **out, fsm_error *err) {
  if (!fsm_is(value, FSM_STRING) || value->len == 0)
    return fsm_fail(err, FSM_EARGUMENT, where, "%s is a text, and not empty", where + 1);
  if (value->len > max)
    return fsm_fail(err, FSM_ETOOLARGE, where, "%s has at most %zu bytes", where + 1, max);
  if (memchr(value->s, 0, value->len) != NULL)
    return fsm_fail(err, FSM_EARGUMENT, where, "%s has a NUL in it", where + 1);
  *out = fsm_arena_strndup(arena, value->s, value->len);
  return *out != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter");
}

static fsm_code time_of(const char *where, const fsm_value *value, int64_t *out, fsm_error *err) {
  fsm_value time = fsm_null();
  const char *why = "it is no text";
  if (fsm_is(value, FSM_STRING)) why = fsm__timestamp_parse(value->s, value->len, &time);
  if (why == NULL && (__builtin_mul_overflow(time.i, (int64_t)1000000000, out) ||
                      __builtin_add_overflow(*out, (int64_t)time.len, out)))
    why = "it is outside of the years 1678 to 2261";
  if (why == NULL) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, where, "%s is a time like 2026-11-22T08:00:00Z: %s", where + 1, why);
}

static fsm_code trace_of(fsm_arena *arena, const fsm_value *value, fsm__record_filter *out, fsm_error *err) {
  const char *text = NULL;
  enum { DIGITS = 2 * FSM__FIND_TRACE_BYTES };
  fsm_code code = text_of(arena, "/trace", value, DIGITS, &text, err);
  if (code != FSM_OK) return code;
  out->has_trace = fsm__unhex(text, strlen(text), out->trace, sizeof out->trace);
  if (out->has_trace) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "/trace", "a trace id has %d hex digits", DIGITS);
}

static fsm_code refusals_of(const fsm_value *value, fsm__record_filter *out, fsm_error *err) {
  out->refusals_only = fsm_is_text(value, "only");
  out->refusals_not = fsm_is_text(value, "without");
  if (out->refusals_only || out->refusals_not) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "/refusals",
                  "refusals are asked for \"only\", or left out: \"without\"");
}

/* *mine false: it is a part of a route. */
static fsm_code read_member(fsm_arena *arena, const fsm_pair *pair, fsm__record_filter *out, bool *mine,
                            fsm_error *err) {
  const fsm_value *value = &pair->value;
  *mine = true;
  if (fsm_is_text(&pair->key, "instance"))
    return text_of(arena, "/instance", value, FSM_INSTANCE_ID_MAX, &out->instance, err);
  if (fsm_is_text(&pair->key, "correlation"))
    return text_of(arena, "/correlation", value, FSM_CORRELATION_MAX, &out->correlation, err);
  if (fsm_is_text(&pair->key, "user"))
    return text_of(arena, "/user", value, FSM_FILTER_TEXT_MAX, &out->user, err);
  if (fsm_is_text(&pair->key, "since")) return time_of("/since", value, &out->since_ns, err);
  if (fsm_is_text(&pair->key, "until")) return time_of("/until", value, &out->until_ns, err);
  if (fsm_is_text(&pair->key, "trace")) return trace_of(arena, value, out, err);
  if (fsm_is_text(&pair->key, "refusals")) return refusals_of(value, out, err);
  *mine = false;
  return FSM_OK;
}

/* What a route asks of a record is asked of its instance. */
static fsm_code take_labels(fsm_arena *arena, fsm__record_filter *filter, fsm_error *err) {
  if (filter->route->label_count == 0) return FSM_OK;
  fsm__route *rest = fsm_arena_alloc(arena, sizeof *rest);
  filter->book = fsm_arena_zalloc(arena, 1, sizeof *filter->book);
  if (rest == NULL || filter->book == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter");
  *rest = *filter->route;
  filter->labels = rest->labels;
  filter->label_count = rest->label_count;
  rest->label_count = 0;
  filter->route = rest;
  return FSM_OK;
}

fsm_code fsm__record_filter_read(fsm_arena *arena, const fsm_value *document, fsm__record_filter *out,
                                 fsm_error *err) {
  const bool none = fsm_is(document, FSM_NULL);
  fsm__record_filter filter = {.since_ns = INT64_MIN, .until_ns = INT64_MAX};
  if (!none && !fsm_is(document, FSM_MAP)) return fsm_fail(err, FSM_EARGUMENT, "", "a filter is an object");
  const uint32_t len = none ? 0 : document->len;
  fsm_pair *rest = fsm_arena_zalloc(arena, len + 1, sizeof *rest);
  if (rest == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter");
  uint32_t count = 0;
  for (uint32_t i = 0; i < len; i++) {
    bool mine = false;
    fsm_code code = read_member(arena, &document->pairs[i], &filter, &mine, err);
    if (code != FSM_OK) return code;
    if (!mine) rest[count++] = document->pairs[i];
  }
  fsm_value of_route = {.type = FSM_MAP, .len = count, .pairs = rest}; /* in the order that they had */
  fsm_code code = fsm__route_read_filter(arena, &of_route, &filter.route, err);
  if (code == FSM_OK) code = take_labels(arena, &filter, err);
  if (code == FSM_OK) *out = filter;
  return code;
}

/* ---- a record ----------------------------------------------------------------------------------- */

fsm_code fsm__record_see(fsm__record_seen *seen, const fsm_origin *origin, fsm__masks *masks,
                         const fsm__journal_entry *entry, fsm_arena *arena, fsm_error *err) {
  seen->entry = entry;
  seen->origin = *origin;
  seen->origin.epoch = entry->epoch;
  seen->mask = NULL;
  seen->arena = arena;
  seen->decoded = false;
  seen->looked = 0;
  if (fsm_record_peek(entry->record.data, entry->record.len, &seen->brief) != FSM_OK ||
      fsm_record_terms_read(entry->record.data, entry->record.len, &seen->terms) != FSM_OK)
    return fsm_fail(err, FSM_ECORRUPT, "journal", "the record of seq %llu cannot be read",
                    (unsigned long long)entry->seq);
  const uint8_t *def = seen->brief.def;
  if (def != NULL && fsm__masks_find(masks, def, &seen->mask, NULL) != FSM_OK)
    seen->mask = fsm_mask_everything();
  return FSM_OK;
}

static bool is_of_outcome(const fsm__record_filter *filter, fsm_record_kind kind) {
  const bool refused = kind == FSM_RECORD_REJECTED;
  return refused ? !filter->refusals_not : !filter->refusals_only;
}

static bool glance(const fsm__record_filter *filter, const fsm_record_brief *brief) {
  return brief->time_ns >= filter->since_ns && brief->time_ns < filter->until_ns &&
         is_of_outcome(filter, brief->kind) && fsm__route_glance(filter->route, brief);
}

fsm_code fsm__record_filter_glance(const fsm__record_filter *filter, const fsm__journal_entry *entry,
                                   int64_t *time_ns, bool *may, fsm_error *err) {
  fsm_record_brief brief;
  if (fsm_record_peek(entry->record.data, entry->record.len, &brief) != FSM_OK)
    return fsm_fail(err, FSM_ECORRUPT, "journal", "the record of seq %llu cannot be read",
                    (unsigned long long)entry->seq);
  *time_ns = brief.time_ns;
  *may = glance(filter, &brief);
  return FSM_OK;
}

static fsm_code decode(fsm__record_seen *seen, fsm_error *err) {
  const fsm__bytes *bytes = &seen->entry->record;
  bool any = false;
  fsm_code code = fsm_record_decode(seen->arena, bytes->data, bytes->len, &seen->record, err);
  if (code == FSM_OK && seen->mask != NULL)
    code = fsm_mask_record(seen->arena, seen->mask, &seen->record, &seen->record, &any, err);
  seen->viewed = (fsm__viewed){.record = &seen->record, .origin = &seen->origin, .scratch = seen->arena};
  seen->decoded = code == FSM_OK;
  return code;
}

static bool is_text(const char *wanted, fsm_record_text text) {
  return wanted == NULL ||
         (text.at != NULL && strlen(wanted) == text.len && memcmp(wanted, text.at, text.len) == 0);
}

static bool is_of_trace(const fsm__record_filter *filter, fsm_record_text trace) {
  return !filter->has_trace || (trace.at != NULL && trace.len == sizeof filter->trace &&
                                memcmp(trace.at, filter->trace, trace.len) == 0);
}

static fsm_code asks_labels(const fsm__record_filter *filter, const fsm__label_source *instances,
                            fsm__record_seen *seen, bool *matches, fsm_error *err) {
  const fsm_record_text *inst = &seen->terms.inst;
  return fsm__labels_ask(instances, filter->book, filter->labels, filter->label_count, inst->at, inst->len,
                         seen->entry->seq, seen->arena, matches, &seen->looked, err);
}

fsm_code fsm__record_filter_asks(const fsm__record_filter *filter, const fsm__label_source *instances,
                                 fsm__record_seen *seen, bool *matches, fsm_error *err) {
  fsm__matched matched = {.matches = false};
  fsm_code code = FSM_OK;
  *matches = glance(filter, &seen->brief) && is_text(filter->instance, seen->terms.inst) &&
             is_text(filter->correlation, seen->terms.corr) && is_text(filter->user, seen->terms.user) &&
             is_of_trace(filter, seen->terms.trace);
  if (*matches && filter->label_count > 0) code = asks_labels(filter, instances, seen, matches, err);
  if (code != FSM_OK || !*matches || fsm__route_is_plain(filter->route)) return code;
  if (!seen->decoded) code = decode(seen, err);
  const uint64_t before = seen->viewed.work;
  seen->viewed.work_max = FSM__RECORD_WORK_MAX;
  if (code == FSM_OK) code = fsm__route_asks(filter->route, &seen->viewed, &matched, err);
  /* Not "it does not match": whoever reads on would miss what he asked for. */
  if (code == FSM_OK && seen->viewed.work - before > FSM__RECORD_WORK_MAX)
    return fsm_fail(
        err, FSM_ETOOLARGE, "where",
        "for record %llu the expression would make or compare more than %d bytes and items: make it cheaper",
        (unsigned long long)seen->entry->seq, FSM__RECORD_WORK_MAX);
  *matches = code == FSM_OK && matched.matches;
  return code;
}

/* ---- times -------------------------------------------------------------------------------------- */

fsm_code fsm__record_since(fsm__journal *journal, fsm__journal_cursor *cursor, int64_t since_ns,
                           uint64_t *seq, fsm_error *err) {
  uint64_t from = fsm__journal_first_seq(journal), to = fsm__journal_durable_seq(journal) + 1;
  while (from < to) {
    const uint64_t at = from + (to - from) / 2;
    fsm__journal_entry entry;
    fsm_record_brief brief;
    fsm_code code = fsm__journal_read(cursor, at, &entry, err);
    if (code == FSM_ENOTFOUND && at < fsm__journal_first_seq(journal)) { /* pruned meanwhile */
      from = fsm__journal_first_seq(journal);
      continue;
    }
    if (code != FSM_OK) return code;
    if (fsm_record_peek(entry.record.data, entry.record.len, &brief) != FSM_OK)
      return fsm_fail(err, FSM_ECORRUPT, "journal", "the record of seq %llu cannot be read",
                      (unsigned long long)at);
    if (brief.time_ns < since_ns)
      from = at + 1;
    else
      to = at;
  }
  *seq = from;
  return FSM_OK;
}
