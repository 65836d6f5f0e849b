/* fuzz_expr.h: target expr: changed and generated expressions, compiled and evaluated against values of
 * any shape. */
#ifndef FSM_TESTS_FUZZ_EXPR_H
#define FSM_TESTS_FUZZ_EXPR_H

#include "schema/json.h"
#include "tests/fuzz/mutate.h"

static const char *const expr_tokens[] = {"context",
                                          ".amount",
                                          ".items",
                                          ".map",
                                          "event",
                                          ".data",
                                          "actor",
                                          "input",
                                          "now",
                                          "In(\"a.b\")",
                                          "has(context.amount)",
                                          "size(",
                                          "(",
                                          ")",
                                          "[",
                                          "]",
                                          "{",
                                          "}",
                                          ",",
                                          ":",
                                          "?",
                                          ".",
                                          "+",
                                          "-",
                                          "*",
                                          "/",
                                          "%",
                                          "==",
                                          "!=",
                                          "<",
                                          "<=",
                                          ">",
                                          ">=",
                                          "&&",
                                          "||",
                                          "!",
                                          "in",
                                          "true",
                                          "false",
                                          "null",
                                          "0",
                                          "1",
                                          "-1",
                                          "1u",
                                          "0x7fffffffffffffff",
                                          "9223372036854775807",
                                          "-9223372036854775808",
                                          "18446744073709551615u",
                                          "1.5",
                                          "1e308",
                                          "1e-308",
                                          "'a'",
                                          "\"\\n\"",
                                          "b'\\x00'",
                                          "r'\\'",
                                          "'''a'''",
                                          "\"\\u00e4\"",
                                          "'\xc3\xa4'",
                                          "\\",
                                          "`a b`",
                                          "int(",
                                          "uint(",
                                          "double(",
                                          "string(",
                                          "bytes(",
                                          "bool(",
                                          "type(",
                                          ".startsWith(",
                                          ".endsWith(",
                                          ".contains(",
                                          ".size()",
                                          "timestamp(",
                                          "duration(",
                                          ".matches(",
                                          ".all(x, x)",
                                          ".filter(x, ",
                                          ".exists_one(i, x, ",
                                          ".transformMap(k, v, ",
                                          ".optMap(x, ",
                                          ".orValue(",
                                          ".?",
                                          "?.",
                                          "[?",
                                          "{?",
                                          "optional.of(",
                                          "optional.none()",
                                          "google.protobuf.Duration",
                                          "merge(",
                                          "x",
                                          "y",
                                          "_event",
                                          "int",
                                          ".map(x, x)",
                                          ".exists(",
                                          "dyn(",
                                          "//",
                                          " ",
                                          "\n",
                                          "((((((((((((((((",
                                          "[[[[[[[[[[[[[[[[",
                                          "!!!!!!!!!!!!!!!!",
                                          "----------------",
                                          "{'a':{'a':{'a':",
                                          NULL};

static inline void expr_open(fuzz_run *run) {
  run->tokens = expr_tokens;
  static const char *const sources[] = {
      "context.amount < 10000 && actor.role == \"manager\"",
      "context.items[context.i].n + 1 == size(context.items) ? event.data.reason : 'no'",
      "has(context.map.x) || !('b' in actor.roles) || In('review.legal')",
      "{'a': [1, 2u, 3.5, b'x', null], 'b': context.map['a b']}",
      "string(int(double('1.5')) * 7 % 3 - -2) + 'x'",
      "input.reason.startsWith('la') && now > null",
      "9223372036854775807 - 1 / 2 + 18446744073709551615u",
      "[1,2,3] + [4] == [1,2,3,4] && {1: 'a'}[1] != \"\\u00e4\\n\\x41\"",
      "type(context.amount) == int && bytes('a') < b'b'",
      "now - duration('1h30m') < timestamp('2026-01-31T12:00:00Z') + duration('-0.5s') && now.getHours('+02:00') > 5",
      "context.map.x.matches('^[a-z](y|z)*$') && 'ab'.matches(context.map.x + '+')",
      "context.`a b`.c.d.e == null ? true : false ? 1 : 2",
      "context.items.all(x, x.n > 0 && context.items.exists(i, y, y.n == i)) || [1].map(x, [x, 2].filter(y, "
      "y > x))",
      "context.?map.x.orValue('none') + optional.of(1).optMap(x, string(x)).value()",
      "merge(context.map, {?'k': context.?k, 'z': [?optional.none()]}).transformMap(k, v, k != 'z', type(v) "
      "== string)",
      "amount < 5 && _event.name == 'GO' && [1].all(amount, .amount == 500 && items[0].n == amount)",
  };
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) fuzz_seed_text(run, sources[i]);
}

