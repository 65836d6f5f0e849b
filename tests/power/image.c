/* image.c: see image.h. */
#include "image.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512, PATH_SIZE = 4096 };

/* A file's content: what is durable, and what was asked for since. */
typedef struct content {
  uint8_t *data;
  size_t size, cap;
  size_t *pending; /* operations */
  size_t pending_count, pending_cap;
} content;

/* An entry that a directory may have: operations on names, in order. */
typedef struct naming {
  size_t op;
  bool durable;
} naming;

struct disk {
  trace own; /* disk_of: the operations with those that made the directory in front */
  const trace *of;
  size_t end;
  content *files;
  size_t file_count;
  naming *namings;
  size_t naming_count, naming_cap;
  size_t made; /* of the operations in front: their names and contents are durable */
};

uint64_t noise_next(uint64_t *noise) {
  *noise ^= *noise << 13;
  *noise ^= *noise >> 7;
  *noise ^= *noise << 17;
  return *noise;
}

static void *grown(void *at, size_t size) {
  void *bigger = realloc(at, size ? size : 1);
  if (bigger == NULL) abort();
  return bigger;
}

/* ---- contents ----------------------------------------------------------------------------------- */

static void resize(content *c, size_t size) {
  if (size > c->cap) {
    size_t cap = size + size / 4;
    c->data = grown(c->data, cap);
    c->cap = cap;
  }
  if (size > c->size) memset(c->data + c->size, 0, size - c->size);
  c->size = size;
}

static void put(content *c, const op *o, size_t from, size_t to) {
  if (o->at + to > c->size) resize(c, o->at + to);
  if (o->data)
    memcpy(c->data + o->at + from, o->data + from, to - from);
  else
    memset(c->data + o->at + from, 0, to - from);
}

static void carry_out(content *c, const op *o) {
  if (o->kind == OP_TRUNCATE)
    resize(c, o->at);
  else
    put(c, o, 0, o->len);
}

static void wait_for_sync(content *c, size_t number) {
  if (c->pending_count == c->pending_cap) {
    c->pending_cap = c->pending_cap ? 2 * c->pending_cap : 16;
    c->pending = grown(c->pending, c->pending_cap * sizeof *c->pending);
  }
  c->pending[c->pending_count++] = number;
}

static void make_durable(const disk *d, content *c, size_t since) {
  size_t kept = 0;
  for (size_t i = 0; i < c->pending_count; i++) {
    if (c->pending[i] < since)
      carry_out(c, &d->of->ops[c->pending[i]]);
    else
      c->pending[kept++] = c->pending[i];
  }
  c->pending_count = kept;
}

/* ---- names -------------------------------------------------------------------------------------- */

static void dir_of(const char *path, char out[PATH_SIZE]) {
  const char *slash = strrchr(path, '/');
  snprintf(out, PATH_SIZE, "%.*s", slash ? (int)(slash - path) : 0, path);
}

static bool is_in(const op *o, const char *dir) {
  char parent[PATH_SIZE];
  dir_of(o->path, parent);
  if (strcmp(parent, dir) == 0) return true;
  if (o->to == NULL) return false;
  dir_of(o->to, parent);
  return strcmp(parent, dir) == 0;
}

static void sync_names(disk *d, const op *sync) {
  for (size_t i = 0; i < d->naming_count; i++)
    if (d->namings[i].op < sync->since && is_in(&d->of->ops[d->namings[i].op], sync->path))
      d->namings[i].durable = true;
}

static void note_name(disk *d, size_t number) {
  if (d->naming_count == d->naming_cap) {
    d->naming_cap = d->naming_cap ? 2 * d->naming_cap : 64;
    d->namings = grown(d->namings, d->naming_cap * sizeof *d->namings);
  }
  d->namings[d->naming_count++] = (naming){number, false};
}

/* ---- sweeping ----------------------------------------------------------------------------------- */

