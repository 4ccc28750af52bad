/* main.c: the first word is a command, or else a recipe or its file. A command's name wins over a recipe of the same name. Exit codes
 * are those of MW_STATUS_MAP in moonweld.h. */
#include "commands.h"
#include "base/machine.h"
#include "cluster/cluster.h"
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static bool is_help(const char *word) {
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* As other programs spell --version. */
static bool is_version(const char *word) {
  return strcmp(word, "-v") == 0 || strcmp(word, "-V") == 0 || strcmp(word, "-version") == 0 || strcmp(word, "version") == 0;
}

static int version(void) {
  mw_build build = mw_version();
  printf("moonweld %s\nkernels: %s\nlua: %s\nsandbox: %s\n", build.version, build.kernels, build.lua, build.sandbox);
  return 0;
}

/* Merges, statistics and evaluations are divided among the processes that mpirun or srun has started; whatever else would be done by each
 * of them. */
static bool is_divided(const char *word) {
  if (strcmp(word, mw_cmd_eval.word) == 0 || strcmp(word, mw_cmd_stats.word) == 0) return true;
  for (size_t i = 0; mw_commands_all[i]; i++)
    if (strcmp(word, mw_commands_all[i]->word) == 0) return false;
  return true;
}

static int dispatch(mw_term *term, char **words, size_t count) {
  mw_error err;
  if (is_help(words[0])) {
    if (count == 1 || is_help(words[1])) return mw_cmd_help(stdout), 0;
    char *asked[] = { words[1], "--help" }; /* `help diff` is `diff --help` */
    return dispatch(term, asked, 2);
  }
  if (strcmp(words[0], "--version") == 0) return version();
  if (mw_launcher_told().count > 1 && !is_divided(words[0])) {
    mw_term_fail(&err, MW_UNAVAILABLE, "'%s' is for one process, and this was started as %u\nstart it without mpirun or srun, or with -n 1",
                 words[0], mw_launcher_told().count);
    return mw_term_error(term, &err);
  }
  if (!mw_cluster_begin(mw_signals_caught, &err)) {
    term->mute = false;
    return mw_term_error(term, &err);
  }
  if (strcmp(words[0], mw_cmd_merge_plan.word) == 0) return mw_cmd_merge_dry(term, words + 1, count - 1);
  if (strcmp(words[0], mw_cmd_script.word) == 0 && count > 1 && words[1][0] != '-') return mw_cmd_script_words(term, words + 1, count - 1);
  if (strcmp(words[0], mw_cmd_sweep.word) == 0) return mw_cmd_sweep_words(term, words + 1, count - 1);
  for (size_t i = 0; mw_commands_all[i]; i++)
    if (strcmp(words[0], mw_commands_all[i]->word) == 0) return mw_commands_run(mw_commands_all[i], term, words + 1, count - 1);
  if (is_version(words[0])) {
    mw_term_fail(&err, MW_USAGE, "there is no '%s'\ndid you mean --version?", words[0]);
    return mw_term_error(term, &err);
  }
  if (words[0][0] == '-') {
    mw_term_fail(&err, MW_USAGE, "'%s' comes before a recipe or command\nmoonweld RECIPE [--ARG VALUE...]... -o OUT",
                 words[0]);
    return mw_term_error(term, &err);
  }
  return mw_cmd_merge(term, words, count);
}

/* An error if results could not be written to standard output. If the reader has closed it (`| head`), the program ends as other
 * programs do, by SIGPIPE. */
static int finish(mw_term *term, int code) {
  mw_error err;
  errno = 0;
  if ((fflush(stdout) == 0 && !ferror(stdout)) || code != 0) return code;
  if (errno == EPIPE) return 128 + SIGPIPE;
  mw_term_fail(&err, MW_IO, "standard output: %s", errno ? strerror(errno) : "cannot be written");
  return mw_term_error(term, &err);
}

int main(int argc, char **argv) {
  mw_term term;
  mw_signals_install();
  mw_machine_raise_files();
  mw_machine_keep_memory();
  mw_term_init(&term);
  if (term.mute && !freopen("/dev/null", "w", stdout)) return MW_IO; /* of several processes rank 0 alone speaks */
  if (argc < 2) {
    mw_cmd_help(stderr);
    return MW_USAGE;
  }
  mw_error err;
  if (!mw_machine_check_stack(&err)) return mw_term_error(&term, &err);
  int code = finish(&term, dispatch(&term, argv + 1, (size_t)argc - 1));
  mw_cluster_end(code == 0);
  return code;
}
