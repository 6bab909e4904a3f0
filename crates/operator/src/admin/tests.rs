//! The endpoints over a real connection on the loopback, and what they report.
//! Whatever has to do with time is tested on paused time.

use siskin_decide::{Revision, RolloutId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, timeout};

use super::*;
use crate::traces::directory::Directory;
use crate::traces::shelf::{Attempt, Beginning};

const BOUND: Duration = Duration::from_secs(60);

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), AdminError>>,
}

async fn served(admin: &Admin) -> Served {
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move {
        let _ = stopped.await;
    };
    let task = tokio::spawn(serve(listener, admin.clone(), shutdown));
    Served { address, stop, task }
}

/// Status line, headers and body of the answer.
async fn request(address: SocketAddr, line: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let text = format!("{line} HTTP/1.1\r\nHost: siskin\r\nConnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    // A trace is no text; what is asked of its answer here is.
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn is_ready_once_every_condition_is_met() {
    let admin = Admin::default();
    let first = admin.readiness.condition("the first listing of Deployments");
    let second = admin.readiness.condition("the first listing of Pods");
    let served = served(&admin).await;
    let answer = request(served.address, "GET /readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("waiting for the first listing of Deployments\nwaiting for"));
    first.met();
    let answer = request(served.address, "GET /readyz").await;
    assert!(answer.ends_with("\r\n\r\nwaiting for the first listing of Pods\n"), "{answer}");
    second.met();
    assert!(request(served.address, "GET /readyz").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn is_healthy_while_every_task_moves() {
    let admin = Admin::default();
    let moving = admin.health.task("passes", BOUND);
    let _still = admin.health.task("sampling", BOUND);
    let served = served(&admin).await;
    assert!(request(served.address, "GET /healthz").await.starts_with("HTTP/1.1 200 "));
    advance(BOUND + Duration::from_secs(1)).await;
    moving.beat();
    let answer = request(served.address, "GET /healthz").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\nsampling: no heartbeat for 61 s\n"), "{answer}");
}

#[tokio::test]
async fn serves_metrics_in_their_media_type() {
    let admin = Admin::default();
    admin.metrics.leader(true);
    let served = served(&admin).await;
    let answer = request(served.address, "GET /metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains(&format!("content-type: {CONTENT_TYPE}\r\n")), "{answer}");
    assert!(answer.contains("siskin_leader 1\n"), "{answer}");
}

fn record_one(traces: &Traces) {
    let id = RolloutId { revision: Revision(0xab), attempt: 3 };
    let settings = siskin_analysis::Settings {
        interval: 10_000,
        warm_up: 0,
        false_rollback_probability: 0.01,
        minimum_evidence: siskin_analysis::MinimumEvidence::Proven,
        user: std::sync::Arc::default(),
        remembered: siskin_analysis::Remembered::default(),
    };
    let attempt = Attempt { id, settings, beginning: Beginning::Fresh };
    let recorder = traces.recorder(&Name::new("shop", "orders"));
    recorder.begin(attempt, &siskin_analysis::Record::new(0), 1_780_000_000_000);
}

#[tokio::test]
async fn lists_traces_and_names_what_it_does_not_have() {
    let admin = Admin::default();
    let served = served(&admin).await;
    let none = request(served.address, "GET /traces").await;
    assert!(none.starts_with("HTTP/1.1 200 ") && none.ends_with("\r\n\r\n[]"), "{none}");
    let unknown = request(served.address, "GET /traces/shop/orders").await;
    assert!(unknown.starts_with("HTTP/1.1 404 "), "{unknown}");
    assert!(unknown.contains("content-type: text/plain"), "{unknown}");
    let words = "there is no trace of shop/orders: /traces lists those there are\n";
    assert!(unknown.ends_with(words), "{unknown}");
    record_one(&admin.traces);
    let one = request(served.address, "GET /traces").await;
    let listed = r#"[{"namespace":"shop","name":"orders","rolloutId":"00000000ab-3","bytes":0,"state":"recording","resumed":false}]"#;
    assert!(one.contains("content-type: application/json\r\n") && one.ends_with(listed), "{one}");
}

#[tokio::test]
async fn hands_a_trace_out_as_a_gzip_file() {
    let admin = Admin::default();
    record_one(&admin.traces);
    let served = served(&admin).await;
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    // HTTP/1.0, so that the body comes in one piece.
    stream.write_all(b"GET /traces/shop/orders HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    assert!(head.starts_with("HTTP/1.0 200 "), "{head}");
    assert!(head.contains("content-type: application/gzip"), "{head}");
    assert!(!head.contains("content-encoding"), "{head}");
    let mut text = String::new();
    assert!(answer[end + 4..].starts_with(&[0x1f, 0x8b]), "no gzip");
    let mut file = siskin_trace::gzip::text(&answer[end + 4..]).unwrap();
    std::io::Read::read_to_string(&mut file, &mut text).unwrap();
    assert!(text.starts_with(r#"{"siskinTrace":1,"rollout":"shop/orders""#), "{text}");
    assert!(text.ends_with("{\"at\":1780000000000,\"mark\":\"trialStarted\"}\n"), "{text}");
}

#[tokio::test]
async fn without_a_directory_it_says_how_to_store_traces() {
    let served = served(&Admin::default()).await;
    for path in ["files", "shop/orders/20260528T202640.123Z-00000000ab-3.jsonl.gz"] {
        let answer = request(served.address, &format!("GET /traces/{path}")).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        assert!(answer.ends_with("start the operator with --trace-directory\n"), "{answer}");
    }
}

#[tokio::test]
async fn lists_stored_traces_and_hands_them_out() {
    let folder = std::env::temp_dir().join(format!("siskin-admin-{}", std::process::id()));
    let name = "20260528T202640.123Z-00000000ab-3.jsonl.gz";
    std::fs::create_dir_all(folder.join("shop/orders")).unwrap();
    std::fs::write(folder.join("shop/orders").join(name), "gzip").unwrap();
    let directory = Directory::open(&folder, crate::traces::directory::MIN_BYTES).unwrap();
    let served = served(&Admin { files: Some(Files::new(directory)), ..Admin::default() }).await;
    let list = request(served.address, "GET /traces/files").await;
    let listed = format!(r#"[{{"path":"shop/orders/{name}","bytes":4}}]"#);
    assert!(list.ends_with(&format!("\r\n\r\n{listed}")), "{list}");
    let file = request(served.address, &format!("GET /traces/shop/orders/{name}")).await;
    assert!(file.contains("content-type: application/gzip") && file.contains("gzip\r\n"), "{file}");
    for other in ["shop/bills", "shop/..%2Forders", "..%2Fshop/orders"] {
        let other = request(served.address, &format!("GET /traces/{other}/{name}")).await;
        assert!(other.starts_with("HTTP/1.1 404 "), "{other}");
        assert!(other.ends_with("/traces/files lists those there are\n"), "{other}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let gone = request(served.address, "GET /traces/files").await;
    assert!(gone.ends_with("\r\n\r\n[]"), "a directory that is gone holds nothing: {gone}");
}

#[tokio::test]
async fn answers_nothing_else() {
    let served = served(&Admin::default()).await;
    assert!(request(served.address, "GET /").await.starts_with("HTTP/1.1 404 "));
    assert!(request(served.address, "POST /healthz").await.starts_with("HTTP/1.1 405 "));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_does_not_delay_the_end() {
    let served = served(&Admin::default()).await;
    let mut silent = TcpStream::connect(served.address).await.unwrap();
    silent.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    assert!(request(served.address, "GET /healthz").await.starts_with("HTTP/1.1 200 "));
    let stopping = Instant::now();
    served.stop.send(()).unwrap();
    timeout(CLOSE_WITHIN * 3, served.task).await.unwrap().unwrap().unwrap();
    assert_eq!(stopping.elapsed().as_secs(), CLOSE_WITHIN.as_secs());
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = listen(address).await.unwrap_err().to_string();
    assert_eq!(error, format!("listen on {address} for the admin endpoints"));
}
