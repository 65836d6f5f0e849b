/* safe_text.h: texts of others, written where somebody or something acts on what they hold: a terminal on
 * control and direction characters, a spreadsheet on cells that begin a formula.
 *
 * Dangers are the control characters (C0, DEL, C1), those that reorder or hide what stands beside them
 * (bidirectional marks, embeddings, overrides, isolates; line and paragraph separator; variation selector 16
 * and tags, which are not seen). They are written as \n \t \r, \xHH, \u{H…}; in JSON as \uHHHH, which is the
 * same document.
 */
#ifndef FSM_SCHEMA_SAFE_TEXT_H
#define FSM_SCHEMA_SAFE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fsm/buf.h"

bool fsm__is_danger(uint32_t c);
/* One danger, or a byte that is no UTF-8, as it is shown. */
void fsm__danger_escape(fsm_buf *out, uint32_t c);

/* A cell of csv (RFC 4180: quoted where a comma, a quote, a line break or a blank at an end makes it needed).
 * Not raw, dangers are escaped, so that a cell is on one line, and a text that a spreadsheet would take for a
 * formula is not one: before a first = + - @ (their full-width forms too) stands a ', and before a first ',
 * so that whoever reads it takes one ' away. A number is no formula. Raw is the text, whatever is in it. */
void fsm__csv_cell(fsm_buf *out, const char *text, size_t len, bool raw);

/* What stands in out from `from` on is JSON; the dangers in its texts become \uHHHH. Its layout stays. */
void fsm__json_make_safe(fsm_buf *out, size_t from);

#endif
