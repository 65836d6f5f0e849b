/* test_query.c: lists, the stuck and counts against brute force over a few hundred random instances of
 * several machines with nested states and versions, half in the store and half above it; references and
 * pages. */
#include "runtime_scene.h"

#include "runtime/core.h"
#include "runtime/filter.h"
#include "runtime/query.h"
#include "runtime/rows.h"

enum { INSTANCES = 300, EVENTS = 900, FILTERS = 400 };

/* `rev` is a leaf in the first version and a compound state in the second, `b` the other way round;
 * `rev.over` is final, but not the end of the machine; `odd` is final in one and not in the other. */
static const char P1[] =
    "{\"id\":\"p\",\"initial\":\"a\",\"on\":{\"A\":\".a\",\"X\":\".b.x\",\"Y\":\".b.y\",\"R\":\".rev\","
    "\"O\":\".odd\",\"END\":\".end\",\"LOOP\":\".loop\"},\"states\":{\"a\":{},\"b\":{\"initial\":\"x\","
    "\"states\":{\"x\":{},\"y\":{}}},\"rev\":{},\"odd\":{},\"loop\":{\"always\":\"spin\"},"
    "\"spin\":{\"always\":\"loop\"},\"end\":{\"type\":\"final\"}}}";
static const char P2[] =
    "{\"id\":\"p\",\"initial\":\"a\",\"on\":{\"A\":\".a\",\"X\":\".b\",\"Y\":\".rev.legal\",\"R\":\".rev\","
    "\"O\":\".rev.over\",\"END\":\".odd\",\"LOOP\":\".loop\"},\"states\":{\"rev\":{\"initial\":\"money\","
    "\"states\":{\"money\":{},\"legal\":{},\"over\":{\"type\":\"final\"}}},\"a\":{},\"b\":{},"
    "\"odd\":{\"type\":\"final\"},\"loop\":{\"always\":\"spin\"},\"spin\":{\"always\":\"loop\"}}}";
static const char Q1[] =
    "{\"id\":\"q\",\"initial\":\"b\",\"on\":{\"A\":\".a\",\"X\":\".b.x\",\"Y\":\".b.y.deep\"},"
    "\"states\":{\"a\":{},\"b\":{\"initial\":\"x\",\"states\":{\"x\":{},\"y\":{\"initial\":\"deep\","
    "\"states\":{\"deep\":{},\"deeper\":{}}}}}}}";

static const char *const events[] = {"A", "X", "Y", "R", "O", "END", "LOOP", "A", "X", "Y", "R", "A"};

static const char *const users[] = {"ana", "bob", "cyd"}, *const correlations[] = {"c-0", "c-1", "c-2",
                                                                                   "c-3"};

typedef struct field {
  char dir[96];
  fsm__core core;
  int64_t now_ns;
  fsm_arena arena;
  uint64_t random;
} field;

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static void deploy(fixture *f, const char *text) {
  fsm_answer answer = deploy_text(f, text, strlen(text));
  assert_code(&answer, FSM_OK);
}

static void random_life(fixture *f, uint64_t *random, unsigned from, unsigned to, bool second_version) {
  static const char *const machines[] = {"p", "p", "q"};
  char id[16], key[16];
  for (unsigned i = from; i < to; i++) {
    snprintf(id, sizeof id, "i-%u", i);
    snprintf(key, sizeof key, "K%u", i);
    fsm_command command = fsm_command_new(FSM_CMD_START);
    command.machine = machines[next_random(random) % 3];
    command.version = second_version && command.machine[0] == 'p' ? 1 + next_random(random) % 2 : 0;
    command.instance = id;
    command.key = next_random(random) % 4 == 0 ? key : NULL;
    command.correlation = correlations[next_random(random) % 4];
    const fsm_pair sub = {fsm_string("sub"), fsm_string(users[next_random(random) % 3])};
    command.actor = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &sub};
    fsm_answer answer = sent(f, &command);
    assert_code(&answer, FSM_OK);
    atomic_fetch_add(&f->now_ns, (int64_t)(next_random(random) % 3) * SECOND);
  }
  for (unsigned i = 0; i < EVENTS / 2; i++) {
    snprintf(id, sizeof id, "i-%u", (unsigned)(next_random(random) % to));
    (void)send_event(f, id, events[next_random(random) % (sizeof events / sizeof events[0])], NULL);
    atomic_fetch_add(&f->now_ns, (int64_t)(next_random(random) % 3) * SECOND);
    fsm_arena_reset(&f->arena);
  }
}

