/* tree.h: directories of scratch data copied and removed, for tests and for the programs that prove by count.
 * What cannot be read or written is a fault of the test: abort. */
#ifndef FSM_TESTS_TREE_H
#define FSM_TESTS_TREE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TREE_PATH_MAX = 4352 };

/* The next entry but . and .., with its path; NULL at the end. */
static inline struct dirent *tree_next(DIR *dir, const char *path, char *below) {
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (snprintf(below, TREE_PATH_MAX, "%s/%s", path, entry->d_name) >= TREE_PATH_MAX) abort();
    return entry;
  }
  return NULL;
}

/* One that is not there is fine. */
static inline void remove_tree(const char *path) {
  char below[TREE_PATH_MAX];
  DIR *dir = opendir(path);
  if (dir == NULL) return;
  for (struct dirent *entry; (entry = tree_next(dir, path, below)) != NULL;)
    if (entry->d_type == DT_DIR)
      remove_tree(below);
    else
      unlink(below);
  closedir(dir);
  rmdir(path);
}

/* Holes stay holes: a spare segment is megabytes of zeroes. A file that has gone meanwhile (a spare that
 * becomes a segment) is left out. */
static inline void copy_file(const char *from, const char *to) {
  static char buf[65536];
  static const char zeroes[sizeof buf];
  int in = open(from, O_RDONLY | O_CLOEXEC);
  if (in < 0 && errno == ENOENT) return;
  int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  off_t at = 0;
  ssize_t got;
  if (in < 0 || out < 0) abort();
  for (; (got = pread(in, buf, sizeof buf, at)) > 0; at += got)
    if (memcmp(buf, zeroes, (size_t)got) != 0 && pwrite(out, buf, (size_t)got, at) != got) abort();
  if (got < 0 || ftruncate(out, at) != 0) abort();
  close(in);
  close(out);
}

/* The regular files, into a directory that is made when it is missing. */
static inline void copy_tree(const char *from, const char *to) {
  char source[TREE_PATH_MAX];
  DIR *dir = opendir(from);
  if (dir == NULL) abort();
  mkdir(to, 0700);
  for (struct dirent *entry; (entry = tree_next(dir, from, source)) != NULL;) {
    char target[TREE_PATH_MAX];
    if (snprintf(target, sizeof target, "%s/%s", to, entry->d_name) >= (int)sizeof target) abort();
    if (entry->d_type == DT_DIR)
      copy_tree(source, target);
    else if (entry->d_type == DT_REG)
      copy_file(source, target);
  }
  closedir(dir);
}

#endif
