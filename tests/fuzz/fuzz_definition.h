/* fuzz_definition.h: targets payload and definition: documents that are changed as trees and as text,
 * and what a definition that loads does when it runs. */
#ifndef FSM_TESTS_FUZZ_DEFINITION_H
#define FSM_TESTS_FUZZ_DEFINITION_H

#include <dirent.h>

#include "schema/definition.h"
#include "schema/payload.h"
#include "tests/fuzz/fuzz_step.h"

/* A seed's document with a few nodes changed, as text; sometimes its text is changed as well. */
static inline void document_input(fuzz_run *run, size_t text_one_in) {
  const fuzz_seed *seed = fuzz_any_seed(run), *other = fuzz_any_seed(run);
  fsm_value tree, donor;
  if (fsm_json_parse(&run->arena, (const char *)seed->data, seed->len, FSM_JSON_AS_WRITTEN, &tree, NULL) ||
      fsm_json_parse(&run->arena, (const char *)other->data, other->len, FSM_JSON_AS_WRITTEN, &donor, NULL)) {
    fuzz_input_mutated(run); /* a seed that is no JSON */
    return;
  }
  if (!fuzz_one_in(run, 8)) tree = fuzz_change_tree(run, &tree, &donor, false);
  fsm_buf text = {0};
  fsm_json_write(&text, &tree);
  fuzz_text t = fuzz_text_of(run, fsm_buf_text(&text), text.len);
  if (fuzz_one_in(run, text_one_in)) fuzz_change(run, &t);
  fuzz_input(run, t.data, t.len);
  fsm_buf_free(&text);
}

/* ---- payload ------------------------------------------------------------------------------------- */

static const char *const payload_tokens[] = {"type",
                                             "properties",
                                             "required",
                                             "additionalProperties",
                                             "items",
                                             "enum",
                                             "const",
                                             "minimum",
                                             "maximum",
                                             "exclusiveMinimum",
                                             "exclusiveMaximum",
                                             "minLength",
                                             "maxLength",
                                             "minItems",
                                             "maxItems",
                                             "title",
                                             "pattern",
                                             "object",
                                             "array",
                                             "string",
                                             "number",
                                             "integer",
                                             "boolean",
                                             "null",
                                             "a",
                                             "b",
                                             "a/b",
                                             "c~",
                                             "x-pii",
                                             NULL};

static inline void payload_open(fuzz_run *run) {
  run->tokens = payload_tokens;
  static const char *const seeds[] = {
      "{\"type\":\"object\",\"required\":[\"a\"],\"additionalProperties\":false,\"properties\":{\"a\":{"
      "\"type\":"
      "\"string\",\"minLength\":1,\"maxLength\":4},\"b\":{\"type\":[\"integer\",\"null\"],\"minimum\":-5,"
      "\"maximum\":9}}}",
      ("{\"properties\":{\"a/"
       "b\":{\"items\":{\"properties\":{\"c~\":{\"type\":\"string\"}}},\"minItems\":1,\"maxItems\":3}}}"),
      "{\"enum\":[\"a\",1,null,{\"b\":[1.5]}],\"title\":\"T\",\"x-pii\":true}",
      "{\"const\":{\"a\":1},\"exclusiveMinimum\":5,\"exclusiveMaximum\":5.5}",
      "{\"additionalProperties\":{\"type\":\"number\"},\"items\":false}",
      "{\"a\":\"x\",\"b\":3}",
      "{\"a/b\":[{\"c~\":\"x\"},{\"c~\":1}],\"a\":1}",
      "[\"a\",1.0,5.2,9007199254740993,null]",
      "true",
  };
  for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) fuzz_seed_text(run, seeds[i]);
}

static inline bool payload_document(fuzz_run *run, fsm_json_order order, fsm_value *out) {
  document_input(run, 16);
  return fsm_json_parse(&run->arena, (const char *)run->input, run->input_len, order, out, NULL) == FSM_OK;
}