/* ---- sources that compile more often than changed ones --------------------------------------------- */

static inline void expr_make(fuzz_run *run, fsm_buf *buf, unsigned depth);

static inline void expr_make_leaf(fuzz_run *run, fsm_buf *buf) {
  static const char *const leaves[] = {"context",
                                       "context.amount",
                                       "context.items",
                                       "context.map",
                                       "event.data",
                                       "event.name",
                                       "actor.roles",
                                       "input",
                                       "now",
                                       "true",
                                       "false",
                                       "null",
                                       "0",
                                       "1",
                                       "-1",
                                       "2u",
                                       "1.5",
                                       "'a'",
                                       "'xyz'",
                                       "b'ab'",
                                       "''",
                                       "[]",
                                       "{}",
                                       "context.none",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "18446744073709551615u",
                                       "1e308",
                                       "0.0",
                                       "[1,2,3]",
                                       "{'a':1}",
                                       "In('a')",
                                       "x",
                                       "y",
                                       "x.n",
                                       "int",
                                       "context.?amount",
                                       "optional.none()"};
  fsm_buf_str(buf, leaves[fuzz_below(run, sizeof leaves / sizeof *leaves)]);
}

static inline void expr_make_call(fuzz_run *run, fsm_buf *buf, unsigned depth) {
  static const char *const calls[] = {"size",  "int",  "uint", "double", "string",
                                      "bytes", "bool", "type", "has",    "dyn"};
  static const char *const methods[] = {".startsWith", ".endsWith", ".contains", ".size"};
  if (fuzz_one_in(run, 2)) {
    fsm_buf_str(buf, calls[fuzz_below(run, 10)]);
  } else {
    expr_make(run, buf, depth - 1);
    fsm_buf_str(buf, methods[fuzz_below(run, 4)]);
  }
  fsm_buf_char(buf, '(');
  if (!fuzz_one_in(run, 8)) expr_make(run, buf, depth - 1);
  fsm_buf_char(buf, ')');
}

static inline void expr_make_many(fuzz_run *run, fsm_buf *buf, unsigned depth, bool map) {
  fsm_buf_char(buf, map ? '{' : '[');
  for (size_t i = fuzz_below(run, 4); i--;) {
    expr_make(run, buf, depth - 1);
    if (map) fsm_buf_char(buf, ':');
    if (map) expr_make(run, buf, depth - 1);
    if (i) fsm_buf_char(buf, ',');
  }
  fsm_buf_char(buf, map ? '}' : ']');
}

static inline void expr_make_macro(fuzz_run *run, fsm_buf *buf, unsigned depth) {
  static const char *const macros[] = {".all(x, ",    ".exists(y, ",           ".exists_one(x, ",
                                       ".map(x, ",    ".map(y, true, ",        ".filter(x, ",
                                       ".all(x, y, ", ".transformList(x, y, ", ".transformMap(x, y, ",
                                       ".optMap(x, "};
  static const char *const ranges[] = {"context.items", "context.map", "[1, 2, 3]", "{'a': 1, 'b': 0}"};
  if (fuzz_one_in(run, 3))
    expr_make(run, buf, depth - 1);
  else
    fsm_buf_str(buf, ranges[fuzz_below(run, 4)]);
  fsm_buf_str(buf, macros[fuzz_below(run, sizeof macros / sizeof *macros)]);
  expr_make(run, buf, depth - 1);
  fsm_buf_char(buf, ')');
}

