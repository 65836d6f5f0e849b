/* definition_guard.c: guards: an expression, a name, or and/or/not/stateIn of others, lowered into one
 * expression.
 *
 * A combinator is {"type": "@xstate.and", "guards": […]}; "xstate.and" (as XState 6 writes it) and "and"
 * mean the same, and so do its members under "params". No guard of the machine's own has such a name.
 */
#include <string.h>

#include "schema/definition_load.h"

static fsm_code guard_text(fsm__loader *l, fsm__node node, const char **out);

/* What the operands make together is bounded while it grows, or names could multiply. */
static fsm_code keep_text(fsm__loader *l, const char *where, fsm_buf *buf, const char **out) {
  bool fits = buf->len <= FSM_EXPR_TEXT_MAX;
  *out = fits && fsm_buf_ok(buf) ? fsm_arena_strndup(l->arena, buf->data, buf->len) : NULL;
  fsm_buf_free(buf);
  if (!fits)
    return fsm_fail(l->err, FSM_ETOOLARGE, where, "the guard is longer than %d bytes as one expression",
                    FSM_EXPR_TEXT_MAX);
  return *out ? FSM_OK : fsm__out_of_memory(l);
}

static fsm_code add_operand(fsm__loader *l, fsm__node node, const char *before, fsm_buf *out) {
  const char *text;
  fsm_code code = guard_text(l, node, &text);
  /* a comment at the end must not swallow the bracket */
  if (!code) fsm_buf_printf(out, "%s(%s%s)", before, text, strstr(text, "//") ? "\n" : "");
  return code;
}

/* ---- stateIn ----------------------------------------------------------------------------------- */

static void add_in(const char *path, fsm_buf *out) {
  if (out->len) fsm_buf_str(out, " && ");
  if (!*path) {
    fsm_buf_str(out, "true"); /* the root is always active */
    return;
  }
  fsm_buf_str(out, "In('"); /* a key has no control characters */
  for (; *path; path++) {
    if (*path == '\'' || *path == '\\') fsm_buf_str(out, "\\");
    fsm_buf_add(out, path, 1);
  }
  fsm_buf_str(out, "')");
}

static fsm_code add_path(fsm__loader *l, const char *where, const char *path, fsm_buf *out) {
  if (!fsm__state_at(l, path)) return fsm__no_such_state(l, where, path);
  add_in(path, out);
  return FSM_OK;
}

/* {"a": {"b": "c"}, "d": "e"}: a.b.c and d.e; {"a": {}} is a. */
static fsm_code add_state_value(fsm__loader *l, fsm__node node, const char *above, fsm_buf *out) {
  fsm_code code = FSM_OK;
  if (fsm__node_is(node, FSM_STRING)) {
    const char *path = *above ? fsm_arena_printf(l->arena, "%s.%s", above, node.value->s) : node.value->s;
    return path ? add_path(l, node.where, path, out) : fsm__out_of_memory(l);
  }
  if (!fsm__node_is(node, FSM_MAP))
    return fsm__invalid(l, node.where, "a state value must be a path or an object of them");
  if (*above && node.value->len == 0) return add_path(l, node.where, above, out);
  for (uint32_t i = 0; i < node.value->len && !code; i++) {
    const char *name = fsm__node_name(node, i);
    const char *path = *above ? fsm_arena_printf(l->arena, "%s.%s", above, name) : name;
    code = path ? add_state_value(l, fsm__node_member(l, node, i), path, out) : fsm__out_of_memory(l);
  }
  return code;
}

static fsm_code add_state_id(fsm__loader *l, fsm__node node, fsm_buf *out) {
  const char *id = node.value->s;
  const fsm__state_entry *found = fsm__state_with_id(l, *id == '#' ? id + 1 : id);
  if (l->no_memory) return fsm__out_of_memory(l);
  if (!found) return fsm__no_such_state(l, node.where, id);
  add_in(found->path, out);
  return FSM_OK;
}

