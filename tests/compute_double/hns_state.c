/* What the Host Network Service holds and does; the same as wincnode/lab/windows/hns.py. */
#include "hns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *held;

static char *path(const char *suffix) {
    const char *named = getenv("HNS_DOUBLE"), *folder = getenv("HCS_DOUBLE");
    if (named && *named) return format("%.*s%s", (int)(strlen(named) - strlen(".json")), named, suffix);
    return format("%s/hns%s", folder ? folder : ".", suffix);
}

static char *text_of(const char *name) {
    FILE *in = fopen(name, "rb");
    if (!in) return NULL;
    fseek(in, 0, SEEK_END);
    size_t size = (size_t)ftell(in);
    rewind(in);
    char *text = malloc(size + 1);
    text[fread(text, 1, size, in)] = 0;
    fclose(in);
    return text;
}

/* A machine that no model keeps has one adapter. */
static struct json *bare(void) {
    int build = control().build, major = build >= 26100 ? 15 : build >= 20348 ? 13 : 9, minor = build >= 26100 ? 4 : build >= 20348 ? 2 : 5;
    char *text = format(
        "{\"host\": {\"build\": %d, \"version\": [%d, %d], \"there\": true, \"stopped\": false, \"settling\": 2,"
        " \"adapters\": [{\"name\": \"Ethernet\", \"address\": \"192.168.50.21\"}]},"
        " \"stopped\": false, \"generation\": 1, \"made\": 0, \"networks\": [], \"endpoints\": [], \"namespaces\": []}",
        build, major, minor);
    struct json *state = json_parse(text);
    free(text);
    return state;
}

struct json *hns_open(void) {
    char *name = path(".lock");
    held = fopen(name, "ab");
    if (held) lock_file(held);
    free(name);
    name = path(".json");
    char *text = text_of(name);
    struct json *state = text ? json_parse(text) : bare();
    if (!state) { violation("%s is no JSON", name); state = bare(); }
    free(name);
    free(text);
    return state;
}

void hns_close(struct json *state, bool write) {
    if (write) {
        char *fresh = path(".new"), *name = path(".json"), *text = json_write(state);
        FILE *out = fopen(fresh, "wb");
        if (out) { fputs(text, out); fclose(out); }
#ifdef _WIN32
        remove(name);
#endif
        rename(fresh, name);
        free(fresh);
        free(name);
        free(text);
    }
    json_free(state);
    if (held) fclose(held);
    held = NULL;
}

static struct json *member(struct json *node, const char *name) { return (struct json *)json_at(node, name); }

struct json *hns_list(struct json *state, const char *kind) {
    char *name = format("%ss", kind);
    struct json *list = member(state, name);
    free(name);
    return list;
}

struct json *hns_find(struct json *state, const char *kind, const char *id) {
    for (struct json *row = hns_list(state, kind)->first; row; row = row->next)
        if (same(json_text(row, "document/ID"), id)) return row;
    return NULL;
}

hresult hns_missing(const char *kind) { return !strcmp(kind, "network") ? HCN_(1) : !strcmp(kind, "endpoint") ? HCN_(2) : WIN32_(0x490); }

static void count(struct json *state, const char *name) { json_set(state, name, json_integer(json_number(state, name) + 1)); }

static void clear(struct json *list) { while (list->first) json_drop(list, list->first); }

void hns_lose(struct json *state) {
    int build = (int)json_number(state, "host/build");
    count(state, "generation");
    struct json *networks = hns_list(state, "network");
    for (struct json *row = networks->first, *next; row; row = next) {
        next = row->next;
        if (!hns_persists(json_at(row, "document"), build)) json_drop(networks, row);
    }
    clear(hns_list(state, "endpoint"));
    for (struct json *row = hns_list(state, "namespace")->first; row; row = row->next) clear(member(row, "document/Resources"));
}

static char *fresh_id(struct json *state) {
    count(state, "made");
    return format("%08llX-0000-4000-8000-%012llX", (unsigned long long)json_number(state, "generation"), (unsigned long long)json_number(state, "made"));
}

/* Find the adapter under the external switch: networks of one type share it. */
static hresult on_switch(struct json *state, const struct json *made, struct json *row) {
    const char *wanted = hns_adapter(made), *type = json_text(made, "Type");
    for (const struct json *here = json_at(state, "host/adapters")->first; here; here = here->next) {
        const char *name = json_text(here, "name"), *address = json_text(here, "address");
        if (*wanted && !same(name, wanted)) continue;
        bool fits = true;
        for (const struct json *other = hns_list(state, "network")->first; other; other = other->next) {
            if (strcmp(json_text(other, "adapter"), name)) continue;
            fits = !strcmp(json_text(other, "document/Type"), type);
            address = json_text(other, "address");
        }
        if (!fits) continue;
        json_set(row, "adapter", json_string(name));
        json_set(row, "address", json_string(address));
        json_set(row, "settling", json_integer(json_number(state, "host/settling")));
        return OK;
    }
    return HCN_(0x06);
}

