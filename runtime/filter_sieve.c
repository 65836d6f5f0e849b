/* filter_sieve.c: does an instance pass? The cheap tests first, the expression and the journal last. */
#include "runtime/filter_sieve.h"

#include <string.h>

#include "schema/pack_read.h"

/* ---- what there must be ------------------------------------------------------------------------- */

/* Is it what the path ends in, and not all of it? */
static bool ends_in(const char *path, const char *name) {
  const size_t len = strlen(path), end = strlen(name);
  return len > end && path[len - end - 1] == '.' && strcmp(path + len - end, name) == 0;
}

/* Does any version of the machine (of any machine) have a state that this names? If not: one inside others
 * that is called so, else NULL. */
static fsm_code known_state(const fsm__reading *at, const char *machine, const char *wanted, bool *known,
                            const char **inside, fsm_error *err) {
  const fsm__deployed *newest = NULL;
  *known = false;
  for (unsigned i = 0; !*known && (newest = fsm__catalog_newest(at->core->catalog, i)) != NULL; i++) {
    if (machine != NULL && strcmp(newest->id, machine) != 0) continue;
    for (uint32_t v = newest->version; !*known && v >= 1; v--) {
      const fsm__deployed *d = fsm__catalog_find(at->core->catalog, newest->id, v);
      fsm_code code = d == NULL ? FSM_OK : fsm__catalog_need(at->core->catalog, d, err);
      if (code != FSM_OK) return code;
      for (unsigned s = 1; d != NULL && !*known && s < fsm_machine_states(d->machine); s++) {
        const char *path = fsm_state_path(d->machine, s);
        *known = fsm__state_matches(path, wanted);
        if (*inside == NULL && ends_in(path, wanted)) *inside = path;
      }
    }
  }
  return FSM_OK;
}

static fsm_code check_names(fsm__sieve *sieve, fsm_error *err) {
  const fsm_filter *f = sieve->filter;
  const fsm__reading *at = sieve->at;
  bool known = true;
  if (f->machine != NULL) {
    const fsm__deployed *newest = fsm__catalog_find(at->core->catalog, f->machine, 0);
    if (newest == NULL)
      return fsm_fail(err, FSM_EMACHINE, "machine", "no machine \"%s\" is deployed", f->machine);
    sieve->machine = newest->number;
  }
  if (f->state == NULL) return FSM_OK;
  const char *inside = NULL;
  fsm_code code = known_state(at, f->machine, f->state, &known, &inside, err);
  if (code != FSM_OK || known) return code;
  const char *meant = inside == NULL ? "" : "; did you mean ", *end = inside == NULL ? "" : "?";
  if (inside == NULL) inside = "";
  if (f->machine == NULL)
    return fsm_fail(err, FSM_ENOTFOUND, "state", "no deployed machine has a state \"%.128s\"%s%s%s", f->state,
                    meant, inside, end);
  return fsm_fail(err, FSM_ENOTFOUND, "state", "machine %s has no state \"%.128s\"%s%s%s", f->machine,
                  f->state, meant, inside, end);
}

fsm_code fsm__sieve_open(const fsm__reading *at, const fsm_filter *filter, int64_t now_ns, fsm__sieve *out,
                         fsm_error *err) {
  const unsigned look = at->query->look;
  uint32_t kinds = 0;
  for (unsigned i = 0; i < filter->kind_count; i++) kinds |= filter->kinds[i];
  if ((kinds & FSM__KIND_SILENT) != 0 && filter->for_least_ns == 0)
    return fsm_fail(err, FSM_EARGUMENT, "kind", "silent for how long? with for: 2d");
  *out = (fsm__sieve){
      .at = at,
      .filter = filter,
      .now_ns = now_ns,
      .kinds = kinds,
      .look_max = look > 0 && look < FSM__SIEVE_LOOK_MAX ? look : FSM__SIEVE_LOOK_MAX,
      .since_ns = fsm__instant_ns(&filter->since, now_ns, INT64_MIN),
      .until_ns = fsm__instant_ns(&filter->until, now_ns, INT64_MAX),
      .updated_since_ns = fsm__instant_ns(&filter->updated_since, now_ns, INT64_MIN),
      .updated_until_ns = fsm__instant_ns(&filter->updated_until, now_ns, INT64_MAX),
      .touched = {{.what = FSM__FIND_TRACE, .text = filter->trace},
                  {.what = FSM__FIND_CORRELATION, .text = filter->correlation},
                  {.what = FSM__FIND_USER, .text = filter->user}},
  };
  fsm_code code = check_names(out, err);
  for (unsigned i = 0; i < FSM__TOUCHED_BY && code == FSM_OK; i++)
    if (out->touched[i].text != NULL) code = fsm__touched_read(out, &out->touched[i], err);
  return code;
}

/* ---- machines ----------------------------------------------------------------------------------- */

