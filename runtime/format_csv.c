/* format_csv.c: one line of RFC 4180, its cells as safe_text.h writes them: line breaks inside of a text and
 * what a terminal or a spreadsheet would act on are escaped. Who needs each text to the byte takes json. */
#include <string.h>

#include "runtime/format_text.h"
#include "schema/safe_text.h"

/* The columns when none are named. */
static const char *const rows[] = {
    "time", "seq",  "kind",  "outcome", "reason",  "mach",  "defv",         "inst",
    "key",  "rev",  "from",  "to",      "trigger", "cause", "act.sub=user", "act.sid=session",
    "corr", "caus", "level", "id",      "leaf",    "data",  "ctx",
};

const char *const *fsm__csv_columns(size_t *count) {
  *count = sizeof rows / sizeof *rows;
  return rows;
}

static void put_picked(fsm_buf *out, const fsm_value *view, const fsm__picked *picked) {
  const fsm_value *value = fsm__path_value(view, picked->path);
  fsm_buf text = {0};
  if (value != NULL) fsm__plain_text(&text, value);
  if (!fsm_buf_ok(&text)) out->failed = true;
  fsm__csv_cell(out, fsm_buf_text(&text), text.len, false);
  fsm_buf_free(&text);
}

bool fsm__csv_head(const fsm__formatter *formatter, fsm_buf *out) {
  for (size_t i = 0; i < formatter->column_count; i++) {
    if (i) fsm_buf_char(out, ',');
    fsm__csv_cell(out, formatter->columns[i].name, strlen(formatter->columns[i].name), false);
  }
  for (size_t i = 0; i < formatter->lift_count; i++) {
    fsm_buf_char(out, ',');
    fsm__csv_cell(out, formatter->lift[i].name, strlen(formatter->lift[i].name), false);
  }
  return fsm_buf_ok(out);
}

fsm_code fsm__append_csv(const fsm__formatter *formatter, const fsm__exported *record, fsm_arena *scratch,
                         fsm_buf *out, fsm_error *err) {
  fsm_value view;
  fsm_code code = fsm__exported_view(record, scratch, &view, err);
  if (code != FSM_OK) return code;
  for (size_t i = 0; i < formatter->column_count; i++) {
    if (i) fsm_buf_char(out, ',');
    put_picked(out, &view, &formatter->columns[i]);
  }
  for (size_t i = 0; i < formatter->lift_count; i++) {
    fsm_buf_char(out, ',');
    put_picked(out, &view, &formatter->lift[i]);
  }
  return FSM_OK;
}
