package gitops

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// How an Application syncs, and whether its Deployment says how many pods it wants.
type application struct {
	namespace   string
	serverSide  bool
	countsInGit bool
	git         []*unstructured.Unstructured
}

func applications(t *testing.T) []*application {
	t.Helper()
	all := []*application{
		{namespace: "client-side", countsInGit: true},
		{namespace: "server-side", serverSide: true, countsInGit: true},
		{namespace: "client-side-uncounted"},
		{namespace: "server-side-uncounted", serverSide: true},
	}
	for _, it := range all {
		it.git = gitOf(t, "git", it.namespace)
		if !it.countsInGit {
			unstructured.RemoveNestedField(find(it.git, "Deployment").Object, "spec", "replicas")
		}
	}
	return all
}

// The manifests as Argo CD hands them over: in their namespace, with the mark by which it tracks them.
func gitOf(t *testing.T, folder, namespace string) []*unstructured.Unstructured {
	t.Helper()
	all := documents(t, folder+"/*.yaml")
	for _, it := range all {
		kind := it.GroupVersionKind()
		tracked := fmt.Sprintf("shop:%s/%s:%s/%s", kind.Group, kind.Kind, namespace, it.GetName())
		it.SetNamespace(namespace)
		it.SetAnnotations(map[string]string{"argocd.argoproj.io/tracking-id": tracked})
	}
	return all
}

func find(all []*unstructured.Unstructured, kind string) *unstructured.Unstructured {
	for _, it := range all {
		if it.GetKind() == kind {
			return it
		}
	}
	return nil
}

// For a Deployment whose manifest has a count: the one thing that Siskin changes of it.
var countIgnored = []v1alpha1.ResourceIgnoreDifferences{{
	Group: "apps", Kind: "Deployment", Name: "orders", JSONPointers: []string{"/spec/replicas"},
}}

// Whether an object is Synced, by whether the guard is there, its settings, and how Argo CD compares.
type question struct {
	object           string
	guarded, settled bool
	how              comparison
}

type answers map[question]string

func ask(t *testing.T, a *argo, o *objects, git []*unstructured.Unstructured, guarded bool, found answers) {
	t.Helper()
	// Without the snippet Argo CD still ignores the status of every object.
	settings := map[bool]settingsOfArgo{
		false: {ofAll: overrides(t, nil)},
		true:  {ofAll: shipped(t), ofApplication: countIgnored},
	}
	for _, it := range git {
		live := o.get(t, it)
		for settled, settings := range settings {
			for _, how := range comparisons {
				difference := a.compare(t, how, it, live, settings)
				found[question{it.GetKind() + " " + it.GetName(), guarded, settled, how}] = difference
			}
		}
	}
}

func judge(t *testing.T, app *application, found answers) {
	t.Helper()
	var table []string
	for asked, difference := range found {
		synced := map[bool]string{true: "Synced", false: "OutOfSync"}[difference == ""]
		line := fmt.Sprintf("%s, guard %t, settings %t, %s: %s", asked.object, asked.guarded, asked.settled, asked.how, synced)
		table = append(table, line)
		wanted, claimed := claim(app, asked)
		if claimed && wanted != (difference == "") {
			t.Errorf("%s\n%s", line, difference)
		}
	}
	slices.Sort(table)
	t.Logf("found:\n%s", strings.Join(table, "\n"))
}

// The claims of docs/how-to/argo-cd.md; the others are only told.
func claim(app *application, asked question) (synced, claimed bool) {
	hpa := strings.HasPrefix(asked.object, "HorizontalPodAutoscaler")
	typed := hpa || asked.object == "ScaledObject orders-by-kind"
	counted := strings.HasPrefix(asked.object, "Deployment") && app.countsInGit
	switch {
	case asked.how == withMutations:
		// It compares metadata.generation, too, which a dry run raises.
		return false, false
	case asked.how == structured && asked.object == "CanaryRollout orders":
		// It fills no default into a step, and the list of steps is one value.
		return false, true
	case asked.settled, !typed && !counted:
		return true, true
	case asked.guarded && asked.how == serverSide:
		return true, true
	case asked.how == byDefault, asked.how == serverSide:
		return false, true
	default:
		return false, false
	}
}

