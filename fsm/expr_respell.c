/* expr_respell.c: an expression of one notation as one of the other.
 *
 * The languages are one but for their names: JSON writes context.x, event.data and In('a.b'), SCXML x,
 * _event.data and In('id'). Names are replaced token by token and all else is copied, so the text keeps
 * its layout. A name that a macro binds is the macro's own; a respelt one that it would capture is refused.
 */
#include <string.h>

#include "fsm/buf.h"
#include "fsm/expr_impl.h"

enum { BOUND_MAX = 2 * FSM_EXPR_DEPTH_MAX };

typedef struct bound {
  fsm_value name;
  unsigned depth; /* of the bracket at whose end it is gone */
} bound;

typedef struct respeller {
  fsm__source source;
  const fsm_respelling *how;
  fsm__token *tokens; /* END-ended */
  size_t at;
  fsm_buf out;
  size_t copied; /* bytes of the text */
  bound bound[BOUND_MAX];
  unsigned bound_count, depth;
} respeller;

static const fsm__token *token(const respeller *r, size_t ahead) {
  size_t i = r->at;
  while (ahead-- && r->tokens[i].kind != FSM__T_END) i++;
  return &r->tokens[i];
}

static bool is_name(const fsm__token *t, const char *name) {
  return t->kind == FSM__T_NAME && fsm_is_text(&t->value, name);
}

static fsm_code refuse(respeller *r, const fsm__token *t, const char *why) {
  return fsm__expr_fail(&r->source, FSM_EUNSUPPORTED, t->begin, "%.*s %s", t->end - t->begin,
                        r->source.text + t->begin, why);
}

/* ---- tokens ------------------------------------------------------------------------------------ */

static fsm_code lex_all(respeller *r) {
  size_t count = 0, cap = r->source.len + 1u; /* a token has a byte at least */
  r->tokens = fsm_arena_zalloc(r->source.arena, cap, sizeof *r->tokens);
  r->source.strings = fsm_arena_alloc(r->source.arena, cap);
  if (!r->tokens || !r->source.strings)
    return fsm_fail(r->source.err, FSM_ENOMEM, "", "no memory for the expression");
  do {
    fsm_code code = fsm__lex(&r->source, &r->tokens[count]);
    if (code) return code;
  } while (r->tokens[count++].kind != FSM__T_END);
  return FSM_OK;
}

/* Puts text in the place of the tokens from this one on, `count` of them. */
static void replace(respeller *r, size_t count, const char *text, size_t len) {
  const fsm__token *first = token(r, 0), *last = token(r, count - 1);
  fsm_buf_add(&r->out, r->source.text + r->copied, first->begin - r->copied);
  fsm_buf_add(&r->out, text, len);
  r->copied = last->end;
  r->at += count;
}

/* ---- what macros bind -------------------------------------------------------------------------- */

static bool is_bound(const respeller *r, const char *name, size_t len) {
  for (unsigned i = 0; i < r->bound_count; i++)
    if (r->bound[i].name.len == len && memcmp(r->bound[i].name.s, name, len) == 0) return true;
  return false;
}

/* How many arguments the call has whose '(' is `ahead` tokens from here. */
static unsigned argument_count(const respeller *r, size_t ahead) {
  unsigned depth = 0, commas = 0;
  for (;; ahead++) {
    switch (token(r, ahead)->kind) {
      case FSM__T_END: return commas + 1;
      case FSM__T_LPAREN:
      case FSM__T_LBRACKET:
      case FSM__T_LBRACE: depth++; break;
      case FSM__T_RPAREN:
      case FSM__T_RBRACKET:
      case FSM__T_RBRACE:
        if (--depth == 0) return commas + 1;
        break;
      case FSM__T_COMMA: commas += depth == 1; break;
      default: break;
    }
  }
}

