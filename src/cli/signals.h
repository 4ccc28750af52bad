/* signals.h: standard streams and signals. Standard streams that are closed are opened on /dev/null, so that no file of a merge gets
 * their number. SIGPIPE and SIGXFSZ become errors of the call that caused them. INT, TERM and HUP end the process at once with the
 * exit code 128 + signal, as long as there is nothing to clean up. From then on they are stored, and the merge stops between two
 * blocks and removes what it made; a second signal ends the process at once. */
#ifndef MW_CLI_SIGNALS_H
#define MW_CLI_SIGNALS_H

void mw_signals_install(void);

/* From now on there is something to clean up. */
void mw_signals_hold(void);

/* The first signal that asked us to stop, or 0. */
int mw_signals_caught(void);

#endif
