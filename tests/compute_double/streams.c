/* The reading ends of a process's pipes: they give data in pieces and end after the process (E12).
 *
 * On Windows they are real named pipes; elsewhere the functions of kernel32.dll that read them are
 * doubles as well, and LastError is errno.
 */
#include "double.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_STREAMS = 64, PIPE_BYTES = 65536 };

#ifdef _WIN32
#include <windows.h>

struct stream { bool used, done; HANDLE server, reader, thread; char *text; size_t length; bool stays_open; };
static struct stream streams[MOST_STREAMS];

static DWORD WINAPI fed(void *context) {
    struct stream *stream = context;
    DWORD wrote = 0;
    for (size_t at = 0; at < stream->length; at += wrote) {
        DWORD piece = (DWORD)(stream->length - at < 4096 ? stream->length - at : 4096);
        if (!WriteFile(stream->server, stream->text + at, at ? piece : 1, &wrote, NULL)) break;
    }
    while (stream->stays_open) Sleep(1);
    FlushFileBuffers(stream->server);
    stream->done = true;
    DisconnectNamedPipe(stream->server);
    CloseHandle(stream->server);
    return 0;
}

handle stream_new(char *text, size_t length, bool stays_open) {
    static LONG number;
    for (int n = 0; n < MOST_STREAMS; n++) {
        if (streams[n].used) continue;
        char name[80];
        snprintf(name, sizeof name, "\\\\.\\pipe\\compute-double-%lu-%ld", GetCurrentProcessId(), InterlockedIncrement(&number));
        struct stream *stream = &streams[n];
        *stream = (struct stream){.used = true, .text = text, .length = length, .stays_open = stays_open};
        stream->server = CreateNamedPipeA(name, PIPE_ACCESS_OUTBOUND, PIPE_TYPE_BYTE, 1, PIPE_BYTES, 0, 0, NULL);
        stream->reader = CreateFileA(name, GENERIC_READ, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
        stream->thread = CreateThread(NULL, 0, fed, stream, 0, NULL);
        return stream->reader;
    }
    return NULL;
}

static struct stream *stream_of(handle of) {
    for (int n = 0; of && n < MOST_STREAMS; n++) if (streams[n].used && streams[n].reader == of) return &streams[n];
    return NULL;
}

bool stream_drained(handle of) { struct stream *stream = stream_of(of); return !stream || stream->done || stream->length < PIPE_BYTES; }
void stream_cut(handle of) { struct stream *stream = stream_of(of); if (stream) { stream->stays_open = false; CloseHandle(of); } }
void stream_cut_writer(handle of) { struct stream *stream = stream_of(of); if (stream) stream->stays_open = false; }
int handles_open(void) { return 0; }
#else
#include <errno.h>
#include <sys/stat.h>

enum { INVALID_HANDLE = 6, INVALID_PARAMETER = 87, BROKEN_PIPE = 109, PATH_NOT_FOUND = 3, FILE_NOT_FOUND = 2, ABORTED = 995, INCOMPLETE = 996, PENDING = 997 };
enum { WAIT_OVER = 258 };
struct overlapped { uint64_t internal, bytes; uint32_t offset, offset_high; handle event; };
enum what { NOTHING, STREAM, EVENT, DISK };
struct item {
    enum what what;
    uint32_t generation;
    char *text; /* STREAM */
    size_t length, at;
    bool open, signaled;
    unsigned reads;
    struct overlapped *reading;
    void *buffer;
    dword wanted;
    FILE *file; /* DISK */
};
static struct item items[2 * MOST_STREAMS];
static uint32_t counter;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static handle encoded(int index) { return (handle)(uintptr_t)((uint64_t)0x71 << 48 | (uint64_t)items[index].generation << 16 | (uint64_t)(index + 1)); }

static struct item *item_of(handle of, enum what what) {
    for (int n = 0; n < 2 * MOST_STREAMS; n++)
        if (items[n].what != NOTHING && encoded(n) == of) return what == NOTHING || items[n].what == what ? &items[n] : NULL;
    return NULL;
}

static handle item_new(struct item item) {
    pthread_mutex_lock(&mutex);
    handle made = NULL;
    for (int n = 0; n < 2 * MOST_STREAMS && !made; n++) {
        if (items[n].what != NOTHING) continue;
        items[n] = item;
        items[n].generation = ++counter;
        made = encoded(n);
    }
    pthread_mutex_unlock(&mutex);
    return made;
}

handle stream_new(char *text, size_t length, bool stays_open) {
    return item_new((struct item){.what = STREAM, .text = text, .length = length, .open = stays_open});
}

bool stream_drained(handle of) {
    pthread_mutex_lock(&mutex);
    struct item *stream = item_of(of, STREAM);
    bool drained = !stream || stream->length - stream->at <= PIPE_BYTES;
    pthread_mutex_unlock(&mutex);
    return drained;
}

void stream_cut_writer(handle of) {
    pthread_mutex_lock(&mutex);
    struct item *stream = item_of(of, STREAM);
    if (stream) stream->open = false;
    pthread_mutex_unlock(&mutex);
}

static void gone(struct item *item) {
    free(item->text);
    if (item->file) fclose(item->file);
    item->what = NOTHING;
}

void stream_cut(handle of) {
    pthread_mutex_lock(&mutex);
    struct item *stream = item_of(of, STREAM);
    if (stream) gone(stream);
    pthread_mutex_unlock(&mutex);
}

int handles_open(void) {
    int count = 0;
    for (int n = 0; n < 2 * MOST_STREAMS; n++) count += items[n].what != NOTHING;
    return count;
}

static void settled(struct item *stream, uint64_t code, dword bytes) {
    struct item *event = item_of(stream->reading->event, EVENT);
    stream->reading->internal = code;
    stream->reading->bytes = bytes;
    stream->reading = NULL;
    if (event) event->signaled = true;
}

/* Move what there is for a read that is under way: one byte first, then pieces of several sizes. */
static void moved(struct item *stream) {
    static const dword PIECES[] = {1, 7, 4096, 333, 65536};
    if (!stream->reading) return;
    size_t rest = stream->length - stream->at;
    if (!rest && stream->open) return;
    if (!rest) { settled(stream, BROKEN_PIPE, 0); return; }
    dword bytes = PIECES[stream->reads++ % 5];
    if (bytes > stream->wanted) bytes = stream->wanted;
    if (bytes > rest) bytes = (dword)rest;
    memcpy(stream->buffer, stream->text + stream->at, bytes);
    stream->at += bytes;
    settled(stream, 0, bytes);
}

EXPORT int32_t kernel32_ReadFile(handle of, void *buffer, dword bytes, dword *read, struct overlapped *overlapped) {
    pthread_mutex_lock(&mutex);
    struct item *item = item_of(of, NOTHING);
    int32_t done = 0;
    errno = INVALID_HANDLE;
    if (item && item->what == DISK && !overlapped && read) {
        *read = (dword)fread(buffer, 1, bytes, item->file);
        done = 1;
    } else if (item && item->what == STREAM && overlapped && !item->reading) {
        *item = (struct item){.what = STREAM, .generation = item->generation, .text = item->text, .length = item->length, .at = item->at,
            .open = item->open, .reads = item->reads, .reading = overlapped, .buffer = buffer, .wanted = bytes};
        overlapped->internal = PENDING;
        struct item *event = item_of(overlapped->event, EVENT);
        if (event) event->signaled = false;
        errno = PENDING;
    } else if (item) {
        violation("ReadFile: a pipe is read with an OVERLAPPED, one read at a time");
        errno = INVALID_PARAMETER;
    } else violation("ReadFile: no open handle %p", of);
    pthread_mutex_unlock(&mutex);
    return done;
}

EXPORT dword kernel32_WaitForSingleObject(handle of, dword ms) {
    int64_t end = now_ms() + ms;
    while (true) {
        pthread_mutex_lock(&mutex);
        struct item *event = item_of(of, EVENT);
        if (!event) violation("WaitForSingleObject: no open event %p", of);
        for (int n = 0; n < 2 * MOST_STREAMS; n++)
            if (items[n].what == STREAM && items[n].reading && items[n].reading->event == of) moved(&items[n]);
        bool signaled = event && event->signaled;
        pthread_mutex_unlock(&mutex);
        if (!event) { errno = INVALID_HANDLE; return 0xFFFFFFFFu; }
        if (signaled) return 0;
        if (now_ms() >= end) return WAIT_OVER;
        pause_ms(1);
    }
}

EXPORT int32_t kernel32_GetOverlappedResult(handle of, struct overlapped *overlapped, dword *bytes, int32_t wait) {
    if (wait) while (kernel32_WaitForSingleObject(overlapped->event, 1000) == WAIT_OVER) continue;
    pthread_mutex_lock(&mutex);
    struct item *stream = item_of(of, STREAM);
    if (!stream) violation("GetOverlappedResult: no open pipe %p", of);
    errno = overlapped->internal == PENDING ? INCOMPLETE : (int)overlapped->internal;
    *bytes = (dword)overlapped->bytes;
    pthread_mutex_unlock(&mutex);
    return overlapped->internal == 0;
}

EXPORT int32_t kernel32_CancelIoEx(handle of, struct overlapped *overlapped) {
    pthread_mutex_lock(&mutex);
    struct item *stream = item_of(of, STREAM);
    bool there = stream && stream->reading == overlapped;
    if (there) settled(stream, ABORTED, 0);
    pthread_mutex_unlock(&mutex);
    errno = 0x490;
    return there;
}

EXPORT handle kernel32_CreateEventW(const void *security, int32_t manual, int32_t initial, const wide *name) {
    if (security || !manual || initial || name) violation("CreateEventW: not the event that a read needs");
    return item_new((struct item){.what = EVENT});
}

EXPORT int32_t kernel32_CloseHandle(handle of) {
    pthread_mutex_lock(&mutex);
    struct item *item = item_of(of, NOTHING);
    if (!item) violation("CloseHandle: no open handle %p", of);
    else if (item->reading) violation("CloseHandle: a read is under way");
    if (item) gone(item);
    pthread_mutex_unlock(&mutex);
    errno = INVALID_HANDLE;
    return item != NULL;
}

/* A file of an attached layer's volume, which shows the files of the layers below once it is prepared. */
static FILE *of_volume(struct machine *machine, const char *path, bool writes) {
    size_t length = strcspn(path + 4, "\\") + 5;
    char *volume = format("%.*s", (int)length, path);
    struct layer *layer = layer_of_volume(machine, volume);
    free(volume);
    if (!layer || strlen(path) <= length) return NULL;
    char *inside = format("%s\\volume\\%s", layer->path, path + length), *file = local(inside);
    FILE *found = fopen(file, writes ? "wb" : "rb");
    free(inside);
    free(file);
    for (const char *parent = layer->parents; !writes && !found && layer->prepared && *parent;) {
        size_t size = strcspn(parent, "|");
        inside = format("%.*s\\Files\\%s", (int)size, parent, path + length);
        file = local(inside);
        found = fopen(file, "rb");
        free(inside);
        free(file);
        parent += size + (parent[size] == '|');
    }
    return found;
}

EXPORT handle kernel32_CreateFileW(const wide *name, dword access, dword share, const void *security, dword how, dword flags, handle template) {
    char *path = utf8(name);
    struct machine *machine = again();
    bool writes = access & 0x40000000u;
    if (security || template || flags & ~0x80u || share > 1 || how != (writes ? 2u : 3u)) violation("CreateFileW: not how a small file is opened: %s", path);
    FILE *file = NULL;
    if (!strncmp(path, "\\\\?\\Volume{", 11)) file = of_volume(machine, path, writes);
    else violation("CreateFileW: %s is on no volume of a layer", path);
    leave(machine);
    free(path);
    errno = FILE_NOT_FOUND;
    return file ? item_new((struct item){.what = DISK, .file = file}) : (handle)(intptr_t)-1;
}

EXPORT int32_t kernel32_WriteFile(handle of, const void *buffer, dword bytes, dword *wrote, struct overlapped *overlapped) {
    pthread_mutex_lock(&mutex);
    struct item *item = item_of(of, DISK);
    if (!item || overlapped || !wrote) violation("WriteFile: not how a small file is written");
    else *wrote = (dword)fwrite(buffer, 1, bytes, item->file);
    pthread_mutex_unlock(&mutex);
    errno = INVALID_HANDLE;
    return item && *wrote == bytes;
}

/* Rights: a descriptor is its text, and a folder has an owner that the control file may name. */
EXPORT int32_t advapi32_ConvertStringSecurityDescriptorToSecurityDescriptorW(const wide *text, dword revision, handle *out, dword *size) {
    char *sddl = utf8(text);
    if (revision != 1 || size) violation("ConvertStringSecurityDescriptor: revision 1, and no size");
    *out = given(sddl, BY_LOCAL);
    free(sddl);
    return 1;
}

struct attributes { dword length; const wide *descriptor; int32_t inherit; };
EXPORT int32_t kernel32_CreateDirectoryW(const wide *name, const struct attributes *attributes) {
    char *path = utf8(name), *here = local(path), *sddl = attributes ? utf8(attributes->descriptor) : NULL;
    if (!sddl || attributes->length != sizeof *attributes || !strstr(sddl, "D:P(")) violation("CreateDirectoryW: %s is open to others", path);
    int made = mkdir(here, 0700);
    errno = made == 0 ? 0 : errno == EEXIST ? 183 : PATH_NOT_FOUND;
    free(path);
    free(here);
    free(sddl);
    return made == 0;
}

EXPORT dword advapi32_GetNamedSecurityInfoW(const wide *name, dword type, dword what, handle *owner, handle *group, handle *dacl, handle *sacl, handle *descriptor) {
    char *path = utf8(name);
    bool there = file_there(path);
    if (type != 1 || what != 1 || group || dacl || sacl) violation("GetNamedSecurityInfoW: more than the owner is asked of %s", path);
    free(path);
    if (!there) return FILE_NOT_FOUND;
    struct control is = control();
    *descriptor = lent(sid_of(is.owner, NULL), BY_LOCAL);
    sid_of(is.owner, *descriptor);
    *owner = *descriptor;
    return 0;
}

EXPORT handle kernel32_LocalFree(handle text) { taken_back(text, BY_LOCAL, "LocalFree"); return NULL; }
EXPORT void ole32_CoTaskMemFree(handle text) { taken_back(text, BY_TASK, "CoTaskMemFree"); }
#endif
