/* scxml_element.c: the elements of SCXML as a table (their attributes, what may stand in them, what only
 * once) and the check of a document against it, before anything is read.
 *
 * Elements and attributes of other namespaces are allowed where the Recommendation's schema allows them and
 * left alone, except in executable content, where they would be something to do.
 */
#include <stdio.h>
#include <string.h>

#include "schema/definition_load.h"
#include "schema/scxml_load.h"

/* ---- faults and places ------------------------------------------------------------------------- */

FSM_PRINTF(4, 0)
static fsm_code fail(fsm__scxml *r, fsm_code code, const char *where, const char *format, va_list args) {
  char text[FSM_TEXT_MAX];
  vsnprintf(text, sizeof text, format, args);
  return fsm_fail(r->call->err, code, where, "%s", text);
}

fsm_code fsm__scxml_invalid(fsm__scxml *r, const char *where, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fsm_code code = fail(r, FSM_EDEFINITION, where, format, args);
  va_end(args);
  return code;
}

fsm_code fsm__scxml_unsupported(fsm__scxml *r, const char *where, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fsm_code code = fail(r, FSM_EUNSUPPORTED, where, format, args);
  va_end(args);
  return code;
}

fsm_code fsm__scxml_no_memory(fsm__scxml *r) {
  return fsm_fail(r->call->err, FSM_ENOMEM, "", "no memory to load the definition");
}

const char *fsm__scxml_place(fsm__scxml *r, unsigned line, unsigned column) {
  const char *where = fsm_arena_printf(r->arena, "%u:%u", line, column);
  return where ? where : "";
}

const char *fsm__scxml_at(fsm__scxml *r, const fsm_xml_node *element) {
  return fsm__scxml_place(r, element->line, element->column);
}

static const char *attribute_at(fsm__scxml *r, const fsm_xml_attribute *a) {
  return fsm__scxml_place(r, a->line, a->column);
}

/* ---- the table --------------------------------------------------------------------------------- */

/* clang-format off */
#define ELEMENTS(X)                                                                                       \
  X(scxml) X(state) X(parallel) X(transition) X(initial) X(final) X(onentry) X(onexit) X(history)         \
  X(raise) X(if) X(elseif) X(else) X(foreach) X(log) X(datamodel) X(data) X(assign) X(donedata)           \
  X(content) X(param) X(script) X(send) X(cancel) X(invoke) X(finalize)
/* clang-format on */

enum number {
#define X(name) N_##name,
  ELEMENTS(X)
#undef X
};
enum bit {
#define X(name) B_##name = 1 << N_##name,
  ELEMENTS(X)
#undef X
      EXECUTABLE = B_raise | B_if | B_foreach | B_log | B_assign | B_script | B_send | B_cancel
};

typedef struct row {
  const char *attributes; /* separated by blanks; what is needed ends in '!' */
  uint32_t children, once;
  enum { NOTHING_ELSE, TEXT, ANYTHING } inside; /* besides those children */
} row;

static const char *const names[] = {
#define X(name) #name,
    ELEMENTS(X)
#undef X
};
enum { ELEMENT_COUNT = sizeof names / sizeof *names };

