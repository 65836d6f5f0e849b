/* paths.c: depth first, with a list in the place of the stack; only where the end can still be reached. */
#include "fsm/paths.h"

#include <string.h>

typedef struct finder {
  fsm_arena *arena;
  const fsm_exploration *seen;
  uint32_t *place; /* per node: the first node of the same configuration */
  bool *ends, *on; /* per node: the end can be reached; per place: it is on the path */
  uint32_t *moves; /* the path so far */
  uint32_t *tried; /* per depth: moves of its node that were tried */
  unsigned depth;
  size_t steps, most, cap;
  fsm_path *found;
  fsm_paths *out;
} finder;

static bool prepare(finder *f, const fsm_machine *machine) {
  const fsm_exploration *seen = f->seen;
  const size_t bytes = fsm_machine_words(machine) * sizeof(uint64_t);
  f->place = fsm_arena_zalloc(f->arena, seen->node_count + 1, sizeof *f->place);
  f->ends = fsm_arena_zalloc(f->arena, seen->node_count + 1, sizeof *f->ends);
  f->on = fsm_arena_zalloc(f->arena, seen->node_count + 1, sizeof *f->on);
  f->moves = fsm_arena_zalloc(f->arena, seen->node_count + 1, sizeof *f->moves);
  f->tried = fsm_arena_zalloc(f->arena, seen->node_count + 1, sizeof *f->tried);
  if (f->place == NULL || f->ends == NULL || f->on == NULL || f->moves == NULL || f->tried == NULL)
    return false;
  for (uint32_t i = 0; i < seen->node_count; i++) {
    uint32_t first = 0;
    while (seen->nodes[first].done != seen->nodes[i].done ||
           memcmp(seen->nodes[first].config, seen->nodes[i].config, bytes) != 0)
      first++;
    f->place[i] = first;
    f->ends[i] = seen->nodes[i].done;
  }
  for (bool more = true; more;) {
    more = false;
    for (size_t i = seen->move_count; i-- > 0;)
      if (f->ends[seen->moves[i].to] && !f->ends[seen->moves[i].from])
        f->ends[seen->moves[i].from] = more = true;
  }
  return true;
}

static bool keep(finder *f) {
  if (f->out->count == f->cap) {
    const size_t cap = f->cap == 0 ? 32 : 2 * f->cap;
    fsm_path *more = fsm_arena_alloc(f->arena, cap * sizeof *more);
    if (more == NULL) return false;
    if (f->cap > 0) memcpy(more, f->found, f->cap * sizeof *more);
    f->found = more;
    f->cap = cap;
  }
  uint32_t *moves = fsm_arena_alloc(f->arena, (f->depth + 1) * sizeof *moves);
  if (moves == NULL) return false;
  memcpy(moves, f->moves, f->depth * sizeof *moves);
  f->found[f->out->count++] = (fsm_path){moves, f->depth};
  return true;
}

/* The next move of the node that has not been tried and may be made; -1 = there is none. */
static int64_t next_move(finder *f, uint32_t node) {
  const fsm_explore_node *n = &f->seen->nodes[node];
  while (f->tried[f->depth] < n->move_count) {
    const uint32_t move = n->first_move + f->tried[f->depth]++;
    const uint32_t to = f->seen->moves[move].to;
    f->steps++;
    if (f->ends[to] && !f->on[f->place[to]]) return move;
  }
  return -1;
}

/* false = out of memory. */
static bool walk(finder *f) {
  uint32_t node = 0;
  f->on[f->place[0]] = true;
  for (;;) {
    const bool done = f->seen->nodes[node].done;
    if (done && f->out->count == f->most) f->out->complete = false;
    if (f->steps > FSM_PATHS_STEPS_MAX) f->out->complete = false;
    if (!f->out->complete) return true;
    if (done && !keep(f)) return false;
    const int64_t move = done ? -1 : next_move(f, node);
    if (move >= 0) {
      f->moves[f->depth++] = (uint32_t)move;
      f->tried[f->depth] = 0;
      node = f->seen->moves[move].to;
      f->on[f->place[node]] = true;
      continue;
    }
    f->on[f->place[node]] = false;
    if (f->depth == 0) return true;
    node = f->seen->moves[f->moves[--f->depth]].from;
  }
}

fsm_code fsm_paths_find(fsm_arena *arena, const fsm_machine *machine, const fsm_exploration *seen,
                        size_t most, fsm_paths *out, fsm_error *err) {
  FSM_ASSERT(arena != NULL && machine != NULL && seen != NULL && out != NULL);
  if (most == 0 || most > FSM_PATHS_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "limit", "1 to %d paths", FSM_PATHS_MAX);
  *out = (fsm_paths){.complete = seen->complete};
  finder f = {.arena = arena, .seen = seen, .most = most, .out = out};
  if (seen->node_count == 0 || !seen->complete) return FSM_OK;
  const bool good = prepare(&f, machine) && (!f.ends[0] || walk(&f));
  out->paths = f.found;
  return good ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for the paths");
}
