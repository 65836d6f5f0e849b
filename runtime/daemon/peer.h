/* peer.h: the other end of a connection, and which users and groups may be that end of the unix socket. */
#ifndef FSM_DAEMON_PEER_H
#define FSM_DAEMON_PEER_H

#include "fsm/fsm.h"

enum {
  FSM__PEER_GROUPS_MAX = 32, /* of a process; further ones are not looked at */
  FSM__PEERS_MAX = 64        /* that may be named */
};

#define FSM__PEER_UNKNOWN UINT32_MAX /* the kernel would not say: nobody whom we know */

typedef struct fsm__peer {
  bool local; /* a unix socket; what follows is by SO_PEERCRED and SO_PEERGROUPS, from when it connected */
  uint32_t uid;
  uint32_t groups[FSM__PEER_GROUPS_MAX];
  size_t group_count;
} fsm__peer;

/* Of a connected unix socket. The groups of root and of our own user are left out. */
fsm__peer fsm__peer_of(int fd);

/* Users and groups by number, looked up once. */
typedef struct fsm__peers {
  uint32_t uids[FSM__PEERS_MAX], gids[FSM__PEERS_MAX];
  size_t uid_count, gid_count;
} fsm__peers;

/* USER or UID, group:NAME or group:GID. FSM_EARGUMENT: there is none of that name. */
FSM_MUST_USE fsm_code fsm__peers_add(fsm__peers *peers, const char *name, fsm_error *err);
/* Is it one of them, our own user, or root? */
bool fsm__peers_has(const fsm__peers *peers, const fsm__peer *peer);

#endif
