package gitops

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"sigs.k8s.io/yaml"
)

// What ends a wait well, what ends it at once with an error, and what it waits for.
var waits = map[health.HealthStatusCode]status.Status{
	health.HealthStatusHealthy:     status.CurrentStatus,
	health.HealthStatusDegraded:    status.FailedStatus,
	health.HealthStatusProgressing: status.InProgressStatus,
	health.HealthStatusSuspended:   status.InProgressStatus,
}

// Flux and Helm 4 say of every object what Argo CD says, but that they know no Suspended: they wait.
func TestFluxAndHelmWaitAsArgoDoes(t *testing.T) {
	tests := read[healthTests](t, customizations+"/health_test.yaml").Tests
	seen := map[status.Status]int{}
	for _, test := range tests {
		t.Run(test.InputPath, func(t *testing.T) {
			it := object(t, filepath.Join(customizations, test.InputPath))
			found, err := status.Compute(it)
			if err != nil {
				t.Fatal(err)
			}
			wanted := waits[test.HealthStatus.Status]
			if it.GetDeletionTimestamp() != nil {
				wanted = status.TerminatingStatus
			}
			seen[wanted]++
			if found.Status != wanted {
				t.Errorf("%s, not %s: %s", found.Status, wanted, found.Message)
			}
		})
	}
	for _, one := range []status.Status{status.CurrentStatus, status.FailedStatus, status.InProgressStatus} {
		if seen[one] == 0 {
			t.Errorf("no object is %s", one)
		}
	}
}

// What Flux's page offers to those whose Kustomization shall not wait for a trial.
func offeredToFlux(t *testing.T) kustomize.CustomHealthCheck {
	t.Helper()
	text, err := os.ReadFile("../../docs/how-to/flux.md")
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(text), "```") {
		manifest, isYAML := strings.CutPrefix(block, "yaml\n")
		var it struct {
			Spec struct{ HealthCheckExprs []kustomize.CustomHealthCheck }
		}
		if isYAML && yaml.Unmarshal([]byte(manifest), &it) == nil && len(it.Spec.HealthCheckExprs) == 1 {
			return it.Spec.HealthCheckExprs[0]
		}
	}
	t.Fatal("no healthCheckExprs are offered")
	return kustomize.CustomHealthCheck{}
}

func TestFluxCanBeReadyDuringATrial(t *testing.T) {
	offered := offeredToFlux(t)
	evaluator, err := cel.NewStatusEvaluator(&offered.HealthCheckExpressions)
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]status.Status{
		"unobserved": status.InProgressStatus, "pending": status.InProgressStatus,
		"initialized": status.CurrentStatus, "initialized_pods_unavailable": status.InProgressStatus,
		"initialized_scaled_not_seen": status.InProgressStatus, "initialized_target_missing": status.FailedStatus,
		"preparing": status.CurrentStatus, "progressing": status.CurrentStatus,
		"progressing_pods_unavailable": status.InProgressStatus, "progressing_overdue": status.FailedStatus,
		"paused_approval": status.CurrentStatus, "paused_inconclusive": status.CurrentStatus,
		"promoting": status.CurrentStatus, "succeeded": status.CurrentStatus, "failed_guard": status.FailedStatus,
	}
	for name, wanted := range wanted {
		t.Run(name, func(t *testing.T) {
			it := object(t, filepath.Join(customizations, "testdata", name+".yaml"))
			if kind := it.GroupVersionKind(); offered.APIVersion != kind.GroupVersion().String() || offered.Kind != kind.Kind {
				t.Fatalf("offered for %s %s", offered.APIVersion, offered.Kind)
			}
			found, err := evaluator.Evaluate(t.Context(), it)
			if err != nil {
				t.Fatal(err)
			}
			if found.Status != wanted {
				t.Errorf("%s, not %s", found.Status, wanted)
			}
		})
	}
}

// An object that nobody judges proves nothing.
func TestEveryObjectIsJudged(t *testing.T) {
	judged := map[string]bool{}
	for _, test := range read[healthTests](t, customizations+"/health_test.yaml").Tests {
		judged[filepath.Base(test.InputPath)] = true
	}
	for _, test := range read[actionTests](t, customizations+"/actions/action_test.yaml").DiscoveryTests {
		judged[filepath.Base(test.InputPath)] = true
	}
	files, err := os.ReadDir(customizations + "/testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range files {
		if strings.HasSuffix(it.Name(), ".yaml") && !judged[it.Name()] {
			t.Errorf("nothing judges %s", it.Name())
		}
	}
}
