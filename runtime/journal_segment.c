/* journal_segment.c: the directory and its segment files, and reading them batch by batch.
 *
 * Every file is opened relative to the directory's fd, never through a symbolic link. A read never
 * goes past the size that the file had when it was opened.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/journal_impl.h"

enum { ORDINAL_DIGITS = 20, ZERO_CHUNK = 64 * 1024 };

void fsm__segment_name(uint64_t ordinal, char out[FSM__NAME_BYTES]) {
  snprintf(out, FSM__NAME_BYTES, "%020" PRIu64 ".seg", ordinal);
}

void fsm__index_name(uint64_t ordinal, char out[FSM__NAME_BYTES]) {
  snprintf(out, FSM__NAME_BYTES, "%020" PRIu64 ".idx", ordinal);
}

fsm__place fsm__place_of(uint64_t ordinal, uint64_t offset) {
  fsm__place place;
  char name[FSM__NAME_BYTES];
  fsm__segment_name(ordinal, name);
  snprintf(place.text, sizeof place.text, "%s:%" PRIu64, name, offset);
  return place;
}

/* ---- directory ---- */

/* So that the new directory's own name survives a power cut. */
static int sync_parent(const char *path) {
  size_t len = strlen(path);
  while (len > 1 && path[len - 1] == '/') len--;
  while (len && path[len - 1] != '/') len--;
  char *parent = len ? strndup(path, len) : strdup(".");
  if (!parent) return ENOMEM;
  int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int fault = fd < 0 || fsync(fd) ? errno : 0;
  if (fd >= 0) close(fd);
  free(parent);
  return fault;
}

static fsm_code check_owner(int fd, const char *path, fsm_error *err) {
  struct stat st;
  if (fstat(fd, &st)) return fsm_fail(err, FSM_EIO, path, "fstat: %s", strerror(errno));
  if (st.st_uid != geteuid() && geteuid() != 0)
    return fsm_fail(err, FSM_EPERMISSION, path, "the journal belongs to user %u", (unsigned)st.st_uid);
  return FSM_OK;
}

fsm_code fsm__journal_dir_open(const char *path, bool make, int *out, fsm_error *err) {
  if (make) {
    int fault = mkdir(path, 0700) == 0 ? sync_parent(path) : errno == EEXIST ? 0 : errno;
    if (fault == ENOSPC || fault == EDQUOT)
      return fsm_fail(err, FSM_EFULL, path, "mkdir: %s", strerror(fault));
    if (fault) return fsm_fail(err, FSM_EIO, path, "mkdir: %s", strerror(fault));
  }
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return fsm_fail(err, FSM_ENOTFOUND, path, "there is no journal here");
  if (fd < 0) return fsm_fail(err, FSM_EIO, path, "open: %s", strerror(errno));
  fsm_code code = check_owner(fd, path, err);
  if (code)
    close(fd);
  else
    *out = fd;
  return code;
}

/* Is it <20 digits>.seg? */
static bool ordinal_of(const char *name, uint64_t *out) {
  if (strspn(name, "0123456789") != ORDINAL_DIGITS || strcmp(name + ORDINAL_DIGITS, ".seg") != 0)
    return false;
  errno = 0;
  *out = strtoull(name, NULL, 10); /* over-large: the maximum, which is no successor of anything */
  return true;
}

static int by_ordinal(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return a < b ? -1 : a > b;
}

static bool add_ordinal(uint64_t **list, size_t *count, size_t *cap, uint64_t ordinal) {
  if (*count == *cap) {
    size_t wider = *cap ? *cap * 2 : 64;
    uint64_t *grown = realloc(*list, wider * sizeof **list);
    if (!grown) return false;
    *list = grown;
    *cap = wider;
  }
  (*list)[(*count)++] = ordinal;
  return true;
}

fsm_code fsm__segment_list(int dir_fd, uint64_t **out, size_t *count, fsm_error *err) {
  int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd < 0 ? NULL : fdopendir(fd);
  if (!dir) {
    int fault = errno;
    if (fd >= 0) close(fd);
    return fsm_fail(err, FSM_EIO, "journal", "opendir: %s", strerror(fault));
  }
  uint64_t *list = NULL, ordinal;
  size_t n = 0, cap = 0;
  fsm_code code = FSM_OK;
  const struct dirent *entry;
  while (!code && (errno = 0, entry = readdir(dir)))
    if (ordinal_of(entry->d_name, &ordinal) && !add_ordinal(&list, &n, &cap, ordinal))
      code = fsm_fail(err, FSM_ENOMEM, "journal", "no memory for the list of segments");
  if (!code && errno) code = fsm_fail(err, FSM_EIO, "journal", "readdir: %s", strerror(errno));
  closedir(dir);
  if (code) {
    free(list);
    return code;
  }
  if (n) qsort(list, n, sizeof *list, by_ordinal);
  *out = list;
  *count = n;
  return FSM_OK;
}

