/* screen.c: terminals: size, safe text, width. */
#include "tools/cli/show/screen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "schema/safe_text.h"
#include "tools/cli/show/width.h"

enum { COLUMNS_DEFAULT = 80, COLUMNS_MIN = 20, ROWS_DEFAULT = 24, SIZE_MAX_CELLS = 1000 };

static unsigned bounded(unsigned size, unsigned if_none, unsigned least) {
  if (size == 0) size = if_none;
  if (size < least) size = least;
  return size > SIZE_MAX_CELLS ? SIZE_MAX_CELLS : size;
}

cli_screen cli_screen_of(int fd, bool no_colour) {
  cli_screen screen = {.tty = isatty(fd) == 1};
  struct winsize size = {0};
  if (!screen.tty) return screen;
  const char *off = getenv("NO_COLOR"), *term = getenv("TERM");
  bool dumb = term == NULL || strcmp(term, "dumb") == 0;
  screen.colour = !no_colour && !dumb && (off == NULL || *off == 0);
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) size = (struct winsize){0};
  screen.columns = bounded(size.ws_col, COLUMNS_DEFAULT, COLUMNS_MIN);
  screen.rows = bounded(size.ws_row, ROWS_DEFAULT, 1);
  return screen;
}

void cli_escape(fsm_buf *buf, const char *text, size_t len) {
  for (size_t at = 0; at < len;) {
    const size_t plain = cli_plain(text + at, len - at); /* most of all text */
    fsm_buf_add(buf, text + at, plain);
    at += plain;
    if (at == len) break;
    wchar_t c = 0;
    size_t step = cli_character(text + at, len - at, &c);
    if (step == 0)
      fsm_buf_printf(buf, "\\x%02x", (unsigned char)text[at++]);
    else if (fsm__is_danger((uint32_t)c))
      fsm__danger_escape(buf, (uint32_t)c), at += step;
    else
      fsm_buf_add(buf, text + at, step), at += step;
  }
}

/* Bytes of text that fit into width columns; *used says how many columns they take. */
static size_t fitting(const char *text, size_t len, unsigned width, unsigned *used) {
  size_t at = cli_plain(text, len); /* most of all text */
  if (at > 0 && at < len) at--;
  if (at > width) at = width;
  *used = (unsigned)at;
  while (at < len) {
    unsigned w = 0;
    const size_t step = cli_cluster(text + at, len - at, &w);
    if (*used + w > width) break;
    *used += w;
    at += step;
  }
  return at;
}

unsigned cli_width(const char *text) {
  unsigned used = 0;
  (void)fitting(text, strlen(text), (unsigned)-1 / 2, &used);
  return used;
}

void cli_clip(fsm_buf *buf, const char *text, unsigned width) {
  size_t len = strlen(text);
  unsigned used = 0;
  if (fitting(text, len, width, &used) == len) {
    fsm_buf_add(buf, text, len);
    return;
  }
  if (width == 0) return;
  fsm_buf_add(buf, text, fitting(text, len, width - 1, &used));
  fsm_buf_str(buf, "…");
}

/* Appends the last of text that fits into width columns. */
static void add_end(fsm_buf *buf, const char *text, unsigned whole, unsigned width) {
  unsigned used = 0;
  size_t len = strlen(text), skip = fitting(text, len, whole - width, &used);
  /* a wide character at the cut goes as a whole */
  if (whole - used > width) {
    unsigned w = 0;
    skip += cli_cluster(text + skip, len - skip, &w);
  }
  fsm_buf_str(buf, text + skip);
}

void cli_clip_front(fsm_buf *buf, const char *text, unsigned width) {
  unsigned whole = cli_width(text);
  if (whole <= width) {
    fsm_buf_str(buf, text);
    return;
  }
  if (width == 0) return;
  fsm_buf_str(buf, "…");
  add_end(buf, text, whole, width - 1);
}

void cli_clip_middle(fsm_buf *buf, const char *text, unsigned width) {
  unsigned whole = cli_width(text), used = 0;
  if (whole <= width) {
    fsm_buf_str(buf, text);
    return;
  }
  if (width == 0) return;
  fsm_buf_add(buf, text, fitting(text, strlen(text), (width - 1) / 2, &used));
  fsm_buf_str(buf, "…");
  add_end(buf, text, whole, width - 1 - (width - 1) / 2);
}

/* Bytes of the next line, without the space that it is broken at. */
static size_t line_of(const char *text, unsigned width) {
  size_t len = strlen(text), all;
  unsigned used = 0;
  size_t fits = all = fitting(text, len, width, &used);
  if (all == len) return len;
  while (fits > 0 && text[fits] != ' ') fits--;
  if (fits > 0) return fits;
  if (all > 0) return all;
  return cli_cluster(text, len, &used); /* wider than the line */
}

void cli_wrap(fsm_buf *buf, const char *text, unsigned width, unsigned indent) {
  if (width == 0) {
    fsm_buf_str(buf, text);
    return;
  }
  for (bool first = true; *text != 0; first = false) {
    unsigned room = first ? width : width > indent ? width - indent : 1;
    size_t len = line_of(text, room);
    if (!first) fsm_buf_printf(buf, "\n%*s", (int)indent, "");
    fsm_buf_add(buf, text, len);
    for (text += len; *text == ' ';) text++;
  }
}

void cli_escape_json(fsm_buf *buf, const char *text, size_t len) {
  const size_t from = buf->len;
  fsm_buf_add(buf, text, len);
  fsm__json_make_safe(buf, from);
}
