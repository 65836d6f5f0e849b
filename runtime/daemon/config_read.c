/* config_read.c: where settings come from: options, then the file that --config names; an option wins.
 *
 * The file is read whole and cut in place: a line is `name = value`, a comment that begins with `#`, or
 * blank. Nothing is quoted or continued; what looks as if it were meant so is refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/daemon/config_table.h"
#include "schema/utf8.h"

/* ---- places --------------------------------------------------------------------------------------- */

enum { PATH_SHOWN = 150 };

/* FILE:LINE; of a long path its end. */
static void place_of(const char *path, unsigned line, char *out, size_t size) {
  const size_t len = strlen(path);
  const bool whole = len <= PATH_SHOWN;
  snprintf(out, size, "%s%s:%u", whole ? "" : "...", whole ? path : path + len - PATH_SHOWN, line);
}

static fsm_code wrong_line(const char *path, unsigned line, fsm_error *err, const char *text) {
  char place[FSM_WHERE_MAX];
  place_of(path, line, place, sizeof place);
  return fsm_fail(err, FSM_EARGUMENT, place, "%s", text);
}

/* A setting by its number: `--name` or FILE:LINE with the name in the text. */
static fsm_code wrong_setting(const char *path, int from, const char *name, const char *text,
                              fsm_error *err) {
  char place[FSM_WHERE_MAX];
  if (from > 0) {
    place_of(path, (unsigned)from, place, sizeof place);
    return fsm_fail(err, FSM_EARGUMENT, place, "%s: %s", name, text);
  }
  snprintf(place, sizeof place, "--%s", name);
  return fsm_fail(err, FSM_EARGUMENT, place, "%s", text);
}

fsm_code fsm__config_wrong(const fsm__config *config, const char *name, fsm_error *err, const char *format,
                           ...) {
  char text[FSM_TEXT_MAX];
  const fsm__setting *row = fsm__setting_find(name, strlen(name));
  FSM_ASSERT(row);
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return wrong_setting(config->config, config->from[fsm__setting_index(row)], name, text, err);
}

/* ---- options -------------------------------------------------------------------------------------- */

static fsm_code wrong_word(fsm_error *err, const char *word, const char *why) {
  return fsm_fail(err, FSM_EARGUMENT, word, "%s", why);
}

static fsm_code no_such_option(const char *word, size_t len, fsm_error *err) {
  char name[64], closest[96];
  snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), word + 2);
  return fsm_fail(err, FSM_EARGUMENT, word, "there is no such option (see --help)%s",
                  fsm__setting_closest(name, closest, sizeof closest));
}

/* One option and, when it stands apart, its argument; *at moves over both. */
static fsm_code read_option(fsm__config *config, int argc, char *const argv[], int *at, fsm_error *err) {
  const char *word = argv[(*at)++];
  if (strncmp(word, "--", 2) != 0) return wrong_word(err, word, "only options are taken; see --help");
  const char *equals = strchr(word, '=');
  const size_t len = equals ? (size_t)(equals - word) - 2 : strlen(word + 2);
  const fsm__setting *row = fsm__setting_find(word + 2, len);
  if (!row) return no_such_option(word, len, err);
  int *from = &config->from[fsm__setting_index(row)];
  if (*from && row->kind != FSM__LIST) return wrong_word(err, word, "the option is given twice");
  *from = FSM__FROM_OPTION;
  const bool alone = row->kind == FSM__FLAG || row->kind == FSM__ACTION;
  if (row->kind == FSM__ACTION && equals) return wrong_word(err, word, "the option takes no argument");
  if (!equals && !alone && *at >= argc) return wrong_word(err, word, "the option needs an argument");
  const char *text = equals ? equals + 1 : alone ? "on" : argv[(*at)++];
  if (!*text) return wrong_word(err, word, "the argument is empty");
  fsm_error why = {0};
  return fsm__setting_put(config, row, text, &why) == FSM_OK
             ? FSM_OK
             : wrong_setting("", FSM__FROM_OPTION, row->name, why.text, err);
}

/* ---- the file ------------------------------------------------------------------------------------- */

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static char *trim(char *text) {
  while (is_blank(*text)) text++;
  size_t len = strlen(text);
  while (len > 0 && is_blank(text[len - 1])) text[--len] = 0;
  return text;
}

/* What looks like a habit from other formats, and would else be part of the value. */
static const char *not_plain(const char *value) {
  if (!*value) return "the value is empty; to have the default, leave the line out or put # before it";
  if (*value == '"' || *value == '\'') return "a value stands without quotes";
  if (strstr(value, " #") || strstr(value, "\t#")) return "a comment needs a line of its own";
  for (const char *c = value; *c; c++)
    if ((unsigned char)*c < ' ' || *c == 0x7f) return "the value has a control character";
  return fsm__utf8_valid(value, strlen(value)) ? NULL : "the value is not valid UTF-8";
}

static fsm_code put_line(fsm__config *file, const fsm__setting *row, const char *value, unsigned line,
                         fsm_error *err) {
  char text[96];
  fsm_error why = {0};
  int *from = &file->from[fsm__setting_index(row)];
  if (row->kind == FSM__ACTION || row->option_only)
    return wrong_setting(file->config, (int)line, row->name, "it is an option only, not for a file", err);
  if (*from && row->kind != FSM__LIST) {
    snprintf(text, sizeof text, "it is given twice, first in line %d", *from);
    return wrong_setting(file->config, (int)line, row->name, text, err);
  }
  *from = (int)line;
  if (not_plain(value)) return wrong_setting(file->config, (int)line, row->name, not_plain(value), err);
  return fsm__setting_put(file, row, value, &why) == FSM_OK
             ? FSM_OK
             : wrong_setting(file->config, (int)line, row->name, why.text, err);
}

