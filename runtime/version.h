/* version.h: what a program is made of, for its --version. */
#ifndef FSM_RUNTIME_VERSION_H
#define FSM_RUNTIME_VERSION_H

#include "fsm/fsm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* When the manual pages were last gone through. */
#define FSM_PAGES_DATE "2026-11-23"

/* "0.1.0": of the library that is running. */
FSM_API const char *fsm_version(void);
/* Appends four lines: program and version, build, formats, libraries; `libraries` (", libuv 1.44.2", or "")
 * are the program's own beside the runtime's. */
FSM_API void fsm_version_add(fsm_buf *out, const char *program, const char *libraries);

#ifdef __cplusplus
}
#endif

#endif