/* The members of a combinator, which may stand under "params" (then without the type). */
static fsm_code check_members(fsm__loader *l, fsm__node members, const char *const *keys) {
  bool inside = !fsm_doc_get(members.value, "type");
  return fsm__node_keys(l, members, inside ? keys + 1 : keys);
}

/* "stateId" is the id of a state, "stateValue" an id with its '#', a path from the root, or an object. */
static fsm_code add_state_in(fsm__loader *l, fsm__node guard, fsm_buf *out) {
  static const char *const keys[] = {"type", "stateId", "stateValue", NULL};
  fsm__node id = fsm__node_get(l, guard, "stateId"), value = fsm__node_get(l, guard, "stateValue");
  fsm_code code = check_members(l, guard, keys);
  if (code) return code;
  if (!id.value == !value.value)
    return fsm__invalid(l, guard.where, "stateIn needs a \"stateId\" or a \"stateValue\"");
  fsm__node node = id.value ? id : value;
  bool text = fsm__node_is(node, FSM_STRING);
  if ((text && !node.value->len) || (id.value && !text))
    return fsm__invalid(l, node.where, "a state must be a text that is not empty");
  if (id.value || (text && *node.value->s == '#')) return add_state_id(l, node, out);
  code = add_state_value(l, node, "", out);
  if (!code && !out->len) fsm_buf_str(out, "true");
  return code;
}

/* ---- and, or, not ------------------------------------------------------------------------------ */

static fsm_code add_operands(fsm__loader *l, fsm__node guard, const char *none, const char *between,
                             fsm_buf *out) {
  static const char *const keys[] = {"type", "guards", NULL};
  fsm__node guards = fsm__node_get(l, guard, "guards");
  fsm_code code = check_members(l, guard, keys);
  if (code) return code;
  if (!fsm__node_is(guards, FSM_LIST)) return fsm__invalid(l, guards.where, "\"guards\" must be a list");
  for (uint32_t i = 0; i < guards.value->len && !code; i++) {
    code = add_operand(l, fsm__node_item(l, guards, i), i ? between : "", out);
    if (out->len > FSM_EXPR_TEXT_MAX) break;
  }
  if (!guards.value->len) fsm_buf_str(out, none);
  return code;
}

static fsm_code add_and(fsm__loader *l, fsm__node guard, fsm_buf *out) {
  return add_operands(l, guard, "true", " && ", out);
}

static fsm_code add_or(fsm__loader *l, fsm__node guard, fsm_buf *out) {
  return add_operands(l, guard, "false", " || ", out);
}

/* {"guard": G}, or a list of one as XState 5 keeps it. */
static fsm_code add_not(fsm__loader *l, fsm__node guard, fsm_buf *out) {
  static const char *const keys[] = {"type", "guard", "guards", NULL};
  fsm__node one = fsm__node_get(l, guard, "guard"), list = fsm__node_get(l, guard, "guards");
  fsm_code code = check_members(l, guard, keys);
  if (code) return code;
  bool single = fsm__node_is(list, FSM_LIST) && list.value->len == 1;
  if (!one.value == !list.value || (list.value && !single))
    return fsm__invalid(l, guard.where, "not needs one \"guard\"");
  return add_operand(l, one.value ? one : fsm__node_item(l, list, 0), "!", out);
}

static const struct combinator {
  const char *name;
  fsm_code (*add)(fsm__loader *l, fsm__node guard, fsm_buf *out);
} combinators[] = {{"and", add_and}, {"or", add_or}, {"not", add_not}, {"stateIn", add_state_in}};

static const struct combinator *combinator_of(const char *type) {
  if (strncmp(type, "@xstate.", 8) == 0)
    type += 8;
  else if (strncmp(type, "xstate.", 7) == 0)
    type += 7;
  for (size_t i = 0; i < sizeof combinators / sizeof *combinators; i++)
    if (strcmp(combinators[i].name, type) == 0) return &combinators[i];
  return NULL;
}

