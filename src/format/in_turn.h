/* in_turn.h: how several threads read one file that is not in memory. The system reads ahead, in pieces of megabytes, where a file is read
 * from front to back; threads that each wait for the disk at another place look like somebody who reads here and there, and get no more
 * than they ask for, in small pages of memory besides. So only one thread at a time waits for a file, and the others take their turns.
 * What is in memory is read by all at once. */
#ifndef MW_FORMAT_IN_TURN_H
#define MW_FORMAT_IN_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mw_in_turn mw_in_turn;

/* NULL where there is no memory for it: then nobody waits. free() it. */
mw_in_turn *mw_in_turn_new(void);
/* Reads what is in memory of `length` bytes at `offset`: how many these were, from the first on. If they are not all, then *mine says
 * whether the caller has the turn: it reads the rest, and gives the turn back. */
size_t mw_in_turn_read(mw_in_turn *turn, int fd, uint64_t offset, void *bytes, size_t length, bool *mine);
void mw_in_turn_give(mw_in_turn *turn);

#endif
