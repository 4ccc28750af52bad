/* turns.c: the comparisons to come are taken to be as long as the running one. */
#include "report/turns.h"

bool mw_turns_follow(void *context, uint64_t done, uint64_t total, unsigned pass) {
  mw_turns *t = context;
  t->own = total;
  return !t->progress || t->progress(t->context, t->before + done, t->before + t->left * total, pass);
}

void mw_turns_next(mw_turns *turns) {
  turns->before += turns->own;
  turns->own = 0;
  turns->left--;
}
