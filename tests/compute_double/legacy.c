/* Compute systems of schema 1: vmcompute.dll, whose calls end by a notification.
 *
 * Source: microsoft/hcsshim:internal/vmcompute/vmcompute.go, internal/hcs/{system,callback,waithelper}.go
 */
#include "double.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16, CREATE_COMPLETED = 2 };
struct made { bool used; uint32_t generation; int64_t ready_at; hresult result; char *document; handle system; };
struct registered { bool used, stop; handle system; notification call; void *context; pthread_t thread; };
static struct made made[MOST];
static struct registered registrations[MOST];

static struct made *made_of(handle system) {
    for (int n = 0; n < MOST; n++) if (made[n].used && made[n].system == system) return &made[n];
    return NULL;
}

/* The handle of a schema 1 system is one of computecore's: both speak to the same service. */
EXPORT hresult vmcompute_HcsCreateComputeSystem(const wide *id, const wide *configuration, handle identity, handle *out, wide **result) {
    char *name = utf8(id), *text = utf8(configuration), *error = NULL;
    struct fault fault;
    struct machine *machine = enter("vmcompute!HcsCreateComputeSystem", &fault, "%s %s %d", name ? name : "NULL", text ? text : "NULL", identity != NULL);
    hresult why = fault.action == REFUSE ? fault.code : !name || !text || !out ? E_INVALIDARG_ : system_named(machine, name) ? (hresult)0xC037010F : OK;
    if (result) *result = NULL;
    struct made *row = NULL;
    for (int n = 0; n < MOST && !row; n++) if (!made[n].used) row = &made[n];
    if (!why && row) {
        struct json *document = json_parse(text);
        struct system *system = system_new(machine, name);
        hresult wrong = check_document(machine, document, system, &error);
        *row = (struct made){.used = true, .result = fault.action == FAIL ? fault.code : wrong, .document = error, .ready_at = now_ms() + control().delay_ms};
        if (fault.action == HANG) row->ready_at = fault.ms ? now_ms() + fault.ms : INT64_MAX;
        *out = row->system = system_handle(machine, system);
        json_free(document);
        why = VMCOMPUTE_PENDING;
    } else if (!why) why = HCS_(0x104);
    free(name);
    free(text);
    leave(machine);
    return why;
}

EXPORT hresult vmcompute_HcsCloseComputeSystem(handle system) {
    struct fault fault;
    struct machine *machine = enter("vmcompute!HcsCloseComputeSystem", &fault, "%s", "");
    for (int n = 0; n < MOST; n++)
        if (registrations[n].used && registrations[n].system == system) violation("HcsCloseComputeSystem: a callback is registered");
    struct made *row = made_of(system);
    if (row) { free(row->document); *row = (struct made){.used = false}; }
    close_system_handle(machine, system, "vmcompute!HcsCloseComputeSystem");
    leave(machine);
    return OK;
}

/* Notifications come from another thread, and under no lock (E6). */
static void *told(void *context) {
    struct registered *of = context;
    for (bool said = false; !of->stop;) {
        struct machine *machine = again();
        struct made *row = made_of(of->system);
        hresult why = OK;
        struct system *system = held_system(machine, of->system, "a notification", &why);
        bool ready = !said && row && row->ready_at <= now_ms();
        if (ready && system && !row->result) system->state = CREATED;
        if (ready && system && row->result) system_end(system, "UnexpectedExit", "HcsApiFatalError");
        hresult result = system ? row ? row->result : OK : why;
        wide *data = row && row->document ? utf16(row->document) : NULL;
        leave(machine);
        if (ready || !system) {
            of->call(ready && system ? CREATE_COMPLETED : 0x01000000, of->context, result, data);
            said = true;
        }
        free(data);
        if (!system) break;
        pause_ms(1);
    }
    return NULL;
}

EXPORT hresult vmcompute_HcsRegisterComputeSystemCallback(handle system, notification call, void *context, handle *out) {
    struct fault fault;
    struct machine *machine = enter("HcsRegisterComputeSystemCallback", &fault, "%s", "");
    hresult why = fault.action == REFUSE ? fault.code : !made_of(system) || !call || !out ? E_INVALIDARG_ : OK;
    for (int n = 0; !why && n < MOST; n++) {
        if (registrations[n].used) continue;
        registrations[n] = (struct registered){.used = true, .system = system, .call = call, .context = context};
        pthread_create(&registrations[n].thread, NULL, told, &registrations[n]);
        *out = &registrations[n];
        break;
    }
    leave(machine);
    return why;
}

EXPORT hresult vmcompute_HcsUnregisterComputeSystemCallback(handle of) {
    struct fault fault;
    leave(enter("HcsUnregisterComputeSystemCallback", &fault, "%s", ""));
    for (int n = 0; n < MOST; n++) {
        if (&registrations[n] != of || !registrations[n].used) continue;
        registrations[n].stop = true;
        pthread_join(registrations[n].thread, NULL);
        registrations[n].used = false;
        return OK;
    }
    violation("HcsUnregisterComputeSystemCallback: no such registration");
    return E_HANDLE_;
}
