/* filter.h: FILTER, the one grammar by which instances are chosen: query parameters, flags of fsm-cli,
 * members of a NATS body (DESIGN 14). It comes from one table, FSM_FILTER_FIELDS.
 *
 * A filter is made by setting its fields one by one, each as text, and each is read and compiled then: a
 * filter that stands has no fault in it. All that is set has to hold. What needs to know the store (is there
 * such a machine, such a state?) is asked by the query.
 *
 *   machine         an id                       version          a number from 1
 *   state           a path or the beginning of one at a dot; an instance that is cancelled stands nowhere
 *   status          running paused incident completed cancelled · open (the first three) · done (completed)
 *                   · failed (an incident, or completed in a state tagged `failed`) · forced (an operator
 *                   set its states once); several with commas: any of them. Set again: that has to hold, too
 *   kind            what is wrong with it, of the open ones if not said otherwise; several with commas: any of
 *                   them; `any` is sla,orphan,dead,failed. Set again: that has to hold, too
 *                     sla     past the earliest of the times that its states have (meta.fsm.sla), counted from
 *                             when each was entered, and of that of the root, counted from its start
 *                     orphan  running or paused, and only events can move it, none of which anybody who is known
 *                             to act (GET /v1/actors), or nobody at all, may send: the `allow` of each holds for
 *                             none of them, as far as it can be told before something is sent. It has no timer,
 *                             task, child or message pending, no parent that waits for it, and no event of another
 *                             instance is on its way to it (delayed, or held while it is paused)
 *                     dead    running or paused (as if resumed), and nothing can move it: no event from outside,
 *                             no timer, answer of a task, child or message that is pending, to it or of it, finds a transition
 *                             that does something and whose guard is not surely false. Surely: whatever is
 *                             sent, by whom and when (fsm/prospect.h). Names that begin with xstate. done. error.
 *                             are not sent from outside
 *                     failed  an incident, or completed in a state tagged `failed`: not only open ones
 *                     silent  nothing is pending, and for the time of `for`, which has to be there, nothing has
 *                             happened to it, not even a refusal that has a record
 *   user            the `sub` of who changed it or noted something on it. Refusals do not count
 *   key             a business key; * any text, ? one character, \ takes the next one as it is
 *   label           NAME=VALUE; up to FSM_LABELS_MAX, each of another name
 *   correlation     its own, or that of a record that changed it
 *   trace           a W3C trace id, 32 hex digits, of a record that changed it
 *   for             time in its state (the longest of its leaves): 10m (at least), 10m..2h, ..2h (less than)
 *   since, until    created at or after, before: RFC 3339, a date (UTC), today, yesterday, or a duration: so
 *                   long ago
 *   updated_since, updated_until   the same of its last change
 *   where           an expression (fsm/expr.h) that gives a bool, over context, id, key, labels, machine,
 *                   version, state (the list of its leaves), status, forced, rev, correlation, since, age,
 *                   created, updated, now, and In('path'). One that fails for an instance does not hold for
 *                   it. Fields that are masked wherever they are shown are masked here, too
 *   sort            created (as without it), updated, age (or for), id, key, machine, state, sla (the time when
 *                   it is or was due); with - in front downwards
 *
 * Records that are not kept any more tell nothing: user, trace and correlation (but its own) are of those
 * that the journal has.
 *
 * Limits: below; where costs at most FSM_EXPR_WORK_MAX an instance. Errors: FSM_EARGUMENT, and what the
 * expression gives; err->where is the name of the field.
 *
 * Threads: who has set it up may give it to any number of reads, on any thread; from then on it is not to be
 * set any more. A read keeps it until it is answered. */
#ifndef FSM_FILTER_H
#define FSM_FILTER_H

#include "runtime/fsm_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  FSM_FILTER_VALUE_MAX = 512,  /* bytes of a value; of where: FSM_EXPR_TEXT_MAX */
  FSM_FILTER_STATUSES_MAX = 4, /* how often status may be set */
  FSM_FILTER_KINDS_MAX = 4,    /* the same of kind */
  FSM_FILTER_ENTRIES_MAX = 52
};

