/* look.c: documents against the model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "schema/json.h"

void look_verify(world *w) {
  const uint64_t before = w->durable; /* it turns the writer: more may be due */
  fsm_verified verified;
  fsm_error err = {.text = ""};
  if (fsm_runtime_verify(w->runtime, &verified, &err) != FSM_OK)
    wrong(w, "it does not verify: %s: %s", err.where, err.text);
  if (verified.records < before || verified.seq < before)
    wrong(w, "verified %llu records, compared at %llu, durable were %llu",
          (unsigned long long)verified.records, (unsigned long long)verified.seq, (unsigned long long)before);
}

static fsm_value asked(world *w, fsm_query query, fsm_arena *arena) {
  fsm_value out = fsm_null();
  fsm_error err = {.text = ""};
  fsm_code code = fsm_query_wait(w->runtime, &query, arena, &out, &err);
  if (code != FSM_OK)
    wrong(w, "query %d of %s: %s: %s", (int)query.kind, query.ref ? query.ref : "", fsm_code_name(code),
          err.text);
  return out;
}

static bool is_text(const fsm_value *map, const char *name, const char *text) {
  const fsm_value *v = fsm_map_get(map, name);
  if (v == NULL) return text[0] == '\0';
  return fsm_is(v, FSM_STRING) && v->len == strlen(text) && memcmp(v->s, text, v->len) == 0;
}

static int64_t whole(const fsm_value *map, const char *name) {
  const fsm_value *v = map != NULL && fsm_is(map, FSM_MAP) ? fsm_map_get(map, name) : NULL;
  return v != NULL && fsm_is(v, FSM_INT) ? v->i : INT64_MIN;
}

static size_t count_of(const fsm_value *map, const char *name) {
  const fsm_value *v = fsm_map_get(map, name);
  return v != NULL && fsm_is(v, FSM_LIST) ? v->len : 0;
}

static void look_at(world *w, const actor *a, fsm_arena *arena) {
  fsm_value doc = asked(w, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = a->id}, arena);
  const fsm_value *context = fsm_map_get(&doc, "context"), *state = fsm_map_get(&doc, "state");
  if (!is_text(&doc, "status", status_text(a->status)))
    wrong(w, "%s is not shown as %s", a->id, status_text(a->status));
  if (state == NULL || !fsm_is(state, FSM_LIST) || state->len != 1 ||
      state->items[0].len != strlen(a->state) || memcmp(state->items[0].s, a->state, strlen(a->state)) != 0)
    wrong(w, "%s is not shown in %s", a->id, a->state);
  if (!is_text(&doc, "key", a->key)) wrong(w, "%s: key", a->id);
  if (whole(&doc, "rev") != (int64_t)a->rev)
    wrong(w, "%s: rev %lld is not %llu", a->id, (long long)whole(&doc, "rev"), (unsigned long long)a->rev);
  if (whole(context, "n") != a->n || whole(context, "s") != a->s)
    wrong(w, "%s: n %lld, s %lld should be %lld, %lld", a->id, (long long)whole(context, "n"),
          (long long)whole(context, "s"), (long long)a->n, (long long)a->s);
  if (whole(&doc, "version") != (int64_t)a->version) wrong(w, "%s: version", a->id);
  if (count_of(&doc, "timers") != (size_t)a->alarm.set)
    wrong(w, "%s: %zu timers", a->id, count_of(&doc, "timers"));
  if (strcmp(a->machine, "tasker") == 0 && count_of(&doc, "tasks") != (size_t)a->job.open)
    wrong(w, "%s: %zu tasks", a->id, count_of(&doc, "tasks"));
}

/* Its history is what was recorded of it, refusals included. */
static void look_back(world *w, const actor *a, fsm_arena *arena) {
  fsm_value doc =
      asked(w, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = a->id, .limit = FSM_PAGE_MAX}, arena);
  if (count_of(&doc, "items") != a->records)
    wrong(w, "history of %s: %zu of %u records", a->id, count_of(&doc, "items"), a->records);
}

