/* config_value.c: the value of a setting between text and its typed member, by the kind of its row. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/daemon/config_table.h"
#include "schema/json.h"

_Static_assert(sizeof(fsm__policy) == sizeof(unsigned) && sizeof(fsm__log_style) == sizeof(unsigned) &&
                   sizeof(fsm__log_level) == sizeof(unsigned) && sizeof(fsm__doc) == sizeof(unsigned),
               "a choice is put as an unsigned");

static void *member(fsm__config *config, const fsm__setting *row) { return (char *)config + row->offset; }
static const void *member_of(const fsm__config *config, const fsm__setting *row) {
  return (const char *)config + row->offset;
}

/* ---- text → member -------------------------------------------------------------------------------- */

static const struct {
  char name[4];
  unsigned shift;
} size_units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};

/* Digits, and for sizes a unit. */
static bool read_whole(const char *text, bool with_unit, uint64_t *out) {
  char *end = NULL;
  errno = 0;
  const unsigned long long n = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
  if (!end || errno) return false;
  *out = n;
  if (!*end) return true;
  for (size_t i = 0; with_unit && i < sizeof size_units / sizeof *size_units; i++)
    if (strcmp(end, size_units[i].name) == 0) {
      *out = n << size_units[i].shift;
      return *out >> size_units[i].shift == n;
    }
  return false;
}

static fsm_code out_of_range(const fsm__setting *row, fsm_error *err) {
  fsm_buf range = {0};
  fsm__setting bare = *row;
  bare.note = bare.fallback = NULL;
  fsm__setting_range(&bare, &range);
  const char *what = row->kind == FSM__DURATION ? "a duration from "
                     : row->kind == FSM__CHOICE ? ""
                     : row->max < INT64_MAX     ? "a whole number from "
                                                : "a whole number, ";
  const char *hint = row->kind == FSM__DURATION ? ", with its unit (ms, s, m, h, d)"
                     : row->kind == FSM__SIZE   ? ", or one with KiB, MiB, GiB or TiB"
                                                : "";
  fsm_code code = fsm_fail(err, FSM_EARGUMENT, "", "it is %s%s%s", what, fsm_buf_text(&range), hint);
  fsm_buf_free(&range);
  return code;
}

static fsm_code put_whole(const fsm__setting *row, const char *text, uint64_t *out, fsm_error *err) {
  uint64_t n = 0;
  if (!read_whole(text, row->kind == FSM__SIZE, &n) || n < row->min || n > row->max)
    return out_of_range(row, err);
  *out = n;
  return FSM_OK;
}

static fsm_code put_duration(const fsm__setting *row, const char *text, int64_t *out, fsm_error *err) {
  int64_t ns = 0;
  if (fsm_duration_parse(text, &ns, NULL) != FSM_OK || ns < (int64_t)row->min || ns > (int64_t)row->max)
    return out_of_range(row, err);
  *out = ns;
  return FSM_OK;
}

/* The i-th of the words; its length, 0 = there is none. */
static size_t choice_at(const char *choices, unsigned i, const char **word) {
  for (*word = choices; i > 0; i--) {
    *word += strcspn(*word, " ");
    *word += **word == ' ';
  }
  return strcspn(*word, " ");
}

static fsm_code put_choice(const fsm__setting *row, const char *text, unsigned *out, fsm_error *err) {
  const char *word = NULL;
  size_t len = 0;
  for (unsigned i = 0; (len = choice_at(row->choices, i, &word)) > 0; i++)
    if (strlen(text) == len && memcmp(word, text, len) == 0) {
      *out = i;
      return FSM_OK;
    }
  return out_of_range(row, err);
}

static fsm_code put_flag(const char *text, bool *out, fsm_error *err) {
  if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
    return fsm_fail(err, FSM_EARGUMENT, "", "it is on or off");
  *out = text[1] == 'n';
  return FSM_OK;
}

static fsm_code put_text(const fsm__setting *row, const char *text, const char **out, fsm_error *err) {
  const size_t len = strlen(text), max = row->max ? row->max : FSM__CONFIG_VALUE_MAX;
  if (len > max) return fsm_fail(err, FSM_EARGUMENT, "", "the value has more than %zu bytes", max);
  *out = text;
  return FSM_OK;
}

static fsm_code put_item(const fsm__setting *row, const char *text, fsm__config_list *list, fsm_error *err) {
  const size_t max = row->max ? row->max : FSM__CONFIG_LIST_MAX;
  if (list->count == max) return fsm_fail(err, FSM_EARGUMENT, "", "it is given more than %zu times", max);
  list->at[list->count++] = text;
  return FSM_OK;
}

fsm_code fsm__setting_put(fsm__config *config, const fsm__setting *row, const char *text, fsm_error *err) {
  void *at = member(config, row);
  if (!*text) return fsm_fail(err, FSM_EARGUMENT, "", "the value is empty");
  switch (row->kind) {
    case FSM__TEXT:
    case FSM__PATH: return put_text(row, text, at, err);
    case FSM__LIST: return put_item(row, text, at, err);
    case FSM__FLAG:
    case FSM__ACTION: return put_flag(text, at, err);
    case FSM__NUMBER:
    case FSM__SIZE: return put_whole(row, text, at, err);
    case FSM__DURATION: return put_duration(row, text, at, err);
    case FSM__CHOICE: return put_choice(row, text, at, err);
  }
  FSM_ASSERT(!"a kind without a way in");
  return FSM_EARGUMENT;
}

