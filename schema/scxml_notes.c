/* scxml_notes.c: what our writer keeps in attributes of its own namespace: description, tags, meta.
 */
#include <string.h>

#include "schema/definition_load.h"
#include "schema/json.h"
#include "schema/scxml_load.h"

enum { SCRATCH_BYTES_MAX = 8 * 1024 * 1024 };

static const fsm_xml_attribute *note_of(const fsm_xml_node *element, const char *name) {
  for (size_t i = 0; i < element->attribute_count; i++)
    if (strcmp(element->attributes[i].ns, FSM__NOTES_NS) == 0 &&
        strcmp(element->attributes[i].name, name) == 0)
      return &element->attributes[i];
  return NULL;
}

bool fsm__scxml_note_is(const fsm_xml_node *element, const char *name, const char *value) {
  const fsm_xml_attribute *note = note_of(element, name);
  return note && strcmp(note->value, value) == 0;
}

static fsm_code read_json(fsm__scxml *r, const fsm_xml_attribute *note, fsm_type type, fsm_value *out) {
  const char *where = fsm__scxml_place(r, note->line, note->column);
  fsm_error fault = {0};
  fsm_code code = fsm_json_parse(r->arena, note->value, strlen(note->value), FSM_JSON_SORTED, out, &fault);
  if (code == FSM_ENOMEM) return fsm__scxml_no_memory(r);
  if (code)
    return fsm__scxml_invalid(r, where, "\"%s\" is no JSON: %s (%s)", note->name, fault.text, fault.where);
  if (out->type == type) return FSM_OK;
  return fsm__scxml_invalid(r, where, "\"%s\" is not a %s", note->name, fsm_type_name(type));
}

static fsm_code read_meta(fsm__loader *l, const fsm_value *document, fsm__meta_place place, fsm_value *out,
                          fsm_def_allow *allow) {
  fsm_arena_init(&l->scratch, SCRATCH_BYTES_MAX);
  fsm_code code = fsm__use_zones(l);
  if (!code) code = fsm__read_meta(l, (fsm__node){document, ""}, place, out, allow);
  fsm_arena_free(&l->scratch);
  return code;
}

/* Checked as that of a definition in JSON is. */
fsm_code fsm__scxml_read_meta(fsm__scxml *r, const fsm_xml_node *element, fsm_value *out,
                              fsm_def_allow *allow) {
  const fsm_xml_attribute *note = note_of(element, "meta");
  fsm_error fault = {0};
  fsm__loader l = {.arena = r->arena, .err = &fault};
  fsm_value document;
  *out = fsm_null();
  if (!note) return FSM_OK;
  fsm__meta_place place = fsm__scxml_is(element, "scxml")        ? FSM__META_ROOT
                          : fsm__scxml_is(element, "transition") ? FSM__META_TRANSITION
                          : fsm__scxml_is(element, "invoke")     ? FSM__META_INVOKE
                                                                 : FSM__META_STATE;
  fsm_code code = read_json(r, note, FSM_MAP, &document);
  if (code) return code;
  code = read_meta(&l, &document, place, out, allow);
  allow->where = fsm__scxml_place(r, note->line, note->column);
  allow->wheres = NULL; /* pointers into the attribute, which are no places of the document */
  if (!code && !l.no_memory) return FSM_OK;
  if (code == FSM_ENOMEM || l.no_memory) return fsm__scxml_no_memory(r);
  return fsm_fail(r->call->err, code, fsm__scxml_place(r, note->line, note->column), "in \"meta\", %s: %s",
                  fault.where, fault.text);
}

static fsm_code read_tags(fsm__scxml *r, const fsm_xml_attribute *note, fsm_def_state *out) {
  fsm_value list;
  fsm_code code = read_json(r, note, FSM_LIST, &list);
  if (code) return code;
  const char **tags = fsm_arena_zalloc(r->arena, list.len + 1u, sizeof *tags);
  if (!tags) return fsm__scxml_no_memory(r);
  for (uint32_t i = 0; i < list.len; i++) {
    if (list.items[i].type != FSM_STRING)
      return fsm__scxml_invalid(r, fsm__scxml_place(r, note->line, note->column), "a tag is a text");
    tags[i] = list.items[i].s;
  }
  out->tags = tags;
  out->tag_count = list.len;
  return FSM_OK;
}

fsm_code fsm__scxml_read_notes(fsm__scxml *r, const fsm_xml_node *element, fsm_def_state *out) {
  const fsm_xml_attribute *description = note_of(element, "description"), *tags = note_of(element, "tags");
  if (description) out->description = description->value;
  fsm_code code = tags ? read_tags(r, tags, out) : FSM_OK;
  return code ? code : fsm__scxml_read_meta(r, element, &out->meta, &out->allow);
}
