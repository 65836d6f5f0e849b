/* serve_claim.c: POST /v1/tasks/claim: attempts begin in the name of whoever asks.
 *
 *   a page of open tasks ─► TASK_STARTED with claim, for as many as are wanted ─► those that were got
 *         ▲                              ▲                      │
 *         │                              └── the next ones ◄────┤ others have got some meanwhile
 *         └───────────────────────────────── the next page ◄────┘ the page is used up
 *
 * The writer decides who has an attempt. Pages come on a reader's thread, answers on the writer's; a claim is
 * with one of them at a time. Whoever does not get the answer has the attempts all the same, until their
 * deadline. */
#include "runtime/daemon/body.h"
#include "runtime/daemon/headers.h"
#include "runtime/daemon/problem.h"
#include "runtime/daemon/serve_command.h"
#include "runtime/worker_request.h"

enum { CLAIM_MAX = 100, CLAIM_DEFAULT = 1, PAGE_LEAST = 32, PAGES_MAX = 64 };

typedef struct claim {
  fsm__request *request;
  fsm__server *server;
  fsm_query query;
  fsm_command from;
  unsigned wanted, count, pages;
  fsm_value items[CLAIM_MAX];
  fsm_command candidates[CLAIM_MAX];
  unsigned candidate_count, tried;
  unsigned left;    /* answers that are to come */
  fsm_error fault;  /* why one of them was refused */
  fsm_error denied; /* why whoever asks may not have one of them: it is passed over */
} claim;

static void finish(claim *c) {
  fsm__request *request = c->request;
  fsm_error err = {0};
  if (c->count == 0 && c->denied.code != FSM_OK) {
    fsm__problem(request, &c->denied, 0, NULL);
    fsm__request_finish(request);
    return;
  }
  fsm_value document;
  fsm_pair pair = {fsm_string("items"), fsm_list(c->items, c->count)};
  if (fsm_map(&pair, 1, &document, &err) == FSM_OK)
    fsm__answer_document(request, 200, &document);
  else
    fsm__problem(request, &err, 0, NULL);
  fsm__request_finish(request);
}

/* It cannot go on: what was claimed is the answer, or else why nothing was. */
static void give_up(claim *c, const fsm_error *err) {
  if (c->count > 0) {
    finish(c);
    return;
  }
  fsm__problem(c->request, err, 0, NULL);
  fsm__request_finish(c->request);
}

static void go_on(claim *c);

static void on_claimed(void *arg, const fsm_answer *answer) {
  claim *c = arg;
  if (answer->error.code == FSM_OK && fsm_is(&answer->task, FSM_MAP) &&
      fsm_value_copy(&c->request->arena, &answer->task, &c->items[c->count], NULL) == FSM_OK)
    c->count++;
  if (answer->error.code == FSM_EPERMISSION)
    c->denied = answer->error;
  else if (answer->error.code != FSM_OK)
    c->fault = answer->error;
  if (--c->left == 0) go_on(c);
}

/* Without memory for it, the page ends here. */
static bool keep(claim *c, const fsm_value *task) {
  const fsm_value *token = fsm_map_get(task, "token"), *attempt = fsm_map_get(task, "attempt");
  fsm_command *to = &c->candidates[c->candidate_count];
  *to = c->from;
  const char *text = fsm_arena_strndup(&c->request->arena, token->s, token->len);
  if (text == NULL || !fsm__worker_token_read(text, to->token)) return false;
  to->attempt = (unsigned)attempt->i;
  c->candidate_count++;
  return true;
}

static void on_page(void *arg, const fsm_value *document, const fsm_error *err) {
  claim *c = arg;
  if (err) {
    give_up(c, err);
    return;
  }
  const fsm_value *items = fsm_map_get(document, "items"), *next = fsm_map_get(document, "next");
  c->candidate_count = c->tried = 0;
  for (uint32_t i = 0; i < items->len && keep(c, &items->items[i]);) i++;
  c->query.after =
      fsm_is(next, FSM_STRING) ? fsm_arena_strndup(&c->request->arena, next->s, next->len) : NULL;
  go_on(c);
}

static fsm_code ask(claim *c, fsm_error *err) {
  const unsigned open = c->wanted - c->count;
  c->query.limit = open > PAGE_LEAST ? open : PAGE_LEAST;
  c->pages++;
  return fsm_read(c->server->runtime, &c->query, on_page, c, err);
}

/* As many of the page as are still wanted. From here on the claim may already be another thread's. */
static fsm_code take(claim *c, fsm_error *err) {
  const fsm_command *first = &c->candidates[c->tried];
  unsigned count = c->candidate_count - c->tried;
  if (count > c->wanted - c->count) count = c->wanted - c->count;
  c->tried += count;
  c->left = count;
  return fsm_submit_batch(c->server->runtime, first, count, on_claimed, NULL, c, err);
}

static void go_on(claim *c) {
  fsm_error err = {0};
  fsm_code code = FSM_OK;
  if (c->fault.code != FSM_OK)
    give_up(c, &c->fault);
  else if (c->count == c->wanted)
    finish(c);
  else if (c->tried < c->candidate_count)
    code = take(c, &err);
  else if (c->query.after != NULL && c->pages < PAGES_MAX)
    code = ask(c, &err);
  else
    finish(c);
  if (code != FSM_OK) give_up(c, &err);
}

static fsm_code read_claim(fsm__request *request, claim *c, fsm_error *err) {
  fsm_value limit = fsm_int(CLAIM_DEFAULT);
  const fsm__body_member members[] = {{"service", FSM__BODY_TEXT, true, &c->query.service},
                                      {"limit", FSM__BODY_ANY, false, &limit}};
  c->from = fsm_command_new(FSM_CMD_TASK_STARTED);
  c->from.claim = true;
  fsm_code code = fsm__headers_to_command(request, false, false, &c->from, err);
  if (code == FSM_OK) code = fsm__body_read(request, members, 2, err);
  if (code != FSM_OK) return code;
  if (!fsm_is(&limit, FSM_INT) || limit.i < 1 || limit.i > CLAIM_MAX)
    return fsm_fail(err, FSM_EMALFORMED, "/limit", "expected a number from 1 to %d", CLAIM_MAX);
  c->wanted = (unsigned)limit.i;
  return FSM_OK;
}

bool fsm__serve_claim(fsm__server *server, fsm__request *request, const fsm__target *target) {
  (void)target;
  fsm_error err = {0};
  claim *c = fsm_arena_zalloc(&request->arena, 1, sizeof *c);
  if (!c) {
    fsm__problem_make(request, FSM_ENOMEM, 0, NULL, "no memory for the request");
    return true;
  }
  c->request = request;
  c->server = server;
  c->query = (fsm_query){.kind = FSM_QUERY_TASKS, .state = "open"};
  if (read_claim(request, c, &err) != FSM_OK) return fsm__serve_refuse(server, request, &err);
  if (ask(c, &err) == FSM_OK) return false;
  fsm__problem(request, &err, 0, NULL);
  return true;
}
