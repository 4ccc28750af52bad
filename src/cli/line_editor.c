/* line_editor.c: the door of libedit, which is loaded when somebody talks (libedit.so.2: its interface as GNU readline has it), so that the
 * program neither needs it nor waits for it. Its licence is BSD's. History lies in $XDG_STATE_HOME/moonweld/history, mostly
 * ~/.local/state/moonweld/history. */
#include "line_editor.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_REMEMBERED = 2000 };

/* What we use of libedit. */
static struct {
  char *(*readline)(const char *prompt);
  int (*add_history)(const char *line);
  int (*read_history)(const char *file);
  int (*write_history)(const char *file);
  void (*stifle_history)(int most);
  char **(*matches)(const char *word, char *(*next)(const char *word, int state));
  char **(**attempt)(const char *word, int start, int end);
  char **line;
} edit;

static char *(*complete_words)(const char *line);
static char *history;                        /* its file, or NULL */
static volatile sig_atomic_t interrupted;

bool mw_line_editor_typed(void) { return isatty(STDIN_FILENO); }

static void catch(int number) { (void)number, interrupted = 1; }

/* ---- completion ---- */

/* libedit asks for one word after the other. */
static char *next_word(const char *word, int state) {
  static char *words, *at;
  if (state == 0) {
    free(words);
    words = at = complete_words(*edit.line);
  }
  for (; at && *at; at += strlen(at) + 1)
    if (strncmp(at, word, strlen(word)) == 0) {
      char *copy = strdup(at);
      at += strlen(at) + 1;
      return copy;
    }
  return NULL;
}

static char **attempt(const char *word, int start, int end) {
  (void)start, (void)end;
  return edit.matches(word, next_word);
}

/* ---- the library ---- */

static bool load(void) {
  void *library = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
  if (!library) return false;
  struct { const char *name; void *into; } symbols[] = {
      { "readline", &edit.readline }, { "add_history", &edit.add_history }, { "read_history", &edit.read_history },
      { "write_history", &edit.write_history }, { "stifle_history", &edit.stifle_history },
      { "rl_completion_matches", &edit.matches }, { "rl_attempted_completion_function", &edit.attempt }, { "rl_line_buffer", &edit.line } };
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    void *symbol = dlsym(library, symbols[i].name);
    if (!symbol) return edit.readline = NULL, false;
    memcpy(symbols[i].into, &symbol, sizeof symbol);
  }
  char append = 0, *end = dlsym(library, "rl_completion_append_character");
  const char **breaks = dlsym(library, "rl_basic_word_break_characters");
  if (end) memcpy(end, (int[]){ append }, sizeof(int));
  if (breaks) *breaks = " \t\n\"'`@$><=;|&{(:,+-*/[~^#";
  *edit.attempt = attempt;
  return true;
}

/* The file of the history, its folder made. */
static char *find_history(void) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  char *path = NULL;
  int made = state && *state ? asprintf(&path, "%s/moonweld/history", state)
             : home && *home ? asprintf(&path, "%s/.local/state/moonweld/history", home) : -1;
  if (made < 0) return NULL;
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(path, 0700);
    *slash = '/';
  }
  return path;
}

void mw_line_editor_open(char *(*complete)(const char *line)) {
  complete_words = complete;
  struct sigaction action = { .sa_handler = catch }; /* no SA_RESTART: a read ends */
  sigaction(SIGINT, &action, NULL);
  if (!mw_line_editor_typed() || !isatty(STDOUT_FILENO) || !load()) return;
  history = find_history();
  edit.stifle_history(MOST_REMEMBERED);
  if (history) edit.read_history(history);
}

static char *read_plain(const char *prompt) {
  char *line = NULL;
  size_t room = 0;
  if (mw_line_editor_typed()) fputs(prompt, stdout), fflush(stdout);
  ssize_t length = getline(&line, &room, stdin);
  if (length < 0) return free(line), NULL;
  while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) line[--length] = 0;
  return line;
}

char *mw_line_editor_read(const char *prompt) {
  interrupted = 0;
  if (!edit.readline) {
    char *line = read_plain(prompt);
    if (!line && interrupted && mw_line_editor_typed()) clearerr(stdin), putchar('\n'), line = strdup("");
    return line;
  }
  char *line = edit.readline(prompt);
  if (line && *line) edit.add_history(line);
  if (!line && interrupted) putchar('\n'), line = strdup(""); /* Ctrl-C: the line is dropped, the conversation goes on */
  return line;
}

bool mw_line_editor_stopped(void) { return interrupted; }

void mw_line_editor_close(void) {
  if (edit.readline && history) edit.write_history(history);
  free(history);
  history = NULL;
}
