/* fuzz_routes.h: target routes: a route's document, and records through what was taken. */
#ifndef FSM_TESTS_FUZZ_ROUTES_H
#define FSM_TESTS_FUZZ_ROUTES_H

#include "runtime/routing.h"
#include "tests/fuzz/fuzz_definition.h"

static const char *const routes_tokens[] = {"machine",
                                            "kind",
                                            "from",
                                            "to",
                                            "event",
                                            "level",
                                            "labels",
                                            "where",
                                            "sinks",
                                            "*",
                                            "\"tran*\"",
                                            "completed",
                                            "255",
                                            "256",
                                            "[]",
                                            "siem",
                                            "record.",
                                            "record.?act.?sub.orValue('')",
                                            "record.to.exists(s, s == 'a')",
                                            "record.time",
                                            "timestamp('2026-01-01T00:00:00Z')",
                                            " > 1",
                                            " && ",
                                            "~1",
                                            NULL};

static inline void routes_open(fuzz_run *run) {
  run->tokens = routes_tokens;
  fuzz_seed_text(
      run,
      "{\"machine\":\"loan\",\"kind\":[\"transition\",\"completed\"],\"from\":\"review\",\"to\":"
      "\"app*\",\"event\":\"APPROVE\",\"level\":2,\"labels\":{\"department\":\"claims\"},\"sinks\":"
      "[\"siem\"]}");
  fuzz_seed_text(run,
                 "{\"where\":\"record.data.amount > 1000 && 'approved' in record.to || record.time > "
                 "timestamp('2026-01-01T00:00:00Z')\",\"sinks\":[\"siem\",\"lake\"]}");
}

static inline void routes_one(fuzz_run *run) {
  static const char *const sinks[] = {"siem", "lake"};
  static const uint8_t hash[32];
  const fsm_origin origin = {.epoch = 1};
  fsm_value document;
  const fsm__route *route = NULL;
  fsm__matched first, second;
  document_input(run, 3);
  fsm_error err = fuzz_error();
  fsm_code code =
      fsm_json_parse(&run->arena, (const char *)run->input, run->input_len, FSM_JSON_SORTED, &document, &err);
  if (code == FSM_OK) code = fsm__route_read(&run->arena, &document, sinks, 2, &route, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err) || code != FSM_OK) return;
  size_t count = 0;
  fuzz_expect(run, fsm__route_sinks(route, &count) != NULL && count >= 1 && count <= 2,
              "a route gives to sinks that there are");
  const fsm_value leaf = fsm_string("review.first");
  fsm_record record = fsm_record_new(FSM_RECORD_TRANSITION);
  record.seq = 7;
  record.time_ns = 1700000000000000000;
  record.mach = "loan";
  record.inst = record.corr = "l";
  record.def = record.ctxh = record.prev = hash;
  record.from = record.to = fsm_list(&leaf, 1);
  record.trigger = "APPROVE";
  record.level = 2;
  code = fsm__route_matches(route, &record, &origin, &run->arena, &first, &err);
  fuzz_expect(run, code == FSM_OK, "any record can be asked about");
  fuzz_expect(run, first.matches == (first.part == NULL), "what does not match has a part that does not");
  fuzz_expect(run, !(first.matches && first.fault.code != FSM_OK), "what fails does not match");
  code = fsm__route_matches(route, &record, &origin, &run->arena, &second, &err);
  fuzz_expect(run, code == FSM_OK && first.matches == second.matches, "it matches the same again");
}

#endif
