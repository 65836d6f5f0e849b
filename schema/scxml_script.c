/* scxml_script.c: <script> as assignments.
 *
 * A script is a list of statements: `x = e`, `x += e` and its like, `x++`, `var x = e`, `if (e) … else …`
 * and blocks. Each assignment becomes an action: of a whole variable an assign, which declares it too; of
 * a part a set. A statement ends at a semicolon, or at a line break that the next token cannot continue.
 * Anything else is refused by name; an expression that cannot be read fails when the script is run.
 */
#include <string.h>

#include "schema/scxml_load.h"

enum { BLOCKS_MAX = 32 };

typedef struct script {
  fsm__scxml *r;
  const char *where, *end;
  fsm__word word;
  unsigned depth;
} script;

static void next_word(script *s) { s->word = fsm__word_next(s->word.text + s->word.len, s->end); }

static bool is(const script *s, const char *text) { return fsm__word_is(&s->word, text); }

static fsm_code refuse(script *s, const char *what) {
  return fsm__scxml_unsupported(s->r, s->where, "a script is made of assignments, and here is %s: \"%.*s\"",
                                what, (int)(s->word.len < 48 ? s->word.len : 48), s->word.text);
}

/* ---- expressions ------------------------------------------------------------------------------- */

static bool is_one_of(const fsm__word *word, const char *const *texts) {
  for (; *texts; texts++)
    if (fsm__word_is(word, *texts)) return true;
  return false;
}

/* May an expression go on with this token, which is on a new line? */
static bool goes_on(const script *s) {
  static const char *const words[] = {"in", "instanceof", NULL};
  static const char *const stops[] = {"++", "--", "{", "}", "!", "~", NULL};
  if (s->word.kind == FSM__WORD_SIGN) return !is_one_of(&s->word, stops);
  return s->word.kind == FSM__WORD_NAME && is_one_of(&s->word, words);
}

static bool ends_value(const fsm__word *word) {
  static const char *const ends[] = {")", "]", "}", NULL};
  return word->kind == FSM__WORD_NAME || word->kind == FSM__WORD_NUMBER || word->kind == FSM__WORD_STRING ||
         is_one_of(word, ends);
}

/* The text of an expression from here to where its statement, or its bracket, ends. */
static void take_expression(script *s, const char **text, size_t *len) {
  const char *begin = s->word.text, *end = begin;
  unsigned depth = 0;
  fsm__word before = {.kind = FSM__WORD_END};
  for (; s->word.kind != FSM__WORD_END; next_word(s)) {
    if (!depth && (is(s, ";") || is(s, ")") || is(s, "}") || is(s, "]"))) break;
    if (!depth && before.kind != FSM__WORD_END && s->word.new_line && ends_value(&before) && !goes_on(s))
      break;
    if (is(s, "(") || is(s, "[") || is(s, "{")) depth++;
    if (is(s, ")") || is(s, "]") || is(s, "}")) depth--;
    before = s->word;
    end = s->word.text + s->word.len;
    if (s->word.kind == FSM__WORD_BAD) s->end = end;
  }
  *text = begin;
  *len = (size_t)(end - begin);
}

static fsm_code read_expression(script *s, const char **out) {
  const char *text;
  size_t len;
  take_expression(s, &text, &len);
  const char *copy = fsm_arena_strndup(s->r->arena, text, len);
  return copy ? fsm__scxml_expr_text(s->r, copy, s->where, out) : fsm__scxml_no_memory(s->r);
}

/* ---- assignments ------------------------------------------------------------------------------- */

typedef struct place {
  const char *text; /* the whole location */
  bool whole;       /* it is a variable, and no part of one */
} place;