static fsm_code know(fsm__sieve *sieve, const fsm__deployed *deployed, fsm_error *err) {
  const fsm_machine *machine = deployed->machine;
  const char *wanted = sieve->filter->state;
  unsigned states = fsm_machine_states(machine);
  fsm__sieve_machine *known = &sieve->machines[sieve->machine_count % FSM__SIEVE_MACHINES];
  uint8_t *marks = known->marks;
  if (known->room < states) marks = fsm_arena_alloc(sieve->at->arena, states);
  if (marks == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter");
  fsm_foresee_free(machine, marks);
  for (unsigned s = 0; s < states; s++) {
    marks[s] = marks[s] ? FSM__MARK_FREE : 0;
    bool in = wanted == NULL || (s > 0 && (fsm__state_matches(fsm_state_path(machine, s), wanted) ||
                                           (marks[fsm_state_parent(machine, s)] & FSM__MARK_WANTED)));
    if (in) marks[s] |= FSM__MARK_WANTED;
    if (fsm_state_has_tag(machine, s, "failed")) marks[s] |= FSM__MARK_FAILED;
  }
  sieve->last = sieve->machine_count++ % FSM__SIEVE_MACHINES;
  *known = (fsm__sieve_machine){deployed, fsm__catalog_mask(sieve->at->core->catalog, deployed->hash.bytes),
                                marks, known->room < states ? states : known->room};
  return FSM_OK;
}

/* The one that a row begins with, when it is known; else the last one that was. */
static const fsm__deployed *likely(fsm__sieve *sieve, const void *value, size_t len) {
  fsm__reader in = fsm__reader_of(value, len);
  fsm_value list, machine, version;
  if (fsm__read_token(&in, &list) != NULL || fsm__read_token(&in, &machine) != NULL ||
      fsm__read_token(&in, &version) != NULL)
    return NULL;
  const unsigned count =
      sieve->machine_count < FSM__SIEVE_MACHINES ? sieve->machine_count : FSM__SIEVE_MACHINES;
  for (unsigned i = 0; i < count; i++) {
    unsigned at = (sieve->last + i) % count;
    if (sieve->machines[at].deployed->number != machine.u ||
        sieve->machines[at].deployed->version != version.u)
      continue;
    sieve->last = at;
    return sieve->machines[at].deployed;
  }
  return NULL;
}

fsm_code fsm__sieve_glance(fsm__sieve *sieve, uint64_t number, const void *value, size_t len,
                           fsm_arena *scratch, fsm__glance *out, fsm_error *err) {
  const fsm__deployed *known = likely(sieve, value, len);
  fsm_code code = fsm__glance_read(sieve->at->core->catalog, number, value, len, scratch, known, out, err);
  return code == FSM_OK && out->deployed != known ? know(sieve, out->deployed, err) : code;
}

fsm_code fsm__sieve_row(fsm__sieve *sieve, uint64_t number, const void **value, size_t *len, fsm_error *err) {
  const fsm__key key = fsm__key_instance(number, 's', NULL, 0);
  sieve->looked += FSM__LOOK_POINT;
  fsm_code code =
      fsm__store_get(sieve->at->core->store, FSM_T_INSTANCES, key.bytes, key.len, value, len, err);
  if (code != FSM_ENOTFOUND) return code;
  return fsm_fail(err, FSM_ECORRUPT, "store: instances", "instance number %llu has no row",
                  (unsigned long long)number);
}

fsm_code fsm__sieve_load(fsm__sieve *sieve, uint64_t number, fsm_arena *scratch, fsm__glance *out,
                         fsm_error *err) {
  const void *value = NULL;
  size_t len = 0;
  fsm_code code = fsm__sieve_row(sieve, number, &value, &len, err);
  return code == FSM_OK ? fsm__sieve_glance(sieve, number, value, len, scratch, out, err) : code;
}

const fsm__sieve_machine *fsm__sieve_machine_of(const fsm__sieve *sieve, const fsm__glance *glance) {
  FSM_ASSERT(sieve->machines[sieve->last].deployed == glance->deployed);
  return &sieve->machines[sieve->last];
}

int64_t fsm__sieve_since(const fsm__sieve *sieve, const fsm__glance *glance) {
  const uint8_t *marks = fsm__sieve_machine_of(sieve, glance)->marks;
  int64_t since = INT64_MAX;
  for (unsigned i = 0; i < glance->active_count; i++) {
    const fsm__since *active = &glance->active[i];
    if (active->ns < since && (marks[active->state] & FSM__MARK_WANTED) &&
        fsm_state_is_leaf(glance->deployed->machine, active->state))
      since = active->ns;
  }
  return since;
}

/* ---- tests -------------------------------------------------------------------------------------- */

bool fsm__sieve_failed(const fsm__glance *g, const uint8_t *marks) {
  if (g->status == FSM_INCIDENT) return true;
  for (unsigned i = 0; i < g->active_count && g->status == FSM_COMPLETED; i++)
    if (marks[g->active[i].state] & FSM__MARK_FAILED) return true;
  return false;
}

uint32_t fsm__sieve_open_statuses(const fsm_filter *f) {
  const uint32_t incident = 1u << FSM_INCIDENT;
  uint32_t out = (1u << FSM_STATUS_COUNT) - 1;
  for (unsigned i = 0; i < f->status_count; i++) {
    const uint32_t bits = f->statuses[i];
    if ((bits & FSM__ARE_FORCED) == 0) out &= bits | ((bits & FSM__ARE_FAILED) != 0 ? incident : 0);
  }
  for (unsigned i = 0; i < f->kind_count; i++)
    if (f->kinds[i] == FSM__KIND_FAILED) out &= incident;
  return out;
}

static bool status_passes(const fsm_filter *f, const fsm__glance *g, const uint8_t *marks) {
  uint32_t bits = 1u << g->status;
  if (f->status_count == 0) return true;
  if (fsm__sieve_failed(g, marks)) bits |= FSM__ARE_FAILED;
  if (g->forced) bits |= FSM__ARE_FORCED;
  for (unsigned i = 0; i < f->status_count; i++)
    if ((f->statuses[i] & bits) == 0) return false;
  return true;
}

static bool key_passes(const fsm_filter *f, fsm__span key) {
  if (f->key == NULL) return true;
  if (key.at == NULL) return false;
  if (f->key_exact != NULL)
    return strlen(f->key_exact) == key.len && memcmp(f->key_exact, key.at, key.len) == 0;
  return fsm__glob_matches(f->key, key.at, key.len);
}

static bool times_pass(const fsm__sieve *s, const fsm__glance *g) {
  return g->created_ns >= s->since_ns && g->created_ns < s->until_ns &&
         g->updated_ns >= s->updated_since_ns && g->updated_ns < s->updated_until_ns;
}

static bool age_passes(const fsm__sieve *s, int64_t since_ns) {
  int64_t age = s->now_ns > since_ns ? s->now_ns - since_ns : 0;
  if (s->filter->for_least_ns == 0 && s->filter->for_less_ns == INT64_MAX) return true;
  return age >= s->filter->for_least_ns && age < s->filter->for_less_ns;
}

/* As they are shown: a masked one has the value of its mask. */
static bool label_passes(const fsm__glance *g, const fsm_mask *mask, const char *name, const char *value) {
  fsm__reader in = fsm__reader_of(g->labels.at, g->labels.len);
  fsm_value token, key;
  if (fsm__read_token(&in, &token) != NULL || !fsm_is(&token, FSM_MAP)) return false;
  for (uint32_t left = token.len; left > 0; left--) {
    if (fsm__read_token(&in, &key) != NULL || fsm__read_token(&in, &token) != NULL) return false;
    if (!fsm_is_text(&key, name)) continue;
    return fsm_mask_hides(mask, name, strlen(name)) ? strcmp(value, FSM_MASKED) == 0
                                                    : fsm_is_text(&token, value);
  }
  return false;
}

static bool row_passes(const fsm__sieve *s, const fsm__glance *g, int64_t since_ns) {
  const fsm_filter *f = s->filter;
  const fsm__sieve_machine *machine = fsm__sieve_machine_of(s, g);
  if (s->machine != 0 && g->machine != s->machine) return false;
  if (f->version != 0 && g->version != f->version) return false;
  if (f->state != NULL && (g->status == FSM_CANCELLED || since_ns == INT64_MAX)) return false;
  if (!status_passes(f, g, machine->marks) || !times_pass(s, g) || !age_passes(s, since_ns) ||
      !key_passes(f, g->key))
    return false;
  for (unsigned i = 0; i < f->label_count; i++)
    if (!label_passes(g, machine->mask, f->labels[i].name, f->labels[i].value)) return false;
  return true;
}

static fsm_code kinds_pass(fsm__sieve *s, const fsm__glance *g, fsm_arena *scratch, bool *passes,
                           fsm_error *err) {
  uint32_t kinds = 0;
  fsm_code code = fsm__sieve_kinds(s, g, s->kinds, scratch, &kinds, err);
  for (unsigned i = 0; i < s->filter->kind_count; i++)
    if ((s->filter->kinds[i] & kinds) == 0) *passes = false;
  return code;
}

fsm_code fsm__sieve_test(fsm__sieve *s, const fsm__glance *g, int64_t since_ns, fsm_arena *scratch,
                         bool *passes, fsm_error *err) {
  fsm_error fault = {.text = ""};
  fsm_code code = FSM_OK;
  uint64_t work = 0;
  *passes = row_passes(s, g, since_ns);
  if (*passes && s->filter->has_where) {
    code = fsm__condition_asks(&s->filter->where, g, fsm__sieve_machine_of(s, g)->mask, s->now_ns, scratch,
                               &work, passes, &fault);
    s->looked += work / FSM__LOOK_WORK;
    if (code == FSM_ENOMEM || code == FSM_ECORRUPT) return fsm_fail(err, code, fault.where, "%s", fault.text);
    if (code != FSM_OK && s->faults++ == 0) s->fault = fault;
    code = FSM_OK;
  }
  for (unsigned i = 0; i < FSM__TOUCHED_BY && *passes && code == FSM_OK; i++)
    if (s->touched[i].text != NULL) code = fsm__touched_has(s, &s->touched[i], g, scratch, passes, err);
  if (*passes && code == FSM_OK && s->kinds != 0) code = kinds_pass(s, g, scratch, passes, err);
  if (*passes) s->matched++;
  return code;
}
