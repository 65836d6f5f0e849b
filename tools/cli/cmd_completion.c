/* cmd_completion.c: fsm-cli completion: what a shell reads to complete commands, options, ids, machines,
 * states. */
#include <string.h>

#include "tools/cli/cli.h"
#include "tools/cli/doc.h"

static fsm_code run(cli_run *cli, fsm_error *err) {
  const char *shell = cli->args.words[0];
  if (strcmp(shell, "man") != 0 && cli_doc(shell, &cli->text)) return cli_flush(cli, err);
  return fsm_fail(err, FSM_EARGUMENT, shell, "there is completion for bash, zsh and fish");
}

static const char *const examples[] = {"completion bash", "completion zsh", "completion fish", NULL};

extern const cli_command cli_completion;
const cli_command cli_completion = {
    .group = "",
    .heading = CLI_OTHER,
    .name = "completion",
    .words = "SHELL",
    .summary = "what completes commands, options and ids in bash, zsh or fish",
    .more =
        "bash: fsm-cli completion bash >~/.local/share/bash-completion/completions/fsm-cli\n\n"
        "zsh: fsm-cli completion zsh >~/.zfunc/_fsm-cli, with that directory in $fpath\n\n"
        "fish: fsm-cli completion fish >~/.config/fish/completions/fsm-cli.fish\n\n"
        "Ids, machines, states, events, sinks and routes are asked of the daemon that the line\n"
        "names, a profile or the environment, for a second at most.",
    .examples = examples,
    .words_min = 1,
    .words_max = 1,
    .formats = CLI_HAS(CLI_TABLE),
    .run = run};
