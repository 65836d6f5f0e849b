/* runtime_impl.h: what the other files of runtime/ may ask of a runtime. */
#ifndef FSM_RUNTIME_IMPL_H
#define FSM_RUNTIME_IMPL_H

#include "runtime/fsm_runtime.h"
#include "runtime/journal.h"
#include "runtime/masks.h"
#include "runtime/store.h"

struct fsm__writer;

/* Its queue and options are for any thread, the rest is its own thread's. */
struct fsm__writer *fsm__runtime_writer(fsm_runtime *runtime);
/* For cursors of readers in other threads; lives as long as the runtime. */
fsm__journal *fsm__runtime_journal(fsm_runtime *runtime);
/* <data dir>, as given. */
const char *fsm__runtime_dir(const fsm_runtime *runtime);
fsm_origin fsm__runtime_origin(const fsm_runtime *runtime);
/* Who writes, in every record. */
const char *fsm__runtime_node(const fsm_runtime *runtime);
/* Of all machines deployed; for any thread, lives as long as the runtime. */
fsm__masks *fsm__runtime_masks(const fsm_runtime *runtime);
/* For fsm__catalog_view only: the rest is the writer's. */
struct fsm__catalog *fsm__runtime_catalog(fsm_runtime *runtime);
/* For fsm__store_snapshot and fsm__store_view only: the rest of the store is the writer's. */
fsm__store *fsm__runtime_store(fsm_runtime *runtime);

/* NULL = none. */
struct fsm__retention *fsm__runtime_retention(fsm_runtime *runtime);

/* The sinks that there are, at most FSM_SINKS_MAX, for routes to name; in place of those named before. Any
 * thread. Until then there is none: a route to any is refused. */
void fsm__runtime_know_sinks(fsm_runtime *runtime, const char *const *names, size_t count);

bool fsm__runtime_read_only(const fsm_runtime *runtime);
bool fsm__runtime_closing(const fsm_runtime *runtime);
/* As fsm_submit, and also while the runtime closes: for its own services. */
FSM_MUST_USE fsm_code fsm__runtime_submit(fsm_runtime *runtime, const fsm_command *command,
                                          fsm_answer_fn answer_fn, void *arg, fsm_error *err);
/* options.manual: nothing is done but in calls. */
bool fsm__runtime_manual(const fsm_runtime *runtime);
/* Then: one turn of the writer, on this thread; how many commands it decided. */
size_t fsm__runtime_turn_writer(fsm_runtime *runtime);
/* The writer looks at what is due. */
void fsm__runtime_wake(fsm_runtime *runtime);
/* Asks the writer to bring the store up to date; returns at once, does nothing when read only. */
void fsm__runtime_want_round(fsm_runtime *runtime);

#endif
