/* match.c: compiling a pattern, and matches() in expressions.
 *
 * A literal pattern is compiled with its expression. One that is computed is compiled each time, and what
 * that costs counts as work, as does every step of a match.
 */
#include "fsm/match.h"

#include <string.h>

#include "fsm/expr_impl.h"
#include "fsm/match_impl.h"

int32_t fsm__character_at(const char *text, size_t len, size_t *width) {
  FSM_ASSERT(text && len && width);
  const unsigned char *s = (const unsigned char *)text;
  *width = fsm__utf8_sequence(text, len);
  switch (*width) {
    case 1: return s[0];
    case 2: return (s[0] & 0x1f) << 6 | (s[1] & 0x3f);
    case 3: return (s[0] & 0x0f) << 12 | (s[1] & 0x3f) << 6 | (s[2] & 0x3f);
    case 4: return (s[0] & 0x07) << 18 | (s[1] & 0x3f) << 12 | (s[2] & 0x3f) << 6 | (s[3] & 0x3f);
    default: *width = 1; return 0xfffd;
  }
}

static void check_text(fsm__pattern *p) {
  if (p->len > FSM__MATCH_PATTERN_MAX) {
    fsm__pattern_fail(p, FSM_ETOOLARGE, 0, "the pattern is longer than %d bytes", FSM__MATCH_PATTERN_MAX);
    return;
  }
  for (size_t at = 0, width; at < p->len && !p->code; at += width) {
    width = fsm__utf8_sequence(p->text + at, p->len - at);
    if (!width) fsm__pattern_fail(p, FSM_EEXPRESSION, at, "the pattern is not valid UTF-8");
  }
}

fsm_code fsm__match_compile(fsm_arena *arena, const char *pattern, size_t len, const fsm__match **out,
                            fsm_error *err) {
  FSM_ASSERT(arena && (pattern || !len) && out);
  fsm_arena tree;
  fsm_arena_init(&tree, 0);
  fsm__pattern p = {.text = len ? pattern : "", .len = len, .tree = &tree, .program = arena, .err = err};
  check_text(&p);
  const fsm__part *root = p.code ? NULL : fsm__pattern_parse(&p);
  if (!p.code) p.code = fsm__match_build(&p, root, out);
  fsm_arena_free(&tree);
  return p.code;
}

size_t fsm__match_cost(const fsm__match *match) { return match->cost; }
size_t fsm__match_size(const fsm__match *match) { return match->count; }

/* ---- in expressions ---------------------------------------------------------------------------- */

fsm_code fsm__prepare_matches(fsm__source *source, fsm__node *call) {
  FSM_ASSERT(source && call && call->count == 2);
  const fsm__node *node = call->kids->next;
  const fsm__match *match = NULL;
  fsm_error err = {0};
  if (node->kind != FSM__LITERAL || node->value.type != FSM_STRING) return FSM_OK;
  fsm_code code = fsm__match_compile(source->arena, node->value.s, node->value.len, &match, &err);
  call->prepared = match;
  return code ? fsm__expr_fail(source, code, node->begin, "%s", err.text) : FSM_OK;
}

static const fsm__match *compute(fsm__run *run, const fsm_value *pattern) {
  const fsm__match *match = NULL;
  fsm_error err = {0};
  fsm_code code = fsm__match_compile(run->arena, pattern->s, pattern->len, &match, &err);
  if (!code) return fsm__work(run, match->cost) ? match : NULL;
  const char *reason = fsm_arena_strdup(run->arena, err.text);
  if (code == FSM_ENOMEM || !reason)
    fsm__no_memory(run);
  else if (fsm__work(run, FSM__MATCH_PATTERN_MAX)) /* a pattern that fails costs too */
    fsm__refuse(run, reason, 1, pattern, NULL);
  return NULL;
}

bool fsm__call_matches(fsm__run *run, const fsm_value *args, fsm_value *out) {
  if (args[0].type != FSM_STRING || args[1].type != FSM_STRING)
    return fsm__refuse(run, "expected two strings", 2, &args[0], &args[1]);
  const fsm__match *match = run->call->prepared ? run->call->prepared : compute(run, &args[1]);
  if (!match) return false;
  uint64_t steps = run->work < FSM_EXPR_WORK_MAX ? FSM_EXPR_WORK_MAX - run->work : 0;
  bool found;
  fsm_code code = fsm__match_run(match, args[0].s, args[0].len, run->arena, &steps, &found);
  if (code == FSM_ENOMEM) return fsm__no_memory(run);
  if (!fsm__work(run, steps)) return false;
  *out = fsm_bool(found);
  return true;
}
