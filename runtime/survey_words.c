/* survey_words.c: a hash table of texts that only grows. */
#include "runtime/survey_words.h"

bool fsm__words_init(fsm__words *words, fsm_arena *arena, unsigned max) {
  FSM_ASSERT(max > 0 && max < UINT32_MAX / 4);
  uint32_t slots = 16;
  while (slots < 2 * (max + 1)) slots *= 2;
  *words = (fsm__words){.arena = arena,
                        .at = fsm_arena_zalloc(arena, max + 1, sizeof *words->at),
                        .count = 1,
                        .max = max + 1,
                        .slots = fsm_arena_zalloc(arena, slots, sizeof *words->slots),
                        .mask = slots - 1};
  return words->at != NULL && words->slots != NULL;
}

static uint32_t hash_of(uint32_t group, fsm_record_text text) {
  uint64_t hash = 0xcbf29ce484222325u ^ group;
  for (size_t i = 0; i < text.len; i++) hash = (hash ^ (uint8_t)text.at[i]) * 0x100000001b3u;
  return (uint32_t)(hash ^ hash >> 32);
}

/* The slot that has it, or the free one where it belongs. */
static uint32_t slot_of(const fsm__words *words, uint32_t group, uint32_t hash, fsm_record_text text) {
  uint32_t slot = hash & words->mask;
  for (; words->slots[slot] != 0; slot = (slot + 1) & words->mask) {
    const fsm__word *word = &words->at[words->slots[slot]];
    if (word->hash == hash && word->group == group && fsm__fact_same(word->text, text)) break;
  }
  return slot;
}

unsigned fsm__words_find(const fsm__words *words, uint32_t group, fsm_record_text text) {
  return words->slots[slot_of(words, group, hash_of(group, text), text)];
}

unsigned fsm__words_of(fsm__words *words, uint32_t group, fsm_record_text text) {
  const uint32_t hash = hash_of(group, text), slot = slot_of(words, group, hash, text);
  if (words->slots[slot] != 0) return words->slots[slot];
  if (words->count == words->max) return 0;
  const char *kept = fsm_arena_strndup(words->arena, text.len > 0 ? text.at : "", text.len);
  if (kept == NULL) return 0;
  words->at[words->count] = (fsm__word){group, hash, {kept, text.len}};
  return words->slots[slot] = words->count++;
}
