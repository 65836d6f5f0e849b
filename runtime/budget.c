/* budget.c: see budget.h. */
#include "runtime/budget.h"

#include <inttypes.h>
#include <stdio.h>

static bool has_budget(const fsm__sink_config *config) {
  return config->budget_bytes > 0 || config->budget_age_ns > 0;
}

fsm_code fsm__budget_check(const fsm__sink_config *config, const char *archive, fsm_error *err) {
  if (!has_budget(config) || config->policy != FSM__SPILL || archive != NULL) return FSM_OK;
  return fsm_fail(
      err, FSM_EARGUMENT, config->name,
      "sink %s has a budget with policy \"spill\", but there is no archive to feed it from: name one "
      "(--archive-dir), or set its policy to \"hold\", or give it no budget",
      config->name);
}

uint64_t fsm__budget_bytes(const fsm__segment_info *segments, size_t count, uint64_t settled_seq) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    const fsm__segment_info *s = &segments[i];
    if (s->sealed && s->last_seq >= s->first_seq && s->last_seq > settled_seq) bytes += s->bytes;
  }
  return bytes;
}

static unsigned percent_of(uint64_t used, uint64_t budget) {
  if (budget == 0) return 0;
  const unsigned __int128 percent = (unsigned __int128)used * 100 / budget;
  return percent < FSM_BUDGET_PERCENT_MAX ? (unsigned)percent : FSM_BUDGET_PERCENT_MAX;
}

unsigned fsm__budget_percent(const fsm__sink_config *config, uint64_t bytes, int64_t age_ns) {
  const unsigned of_bytes = percent_of(bytes, config->budget_bytes);
  const unsigned of_age = percent_of(age_ns > 0 ? (uint64_t)age_ns : 0,
                                     config->budget_age_ns > 0 ? (uint64_t)config->budget_age_ns : 0);
  return of_bytes > of_age ? of_bytes : of_age;
}

/* Begun at its mark, over FSM_BUDGET_SLACK points below it. */
static bool lasts(bool was, unsigned percent, unsigned mark) {
  return percent >= mark || (was && percent > mark - FSM_BUDGET_SLACK);
}

static fsm__hold hold_of(fsm__hold was, unsigned percent) {
  if (lasts(was == FSM__HOLD_ALL, percent, FSM_BUDGET_HOLD_ALL)) return FSM__HOLD_ALL;
  if (lasts(was != FSM__HOLD_NONE, percent, FSM_BUDGET_HOLD_STARTS)) return FSM__HOLD_STARTS;
  return FSM__HOLD_NONE;
}

fsm__budget_turn fsm__budget_next(fsm__budget *budget, const fsm__sink_config *config, unsigned percent,
                                  bool spilled) {
  fsm__budget_turn turn = {.hold = FSM__HOLD_NONE};
  const bool warned = lasts(budget->warned, percent, FSM_BUDGET_WARN);
  turn.warn = warned && !budget->warned;
  budget->warned = warned;
  if (config->policy == FSM__HOLD && has_budget(config)) turn.hold = hold_of(budget->hold, percent);
  turn.held = turn.hold > budget->hold;
  turn.released = turn.hold == FSM__HOLD_NONE && budget->hold != FSM__HOLD_NONE;
  budget->hold = turn.hold;
  const bool spills = config->policy == FSM__SPILL && has_budget(config);
  turn.spill = spills && !spilled && percent >= FSM_BUDGET_SPILL;
  turn.unspill = spilled && (!spills || percent <= FSM_BUDGET_SPILL - FSM_BUDGET_SLACK);
  return turn;
}

static void time_text(int64_t ns, char *out, size_t size) {
  const int64_t s = ns / 1000000000;
  if (s < 120)
    snprintf(out, size, "%" PRId64 " s", s);
  else if (s < 7200)
    snprintf(out, size, "%" PRId64 " min", s / 60);
  else
    snprintf(out, size, "%" PRId64 " h", s / 3600);
}

void fsm__hold_text(const char *sink, fsm__hold hold, unsigned percent, uint64_t lag, int64_t lag_ns,
                    char out[FSM_TEXT_MAX]) {
  char age[32];
  time_text(lag_ns, age, sizeof age);
  snprintf(out, FSM_TEXT_MAX,
           "sink %s is %" PRIu64
           " records (%s) behind, %u %% of its budget: %s until it has caught up; see "
           "`fsm-cli outbox ls`, mend the sink, raise its budget, or set its policy to spill",
           sink, lag, age, percent,
           hold == FSM__HOLD_ALL ? "only repairs are taken" : "no new instances are taken");
}