static void look_over(world *w, const model *m, fsm_arena *arena) {
  size_t open = 0, known = 0;
  int64_t counted = 0;
  for (unsigned i = 0; i < m->actor_count; i++) {
    open += m->actors[i].status <= INCIDENT;
    known += m->actors[i].status != CANCELLED; /* a cancelled one is in no state */
  }
  fsm_value all = asked(w, (fsm_query){.kind = FSM_QUERY_LIST, .limit = FSM_PAGE_MAX}, arena);
  fsm_value some =
      asked(w, (fsm_query){.kind = FSM_QUERY_LIST, .status = "open", .limit = FSM_PAGE_MAX}, arena);
  fsm_value counts = asked(w, (fsm_query){.kind = FSM_QUERY_COUNTS}, arena);
  if (count_of(&all, "items") != m->actor_count)
    wrong(w, "%zu of %u instances are listed", count_of(&all, "items"), m->actor_count);
  if (count_of(&some, "items") != open)
    wrong(w, "%zu of %zu open instances are listed", count_of(&some, "items"), open);
  const fsm_value *items = fsm_map_get(&counts, "items");
  for (size_t i = 0; items != NULL && i < items->len; i++) counted += whole(&items->items[i], "count");
  if (counted != (int64_t)known) wrong(w, "%lld of %zu instances are counted", (long long)counted, known);
}

static void keep_text(void *arg, const fsm_value *document, const fsm_error *err) {
  if (err == NULL) fsm_json_write(arg, document);
}

/* The versions of counter, the newest first, and which are retired. */
static void look_at_versions(world *w, const model *m, fsm_arena *arena) {
  if (m->newest == 0) return;
  fsm_value doc =
      asked(w, (fsm_query){.kind = FSM_QUERY_VERSIONS, .machine = "counter", .limit = FSM_PAGE_MAX}, arena);
  const fsm_value *items = fsm_map_get(&doc, "items");
  if (count_of(&doc, "items") != m->newest)
    wrong(w, "%zu of %u versions are shown", count_of(&doc, "items"), m->newest);
  for (unsigned i = 0; i < items->len; i++) {
    const unsigned v = m->newest - i;
    if (whole(&items->items[i], "version") != (int64_t)v) wrong(w, "version %u is not shown in its place", v);
    if ((fsm_map_get(&items->items[i], "retired") == NULL) != m->versions[v].live)
      wrong(w, "version %u is not shown as %s", v, m->versions[v].live ? "live" : "retired");
  }
}

/* Two readers at one seq read the same. */
static void read_twice(world *w, const char *id) {
  fsm_buf one = {0}, two = {0};
  const fsm_query query = {.kind = FSM_QUERY_INSTANCE, .ref = id};
  if (fsm_read(w->runtime, &query, keep_text, &one, NULL) != FSM_OK ||
      fsm_read(w->runtime, &query, keep_text, &two, NULL) != FSM_OK)
    wrong(w, "a read is not taken");
  fsm_runtime_turn(w->runtime, NULL);
  if (one.len == 0 || one.len != two.len || memcmp(one.data, two.data, one.len) != 0)
    wrong(w, "two readers of %s differ", id);
  fsm_buf_free(&one);
  fsm_buf_free(&two);
}

static void look_at_all(world *w, bool rest) {
  fsm_arena arena;
  model *m = model_of(w);
  fsm_arena_init(&arena, 0);
  for (unsigned i = 0; i < m->actor_count; i++) look_at(w, &m->actors[i], &arena);
  look_over(w, m, &arena);
  look_at_versions(w, m, &arena);
  if (m->actor_count > 0) look_back(w, &m->actors[below(w, m->actor_count)], &arena);
  if (rest) model_rest(m);
  if (m->actor_count > 0) read_twice(w, m->actors[below(w, m->actor_count)].id);
  fsm_arena_free(&arena);
  model_free(m);
}

void look(world *w) { look_at_all(w, true); }

void look_now(world *w) { look_at_all(w, false); }
