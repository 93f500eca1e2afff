//! `HttpTransport` against raw servers on loopback that behave badly in one way each.
//!
//! Method: each test binds a port, plays one server over a bare socket, and checks the delivery;
//! the number of connections, or of requests that the server read, proves what was or was not sent.
//! Left out: what needs a real certificate.

#![allow(clippy::disallowed_methods, reason = "tests use the disk, threads and tasks")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]

use atsync::Clock as _;
use atsync::internals::transport::{
    Delivery, HttpOptions, HttpTransport, NotSent, Transport, WireRequest,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The server's answer after it has read a request; `None` closes at once, before reading.
async fn serve(answer: Option<&'static [u8]>) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let Some(answer) = answer else { continue };
            read_request(&mut stream).await;
            count.fetch_add(1, Ordering::SeqCst);
            if answer == b"silent" {
                std::future::pending::<()>().await;
            }
            stream.write_all(answer).await.unwrap();
        }
    });
    (port, requests)
}

async fn read_request(stream: &mut TcpStream) -> usize {
    let (mut buffer, mut seen) = ([0; 4096], Vec::new());
    loop {
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        seen.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&seen);
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")
                    .and_then(|n| n.parse::<usize>().ok())
            });
            body.len() >= length.unwrap_or(0)
        });
        if read == 0 || whole {
            return seen.len();
        }
    }
}

fn transport() -> HttpTransport {
    let mut options = HttpOptions::default();
    options.connect_timeout_ms = 2_000;
    options.exchange_timeout_ms = 600;
    options.response_bytes_max = 1_000;
    HttpTransport::new(options).unwrap()
}

fn post(url: &str) -> WireRequest {
    WireRequest {
        method: "POST".into(),
        url: url.parse().unwrap(),
        headers: vec![("content-type".into(), "application/json".into())],
        body: b"{}".to_vec(),
        private_network: true,
    }
}

async fn exchange(answer: Option<&'static [u8]>) -> (Delivery, usize) {
    let (port, requests) = serve(answer).await;
    let delivery =
        transport().exchange(post(&format!("http://127.0.0.1:{port}/v3/x?secret=1"))).await;
    (delivery, requests.load(Ordering::SeqCst))
}

fn unclear(delivery: &Delivery) -> bool {
    matches!(delivery, Delivery::Unclear(why) if !why.contains("secret"))
}

#[tokio::test]
async fn a_port_without_a_listener_means_not_sent() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let delivery = transport().exchange(post(&format!("http://127.0.0.1:{port}/"))).await;
    assert!(matches!(delivery, Delivery::NotSent(NotSent::Unreachable(_))), "{delivery:?}");
}

#[tokio::test]
async fn a_tls_handshake_that_fails_means_not_sent() {
    // One server waits for the end of a request that never comes, so the handshake times out; one
    // closes at once.
    for answer in [Some(&b"silent"[..]), None] {
        let (port, _) = serve(answer).await;
        let delivery = transport().exchange(post(&format!("https://127.0.0.1:{port}/"))).await;
        assert!(matches!(delivery, Delivery::NotSent(NotSent::Unreachable(_))), "{delivery:?}");
    }
}

#[tokio::test]
async fn a_connection_closed_at_once_is_unclear_because_the_request_may_have_been_written() {
    let (delivery, _) = exchange(None).await;
    assert!(unclear(&delivery), "{delivery:?}");
}

