/* simulation_expect.c: {"expect": …} of a script, told with the first difference. */
#include <string.h>

#include "tools/cli/definition/simulation.h"

enum { SHOWN = 160 }; /* columns of a value in a difference */

static const char *show(fsm_arena *arena, const fsm_value *value) {
  fsm_buf raw = {0}, cut = {0};
  if (value == NULL) return "nothing";
  fsm_json_write(&raw, value);
  cli_clip(&cut, cli_safe(arena, fsm_buf_text(&raw)), SHOWN);
  const char *text = fsm_arena_strdup(arena, fsm_buf_text(&cut));
  fsm_buf_free(&raw);
  fsm_buf_free(&cut);
  return text == NULL ? "" : text;
}

static fsm_code differs(fsm_arena *arena, const char *where, const fsm_value *expected, const fsm_value *is,
                        fsm_error *err) {
  return fsm_fail(err, FSM_EEXPECT, where, "%s: expected %s, is %s", where, show(arena, expected),
                  show(arena, is));
}

/* ---- values --------------------------------------------------------------------------------------- */

static bool number(const fsm_value *value, double *out) {
  if (fsm_is(value, FSM_INT))
    *out = (double)value->i;
  else if (fsm_is(value, FSM_UINT))
    *out = (double)value->u;
  else if (fsm_is(value, FSM_DOUBLE))
    *out = value->d;
  else
    return false;
  return true;
}

/* JSON has one kind of number, and texts for times: what it would print alike is alike. */
static bool same_scalar(const fsm_value *a, const fsm_value *b) {
  double x, y;
  if (fsm_value_same(a, b)) return true;
  if (number(a, &x) && number(b, &y))
    return x == y && (a->type == FSM_DOUBLE || b->type == FSM_DOUBLE || a->i == b->i);
  if (!fsm_is(a, FSM_STRING) || b->type == FSM_LIST || b->type == FSM_MAP || b->type <= FSM_DOUBLE)
    return false;
  fsm_buf one = {0}, other = {0};
  fsm_json_write(&one, a);
  fsm_json_write(&other, b);
  bool same = strcmp(fsm_buf_text(&one), fsm_buf_text(&other)) == 0;
  fsm_buf_free(&one);
  fsm_buf_free(&other);
  return same;
}

static fsm_code compare(fsm_arena *arena, const char *where, const fsm_value *expected, const fsm_value *is,
                        fsm_error *err);

static fsm_code compare_maps(fsm_arena *arena, const char *where, const fsm_value *expected,
                             const fsm_value *is, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < expected->len && code == FSM_OK; i++) {
    const fsm_pair *pair = &expected->pairs[i];
    const char *inner = fsm_arena_printf(arena, "%s.%s", where, cli_text(arena, &pair->key));
    code = compare(arena, inner == NULL ? where : inner, &pair->value, fsm_map_find(is, &pair->key), err);
  }
  for (uint32_t i = 0; i < is->len && code == FSM_OK; i++) {
    if (fsm_map_find(expected, &is->pairs[i].key) != NULL) continue;
    const char *inner = fsm_arena_printf(arena, "%s.%s", where, cli_text(arena, &is->pairs[i].key));
    code = differs(arena, inner == NULL ? where : inner, NULL, &is->pairs[i].value, err);
  }
  return code;
}

static fsm_code compare(fsm_arena *arena, const char *where, const fsm_value *expected, const fsm_value *is,
                        fsm_error *err) {
  fsm_code code = FSM_OK;
  if (is != NULL && fsm_is(expected, FSM_MAP) && fsm_is(is, FSM_MAP))
    return compare_maps(arena, where, expected, is, err);
  if (is == NULL || !fsm_is(expected, FSM_LIST) || !fsm_is(is, FSM_LIST) || expected->len != is->len)
    return is != NULL && same_scalar(expected, is) ? FSM_OK : differs(arena, where, expected, is, err);
  for (uint32_t i = 0; i < is->len && code == FSM_OK; i++) {
    const char *inner = fsm_arena_printf(arena, "%s[%u]", where, (unsigned)i);
    code = compare(arena, inner == NULL ? where : inner, &expected->items[i], &is->items[i], err);
  }
  return code;
}

