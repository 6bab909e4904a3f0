//go:build tools

// Package tools keeps the test bed's etcd in go.mod, so that go.sum pins every module it is built from.
package tools

import _ "go.etcd.io/etcd/server/v3"
