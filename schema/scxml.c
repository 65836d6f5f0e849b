/* scxml.c: SCXML documents into the fsm_def tree: the whole of one machine, machines inside machines, and
 * machines that a src names.
 */
#include "schema/scxml.h"

#include <string.h>

#include "schema/definition_load.h"
#include "schema/scxml_load.h"

/* ---- one machine ------------------------------------------------------------------------------- */

static fsm_code read_model(fsm__scxml *r, const fsm_xml_node *root) {
  static const struct {
    const char *name;
    fsm__scxml_model model;
  } models[] = {{"cel", FSM__MODEL_CEL}, {"ecmascript", FSM__MODEL_ECMASCRIPT}, {"null", FSM__MODEL_NULL}};
  const char *text = fsm__scxml_text(root, "datamodel");
  r->model = FSM__MODEL_EITHER;
  for (size_t i = 0; text && i < sizeof models / sizeof *models; i++) {
    if (strcmp(models[i].name, text) != 0) continue;
    r->model = models[i].model;
    return FSM_OK;
  }
  if (!text) return FSM_OK;
  return fsm__scxml_unsupported(r, fsm__scxml_text_at(r, root, "datamodel"),
                                "the data model is \"cel\", \"ecmascript\" or \"null\", not \"%.64s\"", text);
}

static fsm_code read_root_attributes(fsm__scxml *r, const fsm_xml_node *root, bool *late) {
  static const char *const bindings[] = {"early", "late", NULL};
  unsigned binding = 0;
  const char *version = fsm__scxml_text(root, "version");
  if (version && strcmp(version, "1.0") != 0)
    return fsm__scxml_unsupported(r, fsm__scxml_text_at(r, root, "version"),
                                  "the version is \"1.0\", not \"%.64s\"", version);
  fsm_code code = fsm__scxml_word(r, root, "binding", bindings, &binding);
  *late = binding == 1;
  return code ? code : read_model(r, root);
}

static fsm_code read_machine(fsm__scxml *r, const fsm_xml_node *root, const fsm_def **out) {
  fsm_def *def = fsm_arena_zalloc(r->arena, 1, sizeof *def);
  if (!def) return fsm__scxml_no_memory(r);
  def->dialect = FSM_SCXML;
  def->zones = r->call->zones;
  def->zones_arg = r->call->zones_arg;
  r->exact_events = fsm__scxml_note_is(root, "events", "exact");
  fsm_code code = read_root_attributes(r, root, &def->late_binding);
  if (!code) code = fsm__scxml_check(r, root);
  if (!code) code = fsm__scxml_index(r, root);
  if (!code) code = fsm__scxml_read_state(r, root, &def->root);
  if (!code) code = fsm__scxml_check_data(r);
  *out = def;
  return code;
}

fsm_code fsm__scxml_read_machine(fsm__scxml_call *call, const fsm_xml_node *root, const fsm_def **out) {
  fsm__scxml r = {.call = call, .arena = call->arena};
  const char *where = fsm__scxml_at(&r, root);
  const fsm_def *def = NULL;
  if (!fsm__scxml_is(root, "scxml"))
    return fsm__scxml_invalid(&r, where, "the document is <%.64s> of \"%.128s\", not <scxml> of \"%s\"",
                              root->name, root->ns, FSM__SCXML_NS);
  if (call->depth == 0 && call->options && call->options->named && !fsm_xml_attribute_of(root, "name"))
    return fsm__scxml_invalid(&r, where, "<scxml> has no \"name\": what is the machine called?");
  if (call->depth == FSM__SCXML_NESTED_MAX)
    return fsm_fail(call->err, FSM_ETOOLARGE, where, "machines are nested more than %d deep",
                    FSM__SCXML_NESTED_MAX);
  if (call->machines++ >= FSM__SCXML_MACHINES_MAX)
    return fsm_fail(call->err, FSM_ETOOLARGE, where, "there are more than %d machines in one",
                    FSM__SCXML_MACHINES_MAX);
  call->depth++;
  fsm_code code = read_machine(&r, root, &def);
  call->depth--;
  if (!code) *out = def;
  return code;
}

/* ---- machines that are elsewhere --------------------------------------------------------------- */

static fsm_code read_document(fsm__scxml_call *call, const char *src, const char *text, size_t len,
                              const fsm_def **out) {
  const fsm_xml_node *root;
  fsm_error fault = {0}, *outer = call->err;
  call->err = &fault;
  fsm_code code =
      len > FSM_DEFINITION_BYTES_MAX
          ? fsm_fail(&fault, FSM_ETOOLARGE, "", "it is larger than %d bytes", FSM_DEFINITION_BYTES_MAX)
          : fsm_xml_read(call->arena, text, len, &root, &fault);
  if (!code) code = fsm__scxml_read_machine(call, root, out);
  call->err = outer;
  return code ? fsm_fail(outer, code, fault.where, "in \"%.128s\": %s", src, fault.text) : FSM_OK;
}

/* A document that invokes itself, or one that cannot be had, is named by its src and found at run time. */
fsm_code fsm__scxml_read_source(fsm__scxml *r, const fsm_xml_node *element, const char *src,
                                const fsm_def **out) {
  fsm__scxml_call *call = r->call;
  const char *text;
  size_t len = 0;
  *out = NULL;
  if (!call->options || !call->options->source) return FSM_OK;
  for (fsm__scxml_document *d = call->documents; d; d = d->next) {
    if (strcmp(d->src, src) != 0) continue;
    *out = d->def;
    call->machines += d->machines;
    return FSM_OK;
  }
  fsm_code code = fsm__scxml_source_text(r, element, &text, &len);
  r->broken = NULL;
  if (code || !text) return code;
  fsm__scxml_document *document = fsm_arena_zalloc(r->arena, 1, sizeof *document);
  if (!document) return fsm__scxml_no_memory(r);
  *document = (fsm__scxml_document){.src = src, .next = call->documents};
  call->documents = document;
  size_t before = call->machines;
  code = read_document(call, src, text, len, &document->def);
  document->machines = call->machines - before;
  *out = document->def;
  return code;
}

/* ---- the whole --------------------------------------------------------------------------------- */

fsm_code fsm_scxml_read(fsm_arena *arena, const char *text, size_t len, const fsm_scxml_options *options,
                        const fsm_def **out, fsm_error *err) {
  FSM_ASSERT(arena && out && (text || !len));
  fsm__scxml_call call = {.arena = arena, .err = err, .options = options};
  const fsm_xml_node *root;
  if (len > FSM_DEFINITION_BYTES_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "%zu bytes are over the limit of %d for a definition", len,
                    FSM_DEFINITION_BYTES_MAX);
  fsm_code code = fsm_xml_read(arena, text, len, &root, err);
  if (code) return code;
  fsm__loader l = {.arena = arena, .err = err};
  code = fsm__use_zones(&l);
  if (code) return code;
  call.zones = l.options.zones;
  call.zones_arg = l.options.zones_arg;
  fsm_arena_init(&call.scratch, 0);
  code = fsm__scxml_read_machine(&call, root, out);
  fsm_arena_free(&call.scratch);
  return code;
}
