//! What works beside Siskin, each whole and real: KEDA with a Kafka scaler on the lag of the fleet, Helm 4 and Helm 3,
//! Flux's kustomize-controller, Argo CD's health and comparison, and kubectl that applies the same again and again. Tables of
//! rows; each says what it needs.

mod argo;
mod flux;
mod git;
mod helm;
mod install;
mod keda;
mod orders;
mod parts;

fn main() -> std::process::ExitCode {
    let others = [argo::cases(), helm::cases(), install::cases(), flux::cases()];
    let tables = [git::cases(), keda::cases(), orders::cases()].into_iter().chain(others);
    parts::play(tables.flatten().collect())
}
