/* archive_read.c: see archive_read.h.
 *
 * A file is opened when a record of it is asked for, and read on batch by batch; to a record in its midst the
 * batches before it are hopped over (their checksums are checked). The chain is checked from the first record
 * of the batch that was asked for on, and from file to file when reading goes on from one to the next.
 */
#include "runtime/archive_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/files.h"
#include "runtime/journal_impl.h"

enum { DIGITS = 20, NAME_LEN = 2 * DIGITS + 5, READ_AHEAD = 1024 * 1024 };

typedef struct held {
  uint64_t first, last;
} held;

struct fsm__archive {
  char *dir;
  fsm_origin origin;
  uint64_t seq; /* the next to hand out */
  held *files;  /* by first */
  size_t count, cap;

  bool open;
  held file; /* the one that is open */
  fsm__window window;
  fsm__segment_head head;
  fsm__footer footer;
  fsm__walk walk;

  /* the batch in hand; records 0 = none */
  const uint8_t *batch;
  fsm__batch_head batch_head;
  fsm__frames frames;
  uint64_t frames_seq; /* of the record that frames gives next */

  bool chained; /* leaf is that of record frames_seq - 1, of this epoch */
  uint32_t epoch;
  fsm__hash leaf;
  fsm_arena arena;
};

/* ---- names and faults ---------------------------------------------------------------------------- */

typedef struct spot {
  char text[NAME_LEN + 24];
} spot;

static spot spot_of(held file, uint64_t offset) {
  spot out;
  snprintf(out.text, sizeof out.text, "%020" PRIu64 "-%020" PRIu64 ".seg:%" PRIu64, file.first, file.last,
           offset);
  return out;
}

static fsm_code corrupt(const fsm__archive *a, uint64_t offset, const char *what, fsm_error *err) {
  return fsm_fail(err, FSM_ECORRUPT, spot_of(a->file, offset).text, "the archive %s: %s", a->dir, what);
}

/* The journal's functions name "<ordinal>.seg:OFFSET": the offset is right. */
static fsm_code renamed(const fsm__archive *a, const fsm_error *fault, fsm_error *err) {
  const char *colon = strrchr(fault->where, ':');
  const uint64_t offset = colon != NULL ? strtoull(colon + 1, NULL, 10) : 0;
  return fsm_fail(err, fault->code, spot_of(a->file, offset).text, "the archive %s: %s", a->dir, fault->text);
}

static bool number_of(const char *digits, uint64_t *out) {
  char text[DIGITS + 1];
  if (strspn(digits, "0123456789") < DIGITS) return false;
  memcpy(text, digits, DIGITS);
  text[DIGITS] = '\0';
  errno = 0;
  *out = strtoull(text, NULL, 10);
  return errno == 0;
}

/* A segment without records holds nothing that could be asked for. */
static bool name_read(const char *name, held *out) {
  return strlen(name) == NAME_LEN && name[DIGITS] == '-' && strcmp(name + 2 * DIGITS + 1, ".seg") == 0 &&
         number_of(name, &out->first) && number_of(name + DIGITS + 1, &out->last) && out->first > 0 &&
         out->first <= out->last && out->last < UINT64_MAX;
}

/* ---- what there is ------------------------------------------------------------------------------- */

static int by_first(const void *left, const void *right) {
  const held *a = left, *b = right;
  if (a->first != b->first) return a->first < b->first ? -1 : 1;
  return a->last < b->last ? -1 : a->last > b->last;
}

static bool add(fsm__archive *a, held file) {
  if (a->count == a->cap) {
    size_t wider = a->cap > 0 ? a->cap * 2 : 64;
    held *grown = realloc(a->files, wider * sizeof *grown);
    if (grown == NULL) return false;
    a->files = grown;
    a->cap = wider;
  }
  a->files[a->count++] = file;
  return true;
}

