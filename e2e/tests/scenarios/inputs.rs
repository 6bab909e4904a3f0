//! What is wrong is refused by the API server, or held with a reason that says what to do; and what
//! is held goes on by itself once it is right.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use siskin_api::Phase;
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{ROLLOUT, RolloutSpec, Scenario, Version, scenario};

/// The trial of version 2 is held for this reason, without a canary; that it is no failure of the
/// version is known from the phase.
async fn held(s: &mut Scenario, text: &str) -> Result<()> {
    s.then()
        .sees(&format!("held in Preparing: …{text}…"), |view| {
            let status = &view.state.rollout()?.status;
            let held = status.phase == Some(Phase::Preparing);
            let told = status.message.as_ref()?.contains(text);
            (held && told && view.state.count(Part::Canary) == 0).then_some(())
        })
        .await
}

async fn source(s: &mut Scenario, field: &str, value: Value) -> Result<()> {
    let kafka = json!({"spec": {"analysis": {"kafka": {field: value}}}});
    s.when().edits_rollout(&kafka).await
}

#[test]
fn a_spec_that_makes_no_sense_is_refused_by_the_api_server() {
    scenario(async |s| {
        let cases = [
            ("no steps", RolloutSpec::endless().strategy("steps", Value::Null)),
            ("steps that fall", RolloutSpec::steps(&json!([{"weight": 50}, {"weight": 10}]))),
            ("weight and replicas", RolloutSpec::steps(&json!([{"weight": 5, "replicas": 1}]))),
            ("neither", RolloutSpec::steps(&json!([{"hold": "5s"}]))),
            ("all of the pods", RolloutSpec::steps(&json!([{"weight": 100}]))),
            ("no duration", RolloutSpec::endless().strategy("warmUp", "soon")),
            ("a deadline of 5 s", RolloutSpec::endless().strategy("progressDeadline", "5s")),
            ("a maxHold below the hold", RolloutSpec::endless().strategy("maxHold", "1m")),
            ("no such order", RolloutSpec::endless().strategy("order", "Random")),
            ("no broker", RolloutSpec::endless().kafka("bootstrapServers", json!([]))),
            ("a negative count", RolloutSpec::endless().field("replicas", -1)),
        ];
        for (what, spec) in cases {
            let manifest = spec.manifest(ROLLOUT, "127.0.0.1:9092", "orders");
            let outcome = s.objects.apply(ObjectKind::CanaryRollout, &manifest).await;
            let error = outcome.err().with_context(|| format!("{what} was accepted"))?;
            let invalid = format!("{error:#}").contains("Invalid");
            ensure!(invalid, "{what}: not refused as invalid: {error:#}");
        }
        let manifest = RolloutSpec::endless().manifest(ROLLOUT, "127.0.0.1:9092", "orders");
        s.objects.apply(ObjectKind::CanaryRollout, &manifest).await?;
        let other = json!({"spec": {"targetRef": {"name": "payments"}}});
        let moved = s.objects.merge(ObjectKind::CanaryRollout, ROLLOUT, &other).await;
        let error = format!("{:#}", moved.err().context("the target was changed")?);
        ensure!(error.contains("targetRef cannot be changed"), "{error}");
        Ok(())
    });
}

#[test]
fn the_samples_are_accepted() {
    scenario(async |s| {
        let samples = s.run.bed.repository().join("config/samples");
        let files = std::fs::read_dir(&samples)?.map(|it| Ok(it?.path()));
        let files: Vec<_> = files.collect::<Result<Vec<_>>>()?;
        let samples = files.iter().filter(|it| !it.ends_with("kustomization.yaml"));
        let mut accepted = 0;
        for sample in samples {
            let text = std::fs::read_to_string(sample)?;
            // They are written for a namespace that has a Deployment to roll out.
            let text = text.replace("namespace: shop", &format!("namespace: {}", s.namespace));
            s.kubectl(&["create", "--dry-run=server", "-f", "-"], &text).await?;
            accepted += 1;
        }
        ensure!(5 <= accepted, "only {accepted} samples");
        Ok(())
    });
}