/* Half of the life is committed, the other half only in the journal, as a kill leaves it. */
static int setup(void **state) {
  field *d = calloc(1, sizeof *d);
  fixture *f = fixture_new();
  d->random = 88172645463325252u;
  deploy(f, P1);
  deploy(f, Q1);
  random_life(f, &d->random, 0, INSTANCES / 2, false);
  fsm_runtime_options options = scene_options(f);
  options.round_ns = 3600 * SECOND;
  scene_reopen(f, &options);
  deploy(f, P2);
  random_life(f, &d->random, INSTANCES / 2, INSTANCES, true);
  d->now_ns = atomic_load(&f->now_ns) + 5 * SECOND;
  snprintf(d->dir, sizeof d->dir, "%s-query", f->dir);
  copy_tree(f->dir, d->dir);
  fixture_free(f);
  fsm_error err = {.text = ""};
  fsm_opened opened;
  const fsm_runtime_options reading = {
      .dir = d->dir, .map_bytes = 64 << 20, .segment_bytes = 2 * 1024 * 1024};
  if (fsm__core_open(&reading, &d->core, &opened, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  assert_true(opened.replayed > INSTANCES / 2 && opened.applied_seq > INSTANCES / 2);
  fsm_arena_init(&d->arena, 0);
  *state = d;
  return 0;
}

static int teardown(void **state) {
  field *d = *state;
  fsm__core_close(&d->core);
  fsm_arena_free(&d->arena);
  remove_tree(d->dir);
  free(d);
  return 0;
}

static fsm_code run(field *d, fsm_query query, fsm_value *out, fsm_error *err) {
  *err = (fsm_error){.text = ""};
  if (query.limit == 0) query.limit = FSM_PAGE_DEFAULT;
  return fsm__query_run(&d->core, &query, d->now_ns, &d->arena, out, err);
}

static fsm_value answer(field *d, fsm_query query) {
  fsm_value out;
  fsm_error err;
  fsm_code code = run(d, query, &out, &err);
  if (code != FSM_OK) fail_msg("%s: %s: %s", fsm_code_name(code), err.where, err.text);
  return out;
}

/* ---- brute force -------------------------------------------------------------------------------- */

/* What an instance is, from its own row alone. */
typedef struct fact {
  fsm__instance in;
  unsigned leaf;
  int64_t since_ns;
  bool ended; /* its leaf is final */
} fact;

static unsigned facts_of(field *d, fact *out) {
  for (unsigned i = 0; i < INSTANCES; i++) {
    fact *x = &out[i];
    assert_int_equal(fsm__instance_load(d->core.store, d->core.catalog, i + 1, &d->arena, &x->in, NULL),
                     FSM_OK);
    for (unsigned a = 0; a < x->in.active_count; a++)
      if (fsm_state_is_leaf(x->in.deployed->machine, x->in.active[a].state)) {
        x->leaf = x->in.active[a].state;
        x->since_ns = x->in.active[a].ns;
      }
    x->ended = fsm_state_kind(x->in.deployed->machine, x->leaf) == FSM_FINAL;
  }
  return INSTANCES;
}

/* In the state or below it. */
static bool stands_in(const char *path, const char *wanted) {
  size_t len = strlen(wanted);
  return strcmp(path, wanted) == 0 || (strncmp(path, wanted, len) == 0 && path[len] == '.');
}

static bool wanted(const field *d, const fact *x, const fsm_query *q, bool stuck) {
  const char *status = q->status == NULL && stuck ? "open" : q->status;
  bool is_open = x->in.status == FSM_RUNNING || x->in.status == FSM_INCIDENT;
  if (q->machine != NULL && strcmp(q->machine, x->in.deployed->id) != 0) return false;
  if (q->version != 0 && q->version != x->in.deployed->version) return false;
  if (status != NULL && strcmp(status, "open") == 0 && !is_open) return false;
  if (status != NULL && strcmp(status, "open") != 0 && strcmp(status, fsm__status_name(x->in.status)) != 0)
    return false;
  if (q->key != NULL && (x->in.key == NULL || strcmp(q->key, x->in.key) != 0)) return false;
  if (q->state != NULL && !stands_in(fsm_state_path(x->in.deployed->machine, x->leaf), q->state))
    return false;
  if (stuck && x->ended) return false;
  return d->now_ns - x->since_ns >= q->for_ns;
}

static int by_since(const void *a, const void *b) {
  const fact *x = *(const fact *const *)a, *y = *(const fact *const *)b;
  return (x->since_ns > y->since_ns) - (x->since_ns < y->since_ns); /* recorded times are all different */
}

/* No state of any version of the machine (of any machine) stands there: asking for it is a mistake. */
static bool is_nowhere(field *d, const fsm_query *q) {
  static const char *const machines[] = {"p", "q"};
  for (unsigned m = 0; q->state != NULL && m < 2; m++) {
    const fsm__deployed *x = NULL;
    if (q->machine != NULL && strcmp(q->machine, machines[m]) != 0) continue;
    for (uint32_t v = 1; (x = fsm__catalog_find(d->core.catalog, machines[m], v)) != NULL; v++)
      for (unsigned s = 1; s < fsm_machine_states(x->machine); s++)
        if (stands_in(fsm_state_path(x->machine, s), q->state)) return false;
  }
  return q->state != NULL;
}

/* Goes through all pages and holds each item against what brute force gives. */
static unsigned compare_pages(field *d, fsm_query q, fact *facts) {
  const fact *expected[INSTANCES];
  unsigned count = 0, at = 0;
  bool stuck = q.kind == FSM_QUERY_STUCK;
  fsm_value none;
  fsm_error err;
  if (is_nowhere(d, &q)) {
    assert_int_equal(run(d, q, &none, &err), FSM_ENOTFOUND);
    return 0;
  }
  for (unsigned i = 0; i < INSTANCES; i++)
    if (wanted(d, &facts[i], &q, stuck)) expected[count++] = &facts[i];
  if (stuck) qsort(expected, count, sizeof expected[0], by_since);
  for (bool first = true; first || q.after != NULL; first = false) {
    fsm_value page = answer(d, q);
    const fsm_value *items = fsm_map_get(&page, "items"), *next = fsm_map_get(&page, "next");
    assert_int_equal(fsm_map_get(&page, "seq")->i, d->core.seq);
    assert_int_equal(items->len, count - at < q.limit ? count - at : q.limit);
    for (unsigned i = 0; i < items->len; i++, at++) {
      const fact *x = expected[at];
      const fsm_value *item = &items->items[i], *paths = fsm_map_get(item, "state");
      assert_true(fsm_is_text(fsm_map_get(item, "id"), x->in.id));
      assert_int_equal(paths->len, 1);
      assert_true(fsm_is_text(&paths->items[0], fsm_state_path(x->in.deployed->machine, x->leaf)));
      assert_true(fsm_map_get(item, "for_ns")->i == d->now_ns - x->since_ns);
      assert_int_equal(fsm_map_get(item, "version")->i, x->in.deployed->version);
      assert_true(fsm_is_text(fsm_map_get(item, "status"), fsm__status_name(x->in.status)));
    }
    assert_int_equal(fsm_is(next, FSM_STRING), at < count); /* never an empty page behind the last */
    q.after = fsm_is(next, FSM_STRING) ? fsm_arena_strndup(&d->arena, next->s, next->len) : NULL;
  }
  assert_int_equal(at, count);
  return count;
}

static fsm_query random_filter(field *d, fsm_query_kind kind) {
  static const char *const machines[] = {NULL, NULL, "p", "p", "q"};
  static const char *const states[] = {NULL,  NULL,        "a",        "b",        "b.x", "b.y",    "rev",
                                       "odd", "rev.legal", "rev.over", "b.y.deep", "re",  "nowhere"};
  static const char *const statuses[] = {NULL,      NULL,        NULL,       "open",
                                         "running", "completed", "incident", "paused"};
#define ANY(list) list[next_random(&d->random) % (sizeof list / sizeof list[0])]
  fsm_query q = {.kind = kind,
                 .machine = ANY(machines),
                 .state = ANY(states),
                 .status = ANY(statuses),
                 .version = next_random(&d->random) % 4 == 0 ? 1 + next_random(&d->random) % 2 : 0,
                 .limit = 1 + (unsigned)(next_random(&d->random) % 60)};
  if (next_random(&d->random) % 2 == 0) q.for_ns = (int64_t)(next_random(&d->random) % 1500) * SECOND;
  if (next_random(&d->random) % 16 == 0)
    q.key = fsm_arena_printf(&d->arena, "K%u", (unsigned)(next_random(&d->random) % INSTANCES));
  return q;
}

static void lists_and_the_stuck_are_exact_page_by_page(void **state) {
  field *d = *state;
  fact *facts = calloc(INSTANCES, sizeof *facts);
  unsigned found[2] = {0, 0}, both[FSM_STATUS_COUNT] = {0};
  fsm_arena kept = d->arena; /* the facts stay, the pages go */
  fsm_arena_init(&d->arena, 0);
  (void)facts_of(d, facts);
  fsm_arena of_facts = d->arena;
  d->arena = kept;
  for (unsigned i = 0; i < INSTANCES; i++) both[facts[i].in.status]++;
  assert_true(both[FSM_RUNNING] > 50 && both[FSM_COMPLETED] > 20 && both[FSM_INCIDENT] > 20);
  for (unsigned i = 0; i < FILTERS; i++) {
    fsm_query_kind kind = i % 2 == 0 ? FSM_QUERY_LIST : FSM_QUERY_STUCK;
    found[i % 2] += compare_pages(d, random_filter(d, kind), facts);
    fsm_arena_reset(&d->arena);
  }
  assert_true(found[0] > 1000 && found[1] > 1000);
  (void)compare_pages(d, (fsm_query){.kind = FSM_QUERY_STUCK, .limit = 1}, facts);
  (void)compare_pages(d, (fsm_query){.kind = FSM_QUERY_STUCK, .limit = FSM_PAGE_MAX}, facts);
  (void)compare_pages(d, (fsm_query){.kind = FSM_QUERY_LIST, .limit = FSM_PAGE_MAX}, facts);
  fsm_arena_free(&of_facts);
  free(facts);
}

/* The ids of all pages, one after the other; *empty: pages without items and with a next. */
static const char *ids_of(field *d, fsm_query q, unsigned *empty) {
  fsm_buf ids = {0};
  for (bool first = true; first || q.after != NULL; first = false) {
    fsm_value page = answer(d, q);
    const fsm_value *items = fsm_map_get(&page, "items"), *next = fsm_map_get(&page, "next");
    for (unsigned i = 0; i < items->len; i++) {
      const fsm_value *id = fsm_map_get(&items->items[i], "id");
      fsm_buf_add(&ids, id->s, id->len);
      fsm_buf_char(&ids, ' ');
    }
    *empty += items->len == 0 && fsm_is(next, FSM_STRING);
    q.after = fsm_is(next, FSM_STRING) ? fsm_arena_strndup(&d->arena, next->s, next->len) : NULL;
  }
  const char *text = fsm_arena_strdup(&d->arena, fsm_buf_text(&ids));
  fsm_buf_free(&ids);
  return text;
}

/* By indexes that are cut short, by the journal row by row, over empty pages: always the same. */
static void a_page_that_may_look_at_little_finds_the_same(void **state) {
  field *d = *state;
  static const char *const filters[][4] = {{"user", "ana"},
                                           {"user", "nobody"},
                                           {"correlation", "c-2"},
                                           {"key", "K1*"},
                                           {"key", "K1*", "status", "open"},
                                           {"state", "b"},
                                           {"sort", "-created"},
                                           {"sort", "id"},
                                           {"sort", "-updated"},
                                           {"sort", "state", "where", "id.endsWith('7')"},
                                           {"user", "bob", "where", "id.endsWith('7')"},
                                           {"sort", "-created", "user", "cyd"},
                                           {"where", "id == 'i-250'"},
                                           {"for", "1h"},
                                           {"machine", "q", "correlation", "c-1"}};
  unsigned empty = 0, found = 0, none = 0;
  for (size_t i = 0; i < 2 * sizeof filters / sizeof filters[0]; i++) {
    const char *const *f = filters[i / 2];
    fsm_query q = {.kind = i % 2 == 0 ? FSM_QUERY_LIST : FSM_QUERY_STUCK, .limit = 40};
    fsm_filter *filter = NULL;
    fsm_error err;
    if (strcmp(f[0], "sort") == 0 && i % 2 == 1) continue;
    assert_int_equal(fsm_filter_new(&filter, &err), FSM_OK);
    for (unsigned k = 0; k < 4 && f[k] != NULL; k += 2)
      if (fsm_filter_set(filter, f[k], f[k + 1], &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
    q.filter = filter;
    const char *whole = ids_of(d, q, &none);
    for (unsigned look = 1; look < 200; look = look * 3 + 1) {
      q.look = look;
      assert_string_equal(ids_of(d, q, &empty), whole);
    }
    found += (unsigned)strlen(whole) > 0;
    fsm_filter_free(filter);
    fsm_arena_reset(&d->arena);
  }
  assert_int_equal(none, 0);
  assert_true(empty > 50 && found > 15);
}

static void a_filter_and_single_fields_exclude_each_other(void **state) {
  field *d = *state;
  fsm_filter *filter = NULL;
  fsm_value out;
  fsm_error err;
  assert_int_equal(fsm_filter_new(&filter, &err), FSM_OK);
  fsm_query q = {.kind = FSM_QUERY_LIST, .filter = filter, .machine = "p"};
  assert_int_equal(run(d, q, &out, &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "filter");
  fsm_filter_free(filter);
}

static void an_instance_is_stuck_once_whatever_its_other_versions_call_a_leaf(void **state) {
  field *d = *state;
  unsigned seen[INSTANCES + 1] = {0};
  fsm_value page = answer(d, (fsm_query){.kind = FSM_QUERY_STUCK, .limit = FSM_PAGE_MAX});
  const fsm_value *items = fsm_map_get(&page, "items");
  for (unsigned i = 0; i < items->len; i++) {
    const fsm_value *id = fsm_map_get(&items->items[i], "id");
    seen[strtoul(fsm_arena_strndup(&d->arena, id->s + 2, id->len - 2), NULL, 10)]++;
  }
  for (unsigned i = 0; i < INSTANCES; i++) assert_true(seen[i] <= 1);
}

static void the_edge_of_for_is_inside(void **state) {
  field *d = *state;
  fsm_value page = answer(d, (fsm_query){.kind = FSM_QUERY_STUCK, .limit = 1});
  int64_t longest = fsm_map_get(&fsm_map_get(&page, "items")->items[0], "for_ns")->i;
  page = answer(d, (fsm_query){.kind = FSM_QUERY_STUCK, .for_ns = longest});
  assert_int_equal(fsm_map_get(&page, "items")->len, 1);
  page = answer(d, (fsm_query){.kind = FSM_QUERY_STUCK, .for_ns = longest + 1});
  assert_int_equal(fsm_map_get(&page, "items")->len, 0);
}

static void counts_are_those_of_brute_force(void **state) {
  field *d = *state;
  fact *facts = calloc(INSTANCES, sizeof *facts);
  (void)facts_of(d, facts);
  fsm_value counts = answer(d, (fsm_query){.kind = FSM_QUERY_COUNTS});
  const fsm_value *items = fsm_map_get(&counts, "items");
  int64_t total = 0, expected = 0;
  for (unsigned i = 0; i < items->len; i++) {
    const fsm_value *item = &items->items[i], *state_of = fsm_map_get(item, "state");
    int64_t count = 0;
    for (unsigned k = 0; k < INSTANCES; k++) {
      if (!fsm_is_text(fsm_map_get(item, "machine"), facts[k].in.deployed->id)) continue;
      for (unsigned a = 0; a < facts[k].in.active_count; a++)
        count +=
            facts[k].in.active[a].state != 0 &&
            fsm_is_text(state_of, fsm_state_path(facts[k].in.deployed->machine, facts[k].in.active[a].state));
    }
    assert_int_equal(fsm_map_get(item, "count")->i, count);
    total += count;
  }
  for (unsigned k = 0; k < INSTANCES; k++) expected += facts[k].in.active_count - 1;
  assert_int_equal(total, expected);
  counts = answer(d, (fsm_query){.kind = FSM_QUERY_COUNTS, .machine = "q"});
  items = fsm_map_get(&counts, "items");
  assert_true(items->len > 0);
  for (unsigned i = 0; i < items->len; i++)
    assert_true(fsm_is_text(fsm_map_get(&items->items[i], "machine"), "q"));
  free(facts);
}

/* ---- one instance ------------------------------------------------------------------------------- */

static void a_history_in_pages_is_the_history(void **state) {
  field *d = *state;
  unsigned refusals = 0;
  for (unsigned i = 0; i < 40; i++) {
    const char *ref = fsm_arena_printf(&d->arena, "i-%u", i);
    fsm_value whole = answer(d, (fsm_query){.kind = FSM_QUERY_HISTORY, .ref = ref, .limit = FSM_PAGE_MAX});
    const fsm_value *all = fsm_map_get(&whole, "items");
    assert_true(fsm_is_text(fsm_map_get(&all->items[0], "kind"), "created"));
    assert_true(fsm_is(fsm_map_get(&whole, "next"), FSM_NULL));
    fsm_query q = {.kind = FSM_QUERY_HISTORY, .ref = ref, .limit = 1 + i % 4};
    unsigned at = 0;
    uint64_t change = 0;
    for (bool first = true; first || q.after != NULL; first = false) {
      fsm_value page = answer(d, q);
      const fsm_value *items = fsm_map_get(&page, "items"), *next = fsm_map_get(&page, "next");
      for (unsigned k = 0; k < items->len; k++, at++)
        assert_true(fsm_value_same(&items->items[k], &all->items[at]));
      q.after = fsm_is(next, FSM_STRING) ? fsm_arena_strndup(&d->arena, next->s, next->len) : NULL;
    }
    assert_int_equal(at, all->len);
    for (unsigned k = 0; k < all->len; k++) { /* every change links to the one before */
      if (fsm_is_text(fsm_map_get(&all->items[k], "kind"), "rejected")) {
        refusals++;
        continue;
      }
      assert_int_equal(fsm_map_get(&all->items[k], "iprev")->i, change);
      change = (uint64_t)fsm_map_get(&all->items[k], "seq")->i;
    }
  }
  assert_true(refusals > 0);
}

static void references_find_one_or_say_why_not(void **state) {
  field *d = *state;
  static const struct {
    const char *ref;
    fsm_code code;
  } cases[] = {{"i-1", FSM_OK}, /* the id itself, though i-10 begins with it */
               {"i-29", FSM_OK},         {"i-", FSM_EAMBIGUOUS},           {"nobody", FSM_EINSTANCE},
               {"", FSM_EARGUMENT},      {"p/key:nothing", FSM_EINSTANCE}, {"nothing/key:K1", FSM_EMACHINE},
               {"/key:K1", FSM_EMACHINE}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_value out;
    fsm_error err;
    fsm_code code = run(d, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = cases[i].ref}, &out, &err);
    if (code != cases[i].code) fail_msg("\"%s\": %s: %s", cases[i].ref, fsm_code_name(code), err.text);
    if (code == FSM_OK) assert_true(fsm_is_text(fsm_map_get(&out, "id"), cases[i].ref));
  }
  char longer[FSM_INSTANCE_ID_MAX + 2], key[FSM_KEY_MAX + 16] = "p/key:";
  memset(longer, 'x', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  memset(key + 6, 'x', FSM_KEY_MAX + 1);
  key[6 + FSM_KEY_MAX + 1] = '\0';
  fsm_value out;
  fsm_error err;
  assert_int_equal(run(d, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = longer}, &out, &err), FSM_EINSTANCE);
  assert_int_equal(run(d, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = key}, &out, &err), FSM_EINSTANCE);
  assert_int_equal(run(d, (fsm_query){.kind = FSM_QUERY_INSTANCE}, &out, &err), FSM_EARGUMENT);
}

static void open_instances_are_found_by_their_key(void **state) {
  field *d = *state;
  fact *facts = calloc(INSTANCES, sizeof *facts);
  unsigned found = 0;
  (void)facts_of(d, facts);
  for (unsigned i = 0; i < INSTANCES; i++) {
    if (facts[i].in.key == NULL) continue;
    fsm_value out;
    fsm_error err;
    const char *ref = fsm_arena_printf(&d->arena, "%s/key:%s", facts[i].in.deployed->id, facts[i].in.key);
    fsm_code code = run(d, (fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = ref}, &out, &err);
    assert_int_equal(code, facts[i].in.status == FSM_COMPLETED ? FSM_EINSTANCE : FSM_OK);
    if (code != FSM_OK) continue;
    assert_true(fsm_is_text(fsm_map_get(&out, "id"), facts[i].in.id));
    found++;
  }
  assert_true(found > 20);
  free(facts);
}

static void filters_that_cannot_be_are_refused(void **state) {
  field *d = *state;
  static const struct {
    fsm_query q;
    fsm_code code;
    const char *where;
  } cases[] = {
      {{.kind = FSM_QUERY_LIST, .machine = "nothing"}, FSM_EMACHINE, "machine"},
      {{.kind = FSM_QUERY_STUCK, .machine = "nothing"}, FSM_EMACHINE, "machine"},
      {{.kind = FSM_QUERY_COUNTS, .machine = "nothing"}, FSM_EMACHINE, "machine"},
      {{.kind = FSM_QUERY_LIST, .status = "stopped"}, FSM_EARGUMENT, "status"},
      {{.kind = FSM_QUERY_STUCK, .status = "stopped"}, FSM_EARGUMENT, "status"},
      {{.kind = FSM_QUERY_LIST, .after = "xyz"}, FSM_EARGUMENT, "after"},
      {{.kind = FSM_QUERY_LIST, .after = "abc"}, FSM_EARGUMENT, "after"},
      {{.kind = FSM_QUERY_STUCK, .after = "00"}, FSM_EARGUMENT, "after"},
      {{.kind = FSM_QUERY_STUCK, .after = "nothing"}, FSM_EARGUMENT, "after"},
      {{.kind = FSM_QUERY_HISTORY, .ref = "i-1", .after = "x"}, FSM_EARGUMENT, "after"},
      {{.kind = FSM_QUERY_HISTORY, .ref = "i-1", .after = "-1"}, FSM_EARGUMENT, "after"},
      {{.kind = FSM_QUERY_HISTORY, .ref = "i-1", .after = "99999999999999999999999"}, FSM_EARGUMENT, "after"},
      {{.kind = FSM_QUERY_HISTORY, .ref = "i-1", .after = ""}, FSM_EARGUMENT, "after"},
      {{.kind = FSM_QUERY_MACHINE, .machine = "p", .version = 9}, FSM_EMACHINE, "version"},
      {{.kind = FSM_QUERY_MACHINE, .machine = "nothing"}, FSM_EMACHINE, "machine"},
      {{.kind = FSM_QUERY_MACHINE}, FSM_EARGUMENT, "machine"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_value out;
    fsm_error err;
    fsm_code code = run(d, cases[i].q, &out, &err);
    if (code != cases[i].code || strcmp(err.where, cases[i].where) != 0)
      fail_msg("case %zu: %s: %s: %s", i, fsm_code_name(code), err.where, err.text);
  }
  char hex[2 * FSM_STORE_KEY_MAX + 3];
  memset(hex, 'a', sizeof hex - 1);
  for (size_t len = sizeof hex - 1; len >= sizeof hex - 3; len -= 2) { /* over a key, and at its edge */
    fsm_value out;
    fsm_error err;
    hex[len] = '\0';
    assert_int_equal(run(d, (fsm_query){.kind = FSM_QUERY_LIST, .after = hex}, &out, &err), FSM_EARGUMENT);
  }
}

static void an_index_row_without_its_instance_is_corrupt(void **state) {
  field *d = *state;
  uint32_t a = 0;
  assert_int_equal(fsm__name_find(d->core.store, "a", 1, &a, NULL), FSM_OK);
  fsm__key key = fsm__key_by_state(1, a, 1, 99999);
  fsm__store_put(d->core.store, FSM_T_BY_STATE, key.bytes, key.len, "", 0);
  fsm__store_publish(d->core.store, d->core.seq + 1);
  fsm_value out;
  fsm_error err;
  assert_int_equal(run(d, (fsm_query){.kind = FSM_QUERY_STUCK}, &out, &err), FSM_ECORRUPT);
  assert_non_null(strstr(err.text, "99999"));
  fsm__store_delete(d->core.store, FSM_T_BY_STATE, key.bytes, key.len);
  fsm__store_publish(d->core.store, d->core.seq + 2);
}

static void states_match_at_their_dots(void **state) {
  (void)state;
  assert_true(fsm__state_matches("b", "b") && fsm__state_matches("b.x", "b"));
  assert_false(fsm__state_matches("bx", "b") || fsm__state_matches("b", "b.x"));
  assert_false(fsm__state_matches("b.xy", "b.x"));
}

static void machines_are_their_newest_versions(void **state) {
  field *d = *state;
  fsm_value out = answer(d, (fsm_query){.kind = FSM_QUERY_MACHINES});
  const fsm_value *items = fsm_map_get(&out, "items");
  assert_int_equal(items->len, 2);
  assert_true(fsm_is_text(fsm_map_get(&items->items[0], "id"), "p"));
  assert_int_equal(fsm_map_get(&items->items[0], "version")->i, 2);
  assert_true(fsm_is_text(fsm_map_get(&items->items[1], "id"), "q"));
  out = answer(d, (fsm_query){.kind = FSM_QUERY_MACHINE, .machine = "p", .version = 1});
  assert_true(fsm_is_text(fsm_map_get(&out, "source"), P1));
  out = answer(d, (fsm_query){.kind = FSM_QUERY_MACHINE, .machine = "p"});
  assert_true(fsm_is_text(fsm_map_get(&out, "source"), P2));
}

/* One life for all: it takes longer to make than to ask. */
int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_and_the_stuck_are_exact_page_by_page),
      cmocka_unit_test(a_page_that_may_look_at_little_finds_the_same),
      cmocka_unit_test(a_filter_and_single_fields_exclude_each_other),
      cmocka_unit_test(an_instance_is_stuck_once_whatever_its_other_versions_call_a_leaf),
      cmocka_unit_test(the_edge_of_for_is_inside),
      cmocka_unit_test(counts_are_those_of_brute_force),
      cmocka_unit_test(a_history_in_pages_is_the_history),
      cmocka_unit_test(references_find_one_or_say_why_not),
      cmocka_unit_test(open_instances_are_found_by_their_key),
      cmocka_unit_test(filters_that_cannot_be_are_refused),
      cmocka_unit_test(an_index_row_without_its_instance_is_corrupt),
      cmocka_unit_test(states_match_at_their_dots),
      cmocka_unit_test(machines_are_their_newest_versions),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
