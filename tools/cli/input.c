/* input.c: reading files, stdin and JSON arguments. */
#include "tools/cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "schema/json.h"

enum { CHUNK = 64 * 1024, INPUT_MAX = 1024 * 1024 /* the daemon's own limit is smaller */ };

static fsm_code read_all(int fd, const char *path, size_t max, fsm_buf *out, fsm_error *err) {
  for (;;) {
    if (!fsm_buf_reserve(out, CHUNK)) return fsm_fail(err, FSM_ENOMEM, path, "no memory for this file");
    ssize_t got = read(fd, out->data + out->len, CHUNK);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fsm_fail(err, FSM_EARGUMENT, path, "cannot be read: %s", strerror(errno));
    if (got == 0) return FSM_OK;
    out->len += (size_t)got;
    if (out->len > max) return fsm_fail(err, FSM_ETOOLARGE, path, "is over %zu bytes", max);
  }
}

fsm_code cli_read(const char *path, size_t max, fsm_buf *out, fsm_error *err) {
  if (strcmp(path, "-") == 0) return read_all(STDIN_FILENO, "stdin", max, out, err);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fsm_fail(err, FSM_EARGUMENT, path, "cannot be opened: %s", strerror(errno));
  fsm_code code = read_all(fd, path, max, out, err);
  close(fd);
  return code;
}

fsm_code cli_input(const char *argument, const char *option, fsm_arena *arena, fsm_value *out,
                   fsm_error *err) {
  fsm_buf text = {0};
  fsm_code code = FSM_OK;
  if (argument[0] == '@')
    code = cli_read(argument + 1, INPUT_MAX, &text, err);
  else if (strcmp(argument, "-") == 0)
    code = cli_read("-", INPUT_MAX, &text, err);
  else
    fsm_buf_str(&text, argument);
  if (code == FSM_OK) {
    fsm_error fault;
    code = fsm_json_parse(arena, fsm_buf_text(&text), text.len, FSM_JSON_SORTED, out, &fault);
    if (code != FSM_OK)
      code = fsm_fail(err, code, fault.where, "--%s takes JSON, @FILE or -: %s", option, fault.text);
  }
  fsm_buf_free(&text);
  return code;
}

fsm_code cli_input_data(const char *argument, const char *command, fsm_arena *arena, fsm_value *out,
                        fsm_error *err) {
  fsm_error fault = {0};
  fsm_code code = cli_input(argument, "data", arena, out, &fault);
  if (code == FSM_OK) return FSM_OK;
  if (argument[0] == '@' || strcmp(argument, "-") == 0)
    return fsm_fail(err, code, fault.where, "%s", fault.text);
  return fsm_fail(err, code, fault.where,
                  "%s (the data directory goes before the command: fsm-cli --data DIR %s)", fault.text,
                  command);
}
