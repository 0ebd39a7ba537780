// Reads files as one version of Kubernetes does and tells what it makes of them.
//
// Usage: contract kubeadm FILE | kubelet CONFIG DROP_IN | manifests FILE...
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	kubeletv1beta1 "k8s.io/kubelet/config/v1beta1"
	strictyaml "sigs.k8s.io/yaml"

	kubeadmconfig "k8s.io/kubernetes/cmd/kubeadm/app/util/config"
	kubeletscheme "k8s.io/kubernetes/pkg/kubelet/apis/config/scheme"
	"k8s.io/kubernetes/pkg/kubelet/kubeletconfig/util/codec"
)

func main() {
	actions := map[string]func([]string) (any, error){
		"kubeadm": kubeadm, "kubelet": kubelet, "manifests": manifests,
	}
	found, err := actions[os.Args[1]](os.Args[2:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// kubeadm does what `kubeadm config validate` does.
func kubeadm(paths []string) (any, error) {
	text, err := os.ReadFile(paths[0])
	if err != nil {
		return nil, err
	}
	return "valid", kubeadmconfig.ValidateConfig(text, false, false)
}

// kubelet merges a drop-in over a configuration, each decoded by the published types first.
func kubelet(paths []string) (any, error) {
	texts := [][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if err := strictyaml.UnmarshalStrict(text, &kubeletv1beta1.KubeletConfiguration{}); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		texts = append(texts, text)
	}
	_, codecs, err := kubeletscheme.NewSchemeAndCodecs(serializer.EnableStrict)
	if err != nil {
		return nil, err
	}
	merged, _, err := codec.DecodeKubeletConfigurationIntoJSON(codecs, texts[0])
	if err != nil {
		return nil, err
	}
	for _, text := range texts[1:] {
		over, _, err := codec.DecodeKubeletConfigurationIntoJSON(codecs, text)
		if err != nil {
			return nil, err
		}
		if merged, err = jsonpatch.MergePatch(merged, over); err != nil {
			return nil, err
		}
	}
	config := kubeletv1beta1.KubeletConfiguration{}
	if err := json.Unmarshal(merged, &config); err != nil {
		return nil, err
	}
	return config, nil
}

// manifests decodes every document strictly and lists the kinds that Kubernetes itself has not.
func manifests(paths []string) (any, error) {
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	known, foreign := 0, []string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
		for {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			_, _, err = decoder.Decode(document, nil, nil)
			switch {
			case err == nil:
				known++
			case runtime.IsNotRegisteredError(err):
				meta := runtime.TypeMeta{}
				if err := strictyaml.Unmarshal(document, &meta); err != nil {
					return nil, err
				}
				foreign = append(foreign, meta.Kind)
			default:
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	return map[string]any{"known": known, "foreign": foreign}, nil
}
