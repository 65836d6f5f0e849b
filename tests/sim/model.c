/* model.c: each record judged by what was said and by what the model holds of its instance so far. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/journal.h"
#include "runtime/runtime_impl.h"
#include "schema/json.h"

const char *status_text(status s) {
  static const char *const names[] = {"running", "paused", "incident", "completed", "cancelled"};
  return names[s];
}

actor *model_find(model *m, const char *id) {
  for (unsigned i = 0; i < m->actor_count; i++)
    if (strcmp(m->actors[i].id, id) == 0) return &m->actors[i];
  return NULL;
}

/* ---- the log by itself -------------------------------------------------------------------------- */

static uint64_t hash_of(const fsm__bytes *bytes) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < bytes->len; i++) hash = (hash ^ ((const uint8_t *)bytes->data)[i]) * 1099511628211u;
  return hash;
}

/* What was durable once keeps its bytes; seq, time and chain go on without a gap. */
static void check_log(model *m, const fsm__journal_entry *entry, const fsm_record *r) {
  world *w = m->w;
  const unsigned long long seq = (unsigned long long)r->seq;
  if (r->seq != m->seq + 1) wrong(w, "record %llu comes after %llu", seq, (unsigned long long)m->seq);
  if (r->i == 0 ? r->time_ns <= m->time_ns : r->time_ns != m->time_ns)
    wrong(w, "record %llu: its time is not later than the one before", seq);
  if (memcmp(r->prev, m->leaf, sizeof m->leaf) != 0)
    wrong(w, "record %llu: prev is not the leaf before", seq);
  stamp *at = &w->stamps[r->seq];
  const uint64_t hash = hash_of(&entry->record);
  if (at->hash != 0 && at->hash != hash) wrong(w, "record %llu has other bytes than before", seq);
  at->hash = hash;
  if (!r->clock && (r->time_ns < at->wall_ns || r->time_ns - at->wall_ns > MS))
    wrong(w, "record %llu: its time is %lld ns off the clock", seq, (long long)(r->time_ns - at->wall_ns));
  if (r->clock && r->time_ns < at->wall_ns) wrong(w, "record %llu: held, and behind the clock", seq);
  m->seq = r->seq;
  m->time_ns = r->time_ns;
  fsm__hash leaf = fsm__leaf(entry->record.data, entry->record.len);
  memcpy(m->leaf, leaf.bytes, sizeof m->leaf);
}

/* ---- which command ------------------------------------------------------------------------------ */

/* A retry or a skip goes on with the correlation of what it takes up again. */
static bool is_again(const fsm_record *r) {
  const fsm_value *command = fsm_is(&r->detail, FSM_MAP) ? fsm_map_get(&r->detail, "command") : NULL;
  if (r->cause != FSM_CAUSE_ADMIN || command == NULL || !fsm_is(command, FSM_STRING)) return false;
  return (command->len == 5 && memcmp(command->s, "retry", 5) == 0) ||
         (command->len == 4 && memcmp(command->s, "skip", 4) == 0);
}

static bool is_under_key(const fsm_record *r, const char *idem) {
  if (idem[0] == '\0' || !fsm_is(&r->idem, FSM_LIST) || r->idem.len == 0) return false;
  const fsm_value *stored = &r->idem.items[0];
  const fsm__hash key = fsm__sha256(idem, strlen(idem));
  return fsm_is(stored, FSM_BYTES) && stored->len == 16 && memcmp(stored->s, key.bytes, 16) == 0;
}

/* Its answer says which record it is. Where the power went before the answer, the record may be there all the
 * same: then it is found by its key, if it had one. */
static const said *answered_with(const model *m, const fsm_record *r) {
  for (unsigned i = 0; i < m->w->said_count; i++) {
    const said *s = &m->w->saids[i];
    const bool again = s->kind == FSM_CMD_RETRY || s->kind == FSM_CMD_SKIP;
    if (!again || s->gone) continue;
    if (s->answered && !s->replayed && s->seq == r->seq) return s;
  }
  for (unsigned i = 0; i < m->w->said_count; i++) {
    const said *s = &m->w->saids[i];
    if (!s->gone && s->vague && !s->answered && m->taken[i] == 0 && strcmp(s->instance, r->inst) == 0 &&
        is_under_key(r, s->idem))
      return s;
  }
  return NULL;
}

