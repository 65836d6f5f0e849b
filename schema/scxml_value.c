/* scxml_value.c: expressions, locations, delays and what is written inside elements.
 *
 * Whether an expression can be read is found out here, because what happens then depends on where it
 * stands: in executable content the action fails when it is run, elsewhere the document is refused.
 */
#include <string.h>

#include "schema/json.h"
#include "schema/scxml_load.h"

/* ---- expressions ------------------------------------------------------------------------------- */

static fsm_code note_broken(fsm__scxml *r, const char *expr, const fsm_error *fault) {
  if (!r->broken)
    r->broken = fsm_arena_printf(r->arena, "the expression %.160s cannot be read: %s (%s)", expr, fault->text,
                                 fault->where);
  return r->broken ? FSM_OK : fsm__scxml_no_memory(r);
}

/* The null data model knows one expression: In('id') (B.1). */
static bool is_in_predicate(const char *text) {
  const char *end = text + strlen(text);
  static const char *const signs[] = {"In", "(", NULL, ")"};
  for (size_t i = 0; i < 4; i++) {
    fsm__word word = fsm__word_next(text, end);
    if (signs[i] ? !fsm__word_is(&word, signs[i]) : word.kind != FSM__WORD_STRING) return false;
    text = word.text + word.len;
  }
  return fsm__word_next(text, end).kind == FSM__WORD_END;
}

static fsm_code compile(fsm__scxml *r, const char *cel, fsm_error *fault) {
  const fsm_expr_options options = {.scxml = true, .zones = r->call->zones, .zones_arg = r->call->zones_arg};
  const fsm_expr *expr;
  fsm_code code = fsm_expr_compile_with(&r->call->scratch, cel, strlen(cel), &options, &expr, fault);
  fsm_arena_reset(&r->call->scratch);
  return code;
}

/* What cannot be read as CEL may be ECMAScript, when the document names neither. */
static bool try_respelled(fsm__scxml *r, const char *text, const char *where, const char **cel) {
  fsm_error fault = {0}, *outer = r->call->err;
  r->call->err = &fault;
  const char *respelled;
  fsm_code code = fsm__scxml_respell(r, text, strlen(text), where, &respelled);
  if (!code) code = compile(r, respelled, &fault);
  r->call->err = outer;
  if (code) return false;
  *cel = respelled;
  return true;
}

/* Is there an object with a bare name as a key, {a: 1}? CEL reads a variable there, ECMAScript the key
 * itself; a document that names neither model means the latter. */
static bool has_bare_key(const char *text) {
  const char *end = text + strlen(text);
  fsm__word before = {0}, word = fsm__word_next(text, end);
  while (word.kind != FSM__WORD_END && word.kind != FSM__WORD_BAD) {
    fsm__word next = fsm__word_next(word.text + word.len, end);
    bool at_key = before.text && (fsm__word_is(&before, "{") || fsm__word_is(&before, ","));
    if (at_key && word.kind == FSM__WORD_NAME && fsm__word_is(&next, ":")) return true;
    before = word;
    word = next;
  }
  return false;
}

fsm_code fsm__scxml_expr_text(fsm__scxml *r, const char *text, const char *where, const char **out) {
  fsm_error fault = {0};
  fsm_code code = FSM_OK;
  *out = text;
  if (r->model == FSM__MODEL_NULL && !is_in_predicate(text))
    return fsm__scxml_unsupported(r, where, "the null data model has no expression but In('…')");
  if (r->model == FSM__MODEL_ECMASCRIPT) code = fsm__scxml_respell(r, text, strlen(text), where, out);
  if (code) return code;
  if (r->model == FSM__MODEL_EITHER && has_bare_key(text) && try_respelled(r, text, where, out))
    return FSM_OK;
  code = compile(r, *out, &fault);
  if (code == FSM_OK) return FSM_OK;
  if (r->model == FSM__MODEL_EITHER && try_respelled(r, text, where, out)) return FSM_OK;
  if (code != FSM_EEXPRESSION) return fsm_fail(r->call->err, code, where, "%s (%s)", fault.text, fault.where);
  code = note_broken(r, *out, &fault);
  *out = "null";
  return code;
}

