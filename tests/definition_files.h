/* definition_files.h: the example, and other definitions that lie in files. */
#ifndef FSM_TESTS_DEFINITION_FILES_H
#define FSM_TESTS_DEFINITION_FILES_H

#include <dirent.h>

#include "tests/definition_run.h"

#define EXAMPLE FSM_SOURCE_DIR "/examples/document-approval.json"

static inline char *read_file(const char *path, size_t *len) {
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("cannot open %s", path);
  char *text = fsm_arena_alloc(&arena, 1 << 18);
  *len = fread(text, 1, (1 << 18) - 1, file);
  text[*len] = 0;
  fclose(file);
  return text;
}

#endif
