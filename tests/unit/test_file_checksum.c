/* test_file_checksum.c: the checksum of a file is the same in whatever pieces, order and threads its bytes come. */
#include "format/file_checksum.h"
#include "unit.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = MW_FILE_CHECKSUM_CHUNK, SIZE = 3 * CHUNK + 12345, PLENTY = 16 << 20 };

static unsigned char *whole, *other; /* what the file holds in the end, and something else */
static mw_file file;

static uint32_t draw(void) {
  static uint64_t state = 88172645463325252u;
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (uint32_t)(state >> 16);
}

typedef struct piece { uint64_t at; size_t length; } piece;

/* Cuts the file into pieces of about `step` bytes. */
static size_t cut(piece *pieces, size_t step, bool ragged) {
  size_t count = 0;
  for (uint64_t at = 0; at < SIZE; count++) {
    size_t n = ragged ? 1 + draw() % (2 * step) : step;
    if (n > SIZE - at) n = (size_t)(SIZE - at);
    pieces[count] = (piece){at, n};
    at += n;
  }
  return count;
}

static void shuffle(piece *pieces, size_t count, size_t reach) {
  for (size_t i = 0; i + 1 < count; i++) {
    size_t most = count - i < reach ? count - i : reach, k = i + draw() % most;
    piece kept = pieces[i];
    pieces[i] = pieces[k], pieces[k] = kept;
  }
}

static void write_at(const unsigned char *bytes, uint64_t at, size_t length) {
  CHECK(pwrite(file.fd, bytes + at, length, (off_t)at) == (ssize_t)length);
}

/* The parts that nobody has read or written through the checksum are read here. */
static void check_end(mw_file_checksum *sum, mw_file_checksum_memory *memory, long long left) {
  mw_error err;
  mw_checksum expected = mw_file_checksum_of(whole, SIZE);
  for (size_t i = 0; i < mw_file_checksum_count(sum); i++) CHECK(mw_file_checksum_complete(sum, i, &err) && !mw_file_checksum_missing(sum, i));
  CHECK(mw_checksum_same(mw_file_checksum_total(mw_file_checksum_chunks(sum), mw_file_checksum_count(sum)), expected));
  mw_file_checksum_free(sum);
  CHECK(memory->left == left);
}

static void check_order(size_t step, bool ragged, size_t reach, long long left) {
  piece *pieces = malloc(SIZE / step * 8 * sizeof *pieces + 4096);
  mw_file_checksum_memory memory = {left};
  mw_file_checksum *sum;
  mw_error err;
  size_t count = cut(pieces, step, ragged);
  shuffle(pieces, count, reach);
  CHECK(mw_file_checksum_new(&file, false, &memory, &sum, &err));
  for (size_t i = 0; i < count; i++)
    if (reach < 99 || i % 7) mw_file_checksum_add(sum, pieces[i].at, whole + pieces[i].at, pieces[i].length);
  if (reach == 1 && left) /* in order, nothing is read again */
    for (size_t i = 0; i < mw_file_checksum_count(sum); i++) CHECK(mw_file_checksum_missing(sum, i) == 0);
  check_end(sum, &memory, left);
  free(pieces);
}

/* A file being written: at first something else at many places, some of them twice. */
static void check_rewritten(size_t step, size_t reach, long long left) {
  piece *pieces = malloc(SIZE / step * 8 * sizeof *pieces + 4096);
  mw_file_checksum_memory memory = {left};
  mw_file_checksum *sum;
  mw_error err;
  size_t count = cut(pieces, step, true);
  shuffle(pieces, count, reach);
  CHECK(mw_file_checksum_new(&file, true, &memory, &sum, &err));
  for (size_t i = 0; i < count; i++) {
    bool wrong = draw() % 5 == 0;
    write_at(wrong ? other : whole, pieces[i].at, pieces[i].length);
    mw_file_checksum_add(sum, pieces[i].at, (wrong ? other : whole) + pieces[i].at, pieces[i].length);
    if (!wrong) pieces[i].length = 0;
  }
  for (size_t i = 0; i < count; i++) {
    if (!pieces[i].length) continue;
    write_at(whole, pieces[i].at, pieces[i].length);
    mw_file_checksum_add(sum, pieces[i].at, whole + pieces[i].at, pieces[i].length);
  }
  check_end(sum, &memory, left);
  free(pieces);
}

