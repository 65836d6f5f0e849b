/* pointer.c: growing and shrinking JSON pointers; `~` and `/` in keys are ~0 and ~1. */
#include "schema/pointer.h"

#include <stdio.h>
#include <string.h>

/* All of it or nothing, so that no escape is cut in two. */
static bool append(fsm__pointer *pointer, const char *text, size_t len) {
  if (len >= sizeof pointer->text - pointer->len) return false;
  memcpy(pointer->text + pointer->len, text, len);
  pointer->len += len;
  pointer->text[pointer->len] = 0;
  return true;
}

void fsm__pointer_set(fsm__pointer *pointer, const char *from) {
  *pointer = (fsm__pointer){0};
  append(pointer, from, strnlen(from, sizeof pointer->text - 1));
}

size_t fsm__pointer_key(fsm__pointer *pointer, const char *key, size_t len) {
  size_t mark = pointer->len;
  bool fits = append(pointer, "/", 1);
  for (size_t i = 0; i < len && fits; i++) {
    if (key[i] == '~')
      fits = append(pointer, "~0", 2);
    else if (key[i] == '/')
      fits = append(pointer, "~1", 2);
    else
      fits = append(pointer, key + i, 1);
  }
  return mark;
}

size_t fsm__pointer_index(fsm__pointer *pointer, size_t index) {
  char text[24];
  int len = snprintf(text, sizeof text, "%zu", index);
  return fsm__pointer_key(pointer, text, (size_t)len);
}

void fsm__pointer_back(fsm__pointer *pointer, size_t mark) {
  FSM_ASSERT(mark <= pointer->len);
  pointer->len = mark;
  pointer->text[mark] = 0;
}
