/* xml.h: XML documents (XML 1.0 with namespaces) as small trees, in and out. The one wrapper of expat.
 *
 * A tree lives in an arena: elements and runs of text, each with its place. Comments and processing
 * instructions are left out; the text around them is one run, and so is a CDATA section. Names are a
 * namespace ("" = none) and a local name; declarations of namespaces are not attributes.
 *
 * A document type is refused, and with it every entity but the five of XML itself: nothing is fetched
 * and nothing expands. What expat decodes is read: UTF-8, UTF-16, ISO 8859-1 and US-ASCII.
 */
#ifndef FSM_SCHEMA_XML_H
#define FSM_SCHEMA_XML_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_XML_BYTES_MAX = 4 * 1024 * 1024, /* of any text; callers have smaller limits of their own */
  FSM_XML_DEPTH_MAX = 256,
  FSM_XML_ATTRIBUTES_MAX = 64 /* of one element */
};

typedef struct fsm_xml_attribute {
  const char *ns, *name, *value;
  unsigned line, column; /* where the value begins; in UTF-16, where the element does */
} fsm_xml_attribute;

/* An element, or, when name is NULL, text. */
typedef struct fsm_xml_node fsm_xml_node;
struct fsm_xml_node {
  const char *ns, *name;
  const fsm_xml_attribute *attributes;
  size_t attribute_count;
  const fsm_xml_node *parent, *child, *next;
  const char *text; /* NUL-terminated; NULL of an element */
  size_t len;
  unsigned line, column; /* 1-based, columns in code points */
};

/* err->where is "line:column": bad syntax or a document type is FSM_EMALFORMED, a passed limit
 * FSM_ETOOLARGE. */
FSM_MUST_USE fsm_code fsm_xml_read(fsm_arena *arena, const char *text, size_t len, const fsm_xml_node **root,
                                   fsm_error *err);

/* The value of an attribute without a namespace; NULL = absent. */
const fsm_xml_attribute *fsm_xml_attribute_of(const fsm_xml_node *element, const char *name);
/* Is the text nothing but white space? */
bool fsm_xml_is_blank(const char *text, size_t len);

/* Appends the element with all that is in it; every namespace is declared as the default one where it
 * begins, those of attributes under made prefixes. It reads back as the same tree. */
void fsm_xml_write(fsm_buf *buf, const fsm_xml_node *element);
/* Appends text as character data, or as an attribute's value without its double quotes. */
void fsm_xml_escape(fsm_buf *buf, const char *text, size_t len, bool attribute);

/* The version of expat, for --version. */
const char *fsm_xml_library(void);

#ifdef __cplusplus
}
#endif
#endif