fsm_code fsm__scxml_expr(fsm__scxml *r, const fsm_xml_node *element, const char *name, const char **out) {
  const char *text = fsm__scxml_text(element, name);
  *out = NULL;
  if (!text) return FSM_OK;
  r->is_condition = strcmp(name, "cond") == 0;
  fsm_code code = fsm__scxml_expr_text(r, text, fsm__scxml_text_at(r, element, name), out);
  r->is_condition = false;
  return code;
}

fsm_code fsm__scxml_expression(fsm__scxml *r, const char *expr, const char *where,
                               const fsm_def_value **out) {
  fsm_def_value *value = fsm_arena_zalloc(r->arena, 1, sizeof *value);
  if (!value) return fsm__scxml_no_memory(r);
  *value = (fsm_def_value){.form = FSM_DEF_EXPR, .expr = expr, .where = where};
  *out = value;
  return FSM_OK;
}

fsm_code fsm__scxml_literal(fsm__scxml *r, fsm_value literal, const char *where, const fsm_def_value **out) {
  fsm_def_value *value = fsm_arena_zalloc(r->arena, 1, sizeof *value);
  if (!value) return fsm__scxml_no_memory(r);
  *value = (fsm_def_value){.form = FSM_DEF_LITERAL, .literal = literal, .where = where};
  *out = value;
  return FSM_OK;
}

fsm_code fsm__scxml_expr_value(fsm__scxml *r, const fsm_xml_node *element, const char *name,
                               const fsm_def_value **out) {
  const char *expr;
  *out = NULL;
  fsm_code code = fsm__scxml_expr(r, element, name, &expr);
  if (code || !expr) return code;
  return fsm__scxml_expression(r, expr, fsm__scxml_text_at(r, element, name), out);
}

fsm_code fsm__scxml_refuse_broken(fsm__scxml *r, fsm_code code, const char *where) {
  const char *broken = r->broken;
  r->broken = NULL;
  return broken ? fsm_fail(r->call->err, code, where, "%s", broken) : FSM_OK;
}

/* There is no member of that name in an empty map, and its name is what the fault tells. */
fsm_code fsm__scxml_fail_later(fsm__scxml *r, const char *where, const fsm_def_value **out) {
  const char *broken = r->broken;
  r->broken = NULL;
  if (!broken) return FSM_OK;
  fsm_buf buf = {0};
  fsm_buf_str(&buf, "{}[");
  fsm_json_quote(&buf, broken, strlen(broken));
  fsm_buf_str(&buf, "]");
  const char *expr = fsm_buf_ok(&buf) ? fsm_arena_strdup(r->arena, fsm_buf_text(&buf)) : NULL;
  fsm_buf_free(&buf);
  return expr ? fsm__scxml_expression(r, expr, where, out) : fsm__scxml_no_memory(r);
}

fsm_code fsm__scxml_expr_whole(fsm__scxml *r, const fsm_xml_node *element, const char *name,
                               const fsm_def_value **out) {
  fsm_code code = fsm__scxml_expr_value(r, element, name, out);
  return code ? code : fsm__scxml_refuse_broken(r, FSM_EEXPRESSION, fsm__scxml_text_at(r, element, name));
}

fsm_code fsm__scxml_expr_later(fsm__scxml *r, const fsm_xml_node *element, const char *name,
                               const fsm_def_value **out) {
  fsm_code code = fsm__scxml_expr_value(r, element, name, out);
  return code ? code : fsm__scxml_fail_later(r, fsm__scxml_text_at(r, element, name), out);
}

/* ---- locations --------------------------------------------------------------------------------- */

bool fsm__scxml_is_name(const char *text) {
  fsm__word word = fsm__word_next(text, text + strlen(text));
  return word.kind == FSM__WORD_NAME && word.text == text && word.len == strlen(text) && !strchr(text, '$');
}

