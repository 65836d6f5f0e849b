/* simulation.h: a machine stepped by hand or by a script, under a clock that only these move.
 *
 * The idea: a simulation is its machine, its start and the list of entries done since (events, time,
 * answers). As the engine is deterministic, undoing is doing all but the last again, and saving is
 * writing the list down. What happens is made into documents (simulation_document.c), which are
 * printed as text or as JSON; so both show the same.
 */
#ifndef FSM_CLI_SIMULATION_H
#define FSM_CLI_SIMULATION_H

#include "fsm/session.h"
#include "tools/cli/cli.h"
#include "tools/cli/definition/graph.h"
#include "tools/cli/definition/machine_file.h"

/* ---- entries (simulation_entry.c) ---------------------------------------------------------------- */

typedef enum cli_entry_kind {
  CLI_ENTRY_EVENT, /* name, data */
  CLI_ENTRY_AFTER, /* ns later, timers firing each at its time */
  CLI_ENTRY_JUMP,  /* ns later at once, as after a downtime */
  CLI_ENTRY_DONE,  /* of the task name, with data as its output */
  CLI_ENTRY_FAIL,  /* of the task name, with data as its error */
  CLI_ENTRY_ACTOR, /* data: who acts from now on; null = nobody */
  CLI_ENTRY_EXPECT /* data: what is to be true now */
} cli_entry_kind;

typedef struct cli_entry {
  cli_entry_kind kind;
  const char *name;
  const char *session; /* NULL = the first one */
  fsm_value data;
  int64_t ns;
  fsm_code outcome; /* what came of it, for the saved script */
} cli_entry;

/* A line of a script, one JSON object. err->where is "column" or a member. */
FSM_MUST_USE fsm_code cli_entry_read(fsm_arena *arena, const char *line, size_t len, cli_entry *out,
                                     fsm_error *err);
/* The entry as such a line, with its newline. */
void cli_entry_write(fsm_buf *out, const cli_entry *entry);
/* "5m" or a number of milliseconds; more than nothing. */
FSM_MUST_USE fsm_code cli_entry_duration(const char *text, int64_t *ns, fsm_error *err);

/* ---- the simulation (simulation.c) --------------------------------------------------------------- */

/* What the tree tells of a compiled machine: the engine's transitions by number. */
typedef struct cli_model cli_model;
struct cli_model {
  cli_model *next;
  const fsm_machine *machine;
  cli_graph graph;
  struct {
    const cli_graph_node *node;
    const fsm_def_transition *transition;
  } * transitions;
  unsigned transition_count; /* 0 = unknown */
};

typedef struct cli_child {
  const char *name, *path;
  cli_machine_file file;
} cli_child;

/* A context as it was before the step that is shown. */
typedef struct cli_before cli_before;
struct cli_before {
  cli_before *next;
  const char *session; /* its id */
  fsm_arena arena;
  fsm_value context;
};

typedef struct cli_simulation {
  cli_run *cli;
  fsm_arena kept; /* entries and models, as long as the simulation */
  cli_machine_file file;
  cli_child *children; /* --child */
  size_t child_count;
  struct cli_content *contents; /* machines that came as content */
  cli_model *models;
  cli_entry *entries;
  size_t entry_count, entry_room;

  fsm_value input, first_actor, actor;
  int64_t begin_ns;
  fsm_sessions *sessions;
  fsm_session *session; /* the first */
  cli_before *before;
  unsigned steps;
  bool silent;    /* doing again what was shown before */
  bool no_memory; /* while a step was shown */
  fsm_code fault; /* the worst that came of the entry: an incident; FSM_OK = none */
  char fault_text[FSM_TEXT_MAX];
} cli_simulation;

enum {
  CLI_ENTRIES_MAX = 100000,
  CLI_ENTRY_BYTES_MAX = 1024 * 1024,
  CLI_SIMULATION_STEPS_MAX = 10000 /* macrosteps that one entry may lead to */
};

