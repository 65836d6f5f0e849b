/* cmd_token_mint.c: fsm-cli token mint: a bearer token, made from the daemon's key. */
#include <time.h>

#include "runtime/token.h"
#include "tools/cli/cli.h"

#define NS_PER_S INT64_C(1000000000)
#define TTL_DEFAULT_NS (3600 * NS_PER_S)

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static fsm_code ttl_of(const cli_args *args, int64_t *ttl_s, fsm_error *err) {
  const char *text = cli_args_get(args, "ttl");
  int64_t ns = TTL_DEFAULT_NS;
  fsm_code code = text == NULL ? FSM_OK : fsm_duration_parse(text, &ns, err);
  if (code == FSM_OK && ns < NS_PER_S)
    code = fsm_fail(err, FSM_EARGUMENT, "ttl", "--ttl is a second or more");
  *ttl_s = ns / NS_PER_S;
  return code;
}

static fsm_code roles_of(const cli_args *args, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  size_t count = 0;
  while (cli_args_nth(args, "role", count) != NULL) count++;
  fsm_value *items = fsm_arena_zalloc(arena, count + 1, sizeof *items);
  if (items == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  for (size_t i = 0; i < count; i++) items[i] = fsm_string(cli_args_nth(args, "role", i));
  *out = fsm_list(items, count);
  return FSM_OK;
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  const char *path = cli_args_get(&cli->args, "key"), *sub = cli_args_get(&cli->args, "sub");
  if (path == NULL || sub == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "", "a token needs --key FILE and --sub USER");
  int64_t ttl_s;
  fsm_value roles;
  fsm_token_key *key = NULL;
  fsm_code code = ttl_of(&cli->args, &ttl_s, err);
  if (code == FSM_OK) code = roles_of(&cli->args, &cli->arena, &roles, err);
  if (code == FSM_OK) code = fsm_token_key_load(path, &key, err);
  if (code != FSM_OK) return code;
  fsm_buf token = {0};
  code = fsm_token_mint(key, sub, cli_args_get(&cli->args, "jti"), roles.len == 0 ? NULL : &roles, ttl_s,
                        now_ns(), &token, err);
  fsm_token_key_free(key);
  if (code == FSM_OK && cli->json) {
    fsm_pair pair = {fsm_string("token"), fsm_stringn(token.data, token.len)};
    fsm_value document = {.type = FSM_MAP, .len = 1, .pairs = &pair};
    code = cli_print_json(cli, &document, err);
  } else if (code == FSM_OK) {
    fsm_buf_printf(&cli->text, "%s\n", fsm_buf_text(&token));
    code = cli_flush(cli, err);
  }
  fsm_buf_free(&token);
  return code;
}

static const cli_option options[] = {
    {"key", 'k', "FILE", "the daemon's key; nobody else may read the file", false},
    {"sub", 0, "USER", "for whom", false},
    {"jti", 0, "ID", "session id; made when absent", false},
    {"ttl", 0, "DUR", "how long it is good for; 1h", false},
    {"role", 0, "ROLE", "a role of the user", true},
    {NULL, 0, NULL, NULL, false}};
static const char *const examples[] = {"token mint --key jwt.key --sub alice --role approver > token",
                                       "token mint --key jwt.key --sub ci --ttl 5m", NULL};

extern const cli_command cli_token_mint;
const cli_command cli_token_mint = {.group = "token",
                                    .name = "mint",
                                    .words = "--key FILE --sub USER",
                                    .summary = "make a bearer token from the daemon's key",
                                    .options = options,
                                    .examples = examples,
                                    .run = run};