/* The command whose first record this is; NULL = time, tasks and messages did it. */
static const said *command_of(model *m, const fsm_record *r) {
  const bool own = r->i == 0 && fsm_is(&r->msg, FSM_NULL) && r->tok == NULL && r->caus == NULL &&
                   (r->cause == FSM_CAUSE_EXTERNAL || r->cause == FSM_CAUSE_ADMIN);
  if ((!own && r->kind != FSM_RECORD_DEPLOYED) || r->corr == NULL || r->corr[0] != 'c') return NULL;
  if (is_again(r)) return answered_with(m, r);
  unsigned number = (unsigned)strtoul(r->corr + 1, NULL, 10);
  if (number >= m->w->said_count)
    wrong(m->w, "record %llu: nobody said %s", (unsigned long long)r->seq, r->corr);
  return &m->w->saids[number];
}

static int64_t value_of(const fsm_record *r) {
  const fsm_value *v = fsm_is(&r->data, FSM_MAP) ? fsm_map_get(&r->data, "v") : &r->data;
  return v != NULL && fsm_is(v, FSM_INT) ? v->i : 0;
}

static void check_said(model *m, const fsm_record *r) {
  world *w = m->w;
  const said *s = command_of(m, r);
  if (s == NULL) return;
  const unsigned number = (unsigned)(s - w->saids);
  const unsigned long long seq = (unsigned long long)r->seq;
  if (s->gone) wrong(w, "record %llu is of c%u, which was said only after the power went", seq, number);
  if (s->instance[0] != '\0' && strcmp(s->instance, r->inst) != 0)
    wrong(w, "record %llu of c%u is of instance %s", seq, number, r->inst);
  if (s->kind == FSM_CMD_SEND && r->kind != FSM_RECORD_CREATED &&
      (r->trigger == NULL || strcmp(r->trigger, s->event) != 0 || value_of(r) != s->v))
    wrong(w, "record %llu is not what c%u sent", seq, number);
  if (r->kind == FSM_RECORD_REJECTED) {
    if (s->answered && s->code == FSM_OK) wrong(w, "c%u was taken, record %llu says refused", number, seq);
    return;
  }
  if (m->taken[number] != 0) wrong(w, "c%u is taken twice, record %llu", number, seq);
  m->taken[number] = r->seq;
  m->taken_ns[number] = r->time_ns;
}

/* Was one under its key taken with this seq? */
static bool was_taken(const model *m, const said *s) {
  for (unsigned i = 0; i < m->w->said_count; i++)
    if (m->w->saids[i].group == s->group && m->taken[i] == s->seq) return true;
  return false;
}

/* A send by business key is known at the open instance and at the last that ended; not when another one had
 * the key meanwhile (runtime/README.md, Idempotency). */
static bool is_out_of_reach(const model *m, const said *s, uint64_t first, uint64_t second) {
  if (s->kind != FSM_CMD_SEND || s->key[0] == '\0') return false;
  for (unsigned i = 0; i < m->actor_count; i++) {
    const actor *a = &m->actors[i];
    if (strcmp(a->key, s->key) == 0 && a->made_seq > first && a->made_seq < second) return true;
  }
  return false;
}

/* What was given to one was begun for him, and given to nobody else. */
static void check_claim(const model *m, const said *s, unsigned number) {
  const world *w = m->w;
  if (s->code != FSM_OK || s->had != (s->seq != 0)) {
    if (s->code == FSM_OK)
      wrong(w, "c%u: a claim was answered with seq %llu", number, (unsigned long long)s->seq);
    return;
  }
  if (!s->had || s->seq > m->seq) return;
  if (m->begun_by[s->seq] != model_task_mark(s->token))
    wrong(w, "c%u has the task, and record %llu begins it not", number, (unsigned long long)s->seq);
  for (unsigned i = 0; i < number; i++) {
    const said *other = &w->saids[i];
    if (other->claim && !other->gone && other->answered && other->had && other->seq == s->seq)
      wrong(w, "c%u and c%u have one attempt", i, number);
  }
}

