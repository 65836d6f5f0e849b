/* suite_cel.c: the conformance suite of the Common Expression Language, cel/cel-tests.json.
 *
 * A case is an expression, the variables that it sees and the value or error that comes out. It runs in
 * the dialect of SCXML, where a variable is a field of the context. How our values stand for CEL's:
 *
 * - A variable with dots in its name is a field in a map; of a.b and a.b.c the longer one wins.
 * - A container is not part of our language: its variables are seen under their short names, too, but
 *   not in an expression that says an absolute name (.y), which is how CEL looks past a container.
 * - A type comes out as its name, so type(EXPR) == type is asked as well.
 * - `disable_check` is the option `unchecked`; every other case goes through the checker of shapes.
 *
 * An expected error may come when compiling or when evaluating. Passed over as our deviation: no error
 * where CEL knows no operator for an int and a double, because ours promotes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance.h"
#include "schema/json.h"

typedef struct cel_case {
  conformance *run;
  fsm_arena *arena;
  const fsm_value *json;
  char name[160];
  const char *expr;
} cel_case;

static const char *text_of(const fsm_value *map, const char *key) {
  const fsm_value *value = fsm_map_get(map, key);
  return value && value->type == FSM_STRING ? value->s : "";
}

/* ---- values of the suite ----------------------------------------------------------------------- */

static bool value_of(fsm_arena *arena, const fsm_value *json, fsm_value *out);

static bool bytes_of(fsm_arena *arena, const char *hex, fsm_value *out) {
  size_t len = strlen(hex) / 2;
  char *bytes = fsm_arena_alloc(arena, len);
  for (size_t i = 0; i < len; i++) {
    char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
    bytes[i] = (char)strtoul(digits, NULL, 16);
  }
  *out = fsm_bytes(bytes, len);
  return true;
}

/* Our reader of JSON takes no NUL, the suite has some: while the file is read they are U+E000. */
static void hide_nuls(char *text) {
  for (char *at = text; (at = strchr(at, '\\')) != NULL; at += 2)
    if (strncmp(at, "\\u0000", 6) == 0) at[2] = 'E';
}

static fsm_value string_of(fsm_arena *arena, const fsm_value *json) {
  char *text = fsm_arena_strndup(arena, json->s, json->len);
  size_t len = 0;
  for (uint32_t i = 0; i < json->len; i++) {
    bool nul = strncmp(json->s + i, "\xee\x80\x80", 3) == 0;
    text[len++] = nul ? 0 : json->s[i];
    if (nul) i += 2;
  }
  return fsm_stringn(text, len);
}

/* An expression of ours holds no NUL; within a literal an escape means the same. */
static const char *expr_of(fsm_arena *arena, const char *text) {
  fsm_buf buf = {0};
  for (; *text; text++) {
    bool nul = strncmp(text, "\xee\x80\x80", 3) == 0;
    if (nul)
      fsm_buf_str(&buf, "\\000");
    else
      fsm_buf_char(&buf, *text);
    if (nul) text += 2;
  }
  const char *expr = fsm_arena_strndup(arena, buf.data, buf.len);
  fsm_buf_free(&buf);
  return expr;
}

static bool list_of(fsm_arena *arena, const fsm_value *json, fsm_value *out) {
  fsm_value *items = fsm_arena_zalloc(arena, json->len, sizeof *items);
  for (uint32_t i = 0; i < json->len; i++)
    if (!value_of(arena, &json->items[i], &items[i])) return false;
  *out = fsm_list(items, json->len);
  return true;
}

static bool map_of(fsm_arena *arena, const fsm_value *json, fsm_value *out) {
  fsm_pair *pairs = fsm_arena_zalloc(arena, json->len, sizeof *pairs);
  for (uint32_t i = 0; i < json->len; i++)
    if (!value_of(arena, &json->items[i].items[0], &pairs[i].key) ||
        !value_of(arena, &json->items[i].items[1], &pairs[i].value))
      return false;
  return fsm_map(pairs, json->len, out, NULL) == FSM_OK;
}

