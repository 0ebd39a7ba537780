/* Compute systems of schema 2 and their operations: computecore.dll.
 *
 * Source: microsoft/win32metadata:generation/WinSDK/RecompiledIdlHeaders/um/computecore.h;
 * MicrosoftDocs/Virtualization-Documentation:virtualization/api/hcs/Reference;
 * microsoft/hcsshim:internal/hcs/system.go (which state forbids what)
 */
#include "double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OPERATIONS = 128, MOST_HANDLES = 128, INFINITE_MS = -1 };
enum kind { ENUMERATE, CREATE, START, SHUTDOWN, TERMINATE, PROPERTIES, MODIFY, PROCESS_CREATE, PROCESS_TERMINATE, PROCESS_INFO, PROCESS_PROPERTIES };
struct operation {
    bool used, running, done, closed, cancelled, info_wanted;
    uint32_t generation, order;
    int waiting;
    enum kind kind;
    int64_t ready_at;
    hresult planned, result;
    char planned_text[200];
    char *document;
    handle system, process_handle;
    struct process *process;
    struct json *asked;
};
struct opened { bool used, dead; uint32_t generation, slot, system; };

static struct operation operations[MOST_OPERATIONS];
static struct opened handles[MOST_HANDLES];
static uint32_t counter;

/* A handle holds its table's tag and a generation, so that one that was closed is noticed. */
static handle encoded(uint64_t tag, uint32_t generation, int index) {
    return (handle)(uintptr_t)(tag << 48 | (uint64_t)(generation & 0xFFFFFFu) << 16 | (uint64_t)(index + 1));
}
#define SYSTEM_TAG 0x51u
#define OPERATION_TAG 0x0Bu

static struct operation *operation_of(handle of, const char *export) {
    for (int n = 0; n < MOST_OPERATIONS; n++)
        if (operations[n].used && !operations[n].closed && encoded(OPERATION_TAG, operations[n].generation, n) == of) return &operations[n];
    violation("%s: no open operation %p", export, of);
    return NULL;
}

static struct opened *handle_of(handle of) {
    for (int n = 0; n < MOST_HANDLES; n++)
        if (handles[n].used && encoded(SYSTEM_TAG, handles[n].generation, n) == of) return &handles[n];
    return NULL;
}

static struct opened *opened_of(handle of, const char *export) {
    struct opened *row = handle_of(of);
    if (!row) violation("%s: no open system %p", export, of);
    return row;
}

handle system_handle(struct machine *machine, struct system *system) {
    for (int n = 0; n < MOST_HANDLES; n++) {
        if (handles[n].used) continue;
        handles[n] = (struct opened){.used = true, .generation = ++counter, .slot = (uint32_t)(system - machine->systems), .system = system->generation};
        system_hold(system, 1);
        return encoded(SYSTEM_TAG, handles[n].generation, n);
    }
    return NULL;
}

static struct system *system_of(struct machine *machine, const struct opened *row, hresult *why) {
    if (!row) { *why = E_HANDLE_; return NULL; }
    struct system *system = &machine->systems[row->slot];
    if (!row->dead && system->state != FREE && system->generation == row->system) return system;
    *why = row->dead ? HCS_(0x11E) : HCS_(0x10E);
    return NULL;
}

struct system *held_system(struct machine *machine, handle of, const char *export, hresult *why) {
    return system_of(machine, opened_of(of, export), why);
}

/* A request runs on where its operation and its handle were closed: no mistake of the caller's. */
static struct system *system_behind(struct machine *machine, handle of, hresult *why) {
    return system_of(machine, handle_of(of), why);
}

void close_system_handle(struct machine *machine, handle of, const char *export) {
    struct opened *row = opened_of(of, export);
    if (!row) return;
    struct system *system = &machine->systems[row->slot];
    row->used = false;
    if (system->state == FREE || system->generation != row->system) return;
    system_hold(system, -1);
    int held = 0;
    for (int n = 0; n < MOST_HOLDERS; n++) held += system->holders[n].count;
    if (held) return;
    if (system->ends_with_handles) system_end(system, "ForcedExit", "Terminate"); /* E9 */
    if (system->state == STOPPED || system->state == CREATING) system->state = FREE;
}

int systems_open(void) {
    int count = 0;
    for (int n = 0; n < MOST_HANDLES; n++) count += handles[n].used;
    return count;
}

