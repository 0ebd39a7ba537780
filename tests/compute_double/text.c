/* Text: UTF-8 inside, UTF-16LE at the border; strings that the caller has to free are counted. */
#include "double.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#include <objbase.h>
#endif

char *utf8(const wide *text) {
    if (!text) return NULL;
    size_t length = 0;
    while (text[length]) length++;
    char *out = malloc(length * 3 + 1), *to = out;
    for (size_t n = 0; n < length; n++) {
        uint32_t code = text[n];
        if (code >= 0xD800 && code < 0xDC00 && text[n + 1] >= 0xDC00 && text[n + 1] < 0xE000)
            code = 0x10000 + ((code - 0xD800) << 10) + (text[++n] - 0xDC00u);
        if (code < 0x80) *to++ = (char)code;
        else if (code < 0x800) { *to++ = (char)(0xC0 | code >> 6); *to++ = (char)(0x80 | (code & 63)); }
        else if (code < 0x10000) {
            *to++ = (char)(0xE0 | code >> 12); *to++ = (char)(0x80 | (code >> 6 & 63)); *to++ = (char)(0x80 | (code & 63));
        } else {
            *to++ = (char)(0xF0 | code >> 18); *to++ = (char)(0x80 | (code >> 12 & 63));
            *to++ = (char)(0x80 | (code >> 6 & 63)); *to++ = (char)(0x80 | (code & 63));
        }
    }
    *to = 0;
    return out;
}

static wide *to_wide(const char *text, wide *(*allocate)(size_t)) {
    size_t length = strlen(text);
    wide *out = allocate((length + 1) * sizeof(wide)), *to = out;
    const unsigned char *from = (const unsigned char *)text;
    while (*from) {
        uint32_t code = *from++;
        int more = code >= 0xF0 ? 3 : code >= 0xE0 ? 2 : code >= 0xC0 ? 1 : 0;
        if (more) code &= 0x3Fu >> more;
        while (more-- > 0 && (*from & 0xC0) == 0x80) code = code << 6 | (*from++ & 63u);
        if (code >= 0x10000) { *to++ = (wide)(0xD800 + ((code - 0x10000) >> 10)); code = 0xDC00 + ((code - 0x10000) & 0x3FF); }
        *to++ = (wide)code;
    }
    *to = 0;
    return out;
}

static wide *plain(size_t bytes) { return malloc(bytes); }
wide *utf16(const char *text) { return to_wide(text, plain); }

char *format(const char *pattern, ...) {
    va_list list;
    va_start(list, pattern);
    int length = vsnprintf(NULL, 0, pattern, list);
    va_end(list);
    char *out = malloc((size_t)length + 1);
    va_start(list, pattern);
    vsnprintf(out, (size_t)length + 1, pattern, list);
    va_end(list);
    return out;
}

char *quoted(const char *text) {
    char *out = malloc(strlen(text) * 6 + 3), *to = out;
    *to++ = '"';
    for (const unsigned char *from = (const unsigned char *)text; *from; from++) {
        if (*from == '"' || *from == '\\') { *to++ = '\\'; *to++ = (char)*from; }
        else if (*from < 0x20) to += sprintf(to, "\\u%04x", *from);
        else *to++ = (char)*from;
    }
    *to++ = '"';
    *to = 0;
    return out;
}

bool same(const char *a, const char *b) {
    while (*a && *b && tolower((unsigned char)*a) == tolower((unsigned char)*b)) { a++; b++; }
    return !*a && !*b;
}

#ifdef _WIN32
/* Windows has allocators of its own, so nothing is counted. */
static wide *by_local(size_t bytes) { return LocalAlloc(0, bytes); }
static wide *by_task(size_t bytes) { return CoTaskMemAlloc(bytes); }
wide *given(const char *text, enum allocator by) { return to_wide(text, by == BY_LOCAL ? by_local : by_task); }
void *lent(size_t bytes, enum allocator by) { return by == BY_LOCAL ? by_local(bytes) : by_task(bytes); }
int strings_left(void) { return 0; }
#else
/* A string knows its allocator, so that the free of the other is noticed (E7). */
enum { MARK = 0x57 << 16 };
static int left;
static wide *counted(size_t bytes) {
    uint32_t *block = malloc(bytes + 16);
    __atomic_add_fetch(&left, 1, __ATOMIC_SEQ_CST);
    return (wide *)(void *)(block + 4);
}

static void *marked(wide *out, enum allocator by) {
    ((uint32_t *)(void *)out)[-4] = MARK | (uint32_t)by;
    return out;
}

wide *given(const char *text, enum allocator by) { return marked(to_wide(text, counted), by); }
void *lent(size_t bytes, enum allocator by) { return marked(counted(bytes), by); }

void taken_back(void *text, enum allocator by, const char *export) {
    if (!text) return;
    uint32_t *block = (uint32_t *)text - 4;
    if (*block != (MARK | (uint32_t)by)) { violation("%s frees what it did not allocate", export); return; }
    *block = 0;
    __atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST);
    free(block);
}

int strings_left(void) { return __atomic_load_n(&left, __ATOMIC_SEQ_CST); }
#endif
