//! What a pod serves over HTTP, through the API server: bytes as they are.
//! Knows no trace; tells the pod's own words from those of the API server.

use http::Request;
use kube::client::Body;
use kube::core::Status;

use crate::cluster::Cluster;
use crate::cluster::ask_error::AskError;

/// Port of the operator's probes, metrics and traces.
const OPERATOR_PORT: u16 = 8080;

/// Answer of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProxyAnswer {
    Served(Vec<u8>),
    /// Not what was asked for, in the pod's own words.
    Declined {
        code: u16,
        words: String,
    },
}

impl Cluster {
    /// What an operator's pod serves at a path.
    ///
    /// # Errors
    /// The API server's own: no right, no such pod, no connection to it.
    pub(crate) async fn served(
        &self,
        namespace: &str,
        pod: &str,
        path: &str,
    ) -> Result<ProxyAnswer, AskError> {
        let uri = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{OPERATOR_PORT}/proxy{path}");
        let what = format!("pod {namespace}/{pod}");
        let request = Request::get(uri).body(Body::empty());
        let request = request
            .map_err(|it| AskError::Refused { what: what.clone(), cause: it.to_string() })?;
        let answer = self.client().send(request).await.map_err(|it| self.error(&it, &what))?;
        let code = answer.status();
        let body = answer.into_body().collect_bytes().await;
        let body = body.map_err(|it| self.error(&it, &what))?.to_vec();
        if code.is_success() {
            return Ok(ProxyAnswer::Served(body));
        }
        // Only the API server speaks in its own objects.
        if let Ok(status) = serde_json::from_slice::<Status>(&body) {
            return Err(self.error(&kube::Error::Api(Box::new(status)), &what));
        }
        let words = String::from_utf8_lossy(&body).trim().to_owned();
        Ok(ProxyAnswer::Declined { code: code.as_u16(), words })
    }
}
