// Package gitops runs the engines of Argo CD and Flux on objects of Siskin: Argo CD's Lua for health and actions, its comparison
// of Git with the cluster, and the kstatus by which Flux and Helm wait.
package gitops

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"
)

const (
	config         = "../../config/argo-cd"
	customizations = config + "/resource_customizations/siskin.dev/CanaryRollout"
	snippet        = config + "/argocd-cm.yaml"
)

// Both as Argo CD's own tests read them: the folder can be copied into its resource_customizations.
type healthTests struct {
	Tests []struct {
		InputPath    string
		HealthStatus health.HealthStatus
	}
}

type actionTests struct {
	DiscoveryTests []struct {
		InputPath string
		Result    []v1alpha1.ResourceAction
	}
	ActionTests []struct {
		Action, InputPath, ExpectedOutputPath string
	}
}

func read[T any](t *testing.T, path string) T {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var value T
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return value
}

func object(t *testing.T, path string) *unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	inJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	it := &unstructured.Unstructured{}
	if err := it.UnmarshalJSON(inJSON); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return it
}

// The settings of an Argo CD whose argocd-cm has this data.
func overrides(t *testing.T, data map[string]string) map[string]v1alpha1.ResourceOverride {
	t.Helper()
	named := func(name string) metav1.ObjectMeta {
		labels := map[string]string{"app.kubernetes.io/part-of": "argocd"}
		return metav1.ObjectMeta{Name: name, Namespace: "argocd", Labels: labels}
	}
	client := fake.NewClientset(
		&corev1.ConfigMap{ObjectMeta: named("argocd-cm"), Data: data},
		&corev1.Secret{ObjectMeta: named("argocd-secret")},
	)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	found, err := settings.NewSettingsManager(ctx, client, "argocd").GetResourceOverrides()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func shipped(t *testing.T) map[string]v1alpha1.ResourceOverride {
	t.Helper()
	return overrides(t, read[corev1.ConfigMap](t, snippet).Data)
}

func TestHealth(t *testing.T) {
	tests := read[healthTests](t, customizations+"/health_test.yaml").Tests
	all := shipped(t)
	for _, test := range tests {
		t.Run(test.InputPath, func(t *testing.T) {
			it := object(t, filepath.Join(customizations, test.InputPath))
			// As Argo CD calls it, without Lua's libraries: what is being deleted it judges by itself.
			found, err := health.GetResourceHealth(it, lua.ResourceHealthOverrides(all))
			if err != nil {
				t.Fatal(err)
			}
			wanted := test.HealthStatus
			if it.GetDeletionTimestamp() != nil {
				wanted = health.HealthStatus{Status: health.HealthStatusProgressing, Message: "Pending deletion"}
			}
			if diff := cmp.Diff(&wanted, found); diff != "" {
				t.Error(diff)
			}
			// As its test of the folder does.
			found, err = lua.VM{UseOpenLibs: true}.ExecuteHealthLua(it, file(t, "health.lua"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.HealthStatus, found); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Argo CD's own test lets an action that is missing pass; this one does not.
func TestDiscovery(t *testing.T) {
	vm := lua.VM{ResourceOverrides: shipped(t)}
	for _, test := range read[actionTests](t, customizations+"/actions/action_test.yaml").DiscoveryTests {
		t.Run(test.InputPath, func(t *testing.T) {
			it := object(t, filepath.Join(customizations, "actions", test.InputPath))
			scripts, err := vm.GetResourceActionDiscovery(it)
			if err != nil {
				t.Fatal(err)
			}
			found, err := vm.ExecuteResourceActionDiscovery(it, scripts)
			if err != nil {
				t.Fatal(err)
			}
			byName := func(a, b v1alpha1.ResourceAction) int { return strings.Compare(a.Name, b.Name) }
			slices.SortFunc(found, byName)
			slices.SortFunc(test.Result, byName)
			if diff := cmp.Diff(test.Result, found); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestActions(t *testing.T) {
	vm := lua.VM{ResourceOverrides: shipped(t)}
	tried := map[string]bool{}
	for _, test := range read[actionTests](t, customizations+"/actions/action_test.yaml").ActionTests {
		tried[test.Action] = true
		t.Run(test.Action+"/"+test.InputPath, func(t *testing.T) {
			it := object(t, filepath.Join(customizations, "actions", test.InputPath))
			action, err := vm.GetResourceAction(it, test.Action)
			if err != nil {
				t.Fatal(err)
			}
			changed, err := vm.ExecuteResourceAction(it, action.ActionLua, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(changed) != 1 || changed[0].K8SOperation != lua.PatchOperation {
				t.Fatalf("not one patch: %v", changed)
			}
			wanted := object(t, filepath.Join(customizations, "actions", test.ExpectedOutputPath))
			if diff := cmp.Diff(plain(t, wanted), plain(t, changed[0].UnstructuredObj)); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, name := range actionNames(t) {
		if !tried[name] {
			t.Errorf("nothing tries the action %s", name)
		}
	}
}

// Lua's numbers are floats, and so are those of JSON.
func plain(t *testing.T, it *unstructured.Unstructured) map[string]any {
	t.Helper()
	text, err := json.Marshal(it)
	if err != nil {
		t.Fatal(err)
	}
	var value map[string]any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(customizations, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func actionNames(t *testing.T) []string {
	t.Helper()
	scripts, err := filepath.Glob(customizations + "/actions/*/action.lua")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, script := range scripts {
		names = append(names, filepath.Base(filepath.Dir(script)))
	}
	return names
}
