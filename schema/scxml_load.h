/* scxml_load.h: what the files of the SCXML loader share: the document that is being read, the table of
 * elements, and one reading function per construct.
 *
 * A document is checked against the table (fsm__scxml_check) before any of it is read, so the readers
 * find only known elements, attributes and children. Everything that is built lives in the arena of the
 * call. A place is "line:column".
 */
#ifndef FSM_SCHEMA_SCXML_LOAD_H
#define FSM_SCHEMA_SCXML_LOAD_H

#include "schema/scxml.h"
#include "schema/xml.h"

enum {
  FSM__SCXML_NESTED_MAX = 8,    /* machines inside machines */
  FSM__SCXML_MACHINES_MAX = 256 /* of one document, those that src names included */
};
#define FSM__SCXML_NS "http://www.w3.org/2005/07/scxml"
#define FSM__NOTES_NS "urn:fsmd" /* attributes that hold what SCXML has no place for */

/* EITHER: none is named: CEL, or else ECMAScript. */
typedef enum fsm__scxml_model {
  FSM__MODEL_CEL,
  FSM__MODEL_ECMASCRIPT,
  FSM__MODEL_EITHER,
  FSM__MODEL_NULL
} fsm__scxml_model;

/* A text that src named, and the machine in it once it has been read. */
typedef struct fsm__scxml_document fsm__scxml_document;
struct fsm__scxml_document {
  const char *src;
  const fsm_def *def; /* NULL = is being read, or cannot be */
  size_t machines;
  fsm__scxml_document *next;
};

/* What the machines of one call share. */
typedef struct fsm__scxml_call {
  fsm_arena *arena;
  fsm_arena scratch; /* of one check of an expression */
  fsm_error *err;
  const fsm_scxml_options *options;
  fsm_zone_source *zones; /* for expressions */
  void *zones_arg;
  unsigned depth;
  size_t machines;
  fsm__scxml_document *documents;
} fsm__scxml_call;

/* A state, final, parallel, history or data by its id. */
typedef struct fsm__scxml_id {
  const char *id;
  const fsm_xml_node *element;
} fsm__scxml_id;

/* One machine that is being read. */
typedef struct fsm__scxml {
  fsm__scxml_call *call;
  fsm_arena *arena; /* the call's */
  fsm__scxml_model model;
  fsm__scxml_id *ids; /* in document order */
  size_t id_count, id_cap;
  const fsm__scxml_id **by_id;      /* sorted by id */
  const fsm__scxml_id **by_element; /* sorted by element */
  fsm__scxml_id *data;              /* all variables */
  size_t data_count, data_cap;
  bool exact_events;  /* a descriptor without a star takes that event alone (our own note on the root) */
  bool is_condition;  /* the expression that is being read is one */
  const char *broken; /* why the action that is being read can only fail when it is run; NULL = it can not */
} fsm__scxml;

/* ---- elements (scxml_element.c) ------------------------------------------------------------------ */

/* Faults at a place; the element's or the attribute's. */
fsm_code fsm__scxml_invalid(fsm__scxml *r, const char *where, const char *format, ...) FSM_PRINTF(3, 4);
fsm_code fsm__scxml_unsupported(fsm__scxml *r, const char *where, const char *format, ...) FSM_PRINTF(3, 4);
fsm_code fsm__scxml_no_memory(fsm__scxml *r);
/* "line:column"; "" without memory. */
const char *fsm__scxml_place(fsm__scxml *r, unsigned line, unsigned column);
const char *fsm__scxml_at(fsm__scxml *r, const fsm_xml_node *element);

/* Is it this element of SCXML? */
bool fsm__scxml_is(const fsm_xml_node *node, const char *name);
bool fsm__scxml_is_state(const fsm_xml_node *node); /* state, parallel, final or history */
/* The first child of that name; NULL = none. */
const fsm_xml_node *fsm__scxml_child(const fsm_xml_node *element, const char *name);
/* The next SCXML element after `child` (NULL = the first). */
const fsm_xml_node *fsm__scxml_next(const fsm_xml_node *element, const fsm_xml_node *child);
/* The attribute's text; NULL = absent. */
const char *fsm__scxml_text(const fsm_xml_node *element, const char *name);
/* Where the attribute's value stands; the element when it is absent. */
const char *fsm__scxml_text_at(fsm__scxml *r, const fsm_xml_node *element, const char *name);
/* Of these attributes at most one (or, if one is needed, exactly one) may be there; NULL-ended. */
fsm_code fsm__scxml_one_of(fsm__scxml *r, const fsm_xml_node *element, bool needed, const char *const *names);
/* The attribute is one of the words; *out is its index, 0 when it is absent. */
fsm_code fsm__scxml_word(fsm__scxml *r, const fsm_xml_node *element, const char *name,
                         const char *const *words, unsigned *out);
