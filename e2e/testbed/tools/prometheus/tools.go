//go:build tools

// Package tools keeps Prometheus in go.mod, so that go.sum pins every module it is built from.
package tools

import (
	_ "github.com/prometheus/prometheus/cmd/prometheus"
	_ "github.com/prometheus/prometheus/cmd/promtool"
)