static fsm_code read_place(script *s, place *out) {
  const char *begin = s->word.text, *end;
  unsigned depth = 0;
  bool whole = true;
  if (s->word.kind != FSM__WORD_NAME) return refuse(s, "no name");
  do {
    if (is(s, "[")) depth++;
    if (is(s, "]")) depth--;
    end = s->word.text + s->word.len;
    next_word(s);
    whole = whole && !is(s, ".") && !is(s, "[");
  } while (s->word.kind != FSM__WORD_END && s->word.kind != FSM__WORD_BAD &&
           (depth || is(s, ".") || is(s, "[") || end[-1] == '.'));
  const char *text = fsm_arena_strndup(s->r->arena, begin, (size_t)(end - begin));
  if (!text) return fsm__scxml_no_memory(s->r);
  out->whole = whole;
  return fsm__scxml_location(s->r, text, s->where, &out->text);
}

static fsm_code assign(script *s, const place *to, const char *expr, fsm__scxml_actions *out) {
  fsm_def_action *action = FSM__SCXML_ADD(s->r, out);
  const fsm_def_value *value;
  if (!action) return fsm__scxml_no_memory(s->r);
  fsm_code code = fsm__scxml_expression(s->r, expr, s->where, &value);
  if (code) return code;
  *action = (fsm_def_action){.kind = FSM_ACTION_SET, .location = to->text, .value = value, .where = s->where};
  if (!to->whole) return FSM_OK;
  const char **key = fsm_arena_zalloc(s->r->arena, 1, sizeof *key);
  fsm_def_value *map = fsm_arena_zalloc(s->r->arena, 1, sizeof *map);
  if (!key || !map) return fsm__scxml_no_memory(s->r);
  *key = to->text;
  *map = (fsm_def_value){.form = FSM_DEF_MAP, .count = 1, .keys = key, .items = value, .where = s->where};
  *action = (fsm_def_action){.kind = FSM_ACTION_ASSIGN, .value = map, .where = s->where};
  return FSM_OK;
}

/* `= e`, `+= e`, `++` behind a place. */
static fsm_code read_operator(script *s, const place *to, fsm__scxml_actions *out) {
  static const char *const with[] = {"+=", "-=", "*=", "/=", "%=", NULL};
  const char *expr;
  fsm__word sign = s->word;
  if (is(s, "++") || is(s, "--")) {
    next_word(s);
    expr = fsm_arena_printf(s->r->arena, "%s %c 1", to->text, sign.text[0]);
    return expr ? assign(s, to, expr, out) : fsm__scxml_no_memory(s->r);
  }
  bool compound = is_one_of(&sign, with);
  if (!compound && !is(s, "=")) return refuse(s, "no assignment");
  next_word(s);
  fsm_code code = read_expression(s, &expr);
  if (code) return code;
  if (compound) {
    const char *op = *sign.text == '/' && s->r->model == FSM__MODEL_ECMASCRIPT ? "* 1.0 /" : NULL;
    expr = op ? fsm_arena_printf(s->r->arena, "%s %s (%s)", to->text, op, expr)
              : fsm_arena_printf(s->r->arena, "%s %c (%s)", to->text, *sign.text, expr);
    if (!expr) return fsm__scxml_no_memory(s->r);
  }
  return assign(s, to, expr, out);
}

static fsm_code read_assignment(script *s, fsm__scxml_actions *out) {
  place to = {0};
  fsm_code code = read_place(s, &to);
  return code ? code : read_operator(s, &to, out);
}

static fsm_code read_variable(script *s, fsm__scxml_actions *out) {
  place to = {0};
  next_word(s);
  fsm_code code = read_place(s, &to);
  if (code) return code;
  if (!to.whole) return refuse(s, "no name of a variable");
  if (is(s, "=")) return read_operator(s, &to, out);
  return assign(s, &to, "null", out);
}

/* ---- statements -------------------------------------------------------------------------------- */

static fsm_code read_statement(script *s, fsm__scxml_actions *out);

static fsm_code read_statements(script *s, const char *last, fsm__scxml_actions *out) {
  while (s->word.kind != FSM__WORD_END && !is(s, last)) {
    fsm_code code = read_statement(s, out);
    if (code) return code;
  }
  return FSM_OK;
}

