/* seen.c: what a guard saw. A value may be a whole context: it is cut, never the line before it. */
#include "tools/cli/explain/seen.h"

#include "schema/json.h"
#include "tools/cli/show/text.h"

static const char label[] = "  saw:   ";

/* "context.retries = 3", cut. */
static void add_value(fsm_buf *out, fsm_arena *arena, const fsm_pair *pair, unsigned columns) {
  fsm_buf json = {0};
  fsm_json_write(&json, &pair->value);
  const char *text =
      fsm_arena_printf(arena, "%s = %s", cli_text(arena, &pair->key), cli_safe(arena, fsm_buf_text(&json)));
  cli_clip(out, text == NULL ? "" : text, columns);
  fsm_buf_free(&json);
}

/* How many values are shown of so many. */
static uint32_t shown_of(const fsm_value *seen) {
  if (seen == NULL || !fsm_is(seen, FSM_MAP)) return 0;
  return seen->len <= CLI_SEEN_LINES_MAX ? seen->len : CLI_SEEN_LINES_MAX - 1;
}

void cli_seen(fsm_buf *out, fsm_arena *arena, const fsm_value *seen, const cli_screen *screen) {
  unsigned columns = screen->columns > 0 ? screen->columns : CLI_SEEN_COLUMNS;
  columns = columns > sizeof label ? columns - (unsigned)(sizeof label - 1) : 1;
  uint32_t shown = shown_of(seen);
  for (uint32_t i = 0; i < shown; i++) {
    fsm_buf_str(out, label);
    add_value(out, arena, &seen->pairs[i], columns);
    fsm_buf_char(out, '\n');
  }
  if (shown == 0 || shown == seen->len) return;
  const char *rest = fsm_arena_printf(arena, "… and %u more: -o json", (unsigned)(seen->len - shown));
  fsm_buf_str(out, label);
  cli_clip(out, rest == NULL ? "" : rest, columns);
  fsm_buf_char(out, '\n');
}

const char *cli_seen_text(fsm_arena *arena, const fsm_value *seen) {
  fsm_buf buf = {0};
  uint32_t shown = shown_of(seen);
  for (uint32_t i = 0; i < shown; i++) {
    if (i > 0) fsm_buf_str(&buf, ", ");
    add_value(&buf, arena, &seen->pairs[i], CLI_SEEN_COLUMNS);
  }
  if (shown > 0 && shown < seen->len)
    fsm_buf_printf(&buf, ", … and %u more: -o json", (unsigned)(seen->len - shown));
  const char *text = fsm_arena_strdup(arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text == NULL ? "" : text;
}