/* Answers are what was recorded; no key is taken twice; what was taken is in the order of saying. */
static void check_answers(const model *m) {
  const world *w = m->w;
  static uint64_t by_group[SAIDS_MAX]; /* the last under this key */
  static int64_t ns_of[SAIDS_MAX];
  uint64_t before = 0;
  memset(by_group, 0, sizeof by_group);
  for (unsigned i = 0; i < w->said_count; i++) {
    const said *s = &w->saids[i];
    if (m->taken[i] == 0) continue;
    if (m->taken[i] < before) wrong(w, "c%u is recorded before what was said before it", i);
    before = m->taken[i];
    const int64_t since_ns = m->taken_ns[i] - ns_of[s->group];
    if (by_group[s->group] != 0 && since_ns < FSM_IDEM_TTL_NS &&
        !is_out_of_reach(m, s, by_group[s->group], before))
      wrong(w, "key %s is taken twice: seq %llu", s->idem, (unsigned long long)before);
    by_group[s->group] = before;
    ns_of[s->group] = m->taken_ns[i];
  }
  for (unsigned i = 0; i < w->said_count; i++) {
    const said *s = &w->saids[i];
    if (s->gone || !s->answered) continue;
    const uint64_t taken = s->replayed ? (was_taken(m, s) ? s->seq : 0) : m->taken[i];
    const bool worker = s->kind >= FSM_CMD_TASK_STARTED && s->kind <= FSM_CMD_TASK_FAIL;
    if (s->code != FSM_OK && m->taken[i] != 0) wrong(w, "c%u was refused (%s) and is recorded", i, s->text);
    if (s->code == FSM_OK && !worker && taken != s->seq)
      wrong(w, "c%u was answered with seq %llu, recorded is %llu", i, (unsigned long long)s->seq,
            (unsigned long long)taken);
    if (s->claim) check_claim(m, s, i);
    if (s->code == FSM_ERETIRED && !model_may_be_retired(m, i))
      wrong(w, "c%u is refused as retired, and a version is live", i);
    if (s->code == FSM_OK && s->seq > m->seq)
      wrong(w, "c%u: its record %llu is gone", i, (unsigned long long)s->seq);
    if ((s->code == FSM_EFULL || s->code == FSM_EBUSY) && !s->roomless)
      wrong(w, "c%u is refused, and there is room: %s", i, s->text);
    if (s->code == FSM_ECORRUPT || s->code == FSM_EIO || s->code == FSM_EVERIFY || s->code == FSM_ENOMEM)
      wrong(w, "c%u: %s", i, s->text);
  }
}

/* ---- instances ---------------------------------------------------------------------------------- */

static void leaf_of(const fsm_value *list, char out[16]) {
  out[0] = '\0';
  if (fsm_is(list, FSM_LIST) && list->len == 1 && fsm_is(&list->items[0], FSM_STRING))
    snprintf(out, 16, "%.*s", (int)list->items[0].len, list->items[0].s);
}

static actor *created(model *m, const fsm_record *r) {
  if (model_find(m, r->inst) != NULL) wrong(m->w, "%s is created twice", r->inst);
  if (m->actor_count == ACTORS_MAX) wrong(m->w, "over %d instances", ACTORS_MAX);
  for (unsigned i = 0; r->key != NULL && i < m->actor_count; i++)
    if (m->actors[i].status <= INCIDENT && strcmp(m->actors[i].key, r->key) == 0)
      wrong(m->w, "key %s is open twice: %s and %s", r->key, m->actors[i].id, r->inst);
  actor *a = &m->actors[m->actor_count++];
  snprintf(a->id, sizeof a->id, "%s", r->inst);
  snprintf(a->machine, sizeof a->machine, "%s", r->mach);
  snprintf(a->key, sizeof a->key, "%s", r->key ? r->key : "");
  leaf_of(&r->to, a->state);
  a->made_seq = r->seq;
  model_made(m, a, r, command_of(m, r));
  return a;
}

