/* Layers: the storage exports of vmcompute.dll, and the hives of offreg.dll.
 *
 * Source: microsoft/hcsshim:internal/wclayer, internal/vmcompute/vmcompute.go;
 * learn.microsoft.com/windows/win32/devnotes/offline-registry-library-functions
 */
#include "double.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef _WIN32
#include <direct.h>
#define MAKE_FOLDER(path) _mkdir(path)
#else
#define MAKE_FOLDER(path) mkdir(path, 0700)
#endif

enum { NOT_FOUND = 2, NO_PATH = 3, SHARING = 0x20, ELEMENT_NOT_FOUND = 0x490, TOO_SMALL = 0x7A };
static const char *const HIVES[] = {"DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM"};

const char *last_part(const char *path) {
    const char *last = path;
    for (const char *at = path; *at; at++) if ((*at == '\\' || *at == '/') && at[1]) last = at + 1;
    return last;
}

/* Windows' own algorithm is not public; the ids need only be the same for the same name. */
guid name_to_guid(const char *name) {
    uint64_t hash[2] = {0xcbf29ce484222325u, 0x84222325cbf29ce4u};
    for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
        unsigned char low = (unsigned char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
        for (int n = 0; n < 2; n++) hash[n] = (hash[n] ^ (unsigned)(low + n)) * 0x100000001b3u;
    }
    guid id;
    memcpy(&id, hash, sizeof id);
    id.c = (uint16_t)((id.c & 0x0FFF) | 0x5000);
    id.d[0] = (uint8_t)((id.d[0] & 0x3F) | 0x80);
    return id;
}

char *guid_text(guid id) {
    return format("%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", id.a, id.b, id.c, id.d[0], id.d[1], id.d[2], id.d[3], id.d[4], id.d[5], id.d[6], id.d[7]);
}

/* The lab says of an image's base which build it is of; a real one says so in its registry. */
int image_build(const char *layer_path) {
    char *windows = format("%s\\lab-build.txt", layer_path), *path = local(windows);
    char *blank = format("%s\\blank.vhdx", layer_path);
    int build = 0;
    FILE *in = fopen(path, "rb");
    if (in && fscanf(in, "%d", &build) != 1) build = 0;
    if (in) fclose(in);
    if (!build && file_there(blank)) build = control().image_build;
    free(windows);
    free(path);
    free(blank);
    return build;
}

int layers_attached(const struct machine *machine) {
    int count = 0;
    for (int n = 0; n < MOST_LAYERS; n++) count += machine->layers[n].active || machine->layers[n].prepared;
    return count;
}

static char *volume_of(const struct layer *layer) { return format("\\\\?\\Volume{%08x-0000-0000-0000-100000000000}\\", layer->number); }

struct layer *layer_of_volume(struct machine *machine, const char *volume) {
    for (int n = 0; n < MOST_LAYERS; n++) {
        if (!machine->layers[n].active) continue;
        char *own = volume_of(&machine->layers[n]);
        bool is = same(own, volume);
        free(own);
        if (is) return &machine->layers[n];
    }
    return NULL;
}

static struct layer *layer_at(struct machine *machine, const char *path, bool make) {
    struct layer *empty = NULL;
    for (int n = 0; n < MOST_LAYERS; n++) {
        if (same(machine->layers[n].path, path)) return &machine->layers[n];
        if (!empty && !*machine->layers[n].path) empty = &machine->layers[n];
    }
    if (!make || !empty) return NULL;
    *empty = (struct layer){.number = ++machine->generation};
    snprintf(empty->path, sizeof empty->path, "%s", path);
    return empty;
}

static bool make_file(const char *folder, const char *name) {
    char *windows = format("%s\\%s", folder, name), *path = local(windows);
    FILE *out = fopen(path, "wb");
    if (out) { fprintf(out, "double of a disk\n"); fclose(out); }
    free(windows);
    free(path);
    return out != NULL;
}

/* What all these calls have in common: the driver's name, the path, and what is planted. */
static struct machine *entered(const char *export, const driver_info *driver, const wide *id, const char *more, char **path, hresult *why) {
    struct fault fault;
    *path = utf8(id);
    struct machine *machine = enter(export, &fault, "%s %s", *path ? *path : "NULL", more);
    *why = OK;
    if (driver && (driver->flavour != 1 || !driver->home || *driver->home)) { violation("%s: the driver is {1, \"\"}", export); *why = E_INVALIDARG_; }
    if (!*path || !**path) *why = E_INVALIDARG_;
    if (fault.action == HANG) {
        leave(machine);
        pause_ms(fault.ms);
        machine = again();
    }
    if (fault.action == REFUSE || fault.action == FAIL) *why = fault.code;
    return machine;
}

