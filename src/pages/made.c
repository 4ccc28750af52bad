/* made.c: walks the lock; a member that is not there, or not as we write it, is left out. */
#include "pages/made.h"
#include "report/candidates.h"
#include "report/document.h"
#include "report/markup.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 128, MOST_DRAWN = 100 };

bool mw_made_open(const mw_record *record, mw_json *lock, mw_error *err) {
  return mw_json_check(record->path, record->text, record->length, DEPTH, lock, err);
}

/* A value of the lock for people: texts without quotes, lists with spaces between. */
static bool put_value(mw_json value, mw_arena *arena, mw_text *out, mw_error *err) {
  const char *text;
  size_t length;
  mw_json key, element;
  bool first = true;
  if (value.kind == MW_JSON_STRING && mw_json_is_text(value)) {
    MW_TRY(mw_json_string(value, arena, &text, &length, err));
    mw_markup_path(out, text, length);
  } else if (value.kind == MW_JSON_ARRAY) {
    for (mw_json_walk walk = mw_json_enter(value); mw_json_next(&walk, &key, &element); first = false) {
      if (!first) mw_markup_raw(out, "<br>");
      MW_TRY(put_value(element, arena, out, err));
    }
  } else mw_markup_put(out, value.bytes, value.length);
  return true;
}

static bool put_line(mw_json key, mw_json value, mw_arena *arena, mw_text *out, mw_error *err) {
  mw_markup_raw(out, "<tr><th scope=\"row\">");
  MW_TRY(put_value(key, arena, out, err));
  mw_markup_raw(out, "</th><td class=\"text\">");
  MW_TRY(put_value(value, arena, out, err));
  mw_markup_raw(out, "</td></tr>\n");
  return true;
}

/* What a seed gave: each number with what it was drawn as. */
static bool put_drawn(mw_json lock, mw_arena *arena, mw_text *out, mw_error *err) {
  mw_json drawn = mw_json_member(lock, "drawn"), key, element;
  size_t count = 0;
  if (drawn.kind != MW_JSON_ARRAY) return true;
  for (mw_json_walk walk = mw_json_enter(drawn); mw_json_next(&walk, &key, &element); count++) {
    if (element.kind != MW_JSON_OBJECT || count >= MOST_DRAWN) continue;
    if (!count) {
      mw_document_begin_table(out, "Drawn", "drawn");
      mw_markup_raw(out, "<thead><tr><th scope=\"col\">as</th><th scope=\"col\" class=\"text\">number</th></tr></thead>\n<tbody>\n");
    }
    MW_TRY(put_line(mw_json_member(element, "what"), mw_json_member(element, "value"), arena, out, err));
  }
  if (!count) return true;
  mw_markup_raw(out, "</tbody>\n");
  mw_document_end_table(out);
  if (count > MOST_DRAWN) mw_text_format(out, "<p class=\"key\">The first %d of %zu; the lock has all.</p>\n", MOST_DRAWN, count);
  return true;
}

static bool put_arguments(const mw_record *record, mw_json lock, mw_arena *arena, mw_text *out, mw_error *err) {
  mw_json recipe = mw_json_member(lock, "recipe"), given = mw_json_member(lock, "arguments"), key, value;
  mw_json summary = mw_json_member(recipe, "summary"), paper = mw_json_member(recipe, "paper");
  mw_document_begin_table(out, "How it was made", "made");
  mw_markup_raw(out, "<thead><tr><th scope=\"col\">argument</th><th scope=\"col\" class=\"text\">value</th></tr></thead>\n<tbody>\n"
                     "<tr><th scope=\"row\">recipe</th><td class=\"text\">");
  mw_markup_put(out, record->recipe.name, strlen(record->recipe.name));
  if (summary.kind == MW_JSON_STRING) {
    mw_markup_raw(out, "<br>");
    MW_TRY(put_value(summary, arena, out, err));
  }
  if (paper.kind == MW_JSON_STRING && paper.length > 2) {
    mw_markup_raw(out, "<br>");
    MW_TRY(put_value(paper, arena, out, err));
  }
  mw_markup_raw(out, "</td></tr>\n");
  for (mw_json_walk walk = mw_json_enter(given); given.kind == MW_JSON_OBJECT && mw_json_next(&walk, &key, &value);)
    MW_TRY(put_line(key, value, arena, out, err));
  for (size_t i = 0; i < record->options.count; i++) {
    const mw_record_words *option = &record->options.items[i];
    mw_markup_raw(out, "<tr><th scope=\"row\">--");
    mw_markup_put(out, option->name, strlen(option->name));
    mw_markup_raw(out, "</th><td class=\"text\">");
    for (size_t w = 0; w < option->count; w++) {
      if (w) mw_markup_raw(out, "<br>");
      mw_markup_path(out, option->words[w], strlen(option->words[w]));
    }
    mw_markup_raw(out, "</td></tr>\n");
  }
  mw_text_format(out,
                 "<tr><th scope=\"row\">seed</th><td class=\"text\">%llu</td></tr>\n<tr><th scope=\"row\">moonweld</th><td class=\"text\">",
                 (unsigned long long)record->seed);
  mw_markup_put(out, record->version, strlen(record->version));
  mw_markup_raw(out, "</td></tr>\n</tbody>\n");
  mw_document_end_table(out);
  return put_drawn(lock, arena, out, err);
}

bool mw_made_put_arguments(const mw_record *record, mw_json lock, mw_text *out, mw_error *err) {
  mw_arena arena = {0};
  bool ok = put_arguments(record, lock, &arena, out, err);
  mw_mem_release(&arena);
  return ok;
}

