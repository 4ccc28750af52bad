/* clock.h: time that only goes forward. */
#ifndef MW_BASE_CLOCK_H
#define MW_BASE_CLOCK_H

/* Seconds since some moment before this process began: only differences have a meaning. */
double mw_clock_now(void);

#endif
