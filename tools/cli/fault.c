/* fault.c: saying what went wrong: what, the guard and what it saw, and what to do next. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/cli/cli.h"
#include "tools/cli/explain/seen.h"

/* What to do next, by code; %s is the instance. */
static const struct {
  fsm_code code;
  const char *hint;
  bool of_instance; /* only when the instance is known */
} hints[] = {
    {FSM_EGUARD, "see: fsm-cli why %s", true},
    {FSM_ENOTRANSITION, "see: fsm-cli why %s", true},
    {FSM_EEVENT, "see: fsm-cli events %s", true},
    {FSM_EDATA, "see: fsm-cli events %s", true},
    {FSM_ESTALE, "it has changed since; see: fsm-cli get %s", true},
    {FSM_ECOMPLETED, "see: fsm-cli log %s", true},
    {FSM_EPAUSED, "see: fsm-cli why %s", true},
    {FSM_EINCIDENT, "see: fsm-cli why %s", true},
    {FSM_ERUNNING, "see: fsm-cli why %s", true},
    {FSM_EDUPLICATE, "a new command needs a new --idem key", false},
    {FSM_EMACHINE, "see: fsm-cli def ls", false},
    {FSM_ERETIRED, "see: fsm-cli def ls; to make new ones again: fsm-cli def deploy FILE", false},
    {FSM_EINSTANCE, "see: fsm-cli ls", false},
    {FSM_ETASK, "what it has: fsm-cli get %s", true},
    {FSM_EAMBIGUOUS, "give more of the id; see: fsm-cli ls", false},
    {FSM_ETOKEN, "make one: fsm-cli token mint --key FILE --sub USER, then --token-file", false},
    {FSM_EUNREACHABLE, "is fsmd running? start one: fsmd --data DIR", false},
    {FSM_ELOCKED,
     "a daemon holds the files: stop it for db rebuild and db repair; else name its\n  socket: --socket PATH",
     false},
    {FSM_ETIMEOUT, "a command may have been taken; repeat it under the same --idem key", false},
    {FSM_EFULL, "what takes the room: fsm-cli db stat; it goes on by itself when there is some", false},
    {FSM_EVERIFY, "keep the data directory as it is; nothing was changed", false},
    {FSM_ECORRUPT, "keep the data directory as it is; nothing was changed", false},
};

static void add_safe(fsm_buf *out, const char *text) { cli_escape(out, text, strlen(text)); }

static void add_guard(fsm_buf *out, fsm_arena *arena, const fsm_value *candidate) {
  const char *guard = cli_field(arena, candidate, "guard"), *name = cli_field(arena, candidate, "guard_name");
  const char *fault = cli_field(arena, candidate, "fault");
  if (*guard == 0) return;
  fsm_buf_printf(out, "  guard: %s%s%s\n", name, *name == 0 ? "" : ": ", guard);
  const cli_screen screen = cli_screen_of(STDERR_FILENO, true);
  cli_seen(out, arena, fsm_map_get(candidate, "seen"), &screen);
  if (*fault != 0) fsm_buf_printf(out, "  fault: %s\n", fault);
}

/* Who may: each of them must hold. */
static bool add_allow(fsm_buf *out, fsm_arena *arena, const fsm_value *refusal) {
  const fsm_value *allow = fsm_map_get(refusal, "allow");
  if (allow == NULL || !fsm_is(allow, FSM_LIST)) return false;
  for (uint32_t i = 0; i < allow->len; i++)
    fsm_buf_printf(out, "  needs: %s\n         (%s of the definition)\n",
                   cli_field(arena, &allow->items[i], "expression"),
                   cli_field(arena, &allow->items[i], "where"));
  return allow->len > 0;
}

static void add_refusal(fsm_buf *out, fsm_arena *arena, const fsm_value *refusal) {
  if (refusal == NULL || !fsm_is(refusal, FSM_MAP)) return;
  if (add_allow(out, arena, refusal)) return;
  const fsm_value *candidates = fsm_map_get(refusal, "candidates");
  if (candidates == NULL || !fsm_is(candidates, FSM_LIST)) {
    add_guard(out, arena, refusal);
    return;
  }
  for (uint32_t i = 0; i < candidates->len; i++) add_guard(out, arena, &candidates->items[i]);
}

static void add_hint(fsm_buf *out, fsm_code code, const char *ref) {
  for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
    if (hints[i].code != code || (hints[i].of_instance && ref == NULL)) continue;
    fsm_buf_str(out, "  ");
    const char *gap = strstr(hints[i].hint, "%s");
    if (gap == NULL) {
      fsm_buf_str(out, hints[i].hint);
    } else {
      fsm_buf_add(out, hints[i].hint, (size_t)(gap - hints[i].hint));
      if (ref[0] == '-') fsm_buf_str(out, "-- "); /* no option */
      add_safe(out, ref);
      fsm_buf_str(out, gap + 2);
    }
    fsm_buf_char(out, '\n');
  }
}

