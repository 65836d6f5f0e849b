/* people_configured.c: see people_configured.h. */
#include "runtime/people_configured.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/closest.h"
#include "schema/json.h"
#include "schema/pack.h"
#include "schema/pointer.h"

struct fsm__configured {
  fsm_arena arena;
  fsm_value people;         /* a list of maps, as written */
  const fsm_value **by_sub; /* the same, sorted by sub */
};

/* ---- reading ---------------------------------------------------------------------------------------- */

typedef struct reading {
  fsm_arena *arena;
  fsm__pointer at;
  fsm_error *err;
} reading;

static const char *const texts[] = {"sub", "type", "iss", "authn"};
enum { TEXTS = sizeof texts / sizeof *texts };

static fsm_code wrong(reading *r, const char *member, const char *format, ...) FSM_PRINTF(3, 4);
static fsm_code wrong(reading *r, const char *member, const char *format, ...) {
  char text[FSM_TEXT_MAX];
  va_list args;
  if (member != NULL) (void)fsm__pointer_key(&r->at, member, strlen(member));
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return fsm_fail(r->err, FSM_EARGUMENT, r->at.text, "%s", text);
}

static bool is_name(const fsm_value *value) {
  return fsm_is(value, FSM_STRING) && value->len > 0 && value->len <= FSM_ACTOR_NAME_MAX;
}

static fsm_code check_roles(reading *r, const fsm_value *roles) {
  if (!fsm_is(roles, FSM_LIST)) return wrong(r, "roles", "roles is a list of texts, such as [\"approver\"]");
  for (uint32_t i = 0; i < roles->len; i++) {
    if (is_name(&roles->items[i])) continue;
    (void)fsm__pointer_key(&r->at, "roles", 5);
    (void)fsm__pointer_index(&r->at, i);
    return wrong(r, NULL, "a role is a text of 1 to %d bytes", FSM_ACTOR_NAME_MAX);
  }
  return FSM_OK;
}

static fsm_code check_member(reading *r, const fsm_pair *pair) {
  const char *name = fsm_arena_strndup(r->arena, pair->key.s, pair->key.len);
  fsm__closest closest = {.name = name};
  char near[128];
  if (name == NULL) return fsm_fail(r->err, FSM_ENOMEM, "", "no memory for the people");
  if (strcmp(name, "roles") == 0) return check_roles(r, &pair->value);
  for (size_t i = 0; i < TEXTS; i++)
    if (strcmp(name, texts[i]) == 0)
      return is_name(&pair->value)
                 ? FSM_OK
                 : wrong(r, name, "%s is a text of 1 to %d bytes", name, FSM_ACTOR_NAME_MAX);
  if (strcmp(name, "sid") == 0) return wrong(r, name, "a session is of one visit: leave sid out");
  for (size_t i = 0; i < TEXTS; i++) fsm__closest_try(&closest, texts[i]);
  fsm__closest_try(&closest, "roles");
  if (closest.best == NULL) return FSM_OK;
  return wrong(r, name, "there is no member %.64s%s", name, fsm__closest_text(&closest, near, sizeof near));
}

static fsm_code check_person(reading *r, const fsm_value *person) {
  fsm_buf packed = {0};
  fsm_code code = FSM_OK;
  if (!fsm_is(person, FSM_MAP))
    return wrong(r, NULL, "a person is an object: {\"sub\": \"ana\", \"roles\": [\"approver\"]}");
  for (uint32_t i = 0; i < person->len && code == FSM_OK; i++) code = check_member(r, &person->pairs[i]);
  if (code != FSM_OK) return code;
  if (fsm_map_get(person, "sub") == NULL) return wrong(r, NULL, "sub is missing: who it is");
  if (fsm_pack(&packed, person, r->err) != FSM_OK) code = r->err->code;
  if (code == FSM_OK && packed.len > FSM__PERSON_BYTES_MAX)
    code = wrong(r, NULL, "this takes %zu bytes, more than %d", packed.len, FSM__PERSON_BYTES_MAX);
  fsm_buf_free(&packed);
  return code;
}

static int by_name(const fsm_value *a, const fsm_value *b, const char *member) {
  const fsm_value *one = fsm_map_get(a, member), *other = fsm_map_get(b, member);
  if (one == NULL || other == NULL) return (one != NULL) - (other != NULL);
  return fsm_value_compare(one, other);
}

/* sub, type, iss, then as written: what is the same stands together. */
static int in_order(const void *a, const void *b) {
  const fsm_value *one = *(const fsm_value *const *)a, *other = *(const fsm_value *const *)b;
  int order = by_name(one, other, "sub");
  if (order == 0) order = by_name(one, other, "type");
  if (order == 0) order = by_name(one, other, "iss");
  return order != 0 ? order : (one > other) - (one < other);
}

static fsm_code check_twice(reading *r, const fsm__configured *c) {
  const fsm_value *first = c->people.items;
  for (uint32_t i = 1; i < c->people.len; i++) {
    const fsm_value *one = c->by_sub[i - 1], *other = c->by_sub[i];
    if (by_name(one, other, "sub") != 0 || by_name(one, other, "type") != 0 ||
        by_name(one, other, "iss") != 0)
      continue;
    fsm__pointer_set(&r->at, "");
    (void)fsm__pointer_index(&r->at, (size_t)(other - first));
    const fsm_value *sub = fsm_map_get(other, "sub");
    return wrong(r, NULL, "%.*s is there already, at /%zu: a person has one entry, with all roles",
                 (int)(sub->len < 64 ? sub->len : 64), sub->s, (size_t)(one - first));
  }
  return FSM_OK;
}

