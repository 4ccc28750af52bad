/* madd.c: prints how many nanoseconds a thread of this machine takes for 2 * RANK operations, multiplications and additions of f32 that
 * are not fused, in registers and as wide as CFLAGS allow: what adding an adapter of that rank to one element costs at least.
 *   madd [RANK]      16 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef float wide __attribute__((vector_size(32)));
enum { SUMS = 8, WIDTH = sizeof(wide) / sizeof(float), ROUNDS = 200000, TRIES = 40 };

#if defined(__x86_64__)
#define KEEP "+x"
#else
#define KEEP "+w"
#endif

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  double best = 1e9, rank = argc > 1 ? atof(argv[1]) : 16;
  wide a = {0}, b = {1, 1, 1, 1, 1, 1, 1, 1}, s0 = a, s1 = a, s2 = a, s3 = a, s4 = a, s5 = a, s6 = a, s7 = a;
  for (int t = 0; t < TRIES; t++) {
    double begun = seconds();
    for (int i = 0; i < ROUNDS; i++) {
#define ADD(sum) __asm__("" : KEEP(a), KEEP(b)); sum += a * b; __asm__("" : KEEP(sum))
      ADD(s0); ADD(s1); ADD(s2); ADD(s3); ADD(s4); ADD(s5); ADD(s6); ADD(s7);
    }
    double each = (seconds() - begun) / ROUNDS / (SUMS * WIDTH) * 1e9 * rank;
    if (each < best) best = each;
  }
  s0 += s1 + s2 + s3 + s4 + s5 + s6 + s7;
  fprintf(stderr, s0[0] == 0 ? "" : "the sum is not 0\n");
  printf("%.4f\n", best);
  return 0;
}
