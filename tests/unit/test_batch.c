/* test_batch.c: batches of token windows: padding, counts, and an order that is a permutation in every epoch, that a step
 * knows by itself, and that another seed changes. */
#include "learn/batch.h"
#include "unit.h"

enum { WINDOWS = 5, LENGTH = 3 };

/* Window i holds i + 1 ids: 10 * i, 10 * i + 1 ... */
static uint32_t ids[WINDOWS][WINDOWS];
static mw_dataset_window windows[WINDOWS];
static const mw_dataset source = {.windows = windows, .count = WINDOWS};

static void make(void) {
  for (uint32_t w = 0; w < WINDOWS; w++) {
    for (uint32_t i = 0; i <= w; i++) ids[w][i] = 10 * w + i;
    windows[w] = (mw_dataset_window){ids[w], w + 1};
  }
}

static void filling(void) {
  mw_batch batch;
  mw_error err;
  CHECK(mw_batch_new(&batch, 4, LENGTH, &err));
  mw_batch_fill(&batch, &source, 2); /* windows 2, 3, 4 and none */
  CHECK(batch.counts[0] == 3 && batch.counts[1] == 4 && batch.counts[2] == 4 && batch.counts[3] == 0);
  CHECK(batch.tokens == 9 && batch.predicted == 8);
  CHECK(batch.ids[0] == 20 && batch.ids[2] == 22 && batch.ids[3] == 0 && batch.ids[2 * (LENGTH + 1) + LENGTH] == 43);
  mw_batch_free(&batch);
  uint32_t largest;
  uint64_t predicted;
  mw_batch_survey(&source, LENGTH, &largest, &predicted);
  CHECK(largest == 43 && predicted == 0 + 1 + 2 + 3 + 3);
}

static void order(void) {
  mw_batch batch;
  mw_error err;
  uint32_t first[2][WINDOWS], other[WINDOWS];
  CHECK(mw_batch_new(&batch, 2, LENGTH, &err)); /* an epoch ends within a step */
  for (uint64_t epoch = 0; epoch < 2; epoch++) {
    unsigned seen = 0;
    for (uint64_t k = 0; k < WINDOWS; k++) {
      uint64_t place = epoch * WINDOWS + k;
      CHECK(mw_batch_draw(&batch, &source, 1, 42, place / 2, &err));
      first[epoch][k] = batch.ids[place % 2 * (LENGTH + 1)] / 10;
      seen |= 1u << first[epoch][k];
    }
    CHECK(seen == (1u << WINDOWS) - 1);
  }
  bool epochs = memcmp(first[0], first[1], sizeof first[0]) != 0, seeds = false, sets = false;
  for (uint64_t k = 0; k < WINDOWS; k++) {
    CHECK(mw_batch_draw(&batch, &source, 1, 43, k / 2, &err));
    other[k] = batch.ids[k % 2 * (LENGTH + 1)] / 10;
    seeds = seeds || other[k] != first[0][k];
    CHECK(mw_batch_draw(&batch, &source, 2, 42, k / 2, &err));
    sets = sets || batch.ids[k % 2 * (LENGTH + 1)] / 10 != first[0][k];
  }
  CHECK(epochs && seeds && sets);
  mw_batch_free(&batch);
}

int main(void) {
  make();
  RUN(filling());
  RUN(order());
  UNIT_END();
}
