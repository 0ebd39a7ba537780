/* computenetwork.dll, and the one call of HNS that vmcompute.dll has.
 *
 * Source: computenetwork.h of the Windows SDK 10.0.26100.0; microsoft/hcsshim:hcn/hcn.go@7c9ff7f4:
 * texts are freed by CoTaskMemFree, an error record may come with a failure, a handle is closed.
 */
#include "hns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_HANDLES = 64 };
#define SERVICE_DIED WIN32_(0x6BE) /* RPC_S_CALL_FAILED */
static struct opened { bool used; char kind[12], id[40]; int64_t generation; } handles[MOST_HANDLES];

int network_handles_open(void) {
    int open = 0;
    for (int n = 0; n < MOST_HANDLES; n++) open += handles[n].used;
    return open;
}

static const struct { uint32_t low; const char *text; } WORDS[] = {
    {0x01, "The network was not found. "},
    {0x02, "The endpoint was not found. "},
    {0x05, "The network does not have a subnet for this endpoint. "},
    {0x06, "An adapter was not found. "},
    {0x08, "An expected policy was not found. "},
    {0x0A, "The provided network configuration is invalid or missing parameters. "},
    {0x0B, "Invalid network type. "},
    {0x0D, "The provided policy configuration is invalid or missing parameters. "},
    {0x0E, "Invalid policy type. "},
    {0x10, "A network with this name already exists. "},
    {0x12, "Policy information already exists on this object. "},
    {0x15, "The specified request is unsupported. "},
    {0x1B, "Invalid JSON document string. "},
    {0x1E, "IP address is either invalid or not part of any configured subnet(s). "},
    {0x20, "Operation cannot be performed while service is stopping. "},
    {0x2B, "This requested operation is invalid as endpoint is already part of a network namespace. "},
    {0x2C, "The specified entity cannot be removed while it still has references. "},
    {0x30, "The prefix provided is invalid. "},
    {0x31, "A call was performed against an object that was torn down. "},
    {0x32, "The provided subnet configuration is invalid or missing parameters. "},
    {0x34, "The endpoint must be attached to complete the operation. "},
};

static void record(hresult why, wide **error) {
    const char *words = why == E_INVALIDARG_ ? "The parameter is incorrect. " : why == WIN32_(0x490) ? "Element not found. " : NULL;
    for (size_t n = 0; n < sizeof WORDS / sizeof *WORDS; n++) if (why == HCN_(WORDS[n].low)) words = WORDS[n].text;
    if (why == OK || !error || !words) return;
    char *text = format("{\"Success\":false,\"Error\":\"%s\",\"ErrorCode\":%u}", words, (uint32_t)why);
    *error = given(text, BY_TASK);
    free(text);
}

/* One call: the machine is held and the state is open, unless it is refused. */
struct call { struct machine *machine; struct json *state; hresult why; };

static struct call begun(const char *export, const char *arguments, bool by_handle, wide **error) {
    struct call call = {.why = OK};
    struct fault fault;
    call.machine = enter(export, &fault, "%s", arguments);
    if (error) *error = NULL;
    if (fault.action == HANG) {
        leave(call.machine);
        for (int64_t end = now_ms() + fault.ms; !fault.ms || now_ms() < end;) pause_ms(20);
        call.machine = again();
    }
    call.state = hns_open();
    if (fault.action == REFUSE || fault.action == FAIL) call.why = fault.code;
    else if (fault.action == RESTART) {
        hns_lose(call.state);
        hns_close(call.state, true);
        call.state = hns_open();
        /* Who holds a handle hears of it by that. */
        if (!by_handle) call.why = SERVICE_DIED;
    }
    if (!call.why && !json_number(call.state, "host/there")) call.why = WIN32_(0x6D9);
    if (!call.why && (json_number(call.state, "stopped") || json_number(call.state, "host/stopped"))) call.why = HCN_(0x20);
    return call;
}

static hresult ended(struct call *call, wide **error) {
    hns_close(call->state, call->why == OK);
    record(call->why, error);
    leave(call->machine);
    return call->why;
}

