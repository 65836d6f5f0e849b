/* xml.c: reading XML. The only file that includes expat.h.
 *
 * expat calls back per tag and run of text; the tree is built below `at`, the element that is open. The
 * first fault of ours stops it. expat does not say where attributes stand, so the tag is walked once
 * more in the text, which expat has found to be well formed by then.
 */
#include "schema/xml.h"

#include <expat.h>
#include <stdio.h>
#include <string.h>

/* Between the parts of a name as expat gives it: no character of XML. */
enum { SEPARATOR = '\x1f' };

typedef struct reader {
  XML_Parser parser;
  const char *source;
  bool bytes_are_ascii; /* so that tags can be walked */
  fsm_arena *arena;
  fsm_error *err;
  fsm_code code;
  fsm_xml_node *root, *at;
  fsm_xml_node *last; /* child of `at`, or NULL */
  unsigned depth;
  fsm_buf text; /* the run that is being read */
  unsigned line, column;
} reader;

static void stop(reader *r, fsm_code code) {
  r->code = code;
  XML_StopParser(r->parser, XML_FALSE);
}

static void stop_without_memory(reader *r) {
  stop(r, fsm_fail(r->err, FSM_ENOMEM, "", "no memory to read XML"));
}

static void place_now(const reader *r, unsigned *line, unsigned *column) {
  *line = (unsigned)XML_GetCurrentLineNumber(r->parser);
  *column = (unsigned)XML_GetCurrentColumnNumber(r->parser) + 1;
}

static void stop_here(reader *r, fsm_code code, const char *text) {
  unsigned line, column;
  char where[32];
  place_now(r, &line, &column);
  snprintf(where, sizeof where, "%u:%u", line, column);
  stop(r, fsm_fail(r->err, code, where, "%s", text));
}

/* ---- the tree ---------------------------------------------------------------------------------- */

static fsm_xml_node *add_node(reader *r) {
  fsm_xml_node *node = fsm_arena_zalloc(r->arena, 1, sizeof *node);
  if (!node) {
    stop_without_memory(r);
    return NULL;
  }
  node->parent = r->at;
  if (r->last)
    r->last->next = node;
  else if (r->at)
    r->at->child = node;
  else
    r->root = node;
  r->last = node;
  return node;
}

static void end_text(reader *r) {
  if ((!r->text.len && fsm_buf_ok(&r->text)) || r->code)
    return; /* its first bytes may have found no memory */
  char *copy = fsm_buf_ok(&r->text) ? fsm_arena_strndup(r->arena, r->text.data, r->text.len) : NULL;
  if (!copy) {
    stop_without_memory(r);
    return;
  }
  fsm_xml_node *node = add_node(r);
  if (!node) return;
  node->text = copy;
  node->len = r->text.len;
  node->line = r->line;
  node->column = r->column;
  fsm_buf_reset(&r->text);
}

/* Splits "namespace SEPARATOR name" or "name". */
static bool split_name(reader *r, const char *whole, const char **ns, const char **name) {
  const char *cut = strrchr(whole, SEPARATOR);
  *ns = cut ? fsm_arena_strndup(r->arena, whole, (size_t)(cut - whole)) : "";
  *name = fsm_arena_strdup(r->arena, cut ? cut + 1 : whole);
  return *ns && *name;
}

/* ---- places of attributes ---------------------------------------------------------------------- */

typedef struct walk {
  const char *at;
  unsigned line, column;
} walk;

