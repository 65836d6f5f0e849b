/* peer.c: who is at the other end of the unix socket. The kernel says so; names are looked up at the start
 * alone, because the name service may wait for a disk or a network. */
#include "runtime/daemon/peer.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_own(uint32_t uid) { return uid == geteuid() || uid == 0; }

fsm__peer fsm__peer_of(int fd) {
  struct ucred cred = {0};
  socklen_t size = sizeof cred;
  fsm__peer peer = {.local = true, .uid = FSM__PEER_UNKNOWN};
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) != 0) return peer;
  peer.uid = cred.uid;
  if (is_own(peer.uid)) return peer;
  peer.groups[peer.group_count++] = cred.gid;
  size = sizeof peer.groups - sizeof *peer.groups;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer.groups + 1, &size) == 0)
    peer.group_count += size / sizeof *peer.groups;
  return peer;
}

static bool is_number(const char *text, uint32_t *out) {
  char *end = NULL;
  errno = 0;
  unsigned long long n = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
  if (!end || *end || errno || n >= FSM__PEER_UNKNOWN) return false;
  *out = (uint32_t)n;
  return true;
}

static bool user_named(const char *name, uint32_t *out) {
  if (is_number(name, out)) return true;
  const struct passwd *found = getpwnam(name);
  if (found) *out = found->pw_uid;
  return found != NULL;
}

static bool group_named(const char *name, uint32_t *out) {
  if (is_number(name, out)) return true;
  const struct group *found = getgrnam(name);
  if (found) *out = found->gr_gid;
  return found != NULL;
}

fsm_code fsm__peers_add(fsm__peers *peers, const char *name, fsm_error *err) {
  static const char group[] = "group:";
  FSM_ASSERT(peers && name);
  const bool is_group = strncmp(name, group, sizeof group - 1) == 0;
  size_t *count = is_group ? &peers->gid_count : &peers->uid_count;
  if (*count == FSM__PEERS_MAX)
    return fsm_fail(err, FSM_EARGUMENT, name, "at most %d users and as many groups can be named",
                    FSM__PEERS_MAX);
  uint32_t id = 0;
  bool found = is_group ? group_named(name + sizeof group - 1, &id) : user_named(name, &id);
  if (!found)
    return fsm_fail(err, FSM_EARGUMENT, name,
                    "there is no such %s on this machine: give USER, UID, group:NAME or "
                    "group:GID",
                    is_group ? "group" : "user");
  (is_group ? peers->gids : peers->uids)[(*count)++] = id;
  return FSM_OK;
}

static bool is_among(const uint32_t *ids, size_t count, uint32_t id) {
  for (size_t i = 0; i < count; i++)
    if (ids[i] == id) return true;
  return false;
}

bool fsm__peers_has(const fsm__peers *peers, const fsm__peer *peer) {
  if (is_own(peer->uid) || is_among(peers->uids, peers->uid_count, peer->uid)) return true;
  for (size_t i = 0; i < peer->group_count; i++)
    if (is_among(peers->gids, peers->gid_count, peer->groups[i])) return true;
  return false;
}
