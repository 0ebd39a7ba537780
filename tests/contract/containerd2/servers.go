//go:build servers

package main

// Since containerd 2.3 the servers are plugins, too.
import (
	_ "github.com/containerd/containerd/v2/plugins/server/grpc"
	_ "github.com/containerd/containerd/v2/plugins/server/ttrpc"
)
