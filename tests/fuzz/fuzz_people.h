/* fuzz_people.h: targets people, lint and facts: a file of people, what is said of a definition that may be
 * anything, and a record read in passing, as figures and searches read it. */
#ifndef FSM_TESTS_FUZZ_PEOPLE_H
#define FSM_TESTS_FUZZ_PEOPLE_H

#include "runtime/people_configured.h"
#include "schema/lint.h"
#include "schema/record_facts.h"
#include "tests/fuzz/fuzz_definition.h"
#include "tests/fuzz/fuzz_record.h"

/* ---- people -------------------------------------------------------------------------------------- */

static const char *const people_tokens[] = {"sub", "roles", "type", "iss",  "authn", "sid",
                                            "ana", "[]",    "{}",   "null", "1e9",   NULL};

static inline void people_open(fuzz_run *run) {
  run->tokens = people_tokens;
  fuzz_seed_text(run,
                 "[{\"sub\":\"ana\",\"roles\":[\"approver\"],\"type\":\"user\",\"iss\":\"https://"
                 "x\"},{\"sub\":\"li\"}]");
  fuzz_seed_text(run,
                 "[{\"sub\":\"ana\",\"more\":{\"a\":[1,2.5,null]}},{\"sub\":\"ana\",\"type\":\"user\"}]");
  fuzz_seed_text(run, "[]");
}

static inline void people_one(fuzz_run *run) {
  document_input(run, 4);
  fsm__configured *configured = NULL;
  fsm_error err = fuzz_error();
  fsm__people people = {.count = 0};
  fsm_code code = fsm__configured_read((const char *)run->input, run->input_len, &configured, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err)) return;
  if (code != FSM_OK) {
    fuzz_expect(run, code == FSM_EARGUMENT || code == FSM_EMALFORMED || code == FSM_ETOOLARGE,
                "a bad file is told as one");
    return;
  }
  if (fuzz_expect(run, fsm__configured_join(configured, &run->arena, &people, NULL) == FSM_OK,
                  "who is configured is known"))
    for (unsigned i = 0; i < people.count; i++)
      fuzz_expect(run, fsm_map_get(&people.at[i].actor, "sub") != NULL, "each has a name");
  fsm__configured_free(configured);
}

/* ---- lint ---------------------------------------------------------------------------------------- */

static inline void lint_one(fuzz_run *run) {
  document_input(run, 16);
  const char *text = (const char *)run->input;
  const fsm_def *def = NULL;
  fsm_machine *machine = NULL;
  fsm_lint_report report = {.count = 0};
  fsm_error err = fuzz_error();
  fsm_code code = fsm_definition_read(&run->arena, text, run->input_len, &def, &err);
  if (code == FSM_OK) code = fsm_machine_compile(def, &machine, &err);
  const fsm_lint_source source = {.text = text, .len = run->input_len, .def = def, .machine = machine};
  if (code == FSM_OK) code = fsm_lint(&run->arena, &source, &report, &err);
  fsm_machine_free(machine);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err) || code != FSM_OK) return;
  for (size_t i = 0; i < report.count; i++) {
    const fsm_lint_finding *finding = &report.findings[i];
    fuzz_expect(run, finding->rule != NULL && finding->where != NULL && finding->text != NULL,
                "a finding is whole");
  }
}

/* ---- facts --------------------------------------------------------------------------------------- */

static inline bool facts_inside(const fuzz_run *run, const char *at, size_t len) {
  const char *begin = (const char *)run->input;
  return len == 0 || (at >= begin && at + len <= begin + run->input_len);
}

static inline void facts_one(fuzz_run *run) {
  fuzz_input_mutated(run);
  fsm__record_facts facts;
  fsm_record_text spans[64];
  size_t count = 0;
  fsm_code code = fsm__record_facts_read(run->input, run->input_len, &facts);
  fuzz_count(run, code);
  if (code == FSM_OK) {
    fsm__fact_list rest[] = {facts.from, facts.to, facts.since};
    fuzz_expect(run,
                facts_inside(run, facts.inst.at, facts.inst.len) &&
                    facts_inside(run, facts.mach.at, facts.mach.len) &&
                    facts_inside(run, facts.trigger.at, facts.trigger.len) &&
                    facts_inside(run, facts.reason.at, facts.reason.len),
                "texts are of the record");
    for (unsigned i = 0; i < 3; i++)
      for (fsm_record_text text; fsm__fact_next(&rest[i], &text);)
        fuzz_expect(run, facts_inside(run, text.at, text.len), "what a list has is of the record");
  }
  if (fsm_record_spans(run->input, run->input_len, UINT64_MAX, spans, 64, &count) != FSM_OK) return;
  for (size_t i = 0; i < count; i++)
    fuzz_expect(run, facts_inside(run, spans[i].at, spans[i].len), "a span is of the record");
}

#endif
