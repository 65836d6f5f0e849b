/* sink_config_field.c: one field of a sink, read as its row of the table says, or filled in. See
 * sink_config.c. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/sink_config_impl.h"
#include "schema/json.h"

static void *place(fsm__sink_config *config, size_t at) { return (char *)config + at; }

static fsm_code wrong(fsm__sink_reading *r, const fsm__field_row *row, const char *what) {
  return fsm__sink_fault(r->at, row->name, FSM_EARGUMENT, r->err, "%s", what);
}

static fsm_code out_of_range(fsm__sink_reading *r, const fsm__field_row *row) {
  char range[128];
  fsm__field_range(row, range, sizeof range);
  const char *kind = row->type == FSM__FIELD_COUNT  ? "a whole number from "
                     : row->type == FSM__FIELD_SIZE ? "a number of bytes, such as 65536 or \"64MiB\", from "
                     : row->type == FSM__FIELD_SPAN ? "a duration, such as \"500ms\" or \"1h\", from "
                                                    : "";
  return fsm__sink_fault(r->at, row->name, FSM_EARGUMENT, r->err, "expected %s%s", kind, range);
}

static bool in_range(const fsm__field_row *row, uint64_t n) {
  if (row->zero && n == 0) return true;
  return n <= INT64_MAX && (int64_t)n >= row->min && (int64_t)n <= row->max;
}

/* ---- one field ------------------------------------------------------------------------------------ */

/* No control characters: texts of a configuration go into headers, subjects, paths and log lines. */
static bool is_clean(const fsm_value *text) {
  for (uint32_t i = 0; i < text->len; i++)
    if ((unsigned char)text->s[i] < ' ' || text->s[i] == 0x7f) return false;
  return true;
}

static fsm_code read_text(fsm__sink_reading *r, const fsm__field_row *row, const fsm_value *value,
                          const char **out) {
  if (!fsm_is(value, FSM_STRING)) return wrong(r, row, "expected a text");
  if (value->len == 0) return wrong(r, row, "the text is empty");
  if (value->len > (uint64_t)row->max)
    return fsm__sink_fault(r->at, row->name, FSM_ETOOLARGE, r->err, "the text is longer than %lld bytes",
                           (long long)row->max);
  if (!is_clean(value)) return wrong(r, row, "there is a control character in the text");
  *out = fsm_arena_strndup(r->arena, value->s, value->len);
  return *out != NULL ? FSM_OK : fsm_fail(r->err, FSM_ENOMEM, r->at->text, "no memory for the sinks");
}

/* The number of the word in a list of words; -1 = it is none of them. */
static int word_in(const char *words, const fsm_value *value, const char **at) {
  int n = 0;
  for (const char *word = words; *word != '\0'; n++) {
    size_t len = strcspn(word, " ");
    if (value->len == len && memcmp(value->s, word, len) == 0) return *at = word, n;
    word += len + (word[len] == ' ');
  }
  return -1;
}

static fsm_code no_such_word(fsm__sink_reading *r, const fsm__field_row *row, const fsm_value *value) {
  char range[128];
  fsm__field_range(row, range, sizeof range);
  return fsm__sink_fault(r->at, row->name, FSM_EARGUMENT, r->err, "there is no \"%.*s\" here; expected %s",
                         value->len > 64 ? 64 : (int)value->len, value->s, range);
}

static fsm_code read_word(fsm__sink_reading *r, const fsm__field_row *row, const fsm_value *value,
                          const char **out, int *number) {
  const char *at = NULL;
  if (!fsm_is(value, FSM_STRING)) return wrong(r, row, "expected a text");
  if ((*number = word_in(row->words, value, &at)) < 0) return no_such_word(r, row, value);
  *out = fsm_arena_strndup(r->arena, at, value->len);
  return *out != NULL ? FSM_OK : fsm_fail(r->err, FSM_ENOMEM, r->at->text, "no memory for the sinks");
}

static fsm_code read_count(fsm__sink_reading *r, const fsm__field_row *row, const fsm_value *value,
                           unsigned *out) {
  if (!fsm_is(value, FSM_INT) || value->i < 0 || !in_range(row, (uint64_t)value->i))
    return out_of_range(r, row);
  *out = (unsigned)value->i;
  return FSM_OK;
}

static fsm_code read_size(fsm__sink_reading *r, const fsm__field_row *row, const fsm_value *value,
                          uint64_t *out) {
  char text[32];
  uint64_t bytes = 0;
  if (fsm_is(value, FSM_INT) && value->i >= 0) {
    bytes = (uint64_t)value->i;
  } else if (fsm_is(value, FSM_STRING) && value->len < sizeof text) {
    snprintf(text, sizeof text, "%.*s", (int)value->len, value->s);
    if (!fsm__size_parse(text, &bytes)) return out_of_range(r, row);
  } else {
    return out_of_range(r, row);
  }
  if (!in_range(row, bytes)) return out_of_range(r, row);
  *out = bytes;
  return FSM_OK;
}

