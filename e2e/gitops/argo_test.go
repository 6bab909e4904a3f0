package gitops

import (
	"encoding/json"
	"testing"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/diff"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/tracing"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/rest"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

const argoManager = "argocd-controller"

// The settings of an Application that change how Git is compared with the cluster.
type comparison string

const (
	byDefault     comparison = "by default"
	structured    comparison = "sync option ServerSideApply=true"
	serverSide    comparison = "ServerSideDiff=true"
	withMutations comparison = "ServerSideDiff=true,IncludeMutationWebhook=true"
)

var comparisons = []comparison{byDefault, structured, serverSide, withMutations}

// Argo CD, as far as it applies and compares.
type argo struct {
	applies kube.ResourceOperations
	dryRuns diff.ServerSideDryRunner
	parser  *managedfields.GvkParser
}

func newArgo(t *testing.T, config *rest.Config) *argo {
	t.Helper()
	kubectl := &kube.KubectlCmd{Log: logr.Discard(), Tracer: tracing.NopTracer{}}
	applies, cleanup, err := kubectl.ManageResources(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cleanup)
	dryRuns, cleanup, err := kubectl.ManageServerSideDiffDryRuns(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cleanup)
	_, parser, err := kubectl.LoadOpenAPISchema(config)
	if err != nil {
		t.Fatal(err)
	}
	return &argo{applies: applies, dryRuns: diff.NewK8sServerSideDryRunner(dryRuns), parser: parser}
}

// Applies what Git holds.
func (a *argo) sync(t *testing.T, git *unstructured.Unstructured, serverSide bool) {
	t.Helper()
	if _, err := a.applies.ApplyResource(t.Context(), git, cmdutil.DryRunNone, false, false, serverSide, argoManager); err != nil {
		t.Fatalf("syncing %s %s: %v", git.GetKind(), git.GetName(), err)
	}
}

// What Argo CD would show as the difference; nothing if it is Synced.
func (a *argo) compare(t *testing.T, how comparison, git, live *unstructured.Unstructured, settings settingsOfArgo) string {
	t.Helper()
	ignores, err := normalizers.NewIgnoreNormalizer(settings.ofApplication, settings.ofAll, normalizers.IgnoreNormalizerOpts{})
	if err != nil {
		t.Fatal(err)
	}
	known, err := normalizers.NewKnownTypesNormalizer(settings.ofAll)
	if err != nil {
		t.Fatal(err)
	}
	options := []diff.Option{
		diff.WithNormalizer(both{ignores, known}),
		diff.WithGVKParser(a.parser),
		diff.WithManager(argoManager),
		diff.WithServerSideDryRunner(a.dryRuns),
		diff.WithStructuredMergeDiff(how == structured),
		diff.WithServerSideDiff(how == serverSide || how == withMutations),
		diff.WithIgnoreMutationWebhook(how != withMutations),
	}
	result, err := diff.Diff(t.Context(), git.DeepCopy(), live.DeepCopy(), options...)
	if err != nil {
		t.Fatalf("comparing %s %s by %s: %v", git.GetKind(), git.GetName(), how, err)
	}
	if !result.Modified {
		return ""
	}
	var predicted, found map[string]any
	if err := json.Unmarshal(result.PredictedLive, &predicted); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(result.NormalizedLive, &found); err != nil {
		t.Fatal(err)
	}
	return cmp.Diff(found, predicted)
}

// What people set: argocd-cm for all Applications, ignoreDifferences for one.
type settingsOfArgo struct {
	ofAll         map[string]v1alpha1.ResourceOverride
	ofApplication []v1alpha1.ResourceIgnoreDifferences
}

type both [2]diff.Normalizer

func (b both) Normalize(it *unstructured.Unstructured) error {
	for _, normalizer := range b {
		if err := normalizer.Normalize(it); err != nil {
			return err
		}
	}
	return nil
}
