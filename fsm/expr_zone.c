/* expr_zone.c: which offset holds at a time, and zones in expressions.
 *
 * A zone that is written as a literal is resolved when the expression is compiled, and its rules stay with
 * the expression: what a machine decided does not change when the zone data of the system does.
 */
#include "fsm/expr_zone.h"

#include <string.h>

static bool two_digits(const char *text, unsigned *value) {
  if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') return false;
  *value = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
  return true;
}

bool fsm__zone_fixed(const char *text, size_t len, int32_t *offset) {
  FSM_ASSERT((text || !len) && offset);
  unsigned hours, minutes;
  if (len == 3 && memcmp(text, "UTC", 3) == 0) {
    *offset = 0;
    return true;
  }
  bool sign = len > 0 && (*text == '+' || *text == '-');
  const char *at = text + sign;
  if (len - sign != 5 || at[2] != ':' || !two_digits(at, &hours) || !two_digits(at + 3, &minutes) ||
      hours > 23 || minutes > 59)
    return false;
  *offset = (int32_t)(hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
  return true;
}

/* RFC 8536, 3.2 and 3.3: the first type before the first transition, the rule from the last one on. */
int32_t fsm__zone_offset(const fsm__zone *zone, int64_t seconds) {
  FSM_ASSERT(zone);
  uint32_t low = 0, high = zone->count; /* the first transition after `seconds` lies in low … high */
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (zone->at[middle] <= seconds)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == zone->count && zone->ruled) return fsm__zone_rule_offset(&zone->rule, seconds);
  return low ? zone->offsets[low - 1] : zone->before;
}

/* ---- in expressions ---------------------------------------------------------------------------- */

static bool is_zone_name(const fsm_value *name) {
  static const char signs[] = "/_+-";
  if (name->len == 0 || name->len > FSM__ZONE_NAME_MAX) return false;
  for (uint32_t i = 0; i < name->len; i++) {
    char c = name->s[i];
    bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!plain && !(c && strchr(signs, c))) return false;
  }
  return true;
}

static fsm_code unknown_zone(const fsm__source *source, const fsm__node *node) {
  bool none = !source->options || !source->options->zones;
  return fsm__expr_fail(source, FSM_EEXPRESSION, node->begin,
                        none
                            ? "there is no time zone %.*s; only UTC and offsets such as +02:00 are known here"
                            : "there is no time zone %.*s",
                        node->end - node->begin, source->text + node->begin);
}

/* Its own memory ends with the call of the source, so all of it is copied. */
static fsm_code load_zone(fsm__source *source, const fsm__node *node, const fsm__zone **out) {
  const fsm_expr_options *options = source->options;
  const void *data = NULL;
  size_t len = 0;
  const char *reason = NULL;
  if (!is_zone_name(&node->value) || !options || !options->zones) return unknown_zone(source, node);
  fsm__zone *zone = fsm_arena_zalloc(source->arena, 1, sizeof *zone);
  const char *name = fsm_arena_strndup(source->arena, node->value.s, node->value.len);
  if (!zone || !name) return fsm__expr_fail(source, FSM_ENOMEM, node->begin, "no memory for a time zone");
  if (!options->zones(options->zones_arg, name, &data, &len) || !data) return unknown_zone(source, node);
  fsm_code code = fsm__zone_read(source->arena, data, len, zone, &reason);
  if (code == FSM_ENOMEM) return fsm__expr_fail(source, code, node->begin, "no memory for a time zone");
  if (code)
    return fsm__expr_fail(source, FSM_EEXPRESSION, node->begin,
                          "the rules of the time zone %s cannot be used: %s", name, reason);
  zone->name = name;
  zone->next = source->zones;
  *out = source->zones = zone;
  return FSM_OK;
}

fsm_code fsm__prepare_zone(fsm__source *source, fsm__node *call) {
  FSM_ASSERT(source && call);
  const fsm__node *node = call->count > 1 ? call->kids->next : NULL;
  int32_t offset;
  if (!node || node->kind != FSM__LITERAL || node->value.type != FSM_STRING ||
      fsm__zone_fixed(node->value.s, node->value.len, &offset))
    return FSM_OK;
  const fsm__zone *zone = source->zones;
  while (zone && !fsm_is_text(&node->value, zone->name)) zone = zone->next;
  fsm_code code = zone ? FSM_OK : load_zone(source, node, &zone);
  call->prepared = zone;
  return code;
}
