/* graph_label.c: what stands at an arrow: the event as people call it, then the guard.
 *
 * Generated events are named by what happens ("after 5m", "done review"): their full names repeat the
 * path of a state that the arrow starts from.
 */
#include <string.h>

#include "schema/json.h"
#include "tools/cli/definition/graph.h"
#include "tools/cli/show/screen.h"
#include "tools/cli/show/text.h"

#define NS_PER_MS INT64_C(1000000)

/* White space is one space, then escaped and cut. */
static const char *shorten(fsm_arena *arena, const char *text) {
  fsm_buf flat = {0}, cut = {0};
  for (; *text != 0; text++) {
    bool space = strchr(" \t\r\n", *text) != NULL;
    if (!space)
      fsm_buf_char(&flat, *text);
    else if (flat.len > 0 && flat.data[flat.len - 1] != ' ')
      fsm_buf_char(&flat, ' ');
  }
  while (flat.len > 0 && flat.data[flat.len - 1] == ' ') flat.len--;
  cli_clip(&cut, cli_safe(arena, fsm_buf_text(&flat)), CLI_GRAPH_LABEL_MAX);
  const char *copy = fsm_arena_strdup(arena, fsm_buf_text(&cut));
  fsm_buf_free(&flat);
  fsm_buf_free(&cut);
  return copy == NULL ? "" : copy;
}

static const char *duration(fsm_arena *arena, int64_t ms) {
  char text[64];
  int64_t ns;
  if (ms < 0 || __builtin_mul_overflow(ms, NS_PER_MS, &ns)) return "?";
  fsm_duration_format(ns, text, sizeof text);
  const char *copy = fsm_arena_strdup(arena, text);
  return copy == NULL ? "" : copy;
}

static const char *delay(fsm_arena *arena, const fsm_def_value *value) {
  if (value->form == FSM_DEF_EXPR) return shorten(arena, value->expr);
  const fsm_value *literal = &value->literal;
  if (value->form == FSM_DEF_LITERAL && fsm_is(literal, FSM_INT)) return duration(arena, literal->i);
  return value->form == FSM_DEF_LITERAL ? shorten(arena, cli_text(arena, literal)) : "…";
}

static const char *after(const char *text, const char *prefix) {
  size_t len = strlen(prefix);
  return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* The key of an `after` that is a name: it tells more than what it stands for. NULL = a number. */
static const char *delay_name(fsm_arena *arena, const cli_graph_node *source, const char *event_name) {
  const char *key = after(event_name, "xstate.after.");
  size_t path = strlen(source->path), len = key == NULL ? 0 : strlen(key);
  if (len <= path + 1 || strspn(key, "0123456789") == len - path - 1) return NULL;
  if (strcmp(key + len - path, source->path) != 0 || key[len - path - 1] != '.') return NULL;
  const char *name = fsm_arena_strndup(arena, key, len - path - 1);
  return name == NULL ? NULL : shorten(arena, name);
}

static const char *after_event(fsm_arena *arena, const cli_graph_node *source, const fsm_def_after *timer) {
  const char *name = delay_name(arena, source, timer->event);
  const char *text = fsm_arena_printf(arena, "after %s", name != NULL ? name : delay(arena, timer->delay));
  return text == NULL ? "" : text;
}

const char *cli_graph_event(fsm_arena *arena, fsm_dialect dialect, const char *descriptor) {
  size_t len = strlen(descriptor);
  if (dialect != FSM_SCXML || len < 3 || strcmp(descriptor + len - 2, ".*") != 0)
    return cli_safe(arena, descriptor);
  const char *name = fsm_arena_strndup(arena, descriptor, len - 2);
  return name == NULL ? "" : cli_safe(arena, name);
}

static const char *event(fsm_arena *arena, const cli_graph *graph, const cli_graph_node *source,
                         const char *name) {
  const fsm_def_state *state = source->state;
  for (size_t i = 0; i < state->after_count; i++)
    if (strcmp(state->afters[i].event, name) == 0) return after_event(arena, source, &state->afters[i]);
  const char *rest = after(name, "xstate.done.state.");
  if (rest != NULL && strcmp(rest, source->path) == 0) return "done";
  static const struct {
    const char *prefix, *word;
  } words[] = {
      {"xstate.done.state.", "done"}, {"xstate.done.actor.", "done"}, {"xstate.error.actor.", "error"}};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    rest = after(name, words[i].prefix);
    if (rest == NULL) continue;
    const char *text = fsm_arena_printf(arena, "%s %s", words[i].word, cli_safe(arena, rest));
    return text == NULL ? "" : text;
  }
  return cli_graph_event(arena, graph->dialect, name);
}

const char *cli_graph_transition(fsm_arena *arena, const cli_graph *graph, const cli_graph_node *source,
                                 const fsm_def_transition *transition) {
  fsm_buf label = {0};
  for (size_t i = 0; i < transition->event_count; i++)
    fsm_buf_printf(&label, "%s%s", i == 0 ? "" : ", ", event(arena, graph, source, transition->events[i]));
  const char *guard = transition->guard_name != NULL ? transition->guard_name : transition->guard;
  if (guard != NULL) fsm_buf_printf(&label, "%s[%s]", label.len == 0 ? "" : " ", shorten(arena, guard));
  if (label.len == 0) fsm_buf_str(&label, "always");
  const char *text = fsm_arena_strdup(arena, fsm_buf_text(&label));
  fsm_buf_free(&label);
  return text;
}

const char *cli_graph_invoke(fsm_arena *arena, const fsm_def_invoke *invoke) {
  const char *what = invoke->src;
  if (what == NULL && invoke->machine != NULL) what = invoke->machine->root->name;
  if (what == NULL && invoke->src_expr != NULL && invoke->src_expr->form == FSM_DEF_EXPR)
    what = invoke->src_expr->expr;
  if (what == NULL) what = invoke->id != NULL ? invoke->id : "…";
  return fsm_arena_printf(arena, "invoke %s", shorten(arena, what));
}