static const struct opened *held(struct call *call, handle of, const char *kind) {
    struct opened *row = of;
    if (call->why) return NULL;
    if (row < handles || row >= handles + MOST_HANDLES || !row->used || strcmp(row->kind, kind)) {
        violation("a handle of no %s is used", kind);
        call->why = E_HANDLE_;
    } else if (row->generation != json_number(call->state, "generation")) call->why = HCN_(0x31);
    else if (!hns_find(call->state, kind, row->id)) call->why = hns_missing(kind);
    return call->why ? NULL : row;
}

static handle opened(struct call *call, const char *kind, const char *id) {
    for (int n = 0; n < MOST_HANDLES; n++) {
        if (handles[n].used) continue;
        handles[n].used = true;
        handles[n].generation = json_number(call->state, "generation");
        snprintf(handles[n].kind, sizeof handles[n].kind, "%s", kind);
        snprintf(handles[n].id, sizeof handles[n].id, "%s", id);
        return &handles[n];
    }
    call->why = HCS_(0x104);
    return NULL;
}

static bool zero(const guid *id) {
    static const guid none;
    return !memcmp(id, &none, sizeof none);
}

static hresult enumerate(const char *export, const char *kind, const wide *query, wide **list, wide **error) {
    char *asked = utf8(query);
    struct call call = begun(export, asked ? asked : "NULL", false, error);
    struct json *tree = asked ? json_parse(asked) : NULL;
    if (list) *list = NULL;
    if (!asked || !list) call.why = E_INVALIDARG_;
    else if (!tree) call.why = HCN_(0x1B);
    if (!call.why) {
        char *text = hns_ids(call.state, kind, tree, &call.why);
        if (!call.why) *list = given(text, BY_TASK);
        free(text);
    }
    json_free(tree);
    free(asked);
    return ended(&call, error);
}

static hresult create(const char *export, const char *kind, const handle *network, const guid *id, const wide *settings, handle *out, wide **error) {
    char *text = utf8(settings), *wanted = id && !zero(id) ? guid_text(*id) : format("%s", ""), *made = NULL;
    struct call call = begun(export, text ? text : "NULL", false, error);
    struct json *document = text ? json_parse(text) : NULL;
    const struct opened *on = network ? held(&call, *network, "network") : NULL;
    if (out) *out = NULL;
    if (!call.why && (!text || !id || !out)) call.why = E_INVALIDARG_;
    if (!call.why && !document) call.why = HCN_(0x1B);
    if (!call.why) call.why = hns_create(call.state, kind, document, on ? on->id : "", wanted, &made);
    if (!call.why) *out = opened(&call, kind, made);
    json_free(document);
    free(text);
    free(wanted);
    free(made);
    return ended(&call, error);
}

static hresult open_one(const char *export, const char *kind, const guid *id, handle *out, wide **error) {
    char *name = id ? guid_text(*id) : format("NULL");
    struct call call = begun(export, name, false, error);
    if (out) *out = NULL;
    if (!call.why && (!id || !out)) call.why = E_INVALIDARG_;
    struct json *row = call.why ? NULL : hns_find(call.state, kind, name);
    if (!call.why && !row) call.why = hns_missing(kind);
    if (!call.why) *out = opened(&call, kind, json_text(row, "document/ID"));
    free(name);
    return ended(&call, error);
}

static hresult modify(const char *export, const char *kind, handle of, const wide *settings, wide **error) {
    char *text = utf8(settings);
    struct call call = begun(export, text ? text : "NULL", true, error);
    struct json *request = text ? json_parse(text) : NULL;
    const struct opened *row = held(&call, of, kind);
    if (row && !text) call.why = E_INVALIDARG_;
    else if (row && !request) call.why = HCN_(0x1B);
    else if (row) call.why = hns_modify(call.state, kind, row->id, request);
    json_free(request);
    free(text);
    return ended(&call, error);
}