static hresult left(struct machine *machine, char *path, hresult why) {
    leave(machine);
    free(path);
    return why;
}

/* Join the parents' paths; each has its id, and its folder Files. */
static char *parents_of(const char *export, const layer_descriptor *rows, uint32_t count, hresult *why) {
    char *all = format("%s", "");
    if (!count || !rows) *why = E_INVALIDARG_;
    for (uint32_t n = 0; rows && n < count; n++) {
        char *path = utf8(rows[n].path);
        guid right = name_to_guid(last_part(path ? path : ""));
        if (!path || memcmp(&right, &rows[n].id, sizeof right) || rows[n].flags) violation("%s: parent %u is not described as it is", export, n);
        char *files = format("%s\\Files", path ? path : "");
        if (!*why && !file_there(path ? path : "")) *why = WIN32_(NO_PATH);
        if (!*why && !file_there(files)) *why = WIN32_(NOT_FOUND);
        char *longer = format("%s%s%s", all, *all ? "|" : "", path ? path : "");
        free(files);
        free(path);
        free(all);
        all = longer;
    }
    return all;
}

EXPORT hresult vmcompute_CreateSandboxLayer(const driver_info *driver, const wide *id, uintptr_t parent, const layer_descriptor *rows, uint32_t count) {
    char *path;
    hresult why, wrong = OK;
    char *parents = parents_of("CreateSandboxLayer", rows, count, &wrong);
    struct machine *machine = entered("CreateSandboxLayer", driver, id, parents, &path, &why);
    if (parent) violation("CreateSandboxLayer: the old parent is 0");
    if (!why) why = wrong;
    const char *base = strrchr(parents, '|') ? strrchr(parents, '|') + 1 : parents;
    char *blank = format("%s\\blank.vhdx", base);
    if (!why && !file_there(path)) why = WIN32_(NO_PATH);
    if (!why && !file_there(blank)) why = WIN32_(NOT_FOUND);
    if (!why) {
        struct layer *layer = layer_at(machine, path, true);
        layer->sandbox = make_file(path, "sandbox.vhdx");
        char *volume = format("%s\\volume", path), *folder = local(volume);
        MAKE_FOLDER(folder);
        free(volume);
        free(folder);
    }
    free(blank);
    free(parents);
    return left(machine, path, why);
}

EXPORT hresult vmcompute_ActivateLayer(const driver_info *driver, const wide *id) {
    char *path;
    hresult why;
    struct machine *machine = entered("ActivateLayer", driver, id, "", &path, &why);
    struct layer *layer = layer_at(machine, path, false);
    if (!why && (!layer || !layer->sandbox)) why = WIN32_(NOT_FOUND);
    if (!why && layer->active) why = WIN32_(SHARING);
    if (!why) layer->active = true;
    return left(machine, path, why);
}

EXPORT hresult vmcompute_PrepareLayer(const driver_info *driver, const wide *id, const layer_descriptor *rows, uint32_t count) {
    char *path;
    hresult why, wrong = OK;
    char *parents = parents_of("PrepareLayer", rows, count, &wrong);
    struct machine *machine = entered("PrepareLayer", driver, id, parents, &path, &why);
    struct layer *layer = layer_at(machine, path, false);
    if (!why) why = wrong;
    if (!why && (!layer || !layer->active)) why = WIN32_(NO_PATH);
    if (!why && layer->prepared) why = WIN32_(SHARING);
    if (!why) {
        layer->prepared = true;
        snprintf(layer->parents, sizeof layer->parents, "%s", parents);
    }
    free(parents);
    return left(machine, path, why);
}

EXPORT hresult vmcompute_GetLayerMountPath(const driver_info *driver, const wide *id, size_t *characters, wide *buffer) {
    char *path;
    hresult why;
    struct machine *machine = entered("GetLayerMountPath", driver, id, buffer ? "buffer" : "length", &path, &why);
    struct layer *layer = layer_at(machine, path, false);
    if (!why && (!layer || !layer->active)) why = WIN32_(NO_PATH);
    if (!why) {
        char *volume = volume_of(layer);
        size_t length = strlen(volume) + 1;
        if (buffer && *characters < length) why = WIN32_(TOO_SMALL);
        else if (buffer) {
            wide *text = utf16(volume);
            memcpy(buffer, text, length * sizeof *text);
            free(text);
        }
        *characters = length;
        free(volume);
    }
    return left(machine, path, why);
}

static bool in_use(const struct machine *machine, const struct layer *layer) {
    char *volume = volume_of(layer);
    bool used = false;
    for (int n = 0; n < MOST_SYSTEMS; n++) used |= machine->systems[n].state == RUNNING && same(machine->systems[n].volume, volume);
    free(volume);
    return used;
}

