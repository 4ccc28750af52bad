/* main.c: the first word decides. A command's word wins over a recipe of the same name; every other word is a recipe or
 * its file. The exit codes are those of base/errors.def. */
#include "commands.h"
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

typedef struct command {
  const char *word;
  int (*run)(mw_term *term, char **words, size_t count);
} command;

static int help(mw_term *term, char **words, size_t count) {
  (void)term, (void)words, (void)count;
  mw_cmd_help(stdout);
  return 0;
}

static int version(mw_term *term, char **words, size_t count) {
  (void)term, (void)words, (void)count;
  const char *text = mw_version();
  size_t length = strlen(text);
  fputs(text, stdout);
  if (length == 0 || text[length - 1] != '\n') putchar('\n');
  return 0;
}

static const command commands[] = {
  { "plan", mw_cmd_merge_dry }, { "list", mw_cmd_list }, { "inspect", mw_cmd_inspect },
  { "diff", mw_cmd_diff }, { "eval", mw_cmd_eval }, { "tokenize", mw_cmd_tokenize },
  { "--help", help }, { "-h", help }, { "--version", version },
};

/* Words that later versions give a meaning: kept free, so that a recipe never takes one. */
static const char *const reserved[] = { "verify", "rebuild", "seal", "clean", "report",
                                        "new", "doc", "repl", "script" };

static int dispatch(mw_term *term, char **words, size_t count) {
  mw_error err;
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strcmp(words[0], commands[i].word) == 0) {
      bool asks = count == 2 && (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0);
      return (asks ? help : commands[i].run)(term, words + 1, count - 1);
    }
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
    if (strcmp(words[0], reserved[i]) != 0) continue;
    mw_term_fail(&err, MW_UNAVAILABLE, "'%s' is not in this version", words[0]);
    return mw_term_error(term, &err);
  }
  if (words[0][0] == '-') {
    mw_term_fail(&err, MW_USAGE, "'%s' comes before a recipe or command\nmoonweld RECIPE [--ARG VALUE...]... -o OUT",
                 words[0]);
    return mw_term_error(term, &err);
  }
  return mw_cmd_merge(term, words, count);
}

/* Results that did not reach their reader are an error; a reader that left (`| head`) is told of as any program is. */
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
  mw_term_init(&term);
  if (argc < 2) {
    mw_cmd_help(stderr);
    return MW_USAGE;
  }
  return finish(&term, dispatch(&term, argv + 1, (size_t)argc - 1));
}
