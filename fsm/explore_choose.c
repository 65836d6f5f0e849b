/* explore_choose.c: which sets of transitions may an event enable in a configuration, when each guard that is
 * not certain may hold or not? The walk is that of step_select.c, with a fork at each such guard. */
#include <string.h>

#include "fsm/explore_impl.h"

typedef struct chooser {
  fsm__explorer *x;
  const fsm_machine *m;
  int event;
  const char *name; /* NULL = eventless */
  size_t name_len;
  const uint16_t *leaves;
  unsigned leaf_count;
  bool by_region; /* as in fsm__select */
  uint16_t picked[FSM_EXPLORE_LEAVES_MAX];
  unsigned picked_count, sets;
  unsigned open; /* guards that were decided one way or the other so far */
  bool nothing, too_many;
  fsm__explore_take *take;
  void *arg;
} chooser;

static void ask(chooser *c, unsigned leaf, uint64_t *marks);

static uint64_t *marks_new(chooser *c, const uint64_t *from) {
  uint64_t *marks = fsm_arena_alloc(&c->x->scratch, c->m->words * sizeof *marks);
  if (marks == NULL) {
    fsm__explore_no_memory(c->x);
    c->too_many = true;
    return NULL;
  }
  if (from == NULL)
    fsm__bits_clear(marks, c->m->words);
  else
    fsm__bits_copy(marks, from, c->m->words);
  return marks;
}

static void next_leaf(chooser *c, unsigned leaf, uint64_t *marks) {
  if (leaf + 1 < c->leaf_count) {
    ask(c, leaf + 1, marks);
    return;
  }
  if (c->picked_count == 0) {
    c->nothing = true;
    return;
  }
  if (++c->sets > FSM_EXPLORE_CHOICES_MAX) {
    c->too_many = true;
    return;
  }
  c->take(c->x, c->arg, c->picked, c->picked_count, c->open == 0);
}

static bool names(const chooser *c, const fsm__transition *t) {
  if (c->name == NULL) return t->event_count == 0;
  return t->event_count > 0 && fsm__transition_names(t, c->name, c->name_len);
}

static void pick(chooser *c, unsigned leaf, unsigned state, unsigned transition, const uint64_t *marks) {
  uint64_t *own = marks_new(c, marks);
  if (own == NULL) return;
  for (unsigned up = state; c->by_region && !fsm_config_has(own, up); up = c->m->states[up].parent)
    fsm__bit_set(own, up);
  c->picked[c->picked_count++] = (uint16_t)transition;
  next_leaf(c, leaf, own);
  c->picked_count--;
}

/* The candidates of one state; true = one of them is certain to be taken when those before are not. */
static bool fork_at(chooser *c, unsigned leaf, unsigned state, const uint64_t *marks) {
  const fsm__state *s = &c->m->states[state];
  for (uint32_t i = 0; i < s->transition_count && !c->too_many; i++) {
    const unsigned number = s->transition_first + i;
    const uint8_t guess = c->x->guesses[number];
    if (guess == FSM_GUESS_NEVER || !names(c, &c->m->transitions[number])) continue;
    if (guess != FSM_GUESS_ALWAYS) c->open++;
    pick(c, leaf, state, number, marks);
    if (guess == FSM_GUESS_ALWAYS) return true;
  }
  return false;
}

static bool may_ask(const chooser *c, unsigned leaf, unsigned state, const uint64_t *marks) {
  if (fsm_config_has(marks, state)) return false;
  if (!c->by_region) return true;
  const unsigned next = leaf + 1 < c->leaf_count ? c->leaves[leaf + 1] : c->m->state_count;
  return next > c->m->states[state].last;
}

static void ask(chooser *c, unsigned leaf, uint64_t *marks) {
  const unsigned open = c->open;
  for (unsigned state = c->leaves[leaf]; may_ask(c, leaf, state, marks); state = c->m->states[state].parent) {
    if (!c->by_region) fsm__bit_set(marks, state);
    const bool certain = fork_at(c, leaf, state, marks);
    if (c->too_many || certain) {
      c->open = open;
      return;
    }
    if (state == 0) break;
  }
  next_leaf(c, leaf, marks);
  c->open = open;
}

bool fsm__explore_choose(fsm__explorer *x, const fsm_explore_node *node, int event, fsm__explore_take *take,
                         void *arg, bool *nothing) {
  const fsm_machine *m = x->machine;
  chooser c = {.x = x, .m = m, .event = event, .take = take, .arg = arg};
  fsm_arena_reset(&x->scratch);
  c.leaves = fsm__leaves_of(m, node->config, &x->scratch, &c.leaf_count);
  *nothing = true;
  if (c.leaves == NULL) fsm__explore_no_memory(x);
  if (c.leaves == NULL || c.leaf_count > FSM_EXPLORE_LEAVES_MAX) return false;
  if (event >= 0) {
    c.name = x->events[event].name;
    c.name_len = strlen(c.name);
  }
  c.by_region = m->dialect == FSM_XSTATE && event >= 0 && c.leaf_count > 1;
  uint64_t *marks = marks_new(&c, NULL);
  if (marks == NULL) return false;
  ask(&c, 0, marks);
  *nothing = c.nothing;
  return !c.too_many;
}
