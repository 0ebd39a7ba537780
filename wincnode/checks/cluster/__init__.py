"""Checks of a cluster that is to get Windows nodes: what `wincnode.cluster.facts` read, judged."""
