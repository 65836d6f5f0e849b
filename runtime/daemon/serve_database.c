/* serve_database.c: looking after the data while it is served: /v1/verify, /v1/db/stat, /v1/db/check,
 * /v1/db/backup.
 *
 * They read files for as long as it takes, so they run on a thread of the pool, one at a time. A backup
 * writes where the caller says, as the daemon's user.
 */
#include "runtime/daemon/body.h"
#include "runtime/daemon/problem.h"
#include "runtime/daemon/routes.h"
#include "runtime/database.h"

typedef fsm_code (*work_fn)(fsm_runtime *runtime, fsm__request *request, fsm_value *out, fsm_error *err);

static void work(fsm__request *request, work_fn fn) {
  fsm__server *server = request->server;
  fsm_error err = {0};
  fsm_value document;
  fsm_code code = fn(server->runtime, request, &document, &err);
  fsm_buf_reset(&request->out);
  if (code == FSM_OK)
    fsm__answer_document(request, 200, &document);
  else
    fsm__problem(request, &err, 0, NULL);
}

static fsm_code verify_of(fsm_runtime *runtime, fsm__request *request, fsm_value *out, fsm_error *err) {
  enum { MEMBERS = 5 };
  fsm_verified *found = fsm_arena_zalloc(&request->arena, 1, sizeof *found);
  fsm_pair *pairs = fsm_arena_alloc(&request->arena, MEMBERS * sizeof *pairs);
  if (!found || !pairs) return fsm_fail(err, FSM_ENOMEM, NULL, "no memory for the answer");
  fsm_code code = fsm_runtime_verify(runtime, found, err);
  if (code != FSM_OK) return code;
  pairs[0] = (fsm_pair){fsm_string("records"), fsm_uint(found->records)};
  pairs[1] = (fsm_pair){fsm_string("segments"), fsm_uint(found->segments)};
  pairs[2] = (fsm_pair){fsm_string("rows"), fsm_uint(found->rows)};
  pairs[3] = (fsm_pair){fsm_string("seq"), fsm_uint(found->seq)};
  pairs[4] = (fsm_pair){fsm_string("head"), fsm_bytes(found->head, sizeof found->head)};
  return fsm_map(pairs, MEMBERS, out, err);
}

static fsm_code stat_of(fsm_runtime *runtime, fsm__request *request, fsm_value *out, fsm_error *err) {
  return fsm_runtime_stat(runtime, &request->arena, out, err);
}

static fsm_code check_of(fsm_runtime *runtime, fsm__request *request, fsm_value *out, fsm_error *err) {
  return fsm_runtime_check(runtime, &request->arena, out, err);
}

static fsm_code backup_of(fsm_runtime *runtime, fsm__request *request, fsm_value *out, fsm_error *err) {
  const char *dir = NULL;
  fsm_value verify = fsm_bool(true);
  const fsm__body_member members[] = {{"dir", FSM__BODY_TEXT, true, &dir},
                                      {"verify", FSM__BODY_ANY, false, &verify}};
  fsm_code code = fsm__body_read(request, members, sizeof members / sizeof *members, err);
  if (code == FSM_OK && !fsm_is(&verify, FSM_BOOL))
    code = fsm_fail(err, FSM_EMALFORMED, "/verify", "verify is true or false");
  return code == FSM_OK ? fsm_runtime_backup(runtime, dir, verify.b, &request->arena, out, err) : code;
}

static void do_verify(void *request) { work(request, verify_of); }
static void do_stat(void *request) { work(request, stat_of); }
static void do_check(void *request) { work(request, check_of); }
static void do_backup(void *request) { work(request, backup_of); }

static void on_done(void *arg) {
  fsm__request *request = arg;
  fsm__server *server = request->server;
  server->verifying = false;
  fsm__request_finish(request);
}

static bool begin(fsm__server *server, fsm__request *request, void (*fn)(void *request)) {
  fsm_error err = {0};
  if (server->verifying) {
    fsm__problem_make(request, FSM_EBUSY, 0, NULL, "a verification, check or backup is under way; try again");
    return true;
  }
  server->verifying = true;
  if (fsm__loop_work(server->loop, fn, on_done, request, &err) == FSM_OK) return false;
  server->verifying = false;
  fsm__problem(request, &err, 0, NULL);
  return true;
}

bool fsm__serve_db_stat(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  return begin(server, request, do_stat);
}

/* What takes no members takes no body, or an empty object. */
static bool begin_bare(fsm__server *server, fsm__request *request, void (*fn)(void *request)) {
  fsm_error err = {0};
  if (request->body.len == 0 || fsm__body_read(request, NULL, 0, &err) == FSM_OK)
    return begin(server, request, fn);
  fsm__problem(request, &err, 0, NULL);
  return true;
}

bool fsm__serve_verify(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  return begin_bare(server, request, do_verify);
}

bool fsm__serve_db_check(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  return begin_bare(server, request, do_check);
}

bool fsm__serve_db_backup(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  return begin(server, request, do_backup);
}
