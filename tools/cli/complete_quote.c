/* complete_quote.c: bash's quotes, taken off and put on. */
#include "tools/cli/complete_quote.h"

#include <string.h>

/* Inside of "…" a backslash stands for itself but before these. */
static bool takes_backslash(char open, char next) {
  return open == 0 || (open == '"' && next != 0 && strchr("$`\"\\", next) != NULL);
}

const char *cli_unquote(fsm_arena *arena, const char *typed, char *open) {
  char *out = fsm_arena_zalloc(arena, strlen(typed) + 1, 1);
  size_t len = 0;
  *open = 0;
  for (const char *c = typed; out != NULL && *c != 0; c++) {
    if (*c == *open)
      *open = 0;
    else if (*open == 0 && (*c == '\'' || *c == '"'))
      *open = *c;
    else if (*c != '\\' || !takes_backslash(*open, c[1]))
      out[len++] = *c;
    else if (c[1] != 0)
      out[len++] = *++c;
  }
  return out;
}

static bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80) != 0 ||
         (c != 0 && strchr("_-.,:/@%+=", c) != NULL);
}

bool cli_quote(fsm_buf *out, const char *text, char open) {
  const char *never = open == '\'' ? "'" : open == '"' ? "\"$`\\!" : "";
  if (text[strcspn(text, never)] != 0) return false;
  for (; *text != 0; text++) {
    if (open == 0 && !is_plain(*text)) fsm_buf_char(out, '\\');
    fsm_buf_char(out, *text);
  }
  return true;
}
