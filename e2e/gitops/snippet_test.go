package gitops

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var write = flag.Bool("write", false, "write config/argo-cd/argocd-cm.yaml anew")

// What is not made of a file: HPAs and ScaledObjects that Siskin has pointed at a CanaryRollout.
const differences = `  resource.customizations.ignoreDifferences.autoscaling_HorizontalPodAutoscaler: |
    jsonPointers:
    - /spec/scaleTargetRef
  resource.customizations.ignoreDifferences.keda.sh_ScaledObject: |
    jsonPointers:
    - /spec/scaleTargetRef
`

const head = `# For people who can't wait for Argo CD to ship it: kubectl -n argocd patch configmap argocd-cm --patch-file argocd-cm.yaml
# Made of resource_customizations/ by: go test -run TestSnippet -args -write (in e2e/gitops).
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
data:
`

func indented(text string, by int) string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			lines.WriteString(strings.Repeat(" ", by))
		}
		lines.WriteString(line)
	}
	return lines.String()
}

func TestSnippetIsMadeOfTheFolder(t *testing.T) {
	var made strings.Builder
	made.WriteString(head)
	fmt.Fprintf(&made, "  resource.customizations.health.siskin.dev_CanaryRollout: |\n%s", indented(file(t, "health.lua"), 4))
	made.WriteString("  resource.customizations.actions.siskin.dev_CanaryRollout: |\n")
	fmt.Fprintf(&made, "    discovery.lua: |\n%s    definitions:\n", indented(file(t, "actions/discovery.lua"), 6))
	for _, name := range actionNames(t) {
		script := file(t, "actions/"+name+"/action.lua")
		fmt.Fprintf(&made, "    - name: %s\n      action.lua: |\n%s", name, indented(script, 8))
	}
	made.WriteString(differences)
	if *write {
		if err := os.WriteFile(snippet, []byte(made.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := os.ReadFile(snippet)
	if err != nil {
		t.Fatal(err)
	}
	if string(found) != made.String() {
		t.Errorf("%s is not what the folder makes: go test -run TestSnippet -args -write", snippet)
	}
}