int operations_open(void) {
    int count = 0;
    for (int n = 0; n < MOST_OPERATIONS; n++) count += operations[n].used && !operations[n].closed;
    return count;
}

static void finish(struct operation *op, hresult result, char *document) {
    op->running = false;
    op->done = true;
    op->result = result;
    free(op->document);
    op->document = document;
}

/* What runs is lost and what is open is dead: HCS_E_SERVICE_DISCONNECT. */
void service_restarted(void) {
    for (int n = 0; n < MOST_OPERATIONS; n++)
        if (operations[n].used && operations[n].running) finish(&operations[n], HCS_(0x11E), NULL);
    for (int n = 0; n < MOST_HANDLES; n++) if (handles[n].used) handles[n].dead = true;
}

/* A failed request says so in a ResultError: schema reference, ResultError. */
char *result_error(hresult code, const char *message, const char *event) {
    char *text = quoted(message), *told = quoted(event ? event : message);
    char *out = format(
        "{\"Error\":%d,\"ErrorMessage\":%s,\"ErrorEvents\":[{\"Message\":%s,\"Provider\":\"17103e3f-3c6e-4677-bb17-3b267eb5be57\",\"EventId\":11008}]}",
        code, text, told);
    free(text);
    free(told);
    return out;
}

static const char *const STATES[] = {[CREATING] = "Created", [CREATED] = "Created", [RUNNING] = "Running", [STOPPED] = "Stopped"};

static char *basic(const struct system *system, const char *more) {
    char *id = quoted(system->id), *owner = quoted(system->owner);
    char *out = format("{\"Id\":%s,\"SystemType\":\"%s\",\"RuntimeOsType\":\"Windows\",\"Name\":%s,\"Owner\":%s,\"State\":\"%s\"%s%s%s%s}",
        id, system->type, id, owner, STATES[system->state], system->state == STOPPED ? ",\"Stopped\":true,\"ExitType\":\"" : "",
        system->state == STOPPED ? system->exit_type : "", system->state == STOPPED ? "\"" : "", more);
    free(id);
    free(owner);
    return out;
}

static char *properties(const struct system *system, const struct json *query) {
    char *more = format("%s", "");
    const struct json *types = json_at(query, "PropertyTypes");
    for (const struct json *type = types ? types->first : NULL; type; type = type->next) {
        const char *part = "";
        if (type->type == J_TEXT && !strcmp(type->text, "Statistics"))
            part = ",\"Statistics\":{\"Timestamp\":\"2026-01-01T00:00:00Z\",\"Uptime100ns\":10000000,\"Memory\":{\"MemoryUsageCommitBytes\":33554432}}";
        if (type->type == J_TEXT && !strcmp(type->text, "ProcessList"))
            part = ",\"ProcessList\":[{\"ImageName\":\"smss.exe\",\"ProcessId\":4}]";
        char *longer = format("%s%s", more, part);
        free(more);
        more = longer;
    }
    char *out = basic(system, more);
    free(more);
    return out;
}

static bool listed(const struct json *query, const char *name, const char *text) {
    const struct json *list = json_at(query, name);
    if (!json_count(list)) return true;
    for (const struct json *item = list->first; item; item = item->next)
        if (item->type == J_TEXT && same(item->text, text)) return true;
    return false;
}

static char *enumerated(struct machine *machine, const struct json *query) {
    char *out = format("[");
    for (int n = 0; n < MOST_SYSTEMS; n++) {
        const struct system *row = &machine->systems[n];
        if (row->state == FREE || !listed(query, "Owners", row->owner) || !listed(query, "Ids", row->id) || !listed(query, "Types", row->type)) continue;
        char *one = basic(row, ""), *longer = format("%s%s%s", out, out[1] ? "," : "", one);
        free(one);
        free(out);
        out = longer;
    }
    char *all = format("%s]", out);
    free(out);
    return all;
}

static hresult layers_fit(const struct json *layers, const char *key, int host, int *build) {
    int count = json_count(layers);
    if (!count) return HCS_(0x112);
    for (const struct json *row = layers->first; row; row = row->next) {
        const char *path = json_text(row, "Path");
        char *right = guid_text(name_to_guid(last_part(path)));
        bool wrong = !same(right, json_text(row, key));
        free(right);
        if (!file_there(path)) return WIN32_(3);
        if (wrong) return HCS_(0x112);
        *build = image_build(path);
        if (row->next && *build && image_build(row->next->type == J_OBJECT ? json_text(row->next, "Path") : "") == 0) return HCS_(0x112);
    }
    if (!*build) *build = host;
    return OK;
}

