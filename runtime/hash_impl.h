/* hash_impl.h: the headers of libcrypto, for its two wrappers: hash.c and public_key.c. */
#ifndef FSM_RUNTIME_HASH_IMPL_H
#define FSM_RUNTIME_HASH_IMPL_H

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#endif
