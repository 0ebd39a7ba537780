// Loads a config.toml as containerd 1.7 does and tells what it makes of it.
//
// Usage: contract CONFIG
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	runhcs "github.com/Microsoft/hcsshim/cmd/containerd-shim-runhcs-v1/options"
	cri "github.com/containerd/containerd/pkg/cri/config"
	"github.com/containerd/containerd/services/server/config"
	"github.com/pelletier/go-toml"
)

const criPlugin = "io.containerd.grpc.v1.cri"

type result struct {
	Version int
	Root    string
	State   string
	GRPC    string
	Plugins map[string]any
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string) error {
	out := &config.Config{}
	if err := config.LoadConfig(path, out); err != nil {
		return err
	}
	found := result{Version: out.Version, Root: out.Root, State: out.State, GRPC: out.GRPC.Address, Plugins: map[string]any{}}
	for id, table := range out.Plugins {
		if id != criPlugin {
			return fmt.Errorf("no plugin %q", id)
		}
		plugin := cri.DefaultConfig()
		if err := strict(&table, &plugin); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		for name, runtime := range plugin.ContainerdConfig.Runtimes {
			options, err := toml.TreeFromMap(runtime.Options)
			if err != nil {
				return err
			}
			if name != "runc" {
				if err := strict(options, &runhcs.Options{}); err != nil {
					return fmt.Errorf("%s: options of %s: %w", id, name, err)
				}
			}
		}
		found.Plugins[id] = plugin
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

func strict(table *toml.Tree, into any) error {
	text, err := table.ToTomlString()
	if err != nil {
		return err
	}
	return toml.NewDecoder(strings.NewReader(text)).Strict(true).Decode(into)
}
