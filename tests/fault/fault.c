/* fault.c: each allocation and each system call fails once. fault [--every N] [--scene NAME] [--call NAME]
 * [--at N]
 *
 * A scene (scenes.c) is run in a process of its own, once to count its calls, then with the nth of them
 * failing. It must end by itself: with a refusal and a clean end, or, after a fault of the disk on the way of
 * a record, with exit status 74 within a second and no positive answer behind it. Then, without faults,
 * everything answered must be there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "inject.h"
#include "scene.h"
#include "tests/tree.h"

enum { TRIAL_SECONDS = 60, FATAL_WITHIN_MS = 1000, ANSWER_WITHIN_MS = 100 };

/* What a call may fail with. */
static const struct {
  inject_call call;
  int faults[4]; /* 0 = no more */
} kinds[] = {
    {CALL_MALLOC, {ENOMEM}},
    {CALL_PWRITE, {EIO, ENOSPC, EINTR, INJECT_SHORT}},
    {CALL_PWRITEV, {EIO, ENOSPC, INJECT_SHORT}},
    {CALL_WRITE, {EIO, ENOSPC, EINTR, INJECT_SHORT}},
    {CALL_READ, {EIO, EINTR, INJECT_SHORT}},
    {CALL_PREAD, {EIO, EINTR, INJECT_SHORT}},
    {CALL_FDATASYNC, {EIO, ENOSPC, EINTR}},
    {CALL_FSYNC, {EIO, ENOSPC}},
    {CALL_OPEN, {EMFILE, EIO, EINTR, ENOSPC}},
    {CALL_MMAP, {ENOMEM}},
    {CALL_FTRUNCATE, {EIO, ENOSPC}},
    {CALL_FALLOCATE, {EIO, ENOSPC}},
    {CALL_FCNTL, {EINTR, ENOSPC}},
    {CALL_GETRANDOM, {EINTR, EIO, INJECT_SHORT}},
    {CALL_RENAME, {EIO, ENOSPC}},
    {CALL_MKDIR, {EIO, ENOSPC}},
    {CALL_UNLINK, {EIO}},
};
enum { KINDS = sizeof kinds / sizeof kinds[0], FAULTS = 4 };

typedef struct plan {
  unsigned every; /* of the calls of a kind, one in so many */
  const char *scene, *call;
  long at;
  char dir[256];
  unsigned trials, fired, fatal, bad;
} plan;

/* ---- a trial ------------------------------------------------------------------------------------ */

typedef enum part { PREPARE, RUN, CHECK } part;

typedef struct trial {
  const scene *scene;
  inject_call call;
  uint64_t nth;
  int fault;
  bool loud; /* what it says on stderr is shown */
  char data[300];
  tally *tally;
  uint64_t *counts; /* CALL_COUNT, shared */
} trial;

static void end_of_run(const trial *t) {
  inject_off();
  for (int c = 0; c < CALL_COUNT; c++) t->counts[c] = inject_counted((inject_call)c);
}

static int child(const trial *t, part what) {
  alarm(TRIAL_SECONDS);
  if (what == PREPARE) {
    t->scene->before(t->data, t->tally);
    return 0;
  }
  if (what == CHECK) return scene_check(t->data, t->tally) ? 0 : 1;
  inject_report(&t->tally->fired_ns, &t->tally->journal, &t->tally->open);
  if (!t->loud && freopen("/dev/null", "w", stderr) == NULL) return 3;
  inject_arm(t->call, t->nth, t->fault);
  t->scene->run(t->data, t->tally);
  end_of_run(t);
  return 0;
}

