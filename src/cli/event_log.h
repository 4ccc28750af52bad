/* event_log.h: --log-json: what is said about the work as JSON on standard error, an event a line, each written in one go. */
#ifndef MW_CLI_EVENT_LOG_H
#define MW_CLI_EVENT_LOG_H

#include "moonweld.h"

void mw_event_log_error(const mw_error *err, int code);
/* Events of one text: "warning" and "print". */
void mw_event_log_text(const char *event, const char *text);
void mw_event_log_start(const char *recipe, const char *output, mw_plan_facts facts);
void mw_event_log_progress(uint64_t done, uint64_t total, unsigned pass);
void mw_event_log_score(const mw_scored *scored);
void mw_event_log_learning(const mw_learning_facts *facts, double seconds_left);
void mw_event_log_done(const mw_options *options, mw_plan_facts facts, double seconds);

#endif