/* A variable, then any of .name and [expression]. */
static bool is_path(const char *text) {
  const char *end = text + strlen(text);
  fsm__word word = fsm__word_next(text, end);
  if (word.kind != FSM__WORD_NAME) return false;
  while ((word = fsm__word_next(word.text + word.len, end)).kind != FSM__WORD_END) {
    if (fsm__word_is(&word, ".")) {
      word = fsm__word_next(word.text + 1, end);
      if (word.kind != FSM__WORD_NAME) return false;
    } else if (fsm__word_is(&word, "[")) {
      for (unsigned depth = 1; depth;) {
        word = fsm__word_next(word.text + word.len, end);
        if (word.kind == FSM__WORD_END || word.kind == FSM__WORD_BAD) return false;
        depth += fsm__word_is(&word, "[");
        depth -= fsm__word_is(&word, "]");
      }
    } else {
      return false;
    }
  }
  return true;
}

static bool is_of_the_system(const char *text) { return *text == '_'; }

fsm_code fsm__scxml_location(fsm__scxml *r, const char *text, const char *where, const char **out) {
  if (r->model == FSM__MODEL_NULL)
    return fsm__scxml_unsupported(r, where, "the null data model has no locations");
  text += strspn(text, " \t\r\n");
  *out = text;
  if (is_path(text) && !is_of_the_system(text)) return fsm__scxml_expr_text(r, text, where, out);
  if (!r->broken)
    r->broken =
        fsm_arena_printf(r->arena, "%.160s is no place that can be assigned to", *text ? text : "\"\"");
  return r->broken ? FSM_OK : fsm__scxml_no_memory(r);
}

/* ---- what is written inside -------------------------------------------------------------------- */

/* White space made one blank, none at the ends. */
static fsm_code normalised(fsm__scxml *r, const char *text, size_t len, const char *where,
                           const fsm_def_value **out) {
  char *copy = fsm_arena_alloc(r->arena, len + 1);
  if (!copy) return fsm__scxml_no_memory(r);
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    bool blank = fsm_xml_is_blank(text + i, 1);
    if (!blank)
      copy[n++] = text[i];
    else if (n && copy[n - 1] != ' ')
      copy[n++] = ' ';
  }
  if (n && copy[n - 1] == ' ') n--;
  copy[n] = '\0';
  return fsm__scxml_literal(r, fsm_stringn(copy, n), where, out);
}

fsm_code fsm__scxml_inline_text(fsm__scxml *r, const char *text, size_t len, const char *where,
                                const fsm_def_value **out) {
  fsm_value value;
  *out = NULL;
  if (fsm_xml_is_blank(text, len)) return FSM_OK;
  fsm_code code = fsm_json_parse(r->arena, text, len, FSM_JSON_SORTED, &value, NULL);
  if (code == FSM_ENOMEM) return fsm__scxml_no_memory(r);
  if (code == FSM_OK) return fsm__scxml_literal(r, value, where, out);
  return normalised(r, text, len, where, out);
}

static fsm_code inline_xml(fsm__scxml *r, const fsm_xml_node *element, const char *where,
                           const fsm_def_value **out) {
  fsm_buf buf = {0};
  for (const fsm_xml_node *child = element->child; child; child = child->next)
    if (child->name)
      fsm_xml_write(&buf, child);
    else if (!fsm_xml_is_blank(child->text, child->len))
      fsm_xml_escape(&buf, child->text, child->len, false);
  char *copy = fsm_buf_ok(&buf) ? fsm_arena_strndup(r->arena, buf.data, buf.len) : NULL;
  size_t len = buf.len;
  fsm_buf_free(&buf);
  return copy ? fsm__scxml_literal(r, fsm_stringn(copy, len), where, out) : fsm__scxml_no_memory(r);
}