static fsm_code list(fsm__archive *a, fsm_error *err) {
  DIR *dir = opendir(a->dir);
  if (dir == NULL) return fsm__file_fault(err, a->dir, "the archive cannot be read");
  fsm_code code = FSM_OK;
  const struct dirent *entry;
  held file;
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

static fsm_code missing(const fsm__archive *a, uint64_t seq, fsm_error *err) {
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
static fsm_code find(const fsm__archive *a, uint64_t seq, held *out, bool *there, fsm_error *err) {
  *there = false;
  for (size_t i = 0; i < a->count && a->files[i].first <= seq; i++) {
    if (a->files[i].last < seq) continue;
    if (*there)
      return fsm_fail(err, FSM_ECORRUPT, spot_of(a->files[i], 0).text,
                      "the archive %s: record %" PRIu64 " is also in %020" PRIu64 "-%020" PRIu64
                      ".seg; move away the one that is not of this journal",
                      a->dir, seq, out->first, out->last);
    *out = a->files[i];
    *there = true;
  }
  return FSM_OK;
}

static fsm_code locate(fsm__archive *a, uint64_t seq, held *out, bool *there, fsm_error *err) {
  fsm_code code = list(a, err);
  return code == FSM_OK ? find(a, seq, out, there, err) : code;
}

/* ---- a file -------------------------------------------------------------------------------------- */

static void leave(fsm__archive *a) {
  if (a->open) close(a->window.fd);
  a->open = false;
  a->batch_head.records = 0;
}

static fsm_code open_file(fsm__archive *a, held file, fsm_error *err) {
  fsm__path path;
  struct stat st;
  leave(a);
  a->file = file;
  fsm_code code =
      fsm__path_of(&path, err, "%s/%020" PRIu64 "-%020" PRIu64 ".seg", a->dir, file.first, file.last);
  if (code != FSM_OK) return code;
  const int fd = open(path.text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return fsm__file_fault(err, spot_of(file, 0).text, "the archived segment cannot be opened");
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    close(fd);
    return corrupt(a, 0, "the segment is no regular file", err);
  }
  fsm__window_open(&a->window, fd, 0, (uint64_t)st.st_size, READ_AHEAD);
  a->open = true;
  return FSM_OK;
}

/* Ours, whole, and what its name says? */
static fsm_code check_file(fsm__archive *a, fsm_error *err) {
  const uint8_t *block = NULL;
  fsm__batch_head batch;
  bool intact = false;
  fsm_error fault;
  fsm_code code = fsm__window_view(&a->window, 0, FSM_JOURNAL_BLOCK, &block, &fault);
  if (code == FSM_OK) {
    a->window.ordinal = fsm__segment_ordinal(block);
    code = fsm__segment_decode(block, a->window.ordinal, &a->head, &fault);
  }
  if (code != FSM_OK) return renamed(a, &fault, err);
  const fsm_origin *origin = &a->head.origin;
  if (memcmp(origin->store, a->origin.store, sizeof origin->store) != 0)
    return corrupt(a, 0, "the segment belongs to another store", err);
  if (origin->partition != a->origin.partition)
    return corrupt(a, 0, "the segment belongs to another partition", err);
  if (a->head.bytes != a->window.bytes)
    return corrupt(a, a->window.bytes, "the segment has not as many bytes as its header says", err);
  code = fsm__footer_read(&a->window, &a->head, &batch, &a->footer, &intact, &fault);
  if (code != FSM_OK) return renamed(a, &fault, err);
  if (!intact)
    return corrupt(a, fsm__log_end(a->head.bytes), "the segment's footer is missing or damaged", err);
  if (a->head.first_seq != a->file.first || a->footer.last_seq != a->file.last)
    return corrupt(a, 0, "the segment has other records than its name says", err);
  return FSM_OK;
}

/* The file of a seq, at its first batch. *there false: none has it. */
static fsm_code enter(fsm__archive *a, uint64_t seq, bool *there, fsm_error *err) {
  held file;
  fsm_code code = locate(a, seq, &file, there, err);
  if (code != FSM_OK || !*there) return code;
  const bool on = a->chained && a->frames_seq == file.first; /* from the end of the one before */
  code = open_file(a, file, err);
  if (code == FSM_OK) code = check_file(a, err);
  if (code == FSM_OK && on && memcmp(&a->head.prev, &a->leaf, sizeof a->leaf) != 0)
    code = fsm_fail(err, FSM_EVERIFY, spot_of(file, 0).text,
                    "the archive %s: the segment does not chain to the one before it", a->dir);
  if (code == FSM_OK && on && a->head.origin.epoch < a->epoch)
    code = corrupt(a, 0, "the segment is of an earlier epoch than the one before it", err);
  if (code != FSM_OK) {
    leave(a);
    return code;
  }
  a->leaf = a->head.prev;
  a->frames_seq = a->head.first_seq;
  a->epoch = a->head.origin.epoch;
  a->chained = true;
  fsm__walk_start(&a->walk, &a->window, &a->head);
  return FSM_OK;
}

/* ---- batches and records ------------------------------------------------------------------------- */

/* The next batch of the open file; at its end: records 0. */
static fsm_code next_batch(fsm__archive *a, fsm_error *err) {
  bool valid = false;
  fsm_error fault;
  const uint64_t at = a->walk.at;
  a->batch_head.records = 0;
  if (at >= a->footer.used || a->walk.next_seq > a->footer.last_seq) return FSM_OK;
  fsm_code code = fsm__walk_next(&a->walk, &a->batch_head, &a->batch, &valid, &fault);
  if (code != FSM_OK) return renamed(a, &fault, err);
  if (!valid) {
    a->batch_head.records = 0;
    return corrupt(a, at, "the batch is damaged", err);
  }
  return FSM_OK;
}

static void begin_batch(fsm__archive *a) {
  a->chained = a->chained && a->batch_head.first_seq == a->frames_seq; /* not hopped over any */
  a->frames_seq = a->batch_head.first_seq;
  fsm__frames_start(&a->frames, a->batch, &a->batch_head);
}

static bool in_hand(const fsm__archive *a, uint64_t seq) {
  return a->open && a->batch_head.records > 0 && seq >= a->frames_seq &&
         seq - a->batch_head.first_seq < a->batch_head.records;
}

/* Forward to the batch that holds seq. *there false: no file has it. */
static fsm_code load(fsm__archive *a, uint64_t seq, bool *there, fsm_error *err) {
  fsm_code code = FSM_OK;
  const bool ahead = a->open && seq >= a->walk.next_seq && seq <= a->file.last;
  *there = true;
  if (!ahead) {
    if (a->frames_seq != seq) a->chained = false; /* a jump */
    code = enter(a, seq, there, err);
    if (code != FSM_OK || !*there) return code;
  }
  do {
    code = next_batch(a, err);
    if (code == FSM_OK && a->walk.next_seq <= seq && a->walk.at >= a->footer.used)
      code = corrupt(a, a->walk.at, "the segment ends before the last record that its name says", err);
  } while (code == FSM_OK && a->walk.next_seq <= seq);
  if (code != FSM_OK) {
    leave(a);
    return code;
  }
  begin_batch(a);
  return FSM_OK;
}

static fsm_code check_record(fsm__archive *a, const fsm__bytes *bytes, fsm_error *err) {
  fsm_record record;
  fsm_error fault;
  const uint64_t at = a->walk.at - fsm__blocks(a->batch_head.length);
  fsm_arena_reset(&a->arena);
  if (fsm_record_decode(&a->arena, bytes->data, bytes->len, &record, &fault) != FSM_OK ||
      record.seq != a->frames_seq)
    return fsm_fail(err, FSM_ECORRUPT, spot_of(a->file, at).text,
                    "the archive %s: what is there for record %" PRIu64 " is not that record", a->dir,
                    a->frames_seq);
  if (a->chained && (record.prev == NULL || memcmp(record.prev, a->leaf.bytes, sizeof a->leaf.bytes) != 0))
    return fsm_fail(err, FSM_EVERIFY, spot_of(a->file, at).text,
                    "the archive %s: the prev of record %" PRIu64
                    " is not the hash of the record before it: one of the two was altered",
                    a->dir, a->frames_seq);
  a->leaf = fsm__leaf(bytes->data, bytes->len);
  a->chained = true;
  a->frames_seq++;
  if (a->frames_seq <= a->footer.last_seq || memcmp(&a->leaf, &a->footer.leaf, sizeof a->leaf) == 0)
    return FSM_OK;
  return fsm_fail(err, FSM_EVERIFY, spot_of(a->file, at).text,
                  "the archive %s: record %" PRIu64 " was altered: its hash is not the one in the footer",
                  a->dir, a->frames_seq - 1);
}

/* ---- the contract -------------------------------------------------------------------------------- */

fsm_code fsm__archive_open(const char *dir, const fsm_origin *origin, fsm__archive **out, fsm_error *err) {
  FSM_ASSERT(dir != NULL && origin != NULL && out != NULL);
  fsm__archive *a = calloc(1, sizeof *a);
  if (a != NULL) a->dir = strdup(dir);
  if (a == NULL || a->dir == NULL) {
    free(a);
    return fsm_fail(err, FSM_ENOMEM, dir, "no memory to read the archive");
  }
  a->origin = *origin;
  a->seq = 1;
  fsm_arena_init(&a->arena, 0);
  *out = a;
  return FSM_OK;
}

void fsm__archive_close(fsm__archive *a) {
  if (a == NULL) return;
  leave(a);
  fsm__window_free(&a->window);
  fsm_arena_free(&a->arena);
  free(a->files);
  free(a->dir);
  free(a);
}

void fsm__archive_seek(fsm__archive *a, uint64_t seq) { a->seq = seq > 0 ? seq : 1; }

/* At the end of all files nothing is there; in a hole, or before the first, it is missing. */
static fsm_code absent(const fsm__archive *a, uint64_t seq, fsm_error *err) {
  uint64_t before, behind;
  around(a, seq, &before, &behind);
  return behind == 0 && before > 0 ? FSM_OK : missing(a, seq, err);
}

fsm_code fsm__archive_next(fsm__archive *a, fsm__journal_entry *out, bool *found, fsm_error *err) {
  FSM_ASSERT(a != NULL && out != NULL && found != NULL);
  bool there = true, frame_end = false;
  fsm__bytes record;
  fsm_code code = in_hand(a, a->seq) ? FSM_OK : load(a, a->seq, &there, err);
  *found = false;
  if (code != FSM_OK) return code;
  if (!there) return absent(a, a->seq, err);
  do {
    if (!fsm__frames_next(&a->frames, &record, &frame_end)) {
      leave(a);
      return corrupt(a, a->walk.at, "the batch has fewer records than it says", err);
    }
    code = check_record(a, &record, err);
  } while (code == FSM_OK && a->frames_seq <= a->seq);
  if (code != FSM_OK) {
    leave(a);
    a->chained = false;
    return code;
  }
  *out = (fsm__journal_entry){
      .seq = a->seq, .epoch = a->head.origin.epoch, .record = record, .frame_end = frame_end};
  a->seq++;
  *found = true;
  return FSM_OK;
}

fsm_code fsm__archive_read(fsm__archive *a, uint64_t seq, fsm__journal_entry *out, fsm_error *err) {
  FSM_ASSERT(seq > 0);
  bool found = false;
  fsm__archive_seek(a, seq);
  fsm_code code = fsm__archive_next(a, out, &found, err);
  return code == FSM_OK && !found ? missing(a, seq, err) : code;
}

fsm_code fsm__archive_has(fsm__archive *a, uint64_t seq, uint64_t *next, fsm_error *err) {
  FSM_ASSERT(a != NULL && next != NULL);
  fsm_code code = list(a, err);
  if (code != FSM_OK) return code;
  *next = 0;
  for (size_t i = 0; i < a->count; i++) {
    if (a->files[i].last < seq) continue;
    const uint64_t from = a->files[i].first > seq ? a->files[i].first : seq;
    if (*next == 0 || from < *next) *next = from;
  }
  return FSM_OK;
}

/* ---- records that name something ----------------------------------------------------------------- */

fsm_code fsm__archive_run(fsm__archive *a, uint64_t last, uint64_t *first, fsm_error *err) {
  FSM_ASSERT(a != NULL && first != NULL);
  *first = last + 1;
  fsm_code code = list(a, err);
  for (size_t i = a->count; code == FSM_OK && i-- > 0;)
    if (a->files[i].last + 1 >= *first && a->files[i].first < *first) *first = a->files[i].first;
  return code;
}

static bool names(const fsm__bytes *record, fsm__find_what what, const char *text, size_t len) {
  fsm_record_terms terms;
  if (fsm_record_terms_read(record->data, record->len, &terms) != FSM_OK) return false;
  const fsm_record_text of = what == FSM__FIND_INSTANCE ? terms.inst : terms.corr;
  return of.at != NULL && of.len == len && memcmp(of.at, text, len) == 0;
}

/* The next such one in the batch in hand; false: there is none at a->seq or behind it. */
static bool is_in_batch(const fsm__archive *a, fsm__find_what what, const char *text, uint64_t *seq) {
  const size_t len = strlen(text);
  if (memmem(a->batch, a->batch_head.length, text, len) == NULL) return false;
  fsm__frames frames = a->frames;
  fsm__bytes record;
  bool frame_end;
  for (*seq = a->frames_seq; fsm__frames_next(&frames, &record, &frame_end); ++*seq)
    if (*seq >= a->seq && names(&record, what, text, len)) return true;
  return false;
}

fsm_code fsm__archive_find(fsm__archive *a, fsm__find_what what, const char *text, uint64_t before,
                           fsm__journal_entry *out, bool *found, fsm_error *err) {
  FSM_ASSERT(a != NULL && text != NULL && *text != '\0' && out != NULL && found != NULL);
  FSM_ASSERT(what == FSM__FIND_INSTANCE || what == FSM__FIND_CORRELATION);
  for (*found = false; a->seq < before;) {
    uint64_t seq = 0;
    bool there = true;
    fsm_code code = in_hand(a, a->seq) ? FSM_OK : load(a, a->seq, &there, err);
    if (code != FSM_OK) return code;
    if (!there) return missing(a, a->seq, err);
    if (!is_in_batch(a, what, text, &seq)) {
      a->seq = a->batch_head.first_seq + a->batch_head.records;
      continue;
    }
    if (seq >= before) break;
    a->seq = seq;
    return fsm__archive_next(a, out, found, err);
  }
  return FSM_OK;
}
