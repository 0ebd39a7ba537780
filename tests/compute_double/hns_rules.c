/* What the Host Network Service refuses a document for; the same as wincnode/lab/windows/hns_rules.py,
 * where the sources are: tests/hns_cases.py holds one against the other.
 */
#include "hns.h"

#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#endif

static bool among(const char *text, const char *const *words) {
    for (; *words; words++) if (!strcmp(text, *words)) return true;
    return false;
}

static const char *const NETWORK[] = {"ID", "Owner", "Name", "Type", "Policies", "MacPool", "Dns", "Ipams", "Flags", "SchemaVersion", NULL};
static const char *const ENDPOINT[] = {"ID", "Owner", "Name", "HostComputeNetwork", "HostComputeNamespace", "Policies", "IpConfigurations", "Dns", "Routes", "MacAddress", "Flags", "SchemaVersion", NULL};
static const char *const NAMESPACE[] = {"ID", "Owner", "NamespaceId", "NamespaceGuid", "Type", "Resources", "SchemaVersion", NULL};
static const char *const TYPES[] = {"NAT", "ICS", "Transparent", "L2Bridge", "L2Tunnel", "Overlay", "Private", "Internal", NULL};
static const char *const LATER_TYPES[] = {"Mirrored", "Infiniband", NULL};
static const char *const WITH_SUBNETS[] = {"L2Bridge", "L2Tunnel", "Overlay", "Internal", NULL};
static const char *const SPACES[] = {"Host", "HostDefault", "Guest", "GuestDefault", NULL};
static const struct { const char *type; int major, minor; } POLICIES[] = {
    {"SourceMacAddress", 9, 0}, {"NetAdapterName", 9, 0}, {"VSwitchExtension", 9, 0}, {"DrMacAddress", 9, 0},
    {"AutomaticDNS", 9, 0}, {"InterfaceConstraint", 9, 0}, {"ProviderAddress", 9, 0}, {"LayerConstraint", 9, 0},
    {"RemoteSubnetRoute", 9, 2}, {"HostRoute", 9, 2}, {"VxlanPort", 10, 3}, {"SetPolicy", 13, 0},
    {"L4Proxy", 9, 5}, {"NetworkACL", 15, 0},
};

static hresult known(const struct json *document, const char *const *members, bool any_version) {
    if (!document || document->type != J_OBJECT) return HCN_(0x1B);
    for (const struct json *item = document->first; item; item = item->next) if (!among(item->name, members)) return HCN_(0x1B);
    if (!json_at(document, "SchemaVersion/Major")) return HCN_(0x1B);
    int64_t major = json_number(document, "SchemaVersion/Major");
    return major == 2 || (any_version && major == 0) ? OK : HCN_(0x1B);
}

struct address { int bytes; uint8_t at[16]; };
struct prefix { struct address base; int bits; };

static bool address(const char *text, struct address *out) {
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, out->at) == 1) out->bytes = 4;
    else if (inet_pton(AF_INET6, text, out->at) == 1) out->bytes = 16;
    return out->bytes != 0;
}

static bool in_prefix(const struct address *one, const struct prefix *of) {
    if (one->bytes != of->base.bytes) return false;
    for (int bit = 0; bit < of->bits; bit++)
        if ((one->at[bit / 8] ^ of->base.at[bit / 8]) >> (7 - bit % 8) & 1) return false;
    return true;
}

static bool prefix(const char *text, struct prefix *out) {
    const char *slash = strchr(text, '/');
    if (!slash || strspn(slash + 1, "0123456789") != strlen(slash + 1) || !slash[1]) return false;
    char *base = format("%.*s", (int)(slash - text), text);
    bool fits = address(base, &out->base);
    free(base);
    out->bits = atoi(slash + 1);
    if (!fits || out->bits > out->base.bytes * 8) return false;
    for (int bit = out->bits; bit < out->base.bytes * 8; bit++)
        if (out->base.at[bit / 8] >> (7 - bit % 8) & 1) return false;
    return true;
}

static bool inside(const char *text, const struct prefix *of) {
    struct address one;
    return address(text, &one) && in_prefix(&one, of);
}

