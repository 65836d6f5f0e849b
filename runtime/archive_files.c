/* archive_files.c: the segments that an archive has, by the names of its files: which holds a record, which
 * are missing, and how a fault in one of them is told. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/archive_read_impl.h"
#include "runtime/files.h"

/* ---- names and faults ---------------------------------------------------------------------------- */

fsm__archive_spot fsm__archive_spot_of(fsm__archive_held file, uint64_t offset) {
  fsm__archive_spot out;
  snprintf(out.text, sizeof out.text, "%020" PRIu64 "-%020" PRIu64 ".seg:%" PRIu64, file.first, file.last,
           offset);
  return out;
}

fsm_code fsm__archive_corrupt(const fsm__archive *a, uint64_t offset, const char *what, fsm_error *err) {
  return fsm_fail(err, FSM_ECORRUPT, fsm__archive_spot_of(a->file, offset).text, "the archive %s: %s", a->dir,
                  what);
}

/* The journal's functions name "<ordinal>.seg:OFFSET": the offset is right. */
fsm_code fsm__archive_renamed(const fsm__archive *a, const fsm_error *fault, fsm_error *err) {
  const char *colon = strrchr(fault->where, ':');
  const uint64_t offset = colon != NULL ? strtoull(colon + 1, NULL, 10) : 0;
  return fsm_fail(err, fault->code, fsm__archive_spot_of(a->file, offset).text, "the archive %s: %s", a->dir,
                  fault->text);
}

static bool number_of(const char *digits, uint64_t *out) {
  char text[FSM__ARCHIVE_DIGITS + 1];
  if (strspn(digits, "0123456789") < FSM__ARCHIVE_DIGITS) return false;
  memcpy(text, digits, FSM__ARCHIVE_DIGITS);
  text[FSM__ARCHIVE_DIGITS] = '\0';
  errno = 0;
  *out = strtoull(text, NULL, 10);
  return errno == 0;
}

/* A segment without records holds nothing that could be asked for. */
static bool name_read(const char *name, fsm__archive_held *out) {
  return strlen(name) == FSM__ARCHIVE_NAME_LEN && name[FSM__ARCHIVE_DIGITS] == '-' &&
         strcmp(name + 2 * FSM__ARCHIVE_DIGITS + 1, ".seg") == 0 && number_of(name, &out->first) &&
         number_of(name + FSM__ARCHIVE_DIGITS + 1, &out->last) && out->first > 0 && out->first <= out->last &&
         out->last < UINT64_MAX;
}

/* ---- what there is ------------------------------------------------------------------------------- */

static int by_first(const void *left, const void *right) {
  const fsm__archive_held *a = left, *b = right;
  if (a->first != b->first) return a->first < b->first ? -1 : 1;
  return a->last < b->last ? -1 : a->last > b->last;
}

static bool add(fsm__archive *a, fsm__archive_held file) {
  if (a->count == a->cap) {
    size_t wider = a->cap > 0 ? a->cap * 2 : 64;
    fsm__archive_held *grown = realloc(a->files, wider * sizeof *grown);
    if (grown == NULL) return false;
    a->files = grown;
    a->cap = wider;
  }
  a->files[a->count++] = file;
  return true;
}

fsm_code fsm__archive_list(fsm__archive *a, fsm_error *err) {
  DIR *dir = opendir(a->dir);
  if (dir == NULL) return fsm__file_fault(err, a->dir, "the archive cannot be read");
  fsm_code code = FSM_OK;
  const struct dirent *entry;
  fsm__archive_held file;
  a->count = 0;
  while (code == FSM_OK && (errno = 0, entry = readdir(dir)) != NULL)
    if (name_read(entry->d_name, &file) && !add(a, file))
      code = fsm_fail(err, FSM_ENOMEM, a->dir, "no memory for the list of archived segments");
  if (code == FSM_OK && errno != 0) code = fsm__file_fault(err, a->dir, "the archive cannot be read");
  closedir(dir);
  if (code == FSM_OK && a->count > 0) qsort(a->files, a->count, sizeof *a->files, by_first);
  return code;
}

