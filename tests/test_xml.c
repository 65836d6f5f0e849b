/* XML: what a document becomes, places, encodings, limits at their edges, and writing it back. */
#include "schema/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static fsm_arena arena;
static fsm_error err;
static int setup(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  err = (fsm_error){0};
  return 0;
}
static int teardown(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  return 0;
}

static const fsm_xml_node *read_bytes(const char *text, size_t len) {
  const fsm_xml_node *root = NULL;
  char *exact = malloc(len ? len : 1); /* so that a read past the end is seen */
  assert_non_null(exact);
  memcpy(exact, text, len);
  fsm_code code = fsm_xml_read(&arena, exact, len, &root, &err);
  free(exact);
  if (code) fail_msg("%s: %s", err.where, err.text);
  return root;
}
static const fsm_xml_node *tree_of(const char *text) { return read_bytes(text, strlen(text)); }

static fsm_code code_of(const char *text, size_t len) {
  const fsm_xml_node *root = NULL;
  err = (fsm_error){0};
  fsm_code code = fsm_xml_read(&arena, text, len, &root, &err);
  assert_true(code == err.code && (code != FSM_OK || root));
  return code;
}

static void elements_and_runs_of_text_become_a_tree(void **state) {
  (void)state;
  const fsm_xml_node *a = tree_of("<a>x<!-- c -->y<![CDATA[<&]]>&lt;&#65;<b/><?p i?>z</a>");
  const fsm_xml_node *text = a->child, *b = text->next, *z = b->next;
  assert_string_equal(a->name, "a");
  assert_null(text->name);
  assert_string_equal(text->text, "xy<&<A");
  assert_int_equal(text->len, 6);
  assert_string_equal(b->name, "b");
  assert_null(b->child);
  assert_ptr_equal(b->parent, a);
  assert_string_equal(z->text, "z");
  assert_null(z->next);
}

static void names_are_a_namespace_and_a_local_name(void **state) {
  (void)state;
  const fsm_xml_node *a = tree_of("<a xmlns='urn:1' xmlns:p='urn:2' p:x='1' x='2'><p:b/><c xmlns=''/></a>");
  assert_string_equal(a->ns, "urn:1");
  assert_int_equal(a->attribute_count, 2);
  assert_string_equal(a->attributes[0].ns, "urn:2");
  assert_string_equal(a->attributes[0].name, "x");
  assert_string_equal(fsm_xml_attribute_of(a, "x")->value, "2");
  assert_null(fsm_xml_attribute_of(a, "xmlns"));
  assert_string_equal(a->child->ns, "urn:2");
  assert_string_equal(a->child->name, "b");
  assert_string_equal(a->child->next->ns, "");
}

static void everything_has_its_place(void **state) {
  (void)state;
  const fsm_xml_node *a =
      tree_of("<a>\n  <b xmlns:p='urn:\xc3\xa9' one = 'x'\r\n\ttwo=\"\xc3\xa4 > y\" p:three='3'/>\n t</a>");
  const fsm_xml_node *b = a->child->next, *t = b->next;
  assert_int_equal(a->line, 1);
  assert_int_equal(a->column, 1);
  assert_int_equal(b->line, 2);
  assert_int_equal(b->column, 3);
  assert_int_equal(b->attributes[0].line, 2);
  assert_int_equal(b->attributes[0].column, 29);
  assert_int_equal(b->attributes[1].line, 3);
  assert_int_equal(b->attributes[1].column, 7);
  assert_int_equal(b->attributes[2].column, 23);
  assert_int_equal(t->line, 3);
}

static void what_expat_decodes_is_read(void **state) {
  (void)state;
  static const char latin1[] = "<?xml version='1.0' encoding='ISO-8859-1'?><a b='\xe9'/>";
  static const char utf16[] = "\xff\xfe<\0a\0 \0b\0=\0'\0\xe9\0'\0/\0>\0";
  assert_string_equal(read_bytes(latin1, sizeof latin1 - 1)->attributes[0].value, "\xc3\xa9");
  const fsm_xml_node *a = read_bytes(utf16, sizeof utf16 - 1);
  assert_string_equal(a->attributes[0].value, "\xc3\xa9");
  assert_int_equal(a->attributes[0].line, 1); /* the element's place */
  assert_string_equal(tree_of("\xef\xbb\xbf<a b='1'/>")->attributes[0].value, "1");
}

