//! A scripted server on loopback: keeps what it was asked, answers what the test says.
//! For tests only.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::address::Address;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedQuestion {
    pub(crate) path: String,
    pub(crate) form: HashMap<String, String>,
    pub(crate) headers: HeaderMap,
}

/// What is answered.
pub(crate) enum Reply {
    Body(u16, String),
    /// A redirect to this path.
    Redirect(&'static str),
    /// Bytes without end and without a length.
    Endless,
    /// Nothing at all.
    Never,
    /// A body once the test says so.
    Later(watch::Receiver<bool>, String),
}

/// The server; it ends when it is dropped.
pub(crate) struct Server {
    pub(crate) socket: SocketAddr,
    asked: Arc<Mutex<Vec<ReceivedQuestion>>>,
    _task: JoinSet<()>,
}

impl Server {
    /// Starts one that answers by `script`.
    pub(crate) async fn start(
        script: impl Fn(&ReceivedQuestion) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let socket = listener.local_addr().expect("its address");
        let asked: Arc<Mutex<Vec<ReceivedQuestion>>> = Arc::default();
        let (log, script) = (Arc::clone(&asked), Arc::new(script));
        let router = Router::new().fallback(move |request: Request| {
            let (log, script) = (Arc::clone(&log), Arc::clone(&script));
            async move {
                let question = question(request).await;
                log.lock().expect("the log").push(question.clone());
                answer(script(&question)).await
            }
        });
        let mut task = JoinSet::new();
        task.spawn(async move {
            axum::serve(listener, router).await.expect("to serve");
        });
        Self { socket, asked, _task: task }
    }

    /// Starts one that answers everything alike.
    pub(crate) async fn always(status: u16, body: &str) -> Self {
        let body = body.to_owned();
        Self::start(move |_| Reply::Body(status, body.clone())).await
    }

    /// Its address, with a path prefix.
    pub(crate) fn address(&self, prefix: &str) -> Address {
        Address::parse(&format!("http://{}{prefix}", self.socket)).expect("an address")
    }

    /// What arrived so far.
    pub(crate) fn asked(&self) -> Vec<ReceivedQuestion> {
        self.asked.lock().expect("the log").clone()
    }
}

/// A vector as Prometheus answers it: per series the labels as JSON, and the value.
pub(crate) fn vector(series: &[(&str, &str)]) -> String {
    let series: Vec<String> = series
        .iter()
        .map(|(labels, value)| format!(r#"{{"metric":{labels},"value":[1700000012,"{value}"]}}"#))
        .collect();
    let result = series.join(",");
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{result}]}}}}"#)
}

async fn question(request: Request) -> ReceivedQuestion {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1024 * 1024).await.expect("a body");
    let form = serde_urlencoded::from_bytes(&body).expect("a form");
    ReceivedQuestion { path: parts.uri.path().to_owned(), form, headers: parts.headers }
}

async fn answer(reply: Reply) -> Response {
    match reply {
        Reply::Body(status, body) => {
            (StatusCode::from_u16(status).expect("a status"), body).into_response()
        }
        Reply::Redirect(to) => (StatusCode::FOUND, [("location", to)]).into_response(),
        Reply::Endless => {
            let chunk = Bytes::from_static(&[b' '; 8 * 1024]);
            Body::from_stream(stream::repeat(Ok::<_, Infallible>(chunk))).into_response()
        }
        Reply::Never => std::future::pending().await,
        Reply::Later(mut go, body) => {
            go.wait_for(|go| *go).await.expect("the word");
            body.into_response()
        }
    }
}
