/* fuzz_scxml.h: target scxml: documents that are changed as text, as XML and as SCXML, with a script in
 * them; what reads as XML is written and reads back as the same. */
#ifndef FSM_TESTS_FUZZ_SCXML_H
#define FSM_TESTS_FUZZ_SCXML_H

#include "schema/definition.h"
#include "schema/scxml.h"
#include "schema/xml.h"
#include "tests/fuzz/fuzz.h"

static const char *const scxml_tokens[] = {"<state id='a'>",
                                           "</state>",
                                           "<parallel id='p'>",
                                           "</parallel>",
                                           "<final/>",
                                           "<history type='deep'>",
                                           "<transition target='a'/>",
                                           "<onentry>",
                                           "</onentry>",
                                           "<raise event='e'/>",
                                           "<if cond='x'>",
                                           "<elseif cond='y'/>",
                                           "<else/>",
                                           "</if>",
                                           "<foreach array='x' item='y'>",
                                           "<script>x = 1</script>",
                                           "<content>",
                                           "<![CDATA[",
                                           "]]>",
                                           "<!--",
                                           "&lt;",
                                           "&amp;",
                                           "initial='a b'",
                                           "event='a.*'",
                                           "cond=\"In('a')\"",
                                           "delay='1.5s'",
                                           " xmlns=''",
                                           "x += {a: [1]} ; ",
                                           "if (x) {",
                                           "'\\u12",
                                           "/*",
                                           "1/0",
                                           "null",
                                           "ecmascript",
                                           NULL};

static inline void scxml_open(fuzz_run *run) {
  run->tokens = scxml_tokens;
  static const char *const models[] = {"", "datamodel='cel'", "datamodel='ecmascript'"};
  for (unsigned i = 0; i < 3; i++) {
    fsm_buf text = {0};
    fsm_buf_printf(
        &text,
        "<scxml xmlns='http://www.w3.org/2005/07/scxml' name='m' initial='a' version='1.0' %s>\n"
        "<datamodel><data id='x' expr='1'/><data id='y'>[1, 2]</data></datamodel>\n"
        "<script>x = 2; y['a'] += x; if (x == 2) { x = 3 } else y = {a: 1}</script>\n"
        "<state id='a'><onentry><if cond='x == 1'><raise event='e'/><else/><log label='l' expr=\"'s'\"/></if>"
        "<foreach array='y' item='i' index='n'><assign location='x' expr='i'/></foreach></onentry>\n"
        "<transition event='e.* f' cond=\"x == 1 &amp;&amp; In('a')\" target='b c'/>"
        "<transition event='g' type='internal' target='a1'><send event='h' delay='2s' id='t' "
        "target='#_parent'>"
        "<param name='p' expr='x'/></send><cancel sendid='t'/></transition>"
        "<initial><transition target='a1'/></initial><state id='a1'/></state>\n"
        "<parallel id='p'><history id='h' type='deep'><transition target='b'/></history><state "
        "id='b'><invoke "
        "type='scxml' autoforward='true'><content><scxml><final id='f'><donedata><content>text</content>"
        "</donedata></final></scxml></content><finalize/></invoke></state><state><state id='c'/></state>"
        "</parallel></scxml>",
        models[i]);
    for (unsigned again = 0; again < 4; again++) fuzz_seed_text(run, fsm_buf_text(&text));
    fsm_buf_free(&text);
  }
}

/* The tree says the same after it was written. */
static inline void scxml_expect_written(fuzz_run *run, const fsm_xml_node *root) {
  fsm_buf once = {0}, twice = {0};
  const fsm_xml_node *again = NULL;
  fsm_xml_write(&once, root);
  if (once.len <= FSM_XML_BYTES_MAX &&
      fsm_xml_read(&run->arena, once.data, once.len, &again, NULL) == FSM_OK) {
    fsm_xml_write(&twice, again);
    fuzz_expect(run, once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0,
                "XML reads back as it was written");
  }
  fuzz_expect(run, again != NULL, "XML that was written can be read");
  fsm_buf_free(&once);
  fsm_buf_free(&twice);
}

/* What is written in either notation is read again. */
static inline void scxml_expect_converted(fuzz_run *run, const fsm_def *def) {
  fsm_buf json = {0}, scxml = {0};
  const fsm_def *again = NULL;
  fsm_error err = fuzz_error();
  fsm_code code = fsm_scxml_write(def, &scxml, &err);
  fuzz_expect_error(run, code, &err);
  if (!code && scxml.len <= FSM_DEFINITION_BYTES_MAX)
    fuzz_expect(run, fsm_scxml_read(&run->arena, scxml.data, scxml.len, NULL, &again, NULL) == FSM_OK,
                "SCXML that was written can be read");
  err = fuzz_error();
  code = fsm_definition_write(def, &json, &err);
  fuzz_expect_error(run, code, &err);
  fsm_buf_free(&json);
  fsm_buf_free(&scxml);
}

static inline void scxml_one(fuzz_run *run) {
  const fsm_def *def = NULL;
  const fsm_xml_node *root = NULL;
  fsm_machine *machine = NULL;
  fsm_error err = fuzz_error();
  fuzz_input_mutated(run);
  const char *text = (const char *)run->input;
  if (fsm_xml_read(&run->arena, text, run->input_len, &root, NULL) == FSM_OK) scxml_expect_written(run, root);
  fsm_code code = fsm_scxml_read(&run->arena, text, run->input_len, NULL, &def, &err);
  fuzz_expect_error(run, code, &err);
  fuzz_count(run, code);
  if (code) return;
  err = fuzz_error();
  code = fsm_machine_compile(def, &machine, &err);
  fuzz_expect_error(run, code, &err);
  if (code) return;
  fsm_machine_free(machine);
  scxml_expect_converted(run, def);
}

#endif
