//! `Idempotency-Key` over HTTP.

use crate::serve_support::Served;

#[tokio::test]
async fn an_action_with_a_key_is_carried_out_once_also_over_a_restart() {
    let served = Served::start("").await;
    let batch = "{\"key\":\"a\",\"emails\":[\"a@new.example.com\"]}\n";
    let post = async |served: &Served, key: &str, body: &str| {
        let headers = format!("idempotency-key: {key}\r\ncontent-type: application/x-ndjson\r\n");
        served.ask("POST /v1/connections/acme/desired", &headers, body).await
    };
    let first = post(&served, "k1", batch).await;
    assert_eq!((first.status, first.json()["created"].as_u64()), (200, Some(1)), "{first:?}");
    let again = post(&served, "k1", batch).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert!(again.head.contains("idempotency-replayed: true"), "{again:?}");
    let other = post(&served, "k1", "{\"key\":\"b\"}\n").await;
    assert_eq!((other.status, other.problem()), (422, "key-reused".to_owned()));
    let none = post(&served, "k2", batch).await;
    assert_eq!(none.json()["unchanged"], 1, "another key is another action: {none:?}");
    for bad in ["", &"k".repeat(201), "a b"] {
        assert_eq!(post(&served, bad, batch).await.problem(), "invalid", "{bad:?}");
    }
    // A refusal is not kept: the same request is read again, and refused again.
    let refused = post(&served, "k3", "{").await;
    assert_eq!(post(&served, "k3", "{").await.body, refused.body);
    let (_, site) = served.ended().await;
    let served = Served::again(site, "").await;
    let again = post(&served, "k1", batch).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    // An answer that shows a candidate is not kept.
    let headers = "idempotency-key: k4\r\n";
    let apply = async || served.ask("POST /v1/connections/acme/apply", headers, "").await;
    assert_eq!(apply().await.status, 200);
    assert_eq!(apply().await.body, "{\"replayed\":true}");
    assert_eq!(served.end().await, 0);
}