/* The words of a list in the arena. */
fsm_code fsm__scxml_words(fsm__scxml *r, const char *text, const char *const **words, size_t *count);

/* Elements, attributes and children against the table, all the way down. */
fsm_code fsm__scxml_check(fsm__scxml *r, const fsm_xml_node *element);

/* Zeroed; room for one more item in a list that grows, NULL without memory. */
void *fsm__scxml_add(fsm__scxml *r, void **items, size_t *count, size_t *cap, size_t size);
#define FSM__SCXML_ADD(r, list) \
  fsm__scxml_add(r, (void **)&(list)->items, &(list)->count, &(list)->cap, sizeof *(list)->items)

/* ---- values (scxml_value.c) ---------------------------------------------------------------------- */

/* The expression of an attribute, respelled as CEL. One that cannot be read becomes r->broken, and *out
 * a text that can. *out is NULL when the attribute is absent. */
fsm_code fsm__scxml_expr(fsm__scxml *r, const fsm_xml_node *element, const char *name, const char **out);
/* The same as a value. */
fsm_code fsm__scxml_expr_value(fsm__scxml *r, const fsm_xml_node *element, const char *name,
                               const fsm_def_value **out);
/* The same of a text; where is its place. */
fsm_code fsm__scxml_expr_text(fsm__scxml *r, const char *text, const char *where, const char **out);
/* The same outside of executable content: one that cannot be read is refused. */
fsm_code fsm__scxml_expr_whole(fsm__scxml *r, const fsm_xml_node *element, const char *name,
                               const fsm_def_value **out);
/* The same, but one that cannot be read is a value that cannot be evaluated. */
fsm_code fsm__scxml_expr_later(fsm__scxml *r, const fsm_xml_node *element, const char *name,
                               const fsm_def_value **out);
/* What was broken since the beginning of a construct that is not executable content is refused, … */
fsm_code fsm__scxml_refuse_broken(fsm__scxml *r, fsm_code code, const char *where);
/* … or, where the Recommendation has an error at run time, becomes a value that cannot be evaluated. */
fsm_code fsm__scxml_fail_later(fsm__scxml *r, const char *where, const fsm_def_value **out);
/* A location: the name of a variable or a path from it. An illegal one becomes r->broken. */
fsm_code fsm__scxml_location(fsm__scxml *r, const char *text, const char *where, const char **out);
bool fsm__scxml_is_name(const char *text);

fsm_code fsm__scxml_literal(fsm__scxml *r, fsm_value value, const char *where, const fsm_def_value **out);
fsm_code fsm__scxml_expression(fsm__scxml *r, const char *expr, const char *where, const fsm_def_value **out);
/* What is written inside an element: JSON, XML as text, or text with its white space made one blank.
 * *out is NULL when there is nothing. */
fsm_code fsm__scxml_inline(fsm__scxml *r, const fsm_xml_node *element, const fsm_def_value **out);
/* The same for a text that a src gave. */
fsm_code fsm__scxml_inline_text(fsm__scxml *r, const char *text, size_t len, const char *where,
                                const fsm_def_value **out);
/* The text that src names. *text is NULL, and r->broken says why, when it cannot be had. */
fsm_code fsm__scxml_source_text(fsm__scxml *r, const fsm_xml_node *element, const char **text, size_t *len);
/* The <param>s and the namelist attribute of an element; *out is NULL when there are none. */
fsm_code fsm__scxml_params(fsm__scxml *r, const fsm_xml_node *element, const fsm_def_value **out);
/* The same or <content>. */
fsm_code fsm__scxml_payload(fsm__scxml *r, const fsm_xml_node *element, const fsm_def_value **out);
/* "1.5s" and the like as milliseconds. */
fsm_code fsm__scxml_delay(fsm__scxml *r, const char *text, const char *where, const fsm_def_value **out);

