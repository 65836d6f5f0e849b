/* drive_lost_cache.c: fsmd over a disk whose cache is lost with the process: for test_kill.py.
 *
 * kill -9 leaves the page cache alone, so an answer that comes before its fdatasync would never be found
 * out. Here what is written to the journal stays in this process's memory until fdatasync or fsync asks
 * for it, and then reaches the file in pieces, in any order, taking as long as a disk does. A kill loses
 * the rest, as power loss would: a torn tail of any shape. Directories and the store are left as they are.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int fsmd_main(int argc, char *argv[]);
#define main fsmd_main
#include "runtime/daemon/main.c"
#undef main

enum { PIECE = 512, PATH_SIZE = 4352, LATENCY_US_MAX = 2000 };

typedef struct held {
  struct held *next;
  int fd;
  off_t at;
  size_t len;
  char data[];
} held;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static held *first, **last = &first;
static _Atomic uint64_t noise;

typedef ssize_t (*pwrite_fn)(int fd, const void *data, size_t len, off_t at);
typedef int (*fd_fn)(int fd);

static void *libc_function(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (found == NULL) abort();
  return found;
}

static ssize_t real_pwrite(int fd, const void *data, size_t len, off_t at) {
  pwrite_fn fn;
  void *found = libc_function("pwrite");
  memcpy(&fn, &found, sizeof fn);
  return fn(fd, data, len, at);
}

static int real_call(const char *name, int fd) {
  fd_fn fn;
  void *found = libc_function(name);
  memcpy(&fn, &found, sizeof fn);
  return fn(fd);
}

static bool of_journal(int fd) {
  char name[32], path[PATH_SIZE];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  ssize_t len = readlink(name, path, sizeof path - 1);
  if (len <= 0) return false;
  path[len] = 0;
  return strstr(path, "/journal/") != NULL;
}

static uint32_t any(uint32_t below) {
  uint64_t next = noise * 6364136223846793005u + 1442695040888963407u;
  noise = next;
  return (uint32_t)(next >> 33) % below;
}

/* ---- held back ------------------------------------------------------------------------------------ */

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
  if (!of_journal(fd)) return real_pwrite(fd, data, len, at);
  held *entry = malloc(sizeof *entry + len);
  if (entry == NULL) {
    errno = ENOMEM;
    return -1;
  }
  *entry = (held){.fd = fd, .at = at, .len = len};
  memcpy(entry->data, data, len);
  pthread_mutex_lock(&lock);
  *last = entry;
  last = &entry->next;
  pthread_mutex_unlock(&lock);
  return (ssize_t)len;
}

static held *take(int fd) {
  held *taken = NULL, **taken_last = &taken, **at = &first;
  pthread_mutex_lock(&lock);
  while (*at != NULL) {
    held *entry = *at;
    if (entry->fd != fd) {
      at = &entry->next;
      continue;
    }
    *at = entry->next;
    entry->next = NULL;
    *taken_last = entry;
    taken_last = &entry->next;
  }
  last = at;
  pthread_mutex_unlock(&lock);
  return taken;
}

static void drop(held *list) {
  while (list != NULL) {
    held *next = list->next;
    free(list);
    list = next;
  }
}

/* ---- written -------------------------------------------------------------------------------------- */

static bool put(const held *entry, size_t from, size_t len) {
  return real_pwrite(entry->fd, entry->data + from, len, entry->at + (off_t)from) == (ssize_t)len;
}

/* Some of its pieces, each once at most, beginning anywhere. */
static void put_some(const held *entry) {
  size_t pieces = entry->len / PIECE;
  if (pieces == 0) return;
  size_t begin = any((uint32_t)pieces), count = any((uint32_t)pieces) + 1;
  for (size_t i = 0; i < count; i++) (void)put(entry, (begin + i) % pieces * PIECE, PIECE);
}

static int settle(int fd) {
  held *list = take(fd);
  int fault = 0;
  if (list != NULL) {
    long half_us = any(LATENCY_US_MAX / 2);
    nanosleep(&(struct timespec){.tv_nsec = half_us * 1000}, NULL);
    for (const held *entry = list; entry != NULL; entry = entry->next) put_some(entry);
    nanosleep(&(struct timespec){.tv_nsec = half_us * 1000}, NULL);
    /* Whole and in order, so that the later of two writes to one place is what stays. */
    for (const held *entry = list; entry != NULL; entry = entry->next)
      if (!put(entry, 0, entry->len)) fault = EIO;
  }
  drop(list);
  errno = fault;
  return fault ? -1 : 0;
}

/* The process is killed, never the machine: after settle the data is as safe as it needs to be here. */
int fdatasync(int fd) { return of_journal(fd) ? settle(fd) : real_call("fdatasync", fd); }

int fsync(int fd) { return of_journal(fd) ? settle(fd) : real_call("fsync", fd); }

int close(int fd) {
  drop(take(fd)); /* nobody asked for it */
  return real_call("close", fd);
}

int main(int argc, char *argv[]) {
  noise = (uint64_t)getpid() * 0x9E3779B97F4A7C15u ^ (uint64_t)time(NULL);
  return fsmd_main(argc, argv);
}
