/* labels.h: what a definition calls its states, events and itself, in the reader's language.
 *
 * A label is a text, or a map {"en": …, "de": …}: of the machine `meta.label` of the root, of a state its
 * `meta.label`, of an event `title` and `x-title` of its schema (schemas.events). The language is --lang,
 * $LC_ALL, $LC_MESSAGES or $LANG: "de_AT.UTF-8" is de-AT, then de, then en, then whichever comes first.
 * `--lang none` and C show names only.
 *
 * They are for tables: json, csv, ids and arguments have the names. A definition is asked for once a process
 * and version, for the first CLI_LABELS_MAX of them; one that cannot be read has no labels, which is no
 * fault.
 */
#ifndef FSM_CLI_LABELS_H
#define FSM_CLI_LABELS_H

#include "fsm/value.h"

enum { CLI_LABELS_MAX = 32 };

typedef struct cli_labels {
  char language[32]; /* "de-AT"; "" = names only */
  bool known;        /* that */
  size_t count;
  struct {
    const char *machine;
    uint32_t version;
    fsm_value definition; /* null = none */
  } machines[CLI_LABELS_MAX];
  fsm_arena arena;
} cli_labels;

typedef struct cli_run cli_run;

void cli_labels_free(cli_labels *labels);
/* Each NULL when there is none. Machine and version are those of a document's item; escaped, in arena. */
const char *cli_machine_label(cli_run *cli, fsm_arena *arena, const fsm_value *item);
const char *cli_event_label(cli_run *cli, fsm_arena *arena, const fsm_value *item, const char *event);
/* Of one leaf, by its path. */
const char *cli_path_label(cli_run *cli, fsm_arena *arena, const fsm_value *item, const fsm_value *path);
/* The same by the newest version of a machine. */
const char *cli_newest_label(cli_run *cli, fsm_arena *arena, const char *machine, const char *path);
/* A list of paths with labels in place of those that have one; nothing is escaped. */
fsm_value cli_path_labels(cli_run *cli, fsm_arena *arena, const fsm_value *item, const fsm_value *paths);
/* Its `state` as a table shows it: labels of the leaves where there are any, paths of the others; always
 * text. */
const char *cli_state_text(cli_run *cli, fsm_arena *arena, const fsm_value *item);

/* The text of a label in a language; NULL: it has none. */
const fsm_value *cli_label_in(const fsm_value *label, const char *language);
/* A language from a locale's name ("de_AT.UTF-8@euro" is "de-AT"; "C" and "POSIX" are ""); false: too long.
 */
bool cli_language_of(const char *locale, char *out, size_t size);

#endif