/* ---- sets of names -------------------------------------------------------------------------------- */

static bool holds(const fsm_value *list, const fsm_value *item) {
  for (uint32_t i = 0; i < list->len; i++)
    if (fsm_value_same(&list->items[i], item)) return true;
  return false;
}

/* Order and repetition do not matter; one text is a set of one. */
static fsm_code compare_sets(fsm_arena *arena, const char *where, const fsm_value *expected,
                             const fsm_value *is, fsm_error *err) {
  const fsm_value one = fsm_list(expected, 1), *written = expected;
  if (fsm_is(expected, FSM_STRING)) expected = &one;
  if (!fsm_is(expected, FSM_LIST))
    return fsm_fail(err, FSM_EARGUMENT, where, "\"%s\" is a list of texts", where);
  for (uint32_t i = 0; i < expected->len; i++) {
    if (!fsm_is(&expected->items[i], FSM_STRING))
      return fsm_fail(err, FSM_EARGUMENT, where, "\"%s\" is a list of texts", where);
    if (!holds(is, &expected->items[i])) return differs(arena, where, written, is, err);
  }
  for (uint32_t i = 0; i < is->len; i++)
    if (!holds(expected, &is->items[i])) return differs(arena, where, written, is, err);
  return FSM_OK;
}

/* The names of those items of a list of documents that `only` takes (NULL = all), as a list. */
static fsm_value names_of(fsm_arena *arena, const fsm_value *list, const char *member, bool only_enabled) {
  uint32_t count = list == NULL ? 0 : list->len, kept = 0;
  fsm_value *items = fsm_arena_zalloc(arena, (size_t)count + 1, sizeof *items);
  for (uint32_t i = 0; items != NULL && i < count; i++) {
    const fsm_value *name = fsm_map_get(&list->items[i], member),
                    *enabled = fsm_map_get(&list->items[i], "enabled");
    if (name == NULL || (only_enabled && (enabled == NULL || !enabled->b))) continue;
    items[kept++] = *name;
  }
  return fsm_list(items, kept);
}

/* ---- members -------------------------------------------------------------------------------------- */

typedef struct asked {
  fsm_arena *arena;
  const fsm_value *session, *value;
  fsm_code last;
} asked;

static fsm_code expect_state(const asked *a, fsm_error *err) {
  return compare_sets(a->arena, "state", a->value, fsm_map_get(a->session, "state"), err);
}

/* Only the fields that are given. */
static fsm_code expect_context(const asked *a, fsm_error *err) {
  const fsm_value *context = fsm_map_get(a->session, "context");
  if (!fsm_is(a->value, FSM_MAP)) return fsm_fail(err, FSM_EARGUMENT, "context", "\"context\" is an object");
  fsm_code code = FSM_OK;
  for (uint32_t i = 0; i < a->value->len && code == FSM_OK; i++) {
    const fsm_pair *pair = &a->value->pairs[i];
    const char *where = fsm_arena_printf(a->arena, "context.%s", cli_text(a->arena, &pair->key));
    code = compare(a->arena, where == NULL ? "context" : where, &pair->value,
                   fsm_map_find(context, &pair->key), err);
  }
  return code;
}

static fsm_code expect_output(const asked *a, fsm_error *err) {
  const fsm_value *output = fsm_map_get(a->session, "output"), null = fsm_null();
  return compare(a->arena, "output", a->value,
                 output == NULL && fsm_map_get(a->session, "done") != NULL ? &null : output, err);
}