/* ---- executable content -------------------------------------------------------------------------- */

typedef struct fsm__scxml_actions {
  fsm_def_action *items;
  size_t count, cap;
} fsm__scxml_actions;

/* scxml_action.c: what stands inside an element. */
fsm_code fsm__scxml_read_actions(fsm__scxml *r, const fsm_xml_node *element, fsm__scxml_actions *out);
/* A <script> that is no executable content but the machine's own. */
fsm_code fsm__scxml_read_global_script(fsm__scxml *r, const fsm_xml_node *element, fsm__scxml_actions *out);
/* scxml_send.c */
fsm_code fsm__scxml_read_send(fsm__scxml *r, const fsm_xml_node *element, fsm_def_action *out);
/* scxml_script.c: assignments; where is the script's. What cannot be read becomes r->broken. */
fsm_code fsm__scxml_read_script(fsm__scxml *r, const char *text, const char *where, fsm__scxml_actions *out);

/* ---- ECMAScript (scxml_respell.c, scxml_token.c) ------------------------------------------------- */

typedef enum fsm__word_kind {
  FSM__WORD_END,
  FSM__WORD_NAME,
  FSM__WORD_NUMBER,
  FSM__WORD_STRING,
  FSM__WORD_SIGN,
  FSM__WORD_BAD /* begins nothing, or does not end */
} fsm__word_kind;

/* A token of either expression language. */
typedef struct fsm__word {
  fsm__word_kind kind;
  const char *text;
  size_t len;
  bool spaced, new_line; /* what is before it */
} fsm__word;

/* The token at `at`, white space and comments before it skipped. */
fsm__word fsm__word_next(const char *at, const char *end);
bool fsm__word_is(const fsm__word *word, const char *text);

/* ECMAScript as CEL; what has no like there is FSM_EUNSUPPORTED by its name. */
fsm_code fsm__scxml_respell(fsm__scxml *r, const char *text, size_t len, const char *where, const char **out);

/* ---- states -------------------------------------------------------------------------------------- */

/* scxml_id.c: every state's id; those without one get one. */
fsm_code fsm__scxml_index(fsm__scxml *r, const fsm_xml_node *root);
const char *fsm__scxml_id_of(const fsm__scxml *r, const fsm_xml_node *state);
/* NULL = there is none. */
const fsm_xml_node *fsm__scxml_state_of(const fsm__scxml *r, const char *id);
/* The ids in the attribute are states, all of which can be active at once and, if within is given, lie
 * below it. */
fsm_code fsm__scxml_targets(fsm__scxml *r, const fsm_xml_node *element, const char *name,
                            const fsm_xml_node *within, const char *const **out, size_t *count);

/* scxml_notes.c: the attributes of our own namespace; places that have none get nothing. */
bool fsm__scxml_note_is(const fsm_xml_node *element, const char *name, const char *value);
fsm_code fsm__scxml_read_notes(fsm__scxml *r, const fsm_xml_node *element, fsm_def_state *out);
fsm_code fsm__scxml_read_meta(fsm__scxml *r, const fsm_xml_node *element, fsm_value *out,
                              fsm_def_allow *allow);
/* scxml_transition.c */
fsm_code fsm__scxml_read_transition(fsm__scxml *r, const fsm_xml_node *source, const fsm_xml_node *element,
                                    fsm_def_transition *out);
/* scxml_data.c: the variables of a state; once all are read, that none is there twice */
fsm_code fsm__scxml_read_data(fsm__scxml *r, const fsm_xml_node *state, fsm_def_state *out);
fsm_code fsm__scxml_check_data(fsm__scxml *r);
/* scxml_invoke.c */
fsm_code fsm__scxml_read_invoke(fsm__scxml *r, const fsm_xml_node *element, fsm_def_invoke *out);
/* scxml_state.c: the root and all below it. */
fsm_code fsm__scxml_read_state(fsm__scxml *r, const fsm_xml_node *element, const fsm_def_state **out);
/* scxml.c: a machine inside this one. */
fsm_code fsm__scxml_read_machine(fsm__scxml_call *call, const fsm_xml_node *root, const fsm_def **out);
/* The machine that a src names; *out is NULL when it cannot be had now. */
fsm_code fsm__scxml_read_source(fsm__scxml *r, const fsm_xml_node *element, const char *src,
                                const fsm_def **out);

#endif
