/* do.c: see do.h. */
#include "tools/cli/act/do.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/hash.h"
#include "tools/cli/act/command.h"
#include "tools/cli/act/crowd.h"

/* ---- what was said ---------------------------------------------------------------------------------- */

fsm_code cli_do_words(cli_run *cli, cli_tail tail, size_t *refs, fsm_error *err) {
  const size_t count = cli->args.word_count;
  const bool filtered = cli_who_filtered(cli);
  *refs = 0;
  switch (tail) {
    case CLI_TAIL_NONE: *refs = count; return FSM_OK;
    case CLI_TAIL_LAST:
      if (count == 0)
        return fsm_fail(err, FSM_EARGUMENT, "", "%s needs %s", cli->command->name, cli->command->words);
      *refs = count - 1;
      return FSM_OK;
    case CLI_TAIL_REST: *refs = filtered || count == 0 ? 0 : 1; return FSM_OK;
  }
  return FSM_OK;
}

fsm_code cli_do_options(cli_run *cli, bool needs_reason, cli_deed *deed, fsm_error *err) {
  fsm_code code = cli_header_option(cli, "idem", FSM_IDEM_MAX, &deed->idem, err);
  if (code == FSM_OK) code = cli_header_option(cli, "corr", FSM_CORRELATION_MAX, &deed->corr, err);
  if (code == FSM_OK)
    code = cli_args_number(&cli->args, "expect-rev", 0, INT64_MAX, -1, &deed->expect_rev, err);
  deed->dry_run = cli_args_has(&cli->args, "dry-run");
  if (code != FSM_OK || !needs_reason) return code;
  deed->reason = cli_args_get(&cli->args, "reason");
  if (deed->reason != NULL && *deed->reason != 0) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "", "say why, for the record of it: --reason TEXT");
}

/* ---- one -------------------------------------------------------------------------------------------- */

fsm_code cli_do_one(cli_run *cli, const cli_deed *deed, const char *who, fsm_error *err) {
  fsm_value answer;
  fsm_code code = cli_deed_do(&cli->source, deed, who, &cli->arena, &answer, err);
  if (code == FSM_OK) return cli_show(cli, &answer, cli_answer_print, err);
  const fsm_value *records = fsm_map_get(&cli->source.problem, "records");
  if (deed->dry_run && records != NULL && cli->format == CLI_TABLE) {
    cli_dry_print(cli, records);
    fsm_error ignored;
    if (cli_flush(cli, &ignored) != FSM_OK) return code;
  }
  return code;
}

/* ---- many ------------------------------------------------------------------------------------------- */

/* Under it a run that broke off goes on: a key belongs to its instance, so one serves all. */
static fsm_code make_key(cli_run *cli, cli_deed *deed, fsm_error *err) {
  uint8_t random[8];
  char hex[2 * sizeof random + 1];
  fsm_code code = fsm__random(random, sizeof random, err);
  if (code != FSM_OK) return code;
  fsm__hex(random, sizeof random, hex);
  deed->idem = fsm_arena_printf(&cli->arena, "cli-%s", hex);
  return deed->idem != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a key");
}

/* What a run writes has one correlation, so that it is found as a whole: else its key. */
static fsm_code own_key(cli_run *cli, cli_deed *deed, fsm_error *err) {
  if (deed->dry_run) return FSM_OK;
  const fsm_code code = deed->idem == NULL ? make_key(cli, deed, err) : FSM_OK;
  if (deed->corr == NULL) deed->corr = deed->idem;
  return code;
}

static fsm_code do_many(cli_run *cli, const cli_deed *given, const cli_who *who, fsm_error *err) {
  cli_deed deed = *given;
  bool go = false;
  if (deed.expect_rev >= 0)
    return fsm_fail(err, FSM_EARGUMENT, "expect-rev", "--expect-rev is of one REF: revisions of many differ");
  if (who->count == 0) {
    if (!cli->quiet) fputs("fsm-cli: there is none: nothing to do\n", stderr);
    return FSM_OK;
  }
  fsm_code code = own_key(cli, &deed, err);
  if (code == FSM_OK) code = cli_plan(cli, &deed, who, &go, err);
  return code == FSM_OK && go ? cli_crowd_run(cli, &deed, who, err) : code;
}

fsm_code cli_do(cli_run *cli, const cli_deed *deed, size_t refs, fsm_error *err) {
  cli_who who;
  fsm_code code = cli_who_read(cli, cli->args.words, refs, &who, err);
  if (code == FSM_OK) code = cli_connect(cli, !deed->dry_run, err);
  if (code == FSM_OK) code = cli_who_find(cli, &who, err);
  if (code == FSM_OK)
    code = who.crowd ? do_many(cli, deed, &who, err) : cli_do_one(cli, deed, who.ones[0].id, err);
  cli_who_free(&who);
  return code;
}

fsm_code cli_do_plain(cli_run *cli, fsm_command_kind kind, fsm_error *err) {
  cli_deed deed = {.kind = kind, .verb = cli->command->name};
  size_t refs = 0;
  fsm_code code = cli_do_words(cli, CLI_TAIL_NONE, &refs, err);
  if (code == FSM_OK) code = cli_do_options(cli, true, &deed, err);
  return code == FSM_OK ? cli_do(cli, &deed, refs, err) : code;
}

fsm_code cli_do_with(cli_run *cli, cli_deed *deed, cli_do_read read, const char *what, const char *missing,
                     fsm_error *err) {
  size_t refs = 0;
  fsm_code code = cli_do_words(cli, CLI_TAIL_REST, &refs, err);
  if (code == FSM_OK && missing != NULL && cli->args.word_count <= refs)
    code = fsm_fail(err, FSM_EARGUMENT, what, "%s", missing);
  if (code == FSM_OK) code = cli_do_options(cli, true, deed, err);
  if (code == FSM_OK) code = read(cli, refs, deed, err);
  return code == FSM_OK ? cli_do(cli, deed, refs, err) : code;
}

fsm_code cli_do_name(cli_run *cli, size_t from, cli_deed *deed, fsm_error *err) {
  if (cli->args.word_count > from + 1)
    return fsm_fail(err, FSM_EARGUMENT, cli->args.words[from + 1],
                    "this word is one too many; ids of many: - (stdin)");
  deed->name = cli->args.words[from];
  return FSM_OK;
}
