/* store_guard.h: a store whose file is damaged, or was cut while it was open, ends the process in a
 * controlled way.
 *
 * LMDB reads its file through a memory map and trusts what its pages say of one another, so a damaged page
 * can make it look behind the end of the file (SIGBUS) or of the map (SIGSEGV). Such a signal, at an address
 * of a mapped data.mdb or just behind one, says so on stderr and ends with the exit status of FSM_ECORRUPT.
 * Every other one goes to whoever handled it before. */
#ifndef FSM_RUNTIME_STORE_GUARD_H
#define FSM_RUNTIME_STORE_GUARD_H

/* For the life of the process; again is fine. Any thread. */
void fsm__store_guard(void);

#endif
