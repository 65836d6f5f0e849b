/* load.c: texts into machines, with the documents that they name. */
#include <string.h>

#include "schema/definition.h"
#include "schema/json.h"
#include "schema/scxml.h"
#include "stage.h"

/* A src of the corpus is a file beside the document: "file:test216sub1.scxml" or only its name. */
static fsm_code read_src(stage *s, const char *src, fsm_arena *arena, const char **text, size_t *len,
                         fsm_error *err) {
  if (strncmp(src, "file:", 5) == 0) src += 5;
  if (src[0] == '/' || strstr(src, ".."))
    return fsm_fail(err, FSM_ENOTFOUND, src, "it is not beside the document");
  const char *path = fsm_arena_printf(arena, "%s/%s", s->source->folder, src);
  return path ? corpus_read(arena, path, text, len, err) : fsm_fail(err, FSM_ENOMEM, src, "no memory");
}

static fsm_code source(void *arg, const char *src, fsm_arena *arena, const char **text, size_t *len,
                       fsm_error *err) {
  return read_src(arg, src, arena, text, len, err);
}

fsm_code stage_compile(stage *s, stage_form form, const char *text, size_t len, const fsm_machine **out,
                       fsm_error *err) {
  if (s->machine_count == STAGE_MACHINES_MAX) return fsm_fail(err, FSM_ETOOLARGE, "", "too many machines");
  const fsm_def *def;
  fsm_scxml_options options = {.source = source, .source_arg = s};
  fsm_code code = form == STAGE_SCXML ? fsm_scxml_read(&s->arena, text, len, &options, &def, err)
                                      : fsm_definition_read(&s->arena, text, len, &def, err);
  fsm_machine *machine;
  if (code == FSM_OK) code = fsm_machine_compile(def, &machine, err);
  if (code != FSM_OK) return code;
  s->machines[s->machine_count++] = machine;
  *out = machine;
  return FSM_OK;
}

static fsm_code load_content(stage *s, const fsm_value *content, const fsm_machine **machine,
                             fsm_error *err) {
  if (content->type == FSM_STRING)
    return stage_compile(s, STAGE_SCXML, content->s, content->len, machine, err);
  fsm_buf json = {0};
  fsm_json_write(&json, content);
  size_t len = json.len;
  const char *text = fsm_buf_text(&json);
  fsm_code code = stage_compile(s, STAGE_JSON, text, len, machine, err);
  fsm_buf_free(&json);
  return code;
}

fsm_code stage_load(void *arg, const fsm_session *parent, const fsm_effect *open, const fsm_machine **machine,
                    fsm_error *err) {
  stage *s = arg;
  if (open->content.type != FSM_NULL) return load_content(s, &open->content, machine, err);
  const char *src = open->src ? open->src : fsm_invoke_src(fsm_session_machine(parent), open->invoke);
  /* A name of a service: nobody here works on it. */
  if (!src || s->source->form == STAGE_JSON) return FSM_OK;
  const char *text;
  size_t len;
  fsm_code code = read_src(s, src, &s->arena, &text, &len, err);
  return code == FSM_OK ? stage_compile(s, STAGE_SCXML, text, len, machine, err) : code;
}
