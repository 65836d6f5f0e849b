/* crc32c.h: CRC-32C (Castagnoli, RFC 3720 B.4), by the processor's instruction where it has one. */
#ifndef FSM_RUNTIME_CRC32C_H
#define FSM_RUNTIME_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Start with crc 0; feed the result back in to go on. */
uint32_t fsm__crc32c(uint32_t crc, const void *data, size_t len);
/* The same without the instruction; for the test that compares them. */
uint32_t fsm__crc32c_by_table(uint32_t crc, const void *data, size_t len);

#endif
