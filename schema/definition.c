/* definition.c: a definition as a whole: text → document → tree → machine, its canonical bytes, and what
 * its schemas check.
 *
 * A text that begins with < is SCXML; its canonical bytes are those of the text. Else the document is kept,
 * in the order it was written, for its schemas are shown in that order; the tree is dropped once the machine
 * is compiled.
 */
#include "schema/definition.h"

#include <stdlib.h>
#include <string.h>

#include "schema/definition_load.h"
#include "schema/json.h"
#include "schema/pack_read.h"
#include "schema/payload.h"
#include "schema/pointer.h"
#include "schema/scxml_definition.h"

/* Far more than what a text makes that does not name the same things again and again. */
enum { TREE_BYTES_MAX = 24 * 1024 * 1024 };

struct fsm_definition {
  fsm_arena arena; /* the document */
  fsm_value document;
  fsm_machine *machine;
  fsm_buf canonical;
  fsm__schemas schemas;
  fsm_task_policy *policies; /* by number of the invoke */
  uint8_t *overdue;          /* by number of the state */
  uint8_t level;
  int64_t *slas; /* by number of the state; NULL = none has one */
};

/* ---- checks that need the machine -------------------------------------------------------------- */

/* A schema for an event that nothing takes is a misspelt name. */
static fsm_code check_event_names(fsm__loader *l, const fsm_definition *d) {
  for (uint32_t i = 0; d->schemas.events && i < d->schemas.events->len; i++) {
    const char *name = d->schemas.events->pairs[i].key.s;
    if (l->event_taken[i] || fsm_machine_knows_event(d->machine, name)) continue;
    fsm__node events = {d->schemas.events, "/schemas/events"};
    return fsm__invalid(l, fsm__node_member(l, events, i).where,
                        "no transition of the machine takes the event \"%.64s\"", name);
  }
  return FSM_OK;
}

static fsm_code check_context(fsm__loader *l, const fsm_definition *d, const fsm_def_value *context) {
  if (!d->schemas.context || !context || context->form != FSM_DEF_LITERAL) return FSM_OK;
  fsm_error fault = {0};
  if (!fsm_payload_check(d->schemas.context, &context->literal, &fault)) return FSM_OK;
  fsm__pointer where;
  fsm__pointer_set(&where, context->where);
  const char *full = fsm_arena_printf(l->arena, "%s%s", where.text, fault.where);
  return full ? fsm__invalid(l, full, "%s", fault.text) : fsm__out_of_memory(l);
}

/* ---- loading ----------------------------------------------------------------------------------- */

static fsm_code build(fsm__loader *l, fsm__node root, fsm_definition *d) {
  fsm_def def;
  fsm_code code = fsm__read_definition(l, root, &def);
  d->schemas = l->schemas;
  if (!code) code = fsm_machine_compile(&def, &d->machine, l->err);
  if (!code) code = check_event_names(l, d);
  return code ? code : check_context(l, d, def.context);
}

static fsm_code keep_slas(fsm_definition *d, unsigned states, fsm_error *err) {
  for (unsigned i = 0; i < states; i++) {
    const int64_t sla_ns = fsm__sla_meta(fsm_state_meta(d->machine, i));
    if (sla_ns == 0) continue;
    if (!d->slas) d->slas = fsm_arena_zalloc(&d->arena, states, sizeof *d->slas);
    if (!d->slas) return fsm_fail(err, FSM_ENOMEM, "", "no memory to load the definition");
    d->slas[i] = sla_ns;
  }
  return FSM_OK;
}

static fsm_code keep_policies(fsm_definition *d, fsm_error *err) {
  unsigned count = fsm_machine_invokes(d->machine);
  unsigned states = fsm_machine_states(d->machine);
  d->policies = fsm_arena_zalloc(&d->arena, count + 1u, sizeof *d->policies);
  d->overdue = fsm_arena_zalloc(&d->arena, states, sizeof *d->overdue);
  if (!d->policies || !d->overdue) return fsm_fail(err, FSM_ENOMEM, "", "no memory to load the definition");
  for (unsigned i = 0; i < count; i++) fsm__task_policy_of(fsm_invoke_meta(d->machine, i), &d->policies[i]);
  d->level = fsm__level_of(fsm_state_meta(d->machine, 0), FSM_LEVEL_DEFAULT);
  fsm_overdue whole = FSM_OVERDUE_FIRE;
  fsm__overdue_of(fsm_state_meta(d->machine, 0), &whole);
  for (unsigned i = 0; i < states; i++) {
    fsm_overdue own = whole;
    fsm__overdue_of(fsm_state_meta(d->machine, i), &own);
    d->overdue[i] = (uint8_t)own;
  }
  return keep_slas(d, states, err);
}

