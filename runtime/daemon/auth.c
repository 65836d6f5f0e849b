/* auth.c: bearer tokens and socket peers into actors.
 *
 * Invariant: an actor has authn "verified" only when fsm_token_verify took these very bytes (a table
 * entry is found by the SHA-256 of the whole token, and its times are checked again at each use).
 */
#include "runtime/daemon/auth.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/hash.h"

enum {
  SETS = 256, /* entries with the same first hash byte compete for its ways */
  WAYS = 4,
  ACTOR_BYTES_MAX = 16 * 1024
};

typedef struct entry {
  fsm__hash hash;
  uint64_t used; /* 0 = empty */
  fsm_token_claims claims;
  fsm_arena arena; /* of the claims */
} entry;

struct fsm__auth {
  fsm_token_key *key;
  uint64_t uses, verified;
  uid_t self;
  char self_name[64], root_name[64];
  entry entries[SETS][WAYS];
};

const char *fsm__policy_name(fsm__policy policy) {
  static const char *const names[] = {"required", "optional", "none"};
  FSM_ASSERT((unsigned)policy < sizeof names / sizeof *names);
  return names[policy];
}

/* Looked up once, because the name service may wait for a disk or a network. */
static void name_of(uid_t uid, char *out, size_t size) {
  struct passwd pw, *found = NULL;
  char text[4096];
  int len = getpwuid_r(uid, &pw, text, sizeof text, &found) == 0 && found && *pw.pw_name
                ? snprintf(out, size, "%s", pw.pw_name)
                : -1;
  if (len < 0 || (size_t)len >= size) snprintf(out, size, "uid:%u", (unsigned)uid);
}

fsm_code fsm__auth_new(fsm_token_key *key, fsm__auth **out, fsm_error *err) {
  fsm__auth *auth = calloc(1, sizeof *auth);
  if (!auth) return fsm_fail(err, FSM_ENOMEM, "auth", "no memory for the table of tokens");
  auth->key = key;
  auth->self = geteuid();
  name_of(auth->self, auth->self_name, sizeof auth->self_name);
  name_of(0, auth->root_name, sizeof auth->root_name);
  *out = auth;
  return FSM_OK;
}

void fsm__auth_free(fsm__auth *auth) {
  if (!auth) return;
  for (int i = 0; i < SETS; i++)
    for (int j = 0; j < WAYS; j++) fsm_arena_free(&auth->entries[i][j].arena);
  fsm_token_key_free(auth->key);
  free(auth);
}

uint64_t fsm__auth_verified_count(const fsm__auth *auth) { return auth->verified; }

/* ---- tokens --------------------------------------------------------------------------------------- */

/* The token behind "Bearer ", NULL when the header is of another form. */
static const char *bearer(const char *authorization) {
  if (strncasecmp(authorization, "Bearer ", 7) != 0) return NULL;
  const char *token = authorization + 7;
  while (*token == ' ') token++;
  return *token ? token : NULL;
}

static entry *known(fsm__auth *auth, const fsm__hash *hash) {
  entry *set = auth->entries[hash->bytes[0] % SETS];
  for (int i = 0; i < WAYS; i++)
    if (set[i].used && memcmp(&set[i].hash, hash, sizeof *hash) == 0) return &set[i];
  return NULL;
}

/* An empty entry for the hash: the least recently used of its set. */
static entry *claim(fsm__auth *auth, const fsm__hash *hash) {
  entry *set = auth->entries[hash->bytes[0] % SETS], *oldest = set;
  for (int i = 1; i < WAYS; i++)
    if (set[i].used < oldest->used) oldest = &set[i];
  fsm_arena_free(&oldest->arena);
  *oldest = (entry){.hash = *hash};
  fsm_arena_init(&oldest->arena, ACTOR_BYTES_MAX);
  return oldest;
}

/* A failed copy leaves the entry empty: the token is then checked again next time. */
static void remember(fsm__auth *auth, const fsm__hash *hash, const fsm_token_claims *claims) {
  entry *e = claim(auth, hash);
  fsm_token_claims copy = *claims;
  copy.sub = fsm_arena_strdup(&e->arena, claims->sub);
  if (claims->jti) copy.jti = fsm_arena_strdup(&e->arena, claims->jti);
  if (claims->iss) copy.iss = fsm_arena_strdup(&e->arena, claims->iss);
  bool good = copy.sub && (!claims->jti || copy.jti) && (!claims->iss || copy.iss) &&
              fsm_value_copy(&e->arena, &claims->roles, &copy.roles, NULL) == FSM_OK;
  e->claims = copy;
  e->used = good ? ++auth->uses : 0;
}

