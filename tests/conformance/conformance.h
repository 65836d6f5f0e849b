/* conformance.h: what a suite of tests/conformance is given and how it reports.
 *
 * A suite is one function that reads the folder of its name below the corpus, in that folder's own form,
 * and reports every case exactly once: passed, failed with the first difference, or skipped with a reason.
 * Nothing is decided by the name of a case, so that other cases in the same form can be given to it.
 *
 * To add a suite: tests/conformance/suite_<name>.c with one conformance_suite, its declaration below and
 * one row of the table in main.c.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include "fsm/fsm.h"

typedef struct conformance {
  /* What was asked for. */
  const char *corpus;    /* the folder that holds the suites' folders */
  const char *only_case; /* --case: report nothing else; NULL = all */
  bool round_trip;       /* --round-trip: write out and read back what is kept between two macrosteps */
  bool jump;             /* --jump: move the clock past several due timers at once */
  bool json;             /* failures as JSON lines */
  bool verbose;          /* passes and skips are listed too, and the trace of what failed, on stderr */
  /* What came of it, of the suite that runs. */
  const char *suite;
  unsigned passed, failed, skipped;
  unsigned jumps; /* how often the clock was moved past several times at which something was due */
} conformance;

typedef void conformance_suite(conformance *run);

conformance_suite suite_cel, suite_w3c_irp, suite_scion, suite_scion_xstate_json, suite_gap, suite_real;

/* ---- report.c: each case calls exactly one of the three ------------------------------------------ */

/* Is this case asked for? A suite passes over one that is not, without a report. */
bool report_wanted(const conformance *run, const char *name);
void report_pass(conformance *run, const char *name);
/* The first difference: what was expected, and what came. */
void report_fail(conformance *run, const char *name, const char *format, ...) FSM_PRINTF(3, 4);
/* Why the case says nothing about us here: out of scope, judged by hand. */
void report_skip(conformance *run, const char *name, const char *format, ...) FSM_PRINTF(3, 4);

/* ---- corpus.c: files of the corpus ----------------------------------------------------------------- */

/* "<corpus>/<suite>/<path>", in arena. */
const char *corpus_path(const conformance *run, fsm_arena *arena, const char *path);
/* The whole file, NUL behind it, in arena. A file that is not there is FSM_ENOTFOUND. */
FSM_MUST_USE fsm_code corpus_read(fsm_arena *arena, const char *path, const char **text, size_t *len,
                                  fsm_error *err);
/* The files below the suite's folder whose names end in suffix, with their paths below that folder, in
 * the order of strcmp. */
FSM_MUST_USE fsm_code corpus_list(const conformance *run, fsm_arena *arena, const char *suffix,
                                  const char *const **paths, unsigned *count, fsm_error *err);
/* Is there a folder of this suite at all? */
bool corpus_has(const conformance *run, const char *suite);

#endif
