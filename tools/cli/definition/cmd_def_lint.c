/* cmd_def_lint.c: fsm-cli def lint: could a definition be deployed, and what is probably wrong with it? Files
 * need no daemon. */
#include <string.h>

#include "runtime/deployable.h"
#include "runtime/hash.h"
#include "tools/cli/definition/lint.h"
#include "tools/cli/input.h"

static const cli_option options[] = {
    {"severity", 0, "LEVEL", "show, and fail at, note, warning or error and above; warning", false},
    {"roles", 0, "FILE", "the roles that there are, one a line", false},
    {"explain", 0, "ID", "what a finding means; all: the list of them", false},
    {"exit-status", 0, NULL, "exit 10, not 1, when there are findings", false},
    {NULL, 0, NULL, NULL, false}};

enum { ROLES_BYTES_MAX = 1024 * 1024, ROLES_MAX = 10000 };

typedef struct lint_run {
  fsm_lint_severity least;
  const char **roles;
  size_t role_count;
} lint_run;

/* ---- one word ---------------------------------------------------------------------------------------- */

/* As a daemon would load it; its hash. */
static fsm_code load(cli_run *cli, const cli_machine_word *word, cli_linted *out) {
  fsm_definition *definition = NULL;
  fsm_error *err = &out->fault;
  char hex[2 * FSM_HASH_BYTES + 1] = "";
  size_t len = 0;
  fsm_code code = fsm_definition_load(word->text.data, word->text.len, &definition, err);
  if (code != FSM_OK) return code;
  const void *canonical = fsm_definition_canonical(definition, &len);
  fsm__hash hash = fsm__sha256(canonical, len);
  fsm__hex(hash.bytes, sizeof hash.bytes, hex);
  fsm_definition_free(definition);
  out->hash = fsm_arena_strdup(&cli->arena, hex);
  return out->hash == NULL ? fsm_fail(err, FSM_ENOMEM, "", "no memory") : FSM_OK;
}

/* What the engine can and a durable instance cannot yet. */
static fsm_code check_deployable(const cli_machine_word *word, fsm_error *err) {
  fsm_error fault = {0};
  if (fsm__deployable(word->file.def, &fault) == FSM_OK) return FSM_OK;
  return fsm_fail(err, fault.code, fault.where, "cannot be deployed: %s", fault.text);
}

