/* auth.h: who acts (DESIGN 13): the Authorization header and the peer of a connection into the actor of a
 * command. One thread.
 *
 * Policy of a listener: required, a good token or FSM_ETOKEN; optional, a bad token goes on as an
 * anonymous actor that carries fault "bad_token", no token as the local user (unix socket) or
 * anonymous; none, tokens are not looked at (one that is sent is noted as fault "token_not_checked").
 * Verified tokens are remembered by their SHA-256 until they expire, in a bounded table, which is emptied
 * when the keys change.
 *
 * The actor is {type, authn, sub?, sid?, iss?, roles?, admin?, fault?}. admin is true for a token that names
 * the audience of admins under a key that may, when `allow` holds; and, without a token, for the daemon's own
 * user and root on the unix socket. */
#ifndef FSM_DAEMON_AUTH_H
#define FSM_DAEMON_AUTH_H

#include "runtime/daemon/peer.h"
#include "runtime/token.h"

typedef enum fsm__policy { FSM__AUTH_REQUIRED, FSM__AUTH_OPTIONAL, FSM__AUTH_NONE } fsm__policy;
const char *fsm__policy_name(fsm__policy policy);

typedef struct fsm__auth_options {
  fsm_token_rules rules;   /* its strings live as long as the auth */
  int64_t overlap_ns;      /* for which keys that are gone from the file are still taken */
  const char *admin_allow; /* an expression over actor; NULL or "" = true */
  fsm__peers peers;        /* who may use the unix socket beside the daemon's user and root */
} fsm__auth_options;

typedef struct fsm__auth fsm__auth;

/* Takes the keys (NULL = none), also when it fails. FSM_EARGUMENT: admin_allow, with line:column. */
FSM_MUST_USE fsm_code fsm__auth_new(const fsm__auth_options *options, fsm_token_keys *keys, fsm__auth **out,
                                    fsm_error *err);
void fsm__auth_free(fsm__auth *auth);

/* Other keys, which are taken; what was there before is good for the overlap. */
void fsm__auth_set_keys(fsm__auth *auth, fsm_token_keys *keys, int64_t now_ns);

/* Which keys there are, by algorithm and kid; "none". */
void fsm__auth_key_names(const fsm__auth *auth, fsm_buf *out);

/* May this end of the unix socket speak at all? True for TCP. */
bool fsm__auth_knows(const fsm__auth *auth, const fsm__peer *peer);

/* The actor map, in arena. authorization: the header's value, NULL when absent. FSM_ETOKEN: refused. */
FSM_MUST_USE fsm_code fsm__auth_identify(fsm__auth *auth, fsm__policy policy, const char *authorization,
                                         const fsm__peer *peer, int64_t now_ns, fsm_arena *arena,
                                         fsm_value *actor, fsm_error *err);
/* What a record may say of a refused header: the SHA-256 of the token, why; never the token. */
void fsm__auth_excerpt(const char *authorization, const fsm_error *why, fsm_buf *out);

/* How many tokens were checked in full, for tests of the table. */
uint64_t fsm__auth_verified_count(const fsm__auth *auth);

#endif
