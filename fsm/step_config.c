/* step_config.c: configurations: what is legal, and from leaves and back. */
#include <string.h>

#include "fsm/step_impl.h"

/* Children of s that are active, seen through the intervals: the next active state behind s is a
 * child of s, or the configuration is not legal. */
bool fsm__config_children_legal(const fsm_machine *m, const uint64_t *config, unsigned state) {
  const fsm__state *s = &m->states[state];
  unsigned active = 0, covered = state;
  for (unsigned next; (next = fsm__bit_next(config, covered + 1, s->last)) <= s->last; active++) {
    if (m->states[next].parent != state || m->states[next].kind == FSM_HISTORY) return false;
    if (s->kind == FSM_PARALLEL && next != fsm__next_child(m, state, covered)) return false;
    covered = m->states[next].last;
  }
  switch ((fsm_kind)s->kind) {
    case FSM_COMPOUND: return active == 1;
    case FSM_PARALLEL: return fsm__next_child(m, state, covered) > s->last;
    case FSM_ATOMIC:
    case FSM_FINAL: return true;
    case FSM_HISTORY: break;
  }
  return false;
}

bool fsm__config_legal_below(const fsm_machine *m, const uint64_t *config, unsigned ancestor) {
  const unsigned last = m->states[ancestor].last;
  for (unsigned state = ancestor; state <= last; state = fsm__bit_next(config, state + 1, last))
    if (!fsm_config_has(config, state) || !fsm__config_children_legal(m, config, state)) return false;
  return true;
}

bool fsm_config_legal(const fsm_machine *m, const uint64_t *config) {
  FSM_ASSERT(m != NULL && config != NULL);
  if (m->state_count % 64 != 0 && config[m->words - 1] >> (m->state_count % 64) != 0) return false;
  return fsm__config_legal_below(m, config, 0);
}

bool fsm_config_from_leaves(const fsm_machine *m, const uint16_t *leaves, unsigned count, uint64_t *out) {
  FSM_ASSERT(m != NULL && out != NULL && (leaves != NULL || count == 0));
  memset(out, 0, m->words * sizeof *out);
  for (unsigned i = 0; i < count; i++) {
    if (leaves[i] >= m->state_count || !fsm_state_is_leaf(m, leaves[i])) return false;
    for (unsigned state = leaves[i]; state != 0; state = m->states[state].parent) fsm__bit_set(out, state);
  }
  fsm__bit_set(out, 0);
  return fsm_config_legal(m, out);
}

uint16_t *fsm__leaves_of(const fsm_machine *m, const uint64_t *config, fsm_arena *arena, unsigned *count) {
  unsigned total = 0, filled = 0;
  if (!m->has_parallel) { /* one leaf */
    uint16_t *leaf = fsm_arena_alloc(arena, sizeof *leaf);
    if (leaf == NULL) return NULL;
    unsigned i = 0;
    while (i < m->words && (config[i] & m->leaves[i]) == 0) i++;
    FSM_ASSERT(i < m->words);
    *leaf = (uint16_t)(i * 64 + (unsigned)__builtin_ctzll(config[i] & m->leaves[i]));
    *count = 1;
    return leaf;
  }
  for (unsigned i = 0; i < m->words; i++) total += fsm__bits_in(config[i] & m->leaves[i]);
  uint16_t *leaves = fsm_arena_alloc(arena, total * sizeof *leaves);
  if (leaves == NULL) return NULL;
  for (unsigned i = 0; i < m->words; i++)
    for (uint64_t bits = config[i] & m->leaves[i]; bits != 0; bits &= bits - 1)
      leaves[filled++] = (uint16_t)(i * 64 + (unsigned)__builtin_ctzll(bits));
  *count = total;
  return leaves;
}
