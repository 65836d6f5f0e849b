/* simulation_why.c: which part of a guard is false.
 *
 * A guard `a && (b || c)` is false because of one of the operands of its && at the least. The text is cut
 * at the && that nothing encloses, and each piece asked by itself, and cut again. A piece that is not
 * an expression by itself, or that holds || or ?: unenclosed, is not cut.
 */
#include <string.h>

#include "tools/cli/simulation.h"

typedef struct piece {
  const char *text;
  size_t len;
} piece;

/* A string literal that begins at text[at]; the position behind it. */
static size_t skip_string(piece p, size_t at) {
  const char quote = p.text[at];
  bool raw = at > 0 && (p.text[at - 1] == 'r' || p.text[at - 1] == 'R');
  size_t quotes = at + 2 < p.len && p.text[at + 1] == quote && p.text[at + 2] == quote ? 3 : 1;
  for (at += quotes; at < p.len; at++) {
    if (p.text[at] == '\\' && !raw) {
      at++;
      continue;
    }
    if (p.text[at] != quote) continue;
    if (quotes == 1) return at + 1;
    if (at + 2 < p.len && p.text[at + 1] == quote && p.text[at + 2] == quote) return at + 3;
  }
  return p.len;
}

typedef enum cut { CUT_NONE, CUT_AND, CUT_WHOLE } cut;

/* The first && at depth 0 into *at. CUT_WHOLE: there is a weaker operator beside it. */
static cut find_and(piece p, size_t *at) {
  unsigned depth = 0;
  cut found = CUT_NONE;
  for (size_t i = 0; i < p.len;) {
    char c = p.text[i], next = i + 1 < p.len ? p.text[i + 1] : 0;
    if (c == '"' || c == '\'') {
      i = skip_string(p, i);
      continue;
    }
    if (strchr("([{", c) != NULL && c != 0) depth++;
    if (strchr(")]}", c) != NULL && c != 0 && depth > 0) depth--;
    if (depth == 0 && ((c == '|' && next == '|') || (c == '?' && next != '.') || (c == '/' && next == '/')))
      return CUT_WHOLE;
    if (depth == 0 && c == '&' && next == '&' && found == CUT_NONE) found = CUT_AND, *at = i;
    i++;
  }
  return found;
}

static piece trim(piece p) {
  while (p.len > 0 && strchr(" \t\r\n", p.text[0]) != NULL) p.text++, p.len--;
  while (p.len > 0 && strchr(" \t\r\n", p.text[p.len - 1]) != NULL) p.len--;
  return p;
}

/* "(x)" → "x", when the first bracket is closed by the last. */
static piece unwrap(piece p) {
  p = trim(p);
  while (p.len > 2 && p.text[0] == '(' && p.text[p.len - 1] == ')') {
    unsigned depth = 0;
    for (size_t i = 0; i + 1 < p.len;) {
      if (p.text[i] == '"' || p.text[i] == '\'') {
        i = skip_string(p, i);
        continue;
      }
      if (p.text[i] == '(') depth++;
      if (p.text[i] == ')' && --depth == 0) return p;
      i++;
    }
    p = trim((piece){p.text + 1, p.len - 2});
  }
  return p;
}

/* ---- asking a piece ------------------------------------------------------------------------------- */

static bool in_state(const void *arg, const char *state, size_t len) {
  const fsm_session *session = arg;
  const fsm_machine *machine = fsm_session_machine(session);
  int number = fsm_state_find(machine, state, len);
  return number >= 0 && fsm_config_has(fsm_session_snapshot(session)->config, (unsigned)number);
}

/* The event as guards see it; null when memory ran out. */
static fsm_value event_map(const fsm_event *event, bool scxml, fsm_arena *arena) {
  fsm_pair *pairs = fsm_arena_alloc(arena, 3 * sizeof *pairs);
  fsm_value own, all;
  if (pairs == NULL || event == NULL) return fsm_null();
  const char *type = event->type != NULL ? event->type : "external";
  pairs[0] = (fsm_pair){fsm_string("data"), event->data};
  pairs[1] = (fsm_pair){fsm_string("name"), fsm_string(event->name)};
  pairs[2] = (fsm_pair){fsm_string("type"), fsm_string(scxml ? type : event->name)};
  if (fsm_map(pairs, 3, &own, NULL) != FSM_OK) return fsm_null();
  if (scxml || !fsm_is(&event->data, FSM_MAP)) return own;
  return fsm_map_merge(arena, &event->data, &own, &all) == FSM_OK ? all : fsm_null();
}

typedef struct asker {
  fsm_arena *arena;
  fsm_expr_options options;
  fsm_scope scope;
} asker;

typedef enum answer { ANSWER_FALSE, ANSWER_TRUE, ANSWER_NONE } answer;

static answer ask(const asker *a, piece p, const fsm_expr **expr) {
  fsm_value value;
  if (fsm_expr_compile_with(a->arena, p.text, p.len, &a->options, expr, NULL) != FSM_OK) return ANSWER_NONE;
  if (fsm_expr_eval(*expr, &a->scope, a->arena, &value, NULL) != FSM_OK || !fsm_is(&value, FSM_BOOL))
    return ANSWER_NONE;
  return value.b ? ANSWER_TRUE : ANSWER_FALSE;
}

/* The smallest piece of p, which is false, that is false by itself. */
static piece narrow(const asker *a, piece p) {
  for (;;) {
    p = unwrap(p);
    piece rest = p, found = {NULL, 0};
    size_t at = 0;
    const fsm_expr *expr;
    if (find_and(p, &at) != CUT_AND) return p;
    for (bool more = true; more && found.text == NULL;) {
      more = find_and(rest, &at) == CUT_AND;
      piece one = trim((piece){rest.text, more ? at : rest.len});
      if (ask(a, one, &expr) == ANSWER_FALSE) found = one;
      if (more) rest = (piece){rest.text + at + 2, rest.len - at - 2};
    }
    if (found.text == NULL) return p;
    p = found;
  }
}

const char *cli_simulation_false_part(const cli_simulation *sim, const fsm_session *session,
                                      const char *guard, const fsm_event *event, fsm_arena *arena,
                                      fsm_value *seen) {
  FSM_ASSERT(session != NULL && guard != NULL && seen != NULL);
  bool scxml = fsm_machine_dialect(fsm_session_machine(session)) == FSM_SCXML;
  fsm_world world = cli_simulation_world(sim, session);
  fsm_value map = event_map(event, scxml, arena), system = fsm_map_empty();
  fsm_pair pairs[2] = {{fsm_string("_name"), fsm_string(fsm_machine_id(fsm_session_machine(session)))},
                       {fsm_string("_sessionid"), fsm_string(world.session)}};
  system = (fsm_value){.type = FSM_MAP, .len = 2, .pairs = pairs};
  asker a = {.arena = arena,
             .options = {.scxml = scxml, .guard = true},
             .scope = {.context = &fsm_session_snapshot(session)->context,
                       .event = &map,
                       .actor = world.actor,
                       .system = scxml ? &system : NULL,
                       .now_ns = world.now_ns,
                       .in = in_state,
                       .in_arg = session}};
  piece whole = unwrap((piece){guard, strlen(guard)}), part = narrow(&a, whole);
  const fsm_expr *expr;
  if (part.len == whole.len || ask(&a, part, &expr) != ANSWER_FALSE) return NULL;
  if (fsm_expr_seen(expr, &a.scope, arena, seen) != FSM_OK) return NULL;
  return fsm_arena_strndup(arena, part.text, part.len);
}