static void count_files(disk *d) {
  const trace *t = d->of;
  for (size_t i = 0; i < t->count; i++)
    if (t->ops[i].kind == OP_CREATE && t->ops[i].file + 1 > d->file_count) d->file_count = t->ops[i].file + 1;
  d->files = calloc(d->file_count + 1, sizeof *d->files);
  if (d->files == NULL) abort();
}

disk *disk_new(const trace *t) {
  disk *d = calloc(1, sizeof *d);
  if (d == NULL) abort();
  d->of = t;
  count_files(d);
  return d;
}

/* ---- a disk that begins with a directory -------------------------------------------------------- */

static void front_add(trace *front, op o) {
  front->ops = grown(front->ops, (front->count + 1) * sizeof *front->ops);
  front->ops[front->count++] = o;
}

/* Operations that would have made what is in dir/path. */
static void front_of(trace *front, unsigned *files, const char *dir, const char *path) {
  char full[PATH_SIZE];
  snprintf(full, sizeof full, "%s/%s", dir, path);
  DIR *listed = opendir(full);
  if (listed == NULL) abort();
  for (struct dirent *e; (e = readdir(listed)) != NULL;) {
    char below[PATH_SIZE];
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", e->d_name);
    if (e->d_type == DT_DIR) {
      front_add(front, (op){.kind = OP_MKDIR, .path = strdup(below)});
      front_of(front, files, dir, below);
    } else {
      front_add(front, (op){.kind = OP_CREATE, .path = strdup(below), .file = (*files)++});
    }
  }
  closedir(listed);
}

static bool is_below(const char *path, const char *dir) {
  size_t len = strlen(dir);
  return strncmp(path, dir, len) == 0 && path[len] == '/';
}

static void set_name(char **name, const char *text) {
  char *kept = text != NULL ? strdup(text) : NULL;
  if (text != NULL && kept == NULL) abort();
  free(*name);
  *name = kept;
}

/* The first time that a file of the directory is seen, the trace says that it was made: it was there. */
static void rebind(trace *all, size_t made, unsigned files) {
  unsigned number[4096];
  char *name_of[4096] = {NULL}; /* of the files that were there, now */
  for (unsigned i = 0; i < 4096; i++) number[i] = files + i;
  for (size_t i = 0; i < made; i++)
    if (all->ops[i].kind == OP_CREATE) set_name(&name_of[all->ops[i].file], all->ops[i].path);
  for (size_t i = made; i < all->count; i++) {
    op *o = &all->ops[i];
    if (o->kind == OP_CREATE) {
      unsigned was = files;
      for (unsigned f = 0; f < files && was == files; f++)
        if (name_of[f] != NULL && strcmp(name_of[f], o->path) == 0) was = f;
      if (was < files) {
        number[o->file] = was;
        o->kind = OP_MARK;
        continue;
      }
    }
    for (unsigned f = 0; f < files; f++) {
      if (name_of[f] == NULL) continue;
      if (o->kind == OP_RENAME && strcmp(o->to, name_of[f]) == 0) set_name(&name_of[f], NULL);
      if (name_of[f] == NULL) continue;
      if (o->kind == OP_UNLINK && strcmp(o->path, name_of[f]) == 0) {
        set_name(&name_of[f], NULL);
        continue;
      }
      if (o->kind == OP_RENAME && strcmp(o->path, name_of[f]) == 0) set_name(&name_of[f], o->to);
      if (o->kind == OP_RENAME && is_below(name_of[f], o->path)) {
        char moved[PATH_SIZE];
        snprintf(moved, sizeof moved, "%s%s", o->to, name_of[f] + strlen(o->path));
        set_name(&name_of[f], moved);
      }
    }
    if (o->kind == OP_CREATE || o->kind == OP_WRITE || o->kind == OP_TRUNCATE || o->kind == OP_SYNC)
      o->file = number[o->file];
  }
  for (unsigned f = 0; f < files; f++) set_name(&name_of[f], NULL);
}