/* TLS at one end only, or an authority that this machine does not know. */
static bool add_tls_hint(fsm_buf *out, const cli_run *cli, const fsm_error *err) {
  const char *url = cli_setting(cli, "url");
  const char *hint = NULL;
  if (url == NULL) return false;
  if (err->code == FSM_EPERMISSION && strstr(err->text, "(ca_file)") != NULL)
    hint = "who signs its certificate: --ca-file FILE";
  if (err->code == FSM_EUNREACHABLE && strstr(err->text, "Empty reply") != NULL)
    hint = "somebody listens and does not answer; a daemon with TLS is asked with https://";
  if (hint != NULL) fsm_buf_printf(out, "  %s\n", hint);
  return hint != NULL;
}

/* A terminal breaks it between words. */
static void add_sentence(fsm_buf *out, const fsm_error *err) {
  const cli_screen screen = cli_screen_of(STDERR_FILENO, true);
  fsm_buf line = {0};
  fsm_buf_str(&line, "fsm-cli: ");
  /* a sentence that names its place needs it once */
  if (err->where[0] != 0 && strstr(err->text, err->where) == NULL) {
    add_safe(&line, err->where);
    fsm_buf_str(&line, ": ");
  }
  add_safe(&line, err->text);
  if (fsm_code_exit(err->code) != 2) fsm_buf_printf(&line, " (%s)", fsm_code_name(err->code));
  cli_wrap(out, fsm_buf_text(&line), screen.columns, 2);
  fsm_buf_char(out, '\n');
  fsm_buf_free(&line);
}

extern const cli_command cli_wait;                /* asks for nothing that could have been done */
extern const cli_command cli_set;                 /* it is the context that its data does not fit */
extern const cli_command cli_audit_verify_stream; /* what it finds is not in the data directory */

static void write_text(const cli_run *cli, const fsm_error *err, fsm_arena *arena, fsm_buf *out) {
  add_sentence(out, err);
  add_refusal(out, arena, fsm_map_get(&cli->source.problem, "refusal"));
  bool has_hint = strstr(err->text, "start one:") != NULL || strstr(err->text, "--offline") != NULL ||
                  (err->code == FSM_ETIMEOUT && strstr(err->text, "--timeout") != NULL);
  if (cli->command == &cli_audit_verify_stream && err->code == FSM_EVERIFY) {
    fsm_buf_str(out, "  what is lost or altered can be given again: fsm-cli outbox resend\n");
    has_hint = true;
  }
  if (cli->command == &cli_audit_verify_stream && err->code == FSM_EUNREACHABLE)
    has_hint = true; /* it is NATS */
  const fsm_value *refusal = fsm_map_get(&cli->source.problem, "refusal");
  if (err->code == FSM_EPERMISSION && cli->ref != NULL && fsm_map_get(refusal, "allow") != NULL) {
    fsm_buf_str(out, "  see: fsm-cli events ");
    add_safe(out, cli->ref);
    fsm_buf_char(out, '\n');
  }
  if (cli->command == &cli_wait && err->code == FSM_ETIMEOUT && cli->ref != NULL) {
    fsm_buf_str(out, "  see: fsm-cli why ");
    add_safe(out, cli->ref);
    fsm_buf_char(out, '\n');
    has_hint = true;
  }
  if (!has_hint) has_hint = add_tls_hint(out, cli, err);
  if (cli->command == &cli_set && err->code == FSM_EDATA && cli->ref != NULL) {
    fsm_buf_str(out, "  see: fsm-cli get ");
    add_safe(out, cli->ref);
    fsm_buf_char(out, '\n');
    has_hint = true;
  }
  if (!has_hint) add_hint(out, err->code, cli->ref);
  if (fsm_code_exit(err->code) == 2 && cli->command != NULL && !cli->connecting) cli_usage(cli->command, out);
}

/* With -o json a fault is a document too: the daemon's own, or one like it. */
static void write_json(const cli_run *cli, const fsm_error *err, fsm_buf *out) {
  fsm_pair pairs[] = {{fsm_string("code"), fsm_string(fsm_code_name(err->code))},
                      {fsm_string("detail"), fsm_string(err->text)},
                      {fsm_string("where"), fsm_string(err->where)}};
  fsm_value own = {.type = FSM_MAP, .len = 3, .pairs = pairs};
  fsm_buf raw = {0};
  fsm_json_write(&raw, fsm_is(&cli->source.problem, FSM_MAP) ? &cli->source.problem : &own);
  cli_escape_json(out, fsm_buf_text(&raw), raw.len);
  fsm_buf_char(out, '\n');
  fsm_buf_free(&raw);
}

void cli_fault_add(const cli_run *cli, const fsm_error *err, fsm_buf *out) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  if (cli->json)
    write_json(cli, err, out);
  else
    write_text(cli, err, &arena, out);
  fsm_arena_free(&arena);
}

void cli_fault(const cli_run *cli, const fsm_error *err) {
  fsm_buf out = {0};
  cli_fault_add(cli, err, &out);
  fputs(fsm_buf_text(&out), stderr);
  fsm_buf_free(&out);
}
