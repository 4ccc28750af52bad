/* event_log.c: see event_log.h. An event for which there is no memory is told of by a fixed line. */
#include "event_log.h"
#include "cluster/cluster.h"
#include "base/json_writer.h"
#include "print.h"

#include <math.h>
#include <stdio.h>

static void begin(mw_json_writer *json, const char *event) {
  *json = (mw_json_writer){ .sink = mw_print_piece, .context = stderr };
  mw_json_writer_object(json, NULL);
  mw_json_writer_string(json, "event", event);
}

/* Writes the event; false without memory for it. */
static bool written(mw_json_writer *json) {
  mw_error err;
  mw_json_writer_end(json);
  return mw_json_writer_finish(json, &err);
}

static void end(mw_json_writer *json) {
  if (!written(json)) fputs("{\"event\":\"warning\",\"text\":\"an event is missing here: out of memory\"}\n", stderr);
}

/* A time, to the millisecond. */
static void put_seconds(mw_json_writer *json, const char *key, double seconds) {
  mw_json_writer_number(json, key, round(seconds * 1e3) / 1e3);
}

void mw_event_log_error(const mw_error *err, int code) {
  mw_json_writer json;
  begin(&json, "error");
  mw_json_writer_string(&json, "text", err->text);
  mw_json_writer_string(&json, "hint", err->hint);
  mw_json_writer_u64(&json, "code", (uint64_t)code);
  if (!written(&json)) fprintf(stderr, "{\"event\":\"error\",\"text\":\"out of memory\",\"hint\":\"\",\"code\":%d}\n", code);
}

void mw_event_log_text(const char *event, const char *text) {
  mw_json_writer json;
  begin(&json, event);
  mw_json_writer_string(&json, "text", text);
  end(&json);
}

void mw_event_log_start(const char *recipe, const char *output, mw_plan_facts facts) {
  mw_json_writer json;
  begin(&json, "start");
  mw_json_writer_string(&json, "recipe", recipe);
  mw_json_writer_string(&json, "output", output);
  mw_json_writer_u64(&json, "passes", facts.passes);
  mw_json_writer_u64(&json, "bytes_read", facts.bytes_read);
  mw_json_writer_u64(&json, "bytes_written", facts.bytes_written);
  mw_json_writer_u64(&json, "tensors", facts.tensors);
  end(&json);
}

void mw_event_log_progress(uint64_t done, uint64_t total, unsigned pass) {
  mw_json_writer json;
  begin(&json, "progress");
  mw_json_writer_u64(&json, "done", done);
  mw_json_writer_u64(&json, "total", total);
  mw_json_writer_u64(&json, "pass", pass);
  end(&json);
}

void mw_event_log_score(const mw_scored *scored) {
  mw_json_writer json;
  begin(&json, "score");
  mw_json_writer_u64(&json, "candidate", scored->candidate);
  mw_json_writer_string(&json, "made_of", scored->made_of);
  if (scored->by) mw_json_writer_string(&json, "by", scored->by);
  mw_json_writer_number(&json, "score", scored->score);
  put_seconds(&json, "seconds", scored->seconds);
  end(&json);
}

void mw_event_log_learning(const mw_learning_facts *facts, double seconds_left) {
  mw_json_writer json;
  bool learns = facts->trainings != 0;
  begin(&json, learns ? "learning" : "statistics");
  if (learns) mw_json_writer_u64(&json, "training", facts->training);
  if (learns) mw_json_writer_u64(&json, "trainings", facts->trainings);
  mw_json_writer_u64(&json, learns ? "step" : "batch", facts->step);
  mw_json_writer_u64(&json, learns ? "steps" : "batches", facts->steps);
  if (learns) mw_json_writer_number(&json, "loss", facts->loss);
  put_seconds(&json, "seconds_left", seconds_left);
  end(&json);
}

void mw_event_log_done(const mw_options *options, mw_plan_facts facts, double seconds) {
  mw_json_writer json;
  begin(&json, "done");
  mw_json_writer_string(&json, "output", options->output);
  mw_json_writer_string(&json, "donor", facts.donor);
  if (facts.carried) mw_json_writer_string(&json, "carried", facts.carried);
  if (facts.adapters) mw_json_writer_string(&json, "adapters", facts.adapters);
  mw_json_writer_u64(&json, "bytes", facts.bytes_written);
  mw_json_writer_u64(&json, "resumed", facts.resumed);
  mw_json_writer_bool(&json, "synced", !options->no_sync);
  if (mw_cluster_ranks()) {
    mw_json_writer_u64(&json, "processes", mw_cluster_ranks()->count);
    mw_json_writer_u64(&json, "told", mw_cluster_has_told().times);
    mw_json_writer_u64(&json, "told_bytes", mw_cluster_has_told().bytes);
  }
  put_seconds(&json, "seconds", seconds);
  end(&json);
}
