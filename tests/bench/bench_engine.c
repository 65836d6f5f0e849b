/* bench_engine.c: steps per second in memory, of a machine that is loaded at run time.
 *
 * The process of PEERS.md as a ring: draft –SUBMIT [amount < 10000] / retries+1→ pendingReview –REVIEW.DONE /
 * reviewId→ awaitingApproval –APPROVE→ draft. The raw limit is the same chart written in C by hand over a
 * struct. A live instance is copied out of its arena every COMPACT steps, as a service that keeps it
 * would; after the first few turns no step takes memory from the system. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "schema/definition.h"
#include "schema/json.h"

enum { EVENTS = 3, COMPACT = 128, ROUND = 4096 };

static const char RING[] =
    "{\"id\":\"ring\",\"initial\":\"draft\",\"context\":{\"id\":\"D-1\",\"title\":\"Laptops\",\"amount\":"
    "4200,"
    "\"department\":\"it\",\"retries\":0,\"reviewId\":null},\"states\":{"
    "\"draft\":{\"on\":{\"SUBMIT\":{\"target\":\"pendingReview\",\"guard\":{\"@expr\":\"context.amount < "
    "10000\"},\"context\":{\"retries\":{\"@expr\":\"context.retries + 1\"}}}}},"
    "\"pendingReview\":{\"on\":{\"REVIEW.DONE\":{\"target\":\"awaitingApproval\",\"context\":{\"reviewId\":{"
    "\"@expr\":\"event.data.reviewId\"}}}}},"
    "\"awaitingApproval\":{\"on\":{\"APPROVE\":\"draft\"}}}}";

static fsm_definition *load(const char *text) {
  fsm_definition *definition;
  fsm_error err = {0};
  if (fsm_definition_load(text, strlen(text), &definition, &err) != FSM_OK)
    give_up("%s: %s", err.where, err.text);
  return definition;
}

static void ring_events(fsm_arena *arena, fsm_event events[EVENTS]) {
  static const char *const names[EVENTS] = {"SUBMIT", "REVIEW.DONE", "APPROVE"};
  fsm_error err = {0};
  for (unsigned i = 0; i < EVENTS; i++) events[i] = (fsm_event){.name = names[i], .data = fsm_null()};
  static const char review[] = "{\"reviewId\":\"R-7\"}";
  if (fsm_json_parse(arena, review, sizeof review - 1, FSM_JSON_SORTED, &events[1].data, &err) != FSM_OK)
    give_up("%s", err.text);
}

/* ---- the same by hand -------------------------------------------------------------------------- */

typedef struct by_hand {
  int state;
  long amount, retries;
  const char *review;
} by_hand;

__attribute__((noinline)) static void hand_step(by_hand *x, const char *event, const char *review) {
  switch (x->state) {
    case 0:
      if (strcmp(event, "SUBMIT") == 0 && x->amount < 10000) x->retries++, x->state = 1;
      break;
    case 1:
      if (strcmp(event, "REVIEW.DONE") == 0) x->review = review, x->state = 2;
      break;
    default:
      if (strcmp(event, "APPROVE") == 0) x->state = 0;
  }
}

static double raw_steps(double seconds) {
  static const char *const names[EVENTS] = {"SUBMIT", "REVIEW.DONE", "APPROVE"};
  by_hand x = {.amount = 4200};
  uint64_t steps = 0;
  double begin = now_s(), end;
  do {
    for (unsigned i = 0; i < ROUND; i++, steps++) hand_step(&x, names[steps % EVENTS], "R-7");
    end = now_s();
  } while (end - begin < seconds);
  if (x.retries == 0) give_up("the hand-written chart does nothing");
  return (double)steps / (end - begin);
}

/* ---- one live instance ------------------------------------------------------------------------- */

static void must_take(const fsm_step_result *result, const fsm_event *event) {
  if (result->outcome != FSM_OK || result->microstep_count == 0)
    give_up("%s is not taken: %s", event->name, fsm_code_name(result->outcome));
}

