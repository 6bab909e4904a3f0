//go:build tools

// Package tools keeps Flux's kustomize-controller in go.mod, so that go.sum pins every module it is built from.
package tools

import _ "github.com/fluxcd/kustomize-controller"
