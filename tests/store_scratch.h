/* store_scratch.h: what the tests of the store share: a scratch directory, straight-line calls, a digest. */
#ifndef FSM_TESTS_STORE_SCRATCH_H
#define FSM_TESTS_STORE_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/store_impl.h"

static const uint8_t store_id[16] = "a store id, 16b";

/* ---- a scratch directory per test ---- */

typedef struct place {
  char root[64], dir[80];
} place;

static inline int setup(void **state) {
  place *p = calloc(1, sizeof *p);
  const char *tmp = getenv("TMPDIR");
  snprintf(p->root, sizeof p->root, "%.40s/fsm-store-XXXXXX", tmp ? tmp : "/tmp");
  assert_non_null(mkdtemp(p->root));
  snprintf(p->dir, sizeof p->dir, "%s/store", p->root);
  *state = p;
  return 0;
}

static inline void remove_dir(const char *dir) {
  chmod(dir, 0700);
  DIR *d = opendir(dir);
  if (!d) return;
  for (struct dirent *e; (e = readdir(d));)
    if (e->d_name[0] != '.') unlinkat(dirfd(d), e->d_name, 0);
  closedir(d);
  rmdir(dir);
}

static inline int teardown(void **state) {
  place *p = *state;
  remove_dir(p->dir);
  remove_dir(p->root);
  free(p);
  return 0;
}

static inline fsm__store_options options_of(const place *p) {
  return (fsm__store_options){.dir = p->dir, .map_bytes = (size_t)64 << 20, .new_store_id = store_id};
}

static inline fsm__store *open_with(const fsm__store_options *options) {
  fsm__store *store = NULL;
  fsm_error err = {0};
  if (fsm__store_open(options, &store, &err)) fail_msg("%s: %s", err.where, err.text);
  return store;
}

static inline fsm__store *open_new(const place *p) {
  fsm__store_options options = options_of(p);
  return open_with(&options);
}

static inline fsm__store *open_read_only(const place *p) {
  fsm__store_options options = {.dir = p->dir, .read_only = true};
  return open_with(&options);
}

static inline fsm__hash leaf_of(uint64_t seq) { return fsm__leaf(&seq, sizeof seq); }

static inline void round_at(fsm__store *store, uint64_t seq) {
  fsm__hash leaf = leaf_of(seq);
  fsm_error err = {0};
  if (fsm__store_round(store, seq, &leaf, &err)) fail_msg("%s: %s", err.where, err.text);
}

static inline void put(fsm__store *store, fsm__table table, const char *key, const char *value) {
  fsm__store_put(store, table, key, strlen(key), value, strlen(value));
  assert_int_equal(fsm__store_fault(store, NULL), FSM_OK);
}

static inline void erase(fsm__store *store, fsm__table table, const char *key) {
  fsm__store_delete(store, table, key, strlen(key));
}

/* want NULL: absent. */
static inline void has(fsm__store *store, fsm__table table, const char *key, const char *want) {
  const void *value;
  size_t len;
  fsm_error err = {0};
  fsm_code code = fsm__store_get(store, table, key, strlen(key), &value, &len, &err);
  assert_int_equal(code, want ? FSM_OK : FSM_ENOTFOUND);
  assert_int_equal(err.code, FSM_OK);
  if (!want) return;
  assert_int_equal(len, strlen(want));
  assert_memory_equal(value, want, len);
}

/* The keys of a prefix, as "a b c". */
static inline void ranges(fsm__store *store, fsm__table table, const char *prefix, const char *want) {
  char seen[512] = "";
  fsm__range range;
  fsm__row row;
  bool found;
  fsm__range_open(&range, store, table, prefix, strlen(prefix));
  for (;;) {
    assert_int_equal(fsm__range_next(&range, &row, &found, NULL), FSM_OK);
    if (!found) break;
    size_t len = strlen(seen);
    snprintf(seen + len, sizeof seen - len, "%s%.*s", len ? " " : "", (int)row.key_len,
             (const char *)row.key);
  }
  fsm__range_close(&range);
  assert_string_equal(seen, want);
}

static inline void data_path(const place *p, char *out, size_t size) {
  snprintf(out, size, "%s/data.mdb", p->dir);
}

static inline char *read_file(const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  struct stat found;
  assert_int_equal(fstat(fileno(f), &found), 0);
  *len = (size_t)found.st_size;
  char *bytes = malloc(*len + 1);
  assert_int_equal(fread(bytes, 1, *len, f), *len);
  fclose(f);
  return bytes;
}

/* ---- everything in a directory, as one digest ---- */

static inline fsm__hash digest_of(const place *p) {
  fsm_buf buf = {0};
  struct dirent **entries;
  int count = scandir(p->dir, &entries, NULL, alphasort);
  assert_true(count > 0);
  for (int i = 0; i < count; i++) {
    char path[400];
    struct stat found;
    snprintf(path, sizeof path, "%s/%s", p->dir, entries[i]->d_name);
    assert_int_equal(stat(path, &found), 0);
    if (strcmp(entries[i]->d_name, "..")) {
      fsm_buf_printf(&buf, "%s %o %ld %ld.%09ld\n", entries[i]->d_name, found.st_mode, (long)found.st_size,
                     (long)found.st_mtim.tv_sec, (long)found.st_mtim.tv_nsec);
      if (S_ISREG(found.st_mode)) {
        size_t len;
        char *bytes = read_file(path, &len);
        fsm_buf_add(&buf, bytes, len);
        free(bytes);
      }
    }
    free(entries[i]);
  }
  free(entries);
  assert_true(fsm_buf_ok(&buf));
  fsm__hash hash = fsm__sha256(buf.data, buf.len);
  fsm_buf_free(&buf);
  return hash;
}

static inline void unchanged(const place *p, fsm__hash before) {
  fsm__hash after = digest_of(p);
  assert_memory_equal(before.bytes, after.bytes, sizeof before.bytes);
}

static inline int in_child(int (*run)(const place *), const place *p) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) _exit(run(p));
  int status;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