static void load(content *c, const char *dir, const char *path) {
  char full[PATH_SIZE];
  struct stat st;
  snprintf(full, sizeof full, "%s/%s", dir, path);
  int fd = open(full, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) != 0) abort();
  resize(c, (size_t)st.st_size);
  for (size_t at = 0; at < c->size;) {
    ssize_t got = pread(fd, c->data + at, c->size - at, (off_t)at);
    if (got <= 0) abort();
    at += (size_t)got;
  }
  close(fd);
}

disk *disk_of(const trace *t, const char *dir) {
  disk *d = calloc(1, sizeof *d);
  unsigned files = 0;
  if (d == NULL) abort();
  front_of(&d->own, &files, dir, "");
  d->made = d->own.count;
  for (size_t i = 0; i < t->count; i++) {
    op o = t->ops[i];
    o.since += d->made;
    front_add(&d->own, o);
  }
  rebind(&d->own, d->made, files);
  d->of = &d->own;
  count_files(d);
  disk_go(d, d->made);
  for (size_t i = 0; i < d->made; i++) {
    d->namings[i].durable = true;
    if (d->own.ops[i].kind == OP_CREATE) load(&d->files[d->own.ops[i].file], dir, d->own.ops[i].path);
  }
  return d;
}

void disk_free(disk *d) {
  for (size_t i = 0; i < d->file_count; i++) free(d->files[i].data), free(d->files[i].pending);
  free(d->files);
  free(d->namings);
  for (size_t i = 0; i < d->made; i++) free(d->own.ops[i].path);
  free(d->own.ops);
  free(d);
}

void disk_go(disk *d, size_t end) {
  for (; d->end < end && d->end < d->of->count; d->end++) {
    const op *o = &d->of->ops[d->end];
    switch (o->kind) {
      case OP_CREATE:
      case OP_MKDIR:
      case OP_RENAME:
      case OP_UNLINK: note_name(d, d->end); break;
      case OP_WRITE:
      case OP_TRUNCATE:
        if (o->durable)
          carry_out(&d->files[o->file], o);
        else
          wait_for_sync(&d->files[o->file], d->end);
        break;
      case OP_SYNC: make_durable(d, &d->files[o->file], o->since); break;
      case OP_SYNC_DIR: sync_names(d, o); break;
      case OP_MARK: break;
    }
  }
}

/* ---- a crash ------------------------------------------------------------------------------------ */

typedef struct entry {
  char path[256];
  int file; /* -1: a directory */
} entry;

typedef struct entries {
  entry *all;
  size_t count, cap;
} entries;

static entry *entry_find(entries *es, const char *path) {
  for (size_t i = 0; i < es->count; i++)
    if (strcmp(es->all[i].path, path) == 0) return &es->all[i];
  return NULL;
}

static void entry_drop(entries *es, const char *path) {
  entry *e = entry_find(es, path);
  if (e != NULL) *e = es->all[--es->count];
}

static void entry_set(entries *es, const char *path, int file) {
  entry_drop(es, path);
  if (es->count == es->cap) {
    es->cap = es->cap ? 2 * es->cap : 32;
    es->all = grown(es->all, es->cap * sizeof *es->all);
  }
  snprintf(es->all[es->count].path, sizeof es->all[0].path, "%s", path);
  es->all[es->count++].file = file;
}

/* What is in a directory goes with it. */
static void move_below(entry *e, const op *o) {
  char moved[PATH_SIZE];
  if (!is_below(e->path, o->path)) return;
  snprintf(moved, sizeof moved, "%s%s", o->to, e->path + strlen(o->path));
  if (strlen(moved) >= sizeof e->path) abort();
  memcpy(e->path, moved, strlen(moved) + 1);
}

