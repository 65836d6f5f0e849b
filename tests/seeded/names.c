/* names.c: what instances are called, and the words in them, in several scripts. */
#include <string.h>

#include "schema/json.h"
#include "seeded.h"

uint64_t draw_next(uint64_t *state) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

uint64_t draw_of(const seeded *s, unsigned instance, unsigned purpose) {
  uint64_t state = s->seed * 0x100000001B3u + ((uint64_t)instance << 16) + purpose;
  return draw_next(&state);
}

static const plan *plan_at(const seeded *s, unsigned instance) {
  return &seeded_plans[s->all[instance].plan];
}

static bool is(const seeded *s, unsigned instance, const char *name) {
  return strcmp(plan_at(s, instance)->name, name) == 0;
}

const char *seeded_id(const seeded *s, unsigned instance, fsm_arena *arena) {
  return fsm_arena_printf(arena, "%s-%07u", plan_at(s, instance)->machine, instance);
}

const char *seeded_key(const seeded *s, unsigned instance, fsm_arena *arena) {
  const uint64_t draw = draw_of(s, instance, 1);
  if (draw % 10 == 9) return NULL;
  switch (draw % 10) {
    case 0: return fsm_arena_printf(arena, "注文-%07u", instance);
    case 1: return fsm_arena_printf(arena, "🎫 %07u", instance);
    case 2: return fsm_arena_printf(arena, "Ärger/%07u", instance);
    case 3: return fsm_arena_printf(arena, "e\u0301te\u0301-%07u", instance);
    default: return fsm_arena_printf(arena, "K-%07u", instance);
  }
}

/* Three or so of any machine have one in common. */
const char *seeded_correlation(const seeded *s, unsigned instance, fsm_arena *arena) {
  return fsm_arena_printf(arena, "C-%06u", (unsigned)(draw_of(s, instance, 2) % (s->count / 3 + 1)));
}

const char *seeded_labels(const seeded *s, unsigned instance, fsm_arena *arena) {
  static const char *const regions[] = {"north", "south", "東京", "München", "são paulo"};
  static const char *const channels[] = {"web", "app", "branch"};
  const uint64_t draw = draw_of(s, instance, 3);
  return fsm_arena_printf(arena, "{\"region\":\"%s\",\"channel\":\"%s\"}", regions[draw % 5],
                          channels[draw / 8 % 3]);
}

const char *seeded_handler(const seeded *s, unsigned instance) {
  static const char *const ghosts[] = {"nobody-1", "nobody-2", "nobody-3"};
  const uint64_t draw = draw_of(s, instance, 4);
  return is(s, instance, "claim_orphan") ? ghosts[draw % 3] : person_of(HANDLER, draw)->sub;
}

const char *seeded_text(const seeded *s, unsigned instance, unsigned nth, fsm_arena *arena) {
  static const char *const texts[] = {
      "Where is my parcel? It was to come on Monday.", "请尽快处理,谢谢。",
      "Die Überweisung ist nicht angekommen.",         "I was charged twice, please look at both payments.",
      "La facture ne correspond pas à la commande.",   "Thank you, that has helped!",
      "The app says 500 and then nothing happens 😢",   "商品が届きません。"};
  const uint64_t draw = draw_of(s, instance, 16 + nth);
  if (draw % 1000 == 0) return fsm_arena_printf(arena, "A blue whale, number %u.", instance);
  return fsm_arena_printf(arena, "%s (%u)", texts[draw / 1000 % 8], (unsigned)(draw / 8000 % 100000));
}

static const char *loan_input(const seeded *s, unsigned instance, uint64_t draw, fsm_arena *arena) {
  const bool large = is(s, instance, "loan_refusals");
  const bool small = is(s, instance, "loan_closed");
  const unsigned amount = (unsigned)(draw % (small ? 9000 : 20000)) + (large ? 10000 : 100);
  return fsm_arena_printf(arena, "{\"amount\":%u,\"customer\":\"customer %u\",\"iban\":\"DE%020u\"}", amount,
                          (unsigned)(draw >> 32) % 50000, (unsigned)(draw >> 20));
}

const char *seeded_input(const seeded *s, unsigned instance, fsm_arena *arena) {
  static const char *const places[] = {"Hafenstraße 4, Hamburg", "大阪市北区", "Kraków, Rynek 1",
                                       "Springfield"};
  const uint64_t draw = draw_of(s, instance, 5);
  switch (plan_at(s, instance)->machine[0]) {
    case 'l': return loan_input(s, instance, draw, arena);
    case 'c':
      return fsm_arena_printf(arena, "{\"handler\":\"%s\",\"damage\":%u.25,\"place\":\"%s\"}",
                              seeded_handler(s, instance), (unsigned)(draw % 90000), places[draw % 4]);
    case 'o':
      return fsm_arena_printf(arena, "{\"amount\":%u,\"article\":\"A-%u\",\"refused\":%s}",
                              (unsigned)(draw % 900) + 1, (unsigned)(draw >> 40),
                              is(s, instance, "order_unpaid") ? "true" : "false");
    case 'p':
      return fsm_arena_printf(arena, "{\"amount\":%u,\"refused\":%s}", (unsigned)(draw % 900) + 1,
                              is(s, instance, "payment_captured") ? "false" : "true");
    default:
      return fsm_arena_printf(arena, "{\"subject\":\"Question %u\",\"text\":\"%s\"}", instance,
                              seeded_text(s, instance, 0, arena));
  }
}
