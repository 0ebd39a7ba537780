/* Trees of JSON that are made, changed and written. */
#include "double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct json *json_object(void) {
    struct json *node = calloc(1, sizeof *node);
    node->type = J_OBJECT;
    return node;
}

struct json *json_array(void) {
    struct json *node = json_object();
    node->type = J_ARRAY;
    return node;
}

struct json *json_string(const char *text) {
    struct json *node = json_object();
    node->type = J_TEXT;
    node->text = format("%s", text);
    return node;
}

struct json *json_integer(int64_t number) {
    struct json *node = json_object();
    node->type = J_NUMBER;
    node->number = number;
    return node;
}

struct json *json_copy(const struct json *node) {
    struct json *made = calloc(1, sizeof *made), **to = &made->first;
    made->type = node->type;
    made->number = node->number;
    made->text = node->text ? format("%s", node->text) : NULL;
    made->name = node->name ? format("%s", node->name) : NULL;
    for (const struct json *item = node->first; item; item = item->next) {
        *to = json_copy(item);
        to = &(*to)->next;
    }
    return made;
}

void json_append(struct json *list, struct json *item) {
    struct json **to = &list->first;
    while (*to) to = &(*to)->next;
    *to = item;
}

/* Take a member or an item out of what holds it, and free it. */
void json_drop(struct json *of, const struct json *item) {
    for (struct json **at = &of->first; *at; at = &(*at)->next) {
        if (*at != item) continue;
        struct json *gone = *at;
        *at = gone->next;
        gone->next = NULL;
        json_free(gone);
        return;
    }
}

/* Give an object a member; one of that name keeps its place. */
void json_set(struct json *object, const char *name, struct json *value) {
    value->name = format("%s", name);
    for (struct json **at = &object->first; *at; at = &(*at)->next) {
        if (strcmp((*at)->name, name)) continue;
        struct json *old = *at;
        value->next = old->next;
        *at = value;
        old->next = NULL;
        json_free(old);
        return;
    }
    json_append(object, value);
}

/* Give an object a member where it has none of that name, or null. */
void json_default(struct json *object, const char *name, struct json *value) {
    const struct json *there = json_at(object, name);
    if (there) json_free(value);
    else json_set(object, name, value);
}

bool json_same(const struct json *a, const struct json *b) {
    if (!a || !b) return a == b;
    if (a->type != b->type || a->number != b->number) return false;
    if (a->type == J_TEXT && strcmp(a->text, b->text)) return false;
    if (json_count(a) != json_count(b)) return false;
    const struct json *other = b->first;
    for (const struct json *item = a->first; item; item = item->next) {
        if (!json_same(item, a->type == J_OBJECT ? json_at(b, item->name) : other)) return false;
        if (a->type == J_ARRAY) other = other->next;
    }
    return true;
}

static char *joined(char *before, const char *more) {
    char *out = format("%s%s", before, more);
    free(before);
    return out;
}

char *json_write(const struct json *node) {
    if (node->type == J_NULL) return format("null");
    if (node->type == J_FLAG) return format(node->number ? "true" : "false");
    if (node->type == J_NUMBER) return format("%lld", (long long)node->number);
    if (node->type == J_TEXT) return quoted(node->text);
    char *out = format(node->type == J_OBJECT ? "{" : "[");
    for (const struct json *item = node->first; item; item = item->next) {
        if (item->name) {
            char *name = quoted(item->name);
            out = joined(joined(out, name), ": ");
            free(name);
        }
        char *value = json_write(item);
        out = joined(out, value);
        if (item->next) out = joined(out, ", ");
        free(value);
    }
    return joined(out, node->type == J_OBJECT ? "}" : "]");
}
