/* damage.c: files that are not what was written. damage [--trials N] [--seed S] [--at I] [--keep] [--repair]
 *
 * A data directory with instances, timers, keys and several segments is made and closed; what it answers is
 * kept. In each trial one thing happens to a copy: flipped bits, zeroed pages, a cut file, swapped files, a
 * file from an earlier moment, a missing file. Then it is opened, read and verified in a process of its own.
 * Every answer must be the one that was given before, or a refusal; the process may end with 7 or 74, never
 * by a signal. With --repair, what was refused is then repaired (repair.c), and half of the directories have
 * snapshots and a pruned journal. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "repair.h"
#include "schema/json.h"
#include "tests/tree.h"

enum { INSTANCES = 40, FILES_MAX = 64, TRIAL_SECONDS = 60, LISTS = 3 };

/* A clock that stands: what is answered does not depend on when. It is moved while a journal to prune is
 * made. */
#define NOW_NS ((int64_t)1800000000 * 1000000000)
#define DAY_NS ((int64_t)86400 * 1000000000)
static int64_t days;

static const char MACHINE[] =
    "{\"id\":\"m\",\"initial\":\"on\",\"context\":{\"n\":0,\"text\":\"\"},\"states\":{"
    "\"on\":{\"on\":{\"ADD\":{\"context\":{\"n\":{\"@expr\":\"context.n + "
    "1\"},\"text\":{\"@expr\":\"event.text\"}}},"
    "\"WAIT\":\"waiting\"}},"
    "\"waiting\":{\"after\":{\"1000000000\":\"on\"},\"on\":{\"ADD\":{\"context\":{\"n\":{\"@expr\":\"context."
    "n + "
    "1\"}}}}}}}";

static int64_t fixed_now(void *arg) {
  (void)arg;
  return NOW_NS + days * DAY_NS;
}

static bool pruned; /* the directory that is made next, and those like it */

static fsm_code open_at(const char *dir, fsm_runtime **out, fsm_error *err) {
  const fsm_runtime_options options = {.dir = dir,
                                       .snapshot_records = pruned ? 150 : 0,
                                       .retain_bytes = pruned ? 1 : 0,
                                       .must_exist = access(dir, F_OK) == 0,
                                       .segment_bytes = (size_t)2 << 20,
                                       .map_bytes = (size_t)256 << 20,
                                       .now = fixed_now};
  return fsm_runtime_open(&options, out, NULL, err);
}

/* ---- what it answers ---------------------------------------------------------------------------- */

typedef struct answers {
  char *instance[INSTANCES], *history[INSTANCES], *list[LISTS];
} answers;

/* JSON of an answer; NULL = refused. */
static char *ask(fsm_runtime *runtime, const fsm_query *query) {
  fsm_arena arena;
  fsm_value out;
  fsm_error err;
  char *text = NULL;
  fsm_arena_init(&arena, 0);
  if (fsm_query_wait(runtime, query, &arena, &out, &err) == FSM_OK) {
    fsm_buf buf = {0};
    fsm_json_write(&buf, &out);
    text = strdup(fsm_buf_text(&buf));
    fsm_buf_free(&buf);
  }
  fsm_arena_free(&arena);
  return text;
}

static answers ask_all(fsm_runtime *runtime) {
  answers out;
  const fsm_query lists[LISTS] = {{.kind = FSM_QUERY_LIST, .limit = 1000},
                                  {.kind = FSM_QUERY_STUCK, .limit = 1000},
                                  {.kind = FSM_QUERY_COUNTS}};
  for (int i = 0; i < INSTANCES; i++) {
    char id[16];
    snprintf(id, sizeof id, "i-%d", i);
    out.instance[i] = ask(runtime, &(fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id});
    out.history[i] = ask(runtime, &(fsm_query){.kind = FSM_QUERY_HISTORY, .ref = id, .limit = 1000});
  }
  for (int i = 0; i < LISTS; i++) out.list[i] = ask(runtime, &lists[i]);
  return out;
}