/* The fields that the delta names have the model's values. */
static void check_context(const model *m, const actor *a, const fsm_record *r) {
  const struct {
    const char *name;
    int64_t now;
  } fields[] = {{"n", a->n}, {"s", a->s}};
  for (unsigned i = 0; i < 2; i++) {
    const fsm_value *delta = fsm_is(&r->ctx, FSM_MAP) ? fsm_map_get(&r->ctx, fields[i].name) : NULL;
    if (delta == NULL) continue;
    const fsm_value *now = &delta->items[delta->len - 1];
    if (!fsm_is(now, FSM_INT) || now->i != fields[i].now)
      wrong(m->w, "record %llu: %s.%s should be %lld", (unsigned long long)r->seq, a->id, fields[i].name,
            (long long)fields[i].now);
  }
}

static void transition(model *m, actor *a, const fsm_record *r) {
  const unsigned long long seq = (unsigned long long)r->seq;
  char from[16], to[16];
  leaf_of(&r->from, from);
  leaf_of(&r->to, to);
  if (a->status != RUNNING) wrong(m->w, "record %llu: %s is %s", seq, a->id, status_text(a->status));
  if (strcmp(from, a->state) != 0) wrong(m->w, "record %llu: %s was in %s", seq, a->id, a->state);
  const char *after = model_step(a, r->trigger, value_of(r));
  if (after == NULL) wrong(m->w, "record %llu: %s takes no %s in %s", seq, a->id, r->trigger, a->state);
  if (strcmp(after, to) != 0) wrong(m->w, "record %llu: %s should be in %s", seq, a->id, after);
  const bool entered = strcmp(from, to) != 0 || strcmp(r->trigger, "AGAIN") == 0;
  snprintf(a->state, sizeof a->state, "%s", to);
  if (entered) a->alarm.set = a->job.open = false;
  model_timers(m, a, r, entered);
  check_context(m, a, r);
}

static void rejected(model *m, const actor *a, const fsm_record *r) {
  const said *s = command_of(m, r);
  if (s == NULL || s->kind != FSM_CMD_SEND) return;
  const fsm_code why = fsm_code_of(r->reason);
  const bool takes = a->status == RUNNING && model_takes(a, s->event, s->v);
  const bool stale = s->expect_rev >= 0 && (uint64_t)s->expect_rev != a->rev;
  bool right = !takes || stale || why == FSM_EDUPLICATE;
  if (why == FSM_EPAUSED) right = a->status == PAUSED;
  if (why == FSM_EINCIDENT) right = a->status == INCIDENT;
  if (why == FSM_ECOMPLETED) right = a->status >= COMPLETED;
  if (why == FSM_EPERMISSION) right = strcmp(a->machine, "gate") == 0 && !IS_BOSS(s->v);
  if (why == FSM_EGUARD) right = strcmp(s->event, "ADD") == 0 && s->v <= 0;
  if (why == FSM_ESTALE) right = stale;
  if (!right)
    wrong(m->w, "record %llu refuses c%u: %s", (unsigned long long)r->seq, (unsigned)(s - m->w->saids),
          r->reason);
}

static void forced(model *m, actor *a, const fsm_record *r) {
  char to[16];
  const fsm_value *left = fsm_map_get(&r->detail, "status");
  const bool paused = left != NULL && fsm_is(left, FSM_STRING) && left->len == 6;
  leaf_of(&r->to, to);
  a->status = paused ? PAUSED : RUNNING; /* a paused one stays that */
  if (strcmp(to, a->state) == 0) return;
  snprintf(a->state, sizeof a->state, "%s", to);
  a->alarm.set = a->job.open = false;
  model_timers(m, a, r, true);
}

static void ended(actor *a, status how) {
  a->status = how;
  a->alarm.set = a->job.open = false;
}