static inline void expr_make(fuzz_run *run, fsm_buf *buf, unsigned depth) {
  static const char *const operators[] = {
      "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", " in "};
  if (depth == 0 || fuzz_one_in(run, 5)) {
    expr_make_leaf(run, buf);
    return;
  }
  switch (fuzz_below(run, 10)) {
    case 0: expr_make_call(run, buf, depth); return;
    case 8: expr_make_macro(run, buf, depth); return;
    case 9:
      expr_make(run, buf, depth - 1);
      fsm_buf_str(buf, fuzz_one_in(run, 2) ? ".?n.orValue(" : "[?0].or(");
      expr_make(run, buf, depth - 1);
      fsm_buf_char(buf, ')');
      return;
    case 1: expr_make_many(run, buf, depth, fuzz_one_in(run, 2)); return;
    case 2:
      fsm_buf_str(buf, fuzz_one_in(run, 2) ? "!(" : "-(");
      expr_make(run, buf, depth - 1);
      fsm_buf_char(buf, ')');
      return;
    case 3:
      expr_make(run, buf, depth - 1);
      fsm_buf_char(buf, '[');
      expr_make(run, buf, depth - 1);
      fsm_buf_char(buf, ']');
      return;
    case 4:
      fsm_buf_char(buf, '(');
      expr_make(run, buf, depth - 1);
      fsm_buf_str(buf, ") ? (");
      expr_make(run, buf, depth - 1);
      fsm_buf_str(buf, ") : (");
      expr_make(run, buf, depth - 1);
      fsm_buf_char(buf, ')');
      return;
    default:
      fsm_buf_char(buf, '(');
      expr_make(run, buf, depth - 1);
      fsm_buf_str(buf, operators[fuzz_below(run, sizeof operators / sizeof *operators)]);
      expr_make(run, buf, depth - 1);
      fsm_buf_char(buf, ')');
  }
}

/* ---- scopes ---------------------------------------------------------------------------------------- */

static inline fsm_value expr_sorted(fuzz_run *run, fsm_value tree) {
  fsm_value out;
  return fsm_value_copy(&run->arena, &tree, &out, NULL) == FSM_OK ? out : fsm_null();
}

static inline fsm_value expr_tree(fuzz_run *run, const char *text) {
  fsm_value tree;
  if (fsm_json_parse(&run->arena, text, strlen(text), FSM_JSON_SORTED, &tree, NULL) != FSM_OK)
    fail_msg("no JSON: %s", text);
  return fuzz_one_in(run, 2) ? tree : expr_sorted(run, fuzz_change_tree(run, &tree, &tree, true));
}

static inline bool expr_in(const void *arg, const char *state, size_t len) {
  (void)arg;
  return len == 1 && state[0] == 'a';
}

/* Both failed alike, or both gave the same. */
static inline void expr_expect_same(fuzz_run *run, const fsm_expr *expr, const fsm_scope *scope) {
  fsm_value first = fsm_null(), second = fsm_null();
  fsm_error one = fuzz_error(), two = fuzz_error();
  fsm_code a = fsm_expr_eval(expr, scope, &run->arena, &first, &one);
  fsm_code b = fsm_expr_eval(expr, scope, &run->arena, &second, &two);
  fuzz_count(run, a);
  if (!fuzz_expect_error(run, a, &one)) return;
  fuzz_expect(run, a == b && strcmp(one.text, two.text) == 0 && strcmp(one.where, two.where) == 0,
              "an expression gives the same twice");
  fuzz_expect(run, a == FSM_OK || a == FSM_EEXPRESSION || a == FSM_ETOOLARGE,
              "an evaluation fails as an expression");
  if (a != FSM_OK || b != FSM_OK) return;
  fuzz_expect(run, fsm_value_same(&first, &second) || fsm_value_depth(&first) > FSM_VALUE_DEPTH_MAX,
              "an expression gives the same twice");
  fsm_buf text = {0};
  fsm_json_write(&text, &first);
  fsm_buf_free(&text);
}

