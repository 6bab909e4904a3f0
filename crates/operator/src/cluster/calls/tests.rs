//! How calls end that are answered late. No server is asked.
//! What is read or written does not matter.

use serde_json::json;

use super::*;
use crate::cluster::refusal::RefusalReason;

/// An answer of the API server after a webhook was silent for its longest timeout.
async fn unanswered_webhook() -> kube::Result<()> {
    tokio::time::sleep(Duration::from_secs(30)).await;
    let status = json!({
        "status": "Failure", "code": 500, "reason": "InternalError",
        "message": "Internal error occurred: failed calling webhook \"labels.policy\": timeout",
    });
    Err(kube::Error::Api(Box::new(serde_json::from_value(status).unwrap())))
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_times_out_is_told_in_the_servers_words() {
    let what = || "Deployment orders-canary".to_owned();
    let refused = admitted("patch", what, unanswered_webhook()).await.unwrap_err();
    assert!(refused.told().contains("labels.policy"), "{}", refused.told());
    assert_eq!(refused.refusal(), Some(RefusalReason::WebhookUnavailable));
}
