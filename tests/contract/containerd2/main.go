// Loads a config.toml as containerd 2 does and tells what it makes of it.
//
// Usage: contract CONFIG [CERTS_D HOST...]
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	runhcs "github.com/Microsoft/hcsshim/cmd/containerd-shim-runhcs-v1/options"
	"github.com/containerd/containerd/v2/cmd/containerd/server/config"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	hosts "github.com/containerd/containerd/v2/core/remotes/docker/config"
	"github.com/containerd/containerd/v2/version"
	"github.com/containerd/plugin"
	"github.com/containerd/plugin/registry"
	"github.com/pelletier/go-toml/v2"

	_ "github.com/containerd/containerd/v2/plugins/cri"
	_ "github.com/containerd/containerd/v2/plugins/cri/images"
	_ "github.com/containerd/containerd/v2/plugins/cri/runtime"
)

type host struct {
	Scheme, Host, Path string
	Pulls, Pushes      bool
}

type result struct {
	Version int
	Root    string
	State   string
	GRPC    string
	Plugins map[string]any
	Hosts   map[string][]host
}

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string, rest []string) error {
	ctx := context.Background()
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	file := &config.Config{}
	if err := toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields().Decode(file); err != nil {
		return fmt.Errorf("at the top: %w", err)
	}
	registered := map[string]plugin.Registration{}
	for _, p := range registry.Graph(func(*plugin.Registration) bool { return false }) {
		registered[p.URI()] = p
	}
	out := &config.Config{Version: version.ConfigVersion}
	if err := config.LoadConfig(ctx, path, out); err != nil {
		return err
	}
	found := result{Version: file.Version, Root: out.Root, State: out.State, GRPC: out.GRPC.Address, Plugins: map[string]any{}, Hosts: map[string][]host{}}
	for id, table := range file.Plugins {
		p, ok := registered[id]
		if !ok {
			return fmt.Errorf("no plugin %q", id)
		}
		if err := strict(table, p.Config); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		if err := options(table); err != nil {
			return fmt.Errorf("%s: options: %w", id, err)
		}
		found.Plugins[id] = p.Config
	}
	if len(rest) > 0 {
		for _, name := range rest[1:] {
			if found.Hosts[name], err = lookUp(ctx, rest[0], name); err != nil {
				return fmt.Errorf("hosts of %s: %w", name, err)
			}
		}
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

func strict(table, into any) error {
	text, err := toml.Marshal(table)
	if err != nil {
		return err
	}
	return toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields().Decode(into)
}

// options decodes what containerd itself hands to the shim without a look.
func options(table any) error {
	top, _ := table.(map[string]any)
	containerd, _ := top["containerd"].(map[string]any)
	runtimes, _ := containerd["runtimes"].(map[string]any)
	for name, value := range runtimes {
		runtime, _ := value.(map[string]any)
		if err := strict(runtime["options"], &runhcs.Options{}); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func lookUp(ctx context.Context, root, name string) ([]host, error) {
	rows, err := hosts.ConfigureHosts(ctx, hosts.HostOptions{HostDir: hosts.HostDirFromRoot(root)})(name)
	if err != nil {
		return nil, err
	}
	found := []host{}
	for _, row := range rows {
		found = append(found, host{
			Scheme: row.Scheme, Host: row.Host, Path: row.Path,
			Pulls: row.Capabilities.Has(docker.HostCapabilityPull), Pushes: row.Capabilities.Has(docker.HostCapabilityPush),
		})
	}
	return found, nil
}