/* How many were refused; -1: one is not what it was. */
static int compare(const answers *was, const answers *is) {
  char *const *a = (char *const *)was, *const *b = (char *const *)is;
  int refused = 0;
  for (size_t i = 0; i < sizeof(answers) / sizeof(char *); i++) {
    refused += b[i] == NULL && a[i] != NULL; /* a history whose front was pruned is refused anyway */
    if (b[i] == NULL || (a[i] != NULL && strcmp(a[i], b[i]) == 0)) continue;
    if (a[i] == NULL) continue;
    printf("damage: answer %zu was\n  %.300s\nand is\n  %.300s\n", i, a[i], b[i]);
    return -1;
  }
  return refused;
}

/* ---- the directory ------------------------------------------------------------------------------ */

static void must(bool good, const char *what) {
  if (good) return;
  printf("damage: %s failed before any damage\n", what);
  exit(3);
}

static void call(fsm_runtime *runtime, const fsm_command *command) {
  fsm_arena arena;
  fsm_answer answer;
  fsm_arena_init(&arena, 0);
  must(fsm_call(runtime, command, &arena, &answer) == FSM_OK, "a command");
  fsm_arena_free(&arena);
}

static void send(fsm_runtime *runtime, int i, int n, const char *text) {
  char id[16], idem[32];
  fsm_pair pair = {fsm_string("text"), fsm_string(text)};
  fsm_command command = fsm_command_new(FSM_CMD_SEND);
  snprintf(id, sizeof id, "i-%d", i);
  snprintf(idem, sizeof idem, "k-%d-%d", i, n);
  command.instance = id;
  command.event = n == 3 && i % 3 == 0 ? "WAIT" : "ADD";
  command.idem = idem;
  command.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &pair};
  call(runtime, &command);
}

static void work(fsm_runtime *runtime, int from, int to) {
  static char text[20 * 1024];
  memset(text, 'a', sizeof text - 1);
  for (int n = from; n < to; n++)
    for (int i = 0; i < INSTANCES; i++) {
      text[i * 400 + n] = '\0';
      send(runtime, i, n, text);
      text[i * 400 + n] = 'a';
    }
}

static void make(const char *dir, const char *earlier);

/* ---- files -------------------------------------------------------------------------------------- */

typedef struct files {
  char path[FILES_MAX][600]; /* below the directory */
  unsigned count;
} files;

static void walk(const char *root, const char *below, files *out) {
  char full[1024];
  snprintf(full, sizeof full, "%s/%s", root, below);
  DIR *dir = opendir(full);
  if (dir == NULL) abort();
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    char path[600];
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    snprintf(path, sizeof path, "%s%s%s", below, *below ? "/" : "", e->d_name);
    if (e->d_type == DT_DIR)
      walk(root, path, out);
    else if (e->d_type == DT_REG && out->count < FILES_MAX)
      snprintf(out->path[out->count++], sizeof out->path[0], "%s", path);
  }
  closedir(dir);
}

static void await_snapshots(fsm_runtime *runtime, unsigned made) {
  for (int i = 0; i < 3000; i++) {
    fsm_arena arena;
    fsm_value told;
    fsm_error err;
    fsm_arena_init(&arena, 0);
    must(fsm_runtime_stat(runtime, &arena, &told, &err) == FSM_OK, "stat");
    const fsm_value *count = fsm_map_get(fsm_map_get(&told, "retention"), "snapshots_made");
    bool enough = count != NULL && count->i >= (int64_t)made;
    fsm_arena_free(&arena);
    if (enough) return;
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  }
  must(false, "a snapshot");
}

static void make(const char *dir, const char *earlier) {
  fsm_runtime *runtime = NULL;
  fsm_error err;
  fsm_command deploy = fsm_command_new(FSM_CMD_DEPLOY);
  deploy.source = MACHINE;
  deploy.source_len = strlen(MACHINE);
  must(open_at(dir, &runtime, &err) == FSM_OK, "opening");
  call(runtime, &deploy);
  for (int i = 0; i < INSTANCES; i++) {
    char id[16], key[16];
    fsm_command start = fsm_command_new(FSM_CMD_START);
    snprintf(id, sizeof id, "i-%d", i);
    snprintf(key, sizeof key, "key-%d", i);
    start.machine = "m";
    start.instance = id;
    start.key = key;
    call(runtime, &start);
  }
  work(runtime, 0, 6);
  if (pruned) await_snapshots(runtime, 1);
  fsm_runtime_close(runtime);
  copy_tree(dir, earlier);
  days += pruned ? 2 : 0;
  must(open_at(dir, &runtime, &err) == FSM_OK, "opening");
  work(runtime, 6, 10);
  if (pruned) await_snapshots(runtime, 1);
  fsm_runtime_close(runtime);
}