/* How many variables `.name(` binds. */
static unsigned variables_of(const respeller *r) {
  static const struct {
    const char *name;
    unsigned two_from; /* as many arguments make the second one a variable */
  } macros[] = {{"all", 3},           {"exists", 3},       {"exists_one", 3},       {"existsOne", 3},
                {"map", 9},           {"filter", 9},       {"optMap", 9},           {"optFlatMap", 9},
                {"transformList", 3}, {"transformMap", 3}, {"transformMapEntry", 3}};
  for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
    if (is_name(token(r, 1), macros[i].name) && token(r, 2)->kind == FSM__T_LPAREN &&
        token(r, 3)->kind == FSM__T_NAME && token(r, 4)->kind == FSM__T_COMMA)
      return argument_count(r, 2) >= macros[i].two_from && token(r, 5)->kind == FSM__T_NAME ? 2 : 1;
  return 0;
}

/* At a dot: binds what the macro behind it declares. */
static fsm_code bind(respeller *r) {
  unsigned count = variables_of(r);
  for (unsigned i = 0; i < count; i++) {
    if (r->bound_count == BOUND_MAX) return refuse(r, token(r, 0), "is nested too deep");
    r->bound[r->bound_count++] = (bound){token(r, 3 + 2 * i)->value, r->depth + 1};
  }
  return FSM_OK;
}

static void close_bracket(respeller *r) {
  while (r->bound_count && r->bound[r->bound_count - 1].depth == r->depth) r->bound_count--;
  if (r->depth) r->depth--;
}

/* ---- names ------------------------------------------------------------------------------------- */

/* The name behind this one and a dot, when it is one that can stand alone; NULL when there is none. */
static const fsm__token *member(const respeller *r) {
  const fsm__token *name = token(r, 2);
  bool plain = token(r, 1)->kind == FSM__T_DOT && name->kind == FSM__T_NAME &&
               r->source.text[name->begin] != '`' && token(r, 3)->kind != FSM__T_LPAREN;
  return plain ? name : NULL;
}

static fsm_code context_to_scxml(respeller *r) {
  const fsm__token *name = member(r);
  if (!name) return refuse(r, token(r, 0), "as a whole has no name in SCXML");
  if (name->value.s[0] == '_' || is_bound(r, name->value.s, name->value.len))
    return refuse(r, name, "means something else in SCXML");
  replace(r, 3, name->value.s, name->value.len);
  return FSM_OK;
}

static fsm_code event_to_scxml(respeller *r) {
  static const char *const names[][2] = {{"data", "_event.data"},
                                         {"name", "_event.name"},
                                         {"type", "_event.name"},
                                         {"output", "_event.data"},
                                         {"error", "_event.data"}};
  const fsm__token *name = member(r);
  if (!name) return refuse(r, token(r, 0), "as a whole has no name in SCXML");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (!is_name(name, names[i][0])) continue;
    replace(r, 3, names[i][1], strlen(names[i][1]));
    return FSM_OK;
  }
  replace(r, 1, "_event.data", 11);
  return FSM_OK;
}

static fsm_code name_to_scxml(respeller *r) {
  static const char *const others[] = {"actor", "now", "input"};
  const fsm__token *t = token(r, 0);
  if (is_name(t, "context")) return context_to_scxml(r);
  if (is_name(t, "event")) return event_to_scxml(r);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (is_name(t, others[i])) return refuse(r, t, "has no like in SCXML");
  r->at++;
  return FSM_OK;
}

static fsm_code event_to_json(respeller *r) {
  const fsm__token *name = member(r);
  if (is_bound(r, "event", 5)) return refuse(r, token(r, 0), "means something else in JSON");
  if (!name || (!is_name(name, "data") && !is_name(name, "name")))
    return refuse(r, name ? name : token(r, 0),
                  name ? "of the event has no like in JSON" : "as a whole has no like in JSON");
  replace(r, 1, "event", 5);
  return FSM_OK;
}

/* Names that are the language's own: types, optional.of, google.protobuf.… */
static bool is_own(const respeller *r, const fsm__token *t) {
  fsm_value type;
  bool dotted = token(r, 1)->kind == FSM__T_DOT;
  return fsm__type_named(&t->value, &type) || (dotted && (is_name(t, "optional") || is_name(t, "google")));
}