void fsm__setting_defaults(fsm__config *config) {
  for (size_t i = 0; i < fsm__setting_count(); i++) {
    const fsm__setting *row = fsm__setting_at(i);
    if (row->fallback)
      FSM_ASSERT(fsm__setting_put(config, row, row->fallback, NULL) == FSM_OK);
    else if (row->kind == FSM__TEXT || row->kind == FSM__PATH)
      *(const char **)member(config, row) = "";
  }
}

static size_t size_of(fsm__setting_kind kind) {
  switch (kind) {
    case FSM__TEXT:
    case FSM__PATH: return sizeof(const char *);
    case FSM__LIST: return sizeof(fsm__config_list);
    case FSM__FLAG:
    case FSM__ACTION: return sizeof(bool);
    case FSM__NUMBER:
    case FSM__SIZE: return sizeof(uint64_t);
    case FSM__DURATION: return sizeof(int64_t);
    case FSM__CHOICE: return sizeof(unsigned);
  }
  return 0;
}

void fsm__setting_copy(fsm__config *to, const fsm__config *from, const fsm__setting *row) {
  memcpy(member(to, row), member_of(from, row), size_of(row->kind));
}

/* ---- member → text -------------------------------------------------------------------------------- */

/* Exactly, in the largest unit that does. */
static void add_duration(fsm_buf *out, int64_t ns) {
  static const struct {
    char name[3];
    int64_t ms;
  } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
  const int64_t ms = ns / 1000000;
  size_t i = 0;
  while (ms % units[i].ms != 0) i++;
  fsm_buf_printf(out, "%" PRId64 "%s", ms / units[i].ms, units[i].name);
}

bool fsm__setting_get(const fsm__config *config, const fsm__setting *row, size_t i, fsm_buf *out) {
  const void *at = member_of(config, row);
  if (row->kind == FSM__LIST) {
    const fsm__config_list *list = at;
    if (i < list->count) fsm_buf_str(out, list->at[i]);
    return i < list->count;
  }
  if (i > 0) return false;
  if (row->kind == FSM__TEXT || row->kind == FSM__PATH) {
    fsm_buf_str(out, *(const char *const *)at);
    return **(const char *const *)at != 0;
  }
  if (row->kind == FSM__FLAG || row->kind == FSM__ACTION) {
    fsm_buf_str(out, *(const bool *)at ? "on" : "off");
  } else if (row->kind == FSM__CHOICE) {
    const char *word = NULL;
    const size_t len = choice_at(row->choices, *(const unsigned *)at, &word);
    fsm_buf_add(out, word, len);
  } else if (row->kind == FSM__DURATION) {
    if (*(const int64_t *)at == 0 && row->min > 0) return false;
    add_duration(out, *(const int64_t *)at);
  } else {
    if (*(const uint64_t *)at == 0 && row->min > 0) return false;
    fsm_buf_printf(out, "%" PRIu64, *(const uint64_t *)at);
  }
  return true;
}

size_t fsm__setting_choice(const fsm__setting *row, unsigned i, const char **word) {
  return choice_at(row->choices, i, word);
}

/* ---- what a row takes ------------------------------------------------------------------------------ */

static void add_choices(fsm_buf *out, const char *choices) {
  const char *word = NULL;
  size_t len = 0;
  for (unsigned i = 0; (len = choice_at(choices, i, &word)) > 0; i++) {
    if (i > 0) fsm_buf_str(out, word[len] ? ", " : " or ");
    fsm_buf_add(out, word, len);
  }
}

static void add_kind(const fsm__setting *row, fsm_buf *out) {
  if (row->kind == FSM__CHOICE) {
    add_choices(out, row->choices);
  } else if (row->kind == FSM__DURATION) {
    add_duration(out, (int64_t)row->min);
    fsm_buf_str(out, " to ");
    add_duration(out, (int64_t)row->max);
  } else if (row->kind == FSM__NUMBER || (row->kind == FSM__SIZE && row->max < INT64_MAX)) {
    fsm_buf_printf(out, "%" PRIu64 " to %" PRIu64, row->min, row->max);
  } else if (row->kind == FSM__SIZE) {
    fsm_buf_printf(out, "%" PRIu64 " or more", row->min);
  }
}

static void add_part(fsm_buf *out, size_t start, const char *before, const char *text, const char *after) {
  if (!text) return;
  if (out->len > start) fsm_buf_str(out, "; ");
  fsm_buf_printf(out, "%s%s%s", before, text, after);
}

void fsm__setting_range(const fsm__setting *row, fsm_buf *out) {
  const size_t start = out->len;
  char times[32];
  add_kind(row, out);
  add_part(out, start, "", row->note, "");
  if (row->kind == FSM__LIST) {
    snprintf(times, sizeof times, "%llu", (unsigned long long)(row->max ? row->max : FSM__CONFIG_LIST_MAX));
    add_part(out, start, "up to ", times, " times");
  }
  if (row->kind != FSM__FLAG && row->kind != FSM__ACTION) add_part(out, start, "default ", row->fallback, "");
}
