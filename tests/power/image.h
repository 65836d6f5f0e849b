/* image.h: what a disk may hold after the power went, made from a trace (trace.h).
 *
 * A disk is swept forward over the operations. What was synced is there. What was not may be there, may not,
 * and may be torn between blocks of 512 bytes, in any combination; entries of a directory that was not synced
 * come in their order up to any point, each directory by itself. */
#ifndef FSM_TEST_POWER_IMAGE_H
#define FSM_TEST_POWER_IMAGE_H

#include "trace.h"

typedef enum loss {
  LOSS_ALL,   /* everything that was not synced */
  LOSS_NONE,  /* the process alone ended */
  LOSS_WHOLE, /* each write is there or not */
  LOSS_TORN,  /* each block of 512 bytes of each write is there or not */
  LOSS_COUNT
} loss;

typedef struct disk disk;

disk *disk_new(const trace *trace);
/* One that begins with the files of a directory, all durable. */
disk *disk_of(const trace *trace, const char *dir);
void disk_free(disk *disk);
/* Operations up to `end` (not included) have happened; those of the directory that it began with are before
 * them. Only forward. */
void disk_go(disk *disk, size_t end);
size_t disk_made(const disk *disk); /* how many operations stand in front for what was there */
/* Makes dir (which is not there) and in it what is left. */
void disk_crash(const disk *disk, loss loss, uint64_t *noise, const char *dir);

uint64_t noise_next(uint64_t *noise);

#endif