static fsm_code lint(cli_run *cli, const lint_run *run, const cli_machine_word *word, cli_linted *out) {
  fsm_error *err = &out->fault;
  const fsm_lint_source source = {.text = word->text.data,
                                  .len = word->text.len,
                                  .def = word->file.def,
                                  .machine = word->file.machine,
                                  .roles = run->roles,
                                  .role_count = run->role_count};
  fsm_code code = check_deployable(word, err);
  if (code == FSM_OK) code = fsm_lint(&cli->arena, &source, &out->report, err);
  if (code != FSM_OK) return code;
  out->id = fsm_arena_strdup(&cli->arena, fsm_machine_id(word->file.machine));
  out->states = fsm_machine_states(word->file.machine) - 1; /* the root is the machine itself */
  if (out->id == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  for (size_t i = 0; i < out->report.count; i++) {
    fsm_lint_finding *f = (fsm_lint_finding *)&out->report.findings[i];
    const char *where = fsm_arena_strdup(&cli->arena, f->where); /* the tree goes with the word */
    if (where == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
    f->where = where;
    if (f->ignored != NULL) f->ignored = fsm_arena_strdup(&cli->arena, f->ignored);
    out->shown += f->ignored == NULL && f->rule->severity >= run->least;
  }
  return FSM_OK;
}

static fsm_code check(cli_run *cli, const lint_run *run, const char *text, cli_linted *out) {
  cli_machine_word word;
  *out = (cli_linted){.name = text};
  fsm_code code = cli_machine_word_read(cli, text, &word, &out->fault);
  out->name = word.name;
  out->deployed = word.deployed;
  if (code != FSM_OK) {
    if (strcmp(out->fault.where, text) == 0) out->fault.where[0] = 0; /* it is named anyway */
    return code;
  }
  code = load(cli, &word, out);
  if (code == FSM_OK) code = cli_machine_word_load(&word, &out->fault);
  if (code == FSM_OK) code = lint(cli, run, &word, out);
  /* a definition that cannot be read is a failed check, not a wrong use of this command */
  if (fsm_code_exit(code) == 2) code = out->fault.code = FSM_EDEFINITION;
  cli_machine_word_close(&word);
  return code;
}

/* ---- all of them --------------------------------------------------------------------------------------- */

/* One a line, "#" begins a remark. */
static fsm_code read_roles(cli_run *cli, const char *path, lint_run *run, fsm_error *err) {
  fsm_buf text = {0};
  fsm_code code = cli_read(path, ROLES_BYTES_MAX, &text, err);
  run->roles = fsm_arena_zalloc(&cli->arena, ROLES_MAX, sizeof *run->roles);
  if (code == FSM_OK && run->roles == NULL) code = fsm_fail(err, FSM_ENOMEM, "", "no memory");
  for (const char *line = fsm_buf_text(&text); code == FSM_OK && *line != 0;) {
    size_t len = strcspn(line, "\r\n"), used = len;
    while (used > 0 && (line[used - 1] == ' ' || line[used - 1] == '\t')) used--;
    if (used > 0 && *line != '#') {
      if (run->role_count == ROLES_MAX)
        code = fsm_fail(err, FSM_ETOOLARGE, path, "more than %d roles", ROLES_MAX);
      else if ((run->roles[run->role_count++] = fsm_arena_strndup(&cli->arena, line, used)) == NULL)
        code = fsm_fail(err, FSM_ENOMEM, "", "no memory");
    }
    line += len;
    line += strspn(line, "\r\n");
  }
  fsm_buf_free(&text);
  return code;
}

static fsm_code read_options(cli_run *cli, lint_run *run, fsm_error *err) {
  const char *level = cli_args_get(&cli->args, "severity"), *roles = cli_args_get(&cli->args, "roles");
  run->least = FSM_LINT_WARNING;
  if (level != NULL && !fsm_lint_severity_of(level, &run->least))
    return fsm_fail(err, FSM_EARGUMENT, "--severity", "note, warning or error is expected, not %s", level);
  return roles == NULL ? FSM_OK : read_roles(cli, roles, run, err);
}

static fsm_code explain(cli_run *cli, const char *id, fsm_error *err) {
  const fsm_lint_rule *rule = fsm_lint_rule_of(id, strlen(id));
  if (strcmp(id, "all") == 0)
    cli_lint_rules(cli);
  else if (rule == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "--explain", "there is no finding %s; --explain all lists them", id);
  else
    cli_lint_explain(cli, rule);
  return cli_flush(cli, err);
}

/* Every word is looked at; the answer is the first fault's code. */
static fsm_code lint_all(cli_run *cli, const lint_run *run, fsm_value *items, bool *found, fsm_code *first,
                         fsm_error *err) {
  fsm_code code = FSM_OK;
  for (size_t i = 0; code == FSM_OK && i < cli->args.word_count; i++) {
    cli_linted linted;
    const fsm_code one = check(cli, run, cli->args.words[i], &linted);
    if (*first == FSM_OK) *first = one;
    *found |= linted.shown > 0;
    code = cli_lint_document(cli, &linted, run->least, &items[i], err);
    if (code != FSM_OK || cli->json) continue;
    cli_lint_print(cli, &linted, run->least);
    code = cli_flush(cli, err);
  }
  return code;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  lint_run run = {0};
  const char *id = cli_args_get(&cli->args, "explain");
  fsm_code first = FSM_OK;
  bool found = false;
  if (id != NULL) return explain(cli, id, err);
  if (cli->args.word_count == 0)
    return fsm_fail(err, FSM_EARGUMENT, "", "def lint takes FILE or MACHINE[@VERSION]");
  fsm_value *items = fsm_arena_zalloc(&cli->arena, cli->args.word_count, sizeof *items);
  fsm_code code = items == NULL ? fsm_fail(err, FSM_ENOMEM, "", "no memory") : read_options(cli, &run, err);
  if (code == FSM_OK) code = lint_all(cli, &run, items, &found, &first, err);
  if (code == FSM_OK && cli->json) {
    fsm_pair pair = {fsm_string("items"), fsm_list(items, cli->args.word_count)};
    const fsm_value document = {.type = FSM_MAP, .len = 1, .pairs = &pair};
    code = cli_show(cli, &document, NULL, err);
  }
  if (code != FSM_OK || first != FSM_OK) return code != FSM_OK ? code : first;
  if (!found) return FSM_OK;
  return cli_args_has(&cli->args, "exit-status") ? FSM_EMATCHES : FSM_EEXPECT;
}

static const char *const examples[] = {"def lint examples/document-approval.json",
                                       "def lint --severity note -o json *.json",
                                       "def lint loan@3 --roles roles.txt", "def lint --explain L005", NULL};

extern const cli_command cli_def_lint;
const cli_command cli_def_lint = {
    .group = "def",
    .heading = CLI_DEFINITIONS,
    .name = "lint",
    .words = "FILE|MACHINE[@VERSION]...",
    .summary = "check definitions without deploying them",
    .more =
        "Prints FILE:LINE:COLUMN: SEVERITY ID: what is probably wrong, and how to mend\n"
        "it; what cannot be loaded or deployed as FILE: JSON POINTER: why. FILE - is\n"
        "stdin. A word that is no file is what is deployed. The exit status is 0, 1 when\n"
        "there is a fault or a finding at --severity or above (10 for findings with\n"
        "--exit-status), 2 for a file that cannot be read. A definition leaves a finding\n"
        "out, with its reason: \"meta\": {\"lint\": {\"ignore\": {\"L005\": \"why\"}}} on\n"
        "a state, a transition, an invoke or the root.",
    .options = options,
    .examples = examples,
    .words_min = 0,
    .words_max = CLI_WORDS_MAX,
    .reads = true,
    .run = run};