static hresult add_network(struct json *state, struct json *made, struct json *row) {
    struct json *networks = hns_list(state, "network");
    for (const struct json *other = networks->first; other; other = other->next)
        if (!strcmp(json_text(other, "document/Name"), json_text(made, "Name")) || same(json_text(other, "document/ID"), json_text(made, "ID"))) return HCN_(0x10);
    const char *type = json_text(made, "Type");
    if (!strcmp(type, "NAT") && hns_overlaps(made, networks)) return E_INVALIDARG_;
    json_set(row, "adapter", json_string(""));
    json_set(row, "address", json_string(""));
    json_set(row, "settling", json_integer(0));
    if (!strcmp(type, "L2Bridge") || !strcmp(type, "L2Tunnel") || !strcmp(type, "Overlay") || !strcmp(type, "Transparent")) {
        hresult why = on_switch(state, made, row);
        if (why) return why;
    }
    int number = json_count(networks) % 256;
    char *pool = format("{\"Ranges\": [{\"StartMacAddress\": \"00-15-5D-%02X-00-00\", \"EndMacAddress\": \"00-15-5D-%02X-0F-FF\"}]}", number, number);
    json_default(made, "Policies", json_array());
    json_default(made, "Flags", json_integer(0));
    json_default(made, "MacPool", json_parse(pool));
    json_default(made, "Dns", json_object());
    json_default(made, "Ipams", json_array());
    char *guid = fresh_id(state), *health = format("{\"Extra\": {\"SwitchGuid\": \"%s\"}}", guid);
    json_set(made, "Health", json_parse(health));
    json_set(made, "Version", json_integer((json_number(state, "host/version/0") << 32) + json_number(state, "host/version/1")));
    free(pool);
    free(guid);
    free(health);
    return OK;
}

static hresult add_endpoint(struct json *state, struct json *made, const char *network) {
    const struct json *of = json_at(hns_find(state, "network", network), "document");
    struct json *endpoints = hns_list(state, "endpoint");
    if (!of) return HCN_(1);
    int number = 0;
    for (const struct json *row = endpoints->first; row; row = row->next) number += !strcmp(json_text(row, "document/HostComputeNetwork"), json_text(of, "ID"));
    if (!json_count(json_at(made, "IpConfigurations"))) {
        struct json *free_one = hns_free_address(of, endpoints);
        if (!free_one) return HCN_(0x1E);
        json_set(made, "IpConfigurations", free_one);
    }
    char *mac = format("00-15-5D-00-00-%02X", (unsigned)number % 256);
    json_default(made, "MacAddress", json_string(mac));
    json_default(made, "Policies", json_array());
    json_default(made, "Flags", json_integer(0));
    json_set(made, "HostComputeNetwork", json_string(json_text(of, "ID")));
    json_set(made, "HostComputeNamespace", json_string(""));
    free(mac);
    return OK;
}

static void add_namespace(struct json *state, struct json *made) {
    json_default(made, "Type", json_string("Host"));
    json_set(made, "NamespaceGuid", json_string(json_text(made, "ID")));
    json_set(made, "NamespaceId", json_integer(2 + json_number(state, "made")));
    json_set(made, "Resources", json_array());
    count(state, "made");
}

hresult hns_create(struct json *state, const char *kind, const struct json *document, const char *network, const char *id, char **id_made) {
    hresult why = OK;
    bool is_network = !strcmp(kind, "network"), is_endpoint = !strcmp(kind, "endpoint");
    if (is_network) why = hns_network_refused(document, (int)json_number(state, "host/build"), (int)json_number(state, "host/version/0"), (int)json_number(state, "host/version/1"));
    else if (is_endpoint) {
        const struct json *of = json_at(hns_find(state, "network", network), "document");
        why = of ? hns_endpoint_refused(document, of, hns_list(state, "endpoint")) : HCN_(1);
    } else why = hns_namespace_refused(document);
    if (why) return why;
    struct json *made = json_copy(document), *row = json_object();
    free(made->name);
    made->name = NULL;
    char *chosen = *id ? format("%s", id) : *json_text(made, "ID") ? format("%s", json_text(made, "ID")) : fresh_id(state);
    for (char *at = chosen; *at; at++) if (*at >= 'a' && *at <= 'z') *at -= 'a' - 'A';
    json_set(made, "ID", json_string(chosen));
    json_set(row, "document", made);
    if (is_network) why = add_network(state, made, row);
    else if (is_endpoint) why = add_endpoint(state, made, network);
    else add_namespace(state, made);
    if (why) { json_free(row); free(chosen); return why; }
    json_append(hns_list(state, kind), row);
    *id_made = chosen;
    return OK;
}

static void told_policy(struct json *document, const char *type, const char *name, const char *value) {
    struct json *policy = json_object(), *settings = json_object();
    json_set(policy, "Type", json_string(type));
    json_set(settings, name, json_string(value));
    json_set(policy, "Settings", settings);
    json_append(member(document, "Policies"), policy);
}

