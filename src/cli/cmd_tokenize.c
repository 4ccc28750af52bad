/* cmd_tokenize.c: shows how a model's tokenizer reads texts: a line of JSON in, a line of ids out, each at once. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const mw_options_doc options[] = {
  { "plain", "", "without the tokens that the tokenizer puts before and behind a text" },
  { NULL, NULL, NULL },
};

typedef struct reader {
  mw_tokens *tokens;
  FILE *in;
  const char *name; /* of the file, for errors */
  bool special;
} reader;

static bool copy(const reader *r, mw_error *err) {
  char *line = NULL, *where = NULL;
  size_t capacity = 0, number = 0, json_length;
  const char *json;
  bool good = (where = malloc(strlen(r->name) + 32)) != NULL || mw_term_fail(err, MW_MEMORY, "no memory for a line");
  while (good && !ferror(stdout)) {
    errno = 0;
    ssize_t length = getline(&line, &capacity, r->in);
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
    if (r->in == stdin) fflush(stdout); /* a program that sends a line waits for its answer */
  }
  free(line);
  free(where);
  return good;
}

static int run(mw_term *term, const mw_options_line *line) {
  mw_error err;
  reader r = { .in = stdin, .name = "standard input", .special = !mw_options_flag(line, "plain") };
  bool good = mw_tokens_open(line->operands[0], &r.tokens, &err);
  if (good && line->operand_count == 2) {
    r.name = line->operands[1];
    r.in = fopen(r.name, "rbe");
    good = r.in || mw_term_fail(&err, MW_MISSING, "%s: %s", r.name, strerror(errno));
  }
  good = good && copy(&r, &err);
  if (r.in && r.in != stdin) fclose(r.in);
  mw_tokens_free(r.tokens);
  return good ? 0 : mw_term_error(term, &err);
}

const mw_command mw_cmd_tokenize = { "tokenize", "MODEL [FILE] [--plain]",
                                     "lines of {\"text\": ...} in, the token ids of each out", "a model and at most one file", 1, 2,
                                     options, run };