/* {"t": type, "v": text}; numbers are texts, too. */
static bool value_of(fsm_arena *arena, const fsm_value *json, fsm_value *out) {
  const char *type = text_of(json, "t"), *text = text_of(json, "v");
  const fsm_value *v = fsm_map_get(json, "v");
  if (strcmp(type, "null") == 0) return *out = fsm_null(), true;
  if (strcmp(type, "bool") == 0) return *out = *v, true;
  if (strcmp(type, "int") == 0) return *out = fsm_int(strtoll(text, NULL, 10)), true;
  if (strcmp(type, "uint") == 0) return *out = fsm_uint(strtoull(text, NULL, 10)), true;
  if (strcmp(type, "double") == 0) return *out = fsm_double(strtod(text, NULL)), true;
  if (strcmp(type, "string") == 0 || strcmp(type, "type") == 0) return *out = string_of(arena, v), true;
  if (strcmp(type, "bytes") == 0) return bytes_of(arena, text_of(json, "hex"), out);
  if (strcmp(type, "list") == 0) return list_of(arena, v, out);
  if (strcmp(type, "map") == 0) return map_of(arena, v, out);
  return false;
}

static const char *shown(fsm_arena *arena, const fsm_value *value) {
  fsm_buf buf = {0};
  fsm_json_write(&buf, value);
  const char *text =
      fsm_arena_printf(arena, "%s %s", fsm_type_name((fsm_type)value->type), fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text;
}

/* ---- variables --------------------------------------------------------------------------------- */

/* map with value at the dotted path. */
static fsm_value with_path(fsm_arena *arena, const fsm_value *map, const char *path, size_t len,
                           const fsm_value *value) {
  const char *dot = memchr(path, '.', len);
  size_t head = dot ? (size_t)(dot - path) : len;
  fsm_pair *pair = fsm_arena_alloc(arena, sizeof *pair);
  fsm_value patch, out, empty = fsm_map_empty();
  const fsm_value *inner = fsm_map_getn(map, path, head);
  pair->key = fsm_stringn(path, head);
  pair->value =
      dot ? with_path(arena, inner && inner->type == FSM_MAP ? inner : &empty, dot + 1, len - head - 1, value)
          : *value;
  patch = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pair};
  return fsm_map_merge(arena, map, &patch, &out) == FSM_OK ? out : empty;
}

static bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Does it say .name where no value stands before the dot? */
static bool says_absolute_name(const char *expr) {
  for (const char *at = strchr(expr, '.'); at; at = strchr(at + 1, '.')) {
    char before = at == expr ? ' ' : at[-1];
    if (!is_name(before) && !strchr(")]}'\"", before) && is_name(at[1]) && !(at[1] >= '0' && at[1] <= '9'))
      return true;
  }
  return false;
}

/* Every variable as it is named, and then what a container makes short, the longest prefix last. The
 * names come sorted, so that a.b is there before a.b.c. */
static bool variables_of(const cel_case *c, fsm_value *context) {
  const fsm_value *bindings = fsm_map_get(c->json, "bindings");
  const char *container = text_of(c->json, "container");
  size_t len = strlen(container);
  *context = fsm_map_empty();
  for (size_t prefix = 0; prefix <= len; prefix++) {
    if (prefix && (says_absolute_name(c->expr) || (container[prefix] && container[prefix] != '.'))) continue;
    for (uint32_t i = 0; i < bindings->len; i++) {
      const fsm_value *name = &bindings->pairs[i].key;
      fsm_value value;
      if (!value_of(c->arena, &bindings->pairs[i].value, &value)) return false;
      size_t skip = prefix ? prefix + 1 : 0;
      if (prefix && (name->len <= skip || memcmp(name->s, container, prefix) != 0 || name->s[prefix] != '.'))
        continue;
      *context = with_path(c->arena, context, name->s + skip, name->len - skip, &value);
    }
  }
  return true;
}

/* ---- one case ---------------------------------------------------------------------------------- */

static bool zone_file(void *arg, const char *name, const void **data, size_t *len) {
  const char *text, *path = fsm_arena_printf(arg, "/usr/share/zoneinfo/%s", name);
  if (strstr(name, "..") || corpus_read(arg, path, &text, len, NULL) != FSM_OK) return false;
  *data = text;
  return true;
}

static fsm_code evaluate(const cel_case *c, const char *expr, const fsm_value *context, fsm_value *out,
                         fsm_error *err) {
  const fsm_value *unchecked = fsm_map_get(c->json, "disable_check");
  static const fsm_shape anything = {.kind = FSM_SHAPE_OBJECT, .open = true};
  fsm_expr_options options = {.scxml = true,
                              .context = &anything,
                              .unchecked = unchecked && unchecked->b,
                              .zones = zone_file,
                              .zones_arg = c->arena};
  const fsm_expr *compiled;
  fsm_code code = fsm_expr_compile_with(c->arena, expr, strlen(expr), &options, &compiled, err);
  return code ? code : fsm_expr_eval(compiled, &(fsm_scope){.context = context}, c->arena, out, err);
}

