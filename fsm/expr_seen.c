/* expr_seen.c: which members an expression reads, and what they are in a scope.
 *
 * Only the leading part of a path whose steps are names or literals is noted, for that can be read
 * again without evaluating anything. A bare variable is not noted, but for input, which is short for
 * event.data.
 */
#include <string.h>

#include "fsm/buf.h"
#include "fsm/expr_impl.h"

static bool fixed(const fsm__node *step) {
  return step->kind == FSM__FIELD || step->kids->kind == FSM__LITERAL;
}

static const fsm_value *key_of(const fsm__node *step) {
  return step->kind == FSM__FIELD ? &step->value : &step->kids->value;
}

static void add_slice(fsm_buf *buf, const fsm__source *source, const fsm__node *node) {
  fsm_buf_add(buf, source->text + node->begin, (size_t)node->end - node->begin);
}

/* "context.items[0]", however it was spaced or bracketed. */
static void write_name(fsm_buf *buf, const fsm__source *source, const fsm__read *read) {
  bool scxml = source->options && source->options->scxml;
  bool written = !scxml || read->base->variable == FSM__EVENT; /* SCXML leaves out "context." */
  if (written) fsm_buf_str(buf, fsm__variable_name(read->base->variable, scxml));
  const fsm__node *step = read->base->next;
  for (unsigned i = 0; i < read->steps; i++, step = step->next) {
    if (step->kind == FSM__INDEX)
      fsm_buf_char(buf, '[');
    else if (i > 0 || written)
      fsm_buf_char(buf, '.');
    add_slice(buf, source, step->kind == FSM__FIELD ? step : step->kids);
    if (step->kind == FSM__INDEX) fsm_buf_char(buf, ']');
  }
}

static bool noted(const fsm_expr *expr, const fsm_value *name) {
  for (const fsm__read *read = expr->reads; read; read = read->next)
    if (fsm_value_same(&read->name, name)) return true;
  return false;
}

static fsm_code keep(const fsm__source *source, fsm_expr *expr, const fsm__read *read) {
  fsm__read *kept = fsm_arena_alloc(source->arena, sizeof *kept);
  if (!kept) return fsm__expr_fail(source, FSM_ENOMEM, read->base->begin, "no memory for the expression");
  *kept = *read;
  kept->next = expr->reads;
  expr->reads = kept;
  expr->read_count++;
  return FSM_OK;
}

fsm_code fsm__note_read(const fsm__source *source, fsm_expr *expr, const fsm__node *node) {
  fsm__read read = {.base = node->kind == FSM__PATH ? node->kids : node};
  if (expr->read_count == FSM__READS_MAX || read.base->kind != FSM__VARIABLE) return FSM_OK;
  if (node->kind == FSM__PATH)
    for (const fsm__node *step = read.base->next; step && fixed(step); step = step->next) read.steps++;
  if (!read.steps && read.base->variable != FSM__INPUT) return FSM_OK;
  fsm_buf buf = {0};
  write_name(&buf, source, &read);
  const char *name = fsm_buf_ok(&buf) ? fsm_arena_strndup(source->arena, buf.data, buf.len) : NULL;
  if (name) read.name = fsm_stringn(name, buf.len);
  fsm_buf_free(&buf);
  if (!name) return fsm__expr_fail(source, FSM_ENOMEM, node->begin, "no memory for the expression");
  return noted(expr, &read.name) ? FSM_OK : keep(source, expr, &read);
}

static const fsm_value *read_again(const fsm__read *read, const fsm_scope *scope, fsm_value *slot) {
  const fsm_value *value = fsm__variable_value(scope, read->base->variable, slot);
  const fsm__node *step = read->base->next;
  for (unsigned i = 0; i < read->steps && value; i++, step = step->next)
    value = fsm__at_key(value, key_of(step));
  return value;
}

/* Bytes that a value takes to show, roughly; stops counting past limit. */
static size_t shown_bytes(const fsm_value *value, size_t limit) {
  size_t bytes = 8;
  if (value->type == FSM_STRING || value->type == FSM_BYTES) return bytes + value->len;
  if (value->type == FSM_LIST)
    for (uint32_t i = 0; i < value->len && bytes <= limit; i++)
      bytes += shown_bytes(&value->items[i], limit - bytes);
  if (value->type == FSM_MAP)
    for (uint32_t i = 0; i < value->len && bytes <= limit; i++) {
      bytes += shown_bytes(&value->pairs[i].key, limit - bytes);
      if (bytes <= limit) bytes += shown_bytes(&value->pairs[i].value, limit - bytes);
    }
  return bytes;
}

/* A refusal tells what decided it, not a whole document: what is large is told by its beginning or its size.
 */
static bool brief(const fsm_value *value, fsm_arena *arena, fsm_value *out) {
  *out = *value;
  if (shown_bytes(value, FSM_EXPR_SEEN_MAX) <= FSM_EXPR_SEEN_MAX) return true;
  const char *text = NULL;
  if (value->type == FSM_STRING) {
    size_t cut = FSM_EXPR_SEEN_MAX / 2;
    while (cut > 0 && ((unsigned char)value->s[cut] & 0xC0) == 0x80) cut--;
    text = fsm_arena_printf(arena, "%.*s… (%u bytes)", (int)cut, value->s, (unsigned)value->len);
  } else {
    text = fsm_arena_printf(arena, "(%s of %u)", fsm_type_name((fsm_type)value->type), (unsigned)value->len);
  }
  if (text != NULL) *out = fsm_string(text);
  return text != NULL;
}

fsm_code fsm_expr_seen(const fsm_expr *expr, const fsm_scope *scope, fsm_arena *arena, fsm_value *out) {
  FSM_ASSERT(expr && scope && arena && out);
  fsm_pair *pairs = fsm_arena_zalloc(arena, expr->read_count, sizeof *pairs);
  if (!pairs) return FSM_ENOMEM;
  size_t count = 0;
  for (const fsm__read *read = expr->reads; read; read = read->next) {
    fsm_value slot;
    const fsm_value *value = read_again(read, scope, &slot);
    if (!value) continue;
    pairs[count].key = read->name;
    if (!brief(value, arena, &pairs[count++].value)) return FSM_ENOMEM;
  }
  return fsm_map(pairs, count, out, NULL);
}

bool fsm_expr_reads(const fsm_expr *expr, unsigned index, fsm_expr_path *out) {
  FSM_ASSERT(expr && out);
  const fsm__read *read = expr->reads;
  while (read && index--) read = read->next;
  *out = (fsm_expr_path){.count = 0};
  if (!read || read->base->variable != FSM__CONTEXT) return read != NULL;
  const fsm__node *step = read->base->next;
  for (; out->count < read->steps && out->count < 2; step = step->next)
    out->steps[out->count++] = *key_of(step);
  return true;
}