static int in_child(const trial *t, part what) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid < 0) abort();
  if (pid == 0) {
    int status = child(t, what);
    fflush(stdout);
    _exit(status);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

static bool say(plan *p, const trial *t, const char *what, int status) {
  printf("fault: %s: scene %s, %s number %llu, errno %d: %s%d\n", what, t->scene->name, inject_name(t->call),
         (unsigned long long)t->nth, t->fault, WIFSIGNALED(status) ? "signal " : "exit ",
         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  p->bad++;
  return false;
}

static void forget(tally *t) { memset((void *)t, 0, sizeof *t); }

/* The scene with one fault; then the check. */
static bool one(plan *p, trial *t, const char *prepared, const tally *tally_prepared) {
  memcpy((void *)t->tally, (const void *)tally_prepared, sizeof *t->tally);
  remove_tree(t->data);
  if (prepared != NULL) copy_tree(prepared, t->data);
  p->trials++;
  int status = in_child(t, RUN);
  int64_t ended = inject_now_ns(), fired = atomic_load(&t->tally->fired_ns);
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  const bool memory =
      t->call == CALL_MALLOC; /* its rows cannot be made: it ends with 1, and nothing is lost */
  if (code != 0 && code != 74 && !(memory && code == 1)) return say(p, t, "it ends badly", status);
  p->fired += fired > 0;
  p->fatal += code == 74;
  if (code == 74 && ended - fired > (int64_t)FATAL_WITHIN_MS * 1000000)
    return say(p, t, "it ends too late", status);
  if (fired > 0 && t->fault == EIO && atomic_load(&t->tally->journal) &&
      (t->call == CALL_FDATASYNC || t->call == CALL_PWRITE)) {
    if (code != 74) return say(p, t, "a failed write of the journal does not end it", status);
    if (atomic_load(&t->tally->last_answer_ns) > fired + (int64_t)ANSWER_WITHIN_MS * 1000000)
      return say(p, t, "it answers after a failed write of the journal", status);
  }
  status = in_child(t, CHECK);
  if (status != 0) return say(p, t, "afterwards it is wrong", status);
  return true;
}

static void all_of_a_call(plan *p, trial *t, unsigned kind, uint64_t count, const char *prepared,
                          const tally *tally_prepared) {
  const uint64_t step = p->every;
  for (unsigned f = 0; f < FAULTS && kinds[kind].faults[f] != 0; f++) {
    t->fault = kinds[kind].faults[f];
    for (uint64_t n = p->at >= 0 ? (uint64_t)p->at : f % step; n < count; n += step) {
      t->nth = n;
      (void)one(p, t, prepared, tally_prepared);
      if (p->at >= 0 || p->bad > 20) break;
    }
  }
}

static void one_scene(plan *p, const scene *s, tally *shared, uint64_t *counts) {
  char prepared[300];
  static tally after_preparing;
  trial t = {.scene = s, .loud = p->at >= 0, .tally = shared, .counts = counts};
  snprintf(t.data, sizeof t.data, "%s/data", p->dir);
  snprintf(prepared, sizeof prepared, "%s/prepared", p->dir);
  forget(shared);
  remove_tree(t.data);
  remove_tree(prepared);
  if (s->before != NULL) {
    if (in_child(&t, PREPARE) != 0) {
      (void)say(p, &t, "it cannot be prepared", 0);
      return;
    }
    copy_tree(t.data, prepared);
  }
  memcpy((void *)&after_preparing, (const void *)shared, sizeof after_preparing);
  t.nth = UINT64_MAX;
  t.call = CALL_COUNT;
  int status = in_child(&t, RUN);
  if (status != 0) {
    (void)say(p, &t, "it fails without a fault", status);
    return;
  }
  uint64_t calls[CALL_COUNT];
  memcpy(calls, counts, sizeof calls);
  for (unsigned k = 0; k < KINDS && p->bad <= 20; k++) {
    if (p->call != NULL && strcmp(p->call, inject_name(kinds[k].call)) != 0) continue;
    t.call = kinds[k].call;
    all_of_a_call(p, &t, k, calls[t.call], s->before ? prepared : NULL, &after_preparing);
  }
}

int main(int argc, char *argv[]) {
  plan p = {.every = 97, .at = -1};
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--every") == 0 && i + 1 < argc)
      p.every = (unsigned)strtoul(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "--scene") == 0 && i + 1 < argc)
      p.scene = argv[++i];
    else if (strcmp(argv[i], "--call") == 0 && i + 1 < argc)
      p.call = argv[++i];
    else if (strcmp(argv[i], "--at") == 0 && i + 1 < argc)
      p.at = strtol(argv[++i], NULL, 10);
    else
      return fputs("usage: fault [--every N] [--scene NAME] [--call NAME] [--at N]\n", stderr), 2;
  }
  if (p.every == 0) p.every = 1;
  snprintf(p.dir, sizeof p.dir, "%s/fsm-fault-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  if (mkdtemp(p.dir) == NULL) return fputs("fault: no scratch directory\n", stderr), 1;
  void *shared = mmap(NULL, sizeof(tally) + CALL_COUNT * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 1;
  for (unsigned s = 0; s < scene_count; s++)
    if (p.scene == NULL || strcmp(p.scene, scenes[s].name) == 0)
      one_scene(&p, &scenes[s], shared, (uint64_t *)(void *)((char *)shared + sizeof(tally)));
  remove_tree(p.dir);
  printf("fault: %u scenes, %u trials, %u came to their fault, %u of them ended with 74, %u bad\n",
         scene_count, p.trials, p.fired, p.fatal, p.bad);
  return p.bad ? 1 : 0;
}