/* Below 20348 the builds are equal, from there on an older one may run: hcsshim osversion/platform_compat_windows.go. */
static bool build_fits(int host, int image) { return host < 20348 ? image == host : image >= 20348 && image <= host; }

static hresult check_container(struct machine *machine, const struct json *body, struct system *system) {
    struct control is = control();
    const char *volume = json_text(body, "Storage/Path");
    hresult wrong = layers_fit(json_at(body, "Storage/Layers"), "Id", is.build, &system->build);
    if (wrong) return wrong;
    struct layer *layer = layer_of_volume(machine, volume);
    if (!layer || !layer->prepared || volume[strlen(volume) - 1] != '\\') return WIN32_(3);
    snprintf(system->volume, sizeof system->volume, "%s", volume);
    return build_fits(is.build, system->build) ? OK : HCS_(0x101);
}

static hresult check_v1(struct machine *machine, const struct json *document, struct system *system) {
    struct control is = control();
    hresult wrong = layers_fit(json_at(document, "Layers"), "ID", is.build, &system->build);
    if (wrong) return wrong;
    system->guest = true;
    if (json_number(document, "HvPartition")) {
        char *disk = format("%s\\sandbox.vhdx", json_text(document, "LayerFolderPath"));
        bool there = file_there(disk) && file_there(json_text(document, "HvRuntime/ImagePath"));
        free(disk);
        if (!is.hypervisor) return HCS_(0x102);
        if (!there) return WIN32_(2);
        return system->build <= is.build ? OK : HCS_(0x101);
    }
    const char *volume = json_text(document, "VolumePath");
    char *whole = format("%s\\", volume);
    struct layer *layer = layer_of_volume(machine, whole);
    free(whole);
    if (!layer || !layer->prepared || !*volume || volume[strlen(volume) - 1] == '\\') return WIN32_(3);
    return build_fits(is.build, system->build) ? OK : HCS_(0x101);
}

/* Firmware that starts a file of the host finds it in the share `os`, or in the folder that it names. */
static bool boots(const struct json *body) {
    const struct json *boot = json_at(body, "Chipset/Uefi/BootThis");
    if (!boot || strcmp(json_text(boot, "DeviceType"), "VmbFs")) return true;
    if (json_at(boot, "VmbFsRootPath")) return file_there(json_text(boot, "VmbFsRootPath"));
    const struct json *shares = json_at(body, "Devices/VirtualSmb/Shares");
    for (const struct json *row = shares ? shares->first : NULL; row; row = row->next)
        if (!strcmp(json_text(row, "Name"), "os")) return file_there(json_text(row, "Path"));
    return false;
}

hresult check_document(struct machine *machine, const struct json *document, struct system *system, char **error) {
    struct control is = control();
    bool first = json_at(document, "SystemType") != NULL;
    char *wrong = misfit(first ? "V1" : "ComputeSystem", document, is.build);
    if (!document || wrong) {
        *error = result_error(HCS_(0x10D), "The virtual machine or container JSON document is invalid.", wrong ? wrong : "It is no JSON.");
        free(wrong);
        return HCS_(0x10D);
    }
    snprintf(system->owner, sizeof system->owner, "%s", json_text(document, "Owner"));
    system->ends_with_handles = json_number(document, first ? "TerminateOnLastHandleClosed" : "ShouldTerminateOnLastHandleClosed");
    const struct json *container = json_at(document, "Container"), *machine_body = json_at(document, "VirtualMachine");
    const struct json *hosted = json_at(document, "HostedSystem/Container");
    snprintf(system->type, sizeof system->type, "%s", machine_body ? "VirtualMachine" : "Container");
    hresult code = HCS_(0x10D);
    if (first) code = check_v1(machine, document, system);
    else if (machine_body) {
        const struct json *attachment = json_at(machine_body, "Devices/Scsi");
        if (attachment && attachment->first) snprintf(system->controller, sizeof system->controller, "%s", attachment->first->name);
        attachment = attachment && attachment->first ? json_at(attachment->first, "Attachments/0") : NULL;
        snprintf(system->volume, sizeof system->volume, "%s", json_text(attachment, "Path"));
        system->guest = json_at(machine_body, "GuestConnection") != NULL;
        code = is.hypervisor ? OK : HCS_(0x102);
        if (!json_number(machine_body, "ComputeTopology/Memory/SizeInMB") || !json_number(machine_body, "ComputeTopology/Processor/Count")) code = HCS_(0x10D);
        if (!code && !boots(machine_body)) code = WIN32_(2);
    } else if (container) {
        system->guest = true;
        code = check_container(machine, container, system);
    } else if (hosted) {
        code = check_hosted(machine, document, system);
    }
    if (code == HCS_(0x102)) {
        char *event = format("Cannot create system '%s' since Hyper-V is not installed on the host.", system->id);
        *error = result_error(code, "The operation could not be started because a required feature is not installed.", event);
        free(event);
    }
    return code;
}

