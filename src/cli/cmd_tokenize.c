/* cmd_tokenize.c: shows how a model's tokenizer reads texts: a line of JSON in, a line of ids out, each at once. */
#include "commands.h"
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USAGE "moonweld tokenize MODEL [FILE] [--plain]"

typedef struct reader {
  mw_tokens *tokens;
  FILE *in;
  const char *name; /* of the file, for errors */
  bool special;
} reader;

static bool copy(const reader *r, mw_error *err) {
  char *line = NULL, *where = NULL;
  size_t room = 0, number = 0, json_length;
  const char *json;
  bool good = (where = malloc(strlen(r->name) + 32)) != NULL || mw_term_fail(err, MW_MEMORY, "no memory for a line");
  while (good && !ferror(stdout)) {
    errno = 0;
    ssize_t length = getline(&line, &room, r->in);
    if (length < 0) {
      int code = errno;
      if (!feof(r->in)) good = mw_term_fail(err, code == ENOMEM ? MW_MEMORY : MW_IO, "%s: %s", r->name, strerror(code));
      break;
    }
    if (length > 0 && line[length - 1] == '\n') length--;
    sprintf(where, "%s: line %zu", r->name, ++number);
    good = mw_tokens_line(r->tokens, where, line, (size_t)length, r->special, &json, &json_length, err);
    if (!good) break;
    fwrite(json, 1, json_length, stdout);
    putchar('\n');
    if (r->in == stdin) fflush(stdout); /* whoever asks line by line is answered line by line */
  }
  free(line);
  free(where);
  return good;
}

int mw_cmd_tokenize(mw_term *term, char **words, size_t count) {
  mw_error err;
  reader r = { .in = stdin, .name = "standard input", .special = !mw_options_take(words, &count, "--plain") };
  bool good = mw_options_rest(words, &count, "tokenize", USAGE, &err);
  if (good && count != 1 && count != 2)
    good = mw_term_fail(&err, MW_USAGE, "tokenize takes a model and at most one file, not %zu words\n" USAGE, count);
  good = good && mw_tokens_open(words[0], &r.tokens, &err);
  if (good && count == 2) {
    r.name = words[1];
    r.in = fopen(words[1], "rbe");
    good = r.in || mw_term_fail(&err, MW_MISSING, "%s: %s", words[1], strerror(errno));
  }
  good = good && copy(&r, &err);
  if (r.in && r.in != stdin) fclose(r.in);
  mw_tokens_free(r.tokens);
  return good ? 0 : mw_term_error(term, &err);
}
