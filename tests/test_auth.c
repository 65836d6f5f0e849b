/* test_auth.c: which actor a header and a connection make, under each policy. */
#include "runtime/daemon/auth.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/hash.h"

#define NOW_NS (INT64_C(1700000000) * 1000000000)
#define SECOND INT64_C(1000000000)
#define KEY "0123456789abcdef0123456789abcdef"

static const fsm__peer TCP = {0};

typedef struct world {
  fsm__auth *auth;
  fsm_arena arena;
  fsm_value actor;
  fsm_error err;
} world;

static fsm_token_keys *keys_of(const char *secret) {
  fsm_token_keys *keys = NULL;
  assert_int_equal(fsm_token_keys_secret(FSM_TOKEN_HS256, secret, strlen(secret), &keys, NULL), FSM_OK);
  return keys;
}

static void open_world_of(world *w, const fsm__auth_options *options, bool with_key) {
  *w = (world){0};
  assert_int_equal(fsm__auth_new(options, with_key ? keys_of(KEY) : NULL, &w->auth, NULL), FSM_OK);
  fsm_arena_init(&w->arena, 0);
}
static void open_world(world *w, bool with_key) {
  const fsm__auth_options options = {.rules = fsm_token_rules_new()};
  open_world_of(w, &options, with_key);
}
static void close_world(world *w) {
  fsm__auth_free(w->auth);
  fsm_arena_free(&w->arena);
}

static fsm_code identify(world *w, fsm__policy policy, const char *header, fsm__peer peer, int64_t now_ns) {
  return fsm__auth_identify(w->auth, policy, header, &peer, now_ns, &w->arena, &w->actor, &w->err);
}

static char key_path[64];

static int make_key(void **state) {
  (void)state;
  snprintf(key_path, sizeof key_path, "/tmp/test_auth.XXXXXX");
  int fd = mkstemp(key_path);
  assert_true(fd >= 0 && write(fd, KEY, strlen(KEY)) == (ssize_t)strlen(KEY));
  return close(fd);
}
static int drop_key(void **state) {
  (void)state;
  return unlink(key_path);
}

static const char *bearer_for(const char *sub, const char *aud, int64_t ttl_s) {
  static char header[1024];
  fsm_buf token = {0};
  fsm_value role = fsm_string("boss"), roles = fsm_list(&role, 1), audience = fsm_string(aud ? aud : "");
  const fsm_token_order order = {.key_file = key_path,
                                 .sub = sub,
                                 .jti = "s-1",
                                 .roles = &roles,
                                 .aud = aud ? &audience : NULL,
                                 .ttl_s = ttl_s};
  assert_int_equal(fsm_token_mint(&order, NOW_NS, &token, NULL), FSM_OK);
  snprintf(header, sizeof header, "Bearer %s", fsm_buf_text(&token));
  fsm_buf_free(&token);
  return header;
}
/* "Bearer <token of sub, good for 600 s>" */
static const char *bearer_of(const char *sub) { return bearer_for(sub, NULL, 600); }

static void actor_has(const world *w, const char *name, const char *text) {
  const fsm_value *value = fsm_map_get(&w->actor, name);
  if (!text) {
    assert_null(value);
    return;
  }
  assert_non_null(value);
  assert_true(fsm_is_text(value, text));
}

static void a_good_token_is_a_verified_user_under_required_and_optional(void **state) {
  (void)state;
  world w;
  open_world(&w, true);
  for (int policy = FSM__AUTH_REQUIRED; policy <= FSM__AUTH_OPTIONAL; policy++) {
    assert_int_equal(identify(&w, (fsm__policy)policy, bearer_of("ann"), TCP, NOW_NS), FSM_OK);
    actor_has(&w, "type", "user");
    actor_has(&w, "authn", "verified");
    actor_has(&w, "sub", "ann");
    actor_has(&w, "sid", "s-1");
    actor_has(&w, "fault", NULL);
    const fsm_value *roles = fsm_map_get(&w.actor, "roles");
    assert_true(roles && roles->len == 1 && fsm_is_text(&roles->items[0], "boss"));
  }
  close_world(&w);
}

static void required_refuses_no_token_and_every_bad_one(void **state) {
  (void)state;
  static const char *const bad[] = {NULL,         "",         "Bearer",       "Bearer ",
                                    "Basic YTpi", "Bearer x", "Bearer a.b.c", "bearer  a.b.c",
                                    "token",      "Bearerx"};
  world w;
  open_world(&w, true);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, bad[i], TCP, NOW_NS), FSM_ETOKEN);
    assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, bad[i], (fsm__peer){.local = true}, NOW_NS),
                     FSM_ETOKEN);
  }
  close_world(&w);
}