/* ---- damage ------------------------------------------------------------------------------------- */

static uint64_t draw(uint64_t *noise) {
  *noise ^= *noise << 13;
  *noise ^= *noise >> 7;
  *noise ^= *noise << 17;
  return *noise;
}

typedef struct trial {
  const char *dir, *earlier, *other; /* other: another store of the same shape */
  const files *files;
  uint64_t noise;
  char what[400];
} trial;

static const char *pick(trial *t, char out[1200]) {
  const char *name = t->files->path[draw(&t->noise) % t->files->count];
  snprintf(out, 1200, "%s/%s", t->dir, name);
  return name;
}

static off_t size_of(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 ? st.st_size : 0;
}

static void flip(trial *t) {
  char path[1200];
  const char *name = pick(t, path);
  off_t size = size_of(path);
  unsigned bits = 1 + (unsigned)(draw(&t->noise) % 3);
  int fd = open(path, O_RDWR | O_CLOEXEC);
  for (unsigned i = 0; size > 0 && i < bits; i++) {
    uint8_t byte = 0;
    /* half of the flips near the front, where what is used is */
    off_t at = (off_t)(draw(&t->noise) % (uint64_t)(draw(&t->noise) % 2 && size > 65536 ? 65536 : size));
    if (pread(fd, &byte, 1, at) != 1) break;
    byte ^= (uint8_t)(1u << draw(&t->noise) % 8);
    if (pwrite(fd, &byte, 1, at) != 1) break;
  }
  close(fd);
  snprintf(t->what, sizeof t->what, "%u bits flipped in %s", bits, name);
}

static void zero(trial *t) {
  static const char zeroes[4096];
  char path[1200];
  const char *name = pick(t, path);
  off_t size = size_of(path), at = size > 0 ? (off_t)(draw(&t->noise) % (uint64_t)size) / 4096 * 4096 : 0;
  size_t len = (off_t)sizeof zeroes < size - at ? sizeof zeroes : (size_t)(size - at);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (pwrite(fd, zeroes, len, at) < 0) perror(path);
  close(fd);
  snprintf(t->what, sizeof t->what, "a page of zeroes at %lld in %s", (long long)at, name);
}

static void cut(trial *t) {
  char path[1200];
  const char *name = pick(t, path);
  off_t size = size_of(path), to = size > 0 ? (off_t)(draw(&t->noise) % (uint64_t)size) : 0;
  if (draw(&t->noise) % 2) to = to / 4096 * 4096;
  if (truncate(path, to) != 0) perror(path);
  snprintf(t->what, sizeof t->what, "%s cut to %lld of %lld", name, (long long)to, (long long)size);
}

static void swap(trial *t) {
  char a[1200], b[1200], c[1300];
  const char *name = pick(t, a), *with = pick(t, b);
  snprintf(c, sizeof c, "%s.swap", a);
  if (strcmp(a, b) != 0 && (rename(a, c) != 0 || rename(b, a) != 0 || rename(c, b) != 0)) perror(a);
  snprintf(t->what, sizeof t->what, "%s swapped with %s", name, with);
}

static void from(trial *t, const char *source, const char *say) {
  char path[1200], other[1200];
  const char *name = pick(t, path);
  snprintf(other, sizeof other, "%s/%s", source, name);
  if (access(other, F_OK) == 0) copy_file(other, path);
  snprintf(t->what, sizeof t->what, "%s %s", name, say);
}

static void earlier_file(trial *t) { from(t, t->earlier, "of an earlier moment"); }
static void other_file(trial *t) { from(t, t->other, "of another store"); }