static hresult query(const char *export, const char *kind, handle of, const wide *asked, wide **properties, wide **error) {
    char *text = utf8(asked);
    struct call call = begun(export, text ? text : "NULL", true, error);
    struct json *tree = text ? json_parse(text) : NULL;
    const struct opened *row = held(&call, of, kind);
    if (properties) *properties = NULL;
    if (row && (!text || !properties)) call.why = E_INVALIDARG_;
    else if (row && (!tree || json_number(tree, "SchemaVersion/Major") != 2)) call.why = HCN_(0x1B);
    else if (row) {
        struct json *told = hns_query(call.state, kind, row->id);
        char *out = json_write(told);
        *properties = given(out, BY_TASK);
        free(out);
        json_free(told);
    }
    json_free(tree);
    free(text);
    return ended(&call, error);
}

static hresult delete(const char *export, const char *kind, const guid *id, wide **error) {
    char *name = id ? guid_text(*id) : format("NULL");
    struct call call = begun(export, name, false, error);
    if (!call.why) call.why = id ? hns_delete(call.state, kind, name) : E_INVALIDARG_;
    free(name);
    return ended(&call, error);
}

static hresult close_one(const char *export, const char *kind, handle of) {
    struct fault fault;
    struct machine *machine = enter(export, &fault, "%s", "");
    struct opened *row = of;
    bool ours = row >= handles && row < handles + MOST_HANDLES && row->used && !strcmp(row->kind, kind);
    if (ours) row->used = false;
    else violation("%s: a handle of no %s", export, kind);
    leave(machine);
    return ours ? OK : E_HANDLE_;
}

#define OF(Name, name) \
    EXPORT hresult computenetwork_HcnEnumerate##Name##s(const wide *a, wide **b, wide **c) { return enumerate("HcnEnumerate" #Name "s", #name, a, b, c); } \
    EXPORT hresult computenetwork_HcnOpen##Name(const guid *a, handle *b, wide **c) { return open_one("HcnOpen" #Name, #name, a, b, c); } \
    EXPORT hresult computenetwork_HcnModify##Name(handle a, const wide *b, wide **c) { return modify("HcnModify" #Name, #name, a, b, c); } \
    EXPORT hresult computenetwork_HcnQuery##Name##Properties(handle a, const wide *b, wide **c, wide **d) { return query("HcnQuery" #Name "Properties", #name, a, b, c, d); } \
    EXPORT hresult computenetwork_HcnDelete##Name(const guid *a, wide **b) { return delete("HcnDelete" #Name, #name, a, b); } \
    EXPORT hresult computenetwork_HcnClose##Name(handle a) { return close_one("HcnClose" #Name, #name, a); }
OF(Network, network)
OF(Endpoint, endpoint)
OF(Namespace, namespace)

EXPORT hresult computenetwork_HcnCreateNetwork(const guid *a, const wide *b, handle *c, wide **d) { return create("HcnCreateNetwork", "network", NULL, a, b, c, d); }
EXPORT hresult computenetwork_HcnCreateNamespace(const guid *a, const wide *b, handle *c, wide **d) { return create("HcnCreateNamespace", "namespace", NULL, a, b, c, d); }
EXPORT hresult computenetwork_HcnCreateEndpoint(handle a, const guid *b, const wide *c, handle *d, wide **e) { return create("HcnCreateEndpoint", "endpoint", &a, b, c, d, e); }

/* The outcome is in the text; the HRESULT is that of the transport. */
EXPORT hresult vmcompute_HNSCall(const wide *method, const wide *path, const wide *object, wide **response) {
    char *verb = utf8(method), *at = utf8(path), *body = utf8(object);
    char *line = format("%s %s %s", verb ? verb : "NULL", at ? at : "NULL", body ? body : "NULL");
    struct call call = begun("HNSCall", line, false, response);
    if (!verb || !at || !body || !response) call.why = E_INVALIDARG_;
    char *text = NULL;
    if (!call.why && !strcmp(verb, "GET") && !strcmp(at, "/globals/version"))
        text = format("{\"Success\":true,\"Output\":{\"Major\":%d,\"Minor\":%d}}", (int)json_number(call.state, "host/version/0"), (int)json_number(call.state, "host/version/1"));
    else if (!call.why) text = format("{\"Success\":false,\"Error\":\"The parameter is incorrect. \"}");
    if (text) *response = given(text, BY_TASK);
    free(text);
    free(line);
    free(verb);
    free(at);
    free(body);
    return ended(&call, NULL);
}