static hresult start(struct machine *machine, struct system *system) {
    if (system->state == STOPPED) return HCS_(0x110);
    if (system->state != CREATED) return HCS_(0x105);
    if (!strcmp(system->type, "VirtualMachine") && *system->volume) {
        if (!file_there(system->volume)) return WIN32_(2);
        if (!is_granted(machine, system->id, system->volume)) return WIN32_(5);
    }
    if (control().containers_exit && !strcmp(system->type, "Container")) {
        system_end(system, "UnexpectedExit", "UnexpectedExit");
        return HCS_(0x106);
    }
    system->state = RUNNING;
    return OK;
}

static hresult modified(struct machine *machine, const struct system *system, const struct json *request, char **error) {
    char *wrong = misfit("Modify", request, control().build);
    if (wrong) {
        *error = result_error(HCS_(0x10D), "The virtual machine or container JSON document is invalid.", wrong);
        free(wrong);
        return HCS_(0x10D);
    }
    if (system->state == STOPPED) return HCS_(0x110);
    if (system->state != RUNNING && system->state != CREATED) return HCS_(0x105);
    return guest_modified(machine, system, request, error);
}

static void complete(struct machine *machine, struct operation *op) {
    hresult why = OK;
    char *document = NULL;
    struct system *system = NULL;
    if (op->planned) {
        if (op->kind == CREATE && op->system && (system = system_behind(machine, op->system, &why))) system_end(system, "UnexpectedExit", "UnexpectedExit");
        finish(op, op->planned, *op->planned_text ? result_error(op->planned, op->planned_text, NULL) : NULL);
        return;
    }
    if (op->kind == ENUMERATE) { finish(op, OK, enumerated(machine, op->asked)); return; }
    if (op->kind == PROCESS_TERMINATE) { process_kill(op->process); finish(op, OK, NULL); return; }
    if (op->kind == PROCESS_PROPERTIES) { bool exited; finish(op, OK, process_status(op->process, &exited)); return; }
    if (op->kind == PROCESS_INFO) { finish(op, OK, NULL); return; }
    system = system_behind(machine, op->system, &why);
    if (!system) { finish(op, why, NULL); return; }
    switch (op->kind) {
        case CREATE:
            why = check_document(machine, op->asked, system, &document);
            if (why) system_end(system, "UnexpectedExit", "HcsApiFatalError");
            else system->state = CREATED; /* E1 */
            break;
        case START: why = start(machine, system); break;
        case SHUTDOWN:
            why = system->state == STOPPED ? HCS_(0x110) : system->state != RUNNING ? HCS_(0x105) : system->guest ? OK : HCS_(0x120);
            if (!why) system_end(system, "GracefulExit", "Shutdown");
            break;
        case TERMINATE:
            why = system->state == STOPPED ? HCS_(0x110) : OK;
            if (!why) system_end(system, "ForcedExit", "Terminate");
            for (int n = 0; !why && n < MOST_OPERATIONS; n++) {
                struct operation *other = &operations[n];
                hresult gone;
                if (other != op && other->used && other->running && other->system && system_behind(machine, other->system, &gone) == system)
                    finish(other, HCS_(0x107), NULL);
            }
            break;
        case PROPERTIES:
            document = properties(system, op->asked);
            break;
        case MODIFY: why = modified(machine, system, op->asked, &document); break;
        case PROCESS_CREATE:
            why = system->state == RUNNING ? OK : system->state == STOPPED ? HCS_(0x110) : HCS_(0x105);
            char *wrong = misfit("Process", op->asked, control().build);
            if (!why && wrong) { why = HCS_(0x10D); document = result_error(why, "The virtual machine or container JSON document is invalid.", wrong); }
            free(wrong);
            break;
        default: break;
    }
    finish(op, why, document);
}

