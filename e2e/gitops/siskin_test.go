package gitops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	k8syaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

const operator = "siskin"

// Objects of one cluster, and the writes of them that Siskin's operator makes.
type objects struct {
	client dynamic.Interface
	mapper *restmapper.DeferredDiscoveryRESTMapper
}

func newObjects(t *testing.T, config *rest.Config) *objects {
	t.Helper()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	discoverer, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return &objects{client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discoverer))}
}

func (o *objects) api(t *testing.T, it *unstructured.Unstructured) dynamic.ResourceInterface {
	t.Helper()
	kind := it.GroupVersionKind()
	var mapping *meta.RESTMapping
	// A kind that was just made is served a moment later.
	within(t, kind.String()+" is served", func() (err error) {
		if mapping, err = o.mapper.RESTMapping(kind.GroupKind(), kind.Version); err != nil {
			o.mapper.Reset()
		}
		return err
	})
	api := o.client.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return api
	}
	return api.Namespace(it.GetNamespace())
}

func within(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(startsWithin)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, startsWithin, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (o *objects) create(t *testing.T, it *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	made, err := o.api(t, it).Create(t.Context(), it, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("creating %s %s: %v", it.GetKind(), it.GetName(), err)
	}
	return made
}

func (o *objects) get(t *testing.T, it *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	found, err := o.api(t, it).Get(t.Context(), it.GetName(), metav1.GetOptions{})
	if err != nil {
		t.Fatalf("reading %s %s: %v", it.GetKind(), it.GetName(), err)
	}
	return found
}

func (o *objects) patch(t *testing.T, it *unstructured.Unstructured, kind types.PatchType, patch any, subresources ...string) *unstructured.Unstructured {
	t.Helper()
	text, err := json.Marshal(patch)
	if err != nil {
		t.Fatal(err)
	}
	options := metav1.PatchOptions{FieldManager: operator}
	made, err := o.api(t, it).Patch(t.Context(), it.GetName(), kind, text, options, subresources...)
	if err != nil {
		t.Fatalf("patching %s %s: %v", it.GetKind(), it.GetName(), err)
	}
	return made
}

type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Writes fields and an annotation, then gives up their ownership, as the operator does with what is not its own.
func (o *objects) write(t *testing.T, it *unstructured.Unstructured, annotation, value string, fields []operation) {
	t.Helper()
	if o.get(t, it).GetAnnotations() == nil {
		fields = append(fields, operation{"add", "/metadata/annotations", map[string]string{}})
	}
	escaped := strings.ReplaceAll(annotation, "/", "~1")
	fields = append(fields, operation{"add", "/metadata/annotations/" + escaped, value})
	made := o.patch(t, it, types.JSONPatchType, fields)
	for index, entry := range made.GetManagedFields() {
		if entry.Manager == operator && entry.Subresource == "" {
			path := fmt.Sprintf("/metadata/managedFields/%d", index)
			o.patch(t, it, types.JSONPatchType, []operation{{Op: "remove", Path: path}})
			return
		}
	}
	t.Fatalf("no field of %s is the operator's after its write", it.GetKind())
}

func (o *objects) drain(t *testing.T, it *unstructured.Unstructured, count string) {
	t.Helper()
	o.write(t, it, "siskin.dev/replicas", count, []operation{{"add", "/spec/replicas", 0}})
}

func (o *objects) take(t *testing.T, it *unstructured.Unstructured) {
	t.Helper()
	o.write(t, it, "siskin.dev/scale-target", "Deployment/orders", []operation{
		{"add", "/spec/scaleTargetRef/apiVersion", "siskin.dev/v1alpha1"},
		{"add", "/spec/scaleTargetRef/kind", "CanaryRollout"},
		{"add", "/spec/scaleTargetRef/name", "orders"},
	})
}

// The rollout as it is once its target is adopted and the autoscaler taken, and the object by which the guard knows.
func (o *objects) adopted(t *testing.T, it *unstructured.Unstructured) {
	t.Helper()
	o.patch(t, it, types.MergePatchType, map[string]any{
		"metadata": map[string]any{
			"finalizers": []string{"siskin.dev/release"},
			// Of an action in Argo CD.
			"annotations": map[string]string{"siskin.dev/abort": "0ecf989ba3-1"},
		},
		"spec": map[string]any{"replicas": 6},
	})
	made := o.patch(t, it, types.MergePatchType, map[string]any{"status": map[string]any{
		"observedGeneration": 2, "phase": "Initialized", "adopted": true, "replicas": 6,
		"autoscaler": map[string]string{"kind": "HorizontalPodAutoscaler", "name": "orders"},
	}}, "status")
	guard := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryGuard",
		"spec": map[string]any{"targets": map[string]any{"orders": string(made.GetUID())}},
	}}
	guard.SetName("siskin-guard")
	guard.SetNamespace(it.GetNamespace())
	guard.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: made.GetAPIVersion(), Kind: made.GetKind(), Name: made.GetName(), UID: made.GetUID(),
	}})
	o.create(t, guard)
}

func documents(t *testing.T, pattern string) []*unstructured.Unstructured {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var all []*unstructured.Unstructured
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		decoder := k8syaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
		for {
			var document runtime.RawExtension
			err := decoder.Decode(&document)
			if errors.Is(err, io.EOF) {
				break
			}
			if err == nil && len(document.Raw) == 0 {
				continue
			}
			it := &unstructured.Unstructured{}
			if err == nil {
				err = it.UnmarshalJSON(document.Raw)
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			all = append(all, it)
		}
	}
	if len(all) == 0 {
		t.Fatalf("no object in %s", pattern)
	}
	return all
}