fsm_code fsm__scxml_inline(fsm__scxml *r, const fsm_xml_node *element, const fsm_def_value **out) {
  const fsm_xml_node *child = element->child;
  const char *where = fsm__scxml_at(r, element);
  *out = NULL;
  for (; child; child = child->next)
    if (child->name) return inline_xml(r, element, where, out);
  child = element->child;
  return child ? fsm__scxml_inline_text(r, child->text, child->len, where, out) : FSM_OK;
}

fsm_code fsm__scxml_source_text(fsm__scxml *r, const fsm_xml_node *element, const char **text, size_t *len) {
  const fsm_scxml_options *options = r->call->options;
  const char *src = fsm__scxml_text(element, "src"), *where = fsm__scxml_text_at(r, element, "src");
  *text = NULL;
  if (!options || !options->source)
    return fsm__scxml_unsupported(r, where, "\"src\" of <%s> cannot be read here", element->name);
  fsm_error fault = {0};
  fsm_code code = options->source(options->source_arg, src, r->arena, text, len, &fault);
  if (code == FSM_ENOMEM) return fsm__scxml_no_memory(r);
  if (code == FSM_OK) return FSM_OK;
  *text = NULL;
  r->broken = fsm_arena_printf(r->arena, "\"%.128s\" cannot be read: %s", src, fault.text);
  return r->broken ? FSM_OK : fsm__scxml_no_memory(r);
}

/* ---- <content>, <param>, namelist -------------------------------------------------------------- */

enum { PARAMS_MAX = 1000 };

typedef struct members {
  const char **keys;
  fsm_def_value *items;
  size_t count;
} members;

/* A name that comes again replaces what it was. */
static void put(members *m, const char *key, const char *expr, const char *where) {
  size_t i = 0;
  while (i < m->count && strcmp(m->keys[i], key) != 0) i++;
  m->keys[i] = key;
  m->items[i] = (fsm_def_value){.form = FSM_DEF_EXPR, .expr = expr, .where = where};
  if (i == m->count) m->count++;
}

static fsm_code read_param(fsm__scxml *r, const fsm_xml_node *param, members *m) {
  static const char *const either[] = {"expr", "location", NULL};
  const char *expr = NULL, *name = fsm__scxml_text(param, "name");
  fsm_code code = fsm__scxml_one_of(r, param, true, either);
  if (!code && !*name)
    code = fsm__scxml_invalid(r, fsm__scxml_text_at(r, param, "name"), "the name of a <param> is empty");
  if (!code) code = fsm__scxml_expr(r, param, "expr", &expr);
  if (!code && !expr) code = fsm__scxml_expr(r, param, "location", &expr);
  if (!code) put(m, name, expr, fsm__scxml_at(r, param));
  return code;
}

static fsm_code read_namelist(fsm__scxml *r, const fsm_xml_node *element, const char *const *names,
                              size_t count, members *m) {
  const char *where = fsm__scxml_text_at(r, element, "namelist");
  for (size_t i = 0; i < count; i++) {
    const char *expr;
    fsm_code code = fsm__scxml_expr_text(r, names[i], where, &expr);
    if (code) return code;
    put(m, names[i], expr, where);
  }
  return FSM_OK;
}