/* X(symbol, name, letter and flag of fsm-cli, what it takes, help, may be set more than once) */
/* clang-format off */
#define FSM_FILTER_FIELDS(X)                                                                                   \
  X(MACHINE, "machine", 'm', "machine", "MACHINE", "of this machine", false)                                   \
  X(VERSION, "version", 0, "machine-version", "N", "of this version of its machine", false)                    \
  X(STATE, "state", 's', "state", "STATE", "in this state, or in one inside it", false)                        \
  X(STATUS, "status", 0, "status", "STATUS",                                                                   \
    "running, paused, incident, completed, cancelled, open, done, failed, forced; a,b: any of them", true)     \
  X(KIND, "kind", 0, "kind", "KIND", "sla, orphan, dead, failed, silent (with --for); a,b: any of them", true) \
  X(USER, "user", 'u', "user", "USER", "that this person changed", false)                                      \
  X(KEY, "key", 'k', "key", "KEY", "with this business key; * and ? stand for any text", false)                \
  X(LABEL, "label", 'l', "label", "NAME=VALUE", "with this label", true)                                       \
  X(CORRELATION, "correlation", 0, "corr", "ID", "with this correlation, their own or of a change", false)     \
  X(TRACE, "trace", 0, "trace", "ID", "changed under this W3C trace id", false)                                \
  X(FOR, "for", 0, "for", "DUR", "at least this long in it: 90s, 10m, 1h30m, 2d; or 10m..2h", false)           \
  X(SINCE, "since", 0, "since", "TIME", "created then or later: RFC 3339, today, 3d (ago)", false)             \
  X(UNTIL, "until", 0, "until", "TIME", "created before", false)                                               \
  X(UPDATED_SINCE, "updated_since", 0, "updated-since", "TIME", "last changed then or later", false)           \
  X(UPDATED_UNTIL, "updated_until", 0, "updated-until", "TIME", "last changed before", false)                  \
  X(WHERE, "where", 0, "where", "EXPR", "for which this holds: context.amount > 1000", false)                  \
  X(SORT, "sort", 0, "sort", "FIELD", "by created, updated, age, id, key, machine, state, sla; -FIELD: downwards", false)
/* clang-format on */

typedef enum fsm_filter_field {
#define X(symbol, name, letter, flag, argument, help, repeats) FSM_FILTER_##symbol,
  FSM_FILTER_FIELDS(X)
#undef X
      FSM_FILTER_FIELD_COUNT
} fsm_filter_field;

/* Is there such a field, and may it be set more than once? */
FSM_API bool fsm_filter_has(const char *name);
FSM_API bool fsm_filter_repeats(const char *name);
FSM_API const char *fsm_filter_name(fsm_filter_field field);
FSM_API const char *fsm_filter_flag(fsm_filter_field field); /* of fsm-cli, without its dashes */

FSM_API FSM_MUST_USE fsm_code fsm_filter_new(fsm_filter **out, fsm_error *err);
FSM_API void fsm_filter_free(fsm_filter *filter); /* NULL is fine */

/* After a fault the filter is as it was. */
FSM_API FSM_MUST_USE fsm_code fsm_filter_set(fsm_filter *filter, const char *name, const char *value,
                                             fsm_error *err);
/* A map of members, as a body has it: a text each; version also a number; status and label also a list of
 * texts, label also a map of texts. */
FSM_API FSM_MUST_USE fsm_code fsm_filter_read(fsm_filter *filter, const fsm_value *members, fsm_error *err);

/* What was set, in the order of the table: the index-th; false behind the last. Set in this order another
 * filter is the same. */
FSM_API bool fsm_filter_at(const fsm_filter *filter, size_t index, const char **name, const char **value);
/* The same as a sentence: `machine=loan label=dept=claims where="context.amount > 10"`; in arena, NULL
 * without memory. */
FSM_API const char *fsm_filter_text(const fsm_filter *filter, fsm_arena *arena);

/* A time as `since` takes it, wherever else one is given: nanoseconds since 1970; what is relative is so to
 * now_ns. FSM_EARGUMENT says what times look like; name is its place. */
FSM_API FSM_MUST_USE fsm_code fsm_time_parse(const char *name, const char *text, int64_t now_ns, int64_t *out,
                                             fsm_error *err);

#ifdef __cplusplus
}
#endif
#endif