/* The snapshot, copied into an arena of its own. */
static fsm_snapshot compact(const fsm_machine *m, const fsm_snapshot *from, fsm_arena *to) {
  fsm_snapshot out = *from;
  fsm_error err = {0};
  size_t bytes = fsm_machine_words(m) * sizeof(uint64_t);
  uint64_t *config = fsm_arena_alloc(to, bytes);
  if (config == NULL || fsm_value_copy(to, &from->context, &out.context, &err) != FSM_OK ||
      fsm_value_copy(to, &from->history, &out.history, &err) != FSM_OK)
    give_up("no memory");
  memcpy(config, from->config, bytes);
  out.config = config;
  return out;
}

static fsm_snapshot start(const fsm_machine *m, const fsm_world *world, fsm_arena *arena) {
  fsm_step_result result;
  fsm_error err = {0};
  if (fsm_start(m, NULL, world, arena, &result, &err) != FSM_OK || result.outcome != FSM_OK)
    give_up("start: %s", err.text);
  return result.next;
}

static void run_steps(const fsm_machine *m, fsm_snapshot *now, const fsm_event *events, unsigned count,
                      unsigned cycle, fsm_arena *arena) {
  const fsm_world world = {.now_ns = 1};
  fsm_step_result result;
  fsm_error err = {0};
  for (unsigned i = 0; i < count; i++) {
    const fsm_event *event = &events[i % cycle];
    if (fsm_step(m, now, event, &world, arena, &result, &err) != FSM_OK) give_up("%s", err.text);
    must_take(&result, event);
    *now = result.next;
  }
}

/* Steps per second of a machine whose `cycle` events lead back to where they began. */
static double live_steps(const fsm_machine *m, const fsm_event *events, unsigned cycle, double seconds) {
  const unsigned turn = COMPACT / cycle * cycle;
  fsm_arena arenas[2];
  const fsm_world world = {.now_ns = 1};
  fsm_arena_init(&arenas[0], 0);
  fsm_arena_init(&arenas[1], 0);
  fsm_snapshot now = start(m, &world, &arenas[0]);
  uint64_t steps = 0;
  double begin = now_s(), end;
  unsigned in = 0;
  do {
    for (unsigned i = 0; i < ROUND / COMPACT; i++, in = !in, steps += turn) {
      run_steps(m, &now, events, turn, cycle, &arenas[in]);
      fsm_arena_reset(&arenas[!in]);
      now = compact(m, &now, &arenas[!in]);
    }
    end = now_s();
  } while (end - begin < seconds);
  fsm_arena_free(&arenas[0]);
  fsm_arena_free(&arenas[1]);
  return (double)steps / (end - begin);
}

sample engine_live(const char *dir, double seconds) {
  (void)dir;
  fsm_definition *definition = load(RING);
  fsm_arena arena;
  fsm_event events[EVENTS];
  fsm_arena_init(&arena, 0);
  ring_events(&arena, events);
  sample out = {live_steps(fsm_definition_machine(definition), events, EVENTS, seconds),
                raw_steps(seconds / 4)};
  fsm_arena_free(&arena);
  fsm_definition_free(definition);
  return out;
}

/* ---- a new instance for every three steps ------------------------------------------------------ */

sample engine_instance(const char *dir, double seconds) {
  (void)dir;
  fsm_definition *definition = load(RING);
  const fsm_machine *m = fsm_definition_machine(definition);
  fsm_arena arena, life;
  fsm_event events[EVENTS];
  const fsm_world world = {.now_ns = 1};
  fsm_arena_init(&arena, 0);
  fsm_arena_init(&life, 0);
  ring_events(&arena, events);
  uint64_t steps = 0;
  double begin = now_s(), end;
  do {
    for (unsigned i = 0; i < ROUND / EVENTS; i++, steps += EVENTS) {
      fsm_arena_reset(&life);
      fsm_snapshot now = start(m, &world, &life);
      run_steps(m, &now, events, EVENTS, EVENTS, &life);
    }
    end = now_s();
  } while (end - begin < seconds);
  fsm_arena_free(&arena);
  fsm_arena_free(&life);
  fsm_definition_free(definition);
  return (sample){(double)steps / (end - begin), raw_steps(seconds / 4)};
}

