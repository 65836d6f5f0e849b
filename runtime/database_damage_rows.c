/* database_damage_rows.c: what can be read of a store and its snapshots, looked at in a process of its own.
 * See database_damage.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/database_damage.h"

/* What a look at the store found. It is made in a process of its own: LMDB trusts what pages say, so reading
 * a damaged file can end the process that reads it (store_guard.h). */
typedef struct look {
  fsm_code code;
  fsm_error fault;
  uint64_t applied;
  fsm__hash leaf;
  uint8_t id[16];
} look;

/* ---- the store and the snapshots ----------------------------------------------------------------- */

static void look_at_position(const char *dir, look *out) {
  fsm__path path;
  fsm__store *store = NULL;
  out->code = fsm__path_of(&path, &out->fault, "%s/store", dir);
  if (out->code != FSM_OK) return;
  out->code =
      fsm__store_open(&(fsm__store_options){.dir = path.text, .read_only = true}, &store, &out->fault);
  if (out->code != FSM_OK) return;
  fsm__store_id(store, out->id);
  out->applied = fsm__store_applied(store, &out->leaf);
  fsm__store_close(store);
}

static void look_at_rows(const char *dir, look *out) {
  fsm_runtime *runtime = NULL;
  fsm_verified verified;
  const fsm_runtime_options options = {.dir = dir, .read_only = true, .must_exist = true};
  out->code = fsm_runtime_open(&options, &runtime, NULL, &out->fault);
  if (out->code == FSM_OK) out->code = fsm_runtime_verify(runtime, &verified, &out->fault);
  fsm_runtime_close(runtime);
}

static bool passed_on(int fd, const look *found) {
  return write(fd, found, sizeof *found) == (ssize_t)sizeof *found; /* less than PIPE_BUF: all or nothing */
}

static void look_in_child(const char *dir, void (*how)(const char *, look *), look *out) {
  int ends[2];
  _Static_assert(sizeof(look) <= PIPE_BUF, "what is found fits a pipe");
  *out = (look){.code = FSM_ECORRUPT};
  if (pipe2(ends, O_CLOEXEC) != 0) {
    out->code = fsm_fail(&out->fault, FSM_ENOMEM, dir, "no pipe: %s", strerror(errno));
    return;
  }
  const pid_t child = fork();
  if (child == 0) {
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) (void)dup2(nowhere, STDERR_FILENO);
    how(dir, out);
    _exit(passed_on(ends[1], out) ? 0 : 1);
  }
  close(ends[1]);
  if (child < 0) {
    out->code =
        fsm_fail(&out->fault, FSM_ENOMEM, dir, "no process to look at the store: %s", strerror(errno));
  } else {
    ssize_t got;
    while ((got = read(ends[0], out, sizeof *out)) < 0 && errno == EINTR) continue;
    if (got != (ssize_t)sizeof *out) {
      *out = (look){.code = FSM_ECORRUPT};
      char file[FSM_WHERE_MAX];
      snprintf(file, sizeof file, "%.*s/store/data.mdb", (int)sizeof file - 20, dir);
      (void)fsm_fail(&out->fault, FSM_ECORRUPT, file,
                     "it cannot be read to its end: a page points behind it, or the file was cut");
    }
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
  }
  close(ends[0]);
}

fsm_code fsm__damage_store(fsm__damage *d, const char *dir, fsm_error *err) {
  look found;
  fsm_code code = fsm__path_of(&d->at.journal, err, "%s/journal/0", dir);
  if (code == FSM_OK) code = fsm__path_of(&d->at.snapshots, err, "%s/" FSM_SNAPSHOT_DIR, dir);
  if (code != FSM_OK) return code;
  look_in_child(dir, look_at_position, &found);
  if (found.code == FSM_ELOCKED || found.code == FSM_EVERSION || found.code == FSM_EPERMISSION ||
      found.code == FSM_ENOMEM)
    return fsm_fail(err, found.code, found.fault.where, "%s", found.fault.text);
  if (found.code != FSM_OK || fsm__stopped_origin(&d->at, &d->origin, NULL) != FSM_OK) return FSM_OK;
  if (memcmp(found.id, d->origin.store, sizeof found.id) != 0) return FSM_OK;
  d->applied = found.applied;
  d->applied_leaf = found.leaf;
  return FSM_OK;
}

fsm_code fsm__damage_snapshots(fsm__damage *d, fsm_error *err) {
  fsm__snapshot_info *list = NULL, again;
  size_t count = 0;
  fsm_code code = fsm__snapshot_list(d->at.snapshots.text, &list, &count, NULL, err);
  for (size_t i = 0; code == FSM_OK && i < count; i++) {
    fsm__path path;
    fsm_error fault = {.text = ""};
    code = fsm__snapshot_path(d->at.snapshots.text, list[i].from_seq, &path, err);
    if (code != FSM_OK || fsm__snapshot_check(path.text, &again, &fault) == FSM_OK) continue;
    d->snapshot_fault = fault;
    if (d->bad_count < FSM__BAD_SNAPSHOTS_MAX) d->bad_snapshots[d->bad_count++] = list[i].from_seq;
  }
  free(list);
  return code;
}

fsm_code fsm__damage_rows(fsm__damage *d, const char *dir, fsm_error *err) {
  look found;
  look_in_child(dir, look_at_rows, &found);
  d->store = found.code;
  d->store_fault = found.fault;
  if (d->store == FSM_ENOMEM || d->store == FSM_ELOCKED || d->store == FSM_EVERSION ||
      d->store == FSM_EPERMISSION)
    return fsm_fail(err, d->store, d->store_fault.where, "%s", d->store_fault.text);
  return FSM_OK;
}
