/* zone.c: zones from the system's directory.
 *
 * A name comes from a definition, so it may only name a file below the directory: no "..", no absolute
 * path, and nothing but regular files is read. Links are followed, for many names are links to others.
 */
#include "schema/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_part(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
         c == '-';
}

/* Dots are not among the characters, so that no part can lead upward. Two files are what a machine was set
 * to, not a zone: with them one definition would mean another thing elsewhere. */
static bool is_name(const char *name) {
  size_t len = strlen(name);
  if (len == 0 || len > FSM_ZONE_NAME_MAX || strcmp(name, "localtime") == 0 ||
      strcmp(name, "posixrules") == 0)
    return false;
  for (size_t i = 0; i < len; i++) {
    bool inner = i > 0 && i + 1 < len && is_part(name[i - 1]) && is_part(name[i + 1]);
    if (!is_part(name[i]) && !(name[i] == '/' && inner)) return false;
  }
  return true;
}

/* All of an open file into memory; NULL when it is no regular file of a fitting size or cannot be read. */
static void *read_all(int file, size_t *len) {
  struct stat about;
  if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size < 1 ||
      about.st_size > FSM_ZONE_FILE_MAX)
    return NULL;
  size_t size = (size_t)about.st_size, have = 0;
  char *data = malloc(size);
  while (data && have < size) {
    ssize_t got = read(file, data + have, size - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += (size_t)got;
  }
  if (data && have == size) {
    *len = size;
    return data;
  }
  free(data);
  return NULL;
}

bool fsm_zones_read(void *arg, const char *name, const void **data, size_t *len) {
  FSM_ASSERT(arg && name && data && len);
  fsm_zones *zones = arg;
  char path[512];
  fsm_zones_free(zones);
  if (!is_name(name)) return false;
  int size =
      snprintf(path, sizeof path, "%s/%s", zones->directory ? zones->directory : "/usr/share/zoneinfo", name);
  if (size < 0 || (size_t)size >= sizeof path) return false;
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return false;
  zones->data = read_all(file, len);
  close(file);
  *data = zones->data;
  return zones->data != NULL;
}

void fsm_zones_free(fsm_zones *zones) {
  FSM_ASSERT(zones);
  free(zones->data);
  zones->data = NULL;
}
