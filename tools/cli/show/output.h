/* output.h: the forms of -o, and what every command does the same way in each.
 *
 * table is for people, wide is that with every column and nothing cut; json is the document of the HTTP
 * interface, whole; jsonl one line an item, or the document in one line; csv one row an item; id what one
 * goes on with, one a line; tree is a command's own. Which of them a command has stands in its entry
 * (cli_command.formats); main refuses the others by name before the command runs.
 *
 * csv: RFC 4180 with \n, a header first. A column is named by the member that it shows ("for_ns",
 * "incident.reason") and has that member's value as it is in json, so that numbers stay numbers; a column
 * whose member an item does not have has what the table shows. Control characters are escaped as in tables,
 * so an item is one line, and a text that a spreadsheet would take for a formula has a ' before it
 * (schema/safe_text.h); with --raw a cell is the text, whatever is in it, but on a terminal.
 */
#ifndef FSM_CLI_OUTPUT_H
#define FSM_CLI_OUTPUT_H

#include <stdbool.h>

#include "fsm/buf.h"
#include "fsm/value.h"

typedef struct cli_run cli_run;

/* clang-format off */
#define CLI_FORMAT_ROWS(X) \
  X(TABLE, "table") X(WIDE, "wide") X(JSON, "json") X(JSONL, "jsonl") X(CSV, "csv") X(ID, "id") X(TREE, "tree")
/* clang-format on */

typedef enum cli_format {
#define X(symbol, name) CLI_##symbol,
  CLI_FORMAT_ROWS(X)
#undef X
      CLI_FORMAT_COUNT
} cli_format;

/* Sets of formats, for cli_command.formats. */
#define CLI_HAS(format) (1u << (format))
#define CLI_FORMATS_PLAIN                                                                            \
  (CLI_HAS(CLI_TABLE) | CLI_HAS(CLI_JSON) | CLI_HAS(CLI_JSONL))                   /* if formats is 0 \
                                                                                   */
#define CLI_FORMATS_SHOW (CLI_FORMATS_PLAIN | CLI_HAS(CLI_CSV) | CLI_HAS(CLI_ID)) /* cli_show */
#define CLI_FORMATS_LIST (CLI_FORMATS_SHOW | CLI_HAS(CLI_WIDE))                   /* cli_pages_print */

/* "table, wide or json": those of a set. */
const char *cli_formats_text(fsm_arena *arena, unsigned formats);
/* A format by its name; CLI_FORMAT_COUNT: there is none such. */
cli_format cli_format_of(const char *name);

/* One document: in json, jsonl, csv (its members) and id (its `id`) here; for a table `print` appends to
 * cli->text. Flushed. */
FSM_MUST_USE fsm_code cli_show(cli_run *cli, const fsm_value *document,
                               void (*print)(cli_run *cli, const fsm_value *document), fsm_error *err);

/* The member at a path of names with dots ("incident.reason"), NULL when it is not there. */
const fsm_value *cli_member_at(const fsm_value *document, const char *path);
/* Appends a value as csv has it to cli->text: strings as they are, null as nothing, lists joined by ", ",
 * maps as JSON; quoted where RFC 4180 says so. */
void cli_csv_value(cli_run *cli, const fsm_value *value);
void cli_csv_text(cli_run *cli, const char *text);

/* "12 instances · 4 ms · as of seq 8812" on stderr at the end, below a table: nothing with -q or in another
 * format. noun: the plural; NULL = "items". document: the last one, for its seq; NULL = not known. more: how
 * to get the rest, NULL = that was all. */
void cli_footer(cli_run *cli, int64_t count, const char *noun, const fsm_value *document, const char *more);
void cli_footer_note(cli_run *cli, const char *note); /* behind it, on the same line */
/* Before one more page of a walk is asked for, on stderr when it is a terminal and no pager or frame has it,
 * once a run takes longer than somebody waits without a sign: "12 instances so far, back to TIME". document:
 * the last page. Ended before anything else is said; it may be ended twice. */
void cli_progress(cli_run *cli, int64_t count, const char *noun, const fsm_value *document);
void cli_progress_end(cli_run *cli);
/* Prints it; main does, when all else is printed. */
void cli_footer_print(cli_run *cli);

#endif
