/* What computecore.dll does at once: waits for ends, the service itself, rights to files. */
#include "double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Do what is planted for a call that ends at once; true where it is refused. */
static bool refused(struct machine **machine, const struct fault *fault, hresult *why) {
    if (fault->action == HANG) {
        leave(*machine);
        pause_ms(fault->ms);
        *machine = again();
    }
    if (fault->action != REFUSE && fault->action != FAIL) return false;
    *why = fault->code;
    return true;
}

EXPORT hresult computecore_HcsWaitForComputeSystemExit(handle system, dword ms, wide **result) {
    struct fault fault;
    hresult why = OK;
    struct machine *machine = enter("HcsWaitForComputeSystemExit", &fault, "%s", "");
    int64_t end = now_ms() + ms;
    if (result) *result = NULL;
    struct system *of = NULL;
    if (!refused(&machine, &fault, &why)) of = held_system(machine, system, "HcsWaitForComputeSystemExit", &why);
    while (of && of->state != STOPPED && now_ms() < end) {
        leave(machine);
        pause_ms(1);
        machine = again();
        pump(machine);
        of = held_system(machine, system, "HcsWaitForComputeSystemExit", &why);
    }
    if (of && of->state != STOPPED) why = HCS_(0x118);
    else if (of) {
        why = OK;
        char *text = format("{\"Status\":0,\"ExitType\":\"%s\",\"Attribution\":[{\"SystemExit\":{\"Detail\":\"%s\",\"Initiator\":\"Client\"}}]}", of->exit_type, of->exit_detail);
        if (result) *result = given(text, BY_LOCAL);
        free(text);
    }
    leave(machine);
    return why;
}

EXPORT hresult computecore_HcsWaitForProcessExit(handle process, dword ms, wide **result) {
    struct fault fault;
    hresult why = OK;
    struct machine *machine = enter("HcsWaitForProcessExit", &fault, "%s", "");
    int64_t end = now_ms() + ms;
    if (result) *result = NULL;
    struct process *of = NULL;
    if (!refused(&machine, &fault, &why)) of = held_process(process, "HcsWaitForProcessExit", &why);
    bool exited = false;
    while (of) {
        char *text = process_status(of, &exited);
        if (exited && result) *result = given(text, BY_LOCAL);
        free(text);
        if (exited || now_ms() >= end) break;
        leave(machine);
        pause_ms(1);
        machine = again();
        of = held_process(process, "HcsWaitForProcessExit", &why);
    }
    if (of) why = exited ? OK : HCS_(0x118);
    leave(machine);
    return why;
}

static char *service_properties(const char *asked, int build) {
    struct json *query = asked ? json_parse(asked) : NULL;
    char *out = NULL;
    if (json_at(query, "PropertyQueries/ProcessorCapabilities") && build >= 20348)
        out = format("{\"PropertyResponses\":{\"ProcessorCapabilities\":{\"Response\":{\"ProcessorFeatures\":[\"Sse3\",\"NestedVirt\"]}}}}");
    else if (!strcmp(json_text(query, "PropertyTypes/0"), "Basic"))
        out = format("{\"Properties\":[{\"SupportedSchemaVersions\":[{\"Major\":1,\"Minor\":0},{\"Major\":2,\"Minor\":%d}]}]}", build >= 26100 ? 7 : build >= 20348 ? 5 : 1);
    json_free(query);
    return out;
}

EXPORT hresult computecore_HcsGetServiceProperties(const wide *query, wide **result) {
    char *asked = utf8(query);
    struct fault fault;
    hresult why = OK;
    struct machine *machine = enter("HcsGetServiceProperties", &fault, "%s", asked ? asked : "NULL");
    if (result) *result = NULL;
    if (!result) why = E_INVALIDARG_;
    else if (!refused(&machine, &fault, &why)) {
        char *text = service_properties(asked, control().build);
        why = text ? OK : HCS_(0x10D);
        /* On failure a string may be there as well, and is to be freed. */
        char *error = text ? NULL : result_error(why, "The virtual machine or container JSON document is invalid.", NULL);
        *result = given(text ? text : error, BY_LOCAL);
        free(text);
        free(error);
    }
    free(asked);
    leave(machine);
    return why;
}

/* Rights to a file are those of one machine's own account. */
bool is_granted(const struct machine *machine, const char *vm, const char *path) {
    char *one = format("%s|%s", vm, path);
    bool found = false;
    for (int n = 0; n < MOST_GRANTS; n++) found |= same(machine->grants[n], one);
    free(one);
    return found;
}

static hresult granted(const char *export, const wide *vm, const wide *path, bool grant) {
    char *id = utf8(vm), *file = utf8(path);
    struct fault fault;
    hresult why = OK;
    struct machine *machine = enter(export, &fault, "%s %s", id ? id : "NULL", file ? file : "NULL");
    if (!id || !file) why = E_INVALIDARG_;
    else if (!refused(&machine, &fault, &why)) why = file_there(file) ? OK : WIN32_(2);
    for (int n = 0; !why && n < MOST_GRANTS; n++) {
        char *row = machine->grants[n], *one = format("%s|%s", id, file);
        bool here = grant ? !*row || same(row, one) : same(row, one);
        if (here) snprintf(row, sizeof machine->grants[n], "%s", grant ? one : "");
        free(one);
        if (here) break;
    }
    free(id);
    free(file);
    leave(machine);
    return why;
}

EXPORT hresult computecore_HcsGrantVmAccess(const wide *vm, const wide *path) { return granted("HcsGrantVmAccess", vm, path, true); }
EXPORT hresult computecore_HcsRevokeVmAccess(const wide *vm, const wide *path) { return granted("HcsRevokeVmAccess", vm, path, false); }