static inline void payload_one(fuzz_run *run) {
  fsm_value schema, data, again;
  if (!payload_document(run, fuzz_one_in(run, 2) ? FSM_JSON_SORTED : FSM_JSON_AS_WRITTEN, &schema)) return;
  fsm_error err = fuzz_error();
  fsm_code code = fsm_payload_schema_check(&schema, "/schemas/events/E", &err);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code != FSM_OK) {
    fuzz_expect(run, code == FSM_EDEFINITION || code == FSM_EUNSUPPORTED, "a bad schema is told as one");
    fuzz_expect(run, strncmp(err.where, "/schemas/events/E", 17) == 0, "a bad schema has its place");
    return;
  }
  for (unsigned i = 0; i < 4; i++) {
    if (!payload_document(run, FSM_JSON_SORTED, &data)) continue;
    fsm_error fault = fuzz_error();
    code = fsm_payload_check(&schema, &data, &fault);
    fuzz_count(run, code);
    if (!fuzz_expect_error(run, code, &fault)) return;
    fuzz_expect(run, code == FSM_OK || code == FSM_EDATA, "data match or do not");
    fuzz_expect(run, code == FSM_OK || !fault.where[0] || fault.where[0] == '/', "a mismatch has a pointer");
    /* The order in which members were written is nothing to a schema. */
    if (fsm_value_copy(&run->arena, &schema, &again, NULL) == FSM_OK)
      fuzz_expect(run, fsm_payload_check(&again, &data, NULL) == code, "a schema's members have no order");
  }
}

/* ---- definition ---------------------------------------------------------------------------------- */

static const char *const definition_tokens[] = {"id",
                                                "m",
                                                "initial",
                                                "context",
                                                "states",
                                                "on",
                                                "always",
                                                "after",
                                                "entry",
                                                "exit",
                                                "invoke",
                                                "output",
                                                "tags",
                                                "meta",
                                                "type",
                                                "schemas",
                                                "guards",
                                                "actions",
                                                "delays",
                                                "guard",
                                                "target",
                                                "reenter",
                                                "description",
                                                "onDone",
                                                "onError",
                                                "src",
                                                "input",
                                                "@expr",
                                                "@exprLang",
                                                "cel",
                                                "fsm",
                                                "attempts",
                                                "timeout",
                                                "backoff",
                                                "30s",
                                                "final",
                                                "atomic",
                                                "compound",
                                                "parallel",
                                                "history",
                                                "@xstate.assign",
                                                "@xstate.raise",
                                                "@xstate.cancel",
                                                "@xstate.log",
                                                "@xstate.emit",
                                                "event",
                                                "delay",
                                                "args",
                                                "#m",
                                                "#m.a",
                                                ".a",
                                                "a",
                                                "b",
                                                "a.b",
                                                "*",
                                                "a.*",
                                                "GO",
                                                "xstate.done.state.a",
                                                "xstate.error.actor.x",
                                                "error.execution",
                                                "context.n + 1",
                                                "event.data",
                                                "1 +",
                                                "In('a')",
                                                "",
                                                "1000",
                                                "-1",
                                                NULL};

static inline void definition_open(fuzz_run *run) {
  run->tokens = definition_tokens;
  enum { GOOD = 48 }; /* nearly as many good seeds as bad ones, or little would load */
  for (unsigned i = 0; i < GOOD / 4; i++)
    fuzz_seed_file(run, FSM_SOURCE_DIR "/examples/document-approval.json");
  for (unsigned i = 0; i < GOOD; i++)
    fuzz_seed_text(
        run,
        "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"n\":0},\"states\":{\"a\":{\"on\":{\"GO\":\"b\","
        "\"ADD\":"
        "{"
        "\"context\":{\"n\":{\"@expr\":\"context.n + "
        "1\"}}}}},\"b\":{\"initial\":\"x\",\"after\":{\"60000\":\"c\"},"
        "\"invoke\":{\"id\":\"job\",\"src\":\"svc\",\"onDone\":\"c\",\"onError\":\"a\"},\"onDone\":\"a\","
        "\"states\":{"
        "\"x\":{\"on\":{\"NEXT\":\"y\"},\"always\":{\"guard\":{\"@expr\":\"context.n > "
        "3\"},\"target\":\"y\"}},\"y\":{"
        "\"type\":\"final\",\"entry\":[{\"type\":\"@xstate.raise\",\"event\":{\"type\":\"GO\"},\"delay\":10,"
        "\"id\":\"t\"},"
        "{\"type\":\"@xstate.cancel\",\"id\":\"t\"},{\"type\":\"@xstate.log\",\"args\":[1]},{\"type\":\"@"
        "xstate.emit\","
        "\"event\":{\"type\":\"OUT\"}}]}}},\"c\":{\"type\":\"final\",\"output\":{\"@expr\":\"context.n\"}}}"
        "}");
  DIR *dir = opendir(FSM_SOURCE_DIR "/tests/cases/bad-definitions");
  if (!dir) fail_msg("the bad definitions are missing");
  char *names[FUZZ_SEEDS_MAX];
  size_t count = 0;
  const struct dirent *entry;
  while ((entry = readdir(dir)) && count < FUZZ_SEEDS_MAX - GOOD - GOOD / 4)
    if (strstr(entry->d_name, ".json")) names[count++] = fsm_arena_strdup(&run->kept, entry->d_name);
  closedir(dir);
  /* The order of a directory is not that of every machine. */
  for (size_t i = 0; i < count; i++)
    for (size_t j = i + 1; j < count; j++)
      if (strcmp(names[i], names[j]) > 0) {
        char *first = names[i];
        names[i] = names[j];
        names[j] = first;
      }
  for (size_t i = 0; i < count; i++) {
    char path[512];
    snprintf(path, sizeof path, "%s/tests/cases/bad-definitions/%s", FSM_SOURCE_DIR, names[i]);
    fuzz_seed_file(run, path);
  }
}

