/* files.h: files and directories of ours, made durable: what snapshots, backups and repairs are written with.
 *
 * Nothing here follows a symbolic link at the last step of a path. Directories are made 0700, files 0600.
 * What replaces a file is written beside it, synced and renamed, and the directory is synced after it.
 * Faults: FSM_EFULL for ENOSPC and EDQUOT, FSM_ENOTFOUND, FSM_EPERMISSION, else FSM_EIO; where is the path.
 */
#ifndef FSM_RUNTIME_FILES_H
#define FSM_RUNTIME_FILES_H

#include "runtime/hash.h"

enum { FSM_PATH_MAX = 4096 };

typedef struct fsm__path {
  char text[FSM_PATH_MAX];
} fsm__path;
/* FSM_ETOOLARGE when it does not fit. */
FSM_MUST_USE fsm_code fsm__path_of(fsm__path *out, fsm_error *err, const char *format, ...) FSM_PRINTF(3, 4);
/* From errno. */
fsm_code fsm__file_fault(fsm_error *err, const char *path, const char *what);

bool fsm__path_exists(const char *path);
/* One that is there already is fine. */
FSM_MUST_USE fsm_code fsm__dir_make(const char *path, fsm_error *err);
/* Makes it when it is missing; FSM_EEXISTS when there is anything in it. */
FSM_MUST_USE fsm_code fsm__dir_make_empty(const char *path, fsm_error *err);
FSM_MUST_USE fsm_code fsm__dir_sync(const char *path, fsm_error *err);
/* The bytes of the regular files in it. */
uint64_t fsm__dir_bytes(const char *path);
/* With all that is in it, links as links. What cannot be removed stays. */
void fsm__tree_remove(const char *path);

/* Replaces dir/name. */
FSM_MUST_USE fsm_code fsm__file_write(const char *dir, const char *name, const void *data, size_t len,
                                      fsm_error *err);
/* Appends the whole file; FSM_ETOOLARGE over max. */
FSM_MUST_USE fsm_code fsm__file_read(const char *path, size_t max, fsm_buf *out, fsm_error *err);
/* A durable copy that must not be there yet (its directory is the caller's to sync), and what was copied. */
FSM_MUST_USE fsm_code fsm__file_copy(const char *from, const char *to, uint64_t *bytes, fsm__hash *hash,
                                     fsm_error *err);
FSM_MUST_USE fsm_code fsm__file_hash(const char *path, uint64_t *bytes, fsm__hash *hash, fsm_error *err);
/* Renames within one file system and syncs both directories. */
FSM_MUST_USE fsm_code fsm__file_move(const char *from, const char *to, fsm_error *err);

#endif
