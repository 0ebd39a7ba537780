// Tells which platforms of images containerd takes on Windows hosts.
//
// Usage: contract FILE, a JSON list of the os.version of a host and the platform of an image.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/containerd/platforms"
	specs "github.com/opencontainers/image-spec/specs-go/v1"
)

type question struct {
	Host  string
	Image specs.Platform
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var questions []question
	if err := json.Unmarshal(content, &questions); err != nil {
		return err
	}
	answers := make([]bool, len(questions))
	for i, row := range questions {
		host := specs.Platform{OS: "windows", Architecture: "amd64", OSVersion: row.Host}
		answers[i] = platforms.NewMatcher(host).Match(row.Image)
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}
