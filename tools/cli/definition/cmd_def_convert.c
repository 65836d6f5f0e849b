/* cmd_def_convert.c: fsm-cli def convert: a definition in the other notation. Needs no daemon. */
#include <string.h>

#include "schema/definition.h"
#include "schema/scxml.h"
#include "tools/cli/cli.h"
#include "tools/cli/definition/machine_file.h"

static const cli_option options[] = {{"output", 'o', "FORMAT", "json or scxml; the other one", false},
                                     {NULL, 0, NULL, NULL, false}};

static fsm_code read_format(cli_run *cli, fsm_dialect from, fsm_dialect *out, fsm_error *err) {
  const char *name = cli_args_from(&cli->args, options, "output");
  *out = from == FSM_SCXML ? FSM_XSTATE : FSM_SCXML;
  if (name == NULL) return FSM_OK;
  bool json = strcmp(name, "json") == 0;
  if (!json && strcmp(name, "scxml") != 0)
    return fsm_fail(err, FSM_EARGUMENT, "output", "def convert -o takes json or scxml, not %s", name);
  *out = json ? FSM_XSTATE : FSM_SCXML;
  return FSM_OK;
}

static fsm_code write(cli_run *cli, const fsm_def *def, const char *path, fsm_error *err) {
  fsm_dialect to;
  fsm_error fault = {0};
  fsm_code code = read_format(cli, def->dialect, &to, err);
  if (code != FSM_OK) return code;
  code = to == FSM_SCXML ? fsm_scxml_write(def, &cli->text, &fault)
                         : fsm_definition_write(def, &cli->text, &fault);
  if (code == FSM_OK) return cli_flush(cli, err);
  return fsm_fail(err, code, path, "%s%s%s", fault.where, fault.where[0] == 0 ? "" : ": ", fault.text);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_machine_file file;
  fsm_code code = cli_machine_file_load(cli->args.words[0], &file, err);
  if (code != FSM_OK) return code;
  code = write(cli, file.def, cli->args.words[0], err);
  cli_machine_file_free(&file);
  return code;
}

static const char *const examples[] = {"def convert approval.scxml > approval.json",
                                       "def convert -o scxml approval.json", NULL};

extern const cli_command cli_def_convert;
const cli_command cli_def_convert = {
    .group = "def",
    .heading = CLI_DEFINITIONS,
    .name = "convert",
    .words = "FILE",
    .summary = "write a definition in the other notation, JSON or SCXML",
    .more =
        "FILE is in either notation; - is stdin. What the other one has no like of is\n"
        "refused with its place. Of JSON the schemas are left out; tags, descriptions and\n"
        "meta go into attributes of the namespace urn:fsmd and come back from there.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .run = run};