/* One byte further; CR LF is one line break, told at the LF. */
static void step(walk *w) {
  char c = *w->at++;
  if (c == '\n' || (c == '\r' && *w->at != '\n'))
    w->line++, w->column = 1;
  else if (((unsigned char)c & 0xC0) != 0x80 && c != '\r')
    w->column++;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Moves from attribute to attribute of a well-formed tag, leaving w at the value's first byte. */
static void walk_to_value(walk *w, const char **name, size_t *name_len) {
  while (is_space(*w->at)) step(w);
  *name = w->at;
  while (!is_space(*w->at) && *w->at != '=') step(w);
  *name_len = (size_t)(w->at - *name);
  while (*w->at != '"' && *w->at != '\'') step(w);
  step(w);
}

static void walk_over_value(walk *w) {
  char quote = w->at[-1];
  while (*w->at != quote) step(w);
  step(w);
}

static bool declares_namespace(const char *name, size_t len) {
  return len >= 5 && memcmp(name, "xmlns", 5) == 0 && (len == 5 || name[5] == ':');
}

static void place_attributes(const reader *r, const fsm_xml_node *node, fsm_xml_attribute *attributes) {
  walk w = {r->source, node->line, node->column};
  if (r->bytes_are_ascii) {
    w.at += XML_GetCurrentByteIndex(r->parser);
    while (!is_space(*w.at)) step(&w);
  }
  for (size_t i = 0; i < node->attribute_count; i++) {
    const char *name = "";
    size_t len = 0;
    if (r->bytes_are_ascii) {
      walk_to_value(&w, &name, &len);
      while (declares_namespace(name, len)) {
        walk_over_value(&w);
        walk_to_value(&w, &name, &len);
      }
    }
    attributes[i].line = w.line;
    attributes[i].column = w.column;
    if (r->bytes_are_ascii) walk_over_value(&w);
  }
}

/* ---- what expat calls -------------------------------------------------------------------------- */

static bool read_attributes(reader *r, fsm_xml_node *node, const char **given) {
  size_t count = 0;
  while (given[2 * count]) count++;
  if (count > FSM_XML_ATTRIBUTES_MAX) {
    stop_here(r, FSM_ETOOLARGE, "an element has more than 64 attributes");
    return false;
  }
  _Static_assert(FSM_XML_ATTRIBUTES_MAX == 64, "the text above says so");
  fsm_xml_attribute *attributes = fsm_arena_zalloc(r->arena, count ? count : 1, sizeof *attributes);
  bool ok = attributes != NULL;
  for (size_t i = 0; i < count && ok; i++) {
    attributes[i].value = fsm_arena_strdup(r->arena, given[2 * i + 1]);
    ok = attributes[i].value && split_name(r, given[2 * i], &attributes[i].ns, &attributes[i].name);
  }
  if (!ok) {
    stop_without_memory(r);
    return false;
  }
  node->attributes = attributes;
  node->attribute_count = count;
  if (count) place_attributes(r, node, attributes);
  return true;
}

static void XMLCALL on_start(void *arg, const char *name, const char **attributes) {
  reader *r = arg;
  if (r->code) return;
  end_text(r);
  if (r->code) return;
  if (r->depth == FSM_XML_DEPTH_MAX) {
    stop_here(r, FSM_ETOOLARGE, "the elements are nested more than 256 deep");
    return;
  }
  _Static_assert(FSM_XML_DEPTH_MAX == 256, "the text above says so");
  fsm_xml_node *node = add_node(r);
  if (!node) return;
  place_now(r, &node->line, &node->column);
  if (!split_name(r, name, &node->ns, &node->name)) {
    stop_without_memory(r);
    return;
  }
  if (!read_attributes(r, node, attributes)) return;
  r->depth++;
  r->at = node;
  r->last = NULL;
}

static void XMLCALL on_end(void *arg, const char *name) {
  reader *r = arg;
  (void)name;
  if (r->code) return;
  end_text(r);
  if (r->code) return;
  FSM_ASSERT(r->at && r->depth);
  r->depth--;
  r->last = r->at;
  r->at = (fsm_xml_node *)r->at->parent;
}

static void XMLCALL on_text(void *arg, const char *text, int len) {
  reader *r = arg;
  if (r->code) return;
  if (!r->text.len) place_now(r, &r->line, &r->column);
  fsm_buf_add(&r->text, text, (size_t)len);
}

static void XMLCALL on_doctype(void *arg, const char *name, const char *system, const char *public_id,
                               int internal) {
  (void)name, (void)system, (void)public_id, (void)internal;
  stop_here(arg, FSM_EMALFORMED, "a document type (<!DOCTYPE>) is not accepted");
}

/* ---- the whole --------------------------------------------------------------------------------- */

static fsm_code fail_syntax(reader *r) {
  if (r->code) return r->code;
  enum XML_Error fault = XML_GetErrorCode(r->parser);
  if (fault == XML_ERROR_NO_MEMORY) return fsm_fail(r->err, FSM_ENOMEM, "", "no memory to read XML");
  char where[32];
  unsigned line, column;
  place_now(r, &line, &column);
  snprintf(where, sizeof where, "%u:%u", line, column);
  return fsm_fail(r->err, FSM_EMALFORMED, where, "%s", XML_ErrorString(fault));
}

/* UTF-16 has a zero or a byte order mark of its own at the start. */
static bool is_ascii_like(const char *text, size_t len) {
  if (len < 2) return true;
  const unsigned char *s = (const unsigned char *)text;
  return s[0] != 0 && s[1] != 0 && !(s[0] >= 0xFE && s[1] >= 0xFE);
}

fsm_code fsm_xml_read(fsm_arena *arena, const char *text, size_t len, const fsm_xml_node **root,
                      fsm_error *err) {
  FSM_ASSERT(arena && root && (text || !len));
  if (len > FSM_XML_BYTES_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "%zu bytes of XML are over the limit of %d", len,
                    FSM_XML_BYTES_MAX);
  reader r = {.source = text, .bytes_are_ascii = is_ascii_like(text, len), .arena = arena, .err = err};
  r.parser = XML_ParserCreateNS(NULL, SEPARATOR);
  if (!r.parser) return fsm_fail(err, FSM_ENOMEM, "", "no memory to read XML");
  XML_SetUserData(r.parser, &r);
  XML_SetElementHandler(r.parser, on_start, on_end);
  XML_SetCharacterDataHandler(r.parser, on_text);
  XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
  fsm_code code = FSM_OK;
  if (XML_Parse(r.parser, len ? text : "", (int)len, XML_TRUE) != XML_STATUS_OK || r.code)
    code = fail_syntax(&r);
  XML_ParserFree(r.parser);
  fsm_buf_free(&r.text);
  if (!code) *root = r.root;
  return code;
}

const fsm_xml_attribute *fsm_xml_attribute_of(const fsm_xml_node *element, const char *name) {
  for (size_t i = 0; i < element->attribute_count; i++)
    if (!*element->attributes[i].ns && strcmp(element->attributes[i].name, name) == 0)
      return &element->attributes[i];
  return NULL;
}

bool fsm_xml_is_blank(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!is_space(text[i])) return false;
  return true;
}

const char *fsm_xml_library(void) { return XML_ExpatVersion(); }
