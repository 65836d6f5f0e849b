/* arena_scene.h: an arena for the tests of one program, and files read into it. */
#ifndef FSM_TESTS_ARENA_SCENE_H
#define FSM_TESTS_ARENA_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fsm/arena.h"

static fsm_arena arena;

static inline int setup(void **state) {
  (void)state;
  fsm_arena_init(&arena, 0);
  return 0;
}

static inline int teardown(void **state) {
  (void)state;
  fsm_arena_free(&arena);
  return 0;
}

/* A whole file, at most 256 KiB less one byte, and a NUL. */
static inline char *read_file(const char *path, size_t *len) {
  enum { ROOM = 1 << 18 };
  FILE *file = fopen(path, "rb");
  if (!file) fail_msg("cannot open %s", path);
  char *text = fsm_arena_alloc(&arena, ROOM);
  assert_non_null(text);
  *len = fread(text, 1, ROOM - 1, file);
  assert_true(feof(file));
  text[*len] = '\0';
  fclose(file);
  return text;
}

#endif
