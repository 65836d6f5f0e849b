/* arena.c: memory that is given back all at once.
 *
 * A list of blocks, the newest and (as sizes double) usually largest first; allocation bumps the fill
 * of the head. Invariant: at <= end <= the head's end, all three 16-byte aligned.
 * Under AddressSanitizer what is not handed out is poisoned, so that an overrun inside a block is
 * seen just like one of malloc.
 */
#include "fsm/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef FSM_ARENA_MARKS
#include <sanitizer/asan_interface.h>
#define POISON(at, len) ASAN_POISON_MEMORY_REGION(at, len)
#define UNPOISON(at, len) ASAN_UNPOISON_MEMORY_REGION(at, len)
#else
#define POISON(at, len) ((void)(at), (void)(len))
#define UNPOISON(at, len) ((void)(at), (void)(len))
#endif

enum { ALIGN = 16, FIRST_BLOCK = 4096 - 64, DOUBLING_ENDS = 1 << 20 };

struct fsm_arena_block {
  fsm_arena_block *older;
  size_t cap;
  unsigned char data[];
};

_Static_assert(sizeof(struct fsm_arena_block) % ALIGN == 0, "data is aligned");

void fsm_arena_init(fsm_arena *arena, size_t limit) {
  FSM_ASSERT(arena);
  *arena = (fsm_arena){.limit = limit};
}

size_t fsm_arena_used(const fsm_arena *arena) {
  return arena->before + (arena->head ? (size_t)(arena->at - arena->head->data) : 0);
}

static void block_free(fsm_arena_block *block) {
  UNPOISON(block->data, block->cap);
  free(block);
}

/* Begins to fill the block, as far as the limit lets it. */
static void fill(fsm_arena *arena, fsm_arena_block *block) {
  size_t room = block->cap;
  if (arena->limit && room > arena->limit - arena->before) room = arena->limit - arena->before;
  arena->head = block;
  arena->at = block->data;
  arena->end = block->data + (room & ~(size_t)(ALIGN - 1));
}

void fsm_arena_reset(fsm_arena *arena) {
  FSM_ASSERT(arena);
  fsm_arena_block *largest = arena->head;
  for (fsm_arena_block *b = arena->head; b; b = b->older)
    if (b->cap > largest->cap) largest = b;
  for (fsm_arena_block *b = arena->head, *older; b; b = older) {
    older = b->older;
    if (b != largest) block_free(b);
  }
  arena->before = 0;
  arena->over = false;
  if (!largest) return;
  largest->older = NULL;
  POISON(largest->data, largest->cap);
  fill(arena, largest);
}

void fsm_arena_free(fsm_arena *arena) {
  FSM_ASSERT(arena);
  for (fsm_arena_block *b = arena->head, *older; b; b = older) {
    older = b->older;
    block_free(b);
  }
  *arena = (fsm_arena){.limit = arena->limit};
}

static bool grow(fsm_arena *arena, size_t need) {
  size_t cap = FIRST_BLOCK;
  if (arena->head) {
    cap = arena->head->cap * 2;
    if (cap > DOUBLING_ENDS) cap = DOUBLING_ENDS;
  }
  if (cap < need) cap = need;
  fsm_arena_block *block = malloc(sizeof *block + cap);
  if (!block) return false;
  block->older = arena->head;
  block->cap = cap;
  POISON(block->data, cap);
  arena->before = fsm_arena_used(arena);
  fill(arena, block);
  return true;
}

void *fsm_arena_more(fsm_arena *arena, size_t size) {
  if (size > SIZE_MAX / 2) return NULL;
  size_t step = size ? (size + ALIGN - 1) & ~(size_t)(ALIGN - 1) : ALIGN;
  if (step > (size_t)(arena->end - arena->at)) {
    if (arena->limit && step > arena->limit - fsm_arena_used(arena)) {
      arena->over = true;
      return NULL;
    }
    if (!grow(arena, step)) return NULL;
  }
  void *at = arena->at;
  arena->at += step;
  UNPOISON(at, size);
  return at;
}

void fsm__blank(void *at, size_t size) { memset(at, 0, size); }

void *fsm_arena_zalloc(fsm_arena *arena, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
  void *at = fsm_arena_alloc(arena, bytes);
  if (at) memset(at, 0, bytes);
  return at;
}

char *fsm_arena_strndup(fsm_arena *arena, const char *text, size_t len) {
  if (len > SIZE_MAX / 2 - 1) return NULL;
  char *copy = fsm_arena_alloc(arena, len + 1);
  if (!copy) return NULL;
  if (len) memcpy(copy, text, len);
  copy[len] = 0;
  return copy;
}

char *fsm_arena_strdup(fsm_arena *arena, const char *text) {
  return fsm_arena_strndup(arena, text, strlen(text));
}

char *fsm_arena_printf(fsm_arena *arena, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  char *text = len < 0 ? NULL : fsm_arena_alloc(arena, (size_t)len + 1);
  if (text) vsnprintf(text, (size_t)len + 1, format, again);
  va_end(again);
  return text;
}
