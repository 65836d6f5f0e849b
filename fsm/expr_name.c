/* expr_name.c: what a name that stands alone means.
 *
 * From the innermost outwards: a variable of a macro, then what the dialect has. In JSON definitions
 * those are five variables and the names of the types; in SCXML `_event`, the system variables, which
 * begin with '_', and the fields of the context, and a field goes before the type of the same name.
 */
#include <string.h>

#include "fsm/expr_parse.h"

static bool scxml(const fsm__parser *p) { return p->source->options && p->source->options->scxml; }

const char *fsm__variable_name(fsm__variable variable, bool in_scxml) {
  static const char *const names[] = {
      [FSM__CONTEXT] = "context", [FSM__EVENT] = "event", [FSM__ACTOR] = "actor",
      [FSM__NOW] = "now",         [FSM__INPUT] = "input", [FSM__SYSTEM] = ""};
  return in_scxml && variable == FSM__EVENT ? "_event" : names[variable];
}

static fsm__node *new_variable(fsm__parser *p, const fsm__token *name, fsm__variable variable) {
  fsm__node *node = fsm__new_node(p, FSM__VARIABLE, name->begin);
  if (node) node->variable = variable;
  p->expr->actor |= variable == FSM__ACTOR;
  return node;
}

static bool same_name(const fsm_value *a, const fsm_value *b) {
  return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

/* The macro's variable of this name; NULL without a fault when there is none. */
static fsm__node *parse_local(fsm__parser *p, const fsm__token *name) {
  unsigned up = 0;
  for (const fsm__bound *bound = p->bound; bound; bound = bound->up, up++)
    for (unsigned i = bound->count; i-- > 0;) {
      if (!same_name(&bound->names[i], &name->value)) continue;
      fsm__node *node = fsm__new_node(p, FSM__LOCAL, name->begin);
      if (node) node->local = (fsm__local){.up = (uint8_t)up, .which = (uint8_t)i};
      return node;
    }
  return NULL;
}

static fsm__node *parse_type(fsm__parser *p, const fsm__token *name) {
  fsm_value type;
  if (!fsm__type_named(&name->value, &type)) return NULL;
  p->expr->beyond = true;
  return fsm__new_literal(p, name->begin, type);
}

static fsm__node *parse_json_name(fsm__parser *p, const fsm__token *name) {
  for (unsigned i = FSM__CONTEXT; i <= FSM__INPUT; i++)
    if (fsm_is_text(&name->value, fsm__variable_name((fsm__variable)i, false)))
      return new_variable(p, name, (fsm__variable)i);
  fsm__node *type = parse_type(p, name);
  if (type || p->code) return type;
  return fsm__parse_fail(p, name->begin, "unknown name '%.*s', expected context, event, actor, now or input",
                         (int)name->value.len, name->value.s);
}

/* A path that has begun: the field of the name in the context or among the system variables. */
static fsm__node *open_path(fsm__parser *p, const fsm__token *name) {
  bool system = name->value.s[0] == '_';
  fsm_value type;
  fsm__node *path = fsm__new_node(p, FSM__PATH, name->begin), *last = NULL;
  fsm__node *base = new_variable(p, name, system ? FSM__SYSTEM : FSM__CONTEXT);
  fsm__node *field = fsm__new_node(p, FSM__FIELD, name->begin);
  if (!fsm__append(p, path, &last, base) || !fsm__append(p, path, &last, field)) return NULL;
  base->end = base->begin; /* nothing of it is written */
  field->value = name->value;
  if (!system && fsm__type_named(&name->value, &type)) {
    field->soft = FSM__OR_TYPE;
    p->expr->beyond = true;
  }
  p->open = path;
  return path;
}

static fsm__node *parse_scxml_name(fsm__parser *p, const fsm__token *name) {
  if (fsm_is_text(&name->value, "_event")) return new_variable(p, name, FSM__EVENT);
  return open_path(p, name);
}

/* Names with dots in them that are one name: what follows the first dot is taken, too. */
static void take_qualified(fsm__parser *p, fsm__token *name) {
  static const char *const names[] = {"optional.ofNonZeroValue(", "optional.of(", "optional.none(",
                                      "google.protobuf.Timestamp", "google.protobuf.Duration"};
  const char *text = p->source->text + name->begin;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t len = strlen(names[i]), tail = names[i][len - 1] == '(';
    if (strncmp(text, names[i], len) != 0) continue;
    name->value = fsm_stringn(text, len - tail);
    name->end = (uint16_t)(name->begin + len - tail);
    p->source->at = name->end;
    p->token.end = name->end;
    return;
  }
}

fsm__node *fsm__parse_name(fsm__parser *p, bool absolute) {
  fsm__token name = p->token;
  fsm__node *local = absolute ? NULL : parse_local(p, &name);
  if (!local && !p->code) take_qualified(p, &name);
  fsm__advance(p);
  if (p->code) return NULL;
  if (fsm__at(p, FSM__T_LPAREN)) {
    fsm__advance(p);
    return fsm__parse_call(p, &name, NULL);
  }
  if (local) {
    local->end = p->last_end;
    return local;
  }
  fsm_value type;
  if (memchr(name.value.s, '.', name.value.len) && fsm__type_named(&name.value, &type))
    return parse_type(p, &name);
  return scxml(p) ? parse_scxml_name(p, &name) : parse_json_name(p, &name);
}