static fsm_code combined_text(fsm__loader *l, fsm__node guard, const struct combinator *how,
                              const char **out) {
  static const char *const keys[] = {"type", "params", NULL};
  fsm__node params = fsm__node_get(l, guard, "params");
  fsm_buf buf = {0};
  fsm_code code = params.value ? fsm__node_keys(l, guard, keys) : FSM_OK;
  if (!code) code = how->add(l, params.value ? params : guard, &buf);
  if (!code) return keep_text(l, guard.where, &buf, out);
  fsm_buf_free(&buf);
  return code;
}

/* ---- named ones -------------------------------------------------------------------------------- */

/* {"@expr": …}, another guard or, as XState v6 writes it, {"when": …}. */
static fsm_code definition_text(fsm__loader *l, fsm__node guard, const char **out) {
  static const char *const keys[] = {"when", NULL};
  fsm__node when = fsm__node_get(l, guard, "when");
  if (!when.value) return guard_text(l, guard, out);
  fsm_code code = fsm__node_keys(l, guard, keys);
  return code ? code : guard_text(l, when, out);
}

static fsm_code named_text(fsm__loader *l, fsm__node use, const char *name, const char **out) {
  fsm__expansion saved;
  fsm__node named = fsm__named_get(l, &l->guards, name);
  if (!named.value && strpbrk(name, " <>=!&|()"))
    return fsm__invalid(
        l, use.where,
        "there is no guard \"%.64s\" among the machine's guards; an expression is {\"@expr\": \"…\"}", name);
  if (!named.value) return fsm__named_missing(l, use.where, "guard", name, &l->guards);
  fsm_code code = fsm__expand_begin(l, use, named, &saved);
  if (code) return code;
  code = definition_text(l, named, out);
  fsm__expand_end(l, &saved);
  return code;
}

static fsm_code typed_text(fsm__loader *l, fsm__node node, const char **out) {
  static const char *const keys[] = {"type", "params", NULL};
  const char *type;
  fsm_code code = fsm__node_text(l, node, "type", &type);
  if (code) return code;
  if (!type) return fsm__invalid(l, node.where, "the guard has no \"type\"");
  const struct combinator *how = combinator_of(type);
  if (how) return combined_text(l, node, how, out);
  code = fsm__node_keys(l, node, keys);
  return code ? code : named_text(l, node, type, out);
}

static fsm_code guard_text(fsm__loader *l, fsm__node node, const char **out) {
  if (fsm__is_expression(node.value)) return fsm__read_expression(l, node, out);
  if (fsm__node_is(node, FSM_STRING)) return named_text(l, node, node.value->s, out);
  if (fsm__node_is(node, FSM_MAP)) return typed_text(l, node, out);
  return fsm__invalid(l, node.where, "a guard must be {\"@expr\": …} or the name of one");
}

/* ---- outside ----------------------------------------------------------------------------------- */

/* Its name, when the root has one of that name. */
static const char *name_of(const fsm__loader *l, fsm__node node) {
  const fsm_value *type = fsm__node_is(node, FSM_MAP) ? fsm_doc_get(node.value, "type") : node.value;
  if (!type || type->type != FSM_STRING) return NULL;
  return fsm__named_find(&l->guards, type->s) < 0 ? NULL : type->s;
}

fsm_code fsm__read_guard(fsm__loader *l, fsm__node node, const char **expr, const char **name) {
  *expr = *name = NULL;
  if (!node.value) return FSM_OK;
  *name = name_of(l, node);
  bool guard = l->options.guard;
  l->options.guard = true;
  fsm_code code = guard_text(l, node, expr);
  l->options.guard = guard;
  return code;
}

fsm_code fsm__check_named_guard(fsm__loader *l, fsm__node guard, const char *name) {
  const char *text;
  if (combinator_of(name)) return fsm__invalid(l, guard.where, "the name \"%s\" is XState's own", name);
  l->options.guard = true;
  fsm_code code = definition_text(l, guard, &text);
  l->options.guard = false;
  return code;
}
