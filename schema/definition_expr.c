/* definition_expr.c: {"@expr": "…"}: its text, checked, and `params` in it.
 *
 * A named guard or action is expanded where it is used, and the params that are given there are put
 * into its expressions as text: `params` becomes the CEL text of the object, `params.x` that of its
 * member. Params may hold expressions themselves, which read what the place of use reads.
 */
#include <string.h>

#include "schema/definition_load.h"
#include "schema/json.h"

bool fsm__is_expression(const fsm_value *value) {
  return value->type == FSM_MAP && (fsm_doc_get(value, "@expr") || fsm_doc_get(value, "@code"));
}

/* ---- `params` in a text ------------------------------------------------------------------------ */

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_word(char c) { return is_letter(c) || (c >= '0' && c <= '9'); }
static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Behind the string literal that begins at text, or at the end of a text that is cut off. */
static const char *string_end(const char *text, bool raw) {
  char quote = *text;
  bool triple = text[1] == quote && text[2] == quote;
  for (text += triple ? 3 : 1; *text; text++) {
    if (*text == '\\' && !raw && text[1])
      text++;
    else if (*text == quote && (!triple || (text[1] == quote && text[2] == quote)))
      return text + (triple ? 3 : 1);
  }
  return text;
}

static bool is_raw_prefix(const char *word, size_t len) {
  return len <= 2 && (memchr(word, 'r', len) || memchr(word, 'R', len));
}

/* Walks the tokens of a text, as far as is needed to find names. */
typedef struct words {
  const char *at;
  char before;    /* the token before: its only or last character */
  bool below_has; /* the token before is the bracket of has(…) */
  bool has;
} words;

/* The next name that is no member; NULL at the end. */
static const char *next_word(words *w, size_t *len) {
  while (*w->at) {
    const char *start = w->at;
    if (is_blank(*start)) {
      w->at++;
    } else if (start[0] == '/' && start[1] == '/') {
      w->at += strcspn(start, "\n");
    } else if (*start == '"' || *start == '\'' || *start == '`') {
      w->at = string_end(start, *start == '`');
      w->before = '"';
    } else if (is_word(*start)) {
      bool member = w->before == '.';
      while (is_word(*w->at)) w->at++;
      *len = (size_t)(w->at - start);
      w->before = 'a';
      if ((*w->at == '"' || *w->at == '\'') && *len <= 2) {
        w->at = string_end(w->at, is_raw_prefix(start, *len));
        continue;
      }
      w->has = !member && *len == 3 && memcmp(start, "has", 3) == 0;
      if (!member && is_letter(*start)) return start;
    } else {
      w->below_has = *start == '(' && w->has;
      w->has = false;
      w->before = *start;
      w->at++;
    }
  }
  return NULL;
}

static bool is_params(const char *word, size_t len) { return len == 6 && memcmp(word, "params", 6) == 0; }

static bool reads_params(const char *text) {
  words w = {.at = text};
  size_t len;
  for (const char *word; (word = next_word(&w, &len));)
    if (is_params(word, len)) return true;
  return false;
}

/* The text of the member that ".name" at *at means, which is then passed over; NULL when there is none. */
static const char *member_text(const fsm__params *params, const char **at) {
  const char *p = *at;
  while (is_blank(*p)) p++;
  if (*p != '.') return NULL;
  for (p++; is_blank(*p);) p++;
  const char *name = p;
  while (is_word(*p)) p++;
  size_t len = (size_t)(p - name);
  if (!len || params->value->type != FSM_MAP) return NULL;
  for (uint32_t i = 0; i < params->value->len; i++) {
    const fsm_value *key = &params->value->pairs[i].key;
    if (key->len != len || memcmp(key->s, name, len) != 0) continue;
    *at = p;
    return params->members[i];
  }
  return NULL;
}

static const char *kept(fsm__loader *l, fsm_buf *buf) {
  const char *text =
      fsm_buf_ok(buf) ? fsm_arena_strndup(l->arena, buf->data ? buf->data : "", buf->len) : NULL;
  fsm_buf_free(buf);
  return text;
}

/* A few bytes of a definition could name a long expression again and again. */
static fsm_code check_expanded(fsm__loader *l, const char *where, size_t len) {
  l->expanded += len;
  if (l->expanded <= FSM__EXPANDED_MAX) return FSM_OK;
  return fsm_fail(l->err, FSM_ETOOLARGE, where,
                  "expressions that read `params` take more than %d bytes, all uses together",
                  FSM__EXPANDED_MAX);
}

static fsm_code put_params(fsm__loader *l, const char *where, const char *text, const char **out) {
  fsm_buf buf = {0};
  words w = {.at = text};
  size_t len;
  const char *copied = text;
  for (const char *word; (word = next_word(&w, &len));) {
    if (!is_params(word, len)) continue;
    fsm_buf_add(&buf, copied, (size_t)(word - copied));
    const char *member = w.below_has ? NULL : member_text(l->params, &w.at); /* has() wants a member */
    fsm_buf_printf(&buf, "(%s)", member ? member : l->params->whole);
    copied = w.at;
  }
  fsm_buf_str(&buf, copied);
  len = buf.len;
  *out = kept(l, &buf);
  return *out ? check_expanded(l, where, len) : fsm__out_of_memory(l);
}

/* For a check without a use: a name of the same length that may be anything, so that columns stay. */
static fsm_code put_anything(fsm__loader *l, const char *text, const char **out) {
  char *copy = fsm_arena_strdup(l->arena, text);
  if (!copy) return fsm__out_of_memory(l);
  words w = {.at = text};
  size_t len;
  for (const char *word; (word = next_word(&w, &len));)
    if (is_params(word, len)) memcpy(copy + (word - text), "event ", 6);
  *out = copy;
  return FSM_OK;
}

