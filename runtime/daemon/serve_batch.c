/* serve_batch.c: many commands in one request: POST /v1/events, and for operators POST /v1/commands.
 *
 * Each is a command of its own: what one is refused for takes nothing from the others. They are queued
 * as one batch, all or none, after those that can be told without the runtime have their problem. The answers
 * come in the order of the list, one at a time, on the writer's thread, and are written there one behind
 * the other; the loop waits for nothing. */
#include <stdio.h>
#include <string.h>

#include "runtime/admit.h"
#include "runtime/daemon/body.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/problem.h"
#include "runtime/daemon/serve_command.h"
#include "schema/json.h"

/* A dry run's answer has records in it, each as large as a context: no more is told once there is so much. */
enum { COMMANDS_MAX = 1000, TOLD_BYTES_MAX = 16 * 1024 * 1024 };

typedef fsm_code (*read_fn)(fsm_arena *arena, const fsm_value *value, const char *place, fsm_command *command,
                            fsm_error *err);
/* What the list is of. */
typedef struct form {
  const char *list, *one, *many;
  read_fn read;
} form;

struct batch;
/* One of the list. */
typedef struct item {
  struct batch *of;
  fsm_command command;
  const fsm_error *fault; /* NULL: it is a command */
} item;

typedef struct batch {
  fsm__request *request;
  const form *of;
  size_t count, next, left; /* next: the first that is not written; left: answers that are to come */
  size_t taken, refused;
  item items[];
} batch;

/* ---- the answer ----------------------------------------------------------------------------------- */

static void begin_item(batch *b, int status, const char *what) {
  fsm_buf_printf(&b->request->out, "%s{\"status\":%d,\"%s\":", b->next++ > 0 ? "," : "", status, what);
}

static const char *correlation_of(const item *of) {
  return of->command.correlation ? of->command.correlation : of->of->request->correlation;
}

static void write_problem(batch *b, const item *of, const fsm_error *fault, const fsm_answer *answer) {
  const int status = fsm_code_http(fault->code);
  begin_item(b, status, "problem");
  fsm__problem_text(&b->request->out, fault, status, answer ? &answer->detail : NULL,
                    answer ? &answer->records : NULL, correlation_of(of));
  fsm_buf_char(&b->request->out, '}');
  b->refused++;
}

/* Nothing was done: it can be asked for again. */
static void write_untold(batch *b, const item *of) {
  fsm_error fault;
  (void)fsm_fail(&fault, FSM_EBUSY, NULL,
                 "the dry runs before it have over %d MiB of records: ask for this one in another request",
                 TOLD_BYTES_MAX >> 20);
  write_problem(b, of, &fault, NULL);
}

static void write_answer(batch *b, const item *of, const fsm_answer *answer) {
  fsm_value document;
  fsm_error fault = answer->error;
  if (of->command.dry_run && b->request->out.len > TOLD_BYTES_MAX) {
    write_untold(b, of);
    return;
  }
  if (fault.code == FSM_OK && fsm_answer_view(&b->request->arena, answer, &document) == FSM_OK) {
    begin_item(b, 200, "answer");
    fsm_json_write(&b->request->out, &document);
    fsm_buf_char(&b->request->out, '}');
    b->taken++;
    return;
  }
  if (fault.code == FSM_OK) (void)fsm_fail(&fault, FSM_ENOMEM, NULL, "done, but no memory to say what");
  write_problem(b, of, &fault, answer);
}

/* Those that were refused before they were commands and stand before `until`. */
static void write_faults(batch *b, size_t until) {
  while (b->next < until) {
    const item *of = &b->items[b->next];
    FSM_ASSERT(of->fault != NULL);
    write_problem(b, of, of->fault, NULL);
  }
}

static void finish(batch *b) {
  fsm__request *request = b->request;
  write_faults(b, b->count);
  fsm_buf_printf(&request->out, "],\"taken\":%zu,\"refused\":%zu}", b->taken, b->refused);
  request->status = 200;
  request->code = FSM_OK;
  if (!fsm_buf_ok(&request->out))
    fsm__problem_make(request, FSM_ENOMEM, 0, NULL, "%zu %s were taken, but no memory to say which", b->taken,
                      b->of->many);
}

static void on_answer(void *arg, const fsm_answer *answer) {
  const item *of = arg;
  batch *b = of->of;
  write_faults(b, (size_t)(of - b->items));
  write_answer(b, of, answer);
  if (--b->left > 0) return;
  finish(b);
  fsm__request_finish(b->request);
}

/* ---- the request ---------------------------------------------------------------------------------- */

static fsm_code read_event(fsm_arena *arena, const fsm_value *value, const char *place, fsm_command *command,
                           fsm_error *err) {
  const fsm__body_member members[] = {
      {"instance", FSM__BODY_TEXT, false, &command->instance},
      {"machine", FSM__BODY_TEXT, false, &command->machine},
      {"key", FSM__BODY_TEXT, false, &command->key},
      {"event", FSM__BODY_TEXT, true, &command->event},
      {"data", FSM__BODY_ANY, false, &command->data},
      {"idem", FSM__BODY_TEXT, false, &command->idem},
      {"expect_rev", FSM__BODY_REVISION, false, &command->expect_rev},
      {"correlation", FSM__BODY_TEXT, false, &command->correlation},
      {"if_absent", FSM__BODY_BOOL, false, &command->if_absent},
      {"input", FSM__BODY_ANY, false, &command->input},
      {"version", FSM__BODY_VERSION, false, &command->version},
      {"labels", FSM__BODY_MAP, false, &command->labels},
  };
  return fsm__body_members(arena, value, place, members, sizeof members / sizeof *members, err);
}