/* ---- scores ---- */

bool mw_made_put_scores(mw_json lock, mw_text *out, mw_error *err) {
  mw_json scores = mw_json_member(lock, "scores");
  mw_text picture = {0};
  size_t count = 0;
  bool ok = scores.kind != MW_JSON_OBJECT || mw_candidates_draw(mw_json_member(scores, "candidates"), false, &picture, &count, err);
  if (ok && count) {
    uint64_t chosen;
    mw_text_format(out, "<section>\n<h2>Candidates</h2>\n<p>%zu were made and scored; greater is better. ", count);
    if (mw_json_u64(mw_json_member(scores, "chosen"), &chosen))
      mw_text_format(out, "The output is number %llu.", (unsigned long long)chosen);
    mw_markup_raw(out, "</p>\n<figure>");
    mw_text_add(out, picture.bytes, picture.length);
    mw_markup_raw(out, "</figure>\n</section>\n");
  }
  mw_text_free(&picture);
  return ok;
}

/* ---- inputs ---- */

static void put_file(const mw_record_file *file, mw_text *out) {
  char size[32], hex[33];
  mw_markup_put(out, file->name, strlen(file->name));
  mw_text_format(out, "<br>%s", mw_text_size(size, (double)file->size));
  if (!file->counted) return;
  mw_checksum_hex(file->checksum, hex);
  mw_text_format(out, " xxh3:%s", hex);
}

static void put_input(const mw_record_input *input, const char *label, mw_text *out) {
  mw_markup_raw(out, "<tr><th scope=\"row\">");
  mw_markup_put(out, label, strlen(label));
  mw_markup_raw(out, "</th><td class=\"text\">");
  mw_markup_path(out, input->hub ? input->hub : input->where, strlen(input->hub ? input->hub : input->where));
  if (input->commit) {
    mw_markup_raw(out, "<br>commit ");
    mw_markup_put(out, input->commit, strlen(input->commit));
  }
  mw_markup_raw(out, "</td><td class=\"hash\">");
  for (size_t i = 0; i < input->file_count; i++) {
    if (i) mw_markup_raw(out, "<br>");
    put_file(&input->files[i], out);
  }
  mw_markup_raw(out, "</td></tr>\n");
  for (size_t i = 0; i < input->adapter_count; i++) put_input(&input->adapters[i], "adapter", out);
}

void mw_made_put_inputs(const mw_record *record, mw_text *out) {
  mw_document_begin_table(out, "Inputs", "inputs");
  mw_markup_raw(out, "<thead><tr><th scope=\"col\">input</th><th scope=\"col\" class=\"text\">where it was</th>"
                     "<th scope=\"col\" class=\"text\">files and their checksums</th></tr></thead>\n<tbody>\n");
  for (size_t i = 0; i < record->input_count; i++) put_input(&record->inputs[i], record->inputs[i].label, out);
  mw_markup_raw(out, "</tbody>\n");
  mw_document_end_table(out);
}

/* ---- how to make it again ---- */

/* A text of several lines, made safe line by line. */
static void put_lines(const char *text, size_t length, mw_text *out) {
  for (size_t at = 0, n; at < length; at += n) {
    char escaped[16];
    n = mw_text_character(text + at, length - at, escaped);
    if (text[at] == '\n' || text[at] == '\t') mw_text_add(out, text + at, 1);
    else if (*escaped) mw_markup_line(out, escaped);
    else {
      char one[8] = {0};
      memcpy(one, text + at, n < sizeof one ? n : sizeof one - 1);
      mw_markup_line(out, one);
    }
  }
}

static void put_text(const mw_record_text *text, const char *title, mw_text *out) {
  if (!text->text) return;
  mw_markup_raw(out, "<section>\n<h2>");
  mw_markup_raw(out, title);
  mw_markup_put(out, text->name, strlen(text->name));
  mw_markup_raw(out, "</h2>\n<pre tabindex=\"0\">");
  put_lines(text->text, text->length, out);
  mw_markup_raw(out, "</pre>\n</section>\n");
}

bool mw_made_put_recipe(const mw_record *record, const char *output, mw_json lock, mw_text *out, mw_error *err) {
  mw_json command = mw_json_member(lock, "command");
  mw_arena arena = {0};
  mw_text shell = {0};
  const char *text;
  size_t length;
  bool ok = true;
  mw_text_shell(&shell, output);
  mw_markup_raw(out, "<section>\n<h2>How to make it again</h2>\n<pre tabindex=\"0\"># every file against its checksum, the inputs too\n"
                     "moonweld verify ");
  put_lines(shell.bytes ? shell.bytes : "", shell.length, out);
  mw_markup_raw(out, " --inputs\n# from the lock alone; the bytes are compared\nmoonweld rebuild ");
  put_lines(shell.bytes ? shell.bytes : "", shell.length, out);
  mw_markup_raw(out, " -o again\n");
  if (command.kind == MW_JSON_STRING && (ok = mw_json_string(command, &arena, &text, &length, err))) {
    mw_markup_raw(out, "# the command that made it\n");
    put_lines(text, length, out);
    mw_markup_raw(out, " -o again\n");
  }
  mw_markup_raw(out, "</pre>\n</section>\n");
  put_text(&record->recipe, "Recipe: ", out);
  for (size_t i = 0; i < record->required_count; i++) put_text(&record->required[i], "Required: ", out);
  ok = ok && mw_text_check(&shell, err);
  mw_text_free(&shell);
  mw_mem_release(&arena);
  return ok;
}
