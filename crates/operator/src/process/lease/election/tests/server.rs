//! An API server that knows one Lease: versions, preconditions, and ways to fail.
//! Answers as the real one does on the wire; it has no rules of the election.

use std::sync::{Arc, Mutex, MutexGuard};

use http::{Method, Request, Response, StatusCode};
use k8s_openapi::api::coordination::v1::Lease;
use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock::{self, SendResponse};

/// How one client's connection to the server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// Every request is answered.
    Up,
    /// No request arrives, none is answered.
    Cut,
    /// Requests are carried out, their answers get lost.
    Deaf,
    /// Every request is refused with this status.
    Refused(u16),
}

/// The server. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Server {
    stored: Arc<Mutex<Stored>>,
}

/// One client's end: the link to break, and what it has sent.
#[derive(Clone)]
pub(super) struct Line {
    state: Arc<Mutex<(Link, Vec<String>)>>,
}

#[derive(Default)]
struct Stored {
    lease: Option<Value>,
    version: u64,
}

impl Server {
    /// A client of this server on its own line.
    pub(super) fn client(&self) -> (kube::Client, Line) {
        let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
        let line = Line { state: Arc::new(Mutex::new((Link::Up, vec![]))) };
        let (server, far_end) = (self.clone(), line.clone());
        tokio::spawn(async move {
            let mut unanswered = vec![];
            while let Some((request, reply)) = requests.next_request().await {
                if let Some(lost) = server.receive(&far_end, request, reply).await {
                    unanswered.push(lost);
                }
            }
        });
        (kube::Client::new(service, "default"), line)
    }

    /// The stored Lease.
    pub(super) fn lease(&self) -> Lease {
        serde_json::from_value(self.lock().lease.clone().expect("a lease")).expect("a valid one")
    }

    /// Stores a Lease as some other hand would, with a new version; `None` deletes it.
    pub(super) fn put(&self, lease: Option<Value>) {
        let mut stored = self.lock();
        stored.lease = None;
        if let Some(lease) = lease {
            stored.store(lease);
        }
    }

    /// Changes the stored Lease as some other hand would.
    pub(super) fn edit(&self, change: impl FnOnce(&mut Value)) {
        let mut stored = self.lock();
        let mut lease = stored.lease.clone().expect("a lease");
        change(&mut lease);
        stored.store(lease);
    }

    async fn receive(
        &self,
        line: &Line,
        request: Request<Body>,
        reply: SendResponse<Response<Body>>,
    ) -> Option<SendResponse<Response<Body>>> {
        let (head, body) = request.into_parts();
        line.lock().1.push(format!("{} {}", head.method, head.uri.path()));
        let body = body.collect_bytes().await.expect("a body in memory");
        let state = line.lock().0;
        let (status, answer) = match state {
            Link::Cut => return Some(reply),
            Link::Refused(code) => status(code, "Refused"),
            Link::Up | Link::Deaf => self.carry_out(&head.method, &body),
        };
        if state == Link::Deaf {
            return Some(reply);
        }
        let answer = Body::from(serde_json::to_vec(&answer).expect("JSON"));
        let status = StatusCode::from_u16(status).expect("a status code");
        reply.send_response(Response::builder().status(status).body(answer).expect("a response"));
        None
    }

    fn carry_out(&self, method: &Method, body: &[u8]) -> (u16, Value) {
        let mut stored = self.lock();
        let sent = || serde_json::from_slice::<Value>(body).expect("JSON");
        match (method.as_str(), stored.lease.clone()) {
            ("GET", Some(lease)) => (200, lease),
            ("GET" | "PUT", None) => status(404, "NotFound"),
            ("POST", None) => (201, stored.store(sent())),
            ("POST", Some(_)) => status(409, "AlreadyExists"),
            ("PUT", Some(lease)) => {
                let sent = sent();
                let version = &sent["metadata"]["resourceVersion"];
                assert!(version.is_string(), "a write without a precondition: {sent}");
                if *version == lease["metadata"]["resourceVersion"] {
                    (200, stored.store(sent))
                } else {
                    status(409, "Conflict")
                }
            }
            (other, _) => panic!("the election has no use for {other}"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().expect("no panic while it was held")
    }
}

impl Line {
    /// From now on the link is like this.
    pub(super) fn set(&self, link: Link) {
        self.lock().0 = link;
    }

    /// What was sent since the last call: method and path.
    pub(super) fn take_sent(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().1)
    }

    fn lock(&self) -> MutexGuard<'_, (Link, Vec<String>)> {
        self.state.lock().expect("no panic while it was held")
    }
}

impl Stored {
    fn store(&mut self, mut lease: Value) -> Value {
        self.version += 1;
        lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.lease = Some(lease.clone());
        lease
    }
}

fn status(code: u16, reason: &str) -> (u16, Value) {
    let body = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure",
        "message": reason, "reason": reason, "code": code,
    });
    (code, body)
}
