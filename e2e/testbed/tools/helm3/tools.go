//go:build tools

// Package tools keeps Helm 3 in go.mod, so that go.sum pins every module it is built from.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
