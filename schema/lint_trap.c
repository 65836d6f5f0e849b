/* lint_trap.c: where an instance stays for ever: dead ends (L003), circles without a way to the end (L004),
 * eventless circles (L013), ends that nobody takes notice of (L021). */
#include <string.h>

#include "schema/lint_impl.h"

static bool has(const fsm_explore_node *node, unsigned state) {
  return node->config[state / 64] >> (state % 64) & 1;
}

static const fsm_explore_move *moves_of(const fsm__linter *l, size_t node) {
  return l->seen.moves + l->seen.nodes[node].first_move;
}

/* The innermost state around all active leaves. */
static unsigned place_of(const fsm__linter *l, const fsm_explore_node *node) {
  unsigned state = 0;
  for (;;) {
    unsigned below = 0, count = 0;
    for (unsigned i = state + 1; i < l->state_count; i++)
      if (fsm_state_parent(l->machine, i) == state && has(node, i)) below = i, count++;
    if (count != 1) return state;
    state = below;
  }
}

static const char *leaves_of(fsm__linter *l, const fsm_explore_node *node) {
  const char *text = NULL;
  for (unsigned i = 0; i < l->state_count; i++)
    if (has(node, i) && fsm_state_is_leaf(l->machine, i))
      text = text == NULL ? fsm__lint_text(l, "\"%.120s\"", fsm_state_path(l->machine, i))
                          : fsm__lint_text(l, "%.250s, \"%.120s\"", text, fsm_state_path(l->machine, i));
  return text == NULL ? "" : text;
}

/* The state that is done there, when nothing but its end is active below it; -1 = none. */
static int done_at(const fsm__linter *l, const fsm_explore_node *node, unsigned place) {
  const bool final = fsm_state_kind(l->machine, place) == FSM_FINAL;
  const unsigned done = final ? fsm_state_parent(l->machine, place) : place;
  for (unsigned i = done + 1; i < l->state_count; i++) {
    if (!has(node, i) || !fsm_state_is_leaf(l->machine, i)) continue;
    if (fsm_state_kind(l->machine, i) != FSM_FINAL) return -1;
  }
  return done == 0 || fsm_state_is_leaf(l->machine, done) ? -1 : (int)done;
}

static void tell_dead(fsm__linter *l, size_t node, bool *told) {
  const fsm_explore_node *n = &l->seen.nodes[node];
  const unsigned place = place_of(l, n);
  if (told[place]) return;
  told[place] = true;
  const int done = done_at(l, n, place);
  if (done >= 0)
    fsm__lint_add(l, FSM__L021, FSM__OF_STATE(done), NULL,
                  "the state %s comes to its end in %s, and nothing takes that or leads on",
                  fsm__lint_state(l, (unsigned)done), leaves_of(l, n));
  else
    fsm__lint_add(l, FSM__L003, FSM__OF_STATE(place), NULL,
                  "an instance in %s takes no event any more and has not ended", leaves_of(l, n));
}

/* ---- circles --------------------------------------------------------------------------------------- */

static void spread(const fsm__linter *l, bool *marked) {
  for (bool more = true; more;) {
    more = false;
    for (size_t i = l->seen.move_count; i-- > 0;) {
      const fsm_explore_move *move = &l->seen.moves[i];
      if (!marked[move->to] || marked[move->from]) continue;
      marked[move->from] = more = true;
    }
  }
}

static bool *marks(fsm__linter *l) {
  bool *marked = fsm_arena_zalloc(l->arena, l->seen.node_count + l->state_count + 1, sizeof *marked);
  if (marked == NULL) l->no_memory = true;
  return marked;
}