static void expect_value(const cel_case *c, const fsm_value *json, const fsm_value *context) {
  fsm_value wanted, got;
  fsm_error err = {0};
  bool type = strcmp(text_of(json, "t"), "type") == 0;
  if (!value_of(c->arena, json, &wanted)) {
    report_skip(c->run, c->name, "expects a value of the type %s, which we do not have", text_of(json, "t"));
  } else if (evaluate(c, c->expr, context, &got, &err) != FSM_OK) {
    report_fail(c->run, c->name, "%s: expected %s, failed at %s: %s", c->expr, shown(c->arena, &wanted),
                err.where, err.text);
  } else if (!fsm_value_same(&wanted, &got)) {
    report_fail(c->run, c->name, "%s: expected %s, got %s", c->expr, shown(c->arena, &wanted),
                shown(c->arena, &got));
  } else if (type && (evaluate(c, fsm_arena_printf(c->arena, "type(%s) == type", c->expr), context, &got,
                               &err) != FSM_OK ||
                      got.type != FSM_BOOL || !got.b)) {
    report_fail(c->run, c->name, "%s: expected the type %s, got a value", c->expr, wanted.s);
  } else {
    report_pass(c->run, c->name);
  }
}

/* int and double together give a double with us, and no such operator in CEL. */
static bool promoted(const fsm_value *errors, const fsm_value *got) {
  const char *text = errors->len ? errors->items[0].s : "";
  return got->type == FSM_DOUBLE && (strstr(text, "overload") || strstr(text, "no_such_overload"));
}

static void expect_error(const cel_case *c, const fsm_value *errors, const fsm_value *context) {
  fsm_value got;
  fsm_error err = {0};
  fsm_code code = evaluate(c, c->expr, context, &got, &err);
  if (code == FSM_EEXPRESSION)
    report_pass(c->run, c->name);
  else if (code)
    report_fail(c->run, c->name, "%s: expected an error of the expression, got %s at %s: %s", c->expr,
                fsm_code_name(code), err.where, err.text);
  else if (promoted(errors, &got))
    report_skip(c->run, c->name, "%s: int promotes to double here, on purpose (fsm/expr.h)", c->expr);
  else
    report_fail(c->run, c->name, "%s: expected an error, got %s", c->expr, shown(c->arena, &got));
}

static void one_case(cel_case *c) {
  const fsm_value *expect = fsm_map_get(c->json, "expect"), *value, *errors;
  const fsm_value *proto = fsm_map_get(c->json, "proto_why");
  fsm_value context;
  if (proto && proto->len) {
    report_skip(c->run, c->name, "needs Protocol Buffers: %s", proto->items[0].s);
    return;
  }
  if (!variables_of(c, &context))
    report_skip(c->run, c->name, "a variable is of a type that we do not have");
  else if ((value = fsm_map_get(expect, "value")))
    expect_value(c, value, &context);
  else if ((errors = fsm_map_get(expect, "error")))
    expect_error(c, errors, &context);
  else
    report_skip(c->run, c->name, "expects neither a value nor an error");
}

void suite_cel(conformance *run) {
  fsm_arena file, scratch;
  fsm_arena_init(&file, 0);
  fsm_arena_init(&scratch, 0);
  fsm_error err = {0};
  const char *text;
  size_t len;
  fsm_value cases = fsm_null();
  fsm_code code = corpus_read(&file, corpus_path(run, &file, "cel-tests.json"), &text, &len, &err);
  char *copy = code ? NULL : fsm_arena_strndup(&file, text, len);
  if (copy) hide_nuls(copy);
  if (!code) code = fsm_json_parse(&file, copy, len, FSM_JSON_SORTED, &cases, &err);
  if (code || cases.type != FSM_LIST) report_fail(run, "cel-tests.json", "%s %s", err.where, err.text);
  for (uint32_t i = 0; cases.type == FSM_LIST && i < cases.len; i++) {
    cel_case c = {.run = run, .arena = &scratch, .json = &cases.items[i]};
    snprintf(c.name, sizeof c.name, "%s/%s/%s", text_of(c.json, "file"), text_of(c.json, "section"),
             text_of(c.json, "name"));
    fsm_arena_reset(&scratch);
    c.expr = expr_of(&scratch, text_of(c.json, "expr"));
    if (report_wanted(run, c.name)) one_case(&c);
  }
  fsm_arena_free(&scratch);
  fsm_arena_free(&file);
}
