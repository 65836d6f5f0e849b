/* auth.h: who acts (DESIGN 13): the Authorization header and the peer of a connection into the actor of a
 * command. One thread.
 *
 * Policy of a listener: required, a good token or FSM_ETOKEN; optional, a bad token goes on as an
 * anonymous actor that carries fault "bad_token", no token as the local user (unix socket) or
 * anonymous; none, tokens are not looked at (one that is sent is noted as fault "token_not_checked").
 * Verified tokens are remembered by their SHA-256 until they expire, in a bounded table. */
#ifndef FSM_DAEMON_AUTH_H
#define FSM_DAEMON_AUTH_H

#include "runtime/token.h"

typedef enum fsm__policy { FSM__AUTH_REQUIRED, FSM__AUTH_OPTIONAL, FSM__AUTH_NONE } fsm__policy;
const char *fsm__policy_name(fsm__policy policy);

/* The other end of a connection. */
typedef struct fsm__peer {
  bool local; /* a unix socket, uid by SO_PEERCRED */
  uint32_t uid;
} fsm__peer;

typedef struct fsm__auth fsm__auth;

/* Takes the key (NULL = none), frees it with itself. */
FSM_MUST_USE fsm_code fsm__auth_new(fsm_token_key *key, fsm__auth **out, fsm_error *err);
void fsm__auth_free(fsm__auth *auth);

/* The actor map, in arena. authorization: the header's value, NULL when absent. FSM_ETOKEN: refused. */
FSM_MUST_USE fsm_code fsm__auth_identify(fsm__auth *auth, fsm__policy policy, const char *authorization,
                                         fsm__peer peer, int64_t now_ns, fsm_arena *arena, fsm_value *actor,
                                         fsm_error *err);
/* What a record may say of a refused header: the SHA-256 of the token, why; never the token. */
void fsm__auth_excerpt(const char *authorization, const fsm_error *why, fsm_buf *out);

/* How many tokens were checked in full, for tests of the table. */
uint64_t fsm__auth_verified_count(const fsm__auth *auth);

#endif
