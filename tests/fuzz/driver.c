/* driver.c RUNS [--write FOLDER] SEED...: a fuzz target without a fuzzer: every seed (files, folders of files, and those
 * that the target makes), then RUNS mutations of them, the same ones each time. An input that crashes is written to
 * crash-TARGET. With --write the target's own seeds go to FOLDER, for a fuzzer to start from. */
#include "fuzz.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

enum { LARGEST = 1 << 16, MOST = 4096 };

typedef struct input { uint8_t *bytes; size_t length; } input;

static input seeds[MOST];
static size_t seed_count;
static uint8_t current[LARGEST];
static size_t current_length;
static const char *target;
static uint64_t state = 88172645463325252u;

__attribute__((weak)) size_t fuzz_seed(unsigned number, uint8_t *room, size_t size) {
  (void)number, (void)room, (void)size;
  return 0;
}

static uint64_t draw(uint64_t below) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return below ? state % below : 0;
}

static void add_seed(const uint8_t *bytes, size_t length) {
  if (seed_count == MOST || length > LARGEST) return;
  uint8_t *copy = malloc(length + 1);
  REQUIRE(copy != NULL);
  memcpy(copy, bytes, length);
  seeds[seed_count++] = (input){copy, length};
}

static void add_path(const char *path) {
  DIR *folder = opendir(path);
  struct dirent **names = NULL;
  int count = folder ? scandir(path, &names, NULL, alphasort) : 0;
  if (folder) closedir(folder);
  for (int i = 0; i < count; i++) {
    char below[4096];
    snprintf(below, sizeof below, "%s/%s", path, names[i]->d_name);
    if (names[i]->d_name[0] != '.') add_path(below);
    free(names[i]);
  }
  free(names);
  if (folder) return;
  FILE *file = fopen(path, "rb");
  REQUIRE(file != NULL);
  static uint8_t room[LARGEST + 1];
  add_seed(room, fread(room, 1, sizeof room, file));
  fclose(file);
}

static void crashed(int number) {
  char path[256];
  snprintf(path, sizeof path, "crash-%s", target);
  int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
  if (fd >= 0 && write(fd, current, current_length) < 0) _exit(3);
  fprintf(stderr, "%s: signal %d; the input lies in %s\n", target, number, path);
  _exit(2);
}

static void run(void) { LLVMFuzzerTestOneInput(current, current_length); }

/* One to eight changes: bits, bytes, interesting numbers, pieces taken out, doubled, or brought from another seed. */
static void mutate(void) {
  static const uint8_t bytes[] = {0, 1, 0x7f, 0x80, 0xff, '"', '{', '}', '[', ']', ',', ':', '\\', '0', '9', '-', '.', 'e', ' '};
  static const uint64_t numbers[] = {0, 1, UINT64_MAX, UINT32_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1, 100000001, 1u << 31};
  for (uint64_t n = 1 + draw(8); n--;) {
    size_t at = (size_t)draw(current_length + 1), length = (size_t)draw(1 + draw(64));
    switch (draw(7)) {
    case 0: if (at < current_length) current[at] ^= (uint8_t)(1 << draw(8)); break;
    case 1: if (at < current_length) current[at] = bytes[draw(sizeof bytes)]; break;
    case 2: if (at < current_length) current[at] = (uint8_t)draw(256); break;
    case 3: if (at + 8 <= current_length) memcpy(current + at, &numbers[draw(8)], draw(2) ? 8 : 4); break;
    case 4: /* out */
      if (at + length > current_length) length = current_length - at;
      memmove(current + at, current + at + length, current_length - at - length);
      current_length -= length;
      break;
    case 5: { /* in, from itself or another */
      const input *from = &seeds[draw(seed_count)];
      size_t begin = (size_t)draw(from->length + 1);
      if (begin + length > from->length) length = from->length - begin;
      if (current_length + length > LARGEST) break;
      memmove(current + at + length, current + at, current_length - at);
      memcpy(current + at, from->bytes + begin, length);
      current_length += length;
      break;
    }
    default: if (draw(4) == 0) current_length = at; break;
    }
  }
}

/* Twenty seconds of CPU time from now on: far beyond what any input may take. */
static void limit(void) { setitimer(ITIMER_PROF, &(struct itimerval){.it_value = {20, 0}}, NULL); }

static void take(const input *seed) {
  if (seed->length) memcpy(current, seed->bytes, seed->length);
  current_length = seed->length;
}

int main(int count, char **words) {
  static uint8_t room[LARGEST];
  const char *slash = strrchr(words[0], '/');
  target = slash ? slash + 1 : words[0];
  long runs = count > 1 ? atol(words[1]) : 0;
  size_t length;
  bool writes = count > 3 && strcmp(words[2], "--write") == 0;
  for (unsigned i = 0; (length = fuzz_seed(i, room, sizeof room)) > 0; i++) {
    add_seed(room, length);
    if (!writes) continue;
    char path[4096];
    snprintf(path, sizeof path, "%s/own-%u", words[3], i);
    FILE *file = fopen(path, "wb");
    REQUIRE(file && fwrite(room, 1, length, file) == length && fclose(file) == 0);
  }
  for (int i = writes ? 4 : 2; i < count; i++) add_path(words[i]);
  REQUIRE(seed_count > 0);
  signal(SIGSEGV, crashed), signal(SIGABRT, crashed), signal(SIGFPE, crashed), signal(SIGPROF, crashed), signal(SIGBUS, crashed);
  for (size_t i = 0; i < seed_count; i++) {
    take(&seeds[i]);
    limit();
    run();
  }
  for (long i = 0; i < runs; i++) {
    take(&seeds[draw(seed_count)]);
    mutate();
    if (i % 256 == 0) limit();
    run();
  }
  printf("%s: %zu seeds and %ld mutations went through\n", target, seed_count, runs);
  for (size_t i = 0; i < seed_count; i++) free(seeds[i].bytes);
  return 0;
}
