/* The Local Security Authority: who holds a right of accounts, by SIDs in binary.
 *
 * Source: learn.microsoft.com/windows/win32/api/ntsecapi; [MS-LSAD] 3.1.4.5.9 (statuses);
 * [MS-DTYP] 2.4.2.2 (SID)
 */
#include "double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lsa_text { uint16_t length, maximum; const wide *buffer; };
struct lsa_attributes { dword length; handle root, name; dword attributes; handle descriptor, quality; };

#ifdef _WIN32
#include <windows.h>
#include <ntsecapi.h>
/* A second opinion on the structures: the headers of mingw-w64. */
_Static_assert(sizeof(struct lsa_text) == sizeof(LSA_UNICODE_STRING), "LSA_UNICODE_STRING");
_Static_assert(offsetof(struct lsa_text, buffer) == offsetof(LSA_UNICODE_STRING, Buffer), "LSA_UNICODE_STRING");
_Static_assert(sizeof(struct lsa_attributes) == sizeof(LSA_OBJECT_ATTRIBUTES), "LSA_OBJECT_ATTRIBUTES");
_Static_assert(offsetof(struct lsa_attributes, attributes) == offsetof(LSA_OBJECT_ATTRIBUTES, Attributes), "LSA_OBJECT_ATTRIBUTES");
_Static_assert(sizeof(LSA_ENUMERATION_INFORMATION) == sizeof(void *), "LSA_ENUMERATION_INFORMATION");
#else
#include <errno.h>
#endif

enum { VIEW_LOCAL_INFORMATION = 1, LOOKUP_NAMES = 0x800, MOST_OPEN = 16, MOST_SIDS = 32, MOST_PARTS = 15 };
#define STATUS_(code) ((hresult)(code))
#define BAD_HANDLE STATUS_(0xC0000008u)
#define BAD_PARAMETER STATUS_(0xC000000Du)
#define NOT_ALLOWED STATUS_(0xC0000022u)
#define NO_SUCH_RIGHT STATUS_(0xC0000060u)
#define NOT_OURS STATUS_(0xC0000001u)
#define NOBODY STATUS_(0x8000001Au)

static struct { bool used; uint32_t generation; dword access; } policies[MOST_OPEN];
static void *lists[MOST_OPEN];
static uint32_t counter;

int policies_open(void) {
    int count = 0;
    for (int n = 0; n < MOST_OPEN; n++) count += policies[n].used;
    return count;
}

int account_lists_left(void) {
    int count = 0;
    for (int n = 0; n < MOST_OPEN; n++) count += lists[n] != NULL;
    return count;
}

size_t sid_of(const char *text, uint8_t *into) {
    char *at = NULL;
    uint64_t authority = strtoull(text + 4, &at, 10);
    uint32_t parts[MOST_PARTS];
    uint8_t count = 0;
    while (*at == '-' && count < MOST_PARTS) parts[count++] = (uint32_t)strtoul(at + 1, &at, 10);
    if (into) {
        into[0] = 1;
        into[1] = count;
        for (int n = 0; n < 6; n++) into[2 + n] = (uint8_t)(authority >> (8 * (5 - n)));
        memcpy(into + 8, parts, 4u * count);
    }
    return 8u + 4u * count;
}

static handle encoded(int index) { return (handle)(uintptr_t)((uint64_t)0x15 << 48 | (uint64_t)policies[index].generation << 16 | (uint64_t)(index + 1)); }

static int policy_of(handle of, const char *export) {
    for (int n = 0; n < MOST_OPEN; n++) if (policies[n].used && encoded(n) == of) return n;
    violation("%s: no open policy %p", export, of);
    return -1;
}

/* Do what is planted for a call. */
static struct machine *waited(struct machine *machine, const struct fault *fault, hresult *why) {
    if (fault->action == HANG) {
        leave(machine);
        pause_ms(fault->ms);
        machine = again();
    }
    *why = fault->action == REFUSE || fault->action == FAIL ? fault->code : OK;
    return machine;
}

