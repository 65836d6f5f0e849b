/* machine_allow.c: who may, compiled: of a state, a transition, an invoke.
 *
 * The expressions are those of JSON definitions in both dialects, so that they stand as they are when a
 * definition is taken from one notation to the other.
 */
#include "fsm/buf.h"
#include "fsm/machine_impl.h"

static fsm_code no_memory(const fsm__content *c, const char *where) {
  return fsm_fail(c->err, FSM_ENOMEM, where, "the machine does not fit into memory");
}

/* "a", or "(a) || (b)": one of them is enough. */
static const char *text_of(fsm_arena *arena, const fsm_def_allow *def) {
  if (def->count == 1) return fsm_arena_strdup(arena, def->texts[0]);
  fsm_buf buf = {0};
  for (size_t i = 0; i < def->count; i++) fsm_buf_printf(&buf, "%s(%s)", i > 0 ? " || " : "", def->texts[i]);
  const char *text = fsm_buf_ok(&buf) ? fsm_arena_strndup(arena, buf.data, buf.len) : NULL;
  fsm_buf_free(&buf);
  return text;
}

fsm_code fsm__allow_compile(const fsm__content *c, const fsm_def_allow *def, const fsm_shape *event,
                            const fsm__allow **out) {
  const char *where = fsm__place(def->where);
  *out = NULL;
  if (def->count == 0) return FSM_OK;
  if (def->count > FSM_ALLOW_MAX)
    return fsm_fail(c->err, FSM_ETOOLARGE, where, "an allow has more than %d expressions", FSM_ALLOW_MAX);
  fsm__allow *allow = fsm_arena_zalloc(c->arena, 1, sizeof *allow);
  const fsm_expr **exprs = fsm_arena_zalloc(c->arena, def->count, sizeof *exprs);
  if (allow == NULL || exprs == NULL) return no_memory(c, where);
  fsm__content content = *c;
  content.options.scxml = false;
  content.options.event = event;
  for (size_t i = 0; i < def->count; i++) {
    const char *own = def->wheres != NULL ? def->wheres[i] : where;
    fsm_code code = fsm__guard_compile(&content, def->texts[i], own, &exprs[i]);
    if (code != FSM_OK) return code;
  }
  *allow = (fsm__allow){.exprs = exprs, .count = (unsigned)def->count, .text = text_of(c->arena, def)};
  if (allow->text == NULL || !fsm__keep(c->arena, where, &allow->where)) return no_memory(c, where);
  *out = allow;
  return FSM_OK;
}
