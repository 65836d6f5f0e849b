/* screen.h: what the other end of a stream can show, and text made safe for it.
 *
 * Whatever comes from data (ids, contexts, messages of a server) goes through cli_escape before it is
 * printed: a value must not be able to move the cursor, recolour, retitle or reorder what is read.
 * Everything here works on UTF-8 under a UTF-8 LC_CTYPE; under any other every byte from 0x80 is escaped.
 */
#ifndef FSM_CLI_SCREEN_H
#define FSM_CLI_SCREEN_H

#include "fsm/buf.h"

typedef struct cli_screen {
  bool tty, colour;
  unsigned columns; /* of a terminal; 0 = no limit */
  unsigned rows;    /* of a terminal */
} cli_screen;

cli_screen cli_screen_of(int fd, bool no_colour);

/* Appends text with what a terminal acts on made visible: \n \t \r, \xHH for other control bytes and
 * for bytes that are no UTF-8, \u{HHHH} for control and direction characters beyond ASCII. */
void cli_escape(fsm_buf *buf, const char *text, size_t len);
/* Columns that escaped text takes. */
unsigned cli_width(const char *text);
/* Appends escaped text, cut to width columns with … at the end when it is wider. */
void cli_clip(fsm_buf *buf, const char *text, unsigned width);
/* The same cut at the front. */
void cli_clip_front(fsm_buf *buf, const char *text, unsigned width);
/* The same cut in the middle: names that differ at either end stay different. */
void cli_clip_middle(fsm_buf *buf, const char *text, unsigned width);
/* Appends escaped text in lines of at most width columns (0 = one line), broken at spaces where there are
 * any; all but the first are indented. No newline at the end. */
void cli_wrap(fsm_buf *buf, const char *text, unsigned width, unsigned indent);

/* JSON text with the same dangers written as \uHHHH; still the same document. */
void cli_escape_json(fsm_buf *buf, const char *text, size_t len);

#endif
