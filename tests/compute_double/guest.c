/* What the guest of a virtual machine is shown: folders, disks, layers over a disk; and the
 * containers that it hosts, which end with it.
 *
 * Source: microsoft/hcsshim:internal/uvm/{vsmb,combine_layers}.go, internal/uvm/scsi/backend.go,
 * internal/hcsoci/create.go; what a guest answers where something is missing is inferred
 */
#include "double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DENIED = 5, NO_PATH = 3, NOT_FOUND = 2, EXISTS = 0xB7, ELEMENT_NOT_FOUND = 0x490 };
static const char SHARES[] = "VirtualMachine/Devices/VirtualSmb/Shares";
static const char DISKS[] = "VirtualMachine/Devices/Scsi/";
static const char GUEST[] = "\\\\?\\VMSMB\\VSMB-{dcc079ae-60ba-4d07-847c-3493609c0870}\\";

static struct shown *shown_at(struct machine *machine, const struct system *of, enum shown_kind kind, const char *guest) {
    for (int n = 0; n < MOST_SHOWN; n++) {
        struct shown *row = &machine->shown[n];
        if (row->kind == kind && row->of == of->generation && same(row->guest, guest)) return row;
    }
    return NULL;
}

static hresult show(struct machine *machine, const struct system *of, enum shown_kind kind, const char *guest, const char *host) {
    for (int n = 0; n < MOST_SHOWN; n++) {
        struct shown *row = &machine->shown[n];
        if (row->kind != SHOWN_NOTHING) continue;
        *row = (struct shown){.kind = kind, .of = of->generation};
        snprintf(row->guest, sizeof row->guest, "%s", guest);
        snprintf(row->host, sizeof row->host, "%s", host);
        return OK;
    }
    return HCS_(0x104);
}

/* Join the names of the shares that layers name by the guest's paths; each has the id of its folder. */
static char *layers_of(struct machine *machine, const struct system *of, const struct json *layers, int *build, hresult *why) {
    char *all = format("%s", "");
    if (!json_count(layers)) *why = HCS_(0x112);
    for (const struct json *row = layers ? layers->first : NULL; row && !*why; row = row->next) {
        const char *path = json_text(row, "Path");
        bool inside = !strncmp(path, GUEST, sizeof GUEST - 1);
        struct shown *share = inside ? shown_at(machine, of, SHOWN_SHARE, path + sizeof GUEST - 1) : NULL;
        if (!share) { *why = WIN32_(NO_PATH); break; }
        char *id = guid_text(name_to_guid(last_part(share->host)));
        if (!same(id, json_text(row, "Id"))) *why = HCS_(0x112);
        free(id);
        *build = image_build(share->host);
        char *longer = format("%s%s%s", all, *all ? "|" : "", share->guest);
        free(all);
        all = longer;
    }
    return all;
}

static hresult share_added(struct machine *machine, const struct system *of, const struct json *settings) {
    const char *name = json_text(settings, "Name"), *path = json_text(settings, "Path");
    if (!*name) return HCS_(0x10D);
    if (shown_at(machine, of, SHOWN_SHARE, name)) return WIN32_(EXISTS);
    return file_there(path) ? show(machine, of, SHOWN_SHARE, name, path) : WIN32_(NO_PATH);
}

static hresult disk_added(struct machine *machine, const struct system *of, const char *where, const struct json *request) {
    const char *path = json_text(request, "Settings/Path");
    char controller[80];
    unsigned lun;
    if (sscanf(where, "%79[^/]/Attachments/%u", controller, &lun) != 2) return HCS_(0x10D);
    if (!same(controller, of->controller)) return HCS_(0x120);
    if (!file_there(path)) return WIN32_(NOT_FOUND);
    if (!is_granted(machine, of->id, path)) return WIN32_(DENIED);
    if (lun == 0 && *of->volume) return WIN32_(EXISTS);
    /* The guest looks for the disk where it is told that it is. */
    if (strcmp(json_text(request, "GuestRequest/ResourceType"), "MappedVirtualDisk")) return OK;
    if (json_number(request, "GuestRequest/Settings/Lun") != lun) return WIN32_(ELEMENT_NOT_FOUND);
    return show(machine, of, SHOWN_DISK, json_text(request, "GuestRequest/Settings/ContainerPath"), path);
}