/* The shape of the context that expr_one makes. */
static inline const fsm_expr_options *expr_options(fuzz_run *run) {
  static const fsm_shape number = {.kind = FSM_SHAPE_NUMBER},
                         text = {.kind = FSM_SHAPE_STRING, .nullable = true};
  static const char *const item_names[] = {"n"}, *const names[] = {"amount", "i", "items", "map"};
  static const fsm_shape *const item_members[] = {&number};
  static const fsm_shape item = {
      .kind = FSM_SHAPE_OBJECT, .count = 1, .names = item_names, .members = item_members};
  static const fsm_shape list = {.kind = FSM_SHAPE_LIST, .item = &item},
                         map = {.kind = FSM_SHAPE_MAP, .item = &text};
  static const fsm_shape *const members[] = {&number, &number, &list, &map};
  static const fsm_shape context = {.kind = FSM_SHAPE_OBJECT, .count = 4, .names = names, .members = members};
  static const fsm_expr_options options[] = {{.context = &context}, {.context = &context, .guard = true},
                                             {.scxml = true},       {.scxml = true, .context = &context},
                                             {.unchecked = true},   {.scxml = true, .unchecked = true}};
  size_t which = fuzz_below(run, 2 * sizeof options / sizeof *options);
  return which < sizeof options / sizeof *options ? &options[which] : NULL;
}

/* What a checker lets through compiles without it, too. */
static inline void expr_expect_unchecked(fuzz_run *run, const fsm_expr_options *options) {
  fsm_expr_options bare = {.scxml = options->scxml, .unchecked = true};
  const fsm_expr *expr;
  fuzz_expect(run,
              fsm_expr_compile_with(&run->arena, (const char *)run->input, run->input_len, &bare, &expr,
                                    NULL) == FSM_OK,
              "what is checked compiles unchecked");
}

static inline void expr_one(fuzz_run *run) {
  if (fuzz_one_in(run, 2)) {
    fsm_buf source = {0};
    bool bound = !fuzz_one_in(run, 4); /* x and y stand for something */
    if (bound) fsm_buf_str(&source, "[{'n': 1}].map(x, [2].map(y, ");
    expr_make(run, &source, 1 + (unsigned)fuzz_below(run, 4));
    if (bound) fsm_buf_str(&source, "))");
    fuzz_text t = fuzz_text_of(run, fsm_buf_text(&source), source.len);
    if (fuzz_one_in(run, 3)) fuzz_change(run, &t);
    fuzz_input(run, t.data, t.len);
    fsm_buf_free(&source);
  } else {
    fuzz_input_mutated(run);
  }
  const fsm_expr *expr = NULL;
  fsm_error err = fuzz_error();
  const fsm_expr_options *options = expr_options(run);
  fsm_code code =
      fsm_expr_compile_with(&run->arena, (const char *)run->input, run->input_len, options, &expr, &err);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code != FSM_OK) {
    fuzz_count(run, code);
    unsigned line, column;
    fuzz_expect(run, code == FSM_EEXPRESSION || code == FSM_ETOOLARGE || code == FSM_EUNSUPPORTED,
                "a bad expression has a code of its own");
    fuzz_expect(run, sscanf(err.where, "%u:%u", &line, &column) == 2,
                "a bad expression has a line and a column");
    return;
  }
  fuzz_expect(run,
              strlen(fsm_expr_text(expr)) == run->input_len &&
                  memcmp(fsm_expr_text(expr), run->input, run->input_len) == 0,
              "the text of an expression is its source");
  if (options) expr_expect_unchecked(run, options);
  fsm_value context = expr_tree(
      run, "{\"amount\":500,\"i\":1,\"items\":[{\"n\":1},{\"n\":2}],\"map\":{\"a b\":1,\"x\":\"y\"}}");
  fsm_value event = expr_tree(run, "{\"name\":\"GO\",\"type\":\"GO\",\"data\":{\"reason\":\"late\"}}");
  fsm_value actor = expr_tree(run, "{\"role\":\"manager\",\"roles\":[\"a\",\"b\"]}"), seen = fsm_null();
  fsm_scope scope = {.context = &context,
                     .event = &event,
                     .actor = &actor,
                     .now_ns = (int64_t)fuzz_edge(run),
                     .in = expr_in};
  expr_expect_same(run, expr, &scope);
  code = fsm_expr_seen(expr, &scope, &run->arena, &seen);
  fuzz_expect(run, code == FSM_OK && fsm_is(&seen, FSM_MAP) && seen.len <= 16,
              "what an expression read is a small map");
}

#endif