static void a_bad_token_under_optional_is_noted_never_silently_anonymous(void **state) {
  (void)state;
  world w;
  open_world(&w, true);
  for (int local = 0; local <= 1; local++) {
    assert_int_equal(identify(&w, FSM__AUTH_OPTIONAL, "Bearer a.b.c", (fsm__peer){.local = local}, NOW_NS),
                     FSM_OK);
    actor_has(&w, "type", "anonymous");
    actor_has(&w, "authn", "none");
    actor_has(&w, "fault", "bad_token");
    actor_has(&w, "sub", NULL);
  }
  close_world(&w);
}

static void without_a_key_no_token_is_good(void **state) {
  (void)state;
  world w;
  open_world(&w, false);
  assert_int_equal(identify(&w, FSM__AUTH_OPTIONAL, bearer_of("ann"), TCP, NOW_NS), FSM_OK);
  actor_has(&w, "fault", "bad_token");
  close_world(&w);
}

static void a_socket_without_a_token_is_its_user(void **state) {
  (void)state;
  world w;
  open_world(&w, true);
  assert_int_equal(identify(&w, FSM__AUTH_OPTIONAL, NULL, (fsm__peer){.local = true, .uid = 54321}, NOW_NS),
                   FSM_OK);
  actor_has(&w, "type", "local");
  actor_has(&w, "authn", "local");
  actor_has(&w, "sub", "uid:54321");
  assert_int_equal(
      identify(&w, FSM__AUTH_OPTIONAL, NULL, (fsm__peer){.local = true, .uid = geteuid()}, NOW_NS), FSM_OK);
  actor_has(&w, "type", "local");
  assert_true(fsm_map_get(&w.actor, "sub")->len > 0);
  close_world(&w);
}

static void tcp_without_a_token_is_anonymous_where_that_is_let(void **state) {
  (void)state;
  world w;
  open_world(&w, true);
  assert_int_equal(identify(&w, FSM__AUTH_OPTIONAL, NULL, TCP, NOW_NS), FSM_OK);
  actor_has(&w, "type", "anonymous");
  actor_has(&w, "fault", NULL);
  assert_int_equal(identify(&w, FSM__AUTH_NONE, NULL, TCP, NOW_NS), FSM_OK);
  actor_has(&w, "type", "anonymous");
  close_world(&w);
}

static void a_token_that_nobody_looks_at_is_noted(void **state) {
  (void)state;
  world w;
  open_world(&w, true);
  assert_int_equal(identify(&w, FSM__AUTH_NONE, bearer_of("ann"), TCP, NOW_NS), FSM_OK);
  actor_has(&w, "type", "anonymous");
  actor_has(&w, "sub", NULL);
  actor_has(&w, "fault", "token_not_checked");
  close_world(&w);
}

static void a_token_is_checked_once_and_remembered(void **state) {
  (void)state;
  world w;
  open_world(&w, true);
  const char *header = bearer_of("ann");
  for (int i = 0; i < 5; i++) {
    assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, header, TCP, NOW_NS), FSM_OK);
    actor_has(&w, "sub", "ann");
  }
  assert_int_equal(fsm__auth_verified_count(w.auth), 1);
  assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, bearer_of("bob"), TCP, NOW_NS), FSM_OK);
  actor_has(&w, "sub", "bob");
  assert_int_equal(fsm__auth_verified_count(w.auth), 2);
  close_world(&w);
}

static void a_remembered_token_expires_all_the_same(void **state) {
  (void)state;
  world w;
  open_world(&w, true);
  const char *header = bearer_of("ann");
  assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, header, TCP, NOW_NS), FSM_OK);
  assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, header, TCP, NOW_NS + 629 * SECOND), FSM_OK);
  assert_int_equal(fsm__auth_verified_count(w.auth), 1);
  assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, header, TCP, NOW_NS + 630 * SECOND), FSM_ETOKEN);
  assert_string_equal(w.err.where, "exp");
  close_world(&w);
}

static void a_bad_token_is_not_remembered(void **state) {
  (void)state;
  world w;
  open_world(&w, true);
  for (int i = 0; i < 3; i++)
    assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, "Bearer a.b.c", TCP, NOW_NS), FSM_ETOKEN);
  assert_int_equal(fsm__auth_verified_count(w.auth), 3);
  close_world(&w);
}

