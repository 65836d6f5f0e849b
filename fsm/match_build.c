/* match_build.c: a tree to a program.
 *
 * Every part becomes instructions that go on behind it; x{2,4} is x x (x (x)?)?. What was to be written once
 * more is written once more, so the bounds are on what is written and on how much of the tree is looked at
 * (an empty part repeated a thousand times a thousand times writes nothing).
 */
#include <string.h>

#include "fsm/match_impl.h"

typedef struct builder {
  fsm__pattern *p;
  fsm__instruction *code; /* FSM__MATCH_SIZE_MAX */
  const fsm__class **classes;
  uint32_t count, looked;
} builder;

static void build(builder *b, const fsm__part *part);

static uint32_t emit(builder *b, fsm__instruction_kind kind) {
  if (!b->p->code && b->count == FSM__MATCH_SIZE_MAX)
    fsm__pattern_fail(b->p, FSM_ETOOLARGE, 0, "the pattern is larger than %d instructions",
                      FSM__MATCH_SIZE_MAX);
  if (b->p->code) return 0;
  b->code[b->count] = (fsm__instruction){.kind = (uint8_t)kind, .next = (uint16_t)(b->count + 1)};
  return b->count++;
}

static void build_either(builder *b, const fsm__part *part) {
  uint32_t ends = 0; /* a list through the GOs: each holds the one before it, 0 is its end */
  for (const fsm__part *kid = part->kids; kid && !b->p->code; kid = kid->next) {
    uint32_t fork = kid->next ? emit(b, FSM__FORK) : 0;
    build(b, kid);
    if (!kid->next || b->p->code) break;
    uint32_t go = emit(b, FSM__GO);
    b->code[go].next = (uint16_t)ends;
    ends = go;
    b->code[fork].other = (uint16_t)b->count;
  }
  while (ends && !b->p->code) {
    uint32_t before = b->code[ends].next;
    b->code[ends].next = (uint16_t)b->count;
    ends = before;
  }
}

static void build_repeat(builder *b, const fsm__part *part) {
  for (unsigned i = 0; i < part->least && !b->p->code; i++) build(b, part->kids);
  if (part->most == FSM__ENDLESS) {
    uint32_t fork = emit(b, FSM__FORK);
    build(b, part->kids);
    uint32_t back = emit(b, FSM__GO);
    if (b->p->code) return;
    b->code[back].next = (uint16_t)fork;
    b->code[fork].other = (uint16_t)b->count;
    return;
  }
  uint32_t forks = 0, least = b->count; /* a list through the FORKs, as above; none of them is at 0 then */
  for (unsigned i = part->least; i < part->most && !b->p->code; i++) {
    uint32_t fork = emit(b, FSM__FORK);
    b->code[fork].other = (uint16_t)forks;
    forks = fork;
    build(b, part->kids);
  }
  for (bool first = false; !b->p->code && part->most > part->least && !first;) {
    uint32_t before = b->code[forks].other;
    first = forks == least;
    b->code[forks].other = (uint16_t)b->count;
    forks = before;
  }
}

static void build(builder *b, const fsm__part *part) {
  if (++b->looked > FSM__MATCH_BUILD_MAX)
    fsm__pattern_fail(b->p, FSM_ETOOLARGE, 0, "the pattern repeats too much");
  if (b->p->code) return;
  static const uint8_t kinds[] = {
      [FSM__CHARACTER] = FSM__ON_CHARACTER,       [FSM__FOLDED] = FSM__ON_FOLDED, [FSM__ANY] = FSM__ON_ANY,
      [FSM__NOT_LINE_END] = FSM__ON_NOT_LINE_END, [FSM__CLASS] = FSM__ON_CLASS,   [FSM__ASSERTION] = FSM__IF};
  switch ((fsm__part_kind)part->kind) {
    case FSM__EMPTY: return;
    case FSM__SEQUENCE:
      for (const fsm__part *kid = part->kids; kid && !b->p->code; kid = kid->next) build(b, kid);
      return;
    case FSM__EITHER: build_either(b, part); return;
    case FSM__REPEAT: build_repeat(b, part); return;
    default: break;
  }
  uint32_t at = emit(b, (fsm__instruction_kind)kinds[part->kind]);
  if (b->p->code) return;
  if (part->kind == FSM__CLASS) {
    b->code[at].other = part->class->number;
    b->classes[part->class->number] = part->class;
  } else if (part->kind == FSM__ASSERTION) {
    b->code[at].assertion = part->assertion;
  } else {
    b->code[at].c = part->c;
  }
}

/* Does every match begin with the text? Only what is plain to see counts. */
static bool is_anchored(const fsm__part *part) {
  while (part && part->kind == FSM__SEQUENCE) part = part->kids;
  return part && part->kind == FSM__ASSERTION && part->assertion == FSM__TEXT_BEGIN;
}

fsm_code fsm__match_build(fsm__pattern *p, const fsm__part *root, const fsm__match **out) {
  FSM_ASSERT(p && root && out && !p->code);
  builder b = {.p = p};
  b.code = fsm_arena_alloc(p->tree, FSM__MATCH_SIZE_MAX * sizeof *b.code);
  b.classes = fsm_arena_zalloc(p->program, p->classes + 1u, sizeof *b.classes);
  if (!b.code || !b.classes) fsm__pattern_fail(p, FSM_ENOMEM, 0, "no memory for the pattern");
  if (!p->code) build(&b, root);
  emit(&b, FSM__MATCHED);
  if (p->code) return p->code;
  fsm__match *match = fsm_arena_zalloc(p->program, 1, sizeof *match);
  fsm__instruction *code = fsm_arena_alloc(p->program, b.count * sizeof *code);
  if (!match || !code) {
    fsm__pattern_fail(p, FSM_ENOMEM, 0, "no memory for the pattern");
    return p->code;
  }
  memcpy(code, b.code, b.count * sizeof *code);
  *match = (fsm__match){.count = (uint16_t)b.count,
                        .anchored = is_anchored(root),
                        .cost = (uint32_t)p->len + b.looked + b.count,
                        .code = code,
                        .classes = b.classes};
  *out = match;
  return FSM_OK;
}