static fsm_code read_block(script *s, fsm__scxml_actions *out) {
  next_word(s);
  fsm_code code = read_statements(s, "}", out);
  if (code) return code;
  if (!is(s, "}")) return refuse(s, "a block without its end");
  next_word(s);
  return FSM_OK;
}

static fsm_code add_branch(script *s, const char *guard, fsm__scxml_actions *branches) {
  fsm__scxml_actions inner = {0};
  fsm_code code = FSM_OK;
  if (is(s, ";"))
    next_word(s); /* nothing to do */
  else
    code = read_statement(s, &inner);
  if (code) return code;
  fsm_def_action *branch = FSM__SCXML_ADD(s->r, branches);
  if (!branch) return fsm__scxml_no_memory(s->r);
  *branch = (fsm_def_action){.kind = FSM_ACTION_BRANCH,
                             .guard = guard,
                             .actions = inner.items,
                             .action_count = inner.count,
                             .where = s->where};
  return FSM_OK;
}

static fsm_code read_if(script *s, fsm__scxml_actions *out) {
  fsm__scxml_actions branches = {0};
  const char *guard;
  next_word(s);
  if (!is(s, "(")) return refuse(s, "an if without its bracket");
  next_word(s);
  fsm_code code = read_expression(s, &guard);
  if (code) return code;
  if (!is(s, ")")) return refuse(s, "an if without its bracket");
  next_word(s);
  code = add_branch(s, guard, &branches);
  if (!code && is(s, "else")) {
    next_word(s);
    code = add_branch(s, NULL, &branches);
  }
  if (code) return code;
  fsm_def_action *action = FSM__SCXML_ADD(s->r, out);
  if (!action) return fsm__scxml_no_memory(s->r);
  *action = (fsm_def_action){
      .kind = FSM_ACTION_IF, .actions = branches.items, .action_count = branches.count, .where = s->where};
  return FSM_OK;
}

static fsm_code one_statement(script *s, fsm__scxml_actions *out) {
  static const char *const declares[] = {"var", "let", NULL};
  static const char *const words[] = {"function", "for",   "while", "do",       "switch",
                                      "return",   "throw", "try",   "const",    "delete",
                                      "new",      "class", "break", "continue", NULL};
  if (s->word.kind == FSM__WORD_BAD) return refuse(s, "what begins no statement");
  if (is(s, "{")) return read_block(s, out);
  if (is(s, "if")) return read_if(s, out);
  if (is_one_of(&s->word, declares)) return read_variable(s, out);
  if (is_one_of(&s->word, words)) return refuse(s, "a statement");
  return read_assignment(s, out);
}

static fsm_code read_statement(script *s, fsm__scxml_actions *out) {
  if (s->depth == BLOCKS_MAX)
    return fsm_fail(s->r->call->err, FSM_ETOOLARGE, s->where, "a script has statements more than %d deep",
                    BLOCKS_MAX);
  while (is(s, ";")) next_word(s);
  if (s->word.kind == FSM__WORD_END || is(s, "}")) return FSM_OK;
  s->depth++;
  bool simple = !is(s, "{") && !is(s, "if");
  fsm_code code = one_statement(s, out);
  s->depth--;
  if (code || !simple || s->word.kind == FSM__WORD_END || is(s, "}") || s->word.new_line) return code;
  if (!is(s, ";")) return refuse(s, "something behind one");
  next_word(s);
  return FSM_OK;
}

fsm_code fsm__scxml_read_script(fsm__scxml *r, const char *text, const char *where, fsm__scxml_actions *out) {
  if (r->model == FSM__MODEL_NULL)
    return fsm__scxml_unsupported(r, where, "the null data model has no scripts");
  script s = {.r = r, .where = where, .end = text + strlen(text)};
  s.word = fsm__word_next(text, s.end);
  while (s.word.kind != FSM__WORD_END) {
    fsm_code code = read_statements(&s, "}", out);
    if (code) return code;
    if (is(&s, "}")) return refuse(&s, "a bracket too many");
  }
  return FSM_OK;
}
