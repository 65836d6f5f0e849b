/* deed_command.c: a deed as a command of the library, and its answer as a daemon would give it. */
#include "runtime/worker_request.h"
#include "tools/cli/act/deed.h"

fsm_code cli_deed_command(const cli_deed *deed, const char *who, fsm_arena *arena, fsm_command *out,
                          fsm_error *err) {
  *out = fsm_command_new(deed->kind);
  if (!cli_deed_of_task(deed)) {
    out->instance = who;
  } else if (!fsm__worker_token_read(who, out->token)) {
    return fsm_fail(err, FSM_ETASK, "token", "no open task has this token: it is not 32 hex digits");
  }
  out->event = deed->event;
  out->name = deed->name;
  out->reason = deed->reason;
  out->data = deed->data;
  out->states = deed->states;
  out->final = deed->final;
  out->attempt = (unsigned)deed->attempt;
  out->idem = deed->idem;
  out->correlation = deed->corr;
  out->expect_rev = deed->expect_rev;
  out->dry_run = deed->dry_run;
  return cli_source_actor(arena, &out->actor, err);
}

/* As the daemon's problem document, as far as anything here looks at it. */
static void keep_problem(cli_source *source, const fsm_answer *answer) {
  enum { MEMBERS = 6 };
  fsm_pair *pairs = fsm_arena_alloc(&source->arena, MEMBERS * sizeof *pairs);
  size_t n = 0;
  const char *where = fsm_arena_strdup(&source->arena, answer->error.where),
             *text = fsm_arena_strdup(&source->arena, answer->error.text);
  fsm_value document;
  if (pairs == NULL || where == NULL || text == NULL) return;
  pairs[n++] = (fsm_pair){fsm_string("code"), fsm_string(fsm_code_name(answer->error.code))};
  pairs[n++] = (fsm_pair){fsm_string("detail"), fsm_string(text)};
  if (*where != 0) pairs[n++] = (fsm_pair){fsm_string("where"), fsm_string(where)};
  if (!fsm_is(&answer->detail, FSM_NULL)) pairs[n++] = (fsm_pair){fsm_string("refusal"), answer->detail};
  if (fsm_is(&answer->records, FSM_LIST)) {
    pairs[n++] = (fsm_pair){fsm_string("dry_run"), fsm_bool(true)};
    pairs[n++] = (fsm_pair){fsm_string("records"), answer->records};
  }
  if (fsm_map(pairs, n, &document, NULL) != FSM_OK ||
      cli_source_same(&document, &source->arena, &source->problem, NULL) != FSM_OK)
    source->problem = fsm_null();
}

fsm_code cli_deed_call(cli_source *source, const cli_deed *deed, const char *who, fsm_arena *arena,
                       fsm_value *answer, fsm_error *err) {
  fsm_command command;
  fsm_answer given;
  fsm_value document;
  source->problem = fsm_null();
  fsm_code code = cli_deed_command(deed, who, arena, &command, err);
  if (code != FSM_OK) return code;
  if (fsm_call(source->runtime, &command, arena, &given) != FSM_OK) {
    keep_problem(source, &given);
    return fsm_fail(err, given.error.code, given.error.where, "%s", given.error.text);
  }
  if (fsm_answer_view(arena, &given, &document) != FSM_OK)
    return fsm_fail(err, FSM_ENOMEM, "", "done, but no memory to say what");
  return cli_source_same(&document, arena, answer, err);
}

fsm_code cli_deed_do(cli_source *source, const cli_deed *deed, const char *who, fsm_arena *arena,
                     fsm_value *answer, fsm_error *err) {
  FSM_ASSERT(source->web != NULL || source->runtime != NULL);
  return source->web != NULL ? cli_deed_post(source, deed, who, arena, answer, err)
                             : cli_deed_call(source, deed, who, arena, answer, err);
}
