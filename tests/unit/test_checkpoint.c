/* test_checkpoint.c: a training that was stopped goes on from what it kept, bit for bit; and nothing else is taken for it: not a
 * file with a single bit changed, not a shorter or longer one, not one of another run, not a folder. What is refused stays. */
#include "train/checkpoint.h"
#include "toys.h"

enum { TRAININGS = 2, ELEMENTS = 5, STEPS = 4, TERMS = 2 };

/* A run of two trainings, with memory for all that a checkpoint holds. */
typedef struct run {
  mw_checkpoint checkpoint;
  mw_train_state states[TRAININGS];
  mw_training_log curves[TRAININGS];
  float values[TRAININGS][ELEMENTS], momentum[TRAININGS][ELEMENTS], variance[TRAININGS][ELEMENTS];
  mw_training_log_point points[TRAININGS][STEPS];
  double terms[TRAININGS][STEPS * TERMS];
} run;

static void begin(run *r, char identity) {
  memset(r, 0, sizeof *r);
  for (int i = 0; i < TRAININGS; i++) {
    r->states[i] = (mw_train_state){0, ELEMENTS, r->values[i], r->momentum[i], r->variance[i]};
    r->curves[i] = (mw_training_log){.points = r->points[i], .count = STEPS, .terms = r->terms[i], .term_count = TERMS};
  }
  r->checkpoint = (mw_checkpoint){.path = "out.learning", .part = "out.part", .count = TRAININGS, .states = r->states, .curves = r->curves};
  memset(r->checkpoint.identity, identity, 64);
}

/* The first training is done, the second one has taken two of its steps. */
static void learn(run *r) {
  begin(r, 'a');
  r->checkpoint.current = 1;
  r->states[0].step = STEPS, r->states[1].step = 2;
  for (int i = 0; i < TRAININGS; i++) {
    for (int k = 0; k < ELEMENTS; k++)
      r->values[i][k] = 0.1f * (float)(1 + k), r->momentum[i][k] = -1.0f / (float)(3 + k + i), r->variance[i][k] = 1e-9f * (float)k;
    for (unsigned s = 0; s < r->states[i].step; s++) {
      r->points[i][s] = (mw_training_log_point){1.0 / (s + 3), 0.1 * s};
      for (int t = 0; t < TERMS; t++) r->terms[i][s * TERMS + (unsigned)t] = 0.7 / (s + 1 + (unsigned)t);
    }
  }
}

static bool reads(run *r, char identity, mw_error *err) {
  begin(r, identity);
  return mw_checkpoint_read(&r->checkpoint, err);
}

/* Whatever lies there is refused, and still lies there afterwards. */
static void refused(char identity) {
  static run r;
  mw_error err = {0};
  CHECK(!reads(&r, identity, &err) && err.status == MW_CANNOT_CREATE && !r.checkpoint.ours);
  CHECK(strstr(err.text, "out.learning keeps a training that was stopped, of another command or other files") != NULL);
  mw_checkpoint_remove(&r.checkpoint);
  CHECK(access("out.learning", F_OK) == 0);
}

static void goes_on(void) {
  static run before, after;
  mw_error err = {0};
  CHECK(reads(&after, 'a', &err) && !after.checkpoint.ours); /* there is none yet */
  learn(&before);
  CHECK(mw_checkpoint_write(&before.checkpoint, &err) && before.checkpoint.ours && access("out.part", F_OK) != 0);
  CHECK(reads(&after, 'a', &err) && after.checkpoint.ours && after.checkpoint.current == 1);
  CHECK(after.states[0].step == STEPS && after.states[1].step == 2);
  CHECK(memcmp(after.values, before.values, sizeof before.values) == 0);
  CHECK(memcmp(after.momentum[1], before.momentum[1], sizeof before.momentum[1]) == 0); /* of the one under way */
  CHECK(memcmp(after.variance[1], before.variance[1], sizeof before.variance[1]) == 0);
  CHECK(memcmp(after.points, before.points, sizeof before.points) == 0 && memcmp(after.terms, before.terms, sizeof before.terms) == 0);
}

static void one_bit_changed(void) {
  static char bytes[4096];
  FILE *file = fopen("out.learning", "rb");
  size_t length = file ? fread(bytes, 1, sizeof bytes, file) : 0;
  if (file) fclose(file);
  CHECK(length > 200 && length < sizeof bytes);
  for (size_t i = 0; i < length; i++) {
    bytes[i] ^= (char)(1 << i % 8);
    put("out.learning", bytes, length);
    refused('a');
    bytes[i] ^= (char)(1 << i % 8);
  }
  for (size_t cut = 0; cut < length; cut++) {
    put("out.learning", bytes, cut);
    refused('a');
  }
  put("out.learning", bytes, length + 1);
  refused('a');
  put("out.learning", bytes, length);
}

static void of_another_run(void) {
  refused('b');
  /* One with another number of steps has another size; one with fewer trainings has another layout. */
  static run r;
  mw_error err = {0};
  begin(&r, 'a');
  r.checkpoint.count = 1;
  CHECK(!mw_checkpoint_read(&r.checkpoint, &err) && err.status == MW_CANNOT_CREATE);
}

static void later_ones_replace_their_own(void) {
  static run r;
  mw_error err = {0};
  learn(&r);
  CHECK(!mw_checkpoint_write(&r.checkpoint, &err) && err.status == MW_CANNOT_CREATE); /* a name that this run has not looked at */
  CHECK(access("out.part", F_OK) != 0);
  CHECK(reads(&r, 'a', &err) && r.states[1].step == 2);
  r.states[1].step = 3;
  CHECK(mw_checkpoint_write(&r.checkpoint, &err) && reads(&r, 'a', &err) && r.states[1].step == 3);
  mw_checkpoint_remove(&r.checkpoint);
  CHECK(access("out.learning", F_OK) != 0);
}

static void other_things_of_its_name(void) {
  put_text("out.learning", "mine");
  refused('a');
  CHECK(unlink("out.learning") == 0 && mkdir("out.learning", 0777) == 0);
  refused('a');
}

int main(void) {
  toys_begin();
  RUN(goes_on());
  RUN(one_bit_changed());
  RUN(of_another_run());
  RUN(later_ones_replace_their_own());
  RUN(other_things_of_its_name());
  toys_end();
  UNIT_END();
}
