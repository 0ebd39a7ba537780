/* The Host Network Service of the double; its state is a file of JSON, hns.json, that a lab node's model
 * keeps as well: HNS_DOUBLE names it, or it lies beside the control file.
 */
#ifndef HNS_H
#define HNS_H

#include "double.h"

#define HCN_(low) ((hresult)(0x803B0000u | (low)))

/* hns_rules.c: what a document is refused for. */
hresult hns_network_refused(const struct json *document, int build, int major, int minor);
hresult hns_endpoint_refused(const struct json *document, const struct json *of, const struct json *endpoints);
hresult hns_namespace_refused(const struct json *document);
hresult hns_request_refused(const char *kind, const struct json *request);
const struct json *hns_subnet(const struct json *network, const struct json *after);
struct json *hns_free_address(const struct json *of, const struct json *endpoints);
bool hns_overlaps(const struct json *made, const struct json *networks);
const char *hns_adapter(const struct json *document);
bool hns_persists(const struct json *document, int build);

/* hns_state.c: what is there; `state` is a tree that hns_close writes, where nothing failed. */
struct json *hns_open(void);
void hns_close(struct json *state, bool write);
struct json *hns_list(struct json *state, const char *kind);
struct json *hns_find(struct json *state, const char *kind, const char *id);
void hns_lose(struct json *state);
hresult hns_create(struct json *state, const char *kind, const struct json *document, const char *network, const char *id, char **made);
struct json *hns_query(struct json *state, const char *kind, const char *id);
hresult hns_modify(struct json *state, const char *kind, const char *id, const struct json *request);
hresult hns_delete(struct json *state, const char *kind, const char *id);
char *hns_ids(struct json *state, const char *kind, const struct json *query, hresult *why);
hresult hns_missing(const char *kind);

#endif
