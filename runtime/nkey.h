/* nkey.h: NATS keys: an Ed25519 seed as nsc writes it ("SU…"), and the public key that belongs to it ("U…").
 */
#ifndef FSM_RUNTIME_NKEY_H
#define FSM_RUNTIME_NKEY_H

#include <stdbool.h>

enum { FSM_NKEY_MAX = 64 };

/* false when seed is none: not base32, another length, a wrong check sum. */
bool fsm__nkey_public(const char *seed, char out[FSM_NKEY_MAX]);

#endif
