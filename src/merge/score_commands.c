/* score_commands.c: of a command, {dir} is the folder of its candidate and {job} its place among those that run, from 0, by which it may
 * choose a GPU or a port. */
#include "merge/score_commands.h"
#include "format/folder.h"
#include "merge/subprocess.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct running {
  mw_subprocess process;
  char what[64], name[32]; /* "the score of candidate 3"; of its folder, "" where there is none */
} running;

static bool go_on(void *context) {
  const mw_search *search = context;
  return !search->progress || search->progress(search->context, 0, 0, 0);
}

/* The command with every {dir} replaced by the folder, quoted for the shell, and every {job} by the number. */
static bool fill_in(const char *command, const char *folder, size_t job, mw_text *out, mw_error *err) {
  for (const char *at = command; *at;) {
    if (strncmp(at, "{dir}", 5) == 0) mw_text_shell(out, folder), at += 5;
    else if (strncmp(at, "{job}", 5) == 0) mw_text_format(out, "%zu", job), at += 5;
    else mw_text_add(out, at++, 1);
  }
  return mw_text_check(out, err);
}

/* The last line that is not empty, cut out of the text. */
static const char *last_line(char *text) {
  size_t end = strlen(text);
  while (end && strchr(" \t\r\n", text[end - 1])) text[--end] = 0;
  const char *line = strrchr(text, '\n');
  return line ? line + 1 : text;
}

static bool read_score(const running *r, double *value, mw_error *err) {
  const mw_text *output = &r->process.output;
  mw_text_escaped escaped;
  if (!output->length) mw_error_set(err, MW_DATA, "%s is missing: its command printed nothing", r->what);
  else if (mw_subprocess_number(output->bytes, value)) return true;
  else mw_error_set(err, MW_DATA, "%s is no finite number; its command ended with: %s", r->what,
                    mw_text_escape_z(&escaped, last_line(output->bytes)));
  return false;
}

static bool begin(mw_search *search, running *r, const mw_score_commands_one *one, size_t job, mw_error *err) {
  mw_text command = {0}, folder = {0};
  snprintf(r->what, sizeof r->what, "the score of candidate %zu", one->number);
  snprintf(r->name, sizeof r->name, job ? "candidate-%zu" : "candidate", job + 1);
  mw_text_add(&folder, search->folder, strlen(search->folder));
  if (job) mw_text_format(&folder, "-%zu", job + 1);
  bool ok = mw_text_check(&folder, err);
  if (ok && !search->make(search->context, one->candidate, folder.bytes, err)) *r->name = 0, ok = mw_error_wrap(err, "%s", r->what);
  ok = ok && fill_in(search->wanted->all[one->candidate->score].command, folder.bytes, job, &command, err) &&
       mw_subprocess_start(&r->process, r->what, command.bytes, err);
  mw_text_free(&command);
  mw_text_free(&folder);
  return ok;
}

/* Ends its command, if it runs, and removes its folder. */
static bool finish(const mw_search *search, running *r, mw_error *err) {
  mw_subprocess_end(&r->process);
  bool ok = !*r->name || mw_folder_remove(search->scratch, r->name, err);
  *r->name = 0;
  return ok;
}

/* Waits for one of those that run. */
static bool take_one(mw_search *search, running *all, const mw_score_commands_one *ones, size_t count, mw_error *err) {
  mw_subprocess_watch watch = {search->options->score_timeout, go_on, search};
  mw_subprocess *processes[MW_SUBPROCESS_MOST];
  size_t which;
  double value;
  for (size_t i = 0; i < count; i++) processes[i] = &all[i].process;
  bool ok = mw_subprocess_wait(processes, count, watch, &which, err) && read_score(&all[which], &value, err);
  if (!ok && err->status == MW_DATA && !*err->hint)
    mw_error_hint(err, "--score is a command that prints one number last, greater is better");
  return ok && mw_search_keep(search, ones[which].identity, value, err) && finish(search, &all[which], err);
}

bool mw_score_commands_run(mw_search *search, const mw_score_commands_one *ones, size_t count, mw_error *err) {
  running *all = mw_mem_new(count + 1, sizeof *all, err);
  mw_error later;
  size_t begun = 0;
  bool ok = all != NULL;
  for (; ok && begun < count; begun++) ok = begin(search, &all[begun], &ones[begun], begun, err);
  for (size_t left = count; ok && left > 0; left--) ok = take_one(search, all, ones, count, err);
  for (size_t i = 0; i < begun; i++) finish(search, &all[i], &later);
  free(all);
  return ok;
}
