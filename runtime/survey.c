/* survey.c: walks of the journal that are held between requests. See survey.h. */
#include "runtime/survey.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/filter_impl.h"
#include "runtime/queue.h"
#include "runtime/record_filter.h"

enum { CLOCK_EVERY = 512 }; /* records between two looks at the clock */

struct fsm__surveys {
  pthread_mutex_t lock;
  uint64_t last_token;
  unsigned out; /* under way: neither free nor held */
  fsm__survey *held[FSM_SURVEYS_MAX];
};

fsm_code fsm__surveys_new(fsm__surveys **out, fsm_error *err) {
  fsm__surveys *all = calloc(1, sizeof *all);
  if (all == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a runtime");
  pthread_mutex_init(&all->lock, NULL);
  *out = all;
  return FSM_OK;
}

static void drop(fsm__survey *survey) {
  if (survey == NULL) return;
  fsm__cohort_free(survey->cohort);
  fsm_arena arena = survey->arena; /* it is itself in it */
  fsm_arena_free(&arena);
}

void fsm__surveys_free(fsm__surveys *all) {
  if (all == NULL) return;
  for (unsigned i = 0; i < FSM_SURVEYS_MAX; i++) drop(all->held[i]);
  pthread_mutex_destroy(&all->lock);
  free(all);
}

/* ---- held ----------------------------------------------------------------------------------------- */

/* Under the lock: those that nobody came back for go. How many are left. */
static unsigned tidy(fsm__surveys *all) {
  const int64_t now_ns = fsm__monotonic_ns();
  unsigned count = all->out;
  for (unsigned i = 0; i < FSM_SURVEYS_MAX; i++) {
    if (all->held[i] != NULL && now_ns - all->held[i]->touched_ns > FSM_SURVEY_IDLE_NS) {
      drop(all->held[i]);
      all->held[i] = NULL;
    }
    count += all->held[i] != NULL;
  }
  return count;
}

/* What a cursor is good for: the same question. */
static const char *asked(fsm_arena *arena, const fsm_query *q) {
  const char *filter = q->filter != NULL ? fsm_filter_text(q->filter, arena) : "";
  if (filter == NULL) return NULL;
  return fsm_arena_printf(arena, "%d %s %s %s %lld %s", (int)q->kind, q->machine ? q->machine : "",
                          q->since ? q->since : "", q->until ? q->until : "", (long long)q->every_ns, filter);
}

static fsm_code find(const fsm__reading *at, uint64_t token, fsm__survey **out, fsm_error *err) {
  fsm__surveys *all = at->core->surveys;
  const char *wanted = asked(at->arena, at->query);
  *out = NULL;
  pthread_mutex_lock(&all->lock);
  (void)tidy(all);
  for (unsigned i = 0; i < FSM_SURVEYS_MAX && wanted != NULL && *out == NULL; i++) {
    fsm__survey *survey = all->held[i];
    if (survey == NULL || survey->token != token || strcmp(survey->asked, wanted) != 0) continue;
    *out = survey;
    all->held[i] = NULL;
    all->out++;
  }
  pthread_mutex_unlock(&all->lock);
  if (*out != NULL) return FSM_OK;
  return fsm_fail(err, FSM_ENOTFOUND, "after",
                  "no such walk is held: it was left alone for %d s, or asked something else; begin again, "
                  "without after",
                  (int)(FSM_SURVEY_IDLE_NS / 1000000000));
}

/* Under the lock: of those that wait for their next request the one that waits longest goes. */
static void make_room(fsm__surveys *all) {
  const int64_t now_ns = fsm__monotonic_ns();
  fsm__survey **longest = NULL;
  for (unsigned i = 0; i < FSM_SURVEYS_MAX; i++)
    if (all->held[i] != NULL && (longest == NULL || all->held[i]->touched_ns < (*longest)->touched_ns))
      longest = &all->held[i];
  if (longest == NULL || now_ns - (*longest)->touched_ns < FSM_SURVEY_LEFT_NS) return;
  drop(*longest);
  *longest = NULL;
}

static fsm_code admit(fsm__surveys *all, uint64_t *token, fsm_error *err) {
  pthread_mutex_lock(&all->lock);
  if (tidy(all) == FSM_SURVEYS_MAX) make_room(all);
  const bool room = tidy(all) < FSM_SURVEYS_MAX;
  if (room) {
    all->out++;
    *token = ++all->last_token;
  }
  pthread_mutex_unlock(&all->lock);
  if (room) return FSM_OK;
  return fsm_fail(err, FSM_EBUSY, "", "%d walks of the journal are under way; try again when one has ended",
                  FSM_SURVEYS_MAX);
}

static void release(fsm__surveys *all) {
  pthread_mutex_lock(&all->lock);
  all->out--;
  pthread_mutex_unlock(&all->lock);
}

/* ---- begun ---------------------------------------------------------------------------------------- */

static fsm_code time_of(const char *name, const char *text, int64_t now_ns, int64_t if_none, int64_t *out,
                        fsm_error *err) {
  fsm__instant instant = {.kind = FSM__NEVER};
  fsm_code code = text != NULL ? fsm__instant_read(name, text, &instant, err) : FSM_OK;
  if (code == FSM_OK) *out = fsm__instant_ns(&instant, now_ns, if_none);
  return code;
}

/* The seqs that are looked at: from since on; and when they begin. */
static fsm_code bounds(const fsm__reading *at, fsm__survey *s, fsm_error *err) {
  fsm__journal *journal = at->core->journal;
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  fsm_record_brief brief;
  bool found = false;
  s->last = at->core->seq;
  s->begins_ns = s->since_ns != INT64_MIN ? s->since_ns : INT64_MAX;
  fsm_code code = fsm__journal_cursor_open(journal, 1, &cursor, err);
  if (code != FSM_OK) return code;
  const uint64_t first = s->from = fsm__journal_first_seq(journal);
  if (s->since_ns != INT64_MIN) code = fsm__record_since(journal, cursor, s->since_ns, &s->from, err);
  s->archived = code == FSM_OK && s->from == first && first > 1;
  if (code == FSM_OK) fsm__journal_cursor_seek(cursor, s->from);
  if (code == FSM_OK && s->since_ns == INT64_MIN) code = fsm__journal_next(cursor, &entry, &found, err);
  if (code == FSM_OK && found && fsm_record_peek(entry.record.data, entry.record.len, &brief) == FSM_OK)
    s->begins_ns = brief.time_ns;
  fsm__journal_cursor_close(cursor);
  s->next = s->from;
  return code;
}

/* Whom it is of: decided first, for the walk ends at the seq of which they are. */
static fsm_code select_those(const fsm__reading *at, fsm__survey *s, fsm_error *err) {
  const fsm_filter *filter = at->query->filter;
  if (filter == NULL) return FSM_OK;
  if (filter->sort != FSM__BY_CREATED || filter->downwards)
    return fsm_fail(err, FSM_EARGUMENT, "sort", "figures have no order: leave sort out");
  s->filter = fsm_filter_text(filter, &s->arena);
  if (s->filter == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for figures");
  return fsm__selection_make(at, filter, &s->arena, &s->selection, err);
}

static fsm_code begin(const fsm__reading *at, fsm__survey *s, fsm_error *err) {
  const fsm_query *q = at->query;
  s->now_ns = at->now_ns;
  s->asked = asked(&s->arena, q);
  s->machine = q->machine != NULL ? fsm_arena_strdup(&s->arena, q->machine) : NULL;
  if (s->asked == NULL || (q->machine != NULL && s->machine == NULL))
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for figures");
  if (q->machine != NULL && fsm__catalog_find(at->core->catalog, q->machine, 0) == NULL)
    return fsm_fail(err, FSM_EMACHINE, "machine", "no machine \"%s\" is deployed", q->machine);
  fsm_code code = time_of("since", q->since, at->now_ns, INT64_MIN, &s->since_ns, err);
  if (code == FSM_OK) code = time_of("until", q->until, at->now_ns, INT64_MAX, &s->until_ns, err);
  if (code == FSM_OK && s->until_ns <= s->since_ns)
    return fsm_fail(err, FSM_EARGUMENT, "until", "nothing is at or after since and before until");
  if (code == FSM_OK) code = select_those(at, s, err);
  return code == FSM_OK ? bounds(at, s, err) : code;
}

fsm_code fsm__survey_take(const fsm__reading *at, fsm__survey **out, fsm_error *err) {
  const char *after = at->query->after;
  uint64_t token = 0;
  if (after != NULL && !fsm__query_seq(after, &token))
    return fsm_fail(err, FSM_EARGUMENT, "after", "\"%.64s\" is no cursor of these figures", after);
  if (after != NULL) return find(at, token, out, err);
  fsm_code code = admit(at->core->surveys, &token, err);
  if (code != FSM_OK) return code;
  fsm_arena arena;
  fsm_arena_init(&arena, FSM_SURVEY_BYTES_MAX);
  fsm__survey *s = fsm_arena_zalloc(&arena, 1, sizeof *s);
  if (s == NULL) {
    release(at->core->surveys);
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for figures");
  }
  s->arena = arena;
  s->token = token;
  code = begin(at, s, err);
  *out = s;
  if (code == FSM_OK) return code;
  drop(s);
  release(at->core->surveys);
  return code;
}

/* ---- under way ------------------------------------------------------------------------------------ */

typedef struct going {
  fsm__survey *survey;
  fsm__store *store;
  fsm__journal_cursor *cursor, *looker;
  uint64_t first_seq;
  bool ended;
} going;

/* Instances of a funnel are told by the record that created them; the others follow it. */
static fsm_code is_of(const going *g, const fsm__record_facts *facts, bool *is, fsm_error *err) {
  fsm__survey *s = g->survey;
  *is = s->selection == NULL || (s->cohort != NULL && facts->kind != FSM_RECORD_CREATED);
  if (*is) return FSM_OK;
  if (s->machine != NULL && !fsm__fact_same(facts->mach, fsm__text_of(s->machine))) return FSM_OK;
  return fsm__selection_has(s->selection, g->store, facts->inst.at, facts->inst.len, facts->seq, is, err);
}

static fsm_code add(going *g, const fsm__journal_entry *entry, fsm_error *err) {
  fsm__survey *s = g->survey;
  fsm__record_facts facts;
  if (fsm__record_facts_read(entry->record.data, entry->record.len, &facts) != FSM_OK)
    return fsm_fail(err, FSM_ECORRUPT, "journal", "the record of seq %llu cannot be read",
                    (unsigned long long)entry->seq);
  /* times grow; a funnel follows its instances beyond until */
  g->ended = s->cohort == NULL && facts.time_ns >= s->until_ns;
  if (g->ended) return FSM_OK;
  s->next = entry->seq + 1;
  bool is = false;
  fsm_code code = is_of(g, &facts, &is, err);
  if (code != FSM_OK || !is) return code;
  return s->cohort != NULL ? fsm__cohort_add(s->cohort, &facts, err)
                           : fsm__tally_add(s->tally, g->looker, g->first_seq, &facts, err);
}

static fsm_code go(going *g, const fsm_query *query, fsm_error *err) {
  const int64_t until_ns = fsm__monotonic_ns() + FSM_SURVEY_SLICE_NS;
  for (unsigned n = 1; !g->ended && g->survey->next <= g->survey->last; n++) {
    fsm__journal_entry entry;
    bool found = false;
    fsm_code code = fsm__journal_next(g->cursor, &entry, &found, err);
    if (code != FSM_OK) return code;
    g->ended = !found;
    if (found) code = add(g, &entry, err);
    if (code != FSM_OK) return code;
    if (n % CLOCK_EVERY == 0) code = fsm__query_wanted(query, err);
    if (code != FSM_OK) return code;
    if (n == query->look || (n % CLOCK_EVERY == 0 && fsm__monotonic_ns() >= until_ns)) return FSM_OK;
  }
  g->ended = true;
  return FSM_OK;
}

fsm_code fsm__survey_go(const fsm__reading *at, fsm__survey *s, bool *done, fsm_error *err) {
  fsm__journal *journal = at->core->journal;
  going g = {.survey = s, .store = at->core->store, .first_seq = fsm__journal_first_seq(journal)};
  fsm_code code = fsm__journal_cursor_open(journal, s->next, &g.cursor, err);
  if (code == FSM_OK) code = fsm__journal_cursor_open(journal, s->next, &g.looker, err);
  if (code == FSM_OK) code = go(&g, at->query, err);
  fsm__journal_cursor_close(g.looker);
  fsm__journal_cursor_close(g.cursor);
  *done = g.ended;
  return code;
}

fsm_code fsm__survey_hold(const fsm__reading *at, fsm__survey *s, fsm_value *out, fsm_error *err) {
  fsm__surveys *all = at->core->surveys;
  fsm__document d = {.arena = at->arena};
  const char *next = fsm_arena_printf(at->arena, "%llu", (unsigned long long)s->token);
  if (next == NULL) d.failed = true;
  fsm__document_text(&d, "next", next);
  fsm__survey_put(s, &d);
  fsm_code code = fsm__document_map(&d, out, err);
  pthread_mutex_lock(&all->lock);
  s->touched_ns = fsm__monotonic_ns();
  for (unsigned i = 0; code == FSM_OK && i < FSM_SURVEYS_MAX; i++) {
    if (all->held[i] != NULL) continue;
    all->held[i] = s;
    all->out--;
    s = NULL;
    break;
  }
  pthread_mutex_unlock(&all->lock);
  if (s == NULL) return FSM_OK;
  fsm__survey_end(at, s);
  return code;
}

void fsm__survey_end(const fsm__reading *at, fsm__survey *survey) {
  drop(survey);
  release(at->core->surveys);
}

void fsm__survey_put(const fsm__survey *s, fsm__document *d) {
  if (s->machine != NULL) fsm__document_text(d, "machine", fsm_arena_strdup(d->arena, s->machine));
  if (s->since_ns != INT64_MIN) fsm__document_time(d, "since", s->since_ns);
  if (s->until_ns != INT64_MAX) fsm__document_time(d, "until", s->until_ns);
  if (s->begins_ns != INT64_MAX) fsm__document_time(d, "begins", s->begins_ns);
  if (s->archived) fsm__document_put(d, "archived", fsm_bool(true));
  if (s->selection != NULL) {
    fsm__document_text(d, "filter", fsm_arena_strdup(d->arena, s->filter));
    fsm__document_put(d, "instances", fsm_int((int64_t)s->selection->count));
    if (s->selection->left > 0) fsm__document_put(d, "left", fsm_int((int64_t)s->selection->left));
  }
  fsm__document_put(d, "looked", fsm_int((int64_t)(s->next - s->from)));
  fsm__document_put(d, "of", fsm_int(s->last >= s->from ? (int64_t)(s->last - s->from + 1) : 0));
  fsm__document_put(d, "seq", fsm_int((int64_t)s->last));
  fsm__document_time(d, "now", s->now_ns);
}

fsm_code fsm__spread_view(fsm_arena *arena, const fsm__spread *spread, fsm_value *out, fsm_error *err) {
  fsm__document d = {.arena = arena};
  fsm__document_put(&d, "count", fsm_int((int64_t)spread->count));
  if (spread->count == 0) return fsm__document_map(&d, out, err);
  fsm__document_put(&d, "min_ns", fsm_int(spread->min_ns));
  fsm__document_put(&d, "mean_ns", fsm_int(fsm__spread_mean(spread)));
  fsm__document_put(&d, "stddev_ns", fsm_int((int64_t)(fsm__spread_deviation(spread) + 0.5)));
  fsm__document_put(&d, "p50_ns", fsm_int(fsm__spread_at(spread, 500)));
  fsm__document_put(&d, "p95_ns", fsm_int(fsm__spread_at(spread, 950)));
  fsm__document_put(&d, "p99_ns", fsm_int(fsm__spread_at(spread, 990)));
  fsm__document_put(&d, "max_ns", fsm_int(spread->max_ns));
  return fsm__document_map(&d, out, err);
}