/* Requests of one handle wait for each other (hcsshim internal/hcs/v2). */
static bool is_behind(const struct operation *op) {
    for (int n = 0; n < MOST_OPERATIONS; n++)
        if (operations[n].used && operations[n].running && operations[n].system && operations[n].system == op->system && operations[n].order < op->order) return true;
    return false;
}

void pump(struct machine *machine) {
    for (bool more = true; more;) {
        more = false;
        for (int n = 0; n < MOST_OPERATIONS; n++) {
            struct operation *op = &operations[n];
            if (op->used && op->running && op->ready_at >= 0 && op->ready_at <= now_ms() && !is_behind(op)) { complete(machine, op); more = true; }
            if (op->used && op->closed && op->done) { free(op->document); json_free(op->asked); *op = (struct operation){.used = false}; }
        }
    }
}

/* Begin a request. Its own faults come back from the call, those of its document by Wait (E2). */
static hresult begun(struct operation *op, enum kind kind, handle system, const struct fault *fault, char *asked) {
    hresult why = !op ? E_HANDLE_ : op->running ? HCS_(0x116) : fault->action == REFUSE ? fault->code : OK; /* E4 */
    if (!why) {
        json_free(op->asked);
        free(op->document);
        op->document = NULL;
        op->asked = asked ? json_parse(asked) : NULL;
        op->kind = kind;
        op->system = system;
        op->order = ++counter;
        op->running = true;
        op->done = false;
        op->planned = fault->action == FAIL ? fault->code : OK;
        snprintf(op->planned_text, sizeof op->planned_text, "%s", fault->text);
        op->ready_at = now_ms() + control().delay_ms;
        if (fault->action == HANG) op->ready_at = fault->ms ? now_ms() + fault->ms : INFINITE_MS;
    }
    free(asked);
    return why;
}

EXPORT handle computecore_HcsCreateOperation(const void *context, handle callback) {
    struct fault fault;
    struct machine *machine = enter("HcsCreateOperation", &fault, "%d %d", context != NULL, callback != NULL);
    handle made = NULL;
    for (int n = 0; n < MOST_OPERATIONS && fault.action != REFUSE && !made; n++) {
        if (operations[n].used) continue;
        operations[n] = (struct operation){.used = true, .generation = ++counter};
        made = encoded(OPERATION_TAG, operations[n].generation, n);
    }
    leave(machine);
    return made;
}

EXPORT void computecore_HcsCloseOperation(handle operation) {
    struct fault fault;
    struct machine *machine = enter("HcsCloseOperation", &fault, "%s", "");
    struct operation *op = operation_of(operation, "HcsCloseOperation");
    if (op) {
        /* A thread that waits would read what is freed: it is a crash in computecore.dll. */
        if (op->waiting) violation("HcsCloseOperation: a thread waits for the operation");
        op->closed = true;
        if (!op->running) op->done = true;
        pump(machine);
    }
    leave(machine);
}

EXPORT hresult computecore_HcsCancelOperation(handle operation) {
    struct fault fault;
    struct machine *machine = enter("HcsCancelOperation", &fault, "%s", "");
    struct operation *op = operation_of(operation, "HcsCancelOperation");
    hresult why = !op ? E_HANDLE_ : fault.action == REFUSE ? fault.code : control().build < 20348 ? E_NOTIMPL_ : op->cancelled ? HCS_(0x121) : OK;
    if (!why) {
        op->cancelled = true;
        if (op->running) finish(op, WIN32_(1223), NULL);
    }
    leave(machine);
    return why;
}