static void document_types_and_entities_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *where;
  } rows[] = {
      {"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "1:13"},
      {"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "1:40"},
      {"<a>&x;</a>", "1:4"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(code_of(rows[i].text, strlen(rows[i].text)), FSM_EMALFORMED);
    assert_string_equal(err.where, rows[i].where);
  }
}

static void bad_syntax_is_refused_with_its_place(void **state) {
  (void)state;
  static const struct {
    const char *text, *where, *said;
  } rows[] = {
      {"", "1:1", "no element found"},
      {"text", "1:1", "syntax error"},
      {"<a>\n</b>", "2:3", "mismatched tag"},
      {"<a", "1:1", "unclosed token"},
      {"<a/><b/>", "1:5", "junk after document element"},
      {"<a b='1' b='2'/>", "1:10", "duplicate attribute"},
      {"<p:a/>", "1:1", "unbound prefix"},
      {"<a>\xff</a>", "1:4", "not well-formed (invalid token)"},
      {"<a>&#0;</a>", "1:4", "reference to invalid character number"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(code_of(rows[i].text, strlen(rows[i].text)), FSM_EMALFORMED);
    assert_string_equal(err.where, rows[i].where);
    assert_string_equal(err.text, rows[i].said);
  }
}

static const char *nested(unsigned depth, size_t *len) {
  fsm_buf buf = {0};
  for (unsigned i = 0; i < depth; i++) fsm_buf_str(&buf, "<a>");
  for (unsigned i = 0; i < depth; i++) fsm_buf_str(&buf, "</a>");
  const char *text = fsm_arena_strdup(&arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  *len = strlen(text);
  return text;
}

static const char *wide(unsigned attributes, size_t *len) {
  fsm_buf buf = {0};
  fsm_buf_str(&buf, "<a");
  for (unsigned i = 0; i < attributes; i++) fsm_buf_printf(&buf, " b%u=''", i);
  fsm_buf_str(&buf, "/>");
  const char *text = fsm_arena_strdup(&arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  *len = strlen(text);
  return text;
}

static void limits_hold_at_their_edges(void **state) {
  (void)state;
  size_t len;
  const char *text = nested(FSM_XML_DEPTH_MAX, &len);
  assert_int_equal(code_of(text, len), FSM_OK);
  text = nested(FSM_XML_DEPTH_MAX + 1, &len);
  assert_int_equal(code_of(text, len), FSM_ETOOLARGE);
  assert_string_equal(err.where, "1:769");
  text = wide(FSM_XML_ATTRIBUTES_MAX, &len);
  assert_int_equal(code_of(text, len), FSM_OK);
  text = wide(FSM_XML_ATTRIBUTES_MAX + 1, &len);
  assert_int_equal(code_of(text, len), FSM_ETOOLARGE);
  char *padded = malloc(FSM_XML_BYTES_MAX + 1);
  assert_non_null(padded);
  memset(padded, ' ', FSM_XML_BYTES_MAX + 1);
  memcpy(padded, "<a/>", 4);
  assert_int_equal(code_of(padded, FSM_XML_BYTES_MAX), FSM_OK);
  assert_int_equal(code_of(padded, FSM_XML_BYTES_MAX + 1), FSM_ETOOLARGE);
  free(padded);
}

static void memory_that_runs_out_is_told(void **state) {
  (void)state;
  const char *text = "<a b='1'>text<c xmlns='urn:x'>more</c></a>";
  unsigned refused = 0;
  for (size_t limit = 1; limit < 4096; limit += 16) {
    fsm_arena small;
    const fsm_xml_node *root = NULL;
    fsm_arena_init(&small, limit);
    fsm_code code = fsm_xml_read(&small, text, strlen(text), &root, &err);
    assert_true(code == FSM_OK || code == FSM_ENOMEM);
    refused += code != FSM_OK;
    fsm_arena_free(&small);
  }
  assert_in_range(refused, 10, 250);
}

static const char *written(const fsm_xml_node *node) {
  fsm_buf buf = {0};
  fsm_xml_write(&buf, node);
  const char *text = fsm_arena_strdup(&arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text;
}

static void what_is_written_reads_back_as_the_same(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"<a b='\"&lt;&amp;&#10;&#9;&#13;'>&lt;x&gt;&amp;&#13;\n</a>",
       "<a b=\"&quot;&lt;&amp;&#10;&#9;&#13;\">&lt;x&gt;&amp;&#13;\n</a>"},
      {"<p:a xmlns:p='urn:p'><p:b/><c/></p:a>", "<a xmlns=\"urn:p\"><b/><c xmlns=\"\"/></a>"},
      {"<a xmlns:p='urn:p' p:x='1' xml:lang='en'/>", "<a xmlns:a0=\"urn:p\" a0:x=\"1\" xml:lang=\"en\"/>"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *text = written(tree_of(rows[i][0]));
    assert_string_equal(text, rows[i][1]);
    assert_string_equal(written(tree_of(text)), text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(elements_and_runs_of_text_become_a_tree, setup, teardown),
      cmocka_unit_test_setup_teardown(names_are_a_namespace_and_a_local_name, setup, teardown),
      cmocka_unit_test_setup_teardown(everything_has_its_place, setup, teardown),
      cmocka_unit_test_setup_teardown(what_expat_decodes_is_read, setup, teardown),
      cmocka_unit_test_setup_teardown(document_types_and_entities_are_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(bad_syntax_is_refused_with_its_place, setup, teardown),
      cmocka_unit_test_setup_teardown(limits_hold_at_their_edges, setup, teardown),
      cmocka_unit_test_setup_teardown(memory_that_runs_out_is_told, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_written_reads_back_as_the_same, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