static const row rows[ELEMENT_COUNT] = {
    [N_scxml] = {"initial name version datamodel binding",
                 B_state | B_parallel | B_final | B_datamodel | B_script | B_transition,
                 B_datamodel | B_script, NOTHING_ELSE},
    [N_state] = {"id initial",
                 B_onentry | B_onexit | B_transition | B_initial | B_state | B_parallel | B_final |
                     B_history | B_datamodel | B_invoke,
                 B_initial | B_datamodel, NOTHING_ELSE},
    [N_parallel] = {"id",
                    B_onentry | B_onexit | B_transition | B_state | B_parallel | B_history | B_datamodel |
                        B_invoke,
                    B_datamodel, NOTHING_ELSE},
    [N_transition] = {"event cond target type", EXECUTABLE, 0, NOTHING_ELSE},
    [N_initial] = {"", B_transition, B_transition, NOTHING_ELSE},
    [N_final] = {"id", B_onentry | B_onexit | B_donedata, B_donedata, NOTHING_ELSE},
    [N_onentry] = {"", EXECUTABLE, 0, NOTHING_ELSE},
    [N_onexit] = {"", EXECUTABLE, 0, NOTHING_ELSE},
    [N_history] = {"id type", B_transition, B_transition, NOTHING_ELSE},
    [N_raise] = {"event!", 0, 0, NOTHING_ELSE},
    [N_if] = {"cond!", EXECUTABLE | B_elseif | B_else, B_else, NOTHING_ELSE},
    [N_elseif] = {"cond!", 0, 0, NOTHING_ELSE},
    [N_else] = {"", 0, 0, NOTHING_ELSE},
    [N_foreach] = {"array! item! index", EXECUTABLE, 0, NOTHING_ELSE},
    [N_log] = {"label expr", 0, 0, NOTHING_ELSE},
    [N_datamodel] = {"", B_data, 0, NOTHING_ELSE},
    [N_data] = {"id! src expr", 0, 0, ANYTHING},
    [N_assign] = {"location! expr", 0, 0, ANYTHING},
    [N_donedata] = {"", B_content | B_param, B_content, NOTHING_ELSE},
    [N_content] = {"expr", 0, 0, ANYTHING},
    [N_param] = {"name! expr location", 0, 0, NOTHING_ELSE},
    [N_script] = {"src", 0, 0, TEXT},
    [N_send] = {"event eventexpr target targetexpr type typeexpr id idlocation delay delayexpr namelist",
                B_content | B_param, B_content, NOTHING_ELSE},
    [N_cancel] = {"sendid sendidexpr", 0, 0, NOTHING_ELSE},
    [N_invoke] = {"type typeexpr src srcexpr id idlocation namelist autoforward",
                  B_content | B_param | B_finalize, B_content | B_finalize, NOTHING_ELSE},
    [N_finalize] = {"", EXECUTABLE & ~(B_raise | B_send), 0, NOTHING_ELSE},
};

/* Its number in the table; -1 when it is no element of SCXML. */
static int number_of(const fsm_xml_node *node) {
  if (!node->name || strcmp(node->ns, FSM__SCXML_NS) != 0) return -1;
  for (int i = 0; i < ELEMENT_COUNT; i++)
    if (strcmp(names[i], node->name) == 0) return i;
  return -1;
}

bool fsm__scxml_is(const fsm_xml_node *node, const char *name) {
  return node->name && strcmp(node->name, name) == 0 && strcmp(node->ns, FSM__SCXML_NS) == 0;
}

bool fsm__scxml_is_state(const fsm_xml_node *node) {
  int n = number_of(node);
  return n == N_state || n == N_parallel || n == N_final || n == N_history;
}

const fsm_xml_node *fsm__scxml_next(const fsm_xml_node *element, const fsm_xml_node *child) {
  const fsm_xml_node *node = child ? child->next : element->child;
  while (node && number_of(node) < 0) node = node->next;
  return node;
}

const fsm_xml_node *fsm__scxml_child(const fsm_xml_node *element, const char *name) {
  const fsm_xml_node *node = fsm__scxml_next(element, NULL);
  while (node && strcmp(node->name, name) != 0) node = fsm__scxml_next(element, node);
  return node;
}

/* ---- attributes -------------------------------------------------------------------------------- */

const char *fsm__scxml_text(const fsm_xml_node *element, const char *name) {
  const fsm_xml_attribute *a = fsm_xml_attribute_of(element, name);
  return a ? a->value : NULL;
}

const char *fsm__scxml_text_at(fsm__scxml *r, const fsm_xml_node *element, const char *name) {
  const fsm_xml_attribute *a = fsm_xml_attribute_of(element, name);
  return a ? attribute_at(r, a) : fsm__scxml_at(r, element);
}