fsm_code fsm__segment_open(int dir_fd, uint64_t ordinal, int flags, int *out, fsm_error *err) {
  char name[FSM__NAME_BYTES];
  fsm__segment_name(ordinal, name);
  int fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && (errno == ENOENT || errno == ELOOP))
    return fsm_fail(err, FSM_ECORRUPT, fsm__place_of(ordinal, 0).text, "the segment is missing or a link");
  if (fd < 0) { /* without descriptors or memory only this reader fails */
    bool lack = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
    return fsm_fail(err, lack ? FSM_ENOMEM : FSM_EIO, fsm__place_of(ordinal, 0).text, "open: %s",
                    strerror(errno));
  }
  struct stat st;
  if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
    close(fd);
    return fsm_fail(err, FSM_ECORRUPT, fsm__place_of(ordinal, 0).text, "the segment is no regular file");
  }
  *out = fd;
  return FSM_OK;
}

int fsm__write_at(int fd, const void *data, size_t len, uint64_t at) {
  const uint8_t *from = data;
  while (len) {
    ssize_t put = pwrite(fd, from, len, (off_t)at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno;
    if (put == 0) return EIO;
    from += put;
    at += (uint64_t)put;
    len -= (size_t)put;
  }
  return 0;
}

int fsm__zero_at(int fd, uint64_t from, uint64_t to) {
  static const uint8_t zeroes[ZERO_CHUNK];
  while (from < to) {
    size_t len = to - from < ZERO_CHUNK ? (size_t)(to - from) : ZERO_CHUNK;
    int fault = fsm__write_at(fd, zeroes, len, from);
    if (fault) return fault;
    from += len;
  }
  return 0;
}

/* ---- window ---- */

void fsm__window_open(fsm__window *window, int fd, uint64_t ordinal, uint64_t bytes, size_t ahead) {
  window->fd = fd;
  window->ordinal = ordinal;
  window->bytes = bytes;
  window->at = 0;
  window->len = 0;
  window->ahead = ahead;
}

void fsm__window_free(fsm__window *window) {
  free(window->data);
  window->data = NULL;
  window->cap = window->len = 0;
}

static bool has_room(fsm__window *window, size_t len) {
  if (len <= window->cap) return true;
  free(window->data);
  window->cap = 0;
  window->data = malloc(len);
  if (window->data) window->cap = len;
  return window->data;
}

static fsm_code fill(fsm__window *window, uint64_t at, size_t want, size_t need, fsm_error *err) {
  window->at = at;
  window->len = 0;
  window->fills++;
  if (!has_room(window, want))
    return fsm_fail(err, FSM_ENOMEM, fsm__place_of(window->ordinal, at).text, "no memory to read it");
  while (window->len < want) {
    ssize_t got =
        pread(window->fd, window->data + window->len, want - window->len, (off_t)(at + window->len));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fsm_fail(err, FSM_EIO, fsm__place_of(window->ordinal, at).text, "pread: %s", strerror(errno));
    if (got == 0) break;
    window->len += (size_t)got;
  }
  if (window->len < need)
    return fsm_fail(err, FSM_ECORRUPT, fsm__place_of(window->ordinal, at + window->len).text,
                    "the segment ends too early");
  return FSM_OK;
}

fsm_code fsm__window_view(fsm__window *window, uint64_t at, size_t need, const uint8_t **out,
                          fsm_error *err) {
  if (at > window->bytes || need > window->bytes - at)
    return fsm_fail(err, FSM_ECORRUPT, fsm__place_of(window->ordinal, at).text, "the segment ends too early");
  bool inside = at >= window->at && at - window->at <= window->len && need <= window->len - (at - window->at);
  if (!inside) {
    uint64_t rest = window->bytes - at;
    size_t want = need > window->ahead ? need : window->ahead;
    if (want > rest) want = (size_t)rest;
    fsm_code code = fill(window, at, want, need, err);
    if (code) return code;
  }
  *out = window->data + (at - window->at);
  return FSM_OK;
}

/* ---- header and footer ---- */

static fsm_code check_origin(const fsm__segment_head *head, const fsm_origin *origin, fsm_error *err) {
  char there[33], here[33];
  fsm__place place = fsm__place_of(head->ordinal, 0);
  fsm__hex(head->origin.store, 16, there);
  fsm__hex(origin->store, 16, here);
  if (memcmp(head->origin.store, origin->store, 16) != 0)
    return fsm_fail(err, FSM_ECORRUPT, place.text, "the segment belongs to store %s, not to %s", there, here);
  if (head->origin.partition != origin->partition)
    return fsm_fail(err, FSM_ECORRUPT, place.text, "the segment belongs to partition %u, not to partition %u",
                    head->origin.partition, origin->partition);
  return FSM_OK;
}

static fsm_code check_follows(const fsm__segment_head *head, const fsm__chain *chain, fsm_error *err) {
  fsm__place place = fsm__place_of(head->ordinal, 0);
  if (head->first_seq != chain->next_seq)
    return fsm_fail(err, FSM_ECORRUPT, place.text,
                    "the segment starts with seq %" PRIu64 ", the one before it ends before %" PRIu64,
                    head->first_seq, chain->next_seq);
  if (head->origin.epoch < chain->epoch)
    return fsm_fail(err, FSM_ECORRUPT, place.text,
                    "the segment is of epoch %u, what it follows is of epoch %u: an epoch never goes back",
                    head->origin.epoch, chain->epoch);
  if (head->first_batch <= chain->number)
    return fsm_fail(err, FSM_ECORRUPT, place.text, "batch number %" PRIu64 " was used before",
                    head->first_batch);
  if (memcmp(&head->prev, &chain->leaf, sizeof head->prev) != 0)
    return fsm_fail(err, FSM_ECORRUPT, place.text, "the segment does not chain to the one before it");
  return FSM_OK;
}

fsm_code fsm__segment_check_head(fsm__window *window, const fsm_origin *origin, const fsm__chain *chain,
                                 fsm__segment_head *out, fsm_error *err) {
  struct stat st;
  fsm__place place = fsm__place_of(window->ordinal, 0);
  if (fstat(window->fd, &st)) return fsm_fail(err, FSM_EIO, place.text, "fstat: %s", strerror(errno));
  window->bytes = st.st_size < 0 ? 0 : (uint64_t)st.st_size;
  const uint8_t *block;
  fsm_code code = fsm__window_view(window, 0, FSM_JOURNAL_BLOCK, &block, err);
  if (!code) code = fsm__segment_decode(block, window->ordinal, out, err);
  if (!code) code = check_origin(out, origin, err);
  if (!code) code = check_follows(out, chain, err);
  return code;
}

fsm_code fsm__segment_check(fsm__window *window, const fsm_origin *origin, const fsm__chain *chain,
                            fsm__segment_head *out, fsm_error *err) {
  fsm_code code = fsm__segment_check_head(window, origin, chain, out, err);
  /* Its size was made durable before it got its name, so no crash explains another one. */
  if (!code && out->bytes != window->bytes)
    code = fsm_fail(err, FSM_ECORRUPT, fsm__place_of(window->ordinal, window->bytes).text,
                    "the segment has %" PRIu64 " bytes, its header says %" PRIu64, window->bytes, out->bytes);
  return code;
}

fsm_code fsm__footer_read(fsm__window *window, const fsm__segment_head *head, fsm__batch_head *batch,
                          fsm__footer *out, bool *intact, fsm_error *err) {
  const uint8_t *block;
  fsm_code code = fsm__window_view(window, fsm__log_end(head->bytes), FSM_JOURNAL_BLOCK, &block, err);
  if (code) return code;
  *intact = fsm__batch_decode(block, head->salt, FSM_JOURNAL_BLOCK, batch) &&
            batch->kind == FSM__BATCH_FOOTER && fsm__batch_intact(block, batch);
  if (!*intact) return FSM_OK;
  *out = fsm__footer_decode(block + FSM__BATCH_HEAD);
  if (out->used < FSM_JOURNAL_BLOCK || out->used > fsm__log_end(head->bytes) ||
      out->used % FSM_JOURNAL_BLOCK || out->last_seq + 1 != batch->first_seq ||
      batch->first_seq < head->first_seq || batch->number < head->first_batch)
    return fsm_fail(err, FSM_ECORRUPT, fsm__place_of(head->ordinal, fsm__log_end(head->bytes)).text,
                    "the footer contradicts its segment");
  return FSM_OK;
}

/* ---- walk ---- */

void fsm__walk_start(fsm__walk *walk, fsm__window *window, const fsm__segment_head *head) {
  *walk = (fsm__walk){.window = window,
                      .salt = head->salt,
                      .at = FSM_JOURNAL_BLOCK,
                      .end = fsm__log_end(head->bytes),
                      .next_seq = head->first_seq,
                      .number = head->first_batch - 1};
}

fsm_code fsm__walk_next(fsm__walk *walk, fsm__batch_head *head, const uint8_t **data, bool *valid,
                        fsm_error *err) {
  *valid = false;
  if (walk->at >= walk->end) return FSM_OK;
  fsm_code code = fsm__window_view(walk->window, walk->at, FSM__BATCH_HEAD, data, err);
  if (code || !fsm__batch_decode(*data, walk->salt, walk->end - walk->at, head)) return code;
  code = fsm__window_view(walk->window, walk->at, head->length, data, err);
  if (code) return code;
  if (head->kind == FSM__BATCH_FOOTER || head->number <= walk->number || head->first_seq != walk->next_seq ||
      !fsm__batch_intact(*data, head))
    return FSM_OK;
  *valid = true;
  walk->at += fsm__blocks(head->length);
  walk->number = head->number;
  walk->next_seq += head->records;
  return FSM_OK;
}
