/* cmd_def_simulate.c: fsm-cli def simulate: steps a machine in memory. Needs no daemon. */
#include <string.h>

#include "tools/cli/definition/simulation.h"
#include "tools/cli/input.h"

enum { SCRIPT_BYTES_MAX = 16 * 1024 * 1024 };

static fsm_code check_stdin(const cli_run *cli, fsm_error *err) {
  const char *script = cli_args_get(&cli->args, "file");
  bool machine = strcmp(cli->args.words[0], "-") == 0;
  if (machine && script == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "file",
                    "with the machine on stdin, events come from a file: -f FILE");
  if (machine && strcmp(script, "-") == 0)
    return fsm_fail(err, FSM_EARGUMENT, "file", "machine and script cannot both be stdin");
  if (machine && cli_args_has(&cli->args, "interactive"))
    return fsm_fail(err, FSM_EARGUMENT, "interactive", "with the machine on stdin, nothing can be typed");
  return FSM_OK;
}

static fsm_code simulate(cli_run *cli, cli_simulation *sim, fsm_buf *text, fsm_error *err) {
  const char *script = cli_args_get(&cli->args, "file");
  cli_simulation_show(sim);
  fsm_code code = cli_flush(cli, err);
  if (code == FSM_OK && sim->fault != FSM_OK)
    code = fsm_fail(err, sim->fault, "", "the start fails: %s", sim->fault_text);
  if (code == FSM_OK && script != NULL) code = cli_simulation_script(sim, script, text, err);
  if (code == FSM_OK && (script == NULL || cli_args_has(&cli->args, "interactive")))
    code = cli_simulation_prompt(sim, err);
  if (cli->hung_up) return code;
  fsm_code flushed = cli_flush(cli, code == FSM_OK ? err : NULL);
  return code == FSM_OK ? flushed : code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  cli_simulation sim;
  fsm_code code = check_stdin(cli, err);
  if (code != FSM_OK) return code;
  const char *script = cli_args_get(&cli->args, "file");
  fsm_buf text = {0}; /* read first: nothing is printed for a script that is not there */
  if (script != NULL) code = cli_read(script, SCRIPT_BYTES_MAX, &text, err);
  if (code == FSM_OK) {
    code = cli_simulation_open(cli, &sim, err);
    if (code == FSM_OK) {
      cli->connecting = true; /* the words were right */
      code = simulate(cli, &sim, &text, err);
    }
    cli_simulation_close(&sim);
  }
  fsm_buf_free(&text);
  return code;
}

static const cli_option options[] = {
    {"file", 'f', "SCRIPT", "do what a script says, a JSON object a line; or -", false},
    {"interactive", 'i', NULL, "go on by hand behind the script", false},
    {"input", 0, "JSON", "input of the start: JSON, @FILE or -", false},
    {"actor", 0, "JSON", "who acts: {\"sub\":\"anna\"}; nobody", false},
    {"now", 0, "TIME", "the clock at the start; 2000-01-01T00:00:00Z", false},
    {"child", 0, "NAME=FILE", "the machine invoked as NAME; else it is a task", true},
    {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {
    "def simulate examples/document-approval.json \\\n"
    "      --input @examples/simulate-input.json",
    "def simulate examples/document-approval.json -o json \\\n"
    "      --input @examples/simulate-input.json -f examples/simulate-approve.jsonl",
    NULL};

extern const cli_command cli_def_simulate;
const cli_command cli_def_simulate = {
    .group = "def",
    .heading = CLI_DEFINITIONS,
    .name = "simulate",
    .words = "MACHINE",
    .summary = "step a definition by hand or by a script",
    .more =
        "MACHINE is a file, JSON or SCXML; - is stdin (with -f). Nothing is stored, no\n"
        "worker is asked, and time stands still until you let it pass. Without -f,\n"
        "commands are read from stdin: an event with its data, or see: help.\n\n"
        "Lines of a script:\n"
        "  {\"event\":\"APPROVE\",\"data\":{}}      {\"after\":\"5m\"}   {\"jump\":\"2d\"}\n"
        "  {\"done\":\"TASK\",\"output\":{}}        {\"fail\":\"TASK\",\"error\":{}}\n"
        "  {\"actor\":{\"sub\":\"anna\"}}           {\"actor\":null}\n"
        "  {\"expect\":{\"state\":[],\"context\":{},\"output\":{},\"done\":true,\"enabled\":[],\n"
        "             \"tasks\":[],\"timers\":[],\"refused\":\"guard_false\"}}\n"
        "An event that is refused ends the script, unless the next line expects it\n"
        "refused. exit status: 1 not as expected, 4 refused, 2 the script cannot be read.",
    .options = options,
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .run = run};
