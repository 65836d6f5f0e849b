/* cmd_token_mint.c: fsm-cli token mint: a bearer token, made from the daemon's key. */
#include <string.h>

#include "runtime/clock.h"
#include "runtime/token.h"
#include "tools/cli/cli.h"

#define NS_PER_S INT64_C(1000000000)
#define TTL_DEFAULT_NS (3600 * NS_PER_S)

static fsm_code ttl_of(const cli_args *args, int64_t *ttl_s, fsm_error *err) {
  const char *text = cli_args_get(args, "ttl");
  int64_t ns = TTL_DEFAULT_NS;
  fsm_code code = text == NULL ? FSM_OK : fsm_duration_parse(text, &ns, err);
  if (code == FSM_OK && ns < NS_PER_S)
    code = fsm_fail(err, FSM_EARGUMENT, "ttl", "--ttl is a second or more");
  *ttl_s = ns / NS_PER_S;
  return code;
}

static fsm_code texts_of(const cli_args *args, const char *option, fsm_arena *arena, size_t more,
                         fsm_value *out, fsm_error *err) {
  size_t count = 0;
  while (cli_args_nth(args, option, count) != NULL) count++;
  fsm_value *items = fsm_arena_zalloc(arena, count + more + 1, sizeof *items);
  if (items == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  for (size_t i = 0; i < count; i++) items[i] = fsm_string(cli_args_nth(args, option, i));
  *out = fsm_list(items, count);
  return FSM_OK;
}

static fsm_code alg_of(const cli_args *args, fsm_token_alg *out, fsm_error *err) {
  const char *text = cli_args_get(args, "alg");
  *out = FSM_TOKEN_HS256;
  if (text == NULL || fsm_token_alg_parse(text, strlen(text), out)) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "alg", "--alg is one of HS256, HS384, HS512, RS256, ES256");
}

/* --admin is one more audience. */
static fsm_code audiences_of(const cli_args *args, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_code code = texts_of(args, "aud", arena, 1, out, err);
  if (code == FSM_OK && cli_args_has(args, "admin"))
    ((fsm_value *)(uintptr_t)out->items)[out->len++] = fsm_string(FSM_TOKEN_ADMIN_AUDIENCE);
  return code;
}

static fsm_code print_token(cli_run *cli, fsm_buf *token, fsm_error *err) {
  if (!cli->json) {
    fsm_buf_printf(&cli->text, "%s\n", fsm_buf_text(token));
    return cli_flush(cli, err);
  }
  fsm_pair pair = {fsm_string("token"), fsm_stringn(token->data, token->len)};
  fsm_value document = {.type = FSM_MAP, .len = 1, .pairs = &pair};
  return cli_print_json(cli, &document, err);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  const cli_args *args = &cli->args;
  fsm_value roles, audiences;
  fsm_token_order order = {.key_file = cli_args_get(args, "key"),
                           .sub = cli_args_get(args, "sub"),
                           .jti = cli_args_get(args, "jti"),
                           .kid = cli_args_get(args, "kid"),
                           .iss = cli_args_get(args, "iss")};
  if (order.key_file == NULL || order.sub == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "", "a token needs --key FILE and --sub USER");
  fsm_code code = ttl_of(args, &order.ttl_s, err);
  if (code == FSM_OK) code = alg_of(args, &order.alg, err);
  if (code == FSM_OK) code = texts_of(args, "role", &cli->arena, 0, &roles, err);
  if (code == FSM_OK) code = audiences_of(args, &cli->arena, &audiences, err);
  if (code != FSM_OK) return code;
  if (roles.len > 0) order.roles = &roles;
  if (audiences.len > 0) order.aud = &audiences;
  fsm_buf token = {0};
  code = fsm_token_mint(&order, fsm__wall_ns(), &token, err);
  if (code == FSM_OK) code = print_token(cli, &token, err);
  fsm_buf_free(&token);
  return code;
}

static const cli_option options[] = {
    {"key", 'k', "FILE", "a secret, or for RS256 and ES256 a private key; nobody else may read the file",
     false},
    {"sub", 0, "USER", "for whom", false},
    {"jti", 0, "ID", "session id; made when absent", false},
    {"ttl", 0, "DUR", "how long it is good for; 1h", false},
    {"role", 0, "ROLE", "a role of the user", true},
    {"admin", 0, NULL, "for an admin: the audience " FSM_TOKEN_ADMIN_AUDIENCE, false},
    {"alg", 0, "ALG", "HS256 (default), HS384, HS512, RS256 or ES256", false},
    {"kid", 0, "KID", "which of the daemon's keys it is", false},
    {"iss", 0, "ISS", "who issued it", false},
    {"aud", 0, "AUD", "for which service", true},
    {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"token mint --key jwt.key --sub alice --role approver > token",
                                       "token mint --key jwt.key --sub ci --ttl 5m",
                                       "token mint --key jwt.key --sub ops --admin", NULL};

extern const cli_command cli_token_mint;
const cli_command cli_token_mint = {.group = "token",
                                    .heading = CLI_OTHER,
                                    .name = "mint",
                                    .words = "--key FILE --sub USER",
                                    .summary = "make a bearer token from the daemon's key",
                                    .options = options,
                                    .examples = examples,
                                    .run = run};