static void name(const disk *d, entries *es, const op *o) {
  entry *from;
  (void)d;
  switch (o->kind) {
    case OP_CREATE: entry_set(es, o->path, (int)o->file); break;
    case OP_MKDIR: entry_set(es, o->path, -1); break;
    case OP_UNLINK: entry_drop(es, o->path); break;
    case OP_RENAME:
      from = entry_find(es, o->path);
      if (from != NULL) {
        int file = from->file;
        entry_drop(es, o->path);
        entry_set(es, o->to, file);
        for (size_t i = 0; file < 0 && i < es->count; i++) move_below(&es->all[i], o);
      }
      break;
    default: break;
  }
}

/* Names that are not durable: each directory's come in order, up to a point of its own. */
static void names_left(const disk *d, loss how, uint64_t *noise, entries *out) {
  uint64_t salt = noise_next(noise);
  for (size_t i = 0; i < d->naming_count; i++) {
    const op *o = &d->of->ops[d->namings[i].op];
    bool there = d->namings[i].durable || how == LOSS_NONE;
    if (!there && how != LOSS_ALL) {
      char dir[PATH_SIZE];
      dir_of(o->path, dir);
      uint64_t hash = salt;
      for (const char *c = dir; *c; c++) hash = (hash ^ (uint8_t)*c) * 1099511628211u;
      size_t last_durable = 0;
      for (size_t j = 0; j < d->naming_count; j++)
        if (d->namings[j].durable && is_in(&d->of->ops[d->namings[j].op], dir)) last_durable = j + 1;
      size_t cut = last_durable + (size_t)((hash >> 20) % (d->naming_count - last_durable + 1));
      there = i < cut;
    }
    if (there) name(d, out, o);
  }
}

static void content_left(const disk *d, const content *c, loss how, uint64_t *noise, content *out) {
  resize(out, c->size);
  if (c->size) memcpy(out->data, c->data, c->size);
  for (size_t i = 0; how != LOSS_ALL && i < c->pending_count; i++) {
    const op *o = &d->of->ops[c->pending[i]];
    if (how == LOSS_NONE || o->kind == OP_TRUNCATE || how == LOSS_WHOLE) {
      if (how == LOSS_NONE || noise_next(noise) % 2) carry_out(out, o);
      continue;
    }
    for (size_t from = 0; from < o->len;) {
      size_t to = from + (BLOCK - (o->at + from) % BLOCK);
      if (to > o->len) to = o->len;
      if (noise_next(noise) % 2) put(out, o, from, to);
      from = to;
    }
  }
}

static void write_file(const char *path, const content *c) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) {
    perror(path);
    abort();
  }
  for (size_t at = 0; at < c->size;) {
    static const uint8_t zeroes[65536];
    size_t len = c->size - at < sizeof zeroes ? c->size - at : sizeof zeroes;
    if (memcmp(c->data + at, zeroes, len) != 0 && pwrite(fd, c->data + at, len, (off_t)at) != (ssize_t)len)
      abort();
    at += len;
  }
  if (ftruncate(fd, (off_t)c->size) != 0) abort();
  close(fd);
}

static int by_path(const void *a, const void *b) {
  return strcmp(((const entry *)a)->path, ((const entry *)b)->path);
}

void disk_crash(const disk *d, loss how, uint64_t *noise, const char *dir) {
  entries es = {0};
  content left = {0};
  char path[PATH_SIZE];
  names_left(d, how, noise, &es);
  if (es.count) qsort(es.all, es.count, sizeof *es.all, by_path); /* a directory comes before what is in it */
  mkdir(dir, 0700);
  for (size_t i = 0; i < es.count; i++) {
    snprintf(path, sizeof path, "%s/%s", dir, es.all[i].path);
    if (es.all[i].file < 0) {
      mkdir(path, 0700);
      continue;
    }
    char parent[PATH_SIZE];
    dir_of(path, parent);
    if (access(parent, F_OK) != 0) continue; /* its directory is not there */
    left.size = 0;
    content_left(d, &d->files[es.all[i].file], how, noise, &left);
    write_file(path, &left);
  }
  free(left.data);
  free(es.all);
}

size_t disk_made(const disk *d) { return d->made; }
