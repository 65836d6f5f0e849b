/* child.c: tasks that are child instances: which they are, what they are called, what a record says of them.
 */
#include <string.h>

#include "runtime/sends.h"

static bool is_scxml(const char *type) {
  static const char *const names[] = {"http://www.w3.org/TR/scxml/", "http://www.w3.org/TR/scxml", "scxml"};
  for (size_t i = 0; type != NULL && i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], type) == 0) return true;
  return false;
}

static const char *source_of(const fsm_machine *machine, const fsm_effect *effect) {
  return effect->src != NULL ? effect->src : fsm_invoke_src(machine, effect->invoke);
}

bool fsm__is_child(const fsm_machine *machine, const fsm_effect *effect) {
  const char *src = source_of(machine, effect);
  return src != NULL && (is_scxml(effect->type) || strcmp(src, FSM_SERVICE_MACHINE) == 0);
}

/* ---- its id ------------------------------------------------------------------------------------- */

/* Spells text as an id may be; *changed when it was not. */
static void spell(char *to, const char *text, size_t len, bool *changed) {
  for (size_t i = 0; i < len; i++) {
    const unsigned char c = (unsigned char)text[i];
    bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
                c == '_' || c == ':' || c == '-';
    to[i] = good ? text[i] : '_';
    if (!good) *changed = true;
  }
}

const char *fsm__child_id(fsm_arena *arena, const char *parent, const char *invoke, uint64_t seq) {
  enum { SEQ_MAX = 20, HASH_HEX = 16, NAME_MAX = FSM_INSTANCE_ID_MAX - SEQ_MAX - HASH_HEX - 2 };
  const char *name = fsm_arena_printf(arena, "%s.%s", parent, invoke);
  if (name == NULL) return NULL;
  const size_t len = strlen(name), kept = len < NAME_MAX ? len : NAME_MAX;
  bool changed = kept < len;
  char spelt[NAME_MAX + 1], hex[HASH_HEX + 1];
  spell(spelt, name, kept, &changed);
  spelt[kept] = '\0';
  if (!changed) return fsm_arena_printf(arena, "%s.%llu", spelt, (unsigned long long)seq);
  fsm__hash hash = fsm__sha256(name, len);
  fsm__hex(hash.bytes, HASH_HEX / 2, hex);
  return fsm_arena_printf(arena, "%s.%llu-%s", spelt, (unsigned long long)seq, hex);
}

/* ---- its task ----------------------------------------------------------------------------------- */

/* "file:lib/child.scxml#x" → "child": a deployed machine is known by its id. */
static const char *machine_named(fsm_arena *arena, const char *src) {
  const char *slash = strrchr(src, '/'), *colon = strchr(src, ':');
  const char *name = slash ? slash + 1 : colon ? colon + 1 : src;
  size_t len = strcspn(name, "#?");
  static const char suffix[] = ".scxml";
  if (len > sizeof suffix - 1 && strncmp(name + len - (sizeof suffix - 1), suffix, sizeof suffix - 1) == 0)
    len -= sizeof suffix - 1;
  return fsm_arena_strndup(arena, name, len);
}

/* {machine, input?} of an invoke that names the machine itself; else what the author wrote. */
static bool input_of(const fsm__case *at, const fsm_machine *machine, const fsm_effect *effect,
                     fsm_value *out) {
  *out = effect->data;
  if (!is_scxml(effect->type)) return true;
  const char *name = machine_named(at->arena, source_of(machine, effect));
  if (name == NULL) return false;
  const fsm_pair pairs[] = {{fsm_string("machine"), fsm_string(name)}, {fsm_string("input"), effect->data}};
  return fsm__decision_map(at->arena, pairs, fsm_is(&effect->data, FSM_NULL) ? 1 : 2, out);
}

bool fsm__child_entry(const fsm__case *at, const fsm__instance *in, uint64_t seq, const fsm_effect *effect,
                      fsm_value *out) {
  uint8_t *token = fsm_arena_alloc(at->arena, 16);
  const char *child = fsm__child_id(at->arena, in->id, effect->id, seq);
  fsm_value input;
  if (token == NULL || child == NULL || !input_of(at, in->deployed->machine, effect, &input)) return false;
  fsm__task_token(at, in->number, effect->id, seq, token);
  const fsm_pair pairs[] = {{fsm_string("id"), fsm_string(effect->id)},
                            {fsm_string("service"), fsm_string(FSM_SERVICE_MACHINE)},
                            {fsm_string("child"), fsm_string(child)},
                            {fsm_string("tok"), fsm_bytes(token, 16)},
                            {fsm_string("attempts"), fsm_int(1)},
                            {fsm_string("timeout"), fsm_int(0)},
                            {fsm_string("next"), fsm_int(FSM_CHILD_NEXT_NS)},
                            {fsm_string("input"), input}};
  return fsm__decision_map(at->arena, pairs, fsm_is(&input, FSM_NULL) ? 7 : 8, out);
}