/* The nearest around a seq that nobody holds; 0 = none on that side. */
static void around(const fsm__archive *a, uint64_t seq, uint64_t *before, uint64_t *behind) {
  *before = *behind = 0;
  for (size_t i = 0; i < a->count; i++) {
    if (a->files[i].last < seq && a->files[i].last > *before) *before = a->files[i].last;
    if (a->files[i].first > seq && *behind == 0) *behind = a->files[i].first;
  }
}

fsm_code fsm__archive_missing(const fsm__archive *a, uint64_t seq, fsm_error *err) {
  uint64_t before, behind;
  around(a, seq, &before, &behind);
  if (before == 0 && behind == 0)
    return fsm_fail(err, FSM_ENOTFOUND, a->dir,
                    "the archive has no segments, record %" PRIu64 " is not there", seq);
  if (behind == 0)
    return fsm_fail(err, FSM_ENOTFOUND, a->dir,
                    "the archive ends with record %" PRIu64 ", %" PRIu64 " is not there", before, seq);
  return fsm_fail(err, FSM_ENOTFOUND, a->dir,
                  "no archived segment holds record %" PRIu64 ": the archive goes on with record %" PRIu64,
                  seq, behind);
}

/* *there false: no file holds it. Two of them: which is the true one is not ours to guess. */
static fsm_code find(const fsm__archive *a, uint64_t seq, fsm__archive_held *out, bool *there,
                     fsm_error *err) {
  *there = false;
  for (size_t i = 0; i < a->count && a->files[i].first <= seq; i++) {
    if (a->files[i].last < seq) continue;
    if (*there)
      return fsm_fail(err, FSM_ECORRUPT, fsm__archive_spot_of(a->files[i], 0).text,
                      "the archive %s: record %" PRIu64 " is also in %020" PRIu64 "-%020" PRIu64
                      ".seg; move away the one that is not of this journal",
                      a->dir, seq, out->first, out->last);
    *out = a->files[i];
    *there = true;
  }
  return FSM_OK;
}

fsm_code fsm__archive_locate(fsm__archive *a, uint64_t seq, fsm__archive_held *out, bool *there,
                             fsm_error *err) {
  fsm_code code = fsm__archive_list(a, err);
  return code == FSM_OK ? find(a, seq, out, there, err) : code;
}

/* At the end of all files nothing is there; in a hole, or before the first, it is missing. */
fsm_code fsm__archive_absent(const fsm__archive *a, uint64_t seq, fsm_error *err) {
  uint64_t before, behind;
  around(a, seq, &before, &behind);
  return behind == 0 && before > 0 ? FSM_OK : fsm__archive_missing(a, seq, err);
}

fsm_code fsm__archive_has(fsm__archive *a, uint64_t seq, uint64_t *next, fsm_error *err) {
  FSM_ASSERT(a != NULL && next != NULL);
  fsm_code code = fsm__archive_list(a, err);
  if (code != FSM_OK) return code;
  *next = 0;
  for (size_t i = 0; i < a->count; i++) {
    if (a->files[i].last < seq) continue;
    const uint64_t from = a->files[i].first > seq ? a->files[i].first : seq;
    if (*next == 0 || from < *next) *next = from;
  }
  return FSM_OK;
}

fsm_code fsm__archive_run(fsm__archive *a, uint64_t last, uint64_t *first, fsm_error *err) {
  FSM_ASSERT(a != NULL && first != NULL);
  *first = last + 1;
  fsm_code code = fsm__archive_list(a, err);
  for (size_t i = a->count; code == FSM_OK && i-- > 0;)
    if (a->files[i].last + 1 >= *first && a->files[i].first < *first) *first = a->files[i].first;
  return code;
}
