/* bench_raw.c: what the disk gives: overwriting zero-written blocks, one fdatasync per batch. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

enum { FILE_BYTES = 64 * 1024 * 1024, BLOCK = 512 };

static int zeroed(const char *path) {
  static const char zeroes[1024 * 1024];
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) give_up("%s cannot be made", path);
  for (size_t at = 0; at < FILE_BYTES; at += sizeof zeroes)
    if (pwrite(fd, zeroes, sizeof zeroes, (off_t)at) != (ssize_t)sizeof zeroes)
      give_up("%s cannot be written", path);
  if (fsync(fd) != 0) give_up("%s cannot be synced", path);
  return fd;
}

double raw_overwrite(const char *dir, size_t batch_bytes, double seconds) {
  char path[600];
  char *batch = malloc(batch_bytes);
  size_t step = (batch_bytes + BLOCK - 1) / BLOCK * BLOCK;
  snprintf(path, sizeof path, "%s/raw", dir);
  int fd = zeroed(path);
  if (batch == NULL) give_up("no memory");
  memset(batch, 'x', batch_bytes);
  uint64_t batches = 0;
  double begin = now_s(), end = begin;
  for (size_t at = 0; end - begin < seconds; batches++, at += step) {
    if (at + step > FILE_BYTES) at = 0;
    if (pwrite(fd, batch, batch_bytes, (off_t)at) != (ssize_t)batch_bytes || fdatasync(fd) != 0)
      give_up("%s cannot be written", path);
    end = now_s();
  }
  close(fd);
  unlink(path);
  free(batch);
  return (double)batches / (end - begin);
}
