/* signals.h: the process's manners. Closed standard streams are opened on /dev/null, so that no file of a merge can
 * take their place; SIGPIPE and SIGXFSZ become errors of the call that met them; INT, TERM and HUP end the process at once
 * with 128 + signal, until something is to be cleaned up: from then on they are noted, so that a merge can stop between
 * two blocks and remove what it made, and only a second one ends the process at once. */
#ifndef MW_CLI_SIGNALS_H
#define MW_CLI_SIGNALS_H

void mw_signals_install(void);

/* From here on there is something to clean up. */
void mw_signals_hold(void);

/* The first signal that asked us to stop, or 0. */
int mw_signals_caught(void);

#endif
