/* model_version.c: which versions of counter there are, which are live, and of which one instances are made.
 */
#include <string.h>

#include "model.h"

static unsigned newest_live(const model *m) {
  unsigned v = m->newest;
  while (v > 0 && !m->versions[v].live) v--;
  return v;
}

/* by NULL: what the play deploys by itself, in its first form. */
static void deployed(model *m, const fsm_record *r, const said *by) {
  const unsigned long long seq = (unsigned long long)r->seq;
  const int64_t form = by != NULL ? by->v : 0;
  const bool same = m->newest > 0 && m->versions[m->newest].live && m->versions[m->newest].form == form;
  if (r->defv != m->newest + 1)
    wrong(m->w, "record %llu deploys version %u after %u", seq, r->defv, m->newest);
  if (same) wrong(m->w, "record %llu deploys what is the newest version already", seq);
  if (++m->newest == VERSIONS_MAX) wrong(m->w, "over %d versions", VERSIONS_MAX);
  m->versions[m->newest].form = form;
  m->versions[m->newest].live = true;
}

static void retired(model *m, const fsm_record *r, const said *by) {
  const unsigned long long seq = (unsigned long long)r->seq;
  const fsm_value *list = fsm_map_get(&r->detail, "versions");
  if (by == NULL || by->kind != FSM_CMD_RETIRE) wrong(m->w, "record %llu: nobody said so", seq);
  if (list == NULL || !fsm_is(list, FSM_LIST) || list->len == 0)
    wrong(m->w, "record %llu retires nothing", seq);
  for (unsigned i = 0; i < list->len; i++) {
    const int64_t v = list->items[i].i;
    if (v < 1 || v > m->newest || !m->versions[v].live)
      wrong(m->w, "record %llu retires version %lld", seq, (long long)v);
    if (by->version != 0 && by->version != v) wrong(m->w, "record %llu retires more than was said", seq);
    m->versions[v].live = false;
  }
  if (by->version == 0 && newest_live(m) != 0) wrong(m->w, "record %llu retires not all", seq);
}

void model_versions(model *m, const fsm_record *r, const said *by) {
  if (strcmp(r->mach, "counter") != 0) return;
  if (r->kind == FSM_RECORD_DEPLOYED)
    deployed(m, r, by);
  else
    retired(m, r, by);
}

void model_made(model *m, actor *a, const fsm_record *r, const said *by) {
  const unsigned long long seq = (unsigned long long)r->seq;
  a->version = r->defv;
  if (strcmp(r->mach, "counter") != 0) return;
  if (r->defv < 1 || r->defv > m->newest || !m->versions[r->defv].live)
    wrong(m->w, "record %llu makes an instance of version %u, which is not live", seq, r->defv);
  const unsigned wanted = by != NULL && by->version != 0 ? by->version : newest_live(m);
  if (r->defv != wanted) wrong(m->w, "record %llu: version %u instead of %u", seq, r->defv, wanted);
}

/* It was decided behind the last command before it that was taken, and before the next one. */
bool model_may_be_retired(const model *m, unsigned number) {
  const said *s = &m->w->saids[number];
  uint64_t from = 1, to = m->seq;
  if (strcmp(s->machine, "counter") != 0) return false;
  if (s->version != 0) return true;
  for (unsigned i = 0; i < number; i++)
    if (m->taken[i] > from) from = m->taken[i];
  for (unsigned i = number + 1; i < m->w->said_count; i++)
    if (m->taken[i] != 0 && m->taken[i] < to) to = m->taken[i];
  for (uint64_t seq = from; seq <= to; seq++)
    if (!m->any_live[seq]) return true;
  return false;
}

/* Tokens end in bytes of a hash. */
uint64_t model_task_mark(const uint8_t *token) {
  uint64_t end;
  memcpy(&end, token + 8, sizeof end);
  return end | 1;
}
