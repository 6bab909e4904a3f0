package gitops

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const startsWithin = 90 * time.Second

// The newest of a part in the test bed's cache; the test is skipped where it was never built.
func part(t *testing.T, name, program string) string {
	t.Helper()
	cache := os.Getenv("SISKIN_CACHE")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(home, ".cache", "siskin")
	}
	found, err := filepath.Glob(filepath.Join(cache, "parts", name+"-v*", program))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Skipf("NOT CHECKED: the test bed's %s is not in %s; cargo testbed up builds it", program, cache)
	}
	return found[len(found)-1]
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Runs until the test ends; its output is shown if the test fails.
func daemon(t *testing.T, program string, arguments ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), filepath.Base(program)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, arguments...)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			lines := strings.Split(string(text), "\n")
			t.Logf("the end of %s:\n%s", log.Name(), strings.Join(lines[max(0, len(lines)-30):], "\n"))
		}
	})
}

// A Kubernetes API server with nothing behind it but etcd: objects, schemas and admission policies are real, and no
// controller touches them.
func apiServer(t *testing.T) *rest.Config {
	t.Helper()
	etcd, server := part(t, "etcd", "etcd"), part(t, "kubernetes", "kube-apiserver")
	data := t.TempDir()
	client, peer, secure := freePort(t), freePort(t), freePort(t)
	daemon(t, etcd, "--data-dir="+data+"/etcd", "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=http://127.0.0.1:"+client, "--advertise-client-urls=http://127.0.0.1:"+client,
		"--listen-peer-urls=http://127.0.0.1:"+peer, "--initial-advertise-peer-urls=http://127.0.0.1:"+peer,
		"--initial-cluster=default=http://127.0.0.1:"+peer)
	key := data + "/service-account.key"
	made, err := exec.Command("openssl", "genrsa", "-out", key, "2048").CombinedOutput()
	if err != nil {
		t.Fatalf("openssl: %v: %s", err, made)
	}
	tokens := data + "/tokens.csv"
	if err := os.WriteFile(tokens, []byte("secret,administrator,1,system:masters\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon(t, server, "--etcd-servers=http://127.0.0.1:"+client, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
		"--secure-port="+secure, "--cert-dir="+data+"/certs", "--token-auth-file="+tokens, "--authorization-mode=AlwaysAllow",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+key,
		"--service-account-signing-key-file="+key, "--service-cluster-ip-range=10.0.0.0/24", "--endpoint-reconciler-type=none",
		"--disable-admission-plugins=ServiceAccount")
	config := &rest.Config{Host: "https://127.0.0.1:" + secure, BearerToken: "secret", QPS: -1}
	config.Insecure = true
	ready(t, config)
	return config
}

func restConfig(t *testing.T, kubeconfig string) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func ready(t *testing.T, config *rest.Config) {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startsWithin)
	defer cancel()
	for {
		answer, err := client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Raw()
		if err == nil && string(answer) == "ok" {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(fmt.Errorf("the API server is not ready within %s: %w", startsWithin, err))
		case <-time.After(200 * time.Millisecond):
		}
	}
}
