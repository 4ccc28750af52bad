/* signals.c: a signal handler gets no argument, so it stores the signal in a global variable. */
#include "signals.h"
#include "moonweld.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t caught, held;

static void note(int number) {
  if (!held || (caught && mw_plan_abandon())) _exit(128 + number);
  if (!caught) caught = number;
}

/* Opens /dev/null until its descriptor is above standard error: closed standard streams are then open. */
static void fill_standard_streams(void) {
  int fd;
  do fd = open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd > STDERR_FILENO) close(fd);
}

void mw_signals_install(void) {
  static const int stops[] = { SIGINT, SIGTERM, SIGHUP };
  fill_standard_streams();
  struct sigaction action = { .sa_handler = SIG_IGN };
  sigemptyset(&action.sa_mask);
  sigaction(SIGPIPE, &action, NULL);
  sigaction(SIGXFSZ, &action, NULL);
  action.sa_handler = note;
  for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
    /* A signal that the parent chose to ignore (nohup) stays ignored. */
    struct sigaction before;
    if (sigaction(stops[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    sigaction(stops[i], &action, NULL);
  }
}

void mw_signals_hold(void) { held = 1; }

int mw_signals_caught(void) { return (int)caught; }