fsm_code fsm__scxml_one_of(fsm__scxml *r, const fsm_xml_node *element, bool needed,
                           const char *const *wanted) {
  const char *found = NULL, *first = wanted[0], *last = wanted[0];
  for (; *wanted; wanted++) {
    last = *wanted;
    if (!fsm_xml_attribute_of(element, *wanted)) continue;
    if (found)
      return fsm__scxml_invalid(r, fsm__scxml_text_at(r, element, *wanted), "<%s> has both \"%s\" and \"%s\"",
                                element->name, found, *wanted);
    found = *wanted;
  }
  if (found || !needed) return FSM_OK;
  return fsm__scxml_invalid(r, fsm__scxml_at(r, element), "<%s> needs \"%s\" or \"%s\"", element->name, first,
                            last);
}

fsm_code fsm__scxml_word(fsm__scxml *r, const fsm_xml_node *element, const char *name,
                         const char *const *words, unsigned *out) {
  const char *text = fsm__scxml_text(element, name);
  *out = 0;
  if (!text) return FSM_OK;
  for (unsigned i = 0; words[i]; i++) {
    if (strcmp(words[i], text) != 0) continue;
    *out = i;
    return FSM_OK;
  }
  return fsm__scxml_invalid(r, fsm__scxml_text_at(r, element, name),
                            "\"%s\" is \"%s\" or \"%s\", not \"%.64s\"", name, words[0], words[1], text);
}

fsm_code fsm__scxml_words(fsm__scxml *r, const char *text, const char *const **words, size_t *count) {
  static const char blanks[] = " \t\r\n";
  size_t most = strlen(text) / 2 + 1, n = 0;
  const char **list = fsm_arena_zalloc(r->arena, most, sizeof *list);
  if (!list) return fsm__scxml_no_memory(r);
  for (const char *at = text + strspn(text, blanks); *at; at += strspn(at, blanks)) {
    size_t len = strcspn(at, blanks);
    list[n] = fsm_arena_strndup(r->arena, at, len);
    if (!list[n++]) return fsm__scxml_no_memory(r);
    at += len;
  }
  *words = list;
  *count = n;
  return FSM_OK;
}

/* The name in the row's list that begins at `at`: its length without the mark. */
static size_t name_length(const char *at) { return strcspn(at, "! "); }

static bool allows(const char *list, const char *name) {
  size_t len = strlen(name);
  for (const char *at = list; *at; at += strspn(at, "! ")) {
    size_t each = name_length(at);
    if (each == len && memcmp(at, name, len) == 0) return true;
    at += each;
  }
  return false;
}

static fsm_code unknown_attribute(fsm__scxml *r, const fsm_xml_node *element, const fsm_xml_attribute *a,
                                  const char *list) {
  fsm__closest closest = {.name = a->name};
  char known[12][16], hint[96];
  unsigned n = 0;
  for (const char *at = list; *at && n < 12; at += strspn(at, "! "), n++) {
    size_t each = name_length(at);
    snprintf(known[n], sizeof known[n], "%.*s", (int)each, at);
    fsm__closest_try(&closest, known[n]);
    at += each;
  }
  return fsm__scxml_invalid(r, attribute_at(r, a), "<%s> has no attribute \"%.64s\"%s", element->name,
                            a->name, fsm__closest_text(&closest, hint, sizeof hint));
}

static fsm_code check_attributes(fsm__scxml *r, const fsm_xml_node *element, const char *list) {
  for (size_t i = 0; i < element->attribute_count; i++) {
    const fsm_xml_attribute *a = &element->attributes[i];
    if (!*a->ns && !allows(list, a->name)) return unknown_attribute(r, element, a, list);
  }
  for (const char *at = list; *at; at += strspn(at, "! ")) {
    size_t each = name_length(at);
    char name[16];
    snprintf(name, sizeof name, "%.*s", (int)each, at);
    at += each;
    if (*at == '!' && !fsm_xml_attribute_of(element, name))
      return fsm__scxml_invalid(r, fsm__scxml_at(r, element), "<%s> needs \"%s\"", element->name, name);
  }
  return FSM_OK;
}

/* ---- children ---------------------------------------------------------------------------------- */

