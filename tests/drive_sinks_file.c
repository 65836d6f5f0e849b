/* drive_sinks_file.c: files of sinks, a line of input each, as the loader reads them: what came of each, one
 * line of JSON, for test_sinks_schema.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sink_config.h"
#include "schema/json.h"

static void say(fsm_code code, const fsm_error *err) {
  fsm_buf line = {0};
  fsm_buf_printf(&line, "{\"code\":\"%s\",\"where\":", fsm_code_name(code));
  fsm_json_quote(&line, err->where, strlen(err->where));
  fsm_buf_str(&line, ",\"text\":");
  fsm_json_quote(&line, err->text, strlen(err->text));
  printf("%s}\n", fsm_buf_text(&line));
  fsm_buf_free(&line);
}

int main(void) {
  static fsm__sink_config configs[FSM_SINKS_MAX];
  char *line = NULL;
  size_t room = 0, count;
  for (ssize_t len; (len = getline(&line, &room, stdin)) > 0;) {
    fsm_error err = {0};
    fsm_arena arena;
    fsm_arena_init(&arena, 0);
    say(fsm__sinks_read(&arena, line, (size_t)len, configs, &count, &err), &err);
    fsm_arena_free(&arena);
  }
  free(line);
  return 0;
}