static fsm_code name_to_json(respeller *r) {
  const fsm__token *t = token(r, 0);
  if (is_name(t, "_event")) return event_to_json(r);
  if (t->value.s[0] == '_') return refuse(r, t, "has no like in JSON");
  if (!is_own(r, t)) {
    if (is_bound(r, "context", 7)) return refuse(r, t, "means something else in JSON");
    fsm_buf_add(&r->out, r->source.text + r->copied, t->begin - r->copied);
    fsm_buf_str(&r->out, "context.");
    r->copied = t->begin;
  }
  r->at++;
  return FSM_OK;
}

/* In('state') */
static fsm_code respell_in(respeller *r) {
  const fsm__token *state = token(r, 2);
  if (state->kind != FSM__T_STRING || token(r, 3)->kind != FSM__T_RPAREN)
    return refuse(r, token(r, 0), "of a state that is not written out cannot be translated");
  const char *name = r->how->state(r->how->arg, state->value.s, state->value.len);
  if (!name) return refuse(r, state, "is no state");
  fsm_buf_add(&r->out, r->source.text + r->copied, state->begin - r->copied);
  fsm_buf_char(&r->out, '\'');
  for (; *name; name++) {
    if (*name == '\'' || *name == '\\') fsm_buf_char(&r->out, '\\');
    fsm_buf_char(&r->out, *name);
  }
  fsm_buf_char(&r->out, '\'');
  r->copied = state->end;
  r->at += 3; /* the bracket is closed by the loop, which has not opened it */
  r->depth++;
  return FSM_OK;
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* Behind a dot, or one of optional selection, a name is a field. */
static bool is_field(const respeller *r) {
  if (!r->at) return false;
  const fsm__token *before = &r->tokens[r->at - 1];
  if (before->kind == FSM__T_DOT) return true;
  return before->kind == FSM__T_QUESTION && r->at > 1 && r->tokens[r->at - 2].kind == FSM__T_DOT;
}

static fsm_code respell_name(respeller *r) {
  const fsm__token *t = token(r, 0);
  bool called = token(r, 1)->kind == FSM__T_LPAREN;
  if (called && is_name(t, "In") && !is_field(r)) return respell_in(r);
  if (!called && !is_field(r) && !is_bound(r, t->value.s, t->value.len))
    return r->how->to_scxml ? name_to_scxml(r) : name_to_json(r);
  r->at++;
  return FSM_OK;
}

static fsm_code respell_token(respeller *r) {
  fsm_code code = FSM_OK;
  switch (token(r, 0)->kind) {
    case FSM__T_NAME: return respell_name(r);
    case FSM__T_DOT: code = bind(r); break;
    case FSM__T_LPAREN:
    case FSM__T_LBRACKET:
    case FSM__T_LBRACE: r->depth++; break;
    case FSM__T_RPAREN:
    case FSM__T_RBRACKET:
    case FSM__T_RBRACE: close_bracket(r); break;
    default: break;
  }
  r->at++;
  return code;
}

fsm_code fsm_expr_respell(fsm_arena *arena, const char *text, size_t len, const fsm_respelling *how,
                          const char **out, fsm_error *err) {
  FSM_ASSERT(arena && text && how && how->state && out);
  const fsm_expr *checked;
  const fsm_expr_options options = {
      .scxml = !how->to_scxml, .unchecked = true, .zones = how->zones, .zones_arg = how->zones_arg};
  fsm_code code = fsm_expr_compile_with(arena, text, len, &options, &checked, err);
  if (code) return code;
  respeller r = {
      .how = how,
      .source = {.text = fsm_expr_text(checked), .len = (uint16_t)len, .arena = arena, .err = err}};
  code = lex_all(&r);
  while (!code && token(&r, 0)->kind != FSM__T_END) code = respell_token(&r);
  if (!code) {
    fsm_buf_add(&r.out, r.source.text + r.copied, len - r.copied);
    *out = fsm_buf_ok(&r.out) ? fsm_arena_strndup(arena, r.out.data, r.out.len) : NULL;
    if (!*out) code = fsm_fail(err, FSM_ENOMEM, "", "no memory for the expression");
  }
  fsm_buf_free(&r.out);
  return code;
}