static void by_kind(model *m, actor *a, const fsm_record *r) {
  const said *s = command_of(m, r);
  switch (r->kind) {
    case FSM_RECORD_CREATED: model_timers(m, a, r, true); break;
    case FSM_RECORD_TRANSITION: transition(m, a, r); break;
    case FSM_RECORD_TIMER_FIRED: model_fired(m, a, r); break;
    case FSM_RECORD_TASK_STARTED:
    case FSM_RECORD_TASK_DONE:
    case FSM_RECORD_TASK_FAILED: model_task(m, a, r); break;
    case FSM_RECORD_INCIDENT_OPENED: a->status = INCIDENT; break;
    case FSM_RECORD_INCIDENT_CLOSED:
    case FSM_RECORD_RESUMED:
      a->status = RUNNING;
      a->woken_seq = r->seq;
      break;
    case FSM_RECORD_PAUSED:
      if (a->status != RUNNING)
        wrong(m->w, "record %llu pauses what is not running", (unsigned long long)r->seq);
      a->status = PAUSED;
      break;
    case FSM_RECORD_FORCED: forced(m, a, r); break;
    case FSM_RECORD_COMPLETED: ended(a, COMPLETED); break;
    case FSM_RECORD_CANCELLED: ended(a, CANCELLED); break;
    case FSM_RECORD_ADMIN:
      if (s != NULL && s->kind == FSM_CMD_SET) a->s = s->v;
      check_context(m, a, r);
      break;
    default: break;
  }
  model_tasks(m, a, r);
}

/* The next version of its route, with what was said; the same twice running is no version. */
static void routed(model *m, const fsm_record *r) {
  const unsigned long long seq = (unsigned long long)r->seq;
  const said *s = command_of(m, r);
  const fsm_value *version = fsm_map_get(&r->detail, "version"), *route = fsm_map_get(&r->detail, "route");
  if (s == NULL) wrong(m->w, "record %llu: nobody said so", seq);
  const unsigned n = (unsigned)(s->name[5] - '0');
  const fsm_value *level = route != NULL ? fsm_map_get(route, "level") : NULL;
  const int64_t now = level != NULL ? level->i : -1;
  if (version == NULL || version->i != (int64_t)++m->routes[n].version)
    wrong(m->w, "record %llu: it is not version %u of %s", seq, m->routes[n].version, s->name);
  if ((s->kind == FSM_CMD_ROUTE_SET) != (route != NULL) || (route != NULL && now != s->v))
    wrong(m->w, "record %llu is not what was said of %s", seq, s->name);
  const int64_t stood = m->routes[n].version > 1 ? m->routes[n].level : -1;
  if (now == stood) wrong(m->w, "record %llu: %s stood like that already", seq, s->name);
  m->routes[n].level = now;
}

/* ---- messages ----------------------------------------------------------------------------------- */

static void text_of(const fsm_value *map, const char *name, char *out, size_t size) {
  const fsm_value *v = fsm_map_get(map, name);
  snprintf(out, size, "%.*s", v != NULL && fsm_is(v, FSM_STRING) ? (int)v->len : 0, v != NULL ? v->s : "");
}

static void letters(model *m, const fsm_record *r) {
  for (size_t i = 0; fsm_is(&r->sends, FSM_LIST) && i < r->sends.len; i++) {
    if (m->letter_count == SENDS_MAX) wrong(m->w, "over %d messages", SENDS_MAX);
    letter *l = &m->letters[m->letter_count];
    snprintf(l->from, sizeof l->from, "%s", r->inst);
    text_of(&r->sends.items[i], "id", l->id, sizeof l->id);
    text_of(&r->sends.items[i], "to", l->to, sizeof l->to);
    if (l->id[0] != '\0') m->letter_count++;
  }
  if (!fsm_is(&r->msg, FSM_MAP)) return;
  char from[ID_SIZE], id[32];
  text_of(&r->msg, "from", from, sizeof from);
  text_of(&r->msg, "id", id, sizeof id);
  for (unsigned i = 0; i < m->letter_count; i++) {
    letter *l = &m->letters[i];
    if (strcmp(l->from, from) != 0 || strcmp(l->id, id) != 0) continue;
    if (l->gone)
      wrong(m->w, "record %llu: message %s of %s comes twice", (unsigned long long)r->seq, id, from);
    l->gone = true;
    return;
  }
  wrong(m->w, "record %llu: nobody sent message %s of %s", (unsigned long long)r->seq, id, from);
}

/* ---- all ---------------------------------------------------------------------------------------- */

