/* machine_expr.c: the expressions of a machine, each compiled once.
 *
 * The idea: named guards, and patterns that people repeat, make many places read the same text. A compiled
 * expression is never written to, so all of them share one. Kept while the machine is compiled is a table
 * from what decides the result (the text, whether it guards, the notation, the shape of the event) to the
 * expression.
 */
#include <string.h>

#include "fsm/machine_compile.h"

typedef struct fsm__expr_entry fsm__expr_entry;
struct fsm__expr_entry {
  const fsm__expr_entry *next; /* with the same bits of the hash */
  const fsm_expr *expr;
  const fsm_shape *event;
  uint32_t hash;
  bool guard, scxml;
};

bool fsm__exprs_init(fsm__exprs *exprs, fsm_arena *scratch, size_t expected) {
  uint32_t size = 16;
  while (size < expected && size < FSM_TRANSITIONS_MAX) size *= 2;
  *exprs = (fsm__exprs){.scratch = scratch, .mask = size - 1};
  exprs->buckets = fsm_arena_zalloc(scratch, size, sizeof(fsm__expr_entry *));
  return exprs->buckets != NULL;
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint32_t hash_of(const char *text, size_t len) {
  uint32_t hash = UINT32_C(2166136261);
  for (size_t i = 0; i < len; i++) hash = (hash ^ (unsigned char)text[i]) * UINT32_C(16777619);
  return hash ^ hash >> 15;
}

static const fsm_expr *known(const fsm__exprs *exprs, const fsm_expr_options *options, const char *text,
                             uint32_t hash) {
  for (const fsm__expr_entry *e = exprs->buckets[hash & exprs->mask]; e != NULL; e = e->next)
    if (e->hash == hash && e->guard == options->guard && e->scxml == options->scxml &&
        e->event == options->event && strcmp(fsm_expr_text(e->expr), text) == 0)
      return e->expr;
  return NULL;
}

static bool remember(fsm__exprs *exprs, const fsm_expr_options *options, const fsm_expr *expr,
                     uint32_t hash) {
  fsm__expr_entry *entry = fsm_arena_alloc(exprs->scratch, sizeof *entry);
  if (entry == NULL) return false;
  const fsm__expr_entry **bucket = &exprs->buckets[hash & exprs->mask];
  *entry = (fsm__expr_entry){*bucket, expr, options->event, hash, options->guard, options->scxml};
  *bucket = entry;
  return true;
}

static fsm_code compile(const fsm__content *c, const fsm_expr_options *options, const char *text,
                        const char *where, const fsm_expr **out) {
  FSM_ASSERT(text != NULL);
  const size_t len = strlen(text);
  const uint32_t hash = hash_of(text, len);
  const fsm_expr *same = known(c->exprs, options, text, hash);
  if (same != NULL) {
    *out = same;
    return FSM_OK;
  }
  fsm_error fault = {0};
  fsm_code code = fsm_expr_compile_with(c->arena, text, len, options, out, &fault);
  if (code != FSM_OK)
    return fsm_fail(c->err, code, fsm__place(where), "\"%.120s\": %s: %s", text, fault.where, fault.text);
  if (remember(c->exprs, options, *out, hash)) return FSM_OK;
  return fsm_fail(c->err, FSM_ENOMEM, fsm__place(where), "the machine does not fit into memory");
}

fsm_code fsm__expr_compile(const fsm__content *c, const char *text, const char *where, const fsm_expr **out) {
  return compile(c, &c->options, text, where, out);
}

fsm_code fsm__guard_compile(const fsm__content *c, const char *text, const char *where,
                            const fsm_expr **out) {
  fsm_expr_options options = c->options;
  options.guard = true;
  return compile(c, &options, text, where, out);
}
