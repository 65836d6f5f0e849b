/* machine_sources.h: from an event's name to the states that have a transition for it. Private to fsm/.
 *
 * The idea: what a step costs is to grow with what its event touches. So the names and prefixes that the
 * machine's descriptors know are one hash table, and each knows its states; the few that most machines
 * name are a list, the many a bitset.
 */
#ifndef FSM_MACHINE_SOURCES_H
#define FSM_MACHINE_SOURCES_H

#include "fsm/machine_impl.h"

/* States with a transition that a name leads to. */
typedef struct fsm__sources {
  uint32_t count;
  const uint16_t *states; /* ascending, each once; NULL when `set` is there */
  const uint64_t *set;
} fsm__sources;

typedef struct fsm__named {
  const char *name; /* NULL = a free place of the table */
  uint32_t len;
  fsm__sources exact;  /* descriptors "name" */
  fsm__sources prefix; /* descriptors "name.*" */
} fsm__named;

struct fsm__source_index {
  uint32_t mask; /* places of the table − 1 */
  uint32_t seed; /* of the hash, chosen when it is built */
  bool has_prefix;
  const fsm__named *table;
  fsm__sources any;       /* descriptors "*" */
  fsm__sources eventless; /* transitions without an event */
};

/* Built when all transitions are compiled. */
FSM_MUST_USE fsm_code fsm__sources_index(fsm_machine *m, fsm_error *err);

#define FSM__NO_NAME UINT32_MAX

/* The active states with a transition that names the event; into hits (words of a configuration). false =
 * there is none, and hits is not written. *number is that of the exact name, as descriptors have it, or
 * FSM__NO_NAME. */
bool fsm__sources_of(const fsm_machine *m, const uint64_t *config, const char *name, size_t len,
                     uint64_t *hits, uint32_t *number);
/* The same with eventless transitions. */
bool fsm__sources_eventless(const fsm_machine *m, const uint64_t *config, uint64_t *hits);
/* Does any descriptor of the machine take the name? */
bool fsm__sources_know(const fsm_machine *m, const char *name, size_t len);

#endif
