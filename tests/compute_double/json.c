/* A small reader of JSON, as strict as a service that refuses what it does not know. */
#include "double.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 40 };
static struct json *value(const char **at, int depth);

static void blank(const char **at) { while (**at && strchr(" \t\r\n", **at)) (*at)++; }

static int hex4(const char *text) {
    int code = 0;
    for (int n = 0; n < 4; n++) {
        if (!isxdigit((unsigned char)text[n])) return -1;
        code = code * 16 + (isdigit((unsigned char)text[n]) ? text[n] - '0' : tolower((unsigned char)text[n]) - 'a' + 10);
    }
    return code;
}

static char *string(const char **at) {
    if (**at != '"') return NULL;
    const char *from = ++*at;
    wide *units = malloc((strlen(from) + 1) * sizeof(wide));
    size_t length = 0;
    char *out = NULL;
    /* Plain bytes go through as they are; escapes become UTF-16 first, so that pairs meet. */
    size_t size = 0;
    char *all = malloc(strlen(from) * 3 + 1);
    while (**at && **at != '"') {
        if (**at == '\\') {
            char next = (*at)[1];
            const char *plain = strchr("\"\\/bfnrt", next);
            if (next == 'u' && hex4(*at + 2) >= 0) { units[length++] = (wide)hex4(*at + 2); *at += 6; }
            else if (next && plain) { units[length++] = (wide)"\"\\/\b\f\n\r\t"[plain - "\"\\/bfnrt"]; *at += 2; }
            else goto wrong;
            if (**at == '\\') continue;
            units[length] = 0;
            char *text = utf8(units);
            memcpy(all + size, text, strlen(text));
            size += strlen(text);
            free(text);
            length = 0;
        } else if ((unsigned char)**at < 0x20) goto wrong;
        else all[size++] = *(*at)++;
    }
    if (**at != '"') goto wrong;
    (*at)++;
    all[size] = 0;
    out = all;
    all = NULL;
wrong:
    free(all);
    free(units);
    return out;
}

static struct json *list(const char **at, struct json *node, char end, int depth) {
    struct json **to = &node->first;
    (*at)++;
    blank(at);
    if (**at == end) { (*at)++; return node; }
    while (true) {
        char *name = NULL;
        blank(at);
        if (end == '}') {
            name = string(at);
            blank(at);
            if (!name || **at != ':') { free(name); break; }
            (*at)++;
        }
        struct json *item = value(at, depth + 1);
        if (!item) { free(name); break; }
        item->name = name;
        *to = item;
        to = &item->next;
        blank(at);
        if (**at == end) { (*at)++; return node; }
        if (**at != ',') break;
        (*at)++;
    }
    json_free(node);
    return NULL;
}

static struct json *value(const char **at, int depth) {
    blank(at);
    if (depth > DEEPEST) return NULL;
    struct json *node = calloc(1, sizeof *node);
    if (**at == '{') { node->type = J_OBJECT; return list(at, node, '}', depth); }
    if (**at == '[') { node->type = J_ARRAY; return list(at, node, ']', depth); }
    if (**at == '"') {
        node->type = J_TEXT;
        node->text = string(at);
        if (node->text) return node;
    } else if (!strncmp(*at, "true", 4)) { *at += 4; node->type = J_FLAG; node->number = 1; return node; }
    else if (!strncmp(*at, "false", 5)) { *at += 5; node->type = J_FLAG; return node; }
    else if (!strncmp(*at, "null", 4)) { *at += 4; return node; }
    else {
        char *end;
        node->type = J_NUMBER;
        node->number = strtoll(*at, &end, 10);
        if (end != *at && !strchr(".eE", *end ? *end : ' ')) { *at = end; return node; }
    }
    json_free(node);
    return NULL;
}

struct json *json_parse(const char *text) {
    const char *at = text;
    struct json *node = value(&at, 0);
    blank(&at);
    if (node && *at) { json_free(node); return NULL; }
    return node;
}

void json_free(struct json *node) {
    while (node) {
        struct json *next = node->next;
        json_free(node->first);
        free(node->name);
        free(node->text);
        free(node);
        node = next;
    }
}

/* Give what a path such as Container/Storage/Layers leads to; `0` is the first item of an array. */
const struct json *json_at(const struct json *node, const char *path) {
    while (node && *path) {
        size_t length = strcspn(path, "/");
        const struct json *found = node->first;
        if (node->type == J_ARRAY) for (int n = atoi(path); found && n > 0; n--) found = found->next;
        else while (found && (!found->name || strncmp(found->name, path, length) || found->name[length])) found = found->next;
        node = found;
        path += length + (path[length] == '/');
    }
    return node;
}

const char *json_text(const struct json *node, const char *path) {
    const struct json *found = json_at(node, path);
    return found && found->type == J_TEXT ? found->text : "";
}

int64_t json_number(const struct json *node, const char *path) {
    const struct json *found = json_at(node, path);
    return found && (found->type == J_NUMBER || found->type == J_FLAG) ? found->number : 0;
}

int json_count(const struct json *node) {
    int count = 0;
    for (const struct json *item = node ? node->first : NULL; item; item = item->next) count++;
    return count;
}
