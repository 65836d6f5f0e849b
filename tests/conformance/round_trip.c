/* round_trip.c: what a store would keep between two macrosteps, written out and read back.
 *
 * The configuration goes as the paths of its leaves, so that it survives another numbering of states; all
 * goes through canonical msgpack. What is read back is handed on: a difference shows in what follows.
 */
#include <string.h>

#include "schema/pack.h"
#include "stage.h"

static fsm_code leaf_paths(const fsm_machine *m, const uint64_t *config, fsm_arena *arena, fsm_value *out) {
  fsm_value *paths = fsm_arena_zalloc(arena, fsm_machine_states(m), sizeof *paths);
  if (!paths) return FSM_ENOMEM;
  size_t count = 0;
  for (unsigned i = 0; i < fsm_machine_states(m); i++)
    if (fsm_config_has(config, i) && fsm_state_is_leaf(m, i))
      paths[count++] = fsm_string(fsm_state_path(m, i));
  *out = fsm_list(paths, count);
  return FSM_OK;
}

static fsm_code config_of(const fsm_machine *m, const fsm_value *paths, fsm_arena *arena,
                          const uint64_t **out, fsm_error *err) {
  uint16_t *leaves = fsm_arena_zalloc(arena, paths->len + 1, sizeof *leaves);
  uint64_t *config = fsm_arena_zalloc(arena, fsm_machine_words(m), sizeof *config);
  if (!leaves || !config) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  for (uint32_t i = 0; i < paths->len; i++) {
    int state = fsm_state_find(m, paths->items[i].s, paths->items[i].len);
    if (state < 0)
      return fsm_fail(err, FSM_ECORRUPT, "", "%.*s is no state", (int)paths->items[i].len, paths->items[i].s);
    leaves[i] = (uint16_t)state;
  }
  if (!fsm_config_from_leaves(m, leaves, paths->len, config))
    return fsm_fail(err, FSM_ECORRUPT, "", "the leaves are no legal configuration");
  *out = config;
  return FSM_OK;
}

enum { CONFIG, CONTEXT, COUNTER, DONE, HISTORY, OUTPUT, FIELDS };
static const char *const names[FIELDS] = {"config", "context", "counter", "done", "history", "output"};

static fsm_code read_back(const fsm_machine *m, const fsm_value *row, fsm_arena *arena,
                          fsm_snapshot *snapshot, fsm_error *err) {
  const fsm_value *field[FIELDS];
  for (unsigned i = 0; i < FIELDS; i++) {
    field[i] = fsm_map_get(row, names[i]);
    if (!field[i]) return fsm_fail(err, FSM_ECORRUPT, names[i], "it was not read back");
  }
  *snapshot = (fsm_snapshot){.context = *field[CONTEXT],
                             .history = *field[HISTORY],
                             .counter = (uint32_t)field[COUNTER]->i,
                             .done = field[DONE]->b,
                             .output = *field[OUTPUT]};
  return config_of(m, field[CONFIG], arena, &snapshot->config, err);
}

fsm_code round_trip(void *arg, const fsm_machine *machine, fsm_arena *arena, fsm_snapshot *snapshot,
                    fsm_error *err) {
  (void)arg;
  fsm_value leaves, row, back;
  if (leaf_paths(machine, snapshot->config, arena, &leaves) != FSM_OK)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  fsm_pair pairs[FIELDS] = {{fsm_string(names[CONFIG]), leaves},
                            {fsm_string(names[CONTEXT]), snapshot->context},
                            {fsm_string(names[COUNTER]), fsm_int(snapshot->counter)},
                            {fsm_string(names[DONE]), fsm_bool(snapshot->done)},
                            {fsm_string(names[HISTORY]), snapshot->history},
                            {fsm_string(names[OUTPUT]), snapshot->output}};
  fsm_code code = fsm_map(pairs, FIELDS, &row, err);
  if (code != FSM_OK) return code;
  fsm_buf bytes = {0};
  code = fsm_pack(&bytes, &row, err);
  void *copy = code == FSM_OK ? fsm_arena_alloc(arena, bytes.len) : NULL;
  if (copy) memcpy(copy, bytes.data, bytes.len);
  size_t len = bytes.len;
  bool whole = fsm_buf_ok(&bytes);
  fsm_buf_free(&bytes);
  if (code != FSM_OK) return code;
  if (!copy || !whole) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  code = fsm_unpack(arena, copy, len, &back, err);
  return code == FSM_OK ? read_back(machine, &back, arena, snapshot, err) : code;
}