/* The tree's bound, and not the system, may have refused memory. */
static fsm_code tree_done(fsm_arena *tree, fsm_code code, fsm_error *err) {
  if (code == FSM_ENOMEM && tree->over)
    code = fsm_fail(err, FSM_ETOOLARGE, "", "the definition takes more than %d bytes, named things put in",
                    TREE_BYTES_MAX);
  fsm_arena_free(tree);
  return code;
}

static fsm_code read_document(fsm_arena *arena, const char *text, size_t len, size_t most, fsm_value *out,
                              fsm_error *err) {
  if (len > most)
    return fsm_fail(err, FSM_ETOOLARGE, "", "a definition of %zu bytes is over the limit of %zu", len, most);
  fsm_error fault = {0};
  fsm_code code =
      fsm_json_parse_deep(arena, text, len, FSM_JSON_AS_WRITTEN, FSM_DEFINITION_DEPTH_MAX, out, &fault);
  if (!code) return FSM_OK;
  size_t at = 0;
  while (at < len && text[at] && strchr(" \t\r\n", text[at])) at++;
  bool json = at < len && text[at] == '{';
  return fsm_fail(err, code, fault.where, "%s%s", fault.text,
                  json ? "" : "; a definition begins with { (JSON) or < (SCXML)");
}

static fsm_code load_scxml(fsm_definition *d, const char *text, size_t len, fsm_error *err) {
  fsm_arena tree;
  const fsm_def *def;
  const fsm_scxml_options options = {.named = true}; /* it is known by it */
  fsm_value whole = fsm_stringn(text, len);
  fsm_arena_init(&tree, TREE_BYTES_MAX);
  fsm_code code = fsm_scxml_read(&tree, text, len, &options, &def, err);
  if (!code) code = fsm_machine_compile(def, &d->machine, err);
  code = tree_done(&tree, code, err);
  if (!code) code = fsm__pack_document(&d->canonical, &whole, err);
  return code ? code : keep_policies(d, err);
}

static fsm_code load(fsm_definition *d, const char *text, size_t len, fsm_error *err) {
  if (fsm__is_scxml(text, len)) return load_scxml(d, text, len, err);
  fsm_code code = read_document(&d->arena, text, len, FSM_DEFINITION_BYTES_MAX, &d->document, err);
  if (code) return code;
  fsm_arena tree;
  fsm_arena_init(&tree, TREE_BYTES_MAX);
  fsm__loader l = {.arena = &tree, .err = err};
  code = build(&l, (fsm__node){&d->document, ""}, d);
  code = tree_done(&tree, code, err);
  if (!code) code = fsm__pack_document(&d->canonical, &d->document, err);
  return code ? code : keep_policies(d, err);
}

fsm_code fsm_definition_load(const char *text, size_t len, fsm_definition **out, fsm_error *err) {
  FSM_ASSERT(out && (text || !len));
  fsm_definition *d = calloc(1, sizeof *d);
  if (!d) return fsm_fail(err, FSM_ENOMEM, "", "no memory to load the definition");
  fsm_arena_init(&d->arena, TREE_BYTES_MAX);
  fsm_code code = load(d, text, len, err);
  if (code)
    fsm_definition_free(d);
  else
    *out = d;
  return code;
}

fsm_code fsm_definition_read(fsm_arena *arena, const char *text, size_t len, const fsm_def **out,
                             fsm_error *err) {
  FSM_ASSERT(arena && out && (text || !len));
  if (fsm__is_scxml(text, len)) return fsm_scxml_read(arena, text, len, NULL, out, err);
  fsm_value *document = fsm_arena_zalloc(arena, 1, sizeof *document);
  fsm_def *def = fsm_arena_zalloc(arena, 1, sizeof *def);
  if (!document || !def) return fsm_fail(err, FSM_ENOMEM, "", "no memory to load the definition");
  fsm_code code = read_document(arena, text, len, FSM_DEFINITION_READ_BYTES_MAX, document, err);
  fsm__loader l = {.arena = arena, .err = err};
  if (!code) code = fsm__read_definition(&l, (fsm__node){document, ""}, def);
  if (!code) *out = def;
  return code;
}

