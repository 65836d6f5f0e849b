/* http_tls.c: the certificate that is shown, which another can take the place of while it serves. The one
 * wrapper of GnuTLS, of which the library that does HTTP makes TLS.
 *
 * Each handshake asks for the pair and borrows it. So one that was replaced stays for longer than any
 * handshake may last, and goes with the next that comes after that. Connections that there are stay as they
 * are. */
#include <gnutls/abstract.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/daemon/http_impl.h"

enum { CHAIN_MAX = 16, KEY_ID_MAX = 64, KEPT_MS = 2 * 3600 * 1000 }; /* header-timeout is an hour at most */

struct fsm__pair {
  fsm__pair *older;
  gnutls_pcert_st chain[CHAIN_MAX]; /* the server's own first */
  unsigned count;
  gnutls_privkey_t key; /* NULL: not read */
  int64_t replaced_ms;
};

static void pair_free(fsm__pair *pair) {
  for (unsigned i = 0; i < pair->count; i++) gnutls_pcert_deinit(&pair->chain[i]);
  if (pair->key) gnutls_privkey_deinit(pair->key);
  free(pair);
}

void fsm__pairs_free(fsm__pair *pairs) {
  for (fsm__pair *pair = pairs, *older; pair; pair = older) {
    older = pair->older;
    pair_free(pair);
  }
}

static gnutls_datum_t datum_of(const fsm_buf *pem) {
  return (gnutls_datum_t){.data = (unsigned char *)pem->data, .size = (unsigned)pem->len};
}

/* Is the certificate's key that of the private key? */
static bool belong_together(const fsm__pair *pair) {
  unsigned char ours[KEY_ID_MAX], theirs[KEY_ID_MAX];
  size_t our_size = sizeof ours, their_size = sizeof theirs;
  gnutls_pubkey_t key = NULL;
  const bool same = gnutls_pubkey_init(&key) == 0 &&
                    gnutls_pubkey_import_privkey(key, pair->key, 0, 0) == 0 &&
                    gnutls_pubkey_get_key_id(key, 0, ours, &our_size) == 0 &&
                    gnutls_pubkey_get_key_id(pair->chain[0].pubkey, 0, theirs, &their_size) == 0 &&
                    our_size == their_size && memcmp(ours, theirs, our_size) == 0;
  if (key) gnutls_pubkey_deinit(key);
  return same;
}

static bool read_pair(fsm__pair *pair, const fsm__tls *pem) {
  const gnutls_datum_t cert = datum_of(&pem->cert), key = datum_of(&pem->key);
  unsigned count = CHAIN_MAX;
  if (gnutls_pcert_list_import_x509_raw(pair->chain, &count, &cert, GNUTLS_X509_FMT_PEM, 0) != 0)
    return false;
  pair->count = count;
  return count > 0 && gnutls_privkey_init(&pair->key) == 0 &&
         gnutls_privkey_import_x509_raw(pair->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0) == 0 &&
         belong_together(pair);
}

fsm_code fsm__pair_put(fsm__pair **pairs, const fsm__tls *pem, fsm_error *err) {
  fsm__pair *pair = calloc(1, sizeof *pair);
  if (!pair) return fsm_fail(err, FSM_ENOMEM, "tls-cert", "no memory for the certificate");
  if (!read_pair(pair, pem)) {
    pair_free(pair);
    return fsm_fail(err, FSM_EARGUMENT, "tls-cert",
                    "certificate and key cannot be used: they are PEM, not encrypted, and belong together");
  }
  const int64_t now_ms = fsm__monotonic_ms();
  pair->older = *pairs;
  if (pair->older) pair->older->replaced_ms = now_ms;
  *pairs = pair;
  for (fsm__pair **at = &pair->older; *at; at = &(*at)->older) {
    if (now_ms - (*at)->replaced_ms < KEPT_MS) continue;
    fsm__pairs_free(*at);
    *at = NULL;
    break;
  }
  return FSM_OK;
}

static int show(gnutls_session_t session, const gnutls_datum_t *issuers, int issuer_count,
                const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain,
                unsigned *count, gnutls_privkey_t *key) {
  (void)issuers, (void)issuer_count, (void)algorithms, (void)algorithm_count;
  struct MHD_Connection *connection = gnutls_session_get_ptr(session); /* put there by the library */
  const fsm__connection *place = connection ? fsm__connection_of(connection) : NULL;
  fsm__pair *pair = place ? place->listener->pairs : NULL;
  if (!pair) return -1; /* no memory for its place: no handshake */
  *chain = pair->chain;
  *count = pair->count;
  *key = pair->key;
  return 0;
}

void *fsm__pair_callback(void) {
  gnutls_certificate_retrieve_function2 *const callback = show;
  return (void *)(uintptr_t)callback;
}

fsm_code fsm__http_renew_tls(fsm__http *http, const fsm__tls *pem, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < http->listener_count && code == FSM_OK; i++)
    if (http->listeners[i].pairs) code = fsm__pair_put(&http->listeners[i].pairs, pem, err);
  return code;
}