static hresult waited(handle operation, dword ms, process_information *information, wide **result, const char *export, bool wants_information) {
    struct fault fault;
    struct machine *machine = enter(export, &fault, "%u", ms);
    struct operation *op = operation_of(operation, export);
    int64_t end = now_ms() + ms;
    if (result) *result = NULL;
    if (!op || fault.action == REFUSE) { leave(machine); return op ? fault.code : E_HANDLE_; }
    if (!op->running && !op->done) { leave(machine); return HCS_(0x115); }
    op->waiting++;
    while (op->running && (ms == 0xFFFFFFFFu || now_ms() < end)) {
        leave(machine);
        pause_ms(1);
        machine = again();
        pump(machine);
    }
    op->waiting--;
    hresult why = op->running ? HCS_(0x118) : op->result;
    if (!op->running && result && op->document) {
        *result = given(op->document, BY_LOCAL);
        free(op->document);
        op->document = NULL;
    }
    if (!op->running && wants_information) {
        bool quirk = op->kind == PROCESS_CREATE && control().process_info_quirk;
        if ((op->kind != PROCESS_CREATE && op->kind != PROCESS_INFO) || quirk) why = E_INVALIDARG_; /* E5, E10 */
        else if (!why && information) process_streams(op->process, information);
    }
    leave(machine);
    return why;
}

EXPORT hresult computecore_HcsWaitForOperationResult(handle operation, dword ms, wide **result) {
    return waited(operation, ms, NULL, result, "HcsWaitForOperationResult", false);
}

EXPORT hresult computecore_HcsWaitForOperationResultAndProcessInfo(handle operation, dword ms, process_information *information, wide **result) {
    return waited(operation, ms, information, result, "HcsWaitForOperationResultAndProcessInfo", true);
}

EXPORT hresult computecore_HcsEnumerateComputeSystems(const wide *query, handle operation) {
    char *asked = utf8(query);
    struct fault fault;
    struct machine *machine = enter("HcsEnumerateComputeSystems", &fault, "%s", asked ? asked : "NULL");
    struct operation *op = operation_of(operation, "HcsEnumerateComputeSystems");
    hresult why = begun(op, ENUMERATE, NULL, &fault, asked);
    leave(machine);
    return why;
}

EXPORT hresult computecore_HcsCreateComputeSystem(const wide *id, const wide *configuration, handle operation, const void *security, handle *out) {
    char *name = utf8(id), *document = utf8(configuration);
    struct fault fault;
    struct machine *machine = enter("HcsCreateComputeSystem", &fault, "%s %s %d", name ? name : "NULL", document ? document : "NULL", security != NULL);
    struct operation *op = operation_of(operation, "HcsCreateComputeSystem");
    struct system *there = name ? system_named(machine, name) : NULL;
    hresult why = !name || !*name || !document || !out ? E_INVALIDARG_ : there ? HCS_(0x10F) : OK;
    if (why) free(document);
    else why = begun(op, CREATE, NULL, &fault, document);
    if (!why) {
        struct system *system = system_new(machine, name);
        snprintf(system->owner, sizeof system->owner, "%s", json_text(op->asked, "Owner"));
        system->ends_with_handles = json_number(op->asked, "ShouldTerminateOnLastHandleClosed");
        *out = op->system = system_handle(machine, system);
    }
    free(name);
    leave(machine);
    return why;
}

EXPORT hresult computecore_HcsOpenComputeSystem(const wide *id, dword access, handle *out) {
    char *name = utf8(id);
    struct fault fault;
    struct machine *machine = enter("HcsOpenComputeSystem", &fault, "%s %x", name ? name : "NULL", access);
    struct system *system = name ? system_named(machine, name) : NULL;
    hresult why = fault.action == REFUSE ? fault.code : !name || access != 0x10000000 ? E_INVALIDARG_ : !system ? HCS_(0x10E) : OK;
    if (!why) *out = system_handle(machine, system);
    free(name);
    leave(machine);
    return why;
}

EXPORT void computecore_HcsCloseComputeSystem(handle system) {
    struct fault fault;
    struct machine *machine = enter("HcsCloseComputeSystem", &fault, "%s", "");
    close_system_handle(machine, system, "HcsCloseComputeSystem");
    leave(machine);
}

static hresult asked_of(const char *export, enum kind kind, handle system, handle operation, const wide *text) {
    char *asked = utf8(text);
    struct fault fault;
    hresult why = OK;
    struct machine *machine = enter(export, &fault, "%s", asked ? asked : "NULL");
    struct operation *op = operation_of(operation, export);
    if (!opened_of(system, export)) { free(asked); why = E_HANDLE_; }
    else if (!held_system(machine, system, export, &why)) free(asked);
    else {
        struct json *parsed = asked && kind == PROPERTIES ? json_parse(asked) : NULL;
        char *wrong = parsed ? misfit("SystemQuery", parsed, control().build) : NULL;
        json_free(parsed);
        why = wrong ? HCS_(0x10D) : OK;
        free(wrong);
        if (why) free(asked);
        else why = begun(op, kind, system, &fault, asked);
    }
    leave(machine);
    return why;
}