static fsm_code read_span(fsm__sink_reading *r, const fsm__field_row *row, const fsm_value *value,
                          int64_t *out) {
  char text[64];
  int64_t ns = -1;
  if (!fsm_is(value, FSM_STRING) || value->len >= sizeof text) return out_of_range(r, row);
  snprintf(text, sizeof text, "%.*s", (int)value->len, value->s);
  if (fsm_duration_parse(text, &ns, NULL) != FSM_OK || ns < 0 || !in_range(row, (uint64_t)ns))
    return out_of_range(r, row);
  *out = ns;
  return FSM_OK;
}

static fsm_code check_list(fsm__sink_reading *r, const fsm__field_row *row, const fsm_value *value) {
  if (!fsm_is(value, FSM_LIST)) return wrong(r, row, "expected a list of texts");
  if (value->len < 1) return wrong(r, row, "the list is empty");
  if (value->len > (uint64_t)row->max)
    return fsm__sink_fault(r->at, row->name, FSM_ETOOLARGE, r->err, "the list has more than %lld texts",
                           (long long)row->max);
  return FSM_OK;
}

/* An item is read as a text under the list's own place. */
static fsm_code read_list(fsm__sink_reading *r, const fsm__field_row *row, const fsm_value *value,
                          const char *const **out, size_t *count) {
  fsm_code code = check_list(r, row, value);
  if (code != FSM_OK) return code;
  const char **texts = fsm_arena_zalloc(r->arena, value->len, sizeof *texts);
  if (texts == NULL) return fsm_fail(r->err, FSM_ENOMEM, r->at->text, "no memory for the sinks");
  fsm__pointer at = *r->at;
  fsm__pointer_key(&at, row->name, strlen(row->name));
  for (uint32_t i = 0; i < value->len && code == FSM_OK; i++) {
    char number[16];
    snprintf(number, sizeof number, "%u", (unsigned)i);
    fsm__field_row item = {.name = number, .max = row->item_max};
    fsm__sink_reading inner = *r;
    inner.at = &at;
    code = read_text(&inner, &item, &value->items[i], &texts[i]);
  }
  *out = texts;
  *count = value->len;
  return code;
}

static fsm_code read_flags(fsm__sink_reading *r, const fsm__field_row *row, const fsm_value *value,
                           bool *first, bool *second) {
  fsm_code code = check_list(r, row, value);
  if (code != FSM_OK) return code;
  *first = *second = false;
  for (uint32_t i = 0; i < value->len; i++) {
    const char *word = NULL;
    const fsm_value *item = &value->items[i];
    if (!fsm_is(item, FSM_STRING)) return wrong(r, row, "expected a list of texts");
    int n = word_in(row->words, item, &word);
    if (n < 0) return no_such_word(r, row, item);
    bool *flag = n == 0 ? first : second;
    if (*flag) return wrong(r, row, "the same is there twice");
    *flag = true;
  }
  return FSM_OK;
}

fsm_code fsm__field_read(fsm__sink_reading *r, const fsm__field_row *row, const fsm_value *value) {
  void *at = place(r->config, row->at), *other = place(r->config, row->count_at);
  const char *word = NULL;
  int number = 0;
  fsm_code code;
  switch (row->type) {
    case FSM__FIELD_TEXT:
    case FSM__FIELD_FILE:
    case FSM__FIELD_SECRET: return read_text(r, row, value, at);
    case FSM__FIELD_WORD: return read_word(r, row, value, at, &number);
    case FSM__FIELD_CHOICE:
      code = read_word(r, row, value, &word, &number);
      if (code == FSM_OK) *(bool *)at = number == 1;
      return code;
    case FSM__FIELD_ENUM:
      code = read_word(r, row, value, &word, &number);
      if (code == FSM_OK) *(unsigned *)at = (unsigned)number;
      return code;
    case FSM__FIELD_FLAGS: return read_flags(r, row, value, at, other);
    case FSM__FIELD_COUNT: return read_count(r, row, value, at);
    case FSM__FIELD_SIZE: return read_size(r, row, value, at);
    case FSM__FIELD_SPAN: return read_span(r, row, value, at);
    case FSM__FIELD_LIST: return read_list(r, row, value, at, other);
  }
  return FSM_OK;
}

fsm_code fsm__field_fill(fsm__sink_reading *r, const fsm__field_row *row, unsigned kind) {
  const char *text = fsm__field_fallback(row, kind);
  if (text == NULL) return FSM_OK;
  fsm_value value = fsm_string(text), words[2];
  uint64_t bytes = 0;
  if (row->type == FSM__FIELD_COUNT) {
    FSM_ASSERT(fsm__size_parse(text, &bytes));
    value = fsm_int((int64_t)bytes);
  } else if (row->type == FSM__FIELD_FLAGS) {
    size_t first = strcspn(text, " ");
    words[0] = fsm_stringn(text, first);
    words[1] = fsm_string(text + first + 1);
    value = fsm_list(words, 2);
  }
  return fsm__field_read(r, row, &value);
}
