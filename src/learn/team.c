/* team.c: a parallel loop whose items are taken by whoever is free. */
#include "learn/team.h"
#include "num/cpu.h"
#include "num/gemm.h"
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

void *mw_team_room(mw_room *room, size_t bytes, mw_error *err) {
  if (room->bytes && bytes <= room->size) return room->bytes;
  free(room->bytes);
  room->size = (bytes + bytes / 4 + ALIGN) / ALIGN * ALIGN;
  room->bytes = aligned_alloc(ALIGN, room->size);
  if (!room->bytes) mw_error_memory(err, room->size);
  return room->bytes;
}

bool mw_team_new(mw_team *team, int threads, mw_error *err) {
  *team = (mw_team){.threads = threads};
  const mw_kernels *kernels;
  MW_TRY(mw_cpu_kernels(&kernels, err));
  int before = omp_get_max_threads();
  mw_gemm_begin();
  omp_set_num_threads(before);
  if (!(team->hands = mw_mem_new((size_t)threads, sizeof *team->hands, err))) return false;
  for (int t = 0; t < threads; t++) {
    mw_hand *hand = &team->hands[t];
    hand->kernels = kernels;
    hand->tile = (mw_tile){.kernels = &kernels->type[0], .size = MW_TILE_DEFAULT};
  }
  return true;
}

void mw_team_free(mw_team *team) {
  for (int t = 0; team->hands && t < team->threads; t++) {
    mw_tile_free(&team->hands[t].tile);
    free(team->hands[t].work.bytes);
    free(team->hands[t].reading.bytes);
    free(team->hands[t].products.bytes);
  }
  free(team->hands);
  *team = (mw_team){0};
}

static void fail(mw_team *team, const mw_error *err) {
#pragma omp critical(mw_team)
  if (!team->failed) {
    team->failed = true;
    team->error = *err;
  }
}

bool mw_team_run(mw_team *team, size_t count, bool (*work)(void *context, size_t item, mw_hand *hand, mw_error *err),
                 void *context, mw_error *err) {
  team->failed = false;
  if (count == 1 || team->threads == 1) {
    for (size_t i = 0; i < count; i++) MW_TRY(work(context, i, &team->hands[0], err));
    return true;
  }
#pragma omp parallel for schedule(dynamic, 1) num_threads(team->threads)
  for (size_t i = 0; i < count; i++) {
    mw_error mine;
    bool stop;
#pragma omp atomic read
    stop = team->failed;
    if (!stop && !work(context, i, &team->hands[omp_get_thread_num()], &mine)) fail(team, &mine);
  }
  if (team->failed) *err = team->error;
  return !team->failed;
}