static hresult subnet(const struct json *row, const char *type) {
    struct prefix of;
    bool leads = false, vsid = false;
    if (!prefix(json_text(row, "IpAddressPrefix"), &of)) return HCN_(0x30);
    const struct json *routes = json_at(row, "Routes"), *policies = json_at(row, "Policies");
    for (const struct json *route = routes ? routes->first : NULL; route; route = route->next) {
        if (!inside(json_text(route, "NextHop"), &of)) return HCN_(0x32);
        const char *to = json_text(route, "DestinationPrefix");
        leads = leads || !strcmp(to, "0.0.0.0/0") || !strcmp(to, "::/0");
    }
    if (!leads) return HCN_(0x32);
    bool marked = true;
    for (const struct json *policy = policies ? policies->first : NULL; policy; policy = policy->next) {
        const char *mark = json_text(policy, "Type");
        const struct json *id = json_at(policy, "Settings/IsolationId");
        int64_t number = id && id->type == J_NUMBER ? id->number : -1;
        if (strcmp(mark, "VSID") && strcmp(mark, "VLAN")) return HCN_(0x0E);
        if (!strcmp(mark, "VSID")) { vsid = true; marked = marked && number >= 4096 && number < 1 << 24; }
        else marked = marked && number >= 0 && number < 4095;
    }
    if (!strcmp(type, "Overlay") && !vsid) return HCN_(0x0A);
    return marked ? OK : HCN_(0x0D);
}

/* Give the next subnet of a network after one, or the first. */
const struct json *hns_subnet(const struct json *network, const struct json *after) {
    const struct json *ipams = json_at(network, "Ipams");
    bool found = !after;
    for (const struct json *ipam = ipams ? ipams->first : NULL; ipam; ipam = ipam->next) {
        const struct json *rows = json_at(ipam, "Subnets");
        for (const struct json *row = rows ? rows->first : NULL; row; row = row->next) {
            if (found) return row;
            found = row == after;
        }
    }
    return NULL;
}

hresult hns_network_refused(const struct json *document, int build, int major, int minor) {
    hresult why = known(document, NETWORK, false);
    if (why) return why;
    const char *type = json_text(document, "Type");
    if (!*json_text(document, "Name")) return HCN_(0x0A);
    if (!among(type, TYPES) && !(build >= 19041 && among(type, LATER_TYPES))) return HCN_(0x0B);
    const struct json *policies = json_at(document, "Policies");
    for (const struct json *policy = policies ? policies->first : NULL; policy; policy = policy->next) {
        bool fits = false;
        for (size_t n = 0; n < sizeof POLICIES / sizeof *POLICIES; n++)
            if (!strcmp(POLICIES[n].type, json_text(policy, "Type")))
                fits = major > POLICIES[n].major || (major == POLICIES[n].major && minor >= POLICIES[n].minor);
        if (!fits) return HCN_(0x0E);
        const struct json *settings = json_at(policy, "Settings");
        if (!settings || settings->type != J_OBJECT) return HCN_(0x0D);
    }
    if (among(type, WITH_SUBNETS) && !hns_subnet(document, NULL)) return HCN_(0x0A);
    for (const struct json *row = NULL; (row = hns_subnet(document, row));) {
        why = subnet(row, type);
        if (why) return why;
    }
    return OK;
}

/* Whether an endpoint of the network has an address. */
static bool taken(const char *text, const struct json *of, const struct json *endpoints) {
    for (const struct json *row = endpoints->first; row; row = row->next) {
        if (strcmp(json_text(row, "document/HostComputeNetwork"), json_text(of, "ID"))) continue;
        const struct json *addresses = json_at(row, "document/IpConfigurations");
        for (const struct json *one = addresses ? addresses->first : NULL; one; one = one->next)
            if (!strcmp(json_text(one, "IpAddress"), text)) return true;
    }
    return false;
}

/* Its gateways, and the first and the last address of it. */
static bool reserved(const char *text, const struct json *subnet) {
    const struct json *routes = json_at(subnet, "Routes");
    for (const struct json *route = routes ? routes->first : NULL; route; route = route->next)
        if (!strcmp(json_text(route, "NextHop"), text)) return true;
    struct prefix of;
    struct address one;
    if (!prefix(json_text(subnet, "IpAddressPrefix"), &of) || !address(text, &one)) return false;
    bool zeros = true, ones = true;
    for (int bit = of.bits; bit < of.base.bytes * 8; bit++) {
        if (one.at[bit / 8] >> (7 - bit % 8) & 1) zeros = false;
        else ones = false;
    }
    return zeros || ones;
}