/* A state that holds a circle in: every configuration with it is without a way to the end. */
static void tell_circles(fsm__linter *l, const bool *ends, const bool *dead) {
  bool *told = marks(l);
  for (size_t i = 0; told != NULL && i < l->seen.node_count; i++) {
    const fsm_explore_node *n = &l->seen.nodes[i];
    if (ends[i] || dead[i] || n->move_count == 0) continue;
    unsigned place = place_of(l, n);
    bool caught = true;
    while (place > 0) { /* as far up as all of it is caught */
      const unsigned up = fsm_state_parent(l->machine, place);
      for (size_t j = 0; j < l->seen.node_count && caught; j++)
        caught = !has(&l->seen.nodes[j], up) || !ends[j];
      if (!caught || up == 0) break;
      place = up;
    }
    bool around = false;
    for (unsigned up = place; !around && up > 0; up = fsm_state_parent(l->machine, up)) around = told[up];
    if (around || told[place]) continue;
    told[place] = true;
    fsm__lint_add(l, FSM__L004, FSM__OF_STATE(place), NULL,
                  "an instance in %s can never come to a final state of the machine", leaves_of(l, n));
  }
}

/* ---- eventless circles ------------------------------------------------------------------------------- */

static bool assigns(const fsm__linter *l, const fsm_explore_move *move) {
  for (unsigned i = 0; i < move->count; i++)
    for (size_t j = 0; j < l->transitions[move->transitions[i]]->action_count; j++)
      if (l->transitions[move->transitions[i]]->actions[j].kind == FSM_ACTION_ASSIGN) return true;
  return false;
}

/* The only move of a configuration that is left at once; NULL = there is none, or a choice. */
static const fsm_explore_move *forced(const fsm__linter *l, size_t node) {
  const fsm_explore_node *n = &l->seen.nodes[node];
  const fsm_explore_move *move = moves_of(l, node);
  uint32_t eventless = 0;
  for (uint32_t i = 0; i < n->move_count; i++) eventless += move[i].event < 0;
  if (eventless != 1 || move->event >= 0 || !move->certain) return NULL;
  /* in XState one that changes nothing rests until something comes */
  if (move->to == node && l->source->def->dialect == FSM_XSTATE && !assigns(l, move)) return NULL;
  return move;
}

static void look_at_loops(fsm__linter *l) {
  bool *told = marks(l);
  for (size_t i = 0; told != NULL && i < l->seen.node_count; i++) {
    const fsm_explore_move *move = forced(l, i);
    size_t steps = 0;
    while (move != NULL && move->to != i && steps++ <= l->seen.node_count) move = forced(l, move->to);
    if (move == NULL || move->to != i || told[i]) continue;
    move = forced(l, i);
    fsm__lint_add(l, FSM__L013, FSM__OF_TRANSITION(move->transitions[0]), NULL,
                  "%s begins a circle of eventless transitions that nothing ends",
                  fsm__lint_transition(l, move->transitions[0]));
    for (size_t at = i; !told[at]; at = forced(l, at)->to) told[at] = true;
  }
}

static bool has_end(const fsm__linter *l) {
  for (unsigned i = 1; i < l->state_count; i++)
    if (fsm_state_kind(l->machine, i) == FSM_FINAL && fsm_state_parent(l->machine, i) == 0) return true;
  for (size_t i = 0; i < l->seen.node_count; i++)
    if (l->seen.nodes[i].done) return true;
  return false;
}

void fsm__lint_traps(fsm__linter *l) {
  bool *ends = marks(l), *dead = marks(l), *told = marks(l);
  if (ends == NULL || dead == NULL || told == NULL) return;
  look_at_loops(l);
  for (size_t i = 0; i < l->seen.node_count; i++) {
    ends[i] = l->seen.nodes[i].done;
    dead[i] = !ends[i] && l->seen.nodes[i].move_count == 0;
    if (dead[i] && has_end(l)) tell_dead(l, i, told);
  }
  bool any = false;
  for (size_t i = 0; i < l->seen.node_count; i++) any |= ends[i];
  spread(l, ends);
  spread(l, dead);
  if (any) tell_circles(l, ends, dead);
}