struct json *hns_query(struct json *state, const char *kind, const char *id) {
    struct json *row = hns_find(state, kind, id);
    if (!row) return NULL;
    struct json *told = json_copy(json_at(row, "document"));
    const char *type = json_text(told, "Type");
    if (json_number(row, "settling") > 0) json_set(row, "settling", json_integer(json_number(row, "settling") - 1));
    else if (*json_text(row, "address")) {
        told_policy(told, "ProviderAddress", "ProviderAddress", json_text(row, "address"));
        if (!strcmp(type, "Overlay")) told_policy(told, "DrMacAddress", "Address", "00-15-5D-6A-00-01");
    }
    /* HNS may leave the type of a NAT out: microsoft/hcsshim:hcn/hcnnetwork.go@7c9ff7f4 */
    if (!strcmp(type, "NAT") && json_number(state, "host/build") < 19041) json_drop(told, json_at(told, "Type"));
    return told;
}

static void leave_namespaces(struct json *state, const char *endpoint) {
    for (struct json *row = hns_list(state, "namespace")->first; row; row = row->next) {
        struct json *list = member(row, "document/Resources");
        for (struct json *item = list->first, *next; item; item = next) {
            next = item->next;
            if (!strcmp(json_text(item, "Data/Id"), endpoint)) json_drop(list, item);
        }
    }
}

static hresult change_resource(struct json *state, struct json *space, const struct json *request) {
    struct json *end = member(hns_find(state, "endpoint", json_text(request, "Settings/EndpointId")), "document");
    if (!end) return HCN_(2);
    const char *in = json_text(end, "HostComputeNamespace"), *here = json_text(space, "ID");
    if (!strcmp(json_text(request, "RequestType"), "Remove")) {
        if (strcmp(in, here)) return HCN_(0x34);
        leave_namespaces(state, json_text(end, "ID"));
        json_set(end, "HostComputeNamespace", json_string(""));
        return OK;
    }
    if (*in) return HCN_(0x2B);
    json_set(end, "HostComputeNamespace", json_string(here));
    char *text = format("{\"Type\": \"Endpoint\", \"Data\": {\"Id\": \"%s\"}}", json_text(end, "ID"));
    json_append(member(space, "Resources"), json_parse(text));
    free(text);
    return OK;
}

static hresult change_policies(struct json *of, const struct json *request) {
    const char *change = json_text(request, "RequestType");
    for (const struct json *wanted = json_at(request, "Settings/Policies")->first; wanted; wanted = wanted->next) {
        struct json *list = member(of, "Policies");
        const struct json *there = NULL;
        for (const struct json *item = list->first; item && !there; item = item->next) if (json_same(item, wanted)) there = item;
        if (!strcmp(change, "Add") && there) return HCN_(0x12);
        if (!strcmp(change, "Remove")) {
            if (!there) return HCN_(0x08);
            json_drop(list, there);
            continue;
        }
        if (!strcmp(change, "Update"))
            for (struct json *item = list->first, *next; item; item = next) {
                next = item->next;
                if (!strcmp(json_text(item, "Type"), json_text(wanted, "Type"))) json_drop(list, item);
            }
        json_append(list, json_copy(wanted));
    }
    return OK;
}

hresult hns_modify(struct json *state, const char *kind, const char *id, const struct json *request) {
    struct json *document = member(hns_find(state, kind, id), "document");
    if (!document) return hns_missing(kind);
    hresult why = hns_request_refused(kind, request);
    if (why) return why;
    return !strcmp(kind, "namespace") ? change_resource(state, document, request) : change_policies(document, request);
}

hresult hns_delete(struct json *state, const char *kind, const char *id) {
    struct json *row = hns_find(state, kind, id);
    if (!row) return hns_missing(kind);
    for (struct json *end = hns_list(state, "endpoint")->first; end; end = end->next) {
        if (!strcmp(kind, "network") && !strcmp(json_text(end, "document/HostComputeNetwork"), json_text(row, "document/ID"))) return HCN_(0x2C);
        if (!strcmp(kind, "namespace") && !strcmp(json_text(end, "document/HostComputeNamespace"), json_text(row, "document/ID"))) json_set(member(end, "document"), "HostComputeNamespace", json_string(""));
    }
    if (!strcmp(kind, "endpoint")) leave_namespaces(state, json_text(row, "document/ID"));
    json_drop(hns_list(state, kind), row);
    return OK;
}

/* A filter is JSON in a text; VirtualNetwork is v1's word. */
char *hns_ids(struct json *state, const char *kind, const struct json *query, hresult *why) {
    const char *text = json_text(query, "Filter");
    struct json *filter = *text ? json_parse(text) : json_object(), *list = json_array();
    if (!filter || filter->type != J_OBJECT) *why = HCN_(0x1B);
    for (const struct json *row = hns_list(state, kind)->first; row && !*why; row = row->next) {
        const struct json *document = json_at(row, "document");
        bool meets = true;
        for (const struct json *item = filter->first; item; item = item->next)
            meets = meets && same(json_text(document, strcmp(item->name, "VirtualNetwork") ? item->name : "HostComputeNetwork"), item->text ? item->text : "");
        if (meets) json_append(list, json_string(json_text(document, "ID")));
    }
    char *out = json_write(list);
    json_free(filter);
    json_free(list);
    return out;
}
