/* xml_write.c: elements and texts as XML.
 *
 * An element names its namespace by a default declaration when its parent's is another one. Attributes
 * cannot use the default one, so theirs get a prefix on the spot.
 */
#include <string.h>

#include "schema/xml.h"

void fsm_xml_escape(fsm_buf *buf, const char *text, size_t len, bool attribute) {
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if (c == '&')
      fsm_buf_str(buf, "&amp;");
    else if (c == '<')
      fsm_buf_str(buf, "&lt;");
    else if (c == '>')
      fsm_buf_str(buf, "&gt;");
    else if (c == '"' && attribute)
      fsm_buf_str(buf, "&quot;");
    else if (c == '\r' || (attribute && (c == '\n' || c == '\t')))
      fsm_buf_printf(buf, "&#%d;", c);
    else
      fsm_buf_char(buf, c);
  }
}

static void write_attribute(fsm_buf *buf, const fsm_xml_attribute *a, size_t number) {
  bool is_xml = strcmp(a->ns, "http://www.w3.org/XML/1998/namespace") == 0;
  if (*a->ns && !is_xml) {
    fsm_buf_printf(buf, " xmlns:a%zu=\"", number);
    fsm_xml_escape(buf, a->ns, strlen(a->ns), true);
    fsm_buf_char(buf, '"');
  }
  fsm_buf_char(buf, ' ');
  if (is_xml)
    fsm_buf_str(buf, "xml:");
  else if (*a->ns)
    fsm_buf_printf(buf, "a%zu:", number);
  fsm_buf_printf(buf, "%s=\"", a->name);
  fsm_xml_escape(buf, a->value, strlen(a->value), true);
  fsm_buf_char(buf, '"');
}

/* fsm_xml_read has bounded the depth. */
static void write_element(fsm_buf *buf, const fsm_xml_node *element, const char *outer_ns) {
  fsm_buf_printf(buf, "<%s", element->name);
  if (strcmp(element->ns, outer_ns) != 0) {
    fsm_buf_str(buf, " xmlns=\"");
    fsm_xml_escape(buf, element->ns, strlen(element->ns), true);
    fsm_buf_char(buf, '"');
  }
  for (size_t i = 0; i < element->attribute_count; i++) write_attribute(buf, &element->attributes[i], i);
  if (!element->child) {
    fsm_buf_str(buf, "/>");
    return;
  }
  fsm_buf_char(buf, '>');
  for (const fsm_xml_node *child = element->child; child; child = child->next)
    if (child->name)
      write_element(buf, child, element->ns);
    else
      fsm_xml_escape(buf, child->text, child->len, false);
  fsm_buf_printf(buf, "</%s>", element->name);
}

void fsm_xml_write(fsm_buf *buf, const fsm_xml_node *element) {
  FSM_ASSERT(buf && element && element->name);
  write_element(buf, element, "");
}
