/* why_words.c: parts of sentences of why (why.h). */
#include <stdio.h>
#include <string.h>

#include "runtime/why.h"
#include "schema/json.h"

const char *fsm__why_printf(const fsm__why *why, const char *format, ...) {
  va_list args;
  char text[1024];
  va_start(args, format);
  const int len = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  size_t kept = len < 0 ? 0 : (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
  while (kept + 1 == sizeof text && kept > 0 && ((unsigned char)text[kept] & 0xC0) == 0x80) kept--;
  const char *copy = fsm_arena_strndup(why->arena, text, kept);
  return copy != NULL ? copy : "";
}

const char *fsm__why_span(const fsm__why *why, int64_t ns) {
  static const struct {
    int64_t seconds;
    const char *unit;
  } units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
  int64_t left = ns < 0 ? 0 : ns / 1000000000 + (ns % 1000000000 >= 500000000);
  for (size_t i = 0; i + 1 < sizeof units / sizeof *units; i++) {
    if (left < units[i].seconds) continue;
    const int64_t most = left / units[i].seconds, rest = left % units[i].seconds / units[i + 1].seconds;
    if (rest == 0) return fsm__why_printf(why, "%lld%s", (long long)most, units[i].unit);
    return fsm__why_printf(why, "%lld%s %lld%s", (long long)most, units[i].unit, (long long)rest,
                           units[i + 1].unit);
  }
  return fsm__why_printf(why, "%llds", (long long)left);
}

const char *fsm__why_value(const fsm__why *why, const fsm_value *value) {
  enum { MAX = 60 };
  fsm_value shown;
  fsm_buf buf = {0};
  if (fsm_mask_value(why->arena, why->mask, value, &shown, NULL) != FSM_OK) return FSM_MASKED;
  fsm_json_write(&buf, &shown);
  size_t len = buf.len < MAX ? buf.len : MAX;
  while (len > 0 && len < buf.len && ((unsigned char)buf.data[len] & 0xC0) == 0x80) len--;
  const char *text = fsm__why_printf(why, "%.*s%s", (int)len, fsm_buf_text(&buf), len < buf.len ? "…" : "");
  fsm_buf_free(&buf);
  return text;
}

void fsm__why_list_add(fsm__why_list *list, const char *text) {
  enum { ROOM = sizeof list->items / sizeof *list->items };
  for (unsigned i = 0; i < list->count && i < ROOM; i++)
    if (strcmp(list->items[i], text) == 0) return;
  if (list->count < ROOM) list->items[list->count] = text;
  list->count++;
}

const char *fsm__why_list_text(const fsm__why *why, const fsm__why_list *list, const char *joint) {
  enum { ROOM = sizeof list->items / sizeof *list->items };
  const unsigned shown = list->count < ROOM ? list->count : ROOM;
  const char *text = shown > 0 ? list->items[0] : "";
  for (unsigned i = 1; i < shown; i++)
    text = i + 1 == list->count ? fsm__why_printf(why, "%s %s %s", text, joint, list->items[i])
                                : fsm__why_printf(why, "%s, %s", text, list->items[i]);
  return list->count > shown ? fsm__why_printf(why, "%s and %u more", text, list->count - shown) : text;
}

void fsm__why_put_items(fsm__document *d, const char *name, const fsm__items *items) {
  d->failed = d->failed || items->failed;
  fsm__document_put(d, name, fsm_list(items->items, items->count));
}