EXPORT hresult advapi32_LsaOpenPolicy(const void *system, const struct lsa_attributes *attributes, dword access, handle *out) {
    static const struct lsa_attributes NONE;
    struct fault fault;
    hresult why;
    struct machine *machine = waited(enter("LsaOpenPolicy", &fault, "%d %08x", system != NULL, access), &fault, &why);
    struct lsa_attributes is = attributes ? *attributes : NONE;
    if (!attributes || (is.length && is.length != sizeof is)) violation("LsaOpenPolicy: no attributes, or of another length");
    if (is.root || is.name || is.attributes || is.descriptor || is.quality)
        violation("LsaOpenPolicy: the attributes are not empty");
    if (access & ~(dword)(VIEW_LOCAL_INFORMATION | LOOKUP_NAMES)) violation("LsaOpenPolicy: more access than needed: %08x", access);
    *out = NULL;
    for (int n = 0; n < MOST_OPEN && !why && !*out; n++) {
        if (policies[n].used) continue;
        policies[n].used = true;
        policies[n].generation = ++counter;
        policies[n].access = access;
        *out = encoded(n);
    }
    leave(machine);
    return why;
}

/* One block: the addresses of the SIDs, then these. */
static void *list_of(const char *sids, dword *count) {
    const char *rows[MOST_SIDS];
    size_t bytes = 0;
    *count = 0;
    for (const char *at = sids; *at && *count < MOST_SIDS; at += strcspn(at, " "), at += strspn(at, " ")) {
        rows[(*count)++] = at;
        bytes += sizeof(void *) + sid_of(at, NULL);
    }
    void **list = malloc(bytes);
    uint8_t *sid = (uint8_t *)(list + *count);
    for (dword n = 0; n < *count; n++) {
        list[n] = sid;
        sid += sid_of(rows[n], sid);
    }
    for (int n = 0; n < MOST_OPEN; n++) if (!lists[n]) { lists[n] = list; break; }
    return list;
}

EXPORT hresult advapi32_LsaEnumerateAccountsWithUserRight(handle policy, const struct lsa_text *right, void **buffer, dword *count) {
    struct fault fault;
    hresult why;
    /* The text's end is where its length says, and not where a NUL is. */
    wide units[60] = {0};
    bool fits = right && right->buffer && right->length < sizeof units && right->length % 2 == 0 && right->maximum >= right->length;
    if (fits) memcpy(units, right->buffer, right->length);
    char *name = utf8(units);
    struct machine *machine = waited(enter("LsaEnumerateAccountsWithUserRight", &fault, "%s", name), &fault, &why);
    char *sids = right_holders(name);
    int index = policy_of(policy, "LsaEnumerateAccountsWithUserRight");
    dword needed = VIEW_LOCAL_INFORMATION | LOOKUP_NAMES;
    if (!why) why = index < 0 ? BAD_HANDLE : (policies[index].access & needed) != needed ? NOT_ALLOWED : !fits ? BAD_PARAMETER : !sids ? NO_SUCH_RIGHT : !*sids ? NOBODY : OK;
    *buffer = NULL;
    *count = 0;
    if (!why) *buffer = list_of(sids, count);
    leave(machine);
    free(name);
    free(sids);
    return why;
}

EXPORT hresult advapi32_LsaFreeMemory(void *buffer) {
    struct fault fault;
    struct machine *machine = enter("LsaFreeMemory", &fault, "%s", "");
    bool ours = false;
    for (int n = 0; n < MOST_OPEN && buffer; n++) {
        if (lists[n] != buffer) continue;
        lists[n] = NULL;
        ours = true;
    }
    if (ours) free(buffer);
    else violation("LsaFreeMemory frees what LSA did not allocate");
    leave(machine);
    return ours ? OK : NOT_OURS;
}

EXPORT hresult advapi32_LsaClose(handle policy) {
    struct fault fault;
    struct machine *machine = enter("LsaClose", &fault, "%s", "");
    int index = policy_of(policy, "LsaClose");
    if (index >= 0) policies[index].used = false;
    leave(machine);
    return index >= 0 ? OK : BAD_HANDLE;
}

#ifndef _WIN32
enum { INVALID_SID = 1337 };

EXPORT int32_t advapi32_ConvertSidToStringSidW(const uint8_t *sid, wide **out) {
    errno = INVALID_SID;
    if (!sid || sid[0] != 1 || sid[1] > MOST_PARTS) { violation("ConvertSidToStringSidW: no SID"); return 0; }
    uint64_t authority = 0;
    for (int n = 0; n < 6; n++) authority = authority << 8 | sid[2 + n];
    char text[256];
    int length = snprintf(text, sizeof text, "S-1-%llu", (unsigned long long)authority);
    for (int n = 0; n < sid[1]; n++) {
        uint32_t part;
        memcpy(&part, sid + 8 + 4 * n, sizeof part);
        length += snprintf(text + length, sizeof text - (size_t)length, "-%u", part);
    }
    *out = given(text, BY_LOCAL);
    return 1;
}
#endif
