/* figures.h: what `stats`, `funnel` and `heat` share: walks of the journal, followed to their end; spans and
 * bars as people read them; sections of tables under one another. */
#ifndef FSM_CLI_FIGURES_H
#define FSM_CLI_FIGURES_H

#include "tools/cli/show/pages.h"

/* Rows of an option table: the instances that are counted (runtime/filter.h); since and until are the time.
 */
#define CLI_FIGURES_FILTER                                                                                   \
  {"state", 's', "STATE", "of instances in this state now, or in one inside it", false},                     \
      {"status", 0, "STATUS", "running, paused, incident, completed, cancelled, open, done, failed, forced", \
       true},                                                                                                \
      {"kind", 0, "KIND", "sla, orphan, dead, failed, silent (with --for); a,b: any of them", true},         \
      {"user", 'u', "USER", "of instances that this person changed", false},                                 \
      {"key", 'k', "KEY", "with this business key; * and ? stand for any text", false},                      \
      {"label", 'l', "NAME=VALUE", "with this label", true},                                                 \
      {"corr", 0, "ID", "with this correlation, their own or of a change", false},                           \
      {"trace", 0, "ID", "changed under this W3C trace id", false},                                          \
      {"for", 0, "DUR", "at least this long in their state: 90s, 10m, 2d; or 10m..2h", false},               \
      {"machine-version", 0, "N", "of this version of their machine", false},                                \
      {"created-since", 0, "TIME", "created then or later", false},                                          \
      {"created-until", 0, "TIME", "created before", false},                                                 \
      {"updated-since", 0, "TIME", "last changed then or later", false},                                     \
      {"updated-until", 0, "TIME", "last changed before", false}, {                                          \
    "where", 0, "EXPR", "for which this holds: context.amount > 1000", false                                 \
  }

/* These options; *out NULL: none was given. Free it. */
FSM_MUST_USE fsm_code cli_figures_filter(const cli_args *args, fsm_filter **out, fsm_error *err);

/* The figures of a walk: asks until it is at its end, with its progress on stderr of a terminal. Where others
 * walk it waits for its turn. since, until and every are of the options, since_default when it is not given;
 * "all" is no bound. */
FSM_MUST_USE fsm_code cli_figures(cli_run *cli, fsm_query_kind kind, const char *machine,
                                  const char *since_default, fsm_value *out, fsm_error *err);

/* A line about the range: "from 2026-10-25T12:00:00Z to now", and what is not in the figures. */
void cli_figures_head(cli_run *cli, const char *what, const fsm_value *document);

/* "345us", "12.3s", "4h5m", "12d4h": two units at most; "" of what is no number. */
const char *cli_span(fsm_arena *arena, const fsm_value *ns);
/* A bar of at most `width` columns, full at `most`; something is never nothing. "" where stdout is no
 * terminal; in csv the part of `most`. */
const char *cli_bar(const cli_run *cli, fsm_arena *arena, double value, double most, unsigned width);
double cli_real(const fsm_value *value); /* 0 of what is no number */
/* The member as a count, 0 when it is not there. */
int64_t cli_count_of(const fsm_value *map, const char *path);

/* One table of several in a document. */
typedef struct cli_section {
  const char *by;     /* how it is asked for */
  const char *member; /* a list of the document */
  const char *noun;
  const cli_column *columns;
  size_t column_count;
  void (*item)(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
               const fsm_value *item);
} cli_section;
/* As a table with an empty line before it, when it has rows. */
FSM_MUST_USE fsm_code cli_section_print(cli_run *cli, const cli_section *section, const fsm_value *document,
                                        fsm_error *err);
/* That section alone, in every format of lists. */
FSM_MUST_USE fsm_code cli_section_only(cli_run *cli, const cli_section *section, const fsm_value *document,
                                       fsm_error *err);

#endif