void fsm_definition_free(fsm_definition *definition) {
  if (!definition) return;
  if (definition->machine) fsm_machine_free(definition->machine);
  fsm_buf_free(&definition->canonical);
  fsm_arena_free(&definition->arena);
  free(definition);
}

/* ---- reading it -------------------------------------------------------------------------------- */

const fsm_machine *fsm_definition_machine(const fsm_definition *definition) { return definition->machine; }

const void *fsm_definition_canonical(const fsm_definition *definition, size_t *len) {
  *len = definition->canonical.len;
  return definition->canonical.data;
}

const char *fsm_definition_description(const fsm_definition *definition) {
  const fsm_value *text = fsm_doc_get(&definition->document, "description");
  return text ? text->s : NULL;
}

const fsm_value *fsm_definition_event_schema(const fsm_definition *definition, const char *event) {
  return definition->schemas.events ? fsm_doc_get(definition->schemas.events, event) : NULL;
}

/* Nothing sent is the empty object. */
static fsm_code check(const fsm_value *schema, const fsm_value *data, fsm_error *err) {
  static const fsm_value empty = {.type = FSM_MAP};
  if (!schema) return FSM_OK;
  return fsm_payload_check(schema, !data || data->type == FSM_NULL ? &empty : data, err);
}

fsm_code fsm_definition_check_event(const fsm_definition *definition, const char *event,
                                    const fsm_value *data, fsm_error *err) {
  FSM_ASSERT(definition && event);
  return check(fsm_definition_event_schema(definition, event), data, err);
}

fsm_code fsm_definition_check_input(const fsm_definition *definition, const fsm_value *input,
                                    fsm_error *err) {
  FSM_ASSERT(definition);
  return check(definition->schemas.input, input, err);
}

fsm_code fsm_definition_check_context(const fsm_definition *definition, const fsm_value *context,
                                      fsm_error *err) {
  FSM_ASSERT(definition && context);
  return check(definition->schemas.context, context, err);
}

const fsm_value *fsm_definition_context_schema(const fsm_definition *definition, const char *field,
                                               size_t len) {
  FSM_ASSERT(definition && field);
  const fsm_value *schema = definition->schemas.context;
  const fsm_value *properties = schema ? fsm_doc_get(schema, "properties") : NULL;
  for (uint32_t i = 0; properties && properties->type == FSM_MAP && i < properties->len; i++) {
    const fsm_value *name = &properties->pairs[i].key;
    if (name->len == len && memcmp(name->s, field, len) == 0) return &properties->pairs[i].value;
  }
  return NULL;
}

bool fsm_definition_context_names(const fsm_definition *definition, const char *field, size_t len) {
  return fsm_definition_context_schema(definition, field, len) != NULL;
}

int64_t fsm_definition_keep_ns(const fsm_definition *definition) {
  FSM_ASSERT(definition);
  return fsm__keep_of(fsm_state_meta(definition->machine, 0));
}

const int64_t *fsm_definition_slas(const fsm_definition *definition) {
  FSM_ASSERT(definition);
  return definition->slas;
}

uint8_t fsm_definition_level(const fsm_definition *definition) {
  FSM_ASSERT(definition);
  return definition->level;
}

uint8_t fsm_definition_transition_level(const fsm_definition *definition, unsigned transition) {
  FSM_ASSERT(definition && transition < fsm_machine_transitions(definition->machine));
  return fsm__level_of(fsm_transition_meta(definition->machine, transition), definition->level);
}

void fsm_definition_task_policy(const fsm_definition *definition, unsigned invoke, fsm_task_policy *out) {
  FSM_ASSERT(definition && out && invoke < fsm_machine_invokes(definition->machine));
  *out = definition->policies[invoke];
}

fsm_overdue fsm_definition_overdue(const fsm_definition *definition, unsigned state) {
  FSM_ASSERT(definition && state < fsm_machine_states(definition->machine));
  return (fsm_overdue)definition->overdue[state];
}