static fsm_code check_token(fsm__auth *auth, const char *authorization, int64_t now_ns, fsm_arena *arena,
                            fsm_token_claims *out, fsm_error *err) {
  const char *token = bearer(authorization);
  if (!token) return fsm_fail(err, FSM_ETOKEN, "Authorization", "the header is not \"Bearer\" and a token");
  if (!auth->key)
    return fsm_fail(err, FSM_ETOKEN, "Authorization", "no key is configured to check a token with");
  size_t len = strlen(token);
  if (len > FSM_TOKEN_BYTES_MAX)
    return fsm_fail(err, FSM_ETOKEN, "token", "the token is longer than %d bytes", FSM_TOKEN_BYTES_MAX);
  fsm__hash hash = fsm__sha256(token, len);
  entry *e = known(auth, &hash);
  if (e) {
    fsm_code code = fsm_token_check_times(&e->claims, now_ns, err);
    e->used = code == FSM_OK ? ++auth->uses : 0;
    *out = e->claims;
    return code;
  }
  auth->verified++;
  fsm_code code = fsm_token_verify(auth->key, token, len, now_ns, arena, out, err);
  if (code == FSM_OK) remember(auth, &hash, out);
  return code;
}

/* ---- actors --------------------------------------------------------------------------------------- */

typedef struct actor_map {
  fsm_pair pairs[8];
  size_t count;
} actor_map;

static void put(actor_map *map, const char *key, const char *text) {
  if (text) map->pairs[map->count++] = (fsm_pair){fsm_string(key), fsm_string(text)};
}

/* Into arena, strings too, because an entry of the table may go before the request does. */
static fsm_code finish(actor_map *map, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  fsm_value view;
  fsm_code code = fsm_map(map->pairs, map->count, &view, err);
  return code == FSM_OK ? fsm_value_copy(arena, &view, out, err) : code;
}

static fsm_code verified_actor(const fsm_token_claims *claims, fsm_arena *arena, fsm_value *out,
                               fsm_error *err) {
  actor_map map = {0};
  put(&map, "type", "user");
  put(&map, "authn", "verified");
  put(&map, "sub", claims->sub);
  put(&map, "sid", claims->jti);
  put(&map, "iss", claims->iss);
  if (!fsm_is(&claims->roles, FSM_NULL))
    map.pairs[map.count++] = (fsm_pair){fsm_string("roles"), claims->roles};
  return finish(&map, arena, out, err);
}

static fsm_code local_actor(const fsm__auth *auth, uint32_t uid, const char *fault, fsm_arena *arena,
                            fsm_value *out, fsm_error *err) {
  char number[24];
  snprintf(number, sizeof number, "uid:%u", (unsigned)uid);
  actor_map map = {0};
  put(&map, "type", "local");
  put(&map, "authn", "local");
  put(&map, "sub", uid == auth->self ? auth->self_name : uid == 0 ? auth->root_name : number);
  put(&map, "fault", fault);
  return finish(&map, arena, out, err);
}

static fsm_code anonymous_actor(const char *fault, fsm_arena *arena, fsm_value *out, fsm_error *err) {
  actor_map map = {0};
  put(&map, "type", "anonymous");
  put(&map, "authn", "none");
  put(&map, "fault", fault);
  return finish(&map, arena, out, err);
}

fsm_code fsm__auth_identify(fsm__auth *auth, fsm__policy policy, const char *authorization, fsm__peer peer,
                            int64_t now_ns, fsm_arena *arena, fsm_value *actor, fsm_error *err) {
  FSM_ASSERT(auth && arena && actor && (policy != FSM__AUTH_REQUIRED || auth->key));
  if (policy == FSM__AUTH_REQUIRED && !authorization)
    return fsm_fail(err, FSM_ETOKEN, "Authorization", "a bearer token is required here");
  if (policy != FSM__AUTH_NONE && authorization) {
    fsm_token_claims claims = {0};
    fsm_code code = check_token(auth, authorization, now_ns, arena, &claims, err);
    if (code == FSM_OK) return verified_actor(&claims, arena, actor, err);
    if (code != FSM_ETOKEN || policy == FSM__AUTH_REQUIRED) return code;
    return anonymous_actor("bad_token", arena, actor, err);
  }
  const char *fault = authorization ? "token_not_checked" : NULL;
  return peer.local ? local_actor(auth, peer.uid, fault, arena, actor, err)
                    : anonymous_actor(fault, arena, actor, err);
}

void fsm__auth_excerpt(const char *authorization, const fsm_error *why, fsm_buf *out) {
  const char *token = authorization ? bearer(authorization) : NULL;
  if (token) {
    fsm__hash hash = fsm__sha256(token, strlen(token));
    char hex[2 * FSM_HASH_BYTES + 1];
    fsm__hex(hash.bytes, sizeof hash.bytes, hex);
    fsm_buf_printf(out, "token sha256 %s: ", hex);
  }
  fsm_buf_printf(out, "%s: %s", why->where, why->text);
}
