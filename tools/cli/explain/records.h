/* records.h: records of the log: which are asked for, how they are shown, and the last ones of many. */
#ifndef FSM_CLI_RECORDS_H
#define FSM_CLI_RECORDS_H

#include "tools/cli/show/pages.h"

enum { CLI_RECORDS_MAX = 10000 }; /* that are held at once: the last ones, or a trace */

/* Columns, item, noun of records; full: every field of each as "label: value". */
void cli_records_show(cli_pages *pages, bool full);
const char *cli_record_user(fsm_arena *arena, const fsm_value *record);
/* Where it went, short enough for a narrow terminal when that is asked for. */
const char *cli_record_change(fsm_arena *arena, const fsm_value *record, bool narrow);
/* Why it was refused, or what the operator said; "" = neither. */
const char *cli_record_reason(fsm_arena *arena, const fsm_value *record);

/* Rows of an option table: which records (runtime/record_filter.h). */
#define CLI_RECORDS_FILTER                                                                                   \
  {"machine", 'm', "MACHINE", "of instances of this machine", true},                                         \
      {"state", 's', "STATE", "that left or entered this state, or one in it", false},                       \
      {"event", 'e', "EVENT", "of this event; A* begins with A", false},                                     \
      {"user", 'u', "USER", "by this person", false}, {"corr", 0, "ID", "of this correlation", false},       \
      {"trace", 0, "HEX", "of this trace", false},                                                           \
      {"label", 'l', "NAME=VALUE", "of instances with this label", true},                  \
      {"kind", 0, "KIND", "of this kind: transition, rejected, forced, …", true},                            \
      {"level", 0, "N", "of this audit level or above", false},                                              \
      {"refusals", 0, "only|without", "refusals only, or all else", false},                                  \
      {"since", 0, "TIME", "at this time or later", false}, {"until", 0, "TIME", "before this time", false}, \
  {                                                                                                          \
    "where", 0, "EXPR", "for which this is true: \"record.level > 1\"", false                                \
  }

/* These options as the document of the filter; *any false: none was given. */
FSM_MUST_USE fsm_code cli_records_filter(cli_run *cli, fsm_value *out, bool *any, fsm_error *err);

/* The last `most` records that the query asks for, oldest first: {items, next, seq}. Asks as often as it
 * takes. */
FSM_MUST_USE fsm_code cli_records_last(cli_run *cli, const fsm_query *query, size_t most, fsm_value *out,
                                       fsm_error *err);
/* The first `most` ones behind `after` (NULL = all), the same way. */
FSM_MUST_USE fsm_code cli_records_first(cli_run *cli, const fsm_query *query, size_t most, fsm_value *out,
                                        fsm_error *err);

/* What --format writes instead of a table: its items through cli->own. */
typedef struct cli_export cli_export;
/* FSM_EARGUMENT names the formats that there are. */
FSM_MUST_USE fsm_code cli_export_new(const char *format, cli_export **out, fsm_error *err);
void cli_export_show(cli_run *cli, cli_export *export, cli_pages *pages);
/* The same, but it is left in cli->text. */
FSM_MUST_USE fsm_code cli_export_close(cli_run *cli, cli_export *export, fsm_error *err);
/* What stands at the end, and the first fault. */
FSM_MUST_USE fsm_code cli_export_end(cli_run *cli, cli_export *export, fsm_error *err);
void cli_export_free(cli_export *export); /* NULL is fine */

#endif