static void the_table_of_tokens_is_bounded_and_stays_right(void **state) {
  (void)state;
  world w;
  open_world(&w, true);
  char sub[24];
  for (int turn = 0; turn < 2; turn++) {
    for (int i = 0; i < 3000; i++) {
      snprintf(sub, sizeof sub, "user-%d", i);
      assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, bearer_of(sub), TCP, NOW_NS), FSM_OK);
      actor_has(&w, "sub", sub);
      fsm_arena_reset(&w.arena);
    }
  }
  assert_true(fsm__auth_verified_count(w.auth) > 3000);
  close_world(&w);
}

static void an_excerpt_has_the_hash_and_the_reason_but_not_the_token(void **state) {
  (void)state;
  fsm_buf out = {0};
  fsm_error why = {0};
  fsm_fail(&why, FSM_ETOKEN, "exp", "the token has expired");
  const char *header = bearer_of("ann");
  fsm__auth_excerpt(header, &why, &out);
  char hex[65];
  fsm__hash hash = fsm__sha256(header + 7, strlen(header + 7));
  fsm__hex(hash.bytes, sizeof hash.bytes, hex);
  assert_non_null(strstr(fsm_buf_text(&out), hex));
  assert_non_null(strstr(fsm_buf_text(&out), "has expired"));
  assert_null(strstr(fsm_buf_text(&out), "eyJ"));
  fsm_buf_reset(&out);
  fsm__auth_excerpt(NULL, &why, &out);
  assert_null(strstr(fsm_buf_text(&out), "sha256"));
  fsm_buf_free(&out);
}

/* ---- keys that change, admins, users of the socket ------------------------------------------------- */

static void a_remembered_token_goes_with_its_key(void **state) {
  (void)state;
  world w;
  open_world(&w, true);
  const char *header = bearer_of("ann");
  assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, header, TCP, NOW_NS), FSM_OK);
  fsm__auth_set_keys(w.auth, keys_of("another secret that has 32 bytes"), NOW_NS);
  assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, header, TCP, NOW_NS), FSM_ETOKEN);
  close_world(&w);
}

static void a_remembered_token_ends_with_the_overlap_of_its_key(void **state) {
  (void)state;
  const fsm__auth_options options = {.rules = fsm_token_rules_new(), .overlap_ns = 60 * SECOND};
  world w;
  open_world_of(&w, &options, true);
  const char *header = bearer_of("ann");
  fsm__auth_set_keys(w.auth, keys_of("another secret that has 32 bytes"), NOW_NS);
  assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, header, TCP, NOW_NS + 59 * SECOND), FSM_OK);
  assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, header, TCP, NOW_NS + 60 * SECOND), FSM_ETOKEN);
  close_world(&w);
}

static bool is_admin(const world *w) {
  const fsm_value *admin = fsm_map_get(&w->actor, "admin");
  return admin && admin->b;
}

static void an_admin_has_their_audience_and_what_allow_says(void **state) {
  (void)state;
  const struct {
    const char *allow, *aud;
    bool admin;
  } cases[] = {{NULL, NULL, false},
               {NULL, "fsmd", false},
               {NULL, "fsmd-admin", true},
               {"", "fsmd-admin", true},
               {"actor.sub == 'ann'", "fsmd-admin", true},
               {"actor.sub == 'bob'", "fsmd-admin", false},
               {"'boss' in actor.roles", "fsmd-admin", true},
               {"actor.iss == 'x'", "fsmd-admin", false}, /* it has none: no, not a fault */
               {"true", "fsmd", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const fsm__auth_options options = {.rules = fsm_token_rules_new(), .admin_allow = cases[i].allow};
    world w;
    open_world_of(&w, &options, true);
    for (int turn = 0; turn < 2; turn++) { /* checked, then remembered */
      assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, bearer_for("ann", cases[i].aud, 600), TCP, NOW_NS),
                       FSM_OK);
      assert_int_equal(is_admin(&w), cases[i].admin);
      actor_has(&w, "sub", "ann");
    }
    close_world(&w);
  }
}

/* Verdicts on time are of now, not of when the token was first seen. */
static void allow_is_asked_each_time(void **state) {
  (void)state;
  const fsm__auth_options options = {.rules = fsm_token_rules_new(),
                                     .admin_allow = "now < timestamp('2023-11-14T22:15:00Z')"};
  world w;
  open_world_of(&w, &options, true);
  const char *header = bearer_for("ann", "fsmd-admin", 600);
  assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, header, TCP, NOW_NS), FSM_OK);
  assert_true(is_admin(&w));
  assert_int_equal(identify(&w, FSM__AUTH_REQUIRED, header, TCP, NOW_NS + 300 * SECOND), FSM_OK);
  assert_false(is_admin(&w));
  close_world(&w);
}