static hresult combined(struct machine *machine, const struct system *of, const struct json *settings) {
    const char *root = json_text(settings, "ContainerRootPath");
    hresult why = OK;
    int build = 0;
    if (!shown_at(machine, of, SHOWN_DISK, root)) return WIN32_(NO_PATH);
    char *layers = layers_of(machine, of, json_at(settings, "Layers"), &build, &why);
    if (!why) why = show(machine, of, SHOWN_UNION, root, layers);
    free(layers);
    return why;
}

/* The parts of a request whose form hangs on what it is about. */
static char *guest_misfit(const struct json *request, int build) {
    const struct json *settings = json_at(request, "Settings"), *guest = json_at(request, "GuestRequest");
    const char *path = json_text(request, "ResourcePath"), *type = json_text(guest, "ResourceType");
    char *wrong = NULL;
    if (settings && !strcmp(path, SHARES)) wrong = misfit("Share", settings, build);
    if (settings && !strncmp(path, DISKS, sizeof DISKS - 1)) wrong = misfit("Attachment", settings, build);
    if (!wrong && guest) wrong = misfit("GuestRequest", guest, build);
    if (!wrong && guest && (!strcmp(type, "MappedVirtualDisk") || !strcmp(type, "CombinedLayers"))) wrong = misfit(type, json_at(guest, "Settings"), build);
    return wrong;
}

hresult guest_modified(struct machine *machine, const struct system *system, const struct json *request, char **error) {
    const char *path = json_text(request, "ResourcePath");
    char *wrong = guest_misfit(request, control().build);
    if (wrong) {
        *error = result_error(HCS_(0x10D), "The virtual machine or container JSON document is invalid.", wrong);
        free(wrong);
        return HCS_(0x10D);
    }
    bool share = !strcmp(path, SHARES), disk = !strncmp(path, DISKS, sizeof DISKS - 1);
    const struct json *guest = json_at(request, "GuestRequest");
    if (!share && !disk && !guest) return OK;
    if (strcmp(system->type, "VirtualMachine") || (guest && !system->guest) || (guest && system->state != RUNNING)) return HCS_(0x120);
    if (share) return share_added(machine, system, json_at(request, "Settings"));
    if (disk) return disk_added(machine, system, path + sizeof DISKS - 1, request);
    if (!strcmp(json_text(guest, "ResourceType"), "CombinedLayers")) return combined(machine, system, json_at(guest, "Settings"));
    return HCS_(0x10B);
}

/* A container in a machine: it runs, and its guest has laid the same layers over each other there. */
hresult check_hosted(struct machine *machine, const struct json *document, struct system *system) {
    struct system *host = system_named(machine, json_text(document, "HostingSystemId"));
    const struct json *storage = json_at(document, "HostedSystem/Container/Storage");
    hresult why = OK;
    if (!host || host->state != RUNNING || !host->guest) return HCS_(0x10E);
    system->guest = true;
    system->host = host->generation;
    struct shown *laid = shown_at(machine, host, SHOWN_UNION, json_text(storage, "Path"));
    char *layers = layers_of(machine, host, json_at(storage, "Layers"), &system->build, &why);
    if (!why && (!laid || strcmp(laid->host, layers))) why = WIN32_(NO_PATH);
    free(layers);
    if (!why && system->build > control().build) why = HCS_(0x101);
    return why;
}

/* What a machine was shown goes with it, and so do its containers. */
void guest_ended(struct machine *machine, const struct system *system) {
    for (int n = 0; n < MOST_SHOWN; n++)
        if (machine->shown[n].of == system->generation) machine->shown[n] = (struct shown){.kind = SHOWN_NOTHING};
    for (int n = 0; n < MOST_SYSTEMS; n++) {
        struct system *row = &machine->systems[n];
        if (row->state != FREE && row->host == system->generation) system_end(row, "UnexpectedExit", "UnexpectedExit");
    }
}

/* Whether a machine has a disk that lies below a folder. */
bool disk_in_use(const struct machine *machine, const char *folder) {
    for (int n = 0; n < MOST_SHOWN; n++) {
        const struct shown *row = &machine->shown[n];
        size_t length = strlen(folder);
        if (row->kind == SHOWN_DISK && strlen(row->host) > length && !strncmp(row->host, folder, length) && row->host[length] == '\\') return true;
    }
    return false;
}
