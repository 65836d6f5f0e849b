/* cmd_audit_verify_stream.c: fsm-cli audit verify-stream: did whoever has these files see everything? */
#include <string.h>

#include "runtime/stream_check.h"
#include "tools/cli/cli.h"
#include "tools/cli/data/database.h"

/* Only with --data: the journal beside the stream. */
static fsm_code against(cli_run *cli, fsm_stream_check *check, fsm_error *err) {
  if (cli_args_from(&cli->args, cli_global_options, "data") == NULL) return FSM_OK;
  fsm_code code = cli_connect(cli, false, err);
  if (code != FSM_OK) return code;
  if (cli->source.runtime == NULL)
    return fsm_fail(err, FSM_ELOCKED, "",
                    "the journal is held by a daemon: check against a backup of it, or without --data");
  fsm_stream_check_against(check, cli->source.runtime);
  return FSM_OK;
}

static void add_lines(cli_run *cli, const fsm_value *report) {
  static const char *const names[] = {"records",  "first", "last",     "repeats",    "repaired",
                                      "left_out", "dead",  "unproved", "uncompared", "behind"};
  enum { ALWAYS = 3 };
  const fsm_value *ok = fsm_map_get(report, "ok");
  if (ok != NULL && fsm_is(ok, FSM_BOOL) && ok->b)
    cli_print_line(cli, "verified",
                   *cli_field(&cli->arena, report, "records") == '0' ? "nothing: no record is there" : "ok");
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *count = cli_field(&cli->arena, report, names[i]);
    if (i < ALWAYS || strcmp(count, "0") != 0) cli_print_line(cli, names[i], count);
  }
  const fsm_value *findings = fsm_map_get(report, "findings");
  for (uint32_t i = 0; findings != NULL && i < findings->len; i++) {
    const fsm_value *one = &findings->items[i];
    const char *line = fsm_arena_printf(&cli->arena, "%s: %s", cli_field(&cli->arena, one, "where"),
                                        cli_field(&cli->arena, one, "text"));
    cli_print_states(cli, cli_field(&cli->arena, one, "what"), line != NULL ? line : "");
  }
}

static fsm_code report(cli_run *cli, fsm_stream_check *check, fsm_error *err) {
  fsm_value document;
  fsm_error found = {.text = ""}, fault = {.text = ""};
  const fsm_code verdict = fsm_stream_check_end(check, &cli->arena, &document, &found);
  if (verdict != FSM_OK && verdict != FSM_EVERIFY)
    return fsm_fail(err, verdict, found.where, "%s", found.text);
  if (!cli->json) add_lines(cli, &document);
  fsm_code code = cli->json ? cli_print_json(cli, &document, &fault) : cli_flush(cli, &fault);
  if (code != FSM_OK) return fsm_fail(err, code, fault.where, "%s", fault.text);
  return verdict == FSM_OK ? FSM_OK : fsm_fail(err, verdict, found.where, "%s", found.text);
}

static const char *const access_names[] = {"ca-file",       "cert-file",  "key-file",   "user",
                                           "password-file", "token-file", "creds-file", "nkey-file"};

/* --nats and --stream go together, and in the place of files. */
static fsm_code read_stream(cli_run *cli, fsm_stream_check *check, fsm_error *err) {
  const cli_args *args = &cli->args;
  const char *nats = cli_args_get(args, "nats"), *stream = cli_args_get(args, "stream");
  if (nats == NULL && stream == NULL && args->word_count > 0) {
    for (size_t i = 0; i < sizeof access_names / sizeof access_names[0]; i++)
      if (cli_args_get(args, access_names[i]) != NULL)
        return fsm_fail(err, FSM_EARGUMENT, "", "--%s goes with --nats", access_names[i]);
    return FSM_OK;
  }
  if (nats == NULL || stream == NULL || args->word_count > 0)
    return fsm_fail(err, FSM_EARGUMENT, "", "name files, or a stream: --nats URL --stream NAME");
  const fsm_stream_access access = {.url = nats,
                                    .ca_file = cli_args_get(args, "ca-file"),
                                    .cert_file = cli_args_get(args, "cert-file"),
                                    .key_file = cli_args_get(args, "key-file"),
                                    .user = cli_args_get(args, "user"),
                                    .password_file = cli_args_get(args, "password-file"),
                                    .token_file = cli_args_get(args, "token-file"),
                                    .creds_file = cli_args_get(args, "creds-file"),
                                    .nkey_file = cli_args_get(args, "nkey-file")};
  return fsm_stream_check_stream(check, &access, stream, err);
}

static const cli_option options[] = {
    {"nats", 0, "URL", "server of the stream: nats://HOST:PORT or tls://…", false},
    {"stream", 0, "NAME", "a JetStream stream, instead of files", false},
    {"ca-file", 0, "FILE", "certificates that are trusted, PEM", false},
    {"cert-file", 0, "FILE", "our own certificate, PEM; with --key-file", false},
    {"key-file", 0, "FILE", "its key, PEM", false},
    {"user", 0, "NAME", "who we are; with --password-file", false},
    {"password-file", 0, "FILE", "the password, one line", false},
    {"token-file", 0, "FILE", "a token, one line", false},
    {"creds-file", 0, "FILE", "credentials as nsc writes them", false},
    {"nkey-file", 0, "FILE", "the seed of an nkey", false},
    {NULL, 0, NULL, NULL, false}};

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_stream_check *check = NULL;
  fsm_code code = fsm_stream_check_new(&check, err);
  if (code == FSM_OK) code = against(cli, check, err);
  if (code == FSM_OK) code = read_stream(cli, check, err);
  for (size_t i = 0; code == FSM_OK && i < cli->args.word_count; i++)
    code = fsm_stream_check_path(check, cli->args.words[i], err);
  if (code == FSM_OK) code = report(cli, check, err);
  fsm_stream_check_free(check);
  return code;
}

static const char *const examples[] = {
    "audit verify-stream /var/log/fsmd", "audit verify-stream -o json records.ndjson",
    "--data /var/lib/fsmd audit verify-stream -",
    "audit verify-stream --nats nats://127.0.0.1:4222 --stream FSM_EVT_0", NULL};

extern const cli_command cli_audit_verify_stream;
const cli_command cli_audit_verify_stream = {
    .group = "audit",
    .heading = CLI_DATA,
    .name = "verify-stream",
    .words = "[FILE]...",
    .summary = "prove that what was published is all there, unaltered",
    .more =
        "A FILE holds records in the format json (a line each) or msgpack, or is a\n"
        "directory of a file sink; - is stdin. With --data the journal of stopped files\n"
        "is held beside them. Exit 7 when something is wrong: the first place is told.\n\n"
        "Told, no fault: repeats came again; repaired: again, marked as a repair; left_out:\n"
        "not for this sink; dead: of an epoch that was given up; unproved: masked or told\n"
        "in part, so proved by the next one alone; uncompared: again, too late to compare;\n"
        "behind: in the journal and not here yet.",
    .examples = examples,
    .options = options,
    .words_min = 0,
    .words_max = 64,
    .run = run};