static fsm_code read_line(fsm__config *file, char *text, unsigned line, fsm_error *err) {
  char closest[96], why[256];
  text = trim(text);
  if (!*text || *text == '#') return FSM_OK;
  char *equals = strchr(text, '=');
  if (!equals) return wrong_line(file->config, line, err, "a line is name = value, or a comment with #");
  *equals = 0;
  const char *name = trim(text), *value = trim(equals + 1);
  const fsm__setting *row = fsm__setting_find(name, strlen(name));
  if (row) return put_line(file, row, value, line, err);
  const bool shown = fsm__utf8_valid(name, strlen(name));
  snprintf(why, sizeof why, "%.64s: there is no such setting (see --print-config)%s", shown ? name : "?",
           fsm__setting_closest(name, closest, sizeof closest));
  return wrong_line(file->config, line, err, why);
}

static fsm_code read_lines(fsm__config *file, size_t len, fsm_error *err) {
  char *at = file->file_text, *end = at + len;
  for (unsigned line = 1; at < end; line++) {
    char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    *stop = 0;
    if (strlen(at) != (size_t)(stop - at))
      return wrong_line(file->config, line, err, "the line has a NUL byte");
    fsm_code code = read_line(file, at, line, err);
    if (code != FSM_OK) return code;
    at = stop + 1;
  }
  return FSM_OK;
}

static fsm_code cannot_read(const char *path, const char *what, fsm_error *err) {
  return fsm_fail(err, FSM_EARGUMENT, path, "the file of settings %s", what);
}

static fsm_code check_file(const char *path, int fd, size_t *size, fsm_error *err) {
  struct stat st;
  if (fstat(fd, &st) != 0) return cannot_read(path, "cannot be looked at", err);
  if (!S_ISREG(st.st_mode)) return cannot_read(path, "is not a regular file", err);
  if (st.st_mode & S_IWOTH)
    return cannot_read(path, "may be changed by everyone: take that right away (chmod o-w)", err);
  if (st.st_size > FSM__CONFIG_FILE_MAX) return cannot_read(path, "is larger than 256 KiB", err);
  *size = (size_t)st.st_size;
  return FSM_OK;
}

/* Into memory with room for a NUL. Not blocking: it may be a pipe. A symbolic link is fine: that is how
 * configuration is mounted. */
static fsm_code read_whole(const char *path, char **text, size_t *len, fsm_error *err) {
  char why[96];
  size_t size = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    snprintf(why, sizeof why, "cannot be opened: %s", strerror(errno));
    return cannot_read(path, why, err);
  }
  fsm_code code = check_file(path, fd, &size, err);
  if (code == FSM_OK && !(*text = malloc(size + 1)))
    code = fsm_fail(err, FSM_ENOMEM, path, "no memory for the file of settings");
  for (*len = 0; code == FSM_OK && *len < size;) {
    ssize_t got = read(fd, *text + *len, size - *len);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) code = cannot_read(path, "cannot be read whole", err);
    if (got > 0) *len += (size_t)got;
  }
  close(fd);
  return code;
}

/* What no option said is what the file says. */
static fsm_code read_file(fsm__config *config, fsm_error *err) {
  fsm__config file = {.config = config->config};
  size_t len = 0;
  fsm_code code = read_whole(config->config, &config->file_text, &len, err);
  if (code != FSM_OK) return code;
  file.file_text = config->file_text;
  code = read_lines(&file, len, err);
  for (size_t i = 0; code == FSM_OK && i < fsm__setting_count(); i++) {
    if (config->from[i] || !file.from[i]) continue;
    fsm__setting_copy(config, &file, fsm__setting_at(i));
    config->from[i] = file.from[i];
  }
  return code;
}

fsm_code fsm__config_parse(int argc, char *const argv[], fsm__config *out, fsm_error *err) {
  *out = (fsm__config){0};
  fsm__setting_defaults(out);
  for (int at = 1; at < argc;) {
    fsm_code code = read_option(out, argc, argv, &at, err);
    if (code != FSM_OK) return code;
  }
  if (out->help || out->version || out->print_sinks || out->print_doc) return FSM_OK;
  fsm_code code = *out->config ? read_file(out, err) : FSM_OK;
  if (code != FSM_OK) return code;
  return out->print_config ? fsm__config_check_secrets(out, err) : fsm__config_check(out, err);
}

void fsm__config_free(fsm__config *config) {
  free(config->file_text);
  config->file_text = NULL;
}

fsm_code fsm__config_normal(const char *text, size_t len, fsm_buf *out, fsm_error *err) {
  fsm__config file = {.config = "", .file_text = malloc(len + 1)};
  if (!file.file_text) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the file of settings");
  memcpy(file.file_text, text, len);
  fsm__setting_defaults(&file);
  const fsm_code code = read_lines(&file, len, err);
  if (code == FSM_OK) fsm__config_print(out, &file);
  fsm__config_free(&file);
  return code;
}