static void missing(trial *t) {
  char path[1200];
  const char *name = pick(t, path);
  unlink(path);
  snprintf(t->what, sizeof t->what, "%s removed", name);
}

static void noisy(trial *t) {
  char path[1200], block[512];
  const char *name = pick(t, path);
  off_t size = size_of(path), at = size > 0 ? (off_t)(draw(&t->noise) % (uint64_t)size) / 512 * 512 : 0;
  for (size_t i = 0; i < sizeof block; i++) block[i] = (char)draw(&t->noise);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (pwrite(fd, block, at + (off_t)sizeof block <= size ? sizeof block : (size_t)(size - at), at) < 0)
    perror(path);
  close(fd);
  snprintf(t->what, sizeof t->what, "a block of noise at %lld in %s", (long long)at, name);
}

static void (*const damages[])(trial *) = {flip, flip,         flip,       zero,    cut,
                                           swap, earlier_file, other_file, missing, noisy};
enum { DAMAGES = sizeof damages / sizeof damages[0] };

/* ---- trials ------------------------------------------------------------------------------------- */

/* 0 all as it was · 10 refused, in whole or in part · 20 a wrong answer. */
static int look(const char *dir, const answers *was) {
  fsm_runtime *runtime = NULL;
  fsm_error err = {.text = ""};
  alarm(TRIAL_SECONDS);
  if (open_at(dir, &runtime, &err) != FSM_OK) return err.text[0] != '\0' ? 10 : 20;
  answers is = ask_all(runtime);
  int refused = compare(was, &is);
  if (refused < 0) return 20;
  fsm_verified verified;
  bool whole = fsm_runtime_verify(runtime, &verified, &err) == FSM_OK;
  fsm_runtime_close(runtime);
  if (whole && refused > 0) {
    printf("damage: it verifies, and refuses %d answers\n", refused);
    return 20;
  }
  return whole ? 0 : 10;
}

typedef struct plan {
  unsigned trials;
  uint64_t seed;
  long at;
  bool keep, repair;
  unsigned same, refused, ended, bad;
  unsigned repaired, lossy, hopeless; /* of those refused or ended */
} plan;

/* What is made once, and damaged copies of it are looked at. */
typedef struct original {
  char whole[128], earlier[128], other[128];
  files all;
  answers was;
  uint64_t last;
  int64_t days; /* on the clock when it was asked */
} original;

static int run_child(const plan *p, const trial *t, const original *o, bool repairing) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    if (p->at < 0 && freopen("/dev/null", "w", stderr) == NULL) _exit(3);
    alarm(TRIAL_SECONDS);
    days = o->days;
    int status = repairing ? repair_damage(t->dir, o->last, open_at, p->at >= 0) : look(t->dir, &o->was);
    fflush(stdout);
    _exit(status);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void count_repair(plan *p, trial *t, unsigned i, int code) {
  p->repaired += code == REPAIRED;
  p->lossy += code == REPAIRED_WITH_LOSS;
  p->hopeless += code == NOT_REPAIRED;
  if (p->at >= 0) printf("damage: trial %u: repair: %d\n", i, code);
  if (code == REPAIRED || code == REPAIRED_WITH_LOSS || code == NOT_REPAIRED) return;
  p->bad++;
  printf("damage: trial %u of seed %llu: %s: repair ended with %d\n", i, (unsigned long long)p->seed, t->what,
         code);
}

static void one(plan *p, trial *t, unsigned i, const original *o) {
  t->noise = (p->seed * 1000003 + i) * 0x9E3779B97F4A7C15u | 1;
  for (int n = 0; n < 4; n++) (void)draw(&t->noise);
  copy_tree(o->whole, t->dir);
  damages[draw(&t->noise) % DAMAGES](t);
  int code = run_child(p, t, o, false);
  p->same += code == 0;
  p->refused += code == 10;
  p->ended += code == 7 || code == 74;
  if (code != 0 && code != 10 && code != 7 && code != 74) {
    p->bad++;
    printf("damage: trial %u of seed %llu: %s: exit %d\n", i, (unsigned long long)p->seed, t->what, code);
  } else if (p->at >= 0) {
    printf("damage: trial %u: %s: exit %d\n", i, t->what, code);
  }
  if (p->repair && (code == 10 || code == 7 || code == 74)) count_repair(p, t, i, run_child(p, t, o, true));
  if (!p->keep) remove_tree(t->dir);
}

