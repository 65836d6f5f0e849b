/* arena.h: memory that is given back all at once.
 *
 * One arena serves one step, one request or one machine. What a call hands back lives in the arena
 * that was given to it. An allocation fails only when the system or the arena's own limit says so;
 * it then returns NULL and the caller answers FSM_ENOMEM. Blocks are 16-byte aligned and zeroed by
 * fsm_arena_zalloc only. Not thread-safe: an arena belongs to one thread at a time.
 */
#ifndef FSM_ARENA_H
#define FSM_ARENA_H

#include "fsm/code.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fsm_arena_block fsm_arena_block;

typedef struct fsm_arena {
  fsm_arena_block *head;   /* the block being filled */
  unsigned char *at, *end; /* what is free in it and within the limit; a multiple of 16 bytes */
  size_t before;           /* bytes handed out of older blocks since the last reset */
  size_t limit;            /* 0 = none */
  bool over;               /* since the last reset an allocation was refused because of the limit */
} fsm_arena;

/* An arena on the stack or in a struct; no memory is taken until the first allocation. */
FSM_API void fsm_arena_init(fsm_arena *arena, size_t limit);
/* Forgets all allocations, keeps the largest block for reuse. */
FSM_API void fsm_arena_reset(fsm_arena *arena);
FSM_API void fsm_arena_free(fsm_arena *arena);

/* Bytes handed out since the last reset, each allocation rounded up to 16. */
FSM_API size_t fsm_arena_used(const fsm_arena *arena);

/* The way of fsm_arena_alloc that is not in line: a new block, the limit, no bytes at all. */
FSM_API void *fsm_arena_more(fsm_arena *arena, size_t size);

/* A build's sanitizer marks what is handed out, so it always takes the long way. */
#if defined(__SANITIZE_ADDRESS__)
#define FSM_ARENA_MARKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FSM_ARENA_MARKS 1
#endif
#endif

static inline void *fsm_arena_alloc(fsm_arena *arena, size_t size) {
#ifndef FSM_ARENA_MARKS
  if (size - 1 < (size_t)(arena->end - arena->at)) { /* a size of 0 wraps around */
    void *at = arena->at;
    arena->at += (size + 15) & ~(size_t)15;
    return at;
  }
#endif
  return fsm_arena_more(arena, size);
}
/* Zeroes bytes by a call: what a compiler puts in line for a few hundred is slower. */
void fsm__blank(void *at, size_t size);

FSM_API void *fsm_arena_zalloc(fsm_arena *arena, size_t count, size_t size);
/* Copies len bytes and adds a NUL. */
FSM_API char *fsm_arena_strndup(fsm_arena *arena, const char *text, size_t len);
FSM_API char *fsm_arena_strdup(fsm_arena *arena, const char *text);
FSM_API char *fsm_arena_printf(fsm_arena *arena, const char *format, ...) FSM_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif
