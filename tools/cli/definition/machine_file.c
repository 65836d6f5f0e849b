/* machine_file.c: reading a machine in the notation that its first character tells. */
#include "tools/cli/definition/machine_file.h"

#include <string.h>

#include "schema/json.h"
#include "tools/cli/input.h"

enum { TREE_BYTES_MAX = 64 * 1024 * 1024, SOURCE_BYTES_MAX = 1024 * 1024 };

static bool is_scxml(const char *text, size_t len) {
  size_t at = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  while (at < len && strchr(" \t\r\n", text[at]) != NULL && text[at] != 0) at++;
  return at < len && text[at] == '<';
}

/* A name below the document's folder: no way up, no other scheme than file:. */
static bool is_below(const char *src) {
  if (*src == '/' || *src == 0 || strchr(src, ':') != NULL) return false;
  for (const char *part = src; part != NULL; part = strchr(part, '/')) {
    if (*part == '/') part++;
    if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == 0)) return false;
  }
  return true;
}

static fsm_code read_source(void *arg, const char *src, fsm_arena *arena, const char **text, size_t *len,
                            fsm_error *err) {
  const char *document = arg, *slash = strrchr(document, '/');
  if (strncmp(src, "file:", 5) == 0) src += 5;
  if (!is_below(src))
    return fsm_fail(err, FSM_EUNSUPPORTED, "", "only files below the document's folder are read, not %s",
                    src);
  int folder = slash == NULL ? 0 : (int)(slash - document) + 1;
  const char *path = fsm_arena_printf(arena, "%.*s%s", folder, document, src);
  if (path == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  fsm_buf buf = {0};
  fsm_code code = cli_read(path, SOURCE_BYTES_MAX, &buf, err);
  if (code == FSM_OK) {
    *len = buf.len;
    *text = fsm_arena_strndup(arena, fsm_buf_text(&buf), buf.len);
    if (*text == NULL) code = fsm_fail(err, FSM_ENOMEM, "", "no memory");
  }
  fsm_buf_free(&buf);
  return code;
}

static fsm_code load_json(cli_machine_file *out, const char *text, size_t len, fsm_error *err) {
  fsm_code code = fsm_definition_load(text, len, &out->definition, err);
  if (code == FSM_OK) code = fsm_definition_read(&out->arena, text, len, &out->def, err);
  if (code == FSM_OK) out->machine = fsm_definition_machine(out->definition);
  return code;
}

static fsm_code load_scxml(cli_machine_file *out, const char *text, size_t len, fsm_error *err) {
  char *document = fsm_arena_strdup(&out->arena, out->path);
  if (document == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  fsm_scxml_options options = {.source = read_source, .source_arg = document};
  fsm_code code = fsm_scxml_read(&out->arena, text, len, &options, &out->def, err);
  if (code == FSM_OK) code = fsm_machine_compile(out->def, &out->compiled, err);
  if (code == FSM_OK) out->machine = out->compiled;
  return code;
}

/* The place is one in the file, so the file is named too; a file that is wrong is no wrong use. */
static fsm_code name_file(fsm_code code, const char *path, fsm_error *err) {
  if (fsm_code_exit(code) == 2) code = FSM_EDEFINITION;
  fsm_error fault = *err;
  return fsm_fail(err, code, path, "%s%s%s", fault.where, fault.where[0] == 0 ? "" : ": ", fault.text);
}

fsm_code cli_machine_text_load(const char *path, const char *text, size_t len, cli_machine_file *out,
                               fsm_error *err) {
  *out = (cli_machine_file){.path = path};
  fsm_arena_init(&out->arena, TREE_BYTES_MAX);
  fsm_code code = is_scxml(text, len) ? load_scxml(out, text, len, err) : load_json(out, text, len, err);
  if (code == FSM_OK) return FSM_OK;
  code = name_file(code, strcmp(path, "-") == 0 ? "stdin" : path, err);
  cli_machine_file_free(out);
  return code;
}

fsm_code cli_machine_file_load(const char *path, cli_machine_file *out, fsm_error *err) {
  fsm_buf text = {0};
  fsm_code code = cli_read(path, FSM_JSON_BYTES_MAX, &text, err);
  if (code == FSM_OK) code = cli_machine_text_load(path, fsm_buf_text(&text), text.len, out, err);
  fsm_buf_free(&text);
  return code;
}

void cli_machine_file_free(cli_machine_file *file) {
  fsm_definition_free(file->definition);
  if (file->compiled != NULL) fsm_machine_free(file->compiled);
  fsm_arena_free(&file->arena);
  *file = (cli_machine_file){0};
}