func TestWhatSiskinWritesIsSyncedInArgoCD(t *testing.T) {
	config := apiServer(t)
	o := newObjects(t, config)
	for _, it := range append(documents(t, "../../crds/siskin*.yaml"), documents(t, "scaledobject.crd.yaml")...) {
		o.create(t, it)
	}
	apps := applications(t)
	for _, it := range apps[0].git {
		o.api(t, it)
	}
	a := comparer(t, func() *argo { return newArgo(t, config) }, apps[0].git)
	results := map[*application]answers{}
	for _, app := range apps {
		o.create(t, namespace(app.namespace))
		for _, it := range app.git {
			a.sync(t, it, app.serverSide)
		}
		adopt(t, o, app)
		results[app] = answers{}
		ask(t, a, o, app.git, false, results[app])
	}
	for _, it := range append(documents(t, "../../config/guard/policy.yaml"), documents(t, "../../config/guard/scale_target.yaml")...) {
		o.create(t, it)
	}
	for _, app := range apps {
		within(t, "the guard keeps what Git points elsewhere", func() error { return kept(t, a, o, app) })
		ask(t, a, o, app.git, true, results[app])
		t.Run(app.namespace, func(t *testing.T) { judge(t, app, results[app]) })
	}
}

func namespace(name string) *unstructured.Unstructured {
	it := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
	it.SetName(name)
	return it
}

// What the API server publishes of a kind that was just made comes a moment later.
func comparer(t *testing.T, again func() *argo, git []*unstructured.Unstructured) *argo {
	t.Helper()
	var a *argo
	within(t, "the schemas are published", func() error {
		a = again()
		for _, it := range git {
			if a.parser.Type(it.GroupVersionKind()) == nil {
				return errors.New(it.GetKind())
			}
		}
		return nil
	})
	return a
}

func adopt(t *testing.T, o *objects, app *application) {
	t.Helper()
	for _, it := range app.git {
		switch it.GetKind() {
		case "Deployment":
			count := "1"
			if app.countsInGit {
				count = "6"
			}
			o.drain(t, it, count)
		case "HorizontalPodAutoscaler", "ScaledObject":
			o.take(t, it)
		case "CanaryRollout":
			o.adopted(t, it)
		}
	}
}

// Syncs once more; what Siskin has changed stays, without Siskin.
func kept(t *testing.T, a *argo, o *objects, app *application) error {
	t.Helper()
	for _, it := range app.git {
		a.sync(t, it, app.serverSide)
	}
	for _, it := range app.git {
		live := o.get(t, it)
		switch it.GetKind() {
		case "Deployment":
			if count, _, _ := unstructured.NestedInt64(live.Object, "spec", "replicas"); count != 0 {
				// The write came before the policy did: as the operator would.
				adopt(t, o, &application{git: []*unstructured.Unstructured{it}, countsInGit: app.countsInGit})
				return fmt.Errorf("the Deployment has %d replicas", count)
			}
		case "HorizontalPodAutoscaler", "ScaledObject":
			if kind, _, _ := unstructured.NestedString(live.Object, "spec", "scaleTargetRef", "kind"); kind != "CanaryRollout" {
				o.take(t, it)
				return fmt.Errorf("%s %s scales a %s", it.GetKind(), it.GetName(), kind)
			}
		}
	}
	return nil
}

// On a cluster where the operator itself has adopted what is in this namespace; the folder holds the manifests as Git does.
func TestWhatTheOperatorWroteIsSyncedInArgoCD(t *testing.T) {
	kubeconfig, space, folder := os.Getenv("SISKIN_GITOPS_KUBECONFIG"), os.Getenv("SISKIN_GITOPS_NAMESPACE"), os.Getenv("SISKIN_GITOPS_MANIFESTS")
	if kubeconfig == "" || space == "" || folder == "" {
		t.Skip("no cluster was given: SISKIN_GITOPS_KUBECONFIG, SISKIN_GITOPS_NAMESPACE, SISKIN_GITOPS_MANIFESTS")
	}
	config := restConfig(t, kubeconfig)
	o, a := newObjects(t, config), newArgo(t, config)
	app := &application{namespace: space, git: gitOf(t, folder, space)}
	_, app.countsInGit, _ = unstructured.NestedInt64(find(app.git, "Deployment").Object, "spec", "replicas")
	found := answers{}
	ask(t, a, o, app.git, os.Getenv("SISKIN_GITOPS_GUARDED") != "", found)
	judge(t, app, found)
}