fsm_code fsm__scxml_params(fsm__scxml *r, const fsm_xml_node *element, const fsm_def_value **out) {
  *out = NULL;
  const char *namelist = fsm__scxml_text(element, "namelist");
  const char *const *names = NULL;
  size_t name_count = 0, most = 0;
  fsm_code code = namelist ? fsm__scxml_words(r, namelist, &names, &name_count) : FSM_OK;
  if (code) return code;
  const fsm_xml_node *child = NULL;
  while ((child = fsm__scxml_next(element, child))) most += fsm__scxml_is(child, "param");
  most += name_count;
  if (!most) return FSM_OK;
  if (most > PARAMS_MAX)
    return fsm_fail(r->call->err, FSM_ETOOLARGE, fsm__scxml_at(r, element),
                    "<%s> has more than %d parameters", element->name, PARAMS_MAX);
  members m = {fsm_arena_zalloc(r->arena, most, sizeof *m.keys),
               fsm_arena_zalloc(r->arena, most, sizeof *m.items), 0};
  fsm_def_value *value = fsm_arena_zalloc(r->arena, 1, sizeof *value);
  if (!m.keys || !m.items || !value) return fsm__scxml_no_memory(r);
  code = read_namelist(r, element, names, name_count, &m);
  while (!code && (child = fsm__scxml_next(element, child)))
    if (fsm__scxml_is(child, "param")) code = read_param(r, child, &m);
  *value = (fsm_def_value){.form = FSM_DEF_MAP,
                           .count = m.count,
                           .keys = m.keys,
                           .items = m.items,
                           .where = fsm__scxml_at(r, element)};
  *out = value;
  return code;
}

static fsm_code read_content(fsm__scxml *r, const fsm_xml_node *content, const fsm_def_value **out) {
  fsm_code code = fsm__scxml_expr_value(r, content, "expr", out);
  if (code) return code;
  if (!*out) {
    code = fsm__scxml_inline(r, content, out);
    if (code || *out) return code;
    return fsm__scxml_literal(r, fsm_string(""), fsm__scxml_at(r, content), out);
  }
  for (const fsm_xml_node *child = content->child; child; child = child->next)
    if (child->name || !fsm_xml_is_blank(child->text, child->len))
      return fsm__scxml_invalid(r, fsm__scxml_at(r, child),
                                "<content> has both \"expr\" and something in it");
  return FSM_OK;
}

fsm_code fsm__scxml_payload(fsm__scxml *r, const fsm_xml_node *element, const fsm_def_value **out) {
  const fsm_xml_node *content = fsm__scxml_child(element, "content");
  *out = NULL;
  if (!content) return fsm__scxml_params(r, element, out);
  if (fsm__scxml_child(element, "param") || fsm_xml_attribute_of(element, "namelist"))
    return fsm__scxml_invalid(r, fsm__scxml_at(r, content), "<%s> has both <content> and parameters",
                              element->name);
  return read_content(r, content, out);
}

/* ---- delays ------------------------------------------------------------------------------------ */

/* CSS2 times as 6.2 has them, and longer units: digits, a fraction, a unit. */
static bool parse_delay(const char *text, int64_t *ms) {
  static const struct {
    const char *name;
    int64_t ns;
  } units[] = {{"ms", 1000000},
               {"s", INT64_C(1000000000)},
               {"m", INT64_C(60000000000)},
               {"h", INT64_C(3600000000000)},
               {"d", INT64_C(86400000000000)}};
  int64_t whole = 0, part = 0, scale = 1;
  size_t digits = 0;
  for (; *text >= '0' && *text <= '9'; text++, digits++)
    if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, *text - '0', &whole))
      return false;
  if (*text == '.')
    for (text++; *text >= '0' && *text <= '9'; text++, digits++)
      if (scale < 1000000000) part = 10 * part + (*text - '0'), scale *= 10;
  if (!digits) return false;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (strcmp(units[i].name, text) != 0) continue;
    int64_t fraction = (int64_t)((double)part / (double)scale * (double)units[i].ns);
    int64_t ns;
    if (__builtin_mul_overflow(whole, units[i].ns, &ns) || __builtin_add_overflow(ns, fraction, &ns))
      return false;
    *ms = ns / 1000000 + (ns % 1000000 != 0);
    return *ms <= FSM_DELAY_MS_MAX;
  }
  return false;
}

fsm_code fsm__scxml_delay(fsm__scxml *r, const char *text, const char *where, const fsm_def_value **out) {
  int64_t ms = 0;
  if (!parse_delay(text, &ms))
    return fsm__scxml_invalid(r, where, "\"%.64s\" is no delay; one is \"1.5s\" or \"200ms\"", text);
  return fsm__scxml_literal(r, fsm_int(ms), where, out);
}
