/* filter_parse.c: the value of each field, from its text. */
#include <string.h>

#include "runtime/filter_impl.h"
#include "runtime/mobility.h"
#include "schema/closest.h"
#include "schema/json.h"

/* LEAST, LEAST.., LEAST..LESS, ..LESS */
static fsm_code read_for(fsm_filter *filter, const char *text, fsm_error *err) {
  char first[FSM_FILTER_VALUE_MAX + 1];
  int64_t least = 0, less = INT64_MAX;
  fsm_error why = {.text = ""};
  const char *dots = strstr(text, "..");
  size_t len = dots != NULL ? (size_t)(dots - text) : strlen(text);
  memcpy(first, text, len);
  first[len] = 0;
  fsm_code code = dots != NULL && len == 0 ? FSM_OK : fsm_duration_parse(first, &least, &why);
  if (code == FSM_OK && dots != NULL && (dots[2] != 0 || len == 0))
    code = fsm_duration_parse(dots + 2, &less, &why);
  if (code != FSM_OK) return fsm_fail(err, FSM_EARGUMENT, "for", "%s", why.text);
  if (less <= least)
    return fsm_fail(err, FSM_EARGUMENT, "for", "\"%.64s\" is empty: nothing is at least and less than that",
                    text);
  filter->for_least_ns = least;
  filter->for_less_ns = less;
  return FSM_OK;
}

/* ---- words -------------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  uint32_t bits;
} status_words[] = {
#define X(symbol, name) {name, 1u << symbol},
    FSM_STATUSES(X)
#undef X
        {"open", 1u << FSM_RUNNING | 1u << FSM_PAUSED | 1u << FSM_INCIDENT},
    {"done", 1u << FSM_COMPLETED},
    {"failed", FSM__ARE_FAILED},
    {"forced", FSM__ARE_FORCED},
};
enum { STATUS_WORDS = sizeof status_words / sizeof status_words[0] };

static fsm_code no_status(const char *word, fsm_error *err) {
  char text[128];
  fsm__closest closest = {.name = word};
  for (unsigned i = 0; i < STATUS_WORDS; i++) fsm__closest_try(&closest, status_words[i].name);
  return fsm_fail(err, FSM_EARGUMENT, "status",
                  "\"%.64s\" is no status: running, paused, incident, completed, cancelled, open, done, "
                  "failed, forced%s",
                  word, fsm__closest_text(&closest, text, sizeof text));
}

static fsm_code read_status(fsm_filter *filter, const char *text, fsm_error *err) {
  uint32_t bits = 0;
  if (filter->status_count == FSM_FILTER_STATUSES_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "status", "status is there more than %d times",
                    FSM_FILTER_STATUSES_MAX);
  for (bool last = false; !last;) {
    char word[FSM_FILTER_VALUE_MAX + 1];
    size_t len = strcspn(text, ",");
    unsigned i = 0;
    memcpy(word, text, len);
    word[len] = 0;
    while (i < STATUS_WORDS && strcmp(status_words[i].name, word) != 0) i++;
    if (i == STATUS_WORDS) return no_status(word, err);
    bits |= status_words[i].bits;
    last = text[len] == 0;
    text += len + !last;
  }
  filter->statuses[filter->status_count++] = bits;
  return FSM_OK;
}

static uint32_t kind_of(const char *word) {
  for (unsigned i = 0; i < FSM__KIND_COUNT; i++)
    if (strcmp(fsm__trouble_name((fsm__kind)i), word) == 0) return 1u << i;
  return strcmp(word, "any") == 0 ? FSM__KIND_ANY : 0;
}

static fsm_code read_kind(fsm_filter *filter, const char *text, fsm_error *err) {
  uint32_t bits = 0;
  if (filter->kind_count == FSM_FILTER_KINDS_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "kind", "kind is there more than %d times", FSM_FILTER_KINDS_MAX);
  for (bool last = false; !last;) {
    char word[FSM_FILTER_VALUE_MAX + 1];
    const size_t len = strcspn(text, ",");
    memcpy(word, text, len);
    word[len] = 0;
    const uint32_t bit = kind_of(word);
    if (bit == 0)
      return fsm_fail(err, FSM_EARGUMENT, "kind",
                      "\"%.64s\" is no kind: sla, orphan, dead, failed, silent, or any (but silent)", word);
    bits |= bit;
    last = text[len] == 0;
    text += len + !last;
  }
  filter->kinds[filter->kind_count++] = bits;
  return FSM_OK;
}

static const char *const sort_names[FSM__SORT_COUNT] = {
#define X(symbol, name) name,
    FSM__SORTS(X)
#undef X
};

const char *fsm__sort_name(fsm__sort sort) {
  FSM_ASSERT((unsigned)sort < FSM__SORT_COUNT);
  return sort_names[sort];
}

static fsm_code read_sort(fsm_filter *filter, const char *text, fsm_error *err) {
  const char *name = text + (*text == '-');
  if (strcmp(name, "for") == 0) name = "age";
  for (unsigned i = 0; i < FSM__SORT_COUNT; i++) {
    if (strcmp(sort_names[i], name) != 0) continue;
    filter->sort = (fsm__sort)i;
    filter->downwards = *text == '-';
    return FSM_OK;
  }
  return fsm_fail(err, FSM_EARGUMENT, "sort",
                  "\"%.64s\" is nothing to sort by: created, updated, age, id, key, machine, state, sla; "
                  "-created: downwards",
                  text);
}

static fsm_code read_version(fsm_filter *filter, const char *text, fsm_error *err) {
  uint64_t number = 0;
  size_t len = strspn(text, "0123456789");
  for (size_t i = 0; i < len && number <= UINT32_MAX; i++) number = number * 10 + (uint64_t)(text[i] - '0');
  if (text[len] != 0 || number < 1 || number > UINT32_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "version", "version is a number from 1 to %u", UINT32_MAX);
  filter->version = (uint32_t)number;
  return FSM_OK;
}

/* ---- texts -------------------------------------------------------------------------------------- */

