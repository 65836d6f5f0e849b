/* nkey.c: base32 (RFC 4648, no padding) over prefix, key and a CRC-16 (XMODEM), least byte first. A seed has
 * two prefix bytes: eight bits that say seed, the rest the kind of its public key. */
#include "runtime/nkey.h"

#include <stdint.h>
#include <string.h>

#include "fsm/fsm.h"
#include "runtime/hash.h"

enum { KEY = 32, SEED_RAW = 2 + KEY + 2, PUBLIC_RAW = 1 + KEY + 2, PREFIX_SEED = 18 << 3 };

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static uint16_t crc16(const uint8_t *data, size_t len) {
  uint16_t crc = 0;
  for (size_t i = 0; i < len; i++) {
    crc = (uint16_t)(crc ^ (unsigned)data[i] << 8);
    for (int bit = 0; bit < 8; bit++) {
      crc = (uint16_t)((crc & 0x8000) != 0 ? (unsigned)crc << 1 ^ 0x1021U : (unsigned)crc << 1);
    }
  }
  return crc;
}

static bool base32_read(const char *text, uint8_t out[SEED_RAW]) {
  size_t n = 0;
  unsigned bits = 0, held = 0;
  for (; *text != '\0'; text++) {
    const char *at = strchr(letters, *text);
    if (at == NULL) return false;
    held = held << 5 | (unsigned)(at - letters);
    bits += 5;
    if (bits < 8) continue;
    if (n == SEED_RAW) return false;
    bits -= 8;
    out[n++] = (uint8_t)(held >> bits);
    held &= (1U << bits) - 1;
  }
  return n == SEED_RAW && bits < 5 && held == 0;
}

static void base32_write(const uint8_t *data, size_t len, char *out) {
  unsigned bits = 0, held = 0;
  for (size_t i = 0; i < len; i++) {
    held = held << 8 | data[i];
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      *out++ = letters[held >> bits & 31];
      held &= (1U << bits) - 1;
    }
  }
  if (bits > 0) *out++ = letters[held << (5 - bits) & 31];
  *out = '\0';
}

bool fsm__nkey_public(const char *seed, char out[FSM_NKEY_MAX]) {
  FSM_ASSERT(seed != NULL && out != NULL);
  uint8_t raw[SEED_RAW], key[PUBLIC_RAW];
  bool ok = base32_read(seed, raw) && (raw[0] & 0xf8) == PREFIX_SEED &&
            crc16(raw, SEED_RAW - 2) == (raw[SEED_RAW - 2] | raw[SEED_RAW - 1] << 8);
  if (ok) {
    key[0] = (uint8_t)((raw[0] & 7) << 5 | raw[1] >> 3);
    ok = fsm__ed25519_public(raw + 2, key + 1);
  }
  memset(raw, 0, sizeof raw);
  if (!ok) return false;
  uint16_t crc = crc16(key, PUBLIC_RAW - 2);
  key[PUBLIC_RAW - 2] = (uint8_t)(crc & 0xff);
  key[PUBLIC_RAW - 1] = (uint8_t)(crc >> 8);
  base32_write(key, sizeof key, out);
  return true;
}