static fsm_code expect_done(const asked *a, fsm_error *err) {
  const fsm_value is = fsm_bool(fsm_map_get(a->session, "done") != NULL);
  if (!fsm_is(a->value, FSM_BOOL)) return fsm_fail(err, FSM_EARGUMENT, "done", "\"done\" is true or false");
  return compare(a->arena, "done", a->value, &is, err);
}

static fsm_code expect_enabled(const asked *a, fsm_error *err) {
  const fsm_value is = names_of(a->arena, fsm_map_get(a->session, "events"), "event", true);
  return compare_sets(a->arena, "enabled", a->value, &is, err);
}

static fsm_code expect_tasks(const asked *a, fsm_error *err) {
  const fsm_value is = names_of(a->arena, fsm_map_get(a->session, "tasks"), "id", false);
  return compare_sets(a->arena, "tasks", a->value, &is, err);
}

static fsm_code expect_timers(const asked *a, fsm_error *err) {
  const fsm_value is = names_of(a->arena, fsm_map_get(a->session, "timers"), "event", false);
  return compare_sets(a->arena, "timers", a->value, &is, err);
}

/* true, or the name of the code; false: it was taken. */
static fsm_code expect_refused(const asked *a, fsm_error *err) {
  const fsm_value name = fsm_string(fsm_code_name(a->last)), no = fsm_bool(false);
  const fsm_value *is = a->last == FSM_OK ? &no : &name;
  if (fsm_is(a->value, FSM_BOOL) && a->value->b == (a->last != FSM_OK)) return FSM_OK;
  if (fsm_is(a->value, FSM_BOOL)) return differs(a->arena, "refused", a->value, is, err);
  if (!fsm_is(a->value, FSM_STRING) || fsm_code_of(a->value->s) == FSM_CODE_COUNT)
    return fsm_fail(err, FSM_EARGUMENT, "refused",
                    "\"refused\" is true, false or a reason: guard_false, no_transition, unknown_event, "
                    "invalid_data, completed, …");
  return compare(a->arena, "refused", a->value, is, err);
}

static const struct {
  const char *name;
  fsm_code (*check)(const asked *a, fsm_error *err);
} members[] = {{"refused", expect_refused}, {"state", expect_state},  {"context", expect_context},
               {"output", expect_output},   {"done", expect_done},    {"enabled", expect_enabled},
               {"tasks", expect_tasks},     {"timers", expect_timers}};
enum { MEMBER_COUNT = sizeof members / sizeof members[0] };

static fsm_code check_names(const fsm_value *data, fsm_error *err) {
  for (uint32_t i = 0; i < data->len; i++) {
    bool known = false;
    for (size_t k = 0; k < MEMBER_COUNT; k++)
      known = known || fsm_is_text(&data->pairs[i].key, members[k].name);
    if (!known)
      return fsm_fail(err, FSM_EARGUMENT, "",
                      "\"%.*s\" cannot be expected; what can: state, context, output, done, enabled, tasks, "
                      "timers, refused",
                      (int)data->pairs[i].key.len, data->pairs[i].key.s);
  }
  return FSM_OK;
}

fsm_code cli_simulation_expect(cli_simulation *sim, const fsm_value *data, fsm_code last, fsm_error *err) {
  FSM_ASSERT(sim != NULL && data != NULL && fsm_is(data, FSM_MAP));
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_value status = cli_simulation_status(sim, &arena);
  const fsm_value *sessions = fsm_map_get(&status, "sessions");
  fsm_code code = check_names(data, err);
  if (code == FSM_OK && (sessions == NULL || sessions->len == 0))
    code = fsm_fail(err, FSM_ENOMEM, "", "no memory");
  for (size_t i = 0; i < MEMBER_COUNT && code == FSM_OK; i++) {
    const asked a = {&arena, &sessions->items[0], fsm_map_get(data, members[i].name), last};
    if (a.value != NULL) code = members[i].check(&a, err);
  }
  fsm_arena_free(&arena);
  return code;
}