static void check_revision(model *m, actor *a, const fsm_record *r) {
  const unsigned long long seq = (unsigned long long)r->seq;
  if (r->iprev != a->last_seq)
    wrong(m->w, "record %llu: iprev is not %llu", seq, (unsigned long long)a->last_seq);
  const bool rejects = r->kind == FSM_RECORD_REJECTED;
  const uint64_t most = a->rev + (r->i == 0 && !rejects);
  if (r->rev < a->rev || r->rev > most)
    wrong(m->w, "record %llu: revision %llu after %llu", seq, (unsigned long long)r->rev,
          (unsigned long long)a->rev);
  const bool moves = r->kind == FSM_RECORD_TRANSITION || r->kind == FSM_RECORD_PAUSED ||
                     r->kind == FSM_RECORD_RESUMED || r->kind == FSM_RECORD_FORCED ||
                     r->kind == FSM_RECORD_CANCELLED;
  if (moves && r->i == 0 && r->rev != most) wrong(m->w, "record %llu: the revision stands still", seq);
  a->rev = r->rev;
  if (!rejects) a->last_seq = r->seq;
  a->records++;
}

static void tell_record(const world *w, const fsm_record *r, fsm_arena *arena) {
  fsm_value v;
  fsm_buf buf = {0};
  fsm_error err;
  if (!w->tell || r->kind == FSM_RECORD_DEPLOYED || fsm_record_view(arena, r, NULL, &v, &err) != FSM_OK)
    return;
  fsm_json_write(&buf, &v);
  printf("      record %s\n", fsm_buf_text(&buf));
  fsm_buf_free(&buf);
}

static bool any_live(const model *m) {
  for (unsigned v = 1; v <= m->newest; v++)
    if (m->versions[v].live) return true;
  return false;
}

static void record(model *m, const fsm__journal_entry *entry, fsm_arena *arena, bool tell) {
  fsm_record r;
  fsm_error err = {.text = ""};
  if (fsm_record_decode(arena, entry->record.data, entry->record.len, &r, &err) != FSM_OK)
    wrong(m->w, "record %llu: %s", (unsigned long long)entry->seq, err.text);
  if (tell) tell_record(m->w, &r, arena);
  check_log(m, entry, &r);
  letters(m, &r);
  if (r.kind == FSM_RECORD_ROUTE) routed(m, &r);
  const bool of_versions = r.kind == FSM_RECORD_DEPLOYED || r.kind == FSM_RECORD_RETIRED;
  if (of_versions) model_versions(m, &r, command_of(m, &r));
  m->any_live[r.seq] = any_live(m);
  if (r.kind == FSM_RECORD_ROUTE || of_versions || (r.kind == FSM_RECORD_ADMIN && r.inst == NULL))
    check_said(m, &r);
  if (r.inst == NULL) return;
  actor *a = r.kind == FSM_RECORD_CREATED ? created(m, &r) : model_find(m, r.inst);
  if (a == NULL)
    wrong(m->w, "record %llu is of %s, which was not created", (unsigned long long)r.seq, r.inst);
  check_said(m, &r);
  check_revision(m, a, &r);
  if (r.kind == FSM_RECORD_REJECTED)
    rejected(m, a, &r);
  else
    by_kind(m, a, &r);
}

model *model_of(world *w) {
  fsm_error err = {.text = ""};
  fsm__journal_cursor *cursor = NULL;
  fsm__journal_entry entry;
  bool found = true;
  fsm_arena arena;
  model *m = calloc(1, sizeof *m);
  if (m == NULL) abort();
  m->w = w;
  fsm_arena_init(&arena, 0);
  fsm_code code = fsm__journal_cursor_open(fsm__runtime_journal(w->runtime), 1, &cursor, &err);
  while (code == FSM_OK && (code = fsm__journal_next(cursor, &entry, &found, &err)) == FSM_OK && found) {
    record(m, &entry, &arena, entry.seq > w->told_seq);
    fsm_arena_reset(&arena);
  }
  if (code != FSM_OK) wrong(w, "the journal cannot be read: %s: %s", err.where, err.text);
  fsm__journal_cursor_close(cursor);
  fsm_arena_free(&arena);
  if (m->seq < w->durable)
    wrong(w, "durable was %llu, the journal ends at %llu", (unsigned long long)w->durable,
          (unsigned long long)m->seq);
  w->told_seq = m->seq;
  check_answers(m);
  return m;
}

void model_free(model *m) { free(m); }
