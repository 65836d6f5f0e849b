/* drive_definition.c: loads the definitions that are named and says what came of each, one line of JSON
 * per file: for test_machine_schema.py. `--read` stops at the tree; `--text` says it as
 * tests/cases/bad-definitions/expected.txt does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/definition.h"
#include "schema/json.h"

static char *slurp(const char *path, size_t *len) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  char *text = malloc(FSM_JSON_BYTES_MAX);
  *len = text ? fread(text, 1, FSM_JSON_BYTES_MAX, file) : 0;
  fclose(file);
  return text;
}

static fsm_code load(const char *text, size_t len, bool only_read, fsm_error *err) {
  if (only_read) {
    fsm_arena arena;
    const fsm_def *def;
    fsm_arena_init(&arena, 0);
    fsm_code code = fsm_definition_read(&arena, text, len, &def, err);
    fsm_arena_free(&arena);
    return code;
  }
  fsm_definition *definition = NULL;
  fsm_code code = fsm_definition_load(text, len, &definition, err);
  fsm_definition_free(definition);
  return code;
}

static void say_member(fsm_buf *line, const char *key, const char *text) {
  fsm_buf_printf(line, ",\"%s\":", key);
  fsm_json_quote(line, text, strlen(text));
}

static void say(const char *path, fsm_code code, const fsm_error *err) {
  fsm_buf line = {0};
  fsm_buf_str(&line, "{\"file\":");
  fsm_json_quote(&line, path, strlen(path));
  say_member(&line, "code", fsm_code_name(code));
  say_member(&line, "where", err->where);
  say_member(&line, "text", err->text);
  printf("%s}\n", fsm_buf_text(&line));
  fsm_buf_free(&line);
}

static void say_text(const char *path, fsm_code code, const fsm_error *err) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
  printf("%.*s: %s: %s: %s\n", (int)(dot ? dot - name : (long)strlen(name)), name, fsm_code_name(code),
         err->where, err->text);
}

int main(int argc, char *argv[]) {
  bool only_read = false, text_form = false;
  for (int i = 1; i < argc; i++) {
    size_t len = 0;
    fsm_error err = {0};
    if (strcmp(argv[i], "--read") == 0) {
      only_read = true;
      continue;
    }
    if (strcmp(argv[i], "--text") == 0) {
      text_form = true;
      continue;
    }
    char *text = slurp(argv[i], &len);
    if (!text) {
      fprintf(stderr, "drive_definition: cannot read %s\n", argv[i]);
      return 2;
    }
    fsm_code code = load(text, len, only_read, &err);
    (text_form ? say_text : say)(argv[i], code, &err);
    free(text);
  }
  return 0;
}
