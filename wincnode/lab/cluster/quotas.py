"""Quotas: of what they may count in a namespace, the control plane counts pods.

Source: kubernetes/apiserver:pkg/admission/plugin/resourcequota/controller.go (CheckRequest)
"""

from __future__ import annotations

from wincnode.lab.cluster import status
from wincnode.lab.cluster.requests import Request
from wincnode.lab.cluster.status import Json
from wincnode.lab.cluster.store import Store

QUOTAS = "resourcequotas"


def refuse_beyond(store: Store, request: Request, object: Json) -> None:
    """Refuse a pod that a quota has no room for.

    Raises: ApiError.
    """
    resource = request.resource
    if resource is None or resource.plural != "pods":
        return
    used = len(store.rows("pods", request.namespace))
    for quota in store.rows(QUOTAS, request.namespace):
        most = quota.get("spec", {}).get("hard", {}).get("pods")
        if most is not None and used >= int(most):
            why = f"exceeded quota: {quota['metadata']['name']}, requested: pods=1, used: pods="
            why += f"{used}, limited: pods={most}"
            raise status.forbidden(resource.where, object["metadata"]["name"], why)