#[tokio::test]
async fn a_connection_closed_after_the_request_is_unclear_and_the_request_came_once() {
    let (delivery, requests) = exchange(Some(b"")).await;
    assert!(unclear(&delivery), "{delivery:?}");
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn an_answer_that_is_cut_short_is_unclear() {
    for cut in [
        &b"HTTP/1.1 200 OK\r\ncontent-le"[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        // Clear text that ends with the connection: nothing says that it is complete.
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"id\":1",
        b"not http at all\r\n\r\n",
    ] {
        let (delivery, requests) = exchange(Some(cut)).await;
        assert!(unclear(&delivery), "{:?}: {delivery:?}", String::from_utf8_lossy(cut));
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_unclear_also_when_it_only_grows_on_decompression() {
    let big: &'static [u8] = Box::leak(
        format!("HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n{}", "x".repeat(2000))
            .into_bytes()
            .into_boxed_slice(),
    );
    let (delivery, _) = exchange(Some(big)).await;
    assert!(unclear(&delivery), "{delivery:?}");
    // gzip of 5000 zeros.
    let bomb: Vec<u8> = [
        &b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 41\r\n\r\n"[..],
        GZIP_5000_ZEROS,
    ]
    .concat();
    let (delivery, _) = exchange(Some(Box::leak(bomb.into_boxed_slice()))).await;
    assert!(unclear(&delivery), "{delivery:?}");
}

const GZIP_5000_ZEROS: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 237, 193, 49, 1, 0, 0, 0, 194, 160, 74, 235, 159, 206, 20,
    126, 64, 1, 0, 0, 0, 0, 111, 3, 4, 61, 252, 168, 136, 19, 0, 0,
];

#[tokio::test]
async fn a_compressed_body_that_is_broken_or_cut_is_unclear() {
    let mut broken = GZIP_5000_ZEROS.to_vec();
    broken[25] ^= 0x55;
    for body in [
        &GZIP_5000_ZEROS[..1],
        &GZIP_5000_ZEROS[..2],
        &GZIP_5000_ZEROS[..20],
        &GZIP_5000_ZEROS[..40],
        &broken,
    ] {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let (delivery, _) =
            exchange(Some(Box::leak([head.as_bytes(), body].concat().into_boxed_slice()))).await;
        assert!(unclear(&delivery), "{delivery:?}");
    }
}

/// The product requests gzip, and a proxy labels a body that it did not compress.
#[tokio::test]
async fn clear_text_under_the_label_gzip_is_an_answer_where_its_end_is_marked() {
    for (head, body, is_answer) in [
        (&b"HTTP/1.1 201 Created\r\ncontent-encoding: gzip\r\ncontent-length: 8\r\n\r\n"[..],
            &b"{\"id\":1}"[..], true),
        (
            b"HTTP/1.1 201 Created\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n8\r\n",
            b"{\"id\":1}\r\n0\r\n\r\n",
            true,
        ),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n", b"", true),
        (b"HTTP/1.1 201 Created\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n",
            b"{\"id\":1}", false),
        (b"HTTP/1.1 201 Created\r\ncontent-encoding: gzip\r\ncontent-length: 9\r\n\r\n",
            b"{\"id\":1}", false),
    ] {
        let (delivery, _) = exchange(Some(Box::leak([head,
            body].concat().into_boxed_slice()))).await;
        let told = String::from_utf8_lossy(head).into_owned();
        match delivery {
            Delivery::Answered(response) => {
                assert!(is_answer, "{told}");
                assert!(response.body.is_empty() || response.body == b"{\"id\":1}", "{told}");
                assert!(!response.headers.iter().any(|field| field.name.starts_with("content-")),
                    "{told}");
            }
            other => assert!(!is_answer && unclear(&other), "{told}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_unclear() {
    let (delivery, requests) = exchange(Some(b"silent")).await;
    assert!(
        matches!(&delivery, Delivery::Unclear(why) if why.contains("timed out")),
        "{delivery:?}"
    );
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_complete_answer_comes_through_whole_without_cookies() {
    for (answer, status, body) in [
        (&b"HTTP/1.1 200 OK\r\nX-One: 1\r\nSet-Cookie: a=b\r\ncontent-length: 5\r\n\r\nhello"[..],
            200, &b"hello"[..]),
        (b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 201, b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", 302,
            b""),
        (b"HTTP/1.1 500 Oops\r\ncontent-length: 2\r\n\r\n{}", 500, b"{}"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, b""),
    ] {
        let (delivery, requests) = exchange(Some(answer)).await;
        let Delivery::Answered(response) = delivery else { panic!("{delivery:?}") };
        assert_eq!((response.status, &response.body[..]), (status, body));
        assert!(
            response
                .headers
                .iter()
                .all(|field| field.name != "set-cookie" && field.name == field.name.to_ascii_lowercase())
        );
        assert_eq!(requests, 1);
    }
}

/// Method: the server answers the first request, waits for the second one on the same connection,
/// reads it whole and resets. A client that resends would open a new connection; the number of
/// requests shows it.
#[tokio::test]
async fn a_write_that_meets_a_dying_kept_connection_is_unclear_and_never_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            count.fetch_add(1, Ordering::SeqCst);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            if read_request(&mut stream).await > 0 {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let transport = transport();
    let url = format!("http://127.0.0.1:{port}/?secret=1");
    assert!(matches!(transport.exchange(post(&url)).await, Delivery::Answered(_)));
    let second = transport.exchange(post(&url)).await;
    assert!(unclear(&second), "{second:?}");
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_request_that_the_egress_policy_refuses_opens_no_socket() {
    let (port, requests) = serve(Some(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
    let transport = transport();
    for (url, private_network) in [
        (format!("http://127.0.0.1:{port}/"), false),
        (format!("https://127.0.0.1:{port}/"), false),
        (format!("https://localhost:{port}/"), false),
        (format!("https://[::1]:{port}/"), false),
        (format!("https://[::ffff:127.0.0.1]:{port}/"), false),
        (format!("https://2130706433:{port}/"), false),
        ("http://169.254.169.254/latest".to_owned(), true),
        ("http://1.1.1.1/".to_owned(), true),
    ] {
        let delivery = transport.exchange(WireRequest { private_network, ..post(&url) }).await;
        assert!(matches!(delivery, Delivery::NotSent(NotSent::Refused(_))), "{url}: {delivery:?}");
    }
    let by_name = transport.exchange(post(&format!("http://localhost:{port}/"))).await;
    assert!(
        matches!(by_name, Delivery::Answered(_)),
        "a private name with the operator's leave: {by_name:?}"
    );
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

/// Method: the server answers and closes a moment later; a client that did not notice would lose
/// the second request on the dead connection.
#[tokio::test]
async fn a_kept_connection_that_the_server_has_closed_is_not_used_again() {
    let (port, requests) = serve(Some(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
    let transport = transport();
    for _ in 0..3 {
        let delivery = transport.exchange(post(&format!("http://127.0.0.1:{port}/"))).await;
        assert!(matches!(delivery, Delivery::Answered(_)), "{delivery:?}");
        atsync::SystemClock.sleep(50).await;
    }
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}