/* Other white space, the same definition. Not where integers are beyond what JSON may write as such. */
static inline void definition_expect_canonical(fuzz_run *run, const fsm_definition *definition) {
  fsm_value document, expected;
  if (fsm_json_parse(&run->arena, (const char *)run->input, run->input_len, FSM_JSON_AS_WRITTEN, &document,
                     NULL)) {
    fuzz_expect(run, false, "a definition is JSON");
    return;
  }
  expected = json_again(run, &document);
  if (!fsm_value_same(&document, &expected)) return;
  fsm_buf text = {0};
  fsm_definition *again = NULL;
  fsm_json_write_pretty(&text, &document);
  fsm_code code = text.len > FSM_DEFINITION_BYTES_MAX
                      ? FSM_ETOOLARGE
                      : fsm_definition_load(text.data, text.len, &again, NULL);
  if (code == FSM_OK) {
    size_t len, again_len;
    const void *bytes = fsm_definition_canonical(definition, &len);
    const void *again_bytes = fsm_definition_canonical(again, &again_len);
    fuzz_expect(run, len == again_len && memcmp(bytes, again_bytes, len) == 0,
                "white space does not change the hash");
  }
  fuzz_expect(run, code == FSM_OK || code == FSM_ETOOLARGE, "white space does not make a definition bad");
  fsm_definition_free(again);
  fsm_buf_free(&text);
}

static inline void definition_check_data(fuzz_run *run, const fsm_definition *definition) {
  fsm_value data =
      expr_tree(run, "{\"id\":\"x\",\"title\":\"t\",\"amount\":5,\"department\":\"d\",\"submitter\":\"s\"}");
  const fsm_code codes[] = {fsm_definition_check_input(definition, &data, NULL),
                            fsm_definition_check_context(definition, &data, NULL),
                            fsm_definition_check_event(definition, "SUBMIT", &data, NULL),
                            fsm_definition_check_event(definition, "REJECT", NULL, NULL)};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    fuzz_expect(run, codes[i] == FSM_OK || codes[i] == FSM_EDATA, "data are good or not");
  const fsm_machine *machine = fsm_definition_machine(definition);
  for (unsigned i = 0; i < fsm_machine_invokes(machine); i++) {
    fsm_task_policy policy;
    fsm_definition_task_policy(definition, i, &policy);
    fuzz_expect(run,
                policy.attempts >= 1 && policy.attempts <= 100 && policy.timeout_ns > 0 &&
                    policy.backoff_ns >= 0 && policy.backoff_max_ns >= 0,
                "a task's policy is in bounds");
  }
}

static inline void definition_one(fuzz_run *run) {
  document_input(run, 5);
  fsm_definition *definition = NULL;
  fsm_error err = fuzz_error();
  fsm_code code = fsm_definition_load((const char *)run->input, run->input_len, &definition, &err);
  fuzz_count(run, code);
  fuzz_expect_error(run, code, &err);
  if (code != FSM_OK) {
    fuzz_expect(run, definition == NULL, "a bad definition gives none");
    return;
  }
  definition_expect_canonical(run, definition);
  definition_check_data(run, definition);
  step_walk(run, fsm_definition_machine(definition), 4);
  fsm_definition_free(definition);
}

#endif
