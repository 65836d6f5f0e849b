/* config_print.c: the table of settings as people read it: --help, and --print-config as a file that says
 * what is in force. */
#include <string.h>

#include "runtime/daemon/config_table.h"
#include "schema/json.h"

enum { COLUMNS = 80 };

/* Text in lines that each begin with `before`; ASCII, so that bytes are columns. */
static void put_wrapped(fsm_buf *out, const char *before, const char *text) {
  const size_t indent = strlen(before);
  size_t column = 0;
  for (const char *word = text; *word;) {
    const size_t size = strcspn(word, " ");
    const bool fits = column > 0 && column + 1 + size <= COLUMNS;
    fsm_buf_str(out, fits ? " " : column > 0 ? "\n" : "");
    if (!fits) fsm_buf_str(out, before);
    fsm_buf_add(out, word, size);
    column = (fits ? column + 1 : indent) + size;
    word += size + (word[size] == ' ');
  }
  fsm_buf_char(out, '\n');
}

/* What the setting is, its range and default. */
static void put_about(fsm_buf *out, const char *before, const fsm__setting *row) {
  fsm_buf text = {0}, range = {0};
  fsm__setting_range(row, &range);
  fsm_buf_str(&text, row->help);
  if (row->kind == FSM__FLAG && *before == '#') /* as an option it says on by itself */
    fsm_buf_printf(&range, "on or off; default %s", row->fallback);
  if (range.len > 0) fsm_buf_printf(&text, " (%s)", fsm_buf_text(&range));
  put_wrapped(out, before, fsm_buf_text(&text));
  fsm_buf_free(&range);
  fsm_buf_free(&text);
}

static void put_escaped(fsm_buf *out, const char *text) {
  fsm_buf quoted = {0};
  fsm_json_quote(&quoted, text, strlen(text));
  const bool plain = quoted.len == strlen(text) + 2;
  fsm_buf_str(out, plain ? text : fsm_buf_text(&quoted));
  fsm_buf_free(&quoted);
}

void fsm__config_fault(fsm_buf *out, const fsm_error *err) {
  fsm_buf_str(out, "fsmd: ");
  put_escaped(out, err->where);
  fsm_buf_printf(out, ": %s\n", err->text);
}

void fsm__config_help(fsm_buf *out) {
  fsm_buf_str(out,
              "usage: fsmd --data DIR [OPTION…]\n\nKeeps statechart instances durable and serves them over "
              "HTTP on loopback and\na unix socket.\n\n");
  for (size_t i = 0; i < fsm__setting_count(); i++) {
    const fsm__setting *row = fsm__setting_at(i);
    fsm_buf_printf(out, "  --%s%s%s\n", row->name, row->argument ? " " : "",
                   row->argument ? row->argument : "");
    put_about(out, "      ", row);
  }
}

/* One line a value; none = the name behind a comment sign. */
static void put_values(fsm_buf *out, const fsm__config *config, const fsm__setting *row) {
  if (row->offset == offsetof(fsm__config, socket) && !*config->socket && *config->data) {
    fsm_buf_printf(out, "socket = %s" FSM__SOCKET_NAME "\n", config->data);
    return;
  }
  size_t i = 0;
  for (;; i++) {
    const size_t start = out->len;
    fsm_buf_printf(out, "%s = ", row->name);
    if (!fsm__setting_get(config, row, i, out)) {
      if (fsm_buf_ok(out)) out->len = start;
      break;
    }
    fsm_buf_char(out, '\n');
  }
  if (i == 0) fsm_buf_printf(out, "#%s =\n", row->name);
}

void fsm__config_print(fsm_buf *out, const fsm__config *config) {
  for (size_t i = 0; i < fsm__setting_count(); i++) {
    const fsm__setting *row = fsm__setting_at(i);
    if (row->kind == FSM__ACTION || row->option_only) continue;
    put_about(out, "# ", row);
    put_values(out, config, row);
    fsm_buf_char(out, '\n');
  }
}
