/* fuzz_keys.h: keys from outside: targets jwk (as a provider publishes it) and pem (a public key's file). */
#ifndef FSM_TESTS_FUZZ_KEYS_H
#define FSM_TESTS_FUZZ_KEYS_H

#include "runtime/public_key.h"
#include "runtime/token_impl.h"
#include "tests/fuzz/fuzz_definition.h"

static const char keys_rsa_jwk[] =
    "{\"kty\":\"RSA\",\"n\":\"mXnkekjRozP1zGI7fWgfozF938kary2UZkzACwEzw0EbDF4pI3WrWmYhclo6PB5De5N5ls_j_nUyK2"
    "IzWzgMj3LucOKMU2sTi22TcfG6V3ZNGUFAgL0eH5O1pcvmkEkZvdHjL8znpTZm3tLEjY85Q2byizv3-t4nw7c5c7LGbbE04g"
    "dMFINt9b18PRg3EY9Qkzped0Af-7PW0jq33PhhnQ-m0RbjZ0AxLm-kIdrpJT34nzgTvXgKr0c4O1rOjL1Kz3V5Ge-BnSSPMl"
    "Eeikm8Lsc8zM-YEQvtzmq538OnMOLu5gfbzeQpQfaDWF1S3GLF2oVMFsVAFColykmxvjr87Q\",\"e\":\"AQAB\",\"kid\":\"r\","
    "\""
    "use\":\"sig\",\"alg\":\"RS256\"}";
static const char keys_ec_jwk[] =
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"r14eqNxi7bzxpzlSUuwimeLhZazijFysnRgrp7leoxU\",\"y\":"
    "\"xMnHuYPbo9y0I9M"
    "fEF3n5VWcRX2B93FhHkArh9DB5PI\",\"kid\":\"e\"}";
static const char keys_rsa_pem[] =
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAmXnkekjRozP1zGI7fWgf\nozF9"
    "38kary2UZkzACwEzw0EbDF4pI3WrWmYhclo6PB5De5N5ls/j/nUyK2IzWzgM\nj3LucOKMU2sTi22TcfG6V3ZNGUFAgL0eH5O"
    "1pcvmkEkZvdHjL8znpTZm3tLEjY85\nQ2byizv3+t4nw7c5c7LGbbE04gdMFINt9b18PRg3EY9Qkzped0Af+7PW0jq33Phh\nn"
    "Q+m0RbjZ0AxLm+kIdrpJT34nzgTvXgKr0c4O1rOjL1Kz3V5Ge+BnSSPMlEeikm8\nLsc8zM+YEQvtzmq538OnMOLu5gfbzeQp"
    "QfaDWF1S3GLF2oVMFsVAFColykmxvjr8\n7QIDAQAB\n-----END PUBLIC KEY-----\n";
static const char keys_ec_pem[] =
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEr14eqNxi7bzxpzlSUuwimeLhZazi\njFys"
    "nRgrp7leoxXEyce5g9uj3LQj0x8QXeflVZxFfYH3cWEeQCuH0MHk8g==\n-----END PUBLIC KEY-----\n";

/* What is taken is of one of two kinds, is long enough, and reads as itself again. */
static inline void keys_expect(fuzz_run *run, const char *pem, size_t len, size_t signature_bytes) {
  fsm__public_key again = {.signature_bytes = 0};
  fuzz_expect(run, signature_bytes == 64 || (signature_bytes >= 256 && signature_bytes <= 1024),
              "a key is on P-256 or has 2048 to 8192 bits");
  fsm_code code = fsm__public_key_read(pem, len, &again, NULL);
  if (fuzz_expect(run, code == FSM_OK, "what is kept of a key is a key"))
    fuzz_expect(run, again.pem.len == len && memcmp(again.pem.data, pem, len) == 0, "and the same one");
  fsm_buf_free(&again.pem);
}

static const char *const jwk_tokens[] = {"kty", "RSA",   "EC",   "oct", "crv", "P-256", "n",
                                         "e",   "x",     "y",    "d",   "use", "sig",   "enc",
                                         "alg", "ES256", "AQAB", "Aw",  "kid", NULL};

static inline void jwk_open(fuzz_run *run) {
  run->tokens = jwk_tokens;
  fuzz_seed_text(run, keys_rsa_jwk);
  fuzz_seed_text(run, keys_ec_jwk);
}

static inline void jwk_one(fuzz_run *run) {
  document_input(run, 4);
  fsm_value document = fsm_null();
  fsm_error err = fuzz_error();
  fsm__token_key key = {.kid = ""};
  bool skipped = false;
  fsm_code code =
      fsm_json_parse(&run->arena, (const char *)run->input, run->input_len, FSM_JSON_SORTED, &document, &err);
  if (code == FSM_OK) code = fsm__token_jwk_read(&run->arena, &document, &key, &skipped, &err);
  fuzz_count(run, code);
  if (fuzz_expect_error(run, code, &err) && code == FSM_OK && !skipped)
    keys_expect(run, (const char *)key.bytes, key.len, key.signature_bytes);
  fuzz_expect(run, code == FSM_OK || key.bytes == NULL, "a refused key leaves nothing");
  fsm__token_key_wipe(&key);
}

static const char *const pem_tokens[] = {"-----BEGIN PUBLIC KEY-----",
                                         "-----END PUBLIC KEY-----",
                                         "PRIVATE KEY",
                                         "=",
                                         "\n",
                                         "AQAB",
                                         "Proc-Type: 4,ENCRYPTED",
                                         NULL};

static inline void pem_open(fuzz_run *run) {
  run->tokens = pem_tokens;
  fuzz_seed_text(run, keys_rsa_pem);
  fuzz_seed_text(run, keys_ec_pem);
}

static inline void pem_one(fuzz_run *run) {
  fuzz_input_mutated(run);
  fsm__public_key key = {.signature_bytes = 0};
  fsm_error err = fuzz_error();
  fsm_code code = fsm__public_key_read((const char *)run->input, run->input_len, &key, &err);
  fuzz_count(run, code);
  if (fuzz_expect_error(run, code, &err) && code == FSM_OK)
    keys_expect(run, key.pem.data, key.pem.len, key.signature_bytes);
  fuzz_expect(run, code == FSM_OK || key.pem.data == NULL, "a refused key leaves nothing");
  fsm_buf_free(&key.pem);
}

#endif
