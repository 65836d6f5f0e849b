/* cmd_def_lint.c: fsm-cli def lint: is a definition one that could be deployed? Needs no daemon. */
#include <string.h>

#include "runtime/deployable.h"
#include "runtime/hash.h"
#include "schema/definition.h"
#include "tools/cli/cli.h"
#include "tools/cli/input.h"

typedef struct finding {
  const char *file, *id, *hash;
  unsigned states;
  fsm_error fault; /* code FSM_OK: none */
  bool unread;     /* the file itself is at fault, not what is in it */
} finding;

enum { TREE_BYTES_MAX = 64 * 1024 * 1024 };

/* What the engine can and a durable instance cannot yet. */
static fsm_code check_deployable(const fsm_buf *source, fsm_error *err) {
  fsm_arena tree;
  const fsm_def *def = NULL;
  fsm_error fault = {0};
  fsm_arena_init(&tree, TREE_BYTES_MAX);
  fsm_code code = fsm_definition_read(&tree, source->data, source->len, &def, err);
  if (code == FSM_OK && fsm__deployable(def, &fault) != FSM_OK)
    code = fsm_fail(err, fault.code, fault.where, "cannot be deployed: %s", fault.text);
  fsm_arena_free(&tree);
  return code;
}

static fsm_code check(cli_run *cli, const char *path, finding *out) {
  fsm_buf source = {0};
  fsm_definition *definition = NULL;
  *out = (finding){.file = path};
  fsm_code code = cli_read(path, FSM_DEFINITION_BYTES_MAX, &source, &out->fault);
  /* the file is named anyway */
  out->unread = code != FSM_OK;
  if (out->unread) out->fault.where[0] = 0;
  if (code == FSM_OK) code = fsm_definition_load(fsm_buf_text(&source), source.len, &definition, &out->fault);
  if (code == FSM_OK) code = check_deployable(&source, &out->fault);
  if (code == FSM_OK) {
    const fsm_machine *machine = fsm_definition_machine(definition);
    size_t len = 0;
    const void *canonical = fsm_definition_canonical(definition, &len);
    fsm__hash hash = fsm__sha256(canonical, len);
    char hex[2 * FSM_HASH_BYTES + 1];
    fsm__hex(hash.bytes, sizeof hash.bytes, hex);
    out->id = fsm_arena_strdup(&cli->arena, fsm_machine_id(machine));
    out->hash = fsm_arena_strdup(&cli->arena, hex);
    out->states = fsm_machine_states(machine) - 1; /* the root is the machine itself */
    if (out->id == NULL || out->hash == NULL) code = fsm_fail(&out->fault, FSM_ENOMEM, "", "no memory");
  }
  fsm_definition_free(definition);
  fsm_buf_free(&source);
  return code;
}

static void print(cli_run *cli, const finding *found) {
  fsm_arena *arena = &cli->arena;
  const char *file = strcmp(found->file, "-") == 0 ? "stdin" : cli_safe(arena, found->file);
  if (found->fault.code == FSM_OK) {
    fsm_buf_printf(&cli->text, "%s: ok: %s, %u states, %s\n", file, cli_safe(arena, found->id), found->states,
                   found->hash);
    return;
  }
  const char *where = cli_safe(arena, found->fault.where);
  fsm_buf_printf(&cli->text, "%s: %s%s%s\n", file, where, *where == 0 ? "" : ": ",
                 cli_safe(arena, found->fault.text));
}

static fsm_code to_document(cli_run *cli, const finding *found, fsm_value *out, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_zalloc(&cli->arena, 5, sizeof *pairs);
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  bool ok = found->fault.code == FSM_OK;
  pairs[0] = (fsm_pair){fsm_string("file"), fsm_string(found->file)};
  pairs[1] = (fsm_pair){fsm_string("ok"), fsm_bool(ok)};
  if (ok) {
    pairs[2] = (fsm_pair){fsm_string("id"), fsm_string(found->id)};
    pairs[3] = (fsm_pair){fsm_string("states"), fsm_uint(found->states)};
    pairs[4] = (fsm_pair){fsm_string("hash"), fsm_string(found->hash)};
  } else {
    const char *where = fsm_arena_strdup(&cli->arena, found->fault.where);
    const char *text = fsm_arena_strdup(&cli->arena, found->fault.text);
    pairs[2] = (fsm_pair){fsm_string("code"), fsm_string(fsm_code_name(found->fault.code))};
    pairs[3] = (fsm_pair){fsm_string("where"), fsm_string(where == NULL ? "" : where)};
    pairs[4] = (fsm_pair){fsm_string("text"), fsm_string(text == NULL ? "" : text)};
  }
  return fsm_map(pairs, 5, out, err);
}

static fsm_code print_document(cli_run *cli, fsm_value *items, fsm_error *err) {
  fsm_pair pair = {fsm_string("items"), fsm_list(items, cli->args.word_count)};
  fsm_value document = {.type = FSM_MAP, .len = 1, .pairs = &pair};
  return cli_print_json(cli, &document, err);
}

/* Every file is looked at; the answer is the first fault's code. */
static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_code first = FSM_OK, code = FSM_OK;
  fsm_value *items = fsm_arena_zalloc(&cli->arena, cli->args.word_count, sizeof *items);
  if (items == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  for (size_t i = 0; code == FSM_OK && i < cli->args.word_count; i++) {
    finding found;
    fsm_code one = check(cli, cli->args.words[i], &found);
    /* a definition that cannot be read as JSON is a failed check, not a wrong use of this command */
    if (fsm_code_exit(one) == 2 && !found.unread) one = FSM_EDEFINITION;
    if (first == FSM_OK) first = one;
    code = to_document(cli, &found, &items[i], err);
    if (code == FSM_OK && !cli->json) {
      print(cli, &found);
      code = cli_flush(cli, err);
    }
  }
  if (code == FSM_OK && cli->json) code = print_document(cli, items, err);
  return code == FSM_OK ? first : code;
}

static const char *const examples[] = {"def lint examples/document-approval.json", "def lint -o json *.json",
                                       NULL};

extern const cli_command cli_def_lint;
const cli_command cli_def_lint = {
    .group = "def",
    .name = "lint",
    .words = "FILE...",
    .summary = "check definitions without deploying them",
    .more =
        "Prints FILE: JSON POINTER: what is wrong. FILE - is stdin. The exit status\n"
        "is that of the first fault: 1 in a definition, 2 a file that cannot be read.\n"
        "What can be simulated and not be deployed yet is a fault, too.",
    .examples = examples,
    .words_min = 1,
    .words_max = CLI_WORDS_MAX,
    .reads = true,
    .run = run};