static fsm_code read_label(fsm_filter *filter, const char *text, fsm_error *err) {
  const char *equals = strchr(text, '=');
  if (equals == NULL || equals == text)
    return fsm_fail(err, FSM_EARGUMENT, "label", "\"%.64s\" is no label: NAME=VALUE", text);
  if (equals - text > FSM_LABEL_BYTES_MAX || strlen(equals + 1) > FSM_LABEL_BYTES_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "label", "name and value of a label have at most %d bytes each",
                    FSM_LABEL_BYTES_MAX);
  if (filter->label_count == FSM_LABELS_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "label", "an instance has at most %d labels", FSM_LABELS_MAX);
  const char *name = fsm_arena_strndup(&filter->arena, text, (size_t)(equals - text));
  if (name == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter");
  for (unsigned i = 0; i < filter->label_count; i++)
    if (strcmp(filter->labels[i].name, name) == 0)
      return fsm_fail(err, FSM_EARGUMENT, "label", "label \"%s\" is there twice", name);
  filter->labels[filter->label_count].name = name;
  filter->labels[filter->label_count++].value = equals + 1;
  return FSM_OK;
}

static fsm_code read_key(fsm_filter *filter, const char *text, fsm_error *err) {
  char *plain = fsm_arena_strdup(&filter->arena, text);
  size_t len = 0;
  const char *at = text;
  if (plain == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter");
  for (; *at != 0 && *at != '*' && *at != '?'; at++) {
    if (*at == '\\' && *++at == 0)
      return fsm_fail(err, FSM_EARGUMENT, "key", "key ends with a \\ that nothing follows");
    plain[len++] = *at;
  }
  plain[len] = 0;
  for (const char *rest = at; *rest != 0; rest++)
    if (*rest == '\\' && *++rest == 0)
      return fsm_fail(err, FSM_EARGUMENT, "key", "key ends with a \\ that nothing follows");
  filter->key = text;
  filter->key_begin = plain;
  filter->key_exact = *at == 0 ? plain : NULL;
  return FSM_OK;
}

static fsm_code read_trace(fsm_filter *filter, const char *text, fsm_error *err) {
  static const char digits[] = "0123456789abcdef";
  char *bytes = fsm_arena_zalloc(&filter->arena, 16, 1);
  if (bytes == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for a filter");
  bool fits = strlen(text) == 32, some = false;
  for (size_t i = 0; fits && i < 32; i++) {
    char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i];
    const char *digit = strchr(digits, c);
    fits = digit != NULL;
    if (!fits) break;
    some |= digit != digits;
    bytes[i / 2] = (char)((unsigned char)bytes[i / 2] << 4 | (unsigned char)(digit - digits));
  }
  if (!fits || !some)
    return fsm_fail(err, FSM_EARGUMENT, "trace", "\"%.64s\" is no trace id: 32 hex digits, not all 0", text);
  filter->trace = bytes;
  return FSM_OK;
}

static fsm_code read_where(fsm_filter *filter, const char *text, fsm_error *err) {
  fsm_error why = {.text = ""};
  fsm_code code = fsm__condition_read(&filter->arena, text, true, &filter->where, &why);
  if (code != FSM_OK) return fsm_fail(err, code, "where", "%s: %s", why.where, why.text);
  filter->has_where = true;
  return FSM_OK;
}

fsm_code fsm__filter_read_field(fsm_filter *f, fsm_filter_field field, const char *value, fsm_error *err) {
  switch (field) {
    case FSM_FILTER_MACHINE: f->machine = value; return FSM_OK;
    case FSM_FILTER_STATE: f->state = value; return FSM_OK;
    case FSM_FILTER_USER: f->user = value; return FSM_OK;
    case FSM_FILTER_CORRELATION: f->correlation = value; return FSM_OK;
    case FSM_FILTER_VERSION: return read_version(f, value, err);
    case FSM_FILTER_STATUS: return read_status(f, value, err);
    case FSM_FILTER_KIND: return read_kind(f, value, err);
    case FSM_FILTER_KEY: return read_key(f, value, err);
    case FSM_FILTER_LABEL: return read_label(f, value, err);
    case FSM_FILTER_TRACE: return read_trace(f, value, err);
    case FSM_FILTER_FOR: return read_for(f, value, err);
    case FSM_FILTER_SINCE: return fsm__instant_read("since", value, &f->since, err);
    case FSM_FILTER_UNTIL: return fsm__instant_read("until", value, &f->until, err);
    case FSM_FILTER_UPDATED_SINCE: return fsm__instant_read("updated_since", value, &f->updated_since, err);
    case FSM_FILTER_UPDATED_UNTIL: return fsm__instant_read("updated_until", value, &f->updated_until, err);
    case FSM_FILTER_WHERE: return read_where(f, value, err);
    case FSM_FILTER_SORT: return read_sort(f, value, err);
    case FSM_FILTER_FIELD_COUNT: break;
  }
  FSM_ASSERT(!"a field of the table");
  return FSM_EARGUMENT;
}