EXPORT hresult vmcompute_UnprepareLayer(const driver_info *driver, const wide *id) {
    char *path;
    hresult why;
    struct machine *machine = entered("UnprepareLayer", driver, id, "", &path, &why);
    struct layer *layer = layer_at(machine, path, false);
    if (!why && (!layer || !layer->prepared)) why = WIN32_(ELEMENT_NOT_FOUND);
    if (!why && in_use(machine, layer)) why = WIN32_(SHARING);
    if (!why) layer->prepared = false;
    return left(machine, path, why);
}

EXPORT hresult vmcompute_DeactivateLayer(const driver_info *driver, const wide *id) {
    char *path;
    hresult why;
    struct machine *machine = entered("DeactivateLayer", driver, id, "", &path, &why);
    struct layer *layer = layer_at(machine, path, false);
    if (!why && (!layer || !layer->active)) why = WIN32_(ELEMENT_NOT_FOUND);
    if (!why && (layer->prepared || in_use(machine, layer))) why = WIN32_(SHARING);
    if (!why) layer->active = false;
    return left(machine, path, why);
}

static void removed(const char *path) {
    DIR *folder = opendir(path);
    for (struct dirent *row = folder ? readdir(folder) : NULL; row; row = readdir(folder)) {
        if (!strcmp(row->d_name, ".") || !strcmp(row->d_name, "..")) continue;
        char *below = format("%s/%s", path, row->d_name);
        if (remove(below)) removed(below);
        free(below);
    }
    if (folder) closedir(folder);
    rmdir(path);
}

EXPORT hresult vmcompute_DestroyLayer(const driver_info *driver, const wide *id) {
    char *path;
    hresult why;
    struct machine *machine = entered("DestroyLayer", driver, id, "", &path, &why);
    struct layer *layer = layer_at(machine, path, false);
    if (!why && !file_there(path)) why = WIN32_(NO_PATH);
    if (!why && ((layer && (layer->active || layer->prepared)) || disk_in_use(machine, path))) why = WIN32_(SHARING);
    if (!why) {
        char *folder = local(path);
        removed(folder);
        free(folder);
        if (layer) *layer = (struct layer){.number = 0};
    }
    return left(machine, path, why);
}

EXPORT hresult vmcompute_ProcessBaseImage(const wide *id) {
    char *path;
    hresult why;
    struct machine *machine = entered("ProcessBaseImage", NULL, id, "", &path, &why);
    for (int n = 0; !why && n < 5; n++) {
        char *hive = format("%s\\Files\\Windows\\System32\\config\\%s", path, HIVES[n]);
        if (!file_there(hive)) why = WIN32_(NOT_FOUND);
        free(hive);
    }
    if (!why) make_file(path, "blank-base.vhdx");
    if (!why && !make_file(path, "blank.vhdx")) why = WIN32_(NO_PATH);
    return left(machine, path, why);
}

EXPORT hresult vmcompute_NameToGuid(const wide *name, guid *out) {
    char *text;
    hresult why;
    struct machine *machine = entered("NameToGuid", NULL, name, "", &text, &why);
    if (!why) *out = name_to_guid(text);
    return left(machine, text, why);
}

/* An offline hive is a handle and nothing else until it is saved. */
static int hives;

EXPORT dword offreg_ORCreateHive(handle *out) {
    struct fault fault;
    struct machine *machine = enter("ORCreateHive", &fault, "%s", "");
    bool refused = fault.action == REFUSE;
    if (!refused) { *out = (handle)(uintptr_t)0x6B000001; hives++; }
    leave(machine);
    return refused ? (dword)fault.code & 0xFFFF : 0;
}

EXPORT dword offreg_ORSaveHive(handle hive, const wide *path, dword major, dword minor) {
    char *file = utf8(path);
    struct fault fault;
    struct machine *machine = enter("ORSaveHive", &fault, "%s %u.%u", file ? file : "NULL", major, minor);
    if (hive != (handle)(uintptr_t)0x6B000001 || hives <= 0) violation("ORSaveHive: no open hive");
    dword why = fault.action == REFUSE ? (dword)fault.code & 0xFFFF : file_there(file) ? 183 : 0;
    char *here = local(file);
    FILE *out = why ? NULL : fopen(here, "wb");
    if (out) { fputs("regf", out); fclose(out); }
    else if (!why) why = NO_PATH;
    free(here);
    free(file);
    leave(machine);
    return why;
}

EXPORT dword offreg_ORCloseHive(handle hive) {
    struct fault fault;
    struct machine *machine = enter("ORCloseHive", &fault, "%s", "");
    if (hive != (handle)(uintptr_t)0x6B000001 || hives <= 0) violation("ORCloseHive: no open hive");
    hives--;
    leave(machine);
    return 0;
}