static const form form_events = {"events", "event", "events", read_event};
static const form form_commands = {"commands", "command", "commands", fsm__serve_admin_item};

static void set_fault(fsm__request *request, item *of, const fsm_error *fault) {
  static const fsm_error nomem = {.code = FSM_ENOMEM, .text = "no memory for the request"};
  fsm_error *kept = fsm_arena_alloc(&request->arena, sizeof *kept);
  if (kept) *kept = *fault;
  of->fault = kept ? kept : &nomem;
}

/* Each event as a command, or with what is wrong with it. */
static fsm_code read_items(fsm__request *request, const form *of_list, const fsm_value *list,
                           const fsm_command *from, batch **out, fsm_error *err) {
  batch *b = fsm_arena_zalloc(&request->arena, 1, sizeof *b + list->len * sizeof *b->items);
  if (!b) return fsm_fail(err, FSM_ENOMEM, NULL, "no memory for the request");
  *b = (batch){.request = request, .of = of_list, .count = list->len};
  for (size_t i = 0; i < b->count; i++) {
    fsm_error fault = {0};
    char place[32];
    item *of = &b->items[i];
    *of = (item){.of = b, .command = *from};
    snprintf(place, sizeof place, "/%s/%zu", of_list->list, i);
    if (of_list->read(&request->arena, &list->items[i], place, &of->command, &fault) == FSM_OK) continue;
    of->command.correlation = from->correlation;
    set_fault(request, of, &fault);
  }
  *out = b;
  return FSM_OK;
}

static fsm_code read_batch(fsm__request *request, const form *of_list, const fsm__target *target, batch **out,
                           fsm_error *err) {
  fsm_value list = fsm_null();
  char where[32];
  const fsm__body_member members[] = {{of_list->list, FSM__BODY_LIST, true, &list}};
  fsm_command from = fsm_command_new(FSM_CMD_SEND);
  fsm_code code = fsm__headers_to_command(request, false, false, &from, err);
  if (code == FSM_OK) code = fsm__serve_dry_run(target, &from, err);
  if (code == FSM_OK) code = fsm__body_read(request, members, 1, err);
  if (code != FSM_OK) return code;
  snprintf(where, sizeof where, "/%s", of_list->list);
  if (list.len == 0) return fsm_fail(err, FSM_EARGUMENT, where, "there is no %s", of_list->one);
  if (list.len > COMMANDS_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, where, "%u %s are more than the %d of one request",
                    (unsigned)list.len, of_list->many, COMMANDS_MAX);
  return read_items(request, of_list, &list, &from, out, err);
}

/* What the runtime would refuse before it is queued, which would refuse the batch as a whole. */
static void admit_each(batch *b) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (size_t i = 0; i < b->count; i++) {
    fsm_command unused;
    fsm_error fault = {0}, placed;
    bool made = false;
    if (b->items[i].fault) continue;
    if (fsm__admit(&b->items[i].command, b->request->received_ns, &arena, &unused, &made, &fault) != FSM_OK) {
      char where[FSM_WHERE_MAX];
      snprintf(where, sizeof where, "/%s/%zu%s%.100s", b->of->list, i, fault.where[0] ? "/" : "",
               fault.where);
      (void)fsm_fail(&placed, fault.code, where, "%s", fault.text);
      b->items[i].command.correlation = b->request->correlation; /* its own may be what is wrong */
      set_fault(b->request, &b->items[i], &placed);
    }
    fsm_arena_reset(&arena);
  }
  fsm_arena_free(&arena);
}

/* *count: of those that were queued. From here on the request may already be another thread's. */
static fsm_code submit(fsm__server *server, batch *b, size_t *count, fsm_error *err) {
  fsm_command *commands = fsm_arena_alloc(&b->request->arena, b->count * sizeof *commands);
  void **args = fsm_arena_alloc(&b->request->arena, b->count * sizeof *args);
  if (!commands || !args) return fsm_fail(err, FSM_ENOMEM, NULL, "no memory for the request");
  size_t n = 0;
  for (size_t i = 0; i < b->count; i++) {
    if (b->items[i].fault) continue;
    commands[n] = b->items[i].command;
    args[n++] = &b->items[i];
  }
  *count = b->left = n;
  return fsm_submit_batch(server->runtime, commands, n, on_answer, args, NULL, err);
}

bool fsm__serve_batch(fsm__server *server, fsm__request *request, const fsm__target *target) {
  fsm_error err = {0};
  batch *b = NULL;
  size_t queued = 0;
  const form *of_list = strcmp(target->segments[1], form_events.list) == 0 ? &form_events : &form_commands;
  if (read_batch(request, of_list, target, &b, &err) != FSM_OK)
    return fsm__serve_refuse(server, request, &err);
  fsm_buf_str(&request->out, "{\"items\":[");
  fsm_code code = submit(server, b, &queued, &err);
  if (code != FSM_OK && strncmp(err.where, "commands[", 9) == 0) { /* one of them: none was queued */
    admit_each(b);
    code = submit(server, b, &queued, &err);
  }
  if (code == FSM_OK && queued > 0) return false;
  if (code == FSM_OK)
    finish(b);
  else
    fsm__problem(request, &err, 0, NULL);
  return true;
}