static fsm_code unknown_element(fsm__scxml *r, const fsm_xml_node *child) {
  fsm__closest closest = {.name = child->name};
  char hint[96];
  for (int i = 0; i < ELEMENT_COUNT; i++) fsm__closest_try(&closest, names[i]);
  return fsm__scxml_invalid(r, fsm__scxml_at(r, child), "<%.64s> is no element of SCXML%s", child->name,
                            fsm__closest_text(&closest, hint, sizeof hint));
}

/* What Qt Creator keeps beside each element: where it is drawn. */
static bool is_layout(const fsm_xml_node *node) {
  return strcmp(node->name, "editorinfo") == 0 && strncmp(node->ns, "http://www.qt.io/", 17) == 0;
}

static fsm_code check_foreign(fsm__scxml *r, const fsm_xml_node *element, const row *known,
                              const fsm_xml_node *child) {
  if (strcmp(child->ns, FSM__SCXML_NS) == 0) return unknown_element(r, child);
  if (!*child->ns)
    return fsm__scxml_invalid(r, fsm__scxml_at(r, child), "<%.64s> is in no namespace; SCXML's is \"%s\"",
                              child->name, FSM__SCXML_NS);
  if (known->children & (B_log | B_assign) && !is_layout(child))
    return fsm__scxml_unsupported(r, fsm__scxml_at(r, child),
                                  "<%.64s> of \"%.128s\" in <%s> is not known here", child->name, child->ns,
                                  element->name);
  return FSM_OK;
}

static fsm_code check_text(fsm__scxml *r, const fsm_xml_node *element, const fsm_xml_node *text) {
  if (fsm_xml_is_blank(text->text, text->len)) return FSM_OK;
  size_t blank = strspn(text->text, " \t\r\n"), len = strcspn(text->text + blank, "\r\n");
  unsigned line = text->line, column = text->column;
  for (size_t i = 0; i < blank; i++) {
    bool breaks = text->text[i] == '\n';
    line += breaks;
    column = breaks ? 1 : column + 1;
  }
  return fsm__scxml_invalid(r, fsm__scxml_place(r, line, column), "<%s> holds no text, and here is \"%.*s\"",
                            element->name, (int)(len < 32 ? len : 32), text->text + blank);
}

static fsm_code check_children(fsm__scxml *r, const fsm_xml_node *element, const row *known) {
  uint32_t seen = 0;
  for (const fsm_xml_node *child = element->child; child; child = child->next) {
    int n = number_of(child);
    fsm_code code = FSM_OK;
    if (!child->name) {
      code = known->inside == TEXT ? FSM_OK : check_text(r, element, child);
    } else if (n < 0) {
      code = check_foreign(r, element, known, child);
    } else if (!(known->children & 1u << n)) {
      code = fsm__scxml_invalid(r, fsm__scxml_at(r, child), "<%s> cannot stand in <%s>", child->name,
                                element->name);
    } else if (seen & known->once & 1u << n) {
      code = fsm__scxml_invalid(r, fsm__scxml_at(r, child), "<%s> can have one <%s> only", element->name,
                                child->name);
    } else {
      seen |= 1u << n;
      code = fsm__scxml_check(r, child);
    }
    if (code) return code;
  }
  return FSM_OK;
}

/* The depth of the tree is bounded by its reader. */
fsm_code fsm__scxml_check(fsm__scxml *r, const fsm_xml_node *element) {
  int n = number_of(element);
  FSM_ASSERT(n >= 0);
  fsm_code code = check_attributes(r, element, rows[n].attributes);
  if (!code && rows[n].inside != ANYTHING) code = check_children(r, element, &rows[n]);
  return code;
}

void *fsm__scxml_add(fsm__scxml *r, void **items, size_t *count, size_t *cap, size_t size) {
  if (*count == *cap) {
    size_t more = *cap ? 2 * *cap : 4;
    void *grown = fsm_arena_zalloc(r->arena, more, size);
    if (!grown) return NULL;
    if (*count) memcpy(grown, *items, *count * size);
    *items = grown;
    *cap = more;
  }
  return (char *)*items + (*count)++ * size;
}