#[test]
fn the_wrong_group_is_held_until_it_is_right() {
    scenario(async |s| {
        let spec = RolloutSpec::endless().kafka("consumerGroup", "nobody");
        s.given().an_adopted_fleet(3, &spec).await?;
        s.when().ships(&Version::good("2")).await?;
        held(s, "nobody").await?;
        let group = s.namespace.clone();
        source(s, "consumerGroup", json!(group)).await?;
        s.then().reaches(Phase::Progressing).await
    });
}

#[test]
fn a_group_without_the_primary_is_held_and_start_overrides_it() {
    scenario(async |s| {
        let strangers = format!("{}-strangers", s.namespace);
        s.given()
            .an_adopted_fleet(3, &RolloutSpec::endless().kafka("consumerGroup", strangers.clone()))
            .await?;
        s.given().a_foreign_consumer(&strangers).await?;
        s.when().ships(&Version::good("2")).await?;
        held(s, "consumerGroup").await?;
        s.when().commands("start", "").await?;
        s.then().tells("CommandFollowed", "siskin.dev/start").await?;
        s.then().reaches(Phase::Progressing).await
    });
}

#[test]
fn a_broker_that_is_not_there_is_held_until_it_is() {
    scenario(async |s| {
        // Nobody listens there.
        let spec = RolloutSpec::endless().kafka("bootstrapServers", json!(["127.0.0.1:1"]));
        s.given().an_adopted_fleet(3, &spec).await?;
        s.when().ships(&Version::good("2")).await?;
        held(s, "127.0.0.1:1").await?;
        s.then().says("SourcesReachable", "False", "Unreachable").await?;
        let right = s.run.bed.kafka_bootstrap();
        source(s, "bootstrapServers", json!([right])).await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then().says("SourcesReachable", "True", "Answered").await
    });
}

#[test]
fn a_secret_that_is_not_there_is_held_until_it_is() {
    scenario(async |s| {
        let secret = json!({"name": "kafka"});
        s.given()
            .an_adopted_fleet(3, &RolloutSpec::endless().kafka("credentialsSecretRef", secret))
            .await?;
        s.when().ships(&Version::good("2")).await?;
        held(s, "Secret kafka").await?;
        let empty = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kafka"},
            "stringData": {"username": "siskin"},
        });
        s.objects.apply(ObjectKind::Secret, &empty).await?;
        held(s, "sasl.mechanism").await?;
        source(s, "credentialsSecretRef", Value::Null).await?;
        s.then().reaches(Phase::Progressing).await
    });
}

#[test]
fn a_wrong_password_and_a_wrong_ca_are_told_apart() {
    scenario(async |s| {
        let secured = s.run.bed.secured_kafka()?;
        let (ca, other) = (std::fs::read_to_string(&secured.ca)?, another_ca()?);
        let secret = |password: &str, ca: &str| {
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kafka"},
                "stringData": {
                    "sasl.mechanism": "SCRAM-SHA-512", "username": secured.user,
                    "password": password, "ca.crt": ca,
                },
            })
        };
        s.objects.apply(ObjectKind::Secret, &secret("wrong", &ca)).await?;
        let spec = RolloutSpec::endless()
            .kafka("bootstrapServers", json!([secured.sasl_bootstrap]))
            .kafka("credentialsSecretRef", json!({"name": "kafka"}));
        s.given().an_adopted_fleet(2, &spec).await?;
        s.then().says("SourcesReachable", "False", "AuthenticationFailed").await?;
        s.objects.apply(ObjectKind::Secret, &secret(&secured.password, &other)).await?;
        s.then().says("SourcesReachable", "False", "TlsFailed").await?;
        s.objects.apply(ObjectKind::Secret, &secret(&secured.password, &ca)).await?;
        s.then().says("SourcesReachable", "True", "Answered").await?;
        let log = s.operator()?.log();
        ensure!(!log.contains(&secured.password), "the password shows in the log");
        Ok(())
    });
}

/// A certificate that signed nothing of the test bed's.
fn another_ca() -> Result<String> {
    let arguments = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let mut openssl = std::process::Command::new("openssl");
    openssl.args(arguments).args(["-nodes", "-keyout", "/dev/null", "-subj", "/CN=another"]);
    let output = openssl.output().context("running openssl")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