/* ---- the size of the machine against what an event touches -------------------------------------- */

/* `regions` parallel regions of ten states each; E<n> moves region n to its next state, ALL every one. */
static char *regions_text(unsigned regions) {
  fsm_buf text = {0};
  fsm_buf_str(&text, "{\"id\":\"wide\",\"type\":\"parallel\",\"context\":{\"n\":0},\"states\":{");
  for (unsigned r = 0; r < regions; r++) {
    fsm_buf_printf(&text, "%s\"r%u\":{\"initial\":\"s0\",\"states\":{", r > 0 ? "," : "", r);
    for (unsigned s = 0; s < 10; s++)
      fsm_buf_printf(&text, "%s\"s%u\":{\"on\":{\"E%u\":\"s%u\",\"ALL\":\"s%u\"}}", s > 0 ? "," : "", s, r,
                     (s + 1) % 10, (s + 1) % 10);
    fsm_buf_str(&text, "}}");
  }
  fsm_buf_str(&text, "}}");
  if (!fsm_buf_ok(&text)) give_up("no memory");
  return (char *)fsm_buf_text(&text);
}

static sample regions_steps(unsigned regions, const char *event, double seconds) {
  char *text = regions_text(regions), *alone = regions_text(1);
  fsm_definition *definition = load(text), *one = load(alone);
  const fsm_event wide = {.name = event, .data = fsm_null()}, small = {.name = "E0", .data = fsm_null()};
  sample out = {live_steps(fsm_definition_machine(definition), &wide, 1, seconds),
                live_steps(fsm_definition_machine(one), &small, 1, seconds / 2)};
  out.value = 1e9 / out.value;
  out.raw = 1e9 / out.raw;
  fsm_definition_free(definition);
  fsm_definition_free(one);
  free(text);
  free(alone);
  return out;
}

sample regions_5_touch_1(const char *dir, double seconds) {
  return (void)dir, regions_steps(5, "E2", seconds);
}
sample regions_20_touch_1(const char *dir, double seconds) {
  return (void)dir, regions_steps(20, "E10", seconds);
}
sample regions_100_touch_1(const char *dir, double seconds) {
  return (void)dir, regions_steps(100, "E50", seconds);
}
sample regions_20_touch_20(const char *dir, double seconds) {
  return (void)dir, regions_steps(20, "ALL", seconds);
}

/* ---- loading ----------------------------------------------------------------------------------- */

static char *thousand_states(void) {
  fsm_buf text = {0};
  fsm_buf_str(&text, "{\"id\":\"large\",\"initial\":\"s0\",\"context\":{\"n\":0,\"limit\":10},\"states\":{");
  for (unsigned s = 0; s < 1000; s++)
    fsm_buf_printf(&text,
                   "%s\"s%u\":{\"on\":{\"NEXT\":{\"target\":\"s%u\",\"guard\":{\"@expr\":\"context.n < "
                   "context.limit\"}},\"BACK\":\"s%u\"}}",
                   s > 0 ? "," : "", s, (s + 1) % 1000, (s + 999) % 1000);
  fsm_buf_str(&text, "}}");
  if (!fsm_buf_ok(&text)) give_up("no memory");
  return (char *)fsm_buf_text(&text);
}

/* Milliseconds from text to machine; raw: only reading the JSON. */
sample compile_1000(const char *dir, double seconds) {
  (void)dir;
  char *text = thousand_states();
  size_t len = strlen(text);
  unsigned loads = 0, reads = 0;
  double begin = now_s(), middle = begin, end;
  for (; middle - begin < seconds; loads++, middle = now_s()) fsm_definition_free(load(text));
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (end = middle; end - middle < seconds / 4; reads++, end = now_s()) {
    fsm_value document;
    fsm_error err = {0};
    fsm_arena_reset(&arena);
    if (fsm_json_parse(&arena, text, len, FSM_JSON_AS_WRITTEN, &document, &err) != FSM_OK)
      give_up("%s", err.text);
  }
  fsm_arena_free(&arena);
  free(text);
  return (sample){1e3 * (middle - begin) / loads, 1e3 * (end - middle) / reads};
}