hresult hns_endpoint_refused(const struct json *document, const struct json *of, const struct json *endpoints) {
    hresult why = known(document, ENDPOINT, false);
    const struct json *rows = why ? NULL : json_at(document, "IpConfigurations");
    for (const struct json *row = rows ? rows->first : NULL; row; row = row->next) {
        const char *text = json_text(row, "IpAddress");
        const struct json *fitting = NULL;
        for (const struct json *each = NULL; !fitting && (each = hns_subnet(of, each));) {
            struct prefix here;
            if (prefix(json_text(each, "IpAddressPrefix"), &here) && inside(text, &here)) fitting = each;
        }
        if (!fitting) return HCN_(0x05);
        if (taken(text, of, endpoints) || reserved(text, fitting)) return HCN_(0x1E);
    }
    return why;
}

struct json *hns_free_address(const struct json *of, const struct json *endpoints) {
    struct json *list = json_array();
    const struct json *subnet = hns_subnet(of, NULL);
    struct prefix here;
    if (!subnet || !prefix(json_text(subnet, "IpAddressPrefix"), &here)) return list;
    for (struct address one = here.base; in_prefix(&one, &here);) {
        char text[64] = "";
        for (int at = one.bytes - 1; at >= 0 && !++one.at[at]; at--) {}
        inet_ntop(one.bytes == 4 ? AF_INET : AF_INET6, one.at, text, sizeof text);
        if (!in_prefix(&one, &here)) break;
        if (taken(text, of, endpoints) || reserved(text, subnet)) continue;
        struct json *row = json_object();
        json_set(row, "IpAddress", json_string(text));
        json_set(row, "PrefixLength", json_integer(here.bits));
        json_append(list, row);
        return list;
    }
    json_free(list);
    return NULL;
}

hresult hns_namespace_refused(const struct json *document) {
    hresult why = known(document, NAMESPACE, true);
    if (!why && json_at(document, "Type") && !among(json_text(document, "Type"), SPACES)) return E_INVALIDARG_;
    return why;
}

hresult hns_request_refused(const char *kind, const struct json *request) {
    const struct json *settings = json_at(request, "Settings"), *policies = json_at(settings, "Policies");
    bool space = !strcmp(kind, "namespace");
    const char *change = json_text(request, "RequestType");
    if (!settings || settings->type != J_OBJECT) return HCN_(0x1B);
    if (strcmp(json_text(request, "ResourceType"), space ? "Endpoint" : "Policy")) return HCN_(0x15);
    if (strcmp(change, "Add") && strcmp(change, "Remove") && (space || strcmp(change, "Update"))) return HCN_(0x15);
    return space || (policies && policies->type == J_ARRAY) ? OK : HCN_(0x1B);
}

bool hns_overlaps(const struct json *made, const struct json *networks) {
    for (const struct json *row = networks->first; row; row = row->next) {
        if (strcmp(json_text(row, "document/Type"), "NAT")) continue;
        for (const struct json *mine = NULL; (mine = hns_subnet(made, mine));)
            for (const struct json *theirs = NULL; (theirs = hns_subnet(json_at(row, "document"), theirs));) {
                struct prefix a, b;
                if (!prefix(json_text(mine, "IpAddressPrefix"), &a) || !prefix(json_text(theirs, "IpAddressPrefix"), &b)) continue;
                if (in_prefix(&a.base, &b) || in_prefix(&b.base, &a)) return true;
            }
    }
    return false;
}

const char *hns_adapter(const struct json *document) {
    const struct json *policies = json_at(document, "Policies");
    for (const struct json *policy = policies ? policies->first : NULL; policy; policy = policy->next)
        if (!strcmp(json_text(policy, "Type"), "NetAdapterName")) return json_text(policy, "Settings/NetworkAdapterName");
    return "";
}

bool hns_persists(const struct json *document, int build) {
    int64_t flags = json_number(document, "Flags");
    return !(flags & 8) && (flags & 16 || build >= 19041);
}
