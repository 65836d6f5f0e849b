/* machine_place.c: places of the context: "total", "order.lines[0].price".
 *
 * A name, then names behind dots and expressions in brackets. A text that is none of that is kept: using it
 * is a fault of the action (SCXML 5.4), not of the definition.
 */
#include <string.h>

#include "fsm/machine_impl.h"

static bool is_letter(char x) {
  return (x >= 'A' && x <= 'Z') || (x >= 'a' && x <= 'z') || x == '_' || x == '$';
}

/* The end of the name that begins at `at`; at itself when none does. Bytes of UTF-8 are letters. */
static const char *name_end(const char *at) {
  if (!is_letter(*at) && (unsigned char)*at < 0x80) return at;
  while (is_letter(*at) || (*at >= '0' && *at <= '9') || (unsigned char)*at >= 0x80) at++;
  return at;
}

/* The bracket that closes the one before `at`, quotes observed; NULL when there is none. */
static const char *bracket_end(const char *at) {
  unsigned open = 1;
  for (char quote = 0; *at != '\0'; at++) {
    if (quote != 0) {
      if (*at == '\\' && at[1] != '\0')
        at++;
      else if (*at == quote)
        quote = 0;
    } else if (*at == '"' || *at == '\'') {
      quote = *at;
    } else if (*at == '[') {
      open++;
    } else if (*at == ']' && --open == 0) {
      return at;
    }
  }
  return NULL;
}

/* How many steps follow the root; -1 when the text is no place. */
static int count_steps(const char *at) {
  int count = 0;
  while (*at != '\0') {
    const char *end = *at == '.' ? name_end(at + 1) : *at == '[' ? bracket_end(at + 1) : NULL;
    if (end == NULL || end == at + 1) return -1;
    at = *at == '[' ? end + 1 : end;
    count++;
  }
  return count;
}

static fsm_code no_memory(const fsm__content *c, const char *where) {
  return fsm_fail(c->err, FSM_ENOMEM, fsm__place(where), "the machine does not fit into memory");
}

static fsm_code fill_steps(const fsm__content *c, const char *at, const char *where, fsm__place_step *steps) {
  for (unsigned i = 0; *at != '\0'; i++) {
    bool entry = *at++ == '[';
    const char *end = entry ? bracket_end(at) : name_end(at);
    const char *text = fsm_arena_strndup(c->arena, at, (size_t)(end - at));
    if (text == NULL) return no_memory(c, where);
    at = entry ? end + 1 : end;
    if (!entry) {
      steps[i].name = text;
      continue;
    }
    fsm_code code = fsm__expr_compile(c, text, where, &steps[i].expr);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

fsm_code fsm__location_compile(const fsm__content *c, const char *text, const char *where,
                               const fsm__location **out) {
  *out = NULL;
  if (text == NULL) return FSM_OK;
  fsm__location *place = fsm_arena_zalloc(c->arena, 1, sizeof *place);
  if (place == NULL || !fsm__keep(c->arena, text, &place->text)) return no_memory(c, where);
  *out = place;
  const char *end = name_end(text);
  int count = count_steps(end);
  if (end == text || count < 0) return FSM_OK;
  place->root = fsm_arena_strndup(c->arena, text, (size_t)(end - text));
  fsm__place_step *steps = fsm_arena_zalloc(c->arena, (size_t)count, sizeof *steps);
  if (place->root == NULL || steps == NULL) return no_memory(c, where);
  place->count = (unsigned)count;
  place->steps = steps;
  return fill_steps(c, end, where, steps);
}