EXPORT hresult computecore_HcsStartComputeSystem(handle system, handle operation, const wide *options) {
    return asked_of("HcsStartComputeSystem", START, system, operation, options);
}

EXPORT hresult computecore_HcsShutDownComputeSystem(handle system, handle operation, const wide *options) {
    return asked_of("HcsShutDownComputeSystem", SHUTDOWN, system, operation, options);
}

EXPORT hresult computecore_HcsTerminateComputeSystem(handle system, handle operation, const wide *options) {
    return asked_of("HcsTerminateComputeSystem", TERMINATE, system, operation, options);
}

EXPORT hresult computecore_HcsGetComputeSystemProperties(handle system, handle operation, const wide *query) {
    return asked_of("HcsGetComputeSystemProperties", PROPERTIES, system, operation, query);
}

EXPORT hresult computecore_HcsModifyComputeSystem(handle system, handle operation, const wide *configuration, handle identity) {
    if (identity) violation("HcsModifyComputeSystem: an identity that nobody needs");
    return asked_of("HcsModifyComputeSystem", MODIFY, system, operation, configuration);
}

EXPORT hresult computecore_HcsCreateProcess(handle system, const wide *parameters, handle operation, const void *security, handle *out) {
    char *asked = utf8(parameters);
    struct fault fault;
    hresult why = OK;
    struct machine *machine = enter("HcsCreateProcess", &fault, "%s %d", asked ? asked : "NULL", security != NULL);
    struct operation *op = operation_of(operation, "HcsCreateProcess");
    struct system *of = held_system(machine, system, "HcsCreateProcess", &why);
    if (of && !asked) why = E_INVALIDARG_;
    else if (of) { why = begun(op, PROCESS_CREATE, system, &fault, asked); asked = NULL; }
    if (of && !why) {
        op->process = process_new(machine, of, op->asked, out);
        if (!op->process) { op->running = false; why = WIN32_(2); }
    }
    free(asked);
    leave(machine);
    return why;
}

EXPORT hresult computecore_HcsOpenProcess(handle system, dword pid, dword access, handle *out) {
    struct fault fault;
    hresult why = OK;
    struct machine *machine = enter("HcsOpenProcess", &fault, "%x", access);
    struct system *of = held_system(machine, system, "HcsOpenProcess", &why);
    if (of) {
        *out = fault.action == REFUSE ? NULL : process_open(of, pid);
        why = fault.action == REFUSE ? fault.code : *out ? OK : WIN32_(0x490);
    }
    leave(machine);
    return why;
}

EXPORT void computecore_HcsCloseProcess(handle process) {
    struct fault fault;
    struct machine *machine = enter("HcsCloseProcess", &fault, "%s", "");
    if (!process_close(process)) violation("HcsCloseProcess: no open process %p", process);
    leave(machine);
}

static hresult asked_of_process(const char *export, enum kind kind, handle process, handle operation) {
    struct fault fault;
    hresult why = OK;
    struct machine *machine = enter(export, &fault, "%s", "");
    struct operation *op = operation_of(operation, export);
    struct process *of = held_process(process, export, &why);
    bool exited = false;
    if (of && kind == PROCESS_TERMINATE) free(process_status(of, &exited));
    if (exited) why = HCS_(0x11F);
    if (of && !why) why = begun(op, kind, NULL, &fault, NULL);
    if (of && !why) op->process = of;
    leave(machine);
    return why;
}

EXPORT hresult computecore_HcsTerminateProcess(handle process, handle operation, const wide *options) {
    if (options) violation("HcsTerminateProcess: options that nobody needs");
    return asked_of_process("HcsTerminateProcess", PROCESS_TERMINATE, process, operation);
}

EXPORT hresult computecore_HcsGetProcessInfo(handle process, handle operation) {
    return asked_of_process("HcsGetProcessInfo", PROCESS_INFO, process, operation);
}

EXPORT hresult computecore_HcsGetProcessProperties(handle process, handle operation, const wide *query) {
    if (query) violation("HcsGetProcessProperties: a query that nobody needs");
    return asked_of_process("HcsGetProcessProperties", PROCESS_PROPERTIES, process, operation);
}
