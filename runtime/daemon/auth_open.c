/* auth_open.c: from settings to who is known. */
#include "runtime/daemon/auth_open.h"

#include <string.h>

#include "runtime/daemon/config_table.h"

bool fsm__auth_has_files(const fsm__config *config) { return *config->jwt_key || *config->jwt_keys; }

static fsm_code read_keys(const fsm__config *config, fsm_token_keys **out, fsm_error *err) {
  *out = NULL;
  if (*config->jwt_keys) return fsm_token_keys_load(config->jwt_keys, out, err);
  return *config->jwt_key ? fsm_token_keys_load_secret(config->jwt_key, out, err) : FSM_OK;
}

static void set_rules(const fsm__config *config, fsm_token_rules *rules) {
  *rules = fsm_token_rules_new();
  rules->leeway_s = config->jwt_leeway_ns / 1000000000;
  rules->audience = config->jwt_audience;
  rules->admin_audience = config->admin_audience;
  rules->sub_claim = config->jwt_sub_claim;
  rules->session_claim = config->jwt_session_claim;
  if (config->jwt_roles_claims.count == 0) return;
  rules->roles_claims = config->jwt_roles_claims.at;
  rules->roles_claim_count = config->jwt_roles_claims.count;
}

static fsm_code read_peers(const fsm__config *config, fsm__peers *out, fsm_error *err) {
  fsm_error why = {0};
  for (size_t i = 0; i < config->socket_users.count; i++)
    if (fsm__peers_add(out, config->socket_users.at[i], &why) != FSM_OK)
      return fsm__config_wrong(config, "socket-users", err, "%.100s: %s", why.where, why.text);
  return FSM_OK;
}

fsm_code fsm__auth_open(const fsm__config *config, fsm__auth **out, fsm_error *err) {
  fsm__auth_options options = {.overlap_ns = config->jwt_overlap_ns, .admin_allow = config->admin_allow};
  fsm_token_keys *keys = NULL;
  set_rules(config, &options.rules);
  fsm_code code = read_peers(config, &options.peers, err);
  if (code == FSM_OK) code = read_keys(config, &keys, err);
  if (code == FSM_OK) code = fsm__auth_new(&options, keys, out, err);
  if (code != FSM_EARGUMENT || !err || strcmp(err->where, "admin-allow") != 0) return code;
  const fsm_error why = *err;
  return fsm__config_wrong(config, "admin-allow", err, "%s", why.text);
}

void fsm__auth_read(const fsm__config *config, fsm__auth_reading *out) {
  *out = (fsm__auth_reading){.keys = NULL};
  fsm_code code = read_keys(config, &out->keys, &out->fault);
  FSM_ASSERT(code == FSM_OK || out->keys == NULL);
}

void fsm__auth_take(fsm__auth *auth, fsm__auth_reading *reading, int64_t now_ns, const fsm__log *log) {
  if (reading->keys == NULL) {
    if (reading->fault.code != FSM_OK)
      fsm__log_error(log, "the keys of tokens are wrong; nothing changes", &reading->fault);
    return;
  }
  const uint64_t read = fsm_token_keys_count(reading->keys), skipped = fsm_token_keys_skipped(reading->keys);
  fsm__auth_set_keys(auth, reading->keys, now_ns);
  FSM__LOG(log, "info", "the keys of tokens were read again", fsm__number("keys", read),
           fsm__number("skipped", skipped), fsm__number("older", fsm_token_keys_count(reading->keys) - read));
  reading->keys = NULL;
}
