/* bench_guard.c: nanoseconds per evaluation of context.amount < 10000 && actor.role == "manager", on a
 * context of two fields and on one of fifty. The raw limit is the same question asked in C of the same
 * values, whose members are found by name. */
#include <string.h>

#include "bench.h"
#include "fsm/fsm.h"

enum { WIDE = 50, ROUND = 4096 };

static const char GUARD[] = "context.amount < 10000 && actor.role == \"manager\"";

__attribute__((noinline)) static bool by_hand(const fsm_value *context, const fsm_value *actor) {
  const fsm_value *amount = fsm_map_getn(context, "amount", 6), *role = fsm_map_getn(actor, "role", 4);
  return amount != NULL && fsm_is(amount, FSM_INT) && amount->i < 10000 && role != NULL &&
         fsm_is(role, FSM_STRING) && role->len == 7 && memcmp(role->s, "manager", 7) == 0;
}

static fsm_value context_of(fsm_arena *arena, unsigned fields) {
  fsm_pair *pairs = fsm_arena_zalloc(arena, fields, sizeof *pairs);
  fsm_value out;
  if (pairs == NULL) give_up("no memory");
  pairs[0] = (fsm_pair){fsm_string("amount"), fsm_int(4200)};
  for (unsigned i = 1; i < fields; i++) {
    const char *name = fsm_arena_printf(arena, "field%02u", i);
    if (name == NULL) give_up("no memory");
    pairs[i] = (fsm_pair){fsm_string(name), fsm_int(i)};
  }
  if (fsm_map(pairs, fields, &out, NULL) != FSM_OK) give_up("no context");
  return out;
}

static double eval_ns(const fsm_expr *guard, const fsm_scope *scope, double seconds) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  uint64_t rounds = 0, held = 0;
  double begin = now_s(), end;
  do {
    for (unsigned i = 0; i < ROUND; i++) {
      fsm_value value;
      fsm_error err;
      if (fsm_expr_eval(guard, scope, &arena, &value, &err) != FSM_OK) give_up("%s", err.text);
      held += value.b;
    }
    rounds++;
    end = now_s();
  } while (end - begin < seconds);
  if (held != rounds * ROUND) give_up("the guard is false");
  fsm_arena_free(&arena);
  return (end - begin) * 1e9 / (double)(rounds * ROUND);
}

static double hand_ns(const fsm_value *context, const fsm_value *actor, double seconds) {
  uint64_t rounds = 0, held = 0;
  double begin = now_s(), end;
  do {
    for (unsigned i = 0; i < ROUND; i++) held += by_hand(context, actor);
    rounds++;
    end = now_s();
  } while (end - begin < seconds);
  if (held != rounds * ROUND) give_up("the guard is false");
  return (end - begin) * 1e9 / (double)(rounds * ROUND);
}

static sample guard(unsigned fields, double seconds) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  fsm_value context = context_of(&arena, fields);
  fsm_pair role = {fsm_string("role"), fsm_string("manager")};
  fsm_value actor = {.type = FSM_MAP, .len = 1, .pairs = &role};
  const fsm_scope scope = {.context = &context, .actor = &actor};
  const fsm_expr *expr;
  fsm_error err = {0};
  if (fsm_expr_compile(&arena, GUARD, sizeof GUARD - 1, &expr, &err) != FSM_OK) give_up("%s", err.text);
  sample out = {eval_ns(expr, &scope, seconds), hand_ns(&context, &actor, seconds / 4)};
  fsm_arena_free(&arena);
  return out;
}

sample guard_small(const char *dir, double seconds) { return (void)dir, guard(2, seconds); }
sample guard_wide(const char *dir, double seconds) { return (void)dir, guard(WIDE, seconds); }
