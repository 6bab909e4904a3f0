//go:build tools

// Package tools keeps kwok in go.mod, so that go.sum pins every module it is built from.
package tools

import _ "sigs.k8s.io/kwok/cmd/kwok"
