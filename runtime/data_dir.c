/* data_dir.c: the data directory before anything in it is opened. See data_dir.h. */
#include "runtime/data_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/backup_read.h"
#include "runtime/store.h"

static char *path_in(const char *dir, const char *name) {
  char *path = NULL;
  return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a path"); }

/* A new entry is durable when its directory is. */
static fsm_code sync_dir(const char *path, fsm_error *err) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  fsm_code code = fd >= 0 && fsync(fd) == 0
                      ? FSM_OK
                      : fsm_fail(err, FSM_EIO, path, "the directory cannot be synced: %s", strerror(errno));
  if (fd >= 0) close(fd);
  return code;
}

static fsm_code sync_parent(const char *dir, fsm_error *err) {
  char *parent = path_in(dir, "..");
  fsm_code code = parent == NULL ? nomem(err) : sync_dir(parent, err);
  free(parent);
  return code;
}

/* Root may read what belongs to another; whoever writes must be the owner. */
static fsm_code check_private(const fsm_runtime_options *options, const struct stat *st, fsm_error *err) {
  if (!S_ISDIR(st->st_mode))
    return fsm_fail(err, FSM_EARGUMENT, options->dir, "the data directory is not a directory");
  if (st->st_uid != geteuid() && !(options->read_only && geteuid() == 0))
    return fsm_fail(err, FSM_EPERMISSION, options->dir,
                    "the data directory belongs to user %u, not to us (%u)", (unsigned)st->st_uid,
                    (unsigned)geteuid());
  if ((st->st_mode & 077) != 0)
    return fsm_fail(err, FSM_EPERMISSION, options->dir, "the data directory has mode %04o: set 0700",
                    (unsigned)st->st_mode & 07777);
  return FSM_OK;
}

/* Missing, or so short that it never was one: what a disk without room leaves; or never finished. */
static bool has_store(const char *dir) {
  char *path = path_in(dir, "store/data.mdb"), *making = path_in(dir, "store/" FSM_STORE_MAKING_FILE);
  struct stat st;
  bool there = path != NULL && making != NULL && stat(path, &st) == 0 &&
               st.st_size >= FSM_STORE_LEAST_BYTES && access(making, F_OK) != 0;
  free(path);
  free(making);
  return there;
}

static fsm_code mkdir_fault(fsm_error *err, const char *path, const char *what) {
  int fault = errno;
  return fsm_fail(err, fault == ENOSPC || fault == EDQUOT ? FSM_EFULL : FSM_EIO, path,
                  "%s cannot be made: %s", what, strerror(fault));
}

static bool has_segments(const char *dir) {
  char *path = path_in(dir, "journal/0");
  DIR *open_dir = path != NULL ? opendir(path) : NULL;
  bool found = false;
  free(path);
  if (open_dir == NULL) return false;
  for (struct dirent *entry; !found && (entry = readdir(open_dir)) != NULL;) {
    size_t len = strlen(entry->d_name);
    found = len > 4 && strcmp(entry->d_name + len - 4, ".seg") == 0;
  }
  closedir(open_dir);
  return found;
}

fsm_code fsm__data_dir_open(const fsm_runtime_options *options, fsm_error *err) {
  struct stat st;
  const char *dir = options->dir;
  if (stat(dir, &st) != 0) {
    if (options->read_only || options->must_exist || errno != ENOENT)
      return fsm_fail(err, errno == ENOENT ? FSM_ENOTFOUND : FSM_EIO, dir, "there is no data directory: %s",
                      strerror(errno));
    if (mkdir(dir, 0700) == 0) return sync_parent(dir, err);
    return mkdir_fault(err, dir, "the data directory");
  }
  fsm_code code = check_private(options, &st, err);
  if (code != FSM_OK) return code;
  const bool backup = fsm__backup_here(dir);
  if (backup && !options->read_only)
    return fsm_fail(err, FSM_EARGUMENT, dir,
                    "this is a backup: make a data directory of it with fsm-cli db restore");
  if (has_segments(dir) && !has_store(dir) && !backup)
    return fsm_fail(err, FSM_ECORRUPT, dir,
                    "the journal is there, but its store is missing: make it anew with fsm-cli db rebuild");
  return FSM_OK;
}

fsm_code fsm__data_dir_journal(const fsm_runtime_options *options, uint64_t store_applied, fsm_error *err) {
  if (store_applied > 0 && !has_segments(options->dir))
    return fsm_fail(err, FSM_ECORRUPT, options->dir,
                    "the store is at seq %llu, but its journal is missing: put journal/ back from a backup",
                    (unsigned long long)store_applied);
  if (options->read_only) return FSM_OK;
  char *path = path_in(options->dir, "journal");
  if (path == NULL) return nomem(err);
  fsm_code code = FSM_OK;
  if (mkdir(path, 0700) != 0 && errno != EEXIST) code = mkdir_fault(err, path, "the journal directory");
  free(path);
  return code == FSM_OK ? sync_dir(options->dir, err) : code;
}