/* Written a second time in the same order, as a tensor is whose first values came from a wrong guess: nothing is read again. */
static void check_again(void) {
  enum { STEP = 128 << 10 };
  mw_file_checksum_memory memory = {PLENTY};
  mw_file_checksum *sum;
  mw_error err;
  CHECK(mw_file_checksum_new(&file, true, &memory, &sum, &err));
  for (int again = 0; again < 2; again++)
    for (size_t at = 0; at < SIZE; at += STEP) {
      size_t n = SIZE - at < STEP ? SIZE - at : STEP;
      write_at(again ? whole : other, at, n);
      mw_file_checksum_add(sum, at, (again ? whole : other) + at, n);
    }
  for (size_t i = 0; i < mw_file_checksum_count(sum); i++) CHECK(mw_file_checksum_missing(sum, i) == 0);
  check_end(sum, &memory, PLENTY);
}

static void check_threads(bool written, long long left) {
  piece *pieces = malloc(SIZE / 50000 * 8 * sizeof *pieces + 4096);
  mw_file_checksum_memory memory = {left};
  mw_file_checksum *sum;
  mw_error err;
  size_t count = cut(pieces, 50000, true);
  CHECK(mw_file_checksum_new(&file, written, &memory, &sum, &err));
#pragma omp parallel for schedule(dynamic, 1) num_threads(4)
  for (size_t i = 0; i < count; i++) mw_file_checksum_add(sum, pieces[i].at, whole + pieces[i].at, pieces[i].length);
  check_end(sum, &memory, left);
  free(pieces);
}

static void check_small(void) {
  char hex[33];
  mw_checksum one = mw_checksum_of("abc", 3), total = mw_file_checksum_of("abc", 3);
  CHECK(mw_checksum_same(total, mw_checksum_of(one.bytes, 16)));
  CHECK_TEXT(mw_checksum_hex(mw_file_checksum_of("", 0), hex), "99aa06d3014798d86001c324468d497f");
}

/* What cannot be read is an error when the checksum is asked for, and none before. */
static void check_unreadable(void) {
  mw_file_checksum_memory memory = {PLENTY};
  mw_file gone = {.path = file.path, .fd = file.fd, .size = SIZE + CHUNK};
  mw_file_checksum *sum;
  mw_error err = {0};
  CHECK(mw_file_checksum_new(&gone, false, &memory, &sum, &err));
  mw_file_checksum_add(sum, SIZE + CHUNK - 9, whole, 9);
  mw_file_checksum_add(sum, 3 * (uint64_t)CHUNK + 5, whole, CHUNK - 5);
  CHECK(mw_file_checksum_complete(sum, 0, &err) && mw_file_checksum_complete(sum, 3, &err) && !mw_file_checksum_complete(sum, 4, &err) && err.status == MW_CHANGED);
  mw_file_checksum_free(sum);
  CHECK(memory.left == PLENTY);
}

int main(void) {
  char name[] = "/tmp/test_file_checksum.XXXXXX";
  file = (mw_file){.path = name, .fd = mkstemp(name), .size = SIZE};
  whole = malloc(SIZE), other = malloc(SIZE);
  for (size_t i = 0; i < SIZE; i++) whole[i] = (unsigned char)draw(), other[i] = (unsigned char)draw();
  write_at(whole, 0, SIZE);
  RUN(check_small());
  RUN(check_order(CHUNK, false, 1, PLENTY));
  RUN(check_order(4096, false, 1, PLENTY));
  RUN(check_order(100000, true, 1, PLENTY));
  RUN(check_order(100000, true, 3, PLENTY));
  RUN(check_order(20000, true, 4, PLENTY));
  RUN(check_order(20000, true, 4, 100000));
  RUN(check_order(200000, true, 100, PLENTY));
  RUN(check_order(9000, true, 100, 0));
  RUN(check_order(3 * CHUNK, true, 1, PLENTY));
  RUN(check_again());
  RUN(check_rewritten(100000, 1, PLENTY));
  RUN(check_rewritten(30000, 3, PLENTY));
  RUN(check_rewritten(30000, 100, 200000));
  for (int i = 0; i < 8; i++) {
    RUN(check_threads(i % 2, PLENTY));
    RUN(check_threads(i % 2, 0));
  }
  RUN(check_unreadable());
  close(file.fd);
  unlink(name);
  free(whole);
  free(other);
  UNIT_END();
}
