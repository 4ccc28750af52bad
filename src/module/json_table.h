/* json_table.h: a JSON document of the library as a Lua table, with the same keys. */
#ifndef MW_MODULE_JSON_TABLE_H
#define MW_MODULE_JSON_TABLE_H

#include "module/call.h"

/* Pushes the document: objects and arrays are tables, whole numbers integers, and null is nil. */
void mw_json_table_push(mw_call *call, const char *document);

#endif
