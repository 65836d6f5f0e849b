/* config_table.h: what a setting is: a row, and its value as text and as a typed member. */
#ifndef FSM_DAEMON_CONFIG_TABLE_H
#define FSM_DAEMON_CONFIG_TABLE_H

#include "runtime/daemon/config.h"

typedef enum fsm__setting_kind {
  FSM__TEXT,     /* const char *; bytes min..max, default 1..FSM__CONFIG_VALUE_MAX */
  FSM__PATH,     /* const char *, a file or directory */
  FSM__LIST,     /* fsm__config_list; up to max times, default FSM__CONFIG_LIST_MAX */
  FSM__FLAG,     /* bool; as an option alone = on */
  FSM__NUMBER,   /* uint64_t, min..max; "" = 0 */
  FSM__SIZE,     /* uint64_t bytes, min..max, also as 64MiB; "" = 0 */
  FSM__DURATION, /* int64_t ns, min..max; "" = 0 */
  FSM__CHOICE,   /* an enum that counts the names of choices from 0 */
  FSM__ACTION    /* bool; an option alone: something to do instead of serving */
} fsm__setting_kind;

typedef struct fsm__setting {
  const char *name;
  fsm__setting_kind kind;
  const char *argument; /* as --help calls it; NULL for flags and actions */
  size_t offset;        /* of the member of fsm__config */
  const char *fallback; /* the default, as it would be written; NULL = not set */
  uint64_t min, max;
  const char *choices; /* split at blanks */
  const char *note;    /* what else to know of the values; NULL = nothing */
  const char *help;
  bool option_only; /* not for a file */
} fsm__setting;

size_t fsm__setting_count(void);
const fsm__setting *fsm__setting_at(size_t i);
/* NULL: there is none of that name. */
const fsm__setting *fsm__setting_find(const char *name, size_t len);
size_t fsm__setting_index(const fsm__setting *row);
/* "; did you mean …?" or "", in text. */
const char *fsm__setting_closest(const char *name, char *text, size_t size);

/* The value that text means goes into its member. text is borrowed. FSM_EARGUMENT: text says why not, where
 * is "". */
FSM_MUST_USE fsm_code fsm__setting_put(fsm__config *config, const fsm__setting *row, const char *text,
                                       fsm_error *err);
/* The other way: the i-th value of the row as text. false: there is none, it is not set. */
bool fsm__setting_get(const fsm__config *config, const fsm__setting *row, size_t i, fsm_buf *out);
void fsm__setting_copy(fsm__config *to, const fsm__config *from, const fsm__setting *row);
void fsm__setting_defaults(fsm__config *config);
/* Which values it takes: "1m to 365d; default: none"; ASCII. */
void fsm__setting_range(const fsm__setting *row, fsm_buf *out);
/* The i-th of the names of choices; its length, 0 = there is none. */
size_t fsm__setting_choice(const fsm__setting *row, unsigned i, const char **word);
void fsm__config_complete(fsm_buf *out, fsm__doc shell);

/* ---- config_read.c, config_check.c ----------------------------------------------------------------- */

/* A wrong setting: the place that it has from where it was given. */
fsm_code fsm__config_wrong(const fsm__config *config, const char *name, fsm_error *err, const char *format,
                           ...) FSM_PRINTF(4, 5);
/* What contradicts what; fills what follows from the settings. */
/* What may not even be printed: values with a password in them. */
FSM_MUST_USE fsm_code fsm__config_check_secrets(const fsm__config *config, fsm_error *err);
FSM_MUST_USE fsm_code fsm__config_check(fsm__config *config, fsm_error *err);

#define FSM__SOCKET_NAME "/fsmd.sock" /* in the data directory */

#endif