static fsm_code replace_params(fsm__loader *l, fsm__node node, const char **text) {
  if ((!l->expanding && !l->checking) || !reads_params(*text)) return FSM_OK;
  if (!l->expanding) return put_anything(l, *text, text);
  if (l->params) return put_params(l, node.where, *text, text);
  return fsm__invalid(l, node.where, "`params` is read here, and %.128s gives none", l->user);
}

/* ---- expressions ------------------------------------------------------------------------------- */

fsm_code fsm__check_expression(fsm__loader *l, const char *text, const char *where) {
  fsm__checked *slot = &l->checked[((uintptr_t)text >> 4) % FSM__CHECKED];
  if (slot->text == text && slot->event == l->options.event && slot->guard == l->options.guard) return FSM_OK;
  const fsm_expr *expr;
  fsm_error fault = {0};
  fsm_code code = fsm_expr_compile_with(&l->scratch, text, strlen(text), &l->options, &expr, &fault);
  fsm_arena_reset(&l->scratch);
  if (code) return fsm_fail(l->err, code, where, "%s: %s", fault.where, fault.text);
  *slot = (fsm__checked){text, l->options.event, l->options.guard};
  return FSM_OK;
}

fsm_code fsm__read_expression(fsm__loader *l, fsm__node node, const char **out) {
  static const char *const keys[] = {"@expr", "@lang", "!",
                                     "@code: a function is not data; write {\"@expr\": …}", NULL};
  fsm_code code = fsm__node_keys(l, node, keys);
  if (code) return code;
  fsm__node lang = fsm__node_get(l, node, "@lang"), text = fsm__node_get(l, node, "@expr");
  if (lang.value && !fsm_is_text(lang.value, "cel"))
    return fsm__unsupported(l, lang.where, "the expression language must be \"cel\"");
  if (!fsm__node_is(text, FSM_STRING)) return fsm__invalid(l, text.where, "\"@expr\" must be a text");
  *out = text.value->s;
  code = replace_params(l, text, out);
  if (code) return code;
  return fsm__check_expression(l, *out, text.where);
}

/* ---- values as CEL text ------------------------------------------------------------------------ */

static fsm_code add_text(fsm__loader *l, fsm__node node, fsm_buf *out);

static fsm_code add_items(fsm__loader *l, fsm__node node, fsm_buf *out) {
  bool map = node.value->type == FSM_MAP;
  fsm_buf_str(out, map ? "{" : "[");
  for (uint32_t i = 0; i < node.value->len; i++) {
    if (i) fsm_buf_str(out, ", ");
    if (map) {
      fsm_json_write(out, &node.value->pairs[i].key);
      fsm_buf_str(out, ": ");
    }
    fsm_code code = add_text(l, map ? fsm__node_member(l, node, i) : fsm__node_item(l, node, i), out);
    if (code) return code;
  }
  fsm_buf_str(out, map ? "}" : "]");
  return FSM_OK;
}

static fsm_code add_text(fsm__loader *l, fsm__node node, fsm_buf *out) {
  if (fsm__is_expression(node.value)) {
    const char *text;
    fsm_code code = fsm__read_expression(l, node, &text);
    /* a comment at the end must not swallow the bracket */
    if (!code) fsm_buf_printf(out, "(%s%s)", text, strstr(text, "//") ? "\n" : "");
    return code;
  }
  if (node.value->type == FSM_MAP || node.value->type == FSM_LIST) return add_items(l, node, out);
  if (node.value->type == FSM_INT)
    fsm_buf_printf(out, "%lld", (long long)node.value->i); /* JSON writes large ones as texts */
  else
    fsm_json_write(out, node.value);
  return FSM_OK;
}

fsm_code fsm__value_text(fsm__loader *l, fsm__node node, const char **out) {
  fsm_buf buf = {0};
  fsm_code code = add_text(l, node, &buf);
  *out = kept(l, &buf);
  return code || *out ? code : fsm__out_of_memory(l);
}

/* ---- expansion --------------------------------------------------------------------------------- */

static fsm_code read_params(fsm__loader *l, fsm__node params, fsm__params *out) {
  out->value = params.value;
  fsm_code code = fsm__value_text(l, params, &out->whole);
  if (code || params.value->type != FSM_MAP) return code;
  const char **members = fsm_arena_zalloc(l->arena, params.value->len + 1u, sizeof *members);
  if (!members) return fsm__out_of_memory(l);
  for (uint32_t i = 0; i < params.value->len && !code; i++)
    code = fsm__value_text(l, fsm__node_member(l, params, i), &members[i]);
  out->members = members;
  return code;
}

fsm_code fsm__expand_begin(fsm__loader *l, fsm__node use, fsm__node named, fsm__expansion *saved) {
  if (l->expanding == FSM__EXPANSION_MAX)
    return fsm__invalid(l, named.where, "named guards and actions name one another more than %d deep",
                        FSM__EXPANSION_MAX);
  fsm__node params = fsm__node_get(l, use, "params"); /* absent when used by its name alone */
  *saved = (fsm__expansion){.params = l->params, .user = l->user};
  bool guard = l->options.guard;
  l->options.guard = false; /* a guard's params need not be true or false */
  fsm_code code = params.value ? read_params(l, params, &saved->own) : FSM_OK;
  l->options.guard = guard;
  if (code) return code;
  l->params = params.value ? &saved->own : NULL;
  l->user = use.where;
  l->expanding++;
  return FSM_OK;
}

void fsm__expand_end(fsm__loader *l, const fsm__expansion *saved) {
  l->params = saved->params;
  l->user = saved->user;
  l->expanding--;
}