static void make_original(const char *root, bool with_snapshots, original *o) {
  char unused[128], copy[140];
  fsm_runtime *runtime = NULL;
  fsm_opened opened;
  fsm_error err;
  const char *kind = with_snapshots ? "pruned-" : "";
  snprintf(o->whole, sizeof o->whole, "%s/%swhole", root, kind);
  snprintf(o->earlier, sizeof o->earlier, "%s/%searlier", root, kind);
  snprintf(o->other, sizeof o->other, "%s/%sother", root, kind);
  snprintf(unused, sizeof unused, "%s/%sunused", root, kind);
  snprintf(copy, sizeof copy, "%s/%scopy", root, kind);
  pruned = with_snapshots;
  make(o->whole, o->earlier);
  make(o->other, unused);
  pruned = false; /* whoever looks makes no snapshots meanwhile */
  o->days = days;
  walk(o->whole, "", &o->all);
  copy_tree(o->whole, copy);
  must(open_at(copy, &runtime, &err) == FSM_OK, "opening");
  o->was = ask_all(runtime);
  fsm_runtime_close(runtime);
  must(open_at(copy, &runtime, &err) == FSM_OK, "opening");
  fsm_runtime_close(runtime);
  must(fsm_runtime_open(&(fsm_runtime_options){.dir = copy, .read_only = true}, &runtime, &opened, &err) ==
           FSM_OK,
       "opening");
  fsm_runtime_close(runtime);
  o->last = opened.last_seq;
  for (int i = 0; i < INSTANCES + LISTS; i++)
    must((i < INSTANCES ? o->was.instance[i] : o->was.list[i - INSTANCES]) != NULL, "an answer");
}

static void free_original(original *o) {
  for (size_t i = 0; i < sizeof o->was / sizeof(char *); i++) free(((char **)&o->was)[i]);
  free(o);
}

int main(int argc, char *argv[]) {
  plan p = {.trials = 100, .seed = 1, .at = -1};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--keep") == 0)
      p.keep = true;
    else if (strcmp(argv[i], "--repair") == 0)
      p.repair = true;
    else if (strcmp(argv[i], "--trials") == 0 && i + 1 < argc)
      p.trials = (unsigned)strtoul(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
      p.seed = strtoull(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "--at") == 0 && i + 1 < argc)
      p.at = strtol(argv[++i], NULL, 10);
    else
      return fputs("usage: damage [--trials N] [--seed S] [--at I] [--keep] [--repair]\n", stderr), 2;
  }
  char root[64], dir[128];
  snprintf(root, sizeof root, "%s/fsm-damage-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  if (mkdtemp(root) == NULL) return fputs("damage: no scratch directory\n", stderr), 1;
  snprintf(dir, sizeof dir, "%s/data", root);
  original *originals[2] = {calloc(1, sizeof(original)), calloc(1, sizeof(original))};
  const unsigned kinds = p.repair ? 2 : 1;
  for (unsigned k = 0; k < kinds; k++) make_original(root, k == 1, originals[k]);
  for (unsigned i = 0; i < p.trials && p.bad < 20; i++) {
    const original *o = originals[i % kinds];
    trial t = {.dir = dir, .earlier = o->earlier, .other = o->other, .files = &o->all};
    if (p.at < 0 || (unsigned)p.at == i) one(&p, &t, i, o);
  }
  if (!p.keep) remove_tree(root);
  printf(
      "damage: seed %llu: %u trials over %u files: %u as before, %u refused, %u ended by themselves, %u "
      "bad\n",
      (unsigned long long)p.seed, p.trials, originals[kinds - 1]->all.count, p.same, p.refused, p.ended,
      p.bad);
  if (p.repair)
    printf("damage: %u repaired, %u with records lost that the repair names, %u not and left as they were\n",
           p.repaired, p.lossy, p.hopeless);
  for (int k = 0; k < 2; k++) free_original(originals[k]);
  return p.bad ? 1 : 0;
}
