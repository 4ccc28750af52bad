/* publish.h: gives a written output its name. It is at every moment absent, the old one, or complete. */
#ifndef MW_OUTPUT_PUBLISH_H
#define MW_OUTPUT_PUBLISH_H

#include "output/writer.h"

/* Publishes: the folder, or of a lone file (OUT ends with .safetensors) the only shard as OUT, merge.lock.json and README.md
 * as NAME.lock.json and NAME.md beside it. MW_IO if the disk does not take it; an output that it would replace is then still
 * there, or the new one is complete. */
bool mw_publish_output(mw_writer *writer, mw_error *err);
/* Gives a part of the writer's folder (mw_writer_how) its name, when that part was published and its writer closed. `partial` is the last
 * part of its mw_writer_folder. It is on the disk when the whole is published. */
bool mw_publish_part(mw_writer *writer, const char *partial, const char *name, mw_error *err);

#endif