static void a_wrong_allow_is_refused_with_its_place(void **state) {
  (void)state;
  static const char *const wrong[] = {"actor.rols", "1 +", "actor.sub", "context.x", "event.data", "nobody"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const fsm__auth_options options = {.rules = fsm_token_rules_new(), .admin_allow = wrong[i]};
    fsm__auth *auth = NULL;
    fsm_error err = {0};
    assert_int_equal(fsm__auth_new(&options, keys_of(KEY), &auth, &err), FSM_EARGUMENT);
    assert_string_equal(err.where, "admin-allow");
    assert_int_equal(strncmp(err.text, "1:", 2), 0);
  }
}

static void the_socket_is_for_our_user_root_and_who_is_named(void **state) {
  (void)state;
  fsm__auth_options options = {.rules = fsm_token_rules_new()};
  fsm_error err = {0};
  assert_int_equal(fsm__peers_add(&options.peers, "70001", &err), FSM_OK);
  assert_int_equal(fsm__peers_add(&options.peers, "group:70002", &err), FSM_OK);
  assert_int_equal(fsm__peers_add(&options.peers, "no-such-user-here", &err), FSM_EARGUMENT);
  assert_int_equal(fsm__peers_add(&options.peers, "group:", &err), FSM_EARGUMENT);
  assert_int_equal(fsm__peers_add(&options.peers, "4294967295", &err), FSM_EARGUMENT);
  world w;
  open_world_of(&w, &options, true);
  const struct {
    fsm__peer peer;
    bool known;
  } cases[] = {{{.local = false}, true},
               {{.local = true, .uid = geteuid()}, true},
               {{.local = true, .uid = 0}, true},
               {{.local = true, .uid = 70001}, true},
               {{.local = true, .uid = 70002}, false},
               {{.local = true, .uid = 70003, .groups = {5, 70002}, .group_count = 2}, true},
               {{.local = true, .uid = 70003, .groups = {5, 70002}, .group_count = 1}, false},
               {{.local = true, .uid = FSM__PEER_UNKNOWN}, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(fsm__auth_knows(w.auth, &cases[i].peer), cases[i].known);
  close_world(&w);
}

static void on_the_socket_our_user_is_an_admin_without_a_token_only(void **state) {
  (void)state;
  const fsm__peer own = {.local = true, .uid = geteuid()}, other = {.local = true, .uid = 70001};
  world w;
  open_world(&w, true);
  assert_int_equal(identify(&w, FSM__AUTH_OPTIONAL, NULL, own, NOW_NS), FSM_OK);
  assert_true(is_admin(&w));
  assert_int_equal(identify(&w, FSM__AUTH_OPTIONAL, NULL, other, NOW_NS), FSM_OK);
  assert_false(is_admin(&w));
  assert_int_equal(identify(&w, FSM__AUTH_OPTIONAL, bearer_of("ann"), own, NOW_NS), FSM_OK);
  assert_false(is_admin(&w));
  assert_int_equal(identify(&w, FSM__AUTH_OPTIONAL, "Bearer a.b.c", own, NOW_NS), FSM_OK);
  assert_false(is_admin(&w));
  close_world(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_good_token_is_a_verified_user_under_required_and_optional),
      cmocka_unit_test(required_refuses_no_token_and_every_bad_one),
      cmocka_unit_test(a_bad_token_under_optional_is_noted_never_silently_anonymous),
      cmocka_unit_test(without_a_key_no_token_is_good),
      cmocka_unit_test(a_socket_without_a_token_is_its_user),
      cmocka_unit_test(tcp_without_a_token_is_anonymous_where_that_is_let),
      cmocka_unit_test(a_token_that_nobody_looks_at_is_noted),
      cmocka_unit_test(a_token_is_checked_once_and_remembered),
      cmocka_unit_test(a_remembered_token_expires_all_the_same),
      cmocka_unit_test(a_bad_token_is_not_remembered),
      cmocka_unit_test(the_table_of_tokens_is_bounded_and_stays_right),
      cmocka_unit_test(an_excerpt_has_the_hash_and_the_reason_but_not_the_token),
      cmocka_unit_test(a_remembered_token_goes_with_its_key),
      cmocka_unit_test(a_remembered_token_ends_with_the_overlap_of_its_key),
      cmocka_unit_test(an_admin_has_their_audience_and_what_allow_says),
      cmocka_unit_test(allow_is_asked_each_time),
      cmocka_unit_test(a_wrong_allow_is_refused_with_its_place),
      cmocka_unit_test(the_socket_is_for_our_user_root_and_who_is_named),
      cmocka_unit_test(on_the_socket_our_user_is_an_admin_without_a_token_only),
  };
  return cmocka_run_group_tests(tests, make_key, drop_key);
}
