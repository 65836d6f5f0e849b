/* simulation_hint.c: what may be sent now, and which of it was probably meant. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "tools/cli/definition/simulation.h"
#include "tools/cli/nearest.h"

enum { NAMES_SHOWN = 12 };

static bool holds(const fsm_value *items, uint32_t count, const char *name) {
  for (uint32_t i = 0; i < count; i++)
    if (strcmp(items[i].s, name) == 0) return true;
  return false;
}

fsm_value cli_simulation_sendable(const cli_simulation *sim, fsm_arena *arena) {
  FSM_ASSERT(sim != NULL && sim->session != NULL && arena != NULL);
  const fsm_enabled_event *events = NULL;
  unsigned count = 0;
  uint32_t kept = 0;
  const fsm_machine *machine = fsm_session_machine(sim->session);
  fsm_world world = cli_simulation_world(sim, sim->session);
  fsm_code code =
      fsm_enabled(machine, fsm_session_snapshot(sim->session), &world, arena, &events, &count, NULL);
  fsm_value *items = fsm_arena_zalloc(arena, count + 1u, sizeof *items);
  for (unsigned i = 0; code == FSM_OK && items != NULL && i < count; i++) {
    const char *name = cli_graph_event(arena, fsm_machine_dialect(machine), events[i].event);
    if (events[i].candidate.enabled && !holds(items, kept, name)) items[kept++] = fsm_string(name);
  }
  return fsm_list(items, kept);
}

/* The same in capitals, in which events are mostly written. */
static const char *capitals(fsm_arena *arena, const char *text) {
  char *copy = fsm_arena_strdup(arena, text);
  for (char *at = copy; at != NULL && *at != 0; at++) *at = (char)toupper((unsigned char)*at);
  return copy;
}

const char *cli_simulation_near(const cli_simulation *sim, const char *event, fsm_arena *arena) {
  fsm_value sendable = cli_simulation_sendable(sim, arena);
  const char **names = fsm_arena_zalloc(arena, sendable.len + 1u, sizeof *names),
             *big = capitals(arena, event);
  if (names == NULL || big == NULL) return NULL;
  for (uint32_t i = 0; i < sendable.len; i++) {
    names[i] = sendable.items[i].s;
    if (strcmp(event, names[i]) == 0) return NULL;
  }
  for (uint32_t i = 0; i < sendable.len; i++)
    if (strcasecmp(event, names[i]) == 0) return names[i];
  const char *near = cli_nearest(event, names, sendable.len);
  return near != NULL ? near : cli_nearest(big, names, sendable.len);
}

const char *cli_simulation_hint(const cli_simulation *sim, const char *event, fsm_arena *arena) {
  if (fsm_session_snapshot(sim->session)->done) return "";
  fsm_value sendable = cli_simulation_sendable(sim, arena);
  if (sendable.len == 0) return "; no event may be sent now";
  const char *near = cli_simulation_near(sim, event, arena);
  fsm_buf text = {0};
  if (near != NULL) fsm_buf_printf(&text, "; did you mean %s?", near);
  fsm_buf_str(&text, "; may be sent now: ");
  for (uint32_t i = 0; i < sendable.len && i < NAMES_SHOWN; i++)
    fsm_buf_printf(&text, "%s%s", i == 0 ? "" : ", ", sendable.items[i].s);
  if (sendable.len > NAMES_SHOWN) fsm_buf_str(&text, ", …");
  const char *copy = fsm_arena_strdup(arena, fsm_buf_text(&text));
  fsm_buf_free(&text);
  return copy == NULL ? "" : copy;
}