static fsm_code check(fsm__configured *c, fsm_error *err) {
  reading r = {.arena = &c->arena, .err = err};
  fsm_code code = FSM_OK;
  fsm__pointer_set(&r.at, "");
  if (!fsm_is(&c->people, FSM_LIST))
    return wrong(&r, NULL, "it is a list of people: [{\"sub\": \"ana\", \"roles\": [\"approver\"]}]");
  if (c->people.len > FSM_PEOPLE_CONFIGURED_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "these are %u people, more than %d", c->people.len,
                    FSM_PEOPLE_CONFIGURED_MAX);
  c->by_sub = fsm_arena_alloc(&c->arena, (c->people.len + 1) * sizeof(fsm_value *));
  if (c->by_sub == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the people");
  for (uint32_t i = 0; i < c->people.len && code == FSM_OK; i++) {
    const size_t mark = fsm__pointer_index(&r.at, i);
    code = check_person(&r, &c->people.items[i]);
    if (code == FSM_OK) fsm__pointer_back(&r.at, mark);
    c->by_sub[i] = &c->people.items[i];
  }
  if (code != FSM_OK) return code;
  qsort(c->by_sub, c->people.len, sizeof *c->by_sub, in_order);
  return check_twice(&r, c);
}

fsm_code fsm__configured_read(const char *text, size_t len, fsm__configured **out, fsm_error *err) {
  *out = NULL;
  if (len > FSM_PEOPLE_BYTES_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "it is longer than %d bytes", FSM_PEOPLE_BYTES_MAX);
  fsm__configured *c = calloc(1, sizeof *c);
  if (c == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the people");
  fsm_arena_init(&c->arena, 0);
  fsm_code code =
      fsm_json_parse_deep(&c->arena, text, len, FSM_JSON_SORTED, FSM_DATA_DEPTH_MAX, &c->people, err);
  if (code == FSM_OK) code = check(c, err);
  if (code == FSM_OK)
    *out = c;
  else
    fsm__configured_free(c);
  return code;
}

void fsm__configured_free(fsm__configured *configured) {
  if (configured == NULL) return;
  fsm_arena_free(&configured->arena);
  free(configured);
}

/* ---- joining ---------------------------------------------------------------------------------------- */

typedef struct joining {
  const fsm__configured *configured;
  fsm_arena *arena;
  bool *met; /* of each configured person: somebody who was seen is that */
} joining;

static bool fits(const fsm_value *entry, const fsm_value *actor, const char *member) {
  const fsm_value *wanted = fsm_map_get(entry, member), *is = fsm_map_get(actor, member);
  return wanted == NULL || (is != NULL && fsm_value_same(wanted, is));
}

static fsm_code lay_over(const joining *j, const fsm_value *entry, fsm__person *person) {
  const bool hidden = !fsm_value_same(&person->actor, &person->shown);
  fsm_value copy;
  fsm_code code = fsm_value_copy(j->arena, entry, &copy, NULL);
  if (code == FSM_OK) code = fsm_map_merge(j->arena, &person->actor, &copy, &person->actor);
  if (!hidden) person->shown = person->actor; /* else who masks it still does */
  person->configured = true;
  return code;
}

/* The first entry of that sub. */
static uint32_t find(const fsm__configured *c, const fsm_value *actor) {
  uint32_t from = 0, to = c->people.len;
  while (from < to) {
    const uint32_t middle = from + (to - from) / 2;
    if (by_name(c->by_sub[middle], actor, "sub") < 0)
      from = middle + 1;
    else
      to = middle;
  }
  return from;
}

/* Entries that say less stand in front: the one that says most of whose it is wins. */
static fsm_code meet(const joining *j, fsm__person *person) {
  const fsm__configured *c = j->configured;
  const fsm_value seen = person->actor;
  fsm_code code = FSM_OK;
  for (uint32_t i = find(c, &seen); i < c->people.len && code == FSM_OK; i++) {
    const fsm_value *entry = c->by_sub[i];
    if (by_name(entry, &seen, "sub") != 0) break;
    if (!fits(entry, &seen, "type") || !fits(entry, &seen, "iss")) continue;
    code = lay_over(j, entry, person);
    j->met[entry - c->people.items] = true;
  }
  return code;
}

static fsm_code join(const joining *j, const fsm__people *seen, fsm__people *out) {
  const fsm_value *people = &j->configured->people;
  fsm__person *at = fsm_arena_alloc(j->arena, (seen->count + people->len + 1) * sizeof *at);
  fsm_code code = at == NULL || j->met == NULL ? FSM_ENOMEM : FSM_OK;
  for (unsigned i = 0; i < seen->count && code == FSM_OK; i++) {
    at[i] = seen->at[i];
    code = meet(j, &at[i]);
  }
  unsigned count = seen->count;
  for (uint32_t i = 0; i < people->len && code == FSM_OK; i++) {
    if (j->met[i]) continue;
    at[count] = (fsm__person){.configured = true, .entry = i + 1};
    code = fsm_value_copy(j->arena, &people->items[i], &at[count].actor, NULL);
    at[count].shown = at[count].actor;
    count++;
  }
  *out = (fsm__people){.count = count, .at = at, .cut = seen->cut};
  return code;
}

fsm_code fsm__configured_join(const fsm__configured *configured, fsm_arena *arena, fsm__people *people,
                              fsm_error *err) {
  if (configured == NULL) return FSM_OK;
  const joining j = {configured, arena,
                     fsm_arena_zalloc(arena, (size_t)configured->people.len + 1, sizeof(bool))};
  const fsm__people seen = *people;
  return join(&j, &seen, people) == FSM_OK ? FSM_OK
                                           : fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
}
