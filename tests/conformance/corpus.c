/* corpus.c: the files of the corpus, in an order that does not depend on the file system. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conformance.h"

enum { FILES_MAX = 20000, FOLDERS_DEEP_MAX = 8, FILE_BYTES_MAX = 64 * 1024 * 1024 };

const char *corpus_path(const conformance *run, fsm_arena *arena, const char *path) {
  return fsm_arena_printf(arena, "%s/%s/%s", run->corpus, run->suite, path);
}

fsm_code corpus_read(fsm_arena *arena, const char *path, const char **text, size_t *len, fsm_error *err) {
  FILE *file = path ? fopen(path, "rb") : NULL;
  if (!file) return fsm_fail(err, FSM_ENOTFOUND, path, "%s", strerror(errno));
  fsm_code code = FSM_OK;
  struct stat st;
  if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX) {
    code = fsm_fail(err, FSM_EIO, path, "it is not a file of at most %d bytes", FILE_BYTES_MAX);
    goto out;
  }
  char *data = fsm_arena_alloc(arena, (size_t)st.st_size + 1);
  if (!data) {
    code = fsm_fail(err, FSM_ENOMEM, path, "no memory for it");
    goto out;
  }
  *len = fread(data, 1, (size_t)st.st_size, file);
  data[*len] = '\0';
  *text = data;
out:
  fclose(file);
  return code;
}

typedef struct listing {
  fsm_arena *arena;
  const char *root, *suffix;
  const char **paths;
  unsigned count;
} listing;

static bool ends_with(const char *text, const char *suffix) {
  size_t a = strlen(text), b = strlen(suffix);
  return a >= b && memcmp(text + a - b, suffix, b) == 0;
}

static fsm_code walk(listing *list, const char *below, unsigned depth, fsm_error *err);

static fsm_code entry(listing *list, const char *path, unsigned depth, fsm_error *err) {
  char full[4096];
  int n = snprintf(full, sizeof full, "%s/%s", list->root, path);
  struct stat st;
  if (n < 0 || (size_t)n >= sizeof full || stat(full, &st) != 0)
    return fsm_fail(err, FSM_EIO, path, "it cannot be looked at");
  if (S_ISDIR(st.st_mode)) return walk(list, path, depth + 1, err);
  if (!S_ISREG(st.st_mode) || !ends_with(path, list->suffix)) return FSM_OK;
  if (list->count == FILES_MAX) return fsm_fail(err, FSM_ETOOLARGE, path, "more than %d files", FILES_MAX);
  list->paths[list->count++] = path;
  return FSM_OK;
}

static fsm_code walk(listing *list, const char *below, unsigned depth, fsm_error *err) {
  if (depth > FOLDERS_DEEP_MAX) return fsm_fail(err, FSM_ETOOLARGE, below, "folders nest too deep");
  const char *full = fsm_arena_printf(list->arena, "%s/%s", list->root, below);
  DIR *dir = full ? opendir(full) : NULL;
  if (!dir) return fsm_fail(err, FSM_ENOTFOUND, below, "%s", strerror(errno));
  fsm_code code = FSM_OK;
  for (struct dirent *e; code == FSM_OK && (e = readdir(dir));) {
    if (e->d_name[0] == '.') continue;
    const char *path = fsm_arena_printf(list->arena, "%s%s%s", below, *below ? "/" : "", e->d_name);
    code = path ? entry(list, path, depth, err) : fsm_fail(err, FSM_ENOMEM, below, "no memory");
  }
  closedir(dir);
  return code;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

fsm_code corpus_list(const conformance *run, fsm_arena *arena, const char *suffix, const char *const **paths,
                     unsigned *count, fsm_error *err) {
  listing list = {.arena = arena, .suffix = suffix};
  list.root = fsm_arena_printf(arena, "%s/%s", run->corpus, run->suite);
  list.paths = fsm_arena_zalloc(arena, FILES_MAX, sizeof *list.paths);
  if (!list.root || !list.paths) return fsm_fail(err, FSM_ENOMEM, run->suite, "no memory for the list");
  fsm_code code = walk(&list, "", 0, err);
  if (code != FSM_OK) return code;
  qsort(list.paths, list.count, sizeof *list.paths, by_name);
  *paths = list.paths;
  *count = list.count;
  return FSM_OK;
}

bool corpus_has(const conformance *run, const char *suite) {
  char path[4096];
  int n = snprintf(path, sizeof path, "%s/%s", run->corpus, suite);
  struct stat st;
  return n > 0 && (size_t)n < sizeof path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}
