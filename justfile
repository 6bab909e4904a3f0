# Shorthands; each runs what the README and docs/development.md spell out.

# What there is.
default:
    @just --list

# Everything CI runs.
ci:
    .ci/run

# All tests; the test bed provisions itself.
test:
    cargo test --workspace

# Faults, identical versions and outages, each in a table, for an hour or two; words choose rows.
endurance *WORDS:
    cargo test -p siskin-e2e --test endurance -- {{WORDS}}

# The operator among other people's things: autoscalers, policies, nodes, clients, installations; words choose scenarios.
field *WORDS:
    cargo test -p siskin-e2e --test field -- {{WORDS}}

# KEDA, Helm 4, Helm 3 and Flux, each whole and real, built first where they are not cached; words choose rows.
ecosystem *WORDS:
    cargo test -p siskin-e2e --test ecosystem -- {{WORDS}}

# Unit, property, golden, scripted API and simulation: no cluster, no network.
quick:
    cargo test --workspace --exclude siskin-e2e

# Format, lints, docs.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy -p siskin-e2e --test ecosystem --test endurance --test field --test templates -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

# Licenses, bans and sources of dependencies, and what is known against them; needs cargo-deny.
deny:
    cargo deny check

# What breaks a rule of the house, line by line.
tidy:
    cargo tidy

# Write crds/ from the types.
crds:
    cargo crds

# Write docs/reference from the types, the command lines and the metrics.
pages: crds
    SISKIN_WRITE_PAGES=1 cargo test -p siskin-operator --lib metrics::tests::page
    SISKIN_WRITE_PAGES=1 cargo test -p siskin-cli --test cli page

# Write what of helm/siskin is made from other files; compare the chart with the overlays.
chart:
    cargo chart
    cargo test -p siskin-chart

# The operator's image, as an archive below target/image; docs/release.md has the options.
image *ARGS:
    cargo image {{ARGS}}

# Watch real consumers being rolled out, judged, promoted and rolled back.
demo *ARGS:
    cargo demo {{ARGS}}

# The test bed: up, down, status, env, load-image, operator, measure.
testbed *ARGS:
    cargo testbed {{ARGS}}