/* Reads the machine and starts it, showing the start. */
FSM_MUST_USE fsm_code cli_simulation_open(cli_run *cli, cli_simulation *out, fsm_error *err);
void cli_simulation_close(cli_simulation *sim);
/* Does an entry that is no expectation, and shows what happens. FSM_OK: it is done, and entry->outcome says
 * whether the machine took it, with *refusal as its sentence. Else it is not done. */
FSM_MUST_USE fsm_code cli_simulation_do(cli_simulation *sim, cli_entry *entry, fsm_error *refusal,
                                        fsm_error *err);
/* Undoes the last entry. FSM_EARGUMENT: there is none. */
FSM_MUST_USE fsm_code cli_simulation_back(cli_simulation *sim, fsm_error *err);
/* Writes the script of what was done, which ends in the state reached. */
FSM_MUST_USE fsm_code cli_simulation_save(const cli_simulation *sim, const char *path, fsm_error *err);
/* The tree behind a machine; NULL when it is not known. */
const cli_model *cli_simulation_model(const cli_simulation *sim, const fsm_machine *machine);
fsm_world cli_simulation_world(const cli_simulation *sim, const fsm_session *session);
/* The n-th session alive, parents first; NULL behind the last. */
const fsm_session *cli_simulation_session(const cli_simulation *sim, unsigned n);

/* ---- what is shown -------------------------------------------------------------------------------- */

/* simulation_document.c. All live in the arena; null = no memory. */
fsm_value cli_simulation_step(cli_simulation *sim, fsm_arena *arena, const fsm_session *session,
                              const fsm_event *event, const char *how, const fsm_value *before,
                              const fsm_step_result *result);
fsm_value cli_simulation_status(const cli_simulation *sim, fsm_arena *arena);
/* Paths of the leaves that are active. */
fsm_value cli_simulation_leaves(const fsm_session *session, fsm_arena *arena);

/* simulation_why.c: the part of a false guard that makes it false, the outermost of several: its text, and
 * what it read into *seen; NULL = the guard as a whole. event may be NULL. */
const char *cli_simulation_false_part(const cli_simulation *sim, const fsm_session *session,
                                      unsigned transition, const fsm_event *event, fsm_arena *arena,
                                      fsm_value *seen);

/* simulation_print.c: documents as text, into cli->text. */
void cli_simulation_print_step(cli_simulation *sim, const fsm_value *step);
void cli_simulation_print_status(cli_simulation *sim, const fsm_value *status);
/* The status now, in the form that was asked for. */
void cli_simulation_show(cli_simulation *sim);
/* The same after an entry, as far as it is news. */
void cli_simulation_show_after(cli_simulation *sim, const cli_entry *entry);
/* A document as a line of JSON, or nothing when text is asked for. */
void cli_simulation_json(cli_simulation *sim, const fsm_value *document);

/* simulation_expect.c: is what data says true? FSM_EARGUMENT: it says what cannot be asked; FSM_EEXPECT: it
 * is not so, *err tells the difference. last: what came of the entry before. */
FSM_MUST_USE fsm_code cli_simulation_expect(cli_simulation *sim, const fsm_value *data, fsm_code last,
                                            fsm_error *err);

/* simulation_script.c and simulation_prompt.c: all of a script; what is typed. simulation_hint.c: what was
 * meant. */
FSM_MUST_USE fsm_code cli_simulation_script(cli_simulation *sim, const char *path, fsm_buf *text,
                                            fsm_error *err);
FSM_MUST_USE fsm_code cli_simulation_prompt(cli_simulation *sim, fsm_error *err);
/* The events that may be sent now, each once, as a list of texts. */
fsm_value cli_simulation_sendable(const cli_simulation *sim, fsm_arena *arena);
/* The event that may be sent now and was probably meant; NULL = none is near. */
const char *cli_simulation_near(const cli_simulation *sim, const char *event, fsm_arena *arena);
/* "; did you mean A?; may be sent now: A, B" for an event that was not taken. */
const char *cli_simulation_hint(const cli_simulation *sim, const char *event, fsm_arena *arena);

#endif
